//! What does a part of a model read of another? One edge at a time carries other values, and everything else stays what it is.
//!
//! Exact path patching (Wang et al. 2022, arXiv 2211.00593; Goldowsky-Dill et al. 2023, arXiv 2304.05969): the receiver's input is what it
//! was, less what the sender wrote, and what it writes in the other run instead. Norms are computed anew, and nothing is linear.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use pellucid_models::transformer::forward::{self, Stream};
use pellucid_models::transformer::node::{Edge, Part, Receiver, Sender};
use pellucid_models::transformer::tap::{Array, Tap, View};
use pellucid_models::transformer::{Hook, Machine, Site, Spec, Transformer};

use super::case::{Case, Measure};
use super::definition::{Verified, metric_with, verified};
use super::donors::Means;
use super::error::PatchError;
use super::patch::{FirstRuns, Reference, first_runs};
use super::plan;
use crate::workers::share;
use crate::{Control, Stopped};

/// Effects of edges.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EdgeEffects {
    /// The edges.
    pub edges: Vec<Edge>,
    /// The metric with each edge carrying other values.
    pub metrics: Vec<f64>,
    /// The metric of the prompt that is run.
    pub own: f64,
    /// The metric of the prompt whose values are put in, if they are those of one.
    pub other: Option<f64>,
    /// Edges that carry the same in both runs, so that nothing was run.
    pub n_skipped: usize,
    /// Multiply-adds of a whole run for every edge.
    pub naive: u64,
    /// Multiply-adds that were foreseen.
    pub planned: u64,
    /// Multiply-adds that were carried out.
    pub multiply_adds: u64,
    /// Edges that were run again as whole runs.
    pub verified: Verified,
}

impl EdgeEffects {
    /// By how much the metric grows.
    #[must_use]
    pub fn effect(&self, edge: usize) -> f64 {
        self.metrics[edge] - self.own
    }
}

/// The site at which a sender's writing is seen.
pub(super) fn written(from: Sender) -> Hook {
    match from {
        Sender::Input => Hook::at(Site::ResidPre, 0),
        Sender::Head { layer, .. } => Hook::at(Site::Result, layer),
        Sender::Mlp { layer } => Hook::at(Site::MlpOut, layer),
    }
}

/// The site at which a receiver reads: of the logits the stream after the last block.
pub(super) fn read(to: Receiver, spec: &Spec) -> Hook {
    match to {
        Receiver::Head { layer, part, .. } => Hook::at(
            match part {
                Part::Query => Site::QueryInput,
                Part::Key => Site::KeyInput,
                Part::Value => Site::ValueInput,
            },
            layer,
        ),
        Receiver::Mlp { layer } => Hook::at(Site::MlpIn, layer),
        Receiver::Logits => Hook::at(Site::ResidPost, spec.n_layers - 1),
    }
}

/// The rows of a sender within what is seen at its site.
pub(super) fn rows_of(from: Sender, seen: &Array<f32>) -> Vec<f32> {
    match from {
        Sender::Head { head, .. } => {
            let (h, d) = (seen.shape[1], seen.shape[2]);
            seen.data.chunks_exact(h * d).flat_map(|row| &row[head * d..(head + 1) * d]).copied().collect()
        }
        _ => seen.data.clone(),
    }
}

/// Adds rows to a receiver's input. The answer is how many of them were.
pub(super) fn add(to: Receiver, rows: &[f32], view: View<'_, f32>) -> usize {
    let d = view.shape[view.shape.len() - 1];
    let (n_heads, head) = match to {
        Receiver::Head { head, .. } => (view.shape[1], head),
        _ => (1, 0),
    };
    let rows = rows[view.first * d..].chunks_exact(d);
    let mut n = 0;
    for (own, row) in view.data.chunks_exact_mut(n_heads * d).zip(rows) {
        if row.iter().any(|x| *x != 0.0) {
            n += 1;
            own[head * d..(head + 1) * d].iter_mut().zip(row).for_each(|(x, by)| *x += by);
        }
    }
    n
}

/// What an edge carries instead, less what it carries.
#[derive(Debug, Clone)]
struct Delta {
    /// The place among the edges.
    at: usize,
    edge: Edge,
    /// A row a position; all edges of a sender share them.
    rows: Arc<Vec<f32>>,
    /// The first row that is not zero.
    first: usize,
}

/// The effect of each edge by itself on the metric. A share `verify` of them is run again as whole runs.
///
/// # Errors
/// When that can't be asked of the model and the prompts, or the caller stopped.
pub fn edge_effects(
    model: &Transformer,
    case: &Case,
    edges: &[Edge],
    verify: f64,
    control: &Control<'_>,
) -> Result<EdgeEffects, PatchError> {
    edge_effects_with(&Means::of(model), case, edges, verify, control)
}

