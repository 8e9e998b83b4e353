//! What do the trees of a model look like, and which way does a row go? A model's trees made ready for pictures and lists.

mod facts;
mod words;

use pellucid_data::FeatureId;
use pellucid_models::trees::{Ensemble, FeatureMatrix, Node, Target, Tree};
use pellucid_models::{Predict as _, Scale};
use pellucid_views::number::count;
use pellucid_views::tree::{Branch, Followed, TreeNode, TreePicture, What};
use pellucid_views::tree_steps::TreeSteps;

pub use facts::{FeatureUse, TreeFacts, facts, uses};
pub use words::{Condition, condition, value_text};

/// Levels of one picture, at most.
pub const MOST_LEVELS: usize = 10;
/// Levels of a picture if nobody says.
pub const LEVELS: usize = 3;
/// Nodes of one picture, at most; fewer levels are drawn where there would be more.
const MOST_NODES: usize = 360;

/// Why a tree can't be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShownError {
    /// A linear model.
    #[error("the model is slopes times features; it has no trees to show")]
    NoTrees,
    /// A tree that is not there.
    #[error("tree {tree}: the model has {}, counted from 0", trees_text(*.n))]
    NoTree {
        /// The number.
        tree: usize,
        /// How many there are.
        n: usize,
    },
    /// A tree of another output.
    #[error(
        "tree {tree} adds to output {own}, not to output {output}; the first tree of output {output} is tree {first}"
    )]
    OtherOutput {
        /// The number.
        tree: usize,
        /// Its output.
        own: usize,
        /// The output that was asked for.
        output: usize,
        /// A tree of that output.
        first: usize,
    },
    /// An output that no tree adds to, or that is not there.
    #[error("output {output}: no tree adds to it; the model has {n}, counted from 0")]
    NoOutput {
        /// The number.
        output: usize,
        /// How many there are.
        n: usize,
    },
    /// A node that is not there.
    #[error("node {node}: tree {tree} has {n} nodes, counted from 0")]
    NoNode {
        /// The number.
        node: usize,
        /// The tree.
        tree: usize,
        /// How many it has.
        n: usize,
    },
    /// So many levels are no picture.
    #[error(
        "depth {0}: a picture has between 1 and {MOST_LEVELS} levels below its top; open a node to see what lies deeper"
    )]
    Levels(usize),
}

fn trees_text(n: usize) -> String {
    if n == 1 { "1 tree".to_owned() } else { format!("{} trees", count(n)) }
}

/// A row of features as a model compares them, with its number.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its number.
    pub number: usize,
    /// Its values, NaN where they are missing.
    pub values: &'a [f64],
}

impl Row<'_> {
    fn at(&self, feature: FeatureId) -> f64 {
        self.values.get(feature.index()).copied().unwrap_or(f64::NAN)
    }
}

/// Which tree, and how much of it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The tree, from 0.
    pub tree: usize,
    /// The output whose leaf values are shown.
    pub output: usize,
    /// The node that is looked at, from 0, the root; a leaf is shown with its parent.
    pub node: usize,
    /// Levels below the top of the picture.
    pub levels: usize,
    /// A row that is followed.
    pub row: Option<Row<'a>>,
}

/// The tree and the output that are meant: each may be left out.
///
/// # Errors
/// When there is no such tree or output, or the two do not belong together.
pub fn meant(
    model: &Ensemble,
    tree: Option<usize>,
    output: Option<usize>,
) -> Result<(usize, usize), ShownError> {
    let n = model.trees.len();
    if n == 0 {
        return Err(ShownError::NoTrees);
    }
    if let Some(output) = output.filter(|&output| output >= model.base.len()) {
        return Err(ShownError::NoOutput { output, n: model.base.len() });
    }
    let Some(tree) = tree else {
        let output = output.unwrap_or(0);
        let first = (0..n).find(|&tree| adds_to(&model.trees[tree], output));
        return first.map(|tree| (tree, output)).ok_or(ShownError::NoOutput { output, n: model.base.len() });
    };
    let found = model.trees.get(tree).ok_or(ShownError::NoTree { tree, n })?;
    let own = if let Target::One(own) = found.target() { Some(own.index()) } else { None };
    match (own, output) {
        (Some(own), Some(output)) if own != output => {
            let first = (0..n).find(|&tree| adds_to(&model.trees[tree], output));
            let first = first.ok_or(ShownError::NoOutput { output, n: model.base.len() })?;
            Err(ShownError::OtherOutput { tree, own, output, first })
        }
        _ => Ok((tree, own.or(output).unwrap_or(0))),
    }
}

