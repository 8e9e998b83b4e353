//! What did Python give as data? Arrays are looked at where they are, streams of Arrow batches are taken as they come, and files
//! are opened; all of them become batches of tables, as they would for the command line.
//!
//! `pellucid/_frames.py` decides which it is; what arrives here is one of four tagged tuples.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatchReader;
use numpy::ndarray::{ArrayView1, Axis};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pellucid::data::Table;
use pellucid::data::read::{ArrowReader, ReadBatches, ReadError, ReadOptions, positions};
use pellucid::data::table::{Column, Field, Kind, Schema};
use pellucid::feed::BATCH;
use pellucid::files::open_table;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::errors::Failure;

/// Data as Python holds it.
pub(crate) enum Frame<'py> {
    /// Columns of numbers by name.
    Arrays(Vec<String>, Vec<Numbers<'py>>),
    /// Batches of an Arrow stream, until they are taken.
    Stream(Option<Box<dyn RecordBatchReader + Send>>),
    /// A file, and more spellings of missing values.
    File(PathBuf, Vec<String>),
}

/// The same for a thread without Python.
pub(crate) enum Source<'a> {
    Arrays(&'a [String], Vec<View<'a>>),
    Stream(Box<dyn RecordBatchReader + Send>),
    File(PathBuf, Vec<String>),
    Taken,
}

macro_rules! numbers {
    ($($name:ident: $type:ty, $kind:ident;)*) => {
        /// A column of numbers, or a matrix of them.
        pub(crate) enum Numbers<'py> {
            Matrix64(PyReadonlyArray2<'py, f64>),
            Matrix32(PyReadonlyArray2<'py, f32>),
            $($name(PyReadonlyArray1<'py, $type>),)*
        }

        /// A column where it lies.
        #[derive(Clone, Copy)]
        pub(crate) enum View<'a> {
            $($name(ArrayView1<'a, $type>),)*
        }

        impl<'py> Numbers<'py> {
            fn column(array: &Bound<'py, PyAny>) -> PyResult<Self> {
                $(if let Ok(array) = array.extract() { return Ok(Self::$name(array)); })*
                let found = array.getattr("dtype")?;
                Err(PyTypeError::new_err(format!("arrays of {found} are not read")))
            }

            fn views(&self) -> Vec<View<'_>> {
                match self {
                    Self::Matrix64(matrix) => matrix.as_array().axis_iter_to(View::Float64),
                    Self::Matrix32(matrix) => matrix.as_array().axis_iter_to(View::Float32),
                    $(Self::$name(column) => vec![View::$name(column.as_array())],)*
                }
            }
        }

        impl View<'_> {
            fn len(&self) -> usize {
                match self { $(Self::$name(column) => column.len(),)* }
            }

            fn kind(&self) -> Kind {
                match self { $(Self::$name(_) => Kind::$kind,)* }
            }

            /// Some of the values, as the engine holds numbers.
            fn values(&self, rows: std::ops::Range<usize>) -> Vec<f64> {
                match self {
                    $(Self::$name(column) => (rows).map(|row| Held::held(column[row])).collect(),)*
                }
            }
        }
    };
}

numbers! {
    Float64: f64, Float64;
    Float32: f32, Float32;
    Int64: i64, Integer;
    Int32: i32, Integer;
    Int16: i16, Integer;
    Int8: i8, Integer;
    UInt64: u64, Integer;
    UInt32: u32, Integer;
    UInt16: u16, Integer;
    UInt8: u8, Integer;
    Bool: bool, Boolean;
}

/// How the engine holds a number.
trait Held {
    fn held(self) -> f64;
}

macro_rules! held {
    ($($type:ty)*) => { $(impl Held for $type { fn held(self) -> f64 { self as f64 } })* };
}

held! { f64 f32 i64 i32 i16 i8 u64 u32 u16 u8 }

impl Held for bool {
    fn held(self) -> f64 {
        f64::from(u8::from(self))
    }
}

/// The columns of a matrix.
trait Columns<'a, T> {
    fn axis_iter_to(self, view: fn(ArrayView1<'a, T>) -> View<'a>) -> Vec<View<'a>>;
}

impl<'a, T> Columns<'a, T> for numpy::ndarray::ArrayView2<'a, T> {
    fn axis_iter_to(self, view: fn(ArrayView1<'a, T>) -> View<'a>) -> Vec<View<'a>> {
        (0..self.ncols()).map(|at| view(self.index_axis_move(Axis(1), at))).collect()
    }
}

impl<'py> Frame<'py> {
    /// Takes a tagged tuple of `pellucid/_frames.py`.
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let tag: PyBackedStr = object.get_item(0)?.extract()?;
        match &*tag {
            "columns" => {
                let arrays = object.get_item(2)?.try_iter()?.map(|array| Numbers::column(&array?));
                Ok(Self::Arrays(object.get_item(1)?.extract()?, arrays.collect::<PyResult<_>>()?))
            }
            "matrix" => {
                let matrix = object.get_item(2)?;
                let matrix = match matrix.extract() {
                    Ok(matrix) => Numbers::Matrix32(matrix),
                    Err(_) => Numbers::Matrix64(matrix.extract()?),
                };
                Ok(Self::Arrays(object.get_item(1)?.extract()?, vec![matrix]))
            }
            "stream" => {
                let reader: pyo3_arrow::PyRecordBatchReader = object.get_item(1)?.extract()?;
                Ok(Self::Stream(Some(reader.into_reader()?)))
            }
            _ => Ok(Self::File(object.get_item(1)?.extract()?, object.get_item(2)?.extract()?)),
        }
    }

    /// What it is called in errors.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path, _) => path.display().to_string(),
            _ => "the data".to_owned(),
        }
    }

    /// What a thread without Python reads. A stream is read once.
    pub(crate) fn open(&mut self) -> Source<'_> {
        match self {
            Self::Arrays(names, arrays) => {
                Source::Arrays(names, arrays.iter().flat_map(Numbers::views).collect())
            }
            Self::Stream(reader) => reader.take().map_or(Source::Taken, Source::Stream),
            Self::File(path, missing) => Source::File(path.clone(), missing.clone()),
        }
    }
}

