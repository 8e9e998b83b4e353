//! An explanation on its way to NumPy: values row by row, what belongs to them, and the rows that pictures are drawn from.

use numpy::PyArrayDyn;
use pellucid::data::{FeatureId, OutputId};
use pellucid::explain::Attributions;
use pellucid::explain::shapley::{Interactions, Plan};
use pellucid::feed::doubtful_note;
use pellucid::models::trees::Ensemble;
use pellucid::views::Sample;
use pyo3::prelude::*;
use std::sync::Mutex;

use crate::arrays::Aligned;
use crate::errors::Failure;
use crate::pictures::Asked;
use crate::trees::bases;

/// What a call answered. Arrays are handed over once, without a copy; pictures can be asked for as long as it lives.
#[pyclass(frozen, module = "pellucid._native")]
pub(crate) struct Explained {
    arrays: Mutex<Option<Arrays>>,
    said: Said,
    seen: Option<(Ensemble, Sample)>,
}

/// What stands beside the numbers.
#[derive(Clone)]
struct Said {
    n_rows: usize,
    n_outputs: usize,
    base: Vec<f64>,
    described: String,
    method: &'static str,
    game: &'static str,
    notes: Vec<String>,
    exact: bool,
}

/// Row-major numbers.
struct Arrays {
    /// Rows × outputs × features.
    values: Aligned<f64>,
    /// Rows × outputs.
    margins: Aligned<f64>,
    /// Rows × outputs.
    residuals: Aligned<f64>,
}

/// Interaction values; rows × outputs × features × features.
pub(crate) type Pairs = Explained;

impl Explained {
    /// Nothing yet, with room for the rows that are expected.
    pub(crate) fn empty(n_rows: Option<u64>) -> Collecting {
        Collecting { expected: n_rows.and_then(|n| usize::try_from(n).ok()), ..Collecting::default() }
    }
}

/// An explanation that grows piece by piece.
#[derive(Default)]
pub(crate) struct Collecting {
    expected: Option<usize>,
    base: Vec<f64>,
    described: String,
    game: &'static str,
    exact: bool,
    /// The first row whose base and values miss its answer by more than rounding.
    doubtful: Option<usize>,
    values: Aligned<f64>,
    margins: Aligned<f64>,
    residuals: Aligned<f64>,
}

impl Collecting {
    pub(crate) fn add(&mut self, found: &Attributions) -> Result<(), Failure> {
        self.begin(found, found.n_features())?;
        self.doubt(found);
        for row in 0..found.n_rows() {
            for output in (0..found.n_outputs()).map(OutputId::at) {
                self.values.extend(found.values(row, output));
            }
            self.add_answers(found, row);
        }
        Ok(())
    }

    pub(crate) fn add_pairs(&mut self, pairs: &Interactions) -> Result<(), Failure> {
        let found = pairs.values();
        let n = found.n_features();
        self.begin(found, n * n)?;
        self.doubt(found);
        let features = || (0..n).map(FeatureId::at);
        for row in 0..found.n_rows() {
            for output in (0..found.n_outputs()).map(OutputId::at) {
                for one in features() {
                    features().for_each(|other| self.values.push(pairs.at(row, output, one, other)));
                }
            }
            self.add_answers(found, row);
        }
        Ok(())
    }

    fn doubt(&mut self, found: &Attributions) {
        let before = self.margins.numbers().len() / found.n_outputs().max(1);
        self.doubtful = self.doubtful.or_else(|| found.first_doubtful().map(|row| before + row));
    }

    fn begin(&mut self, found: &Attributions, width: usize) -> Result<(), Failure> {
        if self.base.is_empty() {
            self.base = bases(found);
            self.described = found.described();
            self.game = found.game();
            self.exact = found.is_exact();
            // All at once: growing would hold two copies for a while.
            let n = self.expected.unwrap_or(found.n_rows()).saturating_mul(found.n_outputs());
            self.values = Aligned::with_room(n.saturating_mul(width))?;
            self.margins = Aligned::with_room(n)?;
            self.residuals = Aligned::with_room(n)?;
        }
        Ok(())
    }

    fn add_answers(&mut self, found: &Attributions, row: usize) {
        (0..found.n_outputs()).for_each(|at| self.residuals.push(found.residual(row, OutputId::at(at))));
        self.margins.extend(found.margins(row));
    }

    fn finish(
        self,
        method: &'static str,
        mut notes: Vec<String>,
        seen: Option<(Ensemble, Sample)>,
    ) -> Explained {
        let n_outputs = self.base.len();
        notes.extend(self.doubtful.map(doubtful_note));
        let said = Said {
            n_rows: self.margins.numbers().len() / n_outputs.max(1),
            n_outputs,
            base: self.base,
            described: self.described,
            method,
            game: self.game,
            notes,
            exact: self.exact,
        };
        let arrays = Arrays { values: self.values, margins: self.margins, residuals: self.residuals };
        Explained { arrays: Mutex::new(Some(arrays)), said, seen }
    }

    pub(crate) fn done(self, model: Ensemble, sample: Sample, plan: &Plan, notes: Vec<String>) -> Explained {
        self.finish(plan.method().name(), notes, Some((model, sample)))
    }

    /// Without rows for pictures.
    pub(crate) fn plain(self, plan: &Plan, notes: Vec<String>) -> Explained {
        self.finish(plan.method().name(), notes, None)
    }

    pub(crate) fn pairs(self, notes: Vec<String>) -> Pairs {
        self.finish("interactions", notes, None)
    }
}

#[pymethods]
impl Explained {
    /// Values, margins and residuals, each flat and row by row; once, then `None`.
    #[expect(clippy::type_complexity, reason = "three arrays")]
    fn take<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<
        Option<(Bound<'py, PyArrayDyn<f64>>, Bound<'py, PyArrayDyn<f64>>, Bound<'py, PyArrayDyn<f64>>)>,
    > {
        let Some(arrays) = self.arrays.lock().ok().and_then(|mut arrays| arrays.take()) else {
            return Ok(None);
        };
        let Arrays { values, margins, residuals } = arrays;
        Ok(Some((values.into_numpy(py)?, margins.into_numpy(py)?, residuals.into_numpy(py)?)))
    }

    #[getter]
    fn n_rows(&self) -> usize {
        self.said.n_rows
    }

    #[getter]
    fn n_outputs(&self) -> usize {
        self.said.n_outputs
    }

    /// One an output.
    #[getter]
    fn base(&self) -> Vec<f64> {
        self.said.base.clone()
    }

    /// What the values are, for people.
    #[getter]
    fn described(&self) -> &str {
        &self.said.described
    }

    #[getter]
    fn method(&self) -> &'static str {
        self.said.method
    }

    #[getter]
    fn game(&self) -> &'static str {
        self.said.game
    }

    #[getter]
    fn exact(&self) -> bool {
        self.said.exact
    }

    /// What people should know of how the data was read.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.said.notes.clone()
    }

    /// Names of the features as the model or, where it has none, the data calls them.
    #[getter]
    fn feature_names(&self) -> Option<Vec<String>> {
        let (model, _) = self.seen.as_ref()?;
        Some(model.features.iter().map(|feature| feature.name.clone()).collect())
    }

    /// A picture as SVG.
    #[pyo3(signature = (kind, *, output, feature, top, width))]
    fn picture(
        &self,
        py: Python<'_>,
        kind: &str,
        output: usize,
        feature: Option<&str>,
        top: usize,
        width: f64,
    ) -> PyResult<String> {
        let asked = Asked { kind, output, feature, top, width };
        crate::calls::run(py, |_| asked.svg(self.seen.as_ref()))
    }
}
