//! Arrow: IPC in its file form (Feather version 2) and stream form, and batches that are in memory already.
//!
//! The Arrow library believes the lengths that a file states and takes the memory before it reads. So
//! every stated length is checked against the bytes that are there first.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;

use super::error::{ReadError, guarded};
use super::{ReadBatches, arrow};
use crate::table::{Field, Schema, Table};

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>;

/// Rows of a batch that are converted at a time: some libraries hand over a whole frame as one.
const MOST_ROWS: usize = 16_384;

/// Reads Arrow IPC that lies in memory or is mapped, or batches that another library made; large ones come in pieces.
pub struct ArrowReader {
    batches: Batches,
    /// What is left of the batch before.
    rest: Option<RecordBatch>,
    names: Vec<String>,
    taken: Vec<usize>,
    all: Arc<Schema>,
    schema: Arc<Schema>,
    notes: Vec<(String, String)>,
    /// How many rows there are, where the bytes say so.
    n_rows: Option<u64>,
}

impl ArrowReader {
    /// Reads the footer of a file.
    ///
    /// # Errors
    /// When it is no Arrow file.
    pub fn file(bytes: Bytes) -> Result<Self, ReadError> {
        guarded("Arrow", || {
            let n_rows = check_blocks(&bytes).ok_or_else(damaged)?;
            let reader = FileReader::try_new(Cursor::new(bytes), None)?;
            let schema = reader.schema();
            Ok(Self { n_rows: Some(n_rows), ..Self::over(Box::new(reader), &schema)? })
        })
    }

    /// Reads the head of a stream.
    ///
    /// # Errors
    /// As [`ArrowReader::file`].
    pub fn stream(bytes: Bytes) -> Result<Self, ReadError> {
        guarded("Arrow", || {
            let n_rows = check_messages(&bytes).ok_or_else(damaged)?;
            let reader = StreamReader::try_new(Cursor::new(bytes), None)?;
            let schema = reader.schema();
            Ok(Self { n_rows: Some(n_rows), ..Self::over(Box::new(reader), &schema)? })
        })
    }

    /// Reads batches that are in memory, or come one by one.
    ///
    /// # Errors
    /// When two columns have one name.
    pub fn batches(
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + 'static,
        schema: &SchemaRef,
    ) -> Result<Self, ReadError> {
        Self::over(Box::new(batches), schema)
    }

    fn over(batches: Batches, schema: &SchemaRef) -> Result<Self, ReadError> {
        let all = Arc::new(arrow::schema_of(schema)?);
        let names: Vec<String> = all.names().map(str::to_owned).collect();
        let taken = (0..names.len()).collect();
        let said = schema.metadata().iter().map(|(key, value)| (key.clone(), value.clone()));
        let mut notes: Vec<(String, String)> = said.collect();
        notes.sort();
        Ok(Self { batches, rest: None, schema: Arc::clone(&all), all, names, taken, notes, n_rows: None })
    }
}

impl ReadBatches for ArrowReader {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn all_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[Field]) -> Result<(), ReadError> {
        let (taken, schema) = arrow::select(&self.all, columns)?;
        (self.taken, self.schema) = (taken, Arc::new(schema));
        Ok(())
    }

    fn n_rows(&self) -> Option<u64> {
        self.n_rows
    }

    fn skip_to(&mut self, row: u64) -> Result<u64, ReadError> {
        guarded("Arrow", || {
            let mut skipped = 0_u64;
            while let Some(batch) = self.rest.take().map(Ok).or_else(|| self.batches.next()) {
                let batch = batch?;
                let (n, wanted) = (batch.num_rows(), row - skipped);
                if wanted >= n as u64 {
                    skipped += n as u64;
                    continue;
                }
                let inside = usize::try_from(wanted).unwrap_or(0);
                self.rest = Some(batch.slice(inside, n - inside));
                return Ok(row);
            }
            Ok(skipped)
        })
    }

    fn notes(&self) -> Vec<(String, String)> {
        self.notes.clone()
    }

    fn next_batch(&mut self) -> Result<Option<Table>, ReadError> {
        guarded("Arrow", || {
            let Some(batch) = self.rest.take().map(Ok).or_else(|| self.batches.next()) else {
                return Ok(None);
            };
            let batch = batch?;
            let n = batch.num_rows().min(MOST_ROWS);
            self.rest = (n < batch.num_rows()).then(|| batch.slice(n, batch.num_rows() - n));
            arrow::table(&batch.project(&self.taken)?.slice(0, n), &self.schema).map(Some)
        })
    }
}

