//! What does a leaf give each feature, when its path is too long for a table?
//!
//! Quadrature-TreeSHAP (Wettenstein, Mitchell and Yu 2026, arXiv 2605.04497): the Shapley value is the
//! expected gain when every other feature is known with probability $t$, averaged over $t$,
//!
//! $$ \phi_i = w (o_i - r_i) \int_0^1 \prod_{u \ne i} \bigl( t\, o_u + (1 - t)\, r_u \bigr) \, dt . $$
//!
//! The integrand is a polynomial of degree $d - 1$ in $t$, so Gauss-Legendre with
//! $\lceil d/2 \rceil$ points is exact up to rounding. One walk over the tree serves all leaves: the product is
//! carried down, the leaves' sums are carried up, and each edge takes its feature's share on the way.
//! Every factor lies in (0, 1] and none is below the least share of `paths.rs`, so that its inverse is a number, and
//! dividing one out again loses no digits.

use pellucid_data::NodeId;
use pellucid_models::trees::{Node, Side, Target, Tree};

use super::bins::{Bins, Decision};
use super::paths::{Path, walk};

/// Rows that are integrated together.
pub(crate) const LANES: usize = 16;

/// Points and weights of Gauss-Legendre quadrature on [0, 1], exact for polynomials of degree `2n - 1`.
///
/// Roots of the Legendre polynomial by Newton's method from Tricomi's first guess.
#[must_use]
pub fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let size = n as f64;
    let root = |k: usize| {
        let mut x = (std::f64::consts::PI * (k as f64 + 0.75) / (size + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..100 {
            let (mut p, mut before) = (1.0, 0.0);
            for j in 0..n {
                let j = j as f64;
                (p, before) = (((2.0 * j + 1.0) * x * p - j * before) / (j + 1.0), p);
            }
            slope = size * (x * p - before) / (x * x - 1.0);
            let step = p / slope;
            x -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        // From [-1, 1] to [0, 1].
        ((1.0 - x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(root).collect()
}

/// The factor of one feature on the way down, for a row that passes its splits (`hot`) and one that does
/// not, with their inverses.
#[derive(Debug, Clone)]
struct Factor {
    share: f64,
    points: Vec<Point>,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    hot: f64,
    cold: f64,
    hot_inverse: f64,
    cold_inverse: f64,
}

impl Factor {
    fn new(share: f64, points: &[(f64, f64)]) -> Self {
        let point = |&(t, _): &(f64, f64)| {
            let cold = (1.0 - t) * share;
            let hot = t + cold;
            Point { hot, cold, hot_inverse: 1.0 / hot, cold_inverse: 1.0 / cold }
        };
        Self { share, points: points.iter().map(point).collect() }
    }
}

/// One lane each: `a` where the mask is 1, else `b`. As a comparison of floats it stays in vector registers.
#[inline(always)]
fn choose(mask: &[f64; LANES], a: f64, b: f64) -> [f64; LANES] {
    std::array::from_fn(|lane| if mask[lane] != 0.0 { a } else { b })
}

#[derive(Debug, Clone)]
struct Edge {
    place: u32,
    decision: Decision,
    side: Side,
    /// Depth of the child.
    level: usize,
    factor: usize,
    /// The nearest edge above on the same feature: its depth and factor.
    above: Option<(usize, usize)>,
}

#[derive(Debug, Clone)]
enum Step {
    Down(Edge),
    Leaf { level: usize, values: Vec<f64> },
    Up(Edge),
}

/// What has to be walked of one tree to integrate its long paths.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    steps: Vec<Step>,
    factors: Vec<Factor>,
    weights: Vec<f64>,
    n_levels: usize,
    /// The outputs that each of a leaf's values belongs to.
    outputs: Vec<usize>,
}

/// About how many bytes a walk to these leaves takes: factors of every edge and lanes of every level, for each point.
pub(crate) fn bytes_of(tree: &Tree, leaves: &[NodeId]) -> usize {
    let mut wanted = vec![false; tree.nodes().len()];
    leaves.iter().for_each(|leaf| wanted[leaf.index()] = true);
    let mut n_edges = 0_usize;
    for (at, node) in tree.nodes().iter().enumerate().rev() {
        if let Node::Split(split) = node {
            let below = [split.yes, split.no].iter().filter(|child| wanted[child.index()]).count();
            wanted[at] = below > 0;
            n_edges += below;
        }
    }
    let mut longest = 0;
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        longest = longest.max(if wanted[node.index()] { path.slots.len() } else { 0 });
        wanted[node.index()]
    });
    let n_points = longest.div_ceil(2).max(1);
    let lanes = (tree.depth() + 1).saturating_mul(2 * LANES * size_of::<f64>());
    n_edges.saturating_mul(size_of::<Point>()).saturating_add(lanes).saturating_mul(n_points)
}

/// Prepares the walk to these leaves.
pub(crate) fn prepare(tree: &Tree, leaves: &[NodeId], bins: &Bins) -> Walk {
    let mut wanted = vec![false; tree.nodes().len()];
    leaves.iter().for_each(|leaf| wanted[leaf.index()] = true);
    for (at, node) in tree.nodes().iter().enumerate().rev() {
        if let Node::Split(split) = node {
            wanted[at] = wanted[split.yes.index()] || wanted[split.no.index()];
        }
    }
    let mut longest = 1;
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        longest = longest.max(if wanted[node.index()] { path.slots.len() } else { 0 });
        wanted[node.index()]
    });
    let points = gauss_legendre(longest.div_ceil(2));
    let mut walk_of = Walk {
        steps: Vec::new(),
        factors: Vec::new(),
        weights: points.iter().map(|(_, weight)| *weight).collect(),
        n_levels: 1,
        outputs: match tree.target() {
            Target::One(output) => vec![output.index()],
            Target::All => (0..tree.leaf_values(0).len()).collect(),
        },
    };
    // Edges that are still open, from the root down.
    let mut open: Vec<Edge> = Vec::new();
    let mut features: Vec<u32> = Vec::new();
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        while open.len() >= path.steps.len().max(1) {
            features.pop();
            walk_of.steps.extend(open.pop().map(Step::Up));
        }
        if !wanted[node.index()] {
            return false;
        }
        if let Some(step) = path.steps.last()
            && let Node::Split(split) = &tree.nodes()[step.node.index()]
        {
            let nearest = features.iter().rposition(|&f| f == split.feature.0);
            let edge = Edge {
                place: bins.place(split.feature),
                decision: bins.decision(split, tree),
                side: step.side,
                level: path.steps.len(),
                factor: walk_of.factors.len(),
                above: nearest.map(|at| (open[at].level, open[at].factor)),
            };
            walk_of.factors.push(Factor::new(path.slots[step.slot].share, &points));
            walk_of.n_levels = walk_of.n_levels.max(edge.level + 1);
            walk_of.steps.push(Step::Down(edge.clone()));
            open.push(edge);
            features.push(split.feature.0);
        }
        if let Node::Leaf(leaf) = tree.nodes()[node.index()] {
            let values = tree.leaf_values(leaf).to_vec();
            walk_of.steps.push(Step::Leaf { level: path.steps.len(), values });
        }
        true
    });
    walk_of.steps.extend(open.into_iter().rev().map(Step::Up));
    walk_of
}

