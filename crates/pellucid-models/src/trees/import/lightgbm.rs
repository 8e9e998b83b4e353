//! LightGBM's text model.
//!
//! Follows LightGBM's `include/LightGBM/tree.h`, `src/io/tree.cpp` and `src/boosting/gbdt_model_text.cpp`;
//! checked against models of 3.3.5 and 4.7.0. Inputs stay `f64`, but every `|x| <= 1e-35f` is read as 0;
//! `x <= threshold` goes left; a category in the set goes **left**, NaN and negative ones right; sums are
//! `f64`. Forests (`average_output`) answer raw scores as sums and average only in predictions.

use std::collections::HashMap;
use std::sync::Arc;

use pellucid_data::OutputId;

use super::error::ImportError;
use crate::Link;
use crate::trees::bind::number_name;
use crate::trees::ensemble::{Ensemble, Feature, FeatureKind, InputCast, Origin, Summation, UnseenLevel};
use crate::trees::node::{
    CategorySet, Missing, NegativeFraction, Side, SourceKind, SourceNode, Target, Test, Tree, TreeError,
};

type Lines<'a> = HashMap<&'a str, &'a str>;

pub(super) fn ensemble(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    let text = std::str::from_utf8(bytes).map_err(|e| ImportError::Syntax {
        format: "LightGBM text",
        offset: e.valid_up_to(),
        what: "not UTF-8".to_owned(),
    })?;
    let file = File::split(text)?;
    let header = |key: &str| file.header.get(key).copied();
    let required = |key: &str| header(key).ok_or_else(|| ImportError::Absent { path: key.to_owned() });
    let whole = |key: &str| -> Result<usize, ImportError> {
        let text = required(key)?;
        text.trim().parse().map_err(|_| ImportError::value(key, "a whole number"))
    };
    let n_outputs = whole("num_tree_per_iteration")?;
    if n_outputs == 0 || n_outputs > 100_000 {
        return Err(ImportError::value("num_tree_per_iteration", "between 1 and 100,000"));
    }
    let n_features = whole("max_feature_idx")?.saturating_add(1);
    let features = features(&file, required("feature_names")?, n_features)?;
    // Trained on an array without names, LightGBM writes its own.
    let named = !features.iter().enumerate().all(|(at, feature)| feature.name == format!("Column_{at}"));
    let objective = header("objective").unwrap_or("custom").to_owned();
    let mut trees = Vec::with_capacity(file.trees.len());
    for (at, lines) in file.trees.iter().enumerate() {
        trees.push(TreeReader { at, lines }.read(n_features, OutputId::at(at % n_outputs))?);
    }
    if trees.len() % n_outputs != 0 {
        return Err(ImportError::Length {
            tree: trees.len(),
            field: "trees of the last iteration".to_owned(),
            found: trees.len() % n_outputs,
            expected: n_outputs,
        });
    }
    let averaged = file.header.contains_key("average_output");
    let n_iterations = (trees.len() / n_outputs) as u32;
    let mut notes = Vec::new();
    if averaged {
        notes.push(format!(
            "a random forest: margins are sums over {n_iterations} iterations, as LightGBM reports them; \
             predictions are averages"
        ));
    }
    let origin = Origin {
        library: "LightGBM",
        format: "LightGBM text",
        version: header("version").map(str::to_owned),
        objective: objective.split_whitespace().next().unwrap_or("custom").to_owned(),
        notes,
    };
    Ok(Ensemble {
        origin,
        features,
        named,
        trees,
        linear: None,
        base: vec![0.0; n_outputs],
        average_over: if averaged { n_iterations.max(1) } else { 1 },
        link: link(&objective)?,
        cast: InputCast::F64TinyIsZero,
        summation: Summation::F64,
        has_covers: true,
    })
}

struct File<'a> {
    header: Lines<'a>,
    trees: Vec<Lines<'a>>,
    /// `[key: value]` lines after the trees.
    parameters: Lines<'a>,
    pandas_categorical: Option<&'a str>,
}

impl<'a> File<'a> {
    fn split(text: &'a str) -> Result<Self, ImportError> {
        let mut file = Self {
            header: Lines::new(),
            trees: Vec::new(),
            parameters: Lines::new(),
            pandas_categorical: None,
        };
        let mut ended = false;
        for line in text.lines().map(|line| line.trim_end_matches('\r')) {
            if let Some(levels) = line.strip_prefix("pandas_categorical:") {
                file.pandas_categorical = Some(levels);
            } else if line == "end of trees" {
                ended = true;
            } else if ended {
                let inside = line.strip_prefix('[').and_then(|l| l.strip_suffix(']'));
                if let Some((key, value)) = inside.and_then(|l| l.split_once(':')) {
                    file.parameters.insert(key.trim(), value.trim());
                }
            } else if let Some(number) = line.strip_prefix("Tree=") {
                if number.trim().parse() != Ok(file.trees.len()) {
                    return Err(ImportError::value(
                        &format!("Tree={number}"),
                        format!("Tree={}", file.trees.len()),
                    ));
                }
                file.trees.push(Lines::new());
            } else if !line.is_empty() {
                let (key, value) = line.split_once('=').unwrap_or((line, ""));
                file.trees.last_mut().unwrap_or(&mut file.header).insert(key, value);
            }
        }
        if !ended {
            return Err(ImportError::Syntax {
                format: "LightGBM text",
                offset: text.len(),
                what: "`end of trees` is not there".to_owned(),
            });
        }
        Ok(file)
    }
}

