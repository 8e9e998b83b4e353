//! What stands in a column? Counts, quartiles, the most common values, and where numbers lie.
//!
//! Everything is of some rows, counted exactly: a column is sorted or counted once, and nothing is sampled.

mod bins;
mod findings;
mod split;
mod twins;

pub use bins::{Bars, edges, tally};
pub use findings::{Finding, findings};
pub use split::{Part, Split, split};
pub use twins::{Twin, twins};

use std::cmp::Ordering;

use crate::table::{Categories, Column};
use crate::{Control, RowSet, Stopped};

/// How much of a column is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summarizing {
    /// Most common values, at most.
    pub common: usize,
    /// Bins of numbers, at most.
    pub bins: usize,
}

/// What some rows of a column hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The rows.
    pub n_rows: usize,
    /// Those without a value.
    pub n_missing: usize,
    /// Different values, what is missing not counted.
    pub n_distinct: usize,
    /// The values.
    pub values: Values,
}

/// The values that are there.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// None.
    Nothing,
    /// Numbers.
    Numbers(Numbers),
    /// Text.
    Text(Text),
}

/// Numbers in some rows; at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// The smallest; an infinity, where there is one below all others.
    pub low: f64,
    /// The first, second and third quartile, interpolated between the two values around it. Infinities have their places in the order, and count.
    pub quartiles: [f64; 3],
    /// The largest; an infinity, where there is one above all others.
    pub high: f64,
    /// The mean of those that are finite; NaN if none is.
    pub mean: f64,
    /// How many are infinite; they count in the order of values, and neither in the mean nor in bins.
    pub n_infinite: usize,
    /// Most common values with how often, the most frequent first, ties by rising value.
    pub common: Vec<(f64, usize)>,
    /// Edges of bins over those that are finite, and how many are in each: see [`edges`]. Empty if none is.
    pub bins: (Vec<f64>, Vec<usize>),
}

/// Text in some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Codes of the most common levels with how often, the most frequent first, ties by the text.
    pub common: Vec<(u32, usize)>,
}

impl Summary {
    /// How many rows have a value.
    #[must_use]
    pub fn n_known(&self) -> usize {
        self.n_rows - self.n_missing
    }

    /// How many numbers are infinite.
    #[must_use]
    pub fn n_infinite(&self) -> usize {
        if let Values::Numbers(numbers) = &self.values { numbers.n_infinite } else { 0 }
    }

    /// How often the most common value stands there; 0 if there is none.
    #[must_use]
    pub fn most_common(&self) -> usize {
        match &self.values {
            Values::Nothing => 0,
            Values::Numbers(numbers) => numbers.common.first().map_or(0, |first| first.1),
            Values::Text(text) => text.common.first().map_or(0, |first| first.1),
        }
    }
}

/// What some rows of a column hold; `whole` says that its numbers have no fractions.
///
/// # Errors
/// When the caller asks to stop.
pub fn summary(
    column: &Column,
    rows: &RowSet,
    whole: bool,
    how: Summarizing,
    control: &Control<'_>,
) -> Result<Summary, Stopped> {
    if control.watch.should_stop() {
        return Err(Stopped);
    }
    Ok(match column {
        Column::Number(all) => of_numbers(all, rows, whole, how),
        Column::Category(all) => of_text(all, rows, how),
    })
}

