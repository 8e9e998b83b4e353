//! How many rule sets are within, by the published algorithm? A second way to every count, slow and plain.
//!
//! BBenum of Ciaperoni, Xiao & Gionis (KDD 2024): a node is a set S, its children are S ∪ {j} for the rules j above its
//! last, so that every set is met once. With [`PlainBounds::published`] the evaluations are those of the published code, one
//! by one, but for two things: arithmetic is exact, and the order is depth-first and not by a queue, which changes neither
//! counts nor evaluations. Children are met from the last rule down, so that what the bounds need to know of later rules
//! is known.
//!
//! It shares with [`crate::rashomon`] what an instance, a class and an objective is, and nothing else. One thread, whatever
//! the caller allows; subsets and distinct columns only.

use std::collections::HashSet;

use num_bigint::BigUint;

use super::bounds::memo::Memo;
use super::bounds::planes::Planes;
use super::bounds::suffix::Reach;
use super::bounds::{
    Largest, Limits, PlainBounds, certain, gain, hierarchical, look_ahead, size, suffix, unavoidable,
};
use crate::{Identity, Instance, InstanceError, Objective, Searching, SemanticsError, Within};

/// What the plain search counted, and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plain {
    /// Sets within: all of them, or those met before the search was stopped.
    pub count: BigUint,
    /// Sets by their number of rules, from 0 to the largest size there is.
    pub by_size: Vec<BigUint>,
    /// How often B1 was asked: once a child. Counted with B1 off as well.
    pub lower_bound_evaluations: u64,
    /// How often an objective was computed: once a child that B1 lets through. The empty set is none.
    pub objective_evaluations: u64,
    /// Sets kept to be expanded, the empty set among them: what the published code puts into its queue.
    pub kept: u64,
    /// Whether the search came to its end.
    pub complete: bool,
}

/// Why the plain search can't count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlainError {
    /// The objective makes no sense, or numbers leave the exact range.
    #[error(transparent)]
    Semantics(#[from] SemanticsError),
    /// An identity that looks at several sets at once.
    #[error("the plain search counts sets by subset or columns, not by {}", .0.name())]
    Identity(Identity),
}

/// Bytes that the memo of B8 may hold, if the caller names none.
const MEMO: usize = 64 << 20;
/// Children between two looks at the caller's wishes.
const PATIENCE: u64 = 1 << 12;

/// Counts all rule sets within. Of `searching`, the threads and the level are ignored.
///
/// # Errors
/// When numbers can't be computed with exactly, or the identity is neither subset nor columns.
pub fn plain(
    instance: &Instance,
    objective: &Objective,
    within: &Within,
    bounds: &PlainBounds,
    searching: &Searching<'_>,
) -> Result<Plain, PlainError> {
    let mut seen = HashSet::new();
    let kept: Vec<u32> = match within.identity {
        Identity::Subset => (0..instance.n_rules() as u32).collect(),
        Identity::Columns => (0..instance.n_rules() as u32)
            .filter(|&rule| seen.insert(&instance.columns()[rule as usize]))
            .collect(),
        other => return Err(PlainError::Identity(other)),
    };
    let dearest = objective.false_positive.max(objective.false_negative);
    let found = u128::from(instance.total_weight()) * u128::from(dearest);
    if found > u128::from(Instance::MOST_WEIGHT) {
        return Err(
            SemanticsError::from(InstanceError::TooHeavy { found, most: Instance::MOST_WEIGHT }).into()
        );
    }
    let instance = instance.with_rules(&kept);
    let max_size = within.max_size.unwrap_or(usize::MAX).min(instance.n_rules());
    let limits = Limits::new(objective, within.theta, instance.total_weight(), max_size)
        .map_err(SemanticsError::from)?;
    let planes = Planes::new(&instance, objective, searching)?;
    let setting = Setting::new(&planes, &limits, max_size, *bounds);
    let mut walk = Walk::new(&setting, searching);
    if within.include_empty && walk.nodes[0].sums.errors() <= limits.at(0) {
        walk.by_size[0] += 1_u32;
    }
    let complete = walk.all(searching);
    let Walk { mut by_size, lower_bound_evaluations, objective_evaluations, kept, .. } = walk;
    while by_size.last().is_some_and(|sets| *sets == BigUint::ZERO) {
        by_size.pop();
    }
    let count = by_size.iter().sum();
    Ok(Plain { count, by_size, lower_bound_evaluations, objective_evaluations, kept, complete })
}

/// What never changes in a search.
struct Setting<'a> {
    planes: &'a Planes,
    limits: &'a Limits,
    max_size: usize,
    bounds: PlainBounds,
    /// Where B6 or B8 asks for it.
    reach: Option<Reach>,
}

impl<'a> Setting<'a> {
    fn new(planes: &'a Planes, limits: &'a Limits, max_size: usize, bounds: PlainBounds) -> Self {
        let reach = (bounds.suffix || bounds.memo).then(|| Reach::new(&planes.columns, planes.words));
        Self { planes, limits, max_size, bounds, reach }
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.planes.columns) * (1 + usize::from(self.reach.is_some()))
    }
}

