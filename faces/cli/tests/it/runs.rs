//! Are runs found again, in words and as JSON, and does a store take what it is given?

use super::Folder;

/// A folder in which a run was recorded, and the tour's files.
fn with_a_run() -> Folder {
    let folder = Folder::new();
    let explain =
        ["explain", "adult-xgboost.ubj", "adult.csv", "-o", "first/values.csv", "--run", "first", "-q"];
    fs_err::create_dir(folder.path("first")).unwrap();
    folder.ok(&explain);
    folder
}

fn ids(listing: &serde_json::Value) -> Vec<String> {
    listing["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_run_is_added_found_and_named() {
    let folder = with_a_run();
    let store = ["--store", "runs"];
    let runs = |words: &[&str]| folder.ok(&[&["runs"], words, &store].concat());
    let json = |words: &[&str]| folder.json(&[&["runs"], words, &store, &["--json"]].concat());
    let added = json(&["add", "first", "--tag", "paper"]);
    assert_eq!(added["schema"], "pellucid.runs-add/1");
    assert_eq!(added["runs"][0]["was_there"], false);
    let id = added["runs"][0]["id"].as_str().unwrap().to_owned();
    // The folder is a copy with what came out.
    let values = folder.read(&format!("runs/{id}/values.csv"));
    assert_eq!(values, folder.read("first/values.csv"));
    assert_eq!(folder.read(&format!("runs/{id}/run.json")), folder.read("first/run.json"));
    assert_eq!(json(&["add", "first"])["runs"][0]["was_there"], true);

    folder.ok(&["predict", "adult-lightgbm.txt", "adult.csv", "-o", "p.csv", "--run", "second", "-q"]);
    runs(&["add", "second", "-q"]);
    let listing = json(&["list"]);
    assert_eq!((&listing["schema"], &listing["all"]), (&"pellucid.runs-list/1".into(), &2.into()));
    assert_eq!(ids(&json(&["list", "--verb", "explain"])), [id.as_str()]);
    assert_eq!(ids(&json(&["list", "--tag", "paper"])), [id.as_str()]);
    assert_eq!(ids(&json(&["list", "xgboost"])), [id.as_str()]);
    assert_eq!(ids(&json(&["list", "adult.CSV"])).len(), 2);
    assert_eq!(ids(&json(&["list", "--since", "2999"])), Vec::<String>::new());
    assert_eq!(ids(&json(&["list", "--limit", "1"])).len(), 1);
    let (newest, oldest) = (ids(&listing), ids(&json(&["list", "--sort", "oldest"])));
    assert_eq!(newest.iter().rev().collect::<Vec<_>>(), oldest.iter().collect::<Vec<_>>());
    assert_eq!(ids(&json(&["list", "--skip", "1"])), newest[1..]);

    // A run does not differ from its folder, and two of different verbs do.
    assert_eq!(json(&["diff", &id, "first"])["differences"], serde_json::json!([]));
    let differ = json(&["diff", &oldest[0], &oldest[1]]);
    assert_eq!(differ["schema"], "pellucid.runs-diff/1");
    let parts: Vec<&str> =
        differ["differences"].as_array().unwrap().iter().map(|one| one["part"].as_str().unwrap()).collect();
    for part in ["command", "input", "option", "output"] {
        assert!(parts.contains(&part), "{parts:?}");
    }
    // By verb: within one second runs have no order.
    let [explained, predicted] =
        ["explain", "predict"].map(|verb| ids(&json(&["list", "--verb", verb])).remove(0));
    assert!(runs(&["diff", &explained, &predicted]).contains("command  verb: \"explain\" -> \"predict\""));

    let short = id.rsplit('-').next().unwrap();
    runs(&["note", short, "the one of the paper"]);
    runs(&["tag", short, "paper", "--remove"]);
    let shown = json(&["show", short]);
    assert_eq!((&shown["id"], &shown["note"]), (&id.as_str().into(), &"the one of the paper".into()));
    assert_eq!((&shown["tags"], &shown["run"]["verb"]), (&serde_json::json!([]), &"explain".into()));
    let text = runs(&["show", short]);
    assert!(
        text.contains("adult-xgboost.ubj (model), sha256 ") && text.contains("again    pellucid explain"),
        "{text}"
    );
    assert_eq!(folder.json(&["runs", "show", "first", "--json"])["run"], shown["run"]);

    let mut list = folder.command(&["runs", "list", "--store", "runs"]);
    let table = String::from_utf8(list.env("COLUMNS", "80").output().unwrap().stdout).unwrap();
    // A head, two runs, and the note below its run.
    assert!(table.lines().count() == 4 && table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains(short) && table.contains("\n          the one of the paper\n"), "{table}");

    // Without the index nothing is missing.
    let before = json(&["list"]);
    for name in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = fs_err::remove_file(folder.path("runs").join(name));
    }
    assert_eq!(json(&["list"]), before);
    fs_err::write(
        folder.path("runs/index.db"),
        "no database at all, and longer than its header is; ".repeat(9),
    )
    .unwrap();
    let output = folder.run(&["runs", "list", "--store", "runs", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("index.db.broken-"), "{said}");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap(), before);
    let done = json(&["reindex"]);
    assert_eq!(
        (&done["read"], &done["added"], &done["unreadable"]),
        (&2.into(), &0.into(), &serde_json::json!([]))
    );
}

