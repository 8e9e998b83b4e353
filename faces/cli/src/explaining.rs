//! How does a data file go through a model? Batch by batch, with what is worth noting on the way.

use std::path::Path;
use std::time::{Duration, Instant};

use pellucid::data::read::{ReadBatches, ReadOptions, Shard};
use pellucid::data::table::{Column, Kind};
use pellucid::data::{Field, OutputId, Table};
use pellucid::explain::shapley::{
    Background, Game, How, InteractionPlan, Interactions, Method, Plan, PlanError, plan_game,
    plan_interactions, shap_interactions, tree_shap,
};
use pellucid::explain::{Attributions, Control, Space, Stopped};
use pellucid::files::{FileError, map, open_table};
use pellucid::models::trees::import::import;
use pellucid::models::trees::{Binding, Ensemble, FeatureKind, FeatureMatrix};
use pellucid::views::Sample;
use sha2::{Digest, Sha256};

use crate::args::{ModelAndData, Reading};
use crate::console::{Console, Progress};
use crate::failure::Failure;
use crate::groups::Shown;
use crate::output::check_run;

/// Rows a batch: enough to keep every core busy, few enough to hold.
const BATCH: usize = 16_384;
/// Bytes of values that are computed at a time, at most.
const MOST_BYTES: usize = 128 << 20;

pub(crate) fn read_options(reading: &Reading) -> ReadOptions {
    let mut options = ReadOptions { header: !reading.no_header, batch_rows: BATCH, ..ReadOptions::default() };
    options.missing.extend(reading.missing.iter().map(|text| text.trim().to_owned()));
    options
}

/// A model, and rows that arrive as it compares them, always in batches of one size: neither the file's own batches nor
/// the way the data came change what follows.
pub(crate) struct Feed {
    pub(crate) model: Ensemble,
    /// What stands in results.
    pub(crate) shown: Shown,
    /// SHA-256 of the bytes that were read as the model.
    pub(crate) model_hash: String,
    binding: Binding,
    reader: Box<dyn ReadBatches>,
    data: std::path::PathBuf,
    /// The number of the next row that the reader gives.
    read_rows: usize,
    /// Rows that were read and not given yet, and the number of the first of them.
    pending: Option<FeatureMatrix>,
    next_row: usize,
    ended: bool,
    unseen: Vec<usize>,
    /// Rows that unknown features are taken from.
    background: Option<Background>,
    /// Whether they are taken by what known features say of them.
    is_correlated: bool,
    /// Rows of the whole file, where only a part is read.
    whole: Option<u64>,
}

impl Feed {
    pub(crate) fn open(about: &ModelAndData, console: &Console) -> Result<Self, Failure> {
        if about.model == Path::new("-") {
            return Err(Failure::Usage("standard input is for the data; the model is a file".to_owned()));
        }
        check_run(about.run.as_deref())?;
        let bytes = map(&about.model)?;
        let model = import(&bytes).map_err(|cause| FileError::Model { path: about.model.clone(), cause })?;
        let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let reader = open_table(&about.data, &read_options(&about.reading))?;
        let mut feed = Self::new(model, reader, &about.data, &about.drop, console)?;
        feed.model_hash = hash;
        Ok(feed)
    }

