//! Counts against the definition, on every kind of small instance.

use std::num::NonZeroUsize;

use num_bigint::BigUint;
use pellucid_data::{Control, Quiet, Ratio, RowSet};
use proptest::prelude::*;

use super::count::Prepared;
use super::*;
use crate::definition::{errors, rashomon_set};
use crate::search::{How, Switches};
use crate::{Identity, Instance, Level, Objective, Searching, Within};

/// Instances with weights, costs, repeated and empty columns, and thresholds that hit ties.
pub(crate) fn instances() -> impl Strategy<Value = (Instance, Objective, Within)> {
    (1_usize..9, 2_usize..24).prop_flat_map(|(n_rules, n_points)| {
        let bits = |n| prop::collection::vec(any::<bool>(), n);
        (
            prop::collection::vec((bits(n_points), bits(n_points), 0_u8..8), n_rules),
            bits(n_points),
            prop::collection::vec(0_u32..4, n_points),
            (1_u32..4, 1_u32..4),
            (1_i128..12, 12_i128..60),
            0_i128..40,
            prop::option::of(1_usize..5),
        )
            .prop_map(|(columns, mut label, mut weights, costs, (p, q), theta, max_size)| {
                (label[0], label[1], weights[0], weights[1]) = (true, false, weights[0] + 1, weights[1] + 1);
                let n = label.len();
                let mut sets: Vec<RowSet> = Vec::new();
                for (a, b, kind) in columns {
                    let set = match kind {
                        0 => RowSet::empty(n),
                        1 => sets.last().cloned().unwrap_or(RowSet::full(n)),
                        2 => RowSet::full(n),
                        3..5 => RowSet::from_fn(n, |row| a[row] && b[row]),
                        _ => RowSet::from_fn(n, |row| a[row]),
                    };
                    sets.push(set);
                }
                let instance = Instance::new(sets, RowSet::from_fn(n, |row| label[row]), weights).unwrap();
                let objective = Objective::with_costs(Ratio::new(p, q).unwrap(), costs.0, costs.1).unwrap();
                let theta = Ratio::new(theta, 20).unwrap();
                (instance, objective, Within { max_size, ..Within::new(theta) })
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2500))]

    #[test]
    fn counts_are_those_of_the_definition((instance, objective, within) in instances(), identity in 0_usize..2) {
        let within = Within { identity: Identity::NAMES[identity].1, ..within };
        let expected = rashomon_set(&instance, &objective, &within).unwrap();
        let found = count(&instance, &objective, &within, Detail::Full, &Searching::quiet()).unwrap();
        let n = |n: usize| BigUint::from(n);
        prop_assert!(found.is_exact());
        prop_assert_eq!(&found.count, &n(expected.len()));
        for (size, sets) in found.by_size.iter().enumerate() {
            prop_assert_eq!(sets, &n(expected.iter().filter(|set| set.rules.len() == size).count()));
        }
        for (rule, sets) in found.by_rule.iter().enumerate() {
            prop_assert_eq!(sets, &n(expected.iter().filter(|set| set.rules.contains(&(rule as u32))).count()));
        }
        for ((size, cost), sets) in &found.by_level {
            let of_level = |rules: &[u32]| rules.len() == *size && errors(&instance, &objective, rules) == *cost;
            prop_assert_eq!(sets, &n(expected.iter().filter(|set| of_level(&set.rules)).count()));
        }
        prop_assert_eq!(found.by_level.iter().map(|(_, sets)| sets).sum::<BigUint>(), found.count.clone());
        prop_assert_eq!(found.best(), expected.first().map(|set| set.objective));
        let sizes = count(&instance, &objective, &within, Detail::Sizes, &Searching::quiet()).unwrap();
        prop_assert_eq!(sizes.by_size, found.by_size);
    }

    #[test]
    fn no_switch_level_or_thread_changes_a_count((instance, objective, within) in instances(), switch in 0_u8..8) {
        let prepared = Prepared::new(&instance, &objective, &within).unwrap();
        let switches = Switches { gains: switch & 1 == 0, nulls: switch & 2 == 0, leaves: switch & 4 == 0 };
        let with = |level, threads: usize, switches| {
            let control = Control { threads: NonZeroUsize::new(threads).unwrap(), watch: &Quiet };
            let mut found = prepared.tally(Detail::Full, &How { control, level, switches, most_nodes: None, most_bytes: None });
            found.nodes = 0;
            found
        };
        let plain = with(Level::Portable, 1, Switches::default());
        for level in [Level::Portable, Level::Avx2, Level::Avx512] {
            prop_assert_eq!(&with(level, 1, switches), &plain);
        }
        prop_assert_eq!(&with(Level::Avx512, 3, switches), &plain);
    }
}
