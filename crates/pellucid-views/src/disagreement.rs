//! On which rows do the good models disagree?
//!
//! Above, all rows: those on which every model says 0, those on which models disagree, those on which every model
//! says 1. Below, the middle part alone: rows by the share of models that say 1. Ambiguity and discrepancy are those
//! of Marx, Calmon & Ustun (Predictive multiplicity in classification, 2020).

use crate::View;
use crate::number::{amount, percent, pretty};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, text, text_width};
use crate::theme::{Paint, size};

/// Rows by how many of the good models predict 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Disagreement {
    /// The finding.
    pub title: String,
    /// Data, method, exact or estimated.
    pub subtitle: String,
    /// Weight of the rows on which models disagree, by the share that predicts 1, in equal bins from 0 to 1.
    pub bins: Vec<f64>,
    /// Weight of the rows on which every model predicts 0.
    pub all_zero: f64,
    /// Weight of the rows on which every model predicts 1.
    pub all_one: f64,
    /// The share of rows on which some model contradicts the best.
    pub ambiguity: f64,
    /// The largest share of rows on which one model contradicts the best.
    pub discrepancy: f64,
}

const HEIGHT: f64 = 180.0;
const BAR: f64 = 18.0;

impl Disagreement {
    fn disputed(&self) -> f64 {
        self.bins.iter().sum()
    }

    fn total(&self) -> f64 {
        self.all_zero + self.disputed() + self.all_one
    }

    fn share(&self, rows: f64) -> String {
        percent(if self.total() > 0.0 { rows / self.total() } else { 0.0 })
    }

    /// Where a bin begins and ends, as shares.
    fn ends(&self, at: usize) -> String {
        let n = self.bins.len() as f64;
        let [from, to] = [at, at + 1].map(|at| pretty(at as f64 / n * 100.0, 3));
        format!("{from} to {to} %")
    }

    fn caption(&self) -> String {
        format!(
            "{} rows. Ambiguity {}: rows on which some good model contradicts the best. Discrepancy {}: the most rows \
             on which one does.",
            amount(self.total()),
            percent(self.ambiguity),
            percent(self.discrepancy)
        )
    }

    /// All rows as one bar; answers where its middle part begins and ends.
    fn draw_all(&self, scene: &mut Scene, y: f64) -> [f64; 2] {
        let (left, right) = (20.0, scene.width - 20.0);
        let share = |rows: f64| if self.total() > 0.0 { rows / self.total() } else { 0.0 };
        let from = left + (right - left) * share(self.all_zero);
        let to = (right - (right - left) * share(self.all_one)).max(from);
        let part = |scene: &mut Scene, [from, to]: [f64; 2], fill, title: &str| {
            if to > from && self.total() > 0.0 {
                scene.cell([from, y], [to - from, BAR], fill, title);
            }
        };
        let said =
            [self.all_zero, self.disputed(), self.all_one].map(|rows| format!("{} rows", amount(rows)));
        part(scene, [left, from - 1.0], Paint::Faint, &format!("all predict 0: {}", said[0]));
        part(scene, [from, to], Paint::Accent, &format!("models disagree: {}", said[1]));
        part(scene, [to + 1.0, right], Paint::Faint, &format!("all predict 1: {}", said[2]));
        let room = (right - left) / 2.0 - 8.0;
        for (at, x, anchor, name, rows) in [
            (0, left, Anchor::Start, "all predict 0", self.all_zero),
            (2, right, Anchor::End, "all predict 1", self.all_one),
        ] {
            scene.strong([x, y - 22.0], name, size::SMALL, Paint::Ink, anchor);
            let line = format!("{} · {}", said[at], self.share(rows));
            scene.fitted([x, y - 7.0], &line, room, size::SMALL, Paint::Muted, anchor);
        }
        [from, to]
    }

    fn draw_bins(&self, scene: &mut Scene, axis: &Axis, up: &Axis, bottom: f64) {
        let step = 1.0 / self.bins.len().max(1) as f64;
        let fits = self.fits(axis);
        for (at, &rows) in self.bins.iter().enumerate().filter(|bin| *bin.1 > 0.0) {
            let (from, to) = (axis.at(at as f64 * step), axis.at((at + 1) as f64 * step));
            let height = (bottom - up.at(rows)).max(1.0);
            let said = amount(rows);
            let title = format!("{} of the models predict 1: {said} rows", self.ends(at));
            let gap = if to - from > 4.0 { 1.0 } else { -0.2 };
            let place = [from + gap / 2.0, bottom - height];
            scene.rect(place, [to - from - gap, height], Paint::Accent, &title);
            if fits {
                let at = [from.midpoint(to), bottom - height - 5.0];
                scene.text(at, &said, size::TICK, Paint::Muted, Anchor::Middle);
            }
        }
    }

