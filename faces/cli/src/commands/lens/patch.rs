//! `pellucid lens patch` and `plan`: other activations in a prompt's run, place by place.

use std::time::Instant;

use pellucid::explain::inside::{
    By, Case, Cell, Means, PatchError, Patching, Several, check_alike, patch_all, peak,
    plan::Plan as Planned, prepare,
};
use pellucid::models::transformer::{Axis, Transformer};
use pellucid::views::View;
use pellucid::views::number::{count, pretty};
use pellucid::views::patch_grid::PatchGrid;
use pellucid::views::render::text::left;
use pellucid::views::report::{Report, Section};
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, print};
use super::prompts::{self, Prompt};
use super::{
    INTERVALS, Written, check_out, experiment, loaded, merge, numbers, one_or_all, processed, processing,
    seen, write,
};
use crate::explaining::control;
use crate::failure::Failure;
use crate::lens_args::{ByName, Experiment, Patch, Plan, With};
use crate::output::Format;

/// What was asked, with the prompts' tokens.
struct Asked<'a> {
    args: &'a Experiment,
    model: Transformer,
    prompts: Vec<Prompt>,
    cases: Vec<Case>,
    asked: Patching,
    seed: u64,
}

/// What running costs.
struct Costs {
    cells: usize,
    skipped: usize,
    batches: usize,
    naive: u64,
    planned: u64,
    /// Of activations, at once.
    bytes: usize,
    seconds: f64,
}

fn asked<'a>(args: &'a Experiment, context: &Context<'_>) -> Result<Asked<'a>, Failure> {
    let (model, tokenizer) = loaded(&args.source)?;
    let prompts = prompts::read(&args.prompts, &tokenizer)?;
    let by = match args.by {
        Some(ByName::Layer) => By::Layer,
        Some(ByName::Position) => By::LayerPosition,
        Some(ByName::Head) => By::LayerHead,
        Some(ByName::PositionHead) => By::LayerPositionHead,
        None if args.site.axes()[0] == Axis::Position => By::LayerPosition,
        None => By::LayerHead,
    };
    let cases = prompts::cases(&prompts, &args.prompts, context);
    let asked = Patching { site: args.site, by };
    asked.check(&model.spec)?;
    check_alike(&cases, asked)?;
    let longest = cases.iter().map(|case| case.run.len()).max().unwrap_or(0);
    super::check_memory(
        peak(&model.spec, args.site, longest, cases[0].metric),
        None,
        "take shorter prompts, or another site",
    )?;
    Ok(Asked { args, model, prompts, cases, asked, seed: context.seed.unwrap_or(0) })
}

