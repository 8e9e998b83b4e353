//! What does each place of a model carry of the difference between two prompts? Blocks down, tokens or heads across, effects as color.
//!
//! One scale for all cells, the same on both sides of zero, and zero is one color, whether it was computed or known before.
//! Over many prompts an effect is a mean with an interval; cells whose interval covers zero are hollow.

use crate::View;
use crate::column_names::{BECOMES, heads_above};
use crate::number::{count, fixed, others, pretty, signed};
use crate::render::scene::{Anchor, Mark, Scene, Target};
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
    /// One name a column: tokens, with their spaces made visible, `·Mary→·John` where the prompts differ; or heads.
    pub columns: Vec<String>,
    /// Row-major: what each cell is called where that is not its row and column, such as `a3.h5`; else empty.
    pub names: Vec<String>,
    /// Columns where the two prompts differ.
    pub differ: Vec<usize>,
    /// Row-major: rows × columns.
    pub effects: Vec<f64>,
    /// Row-major like the effects: the 95 % interval of each over prompts; empty if there is none.
    pub intervals: Vec<[f64; 2]>,
    /// What an effect of 1 is.
    pub unit: String,
    /// Whether an effect is a share of the difference between the prompts, or a difference itself.
    pub is_share: bool,
    /// What was checked.
    pub checked: String,
}

/// The same grid, whose cells lead to their places.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    /// The effects.
    pub grid: PatchGrid,
    /// Row-major: what each cell leads to, as a target `cell` of the scene.
    pub places: Vec<String>,
}

/// A token as one sees it: spaces and line ends have signs of their own.
#[must_use]
pub fn visible(token: &str) -> String {
    token.replace(' ', "·").replace('\n', "⏎").replace('\t', "⇥")
}

/// Effects that differ by no more than this share of the larger one are about the same.
const ALIKE: f64 = 0.02;

/// Effects below this are rounding: models compute with 32 bits, of which an answer of some ten keeps six decimals.
const ROUNDING: f64 = 1e-6;

/// Whether an effect, exactly 0 or not, can't be told from 0 by a model that computes with 32 bits.
#[must_use]
pub fn is_rounding(effect: f64) -> bool {
    effect.abs() < ROUNDING
}

impl PatchGrid {
    fn effect(&self, row: usize, column: usize) -> f64 {
        self.effects[row * self.columns.len() + column]
    }

    fn interval(&self, row: usize, column: usize) -> Option<[f64; 2]> {
        self.intervals.get(row * self.columns.len() + column).copied()
    }

    /// Whether an effect has an interval that does not leave out zero. One without ends leaves out nothing.
    fn is_uncertain(&self, row: usize, column: usize) -> bool {
        self.interval(row, column).is_some_and(|[low, high]| {
            let is_clear = low > 0.0 || high < 0.0;
            !is_clear
        })
    }

    fn n_uncertain(&self) -> usize {
        self.strongest().iter().filter(|cell| self.is_uncertain(cell.0, cell.1)).count()
    }

