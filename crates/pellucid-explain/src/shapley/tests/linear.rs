//! Are values of linear models those of their games?

use pellucid_data::FeatureId;
use pellucid_models::{Linear, Link};

use super::forests::ensemble;
use super::*;
use crate::{Kind, Space};

/// A linear model, rows, and a background of features that depend on each other.
fn linear(seed: u64, n_features: usize, n_outputs: usize) -> (Ensemble, FeatureMatrix, Background) {
    let mut rng = Rng(seed);
    let mut number = || rng.below(2001) as f64 / 500.0 - 2.0;
    let base = (0..n_outputs).map(|_| number()).collect();
    let slopes: Vec<f64> =
        (0..n_outputs * n_features).map(|at| if at % 5 == 3 { 0.0 } else { number() }).collect();
    let mut model = ensemble(Vec::new(), n_features, base);
    model.linear = Linear::new(slopes, n_outputs, n_features);
    model.has_covers = false;
    let mut table = |n_rows: usize| {
        let mut columns: Vec<Vec<f64>> = Vec::new();
        for feature in 0..n_features {
            let own = (0..n_rows).map(|_| number());
            let before = columns.get(feature / 2).filter(|_| feature > 0);
            let column = match before {
                Some(before) => own.zip(before).map(|(own, before)| own + 0.7 * before).collect(),
                None => own.collect(),
            };
            columns.push(column);
        }
        FeatureMatrix::new(columns, n_rows, model.cast).unwrap()
    };
    let (rows, others) = (table(5), table(40));
    let weights = (0..40).map(|at| f64::from(at % 4)).collect();
    (model, rows, Background::new(others, Some(weights)).unwrap())
}

fn explained(model: &Ensemble, game: Game<'_>, how: How, rows: &FeatureMatrix) -> Attributions {
    let plan = plan_game(model, game, how, &Control::quiet()).unwrap();
    tree_shap(model, &plan, rows, &Control::quiet()).unwrap()
}

#[test]
fn slopes_times_distances_are_the_definition() {
    for seed in 0..40 {
        let (model, rows, background) = linear(seed, 1 + seed as usize % 7, 1 + seed as usize % 3);
        let game = Game::Background(&background);
        let oracle = explained(&model, game, How::new(Method::Definition, 1), &rows);
        let found = explained(&model, game, How::new(Method::Auto, 1), &rows);
        assert!(distance(&oracle, &found) < 1e-13 && found.worst_residual() < 1e-12, "seed {seed}");
        for row in 0..rows.n_rows() {
            let own = model.margin(|feature| rows.at(feature, row));
            found.margins(row).iter().zip(own).for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
        }
    }
}

#[test]
fn trees_and_slopes_together_are_the_definition() {
    for seed in 0..20 {
        let mut rng = Rng(seed);
        let shape = Shape { n_features: 5, depth: 4, n_trees: 3, n_outputs: 2, ..Shape::default() };
        let mut model = forest(&mut rng, shape);
        let (with, _, _) = linear(seed, 5, 2);
        model.linear = with.linear;
        let rows = rows_for(&mut rng, &model, 6);
        // Missing values have no slope.
        let whole = |rows: FeatureMatrix| {
            let columns = rows.columns().iter().map(|column| {
                column.iter().map(|x| if x.is_finite() { x.clamp(-9.0, 9.0) } else { 0.5 }).collect()
            });
            FeatureMatrix::new(columns.collect(), rows.n_rows(), model.cast).unwrap()
        };
        let rows = whole(rows);
        let background = Background::new(whole(rows_for(&mut rng, &model, 8)), None).unwrap();
        let game = Game::Background(&background);
        let oracle = explained(&model, game, How::new(Method::Definition, 1), &rows);
        let found = explained(&model, game, How::new(Method::Auto, 1), &rows);
        assert!(distance(&oracle, &found) < 1e-12, "seed {seed}: {:e}", distance(&oracle, &found));
        let pairs = plan_interactions(&model, game, How::new(Method::Auto, 1), &Control::quiet()).unwrap();
        let pairs = shap_interactions(&model, &pairs, &rows, &Control::quiet()).unwrap();
        let expected = definition::interactions_by_subsets(&model, game, &rows, &Control::quiet()).unwrap();
        let mut at = expected.iter();
        for row in 0..rows.n_rows() {
            for output in (0..2).map(OutputId::at) {
                for (one, other) in (0..5).flat_map(|one| (one + 1..5).map(move |other| (one, other))) {
                    let found = 2.0 * pairs.at(row, output, FeatureId::at(one), FeatureId::at(other));
                    assert!((found - at.next().unwrap()).abs() < 1e-11, "seed {seed}");
                }
            }
        }
    }
}