impl Asked<'_> {
    /// Runs every prompt once, and plans what is to be run for the cells.
    fn costs(&self, context: &Context<'_>) -> Result<Costs, Failure> {
        let mut costs =
            Costs { cells: 0, skipped: 0, batches: 0, naive: 0, planned: 0, bytes: 0, seconds: 0.0 };
        let start = Instant::now();
        let mut done = 0;
        let progress = context.console.counting(self.cases.len() as u64, "prompts");
        let watched = control(context.console, &progress);
        let means = Means::of(&self.model);
        for (at, case) in self.cases.iter().enumerate() {
            let prepared =
                prepare(&means, case, self.asked, &watched).map_err(|cause| self.of_prompt(at, cause))?;
            if context.console.is_interrupted() {
                return Err(Failure::Interrupted);
            }
            done += prepared.multiply_adds();
            let plan: &Planned = prepared.plan();
            costs.cells += plan.cells.len();
            costs.skipped += plan.n_skipped;
            costs.batches += plan.n_batches();
            costs.naive += plan.naive;
            costs.planned += plan.planned;
            costs.bytes = costs.bytes.max(plan.peak_bytes);
        }
        // What these runs took, on all threads, tells how long the others will.
        let each = start.elapsed().as_secs_f64() / done.max(1) as f64;
        costs.seconds = costs.planned as f64 * each;
        Ok(costs)
    }

    fn of_prompt(&self, at: usize, cause: PatchError) -> PatchError {
        if self.cases.len() == 1 { cause } else { PatchError::At { at: at + 1, cause: Box::new(cause) } }
    }

    fn told_costs(&self, costs: &Costs) -> Value {
        json!({
            "cells": costs.cells, "skipped": costs.skipped, "batches": costs.batches,
            "multiply_adds": {"naive": costs.naive, "planned": costs.planned},
            "peak_bytes": costs.bytes + self.model.weights.n_bytes(), "estimated_seconds": costs.seconds,
        })
    }

    /// The tokens of the prompt that is run, or the heads, or all of a block: one name a column, and which of them differ.
    fn columns(&self, cells: &[Cell]) -> (Vec<String>, Vec<usize>) {
        match self.asked.by {
            By::Layer => (vec!["all".to_owned()], Vec::new()),
            By::LayerHead => {
                let n = cells.iter().filter_map(|cell| cell.head).max().map_or(0, |last| last + 1);
                ((0..n).map(|head| format!("H{head}")).collect(), Vec::new())
            }
            _ => {
                let first = &self.prompts[0];
                let tokens = seen(first.run(&self.args.prompts));
                if self.prompts.len() == 1 {
                    return (tokens, first.differ());
                }
                // Where all prompts have one token it is that, else its place.
                let alike = |at: usize| {
                    let id = first.run(&self.args.prompts)[at].id;
                    self.prompts.iter().all(|prompt| prompt.run(&self.args.prompts)[at].id == id)
                };
                let names = tokens.into_iter().enumerate();
                let names =
                    names.map(|(at, token)| if alike(at) { token } else { format!("#{at}") }).collect();
                let mut differ: Vec<usize> = self.prompts.iter().flat_map(Prompt::differ).collect();
                differ.sort_unstable();
                differ.dedup();
                (names, differ)
            }
        }
    }

    fn about(&self) -> Value {
        let mut body = json!({
            "model": self.args.source.model, "processing": processing(&self.model),
            "site": self.asked.site.short(), "by": self.asked.by.to_string(),
        });
        merge(&mut body, prompts::told(&self.prompts, &self.args.prompts, (self.prompts.len(), self.seed)));
        body
    }
}

pub(super) fn plan(args: &Plan, context: &Context<'_>) -> Result<u8, Failure> {
    if let Some(file) = &args.file {
        return experiment::plan(&args.experiment.source, file, context);
    }
    let args = &args.experiment;
    let asked = asked(args, context)?;
    let costs = asked.costs(context)?;
    if context.json {
        let mut body = asked.about();
        merge(&mut body, asked.told_costs(&costs));
        return context.print_json("lens_plan", body);
    }
    let number = |n: u64| pretty(n as f64, 4);
    let first = &asked.prompts[0];
    let tokens = match asked.prompts.len() {
        1 if args.prompts.with == With::Other => {
            format!("{}, {} of them differ", first.clean.len(), first.differ().len())
        }
        1 => first.clean.len().to_string(),
        n => format!("{} prompts, the first of {} tokens", count(n), first.clean.len()),
    };
    let lines = [
        ("site", format!("{} by {}", asked.asked.site, asked.asked.by)),
        ("tokens", tokens),
        ("cells", format!("{} in {} batches", count(costs.cells), count(costs.batches))),
        (
            "skipped",
            format!(
                "{}, where it would change nothing, or nothing that the answer sees",
                count(costs.skipped)
            ),
        ),
        ("naive", format!("{} multiply-adds: a whole run for every cell", number(costs.naive))),
        (
            "planned",
            format!(
                "{} multiply-adds, {} times fewer",
                number(costs.planned),
                pretty(costs.naive as f64 / costs.planned as f64, 3)
            ),
        ),
        (
            "memory",
            format!(
                "about {} MB, {} MB of them weights",
                (costs.bytes + asked.model.weights.n_bytes()) / 1_000_000,
                asked.model.weights.n_bytes() / 1_000_000
            ),
        ),
        (
            "time",
            format!("about {} s, as fast as the runs that were needed for this", pretty(costs.seconds, 2)),
        ),
    ];
    print(&lines.map(|(word, what)| format!("{} {what}\n", left(word, 9))).concat())
}

