//! Parquet of numbers: Zstandard, one row group per million values or so, metadata in the footer.

use std::io::Write;

use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{Heading, WriteBatches, WriteError, arrow_schema, record_batch};

/// Writes Parquet to a sink.
pub struct ParquetWriter<W: Write + Send> {
    out: ArrowWriter<W>,
    schema: SchemaRef,
    headings: Vec<Heading>,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Opens the file with its schema and key-value metadata.
    ///
    /// # Errors
    /// When the sink does not take it.
    pub fn new(out: W, headings: Vec<Heading>, metadata: &[(String, String)]) -> Result<Self, WriteError> {
        let schema = arrow_schema(&headings, metadata);
        // Contributions hardly repeat, so a dictionary would only be built to be thrown away.
        let rows = (4_000_000 / headings.len().max(1)).clamp(64, 1_000_000);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_dictionary_enabled(false)
            .set_max_row_group_row_count(Some(rows))
            .build();
        let out = ArrowWriter::try_new(out, std::sync::Arc::clone(&schema), Some(properties))?;
        Ok(Self { out, schema, headings })
    }
}

impl<W: Write + Send> WriteBatches for ParquetWriter<W> {
    fn write(&mut self, columns: &[Vec<f64>]) -> Result<(), WriteError> {
        Ok(self.out.write(&record_batch(&self.schema, &self.headings, columns)?)?)
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        self.out.close()?;
        Ok(())
    }
}

/// A whole Parquet file in memory.
///
/// # Errors
/// When the columns differ in length.
pub fn to_bytes(
    names: &[String],
    columns: &[Vec<f64>],
    metadata: &[(String, String)],
) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::new();
    let mut writer = Box::new(ParquetWriter::new(&mut bytes, Heading::numbers(names), metadata)?);
    writer.write(columns)?;
    writer.finish()?;
    Ok(bytes)
}
