//! Does a mistake get an error that says what, where and what to do, with its exit code, and nothing half written?

use super::{Folder, fixtures};

const MODEL: &str = "adult-xgboost.ubj";
const DATA: &str = "adult.csv";

/// Runs what must fail; the code, and what was said.
fn refused(folder: &Folder, words: &[&str]) -> (i32, String) {
    let output = folder.run(words);
    assert!(output.stdout.is_empty(), "{words:?} printed {}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn mistakes_are_explained() {
    let folder = Folder::new();
    let write = |name: &str, text: &str| fs_err::write(folder.path(name), text).unwrap();
    let data = folder.read(DATA);
    write("renamed.csv", &data.replacen("capital-gain", "capital_gain", 1));
    write("ragged.csv", &format!("{}1,2,3\n", &data[..data.find('\n').unwrap() + 1]));
    write("twice.csv", &data.replacen("age", "sex", 1));
    write("empty.csv", "");
    write("header.csv", &data[..data.find('\n').unwrap() + 1]);
    write("unseen.csv", &data.replacen("Masters", "Mastersx", 1));
    write("text.csv", &data.replace("\n39,", "\nthirty,"));
    write("cut.txt", &folder.read("adult-lightgbm.txt")[..9_000]);
    let mut ubj = fs_err::read(folder.path(MODEL)).unwrap();
    ubj.truncate(50_000);
    fs_err::write(folder.path("cut.ubj"), ubj).unwrap();
    fs_err::create_dir(folder.path("folder.csv")).unwrap();
    write("sheet.xlsx", "PK\u{3}\u{4}\u{14}\0");
    write("unquoted.jsonl", "{id: 1}\n");
    write("trees.csv", "tree\noak\nelm\n");
    assert!(folder.ok(&["inspect", "trees.csv"]).contains("elm, oak"), "a column may be called `tree`");
    write("ours.json", "{\"schema\": \"pellucid.explanation/1\", \"rows\": []}\n");
    write("other.json", "{\"name\": \"no model\"}\n");
    write("list.json", "[{\"age\": 1}, {\"age\": 2}]\n");
    let cyclic = fixtures().join("xgboost-3.4.1/reject-cycle.json").display().to_string();
    let linear = fixtures().join("lightgbm-4.7.0/reject-linear-tree.txt").display().to_string();
    for (words, code, pieces) in [
        (
            &["explain", MODEL, "renamed.csv", "-o", "x.csv"][..],
            3,
            &["`capital-gain`", "did you mean `capital_gain`"][..],
        ),
        (
            &["explain", MODEL, "ragged.csv", "-o", "x.csv"],
            3,
            &["line 2", "3 fields where the header has 15"],
        ),
        (&["explain", MODEL, "twice.csv", "-o", "x.csv"], 3, &["`sex`", "twice"]),
        (&["explain", MODEL, "empty.csv", "-o", "x.csv"], 3, &["empty.csv", "empty"]),
        (&["explain", MODEL, "header.csv", "-o", "x.csv"], 3, &["header.csv", "no rows"]),
        (
            &["explain", MODEL, "unseen.csv", "-o", "x.csv"],
            3,
            &["column `education`, row ", "Mastersx", "did you mean `Masters`"],
        ),
        (&["explain", MODEL, "text.csv", "-o", "x.csv"], 3, &["column `age`", "`thirty`"]),
        (&["explain", MODEL, "nowhere.csv", "-o", "x.csv"], 3, &["nowhere.csv", "No such file"]),
        (&["explain", DATA, MODEL, "-o", "x.csv"], 3, &["adult.csv", "data and model were swapped"]),
        (
            &["explain", MODEL, MODEL, "-o", "x.csv"],
            3,
            &["saved model (XGBoost UBJSON)", "rows of data are wanted"],
        ),
        (
            &["explain", MODEL, DATA, "--background", MODEL, "-o", "x.csv"],
            3,
            &["rows of data are wanted here"],
        ),
        (&["explain", MODEL, "sheet.xlsx", "-o", "x.csv"], 3, &["a zip archive", "CSV, JSON lines"]),
        (&["inspect", "unquoted.jsonl"], 3, &["line 1", "one JSON object"]),
        (&["inspect", "ours.json"], 3, &["Pellucid itself wrote"]),
        (&["explain", "other.json", DATA, "-o", "x.csv"], 3, &["without `learner`"]),
        (&["inspect", "."], 3, &["a folder without run.json"]),
        (
            &["explain", MODEL, DATA, "-o", "x.csv", "--run", "header.csv/run"],
            2,
            &["`header.csv` is no folder"],
        ),
        (
            &["explain", MODEL, DATA, "-o", "x.csv", "--run", "header.csv"],
            2,
            &["--run header.csv", "no folder"],
        ),
        (&["explain", "cut.txt", DATA, "-o", "x.csv"], 3, &["cut.txt", "cut short"]),
        (&["explain", "cut.ubj", DATA, "-o", "x.csv"], 3, &["cut.ubj", "byte", "cut short"]),
        (&["explain", &cyclic, DATA, "-o", "x.csv"], 3, &["tree 0", "node 0", "two parents"]),
        (&["explain", &linear, DATA, "-o", "x.csv"], 3, &["linear", "linear_tree=false"]),
        (&["explain", MODEL, DATA, "-o", "x.cvs"], 2, &["`cvs` names no format", "did you mean `.csv`"]),
        (&["explain", MODEL, DATA, "-o", "nowhere/x.csv"], 3, &["nowhere", "No such file"]),
        (&["explain", MODEL, DATA, "--row", "1500"], 2, &["--row 1500", "1500 rows, counted from 0"]),
        (&["explain", MODEL, DATA, "--plot", "waterfall"], 2, &["--row N"]),
        (
            &["explain", MODEL, DATA, "--plot", "scatter", "--feature", "agee"],
            2,
            &["agee", "did you mean `age`"],
        ),
        (&["explain", MODEL, DATA, "--drop", "incom"], 2, &["incom", "did you mean `income`"]),
        (&["explain", MODEL, DATA, "--drop", "age"], 3, &["lacks 1", "`age`"]),
        (&["explain", MODEL, DATA, "--class", "1"], 2, &["--class 1", "1 output"]),
        (&["explain", MODEL, DATA, "--method", "tabels"], 2, &["tabels", "tables"]),
        (
            &["explain", MODEL, DATA, "--time-limit", "0ms", "-o", "x.csv"],
            4,
            &["time limit", "nothing was written"],
        ),
        (&["explain", MODEL], 2, &["DATA"]),
        (&["predict", MODEL, DATA, "-o", "x.html"], 2, &["predictions are written as"]),
        (&["predict", MODEL, "header.csv"], 3, &["header.csv", "no rows"]),
        (&["explain", MODEL, DATA, "-o", DATA], 2, &["`adult.csv` is an input"]),
        (
            &["explain", "adult-xgboost.ubj", DATA, "-o", "./adult-xgboost.ubj.csv/../adult-xgboost.ubj"],
            2,
            &["names no format"],
        ),
        (&["explain", MODEL, DATA, "-o", "folder.csv"], 2, &["`folder.csv` is a folder"]),
        (&["explain", MODEL, "list.json", "-o", "x.csv"], 3, &["list.json", "line 1", "an object"]),
        (&["explain", "-", DATA, "-o", "x.csv"], 2, &["standard input is for the data"]),
        (&["inspect", "nowhere"], 3, &["nowhere", "No such file"]),
        (&["explian", MODEL, DATA], 2, &["explian", "explain"]),
    ] {
        let (found, said) = refused(&folder, words);
        assert_eq!(found, code, "{words:?}: {said}");
        assert!(pieces.iter().all(|piece| said.contains(piece)), "{words:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("bug"), "{said}");
        let left: Vec<_> =
            fs_err::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
        let left = left.iter().any(|name| name.to_string_lossy().contains("x.csv"));
        assert!(!left, "{words:?} left a file behind");
    }
}

#[test]
fn errors_are_objects_where_json_is_asked_for() {
    let folder = Folder::new();
    let (code, said) = refused(&folder, &["explain", MODEL, "nowhere.csv", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, error["error"]["code"].as_str()), (3, Some("input")));
    assert!(error["error"]["message"].as_str().unwrap().contains("nowhere.csv"));

    let (code, said) = refused(&folder, &["explain", "--json", "--no-such-option"]);
    let error: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, error["error"]["code"].as_str()), (2, Some("usage")));
    assert!(
        error["error"]["message"].as_str().unwrap().starts_with("unexpected argument '--no-such-option'")
    );
}

