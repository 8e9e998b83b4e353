//! Which rule set has the least objective? The best one found, with a lower bound on all others.
//!
//! A greedy set with exchanges starts. Then the search asks: is there a set with an objective of at most τ? Where there
//! is, the best of them is the optimum. Where there is none, τ is a lower bound, and the next τ is nearer to the best set
//! known (an iterative deepening on the objective; depth-first search alone would leave the bound at its first value
//! until the end). The first try takes τ to be that set's own objective, with little patience: most instances are solved by it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use pellucid_data::Ratio;
use pellucid_data::ratio::RatioError;

use super::greedy::greedy;
use crate::rashomon::Prepared;
use crate::search::problem::{Thresholds, bits};
use crate::search::visit::{Path, Visit};
use crate::search::{Ended, How, Lane, Switches, run};
use crate::{Instance, Objective, Searching, SemanticsError, Within};

/// Children that the first try may look at.
const PATIENCE: u64 = 1 << 20;

/// What the user wants of the rule set besides being good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constraints {
    /// The most rules.
    pub max_size: Option<usize>,
    /// Of each of these groups at least one rule is in the set (a feature that must be used: the rules that use it).
    pub required: Vec<Vec<u32>>,
    /// What each rule counts (its conditions), and the most that a set's rules may count together.
    pub budget: Option<(Vec<u32>, u64)>,
    /// Whether the set must have a rule.
    pub not_empty: bool,
}

/// Why nothing can satisfy the constraints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstraintError {
    /// A group without rules, or with rules that are not there.
    #[error("constraint {0} needs a rule, and no candidate rule is left that satisfies it")]
    NoRule(usize),
    /// More groups than rules allowed.
    #[error("the constraints need at least {groups} rules, and at most {most} are allowed")]
    TooFew {
        /// Rules needed at least.
        groups: usize,
        /// Rules allowed.
        most: usize,
    },
    /// No set satisfies them all.
    #[error("no rule set satisfies all constraints together: they contradict each other")]
    Contradiction,
    /// Nothing that the constraints allow was found in time.
    #[error("stopped before any rule set was found that satisfies all constraints")]
    Stopped,
    /// The objective makes no sense.
    #[error(transparent)]
    Semantics(#[from] SemanticsError),
    /// Numbers that are too long.
    #[error(transparent)]
    Ratio(#[from] RatioError),
}

/// What is known at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// No set has a smaller objective.
    pub lower: Ratio,
    /// The objective of the best set known.
    pub upper: Option<Ratio>,
    /// Children looked at, and nodes expanded, so far.
    pub nodes: u64,
}

/// The best rule set, or the best known, and what is proven of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Optimum {
    /// The rules, rising. Of several optimal sets the smallest, then the first by its rules.
    pub rules: Vec<u32>,
    /// What its errors cost.
    pub errors: i64,
    /// Its objective.
    pub objective: Ratio,
    /// No allowed set has a smaller one.
    pub lower_bound: Ratio,
    /// How many sets are optimal; only where that is proven.
    pub n_optimal: Option<u64>,
    /// Nodes that were expanded.
    pub nodes: u64,
    /// How many times the search ran.
    pub passes: u32,
}

impl Optimum {
    /// Whether it is proven that no set is better.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.lower_bound >= self.objective
    }

    /// By how much the objective could at most be lowered.
    ///
    /// # Errors
    /// When the difference does not fit into 128 bits.
    pub fn gap(&self) -> Result<Ratio, RatioError> {
        self.objective.minus(self.lower_bound.min(self.objective))
    }
}

/// Finds the best rule set. `told` hears of better bounds as they are found.
///
/// # Errors
/// When the constraints can't be satisfied, or numbers can't be computed with exactly.
pub fn learn(
    instance: &Instance,
    objective: &Objective,
    constraints: &Constraints,
    searching: &Searching<'_>,
    told: &mut dyn FnMut(Bounds),
) -> Result<Optimum, ConstraintError> {
    check(instance, constraints)?;
    let mut hunt = Hunt::new(instance, objective, constraints, searching)?;
    hunt.start_greedily(searching);
    let mut complete = hunt.pass(hunt.upper, searching, Some(PATIENCE))?;
    told(hunt.bounds());
    let first_gap = hunt.upper.minus(hunt.lower)?;
    while !complete && !hunt.is_stopped(searching) {
        let gap = hunt.upper.minus(hunt.lower)?;
        if gap <= Ratio::ZERO {
            break;
        }
        let is_last = gap.times(Ratio::whole(16))? <= first_gap;
        let step = gap.times(Ratio::new(1, 6).ok_or(RatioError::Overflow)?)?;
        // On the grid of objectives, so that fractions stay short.
        let theta = if is_last { hunt.upper } else { hunt.on_grid(hunt.lower.plus(step)?)? };
        let was = hunt.upper;
        let ended = hunt.pass(theta, searching, None)?;
        // Everything up to the bound was seen: what was found there is the best.
        complete = ended && (theta >= hunt.upper || hunt.upper < was);
        told(hunt.bounds());
        if !ended {
            break;
        }
    }
    hunt.finish(complete)
}