    pub(crate) fn new(
        mut model: Ensemble,
        mut reader: Box<dyn ReadBatches>,
        data: &Path,
        drop: &[String],
        console: &Console,
    ) -> Result<Self, Failure> {
        for name in drop {
            if !reader.all_names().contains(name) {
                let near = pellucid::data::closest(name, reader.all_names().iter().map(String::as_str));
                let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                let data = data.display();
                return Err(Failure::Usage(format!("--drop {name}: {data} has no such column{hint}")));
            }
        }
        let at = |cause: &dyn std::fmt::Display| Failure::Input(format!("{}: {cause}", data.display()));
        let binding = Binding::new(&model, reader.all_names(), drop).map_err(|e| at(&e))?;
        say_notes(&binding, console);
        let fields: Vec<Field> =
            binding.wanted(&model).into_iter().map(|(name, kind)| Field { name, kind }).collect();
        reader.select(&fields).map_err(|cause| FileError::table(data, cause))?;
        for feature in &model.features {
            if let FeatureKind::Level { levels, .. } = &feature.kind
                && levels.iter().any(String::is_empty)
            {
                let name = &feature.name;
                console.note(&format!(
                    "column `{name}`: the model knows a category without letters; empty cells of text files are \
                     read as missing all the same (write Parquet to tell them apart)"
                ));
            }
        }
        keep_texts(&model, reader.as_mut());
        if binding.notes().by_position {
            // The data's own names say more than f0, f1.
            let names = model.features.iter_mut().zip(binding.sources());
            names.for_each(|(feature, source)| feature.name.clone_from(source));
        }
        let unseen = vec![0; model.features.len()];
        let shown = Shown::all(&model);
        let (data, model_hash) = (data.to_owned(), String::new());
        let (read_rows, next_row, pending, ended) = (0, 0, None, false);
        let (background, is_correlated, whole) = (None, false, None);
        Ok(Self {
            model,
            shown,
            model_hash,
            binding,
            reader,
            data,
            read_rows,
            pending,
            next_row,
            ended,
            unseen,
            background,
            is_correlated,
            whole,
        })
    }

    /// Takes unknown features from the rows of a file from now on.
    pub(crate) fn take_background(
        &mut self,
        path: &Path,
        weights: Option<&str>,
        about: &ModelAndData,
        console: &Console,
    ) -> Result<(), Failure> {
        let at = |cause: &dyn std::fmt::Display| Failure::Input(format!("{}: {cause}", path.display()));
        let mut reader = open_table(path, &read_options(&about.reading))?;
        let mut drop = about.drop.clone();
        if let Some(name) = weights {
            if !reader.all_names().iter().any(|known| known == name) {
                let near = pellucid::data::closest(name, reader.all_names().iter().map(String::as_str));
                let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return Err(Failure::Usage(format!(
                    "--background-weights {name}: {} has no such column{hint}",
                    path.display()
                )));
            }
            drop.push(name.to_owned());
        }
        let binding = Binding::new(&self.model, reader.all_names(), &drop).map_err(|e| at(&e))?;
        let mut fields: Vec<Field> =
            binding.wanted(&self.model).into_iter().map(|(name, kind)| Field { name, kind }).collect();
        fields.extend(weights.map(|name| Field { name: name.to_owned(), kind: Kind::Float64 }));
        reader.select(&fields).map_err(|cause| FileError::table(path, cause))?;
        keep_texts(&self.model, reader.as_mut());
        let mut rows: Option<FeatureMatrix> = None;
        let mut weigh: Vec<f64> = Vec::new();
        let mut n_unseen = 0;
        while let Some(table) = reader.next_batch().map_err(|cause| FileError::table(path, cause))? {
            if console.is_interrupted() {
                return Err(Failure::Interrupted);
            }
            let first = rows.as_ref().map_or(0, FeatureMatrix::n_rows);
            let (more, unseen) = binding.matrix(&self.model, &table, first).map_err(|e| at(&e))?;
            n_unseen += unseen.iter().sum::<usize>();
            match &mut rows {
                Some(rows) => rows.append(more),
                None => rows = Some(more),
            }
            if let Some(Column::Number(values)) = weights.and_then(|name| table.column(name)) {
                weigh.extend(values);
            }
        }
        if n_unseen > 0 {
            console.note(&format!("background: {}; read as missing", no_categories(n_unseen)));
        }
        let rows = rows.ok_or_else(|| at(&"it has no rows"))?;
        let weights = weights.map(|_| weigh);
        self.background = Some(Background::new(rows, weights).map_err(|e| at(&e))?);
        Ok(())
    }

    /// Takes unknown features by the correlations of the background from now on.
    pub(crate) fn take_correlations(&mut self) {
        self.is_correlated = true;
    }

    /// Reads only a part of the rows from now on.
    pub(crate) fn take_shard(&mut self, shard: Shard) -> Result<(), Failure> {
        let whole = self.reader.n_rows();
        let before = self.reader.take_shard(shard).map_err(|cause| FileError::table(&self.data, cause))?;
        self.whole = whole;
        self.read_rows = before as usize;
        self.next_row = before as usize;
        Ok(())
    }

