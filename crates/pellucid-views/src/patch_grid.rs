//! What does each place of a model carry of the difference between two prompts? Blocks down, tokens or heads across, effects as color.
//!
//! One scale for all cells, the same on both sides of zero: where values of the other run change nothing the page shows through.

use crate::View;
use crate::number::{count, pretty, signed};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Frame, label_width, text};
use crate::theme::{Paint, STEPS, size};

/// Effects by block and column.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchGrid {
    /// The finding's subject: the site that was patched.
    pub site: String,
    /// What was run and how.
    pub subtitle: String,
    /// One name a row: blocks, from the first on.
    pub rows: Vec<String>,
    /// One name a column: tokens, with their spaces made visible, or heads.
    pub columns: Vec<String>,
    /// Columns where the two prompts differ.
    pub differ: Vec<usize>,
    /// Row-major: rows × columns.
    pub effects: Vec<f64>,
    /// What an effect of 1 is.
    pub unit: String,
    /// What was checked.
    pub checked: String,
}

/// A token as one sees it: spaces and line ends have signs of their own.
#[must_use]
pub fn visible(token: &str) -> String {
    token.replace(' ', "·").replace('\n', "⏎").replace('\t', "⇥")
}

impl PatchGrid {
    fn effect(&self, row: usize, column: usize) -> f64 {
        self.effects[row * self.columns.len() + column]
    }

    /// The end of the scale on both sides.
    fn largest(&self) -> f64 {
        self.effects.iter().fold(f64::MIN_POSITIVE, |most, effect| most.max(effect.abs()))
    }

    /// Cells by the size of their effect.
    fn strongest(&self) -> Vec<(usize, usize, f64)> {
        let n = self.columns.len().max(1);
        let mut cells: Vec<(usize, usize, f64)> =
            self.effects.iter().enumerate().map(|(at, effect)| (at / n, at % n, *effect)).collect();
        cells.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()).then((a.0, a.1).cmp(&(b.0, b.1))));
        cells
    }

    fn title(&self) -> String {
        match self.strongest().first() {
            Some(&(row, column, effect)) if effect != 0.0 => format!(
                "{} carries most at {}, {}: {}",
                self.site,
                self.rows[row],
                self.columns[column],
                signed(effect, 3)
            ),
            _ => format!("{} carries nothing of the difference", self.site),
        }
    }

    fn caption(&self) -> String {
        format!(
            "{} The scale is one for all cells, {} on both sides of zero. {}",
            self.unit,
            pretty(self.largest(), 3),
            self.checked
        )
    }
}

