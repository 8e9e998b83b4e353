//! What does the model answer when one feature alone is known? Partial dependence, as the game of the values defines it.
//!
//! v({i}) at a value x of feature i: in the background game the mean margin over rows of the background that all have x (Friedman 2001,
//! section 8.2); in the path-dependent game the mean over the training rows that each tree sends along (`method="recursion"` of
//! scikit-learn). It is where the Shapley value of i begins: the gain of i when nothing else is known is v({i}) - v(∅).

use std::sync::Mutex;

use pellucid_data::FeatureId;
use pellucid_models::trees::Ensemble;

use super::definition::worth;
use super::game::Game;
use super::workers::share;
use crate::{Control, Space, Stopped};

/// Expected margins, one an output, at each of some values of a feature; `None` where the game is not defined for the model.
///
/// # Errors
/// When `control.watch` asks to stop.
pub fn partial_dependence(
    model: &Ensemble,
    game: Game<'_>,
    feature: FeatureId,
    at: &[f64],
    control: &Control<'_>,
) -> Result<Option<Vec<Vec<f64>>>, Stopped> {
    match game {
        Game::PathDependent if !model.has_covers => return Ok(None),
        Game::Correlated(_) if model.linear.is_none() || !model.trees.is_empty() => return Ok(None),
        _ => {}
    }
    let found: Mutex<Vec<Vec<f64>>> = Mutex::new(vec![Vec::new(); at.len()]);
    share(
        at.iter().enumerate(),
        at.len(),
        control,
        || (),
        |(), (place, &x)| {
            let own = worth(model, game, Space::Margin, &|_| x, &|known| known == feature);
            if let Ok(mut found) = found.lock() {
                found[place] = own;
            }
            Ok(())
        },
    )?;
    Ok(found.into_inner().ok())
}