    /// For how many rows a plan is made, by the first batch and, in a part, by all: every part has the same plan.
    fn expected_rows(&self, batch: &FeatureMatrix) -> usize {
        let n = self.whole.map_or(batch.n_rows(), |whole| usize::try_from(whole).unwrap_or(usize::MAX));
        // A full first batch promises many more rows.
        if n >= BATCH { 4 * BATCH } else { n }
    }

    /// What unknown features are taken from.
    pub(crate) fn game(&self) -> Game<'_> {
        match &self.background {
            None => Game::PathDependent,
            Some(background) if self.is_correlated => Game::Correlated(background),
            Some(background) => Game::Background(background),
        }
    }

    /// How many rows the file says it has.
    pub(crate) fn n_rows(&self) -> Option<u64> {
        self.reader.n_rows()
    }

    fn next_table(&mut self) -> Result<Option<(usize, Table)>, Failure> {
        let batch = self.reader.next_batch().map_err(|cause| FileError::table(&self.data, cause))?;
        let Some(table) = batch else { return Ok(None) };
        let first = self.read_rows;
        self.read_rows += table.n_rows();
        Ok(Some((first, table)))
    }

    fn matrix(&mut self, table: &Table, first: usize) -> Result<FeatureMatrix, Failure> {
        let matrix = self.binding.matrix(&self.model, table, first);
        let (matrix, unseen) =
            matrix.map_err(|cause| Failure::Input(format!("{}: {cause}", self.data.display())))?;
        self.unseen.iter_mut().zip(unseen).for_each(|(sum, n)| *sum += n);
        Ok(matrix)
    }

    /// The next rows and the number of the first of them; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, FeatureMatrix)>, Failure> {
        while !self.ended && self.pending.as_ref().is_none_or(|rows| rows.n_rows() < BATCH) {
            let Some((first, table)) = self.next_table()? else {
                self.ended = true;
                break;
            };
            let more = self.matrix(&table, first)?;
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
    fn only(&mut self, row: usize) -> Result<Option<(usize, FeatureMatrix)>, Failure> {
        while let Some((first, table)) = self.next_table()? {
            if row < first + table.n_rows() {
                let own = table.slice(row - first..row - first + 1);
                self.ended = true;
                return Ok(Some((row, self.matrix(&own, row)?)));
            }
        }
        Ok(None)
    }

    /// The error for data without rows.
    pub(crate) fn no_rows(&self) -> Failure {
        Failure::Input(format!("{} has no rows", self.data.display()))
    }

    /// Says which categories were read as missing.
    pub(crate) fn report_unseen(&self, console: &Console) {
        for (feature, &n) in self.model.features.iter().zip(&self.unseen).filter(|(_, n)| **n > 0) {
            let name = &feature.name;
            console.note(&format!(
                "column `{name}`: {}; read as missing, as {} does",
                no_categories(n),
                self.model.origin.library
            ));
        }
    }
}

fn no_categories(n: usize) -> String {
    let values = if n == 1 { "1 value is".to_owned() } else { format!("{n} values are") };
    values + " no category of training"
}

/// A category that the model knows is one, even if it is spelled `NA`. (But not a cell without letters: what frames call an
/// empty text, files call nothing.)
fn keep_texts(model: &Ensemble, reader: &mut dyn ReadBatches) {
    for (at, feature) in model.features.iter().enumerate() {
        if let FeatureKind::Level { levels, .. } = &feature.kind {
            let said: Vec<String> = levels.iter().filter(|level| !level.is_empty()).cloned().collect();
            reader.keep_texts(at, &said);
        }
    }
}

/// What was noticed while columns were matched.
fn say_notes(binding: &Binding, console: &Console) {
    let notes = binding.notes();
    if !notes.ignored.is_empty() {
        let names = notes.ignored.join(", ");
        console.note(&format!("columns that the model does not know are ignored: {names}"));
    }
    for (feature, column) in &notes.respelled {
        console.note(&format!("column `{column}` is read as the model's `{feature}`"));
    }
    if notes.reordered {
        console.note("columns stand in another order than in training; they are matched by name");
    }
    if notes.by_position {
        console.note("the model stores no feature names; columns are matched by position");
    }
}

