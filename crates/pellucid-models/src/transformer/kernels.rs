//! What happens to rows between products of matrices: norms, softmax, activations, turns. In 32 bits, by whatever instructions there are.
//!
//! e^x is a polynomial of degree 6 on an interval around 0, times a power of two (Cephes, `expf`), and the error function that of Abramowitz
//! and Stegun, 7.1.26 (within 1.5e-7): both are straight lines of arithmetic, which the compiler puts side by side.

use pellucid_data::Level;

use super::spec::{Activation, NormKind};
use super::weights::NormWeights;

/// A list of functions, each compiled for every kind of instructions, and a method that takes the best there is.
macro_rules! kernels {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $kind:ty),*) $(-> $out:ty)? $body:block)*) => {
        /// The kernels, by the machine's instructions.
        #[derive(Debug, Clone, Copy)]
        pub(super) struct Kernels(Level);

        impl Kernels {
            /// By these instructions, or the best below them that there are.
            pub(super) fn new(level: Level) -> Self {
                Self(level.or_lower())
            }

            /// Which instructions.
            pub(super) fn level(self) -> Level {
                self.0
            }

            $($(#[$doc])* pub(super) fn $name(self, $($arg: $kind),*) $(-> $out)? {
                #[inline(always)]
                fn any($($arg: $kind),*) $(-> $out)? $body

                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma,bmi1,bmi2")]
                    fn avx512($($arg: $kind),*) $(-> $out)? { any($($arg),*) }
                    #[target_feature(enable = "avx2,bmi1,bmi2")]
                    fn avx2($($arg: $kind),*) $(-> $out)? { any($($arg),*) }
                    match self.0 {
                        #[expect(unsafe_code, reason = "functions of one kind of instructions are called where the machine has them")]
                        // SAFETY: the level was lowered to what the machine has.
                        Level::Avx512 => unsafe { avx512($($arg),*) },
                        #[expect(unsafe_code, reason = "functions of one kind of instructions are called where the machine has them")]
                        // SAFETY: the level was lowered to what the machine has.
                        Level::Avx2 => unsafe { avx2($($arg),*) },
                        Level::Portable => any($($arg),*),
                    }
                }
                #[cfg(not(target_arch = "x86_64"))]
                any($($arg),*)
            })*
        }
    };
}

