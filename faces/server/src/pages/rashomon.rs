//! Which other simple models would do as well, and where do they differ?

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pellucid::data::{Control, Ratio, RowSet};
use pellucid::good_sets::{Told, map, share, uses};
use pellucid::learn::rashomon::{Counted, Member, Order};
use pellucid::learn::task::{
    Bound, ExploreError, Explored, Grouping, Studied, StudyFailure, Studying, explored, prepare, studied,
};
use pellucid::learn::{Identity, Searching, Threshold};
use pellucid::views::View as _;
use pellucid::views::number::{digits, pretty};
use serde_json::{Value, json};

use super::asked_rules::{PARAMETERS, Target, conditions, in_python_words, options, ratio, targets, words};
use super::global::finite;
use super::named;
use super::rules::{Limited, seconds};
use crate::address::Address;
use crate::failure::{Code, Failure, hint};
use crate::figure::figure;
use crate::jobs::Job;
use crate::memo::Found;
use crate::workbench::{Answer, Workbench};

/// Members that are listed, unless the address says otherwise, and at most.
const LISTED: usize = 30;
const MOST_LISTED: usize = 500;
/// Members that are looked at; of more, so many are drawn.
const LOOKED_AT: u64 = 20_000;
/// Time for the list, beside that of the search.
const LISTING: Duration = Duration::from_secs(2);
/// How far above the best, unless the address says otherwise.
const WITHIN: (i128, i128) = (1, 100);
/// One bound in three ways.
const BOUNDS: [&str; 3] = ["theta", "within", "times"];

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    let counted = super::counted::table_of(workbench);
    // Beside a count that is of the table, a search begins with what was counted.
    let question = counted.map(|_| super::counted::question(workbench)).unwrap_or_default();
    let fitting = counted.or(workbench.table(&Address::of("", &[])).ok());
    let table = fitting.map(|table| ("data", table.id.clone()));
    // A certified count is shown here, too, and needs no table for that.
    let all: Vec<(&'static str, String)> =
        table.into_iter().chain(super::counted::start(workbench)).chain(question).collect();
    (!all.is_empty()).then_some(("rashomon", all))
}

