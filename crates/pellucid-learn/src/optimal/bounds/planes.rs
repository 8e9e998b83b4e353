//! What do the points cost that a rule covers anew? Bits and their counts: one AND and one count a word.
//!
//! A class has three numbers: what its negatives, its positives and its excess (B4) cost. Each number is written in binary,
//! and each binary digit is a plane: a row of bits, one for each class with that digit, so that the cost of a set of
//! classes is Σ 2^b · (bits of plane b in the set). Where all numbers are small one plane with several bits a class takes
//! fewer words: digits from some digit on are written as so many bits.

use std::ops::Range;

use crate::search::classes::{Class, classes};
use crate::{Instance, Objective, Searching, SemanticsError};

/// Bits of one worth.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plane {
    digit: u32,
    words: Range<usize>,
}

/// One number of each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::optimal) struct Number {
    planes: Vec<Plane>,
    /// Over all classes that a rule covers.
    pub(in crate::optimal) total: i64,
}

/// The rules of an instance as planes.
pub(in crate::optimal) struct Planes {
    pub(in crate::optimal) n_rules: usize,
    /// Words of a rule.
    pub(in crate::optimal) words: usize,
    /// `words` a rule.
    pub(in crate::optimal) columns: Vec<u64>,
    /// Everything uncovered.
    pub(in crate::optimal) full: Vec<u64>,
    /// What covering costs: negatives.
    pub(in crate::optimal) negatives: Number,
    /// What not covering costs: positives.
    pub(in crate::optimal) positives: Number,
    /// max(0, positives − negatives).
    pub(in crate::optimal) excess: Number,
    /// What positives cost that no rule covers.
    pub(in crate::optimal) beyond: i64,
}

impl Planes {
    pub(in crate::optimal) fn new(
        instance: &Instance,
        objective: &Objective,
        searching: &Searching<'_>,
    ) -> Result<Self, SemanticsError> {
        let classes = classes(instance, searching)?;
        let price = |class: &Class| {
            let negative = class.negative as i64 * i64::from(objective.false_positive);
            let positive = class.positive as i64 * i64::from(objective.false_negative);
            [negative, positive, (positive - negative).max(0)]
        };
        let (covered, uncovered): (Vec<&Class>, Vec<&Class>) = classes.iter().partition(|c| c.is_covered());
        let beyond = uncovered.into_iter().map(|class| price(class)[1]).sum();
        // The class of each bit, in the order of the bits; a word begins with each plane.
        let mut bits: Vec<Option<usize>> = Vec::new();
        let [negatives, positives, excess] = [0, 1, 2].map(|which| {
            let numbers: Vec<i64> = covered.iter().map(|class| price(class)[which]).collect();
            Number::new(&numbers, &mut bits)
        });
        let words = bits.len() / 64;
        let mut full = vec![0; words];
        let mut columns = vec![0; words * instance.n_rules()];
        for (bit, class) in bits.iter().enumerate() {
            let Some(class) = *class else { continue };
            full[bit / 64] |= 1 << (bit % 64);
            let has = |rule: &usize| covered[class].rules[rule / 64] >> (rule % 64) & 1 == 1;
            for rule in (0..instance.n_rules()).filter(has) {
                columns[rule * words + bit / 64] |= 1 << (bit % 64);
            }
        }
        Ok(Self { n_rules: instance.n_rules(), words, columns, full, negatives, positives, excess, beyond })
    }

    #[inline(always)]
    pub(in crate::optimal) fn column(&self, rule: usize) -> &[u64] {
        &self.columns[rule * self.words..][..self.words]
    }
}

impl Number {
    fn new(numbers: &[i64], bits: &mut Vec<Option<usize>>) -> Self {
        let digits = 64 - numbers.iter().fold(0, |all, number| all | number).leading_zeros();
        let ones = |digit: u32| numbers.iter().filter(|&number| number >> digit & 1 == 1).count();
        let copies = |digit: u32| numbers.iter().map(|number| (number >> digit) as usize).sum::<usize>();
        // A plane more costs about as much as a word more.
        let work = |n: usize| n.div_ceil(64) + usize::from(n > 0);
        let price =
            |last: &u32| (0..*last).map(|digit| work(ones(digit))).sum::<usize>() + work(copies(*last));
        let last = (0..digits.max(1)).min_by_key(price).unwrap_or(0);
        let mut planes = Vec::new();
        for digit in 0..=last {
            let start = bits.len() / 64;
            for (class, number) in numbers.iter().enumerate() {
                let times = if digit < last { number >> digit & 1 } else { number >> digit };
                bits.extend((0..times).map(|_| Some(class)));
            }
            bits.resize(bits.len().next_multiple_of(64), None);
            let words = start..bits.len() / 64;
            if !words.is_empty() {
                planes.push(Plane { digit, words });
            }
        }
        Self { planes, total: numbers.iter().sum() }
    }

    /// The number of all classes of a set.
    #[inline(always)]
    pub(in crate::optimal) fn of(&self, word: impl Fn(usize) -> u64) -> i64 {
        let mut sum = 0;
        for Plane { digit, words } in &self.planes {
            let ones: u32 = words.clone().map(|at| word(at).count_ones()).sum();
            sum += i64::from(ones) << digit;
        }
        sum
    }

    /// The number of the classes that are in both.
    #[inline(always)]
    pub(in crate::optimal) fn of_both(&self, a: &[u64], b: &[u64]) -> i64 {
        let mut sum = 0;
        for Plane { digit, words } in &self.planes {
            let both = a[words.clone()].iter().zip(&b[words.clone()]);
            let ones: u32 = both.map(|(a, b)| (a & b).count_ones()).sum();
            sum += i64::from(ones) << digit;
        }
        sum
    }
}
