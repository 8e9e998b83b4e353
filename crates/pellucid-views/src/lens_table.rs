//! What would the model say if it stopped after each block? Layers down, tokens across, in each cell a token.
//!
//! Every layer is read as the last one is. Shades are probabilities on one scale from 0 to 1, so that
//! pictures of different prompts can be compared.

use crate::View;
use crate::column_names::heads_above;
use crate::number::{count, hundredths, percent, pretty};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Frame, cut_middle, label_width, text, text_width};
use crate::theme::{Paint, SHADES, size};

/// What one layer says after one token.
#[derive(Debug, Clone, PartialEq)]
pub struct LensCell {
    /// The likeliest next token, with its spaces made visible.
    pub token: String,
    /// Its probability.
    pub probability: f64,
    /// The rank of the followed token among all tokens, from 1.
    pub rank: Option<usize>,
}

/// The likeliest next tokens by layer and position.
#[derive(Debug, Clone, PartialEq)]
pub struct LensTable {
    /// What was run and how.
    pub subtitle: String,
    /// One name a column: the prompt's tokens, with their spaces made visible.
    pub tokens: Vec<String>,
    /// One name a row: the embedding, then blocks; the last row is the model's own answer.
    pub layers: Vec<String>,
    /// Row-major: layers × tokens.
    pub cells: Vec<LensCell>,
    /// The token whose ranks the cells hold.
    pub followed: Option<String>,
    /// The position of the first column in the prompt; not 0 where a part of a prompt is shown.
    pub first: usize,
    /// The column that title and sentence speak of; without, the prompt's last.
    pub focus: Option<usize>,
    /// What was checked.
    pub checked: String,
}

/// The narrowest column that has room for a token.
const TOKEN: f64 = 40.0;

impl LensTable {
    fn cell(&self, row: usize, column: usize) -> Option<&LensCell> {
        let n = self.tokens.len();
        if column < n { self.cells.get(row * n + column) } else { None }
    }

    /// Layers of one column that were read, from the first on.
    fn column(&self, column: usize) -> impl DoubleEndedIterator<Item = (&str, &LensCell)> {
        let layers = self.layers.iter().enumerate();
        layers.filter_map(move |(row, name)| Some((name.as_str(), self.cell(row, column)?)))
    }

    fn spoken_of(&self) -> impl DoubleEndedIterator<Item = (&str, &LensCell)> {
        self.column(self.focus.unwrap_or(self.tokens.len().saturating_sub(1)))
    }

    /// The token that is spoken of, where it is not the last.
    fn focus(&self) -> Option<String> {
        let at = self.focus?;
        Some(format!("{} (position {})", self.tokens.get(at)?, count(self.first + at)))
    }

    /// The model's answer there, and the first layer from which on it leads without a break.
    fn answer(&self) -> Option<(&LensCell, &str)> {
        let (_, answer) = self.spoken_of().next_back()?;
        let leading = self.spoken_of().rev().take_while(|(_, cell)| cell.token == answer.token);
        leading.last().map(|(layer, _)| (answer, layer))
    }

    fn title(&self) -> String {
        self.answer().map_or("No layer was read".to_owned(), |(answer, layer)| {
            let at = self.focus().map_or("at the last token".to_owned(), |focus| format!("after {focus}"));
            format!("{} leads from {layer} on {at}", answer.token)
        })
    }

    /// The followed token, if any cell knows its rank.
    fn followed(&self) -> Option<&str> {
        self.followed.as_deref().filter(|_| self.cells.iter().any(|cell| cell.rank.is_some()))
    }

    /// Where the followed token starts and ends there.
    fn path(&self) -> Option<String> {
        let followed = self.followed()?;
        let mut ranked = self.spoken_of().filter_map(|(layer, cell)| Some((layer, cell.rank?)));
        let first = ranked.next()?;
        let last = ranked.next_back().unwrap_or(first);
        Some(format!(
            " There {followed} goes from rank {} at {} to {} at {}.",
            count(first.1),
            first.0,
            count(last.1),
            last.0
        ))
    }

