//! Are all rows there at once? Rules are searched over a whole table, whatever batches it came in.

use std::collections::HashMap;
use std::sync::Arc;

use pellucid_data::read::{ReadBatches, ReadError};
use pellucid_data::table::{Categories, Column, Field};
use pellucid_data::{Schema, Table, Watch};

/// Why there is no whole table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WholeError {
    /// A batch can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nothing in it.
    #[error("it has no rows")]
    NoRows,
    /// A reader changed its columns.
    #[error("batches of different columns")]
    Batches,
    /// A column of another length.
    #[error("`{name}` has {found} values, the data {wanted} rows")]
    Length {
        /// The column.
        name: String,
        /// Its values.
        found: usize,
        /// Rows of the table.
        wanted: usize,
    },
    /// A column that is there already.
    #[error("the data has a column `{name}` already")]
    Twice {
        /// The column.
        name: String,
    },
    /// The caller asked to stop.
    #[error("stopped while the data was read")]
    Stopped,
}

/// A whole table in memory.
///
/// # Errors
/// When a batch can't be read, there is no row, or `watch` asked to stop.
pub fn whole(reader: &mut dyn ReadBatches, watch: &dyn Watch) -> Result<Table, WholeError> {
    let schema = Arc::new(reader.schema().clone());
    let mut columns: Vec<Growing> = Vec::new();
    let mut n_rows = 0;
    while let Some(batch) = reader.next_batch()? {
        if watch.should_stop() {
            return Err(WholeError::Stopped);
        }
        n_rows += batch.n_rows();
        if columns.is_empty() {
            columns = batch.into_columns().into_iter().map(Growing::of).collect();
            continue;
        }
        columns.iter_mut().zip(batch.columns()).for_each(|(all, part)| all.append(part));
    }
    if n_rows == 0 {
        return Err(WholeError::NoRows);
    }
    let columns = columns.into_iter().map(|all| all.column).collect();
    Table::new(schema, columns, n_rows).ok_or(WholeError::Batches)
}

/// A column that grows batch by batch. Every batch has texts of its own.
struct Growing {
    column: Column,
    /// The codes of the texts so far, once there is a second batch: a search through all of them would take their square in time.
    codes: HashMap<String, u32>,
}

impl Growing {
    fn of(column: Column) -> Self {
        Self { column, codes: HashMap::new() }
    }

    fn append(&mut self, part: &Column) {
        match (&mut self.column, part) {
            (Column::Number(all), Column::Number(part)) => all.extend(part),
            (Column::Category(all), Column::Category(part)) => {
                if self.codes.is_empty() {
                    self.codes = all.levels.iter().cloned().zip(0..).collect();
                }
                let levels = Arc::make_mut(&mut all.levels);
                let code = |level: &String| {
                    *self.codes.entry(level.clone()).or_insert_with(|| {
                        levels.push(level.clone());
                        (levels.len() - 1) as u32
                    })
                };
                let codes: Vec<u32> = part.levels.iter().map(code).collect();
                all.codes.extend(
                    part.codes.iter().map(|&c| codes.get(c as usize).copied().unwrap_or(Categories::MISSING)),
                );
            }
            // A reader keeps the kinds of its schema.
            _ => {}
        }
    }
}

/// The table with one more column, at the end.
///
/// # Errors
/// When the column has another length, or there is one of that name.
pub fn with_column(table: Table, field: Field, column: Column) -> Result<Table, WholeError> {
    let (name, wanted) = (field.name.clone(), table.n_rows());
    if column.len() != wanted {
        return Err(WholeError::Length { name, found: column.len(), wanted });
    }
    if table.schema().position(&name).is_some() {
        return Err(WholeError::Twice { name });
    }
    let mut fields = table.schema().fields.clone();
    fields.push(field);
    let mut columns = table.into_columns();
    columns.push(column);
    Table::new(Arc::new(Schema { fields }), columns, wanted).ok_or(WholeError::Batches)
}
