//! How are tables looked up for 32 rows an instruction, and no digit lost that counts? As whole numbers in four planes.
//!
//! `vpermi2w` looks 32 indices up in 64 numbers of 16 bits that lie in two registers. A number of a column of sums is
//! rounded to a multiple of a unit so small that the column's largest table entry is [`LARGEST`] of them, is shifted to be
//! positive, and is cut into [`PLANES`] planes of [`BITS`] bits. Planes are summed in 16 bits, without rounding, for
//! [`MOST_HELD`] look-ups; then they are put together, and added to the sums in `f64`.
//!
//! An entry is off by at most half a unit: 2^-48 of the largest of its column. A table with an entry [`OUTLIER`] times
//! larger than usual would take digits from all others, and stays in `f64`.
#![expect(
    unsafe_code,
    reason = "vector instructions; `Level` is lowered to what the machine has before any of them is called"
)]

use pellucid_data::level::AVX512;

use super::units::{Table, Unit};
use super::workers::share;
use crate::{Control, Stopped};

/// Rows that are looked up together.
pub(super) const GROUP: usize = 32;
const PLANES: usize = 4;
const BITS: u32 = 12;
/// Look-ups until a plane could overflow: 16 · (2^12 - 1) < 2^16.
const MOST_HELD: u32 = 16;
/// Putting planes together costs as much as four look-ups: fewer look-ups than this are held on.
pub(super) const WORTH_HOLDING: usize = 16;
/// The largest number, before it is shifted to be positive.
const LARGEST: f64 = ((1_u64 << (PLANES as u32 * BITS - 1)) - 1) as f64;
/// What is added to make numbers positive.
const SHIFT: f64 = LARGEST + 1.0;
/// Indices of more bits are looked up in memory instead.
pub(super) const MOST_BITS: usize = 8;
/// Tables whose largest entry is so many times the median of their column's are not rounded.
const OUTLIER: f64 = 64.0;

/// From here on numbers are whole.
const WHOLE: f64 = (1_u64 << 52) as f64;

/// Columns whose largest entry is smaller hold nothing.
const LEAST: f64 = 1e-280;

/// 32 numbers of 16 bits: what fits into one register.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Line([u16; GROUP]);

/// Rounds the tables of all measured units that can be. Answers the unit of each column.
///
/// # Errors
/// When `control.watch` asks to stop.
pub(super) fn round<'u>(
    units: impl Iterator<Item = &'u mut Unit>,
    n_columns: usize,
    control: &Control<'_>,
) -> Result<Vec<f64>, Stopped> {
    let mut small: Vec<&mut Unit> = Vec::new();
    let mut sizes: Vec<Vec<f64>> = vec![Vec::new(); n_columns];
    for unit in units.filter(|unit| !unit.sizes.is_empty()) {
        for (&column, &size) in unit.columns.iter().zip(&unit.sizes) {
            sizes[column as usize].extend((size > 0.0).then_some(size));
        }
        small.push(unit);
    }
    let limits: Vec<f64> = sizes.iter_mut().map(|sizes| OUTLIER * median(sizes)).collect();
    let mut scales = vec![0.0_f64; n_columns];
    small.retain(|unit| {
        let columns = || unit.columns.iter().map(|&column| column as usize).zip(&unit.sizes);
        // What is infinite has no unit.
        let is_usual = columns().all(|(column, size)| *size <= limits[column] && size.is_finite());
        if is_usual {
            columns().for_each(|(column, size)| scales[column] = scales[column].max(*size));
        }
        is_usual
    });
    // What is next to nothing is rounded to nothing: its own unit would be no normal number.
    scales.iter_mut().for_each(|scale| *scale = if *scale > LEAST { *scale / LARGEST } else { 1.0 });
    let n_units = small.len();
    let work = |(): &mut (), unit: &mut Unit| {
        let n_lines = unit.columns.len() * PLANES * (1_usize << unit.bits()).div_ceil(GROUP);
        let mut lines = vec![Line::default(); n_lines];
        let each = n_lines / unit.columns.len();
        let mut own = lines.chunks_exact_mut(each);
        unit.each_table(|column, table| {
            own.next().into_iter().for_each(|own| cut(table, scales[column], own));
        });
        unit.table = Table::Planes(lines);
        Ok(())
    };
    share(small.into_iter(), n_units, control, || (), work)?;
    Ok(scales)
}

