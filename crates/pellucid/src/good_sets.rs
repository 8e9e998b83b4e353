//! How do the nearly best rule sets look, together? How many there are, what they use, and where they differ.

use num_bigint::BigUint;
use pellucid_learn::rashomon::Counted;
use pellucid_learn::rashomon::study::{Fairness, Looked};
use pellucid_learn::task::{Explored, Studied, compared};
use pellucid_views::disagreement::Disagreement;
use pellucid_views::fairness_scatter::{FairPoint, FairnessScatter};
use pellucid_views::importance_ranges::{ImportanceRanges, Reliance};
use pellucid_views::number::{digits, pretty};
use pellucid_views::rashomon_map::{MapCell, RashomonMap};
use pellucid_views::use_matrix::{UseMatrix, UseRow};

/// A part of a number of sets.
#[must_use]
pub fn share(part: &BigUint, all: &BigUint) -> f64 {
    // Shifted to 60 bits first, so that the quotient of doubles is exact enough for a percent.
    let shift = all.bits().saturating_sub(60);
    let float = |n: BigUint| n.to_u64_digits().first().copied().unwrap_or(0) as f64;
    float(part >> shift) / float(all >> shift).max(1.0)
}

/// How many there are, by size and loss.
#[must_use]
pub fn map(about: &Explored, found: &Counted) -> RashomonMap {
    let total = about.task.instance.total_weight() as f64;
    let best = found.by_level.iter().filter_map(|((size, errors), _)| {
        let value = about.task.objective.value(*errors, *size, about.task.instance.total_weight()).ok()?;
        Some((value, *size, *errors as f64 / total))
    });
    let cells = found.by_level.iter().map(|((size, errors), sets)| MapCell {
        size: *size,
        loss: *errors as f64 / total,
        count: sets.to_string().parse().unwrap_or(f64::MAX),
    });
    RashomonMap {
        title: format!(
            "{}{} have an objective of at most {}",
            if found.is_exact() { "" } else { "At least " },
            match digits(&found.count.to_string()).as_str() {
                "1" => "1 rule set".to_owned(),
                n => format!("{n} rule sets"),
            },
            pretty(about.within.theta.value(), 4)
        ),
        subtitle: format!(
            "{} · {} candidate rules · λ = {} · {}",
            about.task.options.target,
            about.task.rules.len(),
            about.task.objective.lambda,
            if found.is_exact() { "exact" } else { "stopped early" }
        ),
        cells: cells.collect(),
        total: found.count.to_string(),
        lambda: about.task.objective.lambda.value(),
        theta: about.within.theta.value(),
        best: best.min_by(|a, b| a.0.cmp(&b.0)).map(|(_, size, loss)| (size, loss)),
        exact: found.is_exact(),
        interval: found.at_most.as_ref().map(|most| [found.count.to_string(), most.to_string()]),
        is_certain: true,
    }
}

/// Which features and which rules they use, the most used first.
#[must_use]
pub fn uses(about: &Explored, found: &Counted) -> [UseMatrix; 2] {
    let [features, rules] = about.uses(found);
    let rows = |all: &[(String, BigUint)]| {
        all.iter()
            .map(|(name, sets)| UseRow {
                name: name.clone(),
                shares: Vec::new(),
                overall: share(sets, &found.count),
            })
            .collect()
    };
    let matrix = |title: &str, noun, all: &[(String, BigUint)]| UseMatrix {
        title: title.to_owned(),
        subtitle: format!(
            "share of {} rule sets · {}",
            digits(&found.count.to_string()),
            if found.is_exact() { "exact" } else { "stopped early: those found until then" }
        ),
        columns: Vec::new(),
        rows: rows(all),
        top: 20,
        noun,
    };
    [matrix("Features", ["feature", "features"], &features), matrix("Rules", ["rule", "rules"], &rules)]
}

/// What was found of members, as pictures.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The sets.
    pub about: &'a Explored,
    /// What was found of them.
    pub found: &'a Studied,
}

