//! Do the same features move the model in each group of rows? One row a feature, one column a cohort, shaded by the mean absolute value.
//!
//! Cohorts are the rows by the values of one feature: its most frequent categories, or numbers up to the median and above it.

use crate::View;
use crate::number::{count, others, pretty, signed};
use crate::render::scene::{Anchor, Scene};
use crate::render::{Frame, label_width, text};
use crate::subject::Subject;
use crate::theme::{Paint, size};

/// Cohorts by name; rows of further categories are one.
const MOST: usize = 5;

/// Some of the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    /// What they have in common.
    pub name: String,
    /// How many they are.
    pub n_rows: usize,
    /// For each of the view's features the mean absolute value.
    pub mean_absolute: Vec<f64>,
    /// For each of them the mean value.
    pub mean: Vec<f64>,
}

/// Cohorts beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohorts {
    /// The feature whose values make the cohorts.
    pub by: String,
    /// Features, the one that moves all rows most first.
    pub features: Vec<String>,
    /// Largest first for categories, by rising value for numbers.
    pub cohorts: Vec<Cohort>,
    n_hidden: usize,
    subtitle: String,
    unit: String,
    measure: &'static str,
    sample: Option<String>,
}

/// The rows shown, by the values of a feature.
#[must_use]
pub fn cohorts(subject: &Subject, by: usize, top: usize) -> Cohorts {
    let order = subject.by_importance();
    let (first, hidden) = order.split_at(top.min(order.len()));
    let of = |(name, rows): (String, Vec<usize>)| {
        let mean = |f: usize, size: fn(f64) -> f64| {
            rows.iter().map(|&row| size(subject.value(row, f))).sum::<f64>() / rows.len().max(1) as f64
        };
        Cohort {
            name,
            n_rows: rows.len(),
            mean_absolute: first.iter().map(|&f| mean(f, f64::abs)).collect(),
            mean: first.iter().map(|&f| mean(f, |x| x)).collect(),
        }
    };
    Cohorts {
        by: subject.features[by].name.clone(),
        features: first.iter().map(|&f| subject.features[f].name.clone()).collect(),
        cohorts: split(subject, by).into_iter().map(of).collect(),
        n_hidden: hidden.len(),
        subtitle: subject.subtitle(),
        unit: subject.unit.clone(),
        measure: subject.kind.value(),
        sample: subject.sample_note(),
    }
}

/// Names and rows of cohorts; none is empty.
fn split(subject: &Subject, by: usize) -> Vec<(String, Vec<usize>)> {
    let feature = &subject.features[by];
    let rows = 0..subject.n_shown();
    let missing: Vec<usize> = rows.clone().filter(|&row| feature.numbers[row].is_nan()).collect();
    let mut known: Vec<f64> = feature.numbers.iter().copied().filter(|x| !x.is_nan()).collect();
    known.sort_by(f64::total_cmp);
    let mut distinct = known.clone();
    distinct.dedup();
    let mut found: Vec<(String, Vec<usize>)> = if feature.levels.is_some() || distinct.len() <= MOST {
        let own =
            |x: &f64| -> Vec<usize> { rows.clone().filter(|&row| feature.numbers[row] == *x).collect() };
        let named = distinct.iter().map(own).map(|rows| (feature.text(rows[0]), rows));
        let mut named: Vec<(String, Vec<usize>)> = named.collect();
        if feature.levels.is_some() {
            named.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
        }
        if named.len() > MOST {
            let rest: Vec<(String, Vec<usize>)> = named.split_off(MOST - 1);
            named.push((others(rest.len()), rest.into_iter().flat_map(|(_, rows)| rows).collect()));
        }
        named
    } else {
        let median = known[(known.len() - 1) / 2];
        // Where most rows have the largest value, nothing is above it.
        let cut = if known.last() == Some(&median) { distinct[distinct.len() - 2] } else { median };
        let (low, high): (Vec<usize>, Vec<usize>) =
            rows.filter(|&row| !feature.numbers[row].is_nan()).partition(|&row| feature.numbers[row] <= cut);
        vec![(format!("up to {}", pretty(cut, 4)), low), (format!("above {}", pretty(cut, 4)), high)]
    };
    if !missing.is_empty() {
        found.push(("missing".to_owned(), missing));
    }
    found
}

