//! XGBoost's model, JSON and UBJSON alike: gbtree with dropout, categories, classes, vector leaves.
//!
//! Follows XGBoost's `tree/io_utils.h`, `gbm/gbtree.cc`, `learner.cc` and `common/categorical.h`;
//! checked against models of 1.7.6, 2.1.4 and 3.4.1. Inputs are rounded to `f32`; `x < threshold` goes
//! left; a category in the set goes **right**, an invalid one left; sums are `f32`, base first.

use std::sync::Arc;

use pellucid_data::OutputId;

use super::document::{Place, Value};
use super::error::ImportError;
use super::{MAX_FEATURES, MAX_OUTPUTS};
use crate::Link;
use crate::trees::bind::number_name;
use crate::trees::ensemble::{Ensemble, Feature, FeatureKind, InputCast, Origin, Summation, UnseenLevel};
use crate::trees::node::{
    CategorySet, Missing, NegativeFraction, Side, SourceKind, SourceNode, Target, Test, Tree, TreeError,
};

pub(super) fn ensemble(document: &Value<'_>, format: &'static str) -> Result<Ensemble, ImportError> {
    let root = Place::root(document);
    let learner = root.get("learner");
    let booster = learner.get("gradient_booster");
    let booster_name = booster.get("name").text()?;
    // Up to 3.x, dropout was a booster around the trees; now it is a list beside them.
    let (model, dropout) = match booster_name {
        "gbtree" => (booster.get("model"), booster.get("model").get("weight_drop")),
        "dart" => (booster.get("gbtree").get("model"), booster.get("weight_drop")),
        other => {
            return Err(ImportError::Unsupported {
                what: format!("booster `{other}`"),
                remedy: "it has no trees, and only tree boosters (gbtree, dart) are read",
            });
        }
    };
    let params = learner.get("learner_model_param");
    let features = features(&learner, &model, params.get("num_feature").int()?)?;
    let objective = learner.get("objective").get("name").text()?.to_owned();
    let groups = model.get("tree_info").ints()?;
    let base_scores = base_scores(&params)?;
    let n_outputs = n_outputs(&params, &base_scores, &groups)?;
    let link = link(&objective, n_outputs);
    let weights = if dropout.is_there() { Some(dropout.f32s()?) } else { None };

    let places = model.get("trees").items()?;
    for (field, found) in [("tree_info", Some(groups.len())), ("weight_drop", weights.as_ref().map(Vec::len))]
    {
        if let Some(found) = found.filter(|&found| found != places.len()) {
            let (field, expected) = (format!("{}.{field}", model.path()), places.len());
            return Err(ImportError::Length { tree: 0, field, found, expected });
        }
    }
    let mut trees = Vec::with_capacity(places.len());
    let mut has_covers = true;
    for (at, place) in places.iter().enumerate() {
        let weight = weights.as_ref().map_or(1.0, |w| w[at]);
        let reader = TreeReader { at, n_features: features.len(), n_outputs, group: groups[at], weight };
        let (tree, covered) = reader.read(place)?;
        has_covers &= covered;
        trees.push(tree);
    }
    let version = root.get("version");
    let version = version.ints().ok().map(|v| v.iter().map(i64::to_string).collect::<Vec<_>>().join("."));
    let notes = notes(&learner, weights.is_some(), trees.len());
    let base = base_margins(&objective, &base_scores, n_outputs);
    let named = learner.get("feature_names").items().is_ok_and(|names| !names.is_empty());
    let origin = Origin { library: "XGBoost", format, version, objective, notes };
    let (cast, summation, average_over) = (InputCast::F32, Summation::F32, 1);
    Ok(Ensemble {
        origin,
        features,
        named,
        trees,
        linear: None,
        base,
        average_over,
        link,
        cast,
        summation,
        has_covers,
    })
}

fn notes(learner: &Place<'_, '_>, dropout: bool, n_trees: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if dropout {
        notes.push("trained with dropout; every tree carries its weight".to_owned());
    }
    if let Ok(best) = learner.get("attributes").get("best_iteration").int() {
        notes.push(format!(
            "early stopping found its best at iteration {best}; all {n_trees} trees of the file are used, \
             as XGBoost's Booster.predict does"
        ));
    }
    notes
}

