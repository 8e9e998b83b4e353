//! Does any damage to GGUF files, safetensors or config.json make the readers crash, hang or ask for too much memory?
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pellucid_fuzz::transformer_and_ask(bytes));
