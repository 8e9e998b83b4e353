//! How many? Counts that never overflow: 128 bits where they are enough, else as many as it takes.

use num_bigint::BigUint;

use crate::search::open::binomials;

/// A number of rule sets.
pub(crate) trait Count: Clone + Send + Sync + 'static {
    fn zero() -> Self;
    fn of(n: u64) -> Self;
    fn add(&mut self, other: &Self);
    /// The difference; `other` is not larger.
    fn less(&self, other: &Self) -> Self;
    /// A number that [`fits`] has let through.
    fn narrow(n: BigUint) -> Self;
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

    fn less(&self, other: &Self) -> Self {
        self - other
    }

    fn narrow(n: BigUint) -> Self {
        n.try_into().unwrap_or(Self::MAX)
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

    fn less(&self, other: &Self) -> Self {
        self - other
    }

    fn narrow(n: BigUint) -> Self {
        n
    }

    fn big(&self) -> BigUint {
        self.clone()
    }
}

/// Binomials that were asked for, each computed once.
pub(crate) struct Pascal<C> {
    rows: Vec<Vec<C>>,
}

impl<C: Count> Pascal<C> {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// C(n, k), for `n` and `k` that [`fits`] has let through.
    #[inline(always)]
    pub(crate) fn at(&mut self, n: usize, k: usize) -> &C {
        if self.rows.get(n).is_none_or(|row| row.len() <= k) {
            self.extend(n, k);
        }
        &self.rows[n][k]
    }

    #[cold]
    fn extend(&mut self, n: usize, k: usize) {
        if self.rows.len() <= n {
            self.rows.resize(n + 1, Vec::new());
        }
        // Twice as far as asked, so that asking step by step costs no more.
        self.rows[n] = binomials(n).take(2 * k + 2).map(C::narrow).collect();
    }
}

/// All sets of at most `size` out of `n` rules: no count can be larger.
pub(crate) fn all_sets(n: usize, size: usize) -> BigUint {
    binomials(n).take(size.min(n) + 1).sum()
}

/// Whether 128 bits hold every count of sets of at most `size` out of `n` rules, and of rules in them.
pub(crate) fn fits(n: usize, size: usize) -> bool {
    all_sets(n, size).bits() < 127
}
