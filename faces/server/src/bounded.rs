//! How is a table read that may not fit? Up to so many rows are handed on; those after them are counted and dropped.

use std::sync::Arc;

use pellucid::data::read::{ReadBatches, ReadError};
use pellucid::data::table::Categories;
use pellucid::data::{Column, Field, Schema, Table, Watch as _};

use crate::jobs::Job;

/// A reader that hands on so many rows.
pub(crate) struct Bounded<'a> {
    reader: Box<dyn ReadBatches>,
    most: usize,
    /// Rows that were there.
    pub(crate) n_read: u64,
    job: &'a Job,
}

impl<'a> Bounded<'a> {
    pub(crate) fn new(reader: Box<dyn ReadBatches>, most: usize, job: &'a Job) -> Self {
        Self { reader, most, n_read: 0, job }
    }
}

impl ReadBatches for Bounded<'_> {
    fn schema(&self) -> &Schema {
        self.reader.schema()
    }

    fn all_names(&self) -> &[String] {
        self.reader.all_names()
    }

    fn select(&mut self, columns: &[Field]) -> Result<(), ReadError> {
        self.reader.select(columns)
    }

    fn next_batch(&mut self) -> Result<Option<Table>, ReadError> {
        let Some(batch) = self.reader.next_batch()? else { return Ok(None) };
        self.n_read += batch.n_rows() as u64;
        self.job.advance(batch.n_rows());
        if self.n_read <= self.most as u64 {
            return Ok(Some(batch));
        }
        // Levels of text take memory too.
        let nothing = |column: &Column| match column {
            Column::Number(_) => Column::Number(Vec::new()),
            Column::Category(_) => {
                Column::Category(Categories { codes: Vec::new(), levels: Arc::new(Vec::new()) })
            }
        };
        let columns = batch.columns().iter().map(nothing).collect();
        Ok(Table::new(Arc::new(batch.schema().clone()), columns, 0))
    }
}