/// What became of an explanation.
pub(crate) struct Explained {
    pub(crate) plan: Plan,
    pub(crate) sample: Sample,
    /// Whether the time limit cut it short.
    pub(crate) cut_short: bool,
    /// How many rows of background there were.
    pub(crate) n_background: Option<usize>,
}

impl Explained {
    pub(crate) fn n_rows(&self) -> usize {
        self.sample.totals()[0].n_rows
    }

    /// The largest residual of all rows and outputs; NaN if any is.
    pub(crate) fn worst_residual(&self) -> f64 {
        let all = self.sample.totals().iter().map(|totals| totals.worst_residual);
        all.fold(0.0, |worst, x| if x.is_nan() || x > worst { x } else { worst })
    }
}

/// A residual above this share of a row's size is more than rounding.
const ROUNDING: f64 = 1e-9;

/// Explains all rows of a feed, or one of them; every piece goes to `take` as soon as it is done.
pub(crate) fn explain(
    feed: &mut Feed,
    way: (Method, Space),
    row: Option<usize>,
    console: &Console,
    mut take: impl FnMut(&Attributions) -> Result<(), Failure>,
) -> Result<Explained, Failure> {
    let mut sample = Sample::of(feed.shown.features.clone(), feed.model.base.len());
    let (plan, cut_short) = explain_each(feed, way, row, console, |first, piece, found| {
        sample.add(first, piece, found);
        take(found)
    })?;
    let n_background = feed.background.as_ref().map(|background| background.rows().n_rows());
    Ok(Explained { plan, sample, cut_short, n_background })
}

/// The same without a sample for pictures: pieces go to `take` with the number of their first row. Answers the plan, and
/// whether the time limit came first.
pub(crate) fn explain_each(
    feed: &mut Feed,
    (method, space): (Method, Space),
    row: Option<usize>,
    console: &Console,
    mut take: impl FnMut(usize, &FeatureMatrix, &Attributions) -> Result<(), Failure>,
) -> Result<(Plan, bool), Failure> {
    let mut doubtful = None;
    let shown = feed.shown.clone();
    let width = feed.model.features.len() + 2;
    let done = each_piece(
        feed,
        row,
        console,
        width,
        |model, game, expected, control| {
            plan_game(model, game, How { space, ..How::new(method, expected) }, control)
        },
        tree_shap,
        |first, piece, found| {
            doubtful = doubtful.or_else(|| first_doubtful(&found).map(|row| first + row));
            take(first, &shown.rows(piece), &shown.values(&found))
        },
    )?;
    note_doubtful(doubtful, console);
    Ok(done)
}

/// The same with the interactions of all pairs of features.
pub(crate) fn explain_pairs(
    feed: &mut Feed,
    method: Method,
    row: Option<usize>,
    console: &Console,
    mut take: impl FnMut(&Interactions) -> Result<(), Failure>,
) -> Result<(InteractionPlan, bool), Failure> {
    let mut doubtful = None;
    let n = feed.model.features.len();
    let done = each_piece(
        feed,
        row,
        console,
        n * n + 2,
        |model, game, expected, control| plan_interactions(model, game, How::new(method, expected), control),
        shap_interactions,
        |first, _, found| {
            doubtful = doubtful.or_else(|| first_doubtful(found.values()).map(|row| first + row));
            take(&found)
        },
    )?;
    note_doubtful(doubtful, console);
    Ok(done)
}

fn note_doubtful(doubtful: Option<usize>, console: &Console) {
    if let Some(row) = doubtful {
        console.note(&format!(
            "row {row}: base and values miss the answer by more than rounding; what the model adds up differs so much in size \
             that 64 bits can't hold the sum, or is no number. The residual of every row says by how much"
        ));
    }
}

