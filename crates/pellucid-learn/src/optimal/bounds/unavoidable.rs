//! B4: which errors will remain, whatever rules follow?
//!
//! Points that the same rules cover (a class, with positives that cost p and negatives that cost n) are covered together
//! or not at all. A class in u costs p if it stays uncovered and n if it is covered: min(p, n) at least, with any T. A
//! class that no rule covers costs p. So the errors of S ∪ T cost paid + Σ min(p, n) over the classes of u at least, and
//! p − min(p, n) = max(0, p − n), the excess: Σ min(p, n) = missed − excess(u).

/// The least that the errors of S ∪ T cost.
#[inline(always)]
pub(in crate::optimal) fn least(paid: i64, missed: i64, excess: i64) -> i64 {
    paid + missed - excess
}
