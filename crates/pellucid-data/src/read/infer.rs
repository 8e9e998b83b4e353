//! What type has a column of text cells? The narrowest of boolean, integer, float, category.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::ReadError;
use crate::table::{Categories, Column, Kind};

/// Finds the narrowest kind that holds all cells of a column, as they come. A column with no value at all is a category,
/// the one kind that any later value fits.
#[derive(Debug, Clone)]
pub(super) struct Narrowest {
    any: bool,
    boolean: bool,
    integer: bool,
    float: bool,
}

impl Default for Narrowest {
    fn default() -> Self {
        Self { any: false, boolean: true, integer: true, float: true }
    }
}

impl Narrowest {
    /// Looks at a cell; `None` is a missing one.
    #[inline]
    pub(super) fn see(&mut self, cell: Option<&str>) {
        let Some(cell) = cell else { return };
        self.any = true;
        // A single digit is the most frequent cell of all, and no boolean.
        if let [b'0'..=b'9'] = cell.as_bytes() {
            self.boolean = false;
        } else if self.boolean || self.float {
            self.boolean &= parse_bool(cell).is_some();
            self.integer &= cell.parse::<i64>().is_ok();
            self.float &= cell.parse::<f64>().is_ok();
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match (self.any, self.boolean, self.integer, self.float) {
            (false, ..) => Kind::Category,
            (_, true, ..) => Kind::Boolean,
            (_, _, true, _) => Kind::Integer,
            (_, _, _, true) => Kind::Float64,
            _ => Kind::Category,
        }
    }
}

/// The same for cells that are all there.
pub(super) fn kind_of<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> Kind {
    let mut narrowest = Narrowest::default();
    cells.for_each(|cell| narrowest.see(cell));
    narrowest.kind()
}

fn parse_bool(text: &str) -> Option<f64> {
    match text {
        "true" | "True" | "TRUE" => Some(1.0),
        "false" | "False" | "FALSE" => Some(0.0),
        _ => None,
    }
}

/// Builds a column cell by cell.
pub(super) enum ColumnBuilder {
    Number(Vec<f64>),
    Category { codes: Vec<u32>, levels: Vec<String>, seen: HashMap<String, u32> },
}

impl ColumnBuilder {
    pub(super) fn new(kind: Kind, capacity: usize) -> Self {
        if kind.is_number() {
            Self::Number(Vec::with_capacity(capacity))
        } else {
            let codes = Vec::with_capacity(capacity);
            Self::Category { codes, levels: Vec::new(), seen: HashMap::new() }
        }
    }

    /// Adds one cell; `line` and `column` say where it stands.
    pub(super) fn push(&mut self, cell: Option<&str>, line: u64, column: &str) -> Result<(), ReadError> {
        match self {
            Self::Number(values) => values.push(match cell {
                None => f64::NAN,
                Some(text) if let [digit @ b'0'..=b'9'] = text.as_bytes() => f64::from(digit - b'0'),
                Some(text) => text
                    .parse::<f64>()
                    .ok()
                    .or_else(|| parse_bool(text))
                    .ok_or_else(|| ReadError::not_a_number(line, column, text))?,
            }),
            Self::Category { codes, levels, seen } => codes.push(match cell {
                None => Categories::MISSING,
                Some(text) => match seen.get(text) {
                    Some(&code) => code,
                    None => {
                        let code = levels.len() as u32;
                        levels.push(text.to_owned());
                        seen.insert(text.to_owned(), code);
                        code
                    }
                },
            }),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Column {
        match self {
            Self::Number(values) => Column::Number(values),
            Self::Category { codes, levels, .. } => {
                Column::Category(Categories { codes, levels: Arc::new(levels) })
            }
        }
    }
}
