//! Counts against the definition, on every kind of small instance.

use std::num::NonZeroUsize;

use num_bigint::BigUint;
use pellucid_data::{Control, Quiet, Ratio, RowSet};
use proptest::prelude::*;

use super::count::Prepared;
use super::sets_file::{Header, SetsError, SetsReader};
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
        let features: Vec<Vec<u32>> = (0..instance.n_rules() as u32).map(|rule| vec![rule % 3, rule % 2]).collect();
        let explorer = Explorer::new(&instance, &objective, &within).unwrap().with_features(&features, 4);
        let found = explorer.count(Detail::Full, &Searching::quiet()).unwrap();
        let n = |n: usize| BigUint::from(n);
        prop_assert!(found.is_exact());
        prop_assert_eq!(&found.count, &n(expected.len()));
        for (size, sets) in found.by_size.iter().enumerate() {
            prop_assert_eq!(sets, &n(expected.iter().filter(|set| set.rules.len() == size).count()));
        }
        for (rule, sets) in found.by_rule.iter().enumerate() {
            prop_assert_eq!(sets, &n(expected.iter().filter(|set| set.rules.contains(&(rule as u32))).count()));
        }
        for (feature, sets) in found.by_feature.iter().enumerate() {
            let uses = |rules: &[u32]| rules.iter().any(|&rule| features[rule as usize].contains(&(feature as u32)));
            prop_assert_eq!(sets, &n(expected.iter().filter(|set| uses(&set.rules)).count()));
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
        let prepared = Prepared::new(&instance, &objective, &within, &Searching::quiet()).unwrap();
        let switches = Switches { gains: switch & 1 == 0, nulls: switch & 2 == 0, leaves: switch & 4 == 0 };
        let with = |level, threads: usize, switches| {
            let control = Control { threads: NonZeroUsize::new(threads).unwrap(), watch: &Quiet };
            let mut found = prepared.tally(Detail::Full, &super::tally::Uses::default(), &How { control, level, switches, most_nodes: None, most_bytes: None });
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn lists_are_the_definition_in_order((instance, objective, within) in instances(), identity in 0_usize..4, lexicographic: bool, n in 0_usize..40, cap in prop::sample::select(vec![2_usize, 16, 1 << 20])) {
        let within = Within { identity: Identity::NAMES[identity].1, ..within };
        let mut expected = rashomon_set(&instance, &objective, &within).unwrap();
        let order = if lexicographic { Order::Lexicographic } else { Order::Objective };
        if lexicographic {
            expected.sort_by(|a, b| a.rules.cmp(&b.rules));
        }
        let explorer = Explorer::new(&instance, &objective, &within).unwrap();
        let mut found = Vec::new();
        let ended = explorer.list_by(cap, order, &Searching::quiet(), &mut |member| {
            found.push((member.rules.clone(), member.objective));
            if found.len() > n { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        });
        let expected: Vec<_> = expected.into_iter().map(|set| (set.rules, set.objective)).collect();
        let cut = expected.len().min(n + 1);
        prop_assert_eq!(&found, &expected[..cut].to_vec());
        prop_assert_eq!(ended.unwrap() == Listed::All, expected.len() <= n);
        let counted = explorer.count(Detail::Full, &Searching::quiet()).unwrap();
        prop_assert_eq!(counted.count, BigUint::from(expected.len()));
        for (size, sets) in counted.by_size.iter().enumerate() {
            prop_assert_eq!(sets, &BigUint::from(expected.iter().filter(|(rules, _)| rules.len() == size).count()));
        }
    }

    #[test]
    fn what_is_drawn_is_in_the_set((instance, objective, within) in instances(), identity in 0_usize..4, seed: u64, beta in prop::option::of(0.1_f64..50.0)) {
        let within = Within { identity: Identity::NAMES[identity].1, ..within };
        let expected = rashomon_set(&instance, &objective, &within).unwrap();
        let explorer = Explorer::new(&instance, &objective, &within).unwrap();
        let drawn = explorer.sample(20, seed, beta.unwrap_or(0.0), &Searching::quiet());
        if expected.is_empty() {
            prop_assert_eq!(drawn, Err(SampleError::Empty));
            return Ok(());
        }
        let drawn = drawn.unwrap();
        prop_assert_eq!(drawn.members.len(), 20);
        for member in &drawn.members {
            prop_assert!(expected.iter().any(|set| set.rules == member.rules && set.objective == member.objective));
        }
        prop_assert_eq!(&explorer.sample(20, seed, beta.unwrap_or(0.0), &Searching::quiet()).unwrap(), &drawn);
    }

    #[test]
    fn sets_that_are_written_out_read_back((instance, objective, within) in instances(), cut: usize) {
        let explorer = Explorer::new(&instance, &objective, &within).unwrap();
        let mut bytes = Vec::new();
        let rules = (0..instance.n_rules()).map(|rule| format!("rule {rule}")).collect();
        let header = Header { rules, weight: instance.total_weight(), ..Header::of(&objective, &within) };
        let n = explorer.write_sets(&header, &Searching::quiet(), &mut bytes).unwrap();
        let mut found = Vec::new();
        let mut reader = SetsReader::open(bytes.as_slice()).unwrap();
        prop_assert_eq!(reader.header(), &header);
        while let Some((rules, cost)) = reader.next_set().unwrap() {
            let mut rules = rules.to_vec();
            rules.sort_unstable();
            prop_assert_eq!(i64::from(cost), errors(&instance, &objective, &rules));
            let own = objective.value(cost.into(), rules.len(), instance.total_weight()).unwrap();
            prop_assert_eq!(header.objective(rules.len(), cost), Some(own));
            found.push(rules);
        }
        let least = "1/1000000000".parse::<Ratio>().unwrap();
        let expected_worst = rashomon_set(&instance, &objective, &within).unwrap().into_iter()
            .map(|set| set.objective).max().and_then(|worst| worst.minus(least).ok()).filter(|_| n > 0);
        // A file that is cut anywhere, or goes on, is refused.
        let all = |bytes: &[u8]| {
            let mut reader = SetsReader::open(bytes)?;
            while reader.next_set()?.is_some() {}
            Ok::<_, SetsError>(())
        };
        prop_assert!(all(&bytes[..cut % bytes.len()]).is_err());
        prop_assert!(all(&[&bytes[..], &[0]].concat()).is_err());
        // So is a header that promises less than the sets cost.
        if let Some(worst) = expected_worst {
            let text = String::from_utf8(bytes[9..9 + serde_json::to_vec(&header).unwrap().len()].to_vec()).unwrap();
            let other = text.replace(&format!("\"theta\":\"{}\"", header.theta), &format!("\"theta\":\"{worst}\""));
            let mut changed = bytes[..5].to_vec();
            changed.extend((other.len() as u32).to_le_bytes());
            changed.extend(other.as_bytes());
            changed.extend(&bytes[9 + text.len()..]);
            prop_assert!(all(&changed).is_err());
        }
        let mut expected: Vec<_> = rashomon_set(&instance, &objective, &within).unwrap().into_iter().map(|set| set.rules).collect();
        expected.sort();
        found.sort();
        prop_assert_eq!(n, found.len() as u64);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn an_interval_holds_the_truth((instance, objective, within) in instances(), most_nodes in 1_u64..60) {
        let expected = BigUint::from(rashomon_set(&instance, &objective, &within).unwrap().len());
        let found = count(&instance, &objective, &within, Detail::Full, &Searching { most_nodes: Some(most_nodes), ..Searching::quiet() }).unwrap();
        let most = found.at_most.clone().unwrap_or(found.count.clone());
        prop_assert!(found.count <= expected && expected <= most, "{} <= {} <= {}", found.count, expected, most);
    }
}

/// SplitMix64, as the synthetic instances are made.
pub(super) fn splitmix(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// An instance of the numbers that come next: `m` rules of `draws` words a word each, and a label.
pub(super) fn synthetic(next: &mut impl FnMut() -> u64, n: usize, m: usize, draws: usize) -> Instance {
    let mut column = |draws: usize| {
        let word = |_| (0..draws).fold(u64::MAX, |all, _| all & next());
        RowSet::from_words((0..n.div_ceil(64)).map(word).collect(), n).unwrap()
    };
    let columns = (0..m).map(|_| column(draws)).collect();
    let label = column(1);
    Instance::new(columns, label, vec![1; n]).unwrap()
}

#[test]
fn uniform_draws_pass_a_chi_square_test() {
    let instance = synthetic(&mut splitmix(3), 200, 12, 2);
    let objective = Objective::new("1/100".parse().unwrap()).unwrap();
    let within = Within { include_empty: false, ..Within::new("11/20".parse().unwrap()) };
    let explorer = Explorer::new(&instance, &objective, &within).unwrap();
    let drawn = explorer.sample(104_100, 7, 0.0, &Searching::quiet()).unwrap();
    assert_eq!(drawn.count, BigUint::from(1041_u32));
    let mut times: std::collections::BTreeMap<&[u32], f64> = std::collections::BTreeMap::new();
    drawn.members.iter().for_each(|member| *times.entry(&member.rules).or_default() += 1.0);
    assert_eq!(times.len(), 1041);
    let chi: f64 = times.values().map(|n| (n - 100.0) * (n - 100.0) / 100.0).sum();
    // 1040 degrees of freedom: mean 1040, deviation sqrt(2080) = 45.6; four of them either way.
    assert!((857.0..1223.0).contains(&chi), "{chi}");
    // And it is no accident of being too even: weights pull draws to better sets.
    let pulled = explorer.sample(2_000, 7, 400.0, &Searching::quiet()).unwrap();
    let mean = |members: &[Member]| {
        members.iter().map(|member| member.objective.value()).sum::<f64>() / members.len() as f64
    };
    assert!(mean(&pulled.members) < mean(&drawn.members) - 0.01);
}

#[test]
fn threads_that_share_nodes_count_the_same() {
    let instance = synthetic(&mut splitmix(5), 300, 28, 2);
    let objective = Objective::new("1/100".parse().unwrap()).unwrap();
    let within = Within::new("51/100".parse().unwrap());
    let with = |threads: usize| {
        let control = Control { threads: NonZeroUsize::new(threads).unwrap(), watch: &Quiet };
        count(&instance, &objective, &within, Detail::Full, &Searching::with(control)).unwrap()
    };
    let alone = with(1);
    assert!(alone.count > BigUint::from(1000_u32), "{}", alone.count);
    for _ in 0..5 {
        assert_eq!(with(4), alone);
    }
}

/// The instances of known counts: file, λ, θ, sets.
fn known() -> Option<Vec<(std::path::PathBuf, Ratio, Ratio, BigUint)>> {
    let folder = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap())
        .join("../../../shared/data/rule-instances");
    let Ok(readme) = fs_err::read_to_string(folder.join("README.md")) else {
        println!("skipped: {} is not there", folder.display());
        return None;
    };
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
        let [file, lambda, theta, sets] = cells.as_slice() else { return None };
        Some((
            folder.join(format!("{file}.csv")),
            lambda.parse().ok()?,
            theta.parse().ok()?,
            sets.parse().ok()?,
        ))
    };
    Some(readme.lines().filter_map(row).collect())
}

pub(crate) fn read_instance(path: &std::path::Path) -> Instance {
    let text = fs_err::read_to_string(path).unwrap();
    let n = text.lines().count() - 1;
    let width = text.lines().next().unwrap().split(',').count();
    let mut columns = vec![RowSet::empty(n); width];
    for (row, line) in text.lines().skip(1).enumerate() {
        line.split(',')
            .enumerate()
            .filter(|(_, cell)| *cell == "1")
            .for_each(|(at, _)| columns[at].insert(row));
    }
    let label = columns.pop().unwrap();
    Instance::new(columns, label, vec![1; n]).unwrap()
}

#[test]
fn slow_the_23_known_counts_are_found() {
    let Some(known) = known() else { return };
    assert_eq!(known.len(), 23);
    for (path, lambda, theta, sets) in known {
        let within = Within { include_empty: false, ..Within::new(theta) };
        let found = count(
            &read_instance(&path),
            &Objective::new(lambda).unwrap(),
            &within,
            Detail::Sizes,
            &Searching::quiet(),
        )
        .unwrap();
        assert_eq!(found.count, sets, "{} {lambda} {theta}", path.display());
    }
}

/// Conjunctions of at most `conditions` columns of an instance with at least `support` points.
fn mined(instance: &Instance, conditions: usize, support: u64) -> Instance {
    use pellucid_data::FeatureId;
    use pellucid_data::binarize::{Literal, LiteralColumn, Test};
    let literal = |(at, rows): (usize, &RowSet)| LiteralColumn {
        feature: FeatureId::at(at),
        literal: Literal { column: format!("c{at}"), test: Test::IsTrue },
        rows: rows.clone(),
    };
    let literals: Vec<LiteralColumn> = instance.columns().iter().enumerate().map(literal).collect();
    let how = crate::mine::Mining {
        max_conditions: conditions,
        min_support: support,
        max_rules: None,
        keep: crate::mine::Keep::All,
        rank: crate::mine::Rank::Gain,
    };
    let found = crate::mine::mine(
        &literals,
        instance.label(),
        instance.weights(),
        &how,
        &pellucid_data::control::Quiet,
    )
    .unwrap();
    let columns = found.candidates.into_iter().map(|candidate| candidate.rows).collect();
    Instance::new(columns, instance.label().clone(), instance.weights().to_vec()).unwrap()
}

/// The sizes of all sets without the empty one, from one rule on.
fn sizes(instance: &Instance, lambda: &str, theta: &str) -> Vec<u64> {
    let within = Within { include_empty: false, ..Within::new(theta.parse().unwrap()) };
    let objective = Objective::new(lambda.parse().unwrap()).unwrap();
    let found = count(instance, &objective, &within, Detail::Sizes, &Searching::quiet()).unwrap();
    assert!(found.is_exact());
    found.by_size.iter().skip(1).map(|sets| u64::try_from(sets.clone()).unwrap()).collect()
}

/// `shared/data` beside the checkout, or a message.
fn shared(file: &str) -> Option<std::path::PathBuf> {
    let path = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap())
        .join("../../../shared/data")
        .join(file);
    if !path.is_file() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn the_leak_free_table_is_as_it_is_known() {
    let Some(path) = shared("compas/test-binary.csv") else { return };
    let columns = read_instance(&path);
    for (conditions, support, rules, distinct, lambda, theta, expected) in [
        (1, 1, 14, 14, "1/50", "2/5", &[1, 7, 18, 10][..]),
        (1, 1, 14, 14, "1/50", "21/50", &[1, 7, 20, 29, 5]),
        (1, 1, 14, 14, "1/100", "2/5", &[1, 7, 21, 31, 25, 11, 1]),
        (1, 1, 14, 14, "1/20", "9/20", &[1, 7]),
        (2, 30, 44, 42, "1/20", "9/20", &[3, 49]),
        (2, 30, 44, 42, "1/50", "2/5", &[3, 58, 367, 665, 11]),
        (2, 30, 44, 42, "1/50", "21/50", &[3, 74, 636, 2319, 2799, 56]),
        (2, 30, 44, 42, "1/100", "37/100", &[3, 49, 367, 1169, 2799, 3183, 173]),
        (3, 30, 63, 60, "1/50", "2/5", &[4, 94, 761, 2165, 49]),
        (3, 30, 63, 60, "1/50", "37/100", &[2, 28, 14]),
        (3, 5, 170, 0, "1/50", "37/100", &[2, 125, 261]),
    ] {
        let instance = mined(&columns, conditions, support);
        assert_eq!(instance.n_rules(), rules);
        let different = instance.columns().iter().collect::<std::collections::HashSet<_>>().len();
        assert!(distinct == 0 || different == distinct, "{different}");
        assert_eq!(sizes(&instance, lambda, theta), expected, "{conditions} {support} {lambda} {theta}");
    }
    let best = |lambda: &str| {
        let objective = Objective::new(lambda.parse().unwrap()).unwrap();
        crate::learn(&columns, &objective, &crate::Constraints::default(), &Searching::quiet(), &mut |_| {})
            .unwrap()
    };
    assert_eq!(best("1/100").objective.to_string(), "11821/36050");
    assert_eq!((best("1/100").rules, best("1/100").errors), (vec![1, 12], 222));
    assert_eq!(best("1/50").objective.to_string(), "12321/36050");
}

#[test]
fn slow_tic_tac_toe_is_won_by_eight_lines() {
    let (Some(x), Some(y)) = (shared("tic-tac-toe/X.txt"), shared("tic-tac-toe/y.txt")) else { return };
    let cells = |path: &std::path::Path| fs_err::read_to_string(path).unwrap();
    let rows: Vec<Vec<bool>> = cells(&x)
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().map(|cell| cell == "1").collect())
        .collect();
    let label: Vec<bool> =
        cells(&y).split_whitespace().map(|cell| cell.parse::<f64>().unwrap() == 1.0).collect();
    assert_eq!((rows.len(), label.len(), rows[0].len()), (958, 958, 27));
    let n = rows.len();
    let columns = (0..27).map(|at| RowSet::from_fn(n, |row| rows[row][at])).collect();
    let whole = Instance::new(columns, RowSet::from_fn(n, |row| label[row]), vec![1; n]).unwrap();
    // Lines have three fields; shorter conjunctions are not among the candidates.
    let mut threes = Vec::new();
    for a in 0..27 {
        for b in a + 1..27 {
            for c in b + 1..27 {
                let both = whole.columns()[a].and(&whole.columns()[b]).and(&whole.columns()[c]);
                threes.extend((both.count() >= 60).then_some(both));
            }
        }
    }
    let instance = Instance::new(threes, whole.label().clone(), vec![1; n]).unwrap();
    assert_eq!(instance.n_rules(), 286);
    assert_eq!(sizes(&instance, "1/100", "9/100"), [0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(sizes(&instance, "1/100", "1/10"), [0, 0, 0, 0, 0, 0, 0, 1, 14]);
    assert_eq!(sizes(&instance, "1/50", "1/5"), [0, 0, 0, 0, 0, 0, 0, 1, 94]);
    assert_eq!(sizes(&instance, "1/100", "3/20").iter().sum::<u64>(), 105_505);
}