fn of_numbers(all: &[f64], rows: &RowSet, whole: bool, how: Summarizing) -> Summary {
    let mut sorted: Vec<f64> =
        rows.iter().filter_map(|row| all.get(row).copied()).filter(|x| !x.is_nan()).collect();
    let n_rows = rows.count();
    let n_missing = n_rows - sorted.len();
    sorted.sort_unstable_by(f64::total_cmp);
    let runs = || sorted.chunk_by(|a, b| a == b).filter_map(|run| Some((*run.first()?, run.len())));
    let (mut n_distinct, mut common) = (0, Vec::new());
    for (value, n) in runs() {
        n_distinct += 1;
        // The two zeros are one value.
        keep_common(&mut common, (value + 0.0, n), how.common, |a, b| a.total_cmp(b));
    }
    let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else {
        return Summary { n_rows, n_missing, n_distinct: 0, values: Values::Nothing };
    };
    let first = sorted.partition_point(|x| *x == f64::NEG_INFINITY);
    let end = sorted.partition_point(|x| *x < f64::INFINITY);
    let finite = sorted.get(first..end).unwrap_or_default();
    let bins = match (finite.first(), finite.last()) {
        (Some(&low), Some(&high)) => {
            let edges = edges(low, high, how.bins, whole);
            let counts = bins::of_sorted(finite, &edges);
            (edges, counts)
        }
        _ => (Vec::new(), Vec::new()),
    };
    let quartiles = [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share));
    let n_infinite = sorted.len() - finite.len();
    let numbers = Numbers { low, quartiles, high, mean: mean(finite), n_infinite, common, bins };
    Summary { n_rows, n_missing, n_distinct, values: Values::Numbers(numbers) }
}

fn of_text(all: &Categories, rows: &RowSet, how: Summarizing) -> Summary {
    let mut counts = vec![0_usize; all.levels.len()];
    let n_rows = rows.count();
    let mut n_known = 0;
    for row in rows.iter() {
        if let Some(n) = all.codes.get(row).and_then(|&code| counts.get_mut(code as usize)) {
            *n += 1;
            n_known += 1;
        }
    }
    let n_distinct = counts.iter().filter(|n| **n > 0).count();
    let mut common = Vec::new();
    for (code, n) in (0_u32..).zip(counts).filter(|one| one.1 > 0) {
        let text = |code: &u32| all.levels.get(*code as usize);
        keep_common(&mut common, (code, n), how.common, |a, b| text(a).cmp(&text(b)));
    }
    let values = if n_known == 0 { Values::Nothing } else { Values::Text(Text { common }) };
    Summary { n_rows, n_missing: n_rows - n_known, n_distinct, values }
}

/// Puts a value among the most common ones, if it is one of them.
fn keep_common<T>(
    common: &mut Vec<(T, usize)>,
    value: (T, usize),
    most: usize,
    order: impl Fn(&T, &T) -> Ordering,
) {
    let stays = |known: &(T, usize)| {
        known.1.cmp(&value.1).then_with(|| order(&value.0, &known.0)) == Ordering::Greater
    };
    let at = common.partition_point(stays);
    if at < most {
        common.insert(at, value);
        common.truncate(most);
    }
}

/// The value below which a share of the sorted values lies, interpolated between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (sorted.get(at.floor() as usize), sorted.get(at.ceil() as usize));
    let (Some(&a), Some(&b)) = (below, above) else { return f64::NAN };
    let part = at.fract();
    match (a == b || part == 0.0, a.is_finite(), b.is_finite()) {
        (true, ..) => a,
        (_, true, true) => a * (1.0 - part) + b * part,
        // Between a number and an infinity lies nothing else.
        (_, true, false) => b,
        _ => a,
    }
}

/// The median of some numbers, none of which is NaN, without sorting all of them; NaN of none.
#[must_use]
pub fn median(values: &mut [f64]) -> f64 {
    let upper = values.len() / 2;
    if upper >= values.len() {
        return f64::NAN;
    }
    let is_odd = values.len() % 2 == 1;
    let (below, &mut above, _) = values.select_nth_unstable_by(upper, f64::total_cmp);
    if is_odd {
        return above;
    }
    below.iter().copied().max_by(f64::total_cmp).map_or(above, |below| quantile(&[below, above], 0.5))
}

fn mean(finite: &[f64]) -> f64 {
    let n = finite.len() as f64;
    let sum: f64 = finite.iter().sum();
    // Where the sum is too large, its parts are not.
    if sum.is_finite() { sum / n } else { finite.iter().map(|x| x / n).sum() }
}

#[cfg(test)]
mod tests;
