//! Interactions: all ways agree with the definition, and matrices sum to the values.

use pellucid_data::FeatureId;
use pellucid_models::trees::Node;

use super::forests::{Rng, Shape, chain, forest, rows_for, symmetric};
use super::*;

fn run(
    model: &Ensemble,
    game: Game<'_>,
    rows: &FeatureMatrix,
    method: Method,
    expected: usize,
) -> Interactions {
    let plan = plan_interactions(model, game, How::new(method, expected), &Control::quiet()).unwrap();
    shap_interactions(model, &plan, rows, &Control::quiet()).unwrap()
}

/// The largest difference, relative to what is explained.
fn distance(a: &Interactions, b: &Interactions) -> f64 {
    let n = a.values().n_features();
    let mut worst: f64 = 0.0;
    for row in 0..a.values().n_rows() {
        for output in (0..a.values().n_outputs()).map(OutputId::at) {
            let size = 1.0 + a.values().values(row, output).iter().map(|x| x.abs()).sum::<f64>();
            for (one, other) in (0..n).flat_map(|i| (0..n).map(move |j| (FeatureId::at(i), FeatureId::at(j))))
            {
                let off = (a.at(row, output, one, other) - b.at(row, output, one, other)).abs() / size;
                worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
            }
        }
    }
    worst
}

/// Symmetric, rows sum to the values, features that are not used have nothing.
fn check_sums(model: &Ensemble, found: &Interactions) {
    let (n, used) = (found.values().n_features(), model.used_features());
    for row in 0..found.values().n_rows() {
        for output in (0..found.values().n_outputs()).map(OutputId::at) {
            for one in (0..n).map(FeatureId::at) {
                let all: Vec<f64> =
                    (0..n).map(|other| found.at(row, output, one, FeatureId::at(other))).collect();
                let sum: f64 = all.iter().sum();
                assert!((sum - found.values().value(row, output, one)).abs() < 1e-11);
                for (other, &entry) in all.iter().enumerate() {
                    assert_eq!(entry, found.at(row, output, FeatureId::at(other), one));
                    let both = used[one.index()] && used[other];
                    assert!(both || entry == 0.0, "a feature that is not used has {entry}");
                }
            }
        }
    }
}

