//! Products of rows with matrices that were packed beforehand: the one place of this crate where instructions are chosen by hand.
//!
//! A matrix is kept in panels of 32 outputs, all inputs of a panel one after the other, so that a product reads it once from front to
//! back. Every number of the answer is one chain of multiply-adds over the inputs in their order, whatever other rows there
//! are: a row alone and among others is the same to the bit, and so it is with AVX-512 and AVX2. That is what libraries don't
//! promise, and what experiments that take up a run in the middle live on. For few rows it is also faster (`bench/lens`). Threads share
//! a product by its panels, so that each reads its own part of the matrix, and no number depends on how many there are. While rows go
//! through a panel, the next one is fetched from memory: of few rows that is most of the time (1.7 times as fast at 15 rows).

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use pellucid_data::Level;

use super::machine::Crew;

/// Outputs of a panel.
pub(super) const PANEL: usize = 32;
/// Rows that stay in the cache while all panels pass.
const ROWS: usize = 192;
/// Multiply-adds from which on threads share a product: some ten microseconds of one.
const SHARED: usize = 1 << 20;

/// A matrix of inputs × outputs, in panels; the last one is filled up with zeros.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    n_in: usize,
    n_out: usize,
    panels: Arc<Vec<[f32; PANEL]>>,
}

impl Packed {
    /// Packs what `at` says of an input and an output.
    pub fn from_fn(n_in: usize, n_out: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        Self::filled(n_in, n_out, |input, first, row| {
            row.iter_mut().enumerate().for_each(|(output, x)| *x = at(input, first + output));
        })
    }

    /// Packs rows, each of which has all outputs of an input.
    pub fn from_rows<'r>(n_in: usize, n_out: usize, row: impl Fn(usize) -> &'r [f32]) -> Self {
        Self::filled(n_in, n_out, |input, first, own| own.copy_from_slice(&row(input)[first..][..own.len()]))
    }

    /// Packs columns, each of which has all inputs of an output.
    pub fn from_columns<'c>(n_in: usize, n_out: usize, column: impl Fn(usize) -> &'c [f32]) -> Self {
        let mut panels = vec![[0.0; PANEL]; n_in * n_out.div_ceil(PANEL)];
        // Eight inputs of all outputs of a panel at a time: lines of the cache are used up on both sides.
        for (panel, rows) in panels.chunks_exact_mut(n_in.max(1)).enumerate() {
            let first = panel * PANEL;
            let n = PANEL.min(n_out - first);
            for (block, rows) in rows.chunks_mut(8).enumerate() {
                for output in 0..n {
                    let inputs = &column(first + output)[block * 8..];
                    rows.iter_mut().zip(inputs).for_each(|(row, x)| row[output] = *x);
                }
            }
        }
        Self { n_in, n_out, panels: Arc::new(panels) }
    }

    /// `fill` is told an input, the first output of a panel, and the outputs' places.
    fn filled(n_in: usize, n_out: usize, fill: impl Fn(usize, usize, &mut [f32])) -> Self {
        let mut panels = vec![[0.0; PANEL]; n_in * n_out.div_ceil(PANEL)];
        for (panel, rows) in panels.chunks_exact_mut(n_in.max(1)).enumerate() {
            let first = panel * PANEL;
            let n = PANEL.min(n_out - first);
            rows.iter_mut().enumerate().for_each(|(input, row)| fill(input, first, &mut row[..n]));
        }
        Self { n_in, n_out, panels: Arc::new(panels) }
    }

    /// How many inputs.
    #[must_use]
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// How many outputs.
    #[must_use]
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    /// One number.
    #[must_use]
    pub fn at(&self, input: usize, output: usize) -> f32 {
        self.panels[output / PANEL * self.n_in + input][output % PANEL]
    }

    /// All inputs of an output.
    pub fn column(&self, output: usize) -> impl Iterator<Item = f32> + '_ {
        self.panels[output / PANEL * self.n_in..][..self.n_in].iter().map(move |row| row[output % PANEL])
    }

    /// A row times the inputs of one output: what [`multiply`] has there, to the bit.
    pub(super) fn product_with(&self, level: Level, row: &[f32], output: usize) -> f32 {
        let terms = row.iter().zip(self.column(output));
        match level {
            Level::Portable => terms.fold(0.0, |sum, (x, weight)| sum + x * weight),
            Level::Avx2 | Level::Avx512 => terms.fold(0.0, |sum, (x, weight)| x.mul_add(weight, sum)),
        }
    }

    /// How many numbers it has.
    #[must_use]
    pub fn n_numbers(&self) -> usize {
        self.n_in * self.n_out
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.panels.len() * size_of::<[f32; PANEL]>()
    }

    /// Whether another is the very same.
    #[must_use]
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.panels, &other.panels)
    }

    /// All of it as a factor.
    pub(super) fn whole(&self) -> Factor<'_> {
        self.part(0..self.n_in, 0..self.n_out)
    }

    /// Some inputs and outputs of it.
    pub(super) fn part(&self, inputs: Range<usize>, outputs: Range<usize>) -> Factor<'_> {
        debug_assert!(inputs.end <= self.n_in && outputs.end <= self.n_out);
        Factor { panels: &self.panels, n_in: self.n_in, inputs, outputs }
    }
}

