//! Does any damage to a file of rule sets make its reader crash, hang or ask for too much memory?
#![no_main]

use pellucid_learn::rashomon::sets_file::SetsReader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = SetsReader::open(bytes) else { return };
    while let Ok(Some((rules, errors))) = reader.next_set() {
        let size = rules.len();
        let _ = reader.header().objective(size, errors);
    }
});
