//! Which rows of the data are like this one?

use pellucid_models::trees::FeatureMatrix;

use super::{Constraint, Domain, Values};

/// A row that is near.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Its number.
    pub row: usize,
    /// From 0, the same, to 1.
    pub distance: f64,
}

/// The `n` nearest of the rows that `accept` takes and constraints allow, by distance, then by number.
///
/// The distance is Gower's (1971, "A general coefficient of similarity and some of its properties"): the mean over features of what the rows
/// differ by; numbers by their share of the domain's range, categories and missing values by 1.
#[must_use]
pub fn nearest(
    rows: &FeatureMatrix,
    row: &[f64],
    domains: &[Domain],
    constraints: &[Constraint],
    n: usize,
    accept: impl Fn(usize) -> bool,
) -> Vec<Near> {
    let mut sums = vec![0.0; rows.n_rows()];
    for (((column, &own), domain), &constraint) in
        rows.columns().iter().zip(row).zip(domains).zip(constraints)
    {
        let range = match domain.values {
            Values::Numbers { low, high, .. } => Some(high - low),
            Values::Categories { .. } | Values::Nothing => None,
        };
        for (sum, &x) in sums.iter_mut().zip(column) {
            // A category that may only rise is held: codes have no order.
            let allowed = if range.is_some() || constraint == Constraint::Free {
                constraint.allows(own, x)
            } else {
                Constraint::Held.allows(own, x)
            };
            *sum += if allowed { apart(own, x, range) } else { f64::INFINITY };
        }
    }
    let width = row.len().max(1) as f64;
    let kept = (0..sums.len()).filter(|&at| sums[at].is_finite() && accept(at));
    let mut found: Vec<Near> = kept.map(|row| Near { row, distance: sums[row] / width }).collect();
    let order = |a: &Near, b: &Near| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row));
    if n < found.len() {
        found.select_nth_unstable_by(n, order);
        found.truncate(n);
    }
    found.sort_unstable_by(order);
    found
}

/// What two values differ by, from 0 to 1.
fn apart(a: f64, b: f64, range: Option<f64>) -> f64 {
    match range {
        _ if a == b || a.is_nan() && b.is_nan() => 0.0,
        // An infinity, or a value outside of the domain, is as far as it gets.
        Some(range) if range > 0.0 && (a - b).is_finite() => ((a - b).abs() / range).min(1.0),
        _ => 1.0,
    }
}
