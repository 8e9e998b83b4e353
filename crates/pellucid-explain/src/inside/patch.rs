//! What does every place of a grid carry? Activation patching by its plan.

use std::sync::{Mutex, PoisonError};

use pellucid_data::Level;
use pellucid_models::transformer::forward::{self, Outcome, Past, Stream, Wanted};
use pellucid_models::transformer::tap::{Array, Tap, View};
use pellucid_models::transformer::{Capture, Hook, Site, Transformer};

use super::definition::{Put, metric, one_cell};
use super::patching::{Cell, Direction, Pair, PatchError, Patching};
use super::plan::{Plan, Start, plan};
use crate::workers::share;
use crate::{Control, Stopped};

/// A grid that was computed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Patched {
    /// What was asked.
    pub asked: Patching,
    /// What was run, and what that cost.
    pub plan: Plan,
    /// The metric with each cell's values put in, in the plan's order of cells.
    pub metrics: Vec<f64>,
    /// The metric of the clean prompt.
    pub clean: f64,
    /// The metric of the corrupt prompt.
    pub corrupt: f64,
    /// Multiply-adds that were carried out: the plan's figure.
    pub multiply_adds: u64,
    /// Cells that were run again the slow way.
    pub verified: Verified,
}

/// Cells that were run again, each as one whole run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verified {
    /// How many.
    pub n: usize,
    /// By how much a metric was off at most.
    pub worst: f64,
}

impl Patched {
    /// The effect of a cell: 0 where the metric stays that of the prompt that is run, 1 where it becomes the other one's.
    #[must_use]
    pub fn effect(&self, cell: usize) -> f64 {
        let (run, donor) = match self.asked.direction {
            Direction::Denoise => (self.corrupt, self.clean),
            Direction::Noise => (self.clean, self.corrupt),
        };
        (self.metrics[cell] - run) / (donor - run)
    }
}

/// A run that others are taken up from.
struct Reference {
    /// The residual stream before each block, and after the last.
    streams: Vec<Vec<f32>>,
    past: Past,
}

/// A sweep that is planned: both prompts were run once, and nothing else.
pub struct Prepared<'m> {
    model: &'m Transformer,
    pair: &'m Pair,
    asked: Patching,
    plan: Plan,
    reference: Reference,
    /// The other run's values at the site, a block each.
    donors: Vec<Array<f32>>,
    /// The metric of the prompt that is run, and of the other one.
    metrics: [f64; 2],
    multiply_adds: u64,
    level: Level,
}

/// Puts each cell's values in, and measures the answer. A share `verify` of the cells is run again the slow way.
///
/// # Errors
/// When that can't be asked of the model and the prompts, or the caller stopped.
pub fn patch(
    model: &Transformer,
    pair: &Pair,
    asked: Patching,
    verify: f64,
    control: &Control<'_>,
) -> Result<Patched, PatchError> {
    prepare(model, pair, asked)?.run(verify, control)
}

/// Runs both prompts, and plans what is to be run for the cells.
///
/// # Errors
/// When that can't be asked of the model and the prompts.
pub fn prepare<'m>(
    model: &'m Transformer,
    pair: &'m Pair,
    asked: Patching,
) -> Result<Prepared<'m>, PatchError> {
    let spec = &model.spec;
    asked.check(spec, pair)?;
    let level = Level::detect();
    let (run, donor) = pair.sides(asked.direction);
    let at_site = || (0..spec.n_layers).map(|layer| Hook::at(asked.site, layer));
    let streams = (0..spec.n_layers)
        .flat_map(|layer| [Site::ResidPre, Site::ResidPost].map(|site| Hook::at(site, layer)));
    let mut seen = Capture::of(at_site().chain(streams).chain(Past::hooks(spec)).collect());
    let mut theirs = Capture::of(at_site().collect());
    let wanted = Wanted::Tokens(&asked.answers);
    let told = |(_, cause)| PatchError::Site(cause);
    let ours = forward::run_at(model, &[run], wanted, &mut seen, level).map_err(told)?;
    let other = forward::run_at(model, &[donor], wanted, &mut theirs, level).map_err(told)?;
    let metrics = [&ours, &other].map(|outcome| metric(&outcome.answers[0]));
    if !metrics.iter().all(|metric| metric.is_finite()) {
        return Err(PatchError::NotFinite);
    }
    if metrics[0] == metrics[1] {
        return Err(PatchError::NoDifference { metric: metrics[0] });
    }
    let plan = plan(spec, &asked, run.len(), &seen, &theirs);
    let reference = reference(model, &seen).ok_or(PatchError::Stopped)?;
    let donors = at_site().filter_map(|hook| theirs.seen.remove(&(0, hook))).collect();
    let multiply_adds = ours.multiply_adds + other.multiply_adds;
    Ok(Prepared { model, pair, asked, plan, reference, donors, metrics, multiply_adds, level })
}

