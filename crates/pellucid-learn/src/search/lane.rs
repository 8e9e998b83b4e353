//! What happens to all rules at once when some points are covered? One lane a rule, many lanes an instruction.
//!
//! The kernels exist for AVX-512, AVX2 and portably; which one runs is decided once a search, by [`Level`](pellucid_data::Level).
//! Tests compare them with each other on whatever is there.
#![expect(
    unsafe_code,
    reason = "vector instructions; every function says what it needs, and `Level` is made only where the machine has it"
)]

use pellucid_data::level::{AVX2, AVX512};

/// Lanes of one mask word; rows are padded to this.
pub(crate) const WIDTH: usize = 64;

/// A number in a lane. Narrow lanes are for small total weights, see [`Lane::MOST`].
pub(crate) trait Lane: Copy + Ord + Default + Send + Sync + std::fmt::Debug + 'static {
    /// No sum in a search may be larger than this in absolute value.
    const MOST: i64;

    /// The number in a lane; callers keep to [`Self::MOST`].
    fn of(value: i64) -> Self;
    /// The number as it is.
    fn wide(self) -> i64;

    /// `to = from + Σ rows[c]` over the listed rows.
    fn shift<const LEVEL: u8>(rows: &[Self], list: &[u32], from: &[Self], to: &mut [Self]);
    /// `to = from - Σ rows[c]` in the lanes of `live`, 0 elsewhere; answers the largest (at least 0).
    fn shrink<const LEVEL: u8>(
        rows: &[Self],
        list: &[u32],
        from: &[Self],
        live: &[u64],
        to: &mut [Self],
    ) -> Self;
    /// Which of 64 lanes are at most `limit`.
    fn at_most<const LEVEL: u8>(lanes: &[Self], limit: Self) -> u64;
}

/// The threshold as a lane compares it: clipped, which changes no comparison with a sum that keeps to [`Lane::MOST`].
#[inline(always)]
pub(crate) fn limit<L: Lane>(value: i64) -> L {
    L::of(value.clamp(-L::MOST - 1, L::MOST + 1))
}

