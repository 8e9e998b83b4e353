//! Which features do the good models use?
//!
//! One row a feature, one column a group of models (by their size, or one model a column), shaded by the share of
//! those models that use it. Most used first.

use crate::View;
use crate::number::{hundredths, others, percent};
use crate::render::scene::{Anchor, Scene};
use crate::render::{Frame, label_width, text, text_width};
use crate::theme::{Paint, size};

/// How often one feature is used.
#[derive(Debug, Clone, PartialEq)]
pub struct UseRow {
    /// The feature.
    pub name: String,
    /// For each column the share of its models that use the feature, from 0 to 1; `None` where there is no model.
    pub shares: Vec<Option<f64>>,
    /// The share over all models.
    pub overall: f64,
}

/// Features by how many of the good models use them.
#[derive(Debug, Clone, PartialEq)]
pub struct UseMatrix {
    /// The finding.
    pub title: String,
    /// Data, method, exact or estimated.
    pub subtitle: String,
    /// What the columns are: `1 rule`, `2 rules`.
    pub columns: Vec<String>,
    /// One a feature, in any order.
    pub rows: Vec<UseRow>,
    /// More features than this are left out, the least used.
    pub top: usize,
    /// What a row is, and several: `feature`, `features`.
    pub noun: [&'static str; 2],
}

const ROW: f64 = 24.0;
/// Room for the share over all models.
const ALL: f64 = 34.0;
/// The narrowest column that has room for a number.
const NUMBER: f64 = 21.0;

impl UseMatrix {
    /// The most used features, and how many others there are.
    fn shown(&self) -> (Vec<&UseRow>, Vec<&UseRow>) {
        let mut rows: Vec<&UseRow> = self.rows.iter().collect();
        rows.sort_by(|a, b| b.overall.total_cmp(&a.overall).then_with(|| a.name.cmp(&b.name)));
        let top = if rows.len() == self.top + 1 { self.top + 1 } else { self.top };
        let hidden = rows.split_off(top.min(rows.len()));
        (rows, hidden)
    }

    fn caption(&self) -> String {
        let none = self.rows.iter().any(|row| row.shares.iter().any(Option::is_none));
        let none = if none { " –: no such model." } else { "" };
        format!("Numbers are percent of the models that use the {}.{none}", self.noun[0])
    }

    fn rest(hidden: &[&UseRow]) -> Option<String> {
        let most = hidden.first()?;
        let each = if hidden.len() == 1 { "in" } else { "each in at most" };
        Some(format!("{}, {each} {} of all models", others(hidden.len()), percent(most.overall)))
    }
}

/// Names above columns, those that fit beside each other.
fn draw_names(scene: &mut Scene, names: &[String], [left, y]: [f64; 2], step: f64) {
    let right = left + step * names.len() as f64;
    let mut free = left - step;
    for (at, name) in names.iter().enumerate() {
        let middle = left + step * (at as f64 + 0.5);
        // A name may hang over where the next ones give way.
        let room = step.max(56.0) - 6.0;
        let width = text_width(name, size::TICK, false).min(room);
        let x = middle.clamp(left + width / 2.0, (right - width / 2.0).max(left + width / 2.0));
        if x - width / 2.0 < free {
            continue;
        }
        scene.fitted([x, y], name, room, size::TICK, Paint::Muted, Anchor::Middle);
        free = x + width / 2.0 + 6.0;
    }
}

impl View for UseMatrix {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title, &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let (rows, hidden) = self.shown();
        // Without columns the names have the picture for themselves.
        let labels = if self.columns.is_empty() {
            let longest =
                rows.iter().map(|row| text_width(&row.name, size::LABEL, false)).fold(80.0, f64::max);
            longest.min(width - 56.0 - ALL)
        } else {
            label_width(rows.iter().map(|row| row.name.as_str()), width)
        };
        let left = 20.0 + labels + 8.0 + ALL + 8.0;
        let step = ((width - 20.0 - left) / self.columns.len().max(1) as f64).min(132.0);
        let top = frame.top + 24.0;
        let scene = &mut frame.scene;
        let all = left - 8.0;
        scene.text([all, top - 8.0], "all", size::TICK, Paint::Muted, Anchor::End);
        draw_names(scene, &self.columns, [left, top - 8.0], step);
        let numbers = step >= NUMBER;
        for (at, row) in rows.iter().enumerate() {
            let y = top + ROW * at as f64;
            let label = [left - ALL - 16.0, y + 16.5];
            scene.fitted(label, &row.name, labels, size::LABEL, Paint::Ink, Anchor::End);
            scene.strong([all, y + 16.0], &hundredths(row.overall), size::SMALL, Paint::Ink, Anchor::End);
            for (column, (share, name)) in row.shares.iter().zip(&self.columns).enumerate() {
                let x = left + step * column as f64;
                let (fill, said, full) = match share {
                    Some(share) => (Paint::shade(*share), hundredths(*share), percent(*share)),
                    None => (Paint::None, "–".to_owned(), "no such model".to_owned()),
                };
                let gap = if step > 8.0 { 1.0 } else { 0.0 };
                let title = format!("{}, {name}: {full}", row.name);
                scene.cell([x, y + 1.0], [step - gap, ROW - 1.0], fill, &title);
                if numbers || share.is_none() && step > 8.0 {
                    let at = [x + (step - gap) / 2.0, y + 16.0];
                    let paint = if share.is_none() { Paint::Faint } else { fill.text_on() };
                    scene.text(at, &said, size::TICK, paint, Anchor::Middle);
                }
            }
        }
        let mut bottom = top + ROW * rows.len() as f64;
        if let Some(rest) = Self::rest(&hidden) {
            bottom += 20.0;
            scene.fitted([20.0, bottom], &rest, width - 40.0, size::SMALL, Paint::Muted, Anchor::Start);
        }
        let key = if numbers { "" } else { " Faint: few of them, strong: all." };
        frame.finish(bottom + 6.0, Some(&format!("{}{key}", self.caption())))
    }

