//! `pellucid explain MODEL DATA`: exact Shapley values as numbers, pictures or a report.

use std::path::Path;

use pellucid::data::OutputId;
use pellucid::data::write::jsonl::number;
use pellucid::data::write::{Heading, WriteBatches};
use pellucid::explain::shapley::{Game, Method, Plan, Summary};
use pellucid::explain::{Attributions, Space};
use pellucid::feed::Numbers;
use pellucid::models::trees::Ensemble;
use pellucid::saved::number_beside;
use pellucid::views::number::count;
use pellucid::views::render::html;
use pellucid::views::subject::rows_where;
use serde_json::{Value, json};

use super::json_object::JsonObject;
use super::picture::{find_partners, picture, write};
use super::report::report;
use super::{Context, VERSION, print, shard, top};
use crate::args::{Explain, GameName, MethodName, OutputSpace, Plot};
use crate::explaining::{Explained, Feed, explain};
use crate::failure::Failure;
use crate::groups::Shown;
use crate::output::{Format, NewFile, TableFormat, check_distinct, check_place, table_writer, write_file};

/// Features of a picture.
pub(super) const TOP: usize = 12;

pub(crate) fn run(args: &Explain, context: &Context<'_>) -> Result<u8, Failure> {
    let format = args.out.as_deref().map(Format::of).transpose()?;
    check_arguments(args, format)?;
    if let Some(path) = args.out.as_deref() {
        check_place(path)?;
        let inputs = [&args.about.model, &args.about.data].into_iter().chain(&args.background);
        check_distinct(path, &inputs.map(std::path::PathBuf::as_path).collect::<Vec<_>>())?;
    }
    let mut feed = Feed::open(&args.about, context.console)?;
    let k = feed.rows.model.base.len();
    if let Some(class) = args.class.filter(|&class| class as usize >= k) {
        return Err(Failure::Usage(format!("--class {class}: the model has {k} outputs, counted from 0")));
    }
    feed.shown = Shown::grouped(&feed.rows.model, &args.group)?;
    let names = feed.shown.names();
    if let Some(feature) = args.feature.as_deref().filter(|feature| names.iter().all(|name| name != feature))
    {
        let near = pellucid::data::closest(feature, names.iter().map(String::as_str));
        let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return Err(Failure::Usage(format!("--feature {feature}: the model has no such feature{hint}")));
    }
    feed.take_where(&args.about, &args.rows, context.console)?;
    if let Some(words) = &feed.only {
        let n = usize::try_from(feed.rows.n_rows().unwrap_or(0)).unwrap_or(usize::MAX);
        context.console.note(&format!("only the {}", rows_where(n, words)));
    }
    if let Some(path) = &args.background {
        feed.take_background(path, args.background_weights.as_deref(), &args.about, context.console)?;
    }
    if args.game == Some(GameName::CorrelationDependent) {
        feed.take_correlations();
    }
    if let Some(shard) = args.shard {
        feed.rows.take_shard(shard)?;
    }
    if args.aggregate {
        return super::aggregate::run(feed, args, context);
    }
    if args.interactions {
        return super::interactions::run(feed, args, format, context);
    }
    let hash = feed.model_hash.clone();
    let mut explained = match (format, args.out.as_deref()) {
        (Some(Format::Table(table)), Some(path)) => write_values(&mut feed, args, table, path, context)?,
        _ => explain(&mut feed, way(args), args.row, context.console, |_| Ok(()))?,
    };
    report_plan(&explained, context);
    let is_whole = !feed.shown.has_groups();
    if is_whole && args.plot == Some(Plot::Scatter)
        || is_whole && format == Some(Format::Html) && args.row.is_none()
    {
        find_partners(&feed, &mut explained, context)?;
    }
    match (format, args.out.as_deref()) {
        (Some(Format::Html), Some(path)) => {
            let page = html::page(&report(&feed.rows.model, &explained, args, &hash, context));
            write_file(path, page.as_bytes())?;
        }
        (Some(format @ (Format::Svg | Format::Png)), Some(path)) => {
            let view = picture(&feed, &explained, args, Plot::Beeswarm, context)?;
            write(view.as_ref(), format, path, (args.width, args.theme))?;
        }
        _ => {}
    }
    let summary = summary(&feed, &explained, args);
    if let Some(path) = args.out.as_deref() {
        let rows = explained.n_rows();
        context.console.done(&format!("wrote {rows} explained rows to {}", path.display()));
    } else if !context.json {
        print(&picture(&feed, &explained, args, Plot::Bar, context)?.text(terminal_columns()))?;
    }
    let outputs: Vec<(&str, &Path)> = args.out.iter().map(|path| ("explanation", path.as_path())).collect();
    let options = json!({
        "method": method(args.method).name(), "game": explained.plan.game(), "background": args.background, "background_weights": args.background_weights, "row": args.row, "class": args.class, "drop": args.about.drop,
        "missing": args.about.reading.missing, "header": !args.about.reading.no_header, "output_space": args.output.name(), "top_k": args.top_k, "groups": args.group.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "shard": args.shard.map(|shard| format!("{}/{}", shard.at + 1, shard.of)), "where": args.rows.conditions,
    });
    let background = args.background.as_deref();
    context.write_run("explain", &args.about, background, &outputs, options, summary.clone())?;
    if context.json {
        context.print_json("explain", summary)?;
    }
    Ok(context.console.exit_of(explained.cut_short, explained.n_rows()))
}

