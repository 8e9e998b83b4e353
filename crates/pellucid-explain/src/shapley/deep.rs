//! What does a leaf give whose path is too long for a table? Every pattern of the explained rows by itself, once.
//!
//! In the background game, with c the row's pattern and b the background's, a leaf is reached by some mixture of both only
//! if c ∪ b is everything. The p features that only the row passes share $+w (p-1)! q! / (p+q)!$ each, the q that only the
//! background passes $-w p! (q-1)! / (p+q)!$ (Lundberg et al. 2020, the interventional algorithm, by sets of bits). Pairs
//! of the former get $+w (p-2)! q! / (p+q-1)!$, pairs of the latter $+w p! (q-2)! / (p+q-1)!$, and one of each
//! $-w (p-1)! (q-1)! / (p+q-1)!$.

use pellucid_data::NodeId;
use pellucid_models::trees::{Node, Side, Target, Tree};

use super::bins::{Bins, Decision};
use super::columns::{Wanted, each_pair};
use super::definition::shapley_weight;
use super::histogram::{Histogram, all_pass};
use super::paths::{Path, walk};

/// A leaf that is looked at pattern by pattern.
#[derive(Debug, Clone)]
pub(super) struct DeepLeaf {
    /// The splits of its path: place, decision, whether yes leads on, and the bit of their feature.
    pub(super) steps: Vec<(u32, Decision, bool, u64)>,
    /// Everything passed.
    full: u64,
    n_slots: usize,
    /// The background's patterns.
    histogram: Histogram,
    /// `(s, n)` at `n * (d + 1) + s`: the weight of a coalition of s others among n.
    weights: Vec<f64>,
    wanted: Wanted,
    /// The columns that it adds to, for a leaf of one output.
    columns: Vec<u32>,
    /// Outputs with the leaf's value.
    outputs: Vec<(usize, f64)>,
}

impl DeepLeaf {
    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.histogram.len() * 16 + self.weights.len() * 8 + self.steps.len() * 40 + self.columns.len() * 4
    }

    /// What a row with this pattern gets of a leaf of value 1, by column.
    fn of_pattern(&self, row: u64, parts: &mut [f64]) {
        parts.fill(0.0);
        for &(other, share) in self.histogram.iter().filter(|(other, _)| row | other == self.full) {
            let sets = (row & !other, other & !row);
            match self.wanted {
                Wanted::Values => self.values_with(sets, share, parts),
                Wanted::Pairs => self.pairs_with(sets, share, parts),
            }
        }
    }

    fn values_with(&self, (own, theirs): (u64, u64), share: f64, parts: &mut [f64]) {
        let (p, q) = (own.count_ones() as usize, theirs.count_ones() as usize);
        let of_n = &self.weights[(p + q) * (self.n_slots + 1)..];
        if p > 0 {
            each_bit(own, |at| parts[at] += share * of_n[p - 1]);
        }
        if q > 0 {
            each_bit(theirs, |at| parts[at] -= share * of_n[p]);
        }
    }

    fn pairs_with(&self, (own, theirs): (u64, u64), share: f64, parts: &mut [f64]) {
        let (p, q) = (own.count_ones() as usize, theirs.count_ones() as usize);
        if p + q < 2 {
            return;
        }
        // A pair is one player among n - 1.
        let of_n = &self.weights[(p + q - 1) * (self.n_slots + 1)..];
        for ((i, j), part) in each_pair(self.n_slots).zip(parts) {
            let of = |set: u64| (set >> i & 1) + (set >> j & 1);
            *part += share
                * match (of(own), of(theirs)) {
                    (2, 0) => of_n[p - 2],
                    (0, 2) => of_n[p],
                    (1, 1) => -of_n[p - 1],
                    _ => continue,
                };
        }
    }

    /// Adds what the leaf gives every row of a block; rows of one pattern are computed once. `patterns` are the rows';
    /// an output has `width` columns.
    pub(super) fn add(
        &self,
        patterns: &[u64],
        width: usize,
        order: &mut Vec<u32>,
        mut add: impl FnMut(usize, usize, f64),
    ) {
        order.clear();
        order.extend(0..patterns.len() as u32);
        order.sort_unstable_by_key(|&row| (patterns[row as usize], row));
        let mut parts = vec![0.0; self.columns.len()];
        for same in order.chunk_by(|&a, &b| patterns[a as usize] == patterns[b as usize]) {
            self.of_pattern(patterns[same[0] as usize], &mut parts);
            for (&column, &part) in self.columns.iter().zip(&parts).filter(|(_, part)| **part != 0.0) {
                for &(output, value) in &self.outputs {
                    let column = output * width + column as usize;
                    same.iter().for_each(|&row| add(column, row as usize, part * value));
                }
            }
        }
    }

    /// How many patterns of the background it is looked at with.
    #[cfg(test)]
    pub(super) fn n_patterns(&self) -> usize {
        self.histogram.len()
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

/// Makes some leaves of a tree ready, whose paths have no more features than a pattern has bits.
pub(super) fn prepare(
    tree: &Tree,
    leaves: &[NodeId],
    bins: &Bins,
    wanted: Wanted,
    histograms: &mut [Histogram],
) -> Vec<DeepLeaf> {
    let mut sorted = leaves.to_vec();
    sorted.sort_unstable();
    let mut made = Vec::with_capacity(leaves.len());
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        let Node::Leaf(leaf) = &tree.nodes()[node.index()] else { return true };
        if sorted.binary_search(&node).is_err() {
            return true;
        }
        let d = path.slots.len();
        let mut steps = Vec::with_capacity(path.steps.len());
        for step in &path.steps {
            if let Node::Split(split) = &tree.nodes()[step.node.index()] {
                let decision = bins.decision(split, tree);
                steps.push((bins.place(split.feature), decision, step.side == Side::Yes, 1 << step.slot));
            }
        }
        let weight = |at: usize| {
            let (s, n) = (at % (d + 1), at / (d + 1));
            if s < n { shapley_weight(s, n) } else { 0.0 }
        };
        let places: Vec<u32> = path.slots.iter().map(|slot| bins.place(slot.feature)).collect();
        let values = tree.leaf_values(*leaf);
        made.push(DeepLeaf {
            steps,
            full: all_pass(d),
            n_slots: d,
            histogram: std::mem::take(&mut histograms[*leaf as usize]),
            weights: (0..(d + 1) * (d + 1)).map(weight).collect(),
            wanted,
            columns: wanted.of_places(&places, bins.used.len()),
            outputs: match tree.target() {
                Target::One(output) => vec![(output.index(), values[0])],
                Target::All => values.iter().copied().enumerate().collect(),
            },
        });
        true
    });
    made
}
