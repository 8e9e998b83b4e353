//! How does a rule set read, with what is proven of it and how it does on rows?

use pellucid_data::binarize::rows_equal;
use pellucid_data::{RowSet, Table};
use pellucid_learn::certificate::{Certificate, RulesFile, instance_hash};
use pellucid_learn::describe::{SetFacts, describe};
use pellucid_learn::task::{Learned, TaskError, position, row_weights, without_target};
use pellucid_models::rules::PredictError;
use pellucid_views::number::{count, pretty};
use pellucid_views::rule_table::{RuleRow, RuleTable};

/// A rule set laid over rows.
#[derive(Debug, Clone)]
pub struct Laid {
    /// The rules, and what is proven of them.
    pub certificate: Certificate,
    /// How they do on the rows.
    pub facts: SetFacts,
    /// Whether these are the rows that the certificate is about.
    pub is_own: bool,
}

/// A learned set over the rows that it was learned from.
#[must_use]
pub fn of_learned(learned: &Learned) -> Laid {
    let Learned { task, certificate } = learned;
    let facts = describe(&task.rows(&certificate.chosen), task.instance.label(), task.instance.weights());
    Laid { certificate: certificate.clone(), facts, is_own: true }
}

/// The rules of a file over a table, class by class. What a user should know is added to `notes`.
///
/// # Errors
/// When the rules do not fit the table.
pub fn over(file: &RulesFile, table: &Table, notes: &mut Vec<String>) -> Result<Vec<Laid>, LaidError> {
    let target = position(table, &file.decision.target, "the target of the rules")?;
    let mut parts = Vec::new();
    for (class, certificate) in file.decision.classes.iter().zip(&file.certificates) {
        let column = certificate.universe.weights.as_deref();
        // Data without the weights of the certificate's has one a row.
        let column = column.filter(|name| table.schema().position(name).is_some());
        let (weights, n_without) = row_weights(column, table, &table.columns()[target])?;
        notes.extend(without_target(&file.decision.target, n_without));
        let rows: Vec<RowSet> = class.rules.iter().map(|rule| rule.rows(table)).collect::<Result<_, _>>()?;
        let label = rows_equal(&table.columns()[target], &class.positive);
        let all: Result<Vec<RowSet>, _> =
            certificate.universe.candidates.iter().map(|rule| rule.rows(table)).collect();
        let is_own = all.is_ok_and(|all| instance_hash(&label, &weights, &all) == certificate.universe.hash);
        let facts = describe(&rows, &label, &weights);
        parts.push(Laid { certificate: certificate.clone(), facts, is_own });
    }
    Ok(parts)
}

/// Why rules can't be laid over a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaidError {
    /// The target or the weights are not there.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A column that a rule asks for is not there, or holds something else.
    #[error(transparent)]
    Predict(#[from] PredictError),
}

/// A rule set over the rows that the facts are from.
#[must_use]
pub fn rule_table(laid: &Laid, default: &str) -> RuleTable {
    let Laid { certificate, facts, is_own } = laid;
    let universe = &certificate.universe;
    let row = |(rule, facts): (pellucid_models::rules::Rule, &pellucid_learn::describe::RuleFacts)| RuleRow {
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
#[must_use]
pub fn certified(certificate: &Certificate) -> String {
    let Certificate { objective, lower_bound, n_optimal, .. } = certificate;
    let value = |ratio: &pellucid_data::Ratio| format!("{ratio} ({})", pretty(ratio.value(), 5));
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
pub fn in_words(certificate: &Certificate, default: &str) -> String {
    format!("{}\n{}\n", plain(certificate, default), certified(certificate))
}

/// From the certificate alone: what it says of its candidates.
#[must_use]
pub fn plain(certificate: &Certificate, default: &str) -> String {
    let universe = &certificate.universe;
    let mut text = format!("Predict {} = {} if\n", universe.target, universe.positive);
    for (n, (&chosen, rule)) in certificate.chosen.iter().zip(certificate.rules()).enumerate() {
        let [covers, positives] = universe.supports.get(chosen as usize).copied().unwrap_or_default();
        let precision = pretty(positives as f64 * 100.0 / covers.max(1) as f64, 3);
        text += &format!("  {}. {rule}   ({} rows, {precision} % right)\n", n + 1, count(covers as usize));
    }
    text + &format!("otherwise {default}\n")
}