impl<'a> Source<'a> {
    /// Batches of tables.
    pub(crate) fn reader(self) -> Result<Box<dyn ReadBatches + 'a>, Failure> {
        let wrong = |cause: ReadError| Failure::Said("DataError", format!("the data: {cause}"));
        match self {
            Self::Arrays(names, views) => Ok(Box::new(ArraysReader::new(names, views)?)),
            Self::Stream(reader) => {
                let schema = reader.schema();
                Ok(Box::new(ArrowReader::batches(reader, &schema).map_err(wrong)?))
            }
            Self::File(path, missing) => {
                let mut options = ReadOptions { batch_rows: BATCH, ..ReadOptions::default() };
                options.missing.extend(missing);
                Ok(open_table(&path, &options)?)
            }
            Self::Taken => Err(Failure::Said("DataError", "the stream was read before".to_owned())),
        }
    }
}

/// Reads arrays where they lie, a batch at a time.
struct ArraysReader<'a> {
    names: Vec<String>,
    views: Vec<View<'a>>,
    taken: Vec<usize>,
    schema: Arc<Schema>,
    n_rows: usize,
    next: usize,
}

impl<'a> ArraysReader<'a> {
    fn new(names: &[String], views: Vec<View<'a>>) -> Result<Self, Failure> {
        let data = |text: String| Failure::Said("DataError", text);
        if names.len() != views.len() {
            return Err(data(format!("{} names were given for {} columns", names.len(), views.len())));
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
            return Err(data(format!("the data: two columns are called `{twice}`")));
        }
        let n_rows = views.first().map_or(0, View::len);
        if let Some((name, view)) = names.iter().zip(&views).find(|(_, view)| view.len() != n_rows) {
            return Err(data(format!("column `{name}` has {} rows, the first has {n_rows}", view.len())));
        }
        let fields =
            names.iter().zip(&views).map(|(name, view)| Field { name: name.clone(), kind: view.kind() });
        let schema = Arc::new(Schema { fields: fields.collect() });
        Ok(Self { names: names.to_vec(), taken: (0..views.len()).collect(), views, schema, n_rows, next: 0 })
    }
}

impl ReadBatches for ArraysReader<'_> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn all_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[Field]) -> Result<(), ReadError> {
        self.taken = positions(columns, &self.names)?;
        let field = |&at: &usize| Field { name: self.names[at].clone(), kind: self.views[at].kind() };
        self.schema = Arc::new(Schema { fields: self.taken.iter().map(field).collect() });
        Ok(())
    }

    fn n_rows(&self) -> Option<u64> {
        Some(self.n_rows as u64)
    }

    fn next_batch(&mut self) -> Result<Option<Table>, ReadError> {
        let rows = self.next..self.n_rows.min(self.next + BATCH);
        if rows.is_empty() {
            return Ok(None);
        }
        self.next = rows.end;
        let columns =
            self.taken.iter().map(|&at| Column::Number(self.views[at].values(rows.clone()))).collect();
        Ok(Table::new(Arc::clone(&self.schema), columns, rows.len()))
    }
}
