//! `pellucid explain MODEL DATA --aggregate`: what the values of all rows say together, and no row.

use std::path::Path;

use pellucid::explain::aggregate::{ACCURACY, Aggregate, ExactSum, Sketch, Spread};
use pellucid::views::number::{count, pretty};
use serde_json::{Map, Value, json};

use super::explain::{metadata, method, way};
use super::json_object::about;
use super::{Context, print};
use crate::args::Explain;
use crate::explaining::{Feed, explain_each};
use crate::failure::Failure;
use crate::output::write_file;

pub(super) const SCHEMA: &str = "pellucid.aggregate/1";
const SHARES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
/// Features that are listed as text.
const LISTED: usize = 20;
/// Rows of a part that is joined: sums have room for as many, and no file has more.
const MOST_ROWS: u64 = 1 << 40;
/// Features times outputs, each of which holds about four kilobytes.
const MOST_SPREADS: usize = 200_000;

pub(crate) fn run(mut feed: Feed, args: &Explain, context: &Context<'_>) -> Result<u8, Failure> {
    let n_spreads = feed.rows.model.features.len() * feed.rows.model.base.len();
    if n_spreads > MOST_SPREADS {
        return Err(Failure::Usage(format!(
            "{n_spreads} features and outputs are too many to aggregate; at most {MOST_SPREADS} are"
        )));
    }
    let about = about(metadata(args, &feed)?.into_iter().skip(1));
    let mut all = Aggregate::default();
    let (_, cut_short) = explain_each(&mut feed, way(args), args.row, context.console, |_, _, found| {
        all.add(found);
        Ok(())
    })?;
    let n_rows = usize::try_from(all.n_rows).unwrap_or(usize::MAX);
    let names = feed.shown.names();
    let whole = Whole { about, names, complete: !cut_short, all };
    if let Some(path) = args.out.as_deref() {
        write_file(path, format!("{}\n", whole.to_json()).as_bytes())?;
        context.console.done(&format!("wrote {} rows, summed up, to {}", count(n_rows), path.display()));
    }
    let outputs: Vec<(&str, &Path)> = args.out.iter().map(|path| ("aggregate", path.as_path())).collect();
    let options = json!({"aggregate": true, "method": method(args.method).name(), "background": args.background,
            "background_weights": args.background_weights, "drop": args.about.drop, "missing": args.about.reading.missing,
            "output_space": args.output.name(), "shard": args.shard.map(|shard| format!("{}/{}", shard.at + 1, shard.of)), "where": args.rows.conditions});
    let results = json!({"rows": whole.all.n_rows, "complete": whole.complete});
    context.write_run("explain", &args.about, args.background.as_deref(), &outputs, options, results)?;
    if context.json {
        print(&format!("{}\n", whole.to_json()))?;
    } else if args.out.is_none() {
        print(&whole.to_text(args.class.unwrap_or(0) as usize))?;
    }
    Ok(context.console.exit_of(cut_short, n_rows))
}

/// An aggregate with what is said of it.
pub(super) struct Whole {
    pub(super) about: Map<String, Value>,
    pub(super) names: Vec<String>,
    pub(super) complete: bool,
    pub(super) all: Aggregate,
}

impl Whole {
    pub(super) fn to_json(&self) -> Value {
        let n = self.all.n_rows;
        let feature = |(name, spread): (&String, &Spread)| {
            let quantiles: Map<String, Value> =
                SHARES.iter().map(|share| (share.to_string(), spread.quantile(*share).into())).collect();
            json!({
                "feature": name, "mean_absolute": spread.mean_absolute(n), "mean": spread.mean(n),
                "standard_deviation": spread.deviation(n), "least": spread.least, "most": spread.most,
                "quantiles": quantiles, "state": state(spread),
            })
        };
        let output = |(base, spreads): (&f64, &Vec<Spread>)| {
            let features: Vec<Value> = self.names.iter().zip(spreads).map(feature).collect();
            json!({"base_value": base, "features": features})
        };
        let outputs: Vec<Value> = self.all.base.iter().zip(&self.all.spreads).map(output).collect();
        json!({
            "schema": SCHEMA, "about": self.about, "rows": n, "complete": self.complete, "worst_residual": self.all.worst_residual,
            "quantile_accuracy": ACCURACY, "outputs": outputs,
        })
    }

    /// Whether it is an aggregate.
    pub(super) fn is_one(value: &Value) -> bool {
        value["schema"] == SCHEMA
    }

