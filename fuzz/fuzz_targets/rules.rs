//! Does any damage to a rules file make the reader or the checker crash, hang or ask for too much memory?
#![no_main]

use pellucid_learn::certificate::format::{digest, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = read(bytes);
    // Past the digest, which no mutation would hit.
    if let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(bytes)
        && value.is_object()
    {
        value["digest"] = digest(&value).into();
        let _ = read(value.to_string().as_bytes());
    }
});
