//! A study as views, and a page around them.

use pellucid::good_sets::Told;
use pellucid::learn::rashomon::study::Choice;
use pellucid::views::View;
use pellucid::views::number::{count, pretty};
use pellucid::views::render::html;
use pellucid::views::report::{Report, Section};

use crate::commands::Context;
use crate::rule_args;

pub(super) fn page(told: &Told<'_>, args: &rule_args::Study, context: &Context<'_>) -> String {
    let ranges = told.ranges();
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
            figures: vec![(Box::new(told.disagreement()), false)],
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
            figures: told.scatters().into_iter().map(|one| (Box::new(one) as Box<dyn View>, false)).collect(),
        });
    }
    sections.push(Section {
        heading: "What goes with what?".to_owned(),
        intro: String::new(),
        figures: vec![(Box::new(told.together()), false)],
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
