//! How is a tree told beside its picture? Ways through it, what all trees sum up to, and the command that draws it.

use pellucid::models::trees::{Ensemble, Node};
use pellucid::trees_shown::{LEVELS, Row, condition, library_margin, value_text, way_of, way_to};
use pellucid::views::number::percent;
use pellucid::views::tree::TreePicture;
use pellucid::views::tree_steps::TreeSteps;
use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::Failure;
use crate::opened::Thing;
use crate::pages::global::finite;
use crate::pages::named;
use crate::workbench::Workbench;

/// One question and its answer, told again.
pub(super) struct Told<'a> {
    pub(super) workbench: &'a Workbench,
    pub(super) address: &'a Address,
    pub(super) thing: &'a Thing,
    pub(super) model: &'a Ensemble,
    pub(super) tree: usize,
    pub(super) output: usize,
    pub(super) node: usize,
    pub(super) levels: usize,
    pub(super) row: Option<Row<'a>>,
}

impl Told<'_> {
    /// Every node of a way with its question and the answer that leads on.
    fn along(&self, way: &[usize], row: Option<Row<'_>>) -> Vec<Value> {
        let Some(tree) = self.model.trees.get(self.tree) else { return Vec::new() };
        let of = |(at, &node): (usize, &usize)| {
            let Some(Node::Split(split)) = tree.nodes().get(node) else { return None };
            let asks = condition(self.model, tree, split);
            let goes = way.get(at + 1).map(|&next| if split.yes.index() == next { "yes" } else { "no" });
            let feature = self.model.features.get(split.feature.index());
            let value = row.zip(feature).and_then(|(row, feature)| {
                row.values.get(split.feature.index()).map(|&x| value_text(feature, x))
            });
            Some(
                json!({"node": node, "asks": asks.exact, "short": format!("{} {}", asks.feature, asks.test), "missing": asks.missing, "value": value, "goes": goes}),
            )
        };
        way.iter().enumerate().filter_map(of).collect()
    }

    /// From the root to the node that is looked at; nothing at the root.
    pub(super) fn trail(&self) -> Vec<Value> {
        let Some(tree) = self.model.trees.get(self.tree).filter(|_| self.node > 0) else { return Vec::new() };
        self.along(&way_to(tree, self.node), None)
    }

    /// From the root to the leaf of the row.
    pub(super) fn way(&self, drawn: &TreePicture) -> Value {
        let Some((row, tree)) = self.row.zip(self.model.trees.get(self.tree)) else { return Value::Null };
        let way = way_of(tree, row);
        let share = way.last().filter(|_| self.model.has_covers).and_then(|&end| {
            let whole = tree.covers().first().copied().filter(|&whole| whole > 0.0)?;
            Some(percent(tree.covers().get(end)? / whole))
        });
        json!({"questions": self.along(&way, self.row), "leaf": way.last(), "adds": drawn.row.map(|row| finite(row.adds)), "share": share})
    }

    /// What the trees add up to.
    pub(super) fn sum(&self, steps: Option<&TreeSteps>) -> Value {
        let Some((row, steps)) = self.row.zip(steps) else { return Value::Null };
        let library = library_margin(self.model, self.output, row);
        let added = steps.adds.iter().fold(steps.base, |sum, tree| sum + tree.1);
        json!({
            "base": finite(steps.base), "margin": finite(steps.margin), "residual": finite((steps.margin - added).abs()),
            "library_margin": library.map(finite), "rounding": library.map(|library| finite((library - steps.margin).abs())),
        })
    }

    pub(super) fn command(&self) -> Result<String, Failure> {
        let mut command = format!("pellucid inspect {} --tree {}", named(&self.thing.source).0, self.tree);
        if self.model.base.len() > 1 {
            command += &format!(" --class {}", self.output);
        }
        if self.node > 0 {
            command += &format!(" --node {}", self.node);
        }
        if self.levels != LEVELS {
            command += &format!(" --depth {}", self.levels);
        }
        if let Some(row) = self.row {
            let table = self.workbench.table(self.address)?;
            let words = self.workbench.spelled(table).words;
            command += &format!(" --data {} --row {}{words}", named(&table.source).0, row.number);
        }
        Ok(command)
    }
}
