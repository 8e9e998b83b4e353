//! What is the sum of many numbers, in whatever order they come? A sum without rounding, so that parts can be joined.

/// Bits of a digit.
const DIGIT: i32 = 32;
/// The smallest exponent of a number's last bit.
const LOWEST: i32 = -1074;
/// Digits from the smallest number to the largest, and two for carries.
const DIGITS: usize = 68;

/// A sum of `f64` that is exact: digits of 32 bits over the whole range, each with room for 2^42 additions.
///
/// The idea is Kulisch's long accumulator ("Computer Arithmetic and Validity", 2013, chapter 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactSum {
    digits: Box<[i128; DIGITS]>,
    /// Numbers that are infinite or none: a sum with any of them is none.
    not_finite: u64,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self { digits: Box::new([0; DIGITS]), not_finite: 0 }
    }
}

impl ExactSum {
    /// Adds a number.
    pub fn add(&mut self, x: f64) {
        if !x.is_finite() {
            self.not_finite += 1;
            return;
        }
        let (signed, place) = parts(x);
        self.digits[(place / DIGIT) as usize] += signed << (place % DIGIT);
    }

    /// Adds the square of a number: what of it fits into an `f64`, and what does not.
    pub fn add_square(&mut self, x: f64) {
        let square = x * x;
        self.add(square);
        if square.is_finite() {
            self.add(x.mul_add(x, -square));
        }
    }

    /// Adds another sum times a number, but for what is smaller than the smallest number.
    pub fn add_product(&mut self, other: &Self, x: f64) {
        if !x.is_finite() || other.not_finite > 0 {
            self.not_finite += 1;
            return;
        }
        let (signed, place) = parts(x);
        let (digits, is_negative) = other.magnitude();
        for (at, digit) in digits.iter().enumerate().filter(|(_, digit)| **digit != 0) {
            let product = if is_negative { -signed * digit } else { signed * digit };
            let shift = at as i32 * DIGIT + place + LOWEST;
            if shift < 0 {
                self.digits[0] += product >> (-shift).min(127);
            } else if let Some(own) = self.digits.get_mut((shift / DIGIT) as usize) {
                *own += product << (shift % DIGIT);
            } else {
                self.not_finite += 1;
            }
        }
        self.digits = self.carried();
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.digits.iter_mut().zip(other.digits.iter()).for_each(|(own, other)| *own += other);
        self.not_finite += other.not_finite;
        // Room for as many additions again.
        *self = Self { digits: self.carried(), not_finite: self.not_finite };
    }

    /// Digits from 0 to 2^32 - 1, but the last, which has the sign: one form for every sum.
    fn carried(&self) -> Box<[i128; DIGITS]> {
        let mut digits = self.digits.clone();
        let mut carry = 0;
        for (at, digit) in digits.iter_mut().enumerate() {
            let all = *digit + carry;
            if at + 1 == DIGITS {
                *digit = all;
            } else {
                carry = all >> DIGIT;
                *digit = all & ((1 << DIGIT) - 1);
            }
        }
        digits
    }

    /// The digits of the sum's size, and whether it is below 0.
    fn magnitude(&self) -> (Box<[i128; DIGITS]>, bool) {
        let digits = self.carried();
        let is_negative = digits[DIGITS - 1] < 0;
        if !is_negative {
            return (digits, false);
        }
        let mut opposite = Self { digits, not_finite: 0 };
        opposite.digits.iter_mut().for_each(|digit| *digit = -*digit);
        (opposite.carried(), true)
    }

