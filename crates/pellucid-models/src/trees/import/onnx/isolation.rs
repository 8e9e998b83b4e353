//! Is a graph an isolation forest? Its converter writes no single operator for it: each tree answers the number of its leaf, two
//! tables map that to steps and samples, and thirty small steps make depths of them, their mean, and the score -2^(-mean / normal).
//!
//! All that happens before trees are summed depends on one tree's leaf alone, so that it is worked out once for each leaf, step by
//! step in the numbers of 32 bits that onnxruntime would use. What is left is a sum of trees, whose leaves are depths. What comes
//! after the score (0.5 is added, and its sign is a label) is not looked at. Checked against skl2onnx 1.20 and onnxruntime 1.32.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::super::MAX_VALUES;
use super::super::error::ImportError;
use super::super::protobuf::Message;
use super::graph::{Constants, Seen, attribute, cast_to, input};
use super::nodes::Nodes;
use super::{ALONE, Attributes, tensor_numbers, tensor_whole};

/// The parts of an isolation forest.
pub(super) struct Isolation {
    /// Trees in the order of their sum, whose leaves are depths.
    pub(super) trees: Vec<Nodes>,
    /// What the sum of all depths is divided by.
    pub(super) divisor: f64,
    pub(super) seen: Seen,
    pub(super) n_features: i64,
}

/// What a value of the graph is.
#[derive(Clone)]
enum Value {
    Rows,
    /// A number that depends on which leaf of a tree a row comes to, one for each node of the tree.
    OfLeaf(usize, Rc<[f32]>),
    /// Numbers of the file.
    Given(Rc<[f32]>),
    Sum,
    /// The sum, divided; and the same, negative.
    Mean,
    Negative,
    Power,
    Score,
    /// The score and what is made of it.
    After,
}

/// Whether trees of a graph go through tables and a power, as only isolation forests do.
pub(super) fn is_one(graph: Message<'_>) -> Result<bool, ImportError> {
    let kinds = graph.messages(1)?.into_iter().map(|node| node.text(4));
    let kinds = kinds.collect::<Result<HashSet<_>, _>>()?;
    Ok(["TreeEnsembleRegressor", "LabelEncoder", "Pow"].iter().all(|kind| kinds.contains(kind)))
}

impl Isolation {
    pub(super) fn read(graph: Message<'_>) -> Result<Self, ImportError> {
        let constants = Constants::of(graph)?;
        let (name, n_columns, seen) = input(graph, &constants)?;
        let mut reading = Reading {
            constants,
            values: HashMap::from([(name, Value::Rows)]),
            seen,
            n_columns,
            trees: Vec::new(),
            summed: Vec::new(),
            divisor: 0.0,
            n_numbers: 0,
        };
        for node in graph.messages(1)? {
            let Some(made) = reading.step(node)? else {
                let what = format!(
                    "an isolation forest with a `{}` that its converter does not write",
                    node.text(4)?
                );
                return Err(ImportError::unsupported(what, ALONE));
            };
            for output in node.texts(2)? {
                reading.values.insert(output, made.clone());
            }
        }
        let Reading { mut trees, summed, divisor, seen, n_columns, .. } = reading;
        if !reading.values.values().any(|value| matches!(value, Value::Score | Value::After)) {
            return Err(ImportError::unsupported("an isolation forest without a score", ALONE));
        }
        let last = trees.iter().flat_map(|nodes| nodes.features.iter().copied()).max().unwrap_or(0);
        for (tree, depths) in &summed {
            trees[*tree].set_leaf_weights(depths);
        }
        // In the order of the sum; trees that it leaves out say nothing.
        let mut by_place: Vec<Option<Nodes>> = trees.into_iter().map(Some).collect();
        let trees = summed.iter().filter_map(|(tree, _)| by_place[*tree].take()).collect();
        Ok(Self { trees, divisor, seen, n_features: n_columns.unwrap_or(last.saturating_add(1)) })
    }
}

