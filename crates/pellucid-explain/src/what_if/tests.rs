use pellucid_data::control::Control;
use pellucid_models::trees::{Ensemble, FeatureKind, FeatureMatrix, InputCast};
use pellucid_models::{Predict as _, Scale};

use super::reach::candidates;
use super::*;

/// A model of people's incomes, with 12 features of which some are categories.
fn adult() -> (Ensemble, FeatureMatrix) {
    pellucid_fixtures::tour("adult-lightgbm.txt")
}

fn row_of(rows: &FeatureMatrix, row: usize) -> Vec<f64> {
    rows.columns().iter().map(|column| column[row]).collect()
}

fn first(margins: &[f64]) -> f64 {
    margins[0]
}

#[test]
fn no_value_of_the_domain_does_more_than_a_reach_says() {
    let (model, rows) = adult();
    let domains = domains(&model, &rows);
    let decision = Decision { answer: &first, cut: Some(0.0) };
    let mut n_turns = 0;
    for (number, constraint) in
        [(0, Constraint::Free), (7, Constraint::Up), (40, Constraint::Down), (99, Constraint::Held)]
    {
        let row = row_of(&rows, number);
        let constraints = vec![constraint; row.len()];
        let found = reaches(&model, &row, &domains, &constraints, decision, &Control::quiet()).unwrap();
        for (feature, reach) in found.iter().enumerate() {
            let is_level = matches!(model.features[feature].kind, FeatureKind::Level { .. });
            // By the definition: many values, each alone.
            let tried: Vec<f64> = match &domains[feature].values {
                Values::Nothing => Vec::new(),
                Values::Categories { seen } => seen.iter().filter(|own| own.1 > 0).map(|own| own.0).collect(),
                Values::Numbers { low, high, whole, .. } => {
                    let all = (0..=3000).map(|at| low + (high - low) * f64::from(at) / 3000.0);
                    all.map(|x| if *whole { x.round() } else { x }).collect()
                }
            };
            let allowed = |x: &f64| {
                if is_level && constraint != Constraint::Free {
                    *x == row[feature]
                } else {
                    constraint.allows(row[feature], *x)
                }
            };
            let mut nearest_turn = f64::INFINITY;
            for x in tried.into_iter().filter(allowed) {
                let mut other = row.clone();
                other[feature] = x;
                let answer = model.margin(|id| other[id.index()]);
                assert!(
                    reach.low.answer <= answer[0] + 1e-5 && answer[0] <= reach.high.answer + 1e-5,
                    "feature {feature} at {x}"
                );
                let now = model.margin(|id| row[id.index()])[0];
                if (answer[0] >= 0.0) != (now >= 0.0) {
                    nearest_turn = nearest_turn.min((x - row[feature]).abs());
                }
            }
            assert_eq!(nearest_turn.is_finite(), reach.turn.is_some(), "feature {feature} of row {number}");
            let is_whole = matches!(domains[feature].values, Values::Numbers { whole: true, low, high, .. } if high - low < 3000.0);
            if let Some(turn) = reach.turn.filter(|_| is_whole) {
                assert_eq!(
                    (turn.value - row[feature]).abs(),
                    nearest_turn,
                    "feature {feature} of row {number}"
                );
            }
            if let Some(turn) = reach.turn {
                n_turns += 1;
                let mut other = row.clone();
                other[feature] = turn.value;
                assert!(
                    (model.margin(|id| other[id.index()])[0] >= 0.0)
                        != (model.margin(|id| row[id.index()])[0] >= 0.0)
                );
                assert!(allowed(&turn.value));
            }
        }
        if constraint == Constraint::Held {
            assert!(found.iter().all(|reach| reach.low == reach.high && reach.turn.is_none()));
        }
    }
    assert!(n_turns > 3, "only {n_turns} turns were compared");
}

#[test]
fn near_rows_are_those_of_the_definition() {
    let (model, rows) = adult();
    let domains = domains(&model, &rows);
    let row = row_of(&rows, 5);
    let margins = model.predict(&rows, Scale::Margin);
    for constraint in [Constraint::Free, Constraint::Up] {
        let mut constraints = vec![Constraint::Free; row.len()];
        constraints[0] = constraint;
        let accept = |at: usize| at != 5 && margins[at] > 0.0;
        let found = nearest(&rows, &row, &domains, &constraints, 4, accept);
        // One row after the other, feature by feature.
        let distance = |at: usize| {
            let of = |feature: usize| {
                let (a, b) = (row[feature], rows.columns()[feature][at]);
                match domains[feature].values {
                    Values::Numbers { low, high, .. } if !a.is_nan() && !b.is_nan() => {
                        (a - b).abs() / (high - low)
                    }
                    _ => f64::from(u8::from(!(a == b || a.is_nan() && b.is_nan()))),
                }
            };
            (0..row.len()).map(of).sum::<f64>() / row.len() as f64
        };
        let mut all: Vec<(f64, usize)> = (0..rows.n_rows())
            .filter(|&at| accept(at) && constraints[0].allows(row[0], rows.columns()[0][at]))
            .map(|at| (distance(at), at))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        assert!(all.len() > 4);
        for (near, expected) in found.iter().zip(&all) {
            assert_eq!(near.row, expected.1);
            assert!((near.distance - expected.0).abs() < 1e-12);
        }
        assert_eq!(found.len(), 4);
    }
}