pub(super) fn run(args: &Patch, context: &Context<'_>) -> Result<u8, Failure> {
    let out = args.output.out.as_deref();
    out.map(Format::of).transpose()?;
    let more: Vec<&std::path::Path> = args.experiment.prompts.prompts.as_deref().into_iter().collect();
    check_out(out, &args.experiment.source, &more)?;
    let asked = asked(&args.experiment, context)?;
    let start = Instant::now();
    let n_cells = asked.asked.cells(&asked.model.spec, asked.cases[0].run.len()).len();
    let n_checked = (args.verify * n_cells as f64).ceil() as usize;
    let total = ((n_cells + n_checked) * asked.cases.len()) as u64;
    let progress = context.console.counting(total, "cells");
    let found =
        patch_all(&asked.model, &asked.cases, asked.asked, args.verify, &control(context.console, &progress));
    drop(progress);
    let elapsed = start.elapsed().as_secs_f64();
    let found = context.console.unless_interrupted(found)?;
    if let Some(out) = out {
        let written = Written {
            schema: "lens_patch",
            json: &|| {
                let mut body = asked.about();
                merge(&mut body, asked.told(&found));
                body
            },
            table: &|| table(&found),
            view: &|| Box::new(asked.grid(&found)) as Box<dyn View>,
            report: &|| page(&asked, &found, context),
        };
        write(&written, &args.output, out)?;
        context.console.done(&format!("wrote {} cells to {}", count(n_cells), out.display()));
    }
    let worst = found.each.iter().fold(0.0, |worst: f64, one| worst.max(one.verified.worst));
    if context.json {
        let mut body = asked.about();
        merge(&mut body, asked.told(&found));
        // From the first run on, without reading the model.
        body["elapsed_seconds"] = elapsed.into();
        context.print_json("lens_patch", body)?;
    } else if out.is_none() {
        print(&asked.grid(&found).text(terminal_columns()))?;
    }
    if worst > 0.0 {
        return Err(Failure::Bug(format!("cells that were run again are off by up to {worst:e}")));
    }
    Ok(0)
}

fn cells(found: &Several) -> &[Cell] {
    &found.each[0].plan.cells
}

