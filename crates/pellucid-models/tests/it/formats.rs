//! Do we compute what each library computes? Every fixture model, margin by margin, and the page that
//! says so.

use pellucid_fixtures::{Case, cases, fixtures};
use pellucid_models::trees::Summation;
use pellucid_models::{Predict, Scale};
use std::collections::BTreeMap;
use std::fmt::Write as _;

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

fn compare(case: &Case, tally: &mut Tally) {
    let Case { name, model, rows, .. } = case;
    let margins = model.predict(rows, Scale::Margin);
    let k = model.n_outputs();
    let is_f32 = matches!(model.summation, Summation::F32 | Summation::F32BaseLast | Summation::F64ToF32);
    let tolerance = if is_f32 { 1e-6 } else { 1e-12 };
    for (row, expected) in case.margins().iter().enumerate() {
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
            assert!(
                (exact - theirs).abs() <= 1e-4 * (1.0 + theirs.abs()),
                "{name}, row {row}: exact {exact}"
            );
        }
        tally.rows += 1;
    }
    let predictions = model.predict(rows, Scale::Prediction);
    for (row, expected) in case.predictions().iter().enumerate() {
        let k = expected.len();
        // Probabilities of a row are computed together, so that the smallest carry the error of the largest.
        let scale = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs())) * 1e-3;
        for (output, &theirs) in expected.iter().enumerate() {
            let ours = predictions[row * k + output];
            let off = relative(ours, theirs, scale);
            let tolerance = if is_f32 { 5e-6 } else { 1e-12 };
            assert!(
                off <= tolerance,
                "{name}, row {row}, output {output}: prediction {ours}, library {theirs}"
            );
            tally.worst_prediction = tally.worst_prediction.max(off);
        }
    }
    tally.models += 1;
    tally.trees += model.trees.len();
    case.tags().into_iter().for_each(|tag| *tally.tags.entry(tag).or_default() += 1);
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
        ("catboost-1.2.10", "CatBoost", 25),
        ("scikit-learn-1.9.1", "scikit-learn", 65),
        ("onnx-1.23.2", "ONNX", 60),
    ];
    for (folder, library, at_least) in folders {
        let mut tally = Tally::default();
        cases(folder).iter().for_each(|case| compare(case, &mut tally));
        assert!(tally.models >= at_least, "{folder}: only {} models were compared", tally.models);
        let Tally { models, trees, rows, margins, equal_bits, worst_margin, worst_prediction, .. } = &tally;
        let name = folder.replace('-', " ").replace("xgboost", "XGBoost").replace("lightgbm", "LightGBM");
        let name = name
            .replace("catboost", "CatBoost")
            .replace("scikit learn", "scikit-learn")
            .replace("onnx", "ONNX");
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
        fs_err::write(&path, &page).unwrap();
    }
    let stored = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(stored == page, "book/formats.md is not what the tests found; run with UPDATE=1 and commit it");
}

#[test]
fn rows_that_come_as_csv_get_the_same_margins() {
    let mut compared = 0;
    for folder in [
        "xgboost-3.4.1",
        "xgboost-2.1.4",
        "lightgbm-4.7.0",
        "lightgbm-3.3.5",
        "catboost-1.2.10",
        "scikit-learn-1.9.1",
    ] {
        for case in cases(folder) {
            let Some(rows) = case.rows_by_csv() else { continue };
            let found = case.model.predict(&rows, Scale::Margin);
            assert_eq!(found, case.model.predict(&case.rows, Scale::Margin), "{}", case.name);
            compared += 1;
        }
    }
    assert!(compared >= 130, "only {compared} cases went by CSV");
}
