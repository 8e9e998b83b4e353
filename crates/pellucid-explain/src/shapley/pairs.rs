//! What does a leaf give each feature when its path is too long for a table? Every pattern of the explained rows against
//! every pattern of the background.
//!
//! With c the row's pattern and b the background's, a leaf is reached by some mixture of both only if c ∪ b is everything.
//! The p features that only the row passes share $+w (p-1)! q! / (p+q)!$ each, the q that only the background passes
//! $-w p! (q-1)! / (p+q)!$ (Lundberg et al. 2020, the interventional algorithm, by sets of bits).

use pellucid_data::NodeId;
use pellucid_models::trees::{Node, Side, Target, Tree};

use super::bins::{Bins, Decision};
use super::definition::shapley_weight;
use super::histogram::Histogram;
use super::paths::{Path, walk};

/// A leaf with what the background looks like to it.
#[derive(Debug, Clone)]
pub(super) struct PairLeaf {
    /// The splits of its path: place, decision, whether yes leads on, and the bit of their feature.
    pub(super) steps: Vec<(u32, Decision, bool, u64)>,
    /// Everything passed.
    full: u64,
    histogram: Histogram,
    /// The place of each feature of the path.
    places: Vec<u32>,
    /// Outputs with the leaf's value.
    outputs: Vec<(usize, f64)>,
    /// `(s, n)` at `n * (d + 1) + s`: the weight of a coalition of s others among n.
    weights: Vec<f64>,
}

impl PairLeaf {
    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.histogram.len() * 16 + self.steps.len() * 40 + self.weights.len() * 8
    }

    /// The attributions of a row with this pattern, for a leaf of value 1, by feature of the path.
    fn of_pattern(&self, row: u64, phi: &mut [f64]) {
        let d = self.places.len();
        phi.fill(0.0);
        for &(other, share) in &self.histogram {
            if row | other != self.full {
                continue;
            }
            let (own, theirs) = (row & !other, other & !row);
            let (p, q) = (own.count_ones() as usize, theirs.count_ones() as usize);
            let n = p + q;
            if p > 0 {
                let part = share * self.weights[n * (d + 1) + p - 1];
                each_bit(own, |at| phi[at] += part);
            }
            if q > 0 {
                let part = share * self.weights[n * (d + 1) + p];
                each_bit(theirs, |at| phi[at] -= part);
            }
        }
    }

    /// Adds what the leaf gives every row of a block; rows of one pattern are computed once. `patterns` are the rows'.
    pub(super) fn add(
        &self,
        patterns: &[u64],
        n_used: usize,
        order: &mut Vec<u32>,
        mut add: impl FnMut(usize, usize, f64),
    ) {
        order.clear();
        order.extend(0..patterns.len() as u32);
        order.sort_unstable_by_key(|&row| (patterns[row as usize], row));
        let mut phi = vec![0.0; self.places.len()];
        for same in order.chunk_by(|&a, &b| patterns[a as usize] == patterns[b as usize]) {
            self.of_pattern(patterns[same[0] as usize], &mut phi);
            for (&place, &phi) in self.places.iter().zip(&phi).filter(|(_, phi)| **phi != 0.0) {
                for &(output, value) in &self.outputs {
                    let column = output * n_used + place as usize;
                    same.iter().for_each(|&row| add(column, row as usize, phi * value));
                }
            }
        }
    }

    pub(super) fn full(&self) -> u64 {
        self.full
    }
}

fn each_bit(mut bits: u64, mut visit: impl FnMut(usize)) {
    while bits != 0 {
        visit(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// Makes some leaves of a tree ready.
pub(super) fn prepare(
    tree: &Tree,
    leaves: &[NodeId],
    bins: &mut Bins,
    histograms: &mut [Histogram],
) -> Vec<PairLeaf> {
    let mut wanted = leaves.to_vec();
    wanted.sort_unstable();
    let mut made = Vec::with_capacity(leaves.len());
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        let Node::Leaf(leaf) = &tree.nodes()[node.index()] else { return true };
        if wanted.binary_search(&node).is_err() {
            return true;
        }
        let mut steps = Vec::with_capacity(path.steps.len());
        for step in &path.steps {
            if let Node::Split(split) = &tree.nodes()[step.node.index()] {
                let decision = bins.decision(split, tree);
                steps.push((bins.place(split.feature), decision, step.side == Side::Yes, 1 << step.slot));
            }
        }
        let d = path.slots.len();
        let values = tree.leaf_values(*leaf);
        made.push(PairLeaf {
            steps,
            full: if d == 64 { u64::MAX } else { (1 << d) - 1 },
            histogram: std::mem::take(&mut histograms[*leaf as usize]),
            places: path.slots.iter().map(|slot| bins.place(slot.feature)).collect(),
            outputs: match tree.target() {
                Target::One(output) => vec![(output.index(), values[0])],
                Target::All => values.iter().copied().enumerate().collect(),
            },
            weights: (0..(d + 1) * (d + 1))
                .map(|at| (at % (d + 1), at / (d + 1)))
                .map(|(s, n)| if s < n { shapley_weight(s, n) } else { 0.0 })
                .collect(),
        });
        true
    });
    made
}