/// Whether a tree adds to an output.
#[must_use]
pub fn adds_to(tree: &Tree, output: usize) -> bool {
    match tree.target() {
        Target::One(own) => own.index() == output,
        Target::All => true,
    }
}

/// What a leaf adds to an output.
fn value(tree: &Tree, leaf: u32, output: usize) -> f64 {
    let mut found = 0.0;
    tree.target().each_output(tree.leaf_values(leaf), |own, value| {
        if own == output {
            found = value;
        }
    });
    found
}

/// The lowest and the highest leaf.
fn range(tree: &Tree, output: usize) -> [f64; 2] {
    (0..tree.n_leaves() as u32)
        .map(|leaf| value(tree, leaf, output))
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)])
}

/// The nodes from the root to the leaf that a row ends in.
#[must_use]
pub fn way_of(tree: &Tree, row: Row<'_>) -> Vec<usize> {
    let mut way = vec![0];
    let mut at = 0;
    while let Some(Node::Split(split)) = tree.nodes().get(at) {
        at = split.child(split.side(row.at(split.feature), tree.sets())).index();
        way.push(at);
    }
    way
}

/// The nodes from the root to a node.
#[must_use]
pub fn way_to(tree: &Tree, node: usize) -> Vec<usize> {
    let parents = parents(tree);
    let mut way = vec![node];
    while let Some(&Some(parent)) = way.last().and_then(|&at| parents.get(at)) {
        way.push(parent);
    }
    way.reverse();
    way
}

fn parents(tree: &Tree) -> Vec<Option<usize>> {
    let mut parents = vec![None; tree.nodes().len()];
    for (at, node) in tree.nodes().iter().enumerate() {
        if let Node::Split(split) = node {
            parents[split.yes.index()] = Some(at);
            parents[split.no.index()] = Some(at);
        }
    }
    parents
}

/// Nodes below each node.
fn below(tree: &Tree) -> Vec<usize> {
    let mut below = vec![0; tree.nodes().len()];
    // Children come after their parents.
    for (at, node) in tree.nodes().iter().enumerate().rev() {
        if let Node::Split(split) = node {
            below[at] = 2 + below[split.yes.index()] + below[split.no.index()];
        }
    }
    below
}

/// A tree, or the part below a node, as a picture.
///
/// # Errors
/// When tree, output, node or levels are not there.
pub fn picture(model: &Ensemble, name: &str, asked: Asked<'_>) -> Result<TreePicture, ShownError> {
    meant(model, Some(asked.tree), Some(asked.output))?;
    let tree = &model.trees[asked.tree];
    let n = tree.nodes().len();
    if !(1..=MOST_LEVELS).contains(&asked.levels) {
        return Err(ShownError::Levels(asked.levels));
    }
    if asked.node >= n {
        return Err(ShownError::NoNode { node: asked.node, tree: asked.tree, n });
    }
    let is_leaf = matches!(tree.nodes()[asked.node], Node::Leaf(_));
    let parent = is_leaf.then(|| parents(tree)[asked.node]).flatten();
    let top = parent.unwrap_or(asked.node);
    let way = asked.row.map(|row| way_of(tree, row)).unwrap_or_default();
    let drawn = |levels| nodes(model, tree, (top, levels), asked.output, &way);
    let mut levels = asked.levels;
    let mut nodes = drawn(levels);
    while nodes.len() > MOST_NODES && levels > 1 {
        levels -= 1;
        nodes = drawn(levels);
    }
    let fewer = if levels < asked.levels {
        format!("{levels} levels are drawn, for {} would be too many nodes. ", asked.levels)
    } else {
        String::new()
    };
    let row = asked.row.zip(way.last()).map(|(row, &end)| {
        let adds =
            if let Node::Leaf(leaf) = tree.nodes()[end] { value(tree, leaf, asked.output) } else { 0.0 };
        Followed { row: row.number, adds, questions: way.len() - 1 }
    });
    let covers = if model.has_covers {
        "A percentage is the share of the whole tree’s training weight that comes to a node, as the file tells it; it is no probability of a branch."
    } else {
        "The file does not tell how many training rows went where."
    };
    let output = if model.base.len() > 1 { format!(", output {}", asked.output) } else { String::new() };
    let subtitle = format!(
        "{name} · {}{output} · {} deep, {} leaves",
        model.origin.library,
        count(tree.depth()),
        count(tree.n_leaves())
    );
    Ok(TreePicture {
        name: format!("Tree {}", count(asked.tree)),
        subtitle,
        unit: model.link.margin_unit().to_owned(),
        nodes,
        range: range(tree, asked.output),
        row,
        caption: format!("{fewer}{covers}"),
    })
}