fn link(objective: &str) -> Result<Link, ImportError> {
    let mut words = objective.split_whitespace();
    let name = words.next().unwrap_or("custom");
    let options: Vec<&str> = words.collect();
    let slope = || -> Result<f64, ImportError> {
        let text = options.iter().find_map(|word| word.strip_prefix("sigmoid:")).unwrap_or("1");
        text.parse().map_err(|_| ImportError::value("objective", "`sigmoid:` with a number"))
    };
    Ok(match name {
        "binary" | "multiclassova" => Link::Logistic { slope: slope()? },
        "cross_entropy" => Link::Logistic { slope: 1.0 },
        "cross_entropy_lambda" => Link::Softplus,
        "multiclass" => Link::Softmax,
        "poisson" | "gamma" | "tweedie" => Link::Exp,
        _ if options.contains(&"sqrt") => Link::SignedSquare,
        _ => Link::Identity,
    })
}

fn features(file: &File<'_>, names: &str, n: usize) -> Result<Vec<Feature>, ImportError> {
    let names: Vec<&str> = names.split(' ').collect();
    if names.len() != n {
        return Err(ImportError::value("feature_names", format!("{n} names")));
    }
    let mut kinds = vec![FeatureKind::Number; n];
    let infos: Vec<&str> =
        file.header.get("feature_infos").map_or(Vec::new(), |infos| infos.split(' ').collect());
    // `[low:high]` is numeric, `none` is constant, codes with colons are categories.
    let by_info: Vec<usize> =
        (0..n).filter(|&at| infos.get(at).is_some_and(|i| !i.starts_with('[') && *i != "none")).collect();
    for &at in &by_info {
        kinds[at] = FeatureKind::Code;
    }
    let lists = match file.pandas_categorical.map(str::trim) {
        None | Some("null" | "") => Vec::new(),
        Some(json) => pandas_levels(json)?,
    };
    if !lists.is_empty() {
        // The lists do not say whose they are. The training parameters do, and count constant columns too.
        let listed = file.parameters.get("categorical_feature");
        let by_parameter: Option<Vec<usize>> = listed
            .map(|l| l.split(',').filter_map(|at| at.trim().parse().ok()).filter(|&at| at < n).collect());
        let owners = by_parameter.filter(|owners| owners.len() == lists.len());
        let owners = owners.or(Some(by_info).filter(|owners| owners.len() == lists.len()));
        let Some(owners) = owners else {
            return Err(ImportError::Unsupported {
                what: format!(
                    "`pandas_categorical` has {} lists, and the file does not say of which columns",
                    lists.len()
                ),
                remedy: "save the model again without constant categorical columns",
            });
        };
        for (at, (levels, numeric)) in owners.into_iter().zip(lists) {
            kinds[at] =
                FeatureKind::Level { levels: Arc::new(levels), numeric, unseen: UnseenLevel::Missing };
        }
    }
    let named = names.into_iter().zip(kinds);
    Ok(named.map(|(name, kind)| Feature { name: name.to_owned(), kind }).collect())
}

/// One list of categories a column; numbers are spelled as `f64` prints them.
fn pandas_levels(json: &str) -> Result<Vec<(Vec<String>, bool)>, ImportError> {
    let error = || ImportError::value("pandas_categorical", "lists of categories");
    let lists: Vec<Vec<serde_json::Value>> = serde_json::from_str(json).map_err(|_| error())?;
    let level = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Some((text.clone(), false)),
        serde_json::Value::Number(number) => Some((number_name(number.as_f64()?), true)),
        serde_json::Value::Bool(b) => Some((u8::from(*b).to_string(), true)),
        _ => None,
    };
    let list = |list: &Vec<serde_json::Value>| {
        let levels: Option<Vec<(String, bool)>> = list.iter().map(level).collect();
        let levels = levels?;
        let numeric = !levels.is_empty() && levels.iter().all(|(_, numeric)| *numeric);
        Some((levels.into_iter().map(|(level, _)| level).collect(), numeric))
    };
    lists.iter().map(list).collect::<Option<_>>().ok_or_else(error)
}

struct TreeReader<'f, 'a> {
    at: usize,
    lines: &'f Lines<'a>,
}

impl TreeReader<'_, '_> {
    /// The numbers of a line, `expected` of them.
    fn numbers<T: std::str::FromStr>(&self, field: &str, expected: usize) -> Result<Vec<T>, ImportError> {
        let path = || format!("Tree={} {field}", self.at);
        let line = self.lines.get(field).ok_or_else(|| ImportError::Absent { path: path() })?;
        let parsed: Result<Vec<T>, _> = line.split_ascii_whitespace().map(str::parse).collect();
        let numbers = parsed.map_err(|_| ImportError::value(&path(), "numbers with blanks between them"))?;
        ImportError::length(self.at, field, numbers.len(), expected).map(|()| numbers)
    }

