//! ONNX: the tree ensembles of `ai.onnx.ml`, versions 1, 3 and 5, and nothing else of a graph.
//!
//! Follows the operators' specification (`TreeEnsembleRegressor`, `TreeEnsembleClassifier`, `TreeEnsemble`) and onnxruntime where it
//! says more; checked against onnxruntime 1.32. A comparison with a missing value is false, unless the node sends it along the
//! true branch. Files hold no training weights, so that only the background game is defined.

use std::collections::HashMap;

use pellucid_data::OutputId;

use super::error::ImportError;
use super::protobuf::{Message, numbers};
use crate::Link;
use crate::trees::ensemble::{Ensemble, Feature, FeatureKind, InputCast, Origin, Summation};
use crate::trees::node::{
    CategorySet, Missing, NegativeFraction, Side, SourceKind, SourceNode, Target, Test, Tree, TreeError,
};

const MAX_FEATURES: i64 = 1_000_000;
const MAX_OUTPUTS: i64 = 100_000;
/// Leaf values of all trees together, beyond which a file is not meant.
const MAX_VALUES: usize = 1 << 28;

/// Operators around the trees that change no number.
const HARMLESS: [&str; 4] = ["Cast", "Identity", "ZipMap", "ArgMax"];
const ALONE: &str = "only graphs of one tree ensemble are read, with nothing that computes before or after it; save the trees \
     without the rest, or in their library's own format";

pub(super) fn ensemble(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    let model = Message::new(bytes);
    let graph = model.message(7)?.ok_or_else(|| ImportError::Absent { path: "graph".to_owned() })?;
    let node = only_trees(graph)?;
    let attributes = Attributes::read(node)?;
    let (name, n_columns, is_wide) = input(graph)?;
    let kind = node.text(4)?.to_owned();
    let opset =
        model.messages(8)?.into_iter().find(|set| set.text(1).is_ok_and(|domain| domain == "ai.onnx.ml"));
    let opset = opset.map(|set| set.int(2)).transpose()?.flatten().unwrap_or(1);
    let nodes =
        if kind == "TreeEnsemble" { Nodes::single(&attributes)? } else { Nodes::lists(&attributes, &kind)? };
    let n_features = match n_columns {
        Some(n) => n,
        None => nodes.features.iter().max().map_or(0, |&last| last + 1),
    };
    if !(0..=MAX_FEATURES).contains(&n_features) {
        let (path, found) = (format!("columns of the input `{name}`"), n_features.unsigned_abs());
        return Err(ImportError::TooLarge { path, found, limit: MAX_FEATURES as u64 });
    }
    let (scores, link) = scores(&attributes, &kind)?;
    let trees = nodes.trees(&scores, n_features as usize)?;
    let summation = match (is_wide, kind == "TreeEnsemble") {
        (true, true) => Summation::F64FromBase,
        (true, false) => Summation::F64ToF32,
        (false, _) => Summation::F32BaseLast,
    };
    let producer = model.text(2)?;
    let version = Some(format!(
        "ai.onnx.ml {opset}{}",
        if producer.is_empty() { String::new() } else { format!(", by {producer}") }
    ));
    Ok(Ensemble {
        origin: Origin {
            library: "ONNX",
            format: "ONNX",
            version,
            objective: kind,
            notes: vec![
                "the file holds no training weights; give rows to compare with (--background)".to_owned(),
            ],
        },
        features: (0..n_features)
            .map(|at| Feature { name: format!("f{at}"), kind: FeatureKind::Number })
            .collect(),
        named: false,
        base: scores.base,
        trees,
        average_over: 1,
        link,
        cast: if is_wide { InputCast::F64 } else { InputCast::F32OrInfinite },
        summation,
        has_covers: false,
    })
}

