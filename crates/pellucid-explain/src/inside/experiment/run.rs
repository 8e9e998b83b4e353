//! What does an experiment find? Its runs, one after the other, and its sweeps, planned.

use std::collections::BTreeMap;

use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::tap::Array;
use pellucid_models::transformer::{Capture, Hook, Machine, Spec, Transformer};

use super::super::case::{Case, Compared, Donor, Measure, Metric};
use super::super::donors::{Means, mixed};
use super::super::edges::{rows_of, written};
use super::super::error::PatchError;
use super::super::patch::{Patched, patch, prepare};
use super::super::plan::{Plan, blocks, peak};
use super::tap::{ReadyEdge, ReadyEdit, RunTap, Values};
use super::{Edit, Experiment, ExperimentError, Measured, Op, Run, Sweep, Value};
use crate::Control;

/// What a run found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunResult {
    /// The run's name.
    pub id: String,
    /// What was measured.
    pub metric: Option<f64>,
    /// Of each edit the rows that it touched, and the numbers that became others.
    pub edits: Vec<(usize, usize)>,
    /// Of each edge the rows that carried other values; none where the sender writes the same in both.
    pub edges: Vec<usize>,
    /// The logits of the last token; of an encoder nothing.
    pub logits: Vec<f32>,
    /// What was kept.
    pub captured: BTreeMap<Hook, Array<f32>>,
    /// Multiply-adds that were carried out.
    pub multiply_adds: u64,
}

/// What a sweep found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SweepResult {
    /// Its name.
    pub id: String,
    /// The grid.
    pub patched: Patched,
}

/// What an experiment found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Results {
    /// In the experiment's order.
    pub runs: Vec<RunResult>,
    /// In the experiment's order.
    pub sweeps: Vec<SweepResult>,
}

/// What an experiment would take.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Foreseen {
    /// Bytes of activations that are held, at most.
    pub bytes: usize,
    /// About how many multiply-adds the runs take: whole ones, without those of sites that are worked out only where they are looked at.
    pub runs: u64,
    /// Multiply-adds of the runs that were made to plan the sweeps.
    pub first_runs: u64,
    /// A plan a sweep.
    pub plans: Vec<Plan>,
}

impl Experiment {
    /// Bytes of activations that are kept at once: what runs keep, and what others take of them.
    #[must_use]
    pub fn bytes(&self, spec: &Spec) -> usize {
        let of = |run: &Run| -> usize {
            let numbers = self
                .kept(run)
                .into_iter()
                .map(|hook| spec.shape(hook.site, run.tokens.len()).iter().product::<usize>());
            // Of a position that is told all logits are there before one row is kept.
            let has_all = run.metric.as_ref().is_some_and(|metric| metric.position.is_some());
            numbers.sum::<usize>() + spec.d_vocab * if has_all { run.tokens.len() + 1 } else { 1 }
        };
        let sweeps = self.sweeps.iter().map(|sweep| {
            let run = self.runs.iter().find(|run| run.id == sweep.run);
            run.map_or(0, |run| peak(spec, sweep.asked.site, run.tokens.len(), sweep.metric))
        });
        size_of::<f32>() * self.runs.iter().map(of).sum::<usize>() + sweeps.max().unwrap_or(0)
    }

    /// What is kept of a run.
    fn kept(&self, run: &Run) -> Vec<Hook> {
        let mut hooks = run.capture.clone();
        for other in &self.runs {
            let takes =
                other.takes().into_iter().filter(|(_, value)| value.runs().contains(&run.id.as_str()));
            hooks.extend(takes.map(|(hook, _)| hook));
        }
        hooks.sort_unstable();
        hooks.dedup();
        hooks
    }

    /// What it needs, if there is so much.
    fn fitting(&self, spec: &Spec, most: usize) -> Result<usize, ExperimentError> {
        let needed = self.bytes(spec);
        if needed > most {
            return Err(ExperimentError::Memory { needed: needed / 1_000_000, most: most / 1_000_000 });
        }
        Ok(needed)
    }

    /// Makes all runs and sweeps. A share `verify` of each sweep's cells is run again the slow way.
    ///
    /// # Errors
    /// When it makes no sense, needs more than `most` bytes, or the caller stopped.
    pub fn run(
        &self,
        model: &Transformer,
        most: usize,
        verify: f64,
        control: &Control<'_>,
    ) -> Result<Results, ExperimentError> {
        let spec = &model.spec;
        let order = self.check(spec)?;
        self.fitting(spec, most)?;
        let mut found: Vec<Option<RunResult>> = vec![None; self.runs.len()];
        for at in order {
            if control.watch.should_stop() {
                return Err(ExperimentError::Stopped);
            }
            let made = self.one(model, &self.runs[at], &found, Machine::of(control))?;
            found[at] = Some(made);
            control.watch.advance(1);
        }
        let mut runs: Vec<RunResult> = found.into_iter().flatten().collect();
        // Others have taken what they take.
        for (result, run) in runs.iter_mut().zip(&self.runs) {
            result.captured.retain(|hook, _| run.capture.contains(hook));
        }
        let sweeps = self.sweeps.iter().map(|sweep| self.sweep(model, sweep, verify, control));
        Ok(Results { runs, sweeps: sweeps.collect::<Result<_, _>>()? })
    }

