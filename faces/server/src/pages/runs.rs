//! What was done before, and how is it done again?

mod files;
mod list;

use std::sync::Arc;

use pellucid_runs::differences;
use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::Failure;
use crate::opened::{Thing, What};
use crate::pages::in_shell_if_needed;
use crate::runs::{now, said};
use crate::workbench::{Answer, Workbench};

pub(super) use files::{output, states};

/// Parameters by which a list is asked for.
const OF_LISTS: [&str; 6] = ["verb", "tag", "text", "since", "sort", "from"];

/// Runs of each store that go into an export, the newest; its list says how many there are.
const FROZEN: usize = 25;

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    let thing = workbench.runs(&Address::of("", &[])).ok()?;
    Some(("runs", vec![("runs", thing.id.clone())]))
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&[&["runs", "run", "other"], OF_LISTS.as_slice()].concat())?;
    let thing = workbench.runs(address)?;
    match (address.one("run")?, &thing.what) {
        (Some(run), _) => one(workbench, thing, run, address.one("other")?),
        (None, What::Run { .. }) => one(workbench, thing, &thing.id, address.one("other")?),
        (None, _) => {
            if address.one("other")?.is_some() {
                return Err(Failure::usage(
                    "`other` names the second of two runs; name the first with `run`",
                ));
            }
            list::answer(thing, address)
        }
    }
}

/// One run, beside another where one is named.
fn one(
    workbench: &Arc<Workbench>,
    thing: &Thing,
    text: &str,
    other: Option<&str>,
) -> Result<Answer, Failure> {
    let left = workbench.run(thing, text)?;
    let right = other.map(|text| workbench.run(thing, text)).transpose()?;
    let store = thing.is_store().then(|| thing.source.shown());
    let spelled = |found: &pellucid_runs::Found| match &store {
        Some(_) if found.folder.parent().is_some_and(|parent| Some(parent) == thing.path()) => {
            found.id.clone()
        }
        _ => in_shell_if_needed(&found.folder.display().to_string()),
    };
    let place = store.as_ref().map_or(String::new(), |dir| format!(" --store {}", in_shell_if_needed(dir)));
    let command = match &right {
        None => format!("pellucid runs show {}{place}", spelled(&left)),
        Some(right) => format!("pellucid runs diff {} {}{place}", spelled(&left), spelled(right)),
    };
    let differ = right.as_ref().map(|right| differences(&left.run, &right.run));
    let seed = left.run.options.get("seed").filter(|seed| !seed.is_null());
    let mut notes = vec![
        "files with relative names are looked for in the run's folder, then in the folder in which this workbench was started".to_owned(),
    ];
    if seed.is_none() {
        notes.push("no seed was given, so that what draws at random drew with the usual one".to_owned());
    }
    if left.run.verb == "workbench" {
        notes.push(
            "this answer was kept from a page; the time is that of keeping it, not of computing it"
                .to_owned(),
        );
    }
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.run/1", "runs": thing.id, "read": now(), "store": store, "version": env!("CARGO_PKG_VERSION"),
        "run": said::run(workbench, &left), "other": right.as_ref().map_or(Value::Null, |right| said::run(workbench, right)),
        "differences": differ.as_deref().map(said::differences), "command": command, "python": null, "notes": notes,
    })))
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let mut all = Vec::new();
    for thing in workbench.things.iter().filter(|thing| matches!(thing.what, What::Runs | What::Run { .. })) {
        let first = Address::of("/api/runs", &[("runs", &thing.id)]);
        let told = crate::export::waited(workbench, &first)?;
        let newest = told["list"].as_array().into_iter().flatten().filter_map(|run| run["id"].as_str());
        all.extend(newest.take(FROZEN).map(|run| first.with("run", run)));
        all.push(first);
    }
    Ok(all)
}