/// The largest absolute value; infinite if any is no number.
pub(super) fn largest(table: &[f64]) -> f64 {
    // Eight side by side: one after the other would wait for each other.
    let (mut most, mut is_none) = ([0.0_f64; 8], [false; 8]);
    for table in table.chunks(8) {
        for ((most, is_none), x) in most.iter_mut().zip(&mut is_none).zip(table) {
            *most = if x.abs() > *most { x.abs() } else { *most };
            *is_none |= x.is_nan();
        }
    }
    if is_none.contains(&true) { f64::INFINITY } else { most.into_iter().fold(0.0, f64::max) }
}

fn median(sizes: &mut [f64]) -> f64 {
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(0.0)
}

/// Cuts a table into the lines of its planes, one plane after the other.
fn cut(table: &[f64], unit: f64, lines: &mut [Line]) {
    let inverse = 1.0 / unit;
    let n = lines.len() / PLANES;
    let (low, rest) = lines.split_at_mut(n);
    let (second, rest) = rest.split_at_mut(n);
    let (third, high) = rest.split_at_mut(n);
    let planes = low.iter_mut().zip(second).zip(third.iter_mut().zip(high));
    for (table, ((low, second), (third, high))) in table.chunks(GROUP).zip(planes) {
        for (at, x) in table.iter().enumerate() {
            // Between 2^52 and 2^53 numbers are whole, and their last digits are those of the bits.
            let number = (x * inverse + (SHIFT + WHOLE)).to_bits();
            let part = |plane: u32| (number >> (BITS * plane)) as u16 & ((1 << BITS) - 1);
            (low.0[at], second.0[at], third.0[at], high.0[at]) = (part(0), part(1), part(2), part(3));
        }
    }
}

/// Sums of look-ups that are not put together yet: for each column and [`GROUP`] rows the planes.
#[derive(Debug, Default)]
pub(super) struct Held {
    lines: Vec<Line>,
    /// Lines of a column.
    stride: usize,
    /// Look-ups since a column was put together.
    counts: Vec<u32>,
}

impl Held {
    pub(super) fn new(n_columns: usize, n_rows: usize) -> Self {
        // One line more, lest columns lie a power of two apart.
        let stride = n_rows.div_ceil(GROUP) * PLANES + 1;
        Self { lines: vec![Line::default(); n_columns * stride], stride, counts: vec![0; n_columns] }
    }

    /// Looks a unit of a column up for `index`, padded to whole groups; `sums` are that column's, of as many rows.
    #[inline(always)]
    pub(super) fn add<const LEVEL: u8>(
        &mut self,
        column: usize,
        index: &[u16],
        table: &[Line],
        scale: f64,
        sums: &mut [f64],
    ) {
        let n_groups = index.len() / GROUP;
        let held = &mut self.lines[column * self.stride..][..n_groups * PLANES];
        look_up::<LEVEL>(index, table, held);
        self.counts[column] += 1;
        if self.counts[column] == MOST_HELD {
            self.put_together(column, scale, sums);
        }
    }

    /// Adds what is held of a column to its sums.
    #[inline(always)]
    pub(super) fn put_together(&mut self, column: usize, scale: f64, sums: &mut [f64]) {
        let shifts = f64::from(std::mem::take(&mut self.counts[column])) * SHIFT;
        if shifts == 0.0 {
            return;
        }
        let lines = &mut self.lines[column * self.stride..][..sums.len().div_ceil(GROUP) * PLANES];
        let all = lines.as_chunks_mut::<PLANES>().0;
        for (planes, sums) in all.iter_mut().zip(sums.chunks_mut(GROUP)) {
            let [a, b, c, d] = &*planes;
            let mut total = [0.0; GROUP];
            for (row, total) in total.iter_mut().enumerate() {
                // Two planes fit into 32 bits, and all four into the digits of an f64: nothing is rounded before the end.
                let low = u32::from(a.0[row]) + (u32::from(b.0[row]) << BITS);
                let high = u32::from(c.0[row]) + (u32::from(d.0[row]) << BITS);
                *total = (f64::from(low) + f64::from(high) * f64::from(1_u32 << (2 * BITS)) - shifts) * scale;
            }
            sums.iter_mut().zip(total).for_each(|(sum, total)| *sum += total);
            *planes = [Line::default(); PLANES];
        }
    }
}