fn n_outputs(params: &Place<'_, '_>, base_scores: &[f32], groups: &[i64]) -> Result<usize, ImportError> {
    let stated = |key: &str| if params.get(key).is_there() { params.get(key).int() } else { Ok(1) };
    let (classes, targets) = (stated("num_class")?, stated("num_target")?);
    let grouped = groups.iter().max().map_or(1, |&g| g.saturating_add(1));
    let n = classes.max(targets).max(grouped).max(base_scores.len() as i64).max(1);
    if groups.iter().any(|&g| g < 0) {
        let (path, limit) = ("number of outputs".to_owned(), MAX_OUTPUTS as u64);
        return Err(ImportError::TooLarge { path, found: n as u64, limit });
    }
    ImportError::within("number of outputs", n, 0..=MAX_OUTPUTS).map(|()| n as usize)
}

/// `"5E-1"` up to 3.0, `"[5E-1,2E-1]"` after.
fn base_scores(params: &Place<'_, '_>) -> Result<Vec<f32>, ImportError> {
    let place = params.get("base_score");
    if !place.is_there() {
        return Ok(vec![0.5]);
    }
    let text = place.text()?.trim();
    let inside = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let parsed: Option<Vec<f32>> =
        inside.split(',').map(|x| x.trim().parse().ok().filter(|x: &f32| x.is_finite())).collect();
    parsed.ok_or_else(|| ImportError::value(place.path(), "a number or a list of numbers"))
}

/// From the scale of predictions, on which they are saved, to margins (`ProbToMargin`), in `f32`.
fn base_margins(objective: &str, scores: &[f32], n_outputs: usize) -> Vec<f64> {
    let log = |x: f32| f64::from(x).ln() as f32;
    let margin = |p: f32| match objective {
        "binary:logistic" | "reg:logistic" => -log(1.0 / p.clamp(1e-6, 1.0 - 1e-6) - 1.0),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => log(p),
        _ => p,
    };
    if objective == "reg:expectileerror" && scores.len() > 1 {
        // Margins are increments: the inverse softplus of the steps between expectiles.
        let steps = scores.windows(2).map(|pair| {
            let step = (pair[1] - pair[0]) - 1e-6;
            f64::from(step + log(-(-f64::from(step)).exp_m1() as f32))
        });
        return std::iter::once(f64::from(scores[0])).chain(steps).collect();
    }
    let each =
        |k: usize| f64::from(margin(scores[if scores.len() == 1 { 0 } else { k.min(scores.len() - 1) }]));
    (0..n_outputs).map(each).collect()
}

fn link(objective: &str, n_outputs: usize) -> Link {
    match objective {
        "binary:logistic" | "reg:logistic" => Link::Logistic { slope: 1.0 },
        "binary:hinge" => Link::Step,
        "multi:softprob" => Link::Softmax,
        "multi:softmax" => Link::ArgMax,
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => Link::Exp,
        "reg:expectileerror" if n_outputs > 1 => Link::ExpectileSteps,
        _ => Link::Identity,
    }
}

fn features(learner: &Place<'_, '_>, model: &Place<'_, '_>, n: i64) -> Result<Vec<Feature>, ImportError> {
    ImportError::within("learner.learner_model_param.num_feature", n, 0..=MAX_FEATURES)?;
    let n = n as usize;
    let texts = |key: &str| -> Result<Vec<String>, ImportError> {
        let place = learner.get(key);
        let items = if place.is_there() { place.items()? } else { Vec::new() };
        let texts: Result<Vec<String>, ImportError> =
            items.iter().map(|i| i.text().map(str::to_owned)).collect();
        let texts = texts?;
        if !texts.is_empty() && texts.len() != n {
            return Err(ImportError::value(place.path(), format!("{n} names, one a feature")));
        }
        Ok(texts)
    };
    let (names, types) = (texts("feature_names")?, texts("feature_types")?);
    let encodings = model.get("cats").get("enc");
    let encodings = if encodings.is_there() { encodings.items()? } else { Vec::new() };
    let mut features = Vec::with_capacity(n);
    for at in 0..n {
        let levels = encodings.get(at).map(levels).transpose()?.flatten();
        let kind = match levels {
            Some((levels, numeric)) => {
                FeatureKind::Level { levels: Arc::new(levels), numeric, unseen: UnseenLevel::Refused }
            }
            None if types.get(at).is_some_and(|t| t == "c") => FeatureKind::Code,
            None => FeatureKind::Number,
        };
        let name = names.get(at).cloned().unwrap_or_else(|| format!("f{at}"));
        features.push(Feature { name, kind });
    }
    Ok(features)
}

