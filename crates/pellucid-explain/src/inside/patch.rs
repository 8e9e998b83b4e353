//! What does every place of a grid carry? Activation patching by its plan.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use pellucid_models::transformer::forward::{self, Outcome, Past, Stream, Wanted};
use pellucid_models::transformer::tap::{Array, Tap, View};
use pellucid_models::transformer::{Capture, Hook, Machine, Site, Transformer};

use super::case::{Case, Compared, Measure, Metric};
use super::definition::{Put, Verified, one_cell, verified};
use super::donors::{Means, donors};
use super::error::PatchError;
use super::patching::{Cell, Patching};
use super::plan::{Plan, Start, Way, plan};
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
    /// The metric of the prompt that is run.
    pub own: f64,
    /// The metric of the prompt whose values are put in, if they are those of one.
    pub other: Option<f64>,
    /// Multiply-adds that were carried out: the plan's figure.
    pub multiply_adds: u64,
    /// Cells that were run again the slow way.
    pub verified: Verified,
}

impl Patched {
    /// The effect of a cell. Of another run's values it is a share: 0 where the metric stays that of the prompt that is run, 1 where
    /// it becomes the other one's. Of other values it is by how much the metric grows.
    #[must_use]
    pub fn effect(&self, cell: usize) -> f64 {
        let by = self.metrics[cell] - self.own;
        self.other.map_or(by, |other| by / (other - self.own))
    }
}

/// A run that others are taken up from.
pub(super) struct Reference {
    /// The residual stream before each block, and after the last.
    pub(super) streams: Vec<Vec<f32>>,
    pub(super) past: Past,
}

/// A sweep that is planned: the prompts were run once, and nothing else.
pub struct Prepared<'m> {
    model: &'m Transformer,
    known: Arc<Known>,
    machine: Machine<'m>,
}

/// What the first runs of a sweep told, without the model: whoever keeps it asks for single places later, or for all of them.
pub struct Known {
    case: Case,
    measure: Measure,
    asked: Patching,
    plan: Plan,
    reference: Reference,
    /// What there is to put in at the site, a block each.
    donors: Vec<Array<f32>>,
    own: f64,
    other: Option<f64>,
    multiply_adds: u64,
}

/// Puts each cell's values in, and measures the answer. A share `verify` of the cells is run again the slow way.
///
/// # Errors
/// When that can't be asked of the model and the prompts, or the caller stopped.
pub fn patch(
    model: &Transformer,
    case: &Case,
    asked: Patching,
    verify: f64,
    control: &Control<'_>,
) -> Result<Patched, PatchError> {
    patch_with(&Means::of(model), case, asked, verify, control)
}

/// The same with means that may be known.
///
/// # Errors
/// As [`patch`].
pub fn patch_with(
    means: &Means<'_>,
    case: &Case,
    asked: Patching,
    verify: f64,
    control: &Control<'_>,
) -> Result<Patched, PatchError> {
    prepare(means, case, asked, control)?.run(verify, control)
}

/// Runs the prompts once, and plans what is to be run for the cells.
///
/// # Errors
/// When that can't be asked of the model and the prompts, or the caller stopped.
pub fn prepare<'m>(
    means: &Means<'m>,
    case: &Case,
    asked: Patching,
    control: &Control<'m>,
) -> Result<Prepared<'m>, PatchError> {
    let model = means.model;
    let spec = &model.spec;
    case.check(spec)?;
    asked.check(spec)?;
    let machine = Machine::of(control);
    let hooks: Vec<Hook> = (0..spec.n_layers).map(|layer| Hook::at(asked.site, layer)).collect();
    let FirstRuns { measure, own, other, reference, ours, theirs, is_known, multiply_adds } =
        first_runs(means, case, &hooks, machine)?;
    if other == Some(own) {
        return Err(PatchError::NoDifference { metric: own });
    }
    let plan = plan(spec, &asked, (case, is_known), &ours, &theirs);
    let (case, donors) = (case.clone(), theirs);
    let known = Known { case, measure, asked, plan, reference, donors, own, other, multiply_adds };
    Ok(Prepared { model, known: Arc::new(known), machine })
}

/// What there is before any experiment: the run that others are taken up from, and what is put in.
pub(super) struct FirstRuns {
    pub(super) measure: Measure,
    /// The metric of the prompt that is run.
    pub(super) own: f64,
    /// The metric of the prompt whose values are put in, if they are those of one.
    pub(super) other: Option<f64>,
    pub(super) reference: Reference,
    /// What the run has at the sites, and what there is to put in.
    pub(super) ours: Vec<Array<f32>>,
    pub(super) theirs: Vec<Array<f32>>,
    /// Whether that was known, so that nothing was run for it.
    pub(super) is_known: bool,
    pub(super) multiply_adds: u64,
}

