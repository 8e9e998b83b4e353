//! B7: are all sets below S within, up to a size from which on none is?
//!
//! By adding T to S false negatives never become more, and false positives by no more than Σ N_i over T, with N_i what the
//! negatives of u cost that rule i covers; nor by more than `payable`, what all negatives of u cost. N_i only falls as u
//! shrinks, so that those of the node above S serve as well. With |T| = t the errors of S ∪ T cost at most errors(S) +
//! min(top_t, payable), top_t the sum of the t largest N_i over i > j. Where that is at most T(s + t), all C(m, t) sets of
//! this size are within, m the number of rules i > j. Where `least` > T(s + t), none is, of this size or a larger one.
//! Where each t is of one of the two kinds, the branch is counted without a visit.

use super::{Largest, Limits};

/// The t up to which every S ∪ T with |T| ≤ t is within, and none with more; `None` where that is not certain.
/// `costs` are N_i over all i > j.
#[inline]
pub(in crate::optimal) fn all_within(
    errors: i64,
    least: i64,
    costs: &Largest,
    payable: i64,
    (size, max_size): (usize, usize),
    limits: &Limits,
) -> Option<usize> {
    let mut all = 0;
    for (paid, next) in costs.sums().zip(size + 1..=max_size) {
        let most = limits.at(next);
        if least > most {
            break;
        }
        if errors + paid.min(payable) > most {
            return None;
        }
        all = next - size;
    }
    Some(all)
}