fn damaged() -> ReadError {
    let what = "a stated length does not fit into the file; it is damaged or was cut short";
    ReadError::Arrow(ArrowError::IpcError(what.to_owned()))
}

fn little_endian(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(i32::from_le_bytes(four)).ok()
}

/// How many rows the blocks have that the footer names, if they all lie in the file.
fn check_blocks(bytes: &[u8]) -> Option<u64> {
    let mut n_rows = 0_u64;
    let tail = bytes.len().checked_sub(10)?;
    let start = tail.checked_sub(little_endian(bytes, tail)?)?;
    let footer = arrow_ipc::root_as_footer(bytes.get(start..tail)?).ok()?;
    let blocks =
        footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
    for block in blocks {
        let lengths = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()];
        let sum = lengths.iter().try_fold(0_usize, |sum, &x| sum.checked_add(usize::try_from(x).ok()?))?;
        if sum > start {
            return None;
        }
        let at = usize::try_from(block.offset()).ok()?;
        let continued = little_endian(bytes, at).is_none();
        let length = little_endian(bytes, if continued { at + 4 } else { at })?;
        let head = if continued { 8 } else { 4 };
        let message =
            arrow_ipc::root_as_message(bytes.get(at + head..(at + head).checked_add(length)?)?).ok()?;
        // The body begins behind the metadata, padding included.
        let body = at.checked_add(usize::try_from(block.metaDataLength()).ok()?)?;
        let end = body.checked_add(usize::try_from(block.bodyLength()).ok()?)?;
        check_buffers(&message, bytes.get(body..end)?)?;
        n_rows = n_rows.checked_add(rows_of(&message))?;
    }
    Some(n_rows)
}

/// How many rows a message holds; a dictionary holds none.
fn rows_of(message: &arrow_ipc::Message<'_>) -> u64 {
    message.header_as_record_batch().map_or(0, |batch| u64::try_from(batch.length()).unwrap_or(0))
}

/// How many rows the messages of a stream have, if every one of them lies in the bytes with its body.
fn check_messages(bytes: &[u8]) -> Option<u64> {
    let (mut at, mut n_rows) = (0, 0_u64);
    while at < bytes.len() {
        let continued = bytes[at..].starts_with(&[0xff; 4]);
        at += if continued { 4 } else { 0 };
        let length = little_endian(bytes, at)?;
        at += 4;
        if length == 0 {
            break;
        }
        let message = arrow_ipc::root_as_message(bytes.get(at..at.checked_add(length)?)?).ok()?;
        at += length;
        let body = usize::try_from(message.bodyLength()).ok()?;
        let end = at.checked_add(body).filter(|&end| end <= bytes.len())?;
        check_buffers(&message, &bytes[at..end])?;
        n_rows = n_rows.checked_add(rows_of(&message))?;
        at = end;
    }
    Some(n_rows)
}

/// Whether the buffers and row counts of a batch are possible in a body of this size.
fn check_buffers(message: &arrow_ipc::Message<'_>, body: &[u8]) -> Option<()> {
    /// No codec of Arrow's packs tighter than this by much; what claims more is a bomb.
    const MOST_PER_BYTE: usize = 100_000;
    let batch = message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch()?.data());
    let Some(batch) = batch else { return Some(()) };
    let most_rows = body.len().checked_mul(MOST_PER_BYTE)?;
    let fits = |x: i64, most: usize| usize::try_from(x).ok().filter(|&x| x <= most);
    fits(batch.length(), most_rows.max(1 << 20))?;
    for node in batch.nodes().into_iter().flatten() {
        fits(node.length(), most_rows.max(1 << 20))?;
        fits(node.null_count(), most_rows.max(1 << 20))?;
    }
    for buffer in batch.buffers().into_iter().flatten() {
        let offset = fits(buffer.offset(), body.len())?;
        let length = fits(buffer.length(), body.len())?;
        let inside = body.get(offset..offset.checked_add(length)?)?;
        // A compressed buffer opens with its unpacked length.
        if let (Some(_), Some(head)) = (batch.compression(), inside.first_chunk::<8>()) {
            let unpacked = i64::from_le_bytes(*head);
            fits(unpacked.max(0), length.checked_mul(MOST_PER_BYTE)?)?;
        }
    }
    Some(())
}
