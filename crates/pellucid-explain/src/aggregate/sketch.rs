//! Where do most of many numbers lie? Counts in buckets that grow with the numbers, so that quantiles are right to half a percent.

use std::collections::BTreeMap;

/// The largest relative error of a quantile.
pub const ACCURACY: f64 = 0.005;
/// Numbers closer to 0 are counted as 0.
const NOTHING: f64 = 1e-30;

/// Buckets and how many numbers each holds.
pub type Buckets = Vec<(i32, u64)>;

/// DDSketch (Masson, Rim & Lee, VLDB 2019) with all buckets kept: counts by the logarithm of the size. Sketches add up exactly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    below: BTreeMap<i32, u64>,
    zeros: u64,
    above: BTreeMap<i32, u64>,
}

fn ratio() -> f64 {
    (1.0 + ACCURACY) / (1.0 - ACCURACY)
}

impl Sketch {
    /// Counts a finite number.
    pub fn add(&mut self, x: f64) {
        if x.abs() < NOTHING {
            self.zeros += 1;
            return;
        }
        let bucket = (x.abs().ln() / ratio().ln()).ceil() as i32;
        *if x < 0.0 { &mut self.below } else { &mut self.above }.entry(bucket).or_default() += 1;
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        other.below.iter().for_each(|(bucket, n)| *self.below.entry(*bucket).or_default() += n);
        other.above.iter().for_each(|(bucket, n)| *self.above.entry(*bucket).or_default() += n);
        self.zeros += other.zeros;
    }

    /// How many numbers were counted.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.below.values().chain(self.above.values()).sum::<u64>() + self.zeros
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number below which a share of all lie, right to [`ACCURACY`]; NaN of none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let n = self.len();
        let rank = (share.clamp(0.0, 1.0) * n.saturating_sub(1) as f64).floor() as u64;
        let middle = |bucket: i32| 2.0 * ratio().powi(bucket) / (ratio() + 1.0);
        let below = self.below.iter().rev().map(|(bucket, n)| (-middle(*bucket), *n));
        let above = self.above.iter().map(|(bucket, n)| (middle(*bucket), *n));
        let mut seen = 0;
        for (x, n) in below.chain([(0.0, self.zeros)]).chain(above) {
            seen += n;
            if seen > rank {
                return x;
            }
        }
        f64::NAN
    }

    /// The counts: of buckets below 0, of 0, of buckets above.
    #[must_use]
    pub fn to_counts(&self) -> (Buckets, u64, Buckets) {
        let list = |buckets: &BTreeMap<i32, u64>| buckets.iter().map(|(bucket, n)| (*bucket, *n)).collect();
        (list(&self.below), self.zeros, list(&self.above))
    }

    /// A sketch of these counts.
    #[must_use]
    pub fn of_counts(below: &[(i32, u64)], zeros: u64, above: &[(i32, u64)]) -> Self {
        Self { below: below.iter().copied().collect(), zeros, above: above.iter().copied().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_are_right_to_half_a_percent(mut numbers in prop::collection::vec(-1e6_f64..1e6, 1..200), share in 0.0_f64..=1.0, cut in any::<usize>()) {
            let (mut one, mut other) = (Sketch::default(), Sketch::default());
            let cut = cut % numbers.len();
            numbers[..cut].iter().for_each(|&x| one.add(x));
            numbers[cut..].iter().for_each(|&x| other.add(x));
            one.merge(&other);
            numbers.sort_by(f64::total_cmp);
            let exact = numbers[(share * (numbers.len() - 1) as f64).floor() as usize];
            prop_assert!((one.quantile(share) - exact).abs() <= 1.000_001 * ACCURACY * exact.abs(), "{} for {exact}", one.quantile(share));
            let (below, zeros, above) = one.to_counts();
            prop_assert_eq!(Sketch::of_counts(&below, zeros, &above), one);
        }
    }

    #[test]
    fn zeros_and_nothing_have_their_place() {
        let mut sketch = Sketch::default();
        assert!(sketch.quantile(0.5).is_nan() && sketch.is_empty());
        [-1.0, 0.0, -0.0, 1e-40, 1.0].iter().for_each(|&x| sketch.add(x));
        assert_eq!((sketch.quantile(0.25), sketch.quantile(0.5), sketch.len()), (0.0, 0.0, 5));
        assert!(
            (sketch.quantile(0.0) + 1.0).abs() <= ACCURACY && (sketch.quantile(1.0) - 1.0).abs() <= ACCURACY
        );
    }
}
