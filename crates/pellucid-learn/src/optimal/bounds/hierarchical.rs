//! B1: can S, or anything below it, be within at all?
//!
//! A point that S covers stays covered in S ∪ T, so that false positives only become more: the errors of S ∪ T cost `paid`
//! at least. And |S ∪ T| ≥ s, so that T(|S ∪ T|) ≤ T(s). Where paid > T(s), neither S nor any S ∪ T is within.

use super::Limits;

/// Whether S or a set below it may be within.
#[inline(always)]
pub(in crate::optimal) fn may_be_within(paid: i64, size: usize, limits: &Limits) -> bool {
    paid <= limits.at(size)
}
