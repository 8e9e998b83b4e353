//! The arguments as text, before they mean anything.

use pellucid::data::read::Shard;
use pellucid::explain::Space;
use pellucid_position::months::{Day, Month};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::Runs;
use crate::groups::Group;
use crate::lens_args::Lens;
use crate::rule_args::{Rashomon, Rules};
use crate::tree_args::TreeAsked;

/// Says why a model predicted this, and gives no number without its residual.
#[derive(Debug, Parser)]
#[command(
    name = "pellucid",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Results go to standard output, everything else to standard error.\n\
        Exit codes: 0 done, 1 a negative answer, 2 usage, 3 bad input, 4 a limit was hit and a valid partial\n\
        result written, 5 a bug, 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Print one JSON object with a versioned "schema" key
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Worker threads [default: PELLUCID_NUM_THREADS, RAYON_NUM_THREADS, then all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Seed of everything random (exact methods use none)
    #[arg(long, global = true, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Stop after so long with a valid partial result: 500ms, 60s, 2m
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub(crate) time_limit: Option<Duration>,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Show progress
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) progress: When,
    /// Use color (NO_COLOR is obeyed)
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,
}

/// When to do something that depends on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Do the main jobs on embedded data and models, and write a report
    Tour(Tour),
    /// Say what a model, data, rules or run file is
    Inspect(Inspect),
    /// Margins and predictions, as the source library computes them
    Predict(Predict),
    /// Exact Shapley values of a saved XGBoost, LightGBM, CatBoost, scikit-learn or ONNX model
    Explain(Box<Explain>),
    /// The shards of one job joined: aggregates (.json) or values (.parquet)
    Merge(Merge),
    /// How well a profile fits a job posting, every claim with its source
    Position(Position),
    /// Rule sets that are proven to be optimal, and checking, applying and exporting them
    #[command(subcommand)]
    Rules(Box<Rules>),
    /// All rule sets that are nearly as good: counted, listed, drawn from, studied
    #[command(subcommand)]
    Rashomon(Box<Rashomon>),
    /// What happens inside a transformer: its sites, and experiments on them
    #[command(subcommand)]
    Lens(Box<Lens>),
    /// What has been done: runs listed, searched, tagged, from a plain directory of run folders
    #[command(subcommand, after_help = crate::commands::ABOUT_STORES)]
    Runs(Box<Runs>),
    /// Models, data, rules and documents in a browser: explanations, what-if, certificates, a position
    Workbench(Workbench),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a folder
    Man {
        /// The folder, made if it is not there
        dir: PathBuf,
    },
    /// Check that this build computes what it should on this machine
    Doctor,
    /// Print the version
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct Tour {
    /// The folder to write into
    #[arg(value_name = "DIR", default_value = "pellucid-tour")]
    pub(crate) dir: PathBuf,
}

/// Pages on this machine.
#[derive(Debug, Args)]
#[command(
    after_help = "Only this machine may ask, unless --host says otherwise; then PELLUCID_TOKEN must be set, and who asks needs it.\n\
    Nothing is sent anywhere. Ctrl-C ends it."
)]
pub(crate) struct Workbench {
    /// Models and data, as `explain` reads them; values that it wrote as .parquet or .arrow; rules and certified counts; a profile and a
    /// posting, as `position` reads them (.txt is a document)
    /// [default: embedded examples]
    pub(crate) files: Vec<PathBuf>,
    /// The port [default: 7373, or a free one if that is taken]
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// The address to listen at
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Do not open a browser
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Write the pages into one file that needs no server, and end; a .zip has more rows, and is unpacked
    #[arg(long, value_name = "OUT.html|OUT.zip", conflicts_with_all = ["port", "host"])]
    pub(crate) export: Option<PathBuf>,
    /// A column of the data that is not looked at (may be repeated)
    #[arg(long, value_name = "COL")]
    pub(crate) drop: Vec<String>,
    /// Megabytes that the rows of one table may take
    #[arg(long, value_name = "MB", default_value = "2048")]
    pub(crate) max_memory: NonZeroUsize,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The file; `-` is standard input (data only)
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) tree: TreeAsked,
    #[command(flatten)]
    pub(crate) rows: Where,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// One person analyses their own application.
#[derive(Debug, Args)]
#[command(
    after_help = "For one person's own application. It compares what a posting states with what the documents show; it does not\n\
    rank people, and no accuracy is claimed for the fit, since no public data could support one. Only English is read.\n\
    A folder among the profiles is read as a git checkout; a folder as the posting is read as many postings, a line each."
)]
pub(crate) struct Position {
    /// The profile (one or more files: Markdown, text, HTML, PDF, DOCX, JSON Resume, BibTeX, or a git checkout), then the
    /// posting; `-` is standard input
    #[arg(value_name = "PROFILE... POSTING", num_args = 1.., required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The analysis: .md .html .json .docx [default: Markdown on standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// The day of the analysis, YYYY-MM-DD or YYYY-MM; months that are over by then count [default: today]
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) as_of: Option<Day>,
    /// What else is known about the employer; only quoted (may be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) notes: Vec<PathBuf>,
}