impl View for PatchGrid {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let labels = label_width(self.rows.iter().map(String::as_str), width);
        let left = 20.0 + labels + 12.0;
        let step = ((width - 20.0 - 48.0 - left) / self.columns.len().max(1) as f64).min(76.0);
        let row = 20.0;
        let top = frame.top + 24.0;
        let largest = self.largest();
        let scene = &mut frame.scene;
        // Where columns are narrow, not every name has room.
        let every = (34.0 / step).ceil().max(1.0);
        for (at, name) in self.columns.iter().enumerate() {
            let paint = if self.differ.contains(&at) { Paint::Ink } else { Paint::Muted };
            if at % every as usize == 0 {
                let head = [left + step * at as f64, top - 8.0];
                let room = (step * every).min(width - 20.0 - 48.0 - head[0]) - 3.0;
                let (head, anchor) = if every > 1.0 {
                    (head, Anchor::Start)
                } else {
                    ([head[0] + step / 2.0, head[1]], Anchor::Middle)
                };
                scene.fitted(head, name, room, size::TICK, paint, anchor);
            }
            if self.differ.contains(&at) {
                let x = left + step * at as f64;
                scene.line([x + 2.0, top - 3.0], [x + step - 3.0, top - 3.0], Paint::Ink, 1.5, false);
            }
        }
        // In many rows every name would be too many.
        let every = self.rows.len().div_ceil(40).max(1);
        for (at, name) in self.rows.iter().enumerate() {
            let y = top + row * at as f64;
            if at % every == 0 {
                scene.fitted([left - 12.0, y + 14.5], name, labels, size::SMALL, Paint::Ink, Anchor::End);
            }
            for (column, token) in self.columns.iter().enumerate() {
                let effect = self.effect(at, column);
                let fill =
                    if effect == 0.0 { Paint::None } else { Paint::scale(0.5 + effect / largest / 2.0) };
                let x = left + step * column as f64;
                let title = format!("{name}, {token}: {}", signed(effect, 4));
                scene.cell([x, y], [step - 1.0, row - 1.0], fill, &title);
                let is_worth = effect.abs() >= largest / 20.0 && step >= 40.0;
                if is_worth {
                    // Ends of the scale are strong, its middle is the page.
                    let ink = if effect.abs() > 0.7 * largest { Paint::Surface } else { Paint::Ink };
                    let place = [x + step / 2.0, y + 14.0];
                    scene.text(place, &pretty(effect, 2), size::TICK, ink, Anchor::Middle);
                }
            }
        }
        let bottom = top + row * self.rows.len() as f64;
        let x = width - 20.0 - 40.0;
        let height = (bottom - top).clamp(60.0, 160.0);
        let each = height / f64::from(STEPS);
        for at in 0..STEPS {
            let y = top + each * f64::from(STEPS - 1 - at);
            let fill = Paint::scale(f64::from(at) / f64::from(STEPS - 1));
            scene.marks.push(Mark::Rect {
                x,
                y,
                width: 10.0,
                height: each + 0.3,
                radius: 0.0,
                fill,
                title: String::new(),
            });
        }
        for (share, value) in [(0.0, largest), (0.5, 0.0), (1.0, -largest)] {
            scene.text(
                [x + 14.0, top + height * share + 4.0],
                &pretty(value, 2),
                size::TICK,
                Paint::Muted,
                Anchor::Start,
            );
        }
        frame.finish(bottom.max(top + height) + 8.0, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let labels = self.rows.iter().map(|name| text::width(name)).max().unwrap_or(0);
        let width = (columns.saturating_sub(labels + 1) / self.columns.len().max(1)).min(10);
        let head = format!("{}\n{}\n\n", self.title(), self.subtitle);
        if width < 6 {
            let (names, rows) = self.table();
            let shown: Vec<Vec<String>> = rows.into_iter().take(20).collect();
            return format!("{head}{}\n{}\n", text::table(&names, &shown, columns), self.caption());
        }
        let mut grid = format!("{} ", " ".repeat(labels));
        for name in &self.columns {
            grid += &text::right(&text::cut(name, width - 1), width);
        }
        grid += "\n";
        for (row, name) in self.rows.iter().enumerate() {
            grid += &text::left(name, labels + 1);
            for column in 0..self.columns.len() {
                let effect = self.effect(row, column);
                let cell = if effect == 0.0 { "·".to_owned() } else { pretty(effect, 2) };
                grid += &text::right(&cell, width);
            }
            grid += "\n";
        }
        format!("{head}{grid}\n{}\n", self.caption())
    }

    fn sentence(&self) -> String {
        let said: Vec<String> = self
            .strongest()
            .into_iter()
            .take(3)
            .filter(|cell| cell.2 != 0.0)
            .map(|(row, column, effect)| {
                format!("{}, {} ({})", self.rows[row], self.columns[column], signed(effect, 3))
            })
            .collect();
        if said.is_empty() {
            return format!("Putting values of {} in changes nothing.", self.site);
        }
        format!(
            "Effects of putting values of {} in, in {} cells; the strongest: {}.",
            self.site,
            count(self.effects.len()),
            said.join("; ")
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let names = ["block", "at", "effect"].map(str::to_owned).to_vec();
        let row = |(row, column, effect): (usize, usize, f64)| {
            vec![self.rows[row].clone(), self.columns[column].clone(), pretty(effect, 6)]
        };
        (names, self.strongest().into_iter().map(row).collect())
    }
}
