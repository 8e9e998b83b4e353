//! Do we compute what each library computes? Every fixture model, margin by margin, and the page that
//! says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pellucid_data::table::{Categories, Column, Field, Kind, Schema, Table};
use pellucid_models::trees::import::import;
use pellucid_models::trees::{Binding, Ensemble, FeatureMatrix, Summation};
use pellucid_models::{Predict, Scale};
use serde_json::Value;

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn read_json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        Value::Number(n) => n.as_f64().unwrap(),
        Value::Bool(b) => f64::from(*b),
        Value::String(text) => text.parse().unwrap(),
        other => panic!("{other}"),
    }
}

fn numbers(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(|row| row.as_array().unwrap().iter().map(number).collect()).collect()
}

/// The rows of a case as a table: text columns where the case has text, numbers elsewhere.
fn table(case: &Value) -> Table {
    let names: Vec<&str> = case["columns"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    let rows = case["rows"].as_array().unwrap();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let cells: Vec<&Value> = rows.iter().map(|row| &row[at]).collect();
        let is_text = |cell: &&&Value| cell.as_str().is_some_and(|t| t.parse::<f64>().is_err());
        let text = case["categorical"][*name].as_array().is_some_and(|l| l.iter().any(Value::is_string))
            || cells.iter().any(|cell| is_text(&cell));
        if text {
            let mut levels: Vec<String> = Vec::new();
            let codes = cells.iter().map(|cell| {
                let Some(text) = cell.as_str() else { return Categories::MISSING };
                let known = levels.iter().position(|level| level == text);
                known.unwrap_or_else(|| {
                    levels.push(text.to_owned());
                    levels.len() - 1
                }) as u32
            });
            let codes = codes.collect();
            columns.push(Column::Category(Categories { codes, levels: Arc::new(levels) }));
        } else {
            columns.push(Column::Number(cells.iter().map(|cell| number(cell)).collect()));
        }
        let kind = if text { Kind::Category } else { Kind::Float64 };
        fields.push(Field { name: (*name).to_owned(), kind });
    }
    Table::new(Arc::new(Schema { fields }), columns, rows.len()).unwrap()
}

fn matrix(model: &Ensemble, case: &Value) -> FeatureMatrix {
    let table = table(case);
    // XGBoost computes infinities, and codes where it stores names, only past its own checks of frames:
    // they go past ours too.
    let beyond = case["rows"].to_string().contains("inf\"") || case["codes"].as_array().is_some_and(|c| !c.is_empty());
    if beyond && model.summation == Summation::F32 {
        let columns = table.schema().names().zip(table.columns()).map(|(name, column)| match column {
            Column::Number(values) => values.clone(),
            Column::Category(_) => panic!("{name}: text beside codes in {}", case["case"]),
        });
        return FeatureMatrix::new(columns.collect(), table.n_rows(), model.cast).unwrap();
    }
    let names: Vec<String> = table.schema().names().map(str::to_owned).collect();
    let binding = Binding::new(model, &names, &[]).unwrap();
    binding.matrix(model, &table, 0).unwrap().0
}

#[derive(Default)]
struct Tally {
    models: usize,
    rows: usize,
    trees: usize,
    margins: usize,
    equal_bits: usize,
    worst_margin: f64,
    worst_prediction: f64,
    tags: BTreeMap<String, usize>,
}

fn relative(ours: f64, theirs: f64, scale: f64) -> f64 {
    (ours - theirs).abs() / theirs.abs().max(scale).max(1e-30)
}

