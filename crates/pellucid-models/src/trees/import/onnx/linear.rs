//! How does a linear operator become a model? Coefficients by output, and what is done to its scores.
//!
//! Follows the specification of `LinearRegressor` and `LinearClassifier`, and onnxruntime's `linear_classifier.cc`.

use super::super::error::ImportError;
use super::super::{MAX_FEATURES, MAX_OUTPUTS};
use super::Attributes;
use crate::{Linear, Link};

/// What a linear operator says.
pub(super) struct Scores {
    pub(super) linear: Linear,
    pub(super) intercepts: Vec<f64>,
    pub(super) n_features: usize,
    pub(super) link: Link,
}

/// Reads a linear operator whose input has so many columns, if that is known; `is_normalized` if its scores are divided by their
/// sum.
pub(super) fn scores(
    attributes: &Attributes<'_>,
    is_classifier: bool,
    columns: Option<i64>,
    is_normalized: bool,
) -> Result<Scores, ImportError> {
    let mut slopes = attributes.numbers("coefficients")?;
    let mut intercepts = attributes.numbers("intercepts")?;
    let n_classes =
        attributes.texts("classlabels_strings")?.len() + attributes.ints("classlabels_ints")?.len();
    let mut k = if is_classifier {
        if intercepts.is_empty() {
            return Err(ImportError::Absent { path: "intercepts".to_owned() });
        }
        intercepts.len()
    } else {
        let targets = attributes.int("targets")?.unwrap_or(1);
        ImportError::within("targets", targets, 1..=MAX_OUTPUTS)?;
        targets as usize
    };
    if intercepts.is_empty() {
        intercepts = vec![0.0; k];
    }
    ImportError::entries("intercepts", intercepts.len(), k)?;
    ImportError::within("intercepts", k as i64, 1..=MAX_OUTPUTS)?;
    if is_classifier && k != n_classes {
        return Err(ImportError::unsupported(
            format!("a linear classifier with scores of {k} of its {n_classes} classes"),
            "what the others get depends on the runtime; give coefficients of every class, as converters do",
        ));
    }
    let n_features = columns.map_or(slopes.len() / k, |columns| columns as usize);
    ImportError::within("coefficients of an output", n_features as i64, 0..=MAX_FEATURES)?;
    ImportError::entries("coefficients", slopes.len(), k * n_features)?;
    let transform = attributes.text("post_transform", "NONE")?;
    // Converters give two classes a score and its negative: that is one score.
    let is_pair = is_classifier && k == 2 && {
        let (first, second) = slopes.split_at(n_features);
        intercepts[0] == -intercepts[1] && first.iter().zip(second).all(|(one, other)| *one == -other)
    };
    if !is_classifier && k == 1 && transform != "NONE" {
        let what = format!("a linear regressor of one target with post_transform {transform}");
        return Err(ImportError::unsupported(
            what,
            "onnxruntime leaves it out, which is hardly meant; give NONE",
        ));
    }
    let link = match (transform, is_normalized) {
        ("NONE", false) => Link::Identity,
        ("LOGISTIC", false) => Link::Logistic { slope: 1.0 },
        ("LOGISTIC", true) if is_pair => Link::Logistic { slope: 1.0 },
        ("LOGISTIC", true) if k > 1 => Link::OneVsRest { even: false },
        // Two scores that are negatives are twice as far apart as the one.
        ("SOFTMAX", _) if is_pair => Link::Logistic { slope: 2.0 },
        ("SOFTMAX", _) if k > 1 => Link::Softmax,
        ("NONE" | "LOGISTIC" | "SOFTMAX", _) => {
            let what = format!(
                "post_transform {transform} of {k} scores{}",
                if is_normalized { ", normalized" } else { "" }
            );
            return Err(ImportError::unsupported(
                what,
                "its answers are hardly meant; convert the model again",
            ));
        }
        _ => {
            let what = format!("post_transform {transform}");
            return Err(ImportError::unsupported(what, "NONE, LOGISTIC and SOFTMAX are read"));
        }
    };
    if is_pair {
        slopes.drain(..n_features);
        intercepts.remove(0);
        k = 1;
    }
    if intercepts.iter().any(|x| !x.is_finite()) {
        return Err(ImportError::value("intercepts", "finite numbers"));
    }
    let linear = Linear::new(slopes, k, n_features);
    let linear = linear.ok_or_else(|| ImportError::value("coefficients", "finite numbers"))?;
    Ok(Scores { linear, intercepts, n_features, link })
}
