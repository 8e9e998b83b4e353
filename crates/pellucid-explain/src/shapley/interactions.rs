//! How much do two features give only together? Shapley interactions, exact, in both games.
//!
//! The interaction index of features i and j (Grabisch & Roubens 1999) is the Shapley value of what the two gain
//! together beyond what each gains alone. In the convention of shap's `shap_interaction_values`, half of it stands at
//! (i, j) and half at (j, i), and the diagonal is what remains of a feature's Shapley value, so that a row of the matrix
//! sums to the value and the whole matrix, with the base, to the margin.

use pellucid_data::{FeatureId, OutputId};
use pellucid_models::trees::{Ensemble, FeatureMatrix};

use super::blocks::{self, Layout};
use super::columns::{Wanted, each_pair, pair};
use super::definition;
use super::plan::{Plan, Way, plan_columns};
use super::{Game, How, PlanError, plan_game, tree_shap};
use crate::{Attributions, Control, Stopped};

/// A model made ready for interactions.
#[derive(Debug, Clone)]
pub struct InteractionPlan {
    values: Plan,
    pairs: Plan,
}

impl InteractionPlan {
    /// The plan of the Shapley values, which diagonals are made of.
    #[must_use]
    pub fn values(&self) -> &Plan {
        &self.values
    }

    /// What the plan of the pairs consists of.
    #[must_use]
    pub fn summary(&self) -> super::Summary {
        self.pairs.summary()
    }
}

/// Prepares a model for interactions.
///
/// # Errors
/// As [`plan_game`].
pub fn plan_interactions(
    model: &Ensemble,
    game: Game<'_>,
    how: How,
    control: &Control<'_>,
) -> Result<InteractionPlan, PlanError> {
    let values = plan_game(model, game, how, control)?;
    let pairs = plan_columns(model, game, Wanted::Pairs, how, control)?;
    Ok(InteractionPlan { values, pairs })
}

/// Interactions of rows: for every row and output a symmetric matrix that sums to the values.
#[derive(Debug, Clone, PartialEq)]
pub struct Interactions {
    values: Attributions,
    /// Row-major: rows × outputs × pairs (0, 1), (0, 2), ..., (1, 2), ... of features, halved.
    halves: Vec<f64>,
    n_pairs: usize,
}

impl Interactions {
    /// The Shapley values that the rows of a matrix sum to, with base, margin and residual.
    #[must_use]
    pub fn values(&self) -> &Attributions {
        &self.values
    }

    /// One entry of the matrix of a row and output.
    #[must_use]
    pub fn at(&self, row: usize, output: OutputId, one: FeatureId, other: FeatureId) -> f64 {
        if one != other {
            return self.half(row, output, one.index(), other.index());
        }
        let others = (0..self.values.n_features()).filter(|&feature| feature != one.index());
        let halves: f64 = others.map(|feature| self.half(row, output, one.index(), feature)).sum();
        self.values.value(row, output, one) - halves
    }

    fn half(&self, row: usize, output: OutputId, one: usize, other: usize) -> f64 {
        let pair = pair(one, other, self.values.n_features());
        self.halves[(row * self.values.n_outputs() + output.index()) * self.n_pairs + pair]
    }
}

/// Interactions for every row and output, on the margin scale. `plan` must have been made from the same `model`.
///
/// # Errors
/// When `control.watch` asks to stop.
pub fn shap_interactions(
    model: &Ensemble,
    plan: &InteractionPlan,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<Interactions, Stopped> {
    let values = tree_shap(model, &plan.values, rows, control)?;
    let n = model.features.len();
    let n_pairs = Wanted::Pairs.width(n);
    let mut halves = match plan.pairs.way() {
        Way::Compiled(compiled) => {
            // Pairs of features in use, among all pairs.
            let used = &compiled.bins.used;
            let place = |(i, j): (usize, usize)| pair(used[i].index(), used[j].index(), n);
            let places = each_pair(used.len()).map(place).collect();
            let layout = Layout { places, n: n_pairs, with_margins: false };
            blocks::run(model, compiled, &layout, rows, control)?.0
        }
        way => definition::interactions_by_subsets(model, way.game(), rows, control)?,
    };
    halves.iter_mut().for_each(|half| *half /= 2.0);
    Ok(Interactions { values, halves, n_pairs })
}
