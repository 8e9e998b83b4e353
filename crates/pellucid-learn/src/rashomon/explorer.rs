//! What can be asked of a Rashomon set? One instance made ready once, and questions to it.

use std::collections::HashMap;

use num_bigint::BigUint;
use pellucid_data::{Ratio, RowSet};

use super::count::{Prepared, distinct};
use super::members::members;
use super::tally::Uses;
use super::{Counted, Detail};
use crate::definition::is_irredundant;
use crate::search::problem::Thresholds;
use crate::{Identity, Instance, Objective, Searching, SemanticsError, Within};

/// A Rashomon set, ready to be explored.
pub struct Explorer {
    /// The instance with the rules that take part, and which those are.
    pub(super) instance: Instance,
    pub(super) kept: Vec<u32>,
    pub(super) n_all: usize,
    pub(super) prepared: Prepared,
    pub(super) within: Within,
    uses: Uses,
    features: Vec<Vec<u32>>,
    n_features: usize,
}

/// A member with its cost of errors.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Member {
    /// Its objective.
    pub objective: Ratio,
    /// Its rules, rising.
    pub rules: Vec<u32>,
    /// What its errors cost.
    pub errors: i64,
}

/// Members that are held at once where an identity needs it, at most.
const MOST_HELD: usize = 20_000_000;

/// Bytes of a set that is held, beside its rules: twice in lists, with what an allocation costs.
pub(super) const OF_SET: usize = 160;

impl Explorer {
    /// Prepares an instance for one bound.
    ///
    /// # Errors
    /// When the fractions or weights can't be computed with exactly.
    pub fn new(instance: &Instance, objective: &Objective, within: &Within) -> Result<Self, SemanticsError> {
        Self::with_limits(instance, objective, within, &Searching::quiet())
    }

    /// The same, which takes a while where rules are many, under the caller's limits on time and memory.
    ///
    /// # Errors
    /// As [`Self::new`], and when a limit is reached.
    pub fn with_limits(
        instance: &Instance,
        objective: &Objective,
        within: &Within,
        searching: &Searching<'_>,
    ) -> Result<Self, SemanticsError> {
        let (narrowed, kept) = distinct(instance, within.identity);
        let prepared = Prepared::new(&narrowed, objective, within, searching)?;
        Ok(Self {
            instance: narrowed,
            kept,
            n_all: instance.n_rules(),
            prepared,
            within: *within,
            uses: Uses::default(),
            features: Vec::new(),
            n_features: 0,
        })
    }

    /// Tells which features (numbered from 0) each rule of the whole instance uses, so that they are counted too.
    #[must_use]
    pub fn with_features(mut self, features: &[Vec<u32>], n_features: usize) -> Self {
        let of_kept: Vec<Vec<u32>> = self.kept.iter().map(|&rule| features[rule as usize].clone()).collect();
        self.uses = Uses::new(&of_kept, n_features);
        (self.features, self.n_features) = (features.to_vec(), n_features);
        self
    }

    /// The same set under another bound.
    pub(super) fn thresholds(&self, theta: Ratio) -> Result<Thresholds, SemanticsError> {
        let Prepared { objective, total_weight, floor, n_rules, .. } = self.prepared;
        let max_size = self.within.max_size.unwrap_or(n_rules).min(n_rules);
        Thresholds::new(&objective, theta, total_weight, floor, max_size)
    }

    /// Whether members are counted without being looked at one by one.
    pub(super) fn is_bulk(&self) -> bool {
        matches!(self.within.identity, Identity::Subset | Identity::Columns)
    }

    pub(super) fn member(&self, rules: &[u32], errors: i64) -> Result<Member, SemanticsError> {
        let Prepared { objective, total_weight, .. } = &self.prepared;
        let objective = objective.value(errors, rules.len(), *total_weight)?;
        Ok(Member { objective, rules: rules.iter().map(|&rule| self.kept[rule as usize]).collect(), errors })
    }