/// Adds to every group's planes what stands in the table at its indices.
#[inline(always)]
fn look_up<const LEVEL: u8>(index: &[u16], table: &[Line], held: &mut [Line]) {
    let index = index.as_chunks::<GROUP>().0;
    let held = held.as_chunks_mut::<PLANES>().0;
    #[cfg(target_arch = "x86_64")]
    if LEVEL == AVX512 {
        // SAFETY: this level is only chosen where the machine has these instructions.
        unsafe {
            match table.len() / PLANES {
                1 => avx512::look_up::<1>(index, table, held),
                2 => avx512::look_up::<2>(index, table, held),
                4 => avx512::look_up::<4>(index, table, held),
                _ => avx512::look_up::<8>(index, table, held),
            }
        }
        return;
    }
    let n = table.len() / PLANES;
    let mask = n * GROUP - 1;
    for (index, held) in index.iter().zip(held) {
        for (table, held) in table.chunks_exact(n).zip(held) {
            for (held, &at) in held.0.iter_mut().zip(index) {
                let at = usize::from(at) & mask;
                *held = held.wrapping_add(table[at / GROUP].0[at % GROUP]);
            }
        }
    }
}

/// For each of `x` how many of the ascending `cuts` lie at or below it; 0 for NaN.
#[inline(always)]
pub(super) fn count_below<const LEVEL: u8>(cuts: &[f64], x: &[f64; 8]) -> [u32; 8] {
    #[cfg(target_arch = "x86_64")]
    if LEVEL == AVX512 {
        // SAFETY: this level is only chosen where the machine has these instructions.
        return unsafe { avx512::count_below(cuts, x) };
    }
    x.map(|x| {
        let (mut from, mut len) = (0, cuts.len());
        // Branchless: a mispredicted comparison costs more than the few that are not needed.
        while len > 1 {
            let half = len / 2;
            from += usize::from(cuts[from + half - 1] <= x) * half;
            len -= half;
        }
        (from + usize::from(len == 1 && cuts[from] <= x)) as u32
    })
}

/// Numbers that a search finds in registers.
pub(super) const COARSE: usize = 128;