#[test]
fn a_verb_records_into_a_store_and_into_a_folder() {
    let folder = Folder::new();
    folder.ok(&["runs", "init", "-q"]);
    let predict = |run: &str| {
        folder.ok(&["predict", "adult-xgboost.ubj", "adult.csv", "-o", "p.csv", "--run", run, "-q"]);
    };
    predict(".pellucid/runs");
    predict(".pellucid/runs");
    // A folder is what it was: one run, the last.
    predict("plain");
    predict("plain");
    assert!(folder.path("plain/run.json").is_file() && !folder.path(".pellucid/runs/run.json").exists());
    // The store of this directory is meant, and the variable says otherwise.
    assert_eq!(folder.json(&["runs", "list", "--json"])["all"], 2);
    let mut elsewhere = folder.command(&["runs", "list", "--json"]);
    let output = elsewhere.env("PELLUCID_RUNS", folder.path("none")).output().unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["all"], 0);
    assert!(String::from_utf8(output.stderr).unwrap().contains("no runs yet"));
    assert!(!folder.path("none").exists(), "looking makes nothing");
}

#[test]
fn what_is_no_run_is_refused_in_words() {
    let folder = with_a_run();
    folder.ok(&["runs", "add", "first", "--store", "runs", "-q"]);
    fs_err::create_dir_all(folder.path("runs/broken")).unwrap();
    fs_err::write(folder.path("runs/broken/run.json"), "{").unwrap();
    for (words, code, piece) in [
        (&["runs", "list", "--store", "nowhere"][..], 3, "runs init"),
        (&["runs", "add", "nowhere", "--store", "runs"], 3, "nowhere"),
        (&["runs", "add", ".", "--store", "runs"], 3, "no run.json is in it"),
        (&["runs", "add", "first", "--tag", "two words", "--store", "new"], 2, "a tag is one word"),
        (&["runs", "show", "zzz", "--store", "runs"], 3, "no run in runs"),
        (&["runs", "show", "broken", "--store", "runs"], 3, "no run file"),
        (&["runs", "list", "--since", "yesterday"], 2, "2026-11-27"),
        (&["runs", "init", "first"], 2, "the folder of one run"),
    ] {
        let output = folder.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(code) && said.contains(piece), "{words:?}: {said}");
    }
    assert!(!folder.path("new").exists(), "nothing is made for what is refused");
    // The others are listed, and the folder stays.
    let output = folder.run(&["runs", "list", "--store", "runs"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("can't be read: runs/broken/run.json"), "{said}");
    assert!(folder.path("runs/broken/run.json").is_file());
}
