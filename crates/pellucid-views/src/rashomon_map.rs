//! How many rule sets are nearly as good as the best, and how large and how wrong are they?
//!
//! One cell for each size and loss, shaded by the logarithm of how many rule sets are there. All of them lie below
//! the bound: loss + λ · size ≤ θ (Xin et al., Exploring the whole Rashomon set of sparse decision trees, 2022, say
//! the same of trees). Many different losses are binned, and the caption says so.

use std::collections::BTreeMap;

use crate::View;
use crate::number::{amount, count, digits, pretty};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, text, text_width};
use crate::theme::{Paint, SHADES, size};

/// More steps of loss than this are binned.
const MOST_STEPS: f64 = 44.0;
const HEIGHT: f64 = 280.0;
/// Lines of the map in a terminal.
const LINES: usize = 12;

/// The rule sets of one size and one loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MapCell {
    /// Rules in each set.
    pub size: usize,
    /// The share of rows that each gets wrong.
    pub loss: f64,
    /// How many rule sets.
    pub count: f64,
}

/// The rule sets within a bound, by size and loss.
#[derive(Debug, Clone, PartialEq)]
pub struct RashomonMap {
    /// The finding: `97 rule sets are within 2/5 of the best`.
    pub title: String,
    /// Data, method, exact or estimated.
    pub subtitle: String,
    /// One for each size and loss, in any order.
    pub cells: Vec<MapCell>,
    /// How many rule sets in all, as digits.
    pub total: String,
    /// What a rule costs.
    pub lambda: f64,
    /// The bound on loss + `lambda` · size.
    pub theta: f64,
    /// Size and loss of the best.
    pub best: Option<(usize, f64)>,
    /// Whether the counts are exact.
    pub exact: bool,
    /// What is known of `total` where it is not exact, as digits.
    pub interval: Option<[String; 2]>,
    /// Whether that interval is certain, as of a search that was stopped, and no estimate's 95 %.
    pub is_certain: bool,
}

/// What is drawn: cells whose loss is the middle of a step, and how high a step is.
struct Steps {
    cells: Vec<MapCell>,
    height: f64,
    binned: bool,
}

/// `1 rule`, `3 rules`.
fn rules(n: usize) -> String {
    format!("{} rule{}", count(n), if n == 1 { "" } else { "s" })
}

impl RashomonMap {
    /// Cells by rising loss, of which any are there.
    fn sorted(&self) -> Vec<MapCell> {
        let mut cells: Vec<MapCell> =
            self.cells.iter().filter(|c| c.loss.is_finite() && c.count > 0.0).copied().collect();
        cells.sort_by(|a, b| a.loss.total_cmp(&b.loss).then(a.size.cmp(&b.size)));
        cells
    }

    fn steps(&self) -> Steps {
        let cells = self.sorted();
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else {
            return Steps { cells, height: 0.0, binned: false };
        };
        let span = last.loss - first.loss;
        let gaps = cells.windows(2).map(|pair| pair[1].loss - pair[0].loss).filter(|gap| *gap > 0.0);
        let gap = gaps.fold(f64::INFINITY, f64::min);
        if span <= gap * MOST_STEPS || span == 0.0 {
            let height = if gap.is_finite() { gap } else { 0.0 };
            return Steps { cells, height, binned: false };
        }
        let height = span / MOST_STEPS;
        let mut bins: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for cell in &cells {
            let at = ((cell.loss - first.loss) / height).min(MOST_STEPS - 1.0) as usize;
            *bins.entry((at, cell.size)).or_insert(0.0) += cell.count;
        }
        let cell =
            |((at, size), count)| MapCell { size, loss: first.loss + (at as f64 + 0.5) * height, count };
        Steps { cells: bins.into_iter().map(cell).collect(), height, binned: true }
    }

    /// Sizes from the smallest to the largest.
    fn sizes(&self) -> std::ops::RangeInclusive<usize> {
        let sizes = || self.cells.iter().map(|cell| cell.size).chain(self.best.map(|best| best.0));
        sizes().min().unwrap_or(0)..=sizes().max().unwrap_or(0)
    }

    fn bound(&self) -> String {
        if self.lambda == 0.0 {
            return format!("loss ≤ {}", pretty(self.theta, 4));
        }
        format!("loss ≤ {} − {} · rules", pretty(self.theta, 4), pretty(self.lambda, 4))
    }

