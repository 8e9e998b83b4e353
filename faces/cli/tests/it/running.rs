//! Is a run recorded so that it can be done again, and can it be stopped?

use std::time::{Duration, Instant};

use super::Folder;

#[test]
fn a_run_folder_says_what_was_done_and_how_to_do_it_again() {
    let folder = Folder::new();
    let words =
        ["explain", "adult-xgboost.ubj", "adult.csv", "-o", "v.csv", "--run", "run", "--threads", "1"];
    folder.ok(&words);
    let run: serde_json::Value = serde_json::from_str(&folder.read("run/run.json")).unwrap();
    assert_eq!(run["schema"], "pellucid.run/1");
    assert_eq!(run["options"]["method"], "auto");
    assert_eq!(run["options"]["output_space"], "margin");
    assert_eq!(run["inputs"].as_array().unwrap().len(), 2);
    assert!(run["results"]["outputs"][0]["worst_residual"].as_f64().unwrap() < 1e-12);
    let hash = run["outputs"][0]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(hash.len(), 64);
    // Done again by its own command, it gives the same bytes.
    let command: Vec<String> =
        run["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    let again: Vec<&str> = command[1..].iter().map(String::as_str).collect();
    assert_eq!(again, words);
    folder.ok(&again);
    let run: serde_json::Value = serde_json::from_str(&folder.read("run/run.json")).unwrap();
    assert_eq!(run["outputs"][0]["sha256"], hash);
    let shown = folder.ok(&["inspect", "run"]);
    assert!(shown.contains("explain") && shown.contains(&hash[..12]), "{shown}");
    assert_eq!(folder.json(&["inspect", "run", "--json"])["run"], run);
    // Whatever stands where a hash belongs.
    let strange = folder.read("run/run.json").replace(&hash, &"é→国".repeat(9));
    fs_err::write(folder.path("run/run.json"), strange).unwrap();
    assert!(folder.ok(&["inspect", "run"]).contains("sha256 é→国é→国"));
}

#[test]
fn inspecting_says_what_a_file_is() {
    let folder = Folder::new();
    let model = folder.json(&["inspect", "adult-xgboost.ubj", "--json"]);
    assert_eq!(model["schema"], "pellucid.inspect/1");
    assert_eq!((&model["what"], &model["trees"], &model["depth"]), (&"model".into(), &100.into(), &4.into()));
    assert_eq!(model["features"].as_array().unwrap().len(), 14);
    let data = folder.json(&["inspect", "adult.csv", "--json"]);
    assert_eq!((&data["what"], &data["rows"]), (&"data".into(), &1500.into()));
    let text = folder.ok(&["inspect", "adult.csv"]);
    assert!(text.contains("1500 rows, 15 columns") && text.contains("integer"), "{text}");
}

/// A data file on which `quadrature` takes seconds.
fn large(folder: &Folder) {
    let data = folder.read("adult.csv");
    let (head, rows) = data.split_once('\n').unwrap();
    fs_err::write(folder.path("large.csv"), format!("{head}\n{}", rows.repeat(200))).unwrap();
}

#[test]
fn the_first_interrupt_ends_long_work_tidily() {
    let folder = Folder::new();
    large(&folder);
    let mut child = folder
        .command(&["explain", "adult-lightgbm.txt", "large.csv", "-o", "v.csv", "--method", "quadrature"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let start = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(5));
    let left = fs_err::read_dir(folder.path(""))
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("v.csv"));
    assert_eq!(left.count(), 0, "a half-written file was left behind");
}

#[test]
fn a_time_limit_leaves_a_valid_beginning() {
    let folder = Folder::new();
    large(&folder);
    let words = [
        "explain",
        "adult-lightgbm.txt",
        "large.csv",
        "-o",
        "v.csv",
        "--method",
        "quadrature",
        "--time-limit",
        "2s",
    ];
    let output = folder.run(&words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("the time limit was reached"), "{said}");
    let (_, rows) = super::csv(&folder.read("v.csv"));
    assert!(!rows.is_empty() && rows.len() < 300_000);
    assert!(said.contains(&format!("first {} rows", rows.len())), "{said} with {} rows", rows.len());
}
