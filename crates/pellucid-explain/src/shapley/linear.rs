//! How is a sum of slopes times features explained? Nothing in it depends on two features, so that no sum over subsets is left.
//!
//! In the background game feature i of a row gets `slope · (x - mean)`, with its mean over the background (`LinearExplainer` of shap,
//! `feature_perturbation="interventional"`; Lundberg & Lee 2017, corollary 1).

use pellucid_data::FeatureId;
use pellucid_models::Linear;
use pellucid_models::trees::{Ensemble, FeatureMatrix};

use super::game::Background;

/// A model's linear part, and where its features are expected.
#[derive(Debug, Clone)]
pub(super) struct LinearPart {
    linear: Linear,
    /// One a feature; 0 where no slope asks for it.
    means: Vec<f64>,
}

impl LinearPart {
    /// `None` for models without such a part.
    pub(super) fn new(model: &Ensemble, background: &Background) -> Option<Self> {
        let linear = model.linear.clone()?;
        let mean = |feature| if linear.uses(feature) { background.mean(feature) } else { 0.0 };
        let means = (0..model.features.len()).map(FeatureId::at).map(mean).collect();
        Some(Self { linear, means })
    }

    /// Adds what is expected to the base of each output.
    pub(super) fn add_base(&self, base: &mut [f64]) {
        for (output, base) in base.iter_mut().enumerate() {
            *base += self.linear.sum(output, |feature| self.means[feature.index()]);
        }
    }

    /// Adds to values (rows × outputs × features) and margins (rows × outputs) of all rows.
    pub(super) fn add(&self, rows: &FeatureMatrix, values: &mut [f64], margins: &mut [f64]) {
        let n_features = self.means.len();
        let n_outputs = margins.len() / rows.n_rows().max(1);
        for (at, margin) in margins.iter_mut().enumerate() {
            let (row, output) = (at / n_outputs, at % n_outputs);
            *margin += self.linear.sum(output, |feature| rows.at(feature, row));
            let own = &mut values[at * n_features..][..n_features];
            each_part(&self.linear, output, |f| rows.at(f, row), |f| self.means[f.index()], own);
        }
    }
}

/// Adds slope times difference to every feature's value.
pub(super) fn each_part(
    linear: &Linear,
    output: usize,
    x: impl Fn(FeatureId) -> f64,
    from: impl Fn(FeatureId) -> f64,
    values: &mut [f64],
) {
    for (at, (slope, value)) in linear.slopes(output).iter().zip(values).enumerate() {
        let feature = FeatureId::at(at);
        if *slope != 0.0 {
            *value += slope * (x(feature) - from(feature));
        }
    }
}
