//! Rule sets and their Rashomon sets from the command line, on real data.

use super::{Folder, fixtures};

const TARGET: &str = "recidivate-within-two-years:1";

fn compas(folder: &Folder) -> String {
    fs_err::copy(fixtures().join("compas/compas.csv"), folder.path("compas.csv")).unwrap();
    "compas.csv".to_owned()
}

#[test]
fn rules_are_learned_shown_applied_checked_and_exported() {
    let folder = Folder::new();
    let data = compas(&folder);
    let learn = ["rules", "learn", &data, "--target", TARGET, "--weights", "people"];
    folder.ok(&[&learn[..], &["-o", "rules.json"]].concat());
    let told = folder.json(&[&learn[..], &["--json"]].concat());
    assert_eq!(told["certificate"]["objective"], "119389/324450");
    assert_eq!(told["certificate"]["lower_bound"], "119389/324450");
    assert_eq!(told["schema"], "pellucid.rules_learn/1");
    let shown = folder.ok(&["rules", "show", "rules.json"]);
    assert!(shown.contains("priors:>3") && shown.contains("Proven"), "{shown}");
    folder.ok(&["rules", "show", "rules.json", &data, "-o", "rules.html"]);
    assert!(folder.read("rules.html").contains("juvenile-crimes"));
    let predicted = folder.ok(&["rules", "predict", "rules.json", &data]);
    let lines: Vec<&str> = predicted.lines().collect();
    assert_eq!((lines[0], lines.len()), (TARGET, 322));
    assert!(lines[1..].iter().all(|line| ["0", "1"].contains(line)) && lines.contains(&"1"));
    assert_eq!(folder.json(&["rules", "verify", "rules.json", &data, "--json"])["proven"], true);
    assert!(folder.ok(&["rules", "export", "rules.json", "--to", "python"]).contains("def predict(row)"));
    assert!(folder.ok(&["rules", "export", "rules.json", "--to", "sql"]).contains("\"priors:>3\" = 1"));
    assert_eq!(folder.ok(&["rules", "export", "rules.json", "--to", "json"]), folder.read("rules.json"));
}