fn check_all_ways(model: &Ensemble, rows: &FeatureMatrix, background: &Background, about: &str) {
    for game in [Game::PathDependent, Game::Background(background)] {
        let oracle = run(model, game, rows, Method::Definition, 1);
        check_sums(model, &oracle);
        let by_pattern = if matches!(game, Game::PathDependent) { Method::Quadrature } else { Method::Pairs };
        for (name, method, expected) in [
            ("tables, few rows", Method::Tables, 1),
            ("tables, many rows", Method::Tables, 1 << 30),
            ("by pattern", by_pattern, 1),
            ("auto, one row", Method::Auto, 1),
            ("auto, many rows", Method::Auto, 100_000),
        ] {
            let found = run(model, game, rows, method, expected);
            check_sums(model, &found);
            let off = distance(&oracle, &found);
            assert!(off < 1e-11, "{} game, {name}: off by {off:e} ({about})", game.name());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn every_way_is_the_definition(seed in any::<u64>(), n_features in 1usize..6, depth in 0usize..6, n_outputs in 1usize..3, vector_leaves: bool) {
        let mut rng = Rng(seed);
        let shape = Shape { n_features, depth, n_trees: 2, n_outputs, vector_leaves, ..Shape::default() };
        let model = forest(&mut rng, shape);
        let rows = rows_for(&mut rng, &model, 4);
        let background = Background::new(rows_for(&mut rng, &model, 3), None).unwrap();
        check_all_ways(&model, &rows, &background, &format!("seed {seed}, {shape:?}"));
    }
}

#[test]
fn symmetric_trees_too() {
    for seed in 0..20 {
        let mut rng = Rng(seed);
        let depth = 1 + rng.below(6);
        let model = symmetric(&mut rng, 5, depth, 2);
        let rows = rows_for(&mut rng, &model, 4);
        let background = Background::new(rows_for(&mut rng, &model, 4), None).unwrap();
        check_all_ways(&model, &rows, &background, &format!("symmetric, seed {seed}"));
    }
}

#[test]
fn long_paths_agree_two_ways_and_sum_to_the_values() {
    for d in [2, 9, 13, 20, 40, 64] {
        let mut rng = Rng(d as u64);
        let model = chain(&mut rng, d);
        let rows = rows_for(&mut rng, &model, 5);
        let background = Background::new(rows_for(&mut rng, &model, 40), None).unwrap();
        for (game, method) in
            [(Game::PathDependent, Method::Quadrature), (Game::Background(&background), Method::Pairs)]
        {
            let found = run(&model, game, &rows, method, 1);
            check_sums(&model, &found);
            if d <= tables::MAX_BITS {
                let tables = run(&model, game, &rows, Method::Tables, 1 << 20);
                assert!(distance(&found, &tables) < 1e-11, "{} game, d = {d}", game.name());
            }
        }
    }
    let model = chain(&mut Rng(1), 65);
    let background = Background::new(rows_for(&mut Rng(2), &model, 4), None).unwrap();
    let how = How::new(Method::Auto, 1);
    let refused =
        plan_interactions(&model, Game::Background(&background), how, &Control::quiet()).unwrap_err();
    assert_eq!(refused, PlanError::PathTooLongForPatterns { tree: 0 });
}

/// Halves of the pairs (0, 1), (0, 2), ... of features, leaf by leaf: every pair's own integral, with points to spare.
fn pairs_leaf_by_leaf(model: &Ensemble, x: &[f64], output: OutputId) -> Vec<f64> {
    let n = model.features.len();
    let mut halves = vec![0.0; n * (n - 1) / 2];
    for tree in &model.trees {
        for path in paths::paths(tree) {
            let mut passes = vec![1.0; path.slots.len()];
            for step in &path.steps {
                let Node::Split(split) = &tree.nodes()[step.node.index()] else {
                    panic!("a step is a split")
                };
                if split.side(x[split.feature.index()], tree.sets()) != step.side {
                    passes[step.slot] = 0.0;
                }
            }
            let points = quadrature::gauss_legendre(path.slots.len() / 2 + 2);
            let mut value = 0.0;
            tree.target().each_output(tree.leaf_values(path.leaf), |at, own| {
                value += if at == output.index() { own } else { 0.0 };
            });
            for (i, j) in columns::each_pair(path.slots.len()) {
                let rest = |t: f64| -> f64 {
                    let others = (0..path.slots.len()).filter(|&u| u != i && u != j);
                    others.map(|u| t * passes[u] + (1.0 - t) * path.slots[u].share).product()
                };
                let integral: f64 = points.iter().map(|&(t, weight)| weight * rest(t)).sum();
                let both = (passes[i] - path.slots[i].share) * (passes[j] - path.slots[j].share);
                let [one, other] = [i, j].map(|at| path.slots[at].feature.index());
                halves[columns::pair(one, other, n)] += value * both * integral / 2.0;
            }
        }
    }
    halves
}

#[test]
fn integrals_of_pairs_are_those_of_every_leaf_by_itself() {
    for seed in (0..70).step_by(2) {
        let mut rng = Rng(seed);
        // Chains of up to 70 features; trees in which features come again and again.
        let model = if seed % 3 == 0 {
            chain(&mut rng, 2 + seed as usize)
        } else {
            let vector_leaves = seed % 5 == 0;
            let n_outputs = if vector_leaves { 2 } else { 1 };
            let n_features = 6 + seed as usize % 9;
            forest(
                &mut rng,
                Shape { n_features, depth: 9, n_trees: 1, n_outputs, vector_leaves, ..Shape::default() },
            )
        };
        let rows = rows_for(&mut rng, &model, 3);
        for expected in [1, 1 << 20] {
            let method = if expected == 1 { Method::Quadrature } else { Method::Auto };
            let found = run(&model, Game::PathDependent, &rows, method, expected);
            for row in 0..rows.n_rows() {
                let x: Vec<f64> = rows.columns().iter().map(|column| column[row]).collect();
                for output in (0..model.base.len()).map(OutputId::at) {
                    let slow = pairs_leaf_by_leaf(&model, &x, output);
                    let size = 1.0 + found.values().values(row, output).iter().map(|x| x.abs()).sum::<f64>();
                    for (i, j) in columns::each_pair(model.features.len()) {
                        let fast = found.at(row, output, FeatureId::at(i), FeatureId::at(j));
                        let off = (fast - slow[columns::pair(i, j, model.features.len())]).abs() / size;
                        assert!(off < 1e-11, "seed {seed}, expected {expected}, pair ({i}, {j}): {off:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_product_of_two_gates_is_all_interaction() {
    use pellucid_models::trees::node::{SourceKind, SourceNode};
    use pellucid_models::trees::{InputCast, Missing, Side, Target, Test, Tree};

    // f = 4 where both features are above 0; over one background row of zeros the index is 4, so half of it is 2.
    let split = |feature: i64, yes: i64, no: i64| SourceKind::Split {
        feature,
        test: Test::AtMost(0.0),
        missing: Missing::Goes(Side::Yes),
        yes,
        no,
    };
    let nodes = [
        split(0, 1, 2),
        SourceKind::Leaf(vec![0.0]),
        split(1, 3, 4),
        SourceKind::Leaf(vec![0.0]),
        SourceKind::Leaf(vec![4.0]),
    ];
    let tree = Tree::build(5, 2, 1, Target::One(OutputId(0)), Vec::new(), |at| {
        Ok(SourceNode { cover: 1.0, what: nodes[at as usize].clone() })
    })
    .unwrap();
    let model = super::forests::ensemble(vec![tree], 2, vec![0.0]);
    let matrix = |x: f64| FeatureMatrix::new(vec![vec![x], vec![x]], 1, InputCast::F64).unwrap();
    let background = Background::new(matrix(0.0), None).unwrap();
    let found = run(&model, Game::Background(&background), &matrix(1.0), Method::Auto, 1);
    let at = |i, j| found.at(0, OutputId(0), FeatureId(i), FeatureId(j));
    assert_eq!([at(0, 0), at(0, 1), at(1, 0), at(1, 1)], [0.0, 2.0, 2.0, 0.0]);
}
