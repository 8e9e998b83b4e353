//! The arguments of `pellucid lens`, as text.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pellucid::models::transformer::Site;
use pellucid::models::transformer::node::Sender;

use crate::args::Theme;

#[derive(Debug, Subcommand)]
pub(crate) enum Lens {
    /// What a transformer is made of
    Info(Info),
    /// Run prompts: what comes next, activations of any site, heads, vectors of texts, or an experiment from a file
    Run(Run),
    /// What a patching experiment would compute, and what that costs, before it is run
    Plan(Plan),
    /// Put other activations into a prompt's run, place by place, and measure the answer
    Patch(Patch),
    /// Effects of every part of the model, direct and indirect, and of single edges between parts
    Path(PathPatch),
    /// What the model would say after every block, and which parts write the answer's logit
    Logits(Logits),
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    #[command(flatten)]
    pub(crate) source: Source,
    /// List all sites that can be looked at and touched
    #[arg(long)]
    pub(crate) sites: bool,
}

/// A model with its tokenizer.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The model: a folder with config.json and model.safetensors (GPT-2, Llama, Mistral, Qwen2, BERT, TransformerLens), or GGUF
    pub(crate) model: PathBuf,
    /// The tokenizer, where it does not stand beside the model
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,
    /// Make weights easier to read: fold-ln, center-writing-weights, center-unembed, fold-value-biases, or all [default: none]
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub(crate) process: Vec<String>,
}

/// Where pictures go and how they look.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// The result, by its ending: .csv .parquet .arrow .jsonl .json .svg .png .html, of `run` also .safetensors [default: printed]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Width of pictures in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 720, value_parser = clap::value_parser!(u16).range(360..=4096))]
    pub(crate) width: u16,
    /// Colors of PNG pictures
    #[arg(long, value_enum, value_name = "THEME", default_value = "light")]
    pub(crate) theme: Theme,
}

/// Prompts, what is put into their runs, and how the answer is measured.
#[derive(Debug, Args)]
pub(crate) struct Prompts {
    /// The prompt that has the answer
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) clean: Option<String>,
    /// The prompt that has it not
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) corrupt: Option<String>,
    /// The token that should come next after the clean prompt (of a divergence not needed)
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) answer: Option<String>,
    /// The token that should come next after the corrupt prompt
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) wrong: Option<String>,
    /// Several prompts: JSON lines of objects with clean, corrupt, answer and wrong; effects then have intervals over them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["clean", "corrupt", "answer", "wrong"])]
    pub(crate) prompts: Option<PathBuf>,
    /// What is put in: the other prompt's values, zeros, means over all prompts, or values of one that is drawn (--seed)
    #[arg(long = "with", value_enum, value_name = "VALUES", default_value = "other")]
    pub(crate) with: With,
    /// What is measured [default: logit-difference with a wrong token, else logit]
    #[arg(long, value_enum, value_name = "METRIC")]
    pub(crate) metric: Option<MetricName>,
    /// The token of the prompt after which it is measured; from the end where negative. Later tokens have no say, and are left out of all prompts
    #[arg(long, value_name = "N", default_value_t = -1, allow_hyphen_values = true)]
    pub(crate) position: i64,
    /// Put corrupt values into the clean run instead of clean ones into the corrupt run
    #[arg(long)]
    pub(crate) noising: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum With {
    /// What the other prompt has at the same place.
    Other,
    /// Zeros.
    Zero,
    /// Means over all prompts.
    Mean,
    /// What one of the other prompts has.
    Resample,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricName {
    /// The answer's logit less that of the wrong token.
    LogitDifference,
    /// The answer's logit.
    Logit,
    /// The natural logarithm of the answer's probability.
    LogProbability,
    /// How many nats the whole answer is from that of the clean prompt: KL(clean ‖ run).
    KlDivergence,
}

/// A patching experiment.
#[derive(Debug, Args)]
#[command(
    after_help = "With values of the other prompt an effect is normalized: 0 where the answer stays that of the prompt that is run, 1 where it\n\
    becomes the other prompt's. With zeros, means or drawn values the clean prompt is run, and an effect is by how much the metric\n\
    grows. Prompts must have equally many tokens; a token before every prompt (BOS) is there if the model's tokenizer puts it there."
)]
pub(crate) struct Experiment {
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) prompts: Prompts,
    /// Where: resid_pre, resid_mid, attn_out, mlp_out, z, q, k, v, pattern, ... (see `lens info --sites`)
    #[arg(long, value_name = "SITE", default_value = "resid_pre")]
    pub(crate) site: Site,
    /// What a cell stands for [default: layer-position; of patterns and scores layer-head]
    #[arg(long, value_enum, value_name = "AXES")]
    pub(crate) by: Option<ByName>,
}

/// An experiment that is not run yet.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) experiment: Experiment,
    /// Runs and sweeps from a file instead: .toml or .json, see `lens run --experiment`
    #[arg(long = "experiment", value_name = "FILE", conflicts_with_all = ["clean", "corrupt", "answer", "wrong", "prompts", "with", "metric", "position", "noising", "site", "by"])]
    pub(crate) file: Option<PathBuf>,
}

