//! Comma-separated values: header, quoted fields, any of four separators, types inferred.
//!
//! RFC 4180 with the usual freedoms: `\n` or `\r\n`, a byte order mark, `;` tab or `|` as separator.
//! Numbers and the spellings of missing values are trimmed before they are compared; text is kept as it
//! stands.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use csv::StringRecord;

use super::error::ReadError;
use super::infer::{ColumnBuilder, Narrowest};
use super::lines::BoundedLines;
use super::{ReadBatches, ReadOptions, positions};
use crate::table::{Field, Schema, Table};

/// Reads a CSV by batches. Lines in errors count from 1, the header included.
pub struct CsvReader<R: Read> {
    records: csv::Reader<BufReader<BoundedLines<R>>>,
    names: Vec<String>,
    /// Positions in the file of the selected columns.
    taken: Vec<usize>,
    schema: Arc<Schema>,
    /// For each selected column, texts that are values whatever they spell.
    kept: Vec<HashSet<String>>,
    sample: Sample,
    options: ReadOptions,
}

/// The rows from which types were inferred, until they are told: one text, so that they cost little more than the file.
struct Sample {
    text: String,
    /// Where each row begins in the text, and its line in the file.
    rows: Vec<(usize, u64)>,
    /// Where each cell ends, from the beginning of its row.
    ends: Vec<u32>,
    width: usize,
    /// Rows that were told.
    told: usize,
}

impl Sample {
    fn push(&mut self, record: &StringRecord) -> Result<(), ReadError> {
        self.rows.push((self.text.len(), line_of(record)));
        self.text.push_str(record.as_slice());
        for at in 0..self.width {
            let end = record.range(at).map_or(0, |range| range.end);
            let too_long =
                |_| ReadError::Io(std::io::Error::other("a row of more than 4 GiB; is it a table?"));
            self.ends.push(u32::try_from(end).map_err(too_long)?);
        }
        Ok(())
    }

    fn cell(&self, row: usize, at: usize) -> &str {
        let ends = &self.ends[row * self.width..];
        let begin = if at == 0 { 0 } else { ends[at - 1] as usize };
        let start = self.rows[row].0;
        &self.text[start + begin..start + ends[at] as usize]
    }
}

fn line_of(record: &StringRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

impl<R: Read> CsvReader<R> {
    /// Reads the header and the first batch, from which the types are inferred.
    ///
    /// # Errors
    /// When there is no header, a name appears twice, or a row is ragged.
    pub fn new(bytes: R, options: ReadOptions) -> Result<Self, ReadError> {
        let mut bytes = BufReader::with_capacity(1 << 16, BoundedLines::new(bytes));
        let head = bytes.fill_buf()?;
        let bom = head.starts_with(b"\xef\xbb\xbf");
        let delimiter = options.delimiter.unwrap_or_else(|| separator(head));
        if bom {
            bytes.consume(3);
        }
        let mut records = csv::ReaderBuilder::new()
            .has_headers(options.header)
            .delimiter(delimiter)
            .flexible(false)
            .from_reader(bytes);
        let names = column_names(&mut records, options.header)?;
        let width = names.len();
        let mut sample = Sample { text: String::new(), rows: Vec::new(), ends: Vec::new(), width, told: 0 };
        let mut record = StringRecord::new();
        let digits_are_values = options.digits_are_values();
        let mut kinds = vec![Narrowest::default(); width];
        while sample.rows.len() < options.batch_rows && records.read_record(&mut record).map_err(csv_error)? {
            for (kind, text) in kinds.iter_mut().zip(&record) {
                kind.see(cell(text, &options, digits_are_values).map(trimmed));
            }
            sample.push(&record)?;
        }
        let fields =
            names.iter().zip(&kinds).map(|(name, kind)| Field { name: name.clone(), kind: kind.kind() });
        let schema = Arc::new(Schema { fields: fields.collect() });
        let taken = (0..names.len()).collect();
        let kept = vec![HashSet::new(); names.len()];
        Ok(Self { records, names, taken, schema, kept, sample, options })
    }
}

/// The cell, or `None` where it spells a missing value.
fn cell<'a>(text: &'a str, options: &ReadOptions, digits_are_values: bool) -> Option<&'a str> {
    (digits_are_values && is_digit(text) || !options.is_missing(text.trim())).then_some(text)
}

