//! How well does it fit? An interval over all admissible ways to score, in exact fractions, with what would raise it.
//!
//! The fit of one scorer is the weighted mean of credits, Σwc / Σw. Nobody knows the right weights and credits: each
//! lies in an interval by the posting's words and the verdict's status, and the fit is reported as the interval of all
//! means that these allow. For fixed credits the largest mean over a box of weights gives the high weight to the
//! largest credits and the low weight to the others (linear-fractional, so that a corner is optimal): sorted by credit,
//! one of n + 1 cuts is the answer.

use std::cmp::Ordering;

use crate::judge::Verdict;
use crate::model::{Requirement, Status, Strength};

/// A fraction, reduced, with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    /// Zero.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };

    /// `n / d`; zero where `d` is zero.
    #[must_use]
    pub fn new(n: i128, d: i128) -> Self {
        if d == 0 {
            return Self::ZERO;
        }
        let (mut a, mut b) = (n.unsigned_abs(), d.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let by = i128::try_from(a.max(1)).unwrap_or(1) * d.signum();
        Self { numerator: n / by, denominator: d / by }
    }

    fn plus(self, other: Self) -> Self {
        Self::new(
            self.numerator * other.denominator + other.numerator * self.denominator,
            self.denominator * other.denominator,
        )
    }

    fn times(self, other: Self) -> Self {
        Self::new(self.numerator * other.numerator, self.denominator * other.denominator)
    }

    fn over(self, other: Self) -> Self {
        Self::new(self.numerator * other.denominator, self.denominator * other.numerator)
    }

    /// Percent, rounded down.
    #[must_use]
    pub fn percent_down(self) -> i128 {
        (self.numerator * 100).div_euclid(self.denominator)
    }

    /// Percent, rounded up.
    #[must_use]
    pub fn percent_up(self) -> i128 {
        -(-self.numerator * 100).div_euclid(self.denominator)
    }

    /// As a floating-point number, for pictures.
    #[must_use]
    pub fn value(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.numerator * other.denominator).cmp(&(other.numerator * self.denominator))
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { numerator, denominator } = Self::new(self.numerator, self.denominator);
        if denominator == 1 { write!(f, "{numerator}") } else { write!(f, "{numerator}/{denominator}") }
    }
}

/// Written as people read it: `7/20`.
impl serde::Serialize for Ratio {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Ratio {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Of 64 bits, so that two can be compared.
        let read = |text: &str| text.parse::<i64>().ok().map(i128::from);
        let (numerator, denominator) = text.split_once('/').unwrap_or((&text, "1"));
        match (read(numerator), read(denominator)) {
            (Some(n), Some(d)) if d > 0 => Ok(Self::new(n, d)),
            _ => Err(serde::de::Error::custom(format!("`{text}` is no fraction, as 7/20"))),
        }
    }
}

/// From the least to the most.
pub type Interval = [Ratio; 2];

const fn tenths(low: i128, high: i128) -> Interval {
    [Ratio { numerator: low, denominator: 10 }, Ratio { numerator: high, denominator: 10 }]
}

/// What a status is worth: a convention, not an estimate.
#[must_use]
pub fn credit(status: Status) -> Interval {
    match status {
        Status::Met => tenths(10, 10),
        Status::Partial => tenths(3, 7),
        Status::ClaimOnly => tenths(3, 6),
        Status::Transferable => tenths(2, 5),
        Status::Unknown => tenths(0, 10),
        Status::NotFound | Status::Contradicted => tenths(0, 0),
    }
}

/// What a requirement weighs: a convention, not an estimate.
#[must_use]
pub fn weight(strength: Strength) -> Interval {
    match strength {
        Strength::Must => tenths(10, 10),
        Strength::Strong => tenths(5, 10),
        Strength::Nice => tenths(1, 4),
        Strength::Inferred => {
            [Ratio { numerator: 1, denominator: 20 }, Ratio { numerator: 3, denominator: 10 }]
        }
    }
}

/// The credit of a verdict: of its parts where they are all asked.
#[must_use]
pub fn credit_of(verdict: &Verdict) -> Interval {
    if verdict.rule == "all.parts" && !verdict.parts.is_empty() {
        let n = Ratio::new(1, verdict.parts.len() as i128);
        let parts: Vec<Interval> = verdict.parts.iter().map(credit_of).collect();
        return [0, 1].map(|end| parts.iter().fold(Ratio::ZERO, |sum, part| sum.plus(part[end])).times(n));
    }
    credit(verdict.status)
}

/// What goes into the fit: credit and weight of each requirement that is no gate.
pub type Part = (Interval, Interval);

/// The interval of all weighted means. Zero to zero where there is nothing.
#[must_use]
pub fn interval(parts: &[Part]) -> Interval {
    [extreme(parts, 0), extreme(parts, 1)]
}