/// `2025-01-31`, or `2025-01` for its last day.
fn day(text: &str) -> Result<Day, String> {
    let mut parts = text.split('-').map(str::parse::<i32>);
    let found = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(year @ 1900..=2200)), Some(Ok(month @ 1..=12)), None, None) => {
            Some(Day::end_of(Month::new(year, month)))
        }
        (Some(Ok(year @ 1900..=2200)), Some(Ok(month)), Some(Ok(day)), None) => {
            u8::try_from(day).ok().and_then(|day| Day::new(year, month, day))
        }
        _ => None,
    };
    found.ok_or_else(|| "a day is written as YYYY-MM-DD or YYYY-MM, as 2025-01-31".to_owned())
}

/// How text is read.
#[derive(Debug, Clone, Args)]
pub(crate) struct Reading {
    /// A further spelling of a missing value, as `?` (may be repeated)
    #[arg(long, value_name = "TEXT")]
    pub(crate) missing: Vec<String>,
    /// The CSV has no header: columns are f0, f1, ...
    #[arg(long)]
    pub(crate) no_header: bool,
}

/// Which rows of the data.
#[derive(Debug, Clone, Args)]
pub(crate) struct Where {
    /// Only rows of the data where this holds: COLUMN:TEST:VALUE, the test one of = != < <= > >=, or COLUMN:missing, COLUMN:known (may be
    /// repeated: all must hold, but several = of one column mean any of these values)
    #[arg(long = "where", value_name = "CONDITION", allow_hyphen_values = true)]
    pub(crate) conditions: Vec<String>,
}