/// What can be told to be wrong before any file is read.
fn check_arguments(args: &Explain, format: Option<Format>) -> Result<(), Failure> {
    crate::chosen::check(&args.about.data, &args.rows)?;
    match (args.game, &args.background) {
        (Some(GameName::PathDependent), Some(_)) => {
            let text = "--game path-dependent has no background; leave --background out";
            return Err(Failure::Usage(text.to_owned()));
        }
        (Some(GameName::Background | GameName::CorrelationDependent), None) => {
            let text = "this game needs rows to compare with: give --background FILE";
            return Err(Failure::Usage(text.to_owned()));
        }
        _ => {}
    }
    let is_picture = matches!(format, None | Some(Format::Svg | Format::Png));
    if args.plot.is_some() && !is_picture {
        return Err(Failure::Usage(
            "--plot is for .svg, .png and the terminal; a report has all pictures".to_owned(),
        ));
    }
    if args.feature.is_some() && !matches!(args.plot, Some(Plot::Scatter | Plot::Partial | Plot::Cohorts)) {
        return Err(Failure::Usage(
            "--feature goes with --plot scatter, --plot partial and --plot cohorts".to_owned(),
        ));
    }
    if args.interactions && format == Some(Format::Html) {
        return Err(Failure::Usage(
            "interactions are written as .csv .parquet .jsonl .arrow or .json, and drawn as .svg or .png"
                .to_owned(),
        ));
    }
    if args.aggregate && !matches!(format, None | Some(Format::Table(TableFormat::Json))) {
        return Err(Failure::Usage("aggregates are written as .json".to_owned()));
    }
    if args.shard.is_some() && !args.aggregate && format != Some(Format::Table(TableFormat::Parquet)) {
        return Err(Failure::Usage(
            "--shard is for values in .parquet and for --aggregate in .json, which `pellucid merge` joins"
                .to_owned(),
        ));
    }
    if args.top_k.is_some() && !matches!(format, Some(Format::Table(_))) {
        return Err(Failure::Usage(
            "--top-k is for values in .csv .parquet .jsonl .arrow or .json: name a file with -o".to_owned(),
        ));
    }
    if args.shard.is_some() && args.about.data == Path::new("-") {
        return Err(Failure::Usage(
            "--shard reads a part of a Parquet file: name the file; standard input has no parts".to_owned(),
        ));
    }
    if args.interactions && args.output != OutputSpace::Margin {
        return Err(Failure::Usage(
            "interactions are on the scale of the margin; leave --output out".to_owned(),
        ));
    }
    if matches!(args.plot, Some(Plot::Waterfall | Plot::Force)) && args.row.is_none() {
        return Err(Failure::Usage(
            "a waterfall or force picture shows one row: say which with --row N".to_owned(),
        ));
    }
    Ok(())
}

