//! Do all ways agree, and do they satisfy the axioms that define them?

mod axioms;
mod background;
mod costs;
mod forests;
mod interactions;
mod linear;
mod margins;
mod probability;

use std::num::NonZeroUsize;

use forests::{Rng, Shape, forest, rows_for};
use pellucid_data::{Level, OutputId};
use pellucid_models::trees::{Ensemble, FeatureMatrix};
use proptest::prelude::*;

use super::columns::Wanted;
use super::compile::compile;
use super::costs::Costs;
use super::plan::Way;
use super::units::{Aim, Allowed};
use super::*;

/// The largest difference, relative to the size of what is explained.
pub(super) fn distance(a: &Attributions, b: &Attributions) -> f64 {
    assert_eq!((a.n_rows(), a.n_outputs(), a.n_features()), (b.n_rows(), b.n_outputs(), b.n_features()));
    let mut worst: f64 = 0.0;
    for output in (0..a.n_outputs()).map(OutputId::at) {
        let scale = 1.0 + a.base(output).abs();
        worst = worst.max((a.base(output) - b.base(output)).abs() / scale);
        for row in 0..a.n_rows() {
            let scale = scale + a.values(row, output).iter().map(|x| x.abs()).sum::<f64>();
            for (x, y) in a.values(row, output).iter().zip(b.values(row, output)) {
                let off = (x - y).abs() / scale;
                worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
            }
        }
    }
    worst
}

pub(super) fn run(
    model: &Ensemble,
    rows: &FeatureMatrix,
    method: Method,
    expected_rows: usize,
) -> Attributions {
    let plan = plan(model, method, expected_rows).unwrap();
    tree_shap(model, &plan, rows, &Control::quiet()).unwrap()
}

fn check_all_ways(seed: u64, shape: Shape) {
    let mut rng = Rng(seed);
    let model = forest(&mut rng, shape);
    let rows = rows_for(&mut rng, &model, 7);
    check_model(&model, &rows, &format!("seed {seed}, {shape:?}"));
}

fn check_model(model: &Ensemble, rows: &FeatureMatrix, about: &str) {
    let oracle = run(model, rows, Method::Definition, 1);
    assert!(oracle.worst_residual() < 1e-11, "the oracle itself misses by {}", oracle.worst_residual());
    let mut ways = vec![("by paths", definition::by_paths(model, rows))];
    // Few expected rows choose small tables, many choose large ones.
    for (name, method, expected) in [
        ("tables, few rows", Method::Tables, 1),
        ("tables, many rows", Method::Tables, 1 << 30),
        ("quadrature", Method::Quadrature, 1),
        ("auto, one row", Method::Auto, 1),
        ("auto, hundred rows", Method::Auto, 100),
    ] {
        ways.push((name, run(model, rows, method, expected)));
    }
    for level in [Level::Portable, Level::Avx2, Level::Avx512] {
        for expected_rows in [1, 64, 1 << 30] {
            let how = How { level, ..How::new(Method::Auto, expected_rows) };
            let plan = plan_game(model, Game::PathDependent, how, &Control::quiet()).unwrap();
            let found = tree_shap(model, &plan, rows, &Control::quiet()).unwrap();
            for row in 0..rows.n_rows() {
                let own = model.margin(|feature| rows.at(feature, row));
                assert_eq!(found.margins(row), own, "the margin of row {row} at {level:?} ({about})");
            }
            let lower = tree_shap(model, &plan.at_level(Level::Portable), rows, &Control::quiet()).unwrap();
            assert_eq!(found, lower, "other instructions, other bits at {level:?} ({about})");
            ways.push(("auto with other instructions", found));
        }
    }
    for (name, way) in ways {
        let off = distance(&oracle, &way);
        assert!(off < 1e-12, "{name} is off by {off:e} ({about})");
        assert!(way.worst_residual() < 1e-11, "{name} leaves {:e}", way.worst_residual());
    }
}

