//! How does the background look to a leaf? Which patterns of passed splits its rows have, and with which weight.
//!
//! Folding the background into one histogram a leaf is what makes a row's work independent of how many rows it has
//! (WOODELF, Nadel and Wettenstein, AAAI 2026, arXiv 2511.09376).

use pellucid_data::NodeId;
use pellucid_data::level::PORTABLE;
use pellucid_models::trees::{Node, Side, Split, Tree};

use super::bins::{Bins, answer};
use super::game::Background;
use super::paths::{Path, walk};
use crate::{Stopped, Watch};

/// More distinct features on a path than a pattern has bits.
pub(super) const MOST_SLOTS: usize = 64;

/// Leaves of at most so many features count in an array of all patterns.
const DENSE: usize = 12;

/// Background rows at a time.
const BLOCK: usize = 1024;

/// Patterns with the share of the background's weight that has them, rising; bit `u` says that a row passes the splits of
/// the path's `u`-th feature.
pub(super) type Histogram = Vec<(u64, f64)>;

/// The pattern of a row that passes the splits of all d features.
pub(super) fn all_pass(d: usize) -> u64 {
    u64::MAX.checked_shr(u32::try_from(MOST_SLOTS - d).unwrap_or(u32::MAX)).unwrap_or(0)
}

/// The background as the model sees it: one bin a value.
pub(super) struct Binned<'b> {
    bins: Vec<u32>,
    n_rows: usize,
    background: &'b Background,
}

impl<'b> Binned<'b> {
    pub(super) fn new(bins: &Bins, background: &'b Background) -> Self {
        let rows = background.rows();
        let of = |(place, &feature): (usize, &pellucid_data::FeatureId)| {
            let mut own = vec![0_u32; rows.n_rows()];
            bins.fill::<PORTABLE, _>(place, rows.column(feature), &mut own);
            own
        };
        let bins = bins.used.iter().enumerate().flat_map(of).collect();
        Self { bins, n_rows: rows.n_rows(), background }
    }

    /// The histogram of each leaf, by its number; `None` where a path has more features than a pattern has bits.
    ///
    /// # Errors
    /// When `watch` asks to stop.
    pub(super) fn of_leaves(
        &self,
        tree: &Tree,
        bins: &Bins,
        watch: &dyn Watch,
    ) -> Result<Option<Vec<Histogram>>, Stopped> {
        let mut counts: Vec<Counts> = (0..tree.n_leaves()).map(|_| Counts::default()).collect();
        let mut too_long = false;
        for first in (0..self.n_rows).step_by(BLOCK) {
            if watch.should_stop() {
                return Err(Stopped);
            }
            let n = (self.n_rows - first).min(BLOCK);
            let mut patterns: Vec<Vec<u64>> = vec![vec![0; n]];
            let weights = &self.background.weights()[first..][..n];
            walk(tree, NodeId(0), &mut Path::default(), |node, path| {
                too_long |= path.slots.len() > MOST_SLOTS;
                if too_long {
                    return false;
                }
                let depth = path.steps.len();
                if let Some((step, before)) = path.steps.split_last()
                    && let Node::Split(split) = &tree.nodes()[step.node.index()]
                {
                    if patterns.len() == depth {
                        patterns.push(vec![0; n]);
                    }
                    let passes = self.passes(split, tree, bins, step.side, first..first + n);
                    let is_fresh = before.iter().all(|other| other.slot != step.slot);
                    let (above, below) = patterns.split_at_mut(depth);
                    extend(&above[depth - 1], passes, 1 << step.slot, is_fresh, &mut below[0]);
                }
                if let Node::Leaf(leaf) = &tree.nodes()[node.index()] {
                    counts[*leaf as usize].add(path.slots.len(), &patterns[depth], weights);
                }
                true
            });
            if too_long {
                return Ok(None);
            }
        }
        let total = self.background.total();
        Ok(Some(counts.into_iter().map(|counts| counts.shares(total)).collect()))
    }

    fn passes<'s>(
        &'s self,
        split: &Split,
        tree: &Tree,
        bins: &'s Bins,
        side: Side,
        rows: std::ops::Range<usize>,
    ) -> impl Iterator<Item = bool> + use<'s, 'b> {
        let decision = bins.decision(split, tree);
        let own = &self.bins[bins.place(split.feature) as usize * self.n_rows..][rows];
        let lists = bins.lists();
        own.iter().map(move |&bin| answer(bin, decision, lists) == (side == Side::Yes))
    }
}

/// The patterns one split further: a new feature sets its bit where it passes, a known one loses it where it fails.
fn extend(from: &[u64], passes: impl Iterator<Item = bool>, bit: u64, is_fresh: bool, into: &mut [u64]) {
    for ((&from, passes), into) in from.iter().zip(passes).zip(into) {
        let passes = u64::from(passes).wrapping_neg();
        *into = if is_fresh { from | (bit & passes) } else { from & (!bit | passes) };
    }
}

/// Weights of patterns so far.
#[derive(Debug, Default)]
struct Counts {
    dense: Vec<f64>,
    sparse: Vec<(u64, f64)>,
    /// Length of the list when it was last merged.
    merged: usize,
}

impl Counts {
    fn add(&mut self, n_slots: usize, patterns: &[u64], weights: &[f64]) {
        if n_slots <= DENSE {
            self.dense.resize(1 << n_slots, 0.0);
            patterns
                .iter()
                .zip(weights)
                .for_each(|(&pattern, weight)| self.dense[pattern as usize] += weight);
            return;
        }
        self.sparse.extend(patterns.iter().copied().zip(weights.iter().copied()));
        if self.sparse.len() > 2 * self.merged + 4 * BLOCK {
            self.merge();
        }
    }

    fn merge(&mut self) {
        self.sparse.sort_by_key(|(pattern, _)| *pattern);
        self.sparse.dedup_by(|next, held| {
            let same = next.0 == held.0;
            held.1 += if same { next.1 } else { 0.0 };
            same
        });
        self.merged = self.sparse.len();
    }

    fn shares(mut self, total: f64) -> Histogram {
        self.merge();
        let dense = self.dense.iter().enumerate().map(|(pattern, &weight)| (pattern as u64, weight));
        let all = dense.chain(self.sparse).filter(|(_, weight)| *weight > 0.0);
        all.map(|(pattern, weight)| (pattern, weight / total)).collect()
    }
}
