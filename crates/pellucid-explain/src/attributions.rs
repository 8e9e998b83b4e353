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

/// What values are: only what is one is called a Shapley value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Shapley values of a game, up to rounding.
    #[default]
    Shapley,
    /// Shapley values of the margin, shared out among a probability.
    Rescaled,
    /// Changes along each row's own way.
    Saabas,
}

impl Kind {
    /// What one value is called.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Shapley => "Shapley value",
            Self::Rescaled => "rescaled value",
            Self::Saabas => "Saabas value",
        }
    }
}

/// Additive attributions of rows: `base + Σ values = margin`, up to the residual that is always with them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Attributions {
    /// Which game the values are those of.
    game: &'static str,
    /// On which scale they add up.
    space: Space,
    /// What they are.
    kind: Kind,
    /// Whether they are sums over groups of features.
    is_summed: bool,
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
            kind: Kind::Shapley,
            is_summed: false,
            n_rows,
            n_features,
            base,
            values,
            margins,
            residuals,
        }
    }

    /// The same with sums of features: column `at` is the sum of those that `members[at]` names.
    #[must_use]
    pub fn summed(&self, members: &[Vec<usize>]) -> Self {
        let rows = self.values.chunks_exact(self.n_features.max(1));
        let values =
            rows.flat_map(|row| members.iter().map(|own| own.iter().map(|&at| row[at]).sum::<f64>()));
        let (base, margins) = (self.base.clone(), self.margins.clone());
        let summed = Self::measured(self.game, members.len(), base, values.collect(), margins);
        Self { is_summed: true, ..summed.of_kind(self.kind).on(self.space) }
    }

    /// Says what the values are.
    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
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

    /// What the values are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether they are values of their game up to rounding, and no approximation of them.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.kind == Kind::Shapley
    }

    /// The first row whose residual is more than rounding, or no number.
    #[must_use]
    pub fn first_doubtful(&self) -> Option<usize> {
        /// A residual above this share of a row's size is more than rounding.
        const ROUNDING: f64 = 1e-9;
        let is_doubtful = |row: usize, output: OutputId| {
            let size = self.margin(row, output).abs() + self.base(output).abs() + 1.0;
            let residual = self.residual(row, output);
            residual.is_nan() || residual > ROUNDING * size
        };
        let outputs = || (0..self.n_outputs()).map(OutputId::at);
        (0..self.n_rows()).find(|&row| outputs().any(|output| is_doubtful(row, output)))
    }

    /// What the values are, for people: `path-dependent Shapley values, exact`.
    #[must_use]
    pub fn described(&self) -> String {
        let game = self.game;
        let what = match (self.kind, self.space) {
            (Kind::Shapley, Space::Margin) => format!("{game} Shapley values, exact"),
            (Kind::Shapley, _) => format!("{game} Shapley values of the probability, exact"),
            (Kind::Rescaled, _) => {
                format!("rescaled {game} Shapley values of the margin, no Shapley values of the probability")
            }
            (Kind::Saabas, _) => format!("Saabas values, an approximation of {game} Shapley values"),
        };
        what + if self.is_summed { ", summed in groups" } else { "" }
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
