//! What values does a feature take in some rows?

use pellucid_models::trees::{Ensemble, FeatureKind, FeatureMatrix};

/// Values that a grid has, at most: as many as a slider can stop at.
const GRID: usize = 200;
/// Values that quantiles are taken from, at most: of longer columns evenly spread ones.
const SORTED: usize = 100_000;
/// Parts that numbers are counted in.
const PARTS: usize = 24;

/// What a feature is in some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// Its values, where it has any.
    pub values: Values,
    /// Rows that have none.
    pub n_missing: usize,
}

/// The values of a feature.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// None: every row lacks it.
    Nothing,
    /// Numbers.
    Numbers {
        /// The lowest, of those that are no infinity.
        low: f64,
        /// The highest.
        high: f64,
        /// Whether all are whole numbers.
        whole: bool,
        /// Values from low to high that stand in rows: all of them where they are few, else quantiles (of some rows where those are many).
        grid: Vec<f64>,
        /// How many rows stand in each of equally wide parts from low to high.
        counts: Vec<usize>,
    },
    /// Categories, which have no order.
    Categories {
        /// Their codes, upwards, and how many rows have each: all that the model has names for, else those that stand in rows.
        seen: Vec<(f64, usize)>,
    },
}

/// The domain of every feature.
#[must_use]
pub fn domains(model: &Ensemble, rows: &FeatureMatrix) -> Vec<Domain> {
    model.features.iter().zip(rows.columns()).map(|(feature, column)| domain(&feature.kind, column)).collect()
}

fn domain(kind: &FeatureKind, column: &[f64]) -> Domain {
    let n_missing = column.iter().filter(|x| x.is_nan()).count();
    let values = match kind {
        FeatureKind::Level { levels, .. } => {
            let mut counts = vec![0; levels.len()];
            for &code in column {
                if let Some(count) = (code >= 0.0).then_some(code as usize).and_then(|at| counts.get_mut(at))
                {
                    *count += 1;
                }
            }
            Values::Categories {
                seen: counts.into_iter().enumerate().map(|(code, n)| (code as f64, n)).collect(),
            }
        }
        FeatureKind::Code => codes(column),
        FeatureKind::Number => numbers(column),
    };
    Domain { values, n_missing }
}

/// Codes that stand in rows, without names.
fn codes(column: &[f64]) -> Values {
    let mut sorted: Vec<f64> = column.iter().copied().filter(|code| code.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let seen: Vec<(f64, usize)> = sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect();
    if seen.is_empty() { Values::Nothing } else { Values::Categories { seen } }
}

fn numbers(column: &[f64]) -> Values {
    let finite = || column.iter().copied().filter(|x| x.is_finite());
    let ends = finite().fold(None, |ends: Option<(f64, f64)>, x| {
        Some(ends.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
    });
    let Some((low, high)) = ends else { return Values::Nothing };
    let mut counts = vec![0; PARTS];
    let mut whole = true;
    for x in finite() {
        let share = if high > low { (x - low) / (high - low) } else { 0.0 };
        counts[((share * PARTS as f64) as usize).min(PARTS - 1)] += 1;
        whole &= x.fract() == 0.0;
    }
    // Sorting all would take longer than everything else.
    let step = column.len().div_ceil(SORTED).max(1);
    let some = column.iter().copied().step_by(step).filter(|x| x.is_finite());
    let mut sorted: Vec<f64> = some.chain([low, high]).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let mut distinct = sorted.clone();
    distinct.dedup();
    let mut grid = if distinct.len() <= GRID {
        distinct
    } else {
        (0..GRID).map(|at| sorted[at * (n - 1) / (GRID - 1)]).collect()
    };
    grid.dedup();
    Values::Numbers { low, high, whole, grid, counts }
}
