//! What is a tree? Splits that ask one question of one feature, and leaves that answer.
//!
//! A split has a `yes` and a `no` child and says where a missing value goes, so that no library's
//! convention (`<` or `<=`, categories left or right, NaN as zero) survives past its importer.

use pellucid_data::{FeatureId, NodeId, OutputId};

/// LightGBM's `kZeroThreshold`: what counts as zero where zero counts as missing. It is an `f32`
/// literal in LightGBM, so the bound is that `f32` and not `1e-35`.
pub const ZERO_THRESHOLD: f64 = 1e-35_f32 as f64;

/// Deeper trees are refused: no library grows them, and walks would overflow.
pub const MAX_DEPTH: usize = 4096;

/// One of the two children of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The child for rows that pass the test.
    Yes,
    /// The child for the others.
    No,
}

impl Side {
    /// `Yes` for true.
    #[must_use]
    #[inline]
    pub fn of(passes: bool) -> Self {
        if passes { Self::Yes } else { Self::No }
    }

    /// The other one.
    #[must_use]
    #[inline]
    pub fn other(self) -> Self {
        Self::of(self == Self::No)
    }
}

/// The question a split asks of a value that is not missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test {
    /// `x < threshold`.
    Below(f64),
    /// `x <= threshold`.
    AtMost(f64),
    /// `x`, truncated toward zero, is one of the categories of [`Tree::sets`] at this position.
    In(u32),
}

/// Where values go that are missing, or count as missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// NaN goes to this side.
    Goes(Side),
    /// NaN is read as 0 and then tested (LightGBM, missing type none).
    IsZero,
    /// NaN and every `|x| <=` [`ZERO_THRESHOLD`] go to this side (LightGBM, missing type zero).
    ZeroToo(Side),
}

/// What a category code that is no whole number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NegativeFraction {
    /// No category: XGBoost tests the sign before it truncates.
    Invalid,
    /// Category 0: LightGBM truncates first.
    Zero,
    /// No category, and neither are fractions above 0: ONNX compares exactly.
    NeverAny,
}

/// A set of category codes: bits for the small ones, runs for the others, so that one large code costs no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategorySet {
    words: Vec<u64>,
    /// Half-open, ascending, all past [`Self::DENSE`].
    runs: Vec<(u32, u32)>,
    negative_fraction: NegativeFraction,
}

impl CategorySet {
    /// XGBoost's `OutOfRange`: codes from here on are in none of its sets.
    pub const XGBOOST_LIMIT: u32 = 1 << 24;
    /// LightGBM reads codes as `int`.
    const LIGHTGBM_LIMIT: u32 = 1 << 31;
    /// Codes from here on are held as runs.
    const DENSE: u32 = 1 << 16;

    /// The set of these codes; those past the library's limit are in no set.
    pub fn new(codes: impl IntoIterator<Item = u32>, negative_fraction: NegativeFraction) -> Self {
        let mut set = Self { words: Vec::new(), runs: Vec::new(), negative_fraction };
        let limit = set.limit();
        let mut large = Vec::new();
        for code in codes.into_iter().filter(|&code| code < limit) {
            if code >= Self::DENSE {
                large.push(code);
                continue;
            }
            let word = (code / 64) as usize;
            if word >= set.words.len() {
                set.words.resize(word + 1, 0);
            }
            set.words[word] |= 1 << (code % 64);
        }
        large.sort_unstable();
        for code in large {
            match set.runs.last_mut() {
                Some(run) if code <= run.1 => run.1 = run.1.max(code + 1),
                _ => set.runs.push((code, code + 1)),
            }
        }
        set
    }

    fn limit(&self) -> u32 {
        match self.negative_fraction {
            NegativeFraction::Invalid => Self::XGBOOST_LIMIT,
            NegativeFraction::Zero | NegativeFraction::NeverAny => Self::LIGHTGBM_LIMIT,
        }
    }

