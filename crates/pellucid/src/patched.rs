//! How is a patching experiment told? Its costs, its cells, and its grid, alike wherever it is shown.

pub mod prompts;

use pellucid_explain::inside::{By, Cell, Patching, Plan, Several};
use pellucid_models::transformer::{Axis, Site, Token, Transformer};
use pellucid_views::number::{alike, count, pretty};
use pellucid_views::patch_grid::{PatchGrid, visible};
use serde_json::{Value, json};

use crate::looked::head_name;
use crate::told::{merge, one_or_all};
use prompts::{How, Prompt, Values};

/// What cells tell, and what they do not.
pub const CAVEATS: [&str; 2] = [
    "An effect says what a place is enough for (denoising) or needed for (noising, ablation) on these prompts, not what it does on others.",
    "Values at neighbouring blocks share what passes through both.",
];

/// What running costs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Costs {
    /// Cells of all prompts.
    pub cells: usize,
    /// Those for which nothing is run.
    pub skipped: usize,
    /// Batches that go through the weights.
    pub batches: usize,
    /// Multiply-adds of a whole run for every cell.
    pub naive: u64,
    /// Multiply-adds of the plan.
    pub planned: u64,
    /// Bytes of activations, at once.
    pub bytes: usize,
    /// About how long it takes.
    pub seconds: f64,
}

/// What was asked of a model, with the prompts' tokens.
#[derive(Debug, Clone, Copy)]
pub struct Sweep<'a> {
    /// The model.
    pub model: &'a Transformer,
    /// The prompts.
    pub prompts: &'a [Prompt],
    /// What is put into them.
    pub how: &'a How,
    /// Where.
    pub asked: Patching,
    /// How one asks for cells that are run again: `--verify`.
    pub again: &'a str,
}

/// What a cell stands for where nobody says: blocks and positions, or heads where a site has no positions of its own.
#[must_use]
pub fn usual(site: Site) -> By {
    if site.axes().first() == Some(&Axis::Position) { By::LayerPosition } else { By::LayerHead }
}

/// What a column of one prompt's tokens is called: by its token, or by those of the clean and of the corrupt prompt where they differ.
#[must_use]
pub fn token_name(clean: &Token, corrupt: Option<&Token>) -> String {
    let own = visible(&clean.text);
    match corrupt.filter(|corrupt| corrupt.id != clean.id) {
        Some(corrupt) => format!("{own}→{}", visible(&corrupt.text)),
        None => own,
    }
}

/// What columns of heads are called.
#[must_use]
pub fn head_columns(n_heads: usize) -> Vec<String> {
    (0..n_heads).map(|head| format!("h{head}")).collect()
}

/// What rows are called, with `n_heads` of each block below each other, and cells where that is not their row and column; a row has so many.
#[must_use]
pub fn row_names(by: By, [n_layers, n_heads]: [usize; 2], n_columns: usize) -> [Vec<String>; 2] {
    let named =
        |n: usize| (0..n_layers).flat_map(move |layer| (0..n).map(move |head| head_name(layer, head)));
    let layers = || (0..n_layers).map(|layer| format!("L{layer}")).collect();
    match by {
        By::Layer | By::LayerPosition => [layers(), Vec::new()],
        By::LayerHead => [layers(), named(n_columns).collect()],
        By::LayerPositionHead => [named(n_heads).collect(), Vec::new()],
    }
}

impl Costs {
    /// Adds those of one more prompt.
    pub fn add(&mut self, plan: &Plan) {
        self.cells += plan.cells.len();
        self.skipped += plan.n_skipped;
        self.batches += plan.n_batches();
        self.naive += plan.naive;
        self.planned += plan.planned;
        self.bytes = self.bytes.max(plan.peak_bytes);
    }

    /// How long it takes: as long for a multiply-add as runs took that are done.
    pub fn estimate(&mut self, elapsed: f64, multiply_adds: u64) {
        self.seconds = self.planned as f64 * (elapsed / multiply_adds.max(1) as f64);
    }

