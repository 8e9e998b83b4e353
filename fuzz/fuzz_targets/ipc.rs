//! Does any damage to Arrow IPC, file or stream, make the reader crash, hang or ask for too much memory?
#![no_main]

use pellucid_data::read::{IpcReader, ReadBatches, ReadError};

fn drain(reader: Result<IpcReader, ReadError>) {
    let Ok(mut reader) = reader else { return };
    while let Ok(Some(batch)) = reader.next_batch() {
        assert!(batch.columns().iter().all(|column| column.len() == batch.n_rows()));
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drain(IpcReader::file(bytes.to_vec().into()));
    drain(IpcReader::stream(bytes.to_vec().into()));
});
