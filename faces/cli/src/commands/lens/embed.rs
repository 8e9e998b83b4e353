//! `pellucid lens run --pool mean`: vectors of texts.

use pellucid::explain::inside::embedding::cosine;
use pellucid::explain::inside::{Cut, Embeddings, embed};
use pellucid::models::transformer::weights::{SafetensorsWriter, Tensor};
use pellucid::views::number::pretty;
use pellucid::views::patch_grid::visible;
use pellucid::views::render::text;
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, print};
use super::run::short;
use super::{loaded, numbers, processing, write_table};
use crate::explaining::control;
use crate::failure::Failure;
use crate::lens_args::{Run, Windows};
use crate::output::{Format, NewFile, TableFormat};

/// What `sentence-transformers` reads of a text with all-MiniLM-L6-v2.
const USUAL_WINDOW: usize = 256;
/// Texts whose cosines are printed.
const MOST_PRINTED: usize = 12;

pub(super) fn run(args: &Run, texts: &[String], context: &Context<'_>) -> Result<u8, Failure> {
    let is_tensors = args.output.out.as_deref().is_some_and(super::is_tensors);
    let format = match &args.output.out {
        Some(out) if !is_tensors => match Format::of(out)? {
            Format::Table(format) => Some(format),
            _ => {
                return Err(Failure::Usage(format!(
                    "`{}`: vectors are written as .safetensors .csv .parquet .arrow .jsonl .json",
                    out.display()
                )));
            }
        },
        _ => None,
    };
    let (model, tokenizer) = loaded(&args.source)?;
    let most = args.window_tokens.unwrap_or(USUAL_WINDOW.min(model.spec.n_ctx));
    let cut = match args.windows {
        Windows::Texts => Cut::Texts,
        Windows::Clauses => Cut::Clauses,
    };
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    let progress = context.console.counting(all.len() as u64, "windows");
    let found = embed(&model, &tokenizer, &all, (cut, most), &control(context.console, &progress));
    drop(progress);
    let found = context.console.unless_interrupted(found)?;
    let told = || {
        let mut body = told(texts, &found);
        body["model"] = json!(args.source.model);
        body["processing"] = processing(&model);
        body["window_tokens"] = most.into();
        body
    };
    match (&args.output.out, format) {
        (Some(out), Some(TableFormat::Json)) => {
            super::write_json(out, "lens_run", told())?;
        }
        (Some(out), Some(format)) => write_table(format, out, table(&found))?,
        (Some(out), None) => tensors(&found, out, texts, context)?,
        (None, _) => {}
    }
    if let Some(out) = &args.output.out {
        context.console.done(&format!(
            "wrote {} windows of {} texts to {}",
            found.windows.len(),
            texts.len(),
            out.display()
        ));
    }
    if context.json {
        return context.print_json("lens_run", told());
    }
    if args.output.out.is_some() { Ok(0) } else { print(&said(texts, &found)) }
}

/// A row a window.
fn table(found: &Embeddings) -> Vec<(pellucid::data::write::Heading, Vec<f64>)> {
    let windows = found.windows.iter();
    let mut columns = vec![
        numbers("text", windows.clone().map(|window| window.text as f64)),
        numbers("start", windows.clone().map(|window| window.bytes.start as f64)),
        numbers("end", windows.clone().map(|window| window.bytes.end as f64)),
        numbers("tokens", windows.clone().map(|window| window.n_tokens as f64)),
    ];
    let unit = |unit: usize| (0..found.windows.len()).map(move |at| f64::from(found.window(at)[unit]));
    columns.extend((0..found.width).map(|at| numbers(&format!("e{at}"), unit(at))));
    columns
}

fn tensors(
    found: &Embeddings,
    out: &std::path::Path,
    texts: &[String],
    context: &Context<'_>,
) -> Result<(), Failure> {
    let (n, width) = (found.windows.len(), found.width);
    let tensors = [
        Tensor::floats("texts", vec![texts.len(), width]),
        Tensor::floats("windows", vec![n, width]),
        Tensor::whole("window_text", vec![n]),
        Tensor::whole("window_bytes", vec![n, 2]),
        Tensor::whole("window_tokens", vec![n]),
    ];
    let about =
        [("texts".to_owned(), json!(texts).to_string()), ("command".to_owned(), context.command_line())];
    let (file, bytes) = NewFile::create(out)?;
    let mut writer = SafetensorsWriter::new(std::io::BufWriter::new(bytes), &tensors, &about)?;
    writer.floats(0, 0, &found.of_texts)?;
    writer.floats(1, 0, &found.of_windows)?;
    let whole = |of: fn(&pellucid::explain::inside::Window) -> Vec<usize>| -> Vec<i64> {
        found.windows.iter().flat_map(of).map(|x| x as i64).collect()
    };
    writer.whole(2, 0, &whole(|window| vec![window.text]))?;
    writer.whole(3, 0, &whole(|window| vec![window.bytes.start, window.bytes.end]))?;
    writer.whole(4, 0, &whole(|window| vec![window.n_tokens]))?;
    writer.finish()?;
    file.keep()
}

fn told(texts: &[String], found: &Embeddings) -> Value {
    let windows = found.windows.iter().enumerate().map(|(at, window)| {
        json!({
            "text": window.text, "bytes": [window.bytes.start, window.bytes.end], "tokens": window.n_tokens,
            "embedding": found.window(at),
        })
    });
    let all = texts.iter().enumerate().map(|(at, text)| json!({"text": text, "embedding": found.text(at)}));
    json!({
        "pool": "mean", "normalized": true, "width": found.width,
        "texts": all.collect::<Vec<_>>(), "windows": windows.collect::<Vec<_>>(),
    })
}

fn said(texts: &[String], found: &Embeddings) -> String {
    let n = texts.len().min(MOST_PRINTED);
    let mut names = vec!["".to_owned(), "text".to_owned(), "windows".to_owned(), "tokens".to_owned()];
    let is_compared = n > 1;
    if is_compared {
        names.extend((0..n).map(|at| format!("cos {}", at + 1)));
    }
    let row = |at: usize| {
        let windows = || found.windows.iter().filter(|window| window.text == at);
        let mut cells = vec![
            (at + 1).to_string(),
            short(&visible(&texts[at])),
            windows().count().to_string(),
            windows().map(|window| window.n_tokens).sum::<usize>().to_string(),
        ];
        if is_compared {
            cells.extend((0..n).map(|other| pretty(cosine(found.text(at), found.text(other)), 3)));
        }
        cells
    };
    let rows: Vec<Vec<String>> = (0..n).map(row).collect();
    let left = texts.len() - n;
    let more =
        if left > 0 { format!("{left} more texts; write them to a file with -o.\n") } else { String::new() };
    format!(
        "{}\n{more}Vectors of {} numbers and length 1; the cosine is what two have in common.\n",
        text::table(&names, &rows, terminal_columns()),
        found.width
    )
}
