//! How often does which value stand in a column, and is that so in every group of rows? Bins of numbers, or one bar a value.

use crate::View;
use crate::number::{count, percent};
use crate::render::scene::{Anchor, Scene, Target};
use crate::render::{Axis, Frame, label_width, text, text_width};
use crate::theme::{Paint, size};

/// Rows that are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What they have in common; empty where all rows are one group.
    pub name: String,
    /// How many stand at each bar.
    pub counts: Vec<usize>,
    /// How many have a value without a bar.
    pub n_others: usize,
    /// How many have no value.
    pub n_missing: usize,
    /// The middle of its numbers, as it is written.
    pub median: Option<String>,
}

/// Counts of a column's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// What is found, where there is one group.
    pub title: String,
    /// The data, and which rows of it.
    pub subtitle: String,
    /// The column.
    pub column: String,
    /// What each bar stands for.
    pub names: Vec<String>,
    /// Where bars begin and end, if they are bins of numbers: one more than there are bars.
    pub edges: Option<Vec<f64>>,
    /// What values without a bar are called.
    pub others: String,
    /// The column whose values make the groups, if there are several.
    pub by: Option<String>,
    /// At least one.
    pub groups: Vec<Group>,
}

impl Group {
    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.counts.iter().sum::<usize>() + self.n_others + self.n_missing
    }

    fn share(&self, n: usize) -> f64 {
        n as f64 / self.n_rows().max(1) as f64
    }

    fn at(&self, line: Line) -> usize {
        match line {
            Line::Bar(at) => self.counts.get(at).copied().unwrap_or(0),
            Line::Others => self.n_others,
            Line::Missing => self.n_missing,
        }
    }
}

/// A line of bars.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Line {
    Bar(usize),
    Others,
    Missing,
}

/// The height of bins, of one group and of each of several.
const HIGH: f64 = 200.0;
const PANEL: f64 = 64.0;
/// The height of a named bar.
const ROW: f64 = 24.0;

impl Histogram {
    /// All bars, and what stands beside them where there is some.
    fn lines(&self) -> Vec<(Line, String)> {
        let named = self.names.iter().enumerate().map(|(at, name)| (Line::Bar(at), name.clone()));
        let some = |of: fn(&Group) -> usize| self.groups.iter().any(|group| of(group) > 0);
        let others = some(|group| group.n_others).then(|| (Line::Others, self.others.clone()));
        let missing = some(|group| group.n_missing).then(|| (Line::Missing, "missing".to_owned()));
        named.chain(others).chain(missing).collect()
    }

    /// The bar whose share differs most between two groups, and these, the one with the larger share first.
    fn widest(&self) -> Option<(String, &Group, &Group, [f64; 2])> {
        let mut best: Option<(String, &Group, &Group, [f64; 2])> = None;
        for (line, name) in self.lines() {
            for one in &self.groups {
                for other in &self.groups {
                    let shares = [one, other].map(|group| group.share(group.at(line)));
                    let gap = best.as_ref().map_or(0.0, |best| best.3[0] - best.3[1]);
                    if shares[0] - shares[1] > gap {
                        best = Some((name.clone(), one, other, shares));
                    }
                }
            }
        }
        best
    }

    fn by(&self) -> &str {
        self.by.as_deref().unwrap_or_default()
    }

    fn headline(&self) -> String {
        if self.by.is_none() {
            return self.title.clone();
        }
        if let [only] = self.groups.as_slice() {
            return format!(
                "{} where {} is {}: there is no other group to compare",
                self.column,
                self.by(),
                only.name
            );
        }
        if let Some(medians) = self.medians() {
            return medians;
        }
        match self.widest() {
            Some((name, one, other, shares)) => format!(
                "{} is {name} in {} where {} is {}, in {} where it is {}",
                self.column,
                percent(shares[0]),
                self.by(),
                one.name,
                percent(shares[1]),
                other.name
            ),
            None => format!("{} is the same whatever {} is", self.column, self.by()),
        }
    }

    fn medians(&self) -> Option<String> {
        self.edges.as_ref()?;
        let of =
            |group: &Group| Some(format!("{} where {} is {}", group.median.as_ref()?, self.by(), group.name));
        let all: Vec<String> = self.groups.iter().filter_map(of).take(3).collect();
        (all.len() > 1).then(|| format!("The median of {} is {}", self.column, all.join(", ")))
    }

    fn caption(&self) -> String {
        let mut parts = Vec::new();
        if self.edges.is_some() {
            parts.push(format!("{} bins, every row counted.", self.names.len()));
            let sum = |of: fn(&Group) -> usize| self.groups.iter().map(of).sum::<usize>();
            for (n, what) in [
                (sum(|group| group.n_others), self.others.as_str()),
                (sum(|group| group.n_missing), "missing"),
            ] {
                if n > 0 {
                    parts.push(format!(
                        "{} {} {what} and not drawn.",
                        count(n),
                        if n == 1 { "is" } else { "are" }
                    ));
                }
            }
        } else {
            parts.push("Every row counted.".to_owned());
        }
        if self.by.is_some() {
            parts.push(format!("Shares are of the rows of each group of {}.", self.by()));
            if self.edges.is_some() {
                let shares =
                    self.groups.iter().flat_map(|group| group.counts.iter().map(|&n| group.share(n)));
                parts.push(format!(
                    "All have one scale, whose highest bar is {}.",
                    percent(shares.fold(0.0, f64::max))
                ));
            }
        }
        parts.join(" ")
    }

