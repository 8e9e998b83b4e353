//! The plain search against the definition, against the other search, and against published and independent counts.

use std::path::Path;

use num_bigint::BigUint;
use pellucid_data::{Ratio, RowSet};
use proptest::prelude::*;

use super::bounds::planes::Planes;
use super::bounds::unavoidable;
use super::*;
use crate::definition::rashomon_set;
use crate::rashomon::{Detail, count, instances};
use crate::{Identity, Instance, Objective, Searching, Within};

fn ratio((p, q): (i128, i128)) -> Ratio {
    Ratio::new(p, q).unwrap()
}

/// The bounds whose bits are set.
fn some(bits: u16) -> PlainBounds {
    let is_on = |bit: u16| bits >> bit & 1 == 1;
    PlainBounds {
        hierarchical: is_on(0),
        look_ahead: is_on(1),
        size: is_on(2),
        unavoidable: is_on(3),
        gain: is_on(4),
        excess: is_on(5),
        suffix: is_on(6),
        certain: is_on(7),
        memo: is_on(8),
    }
}

/// What is within without the empty set, by both searches; the plain one with B1 and B2, and with every bound.
fn both(instance: &Instance, lambda: Ratio, theta: Ratio) -> Plain {
    let objective = Objective::new(lambda).unwrap();
    let within = Within { include_empty: false, ..Within::new(theta) };
    let run = |bounds| plain(instance, &objective, &within, &bounds, &Searching::quiet()).unwrap();
    let published = run(PlainBounds::published());
    assert!(published.complete);
    let bounded = run(PlainBounds::all());
    assert_eq!((&bounded.count, &bounded.by_size), (&published.count, &published.by_size));
    let other = count(instance, &objective, &within, Detail::Sizes, &Searching::quiet()).unwrap();
    assert_eq!((&other.count, &other.by_size), (&published.count, &published.by_size));
    published
}

