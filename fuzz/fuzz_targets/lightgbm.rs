//! Does any damage to LightGBM text models make the importer crash, hang or ask for too much memory?
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pellucid_fuzz::import_and_ask(bytes));
