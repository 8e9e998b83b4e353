//! Which branches of the plain search hold nothing, or nothing that needs a visit? One file a bound.
//!
//! Letters: S is the set of a node with s rules, u the points that it leaves uncovered, j its last rule; what comes below
//! it are the sets S ∪ T with T ⊆ {i > j}. Its errors cost paid + missed: what the false positives cost, and what the
//! positives in u cost. T(k) is the most that the errors of a set of k rules may cost to be within; it falls as k rises.
//! Each bound is a statement about all S ∪ T, needs none of the others, and changes no count.
//!
//! B1, B2 and B3 are those of Ciaperoni, Xiao & Gionis (KDD 2024); B4 is their bound of equivalent points, which the
//! published code has but does not use. The others are ours.

pub(super) mod certain;
pub(super) mod gain;
pub(super) mod hierarchical;
pub(super) mod look_ahead;
pub(super) mod memo;
pub(super) mod planes;
pub(super) mod size;
pub(super) mod suffix;
pub(super) mod unavoidable;

use pellucid_data::Ratio;
use pellucid_data::ratio::RatioError;

use crate::Objective;

/// Which bounds the plain search uses. None of them changes a count; they change what it takes to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlainBounds {
    /// B1: false positives and rules never become fewer.
    pub hierarchical: bool,
    /// B2: what comes below a set has a rule more at least.
    pub look_ahead: bool,
    /// B3: a set has room for so many rules more; asked when a set is expanded, not when it is made.
    pub size: bool,
    /// B4: of points that can't be told apart, the lighter side is an error.
    pub unavoidable: bool,
    /// B5: further rules save no more than the largest of their gains.
    pub gain: bool,
    /// B5': the gains of B5 are what classes save, not what their positives weigh. Nothing without `gain`.
    pub excess: bool,
    /// B6: some points are out of reach of all further rules.
    pub suffix: bool,
    /// B7: where all sets of a branch are within, they are counted by binomials.
    pub certain: bool,
    /// B8: branches that can't be told apart are counted once.
    pub memo: bool,
}

impl PlainBounds {
    const NONE: Self = Self {
        hierarchical: false,
        look_ahead: false,
        size: false,
        unavoidable: false,
        gain: false,
        excess: false,
        suffix: false,
        certain: false,
        memo: false,
    };

    /// No bound at all: every subset is looked at.
    #[must_use]
    pub fn none() -> Self {
        Self::NONE
    }

    /// B1 and B2, as the published code: its numbers of evaluations are these.
    #[must_use]
    pub fn published() -> Self {
        Self { hierarchical: true, look_ahead: true, ..Self::NONE }
    }

    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Self {
            hierarchical: true,
            look_ahead: true,
            size: true,
            unavoidable: true,
            gain: true,
            excess: true,
            suffix: true,
            certain: true,
            memo: true,
        }
    }

    /// Every bound with its name and whether it is on, B1 to B8.
    #[must_use]
    pub fn named(&self) -> [(&'static str, bool); 9] {
        [
            ("hierarchical", self.hierarchical),
            ("look-ahead", self.look_ahead),
            ("size", self.size),
            ("unavoidable", self.unavoidable),
            ("gain", self.gain),
            ("excess", self.excess),
            ("suffix", self.suffix),
            ("certain", self.certain),
            ("memo", self.memo),
        ]
    }
}

/// T: the most that the errors of a set may cost, by its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limits(Vec<i64>);

impl Limits {
    /// Less than any errors cost: no set of this size is within.
    const NEVER: i64 = -1;

    /// For sizes up to `max_size`.
    pub(super) fn new(
        objective: &Objective,
        theta: Ratio,
        total_weight: u64,
        max_size: usize,
    ) -> Result<Self, RatioError> {
        let mut most = Vec::new();
        for size in 0..=max_size {
            match objective.most_errors(theta, size, total_weight)? {
                errors if errors >= 0 => most.push(errors),
                _ => break,
            }
        }
        Ok(Self(most))
    }

    /// T(size).
    #[inline(always)]
    pub(super) fn at(&self, size: usize) -> i64 {
        self.0.get(size).copied().unwrap_or(Self::NEVER)
    }

    /// One more than the largest size that can be within.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The largest of some numbers, all from 0 on.
#[derive(Debug, Clone, Default)]
pub(super) struct Largest {
    held: Vec<i64>,
    seen: usize,
}

impl Largest {
    /// Numbers held; the sums of more are bounded with the last one held.
    const MOST: usize = 32;

    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.seen = 0;
    }

    #[inline]
    pub(super) fn add(&mut self, number: i64) {
        self.seen += 1;
        let at = self.held.partition_point(|&held| held >= number);
        if self.held.len() == Self::MOST {
            if at == Self::MOST {
                return;
            }
            self.held.pop();
        }
        self.held.insert(at, number);
    }

    /// The sums of the 1, 2, 3 ... largest, up to all of them; past the numbers held no less than these.
    #[inline]
    pub(super) fn sums(&self) -> impl Iterator<Item = i64> + '_ {
        let last = self.held.last().copied().unwrap_or(0);
        (0..self.seen).scan(0, move |sum, at| {
            *sum += self.held.get(at).copied().unwrap_or(last);
            Some(*sum)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Largest;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_of_the_largest_are_exact_up_to_those_held_and_no_less_beyond(mut numbers in prop::collection::vec(0_i64..50, 0..80)) {
            let mut largest = Largest::default();
            numbers.iter().for_each(|&number| largest.add(number));
            let found: Vec<i64> = largest.sums().collect();
            numbers.sort_by_key(|number| -number);
            prop_assert_eq!(found.len(), numbers.len());
            for (at, sum) in found.into_iter().enumerate() {
                let exact: i64 = numbers[..=at].iter().sum();
                let is_right = sum == exact || at >= Largest::MOST && sum > exact;
                prop_assert!(is_right, "{} and not {}", sum, exact);
            }
        }
    }
}
