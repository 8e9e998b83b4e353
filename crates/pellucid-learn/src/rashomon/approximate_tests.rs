//! Cells against a filter of the definition, estimates and draws against what they promise.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use num_bigint::BigUint;
use pellucid_data::{Control, Quiet, Ratio, RowSet};
use proptest::prelude::*;

use super::approximate::{constants, iterations, thresh};
use super::parity::{ApproximateError, Ground, Parity, parity_cell};
use super::tests::{splitmix, synthetic};
use super::tree_sampler::go_down;
use super::*;
use crate::definition::rashomon_set;
use crate::search::problem::AnyProblem;
use crate::{Identity, Instance, Objective, Searching, Within};

const EVERYTHING: usize = usize::MAX - 1;

fn cell(explorer: &Explorer, parity: &Parity) -> Vec<Vec<u32>> {
    let cell = parity_cell(explorer, parity, EVERYTHING, &Searching::quiet()).unwrap();
    assert!(cell.is_whole);
    cell.sets
}

fn by_definition(instance: &Instance, objective: &Objective, within: &Within) -> Vec<Vec<u32>> {
    let all = rashomon_set(instance, objective, within).unwrap();
    let mut all: Vec<Vec<u32>> = all.into_iter().map(|set| set.rules).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_cell_is_a_filter_of_the_definition((instance, objective, mut within) in instances(), seed: u64, rows in 0_usize..10, identity in 0_usize..2, include_empty: bool, most in 0_usize..12) {
        (within.identity, within.include_empty) = (Identity::NAMES[identity].1, include_empty);
        let explorer = Explorer::new(&instance, &objective, &within).unwrap();
        let parity = Parity::random(instance.n_rules(), rows, seed, 0, 0).unwrap();
        let mut expected = by_definition(&instance, &objective, &within);
        expected.retain(|set| parity.holds(set));
        prop_assert_eq!(&cell(&explorer, &parity), &expected);
        let cut = parity_cell(&explorer, &parity, most, &Searching::quiet()).unwrap();
        prop_assert_eq!(cut.is_whole, expected.len() <= most);
        prop_assert_eq!(cut.sets.len(), expected.len().min(most));
        prop_assert!(cut.sets.iter().all(|set| expected.contains(set)));
    }

    #[test]
    fn cells_of_all_right_sides_add_up((instance, objective, within) in instances(), seed: u64, rows in 0_usize..5) {
        let explorer = Explorer::new(&instance, &objective, &within).unwrap();
        let bit = |row: usize, rule: usize| seed >> ((row * 9 + rule) % 64) & 1 == 1;
        let left: Vec<Vec<bool>> =
            (0..rows).map(|row| (0..instance.n_rules()).map(|rule| bit(row, rule)).collect()).collect();
        let mut all = Vec::new();
        for b in 0..1_u32 << rows {
            let right: Vec<bool> = (0..rows).map(|row| b >> row & 1 == 1).collect();
            all.extend(cell(&explorer, &Parity::new(&left, &right, instance.n_rules()).unwrap()));
        }
        all.sort();
        prop_assert_eq!(all, by_definition(&instance, &objective, &within));
    }
}

proptest! {
    // Every order of every set is a way down: few instances are enough to look at.
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn probes_are_unbiased((instance, objective, within) in instances(), include_empty: bool) {
        let within = Within { include_empty, ..within };
        let explorer = Explorer::new(&instance, &objective, &within).unwrap();
        let expected = by_definition(&instance, &objective, &within);
        let AnyProblem::Narrow(problem) = &explorer.prepared.problem else { panic!("small weights") };
        let ground = Ground::new(problem, &explorer.prepared.thresholds);
        // Every way down, by counting up the choices; its probability is the product of 1 over the branches offered.
        let (mut choices, mut sum, mut seen) = (Vec::<(usize, usize)>::new(), 0.0, Vec::new());
        loop {
            let mut depth = 0;
            let found = go_down::<i16, 0>(&ground, explorer.prepared.has_empty, |n| {
                if depth == choices.len() {
                    choices.push((0, n));
                }
                depth += 1;
                choices[depth - 1].0
            });
            let probability: f64 = choices.iter().map(|&(_, n)| 1.0 / n as f64).product();
            sum += probability * found.weight;
            seen.extend(found.rules);
            while choices.last().is_some_and(|&(choice, n)| choice + 1 == n) {
                choices.pop();
            }
            let Some(last) = choices.last_mut() else { break };
            last.0 += 1;
        }
        seen.sort();
        seen.dedup();
        prop_assert_eq!(&seen, &expected);
        prop_assert!((sum - expected.len() as f64).abs() < 1e-6 * (1.0 + sum), "{} {}", sum, expected.len());
    }
}

