//! Does any damage to Parquet files make the reader crash, hang or ask for too much memory?
#![no_main]

use pellucid_data::read::{ParquetReader, ReadBatches, ReadOptions};

// The decoding library panics on some damage and the reader makes an error of it: only what it lets through
// may end the run, so the fuzzer's hook, which aborts at the panic itself, goes.
libfuzzer_sys::fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    let options = ReadOptions { batch_rows: 64, ..ReadOptions::default() };
    let Ok(mut reader) = ParquetReader::new(bytes.to_vec().into(), &options) else { return };
    while let Ok(Some(batch)) = reader.next_batch() {
        assert!(batch.columns().iter().all(|column| column.len() == batch.n_rows()));
    }
    let _ = (reader.n_rows(), reader.skip_to(u64::from(bytes.len() as u8)));
    let _ = reader.next_batch();
});