/// The most frequent cell of all, in tables of 0 and 1.
#[inline]
fn is_digit(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'9'])
}

/// Without blanks around it.
#[inline]
fn trimmed(text: &str) -> &str {
    if is_digit(text) { text } else { text.trim() }
}

/// The candidate that appears most often in the first line, outside quotes.
#[must_use]
pub fn separator(head: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for &byte in head.iter().take_while(|&&b| b != b'\n') {
        quoted ^= byte == b'"';
        if let Some(entry) = counts.iter_mut().find(|(candidate, _)| *candidate == byte && !quoted) {
            entry.1 += 1;
        }
    }
    // `max_by_key` takes the last of equals; reversed, the comma wins a tie.
    counts.iter().rev().max_by_key(|(_, n)| *n).map_or(b',', |&(byte, _)| byte)
}

fn column_names<R: Read>(records: &mut csv::Reader<R>, header: bool) -> Result<Vec<String>, ReadError> {
    let first = records.headers().map_err(csv_error)?;
    if first.is_empty() || (first.len() == 1 && first[0].is_empty()) {
        return Err(ReadError::Empty);
    }
    let names: Vec<String> = if header {
        first.iter().map(|name| name.trim().to_owned()).collect()
    } else {
        (0..first.len()).map(|at| format!("f{at}")).collect()
    };
    check_distinct(&names)?;
    Ok(names)
}

pub(super) fn check_distinct(names: &[String]) -> Result<(), ReadError> {
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(ReadError::DuplicateColumn { name: name.clone() }),
        None => Ok(()),
    }
}

impl<R: Read> ReadBatches for CsvReader<R> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn all_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[Field]) -> Result<(), ReadError> {
        self.taken = positions(columns, &self.names)?;
        self.kept = vec![HashSet::new(); columns.len()];
        self.schema = Arc::new(Schema { fields: columns.to_vec() });
        Ok(())
    }

    fn keep_texts(&mut self, column: usize, texts: &[String]) {
        if let Some(kept) = self.kept.get_mut(column) {
            kept.extend(texts.iter().cloned());
        }
    }

    fn next_batch(&mut self) -> Result<Option<Table>, ReadError> {
        let fields = &self.schema.fields;
        let mut builders: Vec<ColumnBuilder> =
            fields.iter().map(|field| ColumnBuilder::new(field.kind, self.options.batch_rows)).collect();
        let digits_are_values = self.options.digits_are_values();
        let mut n_rows = 0;
        let mut record = StringRecord::new();
        while n_rows < self.options.batch_rows {
            let sampled = Some(self.sample.told).filter(|&row| row < self.sample.rows.len());
            let line = match sampled {
                Some(row) => self.sample.rows[row].1,
                None if self.records.read_record(&mut record).map_err(csv_error)? => line_of(&record),
                None => break,
            };
            for (((builder, &at), field), kept) in
                builders.iter_mut().zip(&self.taken).zip(fields).zip(&self.kept)
            {
                let raw = sampled.map_or_else(|| &record[at], |row| self.sample.cell(row, at));
                let is_kept = !kept.is_empty() && kept.contains(raw);
                let mut text = if is_kept { Some(raw) } else { cell(raw, &self.options, digits_are_values) };
                if field.kind.is_number() {
                    text = text.map(trimmed);
                }
                builder.push(text, line, &field.name)?;
            }
            n_rows += 1;
            self.sample.told += usize::from(sampled.is_some());
        }
        if self.sample.told == self.sample.rows.len() {
            (self.sample.text, self.sample.ends) = (String::new(), Vec::new());
        }
        if n_rows == 0 {
            return Ok(None);
        }
        let columns = builders.into_iter().map(ColumnBuilder::finish).collect();
        Ok(Table::new(Arc::clone(&self.schema), columns, n_rows))
    }
}

fn csv_error(error: csv::Error) -> ReadError {
    let line_of = |pos: &Option<csv::Position>| pos.as_ref().map_or(0, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(io) => ReadError::Io(io),
        csv::ErrorKind::Utf8 { pos, .. } => ReadError::NotUtf8 { line: line_of(&pos) },
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            ReadError::Ragged { line: line_of(&pos), found: len as usize, expected: expected_len as usize }
        }
        other => ReadError::Io(std::io::Error::other(format!("{other:?}"))),
    }
}
