//! What have all good models in common, and where do they differ? One pass over the members.
//!
//! Reliance (Fisher, Rudin & Dominici 2019), multiplicity (Marx, Calmon & Ustun 2020) and fairness (differences between groups of rows)
//! are functions of a member's predictions. Rows with the same literals, label and group are one row with a weight, so that
//! a member costs as much as there are different rows.

mod bootstrap;
mod definition;
mod diverse;
mod fairness;
mod pool;
mod reliance;
mod subject;

pub use bootstrap::{Distribution, Drawings, bootstrap};
pub use definition::{multiplicity_by_definition, reliance_by_definition, share_by_definition};
pub use diverse::{Choice, diverse};
pub use fairness::{Fairness, Metric, Range};
pub use reliance::Reliance;
pub use subject::{Groups, StudyError, Subject};

use std::ops::ControlFlow;

use fairness::Tracker;
use pool::Pool;
use subject::weigh;

use super::list::tell_all;
use super::{Explorer, Listed, Member};
use crate::{Searching, SemanticsError};

/// Pairs of rules are counted among so many.
const TOGETHER: usize = 12;

/// Members that are kept for pictures and for the short list.
const KEPT: usize = 5_000;

/// Reliances that are kept for medians: of so many members times features.
const FOR_MEDIANS: usize = 8_000_000;

/// Members that medians are over, at most.
const MOST_FOR_MEDIANS: usize = 100_000;

/// Bytes of different predictions that are told apart.
const OF_PREDICTIONS: usize = 256 << 20;

/// A member as pictures show it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Looked {
    /// The member.
    pub member: Member,
    /// The share of its errors by weight, whatever they cost.
    pub error: f64,
    /// Its reliance on each feature.
    pub reliance: Vec<f32>,
    /// Its difference in each metric, where that is defined; in the order of [`Metric::ALL`], empty without groups.
    pub fairness: Vec<Option<f64>>,
}

/// What was found over the members that were looked at.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Findings {
    /// How many members were looked at.
    pub members: u64,
    /// One entry a feature.
    pub reliance: Vec<Reliance>,
    /// How many members the medians are over: all, or a uniform sample of them.
    pub median_of: u64,
    /// All members, or a uniform sample of them without replacement: a cloud of points, and the pool of a short list.
    pub some: Vec<Looked>,
    /// The best member, looked at in the same way.
    pub best: Looked,
    /// The weight of rows on which some member differs from the best one, and of all rows.
    pub ambiguity: [u64; 2],
    /// The largest weight of rows on which one member differs from the best, and of all rows.
    pub discrepancy: [u64; 2],
    /// How many different predictions there are, or, past a quarter of a gigabyte of them, at least.
    pub distinct_predictions: u64,
    /// Whether that is the number.
    pub distinct_is_exact: bool,
    /// For each row of the data the share of members that predict 1.
    pub share_of_row: Vec<f64>,
    /// One entry a metric, where rows are grouped.
    pub fairness: Vec<Fairness>,
    /// The most used rules, and in how many members each pair of them stands together (on the diagonal: the rule itself).
    pub together: (Vec<u32>, Vec<Vec<u64>>),
}

/// Accumulates over members.
pub struct Study<'s> {
    subject: &'s Subject,
    best: (Member, Vec<u64>),
    reliance: Vec<reliance::Spread>,
    for_medians: Pool<Vec<f32>>,
    some: Pool<Looked>,
    members: u64,
    /// Rows on which some member differs from the best.
    differ: Vec<u64>,
    discrepancy: u64,
    ones: Vec<u64>,
    predictions: std::collections::HashSet<Vec<u64>>,
    distinct_is_exact: bool,
    fairness: Option<Tracker>,
    top: Vec<u32>,
    together: Vec<Vec<u64>>,
}

impl<'s> Study<'s> {
    /// `best` is the member that others are compared with; `top` the rules whose pairs are counted; `seed` chooses which
    /// members are kept where not all are.
    #[must_use]
    pub fn new(subject: &'s Subject, best: &Member, top: &[u32], seed: u64) -> Self {
        let top: Vec<u32> = top.iter().copied().take(TOGETHER).collect();
        let for_medians = (FOR_MEDIANS / subject.n_features.max(1)).clamp(1_000, MOST_FOR_MEDIANS);
        Self {
            best: (best.clone(), subject.predict(&best.rules)),
            reliance: vec![reliance::Spread::default(); subject.n_features],
            for_medians: Pool::new(for_medians, seed, 1),
            some: Pool::new(KEPT, seed, 2),
            members: 0,
            differ: vec![0; subject.words],
            discrepancy: 0,
            ones: vec![0; subject.rows.len()],
            predictions: std::collections::HashSet::new(),
            distinct_is_exact: true,
            fairness: subject.has_groups().then(|| Tracker::new(subject)),
            together: vec![vec![0; top.len()]; top.len()],
            top,
            subject,
        }
    }

