//! What did a saved explanation find? The global page, drawn from a file and not from a model.

use std::sync::Arc;

use pellucid::explain::Kind;
use pellucid::feed::doubtful_note;
use pellucid::saved::{Saved, of_data, of_nothing};
use pellucid::views::number::count;
use pellucid::views::report::{finding, lead};
use pellucid::views::{FeatureValues, Subject, bar, beeswarm, decision, heatmap, scatter};
use serde_json::{Value, json};

use super::global::{FROZEN, TOP, feature_of, finite, importances, typical};
use super::named;
use crate::address::Address;
use crate::failure::Failure;
use crate::figure::figure;
use crate::memo::Found;
use crate::opened::{Thing, What};
use crate::saved::{Answers, Read, check_rows};
use crate::workbench::{Answer, Workbench};

/// What the page begins with: the first explanation that was opened.
pub(super) fn start(workbench: &Workbench) -> Option<Vec<(&'static str, String)>> {
    let (thing, _) = workbench.explanation(&Address::of("", &[])).ok()?;
    Some(vec![("explanation", thing.id.clone())])
}

/// Which output an address means, of those of the file.
pub(super) fn output(address: &Address, saved: &Saved) -> Result<usize, Failure> {
    let output = address.number::<usize>("output")?.unwrap_or(0);
    if output >= saved.n_outputs {
        let text = format!("output={output}: the explanation has {}, counted from 0", saved.n_outputs);
        return Err(Failure::usage(text));
    }
    Ok(output)
}

/// What outputs are called: by number, where there are several.
pub(super) fn outputs(saved: &Saved) -> Vec<String> {
    if saved.n_outputs > 1 { (0..saved.n_outputs).map(|at| at.to_string()).collect() } else { Vec::new() }
}

/// Where a page comes from.
pub(super) fn origin(workbench: &Workbench, thing: &Thing, saved: &Saved) -> Value {
    json!({
        "id": thing.id, "title": thing.title, "version": saved.version, "model_sha256": saved.model_sha256, "groups": saved.groups, "shard": saved.shard, "where": saved.only, "table_rows": saved.table_rows,
        "n_rows": if let What::Explanation { n_rows, .. } = thing.what { n_rows } else { None },
        "others": workbench.things.iter().filter(|thing| thing.model().is_some()).count(),
    })
}

/// The table that features take their values from. Rows that were picked from a table are not those that stand at the same places in it:
/// they need their numbers.
pub(super) fn values<'a>(
    workbench: &Workbench,
    address: &'a Address,
    saved: &Saved,
) -> Result<Option<&'a str>, Failure> {
    let named = address.one("data")?;
    if named.is_some() {
        workbench.table(address)?;
    }
    Ok(named.filter(|_| saved.only.is_none() || saved.table_rows.is_some()))
}

/// What tells which row of a table each one is.
pub(super) fn matched_by(saved: &Saved) -> &'static str {
    if saved.table_rows.is_some() { "their numbers" } else { "their order" }
}

/// Why there are none of those that were asked for.
pub(super) fn without_values(saved: &Saved, n: Option<usize>) -> Option<String> {
    let (words, rows) = (
        saved.only.as_ref().filter(|_| saved.table_rows.is_none())?,
        n.map_or_else(|| "some".to_owned(), count),
    );
    Some(format!("this explanation holds {rows} of its table's rows ({words}): it is shown without values"))
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&["explanation", "data", "output", "feature"])?;
    let (thing, saved) = workbench.explanation(address)?;
    let output = output(address, saved)?;
    let read = match workbench.summed(thing, saved)? {
        Found::Ready(read) => read,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let mut notes = Vec::new();
    let features = match values(workbench, address, saved)? {
        None => of_nothing(saved, &read.summed),
        Some(data) => {
            // It is named, so that the first one is not meant.
            let table = match workbench.readable(address)? {
                Found::Ready(table) => table,
                Found::Working(job) => return Ok(Answer::Working(job)),
            };
            let n = read.summed.totals.first().map_or(0, |totals| totals.n_rows);
            check_rows((saved, n), table.n_rows(), data)?;
            let (features, absent) = of_data(saved, &read.summed, &table);
            if absent.len() == features.len() {
                let text = format!(
                    "data={data}: no column is called as a feature that was explained; the first of them is `{}`",
                    absent[0]
                );
                return Err(Failure::usage(text));
            }
            if !absent.is_empty() {
                let first: Vec<&str> = absent.iter().take(3).map(String::as_str).collect();
                notes.push(format!(
                    "{} of {} have no column in the table, and are drawn without their values: {}{}",
                    absent.len(),
                    features.len(),
                    first.join(", "),
                    if absent.len() > 3 { ", …" } else { "" }
                ));
            }
            features
        }
    };
    told(workbench, address, (thing, saved), &read, (output, features), notes).map(Answer::Ready)
}

