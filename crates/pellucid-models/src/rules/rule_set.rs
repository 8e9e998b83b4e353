//! Which class does a row get, and by which rules?

use std::fmt;

use pellucid_data::binarize::{KindMismatch, Literal};
use pellucid_data::{RowSet, Table, closest};

/// A conjunction: it holds where all of its conditions do.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The conditions, at least one.
    pub conditions: Vec<Literal>,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, condition) in self.conditions.iter().enumerate() {
            write!(f, "{}{condition}", if at == 0 { "" } else { " and " })?;
        }
        Ok(())
    }
}

/// The rules of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassRules {
    /// The value of the target that they predict.
    pub positive: String,
    /// Any of them is enough.
    pub rules: Vec<Rule>,
}

/// Classes in the order in which they are asked; the first whose rules hold is predicted, else the default.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The column that is predicted.
    pub target: String,
    /// One entry for two classes, more for one-against-the-rest.
    pub classes: Vec<ClassRules>,
    /// What is predicted where no rule holds.
    pub default: String,
}

/// Why rules can't be applied to a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// A column that a rule asks about is not there.
    #[error("the rules ask about column `{column}`, which the data has not{}", hint(closest.as_ref()))]
    Missing {
        /// The column.
        column: String,
        /// One that is spelled nearly so.
        closest: Option<String>,
    },
    /// A column holds something else than was learned from.
    #[error(transparent)]
    Kind(#[from] KindMismatch),
}

fn hint(closest: Option<&String>) -> String {
    closest.map_or(String::new(), |name| format!("; is it `{name}`?"))
}

impl Rule {
    /// The rows at which it holds.
    ///
    /// # Errors
    /// When a column is missing, or holds something else than numbers where numbers are asked for.
    pub fn rows(&self, table: &Table) -> Result<RowSet, PredictError> {
        let mut rows = RowSet::full(table.n_rows());
        for condition in &self.conditions {
            let column = table.column(&condition.column).ok_or_else(|| PredictError::Missing {
                column: condition.column.clone(),
                closest: closest(&condition.column, table.schema().names()).map(str::to_owned),
            })?;
            rows = rows.and(&condition.rows(column)?);
        }
        Ok(rows)
    }
}

impl ClassRules {
    /// The rows at which any rule holds.
    ///
    /// # Errors
    /// As [`Rule::rows`].
    pub fn rows(&self, table: &Table) -> Result<RowSet, PredictError> {
        self.rules.iter().try_fold(RowSet::empty(table.n_rows()), |all, rule| Ok(all.or(&rule.rows(table)?)))
    }
}

impl Decision {
    /// For each class in the order of decision the rows that are given to it; rows of none get the default.
    ///
    /// # Errors
    /// As [`Rule::rows`].
    pub fn predict(&self, table: &Table) -> Result<Vec<RowSet>, PredictError> {
        let mut taken = RowSet::empty(table.n_rows());
        let mut given = Vec::with_capacity(self.classes.len());
        for class in &self.classes {
            let rows = class.rows(table)?.minus(&taken);
            taken = taken.or(&rows);
            given.push(rows);
        }
        Ok(given)
    }

    /// The columns that are asked about, each once, in the order of first use.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for literal in self.classes.iter().flat_map(|class| &class.rules).flat_map(|rule| &rule.conditions) {
            if !names.contains(&literal.column.as_str()) {
                names.push(&literal.column);
            }
        }
        names
    }
}
