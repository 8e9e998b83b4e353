//! What may be in the part that was not searched? At most so many sets, none better than this.

use num_bigint::BigUint;

/// What was left when a search stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Open {
    /// No more sets than these can be within and unvisited.
    pub(crate) most_sets: BigUint,
    /// For every size that an unvisited set may have, the least that its errors can cost.
    pub(crate) least_errors: Vec<(usize, i64)>,
    /// How many nodes were left.
    pub(crate) nodes: u64,
}

impl Open {
    pub(crate) fn add(&mut self, size: usize, errors: i64, sets: &BigUint) {
        self.most_sets += sets;
        match self.least_errors.iter_mut().find(|(known, _)| *known == size) {
            Some((_, least)) => *least = (*least).min(errors),
            None => self.least_errors.push((size, errors)),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.nodes += other.nodes;
        self.most_sets += &other.most_sets;
        for &(size, errors) in &other.least_errors {
            self.add(size, errors, &BigUint::ZERO);
        }
    }
}

/// C(n, k), exact.
pub(crate) fn binomial(n: usize, k: usize) -> BigUint {
    if k > n {
        return BigUint::ZERO;
    }
    let k = k.min(n - k);
    (0..k).fold(BigUint::from(1_u32), |product, at| product * (n - at) / (at + 1))
}
