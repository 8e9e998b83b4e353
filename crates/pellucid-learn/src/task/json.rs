//! How does an answer about a Rashomon set stand in JSON? The same from every face; fractions are `"p/q"`, counts are digits.

use num_bigint::BigUint;
use pellucid_data::Ratio;
use serde_json::{Map, Value, json};

use super::{Explored, Studied};
use crate::rashomon::study::Fairness;
use crate::rashomon::{Counted, Estimate, Member};

/// Objectives that an answer lists, at most.
const MOST_LEVELS: usize = 10_000;

/// One set.
#[must_use]
pub fn member_to_json(member: &Member, about: &Explored) -> Value {
    json!({
        "objective": member.objective.to_string(),
        "errors": member.errors,
        "size": member.rules.len(),
        "ids": member.rules,
        "rules": about.task.spelled(&member.rules),
    })
}

/// A count; `best` is the best objective that is known.
#[must_use]
pub fn count_to_json(about: &Explored, found: &Counted, best: Option<Ratio>) -> Value {
    let by_size = found.by_size.iter().enumerate().filter(|(_, sets)| **sets != BigUint::ZERO);
    let sizes: Map<String, Value> =
        by_size.map(|(size, sets)| (size.to_string(), sets.to_string().into())).collect();
    let [features, rules] = about.uses(found);
    let map = |all: Vec<(String, BigUint)>| {
        all.into_iter().map(|(name, sets)| json!({"name": name, "sets": sets.to_string()})).collect::<Value>()
    };
    let levels = found.by_objective();
    let listed = levels.len() <= MOST_LEVELS;
    let mut body = json!({
        "count": found.count.to_string(),
        "exact": found.is_exact(),
        "by_size": sizes,
        "best": best.map(|best| best.to_string()),
        "theta": about.within.theta.to_string(),
        "lambda": about.task.objective.lambda.to_string(),
        "identity": about.within.identity.name(),
        "include_empty": about.within.include_empty,
        "candidates": about.task.rules.len(),
        "positive": about.task.positive,
        "by_feature": map(features),
        "by_rule": map(rules),
        "by_objective": listed.then(|| levels.iter().map(|(value, sets)| json!([value.to_string(), sets.to_string()])).collect::<Value>()),
        "nodes": found.nodes,
        "warnings": about.task.warnings,
    });
    if let Some(most) = &found.at_most {
        body["interval"] = json!([found.count.to_string(), most.to_string()]);
    }
    body
}

/// What is certain of an estimate.
#[must_use]
pub fn guarantee(estimate: &Estimate) -> String {
    if estimate.exact {
        return "exact: there are so few that all were counted".to_owned();
    }
    format!(
        "estimated: within a factor of {} of the number, with a probability of at least {}",
        1.0 + estimate.epsilon,
        1.0 - estimate.delta
    )
}

/// An estimate with its guarantee.
#[must_use]
pub fn estimate_to_json(about: &Explored, estimate: &Estimate) -> Value {
    let Estimate { count, epsilon, delta, .. } = estimate;
    json!({
        "count": count.to_string(), "exact": estimate.exact, "method": "ApproxMC", "guarantee": guarantee(estimate), "epsilon": epsilon, "delta": delta,
        "thresh": estimate.thresh, "cells": estimate.cells, "failures": estimate.failures, "seed": estimate.seed,
        "theta": about.within.theta.to_string(), "lambda": about.task.objective.lambda.to_string(), "identity": about.within.identity.name(),
        "include_empty": about.within.include_empty, "candidates": about.task.rules.len(),
    })
}

/// A study; `bootstrap` is how many drawings were asked for.
#[must_use]
pub fn study_to_json(about: &Explored, studied: &Studied, bootstrap: usize) -> Value {
    let found = &studied.findings;
    let member = |member: &Member| json!({"objective": member.objective.to_string(), "rules": about.task.spelled(&member.rules), "ids": member.rules});
    let reliance = |(at, name): &(usize, String)| {
        let one = &found.reliance[*at];
        let mut out = json!({"feature": name, "low": one.low, "high": one.high, "best": one.best, "median": one.median});
        if let Some((all, _)) = &studied.distributions {
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
        "count": studied.count.to_string(),
        "members": found.members,
        "exact": studied.exact,
        "theta": about.within.theta.to_string(),
        "lambda": about.task.objective.lambda.to_string(),
        "best": member(&studied.best),
        "reliance": studied.features.iter().map(reliance).collect::<Value>(),
        "bootstrap_asked": bootstrap,
        "bootstrap_drawings": studied.distributions.as_ref().map(|(_, drawings)| drawings.done),
        "bootstrap_limited": studied.distributions.as_ref().map(|(_, drawings)| drawings.limited),
        "median_of": found.median_of,
        "cloud": found.some.iter().map(|looked| {
            let of_features: Vec<f32> = studied.features.iter().map(|(at, _)| looked.reliance[*at]).collect();
            json!({"objective": looked.member.objective.value(), "error": looked.error, "reliance": of_features, "fairness": looked.fairness})
        }).collect::<Value>(),
        "ambiguity": exact(found.ambiguity),
        "discrepancy": exact(found.discrepancy),
        "distinct_predictions": found.distinct_predictions,
        "distinct_is_exact": studied.exact && found.distinct_is_exact,
        "disputed_rows": disputed.map(|(row, share)| json!([row, share])).collect::<Value>(),
        "fairness": fairness.collect::<Value>(),
        "short_list": studied.choices.iter().map(|choice| json!({"set": member(&choice.member), "differs_on": choice.differs_on})).collect::<Value>(),
        "together": {"rules": about.task.spelled(&found.together.0), "sets": found.together.1},
    })
}

/// What a difference between groups is between.
#[must_use]
pub fn compared(fairness: &Fairness) -> String {
    match fairness.groups.as_slice() {
        [first, second] => format!("{}, {second} − {first}", fairness.metric.name()),
        groups => format!("{}, largest − smallest of {} groups", fairness.metric.name(), groups.len()),
    }
}
