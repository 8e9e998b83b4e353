//! Is it true? A certificate against the raw data, by other code than made it.
//!
//! Nothing of the search is used here: rows are read again, every candidate is laid over them again, the instance is
//! hashed again, and the bound is proven again by the published branch and bound with its simplest bounds (an extension
//! never has fewer false positives, one more rule costs λ more, and rows that no rule can tell apart can't all be right;
//! KDD 2024). That is slow and short. Where it does not end in the given time, the claim is neither proven nor refuted.

use std::collections::{HashMap, HashSet};

use num_bigint::BigUint;
use pellucid_data::binarize::rows_equal;
use pellucid_data::table::Column;
use pellucid_data::{Ratio, RowSet, Table, Watch};

use super::{Certificate, CountCertificate, RulesFile, Universe, instance_hash};

/// What came of checking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that is claimed was found to be so.
    Proven(String),
    /// Something is not as it is claimed.
    Refuted(String),
    /// What could be checked is right, but the bound was not proven again in the given time.
    Unproven(String),
}

/// Why checking stops: a claim is false, or time is up.
enum Stop {
    False(String),
    Time,
}

/// What is done with each set: its rules and its objective.
type Each<'e> = dyn FnMut(&[u32], i128) -> Result<(), Stop> + 'e;
/// The same, told also of sets that are not within, without their objective.
type Step<'e> = dyn FnMut(&[u32], Option<i128>) -> Result<(), Stop> + 'e;

fn must(holds: bool, says: impl FnOnce() -> String) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::False(says())) }
}

/// Checks a rules file, class by class.
#[must_use]
pub fn rules(file: &RulesFile, table: &Table, watch: &dyn Watch) -> Vec<Verdict> {
    let classes = file.decision.classes.iter().zip(&file.certificates);
    let verdict = |(class, certificate): (&pellucid_models::rules::ClassRules, &Certificate)| {
        let says = [
            (certificate.universe.target == file.decision.target, "the certificate is about another target"),
            (certificate.universe.positive == class.positive, "the certificate is about another class"),
            (
                certificate.rules() == class.rules,
                "the rules are not the candidates that the certificate chose",
            ),
        ];
        if let Some((_, problem)) = says.iter().find(|(holds, _)| !holds) {
            return Verdict::Refuted((*problem).to_owned());
        }
        said(optimum(certificate, table, watch))
    };
    if let Some(problem) = wrong_default(file, table) {
        return vec![Verdict::Refuted(problem)];
    }
    if file.certificates.is_empty() || file.decision.classes.len() != file.certificates.len() {
        return vec![Verdict::Refuted("not every class has a certificate".to_owned())];
    }
    classes.map(verdict).collect()
}

/// What is wrong with the class that is predicted where no rule holds: it is the only value of the target that no rules
/// predict, or, for one class against several, `not` that class.
fn wrong_default(file: &RulesFile, table: &Table) -> Option<String> {
    let Some(target) = table.column(&file.decision.target) else {
        return Some(format!("the data has no column `{}`", file.decision.target));
    };
    let spelled = |row: usize| match target {
        Column::Number(values) => (!values[row].is_nan()).then(|| values[row].to_string()),
        Column::Category(text) => text.text(row).map(str::to_owned),
    };
    let mut others: HashSet<String> = (0..table.n_rows()).filter_map(spelled).collect();
    file.decision.classes.iter().for_each(|class| {
        others.remove(&class.positive);
    });
    let mut others = others.into_iter();
    let expected = match (others.next(), others.next(), file.decision.classes.as_slice()) {
        (Some(only), None, _) => only,
        (Some(_), Some(_), [class]) => format!("not {}", class.positive),
        _ => return Some("the classes leave no value of the target to be predicted otherwise".to_owned()),
    };
    (file.decision.default != expected)
        .then(|| format!("otherwise `{}` is predicted, and it should be `{expected}`", file.decision.default))
}

/// Checks a count.
#[must_use]
pub fn count(certificate: &CountCertificate, table: &Table, watch: &dyn Watch) -> Verdict {
    said(counted(certificate, table, watch))
}

fn said(result: Result<String, Stop>) -> Verdict {
    match result {
        Ok(text) => Verdict::Proven(text),
        Err(Stop::False(text)) => Verdict::Refuted(text),
        Err(Stop::Time) => Verdict::Unproven(
            "data, rules and objective are as claimed; the bound was not proven again in the given time"
                .to_owned(),
        ),
    }
}

