//! What is a tree ensemble? Trees that are summed, a base, and the way back to predictions. (A linear model is one without trees.)

use std::sync::Arc;

use pellucid_data::FeatureId;

use super::bind::FeatureMatrix;
use super::node::{Node, Tree};
use super::walk::Walker;
use crate::{Linear, Link, Predict, Scale};

/// Where a model came from; for people, never for algorithms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The library, as it writes itself: `XGBoost`, `LightGBM`, `CatBoost`, `scikit-learn`.
    pub library: &'static str,
    /// The format of the file.
    pub format: &'static str,
    /// The version that the file names, if any.
    pub version: Option<String>,
    /// The training objective as the file names it.
    pub objective: String,
    /// Facts that a reader of the model should know and that changed no number.
    pub notes: Vec<String>,
}

/// To what precision a library rounds inputs before it compares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputCast {
    /// To `f32`; what is infinite then is refused (XGBoost, forests of scikit-learn).
    F32,
    /// To `f32`; what is infinite then, or missing, is refused (gradient boosting of scikit-learn).
    F32Present,
    /// To `f32`, infinities are numbers (CatBoost).
    F32OrInfinite,
    /// To `f32`; what is infinite then, or missing, has no answer (linear models of ONNX).
    F32Finite,
    /// Not at all; what is infinite or missing is refused (linear models of scikit-learn).
    F64Finite,
    /// Not at all.
    F64,
    /// Not at all, but `|x| <=` [`ZERO_THRESHOLD`](super::node::ZERO_THRESHOLD) is read as 0 (LightGBM,
    /// before it looks at any tree).
    F64TinyIsZero,
}

impl InputCast {
    /// The value that is compared.
    #[must_use]
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::F32 | Self::F32Present | Self::F32Finite | Self::F32OrInfinite => f64::from(x as f32),
            Self::F64 | Self::F64Finite => x,
            Self::F64TinyIsZero if x.abs() <= super::node::ZERO_THRESHOLD => 0.0,
            Self::F64TinyIsZero => x,
        }
    }

    /// Whether the library refuses a value (before it is rounded).
    #[must_use]
    pub fn refuses(self, x: f64) -> bool {
        match self {
            Self::F32 => (x as f32).is_infinite(),
            Self::F32Present | Self::F32Finite => !(x as f32).is_finite(),
            Self::F64Finite => !x.is_finite(),
            Self::F32OrInfinite | Self::F64 | Self::F64TinyIsZero => false,
        }
    }
}

/// How a library adds up leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summation {
    /// The base, then tree after tree, each sum rounded to `f32` (XGBoost).
    F32,
    /// Tree after tree, then the base, each sum rounded to `f32` (onnxruntime).
    F32BaseLast,
    /// Tree after tree in `f64`, then the base, and the sum rounded to `f32` (onnxruntime, inputs of 64 bits).
    F64ToF32,
    /// Tree after tree in `f64` (LightGBM, CatBoost).
    F64,
    /// The base, then tree after tree, in `f64` (scikit-learn).
    F64FromBase,
}

/// What happens to a text value that the model never saw in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnseenLevel {
    /// The library refuses the row (XGBoost).
    Refused,
    /// The library reads it as missing (LightGBM), or as a category that no split asks for, which is the same (CatBoost).
    Missing,
    /// The library compares hashes, and the file tells some categories by nothing else: those are called `#` and the number, and a text is looked
    /// up by its own. What is none of them is read as missing (CatBoost, saved without its pool).
    ByHash,
}

/// What values a feature takes.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureKind {
    /// Numbers, compared with thresholds.
    Number,
    /// Category codes that the user made; the model stores no names for them.
    Code,
    /// Categories whose names the model stores, in the order of their codes.
    Level {
        /// The names.
        levels: Arc<Vec<String>>,
        /// Whether the names are numbers, so that `3` and `3.0` are the same.
        numeric: bool,
        /// What an unknown name means.
        unseen: UnseenLevel,
    },
}

