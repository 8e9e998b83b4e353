//! Rule sets and their Rashomon sets from the command line, on real data.

use super::Folder;

const TARGET: &str = "recidivate-within-two-years:1";
const DATA: &str = "compas.csv";

#[test]
fn rules_are_learned_shown_applied_checked_and_exported() {
    let folder = Folder::new();
    let learn = ["rules", "learn", DATA, "--target", TARGET, "--weights", "people"];
    folder.ok(&[&learn[..], &["-o", "rules.json"]].concat());
    let told = folder.json(&[&learn[..], &["--json"]].concat());
    assert_eq!(told["certificate"]["objective"], "119389/324450");
    assert_eq!(told["certificate"]["lower_bound"], "119389/324450");
    assert_eq!(told["schema"], "pellucid.rules_learn/1");
    assert!(
        folder.ok(&["inspect", "rules.json"]).contains("2 rules, objective 119389/324450, proven optimal")
    );
    let shown = folder.ok(&["rules", "show", "rules.json"]);
    assert!(shown.contains("priors:>3") && shown.contains("Proven"), "{shown}");
    folder.ok(&["rules", "show", "rules.json", DATA, "-o", "rules.html"]);
    assert!(folder.read("rules.html").contains("juvenile-crimes"));
    let predicted = folder.ok(&["rules", "predict", "rules.json", DATA]);
    let lines: Vec<&str> = predicted.lines().collect();
    assert_eq!((lines[0], lines.len()), (TARGET, 322));
    assert!(lines[1..].iter().all(|line| ["0", "1"].contains(line)) && lines.contains(&"1"));
    assert_eq!(folder.json(&["rules", "verify", "rules.json", DATA, "--json"])["proven"], true);
    assert!(folder.ok(&["rules", "export", "rules.json", "--to", "python"]).contains("def predict(row)"));
    assert!(folder.ok(&["rules", "export", "rules.json", "--to", "sql"]).contains("\"priors:>3\" = 1"));
    assert_eq!(folder.ok(&["rules", "export", "rules.json", "--to", "json"]), folder.read("rules.json"));
}