    /// Whether the value, truncated toward zero, is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, x: f64) -> bool {
        let invalid_below = match self.negative_fraction {
            NegativeFraction::Invalid => x < 0.0,
            NegativeFraction::NeverAny => x < 0.0 || x.fract() != 0.0,
            NegativeFraction::Zero => x <= -1.0,
        };
        if x.is_nan() || invalid_below || x >= f64::from(self.limit()) {
            return false;
        }
        let code = x as u32;
        if code < Self::DENSE {
            return self.words.get(code as usize / 64).is_some_and(|word| word >> (code % 64) & 1 == 1);
        }
        let after = self.runs.partition_point(|run| run.0 <= code);
        after.checked_sub(1).is_some_and(|at| code < self.runs[at].1)
    }

    /// The values at which membership can change, ascending: `x` at one of them may differ from `x` just below.
    #[must_use]
    pub fn boundaries(&self) -> Vec<f64> {
        if self.negative_fraction == NegativeFraction::NeverAny {
            return self.codes().flat_map(|code| [f64::from(code), f64::from(code).next_up()]).collect();
        }
        let member = |code: usize| self.words.get(code / 64).is_some_and(|w| w >> (code % 64) & 1 == 1);
        let start_of_zero = match self.negative_fraction {
            NegativeFraction::Invalid | NegativeFraction::NeverAny => 0.0,
            NegativeFraction::Zero => (-1.0_f64).next_up(),
        };
        let mut at = Vec::new();
        let mut inside = false;
        for code in 0..=self.words.len() * 64 {
            if member(code) != inside {
                inside = !inside;
                at.push(if code == 0 { start_of_zero } else { code as f64 });
            }
        }
        at.extend(self.runs.iter().flat_map(|&(start, end)| [f64::from(start), f64::from(end)]));
        at
    }

    /// The codes of the set, ascending.
    pub fn codes(&self) -> impl Iterator<Item = u32> {
        let bits = self.words.iter().enumerate();
        let small = bits.flat_map(|(at, word)| {
            (0..64).filter(move |b| word >> b & 1 == 1).map(move |b| at as u32 * 64 + b)
        });
        small.chain(self.runs.iter().flat_map(|&(start, end)| start..end))
    }
}

/// A node that sends rows to one of two children.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// The feature it looks at.
    pub feature: FeatureId,
    /// What it asks.
    pub test: Test,
    /// Where missing values go.
    pub missing: Missing,
    /// The child for rows that pass.
    pub yes: NodeId,
    /// The child for the others.
    pub no: NodeId,
}

impl Split {
    /// The side that a value takes; NaN is a missing value.
    #[must_use]
    #[inline]
    pub fn side(&self, x: f64, sets: &[CategorySet]) -> Side {
        let x = match self.missing {
            Missing::Goes(side) if x.is_nan() => return side,
            Missing::ZeroToo(side) if x.is_nan() || x.abs() <= ZERO_THRESHOLD => return side,
            Missing::IsZero if x.is_nan() => 0.0,
            _ => x,
        };
        Side::of(match self.test {
            Test::Below(threshold) => x < threshold,
            Test::AtMost(threshold) => x <= threshold,
            Test::In(set) => sets[set as usize].contains(x),
        })
    }

    /// The child on a side.
    #[must_use]
    #[inline]
    pub fn child(&self, side: Side) -> NodeId {
        match side {
            Side::Yes => self.yes,
            Side::No => self.no,
        }
    }
}

/// A node: it asks, or it answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    /// Sends rows on.
    Split(Split),
    /// Ends the walk; the number is the leaf's row in [`Tree::leaf_values`].
    Leaf(u32),
}

/// Which outputs a tree adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One output; leaves hold one value.
    One(OutputId),
    /// All of them; leaves hold a vector.
    All,
}

impl Target {
    /// Gives every value of a leaf (or of a node) with the output that it belongs to.
    #[inline(always)]
    pub fn each_output(self, values: &[f64], mut give: impl FnMut(usize, f64)) {
        match self {
            Self::One(output) => give(output.index(), values[0]),
            Self::All => values.iter().enumerate().for_each(|(output, &value)| give(output, value)),
        }
    }
}

/// What is wrong with the shape of a tree.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A child id beyond the tree.
    #[error(
        "node {node}: child {child} is out of range (the tree has {len} nodes); the file is damaged or was cut short"
    )]
    Child {
        /// The parent, by the file's number.
        node: u32,
        /// The child it names.
        child: i64,
        /// Nodes of the tree.
        len: usize,
    },
    /// A node is reached twice.
    #[error("node {node} has two parents or is its own ancestor; the file is damaged")]
    Shared {
        /// The node, by the file's number.
        node: u32,
    },
    /// A split on a feature that the model does not have.
    #[error(
        "node {node} splits on feature {feature}, but the model has {n_features} features; the file is damaged"
    )]
    Feature {
        /// The node, by the file's number.
        node: u32,
        /// The feature it names.
        feature: i64,
        /// Features of the model.
        n_features: usize,
    },
    /// A threshold, leaf or cover that no library writes.
    #[error("node {node}: {what} is {found}; the file is damaged")]
    Number {
        /// The node, by the file's number.
        node: u32,
        /// Which number.
        what: &'static str,
        /// What stands there.
        found: f64,
    },
    /// Too deep.
    #[error("node {node} is deeper than {MAX_DEPTH} levels, which no training library grows")]
    Deep {
        /// The node, by the file's number.
        node: u32,
    },
}