/// A part of a packed matrix.
#[derive(Debug, Clone)]
pub(super) struct Factor<'m> {
    panels: &'m [[f32; PANEL]],
    n_in: usize,
    inputs: Range<usize>,
    outputs: Range<usize>,
}

/// Rows, as far apart as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'m> {
    /// All numbers, from the first one that is meant.
    pub(super) data: &'m [f32],
    /// How many rows.
    pub(super) n: usize,
    /// How far the next row is away.
    pub(super) stride: usize,
}

/// Where a product goes: rows that are `stride` apart, which take the product and the bias, or are added both in one sum.
#[derive(Debug)]
pub(super) struct Target<'t> {
    pub(super) into: &'t mut [f32],
    pub(super) stride: usize,
    pub(super) bias: Option<&'t [f32]>,
    pub(super) adds: bool,
}

/// Multiplies rows with matrices of as many inputs. The answer is how many multiply-adds that took.
pub(super) fn multiply<const N: usize>(
    crew: Crew<'_>,
    level: Level,
    rows: Rows<'_>,
    products: [(&Factor<'_>, Target<'_>); N],
) -> u64 {
    let n_in = products.first().map_or(0, |(factor, _)| factor.inputs.len());
    let mut packed = PACKED.take();
    packed.resize(packed.len().max(rows.n.min(ROWS) * n_in), 0.0);
    let products = products.map(|(factor, target)| (factor, Shared::new(target)));
    let n_outs = products.iter().map(|(factor, _)| factor.outputs.len());
    let multiply_adds = rows.n * n_in * n_outs.sum::<usize>();
    let n_parts = if multiply_adds < SHARED { 1 } else { crew.size() };
    for first in (0..rows.n).step_by(ROWS) {
        let blocks: Vec<Range<usize>> = even(first..(first + ROWS).min(rows.n), most_rows(level)).collect();
        let parts = split(0..blocks.len(), n_parts.min(blocks.len())).map(|part| {
            let n = blocks[part.clone()].iter().map(Range::len).sum::<usize>();
            (part, n * n_in)
        });
        crew.share(cut(&mut packed, parts), |(part, packed)| pack(rows, n_in, &blocks[part], packed));
        for (factor, target) in &products {
            debug_assert_eq!(factor.inputs.len(), n_in, "all have the same inputs");
            // Panels that hold any of the outputs.
            let panels = factor.outputs.start / PANEL..factor.outputs.end.div_ceil(PANEL);
            crew.share(split(panels.clone(), n_parts.min(panels.len())), |panels| {
                for panel in panels.clone() {
                    let next = (panel + 1 < panels.end).then_some(panel + 1);
                    one_panel(level, (first, &blocks, &packed), factor, panel, next, target);
                }
            });
        }
    }
    PACKED.set(packed);
    multiply_adds as u64
}

