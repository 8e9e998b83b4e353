//! Which heads do most of one thing? Blocks down, heads across, one shade a head.
//!
//! Shades go from 0 to the largest number, which the key tells; heads that were chosen have a frame.

use crate::View;
use crate::lens_table::{shade_key_to, text_in};
use crate::number::{count, fixed, hundredths, pretty};
use crate::render::scene::{Anchor, Mark, Scene, Target};
use crate::render::{Frame, text};
use crate::theme::{Paint, size};

/// A number of every head.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadMatrix {
    /// What was run.
    pub subtitle: String,
    /// What the number is: `attention to the token before`.
    pub measure: String,
    /// What the first one does: `attends most to the token before`.
    pub does: String,
    /// Said instead where all numbers are 0.
    pub none: String,
    /// Whether the numbers are shares, from 0 to 1.
    pub is_share: bool,
    /// Heads of a block.
    pub n_heads: usize,
    /// Row-major: blocks × heads; 0 and more, or missing where there is no number.
    pub values: Vec<f64>,
    /// Heads that were chosen, by their places among the values.
    pub chosen: Vec<usize>,
    /// What there is to know of the numbers.
    pub checked: String,
}

const ROW: f64 = 18.0;
/// The narrowest cell that has room for a number.
const NUMBER: f64 = 26.0;

impl HeadMatrix {
    fn name(&self, at: usize) -> String {
        let n = self.n_heads.max(1);
        format!("a{}.h{}", at / n, at % n)
    }

    /// The largest first, equal ones in their order.
    fn largest(&self) -> Vec<(usize, f64)> {
        let all = self.values.iter().copied().enumerate();
        let mut all: Vec<(usize, f64)> = all.filter(|(_, value)| !value.is_nan()).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all
    }

    fn most(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max)
    }

    fn title(&self) -> String {
        match self.largest().first() {
            Some(&(at, value)) if value > 0.0 => {
                format!("{} {}: {}", self.name(at), self.does, self.said(value))
            }
            _ => self.none.clone(),
        }
    }

    fn caption(&self, has_numbers: bool) -> String {
        let numbers = if has_numbers && self.is_share { " Numbers are hundredths." } else { "" };
        let chosen = if self.chosen.is_empty() { "" } else { " Heads in a frame were chosen." };
        format!("One cell a head: {}.{numbers}{chosen} {}", self.measure, self.checked).trim_end().to_owned()
    }

    /// A number as sentences have it: shares to the hundredth.
    fn said(&self, value: f64) -> String {
        if self.is_share { fixed(value, 2) } else { pretty(value, 2) }
    }

    fn written(&self, value: f64) -> String {
        if self.is_share { hundredths(value) } else { pretty(value, 2) }
    }

    fn cell(&self, scene: &mut Scene, at: usize, [x, y]: [f64; 2], step: f64) {
        let (value, most) = (self.values[at], self.most());
        let fill = if value > 0.0 { Paint::shade(value / most) } else { Paint::Surface };
        let said = if value.is_nan() { "–".to_owned() } else { pretty(value, 3) };
        let title = format!("{}: {said}", self.name(at));
        scene.cell([x, y], [step - 1.0, ROW - 1.0], fill, &title);
        if step >= NUMBER && value > 0.0 {
            let middle = [x + (step - 1.0) / 2.0, y + 12.5];
            text_in(scene, middle, &self.written(value), step - 4.0, fill.text_on(), &title);
        }
        let go = ("head", self.name(at));
        scene.targets.push(Target { at: [x, y], size: [step, ROW], go, label: title });
    }
}

/// A frame around a cell.
fn frame_around(scene: &mut Scene, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
    let points = vec![[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]];
    let title = String::new();
    scene.marks.push(Mark::Polyline { points, paint: Paint::Ink, width: 2.0, opacity: 1.0, title });
}

impl View for HeadMatrix {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let scene = &mut frame.scene;
        let n = self.n_heads.max(1);
        let n_layers = self.values.len() / n;
        let left = 20.0 + 36.0;
        let step = ((scene.width - 20.0 - left) / n as f64).min(46.0);
        let top = frame.top + 24.0;
        let every = (26.0 / step).ceil().max(1.0) as usize;
        for head in (0..n).step_by(every) {
            let at = [left + step * (head as f64 + 0.5), top - 8.0];
            scene.text(at, &format!("h{head}"), size::TICK, Paint::Muted, Anchor::Middle);
        }
        let place = |at: usize| [left + step * (at % n) as f64, top + ROW * (at / n) as f64];
        for layer in 0..n_layers {
            let y = top + ROW * layer as f64 + 13.0;
            scene.text([left - 10.0, y], &format!("L{layer}"), size::SMALL, Paint::Ink, Anchor::End);
            for head in 0..n {
                let at = layer * n + head;
                self.cell(scene, at, place(at), step);
            }
        }
        for &at in self.chosen.iter().filter(|at| **at < self.values.len()) {
            frame_around(scene, place(at), [step - 1.0, ROW - 1.0]);
        }
        let key = top + ROW * n_layers as f64 + 20.0;
        let what = if self.is_share { "share of its attention" } else { "tokens" };
        shade_key_to(scene, [20.0, key], what, &self.said(self.most()));
        frame.finish(key + 4.0, Some(&self.caption(step >= NUMBER)))
    }

    fn text(&self, columns: usize) -> String {
        let (names, rows) = self.table();
        let shown: Vec<Vec<String>> = rows.into_iter().take(20).collect();
        let table = text::table(&names, &shown, columns);
        format!("{}\n{}\n\n{table}\n{}\n", self.title(), self.subtitle, self.caption(false))
    }

    fn sentence(&self) -> String {
        let largest = self.largest();
        let said = largest.iter().take(3).filter(|(_, value)| *value > 0.0);
        let said: Vec<String> =
            said.map(|(at, value)| format!("{} ({})", self.name(*at), self.said(*value))).collect();
        if said.is_empty() {
            return format!("{}.", self.none);
        }
        let n = count(self.values.len());
        format!("Of {n} heads, by {}, the first: {}.", self.measure, said.join(", "))
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let names = ["head", self.measure.as_str()].map(str::to_owned).to_vec();
        let row = |(at, value): (usize, f64)| vec![self.name(at), pretty(value, 4)];
        (names, self.largest().into_iter().map(row).collect())
    }
}