#[test]
fn probabilities_of_linear_models_are_explained() {
    for seed in 0..20 {
        let (mut model, rows, background) = linear(seed, 4, 1 + 2 * (seed as usize % 2));
        model.link = if model.base.len() == 1 {
            Link::Logistic { slope: 1.0 }
        } else {
            Link::OneVsRest { even: true }
        };
        let on = |space| How { space, ..How::new(Method::Auto, 1) };
        let exact = explained(&model, Game::Background(&background), on(Space::Probability), &rows);
        assert!(exact.worst_residual() < 1e-12 && exact.kind() == Kind::Shapley);
        let rescaled =
            plan_game(&model, Game::Background(&background), on(Space::Rescaled), &Control::quiet());
        if model.base.len() > 1 {
            assert_eq!(rescaled.unwrap_err(), PlanError::ClassesTogether);
            continue;
        }
        let rescaled = tree_shap(&model, &rescaled.unwrap(), &rows, &Control::quiet()).unwrap();
        assert!(rescaled.worst_residual() < 1e-6, "{:e}", rescaled.worst_residual());
    }
}

#[test]
fn correlated_features_share_as_the_definition_says() {
    for seed in 0..40 {
        let (model, rows, background) = linear(seed, 1 + seed as usize % 7, 1 + seed as usize % 2);
        let game = Game::Correlated(&background);
        let oracle = definition::by_subsets(&model, game, Space::Margin, &rows, &Control::quiet()).unwrap();
        let found = explained(&model, game, How::new(Method::Auto, 1), &rows);
        assert!(distance(&oracle, &found) < 1e-11, "seed {seed}: {:e}", distance(&oracle, &found));
        assert!(found.worst_residual() < 1e-11 && found.game() == "correlation-dependent");
    }
}

/// Columns of a background, and a model with these slopes.
fn by_columns(columns: Vec<Vec<f64>>, slopes: Vec<f64>) -> (Ensemble, Background) {
    let (n, n_rows) = (slopes.len(), columns[0].len());
    let mut model = ensemble(Vec::new(), n, vec![0.5]);
    model.linear = Linear::new(slopes, 1, n);
    let rows = FeatureMatrix::new(columns, n_rows, model.cast).unwrap();
    (model, Background::new(rows, None).unwrap())
}

#[test]
fn independent_features_are_not_changed_by_their_correlations() {
    // All combinations of three values each: no correlations.
    let all = |feature: u32| (0..27_u32).map(|at| f64::from(at / 3_u32.pow(feature) % 3)).collect();
    let (model, background) = by_columns((0..3).map(all).collect(), vec![1.0, -2.0, 0.25]);
    let rows = background.rows();
    let correlated = explained(&model, Game::Correlated(&background), How::new(Method::Auto, 1), rows);
    let plain = explained(&model, Game::Background(&background), How::new(Method::Auto, 1), rows);
    assert!(distance(&correlated, &plain) < 1e-14);
}