    fn hover(&self, layer: &str, at: &str, cell: &LensCell) -> String {
        let rank = self.followed.as_ref().zip(cell.rank);
        let rank = rank.map_or(String::new(), |(name, rank)| format!("; {name} has rank {}", count(rank)));
        format!("{layer}, {at}: {} {}{rank}", cell.token, percent(cell.probability))
    }

    fn caption(&self, ranks: &str) -> String {
        let said = "Each cell is the likeliest next token, were the model to stop there.";
        format!("{said}{ranks} {}", self.checked).trim_end().to_owned()
    }

    /// Columns that a terminal needs for one of the table's: its tokens, and numbers of three digits.
    fn text_width(&self, column: usize) -> usize {
        let tokens = self.column(column).map(|(_, cell)| text::width(&cell.token));
        let head = self.tokens.get(column).map_or(0, |name| text::width(name));
        (tokens.max().unwrap_or(1).min(10) + 4).max(head.min(14))
    }
}

/// Text in a cell, cut to its room. It has the cell's hover text: the cell lies under it.
pub(crate) fn text_in(scene: &mut Scene, at: [f64; 2], text: &str, room: f64, paint: Paint, title: &str) {
    scene.marks.push(Mark::Text {
        at,
        text: cut_middle(text, room, size::TICK, false),
        size: size::TICK,
        paint,
        anchor: Anchor::Middle,
        bold: false,
        title: title.to_owned(),
    });
}

/// What shades from 0 to 1 are, on a baseline.
pub(crate) fn shade_key(scene: &mut Scene, at: [f64; 2], what: &str) {
    shade_key_to(scene, at, what, "1");
}

/// What shades from 0 to the most are, on a baseline.
pub(crate) fn shade_key_to(scene: &mut Scene, [x, y]: [f64; 2], what: &str, most: &str) {
    scene.text([x, y], what, size::TICK, Paint::Muted, Anchor::Start);
    let zero = x + text_width(what, size::TICK, false) + 10.0;
    scene.text([zero, y], "0", size::TICK, Paint::Muted, Anchor::Start);
    let left = zero + 12.0;
    for step in 0..SHADES {
        let at = [left + 14.0 * f64::from(step), y - 9.0];
        scene.cell(at, [14.0, 10.0], Paint::Shade(step), "");
    }
    let end = left + 14.0 * f64::from(SHADES) + 6.0;
    scene.text([end, y], most, size::TICK, Paint::Muted, Anchor::Start);
}

