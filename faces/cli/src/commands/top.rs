//! `pellucid explain MODEL DATA --top-k K`: what moved each row most, by name, and the sum of the rest.

use std::sync::Arc;

use pellucid::data::OutputId;
use pellucid::data::write::Heading;
use pellucid::data::write::jsonl::number;
use pellucid::explain::Attributions;
use serde_json::Value;

use super::explain::{json_outputs, of_output};

/// The features with the largest values, largest first and equal ones in the model's order, and the sum of the other values.
fn largest(values: &[f64], k: usize) -> (Vec<usize>, f64) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
    let rest = order.split_off(k.min(values.len()));
    // From 0, since the sum of nothing is -0 else.
    (order, rest.into_iter().fold(0.0, |sum, feature| sum + values[feature]))
}

/// `feature_1`, `value_1`, ..., `rest`, `base_value` and `residual`; with several outputs `feature_1@0`, ...
pub(super) fn headings(features: &[String], n_outputs: usize, k: usize) -> Vec<Heading> {
    let words = Arc::new(features.to_vec());
    let mut headings = Vec::new();
    for output in 0..n_outputs {
        let mut add = |name: String, words: Option<Arc<Vec<String>>>| {
            headings.push(Heading { name: of_output(&name, output, n_outputs), words });
        };
        for rank in 1..=k.min(words.len()) {
            add(format!("feature_{rank}"), Some(Arc::clone(&words)));
            add(format!("value_{rank}"), None);
        }
        ["rest", "base_value", "residual"].into_iter().for_each(|name| add(name.to_owned(), None));
    }
    headings
}

/// What stands in these columns.
pub(super) fn columns(found: &Attributions, k: usize) -> Vec<Vec<f64>> {
    let k = k.min(found.n_features());
    let mut columns = Vec::with_capacity(found.n_outputs() * (2 * k + 3));
    for output in (0..found.n_outputs()).map(OutputId::at) {
        let mut own = vec![Vec::with_capacity(found.n_rows()); 2 * k + 3];
        for row in 0..found.n_rows() {
            let values = found.values(row, output);
            let (top, rest) = largest(values, k);
            let pairs = top.iter().flat_map(|&feature| [feature as f64, values[feature]]);
            let all = pairs.chain([rest, found.base(output), found.residual(row, output)]);
            own.iter_mut().zip(all).for_each(|(column, x)| column.push(x));
        }
        columns.append(&mut own);
    }
    columns
}

/// A row is an array over outputs of `{top: [{feature, value}], rest, base_value, margin, residual}`, or with `probability` instead
/// of `margin`.
pub(super) fn json_row(found: &Attributions, row: usize, k: usize, names: &[String]) -> String {
    let output = |output: OutputId| {
        let values = found.values(row, output);
        let (top, rest) = largest(values, k);
        let one = |&feature: &usize| {
            format!(
                "{{\"feature\":{},\"value\":{}}}",
                Value::from(names[feature].as_str()),
                number(values[feature])
            )
        };
        let top = top.iter().map(one).collect::<Vec<_>>().join(",");
        format!("\"top\":[{top}],\"rest\":{}", number(rest))
    };
    json_outputs(found, row, output)
}
