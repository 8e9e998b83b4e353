//! A model of trees (or slopes) as Python holds it: read once, asked often, pickled as the bytes it came from.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pellucid::data::{Control, OutputId};
use pellucid::explain::shapley::{
    Background, Game, How, Method, Plan, plan_game, plan_interactions, shap_interactions, tree_shap,
};
use pellucid::explain::{Attributions, Space};
use pellucid::feed::{Feed, read_whole};
use pellucid::files::{FileError, map};
use pellucid::models::trees::import::import;
use pellucid::models::trees::{Ensemble, FeatureKind, FeatureMatrix};
use pellucid::models::{Predict as _, Scale};
use pellucid::views::Sample;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::calls::{run, threads};
use crate::errors::Failure;
use crate::explained::{Explained, Pairs};
use crate::frames::Frame;

/// A saved model that explains itself.
#[pyclass(frozen, module = "pellucid._native")]
pub(crate) struct TreeModel {
    model: Ensemble,
    /// What it was read from; what a pickle holds.
    bytes: Arc<[u8]>,
    background: Option<Arc<Background>>,
    /// The rows that its covers were counted from, where those are not the file's.
    counted: Option<Arc<FeatureMatrix>>,
}

/// Columns and weights of a background, as NumPy holds them.
type Rows<'py> = (Vec<PyReadonlyArray1<'py, f64>>, PyReadonlyArray1<'py, f64>);

/// Columns on their way into a pickle.
type Columns<'py> = Vec<Bound<'py, PyArray1<f64>>>;

/// The same with weights.
type Going<'py> = (Columns<'py>, Bound<'py, PyArray1<f64>>);

/// What was asked of an explanation.
#[derive(Clone, Copy)]
struct Way {
    method: Method,
    space: Space,
    is_correlated: bool,
}

impl Way {
    fn of(method: &str, output: &str, game: &str) -> Result<Self, Failure> {
        let method = Method::NAMES.iter().find(|(name, _)| *name == method).map(|(_, method)| *method);
        let method =
            method.ok_or_else(|| Failure::usage(said("method", &Method::NAMES.map(|(name, _)| name))))?;
        let space = match output {
            "margin" => Space::Margin,
            "probability" => Space::Probability,
            "probability-rescaled" => Space::Rescaled,
            _ => {
                return Err(Failure::usage(said(
                    "output",
                    &["margin", "probability", "probability-rescaled"],
                )));
            }
        };
        Ok(Self { method, space, is_correlated: game == "correlation-dependent" })
    }
}

fn said(argument: &str, names: &[&str]) -> String {
    format!("{argument} is one of {}", names.join(", "))
}

