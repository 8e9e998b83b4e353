//! Pictures of trees, from usual and from hard cases.

use crate::View;
use crate::render::scene::Mark;
use crate::render::text::width;
use crate::tree::{Branch, Followed, TreeNode, TreePicture, What};
use crate::tree_steps::TreeSteps;

const HARD: [&str; 4] = [
    "age",
    "number of days since the last payment was received, over all accounts of the household",
    "Ärger & <Ehre> \"quoted\"",
    "国籍",
];

/// A full tree of so many levels; the row goes to yes always.
fn full(levels: usize, names: &[&str], scale: f64, shares: bool) -> TreePicture {
    let mut nodes: Vec<TreeNode> = Vec::new();
    let mut open = vec![(None, 0, 1.0, true)];
    while let Some((branch, level, share, on_way)) = open.pop() {
        let id = nodes.len();
        let what = if level == levels && !id.is_multiple_of(3) {
            What::Adds((id as f64 - 6.0) / 9.0 * scale)
        } else {
            let feature = names[id % names.len()].to_owned();
            let test = if id % 4 == 3 { "is one of 12: Private, State-gov, …" } else { "< 42.5" };
            What::Asks {
                exact: format!("{feature} < 42.4999"),
                feature,
                test: test.to_owned(),
                missing: if id.is_multiple_of(2) {
                    "missing goes to no, read as 0"
                } else {
                    "missing goes to yes"
                }
                .to_owned(),
                hidden: if level == levels { 12_345 } else { 0 },
            }
        };
        nodes.push(TreeNode { id, branch, level, share: shares.then_some(share), on_way, what });
        if level < levels {
            let to = |yes| Some(Branch { from: id, yes, missing: yes != id.is_multiple_of(2) });
            open.push((to(false), level + 1, share * 0.0004, false));
            open.push((to(true), level + 1, share * 0.9996, on_way));
        }
    }
    TreePicture {
        name: "Tree 12 345".to_owned(),
        subtitle: "adult-xgboost.ubj · XGBoost · 6 deep, 48 leaves".to_owned(),
        unit: "log-odds".to_owned(),
        nodes,
        range: [-0.7 * scale, 3.0 * scale],
        row: on_way_row(scale),
        caption: "Shares are of the training weight that the file tells.".to_owned(),
    }
}

fn on_way_row(scale: f64) -> Option<Followed> {
    Some(Followed { row: 17, adds: -0.123 * scale, questions: 3 })
}

fn leaf() -> TreePicture {
    let what = What::Adds(-0.25);
    let node = TreeNode { id: 0, branch: None, level: 0, share: Some(1.0), on_way: false, what };
    TreePicture { nodes: vec![node], row: None, range: [-0.25, -0.25], ..full(1, &HARD, 1.0, true) }
}

fn steps(n: usize, scale: f64) -> TreeSteps {
    let adds: Vec<(usize, f64)> =
        (0..n).map(|at| (3 * at, ((at * 7919 % 13) as f64 - 6.0) / 9.0 * scale)).collect();
    let base = -1.5 * scale;
    TreeSteps {
        row: 17,
        subtitle: "adult-xgboost.ubj · XGBoost · 100 trees".to_owned(),
        unit: "log-odds".to_owned(),
        base,
        margin: adds.iter().fold(base, |sum, tree| sum + tree.1),
        adds,
        chosen: Some(3),
        checked: String::new(),
    }
}

/// Every picture of trees, with what it is called.
pub(super) fn pictures() -> Vec<(String, Box<dyn View>)> {
    let trees = [
        ("a tree", full(3, &HARD[..1], 1.0, true)),
        ("a tree of long names", full(3, &HARD, 1.0, true)),
        ("a tree without shares", full(2, &HARD, 1e-7, false)),
        ("a deep tree", full(7, &HARD, 3e9, true)),
        ("a leaf", leaf()),
    ];
    let trees = trees.into_iter().map(|(name, tree)| (name.to_owned(), Box::new(tree) as Box<dyn View>));
    let steps = [(1, 1.0), (12, 3e9), (100, 1.0), (2_345, 1e-7)]
        .map(|(n, scale)| (format!("steps of {n} trees"), Box::new(steps(n, scale)) as Box<dyn View>));
    trees.chain(steps).collect()
}

#[test]
fn a_tree_is_words_a_table_and_at_most_five_thousand_marks() {
    for (name, view) in pictures() {
        let (names, rows) = view.table();
        assert!(!rows.is_empty() && rows.iter().all(|row| row.len() == names.len()), "{name}");
        for columns in [80, 120] {
            let text = view.text(columns);
            let drawn = text
                .lines()
                .skip(2)
                .take_while(|line| !line.starts_with("Leaves") && !line.starts_with("Above"));
            let longest = drawn.map(width).max().unwrap_or(0);
            assert!(name.contains("steps") || rows.is_empty() || longest > 0, "{name}: {text}");
        }
        for width in [360.0, 720.0] {
            let scene = view.scene(width);
            assert!(scene.n_marks() <= 5_000, "{name}: {}", scene.n_marks());
            assert!(!scene.targets.is_empty() && scene.targets.iter().all(|target| !target.label.is_empty()));
        }
    }
}

#[test]
fn children_stand_beside_each_other_where_they_have_room_and_in_lines_elsewhere() {
    let tree = full(3, &HARD[..1], 1.0, true);
    // In lines each node has its own height.
    let heights = |width: f64| {
        let mut heights: Vec<i64> =
            tree.scene(width).targets.iter().map(|target| target.at[1] as i64).collect();
        heights.sort_unstable();
        heights.dedup();
        heights.len()
    };
    assert_eq!([heights(720.0), heights(380.0)], [4, tree.nodes.len()]);
    // What is not drawn is told at its node and below.
    let said = tree.text(100);
    assert!(said.contains("12\u{202f}345 more") && said.contains("nodes are not drawn"), "{said}");
    // Bars of one tree each say the same as the table.
    let twelve = steps(12, 1.0);
    let bars = twelve.scene(720.0).targets;
    assert_eq!(bars.len(), 12);
    assert!(bars[11].label.starts_with("tree 33:") && bars[11].go == ("tree", "33".to_owned()));
    // Where trees share bars, all of them are still in the sum.
    let many = steps(2_345, 1.0).scene(720.0);
    assert!((150..=200).contains(&many.targets.len()), "{}", many.targets.len());
    let last = many.marks.iter().rev().find_map(|mark| match mark {
        Mark::Polyline { points, .. } => points.last().copied(),
        _ => None,
    });
    assert!(last.is_some());
    assert_eq!(
        twelve.table().1.last().map(|row| row[2].clone()),
        Some(crate::number::pretty(twelve.margin, 6))
    );
}