/// The categories of one feature in the order of their codes: text as bytes with offsets, or numbers.
fn levels(encoding: &Place<'_, '_>) -> Result<Option<(Vec<String>, bool)>, ImportError> {
    let place = encoding.get("values");
    let values = place.ints()?;
    if !encoding.get("offsets").is_there() {
        let levels: Vec<String> = values.iter().map(|&x| number_name(x as f64)).collect();
        return Ok(if levels.is_empty() { None } else { Some((levels, true)) });
    }
    let offsets = encoding.get("offsets").ints()?;
    if offsets.len() < 2 {
        return Ok(None);
    }
    let bytes: Vec<u8> = values.iter().map(|&x| x as u8).collect();
    let level = |pair: &[i64]| {
        let range = usize::try_from(pair[0]).ok()?..usize::try_from(pair[1]).ok()?;
        String::from_utf8(bytes.get(range)?.to_vec()).ok()
    };
    let levels: Option<Vec<String>> = offsets.windows(2).map(level).collect();
    let levels = levels.ok_or_else(|| ImportError::value(place.path(), "UTF-8 text cut at its offsets"))?;
    Ok(Some((levels, false)))
}

struct TreeReader {
    at: usize,
    n_features: usize,
    n_outputs: usize,
    group: i64,
    /// Dropout's weight of the whole tree.
    weight: f32,
}

impl TreeReader {
    fn length(&self, field: &str, found: usize, expected: usize) -> Result<(), ImportError> {
        if found == expected {
            return Ok(());
        }
        Err(ImportError::Length { tree: self.at, field: field.to_owned(), found, expected })
    }

    fn ints(&self, place: &Place<'_, '_>, field: &str, expected: usize) -> Result<Vec<i64>, ImportError> {
        let values = place.get(field).ints()?;
        self.length(field, values.len(), expected)?;
        Ok(values)
    }

    fn floats(&self, place: &Place<'_, '_>, field: &str, expected: usize) -> Result<Vec<f32>, ImportError> {
        let values = place.get(field).f32s()?;
        self.length(field, values.len(), expected)?;
        Ok(values)
    }

    /// The tree, and whether the file says how much training weight reached each node.
    fn read(&self, place: &Place<'_, '_>) -> Result<(Tree, bool), ImportError> {
        let left = place.get("left_children").ints()?;
        let len = left.len();
        let right = self.ints(place, "right_children", len)?;
        let feature = self.ints(place, "split_indices", len)?;
        let condition = self.floats(place, "split_conditions", len)?;
        let default_left = self.ints(place, "default_left", len)?;
        let covered = place.get("sum_hessian").is_there();
        let cover = if covered { self.floats(place, "sum_hessian", len)? } else { vec![0.0; len] };
        let kinds = if place.get("split_type").is_there() {
            self.ints(place, "split_type", len)?
        } else {
            vec![0; len]
        };
        let (sets, set_of) = self.sets(place, len)?;
        let leaves = self.leaves(place, len)?;

        let look = |node: u32| {
            let at = node as usize;
            let cover = f64::from(cover[at]);
            if left[at] == -1 {
                let values = leaves.values(at, right[at], condition[at], self.n_outputs);
                let values = values.ok_or(TreeError::Child { node, child: right[at], len })?;
                let values = values.iter().map(|&v| f64::from(v * self.weight)).collect();
                return Ok(SourceNode { cover, what: SourceKind::Leaf(values) });
            }
            let missing_left = default_left[at] != 0;
            let what = if kinds[at] == 1 {
                let (test, missing) = (Test::In(set_of[at]), Missing::Goes(Side::of(!missing_left)));
                SourceKind::Split { feature: feature[at], test, missing, yes: right[at], no: left[at] }
            } else {
                let (test, missing) =
                    (Test::Below(f64::from(condition[at])), Missing::Goes(Side::of(missing_left)));
                SourceKind::Split { feature: feature[at], test, missing, yes: left[at], no: right[at] }
            };
            Ok(SourceNode { cover, what })
        };
        let (width, target) = match leaves {
            Leaves::Scalar => (1, Target::One(OutputId::at(self.group as usize))),
            _ => (self.n_outputs, Target::All),
        };
        let tree = Tree::build(len, self.n_features, width, target, sets, look);
        Ok((tree.map_err(|cause| ImportError::Tree { tree: self.at, cause })?, covered))
    }