    fn read(&self, n_features: usize, output: OutputId) -> Result<Tree, ImportError> {
        if self.lines.get("is_linear").is_some_and(|flag| flag.trim() == "1") {
            return Err(ImportError::Unsupported {
                what: format!("tree {} has linear models in its leaves", self.at),
                remedy: "Shapley values are defined here for constant leaves only (LightGBM refuses them too); \
                         train with linear_tree=false",
            });
        }
        let n_leaves: usize = self.numbers("num_leaves", 1)?[0];
        if n_leaves == 0 {
            return Err(ImportError::value(&format!("Tree={} num_leaves", self.at), "at least 1"));
        }
        let values: Vec<f64> = self.numbers("leaf_value", n_leaves)?;
        if let Some(leaf) = values.iter().position(|x| !x.is_finite()) {
            return Err(ImportError::value(
                &format!("Tree={} leaf_value", self.at),
                format!("finite at leaf {leaf}"),
            ));
        }
        let target = Target::One(output);
        if n_leaves == 1 {
            return Ok(Tree::one_leaf(values, target));
        }
        let n_splits = n_leaves - 1;
        let feature: Vec<i64> = self.numbers("split_feature", n_splits)?;
        let threshold: Vec<f64> = self.numbers("threshold", n_splits)?;
        let decision: Vec<i64> = self.numbers("decision_type", n_splits)?;
        let left: Vec<i64> = self.numbers("left_child", n_splits)?;
        let right: Vec<i64> = self.numbers("right_child", n_splits)?;
        let leaf_count: Vec<f64> = self.numbers("leaf_count", n_leaves)?;
        let split_count: Vec<f64> = self.numbers("internal_count", n_splits)?;
        let sets = self.sets()?;

        // Splits come first; leaf `~k` of the file is node `n_splits + k`.
        let child = |raw: i64| if raw >= 0 { raw } else { n_splits as i64 + !raw };
        let look = |node: u32| {
            let at = node as usize;
            if at >= n_splits {
                let leaf = at - n_splits;
                return Ok(SourceNode {
                    cover: leaf_count[leaf],
                    what: SourceKind::Leaf(vec![values[leaf]]),
                });
            }
            let (test, missing) = question(decision[at], threshold[at], sets.len())
                .ok_or(TreeError::Number { node, what: "category set", found: threshold[at] })?;
            let (yes, no) = (child(left[at]), child(right[at]));
            // A child that is a split must be one of the splits.
            if let Some(&wrong) = [left[at], right[at]].iter().find(|&&raw| raw >= n_splits as i64) {
                return Err(TreeError::Child { node, child: wrong, len: n_splits });
            }
            let what = SourceKind::Split { feature: feature[at], test, missing, yes, no };
            Ok(SourceNode { cover: split_count[at], what })
        };
        Tree::build(n_splits + n_leaves, n_features, 1, target, sets.clone(), look)
            .map_err(|cause| ImportError::Tree { tree: self.at, cause })
    }

    fn sets(&self) -> Result<Vec<CategorySet>, ImportError> {
        let n: usize = if self.lines.contains_key("num_cat") { self.numbers("num_cat", 1)?[0] } else { 0 };
        if n == 0 {
            return Ok(Vec::new());
        }
        let bounds: Vec<usize> = self.numbers("cat_boundaries", n.saturating_add(1))?;
        let words: Vec<u32> = self.numbers("cat_threshold", bounds[n])?;
        let set = |pair: &[usize]| {
            let words = words.get(pair[0]..pair[1])?;
            let bits = words.iter().enumerate();
            let codes = bits.flat_map(|(at, word)| {
                (0..32).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at as u32 * 32 + bit)
            });
            Some(CategorySet::new(codes, NegativeFraction::Zero))
        };
        let sets: Option<Vec<CategorySet>> = bounds.windows(2).map(set).collect();
        sets.ok_or_else(|| ImportError::value(&format!("Tree={} cat_boundaries", self.at), "growing numbers"))
    }
}

/// `decision_type`: bit 0 categorical, bit 1 default left, bits 2 and 3 the missing type.
fn question(decision: i64, threshold: f64, n_sets: usize) -> Option<(Test, Missing)> {
    if decision & 1 == 1 {
        let set = Some(threshold).filter(|&t| t >= 0.0 && t < n_sets as f64 && t.fract() == 0.0)?;
        return Some((Test::In(set as u32), Missing::Goes(Side::No)));
    }
    let default = Side::of(decision & 2 == 2);
    let missing = match (decision >> 2) & 3 {
        0 => Missing::IsZero,
        1 => Missing::ZeroToo(default),
        2 => Missing::Goes(default),
        _ => return None,
    };
    Some((Test::AtMost(threshold), missing))
}
