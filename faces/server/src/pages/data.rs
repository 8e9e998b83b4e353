//! What stands in the table, column by column?

mod again;
mod cells;
mod column;
mod described;
mod words;

use std::sync::Arc;

use pellucid::data::summary::{Values, split};
use pellucid::data::{Kind, Table};
use serde_json::{Value, json};

use super::global::finite;
use crate::address::Address;
use crate::cohort::{cohort, told};
use crate::failure::{Code, Failure, hint};
use crate::figure::figure;
use crate::memo::Found;
use crate::opened::{Thing, What};
use crate::workbench::{Answer, Workbench};

pub(super) use again::frame;
use column::{Groups, Own};
pub(crate) use described::Described;

/// Columns that are listed, at most; others can be asked for by name.
const LISTED: usize = 300;
/// Names that can be chosen from, at most.
const NAMED: usize = 2_000;
/// Most common values of a line.
const COMMON: usize = 3;
/// Columns of an export.
const FROZEN: usize = 8;

const SCHEMA: &str = "pellucid.workbench.data/1";

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    let table = workbench.table(&Address::of("", &[])).ok()?;
    Some(("data", vec![("data", table.id.clone())]))
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&["data", "column", "by", "where", "rows_from", "sort"])?;
    let thing = workbench.table(address)?;
    let table = match workbench.readable(address) {
        Ok(Found::Ready(table)) => table,
        Ok(Found::Working(job)) => return Ok(Answer::Working(job)),
        Err(failure) if failure.code == Code::Limit => {
            return Ok(Answer::Ready(too_large(workbench, thing, &failure)));
        }
        Err(failure) => return Err(failure),
    };
    let cohort = cohort(address, &table)?;
    let chosen = column_of(address, "column", &table)?.unwrap_or(0);
    let by = column_of(address, "by", &table)?;
    let described = match described::described(workbench, address, &table, &cohort)? {
        Found::Ready(described) => described,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let rows = &described.rows;
    let (n, words) = (rows.count(), cohort.words());
    let fields = &table.schema().fields;
    let own = |at: usize| -> Result<Own<'_>, Failure> {
        let found = fields.get(at).zip(table.columns().get(at)).zip(described.summaries.get(at));
        let ((field, column), summary) =
            found.ok_or_else(|| Failure::new(Code::NotFound, "the table has no columns"))?;
        Ok(Own { field, column, summary, rows })
    };
    let groups = match by {
        None => None,
        Some(at) => {
            let own = own(at)?;
            Some(Groups::by(own.field, own.column, split(own.column, rows)))
        }
    };
    let rows_said = words::rows(n, table.n_rows(), &words);
    let subtitle = format!("{} · {rows_said}", thing.title);
    // Without rows there are no groups, and nothing to draw.
    let large = own(chosen)?;
    let (histogram, leads) = large.told(&subtitle, groups.as_ref().filter(|_| n > 0));
    let listed = 0..fields.len().min(LISTED);
    let lines: Result<Vec<Value>, Failure> =
        listed.map(|at| Ok(line(&own(at)?, &words::outstanding(&table, &described, at)))).collect();
    let again = again::Told {
        workbench,
        thing,
        cohort: &cohort,
        field: large.field,
        table: &table,
        by: by.and_then(|at| fields.get(at)),
        leads: &leads,
        has_infinite: described.has_infinite(),
    };
    Ok(Answer::Ready(json!({
        "schema": SCHEMA, "data": thing.id, "n_rows": n, "n_all": table.n_rows(), "n_columns": n_columns(thing), "limit": null,
        "words": [format!("{}: {rows_said}", thing.title), words::missing(&table, &described)],
        "where": told(&cohort), "cohort": words, "columns": lines?, "choices": fields.iter().take(NAMED).map(|field| &field.name).collect::<Vec<_>>(),
        "unread": unread(thing), "column": line(&large, &words::outstanding(&table, &described, chosen)), "by": by.and_then(|at| fields.get(at)).map(|field| &field.name),
        "histogram": figure("values", &histogram), "leads": leads.to_json(), "rows": cells::told(address, &table, rows, chosen)?,
        "command": again.command(), "python": again.python(), "notes": again.notes(),
    })))
}

