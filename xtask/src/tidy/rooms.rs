//! Does everything have what goes with it? Modules their question, readers their fuzz target, fixtures their script.

use std::path::Path;

use anyhow::Result;

use super::Source;

/// README stays a page.
const README_LINES: usize = 120;

/// A checker that shares nothing with what it checks: of its own crate it may name only the certificate's types.
const CHECKER: &str = "crates/pellucid-learn/src/certificate/verify.rs";

/// Readers of untrusted bytes: the folders, and the files in them that are parts of another reader.
const READERS: [(&str, &[&str]); 2] = [
    ("crates/pellucid-data/src/read", &["mod", "error", "infer", "lines", "arrow", "tests"]),
    (
        "crates/pellucid-models/src/trees/import",
        &["mod", "error", "document", "json", "ubj", "npy", "protobuf", "skops"],
    ),
];

pub fn check(root: &Path, sources: &[Source]) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for source in sources {
        if !source.is_test() && !source.text.starts_with("//!") && !source.text.starts_with("#!") {
            complaints.push(format!("{}: a module opens with the question it answers", source.shown()));
        }
        if source.shown() == CHECKER {
            let foreign = |line: &&str| {
                line.contains("crate::") || line.contains("super::super") || line.contains("pellucid_explain")
            };
            let found = source.code().map(|(_, line)| line).find(foreign);
            complaints.extend(found.map(|line| {
                format!("{CHECKER}: `{}`: it checks the search and may not use it", line.trim())
            }));
        }
        for (folder, helpers) in READERS {
            let stem = source.path.file_stem().unwrap_or_default().to_string_lossy();
            let is_reader = source.path.parent().is_some_and(|parent| parent == Path::new(folder));
            if is_reader
                && !helpers.contains(&&*stem)
                && !root.join(format!("fuzz/fuzz_targets/{stem}.rs")).is_file()
            {
                complaints.push(format!("{}: no fuzz target fuzz/fuzz_targets/{stem}.rs", source.shown()));
            }
        }
    }
    for entry in fs_err::read_dir(root.join("fixtures"))? {
        let path = entry?.path();
        let holds = |name: &str| path.join(name).is_file();
        let complete = holds("make.py") && holds("requirements.txt") && holds("README.md");
        if path.is_dir() && !holds("Cargo.toml") && !path.ends_with("__pycache__") && !complete {
            complaints
                .push(format!("{}: fixtures need make.py, requirements.txt and README.md", path.display()));
        }
    }
    let readme = fs_err::read_to_string(root.join("README.md"))?;
    if readme.lines().count() >= README_LINES {
        complaints
            .push(format!("README.md has {} lines; it stays under {README_LINES}", readme.lines().count()));
    }
    Ok(complaints)
}
