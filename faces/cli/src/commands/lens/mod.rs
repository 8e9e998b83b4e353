//! `pellucid lens ...`: what happens inside of a transformer.

mod info;
mod patch;

use std::path::Path;

use pellucid::files::{load_tokenizer, load_transformer};
use pellucid::models::transformer::{Tokens, Transformer};

use super::Context;
use crate::failure::Failure;
use crate::lens_args::Lens;

pub(crate) fn run(args: &Lens, context: &Context<'_>) -> Result<u8, Failure> {
    match args {
        Lens::Info(args) => info::run(args, context),
        Lens::Plan(args) => patch::plan(args, context),
        Lens::Patch(args) => patch::run(args, context),
    }
}

fn loaded(path: &Path, tokenizer: Option<&Path>) -> Result<(Transformer, Tokens), Failure> {
    let model = load_transformer(path)?;
    let tokens = load_tokenizer(&model, path, tokenizer)?;
    Ok((model, tokens))
}