/// A binary tree. Every child comes after its parent; the root is node 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) covers: Vec<f64>,
    /// For each node the share of its parent's training weight.
    shares: Vec<f64>,
    /// What a row that nothing is known of is expected to get, by the shares: as many values as a leaf has.
    expected: Vec<f64>,
    depth: usize,
    pub(crate) leaf_values: Vec<f64>,
    pub(crate) width: usize,
    pub(crate) sets: Vec<CategorySet>,
    pub(crate) target: Target,
}

impl Tree {
    /// The nodes, parents before children.
    #[must_use]
    #[inline]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The training weight that reached each node (a count or a sum of hessians).
    #[must_use]
    pub fn covers(&self) -> &[f64] {
        &self.covers
    }

    /// The category sets that [`Test::In`] names.
    #[must_use]
    #[inline]
    pub fn sets(&self) -> &[CategorySet] {
        &self.sets
    }

    /// The same tree with the sets that its splits name.
    pub(crate) fn with_sets(self, sets: Vec<CategorySet>) -> Self {
        Self { sets, ..self }
    }

    /// Which outputs it adds to.
    #[must_use]
    #[inline]
    pub fn target(&self) -> Target {
        self.target
    }

    /// The values of one leaf: one number, or one an output.
    #[must_use]
    #[inline]
    pub fn leaf_values(&self, leaf: u32) -> &[f64] {
        &self.leaf_values[leaf as usize * self.width..][..self.width]
    }

    /// How many leaves it has.
    #[must_use]
    pub fn n_leaves(&self) -> usize {
        self.leaf_values.len() / self.width
    }

    /// How many splits lie on its longest path.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// What a row that nothing is known of is expected to get, by the shares: as many values as a leaf has.
    #[must_use]
    pub fn expected(&self) -> &[f64] {
        &self.expected
    }

    /// The leaf that a row ends in; `x` gives a feature's value, NaN where it is missing.
    pub fn leaf(&self, x: impl Fn(FeatureId) -> f64) -> u32 {
        let mut at = NodeId(0);
        loop {
            match &self.nodes[at.index()] {
                Node::Leaf(leaf) => return *leaf,
                Node::Split(split) => at = split.child(split.side(x(split.feature), &self.sets)),
            }
        }
    }

    /// The share of a split's training weight that went to a child.
    ///
    /// Computed from the two children and never from the parent, so that shares add up to one and
    /// attributions to the margin. Two empty children share equally, as in XGBoost; otherwise no
    /// share is below 1e-12.
    #[must_use]
    #[inline]
    pub fn share(&self, split: &Split, side: Side) -> f64 {
        self.shares[split.child(side).index()]
    }

    /// The same tree with other covers, told for its leaves: that of a split is the sum of its children's.
    pub(crate) fn with_leaf_covers(mut self, covers: &[f64]) -> Self {
        // Children come after their parents.
        for at in (0..self.nodes.len()).rev() {
            self.covers[at] = match &self.nodes[at] {
                Node::Leaf(leaf) => covers[*leaf as usize],
                Node::Split(split) => self.covers[split.yes.index()] + self.covers[split.no.index()],
            };
        }
        self.measured()
    }

    /// The tree with what follows from its nodes and covers.
    pub(crate) fn measured(mut self) -> Self {
        const LEAST: f64 = 1e-12;
        let n = self.nodes.len();
        let mut reached = vec![(1.0, 0); n];
        (self.shares, self.expected, self.depth) = (vec![1.0; n], vec![0.0; self.width], 0);
        // Children come after their parents.
        for at in 0..n {
            let (chance, depth) = reached[at];
            match &self.nodes[at] {
                Node::Split(split) => {
                    for (child, other) in [(split.yes, split.no), (split.no, split.yes)] {
                        let (own, other) = (self.covers[child.index()], self.covers[other.index()]);
                        let total = own + other;
                        let share = if total > 0.0 { (own / total).clamp(LEAST, 1.0 - LEAST) } else { 0.5 };
                        self.shares[child.index()] = share;
                        reached[child.index()] = (chance * share, depth + 1);
                    }
                }
                Node::Leaf(leaf) => {
                    self.depth = self.depth.max(depth);
                    let values = &self.leaf_values[*leaf as usize * self.width..][..self.width];
                    self.expected.iter_mut().zip(values).for_each(|(sum, value)| *sum += chance * value);
                }
            }
        }
        self
    }