/// Five points, y = {2, 4}; rules {1, 3}, {2, 4}, {0, 2, 4}; λ = 1/10.
fn toy(theta: &str) -> Explorer {
    let set = |rows: &[usize]| RowSet::from_fn(5, |row| rows.contains(&row));
    let columns = vec![set(&[1, 3]), set(&[2, 4]), set(&[0, 2, 4])];
    let instance = Instance::new(columns, set(&[2, 4]), vec![1; 5]).unwrap();
    let within = Within { include_empty: false, ..Within::new(theta.parse().unwrap()) };
    Explorer::new(&instance, &Objective::new("1/10".parse().unwrap()).unwrap(), &within).unwrap()
}

fn system(rows: &[&[u8]], right: &[u8]) -> Parity {
    let bits = |row: &[u8]| row.iter().map(|&bit| bit == 1).collect::<Vec<bool>>();
    let left: Vec<Vec<bool>> = rows.iter().map(|row| bits(row)).collect();
    Parity::new(&left, &bits(right), rows[0].len()).unwrap()
}

#[test]
fn the_published_systems_have_the_published_solutions() {
    let solutions = |rows: &[&[u8]], right: &[u8]| cell(&toy("9/10"), &system(rows, right));
    assert_eq!(solutions(&[&[1, 0, 1], &[0, 1, 0]], &[0, 1]), [vec![0, 1, 2], vec![1]]);
    assert_eq!(solutions(&[&[1, 0, 1], &[0, 1, 0]], &[1, 0]), [vec![0], vec![2]]);
    assert_eq!(solutions(&[&[1, 0, 1], &[1, 1, 0]], &[0, 0]), [vec![0, 1, 2]]);
    assert_eq!(solutions(&[&[1, 0, 1], &[1, 1, 0]], &[0, 1]), [vec![0, 2], vec![1]]);
    // Under a bound of 17/20, those of 9/10 are out.
    let below = |rows: &[&[u8]], right: &[u8]| cell(&toy("17/20"), &system(rows, right));
    assert_eq!(below(&[&[1, 0, 1], &[0, 1, 0]], &[0, 1]), [vec![1]]);
    assert_eq!(below(&[&[1, 0, 1], &[0, 1, 0]], &[1, 0]), [vec![2]]);
}

/// Any set of these rules is within.
fn unbounded(n_rules: usize) -> Explorer {
    let columns = (0..n_rules).map(|rule| RowSet::from_fn(8, |row| row == rule)).collect();
    let instance = Instance::new(columns, RowSet::from_fn(8, |row| row % 2 == 0), vec![1; 8]).unwrap();
    let within = Within { include_empty: false, ..Within::new(Ratio::whole(100)) };
    Explorer::new(&instance, &Objective::new("1/10".parse().unwrap()).unwrap(), &within).unwrap()
}

#[test]
fn the_published_systems_without_a_bound_have_the_published_solutions() {
    let four = unbounded(4);
    let three_rows: &[&[u8]] = &[&[1, 0, 0, 1], &[0, 1, 0, 1], &[0, 1, 1, 0]];
    assert_eq!(cell(&four, &system(three_rows, &[1, 0, 1])), [vec![0, 2], vec![1, 3]]);
    assert_eq!(cell(&four, &system(&[&[1, 0, 0, 1]], &[1])).len(), 8);
    let rows: &[&[u8]] = &[&[1, 1, 0, 0, 1], &[0, 0, 1, 0, 0], &[0, 0, 0, 1, 0]];
    let expected = [vec![0, 1, 3], vec![0, 3, 4], vec![1, 3, 4], vec![3]];
    assert_eq!(cell(&unbounded(5), &system(rows, &[0, 0, 1])), expected);
}

/// The instance of 200 points and 12 rules, and the four numbers that come after it.
fn twelve() -> (Instance, [u64; 4]) {
    let mut next = splitmix(3);
    let instance = synthetic(&mut next, 200, 12, 2);
    (instance, std::array::from_fn(|_| next() & 0xfff))
}

fn explorer(instance: &Instance, lambda: &str, theta: &str) -> Explorer {
    let objective = Objective::new(lambda.parse().unwrap()).unwrap();
    let within = Within { include_empty: false, ..Within::new(theta.parse().unwrap()) };
    Explorer::new(instance, &objective, &within).unwrap()
}

