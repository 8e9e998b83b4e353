//! What was asked of rule learners? Words of Python's become the engine's options, and limits a watch.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use numpy::PyReadonlyArray1;
use pellucid::data::binarize::{Cuts, Polarity};
use pellucid::data::table::{Categories, Column, Field, Kind};
use pellucid::data::{Control, Ratio, Table, Watch};
use pellucid::learn::mine::{Keep, Rank};
use pellucid::learn::task::{TaskOptions, whole, with_column};
use pellucid::learn::{Instance, Searching};
use pyo3::prelude::*;

use crate::calls::{Interrupt, threads};
use crate::errors::Failure;
use crate::frames::Source;

/// A table and the rules that are possible over it, as `pellucid/_asked.py` spells them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Asked {
    target: String,
    positive: Option<String>,
    weights: Option<String>,
    drop: Vec<String>,
    monotone: Vec<(String, bool)>,
    lam: String,
    cost: (u32, u32),
    literals: String,
    cuts: String,
    bins: usize,
    groups: usize,
    missing_literal: String,
    min_support: String,
    max_conditions: usize,
    max_rules: Option<usize>,
    candidates: String,
    rank: String,
}

/// How long and with what a search runs.
#[derive(FromPyObject, Clone)]
#[pyo3(from_item_all)]
pub(crate) struct Limits {
    threads: Option<usize>,
    /// Seconds of each question.
    time_limit: Option<f64>,
    node_limit: Option<u64>,
    memory_limit: Option<usize>,
}

/// One of the words that an argument knows.
pub(crate) fn word<T: Copy>(argument: &str, text: &str, known: &[(&str, T)]) -> Result<T, Failure> {
    known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Failure::usage(format!("{argument} `{text}`: it is one of {}", names.join(", ")))
    })
}

/// A fraction: `1/100`, `0.01`.
pub(crate) fn ratio(argument: &str, text: &str) -> Result<Ratio, Failure> {
    text.parse().map_err(|error| Failure::usage(format!("{argument}: {error}")))
}

fn within(argument: &str, value: usize, range: std::ops::RangeInclusive<usize>) -> Result<usize, Failure> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(Failure::usage(format!("{argument} is {value}; it is from {} to {}", range.start(), range.end())))
}

impl Asked {
    pub(crate) fn options(&self) -> Result<TaskOptions, Failure> {
        let max_rules = self.max_rules.map(|most| within("max_rules", most, 1..=Instance::MOST_RULES));
        Ok(TaskOptions {
            target: self.target.clone(),
            positive: self.positive.clone(),
            weights: self.weights.clone(),
            drop: self.drop.clone(),
            monotone: self.monotone.clone(),
            lambda: ratio("lam", &self.lam)?,
            cost: self.cost,
            polarity: word(
                "literals",
                &self.literals,
                &[("positive", Polarity::Positive), ("both", Polarity::Both)],
            )?,
            cuts: word(
                "cuts",
                &self.cuts,
                &[("quantile", Cuts::Quantile), ("supervised", Cuts::Supervised)],
            )?,
            bins: within("bins", self.bins, 2..=256)?,
            groups: within("groups", self.groups, 0..=usize::from(u16::MAX))?,
            missing: word("missing_literal", &self.missing_literal, &[("own", true), ("never", false)])?,
            min_support: (self.min_support.parse())
                .map_err(|error| Failure::usage(format!("min_support: {error}")))?,
            max_conditions: within("max_conditions", self.max_conditions, 1..=64)?,
            max_rules: max_rules.transpose()?,
            keep: word("candidates", &self.candidates, &[("all", Keep::All), ("closed", Keep::Closed)])?,
            rank: word("rank", &self.rank, &[("gain", Rank::Gain), ("support", Rank::Support)])?,
        })
    }
}

/// Ctrl-C or a deadline.
pub(crate) struct Until<'a> {
    interrupt: &'a Interrupt,
    deadline: Option<Instant>,
}

impl Watch for Until<'_> {
    fn should_stop(&self) -> bool {
        self.interrupt.should_stop() || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Limits {
    /// A watch from now on.
    pub(crate) fn until<'a>(&self, interrupt: &'a Interrupt) -> Result<Until<'a>, Failure> {
        let deadline = match self.time_limit {
            None => None,
            Some(seconds) if seconds > 0.0 => {
                // A limit past all clocks is none.
                Duration::try_from_secs_f64(seconds).ok().and_then(|limit| Instant::now().checked_add(limit))
            }
            Some(seconds) => {
                return Err(Failure::usage(format!("time_limit is {seconds}; it is in seconds, above 0")));
            }
        };
        Ok(Until { interrupt, deadline })
    }

    /// The same as a search takes it.
    pub(crate) fn searching<'a>(&self, watch: &'a Until<'_>) -> Result<Searching<'a>, Failure> {
        let control = Control { threads: self.threads()?, watch };
        let (most_nodes, most_bytes) = (self.node_limit, self.memory_limit);
        Ok(Searching { most_nodes, most_bytes, ..Searching::with(control) })
    }

    fn threads(&self) -> Result<NonZeroUsize, Failure> {
        threads(self.threads)
    }
}

/// A column beside the data: its name, and numbers or codes with what they stand for.
pub(crate) struct Beside {
    field: Field,
    column: Column,
}

impl Beside {
    /// Takes `(name, numbers)` or `(name, codes, levels)`.
    pub(crate) fn all(columns: &[Bound<'_, PyAny>]) -> PyResult<Vec<Self>> {
        columns.iter().map(Self::of).collect()
    }

    fn of(column: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (name, values) = (column.get_item(0)?.extract()?, column.get_item(1)?);
        if column.len()? == 2 {
            let values: PyReadonlyArray1<'_, f64> = values.extract()?;
            let column = Column::Number(values.as_array().to_vec());
            return Ok(Self { field: Field { name, kind: Kind::Float64 }, column });
        }
        let codes: PyReadonlyArray1<'_, u32> = values.extract()?;
        let levels: Vec<String> = column.get_item(2)?.extract()?;
        let column = Column::Category(Categories { codes: codes.as_array().to_vec(), levels: levels.into() });
        Ok(Self { field: Field { name, kind: Kind::Category }, column })
    }
}

/// The whole table of some data with columns beside it.
pub(crate) fn table(source: Source<'_>, beside: Vec<Beside>, watch: &dyn Watch) -> Result<Table, Failure> {
    let mut table = whole(source.reader()?.as_mut(), watch)?;
    for Beside { field, column } in beside {
        table = with_column(table, field, column)?;
    }
    Ok(table)
}
