//! Does any damage to Arrow IPC, file or stream, make the reader crash, hang or ask for too much memory?
#![no_main]

use pellucid_data::read::{ArrowReader, ReadBatches, ReadError};

fn drain(reader: Result<ArrowReader, ReadError>) {
    let Ok(mut reader) = reader else { return };
    while let Ok(Some(batch)) = reader.next_batch() {
        assert!(batch.columns().iter().all(|column| column.len() == batch.n_rows()));
    }
    let _ = (reader.n_rows(), reader.skip_to(5));
    let _ = reader.next_batch();
}

// The decoding library panics on some damage and the reader makes an error of it: only what it lets through
// may end the run, so the fuzzer's hook, which aborts at the panic itself, goes.
libfuzzer_sys::fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    drain(ArrowReader::file(bytes.to_vec().into()));
    drain(ArrowReader::stream(bytes.to_vec().into()));
});
