//! About how many, by going down the search tree at random?
//!
//! Knuth (1975), "Estimating the efficiency of backtrack programs": at each node one branch is chosen, all equally likely,
//! and the weight of what is found is the product of the numbers of branches. A branch is to stop at a set that is within, or
//! a child that some bound does not rule out. A set is found with probability 1/weight, so that the mean weight is the
//! number of sets within, in expectation, and the weighted mean of any f over the draws the sum of f over all sets.
//!
//! Limits: no finite-sample guarantee. The weights of few draws may hide that almost all sets lie below a branch that was
//! never taken, and the standard error does not see that either.

use num_bigint::BigUint;

use super::Explorer;
use super::approximate::each;
use super::parity::{ApproximateError, Ground, Node, Purpose, Top, below, check, stream};
use crate::search::Lane;
use crate::search::problem::AnyProblem;
use crate::{Level, Searching};

/// Draws by probing, an importance weight each. No finite-sample guarantee.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probed {
    /// The draws, in order.
    pub draws: Vec<Probe>,
    /// The seed.
    pub seed: u64,
}

/// What one way down has found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// The set, rising; `None` where the way ended at a node without branches.
    pub rules: Option<Vec<u32>>,
    /// One over the probability of the set; 0 where there is none.
    pub weight: BigUint,
}

impl Probed {
    /// What must stand beside every number from here.
    pub const GUARANTEE: &str = "no finite-sample guarantee";

    /// The mean weight: an unbiased estimate of how many sets are within; `None` without draws.
    #[must_use]
    pub fn estimate(&self) -> Option<f64> {
        let sum: BigUint = self.draws.iter().map(|draw| &draw.weight).sum();
        (!self.draws.is_empty()).then(|| float(&sum) / self.draws.len() as f64)
    }

    /// The standard error of [`Self::estimate`], from the spread of the weights; `None` for fewer than two draws.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        let (mean, n) = (self.estimate()?, self.draws.len() as f64);
        let squares = self.draws.iter().map(|draw| (float(&draw.weight) - mean).powi(2)).sum::<f64>();
        (self.draws.len() > 1).then(|| (squares / (n * (n - 1.0))).sqrt())
    }
}

fn float(n: &BigUint) -> f64 {
    n.to_u64_digits().iter().rev().fold(0.0, |sum, &digit| sum * 2.0_f64.powi(64) + digit as f64)
}

/// Goes down `n` times. The same seed draws the same sets, with any number of threads.
///
/// # Errors
/// When the identity is not one of subsets, or when the search was stopped.
pub fn probe(
    explorer: &Explorer,
    n: usize,
    seed: u64,
    searching: &Searching<'_>,
) -> Result<Probed, ApproximateError> {
    check(explorer)?;
    let thresholds = &explorer.prepared.thresholds;
    let draws = match &explorer.prepared.problem {
        AnyProblem::Narrow(problem) => {
            probes(&Ground::new(problem, thresholds), explorer, n, seed, searching)
        }
        AnyProblem::Wide(problem) => probes(&Ground::new(problem, thresholds), explorer, n, seed, searching),
    }?;
    Ok(Probed { draws, seed })
}

fn probes<L: Lane>(
    ground: &Ground<'_, L>,
    explorer: &Explorer,
    n: usize,
    seed: u64,
    searching: &Searching<'_>,
) -> Result<Vec<Probe>, ApproximateError> {
    let order = ground.by_gain();
    let has_empty = explorer.prepared.has_empty;
    each(n, searching, |at| {
        searching.control.watch.advance(1);
        if searching.control.watch.should_stop() {
            return Err(ApproximateError::Stopped);
        }
        let mut random = stream(seed, at as u64, 0, Purpose::Probe);
        let choose = |n: usize| below(n, &mut random);
        // The numbers are those of the kernels, see `search::lane`.
        let mut found = match searching.level.or_lower() {
            Level::Avx512 => go_down::<L, 2>(ground, &order, has_empty, choose),
            Level::Avx2 => go_down::<L, 1>(ground, &order, has_empty, choose),
            Level::Portable => go_down::<L, 0>(ground, &order, has_empty, choose),
        };
        for rule in found.rules.iter_mut().flatten() {
            *rule = explorer.kept[*rule as usize];
        }
        Ok(found)
    })
}

/// One way down; `choose` answers a number below the number of branches.
pub(super) fn go_down<L: Lane, const LEVEL: u8>(
    ground: &Ground<'_, L>,
    order: &[u32],
    has_empty: bool,
    mut choose: impl FnMut(usize) -> usize,
) -> Probe {
    let mut node = ground.root();
    let mut child = node.clone();
    let (mut rules, mut at, mut weight) = (Vec::new(), 0, BigUint::from(1_u32));
    let (mut top, mut children) = (Top::default(), Vec::new());
    loop {
        let is_within =
            if node.size == 0 { has_empty } else { node.errors <= ground.thresholds.at(node.size) };
        branches(ground, &node, &order[at..], &mut top, &mut children);
        let n = children.len() + usize::from(is_within);
        if n == 0 {
            return Probe { rules: None, weight: BigUint::ZERO };
        }
        weight *= n;
        let Some(&place) = children.get(choose(n)) else {
            rules.sort_unstable();
            return Probe { rules: Some(rules), weight };
        };
        let rule = order[at + place];
        rules.push(rule);
        at += place + 1;
        ground.join::<LEVEL>(&node, &[rule], &mut child);
        std::mem::swap(&mut node, &mut child);
    }
}

/// The places of the rules that can join a node, such that the set or a superset by later rules may be within.
fn branches<L: Lane>(
    ground: &Ground<'_, L>,
    node: &Node<L>,
    later: &[u32],
    top: &mut Top,
    places: &mut Vec<usize>,
) {
    places.clear();
    top.clear(ground.thresholds.max_size.saturating_sub(node.size));
    for (place, &rule) in later.iter().enumerate().rev() {
        let [delta, gain] = [node.deltas[rule as usize], node.gains[rule as usize]].map(Lane::wide);
        let room = top.room(ground.thresholds, node.errors + delta, node.size + 1, node.left - gain);
        if room.is_some() {
            places.push(place);
        }
        top.insert(gain);
    }
}
