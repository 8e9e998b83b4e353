//! `pellucid rashomon list`: the rule sets one by one.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use pellucid::data::Control;
use pellucid::learn::rashomon::{Listed, Member, Order};
use pellucid::views::number::pretty;
use serde_json::{Value, json};

use super::{Explored, explored};
use crate::commands::{Context, print};
use crate::failure::Failure;
use crate::output::{NewFile, check_distinct};
use crate::rule_args::{List, OrderName};
use crate::task::searching;

/// Sets that a terminal shows unless more are asked for.
const ON_SCREEN: u64 = 20;

pub(crate) fn run(args: &List, context: &Context<'_>) -> Result<u8, Failure> {
    let format = args.out.as_deref().map(|path| format_of(path, &args.task.data)).transpose()?;
    let progress = context.console.searching();
    let control = Control { threads: context.console.threads().0, watch: &progress };
    let how = searching(&args.task, control);
    let about = explored(&args.task, &args.bound, &how, context)?;
    let limit = args.limit.unwrap_or(if args.out.is_some() { u64::MAX } else { ON_SCREEN });
    let (file, out) = args.out.as_deref().map(NewFile::create).transpose()?.unzip();
    let mut sink =
        Sink { format, out: out.map(std::io::BufWriter::new), shown: Vec::new(), n: 0, broken: None };
    sink.begin()?;
    let order = if args.order == OrderName::Lex { Order::Lexicographic } else { Order::Objective };
    let ended = if limit == 0 {
        Listed::Enough
    } else {
        about.explorer.list(order, &how, &mut |member| {
            sink.take(member, &about);
            if sink.broken.is_some() || sink.n >= limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?
    };
    drop(progress);
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    let Sink { out, shown, n, broken, .. } = sink;
    if let Some(error) = broken {
        return Err(error.into());
    }
    if let Some(mut out) = out {
        // Closed with the end of this block, before the file is moved to its place.
        out.flush()?;
    }
    if let (Some(file), Some(path)) = (file, &args.out) {
        file.keep()?;
        context.console.done(&format!("wrote {n} rule sets to {}", path.display()));
    }
    let complete = ended == Listed::All;
    if context.json {
        let sets: Vec<Value> = shown.iter().map(|member| object(member, &about)).collect();
        context.print_json(
            "rashomon_list",
            json!({"listed": n.to_string(), "complete": complete, "theta": about.within.theta.to_string(), "output": args.out, "sets": sets}),
        )?;
    } else if args.out.is_none() {
        print(&screen(&shown, &about, complete))?;
    }
    Ok(if ended == Listed::Stopped { 4 } else { 0 })
}

/// How sets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Csv,
    JsonLines,
}

pub(super) fn format_of(path: &Path, data: &Path) -> Result<Written, Failure> {
    check_distinct(path, &[data])?;
    match path.extension().map(|e| e.to_string_lossy().to_lowercase()).as_deref() {
        Some("csv") => Ok(Written::Csv),
        Some("jsonl" | "ndjson") => Ok(Written::JsonLines),
        _ => Err(Failure::Usage(format!("`{}`: rule sets are written as .jsonl or .csv", path.display()))),
    }
}

/// Where members go: into a file at once, or onto the screen at the end.
struct Sink<W: Write> {
    format: Option<Written>,
    out: Option<W>,
    shown: Vec<Member>,
    n: u64,
    broken: Option<std::io::Error>,
}

impl<W: Write> Sink<W> {
    fn begin(&mut self) -> std::io::Result<()> {
        match (&mut self.out, self.format) {
            (Some(out), Some(Written::Csv)) => out.write_all(HEADER.as_bytes()),
            _ => Ok(()),
        }
    }

    fn take(&mut self, member: &Member, about: &Explored) {
        self.n += 1;
        match &mut self.out {
            Some(out) => self.broken = out.write_all(line(member, about, self.format).as_bytes()).err(),
            None => self.shown.push(member.clone()),
        }
    }
}

/// The first line of a CSV of sets.
pub(super) const HEADER: &str = "objective,value,errors,size,rules\n";

/// One set as a line of a file.
pub(super) fn line(member: &Member, about: &Explored, format: Option<Written>) -> String {
    if format == Some(Written::Csv) {
        let rules = about.prepared.spelled(&member.rules).join(" or ").replace('"', "\"\"");
        return format!(
            "{},{},{},{},\"{rules}\"\n",
            member.objective,
            member.objective.value(),
            member.errors,
            member.rules.len()
        );
    }
    format!("{}\n", object(member, about))
}

/// One set as JSON.
pub(super) fn object(member: &Member, about: &Explored) -> Value {
    json!({
        "objective": member.objective.to_string(),
        "errors": member.errors,
        "size": member.rules.len(),
        "ids": member.rules,
        "rules": about.prepared.spelled(&member.rules),
    })
}

/// Sets for a terminal.
pub(super) fn screen(members: &[Member], about: &Explored, complete: bool) -> String {
    let mut text = String::new();
    for member in members {
        let rules = if member.rules.is_empty() {
            "no rule".to_owned()
        } else {
            about.prepared.spelled(&member.rules).join("  or  ")
        };
        text += &format!("{:<9} {:>7} errors  {rules}\n", pretty(member.objective.value(), 5), member.errors);
    }
    if members.is_empty() && complete {
        text += "No rule set\n";
    }
    text + if complete { "" } else { "… there are more; -n N shows more, -o FILE writes all\n" }
}
