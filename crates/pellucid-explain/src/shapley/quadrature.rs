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
//! Every factor lies in (0, 1], so nothing overflows, and dividing one out again loses no digits.

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

/// The factor of one feature on the way down, for a row that passes its splits (`hot`) and one that does not.
#[derive(Debug, Clone)]
struct Factor {
    share: f64,
    hot: Vec<f64>,
    cold: Vec<f64>,
}

impl Factor {
    fn new(share: f64, points: &[(f64, f64)]) -> Self {
        let cold: Vec<f64> = points.iter().map(|(t, _)| (1.0 - t) * share).collect();
        let hot = points.iter().zip(&cold).map(|((t, _), cold)| t + cold).collect();
        Self { share, hot, cold }
    }
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

/// Prepares the walk to these leaves.
pub(crate) fn prepare(tree: &Tree, leaves: &[NodeId], bins: &mut Bins) -> Walk {
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
    /// Level: whether the row passes all splits on the edge's feature so far.
    passes: Vec<[bool; LANES]>,
}

impl Walk {
    pub(crate) fn n_points(&self) -> usize {
        self.weights.len()
    }

    /// Adds the attributions of up to [`LANES`] rows. `goes_yes` answers a split for each of them; `add`
    /// takes the values of a column (output × `n_used` + place).
    pub(crate) fn run(
        &self,
        lanes: &mut Lanes,
        n_used: usize,
        goes_yes: impl Fn(u32, Decision) -> [bool; LANES],
        mut add: impl FnMut(usize, &[f64; LANES]),
    ) {
        let n = self.weights.len();
        lanes.products.resize(self.n_levels * n, [0.0; LANES]);
        lanes.sums.resize(self.n_levels * n, [0.0; LANES]);
        lanes.passes.resize(self.n_levels, [true; LANES]);
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

    fn down(&self, lanes: &mut Lanes, edge: &Edge, goes_yes: &[bool; LANES]) {
        let n = self.weights.len();
        let before = edge.above.map(|(level, _)| lanes.passes[level]);
        let passes: [bool; LANES] = std::array::from_fn(|lane| {
            goes_yes[lane] == (edge.side == Side::Yes) && before.is_none_or(|before| before[lane])
        });
        lanes.passes[edge.level] = passes;
        let factor = &self.factors[edge.factor];
        let above = edge.above.map(|(_, factor)| &self.factors[factor]);
        let (parents, children) = lanes.products.split_at_mut(edge.level * n);
        let parents = &parents[(edge.level - 1) * n..];
        for point in 0..n {
            let (hot, cold) = (factor.hot[point], factor.cold[point]);
            let (hot, cold, stale) = match above {
                None => (hot, cold, cold),
                // The feature's factor so far is divided out.
                Some(above) => (hot / above.hot[point], cold / above.hot[point], cold / above.cold[point]),
            };
            for lane in 0..LANES {
                let held = before.is_none_or(|before| before[lane]);
                let factor = if passes[lane] { hot } else if held { cold } else { stale };
                children[point][lane] = parents[point][lane] * factor;
            }
        }
        lanes.sums[edge.level * n..][..n].fill([0.0; LANES]);
    }

    /// Carries the sums of an edge up and answers its feature's part.
    fn up(&self, lanes: &mut Lanes, edge: &Edge) -> [f64; LANES] {
        let n = self.weights.len();
        let (parents, children) = lanes.sums.split_at_mut(edge.level * n);
        let parents = &mut parents[(edge.level - 1) * n..];
        let mut part = [0.0; LANES];
        let mut take = |sign: f64, factor: &Factor, passes: &[bool; LANES]| {
            let mut integral = [0.0; LANES];
            for (point, sums) in children[..n].iter().enumerate() {
                let (hot, cold) = (1.0 / factor.hot[point], 1.0 / factor.cold[point]);
                for lane in 0..LANES {
                    integral[lane] += sums[lane] * if passes[lane] { hot } else { cold };
                }
            }
            for lane in 0..LANES {
                part[lane] += sign * integral[lane] * (f64::from(passes[lane]) - factor.share);
            }
        };
        take(1.0, &self.factors[edge.factor], &lanes.passes[edge.level]);
        if let Some((level, factor)) = edge.above {
            // The edge above counts these leaves as if its own state were final; take that back.
            take(-1.0, &self.factors[factor], &lanes.passes[level]);
        }
        for (parent, child) in parents[..n].iter_mut().zip(&children[..n]) {
            parent.iter_mut().zip(child).for_each(|(parent, child)| *parent += child);
        }
        part
    }
}
