//! B2: can anything below S be within?
//!
//! As B1, for T with a rule at least: |S ∪ T| ≥ s + 1, and the errors of S ∪ T cost `least` at least (B1 says `paid`; B4
//! and B6 say more, and ask the same question with it). Where least > T(s + 1), no S ∪ T is within.

use super::Limits;

/// Whether a set below S may be within.
#[inline(always)]
pub(in crate::optimal) fn may_have_more(least: i64, size: usize, limits: &Limits) -> bool {
    least <= limits.at(size + 1)
}
