//! Apache Parquet: only the wanted columns are decoded, a batch of rows at a time.

use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::error::{ReadError, guarded};
use super::{ReadBatches, Wanted, arrow};
use crate::table::{Schema, Table};

/// Reads a Parquet file that lies in memory or is mapped.
pub struct ParquetReader {
    batches: ParquetRecordBatchReader,
    names: Vec<String>,
    schema: Arc<Schema>,
    n_rows: u64,
}

impl ParquetReader {
    /// Reads the footer.
    ///
    /// # Errors
    /// When it is no Parquet file, a wanted column is absent, or its type is neither numbers nor text.
    pub fn new(bytes: Bytes, wanted: &Wanted) -> Result<Self, ReadError> {
        guarded("Parquet", || Self::open(bytes, wanted))
    }

    fn open(bytes: Bytes, wanted: &Wanted) -> Result<Self, ReadError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
        let (names, taken, schema) = arrow::wanted_schema(builder.schema(), wanted)?;
        let n_rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let mask = ProjectionMask::roots(builder.parquet_schema(), taken);
        let batches = builder.with_projection(mask).with_batch_size(wanted.batch_rows).build()?;
        Ok(Self { batches, names, schema: Arc::new(schema), n_rows })
    }

    /// How many rows the footer promises.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }
}

impl ReadBatches for ParquetReader {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn all_names(&self) -> &[String] {
        &self.names
    }

    fn next_batch(&mut self) -> Result<Option<Table>, ReadError> {
        guarded("Parquet", || match self.batches.next() {
            None => Ok(None),
            Some(batch) => arrow::table(&batch?, &self.schema).map(Some),
        })
    }
}
