//! CatBoost's JSON model: symmetric (oblivious) and other trees, numbers and one-hot categories, several outputs.
//!
//! Follows CatBoost's `model/model_export/json_model_helpers.cpp` and the evaluator's rules; checked against models of
//! 1.2.10. Inputs are rounded to `f32`, infinities are numbers; `x > border` is bit 1; NaN is bit 0 or 1 as the feature's
//! `nan_value_treatment` says; a category is compared by the hash of its text; the file tells the text if the
//! model was saved with its pool, and else texts are hashed when rows are read. Sums are `f64`, then `scale · sum + bias`.

use std::collections::HashMap;
use std::sync::Arc;

use pellucid_data::OutputId;

use super::MAX_FEATURES;
use super::document::{Place, Value};
use super::error::ImportError;
use crate::Link;
use crate::trees::bind::hash_name;
use crate::trees::ensemble::{Ensemble, Feature, FeatureKind, InputCast, Origin, Summation, UnseenLevel};
use crate::trees::node::{
    CategorySet, Missing, NegativeFraction, Side, SourceKind, SourceNode, Target, Test, Tree,
};

/// CatBoost's own limit on the depth of symmetric trees.
const MAX_SYMMETRIC_DEPTH: i64 = 16;
/// Leaves of all trees together, beyond which a file is not meant.
const MAX_LEAVES: i64 = 1 << 26;

const CTR_REMEDY: &str = "it holds target statistics of categories, which depend on several columns at once and are not read; \
     train with one_hot_max_size above the number of categories, or leave text and embedding features out";

/// Whether a JSON document is CatBoost's.
pub(super) fn is_catboost(document: &Value<'_>) -> bool {
    let root = Place::root(document);
    root.get("features_info").is_there()
        && (root.get("oblivious_trees").is_there() || root.get("trees").is_there())
}

pub(super) fn ensemble(document: &Value<'_>) -> Result<Ensemble, ImportError> {
    let root = Place::root(document);
    let info = root.get("features_info");
    let columns = Columns::read(&info)?;
    let (scale, bias) = scale_and_bias(&root)?;
    let symmetric = root.get("oblivious_trees").is_there();
    let places = if symmetric { root.get("oblivious_trees").items()? } else { root.get("trees").items()? };
    let params = root.get("model_info").get("params");
    let loss = params.get("loss_function").get("type");
    let objective = if loss.is_there() { loss.text()?.to_owned() } else { "unknown".to_owned() };
    let n_outputs = bias.len();
    let mut trees = Vec::with_capacity(places.len());
    let mut n_leaves = 0;
    for (at, place) in places.iter().enumerate() {
        let reader = TreeReader { at, columns: &columns, n_outputs, scale };
        let tree = if symmetric { reader.symmetric(place)? } else { reader.nested(place)? };
        n_leaves += tree.n_leaves();
        ImportError::within("number of leaves", n_leaves as i64, 0..=MAX_LEAVES)?;
        trees.push(tree);
    }
    let version = root.get("model_info").get("catboost_version_info");
    let version = version.text().ok().and_then(version_of);
    let mut notes = Vec::new();
    if objective == "unknown" {
        notes.push("the file names no loss; predictions are margins".to_owned());
    }
    if scale != 1.0 {
        notes.push(format!("leaves are multiplied by the model's scale, {scale}"));
    }
    if columns.n_hashes > 0 {
        notes.push(format!(
            "{} categories have no text in the file and are called by their hashes; `save_model(..., pool=pool)` names them",
            columns.n_hashes
        ));
    }
    if loss_is_uncertain(&objective) {
        notes.push("outputs are the mean and the logarithm of the deviation".to_owned());
    }
    Ok(Ensemble {
        origin: Origin {
            library: "CatBoost",
            format: "CatBoost JSON",
            version,
            objective: objective.clone(),
            notes,
        },
        named: columns.named,
        features: columns.features,
        trees,
        linear: None,
        base: bias,
        average_over: 1,
        link: link(&objective),
        cast: InputCast::F32OrInfinite,
        summation: Summation::F64,
        has_covers: true,
    })
}

fn loss_is_uncertain(objective: &str) -> bool {
    objective == "RMSEWithUncertainty"
}

