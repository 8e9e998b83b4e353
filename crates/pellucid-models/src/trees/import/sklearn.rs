//! scikit-learn's trees: forests, extra trees, gradient boosting, histogram boosting and isolation forests, saved with skops.
//!
//! Follows `sklearn/tree/_tree.pyx` (inputs rounded to `f32`, `x <= threshold` goes left, a missing value where the node says),
//! `ensemble/_gb.py` (the prediction of `init_`, then learning rate times value, stage by stage), `_hist_gradient_boosting/_predictor.pyx`
//! (inputs as they are; category codes by bit sets) and `_iforest.py`; checked against models of 1.9.1.
//! Margins are means over the trees of a forest (probabilities of all classes, for classifiers), raw predictions of
//! boosting, and the mean isolation depth that shap explains.

use std::sync::Arc;

use pellucid_data::OutputId;

use super::error::ImportError;
use super::json;
use super::npy::Array;
use super::skops::{Members, Object};
use crate::Link;
use crate::trees::ensemble::{Ensemble, Feature, FeatureKind, InputCast, Origin, Summation, UnseenLevel};
use crate::trees::node::{
    CategorySet, Missing, NegativeFraction, Side, SourceKind, SourceNode, Target, Test, Tree, TreeError,
};

const MAX_FEATURES: usize = 1_000_000;
const MAX_OUTPUTS: usize = 100_000;
/// Leaf values of all trees together, beyond which a file is not meant.
const MAX_VALUES: usize = 1 << 28;

const OTHERS: &str = "of scikit-learn, decision trees, random forests, extra trees, gradient boosting, histogram gradient \
     boosting and isolation forests are read; save the model itself, without a pipeline around it";

pub(super) fn ensemble(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    let members = Members::open(bytes)?;
    let schema = members.schema()?;
    let document = json::parse(&schema)?;
    let model = Object::root(&document, &members);
    let class = model.class()?;
    let reader = Reader::new(&model)?;
    let is_own = model.module()?.starts_with("sklearn.");
    match class {
        "DecisionTreeRegressor" | "ExtraTreeRegressor" if is_own => {
            reader.forest(std::slice::from_ref(&model), false)
        }
        "DecisionTreeClassifier" | "ExtraTreeClassifier" if is_own => {
            reader.forest(std::slice::from_ref(&model), true)
        }
        "RandomForestRegressor" | "ExtraTreesRegressor" if is_own => {
            reader.forest(&model.attribute("estimators_").items()?, false)
        }
        "RandomForestClassifier" | "ExtraTreesClassifier" if is_own => {
            reader.forest(&model.attribute("estimators_").items()?, true)
        }
        "GradientBoostingRegressor" | "GradientBoostingClassifier" if is_own => reader.boosting(),
        "HistGradientBoostingRegressor" | "HistGradientBoostingClassifier" if is_own => {
            reader.histogram_boosting()
        }
        "IsolationForest" if is_own => reader.isolation(),
        _ => Err(ImportError::Unsupported { what: format!("`{}.{class}`", model.module()?), remedy: OTHERS }),
    }
}

/// What all models have.
struct Reader<'m, 'd, 'a> {
    model: &'m Object<'d, 'a>,
    n_features: usize,
}

impl<'m, 'd, 'a> Reader<'m, 'd, 'a> {
    fn new(model: &'m Object<'d, 'a>) -> Result<Self, ImportError> {
        let n_features = model.attribute("n_features_in_");
        let n_features = if n_features.is_something() { n_features.count()? } else { 0 };
        if n_features > MAX_FEATURES {
            let (path, limit) = ("n_features_in_".to_owned(), MAX_FEATURES as u64);
            return Err(ImportError::TooLarge { path, found: n_features as u64, limit });
        }
        Ok(Self { model, n_features })
    }

    /// An ensemble without trees.
    fn started(
        &self,
        objective: &str,
        base: Vec<f64>,
        link: Link,
        cast: InputCast,
    ) -> Result<Ensemble, ImportError> {
        let names = self.model.attribute("feature_names_in_");
        let named = names.is_something();
        let names =
            if named { names.texts()? } else { (0..self.n_features).map(|at| format!("f{at}")).collect() };
        if names.len() != self.n_features {
            return Err(ImportError::value("feature_names_in_", format!("{} names", self.n_features)));
        }
        let version = self.model.attribute("_sklearn_version").text().ok();
        let features = names.into_iter().map(|name| Feature { name, kind: FeatureKind::Number }).collect();
        Ok(Ensemble {
            origin: Origin {
                library: "scikit-learn",
                format: "skops",
                version,
                objective: objective.to_owned(),
                notes: Vec::new(),
            },
            named,
            features,
            trees: Vec::new(),
            base,
            average_over: 1,
            link,
            cast,
            summation: Summation::F64FromBase,
            has_covers: true,
        })
    }

