//! About how many, where counting all of them takes too long?
//!
//! ApproxMC (Chakraborty, Meel & Vardi, IJCAI 2016, algorithms 1 to 4): random parities cut the set into cells of about
//! equal size; a cell small enough is counted, and its size times the number of cells estimates the whole. The median of
//! independent iterations is off by more than a factor of 1 + ε with probability at most δ.
//!
//! Limits: at most 127 parities, so that nothing above about thresh·2¹²⁷ can be estimated. And a cell is not cheap (see
//! [`super::parity_cell`]): where the search can count all sets, it is faster and exact.

mod unigen;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use num_bigint::BigUint;

#[cfg(test)]
pub(super) use unigen::constants;
pub use unigen::{AlmostUniform, unigen};

use super::parity::{ApproximateError, Parity, check, parity_cell};
use super::{Cell, Explorer};
use crate::Searching;

/// An estimate of the number of sets within.
///
/// With c the true number and ĉ the estimate: Pr[c/(1+ε) ≤ ĉ ≤ c·(1+ε)] ≥ 1 - δ, over the seed. A set of fewer than
/// `thresh` members is counted, and then [`Self::exact`] says so.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// ĉ: the median over iterations of size·2^m; the number itself where it is exact.
    pub count: BigUint,
    /// ε.
    pub epsilon: f64,
    /// δ.
    pub delta: f64,
    /// Whether `count` is no estimate but the number.
    pub exact: bool,
    /// Cells of fewer sets than these are small.
    pub thresh: u64,
    /// m parities and the size of their cell, for each iteration that found one; none where it is exact.
    pub cells: Vec<(u32, u64)>,
    /// Iterations in which no number of parities made a small cell. They count as bad ones in the guarantee.
    pub failures: u64,
    /// The seed.
    pub seed: u64,
}

/// ⌊1 + 9.84·(1 + ε/(1+ε))·(1 + 1/ε)²⌋: algorithm 1, line 1. (Sizes are whole: a cell below the floor is below the bound,
/// and one that is not is above the bound less 1, which is what the proof asks for.)
#[must_use]
pub(super) fn thresh(epsilon: f64) -> u64 {
    (1.0 + 9.84 * (1.0 + epsilon / (1.0 + epsilon)) * (1.0 + 1.0 / epsilon).powi(2)) as u64
}

/// ⌈17·log₂(3/δ)⌉: algorithm 1, line 7.
#[must_use]
pub(super) fn iterations(delta: f64) -> u64 {
    (17.0 * (3.0 / delta).log2()).ceil() as u64
}

/// Estimates how many sets are within. The same seed makes the same estimate, with any number of threads.
///
/// The limit on nodes in `searching` holds for each cell.
///
/// # Errors
/// When ε is not above 0 or δ not between 0 and 1, the identity has no parities, the search was stopped, or when half of
/// the iterations failed.
pub fn approximate_count(
    explorer: &Explorer,
    epsilon: f64,
    delta: f64,
    seed: u64,
    searching: &Searching<'_>,
) -> Result<Estimate, ApproximateError> {
    if !(epsilon > 0.0 && epsilon.is_finite()) {
        return Err(ApproximateError::Epsilon(epsilon));
    }
    if !(delta > 0.0 && delta < 1.0) {
        return Err(ApproximateError::Delta(delta));
    }
    check(explorer)?;
    let thresh = thresh(epsilon);
    let none = Parity::random(explorer.n_all, 0, seed, 0, 0)?;
    let all = small(explorer, &none, thresh, searching)?;
    let mut estimate = Estimate {
        count: BigUint::ZERO,
        epsilon,
        delta,
        exact: true,
        thresh,
        cells: Vec::new(),
        failures: 0,
        seed,
    };
    if let Some(size) = all {
        estimate.count = size.into();
        return Ok(estimate);
    }
    let rows = explorer.kept.len().saturating_sub(1).min(Parity::MOST_ROWS - 1);
    let iterate = |round: u64, start: u32| {
        let parity = Parity::random(explorer.n_all, rows, seed, round, 0)?;
        iteration(explorer, &parity, start, thresh, searching)
    };
    // Cells are nested, so that the m of an iteration does not depend on where its search begins; only its time does.
    let first = iterate(0, 1)?;
    let start = first.map_or(1, |(m, _)| m);
    let rest = iterations(delta).saturating_sub(1) as usize;
    let rest = each(rest, searching, |at| iterate(at as u64 + 1, start))?;
    let found = std::iter::once(first).chain(rest);
    let iterations = iterations(delta);
    estimate.exact = false;
    estimate.cells = found.flatten().collect();
    estimate.failures = iterations - estimate.cells.len() as u64;
    if estimate.failures * 2 >= iterations {
        return Err(ApproximateError::Failed { failures: estimate.failures, iterations });
    }
    let mut counts: Vec<BigUint> = estimate.cells.iter().map(|&(m, size)| BigUint::from(size) << m).collect();
    counts.sort_unstable();
    // Of an even number the lower middle: with more than half of all iterations in the band, both middles are in it.
    estimate.count = counts.swap_remove((counts.len() - 1) / 2);
    Ok(estimate)
}

/// How many sets a cell has, where these are fewer than `thresh`.
fn small(
    explorer: &Explorer,
    parity: &Parity,
    thresh: u64,
    searching: &Searching<'_>,
) -> Result<Option<u64>, ApproximateError> {
    let most = usize::try_from(thresh - 1).unwrap_or(usize::MAX - 1);
    let Cell { sets, is_whole } = parity_cell(explorer, parity, most, searching)?;
    Ok(is_whole.then_some(sets.len() as u64))
}

/// The least m ≥ 1 for which the cell of the first m rows is small, with its size; `None` where it never is.
fn iteration(
    explorer: &Explorer,
    parity: &Parity,
    start: u32,
    thresh: u64,
    searching: &Searching<'_>,
) -> Result<Option<(u32, u64)>, ApproximateError> {
    let size = |m: u32| small(explorer, &parity.first(m), thresh, searching);
    // The cell of `large` rows is large, that of `found` is small; steps double until both are known.
    let (mut large, mut found) = (0, None);
    let (mut m, mut step) = (start.clamp(1, parity.n_rows().max(1)), 1);
    loop {
        match size(m)? {
            Some(cell) => {
                found = Some((m, cell));
                if m <= large + 1 {
                    break;
                }
                // Going up, what lies between is searched below; going down, another step.
                if large > 0 {
                    break;
                }
                m = m.saturating_sub(step).max(1);
            }
            None => {
                large = m;
                if found.is_some() {
                    break;
                }
                if m >= parity.n_rows() {
                    return Ok(None);
                }
                m = (m + step).min(parity.n_rows());
            }
        }
        step *= 2;
    }
    while let Some((least, _)) = found.filter(|(least, _)| *least > large + 1) {
        let middle = large + (least - large) / 2;
        match size(middle)? {
            Some(cell) => found = Some((middle, cell)),
            None => large = middle,
        }
    }
    Ok(found)
}

/// Does the same `n` times on as many threads as there may be; results are in order, and of errors the first is told.
pub(super) fn each<T: Send>(
    n: usize,
    searching: &Searching<'_>,
    work: impl Fn(usize) -> Result<T, ApproximateError> + Sync,
) -> Result<Vec<T>, ApproximateError> {
    let threads = searching.control.threads.get().min(n);
    if threads <= 1 {
        return (0..n).map(work).collect();
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let worker = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= n {
                break;
            }
            let result = work(at);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            done.push((at, result));
        }
        done
    };
    let mut all = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<_>>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect::<Vec<_>>()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}