/// `Branch: tags/v1.2.10`, or what the summary says.
fn version_of(text: &str) -> Option<String> {
    let after = text.split("tags/v").nth(1).or_else(|| text.split("CatBoost release ").nth(1))?;
    let version: String = after.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    Some(version.trim_end_matches('.').to_owned()).filter(|version| !version.is_empty())
}

fn link(objective: &str) -> Link {
    match objective {
        "Logloss" | "CrossEntropy" | "MultiClassOneVsAll" | "MultiLogloss" | "MultiCrossEntropy" => {
            Link::Logistic { slope: 1.0 }
        }
        "MultiClass" => Link::Softmax,
        "Poisson" | "Tweedie" => Link::Exp,
        _ => Link::Identity,
    }
}

/// `[scale, bias]` or `[scale, [bias, ...]]`.
fn scale_and_bias(root: &Place<'_, '_>) -> Result<(f64, Vec<f64>), ImportError> {
    let place = root.get("scale_and_bias");
    if !place.is_there() {
        return Ok((1.0, vec![0.0]));
    }
    let wrong = || ImportError::value(place.path(), "a scale and one bias an output");
    if let Ok(flat) = place.f64s() {
        let [scale, bias] = flat.as_slice() else { return Err(wrong()) };
        return Ok((*scale, vec![*bias]));
    }
    let items = place.items()?;
    let [scale, bias] = items.as_slice() else { return Err(wrong()) };
    let bias = bias.f64s()?;
    if bias.is_empty() || bias.len() > 100_000 {
        return Err(wrong());
    }
    Ok((scale.f64()?, bias))
}

/// What splits are about.
struct Columns {
    features: Vec<Feature>,
    named: bool,
    /// For each float feature its place among the columns, and the side of a missing value.
    floats: HashMap<i64, (usize, Side)>,
    /// For each categorical feature its place.
    categories: HashMap<i64, usize>,
    /// The code of a category's hash.
    codes: HashMap<u32, u32>,
    /// How many categories have no text.
    n_hashes: usize,
}

impl Columns {
    fn read(info: &Place<'_, '_>) -> Result<Self, ImportError> {
        for kind in ["text_features", "embedding_features", "ctrs"] {
            let place = info.get(kind);
            if place.is_there() && place.items().map_or(true, |items| !items.is_empty()) {
                return Err(ImportError::Unsupported { what: format!("`{kind}`"), remedy: CTR_REMEDY });
            }
        }
        let list = |key: &str| if info.get(key).is_there() { info.get(key).items() } else { Ok(Vec::new()) };
        let (mut levels, mut codes) = (Vec::new(), HashMap::new());
        for entry in list("cat_features_hash")? {
            // Hashes are written without a sign here and with one in splits.
            let hash = entry.get("hash").int()? as u32;
            codes.entry(hash).or_insert_with(|| {
                levels.push(entry.get("value").text().unwrap_or_default().to_owned());
                levels.len() as u32 - 1
            });
        }
        let n_texts = levels.len();
        for place in list("categorical_features")? {
            // Nothing stands there where no split asks for a category.
            for hash in place.get("values").ints().unwrap_or_default() {
                let hash = hash as u32;
                codes.entry(hash).or_insert_with(|| {
                    levels.push(hash_name(hash));
                    levels.len() as u32 - 1
                });
            }
        }
        let n_hashes = levels.len() - n_texts;
        let levels = Arc::new(levels);
        let mut found: HashMap<usize, Feature> = HashMap::new();
        let (mut floats, mut categories, mut named) = (HashMap::new(), HashMap::new(), true);
        for (key, is_float) in [("float_features", true), ("categorical_features", false)] {
            for place in list(key)? {
                let flat = place.get("flat_feature_index").int()?;
                if !(0..MAX_FEATURES).contains(&flat) {
                    let (path, found) =
                        (place.get("flat_feature_index").path().to_owned(), flat.unsigned_abs());
                    return Err(ImportError::TooLarge { path, found, limit: MAX_FEATURES as u64 });
                }
                let at = flat as usize;
                let index = place.get("feature_index").int()?;
                let name = place.get("feature_name").text().ok().filter(|name| !name.is_empty());
                named &= name.is_some();
                let name = name.map_or_else(|| format!("f{at}"), str::to_owned);
                let kind = if is_float {
                    floats.insert(index, (at, missing_side(&place)?));
                    FeatureKind::Number
                } else {
                    categories.insert(index, at);
                    let unseen = if n_hashes > 0 { UnseenLevel::ByHash } else { UnseenLevel::Missing };
                    // Where no split asks for a category, none of the hashes is this feature's.
                    let is_asked = n_hashes == 0 || place.get("values").ints().is_ok();
                    let levels = if is_asked { Arc::clone(&levels) } else { Arc::default() };
                    FeatureKind::Level { levels, numeric: false, unseen }
                };
                found.insert(at, Feature { name, kind });
            }
        }
        let n = found.keys().max().map_or(0, |&last| last + 1);
        let features = (0..n).map(|at| {
            let gap = || Feature { name: format!("f{at}"), kind: FeatureKind::Number };
            found.remove(&at).unwrap_or_else(gap)
        });
        Ok(Self { features: features.collect(), named, floats, categories, codes, n_hashes })
    }
}

