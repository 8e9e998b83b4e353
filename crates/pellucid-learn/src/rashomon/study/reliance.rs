//! How much does a model rely on a feature? By how much its errors grow when the feature's values come from other rows.
//!
//! e_switch is the mean loss over all ordered pairs of different rows (i, k) when row i gets the feature from row k, and
//! e_orig the mean loss (Fisher, Rudin & Dominici 2019, section 3.1: "All models are wrong, but many are useful"). The
//! reliance is e_switch - e_orig, exact: rows matter only through which literals of the feature they pass, so that the pairs are
//! summed by patterns. The range over a Rashomon set is the model class reliance.

use super::subject::{Subject, weigh};

/// Reliances over members. All are differences of shares of errors.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reliance {
    /// The smallest of all members.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// That of the best member.
    pub best: f64,
    /// The median of [`super::Findings::median_of`] members.
    pub median: f64,
}

/// The reliances on one feature so far.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    low: f64,
    high: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY }
    }
}

impl Spread {
    pub(super) fn add(&mut self, value: f64) {
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
    }

    /// `some` are the values of the members that the median is over.
    pub(super) fn finish(self, best: f64, mut some: Vec<f32>) -> Reliance {
        some.sort_by(f32::total_cmp);
        let median = some.get(some.len() / 2).copied().map_or(best, f64::from);
        let [low, high] = if some.is_empty() { [best; 2] } else { [self.low, self.high] };
        Reliance { low, high, best, median }
    }
}

/// The reliance of one member on each feature; `predicted` are its predictions.
pub(super) fn of(subject: &Subject, rules: &[u32], predicted: &[u64]) -> Vec<f64> {
    let total: u64 = subject.weights.iter().sum();
    let wrong = |predicted: &[u64]| {
        let differ: Vec<u64> = predicted.iter().zip(&subject.label).map(|(a, b)| a ^ b).collect();
        weigh(&differ, &subject.weights)
    };
    let original = wrong(predicted);
    let mut values = vec![0.0; subject.n_features];
    let mut used: Vec<u32> =
        rules.iter().flat_map(|&rule| subject.parts[rule as usize].iter().map(|part| part.feature)).collect();
    used.sort_unstable();
    used.dedup();
    for feature in used {
        // Σ over patterns p of w_p · E_p, where every row gets pattern p.
        let mut switched = 0_u128;
        for (pattern, &weight) in subject.pattern_weights[feature as usize].iter().enumerate() {
            let mut given = vec![0_u64; subject.words];
            for &rule in rules {
                let part = subject.parts[rule as usize].iter().find(|part| part.feature == feature);
                let rows = match part {
                    None => &subject.holds[rule as usize],
                    Some(part) if part.patterns[pattern] => &part.rest,
                    Some(_) => continue,
                };
                given.iter_mut().zip(rows).for_each(|(all, own)| *all |= own);
            }
            switched += u128::from(weight) * u128::from(wrong(&given));
        }
        // A row with itself is no pair; it errs as it did.
        let pairs = switched - u128::from(original);
        let n = total as f64;
        let mean = if total > 1 { pairs as f64 / (n * (n - 1.0)) } else { 0.0 };
        values[feature as usize] = mean - original as f64 / n;
    }
    values
}