#[test]
fn tables_that_would_be_too_large_give_way_to_integrals() {
    let shape = Shape { n_features: 12, depth: 9, n_trees: 3, ..Shape::default() };
    let mut rng = Rng(5);
    let model = forest(&mut rng, shape);
    let rows = rows_for(&mut rng, &model, 100);
    let oracle = run(&model, &rows, Method::Quadrature, 1);
    let mut taken = Vec::new();
    for most_bytes in [usize::MAX, 100_000, 10_000, 100, 0] {
        let aim = Aim {
            n_rows: 1 << 20,
            allowed: Allowed::Both,
            wanted: Wanted::Values,
            in_planes: false,
            most_bytes,
            costs: Costs::of(Level::Portable, false),
        };
        let about = ("path-dependent", aim, Level::Portable);
        let (compiled, summary) = compile(&model, None, about, &Control::quiet()).unwrap();
        assert!(summary.table_bytes <= most_bytes.saturating_mul(model.trees.len()));
        taken.push(summary.table_bytes);
        let plan = Plan {
            game: about.0,
            how: How::new(Method::Auto, 1 << 20),
            summary,
            way: Way::Compiled(Box::new(compiled)),
        };
        let found = tree_shap(&model, &plan, &rows, &Control::quiet()).unwrap();
        assert!(distance(&oracle, &found) < 1e-12);
    }
    assert!(taken.is_sorted_by(|more, less| more > less), "bytes of tables: {taken:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_way_is_the_definition(seed in any::<u64>(), n_features in 1usize..7, depth in 0usize..7, n_outputs in 1usize..4) {
        check_all_ways(seed, Shape { n_features, depth, n_trees: 3, n_outputs, ..Shape::default() });
    }

    #[test]
    fn every_way_is_the_definition_where_leaves_are_boxes(seed in any::<u64>(), n_features in 1usize..8, depth in 0usize..8, n_outputs in 1usize..4) {
        let shape = Shape { n_features, depth, n_trees: 3, n_outputs, is_plain: true, ..Shape::default() };
        let model = forest(&mut Rng(seed), shape);
        let plan = plan_game(&model, Game::PathDependent, How::new(Method::Auto, 64), &Control::quiet()).unwrap();
        prop_assert!(matches!(plan.way(), Way::Boxes(_)));
        check_all_ways(seed, shape);
    }

    #[test]
    fn every_way_is_the_definition_for_vector_leaves(seed in any::<u64>(), depth in 0usize..5) {
        check_all_ways(seed, Shape { n_features: 4, depth, n_trees: 2, n_outputs: 3, vector_leaves: true, ..Shape::default() });
    }
}

#[test]
fn a_symmetric_tree_is_one_table_with_a_bit_a_level() {
    for seed in 0..60 {
        let mut rng = Rng(seed);
        let depth = 1 + rng.below(7);
        let model = forests::symmetric(&mut rng, 6, depth, 3);
        let rows = rows_for(&mut rng, &model, 7);
        check_model(&model, &rows, &format!("symmetric, seed {seed}, depth {depth}"));
        let whole = plan(&model, Method::Oblivious, 1).unwrap();
        assert_eq!(whole.summary().n_units, 3, "seed {seed}, depth {depth}");
        let found = tree_shap(&model, &whole, &rows, &Control::quiet()).unwrap();
        assert!(distance(&run(&model, &rows, Method::Definition, 1), &found) < 1e-12, "seed {seed}");
        let summary = plan(&model, Method::Tables, 1 << 30).unwrap().summary();
        assert_eq!(summary.n_units, 3, "seed {seed}, depth {depth}");
        assert!(
            summary.table_bytes <= (3 * depth * 8) << depth.max(5),
            "seed {seed}: {}",
            summary.table_bytes
        );
    }
}

#[test]
fn every_way_is_the_definition_with_twelve_features() {
    for seed in 0..6 {
        check_all_ways(seed, Shape { n_features: 12, depth: 8, n_trees: 1, bushy: 0.6, ..Shape::default() });
    }
}

/// Paths of exactly `d` distinct features, with repeats.
fn long_paths(seed: u64, d: usize) -> (Ensemble, FeatureMatrix) {
    let mut rng = Rng(seed);
    let model = forests::chain(&mut rng, d);
    let rows = rows_for(&mut rng, &model, 9);
    (model, rows)
}

#[test]
fn the_fast_routes_agree_to_forty_features_on_a_path() {
    for d in [1, 2, 3, 8, 12, 16, 17, 24, 32, 40] {
        let (model, rows) = long_paths(d as u64, d);
        let slow = definition::by_paths(&model, &rows);
        let points = run(&model, &rows, Method::Quadrature, 1);
        assert!(distance(&slow, &points) < 1e-12, "quadrature at d = {d}: {:e}", distance(&slow, &points));
        if d <= tables::MAX_BITS {
            let tables = run(&model, &rows, Method::Tables, 1 << 20);
            assert!(
                distance(&points, &tables) < 1e-12,
                "tables at d = {d}: {:e}",
                distance(&points, &tables)
            );
        } else {
            assert_eq!(plan(&model, Method::Tables, 1).unwrap_err(), PlanError::PathTooLong { tree: 0 });
        }
        let both = run(&model, &rows, Method::Auto, 1 << 20);
        assert!(distance(&points, &both) < 1e-12, "auto at d = {d}");
    }
}