    /// Bins of one group under another, on one scale.
    fn bins(&self, frame: Frame, edges: &[f64]) -> Scene {
        let mut frame = frame;
        let width = frame.scene.width;
        let is_one = self.groups.len() == 1;
        let (left, right) = (if is_one { 68.0 } else { 20.0 }, width - 28.0);
        let x = Axis::over(edges.iter().copied(), [left, right], 0.0);
        let (head, high) = if is_one { (24.0, HIGH) } else { (22.0, PANEL) };
        let tallest =
            self.groups.iter().flat_map(|group| group.counts.iter().map(|&n| self.height(group, n)));
        let most = tallest.fold(f64::MIN_POSITIVE, f64::max);
        let mut top = frame.top;
        let last = frame.top + (head + high) * self.groups.len() as f64;
        let end = x.draw_below(&mut frame.scene, frame.top + head, last, &self.column);
        for (part, group) in self.groups.iter().enumerate() {
            let (upper, lower) = (top + head, top + head + high);
            let y = Axis::over([0.0, most].into_iter(), [lower, upper], 0.0);
            if is_one {
                y.draw_left(&mut frame.scene, left, right);
                frame.scene.text([20.0, upper - 12.0], "rows", size::TICK, Paint::Muted, Anchor::Start);
            } else {
                self.heading(&mut frame.scene, group, part, [left, upper - 6.0], right - left);
                frame.scene.line([left, lower], [right, lower], Paint::Line, 1.0, false);
            }
            for (at, (pair, &n)) in edges.windows(2).zip(&group.counts).enumerate() {
                let [from, to] = [pair[0], pair[1]].map(|edge| x.at(edge));
                let said = self.said(group, at, n);
                if n > 0 {
                    let bar = y.at(self.height(group, n));
                    // What is there can be seen.
                    let bar = bar.min(lower - 1.0);
                    frame.scene.cell(
                        [from + 0.5, bar],
                        [(to - from - 1.0).max(0.5), lower - bar],
                        Paint::Accent,
                        &said,
                    );
                }
                let go = ("bar", at.to_string());
                frame.scene.targets.push(Target {
                    at: [from, upper],
                    size: [to - from, high],
                    go,
                    label: said,
                });
            }
            top = lower;
        }
        frame.finish(end, Some(&self.caption()))
    }

    /// Rows where there is one group, shares where groups are compared.
    fn height(&self, group: &Group, n: usize) -> f64 {
        if self.groups.len() == 1 { n as f64 } else { group.share(n) }
    }

    fn said(&self, group: &Group, at: usize, n: usize) -> String {
        let name = self.names.get(at).map_or("", String::as_str);
        let (rows, share) = (count(n), percent(group.share(n)));
        let rows = if n == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        if self.by.is_some() {
            format!("{} {name}: {rows}, {share} where {} is {}", self.column, self.by(), group.name)
        } else {
            format!("{} {name}: {rows}, {share}", self.column)
        }
    }

    /// The name of a group above its bars.
    fn heading(&self, scene: &mut Scene, group: &Group, part: usize, at: [f64; 2], room: f64) {
        let median = group.median.as_ref().map_or(String::new(), |median| format!(", median {median}"));
        let rows = format!("{} rows{median}", count(group.n_rows()));
        let right = text_width(&rows, size::TICK, false);
        scene.fitted(at, &group.name, room - right - 12.0, size::SMALL, Paint::Ink, Anchor::Start);
        scene.text([at[0] + room, at[1]], &rows, size::TICK, Paint::Muted, Anchor::End);
        self.lead(scene, group, part, [at[0], at[1] - 13.0], [room, 17.0]);
    }

    fn lead(&self, scene: &mut Scene, group: &Group, part: usize, at: [f64; 2], size: [f64; 2]) {
        let label = format!("{} is {}: {} rows", self.by(), group.name, count(group.n_rows()));
        scene.targets.push(Target { at, size, go: ("part", part.to_string()), label });
    }