/// A set S in numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    size: usize,
    /// What false positives cost.
    paid: i64,
    /// What the positives in u cost.
    missed: i64,
    /// Their excess (B4), if a bound asks for it.
    excess: i64,
    /// What the negatives in u cost.
    payable: i64,
}

impl Sums {
    #[inline(always)]
    fn errors(&self) -> i64 {
        self.paid + self.missed
    }
}

/// A set S whose children are met; one a depth, used again and again.
#[derive(Debug, Clone, Default)]
struct Node {
    sums: Sums,
    /// Children yet to be met: the rules from `first` on, below `end`.
    first: usize,
    end: usize,
    /// u, as planes.
    uncovered: Vec<u64>,
    /// Over the children met: P_i or G_i, and N_i.
    gains: Largest,
    costs: Largest,
    /// Where this branch goes into the memo: its key, and what was counted before it.
    key: Vec<u64>,
    before: Vec<BigUint>,
}

/// What is below a child.
enum Branch {
    Nothing,
    /// All sets with up to so many rules more, and no others.
    Certain(usize),
    Unknown,
}

/// Asks the bounds B4 to B7 what is below the child by `rule`, when B2 has let it through.
#[inline]
fn branch(setting: &Setting<'_>, node: &Node, child: &Sums, rule: usize) -> Branch {
    let Setting { planes, limits, max_size, bounds, reach } = setting;
    let &Sums { size, paid, missed, excess, payable } = child;
    let mut least = paid;
    if bounds.unavoidable {
        least = least.max(unavoidable::least(paid, missed, excess));
    }
    if bounds.suffix
        && let Some(reach) = reach
    {
        let (column, after) = (planes.column(rule), reach.after(rule));
        let lost = planes.positives.of(|at| node.uncovered[at] & !column[at] & !after[at]);
        least = least.max(suffix::least(paid, lost + planes.beyond));
    }
    if (bounds.unavoidable || bounds.suffix) && !look_ahead::may_have_more(least, size, limits) {
        return Branch::Nothing;
    }
    let errors = child.errors();
    if bounds.gain && !gain::may_save_enough(errors, least, &node.gains, size, *max_size, limits) {
        return Branch::Nothing;
    }
    if bounds.certain
        && let Some(more) =
            certain::all_within(errors, least, &node.costs, payable, (size, *max_size), limits)
    {
        return Branch::Certain(more);
    }
    Branch::Unknown
}

/// One search.
struct Walk<'a> {
    setting: &'a Setting<'a>,
    nodes: Vec<Node>,
    memo: Memo,
    /// The key of a child, before it is known whether it is needed.
    key: Vec<u64>,
    by_size: Vec<BigUint>,
    lower_bound_evaluations: u64,
    objective_evaluations: u64,
    kept: u64,
    /// Evaluations at which to look up.
    pause: u64,
}

/// Why no child is met any more.
enum Met {
    /// The last one is kept, and is a node now.
    Kept,
    /// There is none left.
    All,
    /// It is time to look up.
    Pause,
}

impl<'a> Walk<'a> {
    fn new(setting: &'a Setting<'a>, searching: &Searching<'_>) -> Self {
        let planes = setting.planes;
        let sums = Sums {
            size: 0,
            paid: 0,
            missed: planes.positives.total + planes.beyond,
            excess: planes.excess.total,
            payable: planes.negatives.total,
        };
        let root = Node { sums, end: planes.n_rules, uncovered: planes.full.clone(), ..Node::default() };
        Self {
            setting,
            nodes: vec![root],
            memo: Memo::new(searching.most_bytes.map_or(MEMO, |most| MEMO.min(most / 2))),
            key: Vec::new(),
            by_size: vec![BigUint::ZERO; setting.limits.len().max(1)],
            lower_bound_evaluations: 0,
            objective_evaluations: 0,
            kept: 1,
            pause: PATIENCE.min(searching.most_nodes.unwrap_or(u64::MAX)),
        }
    }

