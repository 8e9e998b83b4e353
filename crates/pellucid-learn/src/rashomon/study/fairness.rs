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

/// One metric over all members.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fairness {
    /// What is compared.
    pub metric: Metric,
    /// The groups that are compared, in their order.
    pub groups: Vec<String>,
    /// Groups without any weight, which are not.
    pub left_out: Vec<String>,
    /// The smallest and the largest difference; `None` where it is defined for no member.
    pub range: Option<[Range; 2]>,
    /// Members for which it is not defined.
    pub undefined: u64,
}

/// The ends of each metric so far.
pub(super) struct Tracker {
    /// By group: weight of rows, and of those of label 1.
    totals: Vec<[u64; 2]>,
    found: Vec<(Option<[Range; 2]>, u64)>,
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
        Self { totals, found: vec![(None, 0); Metric::ALL.len()] }
    }

    /// The difference between groups in each metric.
    pub(super) fn differences(&self, subject: &Subject, predicted: &[u64]) -> Vec<Option<Ratio>> {
        let mut ones = vec![[0_u64; 2]; self.totals.len()];
        for row in crate::search::problem::bits(predicted) {
            if let Some(group) = subject.rows[row].group {
                let weight = subject.weights[row];
                ones[group as usize][0] += weight;
                ones[group as usize][1] += if subject.rows[row].label { weight } else { 0 };
            }
        }
        let difference = |metric: Metric| {
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
            match shares?.as_slice() {
                [first, second] => second.minus(*first).ok(),
                all => all.iter().max()?.minus(*all.iter().min()?).ok(),
            }
        };
        Metric::ALL.into_iter().map(difference).collect()
    }

    pub(super) fn add(&mut self, differences: &[Option<Ratio>], member: &Member) {
        for (&difference, (range, undefined)) in differences.iter().zip(&mut self.found) {
            let Some(value) = difference else {
                *undefined += 1;
                continue;
            };
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
        let named = |has_weight: bool| -> Vec<String> {
            let wanted = self.totals.iter().zip(groups).filter(|(total, _)| (total[0] > 0) == has_weight);
            wanted.map(|(_, name)| name.clone()).collect()
        };
        let (groups, left_out) = (named(true), named(false));
        let one = |(metric, (range, undefined))| Fairness {
            metric,
            groups: groups.clone(),
            left_out: left_out.clone(),
            range,
            undefined,
        };
        Metric::ALL.into_iter().zip(self.found).map(one).collect()
    }
}
