//! What does a model answer when some features are not known? Two games, and a third for linear models.

use pellucid_data::FeatureId;
use pellucid_models::trees::{FeatureMatrix, InputCast};

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
    /// Not one covariance for each two features.
    #[error("{covariances} covariances are given for {means} means; a square matrix of them is wanted")]
    Shape {
        /// Means.
        means: usize,
        /// Covariances.
        covariances: usize,
    },
    /// A mean or covariance that is no finite number.
    #[error("a mean or covariance is {found}; finite numbers are wanted")]
    Infinite {
        /// What stands there.
        found: f64,
    },
    /// Numbers that are covariances of nothing.
    #[error(
        "no rows have such covariances (the matrix is not symmetric, or not positive semidefinite): look at row {row} and column {column}, from 0"
    )]
    NoCovariances {
        /// The row of the matrix.
        row: usize,
        /// The column.
        column: usize,
    },
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

    /// Rows with these means and (row-major) covariances: two for each feature, on either side of the means. What asks for nothing else of
    /// a background, as the games of linear models, is answered by them as by rows that were seen.
    ///
    /// # Errors
    /// When there is no feature, the numbers are not as many as fit, or no rows have such covariances.
    pub fn from_moments(means: &[f64], covariances: &[f64]) -> Result<Self, BackgroundError> {
        let n = means.len();
        if n == 0 {
            return Err(BackgroundError::NoRows);
        }
        if n.checked_mul(n) != Some(covariances.len()) {
            return Err(BackgroundError::Shape { means: n, covariances: covariances.len() });
        }
        if let Some(&found) = means.iter().chain(covariances).find(|x| !x.is_finite()) {
            return Err(BackgroundError::Infinite { found });
        }
        let factor = factor(covariances, n)?;
        let far = (n as f64).sqrt();
        let column = |(feature, mean): (usize, &f64)| {
            let around = |direction: usize| {
                // Rounded so that both sides are equally far from the mean: it comes out as it was told, unless the step is far larger.
                let step = (mean + far * factor[feature * n + direction]) - mean;
                [mean + step, mean - step]
            };
            (0..n).flat_map(around).collect()
        };
        let columns = means.iter().enumerate().map(column).collect();
        let rows = FeatureMatrix::new(columns, 2 * n, InputCast::F64).ok_or(BackgroundError::NoRows)?;
        Self::new(rows, None)
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

/// L with L L' equal to a row-major matrix (Cholesky's); zeros below what others determine.
fn factor(matrix: &[f64], n: usize) -> Result<Vec<f64>, BackgroundError> {
    /// Less than this share of a variance is rounding.
    const ROUNDING: f64 = 1e-10;
    let scale = |i: usize, j: usize| (matrix[i * n + i].abs() * matrix[j * n + j].abs()).sqrt();
    let mut factor = vec![0.0; n * n];
    for column in 0..n {
        for row in column..n {
            let (entry, other) = (matrix[row * n + column], matrix[column * n + row]);
            if (entry - other).abs() > ROUNDING * scale(row, column) {
                return Err(BackgroundError::NoCovariances { row, column });
            }
            let known: f64 = (0..column).map(|k| factor[row * n + k] * factor[column * n + k]).sum();
            let left = entry - known;
            let pivot = factor[column * n + column];
            factor[row * n + column] = if row == column {
                if left < -ROUNDING * scale(row, row) || entry < 0.0 {
                    return Err(BackgroundError::NoCovariances { row, column });
                }
                if left <= ROUNDING * entry { 0.0 } else { left.sqrt() }
            } else if pivot > 0.0 {
                left / pivot
            } else if left.abs() <= ROUNDING.sqrt() * scale(row, column) {
                0.0
            } else {
                return Err(BackgroundError::NoCovariances { row, column });
            };
        }
    }
    Ok(factor)
}
