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

#[test]
fn the_97_rule_sets_are_as_they_are_known() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/compas/test-binary.csv");
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
    let mut study = Study::new(&subject, &all[0], &[12, 1]);
    all.iter().for_each(|member| study.add(member));
    let found = study.finish(&all[0]);
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
