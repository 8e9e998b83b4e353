//! Which sets within the bound satisfy A x = b over GF(2)? A random such system cuts the Rashomon set into cells.
//!
//! After the parity-constrained branch-and-bound of Ciaperoni, Xiao & Gionis (KDD 2024), with these differences: exact
//! integers, rows of A as bits of one word, so that a step is four operations and no loop over rows, the bound from the
//! largest gains, and a last rule that is looked up by its column of A instead of tried.
//!
//! Limits: at most 128 rows (a cell of as many would be a share of 2⁻¹²⁸); identities that count subsets; one thread a
//! cell. A cell costs less than all of the set, but not by the factor that it is smaller.

mod node;
mod reduce;
mod search;

use pellucid_data::level::{AVX2, AVX512, PORTABLE};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::Explorer;
use crate::search::problem::AnyProblem;
use crate::{Identity, Level, Searching, SemanticsError};

pub(super) use node::{Ground, Node, Top};

/// A system A x = b over GF(2), a variable a rule of the whole instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parity {
    rows: u32,
    /// Column j of A: bit i is A_ij.
    columns: Vec<u128>,
    /// b.
    right: u128,
}

/// Why there is no cell, no estimate and no sample.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApproximateError {
    /// Parities are of subsets; other identities have no variables of their own.
    #[error(
        "sets under the identity `{}` can't be cut by parities; use `subset` or `columns`, or count exactly",
        .0.name()
    )]
    Identity(Identity),
    /// Too many rows.
    #[error("a system of {found} parities; at most {} are possible", Parity::MOST_ROWS)]
    Rows {
        /// Rows asked for.
        found: usize,
    },
    /// A row or a system of another number of rules.
    #[error("a parity over {found} rules; the instance has {wanted}")]
    Columns {
        /// Rules of the parity.
        found: usize,
        /// Rules of the instance.
        wanted: usize,
    },
    /// As many right sides as rows.
    #[error("{found} right sides for {wanted} parities")]
    Right {
        /// Right sides.
        found: usize,
        /// Rows.
        wanted: usize,
    },
    /// ε makes no sense for a count.
    #[error("ε is {0}; it must be above 0")]
    Epsilon(f64),
    /// ε makes no sense for a sample.
    #[error("ε is {0}; almost uniform sampling needs an ε above 1.71")]
    SampleEpsilon(f64),
    /// δ makes no sense.
    #[error("δ is {0}; it must be above 0 and below 1")]
    Delta(f64),
    /// Half of the iterations or more.
    #[error(
        "{failures} of {iterations} iterations found no small cell with as many parities as there may be; nothing is guaranteed of the rest"
    )]
    Failed {
        /// Iterations without a result.
        failures: u64,
        /// All of them.
        iterations: u64,
    },
    /// There is nothing to draw from.
    #[error("the set is empty: no rule set is within the bound")]
    Empty,
    /// Stopped by the caller or by a limit on nodes.
    #[error("stopped before the end; part of a cell says nothing about the rest")]
    Stopped,
    /// Numbers that are too long.
    #[error(transparent)]
    Semantics(#[from] SemanticsError),
}

impl Parity {
    /// The most rows.
    pub const MOST_ROWS: usize = 128;

    /// From the rows of A, a place a rule, and b.
    ///
    /// # Errors
    /// When there are more than [`Self::MOST_ROWS`] rows, or when lengths differ.
    pub fn new(rows: &[Vec<bool>], right: &[bool], n_rules: usize) -> Result<Self, ApproximateError> {
        if rows.len() > Self::MOST_ROWS {
            return Err(ApproximateError::Rows { found: rows.len() });
        }
        if right.len() != rows.len() {
            return Err(ApproximateError::Right { found: right.len(), wanted: rows.len() });
        }
        if let Some(row) = rows.iter().find(|row| row.len() != n_rules) {
            return Err(ApproximateError::Columns { found: row.len(), wanted: n_rules });
        }
        let word = |bits: &mut dyn Iterator<Item = bool>| {
            bits.enumerate().fold(0, |word, (at, bit)| word | u128::from(bit) << at)
        };
        let columns = (0..n_rules).map(|rule| word(&mut rows.iter().map(|row| row[rule]))).collect();
        Ok(Self { rows: rows.len() as u32, columns, right: word(&mut right.iter().copied()) })
    }

    /// Every bit of A and of b by a coin of its own, A and b from two streams: a member of the 3-wise independent family
    /// H_xor (Gomes, Sabharwal & Selman 2007). `round` and `turn` make other systems of the same seed.
    ///
    /// # Errors
    /// When there are more than [`Self::MOST_ROWS`] rows.
    pub fn random(
        n_rules: usize,
        rows: usize,
        seed: u64,
        round: u64,
        turn: u32,
    ) -> Result<Self, ApproximateError> {
        if rows > Self::MOST_ROWS {
            return Err(ApproximateError::Rows { found: rows });
        }
        let mut left = stream(seed, round, turn, Purpose::Left);
        let mut right = stream(seed, round, turn, Purpose::Right);
        let all = Self {
            rows: Self::MOST_ROWS as u32,
            columns: (0..n_rules).map(|_| word(&mut left)).collect(),
            right: word(&mut right),
        };
        Ok(all.first(rows as u32))
    }

