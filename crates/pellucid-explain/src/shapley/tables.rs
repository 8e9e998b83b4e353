//! What does a leaf give each feature, for every pattern of passed and failed splits at once?
//!
//! A leaf's attribution depends on a row only through the pattern $c$ of the $o_u$ (WOODELF, Nadel and
//! Wettenstein, AAAI 2026, arXiv 2511.09376). With $F(E) = \prod_{u \notin E} r_u$ and
//!
//! $$ a(E) = \frac{(|E|-1)! \, (d-|E|)!}{d!} F(E), \qquad b(E) = \frac{|E|! \, (d-|E|-1)!}{d!} F(E), $$
//!
//! let $A$ and $B$ be their sums over subsets. Then for a leaf of value 1
//!
//! $$ \phi_i(c) = A(c) - A(c \setminus i) - B(c \setminus i). $$
//!
//! Two sums over subsets serve all $d$ features: $O(2^d d)$ a leaf. In the background game only F is another:
//! the share of the background that passes the splits of all features outside of E.

use super::definition::shapley_weight;

/// More distinct features than this are never tabulated: 2^16 entries a feature.
pub const MAX_BITS: usize = 16;

/// The attributions of a leaf of value 1 to each of its `shares.len()` features, for all patterns.
///
/// Bit `u` of a pattern says that the row passes feature `u`'s splits. The answer for feature `u` and
/// pattern `c` stands at `u * 2^d + c`. `scratch` is only memory to use again.
pub(crate) fn patterns(shares: &[f64], scratch: &mut Vec<f64>) -> Vec<f64> {
    // `F(E)`, by doubling: leaving feature `u` out of `E` multiplies by its share.
    all_patterns(shares.len(), scratch, |a| {
        a[0] = 1.0;
        for (u, &share) in shares.iter().enumerate() {
            let (without, with) = a.split_at_mut(1 << u);
            with[..1 << u].copy_from_slice(without);
            without.iter_mut().for_each(|f| *f *= share);
        }
    })
}

/// The same in the background game: F(E) is the share of the background that passes the splits of all features outside
/// of E. `histogram` has the shares of the background's own patterns.
pub(crate) fn patterns_over(d: usize, histogram: &[(u64, f64)], scratch: &mut Vec<f64>) -> Vec<f64> {
    all_patterns(d, scratch, |a| {
        histogram.iter().for_each(|&(pattern, share)| a[pattern as usize] += share);
        superset_sums(a);
        // What stands at the complement of E, now at E.
        a.reverse();
    })
}

/// All values from F.
fn all_patterns(d: usize, scratch: &mut Vec<f64>, fill: impl FnOnce(&mut [f64])) -> Vec<f64> {
    let n = 1_usize << d;
    scratch.clear();
    scratch.resize(2 * n, 0.0);
    let (a, b) = scratch.split_at_mut(n);
    fill(a);
    let weights: Vec<f64> = (0..d).map(|s| shapley_weight(s, d)).collect();
    for e in 0..n {
        let size = e.count_ones() as usize;
        b[e] = if size < d { weights[size] * a[e] } else { 0.0 };
        a[e] *= if size > 0 { weights[size - 1] } else { 0.0 };
    }
    subset_sums(a);
    subset_sums(b);
    let mut phi = vec![0.0; d * n];
    for (u, phi) in phi.chunks_exact_mut(n).enumerate() {
        let bit = 1 << u;
        for c in (0..n).step_by(2 * bit) {
            for c in c..c + bit {
                phi[c] = -b[c];
                phi[c | bit] = a[c | bit] - a[c] - b[c];
            }
        }
    }
    phi
}

/// Replaces every entry by the sum over the supersets of its index.
fn superset_sums(f: &mut [f64]) {
    let mut bit = 1;
    while bit < f.len() {
        for pair in f.chunks_exact_mut(2 * bit) {
            let (without, with) = pair.split_at_mut(bit);
            without.iter_mut().zip(with).for_each(|(without, with)| *without += *with);
        }
        bit *= 2;
    }
}

/// Replaces every entry by the sum over the subsets of its index.
fn subset_sums(f: &mut [f64]) {
    let mut bit = 1;
    while bit < f.len() {
        for pair in f.chunks_exact_mut(2 * bit) {
            let (without, with) = pair.split_at_mut(bit);
            with.iter_mut().zip(without).for_each(|(with, without)| *with += *without);
        }
        bit *= 2;
    }
}