kernels! {
    /// Makes neurons of numbers.
    fn activate(kind: Activation, row: &mut [f32]) {
        match kind {
            Activation::Gelu => row.iter_mut().for_each(|x| *x *= normal_below(*x)),
            Activation::GeluTanh => row.iter_mut().for_each(|x| {
                // (1 + tanh u) / 2 is 1 / (1 + e^-2u).
                let turn = *x * (1.595_769 + 0.071_354_82 * *x * *x);
                *x /= 1.0 + exp(-turn);
            }),
            Activation::Silu => row.iter_mut().for_each(|x| *x /= 1.0 + exp(-*x)),
            Activation::Relu => row.iter_mut().for_each(|x| *x = x.max(0.0)),
        }
    }

    /// Multiplies numbers with others.
    fn multiply(row: &mut [f32], by: &[f32]) {
        row.iter_mut().zip(by).for_each(|(x, by)| *x *= by);
    }

    /// Adds others to numbers.
    fn add(row: &mut [f32], others: &[f32]) {
        row.iter_mut().zip(others).for_each(|(x, other)| *x += other);
    }

    /// Centres a row, if that is the norm, and tells what it is to be divided by.
    fn center(kind: NormKind, eps: f32, from: &[f32], into: &mut [f32]) -> f32 {
        let n = from.len() as f32;
        let mean = match kind {
            NormKind::Layer => sum(from, |x| x) / n,
            NormKind::RootMeanSquare | NormKind::None => 0.0,
        };
        into.iter_mut().zip(from).for_each(|(into, from)| *into = from - mean);
        if kind == NormKind::None { 1.0 } else { (sum(into, |x| x * x) / n + eps).sqrt() }
    }

    /// Divides a row by its scale, and applies the norm's weights.
    fn weigh(weights: &NormWeights, scale: f32, row: &mut [f32]) {
        let by = scale.recip();
        match &weights.bias {
            Some(bias) => {
                let both = weights.weight.iter().zip(bias);
                row.iter_mut().zip(both).for_each(|(x, (weight, bias))| *x = *x * by * weight + bias);
            }
            None => row.iter_mut().zip(&weights.weight).for_each(|(x, weight)| *x = *x * by * weight),
        }
    }

    /// Shares that are as large as e to the score; nothing where nothing is seen.
    fn softmax(row: &mut [f32]) {
        let most = greatest(row);
        if most == f32::NEG_INFINITY {
            row.fill(0.0);
            return;
        }
        row.iter_mut().for_each(|x| *x = exp(*x - most));
        let by = sum(row, |x| x).recip();
        row.iter_mut().for_each(|x| *x *= by);
    }

    /// Scales what is seen of a row of scores, and hides the rest.
    fn mask(row: &mut [f32], seen: std::ops::Range<usize>, scale: f32) {
        let (before, rest) = row.split_at_mut(seen.start);
        let (own, after) = rest.split_at_mut(seen.len());
        before.fill(f32::NEG_INFINITY);
        own.iter_mut().for_each(|x| *x *= scale);
        after.fill(f32::NEG_INFINITY);
    }

    /// Turns pairs of coordinates, which stand in two halves.
    fn turn(head: &mut [f32], cos: &[f32], sin: &[f32]) {
        let (xs, ys) = head.split_at_mut(cos.len());
        for (((x, y), cos), sin) in xs.iter_mut().zip(ys).zip(cos).zip(sin) {
            (*x, *y) = (*x * cos - *y * sin, *y * cos + *x * sin);
        }
    }

}

/// Sums that are kept side by side, in a fixed order whatever the instructions; zeros behind a row change none of them.
const LANES: usize = 16;

#[inline(always)]
fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += of(*x));
    }
    sums.iter_mut().zip(rest).for_each(|(sum, x)| *sum += of(*x));
    folded(sums)
}

#[inline(always)]
fn folded(mut sums: [f32; LANES]) -> f32 {
    let mut n = LANES / 2;
    while n > 0 {
        for at in 0..n {
            sums[at] += sums[at + n];
        }
        n /= 2;
    }
    sums[0]
}

#[inline(always)]
fn greatest(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        most.iter_mut().zip(chunk).for_each(|(most, x)| *most = if *x > *most { *x } else { *most });
    }
    most.iter().chain(rest).copied().fold(f32::NEG_INFINITY, |most, x| if x > most { x } else { most })
}

/// e to the power of `x`, within two units of the last place; 0 below -87.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const ROUND: f32 = 12_582_912.0;
    let x = if x > 88.0 { 88.0 } else { x };
    let is_tiny = x < -87.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * 0.693_359_4 - whole * -2.121_944_4e-4;
    let poly = 1.987_569_1e-4;
    let poly = poly * rest + 1.398_199_9e-3;
    let poly = poly * rest + 8.333_452e-3;
    let poly = poly * rest + 4.166_579_6e-2;
    let poly = poly * rest + 0.166_666_66;
    let poly = poly * rest + 0.5;
    let poly = poly * rest * rest + rest + 1.0;
    let power = f32::from_bits((shifted.to_bits().wrapping_shl(23)).wrapping_add(127 << 23));
    if is_tiny { 0.0 } else { poly * power }
}

/// The share of a normal distribution that lies below `x`.
#[inline(always)]
fn normal_below(x: f32) -> f32 {
    let size = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let poly = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t + 0.254_829_6) * t;
    // The share beyond the size, on one side.
    let beyond = 0.5 * poly * exp(-size * size);
    if x < 0.0 { beyond } else { 1.0 - beyond }
}