    /// As results tell them.
    #[must_use]
    pub fn told(&self, model: &Transformer) -> Value {
        json!({
            "cells": self.cells, "skipped": self.skipped, "batches": self.batches,
            "multiply_adds": {"naive": self.naive, "planned": self.planned},
            "peak_bytes": self.bytes + model.weights.n_bytes(), "estimated_seconds": self.seconds,
        })
    }
}

/// The cells of a sweep.
fn cells(found: &Several) -> &[Cell] {
    found.each.first().map_or(&[], |one| &one.plan.cells)
}

fn n_checked(found: &Several) -> usize {
    found.each.iter().map(|one| one.verified.n).sum()
}

/// By how much cells that were run again were off, at most.
#[must_use]
pub fn worst(found: &Several) -> f64 {
    found.each.iter().fold(0.0, |worst: f64, one| worst.max(one.verified.worst))
}

impl Sweep<'_> {
    /// The tokens of the prompt that is run, or the heads, or all of a block: one name a column, and which of them differ.
    fn columns(&self, cells: &[Cell]) -> (Vec<String>, Vec<usize>) {
        match self.asked.by {
            By::Layer => (vec!["all".to_owned()], Vec::new()),
            By::LayerHead => {
                let n = cells.iter().filter_map(|cell| cell.head).max().map_or(0, |last| last + 1);
                (head_columns(n), Vec::new())
            }
            _ => {
                let Some(first) = self.prompts.first() else { return (Vec::new(), Vec::new()) };
                // Where only one prompt is run there is no other token.
                let corrupt = first.corrupt.as_deref().filter(|_| self.how.with == Values::Other);
                let pair = |(at, token): (usize, &Token)| {
                    token_name(token, corrupt.and_then(|corrupt| corrupt.get(at)))
                };
                let tokens = first.clean.iter().enumerate();
                if self.prompts.len() == 1 {
                    return (tokens.map(pair).collect(), first.differ());
                }
                // Where all prompts have one token it is that, else its place.
                let id = |prompt: &Prompt, at: usize| prompt.run(self.how).get(at).map(|token| token.id);
                let alike = |at: usize| self.prompts.iter().all(|prompt| id(prompt, at) == id(first, at));
                let name =
                    |one: (usize, &Token)| if alike(one.0) { pair(one) } else { format!("#{}", one.0) };
                let names = tokens.map(name).collect();
                let mut differ: Vec<usize> = self.prompts.iter().flat_map(Prompt::differ).collect();
                differ.sort_unstable();
                differ.dedup();
                (names, differ)
            }
        }
    }

    /// The clean and the corrupt metric of a prompt, where there are both.
    #[must_use]
    pub fn ends(&self, own: f64, other: Option<f64>) -> (f64, Option<f64>) {
        match other {
            Some(other) if !self.how.noising => (other, Some(own)),
            other => (own, other),
        }
    }

    /// What was found, as results tell it.
    #[must_use]
    pub fn told(&self, found: &Several) -> Value {
        let grid: Vec<Value> = cells(found)
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                let mut body = json!({
                    "layer": cell.layer, "position": cell.position, "head": cell.head, "effect": found.effect(at),
                });
                if let [only] = found.each.as_slice() {
                    body["metric"] = only.metrics[at].into();
                } else {
                    body["interval"] = json!(found.interval(at));
                    body["metrics"] = found.each.iter().map(|one| json!(one.metrics[at])).collect();
                    body["effects"] = found.each.iter().map(|one| json!(one.effect(at))).collect();
                }
                body
            })
            .collect();
        let mut costs = Costs::default();
        found.each.iter().for_each(|one| costs.add(&one.plan));
        let mut body = json!({
            "grid": grid, "is_share": is_share(found),
            "cells": costs.cells, "skipped": costs.skipped, "batches": costs.batches,
            "multiply_adds": {"naive": costs.naive, "planned": costs.planned},
            "peak_bytes": costs.bytes + self.model.weights.n_bytes(),
            "verified": {"cells": n_checked(found), "largest_difference": worst(found)},
        });
        let ends: Vec<(f64, Option<f64>)> =
            found.each.iter().map(|one| self.ends(one.own, one.other)).collect();
        body["clean"] = one_or_all(ends.iter().map(|(clean, _)| *clean));
        body["corrupt"] = one_or_all(ends.iter().map(|(_, corrupt)| *corrupt));
        if self.asked.by != By::LayerPositionHead {
            let width = (cells(found).len() / self.model.spec.n_layers).max(1);
            let effects: Vec<f64> = (0..cells(found).len()).map(|at| found.effect(at)).collect();
            body["effects"] = effects.chunks(width).map(Value::from).collect();
        }
        body
    }

    /// What was asked, as results tell it; means and drawn values are of so many prompts, drawn by the seed.
    #[must_use]
    pub fn about(&self, seed: u64) -> Value {
        let mut body = json!({"site": self.asked.site.short(), "by": self.asked.by.to_string()});
        merge(&mut body, prompts::told(self.prompts, self.how, (self.prompts.len(), seed)));
        body
    }

    /// The picture, and in its order of cells (row by row) which cell of the plan each one is.
    #[must_use]
    pub fn grid(&self, found: &Several) -> (PatchGrid, Vec<usize>) {
        let cells = cells(found);
        let (columns, differ) = self.columns(cells);
        let n_layers = self.model.spec.n_layers;
        let all_heads = self.asked.by == By::LayerPositionHead;
        let n_heads = if all_heads { cells.len() / n_layers / columns.len().max(1) } else { 1 };
        let [rows, names] = row_names(self.asked.by, [n_layers, n_heads], columns.len());
        // Cells go position by position within a block, and heads within those.
        let places: Vec<usize> = (0..rows.len())
            .flat_map(|row| (0..columns.len()).map(move |column| (row, column)))
            .map(|(row, column)| (row / n_heads * columns.len() + column) * n_heads + row % n_heads)
            .collect();
        let intervals: Option<Vec<[f64; 2]>> = places.iter().map(|&at| found.interval(at)).collect();
        let grid = PatchGrid {
            site: self.asked.site.short().to_owned(),
            subtitle: self.subtitle(found),
            rows,
            columns,
            names,
            differ,
            effects: places.iter().map(|&at| found.effect(at)).collect(),
            intervals: intervals.unwrap_or_default(),
            unit: self.unit(is_share(found)),
            is_share: is_share(found),
            checked: match n_checked(found) {
                0 => format!("No cell was run again the slow way ({}).", self.again),
                n => format!(
                    "{} of {} cells were run again as whole runs: the largest difference is {}.",
                    count(n),
                    count(cells.len() * found.each.len()),
                    pretty(worst(found), 3)
                ),
            },
        };
        (grid, places)
    }

    fn subtitle(&self, found: &Several) -> String {
        let (values, run) = self.how.doing();
        let measured = match (self.prompts, found.each.as_slice()) {
            ([only], [one]) => {
                let (clean, corrupt) = self.ends(one.own, one.other);
                let ends = match corrupt {
                    Some(corrupt) => {
                        let both = alike(&[clean, corrupt], 4);
                        format!("clean {}, corrupt {}", both[0], both[1])
                    }
                    None => pretty(clean, 4),
                };
                format!("{}: {ends}", only.measured())
            }
            (several, _) => format!("{} prompts", count(several.len())),
        };
        format!("{values} in {run} · {measured}")
    }

    /// What an effect of 1 is.
    #[must_use]
    pub fn unit(&self, is_share: bool) -> String {
        let several = if self.prompts.len() > 1 {
            " Of several prompts: their mean growth over their mean difference."
        } else {
            ""
        };
        if !is_share {
            return "By how much the metric grows.".to_owned();
        }
        let (run, other) = if self.how.noising { ("clean", "corrupt") } else { ("corrupt", "clean") };
        format!(
            "0: the answer stays that of the {run} prompt; 1: it becomes that of the {other} one.{several}"
        )
    }
}

/// Whether effects are shares of the difference between two prompts.
fn is_share(found: &Several) -> bool {
    found.each.first().is_some_and(|one| one.other.is_some())
}
