//! About how many, by going down the search tree at random?
//!
//! Knuth (1975), "Estimating the efficiency of backtrack programs": at each node one branch is chosen, all equally likely.
//! A branch is to stop at a set that is within, or a rule to join that no bound rules out. Rules join in any order, so that
//! no branch is heavier than others for standing first; a set of k rules is then at the end of k! ways (every part of it
//! leads to it, so that no sound bound cuts any), each of which is gone with a probability of one over the product of its
//! numbers of branches. With that product over k! as weight, the mean weight is the number of sets within, in expectation,
//! and the weighted mean of any f over the draws the sum of f over all sets.
//!
//! Limits: no finite-sample guarantee. The weights of few draws may hide that almost all sets lie below a branch that was
//! never taken, and the standard error does not see that either.

use pellucid_data::level::{AVX2, AVX512, PORTABLE};

use super::Explorer;
use super::approximate::each;
use super::parity::{ApproximateError, Ground, Node, Purpose, Top, below, check, stream};
use crate::search::Lane;
use crate::search::problem::AnyProblem;
use crate::{Level, Searching};

/// Draws by probing, an importance weight each. No finite-sample guarantee.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Probed {
    /// The draws, in order.
    pub draws: Vec<Probe>,
    /// The seed.
    pub seed: u64,
}

/// What one way down has found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Probe {
    /// The set, rising; `None` where the way ended at a node without branches.
    pub rules: Option<Vec<u32>>,
    /// The product of the numbers of branches over the number of orders; 0 where there is no set.
    pub weight: f64,
}

impl Probed {
    /// What must stand beside every number from here.
    pub const GUARANTEE: &str = "no finite-sample guarantee";

    /// The mean weight: an unbiased estimate of how many sets are within; `None` without draws.
    #[must_use]
    pub fn estimate(&self) -> Option<f64> {
        let sum: f64 = self.draws.iter().map(|draw| draw.weight).sum();
        (!self.draws.is_empty()).then(|| sum / self.draws.len() as f64)
    }

    /// The standard error of [`Self::estimate`], from the spread of the weights; `None` for fewer than two draws.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        let (mean, n) = (self.estimate()?, self.draws.len() as f64);
        let squares = self.draws.iter().map(|draw| (draw.weight - mean).powi(2)).sum::<f64>();
        (self.draws.len() > 1).then(|| (squares / (n * (n - 1.0))).sqrt())
    }
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
            Level::Avx512 => go_down::<L, AVX512>(ground, has_empty, choose),
            Level::Avx2 => go_down::<L, AVX2>(ground, has_empty, choose),
            Level::Portable => go_down::<L, PORTABLE>(ground, has_empty, choose),
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
    has_empty: bool,
    mut choose: impl FnMut(usize) -> usize,
) -> Probe {
    let mut node = ground.root();
    let mut child = node.clone();
    let (mut rules, mut weight) = (Vec::new(), 1.0);
    let mut rest: Vec<u32> = (0..ground.problem.n_rules as u32).collect();
    let (mut top, mut children) = (Top::default(), Vec::new());
    loop {
        let is_within =
            if node.size == 0 { has_empty } else { node.errors <= ground.thresholds.at(node.size) };
        branches(ground, &node, &rest, &mut top, &mut children);
        let n = children.len() + usize::from(is_within);
        if n == 0 {
            return Probe { rules: None, weight: 0.0 };
        }
        weight *= n as f64;
        let Some(&rule) = children.get(choose(n)) else {
            rules.sort_unstable();
            return Probe { rules: Some(rules), weight };
        };
        rules.push(rule);
        // A set of k rules can be reached in k! orders.
        weight /= rules.len() as f64;
        // What can't join now can't later.
        rest.clear();
        rest.extend(children.iter().filter(|&&other| other != rule));
        ground.join::<LEVEL>(&node, &[rule], &mut child);
        std::mem::swap(&mut node, &mut child);
    }
}

/// The rules that can join a node, such that the set or a superset may be within.
fn branches<L: Lane>(
    ground: &Ground<'_, L>,
    node: &Node<L>,
    rest: &[u32],
    top: &mut Top,
    children: &mut Vec<u32>,
) {
    top.clear(ground.thresholds.max_size.saturating_sub(node.size));
    rest.iter().for_each(|&rule| top.insert(node.gains[rule as usize].wide()));
    children.clear();
    children.extend(rest.iter().filter(|&&rule| {
        let [delta, gain] = [node.deltas[rule as usize], node.gains[rule as usize]].map(Lane::wide);
        let (errors, left) = (node.errors + delta, node.left - gain);
        top.room_without(Some(gain), ground.thresholds, errors, node.size + 1, left).is_some()
    }));
}
