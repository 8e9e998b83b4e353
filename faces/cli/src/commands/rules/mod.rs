//! `pellucid rules ...`: rule sets with a certificate.

mod apply;
mod learn;
pub(super) mod pictures;
mod show;

use std::path::Path;

use pellucid::files::map;
use pellucid::learn::certificate::RulesFile;
use pellucid::learn::certificate::format::{Held, read};

use super::Context;
use crate::failure::Failure;
use crate::rule_args::Rules;

pub(crate) fn run(args: &Rules, context: &Context<'_>) -> Result<u8, Failure> {
    match args {
        Rules::Learn(args) => learn::run(args, context),
        Rules::Show(args) => show::run(args, context),
        Rules::Predict(args) => apply::predict(args, context),
        Rules::Verify(args) => apply::verify(args, context),
        Rules::Export(args) => apply::export(args, context),
    }
}

/// What a file of rules or of a count holds.
fn held(path: &Path) -> Result<Held, Failure> {
    let bytes = map(path)?;
    read(&bytes).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
}

fn rules_file(path: &Path) -> Result<RulesFile, Failure> {
    match held(path)? {
        Held::Rules(file) => Ok(*file),
        _ => Err(Failure::Input(format!(
            "{}: it holds a certified count, no rules; `rules verify` reads it",
            path.display()
        ))),
    }
}
