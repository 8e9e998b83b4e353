//! B5: do the rules that are left save enough?
//!
//! By adding T to S the errors fall by no more than the positives that T covers anew, and those are no more than Σ P_i over
//! T, with P_i what the positives of u cost that rule i covers: what is covered twice is counted twice. P_i only falls as u
//! shrinks, so that the P_i of the node above S serve as well. With |T| = t the errors of S ∪ T therefore cost errors(S) −
//! top_t at least, top_t the sum of the t largest P_i over i > j, and `least` at least by the other bounds. Where no t has
//! max(least, errors(S) − top_t) ≤ T(s + t), nothing below S is within.
//!
//! B5' has G_i in place of P_i: Σ max(0, p − n) over the classes of u that rule i covers. Covering a class changes the
//! errors by n − p, so that they fall by the sum of p − n over what is covered anew: Σ G_i at most. G_i ≤ P_i.
//!
//! With B1, rules i that B1 refuses beside S need not be among them: paid(S ∪ {i}) > T(s + 1) ≥ T(|S ∪ T|) for each T with i.

use super::{Largest, Limits};

/// Whether a set below S, of at most `max_size` rules, may be within. `gains` are P_i or G_i over i > j.
#[inline]
pub(in crate::optimal) fn may_save_enough(
    errors: i64,
    least: i64,
    gains: &Largest,
    size: usize,
    max_size: usize,
    limits: &Limits,
) -> bool {
    for (saved, size) in gains.sums().zip(size + 1..=max_size) {
        let most = limits.at(size);
        if least > most {
            return false;
        }
        if errors - saved <= most {
            return true;
        }
    }
    false
}
