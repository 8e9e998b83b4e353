//! What pulls this row up, and what down? One strip: raising features meet lowering ones at the margin.

use crate::View;
use crate::number::{count, percent, pretty, signed};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, cut_middle, text_width};
use crate::subject::{Subject, answer_axis, answer_word};
use crate::theme::{Paint, size};
use crate::waterfall::{Waterfall, waterfall};

/// One row's explanation as a strip.
#[derive(Debug, Clone, PartialEq)]
pub struct Force {
    /// The same numbers as a waterfall's.
    pub steps: Waterfall,
    subtitle: String,
    unit: String,
}

/// The strip of one of the rows shown; features that are too narrow for a label are drawn without.
#[must_use]
pub fn force(subject: &Subject, shown: usize) -> Force {
    let steps = waterfall(subject, shown, subject.features.len());
    Force { steps, subtitle: subject.subtitle_of_row(), unit: subject.unit.clone() }
}

const HEIGHT: f64 = 34.0;
/// How far a tip points.
const TIP: f64 = 6.0;

impl Force {
    fn answer(&self) -> String {
        let probability = self.steps.probability.map_or(String::new(), |p| format!(" ({})", percent(p)));
        format!("{}{probability}", pretty(self.steps.margin, 3))
    }

    /// Feature, value, and from where to where it reaches. Raising ones end at the margin, lowering ones
    /// start there, the largest nearest to it.
    fn pieces(&self) -> Vec<(&crate::waterfall::Step, f64, f64)> {
        let margin = self.steps.margin;
        let mut pieces = Vec::new();
        for raises in [true, false] {
            let mut at = margin;
            for step in self.steps.steps.iter().filter(|step| (step.by >= 0.0) == raises) {
                pieces.push((step, at - step.by, at));
                at -= step.by;
            }
        }
        pieces
    }
}

impl View for Force {
    fn scene(&self, width: f64) -> Scene {
        let title = format!("Row {}: what pulls it to {}", count(self.steps.row), self.answer());
        let mut frame = Frame::new(width, &title, &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let pieces = self.pieces();
        let reach =
            pieces.iter().flat_map(|(_, from, to)| [*from, *to]).chain([self.steps.base, self.steps.margin]);
        let axis = Axis::over(reach, [28.0, width - 28.0], 0.02);
        let strip = frame.top + 44.0;
        let labels = strip + HEIGHT;
        let bottom = labels + 50.0;
        let end = axis.draw_below(&mut frame.scene, strip - 8.0, bottom, &answer_axis(&self.unit));
        let scene = &mut frame.scene;
        // Labels go below their piece, largest first, where there is room.
        let mut taken: Vec<[f64; 2]> = Vec::new();
        for (step, from, to) in &pieces {
            let (x0, x1) = (axis.at(*from), axis.at(*to));
            // Raising pieces point right, lowering ones (drawn from right to left) point left.
            let tip = TIP.min((x1 - x0).abs()).copysign(x1 - x0);
            let points = vec![
                [x0, strip],
                [x1 - tip, strip],
                [x1, strip + HEIGHT / 2.0],
                [x1 - tip, strip + HEIGHT],
                [x0, strip + HEIGHT],
                [x0 + tip, strip + HEIGHT / 2.0],
            ];
            let title = format!("{}: {}", step.named(" "), signed(step.by, 4));
            scene.marks.push(Mark::Polygon { points, fill: Paint::signed(step.by), title });
            scene.line([x1 - tip, strip], [x1, strip + HEIGHT / 2.0], Paint::Surface, 1.0, false);
            scene.line([x1, strip + HEIGHT / 2.0], [x1 - tip, strip + HEIGHT], Paint::Surface, 1.0, false);
            let label = step.named(" ");
            let middle = (x0 + x1) / 2.0;
            let room = ((x1 - x0).abs() + 60.0).min(220.0);
            let label = cut_middle(&label, room, size::TICK, false);
            let half = text_width(&label, size::TICK, false) / 2.0 + 5.0;
            let middle = middle.clamp(20.0 + half, width - 20.0 - half);
            let free = taken.iter().all(|t| middle + half < t[0] || middle - half > t[1]);
            if (x1 - x0).abs() > 14.0 && free && label.chars().count() > 3 {
                taken.push([middle - half, middle + half]);
                // Grid lines go behind it, not through it.
                scene.rect([middle - half + 2.0, labels + 7.0], [2.0 * half - 4.0, 30.0], Paint::Surface, "");
                scene.text([middle, labels + 18.0], &label, size::TICK, Paint::Ink, Anchor::Middle);
                scene.text(
                    [middle, labels + 33.0],
                    &signed(step.by, 3),
                    size::TICK,
                    Paint::signed(step.by),
                    Anchor::Middle,
                );
            }
        }
        let (base, margin) = (axis.at(self.steps.base), axis.at(self.steps.margin));
        scene.line([margin, strip - 10.0], [margin, labels + 4.0], Paint::Ink, 1.5, false);
        scene.line([base, strip - 6.0], [base, labels + 4.0], Paint::Muted, 1.0, true);
        let answer = format!("{} {}", answer_word(&self.unit), self.answer());
        let own = text_width(&answer, size::SMALL, true) / 2.0;
        let x = margin.clamp(20.0 + own, width - 20.0 - own);
        let at = [x, strip - 16.0];
        let (text, paint, anchor) = (answer, Paint::Ink, Anchor::Middle);
        scene.marks.push(Mark::Text {
            at,
            text,
            size: size::SMALL,
            paint,
            anchor,
            bold: true,
            title: String::new(),
        });
        let text = format!("base {}", pretty(self.steps.base, 3));
        let other = text_width(&text, size::TICK, false) / 2.0;
        let side = if base < margin { -1.0 } else { 1.0 };
        // Out of the way of the margin's label.
        let clear = if (base - x).abs() < own + other + 8.0 { x + side * (own + other + 8.0) } else { base };
        let clear = clear.clamp(20.0 + other, width - 20.0 - other);
        if (clear - x).abs() >= own + other {
            scene.text([clear, strip - 16.0], &text, size::TICK, Paint::Muted, Anchor::Middle);
        }
        frame.finish(end, Some(&format!("Orange raises, blue lowers; they meet at the {}. Narrow pieces have no label, only a hover text.", answer_word(&self.unit))))
    }

    fn text(&self, columns: usize) -> String {
        self.steps.text(columns)
    }

    fn sentence(&self) -> String {
        self.steps.sentence()
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        self.steps.table()
    }
}
