use super::*;

fn leaf(value: f64) -> SourceNode {
    SourceNode { cover: 1.0, what: SourceKind::Leaf(vec![value]) }
}

fn split(feature: i64, yes: i64, no: i64) -> SourceNode {
    let (test, missing) = (Test::Below(0.5), Missing::Goes(Side::Yes));
    SourceNode { cover: 2.0, what: SourceKind::Split { feature, test, missing, yes, no } }
}

fn build(nodes: &[SourceNode]) -> Result<Tree, TreeError> {
    let target = Target::One(OutputId(0));
    Tree::build(nodes.len(), 2, 1, target, Vec::new(), |at| Ok(nodes[at as usize].clone()))
}

#[test]
fn children_follow_their_parents_and_pruned_nodes_are_left_out() {
    let tree = build(&[split(0, 3, 1), leaf(1.0), leaf(99.0), split(1, 4, 5), leaf(2.0), leaf(3.0)]).unwrap();
    assert_eq!((tree.nodes().len(), tree.n_leaves(), tree.depth()), (5, 3, 2));
    for (at, node) in tree.nodes().iter().enumerate() {
        if let Node::Split(split) = node {
            assert!(split.yes.index() > at && split.no.index() > at);
        }
    }
    let answer = |a: f64, b: f64| tree.leaf_values(tree.leaf(|f| [a, b][f.index()]))[0];
    assert_eq!(
        [answer(0.0, 0.0), answer(0.0, 1.0), answer(1.0, 0.0), answer(f64::NAN, f64::NAN)],
        [2.0, 3.0, 1.0, 2.0]
    );
}

#[test]
fn damage_is_named() {
    assert_eq!(build(&[split(0, 1, 7), leaf(0.0)]), Err(TreeError::Child { node: 0, child: 7, len: 2 }));
    assert_eq!(build(&[split(0, 1, -2), leaf(0.0)]), Err(TreeError::Child { node: 0, child: -2, len: 2 }));
    assert_eq!(build(&[split(0, 1, 0), leaf(0.0)]), Err(TreeError::Shared { node: 0 }));
    assert_eq!(build(&[split(0, 1, 1), leaf(0.0)]), Err(TreeError::Shared { node: 1 }));
    assert!(matches!(
        build(&[split(5, 1, 2), leaf(0.0), leaf(0.0)]),
        Err(TreeError::Feature { feature: 5, .. })
    ));
    assert!(matches!(build(&[leaf(f64::NAN)]), Err(TreeError::Number { what: "leaf value", .. })));
    assert!(matches!(build(&[]), Err(TreeError::Child { .. })));
    let chain: Vec<SourceNode> =
        (0..5000).flat_map(|i| [split(0, 2 * i + 1, 2 * i + 2), leaf(0.0)]).collect();
    assert!(matches!(build(&chain), Err(TreeError::Deep { .. })));
}

#[test]
fn category_sets_follow_each_library_below_zero() {
    let xgboost = CategorySet::new([0, 3, 70], NegativeFraction::Invalid);
    let lightgbm = CategorySet::new([0, 3, 70], NegativeFraction::Zero);
    for x in [0.0, 0.9, 3.0, 3.999, 70.5] {
        assert!(xgboost.contains(x) && lightgbm.contains(x), "{x}");
    }
    for x in [-1.0, 1.0, 71.0, 2e7, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert!(!xgboost.contains(x) && !lightgbm.contains(x), "{x}");
    }
    assert!(!xgboost.contains(-0.5) && lightgbm.contains(-0.5));
    assert_eq!(xgboost.codes().collect::<Vec<_>>(), [0, 3, 70]);
}

#[test]
fn membership_changes_at_boundaries_and_nowhere_else() {
    for negative in [NegativeFraction::Invalid, NegativeFraction::Zero] {
        for codes in [vec![], vec![0], vec![1, 2, 63, 64], vec![127]] {
            let set = CategorySet::new(codes, negative);
            let at = set.boundaries();
            for &b in &at {
                assert_ne!(set.contains(b), set.contains(b.next_down()), "{b}");
            }
            for x in (-300..14_000).map(|i| f64::from(i) / 100.0) {
                let passed = at.iter().filter(|&&b| b <= x).count();
                assert_eq!(set.contains(x), passed % 2 == 1, "{x}");
            }
        }
    }
}

#[test]
fn shares_add_up_and_never_vanish() {
    let mut tree = build(&[split(0, 1, 2), leaf(0.0), leaf(0.0)]).unwrap();
    let Node::Split(root) = tree.nodes()[0] else { panic!() };
    for covers in [[3.0, 1.0], [0.0, 0.0], [0.0, 5.0]] {
        tree.covers[1..].copy_from_slice(&covers);
        tree = tree.measured();
        let (yes, no) = (tree.share(&root, Side::Yes), tree.share(&root, Side::No));
        assert!((yes + no - 1.0).abs() < 1e-15 && yes > 0.0 && no > 0.0);
    }
}

#[test]
fn large_category_codes_cost_no_memory_and_end_where_the_library_ends() {
    let codes = [0, 3, 65_535, 65_536, 65_537, 20_000_000, 1_999_999_999];
    let lightgbm = CategorySet::new(codes, NegativeFraction::Zero);
    let xgboost = CategorySet::new(codes, NegativeFraction::Invalid);
    for x in [0.0, 3.9, 65_535.0, 65_536.5, 65_537.0] {
        assert!(lightgbm.contains(x) && xgboost.contains(x), "{x}");
    }
    for x in [1.0, 65_534.0, 65_538.0, 19_999_999.0, f64::NAN, -1.0] {
        assert!(!lightgbm.contains(x) && !xgboost.contains(x), "{x}");
    }
    assert!(lightgbm.contains(20_000_000.0) && !xgboost.contains(20_000_000.0));
    assert!(lightgbm.contains(1_999_999_999.0) && !lightgbm.contains(4e9));
    assert_eq!(lightgbm.codes().collect::<Vec<_>>(), codes);
    // Between two boundaries membership is constant.
    for pair in lightgbm.boundaries().windows(2) {
        assert_eq!(lightgbm.contains(pair[0]), lightgbm.contains(pair[1].next_down()), "{pair:?}");
    }
}
