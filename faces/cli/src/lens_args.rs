//! The arguments of `pellucid lens`, as text.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pellucid::models::transformer::Site;

use crate::args::Theme;

#[derive(Debug, Subcommand)]
pub(crate) enum Lens {
    /// What a transformer is made of
    Info(Info),
    /// What a patching experiment would compute, and what that costs, before it is run
    Plan(Experiment),
    /// Put activations of one prompt into the run of another, place by place, and measure the answer
    Patch(Patch),
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The model: a folder with config.json and model.safetensors (GPT-2, Llama, Mistral, Qwen2, BERT), or a GGUF file
    pub(crate) model: PathBuf,
    /// List all sites that can be looked at and touched
    #[arg(long)]
    pub(crate) sites: bool,
}

/// Two prompts, a site, and how the answer is measured.
#[derive(Debug, Args)]
#[command(
    after_help = "The metric is the logit of --answer less that of --wrong after the last token. An effect is normalized: 0 where it\n\
    stays that of the prompt that is run, 1 where it becomes the other prompt's. Prompts must have equally many tokens; a token\n\
    before every prompt (BOS) is there if the model's tokenizer puts it there."
)]
pub(crate) struct Experiment {
    /// The model: a folder with config.json and model.safetensors (GPT-2, Llama, Mistral, Qwen2), or a GGUF file
    pub(crate) model: PathBuf,
    /// The prompt that has the answer
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) clean: String,
    /// The prompt that has it not
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) corrupt: String,
    /// The token that should come next after the clean prompt
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) answer: String,
    /// The token that should come next after the corrupt prompt
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) wrong: String,
    /// What is put in: resid_pre, resid_mid, attn_out, mlp_out, z, q, k, v, pattern, ... (see `lens info --sites`)
    #[arg(long, value_name = "SITE", default_value = "resid_pre")]
    pub(crate) site: Site,
    /// What a cell stands for [default: layer-position, or layer-head where there is no row a position]
    #[arg(long, value_enum, value_name = "AXES")]
    pub(crate) by: Option<ByName>,
    /// Put corrupt values into the clean run instead of clean ones into the corrupt run
    #[arg(long)]
    pub(crate) noising: bool,
    /// The tokenizer, where it does not stand beside the model
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,
}

/// An experiment that is run.
#[derive(Debug, Args)]
pub(crate) struct Patch {
    #[command(flatten)]
    pub(crate) experiment: Experiment,
    /// Run a share of the cells again, each as one whole run, and compare: 0.05, 1.0
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub(crate) verify: f64,
    /// The grid: .csv .parquet .arrow .jsonl .json .svg .png .html [default: printed]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Width of pictures in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 720, value_parser = clap::value_parser!(u16).range(360..=4096))]
    pub(crate) width: u16,
    /// Colors of PNG pictures
    #[arg(long, value_enum, value_name = "THEME", default_value = "light")]
    pub(crate) theme: Theme,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByName {
    /// A block and a token.
    #[value(name = "layer-position")]
    Position,
    /// A block and a head, at all tokens.
    #[value(name = "layer-head")]
    Head,
    /// A block, a token and a head.
    #[value(name = "layer-position-head")]
    PositionHead,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "a share is a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("a share is a number from 0 to 1".to_owned()) }
}