/// The side of NaN at a test `x <= border`: CatBoost's bit 0 is yes.
fn missing_side(place: &Place<'_, '_>) -> Result<Side, ImportError> {
    let treatment = place.get("nan_value_treatment");
    if !treatment.is_there() {
        return Ok(Side::Yes);
    }
    match treatment.text()? {
        "AsIs" | "AsFalse" => Ok(Side::Yes),
        "AsTrue" => Ok(Side::No),
        _ => Err(ImportError::value(treatment.path(), "AsIs, AsFalse or AsTrue")),
    }
}

/// A split as a test whose yes is CatBoost's bit 0 (numbers) or bit 1 (categories).
struct Question {
    feature: i64,
    test: Test,
    missing: Missing,
    one_is_yes: bool,
}

impl Question {
    fn node(&self, zero: i64, one: i64) -> SourceKind {
        let (yes, no) = if self.one_is_yes { (one, zero) } else { (zero, one) };
        SourceKind::Split { feature: self.feature, test: self.test, missing: self.missing, yes, no }
    }
}

/// A node of a nested tree.
struct Nested {
    cover: f64,
    question: Option<Question>,
    values: Vec<f64>,
    children: [usize; 2],
}

struct TreeReader<'c> {
    at: usize,
    columns: &'c Columns,
    n_outputs: usize,
    scale: f64,
}

