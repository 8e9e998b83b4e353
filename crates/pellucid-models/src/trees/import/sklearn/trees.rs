//! How do scikit-learn's arrays of nodes become trees? Trees of forests and of boosting, and those of histogram boosting.

use pellucid_data::OutputId;

use super::super::error::ImportError;
use super::super::npy::Array;
use super::super::skops::Object;
use super::super::{MAX_OUTPUTS, MAX_VALUES};
use crate::trees::node::{
    CategorySet, Missing, NegativeFraction, Side, SourceKind, SourceNode, Target, Test, Tree, TreeError,
};

/// What a node of `sklearn.tree._tree.Tree` is known to say.
const PLAIN_FIELDS: [&str; 8] = [
    "left_child",
    "right_child",
    "feature",
    "threshold",
    "impurity",
    "n_node_samples",
    "weighted_n_node_samples",
    "missing_go_to_left",
];

/// What a node of histogram boosting is known to say.
const HISTOGRAM_FIELDS: [&str; 13] = [
    "value",
    "count",
    "feature_idx",
    "num_threshold",
    "missing_go_to_left",
    "left",
    "right",
    "gain",
    "depth",
    "is_leaf",
    "bin_threshold",
    "is_categorical",
    "bitset_idx",
];

/// The sum of nodes so far, unless it is too large.
pub(super) fn within(n_values: usize) -> Result<usize, ImportError> {
    ImportError::within("nodes of all trees", n_values as i64, 0..=MAX_VALUES).map(|()| n_values)
}

/// The mean path of an unsuccessful search in a binary search tree of so many entries (Liu, Ting & Zhou 2008).
pub(super) fn average_path_length(n: f64) -> f64 {
    const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;
    if n <= 1.0 {
        0.0
    } else if n == 2.0 {
        1.0
    } else {
        2.0 * ((n - 1.0).ln() + EULER_GAMMA) - 2.0 * (n - 1.0) / n
    }
}

/// `sklearn.tree._tree.Tree`.
pub(super) struct PlainTree {
    at: usize,
    pub(super) n_targets: usize,
    left: Vec<i64>,
    right: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f64>,
    missing_left: Option<Vec<i64>>,
    n_samples: Vec<f64>,
    cover: Vec<f64>,
    /// Node after node.
    values: Vec<f64>,
}

impl PlainTree {
    /// Of an estimator, or of a tree itself.
    pub(super) fn read(at: usize, estimator: &Object<'_, '_>) -> Result<Self, ImportError> {
        let tree = estimator.attribute("tree_");
        let n_targets = tree.arguments()?.get(2).map_or(Ok(1), Object::count)?;
        let nodes = tree.attribute("nodes").array()?;
        let values = tree.attribute("values").array()?;
        let found = Self {
            at,
            n_targets,
            left: nodes.ints("left_child")?,
            right: nodes.ints("right_child")?,
            feature: nodes.ints("feature")?,
            threshold: nodes.numbers("threshold")?,
            missing_left: nodes.ints("missing_go_to_left").ok(),
            n_samples: nodes.numbers("n_node_samples")?,
            cover: nodes.numbers("weighted_n_node_samples")?,
            values: values.numbers("")?,
        };
        nodes.only(&PLAIN_FIELDS)?;
        let (n, n_values) = (found.n_nodes(), found.values.len());
        if n == 0 || n_values == 0 || n_values % n != 0 || found.width() as i64 > MAX_OUTPUTS {
            return Err(ImportError::Length {
                tree: at,
                field: "values".to_owned(),
                found: n_values,
                expected: n,
            });
        }
        Ok(found)
    }

    pub(super) fn n_nodes(&self) -> usize {
        self.left.len()
    }

    /// Values of a node.
    pub(super) fn width(&self) -> usize {
        self.values.len() / self.n_nodes().max(1)
    }

    /// Replaces values by the isolation depth of each node: the steps to it and those that would follow.
    pub(super) fn count_steps(&mut self) -> Result<(), ImportError> {
        let mut depth = vec![0.0; self.n_nodes()];
        for node in 0..self.n_nodes() {
            for child in [self.left[node], self.right[node]].into_iter().filter(|child| *child >= 0) {
                // Children come after their parents, as the builder adds them.
                let known = usize::try_from(child).ok().filter(|child| *child > node && *child < depth.len());
                let Some(child) = known else {
                    let cause = TreeError::Child { node: node as u32, child, len: depth.len() };
                    return Err(ImportError::Tree { tree: self.at, cause });
                };
                depth[child] = depth[node] + 1.0;
            }
        }
        self.values =
            depth.iter().zip(&self.n_samples).map(|(depth, &n)| depth + average_path_length(n)).collect();
        self.n_targets = 1;
        Ok(())
    }