/// An experiment that is run.
#[derive(Debug, Args)]
pub(crate) struct Patch {
    #[command(flatten)]
    pub(crate) experiment: Experiment,
    /// Run a share of the cells again, each as one whole run, and compare: 0.05, 1.0
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub(crate) verify: f64,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByName {
    /// A block, at all tokens.
    Layer,
    /// A block and a token; of patterns and scores the one that attends.
    #[value(name = "layer-position")]
    Position,
    /// A block and a head, at all tokens.
    #[value(name = "layer-head")]
    Head,
    /// A block, a token and a head.
    #[value(name = "layer-position-head")]
    PositionHead,
}

/// Effects by paths.
#[derive(Debug, Args)]
#[command(
    after_help = "The total effect of a part (a head, an MLP, the input) is by how much the metric grows with other values of its output and\n\
    everything after it free to follow; the direct effect with nothing following but the last norm; indirect is the rest. Parts are\n\
    named a3.h5, m3, input; receivers a3.h5<q>, m3, logits; of heads that share keys and values a3.kv1<k>."
)]
pub(crate) struct PathPatch {
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) prompts: Prompts,
    /// Only edges into this receiver: logits, m3, a3.h5<q>; each carries other values by itself
    #[arg(long, value_name = "RECEIVER")]
    pub(crate) into: Option<String>,
    /// Only edges from this part: input, m3, a3.h5
    #[arg(long, value_name = "PART")]
    pub(crate) from: Option<Sender>,
    /// All edges of the model (many: a million of large ones)
    #[arg(long, conflicts_with_all = ["into", "from"])]
    pub(crate) edges: bool,
    /// Lines that are printed, and bars that are drawn: those of the largest effects
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) top: u16,
    /// Run a share of everything again, each as one whole run, and compare
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub(crate) verify: f64,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What the model says on the way.
#[derive(Debug, Args)]
pub(crate) struct Logits {
    #[command(flatten)]
    pub(crate) source: Source,
    /// The prompt
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    /// The token that is followed, and whose logit is taken apart [default: what the model says]
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) answer: Option<String>,
    /// Another token, whose logit is taken away
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, requires = "answer")]
    pub(crate) wrong: Option<String>,
    /// The token of the prompt after which the logit is taken apart; from the end where negative
    #[arg(long, value_name = "N", default_value_t = -1, allow_hyphen_values = true)]
    pub(crate) position: i64,
    /// Parts that are shown: those that add most
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) top: u16,
    /// Also the neurons that add most
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) neurons: u16,
    /// Which picture a .svg or .png is; pages have both
    #[arg(long, value_enum, value_name = "PICTURE", default_value = "lens")]
    pub(crate) plot: LogitsPlot,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogitsPlot {
    /// Blocks and tokens, with what the model would say.
    Lens,
    /// What each part adds to the logit.
    Parts,
}

/// Runs.
#[derive(Debug, Args)]
#[command(
    after_help = "One thing at a time: without more, what comes next after each text; with --capture, activations; with --heads, what heads\n\
    attend to; with --pool, vectors of texts; with --experiment, what the file asks for, see the page `lens` of the book."
)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) source: Source,
    /// The prompts
    #[arg(value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// More prompts: a text a line, or JSON lines of strings or of objects with `text`
    #[arg(long, value_name = "FILE")]
    pub(crate) texts: Option<PathBuf>,
    /// Tokens that are told, the most probable first
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) top: u16,
    /// Keep activations of these sites: resid_post (every block), blocks.3.hook_z, pattern, ...; OUT is .safetensors, or a table of one
    #[arg(long, value_name = "SITE", value_delimiter = ',', group = "mode")]
    pub(crate) capture: Vec<String>,
    /// Only these positions of what is kept: all, or numbers, from the end where negative
    #[arg(
        long,
        value_name = "LIST",
        default_value = "all",
        allow_hyphen_values = true,
        requires = "capture"
    )]
    pub(crate) positions: String,
    /// Score heads by the patterns that have names: previous token, duplicate token, induction; OUT has their patterns
    #[arg(long, group = "mode")]
    pub(crate) heads: bool,
    /// Vectors of texts, of length 1, by an encoder
    #[arg(long, value_enum, value_name = "HOW", group = "mode")]
    pub(crate) pool: Option<Pool>,
    /// What is one vector: a whole text (one that is too long is split, never cut off), or every clause
    #[arg(long, value_enum, value_name = "WHAT", default_value = "texts", requires = "pool")]
    pub(crate) windows: Windows,
    /// Most tokens of a window [default: 256, or what the model reads]
    #[arg(long, value_name = "N", requires = "pool")]
    pub(crate) window_tokens: Option<usize>,
    /// Runs, edits and sweeps from a file: .toml or .json
    #[arg(long, value_name = "FILE", group = "mode", conflicts_with_all = ["text", "texts"])]
    pub(crate) experiment: Option<PathBuf>,
    /// Run a share of a sweep's cells again, each as one whole run, and compare
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, requires = "experiment")]
    pub(crate) verify: f64,
    /// Most megabytes of activations [default: what the machine has left]
    #[arg(long, value_name = "MB")]
    pub(crate) max_memory: Option<usize>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pool {
    /// The mean over tokens.
    Mean,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Windows {
    /// A text.
    Texts,
    /// A clause.
    Clauses,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "a share is a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("a share is a number from 0 to 1".to_owned()) }
}
