//! How are values of the margin shared out among the change of a probability? As shap does it, and not as Shapley values would be.
//!
//! For a row and a row of the background, values of the margin are multiplied by the slope of the chord between both,
//! (g(m) - g(m')) / (m - m'), and the mean over the background is taken (`model_output="probability"` of shap, `dense_independent` in its
//! code; the rescale rule of DeepLIFT, Shrikumar et al. 2017). They add up to the probability. They are no Shapley values of any
//! game on it: [`super::Method::Definition`] on [`crate::Space::Probability`] has those.

use pellucid_data::OutputId;
use pellucid_models::trees::{Ensemble, FeatureMatrix};

use super::game::{Background, Game};
use super::plan::{How, PlanError, plan_game};
use super::tree_shap;
use crate::{Attributions, Control, Space, Stopped};

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
    let mut values = vec![0.0; n * k * n_features];
    let mut base = vec![0.0; k];
    let mut answers = Vec::new();
    for (at, weight) in background.weights().iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let share = weight / background.total();
        let Ok(alone) = Background::new(background.rows().slice(at..at + 1), None) else { continue };
        let how = How { space: Space::Margin, expected_rows: n, ..how };
        let plan = match plan_game(model, Game::Background(&alone), how, control.watch) {
            Ok(plan) => plan,
            // The same model was planned for before; only time can have run out.
            Err(PlanError::Stopped | _) => return Err(Stopped),
        };
        let quiet = Control { threads: control.threads, watch: &Silent(control.watch) };
        let found = tree_shap(model, &plan, rows, &quiet)?;
        let theirs: Vec<f64> = (0..k).map(|output| found.base(OutputId::at(output))).collect();
        let their_answers = model.predictions(&theirs);
        base.iter_mut().zip(&their_answers).for_each(|(sum, answer)| *sum += share * answer);
        if answers.is_empty() {
            answers = (0..n).flat_map(|row| model.predictions(found.margins(row))).collect();
        }
        for row in 0..n {
            for output in 0..k {
                let (own, other) = (found.margin(row, OutputId::at(output)), theirs[output]);
                let slope = if (own - other).abs() > NEAR {
                    (answers[row * k + output] - their_answers[output]) / (own - other)
                } else {
                    let around = |margin: f64| model.predictions(&vec![margin; k])[output];
                    (around(own + NEAR) - around(own - NEAR)) / (2.0 * NEAR)
                };
                let sums = &mut values[(row * k + output) * n_features..][..n_features];
                let parts = found.values(row, OutputId::at(output));
                sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += share * slope * part);
            }
        }
    }
    control.watch.advance(n);
    let game = Game::Background(background).name();
    Ok(Attributions::measured(game, n_features, base, values, answers).approximate().on(Space::Rescaled))
}

/// Stops with another, and tells nothing of progress.
struct Silent<'w>(&'w dyn crate::Watch);

impl crate::Watch for Silent<'_> {
    fn should_stop(&self) -> bool {
        self.0.should_stop()
    }
}
