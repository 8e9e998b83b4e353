//! What may be in the part that was not searched? At most so many sets, none better than this.

use num_bigint::BigUint;

/// What was left when a search stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Open {
    /// No more sets than these can be within and unvisited.
    pub(crate) most_sets: BigUint,
    /// For every size that an unvisited set may have, the least that its errors can cost.
    pub(crate) least_errors: Vec<(usize, i64)>,
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
        self.most_sets += &other.most_sets;
        for &(size, errors) in &other.least_errors {
            self.add(size, errors, &BigUint::ZERO);
        }
    }
}

/// C(n, 0), C(n, 1), and so on: each from the one before, so that a row costs as much as its longest number.
pub(crate) fn binomials(n: usize) -> impl Iterator<Item = BigUint> {
    let mut held = BigUint::from(1_u32);
    (0_usize..).map(move |k| {
        if k > 0 {
            held *= n.saturating_sub(k - 1);
            held /= k;
        }
        held.clone()
    })
}
