//! How is patching told? The prompts with what follows them, the plan, the grid, and a single place.

use std::collections::BTreeSet;

use pellucid::explain::inside::logit_lens::{probabilities, reading};
use pellucid::explain::inside::{Cell, Several};
use pellucid::models::transformer::Token;
use pellucid::patched::prompts::Values;
use pellucid::patched::{CAVEATS, Sweep};
use pellucid::told::{merge, position, seen};
use pellucid::views::View as _;
use pellucid::views::number::pretty;
use pellucid::views::patch_grid::{Linked, is_rounding, visible};
use serde_json::{Map, Value, json};

use super::asked::{Question, Ready, written};
use super::{Looked, Place, sites};
use crate::figure::figure;
use crate::opened::Thing;

/// Tokens that are told of what comes next.
const TOP: usize = 5;

/// What is asked of what.
type Of<'q> = (&'q Thing, &'q Question, &'q Ready);

/// What the prompt says whose values are put in, where there is one.
pub(super) struct Other<'s>(Option<&'s [f32]>);

impl<'s> Other<'s> {
    pub(super) fn of(question: &Question, said: &'s [Vec<f32>; 2]) -> Self {
        let [clean, corrupt] = said;
        let is_other = question.how.with == Values::Other;
        Self(is_other.then_some(if question.how.noising { corrupt } else { clean }))
    }
}

/// The most probable tokens after any of several runs, and the two answers, with their probabilities in each run that there was.
fn next(question: &Question, ready: Option<&Ready>, runs: &[(&str, Option<&[f32]>)]) -> Vec<Value> {
    let tokens = &question.inside.tokens;
    let there = |logits: Option<&'_ [f32]>| logits.is_some_and(|logits| !logits.is_empty());
    let answers = ready.map_or([None, None], |ready| {
        ready.prompt.answers.each_ref().map(|text| tokens.one(text.as_deref()?).ok())
    });
    let mut ids: Vec<u32> = Vec::new();
    for logits in runs.iter().filter(|(_, logits)| there(*logits)).filter_map(|(_, logits)| *logits) {
        ids.extend(reading(logits, None, TOP).top.iter().map(|(token, _)| *token));
    }
    ids.extend(answers.into_iter().flatten());
    let mut seen = BTreeSet::new();
    ids.retain(|id| seen.insert(*id));
    let role = |id: u32| match answers.map(|answer| answer == Some(id)) {
        [true, _] => Value::from("answer"),
        [_, true] => Value::from("wrong"),
        _ => Value::Null,
    };
    let mut rows: Vec<Map<String, Value>> = ids
        .iter()
        .map(|&id| {
            let token = visible(&tokens.text(id));
            [("token".to_owned(), token.into()), ("is".to_owned(), role(id))].into_iter().collect()
        })
        .collect();
    for (name, logits) in runs {
        let shares = logits.filter(|_| there(*logits)).map(|logits| probabilities(logits, &ids));
        for (at, row) in rows.iter_mut().enumerate() {
            let share = shares.as_ref().and_then(|shares| shares.get(at)).copied();
            row.insert((*name).to_owned(), json!(share));
        }
    }
    rows.into_iter().map(Value::Object).collect()
}

/// What there is to choose, and what was chosen.
fn chosen(thing: &Thing, question: &Question) -> Value {
    let spec = &question.inside.model.spec;
    let (texts, how) = (&question.texts, &question.how);
    let words = |tokens: &[Token]| json!(seen(tokens));
    let differ: Vec<usize> = question.corrupt.as_ref().map_or_else(Vec::new, |corrupt| {
        let pairs = question.clean.iter().zip(corrupt).enumerate();
        pairs.filter(|(_, (a, b))| a.id != b.id).map(|(at, _)| at).collect()
    });
    json!({
        "transformer": thing.id, "name": thing.title,
        "model": {"family": spec.family.name(), "layers": spec.n_layers, "heads": spec.n_heads, "context": spec.n_ctx},
        "clean": texts.clean, "corrupt": texts.corrupt, "answer": texts.answer, "wrong": texts.wrong,
        "with": how.with.name(), "direction": how.direction(), "position": how.position,
        "site": question.patching.site.short(), "site_words": sites::words(question.patching.site), "by": question.patching.by.to_string(),
        "tokens": {"clean": words(&question.clean), "corrupt": question.corrupt.as_deref().map(words), "differ": differ},
        "sites": sites::told(spec, how.with == Values::Zero),
    })
}

/// Prompts that are not patched, with why.
pub(super) fn not_ready(thing: &Thing, question: &Question, said: &[Vec<f32>; 2], problem: &str) -> Value {
    let [clean, corrupt] = said;
    let (command, python) = question.spelled(thing, "plan", 0.0);
    let mut body = json!({"schema": "pellucid.workbench.patching/1"});
    merge(&mut body, chosen(thing, question));
    merge(
        &mut body,
        json!({
            "trouble": problem, "plan": null, "metric": null,
            "next": next(question, None, &[("clean", Some(clean)), ("corrupt", Some(corrupt))]),
            "command": command, "python": python, "notes": [],
        }),
    );
    body
}

fn sweep<'q>((_, question, ready): Of<'q>) -> Sweep<'q> {
    Sweep {
        model: &question.inside.model,
        prompts: std::slice::from_ref(&ready.prompt),
        how: &question.how,
        asked: question.patching,
        again: "verify",
    }
}

