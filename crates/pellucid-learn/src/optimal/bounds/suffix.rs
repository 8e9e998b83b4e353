//! B6: which positives are out of reach?
//!
//! T ⊆ {i > j} covers no point outside ∪_{i>j} T_i. What the positives in u outside this union cost is lost in every
//! S ∪ T, besides `paid`.

/// For each rule, the union of all later rules' words.
pub(in crate::optimal) struct Reach {
    words: usize,
    unions: Vec<u64>,
}

impl Reach {
    /// `columns` are words of rules, `words` each.
    pub(in crate::optimal) fn new(columns: &[u64], words: usize) -> Self {
        let mut unions = vec![0; columns.len()];
        for at in (0..columns.len().saturating_sub(words)).rev() {
            unions[at] = unions[at + words] | columns[at + words];
        }
        Self { words, unions }
    }

    /// What any rule after `rule` covers.
    pub(in crate::optimal) fn after(&self, rule: usize) -> &[u64] {
        &self.unions[rule * self.words..][..self.words]
    }
}

/// The least that the errors of S ∪ T cost, with what the positives out of reach cost.
#[inline(always)]
pub(in crate::optimal) fn least(paid: i64, out_of_reach: i64) -> i64 {
    paid + out_of_reach
}
