//! A study as views, and a page around them.

use pellucid::learn::rashomon::study::{Choice, Fairness, Looked};
use pellucid::learn::task::compared;
use pellucid::views::View;
use pellucid::views::disagreement::Disagreement;
use pellucid::views::fairness_scatter::{FairPoint, FairnessScatter};
use pellucid::views::importance_ranges::{ImportanceRanges, Reliance};
use pellucid::views::number::{count, pretty};
use pellucid::views::render::html;
use pellucid::views::report::{Report, Section};
use pellucid::views::use_matrix::{UseMatrix, UseRow};

use super::study::Told;
use crate::commands::Context;
use crate::rule_args;

pub(super) fn ranges(told: &Told) -> ImportanceRanges {
    let of = |(at, name): &(usize, String)| {
        let reliance = &told.found.findings.reliance[*at];
        Reliance {
            name: name.clone(),
            low: reliance.low,
            high: reliance.high,
            best: reliance.best,
            median: Some(reliance.median),
        }
    };
    let whose = if told.found.exact { "every good rule set" } else { "every rule set that was drawn" };
    let needed =
        told.found.features.iter().filter(|(at, _)| told.found.findings.reliance[*at].low > 0.0).count();
    ImportanceRanges {
        title: match needed {
            0 => format!("No feature is needed by {whose}"),
            1 => format!("One feature is needed by {whose}"),
            n => format!("{n} features are needed by {whose}"),
        },
        subtitle: format!("model reliance over {}", told.method()),
        features: told.found.features.iter().map(of).collect(),
        unit: "growth of the share of errors when the feature is switched between rows".to_owned(),
        n_models: told.found.findings.members.to_string(),
        exact: told.found.exact,
        top: 20,
    }
}

fn disagreement(told: &Told) -> Disagreement {
    let found = &told.found.findings;
    let weights = told.about.task.instance.weights();
    let (mut bins, mut all_zero, mut all_one) = (vec![0.0; 10], 0.0, 0.0);
    for (&share, &weight) in found.share_of_row.iter().zip(weights) {
        let weight = f64::from(weight);
        if share == 0.0 {
            all_zero += weight;
        } else if share == 1.0 {
            all_one += weight;
        } else {
            bins[((share * 10.0) as usize).min(9)] += weight;
        }
    }
    let share = |[part, all]: [u64; 2]| part as f64 / all.max(1) as f64;
    Disagreement {
        title: format!(
            "On {}{} of the rows good rule sets disagree",
            told.at_least(),
            Told::percent(found.ambiguity)
        ),
        subtitle: format!("share of sets that predict 1, by row · {}", told.method()),
        bins,
        all_zero,
        all_one,
        ambiguity: share(found.ambiguity),
        discrepancy: share(found.discrepancy),
    }
}

fn together(told: &Told) -> UseMatrix {
    let (rules, pairs) = &told.found.findings.together;
    let names = told.about.task.spelled(rules);
    let row = |(at, name): (usize, &String)| UseRow {
        name: format!("{}. {name}", at + 1),
        shares: pairs[at]
            .iter()
            .enumerate()
            .map(|(other, &n)| (other != at && pairs[at][at] > 0).then(|| n as f64 / pairs[at][at] as f64))
            .collect(),
        overall: pairs[at][at] as f64 / told.found.findings.members.max(1) as f64,
    };
    UseMatrix {
        title: "Which rules stand together?".to_owned(),
        subtitle: format!(
            "of the sets with the rule of the row, the share that also have the rule of the column · {}",
            told.method()
        ),
        columns: (1..=names.len()).map(|at| at.to_string()).collect(),
        rows: names.iter().enumerate().map(row).collect(),
        top: names.len(),
    }
}

