//! How do many rows get from the base to their margins? One line a row, a feature at a time.

use crate::View;
use crate::number::{count, others, pretty};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, text};
use crate::subject::{Subject, answer_axis, answer_word, answer_words};
use crate::theme::{Paint, size};

/// More lines than this can't be told apart.
const MOST_LINES: usize = 120;

/// One row's way.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The row's number in the data.
    pub row: usize,
    /// The running sum: base first, then after every feature from the least to the most important.
    pub sums: Vec<f64>,
}

/// Rows on their way from the base to their margins.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Features in the order of steps; the first stands for those left out, if any are.
    pub steps: Vec<String>,
    /// One line a row.
    pub lines: Vec<Line>,
    subtitle: String,
    unit: String,
    base: f64,
    n_rows: usize,
}

/// The ways of some rows over at most `top` features.
#[must_use]
pub fn decision(subject: &Subject, top: usize) -> Decision {
    let order = subject.by_importance();
    let (first, hidden) = order.split_at(top.min(order.len()));
    let mut steps = Vec::new();
    if !hidden.is_empty() {
        steps.push(others(hidden.len()));
    }
    steps.extend(first.iter().rev().map(|&f| subject.features[f].name.clone()));
    let stride = subject.n_shown().div_ceil(MOST_LINES).max(1);
    let line = |row: usize| {
        let mut sums = vec![subject.base];
        let mut sum = subject.base;
        let parts = (!hidden.is_empty()).then(|| hidden.iter().map(|&f| subject.value(row, f)).sum());
        for by in parts.into_iter().chain(first.iter().rev().map(|&f| subject.value(row, f))) {
            sum += by;
            sums.push(sum);
        }
        Line { row: subject.rows[row], sums }
    };
    Decision {
        steps,
        lines: (0..subject.n_shown()).step_by(stride).map(line).collect(),
        subtitle: subject.subtitle(),
        unit: subject.unit.clone(),
        base: subject.base,
        n_rows: subject.totals.n_rows,
    }
}

const ROW: f64 = 28.0;

impl Decision {
    fn caption(&self) -> String {
        format!(
            "{} of {} rows from the base {} (bottom) to their {} (top), which color them; each height adds the \
             feature named there.",
            count(self.lines.len()),
            count(self.n_rows),
            pretty(self.base, 4),
            answer_words(&self.unit)
        )
    }
}

impl View for Decision {
    fn scene(&self, width: f64) -> Scene {
        let title = &format!("The way from the base to each {}", answer_word(&self.unit));
        let mut frame = Frame::new(width, title, &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let labels = crate::render::label_width(self.steps.iter().map(String::as_str), width);
        let left = 20.0 + labels + 16.0;
        let axis =
            Axis::over(self.lines.iter().flat_map(|l| l.sums.iter().copied()), [left, width - 24.0], 0.02);
        let top = frame.top + 10.0;
        let n = self.steps.len();
        let bottom = top + ROW * n as f64;
        let end =
            axis.draw_below(&mut frame.scene, top, bottom, &format!("{} so far", answer_axis(&self.unit)));
        for (at, name) in self.steps.iter().enumerate() {
            let y = bottom - ROW * (at as f64 + 0.5);
            frame.scene.fitted([left - 16.0, y + 4.5], name, labels, size::LABEL, Paint::Ink, Anchor::End);
            frame.scene.line([left, y + ROW / 2.0], [width - 24.0, y + ROW / 2.0], Paint::Line, 0.5, false);
        }
        let ends = || self.lines.iter().filter_map(|line| line.sums.last().copied());
        let (low, high) = ends().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        for line in &self.lines {
            let Some(&end) = line.sums.last() else { continue };
            let at = |(step, &sum): (usize, &f64)| [axis.at(sum), bottom - ROW * step as f64];
            let points = line.sums.iter().enumerate().map(at).collect();
            let share = if high > low { (end - low) / (high - low) } else { 0.5 };
            let title = format!("row {}: {}", count(line.row), pretty(end, 4));
            frame.scene.marks.push(Mark::Polyline {
                points,
                paint: Paint::scale(share),
                width: 1.2,
                opacity: 0.6,
                title,
            });
        }
        frame.scene.line([axis.at(self.base), top], [axis.at(self.base), bottom], Paint::Muted, 1.0, true);
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let mut out =
            format!("The way from the base to each {}\n{}\n\n", answer_word(&self.unit), self.subtitle);
        for (at, step) in self.steps.iter().enumerate().rev() {
            let mut sums: Vec<f64> = self.lines.iter().map(|line| line.sums[at + 1]).collect();
            sums.sort_by(f64::total_cmp);
            let ends = (sums.first(), sums.last());
            let range = ends
                .0
                .zip(ends.1)
                .map_or(String::new(), |(l, h)| format!("{} … {}", pretty(*l, 3), pretty(*h, 3)));
            out += &format!("{} {range}\n", text::left(&text::cut(step, columns / 2), columns / 2));
        }
        out + &format!("{} {}\n{}\n", text::left("base", columns / 2), pretty(self.base, 3), self.caption())
    }

    fn sentence(&self) -> String {
        let last: Vec<&str> = self.steps.iter().rev().take(3).map(String::as_str).collect();
        format!(
            "{} rows from one base to their {}; they part most at {}.",
            count(self.lines.len()),
            answer_words(&self.unit),
            last.join(", ")
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let names =
            std::iter::once("row".to_owned()).chain(["base".to_owned()]).chain(self.steps.iter().cloned());
        let row = |line: &Line| {
            std::iter::once(count(line.row)).chain(line.sums.iter().map(|&sum| pretty(sum, 4))).collect()
        };
        (names.collect(), self.lines.iter().take(20).map(row).collect())
    }
}