#[pymethods]
impl TreeModel {
    /// Reads a model from the bytes of its file, which is called `name` in errors.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8], name: &str) -> PyResult<Self> {
        let bytes: Arc<[u8]> = bytes.into();
        run(py, |_| {
            let model =
                import(&bytes).map_err(|cause| FileError::Model { path: PathBuf::from(name), cause })?;
            Ok(Self { model, bytes: Arc::clone(&bytes), background: None, counted: None })
        })
    }

    /// Reads a file.
    #[staticmethod]
    fn from_path(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let bytes = run(py, |_| Ok(map(Path::new(&path))?))?;
        Self::from_bytes(py, &bytes, &path.display().to_string())
    }

    /// The bytes that it was read from.
    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    /// Pickled as its bytes; with the background and what covers were counted from, whose rows go along.
    #[expect(clippy::type_complexity, reason = "what pickle wants")]
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>, Option<Going<'py>>, Option<Columns<'py>>))> {
        let restore = py.import("pellucid._native")?.getattr("TreeModel")?.getattr("restored")?;
        let columns = |rows: &FeatureMatrix| -> Columns<'py> {
            rows.columns().iter().map(|column| PyArray1::from_slice(py, column)).collect()
        };
        let rows = self
            .background
            .as_ref()
            .map(|background| (columns(background.rows()), PyArray1::from_slice(py, background.weights())));
        let counted = self.counted.as_deref().map(columns);
        Ok((restore, (PyBytes::new(py, &self.bytes), rows, counted)))
    }

    /// What a pickle comes back as.
    #[staticmethod]
    #[pyo3(signature = (bytes, rows, counted=None))]
    fn restored(
        py: Python<'_>,
        bytes: &[u8],
        rows: Option<Rows<'_>>,
        counted: Option<Vec<PyReadonlyArray1<'_, f64>>>,
    ) -> PyResult<Self> {
        let mut model = Self::from_bytes(py, bytes, "the model of a pickle")?;
        let cast = model.model.cast;
        let matrix = |columns: &[PyReadonlyArray1<'_, f64>]| {
            let columns: Vec<Vec<f64>> = columns.iter().map(|column| column.as_array().to_vec()).collect();
            let n = columns.first().map_or(0, Vec::len);
            FeatureMatrix::new(columns, n, cast)
                .ok_or_else(|| Failure::usage("a pickle with columns of different lengths"))
        };
        if let Some((columns, weights)) = rows {
            let weights = weights.as_array().to_vec();
            let background = Background::new(matrix(&columns)?, Some(weights)).map_err(Failure::from)?;
            model.background = Some(Arc::new(background));
        }
        if let Some(columns) = counted {
            model = model.counted_from(matrix(&columns)?)?;
        }
        Ok(model)
    }

    /// Names of the columns that it was trained on.
    #[getter]
    fn feature_names(&self) -> Vec<&str> {
        self.model.features.iter().map(|feature| feature.name.as_str()).collect()
    }

    /// Whether these names stand in the model, or are only numbers.
    #[getter]
    fn named(&self) -> bool {
        self.model.named
    }

    /// The categories of each feature in the order of their codes; `None` of numbers.
    #[getter]
    fn categories(&self) -> Vec<Option<Vec<String>>> {
        let of = |kind: &FeatureKind| match kind {
            FeatureKind::Level { levels, .. } => Some(levels.to_vec()),
            FeatureKind::Number | FeatureKind::Code => None,
        };
        self.model.features.iter().map(|feature| of(&feature.kind)).collect()
    }

    /// How many margins a row has.
    #[getter]
    fn n_outputs(&self) -> usize {
        self.model.n_outputs()
    }

    /// How many trees are summed.
    #[getter]
    fn n_trees(&self) -> usize {
        self.model.trees.len()
    }

    /// The library, the format and the objective, as the file names them, and what a reader should know.
    #[getter]
    fn origin(&self) -> (&'static str, &'static str, &str, Vec<String>) {
        let origin = &self.model.origin;
        (origin.library, origin.format, &origin.objective, origin.notes.clone())
    }

    /// What margins are measured in.
    #[getter]
    fn margin_unit(&self) -> &'static str {
        self.model.link.margin_unit()
    }

    /// The same model with rows to compare with, and what to know of them.
    #[pyo3(signature = (data, weights, drop))]
    fn with_background(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        weights: Option<Vec<f64>>,
        drop: Vec<String>,
    ) -> PyResult<(Self, Vec<String>)> {
        let mut frame = Frame::of(data)?;
        let name = frame.name();
        let source = frame.open();
        let (background, notes) = run(py, |interrupt| {
            let whole = read_whole(&self.model, source.reader()?, &name, &drop, None, interrupt)?;
            Ok((Background::new(whole.rows, weights)?, whole.notes))
        })?;
        Ok((self.beside(background), notes))
    }

    /// The same model with the means and covariances (row-major) of rows to compare with.
    fn with_moments(&self, means: Vec<f64>, covariances: Vec<f64>) -> PyResult<Self> {
        if means.len() != self.model.features.len() {
            let (found, wanted) = (means.len(), self.model.features.len());
            return Err(Failure::usage(format!(
                "{found} means are given, and the model has {wanted} features"
            ))
            .into());
        }
        Ok(self.beside(Background::from_moments(&means, &covariances).map_err(Failure::from)?))
    }

    /// The same model with the covers of its trees counted from rows, and what to know of them.
    #[pyo3(signature = (data, drop))]
    fn recounted(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        drop: Vec<String>,
    ) -> PyResult<(Self, Vec<String>)> {
        let mut frame = Frame::of(data)?;
        let name = frame.name();
        let source = frame.open();
        run(py, |interrupt| {
            let whole = read_whole(&self.model, source.reader()?, &name, &drop, None, interrupt)?;
            Ok((self.counted_from(whole.rows)?, whole.notes))
        })
    }

    /// Explains rows: their values with all that belongs to them.
    #[pyo3(signature = (data, *, method, output, game, drop, threads))]
    fn explain(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        method: &str,
        output: &str,
        game: &str,
        drop: Vec<String>,
        threads: Option<usize>,
    ) -> PyResult<Explained> {
        let (way, threads) = (Way::of(method, output, game)?, self::threads(threads)?);
        let mut frame = Frame::of(data)?;
        let name = frame.name();
        let source = frame.open();
        run(py, |interrupt| {
            let mut feed = Feed::new(self.model.clone(), source.reader()?, &name, &drop)?.watched(interrupt);
            let control = interrupt.control(threads);
            let mut sample = Sample::new(&feed.model);
            let mut out = Explained::empty(feed.n_rows());
            let prepare = |model: &Ensemble, expected| {
                let how = How { space: way.space, ..How::new(way.method, expected) };
                Ok(plan_game(model, self.game(way), how, &control)?)
            };
            let plan =
                each_piece(&mut feed, self.model.features.len(), prepare, |model, plan, first, rows| {
                    let found = tree_shap(model, plan, rows, &control)?;
                    sample.add(first, rows, &found);
                    out.add(&found)
                })?;
            let notes = [feed.notes(), feed.unseen_notes()].concat();
            Ok(out.done(feed.model, sample, &plan, notes))
        })
    }

    /// Explains rows that stand as the model compares them already, as [`TreeModel::matrix`] answers them; features are called `names`, and
    /// the first row is the `first` one of its data.
    #[pyo3(signature = (columns, *, names, first, method, output, game, threads))]
    #[expect(clippy::too_many_arguments, reason = "arguments of Python's, by name")]
    fn explain_rows(
        &self,
        py: Python<'_>,
        columns: Vec<PyReadonlyArray1<'_, f64>>,
        names: Vec<String>,
        first: usize,
        method: &str,
        output: &str,
        game: &str,
        threads: Option<usize>,
    ) -> PyResult<Explained> {
        let (way, threads) = (Way::of(method, output, game)?, self::threads(threads)?);
        let columns: Vec<Vec<f64>> = columns.iter().map(|column| column.as_array().to_vec()).collect();
        run(py, |interrupt| {
            let n = columns.first().map_or(0, Vec::len);
            let rows = FeatureMatrix::new(columns, n, self.model.cast)
                .filter(|rows| rows.n_features() == self.model.features.len())
                .ok_or_else(|| Failure::usage("columns differ in length, or are not those of the model"))?;
            let control = interrupt.control(threads);
            let how = How { space: way.space, ..How::new(way.method, n) };
            let plan = plan_game(&self.model, self.game(way), how, &control)?;
            let found = tree_shap(&self.model, &plan, &rows, &control)?;
            let mut model = self.model.clone();
            model.features.iter_mut().zip(names).for_each(|(feature, name)| feature.name = name);
            let mut sample = Sample::new(&model);
            sample.add(first, &rows, &found);
            let mut out = Explained::empty(None);
            out.add(&found)?;
            Ok(out.done(model, sample, &plan, Vec::new()))
        })
    }

    /// The answer with no feature known, one number an output.
    #[pyo3(signature = (*, method, output, game))]
    fn expected(&self, py: Python<'_>, method: &str, output: &str, game: &str) -> PyResult<Vec<f64>> {
        let way = Way::of(method, output, game)?;
        run(py, |interrupt| {
            let control = interrupt.control(NonZeroUsize::MIN);
            let how = How { space: way.space, ..How::new(way.method, 1) };
            let plan = plan_game(&self.model, self.game(way), how, &control)?;
            // No row: the base is that of all.
            let columns = vec![vec![0.0]; self.model.features.len()];
            let row = FeatureMatrix::new(columns, 1, self.model.cast);
            let row = row.ok_or_else(|| Failure::usage("the model has no features"))?;
            Ok(bases(&tree_shap(&self.model, &plan, &row, &control)?))
        })
    }

    /// The interaction values of rows.
    #[pyo3(signature = (data, *, method, game, drop, threads))]
    fn interactions(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        method: &str,
        game: &str,
        drop: Vec<String>,
        threads: Option<usize>,
    ) -> PyResult<Pairs> {
        let (way, threads) = (Way::of(method, "margin", game)?, self::threads(threads)?);
        let mut frame = Frame::of(data)?;
        let name = frame.name();
        let source = frame.open();
        run(py, |interrupt| {
            let mut feed = Feed::new(self.model.clone(), source.reader()?, &name, &drop)?.watched(interrupt);
            let control = interrupt.control(threads);
            let mut out = Explained::empty(feed.n_rows());
            let prepare = |model: &Ensemble, expected| {
                Ok(plan_interactions(model, self.game(way), How::new(way.method, expected), &control)?)
            };
            let n = self.model.features.len();
            each_piece(&mut feed, n * n, prepare, |model, plan, _, rows| {
                out.add_pairs(&shap_interactions(model, plan, rows, &control)?)
            })?;
            Ok(out.pairs([feed.notes(), feed.unseen_notes()].concat()))
        })
    }

    /// Margins and predictions of rows, row by row: numbers, and how many of them a row has.
    #[pyo3(signature = (data, *, drop))]
    #[expect(clippy::type_complexity, reason = "two arrays with their widths, and notes")]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'py, PyAny>,
        drop: Vec<String>,
    ) -> PyResult<((Bound<'py, PyArray1<f64>>, usize), (Bound<'py, PyArray1<f64>>, usize), Vec<String>)> {
        let mut frame = Frame::of(data)?;
        let name = frame.name();
        let source = frame.open();
        let k = self.model.n_outputs();
        let (margins, predictions, notes) = run(py, |interrupt| {
            let mut feed = Feed::new(self.model.clone(), source.reader()?, &name, &drop)?.watched(interrupt);
            let (mut margins, mut predictions) = (Vec::new(), Vec::new());
            while let Some((_, rows)) = feed.next_rows()? {
                let found = feed.model.predict(&rows, Scale::Margin);
                predictions.extend(found.chunks_exact(k).flat_map(|row| feed.model.predictions(row)));
                margins.extend(found);
            }
            if margins.is_empty() {
                return Err(feed.no_rows().into());
            }
            Ok((margins, predictions, [feed.notes(), feed.unseen_notes()].concat()))
        })?;
        let width = self.model.link.n_predictions(k);
        Ok(((margins.into_pyarray(py), k), (predictions.into_pyarray(py), width), notes))
    }

    /// Rows as the model compares them, one column a feature: numbers, and codes of categories.
    #[pyo3(signature = (data, *, drop))]
    fn matrix<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'py, PyAny>,
        drop: Vec<String>,
    ) -> PyResult<Vec<Bound<'py, PyArray1<f64>>>> {
        let mut frame = Frame::of(data)?;
        let name = frame.name();
        let source = frame.open();
        let whole = run(py, |interrupt| {
            Ok(read_whole(&self.model, source.reader()?, &name, &drop, None, interrupt)?)
        })?;
        Ok(whole.rows.columns().iter().map(|column| PyArray1::from_slice(py, column)).collect())
    }
}

