//! How does a data file go through a model? Batch by batch, with what is worth noting on the way.

use std::path::Path;
use std::time::{Duration, Instant};

use pellucid::data::read::{ReadBatches, ReadOptions};
use pellucid::data::{Field, OutputId};
use pellucid::explain::shapley::{Method, Plan, plan, tree_shap};
use pellucid::explain::{Attributions, Control};
use pellucid::files::{FileError, load_model, open_table};
use pellucid::models::trees::{Binding, Ensemble, FeatureKind, FeatureMatrix};
use pellucid::views::{FeatureValues, Subject, Totals};

use crate::args::{ModelAndData, Reading};
use crate::console::{Console, Progress};
use crate::failure::Failure;

/// Rows a batch: enough to keep every core busy, few enough to hold.
const BATCH: usize = 16_384;
/// Rows that pictures are drawn from, at most.
const SHOWN: usize = 20_000;
/// Values that are held for pictures, at most.
const CELLS: usize = 6_000_000;

pub(crate) fn read_options(reading: &Reading) -> ReadOptions {
    let mut options = ReadOptions { header: !reading.no_header, batch_rows: BATCH, ..ReadOptions::default() };
    options.missing.extend(reading.missing.iter().map(|text| text.trim().to_owned()));
    options
}

/// A model, and rows that arrive as it compares them.
pub(crate) struct Feed {
    pub(crate) model: Ensemble,
    binding: Binding,
    reader: Box<dyn ReadBatches>,
    data: std::path::PathBuf,
    next_row: usize,
    unseen: Vec<usize>,
}

impl Feed {
    pub(crate) fn open(about: &ModelAndData, console: &Console) -> Result<Self, Failure> {
        let model = load_model(&about.model)?;
        let reader = open_table(&about.data, &read_options(&about.reading))?;
        Self::new(model, reader, &about.data, &about.drop, console)
    }

    pub(crate) fn new(
        model: Ensemble,
        mut reader: Box<dyn ReadBatches>,
        data: &Path,
        drop: &[String],
        console: &Console,
    ) -> Result<Self, Failure> {
        for name in drop {
            if !reader.all_names().contains(name) {
                let near = pellucid::data::closest(name, reader.all_names().iter().map(String::as_str));
                let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return Err(Failure::Usage(format!(
                    "--drop {name}: {} has no such column{hint}",
                    data.display()
                )));
            }
        }
        let at = |cause: &dyn std::fmt::Display| Failure::Input(format!("{}: {cause}", data.display()));
        let binding = Binding::new(&model, reader.all_names(), drop).map_err(|e| at(&e))?;
        let notes = binding.notes();
        if !notes.ignored.is_empty() {
            console.note(&format!(
                "columns that the model does not know are ignored: {}",
                notes.ignored.join(", ")
            ));
        }
        if notes.reordered {
            console.note("columns stand in another order than in training; they are matched by name");
        }
        if notes.by_position {
            console.note("the model stores no feature names; columns are matched by position");
        }
        let fields: Vec<Field> =
            binding.wanted(&model).into_iter().map(|(name, kind)| Field { name, kind }).collect();
        reader.select(&fields).map_err(|cause| FileError::table(data, cause))?;
        let unseen = vec![0; model.features.len()];
        Ok(Self { model, binding, reader, data: data.to_owned(), next_row: 0, unseen })
    }

    /// The next rows and the number of the first of them; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, FeatureMatrix)>, Failure> {
        let batch = self.reader.next_batch().map_err(|cause| FileError::table(&self.data, cause))?;
        let Some(table) = batch else { return Ok(None) };
        let first = self.next_row;
        self.next_row += table.n_rows();
        let matrix = self.binding.matrix(&self.model, &table, first);
        let (matrix, unseen) =
            matrix.map_err(|cause| Failure::Input(format!("{}: {cause}", self.data.display())))?;
        self.unseen.iter_mut().zip(unseen).for_each(|(sum, n)| *sum += n);
        Ok(Some((first, matrix)))
    }

    /// Says which categories were read as missing.
    pub(crate) fn report_unseen(&self, console: &Console) {
        for (feature, &n) in self.model.features.iter().zip(&self.unseen).filter(|(_, n)| **n > 0) {
            let name = &feature.name;
            console.note(&format!(
                "column `{name}`: {n} values are no category of training; read as missing, as LightGBM does"
            ));
        }
    }
}

/// What became of an explanation.
pub(crate) struct Explained {
    pub(crate) plan: Plan,
    /// One a output.
    pub(crate) totals: Vec<Totals>,
    pub(crate) samples: Sample,
    pub(crate) base: Vec<f64>,
    /// Whether the time limit cut it short.
    pub(crate) cut_short: bool,
}

