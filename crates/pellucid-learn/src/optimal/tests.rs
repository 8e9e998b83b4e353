//! The optimum against the definition.

use proptest::prelude::*;

use super::*;
use crate::definition::rashomon_set;
use crate::rashomon::instances;
use crate::{Searching, Within};
use pellucid_data::Ratio;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_optimum_is_that_of_the_definition((instance, objective, _) in instances(), max_size in prop::option::of(1_usize..4), most in prop::option::of(1_u64..6), group in prop::collection::vec(0_u32..8, 0..3), not_empty: bool) {
        let n = instance.n_rules() as u32;
        let required: Vec<Vec<u32>> = if group.is_empty() { vec![] } else { vec![group.into_iter().map(|rule| rule % n).collect()] };
        let counts: Vec<u32> = (0..n).map(|rule| 1 + rule % 3).collect();
        let constraints = Constraints { max_size, required, budget: most.map(|most| (counts, most)), not_empty };
        let everything = rashomon_set(&instance, &objective, &Within::new(Ratio::whole(1000))).unwrap();
        let allowed: Vec<_> = everything.into_iter().filter(|set| learn::allows(&constraints, &set.rules)).collect();
        let found = learn(&instance, &objective, &constraints, &Searching::quiet(), &mut |_| {});
        let Some(best) = allowed.first() else {
            prop_assert!(found.is_err());
            return Ok(());
        };
        let found = found.unwrap();
        prop_assert!(found.is_proven());
        prop_assert_eq!(found.objective, best.objective);
        prop_assert_eq!(&found.rules, &best.rules);
        let ties = allowed.iter().filter(|set| set.objective == best.objective).count();
        prop_assert_eq!(found.n_optimal, Some(ties as u64));
    }

    #[test]
    fn a_search_that_stops_early_tells_the_truth((instance, objective, _) in instances(), most_nodes in 1_u64..40) {
        let best = rashomon_set(&instance, &objective, &Within::new(Ratio::whole(1000))).unwrap()[0].objective;
        let searching = Searching { most_nodes: Some(most_nodes), ..Searching::quiet() };
        let found = learn(&instance, &objective, &Constraints::default(), &searching, &mut |_| {}).unwrap();
        prop_assert!(found.lower_bound <= best && best <= found.objective);
    }
}
