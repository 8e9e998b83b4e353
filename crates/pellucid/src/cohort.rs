//! Which rows? Conditions on columns, as they stand in an address of the workbench (`where=age:>=:40`) and after `--where`.
//!
//! A condition is `column:test:value` with one of the tests `=`, `!=`, `<`, `<=`, `>`, `>=`, or `column:missing` and `column:known`. All of them must
//! hold; several `=` of one column mean any of their values. Where a value is missing, only `missing` holds.

mod condition;
#[cfg(test)]
mod tests;

use pellucid_data::read::ReadBatches;
use pellucid_data::table::Kind;
use pellucid_data::{Field, RowSet, Table, Watch};
use pellucid_learn::task::{WholeError, whole};

pub use condition::{Asks, Condition, Test, Than};

/// Conditions at a time, at most.
pub const MOST: usize = 64;

/// Why a condition can't be asked of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{written}: {text}")]
pub struct Refused {
    /// The condition, as it was written.
    pub written: String,
    /// What is wrong with it.
    pub text: String,
    /// Whether it is written rightly, of a column or a value that is not there.
    pub is_absent: bool,
}

/// Why no rows were chosen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CohortError {
    /// A condition can't be asked.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The table can't be read, or the caller asked to stop.
    #[error(transparent)]
    Read(#[from] WholeError),
}

fn too_many(written: &str) -> Refused {
    let text = format!("more than {MOST} conditions at a time");
    Refused { written: written.to_owned(), text, is_absent: false }
}

/// The rows for which conditions hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    conditions: Vec<Condition>,
}

impl Cohort {
    /// Conditions on a table.
    ///
    /// # Errors
    /// [`Refused`], for the first that can't be asked of it.
    pub fn read<'a>(written: impl IntoIterator<Item = &'a str>, table: &Table) -> Result<Self, Refused> {
        let mut conditions: Vec<Condition> = Vec::new();
        for text in written {
            if conditions.len() == MOST {
                return Err(too_many(text));
            }
            let condition = Condition::read(text, table)?;
            if !conditions.contains(&condition) {
                conditions.push(condition);
            }
        }
        Ok(Self { conditions })
    }

    /// The same conditions with the rows of a table that is read for them, and nothing else of it.
    ///
    /// # Errors
    /// [`CohortError`]
    pub fn of_reader(
        written: &[String],
        reader: &mut dyn ReadBatches,
        watch: &dyn Watch,
    ) -> Result<(Self, RowSet), CohortError> {
        // What can be refused without the rows is, before they are read.
        if let Some(text) = written.get(MOST) {
            return Err(too_many(text).into());
        }
        let schema = reader.schema().clone();
        let mut wanted = Vec::new();
        for text in written {
            let at = condition::column_of(text, &schema)?.0;
            if let Some(field) = schema.fields.get(at).filter(|field| field.kind == Kind::Other) {
                let why =
                    format!("{} holds neither numbers nor text, and nothing can be asked of it", field.name);
                return Err(Refused { written: text.clone(), text: why, is_absent: false }.into());
            }
            wanted.push(at);
        }
        wanted.sort_unstable();
        wanted.dedup();
        let fields: Vec<Field> = wanted.iter().filter_map(|&at| schema.fields.get(at)).cloned().collect();
        reader.select(&fields).map_err(WholeError::from)?;
        let table = whole(reader, watch)?;
        let cohort = Self::read(written.iter().map(String::as_str), &table)?;
        let rows = cohort.rows(&table);
        Ok((cohort, rows))
    }

    /// Whether every row is meant.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The conditions, none twice.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// One text for equal conditions, whatever their order was. (Levels may hold any letter, so that none could part them.)
    #[must_use]
    pub fn key(&self) -> String {
        let mut all: Vec<&str> = self.conditions.iter().map(|one| one.written.as_str()).collect();
        all.sort_unstable();
        all.iter().map(|one| format!("{}:{one}", one.len())).collect()
    }

    /// Conditions all of which must hold, each with those of which one is enough: several `=` of one column.
    #[must_use]
    pub fn groups(&self) -> Vec<Vec<&Condition>> {
        let mut groups: Vec<Vec<&Condition>> = Vec::new();
        for one in &self.conditions {
            let joins = |group: &&mut Vec<&Condition>| {
                group.iter().any(|own| own.is_choice() && own.column == one.column)
            };
            match groups.iter_mut().find(joins).filter(|_| one.is_choice()) {
                Some(group) => group.push(one),
                None => groups.push(vec![one]),
            }
        }
        groups
    }

    /// The rows of the table for which it holds.
    #[must_use]
    pub fn rows(&self, table: &Table) -> RowSet {
        let n = table.n_rows();
        let any = |group: Vec<&Condition>| {
            group.into_iter().fold(RowSet::empty(n), |all, one| all.or(&one.rows(table)))
        };
        self.groups().into_iter().fold(RowSet::full(n), |rows, group| rows.and(&any(group)))
    }

    /// "age is at least 40 and sex is Female"; nothing where every row is meant.
    #[must_use]
    pub fn words(&self) -> String {
        let any = |group: &Vec<&Condition>| {
            let words = group.iter().enumerate();
            let words = words.map(|(at, one)| if at == 0 { one.words() } else { one.said.clone() });
            words.collect::<Vec<_>>().join(" or ")
        };
        self.groups().iter().map(any).collect::<Vec<_>>().join(" and ")
    }

    /// What is said where no row is left.
    #[must_use]
    pub fn no_rows(&self) -> String {
        format!("there is no row where {}; take a condition away", self.words())
    }
}

/// Which rows of a batch are in a set, counted within the batch; `first` is the number of its first row.
#[must_use]
pub fn of_batch(rows: &RowSet, first: usize, n: usize) -> Vec<usize> {
    (0..n).filter(|row| first + row < rows.n_rows() && rows.contains(first + row)).collect()
}
