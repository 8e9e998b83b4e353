//! How does a table go through a model of trees? Batch by batch, its columns matched by name, whatever its own batches are.

use std::sync::Arc;

use pellucid_data::read::{ReadBatches, ReadError, Shard};
use pellucid_data::table::{Column, Kind};
use pellucid_data::{Field, Quiet, RowSet, Table, Watch, closest};
use pellucid_models::trees::{BindError, Binding, Ensemble, FeatureKind, FeatureMatrix};

use crate::cohort::of_batch;

/// Rows a batch: enough to keep every core busy, few enough to hold.
pub const BATCH: usize = 16_384;

/// Why a table can't go through a model; what the table is called (a path, as a rule) always stands there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// A column was named that is not there.
    #[error("{source_name} has no column `{column}`{}", hint(.closest))]
    NoColumn {
        /// What the table is called.
        source_name: String,
        /// The column.
        column: String,
        /// The most similar one.
        closest: Option<String>,
    },
    /// The columns, or what stands in them, do not fit the model.
    #[error("{source_name}: {cause}")]
    Bind {
        /// What the table is called.
        source_name: String,
        /// What does not fit.
        cause: BindError,
    },
    /// The table can't be read.
    #[error("{source_name}: {cause}")]
    Read {
        /// What the table is called.
        source_name: String,
        /// What is wrong with it.
        cause: ReadError,
    },
    /// Rows were chosen of a table of another length.
    #[error("{source_name} has other rows than when some of them were chosen; do it again")]
    Changed {
        /// What the table is called.
        source_name: String,
    },
    /// There is nothing in the table.
    #[error("{source_name} has no rows")]
    NoRows {
        /// What the table is called.
        source_name: String,
    },
    /// The caller asked to stop.
    #[error("stopped before the end")]
    Stopped,
}

fn hint(closest: &Option<String>) -> String {
    closest.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}

/// A model, and rows that arrive as it compares them, always in batches of one size: neither the table's own batches nor
/// the way the data came change what follows.
pub struct Feed<'a> {
    /// What rows go through. Where it stores no names, its features are called as the table's columns.
    pub model: Ensemble,
    binding: Binding,
    reader: Box<dyn ReadBatches + 'a>,
    source_name: String,
    /// The number of the next row that the reader gives.
    read_rows: usize,
    /// Rows that were read and not given yet, and the number of the first of them.
    pending: Option<FeatureMatrix>,
    next_row: usize,
    ended: bool,
    unseen: Vec<usize>,
    /// Rows of the whole table, where only a part is read.
    whole: Option<u64>,
    /// The rows that are given, where they are not all.
    only: Option<RowSet>,
    numbers: Numbers,
    watch: &'a dyn Watch,
}

impl<'a> Feed<'a> {
    /// Matches the columns of a table, which is called `source_name` in errors, to the features of a model; columns in
    /// `drop` are not looked at.
    ///
    /// # Errors
    /// [`FeedError`], when columns are absent.
    pub fn new(
        mut model: Ensemble,
        mut reader: Box<dyn ReadBatches + 'a>,
        source_name: &str,
        drop: &[String],
    ) -> Result<Self, FeedError> {
        for name in drop {
            column(reader.as_ref(), source_name, name)?;
        }
        let binding = bound(&model, reader.as_mut(), source_name, drop, None)?;
        if binding.notes().by_position {
            // The data's own names say more than f0, f1.
            let names = model.features.iter_mut().zip(binding.sources());
            names.for_each(|(feature, source)| feature.name.clone_from(source));
        }
        let unseen = vec![0; model.features.len()];
        Ok(Self {
            model,
            binding,
            reader,
            source_name: source_name.to_owned(),
            read_rows: 0,
            pending: None,
            next_row: 0,
            ended: false,
            unseen,
            whole: None,
            only: None,
            numbers: Numbers(None),
            watch: &Quiet,
        })
    }

    /// Asks from now on whether to stop, before each batch of the table.
    #[must_use]
    pub fn watched(self, watch: &'a dyn Watch) -> Self {
        Self { watch, ..self }
    }

    /// Reads only a part of the rows from now on.
    ///
    /// # Errors
    /// When the table has no parts, or too few.
    pub fn take_shard(&mut self, shard: Shard) -> Result<(), FeedError> {
        let whole = self.reader.n_rows();
        let before = self.reader.take_shard(shard).map_err(|cause| read(&self.source_name, cause))?;
        self.whole = whole;
        self.read_rows = before as usize;
        self.next_row = before as usize;
        Ok(())
    }

    /// Gives only these rows of the table from now on. All of them are read, and what stands in any can be an error.
    pub fn take_only(&mut self, rows: RowSet) {
        self.numbers = Numbers(Some(rows.iter().collect()));
        self.only = Some(rows);
    }

    /// How many rows the table has that some were chosen of.
    #[must_use]
    pub fn chosen_of(&self) -> Option<usize> {
        self.only.as_ref().map(RowSet::n_rows)
    }

