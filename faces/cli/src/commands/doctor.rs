//! `pellucid doctor`: does this build compute what it should, here?

use serde_json::json;

use super::tour::{Embedded, embedded};
use super::{Context, VERSION, print};
use crate::failure::Failure;

pub(crate) fn run(context: &Context<'_>) -> Result<u8, Failure> {
    let mut text = format!("pellucid {VERSION}\n");
    let (threads, who) = context.console.threads();
    text += &format!("threads      {threads} ({who})\n");
    let mut checks = Vec::new();
    for Embedded { name, model, .. } in embedded()? {
        let worst = super::tour::check_embedded(&model, context)?;
        let fine = worst.margin <= 1e-6 && worst.residual <= 1e-10;
        let word = if fine { "fine" } else { "WRONG" };
        text += &format!(
            "{name:12} {word}: margins within {:.0e} of {}, largest residual {:.0e}\n",
            worst.margin, model.origin.library, worst.residual
        );
        checks.push(json!({"model": name, "fine": fine, "margin_difference": worst.margin, "residual": worst.residual}));
    }
    let all_fine = checks.iter().all(|check| check["fine"] == true);
    if context.json {
        context.print_json("doctor", json!({"version": VERSION, "threads": threads, "checks": checks}))?;
    } else {
        print(&text)?;
    }
    if all_fine {
        Ok(0)
    } else {
        Err(Failure::Negative("an embedded model was not computed as its library does".to_owned()))
    }
}