/// The instance as read again.
struct Again {
    label: RowSet,
    weights: Vec<u32>,
    columns: Vec<RowSet>,
    /// Groups of rows that the same candidates cover: weights of negatives and positives.
    groups: Vec<[i128; 2]>,
    /// The groups that each candidate covers.
    covers: Vec<Vec<u64>>,
    /// Costs of false positives and false negatives, times the denominator of λ; what a rule costs in the same unit.
    cost: [i128; 2],
    price: i128,
    /// The denominator of λ times the total weight: objectives are whole numbers over it.
    unit: i128,
}

/// Numbers of the file that no check can compute with.
fn too_long() -> Stop {
    Stop::False("its numbers can't be computed with exactly".to_owned())
}

fn again(universe: &Universe, table: &Table) -> Result<Again, Stop> {
    let column = |name: &str| {
        let found = table.column(name);
        found.ok_or_else(|| Stop::False(format!("the data has no column `{name}`")))
    };
    must(table.n_rows() as u64 == universe.rows, || {
        format!("the data has {} rows, the certificate {}", table.n_rows(), universe.rows)
    })?;
    let target = column(&universe.target)?;
    let label = rows_equal(target, &universe.positive);
    let is_missing = |row: usize| match target {
        Column::Number(values) => values[row].is_nan(),
        Column::Category(text) => text.text(row).is_none(),
    };
    let mut weights = vec![1_u32; table.n_rows()];
    if let Some(name) = &universe.weights {
        let Column::Number(values) = column(name)? else {
            return Err(Stop::False(format!("the weights in `{name}` are no numbers")));
        };
        for (weight, &value) in weights.iter_mut().zip(values) {
            must(value >= 0.0 && value.fract() == 0.0 && value <= f64::from(u32::MAX), || {
                format!("`{name}` holds a weight {value}")
            })?;
            *weight = value as u32;
        }
    }
    (0..weights.len()).filter(|&row| is_missing(row)).for_each(|row| weights[row] = 0);
    let mut columns = Vec::new();
    for rule in &universe.candidates {
        let mut rows = RowSet::full(table.n_rows());
        for literal in &rule.conditions {
            let found =
                literal.rows(column(&literal.column)?).map_err(|error| Stop::False(error.to_string()))?;
            rows = rows.and(&found);
        }
        columns.push(rows);
    }
    let weigh = |rows: &RowSet| rows.iter().map(|row| u64::from(weights[row])).sum::<u64>();
    let totals = [weights.iter().map(|&w| u64::from(w)).sum(), weigh(&label)];
    must(totals == universe.weight, || {
        format!("the data weighs {totals:?}, the certificate says {:?}", universe.weight)
    })?;
    for (rule, (rows, claimed)) in columns.iter().zip(&universe.supports).enumerate() {
        let found = [weigh(rows), weigh(&rows.and(&label))];
        must(found == *claimed, || {
            format!("candidate {rule} covers {found:?}, the certificate says {claimed:?}")
        })?;
    }
    must(columns.len() == universe.supports.len(), || "not every candidate has its support".to_owned())?;
    must(instance_hash(&label, &weights, &columns) == universe.hash, || {
        "the hash of the instance differs: other data, or other candidates".to_owned()
    })?;

    let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut groups: Vec<[i128; 2]> = Vec::new();
    let words = columns.len().div_ceil(64).max(1);
    for row in 0..table.n_rows() {
        let mut pattern = vec![0_u64; words];
        for (rule, rows) in columns.iter().enumerate() {
            pattern[rule / 64] |= u64::from(rows.contains(row)) << (rule % 64);
        }
        let n = groups.len();
        let group = *known.entry(pattern).or_insert(n);
        if group == n {
            groups.push([0, 0]);
        }
        groups[group][usize::from(label.contains(row))] += i128::from(weights[row]);
    }
    let mut covers = vec![vec![0_u64; groups.len().div_ceil(64)]; columns.len()];
    let mut patterns: Vec<(&Vec<u64>, &usize)> = known.iter().collect();
    patterns.sort();
    for (pattern, &group) in patterns {
        for (rule, cover) in covers.iter_mut().enumerate() {
            cover[group / 64] |= (pattern[rule / 64] >> (rule % 64) & 1) << (group % 64);
        }
    }
    let lambda = universe.objective.lambda;
    let scale = lambda.denominator();
    let total = i128::from(totals[0]);
    let times = |a: i128, b: i128| a.checked_mul(b).ok_or_else(too_long);
    let cost = [
        times(universe.objective.false_positive.into(), scale)?,
        times(universe.objective.false_negative.into(), scale)?,
    ];
    let (price, unit) = (times(lambda.numerator(), total)?, times(scale, total)?);
    // The largest sum that any set makes, with room for one rule more: what fits here fits everywhere below.
    let errors = times(cost[0], total)?.checked_add(times(cost[1], total)?).ok_or_else(too_long)?;
    times(price, columns.len() as i128 + 2)?.checked_add(errors).ok_or_else(too_long)?;
    Ok(Again { label, weights, columns, groups, covers, cost, price, unit })
}

