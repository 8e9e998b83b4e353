//! How do many rows get through a tree quickly, by their own values? Without a branch that could be
//! guessed wrong.
//!
//! Every row takes as many steps as the tree is deep; a leaf leads to itself. What a walk answers is
//! what [`Tree::leaf`] answers, and tests hold it to that.

use super::bind::FeatureMatrix;
use super::node::{Missing, Node, Side, Target, Test, Tree};

/// Deeper trees are walked node by node: most rows would wait at a leaf.
const DEEPEST: usize = 32;

/// Rows that walk side by side.
const LANES: usize = 8;

/// A tree whose splits all compare with a threshold, laid out for walking.
#[derive(Debug, Clone)]
pub struct Walk<'t> {
    tree: &'t Tree,
    nodes: Vec<Step>,
    depth: usize,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    /// Rows below go to `next[1]`.
    threshold: f64,
    feature: u32,
    /// Children; a leaf's are itself.
    next: [u32; 2],
    nan_yes: bool,
    leaf: u32,
}

impl<'t> Walk<'t> {
    /// The walk of a tree; `None` if it has categories, reads zeros as missing, or is very deep.
    #[must_use]
    pub fn new(tree: &'t Tree) -> Option<Self> {
        let depth = tree.depth();
        let step = |(at, node): (usize, &Node)| match *node {
            Node::Leaf(leaf) => {
                let own = at as u32;
                Some(Step { threshold: f64::INFINITY, feature: 0, next: [own, own], nan_yes: false, leaf })
            }
            Node::Split(split) => {
                let threshold = match split.test {
                    Test::Below(threshold) => threshold,
                    Test::AtMost(threshold) if threshold < f64::INFINITY => threshold.next_up(),
                    _ => return None,
                };
                let nan_yes = match split.missing {
                    Missing::Goes(side) => side == Side::Yes,
                    Missing::IsZero => 0.0 < threshold,
                    Missing::ZeroToo(_) => return None,
                };
                Some(Step {
                    threshold,
                    feature: split.feature.0,
                    next: [split.no.0, split.yes.0],
                    nan_yes,
                    leaf: 0,
                })
            }
        };
        let nodes = tree.nodes().iter().enumerate().map(step);
        let nodes = if depth <= DEEPEST { nodes.collect::<Option<Vec<Step>>>()? } else { return None };
        Some(Self { tree, nodes, depth })
    }

    /// The leaves of [`LANES`] rows; `x` gives a feature's value in one of them, NaN where it is missing.
    ///
    /// One row's steps wait for each other; several rows' steps do not.
    fn leaves(&self, x: impl Fn(u32, usize) -> f64) -> [u32; LANES] {
        let mut at = [0_u32; LANES];
        for _ in 0..self.depth {
            for (lane, at) in at.iter_mut().enumerate() {
                let step = &self.nodes[*at as usize];
                let value = x(step.feature, lane);
                let yes = (value < step.threshold) | (value.is_nan() & step.nan_yes);
                *at = step.next[usize::from(yes)];
            }
        }
        at.map(|at| self.nodes[at as usize].leaf)
    }
}

/// A tree as choices between two columns of numbers, from the leaves up: every split is asked for every row, and nothing is
/// ever looked up. With wide registers that is faster than a walk, while there are few leaves.
#[derive(Debug, Clone)]
pub struct Choices<'t> {
    tree: &'t Tree,
    choices: Vec<Choice>,
    n_slots: usize,
}

#[derive(Debug, Clone, Copy)]
struct Choice {
    threshold: f64,
    feature: u32,
    nan_yes: bool,
    /// Where the answer goes; what it is made from stands there and in the next slot, if it does not stand here.
    slot: u32,
    yes: Option<f64>,
    no: Option<f64>,
}

/// Memory of [`Choices::each`], to be used again.
#[derive(Debug, Default)]
pub struct Slots {
    slots: Vec<Slot>,
    short: Slot,
}

/// One number a row, on whole lines of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Slot([f64; ROWS]);

impl Default for Slot {
    fn default() -> Self {
        Self([0.0; ROWS])
    }
}

/// Rows that are chosen for together.
pub const ROWS: usize = 256;

impl<'t> Choices<'t> {
    /// The choices of a tree with one value a leaf; `None` where a walk is faster on a machine that compares `lanes` numbers
    /// at once, or is the only way.
    #[must_use]
    pub fn new(tree: &'t Tree, lanes: usize) -> Option<Self> {
        let depth = tree.depth();
        let Target::One(_) = tree.target() else { return None };
        if depth == 0 || tree.n_leaves() > 4 * lanes * depth {
            return None;
        }
        let walk = Walk::new(tree)?;
        let mut all = Self { tree, choices: Vec::with_capacity(tree.n_leaves()), n_slots: 1 };
        all.add(&walk, 0, 0);
        Some(all)
    }