/// A column of what the model was trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Its name; `f0`, `f1`, ... where the model stores none.
    pub name: String,
    /// What values it takes.
    pub kind: FeatureKind,
}

/// A sum of trees or of slopes times features, exactly as the library that trained it computes it.
#[derive(Debug, Clone)]
pub struct Ensemble {
    /// Where it came from.
    pub origin: Origin,
    /// The columns it was trained on, in training order.
    pub features: Vec<Feature>,
    /// Whether the names of `features` stand in the file.
    pub named: bool,
    /// The trees, in the file's order.
    pub trees: Vec<Tree>,
    /// What is added beside them: the whole of a linear model, nothing of others.
    pub linear: Option<Linear>,
    /// One base margin an output.
    pub base: Vec<f64>,
    /// Predictions are taken from the margin divided by this: 1, or the number of iterations of a forest
    /// whose library sums margins and averages predictions (LightGBM).
    pub average_over: u32,
    /// From margins to predictions.
    pub link: Link,
    /// Rounding of inputs.
    pub cast: InputCast,
    /// Rounding of sums.
    pub summation: Summation,
    /// Whether the file says how much training weight reached each node; without it the path-dependent
    /// game is not defined.
    pub has_covers: bool,
}

impl Ensemble {
    /// The sum of the trees, the linear part and the base for one row, in `f64`: the function that is explained.
    ///
    /// It differs from the library's own margin by the rounding of the library's sum only
    /// ([`Scale::Margin`] of [`Predict::predict`] repeats that rounding).
    pub fn margin(&self, x: impl Fn(FeatureId) -> f64) -> Vec<f64> {
        let mut sums = self.linear_sums(&x);
        for tree in &self.trees {
            let values = tree.leaf_values(tree.leaf(&x));
            tree.target.each_output(values, |output, value| sums[output] += value);
        }
        sums.iter().zip(&self.base).map(|(sum, base)| base + sum).collect()
    }

    /// The margins of every row, row-major: [`margin`](Self::margin) of one after the other.
    #[must_use]
    pub fn margins(&self, rows: &FeatureMatrix) -> Vec<f64> {
        (0..rows.n_rows()).flat_map(|row| self.margin(|feature| rows.at(feature, row))).collect()
    }

    /// What the trees and the base are expected to sum to, one an output, if nothing is known but the shares of training rows.
    #[must_use]
    pub fn expected_margins(&self) -> Vec<f64> {
        let mut sums = self.base.clone();
        for tree in &self.trees {
            tree.target().each_output(tree.expected(), |output, value| sums[output] += value);
        }
        sums
    }

    /// The same model as if its trees had been trained on other rows: the cover of a node is the number of them that come by (what
    /// `TreeExplainer` of shap makes of `data` in the path-dependent game). Splits and leaves stay.
    #[must_use]
    pub fn recounted(&self, rows: &FeatureMatrix) -> Self {
        let counted = |tree: &Tree| {
            let mut covers = vec![0.0; tree.n_leaves()];
            Walker::new(tree).each_leaf(rows, 0..rows.n_rows(), |_, leaf| covers[leaf as usize] += 1.0);
            tree.clone().with_leaf_covers(&covers)
        };
        Self {
            trees: self.trees.iter().map(counted).collect(),
            has_covers: self.linear.is_none(),
            ..self.clone()
        }
    }

    /// The linear part of one row's margins; zeros where there is none.
    fn linear_sums(&self, x: impl Fn(FeatureId) -> f64) -> Vec<f64> {
        let of = |output| self.linear.as_ref().map_or(0.0, |linear| linear.sum(output, &x));
        (0..self.base.len()).map(of).collect()
    }