thread_local! {
    /// Where rows are packed, which every product of a thread uses again.
    static PACKED: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Numbers in parts of these lengths, each with what stands beside its length.
pub(super) fn cut<T>(
    numbers: &mut [f32],
    parts: impl Iterator<Item = (T, usize)>,
) -> impl Iterator<Item = (T, &mut [f32])> {
    let mut rest = numbers;
    parts.map(move |(of, length)| {
        let (own, others) = std::mem::take(&mut rest).split_at_mut(length);
        rest = others;
        (of, own)
    })
}

/// Puts rows of blocks side by side, input by input.
fn pack(rows: Rows<'_>, n_in: usize, blocks: &[Range<usize>], mut packed: &mut [f32]) {
    for block in blocks {
        let (own, rest) = std::mem::take(&mut packed).split_at_mut(block.len() * n_in);
        packed = rest;
        let row = |at: usize| &rows.data[(block.start + at) * rows.stride..][..n_in];
        let n_fours = block.len() / 4;
        for four in 0..n_fours {
            let quad = [0, 1, 2, 3].map(|at| row(4 * four + at));
            pack_four(quad, (4 * four, block.len()), own);
        }
        for at in 4 * n_fours..block.len() {
            own[at..].iter_mut().step_by(block.len()).zip(row(at)).for_each(|(own, x)| *own = *x);
        }
    }
}

/// Four rows, four inputs at a time: squares are turned in registers.
fn pack_four(rows: [&[f32]; 4], (at, n): (usize, usize), packed: &mut [f32]) {
    let squares = rows.map(|row| row.as_chunks::<4>().0);
    let whole = squares[0].len();
    let (first, last) = packed.split_at_mut(whole * 4 * n);
    for (square, own) in first.chunks_exact_mut(4 * n).enumerate() {
        let turned = turned(squares.map(|row| row[square]));
        for (own, row) in own.chunks_exact_mut(n).zip(turned) {
            if let Some(four) = own[at..].first_chunk_mut() {
                *four = row;
            }
        }
    }
    for (input, own) in last.chunks_exact_mut(n).enumerate() {
        own[at..at + 4].copy_from_slice(&rows.map(|row| row[whole * 4 + input]));
    }
}

/// Rows as columns.
#[inline(always)]
fn turned(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
        let mut turned = [[0.0; 4]; 4];
        #[expect(unsafe_code, reason = "loads and stores of vectors take pointers")]
        // SAFETY: each row is four numbers long, and every machine of this kind has these instructions.
        unsafe {
            let [mut a, mut b, mut c, mut d] = rows.each_ref().map(|row| _mm_loadu_ps(row.as_ptr()));
            _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
            for (row, own) in [a, b, c, d].into_iter().zip(&mut turned) {
                _mm_storeu_ps(own.as_mut_ptr(), row);
            }
        }
        turned
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::array::from_fn(|column| rows.map(|row| row[column]))
}

/// Rows of a block, at most: as many as have their sums in registers.
fn most_rows(level: Level) -> usize {
    match level {
        Level::Avx512 => 12,
        Level::Avx2 => 6,
        Level::Portable => 4,
    }
}

/// A range in parts of nearly one size.
pub(super) fn split(range: Range<usize>, n: usize) -> impl Iterator<Item = Range<usize>> {
    let (start, len) = (range.start, range.len());
    (0..n).map(move |at| start + len * at / n..start + len * (at + 1) / n)
}

/// All rows times one panel.
fn one_panel(
    level: Level,
    (first, blocks, packed): (usize, &[Range<usize>], &[f32]),
    factor: &Factor<'_>,
    panel: usize,
    next: Option<usize>,
    target: &Shared<'_>,
) {
    let start = panel * PANEL;
    let meant = factor.outputs.start.max(start)..factor.outputs.end.min(start + PANEL);
    let of = |panel: usize| &factor.panels[panel * factor.n_in..][factor.inputs.clone()];
    let inputs = of(panel);
    let (n_in, first_out) = (factor.inputs.len(), meant.start - factor.outputs.start);
    // Each block fetches its part of the next panel.
    let next = next.map_or(&[][..], of).as_flattened().as_chunks().0;
    for (block, ahead) in blocks.iter().zip(split(0..next.len(), blocks.len())) {
        let rows = &packed[(block.start - first) * n_in..][..block.len() * n_in];
        let columns = meant.start - start..meant.end - start;
        let out = Out { target, row: block.start, first_out, columns };
        one_block(level, block.len(), Factors { rows, inputs, ahead: &next[ahead] }, out);
    }
}

/// What a block multiplies.
#[derive(Clone, Copy)]
struct Factors<'f> {
    /// Rows, input by input.
    rows: &'f [f32],
    /// A panel.
    inputs: &'f [[f32; PANEL]],
    /// Lines of memory that are wanted soon.
    ahead: &'f [[f32; 16]],
}