/// The one node of trees in a graph where nothing else computes.
fn only_trees(graph: Message<'_>) -> Result<Message<'_>, ImportError> {
    let mut trees = None;
    for node in graph.messages(1)? {
        let kind = node.text(4)?;
        let is_trees = kind.starts_with("TreeEnsemble");
        if is_trees && trees.is_none() {
            trees = Some(node);
        } else if !HARMLESS.contains(&kind) && !is_times_one(graph, node)? {
            let what = if is_trees {
                "a second tree ensemble".to_owned()
            } else {
                format!("an ONNX graph with `{kind}`")
            };
            return Err(ImportError::Unsupported { what, remedy: ALONE });
        }
    }
    trees.ok_or(ImportError::Unsupported { what: "an ONNX graph without trees".to_owned(), remedy: ALONE })
}

/// Whether a node multiplies by a constant of ones, as LightGBM's converter does for classes.
fn is_times_one(graph: Message<'_>, node: Message<'_>) -> Result<bool, ImportError> {
    if node.text(4)? != "Mul" {
        return Ok(false);
    }
    let inputs = node.texts(1)?;
    for constant in graph.messages(5)? {
        let name = constant.text(8)?;
        if inputs.contains(&name) {
            return Ok(tensor_numbers(constant, name)?.iter().all(|&x| x == 1.0));
        }
    }
    Ok(false)
}

/// The graph's one input: its name, how many columns it has, if it says so, and whether it is of 64 bits.
fn input(graph: Message<'_>) -> Result<(String, Option<i64>, bool), ImportError> {
    let inputs = graph.messages(11)?;
    let [input] = inputs.as_slice() else {
        return Err(ImportError::Unsupported {
            what: format!("an ONNX graph with {} inputs", inputs.len()),
            remedy: ALONE,
        });
    };
    let name = input.text(1)?.to_owned();
    let tensor = input.message(2)?.map(|kind| kind.message(1)).transpose()?.flatten();
    let element = tensor.map(|tensor| tensor.int(1)).transpose()?.flatten();
    let is_wide = match element {
        Some(1) | None => false,
        Some(11) => true,
        Some(_) => {
            let what = format!("the input `{name}` of another type than float or double");
            return Err(ImportError::Unsupported {
                what,
                remedy: "convert the model again with float inputs",
            });
        }
    };
    let shape = tensor.map(|tensor| tensor.message(2)).transpose()?.flatten();
    let dimensions = shape.map(|shape| shape.messages(1)).transpose()?.unwrap_or_default();
    let columns = dimensions.get(1).map(|dimension| dimension.int(1)).transpose()?.flatten();
    Ok((name, columns.filter(|n| *n > 0), is_wide))
}

/// A node's attributes by name.
struct Attributes<'a>(HashMap<&'a str, Message<'a>>);

impl<'a> Attributes<'a> {
    fn read(node: Message<'a>) -> Result<Self, ImportError> {
        let named = |attribute: Message<'a>| Ok((attribute.text(1)?, attribute));
        Ok(Self(node.messages(5)?.into_iter().map(named).collect::<Result<_, ImportError>>()?))
    }

    fn ints(&self, name: &str) -> Result<Vec<i64>, ImportError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.ints(8))
    }

    fn int(&self, name: &str) -> Result<Option<i64>, ImportError> {
        self.0.get(name).map_or(Ok(None), |attribute| attribute.int(3))
    }

    fn text(&self, name: &str, usual: &'a str) -> Result<&'a str, ImportError> {
        self.0.get(name).map_or(Ok(usual), |attribute| attribute.text(4))
    }

    fn texts(&self, name: &str) -> Result<Vec<&'a str>, ImportError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.texts(9))
    }

    /// Numbers, as a list or as a tensor under another name.
    fn numbers(&self, name: &str) -> Result<Vec<f64>, ImportError> {
        match self.0.get(format!("{name}_as_tensor").as_str()) {
            Some(attribute) => tensor(attribute, name),
            None => self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.floats(7, 4)),
        }
    }

    fn tensor(&self, name: &str) -> Result<Vec<f64>, ImportError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| tensor(attribute, name))
    }
}