/// Every nearly best set, counted and looked at.
pub(crate) struct Good {
    about: Explored,
    counted: Counted,
    best: Option<Ratio>,
    /// What members have in common; `None` where there are none, or the time was over.
    studied: Option<Studied>,
    /// The first of them, by objective.
    members: Vec<Member>,
    targets: Vec<Target>,
    notes: Vec<String>,
    words: String,
    seconds: f64,
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    let own = ["theta", "within", "times", "identity", "group", "limit", "use"];
    // A set that must satisfy something is searched for the best one only.
    let shared: Vec<&str> = PARAMETERS.iter().copied().filter(|&name| name != "require").collect();
    address.only(&[&shared[..], &own].concat())?;
    let table = match workbench.whole(address)? {
        Found::Ready(table) => table,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let found = targets(&table);
    let (mut options, bound, limit) = (options(address, &table, &found)?, bound(address)?, seconds(address)?);
    let opened = workbench.table(address)?;
    let words = words(address, &options) + &bound_words(address) + &workbench.spelled(opened).words;
    options.drop.extend(workbench.dropped(opened));
    let listed = address.number::<usize>("limit")?.unwrap_or(LISTED);
    if !(1..=MOST_LISTED).contains(&listed) {
        return Err(Failure::usage(format!("limit={listed}: between 1 and {MOST_LISTED} sets are listed")));
    }
    let group = address.one("group")?.map(str::to_owned);
    if group.as_ref() == Some(&options.target) {
        return Err(Failure::usage(
            "group: sets are compared on groups of rows (sex, age), not on what they predict",
        ));
    }
    let studying =
        Studying { groups: group.map(Grouping::Column), most_members: LOOKED_AT, ..Studying::default() };
    let (data, threads) = (Arc::clone(&table), workbench.options.threads);
    // What is filtered is not searched anew.
    let key = address.without(&["use"]).canonical();
    let title = format!("Searching all good rule sets for {}", options.target);
    let good = workbench.good.get(&workbench.jobs, &key, &title, move |job| {
        let (start, mut notes) = (Instant::now(), Vec::new());
        let task = prepare(data.as_ref().clone(), &options, job, &mut notes).map_err(Failure::input)?;
        let watch = Limited { job, until: Instant::now() + limit };
        let how = Searching::with(Control { threads, watch: &watch });
        let about = explored(task, &bound, &how).map_err(unexplored)?;
        job.tell(json!({"theta": about.within.theta.to_string()}));
        let (counted, best) = about.counted(&how).map_err(Failure::input)?;
        job.tell(json!({"theta": about.within.theta.to_string(), "count": counted.count.to_string()}));
        // The best of what was found are told, even where the time was over before all were counted.
        let more = Limited { job, until: Instant::now() + LISTING };
        let members = first(&about, listed, &Searching::with(Control { threads, watch: &more }))?;
        let studied = looked_at(&about, &studying, &how, job, &mut notes)?;
        Ok(Good {
            about,
            counted,
            best,
            studied,
            members,
            targets: found,
            notes,
            words,
            seconds: start.elapsed().as_secs_f64(),
        })
    })?;
    let good = match good {
        Found::Ready(good) => good,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    told(workbench, address, &good).map(Answer::Ready)
}

/// Where the best is not proven in time there is no bound relative to it.
fn unexplored(error: ExploreError) -> Failure {
    match error {
        ExploreError::Unproven { lower_bound, objective } => Failure::new(
            Code::Limit,
            format!(
                "the best objective was not proven in the given time (it is between {lower_bound} and {objective}), and the bound is relative to it: give more seconds, a \
                 larger λ, fewer rules, or θ as a number"
            ),
        ),
        error => Failure::input(error),
    }
}

/// The first members, the best first.
fn first(about: &Explored, n: usize, how: &Searching<'_>) -> Result<Vec<Member>, Failure> {
    let mut members = Vec::new();
    let take = &mut |member: &Member| {
        members.push(member.clone());
        if members.len() < n { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    about.explorer.list(Order::Objective, how, take).map_err(Failure::input)?;
    Ok(members)
}

/// What members have in common; where there is no time for that, a note.
fn looked_at(
    about: &Explored,
    studying: &Studying,
    how: &Searching<'_>,
    job: &Job,
    notes: &mut Vec<String>,
) -> Result<Option<Studied>, Failure> {
    use pellucid::explain::Watch as _;

    match studied(about, studying, how) {
        Ok(studied) => Ok(Some(studied)),
        Err(StudyFailure::Empty) => Ok(None),
        Err(_) if job.should_stop() => Err(Failure::cancelled()),
        Err(StudyFailure::Stopped) => {
            notes.push(
                "the time was over before members were looked at: give it more, or a smaller bound"
                    .to_owned(),
            );
            Ok(None)
        }
        Err(error) => Err(Failure::input(error)),
    }
}

fn bound(address: &Address) -> Result<Bound, Failure> {
    let given = |name| -> Result<Option<Ratio>, Failure> {
        address.one(name)?.map(|text| ratio(name, text)).transpose()
    };
    let threshold = match (given("theta")?, given("within")?, given("times")?) {
        (None, None, None) => Threshold::Above(Ratio::new(WITHIN.0, WITHIN.1).unwrap_or(Ratio::ZERO)),
        (Some(theta), None, None) => Threshold::Absolute(theta),
        (None, Some(within), None) => Threshold::Above(within),
        (None, None, Some(times)) => Threshold::Times(times),
        _ => {
            return Err(Failure::usage(
                "theta, within and times are one bound in three ways; give one of them",
            ));
        }
    };
    let identity = match address.one("identity")? {
        None => Identity::Subset,
        Some(name) => {
            let known = Identity::NAMES.iter().find(|of| of.0 == name).map(|of| of.1);
            known.ok_or_else(|| {
                let names: Vec<&str> = Identity::NAMES.iter().map(|of| of.0).collect();
                Failure::usage(format!("identity={name}: it is one of {}", names.join(", ")))
            })?
        }
    };
    Ok(Bound {
        threshold,
        exclude_empty: conditions(address)?.not_empty,
        identity,
        max_size: address.number("max_size")?,
    })
}

/// How far above the best, where an address leaves the bound to the page.
fn unsaid(address: &Address) -> Option<String> {
    let is_said = BOUNDS.iter().any(|name| address.all(name).next().is_some());
    (!is_said).then(|| format!("{}/{}", WITHIN.0, WITHIN.1))
}

/// The same as words of a command.
fn bound_words(address: &Address) -> String {
    let mut words = String::new();
    for name in BOUNDS.into_iter().chain(["identity", "group"]) {
        for value in address.all(name) {
            words += &format!(" --{name} {}", super::in_shell_if_needed(value));
        }
    }
    if let Some(within) = unsaid(address) {
        words += &format!(" --within {within}");
    }
    words
}

fn told(workbench: &Workbench, address: &Address, good: &Good) -> Result<Value, Failure> {
    let data = workbench.table(address)?;
    let (about, counted) = (&good.about, &good.counted);
    let picture = map(about, counted);
    let [features, rules] = uses(about, counted);
    let views = good.studied.as_ref().map(|found| Told { about, found });
    let mut words = vec![picture.sentence()];
    let word = if counted.is_exact() { "The best objective" } else { "The best objective that was found" };
    words.extend(good.best.map(|best| format!("{word} is {best} ({}).", pretty(best.value(), 5))));
    if let Some(views) = &views {
        let found = &views.found.findings;
        let least = views.at_least();
        words.push(format!(
            "On {least}{} of the rows some set predicts otherwise than the best; a single one does so on {least}{} of them.",
            Told::percent(found.ambiguity),
            Told::percent(found.discrepancy)
        ));
    }
    let sizes = counted
        .by_size
        .iter()
        .enumerate()
        .map(|(size, sets)| json!({"size": size, "sets": sets.to_string()}));
    let used = |all: Vec<(String, num_bigint::BigUint)>| -> Vec<Value> {
        all.iter().take(40).map(|(name, sets)| json!({"name": name, "sets": sets.to_string(), "share": finite(share(sets, &counted.count))})).collect()
    };
    let [used_features, used_rules] = about.uses(counted).map(used);
    let data_name = named(&data.source).0;
    let data_text = named(&data.source).1;
    let wanted: Vec<&str> = address.all("use").collect();
    if let Some(name) = wanted.iter().find(|name| about.task.table.schema().position(name).is_none()) {
        let hint = hint(name, about.task.table.schema().names());
        return Err(Failure::new(Code::NotFound, format!("use={name}: the data has no such column{hint}")));
    }
    let members: Vec<Value> = good
        .members
        .iter()
        .filter(|member| has(about, member, &wanted))
        .map(|one| member(about, one, good))
        .collect();
    Ok(json!({
        "schema": "pellucid.workbench.rashomon/1", "data": data.id, "target": about.task.options.target, "positive": about.task.positive, "default": about.task.default,
        "targets": good.targets.iter().map(Target::told).collect::<Vec<_>>(), "columns": about.task.table.schema().names().collect::<Vec<_>>(),
        "words": words, "count": counted.count.to_string(), "count_shown": digits(&counted.count.to_string()), "at_most": counted.at_most.as_ref().map(ToString::to_string),
        "exact": counted.is_exact(), "theta": {"text": about.within.theta.to_string(), "value": finite(about.within.theta.value())},
        "lambda": {"text": about.task.objective.lambda.to_string(), "value": finite(about.task.objective.lambda.value())},
        "best": good.best.map(|best| json!({"text": best.to_string(), "value": finite(best.value())})), "by_size": sizes.collect::<Vec<_>>(),
        "nodes": counted.nodes, "seconds": good.seconds, "candidates": about.task.rules.len(),
        "map": figure("map", &picture), "features_used": figure("features", &features), "rules_used": figure("rules", &rules),
        "used_features": used_features, "used_rules": used_rules,
        "looked_at": views.map(|views| json!({"method": views.method(), "exact": views.found.exact, "members": views.found.findings.members})),
        "ranges": views.map(|views| figure("reliance", &views.ranges())), "disagreement": views.map(|views| figure("disagreement", &views.disagreement())),
        "together": views.map(|views| figure("together", &views.together())),
        "fairness": views.map(|views| views.scatters().iter().map(|one| figure("fairness", one)).collect::<Vec<_>>()),
        "choices": good.studied.as_ref().map(|found| {
            found.choices.iter().map(|choice| {
                let mut told = member(about, &choice.member, good);
                told["differs_on"] = choice.differs_on.into();
                told
            }).collect::<Vec<_>>()
        }),
        "total": about.task.instance.total_weight(), "members": members, "n_listed": good.members.len(),
        "command": format!("pellucid rashomon study {data_name}{} -o study.html", good.words),
        "python": python(address, &data_text, &about.task.options.target),
        "notes": good.notes,
    }))
}

/// The same in Python.
fn python(address: &Address, data: &str, target: &str) -> String {
    let mut named = in_python_words(address);
    if let Some(within) = unsaid(address) {
        named.push(format!("within=\"{within}\""));
    }
    let group = address
        .all("group")
        .next()
        .map_or(String::new(), |group| format!("groups={}", super::in_python(group)));
    format!(
        "import pellucid as pel\n\nsets = pel.rashomon({data}, {}, {})\nprint(sets.count())\nprint(sets.study({group}))\n",
        super::in_python(target),
        named.join(", ")
    )
}

/// Whether a set uses all of these columns.
fn has(about: &Explored, member: &Member, columns: &[&str]) -> bool {
    columns.iter().all(|column| {
        let rules = member.rules.iter().filter_map(|&rule| about.task.rules.get(rule as usize));
        rules.flat_map(|rule| &rule.conditions).any(|condition| condition.column == *column)
    })
}

/// A set with what it predicts otherwise than the best.
fn member(about: &Explored, member: &Member, good: &Good) -> Value {
    let covered = |rules: &[u32]| {
        let all = about.task.rows(rules);
        all.iter().fold(RowSet::empty(about.task.instance.label().n_rows()), |all, rows| all.or(rows))
    };
    let first = good.members.first().map(|best| covered(&best.rules));
    let differs = first.map(|best| {
        let own = covered(&member.rules);
        let weights = about.task.instance.weights();
        let rows = own.minus(&best).or(&best.minus(&own));
        rows.iter().map(|row| u64::from(weights[row])).sum::<u64>()
    });
    json!({
        "id": member.rules.iter().map(ToString::to_string).collect::<Vec<_>>().join("-"), "objective": {"text": member.objective.to_string(), "value": finite(member.objective.value())},
        "errors": member.errors, "size": member.rules.len(), "rules": about.task.spelled(&member.rules), "differs_from_best": differs,
    })
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let Some(first) = super::beginning("/api/rashomon", page(workbench)) else { return Ok(Vec::new()) };
    // A certified count without a table answers for itself.
    let first = first.without(&["count"]);
    if first.one("data")?.is_none() {
        return Ok(Vec::new());
    }
    crate::export::waited(workbench, &first).map(|_| vec![first])
}
