//! How do pictures show what was saved? As what is explained now; what the file does not hold comes from the model and from the data.

use pellucid_data::Table;
use pellucid_data::table::{Categories, Column};
use pellucid_models::trees::Ensemble;
use pellucid_views::sample::parts;
use pellucid_views::subject::{FeatureValues, Subject};

use super::{Saved, Summed};

impl Saved {
    /// One output, ready to be looked at. With the model that was explained, its probabilities are told, too.
    #[must_use]
    pub fn subject(
        &self,
        summed: &Summed,
        output: usize,
        model: Option<&Ensemble>,
        features: Vec<FeatureValues>,
    ) -> Subject {
        let n = self.features.len();
        let of_output = |output: usize| summed.values.get(output * n..(output + 1) * n).unwrap_or_default();
        let base = |output: usize| summed.base.get(output).copied().unwrap_or(f64::NAN);
        let margins_of = |output: usize| -> Vec<f64> {
            // In the order in which the engine adds.
            let sum = |row: usize| base(output) + of_output(output).iter().map(|own| own[row]).sum::<f64>();
            (0..summed.rows.len()).map(sum).collect()
        };
        let margins = margins_of(output);
        let linked = model.filter(|model| self.is_margin && model.link.is_probability());
        let probabilities = linked.map(|model| {
            let all: Vec<Vec<f64>> = (0..self.n_outputs).map(margins_of).collect();
            let of_row = |row: usize| {
                let row: Vec<f64> = all.iter().map(|own| own[row]).collect();
                model.predictions(&row).get(output).copied().unwrap_or(f64::NAN)
            };
            (0..summed.rows.len()).map(of_row).collect()
        });
        let values = (0..summed.rows.len())
            .flat_map(|row| of_output(output).iter().map(move |own| own[row]))
            .collect();
        Subject {
            model: match model {
                Some(model) => format!("{}, {}", model.origin.library, parts(model)),
                None => format!("model {}…", self.model_sha256.chars().take(12).collect::<String>()),
            },
            method: self.method.clone(),
            kind: self.kind,
            unit: self.unit.clone(),
            output: (self.n_outputs > 1).then(|| output.to_string()),
            base: base(output),
            features,
            values,
            margins,
            probabilities,
            rows: summed.rows.clone(),
            totals: summed.totals.get(output).cloned().unwrap_or_default(),
            only: self.only.clone(),
            partners: None,
        }
    }
}

/// Features whose values are not known.
#[must_use]
pub fn of_nothing(saved: &Saved, summed: &Summed) -> Vec<FeatureValues> {
    let unknown = |name: &String| FeatureValues {
        name: name.clone(),
        numbers: vec![f64::NAN; summed.rows.len()],
        levels: Some(Vec::new()),
    };
    saved.features.iter().map(unknown).collect()
}

/// Features with their values in the rows that are drawn, from the table that was explained; and names that are none of its columns.
#[must_use]
pub fn of_data(saved: &Saved, summed: &Summed, table: &Table) -> (Vec<FeatureValues>, Vec<String>) {
    let mut absent = Vec::new();
    let mut features = of_nothing(saved, summed);
    for feature in &mut features {
        match table.column(&feature.name) {
            None => absent.push(feature.name.clone()),
            Some(Column::Number(values)) => {
                feature.numbers = summed.in_table().iter().map(|&row| value(values, row)).collect();
                feature.levels = None;
            }
            Some(Column::Category(text)) => {
                feature.numbers = summed.in_table().iter().map(|&row| code(text, row)).collect();
                feature.levels = Some(text.levels.to_vec());
            }
        }
    }
    (features, absent)
}

fn value(values: &[f64], row: usize) -> f64 {
    values.get(row).copied().unwrap_or(f64::NAN)
}

fn code(text: &Categories, row: usize) -> f64 {
    match text.codes.get(row) {
        Some(&code) if code != Categories::MISSING => f64::from(code),
        _ => f64::NAN,
    }
}
