//! Do the invariants of ARCHITECTURE.md hold? Each check answers with what is wrong, one line each.

mod arrows;
mod engine;
mod lengths;
mod licences;
mod rooms;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::places::{command, root};

pub fn run() -> Result<()> {
    let metadata = metadata()?;
    let sources = sources(root())?;
    let checks: [(&str, Vec<String>); 5] = [
        ("arrows between crates", arrows::check(&metadata)?),
        ("lengths of files", lengths::check(&sources)),
        ("the engine's manners", engine::check(&sources)),
        ("licences and sources", licences::check(&metadata, &root().join("deny.toml"))?),
        ("rooms and their companions", rooms::check(root(), &sources)?),
    ];
    let mut wrong = 0;
    for (name, complaints) in &checks {
        eprintln!("tidy: {name}: {}", if complaints.is_empty() { "fine" } else { "WRONG" });
        complaints.iter().for_each(|complaint| eprintln!("  {complaint}"));
        wrong += complaints.len();
    }
    if wrong > 0 {
        bail!("tidy: {wrong} complaints");
    }
    Ok(())
}

/// A Rust file of ours: where it is, below the root, and what stands in it.
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

impl Source {
    pub fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether it is compiled for tests only.
    pub fn is_test(&self) -> bool {
        let is_test = |name: &str| name == "tests" || name == "tests.rs" || name.ends_with("_tests.rs");
        self.path.iter().any(|part| is_test(&part.to_string_lossy())) || self.path.starts_with("fixtures")
    }

    /// Its lines with their numbers from 1, without comments, blanks, and the tests at its end.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        lines
            .take_while(|(_, line)| *line != "#[cfg(test)]")
            .filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
    }
}

fn metadata() -> Result<Value> {
    let mut cargo = command("cargo");
    let output =
        cargo.args(["metadata", "--format-version", "1", "--locked"]).output().context("cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for top in ["crates", "apps", "faces", "fixtures", "bench", "fuzz", "xtask"] {
        let mut open = vec![root.join(top)];
        while let Some(folder) = open.pop() {
            let Ok(entries) = fs_err::read_dir(&folder) else { continue };
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
                    open.push(path);
                } else if path.extension().is_some_and(|ending| ending == "rs") {
                    let text = fs_err::read_to_string(&path)?;
                    sources.push(Source { path: path.strip_prefix(root)?.to_owned(), text });
                }
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn code_is_what_is_left_without_comments_blanks_and_tests() {
        let text = "//! Doc.\n\nuse a;\n// why\nfn f() {}\n#[cfg(test)]\nmod tests { }\n";
        let file = source("crates/a/src/lib.rs", text);
        assert_eq!(file.code().collect::<Vec<_>>(), [(3, "use a;"), (5, "fn f() {}")]);
        assert!(!file.is_test());
        assert!(source("crates/a/tests/it/x.rs", "").is_test());
    }

    #[test]
    fn the_engine_may_not_print_look_at_the_clock_or_paint() {
        let complaints = |path, line| engine::check(&[source(path, line)]).len();
        for line in [
            "println!(\"x\");",
            "let t = std::time::Instant::now();",
            "std::env::var(\"X\")",
            "use std::fs;",
            "\"#FF00AA\"",
            "0xFF00AA",
        ] {
            assert_eq!(complaints("crates/pellucid-explain/src/a.rs", line), 1, "{line}");
            assert_eq!(complaints("faces/cli/src/a.rs", line), 0, "{line}");
        }
        assert_eq!(complaints("crates/pellucid-views/src/theme.rs", "0xFF00AA"), 0);
        assert_eq!(complaints("crates/pellucid/src/files.rs", "use std::fs;"), 0);
        assert_eq!(complaints("crates/pellucid-explain/src/tests.rs", "println!()"), 0);
    }

    #[test]
    fn long_files_and_long_houses_are_told() {
        let long = "x;\n".repeat(lengths::MOST + 1);
        assert_eq!(lengths::check(&[source("crates/a/src/b.rs", &long)]).len(), 3);
        assert!(lengths::check(&[source("crates/a/src/b.rs", "x;\n")]).is_empty());
    }

    fn package(name: &str, path: &str, needs: &[&str]) -> Value {
        let needs: Vec<Value> =
            needs.iter().map(|name| serde_json::json!({"name": name, "path": "x", "kind": null})).collect();
        serde_json::json!({"name": name, "id": name, "source": null, "manifest_path": format!("/r/{path}/Cargo.toml"), "dependencies": needs})
    }

    fn arrow(from: (&str, &str), to: (&str, &str)) -> usize {
        let packages = [package(from.0, from.1, &[to.0]), package(to.0, to.1, &[])];
        let metadata = serde_json::json!({"workspace_root": "/r", "packages": packages});
        arrows::check(&metadata).unwrap().len()
    }

    #[test]
    fn arrows_that_point_back_are_told() {
        let (data, views) =
            (("pellucid-data", "crates/pellucid-data"), ("pellucid-views", "crates/pellucid-views"));
        assert_eq!(arrow(views, data), 0);
        assert_eq!(arrow(data, views), 1);
        let (learn, explain) =
            (("pellucid-learn", "crates/pellucid-learn"), ("pellucid-explain", "crates/pellucid-explain"));
        assert_eq!(arrow(explain, learn), 0);
        assert_eq!(arrow(learn, explain), 1);
        assert_eq!(arrow(data, ("pellucid-cli", "faces/cli")), 1);
        assert_eq!(
            arrow(("pellucid-strange", "crates/pellucid-strange"), data),
            1,
            "a crate without a place"
        );
    }

    #[test]
    fn licences_are_read_as_expressions() {
        let allowed = ["MIT", "Apache-2.0"].map(str::to_owned);
        let fits = |text| licences::fits(text, &allowed);
        assert!(
            fits("MIT")
                && fits("MIT OR GPL-3.0-only")
                && fits("MIT/Apache-2.0")
                && fits("(MIT OR X) AND Apache-2.0")
        );
        assert!(fits("Apache-2.0 WITH LLVM-exception OR MIT"));
        assert!(
            !fits("GPL-3.0-only") && !fits("MIT AND GPL-3.0-only") && !fits("(MIT AND X) OR Y") && !fits("")
        );
        assert!(!fits("MIT OR") && !fits("(MIT"));
    }
}