#[test]
fn sixteen_cells_have_the_sizes_that_brute_force_found() {
    let (instance, rows) = twelve();
    assert_eq!(rows, [0b101_1110_0101, 0b110_0111_0100, 0b1110_1011_0100, 0b1010_1000_1110]);
    let explorer = explorer(&instance, "1/100", "11/20");
    let left: Vec<Vec<bool>> =
        rows.iter().map(|row| (0..12).map(|rule| row >> rule & 1 == 1).collect()).collect();
    let size = |b: u32| {
        let right: Vec<bool> = (0..4).map(|row| b >> (3 - row) & 1 == 1).collect();
        cell(&explorer, &Parity::new(&left, &right, 12).unwrap()).len()
    };
    let sizes: Vec<usize> = (0..16).map(size).collect();
    assert_eq!(sizes, [68, 60, 68, 63, 66, 71, 65, 63, 64, 59, 69, 62, 66, 69, 64, 64]);
    assert_eq!(sizes.iter().sum::<usize>(), 1041);
}

#[test]
fn constants_of_approximate_counting_are_those_of_the_paper() {
    let table = [(0.8, 72), (0.4, 155), (0.2, 414)];
    table.iter().for_each(|&(epsilon, expected)| assert_eq!(thresh(epsilon), expected, "{epsilon}"));
    let table = [(0.8, 33), (0.4, 50), (0.2, 67)];
    table.iter().for_each(|&(delta, expected)| assert_eq!(iterations(delta), expected, "{delta}"));
}

#[test]
fn constants_of_almost_uniform_draws_are_those_of_the_paper() {
    let table = [
        (2.0, 0.0749, 1019.0, 1097, 947),
        (5.0, 0.4851, 47.0, 71, 31),
        (8.0, 0.6201, 34.0, 57, 20),
        (10.0, 0.6683, 31.0, 53, 18),
        (16.0, 0.7470, 28.0, 50, 16),
    ];
    for (epsilon, kappa, pivot, high, low) in table {
        let found = constants(epsilon).unwrap();
        assert!((found.kappa - kappa).abs() < 1e-4, "{epsilon}: {}", found.kappa);
        assert_eq!((found.pivot, found.high, found.low), (pivot, high, low), "{epsilon}");
    }
    assert_eq!(constants(1.71), Err(ApproximateError::SampleEpsilon(1.71)));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (instance, _) = twelve();
    let some = explorer(&instance, "1/100", "11/20");
    let count = |epsilon, delta| approximate_count(&some, epsilon, delta, 1, &Searching::quiet());
    assert_eq!(count(0.0, 0.2), Err(ApproximateError::Epsilon(0.0)));
    assert!(count(f64::NAN, 0.2).is_err());
    assert_eq!(count(0.8, 0.0), Err(ApproximateError::Delta(0.0)));
    assert_eq!(count(0.8, 1.0), Err(ApproximateError::Delta(1.0)));
    let objective = Objective::new("1/100".parse().unwrap()).unwrap();
    let within = Within { identity: Identity::Predictions, ..Within::new(Ratio::ONE) };
    let other = Explorer::new(&instance, &objective, &within).unwrap();
    let refused = ApproximateError::Identity(Identity::Predictions);
    assert_eq!(approximate_count(&other, 0.8, 0.2, 1, &Searching::quiet()), Err(refused.clone()));
    assert_eq!(unigen(&other, 1, 8.0, 1, &Searching::quiet()), Err(refused.clone()));
    assert_eq!(probe(&other, 1, 1, &Searching::quiet()), Err(refused));
    let many = ApproximateError::Rows { found: 129 };
    assert_eq!(Parity::random(12, 129, 1, 0, 0), Err(many.clone()));
    assert_eq!(Parity::new(&vec![vec![true; 12]; 129], &[true; 129], 12), Err(many));
    let short = Parity::random(11, 4, 1, 0, 0).unwrap();
    let refused = Err(ApproximateError::Columns { found: 11, wanted: 12 });
    assert_eq!(parity_cell(&some, &short, 9, &Searching::quiet()), refused);
    let stopped = Searching { most_nodes: Some(1), ..Searching::quiet() };
    let wide = synthetic(&mut splitmix(5), 600, 40, 2);
    let wide = explorer(&wide, "1/100", "51/100");
    assert_eq!(approximate_count(&wide, 0.8, 0.2, 1, &stopped), Err(ApproximateError::Stopped));
}

/// 64 points and 12 rules, of which brute force finds 56 sets.
fn fifty_six() -> Explorer {
    explorer(&synthetic(&mut splitmix(2), 64, 12, 2), "1/50", "1/2")
}

#[test]
fn a_small_set_is_counted_and_says_so() {
    let estimate = approximate_count(&fifty_six(), 0.8, 0.2, 1, &Searching::quiet()).unwrap();
    assert_eq!((estimate.count, estimate.exact), (BigUint::from(56_u32), true));
    assert!(estimate.cells.is_empty());
    let large = explorer(&twelve().0, "1/100", "11/20");
    assert!(!approximate_count(&large, 0.8, 0.2, 1, &Searching::quiet()).unwrap().exact);
}

