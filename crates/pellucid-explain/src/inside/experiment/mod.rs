//! What is an experiment, as data? Runs, what is changed in them, what is measured, and sweeps, as plain values.
//!
//! A run takes values of other runs, so that they are made in an order in which every run comes after those that it takes from. The
//! values have a form as JSON and TOML, see [`mod@format`].

pub mod format;
mod run;
mod tap;

pub use run::{Foreseen, Results, RunResult, SweepResult};

use pellucid_data::closest;
use pellucid_models::transformer::node::Edge;
use pellucid_models::transformer::{Axis, Hook, RunError, Spec};

use super::case::Metric;
use super::error::PatchError;
use super::patching::Patching;

/// Several runs and sweeps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Experiment {
    /// The runs.
    pub runs: Vec<Run>,
    /// The sweeps.
    pub sweeps: Vec<Sweep>,
}

/// One run of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its name, which others take values by.
    pub id: String,
    /// The prompt.
    pub tokens: Vec<u32>,
    /// What is changed, in this order.
    pub edits: Vec<Edit>,
    /// Which edges carry other values.
    pub edges: Vec<EdgeEdit>,
    /// What is kept.
    pub capture: Vec<Hook>,
    /// What is measured.
    pub metric: Option<RunMetric>,
}

/// What is measured of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunMetric {
    /// What.
    pub of: Measured,
    /// After which token; `None` for the last.
    pub position: Option<usize>,
}

/// A metric of one run, or of two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// Of this run alone.
    Alone(Metric),
    /// The divergence from another run's answer, both after the last token.
    DivergenceFrom(String),
}

impl RunMetric {
    /// Its name in results.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.of {
            Measured::Alone(metric) => metric.name(),
            Measured::DivergenceFrom(_) => "divergence",
        }
    }
}

/// A change at a site.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Where.
    pub at: Hook,
    /// Which of its numbers.
    pub selection: Selection,
    /// What happens to them.
    pub op: Op,
    /// Whether it is no mistake if no row is touched.
    pub allow_noop: bool,
}

/// Some numbers of a site, axis by axis; what is not told is all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Positions; of scores and patterns those that attend.
    pub positions: Option<Vec<usize>>,
    /// Of scores and patterns positions that are attended to.
    pub sources: Option<Vec<usize>>,
    /// Heads; of keys and values those.
    pub heads: Option<Vec<usize>>,
    /// Places along the last axis: dimensions, neurons, tokens of the vocabulary.
    pub units: Option<Vec<usize>>,
}

/// What happens to numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// They become these.
    Set(Value),
    /// These are added, times a factor.
    Add(Value, f32),
    /// They are multiplied.
    Scale(f32),
}

/// Values that are put in or added.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One number.
    Number(f32),
    /// Numbers along the last axis, of the places that are meant.
    Numbers(Vec<f32>),
    /// What another run has at the same place.
    Run(String),
    /// The mean of what several runs have there.
    Mean(Vec<String>),
    /// What one of several runs has there, drawn by the seed.
    Resample(Vec<String>, u64),
}

/// An edge that carries other values.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeEdit {
    /// The edge.
    pub edge: Edge,
    /// What the sender writes instead, for this receiver alone.
    pub value: Value,
    /// Whether it is no mistake if that is what it writes anyway.
    pub allow_noop: bool,
}

/// A grid of runs that the planner makes cheap.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Its name.
    pub id: String,
    /// The run that is changed, which has no edits of its own.
    pub run: String,
    /// Where, and what a cell stands for.
    pub asked: Patching,
    /// What is put in.
    pub value: Value,
    /// What is measured.
    pub metric: Metric,
    /// After which token; `None` for the last.
    pub position: Option<usize>,
}