impl Prepared<'_> {
    /// What is to be run.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Multiply-adds of the two runs that there were.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        self.multiply_adds
    }

    /// Runs it.
    ///
    /// # Errors
    /// When the caller stopped.
    pub fn run(self, verify: f64, control: &Control<'_>) -> Result<Patched, PatchError> {
        let [own_metric, donor_metric] = self.metrics;
        let (clean, corrupt) = match self.asked.direction {
            Direction::Denoise => (donor_metric, own_metric),
            Direction::Noise => (own_metric, donor_metric),
        };
        // Cells that nothing is run for keep the metric of the run itself.
        let done = Mutex::new(Done {
            metrics: vec![own_metric; self.plan.cells.len()],
            multiply_adds: self.multiply_adds,
            untouched: None,
        });
        control.watch.advance(self.plan.n_skipped);
        let work = |(): &mut (), batch: &Vec<Start>| {
            let outcome = self.batch(batch);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(outcome) => {
                    for (start, answer) in batch.iter().zip(&outcome.answers) {
                        done.metrics[start.at] = metric(answer);
                    }
                    done.multiply_adds += outcome.multiply_adds;
                    control.watch.advance(batch.len());
                    Ok(())
                }
                Err(cell) => {
                    done.untouched = Some(cell);
                    Err(Stopped)
                }
            }
        };
        let batches = &self.plan.batches;
        let ended = share(batches.iter(), batches.len(), control, || (), work);
        let Done { metrics, multiply_adds, untouched } =
            done.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = untouched {
            return Err(PatchError::Untouched { cell });
        }
        ended.map_err(|Stopped| PatchError::Stopped)?;
        let verified = self.check(&metrics, verify, control)?;
        let Self { asked, plan, .. } = self;
        Ok(Patched { asked, plan, metrics, clean, corrupt, multiply_adds, verified })
    }

    /// Cells that start at one block.
    ///
    /// # Errors
    /// With a cell that put nothing in, which the plan knows of none.
    fn batch(&self, batch: &[Start]) -> Result<Outcome, Cell> {
        let d = self.model.spec.d_model;
        let Some(&Start { layer, is_residual, .. }) = batch.first() else {
            return Ok(Outcome { answers: Vec::new(), multiply_adds: 0 });
        };
        let hook = Hook::at(self.asked.site, batch[0].cell.layer);
        let mut puts = Vec::with_capacity(batch.len());
        let mut streams = Vec::with_capacity(batch.len());
        for start in batch {
            let mut residual = self.reference.streams[layer][start.first * d..].to_vec();
            let donor = &self.donors[start.cell.layer];
            let mut put =
                Put { hook: Hook::at(self.asked.site, start.cell.layer), cell: start.cell, donor, n_put: 0 };
            if is_residual {
                let shape = vec![self.plan.n_tokens - start.first, d];
                put.put_into(View { prompt: 0, first: start.first, shape, data: &mut residual });
            }
            puts.push(put);
            streams.push(Stream { residual, first: start.first, past: Some(&self.reference.past) });
        }
        let wanted = Wanted::Tokens(&self.asked.answers);
        let mut tap = PutAll { hook: (!is_residual).then_some(hook), puts };
        let outcome = forward::resume(self.model, layer, streams, wanted, &mut tap, self.level);
        match tap.puts.iter().find(|put| put.n_put == 0) {
            Some(put) => Err(put.cell),
            None => Ok(outcome),
        }
    }

    /// Runs some cells again, spread evenly over the grid.
    fn check(&self, metrics: &[f64], part: f64, control: &Control<'_>) -> Result<Verified, PatchError> {
        let cells = &self.plan.cells;
        let n = (part.clamp(0.0, 1.0) * cells.len() as f64).ceil() as usize;
        let worst = Mutex::new(0.0_f64);
        let work = |(): &mut (), at: usize| {
            let slow = one_cell(self.model, self.pair, &self.asked, cells[at], self.level);
            let off = slow.map_or(f64::INFINITY, |slow| (slow - metrics[at]).abs());
            let mut worst = worst.lock().unwrap_or_else(PoisonError::into_inner);
            *worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
            control.watch.advance(1);
            Ok(())
        };
        share((0..n).map(|at| at * cells.len() / n), n, control, || (), work)
            .map_err(|Stopped| PatchError::Stopped)?;
        Ok(Verified { n, worst: worst.into_inner().unwrap_or_else(PoisonError::into_inner) })
    }
}

/// Residual streams, keys and values of a run.
fn reference(model: &Transformer, seen: &Capture<f32>) -> Option<Reference> {
    let spec = &model.spec;
    let past = Past::of(spec, seen, 0)?;
    let mut streams = Vec::with_capacity(spec.n_layers + 1);
    for layer in 0..spec.n_layers {
        streams.push(seen.seen.get(&(0, Hook::at(Site::ResidPre, layer)))?.data.clone());
    }
    streams.push(seen.seen.get(&(0, Hook::at(Site::ResidPost, spec.n_layers - 1)))?.data.clone());
    Some(Reference { streams, past })
}

/// What the batches found.
struct Done {
    metrics: Vec<f64>,
    multiply_adds: u64,
    untouched: Option<Cell>,
}

/// Puts the values of several cells in, each of them into its own run.
struct PutAll<'d> {
    /// Where; nowhere if the residual streams took them already.
    hook: Option<Hook>,
    puts: Vec<Put<'d>>,
}

impl Tap<f32> for PutAll<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.hook == Some(hook)
    }

    fn touch(&mut self, _: Hook, view: View<'_, f32>) {
        self.puts[view.prompt].put_into(view);
    }
}
