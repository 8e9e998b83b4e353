//! B8: was a branch like this counted before?
//!
//! The errors of S ∪ T are errors(S) less what T saves in u, and T covers nothing outside ∪_{i>j} T_i. Which S ∪ T are within
//! hangs on j, s, errors(S) and u ∩ ∪_{i>j} T_i only. All four together are the key, compared word by word: no two
//! branches are taken for each other. When the memo is full, it takes no more.

use std::collections::HashMap;

use num_bigint::BigUint;

/// Counts of branches, up to so many bytes.
pub(in crate::optimal) struct Memo {
    known: HashMap<Box<[u64]>, Box<[BigUint]>>,
    bytes: usize,
    most_bytes: usize,
}

impl Memo {
    /// A guess at what an entry takes besides its words.
    const ENTRY: usize = 96;

    pub(in crate::optimal) fn new(most_bytes: usize) -> Self {
        Self { known: HashMap::new(), bytes: 0, most_bytes }
    }

    /// Writes the key of a branch: what is uncovered, as far as it can be reached.
    pub(in crate::optimal) fn key(
        (last, size, errors): (usize, usize, i64),
        uncovered: impl Iterator<Item = u64>,
        key: &mut Vec<u64>,
    ) {
        key.clear();
        key.extend([last as u64, size as u64, errors as u64]);
        key.extend(uncovered);
    }

    /// How many sets of s + 1, s + 2 ... rules the branch has, if it is known.
    pub(in crate::optimal) fn get(&self, key: &[u64]) -> Option<&[BigUint]> {
        self.known.get(key).map(|counts| &**counts)
    }

    pub(in crate::optimal) fn is_full(&self) -> bool {
        self.bytes >= self.most_bytes
    }

    pub(in crate::optimal) fn put(&mut self, key: &[u64], mut counts: Vec<BigUint>) {
        while counts.last().is_some_and(|sets| *sets == BigUint::ZERO) {
            counts.pop();
        }
        self.bytes += Self::ENTRY + size_of_val(key) + counts.len() * (size_of::<BigUint>() + 16);
        self.known.insert(key.into(), counts.into());
    }

    pub(in crate::optimal) fn bytes(&self) -> usize {
        self.bytes
    }
}
