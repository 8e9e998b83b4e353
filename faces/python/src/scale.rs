//! How do many batches go through one plan? A model that is made ready once in a process, for as many rows as are said and not for
//! those of a batch, so that the batches of an engine change no bit; and sums of its answers, which join.

use pellucid::explain::Attributions;
use pellucid::explain::aggregate::{ACCURACY, Aggregate, Buckets, ExactSum, Sketch, Spread};
use pellucid::explain::shapley::{Plan, tree_shap};
use pellucid::feed::Feed;
use pellucid::models::trees::Ensemble;
use pyo3::prelude::*;

use crate::calls::{run, threads};
use crate::errors::Failure;
use crate::explained::Explained;
use crate::frames::Frame;
use crate::trees::{TreeModel, pieces};

/// Rows that sums have room for.
const MOST_ROWS: u64 = 1 << 40;

/// A model with its plan.
#[pyclass(frozen, module = "pellucid._native")]
pub(crate) struct Planned {
    model: Ensemble,
    plan: Plan,
}

#[pymethods]
impl Planned {
    /// Makes a model ready for so many rows.
    #[staticmethod]
    #[pyo3(signature = (model, *, method, output, game, expected_rows, threads))]
    fn of(
        py: Python<'_>,
        model: &Bound<'_, TreeModel>,
        method: &str,
        output: &str,
        game: &str,
        expected_rows: usize,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let (model, threads) = (model.get(), self::threads(threads)?);
        run(py, |interrupt| {
            let control = interrupt.control(threads);
            let (model, plan) = model.planned((method, output, game), expected_rows, &control)?;
            Ok(Self { model, plan })
        })
    }

    /// Explains rows.
    #[pyo3(signature = (data, *, threads))]
    fn explain(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Explained> {
        let mut out = Explained::empty(None);
        let notes = self.each(py, data, threads, |found| out.add(found))?;
        Ok(out.plain(&self.plan, notes))
    }

    /// Sums up the values of rows, and says what is to know of them.
    #[pyo3(signature = (data, *, threads))]
    fn aggregate(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<(Totals, Vec<String>)> {
        let mut all = Aggregate::default();
        let notes = self.each(py, data, threads, |found| {
            all.add(found);
            Ok(())
        })?;
        Ok((Totals(all), notes))
    }
}

impl Planned {
    /// Every row through the plan, piece by piece; answers what people should know.
    fn each(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        threads: Option<usize>,
        mut then: impl FnMut(&Attributions) -> Result<(), Failure> + Send,
    ) -> PyResult<Vec<String>> {
        let threads = self::threads(threads)?;
        let mut frame = Frame::of(data)?;
        let name = frame.name();
        let source = frame.open();
        let width = self.model.base.len() * self.model.features.len();
        run(py, |interrupt| {
            let mut feed = Feed::new(self.model.clone(), source.reader()?, &name, &[])?.watched(interrupt);
            let control = interrupt.control(threads);
            while let Some((_, rows)) = feed.next_rows()? {
                for piece in pieces(rows.n_rows(), width) {
                    then(&tree_shap(&feed.model, &self.plan, &rows.slice(piece), &control)?)?;
                }
            }
            if feed.n_read() == 0 {
                return Err(feed.no_rows().into());
            }
            Ok([feed.notes(), feed.unseen_notes()].concat())
        })
    }
}

/// The values of many rows, summed up so that parts join to the bit.
#[pyclass(module = "pellucid._native")]
pub(crate) struct Totals(Aggregate);

/// Digits with their places, and how many numbers were none.
type Digits = (Vec<(usize, i64)>, u64);
/// Of one feature and output: sums of absolute values, of values and of squares; the least and the largest value; counts of buckets
/// below 0, of 0 and of buckets above.
type State = ((Digits, Digits, Digits), (f64, f64), (Buckets, u64, Buckets));
/// Of one feature and output: mean absolute value, mean, standard deviation, quantiles.
type Numbers = (f64, f64, f64, Vec<f64>);

#[pymethods]
impl Totals {
    /// How far off quantiles are, as a share of themselves.
    #[classattr]
    const ACCURACY: f64 = ACCURACY;

    /// What [`Totals::states`] said, as totals again.
    #[staticmethod]
    fn restored(n_rows: u64, worst_residual: f64, base: Vec<f64>, states: Vec<Vec<State>>) -> PyResult<Self> {
        let outputs = states.iter().map(|output| output.iter().map(|state| spread(state, n_rows)).collect());
        let spreads = outputs.collect::<Option<Vec<Vec<Spread>>>>();
        let spreads = spreads.filter(|spreads| n_rows <= MOST_ROWS && spreads.len() == base.len());
        let spreads =
            spreads.ok_or_else(|| Failure::Said("DataError", "a part that is damaged".to_owned()))?;
        Ok(Self(Aggregate { n_rows, worst_residual, base, spreads }))
    }

    /// Adds another part of the rows.
    fn merge(&mut self, other: PyRef<'_, Self>) -> PyResult<()> {
        Ok(self.0.merge(&other.0).map_err(|cause| Failure::Said("DataError", cause.to_string()))?)
    }

    #[getter]
    fn n_rows(&self) -> u64 {
        self.0.n_rows
    }

    #[getter]
    fn worst_residual(&self) -> f64 {
        self.0.worst_residual
    }

    /// One an output.
    #[getter]
    fn base(&self) -> Vec<f64> {
        self.0.base.clone()
    }

    /// All that joining needs, feature by feature of each output.
    fn states(&self) -> Vec<Vec<State>> {
        self.0.spreads.iter().map(|output| output.iter().map(state).collect()).collect()
    }

    /// Mean absolute value, mean, standard deviation and quantiles, feature by feature of each output.
    fn numbers(&self, shares: Vec<f64>) -> Vec<Vec<Numbers>> {
        let n = self.0.n_rows;
        let of = |spread: &Spread| {
            let quantiles = shares.iter().map(|share| spread.quantile(*share)).collect();
            (spread.mean_absolute(n), spread.mean(n), spread.deviation(n), quantiles)
        };
        self.0.spreads.iter().map(|output| output.iter().map(of).collect()).collect()
    }
}

fn state(spread: &Spread) -> State {
    let sums = (spread.absolute.to_digits(), spread.sum.to_digits(), spread.squares.to_digits());
    (sums, (spread.least, spread.most), spread.sketch.to_counts())
}

/// `None` of what no rows have.
fn spread(state: &State, n_rows: u64) -> Option<Spread> {
    let ((absolute, sum, squares), (least, most), (below, zeros, above)) = state;
    // Every row was counted once.
    let counted: u128 = below.iter().chain(above).map(|(_, n)| u128::from(*n)).sum();
    if absolute.1 != sum.1 || counted + u128::from(*zeros) + u128::from(sum.1) != u128::from(n_rows) {
        return None;
    }
    let of = |(digits, not_finite): &Digits| ExactSum::of_digits(digits, *not_finite);
    Some(Spread {
        absolute: of(absolute)?,
        sum: of(sum)?,
        squares: of(squares)?,
        least: *least,
        most: *most,
        sketch: Sketch::of_counts(below, *zeros, above),
    })
}
