//! Which trees are listed, and what is known of each at a glance?

use pellucid::models::trees::Ensemble;
use pellucid::trees_shown::{TreeFacts, adds_to, facts};
use pellucid::views::number::count;
use pellucid::views::tree_steps::TreeSteps;
use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::{Code, Failure, hint};
use crate::pages::global::finite;

/// Trees of one list.
const LISTED: usize = 100;
/// Features that a tree is told to ask for.
const ASKED: usize = 3;
/// Orders of the list.
const ORDERS: [&str; 2] = ["number", "adds"];

/// Which trees are listed, in which order.
pub(super) struct List {
    pub(super) by: &'static str,
    pub(super) from: usize,
    /// All trees of the output with what each adds for the row, in this order of the model.
    pub(super) all: Vec<(usize, Option<f64>)>,
    shown: Vec<(usize, Option<f64>)>,
}

impl List {
    pub(super) fn read(
        address: &Address,
        model: &Ensemble,
        output: usize,
        steps: Option<&TreeSteps>,
    ) -> Result<Self, Failure> {
        let asked = address.one("by")?.unwrap_or("number");
        let by = ORDERS.into_iter().find(|order| *order == asked).ok_or_else(|| {
            Failure::usage(format!(
                "by={asked}: trees are listed by {}{}",
                ORDERS.join(" or "),
                hint(asked, ORDERS.into_iter())
            ))
        })?;
        if by == "adds" && steps.is_none() {
            return Err(Failure::usage(
                "by=adds: what a tree adds is known of a row; say data= and row= too",
            ));
        }
        let from = address.number::<usize>("from")?.unwrap_or(0);
        let all: Vec<(usize, Option<f64>)> = match steps {
            Some(steps) => steps.adds.iter().map(|&(tree, adds)| (tree, Some(adds))).collect(),
            None => {
                let own = model.trees.iter().enumerate().filter(|(_, tree)| adds_to(tree, output));
                own.map(|(tree, _)| (tree, None)).collect()
            }
        };
        if from >= all.len().max(1) {
            return Err(Failure::new(
                Code::NotFound,
                format!("from={from}: {} trees are listed, counted from 0", count(all.len())),
            ));
        }
        let mut order = all.clone();
        if by == "adds" {
            let size = |adds: Option<f64>| adds.map_or(0.0, f64::abs);
            order.sort_by(|a, b| size(b.1).total_cmp(&size(a.1)).then(a.0.cmp(&b.0)));
        }
        let shown = order.into_iter().skip(from).take(LISTED).collect();
        Ok(Self { by, from, all, shown })
    }

    pub(super) fn told(&self, model: &Ensemble, output: usize) -> Vec<Value> {
        let of = |&(tree, adds): &(usize, Option<f64>)| {
            let TreeFacts { depth, leaves, range, features, .. } = facts(model, tree, output)?;
            let features: Vec<Value> = features
                .iter()
                .take(ASKED)
                .map(|(name, splits)| json!({"name": name, "splits": splits}))
                .collect();
            Some(json!({
                "tree": tree, "depth": depth, "leaves": leaves, "low": finite(range[0]), "high": finite(range[1]), "features": features,
                "adds": adds.map(finite),
            }))
        };
        self.shown.iter().filter_map(of).collect()
    }
}