    /// An effect with its interval, if it has one: `+0.42 [0.31, 0.55]`.
    fn said(&self, row: usize, column: usize, digits: usize) -> String {
        let interval = self.interval(row, column).map_or(String::new(), |[low, high]| {
            format!(" [{}, {}]", pretty(low, digits), pretty(high, digits))
        });
        format!("{}{interval}", signed(self.effect(row, column), digits))
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

    /// What a cell is called: `L3, ·Mary`, or `a3.h5`.
    #[must_use]
    pub fn name(&self, row: usize, column: usize) -> String {
        let own = self.names.get(row * self.columns.len() + column).cloned();
        own.unwrap_or_else(|| format!("{}, {}", self.rows[row], self.columns[column]))
    }

    /// The strongest cell that is told from zero, and how many others are about as strong: where these are one run of cells, all of them are
    /// named, since none of them is the strongest.
    fn leading(&self) -> Option<(String, f64, String)> {
        let mut cells = self.strongest();
        cells.retain(|cell| cell.2 != 0.0 && !self.is_uncertain(cell.0, cell.1));
        let &(row, column, effect) = cells.first()?;
        cells.retain(|cell| (cell.2 - effect).abs() <= ALIKE * effect.abs());
        let n = cells.len();
        let ends = |of: fn(&(usize, usize, f64)) -> usize| {
            let all = cells.iter().map(of);
            [all.clone().min().unwrap_or(0), all.max().unwrap_or(0)]
        };
        let (rows, columns) = (ends(|cell| cell.0), ends(|cell| cell.1));
        let is_run = (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1) == n;
        let within = format!(" ({} cells within 2 %)", count(n));
        Some(if n == 1 {
            (self.name(row, column), effect, String::new())
        } else if is_run && columns[0] == columns[1] {
            let [first, last] = rows.map(|row| self.rows[row].as_str());
            (format!("{}, {first} to {last}", self.columns[column]), effect, within)
        } else if is_run && rows[0] == rows[1] {
            let [first, last] = columns.map(|column| self.columns[column].as_str());
            (format!("{}, {first} to {last}", self.rows[row]), effect, within)
        } else {
            (self.name(row, column), effect, format!(", and {} within 2 %", others(n - 1)))
        })
    }

    fn title(&self) -> String {
        let cells = self.strongest();
        if let Some((at, effect, others)) = self.leading() {
            let does = if self.is_share { "carries most" } else { "moves the answer most" };
            return format!("{} {does} at {at}: {}{others}", self.site, signed(effect, 3));
        }
        if cells.iter().any(|cell| cell.2 != 0.0) {
            return format!("No effect of {} is told from zero", self.site);
        }
        let does =
            if self.is_share { "carries nothing of the difference" } else { "does not move the answer" };
        format!("{} {does}", self.site)
    }

    /// What the scale is and what was checked; `mark` is how cells look whose intervals cover zero.
    fn caption(&self, mark: Option<&str>) -> String {
        let uncertain = match mark {
            _ if self.intervals.is_empty() => String::new(),
            Some(mark) => format!(" {mark}: the cell's own 95 % interval over prompts covers 0."),
            None => " From low to high is each cell's own 95 % interval over prompts.".to_owned(),
        };
        let n_zero = self.effects.iter().filter(|effect| **effect == 0.0).count();
        let n_rounding = self.effects.iter().filter(|effect| is_rounding(**effect)).count();
        let scale = if n_zero == self.effects.len() {
            "All cells are 0.".to_owned()
        } else {
            let are =
                |n: usize| if n == 1 { "1 cell is".to_owned() } else { format!("{} cells are", count(n)) };
            let zero = match (n_rounding, n_zero) {
                (0, _) => String::new(),
                (n, exactly) if n == exactly => format!(" {} exactly 0.", are(n)),
                (n, 0) => format!(" {} 0, to rounding.", are(n)),
                (n, exactly) => format!(" {} 0, to rounding, {} of them exactly.", are(n), count(exactly)),
            };
            format!(
                "The scale is one for all cells, {} on both sides of zero.{zero}",
                pretty(self.largest(), 3)
            )
        };
        let pairs = if self.differ.iter().any(|at| self.columns[*at].contains(BECOMES)) {
            " Underlined is where the prompts differ: the clean token, then the corrupt one."
        } else {
            ""
        };
        format!("{} {scale}{uncertain}{pairs} {}", self.unit, self.checked)
    }

    /// The picture; cells with a place lead there.
    fn drawn(&self, width: f64, places: &[String]) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let labels = label_width(self.rows.iter().map(String::as_str), width);
        let left = 20.0 + labels + 12.0;
        let step = ((width - 20.0 - 48.0 - left) / self.columns.len().max(1) as f64).min(76.0);
        let wide = if step > 4.0 { step - 1.0 } else { step };
        let row = 20.0;
        let largest = self.largest();
        let scene = &mut frame.scene;
        let top = heads_above(scene, &self.columns, &self.differ, [left, frame.top + 4.0], step);
        let decimals = decimals(largest);
        // In many rows every name would be too many.
        let every = self.rows.len().div_ceil(40).max(1);
        for (at, name) in self.rows.iter().enumerate() {
            let y = top + row * at as f64;
            if at % every == 0 {
                scene.fitted([left - 12.0, y + 14.5], name, labels, size::SMALL, Paint::Ink, Anchor::End);
            }
            for column in 0..self.columns.len() {
                let effect = self.effect(at, column);
                let fill = Paint::scale(0.5 + effect / largest / 2.0);
                let x = left + step * column as f64;
                let title = format!("{}: {}", self.name(at, column), self.said(at, column, 4));
                scene.cell([x, y], [wide, row - 1.0], fill, &title);
                if let Some(place) = places.get(at * self.columns.len() + column) {
                    let (at, size) = ([x, y], [wide, row - 1.0]);
                    scene.targets.push(Target {
                        at,
                        size,
                        go: ("cell", place.clone()),
                        label: title.clone(),
                    });
                }
                let is_uncertain = effect != 0.0 && self.is_uncertain(at, column);
                if is_uncertain {
                    // The page within the cell leaves a thin frame of its color.
                    let edge = (wide / 4.0).min(1.5);
                    let inner = [wide - 2.0 * edge, row - 1.0 - 2.0 * edge];
                    scene.cell([x + edge, y + edge], inner, Paint::Surface, &title);
                }
                let is_worth = effect.abs() >= largest / 20.0 && step >= 40.0;
                if is_worth {
                    let ink = if is_uncertain { Paint::Muted } else { fill.text_on() };
                    let place = [x + step / 2.0, y + 14.0];
                    let said = decimals.map_or_else(|| pretty(effect, 2), |n| fixed(effect, n));
                    scene.text(place, &said, size::TICK, ink, Anchor::Middle);
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
        frame.finish(bottom.max(top + height) + 8.0, Some(self.caption(Some("Hollow")).trim_end()))
    }
}

/// How many decimals all numbers of a grid have whose largest is so large; `None` where they would say nothing, or too much.
fn decimals(largest: f64) -> Option<usize> {
    match largest {
        x if (0.1..10.0).contains(&x) => Some(2),
        x if (10.0..1000.0).contains(&x) => Some(1),
        _ => None,
    }
}

impl View for PatchGrid {
    fn scene(&self, width: f64) -> Scene {
        self.drawn(width, &[])
    }

    fn text(&self, columns: usize) -> String {
        let labels = self.rows.iter().map(|name| text::width(name)).max().unwrap_or(0);
        let width = (columns.saturating_sub(labels + 1) / self.columns.len().max(1)).min(10);
        let head = format!("{}\n{}\n\n", self.title(), self.subtitle);
        if width < 6 {
            let (names, rows) = self.table();
            let shown: Vec<Vec<String>> = rows.into_iter().take(20).collect();
            return format!("{head}{}\n{}\n", text::table(&names, &shown, columns), self.caption(None));
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
                // What is uncertain gives a digit for its mark.
                let cell = if effect != 0.0 && self.is_uncertain(row, column) {
                    format!("{}?", pretty(effect, 1))
                } else {
                    pretty(effect, 2)
                };
                grid += &text::right(&cell, width);
            }
            grid += "\n";
        }
        format!("{head}{grid}\n{}\n", self.caption(Some("?")).trim_end())
    }

    fn sentence(&self) -> String {
        let said: Vec<String> = self
            .strongest()
            .into_iter()
            .take(3)
            .filter(|cell| cell.2 != 0.0)
            .map(|(row, column, _)| format!("{} ({})", self.name(row, column), self.said(row, column, 3)))
            .collect();
        if said.is_empty() {
            return if self.is_share {
                format!("Putting values of {} in changes nothing.", self.site)
            } else {
                format!("{} does not move the answer.", self.site)
            };
        }
        let n = count(self.effects.len());
        let uncertain = if self.intervals.is_empty() {
            String::new()
        } else {
            format!(" 95 % intervals over prompts cover 0 in {} of {n} cells.", count(self.n_uncertain()))
        };
        let said = said.join("; ");
        if self.is_share {
            let site = &self.site;
            format!("Effects of putting values of {site} in, in {n} cells; the strongest: {said}.{uncertain}")
        } else {
            format!("{} moves the answer, in {n} cells; the strongest: {said}.{uncertain}", self.site)
        }
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let has_intervals = !self.intervals.is_empty();
        let ends: &[&str] = if has_intervals { &["low", "high"] } else { &[] };
        let names = ["block", "at", "effect"].iter().chain(ends).map(|&name| name.to_owned()).collect();
        let row = |(row, column, effect): (usize, usize, f64)| {
            let ends = has_intervals.then(|| self.interval(row, column).unwrap_or([f64::NAN; 2]));
            let ends = ends.into_iter().flatten().map(|end| pretty(end, 6));
            let named = [self.rows[row].clone(), self.columns[column].clone(), pretty(effect, 6)];
            named.into_iter().chain(ends).collect()
        };
        (names, self.strongest().into_iter().map(row).collect())
    }
}

impl View for Linked {
    fn scene(&self, width: f64) -> Scene {
        self.grid.drawn(width, &self.places)
    }

    fn text(&self, columns: usize) -> String {
        self.grid.text(columns)
    }

    fn sentence(&self) -> String {
        self.grid.sentence()
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        self.grid.table()
    }
}
