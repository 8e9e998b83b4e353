//! Do the arrows between crates point one way?

use anyhow::{Context, Result};
use serde_json::Value;

/// Crates in the order in which data flows. A crate may use what stands before it; those of one row may
/// not use each other. Folders stand for all crates in them.
const FLOW: [&[&str]; 13] = [
    &["crates/pellucid-data"],
    &["crates/pellucid-models"],
    &["crates/pellucid-learn"],
    &["crates/pellucid-explain"],
    &["crates/pellucid-views"],
    &["crates/pellucid"],
    &["apps/*"],
    &["faces/runs"],
    &["faces/server"],
    &["faces/cli"],
    &["faces/python"],
    &["bench/*"],
    &["xtask"],
];

/// For tests of the engine only: never a normal dependency.
const FOR_TESTS: &str = "fixtures/reader";

pub fn check(metadata: &Value) -> Result<Vec<String>> {
    let root = metadata["workspace_root"].as_str().context("no workspace_root")?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let ours: Vec<&Value> = packages.iter().filter(|package| package["source"].is_null()).collect();
    let folder = |package: &Value| -> String {
        let path = package["manifest_path"].as_str().unwrap_or_default();
        path.trim_start_matches(root).trim_start_matches('/').trim_end_matches("/Cargo.toml").to_owned()
    };
    let folder_of =
        |name: &str| ours.iter().find(|package| package["name"] == name).map(|package| folder(package));
    let mut complaints = Vec::new();
    for package in &ours {
        let from = folder(package);
        if from == FOR_TESTS {
            continue;
        }
        let Some(rank) = rank(&from) else {
            complaints.push(format!("{from} has no place in the flow of data (xtask/src/tidy/arrows.rs)"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let Some(to) = dependency["name"].as_str().and_then(folder_of) else { continue };
            if to == FOR_TESTS {
                if dependency["kind"] != "dev" {
                    complaints.push(format!("{from} uses {to}, which is for tests only"));
                }
            } else if self::rank(&to).is_none_or(|other| other >= rank) {
                complaints.push(format!("{from} uses {to}: arrows go the other way"));
            }
        }
    }
    Ok(complaints)
}

fn rank(folder: &str) -> Option<usize> {
    let is = |place: &&str| match place.strip_suffix("/*") {
        Some(top) => folder.split_once('/').is_some_and(|(first, _)| first == top),
        None => folder == *place,
    };
    FLOW.iter().position(|row| row.iter().any(is))
}