    fn how_many(&self) -> String {
        let sets = if self.total == "1" { "rule set" } else { "rule sets" };
        let all = format!("{} {sets} in all", digits(&self.total));
        match (&self.interval, self.exact) {
            (_, true) if self.total.len() > 12 => format!("{all}, counted exactly (each digit in the table)"),
            (_, true) => format!("{all}, counted exactly"),
            (Some([low, high]), false) if self.is_certain => {
                format!(
                    "between {} and {} rule sets in all; the search was stopped",
                    digits(low),
                    digits(high)
                )
            }
            (Some([low, high]), false) => {
                format!("{all}, estimated, 95 % interval {} to {}", digits(low), digits(high))
            }
            (None, false) => format!("{all}, estimated"),
        }
    }

    fn best_said(&self) -> Option<String> {
        let word = if self.is_certain && !self.exact { "best found" } else { "best" };
        self.best.map(|(size, loss)| format!("{word}: {}, loss {}", rules(size), pretty(loss, 4)))
    }

    fn caption(&self) -> String {
        let steps = self.steps();
        let binned = if steps.binned {
            let n = count(self.cells.len());
            format!(" {n} pairs of size and loss, binned by loss in steps of {}.", pretty(steps.height, 2))
        } else {
            String::new()
        };
        format!("{}; shade by the logarithm of their number.{binned}", self.how_many())
    }

    fn draw_cells(&self, scene: &mut Scene, steps: &Steps, lanes: &Axis, up: &Axis) {
        let lane = lanes.at(1.0) - lanes.at(0.0);
        let width = (if lane > 6.0 { lane - 1.0 } else { lane }).max(1.0);
        let height = match up.at(0.0) - up.at(steps.height) {
            0.0 => 10.0,
            height if steps.binned || height < 8.0 => height.max(3.0) + 0.2,
            height => (height - 1.0).min(26.0),
        };
        let most = steps.cells.iter().map(|cell| cell.count).fold(0.0, f64::max);
        for cell in &steps.cells {
            let (x, y) = (lanes.at(cell.size as f64), up.at(cell.loss));
            let bound = up.at(self.theta - self.lambda * cell.size as f64);
            let bottom = y + height / 2.0;
            // Nothing stands above the bound, not even half a cell. A bound that is no number is passed over.
            let top = (y - height / 2.0).max(bound).min(bottom - 2.0);
            let fill = by_count(cell.count, most);
            let said = amount(cell.count);
            let title = format!("{}, loss {}: {said}", rules(cell.size), pretty(cell.loss, 4));
            scene.cell([x - width / 2.0, top], [width, bottom - top], fill, &title);
            let best =
                self.best.filter(|best| best.0 == cell.size).map_or(f64::INFINITY, |best| up.at(best.1));
            let is_free = (y - best).abs() > 12.0 && bottom - top >= 13.0;
            if is_free && text_width(&said, size::TICK, false) < width - 4.0 {
                let at = [x, top.midpoint(bottom) + 4.0];
                scene.text(at, &said, size::TICK, fill.text_on(), Anchor::Middle);
            }
        }
    }

    /// The bound as a stair, with its name above the highest step.
    fn draw_bound(&self, scene: &mut Scene, lanes: &Axis, up: &Axis, [top, bottom]: [f64; 2]) {
        let (first, last) = self.sizes().into_inner();
        let y = |size: usize| up.at(self.theta - self.lambda * size as f64).clamp(top, bottom);
        let stride = (last - first) / 400 + 1;
        let stair = (first..=last).step_by(stride).flat_map(|size| {
            let end = (size as f64 + stride as f64 - 0.5).min(last as f64 + 0.5);
            [[lanes.at(size as f64 - 0.5), y(size)], [lanes.at(end), y(size)]]
        });
        let points: Vec<[f64; 2]> = stair.collect();
        let at = [lanes.at(first as f64 - 0.5) + 4.0, y(first).min(y(last)) - 6.0];
        let room = scene.width - 20.0 - at[0];
        scene.marks.push(Mark::Polyline {
            points,
            paint: Paint::Ink,
            width: 1.4,
            opacity: 1.0,
            title: self.bound(),
        });
        scene.fitted(at, &format!("bound: {}", self.bound()), room, size::TICK, Paint::Ink, Anchor::Start);
    }

