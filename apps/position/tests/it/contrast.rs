//! Does what shows a requirement stand above what only looks like it? Authored pairs, requirements verbatim from
//! SkillSpan training postings (CC BY 4.0). See `fixtures/position/pairs/README.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pellucid_position::model::Status;
use pellucid_position::nearness::Cover;

use super::{compare, fixtures, judged, stood};

#[derive(Default)]
struct Tally {
    pairs: usize,
    right_over_wrong: usize,
    by_status: usize,
    false_met: usize,
    right_met: usize,
    no_need: usize,
}

fn evaluate(split: &str) -> (BTreeMap<String, Tally>, String) {
    let lines = fs_err::read_to_string(fixtures().join("pairs").join(format!("{split}.jsonl"))).unwrap();
    let (mut tallies, mut failures): (BTreeMap<String, Tally>, String) = (BTreeMap::new(), String::new());
    for line in lines.lines() {
        let pair: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| pair[name].as_str().unwrap();
        let status = |side: &str| judged(field(side), field("requirement"));
        let (right, wrong) = (status("right"), status("wrong"));
        let stands = |side: &str| stood(field(side), field("requirement"));
        let is_above = stands("right") > stands("wrong").map(|wrong| wrong + 1e-9);
        for family in [field("family"), "all"] {
            let tally = tallies.entry(family.to_owned()).or_default();
            tally.pairs += 1;
            tally.no_need += usize::from(right.is_none());
            tally.right_over_wrong += usize::from(is_above);
            tally.by_status += usize::from(right > wrong);
            tally.false_met += usize::from(wrong == Some(Status::Met));
            tally.right_met += usize::from(right == Some(Status::Met));
        }
        if !is_above || wrong == Some(Status::Met) {
            writeln!(
                failures,
                "{} {right:?} / {wrong:?}\n  asked: {}\n  right: {}\n  wrong: {}",
                field("id"),
                field("requirement"),
                field("right").replace('\n', " | "),
                field("wrong").replace('\n', " | ")
            )
            .unwrap();
        }
    }
    (tallies, failures)
}

fn table(tallies: &BTreeMap<String, Tally>) -> String {
    let mut out = String::from(
        "family       pairs  right over wrong  by status alone  false met  right met  no need\n",
    );
    for (family, tally) in tallies {
        let share = |n: usize| 100.0 * n as f64 / tally.pairs as f64;
        writeln!(
            out,
            "{family:12} {:5}  {:14.1} %  {:13.1} %  {:7.1} %  {:7.1} %  {:7}",
            tally.pairs,
            share(tally.right_over_wrong),
            share(tally.by_status),
            share(tally.false_met),
            share(tally.right_met),
            tally.no_need
        )
        .unwrap();
    }
    out
}

/// What `fixtures/position/pairs/fit.py` fits on: the least of each side's requirements.
fn write_features(path: &std::ffi::OsStr) {
    let lines = fs_err::read_to_string(fixtures().join("pairs/dev.jsonl")).unwrap();
    let mut out = String::new();
    for line in lines.lines() {
        let pair: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| pair[name].as_str().unwrap();
        for side in ["right", "wrong"] {
            let Ok(analysis) =
                compare(field(side), &format!("# Requirements\n\n- {}\n", field("requirement")))
            else {
                continue;
            };
            let both = analysis.verdicts.iter().zip(&analysis.nearness);
            let (verdict, near) = both.min_by_key(|(verdict, _)| verdict.status).unwrap();
            let cover = |cover: &Cover| [cover.words, cover.spelling, cover.topics];
            let row = serde_json::json!({
                "id": field("id"), "family": field("family"), "side": side,
                "posting": format!("{} {}", field("source"), pair["posting"]),
                "status": verdict.status, "best": cover(&near.best), "shown": cover(&near.shown), "against": cover(&near.against),
            });
            writeln!(out, "{row}").unwrap();
        }
    }
    fs_err::write(path, out).unwrap();
}

#[test]
fn pairs_for_development() {
    if let Some(path) = std::env::var_os("WRITE_FEATURES") {
        write_features(&path);
    }
    let (tallies, failures) = evaluate("dev");
    if std::env::var_os("SHOW_FAILURES").is_some() {
        println!("{failures}");
    }
    println!("{}", table(&tallies));
    // The rules and weights were made on these; the floor keeps what is reached from being lost.
    let all = &tallies["all"];
    assert_eq!(all.pairs, 246);
    assert!(all.right_over_wrong >= 208, "{} of 246 right over wrong", all.right_over_wrong);
    assert!(all.false_met <= 7, "{} of 246 false met", all.false_met);
}

#[test]
fn more_pairs_for_development() {
    // Written after the sealed table was seen for the first time, for the two families in which it was worst.
    let (tallies, failures) = evaluate("more");
    if std::env::var_os("SHOW_FAILURES").is_some() {
        println!("{failures}");
    }
    println!("{}", table(&tallies));
    let all = &tallies["all"];
    assert_eq!(all.pairs, 136);
    assert!(all.right_over_wrong >= 79, "{} of 136 right over wrong", all.right_over_wrong);
    assert!(all.false_met <= 20, "{} of 136 false met", all.false_met);
}

/// One table and no case: `cargo nextest run -p pellucid-position --run-ignored only --no-capture sealed`. Whoever works on the
/// program runs it at the end of the work, and not to choose between two versions of it.
#[test]
#[ignore = "sealed: measured at the end of the work, never tuned on"]
fn sealed_pairs_at_the_end() {
    let (tallies, _) = evaluate("sealed");
    println!("{}", table(&tallies));
    assert_eq!(tallies["all"].pairs, 186);
}
