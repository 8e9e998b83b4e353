//! The background game: all ways agree, and with the definition.

use pellucid_data::{FeatureId, NodeId};
use pellucid_models::trees::node::{SourceKind, SourceNode};
use pellucid_models::trees::{InputCast, Node, Side, Tree};

use super::forests::{Rng, Shape, ensemble, forest, rows_for};
use super::*;

fn explained(
    model: &Ensemble,
    background: &Background,
    rows: &FeatureMatrix,
    method: Method,
    expected_rows: usize,
) -> Attributions {
    let plan =
        plan_game(model, Game::Background(background), How::new(method, expected_rows), &Control::quiet())
            .unwrap();
    tree_shap(model, &plan, rows, &Control::quiet()).unwrap()
}

fn check_all_ways(seed: u64, shape: Shape, n_background: usize) {
    let mut rng = Rng(seed);
    let model = forest(&mut rng, shape);
    let rows = rows_for(&mut rng, &model, 5);
    let weights = (0..n_background).map(|at| if at == 1 { 0.0 } else { rng.unit() + 0.1 }).collect();
    let others = rows_for(&mut rng, &model, n_background);
    let background = Background::new(others, Some(weights)).unwrap();
    let oracle = explained(&model, &background, &rows, Method::Definition, 1);
    assert!(oracle.worst_residual() < 1e-11);
    let mut ways = vec![("by pairs of rows", definition::by_row_pairs(&model, &background, &rows))];
    for (name, method, expected) in [
        ("tables, few rows", Method::Tables, 1),
        ("tables, many rows", Method::Tables, 1 << 30),
        ("pairs", Method::Pairs, 1),
        ("auto, one row", Method::Auto, 1),
        ("auto, many rows", Method::Auto, 100_000),
    ] {
        ways.push((name, explained(&model, &background, &rows, method, expected)));
    }
    for (name, way) in ways {
        let off = distance(&oracle, &way);
        assert!(off < 1e-12, "{name} is off by {off:e} (seed {seed}, {shape:?})");
        assert!(way.worst_residual() < 1e-11, "{name} leaves {:e}", way.worst_residual());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_way_is_the_definition(seed in any::<u64>(), n_features in 1usize..7, depth in 0usize..7, n_outputs in 1usize..4, n in 1_usize..6) {
        check_all_ways(seed, Shape { n_features, depth, n_trees: 3, n_outputs, ..Shape::default() }, n);
    }

    #[test]
    fn every_way_is_the_definition_for_vector_leaves(seed in any::<u64>(), depth in 0usize..5, n in 1_usize..6) {
        check_all_ways(seed, Shape { n_features: 4, depth, n_trees: 2, n_outputs: 3, vector_leaves: true, ..Shape::default() }, n);
    }
}

#[test]
fn long_paths_and_large_backgrounds_agree_three_ways() {
    for d in [1, 8, 12, 13, 16, 17, 40, 64] {
        let mut rng = Rng(d as u64);
        let model = forests::chain(&mut rng, d);
        let rows = rows_for(&mut rng, &model, 9);
        // More rows than a block, so that counts are merged.
        let background = Background::new(rows_for(&mut rng, &model, 1500), None).unwrap();
        let slow = definition::by_row_pairs(&model, &background, &rows);
        let pairs = explained(&model, &background, &rows, Method::Pairs, 1);
        assert!(distance(&slow, &pairs) < 1e-12, "pairs at d = {d}: {:e}", distance(&slow, &pairs));
        if d <= tables::MAX_BITS {
            let tables = explained(&model, &background, &rows, Method::Tables, 1 << 20);
            assert!(distance(&slow, &tables) < 1e-12, "tables at d = {d}");
        }
        let both = explained(&model, &background, &rows, Method::Auto, 1 << 20);
        assert!(distance(&slow, &both) < 1e-12, "auto at d = {d}");
    }
    let model = forests::chain(&mut Rng(1), 65);
    let background = Background::new(rows_for(&mut Rng(2), &model, 3), None).unwrap();
    let refused =
        plan_game(&model, Game::Background(&background), How::new(Method::Auto, 1), &Control::quiet())
            .unwrap_err();
    assert_eq!(refused, PlanError::PathTooLongForPatterns { tree: 0 });
}

#[test]
fn a_background_is_the_average_of_its_rows_and_a_copy_is_a_weight() {
    let mut rng = Rng(11);
    let model =
        forest(&mut rng, Shape { n_features: 6, depth: 6, n_trees: 5, n_outputs: 2, ..Shape::default() });
    let rows = rows_for(&mut rng, &model, 8);
    let others = rows_for(&mut rng, &model, 7);
    let all = Background::new(others.clone(), None).unwrap();
    let together = explained(&model, &all, &rows, Method::Auto, 100);
    for output in (0..2).map(OutputId::at) {
        for row in 0..8 {
            for feature in (0..6).map(FeatureId::at) {
                let of = |at: usize| {
                    let one = Background::new(others.slice(at..at + 1), None).unwrap();
                    explained(&model, &one, &rows, Method::Auto, 100).value(row, output, feature)
                };
                let mean = (0..7).map(of).sum::<f64>() / 7.0;
                assert!((together.value(row, output, feature) - mean).abs() < 1e-12);
            }
        }
    }
    let mut twice = others.clone();
    twice.append(others.slice(2..3));
    let copied = Background::new(twice, None).unwrap();
    let weighted = Background::new(others, Some(vec![1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0])).unwrap();
    let both = [&copied, &weighted].map(|background| explained(&model, background, &rows, Method::Auto, 100));
    assert!(distance(&both[0], &both[1]) < 1e-13);
}

/// The same tree with covers as the rows give them.
fn recounted(tree: &Tree, n_features: usize, rows: &FeatureMatrix) -> Tree {
    let mut covers = vec![0.0; tree.nodes().len()];
    for row in 0..rows.n_rows() {
        let mut at = NodeId(0);
        loop {
            covers[at.index()] += 1.0;
            let Node::Split(split) = &tree.nodes()[at.index()] else { break };
            at = split.child(split.side(rows.at(split.feature, row), tree.sets()));
        }
    }
    let look = |at: u32| {
        let what = match &tree.nodes()[at as usize] {
            Node::Leaf(leaf) => SourceKind::Leaf(tree.leaf_values(*leaf).to_vec()),
            Node::Split(split) => SourceKind::Split {
                feature: split.feature.index() as i64,
                test: split.test,
                missing: split.missing,
                yes: i64::from(split.child(Side::Yes).0),
                no: i64::from(split.child(Side::No).0),
            },
        };
        Ok(SourceNode { cover: covers[at as usize], what })
    };
    let width = tree.leaf_values(0).len();
    Tree::build(tree.nodes().len(), n_features, width, tree.target(), tree.sets().to_vec(), look).unwrap()
}

#[test]
fn with_independent_features_both_games_are_one() {
    for seed in 0..40 {
        let mut rng = Rng(seed);
        let model = forest(&mut rng, Shape { n_features: 4, depth: 4, n_trees: 2, ..Shape::default() });
        // All combinations of a few values a feature: independent by construction.
        let values: Vec<Vec<f64>> = (0..4)
            .map(|_| {
                (0..5)
                    .map(|_| rng.below(9) as f64 - 4.0 + if rng.below(2) == 0 { 0.5 } else { 0.0 })
                    .collect()
            })
            .collect();
        let cell = |feature: usize, row: usize| values[feature][row / 5_usize.pow(feature as u32) % 5];
        let columns = (0..4).map(|feature| (0..625).map(|row| cell(feature, row)).collect()).collect();
        let grid = FeatureMatrix::new(columns, 625, InputCast::F64).unwrap();
        let trees: Vec<Tree> = model.trees.iter().map(|tree| recounted(tree, 4, &grid)).collect();
        assert_eq!(model.recounted(&grid).trees, trees, "seed {seed}");
        let model = ensemble(trees, 4, vec![0.5]);
        // Rows of the grid only: where no row of the grid came, covers know nothing.
        let rows = grid.slice(100..110);
        let background = Background::new(grid, None).unwrap();
        let there = explained(&model, &background, &rows, Method::Auto, 100);
        let here = run(&model, &rows, Method::Auto, 100);
        assert!(distance(&there, &here) < 1e-9, "seed {seed}: {:e}", distance(&there, &here));
    }
}

#[test]
fn backgrounds_that_make_no_sense_are_refused() {
    let model = forest(&mut Rng(1), Shape::default());
    let rows = |n| rows_for(&mut Rng(2), &model, n);
    let refused = |n, weights| Background::new(rows(n), weights).unwrap_err();
    assert_eq!(refused(0, None), BackgroundError::NoRows);
    assert_eq!(refused(2, Some(vec![1.0])), BackgroundError::Lengths { rows: 2, weights: 1 });
    assert_eq!(refused(2, Some(vec![1.0, -1.0])), BackgroundError::Weight { row: 1, weight: -1.0 });
    assert_eq!(refused(1, Some(vec![0.0])), BackgroundError::NoWeight);
    let background = Background::new(rows(2), None).unwrap();
    let other = |game, method| plan_game(&model, game, How::new(method, 1), &Control::quiet()).unwrap_err();
    let wrong = PlanError::OtherGame { method: "quadrature", game: "background" };
    assert_eq!(other(Game::Background(&background), Method::Quadrature), wrong);
    let wrong = PlanError::OtherGame { method: "pairs", game: "path-dependent" };
    assert_eq!(other(Game::PathDependent, Method::Pairs), wrong);
}

#[test]
fn asking_to_stop_stops_while_a_background_is_folded() {
    struct Stop;
    impl crate::Watch for Stop {
        fn should_stop(&self) -> bool {
            true
        }
    }
    let model = forest(&mut Rng(1), Shape::default());
    let background = Background::new(rows_for(&mut Rng(2), &model, 2), None).unwrap();
    let stopped = plan_game(
        &model,
        Game::Background(&background),
        How::new(Method::Auto, 1),
        &Control { watch: &Stop, ..Control::quiet() },
    )
    .unwrap_err();
    assert_eq!(stopped, PlanError::Stopped);
}

#[test]
fn the_axioms_hold() {
    // Every feature has the same values, so that renaming features changes no background.
    let explain = |model: &Ensemble, rows: &FeatureMatrix| {
        let column: Vec<f64> = (0..9).map(|at| f64::from(at) - 4.0).chain([f64::NAN]).collect();
        let columns = vec![column; model.features.len()];
        let background = Background::new(FeatureMatrix::new(columns, 10, model.cast).unwrap(), None).unwrap();
        explained(model, &background, rows, Method::Auto, 100)
    };
    (0..10).for_each(|seed| super::axioms::check(&explain, seed));
}