/// Goes through a feed, or to one of its rows, piece by piece: what `prepare` makes once for so many rows, `work` does, and
/// `take` gets it with the number of the first row. Answers what was prepared, and whether the time limit came first. An
/// answer has `width` numbers a row and output.
fn each_piece<P, T>(
    feed: &mut Feed,
    row: Option<usize>,
    console: &Console,
    width: usize,
    prepare: impl Fn(&Ensemble, Game<'_>, usize, &Control<'_>) -> Result<P, PlanError>,
    work: impl Fn(&Ensemble, &P, &FeatureMatrix, &Control<'_>) -> Result<T, Stopped>,
    mut take: impl FnMut(usize, &FeatureMatrix, T) -> Result<(), Failure>,
) -> Result<(P, bool), Failure> {
    let mut ready: Option<P> = None;
    let (mut cut_short, mut n_done) = (false, 0);
    let progress = console.progress(feed.n_rows());
    let n_threads = console.threads().0.get();
    let mut pace = Pace::new(feed.model.base.len() * width * size_of::<f64>(), n_threads);
    'batches: loop {
        let batch = match row {
            None => feed.next()?,
            Some(_) if ready.is_some() => None,
            Some(row) => feed.only(row)?,
        };
        let Some((first, rows)) = batch else { break };
        let plan = match &ready {
            Some(plan) => plan,
            None => {
                let expected = feed.expected_rows(&rows);
                match prepare(&feed.model, feed.game(), expected, &control(console, &progress)) {
                    Err(PlanError::Stopped) if !console.is_interrupted() => {
                        return Err(Failure::NothingInTime);
                    }
                    made => ready.insert(made?),
                }
            }
        };
        let mut done = 0;
        while done < rows.n_rows() {
            let piece = rows.slice(done..rows.n_rows().min(done + pace.rows));
            let start = Instant::now();
            let found = match work(&feed.model, plan, &piece, &control(console, &progress)) {
                Ok(found) => found,
                Err(_) if console.is_interrupted() => return Err(Failure::Interrupted),
                Err(_) => {
                    cut_short = true;
                    break 'batches;
                }
            };
            pace.learn(start.elapsed());
            take(first + done, &piece, found)?;
            done += piece.n_rows();
            n_done += piece.n_rows();
        }
    }
    drop(progress);
    feed.report_unseen(console);
    match (ready, n_done) {
        (Some(plan), 1..) => Ok((plan, cut_short)),
        _ if cut_short => Err(Failure::NothingInTime),
        _ => Err(match row {
            Some(row) => {
                let (data, n) = (feed.data.display(), feed.read_rows);
                Failure::Usage(format!("--row {row}: {data} has {n} rows, counted from 0"))
            }
            None => feed.no_rows(),
        }),
    }
}

/// The first row whose residual is more than rounding, or no number.
fn first_doubtful(found: &Attributions) -> Option<usize> {
    let outputs = || (0..found.n_outputs()).map(OutputId::at);
    let is_doubtful = |row: usize, output: OutputId| {
        let size = found.margin(row, output).abs() + found.base(output).abs() + 1.0;
        let residual = found.residual(row, output);
        residual.is_nan() || residual > ROUNDING * size
    };
    (0..found.n_rows()).find(|&row| outputs().any(|output| is_doubtful(row, output)))
}

/// How many rows are explained between two looks at the clock: a slow method must not lose what it has
/// done when the time is over, and a fast one must not be slowed down by stopping.
struct Pace {
    rows: usize,
    most: usize,
    /// One for every thread, so that none waits.
    least: usize,
}

impl Pace {
    fn new(a_row: usize, n_threads: usize) -> Self {
        let most = (MOST_BYTES / a_row.max(1)).clamp(1, BATCH);
        let least = n_threads.min(most);
        Self { rows: least.max(8).min(most), most, least }
    }

    fn learn(&mut self, took: Duration) {
        if took < Duration::from_millis(100) {
            self.rows = (self.rows * 4).min(self.most);
        } else if took > Duration::from_millis(500) {
            self.rows = (self.rows / 2).max(self.least);
        }
    }
}

pub(crate) fn control<'a>(console: &Console, progress: &'a Progress<'_>) -> Control<'a> {
    Control { threads: console.threads().0, watch: progress }
}
