//! How near to the proof was the search, and when? The best objective found and the bound below which none is, over time.

use crate::View;
use crate::number::{count, pretty};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, text, text_width};
use crate::theme::{Paint, size};

/// What was known at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// Seconds since the search began.
    pub seconds: f64,
    /// No set has a smaller objective.
    pub lower: f64,
    /// The objective of the best set known.
    pub upper: Option<f64>,
    /// Nodes looked at.
    pub nodes: u64,
}

/// A search, from its first bound to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct GapCurve {
    /// What is searched: `income = >50K`.
    pub about: String,
    /// Rows, candidates, λ.
    pub subtitle: String,
    /// Moments by rising time; the last is the end.
    pub trail: Vec<Known>,
    /// Whether the ends meet.
    pub is_proven: bool,
}

impl GapCurve {
    fn title(&self) -> String {
        match self.trail.last() {
            Some(last) if self.is_proven => {
                format!(
                    "Proven after {} s: nothing is below {}",
                    pretty(last.seconds, 2),
                    pretty(last.lower, 4)
                )
            }
            Some(Known { lower, upper: Some(upper), .. }) => {
                format!("Not proven: the best is between {} and {}", pretty(*lower, 4), pretty(*upper, 4))
            }
            _ => "Nothing is known yet".to_owned(),
        }
    }

    fn caption(&self) -> String {
        let nodes = self.trail.last().map_or(0, |last| last.nodes);
        let nodes = count(usize::try_from(nodes).unwrap_or(usize::MAX));
        let nodes = if nodes == "1" { "1 node".to_owned() } else { format!("{nodes} nodes") };
        format!("Above the best set found, below the bound that no set is under; {nodes} looked at.")
    }
}

const HEIGHT: f64 = 180.0;

impl View for GapCurve {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let ends = self.trail.iter().flat_map(|known| [Some(known.lower), known.upper]).flatten();
        let all: Vec<f64> = ends.collect();
        let labels = ["best found", "bound"].map(|label| text_width(label, size::SMALL, false));
        let right = width - 28.0 - labels[0].max(labels[1]);
        let left =
            20.0 + all.iter().map(|x| text_width(&pretty(*x, 4), size::TICK, false)).fold(36.0, f64::max);
        let (top, bottom) = (frame.top + 8.0, frame.top + 8.0 + HEIGHT);
        let last = self.trail.last().map_or(1.0, |known| known.seconds).max(1e-6);
        let x = Axis::over([0.0, last].into_iter(), [left, right], 0.0);
        // Ends that meet at once have room around them, and no scale of their own size.
        let middle = all.iter().copied().fold(0.0, f64::max).abs().max(1e-6);
        let spread = [-0.02, 0.02].map(|share| all.last().map_or(0.0, |last| last + share * middle));
        let y = Axis::over(all.iter().copied().chain(spread), [bottom, top], 0.06);
        let end = x.draw_below(&mut frame.scene, top, bottom, "seconds");
        y.draw_left(&mut frame.scene, left, right);
        // What is known stays known until more is: steps, not slopes.
        let steps = |value: &dyn Fn(&Known) -> Option<f64>| {
            let mut points: Vec<[f64; 2]> = Vec::new();
            for known in &self.trail {
                let Some(value) = value(known) else { continue };
                if let Some(before) = points.last().copied() {
                    points.push([x.at(known.seconds), before[1]]);
                }
                points.push([x.at(known.seconds), y.at(value)]);
            }
            if let Some(before) = points.last().copied() {
                points.push([x.at(last), before[1]]);
            }
            points
        };
        let upper = steps(&|known| known.upper);
        let lower = steps(&|known| Some(known.lower));
        let mut labelled: Vec<(f64, &str, Paint)> = Vec::new();
        for (points, label, paint) in [
            (upper, "best found", Paint::Accent),
            (lower, "bound", if self.is_proven { Paint::Proven } else { Paint::Bounded }),
        ] {
            if let Some(at) = points.last() {
                labelled.push((at[1], label, paint));
                let title = label.to_owned();
                frame.scene.marks.push(Mark::Polyline { points, paint, width: 2.0, opacity: 1.0, title });
            }
        }
        // Where the ends meet, the names stand above and below.
        let apart = labelled.windows(2).all(|pair| (pair[0].0 - pair[1].0).abs() > 14.0);
        for (nth, (at, label, paint)) in labelled.iter().enumerate() {
            let shift = if apart {
                4.0
            } else if nth == 0 {
                -3.0
            } else {
                11.0
            };
            frame.scene.text([right + 8.0, at + shift], label, size::SMALL, *paint, Anchor::Start);
        }
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let (names, rows) = self.table();
        let wide = (columns / names.len()).clamp(10, 20);
        let line =
            |cells: &[String]| cells.iter().map(|cell| text::right(cell, wide)).collect::<String>() + "\n";
        format!(
            "{}\n{}\n\n{}{}",
            self.title(),
            self.subtitle,
            line(&names),
            rows.iter().map(|row| line(row)).collect::<String>()
        )
    }

    fn sentence(&self) -> String {
        format!("The search for {}. {}.", self.about, self.title())
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let row = |known: &Known| {
            let upper = known.upper.map_or("–".to_owned(), |upper| pretty(upper, 6));
            vec![pretty(known.seconds, 3), upper, pretty(known.lower, 6), known.nodes.to_string()]
        };
        (
            ["seconds", "best found", "bound", "nodes"].map(str::to_owned).to_vec(),
            self.trail.iter().map(row).collect(),
        )
    }
}
