//! Position analysis from outside: contrast pairs, oracles, formats, real postings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

mod contrast;
mod formats;
mod oracles;
mod reviewed;
mod saved;
mod years;

use std::path::{Path, PathBuf};

use pellucid_position::model::Status;
use pellucid_position::months::Day;
use pellucid_position::nearness::standing;
use pellucid_position::read::Input;
use pellucid_position::{Analysis, AnalysisError, Request, analyze};

fn fixtures() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../fixtures/position")
}

fn text(name: &str, text: &str) -> Input {
    Input { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn as_of() -> Day {
    Day::new(2025, 1, 1).unwrap()
}

fn compare(profile: &str, posting: &str) -> Result<Analysis, AnalysisError> {
    let request = Request {
        profile: vec![text("cv.md", profile)],
        posting: Some(text("posting.md", posting)),
        ..Request::default()
    };
    analyze(&request, as_of())
}

/// What becomes of one requirement; the least of its sentences.
fn judged(profile: &str, requirement: &str) -> Option<Status> {
    let analysis = compare(profile, &format!("# Requirements\n\n- {requirement}\n")).ok()?;
    analysis.verdicts.iter().map(|verdict| verdict.status).min()
}

/// How a profile stands to one requirement; the least of its sentences.
fn stood(profile: &str, requirement: &str) -> Option<f64> {
    let analysis = compare(profile, &format!("# Requirements\n\n- {requirement}\n")).ok()?;
    let each = analysis.verdicts.iter().zip(&analysis.nearness);
    each.map(|(verdict, near)| standing(verdict.status, near)).min_by(f64::total_cmp)
}

/// One of the examples.
fn profession(name: &str) -> Analysis {
    let read = |file: &str| fs_err::read_to_string(fixtures().join(name).join(file)).unwrap();
    compare(&read("profile.md"), &read("posting.md")).unwrap()
}
