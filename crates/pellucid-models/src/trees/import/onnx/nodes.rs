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
        if place.len() < n {
            return Err(ImportError::value("nodes_nodeids", "numbers that no two nodes of a tree share"));
        }
        let child = |at: usize, name: &str, id: i64| match (modes[at], place.get(&(trees[at], id))) {
            (Mode::Leaf, _) => Ok(-1),
            (_, Some(&place)) => Ok(place as i64),
            (_, None) => {
                Err(ImportError::value(name, format!("a node of tree {}, but one is {id}", trees[at])))
            }
        };
        let both = |at| {
            Ok([child(at, "nodes_truenodeids", on_true[at])?, child(at, "nodes_falsenodeids", on_false[at])?])
        };
        let children = (0..n).map(both).collect::<Result<Vec<[i64; 2]>, ImportError>>()?;
        let prefix = if kind == "TreeEnsembleClassifier" { "class" } else { "target" };
        let of = |part: &str| format!("{prefix}_{part}");
        let (leaf_trees, leaf_ids) = (attributes.ints(&of("treeids"))?, attributes.ints(&of("nodeids"))?);
        let (targets, weights) = (attributes.ints(&of("ids"))?, attributes.numbers(&of("weights"))?);
        let mut leaves = vec![Vec::new(); n];
        for (name, found) in [("nodeids", leaf_ids.len()), ("ids", targets.len()), ("weights", weights.len())]
        {
            ImportError::length(0, &of(name), found, leaf_trees.len())?;
        }
        let mut weighed = HashSet::new();
        for (at, (tree, id)) in leaf_trees.iter().zip(&leaf_ids).enumerate() {
            let known = place.get(&(*tree, *id));
            let known = known.ok_or_else(|| {
                ImportError::value(&of("nodeids"), format!("a node of tree {tree}, but is {id}"))
            })?;
            let own: &mut Vec<(i64, f64)> = &mut leaves[*known];
            if !weighed.insert((*known, targets[at])) {
                return Err(ImportError::unsupported(
                    format!("two weights of one leaf of tree {tree} for output {}", targets[at]),
                    "onnxruntime takes the first of them, which is hardly meant; give their sum",
                ));
            }
            own.push((targets[at], weights[at]));
        }
        if let Some(at) =
            (0..n).find(|&at| modes[at] == Mode::Leaf && leaves[at].is_empty() && splits[at] != 0.0)
        {
            return Err(ImportError::unsupported(
                format!("a leaf of tree {} without a weight, but with a threshold", trees[at]),
                "onnxruntime adds the threshold, which is hardly meant; give a weight",
            ));
        }
        // A tree begins with its first node, and ends where the next begins.
        let roots: Vec<usize> = (0..n).filter(|&at| at == 0 || trees[at] != trees[at - 1]).collect();
        let mut seen = HashSet::new();
        if let Some(&again) = roots.iter().find(|&&at| !seen.insert(trees[at])) {
            return Err(ImportError::unsupported(
                format!("nodes of tree {} with those of others between them", trees[again]),
                "onnxruntime reads them otherwise; write tree after tree",
            ));
        }
        let splits_only = (0..n).filter(|&at| modes[at] != Mode::Leaf);
        let is_below: HashSet<i64> = splits_only.flat_map(|at| children[at]).collect();
        if let Some(&root) = roots.iter().find(|&&root| is_below.contains(&(root as i64))) {
            return Err(ImportError::unsupported(
                format!("tree {}, whose first node is not its root", trees[root]),
                "onnxruntime answers otherwise than either order would; write roots first",
            ));
        }
        let tracks = flags(&tracks, n);
        Self { roots, features, splits, modes, children, tracks, leaves, sets: Vec::new() }.with_roots()
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
        let mut lists: Vec<&[f64]> = members.split(|value| value.is_nan()).collect();
        // After the last list there may be an end, too.
        lists.pop_if(|list| list.is_empty());
        let n_members = codes.iter().filter(|code| **code == 6.0).count();
        if lists.len() != n_members || lists.iter().any(|list| list.is_empty()) {
            return Err(ImportError::value("membership_values", "a list of values for each split by a set"));
        }
        let mut lists = lists.into_iter();
        let mut sets = Vec::new();
        let mut modes = Vec::with_capacity(n + targets.len());
        for code in codes {
            modes.push(match code as i64 {
                0 => Mode::AtMost,
                1 => Mode::Below,
                2 => Mode::AtLeast,
                3 => Mode::Above,
                6 => {
                    sets.push(exact_set(lists.next().unwrap_or_default())?);
                    Mode::Member(sets.len() as u32 - 1)
                }
                4 | 5 => return Err(ImportError::unsupported("splits by equality", NO_ORDER)),
                _ => return Err(ImportError::value("nodes_modes", "numbers from 0 to 6")),
            });
        }
        // Leaves come after splits.
        let place = |name: &str, id: i64, is_leaf: i64| {
            let (first, end) = if is_leaf == 0 { (0, n) } else { (n, targets.len()) };
            let known = usize::try_from(id).ok().filter(|id| *id < end).map(|id| (first + id) as i64);
            known.ok_or_else(|| ImportError::value(name, format!("numbers below {end}, but one is {id}")))
        };
        let both = |at: usize| {
            Ok([
                place("nodes_truenodeids", on_true[at], true_leafs[at])?,
                place("nodes_falsenodeids", on_false[at], false_leafs[at])?,
            ])
        };
        let mut children = (0..n).map(both).collect::<Result<Vec<[i64; 2]>, ImportError>>()?;
        let mut leaves = vec![Vec::new(); n];
        for (&target, &weight) in targets.iter().zip(&weights) {
            features.push(0);
            splits.push(0.0);
            modes.push(Mode::Leaf);
            children.push([-1, -1]);
            leaves.push(vec![(target, weight)]);
        }
        // A tree of one leaf is a split both of whose branches lead to it.
        for at in 0..n {
            if let [on_true, on_false] = children[at]
                && on_true == on_false
                && on_true as usize >= n
            {
                modes[at] = Mode::Leaf;
                leaves[at] = leaves[on_true as usize].clone();
            }
        }
        let roots = attributes.ints("tree_roots")?;
        let root = |root: &i64| usize::try_from(*root).ok().filter(|root| *root < n);
        let roots = roots.iter().map(root).collect::<Option<Vec<_>>>();
        let roots = roots.ok_or_else(|| ImportError::value("tree_roots", "numbers of nodes"))?;
        let tracks = flags(&tracks, modes.len());
        Self { roots, features, splits, modes, children, tracks, leaves, sets }.with_roots()
    }

    fn with_roots(self) -> Result<Self, ImportError> {
        if self.roots.is_empty() {
            return Err(ImportError::Absent { path: "nodes of trees".to_owned() });
        }
        Ok(self)
    }

    /// What each leaf adds, one number a node, 0 for splits; `None` unless every leaf has one.
    pub(super) fn leaf_weights(&self) -> Option<Vec<f32>> {
        let weight = |(leaf, mode): (&Vec<(i64, f64)>, &Mode)| match (mode, leaf.as_slice()) {
            (Mode::Leaf, [(0, weight)]) => Some(*weight as f32),
            (Mode::Leaf, _) => None,
            _ => Some(0.0),
        };
        self.leaves.iter().zip(&self.modes).map(weight).collect()
    }

    /// Leaves that add other numbers, one a node.
    pub(super) fn set_leaf_weights(&mut self, weights: &[f32]) {
        for (leaf, &weight) in self.leaves.iter_mut().zip(weights).filter(|(leaf, _)| !leaf.is_empty()) {
            *leaf = vec![(0, f64::from(weight))];
        }
    }

    /// Whether each output is named by all leaves of some tree, so that every row is answered for it.
    pub(super) fn always_answer(&self, n_outputs: usize) -> bool {
        let mut answered = vec![false; n_outputs];
        // Nodes of a tree of lists stand together, from its root on; those of version 5 are not asked about.
        let ends = self.roots.iter().skip(1).copied().chain([self.modes.len()]);
        for (&root, end) in self.roots.iter().zip(ends) {
            let mut n_leaves = 0;
            let mut named: HashMap<i64, usize> = HashMap::new();
            for at in (root..end).filter(|&at| self.modes[at] == Mode::Leaf) {
                n_leaves += 1;
                self.leaves[at].iter().for_each(|(output, _)| *named.entry(*output).or_default() += 1);
            }
            for (output, _) in named.into_iter().filter(|(_, n)| *n == n_leaves) {
                // What no root leads to was not checked.
                if let Some(answered) =
                    usize::try_from(output).ok().and_then(|output| answered.get_mut(output))
                {
                    *answered = true;
                }
            }
        }
        answered.into_iter().all(|is| is)
    }

    pub(super) fn n_trees(&self) -> usize {
        self.roots.len()
    }

    /// The trees, their leaves times `scale`.
    pub(super) fn trees(
        &self,
        scores: &Scores,
        n_features: usize,
        scale: f64,
    ) -> Result<Vec<Tree>, ImportError> {
        let mut n_values = 0;
        let mut seen = HashSet::new();
        let mut trees = Vec::with_capacity(self.roots.len());
        for (at, &root) in self.roots.iter().enumerate() {
            let (reached, only) = self.reached(at, root, scores, &mut seen)?;
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
            let mut sets = Vec::new();
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
                    Mode::Member(set) => {
                        sets.push(self.sets[set as usize].clone());
                        (Test::In(sets.len() as u32 - 1), false)
                    }
                    Mode::AtMost | Mode::Leaf => (Test::AtMost(split), false),
                };
                let (yes, no) = if is_turned { (on_false, on_true) } else { (on_true, on_false) };
                let missing = Missing::Goes(Side::of(self.tracks[place] != is_turned));
                let what = SourceKind::Split { feature: self.features[place], test, missing, yes, no };
                Ok(SourceNode { cover: 0.0, what })
            };
            let tree = Tree::build(reached.len(), n_features, width, target, Vec::new(), look);
            let tree = tree.map_err(|cause| ImportError::Tree { tree: at, cause })?;
            trees.push(tree.with_sets(sets));
        }
        Ok(trees)
    }

    /// The nodes of a tree, and the output that all its leaves add to, if it is one.
    fn reached(
        &self,
        tree: usize,
        root: usize,
        scores: &Scores,
        seen: &mut HashSet<usize>,
    ) -> Result<(Vec<usize>, Option<usize>), ImportError> {
        let shared = |node: usize| ImportError::Tree { tree, cause: TreeError::Shared { node: node as u32 } };
        if !seen.insert(root) {
            return Err(shared(root));
        }
        let mut reached = vec![root];
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
                        if self.modes[child] == Mode::Leaf {
                            let what = format!("tree {tree}, two of whose splits lead to one leaf");
                            return Err(ImportError::unsupported(what, "write a leaf for each of them"));
                        }
                        return Err(shared(child));
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
