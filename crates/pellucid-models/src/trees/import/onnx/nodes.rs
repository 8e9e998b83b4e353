//! How do the lists of a tree operator become trees? Splits and leaves by number, every tree from its root.

use std::collections::{HashMap, HashSet};

use pellucid_data::OutputId;

use super::super::MAX_VALUES;
use super::super::error::ImportError;
use super::{Attributes, Scores};
use crate::trees::node::{
    CategorySet, Missing, NegativeFraction, Side, SourceKind, SourceNode, Target, Test, Tree, TreeError,
};

/// Nodes of all trees, splits and leaves alike, each tree with its root.
pub(super) struct Nodes {
    roots: Vec<usize>,
    pub(super) features: Vec<i64>,
    splits: Vec<f64>,
    /// A comparison, or that it is a leaf.
    modes: Vec<Mode>,
    children: Vec<[i64; 2]>,
    tracks: Vec<bool>,
    /// What a leaf adds to which output.
    leaves: Vec<Vec<(i64, f64)>>,
    sets: Vec<CategorySet>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Leaf,
    AtMost,
    Below,
    AtLeast,
    Above,
    /// One of the exact values.
    Member(u32),
}

const NO_ORDER: &str =
    "splits by equality have no order that tables of intervals can follow; convert with comparisons";

