//! How is a table read that may not fit? Rows are handed on while they take no more than so many bytes; those after them are counted and
//! dropped.

use std::sync::Arc;

use pellucid::data::read::{ReadBatches, ReadError};
use pellucid::data::table::Categories;
use pellucid::data::{Column, Field, Kind, Schema, Table, Watch as _};

use crate::jobs::Job;

/// Bytes of a row without its texts, which are held once each.
pub(crate) fn bytes_a_row(schema: &Schema) -> usize {
    let of = |field: &Field| match field.kind {
        Kind::Category => size_of::<u32>(),
        Kind::Other => 0,
        _ => size_of::<f64>(),
    };
    schema.fields.iter().map(of).sum()
}

/// Bytes of a part of a table. A text that stands in several parts is counted in each.
fn bytes(batch: &Table) -> usize {
    let texts = |column: &Column| match column {
        Column::Number(_) => 0,
        Column::Category(of) => of.levels.iter().map(|text| size_of::<String>() + text.len()).sum::<usize>(),
    };
    let texts: usize = batch.columns().iter().map(texts).sum();
    texts.saturating_add(batch.n_rows().saturating_mul(bytes_a_row(batch.schema())))
}

/// A reader that hands on so many bytes.
pub(crate) struct Bounded<'a> {
    reader: Box<dyn ReadBatches>,
    most: usize,
    /// Rows that were there.
    pub(crate) n_read: u64,
    /// Bytes that all of them would take.
    pub(crate) n_bytes: usize,
    job: &'a Job,
}

impl<'a> Bounded<'a> {
    pub(crate) fn new(reader: Box<dyn ReadBatches>, most: usize, job: &'a Job) -> Self {
        Self { reader, most, n_read: 0, n_bytes: 0, job }
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
        self.n_bytes = self.n_bytes.saturating_add(bytes(&batch));
        if self.n_bytes <= self.most {
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
