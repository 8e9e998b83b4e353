//! How do many rows get through a tree quickly, by their own values? Without a branch that could be
//! guessed wrong.
//!
//! Every row takes as many steps as the tree is deep; a leaf leads to itself. What a walk answers is
//! what [`Tree::leaf`] answers, and tests hold it to that.

use super::bind::FeatureMatrix;
use super::node::{Missing, Node, Side, Test, Tree};

/// Deeper trees are walked node by node: most rows would wait at a leaf.
const DEEPEST: usize = 32;

/// Rows that walk side by side.
const LANES: usize = 8;

/// A tree whose splits all compare with a threshold, laid out for walking.
#[derive(Debug, Clone)]
pub struct Walk<'t> {
    tree: &'t Tree,
    pub(super) nodes: Vec<Step>,
    depth: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Rows below go to `next[1]`.
    pub(super) threshold: f64,
    pub(super) feature: u32,
    /// Children; a leaf's are itself.
    pub(super) next: [u32; 2],
    pub(super) nan_yes: bool,
    pub(super) leaf: u32,
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
