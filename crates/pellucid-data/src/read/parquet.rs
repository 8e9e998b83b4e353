//! Apache Parquet: only the wanted columns are decoded, a batch of rows at a time.

use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use super::error::{ReadError, guarded};
use super::{ReadBatches, ReadOptions, Shard, arrow};
use crate::table::{Field, Schema, Table};

/// Reads a Parquet file that lies in memory or is mapped.
pub struct ParquetReader {
    bytes: Bytes,
    metadata: ArrowReaderMetadata,
    batch_rows: usize,
    /// Opened at the first batch, when it is known which columns are wanted.
    batches: Option<ParquetRecordBatchReader>,
    names: Vec<String>,
    all: Arc<Schema>,
    taken: Vec<usize>,
    schema: Arc<Schema>,
    /// The row groups that are read.
    groups: std::ops::Range<usize>,
    /// Rows at the beginning of these groups that are left out.
    offset: usize,
}

impl ParquetReader {
    /// Reads the footer.
    ///
    /// # Errors
    /// When it is no Parquet file.
    pub fn new(bytes: Bytes, options: &ReadOptions) -> Result<Self, ReadError> {
        guarded("Parquet", || {
            let metadata = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new())?;
            let all = Arc::new(arrow::schema_of(metadata.schema())?);
            let names: Vec<String> = all.names().map(str::to_owned).collect();
            let taken = (0..names.len()).collect();
            let (schema, batch_rows) = (Arc::clone(&all), options.batch_rows);
            let groups = 0..metadata.metadata().num_row_groups();
            Ok(Self {
                bytes,
                metadata,
                batch_rows,
                batches: None,
                names,
                all,
                taken,
                schema,
                groups,
                offset: 0,
            })
        })
    }

    fn open(&self) -> Result<ParquetRecordBatchReader, ReadError> {
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.bytes.clone(), self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), self.taken.iter().copied());
        let builder = builder.with_row_groups(self.groups.clone().collect()).with_offset(self.offset);
        Ok(builder.with_projection(mask).with_batch_size(self.batch_rows).build()?)
    }

    fn rows_of(&self, groups: std::ops::Range<usize>) -> u64 {
        let groups = &self.metadata.metadata().row_groups()[groups];
        // What a damaged file says may add up to more than there can be.
        let rows = groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0));
        rows.fold(0, u64::saturating_add)
    }

    fn read(&mut self) -> Result<Option<Table>, ReadError> {
        let batches = match &mut self.batches {
            Some(batches) => batches,
            None => {
                let opened = self.open()?;
                self.batches.insert(opened)
            }
        };
        let Some(batch) = batches.next() else { return Ok(None) };
        // Parquet gives projected columns in the file's order, whatever order was asked for.
        let mut order: Vec<usize> = (0..self.taken.len()).collect();
        order.sort_by_key(|&at| self.taken[at]);
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, &wanted)| place[wanted] = at);
        arrow::table(&batch?.project(&place)?, &self.schema).map(Some)
    }
}

impl ReadBatches for ParquetReader {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn all_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[Field]) -> Result<(), ReadError> {
        let (taken, schema) = arrow::select(&self.all, columns)?;
        (self.taken, self.schema, self.batches) = (taken, Arc::new(schema), None);
        Ok(())
    }

    fn n_rows(&self) -> Option<u64> {
        Some(self.rows_of(self.groups.clone()))
    }

    fn take_shard(&mut self, shard: Shard) -> Result<u64, ReadError> {
        let n = self.metadata.metadata().num_row_groups();
        if shard.of > n || shard.at >= shard.of {
            return Err(ReadError::NoShards { found: n });
        }
        (self.groups, self.batches) = (shard.at * n / shard.of..(shard.at + 1) * n / shard.of, None);
        self.offset = 0;
        Ok(self.rows_of(0..self.groups.start))
    }

    fn skip_to(&mut self, row: u64) -> Result<u64, ReadError> {
        let end = self.groups.end;
        let (mut first, mut before) = (self.groups.start, self.rows_of(0..self.groups.start));
        while first < end {
            let next = before.saturating_add(self.rows_of(first..first + 1));
            if next > row {
                break;
            }
            (before, first) = (next, first + 1);
        }
        let inside = if first < end { row.saturating_sub(before) } else { 0 };
        (self.groups, self.batches) = (first..end, None);
        self.offset = usize::try_from(inside).unwrap_or(usize::MAX);
        Ok(before + inside)
    }

    fn notes(&self) -> Vec<(String, String)> {
        let all = self.metadata.schema().metadata();
        let mut notes: Vec<(String, String)> =
            all.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        notes.sort();
        notes
    }

    fn next_batch(&mut self) -> Result<Option<Table>, ReadError> {
        guarded("Parquet", || self.read())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::arrow_array::{Float64Array, RecordBatch};
    use ::parquet::arrow::ArrowWriter;
    use ::parquet::file::properties::WriterProperties;

    use super::*;
    use crate::table::Column;

    /// So many rows, each its own number, in groups of seven.
    fn written(n: usize) -> Bytes {
        let column: ::arrow_array::ArrayRef =
            Arc::new(Float64Array::from_iter_values((0..n).map(|row| row as f64)));
        let batch = RecordBatch::try_from_iter([("row", column)]).unwrap();
        let groups = WriterProperties::builder().set_max_row_group_row_count(Some(7)).build();
        let mut out = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut out, batch.schema(), Some(groups)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        out.into()
    }

    fn rest_of(reader: &mut ParquetReader) -> Vec<f64> {
        let mut rest = Vec::new();
        while let Some(batch) = reader.next_batch().unwrap() {
            let [Column::Number(own)] = batch.columns() else { panic!("one column") };
            rest.extend(own.iter().copied());
        }
        rest
    }

    #[test]
    fn of_a_part_only_its_own_rows_are_skipped_to() {
        let bytes = written(40);
        // Groups of 7, 7, 7, 7, 7 and 5 rows; the second of three parts has rows 14 to 27.
        for row in 0..=41 {
            let mut reader = ParquetReader::new(bytes.clone(), &ReadOptions::default()).unwrap();
            assert_eq!(reader.take_shard(Shard { at: 1, of: 3 }).unwrap(), 14);
            let first = row.clamp(14, 28);
            assert_eq!(reader.skip_to(row).unwrap(), first);
            let wanted: Vec<f64> = (first..28).map(|row| row as f64).collect();
            assert_eq!(rest_of(&mut reader), wanted, "row {row}");
        }
    }

    #[test]
    fn whatever_row_is_skipped_to_the_next_are_those_from_there_on() {
        let bytes = written(40);
        for batch_rows in [1, 3, 64] {
            let options = ReadOptions { batch_rows, ..ReadOptions::default() };
            for row in 0..=41 {
                let mut reader = ParquetReader::new(bytes.clone(), &options).unwrap();
                assert_eq!(reader.skip_to(row).unwrap(), row.min(40));
                let rest = rest_of(&mut reader);
                let wanted: Vec<f64> = (row.min(40)..40).map(|row| row as f64).collect();
                assert_eq!(rest, wanted, "row {row}, {batch_rows} a batch");
            }
        }
    }
}
