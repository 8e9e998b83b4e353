//! Is the margin beside the values each tree's own leaf, whatever way is taken?

use pellucid_models::trees::choices::Choices;
use pellucid_models::trees::node::{SourceKind, SourceNode};
use pellucid_models::trees::{InputCast, Missing, Node, Test, Tree};

use super::*;
use crate::shapley::margins::{Chunks, Walks};

/// The same tree with thresholds and leaves of 32 bits, and nothing but thresholds.
fn rounded(tree: &Tree) -> Tree {
    let narrow = |x: f64| f64::from(x as f32);
    let look = |at: u32| {
        let what = match &tree.nodes()[at as usize] {
            Node::Leaf(leaf) => SourceKind::Leaf(vec![narrow(tree.leaf_values(*leaf)[0])]),
            Node::Split(split) => {
                let test = match split.test {
                    Test::Below(threshold) | Test::AtMost(threshold) => Test::Below(narrow(threshold)),
                    Test::In(_) => Test::Below(0.5),
                };
                let (yes, no) = (split.yes.0.into(), split.no.0.into());
                let missing = match split.missing {
                    Missing::ZeroToo(side) => Missing::Goes(side),
                    other => other,
                };
                SourceKind::Split { feature: split.feature.0.into(), test, missing, yes, no }
            }
        };
        Ok(SourceNode { cover: tree.covers()[at as usize], what })
    };
    Tree::build(tree.nodes().len(), 6, 1, tree.target(), tree.sets().to_vec(), look).unwrap()
}

#[test]
fn margins_are_those_of_the_leaves_to_the_bit() {
    let (mut narrow, mut all) = (0, 0);
    for seed in 0..60 {
        let mut rng = Rng(seed);
        let mut model = forest(&mut rng, Shape { n_features: 6, depth: 5, n_trees: 7, ..Shape::default() });
        if seed % 2 == 0 {
            model.trees = model.trees.iter().map(rounded).collect();
        }
        // Rows of 64 bits, too, in a model that says it rounds them.
        let rows = rows_for(&mut rng, &model, 300);
        if seed % 3 > 0 {
            model.cast = InputCast::F32;
        }
        let rows = if seed % 3 == 1 {
            FeatureMatrix::new(rows.columns().to_vec(), 300, model.cast).unwrap()
        } else {
            rows
        };
        let places: Vec<u32> = (0..6).collect();
        narrow += model.trees.iter().filter(|tree| Choices::<f32>::new(tree, 16, &places).is_some()).count();
        all += model.trees.len();
        let slow = |row: usize| {
            let leaf = |tree: &Tree| tree.leaf(|feature| rows.at(feature, row));
            let sum =
                model.trees.iter().map(|tree| tree.leaf_values(leaf(tree))[0]).fold(0.0, |sum, x| sum + x);
            sum + model.base[0]
        };
        let slow: Vec<f64> = (0..300).map(slow).collect();
        for level in [Level::Portable, Level::Avx2, Level::Avx512] {
            let mut found = vec![0.0; 300];
            Walks::new(&model, level, 300).add(&rows, 0..300, &mut Chunks::default(), &mut found);
            assert_eq!(found, slow, "seed {seed}, {level:?}");
        }
    }
    assert!(narrow > 20 && narrow < all, "{narrow} of {all} trees have numbers of 32 bits alone");
}