fn sizes(counts: &[u32]) -> Vec<BigUint> {
    counts.iter().map(|&sets| BigUint::from(sets)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn whatever_bounds_are_on_the_count_is_that_of_the_definition((instance, objective, within) in instances(), bits in 0_u16..512, identity in 0_usize..2, include_empty: bool) {
        let within = Within { identity: Identity::NAMES[identity].1, include_empty, ..within };
        let expected = rashomon_set(&instance, &objective, &within).unwrap();
        let found = plain(&instance, &objective, &within, &some(bits), &Searching::quiet()).unwrap();
        prop_assert!(found.complete);
        prop_assert_eq!(&found.count, &BigUint::from(expected.len()));
        prop_assert_eq!(found.by_size.len(), expected.iter().map(|set| set.rules.len() + 1).max().unwrap_or(0));
        for (size, sets) in found.by_size.iter().enumerate() {
            prop_assert_eq!(sets, &BigUint::from(expected.iter().filter(|set| set.rules.len() == size).count()));
        }
    }

    #[test]
    fn weights_of_any_size_are_added_up_exactly((instance, objective, within) in instances(), factors in prop::collection::vec(1_u32..100_000, 24), bits in 0_u16..512) {
        let weights = instance.weights().iter().zip(factors).map(|(weight, factor)| weight * factor).collect();
        let instance = instance.reweighted(weights).unwrap();
        let expected = rashomon_set(&instance, &objective, &within).unwrap().len();
        let found = plain(&instance, &objective, &within, &some(bits), &Searching::quiet()).unwrap();
        prop_assert_eq!(found.count, BigUint::from(expected));
    }

    // Not so beside the memo: what one branch leaves in it another finds, and a bound may cut the first.
    #[test]
    fn a_bound_more_never_takes_more_evaluations((instance, objective, within) in instances(), bits in 0_u16..256, bit in 0_u16..9) {
        let evaluations = |bits| {
            let found = plain(&instance, &objective, &within, &some(bits), &Searching::quiet()).unwrap();
            (found.lower_bound_evaluations, found.objective_evaluations)
        };
        let (without, with) = (evaluations(bits & !(1 << bit)), evaluations(bits | 1 << bit));
        prop_assert!(with.0 <= without.0 && with.1 <= without.1, "{without:?} became {with:?}");
    }

    #[test]
    fn a_plain_search_that_stops_early_says_so((instance, objective, within) in instances(), most_nodes in 0_u64..200) {
        let with = |most_nodes| {
            let searching = Searching { most_nodes, ..Searching::quiet() };
            plain(&instance, &objective, &within, &PlainBounds::published(), &searching).unwrap()
        };
        let (whole, part) = (with(None), with(Some(most_nodes)));
        prop_assert_eq!(part.complete, whole.lower_bound_evaluations <= most_nodes);
        prop_assert_eq!(part.lower_bound_evaluations, whole.lower_bound_evaluations.min(most_nodes));
        prop_assert!(part.count <= whole.count);
    }
}

#[test]
fn identities_of_several_sets_are_refused() {
    let instance = toy();
    for identity in [Identity::Predictions, Identity::Irredundant] {
        let within = Within { identity, ..Within::new(ratio((1, 2))) };
        let objective = Objective::new(ratio((1, 10))).unwrap();
        let found = plain(&instance, &objective, &within, &PlainBounds::all(), &Searching::quiet());
        assert_eq!(found, Err(PlainError::Identity(identity)));
    }
}

#[test]
fn where_everything_is_within_nothing_is_visited_and_no_count_overflows() {
    // θ − 1 pays for 200 rules, and no errors cost more than 1.
    let instance = synthetic(5, 100, 200, 2);
    let within = Within::new(ratio((3, 1)));
    let objective = Objective::new(ratio((1, 100))).unwrap();
    let found = plain(&instance, &objective, &within, &PlainBounds::all(), &Searching::quiet()).unwrap();
    assert_eq!(found.count, BigUint::from(1_u32) << 200_u32);
    assert_eq!((found.lower_bound_evaluations, found.kept), (200, 1));
    // 200 over 100, as Python's math.comb has it.
    let middle = "90548514656103281165404177077484163874504589675413336841320";
    assert_eq!(found.by_size[100].to_string(), middle);
}

/// The instance of the published code's own tests.
fn toy() -> Instance {
    let set = |points: &[usize]| RowSet::from_fn(5, |row| points.contains(&row));
    Instance::new(vec![set(&[1, 3]), set(&[2, 4]), set(&[0, 2, 4])], set(&[2, 4]), vec![1; 5]).unwrap()
}

// From the published code's tests of equivalent points: classes {0}, {1, 2} and {3, 4}, of which the second is mixed.
#[test]
fn one_error_in_five_is_unavoidable_in_the_published_example() {
    let set = |points: &[usize]| RowSet::from_fn(5, |row| points.contains(&row));
    let rules = vec![set(&[3, 4]), set(&[1, 2, 3, 4]), set(&[0, 1, 2])];
    let instance = Instance::new(rules, set(&[2]), vec![1; 5]).unwrap();
    let planes =
        Planes::new(&instance, &Objective::new(ratio((1, 10))).unwrap(), &Searching::quiet()).unwrap();
    let missed = planes.positives.total + planes.beyond;
    assert_eq!(unavoidable::least(0, missed, planes.excess.total), 1);
}

#[test]
fn the_toy_has_its_published_counts() {
    let tenths = [(1, 1_u32), (3, 2), (4, 3), (6, 4), (8, 5), (9, 7)];
    for (theta, sets) in tenths {
        assert_eq!(
            both(&toy(), ratio((1, 10)), ratio((theta, 10))).count,
            BigUint::from(sets),
            "θ = {theta}/10"
        );
    }
}

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Each word the AND of some draws.
    fn set(&mut self, n: usize, draws: usize) -> RowSet {
        let mut words: Vec<u64> =
            (0..n.div_ceil(64)).map(|_| (0..draws).fold(u64::MAX, |word, _| word & self.next())).collect();
        if !n.is_multiple_of(64) {
            *words.last_mut().unwrap() &= (1 << (n % 64)) - 1;
        }
        RowSet::from_words(words, n).unwrap()
    }
}

fn synthetic(seed: u64, n_points: usize, n_rules: usize, draws: usize) -> Instance {
    let mut random = SplitMix(seed);
    let rules = (0..n_rules).map(|_| random.set(n_points, draws)).collect();
    let label = random.set(n_points, 1);
    Instance::new(rules, label, vec![1; n_points]).unwrap()
}

#[test]
fn synthetic_instances_are_those_of_the_other_program() {
    assert_eq!(SplitMix(1).next(), 0x910a_2dec_8902_5cc1);
    assert_eq!(synthetic(1, 100, 10, 1).label().count(), 42);
    assert_eq!(synthetic(7, 1000, 50, 3).label().count(), 489);
}