/// The same for numbers of 32 bits: `all` is a power of two times [`COARSE`] long, and `coarse` the last one of each part.
#[inline(always)]
pub(super) fn count_below_narrow<const LEVEL: u8>(
    all: &[f32],
    coarse: &[f32; COARSE],
    x: &[f32; 16],
) -> [u32; 16] {
    #[cfg(target_arch = "x86_64")]
    if LEVEL == AVX512 {
        // SAFETY: this level is only chosen where the machine has these instructions.
        return unsafe { avx512::count_below_narrow(all, coarse, x) };
    }
    x.map(|x| all.partition_point(|cut| *cut <= x) as u32)
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{COARSE, GROUP, Line, PLANES};
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn load(line: &[u16; GROUP]) -> __m512i {
        // SAFETY: 32 numbers of 16 bits are 64 bytes.
        unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
    }

    /// `N` is the number of lines of a plane: 1, 2, 4 or 8.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) fn look_up<const N: usize>(
        index: &[[u16; GROUP]],
        table: &[Line],
        held: &mut [[Line; PLANES]],
    ) {
        let Some((table, _)) = table.as_chunks::<N>().0.split_first_chunk::<PLANES>() else { return };
        let table: [[__m512i; N]; PLANES] =
            std::array::from_fn(|plane| std::array::from_fn(|at| load(&table[plane][at].0)));
        let (bit_6, bit_7) = (_mm512_set1_epi16(64), _mm512_set1_epi16(128));
        for (index, held) in index.iter().zip(held) {
            let at = load(index);
            let (has_6, has_7) = (_mm512_test_epi16_mask(at, bit_6), _mm512_test_epi16_mask(at, bit_7));
            for (t, held) in table.iter().zip(held) {
                let two = |first: usize| _mm512_permutex2var_epi16(t[first], at, t[first + 1]);
                let four = |first: usize| _mm512_mask_mov_epi16(two(first), has_6, two(first + 2));
                let found = match N {
                    1 => _mm512_permutexvar_epi16(at, t[0]),
                    2 => two(0),
                    4 => four(0),
                    _ => _mm512_mask_mov_epi16(four(0), has_7, four(4)),
                };
                let sum = _mm512_add_epi16(load(&held.0), found);
                // SAFETY: a line is 64 bytes.
                unsafe { _mm512_storeu_si512(held.0.as_mut_ptr().cast(), sum) };
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) fn count_below_narrow(all: &[f32], coarse: &[f32; COARSE], x: &[f32; 16]) -> [u32; 16] {
        let part = all.len() / COARSE;
        let mut found = [0_u32; 16];
        // SAFETY: sixteen numbers are 64 bytes, and `coarse` has eight times sixteen. Every index gathered is below
        // `from + half`, and the halves that are added to `from` sum to less than the number of cuts.
        unsafe {
            let x = _mm512_loadu_ps(x.as_ptr());
            let t: [__m512; COARSE / 16] =
                std::array::from_fn(|at| _mm512_loadu_ps(coarse.as_ptr().add(16 * at)));
            let mut from = _mm512_setzero_si512();
            let mut half = COARSE as i32 / 2;
            while half > 0 {
                let at = _mm512_add_epi32(from, _mm512_set1_epi32(half - 1));
                let has_5 = _mm512_test_epi32_mask(at, _mm512_set1_epi32(32));
                let has_6 = _mm512_test_epi32_mask(at, _mm512_set1_epi32(64));
                let two = |first: usize| _mm512_permutex2var_ps(t[first], at, t[first + 1]);
                let four = |first: usize| _mm512_mask_mov_ps(two(first), has_5, two(first + 2));
                let cut = _mm512_mask_mov_ps(four(0), has_6, four(4));
                let passed = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(cut, x);
                from = _mm512_mask_add_epi32(from, passed, from, _mm512_set1_epi32(half));
                half /= 2;
            }
            from = _mm512_mullo_epi32(from, _mm512_set1_epi32(part as i32));
            let mut half = part as i32 / 2;
            while half > 0 {
                let at = _mm512_add_epi32(from, _mm512_set1_epi32(half - 1));
                let cut = _mm512_i32gather_ps::<4>(at, all.as_ptr());
                let passed = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(cut, x);
                from = _mm512_mask_add_epi32(from, passed, from, _mm512_set1_epi32(half));
                half /= 2;
            }
            _mm512_storeu_si512(found.as_mut_ptr().cast(), from);
        }
        found
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) fn count_below(cuts: &[f64], x: &[f64; 8]) -> [u32; 8] {
        let mut found = [0_u32; 8];
        if cuts.is_empty() {
            return found;
        }
        // SAFETY: eight numbers are 64 bytes; every index gathered is below `from + len`, which is never more than the number
        // of cuts: each step takes `half` of `len` away and adds at most as much to `from`.
        unsafe {
            let x = _mm512_loadu_pd(x.as_ptr());
            let mut from = _mm256_setzero_si256();
            let mut len = cuts.len();
            while len > 1 {
                let half = len / 2;
                let at = _mm256_add_epi32(from, _mm256_set1_epi32(half as i32 - 1));
                let cut = _mm512_i32gather_pd::<8>(at, cuts.as_ptr());
                let passed = _mm512_cmp_pd_mask::<_CMP_LE_OQ>(cut, x);
                from = _mm256_mask_add_epi32(from, passed, from, _mm256_set1_epi32(half as i32));
                len -= half;
            }
            let cut = _mm512_i32gather_pd::<8>(from, cuts.as_ptr());
            let passed = _mm512_cmp_pd_mask::<_CMP_LE_OQ>(cut, x);
            from = _mm256_mask_add_epi32(from, passed, from, _mm256_set1_epi32(1));
            _mm256_storeu_si256(found.as_mut_ptr().cast(), from);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pellucid_data::Level;
    use pellucid_data::level::PORTABLE;
    use proptest::prelude::*;

    fn sums<const LEVEL: u8>(tables: &[Vec<f64>], index: &[u16]) -> Vec<f64> {
        let scale = tables.iter().map(|table| largest(table)).fold(0.0, f64::max) / LARGEST;
        let mut held = Held::new(1, index.len());
        let mut sums = vec![0.0; index.len()];
        for table in tables {
            let mut lines = vec![Line::default(); PLANES * table.len().div_ceil(GROUP)];
            cut(table, scale, &mut lines);
            held.add::<LEVEL>(0, index, &lines, scale, &mut sums);
        }
        held.put_together(0, scale, &mut sums);
        sums
    }

    proptest! {
        #[test]
        fn planes_sum_what_tables_hold(bits in 0_u32..9, n_tables in 1_usize..80, seed in any::<u64>()) {
            let mut state = seed | 1;
            let mut random = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 11) as f64 / (1_u64 << 53) as f64
            };
            let tables: Vec<Vec<f64>> =
                (0..n_tables).map(|_| (0..1 << bits).map(|_| random() * 2.0 - 1.0).collect()).collect();
            let index: Vec<u16> = (0..64).map(|_| (random() * f64::from(1 << bits)) as u16).collect();
            let portable = sums::<PORTABLE>(&tables, &index);
            for (row, sum) in portable.iter().enumerate() {
                let exact: f64 = tables.iter().map(|table| table[usize::from(index[row])]).sum();
                prop_assert!((sum - exact).abs() <= n_tables as f64 * 2f64.powi(-47), "{sum} for {exact}");
            }
            if Level::detect() == Level::Avx512 {
                prop_assert_eq!(portable, sums::<AVX512>(&tables, &index));
            }
        }

        #[test]
        fn next_to_nothing_is_nothing(x in prop::sample::select(vec![0.0, 5e-324, 1e-300, 1e-281])) {
            let table = Table::Plain(vec![0.0, x, -x, x / 2.0]);
            let unit = Unit { from: 0, splits: Vec::new(), first_bit: 2, columns: vec![0], table, sizes: Vec::new() };
            let mut unit = unit.measured();
            let scales = round(std::iter::once(&mut unit), 1, &Control::quiet()).unwrap();
            let Table::Planes(lines) = &unit.table else { panic!("not cut") };
            let mut held = Held::new(1, 32);
            let mut sums = vec![0.0; 32];
            let index: Vec<u16> = (0..32).map(|at| at % 4).collect();
            held.add::<PORTABLE>(0, &index, lines, scales[0], &mut sums);
            held.put_together(0, scales[0], &mut sums);
            prop_assert_eq!(sums, vec![0.0; 32]);
        }

        #[test]
        fn tables_out_of_proportion_are_not_rounded(at in 0_usize..9, bad in prop::sample::select(vec![1e3, 1e300, f64::INFINITY, f64::NAN])) {
            let unit = |x: f64| {
                let table = Table::Plain(vec![0.0, x, -x / 2.0, 0.5]);
                Unit { from: 0, splits: Vec::new(), first_bit: 2, columns: vec![0], table, sizes: Vec::new() }.measured()
            };
            let mut units: Vec<Unit> = (0..9).map(|_| unit(1.0)).collect();
            units[at] = unit(bad);
            let scales = round(units.iter_mut(), 1, &Control::quiet()).unwrap();
            prop_assert_eq!(&scales, &vec![1.0 / LARGEST]);
            for (place, unit) in units.iter().enumerate() {
                prop_assert_eq!(matches!(unit.table, Table::Plain(_)), place == at);
            }
        }

        #[test]
        fn narrow_cuts_are_counted(n in 0_usize..700, seed in any::<u64>(), x in prop::array::uniform16(-400_i32..400)) {
            let cuts: Vec<f32> = (0..n).map(|at| (at as i32 - 300) as f32 + (seed % 2) as f32 / 2.0).collect();
            let part = (n + 1).div_ceil(COARSE).next_power_of_two();
            let mut all = cuts.clone();
            all.resize(part * COARSE, f32::INFINITY);
            let coarse = std::array::from_fn(|at| all[(at + 1) * part - 1]);
            let mut x = x.map(|x| x as f32);
            (x[3], x[7], x[11]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
            let slow = x.map(|x| cuts.iter().filter(|&&cut| cut <= x).count() as u32);
            let fit = |found: [u32; 16]| found.map(|found| found.min(n as u32));
            // NaN is told apart by the caller.
            let known = |mut found: [u32; 16]| { found[3] = 0; found };
            prop_assert_eq!(known(fit(count_below_narrow::<PORTABLE>(&all, &coarse, &x))), slow);
            if Level::detect() == Level::Avx512 {
                prop_assert_eq!(fit(count_below_narrow::<AVX512>(&all, &coarse, &x)), slow);
            }
        }

        #[test]
        fn cuts_are_counted(mut cuts in prop::collection::vec(-5_i32..5, 0..40), x in prop::array::uniform8(-6_i32..6)) {
            cuts.sort_unstable();
            let cuts: Vec<f64> = cuts.into_iter().map(f64::from).collect();
            let mut x = x.map(|x| f64::from(x) + 0.5 * f64::from(x % 2));
            x[3] = f64::NAN;
            let slow = x.map(|x| cuts.iter().filter(|&&cut| cut <= x).count() as u32);
            prop_assert_eq!(count_below::<PORTABLE>(&cuts, &x), slow);
            if Level::detect() == Level::Avx512 {
                prop_assert_eq!(count_below::<AVX512>(&cuts, &x), slow);
            }
        }
    }
}
