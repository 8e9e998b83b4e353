//! How is a run told to a page?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pellucid_runs::{Artifact, Difference, Found, Part, short_id, within};
use serde_json::{Value, json};

use crate::opened::{Thing, What};
use crate::pages::in_shell_if_needed;
use crate::workbench::Workbench;

/// Letters of one value, at most; the folder has all of it.
const MOST_LETTERS: usize = 2_000;
/// Letters of a list that stands on one line, at most.
const MOST_LISTED: usize = 120;
/// Letters of options or results as JSON, at most.
const MOST_WRITTEN: usize = 20_000;
/// Options, results, files and differences, at most.
const MOST_LINES: usize = 1_000;

/// A run with its files. What takes time, their state now, is asked at an address of its own.
pub(crate) fn run(workbench: &Workbench, found: &Found) -> Value {
    let run = &found.run;
    let files = |all: &[Artifact]| -> Vec<Value> {
        all.iter().take(MOST_LINES).map(|one| file(workbench, found, one)).collect()
    };
    json!({
        "id": found.id, "short": short_id(&found.id), "folder": found.folder.display().to_string(), "verb": run.verb, "version": run.version,
        "started": run.started, "seconds": run.seconds, "tags": found.notes.tags, "note": found.notes.note, "again": again(found),
        "address": run.options.get("address").and_then(Value::as_str).filter(|address| address.starts_with("/api/")),
        "inputs": files(&run.inputs), "outputs": files(&run.outputs), "options": values(&run.options), "results": values(&run.results),
        "written": {"options": written(&run.options), "results": written(&run.results)},
    })
}

/// The command that does it again, as a line for a shell.
pub(crate) fn again(found: &Found) -> String {
    found.run.command.iter().map(|word| in_shell_if_needed(word)).collect::<Vec<_>>().join(" ")
}

fn file(workbench: &Workbench, found: &Found, file: &Artifact) -> Value {
    let place = within(&found.folder, file);
    let real = place.clone().or_else(|| fs_err::canonicalize(&file.path).ok());
    let opened = real.and_then(|real| opened(workbench, &real));
    json!({
        "role": file.role, "path": file.path, "sha256": file.sha256, "bytes": file.bytes,
        "shown": place.as_deref().and_then(super::files::kind), "within": place.is_some(),
        "opened": opened.map(|(kind, thing)| json!({"kind": kind, "id": thing.id})),
    })
}

/// What was opened from this place, and the parameter by which pages ask for it.
fn opened<'a>(workbench: &'a Workbench, real: &PathBuf) -> Option<(&'static str, &'a Thing)> {
    let is_it =
        |thing: &&Thing| thing.path().and_then(|path| fs_err::canonicalize(path).ok()).as_ref() == Some(real);
    let thing = workbench.things.iter().find(is_it)?;
    let kind = match thing.what {
        What::Model(_) => "model",
        What::Rules(_) => "rules",
        What::Table { .. } => "data",
        What::Transformer { .. } => "transformer",
        _ => return None,
    };
    Some((kind, thing))
}

/// Where a file of a run lies now: in the run's folder, else where it was named.
pub(crate) fn place(found: &Found, file: &Artifact) -> PathBuf {
    within(&found.folder, file).unwrap_or_else(|| Path::new(&file.path).to_owned())
}

/// Names with their values, a line each; what stands inside of another stands below it, and deeper.
fn values(all: &BTreeMap<String, Value>) -> Vec<Value> {
    let mut lines = Vec::new();
    all.iter().for_each(|(name, value)| line(name, value, 0, &mut lines));
    lines
}

fn line(name: &str, value: &Value, depth: usize, lines: &mut Vec<Value>) {
    if lines.len() >= MOST_LINES {
        return;
    }
    let mut say = |kind: &str, text: String| {
        lines.push(json!({"name": name, "depth": depth, "kind": kind, "text": text}));
    };
    match value {
        Value::Null => say("nothing", "not set".to_owned()),
        Value::Array(all) if all.is_empty() => say("nothing", "none".to_owned()),
        Value::Object(own) if own.is_empty() => say("nothing", "none".to_owned()),
        Value::Object(own) => {
            say("group", String::new());
            own.iter().for_each(|(name, inner)| line(name, inner, depth + 1, lines));
        }
        Value::Array(all) => {
            let is_plain = |one: &Value| !one.is_array() && !one.is_object();
            let texts: Vec<String> = all.iter().filter(|one| is_plain(one)).map(text).collect();
            let is_short = texts.iter().map(String::len).sum::<usize>() <= MOST_LISTED;
            if texts.len() == all.len() && is_short {
                return say("text", texts.join(", "));
            }
            say("group", String::new());
            all.iter()
                .enumerate()
                .for_each(|(at, inner)| line(&(at + 1).to_string(), inner, depth + 1, lines));
        }
        Value::Number(_) => say("number", text(value)),
        Value::Bool(_) | Value::String(_) => say("text", text(value)),
    }
}

/// As it stands in the run's file, as far as that is shown.
fn written(all: &BTreeMap<String, Value>) -> String {
    let text = serde_json::to_string_pretty(all).unwrap_or_default();
    cut(text, MOST_WRITTEN)
}

/// A value on a line.
fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    cut(text, MOST_LETTERS)
}

fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

pub(crate) fn differences(all: &[Difference]) -> Vec<Value> {
    let side = |one: &Difference, value: &Option<Value>| {
        let words = value.as_ref()?.as_array().filter(|all| !all.is_empty());
        Some(match (words, value.as_ref()?) {
            (Some(words), _) if one.part == Part::Command => {
                let words = words.iter().filter_map(Value::as_str).map(in_shell_if_needed);
                cut(words.collect::<Vec<_>>().join(" "), MOST_LETTERS)
            }
            (Some(plain), _) if !plain.iter().any(|one| one.is_array() || one.is_object()) => {
                cut(plain.iter().map(text).collect::<Vec<_>>().join(", "), MOST_LETTERS)
            }
            (_, value) => text(value),
        })
    };
    let of = |one: &Difference| json!({"part": one.part.word(), "name": one.name, "left": side(one, &one.left), "right": side(one, &one.right)});
    all.iter().take(MOST_LINES).map(of).collect()
}
