//! How are values of the margin shared out among the change of a probability? As shap does it, and not as Shapley values would be.
//!
//! For a row and a row of the background, values of the margin are multiplied by the slope of the chord between both,
//! (g(m) - g(m')) / (m - m'), and the mean over the background is taken (`model_output="probability"` of shap, `dense_independent` in its
//! code; the rescale rule of DeepLIFT, Shrikumar et al. 2017). They add up to the probability. They are no Shapley values of any
//! game on it: [`super::Method::Definition`] on [`crate::Space::Probability`] has those.

use pellucid_data::Level;
use pellucid_models::trees::walk::Slots;
use pellucid_models::trees::{Ensemble, FeatureMatrix};

use super::blocks;
use super::game::{Background, Game};
use super::margins::Walks;
use super::plan::{How, Way, plan_alone};
use crate::{Attributions, Control, Kind, Space, Stopped};

/// Margins that differ by less have the slope of the curve itself.
const NEAR: f64 = 1e-7;

/// Rescaled values of every row and output; each output has its own probability.
pub(super) fn rescaled(
    model: &Ensemble,
    background: &Background,
    how: How,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<Attributions, Stopped> {
    let (n, n_features, k) = (rows.n_rows(), model.features.len(), model.base.len());
    let how = How { expected_rows: n, ..how };
    let mut margins = vec![0.0; n * k];
    Walks::new(model, Level::Portable).add(rows, 0..n, &mut Slots::default(), &mut margins);
    let answers: Vec<f64> = margins.chunks_exact(k).flat_map(|row| model.predictions(row)).collect();
    let mut values = vec![0.0; n * k * n_features];
    let mut base = vec![0.0; k];
    for (at, weight) in background.weights().iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let share = weight / background.total();
        // Such a plan was made before; only the caller can stop another one.
        let plan = plan_alone(model, background, at, how, control.watch).map_err(|_| Stopped)?;
        let Way::Compiled(compiled) = plan.way() else { return Err(Stopped) };
        let parts = blocks::values(model, compiled, rows, control)?;
        let their_answers = model.predictions(&compiled.base);
        base.iter_mut().zip(&their_answers).for_each(|(sum, answer)| *sum += share * answer);
        for (row, output) in (0..n).flat_map(|row| (0..k).map(move |output| (row, output))) {
            let place = row * k + output;
            let (own, other) = (margins[place], compiled.base[output]);
            let slope = if (own - other).abs() > NEAR {
                (answers[place] - their_answers[output]) / (own - other)
            } else {
                let around = |margin: f64| model.predictions(&vec![margin; k])[output];
                (around(own + NEAR) - around(own - NEAR)) / (2.0 * NEAR)
            };
            let sums = &mut values[place * n_features..][..n_features];
            let parts = &parts[place * n_features..][..n_features];
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += share * slope * part);
        }
    }
    control.watch.advance(n);
    let game = Game::Background(background).name();
    Ok(Attributions::measured(game, n_features, base, values, answers)
        .of_kind(Kind::Rescaled)
        .on(Space::Rescaled))
}
