//! How differently do good models treat groups? Differences of shares between groups, exact, over all members.
//!
//! With two groups a difference is the second less the first, as they are named; with more it is the largest less the
//! smallest. A share over no rows is undefined, and the member counts as such.

use pellucid_data::Ratio;

use super::subject::Subject;
use crate::rashomon::Member;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The share of rows predicted 1.
    StatisticalParity,
    /// The same among the rows of label 1 (true positive rate).
    EqualOpportunity,
    /// The share of label 1 among the rows predicted 1 (precision).
    PredictiveParity,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::StatisticalParity, Self::EqualOpportunity, Self::PredictiveParity];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StatisticalParity => "statistical parity difference",
            Self::EqualOpportunity => "equal opportunity difference",
            Self::PredictiveParity => "predictive parity difference",
        }
    }
}

/// An end of a range, and a member that reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Range {
    /// The difference.
    pub value: Ratio,
    /// The member; of several the one that came first.
    pub member: Member,
}

/// A member in a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Point {
    /// The share of errors.
    pub error: f64,
    /// The difference.
    pub value: f64,
}

/// One metric over all members.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fairness {
    /// What is compared.
    pub metric: Metric,
    /// The groups in their order.
    pub groups: Vec<String>,
    /// The smallest and the largest difference; `None` where it is defined for no member.
    pub range: Option<[Range; 2]>,
    /// Members for which it is not defined.
    pub undefined: u64,
    /// The first fifty thousand members.
    pub points: Vec<Point>,
}

const POINTS: usize = 50_000;

/// Counts of one group: rows, rows of label 1.
pub(super) struct Tracker {
    totals: Vec<[u64; 2]>,
    all: u64,
    found: Vec<(Option<[Range; 2]>, u64, Vec<Point>)>,
}

impl Tracker {
    pub(super) fn new(subject: &Subject) -> Self {
        let mut totals = vec![[0, 0]; subject.group_names.len()];
        for (row, &weight) in subject.rows.iter().zip(&subject.weights) {
            if let Some(group) = row.group {
                totals[group as usize][0] += weight;
                totals[group as usize][1] += if row.label { weight } else { 0 };
            }
        }
        Self {
            totals,
            all: subject.weights.iter().sum(),
            found: vec![(None, 0, Vec::new()); Metric::ALL.len()],
        }
    }

    pub(super) fn add(&mut self, subject: &Subject, member: &Member, predicted: &[u64]) {
        let mut ones = vec![[0_u64; 2]; self.totals.len()];
        for row in crate::search::problem::bits(predicted) {
            if let Some(group) = subject.rows[row].group {
                let weight = subject.weights[row];
                ones[group as usize][0] += weight;
                ones[group as usize][1] += if subject.rows[row].label { weight } else { 0 };
            }
        }
        let wrong: Vec<u64> = predicted.iter().zip(&subject.label).map(|(a, b)| a ^ b).collect();
        let error = super::subject::weigh(&wrong, &subject.weights) as f64 / self.all.max(1) as f64;
        for (metric, (range, undefined, points)) in Metric::ALL.into_iter().zip(&mut self.found) {
            let share = |(total, ones): (&[u64; 2], &[u64; 2])| {
                let (part, whole) = match metric {
                    Metric::StatisticalParity => (ones[0], total[0]),
                    Metric::EqualOpportunity => (ones[1], total[1]),
                    Metric::PredictiveParity => (ones[1], ones[0]),
                };
                Ratio::new(i128::from(part), i128::from(whole))
            };
            let shares: Option<Vec<Ratio>> =
                self.totals.iter().zip(&ones).filter(|(total, _)| total[0] > 0).map(share).collect();
            let difference = shares.and_then(|shares| match shares.as_slice() {
                [first, second] => second.minus(*first).ok(),
                all => all.iter().max()?.minus(*all.iter().min()?).ok(),
            });
            let Some(value) = difference else {
                *undefined += 1;
                continue;
            };
            if points.len() < POINTS {
                points.push(Point { error, value: value.value() });
            }
            let end = || Range { value, member: member.clone() };
            match range {
                None => *range = Some([end(), end()]),
                Some([low, high]) => {
                    if value < low.value {
                        *low = end();
                    }
                    if value > high.value {
                        *high = end();
                    }
                }
            }
        }
    }

    pub(super) fn finish(self, groups: &[String]) -> Vec<Fairness> {
        let one = |(metric, (range, undefined, points))| Fairness {
            metric,
            groups: groups.to_vec(),
            range,
            undefined,
            points,
        };
        Metric::ALL.into_iter().zip(self.found).map(one).collect()
    }
}