    /// Margins of all rows with the library's own rounding, row-major.
    fn library_margins(&self, rows: &FeatureMatrix) -> Vec<f64> {
        let k = self.base.len();
        let of_row = |row| self.linear_sums(|feature| rows.at(feature, row));
        let mut sums: Vec<f64> = (0..rows.n_rows()).flat_map(of_row).collect();
        match self.summation {
            Summation::F32 => {
                let start = |(at, sum): (usize, &f64)| (self.base[at % k] + sum) as f32;
                let mut sums: Vec<f32> = sums.iter().enumerate().map(start).collect();
                self.each_leaf(rows, |at, value| sums[at] += value as f32);
                sums.into_iter().map(f64::from).collect()
            }
            Summation::F32BaseLast => {
                let mut sums: Vec<f32> = sums.iter().map(|&sum| sum as f32).collect();
                self.each_leaf(rows, |at, value| sums[at] += value as f32);
                let with_base = |(at, sum): (usize, f32)| f64::from(sum + self.base[at % k] as f32);
                sums.into_iter().enumerate().map(with_base).collect()
            }
            Summation::F64FromBase => {
                sums.iter_mut().enumerate().for_each(|(at, sum)| *sum += self.base[at % k]);
                self.each_leaf(rows, |at, value| sums[at] += value);
                sums
            }
            Summation::F64ToF32 => {
                self.each_leaf(rows, |at, value| sums[at] += value);
                let rounded = |(at, sum): (usize, f64)| f64::from((sum + self.base[at % k]) as f32);
                sums.into_iter().enumerate().map(rounded).collect()
            }
            Summation::F64 => {
                self.each_leaf(rows, |at, value| sums[at] += value);
                sums.iter_mut().enumerate().for_each(|(at, sum)| *sum += self.base[at % k]);
                sums
            }
        }
    }

    /// Tree after tree, gives every row's leaf values with the place of their output (row-major).
    fn each_leaf(&self, rows: &FeatureMatrix, mut add: impl FnMut(usize, f64)) {
        let k = self.base.len();
        for tree in &self.trees {
            Walker::new(tree).each_leaf(rows, 0..rows.n_rows(), |row, leaf| {
                let values = tree.leaf_values(leaf);
                tree.target.each_output(values, |output, value| add(row * k + output, value));
            });
        }
    }

    /// Predictions of a row from its margins, as the library's `predict` answers them.
    #[must_use]
    pub fn predictions(&self, margins: &[f64]) -> Vec<f64> {
        let over = f64::from(self.average_over);
        let means: Vec<f64> = margins.iter().map(|m| m / over).collect();
        self.link.predictions(&means)
    }

    /// How many leaves all trees have.
    #[must_use]
    pub fn n_leaves(&self) -> usize {
        self.trees.iter().map(Tree::n_leaves).sum()
    }

    /// The features that move any margin, ascending.
    #[must_use]
    pub fn features_in_use(&self) -> Vec<FeatureId> {
        let used = self.used_features();
        (0..used.len()).filter(|&feature| used[feature]).map(FeatureId::at).collect()
    }

    /// The features that any split looks at, ascending.
    #[must_use]
    pub fn features_in_splits(&self) -> Vec<FeatureId> {
        let split = self.split_features();
        (0..split.len()).filter(|&feature| split[feature]).map(FeatureId::at).collect()
    }

    /// For each feature, whether any split looks at it, or its slope is not 0.
    #[must_use]
    pub fn used_features(&self) -> Vec<bool> {
        let mut used = self.split_features();
        if let Some(linear) = &self.linear {
            used.iter_mut().enumerate().for_each(|(at, used)| *used |= linear.uses(FeatureId::at(at)));
        }
        used
    }

    fn split_features(&self) -> Vec<bool> {
        let mut split = vec![false; self.features.len()];
        for node in self.trees.iter().flat_map(Tree::nodes) {
            if let Node::Split(own) = node {
                split[own.feature.index()] = true;
            }
        }
        split
    }
}

impl Predict for Ensemble {
    fn n_outputs(&self) -> usize {
        self.base.len()
    }

    fn predict(&self, rows: &FeatureMatrix, scale: Scale) -> Vec<f64> {
        let margins = self.library_margins(rows);
        match scale {
            Scale::Margin => margins,
            Scale::Prediction => {
                margins.chunks_exact(self.n_outputs()).flat_map(|row| self.predictions(row)).collect()
            }
        }
    }
}
