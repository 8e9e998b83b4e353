//! What do the values of many rows say together? Sums, extremes and quantiles of every feature, and nothing of any row.
//!
//! Parts of the rows can be summed up apart and joined: what comes out is equal to the bit, whatever the parts.

mod exact_sum;
mod sketch;

pub use exact_sum::ExactSum;
pub use sketch::{ACCURACY, Buckets, Sketch};

use pellucid_data::OutputId;

use crate::Attributions;

/// What the values of one feature and output were.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Sum of the absolute values.
    pub absolute: ExactSum,
    /// Sum of the values.
    pub sum: ExactSum,
    /// Sum of their squares.
    pub squares: ExactSum,
    /// The least value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
    /// How they are distributed.
    pub sketch: Sketch,
}

impl Default for Spread {
    fn default() -> Self {
        let (least, most) = (f64::INFINITY, f64::NEG_INFINITY);
        let (absolute, sum, squares) = Default::default();
        Self { absolute, sum, squares, least, most, sketch: Sketch::default() }
    }
}

impl Spread {
    fn add(&mut self, x: f64) {
        self.absolute.add(x.abs());
        self.sum.add(x);
        self.squares.add_square(x);
        if x.is_finite() {
            self.least = self.least.min(x);
            self.most = self.most.max(x);
            self.sketch.add(x);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.absolute.merge(&other.absolute);
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.sketch.merge(&other.sketch);
    }

    /// The mean of the absolute values, over so many rows.
    #[must_use]
    pub fn mean_absolute(&self, n_rows: u64) -> f64 {
        self.absolute.value() / n_rows as f64
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self, n_rows: u64) -> f64 {
        self.sum.value() / n_rows as f64
    }

    /// The standard deviation (of these rows, not an estimate for others).
    #[must_use]
    pub fn deviation(&self, n_rows: u64) -> f64 {
        // Around the mean as a number: what is subtracted is known to the last bit, and what is left is rounded once.
        let (n, mean) = (n_rows as f64, self.mean(n_rows));
        let mut one = ExactSum::default();
        one.add_square(mean);
        let mut around = self.squares.clone();
        around.add_product(&self.sum, -2.0 * mean);
        around.add_product(&one, n);
        // That number is off the mean by its rounding.
        let mut off = self.sum.clone();
        let mut rows = ExactSum::default();
        rows.add(n);
        off.add_product(&rows, -mean);
        let off = off.value();
        let variance = (around.value() - off * off / n) / n;
        // Not `max`, which would make 0 of what is no number.
        if variance < 0.0 { 0.0 } else { variance.sqrt() }
    }

    /// A quantile, within the extremes.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        self.sketch.quantile(share).clamp(self.least.min(self.most), self.most.max(self.least))
    }
}

/// Values of many rows, summed up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Aggregate {
    /// Rows.
    pub n_rows: u64,
    /// The largest residual; NaN if any is.
    pub worst_residual: f64,
    /// By output: the expected margin.
    pub base: Vec<f64>,
    /// Output by output: feature by feature.
    pub spreads: Vec<Vec<Spread>>,
}

/// Why two aggregates can't be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("they are not of the same model and game: outputs, features or base values differ")]
pub struct OtherModel;

impl Aggregate {
    /// Adds the rows of an explanation.
    pub fn add(&mut self, found: &Attributions) {
        let outputs = || (0..found.n_outputs()).map(OutputId::at);
        if self.spreads.is_empty() {
            self.spreads = vec![vec![Spread::default(); found.n_features()]; found.n_outputs()];
            self.base = outputs().map(|output| found.base(output)).collect();
        }
        for (output, spreads) in outputs().zip(&mut self.spreads) {
            for row in 0..found.n_rows() {
                spreads.iter_mut().zip(found.values(row, output)).for_each(|(spread, &x)| spread.add(x));
            }
        }
        self.n_rows += found.n_rows() as u64;
        self.worst_residual = worse(self.worst_residual, found.worst_residual());
    }

    /// Adds another part of the rows.
    ///
    /// # Errors
    /// When it is not of the same model and game.
    pub fn merge(&mut self, other: &Self) -> Result<(), OtherModel> {
        if self.spreads.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        let shape = |of: &Self| of.spreads.iter().map(Vec::len).collect::<Vec<_>>();
        let bits = |of: &Self| of.base.iter().map(|base| base.to_bits()).collect::<Vec<_>>();
        if shape(self) != shape(other) || bits(self) != bits(other) {
            return Err(OtherModel);
        }
        let all = self.spreads.iter_mut().flatten().zip(other.spreads.iter().flatten());
        all.for_each(|(own, other)| own.merge(other));
        self.n_rows += other.n_rows;
        self.worst_residual = worse(self.worst_residual, other.worst_residual);
        Ok(())
    }
}

fn worse(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NAN } else { one.max(other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(numbers: &[f64]) -> Spread {
        let mut spread = Spread::default();
        numbers.iter().for_each(|&x| spread.add(x));
        spread
    }

    #[test]
    fn a_spread_far_from_zero_keeps_its_digits() {
        let steps = (0..10).map(f64::from);
        // Of 0 to 9 it is the root of 8.25.
        for (start, step) in
            [(0.0, 1.0), (1e6, 1.0 / 1024.0), (-1e12, 1.0 / 16.0), (100.0, f64::from(1_u32 << 20).recip())]
        {
            let numbers: Vec<f64> = steps.clone().map(|at| start + at * step).collect();
            let (found, exact) = (spread(&numbers).deviation(10), step * 8.25_f64.sqrt());
            assert!((found / exact - 1.0).abs() < 1e-14, "{start}, {step}: {found} for {exact}");
        }
        assert_eq!(spread(&[0.3; 3]).deviation(3), 0.0);
        assert!(spread(&[1e200, -1e200]).deviation(2).is_nan(), "squares are beyond all numbers");
    }
}