/// A model and the data it is asked about.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelAndData {
    /// The saved model: XGBoost .json or .ubj, LightGBM .txt, CatBoost .json, scikit-learn .skops, trees and linear models in .onnx
    pub(crate) model: PathBuf,
    /// The data: CSV or JSON lines (.gz and .zst too), Parquet, Arrow IPC; `-` is standard input
    pub(crate) data: PathBuf,
    /// Leave a column out, for instance the label (may be repeated)
    #[arg(long, value_name = "COL")]
    pub(crate) drop: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Also write a run folder: run.json says what was done, with hashes; in the directory of a store of runs (`runs init`) a new
    /// one for each run
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    #[command(flatten)]
    pub(crate) about: ModelAndData,
    /// The result: .csv .parquet .arrow .jsonl [default: CSV on standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) about: ModelAndData,
    /// The result: .parquet .csv .json .jsonl .arrow for values, .html for a report, .svg .png for a picture
    /// [default: a summary on standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// The scale on which values add up
    #[arg(long, value_enum, default_value = "margin", value_name = "SPACE")]
    pub(crate) output: OutputSpace,
    /// How to compute (all ways but `approximate` are exact)
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) method: MethodName,
    /// Rows that unknown features are taken from: the background (interventional) game, instead of the path-dependent one
    #[arg(long, value_name = "FILE")]
    pub(crate) background: Option<PathBuf>,
    /// Which game: what stands for unknown features [default: background with --background, else path-dependent]
    #[arg(long, value_enum, value_name = "GAME")]
    pub(crate) game: Option<GameName>,
    /// A column of the background: how much each of its rows weighs
    #[arg(long, value_name = "COL", requires = "background")]
    pub(crate) background_weights: Option<String>,
    /// Interactions of all pairs of features instead of values: `A*A` is what A does by itself, `A*B` half of what A and B
    /// do together, so that a feature's row sums to its value
    #[arg(long, conflicts_with_all = ["plot", "feature"])]
    pub(crate) interactions: bool,
    /// Sums, extremes and quantiles of every feature's values instead of rows: to .json, or as text
    #[arg(long, conflicts_with_all = ["plot", "feature", "row", "interactions"])]
    pub(crate) aggregate: bool,
    /// Only part i of n of a Parquet file, in whole row groups; `merge` joins what comes of them
    #[arg(long, value_name = "i/n", value_parser = shard, conflicts_with_all = ["row", "conditions"])]
    pub(crate) shard: Option<Shard>,
    /// Of every row only the K largest values by name, and the sum of the rest
    #[arg(long, value_name = "K", conflicts_with_all = ["plot", "interactions", "aggregate", "shard"])]
    pub(crate) top_k: Option<NonZeroUsize>,
    /// Show features together, as NAME=COL,COL,... or NAME=PREFIX* (a one-hot code): the sum of their values (may be repeated)
    #[arg(long, value_name = "NAME=COLS", conflicts_with_all = ["interactions", "shard"])]
    pub(crate) group: Vec<Group>,
    /// Explain this row only, from 0
    #[arg(long, value_name = "N", conflicts_with = "conditions")]
    pub(crate) row: Option<usize>,
    #[command(flatten)]
    pub(crate) rows: Where,
    /// The picture in .svg, .png and on the terminal [default: waterfall with --row, else beeswarm, on the terminal bar]
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) plot: Option<Plot>,
    /// The feature of `--plot scatter`, `partial` and `cohorts` [default: the most important]
    #[arg(long, value_name = "COL")]
    pub(crate) feature: Option<String>,
    /// The class or target to look at, where there are several, from 0 [default: in pictures 0, in reports the first four]
    #[arg(long, value_name = "K")]
    pub(crate) class: Option<u32>,
    /// Colors of a PNG (SVG and HTML follow the reader)
    #[arg(long, value_enum, default_value = "light")]
    pub(crate) theme: Theme,
    /// Width of a picture in pixels
    #[arg(long, value_name = "PX", default_value_t = 860, value_parser = clap::value_parser!(u16).range(360..=4000))]
    pub(crate) width: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The folder with what `explain --shard` wrote; other files in it are left alone
    pub(crate) dir: PathBuf,
    /// The result: .json for aggregates, .parquet .csv .jsonl .arrow for values
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GameName {
    /// The training rows that came the same way, as the trees tell
    PathDependent,
    /// The rows of --background, whatever the known features are (interventional)
    Background,
    /// What the known features say of them, by the correlations in --background (linear models)
    CorrelationDependent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputSpace {
    /// The raw sum of the model: log-odds, log-mean, score
    Margin,
    /// The probability itself: exact, with a small background and few features
    Probability,
    /// Values of the margin shared out among the probability, as shap does it; no Shapley values of anything
    ProbabilityRescaled,
}

impl OutputSpace {
    /// What the engine calls it.
    pub(crate) fn space(self) -> Space {
        match self {
            Self::Margin => Space::Margin,
            Self::Probability => Space::Probability,
            Self::ProbabilityRescaled => Space::Rescaled,
        }
    }

    /// The name that users type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Margin => "margin",
            Self::Probability => "probability",
            Self::ProbabilityRescaled => "probability-rescaled",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodName {
    /// The cheapest of the exact ones, leaf by leaf
    Auto,
    /// Pattern tables
    Tables,
    /// Gauss-Legendre quadrature (without a background)
    Quadrature,
    /// One table a tree, of symmetric trees (CatBoost's usual ones)
    Oblivious,
    /// Patterns of rows against patterns of the background
    Pairs,
    /// The sum over all subsets of features: slow, the oracle of the others
    Definition,
    /// Saabas values: what each split of a row's own way changed; quick, additive, and no Shapley values
    Approximate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Plot {
    /// Mean absolute values
    Bar,
    /// Where all values fall, colored by the feature's own
    Beeswarm,
    /// One row, step by step
    Waterfall,
    /// One row, as one strip
    Force,
    /// One feature's effect by its value
    Scatter,
    /// Rows on their way from base to margin
    Decision,
    /// Rows across, features down
    Heatmap,
    /// The expected answer by one feature alone (partial dependence)
    Partial,
    /// Mean absolute values by the values of one feature, side by side
    Cohorts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// `1/4` to `4/4`.
fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/').map(|(at, of)| (at.trim().parse::<usize>(), of.trim().parse::<usize>()));
    match parts {
        Some((Ok(at), Ok(of))) if (1..=of).contains(&at) => Ok(Shard { at: at - 1, of }),
        _ => Err("write the part and how many parts there are: 2/4 is the second of four".to_owned()),
    }
}

/// `500ms`, `60s`, `2m`, `1h`, or seconds without a unit.
fn duration(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match &text[number.len()..] {
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("unknown unit `{unit}`; use ms, s, m or h")),
    };
    let seconds: Option<f64> =
        number.parse().ok().map(|n: f64| n * scale).filter(|s| s.is_finite() && *s >= 0.0);
    let seconds = seconds.ok_or("write a number and a unit, for instance 60s")?;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        let ms = |text| duration(text).map(|d| d.as_millis());
        assert_eq!(
            [ms("500ms"), ms("60s"), ms("2m"), ms("1.5")],
            [Ok(500), Ok(60_000), Ok(120_000), Ok(1_500)]
        );
        for bad in ["", "s", "-1s", "1d", "inf", "nan"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_definition_of_all_arguments_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
