//! Why was this row predicted so, and what if it were another one?

use std::sync::Arc;

use pellucid::explain::what_if::{Constraint, Decision, Values, nearest, reaches};
use pellucid::explain::{Control, Kind, Quiet};
use pellucid::models::trees::FeatureMatrix;
use pellucid::models::{Predict as _, Scale as Margins};
use pellucid::views::number::{count, percent, pretty};
use pellucid::views::{Subject, View as _, force, waterfall};
use serde_json::{Value, json};

use super::global::finite;
use super::{first_pair, output, outputs, titled};
use crate::address::Address;
use crate::cohort::among;
use crate::failure::Failure;
use crate::figure::figure;
use crate::memo::Found;
use crate::paired::Paired;
use crate::workbench::{Answer, Workbench};

mod again;
mod asked;

use asked::{Cell, Wish, listed};

/// Steps of the waterfall.
const TOP: usize = 15;
/// Near rows of each decision.
const NEAR: usize = 5;
/// Features that a near row is told to differ by.
const DIFFERS: usize = 6;
/// Rows in an export, besides the typical ones: of one file, and of a folder.
const FROZEN: u64 = 10;
const MORE_FROZEN: u64 = 200;

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    let Some(pair) = first_pair(workbench) else {
        return super::saved_row::start(workbench).map(|start| ("row", start));
    };
    Some(("row", pair.into_iter().chain([("row", "0".to_owned())]).collect()))
}

/// The space of an address; values are of margins.
pub(super) fn space(address: &Address) -> Result<(), Failure> {
    match address.one("space")? {
        None | Some("margin") => Ok(()),
        Some(other) => Err(Failure::usage(format!("space={other}: values are of the margin here"))),
    }
}

/// What decides, and where.
struct Scale {
    unit: String,
    is_probability: bool,
    cut: Option<f64>,
}

impl Scale {
    fn of(address: &Address, paired: &Paired) -> Result<Self, Failure> {
        let link = paired.model.link;
        let is_probability = link.is_probability();
        let usual = (is_probability && paired.model.base.len() == 1).then_some(0.5);
        let unit = if is_probability { "probability" } else { link.margin_unit() }.to_owned();
        let cut = address.number("cut")?.or(usual);
        if cut.is_some_and(f64::is_nan) {
            return Err(Failure::usage("cut=NaN: a decision changes at a number"));
        }
        Ok(Self { unit, is_probability, cut })
    }

    fn answer(&self, paired: &Paired, output: usize, margins: &[f64]) -> f64 {
        if self.is_probability {
            paired.model.predictions(margins).get(output).copied().unwrap_or(f64::NAN)
        } else {
            margins[output]
        }
    }