impl Again {
    /// The largest integer objective that is at most the fraction.
    fn most(&self, bound: Ratio) -> Result<i128, Stop> {
        let scaled = Ratio::new(self.unit, 1).and_then(|unit| bound.times(unit).ok());
        scaled.map(Ratio::floor).ok_or_else(too_long)
    }

    /// Visits every set whose integer objective is at most `most`: its rules and its objective.
    fn visit(&self, most: i128, max_size: usize, watch: &dyn Watch, each: &mut Each<'_>) -> Result<(), Stop> {
        let open: i128 = self.groups.iter().map(|group| group[1]).sum::<i128>() * self.cost[1];
        if open <= most {
            each(&[], open)?;
        }
        let uncovered = vec![u64::MAX; self.groups.len().div_ceil(64)];
        let lost = self.groups.iter().map(|group| self.unavoidable(*group)).sum();
        let mut patience = 0_u32;
        self.extend(&mut Vec::new(), &uncovered, [0, open, lost], most, max_size, &mut |rules, value| {
            patience += 1;
            if patience.is_multiple_of(4096) && watch.should_stop() {
                return Err(Stop::Time);
            }
            value.map_or(Ok(()), |value| each(rules, value))
        })
    }

    /// What a group of rows costs at least that no rule can tell apart.
    fn unavoidable(&self, group: [i128; 2]) -> i128 {
        (group[0] * self.cost[0]).min(group[1] * self.cost[1])
    }

    /// `paid`: what false positives cost so far, what false negatives would cost now, and what the rows that are not
    /// covered cost at least.
    fn extend(
        &self,
        chosen: &mut Vec<u32>,
        uncovered: &[u64],
        paid: [i128; 3],
        most: i128,
        max_size: usize,
        each: &mut Step<'_>,
    ) -> Result<(), Stop> {
        let first = chosen.last().map_or(0, |&last| last as usize + 1);
        let price = self.price * (chosen.len() as i128 + 1);
        for rule in first..self.covers.len() {
            let own = &self.covers[rule];
            let mut new = [0, 0, 0];
            for (word, (open, own)) in uncovered.iter().zip(own).enumerate() {
                let mut rest = open & own;
                while rest != 0 {
                    let group = self.groups[word * 64 + rest.trailing_zeros() as usize];
                    new = [new[0] + group[0], new[1] + group[1], new[2] + self.unavoidable(group)];
                    rest &= rest - 1;
                }
            }
            let now = [paid[0] + new[0] * self.cost[0], paid[1] - new[1] * self.cost[1], paid[2] - new[2]];
            chosen.push(rule as u32);
            let value = now[0] + now[1] + price;
            each(chosen, (value <= most && chosen.len() <= max_size).then_some(value))?;
            if now[0] + now[2] + price + self.price <= most && chosen.len() < max_size {
                let left: Vec<u64> = uncovered.iter().zip(own).map(|(open, own)| open & !own).collect();
                self.extend(chosen, &left, now, most, max_size, each)?;
            }
            chosen.pop();
        }
        Ok(())
    }

    fn covered(&self, rules: &[u32]) -> RowSet {
        rules
            .iter()
            .fold(RowSet::empty(self.label.n_rows()), |all, &rule| all.or(&self.columns[rule as usize]))
    }
}

