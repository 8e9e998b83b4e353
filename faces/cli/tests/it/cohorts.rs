//! Does `--where` take the rows that the workbench takes, and say the same of them?

use std::num::NonZeroUsize;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use pellucid::data::read::ReadOptions;
use pellucid_server::{Address, Answer, Options, Source, Workbench};
use serde_json::Value;

use super::{Folder, csv};

const MODEL: &str = "adult-xgboost.ubj";

/// Whether a row meets conditions, by its cells.
type Holds = fn(&dyn Fn(&str) -> String) -> bool;
/// The conditions, and which rows of the file meet them.
type Case = (&'static [&'static str], Holds);

fn cases() -> Vec<Case> {
    vec![
        (&["age:>=:40", "sex:=:Female"], |cell| age(cell) >= 40.0 && cell("sex") == "Female"),
        (&["education:=:Masters", "education:=:Doctorate", "income:=:>50K"], |cell| {
            ["Masters", "Doctorate"].contains(&cell("education").as_str()) && cell("income") == ">50K"
        }),
        (&["workclass:missing"], |cell| cell("workclass").is_empty()),
        (&["workclass:!=:Private", "age:<:30"], |cell| {
            !["Private", ""].contains(&cell("workclass").as_str()) && age(cell) < 30.0
        }),
    ]
}

fn age(cell: &dyn Fn(&str) -> String) -> f64 {
    cell("age").parse().unwrap()
}

/// The numbers of the rows of the file that a case means.
fn rows_of(folder: &Folder, holds: Holds) -> Vec<usize> {
    let text = folder.read("adult.csv");
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let meets = |row: &Vec<String>| {
        holds(&|name: &str| row[names.iter().position(|own| own == name).unwrap()].clone())
    };
    lines.enumerate().filter(|(_, row)| meets(row)).map(|(at, _)| at).collect()
}

fn workbench(folder: &Folder) -> Arc<Workbench> {
    let sources = [MODEL, "adult.csv"].map(|name| Source::File(folder.path(name))).to_vec();
    let options = Options {
        reading: ReadOptions::default(),
        drop: Vec::new(),
        threads: NonZeroUsize::MIN,
        most_bytes: 1 << 30,
    };
    Arc::new(Workbench::open(sources, options).unwrap())
}

