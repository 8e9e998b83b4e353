//! What are members about? Different rows with weights, and rules as sets of them.

use std::collections::HashMap;

use pellucid_data::RowSet;

use crate::Instance;

/// A column that groups rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The groups' names.
    pub names: Vec<String>,
    /// The group of each row; rows of no group (a missing value) are left out of comparisons.
    pub of_row: Vec<Option<u32>>,
}

/// Why there is nothing to study.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// Parts of different data.
    #[error("{what}: {found} where there should be {wanted}")]
    Lengths {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// A number that names nothing.
    #[error("{what} {found}: there are {n}")]
    OutOfRange {
        /// What was named.
        what: &'static str,
        /// The number.
        found: u32,
        /// How many there are.
        n: usize,
    },
    /// A comparison of one group.
    #[error("of the groups only {0} has rows with a weight, at least two are compared")]
    OneGroup(usize),
}

/// A different row: its label, its group, and which pattern of each feature's literals it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) label: bool,
    pub(super) group: Option<u32>,
    pub(super) patterns: Vec<u32>,
}

/// What members are about, built once.
#[derive(Debug, Clone)]
pub struct Subject {
    pub(super) n_features: usize,
    pub(super) rows: Vec<Row>,
    pub(super) weights: Vec<u64>,
    pub(super) of_row: Vec<u32>,
    pub(super) words: usize,
    /// Rows of label 1.
    pub(super) label: Vec<u64>,
    /// For each rule the rows at which it holds.
    pub(super) holds: Vec<Vec<u64>>,
    /// For each rule and each feature that it uses: the rows at which its other literals hold, and the patterns of the
    /// feature with which its own literals on it hold.
    pub(super) parts: Vec<Vec<Part>>,
    /// The weight of each pattern of each feature.
    pub(super) pattern_weights: Vec<Vec<u64>>,
    pub(super) group_names: Vec<String>,
}

/// A rule without its literals on one feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) feature: u32,
    pub(super) rest: Vec<u64>,
    pub(super) patterns: Vec<bool>,
}

