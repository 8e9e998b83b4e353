//! `pellucid lens run --experiment`: runs, edits and sweeps from a file.

use std::path::Path;
use std::time::Instant;

use pellucid::explain::inside::Experiment;
use pellucid::explain::inside::Plan;
use pellucid::explain::inside::experiment::{Results, RunResult, Sweep, SweepResult};
use pellucid::explain::inside::logit_lens::reading;
use pellucid::files::{load_experiment, load_tokenizer};
use pellucid::models::transformer::weights::{SafetensorsWriter, Tensor};
use pellucid::models::transformer::{Tokens, Transformer};
use pellucid::views::number::{count, percent, pretty};
use pellucid::views::patch_grid::visible;
use pellucid::views::render::text;
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, print};
use super::{model, processing};
use crate::explaining::control;
use crate::failure::Failure;
use crate::lens_args::{Run, Source};
use crate::output::NewFile;

pub(super) fn run(args: &Run, file: &Path, context: &Context<'_>) -> Result<u8, Failure> {
    let ending =
        args.output.out.as_deref().and_then(Path::extension).map(|end| end.to_string_lossy().to_lowercase());
    if let (Some(out), false) = (&args.output.out, matches!(ending.as_deref(), Some("json" | "safetensors")))
    {
        return Err(Failure::Usage(format!(
            "`{}`: what an experiment finds is written as .json, what it captures as .safetensors",
            out.display()
        )));
    }
    let (model, tokens, asked) = read(&args.source, file)?;
    let is_tensors = ending.as_deref() == Some("safetensors");
    if is_tensors && asked.runs.iter().all(|run| run.capture.is_empty()) {
        return Err(Failure::Usage(
            "no run of the experiment captures anything; write `capture = [...]`".to_owned(),
        ));
    }
    let most = super::most_bytes(args.max_memory).unwrap_or(usize::MAX);
    let progress = context.console.counting(asked.runs.len() as u64, "runs");
    let found = asked.run(&model, most, args.verify, &control(context.console, &progress));
    drop(progress);
    let found = found.map_err(|cause| with_file(file, cause.into()));
    let found = context.console.unless_interrupted(found)?;
    let told = || told(args, &model, tokens.as_ref(), (&asked, &found));
    match (&args.output.out, ending.as_deref()) {
        (Some(out), Some("json")) => {
            super::write_json(out, "lens_experiment", told())?;
            context.console.done(&format!("wrote {}", out.display()));
        }
        (Some(out), _) => {
            tensors(&found, &model, out, context)?;
            context.console.done(&format!("wrote what was captured to {}", out.display()));
        }
        (None, _) => {}
    }
    if context.json {
        context.print_json("lens_experiment", told())?;
    } else if args.output.out.is_none() {
        print(&said(&asked, &found, tokens.as_ref()))?;
    }
    let worst = found.sweeps.iter().fold(0.0, |worst: f64, sweep| worst.max(sweep.patched.verified.worst));
    if worst > 0.0 {
        return Err(Failure::Bug(format!("cells that were run again are off by up to {worst:e}")));
    }
    Ok(0)
}

/// The model, its tokenizer if there is one, and what the file asks of them.
fn read(source: &Source, file: &Path) -> Result<(Transformer, Option<Tokens>, Experiment), Failure> {
    let written = load_experiment(file)?;
    let model = model(source)?;
    let tokens = load_tokenizer(&model, &source.model, source.tokenizer.as_deref());
    // Where there are only numbers, a tokenizer is not needed.
    let tokens = if written.has_texts() { Some(tokens?) } else { tokens.ok() };
    let asked = written
        .resolved(&model.spec, tokens.as_ref())
        .map_err(|cause| Failure::Input(format!("{}: {cause}", file.display())))?;
    Ok((model, tokens, asked))
}