fn page(workbench: &Arc<Workbench>, path: &str, conditions: &[&str]) -> Value {
    let pairs: Vec<(&str, &str)> = conditions.iter().map(|one| ("where", *one)).collect();
    loop {
        match workbench.answer(&Address::of(path, &pairs)).unwrap() {
            Answer::Ready(value) => return value,
            Answer::Working(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// What the command of a page prints, in the words of a shell.
fn again(folder: &Folder, page: &Value) -> Value {
    let command = page["command"].as_str().unwrap();
    let command = command.replacen("pellucid", env!("CARGO_BIN_EXE_pellucid"), 1) + " --json";
    let output = Command::new("sh").args(["-c", &command]).current_dir(folder.path(".")).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn pages_and_their_commands_agree_to_the_digit() {
    let folder = Folder::new();
    let workbench = workbench(&folder);
    for (conditions, holds) in cases() {
        let own = rows_of(&folder, holds);
        assert!((2..700).contains(&own.len()), "{conditions:?}: {}", own.len());
        let global = page(&workbench, "/api/global", conditions);
        let told = again(&folder, &global);
        assert_eq!((told["rows"].as_u64(), &told["rows"]), (Some(own.len() as u64), &global["n_rows"]));
        let output = &told["outputs"][0];
        assert_eq!(output["worst_residual"], global["worst_residual"], "{conditions:?}");
        let features = global["features"].as_array().unwrap();
        assert_eq!(features.len(), 14);
        for feature in features {
            let found = output["features"].as_array().unwrap();
            let found = found.iter().find(|one| one["name"] == feature["name"]).unwrap();
            assert_eq!(found, feature, "{conditions:?}");
        }
        let data = page(&workbench, "/api/data", conditions);
        let told = again(&folder, &data);
        assert_eq!(told["rows"].as_u64(), Some(own.len() as u64));
        assert_eq!((&told["rows"], &told["all_rows"]), (&data["n_rows"], &data["n_all"]));
        assert_eq!(told["where"], data["cohort"]);
        for (column, shown) in
            told["columns"].as_array().unwrap().iter().zip(data["columns"].as_array().unwrap())
        {
            assert_eq!(
                (&column["name"], &column["missing"]),
                (&shown["name"], &shown["n_missing"]),
                "{conditions:?}"
            );
            if shown["spread"].is_null() {
                assert_eq!(
                    column["levels"].as_u64().unwrap_or(0),
                    shown["n_distinct"].as_u64().unwrap(),
                    "{column}"
                );
            } else {
                assert_eq!(column["low"], shown["spread"]["low"]["value"]);
                assert_eq!(column["high"], shown["spread"]["high"]["value"]);
            }
        }
    }
}

#[test]
fn values_are_those_of_the_rows_alone() {
    let folder = Folder::new();
    folder.ok(&["explain", MODEL, "adult.csv", "-o", "all.csv", "-q"]);
    let (names, all) = csv(&folder.read("all.csv"));
    for (conditions, holds) in cases() {
        let asked: Vec<&str> = conditions.iter().flat_map(|one| ["--where", one]).collect();
        folder.ok(&[&["explain", MODEL, "adult.csv", "-o", "some.csv", "-q"][..], &asked].concat());
        let (own_names, some) = csv(&folder.read("some.csv"));
        assert_eq!(own_names, [names.as_slice(), &["row".to_owned()]].concat());
        let rows = rows_of(&folder, holds);
        assert_eq!(some.len(), rows.len(), "{conditions:?}");
        // Fewer rows may be explained in another way, which rounds otherwise.
        for (found, row) in some.iter().zip(rows) {
            let is_near = |(x, y): (&f64, &f64)| (x - y).abs() < 1e-12;
            assert!(found.iter().zip(&all[row]).all(is_near), "{conditions:?}: row {row}");
            assert_eq!(found.last(), Some(&(row as f64)), "{conditions:?}");
        }
    }
    // A report and an aggregate are of these rows too, and say so.
    let asked = ["--where", "age:>=:40", "--where", "sex:=:Female"];
    folder.ok(&[&["explain", MODEL, "adult.csv", "-o", "report.html", "-q"][..], &asked].concat());
    let n = rows_of(&folder, cases()[0].1).len();
    let report = folder.read("report.html");
    assert!(report.contains(&format!("adult.csv, {n} rows where age is at least 40 and sex is Female")));
    let told = folder.json(&[&["explain", MODEL, "adult.csv", "--aggregate", "--json"][..], &asked].concat());
    assert_eq!(told["rows"].as_u64(), Some(n as u64));
}

#[test]
fn files_of_some_rows_say_which_ones() {
    let folder = Folder::new();
    let asked = ["--where", "age:>=:40", "--where", "sex:=:Female"];
    let rows = rows_of(&folder, cases()[0].1);
    let write = |more: &[&str], out: &str| {
        folder.ok(&[&["explain", MODEL, "adult.csv", "-q", "-o", out][..], &asked, more].concat());
    };
    let numbers = |name: &str| {
        let (names, table) = csv(&folder.read(name));
        assert_eq!(names.last().unwrap(), "row");
        table.iter().map(|row| *row.last().unwrap() as usize).collect::<Vec<_>>()
    };
    write(&["--interactions"], "pairs.csv");
    assert_eq!(numbers("pairs.csv"), rows);
    for (more, name) in
        [(&[][..], "values.json"), (&["--top-k", "3"], "top.json"), (&["--interactions"], "pairs.json")]
    {
        write(more, name);
        let told: Value = serde_json::from_str(&folder.read(name)).unwrap();
        assert_eq!(told["row_numbers"], Value::from(rows.clone()), "{name}");
        assert_eq!(told["rows"].as_array().unwrap().len(), rows.len());
    }
    write(&["--top-k", "3"], "top.csv");
    let text = folder.read("top.csv");
    let mut lines = text.lines();
    assert!(lines.next().unwrap().ends_with(",row"));
    let last: Vec<usize> = lines.map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(last, rows);
    // Of all rows the place is the number.
    folder.ok(&["explain", MODEL, "adult.csv", "-q", "-o", "all.json"]);
    assert!(!folder.read("all.json").contains("row_numbers"));
    // A picture alone says it, too.
    let words = format!("{} rows where age is at least 40 and sex is Female", rows.len());
    for more in [&[][..], &["--plot", "bar"], &["--plot", "partial", "--feature", "age"], &["--interactions"]]
    {
        write(more, "picture.svg");
        let text = folder.read("picture.svg").replace("</text>", " ");
        let shown: String =
            text.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, own)| own).collect();
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(&words), "{more:?}: {shown}");
    }
}

#[test]
fn the_number_has_another_name_beside_a_feature_of_its_own() {
    let folder = Folder::new();
    let asked = ["--where", "age:>=:60"];
    let group = ["--group", "row=age,sex"];
    folder.ok(&[&["explain", MODEL, "adult.csv", "-q", "-o", "grouped.csv"][..], &asked, &group].concat());
    let (names, table) = csv(&folder.read("grouped.csv"));
    assert_eq!((names[0].as_str(), names.last().unwrap().as_str()), ("row", "row_number"));
    let rows = rows_of(&folder, |cell| age(cell) >= 60.0);
    assert_eq!(table.iter().map(|row| *row.last().unwrap() as usize).collect::<Vec<_>>(), rows);
    let both = [&group[..], &["--group", "row_number=education,race"]].concat();
    let output = folder.run(&[&["explain", MODEL, "adult.csv", "-o", "no.csv"][..], &asked, &both].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("`row_number` would appear twice"), "{said}");
}

#[cfg(unix)]
#[test]
fn what_can_be_read_once_is_not_asked_twice() {
    let folder = Folder::new();
    let pipe = folder.path("pipe.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Nobody writes into it: whoever opened it would wait for ever.
    for words in [&["explain", MODEL, "pipe.csv"][..], &["inspect", "pipe.csv"]] {
        let mut command = folder.command(&[words, &["--where", "age:>:20"]].concat());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let start = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // It has ended, or is ended now and has no code.
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains("pipe.csv can be read only once"), "{said}");
    }
}

#[test]
fn conditions_that_can_not_be_asked_say_why() {
    let folder = Folder::new();
    let refused = |words: &[&str]| {
        let output = folder.run(words);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (condition, piece) in [
        ("aeg:>:3", "the table has no column `aeg`; did you mean `age`?"),
        ("sex:=:Femal", "sex is never `Femal`; did you mean `Female`?"),
        ("sex:<:Male", "sex holds text, which is neither below nor above"),
        ("age:=:old", "`old` is no number"),
        ("age", "a column and a test belong there, as `age:=:VALUE`"),
        ("age:>:200", "there is no row where age is above 200; take a condition away"),
    ] {
        let (code, said) = refused(&["explain", MODEL, "adult.csv", "--where", condition]);
        assert_eq!(code, Some(2), "{condition}: {said}");
        assert!(said.contains("--where") && said.contains(piece), "{condition}: {said}");
    }
    let (code, said) = refused(&["explain", MODEL, "-", "--where", "age:>:20"]);
    assert!(code == Some(2) && said.contains("name the file"), "{said}");
    for words in [&["--row", "3"][..], &["--shard", "1/2"]] {
        let (code, said) =
            refused(&[&["explain", MODEL, "adult.csv", "--where", "age:>:20"][..], words].concat());
        assert!(code == Some(2) && said.contains("cannot be used with"), "{said}");
    }
    let (code, said) = refused(&["inspect", "adult.csv", "--where", "age:>:200"]);
    assert!(code == Some(2) && said.contains("there is no row where age is above 200"), "{said}");
    // A model is no data.
    let (code, said) = refused(&["inspect", MODEL, "--where", "age:>:20"]);
    assert_eq!(code, Some(3), "{said}");
}
