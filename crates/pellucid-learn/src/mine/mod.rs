//! Which rules may a rule set consist of? Conjunctions of literals that hold often enough.
//!
//! A depth-first search over literals with bit sets (Eclat: Zaki 2000). Candidates are ordered by falling support, then by
//! their literals, so that the same table gives the same numbers to the same rules.

mod guard;

use pellucid_data::binarize::{LiteralColumn, Test};
use pellucid_data::{RowSet, Watch};

pub use guard::{Warning, warnings};

/// Which conjunctions of the same rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// All of them.
    #[default]
    All,
    /// One for each set of rows: the one with the fewest conditions, then the first.
    Closed,
}

/// Which candidates are kept where there are more than [`Mining::max_rules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rank {
    /// Those that would lower the cost of errors most on their own.
    #[default]
    Gain,
    /// Those that hold most often.
    Support,
}

/// How candidates are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mining {
    /// The most conditions of a rule.
    pub max_conditions: usize,
    /// The least weight of rows in which a rule holds.
    pub min_support: u64,
    /// The most candidates.
    pub max_rules: Option<usize>,
    /// Which of those with equal rows are kept.
    pub keep: Keep,
    /// Which are kept where there are too many.
    pub rank: Rank,
}

/// A candidate rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its literals, rising.
    pub literals: Vec<u32>,
    /// The rows at which it holds.
    pub rows: RowSet,
    /// The weight of these rows, and of those of label 1 among them.
    pub support: [u64; 2],
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mined {
    /// The candidates, by falling support, then by their literals.
    pub candidates: Vec<Candidate>,
    /// How many there were before [`Mining::max_rules`] and [`Keep`] were applied.
    pub n_found: usize,
}

/// Why there are no candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MineError {
    /// Nothing holds often enough.
    #[error("no rule holds in {min_support} rows (weights counted)")]
    None {
        /// What was asked for.
        min_support: u64,
    },
    /// The caller asked to stop.
    #[error("stopped after {found} conjunctions were found")]
    Stopped {
        /// How many there were.
        found: usize,
    },
    /// More than memory should hold.
    #[error("more than {most} conjunctions hold often enough: raise --min-support or lower --max-conditions")]
    TooMany {
        /// The most that are held.
        most: usize,
    },
}

/// Conjunctions that are held at once, at most.
const MOST: usize = 2_000_000;

/// Bytes of their rows, at most.
const MOST_BYTES: usize = 4 << 30;

/// Words of rows that are looked at between two looks at the clock: a few milliseconds.
const ROW_WORDS: usize = 1 << 21;

/// All conjunctions that hold often enough.
///
/// # Errors
/// When there are none, or too many, or `watch` asked to stop.
pub fn mine(
    literals: &[LiteralColumn],
    label: &RowSet,
    weights: &[u32],
    how: &Mining,
    watch: &dyn Watch,
) -> Result<Mined, MineError> {
    // Rows are laid out only for those that are kept, or compared.
    let bytes = label.words().len() * 8 + 64;
    let most = if how.keep == Keep::Closed { MOST.min(MOST_BYTES / bytes) } else { MOST };
    let is_unit = weights.iter().all(|&weight| weight == 1);
    let patience = (ROW_WORDS / label.words().len().max(1)).max(1);
    let mut miner =
        Miner { literals, label, weights, how, watch, most, is_unit, found: Vec::new(), patience, tried: 0 };
    miner.extend(&mut Vec::new(), None, 0)?;
    let mut candidates = miner.found;
    let n_found = candidates.len();
    if candidates.is_empty() {
        return Err(MineError::None { min_support: how.min_support });
    }
    candidates.sort_by(|a, b| b.support[0].cmp(&a.support[0]).then_with(|| a.literals.cmp(&b.literals)));
    if how.keep == Keep::Closed {
        lay_out(literals, &mut candidates, patience, watch)?;
        candidates.sort_by_key(|candidate| candidate.literals.len());
        let mut seen = std::collections::HashSet::new();
        candidates.retain(|candidate| seen.insert(candidate.rows.clone()));
    }
    if let Some(most) = how.max_rules.filter(|&most| most < candidates.len()) {
        if how.rank == Rank::Gain {
            // Positives gained less negatives paid.
            candidates.sort_by_key(|candidate| {
                let [all, positive] = candidate.support.map(i128::from);
                std::cmp::Reverse(2 * positive - all)
            });
        }
        candidates.truncate(most);
    }
    candidates.sort_by(|a, b| b.support[0].cmp(&a.support[0]).then_with(|| a.literals.cmp(&b.literals)));
    let held = candidates.len().saturating_mul(bytes);
    if held > MOST_BYTES {
        return Err(MineError::TooMany { most: MOST_BYTES / bytes });
    }
    lay_out(literals, &mut candidates, patience, watch)?;
    Ok(Mined { candidates, n_found })
}