/// Inputs of a panel that are brought near before they are needed.
const NEAR: usize = 8;

/// A target that threads write to, each other columns.
struct Shared<'t> {
    start: *mut f32,
    len: usize,
    stride: usize,
    bias: Option<&'t [f32]>,
    adds: bool,
    own: PhantomData<&'t mut [f32]>,
}

#[expect(unsafe_code, reason = "threads write to different columns of the same rows")]
// SAFETY: it stands for `&mut [f32]`, and who writes tells columns that nobody else has (`Shared::columns`).
unsafe impl Sync for Shared<'_> {}

impl<'t> Shared<'t> {
    fn new(target: Target<'t>) -> Self {
        let Target { into, stride, bias, adds } = target;
        Self { start: into.as_mut_ptr(), len: into.len(), stride, bias, adds, own: PhantomData }
    }

    /// Columns of a row.
    ///
    /// # Safety
    /// Nobody else may have any of them at the same time.
    #[inline(always)]
    #[expect(
        unsafe_code,
        clippy::mut_from_ref,
        reason = "threads write to different columns of the same rows"
    )]
    unsafe fn columns(&self, row: usize, columns: Range<usize>) -> &mut [f32] {
        let first = row * self.stride + columns.start;
        assert!(first + columns.len() <= self.len, "rows lie within the target");
        // SAFETY: it lies within the target, and by the caller's promise nobody else has it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), columns.len()) }
    }
}

/// Rows in blocks of nearly one size, none larger than the largest; all but the last are whole fours where they can be.
fn even(rows: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    let unit = if most.is_multiple_of(4) { 4 } else { 1 };
    let n_units = rows.len().div_ceil(unit);
    split(0..n_units, n_units.div_ceil(most / unit).max(1))
        .map(move |part| rows.start + part.start * unit..(rows.start + part.end * unit).min(rows.end))
}

/// Where a block's answer goes.
struct Out<'o> {
    target: &'o Shared<'o>,
    /// Its first row.
    row: usize,
    /// The column of the target that the first of these is.
    first_out: usize,
    /// Columns of the panel.
    columns: Range<usize>,
}

impl Out<'_> {
    #[inline(always)]
    fn write(&self, row: usize, sums: &mut [f32; PANEL]) {
        let sums = &mut sums[self.columns.clone()];
        let columns = self.first_out..self.first_out + sums.len();
        if let Some(bias) = self.target.bias {
            sums.iter_mut().zip(&bias[columns.clone()]).for_each(|(sum, bias)| *sum += bias);
        }
        #[expect(unsafe_code, reason = "threads write to different columns of the same rows")]
        // SAFETY: a panel has one thread, and its columns stand in no other panel.
        let into = unsafe { self.target.columns(self.row + row, columns) };
        if self.target.adds {
            into.iter_mut().zip(sums).for_each(|(into, sum)| *into += *sum);
        } else if let ([into], [sums]) = (into.as_chunks_mut::<PANEL>().0, sums.as_chunks::<PANEL>().0) {
            // A whole panel is copied without asking how long it is.
            *into = *sums;
        } else {
            into.copy_from_slice(sums);
        }
    }
}

/// A function for each number of rows of a block.
macro_rules! by_rows {
    ($kernel:ident, $n:expr, $factors:expr, $out:expr, $($literal:literal)*) => {
        match $n {
            $($literal => $kernel::<$literal>($factors, $out),)*
            _ => {}
        }
    };
}