impl TreeModel {
    fn beside(&self, background: Background) -> Self {
        let (model, bytes, counted) = (self.model.clone(), Arc::clone(&self.bytes), self.counted.clone());
        Self { model, bytes, background: Some(Arc::new(background)), counted }
    }

    fn counted_from(&self, rows: FeatureMatrix) -> Result<Self, Failure> {
        if rows.n_features() != self.model.features.len() {
            return Err(Failure::usage("covers are counted from rows with the columns of the model"));
        }
        let (model, bytes) = (self.model.recounted(&rows), Arc::clone(&self.bytes));
        Ok(Self { model, bytes, background: self.background.clone(), counted: Some(Arc::new(rows)) })
    }

    /// The model made ready for so many rows; arguments as those of [`TreeModel::explain`].
    pub(crate) fn planned(
        &self,
        (method, output, game): (&str, &str, &str),
        expected_rows: usize,
        control: &Control<'_>,
    ) -> Result<(Ensemble, Plan), Failure> {
        let way = Way::of(method, output, game)?;
        let how = How { space: way.space, ..How::new(way.method, expected_rows) };
        Ok((self.model.clone(), plan_game(&self.model, self.game(way), how, control)?))
    }

    fn game(&self, way: Way) -> Game<'_> {
        match self.background.as_deref() {
            None => Game::PathDependent,
            Some(background) if way.is_correlated => Game::Correlated(background),
            Some(background) => Game::Background(background),
        }
    }
}