    /// What was written before; `None` if it is something else, or damaged.
    pub(super) fn of_json(value: &Value) -> Option<Self> {
        let n_rows = value["rows"].as_u64().filter(|n| Self::is_one(value) && *n <= MOST_ROWS)?;
        let mut all = Aggregate {
            n_rows,
            worst_residual: value["worst_residual"].as_f64().unwrap_or(f64::NAN),
            ..Aggregate::default()
        };
        let mut names = Vec::new();
        for (at, output) in value["outputs"].as_array()?.iter().enumerate() {
            all.base.push(output["base_value"].as_f64()?);
            let features = output["features"].as_array()?;
            all.spreads.push(features.iter().map(|feature| spread(feature, n_rows)).collect::<Option<_>>()?);
            let own = features.iter().map(|f| f["feature"].as_str().map(str::to_owned));
            let own = own.collect::<Option<Vec<String>>>()?;
            if at == 0 {
                names = own;
            } else if names != own {
                return None;
            }
        }
        Some(Self {
            about: value["about"].as_object()?.clone(),
            names,
            complete: value["complete"].as_bool()?,
            all,
        })
    }

    fn to_text(&self, output: usize) -> String {
        let n = self.all.n_rows;
        let said = |key: &str| self.about.get(key).and_then(Value::as_str).unwrap_or_default();
        let spreads = self.all.spreads.get(output).map(Vec::as_slice).unwrap_or_default();
        let mut rows: Vec<(&String, &Spread)> = self.names.iter().zip(spreads).collect();
        rows.sort_by(|a, b| b.1.mean_absolute(n).total_cmp(&a.1.mean_absolute(n)));
        let mut text = format!(
            "{} rows, {} ({}); quantiles to {} %\n\n{:>10} {:>10} {:>10} {:>10} {:>10}  feature\n",
            count(usize::try_from(n).unwrap_or(usize::MAX)),
            said("game"),
            said("unit"),
            ACCURACY * 100.0,
            "mean |x|",
            "mean",
            "5 %",
            "median",
            "95 %"
        );
        for (name, spread) in rows.iter().take(LISTED) {
            let numbers = [
                spread.mean_absolute(n),
                spread.mean(n),
                spread.quantile(0.05),
                spread.quantile(0.5),
                spread.quantile(0.95),
            ];
            numbers.iter().for_each(|x| text += &format!("{:>10} ", pretty(*x, 3)));
            text += &format!(" {name}\n");
        }
        if rows.len() > LISTED {
            text += &format!("and {} features that move the model less\n", count(rows.len() - LISTED));
        }
        text
    }
}

/// All that joining needs.
fn state(spread: &Spread) -> Value {
    let sum = |sum: &ExactSum| {
        let (digits, not_finite) = sum.to_digits();
        json!({"digits": digits, "not_finite": not_finite})
    };
    let (below, zeros, above) = spread.sketch.to_counts();
    json!({
        "absolute": sum(&spread.absolute), "sum": sum(&spread.sum), "squares": sum(&spread.squares),
        "below": below, "zeros": zeros, "above": above,
    })
}

fn spread(feature: &Value, n_rows: u64) -> Option<Spread> {
    let state = &feature["state"];
    let sum = |name: &str| {
        let digits: Vec<(usize, i64)> = serde_json::from_value(state[name]["digits"].clone()).ok()?;
        let not_finite = state[name]["not_finite"].as_u64().filter(|n| *n <= n_rows)?;
        Some((ExactSum::of_digits(&digits, not_finite)?, not_finite))
    };
    let counts = |name: &str| serde_json::from_value::<Vec<(i32, u64)>>(state[name].clone()).ok();
    let (below, zeros, above) = (counts("below")?, state["zeros"].as_u64()?, counts("above")?);
    let ((absolute, not_finite), (sum, too), (squares, _)) = (sum("absolute")?, sum("sum")?, sum("squares")?);
    // Every row was counted once.
    let all = below.iter().chain(&above).map(|(_, n)| u128::from(*n)).sum::<u128>() + u128::from(zeros);
    if not_finite != too || all + u128::from(not_finite) != u128::from(n_rows) {
        return None;
    }
    Some(Spread {
        absolute,
        sum,
        squares,
        // Infinite where no value was finite, which JSON can't say.
        least: feature["least"].as_f64().unwrap_or(f64::INFINITY),
        most: feature["most"].as_f64().unwrap_or(f64::NEG_INFINITY),
        sketch: Sketch::of_counts(&below, zeros, &above),
    })
}