    /// Which rows of the table those are that are given.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        self.numbers.clone()
    }

    /// For how many rows a plan is made, by the first batch and, in a part, by all: every part has the same plan.
    #[must_use]
    pub fn expected_rows(&self, batch: &FeatureMatrix) -> usize {
        expected(self.whole.map_or(batch.n_rows(), |whole| usize::try_from(whole).unwrap_or(usize::MAX)))
    }

    /// How many rows the table says it has, or how many of them are given.
    #[must_use]
    pub fn n_rows(&self) -> Option<u64> {
        self.numbers.0.as_ref().map_or_else(|| self.reader.n_rows(), |own| Some(own.len() as u64))
    }

    /// How many rows were read until now.
    #[must_use]
    pub fn n_read(&self) -> usize {
        self.read_rows
    }

    /// The error for data without rows.
    #[must_use]
    pub fn no_rows(&self) -> FeedError {
        FeedError::NoRows { source_name: self.source_name.clone() }
    }

    fn next_table(&mut self) -> Result<Option<(usize, Table)>, FeedError> {
        if self.watch.should_stop() {
            return Err(FeedError::Stopped);
        }
        let batch = self.reader.next_batch().map_err(|cause| read(&self.source_name, cause))?;
        let Some(table) = batch else { return Ok(None) };
        let first = self.read_rows;
        self.read_rows += table.n_rows();
        Ok(Some((first, table)))
    }

    fn matrix(&mut self, table: &Table, first: usize) -> Result<FeatureMatrix, FeedError> {
        let matrix = self.binding.matrix(&self.model, table, first);
        let (matrix, unseen) = matrix.map_err(|cause| bind(&self.source_name, cause))?;
        self.unseen.iter_mut().zip(unseen).for_each(|(sum, n)| *sum += n);
        Ok(matrix)
    }

    /// The next rows and how many were given before them: the number of the first, where all are given; `None` at the end.
    ///
    /// # Errors
    /// When the table can't be read, or a value does not fit the model.
    pub fn next_rows(&mut self) -> Result<Option<(usize, FeatureMatrix)>, FeedError> {
        while !self.ended && self.pending.as_ref().is_none_or(|rows| rows.n_rows() < BATCH) {
            let Some((first, table)) = self.next_table()? else {
                self.ended = true;
                if self.only.as_ref().is_some_and(|only| only.n_rows() != self.read_rows) {
                    return Err(FeedError::Changed { source_name: self.source_name.clone() });
                }
                break;
            };
            let more = self.matrix(&table, first)?;
            let more = match &self.only {
                None => more,
                Some(only) => more.picked(&of_batch(only, first, more.n_rows())),
            };
            match &mut self.pending {
                Some(rows) => rows.append(more),
                None => self.pending = Some(more),
            }
        }
        let Some(rows) = self.pending.take().filter(|rows| rows.n_rows() > 0) else { return Ok(None) };
        let first = self.next_row;
        let n = rows.n_rows().min(BATCH);
        self.next_row += n;
        if n < rows.n_rows() {
            self.pending = Some(rows.slice(n..rows.n_rows()));
            return Ok(Some((first, rows.slice(0..n))));
        }
        Ok(Some((first, rows)))
    }

    /// One row alone: what stands in the others is not looked at. `None` if there are fewer.
    ///
    /// # Errors
    /// When the table can't be read, or a value of the row does not fit the model.
    pub fn only(&mut self, row: usize) -> Result<Option<(usize, FeatureMatrix)>, FeedError> {
        while let Some((first, table)) = self.next_table()? {
            if row < first + table.n_rows() {
                let own = table.slice(row - first..row - first + 1);
                self.ended = true;
                return Ok(Some((row, self.matrix(&own, row)?)));
            }
        }
        Ok(None)
    }

    /// What people should know of how the columns were matched.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let notes = self.binding.notes();
        let mut said = Vec::new();
        if !notes.ignored.is_empty() {
            let names = notes.ignored.join(", ");
            said.push(format!("columns that the model does not know are ignored: {names}"));
        }
        for (feature, column) in &notes.respelled {
            said.push(format!("column `{column}` is read as the model's `{feature}`"));
        }
        if notes.reordered {
            said.push("columns stand in another order than in training; they are matched by name".to_owned());
        }
        if notes.by_position {
            said.push("the model stores no feature names; columns are matched by position".to_owned());
        }
        for feature in &self.model.features {
            if let FeatureKind::Level { levels, .. } = &feature.kind
                && levels.iter().any(String::is_empty)
            {
                let name = &feature.name;
                said.push(format!(
                    "column `{name}`: the model knows a category without letters; empty cells of text files are \
                     read as missing all the same (write Parquet to tell them apart)"
                ));
            }
        }
        said
    }

    /// Which categories were read as missing until now, for people.
    #[must_use]
    pub fn unseen_notes(&self) -> Vec<String> {
        let of = |(feature, n): (&pellucid_models::trees::Feature, usize)| {
            format!(
                "column `{}`: {}; read as missing, as {} does",
                feature.name,
                no_categories(n),
                self.model.origin.library
            )
        };
        let features = self.model.features.iter().zip(self.unseen.iter().copied());
        features.filter(|(_, n)| *n > 0).map(of).collect()
    }
}

