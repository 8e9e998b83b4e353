//! How much did each feature move this prediction? Shapley values of a game on the features.
//!
//! Pairs of features have [`Interactions`]. Which game is [`Game`]: unknown features come from a background, or from the training rows that came the same way.
//! The latter, path-dependent game (Lundberg et al. 2020, "From local explanations to global understanding with
//! explainable AI for trees", algorithm 1): with the features of $S$ known, a row walks down each tree;
//! at a split on an unknown feature it takes both ways, weighted by the training rows that did. For a
//! leaf with value $w$ and the distinct features $u$ of its path,
//!
//! $$ v(S) = w \prod_{u \in S} o_u \prod_{u \notin S} r_u $$
//!
//! where $o_u$ is 1 if the row passes all of $u$'s splits on the path, and $r_u$ is the share of training
//! weight that did. In the background game (Lundberg et al. 2020, "interventional") v(S) is the mean margin over rows of
//! the background with the features of $S$ taken from the explained row. The ways to the same values, up to rounding:
//!
//! - [`definition`]: every subset of features, every tree walked. The oracle.
//! - [`tables`]: for each leaf (or small subtree) the values of all $2^d$ patterns of $o$, once; then a
//!   row only looks them up.
//! - [`quadrature`]: the sum over subsets as an integral that Gauss-Legendre points give exactly; for
//!   long paths and few rows of the path-dependent game.
//! - `direct`: the same integral, node by node of the trees as they are; for a few rows of the path-dependent game.
//! - `boxes`: the same integral, eight leaves side by side; for some dozens of rows, and rows that come one by one.
//! - `deep`: pattern by pattern, each of the rows' against each of the background's; for long paths of the background game.

mod aligned;
mod bins;
mod blocks;
mod boxes;
mod columns;
mod compile;
mod correlated;
mod costs;
mod deep;
pub mod definition;
mod dependence;
mod direct;
mod game;
mod histogram;
mod index;
mod interactions;
mod linear;
mod margins;
mod paths;
mod plan;
mod planes;
pub mod quadrature;
mod rescaled;
mod saabas;
mod scratch;
pub mod tables;
mod units;
mod workers;

pub(crate) use bins::add_cuts;
pub use dependence::partial_dependence;
pub use game::{Background, BackgroundError, Game};
pub use interactions::{InteractionPlan, Interactions, plan_interactions, shap_interactions};
pub use plan::{How, Method, Plan, PlanError, Summary, plan, plan_game};

use pellucid_models::trees::{Ensemble, FeatureMatrix};

use plan::Way;

use crate::{Attributions, Control, Stopped};

/// Shapley values of the plan's game for every row and output, on the margin scale ([`Method::Approximate`]: what stands for them).
///
/// `plan` must have been made from the same `model`. The result does not depend on `control.threads`,
/// nor on how rows are cut into calls.
///
/// # Errors
/// When `control.watch` asks to stop.
pub fn tree_shap(
    model: &Ensemble,
    plan: &Plan,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<Attributions, Stopped> {
    match plan.way() {
        Way::Compiled(compiled) => blocks::explain(model, compiled, rows, control),
        way @ Way::Subsets(_) => definition::by_subsets(model, way.game(), plan.space(), rows, control),
        Way::Rescaled(background) => rescaled::rescaled(model, background, rows, control),
        Way::Direct(direct) => direct.explain(model, rows, control),
        Way::Boxes(boxes) => boxes.explain(model, rows, control),
        Way::Correlated(correlated) => correlated.explain(model, rows, control),
        Way::Saabas => saabas::saabas(model, rows, control),
    }
}

#[cfg(test)]
mod tests;
