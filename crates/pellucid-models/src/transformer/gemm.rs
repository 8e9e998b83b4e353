//! Products of rows with matrices that were packed beforehand: the one place of this crate where instructions are chosen by hand.
//!
//! A matrix is kept in panels of 32 outputs, all inputs of a panel one after the other, so that a product reads it once from front to
//! back. Every number of the answer is one chain of multiply-adds over the inputs in their order, whatever other rows there
//! are: a row alone and among others is the same to the bit, and so it is with AVX-512 and AVX2. That is what libraries don't
//! promise, and what experiments that take up a run in the middle live on. For few rows it is also faster (`bench/lens`).

use std::ops::Range;
use std::sync::Arc;

use pellucid_data::Level;

/// Outputs of a panel.
pub(super) const PANEL: usize = 32;
/// Rows that stay in the cache while all panels pass.
const ROWS: usize = 192;

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
        let mut panels = vec![[0.0; PANEL]; n_in * n_out.div_ceil(PANEL)];
        // Eight inputs of all outputs of a panel at a time: whichever way the source stands, lines of the cache are used up.
        for (panel, rows) in panels.chunks_exact_mut(n_in.max(1)).enumerate() {
            let first = panel * PANEL;
            let n = PANEL.min(n_out - first);
            for (block, rows) in rows.chunks_mut(8).enumerate() {
                for output in 0..n {
                    for (input, row) in rows.iter_mut().enumerate() {
                        row[output] = at(block * 8 + input, first + output);
                    }
                }
            }
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

/// Multiplies rows with a matrix. The answer is how many multiply-adds that took.
pub(super) fn multiply(level: Level, rows: Rows<'_>, factor: &Factor<'_>, target: Target<'_>) -> u64 {
    let Target { into, stride, bias, adds } = target;
    let (n_in, n_out) = (factor.inputs.len(), factor.outputs.len());
    let most = match level {
        Level::Avx512 => 12,
        Level::Avx2 => 6,
        Level::Portable => 4,
    };
    let mut packed = vec![0.0; rows.n.min(ROWS) * n_in];
    for first in (0..rows.n).step_by(ROWS) {
        let end = (first + ROWS).min(rows.n);
        let blocks: Vec<Range<usize>> = even(first..end, most).collect();
        for block in &blocks {
            let own = &mut packed[(block.start - first) * n_in..][..block.len() * n_in];
            for (at, row) in block.clone().enumerate() {
                let row = &rows.data[row * rows.stride..][..n_in];
                own.iter_mut().skip(at).step_by(block.len()).zip(row).for_each(|(own, x)| *own = *x);
            }
        }
        // Panels that hold any of the outputs.
        let panels = factor.outputs.start / PANEL..factor.outputs.end.div_ceil(PANEL);
        for panel in panels {
            let start = panel * PANEL;
            let meant = factor.outputs.start.max(start)..factor.outputs.end.min(start + PANEL);
            let inputs = &factor.panels[panel * factor.n_in..][factor.inputs.clone()];
            let columns = meant.start - start..meant.end - start;
            let first_out = meant.start - factor.outputs.start;
            for block in &blocks {
                let own = &packed[(block.start - first) * n_in..][..block.len() * n_in];
                let out = Out {
                    into: &mut into[block.start * stride + first_out..],
                    stride,
                    bias: bias.map(|bias| &bias[first_out..]),
                    columns: columns.clone(),
                    adds,
                };
                one_block(level, block.len(), own, inputs, out);
            }
        }
    }
    (rows.n * n_in * n_out) as u64
}

/// Rows in blocks of nearly one size, none larger than the largest.
fn even(rows: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    let n_blocks = rows.len().div_ceil(most).max(1);
    (0..n_blocks)
        .map(move |at| rows.start + rows.len() * at / n_blocks..rows.start + rows.len() * (at + 1) / n_blocks)
}

/// Where a block's answer goes.
struct Out<'o> {
    into: &'o mut [f32],
    stride: usize,
    bias: Option<&'o [f32]>,
    columns: Range<usize>,
    adds: bool,
}

impl Out<'_> {
    #[inline(always)]
    fn write(&mut self, row: usize, sums: &mut [f32; PANEL]) {
        let into = &mut self.into[row * self.stride..][..self.columns.len()];
        let sums = &mut sums[self.columns.clone()];
        if let Some(bias) = self.bias {
            sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
        }
        if self.adds {
            into.iter_mut().zip(sums).for_each(|(into, sum)| *into += *sum);
        } else {
            into.copy_from_slice(sums);
        }
    }
}

/// A function for each number of rows of a block.
macro_rules! by_rows {
    ($kernel:ident, $n:expr, $rows:expr, $inputs:expr, $out:expr, $($literal:literal)*) => {
        match $n {
            $($literal => $kernel::<$literal>($rows.as_chunks().0, $inputs, $out),)*
            _ => {}
        }
    };
}

fn one_block(level: Level, n: usize, rows: &[f32], inputs: &[[f32; PANEL]], out: Out<'_>) {
    match level {
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "functions of one kind of instructions are called where the machine has them"
        )]
        // SAFETY: `Kernels::new` lowers the level to what the machine has.
        Level::Avx512 => unsafe { by_rows!(avx512, n, rows, inputs, out, 1 2 3 4 5 6 7 8 9 10 11 12) },
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "functions of one kind of instructions are called where the machine has them"
        )]
        // SAFETY: `Kernels::new` lowers the level to what the machine has.
        Level::Avx2 => unsafe { by_rows!(avx2, n, rows, inputs, out, 1 2 3 4 5 6) },
        _ => by_rows!(portable, n, rows, inputs, out, 1 2 3 4),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
fn avx512<const N: usize>(rows: &[[f32; N]], inputs: &[[f32; PANEL]], mut out: Out<'_>) {
    use std::arch::x86_64::{
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };
    let mut sums = [[_mm512_setzero_ps(); 2]; N];
    for (x, weights) in rows.iter().zip(inputs) {
        let (halves, _) = weights.as_chunks::<16>();
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
fn avx2<const N: usize>(rows: &[[f32; N]], inputs: &[[f32; PANEL]], mut out: Out<'_>) {
    use std::arch::x86_64::{
        _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
    };
    let mut kept = [[0.0; PANEL]; N];
    // Half a panel at a time: the sums of six rows are twelve of the sixteen registers.
    for half in 0..2 {
        let mut sums = [[_mm256_setzero_ps(); 2]; N];
        for (x, weights) in rows.iter().zip(inputs) {
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

fn portable<const N: usize>(rows: &[[f32; N]], inputs: &[[f32; PANEL]], mut out: Out<'_>) {
    let mut kept = [[0.0; PANEL]; N];
    for (x, weights) in rows.iter().zip(inputs) {
        for (sums, &x) in kept.iter_mut().zip(x) {
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
        }
    }
    kept.iter_mut().enumerate().for_each(|(row, sums)| out.write(row, sums));
}