/// Which row of a table each of those is that are given one after the other.
#[derive(Debug, Clone)]
pub struct Numbers(Option<Arc<[usize]>>);

impl Numbers {
    /// The number in the table of the row at a place.
    #[must_use]
    pub fn of(&self, place: usize) -> usize {
        self.0.as_ref().and_then(|own| own.get(place).copied()).unwrap_or(place)
    }
}

/// For how many rows a plan is made: in a full first batch lies the promise of many more.
#[must_use]
pub fn expected(n_rows: usize) -> usize {
    if n_rows >= BATCH { 4 * BATCH } else { n_rows }
}

/// What people should know where base and values of a row miss its answer by more than rounding, see
/// [`Attributions::first_doubtful`](pellucid_explain::Attributions::first_doubtful).
#[must_use]
pub fn doubtful_note(row: usize) -> String {
    format!(
        "row {row}: base and values miss the answer by more than rounding; what the model adds up differs so much in size \
         that 64 bits can't hold the sum, or is no number. The residual of every row says by how much"
    )
}

/// All rows of a table as a model compares them, for instance a background.
pub struct Whole {
    /// The rows.
    pub rows: FeatureMatrix,
    /// What stands in the column of weights, if one was named.
    pub weights: Option<Vec<f64>>,
    /// What people should know of them.
    pub notes: Vec<String>,
}

/// Reads all rows of a table, and one more column of numbers.
///
/// # Errors
/// [`FeedError`]
pub fn read_whole(
    model: &Ensemble,
    mut reader: Box<dyn ReadBatches + '_>,
    source_name: &str,
    drop: &[String],
    weights: Option<&str>,
    watch: &dyn Watch,
) -> Result<Whole, FeedError> {
    let mut drop = drop.to_vec();
    if let Some(name) = weights {
        column(reader.as_ref(), source_name, name)?;
        drop.push(name.to_owned());
    }
    let binding = bound(model, reader.as_mut(), source_name, &drop, weights)?;
    let mut rows: Option<FeatureMatrix> = None;
    let mut weigh: Vec<f64> = Vec::new();
    let mut n_unseen = 0;
    while let Some(table) = reader.next_batch().map_err(|cause| read(source_name, cause))? {
        if watch.should_stop() {
            return Err(FeedError::Stopped);
        }
        let first = rows.as_ref().map_or(0, FeatureMatrix::n_rows);
        let (more, unseen) =
            binding.matrix(model, &table, first).map_err(|cause| bind(source_name, cause))?;
        n_unseen += unseen.iter().sum::<usize>();
        match &mut rows {
            Some(rows) => rows.append(more),
            None => rows = Some(more),
        }
        if let Some(Column::Number(values)) = weights.and_then(|name| table.column(name)) {
            weigh.extend(values);
        }
    }
    let unseen = (n_unseen > 0).then(|| format!("{}; read as missing", no_categories(n_unseen)));
    let rows = rows.ok_or_else(|| FeedError::NoRows { source_name: source_name.to_owned() })?;
    Ok(Whole { rows, weights: weights.map(|_| weigh), notes: unseen.into_iter().collect() })
}

/// Matches columns, and selects those that the model wants.
fn bound(
    model: &Ensemble,
    reader: &mut dyn ReadBatches,
    source_name: &str,
    drop: &[String],
    also: Option<&str>,
) -> Result<Binding, FeedError> {
    let binding = Binding::new(model, reader.all_names(), drop).map_err(|cause| bind(source_name, cause))?;
    let wanted = binding.wanted(model).into_iter();
    let mut fields: Vec<Field> = wanted.map(|(name, kind)| Field { name, kind }).collect();
    fields.extend(also.map(|name| Field { name: name.to_owned(), kind: Kind::Float64 }));
    reader.select(&fields).map_err(|cause| read(source_name, cause))?;
    // A category that the model knows is one, even if it is spelled `NA`. (But not a cell without letters: what frames
    // call an empty text, files call nothing.)
    for (at, feature) in model.features.iter().enumerate() {
        if let FeatureKind::Level { levels, .. } = &feature.kind {
            let said: Vec<String> = levels.iter().filter(|level| !level.is_empty()).cloned().collect();
            reader.keep_texts(at, &said);
        }
    }
    Ok(binding)
}

/// A column by its exact name.
fn column(reader: &dyn ReadBatches, source_name: &str, name: &str) -> Result<(), FeedError> {
    if reader.all_names().iter().any(|known| known == name) {
        return Ok(());
    }
    let closest = closest(name, reader.all_names().iter().map(String::as_str)).map(str::to_owned);
    Err(FeedError::NoColumn { source_name: source_name.to_owned(), column: name.to_owned(), closest })
}

fn bind(source_name: &str, cause: BindError) -> FeedError {
    FeedError::Bind { source_name: source_name.to_owned(), cause }
}

fn read(source_name: &str, cause: ReadError) -> FeedError {
    FeedError::Read { source_name: source_name.to_owned(), cause }
}

fn no_categories(n: usize) -> String {
    let values = if n == 1 { "1 value is".to_owned() } else { format!("{n} values are") };
    values + " no category of training"
}