    /// The tree that answers `values` to every row.
    #[must_use]
    pub fn one_leaf(values: Vec<f64>, target: Target) -> Self {
        let width = values.len().max(1);
        Self {
            nodes: vec![Node::Leaf(0)],
            covers: vec![1.0],
            leaf_values: values,
            ..Self::empty(width, target, Vec::new())
        }
        .measured()
    }

    fn empty(width: usize, target: Target, sets: Vec<CategorySet>) -> Self {
        let (nodes, covers, leaf_values) = (Vec::new(), Vec::new(), Vec::new());
        let (shares, expected) = (Vec::new(), Vec::new());
        Self { nodes, covers, shares, expected, depth: 0, leaf_values, width, sets, target }
    }

    /// Builds a tree from a file's nodes, following children from `root` and leaving out what is not
    /// reached (libraries keep pruned nodes in their arrays).
    ///
    /// `look` answers what stands at a file's node number, `0..len`.
    ///
    /// # Errors
    /// When a child is out of range, a node is reached twice, a feature does not exist, a number is not
    /// finite or a cover negative, or the tree is deeper than [`MAX_DEPTH`].
    pub fn build(
        len: usize,
        n_features: usize,
        width: usize,
        target: Target,
        sets: Vec<CategorySet>,
        mut look: impl FnMut(u32) -> Result<SourceNode, TreeError>,
    ) -> Result<Self, TreeError> {
        let mut tree = Self::empty(width, target, sets);
        let mut seen = vec![false; len];
        let mut open = vec![Open { source: 0, parent: 0, depth: 0, waiting: None }];
        while let Some(Open { source, parent, depth, waiting }) = open.pop() {
            let in_range = usize::try_from(source).ok().filter(|&at| at < len);
            let at = in_range.ok_or(TreeError::Child { node: parent, child: source, len })?;
            let number = at as u32;
            if std::mem::replace(&mut seen[at], true) {
                return Err(TreeError::Shared { node: number });
            }
            if depth > MAX_DEPTH {
                return Err(TreeError::Deep { node: number });
            }
            let id = tree.nodes.len();
            if let Some((waiter, side)) = waiting
                && let Node::Split(split) = &mut tree.nodes[waiter]
            {
                let slot = if side == Side::Yes { &mut split.yes } else { &mut split.no };
                *slot = NodeId::at(id);
            }
            let node = look(number)?;
            tree.covers.push(check(number, "cover", node.cover, |x| x >= 0.0)?);
            match node.what {
                SourceKind::Leaf(values) => {
                    tree.nodes.push(Node::Leaf(tree.n_leaves() as u32));
                    for value in values {
                        tree.leaf_values.push(check(number, "leaf value", value, |_| true)?);
                    }
                }
                SourceKind::Split { feature, test, missing, yes, no } => {
                    let known = usize::try_from(feature).ok().filter(|&f| f < n_features);
                    let feature = known.ok_or(TreeError::Feature { node: number, feature, n_features })?;
                    if let Test::Below(t) | Test::AtMost(t) = test
                        && t.is_nan()
                    {
                        return Err(TreeError::Number { node: number, what: "threshold", found: t });
                    }
                    let (feature, unset) = (FeatureId::at(feature), NodeId(0));
                    tree.nodes.push(Node::Split(Split { feature, test, missing, yes: unset, no: unset }));
                    let child = |source, side| Open {
                        source,
                        parent: number,
                        depth: depth + 1,
                        waiting: Some((id, side)),
                    };
                    open.extend([child(no, Side::No), child(yes, Side::Yes)]);
                }
            }
        }
        Ok(tree.measured())
    }
}

/// A node that is still to be looked at.
struct Open {
    /// Its number in the file, not yet checked.
    source: i64,
    /// Its parent's number in the file.
    parent: u32,
    depth: usize,
    /// Who waits for its new number: the parent, by the new number, and the side.
    waiting: Option<(usize, Side)>,
}

fn check(node: u32, what: &'static str, x: f64, fits: fn(f64) -> bool) -> Result<f64, TreeError> {
    if x.is_finite() && fits(x) { Ok(x) } else { Err(TreeError::Number { node, what, found: x }) }
}

/// A node as an importer finds it, with the file's own numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceNode {
    /// Training weight.
    pub cover: f64,
    /// Split or leaf.
    pub what: SourceKind,
}

/// What a file's node is.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// An answer: one value, or one an output.
    Leaf(Vec<f64>),
    /// A question.
    Split {
        /// Feature, not yet checked.
        feature: i64,
        /// What it asks.
        test: Test,
        /// Where missing values go.
        missing: Missing,
        /// Child for rows that pass, not yet checked.
        yes: i64,
        /// Child for the others, not yet checked.
        no: i64,
    },
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
