//! Linear models: slopes (`coef_`), an intercept, and the way from scores to what is predicted.
//!
//! Follows `sklearn/linear_model` (`_base.py`, `_glm/glm.py`, `_logistic.py`, `_stochastic_gradient.py`, `_ridge.py`), `svm/_classes.py` and
//! `discriminant_analysis.py`: the margin is `X @ coef_.T + intercept_`, the decision function of classifiers.

use super::super::error::ImportError;
use super::super::{MAX_FEATURES, MAX_OUTPUTS, MAX_VALUES};
use super::{NO_LINK, Reader};
use crate::trees::ensemble::{Ensemble, InputCast};
use crate::{Linear, Link};

/// What the margin of a linear model is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scores {
    /// The prediction.
    Targets,
    /// The linear predictor of a generalized linear model.
    Predictor,
    /// Log-odds of classes.
    LogOdds,
    /// Log-odds, or what only tells classes apart, as the loss says.
    ByLoss,
    /// What only tells classes apart.
    Classes,
}

fn scores(class: &str) -> Option<Scores> {
    Some(match class {
        "LinearRegression"
        | "Ridge"
        | "RidgeCV"
        | "Lasso"
        | "LassoCV"
        | "ElasticNet"
        | "ElasticNetCV"
        | "MultiTaskLasso"
        | "MultiTaskLassoCV"
        | "MultiTaskElasticNet"
        | "MultiTaskElasticNetCV"
        | "Lars"
        | "LarsCV"
        | "LassoLars"
        | "LassoLarsCV"
        | "LassoLarsIC"
        | "OrthogonalMatchingPursuit"
        | "OrthogonalMatchingPursuitCV"
        | "BayesianRidge"
        | "ARDRegression"
        | "SGDRegressor"
        | "PassiveAggressiveRegressor"
        | "HuberRegressor"
        | "TheilSenRegressor"
        | "QuantileRegressor"
        | "LinearSVR" => Scores::Targets,
        "PoissonRegressor" | "GammaRegressor" | "TweedieRegressor" => Scores::Predictor,
        "LogisticRegression" | "LogisticRegressionCV" | "LinearDiscriminantAnalysis" => Scores::LogOdds,
        "SGDClassifier" => Scores::ByLoss,
        "Perceptron"
        | "PassiveAggressiveClassifier"
        | "RidgeClassifier"
        | "RidgeClassifierCV"
        | "LinearSVC" => Scores::Classes,
        _ => return None,
    })
}

/// Whether a class is one of those that are read here.
pub(super) fn knows(class: &str) -> bool {
    scores(class).is_some()
}

impl Reader<'_, '_, '_> {
    pub(super) fn linear(&self) -> Result<Ensemble, ImportError> {
        let class = self.model.class()?;
        let slopes = self.model.attribute("coef_");
        if slopes.class().is_ok_and(|class| class.ends_with("_matrix") || class.ends_with("_array")) {
            return Err(ImportError::unsupported("sparse coefficients", "call `densify()` before saving"));
        }
        let array = slopes.array()?;
        let (k, n_features) = match *array.shape {
            [n] => (1, n),
            [k, n] => (k, n),
            _ => return Err(ImportError::value("coef_", "a vector, or a row for each output")),
        };
        ImportError::within("coef_", n_features as i64, 0..=MAX_FEATURES)?;
        ImportError::within("rows of `coef_`", k as i64, 1..=MAX_OUTPUTS)?;
        ImportError::within("entries of `coef_`", array.len() as i64, 0..=MAX_VALUES)?;
        let linear = Linear::new(array.numbers("")?, k, n_features);
        let linear = linear.ok_or_else(|| ImportError::value("coef_", "finite numbers"))?;
        let link = self.link(scores(class).unwrap_or(Scores::Targets), k)?;
        let mut model = self.started(class, self.intercepts(k)?, link, InputCast::F64Finite)?;
        if model.features.len() != n_features {
            return Err(ImportError::value("coef_", format!("{} columns", model.features.len())));
        }
        model.linear = Some(linear);
        model.has_covers = false;
        Ok(model)
    }

    fn intercepts(&self, k: usize) -> Result<Vec<f64>, ImportError> {
        let intercept = self.model.attribute("intercept_");
        let found = match intercept.number() {
            Ok(one) => vec![one; k],
            Err(_) => intercept.array()?.numbers("")?,
        };
        let found = if found.len() == 1 { vec![found[0]; k] } else { found };
        let fits = found.len() == k && found.iter().all(|x| x.is_finite());
        if fits { Ok(found) } else { Err(ImportError::value("intercept_", "one finite number an output")) }
    }

    fn is_of_labels(&self) -> bool {
        let kind = self.model.attribute("_label_binarizer").attribute("y_type_").text();
        kind.is_ok_and(|kind| kind.starts_with("multilabel"))
    }

    fn link(&self, scores: Scores, k: usize) -> Result<Link, ImportError> {
        let told = |name: &str| self.model.attribute(name).text().unwrap_or_default();
        let one = Link::Logistic { slope: 1.0 };
        Ok(match (scores, k) {
            (Scores::Targets, _) => Link::Identity,
            (Scores::Predictor, _) => {
                let link = self.model.attribute("_base_loss").attribute("link");
                match link.class().unwrap_or("unknown") {
                    "LogLink" => Link::Exp,
                    "IdentityLink" => Link::Identity,
                    other => return Err(ImportError::unsupported(format!("the link `{other}`"), NO_LINK)),
                }
            }
            // Before 1.8 two classes could be told to have a softmax of the score and its negative.
            (Scores::LogOdds, 1) if told("multi_class") == "multinomial" => Link::Logistic { slope: 2.0 },
            (Scores::LogOdds, 1) => one,
            (Scores::LogOdds, _) if told("multi_class") == "ovr" || told("solver") == "liblinear" => {
                Link::OneVsRest { even: true }
            }
            (Scores::LogOdds, _) => Link::Softmax,
            (Scores::ByLoss, 1) if ["log_loss", "log"].contains(&told("loss").as_str()) => one,
            (Scores::ByLoss, _) if ["log_loss", "log"].contains(&told("loss").as_str()) => {
                Link::OneVsRest { even: true }
            }
            (Scores::ByLoss | Scores::Classes, 1) => Link::Step,
            // Labels that may all hold: each score is asked by itself.
            (Scores::Classes, _) if self.is_of_labels() => Link::Step,
            (Scores::ByLoss | Scores::Classes, _) => Link::Largest,
        })
    }
}
