//! Which rows are explained alike? Rows across, features down, Shapley values as color.
//!
//! Rows are ordered by margin, within equal steps of it by their largest contribution: linear in the
//! number of rows, where clustering is not.

use crate::View;
use crate::number::{count, others, pretty, signed};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, text};
use crate::subject::{Subject, answer_axis, answer_word};
use crate::theme::{Paint, STEPS, size};

/// Columns drawn; more rows than this share columns.
const COLUMNS: usize = 160;

/// Shapley values of rows by margin.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// The most important features.
    pub features: Vec<String>,
    /// For each column the mean value of each feature.
    pub cells: Vec<Vec<f64>>,
    /// For each column the mean margin.
    pub margins: Vec<f64>,
    /// Rows a column, at most.
    pub rows_a_column: usize,
    /// The largest absolute value: the end of the color scale at both sides of zero.
    pub largest: f64,
    n_hidden: usize,
    n_rows: usize,
    subtitle: String,
    unit: String,
    /// What a value is called.
    measure: &'static str,
    base: f64,
    sample: Option<String>,
}

/// The heat map of at most `top` features.
#[must_use]
pub fn heatmap(subject: &Subject, top: usize) -> Heatmap {
    let order = subject.by_importance();
    let (first, hidden) = order.split_at(top.min(order.len()));
    let mut rows: Vec<usize> = (0..subject.n_shown()).collect();
    rows.sort_by(|&a, &b| subject.margins[a].total_cmp(&subject.margins[b]).then(a.cmp(&b)));
    let rows_a_column = rows.len().div_ceil(COLUMNS).max(1);
    let mean = |rows: &[usize], of: &dyn Fn(usize) -> f64| {
        rows.iter().map(|&r| of(r)).sum::<f64>() / rows.len() as f64
    };
    let columns = || rows.chunks(rows_a_column);
    let cells: Vec<Vec<f64>> = columns()
        .map(|rows| first.iter().map(|&f| mean(rows, &|row| subject.value(row, f))).collect())
        .collect();
    let margins = columns().map(|rows| mean(rows, &|row| subject.margins[row])).collect();
    // The scale ends where nearly all cells have, or one cell would pale the others.
    let mut sizes: Vec<f64> = cells.iter().flatten().map(|x| x.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let largest = sizes.get(sizes.len().saturating_sub(1) * 99 / 100).copied().unwrap_or(1.0);
    Heatmap {
        features: first.iter().map(|&f| subject.features[f].name.clone()).collect(),
        cells,
        margins,
        rows_a_column,
        largest: if largest > 0.0 { largest } else { 1.0 },
        n_hidden: hidden.len(),
        n_rows: subject.n_shown(),
        subtitle: subject.subtitle(),
        unit: subject.unit.clone(),
        measure: subject.kind.value(),
        base: subject.base,
        sample: subject.sample_note(),
    }
}

const ROW: f64 = 22.0;

impl Heatmap {
    fn caption(&self) -> String {
        let rows = self.sample.clone().unwrap_or_else(|| format!("{} rows", count(self.n_rows)));
        let binned = if self.rows_a_column > 1 {
            format!(", binned: each column is the mean of {}", count(self.rows_a_column))
        } else {
            String::new()
        };
        let hidden =
            if self.n_hidden > 0 { format!(" {} left out.", others(self.n_hidden)) } else { String::new() };
        format!(
            "{rows} by rising {}{binned}. The line is the {}, dashed the base {}.{hidden}",
            answer_word(&self.unit),
            answer_axis(&self.unit),
            pretty(self.base, 4)
        )
    }
}

impl View for Heatmap {
    fn scene(&self, width: f64) -> Scene {
        let title = &format!("Rows by {}, and what made it", answer_word(&self.unit));
        let mut frame = Frame::new(width, title, &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let labels = crate::render::label_width(
            self.features.iter().map(String::as_str).chain([answer_word(&self.unit)]),
            width,
        );
        let left = 20.0 + labels + 12.0;
        let right = width - 20.0 - 64.0;
        let curve = frame.top + 10.0;
        let top = curve + 66.0;
        let bottom = top + ROW * self.features.len() as f64;
        let step = (right - left) / self.cells.len().max(1) as f64;
        let up = Axis::over(self.margins.iter().copied().chain([self.base]), [top - 8.0, curve], 0.05);
        let scene = &mut frame.scene;
        scene.fitted(
            [left - 12.0, (curve + top) / 2.0],
            answer_word(&self.unit),
            labels,
            size::SMALL,
            Paint::Muted,
            Anchor::End,
        );
        scene.line([left, up.at(self.base)], [right, up.at(self.base)], Paint::Faint, 1.0, true);
        let points =
            self.margins.iter().enumerate().map(|(at, &m)| [left + step * (at as f64 + 0.5), up.at(m)]);
        let points = points.collect();
        scene.marks.push(Mark::Polyline {
            points,
            paint: Paint::Ink,
            width: 1.4,
            opacity: 1.0,
            title: String::new(),
        });
        for (at, &m) in [self.margins.first(), self.margins.last()]
            .iter()
            .enumerate()
            .filter_map(|(at, m)| m.map(|m| (at, m)))
        {
            let (x, anchor) = if at == 0 { (left, Anchor::Start) } else { (right + 4.0, Anchor::Start) };
            let y = if at == 0 { up.at(m) - 6.0 } else { up.at(m) + 4.0 };
            scene.text([x, y], &pretty(m, 3), size::TICK, Paint::Muted, anchor);
        }
        for (at, name) in self.features.iter().enumerate() {
            let y = top + ROW * at as f64;
            scene.fitted([left - 12.0, y + 15.0], name, labels, size::LABEL, Paint::Ink, Anchor::End);
            for (column, cells) in self.cells.iter().enumerate() {
                let value = cells[at];
                let fill = Paint::scale(0.5 + value / self.largest / 2.0);
                let title = format!(
                    "{name}: {} at {} {}",
                    signed(value, 3),
                    answer_word(&self.unit),
                    pretty(self.margins[column], 3)
                );
                let x = left + step * column as f64;
                scene.marks.push(Mark::Rect {
                    x,
                    y: y + 1.0,
                    width: step + 0.3,
                    height: ROW - 2.0,
                    radius: 0.0,
                    fill,
                    title,
                });
            }
        }
        let x = right + 20.0;
        let height = (bottom - top - 34.0).clamp(45.0, 180.0);
        let each = height / f64::from(STEPS);
        for at in 0..STEPS {
            let y = top + 16.0 + each * f64::from(STEPS - 1 - at);
            scene.marks.push(Mark::Rect {
                x,
                y,
                width: 8.0,
                height: each + 0.5,
                radius: 0.0,
                fill: Paint::Scale(at),
                title: String::new(),
            });
        }
        scene.text([x + 4.0, top + 10.0], &signed(self.largest, 2), size::TICK, Paint::Muted, Anchor::Middle);
        scene.text([x + 14.0, top + 20.0 + height / 2.0], "0", size::TICK, Paint::Muted, Anchor::Start);
        scene.text(
            [x + 4.0, top + 30.0 + height],
            &signed(-self.largest, 2),
            size::TICK,
            Paint::Muted,
            Anchor::Middle,
        );
        frame.finish(bottom.max(top + 34.0 + height), Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let longest = self.features.iter().map(|name| text::width(name)).max().unwrap_or(8);
        let labels = longest.max(8).min(columns / 2);
        let cells = columns.saturating_sub(labels + 2).clamp(10, 80).min(self.cells.len().max(1));
        let mut out = format!("Rows by {}, and what made it\n{}\n\n", answer_word(&self.unit), self.subtitle);
        for (at, name) in self.features.iter().enumerate() {
            let shade = |cell: usize| {
                let column = cell * self.cells.len() / cells;
                let share = self.cells.get(column).map_or(0.0, |column| column[at] / self.largest);
                match share {
                    x if x > 0.5 => '█',
                    x if x > 0.15 => '▓',
                    x if x < -0.5 => '·',
                    x if x < -0.15 => '░',
                    _ => ' ',
                }
            };
            let label = text::left(&text::cut(name, labels), labels);
            out += &format!("{label} {}\n", (0..cells).map(shade).collect::<String>());
        }
        out + &format!("█ ▓ raise, ░ · lower.\n{}\n", self.caption())
    }

    fn sentence(&self) -> String {
        let range = self.margins.first().zip(self.margins.last());
        let range =
            range.map_or(String::new(), |(l, h)| format!(" from {} to {}", pretty(*l, 3), pretty(*h, 3)));
        format!(
            "{}s of {} rows ordered by {}{range}, for {} features.",
            self.measure,
            count(self.n_rows),
            answer_word(&self.unit),
            self.features.len()
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        // Ten columns of the map are enough to read.
        let n = self.cells.len().min(10);
        let picks: Vec<usize> = (0..n).map(|k| k * (self.cells.len() - 1) / (n - 1).max(1)).collect();
        let names = std::iter::once(format!("feature at {}", answer_word(&self.unit)));
        let names = names.chain(picks.iter().map(|&c| pretty(self.margins[c], 3))).collect();
        let row = |(at, name): (usize, &String)| {
            std::iter::once(name.clone()).chain(picks.iter().map(|&c| signed(self.cells[c][at], 3))).collect()
        };
        (names, self.features.iter().enumerate().map(row).collect())
    }
}