fn told(
    workbench: &Workbench,
    address: &Address,
    (thing, saved): (&Thing, &Saved),
    read: &Read,
    (output, features): (usize, Vec<FeatureValues>),
    mut notes: Vec<String>,
) -> Result<Value, Failure> {
    let data = values(workbench, address, saved)?;
    let model = read.model.as_ref().and_then(|id| workbench.model_named(id));
    let subject = saved.subject(&read.summed, output, model.map(|of| of.1.as_ref()), features);
    let subject = match model {
        Some((model, _)) => super::titled(subject, model),
        None => Subject { model: format!("{} ({})", thing.title, subject.model), ..subject },
    };
    let feature = feature_of(address, &subject)?;
    // Without the feature's values there is nothing to draw its effect against.
    let is_known = subject.features.get(feature).is_some_and(|own| own.numbers.iter().any(|x| !x.is_nan()));
    notes.extend(read.summed.doubtful.map(doubtful_note));
    notes.push("residuals are those of the file, measured against the model when it was explained; answers are the base with all values".to_owned());
    let totals = &subject.totals;
    let table = data.map(|_| workbench.table(address)).transpose()?;
    if let Some(table) = table {
        let answers = Answers { output, rows: read.summed.in_table(), margins: &subject.margins };
        let same =
            model.filter(|_| saved.is_margin).and_then(|of| workbench.answers_alike(of.1, table, answers));
        let by = matched_by(saved);
        let told = match same {
            Some((n, true)) => format!(
                "values are matched to rows by {by}; on {n} rows that were compared, the model answers for this table what the file adds up to"
            ),
            Some((_, false)) => {
                "this is not the table that was explained, or its rows are in another order: the model answers otherwise for it than the file adds up to"
                    .to_owned()
            }
            None => format!("the file does not say which table was explained: values are matched to rows by {by}"),
        };
        notes.insert(0, told);
    }
    if address.one("data")?.is_some() {
        notes.extend(without_values(saved, Some(totals.n_rows)));
    }
    let data_words = table.map_or(String::new(), |table| {
        format!(" {}{}", named(&table.source).0, workbench.spelled(table).words)
    });
    Ok(json!({
        "schema": "pellucid.workbench.global/1", "model": read.model, "data": data, "n_rows": totals.n_rows, "n_shown": subject.n_shown(),
        "outputs": outputs(saved), "output": output,
        "spaces": [], "space": if saved.is_margin { "margin" } else { "probability" }, "unit": subject.unit,
        "answer_unit": if subject.probabilities.is_some() { "probability" } else { subject.unit.as_str() }, "base": finite(subject.base),
        "worst_residual": finite(totals.worst_residual), "exact": subject.kind == Kind::Shapley, "method": subject.method,
        "words": [finding(&subject), lead(&subject)], "features": importances(&subject), "feature": subject.features.get(feature).map(|own| &own.name),
        "bar": figure("importance", &bar::bar(&subject, TOP)), "beeswarm": figure("beeswarm", &beeswarm::beeswarm(&subject, TOP)),
        "dependence": is_known.then(|| figure("dependence", &scatter::scatter(&subject, feature))),
        "heatmap": figure("heatmap", &heatmap::heatmap(&subject, TOP)), "decision": figure("decision", &decision::decision(&subject, TOP)),
        "typical": typical(&subject),
        "explanation": origin(workbench, thing, saved),
        "command": format!("pellucid workbench {}{data_words} --export explanation.html", named(&thing.source).0),
        "python": null, "notes": notes,
    }))
}

/// Addresses of the first explanation.
pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let mut all = Vec::new();
    for thing in workbench.things.iter().filter(|thing| matches!(thing.what, What::Explanation { .. })) {
        let first = Address::of("/api/global", &[("explanation", &thing.id)]);
        crate::export::waited(workbench, &first)?;
        all.push(first);
        // With the table, where it is the one that was explained; whatever else it may be is no trouble here.
        for table in workbench.things.iter().filter(|thing| matches!(thing.what, What::Table { .. })) {
            let own = [("explanation", thing.id.as_str()), ("data", table.id.as_str())];
            let with = Address::of("/api/global", &own);
            let Ok(answer) = crate::export::waited(workbench, &with) else { continue };
            all.push(with);
            let names =
                answer["features"].as_array().into_iter().flatten().filter_map(|own| own["name"].as_str());
            all.extend(names.take(FROZEN).map(|name| {
                let own = [own[0], own[1], ("feature", name)];
                Address::of("/api/global", &own)
            }));
        }
    }
    Ok(all)
}
