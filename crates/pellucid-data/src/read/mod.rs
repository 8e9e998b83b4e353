//! How do bytes become a table? One reader a format, all of them by batches.
//!
//! A reader holds one batch at a time, so that memory does not grow with the file. Types are inferred
//! from the first batch where the format has none (CSV, JSON lines); [`ReadBatches::select`] overrules
//! that for columns whose kind the caller knows, for instance from a model.

#[cfg(feature = "arrow")]
mod arrow;
mod csv;
mod error;
mod infer;
#[cfg(feature = "arrow")]
mod ipc;
mod jsonl;
mod lines;
#[cfg(feature = "arrow")]
mod parquet;

pub use self::csv::{CsvReader, separator};
pub use self::error::ReadError;
#[cfg(feature = "arrow")]
pub use self::ipc::ArrowReader;
pub use self::jsonl::JsonLinesReader;
#[cfg(feature = "arrow")]
pub use self::parquet::ParquetReader;
use crate::table::{Field, Schema, Table};
use std::collections::HashMap;

/// How text is read, where a format is text.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Spellings of a missing value in CSV and JSON text, compared after trimming.
    pub missing: Vec<String>,
    /// Whether the first row of a CSV holds names. Without it columns are `f0`, `f1`, ...
    pub header: bool,
    /// The separator of a CSV; `None` finds it in the first line among `,` `;` tab and `|`.
    pub delimiter: Option<u8>,
    /// Rows a batch.
    pub batch_rows: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        let missing = ["", "NA", "N/A", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None", "<NA>"];
        Self {
            missing: missing.map(str::to_owned).to_vec(),
            header: true,
            delimiter: None,
            batch_rows: 16_384,
        }
    }
}

impl ReadOptions {
    fn is_missing(&self, text: &str) -> bool {
        self.missing.iter().any(|token| token == text)
    }

    /// Whether a cell of one digit is a value without looking further.
    fn digits_are_values(&self) -> bool {
        !self.missing.iter().any(|token| matches!(token.as_bytes(), [b'0'..=b'9']))
    }
}

/// One of several parts of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 0.
    pub at: usize,
    /// Of how many.
    pub of: usize,
}

/// A table that arrives in batches.
pub trait ReadBatches {
    /// The columns of every batch: all of the file's, or those that were selected.
    fn schema(&self) -> &Schema;

    /// The names of all columns of the file, in the file's order.
    fn all_names(&self) -> &[String];

    /// From the next batch on reads only these columns, as these kinds. A column that is not selected is
    /// not parsed, so that what stands in it can't be an error. Formats with types of their own keep them.
    ///
    /// # Errors
    /// When a column is absent, or of a type that can't be read.
    fn select(&mut self, columns: &[Field]) -> Result<(), ReadError>;

    /// Texts of a selected column (by its place in the selection) that are values, although they may spell a missing one
    /// elsewhere: a model that knows a category `NA` means it. Formats with types of their own need none.
    fn keep_texts(&mut self, _column: usize, _texts: &[String]) {}

    /// How many rows will be read, where the file says so.
    fn n_rows(&self) -> Option<u64> {
        None
    }

    /// Reads only one of so many parts from the next batch on, and answers how many rows stand before it. Parts are of whole
    /// row groups, as even as these are.
    ///
    /// # Errors
    /// When the format has no row groups, or fewer than there are parts.
    fn take_shard(&mut self, _shard: Shard) -> Result<u64, ReadError> {
        Err(ReadError::NoShards { found: 0 })
    }

    /// Begins, from the next batch on, with the row of this number, or before it where the format has no way there; answers how
    /// many rows stand before where it begins. What is left out is not converted. Of a part only its own rows are given: it begins with
    /// its first one where the number is of a row before, and has none where it is of one behind. It never goes back.
    ///
    /// # Errors
    /// When bytes on the way are not what the format says.
    fn skip_to(&mut self, _row: u64) -> Result<u64, ReadError> {
        Ok(0)
    }

    /// What the file says of itself beside its columns.
    fn notes(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// The next batch; `None` after the last one.
    ///
    /// # Errors
    /// When the bytes are not what the format says, or a value does not fit its column.
    fn next_batch(&mut self) -> Result<Option<Table>, ReadError>;
}

/// Where each selected column stands among all of them.
///
/// # Errors
/// When a column is absent.
pub fn positions(columns: &[Field], names: &[String]) -> Result<Vec<usize>, ReadError> {
    // The first of equal names; there are tables with a hundred thousand columns.
    let known: HashMap<&str, usize> =
        names.iter().enumerate().rev().map(|(at, name)| (name.as_str(), at)).collect();
    let find = |field: &Field| {
        known.get(field.name.as_str()).copied().ok_or_else(|| ReadError::Absent {
            name: field.name.clone(),
            closest: crate::closest(&field.name, names.iter().map(String::as_str)).map(str::to_owned),
            names: names.to_vec(),
        })
    };
    columns.iter().map(find).collect()
}

/// The formats that can be told from the first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sniffed {
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, file form (Feather version 2).
    ArrowFile,
    /// Arrow IPC, stream form.
    ArrowStream,
    /// A gzip stream: look inside.
    Gzip,
    /// A Zstandard stream: look inside.
    Zstd,
    /// A JSON object a line.
    JsonLines,
    /// None of the above: text, read as CSV.
    Text,
}

/// Tells the format from the first bytes of a file (16 are enough).
#[must_use]
pub fn sniff(head: &[u8]) -> Sniffed {
    let first = head.iter().copied().find(|b| !b.is_ascii_whitespace());
    match head {
        [b'P', b'A', b'R', b'1', ..] => Sniffed::Parquet,
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Sniffed::ArrowFile,
        [0xff, 0xff, 0xff, 0xff, ..] => Sniffed::ArrowStream,
        [0x1f, 0x8b, ..] => Sniffed::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Sniffed::Zstd,
        // A list of objects is sent there too, for an error that says what is expected.
        _ if first == Some(b'{') || opens_list(head) => Sniffed::JsonLines,
        _ => Sniffed::Text,
    }
}

fn opens_list(head: &[u8]) -> bool {
    let mut marks = head.iter().filter(|b| !b.is_ascii_whitespace());
    marks.next() == Some(&b'[') && marks.next() == Some(&b'{')
}

#[cfg(test)]
mod tests;
