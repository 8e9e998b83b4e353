//! `pellucid explain MODEL DATA --interactions`: what pairs of features do together.

use std::path::Path;

use pellucid::data::write::jsonl::number;
use pellucid::data::write::{Heading, WriteBatches};
use pellucid::data::{FeatureId, OutputId};
use pellucid::explain::shapley::{InteractionPlan, Interactions, Plan};
use pellucid::models::trees::Ensemble;
use pellucid::saved::number_beside;
use pellucid::views::matrix::Matrix;
use pellucid::views::number::{count, pretty, residual};
use pellucid::views::subject::rows_where;
use serde_json::{Value, json};

use super::explain::{Numbered, TOP, check_columns, kernels, metadata, method, of_output};
use super::json_object::JsonObject;
use super::picture::write;
use super::{Context, print};
use crate::args::Explain;
use crate::explaining::{Feed, explain_pairs};
use crate::failure::Failure;
use crate::output::{Format, NewFile, TableFormat, table_writer};

/// Pairs that a summary lists.
const LISTED: usize = 20;

pub(crate) fn run(
    mut feed: Feed,
    args: &Explain,
    format: Option<Format>,
    context: &Context<'_>,
) -> Result<u8, Failure> {
    let mut metadata = metadata(args, &feed)?;
    metadata.iter_mut().filter(|(key, _)| key == "pellucid.schema").for_each(|(_, value)| {
        "pellucid.interactions/1".clone_into(value);
    });
    metadata
        .push(("pellucid.convention".to_owned(), "off-diagonals halved, rows sum to the values".to_owned()));
    let mut totals = Totals::new(&feed.rows.model);
    let mut explain = |feed: &mut Feed, take: &mut dyn FnMut(&Interactions) -> Result<(), Failure>| {
        explain_pairs(feed, method(args.method), args.row, context.console, |found| {
            totals.add(found);
            take(found)
        })
    };
    let (plan, cut_short) = match (format, args.out.as_deref()) {
        (Some(Format::Table(format)), Some(path)) => {
            let model = feed.rows.model.clone();
            let mut numbered = feed.only.is_some().then(|| Numbered::of(&feed));
            let (file, mut out) = NewFile::create(path)?;
            let done = if format == TableFormat::Json {
                let mut object = JsonObject::new(
                    std::io::BufWriter::new(&mut out),
                    &feed.shown.names(),
                    model.base.len(),
                    &metadata,
                )?;
                let done = explain(&mut feed, &mut |found| {
                    (0..found.values().n_rows()).try_for_each(|row| object.row(&json_row(found, row)))
                })?;
                object.finish(!done.1, numbered.map(|numbered| numbered.first(totals.n_rows)))?;
                done
            } else {
                let mut names = columns(&model);
                names.extend(numbered.is_some().then(|| number_beside(&names).to_owned()));
                check_columns(names.iter().map(String::as_str))?;
                let headings = Heading::numbers(&names);
                let mut writer: Box<dyn WriteBatches + '_> =
                    table_writer(format, &mut out, headings, &metadata)?;
                let done = explain(&mut feed, &mut |found| {
                    let mut columns = table(found);
                    columns.extend(numbered.as_mut().map(|numbered| numbered.next(found.values().n_rows())));
                    Ok(writer.write(&columns)?)
                })?;
                writer.finish()?;
                done
            };
            drop(out);
            file.keep()?;
            done
        }
        _ => explain(&mut feed, &mut |_| Ok(()))?,
    };
    if let (Some(format @ (Format::Svg | Format::Png)), Some(path)) = (format, args.out.as_deref()) {
        write(&totals.matrix(&feed, args, plan.values()), format, path, (args.width, args.theme))?;
    }
    finish(&feed, &plan, &totals, cut_short, args, context)
}

