//! Which entry of a table is a row's? Patterns of passed splits, split by split, and what stands there added to sums.
//!
//! Written for any machine; [`super::blocks`] compiles them again for wider registers.

use super::bins::{Bin, Decision, answer};

/// All ones where the answer is yes.
#[inline(always)]
fn mask<B: Bin>(bin: B, below: B, nan_yes: u16) -> u16 {
    (u16::from(bin < below) | (u16::from(bin == B::NAN) & nan_yes)).wrapping_neg()
}

/// The patterns of both children. A new feature sets its bit on the side that is taken; a known one
/// loses it on the other.
#[inline(always)]
pub(super) fn split<B: Bin>(
    bins: &[B],
    decision: Decision,
    lists: &[u8],
    bit: u16,
    fresh: bool,
    parent: &[u16],
    yes: &mut [u16],
    no: &mut [u16],
) {
    // With `keep` the bits that a failed test leaves and `set` those that a passed one adds, both kinds
    // of feature are one formula.
    let (keep, set) = if fresh { (u16::MAX, bit) } else { (!bit, 0) };
    let mut each = |goes_yes: &mut dyn FnMut(B) -> u16| {
        for (((&bin, &parent), yes), no) in bins.iter().zip(parent).zip(&mut *yes).zip(&mut *no) {
            let goes = goes_yes(bin);
            *yes = (parent & (keep | goes)) | (set & goes);
            *no = (parent & (keep | !goes)) | (set & !goes);
        }
    };
    match decision {
        Decision::Below { bin: below, nan_yes } => {
            let (below, nan_yes) = (B::of(below), u16::from(nan_yes));
            for (((&bin, &parent), yes), no) in bins.iter().zip(parent).zip(&mut *yes).zip(&mut *no) {
                let goes = mask(bin, below, nan_yes);
                *yes = (parent & (keep | goes)) | (set & goes);
                *no = (parent & (keep | !goes)) | (set & !goes);
            }
        }
        Decision::Listed { .. } => each(&mut |bin| u16::from(answer(bin, decision, lists)).wrapping_neg()),
    }
}

/// Adds a bit to the index of every row that goes to yes.
#[inline(always)]
pub(super) fn set_bit<B: Bin>(bins: &[B], decision: Decision, lists: &[u8], bit: u16, index: &mut [u16]) {
    match decision {
        Decision::Below { bin: below, nan_yes } => {
            let (below, nan_yes) = (B::of(below), u16::from(nan_yes));
            index.iter_mut().zip(bins).for_each(|(index, &at)| *index |= mask(at, below, nan_yes) & bit);
        }
        Decision::Listed { .. } => {
            let goes = |bin: B| u16::from(answer(bin, decision, lists)).wrapping_neg();
            index.iter_mut().zip(bins).for_each(|(index, &at)| *index |= goes(at) & bit);
        }
    }
}

/// 1 for every row that goes to yes, else 0: lanes for [`super::quadrature`].
#[inline(always)]
pub(super) fn answers<B: Bin, const N: usize>(bins: &[B; N], decision: Decision, lists: &[u8]) -> [f64; N] {
    let mut goes = [0.0; N];
    match decision {
        Decision::Below { bin: below, nan_yes } => {
            let (below, nan_yes) = (B::of(below), u16::from(nan_yes));
            for (goes, &bin) in goes.iter_mut().zip(bins) {
                // The bits of 1, or none, widened from the mask: no comparison leaves its register.
                let wide = i64::from(mask(bin, below, nan_yes).cast_signed()).cast_unsigned();
                *goes = f64::from_bits(wide & 1_f64.to_bits());
            }
        }
        Decision::Listed { .. } => {
            goes.iter_mut()
                .zip(bins)
                .for_each(|(goes, &bin)| *goes = f64::from(answer(bin, decision, lists)));
        }
    }
    goes
}

/// Calls a function with the table's length as a constant, so that an index masked to it needs no check.
macro_rules! by_size {
    ($size:expr, $call:ident, $($arg:expr),*) => {
        match $size {
            1 => $call::<1>($($arg),*), 2 => $call::<2>($($arg),*), 4 => $call::<4>($($arg),*),
            8 => $call::<8>($($arg),*), 16 => $call::<16>($($arg),*), 32 => $call::<32>($($arg),*),
            64 => $call::<64>($($arg),*), 128 => $call::<128>($($arg),*), 256 => $call::<256>($($arg),*),
            512 => $call::<512>($($arg),*), 1024 => $call::<1024>($($arg),*), 2048 => $call::<2048>($($arg),*),
            4096 => $call::<4096>($($arg),*), 8192 => $call::<8192>($($arg),*), 16384 => $call::<16384>($($arg),*),
            32768 => $call::<32768>($($arg),*), _ => $call::<65536>($($arg),*),
        }
    };
}

#[inline(always)]
pub(super) fn look_up(index: &[u16], table: &[f64], sums: &mut [f64]) {
    by_size!(table.len(), look_up_sized, index, table, sums);
}

#[inline(always)]
fn look_up_sized<const N: usize>(index: &[u16], table: &[f64], sums: &mut [f64]) {
    let Some(table) = table.first_chunk::<N>() else { return };
    for (sum, &at) in sums.iter_mut().zip(index) {
        *sum += table[usize::from(at) & (N - 1)];
    }
}

#[inline(always)]
pub(super) fn look_up_four(index: &[u16], tables: &[f64], sums: [&mut [f64]; 4]) {
    by_size!(tables.len() / 4, look_up_four_sized, index, tables, sums);
}

#[inline(always)]
fn look_up_four_sized<const N: usize>(index: &[u16], tables: &[f64], sums: [&mut [f64]; 4]) {
    let mut tables = tables.as_chunks::<N>().0.iter();
    let (Some(ta), Some(tb), Some(tc), Some(td)) =
        (tables.next(), tables.next(), tables.next(), tables.next())
    else {
        return;
    };
    let n = index.len();
    let [a, b, c, d] = sums.map(|sums| &mut sums[..n]);
    for (row, &at) in index.iter().enumerate() {
        let at = usize::from(at) & (N - 1);
        a[row] += ta[at];
        b[row] += tb[at];
        c[row] += tc[at];
        d[row] += td[at];
    }
}
