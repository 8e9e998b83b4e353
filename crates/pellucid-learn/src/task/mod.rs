//! What is to be learned from a table? Its rows as points, its columns as conditions, candidate rules over them; and the
//! questions that every face asks of that: the best set, the nearly best ones, what these have in common.
//!
//! A face says what it wants as [`TaskOptions`] and shows what comes back. Texts of errors name options as the command line
//! spells them.

mod classes;
mod error;
mod explored;
mod json;
mod learned;
mod options;
mod studied;
mod whole;

#[cfg(test)]
mod tests;

pub use classes::{one_vs_rest, row_weights, values, without_target};
pub use error::{ExploreError, StudyFailure, TaskError, position};
pub use explored::{Bound, Explored, explored};
pub use json::{compared, count_to_json, estimate_to_json, guarantee, member_to_json, study_to_json};
pub use learned::{Learned, check_required, decided, learned, rules_file};
pub use options::{Support, SupportError, TaskOptions};
pub use studied::{Grouping, Studied, Studying, studied};
pub use whole::{WholeError, whole, with_column};

use options::MOST_RULES;
use pellucid_data::binarize::{LiteralColumn, binarize, rows_equal};
use pellucid_data::table::Column;
use pellucid_data::{FeatureId, RowSet, Table, Watch};
use pellucid_models::rules::Rule;

use crate::certificate::Universe;
use crate::mine::{Candidate, Mined, mine, warnings};
use crate::{Instance, Objective};

/// A table made ready for a search.
#[derive(Debug, Clone)]
pub struct Task {
    /// What was asked.
    pub options: TaskOptions,
    /// The rows.
    pub table: Table,
    /// All conditions.
    pub literals: Vec<LiteralColumn>,
    /// The candidates as conjunctions of literals.
    pub mined: Mined,
    /// The same as rules.
    pub rules: Vec<Rule>,
    /// Candidates over labelled, weighted points.
    pub instance: Instance,
    /// Prices of errors and rules.
    pub objective: Objective,
    /// The value of the target that rules predict.
    pub positive: String,
    /// The other value where there are two, else `not ...`.
    pub default: String,
    /// Signs of a label that leaked into the features.
    pub warnings: Vec<String>,
}

/// Finds the candidates of a table. What a user should know is added to `notes`, also where there is an error later.
///
/// # Errors
/// When options do not fit the table or each other, nothing is there to be learned, or `watch` asked to stop.
pub fn prepare(
    table: Table,
    options: &TaskOptions,
    watch: &dyn Watch,
    notes: &mut Vec<String>,
) -> Result<Task, TaskError> {
    let objective = Objective::with_costs(options.lambda, options.cost.0, options.cost.1)?;
    let target = position(&table, &options.target, "the target")?;
    let column = &table.columns()[target];
    let (weights, n_without) = row_weights(options.weights.as_deref(), &table, column)?;
    let (positive, default) = classes::positive(options, column, &weights)?;
    notes.extend(without_target(&options.target, n_without));
    let label = rows_equal(column, &positive);
    let features = features(&table, options, target)?;
    let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    let min_support = options.min_support.of(total)?;
    let mut literals = binarize(&table, &features, &label, &weights, &options.binarizing(min_support));
    literals.retain(|literal| {
        let wanted = options.monotone.iter().find(|(name, _)| *name == literal.literal.column);
        wanted.is_none_or(|(_, up)| literal.literal.direction() == Some(*up))
    });
    if literals.is_empty() {
        return Err(no_literal(options, &table, &features, &label, &weights, min_support));
    }
    let mined = mine(&literals, &label, &weights, &options.mining(min_support), watch)?;
    if options.max_rules.is_none() && mined.candidates.len() == MOST_RULES && mined.n_found > MOST_RULES {
        notes.push(format!(
            "{} conjunctions hold often enough; the {MOST_RULES} that lower errors most on their own are candidates (--max-rules K keeps more)",
            mined.n_found
        ));
    }
    let rules = mined.candidates.iter().map(|candidate| rule(&literals, candidate)).collect();
    let warned =
        warnings(&literals, &mined.candidates, &label, |candidate| rule(&literals, candidate).to_string());
    let warnings: Vec<String> = warned.iter().map(ToString::to_string).collect();
    notes.extend(warnings.iter().cloned());
    let columns = mined.candidates.iter().map(|candidate| candidate.rows.clone()).collect();
    let instance = Instance::new(columns, label, weights)?;
    let options = options.clone();
    Ok(Task { options, table, literals, mined, rules, instance, objective, positive, default, warnings })
}

/// The columns that rules may use.
fn features(table: &Table, options: &TaskOptions, target: usize) -> Result<Vec<FeatureId>, TaskError> {
    let mut left_out = vec![target];
    if let Some(name) = &options.weights {
        left_out.push(position(table, name, "the column of weights")?);
    }
    for name in &options.drop {
        let dropped = position(table, name, "the dropped column")?;
        if dropped == target {
            return Err(TaskError::TargetDropped { target: name.clone() });
        }
        left_out.push(dropped);
    }
    for (name, up) in &options.monotone {
        let (at, column) = (position(table, name, "the monotone column")?, name.clone());
        if options.monotone.contains(&(name.clone(), !up)) {
            return Err(TaskError::BothDirections { column });
        }
        if matches!(table.columns()[at], Column::Category(_)) {
            return Err(TaskError::NoDirection { column });
        }
    }
    Ok((0..table.columns().len()).filter(|at| !left_out.contains(at)).map(FeatureId::at).collect())
}

/// Why there is no condition to make rules of.
fn no_literal(
    options: &TaskOptions,
    table: &Table,
    features: &[FeatureId],
    label: &RowSet,
    weights: &[u32],
    min_support: u64,
) -> TaskError {
    let any = binarize(table, features, label, weights, &options.binarizing(1));
    let of = |literal: &LiteralColumn| literal.rows.iter().map(|row| u64::from(weights[row])).sum::<u64>();
    match any.iter().map(of).max() {
        _ if features.is_empty() => TaskError::NoFeature,
        None => TaskError::NothingTold { columns: features.len() },
        Some(most) if most < min_support => TaskError::TooRare { min_support, most },
        Some(_) => TaskError::NoneInDirection,
    }
}

fn rule(literals: &[LiteralColumn], candidate: &Candidate) -> Rule {
    let condition = |&literal: &u32| literals[literal as usize].literal.clone();
    Rule { conditions: candidate.literals.iter().map(condition).collect() }
}

impl Task {
    /// What a certificate says of it.
    #[must_use]
    pub fn universe(&self) -> Universe {
        Universe::of(
            &self.instance,
            &self.objective,
            &self.rules,
            &self.options.target,
            &self.positive,
            self.options.weights.as_deref(),
        )
    }

    /// The features of each candidate, numbered as columns of the table.
    #[must_use]
    pub fn features(&self) -> Vec<Vec<u32>> {
        let of = |candidate: &Candidate| {
            candidate.literals.iter().map(|&literal| self.literals[literal as usize].feature.0).collect()
        };
        self.mined.candidates.iter().map(of).collect()
    }

    /// The rows of some rules on the data they were found in.
    #[must_use]
    pub fn rows(&self, rules: &[u32]) -> Vec<RowSet> {
        rules.iter().map(|&rule| self.instance.columns()[rule as usize].clone()).collect()
    }

    /// The rules spelled.
    #[must_use]
    pub fn spelled(&self, rules: &[u32]) -> Vec<String> {
        rules.iter().map(|&rule| self.rules[rule as usize].to_string()).collect()
    }
}