#[test]
fn notes_tell_what_was_ignored_and_read_as_missing() {
    let folder = Folder::new();
    let said = |words: &[&str]| String::from_utf8(folder.run(words).stderr).unwrap();
    assert!(said(&["explain", MODEL, DATA]).contains("ignored: income"));
    assert_eq!(said(&["explain", MODEL, DATA, "--drop", "income"]), "");
    assert_eq!(said(&["explain", MODEL, DATA, "-q"]), "");
    fs_err::write(folder.path("unseen.csv"), folder.read(DATA).replacen("Masters", "Mastersx", 1)).unwrap();
    let noted = said(&["explain", "adult-lightgbm.txt", "unseen.csv"]);
    assert!(noted.contains("column `education`: 1 value"), "{noted}");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = Folder::new();
    let mut child = folder
        .command(&["predict", MODEL, DATA, "-q"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn one_row_is_explained_whatever_stands_in_the_others() {
    let folder = Folder::new();
    let broken = folder.read(DATA).replacen("Masters", "Mastersx", 1);
    fs_err::write(folder.path("broken.csv"), broken).unwrap();
    assert_eq!(refused(&folder, &["explain", MODEL, "broken.csv"]).0, 3);
    folder.ok(&["explain", MODEL, "broken.csv", "--row", "3"]);
}

#[test]
fn limits_past_all_clocks_and_names_that_talk_to_the_terminal_do_no_harm() {
    let folder = Folder::new();
    folder.ok(&["explain", MODEL, DATA, "--time-limit", "1e19s"]);
    fs_err::write(folder.path("odd.csv"), "a\u{1b}[31m,b\n1,2\n").unwrap();
    let said = folder.ok(&["inspect", "odd.csv"]);
    assert!(!said.contains('\u{1b}') && said.contains('\u{fffd}'), "{said:?}");
}

#[test]
fn predictions_can_be_had_as_one_object() {
    let folder = Folder::new();
    let said = folder.json(&["predict", MODEL, DATA, "--json"]);
    assert_eq!(said["columns"], serde_json::json!(["margin", "probability"]));
    assert_eq!((said["rows"].as_u64(), said["predictions"].as_array().unwrap().len()), (Some(1500), 1500));
}
