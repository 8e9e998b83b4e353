//! `pellucid rashomon ...`: every rule set that is nearly as good.

mod count;
mod list;
mod sample;
mod study;
mod study_page;
mod written;

use pellucid::data::Ratio;
use pellucid::learn::rashomon::Explorer;
use pellucid::learn::{Constraints, Identity, Searching, Within};

use super::Context;
use crate::failure::Failure;
use crate::rule_args::{Bound, IdentityName, Rashomon, Task};
use crate::task::{Prepared, prepare};

pub(crate) fn run(args: &Rashomon, context: &Context<'_>) -> Result<u8, Failure> {
    match args {
        Rashomon::Count(args) => count::run(args, context),
        Rashomon::List(args) => list::run(args, context),
        Rashomon::Sample(args) => sample::run(args, context),
        Rashomon::Study(args) => study::run(args, context),
    }
}

/// What is explored.
struct Explored {
    prepared: Prepared,
    within: Within,
    explorer: Explorer,
}

fn explored(
    task: &Task,
    bound: &Bound,
    searching: &Searching<'_>,
    context: &Context<'_>,
) -> Result<Explored, Failure> {
    let prepared = prepare(task, context.console, searching.control.watch)?;
    let identity = match bound.identity {
        IdentityName::Subset => Identity::Subset,
        IdentityName::Columns => Identity::Columns,
        IdentityName::Predictions => Identity::Predictions,
        IdentityName::Irredundant => Identity::Irredundant,
    };
    let theta = match (bound.theta, bound.within, bound.times) {
        (Some(theta), ..) => theta,
        (_, Some(above), _) => best(&prepared, bound, searching)?.plus(above)?,
        (.., Some(times)) => best(&prepared, bound, searching)?.times(times)?,
        // clap asks for one of them.
        _ => return Err(Failure::Bug("no bound".to_owned())),
    };
    let within = Within { theta, include_empty: !bound.exclude_empty, identity, max_size: bound.max_size };
    let features = prepared.features();
    let explorer = Explorer::with_limits(&prepared.instance, &prepared.objective, &within, searching)?;
    let explorer = explorer.with_features(&features, prepared.table.columns().len());
    Ok(Explored { prepared, within, explorer })
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
fn nothing(about: &Explored, bound: &Bound, searching: &Searching<'_>) -> Failure {
    Failure::Input(empty(about, best(&about.prepared, bound, searching).ok()))
}

/// The best objective of the sets that may count.
fn best(prepared: &Prepared, bound: &Bound, searching: &Searching<'_>) -> Result<Ratio, Failure> {
    let constraints =
        Constraints { max_size: bound.max_size, not_empty: bound.exclude_empty, ..Constraints::default() };
    let optimum = pellucid::learn::learn(
        &prepared.instance,
        &prepared.objective,
        &constraints,
        searching,
        &mut |_| {},
    )?;
    if !optimum.is_proven() {
        return Err(Failure::Limit(format!(
            "the best objective was not proven before the limit (it is between {} and {}); give --theta as a number, or more time",
            optimum.lower_bound, optimum.objective
        )));
    }
    Ok(optimum.objective)
}
