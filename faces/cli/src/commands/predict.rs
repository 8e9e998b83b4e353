//! `pellucid predict MODEL DATA`: margins and predictions, as the source library computes them.

use std::path::Path;

use pellucid::data::write::{Heading, WriteBatches, WriteError};
use pellucid::models::trees::FeatureMatrix;
use pellucid::models::{Predict as _, Scale};
use serde_json::{Value, json};

use super::Context;
use crate::args::Predict;
use crate::explaining::Feed;
use crate::failure::Failure;
use crate::output::{Format, NewFile, TableFormat, check_distinct, table_writer};

pub(crate) fn run(args: &Predict, context: &Context<'_>) -> Result<u8, Failure> {
    let format =
        match args.out.as_deref().map(|path| Format::of(path).map(|format| (path, format))).transpose()? {
            None => TableFormat::Csv,
            Some((_, Format::Table(format))) if format != TableFormat::Json => format,
            Some((path, _)) => {
                return Err(Failure::Usage(format!(
                    "`{}`: predictions are written as .csv .parquet .arrow or .jsonl",
                    path.display()
                )));
            }
        };
    if let Some(path) = args.out.as_deref() {
        check_distinct(path, &[&args.about.model, &args.about.data])?;
    }
    let mut feed = Feed::open(&args.about, context.console)?;
    // Before anything is written: data without rows is an error.
    let first = feed.rows.next_rows()?.ok_or_else(|| feed.rows.no_rows())?.1;
    let names = names(&feed);
    let metadata = [("pellucid.schema".to_owned(), "pellucid.predictions/1".to_owned())];
    let mut file = args.out.as_deref().map(NewFile::create).transpose()?;
    let mut printed = Vec::new();
    let (n_rows, cut_short) = {
        let mut writer: Box<dyn WriteBatches + '_> = match &mut file {
            Some((_, out)) => table_writer(format, out, Heading::numbers(&names), &metadata)?,
            None if context.json => Box::new(Collected(&mut printed)),
            None => table_writer(format, std::io::stdout(), Heading::numbers(&names), &metadata)?,
        };
        let ended = write_rows(&mut feed, first, writer.as_mut(), context)?;
        writer.finish()?;
        ended
    };
    if n_rows == 0 {
        return Err(Failure::NothingInTime);
    }
    feed.report_unseen(context.console);
    if let Some((file, out)) = file {
        drop(out);
        file.keep()?;
    }
    let shown = args.out.as_deref().unwrap_or(Path::new("-"));
    if args.out.is_some() {
        context.console.done(&format!("wrote {n_rows} rows to {}", shown.display()));
    }
    let results = json!({"rows": n_rows, "complete": !cut_short});
    context.write_run("predict", &args.about, None, &[("predictions", shown)], json!({}), results)?;
    if context.json {
        let mut body = json!({"rows": n_rows, "complete": !cut_short, "columns": names, "output": args.out});
        if args.out.is_none() {
            body["predictions"] = printed.into();
        }
        context.print_json("predict", body)?;
    }
    Ok(if cut_short { 4 } else { 0 })
}

/// `margin` and `probability` or `prediction`; with several outputs `margin@0`, `margin@1`, ...
fn names(feed: &Feed) -> Vec<String> {
    let (link, k) = (feed.rows.model.link, feed.rows.model.n_outputs());
    let word = if link.is_probability() { "probability" } else { "prediction" };
    let each = |word: &str, n: usize| {
        (0..n).map(|at| if n == 1 { word.to_owned() } else { format!("{word}@{at}") }).collect()
    };
    let margins: Vec<String> = each("margin", k);
    let predictions: Vec<String> = each(word, link.n_predictions(k));
    margins.into_iter().chain(predictions).collect()
}

/// Rows for the JSON object, where no file takes them.
struct Collected<'a>(&'a mut Vec<Value>);

impl WriteBatches for Collected<'_> {
    fn write(&mut self, columns: &[Vec<f64>]) -> Result<(), WriteError> {
        let n = columns.first().map_or(0, Vec::len);
        self.0.extend((0..n).map(|row| columns.iter().map(|column| column[row]).collect::<Value>()));
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        Ok(())
    }
}

fn write_rows(
    feed: &mut Feed,
    first: FeatureMatrix,
    writer: &mut (dyn WriteBatches + '_),
    context: &Context<'_>,
) -> Result<(usize, bool), Failure> {
    use pellucid::explain::Watch as _;

    let progress = context.console.progress(feed.rows.n_rows());
    let mut n_rows = 0;
    let mut next = Some(first);
    while let Some(rows) = next {
        if context.console.is_interrupted() {
            return Err(Failure::Interrupted);
        }
        if context.console.is_out_of_time() {
            return Ok((n_rows, true));
        }
        let k = feed.rows.model.n_outputs();
        let margins = feed.rows.model.predict(&rows, Scale::Margin);
        let predictions: Vec<f64> =
            margins.chunks_exact(k).flat_map(|row| feed.rows.model.predictions(row)).collect();
        let columns = |values: &[f64], k: usize| -> Vec<Vec<f64>> {
            (0..k).map(|at| values.iter().skip(at).step_by(k).copied().collect()).collect()
        };
        let mut all = columns(&margins, k);
        all.extend(columns(&predictions, feed.rows.model.link.n_predictions(k)));
        writer.write(&all)?;
        n_rows += rows.n_rows();
        progress.advance(rows.n_rows());
        next = feed.rows.next_rows()?.map(|(_, rows)| rows);
    }
    Ok((n_rows, false))
}