/// The numbers of a tensor attribute.
fn tensor(attribute: &Message<'_>, name: &str) -> Result<Vec<f64>, ImportError> {
    tensor_numbers(attribute.message(5)?.ok_or_else(|| ImportError::value(name, "a tensor"))?, name)
}

fn tensor_numbers(tensor: Message<'_>, name: &str) -> Result<Vec<f64>, ImportError> {
    if tensor.int(14)?.unwrap_or(0) != 0 {
        let what = format!("`{name}` in a file of its own");
        return Err(ImportError::Unsupported { what, remedy: "save the model with its tensors in one file" });
    }
    let raw = tensor.bytes(9)?;
    let wrong = || ImportError::value(name, "a tensor of numbers");
    match (tensor.int(2)?, raw) {
        (Some(1), None) => tensor.floats(4, 4),
        (Some(11), None) => tensor.floats(10, 8),
        (Some(2), None) => Ok(tensor.ints(5)?.into_iter().map(|int| int as f64).collect()),
        (Some(1), Some(raw)) => numbers(raw, 4).ok_or_else(wrong),
        (Some(11), Some(raw)) => numbers(raw, 8).ok_or_else(wrong),
        (Some(2), Some(raw)) => Ok(raw.iter().map(|&byte| f64::from(byte)).collect()),
        _ => Err(wrong()),
    }
}

/// What leaves add to, and how trees are put together.
struct Scores {
    n: usize,
    base: Vec<f64>,
    is_average: bool,
    /// The scores that weights name are not the outputs: two classes have one score.
    single: bool,
}

fn refused(what: String, remedy: &'static str) -> ImportError {
    ImportError::Unsupported { what, remedy }
}

fn scores(attributes: &Attributes<'_>, kind: &str) -> Result<(Scores, Link), ImportError> {
    let is_single_node = kind == "TreeEnsemble";
    let aggregate = match (is_single_node, attributes.int("aggregate_function")?) {
        (true, Some(0)) => "AVERAGE",
        (true, Some(2)) => "MIN",
        (true, Some(3)) => "MAX",
        (true, _) => "SUM",
        (false, _) => attributes.text("aggregate_function", "SUM")?,
    };
    if !matches!(aggregate, "SUM" | "AVERAGE") {
        return Err(refused(
            format!("trees aggregated by {aggregate}"),
            "Shapley values are sums over trees; only SUM and AVERAGE are read",
        ));
    }
    if is_single_node && attributes.int("post_transform")?.unwrap_or(0) != 0 {
        return Err(refused(
            "a `TreeEnsemble` with a post_transform".to_owned(),
            "the specification and onnxruntime differ on what its numbers mean; leave it out, as converters do",
        ));
    }
    let transform = if is_single_node { "NONE" } else { attributes.text("post_transform", "NONE")? };
    let (n, single) = if kind == "TreeEnsembleClassifier" {
        let n_classes =
            attributes.texts("classlabels_strings")?.len() + attributes.ints("classlabels_int64s")?.len();
        let ids = attributes.ints("class_ids")?;
        // Two classes may have one score, that of the second.
        let single = n_classes == 2 && ids.iter().all(|id| *id == ids[0]);
        (if single { 1 } else { n_classes as i64 }, single)
    } else {
        (attributes.int("n_targets")?.unwrap_or(1), false)
    };
    if !(1..=MAX_OUTPUTS).contains(&n) {
        let (path, found) = ("n_targets".to_owned(), n.unsigned_abs());
        return Err(ImportError::TooLarge { path, found, limit: MAX_OUTPUTS as u64 });
    }
    let n = n as usize;
    let mut base = attributes.numbers("base_values")?;
    if single && base.len() == 2 {
        return Err(refused(
            "two base values for the one score of two classes".to_owned(),
            "onnxruntime takes them for two scores, which is hardly meant; give one",
        ));
    }
    if base.is_empty() {
        base = vec![0.0; n];
    }
    if base.len() != n || base.iter().any(|x| !x.is_finite()) {
        return Err(ImportError::value("base_values", format!("{n} finite numbers")));
    }
    let link = match transform {
        "NONE" => Link::Identity,
        "LOGISTIC" => Link::Logistic { slope: 1.0 },
        "SOFTMAX" if n > 1 => Link::Softmax,
        _ => {
            return Err(refused(
                format!("post_transform {transform}"),
                "NONE, LOGISTIC and SOFTMAX are read",
            ));
        }
    };
    Ok((Scores { n, base, is_average: aggregate == "AVERAGE", single }, link))
}

