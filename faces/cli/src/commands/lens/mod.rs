//! `pellucid lens ...`: what happens inside of a transformer.

mod capture;
mod embed;
mod experiment;
mod heads;
mod info;
mod logits;
mod patch;
mod path;
mod prompts;
mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pellucid::data::Control;
use pellucid::data::write::Heading;
use pellucid::files::{TransformerError, load_tokenizer, load_transformer};
use pellucid::models::transformer::{Machine, Processing, Tokens, Transformer};
use pellucid::told::{ids, merge, one_or_all, position, seen};
use pellucid::views::View;
use pellucid::views::render::html;
use pellucid::views::report::Report;
use serde_json::{Value, json};

use super::{Context, picture};
use crate::failure::Failure;
use crate::lens_args::{Lens, Output, Source};
use crate::output::{Format, NewFile, TableFormat, check_distinct, check_place, table_writer, write_file};

pub(crate) fn run(args: &Lens, context: &Context<'_>) -> Result<u8, Failure> {
    match args {
        Lens::Info(args) => info::run(args, context),
        Lens::Run(args) => run::run(args, context),
        Lens::Plan(args) => patch::plan(args, context),
        Lens::Patch(args) => patch::run(args, context),
        Lens::Path(args) => path::run(args, context),
        Lens::Logits(args) => logits::run(args, context),
    }
}

/// All threads that there may be, for one run, which Ctrl-C and the time limit stop.
fn machine<'c>(context: &Context<'c>) -> Machine<'c> {
    Machine::of(&Control { threads: context.console.threads().0, watch: context.console })
}

/// The model, processed as asked.
fn model(source: &Source) -> Result<Transformer, Failure> {
    let model = load_transformer(&source.model)?;
    let steps = source.process.iter().map(String::as_str);
    let asked =
        Processing::of(steps, &model).map_err(|cause| Failure::Usage(format!("--process: {cause}")))?;
    if asked == Processing::default() {
        return Ok(model);
    }
    let path = source.model.clone();
    Ok(model.processed(asked).map_err(|cause| TransformerError::Processing { path, cause })?)
}

fn loaded(source: &Source) -> Result<(Transformer, Tokens), Failure> {
    let model = model(source)?;
    let tokens = load_tokenizer(&model, &source.model, source.tokenizer.as_deref())?;
    Ok((model, tokens))
}

/// What was done to the weights, as every result tells it.
fn processing(model: &Transformer) -> Value {
    model.processing.named().into_iter().map(|(name, is_done)| (name.to_owned(), json!(is_done))).collect()
}

/// The same in words.
fn processed(model: &Transformer) -> String {
    match model.processing.steps().as_slice() {
        [] => "none: weights are as they are trained".to_owned(),
        steps => steps.join(", "),
    }
}

/// Every file that is read.
fn inputs(source: &Source) -> Vec<PathBuf> {
    let folder = fs_err::read_dir(&source.model).into_iter().flatten().flatten().map(|entry| entry.path());
    folder.chain([source.model.clone()]).chain(source.tokenizer.clone()).collect()
}

/// Whether the result can go there, before any work.
fn check_out(out: Option<&Path>, source: &Source, more: &[&Path]) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(()) };
    check_place(out)?;
    let inputs = inputs(source);
    let all: Vec<&Path> = inputs.iter().map(PathBuf::as_path).chain(more.iter().copied()).collect();
    check_distinct(out, &all)
}

/// What a page says of intervals.
const INTERVALS: &str = "Intervals are 95 % percentiles of 2,000 draws of the prompts with replacement.";

/// A result in every form that a file can have.
struct Written<'w> {
    /// The schema of its JSON.
    schema: &'static str,
    json: &'w dyn Fn() -> Value,
    table: &'w dyn Fn() -> Vec<(Heading, Vec<f64>)>,
    view: &'w dyn Fn() -> Box<dyn View>,
    report: &'w dyn Fn() -> Report,
}

fn write(written: &Written<'_>, output: &Output, out: &Path) -> Result<(), Failure> {
    match Format::of(out)? {
        Format::Table(TableFormat::Json) => write_json(out, written.schema, (written.json)()),
        Format::Table(format) => write_table(format, out, (written.table)()),
        format @ (Format::Svg | Format::Png) => {
            picture::write(&*(written.view)(), format, out, (output.width, output.theme))
        }
        Format::Html => write_file(out, html::page(&(written.report)()).as_bytes()),
    }
}

/// One JSON object under its versioned schema.
fn write_json(out: &Path, schema: &str, body: Value) -> Result<(), Failure> {
    let mut object = json!({"schema": format!("pellucid.{schema}/1")});
    merge(&mut object, body);
    write_file(out, format!("{object}\n").as_bytes())
}

/// Whether a file's ending asks for tensors.
fn is_tensors(out: &Path) -> bool {
    out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"))
}

fn write_table(format: TableFormat, out: &Path, table: Vec<(Heading, Vec<f64>)>) -> Result<(), Failure> {
    let (headings, columns): (Vec<Heading>, Vec<Vec<f64>>) = table.into_iter().unzip();
    let (file, mut bytes) = NewFile::create(out)?;
    let mut writer = table_writer(format, &mut bytes, headings, &[])?;
    writer.write(&columns)?;
    writer.finish()?;
    drop(bytes);
    file.keep()
}

/// A column of numbers.
fn numbers(name: &str, numbers: impl Iterator<Item = f64>) -> (Heading, Vec<f64>) {
    (Heading { name: name.to_owned(), words: None }, numbers.collect())
}

/// A column of texts.
fn words(name: &str, texts: Vec<String>) -> (Heading, Vec<f64>) {
    let column = (0..texts.len()).map(|at| at as f64).collect();
    (Heading { name: name.to_owned(), words: Some(Arc::new(texts)) }, column)
}

/// Bytes of memory that the machine has left, where it tells.
#[must_use]
pub fn memory_left() -> Option<usize> {
    let told = fs_err::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: usize = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Bytes of activations that may be held: what was said, else what the machine has left.
fn most_bytes(megabytes: Option<usize>) -> Option<usize> {
    megabytes.map(|megabytes| megabytes.saturating_mul(1_000_000)).or_else(memory_left)
}

/// Whether so many bytes of activations fit, before they are made.
fn check_memory(needed: usize, megabytes: Option<usize>, advice: &str) -> Result<(), Failure> {
    match most_bytes(megabytes) {
        Some(most) if needed > most => Err(Failure::Limit(format!(
            "this holds {} MB of activations at once, and {} MB may be used; {advice}",
            needed.div_ceil(1_000_000),
            most / 1_000_000
        ))),
        _ => Ok(()),
    }
}