impl Nodes {
    /// Versions 1 and 3: lists with an entry a node, named by tree and node.
    pub(super) fn lists(attributes: &Attributes<'_>, kind: &str) -> Result<Self, ImportError> {
        let trees = attributes.ints("nodes_treeids")?;
        let n = trees.len();
        let ints = |name: &str| attributes.sized_ints(name, n);
        let (ids, features) = (ints("nodes_nodeids")?, ints("nodes_featureids")?);
        let splits = attributes.numbers("nodes_values")?;
        ImportError::length(0, "nodes_values", splits.len(), n)?;
        let (on_true, on_false) = (ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
        let names = attributes.texts("nodes_modes")?;
        ImportError::length(0, "nodes_modes", names.len(), n)?;
        let mode = |name: &&str| match *name {
            "LEAF" => Ok(Mode::Leaf),
            "BRANCH_LEQ" => Ok(Mode::AtMost),
            "BRANCH_LT" => Ok(Mode::Below),
            "BRANCH_GTE" => Ok(Mode::AtLeast),
            "BRANCH_GT" => Ok(Mode::Above),
            other => Err(ImportError::unsupported(format!("splits by `{other}`"), NO_ORDER)),
        };
        let modes = names.iter().map(mode).collect::<Result<Vec<_>, _>>()?;
        let tracks = attributes.ints("nodes_missing_value_tracks_true")?;
        if !tracks.is_empty() {
            ImportError::length(0, "nodes_missing_value_tracks_true", tracks.len(), n)?;
        }
        let place: HashMap<(i64, i64), usize> = trees.iter().copied().zip(ids).zip(0..).collect();
        let child = |at: usize, id: i64| place.get(&(trees[at], id)).map_or(-1, |&place| place as i64);
        let children: Vec<[i64; 2]> =
            (0..n).map(|at| [child(at, on_true[at]), child(at, on_false[at])]).collect();
        let prefix = if kind == "TreeEnsembleClassifier" { "class" } else { "target" };
        let of = |part: &str| format!("{prefix}_{part}");
        let (leaf_trees, leaf_ids) = (attributes.ints(&of("treeids"))?, attributes.ints(&of("nodeids"))?);
        let (targets, weights) = (attributes.ints(&of("ids"))?, attributes.numbers(&of("weights"))?);
        let mut leaves = vec![Vec::new(); n];
        for (name, found) in [("nodeids", leaf_ids.len()), ("ids", targets.len()), ("weights", weights.len())]
        {
            ImportError::length(0, &of(name), found, leaf_trees.len())?;
        }
        for (at, (tree, id)) in leaf_trees.iter().zip(&leaf_ids).enumerate() {
            let known = place.get(&(*tree, *id));
            let known = known.ok_or_else(|| {
                ImportError::value(&of("nodeids"), format!("a node of tree {tree}, but is {id}"))
            })?;
            leaves[*known].push((targets[at], weights[at]));
        }
        // A tree begins with its first node.
        let mut seen = HashSet::new();
        let roots: Vec<usize> = (0..n).filter(|&at| seen.insert(trees[at])).collect();
        let splits_only = (0..n).filter(|&at| modes[at] != Mode::Leaf);
        let is_below: HashSet<i64> = splits_only.flat_map(|at| children[at]).collect();
        if let Some(&root) = roots.iter().find(|&&root| is_below.contains(&(root as i64))) {
            return Err(ImportError::unsupported(
                format!("tree {}, whose first node is not its root", trees[root]),
                "onnxruntime answers otherwise than either order would; write roots first",
            ));
        }
        let tracks = flags(&tracks, n);
        Ok(Self { roots, features, splits, modes, children, tracks, leaves, sets: Vec::new() })
    }

    /// Version 5: splits and leaves apart, trees by their roots.
    pub(super) fn single(attributes: &Attributes<'_>) -> Result<Self, ImportError> {
        let mut features = attributes.ints("nodes_featureids")?;
        let n = features.len();
        let ints = |name: &str| attributes.sized_ints(name, n);
        let (mut splits, codes) = (attributes.tensor("nodes_splits")?, attributes.tensor("nodes_modes")?);
        ImportError::length(0, "nodes_splits", splits.len(), n)?;
        ImportError::length(0, "nodes_modes", codes.len(), n)?;
        let (on_true, true_leafs) = (ints("nodes_truenodeids")?, ints("nodes_trueleafs")?);
        let (on_false, false_leafs) = (ints("nodes_falsenodeids")?, ints("nodes_falseleafs")?);
        let tracks = attributes.ints("nodes_missing_value_tracks_true")?;
        let (targets, weights) = (attributes.ints("leaf_targetids")?, attributes.tensor("leaf_weights")?);
        ImportError::length(0, "leaf_weights", weights.len(), targets.len())?;
        let members = attributes.tensor("membership_values")?;
        let mut lists = members.split(|value| value.is_nan());
        let mut sets = Vec::new();
        let mut modes = Vec::with_capacity(n + targets.len());
        for code in codes {
            modes.push(match code as i64 {
                0 => Mode::AtMost,
                1 => Mode::Below,
                2 => Mode::AtLeast,
                3 => Mode::Above,
                6 => {
                    let list = lists
                        .next()
                        .ok_or_else(|| ImportError::value("membership_values", "one list a split"))?;
                    sets.push(exact_set(list)?);
                    Mode::Member(sets.len() as u32 - 1)
                }
                4 | 5 => return Err(ImportError::unsupported("splits by equality", NO_ORDER)),
                _ => return Err(ImportError::value("nodes_modes", "numbers from 0 to 6")),
            });
        }
        // Leaves come after splits.
        let place =
            |id: i64, is_leaf: i64| if is_leaf == 0 || id < 0 { id } else { id.saturating_add(n as i64) };
        let mut children: Vec<[i64; 2]> = (0..n)
            .map(|at| [place(on_true[at], true_leafs[at]), place(on_false[at], false_leafs[at])])
            .collect();
        let mut leaves = vec![Vec::new(); n];
        for (&target, &weight) in targets.iter().zip(&weights) {
            features.push(0);
            splits.push(0.0);
            modes.push(Mode::Leaf);
            children.push([-1, -1]);
            leaves.push(vec![(target, weight)]);
        }
        let roots = attributes.ints("tree_roots")?;
        let root = |root: &i64| usize::try_from(*root).ok().filter(|root| *root < modes.len());
        let roots = roots.iter().map(root).collect::<Option<Vec<_>>>();
        let roots = roots.ok_or_else(|| ImportError::value("tree_roots", "numbers of nodes"))?;
        let tracks = flags(&tracks, modes.len());
        Ok(Self { roots, features, splits, modes, children, tracks, leaves, sets })
    }

    pub(super) fn trees(&self, scores: &Scores, n_features: usize) -> Result<Vec<Tree>, ImportError> {
        let scale = if scores.is_average { 1.0 / self.roots.len().max(1) as f64 } else { 1.0 };
        let mut n_values = 0;
        let mut trees = Vec::with_capacity(self.roots.len());
        for (at, &root) in self.roots.iter().enumerate() {
            let (reached, only) = self.reached(at, root, scores)?;
            let width = if only.is_some() || scores.n == 1 { 1 } else { scores.n };
            n_values += reached.len() * width;
            ImportError::within("leaf values of all trees", n_values as i64, 0..=MAX_VALUES)?;
            let target = match only {
                Some(output) => Target::One(OutputId::at(output)),
                None if scores.n == 1 => Target::One(OutputId::at(0)),
                None => Target::All,
            };
            // The tree's own numbers, in the order in which its nodes are reached.
            let own: HashMap<usize, i64> = reached.iter().copied().zip(0..).collect();
            let number = |child: i64| usize::try_from(child).ok().and_then(|child| own.get(&child)).copied();
            let look = |node: u32| {
                let place = reached[node as usize];
                if self.modes[place] == Mode::Leaf {
                    let mut values = vec![0.0; width];
                    for &(output, weight) in &self.leaves[place] {
                        values[if width == 1 { 0 } else { output as usize }] += weight * scale;
                    }
                    return Ok(SourceNode { cover: 0.0, what: SourceKind::Leaf(values) });
                }
                let [on_true, on_false] = self.children[place];
                let known =
                    |child: i64| number(child).ok_or(TreeError::Child { node, child, len: reached.len() });
                let (on_true, on_false) = (known(on_true)?, known(on_false)?);
                let split = self.splits[place];
                // Greater is not at most, with the branches changed; a missing value goes along the false one, or as said.
                let (test, is_turned) = match self.modes[place] {
                    Mode::Below => (Test::Below(split), false),
                    Mode::AtLeast => (Test::Below(split), true),
                    Mode::Above => (Test::AtMost(split), true),
                    Mode::Member(set) => (Test::In(set), false),
                    Mode::AtMost | Mode::Leaf => (Test::AtMost(split), false),
                };
                let (yes, no) = if is_turned { (on_false, on_true) } else { (on_true, on_false) };
                let missing = Missing::Goes(Side::of(self.tracks[place] != is_turned));
                let what = SourceKind::Split { feature: self.features[place], test, missing, yes, no };
                Ok(SourceNode { cover: 0.0, what })
            };
            let tree = Tree::build(reached.len(), n_features, width, target, self.sets.clone(), look);
            trees.push(tree.map_err(|cause| ImportError::Tree { tree: at, cause })?);
        }
        Ok(trees)
    }

    /// The nodes of a tree, and the output that all its leaves add to, if it is one.
    fn reached(
        &self,
        tree: usize,
        root: usize,
        scores: &Scores,
    ) -> Result<(Vec<usize>, Option<usize>), ImportError> {
        let mut reached = vec![root];
        let mut seen = HashSet::from([root]);
        let mut only: Option<Option<usize>> = None;
        let mut at = 0;
        while at < reached.len() {
            let place = reached[at];
            at += 1;
            if self.modes[place] != Mode::Leaf {
                for child in self.children[place] {
                    let known = usize::try_from(child).ok().filter(|child| *child < self.modes.len());
                    let Some(child) = known else {
                        let cause = TreeError::Child { node: place as u32, child, len: self.modes.len() };
                        return Err(ImportError::Tree { tree, cause });
                    };
                    if !seen.insert(child) {
                        let cause = TreeError::Shared { node: child as u32 };
                        return Err(ImportError::Tree { tree, cause });
                    }
                    reached.push(child);
                }
                continue;
            }
            for &(output, _) in &self.leaves[place] {
                // One score, by whatever name, is the only one.
                let output = if scores.single { 0 } else { output };
                let known = usize::try_from(output).ok().filter(|output| *output < scores.n);
                let Some(output) = known else {
                    return Err(ImportError::value(
                        "ids of targets or classes",
                        format!("below {}, but one is {output}", scores.n),
                    ));
                };
                only = Some(match only {
                    None => Some(output),
                    Some(before) => before.filter(|before| *before == output),
                });
            }
        }
        Ok((reached, only.flatten()))
    }
}

/// One flag each; those that are not told are not set.
fn flags(told: &[i64], n: usize) -> Vec<bool> {
    (0..n).map(|at| told.get(at).is_some_and(|flag| *flag != 0)).collect()
}

/// A set of whole numbers from 0 on; others would have to be compared exactly.
fn exact_set(values: &[f64]) -> Result<CategorySet, ImportError> {
    let whole = |&value: &f64| {
        (value >= 0.0 && value.fract() == 0.0 && value < f64::from(1_u32 << 24)).then_some(value as u32)
    };
    let codes = values.iter().map(whole).collect::<Option<Vec<u32>>>();
    let codes = codes
        .ok_or_else(|| ImportError::unsupported("a set of other values than whole numbers", NO_ORDER))?;
    Ok(CategorySet::new(codes, NegativeFraction::NeverAny))
}