/// 12 rules of which any set is in the upper half or so: a few thousand.
fn thousands() -> Explorer {
    explorer(&twelve().0, "1/100", "3/5")
}

#[test]
fn slow_an_estimate_is_inside_its_band_as_often_as_it_promises() {
    let explorer = thousands();
    let truth = explorer.count(Detail::Sizes, &Searching::quiet()).unwrap().count;
    let truth: f64 = truth.to_string().parse().unwrap();
    assert!(truth > 2000.0, "{truth}");
    let (epsilon, delta) = (0.8, 0.2);
    let mut inside = 0;
    for seed in 0..200 {
        let found = approximate_count(&explorer, epsilon, delta, seed, &Searching::quiet()).unwrap();
        assert!(!found.exact && found.count.bits() > 0);
        assert_eq!(found.cells.len() as u64 + found.failures, iterations(delta));
        assert!(found.cells.iter().all(|&(m, size)| m > 0 && size < found.thresh));
        let count: f64 = found.count.to_string().parse().unwrap();
        inside += usize::from(truth / (1.0 + epsilon) <= count && count <= truth * (1.0 + epsilon));
    }
    assert!(inside >= 160, "{inside} of 200");
}

#[test]
fn no_thread_changes_an_estimate_or_a_draw() {
    let explorer = thousands();
    let with = |threads: usize| {
        let control = Control { threads: NonZeroUsize::new(threads).unwrap(), watch: &Quiet };
        let searching = Searching::with(control);
        (
            approximate_count(&explorer, 0.8, 0.8, 5, &searching).unwrap(),
            unigen(&explorer, 20, 8.0, 5, &searching).unwrap(),
            probe(&explorer, 20, 5, &searching).unwrap(),
        )
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_right_side_is_independent_of_its_row() {
    // Were both of one stream, b would be the first bits of A, and rule 0 would satisfy every system.
    for rules in [&[][..], &[0], &[1], &[0, 1]] {
        let holds = |seed: &u64| Parity::random(40, 1, *seed, 0, 0).unwrap().holds(rules);
        let n = (0..256).filter(holds).count();
        assert!((96..160).contains(&n), "{rules:?}: {n} of 256");
    }
}

#[test]
fn slow_almost_uniform_draws_are_members_and_about_even() {
    let explorer = explorer(&twelve().0, "1/100", "11/20");
    let members = cell(&explorer, &Parity::random(12, 0, 0, 0, 0).unwrap());
    let n = 10 * members.len();
    let drawn = unigen(&explorer, n, 8.0, 11, &Searching::quiet()).unwrap();
    assert_eq!(drawn.sets.len(), n);
    assert!(!drawn.exact && drawn.estimate.is_some());
    assert!((drawn.failures as f64) < 0.38 * drawn.trials as f64, "{} of {}", drawn.failures, drawn.trials);
    let mut times: BTreeMap<&[u32], f64> = members.iter().map(|set| (set.as_slice(), 0.0)).collect();
    drawn.sets.iter().for_each(|set| *times.get_mut(set.as_slice()).unwrap() += 1.0);
    let chi: f64 = times.values().map(|n| (n - 10.0) * (n - 10.0) / 10.0).sum();
    // Exactly even draws have mean 1040 and deviation 45.6; these are only almost even.
    assert!(chi < 1300.0, "{chi}");
}

#[test]
fn a_small_set_is_drawn_from_directly() {
    let explorer = fifty_six();
    let members = cell(&explorer, &Parity::random(12, 0, 0, 0, 0).unwrap());
    let drawn = unigen(&explorer, 50, 8.0, 11, &Searching::quiet()).unwrap();
    assert!(drawn.exact && drawn.sets.len() == 50 && drawn.failures == 0);
    assert!(drawn.sets.iter().all(|set| members.contains(set)));
    let nothing = super::approximate_tests::explorer(&twelve().0, "1/10", "1/100");
    assert_eq!(unigen(&nothing, 1, 8.0, 1, &Searching::quiet()), Err(ApproximateError::Empty));
}

#[test]
fn probes_estimate_the_count() {
    let explorer = thousands();
    let truth = explorer.count(Detail::Sizes, &Searching::quiet()).unwrap().count;
    let truth: f64 = truth.to_string().parse().unwrap();
    let probed = probe(&explorer, 4000, 3, &Searching::quiet()).unwrap();
    let (estimate, error) = (probed.estimate().unwrap(), probed.standard_error().unwrap());
    assert!((estimate - truth).abs() < 5.0 * error && error < 0.05 * truth, "{estimate} ± {error}: {truth}");
    let members = cell(&explorer, &Parity::random(12, 0, 0, 0, 0).unwrap());
    assert!(probed.draws.iter().flat_map(|draw| &draw.rules).all(|rules| members.contains(rules)));
}
