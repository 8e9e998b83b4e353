//! `pellucid rashomon study`: what good rule sets have in common, and where they differ.

use pellucid::data::Control;
use pellucid::good_sets::Told;
use pellucid::learn::rashomon::study::Drawings;
use pellucid::learn::task::{Explored, Grouping, Studied, StudyFailure, Studying, compared, study_to_json};
use pellucid::views::View as _;
use pellucid::views::number::{digits, pretty};
use serde_json::Value;

use super::study_page::page;
use super::{explored, nothing};
use crate::commands::{Context, print};
use crate::failure::Failure;
use crate::output::{check_distinct, write_file};
use crate::rule_args;
use crate::task::searching;

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
    let (about, found) = told(args, context)?;
    let told = Told { about: &about, found: &found };
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
    let Drawings { one_label, limited, .. } =
        found.distributions.as_ref().map_or(Drawings::default(), |(_, all)| *all);
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

fn told(args: &rule_args::Study, context: &Context<'_>) -> Result<(Explored, Studied), Failure> {
    let progress = context.console.searching();
    let control = Control { threads: context.console.threads().0, watch: &progress };
    let how = searching(&args.task, control);
    let about = explored(&args.task, &args.bound, &how, context)?;
    let studying = Studying {
        groups: args.group.clone().map(Grouping::Column),
        most_members: args.most_members,
        certify: args.certify,
        models: args.models,
        bootstrap: args.bootstrap,
        seed: context.seed.unwrap_or(0),
    };
    let found = pellucid::learn::task::studied(&about, &studying, &how);
    let found = match found {
        Err(StudyFailure::Empty) => return Err(nothing(&about, &how)),
        other => other?,
    };
    drop(progress);
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    Ok((about, found))
}

fn said(told: &Told<'_>) -> String {
    let found = &told.found.findings;
    let caution = if told.found.exact {
        ""
    } else {
        " What is said holds of these; over all of them ranges may be wider."
    };
    let mut text = format!("Looked at {}.{caution}\n\n", told.method());
    text += &told.ranges().text(100);
    let least = told.at_least();
    text += &format!(
        "\nRows on which some set differs from the best: {least}{} (ambiguity); most that one set flips: {least}{} (discrepancy); {}{} different predictions.\n",
        Told::percent(found.ambiguity),
        Told::percent(found.discrepancy),
        if told.found.exact && found.distinct_is_exact { "" } else { "at least " },
        found.distinct_predictions
    );
    for fairness in &found.fairness {
        let range = fairness.range.as_ref().map_or("defined for no set".to_owned(), |[low, high]| {
            let at_least = if told.found.exact { "" } else { "at least " };
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
    if let Some((all, Drawings { done, .. })) = &told.found.distributions {
        text += &format!(
            "\nReliance over the sets of {done} bootstrap drawings: 5, 50 and 95 % quantiles, share above 0\n"
        );
        for (at, name) in &told.found.features {
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
    for choice in &told.found.choices {
        let rules = told.about.task.spelled(&choice.member.rules).join("  or  ");
        text += &format!(
            "{:<9} differs on {:>6}  {}\n",
            pretty(choice.member.objective.value(), 5),
            choice.differs_on,
            if rules.is_empty() { "no rule" } else { &rules }
        );
    }
    text
}

fn to_json(told: &Told<'_>, args: &rule_args::Study) -> Value {
    let mut body = study_to_json(told.about, told.found, args.bootstrap);
    body["method"] = told.method().into();
    body["output"] = args.out.as_deref().map(|path| path.display().to_string()).into();
    body
}
