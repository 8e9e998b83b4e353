//! The arguments of `rules` and `rashomon`, before they mean anything.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pellucid::data::Ratio;
use pellucid::learn::task::{Support, SupportError};

use crate::args::Reading;

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Find a rule set and prove how good it is
    Learn(Box<Learn>),
    /// Show a rule set, with data also how it does there
    Show(Show),
    /// Apply a rule set: one column of 0 and 1 for each class that rules predict
    Predict(Apply),
    /// Check a certificate against the data, on a path of its own (exit code 1 where it does not hold, 4 where a limit came first)
    Verify(Verify),
    /// Write a rule set as code
    Export(Export),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rashomon {
    /// How many rule sets are nearly as good, of which size, with which rules
    Count(Count),
    /// Tell them one by one, the best first
    List(List),
    /// Draw some, each with the same probability
    Sample(Sample),
    /// What they have in common and where they differ: reliance on features, disagreement, fairness, a short list
    Study(Study),
}

/// Data, and the rules that are possible over it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Task {
    /// The data: CSV or JSON lines (.gz and .zst too), Parquet, Arrow IPC; `-` is standard input
    pub(crate) data: PathBuf,
    /// The column to predict
    #[arg(long, value_name = "COL")]
    pub(crate) target: String,
    /// The value of it that rules predict [default: 1, or the rarer of two]
    #[arg(long, value_name = "VALUE")]
    pub(crate) positive: Option<String>,
    /// A column of whole numbers: how many rows a row stands for
    #[arg(long, value_name = "COL")]
    pub(crate) weights: Option<String>,
    /// Leave a column out (may be repeated)
    #[arg(long, visible_alias = "forbid", value_name = "COL")]
    pub(crate) drop: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// λ: what a rule costs, beside the share of errors
    #[arg(long, value_name = "P/Q", default_value = "1/100", allow_hyphen_values = true)]
    pub(crate) lambda: Ratio,
    /// What a false positive and a false negative cost
    #[arg(long, value_name = "FP:FN", default_value = "1:1", value_parser = costs)]
    pub(crate) cost: (u32, u32),
    /// Most conditions of a rule
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) max_conditions: u16,
    /// Least rows in which a rule holds: a count (30), or a share with a decimal point (0.01)
    #[arg(long, value_name = "N", default_value = "0.01", value_parser = support)]
    pub(crate) min_support: Support,
    /// Most candidate rules [default: 500]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) max_rules: Option<u32>,
    /// Which candidates stay where there are more
    #[arg(long, value_enum, default_value = "gain", value_name = "BY")]
    pub(crate) rank: RankName,
    /// Whether conditions are also negated
    #[arg(long, value_enum, default_value = "positive", value_name = "WHICH")]
    pub(crate) literals: LiteralsName,
    /// All conjunctions, or of those with the same rows only the shortest
    #[arg(long, value_enum, default_value = "all", value_name = "WHICH")]
    pub(crate) candidates: CandidatesName,
    /// Where numbers are cut
    #[arg(long, value_enum, default_value = "quantile", value_name = "HOW")]
    pub(crate) cuts: CutsName,
    /// Into how many parts numbers are cut, at most
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=256))]
    pub(crate) bins: u16,
    /// Groups of a column's categories, by their share of positives, beside the single ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) groups: u16,
    /// What a missing value is
    #[arg(long, value_enum, default_value = "own", value_name = "HOW")]
    pub(crate) missing_literal: MissingName,
    /// A larger (+) or smaller (-) value of a column may only lead towards the prediction (may be repeated)
    #[arg(long, value_name = "COL=+|-", value_parser = direction)]
    pub(crate) monotone: Vec<(String, bool)>,
    /// A sentence for the notes of an .html page (may be repeated)
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Vec<String>,
    /// Stop a search after about so many steps (a list or a study searches more than once)
    #[arg(long, value_name = "N")]
    pub(crate) node_limit: Option<u64>,
    /// Stop when a search, a list or a sample would hold more, beside the data: 500MB, 2GB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(crate) memory_limit: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Learn {
    #[command(flatten)]
    pub(crate) task: Task,
    /// The result: .json for rules with their certificate, .html for a report [default: text on standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Some rule must use this column (may be repeated)
    #[arg(long, value_name = "COL")]
    pub(crate) require: Vec<String>,
    /// Most rules of the set
    #[arg(long, value_name = "K")]
    pub(crate) max_size: Option<usize>,
    /// Most conditions of all rules together
    #[arg(long, value_name = "K")]
    pub(crate) max_total_conditions: Option<u64>,
    /// The set must have a rule
    #[arg(long)]
    pub(crate) exclude_empty: bool,
    /// For more than two classes: one rule set a class against the rest, asked from the rarest to the most frequent but one
    #[arg(long, conflicts_with = "positive")]
    pub(crate) one_vs_rest: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The rules
    pub(crate) rules: PathBuf,
    /// Data to lay them over
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The result: .html [default: text on standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The rules
    pub(crate) rules: PathBuf,
    /// The data
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The result: .csv .parquet .arrow .jsonl [default: CSV on standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The rules, or a certified count
    pub(crate) rules: PathBuf,
    /// The data that they were learned from
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The rules
    pub(crate) rules: PathBuf,
    /// The language
    #[arg(long, value_enum)]
    pub(crate) to: Language,
    /// The file [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

/// Which sets count.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("bound").required(true))]
pub(crate) struct Bound {
    /// θ: the objective is at most this
    #[arg(long, value_name = "P/Q", group = "bound", allow_hyphen_values = true)]
    pub(crate) theta: Option<Ratio>,
    /// The objective is at most this above the best
    #[arg(long, value_name = "P/Q", group = "bound", allow_hyphen_values = true)]
    pub(crate) within: Option<Ratio>,
    /// The objective is at most so many times the best
    #[arg(long, value_name = "P/Q", group = "bound", allow_hyphen_values = true)]
    pub(crate) times: Option<Ratio>,
    /// The empty set, which predicts the default everywhere, does not count
    #[arg(long)]
    pub(crate) exclude_empty: bool,
    /// When two sets are one
    #[arg(long, value_enum, default_value = "subset", value_name = "WHEN")]
    pub(crate) identity: IdentityName,
    /// Most rules of a set
    #[arg(long, value_name = "K")]
    pub(crate) max_size: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Count {
    #[command(flatten)]
    pub(crate) task: Task,
    #[command(flatten)]
    pub(crate) bound: Bound,
    /// Estimate the number by random parities (ApproxMC), where it is too large to be counted
    #[arg(long, conflicts_with = "out")]
    pub(crate) approximate: bool,
    /// With --approximate: the estimate is within a factor of 1 + ε
    #[arg(long, value_name = "EPS", default_value_t = 0.8, allow_hyphen_values = true)]
    pub(crate) epsilon: f64,
    /// With --approximate: except with a probability of δ
    #[arg(long, value_name = "DELTA", default_value_t = 0.2, allow_hyphen_values = true)]
    pub(crate) delta: f64,
    /// The result: .json for a count that `rules verify` checks, .html .svg .png for the map [default: text]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) task: Task,
    #[command(flatten)]
    pub(crate) bound: Bound,
    /// The order [default: objective]
    #[arg(long, value_enum, value_name = "BY")]
    pub(crate) order: Option<OrderName>,
    /// At most so many [default: 20 on the terminal, all into a file]
    #[arg(short = 'n', long = "limit", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// The result: .jsonl .csv, or .sets for all of them in little space and time [default: text on standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Sample {
    #[command(flatten)]
    pub(crate) task: Task,
    #[command(flatten)]
    pub(crate) bound: Bound,
    /// How many
    #[arg(short = 'n', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: u32,
    /// Draw proportionally to exp(-β·objective)
    #[arg(long, value_name = "BETA", default_value_t = 0.0, allow_hyphen_values = true)]
    pub(crate) beta: f64,
    /// How to draw
    #[arg(long, value_enum, default_value = "exact", value_name = "HOW")]
    pub(crate) method: DrawName,
    /// With --method parity: every set is drawn with a probability within a factor of 1 + ε of the others'
    #[arg(long, value_name = "EPS", default_value_t = 8.0, allow_hyphen_values = true)]
    pub(crate) epsilon: f64,
    /// The result: .jsonl .csv [default: text on standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Study {
    #[command(flatten)]
    pub(crate) task: Task,
    #[command(flatten)]
    pub(crate) bound: Bound,
    /// A column whose values are compared: shares predicted, true positive rates, precisions
    #[arg(long, value_name = "COL")]
    pub(crate) group: Option<String>,
    /// Look at every member up to so many; above, at so many drawn uniformly, which makes ranges estimates
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) most_members: u64,
    /// Look at every member however many there are, so that every range is certain
    #[arg(long)]
    pub(crate) certify: bool,
    /// Models of the short list
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub(crate) models: usize,
    /// Bootstrap drawings for the distribution of reliances (0: none)
    #[arg(long, value_name = "B", default_value_t = 0)]
    pub(crate) bootstrap: usize,
    /// The result: .json .html [default: text on standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

fn support(text: &str) -> Result<Support, String> {
    text.parse().map_err(|error: SupportError| error.to_string())
}

fn costs(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "write two whole numbers from 1 on, as 1:5".to_owned();
    let (left, right) = text.split_once(':').ok_or_else(wrong)?;
    let cost = |text: &str| text.trim().parse().ok().filter(|cost: &u32| *cost > 0).ok_or_else(wrong);
    Ok((cost(left)?, cost(right)?))
}

fn direction(text: &str) -> Result<(String, bool), String> {
    match text.rsplit_once('=') {
        Some((column, "+")) if !column.is_empty() => Ok((column.to_owned(), true)),
        Some((column, "-")) if !column.is_empty() => Ok((column.to_owned(), false)),
        _ => Err("write a column and a direction, as age=+ or age=-".to_owned()),
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match text[number.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1.0,
        "K" | "KB" => 1e3,
        "M" | "MB" => 1e6,
        "G" | "GB" => 1e9,
        unit => return Err(format!("unknown unit `{unit}`; use KB, MB or GB")),
    };
    let bytes = number.parse().ok().map(|n: f64| n * scale).filter(|n| n.is_finite() && *n >= 0.0);
    bytes.map(|n| n as usize).ok_or_else(|| "write a number and a unit, for instance 2GB".to_owned())
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant),* }
    };
}

names!(LiteralsName {
    /// `x`, `k = a`, both sides of a cut
    Positive,
    /// Also `not x`, `k ≠ a`
    Both
});
names!(RankName {
    /// Those that lower errors most on their own
    Gain,
    /// Those that hold most often
    Support
});
names!(CandidatesName {
    /// All of them
    All,
    /// One for each set of rows
    Closed
});
names!(CutsName {
    /// Parts of equal weight
    Quantile,
    /// Where the target changes most
    Supervised
});
names!(MissingName {
    /// A condition of its own
    Own,
    /// No condition holds
    Never
});
names!(IdentityName {
    /// The same rules
    Subset,
    /// The same columns: of rules with equal rows the first
    Columns,
    /// The same predictions
    Predictions,
    /// Every rule covers a row that no other does
    Irredundant
});
names!(DrawName {
    /// By rank: exactly uniform, or by --beta
    Exact,
    /// By random parities (UniGen): almost uniform, for sets too large to be counted
    Parity,
    /// Random ways down the search tree, with weights that make sums unbiased; no guarantee for any number of draws
    Tree
});
names!(OrderName {
    /// The best first
    Objective,
    /// By rules
    Lex
});
names!(Language {
    /// A function of one row
    Python,
    /// A CASE expression
    Sql,
    /// The file itself
    Json
});