    /// Only the first `rows` rows: a cell of fewer rows holds those of more.
    #[must_use]
    pub fn first(&self, rows: u32) -> Self {
        let rows = rows.min(self.rows);
        let kept = if rows == 0 { 0 } else { u128::MAX >> (128 - rows) };
        Self {
            rows,
            columns: self.columns.iter().map(|column| column & kept).collect(),
            right: self.right & kept,
        }
    }

    /// How many rows.
    #[must_use]
    pub fn n_rows(&self) -> u32 {
        self.rows
    }

    /// Whether a rule set satisfies all of them; the definition.
    #[must_use]
    pub fn holds(&self, rules: &[u32]) -> bool {
        rules.iter().fold(self.right, |defect, &rule| defect ^ self.columns[rule as usize]) == 0
    }
}

/// What a stream of random numbers is for. No two of them are the same stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Left,
    Right,
    Choice,
    Probe,
}

/// The stream of a purpose: another key of the cipher for everything that is drawn.
pub(super) fn stream(seed: u64, round: u64, turn: u32, purpose: Purpose) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&round.to_le_bytes());
    key[16..20].copy_from_slice(&turn.to_le_bytes());
    key[20] = purpose as u8;
    ChaCha8Rng::from_seed(key)
}

fn word(random: &mut ChaCha8Rng) -> u128 {
    u128::from(random.next_u64()) | u128::from(random.next_u64()) << 64
}

/// A number below `n`, each equally likely, by rejection; 0 for `n` = 0.
pub(super) fn below(n: usize, random: &mut ChaCha8Rng) -> usize {
    let n = n as u64;
    let mask = u64::MAX.checked_shr(n.saturating_sub(1).leading_zeros()).unwrap_or(0);
    loop {
        let drawn = random.next_u64() & mask;
        if drawn < n.max(1) {
            return drawn as usize;
        }
    }
}

/// Sets of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cell {
    /// The sets, each rising, in the order of rules.
    pub sets: Vec<Vec<u32>>,
    /// Whether these are all; else there are more than were asked for.
    pub is_whole: bool,
}

/// The sets within that satisfy a system, `most` of them where there are more (which ones is then no fair choice).
///
/// The limit on nodes in `searching` holds for each cell; it uses one thread.
///
/// # Errors
/// When the system is of another number of rules, the identity has no parities, or when the search was stopped.
pub fn parity_cell(
    explorer: &Explorer,
    parity: &Parity,
    most: usize,
    searching: &Searching<'_>,
) -> Result<Cell, ApproximateError> {
    check(explorer)?;
    if parity.columns.len() != explorer.n_all {
        return Err(ApproximateError::Columns { found: parity.columns.len(), wanted: explorer.n_all });
    }
    match &explorer.prepared.problem {
        AnyProblem::Narrow(problem) => {
            let ground = Ground::new(problem, &explorer.prepared.thresholds);
            on_level(&ground, explorer, parity, most, searching)
        }
        AnyProblem::Wide(problem) => {
            let ground = Ground::new(problem, &explorer.prepared.thresholds);
            on_level(&ground, explorer, parity, most, searching)
        }
    }
}

fn on_level<L: crate::search::Lane>(
    ground: &Ground<'_, L>,
    explorer: &Explorer,
    parity: &Parity,
    most: usize,
    searching: &Searching<'_>,
) -> Result<Cell, ApproximateError> {
    let columns: Vec<u128> = explorer.kept.iter().map(|&rule| parity.columns[rule as usize]).collect();
    let Some(reduced) = reduce::reduce(&columns, parity.right, &ground.by_gain()) else {
        return Ok(Cell { sets: Vec::new(), is_whole: true });
    };
    let has_empty = explorer.prepared.has_empty;
    // The numbers are those of the kernels, see `search::lane`.
    let found = match searching.level.or_lower() {
        Level::Avx512 => search::search::<L, AVX512>(ground, &reduced, has_empty, most, searching),
        Level::Avx2 => search::search::<L, AVX2>(ground, &reduced, has_empty, most, searching),
        Level::Portable => search::search::<L, PORTABLE>(ground, &reduced, has_empty, most, searching),
    };
    let mut sets = found.ok_or(ApproximateError::Stopped)?;
    let is_whole = sets.len() <= most;
    sets.truncate(most);
    // Rules that take part rise with those of the instance.
    for rule in sets.iter_mut().flatten() {
        *rule = explorer.kept[*rule as usize];
    }
    sets.sort_unstable();
    Ok(Cell { sets, is_whole })
}

/// Whether parities make sense for a set.
pub(super) fn check(explorer: &Explorer) -> Result<(), ApproximateError> {
    match explorer.within.identity {
        Identity::Subset | Identity::Columns => Ok(()),
        other => Err(ApproximateError::Identity(other)),
    }
}
