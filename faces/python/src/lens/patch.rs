//! Which place carries the answer? Sweeps of activation patching, and what they cost, for `pellucid.Transformer.patch` and `.plan`.

use std::num::NonZeroUsize;
use std::time::Instant;

use pellucid::data::Watch as _;
use pellucid::explain::inside::{By, Means, PatchError, Patched, Several, patch_all, prepare};
use pellucid::models::transformer::Token;
use pellucid::patched::{self, worst};
use pellucid::views::number::{alike, count, pretty};
use pellucid::views::patch_grid::PatchGrid;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::prompts::{Asked, Prompt, With};
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

/// The metric of the clean prompt and, where it was run, of the corrupt one.
fn ends(asked: &Asked, one: &Patched) -> (f64, Option<f64>) {
    match one.other {
        Some(other) if !asked.noising => (other, Some(one.own)),
        other => (one.own, other),
    }
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
    let shape = shape(of, asked, found);
    let (n, n_prompts) = (found.each[0].plan.cells.len(), found.each.len());
    let all_prompts = [&[n_prompts], &shape[..]].concat();
    let told = PyDict::new(py);
    told.set_item("site", asked.patching.site.short())?;
    told.set_item("by", asked.patching.by.to_string())?;
    told.set_item("metric", asked.prompts[0].metric())?;
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
    let ends: Vec<(f64, Option<f64>)> = found.each.iter().map(|one| ends(asked, one)).collect();
    told.set_item("clean", ends.iter().map(|ends| ends.0).collect::<Vec<_>>())?;
    told.set_item("corrupt", ends.iter().map(|ends| ends.1).collect::<Option<Vec<_>>>())?;
    let texts = |tokens: &[Token]| tokens.iter().map(|token| token.text.clone()).collect::<Vec<_>>();
    let prompt = |prompt: &Prompt| {
        (
            texts(&prompt.clean),
            prompt.corrupt.as_deref().map(texts),
            texts(&asked.run(prompt)),
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

/// Names of what stands across in the picture, and which of them differ between prompts.
fn columns(asked: &Asked, n_heads: usize) -> (Vec<String>, Vec<usize>) {
    match asked.patching.by {
        By::Layer => (vec!["all".to_owned()], Vec::new()),
        By::LayerHead => (patched::head_columns(n_heads), Vec::new()),
        By::LayerPosition | By::LayerPositionHead => {
            let runs: Vec<Vec<Token>> = asked.prompts.iter().map(|prompt| asked.run(prompt)).collect();
            let first = &asked.prompts[0];
            let corrupt = first.corrupt.as_deref().filter(|_| asked.with == With::Other);
            // Where prompts have different tokens a column has but a number.
            let name = |(at, token): (usize, &Token)| {
                let is_shared = runs.iter().all(|run| run[at].id == runs[0][at].id);
                let other = corrupt.and_then(|corrupt| corrupt.get(at));
                if is_shared { patched::token_name(token, other) } else { format!("#{at}") }
            };
            let mut differ: Vec<usize> = asked.prompts.iter().flat_map(Prompt::differ).collect();
            differ.sort_unstable();
            differ.dedup();
            (first.clean.iter().enumerate().map(name).collect(), differ)
        }
    }
}

pub(super) fn view(of: &Transformer, asked: &Asked, found: &Several) -> PatchGrid {
    let shape = shape(of, asked, found);
    // Heads within positions stand below each other, block by block.
    let n_heads = shape.get(2).copied().unwrap_or(1);
    let (columns, differ) = columns(asked, shape.get(1).copied().unwrap_or(1));
    let layers = (0..shape[0]).flat_map(|layer| (0..n_heads).map(move |head| (layer, head)));
    let places: Vec<usize> = layers
        .flat_map(|(layer, head)| (0..columns.len()).map(move |column| (layer, column, head)))
        .map(|(layer, column, head)| (layer * columns.len() + column) * n_heads + head)
        .collect();
    let [rows, names] = patched::row_names(asked.patching.by, [shape[0], n_heads], columns.len());
    let intervals: Option<Vec<[f64; 2]>> = places.iter().map(|cell| found.interval(*cell)).collect();
    let is_share = found.each[0].other.is_some();
    let n_checked: usize = found.each.iter().map(|one| one.verified.n).sum();
    PatchGrid {
        site: asked.patching.site.short().to_owned(),
        subtitle: format!("{} · {}", asked.doing(), measured(asked, found)),
        rows,
        columns,
        names,
        differ,
        effects: places.iter().map(|cell| found.effect(*cell)).collect(),
        intervals: intervals.unwrap_or_default(),
        unit: unit(asked, is_share),
        is_share,
        checked: match n_checked {
            0 => "No cell was run again the slow way (verify=).".to_owned(),
            n => format!(
                "{} of {} cells were run again as whole runs: the largest difference is {}.",
                count(n),
                count(places.len() * found.each.len()),
                pretty(worst(found), 3)
            ),
        },
    }
}

fn measured(asked: &Asked, found: &Several) -> String {
    let ([only], [one]) = (asked.prompts.as_slice(), found.each.as_slice()) else {
        return format!("{} prompts", count(asked.prompts.len()));
    };
    let (clean, corrupt) = ends(asked, one);
    match corrupt {
        Some(corrupt) => {
            let both = alike(&[clean, corrupt], 4);
            format!("{}: clean {}, corrupt {}", only.measured(), both[0], both[1])
        }
        None => format!("{}: {}", only.measured(), pretty(clean, 4)),
    }
}

fn unit(asked: &Asked, is_share: bool) -> String {
    let (run, other) = if asked.noising { ("clean", "corrupt") } else { ("corrupt", "clean") };
    let one = if is_share {
        format!("0: the answer stays that of the {run} prompt; 1: it becomes that of the {other} one.")
    } else {
        "By how much the metric grows.".to_owned()
    };
    match asked.prompts.len() {
        1 => one,
        _ => format!("{one} Of several prompts: their mean growth over their mean difference."),
    }
}