/// How, and on which scale.
pub(super) fn way(args: &Explain) -> (Method, Space) {
    (method(args.method), args.output.space())
}

pub(crate) fn method(name: MethodName) -> Method {
    match name {
        MethodName::Auto => Method::Auto,
        MethodName::Tables => Method::Tables,
        MethodName::Quadrature => Method::Quadrature,
        MethodName::Oblivious => Method::Oblivious,
        MethodName::Pairs => Method::Pairs,
        MethodName::Definition => Method::Definition,
        MethodName::Approximate => Method::Approximate,
    }
}

pub(super) fn terminal_columns() -> usize {
    let stated = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    stated.unwrap_or(100).clamp(40, 160)
}

fn report_plan(explained: &Explained, context: &Context<'_>) {
    let determined = explained.plan.summary().n_determined;
    if determined > 0 {
        let columns = if determined == 1 { "1 column".to_owned() } else { format!("{determined} columns") };
        context.console.note(&format!(
            "background: {columns} say what others say (as one of a one-hot code does); such columns share it, and their values are good to \
             about 7 digits"
        ));
    }
    context.console.detail(&format!("kernels: {}", kernels(explained.plan.summary(), &explained.plan)));
    let (threads, who) = context.console.threads();
    context.console.detail(&format!("threads: {threads} ({who})"));
}

fn is_exact(args: &Explain) -> bool {
    args.method != MethodName::Approximate && args.output != OutputSpace::ProbabilityRescaled
}

/// What values, base and answers are measured in.
fn unit(args: &Explain, model: &Ensemble) -> &'static str {
    if args.output == OutputSpace::Margin { model.link.margin_unit() } else { "probability" }
}

/// Which kernels did the work.
pub(crate) fn kernels(summary: Summary, plan: &Plan) -> String {
    match (plan.space(), plan.method()) {
        (Space::Rescaled, _) => return "each row against each row of the background, 64-bit".to_owned(),
        (Space::Probability, _) | (_, Method::Definition) => {
            return "the sum over all subsets of features".to_owned();
        }
        _ if plan.game() == Game::CORRELATED => {
            return "one matrix for all rows, from all subsets of features".to_owned();
        }
        (_, Method::Approximate) => return "one walk of every tree a row".to_owned(),
        _ => {}
    }
    let mut parts = Vec::new();
    if summary.n_units > 0 {
        parts.push(format!(
            "{} pattern tables ({} KiB)",
            count(summary.n_units),
            count(summary.table_bytes >> 10)
        ));
    }
    if summary.n_integrated > 0 {
        parts.push(format!(
            "quadrature with up to {} points for {} leaves",
            summary.n_points,
            count(summary.n_integrated)
        ));
    }
    if summary.n_paired > 0 {
        parts.push(format!("pattern by pattern at {} leaves", count(summary.n_paired)));
    }
    match (parts.is_empty(), plan.without_tables()) {
        (true, Some(way)) => format!("{way}, 64-bit"),
        (true, None) => "no tables: no tree splits".to_owned(),
        (false, _) => parts.join(", ") + ", 64-bit",
    }
}