/// What is measured, and what it is in either prompt.
fn metric(of: Of<'_>, own: f64, other: Option<f64>) -> Value {
    let (clean, corrupt) = sweep(of).ends(own, other);
    let prompt = &of.2.prompt;
    json!({
        "name": prompt.metric.name(), "words": prompt.measured(), "clean": clean, "corrupt": corrupt,
        "unit": sweep(of).unit(other.is_some()), "is_share": other.is_some(),
    })
}

/// The prompts, what follows them, and what the grid would cost.
pub(super) fn plan(of: Of<'_>, looked: &Looked, said: &[Vec<f32>; 2]) -> Value {
    let (thing, question, ready) = of;
    let known = &looked.known;
    let [clean, corrupt] = said;
    let (command, python) = question.spelled(thing, "plan", 0.0);
    let mut costs = looked.costs.told(&question.inside.model);
    let times = looked.costs.naive as f64 / looked.costs.planned.max(1) as f64;
    merge(&mut costs, json!({"times_fewer": times, "activation_bytes": looked.costs.bytes}));
    let mut body = json!({"schema": "pellucid.workbench.patching/1"});
    merge(&mut body, chosen(thing, question));
    merge(
        &mut body,
        json!({
            "trouble": null, "plan": costs, "metric": metric(of, known.own(), known.other()),
            "doing": question.how.doing(),
            "next": next(question, Some(ready), &[("clean", Some(clean)), ("corrupt", Some(corrupt))]),
            "command": command, "python": python, "notes": notes(question),
        }),
    );
    body
}

fn notes(question: &Question) -> Vec<String> {
    let mut notes = Vec::new();
    let longest = question.clean.len().max(question.corrupt.as_ref().map_or(0, Vec::len));
    let last = position(question.how.position, longest);
    if last.is_some_and(|at| at + 1 < longest) {
        notes.push(
            "Tokens after the one where the answer is measured have no say there; they are left out"
                .to_owned(),
        );
    }
    notes
}

/// All cells.
pub(super) fn grid(of: Of<'_>, found: &Several, verify: f64) -> Value {
    let (thing, question, _) = of;
    let (view, order) = sweep(of).grid(found);
    let cells = found.each.first().map_or(&[][..], |one| &one.plan.cells);
    let place = |&at: &usize| cells.get(at).map_or_else(String::new, |&cell| written(cell));
    let places: Vec<String> = order.iter().map(place).collect();
    let n_columns = view.columns.len().max(1);
    let linked = Linked { grid: view, places };
    let (command, python) = question.spelled(thing, "patch", verify);
    let mut body = json!({"schema": "pellucid.workbench.patching_grid/1"});
    merge(&mut body, sweep(of).about(0));
    merge(&mut body, sweep(of).told(found));
    let own = found.each.first().map(|one| metric(of, one.own, one.other));
    // Each cell with its name in addresses and in words, in the picture's order.
    let cells = order.iter().zip(&linked.places).enumerate();
    let cells: Vec<Value> = cells
        .filter_map(|(drawn, (&at, place))| {
            let mut cell = body["grid"].get(at)?.clone();
            let name = linked.grid.name(drawn / n_columns, drawn % n_columns);
            merge(&mut cell, json!({"cell": place, "name": name}));
            Some(cell)
        })
        .collect();
    body["grid"] = cells.into();
    let mut notes = CAVEATS.map(str::to_owned).to_vec();
    notes.extend(notes_of_scale(found));
    merge(
        &mut body,
        json!({
            "transformer": thing.id, "metric": own, "figure": figure("patching", &linked), "words": linked.sentence(),
            "exact": true, "verified_share": verify, "command": command, "python": python, "notes": notes,
        }),
    );
    body
}

/// Shares of a small difference are large, and say little.
fn notes_of_scale(found: &Several) -> Option<String> {
    let one = found.each.first()?;
    let by = (one.other? - one.own).abs();
    (by < 0.1)
        .then(|| format!("The prompts differ by {} only: shares of so little say little", pretty(by, 2)))
}

/// One place.
pub(super) fn place(of: Of<'_>, looked: &Looked, cell: Cell, found: &Place, other: &Other<'_>) -> Value {
    let (thing, question, ready) = of;
    let known = &looked.known;
    let (command, python) = question.spelled(thing, "patch", 0.0);
    let token = cell.position.and_then(|at| ready.prompt.run(&question.how).get(at));
    let token = token.map(|token| visible(&token.text));
    let (now, value) = match &found.0 {
        Some(logits) => (logits, known.metric(logits)),
        None => (&looked.unchanged, known.own()),
    };
    let runs = [("now", Some(&now[..])), ("before", Some(&looked.unchanged)), ("other", other.0)];
    json!({
        "schema": "pellucid.workbench.patching_cell/1", "transformer": thing.id, "site": question.patching.site.short(),
        "cell": written(cell), "layer": cell.layer, "position": cell.position, "head": cell.head, "token": token,
        "skipped": found.0.is_none(), "metric": metric(of, known.own(), known.other()),
        "value": value, "effect": known.effect(value), "is_rounding": is_rounding(known.effect(value)), "doing": question.how.doing(),
        "next": next(question, Some(ready), &runs),
        "command": command, "python": python,
        "notes": ["The command runs the whole grid; this cell's metric and effect stand in its JSON, and the tokens that come next only here"],
    })
}
