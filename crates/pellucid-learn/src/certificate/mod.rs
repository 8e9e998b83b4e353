//! What is claimed of a result, so that somebody else can check it? Everything needed to do it again from the raw data.
//!
//! A certificate names its candidates, prices and constraints, hashes the instance that they make of the data, and says
//! what was proven. [`mod@verify`] checks it on a path of its own; [`mod@format`] is the file.

#[cfg(test)]
mod tests;

pub mod format;
mod hash;
pub mod verify;

use num_bigint::BigUint;
use pellucid_data::Ratio;
use pellucid_models::rules::{Decision, Rule};

use crate::{Constraints, Identity, Instance, Objective, Optimum, Within};
pub use hash::instance_hash;

/// What was searched: candidates, prices, and the data that they were laid over.
#[derive(Debug, Clone, PartialEq)]
pub struct Universe {
    /// The column that is predicted.
    pub target: String,
    /// The value of it that rules predict; the default is everything else.
    pub positive: String,
    /// The column of weights, where there is one.
    pub weights: Option<String>,
    /// Rows of the data, those without a target too (they weigh nothing).
    pub rows: u64,
    /// The weight of all rows and of the positive ones.
    pub weight: [u64; 2],
    /// SHA-256 of label, weights and the columns of all candidates.
    pub hash: String,
    /// Prices of errors and rules.
    pub objective: Objective,
    /// The candidate rules.
    pub candidates: Vec<Rule>,
    /// For each candidate the weight of the rows that it covers, and of the positive ones.
    pub supports: Vec<[u64; 2]>,
}

impl Universe {
    /// Describes an instance and how it came from a table.
    #[must_use]
    pub fn of(
        instance: &Instance,
        objective: &Objective,
        candidates: &[Rule],
        target: &str,
        positive: &str,
        weights: Option<&str>,
    ) -> Self {
        let support = |column| {
            let positives = instance.label().and(column);
            [instance.weight_of(column), instance.weight_of(&positives)]
        };
        Self {
            target: target.to_owned(),
            positive: positive.to_owned(),
            weights: weights.map(str::to_owned),
            rows: instance.label().n_rows() as u64,
            weight: [instance.total_weight(), instance.weight_of(instance.label())],
            hash: instance_hash(instance.label(), instance.weights(), instance.columns()),
            objective: *objective,
            candidates: candidates.to_vec(),
            supports: instance.columns().iter().map(support).collect(),
        }
    }
}

/// What a rule set had to satisfy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// The most rules.
    pub max_size: Option<u64>,
    /// The most conditions of all rules together.
    pub max_total_conditions: Option<u64>,
    /// Columns that some rule must use.
    pub required: Vec<String>,
    /// Whether a rule there must be.
    pub not_empty: bool,
}

impl Conditions {
    /// The same in terms of candidates.
    #[must_use]
    pub fn constraints(&self, candidates: &[Rule]) -> Constraints {
        let uses =
            |rule: &Rule, column: &String| rule.conditions.iter().any(|literal| literal.column == *column);
        let group = |column| {
            (0..candidates.len() as u32).filter(|&rule| uses(&candidates[rule as usize], column)).collect()
        };
        let counts = candidates.iter().map(|rule| rule.conditions.len() as u32).collect();
        Constraints {
            max_size: self.max_size.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
            required: self.required.iter().map(group).collect(),
            budget: self.max_total_conditions.map(|most| (counts, most)),
            not_empty: self.not_empty,
        }
    }
}

/// A rule set with what is proven of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// What was searched.
    pub universe: Universe,
    /// What the set had to satisfy.
    pub conditions: Conditions,
    /// The candidates that were chosen, rising.
    pub chosen: Vec<u32>,
    /// The weight of false positives and false negatives.
    pub errors: [u64; 2],
    /// The set's objective.
    pub objective: Ratio,
    /// No allowed set has a smaller one.
    pub lower_bound: Ratio,
    /// How many sets are as good, where the set is proven to be optimal.
    pub n_optimal: Option<u64>,
    /// Nodes that were expanded, for the record.
    pub nodes: u64,
}

impl Certificate {
    /// Writes down an optimum.
    #[must_use]
    pub fn of(universe: Universe, conditions: Conditions, instance: &Instance, optimum: &Optimum) -> Self {
        let covered = instance.covered(&optimum.rules);
        let errors = [covered.minus(instance.label()), instance.label().minus(&covered)]
            .map(|rows| instance.weight_of(&rows));
        Self {
            universe,
            conditions,
            chosen: optimum.rules.clone(),
            errors,
            objective: optimum.objective,
            lower_bound: optimum.lower_bound,
            n_optimal: optimum.n_optimal,
            nodes: optimum.nodes,
        }
    }

    /// The chosen rules.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.chosen.iter().filter_map(|&rule| self.universe.candidates.get(rule as usize).cloned()).collect()
    }

    /// Whether it claims that no set is better.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.lower_bound >= self.objective
    }
}

/// How many rule sets are within a bound.
#[derive(Debug, Clone, PartialEq)]
pub struct CountCertificate {
    /// What was searched.
    pub universe: Universe,
    /// Which sets count.
    pub within: Within,
    /// How many there are.
    pub count: BigUint,
    /// By their number of rules, from 0.
    pub by_size: Vec<BigUint>,
}

/// A file of rules: what it predicts, and a certificate a class.
#[derive(Debug, Clone, PartialEq)]
pub struct RulesFile {
    /// The model.
    pub decision: Decision,
    /// One a class, in the order of decision.
    pub certificates: Vec<Certificate>,
    /// The version of the program that wrote it.
    pub version: String,
}

/// The word for an identity.
fn identity(name: &str) -> Option<Identity> {
    Identity::NAMES.iter().find(|(known, _)| *known == name).map(|(_, identity)| *identity)
}