/// `pellucid lens plan --experiment`: what it would compute.
pub(super) fn plan(source: &Source, file: &Path, context: &Context<'_>) -> Result<u8, Failure> {
    let (model, _, asked) = read(source, file)?;
    let progress = context.console.counting(asked.sweeps.len() as u64, "sweeps");
    let start = Instant::now();
    let most = super::most_bytes(None).unwrap_or(usize::MAX);
    let found = asked.plan(&model, most, &control(context.console, &progress));
    drop(progress);
    let elapsed = start.elapsed().as_secs_f64();
    let found = found.map_err(|cause| with_file(file, cause.into()));
    let found = context.console.unless_interrupted(found)?;
    let planned = found.runs + found.plans.iter().map(|plan| plan.planned).sum::<u64>();
    // As fast as the runs that were needed to plan the sweeps, if there were any.
    let seconds = (found.first_runs > 0).then(|| elapsed * planned as f64 / found.first_runs as f64);
    let bytes = found.bytes + model.weights.n_bytes();
    let pairs = || asked.sweeps.iter().zip(&found.plans);
    if context.json {
        let sweep = |(sweep, plan): (&Sweep, &Plan)| {
            json!({
                "id": sweep.id, "site": sweep.asked.site.short(), "by": sweep.asked.by.to_string(), "cells": plan.cells.len(),
                "skipped": plan.n_skipped, "batches": plan.n_batches(), "multiply_adds": {"naive": plan.naive, "planned": plan.planned},
            })
        };
        let body = json!({
            "model": source.model, "processing": processing(&model), "runs": asked.runs.len(),
            "sweeps": pairs().map(sweep).collect::<Vec<_>>(),
            "multiply_adds": {"runs": found.runs, "planned": planned}, "peak_bytes": bytes, "estimated_seconds": seconds,
        });
        return context.print_json("lens_plan_experiment", body);
    }
    let large = |n: u64| pretty(n as f64, 4);
    let mut rows = vec![vec![
        format!("{} runs", count(asked.runs.len())),
        String::new(),
        String::new(),
        large(found.runs),
        String::new(),
    ]];
    rows.extend(pairs().map(|(sweep, plan)| {
        vec![
            format!("{}: {} by {}", sweep.id, sweep.asked.site, sweep.asked.by),
            count(plan.cells.len()),
            count(plan.n_skipped),
            large(plan.planned),
            large(plan.naive),
        ]
    }));
    let names = ["what", "cells", "skipped", "multiply-adds", "naive"].map(str::to_owned);
    let time = seconds.map_or(String::new(), |seconds| format!(", about {} s", pretty(seconds, 2)));
    let told = format!(
        "About {} MB, {} MB of them weights{time}.\n",
        bytes / 1_000_000,
        model.weights.n_bytes() / 1_000_000
    );
    print(&format!("{}\n{told}", text::table(&names, &rows, terminal_columns())))
}

fn with_file(file: &Path, failure: Failure) -> Failure {
    match failure {
        Failure::Input(text) => Failure::Input(format!("{}: {text}", file.display())),
        other => other,
    }
}

fn tensors(found: &Results, model: &Transformer, out: &Path, context: &Context<'_>) -> Result<(), Failure> {
    let kept =
        || found.runs.iter().flat_map(|run| run.captured.iter().map(move |(hook, array)| (run, hook, array)));
    let tensors: Vec<Tensor> = kept()
        .map(|(run, hook, array)| Tensor::floats(format!("{}/{hook}", run.id), array.shape.clone()))
        .collect();
    let about = [
        ("processing".to_owned(), model.processing.steps().join(",")),
        ("command".to_owned(), context.command_line()),
    ];
    let (file, bytes) = NewFile::create(out)?;
    let mut writer = SafetensorsWriter::new(std::io::BufWriter::new(bytes), &tensors, &about)?;
    for (at, (_, _, array)) in kept().enumerate() {
        writer.floats(at, 0, &array.data)?;
    }
    writer.finish()?;
    file.keep()
}

/// What a run's last token says.
fn best(run: &RunResult, tokens: Option<&Tokens>) -> Option<(String, f64)> {
    if run.logits.is_empty() {
        return None;
    }
    let &(token, p) = reading(&run.logits, None, 1).top.first()?;
    Some((tokens.map_or_else(|| format!("<{token}>"), |tokens| tokens.text(token)), p))
}