/// Goes through a feed piece by piece: what `prepare` makes once, for so many rows as are expected, `take` gets with the number of a piece's
/// first row. An answer has `width` numbers a row and output. Answers what was prepared.
fn each_piece<P>(
    feed: &mut Feed<'_>,
    width: usize,
    prepare: impl Fn(&Ensemble, usize) -> Result<P, Failure>,
    mut take: impl FnMut(&Ensemble, &P, usize, &FeatureMatrix) -> Result<(), Failure>,
) -> Result<P, Failure> {
    let mut ready = None;
    while let Some((first, rows)) = feed.next_rows()? {
        let plan = match &ready {
            Some(plan) => plan,
            None => ready.insert(prepare(&feed.model, feed.expected_rows(&rows))?),
        };
        for piece in pieces(rows.n_rows(), feed.model.base.len() * width) {
            take(&feed.model, plan, first + piece.start, &rows.slice(piece))?;
        }
    }
    Ok(ready.ok_or_else(|| feed.no_rows())?)
}

/// Rows in pieces whose answers are not too large: `width` numbers a row.
pub(crate) fn pieces(n_rows: usize, width: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    /// Bytes of values that are computed at a time, at most.
    const MOST_BYTES: usize = 128 << 20;
    let most = (MOST_BYTES / (width * size_of::<f64>()).max(1)).clamp(1, n_rows.max(1));
    (0..n_rows).step_by(most).map(move |start| start..n_rows.min(start + most))
}

/// The base values of an explanation, one an output.
pub(crate) fn bases(found: &Attributions) -> Vec<f64> {
    (0..found.n_outputs()).map(|output| found.base(OutputId::at(output))).collect()
}
