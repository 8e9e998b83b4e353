//! What is known of all trees at a glance, and which features do they ask for?

use pellucid_data::FeatureId;
use pellucid_models::trees::{Ensemble, Feature, Node};

use super::{adds_to, range};

/// What is known of a tree at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeFacts {
    /// Its number.
    pub tree: usize,
    /// Splits on its longest path.
    pub depth: usize,
    /// Its leaves.
    pub leaves: usize,
    /// The lowest and the highest leaf.
    pub range: [f64; 2],
    /// Features by how many splits ask for them, the first-asked before others.
    pub features: Vec<(String, usize)>,
}

/// The facts of a tree, as an output sees it.
#[must_use]
pub fn facts(model: &Ensemble, at: usize, output: usize) -> Option<TreeFacts> {
    let tree = model.trees.get(at)?;
    let mut features: Vec<(FeatureId, usize)> = Vec::new();
    for node in tree.nodes() {
        let Node::Split(split) = node else { continue };
        match features.iter_mut().find(|own| own.0 == split.feature) {
            Some(own) => own.1 += 1,
            None => features.push((split.feature, 1)),
        }
    }
    features.sort_by_key(|own| std::cmp::Reverse(own.1));
    let name = |id: FeatureId| {
        model.features.get(id.index()).map_or_else(String::new, |feature| feature.name.clone())
    };
    let features = features.into_iter().map(|(id, n)| (name(id), n)).collect();
    Some(TreeFacts {
        tree: at,
        depth: tree.depth(),
        leaves: tree.n_leaves(),
        range: range(tree, output),
        features,
    })
}

/// How much the trees of an output ask for a feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureUse {
    /// The feature.
    pub name: String,
    /// Splits that ask for it.
    pub splits: usize,
    /// Trees that ask for it.
    pub trees: usize,
    /// Trees whose root asks for it.
    pub first: usize,
    /// How often a training row is asked for it, in all trees together, on average by training weight; nothing where the file does not say.
    pub met: Option<f64>,
}

/// Features by how often they are asked for, those that never are last.
#[must_use]
pub fn uses(model: &Ensemble, output: usize) -> Vec<FeatureUse> {
    let blank = |feature: &Feature| FeatureUse {
        name: feature.name.clone(),
        splits: 0,
        trees: 0,
        first: 0,
        met: model.has_covers.then_some(0.0),
    };
    let mut uses: Vec<FeatureUse> = model.features.iter().map(blank).collect();
    // The tree that was counted last for each feature.
    let mut last = vec![usize::MAX; uses.len()];
    for (number, tree) in model.trees.iter().enumerate().filter(|(_, tree)| adds_to(tree, output)) {
        let whole = tree.covers().first().copied().unwrap_or(0.0);
        for (at, node) in tree.nodes().iter().enumerate() {
            let Node::Split(split) = node else { continue };
            let feature = split.feature.index();
            let Some((own, last)) = uses.get_mut(feature).zip(last.get_mut(feature)) else { continue };
            own.splits += 1;
            own.first += usize::from(at == 0);
            own.trees += usize::from(std::mem::replace(last, number) != number);
            if let Some(met) = own.met.as_mut().filter(|_| whole > 0.0) {
                *met += tree.covers()[at] / whole;
            }
        }
    }
    uses.sort_by(|a, b| b.splits.cmp(&a.splits).then(b.met.unwrap_or(0.0).total_cmp(&a.met.unwrap_or(0.0))));
    uses
}
