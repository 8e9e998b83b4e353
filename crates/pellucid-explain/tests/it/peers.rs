//! Do the peers compute the same, in both games, values and interactions? What shap, woodelf, shapiq and XGBoost answer, from `fixtures/peers`.

use std::collections::BTreeMap;

use pellucid_data::{FeatureId, OutputId};
use pellucid_explain::shapley::{
    Background, Game, How, Method, plan_game, plan_interactions, shap_interactions, tree_shap,
};
use pellucid_explain::{Control, Space};
use pellucid_fixtures::fixtures;
use pellucid_models::trees::import::import;
use pellucid_models::trees::{Ensemble, FeatureMatrix};
use serde_json::Value;

/// Models whose answers are stored.
const MODELS: [&str; 4] = ["xgboost-model", "lightgbm-model", "scikit-learn-model", "linear-model"];

/// What a peer computes: over how many models, and how far it is from us at most, relative to the largest of a row.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    pub(super) models: usize,
    pub(super) worst: f64,
}

/// All that peers computed, by library and what.
pub(super) fn agreements() -> BTreeMap<(String, String), Agreement> {
    let mut found: BTreeMap<(String, String), Agreement> = BTreeMap::new();
    for name in MODELS {
        let folder = fixtures().join("peers");
        let json: Value =
            serde_json::from_slice(&fs_err::read(folder.join(format!("{name}.json"))).unwrap()).unwrap();
        let model = import(&fs_err::read(folder.join(json["model"].as_str().unwrap())).unwrap()).unwrap();
        let rows = matrix(&json["rows"], &model);
        let background = Background::new(matrix(&json["background"], &model), None).unwrap();
        for answer in json["answers"].as_array().unwrap() {
            let text = |key: &str| answer[key].as_str().unwrap().to_owned();
            let own = found.entry((text("library"), text("what"))).or_default();
            own.models += 1;
            own.worst = own.worst.max(apart(&model, &rows, &background, answer));
        }
    }
    found
}

fn matrix(rows: &Value, model: &Ensemble) -> FeatureMatrix {
    let rows: Vec<Vec<f64>> = serde_json::from_value(rows.clone()).unwrap();
    let columns = (0..model.features.len()).map(|at| rows.iter().map(|row| row[at]).collect()).collect();
    FeatureMatrix::new(columns, rows.len(), model.cast).unwrap()
}

/// Numbers of each row: values, or a matrix row after row.
fn ours(
    model: &Ensemble,
    rows: &FeatureMatrix,
    background: &Background,
    what: &str,
) -> (Vec<Vec<f64>>, Option<f64>) {
    let output = OutputId::at(0);
    let game = if what.starts_with("background") || what == "probability-rescaled" {
        Game::Background(background)
    } else {
        Game::PathDependent
    };
    let n = model.features.len();
    if what.ends_with("interactions") {
        let how = How::new(Method::Auto, rows.n_rows());
        let plan = plan_interactions(model, game, how, &Control::quiet()).unwrap();
        let pairs = shap_interactions(model, &plan, rows, &Control::quiet()).unwrap();
        let places = || (0..n).flat_map(|i| (0..n).map(move |j| (FeatureId::at(i), FeatureId::at(j))));
        let of_row = |row| places().map(|(i, j)| pairs.at(row, output, i, j)).collect();
        return ((0..rows.n_rows()).map(of_row).collect(), None);
    }
    let (method, space) = match what {
        "path-dependent" | "background" => (Method::Auto, Space::Margin),
        "approximate" => (Method::Approximate, Space::Margin),
        "probability-rescaled" => (Method::Auto, Space::Rescaled),
        other => panic!("nothing of ours is `{other}`"),
    };
    let how = How { space, ..How::new(method, rows.n_rows()) };
    let plan = plan_game(model, game, how, &Control::quiet()).unwrap();
    let found = tree_shap(model, &plan, rows, &Control::quiet()).unwrap();
    let values = (0..rows.n_rows()).map(|row| found.values(row, output).to_vec()).collect();
    (values, Some(found.base(output)))
}

fn apart(model: &Ensemble, rows: &FeatureMatrix, background: &Background, answer: &Value) -> f64 {
    let (ours, base) = ours(model, rows, background, answer["what"].as_str().unwrap());
    let theirs: Vec<Value> = serde_json::from_value(answer["values"].clone()).unwrap();
    assert_eq!(theirs.len(), ours.len());
    let mut worst = match (base, answer["base"].as_f64()) {
        (Some(ours), Some(theirs)) => {
            assert!(ours.is_finite() && theirs.is_finite());
            (ours - theirs).abs()
        }
        _ => 0.0,
    };
    let flat = |row: &Value| -> Vec<f64> {
        let each = row.as_array().unwrap().iter();
        each.flat_map(|x| x.as_array().cloned().unwrap_or_else(|| vec![x.clone()]))
            .map(|x| x.as_f64().unwrap())
            .collect()
    };
    for (ours, theirs) in ours.iter().zip(theirs.iter().map(flat)) {
        assert_eq!(ours.len(), theirs.len());
        let size = theirs.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let off = (ours - theirs).abs() / size;
            worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
        }
    }
    worst
}

#[test]
fn peers_compute_the_same() {
    let found = agreements();
    for ((library, what), Agreement { models, worst }) in &found {
        // woodelf and XGBoost sum in 32 bits, and so does shap in the background game (shap#5116). In the path-dependent game
        // the others divide a child's weight by what XGBoost's file says of its parent, which is rounded to 32 bits, and we by
        // the sum of the children.
        let is_narrow = matches!(library.as_str(), "woodelf" | "XGBoost") || what == "background";
        let tolerance = if is_narrow {
            2e-6
        } else if what.starts_with("path") {
            1e-7
        } else {
            1e-8
        };
        assert!(*worst < tolerance, "{library}, {what}: {models} models, {worst:e}");
    }
    let kinds: Vec<&str> = found.keys().map(|(_, what)| what.as_str()).collect();
    for kind in ["path-dependent", "background", "approximate", "probability-rescaled"] {
        assert!(kinds.contains(&kind), "nobody computed {kind}");
    }
    for (library, what) in [("woodelf", "background interactions"), ("shapiq", "background interactions")] {
        let own = &found[&(library.to_owned(), what.to_owned())];
        assert!(own.models == 3, "{library}, {what}: {} models", own.models);
    }
}
