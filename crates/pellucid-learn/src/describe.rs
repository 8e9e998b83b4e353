//! How does a rule set do on these rows? Support, precision with its interval, overlap, confusion.

use pellucid_data::RowSet;

/// One rule on some rows. All are weights.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RuleFacts {
    /// Rows that it covers.
    pub covered: u64,
    /// Those of them that are positive.
    pub positives: u64,
    /// Rows that no other rule of the set covers.
    pub only_here: u64,
    /// The 95 % interval of the precision (Wilson 1927), weights taken as counts; 0 to 1 where nothing is covered.
    pub precision_interval: [f64; 2],
}

impl RuleFacts {
    /// The share of covered rows that are positive; NaN where nothing is covered.
    #[must_use]
    pub fn precision(&self) -> f64 {
        self.positives as f64 / self.covered as f64
    }
}

/// A rule set on some rows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SetFacts {
    /// One entry a rule.
    pub rules: Vec<RuleFacts>,
    /// Weights by `[actual][predicted]`.
    pub confusion: [[u64; 2]; 2],
    /// The weight of all rows.
    pub total: u64,
}

/// Lays rules over labelled rows.
#[must_use]
pub fn describe(rules: &[RowSet], label: &RowSet, weights: &[u32]) -> SetFacts {
    let weigh = |rows: &RowSet| rows.iter().map(|row| u64::from(weights[row])).sum::<u64>();
    let union = |skip: usize| {
        let others = rules.iter().enumerate().filter(|(at, _)| *at != skip);
        others.fold(RowSet::empty(label.n_rows()), |all, (_, rows)| all.or(rows))
    };
    let fact = |(at, rows): (usize, &RowSet)| {
        let (covered, positives) = (weigh(rows), weigh(&rows.and(label)));
        let only_here = weigh(&rows.minus(&union(at)));
        RuleFacts { covered, positives, only_here, precision_interval: wilson(positives, covered) }
    };
    let covered = union(usize::MAX);
    let quadrant = |actual: bool, predicted: bool| {
        let of_label = if actual { label.clone() } else { label.not() };
        weigh(&if predicted { of_label.and(&covered) } else { of_label.minus(&covered) })
    };
    SetFacts {
        rules: rules.iter().enumerate().map(fact).collect(),
        confusion: [
            [quadrant(false, false), quadrant(false, true)],
            [quadrant(true, false), quadrant(true, true)],
        ],
        total: weights.iter().map(|&weight| u64::from(weight)).sum(),
    }
}

/// The 95 % interval of a share.
fn wilson(hits: u64, n: u64) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let (n, p, z) = (n as f64, hits as f64 / n as f64, 1.959_963_984_540_054_f64);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    [(middle - half).clamp(0.0, 1.0), (middle + half).clamp(0.0, 1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_two_rules_by_hand() {
        let set = |rows: &[usize]| RowSet::from_fn(6, |row| rows.contains(&row));
        let facts = describe(&[set(&[0, 1, 2]), set(&[2, 3])], &set(&[0, 1, 4]), &[1, 1, 1, 2, 1, 1]);
        assert_eq!((facts.rules[0].covered, facts.rules[0].positives, facts.rules[0].only_here), (3, 2, 2));
        assert_eq!((facts.rules[1].covered, facts.rules[1].positives, facts.rules[1].only_here), (3, 0, 2));
        assert_eq!((facts.confusion, facts.total), ([[1, 3], [1, 2]], 7));
    }

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        // 15 of 148 (Brown, Cai & DasGupta 2001 style); computed by hand from the formula with z = 1.96.
        let [low, high] = wilson(15, 148);
        assert!((low - 0.0624).abs() < 5e-4 && (high - 0.1605).abs() < 5e-4, "{low} {high}");
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }
}