/// Why an experiment makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// Two things of one name.
    #[error("there are two runs or sweeps `{id}`; names tell them apart")]
    Twice {
        /// The name.
        id: String,
    },
    /// A run that is not there.
    #[error("`{by}` takes values of the run `{id}`, which is not there{}", near.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?")))]
    NoRun {
        /// Who asks.
        by: String,
        /// What for.
        id: String,
        /// What may be meant.
        near: Option<String>,
    },
    /// Values of several runs, of which there are none.
    #[error("`{by}` takes values of several runs, and names none")]
    NoRuns {
        /// Who asks.
        by: String,
    },
    /// A divergence after another token than the last.
    #[error(
        "`{by}`: a divergence of runs is that of their last tokens; end both prompts where it is to be measured, or make it a sweep"
    )]
    DivergenceWithin {
        /// Which run.
        by: String,
    },
    /// An edge that carries two things at once.
    #[error("`{by}`: the edge `{edge}` is there twice; it carries one value")]
    TwiceEdge {
        /// Which run.
        by: String,
        /// Which edge.
        edge: String,
    },
    /// Runs that wait for one another.
    #[error("`{id}` takes values of a run that takes values of `{id}`; one of them has to come first")]
    Circle {
        /// One of them.
        id: String,
    },
    /// A run whose values have another shape.
    #[error(
        "`{by}`: the run `{id}` has {theirs:?} numbers at `{hook}`, and this one {ours:?}; prompts have to align"
    )]
    Shape {
        /// Who asks.
        by: String,
        /// Which run.
        id: String,
        /// Where.
        hook: String,
        /// The other run's shape.
        theirs: Vec<usize>,
        /// This run's shape.
        ours: Vec<usize>,
    },
    /// A place that is not there.
    #[error("`{by}`: `{hook}` has no {axis} {at}; it has {n}")]
    Beyond {
        /// Which run.
        by: String,
        /// Where.
        hook: String,
        /// Along which axis.
        axis: &'static str,
        /// The place.
        at: usize,
        /// How many there are.
        n: usize,
    },
    /// A selection along an axis that a site has not.
    #[error("`{by}`: `{hook}` has no {axis} to choose from")]
    NoAxis {
        /// Which run.
        by: String,
        /// Where.
        hook: String,
        /// The axis.
        axis: &'static str,
    },
    /// Numbers that do not fit.
    #[error("`{by}`: {found} numbers for {expected} places of `{hook}`")]
    Numbers {
        /// Which run.
        by: String,
        /// Where.
        hook: String,
        /// How many numbers there are.
        found: usize,
        /// How many places.
        expected: usize,
    },
    /// A place that is chosen twice.
    #[error("`{by}`: `{hook}`: {axis} {at} is chosen twice")]
    TwicePlace {
        /// Which run.
        by: String,
        /// Where.
        hook: String,
        /// Along which axis.
        axis: &'static str,
        /// The place.
        at: usize,
    },
    /// A number that is none.
    #[error("`{by}`: `{hook}`: numbers that are put in, added or multiplied with have to be finite")]
    NotFinite {
        /// Which run.
        by: String,
        /// Where.
        hook: String,
    },
    /// An edit that touched nothing.
    #[error("`{by}`: the edit of `{hook}` touches no row; say `allow_noop = true` if it is meant")]
    NoRows {
        /// Which run.
        by: String,
        /// Where.
        hook: String,
    },
    /// A sweep on a run that is changed already.
    #[error(
        "`{by}` sweeps over or takes values of the run `{id}`, which has edits of its own; sweeps need runs without"
    )]
    Edited {
        /// The sweep.
        by: String,
        /// The run.
        id: String,
    },
    /// A value that a sweep can't put in.
    #[error("`{by}`: a sweep puts in values of runs or zeros")]
    SweepValue {
        /// The sweep.
        by: String,
    },
    /// A run that can't be made.
    #[error("`{by}`: {cause}")]
    Run {
        /// Which.
        by: String,
        /// Why.
        cause: PatchError,
    },
    /// Activations that do not fit into memory.
    #[error(
        "this keeps {needed} MB of activations, and {most} MB may be used; capture fewer sites, or fewer runs"
    )]
    Memory {
        /// Bytes over a million.
        needed: usize,
        /// Bytes over a million.
        most: usize,
    },
    /// The caller stopped.
    #[error("stopped before the end")]
    Stopped,
}

impl ExperimentError {
    /// What a run or a sweep failed for.
    pub(super) fn of(by: &str, cause: PatchError) -> Self {
        match cause {
            PatchError::Stopped => Self::Stopped,
            cause => Self::Run { by: by.to_owned(), cause },
        }
    }
}

impl Value {
    /// The runs that it takes values of.
    #[must_use]
    pub fn runs(&self) -> Vec<&str> {
        match self {
            Self::Number(_) | Self::Numbers(_) => Vec::new(),
            Self::Run(id) => vec![id],
            Self::Mean(ids) | Self::Resample(ids, _) => ids.iter().map(String::as_str).collect(),
        }
    }
}

impl Value {
    /// Whether it is of several runs, and there are none.
    fn is_of_none(&self) -> bool {
        matches!(self, Self::Mean(ids) | Self::Resample(ids, _) if ids.is_empty())
    }
}

impl Op {
    /// The value that is put in or added.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Set(value) | Self::Add(value, _) => Some(value),
            Self::Scale(_) => None,
        }
    }
}

