//! Arrow IPC of numbers, file form, with metadata in the schema.

use std::io::Write;

use arrow_ipc::writer::FileWriter;
use arrow_schema::SchemaRef;

use super::{Heading, WriteBatches, WriteError, arrow_schema, record_batch};

/// Writes an Arrow file to a sink.
pub struct IpcWriter<W: Write> {
    out: FileWriter<W>,
    schema: SchemaRef,
    headings: Vec<Heading>,
}

impl<W: Write> IpcWriter<W> {
    /// Writes the schema.
    ///
    /// # Errors
    /// When the sink does not take it.
    pub fn new(out: W, headings: Vec<Heading>, metadata: &[(String, String)]) -> Result<Self, WriteError> {
        let schema = arrow_schema(&headings, metadata);
        Ok(Self { out: FileWriter::try_new(out, &schema)?, schema, headings })
    }
}

impl<W: Write> WriteBatches for IpcWriter<W> {
    fn write(&mut self, columns: &[Vec<f64>]) -> Result<(), WriteError> {
        Ok(self.out.write(&record_batch(&self.schema, &self.headings, columns)?)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        Ok(self.out.finish()?)
    }
}

/// A whole Arrow file in memory.
///
/// # Errors
/// When the columns differ in length.
pub fn to_bytes(
    names: &[String],
    columns: &[Vec<f64>],
    metadata: &[(String, String)],
) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::new();
    let mut writer = Box::new(IpcWriter::new(&mut bytes, Heading::numbers(names), metadata)?);
    writer.write(columns)?;
    writer.finish()?;
    Ok(bytes)
}
