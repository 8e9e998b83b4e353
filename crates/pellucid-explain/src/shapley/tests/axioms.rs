//! The axioms, as one suite that every explainer of trees must pass.

use std::num::NonZeroUsize;

use pellucid_data::{FeatureId, NodeId};
use pellucid_models::trees::node::{SourceKind, SourceNode};
use pellucid_models::trees::{Node, Tree};

use super::forests::{Rng, Shape, ensemble, forest, rows_for};
use super::*;
use crate::Kind;

type Explainer<'e> = &'e dyn Fn(&Ensemble, &FeatureMatrix) -> Attributions;

const TOLERANCE: f64 = 1e-12;

/// The same tree with its features renamed and its leaves changed.
fn rebuilt(
    tree: &Tree,
    n_features: usize,
    feature: impl Fn(FeatureId) -> usize,
    leaf: impl Fn(f64) -> f64,
) -> Tree {
    let look = |at: u32| {
        let cover = tree.covers()[at as usize];
        let what = match &tree.nodes()[NodeId(at).index()] {
            Node::Leaf(at) => SourceKind::Leaf(tree.leaf_values(*at).iter().map(|&x| leaf(x)).collect()),
            Node::Split(split) => SourceKind::Split {
                feature: feature(split.feature) as i64,
                test: split.test,
                missing: split.missing,
                yes: i64::from(split.yes.0),
                no: i64::from(split.no.0),
            },
        };
        Ok(SourceNode { cover, what })
    };
    let width = tree.leaf_values(0).len();
    Tree::build(tree.nodes().len(), n_features, width, tree.target(), tree.sets().to_vec(), look).unwrap()
}

fn permuted(rows: &FeatureMatrix, order: &[usize]) -> FeatureMatrix {
    let columns = (0..rows.n_features())
        .map(|f| order.iter().map(|&row| rows.at(FeatureId::at(f), row)).collect())
        .collect();
    FeatureMatrix::new(columns, order.len(), pellucid_models::trees::InputCast::F64).unwrap()
}

/// Efficiency, dummy, symmetry, linearity, and independence of rows.
pub(super) fn check(explain: Explainer<'_>, seed: u64) {
    let mut rng = Rng(seed);
    let shape = Shape { n_features: 5, depth: 5, n_trees: 4, ..Shape::default() };
    let model = forest(&mut rng, shape);
    let rows = rows_for(&mut rng, &model, 6);
    let found = explain(&model, &rows);

    // Efficiency: base and values add up to the margin.
    assert!(found.worst_residual() < 1e-11);

    // Dummy: what no split looks at gets exactly nothing.
    let used = model.used_features();
    for row in 0..rows.n_rows() {
        for feature in (0..used.len()).filter(|&f| !used[f]) {
            assert_eq!(found.value(row, OutputId(0), FeatureId::at(feature)), 0.0);
        }
    }

    // Symmetry: renaming features renames their values. (On the game; equal columns of the data may
    // well get unequal values, since the trees treat them unequally.)
    let renamed = |f: FeatureId| (f.index() + 2) % 5;
    let trees = model.trees.iter().map(|tree| rebuilt(tree, 5, renamed, |x| x)).collect();
    let other = ensemble(trees, 5, model.base.clone());
    let columns = (0..5).map(|f| rows.column(FeatureId::at((f + 3) % 5)).to_vec()).collect();
    let moved = FeatureMatrix::new(columns, rows.n_rows(), model.cast).unwrap();
    let renamed_values = explain(&other, &moved);
    for row in 0..rows.n_rows() {
        for f in (0..5).map(FeatureId::at) {
            let (a, b) = (
                found.value(row, OutputId(0), f),
                renamed_values.value(row, OutputId(0), FeatureId::at(renamed(f))),
            );
            assert!((a - b).abs() < TOLERANCE * (1.0 + a.abs()), "symmetry: {a} and {b}");
        }
    }

    // Linearity: values of a sum of models are sums of values; twice the leaves, twice the values.
    let half = |range: std::ops::Range<usize>| {
        let trees =
            model.trees[range].iter().map(|tree| rebuilt(tree, 5, |f| f.index(), |x| 2.0 * x)).collect();
        explain(&ensemble(trees, 5, vec![0.0]), &rows)
    };
    let (first, second) = (half(0..1), half(1..4));
    for row in 0..rows.n_rows() {
        for f in (0..5).map(FeatureId::at) {
            let sum = first.value(row, OutputId(0), f) + second.value(row, OutputId(0), f);
            let own = 2.0 * found.value(row, OutputId(0), f);
            assert!((sum - own).abs() < TOLERANCE * (1.0 + own.abs()), "linearity: {sum} for {own}");
        }
    }

    // A row's values do not depend on its neighbours: to the bit.
    let order = [4, 0, 5, 2, 2, 1, 3];
    let shuffled = explain(&model, &permuted(&rows, &order));
    for (at, &row) in order.iter().enumerate() {
        assert_eq!(shuffled.values(at, OutputId(0)), found.values(row, OutputId(0)));
    }
}