    /// The category sets, and for each node which of them it asks for.
    fn sets(&self, place: &Place<'_, '_>, len: usize) -> Result<(Vec<CategorySet>, Vec<u32>), ImportError> {
        if !place.get("categories_nodes").is_there() {
            // Files of before 1.3 have no categories; a node that claims one then finds the empty set.
            return Ok((vec![CategorySet::new([], NegativeFraction::Invalid)], vec![0; len]));
        }
        let nodes = place.get("categories_nodes").ints()?;
        let segments = self.ints(place, "categories_segments", nodes.len())?;
        let sizes = self.ints(place, "categories_sizes", nodes.len())?;
        let categories = place.get("categories").ints()?;
        let mut sets = vec![CategorySet::new([], NegativeFraction::Invalid)];
        let mut set_of = vec![0; len];
        for ((&node, &start), &size) in nodes.iter().zip(&segments).zip(&sizes) {
            let end = start.checked_add(size).and_then(|end| usize::try_from(end).ok());
            let range = usize::try_from(start).ok().zip(end);
            let codes = range.and_then(|(start, end)| categories.get(start..end));
            let slot = usize::try_from(node).ok().and_then(|node| set_of.get_mut(node));
            let (Some(codes), Some(slot)) = (codes, slot) else {
                return Err(ImportError::value(
                    place.get("categories_segments").path(),
                    "places inside `categories`",
                ));
            };
            *slot = sets.len() as u32;
            let codes = codes.iter().filter_map(|&code| u32::try_from(code).ok());
            sets.push(CategorySet::new(codes, NegativeFraction::Invalid));
        }
        Ok((sets, set_of))
    }

    fn leaves(&self, place: &Place<'_, '_>, len: usize) -> Result<Leaves, ImportError> {
        let size = place.get("tree_param").get("size_leaf_vector");
        let size = if size.is_there() { size.int()? } else { 1 };
        if size <= 1 {
            return Ok(Leaves::Scalar);
        }
        if size != self.n_outputs as i64 {
            let expected = format!("{}, the number of outputs", self.n_outputs);
            return Err(ImportError::value(place.get("tree_param").get("size_leaf_vector").path(), expected));
        }
        if place.get("leaf_weights").is_there() {
            return Ok(Leaves::ByLeaf(place.get("leaf_weights").f32s()?));
        }
        Ok(Leaves::ByNode(self.floats(place, "base_weights", len.saturating_mul(self.n_outputs))?))
    }
}

/// Where the values of leaves stand.
enum Leaves {
    /// One value, in `split_conditions`.
    Scalar,
    /// Vectors in `leaf_weights`; a leaf's right child is its row (since 3.1).
    ByLeaf(Vec<f32>),
    /// Vectors in `base_weights`, one a node (2.x).
    ByNode(Vec<f32>),
}

impl Leaves {
    fn values(&self, node: usize, right: i64, condition: f32, width: usize) -> Option<Vec<f32>> {
        let (all, row) = match self {
            Self::Scalar => return Some(vec![condition]),
            Self::ByLeaf(all) => (all, usize::try_from(right).ok()?),
            Self::ByNode(all) => (all, node),
        };
        let start = row.checked_mul(width)?;
        all.get(start..start.checked_add(width)?).map(<[f32]>::to_vec)
    }
}