    fn text(&self, answer: f64) -> String {
        if self.is_probability { percent(answer) } else { pretty(answer, 4) }
    }
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    if address.one("explanation")?.is_some() {
        return super::saved_row::answer(workbench, address);
    }
    address.only(&[
        "model", "data", "row", "output", "space", "set", "hold", "up", "down", "cut", "find", "where",
    ])?;
    let paired = match workbench.paired(address)? {
        Found::Ready(paired) => paired,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    space(address)?;
    let (output, scale) = (output(address, &paired.model)?, Scale::of(address, &paired)?);
    let number = address.number::<usize>("row")?.unwrap_or(0);
    let original = paired.row(number)?;
    let among = match among(workbench, address, (number, paired.rows.n_rows()))? {
        Found::Ready(among) => among,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let wish = Wish::read(address, &paired)?;
    let row = wish.applied(&original, &paired);
    let threads = workbench.options.threads;
    let control = Control { threads, watch: &Quiet };
    let columns = row.iter().map(|&x| vec![x]).collect();
    let rows = FeatureMatrix::new(columns, 1, paired.model.cast)
        .ok_or_else(|| Failure::new(crate::Code::Bug, "a row of columns of different lengths"))?;
    let row: Vec<f64> = rows.columns().iter().map(|column| column[0]).collect();
    let sample = paired.explain(number, &rows, &control)?;
    let (thing, table) = (workbench.model(address)?.0, workbench.table(address)?);
    let subject = titled(sample.subject(&paired.model, output), thing);
    // As reaches and near rows have it: with the source library's own rounding.
    let now = scale.answer(&paired, output, &paired.model.predict(&rows, Margins::Margin));
    let decide = |margins: &[f64]| scale.answer(&paired, output, margins);
    let decision = Decision { answer: &decide, cut: scale.cut };
    let reached = reaches(&paired.model, &row, &paired.domains, &wish.constraints, decision, &control)?;
    let changes: Vec<Value> =
        reached.iter().enumerate().map(|(at, reach)| change(&paired, at, reach)).collect();
    let before = paired.margins_of(number);
    let is_same = |(&now, &was): (&f64, &f64)| Constraint::Held.allows(was, now);
    let is_changed = !row.iter().zip(&original).all(is_same);
    let step = waterfall::waterfall(&subject, 0, TOP);
    let mut words = vec![step.sentence()];
    if is_changed {
        let was = scale.answer(&paired, output, &before);
        words.push(format!(
            "As it stands in the data, the {} is {}; with these changes it is {}.",
            scale.unit,
            scale.text(was),
            scale.text(now)
        ));
    }
    words.extend(turning(&paired, &reached, &scale, now));
    let mut notes = paired.notes.clone();
    if paired.around.step > 1 {
        notes.push(format!(
            "rows that are near are searched among every {} rows, {} of {}",
            paired.around.step,
            count(paired.around.rows(&paired.rows).n_rows()),
            count(paired.rows.n_rows())
        ));
    }
    if reached.iter().any(|reach| !reach.is_exact) {
        notes.push("the model has a linear part: what one change could do is told of the values in the data, not of all".to_owned());
    }
    let features: Vec<Value> =
        (0..row.len()).map(|at| feature(&paired, &subject, &wish, at, (row[at], original[at]))).collect();
    let neighbors = if is_changed { None } else { Some(number) };
    let told = again::Told {
        thing,
        table,
        paired: &paired,
        row: &row,
        number,
        output,
        is_changed,
        reading: workbench.spelled(table),
    };
    notes.extend(told.note());
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.row/1", "model": thing.id, "data": table.id, "row": number, "n_rows": paired.rows.n_rows(), "among": *among,
        "outputs": outputs(&paired.model), "output": output, "spaces": ["margin"], "space": "margin", "unit": subject.unit,
        "base": finite(subject.base), "margin": finite(subject.margins[0]), "probability": probability(&subject),
        "residual": finite(subject.totals.worst_residual), "exact": subject.kind == Kind::Shapley, "method": subject.method,
        "answer": finite(now), "answer_unit": scale.unit, "cut": scale.cut.map(finite), "words": words, "features": features,
        "before": is_changed.then(|| {
            let answer = scale.answer(&paired, output, &before);
            json!({"margin": finite(before[output]), "probability": scale.is_probability.then(|| finite(answer)), "answer": finite(answer)})
        }),
        "waterfall": figure("waterfall", &step), "force": figure("force", &force::force(&subject, 0)), "changes": changes,
        "neighbors": near(&paired, &row, &wish, neighbors, (output, &scale), now), "command": told.command(), "python": told.python(), "notes": notes,
    })))
}

fn probability(subject: &Subject) -> Value {
    subject.probabilities.as_ref().and_then(|all| all.first()).map_or(Value::Null, |&p| finite(p))
}

fn feature(paired: &Paired, subject: &Subject, wish: &Wish, at: usize, (now, was): (f64, f64)) -> Value {
    let domain = &paired.domains[at];
    let cell = Cell::of(paired, at);
    let told = match &domain.values {
        Values::Numbers { low, high, whole, grid, counts } => {
            json!({"kind": "number", "low": low, "high": high, "whole": whole, "grid": grid, "counts": counts})
        }
        // As they are written in an address; those without names are their codes.
        Values::Categories { seen } => {
            let (levels, n_found) = listed(seen, &cell, wish.found(at));
            json!({"kind": "category", "levels": levels, "n_levels": seen.len(), "n_found": n_found})
        }
        Values::Nothing => {
            json!({"kind": "number", "low": 0, "high": 0, "whole": false, "grid": [], "counts": []})
        }
    };
    json!({
        "name": paired.model.features[at].name, "text": cell.text(now), "raw": cell.raw(now), "original_raw": cell.raw(was), "number": finite(now), "original_text": cell.text(was), "original": finite(was),
        "changed": now != was && !(now.is_nan() && was.is_nan()), "may_be_missing": domain.n_missing > 0, "adds": finite(subject.value(0, at)), "domain": told,
        "constraint": match wish.constraints[at] {
            Constraint::Free => "free",
            Constraint::Held => "held",
            Constraint::Up => "up",
            Constraint::Down => "down",
        },
    })
}

