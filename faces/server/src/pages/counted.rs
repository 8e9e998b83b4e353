//! What does a certified count claim, and does it hold? How many rule sets are within a bound, counted again from the data by other code.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use pellucid::data::Table;
use pellucid::explain::Watch as _;
use pellucid::learn::certificate::verify::{self, Verdict};
use pellucid::learn::certificate::{CountCertificate, Universe};
use pellucid::views::number::{count, digits, pretty};
use serde_json::json;

use super::global::finite;
use super::named;
use super::rules::{Limited, seconds};
use crate::address::Address;
use crate::failure::Failure;
use crate::memo::Found;
use crate::opened::{Thing, What};
use crate::workbench::{Answer, Workbench, pick};

/// Columns that candidates speak of, at most so many are named.
const MOST_COLUMNS: usize = 200;

/// What the navigation says of it.
pub(crate) fn facts(certificate: &CountCertificate) -> Vec<(&'static str, String)> {
    let universe = &certificate.universe;
    vec![
        ("rule sets", digits(&certificate.count.to_string())),
        ("objective at most", certificate.within.theta.to_string()),
        ("of", format!("{} = {}", universe.target, universe.positive)),
        ("candidate rules", count(universe.candidates.len())),
    ]
}

fn chosen<'w>(
    workbench: &'w Workbench,
    address: &Address,
) -> Result<(&'w Thing, &'w Arc<CountCertificate>), Failure> {
    let all = workbench.things.iter().filter_map(|thing| match &thing.what {
        What::Count(certificate) => Some((thing, certificate)),
        _ => None,
    });
    pick(all, address.one("count")?, "certified count", |of| &of.0.id)
}

/// The first count that was opened, which the page of good sets shows.
pub(super) fn start(workbench: &Workbench) -> Option<(&'static str, String)> {
    chosen(workbench, &Address::of("", &[])).ok().map(|(thing, _)| ("count", thing.id.clone()))
}

/// What a search asks that looks for the same sets as the first count: its bound, its price of a rule, its target, and as many candidate rules,
/// as long as they are there. How they were made, the file does not keep.
pub(super) fn question(workbench: &Workbench) -> Vec<(&'static str, String)> {
    let Ok((_, certificate)) = chosen(workbench, &Address::of("", &[])) else { return Vec::new() };
    let (universe, within) = (&certificate.universe, &certificate.within);
    let (fp, fnn) = (universe.objective.false_positive, universe.objective.false_negative);
    let mut all = vec![
        ("theta", within.theta.to_string()),
        ("lambda", universe.objective.lambda.to_string()),
        ("target", universe.target.clone()),
        ("positive", universe.positive.clone()),
    ];
    all.extend((fp != fnn).then(|| ("cost", format!("{fp}:{fnn}"))));
    all.extend((within.identity.name() != "subset").then(|| ("identity", within.identity.name().to_owned())));
    all.extend(within.max_size.map(|most| ("max_size", most.to_string())));
    all.extend((!within.include_empty).then(|| ("exclude_empty", "1".to_owned())));
    all.extend(universe.weights.clone().map(|column| ("weights", column)));
    let longest = universe.candidates.iter().map(|rule| rule.conditions.len()).max().unwrap_or_default();
    for (name, n, most) in [("max_rules", universe.candidates.len(), 65_536), ("max_conditions", longest, 64)]
    {
        all.extend((1..=most).contains(&n).then(|| (name, n.to_string())));
    }
    all
}

/// The first table that may be the one that the first count is of.
pub(super) fn table_of(workbench: &Workbench) -> Option<&Thing> {
    let universe = &chosen(workbench, &Address::of("", &[])).ok()?.1.universe;
    workbench.things.iter().find(|thing| {
        let What::Table { columns, n_rows, .. } = &thing.what else { return false };
        columns.contains(&universe.target) && n_rows.is_none_or(|n| n == universe.rows)
    })
}

