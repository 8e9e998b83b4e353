//! What is a good rule set, and when are two of them the same? Written down once, and carried in every result.
//!
//! A rule set S is a disjunction of rules: it predicts 1 where any rule holds, and the default label 0 elsewhere. Its
//! objective is (c_FP·FP + c_FN·FN) / W + λ·|S|, with FP and FN the weights of false positives and negatives, W the weight
//! of all points, and |S| the number of rules (Ciaperoni, Xiao & Gionis, KDD 2024, section 2, with costs and weights).
//! All of it is computed in integers: the cost of errors is one, and thresholds on it are floors of exact fractions. A
//! set whose objective equals the bound is in.

use pellucid_data::Ratio;
use pellucid_data::ratio::RatioError;

/// The price of errors and of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objective {
    /// What a false positive costs.
    pub false_positive: u32,
    /// What a false negative costs.
    pub false_negative: u32,
    /// λ: what a rule costs.
    pub lambda: Ratio,
}

/// Why an objective or a bound makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SemanticsError {
    /// λ is not positive.
    #[error("λ is {0}; it must be above 0: a rule that costs nothing makes every superset as good")]
    Lambda(Ratio),
    /// A cost is zero.
    #[error("costs are {0}:{1}; both must be at least 1: an error that costs nothing is no error")]
    Costs(u32, u32),
    /// Numbers that are too long.
    #[error(transparent)]
    Ratio(#[from] RatioError),
    /// Costs times weights leave the exact range.
    #[error(transparent)]
    TooHeavy(#[from] crate::InstanceError),
    /// The caller asked to stop.
    #[error("stopped while the candidate rules were laid out for the search")]
    Stopped,
    /// An identity that compares sets, and more of them than can be held.
    #[error(
        "more than {most} different sets would have to be held to tell which are one; lower θ, or use the identity `subset`"
    )]
    Held {
        /// The most.
        most: usize,
    },
    /// More memory than allowed.
    #[error(
        "{needs} bytes are needed, and {most} are allowed: raise the limit, or ask for less (fewer candidate rules, fewer draws)"
    )]
    Memory {
        /// Bytes of the rules.
        needs: usize,
        /// Bytes allowed.
        most: usize,
    },
}

impl Objective {
    /// Errors cost 1 each, a rule costs λ.
    ///
    /// # Errors
    /// When λ is not above 0.
    pub fn new(lambda: Ratio) -> Result<Self, SemanticsError> {
        Self::with_costs(lambda, 1, 1)
    }

    /// False positives and false negatives have their own costs.
    ///
    /// # Errors
    /// When λ or a cost is not above 0.
    pub fn with_costs(
        lambda: Ratio,
        false_positive: u32,
        false_negative: u32,
    ) -> Result<Self, SemanticsError> {
        if lambda <= Ratio::ZERO {
            return Err(SemanticsError::Lambda(lambda));
        }
        if false_positive == 0 || false_negative == 0 {
            return Err(SemanticsError::Costs(false_positive, false_negative));
        }
        Ok(Self { false_positive, false_negative, lambda })
    }

    /// The objective of a set of `size` rules whose errors cost `errors`, over points of the given total weight.
    ///
    /// # Errors
    /// When the fraction does not fit into 128 bits.
    pub fn value(&self, errors: i64, size: usize, total_weight: u64) -> Result<Ratio, RatioError> {
        let loss = Ratio::new(i128::from(errors), i128::from(total_weight)).ok_or(RatioError::Overflow)?;
        let size = i64::try_from(size).map_err(|_| RatioError::Overflow)?;
        loss.plus(self.lambda.times(Ratio::whole(size))?)
    }

    /// The most that errors of a set of `size` rules may cost for its objective to be at most `theta`: a floor, exact.
    ///
    /// # Errors
    /// When the fraction does not fit into 128 bits.
    pub fn most_errors(&self, theta: Ratio, size: usize, total_weight: u64) -> Result<i64, RatioError> {
        let size = i64::try_from(size).map_err(|_| RatioError::Overflow)?;
        let weight = i64::try_from(total_weight).map_err(|_| RatioError::Overflow)?;
        let slack = theta.minus(self.lambda.times(Ratio::whole(size))?)?;
        // Beyond the range every comparison comes out the same.
        Ok(i64::try_from(slack.times(Ratio::whole(weight))?.floor().clamp(-(1 << 40), 1 << 40)).unwrap_or(0))
    }
}

/// How near to the best a set must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// The objective is at most this.
    Absolute(Ratio),
    /// At most the best objective plus this.
    Above(Ratio),
    /// At most the best objective times this.
    Times(Ratio),
}

/// When two rule sets are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Identity {
    /// When they have the same rules; rules with equal columns are different rules.
    #[default]
    Subset,
    /// When they have the same columns: of rules with equal columns only the first takes part.
    Columns,
    /// When they predict the same at every point of the data.
    Predictions,
    /// As subsets of distinct columns, and only those sets count in which every rule covers a point that no other rule
    /// of the set covers.
    Irredundant,
}

impl Identity {
    /// All of them with the words that users type.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("subset", Self::Subset),
        ("columns", Self::Columns),
        ("predictions", Self::Predictions),
        ("irredundant", Self::Irredundant),
    ];

    /// The word that users type.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, identity)| *identity == self).map_or("subset", |(name, _)| name)
    }
}

/// Which rule sets are nearly as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// θ: the most that the objective may be.
    pub theta: Ratio,
    /// Whether the empty set (which predicts the default everywhere) takes part.
    pub include_empty: bool,
    /// When two sets are one.
    pub identity: Identity,
    /// The most rules of a set, where there is such a limit.
    pub max_size: Option<usize>,
}

impl Within {
    /// All sets up to `theta`, the empty one too, by subset.
    #[must_use]
    pub fn new(theta: Ratio) -> Self {
        Self { theta, include_empty: true, identity: Identity::Subset, max_size: None }
    }
}
