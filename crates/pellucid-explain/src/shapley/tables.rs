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

use super::columns::each_pair;
use super::definition::shapley_weight;

/// More distinct features than this are never tabulated: 2^16 entries a feature.
pub const MAX_BITS: usize = 16;

/// What a leaf's table is made of.
pub(crate) enum LeafGame<'g> {
    /// The share of each feature.
    Shares(&'g [f64]),
    /// The background's patterns over so many features.
    Histogram(usize, &'g [(u64, f64)]),
}

impl LeafGame<'_> {
    fn n_slots(&self) -> usize {
        match self {
            Self::Shares(shares) => shares.len(),
            Self::Histogram(d, _) => *d,
        }
    }

    /// F(E) for every set E of features.
    fn fill(&self, f: &mut [f64]) {
        match self {
            // By doubling: leaving feature `u` out of `E` multiplies by its share.
            Self::Shares(shares) => {
                f[0] = 1.0;
                for (u, &share) in shares.iter().enumerate() {
                    let (without, with) = f.split_at_mut(1 << u);
                    with[..1 << u].copy_from_slice(without);
                    without.iter_mut().for_each(|f| *f *= share);
                }
            }
            // The share of the background that passes the splits of all features outside of E.
            Self::Histogram(_, histogram) => {
                histogram.iter().for_each(|&(pattern, share)| f[pattern as usize] += share);
                superset_sums(f);
                // What stands at the complement of E, now at E.
                f.reverse();
            }
        }
    }
}

/// The interactions of a leaf of value 1, pair after pair as [`each_pair`] tells them, `2^d` patterns each.
///
/// With $a_2(E) = (|E|-2)! (d-|E|)! / (d-1)!$, $b_2(E) = (|E|-1)! (d-|E|-1)! / (d-1)!$ and
/// $c_2(E) = |E|! (d-|E|-2)! / (d-1)!$, each times F(E), and $A_2$, $B_2$, $C_2$ their sums over subsets, the interaction
/// index of i and j at pattern c is the part of $A_2$ with both, less those of $B_2$ with one of them, plus that of $C_2$
/// with neither.
pub(crate) fn pair_patterns(game: &LeafGame<'_>, scratch: &mut Vec<f64>) -> Vec<f64> {
    let d = game.n_slots();
    let n = 1_usize << d;
    scratch.clear();
    scratch.resize(3 * n, 0.0);
    let (a, rest) = scratch.split_at_mut(n);
    let (b, c) = rest.split_at_mut(n);
    game.fill(a);
    // A pair is one player among d - 1: s! (d - 2 - s)! / (d - 1)! for s others.
    let weight = |s: Option<usize>| match s {
        Some(s) if s + 2 <= d => shapley_weight(s, d - 1),
        _ => 0.0,
    };
    let weights: Vec<[f64; 3]> = (0..=d)
        .map(|size| [weight(size.checked_sub(2)), weight(size.checked_sub(1)), weight(Some(size))])
        .collect();
    for e in 0..n {
        let [with_both, with_one, with_none] = weights[e.count_ones() as usize];
        (b[e], c[e]) = (with_one * a[e], with_none * a[e]);
        a[e] *= with_both;
    }
    [&mut *a, &mut *b, &mut *c].into_iter().for_each(subset_sums);
    let mut pairs = vec![0.0; d * d.saturating_sub(1) / 2 * n];
    for ((i, j), own) in each_pair(d).zip(pairs.chunks_exact_mut(n)) {
        let (bit_i, bit_j) = (1_usize << i, 1_usize << j);
        for (pattern, part) in own.iter_mut().enumerate() {
            let neither = pattern & !(bit_i | bit_j);
            // Without a bit that the pattern has not, there is nothing to take away: differences of equals are 0.
            let (with_i, with_j) = (pattern & !bit_j, pattern & !bit_i);
            let both = a[pattern] - a[with_i] - a[with_j] + a[neither];
            *part = both - (b[with_i] - b[neither]) - (b[with_j] - b[neither]) + c[neither];
        }
    }
    pairs
}

/// The values of a leaf of value 1 to each of its features, for all patterns.
///
/// Bit `u` of a pattern says that the row passes feature `u`'s splits. The answer for feature `u` and pattern `c` stands
/// at `u * 2^d + c`. `scratch` is only memory to use again.
pub(crate) fn patterns(game: &LeafGame<'_>, scratch: &mut Vec<f64>) -> Vec<f64> {
    let d = game.n_slots();
    let n = 1_usize << d;
    scratch.clear();
    scratch.resize(2 * n, 0.0);
    let (a, b) = scratch.split_at_mut(n);
    game.fill(a);
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