impl Asked<'_> {
    /// The clean and the corrupt metric of a prompt, where there are both.
    fn ends(&self, found: &Several, at: usize) -> (f64, Option<f64>) {
        let one = &found.each[at];
        match one.other {
            Some(other) if !self.args.prompts.noising => (other, Some(one.own)),
            other => (one.own, other),
        }
    }

    fn told(&self, found: &Several) -> Value {
        let n_prompts = found.each.len();
        let grid: Vec<Value> = cells(found)
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                let mut body = json!({
                    "layer": cell.layer, "position": cell.position, "head": cell.head, "effect": found.effect(at),
                });
                if n_prompts == 1 {
                    body["metric"] = found.each[0].metrics[at].into();
                } else {
                    body["interval"] = json!(found.interval(at));
                    body["metrics"] = found.each.iter().map(|one| json!(one.metrics[at])).collect();
                    body["effects"] = found.each.iter().map(|one| json!(one.effect(at))).collect();
                }
                body
            })
            .collect();
        let all = found.each.iter();
        let sum = |of: fn(&Planned) -> u64| found.each.iter().map(|one| of(&one.plan)).sum::<u64>();
        let mut body = json!({
            "grid": grid, "is_share": found.each[0].other.is_some(),
            "cells": sum(|plan| plan.cells.len() as u64), "skipped": sum(|plan| plan.n_skipped as u64),
            "batches": sum(|plan| plan.n_batches() as u64),
            "multiply_adds": {"naive": sum(|plan| plan.naive), "planned": sum(|plan| plan.planned)},
            "peak_bytes": found.each.iter().map(|one| one.plan.peak_bytes).max().unwrap_or(0) + self.model.weights.n_bytes(),
            "verified": {
                "cells": all.clone().map(|one| one.verified.n).sum::<usize>(),
                "largest_difference": all.clone().fold(0.0, |worst: f64, one| worst.max(one.verified.worst)),
            },
        });
        let ends: Vec<(f64, Option<f64>)> = (0..n_prompts).map(|at| self.ends(found, at)).collect();
        body["clean"] = one_or_all(ends.iter().map(|(clean, _)| *clean));
        body["corrupt"] = one_or_all(ends.iter().map(|(_, corrupt)| *corrupt));
        if self.asked.by != By::LayerPositionHead {
            let width = grid_width(found, &self.model);
            let effects: Vec<f64> = (0..cells(found).len()).map(|at| found.effect(at)).collect();
            body["effects"] = effects.chunks(width).map(Value::from).collect();
        }
        body
    }

    fn grid(&self, found: &Several) -> PatchGrid {
        let cells = cells(found);
        let (columns, differ) = self.columns(cells);
        let n_layers = self.model.spec.n_layers;
        let all_heads = self.asked.by == By::LayerPositionHead;
        let n_heads = if all_heads { cells.len() / n_layers / columns.len().max(1) } else { 1 };
        let layers = 0..n_layers;
        let rows: Vec<String> = if all_heads {
            layers.flat_map(|layer| (0..n_heads).map(move |head| format!("L{layer} H{head}"))).collect()
        } else {
            layers.map(|layer| format!("L{layer}")).collect()
        };
        // Cells go position by position within a block, and heads within those.
        let places: Vec<usize> = (0..rows.len())
            .flat_map(|row| (0..columns.len()).map(move |column| (row, column)))
            .map(|(row, column)| (row / n_heads * columns.len() + column) * n_heads + row % n_heads)
            .collect();
        let intervals: Option<Vec<[f64; 2]>> = places.iter().map(|&at| found.interval(at)).collect();
        let n_checked: usize = found.each.iter().map(|one| one.verified.n).sum();
        let worst = found.each.iter().fold(0.0, |worst: f64, one| worst.max(one.verified.worst));
        let is_share = found.each[0].other.is_some();
        PatchGrid {
            site: self.asked.site.short().to_owned(),
            subtitle: self.subtitle(found),
            rows,
            columns,
            differ,
            effects: places.iter().map(|&at| found.effect(at)).collect(),
            intervals: intervals.unwrap_or_default(),
            unit: self.unit(is_share),
            is_share,
            checked: match n_checked {
                0 => "No cell was run again the slow way (--verify).".to_owned(),
                n => format!(
                    "{} of {} cells were run again as whole runs: the largest difference is {}.",
                    count(n),
                    count(cells.len() * found.each.len()),
                    pretty(worst, 3)
                ),
            },
        }
    }

    fn subtitle(&self, found: &Several) -> String {
        let (values, run) = prompts::doing(&self.args.prompts);
        let measured = match self.prompts.as_slice() {
            [only] => {
                let (clean, corrupt) = self.ends(found, 0);
                let ends = match corrupt {
                    Some(corrupt) => format!("clean {}, corrupt {}", pretty(clean, 4), pretty(corrupt, 4)),
                    None => pretty(clean, 4),
                };
                format!("{}: {ends}", only.measured())
            }
            several => format!("{} prompts", count(several.len())),
        };
        format!("{values} in {run} · {measured}")
    }

    fn unit(&self, is_share: bool) -> String {
        let several = if self.prompts.len() > 1 {
            " Of several prompts: their mean growth over their mean difference."
        } else {
            ""
        };
        if !is_share {
            return "By how much the metric grows.".to_owned();
        }
        let (run, other) =
            if self.args.prompts.noising { ("clean", "corrupt") } else { ("corrupt", "clean") };
        format!(
            "0: the answer stays that of the {run} prompt; 1: it becomes that of the {other} one.{several}"
        )
    }
}

