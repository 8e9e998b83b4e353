//! What is a picture about? An explanation with its data, its names, and how it was made.

use pellucid_data::{FeatureId, OutputId};
use pellucid_explain::{Attributions, Kind};

/// The values of one feature in the rows shown.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureValues {
    /// Its name.
    pub name: String,
    /// What is compared: numbers or codes; NaN where missing.
    pub numbers: Vec<f64>,
    /// For categories, what each code stands for; an empty list where nobody knows what the values were.
    pub levels: Option<Vec<String>>,
}

impl FeatureValues {
    /// A row's value for people; nothing where nobody knows it.
    #[must_use]
    pub fn text(&self, row: usize) -> String {
        let x = self.numbers[row];
        match &self.levels {
            Some(levels) if levels.is_empty() => String::new(),
            Some(levels) if !x.is_nan() => {
                levels.get(x as usize).cloned().unwrap_or_else(|| crate::number::pretty(x, 6))
            }
            _ => crate::number::pretty(x, 6),
        }
    }

    /// Where a row's value stands between the low and the high values of the feature, by rank, so that
    /// one outlier does not take the whole color scale; `None` where there is no order.
    #[must_use]
    pub fn shares(&self) -> Vec<Option<f64>> {
        if self.levels.is_some() {
            return vec![None; self.numbers.len()];
        }
        let mut sorted: Vec<f64> = self.numbers.iter().copied().filter(|x| !x.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let (low, high) = (sorted.get(n / 20), sorted.get((n * 19 / 20).min(n.saturating_sub(1))));
        let (Some(&low), Some(&high)) = (low, high) else { return vec![None; self.numbers.len()] };
        let (low, high) = if low < high { (low, high) } else { (sorted[0], sorted[n - 1]) };
        let share = |x: &f64| {
            let share = if high > low { ((x - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
            (!x.is_nan()).then_some(share)
        };
        self.numbers.iter().map(share).collect()
    }
}

/// Sums over all explained rows, whatever the number of rows shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// Rows explained.
    pub n_rows: usize,
    /// For each feature the sum of absolute values.
    pub absolute: Vec<f64>,
    /// For each feature the sum of values.
    pub signed: Vec<f64>,
    /// The largest residual.
    pub worst_residual: f64,
}

impl Totals {
    /// Adds the rows of one output.
    pub fn add(&mut self, found: &Attributions, output: OutputId) {
        self.absolute.resize(found.n_features(), 0.0);
        self.signed.resize(found.n_features(), 0.0);
        for row in 0..found.n_rows() {
            for (at, &value) in found.values(row, output).iter().enumerate() {
                self.absolute[at] += value.abs();
                self.signed[at] += value;
            }
            let residual = found.residual(row, output);
            let is_worse = residual.is_nan() || residual > self.worst_residual;
            self.worst_residual = if is_worse { residual } else { self.worst_residual };
        }
        self.n_rows += found.n_rows();
    }

    /// The mean absolute value of a feature.
    #[must_use]
    pub fn mean_absolute(&self, feature: usize) -> f64 {
        self.absolute[feature] / self.n_rows.max(1) as f64
    }
}

/// Rows that were chosen: "132 rows where age is at least 60".
#[must_use]
pub fn rows_where(n_rows: usize, words: &str) -> String {
    let rows = if n_rows == 1 { "row" } else { "rows" };
    format!("{} {rows} where {words}", crate::number::count(n_rows))
}

/// What the model's answer is called, by its unit: a margin, unless it is a probability.
pub(crate) fn answer_word(unit: &str) -> &'static str {
    if unit == "probability" { "probability" } else { "margin" }
}

/// The same for many.
pub(crate) fn answer_words(unit: &str) -> &'static str {
    if unit == "probability" { "probabilities" } else { "margins" }
}

/// The answer with its unit, as an axis names it.
pub(crate) fn answer_axis(unit: &str) -> String {
    if unit == "probability" { unit.to_owned() } else { format!("margin ({unit})") }
}

/// An explanation of one output, ready to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What was explained: `XGBoost, 100 trees`.
    pub model: String,
    /// How: `path-dependent Shapley values, exact`.
    pub method: String,
    /// What the values are.
    pub kind: Kind,
    /// What a margin is called: `log-odds`.
    pub unit: String,
    /// The output's name, where there are several.
    pub output: Option<String>,
    /// Expected margin.
    pub base: f64,
    /// Features, with their values in the rows shown.
    pub features: Vec<FeatureValues>,
    /// Rows shown × features.
    pub values: Vec<f64>,
    /// Margins of the rows shown.
    pub margins: Vec<f64>,
    /// Probabilities of the rows shown, where the model has them.
    pub probabilities: Option<Vec<f64>>,
    /// The number of each row shown in the data, from 0.
    pub rows: Vec<usize>,
    /// Sums over all rows.
    pub totals: Totals,
    /// Which rows of the data all of them are, in words, where they are not all of it: `age is at least 60`.
    pub only: Option<String>,
    /// For each feature the one with an order that it interacts with most, if any, where interactions were computed.
    pub partners: Option<Vec<Option<usize>>>,
}

