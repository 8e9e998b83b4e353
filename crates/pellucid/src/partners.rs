//! Which features act together, for the colors of pictures? Exact interactions of some rows, where they take no longer than the picture.

use pellucid_data::{Control, Stopped};
use pellucid_explain::shapley::{Game, How, Method, plan_interactions, shap_interactions};
use pellucid_models::trees::Ensemble;
use pellucid_views::Sample;

/// Rows whose interactions tell partners.
const ROWS: usize = 200;
/// Leaves and features of models whose interactions take no longer than their pictures.
const LEAVES: usize = 20_000;
const FEATURES: usize = 64;

/// Finds for every feature the one that it interacts with most, over some rows of a sample of Shapley values of margins; nothing where that
/// would take long or is not defined.
///
/// # Errors
/// [`Stopped`], when the caller asks for that.
pub fn set_partners(
    model: &Ensemble,
    game: Game<'_>,
    sample: &mut Sample,
    control: &Control<'_>,
) -> Result<(), Stopped> {
    let is_small = model.features.len() <= FEATURES && model.n_leaves() <= LEAVES;
    if !is_small || matches!(game, Game::Correlated(_)) {
        return Ok(());
    }
    let Some(rows) = sample.matrix(model, ROWS) else { return Ok(()) };
    let plan = plan_interactions(model, game, How::new(Method::Auto, rows.n_rows()), control);
    let found = plan.ok().and_then(|plan| shap_interactions(model, &plan, &rows, control).ok());
    if control.watch.should_stop() {
        return Err(Stopped);
    }
    if let Some(found) = found {
        sample.set_partners(model, &found);
    }
    Ok(())
}
