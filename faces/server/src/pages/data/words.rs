//! How is it said what stands in a column, and what stands out in it?

use pellucid::data::summary::{Finding, Summary, Twin, Values, findings};
use pellucid::data::{Column, Kind, Table};
use pellucid::views::number::{count, percent, pretty};

use super::described::Described;

/// What its values are.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "whole numbers",
        Kind::Boolean => "true or false",
        Kind::Category => "text",
        Kind::Other => "not read: neither numbers nor text",
        _ => "numbers",
    }
}

/// A number of a column for people.
pub(super) fn number(x: f64, of: Kind) -> String {
    match x {
        0.0 if of == Kind::Boolean => "false".to_owned(),
        1.0 if of == Kind::Boolean => "true".to_owned(),
        // Whole numbers have all their digits.
        _ if x.fract() == 0.0 && x.abs() < 1e12 => {
            format!("{}{}", if x < 0.0 { "−" } else { "" }, count(x.abs() as usize))
        }
        _ => pretty(x, 6),
    }
}

/// A number as it stands in a condition: all its digits, whatever its size.
pub(super) fn exact(x: f64, of: Kind) -> String {
    match (of, x.abs()) {
        (Kind::Boolean, _) => number(x, of),
        (_, size) if size != 0.0 && !(1e-5..1e15).contains(&size) => format!("{x:e}"),
        _ => format!("{}", x + 0.0),
    }
}

/// The most common value, as it is said.
pub(super) fn most_common(column: &Column, kind: Kind, own: &Summary) -> String {
    match &own.values {
        Values::Numbers(numbers) => {
            numbers.common.first().map_or(String::new(), |first| number(first.0, kind))
        }
        Values::Text(text) => text.common.first().map_or(String::new(), |first| level(column, first.0)),
        Values::Nothing => String::new(),
    }
}

/// A level of text; what is empty has a name too.
pub(super) fn level(column: &Column, code: u32) -> String {
    let Column::Category(own) = column else { return String::new() };
    match own.levels.get(code as usize) {
        Some(text) if text.trim().is_empty() => format!("“{text}”"),
        Some(text) => text.clone(),
        None => String::new(),
    }
}

/// What stands out in a column.
pub(super) fn outstanding(table: &Table, described: &Described, at: usize) -> Vec<String> {
    let (Some(own), Some(field), Some(column)) =
        (described.summaries.get(at), table.schema().fields.get(at), table.columns().get(at))
    else {
        return Vec::new();
    };
    let twin = described.twins.get(at).copied().flatten();
    let name = |at: usize| table.schema().fields.get(at).map_or("", |field| field.name.as_str());
    let common = || most_common(column, field.kind, own);
    let said = |finding: Finding| match finding {
        Finding::Empty => "no value at all".to_owned(),
        Finding::Constant => format!("always {}", common()),
        Finding::NearlyConstant(share) => format!("nearly always {} ({})", common(), percent(share)),
        Finding::Identifier => "another value in every row: an identifier".to_owned(),
        Finding::Repeats(Twin::Same(other)) => format!("the same as {} in every row", name(other)),
        Finding::Repeats(Twin::OneToOne(other)) => format!("one to one with {}", name(other)),
        Finding::ManyMissing(share) => format!("{} are missing", percent(share)),
        Finding::Infinite(1) => "1 number is infinite".to_owned(),
        Finding::Infinite(n) => format!("{} numbers are infinite", count(n)),
    };
    findings(own, field.kind, twin).into_iter().map(said).collect()
}

/// How many columns lack values, and which lacks most.
pub(super) fn missing(table: &Table, described: &Described) -> String {
    let lacking = described.summaries.iter().enumerate().filter(|(_, own)| own.n_missing > 0);
    let n = lacking.clone().count();
    let most = lacking.max_by(|a, b| a.1.n_missing.cmp(&b.1.n_missing).then(b.0.cmp(&a.0)));
    let Some((at, own)) = most else { return "No value is missing.".to_owned() };
    let name = table.schema().fields.get(at).map_or("", |field| field.name.as_str());
    let share = percent(own.n_missing as f64 / own.n_rows.max(1) as f64);
    if n == 1 {
        return format!("Values are missing in one column, {name}: {} ({share}).", count(own.n_missing));
    }
    format!("Values are missing in {} columns, most in {name}: {} ({share}).", count(n), count(own.n_missing))
}

/// "482 of 1500 rows where sex is Female", or how many rows there are.
pub(super) fn rows(n: usize, n_all: usize, cohort: &str) -> String {
    if cohort.is_empty() {
        format!("{} row{}", count(n_all), if n_all == 1 { "" } else { "s" })
    } else {
        format!("{} of {} rows where {cohort}", count(n), count(n_all))
    }
}
