//! Which runs are there?

use pellucid_runs::{Entry, Filter, Listing, MOMENTS, Order, Store, is_moment, short_id};
use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::{Failure, hint};
use crate::opened::Thing;
use crate::pages::in_shell_if_needed;
use crate::runs::{now, store_of};
use crate::workbench::Answer;

/// Runs of one page.
const PAGE: usize = 100;
/// Letters of what is looked for, at most.
const MOST_TEXT: usize = 400;
/// Unreadable folders that are named.
const UNREADABLE: usize = 20;

pub(super) fn answer(thing: &Thing, address: &Address) -> Result<Answer, Failure> {
    let text = |name| -> Result<Option<String>, Failure> {
        let text = address.one(name)?.filter(|text| !text.is_empty());
        if text.is_some_and(|text| text.len() > MOST_TEXT) {
            return Err(Failure::usage(format!("{name}: at most {MOST_TEXT} letters are looked for")));
        }
        Ok(text.map(str::to_owned))
    };
    let since = text("since")?;
    if let Some(since) = since.as_deref().filter(|since| !is_moment(since)) {
        return Err(Failure::usage(format!("since={since}: {MOMENTS}")));
    }
    let (name, order) = order(address.one("sort")?.unwrap_or("newest"))?;
    let from = address.number::<usize>("from")?.unwrap_or(0);
    let filter = Filter {
        verb: text("verb")?,
        tag: text("tag")?,
        text: text("text")?,
        since,
        limit: Some(PAGE),
        skip: from,
        order,
    };
    let dir = store_of(thing)?;
    let mut store = Store::open(&dir)?;
    let listing = store.list(&filter)?;
    let mut notes = store.take_notes();
    unknown(&mut notes, "verb", filter.verb.as_deref(), &listing.verbs);
    unknown(&mut notes, "tag", filter.tag.as_deref(), &listing.tags);
    let Listing { runs, n_found, n_all, unreadable, verbs, tags, .. } = &listing;
    let counted = |all: &[(String, usize)]| -> Vec<Value> {
        all.iter().map(|(name, n)| json!({"name": name, "n": n})).collect()
    };
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.runs/1", "runs": thing.id, "store": dir.display().to_string(), "read": now(),
        "list": runs.iter().map(line).collect::<Vec<_>>(), "n_found": n_found, "n_all": n_all, "from": from, "page": PAGE,
        "sort": name, "sorts": Order::ALL.map(|(name, _)| name), "verbs": counted(verbs), "tags": counted(tags),
        "unreadable": unreadable.iter().take(UNREADABLE).collect::<Vec<_>>(), "n_unreadable": unreadable.len(),
        "command": command(&filter, name, &dir.display().to_string()), "python": null, "notes": notes,
    })))
}

fn line(entry: &Entry) -> Value {
    json!({
        "id": entry.id, "short": short_id(&entry.id), "verb": entry.verb, "started": entry.started, "seconds": entry.seconds,
        "tags": entry.tags, "note": entry.note, "inputs": entry.inputs, "n_inputs": entry.n_inputs, "outputs": entry.outputs,
        "n_outputs": entry.n_outputs,
    })
}

fn order(named: &str) -> Result<(&'static str, Order), Failure> {
    Order::ALL.into_iter().find(|(name, _)| *name == named).ok_or_else(|| {
        let hint = hint(named, Order::ALL.iter().map(|(name, _)| *name));
        Failure::usage(format!("sort={named}: runs are sorted by newest, oldest or longest{hint}"))
    })
}

/// Tells of a name that no run has: it may be a typo, or of runs that are gone.
fn unknown(notes: &mut Vec<String>, kind: &str, asked: Option<&str>, known: &[(String, usize)]) {
    if let Some(asked) = asked.filter(|asked| known.iter().all(|(name, _)| name != asked)) {
        let hint = hint(asked, known.iter().map(|(name, _)| name.as_str()));
        notes.push(format!("no run has the {kind} `{asked}`{hint}"));
    }
}

fn command(filter: &Filter, sort: &str, dir: &str) -> String {
    let mut words = "pellucid runs list".to_owned();
    for (name, value) in [("verb", &filter.verb), ("tag", &filter.tag), ("since", &filter.since)] {
        if let Some(value) = value {
            words += &format!(" --{name}={}", in_shell_if_needed(value));
        }
    }
    if sort != "newest" {
        words += &format!(" --sort {sort}");
    }
    if filter.skip > 0 {
        words += &format!(" --skip {}", filter.skip);
    }
    words += &format!(" --limit {PAGE} --store {}", in_shell_if_needed(dir));
    // Behind it nothing is an option, whatever is looked for.
    filter.text.as_ref().map_or(words.clone(), |text| format!("{words} -- {}", in_shell_if_needed(text)))
}
