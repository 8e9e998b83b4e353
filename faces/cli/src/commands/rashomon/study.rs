//! `pellucid rashomon study`: what good rule sets have in common, and where they differ.

use std::ops::ControlFlow;

use num_bigint::BigUint;
use pellucid::data::binarize::rows_equal;
use pellucid::data::{Control, Ratio, RowSet};
use pellucid::learn::Instance;
use pellucid::learn::rashomon::study::{
    Choice, Distribution, Drawings, Findings, Groups, Study, Subject, bootstrap, diverse,
};
use pellucid::learn::rashomon::{Detail, Member, Order};
use pellucid::views::View as _;
use pellucid::views::number::{digits, pretty};
use serde_json::{Value, json};

use super::study_page::{page, ranges};
use super::{Explored, explored, nothing};
use crate::commands::{Context, print};
use crate::failure::Failure;
use crate::output::{check_distinct, write_file};
use crate::rule_args;
use crate::task::{Prepared, position, searching, values};

/// Members drawn from the set of each bootstrap drawing.
const PER_DRAWING: usize = 100;

/// Everything that is told.
pub(super) struct Told {
    pub(super) about: Explored,
    pub(super) count: BigUint,
    pub(super) best: Member,
    pub(super) findings: Findings,
    /// Whether every member was looked at.
    pub(super) exact: bool,
    pub(super) choices: Vec<Choice>,
    pub(super) distributions: Option<(Vec<Distribution>, Drawings)>,
    /// Columns that some candidate is about, with their place in the findings.
    pub(super) features: Vec<(usize, String)>,
}

pub(crate) fn run(args: &rule_args::Study, context: &Context<'_>) -> Result<u8, Failure> {
    let is_html = match args.out.as_deref() {
        None => false,
        Some(path) => {
            check_distinct(path, &[&args.task.data])?;
            match path.extension().map(|e| e.to_string_lossy().to_lowercase()).as_deref() {
                Some("html") => true,
                Some("json") => false,
                _ => {
                    return Err(Failure::Usage(format!(
                        "`{}`: a study is written as .json or .html",
                        path.display()
                    )));
                }
            }
        }
    };
    if let Some(name) = args.group.as_ref().filter(|name| **name == args.task.target) {
        return Err(Failure::Usage(format!(
            "`{name}` is the target: sets are compared on groups of rows (sex, age), not on what they predict"
        )));
    }
    let told = studied(args, context)?;
    if let Some(path) = &args.out {
        let text = if is_html { page(&told, args, context) } else { format!("{:#}\n", to_json(&told, args)) };
        write_file(path, text.as_bytes())?;
        context.console.done(&format!("wrote {}", path.display()));
    }
    if context.json {
        context.print_json("rashomon_study", to_json(&told, args))?;
    } else if args.out.is_none() {
        print(&said(&told))?;
    }
    // A distribution of fewer drawings than were asked for says so.
    let Drawings { one_label, limited, .. } = told.distributions.map_or(Drawings::default(), |(_, all)| all);
    if one_label > 0 {
        context.console.note(&format!("{one_label} bootstrap drawings have one label only, and no sets"));
    }
    if limited > 0 {
        context.console.note(&format!(
            "a limit left {limited} of {} bootstrap drawings out: the distribution leans towards those that are easy to search",
            args.bootstrap
        ));
    }
    Ok(if limited > 0 { 4 } else { 0 })
}