fn told(
    args: &Run,
    model: &Transformer,
    tokens: Option<&Tokens>,
    (asked, found): (&Experiment, &Results),
) -> Value {
    let run = |(asked, run): (&pellucid::explain::inside::experiment::Run, &RunResult)| {
        let edits: Vec<Value> = asked
            .edits
            .iter()
            .zip(&run.edits)
            .map(|(edit, (rows, changed))| {
                json!({"at": edit.at.to_string(), "op": edit.op.name(), "rows_touched": rows, "numbers_changed": changed})
            })
            .collect();
        let edges: Vec<Value> = asked
            .edges
            .iter()
            .zip(&run.edges)
            .map(|(edit, rows)| json!({"edge": edit.edge.name(&model.spec), "rows_touched": rows}))
            .collect();
        let captured: Vec<Value> = run
            .captured
            .iter()
            .map(|(hook, array)| json!({"site": hook.to_string(), "shape": array.shape}))
            .collect();
        let best = best(run, tokens).map(|(token, p)| json!({"token": token, "probability": p}));
        let metric = asked.metric.as_ref().map(pellucid::explain::inside::experiment::RunMetric::name);
        json!({"id": run.id, "metric": metric, "value": run.metric, "next": best, "edits": edits, "edges": edges, "captured": captured, "multiply_adds": run.multiply_adds})
    };
    let sweep = |sweep: &SweepResult| {
        let one = &sweep.patched;
        let cells: Vec<Value> = one
            .plan
            .cells
            .iter()
            .enumerate()
            .map(|(at, cell)| json!({"layer": cell.layer, "position": cell.position, "head": cell.head, "metric": one.metrics[at], "effect": one.effect(at)}))
            .collect();
        json!({
            "id": sweep.id, "site": one.asked.site.short(), "by": one.asked.by.to_string(), "own": one.own, "other": one.other,
            "is_share": one.other.is_some(), "grid": cells, "skipped": one.plan.n_skipped,
            "multiply_adds": {"naive": one.plan.naive, "planned": one.plan.planned},
            "verified": {"cells": one.verified.n, "largest_difference": one.verified.worst},
        })
    };
    json!({
        "model": args.source.model, "processing": processing(model),
        "runs": asked.runs.iter().zip(&found.runs).map(run).collect::<Vec<_>>(),
        "sweeps": found.sweeps.iter().map(sweep).collect::<Vec<_>>(),
    })
}

fn said(asked: &Experiment, found: &Results, tokens: Option<&Tokens>) -> String {
    let columns = terminal_columns();
    let rows: Vec<Vec<String>> = asked
        .runs
        .iter()
        .zip(&found.runs)
        .map(|(asked, run)| {
            let touched: usize = run.edits.iter().map(|(rows, _)| rows).chain(&run.edges).sum();
            let n = asked.edits.len() + asked.edges.len();
            vec![
                run.id.clone(),
                run.metric.map_or(String::new(), |x| pretty(x, 5)),
                best(run, tokens)
                    .map_or(String::new(), |(token, p)| format!("{} {}", visible(&token), percent(p))),
                if n == 0 { "none".to_owned() } else { format!("{n}, {touched} rows") },
            ]
        })
        .collect();
    let names = ["run", "metric", "next", "edits"].map(str::to_owned);
    let mut out = text::table(&names, &rows, columns);
    for sweep in &found.sweeps {
        let one = &sweep.patched;
        let mut cells: Vec<usize> = (0..one.plan.cells.len()).collect();
        cells.sort_by(|a, b| one.effect(*b).abs().total_cmp(&one.effect(*a).abs()));
        let place = |at: Option<usize>| at.map_or(String::new(), |at| at.to_string());
        let rows: Vec<Vec<String>> = cells
            .iter()
            .take(10)
            .map(|&at| {
                let cell = one.plan.cells[at];
                vec![
                    cell.layer.to_string(),
                    place(cell.position),
                    place(cell.head),
                    pretty(one.metrics[at], 5),
                    pretty(one.effect(at), 4),
                ]
            })
            .collect();
        let names = ["block", "position", "head", "metric", "effect"].map(str::to_owned);
        out += &format!(
            "\n{}: {} by {}, {} cells, {} skipped; the largest effects\n{}",
            sweep.id,
            one.asked.site,
            one.asked.by,
            count(one.plan.cells.len()),
            count(one.plan.n_skipped),
            text::table(&names, &rows, columns)
        );
    }
    out
}
