//! What is to be learned from? Candidate rules as columns of points, a label, and a weight for each point.

use pellucid_data::RowSet;

/// Candidate rules over labelled, weighted points. A rule set predicts 1 where any of its rules holds, else the default 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    columns: Vec<RowSet>,
    label: RowSet,
    weights: Vec<u32>,
    total: u64,
    /// Whether every point weighs 1, so that weights are counts.
    is_unit: bool,
}

/// Why columns, label and weights make no instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// No point has any weight.
    #[error("there is no row with a weight above 0: nothing can be learned")]
    NoPoints,
    /// Sets over different points.
    #[error("a rule is over {found} rows, the label over {wanted}")]
    Lengths {
        /// Points of the rule or the weights.
        found: usize,
        /// Points of the label.
        wanted: usize,
    },
    /// The label is the same everywhere.
    #[error("the label is {0} in every row: there is nothing to tell apart")]
    ConstantLabel(u8),
    /// Costs times weights leave the exact range.
    #[error(
        "weights and costs add up to {found}, more than {most} can't be counted exactly; divide all weights (or both costs) by a common number"
    )]
    TooHeavy {
        /// The larger cost times the total weight.
        found: u128,
        /// The most.
        most: u64,
    },
    /// More rules than can be numbered.
    #[error(
        "{found} candidate rules; at most {most} can be searched: raise --min-support or set --max-rules"
    )]
    TooMany {
        /// Rules given.
        found: usize,
        /// The most.
        most: usize,
    },
}

impl Instance {
    /// The most candidate rules.
    pub const MOST_RULES: usize = 1 << 16;
    /// The most that the larger cost times the total weight may be.
    pub const MOST_WEIGHT: u64 = 1 << 30;

    /// Puts columns, label and weights together.
    ///
    /// # Errors
    /// When they are of different lengths, weigh nothing or too much, or when the label is constant.
    pub fn new(columns: Vec<RowSet>, label: RowSet, weights: Vec<u32>) -> Result<Self, InstanceError> {
        let wanted = label.n_rows();
        let lengths = columns.iter().map(RowSet::n_rows).chain([weights.len()]);
        if let Some(found) = lengths.into_iter().find(|&n| n != wanted) {
            return Err(InstanceError::Lengths { found, wanted });
        }
        if columns.len() > Self::MOST_RULES {
            return Err(InstanceError::TooMany { found: columns.len(), most: Self::MOST_RULES });
        }
        let total: u64 = weights.iter().map(|&w| u64::from(w)).sum();
        let positive: u64 = label.iter().map(|row| u64::from(weights[row])).sum();
        if total == 0 {
            return Err(InstanceError::NoPoints);
        }
        if total > Self::MOST_WEIGHT {
            return Err(InstanceError::TooHeavy { found: u128::from(total), most: Self::MOST_WEIGHT });
        }
        match positive {
            0 => Err(InstanceError::ConstantLabel(0)),
            all if all == total => Err(InstanceError::ConstantLabel(1)),
            _ => {
                let is_unit = weights.iter().all(|&weight| weight == 1);
                Ok(Self { columns, label, weights, total, is_unit })
            }
        }
    }

    /// One set of points a rule.
    #[must_use]
    pub fn columns(&self) -> &[RowSet] {
        &self.columns
    }

    /// How many candidate rules there are.
    #[must_use]
    pub fn n_rules(&self) -> usize {
        self.columns.len()
    }

    /// The points of label 1.
    #[must_use]
    pub fn label(&self) -> &RowSet {
        &self.label
    }

    /// One weight a point.
    #[must_use]
    pub fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// The sum of all weights: N of the papers.
    #[must_use]
    pub fn total_weight(&self) -> u64 {
        self.total
    }

    /// The weight of some points.
    #[must_use]
    pub fn weight_of(&self, points: &RowSet) -> u64 {
        if self.is_unit {
            return points.count() as u64;
        }
        points.iter().map(|row| u64::from(self.weights[row])).sum()
    }

    /// The points at which a rule set predicts 1.
    #[must_use]
    pub fn covered(&self, rules: &[u32]) -> RowSet {
        rules
            .iter()
            .fold(RowSet::empty(self.label.n_rows()), |all, &rule| all.or(&self.columns[rule as usize]))
    }

    /// The same points with other weights (a bootstrap sample is one).
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn reweighted(&self, weights: Vec<u32>) -> Result<Self, InstanceError> {
        Self::new(self.columns.clone(), self.label.clone(), weights)
    }

    /// Only some of the rules, in the given order.
    #[must_use]
    pub fn with_rules(&self, rules: &[u32]) -> Self {
        let columns = rules.iter().map(|&rule| self.columns[rule as usize].clone()).collect();
        Self { columns, label: self.label.clone(), weights: self.weights.clone(), ..*self }
    }
}