fn compare(model: &Ensemble, case: &Value, name: &str, tally: &mut Tally) {
    let rows = matrix(model, case);
    let margins = model.predict(&rows, Scale::Margin);
    let k = model.n_outputs();
    let tolerance = if model.summation == Summation::F32 { 1e-6 } else { 1e-12 };
    for (row, expected) in numbers(&case["margin"]).iter().enumerate() {
        assert_eq!(expected.len(), k, "{name}: outputs");
        for (output, &theirs) in expected.iter().enumerate() {
            let ours = margins[row * k + output];
            let off = relative(ours, theirs, 0.0);
            assert!(off <= tolerance, "{name}, row {row}, output {output}: margin {ours}, library {theirs}");
            tally.worst_margin = tally.worst_margin.max(off);
            tally.equal_bits += usize::from(ours == theirs);
            tally.margins += 1;
            // The function that is explained is the same sum without the library's rounding.
            let exact = model.margin(|feature| rows.at(feature, row))[output];
            assert!((exact - theirs).abs() <= 1e-4 * (1.0 + theirs.abs()), "{name}, row {row}: exact {exact}");
        }
    }
    let predictions = model.predict(&rows, Scale::Prediction);
    for (row, expected) in numbers(&case["prediction"]).iter().enumerate() {
        let k = expected.len();
        let scale = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs())) * 1e-3;
        for (output, &theirs) in expected.iter().enumerate() {
            let ours = predictions[row * k + output];
            let off = relative(ours, theirs, scale);
            let tolerance = if model.summation == Summation::F32 { 5e-6 } else { 1e-12 };
            assert!(off <= tolerance, "{name}, row {row}, output {output}: prediction {ours}, library {theirs}");
            tally.worst_prediction = tally.worst_prediction.max(off);
        }
        tally.rows += 1;
    }
}

fn tally(folder: &str) -> Tally {
    let folder = fixtures().join(folder);
    let mut tally = Tally::default();
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    for path in cases.iter().filter(|path| path.to_string_lossy().ends_with(".expected.json")) {
        let case = read_json(path);
        for file in case["models"].as_array().unwrap() {
            let file = folder.join(file.as_str().unwrap());
            let name = file.display().to_string();
            let model = import(&std::fs::read(&file).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
            compare(&model, &case, &name, &mut tally);
            tally.models += 1;
            tally.trees += model.trees.len();
            for tag in case["tags"].as_array().unwrap() {
                *tally.tags.entry(tag.as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    tally
}

const PAGE_HEAD: &str = "# Model formats\n\n\
Every number here is what the test `formats` found when it compared Pellucid with the values that the\n\
library itself computed for its own saved models (`fixtures/`, one folder a library and version, each\n\
with the script that made it). Run `UPDATE=1 cargo nextest run -p pellucid-models` to write it again.\n\n\
| models of | compared | trees | rows | margins equal to the bit | largest relative difference of a margin | of a prediction |\n\
| --- | --- | --- | --- | --- | --- | --- |\n";

#[test]
fn margins_are_the_librarys_own_and_the_page_says_so() {
    let mut page = PAGE_HEAD.to_owned();
    let mut tags: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    let folders = [
        ("xgboost-3.4.1", "XGBoost", 100),
        ("xgboost-2.1.4", "XGBoost", 10),
        ("xgboost-1.7.6", "XGBoost", 8),
        ("lightgbm-4.7.0", "LightGBM", 75),
        ("lightgbm-3.3.5", "LightGBM", 6),
    ];
    for (folder, library, at_least) in folders {
        let tally = tally(folder);
        assert!(tally.models >= at_least, "{folder}: only {} models were compared", tally.models);
        let Tally { models, trees, rows, margins, equal_bits, worst_margin, worst_prediction, .. } = &tally;
        let name = folder.replace('-', " ").replace("xgboost", "XGBoost").replace("lightgbm", "LightGBM");
        writeln!(
            page,
            "| {name} | {models} | {trees} | {rows} | {equal_bits} of {margins} | {worst_margin:.0e} | {worst_prediction:.0e} |"
        )
        .unwrap();
        let all = tags.entry(library).or_default();
        tally.tags.into_iter().for_each(|(tag, n)| *all.entry(tag).or_default() += n);
    }
    for (library, tags) in tags {
        let list: Vec<String> = tags.iter().map(|(tag, n)| format!("{tag} ({n})")).collect();
        write!(page, "\n## {library}: what the models cover\n\n{}.\n", list.join(", ")).unwrap();
    }
    page += "\n## Refused\n\n";
    for (folder, refusals) in super::hostile::refusals() {
        for (file, error) in refusals {
            writeln!(page, "- `{folder}/{file}`: {error}").unwrap();
        }
    }
    let path = fixtures().join("../book/formats.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == page, "book/formats.md is not what the tests found; run with UPDATE=1 and commit it");
}