/// The nodes of a picture, from the top down to so many levels.
fn nodes(
    model: &Ensemble,
    tree: &Tree,
    (top, levels): (usize, usize),
    output: usize,
    way: &[usize],
) -> Vec<TreeNode> {
    let below = below(tree);
    let whole = tree.covers().first().copied().unwrap_or(0.0);
    let share = |at: usize| (model.has_covers && whole > 0.0).then(|| tree.covers()[at] / whole);
    let mut drawn: Vec<TreeNode> = Vec::new();
    let mut open = vec![(top, None, 0)];
    // One more than is drawn is enough to see that there are too many.
    while let Some((at, branch, level)) = open.pop().filter(|_| drawn.len() <= MOST_NODES) {
        let what = match &tree.nodes()[at] {
            Node::Leaf(leaf) => What::Adds(value(tree, *leaf, output)),
            Node::Split(split) => {
                let Condition { feature, test, exact, missing, missing_yes } = condition(model, tree, split);
                let is_open = level < levels;
                if is_open {
                    let branch =
                        |yes| Some(Branch { from: drawn.len(), yes, missing: missing_yes == Some(yes) });
                    open.push((split.no.index(), branch(false), level + 1));
                    open.push((split.yes.index(), branch(true), level + 1));
                }
                What::Asks { feature, test, exact, missing, hidden: if is_open { 0 } else { below[at] } }
            }
        };
        drawn.push(TreeNode { id: at, branch, level, share: share(at), on_way: way.contains(&at), what });
    }
    drawn
}

/// What the trees of an output add for a row, one by one.
#[must_use]
pub fn steps(model: &Ensemble, name: &str, output: usize, row: Row<'_>, chosen: Option<usize>) -> TreeSteps {
    let linear = model.linear.as_ref().map_or(0.0, |linear| linear.sum(output, |feature| row.at(feature)));
    let own = model.trees.iter().enumerate().filter(|(_, tree)| adds_to(tree, output));
    let adds =
        own.map(|(at, tree)| (at, value(tree, tree.leaf(|feature| row.at(feature)), output))).collect();
    let margin = model.margin(|feature| row.at(feature)).get(output).copied().unwrap_or(f64::NAN);
    let of_output = if model.base.len() > 1 { format!(", output {output}") } else { String::new() };
    let checked = if linear == 0.0 {
        String::new()
    } else {
        "The sum begins with the base and the slopes times features.".to_owned()
    };
    TreeSteps {
        row: row.number,
        subtitle: format!("{name} · {}{of_output} · {}", model.origin.library, trees_text(model.trees.len())),
        unit: model.link.margin_unit().to_owned(),
        base: model.base.get(output).copied().unwrap_or(0.0) + linear,
        margin,
        adds,
        chosen,
        checked,
    }
}

/// The margin of a row as the training library sums it, with its rounding.
#[must_use]
pub fn library_margin(model: &Ensemble, output: usize, row: Row<'_>) -> Option<f64> {
    let columns = row.values.iter().map(|&x| vec![x]).collect();
    let rows = FeatureMatrix::new(columns, 1, model.cast)?;
    model.predict(&rows, Scale::Margin).get(output).copied()
}