#[test]
fn a_changed_certificate_or_other_data_is_a_negative_answer() {
    let folder = Folder::new();
    folder.ok(&["rules", "learn", DATA, "--target", TARGET, "--weights", "people", "-o", "rules.json"]);
    let text = folder.read("rules.json");
    fs_err::write(folder.path("forged.json"), text.replace("119389/324450", "119388/324450")).unwrap();
    let output = folder.run(&["rules", "verify", "forged.json", DATA]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("refuted"));
    let changed = folder.read(DATA).replacen(",29\n", ",30\n", 1);
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
    let words = |verb: &'static str| [&["rashomon", verb, DATA][..], &about[..]].concat();
    let counted = folder.json(&[words("count"), vec!["--json"]].concat());
    assert_eq!((counted["count"].as_str(), counted["exact"].as_bool()), (Some("138"), Some(true)));
    assert_eq!(counted["by_size"]["3"], "62");
    assert_eq!(counted["best"], "119389/324450");
    folder.ok(&[words("count"), vec!["-o", "count.json"]].concat());
    assert!(folder.ok(&["rules", "verify", "count.json", DATA]).starts_with("proven: 138"));
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
    let about = ["rashomon", "count", DATA, "--target", TARGET, "--weights", "people", "--json"];
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
fn a_limit_has_an_exit_code_of_its_own() {
    let folder = Folder::new();
    let learned = ["rules", "learn", DATA, "--target", TARGET, "--weights", "people", "-o", "rules.json"];
    folder.ok(&learned);
    let task = ["adult.csv", "--target", "income", "--within", "1/100", "--time-limit", "0s"];
    let about = |words: &[&'static str]| [&["rashomon", words[0]][..], &task[..], &words[1..]].concat();
    let nodes = ["--theta", "1/2", "--lambda", "1/500", "--node-limit", "2000"];
    let stopped = [&["rashomon", "count", DATA, "--target", TARGET, "-o", "count.json"][..], &nodes].concat();
    for words in [
        about(&["count"]),
        about(&["count", "--approximate"]),
        about(&["list"]),
        about(&["list", "-o", "all.sets"]),
        about(&["sample"]),
        about(&["sample", "--method", "parity"]),
        about(&["study"]),
        stopped,
    ] {
        let output = folder.run(&words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{words:?}: {said}");
        assert!(said.contains("limit"), "{words:?}: {said}");
    }
    assert!(!folder.path("all.sets").exists() && !folder.path("count.json").exists());
    let output = folder.run(&["rules", "verify", "rules.json", DATA, "--time-limit", "0s"]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn what_was_not_seen_to_the_end_is_not_told_as_if() {
    let folder = Folder::new();
    let about = ["--target", TARGET, "--weights", "people", "--theta", "0.4"];
    let run = |words: &[&'static str]| {
        let output = folder.run(&[&["rashomon", words[0], DATA][..], &about, &words[1..]].concat());
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    // Which set is the first of such an identity is certain at the end only.
    for identity in ["irredundant", "predictions"] {
        let (code, said) = run(&["list", "--identity", identity, "--node-limit", "100", "-n", "1"]);
        assert!(code == Some(4) && said.contains("stopped by a limit") && !said.contains("priors"), "{said}");
    }
    let (code, said) = run(&["count", "--identity", "predictions", "--node-limit", "100"]);
    assert!(code == Some(4) && said.contains("not certain before the end"), "{said}");
    run(&["count", "--node-limit", "5000", "-o", "c.html"]);
    assert!(!folder.read("c.html").contains("· exact"));
    let (code, said) = run(&["study", "--bootstrap", "5", "--node-limit", "13000"]);
    assert!(code == Some(4) && said.contains("bootstrap drawings out"), "{said}");
    let (code, said) = run(&["study", "--time-limit", "5ms"]);
    assert!(code == Some(4) && !said.contains("empty"), "{said}");
    let (code, said) = run(&["sample", "-n", "3000000", "--memory-limit", "1MB"]);
    assert!(code == Some(4) && said.contains("bytes"), "{said}");
}

#[test]
fn a_list_of_all_is_complete_and_an_empty_set_says_what_would_do() {
    let folder = Folder::new();
    let about = ["--target", TARGET, "--weights", "people", "--within", "1/100", "--exclude-empty"];
    let listed = |n: &'static str| {
        folder.json(&[&["rashomon", "list", DATA][..], &about, &["-n", n, "--json"]].concat())
    };
    assert_eq!(
        (listed("138")["complete"].as_bool(), listed("137")["complete"].as_bool()),
        (Some(true), Some(false))
    );
    let empty = ["--target", TARGET, "--weights", "people", "--theta", "1/10"];
    for (verb, code) in [("count", 0), ("list", 0), ("sample", 3), ("study", 3)] {
        let output = folder.run(&[&["rashomon", verb, DATA][..], &empty].concat());
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{verb}: {said}");
        assert!(said.contains("the best objective is 119389/324450"), "{verb}: {said}");
    }
}

#[test]
fn rules_are_shown_over_the_rows_that_they_are_about() {
    let folder = Folder::new();
    let learned = ["rules", "learn", DATA, "--target", TARGET, "--weights", "people"];
    folder.ok(&[&learned[..], &["-o", "rules.json"]].concat());
    let shown = folder.ok(&["rules", "show", "rules.json", DATA]);
    assert!(shown.contains("6489 rows · 2258 errors") && shown.contains("proven optimal"), "{shown}");
    let half: Vec<String> = folder.read(DATA).lines().take(100).map(str::to_owned).collect();
    fs_err::write(folder.path("half.csv"), half.join("\n")).unwrap();
    let other = folder.ok(&["rules", "show", "rules.json", "half.csv"]);
    assert!(other.contains("not the rows that the certificate is about"), "{other}");
    let told = folder.json(&["rules", "show", "rules.json", "half.csv", "--json"]);
    assert_eq!(told["classes"][0]["own_rows"], false);
}

#[test]
fn all_sets_fit_into_a_small_file_that_is_inspected() {
    let folder = Folder::new();
    let about = ["--target", TARGET, "--weights", "people", "--within", "1/100", "--exclude-empty"];
    folder.ok(&[&["rashomon", "list", DATA][..], &about, &["-o", "all.sets"]].concat());
    let told = folder.json(&["inspect", "all.sets", "--json"]);
    let counted = folder.json(&[&["rashomon", "count", DATA][..], &about, &["--json"]].concat());
    assert_eq!(told["count"], counted["count"]);
    assert_eq!(told["by_size"], counted["by_size"]);
    assert_eq!(told["best"]["objective"], counted["best"]);
    let listed = folder.json(&[&["rashomon", "list", DATA][..], &about, &["-n", "1", "--json"]].concat());
    assert_eq!(told["best"]["rules"], listed["sets"][0]["rules"]);
    let mut bytes = fs_err::read(folder.path("all.sets")).unwrap();
    bytes.pop();
    fs_err::write(folder.path("cut.sets"), bytes).unwrap();
    let output = folder.run(&["inspect", "cut.sets"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("ends before its number of sets"), "{said}");
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
    fs_err::write(folder.path("same.csv"), "a,y\n1,1\n0,1\n").unwrap();
    fs_err::write(folder.path("flat.csv"), "a,y\n1,1\n1,0\n").unwrap();
    fs_err::write(folder.path("two.csv"), "a,y\nu,1\nv,0\n").unwrap();
    fs_err::write(folder.path("three.csv"), "a,y\n1,u\n0,v\n1,w\n").unwrap();
    fs_err::write(folder.path("weights.csv"), "a,y,w\n1,1,0.5\n0,0,1\n").unwrap();
    for (words, code, pieces) in [
        (&["rules", "learn", DATA, "--target", "recidivate"][..], 3, &["`recidivate`", "no column"][..]),
        (&["rules", "learn", "same.csv", "--target", "y"], 3, &["only one value", "`1`"]),
        (&["rules", "learn", "three.csv", "--target", "y"], 3, &["3 values", "--positive", "--one-vs-rest"]),
        (&["rules", "learn", "three.csv", "--target", "y", "--positive", "x"], 3, &["never `x`", "`u`"]),
        (
            &["rules", "learn", "weights.csv", "--target", "y", "--weights", "w"],
            3,
            &["row 0", "0.5", "whole numbers"],
        ),
        (
            &["rules", "learn", DATA, "--target", TARGET, "--min-support", "100000"],
            3,
            &["no condition holds in 100000 rows", "most frequent one holds in", "lower --min-support"],
        ),
        (&["rules", "learn", DATA, "--target", TARGET, "--lambda", "0"], 3, &["λ is 0", "above 0"]),
        (&["rules", "learn", DATA, "--target", TARGET, "--lambda", "x"], 2, &["no number", "1/50"]),
        (&["rules", "learn", DATA, "--target", TARGET, "--cost", "1:0"], 2, &["whole numbers from 1"]),
        (
            &["rules", "learn", DATA, "--target", TARGET, "--require", "priors:>3", "--max-size", "0"],
            3,
            &["need"],
        ),
        (
            &["rules", "learn", DATA, "--target", TARGET, "--require", "priors:>3", "--drop", "priors:>3"],
            3,
            &["contradict"],
        ),
        (&["rashomon", "count", DATA, "--target", TARGET], 2, &["--theta", "--within", "--times"]),
        (&["rules", "learn", DATA, "--target", TARGET, "--drop", TARGET], 3, &["is the target"]),
        (
            &[
                "rules",
                "learn",
                DATA,
                "--target",
                TARGET,
                "--monotone",
                "sex:Male=+",
                "--monotone",
                "sex:Male=-",
            ],
            3,
            &["contradict each other"],
        ),
        (
            &["rules", "learn", "adult.csv", "--target", "income", "--monotone", "sex=+"],
            3,
            &["holds categories"],
        ),
        (&["rules", "learn", "flat.csv", "--target", "y"], 3, &["none of the 1 columns", "one value only"]),
        (&["rules", "learn", "two.csv", "--target", "y", "--drop", "a"], 3, &["no column is left"]),
        (&["rules", "learn", "two.csv", "--target", "y", "--monotone", "a=+"], 3, &["have no direction"]),
        (
            &["rashomon", "study", DATA, "--target", TARGET, "--within", "1/100", "--group", TARGET],
            2,
            &["is the target", "groups of rows"],
        ),
        (
            &["rashomon", "list", DATA, "--target", TARGET, "--within", "1/100", "-n", "5", "-o", "x.sets"],
            2,
            &["--order and --limit"],
        ),
        (
            &[
                "rashomon",
                "list",
                DATA,
                "--target",
                TARGET,
                "--within",
                "1/100",
                "-o",
                "x.sets",
                "--identity",
                "irredundant",
            ],
            2,
            &["`subset` and `columns`"],
        ),
        (
            &["rashomon", "sample", DATA, "--target", TARGET, "--within", "1/100", "-n", "0"],
            2,
            &["0 is not in 1.."],
        ),
        (
            &[
                "rashomon",
                "sample",
                DATA,
                "--target",
                TARGET,
                "--weights",
                "people",
                "--within",
                "1/100",
                "-n",
                "100000000",
            ],
            3,
            &["100000000 draws", "at most"],
        ),
        (
            &[
                "rashomon",
                "study",
                DATA,
                "--target",
                TARGET,
                "--weights",
                "people",
                "--within",
                "1/100",
                "--most-members",
                "0",
            ],
            2,
            &["--most-members"],
        ),
        (&["rules", "show", DATA], 3, &["no rules file"]),
        (&["rules", "verify", "adult-lightgbm.txt", DATA], 3, &["no rules file"]),
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
    let text = folder.read(DATA);
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

#[test]
fn a_study_tells_ranges_and_estimates_wear_their_guarantee() {
    let folder = Folder::new();
    let about = ["--target", TARGET, "--weights", "people", "--within", "1/100", "--exclude-empty"];
    let words = |verb: &'static str| [&["rashomon", verb, DATA][..], &about[..]].concat();
    let study =
        folder.json(&[words("study"), vec!["--group", "sex:Male", "--bootstrap", "3", "--json"]].concat());
    assert_eq!((study["members"].as_u64(), study["exact"].as_bool()), (Some(138), Some(true)));
    let reliance = study["reliance"].as_array().unwrap();
    let of = |name: &str| reliance.iter().find(|one| one["feature"] == name).unwrap();
    assert!(of("priors:>3")["low"].as_f64().unwrap() > 0.05);
    assert!(of("sex:Male")["low"].as_f64().unwrap() <= 0.0);
    assert_eq!(study["fairness"].as_array().unwrap().len(), 3);
    assert_eq!(study["short_list"].as_array().unwrap().len(), 5);
    // A sample of the members says that it is one.
    let sampled = folder.json(&[words("study"), vec!["--most-members", "50", "--json"]].concat());
    assert_eq!((sampled["exact"].as_bool(), sampled["members"].as_u64()), (Some(false), Some(50)));
    folder.ok(&[words("study"), vec!["-o", "study.html"]].concat());
    assert!(folder.read("study.html").contains("priors:&gt;3"));

    let wide = ["rashomon", "count", DATA, "--target", TARGET, "--weights", "people", "--within", "1/50"];
    let exact: f64 =
        folder.json(&[&wide[..], &["--json"]].concat())["count"].as_str().unwrap().parse().unwrap();
    let told = folder.json(&[&wide[..], &["--approximate", "--seed", "4", "--json"]].concat());
    let estimate: f64 = told["count"].as_str().unwrap().parse().unwrap();
    assert!(told["exact"] == false && told["guarantee"].as_str().unwrap().contains("0.8"));
    assert!((exact / 1.8..=exact * 1.8).contains(&estimate), "{estimate} of {exact}");
    let drawn = folder.json(&[words("sample"), vec!["--method", "parity", "-n", "4", "--json"]].concat());
    assert_eq!(drawn["method"], "UniGen");
    let probed = folder.json(&[words("sample"), vec!["--method", "tree", "-n", "50", "--json"]].concat());
    assert_eq!(probed["guarantee"], "no finite-sample guarantee");
}
