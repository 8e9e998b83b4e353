//! What is known where some rules are chosen, and how many more may be? Sums of net weights, and the largest gains.
//!
//! The letters are those of [`crate::search::problem`]: A_i (`gains`) and D_i (`deltas`) over what is still uncovered.

use crate::search::Lane;
use crate::search::problem::{NEVER, Problem, Thresholds, bits};

/// An instance and a bound, with what a static order needs.
pub(in crate::rashomon) struct Ground<'p, L> {
    pub(in crate::rashomon) problem: &'p Problem<L>,
    pub(in crate::rashomon) thresholds: &'p Thresholds,
    /// g_c.
    nets: Vec<i64>,
    /// All lanes.
    live: Vec<u64>,
}

/// Some rules, by what they cover.
#[derive(Clone)]
pub(in crate::rashomon) struct Node<L> {
    pub(in crate::rashomon) covered: Vec<u64>,
    pub(in crate::rashomon) deltas: Vec<L>,
    pub(in crate::rashomon) gains: Vec<L>,
    pub(in crate::rashomon) errors: i64,
    /// Positive net weight that is not covered: no more can be saved.
    pub(in crate::rashomon) left: i64,
    pub(in crate::rashomon) size: usize,
    /// Classes that the last rules covered first.
    fresh: Vec<u32>,
}

impl<'p, L: Lane> Ground<'p, L> {
    pub(in crate::rashomon) fn new(problem: &'p Problem<L>, thresholds: &'p Thresholds) -> Self {
        let mut nets = vec![0; problem.rows.len() / problem.lanes];
        for rule in 0..problem.n_rules as u32 {
            for class in bits(problem.classes_of(rule)) {
                nets[class] = problem.rows[class * problem.lanes + rule as usize].wide();
            }
        }
        Self { problem, thresholds, nets, live: vec![u64::MAX; problem.lanes.div_ceil(64)] }
    }

    /// All rules by falling gain: those that come last can save little, which makes bounds on what is to come small.
    pub(in crate::rashomon) fn by_gain(&self) -> Vec<u32> {
        let mut rules: Vec<u32> = (0..self.problem.n_rules as u32).collect();
        let key = |rule: u32| (self.problem.gains[rule as usize], self.problem.deltas[rule as usize]);
        rules.sort_by_key(|&rule| std::cmp::Reverse(key(rule)));
        rules
    }

    pub(in crate::rashomon) fn root(&self) -> Node<L> {
        Node {
            covered: vec![0; self.problem.class_words],
            deltas: self.problem.deltas.clone(),
            gains: self.problem.gains.clone(),
            errors: self.problem.errors,
            left: self.problem.savable,
            size: 0,
            fresh: Vec::new(),
        }
    }

    /// Writes a node with more rules to `to`.
    pub(in crate::rashomon) fn join<const LEVEL: u8>(&self, from: &Node<L>, rules: &[u32], to: &mut Node<L>) {
        to.covered.copy_from_slice(&from.covered);
        to.fresh.clear();
        (to.errors, to.left, to.size) = (from.errors, from.left, from.size + rules.len());
        for &rule in rules {
            for (word, (covered, &more)) in
                to.covered.iter_mut().zip(self.problem.classes_of(rule)).enumerate()
            {
                let fresh = more & !*covered;
                *covered |= more;
                to.fresh.extend(bits(&[fresh]).map(|bit| (word * 64 + bit) as u32));
            }
        }
        // Classes that save come first in their order.
        to.fresh.sort_unstable();
        let n_saving = to.fresh.partition_point(|&class| (class as usize) < self.problem.n_saving);
        for (at, &class) in to.fresh.iter().enumerate() {
            let net = self.nets[class as usize];
            to.errors -= net;
            to.left -= if at < n_saving { net } else { 0 };
        }
        let rows = &self.problem.rows;
        L::shift::<LEVEL>(rows, &to.fresh, &from.deltas, &mut to.deltas);
        L::shrink::<LEVEL>(rows, &to.fresh[..n_saving], &from.gains, &self.live, &mut to.gains);
    }

    /// What two rules cover both and nothing else has covered: Σ g_c.
    pub(super) fn overlap(&self, node: &Node<L>, one: u32, other: u32) -> i64 {
        let [one, other] = [one, other].map(|rule| self.problem.classes_of(rule));
        self.net(node, |word| one[word] & other[word])
    }

    /// The errors where more rules join.
    pub(super) fn errors_with(&self, node: &Node<L>, rules: &[u32]) -> i64 {
        let classes = rules.iter().map(|&rule| self.problem.classes_of(rule));
        node.errors - self.net(node, |word| classes.clone().fold(0, |all, classes| all | classes[word]))
    }

    /// Σ g_c over some classes that are not covered.
    fn net(&self, node: &Node<L>, of: impl Fn(usize) -> u64) -> i64 {
        let mut sum = 0;
        for (word, covered) in node.covered.iter().enumerate() {
            let mut rest = of(word) & !covered;
            while rest != 0 {
                sum += self.nets[word * 64 + rest.trailing_zeros() as usize];
                rest &= rest - 1;
            }
        }
        sum
    }
}

/// The largest gains of the rules that may still join.
#[derive(Debug, Clone, Default)]
pub(in crate::rashomon) struct Top {
    /// Falling.
    gains: Vec<i64>,
    most: usize,
}

impl Top {
    /// Empties it; it will hold no more than `most`.
    pub(in crate::rashomon) fn clear(&mut self, most: usize) {
        self.gains.clear();
        self.most = most;
    }

    pub(in crate::rashomon) fn insert(&mut self, gain: i64) {
        if self.gains.len() == self.most {
            if self.gains.last().is_none_or(|&least| gain <= least) {
                return;
            }
            self.gains.pop();
        }
        self.gains.insert(self.gains.partition_point(|&held| held >= gain), gain);
    }

    /// The most rules that can join and leave a set within; `None` where neither the set itself nor any superset can be.
    ///
    /// No t rules save more than the t largest gains, nor more than is left.
    #[inline]
    pub(in crate::rashomon) fn room(
        &self,
        thresholds: &Thresholds,
        errors: i64,
        size: usize,
        left: i64,
    ) -> Option<usize> {
        self.room_without(None, thresholds, errors, size, left)
    }

    /// The same where a rule of that gain is among these, but may not join (again).
    #[inline]
    pub(in crate::rashomon) fn room_without(
        &self,
        gain: Option<i64>,
        thresholds: &Thresholds,
        errors: i64,
        size: usize,
        left: i64,
    ) -> Option<usize> {
        let without = gain.and_then(|gain| self.gains.iter().position(|&held| held == gain));
        let gains =
            self.gains.iter().enumerate().filter(|(at, _)| Some(*at) != without).map(|(_, &gain)| gain);
        let (mut saved, mut room) = (0, None);
        // After the last gain one more round, with nothing to add.
        for (joined, gain) in gains.chain([0]).enumerate() {
            let most = thresholds.at(size + joined);
            // Thresholds fall, so that nothing larger is within where even all that is left does not suffice.
            if most == NEVER || errors - left > most {
                break;
            }
            if errors - left.min(saved) <= most {
                room = Some(joined);
            }
            saved += gain;
        }
        room
    }
}