/// Memory of a walk, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// Level × point: the product of factors.
    products: Vec<[f64; LANES]>,
    /// Level × point: the sum over the leaves below, and of what it has become so far.
    sums: Vec<[f64; LANES]>,
    /// Level: 1 if the row passes all splits on the edge's feature so far, else 0.
    passes: Vec<[f64; LANES]>,
}

impl Walk {
    pub(crate) fn n_points(&self) -> usize {
        self.weights.len()
    }

    /// Adds the attributions of up to [`LANES`] rows. `goes_yes` answers a split for each of them; `add`
    /// takes the values of a column (output × `n_used` + place).
    #[inline(always)]
    pub(crate) fn run(
        &self,
        lanes: &mut Lanes,
        n_used: usize,
        goes_yes: impl Fn(u32, Decision) -> [f64; LANES],
        mut add: impl FnMut(usize, &[f64; LANES]),
    ) {
        let n = self.weights.len();
        lanes.products.resize(self.n_levels * n, [0.0; LANES]);
        lanes.sums.resize(self.n_levels * n, [0.0; LANES]);
        lanes.passes.resize(self.n_levels, [1.0; LANES]);
        for (value_at, &output) in self.outputs.iter().enumerate() {
            lanes.products[..n].fill([1.0; LANES]);
            lanes.sums[..n].fill([0.0; LANES]);
            for step in &self.steps {
                match step {
                    Step::Down(edge) => self.down(lanes, edge, &goes_yes(edge.place, edge.decision)),
                    Step::Leaf { level, values } => {
                        for (point, weight) in self.weights.iter().enumerate() {
                            let at = level * n + point;
                            let scale = weight * values[value_at];
                            lanes.sums[at] = lanes.products[at].map(|product| product * scale);
                        }
                    }
                    Step::Up(edge) => {
                        let part = self.up(lanes, edge);
                        add(output * n_used + edge.place as usize, &part);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn down(&self, lanes: &mut Lanes, edge: &Edge, goes_yes: &[f64; LANES]) {
        let n = self.weights.len();
        let held = edge.above.map_or([1.0; LANES], |(level, _)| lanes.passes[level]);
        let wanted = f64::from(edge.side == Side::Yes);
        let passes: [f64; LANES] =
            std::array::from_fn(|lane| if goes_yes[lane] == wanted { held[lane] } else { 0.0 });
        lanes.passes[edge.level] = passes;
        let factor = &self.factors[edge.factor];
        let (parents, children) = lanes.products.split_at_mut(edge.level * n);
        let pairs = parents[(edge.level - 1) * n..].iter().zip(&mut children[..n]);
        for (at, (parent, child)) in pairs.enumerate() {
            let point = factor.points[at];
            let mut scale = choose(&passes, point.hot, point.cold);
            if let Some((_, above)) = edge.above {
                // The feature's factor so far is divided out.
                let above = self.factors[above].points[at];
                let inverse = choose(&held, above.hot_inverse, above.cold_inverse);
                scale.iter_mut().zip(inverse).for_each(|(scale, inverse)| *scale *= inverse);
            }
            for lane in 0..LANES {
                child[lane] = parent[lane] * scale[lane];
            }
        }
        lanes.sums[edge.level * n..][..n].fill([0.0; LANES]);
    }

    /// Carries the sums of an edge up and answers its feature's part.
    #[inline(always)]
    fn up(&self, lanes: &mut Lanes, edge: &Edge) -> [f64; LANES] {
        let n = self.weights.len();
        let (parents, children) = lanes.sums.split_at_mut(edge.level * n);
        let children = &children[..n];
        let mut part = self.taken(children, edge.factor, &lanes.passes[edge.level]);
        if let Some((level, factor)) = edge.above {
            // The edge above counts these leaves as if its own state were final; take that back.
            let back = self.taken(children, factor, &lanes.passes[level]);
            part.iter_mut().zip(back).for_each(|(part, back)| *part -= back);
        }
        for (parent, child) in parents[(edge.level - 1) * n..].iter_mut().zip(children) {
            parent.iter_mut().zip(child).for_each(|(parent, child)| *parent += child);
        }
        part
    }

    /// The part of a feature in sums that hold its factor.
    #[inline(always)]
    fn taken(&self, sums: &[[f64; LANES]], factor: usize, passes: &[f64; LANES]) -> [f64; LANES] {
        let factor = &self.factors[factor];
        let mut integral = [0.0; LANES];
        for (sums, point) in sums.iter().zip(&factor.points) {
            let inverse = choose(passes, point.hot_inverse, point.cold_inverse);
            for lane in 0..LANES {
                integral[lane] += sums[lane] * inverse[lane];
            }
        }
        std::array::from_fn(|lane| integral[lane] * (passes[lane] - factor.share))
    }
}
