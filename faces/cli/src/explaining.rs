//! How does a data file go through a model? Batch by batch, with what is worth noting on the way.

use std::path::Path;
use std::time::{Duration, Instant};

use pellucid::data::read::{ReadBatches, ReadOptions};
use pellucid::explain::shapley::{
    Background, Game, How, InteractionPlan, Interactions, Method, Plan, PlanError, plan_game,
    plan_interactions, shap_interactions, tree_shap,
};
use pellucid::explain::{Attributions, Control, Space, Stopped};
use pellucid::feed::{BATCH, Feed as Rows, FeedError, doubtful_note, read_whole};
use pellucid::files::{FileError, map, open_table};
use pellucid::models::trees::import::import;
use pellucid::models::trees::{Ensemble, FeatureMatrix};
use pellucid::views::Sample;
use sha2::{Digest, Sha256};

use crate::args::{ModelAndData, Reading, Where};
use crate::chosen::chosen;
use crate::console::{Console, Progress};
use crate::failure::Failure;
use crate::groups::Shown;
use crate::output::check_run;

/// Bytes of values that are computed at a time, at most.
const MOST_BYTES: usize = 128 << 20;

pub(crate) fn read_options(reading: &Reading) -> ReadOptions {
    let mut options = ReadOptions { header: !reading.no_header, batch_rows: BATCH, ..ReadOptions::default() };
    options.missing.extend(reading.missing.iter().map(|text| text.trim().to_owned()));
    options
}

/// Rows on their way through a model, and what stands in results of them.
pub(crate) struct Feed {
    pub(crate) rows: Rows<'static>,
    /// What stands in results.
    pub(crate) shown: Shown,
    /// SHA-256 of the bytes that were read as the model.
    pub(crate) model_hash: String,
    data: std::path::PathBuf,
    /// Which rows are taken, in words, where it is not all.
    pub(crate) only: Option<String>,
    /// Rows that unknown features are taken from.
    background: Option<Background>,
    /// Whether they are taken by what known features say of them.
    is_correlated: bool,
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
        model: Ensemble,
        reader: Box<dyn ReadBatches>,
        data: &Path,
        drop: &[String],
        console: &Console,
    ) -> Result<Self, Failure> {
        let rows = Rows::new(model, reader, &data.display().to_string(), drop)
            .map_err(|error| no_column(error, "--drop"))?;
        rows.notes().iter().for_each(|note| console.note(note));
        let shown = Shown::all(&rows.model);
        let (data, model_hash) = (data.to_owned(), String::new());
        Ok(Self { rows, shown, model_hash, data, only: None, background: None, is_correlated: false })
    }

    /// Takes unknown features from the rows of a file from now on.
    pub(crate) fn take_background(
        &mut self,
        path: &Path,
        weights: Option<&str>,
        about: &ModelAndData,
        console: &Console,
    ) -> Result<(), Failure> {
        let reader = open_table(path, &read_options(&about.reading))?;
        let name = path.display().to_string();
        let watch = console.searching();
        let whole = read_whole(&self.rows.model, reader, &name, &about.drop, weights, &watch)
            .map_err(|error| no_column(error, "--background-weights"))?;
        whole.notes.iter().for_each(|note| console.note(&format!("background: {note}")));
        let background = Background::new(whole.rows, whole.weights);
        self.background = Some(background.map_err(|cause| Failure::Input(format!("{name}: {cause}")))?);
        Ok(())
    }

    /// Takes only rows that conditions choose from now on.
    pub(crate) fn take_where(
        &mut self,
        about: &ModelAndData,
        asked: &Where,
        console: &Console,
    ) -> Result<(), Failure> {
        let Some(chosen) = chosen(&about.data, &about.reading, asked, console)? else { return Ok(()) };
        self.only = Some(chosen.cohort.words());
        self.rows.take_only(chosen.rows);
        Ok(())
    }

    /// Takes unknown features by the correlations of the background from now on.
    pub(crate) fn take_correlations(&mut self) {
        self.is_correlated = true;
    }

    /// What unknown features are taken from.
    pub(crate) fn game(&self) -> Game<'_> {
        match &self.background {
            None => Game::PathDependent,
            Some(background) if self.is_correlated => Game::Correlated(background),
            Some(background) => Game::Background(background),
        }
    }

    /// Says which categories were read as missing.
    pub(crate) fn report_unseen(&self, console: &Console) {
        self.rows.unseen_notes().iter().for_each(|note| console.note(note));
    }
}