/// Runs the prompt of a case, and those whose values are put in at some sites.
pub(super) fn first_runs(
    means: &Means<'_>,
    case: &Case,
    hooks: &[Hook],
    machine: Machine<'_>,
) -> Result<FirstRuns, PatchError> {
    let model = means.model;
    let spec = &model.spec;
    let streams = (0..spec.n_layers)
        .flat_map(|layer| [Site::ResidPre, Site::ResidPost].map(|site| Hook::at(site, layer)));
    let mut seen = Capture::of(hooks.iter().copied().chain(streams).chain(Past::hooks(spec)).collect());
    let outcome = forward::run_on(model, &[&case.run], case.metric.wanted(), &mut seen, machine)
        .map_err(|(_, cause)| PatchError::from(cause))?;
    let reference = reference(model, &seen).ok_or(PatchError::Stopped)?;
    let ours: Vec<Array<f32>> = hooks.iter().filter_map(|hook| seen.seen.remove(&(0, *hook))).collect();
    let theirs = donors(means, case, hooks, (&ours, &reference.past), machine)?;
    let answer = &outcome.answers[0];
    let compared = match case.metric {
        Metric::Divergence(Compared::Donor) => theirs.answer.as_ref(),
        _ => Some(answer),
    };
    let measure = Measure::new(case.metric, compared.map(|answer| answer.data.as_slice()));
    let measure = measure.ok_or(PatchError::NoReference)?;
    let (own, other) = (measure.of(answer), theirs.answer.as_ref().map(|answer| measure.of(answer)));
    if !own.is_finite() || other.is_some_and(|other| !other.is_finite()) {
        return Err(PatchError::NotFinite);
    }
    let multiply_adds = outcome.multiply_adds + theirs.multiply_adds;
    let is_known = theirs.is_known;
    Ok(FirstRuns { measure, own, other, reference, ours, theirs: theirs.values, is_known, multiply_adds })
}

impl Known {
    /// What is to be run.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The metric of the prompt that is run.
    #[must_use]
    pub fn own(&self) -> f64 {
        self.own
    }

    /// The metric of the prompt whose values are put in, if they are those of one.
    #[must_use]
    pub fn other(&self) -> Option<f64> {
        self.other
    }

    /// Multiply-adds of the runs that there were.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        self.multiply_adds
    }

    /// The effect of a metric, as [`Patched::effect`] has it.
    #[must_use]
    pub fn effect(&self, metric: f64) -> f64 {
        let by = metric - self.own;
        self.other.map_or(by, |other| by / (other - self.own))
    }

    /// The metric of all logits of the last token.
    #[must_use]
    pub fn metric(&self, logits: &[f32]) -> f64 {
        self.measure.of_logits(logits)
    }

    /// Rows of the run before a block.
    fn stream(&self, d: usize, layer: usize, rows: Range<usize>) -> Stream<'_> {
        let residual = self.reference.streams[layer][rows.start * d..rows.end * d].to_vec();
        Stream { residual, first: rows.start, past: Some(&self.reference.past) }
    }
}

impl<'m> Prepared<'m> {
    /// A sweep that was planned before, on the same model.
    #[must_use]
    pub fn again(model: &'m Transformer, known: Arc<Known>, control: &Control<'m>) -> Self {
        Self { model, known, machine: Machine::of(control) }
    }

