//! `pellucid rashomon list`: the rule sets one by one, told as they are found.

use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;

use pellucid::data::Control;
use pellucid::learn::rashomon::sets_file::{Header, SetsError};
use pellucid::learn::rashomon::{Listed, Member, Order};
use pellucid::learn::task::{Explored, member_to_json};
use serde_json::json;

use super::written::{HEADER, Written, format_of, line, shown};
use super::{empty, explored};
use crate::commands::Context;
use crate::console::{Progress, printable};
use crate::failure::Failure;
use crate::output::NewFile;
use crate::rule_args::{IdentityName, List, OrderName};
use crate::task::searching;

/// Sets that a terminal shows unless more are asked for.
const ON_SCREEN: u64 = 20;

pub(crate) fn run(args: &List, context: &Context<'_>) -> Result<u8, Failure> {
    let format = args.out.as_deref().map(|path| format_of(path, &args.task.data)).transpose()?;
    if format == Some(Written::Compact) {
        let is_bulk = matches!(args.bound.identity, IdentityName::Subset | IdentityName::Columns);
        let wrong = match (args.limit.is_some() || args.order.is_some(), is_bulk) {
            (true, _) => "every set in the order of the search: --order and --limit do not go with it",
            (_, false) => "sets under the identities `subset` and `columns`; write others as .jsonl or .csv",
            _ => "",
        };
        if !wrong.is_empty() {
            return Err(Failure::Usage(format!("a .sets file holds {wrong}")));
        }
    }
    let progress = context.console.searching();
    let control = Control { threads: context.console.threads().0, watch: &progress };
    let how = searching(&args.task, control);
    let about = explored(&args.task, &args.bound, &how, context)?;
    if let (Some(Written::Compact), Some(path)) = (format, &args.out) {
        return compact(path, args, &about, &how, context);
    }
    let limit = args.limit.unwrap_or(if args.out.is_some() { u64::MAX } else { ON_SCREEN });
    let (file, out) = args.out.as_deref().map(NewFile::create).transpose()?.unzip();
    let mut place = match (out, format) {
        (Some(out), Some(format)) => Place::File(BufWriter::new(out), format),
        _ if context.json => Place::Json,
        _ => Place::Screen,
    };
    place.begin()?;
    let order = match args.order {
        Some(OrderName::Lex) => Order::Lexicographic,
        _ => Order::Objective,
    };
    let (mut n, mut broken) = (0, None);
    let ended = about.explorer.list(order, &how, &mut |member| {
        // One more than wanted says that there are more.
        if n == limit {
            return ControlFlow::Break(());
        }
        broken = place.take(member, n, &about, &progress).err();
        n += 1;
        if broken.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let best = match &ended {
        Ok(Listed::All) if n == 0 => about.best(&how).ok(),
        _ => None,
    };
    drop(progress);
    if let Some(error) = broken {
        return Err(error.into());
    }
    let complete = matches!(ended, Ok(Listed::All));
    let tail = json!({"listed": n.to_string(), "complete": complete, "theta": about.within.theta.to_string(), "output": args.out});
    match place {
        // What was begun is closed, whatever happened.
        Place::Json if n > 0 => {
            let tail = tail.to_string();
            stdout(&format!("],{}\n", tail.trim_start_matches('{')))?;
        }
        Place::Json => {
            if matches!(ended, Ok(Listed::All | Listed::Stopped)) && !context.console.is_interrupted() {
                let mut body = tail;
                body["sets"] = json!([]);
                body["best"] = best.map_or(serde_json::Value::Null, |best| best.to_string().into());
                context.print_json("rashomon_list", body)?;
            }
        }
        Place::Screen => stdout(&match &ended {
            Ok(Listed::All) if n == 0 => format!("{}\n", empty(&about, best)),
            Ok(Listed::Enough) => "… -n N shows more, -o FILE writes all\n".to_owned(),
            Ok(Listed::Stopped) => "… stopped by a limit: there may be more\n".to_owned(),
            _ => String::new(),
        })?,
        Place::File(mut out, _) => {
            if context.console.is_interrupted() {
                return Err(Failure::Interrupted);
            }
            if ended.is_ok() {
                out.flush()?;
                drop(out);
                if let (Some(file), Some(path)) = (file, &args.out) {
                    file.keep()?;
                    context.console.done(&format!("wrote {n} rule sets to {}", path.display()));
                }
                if context.json {
                    context.print_json("rashomon_list", tail)?;
                }
            }
        }
    }
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    Ok(if ended? == Listed::Stopped { 4 } else { 0 })
}

fn stdout(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Where sets go, each as soon as it is found.
enum Place<W: Write> {
    File(W, Written),
    Json,
    Screen,
}

impl<W: Write> Place<W> {
    fn begin(&mut self) -> std::io::Result<()> {
        match self {
            Self::File(out, Written::Csv) => out.write_all(HEADER.as_bytes()),
            _ => Ok(()),
        }
    }

    fn take(
        &mut self,
        member: &Member,
        n: u64,
        about: &Explored,
        progress: &Progress<'_>,
    ) -> std::io::Result<()> {
        match self {
            Self::File(out, format) => out.write_all(line(member, about, *format).as_bytes()),
            Self::Json => {
                let before = if n == 0 { "{\"schema\":\"pellucid.rashomon_list/1\",\"sets\":[" } else { "," };
                progress.aside(|| stdout(&format!("{before}{}", member_to_json(member, about))))
            }
            Self::Screen => progress.aside(|| stdout(&printable(&shown(member, about)))),
        }
    }
}

/// Every set into a compact file.
fn compact(
    path: &Path,
    args: &List,
    about: &Explored,
    how: &pellucid::learn::Searching<'_>,
    context: &Context<'_>,
) -> Result<u8, Failure> {
    let header = Header {
        target: args.task.target.clone(),
        positive: about.task.positive.clone(),
        weight: about.task.instance.total_weight(),
        rules: about.task.rules.iter().map(ToString::to_string).collect(),
        ..Header::of(&about.task.objective, &about.within)
    };
    let (file, out) = NewFile::create(path)?;
    let wrote = about.explorer.write_sets(&header, how, &out).map_err(|error| match error {
        SetsError::Stopped { .. } => Failure::Limit(format!("{error}; nothing was kept")),
        SetsError::Io(error) => error.into(),
        other => Failure::Input(other.to_string()),
    })?;
    drop(out);
    file.keep()?;
    context.console.done(&format!("wrote {wrote} rule sets to {}", path.display()));
    if context.json {
        let body = json!({"listed": wrote.to_string(), "complete": true, "theta": about.within.theta.to_string(), "output": args.out});
        context.print_json("rashomon_list", body)?;
    }
    Ok(0)
}
