//! B3: for how many rules more does S have room?
//!
//! The errors of S ∪ T cost `paid` at least (B1). T falls as sets grow, so that no S ∪ T is within if |T| is above the last
//! t with paid ≤ T(s + t). In the paper this is ⌊(θ − lb) / λ⌋. Where it is 0, S is not expanded. With B2 that never
//! happens: B2 asks the same earlier, before S is kept.

use super::Limits;

/// The largest t for which a set of t rules more may be within.
pub(in crate::optimal) fn most_more(paid: i64, size: usize, limits: &Limits) -> usize {
    (1..).take_while(|t| paid <= limits.at(size + t)).count()
}
