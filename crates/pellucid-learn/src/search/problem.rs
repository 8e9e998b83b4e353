//! What does a search need to know? Classes with net weights, a row of lanes a class, and thresholds on errors by size.
//!
//! With g_c the net weight of class c, the errors of a set cost E_0 - Σ g_c over the classes it covers. For each rule and
//! the classes u that are still uncovered, two numbers carry all bounds: A_i, the positive net weight that it would cover,
//! and D_i, by how much it would change the errors. A_i only falls as more is covered, so that no t further rules save more
//! than the t largest A.

use super::classes::classes;
use super::lane::{Lane, WIDTH};
use crate::{Instance, InstanceError, Objective, Searching, SemanticsError};
use pellucid_data::Ratio;

/// Smaller than every threshold: nothing of this size is within.
pub(crate) const NEVER: i64 = i64::MIN / 4;

/// Rules or classes between two looks at the clock.
pub(super) const PATIENCE: usize = 256;

/// An instance made ready for search with lanes of one width.
pub(crate) struct Problem<L> {
    pub(crate) n_rules: usize,
    /// Rules, padded to whole mask words.
    pub(crate) lanes: usize,
    /// Words of a set of classes.
    pub(crate) class_words: usize,
    /// Classes with positive net weight come first: these many.
    pub(crate) n_saving: usize,
    /// A row of lanes a class: g_c where the rule covers it, else 0.
    pub(crate) rows: Vec<L>,
    /// The classes of each rule, `class_words` a rule.
    pub(crate) covers: Vec<u64>,
    /// A and D where nothing is covered.
    pub(crate) gains: Vec<L>,
    pub(crate) deltas: Vec<L>,
    /// What the errors of the empty set cost.
    pub(crate) errors: i64,
    /// Σ g_c over the classes with positive net weight.
    pub(crate) savable: i64,
}

/// Lanes as wide as the weights need.
pub(crate) enum AnyProblem {
    Narrow(Problem<i16>),
    Wide(Problem<i32>),
}

impl AnyProblem {
    pub(crate) fn new(
        instance: &Instance,
        objective: &Objective,
        searching: &Searching<'_>,
    ) -> Result<Self, SemanticsError> {
        let classes = classes(instance, searching)?;
        let mut nets: Vec<(i64, &[u64])> = classes
            .iter()
            .filter(|class| class.is_covered())
            .map(|class| (class.net(objective), &*class.rules))
            .collect();
        nets.retain(|(net, _)| *net != 0);
        // Saving classes first; a stable sort keeps the order of points.
        nets.sort_by_key(|(net, _)| *net < 0);
        let heavy: u128 = u128::from(instance.total_weight())
            * u128::from(objective.false_positive.max(objective.false_negative));
        if heavy > u128::from(Instance::MOST_WEIGHT) {
            return Err(InstanceError::TooHeavy { found: heavy, most: Instance::MOST_WEIGHT }.into());
        }
        let errors: u64 =
            classes.iter().map(|class| class.positive * u64::from(objective.false_negative)).sum();
        let moved: i64 = nets.iter().map(|(net, _)| net.abs()).sum();
        Ok(if moved <= i16::MOST {
            Self::Narrow(Problem::new(instance.n_rules(), &nets, errors as i64, searching)?)
        } else {
            Self::Wide(Problem::new(instance.n_rules(), &nets, errors as i64, searching)?)
        })
    }
}

impl<L: Lane> Problem<L> {
    fn new(
        n_rules: usize,
        nets: &[(i64, &[u64])],
        errors: i64,
        searching: &Searching<'_>,
    ) -> Result<Self, SemanticsError> {
        let lanes = n_rules.div_ceil(WIDTH).max(1) * WIDTH;
        let class_words = nets.len().div_ceil(64).max(1);
        let needs = nets.len() * lanes * size_of::<L>() + n_rules * class_words * 8;
        if let Some(most) = searching.most_bytes.filter(|&most| needs > most) {
            return Err(SemanticsError::Memory { needs, most });
        }
        let mut rows = vec![L::default(); nets.len() * lanes];
        let mut covers = vec![0_u64; n_rules * class_words];
        let (mut gains, mut deltas) = (vec![0_i64; lanes], vec![0_i64; lanes]);
        for (class, (net, pattern)) in nets.iter().enumerate() {
            if class.is_multiple_of(PATIENCE) && searching.control.watch.should_stop() {
                return Err(SemanticsError::Stopped);
            }
            for rule in bits(pattern) {
                rows[class * lanes + rule] = L::of(*net);
                covers[rule * class_words + class / 64] |= 1 << (class % 64);
                gains[rule] += (*net).max(0);
                deltas[rule] -= net;
            }
        }
        let narrow = |values: Vec<i64>| values.into_iter().map(L::of).collect();
        Ok(Self {
            n_rules,
            lanes,
            class_words,
            n_saving: nets.iter().filter(|(net, _)| *net > 0).count(),
            rows,
            covers,
            gains: narrow(gains),
            deltas: narrow(deltas),
            errors,
            savable: nets.iter().map(|(net, _)| (*net).max(0)).sum(),
        })
    }

    /// The classes that a rule covers.
    pub(crate) fn classes_of(&self, rule: u32) -> &[u64] {
        &self.covers[rule as usize * self.class_words..][..self.class_words]
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.rows.as_slice()) + size_of_val(self.covers.as_slice())
    }
}

/// Positions of the bits that are set, rising.
pub(crate) fn bits(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(at, &word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(at * 64 + bit)
        })
    })
}

/// The most that the errors of a set may cost, by its size; [`NEVER`] past the largest size that can be within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thresholds {
    most: Vec<i64>,
    /// The largest size that can be within.
    pub(crate) max_size: usize,
}

impl Thresholds {
    /// `floor` is the least that the errors of any set can cost.
    pub(crate) fn new(
        objective: &Objective,
        theta: Ratio,
        total_weight: u64,
        floor: i64,
        max_size: usize,
    ) -> Result<Self, SemanticsError> {
        let mut most = Vec::new();
        for size in 0..=max_size {
            let errors = objective.most_errors(theta, size, total_weight)?;
            if errors < floor {
                break;
            }
            most.push(errors);
        }
        let max_size = most.len().saturating_sub(1);
        most.extend([NEVER; 4]);
        Ok(Self { most, max_size })
    }

    /// Thresholds that nothing is within.
    pub(crate) fn none() -> Self {
        Self { most: Vec::new(), max_size: 0 }
    }

    /// The same for sets of at most `size` rules.
    pub(crate) fn up_to(&self, size: usize) -> Self {
        let max_size = self.max_size.min(size);
        let mut most = self.most[..(max_size + 1).min(self.most.len())].to_vec();
        most.extend([NEVER; 4]);
        Self { most, max_size }
    }

    /// As what sets have to be past: these thresholds for sets of `size` rules, and no way past for any other size.
    pub(crate) fn but_for(&self, size: usize) -> Self {
        let mut most = vec![i64::MAX; self.most.len().max(size + 1)];
        most[size] = self.at(size);
        Self { most, max_size: self.max_size }
    }

    /// The most that the errors of a set of this size may cost.
    #[inline(always)]
    pub(crate) fn at(&self, size: usize) -> i64 {
        self.most.get(size).copied().unwrap_or(NEVER)
    }
}
