//! Which sets does chance choose, about equally likely, where there are too many to give each a rank?
//!
//! UniGen (Chakraborty, Meel & Vardi, DAC 2014, algorithms 1 and 2): a random cell of about the right size, and a member of
//! it by chance. Each trial draws a hash of its own for each number of parities, a cell is asked for one set more than it
//! may have, and trials that find no cell are told and repeated.

use super::{Estimate, approximate_count, each};
use crate::Searching;
use crate::rashomon::Explorer;
use crate::rashomon::parity::{ApproximateError, Parity, Purpose, below, check, parity_cell, stream};

/// Sets drawn about equally likely, with replacement.
///
/// With R the sets within: where the estimate of |R| is inside its band (which it is with probability at least 0.8), each
/// draw is a given set with a probability between 1/((1+ε)·(|R|-1)) and (1+ε)/(|R|-1), and a trial succeeds with
/// probability at least 0.62 (theorem 1). Draws are independent of each other given the estimate, which all of them share.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AlmostUniform {
    /// The sets, each rising, in the order of drawing. Fewer than asked for where too many trials failed.
    pub sets: Vec<Vec<u32>>,
    /// ε.
    pub epsilon: f64,
    /// Whether the whole set was small enough to draw from it directly: then all are equally likely, without ε.
    pub exact: bool,
    /// Sizes that a cell must have: from, to. The whole set has at most `cell.1` where `exact`.
    pub cell: (usize, usize),
    /// How many sets there are, by which the number of parities was chosen; none where `exact`.
    pub estimate: Option<Estimate>,
    /// Trials that were made.
    pub trials: u64,
    /// Trials that found no cell of the right size.
    pub failures: u64,
    /// The seed.
    pub seed: u64,
}

/// Numbers that follow from ε.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::rashomon) struct Constants {
    pub(in crate::rashomon) kappa: f64,
    pub(in crate::rashomon) pivot: f64,
    pub(in crate::rashomon) low: usize,
    pub(in crate::rashomon) high: usize,
}

/// The κ in [0, 1) with ε = (1+κ)·(2.23 + 0.48/(1-κ)²) - 1, and what follows: algorithm 2.
pub(in crate::rashomon) fn constants(epsilon: f64) -> Result<Constants, ApproximateError> {
    if !(epsilon > 1.71 && epsilon.is_finite()) {
        return Err(ApproximateError::SampleEpsilon(epsilon));
    }
    let of = |kappa: f64| (1.0 + kappa) * (2.23 + 0.48 / (1.0 - kappa).powi(2)) - 1.0;
    let (mut kappa, mut above) = (0.0, 1.0);
    for _ in 0..64 {
        let middle: f64 = (kappa + above) / 2.0;
        if of(middle) <= epsilon {
            kappa = middle;
        } else {
            above = middle;
        }
    }
    let pivot = (3.0 * 0.5_f64.exp() * (1.0 + 1.0 / kappa).powi(2)).ceil();
    let low = (pivot / (1.0 + kappa)).floor() as usize;
    let high = (1.0 + (1.0 + kappa) * pivot).ceil() as usize;
    Ok(Constants { kappa, pivot, low, high })
}

/// Trials for each set that is asked for, and some more: at a chance of 0.62 that this many are too few is below 10⁻¹⁰.
const TRIALS: usize = 4;
const MORE_TRIALS: usize = 32;

/// Draws `n` sets about equally likely. The same seed draws the same sets, with any number of threads.
///
/// The limit on nodes in `searching` holds for each cell.
///
/// # Errors
/// When ε is not above 1.71, the identity has no parities, there is nothing to draw from, the search was stopped, or when
/// the number of sets can't be estimated.
pub fn unigen(
    explorer: &Explorer,
    n: usize,
    epsilon: f64,
    seed: u64,
    searching: &Searching<'_>,
) -> Result<AlmostUniform, ApproximateError> {
    check(explorer)?;
    let Constants { pivot, low, high, .. } = constants(epsilon)?;
    let none = Parity::random(explorer.n_all, 0, seed, 0, 0)?;
    let all = parity_cell(explorer, &none, high, searching)?;
    let mut drawn = AlmostUniform {
        sets: Vec::new(),
        epsilon,
        exact: all.is_whole,
        cell: (low, high),
        estimate: None,
        trials: 0,
        failures: 0,
        seed,
    };
    if all.is_whole {
        if all.sets.is_empty() {
            return Err(ApproximateError::Empty);
        }
        let mut random = stream(seed, 0, 0, Purpose::Choice);
        drawn.sets = (0..n).map(|_| all.sets[below(all.sets.len(), &mut random)].clone()).collect();
        drawn.trials = n as u64;
        return Ok(drawn);
    }
    // The estimate has ε = 0.8 and confidence 0.8 (algorithm 2, line 9); its rounds begin at 0, those of trials elsewhere.
    let estimate = approximate_count(explorer, 0.8, 0.2, seed, searching)?;
    let q = (log2(&estimate.count) + 1.8_f64.log2() - pivot.log2()).ceil().max(1.0) as u32;
    drawn.estimate = Some(estimate);
    let trial = |at: usize| {
        let round = 1 << 63 | at as u64;
        // i goes from q - 3 to q: line 11 begins at q - 4, line 13 adds 1 first.
        for m in q.saturating_sub(3).max(1)..=q {
            let parity = Parity::random(explorer.n_all, m as usize, seed, round, m)?;
            let cell = parity_cell(explorer, &parity, high, searching)?;
            if cell.is_whole && cell.sets.len() >= low {
                let mut random = stream(seed, round, m, Purpose::Choice);
                let place = below(cell.sets.len(), &mut random);
                return Ok(cell.sets.into_iter().nth(place));
            }
        }
        Ok(None)
    };
    let most = n.saturating_mul(TRIALS).saturating_add(MORE_TRIALS);
    let mut made = 0;
    while drawn.sets.len() < n && made < most {
        let batch = (n - drawn.sets.len()).min(most - made);
        let sets = each(batch, searching, |at| trial(made + at))?;
        made += batch;
        drawn.failures += sets.iter().filter(|set| set.is_none()).count() as u64;
        drawn.sets.extend(sets.into_iter().flatten());
    }
    drawn.trials = made as u64;
    Ok(drawn)
}

/// log₂ of a number above 0, good to the last few bits; -∞ of 0.
fn log2(n: &num_bigint::BigUint) -> f64 {
    let shift = n.bits().saturating_sub(64);
    let head = (n >> shift).to_u64_digits().first().copied().unwrap_or(0);
    (head as f64).log2() + shift as f64
}
