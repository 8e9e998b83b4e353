//! Which rows? A set of rows as bits: the algebra that rules live in.

/// A set of rows out of `n`. Bits past the last row are never set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowSet {
    words: Vec<u64>,
    n: usize,
}

impl RowSet {
    /// No row of `n`.
    #[must_use]
    pub fn empty(n: usize) -> Self {
        Self { words: vec![0; n.div_ceil(64)], n }
    }

    /// Every row of `n`.
    #[must_use]
    pub fn full(n: usize) -> Self {
        Self::from_fn(n, |_| true)
    }

    /// The rows for which `holds`.
    #[must_use]
    pub fn from_fn(n: usize, mut holds: impl FnMut(usize) -> bool) -> Self {
        let mut set = Self::empty(n);
        for row in 0..n {
            set.words[row / 64] |= u64::from(holds(row)) << (row % 64);
        }
        set
    }

    /// Rows of a word each; `None` unless there are as many words as `n` rows need. Bits past the end are dropped.
    #[must_use]
    pub fn from_words(words: Vec<u64>, n: usize) -> Option<Self> {
        let mut set = (words.len() == n.div_ceil(64)).then_some(Self { words, n })?;
        if let Some(last) = set.words.last_mut().filter(|_| !n.is_multiple_of(64)) {
            *last &= (1 << (n % 64)) - 1;
        }
        Some(set)
    }

    /// How many rows there are, in the set or not.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n
    }

    /// 64 rows a word, the first row in the lowest bit.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Whether a row is in it.
    #[must_use]
    pub fn contains(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }

    /// Puts a row in.
    pub fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// How many rows are in it.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no row is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// How many rows are in both.
    #[must_use]
    pub fn count_both(&self, other: &Self) -> usize {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// The rows in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.zipped(other, |a, b| a & b)
    }

    /// The rows in either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.zipped(other, |a, b| a | b)
    }

    /// The rows in this one and not in the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.zipped(other, |a, b| a & !b)
    }

    /// The rows that are not in it.
    #[must_use]
    pub fn not(&self) -> Self {
        Self::full(self.n).minus(self)
    }

    /// The rows in it, rising.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(at * 64 + bit)
            })
        })
    }

    fn zipped(&self, other: &Self, with: impl Fn(u64, u64) -> u64) -> Self {
        debug_assert_eq!(self.n, other.n, "sets over different rows");
        Self { words: self.words.iter().zip(&other.words).map(|(&a, &b)| with(a, b)).collect(), n: self.n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_algebra_of_sets(a in prop::collection::vec(any::<bool>(), 0..200), flips in prop::collection::vec(any::<bool>(), 200)) {
            let b: Vec<bool> = a.iter().zip(&flips).map(|(x, y)| x ^ y).collect();
            let set = |bits: &[bool]| RowSet::from_fn(bits.len(), |row| bits[row]);
            let each = |with: fn(bool, bool) -> bool| a.iter().zip(&b).map(|(&x, &y)| with(x, y)).collect::<Vec<_>>();
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(x.and(&y), set(&each(|p, q| p && q)));
            prop_assert_eq!(x.or(&y), set(&each(|p, q| p || q)));
            prop_assert_eq!(x.minus(&y), set(&each(|p, q| p && !q)));
            prop_assert_eq!(x.not(), set(&each(|p, _| !p)));
            prop_assert_eq!(x.count_both(&y), x.and(&y).count());
            prop_assert_eq!(x.iter().collect::<Vec<_>>(), (0..a.len()).filter(|&row| a[row]).collect::<Vec<_>>());
            prop_assert_eq!(RowSet::from_words(x.words().to_vec(), a.len()), Some(x));
        }
    }
}
