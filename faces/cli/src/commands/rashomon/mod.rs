//! `pellucid rashomon ...`: every rule set that is nearly as good.

mod count;
mod list;
mod sample;
mod study;
mod study_page;
mod written;

use pellucid::data::Ratio;
use pellucid::learn::task::{self, Explored};
use pellucid::learn::{Identity, Searching, Threshold};

use super::Context;
use crate::failure::Failure;
use crate::rule_args::{Bound, IdentityName, Rashomon, Task};
use crate::task::{options, prepare, read_all};

pub(crate) fn run(args: &Rashomon, context: &Context<'_>) -> Result<u8, Failure> {
    match args {
        Rashomon::Count(args) => count::run(args, context),
        Rashomon::List(args) => list::run(args, context),
        Rashomon::Sample(args) => sample::run(args, context),
        Rashomon::Study(args) => study::run(args, context),
    }
}

fn explored(
    args: &Task,
    bound: &Bound,
    searching: &Searching<'_>,
    context: &Context<'_>,
) -> Result<Explored, Failure> {
    let table = read_all(&args.data, &args.reading)?;
    let task = prepare(&options(args), table, context.console, searching.control.watch)?;
    let identity = match bound.identity {
        IdentityName::Subset => Identity::Subset,
        IdentityName::Columns => Identity::Columns,
        IdentityName::Predictions => Identity::Predictions,
        IdentityName::Irredundant => Identity::Irredundant,
    };
    let threshold = match (bound.theta, bound.within, bound.times) {
        (Some(theta), ..) => Threshold::Absolute(theta),
        (_, Some(above), _) => Threshold::Above(above),
        (.., Some(times)) => Threshold::Times(times),
        // clap asks for one of them.
        _ => return Err(Failure::Bug("no bound".to_owned())),
    };
    let (exclude_empty, max_size) = (bound.exclude_empty, bound.max_size);
    Ok(task::explored(task, &task::Bound { threshold, exclude_empty, identity, max_size }, searching)?)
}

/// What is said of a set without members.
fn empty(about: &Explored, best: Option<Ratio>) -> String {
    let theta = about.within.theta;
    let best = best.map_or(String::new(), |best| {
        format!(": the best objective is {best} ({})", pellucid::views::number::pretty(best.value(), 5))
    });
    format!("The set is empty{best}; θ is {theta} ({})", pellucid::views::number::pretty(theta.value(), 5))
}

/// The error of a verb that needs members of a set that has none.
fn nothing(about: &Explored, searching: &Searching<'_>) -> Failure {
    Failure::Input(empty(about, about.best(searching).ok()))
}
