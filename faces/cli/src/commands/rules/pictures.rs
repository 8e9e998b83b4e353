//! Rule sets as views: tables of rules, and a page around them.

use pellucid::learn::certificate::{Certificate, RulesFile};
use pellucid::learn::describe::SetFacts;
use pellucid::views::number::{count, pretty};
use pellucid::views::render::html;
use pellucid::views::report::{Report, Section};
use pellucid::views::rule_table::{RuleRow, RuleTable};

/// A rule set laid over rows.
pub(crate) struct Laid {
    pub(crate) certificate: Certificate,
    pub(crate) facts: SetFacts,
    /// Whether these are the rows that the certificate is about.
    pub(crate) is_own: bool,
}

/// A rule set over the rows that the facts are from.
pub(crate) fn rule_table(laid: &Laid, default: &str) -> RuleTable {
    let Laid { certificate, facts, is_own } = laid;
    let universe = &certificate.universe;
    let row =
        |(rule, facts): (pellucid::models::rules::Rule, &pellucid::learn::describe::RuleFacts)| RuleRow {
            conditions: rule.conditions.iter().map(ToString::to_string).collect(),
            covered: facts.covered as f64,
            positives: facts.positives as f64,
            precision: facts.precision(),
            precision_interval: facts.precision_interval,
            only_here: facts.only_here as f64,
        };
    let confusion = facts.confusion.map(|row| row.map(|weight| weight as f64));
    let errors = facts.confusion[0][1] + facts.confusion[1][0];
    let n = certificate.chosen.len();
    let title = match n {
        0 => format!("No rule is worth its price: always {default}"),
        1 => format!("One rule predicts {} = {}", universe.target, universe.positive),
        n => format!("{n} rules predict {} = {}", universe.target, universe.positive),
    };
    RuleTable {
        title,
        subtitle: format!(
            "{} rows · {} errors ({} %) · λ = {} · {}",
            count(facts.total as usize),
            count(errors as usize),
            pretty(errors as f64 * 100.0 / facts.total.max(1) as f64, 3),
            universe.objective.lambda,
            match (is_own, certificate.is_proven()) {
                (false, _) => "not the rows that the certificate is about",
                (true, true) => "proven optimal",
                (true, false) => "optimality not proven",
            }
        ),
        target: format!("{} = {}", universe.target, universe.positive),
        default: default.to_owned(),
        rules: certificate.rules().into_iter().zip(&facts.rules).map(row).collect(),
        total: facts.total as f64,
        base_rate: (facts.confusion[1][0] + facts.confusion[1][1]) as f64 / facts.total.max(1) as f64,
        confusion,
    }
}

/// What is proven, as sentences.
pub(crate) fn certified(certificate: &Certificate) -> String {
    let Certificate { objective, lower_bound, n_optimal, .. } = certificate;
    let value = |ratio: &pellucid::data::Ratio| format!("{ratio} ({})", pretty(ratio.value(), 5));
    match n_optimal {
        Some(1) => format!(
            "Proven: no rule set over these candidates has an objective below {}, and no other reaches it.",
            value(objective)
        ),
        Some(n) => format!(
            "Proven: no rule set over these candidates has an objective below {}; {} sets reach it.",
            value(objective),
            count(*n as usize)
        ),
        None => {
            let gap = objective.minus(*lower_bound).map_or("unknown".to_owned(), |gap| value(&gap));
            format!(
                "Not proven optimal: this set has {}, no set has less than {}; the gap is {gap}.",
                value(objective),
                value(lower_bound)
            )
        }
    }
}

/// A certified rule set for people.
#[must_use]
pub fn rules_in_words(certificate: &Certificate, default: &str) -> String {
    format!("{}\n{}\n", plain(certificate, default), certified(certificate))
}

/// From the certificate alone: what it says of its candidates.
pub(crate) fn plain(certificate: &Certificate, default: &str) -> String {
    let universe = &certificate.universe;
    let mut text = format!("Predict {} = {} if\n", universe.target, universe.positive);
    for (n, (&chosen, rule)) in certificate.chosen.iter().zip(certificate.rules()).enumerate() {
        let [covers, positives] = universe.supports.get(chosen as usize).copied().unwrap_or_default();
        let precision = pretty(positives as f64 * 100.0 / covers.max(1) as f64, 3);
        text += &format!("  {}. {rule}   ({} rows, {precision} % right)\n", n + 1, count(covers as usize));
    }
    text + &format!("otherwise {default}\n")
}

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
            ("instance".to_owned(), format!("SHA-256 {}…", &universe.hash[..universe.hash.len().min(16)])),
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