    /// A ring around the best, and its name below the cells: in its lane nothing has a smaller loss.
    fn draw_best(&self, scene: &mut Scene, lanes: &Axis, up: &Axis, bottom: f64) {
        let (Some((size, loss)), Some(said)) = (self.best, self.best_said()) else { return };
        let at = [lanes.at(size as f64), up.at(loss)];
        if !at[1].is_finite() {
            return;
        }
        scene.line(at, [at[0], bottom - 20.0], Paint::Ink, 1.0, false);
        ring(scene, at, &said);
        let half = text_width(&said, size::SMALL, true) / 2.0;
        let x = at[0].clamp(20.0 + half, scene.width - 20.0 - half);
        scene.strong([x, bottom - 7.0], &said, size::SMALL, Paint::Ink, Anchor::Middle);
    }
}

impl View for RashomonMap {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title, &self.subtitle, self.sentence());
        let (left, right) = (72.0, frame.scene.width - 20.0);
        let top = frame.top + 26.0;
        let bottom = top + HEIGHT;
        let steps = self.steps();
        let scene = &mut frame.scene;
        let (first, last) = self.sizes().into_inner();
        let bounds = [first, last].map(|size| self.theta - self.lambda * size as f64);
        let losses = steps.cells.iter().map(|cell| cell.loss);
        let losses = losses.chain(bounds.into_iter().take(1)).chain(self.best.map(|best| best.1));
        // Above is room for the bound's name, below for the best's.
        let up = Axis::over(losses, [bottom - 40.0, top + 22.0], 0.0);
        let ends = [first as f64 - 0.5, last as f64 + 0.5];
        let lanes = Axis::over(ends.into_iter(), [left, right.min(left + 140.0 * (ends[1] - ends[0]))], 0.0);
        up.draw_left(scene, left, lanes.at(ends[1]));
        scene.line([left, bottom], [lanes.at(ends[1]), bottom], Paint::Faint, 1.0, false);
        let most = steps.cells.iter().map(|cell| cell.count).fold(0.0, f64::max);
        let taken = count_key(scene, [lanes.at(ends[1]).max(340.0), frame.top + 10.0], most, "rule sets");
        let at = [20.0, frame.top + 10.0];
        scene.fitted(at, "loss (share wrong)", taken - 32.0, size::SMALL, Paint::Muted, Anchor::Start);
        self.draw_cells(scene, &steps, &lanes, &up);
        if self.theta.is_finite() {
            self.draw_bound(scene, &lanes, &up, [top, bottom]);
        }
        self.draw_best(scene, &lanes, &up, bottom);
        let lane = lanes.at(1.0) - lanes.at(0.0);
        let stride = round_up((text_width(&count(last), size::TICK, false) + 8.0) / lane);
        for size in (first..=last).filter(|size| size % stride == 0) {
            let at = [lanes.at(size as f64), bottom + 16.0];
            scene.text(at, &count(size), size::TICK, Paint::Faint, Anchor::Middle);
        }
        let middle = [left.midpoint(lanes.at(ends[1])).max(left + 40.0), bottom + 34.0];
        scene.text(middle, "rules in the set", size::SMALL, Paint::Muted, Anchor::Middle);
        frame.finish(bottom + 40.0, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let steps = self.steps().cells;
        let (first, last) = self.sizes().into_inner();
        let n = last - first + 1;
        let across = (n * 4).min(columns.saturating_sub(12).max(8));
        let column = |size: usize| (size - first) * across / n;
        let mut lines = vec![vec![' '; across]; LINES];
        let losses = || steps.iter().map(|cell| cell.loss).chain(self.best.map(|best| best.1));
        let up = Axis::over(losses(), [(LINES - 1) as f64, 0.0], 0.0);
        let line = |loss: f64| (up.at(loss).round().max(0.0) as usize).min(LINES - 1);
        let most = steps.iter().map(|cell| cell.count).fold(1.0, f64::max);
        let mut counts: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for cell in &steps {
            *counts.entry((line(cell.loss), column(cell.size))).or_insert(0.0) += cell.count;
        }
        for ((line, from), count) in counts {
            let share = if most > 1.0 { count.max(1.0).ln() / most.ln() } else { 1.0 };
            let to = (from + (across / n).max(2) - 1).min(across).max(from + 1);
            lines[line][from..to].fill(['░', '▒', '▓', '█'][((share * 4.0) as usize).min(3)]);
        }
        if let Some((size, loss)) = self.best.filter(|best| best.1.is_finite()) {
            lines[line(loss)][column(size)] = '◆';
        }
        let ends = (losses().fold(f64::NAN, f64::min), losses().fold(f64::NAN, f64::max));
        let mut out = format!("{}\n{}\n\n", self.title, self.subtitle);
        for (at, line) in lines.iter().enumerate() {
            let label = match at {
                0 => pretty(ends.1, 4),
                _ if at + 1 == LINES => pretty(ends.0, 4),
                _ => String::new(),
            };
            out += &format!("{} {}\n", text::right(&label, 9), line.iter().collect::<String>());
        }
        let mut ruler = String::new();
        for size in first..=last {
            if column(size) >= ruler.chars().count() + usize::from(!ruler.is_empty()) {
                ruler = text::left(&ruler, column(size)) + &size.to_string();
            }
        }
        let best = self.best_said().map_or(String::new(), |said| format!(" ◆ {said}."));
        let caption = self.caption();
        out + &format!(
            "{} {ruler}\nLoss (share wrong) up, rules in the set across; ░ few, █ many.{best}\nBound: {}. {caption}\n",
            text::right("", 9),
            self.bound()
        )
    }

    fn sentence(&self) -> String {
        let (first, last) = self.sizes().into_inner();
        let best =
            self.best_said().map_or(String::new(), |said| format!("; the {}", said.replace(':', " has")));
        if self.cells.is_empty() && self.best.is_none() {
            return format!("{}.", self.how_many());
        }
        let sizes = if first == last { rules(last) } else { format!("{} to {}", count(first), rules(last)) };
        format!("{}, of {sizes}{best}.", self.how_many())
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let mut cells = self.sorted();
        cells.sort_by_key(|cell| cell.size);
        let rows = cells.chunk_by(|a, b| a.size == b.size).map(|group| {
            let size = group[0].size;
            let n: f64 = group.iter().map(|cell| cell.count).sum();
            let bound = self.theta - self.lambda * size as f64;
            let ends = [group[0].loss, group[group.len() - 1].loss, bound].map(|loss| pretty(loss, 5));
            [count(size), amount(n)].into_iter().chain(ends).collect()
        });
        let mut rows: Vec<Vec<String>> = rows.collect();
        rows.push(["all", self.total.as_str(), "", "", ""].map(str::to_owned).to_vec());
        let names = ["rules", "rule sets", "lowest loss", "highest loss", "bound"];
        (names.map(str::to_owned).to_vec(), rows)
    }
}

