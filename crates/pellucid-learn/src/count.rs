//! How many? Counts that never overflow: 128 bits where they are enough, else as many as it takes.

use num_bigint::BigUint;

use crate::search::open::binomial;

/// A number of rule sets.
pub(crate) trait Count: Clone + Send + Sync + 'static {
    fn zero() -> Self;
    fn of(n: u64) -> Self;
    fn add(&mut self, other: &Self);
    /// C(n, k), for `n` and `k` that [`fits`] has let through.
    fn binomial(n: usize, k: usize) -> Self;
    /// C(n, k) - C(m, k) for m ≤ n.
    fn difference(n: usize, m: usize, k: usize) -> Self;
    fn big(&self) -> BigUint;
}

impl Count for u128 {
    fn zero() -> Self {
        0
    }

    fn of(n: u64) -> Self {
        n.into()
    }

    #[inline(always)]
    fn add(&mut self, other: &Self) {
        *self += other;
    }

    #[inline]
    fn binomial(n: usize, k: usize) -> Self {
        match k {
            0 => 1,
            1 => n as Self,
            2 => (n as Self) * (n as Self).saturating_sub(1) / 2,
            _ => binomial(n, k).try_into().unwrap_or(Self::MAX),
        }
    }

    fn difference(n: usize, m: usize, k: usize) -> Self {
        Self::binomial(n, k) - Self::binomial(m, k)
    }

    fn big(&self) -> BigUint {
        BigUint::from(*self)
    }
}

impl Count for BigUint {
    fn zero() -> Self {
        Self::ZERO
    }

    fn of(n: u64) -> Self {
        n.into()
    }

    fn add(&mut self, other: &Self) {
        *self += other;
    }

    fn binomial(n: usize, k: usize) -> Self {
        binomial(n, k)
    }

    fn difference(n: usize, m: usize, k: usize) -> Self {
        binomial(n, k) - binomial(m, k)
    }

    fn big(&self) -> BigUint {
        self.clone()
    }
}

/// All sets of at most `size` out of `n` rules: no count can be larger.
pub(crate) fn all_sets(n: usize, size: usize) -> BigUint {
    (0..=size.min(n)).map(|k| binomial(n, k)).sum()
}

/// Whether 128 bits hold every count of sets of at most `size` out of `n` rules, and of rules in them.
pub(crate) fn fits(n: usize, size: usize) -> bool {
    all_sets(n, size).bits() < 127
}
