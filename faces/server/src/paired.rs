//! What is worked out of a model and a table? Its rows as the model compares them, and their explanation.

use std::num::NonZeroUsize;

use pellucid::data::RowSet;
use pellucid::explain::Control;
use pellucid::explain::shapley::{Background, Game, How, Method, PlanError, plan_game, tree_shap};
use pellucid::explain::what_if::{Domain, domains};
use pellucid::feed::{BATCH, Feed, doubtful_note, expected};
use pellucid::models::trees::{Ensemble, FeatureMatrix};
use pellucid::models::{Predict as _, Scale};
use pellucid::partners::set_partners;
use pellucid::views::Sample;

use crate::failure::{Code, Failure};
use crate::jobs::Job;
use crate::opened::Source;
use crate::workbench::Options;

/// Rows that others are compared with where a model does not say how many training rows went where.
const BACKGROUND: usize = 5_000;
/// Rows that near ones are searched among, at most.
const NEAR_ROWS: usize = 200_000;

/// Rows that near ones are searched among, with their margins: all, or some where there are many.
pub(crate) struct Around {
    /// `None`: all rows.
    some: Option<FeatureMatrix>,
    /// Every so many rows stand here.
    pub(crate) step: usize,
    /// Row-major.
    margins: Vec<f64>,
}

impl Around {
    fn of(model: &Ensemble, rows: &FeatureMatrix) -> Result<Self, Failure> {
        let step = rows.n_rows().div_ceil(NEAR_ROWS).max(1);
        let some = if step == 1 { None } else { Some(every(rows, step, model)?) };
        let margins = model.predict(some.as_ref().unwrap_or(rows), Scale::Margin);
        Ok(Self { some, step, margins })
    }

    pub(crate) fn rows<'a>(&'a self, all: &'a FeatureMatrix) -> &'a FeatureMatrix {
        self.some.as_ref().unwrap_or(all)
    }

    /// The margins of the row at a place, of `k` outputs.
    pub(crate) fn margins(&self, at: usize, k: usize) -> &[f64] {
        &self.margins[at * k..][..k]
    }
}

/// Every so many rows.
fn every(rows: &FeatureMatrix, step: usize, model: &Ensemble) -> Result<FeatureMatrix, Failure> {
    let columns = rows.columns().iter().map(|column| column.iter().copied().step_by(step).collect());
    let some = FeatureMatrix::new(columns.collect(), rows.n_rows().div_ceil(step), model.cast);
    some.ok_or_else(|| Failure::new(Code::Bug, "columns of different lengths"))
}

/// A model with the rows of a table.
pub(crate) struct Paired {
    /// Its features are called as the table's columns, where it stores no names.
    pub(crate) model: Ensemble,
    pub(crate) rows: FeatureMatrix,
    pub(crate) around: Around,
    pub(crate) domains: Vec<Domain>,
    /// Rows that unknown features are taken from, where the model can't say.
    background: Option<Background>,
    pub(crate) notes: Vec<String>,
}

impl Paired {
    pub(crate) fn read(
        model: &Ensemble,
        source: &Source,
        drop: &[String],
        options: &Options,
        job: &Job,
    ) -> Result<Self, Failure> {
        let reader = source.rows(&options.reading)?;
        let mut feed =
            Feed::new(model.clone(), reader, &source.shown(), drop).map_err(Failure::input)?.watched(job);
        if let Some(n) = feed.n_rows() {
            job.expect(n);
        }
        let most = options.most_bytes / ((model.features.len() + model.base.len()) * size_of::<f64>()).max(1);
        let mut all: Option<FeatureMatrix> = None;
        while let Some((first, rows)) = feed.next_rows().map_err(Failure::input)? {
            use pellucid::explain::Watch as _;
            if first + rows.n_rows() > most {
                return Err(Failure::new(
                    Code::Limit,
                    format!(
                        "{}: more than {most} rows of {} features do not fit into {} MB of memory; give more with --max-memory, or open a part \
                         of the rows",
                        source.shown(),
                        model.features.len(),
                        options.most_bytes >> 20
                    ),
                ));
            }
            job.advance(rows.n_rows());
            match &mut all {
                Some(all) => all.append(rows),
                None => all = Some(rows),
            }
        }
        let rows = all.ok_or_else(|| Failure::input(feed.no_rows()))?;
        let notes = [feed.notes(), feed.unseen_notes()].concat();
        let domains = domains(&feed.model, &rows);
        let around = Around::of(&feed.model, &rows)?;
        let mut paired = Self { model: feed.model, rows, around, domains, background: None, notes };
        if !paired.model.has_covers && !paired.model.trees.is_empty() || paired.model.linear.is_some() {
            paired.compare_with_rows()?;
        }
        Ok(paired)
    }

