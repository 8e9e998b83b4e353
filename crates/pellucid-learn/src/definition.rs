//! What is the Rashomon set, by its definition? Every subset of the rules, scored one by one: the oracle of every search.

use pellucid_data::Ratio;
use pellucid_data::ratio::RatioError;

use crate::{Identity, Instance, Objective, Within};

/// What the errors of a rule set cost.
#[must_use]
pub fn errors(instance: &Instance, objective: &Objective, rules: &[u32]) -> i64 {
    let covered = instance.covered(rules);
    let false_positive = instance.weight_of(&covered.minus(instance.label()));
    let false_negative = instance.weight_of(&instance.label().minus(&covered));
    (false_positive * u64::from(objective.false_positive)
        + false_negative * u64::from(objective.false_negative)) as i64
}

/// The objective of a rule set.
///
/// # Errors
/// When the fraction does not fit into 128 bits.
pub fn score(instance: &Instance, objective: &Objective, rules: &[u32]) -> Result<Ratio, RatioError> {
    objective.value(errors(instance, objective, rules), rules.len(), instance.total_weight())
}

/// A rule set with its score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// The rules, rising.
    pub rules: Vec<u32>,
    /// Its objective.
    pub objective: Ratio,
}

/// All rule sets within, by rising objective, then size, then rules. For at most 20 rules; it looks at every subset.
///
/// # Errors
/// When a fraction does not fit into 128 bits.
pub fn rashomon_set(
    instance: &Instance,
    objective: &Objective,
    within: &Within,
) -> Result<Vec<Scored>, RatioError> {
    let columns = instance.columns();
    let first_of_kind =
        |rule: &usize| within.identity == Identity::Subset || !columns[..*rule].contains(&columns[*rule]);
    let candidates: Vec<u32> = (0..columns.len()).filter(first_of_kind).map(|rule| rule as u32).collect();
    let mut found = Vec::new();
    for subset in 0..1_u32 << candidates.len().min(20) {
        let rules: Vec<u32> = candidates
            .iter()
            .enumerate()
            .filter(|(bit, _)| subset >> bit & 1 == 1)
            .map(|(_, &rule)| rule)
            .collect();
        let is_allowed = if rules.is_empty() {
            within.include_empty
        } else {
            within.max_size.is_none_or(|most| rules.len() <= most)
        };
        if !is_allowed || within.identity == Identity::Irredundant && !is_irredundant(instance, &rules) {
            continue;
        }
        let objective = score(instance, objective, &rules)?;
        if objective <= within.theta {
            found.push(Scored { rules, objective });
        }
    }
    found.sort_by(|a, b| (a.objective, a.rules.len(), &a.rules).cmp(&(b.objective, b.rules.len(), &b.rules)));
    if within.identity == Identity::Predictions {
        let mut seen = std::collections::HashSet::new();
        found.retain(|set| seen.insert(instance.covered(&set.rules)));
    }
    Ok(found)
}

/// Whether every rule covers a point that no other rule of the set covers.
#[must_use]
pub fn is_irredundant(instance: &Instance, rules: &[u32]) -> bool {
    rules.iter().all(|rule| {
        let others: Vec<u32> = rules.iter().copied().filter(|other| other != rule).collect();
        !instance.columns()[*rule as usize].minus(&instance.covered(&others)).is_empty()
    })
}
