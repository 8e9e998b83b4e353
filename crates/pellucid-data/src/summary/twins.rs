//! Do two columns say the same? The same values, or other names for them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Summary;
use crate::table::{Categories, Column};
use crate::{Control, RowSet, Stopped};

/// Columns with more values are compared by value alone, not by which of them go together.
const MOST: usize = 1_000;

/// How a column repeats one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twin {
    /// Every row has the same value in both.
    Same(usize),
    /// Each value of the one stands with one value of the other only: two names for the same.
    OneToOne(usize),
}

/// For each column the first one before it that holds the same values in these rows; where there is none, the first that goes together with it one to
/// one. What is constant, or differs in every row, goes together with anything of its kind, and is compared by value alone.
///
/// # Errors
/// When the caller asks to stop.
pub fn twins(
    columns: &[Column],
    summaries: &[Summary],
    rows: &RowSet,
    control: &Control<'_>,
) -> Result<Vec<Option<Twin>>, Stopped> {
    let shape = |one: &Summary| (one.n_missing, one.n_distinct);
    let mut shapes: HashMap<(usize, usize), usize> = HashMap::new();
    summaries.iter().for_each(|one| *shapes.entry(shape(one)).or_default() += 1);
    // A print is made once a column, and only columns of one print are compared: none with all others.
    let (mut values, mut patterns): (HashMap<u64, usize>, HashMap<u64, usize>) = Default::default();
    let mut found = Vec::with_capacity(columns.len());
    for (at, (column, own)) in columns.iter().zip(summaries).enumerate() {
        if control.watch.should_stop() {
            return Err(Stopped);
        }
        let is_alone = shapes.get(&shape(own)).is_none_or(|n| *n < 2);
        if is_alone || own.n_known() == 0 {
            found.push(None);
            continue;
        }
        let before = |first: usize| columns.get(first).filter(|_| first < at);
        let first = *values.entry(by_values(column, rows)).or_insert(at);
        let mut twin = before(first).filter(|other| is_same(other, column, rows)).map(|_| Twin::Same(first));
        let by_value = own.n_distinct < 2 || own.n_distinct > MOST || own.n_distinct == own.n_known();
        if !by_value {
            let first = *patterns.entry(by_pattern(column, rows)).or_insert(at);
            let is_one = |other: &&Column| twin.is_none() && is_one_to_one(other, column, rows);
            let one = before(first).filter(is_one).map(|_| Twin::OneToOne(first));
            twin = twin.or(one);
        }
        found.push(twin);
    }
    Ok(found)
}

/// A value as bits: the code of a level is the column's own, a number is a number.
fn bits(column: &Column, row: usize) -> Option<u64> {
    match column {
        Column::Number(all) => all.get(row).filter(|x| !x.is_nan()).map(|x| (x + 0.0).to_bits()),
        Column::Category(all) => {
            all.codes.get(row).filter(|code| **code != Categories::MISSING).map(|&code| u64::from(code))
        }
    }
}

/// A print of the values themselves. Texts are told from what is missing and from one another, and numbers from texts.
fn by_values(column: &Column, rows: &RowSet) -> u64 {
    let mut print = DefaultHasher::new();
    matches!(column, Column::Number(_)).hash(&mut print);
    for row in rows.iter() {
        match column {
            Column::Category(all) => all.text(row).hash(&mut print),
            Column::Number(_) => bits(column, row).hash(&mut print),
        }
    }
    print.finish()
}

/// A print of which rows have equal values: each value is the number of different ones before it.
fn by_pattern(column: &Column, rows: &RowSet) -> u64 {
    let mut print = DefaultHasher::new();
    let mut seen: HashMap<u64, u32> = HashMap::new();
    for row in rows.iter() {
        let next = seen.len() as u32;
        print.write_u32(bits(column, row).map_or(u32::MAX, |own| *seen.entry(own).or_insert(next)));
    }
    print.finish()
}

fn is_same(one: &Column, other: &Column, rows: &RowSet) -> bool {
    match (one, other) {
        (Column::Number(_), Column::Number(_)) => rows.iter().all(|row| bits(one, row) == bits(other, row)),
        (Column::Category(a), Column::Category(b)) => rows.iter().all(|row| a.text(row) == b.text(row)),
        _ => false,
    }
}

fn is_one_to_one(one: &Column, other: &Column, rows: &RowSet) -> bool {
    let (mut there, mut back): (HashMap<u64, u64>, HashMap<u64, u64>) = Default::default();
    rows.iter().all(|row| match (bits(one, row), bits(other, row)) {
        (Some(a), Some(b)) => *there.entry(a).or_insert(b) == b && *back.entry(b).or_insert(a) == a,
        (a, b) => a.is_none() && b.is_none(),
    })
}
