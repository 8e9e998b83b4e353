//! How much, exactly? Fractions of whole numbers, so that a tie is a tie.
//!
//! Prices and bounds of rule sets are rational: `1/50`, `0.42` (which is 21/50, not the nearest double). Every operation
//! says when a result leaves 128 bits; nothing is rounded.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A fraction in lowest terms, with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: i128,
    denominator: i128,
}

/// Why a text is no fraction, or a result none that can be held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RatioError {
    /// Not a number.
    #[error("`{0}` is no number; write a fraction as 1/50 or a decimal as 0.02")]
    Text(String),
    /// Something over zero.
    #[error("`{0}` divides by zero")]
    Zero(String),
    /// More digits than 128 bits hold.
    #[error(
        "a number here has too many digits to be computed with exactly; use smaller numerators and denominators"
    )]
    Overflow,
}

impl Ratio {
    /// Zero.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// One.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `n / d` in lowest terms; `None` where `d` is zero or a sign can't be turned.
    #[must_use]
    pub fn new(n: i128, d: i128) -> Option<Self> {
        if d == 0 {
            return None;
        }
        let by = i128::try_from(gcd(n.unsigned_abs(), d.unsigned_abs())).ok()?;
        let (n, d) = (n / by, d / by);
        if d < 0 {
            return Some(Self { numerator: n.checked_neg()?, denominator: d.checked_neg()? });
        }
        Some(Self { numerator: n, denominator: d })
    }

    /// A whole number.
    #[must_use]
    pub const fn whole(n: i64) -> Self {
        Self { numerator: n as i128, denominator: 1 }
    }

    /// The number above the line.
    #[must_use]
    pub fn numerator(self) -> i128 {
        self.numerator
    }

    /// The number below the line, positive.
    #[must_use]
    pub fn denominator(self) -> i128 {
        self.denominator
    }

    /// The sum.
    ///
    /// # Errors
    /// When it does not fit into 128 bits; so for the other operations.
    pub fn plus(self, other: Self) -> Result<Self, RatioError> {
        let sum = || {
            let common = gcd(self.denominator.unsigned_abs(), other.denominator.unsigned_abs());
            let scale = other.denominator / i128::try_from(common).ok()?;
            let left = self.numerator.checked_mul(scale)?;
            let right = other.numerator.checked_mul(self.denominator / i128::try_from(common).ok()?)?;
            Self::new(left.checked_add(right)?, self.denominator.checked_mul(scale)?)
        };
        sum().ok_or(RatioError::Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`Self::plus`].
    pub fn minus(self, other: Self) -> Result<Self, RatioError> {
        let negated = other.numerator.checked_neg().ok_or(RatioError::Overflow)?;
        self.plus(Self { numerator: negated, ..other })
    }

    /// The product.
    ///
    /// # Errors
    /// As [`Self::plus`].
    pub fn times(self, other: Self) -> Result<Self, RatioError> {
        let product = || {
            // Cancelled crosswise first, so that only what must overflow does.
            let (a, b) = (
                Self::new(self.numerator, other.denominator)?,
                Self::new(other.numerator, self.denominator)?,
            );
            Self::new(a.numerator.checked_mul(b.numerator)?, a.denominator.checked_mul(b.denominator)?)
        };
        product().ok_or(RatioError::Overflow)
    }

    /// The largest whole number not above it.
    #[must_use]
    pub fn floor(self) -> i128 {
        self.numerator.div_euclid(self.denominator)
    }

    /// The nearest double, for pictures and prose only.
    #[must_use]
    pub fn value(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        // Whole parts first, then the reciprocals of the rest: never overflows.
        let (mut a, mut b) = ((self.numerator, self.denominator), (other.numerator, other.denominator));
        let mut turned = false;
        loop {
            let order = a.0.div_euclid(a.1).cmp(&b.0.div_euclid(b.1));
            let order = if order == Ordering::Equal {
                let (left, right) = (a.0.rem_euclid(a.1), b.0.rem_euclid(b.1));
                match (left, right) {
                    (0, 0) => Ordering::Equal,
                    (0, _) => Ordering::Less,
                    (_, 0) => Ordering::Greater,
                    _ => {
                        (a, b) = ((a.1, left), (b.1, right));
                        turned = !turned;
                        continue;
                    }
                }
            } else {
                order
            };
            return if turned { order.reverse() } else { order };
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == 1 {
            write!(f, "{}", self.numerator)
        } else {
            write!(f, "{}/{}", self.numerator, self.denominator)
        }
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    /// `3`, `-1/50`, `0.42`, `1.5/3`: a decimal is the fraction that it spells.
    fn from_str(text: &str) -> Result<Self, RatioError> {
        let wrong = || RatioError::Text(text.to_owned());
        let decimal = |part: &str| -> Result<Self, RatioError> {
            let part = part.trim();
            let (sign, digits) = match part.strip_prefix('-') {
                Some(rest) => (-1, rest),
                None => (1, part.strip_prefix('+').unwrap_or(part)),
            };
            let (whole, after) = digits.split_once('.').unwrap_or((digits, ""));
            let all_digits = |s: &str| s.bytes().all(|byte| byte.is_ascii_digit());
            if whole.len() + after.len() == 0 || !all_digits(whole) || !all_digits(after) {
                return Err(wrong());
            }
            let number: i128 = format!("{whole}{after}").parse().map_err(|_| RatioError::Overflow)?;
            let scale = u32::try_from(after.len()).ok().and_then(|n| 10_i128.checked_pow(n));
            Self::new(sign * number, scale.ok_or(RatioError::Overflow)?).ok_or(RatioError::Overflow)
        };
        let Some((above, below)) = text.split_once('/') else { return decimal(text) };
        let (above, below) = (decimal(above)?, decimal(below)?);
        let turned =
            Self::new(below.denominator, below.numerator).ok_or_else(|| RatioError::Zero(text.to_owned()))?;
        above.times(turned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ratio(text: &str) -> Ratio {
        text.parse().unwrap()
    }

    #[test]
    fn texts_are_read_as_the_fractions_they_spell() {
        for (text, shown) in [
            ("1/50", "1/50"),
            ("0.42", "21/50"),
            ("2/4", "1/2"),
            ("-3", "-3"),
            ("1.5/3", "1/2"),
            (" 7 ", "7"),
            (".5", "1/2"),
            ("1/-2", "-1/2"),
        ] {
            assert_eq!(ratio(text).to_string(), shown, "{text}");
        }
        for bad in ["", "x", "1/0", "1e-3", "1/2/3", "0x1", "1 2", "--1", ".", "/", &"9".repeat(60)] {
            assert!(bad.parse::<Ratio>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn order_and_sums_are_those_of_cross_multiplication(a in -999i128..999, b in 1i128..99, c in -999i128..999, d in 1i128..99) {
            let (x, y) = (Ratio::new(a, b).unwrap(), Ratio::new(c, d).unwrap());
            prop_assert_eq!(x.cmp(&y), (a * d).cmp(&(c * b)));
            prop_assert_eq!(x.plus(y).unwrap(), Ratio::new(a * d + c * b, b * d).unwrap());
            prop_assert_eq!(x.minus(y).unwrap().plus(y).unwrap(), x);
            prop_assert_eq!(x.times(y).unwrap(), Ratio::new(a * c, b * d).unwrap());
            prop_assert_eq!(x.floor(), a.div_euclid(b));
            prop_assert_eq!(ratio(&x.to_string()), x);
        }
    }
}