fn grid_width(found: &Several, model: &Transformer) -> usize {
    (cells(found).len() / model.spec.n_layers).max(1)
}

fn table(found: &Several) -> Vec<(pellucid::data::write::Heading, Vec<f64>)> {
    let cells = cells(found);
    let or_nan = |of: &dyn Fn(&Cell) -> Option<usize>| -> Vec<f64> {
        cells.iter().map(|cell| of(cell).map_or(f64::NAN, |n| n as f64)).collect()
    };
    let n = found.each.len();
    let all = 0..cells.len();
    let mean = |at: usize| found.each.iter().map(|one| one.metrics[at]).sum::<f64>() / n as f64;
    let mut columns = vec![
        numbers("layer", or_nan(&|cell| Some(cell.layer)).into_iter()),
        numbers("position", or_nan(&|cell| cell.position).into_iter()),
        numbers("head", or_nan(&|cell| cell.head).into_iter()),
        numbers("metric", all.clone().map(mean)),
        numbers("effect", all.clone().map(|at| found.effect(at))),
    ];
    if n > 2 {
        let intervals: Vec<[f64; 2]> =
            all.clone().map(|at| found.interval(at).unwrap_or([f64::NAN; 2])).collect();
        columns.push(numbers("low", intervals.iter().map(|ends| ends[0])));
        columns.push(numbers("high", intervals.iter().map(|ends| ends[1])));
    }
    if n > 1 {
        for (prompt, one) in found.each.iter().enumerate() {
            columns.push(numbers(&format!("effect_{}", prompt + 1), all.clone().map(|at| one.effect(at))));
        }
    }
    columns
}

fn page(asked: &Asked<'_>, found: &Several, context: &Context<'_>) -> Report {
    let args = asked.args;
    let grid = asked.grid(found);
    let first = &asked.prompts[0];
    let mut facts = vec![
        ("model".to_owned(), args.source.model.display().to_string()),
        ("processing".to_owned(), processed(&asked.model)),
    ];
    match asked.prompts.len() {
        1 => {
            facts.push(("clean".to_owned(), seen(&first.clean).join(" | ")));
            facts.extend(first.corrupt.iter().map(|tokens| ("corrupt".to_owned(), seen(tokens).join(" | "))));
            facts.push(("metric".to_owned(), first.measured()));
        }
        n => facts.push(("prompts".to_owned(), count(n))),
    }
    let naive: u64 = found.each.iter().map(|one| one.plan.naive).sum();
    facts.push((
        "computed".to_owned(),
        format!(
            "{} multiply-adds instead of {}",
            pretty(found.multiply_adds() as f64, 4),
            pretty(naive as f64, 4)
        ),
    ));
    let mut notes = vec![
        "An effect says what a place is enough for (denoising) or needed for (noising, ablation) on these prompts, not what it does on others.".to_owned(),
        "Values at neighbouring blocks share what passes through both.".to_owned(),
    ];
    if asked.prompts.len() > 2 {
        notes.push(INTERVALS.to_owned());
    }
    Report {
        title: format!("What {} carries of the answer", asked.asked.site),
        lead: grid.sentence(),
        facts,
        sections: vec![Section {
            heading: "What each place carries".to_owned(),
            intro: format!(
                "Each cell is one experiment: the run with {} at this place.",
                prompts::doing(&args.prompts).0
            ),
            figures: vec![(Box::new(grid), false)],
        }],
        notes,
        command: Some(context.command_line()),
    }
}