    /// What the sweeps would compute, and multiply-adds of the runs; nothing but the first runs of each sweep is made.
    ///
    /// # Errors
    /// When it makes no sense, needs more than `most` bytes, or the caller stopped.
    pub fn plan(
        &self,
        model: &Transformer,
        most: usize,
        control: &Control<'_>,
    ) -> Result<Foreseen, ExperimentError> {
        let spec = &model.spec;
        self.check(spec)?;
        let bytes = self.fitting(spec, most)?;
        let mut foreseen = Foreseen { bytes, runs: 0, first_runs: 0, plans: Vec::new() };
        for run in &self.runs {
            let n = run.tokens.len();
            let is_all = run.metric.as_ref().is_some_and(|metric| metric.position.is_some());
            let rows = if is_all { n } else { 1 };
            let unembedded = if spec.is_decoder { rows * spec.d_model * spec.d_vocab } else { 0 };
            foreseen.runs += blocks(spec, 0, n, n) + unembedded as u64;
        }
        for sweep in &self.sweeps {
            if control.watch.should_stop() {
                return Err(ExperimentError::Stopped);
            }
            let case = self.case(sweep)?;
            let prepared = prepare(&Means::of(model), &case, sweep.asked, control)
                .map_err(|cause| ExperimentError::of(&sweep.id, cause))?;
            foreseen.first_runs += prepared.multiply_adds();
            foreseen.plans.push(prepared.plan().clone());
            control.watch.advance(1);
        }
        Ok(foreseen)
    }

    fn one(
        &self,
        model: &Transformer,
        run: &Run,
        found: &[Option<RunResult>],
        machine: Machine<'_>,
    ) -> Result<RunResult, ExperimentError> {
        let spec = &model.spec;
        let value = |hook: Hook, value: &Value| self.value(spec, run, hook, value, found);
        let ready = |edit: &Edit| {
            let values = edit.op.value().map_or(Ok(Values::None), |of| value(edit.at, of))?;
            let (at, selection, op) = (edit.at, edit.selection.clone(), edit.op.clone());
            Ok(ReadyEdit { at, selection, op, values, rows: 0, changed: 0 })
        };
        let mut edges = Vec::with_capacity(run.edges.len());
        for edit in &run.edges {
            let hook = written(edit.edge.from);
            let rows = match value(hook, &edit.value)? {
                Values::Whole(array) => rows_of(edit.edge.from, &array),
                Values::One(x) => vec![x; run.tokens.len() * spec.d_model],
                Values::Along(row) => row.repeat(run.tokens.len()),
                Values::None => continue,
            };
            edges.push(ReadyEdge { from: edit.edge.from, to: edit.edge.to, rows, touched: 0 });
        }
        let mut tap = RunTap {
            spec,
            edits: run.edits.iter().map(ready).collect::<Result<_, ExperimentError>>()?,
            edges,
            live: BTreeMap::new(),
            kept: Capture::of(self.kept(run)),
        };
        let position = run.metric.as_ref().and_then(|metric| metric.position);
        let wanted = match position {
            _ if !spec.is_decoder => Wanted::Residual,
            Some(_) => Wanted::All,
            None => Wanted::Last,
        };
        let outcome = forward::run_on(model, &[&run.tokens], wanted, &mut tap, machine)
            .map_err(|(_, cause)| ExperimentError::of(&run.id, cause.into()))?;
        if outcome.answers[0].data.iter().any(|x| x.is_nan()) {
            return Err(ExperimentError::Run { by: run.id.clone(), cause: PatchError::NotFinite });
        }
        for (edit, ready) in run.edits.iter().zip(&tap.edits) {
            if ready.rows == 0 && !edit.allow_noop {
                return Err(ExperimentError::NoRows { by: run.id.clone(), hook: edit.at.to_string() });
            }
        }
        for (edit, ready) in run.edges.iter().zip(&tap.edges) {
            if ready.touched == 0 && !edit.allow_noop {
                return Err(ExperimentError::NoRows { by: run.id.clone(), hook: edit.edge.name(spec) });
            }
        }
        let answers = &outcome.answers[0].data;
        let last = answers.len().saturating_sub(spec.d_vocab);
        let logits = if spec.is_decoder { answers[last..].to_vec() } else { Vec::new() };
        let measured = position.map_or(&logits[..], |at| &answers[at * spec.d_vocab..][..spec.d_vocab]);
        let measure = run.metric.as_ref().and_then(|metric| match &metric.of {
            Measured::Alone(metric) => Measure::new(*metric, None),
            Measured::DivergenceFrom(id) => {
                let other = found.iter().flatten().find(|made| made.id == *id)?;
                Measure::new(Metric::Divergence(Compared::Donor), Some(&other.logits))
            }
        });
        let captured = tap.kept.seen.into_iter().map(|((_, hook), array)| (hook, array)).collect();
        Ok(RunResult {
            id: run.id.clone(),
            metric: measure.map(|measure| measure.of_logits(measured)),
            edits: tap.edits.iter().map(|edit| (edit.rows, edit.changed)).collect(),
            edges: tap.edges.iter().map(|edge| edge.touched).collect(),
            logits,
            captured,
            multiply_adds: outcome.multiply_adds,
        })
    }