    /// A line a value, a column a group.
    fn named(&self, frame: Frame) -> Scene {
        let mut frame = frame;
        let lines = self.lines();
        let width = frame.scene.width;
        let labels = label_width(lines.iter().map(|line| line.1.as_str()), width);
        let left = 20.0 + labels + 12.0;
        let step = (width - 20.0 - left) / self.groups.len().max(1) as f64;
        let is_one = self.groups.len() == 1;
        let top = frame.top + if is_one { 4.0 } else { 38.0 };
        let shares =
            self.groups.iter().flat_map(|group| lines.iter().map(|line| group.share(group.at(line.0))));
        let most = shares.fold(f64::MIN_POSITIVE, f64::max);
        let numbers = |group: &Group, n: usize| {
            if is_one {
                format!("{} · {}", count(n), percent(group.share(n)))
            } else {
                percent(group.share(n))
            }
        };
        let widths = self.groups.iter().flat_map(|group| {
            lines.iter().map(|line| text_width(&numbers(group, group.at(line.0)), size::SMALL, false))
        });
        let room = widths.fold(0.0, f64::max) + 12.0;
        // Where there is no room for numbers, they are in the hover text and in the table.
        let (has_numbers, room) = if step > room + 16.0 { (true, room) } else { (false, 6.0) };
        for (part, group) in self.groups.iter().enumerate() {
            let x = left + step * part as f64;
            if !is_one {
                let (name, rows) = ([x, top - 24.0], [x, top - 10.0]);
                frame.scene.fitted(name, &group.name, step - 8.0, size::SMALL, Paint::Ink, Anchor::Start);
                let n = count(group.n_rows());
                let said = if step < 78.0 { n } else { format!("{n} rows") };
                frame.scene.fitted(rows, &said, step - 8.0, size::TICK, Paint::Muted, Anchor::Start);
                self.lead(&mut frame.scene, group, part, [x, top - 37.0], [step - 4.0, 32.0]);
            }
            frame.scene.line([x, top], [x, top + ROW * lines.len() as f64], Paint::Line, 1.0, false);
            for (at, (line, name)) in lines.iter().enumerate() {
                let (y, n) = (top + ROW * at as f64, group.at(*line));
                let bar = (step - room) * group.share(n) / most;
                let paint = if matches!(line, Line::Bar(_)) { Paint::Accent } else { Paint::Faint };
                let said = match line {
                    Line::Bar(at) => self.said(group, *at, n),
                    _ => format!("{} {name}: {} rows, {}", self.column, count(n), percent(group.share(n))),
                };
                if n > 0 {
                    frame.scene.rect([x, y + 4.0], [bar.max(1.0), ROW - 8.0], paint, &said);
                }
                if has_numbers {
                    let text = [x + bar.max(1.0) + 6.0, y + 16.0];
                    frame.scene.text(text, &numbers(group, n), size::SMALL, Paint::Muted, Anchor::Start);
                }
            }
        }
        for (at, (line, name)) in lines.iter().enumerate() {
            let y = top + ROW * at as f64;
            let paint = if matches!(line, Line::Bar(_)) { Paint::Ink } else { Paint::Muted };
            frame.scene.fitted([left - 12.0, y + 16.0], name, labels, size::LABEL, paint, Anchor::End);
            let go = match line {
                Line::Bar(at) => ("bar", at.to_string()),
                Line::Missing => ("bar", "missing".to_owned()),
                Line::Others => continue,
            };
            let n: usize = self.groups.iter().map(|group| group.at(*line)).sum();
            let label = format!("{} {name}: {} rows", self.column, count(n));
            frame.scene.targets.push(Target { at: [0.0, y], size: [width, ROW], go, label });
        }
        frame.finish(top + ROW * lines.len() as f64 + 2.0, Some(&self.caption()))
    }
}

impl View for Histogram {
    fn scene(&self, width: f64) -> Scene {
        let frame = Frame::new(width, &self.headline(), &self.subtitle, self.sentence());
        match &self.edges {
            Some(edges) => self.bins(frame, edges),
            None => self.named(frame),
        }
    }

    fn text(&self, columns: usize) -> String {
        let (names, rows) = self.table();
        let table = text::table(&names, &rows, columns);
        format!("{}\n{}\n\n{table}\n{}\n", self.headline(), self.subtitle, self.caption())
    }

    fn sentence(&self) -> String {
        if self.by.is_some() {
            return format!("{}.", self.headline());
        }
        let Some(group) = self.groups.first() else { return format!("{} has no rows.", self.column) };
        let most = group.counts.iter().enumerate().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(&a.0)));
        match most.and_then(|(at, n)| Some((self.names.get(at)?, *n))) {
            Some((name, n)) if n > 0 => format!(
                "{} in {} rows; most often {name}: {}, {}.",
                self.column,
                count(group.n_rows()),
                count(n),
                percent(group.share(n))
            ),
            _ => format!("{} has no value in {} rows.", self.column, count(group.n_rows())),
        }
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let head = |group: &Group| {
            let of = |what: &str| {
                if group.name.is_empty() { what.to_owned() } else { format!("{what}, {}", group.name) }
            };
            [of("rows"), of("share")]
        };
        let names = std::iter::once(self.column.clone()).chain(self.groups.iter().flat_map(head)).collect();
        let row = |(line, name): (Line, String)| {
            let cells = self
                .groups
                .iter()
                .flat_map(|group| [count(group.at(line)), percent(group.share(group.at(line)))]);
            std::iter::once(name).chain(cells).collect()
        };
        (names, self.lines().into_iter().map(row).collect())
    }
}