pub(super) fn metadata(args: &Explain, feed: &Feed) -> Result<Vec<(String, String)>, Failure> {
    let (model, hash) = (&feed.rows.model, feed.model_hash.as_str());
    let of_all = [
        (
            "pellucid.schema",
            if args.top_k.is_some() { "pellucid.explanation-top/1" } else { "pellucid.explanation/1" },
        ),
        ("pellucid.version", VERSION),
        (
            "pellucid.game",
            match (args.method, &args.background) {
                _ if args.game == Some(GameName::CorrelationDependent) => {
                    "correlation-dependent Shapley values"
                }
                _ if args.output == OutputSpace::ProbabilityRescaled => {
                    "background (interventional) Shapley values of the margin, rescaled to the probability"
                }
                (MethodName::Approximate, _) => "Saabas values (path-dependent)",
                (_, Some(_)) => "background (interventional) Shapley values",
                (_, None) => "path-dependent Shapley values",
            },
        ),
        ("pellucid.method", method(args.method).name()),
        ("pellucid.exact", if is_exact(args) { "true" } else { "false" }),
        ("pellucid.output_space", args.output.name()),
        ("pellucid.unit", unit(args, model)),
        ("pellucid.margin_unit", model.link.margin_unit()),
        ("pellucid.model_sha256", hash),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()));
    let top = args.top_k.map(|k| ("pellucid.top_k".to_owned(), k.to_string()));
    let groups: Vec<String> = args.group.iter().map(ToString::to_string).collect();
    let groups = (!groups.is_empty()).then(|| ("pellucid.groups".to_owned(), groups.join("; ")));
    let only = feed.only.clone().map(|words| ("pellucid.where".to_owned(), words));
    let table_rows = feed.rows.chosen_of().map(|n| ("pellucid.table_rows".to_owned(), n.to_string()));
    let only = only.into_iter().chain(table_rows);
    Ok(of_all.into_iter().chain(top).chain(groups).chain(only).chain(shard::said(feed, args)?).collect())
}

/// `FEATURE`, then `base_value` and `residual`; with several outputs `FEATURE@0`, `base_value@0`, ...
fn columns(features: &[String], k: usize) -> Vec<String> {
    let mut names = Vec::new();
    for output in 0..k {
        let name = |name: &str| of_output(name, output, k);
        names.extend(features.iter().map(|feature| name(feature)));
        names.extend([name("base_value"), name("residual")]);
    }
    names
}

/// What a column is called, which is of one of `k` outputs.
pub(super) fn of_output(name: &str, output: usize, k: usize) -> String {
    if k == 1 { name.to_owned() } else { format!("{name}@{output}") }
}

/// That no column appears twice.
pub(super) fn check_columns<'n>(mut names: impl Iterator<Item = &'n str>) -> Result<(), Failure> {
    let mut seen = std::collections::HashSet::new();
    match names.find(|name| !seen.insert(*name)) {
        Some(twice) => Err(Failure::Usage(format!(
            "the column `{twice}` would appear twice in the output, because a feature has that name; write .json, where features stand apart"
        ))),
        None => Ok(()),
    }
}

fn row_columns(found: &Attributions) -> Vec<Vec<f64>> {
    let rows = 0..found.n_rows();
    let mut columns = Vec::new();
    for output in (0..found.n_outputs()).map(OutputId::at) {
        for feature in 0..found.n_features() {
            columns.push(rows.clone().map(|row| found.values(row, output)[feature]).collect());
        }
        columns.push(vec![found.base(output); found.n_rows()]);
        columns.push(rows.clone().map(|row| found.residual(row, output)).collect());
    }
    columns
}

/// Which rows of the table those are that are written one after the other.
pub(super) struct Numbered {
    numbers: Numbers,
    n: usize,
}

impl Numbered {
    pub(super) fn of(feed: &Feed) -> Self {
        Self { numbers: feed.rows.numbers(), n: 0 }
    }

    /// The numbers of the next rows.
    pub(super) fn next(&mut self, n: usize) -> Vec<f64> {
        let own = self.n..self.n + n;
        self.n = own.end;
        own.map(|place| self.numbers.of(place) as f64).collect()
    }

    /// Those of the first rows.
    pub(super) fn first(self, n: usize) -> impl Iterator<Item = usize> {
        (0..n).map(move |place| self.numbers.of(place))
    }
}

