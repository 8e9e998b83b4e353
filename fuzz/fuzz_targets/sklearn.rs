//! Does any damage to scikit-learn models make the importer crash, hang or ask for too much memory? The input is a list of edits
//! to the members of an archive, since checksums would hide damage to the archive itself; and it is tried as an archive, too.
#![no_main]

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const SEEDS: [&[u8]; 4] = [
    include_bytes!("../../fixtures/scikit-learn-1.9.1/boosting-classes.skops"),
    include_bytes!("../../fixtures/scikit-learn-1.9.1/hist-words.skops"),
    include_bytes!("../../fixtures/scikit-learn-1.9.1/isolation-subsets.skops"),
    include_bytes!("../../fixtures/peers/linear.skops"),
];

/// A seed with edits of five bytes each: a member, two of its place, what to do, a byte.
fn edited(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&which, edits) = bytes.split_first()?;
    let seed = SEEDS[usize::from(which) % SEEDS.len()];
    let mut archive = ZipArchive::new(Cursor::new(seed)).ok()?;
    let mut members = Vec::new();
    for at in 0..archive.len() {
        let mut member = archive.by_index(at).ok()?;
        let mut content = Vec::new();
        member.read_to_end(&mut content).ok()?;
        members.push((member.name().ok()?.into_owned(), content));
    }
    let n = members.len();
    for edit in edits.chunks_exact(5) {
        let content = &mut members[usize::from(edit[0]) % n].1;
        let at = usize::from(u16::from_le_bytes([edit[1], edit[2]]));
        match edit[3] % 3 {
            0 if !content.is_empty() => {
                let at = at % content.len();
                content[at] = edit[4];
            }
            1 => content.insert(at % (content.len() + 1), edit[4]),
            _ => content.truncate(at),
        }
    }
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(name, stored).ok()?;
        archive.write_all(&content).ok()?;
    }
    archive.finish().ok().map(Cursor::into_inner)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    pellucid_fuzz::import_and_ask(bytes);
    if let Some(bytes) = edited(bytes) {
        pellucid_fuzz::import_and_ask(&bytes);
    }
});