fn change(paired: &Paired, at: usize, reach: &pellucid::explain::what_if::Reach) -> Value {
    let (cell, name) = (Cell::of(paired, at), &paired.model.features[at].name);
    json!({
        "feature": name, "low": finite(reach.low.answer), "low_at": cell.text(reach.low.value), "high": finite(reach.high.answer), "high_at": cell.text(reach.high.value),
        "turns_at": reach.turn.map(|turn| cell.text(turn.value)), "turns_set": reach.turn.map(|turn| format!("{name}:{}", cell.raw(turn.value))),
        "turned_answer": reach.turn.map(|turn| finite(turn.answer)),
    })
}

/// Which features could turn the decision alone, in words.
fn turning(
    paired: &Paired,
    reached: &[pellucid::explain::what_if::Reach],
    scale: &Scale,
    now: f64,
) -> Option<String> {
    let cut = scale.cut?;
    let mut turns: Vec<(String, f64)> = reached
        .iter()
        .enumerate()
        .filter_map(|(at, reach)| {
            let turn = reach.turn?;
            let name = &paired.model.features[at].name;
            Some((format!("{name} at {}", Cell::of(paired, at).text(turn.value)), (turn.answer - now).abs()))
        })
        .collect();
    turns.sort_by(|a, b| b.1.total_cmp(&a.1));
    let side = if now >= cut { "below" } else { "to or above" };
    let cut = scale.text(cut);
    Some(match turns.as_slice() {
        [] => format!("No single change within the values of the data moves it {side} {cut}."),
        [only] => format!("One single change moves it {side} {cut}: {}.", only.0),
        [first, second] => format!("Two single changes move it {side} {cut}: {}, or {}.", first.0, second.0),
        [first, second, rest @ ..] => {
            let n = rest.len() + 2;
            format!("{n} single changes move it {side} {cut}, most of all {}, or {}.", first.0, second.0)
        }
    })
}

/// Rows that are near: first those with the other decision, then those with the same.
fn near(
    paired: &Paired,
    row: &[f64],
    wish: &Wish,
    itself: Option<usize>,
    (output, scale): (usize, &Scale),
    now: f64,
) -> Vec<Value> {
    let (around, k) = (&paired.around, paired.model.base.len());
    let rows = around.rows(&paired.rows);
    let answer = |at: usize| scale.answer(paired, output, around.margins(at, k));
    let is_other = |at: usize| scale.cut.is_some_and(|cut| (answer(at) >= cut) != (now >= cut));
    let mut found = Vec::new();
    for other in [true, false] {
        let accept = |at: usize| Some(at * around.step) != itself && is_other(at) == other;
        found.extend(nearest(rows, row, &paired.domains, &wish.constraints, NEAR, accept));
    }
    let told = |near: &pellucid::explain::what_if::Near| {
        let at = near.row;
        let value = |feature: usize| rows.columns()[feature][at];
        let differ = (0..row.len()).filter(|&feature| !Constraint::Held.allows(row[feature], value(feature)));
        let text = |feature: usize| {
            format!(
                "{}: {}",
                paired.model.features[feature].name,
                Cell::of(paired, feature).text(value(feature))
            )
        };
        let mut differs: Vec<String> = differ.map(text).collect();
        if differs.len() > DIFFERS {
            let more = differs.len() - DIFFERS + 1;
            differs.truncate(DIFFERS - 1);
            differs.push(format!("{more} others"));
        }
        json!({"row": at * around.step, "distance": near.distance, "answer": finite(answer(at)), "other": is_other(at), "differs": differs})
    };
    found.iter().map(told).collect()
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let Some((first, global)) = counted(workbench)? else { return Ok(Vec::new()) };
    let n = global["n_rows"].as_u64().unwrap_or(0);
    let typical = global["typical"].as_array().into_iter().flatten().filter_map(|row| row["row"].as_u64());
    let mut rows: Vec<u64> = (0..n.min(FROZEN)).chain(typical).collect();
    rows.sort_unstable();
    rows.dedup();
    Ok(rows.into_iter().map(|row| first.with("row", row.to_string())).collect())
}

/// Rows from the first on.
pub(super) fn more_frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let Some((first, global)) = counted(workbench)? else { return Ok(Vec::new()) };
    let n = global["n_rows"].as_u64().unwrap_or(0);
    Ok((0..n.min(MORE_FROZEN)).map(|row| first.with("row", row.to_string())).collect())
}

/// The address of rows without one, and what is said of all of them, where there are some.
fn counted(workbench: &Arc<Workbench>) -> Result<Option<(Address, Value)>, Failure> {
    let Some(all) = super::beginning("/api/global", super::global::live(workbench)) else { return Ok(None) };
    let global = crate::export::waited(workbench, &all)?;
    Ok(super::beginning("/api/row", page(workbench)).map(|first| (first.without(&["row"]), global)))
}
