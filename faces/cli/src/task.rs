//! From a file of data to candidate rules over labelled rows: the engine's tasks, with notes on the console.

use std::path::Path;

use pellucid::data::binarize::{Cuts, Polarity};
use pellucid::data::{Control, Quiet, Table, Watch};
use pellucid::files::{FileError, open_table};
use pellucid::learn::Searching;
use pellucid::learn::mine::{Keep, Rank};
use pellucid::learn::task::{Task, TaskOptions, WholeError, whole};

use crate::args::Reading;
use crate::console::Console;
use crate::explaining::read_options;
use crate::failure::Failure;
use crate::rule_args::{self, CandidatesName, CutsName, LiteralsName, MissingName, RankName};

/// A whole table in memory.
pub(crate) fn read_all(path: &Path, reading: &Reading) -> Result<Table, Failure> {
    let mut reader = open_table(path, &read_options(reading))?;
    whole(reader.as_mut(), &Quiet).map_err(|error| match error {
        WholeError::Read(cause) => FileError::table(path, cause).into(),
        WholeError::Batches => Failure::Bug(error.to_string()),
        _ => Failure::Input(format!("{}: {error}", path.display())),
    })
}

/// What the arguments say.
pub(crate) fn options(args: &rule_args::Task) -> TaskOptions {
    TaskOptions {
        target: args.target.clone(),
        positive: args.positive.clone(),
        weights: args.weights.clone(),
        drop: args.drop.clone(),
        monotone: args.monotone.clone(),
        lambda: args.lambda,
        cost: args.cost,
        polarity: if args.literals == LiteralsName::Both { Polarity::Both } else { Polarity::Positive },
        cuts: if args.cuts == CutsName::Supervised { Cuts::Supervised } else { Cuts::Quantile },
        bins: args.bins.into(),
        groups: args.groups.into(),
        missing: args.missing_literal == MissingName::Own,
        min_support: args.min_support,
        max_conditions: args.max_conditions.into(),
        max_rules: args.max_rules.map(|most| most as usize),
        keep: if args.candidates == CandidatesName::Closed { Keep::Closed } else { Keep::All },
        rank: if args.rank == RankName::Support { Rank::Support } else { Rank::Gain },
    }
}

/// Finds the candidates of a table, and tells what a user should know of them.
pub(crate) fn prepare(
    options: &TaskOptions,
    table: Table,
    console: &Console,
    watch: &dyn Watch,
) -> Result<Task, Failure> {
    let mut notes = Vec::new();
    let task = pellucid::learn::task::prepare(table, options, watch, &mut notes);
    notes.iter().for_each(|note| console.note(note));
    Ok(task?)
}

/// How a search runs under the console's limits.
pub(crate) fn searching<'a>(args: &rule_args::Task, control: Control<'a>) -> Searching<'a> {
    Searching { most_nodes: args.node_limit, most_bytes: args.memory_limit, ..Searching::with(control) }
}