impl Subject {
    /// `literals`: the feature of each and the rows of the instance that pass; `rules`: the literals of each candidate.
    ///
    /// # Errors
    /// When the parts do not fit together, name what is not there, or there are not two groups.
    pub fn new(
        instance: &Instance,
        literals: &[(u32, RowSet)],
        rules: &[Vec<u32>],
        n_features: usize,
        groups: Option<&Groups>,
    ) -> Result<Self, StudyError> {
        let n = instance.label().n_rows();
        let check = |what, found, wanted| {
            if found == wanted { Ok(()) } else { Err(StudyError::Lengths { what, found, wanted }) }
        };
        check("rules", rules.len(), instance.n_rules())?;
        literals.iter().try_for_each(|(_, rows)| check("rows of a literal", rows.n_rows(), n))?;
        let id = |what, found: u32, n: usize| {
            if (found as usize) < n { Ok(()) } else { Err(StudyError::OutOfRange { what, found, n }) }
        };
        literals.iter().try_for_each(|(feature, _)| id("feature", *feature, n_features))?;
        rules.iter().flatten().try_for_each(|&literal| id("literal", literal, literals.len()))?;
        if let Some(groups) = groups {
            check("rows with a group", groups.of_row.len(), n)?;
            let weighty = |(group, &weight): (&Option<u32>, &u32)| group.filter(|_| weight > 0);
            let seen: std::collections::BTreeSet<u32> =
                groups.of_row.iter().zip(instance.weights()).filter_map(weighty).collect();
            let named =
                |&group: &Option<u32>| group.map_or(Ok(()), |group| id("group", group, groups.names.len()));
            groups.of_row.iter().try_for_each(named)?;
            if seen.len() < 2 {
                return Err(StudyError::OneGroup(seen.len()));
            }
        }
        // The pattern of each feature's literals, numbered as they come.
        let of_feature: Vec<Vec<usize>> = (0..n_features)
            .map(|feature| (0..literals.len()).filter(|&at| literals[at].0 as usize == feature).collect())
            .collect();
        let mut patterns: Vec<HashMap<Vec<bool>, u32>> = vec![HashMap::new(); n_features];
        let mut known: HashMap<(Vec<u32>, bool, Option<u32>), u32> = HashMap::new();
        let (mut rows, mut weights, mut of_row): (Vec<Row>, Vec<u64>, Vec<u32>) =
            (Vec::new(), Vec::new(), Vec::new());
        for row in 0..n {
            let signature: Vec<u32> = of_feature
                .iter()
                .zip(&mut patterns)
                .map(|(own, known)| {
                    let pattern: Vec<bool> = own.iter().map(|&at| literals[at].1.contains(row)).collect();
                    let next = known.len() as u32;
                    *known.entry(pattern).or_insert(next)
                })
                .collect();
            let (label, group) =
                (instance.label().contains(row), groups.and_then(|groups| groups.of_row[row]));
            let next = rows.len() as u32;
            let place = *known.entry((signature.clone(), label, group)).or_insert(next);
            if place == next {
                rows.push(Row { label, group, patterns: signature });
                weights.push(0);
            }
            weights[place as usize] += u64::from(instance.weights()[row]);
            of_row.push(place);
        }
        let words = rows.len().div_ceil(64);
        // Whether a literal holds with a pattern of its feature.
        let mut holds_with: Vec<Vec<bool>> = vec![Vec::new(); literals.len()];
        for (own, known) in of_feature.iter().zip(&patterns) {
            let mut listed: Vec<(&Vec<bool>, &u32)> = known.iter().collect();
            listed.sort_by_key(|(_, number)| **number);
            for (at, &literal) in own.iter().enumerate() {
                holds_with[literal] = listed.iter().map(|(pattern, _)| pattern[at]).collect();
            }
        }
        let set = |holds: &dyn Fn(&Row) -> bool| {
            let mut bits = vec![0_u64; words];
            rows.iter()
                .enumerate()
                .filter(|(_, row)| holds(row))
                .for_each(|(at, _)| bits[at / 64] |= 1 << (at % 64));
            bits
        };
        let passes = |row: &Row, literal: u32| {
            let feature = literals[literal as usize].0 as usize;
            holds_with[literal as usize][row.patterns[feature] as usize]
        };
        let holds: Vec<Vec<u64>> =
            rules.iter().map(|rule| set(&|row| rule.iter().all(|&literal| passes(row, literal)))).collect();
        let parts = rules.iter().map(|rule| {
            let mut features: Vec<u32> = rule.iter().map(|&literal| literals[literal as usize].0).collect();
            features.sort_unstable();
            features.dedup();
            let part = |feature: u32| {
                let own = |literal: &u32| literals[*literal as usize].0 == feature;
                let (on, off): (Vec<u32>, Vec<u32>) = rule.iter().copied().partition(own);
                let n_patterns = patterns[feature as usize].len();
                let holds = |pattern: usize| on.iter().all(|&literal| holds_with[literal as usize][pattern]);
                Part {
                    feature,
                    rest: set(&|row| off.iter().all(|&literal| passes(row, literal))),
                    patterns: (0..n_patterns).map(holds).collect(),
                }
            };
            features.into_iter().map(part).collect()
        });
        let parts = parts.collect();
        let mut pattern_weights: Vec<Vec<u64>> = patterns.iter().map(|known| vec![0; known.len()]).collect();
        for (row, &weight) in rows.iter().zip(&weights) {
            for (feature, &pattern) in row.patterns.iter().enumerate() {
                pattern_weights[feature][pattern as usize] += weight;
            }
        }
        let label = set(&|row| row.label);
        let group_names = groups.map_or(Vec::new(), |groups| groups.names.clone());
        Ok(Self {
            n_features,
            rows,
            weights,
            of_row,
            words,
            label,
            holds,
            parts,
            pattern_weights,
            group_names,
        })
    }

    pub(super) fn has_groups(&self) -> bool {
        !self.group_names.is_empty()
    }

    /// The rows at which a member predicts 1.
    pub(super) fn predict(&self, rules: &[u32]) -> Vec<u64> {
        let mut bits = vec![0_u64; self.words];
        for &rule in rules {
            bits.iter_mut().zip(&self.holds[rule as usize]).for_each(|(all, own)| *all |= own);
        }
        bits
    }
}

/// The weight of some rows.
pub(super) fn weigh(bits: &[u64], weights: &[u64]) -> u64 {
    crate::search::problem::bits(bits).map(|row| weights[row]).sum()
}
