//! Do the largest values of a row stand first, with their names, and does the rest make up the sum?

use pellucid::data::read::{ArrowReader, ParquetReader, ReadBatches, ReadOptions};
use pellucid::data::table::Column;

use super::{Folder, csv};

/// Every line's cells; no cell of these files holds a comma.
fn cells(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn the_largest_values_come_first_by_name_in_every_format() {
    let folder = Folder::new();
    let explain = |more: &[&str]| {
        folder.ok(&[&["explain", "adult-xgboost.ubj", "adult.csv", "-q"][..], more].concat());
    };
    explain(&["-o", "all.csv"]);
    explain(&["--top-k", "3", "-o", "top.csv"]);
    let (names, rows) = csv(&folder.read("all.csv"));
    let top = cells(&folder.read("top.csv"));
    let head = "feature_1,value_1,feature_2,value_2,feature_3,value_3,rest,base_value,residual";
    assert_eq!(top[0].join(","), head);
    assert_eq!(top.len(), rows.len() + 1);
    for (row, top) in rows.iter().zip(&top[1..]) {
        let n = row.len() - 2;
        let number = |at: usize| -> f64 { top[at].parse().unwrap() };
        let mut sizes: Vec<f64> = row[..n].iter().map(|x| x.abs()).collect();
        sizes.sort_by(|a, b| b.total_cmp(a));
        for rank in 0..3 {
            let feature = names.iter().position(|name| *name == top[2 * rank]).unwrap();
            assert_eq!(row[feature], number(2 * rank + 1));
            assert_eq!(row[feature].abs(), sizes[rank]);
        }
        let whole: f64 = row[..n].iter().sum();
        assert!((number(1) + number(3) + number(5) + number(6) - whole).abs() < 1e-12);
        assert_eq!(row[n..], [number(7), number(8)]);
    }

    for format in ["parquet", "arrow", "jsonl"] {
        explain(&["--top-k", "3", "-o", &format!("top.{format}")]);
    }
    let bytes = |name: &str| fs_err::read(folder.path(name)).unwrap();
    let parquet: Box<dyn ReadBatches> =
        Box::new(ParquetReader::new(bytes("top.parquet").into(), &ReadOptions::default()).unwrap());
    let arrow: Box<dyn ReadBatches> = Box::new(ArrowReader::file(bytes("top.arrow").into()).unwrap());
    for mut reader in [parquet, arrow] {
        let mut at = 1;
        while let Some(table) = reader.next_batch().unwrap() {
            for row in 0..table.n_rows() {
                for (column, cell) in table.columns().iter().zip(&top[at]) {
                    match column {
                        Column::Number(numbers) => assert_eq!(numbers[row], cell.parse::<f64>().unwrap()),
                        Column::Category(text) => assert_eq!(text.text(row), Some(cell.as_str())),
                    }
                }
                at += 1;
            }
        }
        assert_eq!(at, top.len());
    }
    let first: serde_json::Value =
        serde_json::from_str(folder.read("top.jsonl").lines().next().unwrap()).unwrap();
    assert_eq!(first["feature_1"], top[1][0]);
    assert_eq!(first["value_1"].as_f64(), top[1][1].parse().ok());

    // More than there are: all of them, and nothing is left.
    explain(&["--top-k", "99", "--row", "0", "-o", "one.json"]);
    let one: serde_json::Value = serde_json::from_str(&folder.read("one.json")).unwrap();
    assert_eq!(
        (&one["about"]["top_k"], &one["schema"]),
        (&"99".into(), &"pellucid.explanation-top/1".into())
    );
    assert!(folder.read("one.json").contains("\"rest\":0,"));
    let output = &one["rows"][0][0];
    assert_eq!(output["top"].as_array().unwrap().len(), names.len() - 2);
    assert_eq!(
        (output["rest"].as_f64(), &output["top"][0]["feature"]),
        (Some(0.0), &top[1][0].as_str().into())
    );
}

#[test]
fn what_has_no_rows_of_values_has_no_largest_ones() {
    let folder = Folder::new();
    for (more, piece) in [
        (&["--top-k", "3"][..], "name a file with -o"),
        (&["--top-k", "3", "-o", "x.html"], "name a file with -o"),
        (&["--top-k", "0", "-o", "x.csv"], "--top-k"),
        (&["--top-k", "3", "--interactions", "-o", "x.csv"], "--interactions"),
        (&["--top-k", "3", "--aggregate", "-o", "x.json"], "--aggregate"),
    ] {
        let output = folder.run(&[&["explain", "adult-xgboost.ubj", "adult.csv"][..], more].concat());
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && words.contains(piece), "{more:?}: {words}");
    }
}
