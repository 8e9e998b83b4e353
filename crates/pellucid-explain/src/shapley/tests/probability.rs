//! Do values of the probability add up to it, and is what is rescaled what shap rescales?

use pellucid_models::Link;

use super::*;
use crate::{Kind, Space};

fn on(model: &Ensemble, background: &Background, rows: &FeatureMatrix, space: Space) -> Attributions {
    let how = How { space, ..How::new(Method::Auto, rows.n_rows()) };
    let plan = plan_game(model, Game::Background(background), how, &Control::quiet()).unwrap();
    tree_shap(model, &plan, rows, &Control::quiet()).unwrap()
}

fn logistic(
    seed: u64,
    n_features: usize,
    link: Link,
    n_outputs: usize,
) -> (Ensemble, FeatureMatrix, Background) {
    let mut rng = Rng(seed);
    let shape = Shape { n_features, depth: 3, n_trees: 3, n_outputs, ..Shape::default() };
    let mut model = forest(&mut rng, shape);
    model.link = link;
    let rows = rows_for(&mut rng, &model, 6);
    let background =
        Background::new(rows_for(&mut rng, &model, 5), Some(vec![1.0, 2.0, 0.0, 0.5, 1.0])).unwrap();
    (model, rows, background)
}

#[test]
fn values_of_the_probability_add_up_to_it_and_rescaled_ones_do_too() {
    for seed in 0..30 {
        for (link, k) in
            [(Link::Logistic { slope: 1.5 }, 1), (Link::Logistic { slope: 1.0 }, 2), (Link::Softmax, 3)]
        {
            let (model, rows, background) = logistic(seed, 4, link, k);
            let exact = on(&model, &background, &rows, Space::Probability);
            assert!(exact.worst_residual() < 1e-12 && exact.kind() == Kind::Shapley);
            for row in 0..rows.n_rows() {
                let margins = model.margin(|feature| rows.at(feature, row));
                assert_eq!(exact.margins(row), model.predictions(&margins));
            }
            if link == Link::Softmax {
                continue;
            }
            let rescaled = on(&model, &background, &rows, Space::Rescaled);
            assert!(
                rescaled.worst_residual() < 1e-6 && rescaled.kind() == Kind::Rescaled,
                "{:e}",
                rescaled.worst_residual()
            );
            for output in (0..k).map(OutputId::at) {
                assert!((rescaled.base(output) - exact.base(output)).abs() < 1e-12);
            }
        }
    }
}

/// The rule as it is written: pair by pair, with the values of that pair.
#[test]
fn rescaled_values_are_those_of_the_rule() {
    for seed in 0..20 {
        let (model, rows, background) = logistic(seed, 5, Link::Logistic { slope: 1.0 }, 1);
        let found = on(&model, &background, &rows, Space::Rescaled);
        let g = |m: f64| 1.0 / (1.0 + (-m).exp());
        let mut expected = vec![0.0; rows.n_rows() * 5];
        for (at, weight) in background.weights().iter().enumerate() {
            let alone = Background::new(background.rows().slice(at..at + 1), None).unwrap();
            let pair = definition::by_row_pairs(&model, &alone, &rows);
            for row in 0..rows.n_rows() {
                let (own, other) = (pair.margins(row)[0], pair.base(OutputId::at(0)));
                if own == other {
                    continue;
                }
                let slope = (g(own) - g(other)) / (own - other);
                for (feature, value) in pair.values(row, OutputId::at(0)).iter().enumerate() {
                    expected[row * 5 + feature] += weight / background.total() * slope * value;
                }
            }
        }
        for row in 0..rows.n_rows() {
            for (ours, theirs) in found.values(row, OutputId::at(0)).iter().zip(&expected[row * 5..]) {
                assert!((ours - theirs).abs() < 1e-6, "seed {seed}, row {row}: {ours} for {theirs}");
            }
        }
    }
}

/// With one feature there is nothing to share: both ways give the change of the probability.
#[test]
fn one_feature_gets_the_whole_change() {
    let (model, rows, background) = logistic(7, 1, Link::Logistic { slope: 1.0 }, 1);
    for space in [Space::Probability, Space::Rescaled] {
        let found = on(&model, &background, &rows, space);
        for row in 0..rows.n_rows() {
            let change = found.margins(row)[0] - found.base(OutputId::at(0));
            assert!((found.values(row, OutputId::at(0))[0] - change).abs() < 1e-6);
        }
    }
}

#[test]
fn what_has_no_probability_says_why() {
    let (mut model, _, background) = logistic(1, 4, Link::Logistic { slope: 1.0 }, 1);
    let fails = |model: &Ensemble, game: Game<'_>, method: Method, space: Space| {
        plan_game(model, game, How { space, ..How::new(method, 5) }, &Control::quiet()).unwrap_err()
    };
    let game = Game::Background(&background);
    assert_eq!(
        fails(&model, Game::PathDependent, Method::Auto, Space::Probability),
        PlanError::SpaceNeedsBackground
    );
    assert!(matches!(fails(&model, game, Method::Tables, Space::Probability), PlanError::OtherSpace { .. }));
    assert!(matches!(fails(&model, game, Method::Definition, Space::Rescaled), PlanError::OtherSpace { .. }));
    model.link = Link::Identity;
    assert_eq!(fails(&model, game, Method::Auto, Space::Probability), PlanError::NoProbabilities);
    model.link = Link::Softmax;
    assert_eq!(fails(&model, game, Method::Auto, Space::Rescaled), PlanError::ClassesTogether);
    let (wide, rows, _) = logistic(3, 30, Link::Logistic { slope: 1.0 }, 1);
    let all = Background::new(rows, None).unwrap();
    let mut wide = wide;
    let mut rng = Rng(5);
    wide.trees
        .extend(forest(&mut rng, Shape { n_features: 30, depth: 6, n_trees: 6, ..Shape::default() }).trees);
    assert!(matches!(
        fails(&wide, Game::Background(&all), Method::Auto, Space::Probability),
        PlanError::TooManyAnswers { .. }
    ));
}
