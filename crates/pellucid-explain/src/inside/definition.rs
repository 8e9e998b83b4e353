//! What is activation patching? For every cell one whole run of the prompt, in which the cell's values are others.
//!
//! The oracle of [`mod@super::patch`], and what `--verify` runs again.

use std::sync::{Mutex, PoisonError};

use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::tap::{Array, Tap, View};
use pellucid_models::transformer::{Hook, Machine, RunError, Transformer};

use super::case::Measure;
use super::error::PatchError;
use super::patching::Cell;
use crate::workers::share;
use crate::{Control, Stopped};

/// Experiments that were made again, each as one whole run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verified {
    /// How many.
    pub n: usize,
    /// By how much a metric was off at most.
    pub worst: f64,
}

/// Makes a part of the experiments again, spread evenly over all of them; `slow` is the metric of one whole run.
pub(super) fn verified(
    metrics: &[f64],
    part: f64,
    control: &Control<'_>,
    slow: impl Fn(usize) -> Result<f64, RunError> + Sync,
) -> Result<Verified, PatchError> {
    let n = (part.clamp(0.0, 1.0) * metrics.len() as f64).ceil() as usize;
    let worst = Mutex::new(0.0_f64);
    let work = |(): &mut (), at: usize| {
        let off = match slow(at) {
            Ok(slow) => (slow - metrics[at]).abs(),
            Err(RunError::Stopped) => return Err(Stopped),
            Err(_) => f64::INFINITY,
        };
        let mut worst = worst.lock().unwrap_or_else(PoisonError::into_inner);
        *worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
        control.watch.advance(1);
        Ok(())
    };
    share((0..n).map(|at| at * metrics.len() / n), n, control, || (), work)?;
    Ok(Verified { n, worst: worst.into_inner().unwrap_or_else(PoisonError::into_inner) })
}

/// Puts a cell's values in.
pub(super) struct Put<'d> {
    pub(super) hook: Hook,
    pub(super) cell: Cell,
    /// What there is to put in at the site, for the whole prompt.
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
            // Of a head's scores, rows of the last positions; of one row, what it sees.
            let start = if self.cell.position.is_some() { theirs.start } else { theirs.end - ours.len() };
            let theirs = start..start + ours.len();
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

/// The metric with one cell's values put in; `donor` is what there is to put in at the cell's block.
///
/// # Errors
/// When the prompt can't be run.
pub(super) fn one_cell(
    model: &Transformer,
    run: (&[u32], &Measure),
    hook: Hook,
    cell: Cell,
    donor: &Array<f32>,
    machine: Machine<'_>,
) -> Result<f64, RunError> {
    let mut put = Put { hook, cell, donor, n_put: 0 };
    metric_with(model, run, &mut put, machine)
}

/// The metric of one whole run with all logits, whatever a tap changes.
///
/// # Errors
/// When the prompt can't be run.
pub fn metric_with(
    model: &Transformer,
    (prompt, measure): (&[u32], &Measure),
    tap: &mut dyn Tap<f32>,
    machine: Machine<'_>,
) -> Result<f64, RunError> {
    let found = forward::run_on(model, &[prompt], Wanted::All, tap, machine).map_err(|(_, cause)| cause)?;
    let last = &found.answers[0].data[(prompt.len() - 1) * model.spec.d_vocab..];
    Ok(measure.of_logits(last))
}
