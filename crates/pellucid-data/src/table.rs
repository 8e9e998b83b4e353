//! What is a table? Named columns of equal length, each of numbers or of categories.
//!
//! A missing value is NaN in a column of numbers and [`Categories::MISSING`] in a column of
//! categories; there is no other spelling of it past the readers.

use std::sync::Arc;

/// What the values of a column are, as the file said or as its text showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// 32-bit floating point.
    Float32,
    /// 64-bit floating point.
    Float64,
    /// Whole numbers. Held as `f64`, so exact up to 2⁵³.
    Integer,
    /// True or false, held as 1 and 0.
    Boolean,
    /// Text, held as codes into a list of levels.
    Category,
    /// Neither numbers nor text (a date, a list): its column can be named, not read.
    Other,
}

impl Kind {
    /// Whether values are held as numbers.
    #[must_use]
    pub fn is_number(self) -> bool {
        !matches!(self, Self::Category | Self::Other)
    }

    /// The word for it in messages and in `--json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Category => "category",
            Self::Other => "other",
        }
    }
}

/// Name and kind of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The column's name in the file.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
}

/// The columns of a table, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// One entry a column.
    pub fields: Vec<Field>,
}

impl Schema {
    /// The position of a column by its exact name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The names of all columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }
}

/// A column of text: one code a row into a list of distinct levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categories {
    /// One code a row; [`Self::MISSING`] where there is no value.
    pub codes: Vec<u32>,
    /// What the codes stand for. Every other code is below its length.
    pub levels: Arc<Vec<String>>,
}

impl Categories {
    /// The code of a missing value.
    pub const MISSING: u32 = u32::MAX;

    /// The text of a row, or `None` where it is missing.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&str> {
        self.levels.get(self.codes[row] as usize).map(String::as_str)
    }
}

/// The values of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers; NaN is a missing value.
    Number(Vec<f64>),
    /// Text.
    Category(Categories),
}

impl Column {
    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Category(categories) => categories.codes.len(),
        }
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values are missing.
    #[must_use]
    pub fn n_missing(&self) -> usize {
        match self {
            Self::Number(values) => values.iter().filter(|x| x.is_nan()).count(),
            Self::Category(c) => c.codes.iter().filter(|&&code| code == Categories::MISSING).count(),
        }
    }
}

/// Named columns of equal length: a whole file, or one batch of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    schema: Arc<Schema>,
    columns: Vec<Column>,
    n_rows: usize,
}

impl Table {
    /// Puts columns under a schema. `None` unless there is one column a field, all of `n_rows` rows.
    #[must_use]
    pub fn new(schema: Arc<Schema>, columns: Vec<Column>, n_rows: usize) -> Option<Self> {
        let fits = columns.len() == schema.fields.len() && columns.iter().all(|c| c.len() == n_rows);
        fits.then_some(Self { schema, columns, n_rows })
    }

    /// The columns' names and kinds.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// All columns, in the order of the schema.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The same, given away.
    #[must_use]
    pub fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// A column by its exact name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.schema.position(name).map(|at| &self.columns[at])
    }

    /// How many rows it has.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Some of its rows.
    #[must_use]
    pub fn slice(&self, rows: std::ops::Range<usize>) -> Self {
        let columns = self.columns.iter().map(|column| match column {
            Column::Number(values) => Column::Number(values[rows.clone()].to_vec()),
            Column::Category(text) => {
                let codes = text.codes[rows.clone()].to_vec();
                Column::Category(Categories { codes, levels: Arc::clone(&text.levels) })
            }
        });
        Self { schema: Arc::clone(&self.schema), columns: columns.collect(), n_rows: rows.len() }
    }
}