fn finish(
    feed: &Feed,
    plan: &InteractionPlan,
    totals: &Totals,
    cut_short: bool,
    args: &Explain,
    context: &Context<'_>,
) -> Result<u8, Failure> {
    context.console.detail(&format!("kernels: {}", kernels(plan.summary(), plan.values())));
    let summary = json!({
        "rows": totals.n_rows, "where": feed.only, "complete": !cut_short, "game": plan.values().game(), "method": plan.values().method().name(),
        "convention": "off-diagonals halved, rows sum to the values", "worst_residual": totals.worst_residual,
        "outputs": (0..feed.rows.model.base.len()).map(|output| totals.listed(&feed.rows.model, output)).collect::<Value>(),
        "output": args.out,
    });
    let outputs: Vec<(&str, &Path)> = args.out.iter().map(|path| ("interactions", path.as_path())).collect();
    let options = json!({"interactions": true, "method": method(args.method).name(), "background": args.background, "row": args.row, "where": args.rows.conditions});
    let background = args.background.as_deref();
    context.write_run("explain", &args.about, background, &outputs, options, summary.clone())?;
    if let Some(path) = &args.out {
        context.console.done(&format!(
            "wrote the interactions of {} rows to {}",
            count(totals.n_rows),
            path.display()
        ));
    }
    if context.json {
        context.print_json("explain_interactions", summary)?;
    } else if args.out.is_none() {
        let output = args.class.unwrap_or(0) as usize;
        print(&said(feed, totals, output, plan.values().game()))?;
    }
    Ok(context.console.exit_of(cut_short, totals.n_rows))
}

/// Sums over all rows.
struct Totals {
    n_rows: usize,
    n_features: usize,
    /// By output: the sums of the absolute entries, pair after pair, a feature with itself first.
    sums: Vec<Vec<f64>>,
    worst_residual: f64,
}

impl Totals {
    fn new(model: &Ensemble) -> Self {
        let n = model.features.len();
        Self {
            n_rows: 0,
            n_features: n,
            sums: vec![vec![0.0; n * (n + 1) / 2]; model.base.len()],
            worst_residual: 0.0,
        }
    }

    fn add(&mut self, found: &Interactions) {
        self.n_rows += found.values().n_rows();
        let worst = found.values().worst_residual();
        self.worst_residual =
            if worst.is_nan() || worst > self.worst_residual { worst } else { self.worst_residual };
        for row in 0..found.values().n_rows() {
            for (output, sums) in self.sums.iter_mut().enumerate() {
                let pairs = pairs(self.n_features);
                for (sum, (one, other)) in sums.iter_mut().zip(pairs) {
                    *sum += found.at(row, OutputId::at(output), one, other).abs();
                }
            }
        }
    }

    /// The strongest pairs of different features, with the mean of what they do together (both halves).
    fn strongest(&self, output: usize) -> Vec<(FeatureId, FeatureId, f64)> {
        let mean = |sum: &f64| 2.0 * sum / self.n_rows.max(1) as f64;
        let all = pairs(self.n_features).zip(&self.sums[output]);
        let mut all: Vec<_> = all
            .filter(|((one, other), sum)| one != other && **sum > 0.0)
            .map(|((one, other), sum)| (one, other, mean(sum)))
            .collect();
        all.sort_by(|a, b| b.2.total_cmp(&a.2));
        all
    }

    /// The picture of an output.
    fn matrix(&self, feed: &Feed, args: &Explain, plan: &Plan) -> Matrix {
        let model = &feed.rows.model;
        let only = feed.only.as_ref();
        let only = only.map_or(String::new(), |words| format!(" · {}", rows_where(self.n_rows, words)));
        let output = args.class.unwrap_or(0) as usize;
        let class = if model.base.len() > 1 { format!(" · output “{output}”") } else { String::new() };
        let (made_of, game) = (pellucid::views::sample::parts(model), plan.game());
        let subtitle = format!(
            "{}, {made_of}{class} · {game} interactions, exact · residual ≤ {}{only}",
            model.origin.library,
            residual(self.worst_residual)
        );
        let names: Vec<String> = model.features.iter().map(|feature| feature.name.clone()).collect();
        Matrix::of(&names, &self.sums[output], (self.n_rows, TOP), subtitle, model.link.margin_unit())
    }