fn studied(args: &rule_args::Study, context: &Context<'_>) -> Result<Told, Failure> {
    let progress = context.console.searching();
    let control = Control { threads: context.console.threads().0, watch: &progress };
    let how = searching(&args.task, control);
    let about = explored(&args.task, &args.bound, &how, context)?;
    let stopped = || {
        Failure::Limit("the limit was reached before every member was looked at; nothing was written, since what was seen first is no fair sample".to_owned())
    };
    let counted = about.explorer.count(Detail::Full, &how)?;
    if !counted.is_exact() {
        return Err(stopped());
    }
    if counted.count == BigUint::ZERO {
        return Err(nothing(&about, &args.bound, &how));
    }
    let mut first = None;
    about.explorer.list(Order::Objective, &how, &mut |member| {
        first = Some(member.clone());
        ControlFlow::Break(())
    })?;
    let best = first.ok_or_else(stopped)?;
    let groups = args.group.as_deref().map(|name| groups(&about, name)).transpose()?;
    let literals = literals(&about);
    let rules: Vec<Vec<u32>> =
        about.prepared.mined.candidates.iter().map(|candidate| candidate.literals.clone()).collect();
    let n_features = about.prepared.table.columns().len();
    let make =
        |instance: &Instance| Subject::new(instance, &literals, &rules, n_features, groups.as_ref()).ok();
    let subject = Subject::new(&about.prepared.instance, &literals, &rules, n_features, groups.as_ref())
        .map_err(|error| Failure::Input(error.to_string()))?;
    let mut top: Vec<(usize, &BigUint)> = counted.by_rule.iter().enumerate().collect();
    top.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(&b.0)));
    let top: Vec<u32> =
        top.iter().filter(|(_, sets)| **sets != BigUint::ZERO).map(|(rule, _)| *rule as u32).collect();
    let seed = context.seed.unwrap_or(0);
    let mut study = Study::new(&subject, &best, &top, seed);
    let exact = args.certify || counted.count <= BigUint::from(args.most_members);
    if exact {
        if !about.explorer.each(&how, &mut |member| study.add(member))? {
            return Err(stopped());
        }
    } else {
        let n = usize::try_from(args.most_members).unwrap_or(usize::MAX);
        let drawn = about.explorer.sample(n, seed, 0.0, &how)?;
        for (at, member) in drawn.members.iter().enumerate() {
            if at.is_multiple_of(1 << 10) && how.control.watch.should_stop() {
                return Err(stopped());
            }
            study.add(member);
        }
    }
    let findings = study.finish();
    let pool: Vec<Member> = findings.some.iter().map(|looked| looked.member.clone()).collect();
    let choices = diverse(&subject, &best, &pool, args.models.max(1));
    let distributions = if args.bootstrap > 0 {
        let margin = about.within.theta.minus(best.objective)?;
        let Prepared { instance, objective, .. } = &about.prepared;
        Some(bootstrap(
            instance,
            objective,
            &about.within,
            margin,
            &make,
            [args.bootstrap, PER_DRAWING],
            seed,
            &how,
        )?)
    } else {
        None
    };
    drop(progress);
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    let mut used: Vec<usize> = literals.iter().map(|(feature, _)| *feature as usize).collect();
    used.sort_unstable();
    used.dedup();
    let features =
        used.into_iter().map(|at| (at, about.prepared.table.schema().fields[at].name.clone())).collect();
    Ok(Told { count: counted.count, best, findings, exact, choices, distributions, features, about })
}

fn literals(about: &Explored) -> Vec<(u32, RowSet)> {
    about.prepared.literals.iter().map(|literal| (literal.feature.0, literal.rows.clone())).collect()
}

/// The groups of a column's values.
fn groups(about: &Explored, name: &str) -> Result<Groups, Failure> {
    let table = &about.prepared.table;
    let column = &table.columns()[position(table, name, "the column of groups")?];
    let names: Vec<String> = values(column).into_iter().map(|(value, _)| value).collect();
    if names.len() > 20 {
        return Err(Failure::Input(format!(
            "column `{name}` has {} values; at most 20 groups are compared",
            names.len()
        )));
    }
    let mut of_row = vec![None; table.n_rows()];
    for (group, value) in names.iter().enumerate() {
        rows_equal(column, value).iter().for_each(|row| of_row[row] = Some(group as u32));
    }
    Ok(Groups { names: names.into_iter().map(|value| format!("{name} = {value}")).collect(), of_row })
}

impl Told {
    pub(super) fn method(&self) -> String {
        if self.exact {
            return format!("all {} rule sets", digits(&self.count.to_string()));
        }
        format!(
            "{} rule sets drawn uniformly from {}",
            digits(&self.findings.members.to_string()),
            digits(&self.count.to_string())
        )
    }

    /// What stands before a number that can only be larger over all sets.
    pub(super) fn at_least(&self) -> &'static str {
        if self.exact { "" } else { "at least " }
    }

    pub(super) fn percent([part, all]: [u64; 2]) -> String {
        format!("{} %", pretty(part as f64 * 100.0 / all.max(1) as f64, 3))
    }
}

