//! `pellucid lens patch` and `plan`: other activations in a prompt's run, place by place.

use std::time::Instant;

use pellucid::explain::inside::{
    By, Case, Cell, Means, PatchError, Patching, Several, check_alike, patch_all, peak, prepare,
};
use pellucid::models::transformer::Transformer;
use pellucid::patched::prompts::How;
use pellucid::patched::{CAVEATS, Costs, Sweep, usual, worst};
use pellucid::views::View;
use pellucid::views::number::{count, pretty};
use pellucid::views::render::text::left;
use pellucid::views::report::{Report, Section};
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, print};
use super::prompts::{self, Prompt};
use super::{
    INTERVALS, Written, check_out, experiment, loaded, merge, numbers, processed, processing, seen, write,
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
    how: How,
    cases: Vec<Case>,
    asked: Patching,
    seed: u64,
}

fn asked<'a>(args: &'a Experiment, context: &Context<'_>) -> Result<Asked<'a>, Failure> {
    let (model, tokenizer) = loaded(&args.source)?;
    let prompts = prompts::read(&args.prompts, &tokenizer)?;
    let by = match args.by {
        Some(ByName::Layer) => By::Layer,
        Some(ByName::Position) => By::LayerPosition,
        Some(ByName::Head) => By::LayerHead,
        Some(ByName::PositionHead) => By::LayerPositionHead,
        None => usual(args.site),
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
    let how = prompts::how(&args.prompts);
    Ok(Asked { args, model, prompts, how, cases, asked, seed: context.seed.unwrap_or(0) })
}

impl Asked<'_> {
    /// Runs every prompt once, and plans what is to be run for the cells.
    fn costs(&self, context: &Context<'_>) -> Result<Costs, Failure> {
        let mut costs = Costs::default();
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
            costs.add(prepared.plan());
        }
        // What these runs took, on all threads, tells how long the others will.
        costs.estimate(start.elapsed().as_secs_f64(), done);
        Ok(costs)
    }

    fn of_prompt(&self, at: usize, cause: PatchError) -> PatchError {
        if self.cases.len() == 1 { cause } else { PatchError::At { at: at + 1, cause: Box::new(cause) } }
    }

    fn about(&self) -> Value {
        let mut body = json!({"model": self.args.source.model, "processing": processing(&self.model)});
        merge(&mut body, self.sweep().about(self.seed));
        body
    }

    fn sweep(&self) -> Sweep<'_> {
        Sweep {
            model: &self.model,
            prompts: &self.prompts,
            how: &self.how,
            asked: self.asked,
            again: "--verify",
        }
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
        merge(&mut body, costs.told(&asked.model));
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
                merge(&mut body, asked.sweep().told(&found));
                body
            },
            table: &|| table(&found),
            view: &|| Box::new(asked.sweep().grid(&found).0) as Box<dyn View>,
            report: &|| page(&asked, &found, context),
        };
        write(&written, &args.output, out)?;
        context.console.done(&format!("wrote {} cells to {}", count(n_cells), out.display()));
    }
    let worst = worst(&found);
    if context.json {
        let mut body = asked.about();
        merge(&mut body, asked.sweep().told(&found));
        // From the first run on, without reading the model.
        body["elapsed_seconds"] = elapsed.into();
        context.print_json("lens_patch", body)?;
    } else if out.is_none() {
        print(&asked.sweep().grid(&found).0.text(terminal_columns()))?;
    }
    if worst > 0.0 {
        return Err(Failure::Bug(format!("cells that were run again are off by up to {worst:e}")));
    }
    Ok(0)
}

fn cells(found: &Several) -> &[Cell] {
    &found.each[0].plan.cells
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
    let (grid, _) = asked.sweep().grid(found);
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
    let mut notes = CAVEATS.map(str::to_owned).to_vec();
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