#[test]
fn features_that_say_the_same_share_alike_and_constants_say_nothing() {
    let one: Vec<f64> = (0..20).map(|at| f64::from(at * at % 7)).collect();
    let scaled = one.iter().map(|x| 3.0 * x - 1.0).collect();
    let (model, background) = by_columns(vec![one.clone(), scaled, vec![4.0; 20]], vec![2.0, 0.0, 1.0]);
    let found =
        explained(&model, Game::Correlated(&background), How::new(Method::Auto, 1), background.rows());
    let mean = one.iter().sum::<f64>() / 20.0;
    for (row, x) in one.iter().enumerate() {
        let values = found.values(row, OutputId::at(0));
        // Half of 2 (x - mean) each, though only one of them has a slope.
        for value in &values[..2] {
            assert!((value - (x - mean)).abs() < 1e-6, "row {row}: {values:?}");
        }
        assert_eq!(values[2], 0.0);
    }
    // A row that breaks the law: it still adds up.
    let odd = FeatureMatrix::new(vec![vec![2.0], vec![2.0], vec![5.0]], 1, model.cast).unwrap();
    let found = explained(&model, Game::Correlated(&background), How::new(Method::Auto, 1), &odd);
    assert!(found.worst_residual() < 1e-6, "{:e}", found.worst_residual());
    assert_eq!(found.values(0, OutputId::at(0))[2], 1.0);
}

#[test]
fn a_constant_is_one_in_many_rows_too() {
    let n = 30_000;
    let noise = |at: usize, step: usize| ((at * step) % 1009) as f64 / 1009.0;
    let columns = vec![
        (0..n).map(|at| noise(at, 7)).collect(),
        vec![0.1; n],
        (0..n).map(|at| noise(at, 7) + noise(at, 311)).collect(),
    ];
    let (model, background) = by_columns(columns, vec![1.0, 3.0, -1.0]);
    let rows = FeatureMatrix::new(vec![vec![0.3], vec![1.1], vec![0.9]], 1, model.cast).unwrap();
    let found = explained(&model, Game::Correlated(&background), How::new(Method::Auto, 1), &rows);
    let values = found.values(0, OutputId::at(0));
    assert!((values[1] - 3.0).abs() < 1e-12, "{values:?}");
    let (without, background) = by_columns(
        vec![background.rows().columns()[0].clone(), background.rows().columns()[2].clone()],
        vec![1.0, -1.0],
    );
    let rows = FeatureMatrix::new(vec![vec![0.3], vec![0.9]], 1, without.cast).unwrap();
    let alone = explained(&without, Game::Correlated(&background), How::new(Method::Auto, 1), &rows);
    let alone = alone.values(0, OutputId::at(0));
    assert!((values[0] - alone[0]).abs() < 1e-12 && (values[2] - alone[1]).abs() < 1e-12);
}

#[test]
fn nearly_the_same_is_not_the_same() {
    for e in [1e-2, 4e-4, 1e-4] {
        let noise = |at: usize, step: usize| ((at * step) % 97) as f64 / 97.0 - 0.5;
        let (a, b): (Vec<f64>, Vec<f64>) = (0..97).map(|at| (noise(at, 7), noise(at, 31))).unzip();
        let both = (0..97).map(|at| a[at] + b[at] + e * noise(at, 53)).collect();
        let (model, background) = by_columns(vec![a, b, both], vec![1.0, -2.0, 0.5]);
        let rows = FeatureMatrix::new(vec![vec![0.2], vec![0.1], vec![0.3 + e]], 1, model.cast).unwrap();
        let game = Game::Correlated(&background);
        let oracle = definition::by_subsets(&model, game, Space::Margin, &rows, &Control::quiet()).unwrap();
        let found = explained(&model, game, How::new(Method::Auto, 1), &rows);
        assert!(distance(&oracle, &found) < 1e-6, "{e}: {:e}", distance(&oracle, &found));
        let plan = plan_game(&model, game, How::new(Method::Auto, 1), &Control::quiet()).unwrap();
        assert_eq!(plan.summary().n_determined, 0);
    }
}