    /// Whether every bin has room for its number; else there is a scale at the left.
    fn fits(&self, axis: &Axis) -> bool {
        let room = (axis.at(1.0) - axis.at(0.0)) / self.bins.len().max(1) as f64 - 2.0;
        self.bins.iter().all(|&rows| text_width(&amount(rows), size::TICK, false) < room)
    }
}

impl View for Disagreement {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title, &self.subtitle, self.sentence());
        let (outer, right) = (20.0, frame.scene.width - 20.0);
        let y = frame.top + 34.0;
        let scene = &mut frame.scene;
        let [from, to] = self.draw_all(scene, y);
        let plot = y + BAR + 34.0;
        // The middle part fans out to the whole width.
        let points = vec![[from, y + BAR], [to, y + BAR], [right, plot - 8.0], [outer, plot - 8.0]];
        scene.marks.push(Mark::Polygon { points, fill: Paint::Raised, title: String::new() });
        let said =
            format!("models disagree: {} rows · {}", amount(self.disputed()), self.share(self.disputed()));
        let middle = outer.midpoint(right);
        scene.strong([middle, plot + 8.0], &said, size::SMALL, Paint::Accent, Anchor::Middle);
        let (top, bottom) = (plot + 38.0, plot + 38.0 + HEIGHT);
        let across = |left: f64| Axis::over([0.0, 1.0].into_iter(), [left, right], 0.0);
        let most = self.bins.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let up = Axis::over([0.0, most].into_iter(), [bottom, top], 0.0);
        let left = if self.fits(&across(outer)) { outer } else { 84.0 };
        if left > outer {
            up.draw_left(scene, left, right);
            scene.text([outer, top - 14.0], "rows", size::SMALL, Paint::Muted, Anchor::Start);
        }
        let axis = across(left);
        let end = axis.draw_below(scene, bottom, bottom + 4.0, "share of the models that predict 1");
        scene.line([left, bottom], [right, bottom], Paint::Faint, 1.0, false);
        self.draw_bins(scene, &axis, &up, bottom);
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let bin = |(at, rows): (usize, &f64)| (self.ends(at), *rows);
        let inner = self.bins.iter().enumerate().map(bin);
        let ends = [("all predict 0".to_owned(), self.all_zero), ("all predict 1".to_owned(), self.all_one)];
        let lines: Vec<(String, f64)> =
            ends[..1].iter().cloned().chain(inner).chain(ends[1..].iter().cloned()).collect();
        let numbers = lines.iter().map(|line| text::width(&amount(line.1))).max().unwrap_or(1);
        let most = self.bins.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let blocks = columns.saturating_sub(16 + numbers + 3 + 9).clamp(8, 50);
        let mut out = format!("{}\n{}\n\n", self.title, self.subtitle);
        for (at, (name, rows)) in lines.iter().enumerate() {
            let is_end = at == 0 || at + 1 == lines.len();
            let bar = if is_end { String::new() } else { text::bar(rows / most, blocks) };
            let rows = (text::right(&amount(*rows), numbers), text::right(&self.share(*rows), 8));
            out += format!("{} {} {}  {bar}", text::left(name, 15), rows.0, rows.1).trim_end();
            out += "\n";
        }
        out + &format!("\nRows by the share of models that predict 1. {}\n", self.caption())
    }

    fn sentence(&self) -> String {
        format!(
            "Good models disagree on {} of {} rows ({}); all predict 0 on {}, and 1 on {}.",
            amount(self.disputed()),
            amount(self.total()),
            self.share(self.disputed()),
            amount(self.all_zero),
            amount(self.all_one)
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let row = |name: String, rows: f64| vec![name, amount(rows), self.share(rows)];
        let mut rows = vec![row("none".to_owned(), self.all_zero)];
        rows.extend(self.bins.iter().enumerate().map(|(at, &rows)| row(self.ends(at), rows)));
        rows.push(row("all".to_owned(), self.all_one));
        (["models that predict 1", "rows", "share"].map(str::to_owned).to_vec(), rows)
    }
}
