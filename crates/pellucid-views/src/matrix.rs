//! Which features act together? One row and one column a feature, shaded by how much a pair does that neither does alone.
//!
//! On the diagonal stands what a feature does by itself. Cells are means of absolute values over rows; a pair's cell holds both halves
//! of what the two do together.

use crate::View;
use crate::number::{count, pretty};
use crate::render::scene::{Anchor, Scene};
use crate::render::{Frame, label_width, text};
use crate::theme::{Paint, size};

/// How much pairs of features do together.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// The features, the one that does most first.
    pub features: Vec<String>,
    /// Row-major: features × features, symmetric: the mean absolute part of a pair, on the diagonal of a feature alone.
    pub cells: Vec<f64>,
    /// How many features are left out.
    pub n_hidden: usize,
    /// Rows that the means are taken over.
    pub n_rows: usize,
    /// What was explained and how.
    pub subtitle: String,
    /// What a cell is measured in.
    pub unit: String,
}

impl Matrix {
    /// Of sums of absolute interactions over rows, for pairs (0, 0), (0, 1), ..., (1, 1), ... of features, one half of a pair each: the
    /// `top` features that do most.
    #[must_use]
    pub fn of(
        names: &[String],
        sums: &[f64],
        (n_rows, top): (usize, usize),
        subtitle: String,
        unit: &str,
    ) -> Self {
        let n = names.len();
        // Both halves of a pair; the place of (i, j), i <= j, among all.
        let cell = |one: usize, other: usize| {
            let (i, j) = (one.min(other), one.max(other));
            let both = if i == j { 1.0 } else { 2.0 };
            both * sums[i * n - i * (i + 1) / 2 + j] / n_rows.max(1) as f64
        };
        let sizes: Vec<f64> = (0..n).map(|one| (0..n).map(|other| cell(one, other)).sum()).collect();
        let mut order: Vec<usize> = (0..n).filter(|&one| sizes[one] > 0.0).collect();
        order.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]).then(a.cmp(&b)));
        let n_hidden = order.len().saturating_sub(top);
        order.truncate(top);
        Self {
            cells: order.iter().flat_map(|&one| order.iter().map(move |&other| cell(one, other))).collect(),
            features: order.iter().map(|&one| names[one].clone()).collect(),
            n_hidden,
            n_rows,
            subtitle,
            unit: unit.to_owned(),
        }
    }

    fn cell(&self, one: usize, other: usize) -> f64 {
        self.cells[one * self.features.len() + other]
    }

    /// Pairs of different features, the strongest first.
    fn strongest(&self) -> Vec<(usize, usize, f64)> {
        let n = self.features.len();
        let mut pairs: Vec<(usize, usize, f64)> = (0..n)
            .flat_map(|one| (one + 1..n).map(move |other| (one, other)))
            .map(|(one, other)| (one, other, self.cell(one, other)))
            .filter(|pair| pair.2 > 0.0)
            .collect();
        pairs.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
        pairs
    }

    fn title(&self) -> String {
        match self.strongest().first() {
            Some(&(one, other, _)) => {
                format!("{} and {} act together most", self.features[one], self.features[other])
            }
            None => "No two features act together".to_owned(),
        }
    }

    fn caption(&self) -> String {
        let hidden = match self.n_hidden {
            0 => String::new(),
            1 => " 1 further feature does less.".to_owned(),
            n => format!(" {} further features do less.", count(n)),
        };
        format!(
            "Mean absolute interaction ({}) over {} rows, both halves of a pair; on the diagonal what a feature does by itself.{hidden}",
            self.unit,
            count(self.n_rows)
        )
    }

    /// The largest cell of pairs, and of single features: each has a scale of its own, or pairs would be pale.
    fn scales(&self) -> [f64; 2] {
        let n = self.features.len();
        let largest = |is_pair: bool| {
            let cells = (0..n * n).filter(|at| (at / n != at % n) == is_pair).map(|at| self.cells[at]);
            cells.fold(f64::MIN_POSITIVE, f64::max)
        };
        [largest(true), largest(false)]
    }
}

impl View for Matrix {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let n = self.features.len();
        let labels = label_width(self.features.iter().map(String::as_str), width);
        let left = 20.0 + labels + 12.0;
        let step = ((width - 20.0 - left) / n.max(1) as f64).min(64.0);
        let row = step.clamp(20.0, 34.0);
        let top = frame.top + 22.0;
        let scales = self.scales();
        let scene = &mut frame.scene;
        let digits = if step >= 44.0 { Some(2) } else { None };
        for (one, name) in self.features.iter().enumerate() {
            let y = top + row * one as f64;
            let label = [left - 12.0, y + row / 2.0 + 4.5];
            scene.fitted(label, name, labels, size::LABEL, Paint::Ink, Anchor::End);
            let head = [left + step * (one as f64 + 0.5), top - 8.0];
            scene.fitted(head, name, step - 4.0, size::TICK, Paint::Muted, Anchor::Middle);
            for (other, partner) in self.features.iter().enumerate() {
                let x = left + step * other as f64;
                let cell = self.cell(one, other);
                let is_own = one == other;
                let fill =
                    if cell > 0.0 { Paint::shade(cell / scales[usize::from(is_own)]) } else { Paint::None };
                let title = if is_own {
                    format!("{name} by itself: {}", pretty(cell, 4))
                } else {
                    format!("{name} with {partner}: {}", pretty(cell, 4))
                };
                scene.cell([x, y], [step - 1.0, row - 1.0], fill, &title);
                if is_own {
                    scene.line([x, y + row - 2.0], [x + step - 1.0, y + row - 2.0], Paint::Ink, 1.5, false);
                }
                // What is next to nothing beside the largest is told by its shade.
                let is_worth = cell >= scales[usize::from(is_own)] / 100.0;
                if let Some(digits) = digits.filter(|_| cell > 0.0 && is_worth) {
                    let at = [x + step / 2.0, y + row / 2.0 + 4.0];
                    scene.text(at, &pretty(cell, digits), size::TICK, fill.text_on(), Anchor::Middle);
                }
            }
        }
        let key = "Shades of pairs and of single features (underlined) are scales of their own.";
        frame.finish(top + row * n as f64 + 8.0, Some(&format!("{} {key}", self.caption())))
    }

    fn text(&self, columns: usize) -> String {
        let (names, rows) = self.table();
        let shown: Vec<Vec<String>> = rows.into_iter().take(20).collect();
        let table = text::table(&names, &shown, columns);
        format!("{}\n{}\n\n{table}\n{}\n", self.title(), self.subtitle, self.caption())
    }

    fn sentence(&self) -> String {
        let said = self.strongest().into_iter().take(3).map(|(one, other, cell)| {
            format!("{} with {} ({})", self.features[one], self.features[other], pretty(cell, 3))
        });
        let said: Vec<String> = said.collect();
        if said.is_empty() {
            return "No two features act together.".to_owned();
        }
        format!("Pairs of features by what they do together, most: {}.", said.join(", "))
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let row = |(one, other, cell): (usize, usize, f64)| {
            vec![self.features[one].clone(), self.features[other].clone(), pretty(cell, 6)]
        };
        let names = ["feature", "with", "mean |together|"].map(str::to_owned).to_vec();
        (names, self.strongest().into_iter().map(row).collect())
    }
}