impl Cohorts {
    /// The feature whose means differ most between two cohorts, which are told with it, the one with the larger first.
    fn widest(&self) -> Option<(usize, usize, usize)> {
        let mut best: Option<(f64, (usize, usize, usize))> = None;
        for (at, by) in self.features.iter().enumerate() {
            // That cohorts differ in what makes them is no finding.
            if *by == self.by {
                continue;
            }
            for (a, one) in self.cohorts.iter().enumerate() {
                for (b, other) in self.cohorts.iter().enumerate() {
                    let gap = one.mean_absolute[at] - other.mean_absolute[at];
                    if gap > best.map_or(0.0, |best| best.0) {
                        best = Some((gap, (at, a, b)));
                    }
                }
            }
        }
        best.map(|best| best.1)
    }

    fn title(&self) -> String {
        match self.widest() {
            Some((at, one, other)) => format!(
                "{} matters more where {} is {} than where it is {}",
                self.features[at], self.by, self.cohorts[one].name, self.cohorts[other].name
            ),
            None => format!("What moves the model, by {}", self.by),
        }
    }

    fn caption(&self) -> String {
        let rows = self.sample.as_ref().map_or(String::new(), |sample| format!(" From {sample}."));
        let hidden = match self.n_hidden {
            0 => String::new(),
            1 => " 1 other moves it less.".to_owned(),
            n => format!(" {} move it less.", others(n)),
        };
        format!("Mean |{}| ({}) in the rows of each column.{hidden}{rows}", self.measure, self.unit)
    }
}

const ROW: f64 = 26.0;

impl View for Cohorts {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let labels = label_width(self.features.iter().map(String::as_str), width);
        let left = 20.0 + labels + 12.0;
        let step = ((width - 20.0 - left) / self.cohorts.len().max(1) as f64).min(150.0);
        let top = frame.top + 38.0;
        let all = self.cohorts.iter().flat_map(|cohort| cohort.mean_absolute.iter().copied());
        let most = all.fold(f64::MIN_POSITIVE, f64::max);
        let scene = &mut frame.scene;
        for (column, cohort) in self.cohorts.iter().enumerate() {
            let middle = left + step * (column as f64 + 0.5);
            scene.fitted(
                [middle, top - 22.0],
                &cohort.name,
                step - 6.0,
                size::SMALL,
                Paint::Ink,
                Anchor::Middle,
            );
            let rows =
                if step < 70.0 { count(cohort.n_rows) } else { format!("{} rows", count(cohort.n_rows)) };
            scene.text([middle, top - 8.0], &rows, size::TICK, Paint::Muted, Anchor::Middle);
            for (at, name) in self.features.iter().enumerate() {
                let y = top + ROW * at as f64;
                let x = left + step * column as f64;
                let mean = cohort.mean_absolute[at];
                let fill = Paint::shade(mean / most);
                let title = format!(
                    "{name}, {} {}: mean |value| {}, mean {}",
                    self.by,
                    cohort.name,
                    pretty(mean, 4),
                    signed(cohort.mean[at], 4)
                );
                scene.cell([x, y], [step - 1.0, ROW - 1.0], fill, &title);
                let said = pretty(mean, if step < 60.0 { 2 } else { 3 });
                scene.text([x + step / 2.0, y + 17.0], &said, size::SMALL, fill.text_on(), Anchor::Middle);
            }
        }
        for (at, name) in self.features.iter().enumerate() {
            let label = [left - 12.0, top + ROW * at as f64 + 17.0];
            scene.fitted(label, name, labels, size::LABEL, Paint::Ink, Anchor::End);
        }
        frame.finish(top + ROW * self.features.len() as f64 + 8.0, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let (names, rows) = self.table();
        let table = text::table(&names, &rows, columns);
        format!("{}\n{}\n\n{table}\n{}\n{}\n", self.title(), self.subtitle, self.sentence(), self.caption())
    }

    fn sentence(&self) -> String {
        match self.widest() {
            Some((at, one, other)) => format!(
                "{} differs most: {} where {} is {}, {} where it is {}.",
                self.features[at],
                pretty(self.cohorts[one].mean_absolute[at], 3),
                self.by,
                self.cohorts[one].name,
                pretty(self.cohorts[other].mean_absolute[at], 3),
                self.cohorts[other].name
            ),
            None => format!("{} makes no cohorts that differ.", self.by),
        }
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let head = |cohort: &Cohort| format!("{} ({} rows)", cohort.name, count(cohort.n_rows));
        let names = std::iter::once("feature".to_owned()).chain(self.cohorts.iter().map(head)).collect();
        let row = |(at, name): (usize, &String)| {
            let cells = self.cohorts.iter().map(|cohort| pretty(cohort.mean_absolute[at], 4));
            std::iter::once(name.clone()).chain(cells).collect()
        };
        (names, self.features.iter().enumerate().map(row).collect())
    }
}