/// A column that an option names and the data lacks is a wrong argument.
fn no_column(error: FeedError, option: &str) -> Failure {
    match &error {
        FeedError::NoColumn { source_name, column, closest } => {
            let hint = closest.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            Failure::Usage(format!("{option} {column}: {source_name} has no such column{hint}"))
        }
        _ => error.into(),
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
    /// Which rows were taken, in words, where it is not all.
    pub(crate) only: Option<String>,
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

/// Explains all rows of a feed, or one of them; every piece goes to `take` as soon as it is done.
pub(crate) fn explain(
    feed: &mut Feed,
    way: (Method, Space),
    row: Option<usize>,
    console: &Console,
    mut take: impl FnMut(&Attributions) -> Result<(), Failure>,
) -> Result<Explained, Failure> {
    let mut sample =
        Sample::of(feed.shown.features.clone(), feed.rows.model.base.len()).of_rows(feed.only.clone());
    let numbers = feed.rows.numbers();
    let (plan, cut_short) = explain_each(feed, way, row, console, |first, piece, found| {
        sample.add_numbered(|row| numbers.of(first + row), piece, found);
        take(found)
    })?;
    let n_background = feed.background.as_ref().map(|background| background.rows().n_rows());
    Ok(Explained { plan, sample, cut_short, n_background, only: feed.only.clone() })
}

/// The same without a sample for pictures: pieces go to `take` with how many rows were taken before. Answers the plan, and
/// whether the time limit came first.
pub(crate) fn explain_each(
    feed: &mut Feed,
    (method, space): (Method, Space),
    row: Option<usize>,
    console: &Console,
    mut take: impl FnMut(usize, &FeatureMatrix, &Attributions) -> Result<(), Failure>,
) -> Result<(Plan, bool), Failure> {
    let mut doubtful = None;
    let (shown, numbers) = (feed.shown.clone(), feed.rows.numbers());
    let width = feed.rows.model.features.len() + 2;
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
            doubtful = doubtful.or_else(|| found.first_doubtful().map(|row| numbers.of(first + row)));
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
    let (n, numbers) = (feed.rows.model.features.len(), feed.rows.numbers());
    let done = each_piece(
        feed,
        row,
        console,
        n * n + 2,
        |model, game, expected, control| plan_interactions(model, game, How::new(method, expected), control),
        shap_interactions,
        |first, _, found| {
            doubtful =
                doubtful.or_else(|| found.values().first_doubtful().map(|row| numbers.of(first + row)));
            take(&found)
        },
    )?;
    note_doubtful(doubtful, console);
    Ok(done)
}

fn note_doubtful(doubtful: Option<usize>, console: &Console) {
    if let Some(row) = doubtful {
        console.note(&doubtful_note(row));
    }
}

/// Goes through a feed, or to one of its rows, piece by piece: what `prepare` makes once for so many rows, `work` does, and
/// `take` gets it with how many rows came before. Answers what was prepared, and whether the time limit came first. An
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
    let progress = console.progress(feed.rows.n_rows());
    let n_threads = console.threads().0.get();
    let mut pace = Pace::new(feed.rows.model.base.len() * width * size_of::<f64>(), n_threads);
    'batches: loop {
        let batch = match row {
            None => feed.rows.next_rows()?,
            Some(_) if ready.is_some() => None,
            Some(row) => feed.rows.only(row)?,
        };
        let Some((first, rows)) = batch else { break };
        let plan = match &ready {
            Some(plan) => plan,
            None => {
                let expected = feed.rows.expected_rows(&rows);
                match prepare(&feed.rows.model, feed.game(), expected, &control(console, &progress)) {
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
            let found = match work(&feed.rows.model, plan, &piece, &control(console, &progress)) {
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
                let (data, n) = (feed.data.display(), feed.rows.n_read());
                Failure::Usage(format!("--row {row}: {data} has {n} rows, counted from 0"))
            }
            None => feed.rows.no_rows().into(),
        }),
    }
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
