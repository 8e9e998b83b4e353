//! What does a node of the search hold? What is uncovered, what each rule would change, and who may come next.

use super::lane::{Lane, WIDTH};
use super::problem::{Problem, bits};

/// The state after some rules were chosen.
#[derive(Debug, Clone)]
pub(crate) struct Frame<L> {
    /// Classes that are not covered.
    pub(crate) uncovered: Vec<u64>,
    /// A: what each rule would still save, at most. 0 for rules that may not follow.
    pub(crate) gains: Vec<L>,
    /// D: by how much each rule would change the errors.
    pub(crate) deltas: Vec<L>,
    /// Rules that may follow, as lanes; those before the child at hand are gone from it.
    pub(crate) live: Vec<u64>,
    /// The same rules, by falling gain once the node is expanded.
    pub(crate) order: Vec<u32>,
    /// Sums of the first gains in that order.
    pub(crate) sums: Vec<i64>,
    /// What the errors cost.
    pub(crate) errors: i64,
    /// Rules chosen; nulls are not among them.
    pub(crate) size: usize,
    /// Rules that change nothing any more; any of them may join.
    pub(crate) n_nulls: usize,
    /// The largest gain.
    pub(crate) most: i64,
    /// What covering everything that saves would still save.
    pub(crate) savable: i64,
}

impl<L: Lane> Frame<L> {
    pub(crate) fn blank(problem: &Problem<L>) -> Self {
        Self {
            uncovered: vec![0; problem.class_words],
            gains: vec![L::default(); problem.lanes],
            deltas: vec![L::default(); problem.lanes],
            live: vec![0; problem.lanes / WIDTH],
            order: Vec::with_capacity(problem.n_rules),
            sums: Vec::with_capacity(problem.n_rules + 1),
            errors: 0,
            size: 0,
            n_nulls: 0,
            most: 0,
            savable: 0,
        }
    }

    /// The given rules chosen, later ones to come. With `nulls` the rules that change nothing are taken out and answered.
    pub(crate) fn start(problem: &Problem<L>, chosen: &[u32], nulls: bool) -> (Self, Vec<u32>) {
        let mut root = Self::blank(problem);
        let n_classes = problem.rows.len() / problem.lanes;
        root.uncovered =
            (0..problem.class_words).map(|word| ones(n_classes.saturating_sub(word * 64))).collect();
        root.gains.clone_from(&problem.gains);
        root.deltas.clone_from(&problem.deltas);
        (root.errors, root.savable, root.size) = (problem.errors, problem.savable, chosen.len());
        for &rule in chosen {
            root.errors += root.deltas[rule as usize].wide();
            root.savable -= root.gains[rule as usize].wide();
            let covered: Vec<u64> =
                root.uncovered.iter().zip(problem.classes_of(rule)).map(|(open, own)| open & own).collect();
            for class in bits(&covered) {
                let row = &problem.rows[class * problem.lanes..][..problem.lanes];
                for ((delta, gain), net) in root.deltas.iter_mut().zip(&mut root.gains).zip(row) {
                    *delta = L::of(delta.wide() + net.wide());
                    *gain = L::of(gain.wide() - net.wide().max(0));
                }
            }
            root.uncovered.iter_mut().zip(&covered).for_each(|(open, covered)| *open &= !covered);
        }
        let first = chosen.last().map_or(0, |&last| last as usize + 1);
        let mut found = Vec::new();
        for rule in 0..problem.lanes {
            let (gain, delta) = (root.gains[rule].wide(), root.deltas[rule].wide());
            let follows = rule >= first && rule < problem.n_rules;
            let is_null = nulls && gain == 0 && delta == 0;
            root.live[rule / WIDTH] |= u64::from(follows && !is_null) << (rule % WIDTH);
            found.extend((follows && is_null).then_some(rule as u32));
            if !follows {
                root.gains[rule] = L::of(0);
            }
        }
        root.order = bits(&root.live).map(|rule| rule as u32).collect();
        root.n_nulls = found.len();
        root.most = root.gains.iter().map(|gain| gain.wide()).max().unwrap_or(0);
        (root, found)
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.gains.as_slice()) * 2
            + size_of_val(self.uncovered.as_slice())
            + self.order.capacity() * 12
    }

    /// Sorts those who may follow by falling gain, equal ones as they stood, and sums the gains.
    #[inline(always)]
    pub(crate) fn sort(&mut self, keys: &mut Vec<u64>) {
        // One number a rule: how far below the largest gain, where it stood, which rule.
        let Self { order, gains, most, sums, .. } = self;
        let key = |(at, &rule): (usize, &u32)| {
            ((*most - gains[rule as usize].wide()) as u64) << 32 | (at as u64) << 16 | u64::from(rule)
        };
        keys.clear();
        keys.extend(order.iter().enumerate().map(key));
        keys.sort_unstable();
        order.clear();
        sums.clear();
        sums.push(0);
        let mut sum = 0;
        for key in keys {
            order.push((*key & 0xFFFF) as u32);
            sum += *most - (*key >> 32) as i64;
            sums.push(sum);
        }
    }
}

fn ones(n: usize) -> u64 {
    if n >= 64 { u64::MAX } else { (1 << n) - 1 }
}
