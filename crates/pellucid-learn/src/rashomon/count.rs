//! How many rule sets are nearly as good, how large are they, and which rules are in them?

use num_bigint::BigUint;
use pellucid_data::Ratio;

use super::explorer::Explorer;
use super::tally::{Detail, Sums, Tally, Uses};
use crate::count::{Count, fits};
use crate::search::problem::{AnyProblem, Thresholds};
use crate::search::{How, run};
use crate::{Identity, Instance, Objective, Searching, SemanticsError, Within};

/// How many sets are within, by everything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counted {
    /// All sets that were found: the count where the search came to its end.
    pub count: BigUint,
    /// Sets by their number of rules, from 0.
    pub by_size: Vec<BigUint>,
    /// Sets that each rule is in; empty without [`Detail::Full`]. Of equal columns under an identity other than subset the
    /// first one counts.
    pub by_rule: Vec<BigUint>,
    /// Sets that use each feature in some rule; empty unless the explorer was told of features, and as [`Self::by_rule`].
    pub by_feature: Vec<BigUint>,
    /// Sets by size and cost of errors, rising; empty without [`Detail::Full`].
    pub by_level: Vec<((usize, i64), BigUint)>,
    /// Where the search was stopped: no more sets than these are within. The count is then the lower end.
    pub at_most: Option<BigUint>,
    /// Nodes that were expanded.
    pub nodes: u64,
    objective: Objective,
    total_weight: u64,
}

impl Counted {
    /// Whether every set was counted.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.at_most.is_none()
    }

    /// The best objective of the sets that were found; `None` where there is none, or none was looked at.
    #[must_use]
    pub fn best(&self) -> Option<Ratio> {
        let value = |&((size, errors), _): &((usize, i64), BigUint)| {
            self.objective.value(errors, size, self.total_weight).ok()
        };
        self.by_level.iter().filter_map(value).min()
    }

    /// Sets by objective, rising.
    #[must_use]
    pub fn by_objective(&self) -> Vec<(Ratio, BigUint)> {
        let mut all: Vec<(Ratio, BigUint)> = Vec::new();
        for ((size, errors), sets) in &self.by_level {
            if let Ok(value) = self.objective.value(*errors, *size, self.total_weight) {
                all.push((value, sets.clone()));
            }
        }
        all.sort();
        all.dedup_by(|next, held| {
            let same = next.0 == held.0;
            if same {
                held.1 += &next.1;
            }
            same
        });
        all
    }
}

/// Counts all rule sets within.
///
/// # Errors
/// When the fractions or weights can't be computed with exactly.
pub fn count(
    instance: &Instance,
    objective: &Objective,
    within: &Within,
    detail: Detail,
    how: &Searching<'_>,
) -> Result<Counted, SemanticsError> {
    Explorer::with_limits(instance, objective, within, how)?.count(detail, how)
}

/// The instance without repeated columns where the identity asks for it, and which rules are left.
pub(super) fn distinct(instance: &Instance, identity: Identity) -> (Instance, Vec<u32>) {
    let mut seen = std::collections::HashSet::new();
    let keeps = |rule: &u32| identity == Identity::Subset || seen.insert(&instance.columns()[*rule as usize]);
    let kept: Vec<u32> = (0..instance.n_rules() as u32).filter(keeps).collect();
    (instance.with_rules(&kept), kept)
}

/// An instance made ready for one bound.
pub(crate) struct Prepared {
    pub(crate) problem: AnyProblem,
    pub(crate) thresholds: Thresholds,
    pub(crate) objective: Objective,
    pub(crate) total_weight: u64,
    pub(crate) n_rules: usize,
    /// What the errors of the empty set cost, and the least that any set's can.
    pub(crate) errors: i64,
    pub(crate) floor: i64,
    /// Whether the empty set is within and takes part.
    pub(crate) has_empty: bool,
}

impl Prepared {
    pub(crate) fn new(
        instance: &Instance,
        objective: &Objective,
        within: &Within,
        searching: &Searching<'_>,
    ) -> Result<Self, SemanticsError> {
        let problem = AnyProblem::new(instance, objective, searching)?;
        let (errors, savable) = match &problem {
            AnyProblem::Narrow(problem) => (problem.errors, problem.savable),
            AnyProblem::Wide(problem) => (problem.errors, problem.savable),
        };
        let (total_weight, n_rules) = (instance.total_weight(), instance.n_rules());
        let max_size = within.max_size.unwrap_or(n_rules).min(n_rules);
        let floor = errors - savable;
        let thresholds = Thresholds::new(objective, within.theta, total_weight, floor, max_size)?;
        let has_empty =
            within.include_empty && errors <= objective.most_errors(within.theta, 0, total_weight)?;
        Ok(Self {
            problem,
            thresholds,
            objective: *objective,
            total_weight,
            n_rules,
            errors,
            floor,
            has_empty,
        })
    }

    /// A count of nothing.
    pub(super) fn nothing(&self) -> Counted {
        Counted {
            count: BigUint::ZERO,
            by_size: Vec::new(),
            by_rule: Vec::new(),
            by_feature: Vec::new(),
            by_level: Vec::new(),
            at_most: None,
            nodes: 0,
            objective: self.objective,
            total_weight: self.total_weight,
        }
    }

    pub(super) fn tally(&self, detail: Detail, uses: &Uses, how: &How<'_>) -> Counted {
        let is_small = fits(self.n_rules, self.thresholds.max_size);
        let mut found = match (is_small, detail) {
            (true, Detail::Sizes) => self.tally_as::<u128, false>(uses, how),
            (true, Detail::Full) => self.tally_as::<u128, true>(uses, how),
            (false, Detail::Sizes) => self.tally_as::<BigUint, false>(uses, how),
            (false, Detail::Full) => self.tally_as::<BigUint, true>(uses, how),
        };
        if self.has_empty {
            found.by_size[0] += 1_u32;
            if detail == Detail::Full {
                found.by_level.insert(0, ((0, self.errors), BigUint::from(1_u32)));
            }
        }
        while found.by_size.last().is_some_and(|sets| *sets == BigUint::ZERO) {
            found.by_size.pop();
        }
        found.count = found.by_size.iter().sum();
        if let Some(most) = &mut found.at_most {
            *most += &found.count;
        }
        found
    }

    fn tally_as<C: Count, const FULL: bool>(&self, uses: &Uses, how: &How<'_>) -> Counted {
        let (least, most) = (self.floor, self.thresholds.at(0).min(self.thresholds.at(1)).max(self.floor));
        let make = || Tally::<'_, C, FULL>::new(uses, self.n_rules, self.thresholds.max_size, least, most);
        let ended = run(&self.problem, &self.thresholds, &[], how, make);
        let Sums { by_size, by_rule, by_feature, by_level } = Tally::sums(ended.visitors);
        Counted {
            count: BigUint::ZERO,
            by_size,
            by_rule,
            by_feature,
            by_level,
            at_most: ended.open.map(|open| open.most_sets),
            nodes: ended.nodes,
            objective: self.objective,
            total_weight: self.total_weight,
        }
    }
}