#[test]
fn the_definition_satisfies_the_axioms() {
    (0..10).for_each(|seed| check(&|model, rows| run(model, rows, Method::Definition, 1), seed));
}

#[test]
fn tables_satisfy_the_axioms() {
    (0..60).for_each(|seed| check(&|model, rows| run(model, rows, Method::Tables, 10_000), seed));
}

#[test]
fn quadrature_satisfies_the_axioms() {
    (0..60).for_each(|seed| check(&|model, rows| run(model, rows, Method::Quadrature, 10_000), seed));
}

#[test]
fn auto_satisfies_the_axioms() {
    (0..60).for_each(|seed| check(&|model, rows| run(model, rows, Method::Auto, 20), seed));
}

#[test]
fn threads_and_cuts_change_no_bit() {
    let mut rng = Rng(11);
    let model =
        forest(&mut rng, Shape { n_features: 9, depth: 9, n_trees: 5, n_outputs: 2, ..Shape::default() });
    let rows = rows_for(&mut rng, &model, 2_000);
    for method in [Method::Auto, Method::Tables, Method::Quadrature] {
        let plan = plan(&model, method, 2_000).unwrap();
        let control = |threads| Control { threads: NonZeroUsize::new(threads).unwrap(), ..Control::quiet() };
        let one = tree_shap(&model, &plan, &rows, &control(1)).unwrap();
        assert_eq!(one, tree_shap(&model, &plan, &rows, &control(3)).unwrap());
        let part = tree_shap(&model, &plan, &rows.slice(777..1_300), &control(2)).unwrap();
        for row in 0..part.n_rows() {
            for output in [OutputId(0), OutputId(1)] {
                assert_eq!(part.values(row, output), one.values(777 + row, output));
                assert_eq!(part.margin(row, output), one.margin(777 + row, output));
            }
        }
    }
}

#[test]
fn saabas_values_add_up_and_are_shapley_values_where_every_tree_asks_once() {
    for seed in 0..40 {
        let mut rng = Rng(seed);
        let depth = 1 + rng.below(5);
        let n_outputs = 1 + rng.below(3);
        let shape = Shape {
            n_features: 5,
            depth,
            n_trees: 4,
            n_outputs,
            vector_leaves: seed % 3 == 0,
            ..Shape::default()
        };
        let model = forest(&mut rng, shape);
        let rows = rows_for(&mut rng, &model, 7);
        let saabas = run(&model, &rows, Method::Approximate, 1);
        let exact = run(&model, &rows, Method::Auto, 1);
        assert!(
            saabas.worst_residual() < 1e-11 && saabas.kind() == Kind::Saabas && exact.kind() == Kind::Shapley
        );
        for output in (0..exact.n_outputs()).map(OutputId::at) {
            assert!((saabas.base(output) - exact.base(output)).abs() < 1e-11);
        }
        let off = distance(&saabas, &exact);
        assert_eq!(off < 1e-12, depth == 1 || off == 0.0, "seed {seed}, depth {depth}: {off:e}");
    }
}

#[test]
fn partial_dependence_is_what_one_known_feature_is_worth() {
    for seed in 0..10 {
        let mut rng = Rng(seed);
        let model =
            forest(&mut rng, Shape { n_features: 3, depth: 4, n_trees: 4, n_outputs: 2, ..Shape::default() });
        let rows = rows_for(&mut rng, &model, 9);
        let background = Background::new(rows_for(&mut rng, &model, 7), None).unwrap();
        for feature in (0..3).map(FeatureId::at) {
            let at = rows.column(feature);
            let found =
                partial_dependence(&model, Game::Background(&background), feature, at, &Control::quiet());
            let found = found.unwrap().unwrap();
            for (x, found) in at.iter().zip(found) {
                let mut sums = [0.0; 2];
                for row in 0..7 {
                    let others = |f| if f == feature { *x } else { background.rows().at(f, row) };
                    sums.iter_mut().zip(model.margin(others)).for_each(|(sum, margin)| *sum += margin / 7.0);
                }
                sums.iter().zip(found).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "seed {seed}"));
            }
        }
        // A model of one feature says everything when that is known.
        let alone = forest(&mut rng, Shape { n_features: 1, depth: 4, n_trees: 3, ..Shape::default() });
        let rows = rows_for(&mut rng, &alone, 9);
        let at = rows.column(FeatureId::at(0));
        let found = partial_dependence(&alone, Game::PathDependent, FeatureId::at(0), at, &Control::quiet());
        for (row, found) in found.unwrap().unwrap().into_iter().enumerate() {
            assert!((found[0] - alone.margin(|f| rows.at(f, row))[0]).abs() < 1e-12, "seed {seed}");
        }
    }
}
