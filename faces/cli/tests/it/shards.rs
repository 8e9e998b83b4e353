//! Is a job in shards the same job? What is joined equals what was never cut, to the byte.

use pellucid::data::write::WriteBatches;
use pellucid::data::write::parquet::ParquetWriter;

use super::{Folder, fixtures};

/// A Parquet file of three row groups (columns that the model does not know make them short), and a forest for it.
fn folder() -> Folder {
    let folder = Folder::new();
    fs_err::copy(fixtures().join("scikit-learn-1.9.1/names.skops"), folder.path("forest.skops")).unwrap();
    let names: Vec<String> = ["a", "b c", "größe", "d,e"]
        .map(str::to_owned)
        .into_iter()
        .chain((0..15_996).map(|at| format!("other {at}")))
        .collect();
    let (n, mut state) = (700, 1_u64);
    let columns: Vec<Vec<f64>> = (0..names.len())
        .map(|at| {
            let mut random = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 33) as f64 / f64::from(1 << 30) - 1.0
            };
            (0..n).map(|_| if at < 4 { random() * 5.0 } else { 0.0 }).collect()
        })
        .collect();
    let mut bytes = Vec::new();
    let mut writer = Box::new(ParquetWriter::new(&mut bytes, &names, &[]).unwrap());
    writer.write(&columns).unwrap();
    writer.finish().unwrap();
    fs_err::write(folder.path("data.parquet"), bytes).unwrap();
    fs_err::create_dir(folder.path("parts")).unwrap();
    folder
}

#[test]
fn shards_that_are_joined_equal_the_whole() {
    let folder = folder();
    let explain = |words: &[&str]| {
        let all: Vec<&str> =
            ["explain", "forest.skops", "data.parquet", "-q"].iter().chain(words).copied().collect();
        folder.ok(&all);
    };
    explain(&["--aggregate", "-o", "whole.json"]);
    explain(&["-o", "whole.parquet"]);
    for at in ["3", "1", "2"] {
        explain(&["--aggregate", "--shard", &format!("{at}/3"), "-o", &format!("parts/{at}.json")]);
        explain(&["--shard", &format!("{at}/3"), "-o", &format!("parts/{at}.parquet"), "--threads", "2"]);
    }
    folder.ok(&["merge", "parts", "-o", "joined.json"]);
    assert_eq!(folder.read("joined.json"), folder.read("whole.json"));
    folder.ok(&["merge", "parts", "-o", "joined.parquet"]);
    let bytes = |name: &str| fs_err::read(folder.path(name)).unwrap();
    assert!(bytes("joined.parquet") == bytes("whole.parquet"), "values of shards are not those of the whole");

    let whole: serde_json::Value = serde_json::from_str(&folder.read("whole.json")).unwrap();
    assert_eq!((whole["rows"].as_u64(), &whole["complete"]), (Some(700), &true.into()));
    let first = &whole["outputs"][0]["features"][0];
    let number = |key: &str| first[key].as_f64().unwrap();
    assert!(number("mean_absolute") > 0.0 && number("least") <= first["quantiles"]["0.5"].as_f64().unwrap());
    assert!(number("mean").abs() <= number("mean_absolute") && number("standard_deviation") > 0.0);
}

#[test]
fn what_cannot_be_joined_says_why() {
    let folder = folder();
    let fails = |words: &[&str], code: i32, piece: &str| {
        let output = folder.run(words);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && words.contains(piece), "{code}, {piece}: {words}");
    };
    let part = |shard: &str, out: &str, more: &[&str]| {
        let words =
            ["explain", "forest.skops", "data.parquet", "-q", "--aggregate", "--shard", shard, "-o", out];
        folder.ok(&[&words, more].concat());
    };
    fails(&["merge", "parts", "-o", "x.json"], 3, "no shard is there");
    part("1/3", "parts/one.json", &[]);
    part("3/3", "parts/three.json", &[]);
    fails(&["merge", "parts", "-o", "x.json"], 3, "shard 2/3 is not there");
    part("1/3", "parts/again.json", &[]);
    part("2/3", "parts/two.json", &[]);
    fails(&["merge", "parts", "-o", "x.json"], 3, "shard 1/3 is there twice");
    fs_err::remove_file(folder.path("parts/again.json")).unwrap();
    part("2/3", "parts/two.json", &["--background", "data.parquet"]);
    fails(&["merge", "parts", "-o", "x.json"], 3, "their `game` differs");
    fails(&["merge", "parts", "-o", "x.svg"], 2, "shards are joined to");
    fails(&["explain", "forest.skops", "data.parquet", "--shard", "1/9", "--aggregate"], 3, "3 of them");
    fails(
        &["explain", "forest.skops", "data.parquet", "--shard", "0/3", "--aggregate"],
        2,
        "from 1/4 to 4/4",
    );
    fails(
        &["explain", "adult-xgboost.ubj", "adult.csv", "--shard", "1/2", "--aggregate"],
        3,
        "row groups of a Parquet file",
    );
    fails(
        &["explain", "forest.skops", "data.parquet", "--shard", "1/3", "-o", "x.csv"],
        2,
        "--shard is for values in .parquet",
    );
    fails(
        &["explain", "forest.skops", "data.parquet", "--aggregate", "-o", "x.csv"],
        2,
        "aggregates are written as .json",
    );
}

#[test]
fn shards_of_different_machines_are_joined_and_told() {
    let folder = folder();
    for at in ["1", "2", "3"] {
        let out = format!("parts/{at}.json");
        folder.ok(&[
            "explain",
            "forest.skops",
            "data.parquet",
            "-q",
            "--aggregate",
            "--shard",
            &format!("{at}/3"),
            "-o",
            &out,
        ]);
    }
    let mut part: serde_json::Value = serde_json::from_str(&folder.read("parts/2.json")).unwrap();
    assert!(part["about"]["instructions"].is_string());
    part["about"]["instructions"] = "another".into();
    fs_err::write(folder.path("parts/2.json"), part.to_string()).unwrap();
    let output = folder.run(&["merge", "parts", "-o", "joined.json"]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && words.contains("2.json with another: values differ by rounding"),
        "{words}"
    );
    assert!(!folder.read("joined.json").contains("instructions"));
}