impl Subject {
    /// Rows shown.
    #[must_use]
    pub fn n_shown(&self) -> usize {
        self.rows.len()
    }

    /// Whether the value of any feature is known in any row; an explanation that was saved does not hold them.
    #[must_use]
    pub fn has_values(&self) -> bool {
        self.features.iter().any(|feature| feature.numbers.iter().any(|number| !number.is_nan()))
    }

    /// One value.
    #[must_use]
    pub fn value(&self, row: usize, feature: usize) -> f64 {
        self.values[row * self.features.len() + feature]
    }

    /// All values of a row.
    #[must_use]
    pub fn row_values(&self, row: usize) -> &[f64] {
        &self.values[row * self.features.len()..][..self.features.len()]
    }

    /// Features by falling mean absolute value, ties by name; unused ones are left out.
    #[must_use]
    pub fn by_importance(&self) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.features.len()).filter(|&f| self.totals.absolute[f] != 0.0).collect();
        order.sort_by(|&a, &b| {
            let by_size = self.totals.absolute[b].total_cmp(&self.totals.absolute[a]);
            by_size.then_with(|| self.features[a].name.cmp(&self.features[b].name))
        });
        order
    }

    /// The line below a title: model, method, output space, residual, and which rows where they are not all.
    #[must_use]
    pub fn subtitle(&self) -> String {
        self.subtitle_of(&self.method)
    }

    /// The same for a picture of one row, which is not about how many there are.
    pub(crate) fn subtitle_of_row(&self) -> String {
        self.about(&self.method)
    }

    /// The same for what was made by another method.
    pub(crate) fn subtitle_of(&self, method: &str) -> String {
        match &self.only {
            None => self.about(method),
            Some(words) => format!("{} · {}", self.about(method), rows_where(self.totals.n_rows, words)),
        }
    }

    fn about(&self, method: &str) -> String {
        let output = self.output.as_ref().map_or(String::new(), |name| format!(" · output “{name}”"));
        let residual = crate::number::residual(self.totals.worst_residual);
        format!("{}{output} · {method} · {} · residual ≤ {residual}", self.model, self.unit)
    }

    /// What was left out of the rows shown, if anything was.
    #[must_use]
    pub fn sample_note(&self) -> Option<String> {
        let (shown, all) = (self.n_shown(), self.totals.n_rows);
        let count = crate::number::count;
        (shown < all).then(|| format!("a sample of {} of {} rows", count(shown), count(all)))
    }

    /// The id of a feature by name.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<FeatureId> {
        self.features.iter().position(|feature| feature.name == name).map(FeatureId::at)
    }
}