/// The smallest mean (`end` 0) or the largest (1).
fn extreme(parts: &[Part], end: usize) -> Ratio {
    let mut sorted: Vec<(Ratio, Interval)> =
        parts.iter().map(|(credit, weight)| (credit[end], *weight)).collect();
    // The credits that pull the mean to the wanted side first.
    sorted.sort_by(|a, b| if end == 1 { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
    let cut = |n: usize| {
        let (mut sum, mut total) = (Ratio::ZERO, Ratio::ZERO);
        for (at, (credit, weight)) in sorted.iter().enumerate() {
            let weight = weight[usize::from(at < n)];
            sum = sum.plus(weight.times(*credit));
            total = total.plus(weight);
        }
        sum.over(total)
    };
    let all = (0..=sorted.len()).map(cut);
    let best = if end == 1 { all.max() } else { all.min() };
    best.unwrap_or(Ratio::ZERO)
}

/// The fit and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// From the least to the most.
    pub interval: Interval,
    /// A word for it.
    pub label: &'static str,
    /// Requirements that are no gates, with the lower end if each alone were shown; the largest gain first.
    pub raises: Vec<(usize, Ratio)>,
    /// Requirements whose range widens the interval most, with the width that they cause.
    pub widens: Vec<(usize, Ratio)>,
    /// Gates that are not met, by their places.
    pub open_gates: Vec<usize>,
    /// Whether one of them is not open but missing: nothing helps until it is resolved.
    pub is_blocked: bool,
}

/// The fit of judged requirements. `has_evidence` is false where the profile holds no fact at all.
#[must_use]
pub fn fit(requirements: &[Requirement], verdicts: &[Verdict], has_evidence: bool) -> Fit {
    let counted: Vec<usize> = (0..requirements.len()).filter(|&at| !requirements[at].gate).collect();
    let parts: Vec<Part> =
        counted.iter().map(|&at| (credit_of(&verdicts[at]), weight(requirements[at].strength))).collect();
    let own = interval(&parts);
    let one = Ratio::new(1, 1);
    let minus = |a: Ratio, b: Ratio| a.plus(Ratio::new(-b.numerator, b.denominator));
    let mut raises = Vec::new();
    let mut widens = Vec::new();
    for (place, &at) in counted.iter().enumerate() {
        let [low, high] = parts[place].0;
        let with = |credit: Interval| {
            let mut changed = parts.clone();
            changed[place].0 = credit;
            interval(&changed)
        };
        if low < one {
            raises.push((at, with([one, one])[0]));
        }
        if low < high {
            let middle = low.plus(high).times(Ratio::new(1, 2));
            let [lo, hi] = with([middle, middle]);
            widens.push((at, minus(minus(own[1], own[0]), minus(hi, lo))));
        }
    }
    raises.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    widens.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let open_gates: Vec<usize> = (0..requirements.len())
        .filter(|&at| requirements[at].gate && verdicts[at].status != Status::Met)
        .collect();
    let is_blocked =
        open_gates.iter().any(|&at| matches!(verdicts[at].status, Status::NotFound | Status::Contradicted));
    let label = match label(own, has_evidence, !counted.is_empty()) {
        label if has_evidence && is_blocked && label != "nothing to compare" => "blocked until resolved",
        label => label,
    };
    Fit { interval: own, label, raises, widens, open_gates, is_blocked }
}

fn label(interval: Interval, has_evidence: bool, has_requirements: bool) -> &'static str {
    let [low, high] = interval;
    let at_least = |percent: i128| low >= Ratio::new(percent, 100);
    match () {
        () if !has_evidence => "no evidence",
        () if !has_requirements => "nothing to compare",
        () if high.plus(Ratio::new(-low.numerator, low.denominator)) > Ratio::new(25, 100) => {
            "too little evidence for a range"
        }
        () if at_least(75) => "strong",
        () if at_least(55) => "plausible",
        () if at_least(35) => "a stretch",
        () => "weak",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mean(credits: &[Ratio], weights: &[Ratio]) -> Ratio {
        let sum = credits.iter().zip(weights).fold(Ratio::ZERO, |sum, (c, w)| sum.plus(c.times(*w)));
        sum.over(weights.iter().fold(Ratio::ZERO, |sum, w| sum.plus(*w)))
    }

    fn part() -> impl Strategy<Value = Part> {
        let status = prop_oneof![
            Just(Status::Met),
            Just(Status::Partial),
            Just(Status::ClaimOnly),
            Just(Status::Transferable),
            Just(Status::Unknown),
            Just(Status::NotFound)
        ];
        let strength = prop_oneof![
            Just(Strength::Must),
            Just(Strength::Strong),
            Just(Strength::Nice),
            Just(Strength::Inferred)
        ];
        (status, strength).prop_map(|(status, strength)| (credit(status), weight(strength)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn the_interval_is_what_all_corners_give(parts in proptest::collection::vec(part(), 1..10)) {
            let [low, high] = interval(&parts);
            let n = parts.len();
            let corners = (0..1_usize << n).map(|corner| {
                let weights: Vec<Ratio> = (0..n).map(|at| parts[at].1[corner >> at & 1]).collect();
                [0, 1].map(|end| mean(&parts.iter().map(|part| part.0[end]).collect::<Vec<_>>(), &weights))
            });
            let corners: Vec<[Ratio; 2]> = corners.collect();
            prop_assert_eq!(low, corners.iter().map(|c| c[0]).min().unwrap());
            prop_assert_eq!(high, corners.iter().map(|c| c[1]).max().unwrap());
        }

        #[test]
        fn the_interval_holds_every_scorer(parts in proptest::collection::vec(part(), 1..12), shares in proptest::collection::vec((0_i128..=20, 0_i128..=20), 12)) {
            let [low, high] = interval(&parts);
            let inside = |[a, b]: Interval, share: i128| a.times(Ratio::new(20 - share, 20)).plus(b.times(Ratio::new(share, 20)));
            let credits: Vec<Ratio> = parts.iter().zip(&shares).map(|(part, share)| inside(part.0, share.0)).collect();
            let weights: Vec<Ratio> = parts.iter().zip(&shares).map(|(part, share)| inside(part.1, share.1)).collect();
            let own = mean(&credits, &weights);
            prop_assert!(low <= own && own <= high, "{low} {own} {high}");
        }
    }

    #[test]
    fn percents_are_rounded_outward() {
        let third = Ratio::new(1, 3);
        assert_eq!((third.percent_down(), third.percent_up()), (33, 34));
        assert_eq!((Ratio::new(4, 5).percent_down(), Ratio::new(4, 5).percent_up()), (80, 80));
        assert_eq!(interval(&[]), [Ratio::ZERO, Ratio::ZERO]);
    }
}