    /// Looks at a member.
    pub fn add(&mut self, member: &Member) {
        let subject = self.subject;
        let predicted = subject.predict(&member.rules);
        self.members += 1;
        let values = reliance::of(subject, &member.rules, &predicted);
        for (spread, &value) in self.reliance.iter_mut().zip(&values) {
            spread.add(value);
        }
        self.for_medians.offer(|| narrow(&values));
        let differences = self.fairness.as_mut().map_or(Vec::new(), |tracker| {
            let differences = tracker.differences(subject, &predicted);
            tracker.add(&differences, member);
            differences
        });
        self.some.offer(|| looked(subject, member, &predicted, &values, &differences));
        let flipped: Vec<u64> = predicted.iter().zip(&self.best.1).map(|(a, b)| a ^ b).collect();
        self.discrepancy = self.discrepancy.max(weigh(&flipped, &subject.weights));
        self.differ.iter_mut().zip(&flipped).for_each(|(all, word)| *all |= word);
        crate::search::problem::bits(&predicted).for_each(|row| self.ones[row] += 1);
        let places: Vec<usize> = self
            .top
            .iter()
            .enumerate()
            .filter(|(_, rule)| member.rules.contains(rule))
            .map(|(at, _)| at)
            .collect();
        for &one in &places {
            places.iter().for_each(|&other| self.together[one][other] += 1);
        }
        let bytes = self.predictions.len() * (subject.words * 8 + 64);
        if bytes < OF_PREDICTIONS {
            self.predictions.insert(predicted);
        } else {
            self.distinct_is_exact &= self.predictions.contains(&predicted);
        }
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Findings {
        let subject = self.subject;
        let total: u64 = subject.weights.iter().sum();
        let (best, predicted) = &self.best;
        let of_best = reliance::of(subject, &best.rules, predicted);
        let differences =
            self.fairness.as_ref().map_or(Vec::new(), |tracker| tracker.differences(subject, predicted));
        let share = |&row: &u32| self.ones[row as usize] as f64 / self.members.max(1) as f64;
        let for_medians = self.for_medians.held();
        let medians = |at: usize| for_medians.iter().map(|values| values[at]).collect();
        let reliance = self.reliance.into_iter().zip(&of_best).enumerate();
        Findings {
            members: self.members,
            reliance: reliance.map(|(at, (spread, &best))| spread.finish(best, medians(at))).collect(),
            median_of: for_medians.len() as u64,
            some: self.some.held(),
            best: looked(subject, best, predicted, &of_best, &differences),
            ambiguity: [weigh(&self.differ, &subject.weights), total],
            discrepancy: [self.discrepancy, total],
            distinct_predictions: self.predictions.len() as u64,
            distinct_is_exact: self.distinct_is_exact,
            share_of_row: subject.of_row.iter().map(share).collect(),
            fairness: self.fairness.map_or(Vec::new(), |tracker| tracker.finish(&subject.group_names)),
            together: (self.top, self.together),
        }
    }
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn looked(
    subject: &Subject,
    member: &Member,
    predicted: &[u64],
    reliance: &[f64],
    differences: &[Option<pellucid_data::Ratio>],
) -> Looked {
    let wrong: Vec<u64> = predicted.iter().zip(&subject.label).map(|(a, b)| a ^ b).collect();
    let total: u64 = subject.weights.iter().sum();
    Looked {
        member: member.clone(),
        error: weigh(&wrong, &subject.weights) as f64 / total.max(1) as f64,
        reliance: narrow(reliance),
        fairness: differences.iter().map(|value| value.map(|value| value.value())).collect(),
    }
}

impl Explorer {
    /// Tells every member once, in the order of the search; answers whether all were told.
    ///
    /// # Errors
    /// When a fraction does not fit into 128 bits.
    pub fn each(
        &self,
        searching: &Searching<'_>,
        tell: &mut (dyn FnMut(&Member) + Send),
    ) -> Result<bool, SemanticsError> {
        if !self.is_bulk() {
            let Some(held) = self.all_held(searching)? else { return Ok(false) };
            let told = tell_all(&held, searching, &mut |member| {
                tell(member);
                ControlFlow::Continue(())
            });
            return Ok(told == Listed::All);
        }
        if self.prepared.has_empty {
            tell(&self.member(&[], self.prepared.errors)?);
        }
        let mut wrong = None;
        let mut one = |rules: &[u32], errors: i64| match self.member(rules, errors) {
            Ok(member) => {
                tell(&member);
                true
            }
            Err(error) => {
                wrong = Some(error);
                false
            }
        };
        let complete = super::members::members(
            &self.prepared,
            &self.prepared.thresholds,
            None,
            &[],
            searching,
            &mut one,
        );
        wrong.map_or(Ok(complete), Err)
    }
}

#[cfg(test)]
mod tests;