/// What is claimed, and of what.
pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&["count"])?;
    let (thing, certificate) = chosen(workbench, address)?;
    let (universe, within) = (&certificate.universe, &certificate.within);
    let value =
        |ratio: pellucid::data::Ratio| json!({"text": ratio.to_string(), "value": finite(ratio.value())});
    let sizes = certificate
        .by_size
        .iter()
        .enumerate()
        .filter(|(_, sets)| **sets != num_bigint::BigUint::ZERO)
        .map(|(size, sets)| json!({"size": size, "sets": sets.to_string(), "shown": digits(&sets.to_string())}));
    let mut columns: BTreeMap<&str, usize> = BTreeMap::new();
    let mut conditions: Vec<String> = Vec::new();
    for rule in &universe.candidates {
        let mut own: Vec<&str> = rule.conditions.iter().map(|condition| condition.column.as_str()).collect();
        own.sort_unstable();
        own.dedup();
        own.into_iter().for_each(|column| *columns.entry(column).or_default() += 1);
        conditions.extend(rule.conditions.iter().map(ToString::to_string));
    }
    conditions.sort_unstable();
    conditions.dedup();
    let mut columns: Vec<(&str, usize)> = columns.into_iter().collect();
    columns.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let (sets, have) =
        if certificate.count == 1_u32.into() { ("rule set", "has") } else { ("rule sets", "have") };
    let sentence = format!(
        "Exactly {} {sets} for {} = {} {have} an objective of at most {} ({}).",
        digits(&certificate.count.to_string()),
        universe.target,
        universe.positive,
        within.theta,
        pretty(within.theta.value(), 5)
    );
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.count/1", "count_file": thing.id, "title": thing.title, "sentence": sentence,
        "count": certificate.count.to_string(), "count_shown": digits(&certificate.count.to_string()), "by_size": sizes.collect::<Vec<_>>(),
        "theta": value(within.theta), "lambda": value(universe.objective.lambda), "costs": [universe.objective.false_positive, universe.objective.false_negative],
        "identity": within.identity.name(), "max_size": within.max_size, "includes_empty": within.include_empty,
        "target": universe.target, "positive": universe.positive, "weights": universe.weights, "rows": universe.rows, "weight": universe.weight,
        "candidates": universe.candidates.len(), "conditions": conditions.len(),
        "columns": columns.iter().take(MOST_COLUMNS).map(|(name, rules)| json!({"name": name, "rules": rules})).collect::<Vec<_>>(), "hash": universe.hash,
        "command": format!("pellucid inspect {}", named(&thing.source).0), "python": null, "notes": [],
    })))
}

/// Whether it holds for a table that is open: everything is read, hashed and counted again.
pub(super) fn verified(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&["count", "data", "seconds"])?;
    let (thing, certificate) = chosen(workbench, address)?;
    let limit = seconds(address)?;
    let data = workbench.table(address)?;
    let table = match workbench.whole(address)? {
        Found::Ready(table) => table,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let key = format!("count {}", address.canonical());
    let command = format!(
        "pellucid rules verify {} {}{} --time-limit {}",
        named(&thing.source).0,
        named(&data.source).0,
        workbench.spelled(data).words,
        limit.as_secs()
    );
    if let Some(reason) = other_table(&certificate.universe, &table) {
        return Ok(Answer::Ready(json!({
            "schema": "pellucid.workbench.count_verify/1", "verdict": "other", "reason": reason, "seconds": null, "limit": limit.as_secs(),
            "command": command, "python": null, "notes": [],
        })));
    }
    let (certificate, title) = (Arc::clone(certificate), format!("Counting again for {}", thing.title));
    let found = workbench.verified.get(&workbench.jobs, &key, &title, move |job| {
        let start = Instant::now();
        let verdict = verify::count(&certificate, &table, &Limited { job, until: start + limit });
        if job.should_stop() {
            return Err(Failure::cancelled());
        }
        let (word, reason) = match &verdict {
            Verdict::Proven(text) => ("proven", text),
            Verdict::Refuted(text) => ("refuted", text),
            Verdict::Unproven(text) => ("unproven", text),
        };
        Ok(json!({
            "schema": "pellucid.workbench.count_verify/1", "verdict": word, "reason": reason, "seconds": start.elapsed().as_secs_f64(),
            "limit": limit.as_secs(), "command": command, "python": null, "notes": [],
        }))
    })?;
    Ok(match found {
        Found::Ready(value) => Answer::Ready(value.as_ref().clone()),
        Found::Working(job) => Answer::Working(job),
    })
}

/// Why a table is not the one that was counted on, if that can be seen at once. (A changed value is found when it is counted again.)
fn other_table(universe: &Universe, table: &Table) -> Option<String> {
    let columns =
        universe.candidates.iter().flat_map(|rule| &rule.conditions).map(|condition| &condition.column);
    if let Some(name) = columns.chain([&universe.target]).find(|name| table.schema().position(name).is_none())
    {
        return Some(format!("The table has no column `{name}`, which the count is of."));
    }
    let (n, rows) = (table.n_rows() as u64, universe.rows);
    (n != rows).then(|| {
        format!(
            "The table has {} rows, and the count is of {}.",
            digits(&n.to_string()),
            digits(&rows.to_string())
        )
    })
}

/// All counts; checking them is live only.
pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let counts = workbench.things.iter().filter(|thing| matches!(thing.what, What::Count(_)));
    Ok(counts.map(|thing| Address::of("/api/count", &[("count", &thing.id)])).collect())
}