fn check(instance: &Instance, constraints: &Constraints) -> Result<(), ConstraintError> {
    for (at, group) in constraints.required.iter().enumerate() {
        if group.is_empty() || group.iter().any(|&rule| rule as usize >= instance.n_rules()) {
            return Err(ConstraintError::NoRule(at + 1));
        }
    }
    let most = constraints.max_size.unwrap_or(usize::MAX);
    // Groups without a rule in common need a rule each.
    let mut taken: Vec<u32> = Vec::new();
    let mut groups = 0;
    for group in &constraints.required {
        if group.iter().all(|rule| !taken.contains(rule)) {
            groups += 1;
            taken.extend(group);
        }
    }
    let needed = groups.max(usize::from(constraints.not_empty));
    if needed > most {
        return Err(ConstraintError::TooFew { groups: needed, most });
    }
    Ok(())
}

/// One optimization.
struct Hunt<'i> {
    constraints: &'i Constraints,
    prepared: Prepared,
    max_size: usize,
    /// The best set known.
    best: Option<Found>,
    lower: Ratio,
    /// The objective of the best set known, or more than any set's.
    upper: Ratio,
    nodes: u64,
    seen: u64,
    passes: u32,
    out_of_nodes: bool,
    /// Sets as good as the best that the last pass saw.
    ties: u64,
}

/// A set with what compares sets: objective, size, rules.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    /// q·errors + p·W·size for λ = p/q: the objective in integers.
    value: i128,
    rules: Vec<u32>,
    errors: i64,
}

impl<'i> Hunt<'i> {
    fn new(
        instance: &Instance,
        objective: &Objective,
        constraints: &'i Constraints,
        searching: &Searching<'_>,
    ) -> Result<Self, ConstraintError> {
        let max_size = constraints.max_size.unwrap_or(usize::MAX).min(instance.n_rules());
        let heaviest = i64::from(objective.false_positive.max(objective.false_negative));
        let top = objective.lambda.times(Ratio::whole(max_size as i64))?.plus(Ratio::whole(heaviest))?;
        let within =
            Within { include_empty: !constraints.not_empty, max_size: Some(max_size), ..Within::new(top) };
        let prepared = Prepared::new(instance, objective, &within, searching)?;
        let floor = objective.value(prepared.floor, 0, prepared.total_weight)?;
        // One rule at least, unless the empty set is as good as can be.
        let one = objective.value(prepared.floor, 1, prepared.total_weight)?;
        let empty = objective.value(prepared.errors, 0, prepared.total_weight)?;
        let lower = if constraints.not_empty || !constraints.required.is_empty() {
            one
        } else {
            one.min(empty).max(floor)
        };
        let mut hunt = Self {
            constraints,
            prepared,
            max_size,
            best: None,
            lower,
            upper: top,
            nodes: 0,
            seen: 0,
            passes: 0,
            out_of_nodes: false,
            ties: 0,
        };
        if hunt.prepared.has_empty && allows(constraints, &[]) {
            let errors = hunt.prepared.errors;
            hunt.offer(Found { value: hunt.value(errors, 0)?, rules: Vec::new(), errors })?;
        }
        Ok(hunt)
    }

    fn value(&self, errors: i64, size: usize) -> Result<i128, RatioError> {
        value(&self.prepared.objective, self.prepared.total_weight, errors, size).ok_or(RatioError::Overflow)
    }

    fn ratio(&self, value: i128) -> Result<Ratio, RatioError> {
        let below =
            self.prepared.objective.lambda.denominator().checked_mul(self.prepared.total_weight.into());
        below.and_then(|below| Ratio::new(value, below)).ok_or(RatioError::Overflow)
    }

