//! Are linear models explained from file to report, and is what they lack said?

use super::{Folder, csv, fixtures};

const MODEL: &str = "linear-names.skops";

fn folder() -> Folder {
    let folder = Folder::new();
    fs_err::copy(fixtures().join("scikit-learn-1.9.1").join(MODEL), folder.path(MODEL)).unwrap();
    let row = |at: usize| {
        let x = at as f64;
        format!("{},{},{},{}", (x * 0.7).sin(), (x * 0.7).sin() + (x * 1.3).cos() / 3.0, x / 40.0, at % 3)
    };
    let write = |name: &str, rows: std::ops::Range<usize>| {
        let rows: Vec<String> = rows.map(row).collect();
        let text = format!("a,b c,größe,\"d,e\"\n{}\n", rows.join("\n"));
        fs_err::write(folder.path(name), text).unwrap();
    };
    write("rows.csv", 0..30);
    write("background.csv", 30..90);
    folder
}

#[test]
fn both_games_add_up_and_differ() {
    let folder = folder();
    folder.ok(&["predict", MODEL, "rows.csv", "-o", "p.csv"]);
    let (_, predicted) = csv(&folder.read("p.csv"));
    let mut found = Vec::new();
    for game in ["background", "correlation-dependent"] {
        let words = ["explain", MODEL, "rows.csv", "--background", "background.csv", "--game", game];
        folder.ok(&[&words[..], &["-o", "x.csv"]].concat());
        let (names, rows) = csv(&folder.read("x.csv"));
        assert_eq!(names[..3], ["a", "b c", "größe"]);
        for (row, predicted) in rows.iter().zip(&predicted) {
            let sum: f64 = row[..5].iter().sum();
            assert!((sum - predicted[0]).abs() < 1e-12 && row[5] < 1e-12, "{game}: {row:?}");
        }
        folder.ok(&[&words[..], &["-o", "x.parquet"]].concat());
        folder.ok(&[&words[..], &["-o", "x.html"]].concat());
        assert!(
            folder.read("x.html").contains(&format!("the {game} game"))
                && folder.read("x.html").contains("linear")
        );
        let told = folder.json(&[&words[..], &["--json"]].concat());
        assert_eq!((told["game"].as_str(), told["exact"].as_bool()), (Some(game), Some(true)));
        found.push(rows);
    }
    assert!((found[0][3][0] - found[1][3][0]).abs() > 1e-3, "correlated features share credit");
}

#[test]
fn what_linear_models_lack_is_said() {
    let folder = folder();
    fs_err::write(folder.path("hole.csv"), "a,b c,größe,\"d,e\"\n1,2,,4\n").unwrap();
    fs_err::write(folder.path("endless.csv"), "a,b c,größe,\"d,e\"\n1,2,inf,4\n").unwrap();
    let correlated = ["--background", "background.csv", "--game", "correlation-dependent"];
    let plain = ["--background", "background.csv"];
    for (model, data, words, code, piece) in [
        (MODEL, "rows.csv", &[][..], 3, "linear model has no trees"),
        (MODEL, "hole.csv", &plain[..], 3, "the value is missing; scikit-learn has no answer"),
        (MODEL, "endless.csv", &plain[..], 3, "inf is infinite; scikit-learn refuses"),
        (MODEL, "rows.csv", &["--game", "background"], 2, "--background FILE"),
        (MODEL, "rows.csv", &[&correlated[..], &["--interactions"]].concat(), 3, "values of the margin only"),
        (
            MODEL,
            "rows.csv",
            &[&plain[..], &["--game", "path-dependent"]].concat(),
            2,
            "leave --background out",
        ),
        (
            "adult-xgboost.ubj",
            "adult.csv",
            &["--background", "adult.csv", "--game", "correlation-dependent"],
            3,
            "for linear models",
        ),
    ] {
        let output = folder.run(&[&["explain", model, data][..], words].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && said.contains(piece), "{words:?}: {said}");
    }
}

#[test]
fn groups_are_sums_with_the_names_of_their_columns() {
    let folder = folder();
    let mut rows = "a,b c,größe,\"d,e\"\n".to_owned();
    for at in 0..12 {
        let set = |one: usize| u8::from(at % 4 == one);
        rows += &format!("{},{},{},{}\n", set(0), set(1), set(2), at);
    }
    fs_err::write(folder.path("codes.csv"), rows).unwrap();
    let explain = |words: &[&str]| {
        let first = ["explain", MODEL, "codes.csv", "--background", "background.csv"];
        folder.ok(&[&first[..], words].concat());
    };
    explain(&["-o", "x.csv"]);
    explain(&["-o", "g.csv", "--group", "kind=a,b c,größe"]);
    let (plain, grouped) = (csv(&folder.read("x.csv")).1, csv(&folder.read("g.csv")));
    assert_eq!((grouped.0[0].as_str(), grouped.1[0].len()), ("kind", 4));
    for (all, own) in plain.iter().zip(&grouped.1) {
        assert!((all[..3].iter().sum::<f64>() - own[0]).abs() < 1e-12 && all[3..] == own[1..]);
    }
    explain(&["-o", "g.svg", "--group", "kind=a,b c,größe", "--row", "1"]);
    assert!(folder.read("g.svg").contains("b c") && folder.read("g.svg").contains("summed in groups"));
    explain(&["-o", "c.svg", "--group", "kind=a,b c,größe", "--plot", "cohorts", "--feature", "kind"]);
    assert!(folder.read("c.svg").contains("none of them"));
    for (group, piece) in [
        ("kind", "NAME=COL"),
        ("kind=aa", "did you mean `a`"),
        ("kind=x*", "no feature of the model begins with `x`"),
        ("b c=a,größe", "two columns would be called `b c`"),
    ] {
        let words = ["explain", MODEL, "codes.csv", "--background", "background.csv", "--group", group];
        let output = folder.run(&words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(piece), "{group}: {said}");
    }
}
