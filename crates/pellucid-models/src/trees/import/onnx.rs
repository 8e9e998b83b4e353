//! ONNX: the tree ensembles of `ai.onnx.ml`, versions 1, 3 and 5, and its linear models, and nothing else of a graph.
//!
//! Follows the operators' specification (`TreeEnsembleRegressor`, `TreeEnsembleClassifier`, `TreeEnsemble`, and in `linear` two more) and onnxruntime where it
//! says more; checked against onnxruntime 1.32. A comparison with a missing value is false, unless the node sends it along the
//! true branch. Files hold no training weights, so that only the background game is defined.

mod graph;
mod isolation;
mod linear;
mod nodes;

use std::collections::HashMap;

use graph::{Found, Seen};
use isolation::Isolation;
use nodes::Nodes;

use super::error::ImportError;
use super::protobuf::{Message, numbers};
use super::{MAX_FEATURES, MAX_OUTPUTS, MAX_VALUES};
use crate::Link;
use crate::trees::Tree;
use crate::trees::ensemble::{Ensemble, Feature, FeatureKind, InputCast, Origin, Summation};

const ALONE: &str = "only graphs of one tree ensemble or linear model are read, with nothing that computes before or after it; save it \
     without the rest, or in their library's own format";

/// Told of every model.
const NO_WEIGHTS: &str = "the file holds no training weights; give rows to compare with (--background)";

pub(super) fn ensemble(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    let model = Message::new(bytes);
    let graph = model.message(7)?.ok_or_else(|| ImportError::Absent { path: "graph".to_owned() })?;
    let mut read = if isolation::is_one(graph)? { isolation_forest(graph)? } else { single(graph)? };
    let opset =
        model.messages(8)?.into_iter().find(|set| set.text(1).is_ok_and(|domain| domain == "ai.onnx.ml"));
    let opset = opset.map(|set| set.int(2)).transpose()?.flatten().unwrap_or(1);
    let producer = model.text(2)?;
    read.origin.version = Some(format!(
        "ai.onnx.ml {opset}{}",
        if producer.is_empty() { String::new() } else { format!(", by {producer}") }
    ));
    Ok(read)
}

/// A model that one operator is.
fn single(graph: Message<'_>) -> Result<Ensemble, ImportError> {
    let found = Found::of(graph)?;
    let attributes = Attributes::read(found.operator, found.seen.is_wide)?;
    match found.operator.text(4)? {
        kind @ ("LinearRegressor" | "LinearClassifier") => linear_model(&found, &attributes, kind),
        kind => trees(&found, &attributes, kind),
    }
}

/// The mean depth of many trees; its prediction is the score (`score_samples` of scikit-learn).
fn isolation_forest(graph: Message<'_>) -> Result<Ensemble, ImportError> {
    let Isolation { trees, divisor, seen, n_features } = Isolation::read(graph)?;
    let n = trees.len();
    if !(divisor > 0.0 && divisor.is_finite()) {
        return Err(ImportError::unsupported(
            "an isolation forest of one row a tree",
            "its converter divides 0 by 0; save the model with skops",
        ));
    }
    ImportError::within("columns of the input", n_features, 0..=MAX_FEATURES)?;
    let link = Link::Isolation { normal: divisor / n as f64 };
    let mut model = started("isolation", n_features as usize, vec![0.0], link);
    let scores = Scores { n: 1, base: vec![0.0], is_average: false, single: false };
    let mut n_values = 0;
    for nodes in &trees {
        model.trees.extend(nodes.trees(&scores, n_features as usize, 1.0 / n as f64)?);
        n_values += model.trees.last().map_or(0, Tree::n_leaves);
        ImportError::within("leaf values of all trees", n_values as i64, 0..=MAX_VALUES)?;
    }
    model.cast = if seen.is_rounded { InputCast::F32OrInfinite } else { InputCast::F64 };
    model.summation = Summation::F64ToF32;
    model.origin.notes.push("predictions are scores (`score_samples`); the file's own output `scores` adds 0.5, or what the expected share of outliers asks for".to_owned());
    Ok(model)
}

/// A model without trees, whose columns have no names.
fn started(kind: &str, n_features: usize, base: Vec<f64>, link: Link) -> Ensemble {
    let origin = Origin {
        library: "ONNX",
        format: "ONNX",
        version: None,
        objective: kind.to_owned(),
        notes: vec![NO_WEIGHTS.to_owned()],
    };
    let feature = |at| Feature { name: format!("f{at}"), kind: FeatureKind::Number };
    Ensemble {
        origin,
        features: (0..n_features).map(feature).collect(),
        named: false,
        base,
        trees: Vec::new(),
        linear: None,
        average_over: 1,
        link,
        cast: InputCast::F32Finite,
        summation: Summation::F64ToF32,
        has_covers: false,
    }
}