#[test]
fn values_that_are_put_in_are_written_with_few_digits() {
    let (model, rows) = adult();
    let domains = domains(&model, &rows);
    let row = row_of(&rows, 3);
    let decision = Decision { answer: &first, cut: None };
    let free = vec![Constraint::Free; row.len()];
    for (feature, reach) in
        reaches(&model, &row, &domains, &free, decision, &Control::quiet()).unwrap().iter().enumerate()
    {
        if let Values::Numbers { low, high, whole: true, .. } = domains[feature].values {
            for value in [reach.low.value, reach.high.value] {
                assert!(value.fract() == 0.0 && (low..=high).contains(&value), "{value}");
            }
        }
    }
}

/// Codes have no order: what none of the trees asks for alone may still be the lowest, and what rises is not allowed.
#[test]
fn codes_without_names_are_categories() {
    for (folder, name) in
        [("lightgbm-4.7.0", "cat-codes-few.txt"), ("xgboost-3.4.1", "cat-codes-partition.json")]
    {
        let case =
            pellucid_fixtures::cases(folder).into_iter().find(|case| case.name.ends_with(name)).unwrap();
        let (model, rows) = (&case.model, &case.rows);
        let domains = domains(model, rows);
        let feature = model.features.iter().position(|feature| feature.kind == FeatureKind::Code).unwrap();
        let Values::Categories { seen } = &domains[feature].values else { panic!("{:?}", domains[feature]) };
        let column = &rows.columns()[feature];
        assert_eq!(
            seen.iter().map(|own| own.1).sum::<usize>(),
            column.iter().filter(|x| x.is_finite()).count()
        );
        assert!(seen.len() > 2 && seen.is_sorted_by(|a, b| a.0 < b.0), "{seen:?}");
        let decision = Decision { answer: &first, cut: None };
        let row = row_of(rows, 0);
        let mut constraints = vec![Constraint::Free; row.len()];
        let free =
            reaches(model, &row, &domains, &constraints, decision, &Control::quiet()).unwrap()[feature];
        let missing = (domains[feature].n_missing > 0).then_some(f64::NAN);
        let answer =
            |code: f64| model.margin(|id| if id.index() == feature { code } else { row[id.index()] })[0];
        let all: Vec<f64> = seen.iter().map(|own| own.0).chain(missing).map(answer).collect();
        let ends =
            all.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &x| [low.min(x), high.max(x)]);
        // The library's own sum is of 32 bits.
        let is_near = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(
            is_near(free.low.answer, ends[0]) && is_near(free.high.answer, ends[1]),
            "{name}: {free:?}, {ends:?}"
        );
        assert!(ends[0] < ends[1], "{name}");
        constraints[feature] = Constraint::Up;
        let held =
            reaches(model, &row, &domains, &constraints, decision, &Control::quiet()).unwrap()[feature];
        assert_eq!((held.low, held.high), (held.low, held.low), "{name}: a code can't rise");
    }
}

#[test]
fn a_piece_that_rounding_nearly_closes_is_still_tried() {
    let (model, _) = pellucid_fixtures::tour("adult-xgboost.ubj");
    assert_eq!(model.cast, InputCast::F32);
    let values =
        Values::Numbers { low: 0.0, high: 1.0, whole: false, grid: vec![0.0, 1.0], counts: Vec::new() };
    let domain = Domain { values, n_missing: 0 };
    // Of numbers of 32 bits the next after 0.7 (which is less than that) is 0.70000005.
    let only = f64::from(0.7_f32.next_up());
    let cuts = [0.7_f64.next_up(), only.next_up()];
    let found = candidates(&cuts, 0.2, &domain, Constraint::Free, &model);
    assert!(found.iter().any(|&x| model.cast.apply(x) == only), "{found:?}");
    // Between these two none is left.
    let cuts = [0.7_f64.next_up(), 0.700_000_01];
    let found = candidates(&cuts, 0.2, &domain, Constraint::Free, &model);
    assert!(found.iter().all(|&x| !(cuts[0]..cuts[1]).contains(&model.cast.apply(x))), "{found:?}");
}
