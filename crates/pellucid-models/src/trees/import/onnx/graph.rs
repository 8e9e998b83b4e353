//! Is there one tree ensemble or linear model in a graph, and nothing else that computes? Every node is followed from the input to the outputs.

use std::collections::HashMap;

use super::super::error::ImportError;
use super::super::protobuf::Message;
use super::{ALONE, DOUBLE, FLOAT, tensor_numbers};

const OPERATORS: [&str; 5] = [
    "TreeEnsembleRegressor",
    "TreeEnsembleClassifier",
    "TreeEnsemble",
    "LinearRegressor",
    "LinearClassifier",
];

/// What rows are when the operator sees them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// Of 64 bits.
    pub(super) is_wide: bool,
    /// But of 32 bits at some time before.
    pub(super) is_rounded: bool,
}

impl Seen {
    /// As another element type; `None` unless that is of floats.
    fn cast(self, to: Option<i64>) -> Option<Self> {
        match to {
            Some(FLOAT) => Some(Self { is_wide: false, is_rounded: true }),
            Some(DOUBLE) => Some(Self { is_wide: true, ..self }),
            _ => None,
        }
    }
}

/// What a value of the graph is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Rows(Seen),
    Scores,
    /// A class, which nobody explains.
    Label,
}

/// The one operator of a graph that is a model, and its input.
pub(super) struct Found<'a> {
    pub(super) operator: Message<'a>,
    pub(super) seen: Seen,
    /// Whether the scores of a linear classifier are divided by their sum.
    pub(super) is_normalized: bool,
    /// The input, and how many columns it has, if it says so.
    pub(super) name: String,
    pub(super) n_columns: Option<i64>,
}

impl<'a> Found<'a> {
    pub(super) fn of(graph: Message<'a>) -> Result<Self, ImportError> {
        let mut constants = Constants::of(graph)?;
        let (name, n_columns, seen) = input(graph, &constants)?;
        let mut stages = HashMap::from([(name, Stage::Rows(seen))]);
        let mut found: Option<(Message<'a>, Seen)> = None;
        let mut is_normalized = false;
        // A node comes after those whose outputs it takes.
        for node in graph.messages(1)? {
            let (kind, domain) = (node.text(4)?, node.text(7)?);
            let inputs = node.texts(1)?;
            let stage = inputs.iter().find_map(|input| stages.get(input)).copied();
            let is_plain = ["", "ai.onnx"].contains(&domain);
            let is_model = OPERATORS.contains(&kind) && domain == "ai.onnx.ml";
            let made = match (kind, stage) {
                (_, Some(Stage::Rows(seen))) if is_model && found.is_none() => {
                    found = Some((node, seen));
                    if kind.ends_with("Classifier") {
                        let outputs = node.texts(2)?;
                        outputs.first().map(|label| stages.insert(label, Stage::Label));
                        outputs.get(1).map(|scores| stages.insert(scores, Stage::Scores));
                        continue;
                    }
                    Some(Stage::Scores)
                }
                ("Identity", Some(stage)) if is_plain => Some(stage),
                ("Cast", Some(Stage::Rows(seen))) if is_plain => seen.cast(cast_to(node)?).map(Stage::Rows),
                ("Cast", Some(Stage::Scores)) if is_plain => seen.cast(cast_to(node)?).map(|_| Stage::Scores),
                ("Cast", Some(Stage::Label)) | ("ArgMax", Some(Stage::Scores)) if is_plain => {
                    Some(Stage::Label)
                }
                ("Normalizer", Some(Stage::Scores))
                    if domain == "ai.onnx.ml" && is_linear_classifier(found)? && is_sum(node)? =>
                {
                    is_normalized = true;
                    Some(Stage::Scores)
                }
                ("ZipMap", Some(Stage::Scores)) if domain == "ai.onnx.ml" => Some(Stage::Scores),
                // By ones, as LightGBM's converter multiplies classes.
                ("Mul", Some(Stage::Scores)) if is_plain && constants.any_is_ones(&inputs) => {
                    Some(Stage::Scores)
                }
                _ => None,
            };
            let Some(made) = made else {
                let what = match kind {
                    _ if is_model && found.is_some() => "a second model".to_owned(),
                    "Cast" => "an ONNX graph with a `Cast` to other numbers than floats".to_owned(),
                    _ if ["", "ai.onnx", "ai.onnx.ml"].contains(&domain) => {
                        format!("an ONNX graph with `{kind}`")
                    }
                    _ => format!("an ONNX graph with `{kind}` of `{domain}`"),
                };
                return Err(ImportError::unsupported(what, ALONE));
            };
            node.texts(2)?.into_iter().for_each(|output| {
                stages.insert(output, made);
            });
        }
        let Some((operator, seen)) = found else {
            return Err(ImportError::unsupported("an ONNX graph without trees or linear model", ALONE));
        };
        Ok(Self { operator, seen, is_normalized, name: name.to_owned(), n_columns })
    }
}

fn is_linear_classifier(found: Option<(Message<'_>, Seen)>) -> Result<bool, ImportError> {
    found.map_or(Ok(false), |(operator, _)| Ok(operator.text(4)? == "LinearClassifier"))
}

/// Whether a `Normalizer` divides by the sum.
fn is_sum(node: Message<'_>) -> Result<bool, ImportError> {
    attribute(node, "norm")?.map_or(Ok(false), |norm| Ok(norm.text(4)? == "L1"))
}

/// A node's attribute.
pub(super) fn attribute<'a>(node: Message<'a>, name: &str) -> Result<Option<Message<'a>>, ImportError> {
    for attribute in node.messages(5)? {
        if attribute.text(1)? == name {
            return Ok(Some(attribute));
        }
    }
    Ok(None)
}