fn linear_model(found: &Found<'_>, attributes: &Attributes<'_>, kind: &str) -> Result<Ensemble, ImportError> {
    let is_classifier = kind == "LinearClassifier";
    if found.seen.is_wide && !is_classifier {
        let what = "a `LinearRegressor` of 64-bit rows";
        return Err(ImportError::unsupported(what, "onnxruntime refuses that, too; convert the model again"));
    }
    let scores = linear::scores(attributes, is_classifier, found.n_columns, found.is_normalized)?;
    let mut model = started(kind, scores.n_features, scores.intercepts, scores.link);
    model.linear = Some(scores.linear);
    Ok(model)
}

fn trees(found: &Found<'_>, attributes: &Attributes<'_>, kind: &str) -> Result<Ensemble, ImportError> {
    let Seen { is_wide, is_rounded } = found.seen;
    let nodes =
        if kind == "TreeEnsemble" { Nodes::single(attributes)? } else { Nodes::lists(attributes, kind)? };
    let n_features = match found.n_columns {
        Some(n) => n,
        None => nodes.features.iter().max().map_or(0, |&last| last.saturating_add(1)),
    };
    ImportError::within(&format!("columns of the input `{}`", found.name), n_features, 0..=MAX_FEATURES)?;
    let (scores, link) = scores(attributes, kind)?;
    let scale = if scores.is_average { 1.0 / nodes.n_trees() as f64 } else { 1.0 };
    let trees = nodes.trees(&scores, n_features as usize, scale)?;
    let has_base = scores.base.iter().any(|base| *base != 0.0);
    let is_pair = scores.n == 2 && kind == "TreeEnsembleClassifier";
    let mut model = started(kind, n_features as usize, scores.base, link);
    if scores.n > 1 && (is_pair && has_base || (is_pair || has_base) && !nodes.always_answer(scores.n)) {
        model.origin.notes.push(
            "onnxruntime answers otherwise for two classes with base values, and for rows whose leaves name only some of the \
             outputs; these are the sums that the specification says"
                .to_owned(),
        );
    }
    model.trees = trees;
    model.cast = if is_rounded { InputCast::F32OrInfinite } else { InputCast::F64 };
    model.summation = match (is_wide, kind == "TreeEnsemble") {
        (true, true) => Summation::F64FromBase,
        (true, false) => Summation::F64ToF32,
        (false, _) => Summation::F32BaseLast,
    };
    Ok(model)
}

/// A node's attributes by name.
struct Attributes<'a> {
    named: HashMap<&'a str, Message<'a>>,
    /// Whether tensors may hold numbers of 64 bits.
    is_wide: bool,
}

impl<'a> Attributes<'a> {
    fn read(node: Message<'a>, is_wide: bool) -> Result<Self, ImportError> {
        let named = |attribute: Message<'a>| Ok((attribute.text(1)?, attribute));
        let named = node.messages(5)?.into_iter().map(named).collect::<Result<_, ImportError>>()?;
        Ok(Self { named, is_wide })
    }

    fn ints(&self, name: &str) -> Result<Vec<i64>, ImportError> {
        self.named.get(name).map_or(Ok(Vec::new()), |attribute| attribute.ints(8))
    }

    /// Whole numbers, one an entry of what has `n` of them.
    fn sized_ints(&self, name: &str, n: usize) -> Result<Vec<i64>, ImportError> {
        let found = self.ints(name)?;
        ImportError::length(0, name, found.len(), n).map(|()| found)
    }

    fn int(&self, name: &str) -> Result<Option<i64>, ImportError> {
        self.named.get(name).map_or(Ok(None), |attribute| attribute.int(3))
    }

    fn text(&self, name: &str, usual: &'a str) -> Result<&'a str, ImportError> {
        self.named.get(name).map_or(Ok(usual), |attribute| attribute.text(4))
    }

    fn texts(&self, name: &str) -> Result<Vec<&'a str>, ImportError> {
        self.named.get(name).map_or(Ok(Vec::new()), |attribute| attribute.texts(9))
    }

    fn float(&self, name: &str) -> Result<Option<f64>, ImportError> {
        self.named.get(name).map_or(Ok(None), |attribute| Ok(attribute.floats(2, 4)?.pop()))
    }

