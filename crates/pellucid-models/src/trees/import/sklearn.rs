//! scikit-learn's trees (forests, extra trees, gradient boosting, histogram boosting, isolation forests) and linear models, saved with skops.
//!
//! Follows `sklearn/tree/_tree.pyx` (inputs rounded to `f32`, `x <= threshold` goes left, a missing value where the node says),
//! `ensemble/_gb.py` (the prediction of `init_`, then learning rate times value, stage by stage), `_hist_gradient_boosting/_predictor.pyx`
//! (inputs as they are; category codes by bit sets) and `_iforest.py`; checked against models of 1.9.1.
//! Margins are means over the trees of a forest (probabilities of all classes, for classifiers), raw predictions of
//! boosting, and the mean isolation depth that shap explains.

mod linear;
mod trees;

use std::collections::HashSet;
use std::sync::Arc;

use pellucid_data::OutputId;
use trees::{PlainTree, average_path_length, histogram_tree, sets, within};

use super::error::ImportError;
use super::json;
use super::skops::{Members, Object};
use super::{MAX_FEATURES, MAX_OUTPUTS};
use crate::Link;
use crate::trees::ensemble::{Ensemble, Feature, FeatureKind, InputCast, Origin, Summation, UnseenLevel};
use crate::trees::node::Target;

const OTHERS: &str = "of scikit-learn, decision trees, random forests, extra trees, gradient boosting, histogram gradient \
     boosting, isolation forests and linear models are read; save the model itself, without a pipeline around it";

const NO_LINK: &str = "its link is not known, so that predictions can't be told";

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
        _ if is_own && linear::knows(class) => reader.linear(),
        _ => Err(ImportError::unsupported(format!("`{}.{class}`", model.module()?), OTHERS)),
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
        ImportError::within("n_features_in_", n_features as i64, 0..=MAX_FEATURES)?;
        Ok(Self { model, n_features })
    }

    /// A model without trees.
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
            linear: None,
            base,
            average_over: 1,
            link,
            cast,
            summation: Summation::F64FromBase,
            has_covers: true,
        })
    }

    /// Every feature in its own place.
    fn in_order(&self) -> Vec<i64> {
        (0..self.n_features as i64).collect()
    }

    /// A text among the model's parameters, or its class where there is no such parameter.
    fn parameter(&self, name: &str) -> Result<String, ImportError> {
        let found = self.model.attribute(name);
        if found.is_something() { found.text() } else { Ok(self.model.class()?.to_owned()) }
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
        let identity = self.in_order();
        let mut n_values = 0;
        for (at, tree) in trees.iter().enumerate() {
            let plain = PlainTree::read(at, tree)?;
            if is_classifier && plain.n_targets != 1 {
                return Err(ImportError::unsupported(
                    "a classifier of several targets",
                    "its probabilities are one table a target; save one model a target",
                ));
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
            (true, "exponential", 1) => Link::Logistic { slope: 2.0 },
            (true, "log_loss" | "deviance", 1) => Link::Logistic { slope: 1.0 },
            (true, "log_loss" | "deviance", _) => Link::Softmax,
            _ => return Err(ImportError::unsupported(format!("the loss `{loss}` of {k} scores"), NO_LINK)),
        };
        let rate = self.model.attribute("learning_rate").number()?;
        let mut model = self.started(
            &loss,
            self.first_prediction(is_classifier, &loss, k)?,
            link,
            InputCast::F32Present,
        )?;
        let identity = self.in_order();
        let mut n_values = 0;
        for (at, stage) in stages.iter().enumerate() {
            ImportError::length(at, "estimators_", stage.len(), k)?;
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
        match (init.class()?, is_classifier) {
            ("DummyRegressor", false) => init.attribute("constant_").array()?.numbers(""),
            ("DummyClassifier", true) if init.attribute("strategy").text()? == "prior" => {
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
            (class, _) => Err(ImportError::unsupported(
                format!("boosting that starts from a `{class}`"),
                "only a constant start is read: leave `init` as it is, or set it to \"zero\"",
            )),
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
                return Err(ImportError::unsupported(what, NO_LINK));
            }
        };
        let base = self.model.attribute("_baseline_prediction").array()?.numbers("")?;
        if base.is_empty() || base.len() as i64 > MAX_OUTPUTS || base.iter().any(|x| !x.is_finite()) {
            return Err(ImportError::value("_baseline_prediction", "one finite number an output"));
        }
        let k = base.len();
        let mut model = self.started(&loss, base, link, InputCast::F64)?;
        let features = self.encoded(&mut model)?;
        let mut n_values = 0;
        for (at, stage) in self.model.attribute("_predictors").items()?.iter().enumerate() {
            let stage = stage.items()?;
            ImportError::length(at, "_predictors", stage.len(), k)?;
            for (output, tree) in stage.iter().enumerate() {
                let nodes = tree.attribute("nodes").array()?;
                n_values = within(n_values + nodes.len())?;
                let sets = sets(&tree.attribute("raw_left_cat_bitsets").array()?)?;
                n_values = within(n_values + 8 * sets.len())?;
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
            return Ok(self.in_order());
        }
        let is_categorical = is_categorical.array()?.ints("")?;
        if is_categorical.len() != self.n_features {
            return Err(ImportError::value("is_categorical_", format!("{} entries", self.n_features)));
        }
        let places = |wanted: i64| {
            let all = is_categorical.iter().enumerate();
            all.filter(move |(_, is)| **is == wanted).map(|(at, _)| at as i64)
        };
        let encoder = self.model.attribute("_preprocessor");
        if !encoder.is_something() {
            return Err(ImportError::unsupported(
                "histogram boosting with categories, of scikit-learn before 1.4",
                "it keeps them in another way; train and save it with a newer version",
            ));
        }
        let steps = encoder.attribute("transformers_").items()?;
        let encoder = steps.first().map(Object::items).transpose()?.and_then(|step| step.get(1).cloned());
        let encoder =
            encoder.ok_or_else(|| ImportError::Absent { path: "_preprocessor.transformers_".to_owned() })?;
        let categories = encoder.attribute("categories_").items()?;
        if categories.len() != places(1).count() {
            return Err(ImportError::value(encoder.path(), "an encoder of every categorical feature"));
        }
        for (place, categories) in places(1).zip(&categories) {
            let (levels, numeric) = categories.levels()?;
            let distinct: HashSet<&String> = levels.iter().collect();
            if distinct.len() != levels.len() {
                return Err(ImportError::unsupported(
                    "whole numbers as categories that are equal as 64-bit floats",
                    "tables can't tell them apart; train with texts",
                ));
            }
            let levels = Arc::new(levels);
            model.features[place as usize].kind =
                FeatureKind::Level { levels, numeric, unseen: UnseenLevel::Missing };
        }
        Ok(places(1).chain(places(0)).collect())
    }

    fn isolation(&self) -> Result<Ensemble, ImportError> {
        let trees = self.model.attribute("estimators_").items()?;
        let subsets = self.model.attribute("estimators_features_").items()?;
        if trees.is_empty() {
            return Err(ImportError::Absent { path: "estimators_[0]".to_owned() });
        }
        ImportError::length(0, "estimators_features_", subsets.len(), trees.len())?;
        let n_samples = self.model.attribute("max_samples_").count()?;
        ImportError::within("max_samples_", n_samples as i64, 1..=i64::MAX)?;
        let normal = average_path_length(n_samples as f64);
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