/// The same with means that may be known.
///
/// # Errors
/// As [`edge_effects`].
pub fn edge_effects_with(
    means: &Means<'_>,
    case: &Case,
    edges: &[Edge],
    verify: f64,
    control: &Control<'_>,
) -> Result<EdgeEffects, PatchError> {
    let model = means.model;
    let spec = &model.spec;
    case.check(spec)?;
    for edge in edges {
        edge.check(spec)?;
    }
    let machine = Machine::of(control);
    let mut hooks: Vec<Hook> = edges.iter().map(|edge| written(edge.from)).collect();
    hooks.sort_unstable();
    hooks.dedup();
    let FirstRuns { measure, own, other, reference, ours, theirs, multiply_adds: first_runs, .. } =
        first_runs(means, case, &hooks, machine)?;
    let mut carried: BTreeMap<Sender, (Arc<Vec<f32>>, usize)> = BTreeMap::new();
    let mut all = Vec::with_capacity(edges.len());
    for (at, &edge) in edges.iter().enumerate() {
        let (rows, first) = carried.entry(edge.from).or_insert_with(|| {
            let site = hooks.binary_search(&written(edge.from)).unwrap_or_default();
            let [ours, theirs] = [&ours[site], &theirs[site]].map(|seen| rows_of(edge.from, seen));
            let rows: Vec<f32> = theirs.iter().zip(&ours).map(|(theirs, ours)| theirs - ours).collect();
            let first = rows.iter().position(|x| *x != 0.0).map_or(case.run.len(), |at| at / spec.d_model);
            (Arc::new(rows), first)
        });
        all.push(Delta { at, edge, rows: Arc::clone(rows), first: *first });
    }
    let sweep = Sweep { model, case, measure, reference };
    let batches = sweep.batches(&all);
    let shared = machine.shared_by(batches.len());
    let planned = first_runs + batches.iter().flatten().map(|delta| sweep.cost(delta)).sum::<u64>();
    let n_run: usize = batches.iter().map(Vec::len).sum();
    control.watch.advance(edges.len() - n_run);
    let done = Mutex::new((vec![own; edges.len()], first_runs));
    let work = |(): &mut (), batch: &Vec<&Delta>| {
        let (metrics, multiply_adds) = sweep.run(batch, shared)?;
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        batch.iter().zip(metrics).for_each(|(delta, metric)| done.0[delta.at] = metric);
        done.1 += multiply_adds;
        control.watch.advance(batch.len());
        Ok(())
    };
    share(batches.iter(), batches.len(), control, || (), work)?;
    let (metrics, multiply_adds) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let verified = verified(&metrics, verify, control, |at| {
        let hooks = vec![read(edges[at].to, spec)];
        let mut tap = Into { hooks, deltas: &[&all[at]], spec };
        metric_with(model, (&case.run, &sweep.measure), &mut tap, machine.alone())
    })?;
    Ok(EdgeEffects {
        edges: edges.to_vec(),
        metrics,
        own,
        other,
        n_skipped: edges.len() - n_run,
        naive: plan::naive(spec, case, edges.len()),
        planned,
        multiply_adds,
        verified,
    })
}

struct Sweep<'m> {
    model: &'m Transformer,
    case: &'m Case,
    measure: Measure,
    reference: Reference,
}

impl Sweep<'_> {
    /// Edges that change something, those that are taken up at one block together.
    fn batches<'d>(&self, all: &'d [Delta]) -> Vec<Vec<&'d Delta>> {
        let n = self.case.run.len();
        let mut starts: Vec<&Delta> =
            all.iter().filter(|delta| delta.first < n && self.reaches(delta)).collect();
        starts.sort_by_key(|delta| (self.layer(delta), delta.first, delta.at));
        let most = plan::most_cells(&self.model.spec, self.case.metric);
        plan::batched(starts, most, |delta| (self.layer(delta), n - delta.first))
    }

    /// Logits read the last position alone.
    fn reaches(&self, delta: &Delta) -> bool {
        let last = &delta.rows[delta.rows.len() - self.model.spec.d_model..];
        delta.edge.to != Receiver::Logits || last.iter().any(|x| *x != 0.0)
    }

    /// The block at which the run is taken up.
    fn layer(&self, delta: &Delta) -> usize {
        match delta.edge.to {
            Receiver::Head { layer, .. } | Receiver::Mlp { layer } => layer,
            Receiver::Logits => self.model.spec.n_layers,
        }
    }

    /// Multiply-adds of an edge.
    fn cost(&self, delta: &Delta) -> u64 {
        let (spec, n) = (&self.model.spec, self.case.run.len());
        let layer = self.layer(delta);
        let of_blocks = if layer + 1 == spec.n_layers { plan::blocks } else { plan::to_last };
        of_blocks(spec, layer, n - delta.first, n) + self.case.metric.multiply_adds(spec)
    }

    /// The metrics of a batch, and what they took.
    fn run(&self, batch: &[&Delta], machine: Machine<'_>) -> Result<(Vec<f64>, u64), Stopped> {
        let (spec, n) = (&self.model.spec, self.case.run.len());
        let d = spec.d_model;
        let layer = self.layer(batch[0]);
        let is_last = layer == spec.n_layers;
        let stream = |delta: &&Delta| {
            // Of the logits the last row is enough.
            let first = if is_last { n - 1 } else { delta.first };
            let mut residual = self.reference.streams[layer][first * d..].to_vec();
            if is_last {
                residual.iter_mut().zip(&delta.rows[first * d..]).for_each(|(x, by)| *x += by);
            }
            Stream { residual, first, past: (!is_last).then_some(&self.reference.past) }
        };
        let streams = batch.iter().map(stream).collect();
        let hooks = batch.iter().filter(|_| !is_last).map(|delta| read(delta.edge.to, spec)).collect();
        let mut tap = Into { hooks, deltas: batch, spec };
        let wanted = self.case.metric.wanted();
        let outcome = forward::resume(self.model, layer, streams, wanted, &mut tap, machine)?;
        Ok((outcome.answers.iter().map(|answer| self.measure.of(answer)).collect(), outcome.multiply_adds))
    }
}

/// Adds what edges carry to what their receivers read, each edge in its own run.
struct Into<'d> {
    hooks: Vec<Hook>,
    deltas: &'d [&'d Delta],
    spec: &'d Spec,
}

impl Tap<f32> for Into<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.hooks.contains(&hook)
    }

    fn touch(&mut self, hook: Hook, view: View<'_, f32>) {
        let delta = self.deltas[view.prompt];
        if read(delta.edge.to, self.spec) == hook {
            add(delta.edge.to, &delta.rows, view);
        }
    }
}