/// The element type that a `Cast` makes.
pub(super) fn cast_to(node: Message<'_>) -> Result<Option<i64>, ImportError> {
    attribute(node, "to")?.map_or(Ok(None), |to| to.int(3))
}

/// Tensors of the graph by name, and whether they are known to hold ones alone, or not to.
pub(super) struct Constants<'a>(HashMap<&'a str, (Message<'a>, Option<bool>)>);

impl<'a> Constants<'a> {
    pub(super) fn of(graph: Message<'a>) -> Result<Self, ImportError> {
        let tensors = graph.messages(5)?.into_iter().map(|tensor| Ok((tensor.text(8)?, (tensor, None))));
        Ok(Self(tensors.collect::<Result<_, ImportError>>()?))
    }

    pub(super) fn tensor(&self, name: &str) -> Option<Message<'a>> {
        self.0.get(name).map(|(tensor, _)| *tensor)
    }

    fn any_is_ones(&mut self, inputs: &[&str]) -> bool {
        let is_ones = |name: &&str| {
            let Some((tensor, known)) = self.0.get_mut(*name) else { return false };
            *known.get_or_insert_with(|| {
                tensor_numbers(*tensor, name)
                    .is_ok_and(|numbers| !numbers.is_empty() && numbers.iter().all(|&x| x == 1.0))
            })
        };
        inputs.iter().any(is_ones)
    }
}

/// The graph's one input beside constants: its name, how many columns it has, if it says so, and its numbers.
pub(super) fn input<'a>(
    graph: Message<'a>,
    constants: &Constants<'_>,
) -> Result<(&'a str, Option<i64>, Seen), ImportError> {
    let mut inputs = Vec::new();
    for input in graph.messages(11)? {
        let name = input.text(1)?;
        if !constants.0.contains_key(name) {
            inputs.push((name, input));
        }
    }
    let [(name, input)] = inputs.as_slice() else {
        return Err(ImportError::unsupported(format!("an ONNX graph with {} inputs", inputs.len()), ALONE));
    };
    let tensor = input.message(2)?.map(|kind| kind.message(1)).transpose()?.flatten();
    let element = tensor.map(|tensor| tensor.int(1)).transpose()?.flatten().unwrap_or(FLOAT);
    let seen =
        Seen { is_wide: false, is_rounded: element == FLOAT }.cast(Some(element)).ok_or_else(|| {
            let what = format!("the input `{name}` of another type than float or double");
            ImportError::unsupported(what, "convert the model again with float inputs")
        })?;
    let shape = tensor.map(|tensor| tensor.message(2)).transpose()?.flatten();
    let dimensions = shape.map(|shape| shape.messages(1)).transpose()?.unwrap_or_default();
    let columns = dimensions.get(1).map(|dimension| dimension.int(1)).transpose()?.flatten();
    Ok((*name, columns.filter(|n| *n > 0), seen))
}