    /// The tree on the model's features, its leaves as `leaf` makes them of a node's values.
    pub(super) fn build(
        &self,
        features: &[i64],
        n_features: usize,
        n_outputs: usize,
        only: Option<OutputId>,
        leaf: impl Fn(&[f64]) -> Vec<f64>,
    ) -> Result<Tree, ImportError> {
        let width = if only.is_some() { 1 } else { n_outputs };
        ImportError::length(self.at, "values", self.width(), width)?;
        let target = match only {
            Some(output) => Target::One(output),
            None if n_outputs == 1 => Target::One(OutputId::at(0)),
            None => Target::All,
        };
        let look = |node: u32| {
            let at = node as usize;
            if self.left[at] < 0 {
                let values = leaf(&self.values[at * width..][..width]);
                return Ok(SourceNode { cover: self.cover[at], what: SourceKind::Leaf(values) });
            }
            let own = usize::try_from(self.feature[at]).ok().and_then(|own| features.get(own));
            let Some(&feature) = own else {
                return Err(TreeError::Feature { node, feature: self.feature[at], n_features });
            };
            let left = self.missing_left.as_ref().is_some_and(|left| left[at] != 0);
            let what = SourceKind::Split {
                feature,
                test: Test::AtMost(self.threshold[at]),
                missing: Missing::Goes(Side::of(left)),
                yes: self.left[at],
                no: self.right[at],
            };
            Ok(SourceNode { cover: self.cover[at], what })
        };
        Tree::build(self.n_nodes(), n_features, width, target, Vec::new(), look)
            .map_err(|cause| ImportError::Tree { tree: self.at, cause })
    }
}

/// 256 bits a set.
pub(super) fn sets(words: &Array) -> Result<Vec<CategorySet>, ImportError> {
    let words = words.ints("")?;
    let codes = |set: &[i64]| {
        let bits = set.iter().enumerate().flat_map(|(at, &word)| {
            (0..32).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at as u32 * 32 + bit)
        });
        CategorySet::new(bits.collect::<Vec<u32>>(), NegativeFraction::Invalid)
    };
    Ok(words.chunks_exact(8).map(codes).collect())
}

pub(super) fn histogram_tree(
    at: usize,
    nodes: &Array,
    sets: Vec<CategorySet>,
    features: &[i64],
    target: Target,
) -> Result<Tree, ImportError> {
    let (value, count) = (nodes.numbers("value")?, nodes.numbers("count")?);
    let (left, right, feature) = (nodes.ints("left")?, nodes.ints("right")?, nodes.ints("feature_idx")?);
    let (threshold, missing_left) = (nodes.numbers("num_threshold")?, nodes.ints("missing_go_to_left")?);
    let (is_leaf, is_categorical) = (nodes.ints("is_leaf")?, nodes.ints("is_categorical")?);
    let set = nodes.ints("bitset_idx")?;
    nodes.only(&HISTOGRAM_FIELDS)?;
    let n_sets = sets.len();
    let look = |node: u32| {
        let at = node as usize;
        if is_leaf[at] != 0 {
            return Ok(SourceNode { cover: count[at], what: SourceKind::Leaf(vec![value[at]]) });
        }
        let own = usize::try_from(feature[at]).ok().and_then(|own| features.get(own));
        let Some(&mapped) = own else {
            return Err(TreeError::Feature { node, feature: feature[at], n_features: features.len() });
        };
        let test = if is_categorical[at] == 0 {
            Test::AtMost(threshold[at])
        } else {
            let known = u32::try_from(set[at]).ok().filter(|set| (*set as usize) < n_sets);
            Test::In(known.ok_or(TreeError::Number { node, what: "category set", found: set[at] as f64 })?)
        };
        let what = SourceKind::Split {
            feature: mapped,
            test,
            missing: Missing::Goes(Side::of(missing_left[at] != 0)),
            yes: left[at],
            no: right[at],
        };
        Ok(SourceNode { cover: count[at], what })
    };
    Tree::build(nodes.len(), features.len(), 1, target, sets, look)
        .map_err(|cause| ImportError::Tree { tree: at, cause })
}