    /// Numbers, as a list or as a tensor under another name.
    fn numbers(&self, name: &str) -> Result<Vec<f64>, ImportError> {
        match self.named.get(format!("{name}_as_tensor").as_str()) {
            Some(attribute) => self.own_tensor(attribute, name),
            None => self.named.get(name).map_or(Ok(Vec::new()), |attribute| attribute.floats(7, 4)),
        }
    }

    fn tensor(&self, name: &str) -> Result<Vec<f64>, ImportError> {
        self.named.get(name).map_or(Ok(Vec::new()), |attribute| self.own_tensor(attribute, name))
    }

    fn own_tensor(&self, attribute: &Message<'a>, name: &str) -> Result<Vec<f64>, ImportError> {
        let tensor = attribute.message(5)?.ok_or_else(|| ImportError::value(name, "a tensor"))?;
        if tensor.int(2)? == Some(DOUBLE) && !self.is_wide {
            return Err(ImportError::unsupported(
                format!("`{name}` of 64 bits for inputs of 32"),
                "onnxruntime refuses that, too; convert the model again",
            ));
        }
        tensor_numbers(tensor, name)
    }
}

/// Codes of element types.
const FLOAT: i64 = 1;
const INT64: i64 = 7;
const DOUBLE: i64 = 11;

/// The numbers of a tensor.
fn tensor_numbers(tensor: Message<'_>, name: &str) -> Result<Vec<f64>, ImportError> {
    if tensor.int(14)?.unwrap_or(0) != 0 {
        let what = format!("`{name}` in a file of its own");
        return Err(ImportError::unsupported(what, "save the model with its tensors in one file"));
    }
    let raw = tensor.bytes(9)?;
    let wrong = || ImportError::value(name, "a tensor of numbers");
    match (tensor.int(2)?, raw) {
        (Some(FLOAT), None) => tensor.floats(4, 4),
        (Some(DOUBLE), None) => tensor.floats(10, 8),
        (Some(2), None) => Ok(tensor.ints(5)?.into_iter().map(|int| int as f64).collect()),
        (Some(FLOAT), Some(raw)) => numbers(raw, 4).ok_or_else(wrong),
        (Some(DOUBLE), Some(raw)) => numbers(raw, 8).ok_or_else(wrong),
        (Some(2), Some(raw)) => Ok(raw.iter().map(|&byte| f64::from(byte)).collect()),
        _ => Err(wrong()),
    }
}

/// The whole numbers of a tensor of 64 bits.
fn tensor_whole(tensor: Message<'_>, name: &str) -> Result<Vec<i64>, ImportError> {
    match (tensor.int(2)?, tensor.bytes(9)?) {
        (Some(INT64), None) => tensor.ints(7),
        (Some(INT64), Some(raw)) if raw.len().is_multiple_of(8) => {
            let (eights, _) = raw.as_chunks();
            Ok(eights.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
        }
        _ => Err(ImportError::value(name, "a tensor of whole numbers")),
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
        return Err(ImportError::unsupported(
            format!("trees aggregated by {aggregate}"),
            "Shapley values are sums over trees; only SUM and AVERAGE are read",
        ));
    }
    if is_single_node && attributes.int("post_transform")?.unwrap_or(0) != 0 {
        return Err(ImportError::unsupported(
            "a `TreeEnsemble` with a post_transform",
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
    ImportError::within("n_targets", n, 1..=MAX_OUTPUTS)?;
    let n = n as usize;
    let mut base = attributes.numbers("base_values")?;
    if single && base.len() == 2 {
        return Err(ImportError::unsupported(
            "two base values for the one score of two classes",
            "onnxruntime takes them for two scores, which is hardly meant; give one",
        ));
    }
    if single && base.len() == 1 && attributes.ints("class_ids")?.first() == Some(&1) {
        return Err(ImportError::unsupported(
            "a base value for the one score of two classes, which is named class 1",
            "onnxruntime forgets it, which is hardly meant; name the score class 0, as converters do",
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
        "SOFTMAX" => {
            return Err(ImportError::unsupported(
                "post_transform SOFTMAX of one score",
                "that is always 1, which is hardly meant; use LOGISTIC",
            ));
        }
        _ => {
            return Err(ImportError::unsupported(
                format!("post_transform {transform}"),
                "NONE, LOGISTIC and SOFTMAX are read",
            ));
        }
    };
    Ok((Scores { n, base, is_average: aggregate == "AVERAGE", single }, link))
}