impl Run {
    /// Every value that it takes, with the site where.
    fn takes(&self) -> Vec<(Hook, &Value)> {
        let edits = self.edits.iter().filter_map(|edit| Some((edit.at, edit.op.value()?)));
        let edges = self.edges.iter().map(|edit| (super::edges::written(edit.edge.from), &edit.value));
        edits.chain(edges).collect()
    }
}

impl Experiment {
    /// Whether a model can be asked that, and the order in which runs are made.
    ///
    /// # Errors
    /// With the first thing that makes no sense, before anything is run.
    pub fn check(&self, spec: &Spec) -> Result<Vec<usize>, ExperimentError> {
        let ids: Vec<&str> = self.runs.iter().map(|run| run.id.as_str()).collect();
        let all: Vec<&str> =
            ids.iter().copied().chain(self.sweeps.iter().map(|sweep| sweep.id.as_str())).collect();
        if let Some(at) = (0..all.len()).find(|&at| all[..at].contains(&all[at])) {
            return Err(ExperimentError::Twice { id: all[at].to_owned() });
        }
        let find = |by: &str, id: &str| {
            ids.iter().position(|other| *other == id).ok_or_else(|| ExperimentError::NoRun {
                by: by.to_owned(),
                id: id.to_owned(),
                near: closest(id, ids.iter().copied().filter(|other| *other != by)).map(str::to_owned),
            })
        };
        let mut needs: Vec<Vec<usize>> = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            run.check(spec)?;
            let mut own = Vec::new();
            for (hook, value) in run.takes() {
                if value.is_of_none() {
                    return Err(ExperimentError::NoRuns { by: run.id.clone() });
                }
                for id in value.runs() {
                    let other = find(&run.id, id)?;
                    let [ours, theirs] =
                        [run, &self.runs[other]].map(|run| spec.shape(hook.site, run.tokens.len()));
                    if ours != theirs {
                        let (by, id, hook) = (run.id.clone(), id.to_owned(), hook.to_string());
                        return Err(ExperimentError::Shape { by, id, hook, theirs, ours });
                    }
                    own.push(other);
                }
            }
            if let Some(Measured::DivergenceFrom(id)) = run.metric.as_ref().map(|metric| &metric.of) {
                own.push(find(&run.id, id)?);
            }
            needs.push(own);
        }
        for sweep in &self.sweeps {
            if sweep.value.is_of_none() {
                return Err(ExperimentError::NoRuns { by: sweep.id.clone() });
            }
            for id in [sweep.run.as_str()].into_iter().chain(sweep.value.runs()) {
                let run = &self.runs[find(&sweep.id, id)?];
                if !run.edits.is_empty() || !run.edges.is_empty() {
                    return Err(ExperimentError::Edited { by: sweep.id.clone(), id: id.to_owned() });
                }
            }
            if matches!(sweep.value, Value::Numbers(_)) || matches!(sweep.value, Value::Number(x) if x != 0.0)
            {
                return Err(ExperimentError::SweepValue { by: sweep.id.clone() });
            }
            let told = |cause| ExperimentError::Run { by: sweep.id.clone(), cause };
            sweep.asked.check(spec).map_err(told)?;
            let n_tokens = self.runs[find(&sweep.id, &sweep.run)?].tokens.len();
            check_position(sweep.position, n_tokens).map_err(told)?;
            self.case(sweep)?.check(spec).map_err(told)?;
        }
        // Those that need nothing that is not made yet, until none is left.
        let mut order = Vec::with_capacity(self.runs.len());
        while order.len() < self.runs.len() {
            let is_ready =
                |at: &usize| !order.contains(at) && needs[*at].iter().all(|need| order.contains(need));
            let Some(next) = (0..self.runs.len()).find(is_ready) else {
                let stuck = (0..self.runs.len()).find(|at| !order.contains(at)).unwrap_or_default();
                return Err(ExperimentError::Circle { id: self.runs[stuck].id.clone() });
            };
            order.push(next);
        }
        Ok(order)
    }
}