    /// What the first runs told, to be kept.
    #[must_use]
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }

    /// What is to be run.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.known.plan
    }

    /// Multiply-adds of the runs that there were.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        self.known.multiply_adds
    }

    /// Runs it.
    ///
    /// # Errors
    /// When the caller stopped.
    pub fn run(self, verify: f64, control: &Control<'_>) -> Result<Patched, PatchError> {
        let known = &*self.known;
        // Cells that nothing is run for keep the metric of the run itself.
        let done = Mutex::new(Done {
            metrics: vec![known.own; known.plan.cells.len()],
            multiply_adds: known.multiply_adds,
            untouched: None,
        });
        control.watch.advance(known.plan.n_skipped);
        let batches = &known.plan.batches;
        let (machine, wanted) = (self.machine.shared_by(batches.len()), known.case.metric.wanted());
        let work = |(): &mut (), batch: &Vec<Start>| {
            let outcome = self.batch(batch, wanted, machine);
            let outcome = outcome.map(|outcome| {
                let metrics: Vec<f64> =
                    outcome.answers.iter().map(|answer| known.measure.of(answer)).collect();
                (metrics, outcome.multiply_adds)
            });
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok((metrics, multiply_adds)) => {
                    batch.iter().zip(metrics).for_each(|(start, metric)| done.metrics[start.at] = metric);
                    done.multiply_adds += multiply_adds;
                    control.watch.advance(batch.len());
                    Ok(())
                }
                Err(PatchError::Untouched { cell }) => {
                    done.untouched = Some(cell);
                    Err(Stopped)
                }
                Err(_) => Err(Stopped),
            }
        };
        let ended = share(batches.iter(), batches.len(), control, || (), work);
        let Done { metrics, multiply_adds, untouched } =
            done.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = untouched {
            return Err(PatchError::Untouched { cell });
        }
        ended?;
        let verified = verified(&metrics, verify, control, |at| {
            let cell = known.plan.cells[at];
            let hook = Hook::at(known.asked.site, cell.layer);
            one_cell(
                self.model,
                (&known.case.run, &known.measure),
                hook,
                cell,
                &known.donors[cell.layer],
                self.machine.alone(),
            )
        })?;
        let (asked, own, other) = (known.asked, known.own, known.other);
        Ok(Patched { asked, plan: known.plan.clone(), metrics, own, other, multiply_adds, verified })
    }

    /// All logits of the last token with one place's values put in, and nothing is run before the place. `None` where nothing is run
    /// at all, as the place leaves everything as it is.
    ///
    /// # Errors
    /// When the grid has no such place, or the caller stopped.
    pub fn place(&self, cell: Cell) -> Result<Option<Vec<f32>>, PatchError> {
        let plan = &self.known.plan;
        if !plan.cells.contains(&cell) {
            return Err(PatchError::NoCell { cell });
        }
        let Some(start) = plan.batches.iter().flatten().find(|start| start.cell == cell) else {
            return Ok(None);
        };
        let outcome = self.batch(std::slice::from_ref(start), Wanted::Last, self.machine);
        Ok(Some(logits(outcome?)))
    }

    /// All logits of the last token of the run as it is.
    #[must_use]
    pub fn unchanged(&self) -> Vec<f32> {
        let (n, n_layers) = (self.known.plan.n_tokens, self.model.spec.n_layers);
        let last = self.stream(n_layers, n.saturating_sub(1)..n).residual;
        forward::unembedded(self.model, last, self.machine)
    }

    /// Cells that start at one block.
    ///
    /// # Errors
    /// When a cell put nothing in, which the plan knows of none, or the caller stopped.
    fn batch(
        &self,
        batch: &[Start],
        wanted: Wanted<'_>,
        machine: Machine<'_>,
    ) -> Result<Outcome, PatchError> {
        let d = self.model.spec.d_model;
        let Some(&Start { layer, way, cell, .. }) = batch.first() else {
            return Ok(Outcome { answers: Vec::new(), multiply_adds: 0 });
        };
        let hook = Hook::at(self.known.asked.site, cell.layer);
        let donor = &self.known.donors[cell.layer];
        let puts = batch.iter().map(|start| Put { hook, cell: start.cell, donor, n_put: 0 }).collect();
        let mut tap = PutAll { hook: (way == Way::Site).then_some(hook), puts };
        let mut streams: Vec<Stream<'_>> =
            batch.iter().map(|start| self.stream(layer, start.first..self.known.plan.n_tokens)).collect();
        let mut before = 0;
        match way {
            Way::Site => {}
            Way::Residual => {
                for (stream, put) in streams.iter_mut().zip(&mut tap.puts) {
                    let shape = vec![stream.residual.len() / d, d];
                    let data = &mut stream.residual;
                    put.put_into(View { prompt: 0, first: stream.first, shape, data });
                }
            }
            Way::Row => {
                let rows = batch.iter().map(|start| self.stream(cell.layer, start.first..start.first + 1));
                tap.hook = Some(hook);
                let outcome = forward::one_block(self.model, cell.layer, rows.collect(), &mut tap, machine);
                tap.hook = None;
                before = outcome.multiply_adds;
                let pairs = streams.iter_mut().zip(&outcome.answers);
                pairs.for_each(|(stream, row)| stream.residual[..d].copy_from_slice(&row.data));
            }
        }
        let outcome = forward::resume(self.model, layer, streams, wanted, &mut tap, machine)?;
        match tap.puts.iter().find(|put| put.n_put == 0) {
            Some(put) => Err(PatchError::Untouched { cell: put.cell }),
            None => Ok(Outcome { multiply_adds: before + outcome.multiply_adds, ..outcome }),
        }
    }

    fn stream(&self, layer: usize, rows: Range<usize>) -> Stream<'_> {
        self.known.stream(self.model.spec.d_model, layer, rows)
    }
}

/// Of one stream, what its last token says.
fn logits(outcome: Outcome) -> Vec<f32> {
    outcome.answers.into_iter().next().map_or_else(Vec::new, |answer| answer.data)
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
