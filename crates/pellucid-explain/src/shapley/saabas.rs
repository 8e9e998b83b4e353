//! What did each split of a row's own way change? Saabas values: quick, additive, and no Shapley values.
//!
//! Along the row's path in each tree the feature of every split gets the difference of the expected answers of child and parent
//! (Saabas 2014, "Interpreting random forests"; `approximate=True` of shap, `approx_contribs` of XGBoost). Splits near the root get too
//! little: a model that relies more on a feature may give it less (Lundberg et al. 2020, "inconsistency").

use pellucid_data::NodeId;
use pellucid_models::trees::{Ensemble, FeatureMatrix, Node, Side, Tree};

use super::Game;
use super::workers::explain_rows;
use crate::{Attributions, Control, Kind, Stopped};

/// Saabas values of every row and output.
pub(super) fn saabas(
    model: &Ensemble,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<Attributions, Stopped> {
    let n_features = model.features.len();
    let expected: Vec<Expectations> = model.trees.iter().map(Expectations::new).collect();
    let game = (Game::PathDependent.name(), model.expected_margins());
    let found = explain_rows(model, game, rows, control, |row, own| {
        for (tree, expected) in model.trees.iter().zip(&expected) {
            let mut at = NodeId(0);
            while let Node::Split(split) = &tree.nodes()[at.index()] {
                let next = split.child(split.side(rows.at(split.feature, row), tree.sets()));
                let place = |output: usize| output * n_features + split.feature.index();
                tree.target().each_output(expected.of(next), |output, value| own[place(output)] += value);
                tree.target().each_output(expected.of(at), |output, value| own[place(output)] -= value);
                at = next;
            }
        }
        Ok(())
    })?;
    Ok(found.of_kind(Kind::Saabas))
}

/// What a row that reaches a node is expected to get: node after node, as many values as a leaf has.
struct Expectations {
    width: usize,
    values: Vec<f64>,
}

impl Expectations {
    fn new(tree: &Tree) -> Self {
        let width = tree.leaf_values(0).len();
        let mut values = vec![0.0; tree.nodes().len() * width];
        // Children come after their parents.
        for (at, node) in tree.nodes().iter().enumerate().rev() {
            match node {
                Node::Leaf(leaf) => values[at * width..][..width].copy_from_slice(tree.leaf_values(*leaf)),
                Node::Split(split) => {
                    for side in [Side::Yes, Side::No] {
                        let (share, child) = (tree.share(split, side), split.child(side).index());
                        for value in 0..width {
                            values[at * width + value] += share * values[child * width + value];
                        }
                    }
                }
            }
        }
        Self { width, values }
    }

    fn of(&self, node: NodeId) -> &[f64] {
        &self.values[node.index() * self.width..][..self.width]
    }
}
