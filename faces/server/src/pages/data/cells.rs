//! What stands in the rows, some at a time?

use std::cmp::Ordering;

use pellucid::data::{Column, Kind, RowSet, Table};
use serde_json::{Value, json};

use super::words::exact;
use crate::address::Address;
use crate::failure::{Code, Failure, hint};

/// Rows of one page.
pub(super) const PAGE: usize = 50;
/// Columns of the table of rows, at most.
const WIDE: usize = 60;
/// Letters of one cell, at most.
const LONG: usize = 120;

/// The rows of a set from the one on that an address says, in its order, with the columns that are shown.
pub(super) fn told(address: &Address, table: &Table, rows: &RowSet, chosen: usize) -> Result<Value, Failure> {
    let n = rows.count();
    let from = address.number::<usize>("rows_from")?.unwrap_or(0);
    if from > 0 && from >= n {
        return Err(Failure::new(
            Code::NotFound,
            format!("rows_from={from}: there are {n} rows, counted from 0"),
        ));
    }
    let sort = address.one("sort")?;
    let numbers: Vec<usize> = match sort {
        None => rows.iter().skip(from).take(PAGE).collect(),
        Some(text) => sorted(text, table, rows, from)?,
    };
    let mut shown: Vec<usize> = (0..table.columns().len().min(WIDE)).collect();
    if chosen >= WIDE {
        shown.pop();
        shown.push(chosen);
    }
    let cells: Vec<Vec<Value>> =
        numbers.iter().map(|&row| shown.iter().map(|&at| cell(table, at, row)).collect()).collect();
    let fields = &table.schema().fields;
    let names: Vec<&str> =
        shown.iter().filter_map(|&at| fields.get(at)).map(|field| field.name.as_str()).collect();
    let is_number = |&at: &usize| fields.get(at).is_some_and(|field| field.kind.is_number());
    Ok(json!({
        "from": from, "n": n, "page": PAGE, "sort": sort, "names": names, "n_hidden": table.columns().len() - shown.len(),
        "numeric": shown.iter().map(is_number).collect::<Vec<_>>(), "numbers": numbers, "cells": cells,
    }))
}

fn cell(table: &Table, at: usize, row: usize) -> Value {
    let kind = table.schema().fields.get(at).map_or(Kind::Other, |field| field.kind);
    match table.columns().get(at) {
        Some(Column::Number(own)) => match own.get(row) {
            Some(x) if !x.is_nan() => exact(*x, kind).into(),
            _ => Value::Null,
        },
        Some(Column::Category(own)) => match own.text(row) {
            Some(text) if text.chars().nth(LONG).is_some() => {
                text.chars().take(LONG - 1).chain(['…']).collect::<String>().into()
            }
            text => text.into(),
        },
        None => Value::Null,
    }
}

/// A page of rows in the order of a column, rising or (`-column`) falling; what is missing stands last, and equal rows by their number.
fn sorted(text: &str, table: &Table, rows: &RowSet, from: usize) -> Result<Vec<usize>, Failure> {
    let named = |name: &str| table.schema().position(name).and_then(|at| table.columns().get(at));
    let falling = text.strip_prefix('-');
    let (column, falls) = match (named(text), falling.and_then(named)) {
        (Some(column), _) => (column, false),
        (None, Some(column)) => (column, true),
        (None, None) => {
            let name = falling.unwrap_or(text);
            let hint = hint(name, table.schema().names());
            return Err(Failure::new(
                Code::NotFound,
                format!("sort={text}: the table has no column `{name}`{hint}"),
            ));
        }
    };
    let mut all: Vec<usize> = rows.iter().collect();
    let turned = |order: Ordering| if falls { order.reverse() } else { order };
    match column {
        Column::Number(own) => {
            let value = |row: usize| own.get(row).copied().unwrap_or(f64::NAN);
            pick(&mut all, from, |&a, &b| {
                let (x, y) = (value(a), value(b));
                let by_value = turned((x + 0.0).total_cmp(&(y + 0.0)));
                x.is_nan()
                    .cmp(&y.is_nan())
                    .then(if x.is_nan() { Ordering::Equal } else { by_value })
                    .then(a.cmp(&b))
            });
        }
        Column::Category(own) => {
            // Levels are ordered once, rows by the places of theirs.
            let mut order: Vec<usize> = (0..own.levels.len()).collect();
            order.sort_by_key(|&code| own.levels.get(code));
            let mut places = vec![0; order.len()];
            for (place, &code) in order.iter().enumerate() {
                places.get_mut(code).map(|own| std::mem::replace(own, place));
            }
            let place = |row: usize| own.codes.get(row).and_then(|&code| places.get(code as usize));
            pick(&mut all, from, |&a, &b| {
                let (x, y) = (place(a), place(b));
                x.is_none().cmp(&y.is_none()).then(turned(x.cmp(&y))).then(a.cmp(&b))
            });
        }
    }
    Ok(all)
}

/// Keeps the page that begins at `from` in the order, without ordering all the rest.
fn pick(all: &mut Vec<usize>, from: usize, mut order: impl FnMut(&usize, &usize) -> Ordering) {
    if from > 0 && from < all.len() {
        all.select_nth_unstable_by(from, &mut order);
        all.drain(..from);
    }
    if PAGE < all.len() {
        all.select_nth_unstable_by(PAGE, &mut order);
        all.truncate(PAGE);
    }
    all.sort_unstable_by(order);
}