// Counts by brute force over all subsets (the first four) or by a search in Python with big integers.
#[test]
fn synthetic_instances_have_the_counts_and_evaluations_of_the_other_program() {
    let a = both(&synthetic(1, 100, 10, 1), ratio((1, 10)), ratio((9, 10)));
    assert_eq!((a.count, a.by_size), (169_u32.into(), sizes(&[0, 10, 45, 114])));
    assert_eq!(a.lower_bound_evaluations, 261);
    let b = both(&synthetic(1, 100, 10, 1), ratio((1, 20)), ratio((3, 5)));
    assert_eq!((b.count, b.by_size), (11_u32.into(), sizes(&[0, 9, 2])));
    let c = both(&synthetic(2, 64, 12, 2), ratio((1, 50)), ratio((1, 2)));
    assert_eq!((c.count, c.by_size), (56_u32.into(), sizes(&[0, 4, 9, 20, 14, 8, 1])));
    let d = both(&synthetic(3, 200, 12, 2), ratio((1, 100)), ratio((11, 20)));
    assert_eq!((d.count, d.by_size), (1041_u32.into(), sizes(&[0, 10, 49, 147, 274, 305, 186, 63, 7])));
    let e = both(&synthetic(7, 1000, 50, 3), ratio((1, 10)), ratio((3, 5)));
    assert_eq!((e.count, e.lower_bound_evaluations), (33_u32.into(), 249_755));
    let f = both(&synthetic(11, 500, 100, 2), ratio((1, 10)), ratio((3, 5)));
    assert_eq!((f.count, f.lower_bound_evaluations), (75_u32.into(), 166_750));
}

#[test]
fn the_empty_set_is_within_where_the_other_program_says_so() {
    for (seed, n, rules, draws, lambda, theta, is_within) in
        [(1, 100, 10, 1, (1, 10), (9, 10), true), (2, 64, 12, 2, (1, 50), (1, 2), false)]
    {
        let objective = Objective::new(ratio(lambda)).unwrap();
        let within = Within::new(ratio(theta));
        let instance = synthetic(seed, n, rules, draws);
        let found = plain(&instance, &objective, &within, &PlainBounds::all(), &Searching::quiet()).unwrap();
        assert_eq!(found.by_size[0], BigUint::from(u32::from(is_within)));
    }
}

/// A table of 0 and 1 with the label last; `None` where the shared data is not there.
fn shared(name: &str) -> Option<Instance> {
    let folder =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../../shared/data/rule-instances");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    let text = fs_err::read_to_string(folder.join(name)).unwrap();
    let rows: Vec<Vec<bool>> =
        text.lines().skip(1).map(|line| line.split(',').map(|cell| cell == "1").collect()).collect();
    let column = |at: usize| RowSet::from_fn(rows.len(), |row| rows[row][at]);
    let label = rows[0].len() - 1;
    Some(Instance::new((0..label).map(column).collect(), column(label), vec![1; rows.len()]).unwrap())
}

// Evaluations and queue of the published code's own notebook on its optimizations; counts by it and by the program in Python.
#[test]
fn the_published_instance_takes_the_published_evaluations() {
    let Some(instance) = shared("compas_test_104.csv") else { return };
    let (lambda, theta) = (ratio((1, 20)), ratio((1, 4)));
    let found = both(&instance, lambda, theta);
    assert_eq!((found.count, found.by_size), (111_382_u32.into(), sizes(&[0, 2, 185, 5182, 47_076, 58_937])));
    assert_eq!((found.lower_bound_evaluations, found.objective_evaluations), (2_661_203, 1_187_712));
    assert_eq!(found.kept, 116_829);
    let objective = Objective::new(lambda).unwrap();
    let within = Within { include_empty: false, ..Within::new(theta) };
    let run = |bounds| {
        let found = plain(&instance, &objective, &within, &bounds, &Searching::quiet()).unwrap();
        (found.lower_bound_evaluations, found.objective_evaluations, found.kept)
    };
    let full = PlainBounds { size: true, ..PlainBounds::published() };
    assert_eq!(run(full), (2_661_203, 1_187_712, 116_829));
    assert_eq!(run(PlainBounds { look_ahead: false, ..full }), (2_661_203, 1_187_712, 1_187_713));
    assert_eq!(run(PlainBounds { hierarchical: false, ..full }), (2_661_203, 2_661_203, 116_829));
    // The program in Python had these two as well.
    assert_eq!(run(PlainBounds { gain: true, ..full }).0, 1_161_924);
    assert_eq!(run(PlainBounds { gain: true, excess: true, ..full }).0, 1_161_924);
}

#[test]
fn the_published_instance_has_the_exact_counts_at_other_bounds() {
    let Some(instance) = shared("compas_test_104.csv") else { return };
    let found = both(&instance, ratio((1, 10)), ratio((3, 10)));
    assert_eq!((found.count, found.lower_bound_evaluations), (774_u32.into(), 27_726));
    let found = both(&instance, ratio((1, 1)), ratio((3, 1)));
    assert_eq!((found.count, found.by_size), (6090_u32.into(), sizes(&[0, 104, 5356, 630])));
}
