//! CSV of numbers: a header, then the shortest decimals that read back unchanged; NaN is an empty cell.

use std::io::Write;

use super::{Heading, WriteBatches, WriteError, shortest};

/// Writes CSV to a sink.
pub struct CsvWriter<W: Write> {
    out: csv::Writer<W>,
    headings: Vec<Heading>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When the sink does not take it.
    pub fn new(out: W, headings: Vec<Heading>) -> Result<Self, WriteError> {
        let mut out = csv::Writer::from_writer(out);
        out.write_record(headings.iter().map(|heading| &heading.name)).map_err(std::io::Error::other)?;
        Ok(Self { out, headings })
    }
}

impl<W: Write> WriteBatches for CsvWriter<W> {
    fn write(&mut self, columns: &[Vec<f64>]) -> Result<(), WriteError> {
        for row in 0..columns.first().map_or(0, Vec::len) {
            let cell = |(heading, column): (&Heading, &Vec<f64>)| match (&heading.words, column[row]) {
                (Some(words), x) => Heading::word(words, x).unwrap_or_default().to_owned(),
                (None, x) if x.is_nan() => String::new(),
                (None, x) => shortest(x),
            };
            let cells = self.headings.iter().zip(columns).map(cell);
            self.out.write_record(cells).map_err(io_error)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        Ok(self.out.flush()?)
    }
}

/// Keeps the kind of an I/O error, so that a closed pipe is still known as one.
fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(io) => io,
        other => std::io::Error::other(format!("{other:?}")),
    }
}