    /// Counts the members.
    ///
    /// # Errors
    /// When a fraction does not fit into 128 bits.
    pub fn count(&self, detail: Detail, searching: &Searching<'_>) -> Result<Counted, SemanticsError> {
        if self.is_bulk() {
            let mut found = self.prepared.tally(detail, &self.uses, &searching.how());
            if self.kept.len() < self.n_all && !found.by_rule.is_empty() {
                let mut all = vec![BigUint::ZERO; self.n_all];
                self.kept.iter().zip(found.by_rule).for_each(|(&rule, sets)| all[rule as usize] = sets);
                found.by_rule = all;
            }
            return Ok(found);
        }
        let (held, ended) = self.held(searching)?;
        let mut found = self.prepared.nothing();
        found.by_rule = vec![BigUint::ZERO; self.n_all];
        found.by_feature = vec![BigUint::ZERO; self.n_features];
        let mut levels: std::collections::BTreeMap<(usize, i64), u64> = std::collections::BTreeMap::new();
        // Until the end, a set of fewer rules may come that predicts the same.
        let is_final = ended == Hold::All || self.within.identity == Identity::Irredundant;
        for member in held.iter().filter(|_| is_final) {
            found.by_size.resize(found.by_size.len().max(member.rules.len() + 1), BigUint::ZERO);
            found.by_size[member.rules.len()] += 1_u32;
            member.rules.iter().for_each(|&rule| found.by_rule[rule as usize] += 1_u32);
            for feature in 0..self.n_features {
                let uses =
                    member.rules.iter().any(|&rule| self.features[rule as usize].contains(&(feature as u32)));
                found.by_feature[feature] += u32::from(uses);
            }
            *levels.entry((member.rules.len(), member.errors)).or_default() += 1;
        }
        found.by_level = levels.into_iter().map(|(level, n)| (level, n.into())).collect();
        found.count = BigUint::from(held.len());
        if ended != Hold::All {
            // Every set is a subset, so that the number of subsets bounds it.
            let subsets = self.prepared.tally(Detail::Sizes, &self.uses, &searching.how());
            found.at_most = Some(subsets.at_most.unwrap_or(subsets.count));
        }
        Ok(found)
    }

    /// All members of an identity that has to look at each, by rising objective, size and rules.
    ///
    /// # Errors
    /// When there are more than can be held.
    pub(super) fn all_held(&self, searching: &Searching<'_>) -> Result<Option<Vec<Member>>, SemanticsError> {
        match self.held(searching)? {
            (all, Hold::All) => Ok(Some(all)),
            (_, Hold::Stopped) => Ok(None),
            (_, Hold::Full) => Err(SemanticsError::Held { most: MOST_HELD }),
        }
    }

    fn held(&self, searching: &Searching<'_>) -> Result<(Vec<Member>, Hold), SemanticsError> {
        let mut best: HashMap<RowSet, (Vec<u32>, i64)> = HashMap::new();
        let mut plain: Vec<(Vec<u32>, i64)> = Vec::new();
        let by_predictions = self.within.identity == Identity::Predictions;
        let of_rows = self.instance.label().words().len() * 8;
        let (mut n_held, mut bytes) = (0, 0);
        let mut tell = |rules: &[u32], errors: i64| {
            let mut holds = |more: usize| {
                n_held += 1;
                bytes += OF_SET + rules.len() * 4 + more;
            };
            if by_predictions {
                // Equal predictions make equal errors: fewer rules are better, then the first.
                let entry = best.entry(self.instance.covered(rules)).or_insert_with(|| {
                    holds(of_rows);
                    (rules.to_vec(), errors)
                });
                if (rules.len(), rules) < (entry.0.len(), &entry.0) {
                    *entry = (rules.to_vec(), errors);
                }
            } else if is_irredundant(&self.instance, rules) {
                holds(0);
                plain.push((rules.to_vec(), errors));
            }
            n_held < MOST_HELD && searching.most_bytes.is_none_or(|most| bytes < most)
        };
        if self.prepared.has_empty {
            tell(&[], self.prepared.errors);
        }
        let complete = members(&self.prepared, &self.prepared.thresholds, None, &[], searching, &mut tell);
        let ended = match complete {
            true => Hold::All,
            false if n_held >= MOST_HELD => Hold::Full,
            false => Hold::Stopped,
        };
        // The order of a hash map is no matter: all are sorted.
        let all = plain.into_iter().chain(best.into_values());
        let mut held =
            all.map(|(rules, errors)| self.member(&rules, errors)).collect::<Result<Vec<_>, _>>()?;
        held.sort_by(|a, b| {
            (a.objective, a.rules.len(), &a.rules).cmp(&(b.objective, b.rules.len(), &b.rules))
        });
        Ok((held, ended))
    }
}

/// How holding all members ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    All,
    Stopped,
    Full,
}
