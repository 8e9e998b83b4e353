//! How do numbers leave? Named columns of `f64`, batch by batch, in four formats. A column may hold numbers of words instead.

pub mod csv;
#[cfg(feature = "arrow")]
pub mod ipc;
pub mod jsonl;
#[cfg(feature = "arrow")]
pub mod parquet;

use std::sync::Arc;

#[cfg(feature = "arrow")]
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
#[cfg(feature = "arrow")]
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The sink refused bytes.
    #[error("writing stopped: {0}")]
    Io(#[from] std::io::Error),
    #[cfg(feature = "arrow")]
    /// Parquet refused a batch.
    #[error("writing Parquet failed: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    #[cfg(feature = "arrow")]
    /// Arrow refused a batch.
    #[error("writing Arrow failed: {0}")]
    Arrow(#[from] ArrowError),
}

/// A column that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Heading {
    /// Its name.
    pub name: String,
    /// Where it holds text: the words that its numbers, from 0, stand for.
    pub words: Option<Arc<Vec<String>>>,
}

impl Heading {
    /// Columns of numbers.
    #[must_use]
    pub fn numbers(names: &[String]) -> Vec<Self> {
        names.iter().map(|name| Self { name: name.clone(), words: None }).collect()
    }

    /// The word of a number; `None` of NaN, and where there is no such word.
    fn word(words: &[String], x: f64) -> Option<&str> {
        if x >= 0.0 { words.get(x as usize).map(String::as_str) } else { None }
    }
}

/// A sink for batches of named columns. `finish` must be called: a file without it is cut short.
pub trait WriteBatches {
    /// Appends rows: one slice a column, all of equal length.
    ///
    /// # Errors
    /// When the sink does not take them.
    fn write(&mut self, columns: &[Vec<f64>]) -> Result<(), WriteError>;

    /// Writes what must stand at the end.
    ///
    /// # Errors
    /// When the sink does not take it.
    fn finish(self: Box<Self>) -> Result<(), WriteError>;
}

/// Gathers rows into batches of one size, so that what is written does not depend on how rows came.
pub struct Regular<W> {
    inner: Box<W>,
    pending: Vec<Vec<f64>>,
    rows: usize,
}

impl<W: WriteBatches> Regular<W> {
    /// Batches of about eight megabytes for so many columns.
    pub fn new(inner: W, n_columns: usize) -> Self {
        let rows = ((8 << 20) / (8 * n_columns.max(1))).clamp(16, 16_384);
        Self { inner: Box::new(inner), pending: vec![Vec::new(); n_columns], rows }
    }
}

impl<W: WriteBatches> WriteBatches for Regular<W> {
    fn write(&mut self, columns: &[Vec<f64>]) -> Result<(), WriteError> {
        self.pending.iter_mut().zip(columns).for_each(|(pending, column)| pending.extend(column));
        while self.pending.first().is_some_and(|column| column.len() >= self.rows) {
            let batch: Vec<Vec<f64>> =
                self.pending.iter_mut().map(|column| column.drain(..self.rows).collect()).collect();
            self.inner.write(&batch)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        if self.pending.first().is_some_and(|column| !column.is_empty()) {
            self.inner.write(&self.pending)?;
        }
        self.inner.finish()
    }
}

#[cfg(feature = "arrow")]
fn arrow_schema(columns: &[Heading], metadata: &[(String, String)]) -> SchemaRef {
    let field = |column: &Heading| match column.words {
        None => Field::new(&column.name, DataType::Float64, false),
        Some(_) => Field::new(&column.name, DataType::Utf8, true),
    };
    let fields: Vec<Field> = columns.iter().map(field).collect();
    Arc::new(Schema::new(fields).with_metadata(metadata.iter().cloned().collect()))
}

#[cfg(feature = "arrow")]
fn record_batch(
    schema: &SchemaRef,
    headings: &[Heading],
    columns: &[Vec<f64>],
) -> Result<RecordBatch, ArrowError> {
    let array = |(heading, values): (&Heading, &Vec<f64>)| match &heading.words {
        None => Arc::new(Float64Array::from(values.clone())) as ArrayRef,
        Some(words) => Arc::new(values.iter().map(|&x| Heading::word(words, x)).collect::<StringArray>()),
    };
    let arrays = headings.iter().zip(columns).map(array).collect();
    RecordBatch::try_new(Arc::clone(schema), arrays)
}

/// The shortest decimal that reads back as the same number; an exponent where it would be long.
#[must_use]
pub fn shortest(x: f64) -> String {
    let size = x.abs();
    if x != 0.0 && x.is_finite() && !(1e-5..1e17).contains(&size) { format!("{x:e}") } else { x.to_string() }
}
