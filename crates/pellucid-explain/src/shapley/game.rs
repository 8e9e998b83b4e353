//! What does a model answer when some features are not known? Two games, and a third for linear models.

use pellucid_data::FeatureId;
use pellucid_models::trees::FeatureMatrix;

/// Whence the values of unknown features come.
#[derive(Debug, Clone, Copy, Default)]
pub enum Game<'b> {
    /// From the training rows that came the same way, as the model's covers tell (`tree_path_dependent` of shap).
    #[default]
    PathDependent,
    /// From rows that are given (`interventional` of shap): v(S) is the mean margin over these rows with the features of S
    /// replaced by those of the explained row.
    Background(&'b Background),
    /// From what the known features say of them, if all follow a normal distribution with the means and covariances of rows that
    /// are given (`correlation_dependent` of shap; linear models only).
    Correlated(&'b Background),
}

impl Game<'_> {
    /// The name of the correlation-dependent game.
    pub const CORRELATED: &'static str = "correlation-dependent";

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::PathDependent => "path-dependent",
            Self::Background(_) => "background",
            Self::Correlated(_) => Self::CORRELATED,
        }
    }
}

/// Rows with weights, from which unknown features are taken.
#[derive(Debug, Clone)]
pub struct Background {
    rows: FeatureMatrix,
    weights: Vec<f64>,
    total: f64,
}

/// Why rows are no background.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BackgroundError {
    /// No row.
    #[error("the background has no rows")]
    NoRows,
    /// Not one weight a row.
    #[error("the background has {rows} rows and {weights} weights")]
    Lengths {
        /// Rows.
        rows: usize,
        /// Weights.
        weights: usize,
    },
    /// A weight that is negative or no number.
    #[error("row {row} of the background weighs {weight}; weights are numbers from 0 on")]
    Weight {
        /// The row, from 0.
        row: usize,
        /// Its weight.
        weight: f64,
    },
    /// Nothing weighs anything.
    #[error("all rows of the background weigh 0")]
    NoWeight,
}

impl Background {
    /// Rows as the model compares them; without weights all weigh the same.
    ///
    /// # Errors
    /// When there is no row, or the weights make no sense.
    pub fn new(rows: FeatureMatrix, weights: Option<Vec<f64>>) -> Result<Self, BackgroundError> {
        let n = rows.n_rows();
        if n == 0 {
            return Err(BackgroundError::NoRows);
        }
        let weights = weights.unwrap_or_else(|| vec![1.0; n]);
        if weights.len() != n {
            return Err(BackgroundError::Lengths { rows: n, weights: weights.len() });
        }
        if let Some(row) = weights.iter().position(|weight| !(*weight >= 0.0 && weight.is_finite())) {
            return Err(BackgroundError::Weight { row, weight: weights[row] });
        }
        let total: f64 = weights.iter().sum();
        if total <= 0.0 || !total.is_finite() {
            return Err(BackgroundError::NoWeight);
        }
        Ok(Self { rows, weights, total })
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &FeatureMatrix {
        &self.rows
    }

    /// One weight a row.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The weighted mean of a feature, to the last digits: what a long sum loses is added again.
    #[must_use]
    pub fn mean(&self, feature: FeatureId) -> f64 {
        let about = self.mean_of(|row| self.rows.at(feature, row));
        about + self.mean_of(|row| self.rows.at(feature, row) - about)
    }

    /// Whether a feature has several values in rows that weigh something.
    pub(super) fn varies(&self, feature: FeatureId) -> bool {
        let mut values = self.weighty().map(|(row, _)| self.rows.at(feature, row));
        values.next().is_some_and(|first| values.any(|x| x != first))
    }

    /// The weighted mean of what `of` says of each row; rows that weigh nothing are not asked.
    pub(super) fn mean_of(&self, of: impl Fn(usize) -> f64) -> f64 {
        self.weighty().map(|(row, weight)| weight * of(row)).sum::<f64>() / self.total
    }

    /// The rows that weigh something, with their weights.
    fn weighty(&self) -> impl Iterator<Item = (usize, f64)> {
        self.weights.iter().copied().enumerate().filter(|(_, weight)| *weight > 0.0)
    }

    /// The sum of the weights.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.total
    }
}
