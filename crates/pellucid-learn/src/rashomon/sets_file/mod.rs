//! How are many sets written out, small and fast, and read again? Each as its difference from the one before.
//!
//! A `.sets` file is `PSET2`, the length of a JSON header (four bytes), the header, and the sets: how many rules a set
//! shares with the set before (a byte), how many follow (a byte), these rules (two bytes each), and the cost of its errors
//! (four bytes). Rules stand in the order of choice, so that sets of one bunch differ in the last rule only. Two bytes 255
//! and the number of sets (eight bytes) end it. All numbers are little endian. Sets of more than 254 rules have no place.

mod read;
mod write;

use std::io;

use pellucid_data::Ratio;
use serde::{Deserialize, Serialize};

pub use read::SetsReader;

use crate::{Objective, Within};

/// The first bytes of such a file.
pub const MAGIC: &[u8; 5] = b"PSET2";

/// Bytes of a header, at most: 65,536 rules of a kilobyte.
const MOST_HEADER: u32 = 64 << 20;

/// The most rules of a set.
const MOST_RULES: usize = 254;

/// What the sets are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The column that is predicted.
    pub target: String,
    /// The value of it that rules predict.
    pub positive: String,
    /// The weight of all rows.
    pub weight: u64,
    /// λ and θ as fractions.
    pub lambda: String,
    /// The bound.
    pub theta: String,
    /// What a false positive and a false negative cost.
    pub costs: [u32; 2],
    /// When two sets are one.
    pub identity: String,
    /// Whether the empty set takes part.
    pub include_empty: bool,
    /// The candidates, as people read them; sets name them by their place.
    pub rules: Vec<String>,
}

impl Header {
    /// Prices and bound; what the data says is still to be filled in.
    #[must_use]
    pub fn of(objective: &Objective, within: &Within) -> Self {
        Self {
            target: String::new(),
            positive: String::new(),
            weight: 0,
            lambda: objective.lambda.to_string(),
            theta: within.theta.to_string(),
            costs: [objective.false_positive, objective.false_negative],
            identity: within.identity.name().to_owned(),
            include_empty: within.include_empty,
            rules: Vec::new(),
        }
    }

    /// The objective of a set, if the header's numbers make sense.
    #[must_use]
    pub fn objective(&self, size: usize, errors: u32) -> Option<Ratio> {
        let share = Ratio::new(errors.into(), self.weight.into())?;
        let price = self.lambda.parse::<Ratio>().ok()?.times(Ratio::whole(size as i64)).ok()?;
        share.plus(price).ok()
    }
}

/// Why sets were not written, or not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetsError {
    /// The identity or the size of sets has no place in the format.
    #[error(
        "a .sets file holds sets of at most {MOST_RULES} rules under the identities `subset` and `columns`"
    )]
    Unsupported,
    /// A header that does not name every rule.
    #[error("the header names {found} rules; there are {wanted} candidates")]
    Rules {
        /// Names given.
        found: usize,
        /// Candidates.
        wanted: usize,
    },
    /// A limit was hit.
    #[error("a limit was reached after {written} sets were written")]
    Stopped {
        /// Sets until then.
        written: u64,
    },
    /// Not such a file.
    #[error("it is no .sets file: {0}")]
    Format(String),
    /// A set that can't be.
    #[error("set {set} is damaged: {what}")]
    Damaged {
        /// Its place, from 0.
        set: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
