//! Where do values lie? Edges that are round numbers, and how many rows are between them.

use super::Split;
use crate::RowSet;
use crate::table::Column;

/// Steps that are tried, of each power of ten.
const STEPS: [i64; 5] = [1, 2, 5, 10, 20];

/// Edges of at most `most` bins (and one more where the ends ask for it) that hold every number from `low` to `high`, which are finite: multiples of
/// 1, 2 or 5 times a power of ten. Each bin holds its lower edge, and the last one both. Bins of whole numbers are at least 1 wide.
#[must_use]
pub fn edges(low: f64, high: f64, most: usize, whole: bool) -> Vec<f64> {
    let most = most.max(1);
    if low == high {
        return vec![low, high];
    }
    // Divided first: the range itself may be too large for a number.
    let least = high / most as f64 - low / most as f64;
    let least = if whole { least.max(1.0) } else { least };
    let power = least.log10().floor() as i32;
    let found = STEPS.iter().map(|&step| multiples(low, high, step, power)).find(|all| {
        let rises = all.windows(2).all(|pair| pair[0] < pair[1] && pair[1].is_finite());
        let holds = all.first().is_some_and(|first| *first <= low && first.is_finite())
            && all.last().is_some_and(|last| *last > high);
        rises && holds && all.len() <= most + 2
    });
    found.unwrap_or_else(|| {
        // Round edges would be one number: the range is as small as numbers of this size can tell.
        let at = |k: usize| low * (1.0 - k as f64 / most as f64) + high * (k as f64 / most as f64);
        let mut all: Vec<f64> = (0..=most).map(at).map(|x| x.clamp(low, high)).collect();
        all.dedup();
        all
    })
}

/// The multiples of a step around a range; none if they are too many to be edges of bins.
fn multiples(low: f64, high: f64, step: i64, power: i32) -> Vec<f64> {
    let scale = 10_f64.powi(power.abs());
    // A quotient is the number that people write; a product with 0.1 is not.
    let at = |k: i64| {
        let whole = k.saturating_mul(step) as f64;
        if power < 0 { whole / scale } else { whole * scale }
    };
    let place = |x: f64| if power < 0 { x * scale / step as f64 } else { x / scale / step as f64 };
    let (first, last) = (place(low).floor(), place(high).floor());
    if !(first.abs() < 1e15 && last.abs() < 1e15 && last - first < 1e6) {
        return Vec::new();
    }
    let (mut first, mut last) = (first as i64, last as i64);
    // Rounding may have gone over an edge.
    first -= i64::from(at(first) > low);
    last += i64::from(at(last + 1) <= high);
    (first..=last + 1).map(at).collect()
}

/// How many of some sorted numbers are in each bin.
pub(super) fn of_sorted(sorted: &[f64], edges: &[f64]) -> Vec<usize> {
    let n = edges.len().saturating_sub(1);
    let start = |bin: usize| match edges.get(bin) {
        // The last bin holds its upper edge too.
        Some(edge) if bin < n => sorted.partition_point(|x| x < edge),
        _ => sorted.len(),
    };
    (0..n).map(|bin| start(bin + 1) - start(bin)).collect()
}

/// What bars stand for.
#[derive(Debug, Clone, PartialEq)]
pub enum Bars {
    /// Numbers between edges.
    Edges(Vec<f64>),
    /// Single numbers, rising.
    Values(Vec<f64>),
    /// Levels by their codes.
    Levels(Vec<u32>),
}

impl Bars {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Edges(edges) => edges.len().saturating_sub(1),
            Self::Values(values) => values.len(),
            Self::Levels(codes) => codes.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bar of a number, if it has one.
    fn of_number(&self, x: f64) -> Option<usize> {
        match self {
            Self::Edges(edges) => {
                let (first, last) = (edges.first()?, edges.last()?);
                if !(x >= *first && x <= *last) {
                    return None;
                }
                Some(
                    (edges.partition_point(|edge| *edge <= x))
                        .saturating_sub(1)
                        .min(self.len().saturating_sub(1)),
                )
            }
            Self::Values(values) => {
                let at = values.partition_point(|own| *own < x);
                values.get(at).filter(|own| **own == x).map(|_| at)
            }
            Self::Levels(_) => None,
        }
    }
}

/// How many of some rows stand at each bar, one list of counts a part of a split (one for all where there is none). What has no bar is the last count
/// of each list: other values; what is missing is in none.
#[must_use]
pub fn tally(column: &Column, rows: &RowSet, bars: &Bars, split: Option<&Split>) -> Vec<Vec<usize>> {
    let n_parts = split.map_or(1, |split| split.parts.len());
    let mut counts = vec![vec![0_usize; bars.len() + 1]; n_parts];
    let mut add = |row: usize, bar: Option<usize>| {
        let part = split.map_or(Some(0), |split| split.part(row));
        let own = part.and_then(|part| counts.get_mut(part));
        if let Some(n) = own.and_then(|own| own.get_mut(bar.unwrap_or(bars.len()))) {
            *n += 1;
        }
    };
    match column {
        Column::Number(all) => {
            for row in rows.iter() {
                match all.get(row) {
                    Some(x) if !x.is_nan() => add(row, bars.of_number(*x)),
                    _ => {}
                }
            }
        }
        Column::Category(all) => {
            let mut places = vec![None; all.levels.len()];
            if let Bars::Levels(codes) = bars {
                for (bar, &code) in codes.iter().enumerate() {
                    places.get_mut(code as usize).map(|place| place.replace(bar));
                }
            }
            for row in rows.iter() {
                if let Some(bar) = all.codes.get(row).and_then(|&code| places.get(code as usize)) {
                    add(row, *bar);
                }
            }
        }
    }
    counts
}
