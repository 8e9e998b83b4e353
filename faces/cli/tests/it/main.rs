//! The command as a user meets it: the built program on real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

mod cohorts;
mod documents;
mod explaining;
mod lens;
mod linear;
mod positions;
mod refusals;
mod rules;
mod running;
mod runs;
mod shards;
mod top;
mod trees;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with the tour's models and data, gone at the end.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for name in ["adult-xgboost.ubj", "adult-lightgbm.txt", "adult.csv"] {
            fs_err::copy(fixtures().join("tour").join(name), folder.path(name)).unwrap();
        }
        fs_err::copy(fixtures().join("compas/compas.csv"), folder.path("compas.csv")).unwrap();
        for name in ["profile.md", "publications.bib", "posting.md"] {
            fs_err::copy(fixtures().join("position/twin").join(name), folder.path(name)).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
        command
            .current_dir(self.0.path())
            .args(words)
            .env_remove("PELLUCID_NUM_THREADS")
            .env_remove("PELLUCID_RUNS")
            .env("COLUMNS", "100");
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs a command that must succeed; its standard output.
    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, words: &[&str]) -> serde_json::Value {
        let text = self.ok(words);
        assert_eq!(text.trim_end().lines().count(), 1, "one object on one line");
        serde_json::from_str(&text).unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }
}

fn fixtures() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../fixtures")
}

/// A CSV of numbers: names, then rows.
fn csv(text: &str) -> (Vec<String>, Vec<Vec<f64>>) {
    let mut lines = text.lines();
    let names = lines.next().unwrap().split(',').map(str::to_owned).collect();
    (names, lines.map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect())
}