    /// The largest possible objective not above `theta`.
    fn on_grid(&self, theta: Ratio) -> Result<Ratio, RatioError> {
        let below =
            Ratio::new(self.prepared.objective.lambda.denominator(), 1).ok_or(RatioError::Overflow)?;
        let weight = Ratio::whole(self.prepared.total_weight as i64);
        self.ratio(theta.times(below)?.times(weight)?.floor())
    }

    fn offer(&mut self, found: Found) -> Result<(), RatioError> {
        if self.best.as_ref().is_none_or(|best| found.is_before(best)) {
            self.upper = self.ratio(found.value)?;
            self.best = Some(found);
        }
        Ok(())
    }

    fn start_greedily(&mut self, searching: &Searching<'_>) {
        let Prepared { problem, objective, total_weight, .. } = &self.prepared;
        let (rules, errors) = greedy(problem, objective, *total_weight, self.max_size, searching);
        let size = rules.len();
        if allows(self.constraints, &rules)
            && let Ok(value) = self.value(errors, size)
        {
            // Its fraction fits, as that of the empty set did.
            let _ = self.offer(Found { value, rules, errors });
        }
    }

    fn is_stopped(&self, searching: &Searching<'_>) -> bool {
        self.out_of_nodes || searching.control.watch.should_stop()
    }

    /// Looks for sets up to `theta`; answers whether all of them were seen.
    fn pass(
        &mut self,
        theta: Ratio,
        searching: &Searching<'_>,
        patience: Option<u64>,
    ) -> Result<bool, ConstraintError> {
        let Prepared { objective, total_weight, floor, .. } = self.prepared;
        let thresholds = Thresholds::new(&objective, theta, total_weight, floor, self.max_size)?;
        let left = searching.most_nodes.map(|most| most.saturating_sub(self.seen));
        if left == Some(0) {
            self.out_of_nodes = true;
            return Ok(false);
        }
        let most_nodes = patience.into_iter().chain(left).min();
        // Rules that change nothing may be just what a constraint needs.
        let nulls = self.constraints.required.is_empty();
        let how = How { most_nodes, switches: Switches { nulls, ..Switches::default() }, ..searching.how() };
        let state = State { best: Mutex::new(None), version: AtomicU64::new(0) };
        let (prepared, constraints) = (&self.prepared, self.constraints);
        let max_size = self.max_size;
        let make = || Improve {
            prepared,
            constraints,
            max_size,
            state: &state,
            version: 0,
            limit: None,
            ties: (0, 0),
            scratch: Vec::new(),
        };
        let Ended { visitors, nodes, children, open } = run(&prepared.problem, &thresholds, &[], &how, make);
        let ties: Vec<(i128, u64)> = visitors.into_iter().map(|worker| worker.ties).collect();
        self.passes += 1;
        self.nodes += nodes;
        self.seen += children;
        if let Some(found) = state.best.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.ties = ties.iter().filter(|(value, _)| *value == found.value).map(|(_, n)| n).sum();
            self.offer(found)?;
        }
        // What was seen whole has nothing below theta but what was found; what was left open says itself how good it can be.
        let seen_whole = open.is_none();
        let mut bound = self
            .ratio(floor_of(theta, &objective, total_weight)?.checked_add(1).ok_or(RatioError::Overflow)?)?;
        if let Some(open) = &open {
            self.out_of_nodes |= left.is_some_and(|left| children >= left);
            for &(size, errors) in &open.least_errors {
                bound = bound.min(objective.value(errors, size, total_weight)?);
            }
        }
        self.lower = self.lower.max(bound.min(self.upper));
        Ok(seen_whole)
    }

    fn bounds(&self) -> Bounds {
        Bounds { lower: self.lower, upper: self.best.as_ref().map(|_| self.upper), nodes: self.nodes }
    }

    fn finish(self, complete: bool) -> Result<Optimum, ConstraintError> {
        let Some(best) = self.best else {
            return Err(if complete { ConstraintError::Contradiction } else { ConstraintError::Stopped });
        };
        let lower_bound = if complete { self.upper } else { self.lower };
        let empty_ties = u64::from(best.rules.is_empty());
        Ok(Optimum {
            objective: self.upper,
            lower_bound,
            errors: best.errors,
            rules: best.rules,
            n_optimal: complete.then_some(self.ties + empty_ties).filter(|n| *n > 0),
            nodes: self.nodes,
            passes: self.passes,
        })
    }
}

