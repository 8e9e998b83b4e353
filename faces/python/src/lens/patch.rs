//! Which place carries the answer? Sweeps of activation patching, and what they cost, for `pellucid.Transformer.patch` and `.plan`.

use std::num::NonZeroUsize;
use std::time::Instant;

use pellucid::data::Watch as _;
use pellucid::explain::inside::{By, Means, PatchError, Several, patch_all, prepare};
use pellucid::models::transformer::Token;
use pellucid::patched::prompts::Prompt;
use pellucid::patched::{self, worst};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::prompts::Asked;
use super::{Transformer, array};
use crate::calls::Interrupt;
use crate::errors::Failure;

/// What running costs, and whether how long that takes is known.
#[derive(Default)]
pub(super) struct Costs {
    own: patched::Costs,
    is_estimated: bool,
}

impl Costs {
    pub(super) fn told<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (told, own) = (PyDict::new(py), &self.own);
        told.set_item("cells", own.cells)?;
        told.set_item("skipped", own.skipped)?;
        told.set_item("batches", own.batches)?;
        told.set_item("naive", own.naive)?;
        told.set_item("planned", own.planned)?;
        told.set_item("peak_bytes", own.bytes)?;
        told.set_item("estimated_seconds", self.is_estimated.then_some(own.seconds))?;
        Ok(told)
    }
}

/// Runs every prompt once, and plans what is to be run for the cells.
pub(super) fn costs(
    of: &Transformer,
    asked: &Asked,
    interrupt: &Interrupt,
    threads: NonZeroUsize,
) -> Result<Costs, Failure> {
    let (mut costs, mut done) = (patched::Costs::default(), 0);
    let start = Instant::now();
    let means = Means::of(&of.model);
    for (at, case) in asked.cases.iter().enumerate() {
        let numbered = |cause| match asked.cases.len() {
            1 => cause,
            _ => PatchError::At { at: at + 1, cause: Box::new(cause) },
        };
        let prepared =
            prepare(&means, case, asked.patching, &interrupt.control(threads)).map_err(numbered)?;
        if interrupt.should_stop() {
            return Err(Failure::Interrupted);
        }
        done += prepared.multiply_adds();
        costs.add(prepared.plan());
    }
    costs.bytes += of.model.weights.n_bytes();
    // What these runs took, on all threads, tells how long the others will.
    costs.estimate(start.elapsed().as_secs_f64(), done);
    Ok(Costs { own: costs, is_estimated: true })
}

/// Runs the sweep. Cells that were run again must be the same to the bit.
pub(super) fn found(
    of: &Transformer,
    asked: &Asked,
    verify: f64,
    control: &pellucid::data::Control<'_>,
) -> Result<Several, Failure> {
    let found = patch_all(&of.model, &asked.cases, asked.patching, verify, control)?;
    let worst = worst(&found);
    if worst > 0.0 {
        return Err(Failure::Said(
            "BugError",
            format!(
                "this is a bug in Pellucid: cells that were run again are off by up to {worst:e}\nPlease report it with the call that led here."
            ),
        ));
    }
    Ok(found)
}

/// How many blocks, positions and heads there are; of axes that the grid has.
fn shape(of: &Transformer, asked: &Asked, found: &Several) -> Vec<usize> {
    let cells = &found.each[0].plan.cells;
    let n_layers = of.model.spec.n_layers;
    let n = cells.len() / n_layers;
    let n_heads = cells.iter().filter_map(|cell| cell.head).max().map_or(1, |last| last + 1);
    match asked.patching.by {
        By::Layer => vec![n_layers],
        By::LayerPosition | By::LayerHead => vec![n_layers, n],
        By::LayerPositionHead => vec![n_layers, n / n_heads, n_heads],
    }
}

pub(super) fn told<'py>(
    py: Python<'py>,
    of: &Transformer,
    asked: &Asked,
    found: &Several,
) -> PyResult<Bound<'py, PyDict>> {
    let (shape, sweep) = (shape(of, asked, found), asked.sweep(of));
    let (n, n_prompts) = (found.each[0].plan.cells.len(), found.each.len());
    let all_prompts = [&[n_prompts], &shape[..]].concat();
    let told = PyDict::new(py);
    told.set_item("site", asked.patching.site.short())?;
    told.set_item("by", asked.patching.by.to_string())?;
    told.set_item("metric", asked.prompts[0].metric.name())?;
    told.set_item("is_share", found.each[0].other.is_some())?;
    let effects: Vec<f64> = (0..n).map(|cell| found.effect(cell)).collect();
    told.set_item("effects", array(py, shape.clone(), effects)?)?;
    let metrics = found.each.iter().flat_map(|one| &one.metrics).copied().collect();
    told.set_item("metrics", array(py, all_prompts.clone(), metrics)?)?;
    let own = found.each.iter().flat_map(|one| (0..n).map(|cell| one.effect(cell))).collect();
    told.set_item("prompt_effects", array(py, all_prompts, own)?)?;
    let intervals: Option<Vec<[f64; 2]>> = (0..n).map(|cell| found.interval(cell)).collect();
    let intervals = intervals.map(|all| array(py, [&shape[..], &[2]].concat(), all.concat())).transpose()?;
    told.set_item("intervals", intervals)?;
    let ends: Vec<(f64, Option<f64>)> = found.each.iter().map(|one| sweep.ends(one.own, one.other)).collect();
    told.set_item("clean", ends.iter().map(|ends| ends.0).collect::<Vec<_>>())?;
    told.set_item("corrupt", ends.iter().map(|ends| ends.1).collect::<Option<Vec<_>>>())?;
    let texts = |tokens: &[Token]| tokens.iter().map(|token| token.text.clone()).collect::<Vec<_>>();
    let prompt = |prompt: &Prompt| {
        (
            texts(&prompt.clean),
            prompt.corrupt.as_deref().map(texts),
            texts(prompt.run(&asked.how)),
            prompt.differ(),
        )
    };
    told.set_item("prompts", asked.prompts.iter().map(prompt).collect::<Vec<_>>())?;
    let mut costs = Costs::default();
    found.each.iter().for_each(|one| costs.own.add(&one.plan));
    costs.own.bytes += of.model.weights.n_bytes();
    told.set_item("plan", costs.told(py)?)?;
    told.set_item("multiply_adds", found.multiply_adds())?;
    let n_checked: usize = found.each.iter().map(|one| one.verified.n).sum();
    told.set_item("verified", (n_checked, worst(found)))?;
    Ok(told)
}