    /// Meets all sets; answers whether it came to the end.
    fn all(&mut self, searching: &Searching<'_>) -> bool {
        let watch = searching.control.watch;
        let mut told = 0;
        let mut tell = |now: u64| {
            watch.advance((now - told) as usize);
            told = now;
        };
        let mut depth = 0;
        if self.setting.max_size == 0 || !self.has_room(0) {
            return true;
        }
        loop {
            match self.children(depth) {
                Met::Kept => depth += usize::from(self.has_room(depth + 1)),
                Met::All => {
                    self.remember(depth);
                    if depth == 0 {
                        tell(self.lower_bound_evaluations);
                        return true;
                    }
                    depth -= 1;
                }
                Met::Pause => {
                    let now = self.lower_bound_evaluations;
                    tell(now);
                    let most = searching.most_nodes.unwrap_or(u64::MAX);
                    let is_full = searching.most_bytes.is_some_and(|most| self.bytes() > most);
                    if now >= most || is_full || watch.should_stop() {
                        return false;
                    }
                    self.pause = (now + PATIENCE).min(most);
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        let node = size_of::<Node>() + self.setting.planes.words * size_of::<u64>();
        self.setting.bytes() + self.nodes.len() * node + self.memo.bytes()
    }

    /// B3, before a node is expanded.
    fn has_room(&self, depth: usize) -> bool {
        let Sums { paid, size, .. } = self.nodes[depth].sums;
        !self.setting.bounds.size || size::most_more(paid, size, self.setting.limits) > 0
    }

    /// Meets the children of a node that are left, up to one that is kept.
    fn children(&mut self, depth: usize) -> Met {
        let &Setting { planes, limits, bounds, max_size, .. } = self.setting;
        if self.nodes.len() == depth + 1 {
            self.nodes.push(Node { uncovered: vec![0; planes.words], ..Node::default() });
        }
        let (above, below) = self.nodes.split_at_mut(depth + 1);
        let (node, next) = (&mut above[depth], &mut below[0]);
        let size = node.sums.size + 1;
        let within = limits.at(size);
        let needs_excess = bounds.unavoidable || bounds.gain && bounds.excess;
        let mut found = 0_u32;
        let mut met = Met::All;
        while node.end > node.first {
            if self.lower_bound_evaluations == self.pause {
                met = Met::Pause;
                break;
            }
            node.end -= 1;
            let rule = node.end;
            let column = planes.column(rule);
            self.lower_bound_evaluations += 1;
            let cost = planes.negatives.of_both(&node.uncovered, column);
            let paid = node.sums.paid + cost;
            if bounds.hierarchical && !hierarchical::may_be_within(paid, size, limits) {
                if bounds.certain {
                    node.costs.add(cost);
                }
                continue;
            }
            self.objective_evaluations += 1;
            let positive = planes.positives.of_both(&node.uncovered, column);
            let missed = node.sums.missed - positive;
            found += u32::from(paid + missed <= within);
            let may_have_more =
                size < max_size && (!bounds.look_ahead || look_ahead::may_have_more(paid, size, limits));
            let over = if needs_excess { planes.excess.of_both(&node.uncovered, column) } else { 0 };
            let sums = Sums {
                size,
                paid,
                missed,
                excess: node.sums.excess - over,
                payable: node.sums.payable - cost,
            };
            let below = if may_have_more { branch(self.setting, node, &sums, rule) } else { Branch::Nothing };
            if bounds.gain {
                node.gains.add(if bounds.excess { over } else { positive });
            }
            if bounds.certain {
                node.costs.add(cost);
            }
            match below {
                Branch::Nothing => continue,
                Branch::Certain(more) => {
                    add_choices(planes.n_rules - 1 - rule, more, size, &mut self.by_size);
                    continue;
                }
                Branch::Unknown => {}
            }
            next.key.clear();
            if bounds.memo
                && let Some(reach) = &self.setting.reach
            {
                let left = node.uncovered.iter().zip(column).zip(reach.after(rule));
                let left = left.map(|((open, own), after)| open & !own & after);
                Memo::key((rule, size, sums.errors()), left, &mut self.key);
                if let Some(known) = self.memo.get(&self.key) {
                    self.by_size.iter_mut().skip(size + 1).zip(known).for_each(|(sum, sets)| *sum += sets);
                    continue;
                }
                if !self.memo.is_full() {
                    next.key.clone_from(&self.key);
                    next.before.clear();
                    next.before.extend(self.by_size.iter().skip(size + 1).cloned());
                }
            }
            self.kept += 1;
            for ((left, open), own) in next.uncovered.iter_mut().zip(&node.uncovered).zip(column) {
                *left = open & !own;
            }
            (next.sums, next.first, next.end) = (sums, rule + 1, planes.n_rules);
            next.gains.clear();
            next.costs.clear();
            met = Met::Kept;
            break;
        }
        if found > 0 {
            self.by_size[size] += found;
        }
        met
    }

    /// B8: what was counted below a node.
    fn remember(&mut self, depth: usize) {
        let node = &self.nodes[depth];
        if !node.key.is_empty() {
            let now = self.by_size.iter().skip(node.sums.size + 1);
            let counts = now.zip(&node.before).map(|(now, before)| now - before).collect();
            self.memo.put(&node.key, counts);
        }
    }
}

/// Adds C(m, t) to `by_size[size + t]` for t from 1 to `most`.
fn add_choices(m: usize, most: usize, size: usize, by_size: &mut [BigUint]) {
    let mut ways = 1_u128;
    for t in 1..=most.min(m) {
        let Some(product) = ways.checked_mul((m + 1 - t) as u128) else {
            // Beyond 128 bits; rare enough to be slow.
            let mut ways = BigUint::from(ways);
            for t in t..=most.min(m) {
                ways = ways * (m + 1 - t) / t;
                by_size[size + t] += &ways;
            }
            return;
        };
        ways = product / t as u128;
        by_size[size + t] += ways;
    }
}
