//! Can any experiment, written down in whatever way, make the engine crash, hang or ask for too much memory?
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pellucid_fuzz::experiment_and_run(bytes));
