//! What is an explanation by attribution? A base, one number a feature, and how far they miss the margin.

use pellucid_data::{FeatureId, OutputId};

/// The scale on which values add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Space {
    /// The model's raw sum.
    #[default]
    Margin,
    /// Its probabilities, explained as such.
    Probability,
    /// Its probabilities, among which the values of the margin are shared out.
    Rescaled,
}

/// Additive attributions of rows: `base + Σ values = margin`, up to the residual that is always with them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Attributions {
    /// Which game the values are those of.
    game: &'static str,
    /// On which scale they add up.
    space: Space,
    /// Whether they are its Shapley values, up to rounding, or only stand for them.
    is_exact: bool,
    n_rows: usize,
    n_features: usize,
    /// One expected margin an output.
    base: Vec<f64>,
    /// Row-major: rows × outputs × features.
    values: Vec<f64>,
    /// Row-major: rows × outputs.
    margins: Vec<f64>,
    /// Row-major: rows × outputs.
    residuals: Vec<f64>,
}

impl Attributions {
    /// Adds up what was found and measures it against the model's own margins.
    pub(crate) fn measured(
        game: &'static str,
        n_features: usize,
        base: Vec<f64>,
        values: Vec<f64>,
        margins: Vec<f64>,
    ) -> Self {
        let n_outputs = base.len();
        let n_rows = margins.len() / n_outputs.max(1);
        let residual = |at: usize| {
            let row_values = &values[at * n_features..][..n_features];
            (base[at % n_outputs] + row_values.iter().sum::<f64>() - margins[at]).abs()
        };
        let residuals = (0..margins.len()).map(residual).collect();
        Self {
            game,
            space: Space::Margin,
            is_exact: true,
            n_rows,
            n_features,
            base,
            values,
            margins,
            residuals,
        }
    }

    /// Says that the values are no Shapley values.
    pub(crate) fn approximate(mut self) -> Self {
        self.is_exact = false;
        self
    }

    /// Says that values, base and margins are on another scale.
    pub(crate) fn on(mut self, space: Space) -> Self {
        self.space = space;
        self
    }

    /// The scale on which the values add up; what is called margin here is on it, too.
    #[must_use]
    pub fn space(&self) -> Space {
        self.space
    }

    /// Whether the values are the game's Shapley values up to rounding.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// What the values are, for people: `path-dependent Shapley values, exact`.
    #[must_use]
    pub fn described(&self) -> String {
        match (self.space, self.is_exact) {
            (Space::Rescaled, _) => format!(
                "rescaled {} Shapley values of the margin, no Shapley values of the probability",
                self.game
            ),
            (Space::Probability, _) => format!("{} Shapley values of the probability, exact", self.game),
            (Space::Margin, true) => format!("{} Shapley values, exact", self.game),
            (Space::Margin, false) => {
                format!("Saabas values, an approximation of {} Shapley values", self.game)
            }
        }
    }

    /// The game's name: `path-dependent` or `background`.
    #[must_use]
    pub fn game(&self) -> &'static str {
        self.game
    }

    /// How many rows are explained.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// How many features the model has.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// How many outputs the model has.
    #[must_use]
    pub fn n_outputs(&self) -> usize {
        self.base.len()
    }

    /// The expected margin of an output, with no feature known.
    #[must_use]
    pub fn base(&self, output: OutputId) -> f64 {
        self.base[output.index()]
    }

    /// The values of one row and output, one a feature.
    #[must_use]
    pub fn values(&self, row: usize, output: OutputId) -> &[f64] {
        &self.values[(row * self.n_outputs() + output.index()) * self.n_features..][..self.n_features]
    }

    /// One value.
    #[must_use]
    pub fn value(&self, row: usize, output: OutputId, feature: FeatureId) -> f64 {
        self.values(row, output)[feature.index()]
    }

    /// The model's own margin of a row.
    #[must_use]
    pub fn margin(&self, row: usize, output: OutputId) -> f64 {
        self.margins[row * self.n_outputs() + output.index()]
    }

    /// All margins of a row, one an output.
    #[must_use]
    pub fn margins(&self, row: usize) -> &[f64] {
        &self.margins[row * self.n_outputs()..][..self.n_outputs()]
    }

    /// `|base + Σ values - margin|` of a row: what the explanation does not account for.
    #[must_use]
    pub fn residual(&self, row: usize, output: OutputId) -> f64 {
        self.residuals[row * self.n_outputs() + output.index()]
    }

    /// The largest residual of all rows and outputs; NaN if any is.
    #[must_use]
    pub fn worst_residual(&self) -> f64 {
        self.residuals.iter().fold(0.0, |worst, &r| if r.is_nan() || r > worst { r } else { worst })
    }
}