    /// Adds the choices of a subtree; answers its value if it is a leaf. [`Walk::new`] bounds the depth.
    fn add(&mut self, walk: &Walk<'t>, node: usize, slot: u32) -> Option<f64> {
        let Step { threshold, feature, next, nan_yes, leaf } = walk.nodes[node];
        if next[0] as usize == node {
            return Some(self.tree.leaf_values(leaf)[0]);
        }
        self.n_slots = self.n_slots.max(slot as usize + 1);
        let yes = self.add(walk, next[1] as usize, slot);
        let no = self.add(walk, next[0] as usize, slot + u32::from(yes.is_none()));
        self.choices.push(Choice { threshold, feature, nan_yes, slot, yes, no });
        None
    }

    /// Gives every row of a range, counted from its start, with its leaf's value. Ranges of at most [`ROWS`] rows, one tree
    /// after another, keep the values of the rows in the first-level cache.
    #[inline(always)]
    pub fn each(
        &self,
        rows: &FeatureMatrix,
        range: std::ops::Range<usize>,
        slots: &mut Slots,
        mut give: impl FnMut(usize, f64),
    ) {
        let Slots { slots, short } = slots;
        if slots.len() <= self.n_slots {
            slots.resize(self.n_slots + 1, Slot::default());
        }
        let columns = rows.columns();
        for first in range.clone().step_by(ROWS) {
            let n = ROWS.min(range.end - first);
            // Whole registers; what the last one of a short chunk holds past its rows does not matter.
            let whole = n.next_multiple_of(LANES);
            for choice in &self.choices {
                let mut x = &columns[choice.feature as usize][first..first + n];
                if n < whole {
                    short.0[..n].copy_from_slice(x);
                    x = &short.0[..whole];
                }
                choice.apply(x, slots);
            }
            slots[0].0[..n].iter().enumerate().for_each(|(at, &value)| give(first - range.start + at, value));
        }
    }
}

impl Choice {
    #[inline(always)]
    fn apply(&self, x: &[f64], slots: &mut [Slot]) {
        let Some([own, next]) = slots[self.slot as usize..].first_chunk_mut::<2>() else { return };
        let (own, next) = (&mut own.0, &next.0);
        let t = self.threshold;
        // `x < t` is false for NaN and `!(x >= t)` true.
        if self.nan_yes {
            self.choose(x, own, next, |x| x < t || x.is_nan());
        } else {
            self.choose(x, own, next, |x| x < t);
        }
    }

    #[inline(always)]
    fn choose(&self, x: &[f64], own: &mut [f64; ROWS], next: &[f64; ROWS], is_yes: impl Fn(f64) -> bool) {
        let all = own.iter_mut().zip(next).zip(x);
        // Bits are chosen by a mask: with `if`, numbers that stay would be skipped by a branch.
        let pick = |x: f64, yes: f64, no: f64| {
            let mask = u64::from(is_yes(x)).wrapping_neg();
            f64::from_bits((yes.to_bits() & mask) | (no.to_bits() & !mask))
        };
        match (self.yes, self.no) {
            (Some(yes), Some(no)) => all.for_each(|((own, _), &x)| *own = pick(x, yes, no)),
            (Some(yes), None) => all.for_each(|((own, _), &x)| *own = pick(x, yes, *own)),
            (None, Some(no)) => all.for_each(|((own, _), &x)| *own = pick(x, *own, no)),
            (None, None) => all.for_each(|((own, &next), &x)| *own = pick(x, *own, next)),
        }
    }
}

/// The fastest exact way to a tree's leaves.
#[derive(Debug, Clone)]
pub enum Walker<'t> {
    /// Threshold by threshold, without branches.
    Straight(Walk<'t>),
    /// Node by node.
    General(&'t Tree),
}

impl<'t> Walker<'t> {
    /// Chooses for a tree.
    #[must_use]
    pub fn new(tree: &'t Tree) -> Self {
        Walk::new(tree).map_or(Self::General(tree), Self::Straight)
    }

    /// Gives every row of a range, counted from its start, with its leaf.
    pub fn each_leaf(
        &self,
        rows: &FeatureMatrix,
        range: std::ops::Range<usize>,
        mut give: impl FnMut(usize, u32),
    ) {
        let mut row = range.start;
        if let Self::Straight(walk) = self {
            let n = rows.n_rows();
            let columns = rows.columns();
            while row + LANES <= range.end.min(n) {
                let leaves = walk.leaves(|feature, lane| columns[feature as usize][row + lane]);
                leaves.iter().enumerate().for_each(|(lane, &leaf)| give(row - range.start + lane, leaf));
                row += LANES;
            }
        }
        for row in row..range.end {
            give(row - range.start, self.tree().leaf(|feature| rows.at(feature, row)));
        }
    }

    fn tree(&self) -> &'t Tree {
        match self {
            Self::Straight(walk) => walk.tree,
            Self::General(tree) => tree,
        }
    }
}
