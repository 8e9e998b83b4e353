//! What did a saved explanation find for one row? The steps from the base to the answer, from a file and not from a model.

use std::sync::Arc;

use pellucid::data::Table;
use pellucid::explain::Kind;
use pellucid::feed::doubtful_note;
use pellucid::saved::{Saved, Summed, of_data, of_nothing};
use pellucid::views::number::count;
use pellucid::views::{Subject, View as _, force, waterfall};
use serde_json::{Value, json};

use super::global::finite;
use super::named;
use super::saved::origin;
use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::figure::figure;
use crate::memo::Found;
use crate::opened::{Thing, What};
use crate::saved::{check_rows, failed, own_model};
use crate::workbench::{Answer, Workbench};

/// Steps of the waterfall.
const TOP: usize = 15;
/// Rows in an export: of one file, and of a folder.
const FROZEN: u64 = 10;
const MORE_FROZEN: u64 = 200;

/// What the page begins with: the first row of the first explanation that was opened.
pub(super) fn start(workbench: &Workbench) -> Option<Vec<(&'static str, String)>> {
    let first = super::saved::start(workbench)?;
    Some(first.into_iter().chain([("row", "0".to_owned())]).collect())
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&["explanation", "data", "row", "output"])?;
    let (thing, saved) = workbench.explanation(address)?;
    thing.unchanged()?;
    let output = super::saved::output(address, saved)?;
    let row = address.number::<usize>("row")?.unwrap_or(0);
    // It is named, so that the first one is not meant.
    let data = super::saved::values(workbench, address, saved)?;
    let table = match data {
        None => None,
        Some(_) => match workbench.readable(address)? {
            Found::Ready(table) => Some(table),
            Found::Working(job) => return Ok(Answer::Working(job)),
        },
    };
    let mut reader = thing.source.rows(&workbench.options.reading)?;
    let n_rows = reader.n_rows().map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let none = |n: usize| {
        let text = format!("row {row}: the explanation has {} rows, counted from 0", count(n));
        Failure::new(Code::NotFound, text)
    };
    if let Some(n) = n_rows.filter(|n| row >= *n) {
        return Err(none(n));
    }
    if let (Some(n), Some(table), Some(data)) = (n_rows, &table, data) {
        check_rows((saved, n), table.n_rows(), data)?;
    }
    let one = saved.row(reader.as_mut(), row).map_err(|cause| failed(&thing.source, &cause))?;
    let one = one.ok_or_else(|| none(n_rows.unwrap_or(row)))?;
    let told = Told { workbench, thing, saved, one: &one, table: table.as_deref(), output, n_rows };
    told.told(address).map(Answer::Ready)
}

/// What an answer is made of.
struct Told<'a> {
    workbench: &'a Workbench,
    thing: &'a Thing,
    saved: &'a Saved,
    one: &'a Summed,
    table: Option<&'a Table>,
    output: usize,
    n_rows: Option<usize>,
}

impl Told<'_> {
    fn told(&self, address: &Address) -> Result<Value, Failure> {
        let (saved, one) = (self.saved, self.one);
        let features = match self.table {
            None => of_nothing(saved, one),
            Some(table) => of_data(saved, one, table).0,
        };
        let model = own_model(self.workbench, saved).and_then(|id| self.workbench.model_named(&id));
        let subject = saved.subject(one, self.output, model.map(|of| of.1.as_ref()), features);
        let subject = match model {
            Some((model, _)) => super::titled(subject, model),
            None => Subject { model: format!("{} ({})", self.thing.title, subject.model), ..subject },
        };
        let step = waterfall::waterfall(&subject, 0, TOP);
        let data = super::saved::values(self.workbench, address, saved)?;
        let mut notes: Vec<String> = one.doubtful.map(doubtful_note).into_iter().collect();
        notes.push("the residual is that of the file, measured against the model when it was explained; the answer is the base with all values".to_owned());
        let number = one.in_table().first().filter(|_| saved.table_rows.is_some());
        notes.extend(
            number.map(|number| format!("this is row {} of the table that was explained", count(*number))),
        );
        if data.is_some() {
            let by = super::saved::matched_by(saved);
            notes.push(format!(
                "the file does not say which table was explained: values are matched to rows by {by}"
            ));
        } else if address.one("data")?.is_some() {
            notes.extend(super::saved::without_values(saved, self.n_rows));
        }
        let by_size = {
            let mut order: Vec<usize> = (0..subject.features.len()).collect();
            order.sort_by(|&a, &b| {
                subject.value(0, b).abs().total_cmp(&subject.value(0, a).abs()).then(a.cmp(&b))
            });
            order
        };
        let feature = |&at: &usize| {
            let own = &subject.features[at];
            let text = (own.levels.as_ref().is_none_or(|levels| !levels.is_empty())).then(|| own.text(0));
            json!({"name": own.name, "text": text, "adds": finite(subject.value(0, at))})
        };
        let [margin] = subject.margins.as_slice() else {
            return Err(Failure::new(Code::Bug, "one row has one answer"));
        };
        let probability = subject.probabilities.as_ref().and_then(|all| all.first());
        Ok(json!({
            "schema": "pellucid.workbench.saved_row/1", "model": model.map(|(model, _)| &model.id), "data": data, "row": subject.rows.first(), "number": number, "n_rows": self.n_rows,
            "outputs": super::saved::outputs(saved), "output": self.output, "spaces": [], "space": if saved.is_margin { "margin" } else { "probability" },
            "unit": subject.unit, "base": finite(subject.base), "margin": finite(*margin), "probability": probability.map(|p| finite(*p)),
            "residual": finite(subject.totals.worst_residual), "exact": subject.kind == Kind::Shapley, "method": subject.method,
            "words": [step.sentence()], "features": by_size.iter().map(feature).collect::<Vec<_>>(), "waterfall": figure("waterfall", &step),
            "force": figure("force", &force::force(&subject, 0)), "explanation": origin(self.workbench, self.thing, saved),
            "command": format!("pellucid workbench {}", named(&self.thing.source).0), "python": null, "notes": notes,
        }))
    }
}

/// The first rows of every explanation that was opened, and those that its page of all rows leads to.
pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let mut all = rows(workbench, FROZEN);
    for thing in workbench.things.iter().filter(|thing| matches!(thing.what, What::Explanation { .. })) {
        let of = [("explanation", thing.id.as_str())];
        let global = crate::export::waited(workbench, &Address::of("/api/global", &of))?;
        let typical =
            global["typical"].as_array().into_iter().flatten().filter_map(|own| own["row"].as_u64());
        all.extend(typical.map(|row| Address::of("/api/row", &of).with("row", row.to_string())));
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// More of them.
pub(super) fn more_frozen(workbench: &Workbench) -> Vec<Address> {
    rows(workbench, MORE_FROZEN)
}

fn rows(workbench: &Workbench, most: u64) -> Vec<Address> {
    let of = |thing: &Thing| {
        let What::Explanation { n_rows, .. } = thing.what else { return Vec::new() };
        let first = Address::of("/api/row", &[("explanation", &thing.id)]);
        (0..n_rows.unwrap_or(0).min(most)).map(|row| first.with("row", row.to_string())).collect()
    };
    workbench.things.iter().flat_map(of).collect()
}
