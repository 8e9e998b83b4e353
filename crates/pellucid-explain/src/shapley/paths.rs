//! What lies between the root and a leaf? Steps, and the distinct features among them.

use pellucid_data::{FeatureId, NodeId};
use pellucid_models::trees::{Node, Side, Tree};

/// No share is smaller: far below every rounding of a sum, and its inverse is still a number.
pub(super) const LEAST_SHARE: f64 = 1e-100;

/// A distinct feature of a path: repeated splits on it count as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slot {
    pub(crate) feature: FeatureId,
    /// The share of training weight that passes all of its splits, one after the other.
    pub(crate) share: f64,
}

/// One split of a path and the side that leads on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    pub(crate) node: NodeId,
    pub(crate) side: Side,
    /// Position of its feature among the path's slots.
    pub(crate) slot: usize,
}

/// A leaf and its way from the root.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LeafPath {
    pub(crate) leaf: u32,
    pub(crate) steps: Vec<Step>,
    pub(crate) slots: Vec<Slot>,
}

/// A path that grows and shrinks while a tree is walked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Path {
    pub(crate) steps: Vec<Step>,
    pub(crate) slots: Vec<Slot>,
    /// The share of each step's slot before the step.
    before: Vec<Option<f64>>,
}

impl Path {
    /// Takes one side of a split.
    pub(crate) fn push(&mut self, tree: &Tree, node: NodeId, side: Side) {
        let Node::Split(split) = &tree.nodes()[node.index()] else { return };
        let share = tree.share(split, side);
        let known = self.slots.iter().position(|slot| slot.feature == split.feature);
        let slot = known.unwrap_or(self.slots.len());
        self.before.push(known.map(|slot| self.slots[slot].share));
        match known {
            // Splits of one feature can multiply down to nothing, of which the quadrature takes the inverse.
            Some(slot) => self.slots[slot].share = (self.slots[slot].share * share).max(LEAST_SHARE),
            None => self.slots.push(Slot { feature: split.feature, share }),
        }
        self.steps.push(Step { node, side, slot });
    }

    /// Takes the last step back.
    pub(crate) fn pop(&mut self) {
        let (Some(step), Some(before)) = (self.steps.pop(), self.before.pop()) else { return };
        match before {
            Some(share) => self.slots[step.slot].share = share,
            None => {
                self.slots.pop();
            }
        }
    }
}

/// What happens next on a walk that visits every node in depth-first order, yes before no.
pub(crate) enum Visit {
    Node(NodeId),
    Enter(NodeId, Side),
    Leave,
}

/// Walks the subtree of a node; `visit` sees each node with the path to it, and answers whether to go on
/// below it.
pub(crate) fn walk(tree: &Tree, from: NodeId, path: &mut Path, mut visit: impl FnMut(NodeId, &Path) -> bool) {
    let mut todo = vec![Visit::Node(from)];
    while let Some(next) = todo.pop() {
        match next {
            Visit::Leave => path.pop(),
            Visit::Enter(node, side) => path.push(tree, node, side),
            Visit::Node(node) => {
                let go_on = visit(node, path);
                if let (true, Node::Split(split)) = (go_on, &tree.nodes()[node.index()]) {
                    for side in [Side::No, Side::Yes] {
                        todo.push(Visit::Leave);
                        todo.push(Visit::Node(split.child(side)));
                        todo.push(Visit::Enter(node, side));
                    }
                }
            }
        }
    }
}

/// The paths of all leaves.
pub(crate) fn paths(tree: &Tree) -> Vec<LeafPath> {
    let mut all = Vec::with_capacity(tree.n_leaves());
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        if let Node::Leaf(leaf) = tree.nodes()[node.index()] {
            all.push(LeafPath { leaf, steps: path.steps.clone(), slots: path.slots.clone() });
        }
        true
    });
    all
}