fn write_values(
    feed: &mut Feed,
    args: &Explain,
    format: TableFormat,
    path: &Path,
    context: &Context<'_>,
) -> Result<Explained, Failure> {
    let metadata = metadata(args, feed)?;
    let (names, n_outputs) = (feed.shown.names(), feed.rows.model.base.len());
    let mut headings = match args.top_k {
        None => Heading::numbers(&columns(&names, n_outputs)),
        Some(k) => top::headings(&names, n_outputs, k.get()),
    };
    // Of chosen rows it is said which ones they are.
    let mut numbered = feed.only.is_some().then(|| Numbered::of(feed));
    if numbered.is_some() {
        let own: Vec<String> = headings.iter().map(|heading| heading.name.clone()).collect();
        headings.extend(Heading::numbers(&[number_beside(&own).to_owned()]));
    }
    if format != TableFormat::Json {
        check_columns(headings.iter().map(|heading| heading.name.as_str()))?;
    }
    let (file, mut out) = NewFile::create(path)?;
    let explained = if format == TableFormat::Json {
        let mut object = JsonObject::new(std::io::BufWriter::new(&mut out), &names, n_outputs, &metadata)?;
        let explained = explain(feed, way(args), args.row, context.console, |found| {
            (0..found.n_rows()).try_for_each(|row| {
                object.row(
                    &args
                        .top_k
                        .map_or_else(|| json_row(found, row), |k| top::json_row(found, row, k.get(), &names)),
                )
            })
        })?;
        let numbers = numbered.map(|numbered| numbered.first(explained.n_rows()));
        object.finish(!explained.cut_short, numbers)?;
        explained
    } else {
        let mut writer: Box<dyn WriteBatches + '_> = table_writer(format, &mut out, headings, &metadata)?;
        let explained = explain(feed, way(args), args.row, context.console, |found| {
            let mut columns = args.top_k.map_or_else(|| row_columns(found), |k| top::columns(found, k.get()));
            columns.extend(numbered.as_mut().map(|numbered| numbered.next(found.n_rows())));
            Ok(writer.write(&columns)?)
        })?;
        writer.finish()?;
        explained
    };
    drop(out);
    file.keep()?;
    Ok(explained)
}

/// A row is an array over outputs of `{values, base_value, margin, residual}`, or with `probability` instead of `margin`.
fn json_row(found: &Attributions, row: usize) -> String {
    let output = |output: OutputId| {
        let values: Vec<String> = found.values(row, output).iter().map(|&x| number(x)).collect();
        format!("\"values\":[{}]", values.join(","))
    };
    json_outputs(found, row, output)
}

/// A row as an array over outputs: what `of` says of each, then `base_value`, `margin` (or `probability`) and `residual`.
pub(super) fn json_outputs(found: &Attributions, row: usize, of: impl Fn(OutputId) -> String) -> String {
    let output = |output: OutputId| {
        format!(
            "{{{},\"base_value\":{},\"{}\":{},\"residual\":{}}}",
            of(output),
            number(found.base(output)),
            if found.space() == Space::Margin { "margin" } else { "probability" },
            number(found.margin(row, output)),
            number(found.residual(row, output))
        )
    };
    let outputs: Vec<String> = (0..found.n_outputs()).map(OutputId::at).map(output).collect();
    format!("[{}]", outputs.join(","))
}

/// The numbers one looks at first.
fn summary(feed: &Feed, explained: &Explained, args: &Explain) -> Value {
    let model = &feed.rows.model;
    let outputs: Vec<Value> = explained
        .sample
        .totals()
        .iter()
        .enumerate()
        .map(|(output, totals)| {
            let features: Vec<Value> = feed
                .shown
                .features
                .iter()
                .enumerate()
                .map(|(at, feature)| {
                    let mean = totals.signed[at] / totals.n_rows as f64;
                    json!({"name": feature.name, "mean_absolute": totals.mean_absolute(at), "mean": mean})
                })
                .collect();
            let mut body = json!({"base_value": explained.sample.base()[output], "worst_residual": totals.worst_residual, "features": features});
            if args.row.is_some() {
                let subject = explained.sample.subject(model, output);
                let word = if args.output == OutputSpace::Margin { "margin" } else { "probability" };
                body[word] = json!(subject.margins[0]);
                body["values"] = json!(subject.row_values(0));
            }
            body
        })
        .collect();
    json!({
        "rows": explained.n_rows(), "where": explained.only, "complete": !explained.cut_short, "game": explained.plan.game(), "background_rows": explained.n_background,
        "method": explained.plan.method().name(), "exact": explained.worst_residual().is_finite(), "output_space": args.output.name(),
        "margin_unit": model.link.margin_unit(), "unit": unit(args, model), "outputs": outputs, "output": args.out,
    })
}
