//! A page of rule sets.

use pellucid::laid::{Laid, certified, rule_table};
use pellucid::learn::certificate::RulesFile;
use pellucid::views::number::count;
use pellucid::views::render::html;
use pellucid::views::report::{Report, Section};

/// A page of one rule set a class.
pub(crate) fn page(parts: &[Laid], file: &RulesFile, warnings: &[String], command: Option<String>) -> String {
    let section = |laid: &Laid| {
        let universe = &laid.certificate.universe;
        Section {
            heading: format!("When is {} = {}?", universe.target, universe.positive),
            intro: certified(&laid.certificate),
            figures: vec![(
                Box::new(rule_table(laid, &file.decision.default)) as Box<dyn pellucid::views::View>,
                false,
            )],
        }
    };
    let mut facts = vec![("target".to_owned(), file.decision.target.clone())];
    if let Some(Laid { certificate, facts: set, is_own }) = parts.first() {
        let universe = &certificate.universe;
        let rows = if *is_own {
            format!("{}, {} in weight", count(universe.rows as usize), count(set.total as usize))
        } else {
            format!(
                "{} in weight, not the {} rows that the certificate is about",
                count(set.total as usize),
                count(universe.rows as usize)
            )
        };
        facts.extend([
            ("rows".to_owned(), rows),
            (
                "objective".to_owned(),
                format!(
                    "({}·FP + {}·FN) / {} + {}·rules",
                    universe.objective.false_positive,
                    universe.objective.false_negative,
                    count(universe.weight[0] as usize),
                    universe.objective.lambda
                ),
            ),
            ("candidates".to_owned(), format!("{} rules", count(universe.candidates.len()))),
            ("otherwise".to_owned(), file.decision.default.clone()),
            (
                "instance".to_owned(),
                format!("SHA-256 {}…", universe.hash.chars().take(16).collect::<String>()),
            ),
        ]);
    }
    let mut notes = vec![
        "A rule set predicts its class where any of its rules holds, and the default elsewhere. The objective is the share of errors plus λ for each rule.".to_owned(),
        "A certificate says that no set over these candidates is better on this data. It does not say that the rules hold on other data, nor that they are causes.".to_owned(),
        "The whisker of a precision is a 95 % Wilson interval for a rule that was fixed beforehand; these were chosen on the same rows, so it is too narrow.".to_owned(),
    ];
    notes.extend(warnings.iter().cloned());
    html::page(&Report {
        title: parts
            .first()
            .map_or("Rules".to_owned(), |laid| rule_table(laid, &file.decision.default).title),
        lead: parts.first().map_or(String::new(), |laid| certified(&laid.certificate)),
        facts,
        sections: parts.iter().map(section).collect(),
        notes,
        command,
    })
}