impl View for LensTable {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let labels = label_width(self.layers.iter().map(String::as_str), width);
        let left = 20.0 + labels + 12.0;
        let right = width - 20.0;
        let step = ((right - left) / self.tokens.len().max(1) as f64).min(112.0);
        let has_text = step >= TOKEN;
        let followed = self.followed().filter(|_| has_text);
        let row = match (has_text, followed) {
            (true, Some(_)) => 34.0,
            (true, None) => 20.0,
            (false, _) => 14.0,
        };
        let gap = if step > 8.0 { 1.0 } else { 0.0 };
        let scene = &mut frame.scene;
        let top = heads_above(scene, &self.tokens, self.focus.as_slice(), [left, frame.top + 4.0], step);
        for (at, layer) in self.layers.iter().enumerate() {
            let y = top + row * at as f64;
            let label = [left - 12.0, y + row / 2.0 + 4.0];
            scene.fitted(label, layer, labels, size::SMALL, Paint::Ink, Anchor::End);
            for (column, token) in self.tokens.iter().enumerate() {
                let Some(cell) = self.cell(at, column) else { continue };
                let x = left + step * column as f64;
                let fill = Paint::shade(cell.probability);
                let title = self.hover(layer, token, cell);
                scene.cell([x, y], [step - gap, row - 1.0], fill, &title);
                if !has_text {
                    continue;
                }
                let middle = x + (step - gap) / 2.0;
                text_in(scene, [middle, y + 14.0], &cell.token, step - 6.0, fill.text_on(), &title);
                if let Some(rank) = cell.rank.filter(|_| followed.is_some()) {
                    // On stronger shades muted type can't be read.
                    let paint = if fill == Paint::Shade(0) { Paint::Muted } else { fill.text_on() };
                    let said = format!("#{}", count(rank));
                    text_in(scene, [middle, y + 28.0], &said, step - 6.0, paint, &title);
                }
            }
        }
        let key = top + row * self.layers.len() as f64 + 18.0;
        shade_key(scene, [20.0, key], "probability");
        let ranks = followed.map_or(String::new(), |name| format!(" Numbers after # are ranks of {name}."));
        frame.finish(key + 4.0, Some(&self.caption(&ranks)))
    }

    fn text(&self, columns: usize) -> String {
        let longest = self.layers.iter().map(|name| text::width(name)).max().unwrap_or(0);
        let labels = longest.min(columns / 3);
        let followed = self.followed();
        let n = self.tokens.len();
        let widths: Vec<usize> = (0..n).map(|column| self.text_width(column)).collect();
        // The last columns that fit: the answer is in the last one, which is always there.
        let mut room = columns.saturating_sub(labels + if followed.is_some() { 9 } else { 0 });
        let mut first = n;
        while first > 0 && (first == n || widths[first - 1] + 2 <= room) {
            first -= 1;
            room = room.saturating_sub(widths[first] + 2);
        }
        let mut grid = " ".repeat(labels);
        for (name, &width) in self.tokens.iter().zip(&widths).skip(first) {
            grid += &format!("  {}", text::right(&text::cut(name, width), width));
        }
        grid += if followed.is_some() { "     rank\n" } else { "\n" };
        for (at, layer) in self.layers.iter().enumerate() {
            grid += &text::left(&text::cut(layer, labels), labels);
            for (column, width) in widths.iter().enumerate().skip(first) {
                let said = self.cell(at, column).map_or(String::new(), |cell| {
                    let token = text::cut(&cell.token, width - 4);
                    format!("{token} {}", text::right(&hundredths(cell.probability), 3))
                });
                grid += &format!("  {}", text::right(&said, *width));
            }
            if followed.is_some() {
                let rank = self.cell(at, n.saturating_sub(1)).and_then(|cell| cell.rank);
                grid += &format!("  {}", text::right(&rank.map_or("–".to_owned(), count), 7));
            }
            grid += "\n";
        }
        let ranks =
            followed.map_or(String::new(), |name| format!(" The rank is that of {name} at the last token."));
        let more = match first {
            0 => String::new(),
            1 => " The first token did not fit.".to_owned(),
            n => format!(" The first {} tokens did not fit.", count(n)),
        };
        let caption = self.caption(&format!(" Numbers are percent.{ranks}{more}"));
        format!("{}\n{}\n\n{grid}\n{caption}\n", self.title(), self.subtitle)
    }

    fn sentence(&self) -> String {
        let Some((answer, layer)) = self.answer() else { return "No layer was read.".to_owned() };
        let at = match self.focus() {
            Some(focus) => format!("After {focus}"),
            None => format!("At the last of {} tokens", count(self.tokens.len())),
        };
        format!(
            "{at} the model says {} ({}), which leads from {layer} on.{}",
            answer.token,
            percent(answer.probability),
            self.path().unwrap_or_default()
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let followed = self.followed();
        let names = ["layer", "position", "at", "token", "probability"].map(str::to_owned).into_iter();
        let names = names.chain(followed.map(|name| format!("rank of {name}"))).collect();
        let mut rows = Vec::with_capacity(self.cells.len());
        for (at, layer) in self.layers.iter().enumerate() {
            for (column, token) in self.tokens.iter().enumerate() {
                let Some(cell) = self.cell(at, column) else { continue };
                let rank = followed.map(|_| cell.rank.map_or("–".to_owned(), count));
                let said = [
                    layer.clone(),
                    count(self.first + column),
                    token.clone(),
                    cell.token.clone(),
                    pretty(cell.probability, 6),
                ];
                rows.push(said.into_iter().chain(rank).collect());
            }
        }
        (names, rows)
    }
}
