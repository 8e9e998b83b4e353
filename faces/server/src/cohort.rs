//! Which rows does an address ask for? The conditions are [`pellucid::cohort`]'s; here stands what only addresses and their answers know of them.

use std::sync::Arc;

use pellucid::cohort::{Asks, Cohort, Condition, Refused, Test, Than};
use pellucid::data::{RowSet, Table};
use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::memo::Found;
use crate::pages::{in_python, in_shell_if_needed};
use crate::workbench::Workbench;

/// Rows that an address asks for, and in which words.
pub(crate) struct Chosen {
    pub(crate) cohort: Cohort,
    pub(crate) rows: RowSet,
}

/// The rows of an address's table that it asks for; `None` where that is all of them, for which no table needs to be read.
pub(crate) fn chosen(
    workbench: &Arc<Workbench>,
    address: &Address,
) -> Result<Found<Option<Chosen>>, Failure> {
    if address.all("where").next().is_none() {
        return Ok(Found::Ready(Arc::new(None)));
    }
    let table = match workbench.readable(address)? {
        Found::Ready(table) => table,
        Found::Working(job) => return Ok(Found::Working(job)),
    };
    let cohort = cohort(address, &table)?;
    let rows = cohort.rows(&table);
    Ok(Found::Ready(Arc::new(Some(Chosen { cohort, rows }))))
}

/// The conditions of an address on a table.
pub(crate) fn cohort(address: &Address, table: &Table) -> Result<Cohort, Failure> {
    let of = |refused: Refused| {
        let code = if refused.is_absent { Code::NotFound } else { Code::Usage };
        Failure::new(code, format!("where={refused}"))
    };
    Cohort::read(address.all("where"), table).map_err(of)
}

impl Chosen {
    /// That there are rows, and that they are rows of a table of this length.
    pub(crate) fn check(&self, n_rows: usize) -> Result<(), Failure> {
        if self.rows.n_rows() != n_rows {
            return Err(changed());
        }
        if self.rows.is_empty() {
            return Err(Failure::new(Code::NotFound, self.cohort.no_rows()));
        }
        Ok(())
    }
}

/// Where a row of a table of this length stands among those that an address asks for: whether it is one of them, and those beside it. Nothing
/// where it asks for all.
pub(crate) fn among(
    workbench: &Arc<Workbench>,
    address: &Address,
    (row, n_rows): (usize, usize),
) -> Result<Found<Value>, Failure> {
    let chosen = match chosen(workbench, address)? {
        Found::Ready(chosen) => chosen,
        Found::Working(job) => return Ok(Found::Working(job)),
    };
    let Some(Chosen { cohort, rows }) = chosen.as_ref() else { return Ok(Found::Ready(Arc::default())) };
    if rows.n_rows() != n_rows {
        return Err(changed());
    }
    let before = rows.iter().take_while(|&other| other < row).last();
    let after = rows.iter().find(|&other| other > row);
    let is_in = row < n_rows && rows.contains(row);
    let told = json!({"where": told(cohort), "n_rows": rows.count(), "is_in": is_in, "before": before, "after": after});
    Ok(Found::Ready(Arc::new(told)))
}

fn changed() -> Failure {
    let text = "the table changed while it was looked at; start the workbench again";
    Failure::new(Code::Input, text)
}

/// Each condition as it stands in the address, and in words.
pub(crate) fn told(cohort: &Cohort) -> Vec<Value> {
    cohort.conditions().iter().map(|one| json!({"where": one.written, "words": one.words()})).collect()
}

/// The same rows for a command.
pub(crate) fn in_words(cohort: &Cohort) -> String {
    let of = |one: &Condition| format!(" --where {}", in_shell_if_needed(&one.written));
    cohort.conditions().iter().map(of).collect()
}

/// Lines of Python that take these rows of the frame `data`; none where that is all.
pub(crate) fn python(cohort: &Cohort) -> String {
    mask(cohort).map_or(String::new(), |mask| format!("data = data[{mask}]\n"))
}

/// Which rows of the frame `data` it holds for, in Python; nothing where that is all.
pub(crate) fn mask(cohort: &Cohort) -> Option<String> {
    let any = |group: &Vec<&Condition>| {
        let masks: Vec<String> = group.iter().map(|one| in_frame(one)).collect();
        format!("({})", masks.join(" | "))
    };
    let masks: Vec<String> = cohort.groups().iter().map(any).collect();
    (!masks.is_empty()).then(|| masks.join(" & "))
}

/// Where one condition holds in the frame `data`.
fn in_frame(one: &Condition) -> String {
    let name = in_python(&one.name);
    let value = |than: &Than| match than {
        Than::Number(x) if x.is_finite() => format!("{x:?}"),
        Than::Number(x) => format!("float(\"{x}\")"),
        Than::Truth(is) => if *is { "True" } else { "False" }.to_owned(),
        Than::Level(text, _) => in_python(text),
    };
    match &one.asks {
        Asks::Missing => format!("data[{name}].isna()"),
        Asks::Known => format!("data[{name}].notna()"),
        // In Python, what is missing is unequal to everything.
        Asks::Compare(Test::IsNot, than) => {
            format!("data[{name}].notna() & (data[{name}] != {})", value(than))
        }
        Asks::Compare(test, than) => {
            let sign = match test {
                Test::Is | Test::IsNot => "==",
                Test::Below => "<",
                Test::AtMost => "<=",
                Test::Above => ">",
                Test::AtLeast => ">=",
            };
            format!("(data[{name}] {sign} {})", value(than))
        }
    }
}

#[cfg(test)]
mod tests;
