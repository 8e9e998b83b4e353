//! What do reliance, multiplicity and fairness mean, row by row? The slow definitions that the study is compared with.

use pellucid_data::Ratio;

use super::Metric;

/// The reliance of a rule set on a feature: over all pairs of different rows, one prediction each (Fisher, Rudin & Dominici
/// 2019, section 3.1). `passes[row][literal]`, `rules` as lists of
/// literals, `features` the feature of each literal.
#[must_use]
pub fn reliance_by_definition(
    passes: &[Vec<bool>],
    label: &[bool],
    rules: &[Vec<u32>],
    features: &[u32],
    feature: u32,
) -> f64 {
    let predict = |row: usize, from: usize| {
        let holds = |&literal: &u32| {
            passes[if features[literal as usize] == feature { from } else { row }][literal as usize]
        };
        rules.iter().any(|rule| rule.iter().all(holds))
    };
    let n = label.len();
    let (mut switched, mut original) = (0_u64, 0_u64);
    for (row, &label) in label.iter().enumerate() {
        original += u64::from(predict(row, row) != label);
        for from in (0..n).filter(|&from| from != row) {
            switched += u64::from(predict(row, from) != label);
        }
    }
    let n = n as f64;
    switched as f64 / (n * (n - 1.0)) - original as f64 / n
}

/// Ambiguity and discrepancy (Marx, Calmon & Ustun 2020): the weight of the rows on which some member differs from the best
/// one, and the most on which a single member does. One list of predictions a member.
#[must_use]
pub fn multiplicity_by_definition(members: &[Vec<bool>], best: &[bool], weights: &[u64]) -> [u64; 2] {
    let differs = |member: &Vec<bool>, row: usize| member[row] != best[row];
    let weight =
        |rows: &dyn Fn(usize) -> bool| (0..best.len()).filter(|&row| rows(row)).map(|row| weights[row]).sum();
    let ambiguity = weight(&|row| members.iter().any(|member| differs(member, row)));
    let discrepancy = members.iter().map(|member| weight(&|row| differs(member, row))).max().unwrap_or(0);
    [ambiguity, discrepancy]
}

/// The share that a metric compares, of one group: `rows` are those of the group as prediction, label and weight. `None`
/// where it is over no rows.
#[must_use]
pub fn share_by_definition(metric: Metric, rows: &[(bool, bool, u64)]) -> Option<Ratio> {
    let weight = |holds: &dyn Fn(bool, bool) -> bool| {
        rows.iter()
            .filter(|(predicted, label, _)| holds(*predicted, *label))
            .map(|(_, _, w)| i128::from(*w))
            .sum()
    };
    let (part, whole): (i128, i128) = match metric {
        Metric::StatisticalParity => (weight(&|predicted, _| predicted), weight(&|_, _| true)),
        Metric::EqualOpportunity => {
            (weight(&|predicted, label| predicted && label), weight(&|_, label| label))
        }
        Metric::PredictiveParity => {
            (weight(&|predicted, label| predicted && label), weight(&|predicted, _| predicted))
        }
    };
    Ratio::new(part, whole)
}