struct Reading<'a> {
    constants: Constants<'a>,
    values: HashMap<&'a str, Value>,
    seen: Seen,
    n_columns: Option<i64>,
    trees: Vec<Nodes>,
    /// Trees with the depths of their leaves, in the order of the sum.
    summed: Vec<(usize, Rc<[f32]>)>,
    divisor: f64,
    /// How many numbers were worked out so far.
    n_numbers: usize,
}

impl<'a> Reading<'a> {
    /// What a node makes; `None` if isolation forests have no such node there.
    fn step(&mut self, node: Message<'a>) -> Result<Option<Value>, ImportError> {
        let kind = node.text(4)?;
        let is_tree = match (kind, node.text(7)?) {
            ("TreeEnsembleRegressor", "ai.onnx.ml") => true,
            ("LabelEncoder", "ai.onnx.ml") | (_, "" | "ai.onnx") => false,
            _ => return Ok(None),
        };
        let inputs = node.texts(1)?;
        let mut known = Vec::with_capacity(inputs.len());
        for (at, name) in inputs.iter().enumerate() {
            // Shapes and columns are whole numbers, which their operators look at.
            if at > 0 && matches!(kind, "Gather" | "Reshape") {
                continue;
            }
            let Some(value) = self.value(name)? else { return Ok(None) };
            known.push(value);
        }
        Ok(match (kind, known.as_slice()) {
            (_, [Value::Rows]) if is_tree => Some(self.tree(node)?),
            ("Gather", [Value::Rows]) => self.has_all_columns(node, &inputs)?.then_some(Value::Rows),
            ("Identity" | "Reshape", [value]) => Some(value.clone()),
            ("Sum", terms) => self.sum(terms)?,
            ("Div", [Value::Sum, Value::Given(by)]) if by.len() == 1 => {
                self.divisor = f64::from(by[0]);
                Some(Value::Mean)
            }
            ("Neg", [Value::Mean]) => Some(Value::Negative),
            ("Pow", [Value::Given(two), Value::Negative]) if **two == [2.0] => Some(Value::Power),
            ("Neg", [Value::Power]) => Some(Value::Score),
            (_, known) if is_after(known) => Some(Value::After),
            (_, [Value::OfLeaf(tree, own)]) => {
                self.count(own.len())?;
                by_leaf(node, kind, own)?.map(|made| Value::OfLeaf(*tree, made))
            }
            (_, [left, right]) => self.both(kind, left, right)?,
            _ => None,
        })
    }

    fn value(&mut self, name: &str) -> Result<Option<Value>, ImportError> {
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        let Some(tensor) = self.constants.tensor(name) else { return Ok(None) };
        // Whole numbers are of labels only.
        let numbers =
            tensor_numbers(tensor, name).or_else(|_| tensor_whole(tensor, name).map(|_| Vec::new()))?;
        Ok(Some(Value::Given(numbers.into_iter().map(|x| x as f32).collect())))
    }

    fn count(&mut self, n: usize) -> Result<(), ImportError> {
        self.n_numbers += n;
        ImportError::within("numbers of all leaves", self.n_numbers as i64, 0..=64 * MAX_VALUES)
    }

    fn tree(&mut self, node: Message<'a>) -> Result<Value, ImportError> {
        let nodes = Nodes::lists(&Attributes::read(node, self.seen.is_wide)?, "TreeEnsembleRegressor")?;
        let ids = nodes.leaf_weights().ok_or_else(|| {
            ImportError::unsupported("an isolation forest whose leaves have not one number each", ALONE)
        })?;
        self.count(ids.len())?;
        self.trees.push(nodes);
        Ok(Value::OfLeaf(self.trees.len() - 1, ids.into()))
    }