impl Run {
    fn check(&self, spec: &Spec) -> Result<(), ExperimentError> {
        let told = |cause: PatchError| ExperimentError::Run { by: self.id.clone(), cause };
        let of_run = |cause: RunError| told(PatchError::Site(cause));
        spec.check_tokens(&self.tokens).map_err(of_run)?;
        if let Some(metric) = &self.metric {
            match metric.of {
                Measured::Alone(metric) => metric.check(spec).map_err(told)?,
                Measured::DivergenceFrom(_) if !spec.is_decoder => {
                    return Err(told(PatchError::NoLogits { family: spec.family.name() }));
                }
                Measured::DivergenceFrom(_) if metric.position.is_some() => {
                    return Err(ExperimentError::DivergenceWithin { by: self.id.clone() });
                }
                Measured::DivergenceFrom(_) => {}
            }
            check_position(metric.position, self.tokens.len()).map_err(told)?;
        }
        for hook in &self.capture {
            spec.check(*hook).map_err(of_run)?;
        }
        for (at, edit) in self.edges.iter().enumerate() {
            if self.edges[..at].iter().any(|before| before.edge == edit.edge) {
                let (by, edge) = (self.id.clone(), edit.edge.name(spec));
                return Err(ExperimentError::TwiceEdge { by, edge });
            }
            if !spec.is_decoder {
                return Err(told(PatchError::NoLogits { family: spec.family.name() }));
            }
            edit.edge.check(spec).map_err(|cause| told(PatchError::Node(cause)))?;
            let hook = edit.edge.name(spec);
            finite(&self.id, &hook, Some(&edit.value), 1.0)?;
            if let Value::Numbers(numbers) = &edit.value
                && numbers.len() != spec.d_model
            {
                let (by, found, expected) = (self.id.clone(), numbers.len(), spec.d_model);
                return Err(ExperimentError::Numbers { by, hook, found, expected });
            }
        }
        for edit in &self.edits {
            spec.check(edit.at).map_err(of_run)?;
            edit.check(self, spec)?;
        }
        Ok(())
    }
}

/// Whether a prompt has a position that is measured after.
fn check_position(position: Option<usize>, tokens: usize) -> Result<(), PatchError> {
    match position {
        Some(position) if position >= tokens => Err(PatchError::Position { position, tokens }),
        _ => Ok(()),
    }
}

/// Whether numbers that are put in, added or multiplied with are finite.
fn finite(by: &str, hook: &str, value: Option<&Value>, factor: f32) -> Result<(), ExperimentError> {
    let is_finite = factor.is_finite()
        && match value {
            Some(Value::Number(x)) => x.is_finite(),
            Some(Value::Numbers(row)) => row.iter().all(|x| x.is_finite()),
            _ => true,
        };
    if is_finite {
        return Ok(());
    }
    Err(ExperimentError::NotFinite { by: by.to_owned(), hook: hook.to_owned() })
}

/// An axis in words.
fn word(axis: Axis) -> &'static str {
    match axis {
        Axis::Position | Axis::Destination => "position",
        Axis::Source => "source",
        Axis::Head | Axis::KeyValueHead => "head",
        _ => "unit",
    }
}

impl Edit {
    fn check(&self, run: &Run, spec: &Spec) -> Result<(), ExperimentError> {
        let (by, hook) = (run.id.clone(), self.at.to_string());
        let (factor, is_zero) = match &self.op {
            Op::Set(value) => (1.0, *value == Value::Number(0.0)),
            Op::Add(_, factor) => (*factor, false),
            Op::Scale(factor) => (*factor, *factor == 0.0),
        };
        finite(&by, &hook, self.op.value(), factor)?;
        if is_zero && self.at.site.axes().ends_with(&[Axis::One]) {
            return Err(ExperimentError::Run { by, cause: PatchError::ZeroScale { site: self.at.site } });
        }
        let shape = spec.shape(self.at.site, run.tokens.len());
        let axes = self.at.site.axes();
        let asked = [
            ("position", &self.selection.positions),
            ("source", &self.selection.sources),
            ("head", &self.selection.heads),
            ("unit", &self.selection.units),
        ];
        for (axis, places) in asked {
            let Some(places) = places else { continue };
            let Some(along) = axes.iter().position(|other| word(*other) == axis) else {
                return Err(ExperimentError::NoAxis { by, hook, axis });
            };
            let n = shape[along];
            if let Some(&at) = places.iter().find(|at| **at >= n) {
                return Err(ExperimentError::Beyond { by, hook, axis, at, n });
            }
            if let Some(at) = (1..places.len()).find(|at| places[..*at].contains(&places[*at])) {
                return Err(ExperimentError::TwicePlace { by, hook, axis, at: places[at] });
            }
            if places.is_empty() && !self.allow_noop {
                return Err(ExperimentError::NoRows { by, hook });
            }
        }
        if let Some(Value::Numbers(numbers)) = self.op.value() {
            let last = axes[axes.len() - 1];
            let expected = match (word(last), &self.selection.units, &self.selection.sources) {
                ("unit", Some(places), _) | ("source", _, Some(places)) => places.len(),
                _ => shape[shape.len() - 1],
            };
            if numbers.len() != expected {
                return Err(ExperimentError::Numbers { by, hook, found: numbers.len(), expected });
            }
        }
        Ok(())
    }
}
