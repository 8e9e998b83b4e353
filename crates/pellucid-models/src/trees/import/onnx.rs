//! ONNX: the tree ensembles of `ai.onnx.ml`, versions 1, 3 and 5, and nothing else of a graph.
//!
//! Follows the operators' specification (`TreeEnsembleRegressor`, `TreeEnsembleClassifier`, `TreeEnsemble`) and onnxruntime where it
//! says more; checked against onnxruntime 1.32. A comparison with a missing value is false, unless the node sends it along the
//! true branch. Files hold no training weights, so that only the background game is defined.

mod nodes;

use std::collections::HashMap;

use nodes::Nodes;

use super::error::ImportError;
use super::protobuf::{Message, numbers};
use super::{MAX_FEATURES, MAX_OUTPUTS};
use crate::Link;
use crate::trees::ensemble::{Ensemble, Feature, FeatureKind, InputCast, Origin, Summation};

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
    ImportError::within(&format!("columns of the input `{name}`"), n_features, 0..=MAX_FEATURES)?;
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
            return Err(ImportError::unsupported(what, ALONE));
        }
    }
    trees.ok_or_else(|| ImportError::unsupported("an ONNX graph without trees", ALONE))
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
        return Err(ImportError::unsupported(format!("an ONNX graph with {} inputs", inputs.len()), ALONE));
    };
    let name = input.text(1)?.to_owned();
    let tensor = input.message(2)?.map(|kind| kind.message(1)).transpose()?.flatten();
    let element = tensor.map(|tensor| tensor.int(1)).transpose()?.flatten();
    let is_wide = match element {
        Some(1) | None => false,
        Some(11) => true,
        Some(_) => {
            let what = format!("the input `{name}` of another type than float or double");
            return Err(ImportError::unsupported(what, "convert the model again with float inputs"));
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

    /// Whole numbers, one an entry of what has `n` of them.
    fn sized_ints(&self, name: &str, n: usize) -> Result<Vec<i64>, ImportError> {
        let found = self.ints(name)?;
        ImportError::length(0, name, found.len(), n).map(|()| found)
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
        return Err(ImportError::unsupported(what, "save the model with its tensors in one file"));
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
        _ => {
            return Err(ImportError::unsupported(
                format!("post_transform {transform}"),
                "NONE, LOGISTIC and SOFTMAX are read",
            ));
        }
    };
    Ok((Scores { n, base, is_average: aggregate == "AVERAGE", single }, link))
}