/// The column that a parameter names.
fn column_of(address: &Address, parameter: &str, table: &Table) -> Result<Option<usize>, Failure> {
    let Some(name) = address.one(parameter)? else { return Ok(None) };
    table.schema().position(name).map(Some).ok_or_else(|| {
        let hint = hint(name, table.schema().names());
        Failure::new(Code::NotFound, format!("{parameter}={name}: the table has no such column{hint}"))
    })
}

/// How many columns the file has, also those that are not read.
fn n_columns(thing: &Thing) -> usize {
    if let What::Table { columns, .. } = &thing.what { columns.len() } else { 0 }
}

/// Columns that can be named and not read.
fn unread(thing: &Thing) -> Vec<&String> {
    let What::Table { columns, kinds, .. } = &thing.what else { return Vec::new() };
    columns.iter().zip(kinds).filter(|one| *one.1 == Kind::Other).map(|one| one.0).collect()
}

/// What is told of each column.
fn line(own: &Own<'_>, outstanding: &[String]) -> Value {
    let (summary, kind) = (own.summary, own.field.kind);
    let number = |x: f64| json!({"text": words::number(x, kind), "value": finite(x)});
    let spread = match &summary.values {
        Values::Numbers(numbers) => {
            let [low, middle, high] = numbers.quartiles.map(number);
            json!({"low": number(numbers.low), "quarter": low, "median": middle, "three_quarters": high, "high": number(numbers.high), "mean": number(numbers.mean)})
        }
        _ => Value::Null,
    };
    let told = |text: String, n: usize| json!({"text": text, "n": n});
    let common: Vec<Value> = match &summary.values {
        Values::Numbers(numbers) => {
            numbers.common.iter().take(COMMON).map(|one| told(words::number(one.0, kind), one.1)).collect()
        }
        Values::Text(text) => {
            text.common.iter().take(COMMON).map(|one| told(words::level(own.column, one.0), one.1)).collect()
        }
        Values::Nothing => Vec::new(),
    };
    json!({
        "name": own.field.name, "kind": words::kind(kind), "n_infinite": summary.n_infinite(), "is_number": kind.is_number() && kind != Kind::Boolean, "n_missing": summary.n_missing,
        "n_distinct": summary.n_distinct, "spread": spread, "common": common, "small": own.small(), "findings": outstanding,
    })
}

/// What is known of a table that does not fit into memory.
fn too_large(workbench: &Arc<Workbench>, thing: &Thing, failure: &Failure) -> Value {
    let (columns, n_rows): (Vec<Value>, Option<u64>) = match &thing.what {
        What::Table { columns, kinds, n_rows } => {
            let all = columns.iter().zip(kinds).take(LISTED);
            (all.map(|(name, kind)| json!({"name": name, "kind": words::kind(*kind)})).collect(), *n_rows)
        }
        _ => (Vec::new(), None),
    };
    json!({
        "schema": SCHEMA, "data": thing.id, "n_rows": n_rows, "n_all": n_rows, "n_columns": n_columns(thing), "limit": failure.message,
        "words": [format!("{} is too large for the memory that was given", thing.title)], "columns": columns,
        "command": again::inspect(workbench, thing), "python": null, "notes": [],
    })
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let Some(first) = super::beginning("/api/data", page(workbench)) else { return Ok(Vec::new()) };
    let answer = crate::export::waited(workbench, &first)?;
    let names = answer["choices"].as_array().into_iter().flatten().filter_map(Value::as_str);
    // The first column is what the page begins with, and is not said in its address.
    let others: Vec<Address> =
        names.skip(1).take(FROZEN - 1).map(|name| first.with("column", name)).collect();
    Ok(std::iter::once(first).chain(others).collect())
}