    /// Takes unknown features from rows of the table itself.
    fn compare_with_rows(&mut self) -> Result<(), Failure> {
        let rows = every(&self.rows, self.rows.n_rows().div_ceil(BACKGROUND), &self.model)?;
        let n = rows.n_rows();
        self.background = Some(Background::new(rows, None).map_err(Failure::input)?);
        let all = self.rows.n_rows();
        self.notes.push(if n == all {
            format!("unknown features are taken from the {n} rows of the table: the model itself does not say what is usual")
        } else {
            format!(
                "unknown features are taken from {n} of the {all} rows of the table: the model itself does not say what is usual; the command and the Python take all of \
                 them, and differ a little"
            )
        });
        Ok(())
    }

    /// Whether unknown features are taken from rows of the table.
    pub(crate) fn has_background(&self) -> bool {
        self.background.is_some()
    }

    /// What unknown features are taken from.
    pub(crate) fn game(&self) -> Game<'_> {
        self.background.as_ref().map_or(Game::PathDependent, Game::Background)
    }

    /// The margins of one row, as the source library computes them.
    pub(crate) fn margins_of(&self, row: usize) -> Vec<f64> {
        self.model.predict(&self.rows.slice(row..row + 1), Scale::Margin)
    }

    pub(crate) fn row(&self, row: usize) -> Result<Vec<f64>, Failure> {
        let n = self.rows.n_rows();
        if row >= n {
            return Err(Failure::new(
                Code::NotFound,
                format!("row {row}: the table has {n} rows, counted from 0"),
            ));
        }
        Ok(self.rows.columns().iter().map(|column| column[row]).collect())
    }

    /// Some rows, explained, `first` being the number of the first of them.
    pub(crate) fn explain(
        &self,
        first: usize,
        rows: &FeatureMatrix,
        control: &Control<'_>,
    ) -> Result<Sample, Failure> {
        let how = How::new(Method::Auto, rows.n_rows());
        let plan = plan_game(&self.model, self.game(), how, control).map_err(planned)?;
        let found = tree_shap(&self.model, &plan, rows, control)?;
        let mut sample = Sample::new(&self.model);
        sample.add(first, rows, &found);
        Ok(sample)
    }
}

fn planned(error: PlanError) -> Failure {
    if matches!(error, PlanError::Stopped) { Failure::cancelled() } else { Failure::input(error) }
}

/// All rows of a table, explained.
pub(crate) struct Explained {
    pub(crate) sample: Sample,
    pub(crate) notes: Vec<String>,
}

impl Explained {
    /// All rows, or those that were chosen: which, and in words.
    pub(crate) fn of(
        paired: &Paired,
        only: Option<(RowSet, String)>,
        threads: NonZeroUsize,
        job: &Job,
    ) -> Result<Self, Failure> {
        let model = &paired.model;
        let numbers: Option<Vec<usize>> = only.as_ref().map(|(rows, _)| rows.iter().collect());
        let n = numbers.as_ref().map_or(paired.rows.n_rows(), Vec::len);
        let control = Control { threads, watch: job };
        job.expect(n as u64);
        let plan = plan_game(model, paired.game(), How::new(Method::Auto, expected(n)), &control)
            .map_err(planned)?;
        let mut sample = Sample::new(model).of_rows(only.map(|(_, words)| words));
        let mut doubtful = None;
        for first in (0..n).step_by(BATCH) {
            let batch = first..n.min(first + BATCH);
            let own = numbers.as_ref().and_then(|all| all.get(batch.clone()));
            let rows = match own {
                Some(own) => paired.rows.picked(own),
                None => paired.rows.slice(batch),
            };
            let number = |row: usize| own.and_then(|own| own.get(row).copied()).unwrap_or(first + row);
            let found = tree_shap(model, &plan, &rows, &control)?;
            doubtful = doubtful.or_else(|| found.first_doubtful().map(number));
            sample.add_numbered(number, &rows, &found);
        }
        set_partners(model, paired.game(), &mut sample, &control)?;
        Ok(Self { sample, notes: doubtful.map(doubtful_note).into_iter().collect() })
    }
}