    /// The sum, rounded once or twice; NaN if a number was none.
    #[must_use]
    pub fn value(&self) -> f64 {
        if self.not_finite > 0 {
            return f64::NAN;
        }
        let (digits, is_negative) = self.magnitude();
        let scaled = |(at, digit): (usize, &i128)| {
            // In two steps, since a power of two below the smallest number is none.
            let exponent = at as i32 * DIGIT + LOWEST;
            *digit as f64 * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2)
        };
        let size: f64 = digits.iter().enumerate().rev().map(scaled).sum();
        if is_negative { -size } else { size }
    }

    /// The sum as digits with their places, those that are 0 left out, and how many numbers were none.
    #[must_use]
    pub fn to_digits(&self) -> (Vec<(usize, i64)>, u64) {
        let digits = self.carried();
        let digits = digits.iter().enumerate().filter(|(_, digit)| **digit != 0);
        (digits.map(|(at, digit)| (at, *digit as i64)).collect(), self.not_finite)
    }

    /// The sum of digits; `None` if a place is none, or a digit none of [`ExactSum::to_digits`].
    #[must_use]
    pub fn of_digits(digits: &[(usize, i64)], not_finite: u64) -> Option<Self> {
        let mut sum = Self { not_finite, ..Self::default() };
        for &(at, digit) in digits {
            if digit.unsigned_abs() >= 1 << DIGIT {
                return None;
            }
            *sum.digits.get_mut(at)? += i128::from(digit);
        }
        Some(sum)
    }
}

/// A finite number as a whole number and its place: times 2 to the power of that and of [`LOWEST`].
fn parts(x: f64) -> (i128, i32) {
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i128;
    // Numbers without a leading one have the exponent of the smallest that has.
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    (if x.is_sign_negative() { -mantissa } else { mantissa }, exponent.max(1) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(numbers: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        numbers.iter().for_each(|&x| sum.add(x));
        sum
    }

    #[test]
    fn what_cancels_leaves_the_rest() {
        assert_eq!(sum(&[1e300, 1.0, -1e300, 1e-300]).value(), 1.0);
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX, 5e-324]).value(), 5e-324);
        assert_eq!(sum(&[-0.1; 10]).value(), -1.0);
        assert_eq!(sum(&[]).value(), 0.0);
        assert!(sum(&[1.0, f64::NAN]).value().is_nan());
    }

    proptest! {
        #[test]
        fn no_order_and_no_parts_change_it(mut numbers in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 1..40), cut in any::<usize>()) {
            let forward = sum(&numbers);
            let cut = cut % numbers.len();
            let mut parts = sum(&numbers[cut..]);
            parts.merge(&sum(&numbers[..cut]));
            numbers.reverse();
            let backward = sum(&numbers);
            prop_assert_eq!(forward.to_digits(), backward.to_digits());
            prop_assert_eq!(forward.to_digits(), parts.to_digits());
            prop_assert_eq!(forward.value().to_bits(), parts.value().to_bits());
            let (digits, not_finite) = forward.to_digits();
            let again = ExactSum::of_digits(&digits, not_finite).unwrap();
            prop_assert_eq!(again.value().to_bits(), forward.value().to_bits());
        }

        #[test]
        fn products_and_squares_are_exact(numbers in prop::collection::vec(-1_000_000_i64..1_000_000, 0..30), factor in -1_000_000_i64..1_000_000) {
            let unit = f64::from(1 << 20);
            let all = sum(&numbers.iter().map(|&x| x as f64 / unit).collect::<Vec<_>>());
            let mut product = sum(&[1.5]);
            product.add_product(&all, factor as f64 / unit);
            let exact = i128::from(numbers.iter().sum::<i64>()) * i128::from(factor);
            prop_assert_eq!(product.value(), (exact as f64 / unit / unit) + 1.5);
            let mut squares = ExactSum::default();
            // Squares of 53 bits have 106, of which half is lost in an f64.
            let large: Vec<i128> = numbers.iter().map(|&x| i128::from(x) * 9_007_199_254 + 1).collect();
            large.iter().for_each(|&x| squares.add_square(x as f64));
            let exact: i128 = large.iter().map(|&x| (x as f64 as i128) * (x as f64 as i128)).sum();
            let mut rest = exact;
            while rest != 0 {
                squares.add(-(rest as f64));
                rest -= rest as f64 as i128;
            }
            prop_assert_eq!(squares.to_digits(), (Vec::new(), 0));
        }

        #[test]
        fn it_is_the_sum(numbers in prop::collection::vec(-1_000_000_i64..1_000_000, 0..50)) {
            // Multiples of 2^-20 add up exactly in whole numbers.
            let exact: i64 = numbers.iter().sum();
            let floats: Vec<f64> = numbers.iter().map(|&x| x as f64 / f64::from(1 << 20)).collect();
            prop_assert_eq!(sum(&floats).value(), exact as f64 / f64::from(1 << 20));
        }
    }
}
