//! Are the values the same in every format, from every source of data, on any number of threads?

use std::io::Write;
use std::process::Stdio;

use pellucid::data::read::{ArrowReader, ParquetReader, ReadBatches, ReadOptions};
use pellucid::data::table::Column;

use super::{Folder, csv};

/// The values as CSV: the oracle of the other formats.
fn values(folder: &Folder, model: &str, data: &str) -> String {
    folder.ok(&["explain", model, data, "-o", "oracle.csv", "-q"]);
    folder.read("oracle.csv")
}

#[test]
fn values_base_and_margin_add_up() {
    let folder = Folder::new();
    for model in ["adult-xgboost.ubj", "adult-lightgbm.txt"] {
        let (names, rows) = csv(&values(&folder, model, "adult.csv"));
        assert_eq!(names.len(), 16);
        assert_eq!(names[names.len() - 2..], ["base_value", "residual"]);
        folder.ok(&["predict", model, "adult.csv", "-o", "p.csv"]);
        let (columns, predictions) = csv(&folder.read("p.csv"));
        assert_eq!(columns, ["margin", "probability"]);
        assert_eq!((rows.len(), predictions.len()), (1500, 1500));
        for (row, prediction) in rows.iter().zip(&predictions) {
            let sum: f64 = row[..row.len() - 1].iter().sum();
            // XGBoost sums its margins in 32 bits.
            assert!((sum - prediction[0]).abs() < 2e-5, "{sum} for {}", prediction[0]);
            assert!(row[row.len() - 1] < 1e-12, "residual {}", row[row.len() - 1]);
            assert!((1.0 / (1.0 + (-prediction[0]).exp()) - prediction[1]).abs() < 1e-6);
        }
    }
}

fn columns_of(mut reader: impl ReadBatches) -> Vec<Vec<f64>> {
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); reader.schema().fields.len()];
    while let Some(table) = reader.next_batch().unwrap() {
        for (all, column) in all.iter_mut().zip(table.columns()) {
            let Column::Number(numbers) = column else { panic!("text") };
            all.extend(numbers);
        }
    }
    all
}

#[test]
fn every_format_holds_the_same_numbers() {
    let folder = Folder::new();
    let (names, rows) = csv(&values(&folder, "adult-xgboost.ubj", "adult.csv"));
    let explain = |out: &str| folder.ok(&["explain", "adult-xgboost.ubj", "adult.csv", "-o", out]);
    let bytes = |name: &str| fs_err::read(folder.path(name)).unwrap();
    explain("v.parquet");
    explain("v.arrow");
    for columns in [
        columns_of(ParquetReader::new(bytes("v.parquet").into(), &ReadOptions::default()).unwrap()),
        columns_of(ArrowReader::file(bytes("v.arrow").into()).unwrap()),
    ] {
        assert_eq!(columns.len(), names.len());
        assert!(
            rows.iter()
                .enumerate()
                .all(|(at, row)| row.iter().zip(&columns).all(|(x, column)| *x == column[at]))
        );
    }
    explain("v.json");
    let json: serde_json::Value = serde_json::from_str(&folder.read("v.json")).unwrap();
    assert_eq!(json["schema"], "pellucid.explanation/1");
    assert_eq!(json["complete"], true);
    assert_eq!(json["feature_names"].as_array().unwrap().len(), 14);
    for (row, found) in rows.iter().zip(json["rows"].as_array().unwrap()) {
        let found = &found[0];
        let numbers: Vec<f64> =
            found["values"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        assert_eq!(numbers, row[..14]);
        assert_eq!(
            [&found["base_value"], &found["residual"]].map(|x| x.as_f64().unwrap()),
            [row[14], row[15]]
        );
    }
    explain("v.jsonl");
    let lines = folder.read("v.jsonl");
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((lines.lines().count(), last["age"].as_f64()), (1500, Some(rows[1499][0])));
}

#[test]
fn threads_change_no_byte_and_methods_only_rounding() {
    let folder = Folder::new();
    let oracle = values(&folder, "adult-lightgbm.txt", "adult.csv");
    for threads in ["1", "2", "7"] {
        folder.ok(&["explain", "adult-lightgbm.txt", "adult.csv", "-o", "t.csv", "--threads", threads]);
        assert_eq!(folder.read("t.csv"), oracle, "{threads} threads");
    }
    let (_, oracle) = csv(&oracle);
    for method in ["tables", "quadrature", "auto"] {
        folder.ok(&["explain", "adult-lightgbm.txt", "adult.csv", "-o", "m.csv", "--method", method]);
        let (_, rows) = csv(&folder.read("m.csv"));
        for (a, b) in rows.iter().zip(&oracle) {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-11), "{method}: {a:?} and {b:?}");
        }
    }
}