    fn listed(&self, model: &Ensemble, output: usize) -> Value {
        let name = |feature: FeatureId| &model.features[feature.index()].name;
        let strongest = self.strongest(output);
        let entry = |(one, other, mean): &(FeatureId, FeatureId, f64)| json!({"pair": [name(*one), name(*other)], "mean_absolute": mean});
        json!({"pairs": strongest.len(), "strongest": strongest.iter().take(LISTED).map(entry).collect::<Value>()})
    }
}

/// Every feature with itself and with those after it.
fn pairs(n: usize) -> impl Iterator<Item = (FeatureId, FeatureId)> {
    (0..n).flat_map(move |one| (one..n).map(move |other| (FeatureId::at(one), FeatureId::at(other))))
}

fn columns(model: &Ensemble) -> Vec<String> {
    let k = model.base.len();
    let mut names = Vec::new();
    for output in 0..k {
        let name = |name: &str| of_output(name, output, k);
        let of = |(one, other): (FeatureId, FeatureId)| {
            format!("{}*{}", model.features[one.index()].name, model.features[other.index()].name)
        };
        names.extend(pairs(model.features.len()).map(|pair| name(&of(pair))));
        names.extend([name("base_value"), name("residual")]);
    }
    names
}

fn table(found: &Interactions) -> Vec<Vec<f64>> {
    let values = found.values();
    let mut columns = Vec::new();
    for output in (0..values.n_outputs()).map(OutputId::at) {
        for (one, other) in pairs(values.n_features()) {
            columns.push((0..values.n_rows()).map(|row| found.at(row, output, one, other)).collect());
        }
        columns.push(vec![values.base(output); values.n_rows()]);
        columns.push((0..values.n_rows()).map(|row| values.residual(row, output)).collect());
    }
    columns
}

/// A row is an array over outputs of `{matrix, base_value, margin, residual}`.
fn json_row(found: &Interactions, row: usize) -> String {
    let values = found.values();
    let features = || (0..values.n_features()).map(FeatureId::at);
    let output = |output: OutputId| {
        let line = |one: FeatureId| {
            let cells: Vec<String> =
                features().map(|other| number(found.at(row, output, one, other))).collect();
            format!("[{}]", cells.join(","))
        };
        let matrix: Vec<String> = features().map(line).collect();
        format!(
            "{{\"matrix\":[{}],\"base_value\":{},\"margin\":{},\"residual\":{}}}",
            matrix.join(","),
            number(values.base(output)),
            number(values.margin(row, output)),
            number(values.residual(row, output))
        )
    };
    let outputs: Vec<String> = (0..values.n_outputs()).map(OutputId::at).map(output).collect();
    format!("[{}]", outputs.join(","))
}

fn said(feed: &Feed, totals: &Totals, output: usize, game: &str) -> String {
    let model = &feed.rows.model;
    let all = || format!("{} rows", count(totals.n_rows));
    let rows = feed.only.as_ref().map_or_else(all, |words| rows_where(totals.n_rows, words));
    let strongest = totals.strongest(output);
    let mut text = format!(
        "{} pairs of features act together, {game} game, over {rows}; what they do together, mean of absolute values ({})\n\n",
        count(strongest.len()),
        model.link.margin_unit()
    );
    let most = strongest.first().map_or(1.0, |first| first.2);
    for (one, other, mean) in strongest.iter().take(LISTED) {
        let bar = "━".repeat((mean / most * 30.0).round() as usize);
        let names = [one, other].map(|feature| model.features[feature.index()].name.as_str());
        text += &format!("{:>10}  {bar:<30}  {} * {}\n", pretty(*mean, 3), names[0], names[1]);
    }
    if strongest.len() > LISTED {
        text += &format!("            and {} weaker pairs\n", count(strongest.len() - LISTED));
    }
    text
}
