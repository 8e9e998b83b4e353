//! What is explained: models as values, and what they predict.
//!
//! Importers turn files into one [`trees::Ensemble`]; nothing above this crate hears which library
//! trained it.

pub mod linear;
pub mod link;
pub mod rules;
#[cfg(feature = "transformer")]
pub mod transformer;
pub mod trees;

pub use linear::Linear;
pub use link::{Link, Scale};
use trees::FeatureMatrix;

/// A model that maps rows of features to one or more outputs.
pub trait Predict {
    /// How many outputs a row has (classes, targets, or 1).
    fn n_outputs(&self) -> usize;

    /// Outputs of every row on the given scale, row-major: `n_rows` × [`n_outputs`](Predict::n_outputs)
    /// (for a [`Link`] that answers with one class, `n_rows` × 1 on the scale of predictions).
    fn predict(&self, rows: &FeatureMatrix, scale: Scale) -> Vec<f64>;
}
