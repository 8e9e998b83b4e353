//! How does a margin become a prediction? One inverse link a training objective.

/// The scale on which outputs are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The raw sum of the model: log-odds, log-mean, score.
    Margin,
    /// What the training library's `predict` answers: probability, mean, class.
    Prediction,
}

/// The map from margins to predictions, named after what it does rather than after the objective.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Link {
    /// The margin is the prediction.
    Identity,
    /// `1 / (1 + exp(-slope · margin))`, each output on its own.
    Logistic {
        /// LightGBM's `sigmoid`; 1 elsewhere.
        slope: f64,
    },
    /// Probabilities of classes, `exp(margin) / Σ exp(margin)`.
    Softmax,
    /// Each class against the rest: `1 / (1 + exp(-margin))`, divided by their sum.
    OneVsRest {
        /// Where none of them is anything: whether all classes are equally likely (scikit-learn), or none is (ONNX).
        even: bool,
    },
    /// The class with the largest margin, as its number.
    ArgMax,
    /// The same, of scores that are no log-odds.
    Largest,
    /// `exp(margin)`: rates, means of positive targets, hazards, survival times.
    Exp,
    /// 1 where the margin is above 0, else 0.
    Step,
    /// `sign(margin) · margin²`: LightGBM's `reg_sqrt`.
    SignedSquare,
    /// `log(1 + exp(margin))`: LightGBM's `cross_entropy_lambda`.
    Softplus,
    /// `-2^(-margin / normal)`: the score of an isolation forest from its mean depth (scikit-learn's `score_samples`).
    Isolation {
        /// The mean depth of a search tree of as many rows as a tree was trained on.
        normal: f64,
    },
    /// XGBoost's expectiles of several alphas: the first margin, then growing by the softplus of each next,
    /// and by 1e-6 so that no two are equal.
    ExpectileSteps,
}

impl Link {
    /// Maps the margins of one row to predictions; [`Link::ArgMax`] and [`Link::Largest`] answer with one number.
    #[must_use]
    pub fn predictions(self, margins: &[f64]) -> Vec<f64> {
        let each = |f: fn(f64) -> f64| margins.iter().map(|&m| f(m)).collect();
        match self {
            Self::Identity => margins.to_vec(),
            Self::Logistic { slope } => margins.iter().map(|m| 1.0 / (1.0 + (-slope * m).exp())).collect(),
            Self::Softmax => {
                let top = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = margins.iter().map(|m| (m - top).exp()).collect();
                let total: f64 = weights.iter().sum();
                weights.iter().map(|w| w / total).collect()
            }
            Self::OneVsRest { even } => {
                // Far below, 1 + exp(-m) is infinite before exp(m) is nothing.
                let one = |&m: &f64| if m < -700.0 { m.exp() } else { 1.0 / (1.0 + (-m).exp()) };
                let each: Vec<f64> = margins.iter().map(one).collect();
                let total: f64 = each.iter().sum();
                let nothing = if even { 1.0 / each.len() as f64 } else { 0.0 };
                each.iter().map(|p| if total > 0.0 { p / total } else { nothing }).collect()
            }
            Self::ArgMax | Self::Largest => {
                let best =
                    (1..margins.len()).fold(0, |best, k| if margins[k] > margins[best] { k } else { best });
                vec![best as f64]
            }
            Self::Exp => each(f64::exp),
            Self::Step => each(|m| f64::from(m > 0.0)),
            Self::SignedSquare => each(|m| m * m.abs()),
            Self::Softplus => each(softplus),
            // Trees of one row each have no depth to compare with: scikit-learn answers a half.
            Self::Isolation { normal: 0.0 } => margins.iter().map(|_| -0.5).collect(),
            Self::Isolation { normal } => margins.iter().map(|m| -(-m / normal).exp2()).collect(),
            Self::ExpectileSteps => {
                let mut level = 0.0;
                let step = |(k, &m): (usize, &f64)| {
                    level += if k == 0 { m } else { softplus(m) + 1e-6 };
                    level
                };
                margins.iter().enumerate().map(step).collect()
            }
        }
    }

    /// How many predictions a row of `n_outputs` margins has.
    #[must_use]
    pub fn n_predictions(self, n_outputs: usize) -> usize {
        if matches!(self, Self::ArgMax | Self::Largest) { 1 } else { n_outputs }
    }

    /// What a margin is called on an axis.
    #[must_use]
    pub fn margin_unit(self) -> &'static str {
        match self {
            Self::Logistic { .. } | Self::OneVsRest { .. } => "log-odds",
            Self::Softmax | Self::ArgMax => "log-odds, unnormalized",
            Self::Exp => "log scale",
            Self::Isolation { .. } => "isolation depth",
            _ => "model output",
        }
    }

    /// Whether predictions are probabilities.
    #[must_use]
    pub fn is_probability(self) -> bool {
        matches!(self, Self::Logistic { .. }) || self.is_of_all_classes()
    }

    /// Whether each prediction is a probability that depends on the margins of all classes.
    #[must_use]
    pub fn is_of_all_classes(self) -> bool {
        matches!(self, Self::Softmax | Self::OneVsRest { .. })
    }
}

fn softplus(m: f64) -> f64 {
    m.max(0.0) + (-m.abs()).exp().ln_1p()
}