    /// Whether a `Gather` takes all columns as they are.
    fn has_all_columns(&mut self, node: Message<'_>, inputs: &[&str]) -> Result<bool, ImportError> {
        let axis = attribute(node, "axis")?.map(|axis| axis.int(3)).transpose()?.flatten();
        let Some(tensor) = inputs.get(1).and_then(|name| self.constants.tensor(name)) else {
            return Ok(false);
        };
        let columns = tensor_whole(tensor, inputs[1])?;
        let n = *self.n_columns.get_or_insert(columns.len() as i64);
        Ok(axis == Some(1) && n == columns.len() as i64 && columns.into_iter().eq(0..n))
    }

    /// The sum of numbers of different trees.
    fn sum(&mut self, terms: &[Value]) -> Result<Option<Value>, ImportError> {
        if !self.summed.is_empty() {
            return Ok(None);
        }
        let mut seen = HashSet::new();
        for term in terms {
            match term {
                Value::OfLeaf(tree, own) if seen.insert(*tree) => self.summed.push((*tree, Rc::clone(own))),
                _ => return Ok(None),
            }
        }
        Ok((!terms.is_empty()).then_some(Value::Sum))
    }

    /// An operator of two numbers, of which at least one depends on a leaf.
    fn both(&mut self, kind: &str, left: &Value, right: &Value) -> Result<Option<Value>, ImportError> {
        let of = |a: f32, b: f32| {
            Some(match kind {
                "Add" => a + b,
                "Sub" => a - b,
                "Mul" => a * b,
                "Div" => a / b,
                "Max" => a.max(b),
                "Equal" => f32::from(u8::from(a == b)),
                "Greater" => f32::from(u8::from(a > b)),
                _ => return None,
            })
        };
        let (tree, made) = match (left, right) {
            (Value::OfLeaf(tree, a), Value::OfLeaf(other, b)) if tree == other => {
                (tree, a.iter().zip(&**b).map(|(&a, &b)| of(a, b)).collect::<Option<Rc<[f32]>>>())
            }
            (Value::OfLeaf(tree, a), Value::Given(b)) if b.len() == 1 => {
                (tree, a.iter().map(|&a| of(a, b[0])).collect())
            }
            (Value::Given(a), Value::OfLeaf(tree, b)) if a.len() == 1 => {
                (tree, b.iter().map(|&b| of(a[0], b)).collect())
            }
            _ => return Ok(None),
        };
        self.count(made.as_ref().map_or(0, |made| made.len()))?;
        Ok(made.map(|made| Value::OfLeaf(*tree, made)))
    }
}

/// Whether everything is made of the score, or given.
fn is_after(known: &[Value]) -> bool {
    let is = |value: &Value| matches!(value, Value::Score | Value::After);
    known.iter().any(is) && known.iter().all(|value| is(value) || matches!(value, Value::Given(_)))
}

/// An operator of one number.
fn by_leaf(node: Message<'_>, kind: &str, own: &[f32]) -> Result<Option<Rc<[f32]>>, ImportError> {
    Ok(match kind {
        "Log" => Some(own.iter().map(|x| x.ln()).collect()),
        // To 32 bits, or to whole numbers.
        "Cast" => match cast_to(node)? {
            Some(1) => Some(own.into()),
            Some(7) => Some(own.iter().map(|x| x.trunc()).collect()),
            _ => None,
        },
        "LabelEncoder" => {
            let attributes = Attributes::read(node, false)?;
            let keys = attributes.ints("keys_int64s")?;
            let values = attributes.numbers("values_floats")?;
            ImportError::length(0, "values_floats", values.len(), keys.len())?;
            let usual = attributes.float("default_float")?.unwrap_or(-0.0) as f32;
            let table: HashMap<i64, f32> =
                keys.iter().copied().zip(values.iter().map(|&x| x as f32)).collect();
            if table.len() < keys.len() {
                return Err(ImportError::value("keys_int64s", "numbers that differ from each other"));
            }
            Some(own.iter().map(|&key| table.get(&(key as i64)).copied().unwrap_or(usual)).collect())
        }
        _ => None,
    })
}