    /// A text among the model's parameters, or its class.
    fn parameter(&self, name: &str) -> Result<String, ImportError> {
        let found = self.model.attribute(name).text();
        found.or_else(|_| Ok(self.model.class()?.to_owned()))
    }

    fn forest(&self, trees: &[Object<'d, 'a>], is_classifier: bool) -> Result<Ensemble, ImportError> {
        let scale = 1.0 / trees.len().max(1) as f64;
        // Before 1.3 classifiers kept weights of classes, since then shares.
        let version = self.model.attribute("_sklearn_version").text().unwrap_or_default();
        let is_old =
            version.split('.').take(2).map(|part| part.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>()
                < vec![1, 3];
        let mut model =
            self.started(&self.parameter("criterion")?, Vec::new(), Link::Identity, InputCast::F32)?;
        let identity: Vec<i64> = (0..self.n_features as i64).collect();
        let mut n_values = 0;
        for (at, tree) in trees.iter().enumerate() {
            let plain = PlainTree::read(at, tree)?;
            if is_classifier && plain.n_targets != 1 {
                return Err(ImportError::Unsupported {
                    what: "a classifier of several targets".to_owned(),
                    remedy: "its probabilities are one table a target; save one model a target",
                });
            }
            if model.base.is_empty() {
                model.base = vec![0.0; plain.width()];
            }
            n_values = within(n_values + plain.n_nodes() * plain.width())?;
            model.trees.push(plain.build(&identity, self.n_features, model.base.len(), None, |values| {
                let total: f64 = if is_classifier && is_old { values.iter().sum() } else { 1.0 };
                values.iter().map(|value| value / if total > 0.0 { total } else { 1.0 } * scale).collect()
            })?);
        }
        Ok(model)
    }

    fn boosting(&self) -> Result<Ensemble, ImportError> {
        let loss = self.parameter("loss")?;
        let is_classifier = self.model.class()? == "GradientBoostingClassifier";
        let stages = self.model.attribute("estimators_").items()?;
        let stages = stages.iter().map(Object::items).collect::<Result<Vec<_>, _>>()?;
        let k = stages.first().map_or(1, Vec::len);
        let link = match (is_classifier, loss.as_str(), k) {
            (false, ..) => Link::Identity,
            (true, "exponential", _) => Link::Logistic { slope: 2.0 },
            (true, _, 1) => Link::Logistic { slope: 1.0 },
            (true, ..) => Link::Softmax,
        };
        let rate = self.model.attribute("learning_rate").number()?;
        let mut model =
            self.started(&loss, self.first_prediction(is_classifier, &loss, k)?, link, InputCast::F32)?;
        model
            .origin
            .notes
            .push("scikit-learn refuses missing values here; they are sent to the right".to_owned());
        let identity: Vec<i64> = (0..self.n_features as i64).collect();
        let mut n_values = 0;
        for (at, stage) in stages.iter().enumerate() {
            if stage.len() != k {
                let field = "estimators_".to_owned();
                return Err(ImportError::Length { tree: at, field, found: stage.len(), expected: k });
            }
            for (output, tree) in stage.iter().enumerate() {
                let plain = PlainTree::read(at * k + output, tree)?;
                n_values = within(n_values + plain.n_nodes())?;
                let only = Some(OutputId::at(output));
                model
                    .trees
                    .push(plain.build(&identity, self.n_features, k, only, |values| vec![values[0] * rate])?);
            }
        }
        Ok(model)
    }

    /// What boosting starts from: the raw prediction of `init_`.
    fn first_prediction(&self, is_classifier: bool, loss: &str, k: usize) -> Result<Vec<f64>, ImportError> {
        let init = self.model.attribute("init_");
        if !init.is_something() || init.text().is_ok_and(|text| text == "zero") {
            return Ok(vec![0.0; k]);
        }
        let refused = |class: &str| ImportError::Unsupported {
            what: format!("boosting that starts from a `{class}`"),
            remedy: "only a constant start is read: leave `init` as it is, or set it to \"zero\"",
        };
        match (init.class()?, is_classifier) {
            ("DummyRegressor", false) => init.attribute("constant_").array()?.numbers(""),
            ("DummyClassifier", true) => {
                let prior = init.attribute("class_prior_").array()?.numbers("")?;
                let least = f64::from(f32::EPSILON);
                let prior: Vec<f64> = prior.iter().map(|p| p.clamp(least, 1.0 - least)).collect();
                let logs = || prior.iter().map(|p| p.ln());
                match (prior.as_slice(), k) {
                    ([_, p], 1) => {
                        let logit = (p / (1.0 - p)).ln();
                        Ok(vec![if loss == "exponential" { 0.5 * logit } else { logit }])
                    }
                    (all, _) if all.len() == k => {
                        let mean = logs().sum::<f64>() / k as f64;
                        Ok(logs().map(|log| log - mean).collect())
                    }
                    _ => Err(ImportError::value("init_.class_prior_", "one number a class")),
                }
            }
            (class, _) => Err(refused(class)),
        }
        .and_then(|base| {
            let fits = base.len() == k && base.iter().all(|x| x.is_finite());
            if fits { Ok(base) } else { Err(ImportError::value("init_", "one finite number an output")) }
        })
    }

    fn histogram_boosting(&self) -> Result<Ensemble, ImportError> {
        let loss = self.model.attribute("_loss").class().unwrap_or("unknown").to_owned();
        let link = match loss.as_str() {
            "HalfPoissonLoss" | "HalfGammaLoss" | "HalfTweedieLoss" => Link::Exp,
            "HalfBinomialLoss" => Link::Logistic { slope: 1.0 },
            "HalfMultinomialLoss" => Link::Softmax,
            "HalfSquaredError" | "AbsoluteError" | "PinballLoss" => Link::Identity,
            _ => {
                let what = format!("the loss `{loss}`");
                return Err(ImportError::Unsupported {
                    what,
                    remedy: "its link is not known, so that predictions can't be told",
                });
            }
        };
        let base = self.model.attribute("_baseline_prediction").array()?.numbers("")?;
        if base.is_empty() || base.len() > MAX_OUTPUTS || base.iter().any(|x| !x.is_finite()) {
            return Err(ImportError::value("_baseline_prediction", "one finite number an output"));
        }
        let k = base.len();
        let mut model = self.started(&loss, base, link, InputCast::F64)?;
        let features = self.encoded(&mut model)?;
        let mut n_values = 0;
        for (at, stage) in self.model.attribute("_predictors").items()?.iter().enumerate() {
            let stage = stage.items()?;
            if stage.len() != k {
                let field = "_predictors".to_owned();
                return Err(ImportError::Length { tree: at, field, found: stage.len(), expected: k });
            }
            for (output, tree) in stage.iter().enumerate() {
                let nodes = tree.attribute("nodes").array()?;
                n_values = within(n_values + nodes.len())?;
                let sets = sets(&tree.attribute("raw_left_cat_bitsets").array()?)?;
                let target = Target::One(OutputId::at(output));
                model.trees.push(histogram_tree(at * k + output, &nodes, sets, &features, target)?);
            }
        }
        Ok(model)
    }

    /// Makes categories of the features that are encoded, and tells which feature stands where for the trees: those come
    /// first.
    fn encoded(&self, model: &mut Ensemble) -> Result<Vec<i64>, ImportError> {
        let is_categorical = self.model.attribute("is_categorical_");
        if !is_categorical.is_something() {
            return Ok((0..self.n_features as i64).collect());
        }
        let is_categorical = is_categorical.array()?.ints("")?;
        if is_categorical.len() != self.n_features {
            return Err(ImportError::value("is_categorical_", format!("{} entries", self.n_features)));
        }
        let places = |wanted: i64| {
            let all = is_categorical.iter().enumerate();
            all.filter(move |(_, is)| **is == wanted).map(|(at, _)| at as i64)
        };
        let steps = self.model.attribute("_preprocessor").attribute("transformers_").items()?;
        let encoder = steps.first().map(Object::items).transpose()?.and_then(|step| step.get(1).cloned());
        let encoder =
            encoder.ok_or_else(|| ImportError::Absent { path: "_preprocessor.transformers_".to_owned() })?;
        let categories = encoder.attribute("categories_").items()?;
        if categories.len() != places(1).count() {
            return Err(ImportError::value(encoder.path(), "an encoder of every categorical feature"));
        }
        for (place, categories) in places(1).zip(&categories) {
            let levels = categories.texts()?;
            // A missing category, where there is one, comes last, is no text here, and is read as a missing value.
            let numeric = levels.iter().all(|level| level.parse::<f64>().is_ok());
            let levels = Arc::new(levels);
            model.features[place as usize].kind =
                FeatureKind::Level { levels, numeric, unseen: UnseenLevel::Missing };
        }
        Ok(places(1).chain(places(0)).collect())
    }

    fn isolation(&self) -> Result<Ensemble, ImportError> {
        let trees = self.model.attribute("estimators_").items()?;
        let subsets = self.model.attribute("estimators_features_").items()?;
        if trees.len() != subsets.len() || trees.is_empty() {
            let field = "estimators_features_".to_owned();
            return Err(ImportError::Length { tree: 0, field, found: subsets.len(), expected: trees.len() });
        }
        let normal = average_path_length(self.model.attribute("max_samples_").number()?);
        let link = Link::Isolation { normal };
        let mut model = self.started("isolation", vec![0.0], link, InputCast::F32)?;
        let scale = 1.0 / trees.len() as f64;
        let mut n_values = 0;
        for (at, (tree, subset)) in trees.iter().zip(&subsets).enumerate() {
            let mut plain = PlainTree::read(at, tree)?;
            n_values = within(n_values + plain.n_nodes())?;
            plain.count_steps()?;
            let subset = subset.array()?.ints("")?;
            model
                .trees
                .push(plain.build(&subset, self.n_features, 1, None, |depths| vec![depths[0] * scale])?);
        }
        Ok(model)
    }
}

fn within(n_values: usize) -> Result<usize, ImportError> {
    let (path, limit) = ("nodes of all trees".to_owned(), MAX_VALUES as u64);
    if n_values <= MAX_VALUES {
        Ok(n_values)
    } else {
        Err(ImportError::TooLarge { path, found: n_values as u64, limit })
    }
}

/// The mean path of an unsuccessful search in a binary search tree of so many entries (Liu, Ting & Zhou 2008).
fn average_path_length(n: f64) -> f64 {
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
struct PlainTree {
    at: usize,
    n_targets: usize,
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
    fn read(at: usize, estimator: &Object<'_, '_>) -> Result<Self, ImportError> {
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
        let (n, n_values) = (found.n_nodes(), found.values.len());
        if n == 0 || n_values == 0 || n_values % n != 0 || found.width() > MAX_OUTPUTS {
            return Err(ImportError::Length {
                tree: at,
                field: "values".to_owned(),
                found: n_values,
                expected: n,
            });
        }
        Ok(found)
    }

    fn n_nodes(&self) -> usize {
        self.left.len()
    }

    /// Values of a node.
    fn width(&self) -> usize {
        self.values.len() / self.n_nodes().max(1)
    }

    /// Replaces values by the isolation depth of each node: the steps to it and those that would follow.
    fn count_steps(&mut self) -> Result<(), ImportError> {
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
    fn build(
        &self,
        features: &[i64],
        n_features: usize,
        n_outputs: usize,
        only: Option<OutputId>,
        leaf: impl Fn(&[f64]) -> Vec<f64>,
    ) -> Result<Tree, ImportError> {
        let width = if only.is_some() { 1 } else { n_outputs };
        if self.width() != width {
            let (field, found) = ("values".to_owned(), self.width());
            return Err(ImportError::Length { tree: self.at, field, found, expected: width });
        }
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
fn sets(words: &Array) -> Result<Vec<CategorySet>, ImportError> {
    let words = words.ints("")?;
    let codes = |set: &[i64]| {
        let bits = set.iter().enumerate().flat_map(|(at, &word)| {
            (0..32).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at as u32 * 32 + bit)
        });
        CategorySet::new(bits.collect::<Vec<u32>>(), NegativeFraction::Invalid)
    };
    Ok(words.chunks_exact(8).map(codes).collect())
}

fn histogram_tree(
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
    Tree::build(nodes.len(), features.len(), 1, target, sets.clone(), look)
        .map_err(|cause| ImportError::Tree { tree: at, cause })
}