fn one_block(level: Level, n: usize, factors: Factors<'_>, out: Out<'_>) {
    match level {
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "functions of one kind of instructions are called where the machine has them"
        )]
        // SAFETY: `Kernels::new` lowers the level to what the machine has.
        Level::Avx512 => unsafe { by_rows!(avx512, n, factors, out, 1 2 3 4 5 6 7 8 9 10 11 12) },
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "functions of one kind of instructions are called where the machine has them"
        )]
        // SAFETY: `Kernels::new` lowers the level to what the machine has.
        Level::Avx2 => unsafe { by_rows!(avx2, n, factors, out, 1 2 3 4 5 6) },
        _ => by_rows!(portable, n, factors, out, 1 2 3 4),
    }
}

/// Brings lines near that are needed some inputs later.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn near(lines: &[[f32; 16]]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for line in lines {
        #[expect(unsafe_code, reason = "what is fetched is told by a pointer")]
        // SAFETY: to fetch reads nothing: any address will do, that behind the matrix, too.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(NEAR * PANEL).cast());
        }
    }
}

/// Brings a line into the second cache.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn fetch(line: &[f32; 16]) {
    use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    #[expect(unsafe_code, reason = "what is fetched is told by a pointer")]
    // SAFETY: to fetch reads nothing.
    unsafe {
        _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
fn avx512<const N: usize>(factors: Factors<'_>, out: Out<'_>) {
    use std::arch::x86_64::{
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };
    let mut sums = [[_mm512_setzero_ps(); 2]; N];
    let mut ahead = factors.ahead.iter();
    // One line an input, but two of a block that is alone.
    let n_lines = factors.ahead.len().div_ceil(factors.inputs.len().max(1));
    for (x, weights) in factors.rows.as_chunks::<N>().0.iter().zip(factors.inputs) {
        let (halves, _) = weights.as_chunks::<16>();
        near(halves);
        ahead.by_ref().take(n_lines).for_each(fetch);
        #[expect(unsafe_code, reason = "loads of vectors take pointers")]
        // SAFETY: each half is sixteen numbers long.
        let [low, high] =
            unsafe { [_mm512_loadu_ps(halves[0].as_ptr()), _mm512_loadu_ps(halves[1].as_ptr())] };
        for (sum, &x) in sums.iter_mut().zip(x) {
            let x = _mm512_set1_ps(x);
            sum[0] = _mm512_fmadd_ps(x, low, sum[0]);
            sum[1] = _mm512_fmadd_ps(x, high, sum[1]);
        }
    }
    for (row, sum) in sums.iter().enumerate() {
        let mut kept = [0.0; PANEL];
        let (halves, _) = kept.as_chunks_mut::<16>();
        for (half, sum) in halves.iter_mut().zip(sum) {
            #[expect(unsafe_code, reason = "stores of vectors take pointers")]
            // SAFETY: each half is sixteen numbers long.
            unsafe {
                _mm512_storeu_ps(half.as_mut_ptr(), *sum);
            }
        }
        out.write(row, &mut kept);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn avx2<const N: usize>(factors: Factors<'_>, out: Out<'_>) {
    use std::arch::x86_64::{
        _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
    };
    let mut kept = [[0.0; PANEL]; N];
    // Half a panel at a time: the sums of six rows are twelve of the sixteen registers.
    let mut ahead = factors.ahead.iter();
    for half in 0..2 {
        let mut sums = [[_mm256_setzero_ps(); 2]; N];
        for (x, weights) in factors.rows.as_chunks::<N>().0.iter().zip(factors.inputs) {
            near(&weights.as_chunks::<16>().0[half..=half]);
            ahead.next().into_iter().for_each(fetch);
            let (parts, _) = weights.as_chunks::<8>();
            #[expect(unsafe_code, reason = "loads of vectors take pointers")]
            // SAFETY: each part is eight numbers long.
            let [low, high] = unsafe {
                [_mm256_loadu_ps(parts[2 * half].as_ptr()), _mm256_loadu_ps(parts[2 * half + 1].as_ptr())]
            };
            for (sum, &x) in sums.iter_mut().zip(x) {
                let x = _mm256_set1_ps(x);
                sum[0] = _mm256_fmadd_ps(x, low, sum[0]);
                sum[1] = _mm256_fmadd_ps(x, high, sum[1]);
            }
        }
        for (kept, sum) in kept.iter_mut().zip(&sums) {
            let (parts, _) = kept.as_chunks_mut::<8>();
            for (part, sum) in parts[2 * half..].iter_mut().zip(sum) {
                #[expect(unsafe_code, reason = "stores of vectors take pointers")]
                // SAFETY: each part is eight numbers long.
                unsafe {
                    _mm256_storeu_ps(part.as_mut_ptr(), *sum);
                }
            }
        }
    }
    kept.iter_mut().enumerate().for_each(|(row, sums)| out.write(row, sums));
}

fn portable<const N: usize>(factors: Factors<'_>, out: Out<'_>) {
    let mut kept = [[0.0; PANEL]; N];
    for (x, weights) in factors.rows.as_chunks::<N>().0.iter().zip(factors.inputs) {
        for (sums, &x) in kept.iter_mut().zip(x) {
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
        }
    }
    kept.iter_mut().enumerate().for_each(|(row, sums)| out.write(row, sums));
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::super::machine::Machine;
    use super::*;

    /// Numbers between -1 and 1 that look like chance.
    fn numbers(seed: usize) -> impl Fn(usize) -> f32 {
        move |at| ((at * 7_919 + seed * 104_729 + 13) % 20_011) as f32 / 10_000.0 - 1.0
    }

    #[test]
    fn products_are_what_they_are_whoever_makes_them() {
        // More rows than pass at once, no whole number of fours, panels, or blocks, and enough of them to be shared.
        for (n_rows, n_in, n_out) in [(1, 700, 1_600), (7, 513, 700), (211, 130, 97), (12, 384, 300)] {
            let (rows, weights) = (numbers(1), numbers(2));
            let rows: Vec<f32> = (0..n_rows * n_in).map(rows).collect();
            let factor = Packed::from_fn(n_in, n_out, |input, output| weights(input * n_out + output));
            let data: Vec<f32> = (0..n_in * n_out).map(&weights).collect();
            assert_eq!(factor, Packed::from_rows(n_in, n_out, |input| &data[input * n_out..][..n_out]));
            let bias: Vec<f32> = (0..n_out).map(numbers(3)).collect();
            let made = |level: Level, threads: usize| {
                let [mut one, mut two] = [vec![0.5; n_rows * n_out], vec![0.5; n_rows * n_out]];
                let machine =
                    Machine { level: level.or_lower(), ..Machine::with(NonZeroUsize::new(threads).unwrap()) };
                let n = machine.with_crew(usize::MAX, |crew| {
                    let rows = Rows { data: &rows, n: n_rows, stride: n_in };
                    let set = Target { into: &mut one, stride: n_out, bias: Some(&bias), adds: false };
                    let add = Target { into: &mut two, stride: n_out, bias: None, adds: true };
                    multiply(crew, machine.level, rows, [(&factor.whole(), set), (&factor.whole(), add)])
                });
                assert_eq!(n, 2 * (n_rows * n_in * n_out) as u64);
                [one, two]
            };
            let alone = made(Level::Avx512, 1);
            for threads in [2, 3, 5] {
                assert_eq!(made(Level::Avx512, threads), alone, "{threads} threads");
            }
            assert_eq!(made(Level::Avx2, 2), alone, "other instructions");
            let portable = made(Level::Portable, 2);
            for row in [0, n_rows / 2, n_rows - 1] {
                for output in [0, 31, 32, n_out - 1] {
                    let terms = (0..n_in).map(|input| {
                        f64::from(rows[row * n_in + input]) * f64::from(weights(input * n_out + output))
                    });
                    let sum: f64 = terms.sum();
                    for [set, add] in [&alone, &portable] {
                        let at = row * n_out + output;
                        assert!((f64::from(set[at]) - sum - f64::from(bias[output])).abs() < 1e-3);
                        assert!((f64::from(add[at]) - sum - 0.5).abs() < 1e-3);
                    }
                }
            }
        }
    }
}