fn scatters(told: &Told) -> Vec<(Box<dyn View>, bool)> {
    let found = &told.found.findings;
    let one = |(at, fairness): (usize, &Fairness)| -> Option<(Box<dyn View>, bool)> {
        let [low, high] = fairness.range.as_ref()?;
        let point = |looked: &Looked, is_best| FairPoint {
            error: looked.error,
            value: looked.fairness[at].unwrap_or(f64::NAN),
            count: 1.0,
            is_best,
        };
        let is_best = |looked: &Looked| looked.member == found.best.member;
        let mut points: Vec<FairPoint> =
            found.some.iter().map(|looked| point(looked, is_best(looked))).collect();
        if !found.some.iter().any(is_best) {
            points.push(point(&found.best, true));
        }
        Some((
            Box::new(FairnessScatter {
                title: format!(
                    "{} ranges {}from {} to {}",
                    fairness.metric.name(),
                    told.at_least(),
                    pretty(low.value.value(), 3),
                    pretty(high.value.value(), 3)
                ),
                subtitle: told.method(),
                metric: compared(fairness),
                points,
                of: found.members as f64,
                low: low.value.value(),
                high: high.value.value(),
                exact: told.found.exact,
            }),
            false,
        ))
    };
    found.fairness.iter().enumerate().filter_map(one).collect()
}

pub(super) fn page(told: &Told, args: &rule_args::Study, context: &Context<'_>) -> String {
    let ranges = ranges(told);
    let mut sections = vec![
        Section {
            heading: "How much must, and how much may, a good rule set rely on a feature?".to_owned(),
            intro: if told.found.exact {
                "A range that ends above zero on both sides is a feature that no good rule set can do without; one that begins at zero can be avoided."
            } else {
                "Over the sets that were drawn: one that begins at zero can be avoided; whether one is needed by every good rule set, only a study of all of them tells (--certify)."
            }
            .to_owned(),
            figures: vec![(Box::new(ranges.clone()), false)],
        },
        Section {
            heading: "On whom do they disagree?".to_owned(),
            intro: "Where good models disagree, choosing one of them decides about people.".to_owned(),
            figures: vec![(Box::new(disagreement(told)), false)],
        },
    ];
    if !told.found.findings.fairness.is_empty() {
        sections.push(Section {
            heading: "How differently do they treat groups?".to_owned(),
            intro: if told.found.exact {
                "Each point is a rule set; the range is that of all of them, not only of those that are drawn."
            } else {
                "Each point is a rule set; the range is that of the sets that were looked at."
            }
            .to_owned(),
            figures: scatters(told),
        });
    }
    sections.push(Section {
        heading: "What goes with what?".to_owned(),
        intro: String::new(),
        figures: vec![(Box::new(together(told)), false)],
    });
    let choice = |choice: &Choice| {
        let rules = told.about.task.spelled(&choice.member.rules).join("  or  ");
        let differs = match choice.differs_on {
            0 => String::new(),
            n => format!(", differs on {n} rows from the nearest above"),
        };
        format!(
            "objective {}{differs}: {}",
            pretty(choice.member.objective.value(), 4),
            if rules.is_empty() { "no rule".to_owned() } else { rules }
        )
    };
    let mut facts = vec![
        ("target".to_owned(), format!("{} = {}", args.task.target, told.about.task.positive)),
        ("θ, λ".to_owned(), format!("{}, {}", told.about.within.theta, args.task.lambda)),
        ("looked at".to_owned(), told.method()),
    ];
    facts.extend(told.found.choices.iter().enumerate().map(|(at, one)| {
        (if at == 0 { "the best".to_owned() } else { format!("different {at}") }, choice(one))
    }));
    let mut notes = args.task.note.clone();
    notes.push("Reliance: by how much the share of errors grows on average when a row gets the feature's value from another row (Fisher, Rudin & Dominici 2019), over all pairs of rows.".to_owned());
    notes.push("It says how models use a feature, not what the feature does in the world.".to_owned());
    if told.found.findings.median_of < told.found.findings.members {
        notes.push(format!(
            "Medians are over {} of the rule sets that were looked at, drawn uniformly.",
            count(told.found.findings.median_of as usize)
        ));
    }
    if let Some(fairness) = told.found.findings.fairness.first().filter(|one| !one.left_out.is_empty()) {
        notes.push(format!(
            "Not compared, for they have no row with a weight: {}.",
            fairness.left_out.join(", ")
        ));
    }
    notes.extend(told.about.task.warnings.clone());
    let caution = if told.found.exact { "" } else { " Over all of them ranges may be wider." };
    html::page(&Report {
        title: ranges.title,
        lead: format!("What {} have in common, and where they differ.{caution}", told.method()),
        facts,
        sections,
        notes,
        command: Some(context.command_line()),
    })
}