#[test]
fn gauss_legendre_integrates_its_polynomials() {
    for n in 1..=40 {
        let points = quadrature::gauss_legendre(n);
        for power in 0..2 * n {
            let sum: f64 = points.iter().map(|(t, weight)| weight * t.powi(power as i32)).sum();
            let exact = 1.0 / (power as f64 + 1.0);
            assert!((sum - exact).abs() < 2e-15 + 1e-13 * exact, "n = {n}, t^{power}: {sum} for {exact}");
        }
    }
}

#[test]
fn what_cannot_be_explained_says_why() {
    let mut rng = Rng(1);
    let mut model = forest(&mut rng, Shape { n_features: 30, depth: 7, n_trees: 9, ..Shape::default() });
    assert!(matches!(plan(&model, Method::Definition, 1), Err(PlanError::TooManyFeatures { .. })));
    assert_eq!(plan(&model, Method::Oblivious, 1).unwrap_err(), PlanError::NotOblivious { tree: 0 });
    model.has_covers = false;
    assert_eq!(plan(&model, Method::Auto, 1).unwrap_err(), PlanError::NoCovers);
}

#[test]
fn threads_make_the_same_plan() {
    for (seed, expected_rows) in [(1, 1), (2, 100), (3, 1 << 20)] {
        let mut rng = Rng(seed);
        let model = forest(&mut rng, Shape { n_trees: 40, ..Shape::default() });
        let rows = rows_for(&mut rng, &model, 70);
        let background = Background::new(rows_for(&mut rng, &model, 30), None).unwrap();
        for game in [Game::PathDependent, Game::Background(&background)] {
            let by = |threads| {
                let control = Control { threads: NonZeroUsize::new(threads).unwrap(), watch: &crate::Quiet };
                let plan = plan_game(&model, game, How::new(Method::Auto, expected_rows), &control).unwrap();
                (plan.summary(), tree_shap(&model, &plan, &rows, &control).unwrap())
            };
            assert_eq!(by(1), by(3), "seed {seed}");
        }
    }
}

#[test]
fn asking_to_stop_stops() {
    struct Stop;
    impl crate::Watch for Stop {
        fn should_stop(&self) -> bool {
            true
        }
    }
    let mut rng = Rng(3);
    let model = forest(&mut rng, Shape::default());
    let rows = rows_for(&mut rng, &model, 5);
    for method in [Method::Auto, Method::Definition] {
        let plan = plan(&model, method, 5).unwrap();
        let control = Control { watch: &Stop, ..Control::quiet() };
        assert_eq!(tree_shap(&model, &plan, &rows, &control).unwrap_err(), crate::Stopped);
    }
}

/// A feature that is split again and again, each time with next to none of the weight: its share underflows.
#[test]
fn shares_that_multiply_down_to_nothing_give_numbers() {
    use pellucid_models::trees::node::{SourceKind, SourceNode};
    use pellucid_models::trees::{Missing, Side, Target, Test, Tree};

    let n = 40_u32;
    let nodes: Vec<SourceNode> = (0..n)
        .flat_map(|at| {
            let what = SourceKind::Split {
                feature: i64::from(at % 2),
                test: Test::Below(1000.0 - f64::from(at)),
                missing: Missing::Goes(Side::Yes),
                yes: i64::from(2 * at + 2),
                no: i64::from(2 * at + 1),
            };
            let split = SourceNode { cover: 1e-12, what };
            [split, SourceNode { cover: 1e12, what: SourceKind::Leaf(vec![f64::from(at)]) }]
        })
        .chain([SourceNode { cover: 1e-12, what: SourceKind::Leaf(vec![-7.0]) }])
        .collect();
    let tree = Tree::build(nodes.len(), 2, 1, Target::One(OutputId(0)), Vec::new(), |at| {
        Ok(nodes[at as usize].clone())
    })
    .unwrap();
    let model = forests::ensemble(vec![tree], 2, vec![0.0]);
    let rows = FeatureMatrix::new(vec![vec![0.0, 5e3], vec![990.0, 0.0]], 2, model.cast).unwrap();
    let oracle = run(&model, &rows, Method::Definition, 1);
    for method in [Method::Auto, Method::Tables, Method::Quadrature] {
        let found = run(&model, &rows, method, 100);
        assert!(found.worst_residual() < 1e-9, "{method:?}: residual {}", found.worst_residual());
        assert!(distance(&found, &oracle) < 1e-12, "{method:?}");
    }
}
