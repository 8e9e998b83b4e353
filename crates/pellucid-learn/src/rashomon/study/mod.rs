//! What have all good models in common, and where do they differ? One pass over the members.
//!
//! Reliance (Fisher, Rudin & Dominici 2019), multiplicity (Marx, Calmon & Ustun 2020) and fairness (differences between groups of rows)
//! are functions of a member's predictions. Rows with the same literals, label and group are one row with a weight, so that
//! a member costs as much as there are different rows.

mod bootstrap;
mod diverse;
mod fairness;
mod reliance;
mod subject;

pub use bootstrap::{Distribution, bootstrap};
pub use diverse::{Choice, diverse};
pub use fairness::{Fairness, Metric, Point, Range};
pub use reliance::{Reliance, reliance_by_definition};
pub use subject::{Groups, StudyError, Subject};

use fairness::Tracker;
use subject::weigh;

use super::{Explorer, Member};
use crate::{Searching, SemanticsError};

/// Pairs of rules are counted among so many.
const TOGETHER: usize = 12;

/// Members whose reliances are kept for pictures.
const CLOUD: usize = 2_000;

/// What was found over the members that were looked at.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Findings {
    /// How many members were looked at.
    pub members: u64,
    /// One entry a feature.
    pub reliance: Vec<Reliance>,
    /// Reliances on all features of the first members, with their objective: the importance cloud.
    pub cloud: Vec<(f64, Vec<f32>)>,
    /// The weight of rows on which some member differs from the best one, and of all rows.
    pub ambiguity: [u64; 2],
    /// The largest weight of rows on which one member differs from the best, and of all rows.
    pub discrepancy: [u64; 2],
    /// How many different predictions there are.
    pub distinct_predictions: u64,
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
    best: Vec<u64>,
    reliance: Vec<reliance::Spread>,
    cloud: Vec<(f64, Vec<f32>)>,
    members: u64,
    /// Rows on which some member differs from the best.
    differ: Vec<u64>,
    discrepancy: u64,
    ones: Vec<u64>,
    predictions: std::collections::HashSet<Vec<u64>>,
    fairness: Option<Tracker>,
    top: Vec<u32>,
    together: Vec<Vec<u64>>,
}

impl<'s> Study<'s> {
    /// `best` is the member that others are compared with; `top` the rules whose pairs are counted.
    #[must_use]
    pub fn new(subject: &'s Subject, best: &Member, top: &[u32]) -> Self {
        let top: Vec<u32> = top.iter().copied().take(TOGETHER).collect();
        Self {
            best: subject.predict(&best.rules),
            reliance: vec![reliance::Spread::default(); subject.n_features],
            cloud: Vec::new(),
            members: 0,
            differ: vec![0; subject.words],
            discrepancy: 0,
            ones: vec![0; subject.rows.len()],
            predictions: std::collections::HashSet::new(),
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
        if self.cloud.len() < CLOUD {
            self.cloud.push((member.objective.value(), values.iter().map(|&value| value as f32).collect()));
        }
        let flipped: Vec<u64> = predicted.iter().zip(&self.best).map(|(a, b)| a ^ b).collect();
        self.discrepancy = self.discrepancy.max(weigh(&flipped, &subject.weights));
        self.differ.iter_mut().zip(&flipped).for_each(|(all, word)| *all |= word);
        crate::search::problem::bits(&predicted).for_each(|row| self.ones[row] += 1);
        if let Some(tracker) = &mut self.fairness {
            tracker.add(subject, member, &predicted);
        }
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
        self.predictions.insert(predicted);
    }

    /// What was found.
    #[must_use]
    pub fn finish(self, best: &Member) -> Findings {
        let subject = self.subject;
        let total: u64 = subject.weights.iter().sum();
        let of_best = reliance::of(subject, &best.rules, &self.best);
        let share = |&row: &u32| self.ones[row as usize] as f64 / self.members.max(1) as f64;
        Findings {
            members: self.members,
            reliance: self
                .reliance
                .into_iter()
                .zip(of_best)
                .map(|(spread, best)| spread.finish(best))
                .collect(),
            cloud: self.cloud,
            ambiguity: [weigh(&self.differ, &subject.weights), total],
            discrepancy: [self.discrepancy, total],
            distinct_predictions: self.predictions.len() as u64,
            share_of_row: subject.of_row.iter().map(share).collect(),
            fairness: self.fairness.map_or(Vec::new(), |tracker| tracker.finish(&subject.group_names)),
            together: (self.top, self.together),
        }
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
            let (held, complete) = self.held(searching)?;
            held.iter().for_each(tell);
            return Ok(complete);
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
