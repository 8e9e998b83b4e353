//! Does any damage to ONNX models make the importer crash, hang or ask for too much memory?
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = pellucid_models::trees::import::import(bytes) {
        assert_eq!(model.margin(|_| f64::NAN).len(), model.base.len());
    }
});
