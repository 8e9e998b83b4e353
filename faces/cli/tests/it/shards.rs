//! Is a job in shards the same job? What is joined equals what was never cut, to the byte.

use pellucid::data::write::parquet::ParquetWriter;
use pellucid::data::write::{Heading, WriteBatches};

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
    let mut writer = Box::new(ParquetWriter::new(&mut bytes, Heading::numbers(&names), &[]).unwrap());
    writer.write(&columns).unwrap();
    writer.finish().unwrap();
    fs_err::write(folder.path("data.parquet"), bytes).unwrap();
    fs_err::create_dir(folder.path("parts")).unwrap();
    folder
}

/// Aggregates of the three shards.
fn aggregate_parts(folder: &Folder) {
    for at in ["1", "2", "3"] {
        let (shard, out) = (format!("{at}/3"), format!("parts/{at}.json"));
        let words = ["explain", "forest.skops", "data.parquet", "-q", "--aggregate", "--shard"];
        folder.ok(&[&words[..], &[&shard, "-o", &out]].concat());
    }
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
        "2/4 is the second of four",
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
    aggregate_parts(&folder);
    let mut part: serde_json::Value = serde_json::from_str(&folder.read("parts/2.json")).unwrap();
    assert!(part["about"]["shard.instructions"].is_string());
    part["about"]["shard.instructions"] = "another".into();
    fs_err::write(folder.path("parts/2.json"), part.to_string()).unwrap();
    let output = folder.run(&["merge", "parts", "-o", "joined.json"]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && words.contains("2.json with another: values differ by rounding"),
        "{words}"
    );
    assert!(!folder.read("joined.json").contains("shard."));
}

#[test]
fn parts_that_are_not_whole_or_not_of_one_job_are_refused_by_name() {
    let folder = folder();
    let refused = |out: &str, pieces: &[&str]| {
        let output = folder.run(&["merge", "parts", "-o", out]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && pieces.iter().all(|piece| words.contains(piece)),
            "{pieces:?}: {words}"
        );
    };
    let part = |at: usize, data: &str, more: &[&str]| {
        let (shard, out) = (format!("{at}/3"), format!("parts/{at}.pq"));
        let words = ["explain", "forest.skops", data, "-q", "--shard", &shard, "-o", &out];
        folder.ok(&[&words, more].concat());
    };
    let bytes = |name: &str| fs_err::read(folder.path(name)).unwrap();
    (1..=3).for_each(|at| part(at, "data.parquet", &[]));
    folder.ok(&["merge", "parts", "-o", "joined.parquet"]);

    // A result that would take the place of a part.
    refused("parts/2.pq", &["is an input"]);

    // Other rows to compare with, of which the model alone says nothing.
    fs_err::write(folder.path("few.csv"), "a,b c,größe,\"d,e\"\n1,2,3,4\n").unwrap();
    fs_err::write(folder.path("others.csv"), "a,b c,größe,\"d,e\"\n1,2,3,5\n").unwrap();
    part(1, "data.parquet", &["--background", "few.csv"]);
    part(2, "data.parquet", &["--background", "few.csv"]);
    part(3, "data.parquet", &["--background", "others.csv"]);
    refused("x.parquet", &["1.pq and 3.pq", "`background` differs"]);

    // Other data, with the same columns and as many rows.
    (1..=3).for_each(|at| part(at, "data.parquet", &[]));
    let names: Vec<String> = ["a", "b c", "größe", "d,e"].map(str::to_owned).to_vec();
    let mut other = Vec::new();
    let mut writer = Box::new(ParquetWriter::new(&mut other, Heading::numbers(&names), &[]).unwrap());
    writer.write(&vec![(0..700).map(f64::from).collect::<Vec<f64>>(); 4]).unwrap();
    writer.finish().unwrap();
    fs_err::write(folder.path("other.parquet"), other).unwrap();
    folder.ok(&["explain", "forest.skops", "other.parquet", "-q", "--shard", "1/1", "-o", "parts/1.pq"]);
    refused("x.parquet", &["`data` differs"]);

    // Fewer rows than the part should have: what a time limit leaves.
    part(1, "data.parquet", &[]);
    let (whole, short) = (folder.path("parts/2.pq"), folder.path("short.pq"));
    let options = pellucid::data::read::ReadOptions { batch_rows: 10, ..Default::default() };
    let mut reader = pellucid::files::open_table(&whole, &options).unwrap();
    let all_names = reader.all_names().to_vec();
    let notes = reader.notes();
    let rows = reader.next_batch().unwrap().unwrap().into_columns();
    let rows: Vec<Vec<f64>> = rows
        .into_iter()
        .map(|column| match column {
            pellucid::data::table::Column::Number(values) => values,
            pellucid::data::table::Column::Category(_) => panic!("a number"),
        })
        .collect();
    let mut cut = Vec::new();
    let mut writer = Box::new(ParquetWriter::new(&mut cut, Heading::numbers(&all_names), &notes).unwrap());
    writer.write(&rows).unwrap();
    writer.finish().unwrap();
    fs_err::write(&short, cut).unwrap();
    fs_err::copy(&short, &whole).unwrap();
    refused("x.parquet", &["2.pq", "cut short by a time limit"]);

    // Half a file.
    part(2, "data.parquet", &[]);
    let half = bytes("parts/2.pq");
    fs_err::write(&whole, &half[..half.len() / 2]).unwrap();
    refused("x.parquet", &["shard 2/3 is not there", "not readable", "2.pq"]);
}

#[test]
fn damaged_aggregates_are_refused_and_folders_are_no_files() {
    let folder = folder();
    aggregate_parts(&folder);
    fs_err::create_dir(folder.path("parts/a.json")).unwrap();
    fs_err::write(folder.path("parts/b.json"), "[1, 2]").unwrap();
    folder.ok(&["merge", "parts", "-o", "joined.json"]);
    let good = folder.read("parts/2.json");
    for edit in [
        |part: &mut serde_json::Value| part["outputs"][0]["features"][0]["state"]["zeros"] = u64::MAX.into(),
        |part: &mut serde_json::Value| part["rows"] = u64::MAX.into(),
        |part: &mut serde_json::Value| {
            part["outputs"][0]["features"][1]["state"]["sum"]["digits"] = serde_json::json!([[3, i64::MAX]])
        },
        |part: &mut serde_json::Value| {
            part["outputs"][0]["features"][1]["state"]["sum"]["digits"] = serde_json::json!([[900, 1]])
        },
    ] {
        let mut part: serde_json::Value = serde_json::from_str(&good).unwrap();
        edit(&mut part);
        fs_err::write(folder.path("parts/2.json"), part.to_string()).unwrap();
        let output = folder.run(&["merge", "parts", "-o", "x.json"]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && words.contains("2.json (it is damaged)"), "{words}");
    }
}