#[test]
fn data_comes_packed_piped_reordered_and_in_other_formats() {
    let folder = Folder::new();
    let oracle = values(&folder, "adult-xgboost.ubj", "adult.csv");
    let data = folder.read("adult.csv");

    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(data.as_bytes()).unwrap();
    fs_err::write(folder.path("adult.csv.gz"), gz.finish().unwrap()).unwrap();
    fs_err::write(folder.path("adult.csv.zst"), zstd::encode_all(data.as_bytes(), 1).unwrap()).unwrap();
    // Last column first, and a semicolon for every comma: no cell of this file holds either.
    let turned: Vec<String> = data
        .lines()
        .map(|line| line.split(',').rev().map(str::to_owned).collect::<Vec<_>>().join(";"))
        .collect();
    fs_err::write(folder.path("turned.csv"), turned.join("\r\n")).unwrap();
    let names: Vec<&str> = data.lines().next().unwrap().split(',').collect();
    let lines = data.lines().skip(1).map(|line| {
        let cells = line.split(',').zip(&names).filter(|(cell, _)| !cell.is_empty());
        let cells = cells.map(|(cell, name)| match cell.parse::<f64>() {
            Ok(_) => format!("\"{name}\": {cell}"),
            Err(_) => format!("\"{name}\": \"{cell}\""),
        });
        format!("{{{}}}\n", cells.collect::<Vec<_>>().join(", "))
    });
    fs_err::write(folder.path("adult.jsonl"), lines.collect::<String>()).unwrap();
    for file in ["adult.csv.gz", "adult.csv.zst", "turned.csv", "adult.jsonl"] {
        assert_eq!(values(&folder, "adult-xgboost.ubj", file), oracle, "{file}");
    }

    let mut child = folder
        .command(&["explain", "adult-xgboost.ubj", "-", "-o", "piped.csv"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(data.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(folder.read("piped.csv"), oracle);
}

#[test]
fn one_row_is_that_row() {
    let folder = Folder::new();
    let (_, rows) = csv(&values(&folder, "adult-xgboost.ubj", "adult.csv"));
    folder.ok(&["explain", "adult-xgboost.ubj", "adult.csv", "--row", "389", "-o", "one.csv"]);
    let (_, one) = csv(&folder.read("one.csv"));
    assert_eq!(one.len(), 1);
    assert!(one[0].iter().zip(&rows[389]).all(|(a, b)| (a - b).abs() < 1e-12), "{one:?}");
    let said = folder.ok(&["explain", "adult-xgboost.ubj", "adult.csv", "--row", "389"]);
    assert!(said.starts_with("Why row 389 came to"), "{said}");
}

#[test]
fn pictures_and_reports_are_written() {
    let folder = Folder::new();
    let explain = |words: &[&str]| {
        let all: Vec<&str> =
            ["explain", "adult-xgboost.ubj", "adult.csv"].iter().chain(words).copied().collect();
        folder.ok(&all)
    };
    for plot in ["bar", "beeswarm", "scatter", "decision", "heatmap"] {
        explain(&["--plot", plot, "-o", "p.svg"]);
        assert!(folder.read("p.svg").starts_with("<svg"), "{plot}");
        assert!(explain(&["--plot", plot]).lines().count() > 5);
    }
    for plot in ["waterfall", "force"] {
        explain(&["--plot", plot, "--row", "3", "-o", "p.png", "--theme", "dark", "--width", "500"]);
        let bytes = fs_err::read(folder.path("p.png")).unwrap();
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n", "{plot}");
        assert_eq!(u32::from_be_bytes(bytes[16..20].try_into().unwrap()), 1000);
    }
    explain(&["-o", "r.html"]);
    let page = folder.read("r.html");
    assert!(page.contains("Largest residual") && page.contains("pellucid explain adult-xgboost.ubj"));
}

#[test]
fn several_outputs_stand_apart() {
    let folder = Folder::new();
    let case = super::fixtures().join("xgboost-3.4.1");
    let expected = fs_err::read_to_string(case.join("obj-softprob.expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let names: Vec<&str> =
        expected["columns"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    let rows = expected["rows"].as_array().unwrap().iter().map(|row| {
        let cells =
            row.as_array().unwrap().iter().map(|x| x.as_f64().map_or(String::new(), |x| x.to_string()));
        cells.collect::<Vec<_>>().join(",")
    });
    let rows: Vec<String> = rows.collect();
    fs_err::write(folder.path("d.csv"), format!("{}\n{}\n", names.join(","), rows.join("\n"))).unwrap();
    let model = case.join(expected["models"][0].as_str().unwrap()).display().to_string();
    folder.ok(&["explain", &model, "d.csv", "-o", "v.csv"]);
    let (columns, values) = csv(&folder.read("v.csv"));
    let k = expected["margin"][0].as_array().unwrap().len();
    assert_eq!(columns.len(), k * (names.len() + 2));
    assert_eq!(columns[names.len()], "base_value@0");
    let wide = names.len() + 2;
    for (row, margins) in values.iter().zip(expected["margin"].as_array().unwrap()) {
        for output in 0..k {
            let sum: f64 = row[output * wide..][..names.len() + 1].iter().sum();
            assert!((sum - margins[output].as_f64().unwrap()).abs() < 1e-5);
        }
    }
}

#[test]
fn a_background_is_another_game_with_its_own_base() {
    let folder = Folder::new();
    let data = folder.read("adult.csv");
    let mut lines = data.lines();
    let header = lines.next().unwrap();
    let rows: Vec<&str> = lines.collect();
    let write = |name: &str, rows: &[&str]| {
        fs_err::write(folder.path(name), format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    };
    write("few.csv", &rows[..40]);
    write("background.csv", &rows[100..200]);
    for model in ["adult-xgboost.ubj", "adult-lightgbm.txt"] {
        let explain = |extra: &[&str], out: &str| {
            let words = [&["explain", model, "few.csv", "-o", out, "-q"][..], extra].concat();
            folder.ok(&words);
            csv(&folder.read(out))
        };
        let background = ["--background", "background.csv"];
        let (names, found) = explain(&background, "b.csv");
        // The base is the mean margin of the background.
        folder.ok(&["predict", model, "background.csv", "-o", "p.csv", "-q"]);
        let (_, predictions) = csv(&folder.read("p.csv"));
        let mean = predictions.iter().map(|row| row[0]).sum::<f64>() / 100.0;
        let n = names.len();
        for row in &found {
            assert!((row[n - 2] - mean).abs() < 1e-5 && row[n - 1] < 1e-12, "{row:?} for {mean}");
        }
        for method in ["tables", "pairs"] {
            let (_, again) = explain(&[&background[..], &["--method", method]].concat(), "m.csv");
            let far = found.iter().flatten().zip(again.iter().flatten()).map(|(a, b)| (a - b).abs());
            assert!(far.fold(0.0, f64::max) < 1e-12, "{method}");
        }
        let told = folder.json(&["explain", model, "few.csv", "--background", "background.csv", "--json"]);
        assert_eq!(
            (told["game"].as_str(), told["background_rows"].as_u64()),
            (Some("background"), Some(100))
        );
    }
    // A weight of 2 is a row twice.
    let weighted: Vec<String> =
        rows[100..110].iter().enumerate().map(|(at, row)| format!("{row},{}", 1 + at % 2)).collect();
    fs_err::write(folder.path("weighted.csv"), format!("{header},w\n{}\n", weighted.join("\n"))).unwrap();
    let copied: Vec<&str> =
        rows[100..110].iter().enumerate().flat_map(|(at, row)| vec![*row; 1 + at % 2]).collect();
    write("copied.csv", &copied);
    let explain = |words: &[&str]| {
        let all =
            [&["explain", "adult-xgboost.ubj", "few.csv", "-o", "w.csv", "-q", "--background"][..], words];
        folder.ok(&all.concat());
        csv(&folder.read("w.csv")).1
    };
    let [a, b] = [explain(&["weighted.csv", "--background-weights", "w"]), explain(&["copied.csv"])];
    let far = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs());
    assert!(far.fold(0.0, f64::max) < 1e-12);
    for (words, code, piece) in [
        (&["--background", "nowhere.csv"][..], 3, "nowhere.csv"),
        (&["--background", "weighted.csv", "--background-weights", "x"], 2, "no such column"),
        (&["--background-weights", "w"], 2, "--background"),
        (&["--background", "weighted.csv", "--method", "quadrature"], 3, "not for the background game"),
        (&["--method", "pairs"], 3, "not for the path-dependent game"),
    ] {
        let output = folder.run(&[&["explain", "adult-xgboost.ubj", "few.csv"][..], words].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && said.contains(piece), "{words:?}: {said}");
    }
}

#[test]
fn a_catboost_model_is_inspected_predicted_and_explained() {
    let folder = Folder::new();
    for file in ["one-hot.json", "one-hot.expected.json"] {
        fs_err::copy(super::fixtures().join("catboost-1.2.10").join(file), folder.path(file)).unwrap();
    }
    let case: serde_json::Value = serde_json::from_str(&folder.read("one-hot.expected.json")).unwrap();
    let cell = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    let lines: Vec<String> = case["rows"]
        .as_array()
        .unwrap()
        .iter()
        .take(20)
        .map(|row| row.as_array().unwrap().iter().map(cell).collect::<Vec<_>>().join(","))
        .collect();
    fs_err::write(folder.path("rows.csv"), format!("number,colour,size\n{}\n", lines.join("\n"))).unwrap();
    let told = folder.json(&["inspect", "one-hot.json", "--json"]);
    assert_eq!(told["library"].as_str(), Some("CatBoost"));
    folder.ok(&["predict", "one-hot.json", "rows.csv", "-o", "p.csv", "-q"]);
    let (_, predictions) = csv(&folder.read("p.csv"));
    for (ours, theirs) in predictions.iter().zip(case["margin"].as_array().unwrap()) {
        assert_eq!(Some(ours[0]), theirs[0].as_f64());
    }
    for extra in [&[][..], &["--background", "rows.csv"]] {
        let words = [&["explain", "one-hot.json", "rows.csv", "-o", "v.csv", "-q"][..], extra].concat();
        folder.ok(&words);
        let (_, rows) = csv(&folder.read("v.csv"));
        assert!(rows.len() == 20 && rows.iter().all(|row| row[4] < 1e-12));
    }
}

#[test]
fn interactions_sum_to_the_values_in_every_format() {
    let folder = Folder::new();
    let rows: Vec<String> = folder.read("adult.csv").lines().take(31).map(str::to_owned).collect();
    fs_err::write(folder.path("few.csv"), rows.join("\n")).unwrap();
    for background in [&[][..], &["--background", "adult.csv"]] {
        let explain = |extra: &[&str]| {
            folder.ok(&[&["explain", "adult-lightgbm.txt", "few.csv", "-q"][..], background, extra].concat());
        };
        explain(&["-o", "v.csv"]);
        explain(&["-o", "i.csv", "--interactions"]);
        explain(&["-o", "i.json", "--interactions"]);
        let ((names, values), (pairs, entries)) = (csv(&folder.read("v.csv")), csv(&folder.read("i.csv")));
        let n = names.len() - 2;
        let json: serde_json::Value = serde_json::from_str(&folder.read("i.json")).unwrap();
        assert_eq!((pairs.len(), entries.len()), (n * (n + 1) / 2 + 2, 30));
        for (row, (values, entries)) in values.iter().zip(&entries).enumerate() {
            let at = |one: usize, other: usize| {
                let name = format!("{}*{}", names[one.min(other)], names[one.max(other)]);
                entries[pairs.iter().position(|pair| *pair == name).unwrap()]
            };
            for one in 0..n {
                let sum: f64 = (0..n).map(|other| at(one, other)).sum();
                assert!((sum - values[one]).abs() < 1e-11, "{}: {sum} for {}", names[one], values[one]);
                let line = &json["rows"][row][0]["matrix"][one];
                assert!((0..n).all(|other| line[other].as_f64() == Some(at(one, other))));
            }
        }
    }
    let told = folder.json(&["explain", "adult-lightgbm.txt", "few.csv", "--interactions", "--json"]);
    assert!(told["outputs"][0]["strongest"].as_array().unwrap().len() == 20 && told["rows"] == 30);
    for (words, piece) in
        [(&["-o", "i.html"][..], "interactions are written as"), (&["--plot", "bar"], "--plot")]
    {
        let output = folder
            .run(&[&["explain", "adult-lightgbm.txt", "few.csv", "--interactions"][..], words].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(piece), "{said}");
    }
}

#[test]
fn what_is_approximate_says_so_everywhere() {
    let folder = Folder::new();
    let explain = |out: &str| {
        folder.ok(&["explain", "adult-xgboost.ubj", "adult.csv", "-q", "--method", "approximate", "-o", out]);
        folder.read(out)
    };
    let object: serde_json::Value = serde_json::from_str(&explain("v.json")).unwrap();
    assert_eq!(
        (&object["about"]["exact"], &object["about"]["game"]),
        (&"false".into(), &"Saabas values (path-dependent)".into())
    );
    let page = explain("r.html");
    assert!(
        page.contains("no Shapley values")
            && page.contains("not exactly")
            && !page.contains("Shapley values, exact")
    );
    let picture = explain("p.svg");
    assert!(picture.contains("Saabas value") && !picture.contains("Shapley value ("));
}

#[test]
fn probabilities_are_explained_on_their_own_scale() {
    let folder = Folder::new();
    let head: String = folder.read("adult.csv").lines().take(13).map(|line| format!("{line}\n")).collect();
    fs_err::write(folder.path("few.csv"), head).unwrap();
    let explain = |data: &str, space: &str, out: &str| {
        folder.ok(&[
            "explain",
            "adult-xgboost.ubj",
            data,
            "-q",
            "--background",
            "few.csv",
            "--output",
            space,
            "-o",
            out,
        ]);
        serde_json::from_str::<serde_json::Value>(&folder.read(out)).unwrap()
    };
    let rescaled = explain("few.csv", "probability-rescaled", "rescaled.json");
    assert_eq!(
        (&rescaled["about"]["exact"], &rescaled["about"]["unit"]),
        (&"false".into(), &"probability".into())
    );
    let predicted = folder.json(&["predict", "adult-xgboost.ubj", "few.csv", "-q", "--json"]);
    for (row, predicted) in
        rescaled["rows"].as_array().unwrap().iter().zip(predicted["predictions"].as_array().unwrap())
    {
        let number = |key: &str| row[0][key].as_f64().unwrap();
        let sum: f64 = row[0]["values"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).sum();
        assert!((number("base_value") + sum - number("probability")).abs() < 1e-7);
        let probability =
            predicted.as_array().map_or(&predicted["probability"], |row| &row[1]).as_f64().unwrap();
        assert!((probability - number("probability")).abs() < 1e-6);
    }
    // Thirteen features and twelve rows: a tenth of a million answers a row.
    let two: String = folder.read("few.csv").lines().take(3).map(|line| format!("{line}\n")).collect();
    fs_err::write(folder.path("two.csv"), two).unwrap();
    let exact = explain("two.csv", "probability", "exact.json");
    assert_eq!((&exact["about"]["exact"], exact["rows"].as_array().unwrap().len()), (&"true".into(), 2));
    for (one, other) in exact["rows"].as_array().unwrap().iter().zip(rescaled["rows"].as_array().unwrap()) {
        for key in ["base_value", "probability"] {
            assert!((one[0][key].as_f64().unwrap() - other[0][key].as_f64().unwrap()).abs() < 1e-9);
        }
        assert_ne!(one[0]["values"], other[0]["values"], "rescaled values are not those of the probability");
    }
}

#[test]
fn pairs_and_single_features_are_drawn() {
    let folder = Folder::new();
    let model = ["explain", "adult-xgboost.ubj", "adult.csv"];
    let ok = |words: &[&str]| folder.ok(&[&model[..], words].concat());
    ok(&["--interactions", "-o", "pairs.svg"]);
    let pairs = folder.read("pairs.svg");
    assert!(
        pairs.contains("age and occupation act together most")
            && pairs.contains("path-dependent interactions, exact")
    );
    ok(&["--interactions", "-o", "pairs.png"]);
    ok(&["--plot", "partial", "--feature", "age", "-o", "age.svg"]);
    let age = folder.read("age.svg");
    assert!(age.contains("What the model answers by age alone") && age.contains("partial dependence, exact"));
    ok(&["--plot", "partial", "--feature", "workclass", "--background", "adult.csv", "-o", "class.svg"]);
    assert!(folder.read("class.svg").contains("over the 1500 rows of the background"));
    ok(&["--plot", "scatter", "--feature", "age", "-o", "scatter.svg"]);
    assert!(folder.read("scatter.svg").contains("of all numbers the one that it interacts with most"));
    for (words, piece) in [
        (&["--interactions", "-o", "x.html"][..], "drawn as .svg or .png"),
        (&["--feature", "age"], "--plot partial"),
        (&["--plot", "partial", "--feature", "ages"], "did you mean `age`"),
        (&["--plot", "partial", "--method", "approximate"], "scale of the margin"),
    ] {
        let output = folder.run(&[&model[..], words].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(piece), "{words:?}: {said}");
    }
}