fn said(told: &Told) -> String {
    let found = &told.findings;
    let caution =
        if told.exact { "" } else { " What is said holds of these; over all of them ranges may be wider." };
    let mut text = format!("Looked at {}.{caution}\n\n", told.method());
    text += &ranges(told).text(100);
    let least = told.at_least();
    text += &format!(
        "\nRows on which some set differs from the best: {least}{} (ambiguity); most that one set flips: {least}{} (discrepancy); {}{} different predictions.\n",
        Told::percent(found.ambiguity),
        Told::percent(found.discrepancy),
        if told.exact && found.distinct_is_exact { "" } else { "at least " },
        found.distinct_predictions
    );
    for fairness in &found.fairness {
        let range = fairness.range.as_ref().map_or("defined for no set".to_owned(), |[low, high]| {
            let at_least = if told.exact { "" } else { "at least " };
            format!("{at_least}from {} to {}", pretty(low.value.value(), 4), pretty(high.value.value(), 4))
        });
        let undefined = if fairness.undefined > 0 {
            format!(" (undefined for {} sets)", fairness.undefined)
        } else {
            String::new()
        };
        text += &format!("{}: {range}{undefined}\n", compared(fairness));
    }
    if let Some(fairness) = found.fairness.first().filter(|one| !one.left_out.is_empty()) {
        text +=
            &format!("Not compared, for they have no row with a weight: {}\n", fairness.left_out.join(", "));
    }
    if let Some((all, Drawings { done, .. })) = &told.distributions {
        text += &format!(
            "\nReliance over the sets of {done} bootstrap drawings: 5, 50 and 95 % quantiles, share above 0\n"
        );
        for (at, name) in &told.features {
            if let Some(one) = all.get(*at).filter(|one| one.positive > 0.0) {
                let [low, _, middle, _, high] = one.quantiles.map(|value| pretty(value, 2));
                text += &format!("{low:>9} {middle:>9} {high:>9}  {:>5.1} %  {name}\n", one.positive * 100.0);
            }
        }
    }
    text += &format!(
        "\nThe best, and the most different ones among {} of them\n",
        digits(&found.some.len().to_string())
    );
    for choice in &told.choices {
        let rules = told.about.prepared.spelled(&choice.member.rules).join("  or  ");
        text += &format!(
            "{:<9} differs on {:>6}  {}\n",
            pretty(choice.member.objective.value(), 5),
            choice.differs_on,
            if rules.is_empty() { "no rule" } else { &rules }
        );
    }
    text
}

pub(super) fn compared(fairness: &pellucid::learn::rashomon::study::Fairness) -> String {
    match fairness.groups.as_slice() {
        [first, second] => format!("{}, {second} − {first}", fairness.metric.name()),
        groups => format!("{}, largest − smallest of {} groups", fairness.metric.name(), groups.len()),
    }
}

fn to_json(told: &Told, args: &rule_args::Study) -> Value {
    let found = &told.findings;
    let member = |member: &Member| json!({"objective": member.objective.to_string(), "rules": told.about.prepared.spelled(&member.rules), "ids": member.rules});
    let reliance = |(at, name): &(usize, String)| {
        let one = &found.reliance[*at];
        let mut out = json!({"feature": name, "low": one.low, "high": one.high, "best": one.best, "median": one.median});
        if let Some((all, _)) = &told.distributions {
            out["bootstrap"] = all
                .get(*at)
                .map_or(Value::Null, |d| json!({"quantiles": d.quantiles, "positive": d.positive}));
        }
        out
    };
    let exact = |[part, all]: [u64; 2]| {
        Ratio::new(part.into(), all.into()).map_or(Value::Null, |ratio| ratio.to_string().into())
    };
    let fairness = found.fairness.iter().map(|one| {
        let end = |at: usize| one.range.as_ref().map(|range| json!({"value": range[at].value.to_string(), "set": member(&range[at].member)}));
        json!({"metric": one.metric.name(), "compared": compared(one), "groups": one.groups, "left_out": one.left_out, "low": end(0), "high": end(1), "undefined": one.undefined})
    });
    let disputed = found.share_of_row.iter().enumerate().filter(|(_, share)| **share > 0.0 && **share < 1.0);
    json!({
        "count": told.count.to_string(),
        "members": found.members,
        "exact": told.exact,
        "method": told.method(),
        "theta": told.about.within.theta.to_string(),
        "lambda": args.task.lambda.to_string(),
        "best": member(&told.best),
        "reliance": told.features.iter().map(reliance).collect::<Value>(),
        "bootstrap_asked": args.bootstrap,
        "bootstrap_drawings": told.distributions.as_ref().map(|(_, drawings)| drawings.done),
        "bootstrap_limited": told.distributions.as_ref().map(|(_, drawings)| drawings.limited),
        "median_of": found.median_of,
        "cloud": found.some.iter().map(|looked| {
            let of_features: Vec<f32> = told.features.iter().map(|(at, _)| looked.reliance[*at]).collect();
            json!({"objective": looked.member.objective.value(), "error": looked.error, "reliance": of_features, "fairness": looked.fairness})
        }).collect::<Value>(),
        "ambiguity": exact(found.ambiguity),
        "discrepancy": exact(found.discrepancy),
        "distinct_predictions": found.distinct_predictions,
        "distinct_is_exact": told.exact && found.distinct_is_exact,
        "disputed_rows": disputed.map(|(row, share)| json!([row, share])).collect::<Value>(),
        "fairness": fairness.collect::<Value>(),
        "short_list": told.choices.iter().map(|choice| json!({"set": member(&choice.member), "differs_on": choice.differs_on})).collect::<Value>(),
        "together": {"rules": told.about.prepared.spelled(&found.together.0), "sets": found.together.1},
        "output": args.out,
    })
}