/// Explains all rows of a feed, or one of them; every batch goes to `take` as soon as it is done.
pub(crate) fn explain(
    feed: &mut Feed,
    method: Method,
    row: Option<usize>,
    console: &Console,
    mut take: impl FnMut(&Attributions) -> Result<(), Failure>,
) -> Result<Explained, Failure> {
    let k = feed.model.base.len();
    let mut ready: Option<Plan> = None;
    let mut totals = vec![Totals::default(); k];
    let mut samples = Sample::new(&feed.model);
    let mut base = Vec::new();
    let mut cut_short = false;
    let progress = console.progress(None);
    let mut pace = Pace::new();
    'batches: while let Some((first, rows)) = feed.next()? {
        let (first, rows) = match row {
            None => (first, rows),
            Some(row) if (first..first + rows.n_rows()).contains(&row) => {
                (row, rows.slice(row - first..row - first + 1))
            }
            Some(_) => continue,
        };
        let plan = match &ready {
            Some(plan) => plan,
            // A full first batch promises many more rows.
            None => {
                let expected = if rows.n_rows() == BATCH { 4 * BATCH } else { rows.n_rows() };
                ready.insert(plan(&feed.model, method, expected)?)
            }
        };
        let mut done = 0;
        while done < rows.n_rows() {
            let piece = rows.slice(done..rows.n_rows().min(done + pace.rows));
            let start = Instant::now();
            let found = match tree_shap(&feed.model, plan, &piece, &control(console, &progress)) {
                Ok(found) => found,
                Err(_) if console.is_interrupted() => return Err(Failure::Interrupted),
                Err(_) => {
                    cut_short = true;
                    break 'batches;
                }
            };
            pace.learn(start.elapsed());
            for (output, totals) in totals.iter_mut().enumerate() {
                totals.add(&found, OutputId::at(output));
            }
            if base.is_empty() {
                base = (0..k).map(|output| found.base(OutputId::at(output))).collect();
            }
            samples.add(first + done, &piece, &found);
            take(&found)?;
            done += piece.n_rows();
        }
        if row.is_some() {
            break;
        }
    }
    drop(progress);
    feed.report_unseen(console);
    match (ready, totals[0].n_rows) {
        (Some(plan), 1..) => Ok(Explained { plan, totals, samples, base, cut_short }),
        _ if cut_short => Err(Failure::NothingInTime),
        _ => Err(match row {
            Some(row) => Failure::Usage(format!(
                "--row {row}: {} has {} rows, counted from 0",
                feed.data.display(),
                feed.next_row
            )),
            None => Failure::Input(format!("{} has no rows", feed.data.display())),
        }),
    }
}

/// How many rows are explained between two looks at the clock: a slow method must not lose what it has
/// done when the time is over, and a fast one must not be slowed down by stopping.
struct Pace {
    rows: usize,
}

impl Pace {
    fn new() -> Self {
        Self { rows: 64 }
    }

    fn learn(&mut self, took: Duration) {
        if took < Duration::from_millis(100) {
            self.rows = (self.rows * 4).min(BATCH);
        } else if took > Duration::from_millis(500) {
            self.rows = (self.rows / 2).max(1);
        }
    }
}

fn control<'a>(console: &Console, progress: &'a Progress<'_>) -> Control<'a> {
    Control { threads: console.threads().0, watch: progress }
}

/// Rows that are kept for pictures: every one at first; when there are too many, every second of them.
pub(crate) struct Sample {
    stride: usize,
    most: usize,
    seen: usize,
    rows: Vec<usize>,
    /// Feature by feature.
    data: Vec<Vec<f64>>,
    /// Row by row: outputs × features.
    values: Vec<Vec<f64>>,
    margins: Vec<Vec<f64>>,
}

impl Sample {
    fn new(model: &Ensemble) -> Self {
        let (n_features, k) = (model.features.len(), model.base.len());
        let most = (CELLS / (n_features * (k + 1)).max(1)).clamp(100, SHOWN);
        let data = vec![Vec::new(); n_features];
        Self { stride: 1, most, seen: 0, rows: Vec::new(), data, values: Vec::new(), margins: Vec::new() }
    }

    fn add(&mut self, first: usize, rows: &FeatureMatrix, found: &Attributions) {
        for row in 0..found.n_rows() {
            if self.seen.is_multiple_of(self.stride) {
                if self.rows.len() == self.most {
                    self.halve();
                }
                if self.seen.is_multiple_of(self.stride) {
                    self.rows.push(first + row);
                    self.data
                        .iter_mut()
                        .zip(rows.columns())
                        .for_each(|(kept, column)| kept.push(column[row]));
                    let outputs = (0..found.n_outputs()).map(OutputId::at);
                    self.values.push(outputs.flat_map(|output| found.values(row, output).to_vec()).collect());
                    self.margins.push(found.margins(row).to_vec());
                }
            }
            self.seen += 1;
        }
    }

    fn halve(&mut self) {
        fn every_second<T>(all: &mut Vec<T>) {
            let mut at = 0;
            all.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
        self.stride *= 2;
        every_second(&mut self.rows);
        self.data.iter_mut().for_each(every_second);
        every_second(&mut self.values);
        every_second(&mut self.margins);
    }

    /// The explanation of one output, ready to be looked at.
    pub(crate) fn subject(&self, model: &Ensemble, explained: &Explained, output: usize) -> Subject {
        let (n_features, k) = (model.features.len(), model.base.len());
        let features = model.features.iter().zip(&self.data).map(|(feature, numbers)| FeatureValues {
            name: feature.name.clone(),
            numbers: numbers.clone(),
            levels: match &feature.kind {
                FeatureKind::Level { levels, .. } => Some(levels.to_vec()),
                FeatureKind::Number | FeatureKind::Code => None,
            },
        });
        let probability = |margins: &[f64]| model.predictions(margins).get(output).copied();
        let is_probability = model.link.is_probability();
        Subject {
            model: format!(
                "{}, {} trees",
                model.origin.library,
                pellucid::views::number::count(model.trees.len())
            ),
            method: "path-dependent Shapley values, exact".to_owned(),
            unit: model.link.margin_unit().to_owned(),
            output: (k > 1).then(|| output.to_string()),
            base: explained.base[output],
            features: features.collect(),
            values: self
                .values
                .iter()
                .flat_map(|row| row[output * n_features..][..n_features].to_vec())
                .collect(),
            margins: self.margins.iter().map(|row| row[output]).collect(),
            probabilities: is_probability
                .then(|| self.margins.iter().filter_map(|row| probability(row)).collect()),
            rows: self.rows.clone(),
            totals: explained.totals[output].clone(),
        }
    }
}
