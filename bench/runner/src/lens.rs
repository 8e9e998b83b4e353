//! Runs transformers for `bench/lens/run.py`: `MODEL THREADS`, then one job a line on standard input, one JSON object a line as answer.
//!
//! Seconds are wall time of the work alone, in one warm process; the model is read once, before the first job.
#![expect(clippy::print_stdout, reason = "standard output is this program's only interface")]

use std::io::BufRead;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use pellucid::data::{Control, Quiet};
use pellucid::explain::inside::{By, Case, Cut, Donor, Metric, Patching, embed, patch};
use pellucid::files::{load_tokenizer, load_transformer};
use pellucid::models::transformer::forward::{self, Wanted};
use pellucid::models::transformer::tap::Untouched;
use pellucid::models::transformer::{Capture, Hook, Machine, Site, Tokens, Transformer};
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [path, threads] = words.as_slice() else { bail!("usage: MODEL THREADS") };
    let threads = NonZeroUsize::new(threads.parse()?).context("0 threads")?;
    let model = load_transformer(Path::new(path))?;
    let tokens = load_tokenizer(&model, Path::new(path), None)?;
    println!("{}", json!({"ready": true}));
    for line in std::io::stdin().lock().lines() {
        let job: Value = serde_json::from_str(&line?)?;
        let answer = match job["do"].as_str() {
            Some("forward") => run(&model, &job, threads)?,
            Some("sweep") => sweep(&model, &job, threads)?,
            Some("embed") => embedded(&model, &tokens, &job, threads)?,
            _ => bail!("what is to be done? {job}"),
        };
        println!("{answer}");
    }
    Ok(())
}

fn ids(list: &Value) -> Vec<u32> {
    list.as_array().into_iter().flatten().filter_map(|id| Some(id.as_u64()? as u32)).collect()
}

/// What TransformerLens keeps where nothing else is said: all but results and inputs of single heads, and the MLP's input.
fn usual_sites(model: &Transformer) -> Vec<Hook> {
    let more = [
        Site::Result,
        Site::AttnIn,
        Site::QueryInput,
        Site::KeyInput,
        Site::ValueInput,
        Site::MlpIn,
        Site::Logits,
    ];
    model.spec.hooks().into_iter().filter(|hook| !more.contains(&hook.site)).collect()
}

fn run(model: &Transformer, job: &Value, threads: NonZeroUsize) -> anyhow::Result<Value> {
    let prompt = ids(&job["tokens"]);
    let machine = Machine::with(threads);
    let start = Instant::now();
    let (outcome, n_kept) = if job["cache"] == json!(true) {
        let mut seen = Capture::of(usual_sites(model));
        let outcome = forward::run_on(model, &[&prompt], Wanted::All, &mut seen, machine);
        (outcome, seen.seen.len())
    } else {
        (forward::run_on(model, &[&prompt], Wanted::All, &mut Untouched, machine), 0)
    };
    let seconds = start.elapsed().as_secs_f64();
    let outcome = outcome.map_err(|(_, cause)| cause)?;
    let logits = &outcome.answers[0].data;
    let last = &logits[logits.len() - model.spec.d_vocab..];
    Ok(json!({"seconds": seconds, "logits": last[..8], "kept": n_kept}))
}

fn sweep(model: &Transformer, job: &Value, threads: NonZeroUsize) -> anyhow::Result<Value> {
    let answers = ids(&job["answers"]);
    let [answer, wrong] = answers[..] else { bail!("two answers are needed") };
    let case = Case {
        run: ids(&job["corrupt"]),
        donor: Donor::Run(ids(&job["clean"])),
        metric: Metric::LogitDifference([answer, wrong]),
    };
    let site = job["site"].as_str().context("no site")?.parse()?;
    let asked =
        Patching { site, by: if site == Site::Mixed { By::LayerPositionHead } else { By::LayerPosition } };
    let start = Instant::now();
    let found = patch(model, &case, asked, 0.0, &Control { threads, watch: &Quiet })?;
    let seconds = start.elapsed().as_secs_f64();
    let cells: Vec<Value> =
        found.plan.cells.iter().map(|cell| json!([cell.layer, cell.position, cell.head])).collect();
    Ok(json!({
        "seconds": seconds, "cells": cells, "metrics": found.metrics, "skipped": found.plan.n_skipped,
        "naive": found.plan.naive, "planned": found.plan.planned,
    }))
}

fn embedded(
    model: &Transformer,
    tokens: &Tokens,
    job: &Value,
    threads: NonZeroUsize,
) -> anyhow::Result<Value> {
    let texts: Vec<&str> = job["texts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let start = Instant::now();
    let found = embed(model, tokens, &texts, (Cut::Texts, 512), &Control { threads, watch: &Quiet })?;
    let seconds = start.elapsed().as_secs_f64();
    let vectors: Vec<&[f32]> = (0..texts.len()).map(|at| found.text(at)).collect();
    Ok(json!({"seconds": seconds, "vectors": vectors}))
}
