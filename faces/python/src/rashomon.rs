//! A Rashomon set as Python holds it: made ready once, then counted, listed, drawn from and studied.
//!
//! Answers that are structures are JSON, the same as the command line's; sets are triples of an objective, a cost of errors
//! and the numbers of their rules.

use std::ops::ControlFlow;

use numpy::PyReadonlyArray1;
use pellucid::learn::rashomon::study::Groups;
use pellucid::learn::rashomon::{
    ApproximateError, Listed, Member, Order, Probed, SampleError, approximate_count, probe, unigen,
};
use pellucid::learn::task::{
    self, Bound as Within, ExploreError, Explored, Grouping, StudyFailure, Studying, count_to_json,
    estimate_to_json, prepare, study_to_json,
};
use pellucid::learn::{Identity, Searching, Threshold};
use pyo3::prelude::*;

use crate::asked::{Asked, Beside, Limits, ratio, table, word};
use crate::calls::run;
use crate::errors::Failure;
use crate::frames::Frame;

/// Rule sets that are nearly as good as the best.
#[pyclass(frozen, module = "pellucid._native")]
pub(crate) struct RashomonSet {
    about: Explored,
    limits: Limits,
}

/// Which sets count.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Wished {
    theta: Option<String>,
    within: Option<String>,
    times: Option<String>,
    identity: String,
    exclude_empty: bool,
    max_size: Option<usize>,
}

/// A set: its objective as a fraction, what its errors cost, and the numbers of its rules.
type Set = (String, i64, Vec<u32>);

/// Ways down the search tree: a set by its rules, or none, and its weight.
type Draws = Vec<(Option<Vec<u32>>, f64)>;

fn set(member: &Member) -> Set {
    (member.objective.to_string(), member.errors, member.rules.clone())
}

/// Rows by group: names, and a place among them for each row, negative for none.
type ByGroup<'py> = (Vec<String>, PyReadonlyArray1<'py, i64>);

impl Wished {
    fn bound(&self) -> Result<Within, Failure> {
        let threshold = match (&self.theta, &self.within, &self.times) {
            (Some(theta), None, None) => Threshold::Absolute(ratio("theta", theta)?),
            (None, Some(above), None) => Threshold::Above(ratio("within", above)?),
            (None, None, Some(times)) => Threshold::Times(ratio("times", times)?),
            _ => {
                return Err(Failure::usage(
                    "give one bound: theta= (absolute), within= (above the best) or times= (of the best)",
                ));
            }
        };
        let identity = word("identity", &self.identity, &Identity::NAMES)?;
        Ok(Within { threshold, exclude_empty: self.exclude_empty, identity, max_size: self.max_size })
    }
}

#[pymethods]
impl RashomonSet {
    /// Finds the candidates and makes the set ready; what a user should know comes with it.
    #[staticmethod]
    fn of(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        beside: Vec<Bound<'_, PyAny>>,
        asked: Asked,
        wished: Wished,
        limits: Limits,
    ) -> PyResult<(Self, Vec<String>)> {
        let (options, bound) = (asked.options()?, wished.bound()?);
        let mut frame = Frame::of(data)?;
        let beside = Beside::all(&beside)?;
        let source = frame.open();
        run(py, |interrupt| {
            let watch = limits.until(interrupt)?;
            let searching = limits.searching(&watch)?;
            let table = table(source, beside, &watch)?;
            let mut notes = Vec::new();
            let task = prepare(table, &options, &watch, &mut notes)?;
            let about = task::explored(task, &bound, &searching)?;
            Ok((Self { about, limits: limits.clone() }, notes))
        })
    }

    /// All candidate rules, spelled; sets name them by number.
    #[getter]
    fn rules(&self) -> Vec<String> {
        self.about.task.rules.iter().map(ToString::to_string).collect()
    }

    /// θ and λ as fractions, the identity, whether the empty set takes part, and the class that rules predict.
    #[getter]
    fn terms(&self) -> (String, String, &'static str, bool, &str) {
        let Explored { task, within, .. } = &self.about;
        let (theta, lambda) = (within.theta.to_string(), task.objective.lambda.to_string());
        (theta, lambda, within.identity.name(), within.include_empty, &task.positive)
    }

    /// How many there are, as JSON.
    fn count(&self, py: Python<'_>) -> PyResult<String> {
        self.ask(py, |searching| {
            let (found, best) = self.about.counted(searching)?;
            Ok(count_to_json(&self.about, &found, best).to_string())
        })
    }

    /// About how many, as JSON.
    fn estimate(&self, py: Python<'_>, epsilon: f64, delta: f64, seed: u64) -> PyResult<String> {
        self.ask(py, |searching| {
            let estimate = approximate_count(&self.about.explorer, epsilon, delta, seed, searching)?;
            Ok(estimate_to_json(&self.about, &estimate).to_string())
        })
    }