#[test]
fn a_changed_certificate_or_other_data_is_a_negative_answer() {
    let folder = Folder::new();
    let data = compas(&folder);
    folder.ok(&["rules", "learn", &data, "--target", TARGET, "--weights", "people", "-o", "rules.json"]);
    let text = folder.read("rules.json");
    fs_err::write(folder.path("forged.json"), text.replace("119389/324450", "119388/324450")).unwrap();
    let output = folder.run(&["rules", "verify", "forged.json", &data]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("refuted"));
    let changed = folder.read(&data).replacen(",29\n", ",30\n", 1);
    fs_err::write(folder.path("changed.csv"), changed).unwrap();
    let output = folder.run(&["rules", "verify", "rules.json", "changed.csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("the data weighs"));
}

#[test]
fn the_exported_python_predicts_as_the_rules_do() {
    let folder = Folder::new();
    folder.ok(&[
        "rules",
        "learn",
        "adult.csv",
        "--target",
        "income",
        "--max-rules",
        "60",
        "--lambda",
        "1/200",
        "-o",
        "rules.json",
    ]);
    folder.ok(&["rules", "export", "rules.json", "--to", "python", "-o", "rules.py"]);
    let script = "import csv, rules\nfor row in csv.DictReader(open('adult.csv')):\n    row = {k: v or None for k, v in row.items()}\n    print(int(rules.predict(row) == '>50K'))";
    let python = std::process::Command::new("python3")
        .current_dir(folder.path("."))
        .args(["-c", script])
        .output()
        .unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let ours = folder.ok(&["rules", "predict", "rules.json", "adult.csv"]);
    let theirs = String::from_utf8(python.stdout).unwrap();
    assert!(ours.lines().skip(1).eq(theirs.lines()));
    assert!(theirs.contains('1'));
}

#[test]
fn rashomon_sets_are_counted_listed_and_drawn() {
    let folder = Folder::new();
    let data = compas(&folder);
    let about = [
        "--target",
        TARGET,
        "--weights",
        "people",
        "--lambda",
        "1/100",
        "--within",
        "1/100",
        "--exclude-empty",
    ];
    let words = |verb: &'static str| [&["rashomon", verb, data.as_str()][..], &about[..]].concat();
    let counted = folder.json(&[words("count"), vec!["--json"]].concat());
    assert_eq!((counted["count"].as_str(), counted["exact"].as_bool()), (Some("138"), Some(true)));
    assert_eq!(counted["by_size"]["3"], "62");
    assert_eq!(counted["best"], "119389/324450");
    folder.ok(&[words("count"), vec!["-o", "count.json"]].concat());
    assert!(folder.ok(&["rules", "verify", "count.json", &data]).starts_with("proven: 138"));
    for out in ["map.svg", "map.png", "map.html"] {
        folder.ok(&[words("count"), vec!["-o", out]].concat());
    }
    folder.ok(&[words("list"), vec!["-o", "sets.csv"]].concat());
    let sets = folder.read("sets.csv");
    assert_eq!(sets.lines().count(), 139);
    let values: Vec<f64> =
        sets.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect();
    assert!(values.is_sorted());
    let sample = [words("sample"), vec!["-n", "50", "--seed", "3", "--json"]].concat();
    let drawn = folder.json(&sample);
    assert_eq!((drawn["of"].as_str(), drawn["sets"].as_array().unwrap().len()), (Some("138"), 50));
    assert_eq!(drawn, folder.json(&sample));
}

#[test]
fn a_stopped_count_is_an_interval_and_an_empty_set_an_answer() {
    let folder = Folder::new();
    let data = compas(&folder);
    let about = ["rashomon", "count", &data, "--target", TARGET, "--weights", "people", "--json"];
    let output =
        folder.run(&[&about[..], &["--theta", "1/2", "--lambda", "1/500", "--node-limit", "20000"]].concat());
    assert_eq!(output.status.code(), Some(4));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["exact"], false);
    let end = |at: usize| told["interval"][at].as_str().unwrap().to_owned();
    assert!((end(0).len(), end(0)) <= (end(1).len(), end(1)) && told["interval"][0] == told["count"]);
    let empty = folder.json(&[&about[..], &["--theta", "3/10"]].concat());
    assert_eq!((empty["count"].as_str(), empty["best"].as_str()), (Some("0"), Some("119389/324450")));
}

#[test]
fn one_against_the_rest_is_a_decision_in_order() {
    let folder = Folder::new();
    folder.ok(&[
        "rules",
        "learn",
        "adult.csv",
        "--target",
        "race",
        "--one-vs-rest",
        "--lambda",
        "1/50",
        "-o",
        "race.json",
        "--time-limit",
        "30s",
    ]);
    let predicted = folder.ok(&["rules", "predict", "race.json", "adult.csv"]);
    assert!(predicted.lines().next().unwrap().starts_with("race@"));
}

#[test]
fn mistakes_about_rules_are_explained() {
    let folder = Folder::new();
    let data = compas(&folder);
    fs_err::write(folder.path("same.csv"), "a,y\n1,1\n0,1\n").unwrap();
    fs_err::write(folder.path("three.csv"), "a,y\n1,u\n0,v\n1,w\n").unwrap();
    fs_err::write(folder.path("weights.csv"), "a,y,w\n1,1,0.5\n0,0,1\n").unwrap();
    for (words, code, pieces) in [
        (&["rules", "learn", &data, "--target", "recidivate"][..], 3, &["`recidivate`", "no column"][..]),
        (&["rules", "learn", "same.csv", "--target", "y"], 3, &["only one value", "`1`"]),
        (&["rules", "learn", "three.csv", "--target", "y"], 3, &["3 values", "--positive", "--one-vs-rest"]),
        (&["rules", "learn", "three.csv", "--target", "y", "--positive", "x"], 3, &["never `x`", "`u`"]),
        (
            &["rules", "learn", "weights.csv", "--target", "y", "--weights", "w"],
            3,
            &["row 0", "0.5", "whole numbers"],
        ),
        (
            &["rules", "learn", &data, "--target", TARGET, "--min-support", "100000"],
            3,
            &["no rule holds", "--min-support"],
        ),
        (&["rules", "learn", &data, "--target", TARGET, "--lambda", "0"], 3, &["λ is 0", "above 0"]),
        (&["rules", "learn", &data, "--target", TARGET, "--lambda", "x"], 2, &["no number", "1/50"]),
        (&["rules", "learn", &data, "--target", TARGET, "--cost", "1:0"], 2, &["whole numbers from 1"]),
        (
            &["rules", "learn", &data, "--target", TARGET, "--require", "priors:>3", "--max-size", "0"],
            3,
            &["need"],
        ),
        (
            &["rules", "learn", &data, "--target", TARGET, "--require", "priors:>3", "--drop", "priors:>3"],
            3,
            &["contradict"],
        ),
        (&["rashomon", "count", &data, "--target", TARGET], 2, &["--theta"]),
        (&["rules", "show", &data], 3, &["no rules file"]),
        (&["rules", "verify", "adult-lightgbm.txt", &data], 3, &["no rules file"]),
    ] {
        let output = folder.run(words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(output.stdout.is_empty());
        assert!(pieces.iter().all(|piece| said.contains(piece)), "{words:?}: {said}");
    }
}

#[test]
fn a_leaked_label_is_told() {
    let folder = Folder::new();
    let data = compas(&folder);
    let text = folder.read(&data);
    let leaked: String = text
        .lines()
        .enumerate()
        .map(|(n, line)| {
            format!("{line},{}\n", if n == 0 { "rearrest" } else { line.split(',').nth(14).unwrap() })
        })
        .collect();
    fs_err::write(folder.path("leaked.csv"), leaked).unwrap();
    let output = folder.run(&["rules", "learn", "leaked.csv", "--target", TARGET, "--weights", "people"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("`rearrest` holds exactly where the target does"), "{said}");
}
