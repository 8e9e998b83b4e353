//! How do rows part by the values of a column? Its most frequent levels or few numbers, or numbers up to the median and above it.

use crate::RowSet;
use crate::table::{Categories, Column};

/// Parts by name; rows of further levels are one.
const MOST: usize = 5;

/// What the rows of a part have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// A level, by its code.
    Level(u32),
    /// A number.
    Value(f64),
    /// Numbers up to this one.
    UpTo(f64),
    /// Numbers above this one.
    Above(f64),
    /// One of so many further levels.
    Others(usize),
    /// No value.
    Missing,
}

/// Rows in parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Largest first for levels, by rising value for numbers; what is missing last. None is empty.
    pub parts: Vec<Part>,
    /// The part of each row of the table; past the last one for rows that were not asked for.
    of_row: Vec<u8>,
}

impl Split {
    /// The part of a row, if it has one.
    #[must_use]
    pub fn part(&self, row: usize) -> Option<usize> {
        self.of_row.get(row).map(|&part| usize::from(part)).filter(|&part| part < self.parts.len())
    }
}

/// Parts some rows of a table by a column.
#[must_use]
pub fn split(column: &Column, rows: &RowSet) -> Split {
    match column {
        Column::Number(all) => by_number(all, rows),
        Column::Category(all) => by_level(all, rows),
    }
}

fn by_level(all: &Categories, rows: &RowSet) -> Split {
    let mut counts = vec![0_usize; all.levels.len()];
    for row in rows.iter() {
        if let Some(n) = all.codes.get(row).and_then(|&code| counts.get_mut(code as usize)) {
            *n += 1;
        }
    }
    let mut found: Vec<(u32, usize)> = (0_u32..).zip(counts).filter(|one| one.1 > 0).collect();
    let text = |code: u32| all.levels.get(code as usize);
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| text(a.0).cmp(&text(b.0))));
    let named = if found.len() > MOST { MOST - 1 } else { found.len() };
    let mut parts: Vec<Part> = found.iter().take(named).map(|one| Part::Level(one.0)).collect();
    // Where a level has no part of its own, that of the others.
    let mut places = vec![named as u8; all.levels.len()];
    for (place, (code, _)) in (0_u8..).zip(found.iter().take(named)) {
        places.get_mut(*code as usize).map(|own| std::mem::replace(own, place));
    }
    if found.len() > named {
        parts.push(Part::Others(found.len() - named));
    }
    let of = |row: usize| all.codes.get(row).and_then(|&code| places.get(code as usize)).copied();
    placed(parts, rows, of)
}

fn by_number(all: &[f64], rows: &RowSet) -> Split {
    let mut known: Vec<f64> =
        rows.iter().filter_map(|row| all.get(row).copied()).filter(|x| !x.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let median = known.get(known.len().saturating_sub(1) / 2).copied();
    known.dedup();
    let (last, before) = (known.last().copied(), known.iter().rev().nth(1).copied());
    let parts: Vec<Part> = match (median, before) {
        _ if known.len() <= MOST => known.iter().map(|&x| Part::Value(x + 0.0)).collect(),
        // Where most rows have the largest value, nothing is above it.
        (Some(median), Some(before)) => {
            let cut = if Some(median) == last { before } else { median };
            vec![Part::UpTo(cut), Part::Above(cut)]
        }
        _ => Vec::new(),
    };
    let place = |x: f64| {
        parts.iter().position(|part| match part {
            Part::Value(own) => *own == x,
            Part::UpTo(cut) => x <= *cut,
            Part::Above(cut) => x > *cut,
            _ => false,
        })
    };
    let of = |row: usize| all.get(row).and_then(|&x| place(x)).map(|place| place as u8);
    placed(parts.clone(), rows, of)
}

/// Puts every row into its part, and those without one into that of what is missing.
fn placed(mut parts: Vec<Part>, rows: &RowSet, of: impl Fn(usize) -> Option<u8>) -> Split {
    let mut of_row = vec![u8::MAX; rows.n_rows()];
    let missing = parts.len() as u8;
    let mut has_missing = false;
    for row in rows.iter() {
        let part = of(row);
        has_missing |= part.is_none();
        if let Some(own) = of_row.get_mut(row) {
            *own = part.unwrap_or(missing);
        }
    }
    if has_missing {
        parts.push(Part::Missing);
    }
    Split { parts, of_row }
}
