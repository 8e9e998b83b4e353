//! Why can't a table be learned from, or its good rule sets be told? One variant a cause, whatever the face.

use pellucid_data::ratio::RatioError;
use pellucid_data::{Ratio, Table, closest};

use crate::mine::MineError;
use crate::rashomon::SampleError;
use crate::rashomon::study::StudyError;
use crate::{ConstraintError, InstanceError, SemanticsError};

/// Why a table and options make no task.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// A column was named that is not there.
    #[error("{what} `{name}` is no column of the data{} (columns: {}, ...)", hint(.closest), .columns.join(", "))]
    NoColumn {
        /// What the column is for.
        what: &'static str,
        /// Its name.
        name: String,
        /// One that is spelled nearly so.
        closest: Option<String>,
        /// The first columns that are there.
        columns: Vec<String>,
    },
    /// A target that is the same in every row.
    #[error("target `{target}` has only one value, {}: there is nothing to tell apart", spelled(.values))]
    OneValue {
        /// The target.
        target: String,
        /// Its values with their rows.
        values: Vec<(String, usize)>,
    },
    /// A class that no row has.
    #[error("target `{target}` is never `{positive}`; its values are {}", spelled(.values))]
    Never {
        /// The target.
        target: String,
        /// The value that rules should predict.
        positive: String,
        /// Its values with their rows.
        values: Vec<(String, usize)>,
    },
    /// Several classes, and none of them named.
    #[error(
        "target `{target}` has {} values, {}; name the one that rules shall predict with --positive, or learn all with `rules learn --one-vs-rest`",
        .values.len(),
        spelled(.values)
    )]
    Several {
        /// The target.
        target: String,
        /// Its values with their rows.
        values: Vec<(String, usize)>,
    },
    /// More classes than are learned one against the rest.
    #[error("target `{target}` has {found} values; at most {most} classes are learned")]
    TooManyClasses {
        /// The target.
        target: String,
        /// Its values.
        found: usize,
        /// The most.
        most: usize,
    },
    /// No class that could stand against the rest.
    #[error("target `{target}` has no two values")]
    NoTwoValues {
        /// The target.
        target: String,
    },
    /// Weights that are text.
    #[error("the weights in `{column}` are no numbers")]
    WeightKind {
        /// The column of weights.
        column: String,
    },
    /// A weight that can't be counted.
    #[error(
        "row {row}: weight {value} in `{column}`; weights are whole numbers from 0 on (multiply fractions by a common number)"
    )]
    Weight {
        /// The row, from 0.
        row: usize,
        /// What stands there.
        value: f64,
        /// The column of weights.
        column: String,
    },
    /// The target can't be left out.
    #[error(
        "`{target}` is the target: no rule uses it, and it can't be dropped (--drop names columns that rules may not use)"
    )]
    TargetDropped {
        /// The target.
        target: String,
    },
    /// Both directions of one column.
    #[error(
        "--monotone {column}=+ and {column}=- contradict each other; --drop {column} leaves the column out"
    )]
    BothDirections {
        /// The column.
        column: String,
    },
    /// A direction of categories.
    #[error(
        "--monotone {column}: the column holds categories, which have no direction; --drop {column} leaves it out"
    )]
    NoDirection {
        /// The column.
        column: String,
    },
    /// Nothing beside the target.
    #[error("no column is left beside the target: there is nothing to make rules of")]
    NoFeature,
    /// Columns of which nothing can be asked.
    #[error(
        "none of the {columns} columns beside the target tells rows apart: each has one value only, or nothing that can be asked of it"
    )]
    NothingTold {
        /// How many columns there are.
        columns: usize,
    },
    /// Conditions that hold too seldom.
    #[error(
        "no condition holds in {min_support} rows (weights counted); the most frequent one holds in {most}: lower --min-support"
    )]
    TooRare {
        /// What was asked for.
        min_support: u64,
        /// What there is.
        most: u64,
    },
    /// Directions that leave nothing.
    #[error("no condition is left in the directions that --monotone allows; drop a direction, or the column")]
    NoneInDirection,
    /// A column that must and must not be used.
    #[error("column `{column}` is required and dropped: these constraints contradict each other")]
    RequiredDropped {
        /// The column.
        column: String,
    },
    /// The target can't be used by rules.
    #[error("`{column}` is the target: no rule can use it")]
    RequiredTarget {
        /// The column.
        column: String,
    },
    /// Prices that make no sense.
    #[error(transparent)]
    Semantics(#[from] SemanticsError),
    /// Columns, label and weights that make no instance.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// No candidate rules.
    #[error(transparent)]
    Mine(#[from] MineError),
    /// Numbers that are too long.
    #[error(transparent)]
    Ratio(#[from] RatioError),
}

/// Why there is no Rashomon set to ask.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExploreError {
    /// The bound is relative to the best objective, which is not known.
    #[error(
        "the best objective was not proven before the limit (it is between {lower_bound} and {objective}); give --theta as a number, or more time"
    )]
    Unproven {
        /// No set has a smaller objective.
        lower_bound: Ratio,
        /// The objective of the best set found.
        objective: Ratio,
    },
    /// No set satisfies what was asked for.
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
    /// Prices or limits.
    #[error(transparent)]
    Semantics(#[from] SemanticsError),
    /// Numbers that are too long.
    #[error(transparent)]
    Ratio(#[from] RatioError),
}

/// Why nothing is known of what members have in common.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StudyFailure {
    /// A limit came first.
    #[error(
        "the limit was reached before every member was looked at; nothing was written, since what was seen first is no fair sample"
    )]
    Stopped,
    /// There is no member.
    #[error("the set is empty: no rule set is within the bound")]
    Empty,
    /// A column of too many groups.
    #[error("column `{column}` has {found} values; at most {most} groups are compared")]
    TooManyGroups {
        /// The column.
        column: String,
        /// Its values.
        found: usize,
        /// The most.
        most: usize,
    },
    /// A column that is not there.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// Groups that can't be compared.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// Members that can't be drawn.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// Limits and numbers.
    #[error(transparent)]
    Semantics(#[from] SemanticsError),
    /// Numbers that are too long.
    #[error(transparent)]
    Ratio(#[from] RatioError),
}

fn hint(closest: &Option<String>) -> String {
    closest.as_ref().map_or(String::new(), |near| format!("; is it `{near}`?"))
}

fn spelled(values: &[(String, usize)]) -> String {
    let some: Vec<String> = values.iter().take(8).map(|(value, n)| format!("`{value}` ({n} rows)")).collect();
    some.join(", ")
}

/// A column by name, or an error that says what was probably meant; `what` says what the column is for.
///
/// # Errors
/// [`TaskError::NoColumn`].
pub fn position(table: &Table, name: &str, what: &'static str) -> Result<usize, TaskError> {
    table.schema().position(name).ok_or_else(|| TaskError::NoColumn {
        what,
        name: name.to_owned(),
        closest: closest(name, table.schema().names()).map(str::to_owned),
        columns: table.schema().names().take(12).map(str::to_owned).collect(),
    })
}
