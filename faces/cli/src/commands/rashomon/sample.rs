//! `pellucid rashomon sample`: rule sets by chance, each with the same probability.

use pellucid::data::Control;
use serde_json::{Value, json};

use super::explored;
use super::list::{HEADER, Written, format_of, line, object, screen};
use crate::commands::{Context, print};
use crate::failure::Failure;
use crate::output::write_file;
use crate::rule_args::Sample;
use crate::task::searching;

pub(crate) fn run(args: &Sample, context: &Context<'_>) -> Result<u8, Failure> {
    let format = args.out.as_deref().map(|path| format_of(path, &args.task.data)).transpose()?;
    let progress = context.console.searching();
    let control = Control { threads: context.console.threads().0, watch: &progress };
    let how = searching(&args.task, control);
    let about = explored(&args.task, &args.bound, &how, context)?;
    let drawn = about.explorer.sample(args.n, context.seed.unwrap_or(0), args.beta, &how);
    drop(progress);
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    let drawn = drawn?;
    if let Some(path) = &args.out {
        let mut text = if format == Some(Written::Csv) { HEADER.to_owned() } else { String::new() };
        drawn.members.iter().for_each(|member| text += &line(member, &about, format));
        write_file(path, text.as_bytes())?;
        context.console.done(&format!("wrote {} rule sets to {}", drawn.members.len(), path.display()));
    }
    if context.json {
        let sets: Option<Vec<Value>> =
            args.out.is_none().then(|| drawn.members.iter().map(|member| object(member, &about)).collect());
        context.print_json(
            "rashomon_sample",
            json!({
                "n": drawn.members.len(),
                "of": drawn.count.to_string(),
                "seed": drawn.seed,
                "beta": drawn.beta,
                "method": if args.beta > 0.0 { "exact, proportional to exp(-beta * objective)" } else { "exact, uniform" },
                "output": args.out,
                "sets": sets,
            }),
        )?;
    } else if args.out.is_none() {
        print(&screen(&drawn.members, &about, true))?;
    }
    Ok(0)
}