/// The largest integer objective not above theta.
fn floor_of(theta: Ratio, objective: &Objective, total_weight: u64) -> Result<i128, RatioError> {
    let below = objective
        .lambda
        .denominator()
        .checked_mul(total_weight.into())
        .and_then(|below| Ratio::new(below, 1));
    Ok(theta.times(below.ok_or(RatioError::Overflow)?)?.floor())
}

fn value(objective: &Objective, total_weight: u64, errors: i64, size: usize) -> Option<i128> {
    let price =
        objective.lambda.numerator().checked_mul(i128::from(total_weight))?.checked_mul(size as i128)?;
    i128::from(errors).checked_mul(objective.lambda.denominator())?.checked_add(price)
}

pub(super) fn allows(constraints: &Constraints, rules: &[u32]) -> bool {
    let has_one = |group: &Vec<u32>| rules.iter().any(|rule| group.contains(rule));
    let fits = |(counts, most): &(Vec<u32>, u64)| {
        rules.iter().map(|&rule| u64::from(counts[rule as usize])).sum::<u64>() <= *most
    };
    constraints.required.iter().all(has_one)
        && constraints.budget.as_ref().is_none_or(fits)
        && constraints.max_size.is_none_or(|most| rules.len() <= most)
        && !(constraints.not_empty && rules.is_empty())
}

impl Found {
    fn is_before(&self, other: &Self) -> bool {
        (self.value, self.rules.len(), &self.rules) < (other.value, other.rules.len(), &other.rules)
    }
}

/// What the workers of one pass share.
struct State {
    best: Mutex<Option<Found>>,
    /// Goes up when the best value falls.
    version: AtomicU64,
}

/// Keeps the best set and lowers the thresholds to it; sets that are as good stay in, so that the answer does not depend on the order.
struct Improve<'s> {
    prepared: &'s Prepared,
    constraints: &'s Constraints,
    max_size: usize,
    state: &'s State,
    version: u64,
    /// The value of the best set as this worker knows it.
    limit: Option<i128>,
    /// The best value that this worker saw, and how many sets of it.
    ties: (i128, u64),
    scratch: Vec<u32>,
}

impl Improve<'_> {
    fn look(&mut self, chosen: &[u32], more: Option<u32>, errors: i64) {
        let Prepared { objective, total_weight, .. } = &self.prepared;
        let size = chosen.len() + usize::from(more.is_some());
        let Some(value) = value(objective, *total_weight, errors, size) else { return };
        if self.limit.is_some_and(|limit| value > limit) {
            return;
        }
        self.scratch.clear();
        self.scratch.extend(chosen.iter().copied().chain(more));
        self.scratch.sort_unstable();
        if !allows(self.constraints, &self.scratch) {
            return;
        }
        self.ties = if self.ties.0 == value { (value, self.ties.1 + 1) } else { (value, 1) };
        self.limit = Some(value);
        let found = Found { value, rules: self.scratch.clone(), errors };
        let mut best = self.state.best.lock().unwrap_or_else(PoisonError::into_inner);
        if best.as_ref().is_none_or(|best| found.value < best.value) {
            self.state.version.fetch_add(1, Ordering::Release);
        }
        if best.as_ref().is_none_or(|best| found.is_before(best)) {
            *best = Some(found);
        }
    }
}

impl Visit for Improve<'_> {
    const TIGHTENS: bool = true;

    fn singles<L: Lane>(&mut self, path: &Path, lanes: &[u64], deltas: &[L], errors: i64) {
        for rule in bits(lanes) {
            self.look(&path.chosen, Some(rule as u32), errors + deltas[rule].wide());
        }
    }

    fn pool(&mut self, path: &Path, least: usize, _most: usize, errors: i64) {
        // Only the start comes here: the empty set is known, and one rule that changes nothing may be asked for.
        if least == 1 {
            path.nulls.iter().for_each(|&null| self.look(&path.chosen, Some(null), errors));
        }
    }

    fn tightened(&mut self) -> Option<Thresholds> {
        let version = self.state.version.load(Ordering::Acquire);
        if version == self.version {
            return None;
        }
        self.version = version;
        let value = self.state.best.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.value;
        self.limit = Some(value);
        let Prepared { objective, total_weight, floor, .. } = self.prepared;
        let below = objective.lambda.denominator().checked_mul(i128::from(*total_weight))?;
        Thresholds::new(objective, Ratio::new(value, below)?, *total_weight, *floor, self.max_size).ok()
    }
}