macro_rules! lane {
    ($int:ty, $most:expr, $avx512:ident, $avx2:ident) => {
        impl Lane for $int {
            const MOST: i64 = $most;

            #[inline(always)]
            fn of(value: i64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn wide(self) -> i64 {
                self as i64
            }

            #[inline(always)]
            fn shift<const LEVEL: u8>(rows: &[Self], list: &[u32], from: &[Self], to: &mut [Self]) {
                let lanes = from.len();
                debug_assert!(to.len() == lanes && lanes % WIDTH == 0);
                debug_assert!(list.iter().all(|&c| (c as usize + 1) * lanes <= rows.len()));
                #[cfg(target_arch = "x86_64")]
                match LEVEL {
                    // SAFETY: the level says that the instructions exist; the asserted lengths bound every access.
                    AVX512 => return unsafe { $avx512::shift(rows, list, from, to) },
                    // SAFETY: as above.
                    AVX2 => return unsafe { $avx2::shift(rows, list, from, to) },
                    _ => {}
                }
                to.copy_from_slice(from);
                for &c in list {
                    let row = &rows[c as usize * lanes..][..lanes];
                    to.iter_mut().zip(row).for_each(|(x, &y)| *x = x.wrapping_add(y));
                }
            }

            #[inline(always)]
            fn shrink<const LEVEL: u8>(
                rows: &[Self],
                list: &[u32],
                from: &[Self],
                live: &[u64],
                to: &mut [Self],
            ) -> Self {
                let lanes = from.len();
                debug_assert!(to.len() == lanes && live.len() * WIDTH == lanes);
                debug_assert!(list.iter().all(|&c| (c as usize + 1) * lanes <= rows.len()));
                #[cfg(target_arch = "x86_64")]
                match LEVEL {
                    // SAFETY: as in `shift`.
                    AVX512 => return unsafe { $avx512::shrink(rows, list, from, live, to) },
                    // SAFETY: as in `shift`.
                    AVX2 => return unsafe { $avx2::shrink(rows, list, from, live, to) },
                    _ => {}
                }
                to.copy_from_slice(from);
                for &c in list {
                    let row = &rows[c as usize * lanes..][..lanes];
                    to.iter_mut().zip(row).for_each(|(x, &y)| *x = x.wrapping_sub(y));
                }
                let mut most = 0;
                for (at, x) in to.iter_mut().enumerate() {
                    *x = if live[at / WIDTH] >> (at % WIDTH) & 1 == 1 { *x } else { 0 };
                    most = most.max(*x);
                }
                most
            }

            #[inline(always)]
            fn at_most<const LEVEL: u8>(lanes: &[Self], limit: Self) -> u64 {
                debug_assert!(lanes.len() >= WIDTH);
                #[cfg(target_arch = "x86_64")]
                match LEVEL {
                    // SAFETY: as in `shift`; 64 lanes are read.
                    AVX512 => return unsafe { $avx512::at_most(lanes, limit) },
                    // SAFETY: as above.
                    AVX2 => return unsafe { $avx2::at_most(lanes, limit) },
                    _ => {}
                }
                lanes[..WIDTH].iter().enumerate().fold(0, |mask, (at, &x)| mask | u64::from(x <= limit) << at)
            }
        }
    };
}

lane!(i16, 32_000, avx512_i16, avx2_i16);
lane!(i32, 1 << 30, avx512_i32, avx2_i32);

#[cfg(target_arch = "x86_64")]
macro_rules! avx512 {
    ($name:ident, $int:ty, $per:expr, $mask:ty, $add:ident, $sub:ident, $set:ident, $le:ident, $keep:ident, $max:ident) => {
        mod $name {
            use super::WIDTH;
            use std::arch::x86_64::*;

            const PER: usize = $per;

            /// # Safety
            /// AVX-512 F and BW; lengths as the caller asserts.
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            pub(super) unsafe fn shift(rows: &[$int], list: &[u32], from: &[$int], to: &mut [$int]) {
                let lanes = from.len();
                let mut at = 0;
                while at < lanes {
                    // SAFETY: `at + 2 * PER <= lanes`, since lanes are a multiple of 64; rows hold `lanes` each.
                    unsafe {
                        let mut x = _mm512_loadu_si512(from.as_ptr().add(at).cast());
                        let mut y = _mm512_loadu_si512(from.as_ptr().add(at + PER).cast());
                        for &c in list {
                            let row = rows.as_ptr().add(c as usize * lanes + at);
                            x = $add(x, _mm512_loadu_si512(row.cast()));
                            y = $add(y, _mm512_loadu_si512(row.add(PER).cast()));
                        }
                        _mm512_storeu_si512(to.as_mut_ptr().add(at).cast(), x);
                        _mm512_storeu_si512(to.as_mut_ptr().add(at + PER).cast(), y);
                    }
                    at += 2 * PER;
                }
            }

            /// # Safety
            /// As `shift`.
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            pub(super) unsafe fn shrink(
                rows: &[$int],
                list: &[u32],
                from: &[$int],
                live: &[u64],
                to: &mut [$int],
            ) -> $int {
                let lanes = from.len();
                let mut most = _mm512_setzero_si512();
                let mut at = 0;
                while at < lanes {
                    let word = live[at / WIDTH] >> (at % WIDTH);
                    // SAFETY: as in `shift`.
                    unsafe {
                        let mut x = _mm512_loadu_si512(from.as_ptr().add(at).cast());
                        let mut y = _mm512_loadu_si512(from.as_ptr().add(at + PER).cast());
                        for &c in list {
                            let row = rows.as_ptr().add(c as usize * lanes + at);
                            x = $sub(x, _mm512_loadu_si512(row.cast()));
                            y = $sub(y, _mm512_loadu_si512(row.add(PER).cast()));
                        }
                        let (x, y) = ($keep(word as $mask, x), $keep((word >> PER) as $mask, y));
                        most = $max(most, $max(x, y));
                        _mm512_storeu_si512(to.as_mut_ptr().add(at).cast(), x);
                        _mm512_storeu_si512(to.as_mut_ptr().add(at + PER).cast(), y);
                    }
                    at += 2 * PER;
                }
                let mut each: [$int; PER] = [0; PER];
                // SAFETY: the array is one vector long.
                unsafe { _mm512_storeu_si512(each.as_mut_ptr().cast(), most) };
                each.iter().fold(0, |most, &x| most.max(x))
            }

            /// # Safety
            /// As `shift`; 64 lanes.
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            pub(super) unsafe fn at_most(lanes: &[$int], limit: $int) -> u64 {
                let limit = $set(limit);
                let mut mask = 0;
                let mut at = 0;
                while at < WIDTH {
                    // SAFETY: 64 lanes are there.
                    let x = unsafe { _mm512_loadu_si512(lanes.as_ptr().add(at).cast()) };
                    mask |= u64::from($le(x, limit)) << at;
                    at += PER;
                }
                mask
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
avx512!(
    avx512_i16,
    i16,
    32,
    __mmask32,
    _mm512_add_epi16,
    _mm512_sub_epi16,
    _mm512_set1_epi16,
    _mm512_cmple_epi16_mask,
    _mm512_maskz_mov_epi16,
    _mm512_max_epi16
);
#[cfg(target_arch = "x86_64")]
avx512!(
    avx512_i32,
    i32,
    16,
    __mmask16,
    _mm512_add_epi32,
    _mm512_sub_epi32,
    _mm512_set1_epi32,
    _mm512_cmple_epi32_mask,
    _mm512_maskz_mov_epi32,
    _mm512_max_epi32
);

#[cfg(target_arch = "x86_64")]
macro_rules! avx2 {
    ($name:ident, $int:ty, $per:expr, $add:ident, $sub:ident, $set:ident, $gt:ident, $and_bits:ident, $max:ident, $bits:expr, $to_mask:expr) => {
        mod $name {
            use super::WIDTH;
            use std::arch::x86_64::*;

            const PER: usize = $per;

            /// # Safety
            /// AVX2; lengths as the caller asserts.
            #[inline]
            #[target_feature(enable = "avx2")]
            pub(super) unsafe fn shift(rows: &[$int], list: &[u32], from: &[$int], to: &mut [$int]) {
                let lanes = from.len();
                let mut at = 0;
                while at < lanes {
                    // SAFETY: `at + PER <= lanes`, since lanes are a multiple of 64; rows hold `lanes` each.
                    unsafe {
                        let mut x = _mm256_loadu_si256(from.as_ptr().add(at).cast());
                        for &c in list {
                            x = $add(
                                x,
                                _mm256_loadu_si256(rows.as_ptr().add(c as usize * lanes + at).cast()),
                            );
                        }
                        _mm256_storeu_si256(to.as_mut_ptr().add(at).cast(), x);
                    }
                    at += PER;
                }
            }

            /// # Safety
            /// As `shift`.
            #[inline]
            #[target_feature(enable = "avx2")]
            pub(super) unsafe fn shrink(
                rows: &[$int],
                list: &[u32],
                from: &[$int],
                live: &[u64],
                to: &mut [$int],
            ) -> $int {
                let lanes = from.len();
                let bits: [$int; PER] = $bits;
                // SAFETY: the array is one vector long.
                let bits = unsafe { _mm256_loadu_si256(bits.as_ptr().cast()) };
                let mut most = _mm256_setzero_si256();
                let mut at = 0;
                while at < lanes {
                    let word = (live[at / WIDTH] >> (at % WIDTH)) as $int;
                    // Lane k keeps its value where bit k of the word is set.
                    let keep = $and_bits(_mm256_and_si256($set(word), bits), bits);
                    // SAFETY: as in `shift`.
                    unsafe {
                        let mut x = _mm256_loadu_si256(from.as_ptr().add(at).cast());
                        for &c in list {
                            x = $sub(
                                x,
                                _mm256_loadu_si256(rows.as_ptr().add(c as usize * lanes + at).cast()),
                            );
                        }
                        let x = _mm256_and_si256(x, keep);
                        most = $max(most, x);
                        _mm256_storeu_si256(to.as_mut_ptr().add(at).cast(), x);
                    }
                    at += PER;
                }
                let mut each: [$int; PER] = [0; PER];
                // SAFETY: the array is one vector long.
                unsafe { _mm256_storeu_si256(each.as_mut_ptr().cast(), most) };
                each.iter().fold(0, |most, &x| most.max(x))
            }

            /// # Safety
            /// As `shift`; 64 lanes.
            #[inline]
            #[target_feature(enable = "avx2")]
            pub(super) unsafe fn at_most(lanes: &[$int], limit: $int) -> u64 {
                let limit = $set(limit);
                let mut above = 0;
                let mut at = 0;
                while at < WIDTH {
                    // SAFETY: 64 lanes are there.
                    let x = unsafe { _mm256_loadu_si256(lanes.as_ptr().add(at).cast()) };
                    let bits: u64 = $to_mask($gt(x, limit));
                    above |= bits << at;
                    at += PER;
                }
                !above
            }
        }
    };
}

/// Sixteen lanes of all ones or zeros to sixteen bits.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn mask_of_16(x: std::arch::x86_64::__m256i) -> u64 {
    use std::arch::x86_64::*;
    let packed = _mm_packs_epi16(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
    u64::from(_mm_movemask_epi8(packed) as u16)
}

/// Eight lanes of all ones or zeros to eight bits.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn mask_of_8(x: std::arch::x86_64::__m256i) -> u64 {
    use std::arch::x86_64::*;
    u64::from(_mm256_movemask_ps(_mm256_castsi256_ps(x)) as u8)
}

#[cfg(target_arch = "x86_64")]
avx2!(
    avx2_i16,
    i16,
    16,
    _mm256_add_epi16,
    _mm256_sub_epi16,
    _mm256_set1_epi16,
    _mm256_cmpgt_epi16,
    _mm256_cmpeq_epi16,
    _mm256_max_epi16,
    std::array::from_fn(|at| (1_u16 << at) as i16),
    super::mask_of_16
);
#[cfg(target_arch = "x86_64")]
avx2!(
    avx2_i32,
    i32,
    8,
    _mm256_add_epi32,
    _mm256_sub_epi32,
    _mm256_set1_epi32,
    _mm256_cmpgt_epi32,
    _mm256_cmpeq_epi32,
    _mm256_max_epi32,
    std::array::from_fn(|at| 1 << at),
    super::mask_of_8
);

#[cfg(test)]
mod tests {
    use super::*;
    use pellucid_data::Level;
    use pellucid_data::level::PORTABLE;
    use proptest::prelude::*;

    fn check<L: Lane, const LEVEL: u8>(rows: &[i64], list: &[u32], from: &[i64], live: &[u64], at: i64) {
        let lanes = |values: &[i64]| values.iter().map(|&x| L::of(x)).collect::<Vec<L>>();
        let (rows, from) = (lanes(rows), lanes(from));
        let run = |portable: bool| {
            let (mut d, mut a) = (from.clone(), from.clone());
            let most = if portable {
                L::shift::<PORTABLE>(&rows, list, &from, &mut d);
                L::shrink::<PORTABLE>(&rows, list, &from, live, &mut a)
            } else {
                L::shift::<LEVEL>(&rows, list, &from, &mut d);
                L::shrink::<LEVEL>(&rows, list, &from, live, &mut a)
            };
            let mask = |x: &[L]| {
                if portable {
                    L::at_most::<PORTABLE>(x, L::of(at))
                } else {
                    L::at_most::<LEVEL>(x, L::of(at))
                }
            };
            let masks: Vec<u64> = d.chunks(WIDTH).map(mask).collect();
            (d, a, most, masks)
        };
        assert_eq!(run(true), run(false));
    }

    proptest! {
        #[test]
        fn all_levels_compute_the_same(
            rows in prop::collection::vec(-500_i64..500, 128 * 6),
            list in prop::collection::vec(0_u32..6, 0..12),
            from in prop::collection::vec(-9_000_i64..9_000, 128),
            live in prop::collection::vec(any::<u64>(), 2),
            at in -10_000_i64..10_000,
        ) {
            let best = Level::detect();
            if best >= Level::Avx2 {
                check::<i16, AVX2>(&rows, &list, &from, &live, at);
                check::<i32, AVX2>(&rows, &list, &from, &live, at);
            }
            if best >= Level::Avx512 {
                check::<i16, AVX512>(&rows, &list, &from, &live, at);
                check::<i32, AVX512>(&rows, &list, &from, &live, at);
            }
        }
    }
}
