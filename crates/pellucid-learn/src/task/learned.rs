//! Which rules are best for a table, and what is proven of them? One search a class, and one file of all.

use pellucid_data::{RowSet, Table};
use pellucid_models::rules::{ClassRules, Decision, PredictError};

use super::{Task, TaskError, TaskOptions, position};
use crate::certificate::{Certificate, Conditions, RulesFile};
use crate::optimal::Bounds;
use crate::{ConstraintError, Searching, learn};

/// One class that was learned.
#[derive(Debug, Clone)]
pub struct Learned {
    /// What it was learned from.
    pub task: Task,
    /// The rules, and what is proven of them.
    pub certificate: Certificate,
}

/// Whether constraints and options fit each other, before any table is there.
///
/// # Errors
/// When a required column is dropped.
pub fn check_required(options: &TaskOptions, conditions: &Conditions) -> Result<(), TaskError> {
    match conditions.required.iter().find(|name| options.drop.contains(name)) {
        Some(name) => Err(TaskError::RequiredDropped { column: name.clone() }),
        None => Ok(()),
    }
}

impl Task {
    /// Whether constraints fit the table.
    ///
    /// # Errors
    /// When a required column is absent or the target.
    pub fn check(&self, conditions: &Conditions) -> Result<(), TaskError> {
        for name in &conditions.required {
            position(&self.table, name, "the required column")?;
            if *name == self.options.target {
                return Err(TaskError::RequiredTarget { column: name.clone() });
            }
        }
        Ok(())
    }
}

/// Searches the best rule set of a class. `told` hears of better bounds as they are found.
///
/// # Errors
/// When the constraints can't be satisfied, or numbers can't be computed with exactly.
pub fn learned(
    task: Task,
    conditions: Conditions,
    searching: &Searching<'_>,
    told: &mut dyn FnMut(Bounds),
) -> Result<Learned, ConstraintError> {
    let constraints = conditions.constraints(&task.rules);
    let optimum = learn(&task.instance, &task.objective, &constraints, searching, told)?;
    let certificate = Certificate::of(task.universe(), conditions, &task.instance, &optimum);
    Ok(Learned { task, certificate })
}

/// The file of all classes; `default` is the class of rows that none of them takes, for one class the other value without.
/// `None` without any class.
#[must_use]
pub fn rules_file(learned: &[&Learned], default: Option<String>, version: &str) -> Option<RulesFile> {
    let first = learned.first()?;
    let of =
        |one: &&Learned| ClassRules { positive: one.task.positive.clone(), rules: one.certificate.rules() };
    Some(RulesFile {
        decision: Decision {
            target: first.task.options.target.clone(),
            default: default.unwrap_or_else(|| first.task.default.clone()),
            classes: learned.iter().map(of).collect(),
        },
        certificates: learned.iter().map(|one| one.certificate.clone()).collect(),
        version: version.to_owned(),
    })
}

/// How rows of each class are decided: for each class in the order of decision, and last for the default, the weight of the
/// rows in each of `classes`.
///
/// # Errors
/// When the rules do not fit the table.
pub fn decided(
    decision: &Decision,
    table: &Table,
    classes: &[RowSet],
    weights: &[u32],
) -> Result<Vec<Vec<u64>>, PredictError> {
    let given = decision.predict(table)?;
    let taken = given.iter().fold(RowSet::empty(table.n_rows()), |all, rows| all.or(rows));
    let weigh = |rows: &RowSet| rows.iter().map(|row| u64::from(weights[row])).sum::<u64>();
    let by_class = |rows: &RowSet| classes.iter().map(|class| weigh(&rows.and(class))).collect();
    Ok(given.iter().chain([&taken.not()]).map(by_class).collect())
}