impl Told<'_> {
    /// What was looked at: `all 97 rule sets`.
    #[must_use]
    pub fn method(&self) -> String {
        if self.found.exact {
            return format!("all {} rule sets", digits(&self.found.count.to_string()));
        }
        format!(
            "{} rule sets drawn uniformly from {}",
            digits(&self.found.findings.members.to_string()),
            digits(&self.found.count.to_string())
        )
    }

    /// What stands before a number that can only be larger over all sets.
    #[must_use]
    pub fn at_least(&self) -> &'static str {
        if self.found.exact { "" } else { "at least " }
    }

    /// A share for people.
    #[must_use]
    pub fn percent([part, all]: [u64; 2]) -> String {
        format!("{} %", pretty(part as f64 * 100.0 / all.max(1) as f64, 3))
    }

    /// How much each feature is relied on, at least and at most.
    #[must_use]
    pub fn ranges(&self) -> ImportanceRanges {
        let of = |(at, name): &(usize, String)| {
            let reliance = &self.found.findings.reliance[*at];
            Reliance {
                name: name.clone(),
                low: reliance.low,
                high: reliance.high,
                best: reliance.best,
                median: Some(reliance.median),
            }
        };
        let whose = if self.found.exact { "every good rule set" } else { "every rule set that was drawn" };
        let needed =
            self.found.features.iter().filter(|(at, _)| self.found.findings.reliance[*at].low > 0.0).count();
        ImportanceRanges {
            title: match needed {
                0 => format!("No feature is needed by {whose}"),
                1 => format!("One feature is needed by {whose}"),
                n => format!("{n} features are needed by {whose}"),
            },
            subtitle: format!("model reliance over {}", self.method()),
            features: self.found.features.iter().map(of).collect(),
            unit: "growth of the share of errors when the feature is switched between rows".to_owned(),
            n_models: self.found.findings.members.to_string(),
            exact: self.found.exact,
            top: 20,
        }
    }

    /// On whom they disagree.
    #[must_use]
    pub fn disagreement(&self) -> Disagreement {
        let found = &self.found.findings;
        let weights = self.about.task.instance.weights();
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
                self.at_least(),
                Self::percent(found.ambiguity)
            ),
            subtitle: format!("share of sets that predict 1, by row · {}", self.method()),
            bins,
            all_zero,
            all_one,
            ambiguity: share(found.ambiguity),
            discrepancy: share(found.discrepancy),
        }
    }

    /// Which rules stand together.
    #[must_use]
    pub fn together(&self) -> UseMatrix {
        let (rules, pairs) = &self.found.findings.together;
        let names = self.about.task.spelled(rules);
        let row = |(at, name): (usize, &String)| UseRow {
            name: format!("{}. {name}", at + 1),
            shares: pairs[at]
                .iter()
                .enumerate()
                .map(|(other, &n)| {
                    (other != at && pairs[at][at] > 0).then(|| n as f64 / pairs[at][at] as f64)
                })
                .collect(),
            overall: pairs[at][at] as f64 / self.found.findings.members.max(1) as f64,
        };
        UseMatrix {
            title: "Which rules stand together?".to_owned(),
            subtitle: format!(
                "of the sets with the rule of the row, the share that also have the rule of the column · {}",
                self.method()
            ),
            columns: (1..=names.len()).map(|at| at.to_string()).collect(),
            rows: names.iter().enumerate().map(row).collect(),
            top: names.len(),
            noun: ["rule", "rules"],
        }
    }

    /// How differently they treat groups, one picture a measure.
    #[must_use]
    pub fn scatters(&self) -> Vec<FairnessScatter> {
        let found = &self.found.findings;
        let one = |(at, fairness): (usize, &Fairness)| -> Option<FairnessScatter> {
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
            Some(FairnessScatter {
                title: format!(
                    "{} ranges {}from {} to {}",
                    fairness.metric.name(),
                    self.at_least(),
                    pretty(low.value.value(), 3),
                    pretty(high.value.value(), 3)
                ),
                subtitle: self.method(),
                metric: compared(fairness),
                points,
                of: found.members as f64,
                low: low.value.value(),
                high: high.value.value(),
                exact: self.found.exact,
            })
        };
        found.fairness.iter().enumerate().filter_map(one).collect()
    }
}