impl TreeReader<'_> {
    fn question(&self, split: &Place<'_, '_>, sets: &mut Vec<CategorySet>) -> Result<Question, ImportError> {
        match split.get("split_type").text()? {
            "FloatFeature" => {
                let index = split.get("float_feature_index");
                let known = self.columns.floats.get(&index.int()?);
                let &(at, side) =
                    known.ok_or_else(|| ImportError::value(index.path(), "one of the float features"))?;
                // Borders are 32-bit numbers, whatever their spelling.
                let test = Test::AtMost(f64::from(split.get("border").f32()?));
                Ok(Question { feature: at as i64, test, missing: Missing::Goes(side), one_is_yes: false })
            }
            "OneHotFeature" => {
                let index = split.get("cat_feature_index");
                let known = self.columns.categories.get(&index.int()?);
                let &at = known
                    .ok_or_else(|| ImportError::value(index.path(), "one of the categorical features"))?;
                let value = split.get("value").int()?;
                let known = self.columns.codes.get(&(value as u32));
                let &code = known.ok_or_else(|| {
                    ImportError::value(split.get("value").path(), "one of the categories of its feature")
                })?;
                sets.push(CategorySet::new([code], NegativeFraction::Invalid));
                let test = Test::In(sets.len() as u32 - 1);
                let missing = Missing::Goes(Side::No);
                Ok(Question { feature: at as i64, test, missing, one_is_yes: true })
            }
            other => {
                let what = format!("tree {}: a split of type `{other}`", self.at);
                Err(ImportError::Unsupported { what, remedy: CTR_REMEDY })
            }
        }
    }

    fn build(
        &self,
        len: usize,
        sets: Vec<CategorySet>,
        look: impl Fn(usize) -> SourceNode,
    ) -> Result<Tree, ImportError> {
        let target = if self.n_outputs == 1 { Target::One(OutputId::at(0)) } else { Target::All };
        let n_features = self.columns.features.len();
        let tree = Tree::build(len, n_features, self.n_outputs, target, sets, |at| Ok(look(at as usize)));
        tree.map_err(|cause| ImportError::Tree { tree: self.at, cause })
    }

    fn length(&self, field: &str, found: usize, expected: usize) -> Result<(), ImportError> {
        ImportError::length(self.at, field, found, expected)
    }

    /// A tree whose nodes of one depth ask the same; the first split is the lowest bit of a leaf's number. Written out as a
    /// binary tree with the last split at the root, where CatBoost's own Shapley values begin too (the order matters to
    /// the path-dependent game): the children of node n are 2n + 1 and 2n + 2, and leaves stand in the order of the file.
    fn symmetric(&self, place: &Place<'_, '_>) -> Result<Tree, ImportError> {
        let splits = if place.get("splits").is_there() { place.get("splits").items()? } else { Vec::new() };
        let d = splits.len();
        ImportError::within(place.get("splits").path(), d as i64, 0..=MAX_SYMMETRIC_DEPTH)?;
        let mut sets = Vec::new();
        let questions: Vec<Question> =
            splits.iter().map(|split| self.question(split, &mut sets)).collect::<Result<_, _>>()?;
        let n_leaves = 1_usize << d;
        let values = place.get("leaf_values").f64s()?;
        self.length("leaf_values", values.len(), n_leaves * self.n_outputs)?;
        let weights = place.get("leaf_weights").f64s()?;
        self.length("leaf_weights", weights.len(), n_leaves)?;
        // Covers by node: leaves last, each parent the sum of its children.
        let mut covers = vec![0.0; 2 * n_leaves - 1];
        covers[n_leaves - 1..].copy_from_slice(&weights);
        for at in (0..n_leaves - 1).rev() {
            covers[at] = covers[2 * at + 1] + covers[2 * at + 2];
        }
        self.build(2 * n_leaves - 1, sets, |at| {
            let depth = (at + 1).ilog2() as usize;
            let what = if depth == d {
                let leaf = at + 1 - n_leaves;
                SourceKind::Leaf(self.leaf(&values[leaf * self.n_outputs..][..self.n_outputs]))
            } else {
                questions[d - 1 - depth].node(2 * at as i64 + 1, 2 * at as i64 + 2)
            };
            SourceNode { cover: covers[at], what }
        })
    }

    fn leaf(&self, values: &[f64]) -> Vec<f64> {
        values.iter().map(|value| value * self.scale).collect()
    }

    /// A tree of nested nodes: left is bit 0.
    fn nested(&self, root: &Place<'_, '_>) -> Result<Tree, ImportError> {
        let mut sets = Vec::new();
        let mut nodes: Vec<Nested> = Vec::new();
        let mut open = vec![(root.clone(), None::<(usize, usize)>)];
        while let Some((place, parent)) = open.pop() {
            let at = nodes.len();
            if let Some((above, bit)) = parent {
                nodes[above].children[bit] = at;
            }
            if place.get("split").is_there() {
                let question = self.question(&place.get("split"), &mut sets)?;
                nodes.push(Nested {
                    cover: 0.0,
                    question: Some(question),
                    values: Vec::new(),
                    children: [0, 0],
                });
                open.push((place.get("right"), Some((at, 1))));
                open.push((place.get("left"), Some((at, 0))));
            } else {
                let value = place.get("value");
                let values = if self.n_outputs == 1 { vec![value.f64()?] } else { value.f64s()? };
                self.length("value", values.len(), self.n_outputs)?;
                let (cover, values) = (place.get("weight").f64()?, self.leaf(&values));
                nodes.push(Nested { cover, question: None, values, children: [0, 0] });
            }
        }
        // Children come after their parents.
        for at in (0..nodes.len()).rev() {
            if nodes[at].question.is_some() {
                let [zero, one] = nodes[at].children;
                nodes[at].cover = nodes[zero].cover + nodes[one].cover;
            }
        }
        self.build(nodes.len(), sets, |at| {
            let Nested { cover, question, values, children: [zero, one] } = &nodes[at];
            let what = match question {
                Some(question) => question.node(*zero as i64, *one as i64),
                None => SourceKind::Leaf(values.clone()),
            };
            SourceNode { cover: *cover, what }
        })
    }
}
