//! Studies against slow definitions, and the known facts of the 97 rule sets.

use pellucid_data::{Ratio, RowSet};
use proptest::prelude::*;

use super::*;
use crate::rashomon::Explorer;
use crate::{Instance, Objective, Within};

fn members(explorer: &Explorer) -> Vec<Member> {
    let mut all = Vec::new();
    assert!(explorer.each(&Searching::quiet(), &mut |member| all.push(member.clone())).unwrap());
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn reliance_is_that_of_the_definition(
        rows in prop::collection::vec((prop::collection::vec(any::<bool>(), 5), any::<bool>()), 3..14),
        rules in prop::collection::vec(prop::collection::btree_set(0_u32..5, 1..4), 1..5),
    ) {
        let n = rows.len();
        let features = [0_u32, 0, 1, 2, 2];
        let mut label: Vec<bool> = rows.iter().map(|row| row.1).collect();
        (label[0], label[1]) = (true, false);
        let rules: Vec<Vec<u32>> = rules.into_iter().map(|rule| rule.into_iter().collect()).collect();
        let holds = |row: usize, rule: &[u32]| rule.iter().all(|&literal| rows[row].0[literal as usize]);
        let columns = rules.iter().map(|rule| RowSet::from_fn(n, |row| holds(row, rule))).collect();
        let instance = Instance::new(columns, RowSet::from_fn(n, |row| label[row]), vec![1; n]).unwrap();
        let literals: Vec<(u32, RowSet)> = (0..5).map(|at| (features[at], RowSet::from_fn(n, |row| rows[row].0[at]))).collect();
        let subject = Subject::new(&instance, &literals, &rules, 3, None).unwrap();
        let chosen: Vec<u32> = (0..rules.len() as u32).collect();
        let predicted = subject.predict(&chosen);
        let found = reliance::of(&subject, &chosen, &predicted);
        let passes: Vec<Vec<bool>> = rows.iter().map(|row| row.0.clone()).collect();
        for feature in 0..3 {
            let expected = reliance_by_definition(&passes, &label, &rules, &features, feature);
            prop_assert!((found[feature as usize] - expected).abs() < 1e-12, "{} {}", found[feature as usize], expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn multiplicity_and_fairness_are_those_of_the_definition((instance, objective, within) in crate::rashomon::instances(), groups in prop::collection::vec(prop::option::of(0_u32..3), 40)) {
        let n = instance.label().n_rows();
        let explorer = Explorer::new(&instance, &objective, &within).unwrap();
        let all = members(&explorer);
        prop_assume!(!all.is_empty());
        let literals: Vec<(u32, RowSet)> =
            instance.columns().iter().cloned().enumerate().map(|(at, rows)| (at as u32, rows)).collect();
        let rules: Vec<Vec<u32>> = (0..instance.n_rules() as u32).map(|rule| vec![rule]).collect();
        let of_row: Vec<Option<u32>> = (0..n).map(|row| groups[row % groups.len()]).collect();
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let given = Groups { names: names.clone(), of_row: of_row.clone() };
        let weights: Vec<u64> = instance.weights().iter().map(|&weight| weight.into()).collect();
        let weight_of = |group: u32| (0..n).filter(|&row| of_row[row] == Some(group)).map(|row| weights[row]).sum::<u64>();
        let weighty: Vec<u32> = (0..3).filter(|&group| weight_of(group) > 0).collect();
        let subject = Subject::new(&instance, &literals, &rules, instance.n_rules(), Some(&given));
        if weighty.len() < 2 {
            prop_assert_eq!(subject.err(), Some(StudyError::OneGroup(weighty.len())));
            return Ok(());
        }
        let subject = subject.unwrap();
        let mut study = Study::new(&subject, &all[0], &[], 0);
        all.iter().for_each(|member| study.add(member));
        let found = study.finish();
        let predict = |member: &Member| -> Vec<bool> {
            (0..n).map(|row| member.rules.iter().any(|&rule| instance.columns()[rule as usize].contains(row))).collect()
        };
        let predicted: Vec<Vec<bool>> = all.iter().map(predict).collect();
        let expected = multiplicity_by_definition(&predicted, &predicted[0], &weights);
        prop_assert_eq!([found.ambiguity[0], found.discrepancy[0]], expected);
        for (row, share) in found.share_of_row.iter().enumerate() {
            let ones = predicted.iter().filter(|member| member[row]).count();
            prop_assert!((share - ones as f64 / all.len() as f64).abs() < 1e-12);
        }
        for one in &found.fairness {
            let difference = |member: &Vec<bool>| {
                let share = |&group: &u32| {
                    let rows: Vec<_> = (0..n).filter(|&row| of_row[row] == Some(group))
                        .map(|row| (member[row], instance.label().contains(row), weights[row])).collect();
                    share_by_definition(one.metric, &rows)
                };
                let shares: Vec<Ratio> = weighty.iter().map(share).collect::<Option<_>>()?;
                match shares.as_slice() {
                    [first, second] => second.minus(*first).ok(),
                    all => all.iter().max()?.minus(*all.iter().min()?).ok(),
                }
            };
            let values: Vec<Ratio> = predicted.iter().filter_map(difference).collect();
            let range = one.range.as_ref().map(|[low, high]| (low.value, high.value));
            prop_assert_eq!(range, values.iter().min().map(|low| (*low, *values.iter().max().unwrap())));
            prop_assert_eq!(one.undefined, (all.len() - values.len()) as u64);
            let used: Vec<String> = weighty.iter().map(|&group| names[group as usize].clone()).collect();
            prop_assert_eq!(&one.groups, &used);
        }
    }
}

#[test]
fn a_pool_holds_each_with_the_same_probability() {
    let mut times = [0_u32; 50];
    for seed in 0..10_000 {
        let mut pool = Pool::new(10, seed, 0);
        (0..50).for_each(|n| pool.offer(|| n));
        pool.held().into_iter().for_each(|n: usize| times[n] += 1);
    }
    // Each 2,000 times in the mean, with a deviation of 40: five of them either way.
    assert!(times.iter().all(|n| (1_800..2_200).contains(n)), "{times:?}");
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let label = RowSet::from_fn(3, |row| row == 0);
    let instance = Instance::new(vec![label.clone()], label.clone(), vec![1; 3]).unwrap();
    let with = |feature: u32, rule: u32, group: u32| {
        let groups =
            Groups { names: vec!["a".to_owned(), "b".to_owned()], of_row: vec![Some(0), Some(group), None] };
        Subject::new(&instance, &[(feature, label.clone())], &[vec![rule]], 1, Some(&groups)).err()
    };
    assert_eq!(with(0, 0, 1), None);
    assert_eq!(with(1, 0, 1), Some(StudyError::OutOfRange { what: "feature", found: 1, n: 1 }));
    assert_eq!(with(0, 7, 1), Some(StudyError::OutOfRange { what: "literal", found: 7, n: 1 }));
    assert_eq!(with(0, 0, 2), Some(StudyError::OutOfRange { what: "group", found: 2, n: 2 }));
    assert_eq!(with(0, 0, 0), Some(StudyError::OneGroup(1)));
}

#[test]
fn the_97_rule_sets_are_as_they_are_known() {
    let path = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap())
        .join("../../../shared/data/compas/test-binary.csv");
    if !path.is_file() {
        println!("skipped: {} is not there", path.display());
        return;
    }
    let instance = crate::rashomon::read_instance(&path);
    let objective = Objective::new("1/100".parse().unwrap()).unwrap();
    let within = Within { include_empty: false, ..Within::new("2/5".parse().unwrap()) };
    let explorer = Explorer::new(&instance, &objective, &within).unwrap();
    let all = members(&explorer);
    assert_eq!(all.len(), 97);
    let literals: Vec<(u32, RowSet)> =
        instance.columns().iter().cloned().enumerate().map(|(at, rows)| (at as u32, rows)).collect();
    let rules: Vec<Vec<u32>> = (0..14).map(|rule| vec![rule]).collect();
    let male = instance.columns()[0].clone();
    let of_row = (0..721).map(|row| Some(u32::from(male.contains(row)))).collect();
    let groups = Groups { names: vec!["female".to_owned(), "male".to_owned()], of_row };
    let subject = Subject::new(&instance, &literals, &rules, 14, Some(&groups)).unwrap();
    let mut study = Study::new(&subject, &all[0], &[12, 1], 0);
    all.iter().for_each(|member| study.add(member));
    let found = study.finish();
    assert_eq!((found.some.len(), found.median_of, found.distinct_is_exact), (97, 97, true));
    assert_eq!(
        (found.ambiguity, found.discrepancy, found.distinct_predictions),
        ([276, 721], [223, 721], 62)
    );
    assert_eq!(found.together, (vec![12, 1], vec![vec![97, 48], vec![48, 48]]));
    let [low, high] = found.fairness[0].range.clone().unwrap();
    let ratio = |text: &str| text.parse::<Ratio>().unwrap();
    assert_eq!((low.value, high.value), (ratio("4384/41109"), ratio("8518/41109")));
    // Every set uses priors:>3, and errs more without it.
    assert!(found.reliance[12].low > 0.0 && found.reliance[0].high == 0.0);
    assert_eq!(found.share_of_row.len(), 721);
    let chosen = diverse(&subject, &all[0], &all, 4);
    assert_eq!((chosen.len(), chosen[1].differs_on), (4, 223));
}