/// The next of 1, 2, 5, 10, 20, 50, …
fn round_up(least: f64) -> usize {
    let mut power = 1;
    while (power as f64) < least / 10.0 {
        power *= 10;
    }
    [1, 2, 5, 10].map(|m| m * power).into_iter().find(|&step| step as f64 >= least).unwrap_or(power)
}

/// The palest shade of a count: one alone still stands out from the page.
const PALEST: u8 = SHADES / 2 - 1;

/// The shade of a count among counts up to `most`, by its logarithm.
pub(crate) fn by_count(count: f64, most: f64) -> Paint {
    let share = if most > 1.0 { count.max(1.0).ln() / most.ln() } else { 1.0 };
    Paint::Shade(PALEST + (share.clamp(0.0, 1.0) * f64::from(SHADES - 1 - PALEST)).round() as u8)
}

/// A key to [`by_count`] that ends at a point, if there is more than one shade. Answers where it begins.
pub(crate) fn count_key(scene: &mut Scene, [right, y]: [f64; 2], most: f64, what: &str) -> f64 {
    if most <= 1.0 {
        return right;
    }
    let end = format!("{} {what}", if most < 1e7 { amount(most) } else { pretty(most, 2) });
    scene.text([right, y], &end, size::TICK, Paint::Muted, Anchor::End);
    let mut x = right - text_width(&end, size::TICK, false) - 6.0;
    for step in (PALEST..SHADES).rev() {
        x -= 12.0;
        scene.cell([x, y - 9.0], [12.2, 10.0], Paint::Shade(step), "");
    }
    scene.text([x - 6.0, y], "1", size::TICK, Paint::Muted, Anchor::End);
    x - 14.0
}

/// A ring around what is best.
pub(crate) fn ring(scene: &mut Scene, at: [f64; 2], title: &str) {
    for (radius, fill) in [(6.0, Paint::Ink), (4.4, Paint::Surface), (2.6, Paint::Ink)] {
        scene.marks.push(Mark::Circle { at, radius, fill, opacity: 1.0, title: title.to_owned() });
    }
}