fn optimum(certificate: &Certificate, table: &Table, watch: &dyn Watch) -> Result<String, Stop> {
    let Certificate { universe, conditions, chosen, .. } = certificate;
    let again = again(universe, table)?;
    let in_order = chosen.windows(2).all(|pair| pair[0] < pair[1])
        && chosen.iter().all(|&rule| (rule as usize) < again.columns.len());
    must(in_order, || "the chosen rules are no rising list of candidates".to_owned())?;
    let covered = again.covered(chosen);
    let weigh = |rows: RowSet| rows.iter().map(|row| u64::from(again.weights[row])).sum::<u64>();
    let errors = [weigh(covered.minus(&again.label)), weigh(again.label.minus(&covered))];
    must(errors == certificate.errors, || {
        format!(
            "the rules make {errors:?} false positives and negatives, the certificate says {:?}",
            certificate.errors
        )
    })?;
    let cost = i128::from(errors[0]) * again.cost[0]
        + i128::from(errors[1]) * again.cost[1]
        + again.price * chosen.len() as i128;
    let value = Ratio::new(cost, again.unit);
    must(value == Some(certificate.objective), || {
        format!(
            "the objective is {}, the certificate says {}",
            value.map_or("?".to_owned(), |value| value.to_string()),
            certificate.objective
        )
    })?;
    must(certificate.lower_bound <= certificate.objective, || {
        "the lower bound is above the objective".to_owned()
    })?;
    must(certificate.is_proven() == certificate.n_optimal.is_some(), || {
        "a proven optimum says how many are as good, and no other does".to_owned()
    })?;
    let conditions_of = |rule: u32| universe.candidates[rule as usize].conditions.len() as u64;
    let uses = |rule: u32, column: &str| {
        universe.candidates[rule as usize].conditions.iter().any(|literal| literal.column == column)
    };
    let allowed = |rules: &[u32]| {
        conditions
            .max_total_conditions
            .is_none_or(|most| rules.iter().map(|&rule| conditions_of(rule)).sum::<u64>() <= most)
            && conditions.required.iter().all(|column| rules.iter().any(|&rule| uses(rule, column)))
            && conditions.max_size.is_none_or(|most| rules.len() as u64 <= most)
            && !(conditions.not_empty && rules.is_empty())
    };
    must(allowed(chosen), || "the rules break their own constraints".to_owned())?;

    let below = again.most(certificate.lower_bound)?;
    let is_whole = Ratio::new(below, again.unit) == Some(certificate.lower_bound);
    // Nothing below the bound; and where it is reached, as many as claimed.
    let most = if certificate.n_optimal.is_some() || !is_whole { below } else { below.saturating_sub(1) };
    let max_size = conditions.max_size.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let mut ties = 0_u64;
    again.visit(most, max_size, watch, &mut |rules, value| {
        if allowed(rules) {
            must(value >= cost || certificate.n_optimal.is_none() && value > most, || {
                format!("the rules {rules:?} are better than the bound")
            })?;
            ties += u64::from(value == cost);
        }
        Ok(())
    })?;
    if let Some(claimed) = certificate.n_optimal {
        must(ties == claimed, || format!("{ties} sets are optimal, the certificate says {claimed}"))?;
        return Ok(format!(
            "no rule set has an objective below {}; sets that reach it: {ties}",
            certificate.objective
        ));
    }
    Ok(format!(
        "no rule set has an objective below {}; the set itself has {}",
        certificate.lower_bound, certificate.objective
    ))
}

fn counted(certificate: &CountCertificate, table: &Table, watch: &dyn Watch) -> Result<String, Stop> {
    let CountCertificate { universe, within, .. } = certificate;
    let again = again(universe, table)?;
    let most = again.most(within.theta)?;
    let first_of_kind: Vec<bool> =
        (0..again.columns.len()).map(|rule| !again.columns[..rule].contains(&again.columns[rule])).collect();
    let name = within.identity.name();
    let mut by_size: Vec<BigUint> = Vec::new();
    let mut least: HashMap<RowSet, usize> = HashMap::new();
    let mut seen: HashSet<Vec<u32>> = HashSet::new();
    again.visit(most, within.max_size.unwrap_or(usize::MAX), watch, &mut |rules, _| {
        let is_empty = rules.is_empty();
        let distinct = name == "subset" || rules.iter().all(|&rule| first_of_kind[rule as usize]);
        if is_empty && !within.include_empty || !distinct {
            return Ok(());
        }
        if name == "predictions" {
            let size = least.entry(again.covered(rules)).or_insert(rules.len());
            *size = (*size).min(rules.len());
            return Ok(());
        }
        let is_needed = |rule: &u32| {
            let others: Vec<u32> = rules.iter().copied().filter(|other| other != rule).collect();
            !again.columns[*rule as usize].minus(&again.covered(&others)).is_empty()
        };
        if name != "irredundant" || rules.iter().all(is_needed) {
            by_size.resize(by_size.len().max(rules.len() + 1), BigUint::ZERO);
            by_size[rules.len()] += 1_u32;
            // Each once, by construction; said aloud where it is cheap.
            must(seen.len() > 1000 || seen.insert(rules.to_vec()), || "a set came twice".to_owned())?;
        }
        Ok(())
    })?;
    let mut sizes: Vec<usize> = least.into_values().collect();
    sizes.sort_unstable();
    for size in sizes {
        by_size.resize(by_size.len().max(size + 1), BigUint::ZERO);
        by_size[size] += 1_u32;
    }
    let total: BigUint = by_size.iter().sum();
    must(total == certificate.count, || {
        format!("{total} sets are within, the certificate says {}", certificate.count)
    })?;
    must(by_size == certificate.by_size, || {
        format!("by size there are {by_size:?}, the certificate says {:?}", certificate.by_size)
    })?;
    Ok(format!("{total} rule sets have an objective of at most {}", within.theta))
}