#[test]
fn what_linear_models_have_not_is_said() {
    let (model, _, background) = linear(3, 4, 1);
    assert_eq!(plan(&model, Method::Auto, 1).unwrap_err(), PlanError::LinearNeedsBackground);
    let game = Game::Correlated(&background);
    let refused = |how: How| plan_game(&model, game, how, &Control::quiet()).unwrap_err();
    assert_eq!(refused(How::new(Method::Tables, 1)), PlanError::CorrelatedValuesOnly);
    assert_eq!(
        plan_interactions(&model, game, How::new(Method::Auto, 1), &Control::quiet()).unwrap_err(),
        PlanError::CorrelatedValuesOnly
    );
    let (many, _, background) = linear(3, 21, 1);
    let wide = plan_game(&many, Game::Correlated(&background), How::new(Method::Auto, 1), &Control::quiet());
    assert_eq!(wide.unwrap_err(), PlanError::TooManyCorrelated { found: 21, outputs: 1 });
    let trees = forest(&mut Rng(1), Shape::default());
    let rows = Background::new(rows_for(&mut Rng(2), &trees, 5), None).unwrap();
    let of_trees = plan_game(&trees, Game::Correlated(&rows), How::new(Method::Auto, 1), &Control::quiet());
    assert_eq!(of_trees.unwrap_err(), PlanError::NotLinear);
}

#[test]
fn means_and_covariances_stand_for_rows() {
    for seed in 0..20 {
        let n_features = 1 + seed as usize % 6;
        let (model, rows, seen) = linear(seed, n_features, 2);
        let features: Vec<FeatureId> = (0..n_features).map(FeatureId::at).collect();
        let means: Vec<f64> = features.iter().map(|&feature| seen.mean(feature)).collect();
        let far = |feature: FeatureId, row| seen.rows().at(feature, row) - means[feature.index()];
        let both = |a: FeatureId, b: FeatureId| seen.mean_of(|row| far(a, row) * far(b, row));
        let mut covariances: Vec<f64> = features
            .iter()
            .flat_map(|&a| features.iter().map(move |&b| (a, b)))
            .map(|(a, b)| both(a, b))
            .collect();
        let told = Background::from_moments(&means, &covariances).unwrap();
        for (&feature, mean) in features.iter().zip(&means) {
            assert!((told.mean(feature) - mean).abs() < 1e-15);
        }
        for (seen, told) in [
            (Game::Correlated(&seen), Game::Correlated(&told)),
            (Game::Background(&seen), Game::Background(&told)),
        ] {
            let [seen, told] =
                [seen, told].map(|game| explained(&model, game, How::new(Method::Auto, 1), &rows));
            assert!(distance(&seen, &told) < 1e-10, "seed {seed}: {:e}", distance(&seen, &told));
        }
        if n_features > 1 {
            covariances[1] += 1e-3;
            let wrong = BackgroundError::NoCovariances { row: 1, column: 0 };
            assert_eq!(Background::from_moments(&means, &covariances).unwrap_err(), wrong);
        }
    }
}

#[test]
fn covariances_of_features_that_say_the_same_are_some() {
    let background =
        Background::from_moments(&[1.0, 2.0, 3.0], &[4.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    assert_eq!([0, 1, 2].map(|at| background.mean(FeatureId::at(at))), [1.0, 2.0, 3.0]);
    let refused =
        |means: &[f64], covariances: &[f64]| Background::from_moments(means, covariances).unwrap_err();
    assert_eq!(refused(&[], &[]), BackgroundError::NoRows);
    assert_eq!(refused(&[0.0], &[]), BackgroundError::Shape { means: 1, covariances: 0 });
    assert_eq!(refused(&[0.0], &[-1.0]), BackgroundError::NoCovariances { row: 0, column: 0 });
    assert_eq!(
        refused(&[0.0; 2], &[1.0, 2.0, 2.0, 1.0]),
        BackgroundError::NoCovariances { row: 1, column: 1 }
    );
    assert!(matches!(refused(&[f64::NAN], &[1.0]), BackgroundError::Infinite { .. }));
}