    /// The numbers that a value stands for at a site.
    fn value(
        &self,
        spec: &Spec,
        run: &Run,
        hook: Hook,
        value: &Value,
        found: &[Option<RunResult>],
    ) -> Result<Values, ExperimentError> {
        let ours = spec.shape(hook.site, run.tokens.len());
        let of = |id: &str| -> Result<&Array<f32>, ExperimentError> {
            let made = found.iter().flatten().find(|made| made.id == id);
            let array = made.and_then(|made| made.captured.get(&hook));
            let array = array.ok_or_else(|| ExperimentError::NoRun {
                by: run.id.clone(),
                id: id.to_owned(),
                near: None,
            })?;
            if array.shape != ours {
                let (by, id, theirs) = (run.id.clone(), id.to_owned(), array.shape.clone());
                return Err(ExperimentError::Shape {
                    by,
                    id,
                    hook: hook.to_string(),
                    theirs,
                    ours: ours.clone(),
                });
            }
            Ok(array)
        };
        Ok(match value {
            Value::Number(x) => Values::One(*x),
            Value::Numbers(row) => Values::Along(row.clone()),
            Value::Run(id) => Values::Whole(of(id)?.clone()),
            Value::Mean(ids) => {
                let all: Vec<&Array<f32>> = ids.iter().map(|id| of(id)).collect::<Result<_, _>>()?;
                let n: usize = ours.iter().product();
                let mean = |at: usize| {
                    (all.iter().map(|array| f64::from(array.data[at])).sum::<f64>() / all.len() as f64) as f32
                };
                Values::Whole(Array { shape: ours.clone(), data: (0..n).map(mean).collect() })
            }
            Value::Resample(ids, seed) => {
                Values::Whole(of(&ids[(mixed(*seed) % ids.len() as u64) as usize])?.clone())
            }
        })
    }

    /// A sweep as the planner takes it.
    pub(super) fn case(&self, sweep: &Sweep) -> Result<Case, ExperimentError> {
        let tokens = |id: &str| -> Vec<u32> {
            self.runs.iter().find(|run| run.id == id).map(|run| run.tokens.clone()).unwrap_or_default()
        };
        let pool = |ids: &[String]| ids.iter().map(|id| tokens(id)).collect();
        let donor = match &sweep.value {
            Value::Run(id) => Donor::Run(tokens(id)),
            Value::Mean(ids) => Donor::Mean(pool(ids)),
            Value::Resample(ids, seed) => Donor::Resample { pool: pool(ids), seed: *seed },
            Value::Number(0.0) => Donor::Zero,
            Value::Number(_) | Value::Numbers(_) => {
                return Err(ExperimentError::SweepValue { by: sweep.id.clone() });
            }
        };
        let case = Case { run: tokens(&sweep.run), donor, metric: sweep.metric };
        let Some(position) = sweep.position else { return Ok(case) };
        case.until(position).map_err(|cause| ExperimentError::Run { by: sweep.id.clone(), cause })
    }

    fn sweep(
        &self,
        model: &Transformer,
        sweep: &Sweep,
        verify: f64,
        control: &Control<'_>,
    ) -> Result<SweepResult, ExperimentError> {
        let case = self.case(sweep)?;
        let patched = patch(model, &case, sweep.asked, verify, control)
            .map_err(|cause| ExperimentError::of(&sweep.id, cause))?;
        Ok(SweepResult { id: sweep.id.clone(), patched })
    }
}

impl Op {
    /// Its name in files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Set(_) => "set",
            Self::Add(..) => "add",
            Self::Scale(_) => "scale",
        }
    }
}
