//! What is asked of a table before anything is searched? Plain values with the defaults of all faces.

use std::str::FromStr;

use pellucid_data::Ratio;
use pellucid_data::binarize::{Binarizing, Cuts, Polarity};
use pellucid_data::ratio::RatioError;

use super::TaskError;
use crate::mine::{Keep, Mining, Rank};

/// Candidates that are kept unless the user says otherwise.
pub(super) const MOST_RULES: usize = 500;

/// What is learned from a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOptions {
    /// The column to predict.
    pub target: String,
    /// The value of it that rules predict; without, 1 or the rarer of two.
    pub positive: Option<String>,
    /// A column of whole numbers: how many rows a row stands for.
    pub weights: Option<String>,
    /// Columns that rules may not use.
    pub drop: Vec<String>,
    /// Columns of which a larger (`true`) or smaller value may only lead towards the prediction.
    pub monotone: Vec<(String, bool)>,
    /// λ: what a rule costs, beside the share of errors.
    pub lambda: Ratio,
    /// What a false positive and a false negative cost.
    pub cost: (u32, u32),
    /// Whether conditions are also negated.
    pub polarity: Polarity,
    /// Where numbers are cut.
    pub cuts: Cuts,
    /// Into how many parts numbers are cut, at most.
    pub bins: usize,
    /// Groups of a column's categories, beside the single ones.
    pub groups: usize,
    /// Whether a missing value is a condition of its own.
    pub missing: bool,
    /// In how many rows a rule holds, at least.
    pub min_support: Support,
    /// The most conditions of a rule.
    pub max_conditions: usize,
    /// The most candidates; without, 500, and a note where there were more.
    pub max_rules: Option<usize>,
    /// Which conjunctions of the same rows are kept.
    pub keep: Keep,
    /// Which candidates stay where there are more.
    pub rank: Rank,
}

impl TaskOptions {
    /// With the defaults that users type nothing for.
    #[must_use]
    pub fn new(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            positive: None,
            weights: None,
            drop: Vec::new(),
            monotone: Vec::new(),
            lambda: Ratio::new(1, 100).unwrap_or(Ratio::ONE),
            cost: (1, 1),
            polarity: Polarity::Positive,
            cuts: Cuts::Quantile,
            bins: 5,
            groups: 0,
            missing: true,
            min_support: Support::Share(Ratio::new(1, 100).unwrap_or(Ratio::ONE)),
            max_conditions: 2,
            max_rules: None,
            keep: Keep::All,
            rank: Rank::Gain,
        }
    }

    /// How columns become literals.
    pub(super) fn binarizing(&self, min_support: u64) -> Binarizing {
        Binarizing {
            polarity: self.polarity,
            cuts: self.cuts,
            bins: self.bins,
            groups: self.groups,
            missing: self.missing,
            min_support,
        }
    }

    /// How literals become candidates.
    pub(super) fn mining(&self, min_support: u64) -> Mining {
        Mining {
            max_conditions: self.max_conditions,
            min_support,
            max_rules: Some(self.max_rules.unwrap_or(MOST_RULES)),
            keep: self.keep,
            rank: self.rank,
        }
    }
}

/// A number of rows, or a share of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// So many rows.
    Count(u64),
    /// This share of them.
    Share(Ratio),
}

/// Why a text is no number of rows and no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SupportError {
    /// A fraction that is none.
    #[error(transparent)]
    Ratio(#[from] RatioError),
    /// A share of more than all, or less than none.
    #[error("a share is between 0 and 1; a count has no decimal point")]
    Share,
    /// Neither.
    #[error("write a count (30) or a share with a decimal point (0.01)")]
    Text,
}

impl FromStr for Support {
    type Err = SupportError;

    /// `30` is a count; what has a decimal point or a slash is a share.
    fn from_str(text: &str) -> Result<Self, SupportError> {
        if text.contains(['.', '/']) {
            let share: Ratio = text.parse()?;
            if share < Ratio::ZERO || share > Ratio::ONE {
                return Err(SupportError::Share);
            }
            return Ok(Self::Share(share));
        }
        text.parse().map(Self::Count).map_err(|_| SupportError::Text)
    }
}

impl Support {
    /// In rows of a total weight, rounded up: a share is a least share.
    pub(super) fn of(self, total: u64) -> Result<u64, TaskError> {
        match self {
            Self::Count(n) => Ok(n),
            Self::Share(share) => {
                let exact = share.times(Ratio::whole(i64::try_from(total).unwrap_or(i64::MAX)))?;
                Ok(u64::try_from(-Ratio::ZERO.minus(exact)?.floor()).unwrap_or(u64::MAX))
            }
        }
    }
}