/// Nodes of all trees, splits and leaves alike, each tree with its root.
struct Nodes {
    roots: Vec<usize>,
    features: Vec<i64>,
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
    fn lists(attributes: &Attributes<'_>, kind: &str) -> Result<Self, ImportError> {
        let trees = attributes.ints("nodes_treeids")?;
        let n = trees.len();
        let sized = |name: &str, found: usize| {
            let field = name.to_owned();
            if found == n { Ok(()) } else { Err(ImportError::Length { tree: 0, field, found, expected: n }) }
        };
        let ints = |name: &str| {
            let found = attributes.ints(name)?;
            sized(name, found.len()).map(|()| found)
        };
        let (ids, features) = (ints("nodes_nodeids")?, ints("nodes_featureids")?);
        let splits = attributes.numbers("nodes_values")?;
        sized("nodes_values", splits.len())?;
        let (on_true, on_false) = (ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
        let names = attributes.texts("nodes_modes")?;
        sized("nodes_modes", names.len())?;
        let mode = |name: &&str| match *name {
            "LEAF" => Ok(Mode::Leaf),
            "BRANCH_LEQ" => Ok(Mode::AtMost),
            "BRANCH_LT" => Ok(Mode::Below),
            "BRANCH_GTE" => Ok(Mode::AtLeast),
            "BRANCH_GT" => Ok(Mode::Above),
            other => Err(refused(format!("splits by `{other}`"), NO_ORDER)),
        };
        let modes = names.iter().map(mode).collect::<Result<Vec<_>, _>>()?;
        let tracks = attributes.ints("nodes_missing_value_tracks_true")?;
        if !tracks.is_empty() {
            sized("nodes_missing_value_tracks_true", tracks.len())?;
        }
        let place: HashMap<(i64, i64), usize> = trees.iter().copied().zip(ids).zip(0..).collect();
        let child = |at: usize, id: i64| place.get(&(trees[at], id)).map_or(-1, |&place| place as i64);
        let children = (0..n).map(|at| [child(at, on_true[at]), child(at, on_false[at])]).collect();
        let prefix = if kind == "TreeEnsembleClassifier" { "class" } else { "target" };
        let of = |part: &str| format!("{prefix}_{part}");
        let (leaf_trees, leaf_ids) = (attributes.ints(&of("treeids"))?, attributes.ints(&of("nodeids"))?);
        let (targets, weights) = (attributes.ints(&of("ids"))?, attributes.numbers(&of("weights"))?);
        let mut leaves = vec![Vec::new(); n];
        for (name, found) in [("nodeids", leaf_ids.len()), ("ids", targets.len()), ("weights", weights.len())]
        {
            if found != leaf_trees.len() {
                return Err(ImportError::Length {
                    tree: 0,
                    field: of(name),
                    found,
                    expected: leaf_trees.len(),
                });
            }
        }
        for (at, (tree, id)) in leaf_trees.iter().zip(&leaf_ids).enumerate() {
            let known = place.get(&(*tree, *id));
            let known = known.ok_or_else(|| {
                ImportError::value(&of("nodeids"), format!("a node of tree {tree}, but is {id}"))
            })?;
            leaves[*known].push((targets[at], weights[at]));
        }
        // A tree begins with its first node.
        let mut seen = std::collections::HashSet::new();
        let roots: Vec<usize> = (0..n).filter(|&at| seen.insert(trees[at])).collect();
        let children: Vec<[i64; 2]> = children;
        let splits_only = (0..n).filter(|&at| modes[at] != Mode::Leaf);
        let is_below: std::collections::HashSet<i64> = splits_only.flat_map(|at| children[at]).collect();
        if let Some(&root) = roots.iter().find(|&&root| is_below.contains(&(root as i64))) {
            return Err(refused(
                format!("tree {}, whose first node is not its root", trees[root]),
                "onnxruntime answers otherwise than either order would; write roots first",
            ));
        }
        let tracks = (0..n).map(|at| tracks.get(at).is_some_and(|tracks| *tracks != 0)).collect();
        Ok(Self { roots, features, splits, modes, children, tracks, leaves, sets: Vec::new() })
    }

    /// Version 5: splits and leaves apart, trees by their roots.
    fn single(attributes: &Attributes<'_>) -> Result<Self, ImportError> {
        let mut features = attributes.ints("nodes_featureids")?;
        let n = features.len();
        let sized = |name: &str, found: usize| {
            let field = name.to_owned();
            if found == n { Ok(()) } else { Err(ImportError::Length { tree: 0, field, found, expected: n }) }
        };
        let ints = |name: &str| {
            let found = attributes.ints(name)?;
            sized(name, found.len()).map(|()| found)
        };
        let (mut splits, codes) = (attributes.tensor("nodes_splits")?, attributes.tensor("nodes_modes")?);
        sized("nodes_splits", splits.len())?;
        sized("nodes_modes", codes.len())?;
        let (on_true, true_leafs) = (ints("nodes_truenodeids")?, ints("nodes_trueleafs")?);
        let (on_false, false_leafs) = (ints("nodes_falsenodeids")?, ints("nodes_falseleafs")?);
        let tracks = attributes.ints("nodes_missing_value_tracks_true")?;
        let (targets, weights) = (attributes.ints("leaf_targetids")?, attributes.tensor("leaf_weights")?);
        if targets.len() != weights.len() {
            let field = "leaf_weights".to_owned();
            return Err(ImportError::Length {
                tree: 0,
                field,
                found: weights.len(),
                expected: targets.len(),
            });
        }
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
                4 | 5 => return Err(refused("splits by equality".to_owned(), NO_ORDER)),
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
        let tracks = (0..modes.len()).map(|at| tracks.get(at).is_some_and(|tracks| *tracks != 0)).collect();
        Ok(Self { roots, features, splits, modes, children, tracks, leaves, sets })
    }

    fn trees(&self, scores: &Scores, n_features: usize) -> Result<Vec<Tree>, ImportError> {
        let scale = if scores.is_average { 1.0 / self.roots.len().max(1) as f64 } else { 1.0 };
        let mut n_values = 0;
        let mut trees = Vec::with_capacity(self.roots.len());
        for (at, &root) in self.roots.iter().enumerate() {
            let (reached, only) = self.reached(at, root, scores)?;
            let width = if only.is_some() || scores.n == 1 { 1 } else { scores.n };
            n_values += reached.len() * width;
            if n_values > MAX_VALUES {
                let (path, limit) = ("leaf values of all trees".to_owned(), MAX_VALUES as u64);
                return Err(ImportError::TooLarge { path, found: n_values as u64, limit });
            }
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
        let mut seen = std::collections::HashSet::from([root]);
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

/// A set of whole numbers from 0 on; others would have to be compared exactly.
fn exact_set(values: &[f64]) -> Result<CategorySet, ImportError> {
    let whole = |&value: &f64| {
        (value >= 0.0 && value.fract() == 0.0 && value < f64::from(1_u32 << 24)).then_some(value as u32)
    };
    let codes = values.iter().map(whole).collect::<Option<Vec<u32>>>();
    let codes =
        codes.ok_or_else(|| refused("a set of other values than whole numbers".to_owned(), NO_ORDER))?;
    Ok(CategorySet::new(codes, NegativeFraction::NeverAny))
}
