//! Does any damage to JSON lines make the reader crash, hang or ask for too much memory?
#![no_main]

use pellucid_data::read::{JsonLinesReader, ReadBatches, ReadOptions};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions { batch_rows: 64, ..ReadOptions::default() };
    let Ok(mut reader) = JsonLinesReader::new(bytes, options) else { return };
    while let Ok(Some(batch)) = reader.next_batch() {
        assert!(batch.columns().iter().all(|column| column.len() == batch.n_rows()));
    }
});