/// Finds the rows of each candidate.
fn lay_out(
    literals: &[LiteralColumn],
    candidates: &mut [Candidate],
    patience: usize,
    watch: &dyn Watch,
) -> Result<(), MineError> {
    let found = candidates.len();
    for some in candidates.chunks_mut(patience) {
        if watch.should_stop() {
            return Err(MineError::Stopped { found });
        }
        some.iter_mut().for_each(|candidate| candidate.rows = rows_of(literals, &candidate.literals));
    }
    Ok(())
}

fn rows_of(literals: &[LiteralColumn], conjunction: &[u32]) -> RowSet {
    let mut parts = conjunction.iter().map(|&literal| &literals[literal as usize].rows);
    let first = parts.next().cloned().unwrap_or(RowSet::empty(0));
    parts.fold(first, |all, part| all.and(part))
}

struct Miner<'m> {
    literals: &'m [LiteralColumn],
    label: &'m RowSet,
    weights: &'m [u32],
    how: &'m Mining,
    watch: &'m dyn Watch,
    most: usize,
    is_unit: bool,
    found: Vec<Candidate>,
    /// After how many conjunctions the clock is looked at, and how many were tried since.
    patience: usize,
    tried: usize,
}

impl Miner<'_> {
    fn extend(&mut self, chosen: &mut Vec<u32>, rows: Option<&RowSet>, from: usize) -> Result<(), MineError> {
        for at in from..self.literals.len() {
            if chosen.iter().any(|&other| !self.may_join(other as usize, at)) {
                continue;
            }
            self.tried += 1;
            if self.tried >= self.patience {
                self.tried = 0;
                self.watch.advance(self.patience);
                if self.watch.should_stop() {
                    return Err(MineError::Stopped { found: self.found.len() });
                }
            }
            let own = &self.literals[at].rows;
            let both = rows.map_or_else(|| own.clone(), |rows| rows.and(own));
            let support = self.weight(&both);
            if support < self.how.min_support.max(1) {
                continue;
            }
            if self.found.len() >= self.most {
                return Err(MineError::TooMany { most: self.most });
            }
            let support = [
                support,
                if self.is_unit {
                    both.count_both(self.label) as u64
                } else {
                    self.weight(&both.and(self.label))
                },
            ];
            chosen.push(at as u32);
            self.found.push(Candidate { literals: chosen.clone(), rows: RowSet::empty(0), support });
            if chosen.len() < self.how.max_conditions {
                self.extend(chosen, Some(&both), at + 1)?;
            }
            chosen.pop();
        }
        Ok(())
    }

    fn weight(&self, rows: &RowSet) -> u64 {
        if self.is_unit {
            rows.count() as u64
        } else {
            rows.iter().map(|row| u64::from(self.weights[row])).sum()
        }
    }

    /// Two literals of one column say something together only as the two ends of an interval.
    fn may_join(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.literals[one], &self.literals[other]);
        one.feature != other.feature
            || matches!(
                (&one.literal.test, &other.literal.test),
                (Test::AtMost(_), Test::Above(_)) | (Test::Above(_), Test::AtMost(_))
            )
    }
}