    fn text(&self, columns: usize) -> String {
        let (rows, hidden) = self.shown();
        // As many columns as fit beside a name of twenty letters.
        let widths: Vec<usize> = self.columns.iter().map(|name| text::width(name).clamp(3, 12) + 2).collect();
        let mut room = columns.saturating_sub(20 + 5);
        let fits = |width: &&usize| {
            let fits = **width <= room;
            room = room.saturating_sub(**width);
            fits
        };
        let n = widths.iter().take_while(fits).count();
        let names = [self.noun[0], "all"].map(str::to_owned).into_iter();
        let names: Vec<String> =
            names.chain(self.columns[..n].iter().map(|name| text::cut(name, 12))).collect();
        let line = |row: &&UseRow| {
            let cells = row.shares.iter().take(n);
            let cells = cells.map(|share| share.map_or("–".to_owned(), hundredths));
            [row.name.clone(), hundredths(row.overall)].into_iter().chain(cells).collect()
        };
        let lines: Vec<Vec<String>> = rows.iter().map(line).collect();
        let rest = Self::rest(&hidden).map_or(String::new(), |rest| format!("{rest}\n"));
        let more = match self.columns.len() - n {
            0 => String::new(),
            n => format!(
                " {} did not fit.",
                if n == 1 { "1 column".to_owned() } else { format!("{n} columns") }
            ),
        };
        let table = text::table(&names, &lines, columns);
        format!("{}\n{}\n\n{table}{rest}\n{}{more}\n", self.title, self.subtitle, self.caption())
    }

    fn sentence(&self) -> String {
        let (rows, _) = self.shown();
        let said = rows.iter().take(3).map(|row| format!("{} ({})", row.name, percent(row.overall)));
        let said: Vec<String> = said.collect();
        if said.is_empty() {
            return format!("No {} is used.", self.noun[0]);
        }
        format!(
            "Of {} by the share of good models that use them the most used: {}.",
            self.noun[1],
            said.join(", ")
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let (rows, hidden) = self.shown();
        let row = |row: &UseRow| {
            let shares = row.shares.iter().map(|share| share.map_or("–".to_owned(), percent));
            let missing = self.columns.len().saturating_sub(row.shares.len());
            let cells = shares.take(self.columns.len()).chain(std::iter::repeat_n(String::new(), missing));
            [row.name.clone(), percent(row.overall)].into_iter().chain(cells).collect()
        };
        let names = [self.noun[0], "all models"].map(str::to_owned).into_iter().chain(self.columns.clone());
        (names.collect(), rows.into_iter().chain(hidden).map(row).collect())
    }
}
