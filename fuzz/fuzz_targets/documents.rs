//! Does any damage to a document make a reader crash, hang or point outside of its own text?
#![no_main]

use pellucid_position::read::{Input, read};

const ENDINGS: [&str; 7] = ["md", "txt", "html", "json", "bib", "pdf", "docx"];

libfuzzer_sys::fuzz_target!(
    init: {
        // The PDF library panics on some damage; the reader turns that into an error, and the fuzzer's hook would stop first.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |bytes: &[u8]| {
        let Some((first, rest)) = bytes.split_first() else { return };
        let ending = ENDINGS[usize::from(*first) % ENDINGS.len()];
        let Ok(document) = read(&Input { name: format!("file.{ending}"), bytes: rest.to_vec() }) else { return };
        for block in &document.blocks {
            assert!(document.text.get(block.range.clone()).is_some());
            let _ = document.place(block.range.start);
        }
    }
);
