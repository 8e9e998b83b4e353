//! What is activation patching? For every cell one whole run of the prompt, in which the cell's values are those of the other one.
//!
//! The oracle of [`mod@super::patch`], and what `--verify` runs again.

use pellucid_data::Level;
use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::tap::{Array, Tap, View};
use pellucid_models::transformer::{Capture, Hook, RunError, Transformer};

use super::patching::{Cell, Pair, Patching};

/// Puts a cell's values in.
pub(super) struct Put<'d> {
    pub(super) hook: Hook,
    pub(super) cell: Cell,
    /// The other run's values at the site, of the whole prompt.
    pub(super) donor: &'d Array<f32>,
    /// How many numbers were put in.
    pub(super) n_put: usize,
}

impl Put<'_> {
    pub(super) fn put_into(&mut self, view: View<'_, f32>) {
        let theirs = self.cell.ranges(self.hook.site, &self.donor.shape, 0);
        let ours = self.cell.ranges(self.hook.site, &view.shape, view.first);
        // All positions of a cell may begin before the view does: then the last ranges are meant.
        let skipped = theirs.len() - ours.len();
        for (ours, theirs) in ours.into_iter().zip(theirs.into_iter().skip(skipped)) {
            // Of a head's scores, rows of the last positions.
            let theirs = theirs.end - ours.len()..theirs.end;
            self.n_put += ours.len();
            view.data[ours].copy_from_slice(&self.donor.data[theirs]);
        }
    }
}

impl Tap<f32> for Put<'_> {
    fn wants(&self, hook: Hook) -> bool {
        hook == self.hook
    }

    fn touch(&mut self, _: Hook, view: View<'_, f32>) {
        self.put_into(view);
    }
}

/// The metric of a run of which only the answers' logits are wanted.
pub(super) fn metric(logits: &Array<f32>) -> f64 {
    f64::from(logits.data[0]) - f64::from(logits.data[1])
}

/// The metric with one cell's values put in.
///
/// # Errors
/// When the prompt can't be run.
pub fn one_cell(
    model: &Transformer,
    pair: &Pair,
    asked: &Patching,
    cell: Cell,
    level: Level,
) -> Result<f64, RunError> {
    let (run, donor) = pair.sides(asked.direction);
    let hook = Hook::at(asked.site, cell.layer);
    let mut seen = Capture::of(vec![hook]);
    let told = |(_, cause)| cause;
    forward::run_at(model, &[donor], Wanted::Residual, &mut seen, level).map_err(told)?;
    let Some(donor) = seen.seen.get(&(0, hook)) else { return Err(RunError::NoTokens) };
    let mut put = Put { hook, cell, donor, n_put: 0 };
    let found = forward::run_at(model, &[run], Wanted::All, &mut put, level).map_err(told)?;
    let last = &found.answers[0].data[(run.len() - 1) * model.spec.d_vocab..];
    let [answer, wrong] = asked.answers.map(|token| f64::from(last[token as usize]));
    Ok(answer - wrong)
}