    /// The first sets in an order (`objective`, `lex`), and how that ended: `all`, `enough` or `stopped`.
    fn list(&self, py: Python<'_>, n: Option<usize>, order: &str) -> PyResult<(Vec<Set>, &'static str)> {
        let order = word("order", order, &[("objective", Order::Objective), ("lex", Order::Lexicographic)])?;
        self.ask(py, |searching| {
            let mut sets = Vec::new();
            let ended = self.about.explorer.list(order, searching, &mut |member| {
                // One more than wanted says that there are more.
                if n == Some(sets.len()) {
                    return ControlFlow::Break(());
                }
                sets.push(set(member));
                ControlFlow::Continue(())
            })?;
            let ended = match ended {
                Listed::All => "all",
                Listed::Enough => "enough",
                Listed::Stopped => "stopped",
            };
            Ok((sets, ended))
        })
    }

    /// Sets by chance, each with the same probability (or by `beta`), and of how many.
    fn sample(&self, py: Python<'_>, n: usize, seed: u64, beta: f64) -> PyResult<(Vec<Set>, String)> {
        self.ask(py, |searching| match self.about.explorer.sample(n, seed, beta, searching) {
            Err(SampleError::Empty) => Err(self.nothing(searching)),
            drawn => {
                let drawn = drawn?;
                Ok((drawn.members.iter().map(set).collect(), drawn.count.to_string()))
            }
        })
    }

    /// Sets by random parities: their rules, whether they are exactly uniform, and failed and made trials.
    fn sample_parity(
        &self,
        py: Python<'_>,
        n: usize,
        seed: u64,
        epsilon: f64,
    ) -> PyResult<(Vec<Vec<u32>>, bool, u64, u64)> {
        self.ask(py, |searching| match unigen(&self.about.explorer, n, epsilon, seed, searching) {
            Err(ApproximateError::Empty) => Err(self.nothing(searching)),
            drawn => {
                let drawn = drawn?;
                Ok((drawn.sets, drawn.exact, drawn.failures, drawn.trials))
            }
        })
    }

    /// Ways down the search tree: sets (or none) with their weights, the estimate of the count that these make, its standard
    /// error, and what is guaranteed of both.
    fn sample_tree(
        &self,
        py: Python<'_>,
        n: usize,
        seed: u64,
    ) -> PyResult<(Draws, Option<f64>, Option<f64>, &'static str)> {
        self.ask(py, |searching| {
            let probed = probe(&self.about.explorer, n, seed, searching)?;
            // Where no way ended in a set, the mean of their weights, 0, is no news.
            let any = probed.draws.iter().any(|draw| draw.rules.is_some());
            let (estimate, error) =
                (probed.estimate().filter(|_| any), probed.standard_error().filter(|_| any));
            let draws = probed.draws.into_iter().map(|draw| (draw.rules, draw.weight)).collect();
            Ok((draws, estimate, error, Probed::GUARANTEE))
        })
    }

    /// What the sets have in common and where they differ, as JSON. Rows are grouped by a column of the data, or as told.
    #[pyo3(signature = (*, column, groups, most_members, certify, models, bootstrap, seed))]
    #[expect(clippy::too_many_arguments, reason = "arguments of Python's, by name")]
    fn study(
        &self,
        py: Python<'_>,
        column: Option<String>,
        groups: Option<ByGroup<'_>>,
        most_members: u64,
        certify: bool,
        models: usize,
        bootstrap: usize,
        seed: u64,
    ) -> PyResult<String> {
        let by_group = |(names, places): ByGroup<'_>| {
            let of_row = places.as_array().iter().map(|&place| u32::try_from(place).ok()).collect();
            Grouping::Rows(Groups { names, of_row })
        };
        let groups = groups.map(by_group).or(column.map(Grouping::Column));
        let how = Studying { groups, most_members, certify, models, bootstrap, seed };
        self.ask(py, |searching| match task::studied(&self.about, &how, searching) {
            Err(StudyFailure::Empty) => Err(self.nothing(searching)),
            studied => Ok(study_to_json(&self.about, &studied?, bootstrap).to_string()),
        })
    }
}

impl RashomonSet {
    /// One question under the limits of the set.
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Searching<'_>) -> Result<T, Failure> + Send,
    ) -> PyResult<T> {
        run(py, |interrupt| {
            let watch = self.limits.until(interrupt)?;
            work(&self.limits.searching(&watch)?)
        })
    }

    /// The error of a question that needs members of a set that has none.
    fn nothing(&self, searching: &Searching<'_>) -> Failure {
        let best: Result<_, ExploreError> = self.about.best(searching);
        let best = best.map_or(String::new(), |best| format!(": the best objective is {best}"));
        Failure::Said("EmptySetError", format!("The set is empty{best}; θ is {}", self.about.within.theta))
    }
}
