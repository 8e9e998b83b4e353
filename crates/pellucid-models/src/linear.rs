//! What does a model add up beside trees? A slope for each feature and output.

use pellucid_data::FeatureId;

/// Slopes of all outputs: what a linear model adds is their product with the features.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// Row-major: outputs × features.
    slopes: Vec<f64>,
    n_features: usize,
}

impl Linear {
    /// Slopes, row-major: outputs × features. `None` unless there are as many as that, all of them finite.
    #[must_use]
    pub fn new(slopes: Vec<f64>, n_outputs: usize, n_features: usize) -> Option<Self> {
        let fits = n_outputs.checked_mul(n_features) == Some(slopes.len());
        (fits && slopes.iter().all(|slope| slope.is_finite())).then_some(Self { slopes, n_features })
    }

    /// The slopes of an output, one a feature.
    #[must_use]
    pub fn slopes(&self, output: usize) -> &[f64] {
        &self.slopes[output * self.n_features..][..self.n_features]
    }

    /// Whether a feature moves any output.
    #[must_use]
    pub fn uses(&self, feature: FeatureId) -> bool {
        self.slopes.iter().skip(feature.index()).step_by(self.n_features.max(1)).any(|slope| *slope != 0.0)
    }

    /// What is added to an output: the sum of slopes times features, over the features that move it.
    pub fn sum(&self, output: usize, x: impl Fn(FeatureId) -> f64) -> f64 {
        let moving = self.slopes(output).iter().enumerate().filter(|(_, slope)| **slope != 0.0);
        moving.map(|(feature, slope)| slope * x(FeatureId::at(feature))).sum()
    }
}
