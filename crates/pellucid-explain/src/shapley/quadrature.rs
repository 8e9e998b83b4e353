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
//! Every factor lies in (0, 1], and none is below the least share of `paths.rs` times the smallest `1 - t`, so that its inverse is a
//! number and can be divided out again. (What a product loses that falls below 1e-300 is no part of any sum's digits.)
//!
//! The interaction of two features is the same integral without both factors, of degree $d - 2$. With $g_i = (o_i - r_i) / f_i$,
//! where f is the factor, a leaf adds $g_i g_j$ times its sum. On the way down, an edge on feature i changes $g_i g_j$ by
//! $(g_i - g_i') g_j$ for every other feature j of the path so far, and these changes add up to the product at the leaf: each
//! edge takes its changes on the way up, as it takes its feature's share.

use pellucid_data::{FeatureId, NodeId};
use pellucid_models::trees::{Node, Side, Target, Tree};

use super::bins::{Bins, Decision};
use super::columns::{Wanted, pair};
use super::paths::{LEAST_SHARE, Path, walk};

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

/// The inverses of an edge's factor at a point, for a row that passes its feature's splits so far, whose factor is
/// t + (1 - t) r, and for one that does not, whose factor is (1 - t) r.
#[derive(Debug, Clone, Copy)]
struct Inverses {
    hot: f64,
    cold: f64,
}

impl Inverses {
    fn new(share: f64, t: f64) -> Self {
        let cold = (1.0 - t) * share;
        Self { hot: 1.0 / (t + cold), cold: 1.0 / cold }
    }
}

/// One lane each: `a` where the mask is 1, else `b`. As a comparison of floats it stays in vector registers.
#[inline(always)]
fn choose(mask: &[f64; LANES], a: f64, b: f64) -> [f64; LANES] {
    std::array::from_fn(|lane| if mask[lane] != 0.0 { a } else { b })
}

/// The nearest edge above on the same feature.
#[derive(Debug, Clone, Copy)]
struct Above {
    level: usize,
    edge: usize,
}

#[derive(Debug, Clone)]
struct Edge {
    place: u32,
    decision: Decision,
    side: Side,
    /// Depth of the child.
    level: usize,
    share: f64,
    above: Option<Above>,
    /// Where its others begin and end.
    others: (usize, usize),
}

/// A split with leaves right below it. What they sum to is asked only, so that none needs factors of its own: they would be
/// divided out again.
#[derive(Debug, Clone)]
struct Twig {
    place: u32,
    decision: Decision,
    /// Depth of the split.
    level: usize,
    above: Option<Above>,
    others: (usize, usize),
    /// For either side: the share of the feature behind it, and where its leaf's values begin, if it is a leaf to integrate.
    leaves: [Option<(f64, usize)>; 2],
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// An edge by number.
    Down(usize),
    /// A twig by number.
    Twig(usize),
    Up(usize),
}

/// What has to be walked of one tree to integrate its long paths.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    steps: Vec<Step>,
    // One after the other as they are met: a walk of thousands of leaves is read for every few rows.
    edges: Vec<Edge>,
    twigs: Vec<Twig>,
    /// Edge × point.
    inverses: Vec<Inverses>,
    /// For pairs, of each edge and twig the other features of the path so far: depth of their nearest edge, and the column.
    others: Vec<(u32, u32)>,
    /// Of every leaf that is integrated.
    values: Vec<f64>,
    /// Points with their weights.
    points: Vec<(f64, f64)>,
    n_levels: usize,
    /// The outputs that each of a leaf's values belongs to.
    outputs: Vec<usize>,
    wanted: Wanted,
}

/// Points that integrate a leaf with so many distinct features on its path exactly.
pub(super) fn points_of(n_slots: usize, wanted: Wanted) -> usize {
    match wanted {
        Wanted::Values => n_slots.div_ceil(2).max(1),
        Wanted::Pairs => n_slots.saturating_sub(1).div_ceil(2).max(1),
    }
}

/// About how many bytes a walk to these leaves takes: factors of every edge and lanes of every level, for each point.
pub(super) fn bytes_of(tree: &Tree, leaves: &[NodeId], kind: Wanted) -> usize {
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
    let n_points = points_of(longest, kind);
    let lanes = (tree.depth() + 1).saturating_mul(3 * LANES * size_of::<f64>());
    let others =
        if kind == Wanted::Pairs { n_edges.saturating_mul(longest * size_of::<(u32, u32)>()) } else { 0 };
    n_edges
        .saturating_mul(size_of::<Inverses>())
        .saturating_add(lanes)
        .saturating_mul(n_points)
        .saturating_add(others)
}

/// Prepares the walk to these leaves.
pub(super) fn prepare(tree: &Tree, leaves: &[NodeId], bins: &Bins, kind: Wanted) -> Walk {
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
    let points = gauss_legendre(points_of(longest, kind));
    let mut walk_of = Walk {
        wanted: kind,
        steps: Vec::new(),
        edges: Vec::new(),
        twigs: Vec::new(),
        inverses: Vec::new(),
        others: Vec::new(),
        values: Vec::new(),
        points: points.clone(),
        n_levels: 1,
        outputs: match tree.target() {
            Target::One(output) => vec![output.index()],
            Target::All => (0..tree.leaf_values(0).len()).collect(),
        },
    };
    // Edges that are still open, from the root down, with their features.
    let mut open: Vec<(usize, FeatureId)> = Vec::new();
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        // Leaves stand in the twig of the split above them.
        let Node::Split(split) = &tree.nodes()[node.index()] else { return false };
        while open.len() > path.steps.len().max(1) - 1 {
            walk_of.steps.extend(open.pop().map(|(edge, _)| Step::Up(edge)));
        }
        if !wanted[node.index()] {
            return false;
        }
        if let Some(step) = path.steps.last()
            && let Node::Split(above) = &tree.nodes()[step.node.index()]
        {
            let share = path.slots[step.slot].share;
            let edge = Edge {
                others: walk_of.others_of(above.feature, path, &open, bins),
                place: bins.place(above.feature),
                decision: bins.decision(above, tree),
                side: step.side,
                level: path.steps.len(),
                share,
                above: walk_of.nearest(above.feature, &open),
            };
            let number = walk_of.edges.len();
            walk_of.inverses.extend(points.iter().map(|(t, _)| Inverses::new(share, *t)));
            walk_of.n_levels = walk_of.n_levels.max(edge.level + 1);
            walk_of.edges.push(edge);
            walk_of.steps.push(Step::Down(number));
            open.push((number, above.feature));
        }
        let so_far =
            path.slots.iter().find(|slot| slot.feature == split.feature).map_or(1.0, |slot| slot.share);
        let leaves = [Side::Yes, Side::No].map(|side| {
            let child = split.child(side);
            let Node::Leaf(leaf) = &tree.nodes()[child.index()] else { return None };
            let share = (so_far * tree.share(split, side)).max(LEAST_SHARE);
            let first = walk_of.values.len();
            wanted[child.index()].then(|| {
                walk_of.values.extend(tree.leaf_values(*leaf));
                (share, first)
            })
        });
        if leaves.iter().any(Option::is_some) {
            let twig = Twig {
                place: bins.place(split.feature),
                decision: bins.decision(split, tree),
                level: path.steps.len(),
                above: walk_of.nearest(split.feature, &open),
                others: walk_of.others_of(split.feature, path, &open, bins),
                leaves,
            };
            walk_of.steps.push(Step::Twig(walk_of.twigs.len()));
            walk_of.twigs.push(twig);
        }
        true
    });
    walk_of.steps.extend(open.into_iter().rev().map(|(edge, _)| Step::Up(edge)));
    walk_of
}

/// Memory of a walk, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// Level × point: the product of factors.
    products: Vec<[f64; LANES]>,
    /// Level × point: the sum over the leaves below, and of what it has become so far.
    sums: Vec<[f64; LANES]>,
    /// Level × point, for pairs: g of the edge's feature, and its change by the edge times the sums.
    gains: Vec<[f64; LANES]>,
    changes: Vec<[f64; LANES]>,
    /// Level: 1 if the row passes all splits on the edge's feature so far, else 0.
    passes: Vec<[f64; LANES]>,
}

impl Walk {
    /// The nearest open edge on a feature.
    fn nearest(&self, feature: FeatureId, open: &[(usize, FeatureId)]) -> Option<Above> {
        let (edge, _) = open.iter().rfind(|(_, of)| *of == feature)?;
        Some(Above { level: self.edges[*edge].level, edge: *edge })
    }

    /// For pairs, writes down the other features of a path.
    fn others_of(
        &mut self,
        feature: FeatureId,
        path: &Path,
        open: &[(usize, FeatureId)],
        bins: &Bins,
    ) -> (usize, usize) {
        let first = self.others.len();
        if self.wanted == Wanted::Pairs {
            for slot in path.slots.iter().filter(|slot| slot.feature != feature) {
                let [own, other] = [feature, slot.feature].map(|feature| bins.place(feature) as usize);
                let column = pair(own, other, bins.used.len()) as u32;
                let nearest = self.nearest(slot.feature, open);
                self.others.extend(nearest.map(|above| (above.level as u32, column)));
            }
        }
        (first, self.others.len())
    }

    /// Points of all edges that lead to splits and of all twigs, and of all their others.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let others =
            self.edges.iter().map(|edge| edge.others).chain(self.twigs.iter().map(|twig| twig.others));
        let n_others: usize = others.map(|(first, end)| end - first).sum();
        (self.points.len() * (self.edges.len() + self.twigs.len()), self.points.len() * n_others)
    }

    pub(crate) fn n_points(&self) -> usize {
        self.points.len()
    }

    /// Adds the attributions of up to [`LANES`] rows. `goes_yes` answers a split for each of them; `add`
    /// takes the values of a column (output × `width` + place, or pair).
    #[inline(always)]
    pub(crate) fn run(
        &self,
        lanes: &mut Lanes,
        width: usize,
        goes_yes: impl Fn(u32, Decision) -> [f64; LANES],
        mut add: impl FnMut(usize, &[f64; LANES]),
    ) {
        let n = self.points.len();
        lanes.products.resize(self.n_levels * n, [0.0; LANES]);
        lanes.sums.resize(self.n_levels * n, [0.0; LANES]);
        lanes.passes.resize(self.n_levels, [1.0; LANES]);
        if self.wanted == Wanted::Pairs {
            lanes.gains.resize(self.n_levels * n, [0.0; LANES]);
            lanes.changes.resize(n, [0.0; LANES]);
        }
        for (value_at, &output) in self.outputs.iter().enumerate() {
            lanes.products[..n].fill([1.0; LANES]);
            lanes.sums[..n].fill([0.0; LANES]);
            for step in &self.steps {
                // Asked at one place only, so that it is compiled into this loop, with its instructions.
                let asked = match *step {
                    Step::Down(edge) => Some((self.edges[edge].place, self.edges[edge].decision)),
                    Step::Twig(twig) => Some((self.twigs[twig].place, self.twigs[twig].decision)),
                    Step::Up(_) => None,
                };
                let yes = match asked {
                    Some((place, decision)) => goes_yes(place, decision),
                    None => [0.0; LANES],
                };
                let (place, others) = match *step {
                    Step::Down(edge) => {
                        self.down(lanes, edge, &yes);
                        continue;
                    }
                    Step::Twig(twig) => (self.twigs[twig].place, self.twigs[twig].others),
                    Step::Up(edge) => (self.edges[edge].place, self.edges[edge].others),
                };
                let part = match *step {
                    Step::Twig(twig) => self.twig(lanes, &self.twigs[twig], value_at, &yes),
                    Step::Down(edge) | Step::Up(edge) => {
                        let part = match self.wanted {
                            Wanted::Values => self.share(lanes, edge),
                            Wanted::Pairs => self.change(lanes, &self.edges[edge]),
                        };
                        self.up(lanes, &self.edges[edge]);
                        part
                    }
                };
                match self.wanted {
                    Wanted::Values => add(output * width + place as usize, &part),
                    Wanted::Pairs => self.pairs(lanes, others, |column, part| {
                        add(output * width + column as usize, part);
                    }),
                }
            }
        }
    }

    /// The inverses of an edge, point by point.
    #[inline(always)]
    fn inverses(&self, edge: usize) -> &[Inverses] {
        &self.inverses[edge * self.points.len()..][..self.points.len()]
    }

    #[inline(always)]
    fn down(&self, lanes: &mut Lanes, number: usize, goes_yes: &[f64; LANES]) {
        let (n, edge) = (self.points.len(), &self.edges[number]);
        let held = edge.above.map_or([1.0; LANES], |above| lanes.passes[above.level]);
        let wanted = f64::from(edge.side == Side::Yes);
        let passes: [f64; LANES] =
            std::array::from_fn(|lane| if goes_yes[lane] == wanted { held[lane] } else { 0.0 });
        lanes.passes[edge.level] = passes;
        let (parents, children) = lanes.products.split_at_mut(edge.level * n);
        let (parents, children) = (&parents[(edge.level - 1) * n..], &mut children[..n]);
        let above = edge.above.map(|above| self.inverses(above.edge));
        for (at, ((parent, child), (t, _))) in parents.iter().zip(children).zip(&self.points).enumerate() {
            let cold = (1.0 - t) * edge.share;
            let mut scale = choose(&passes, t + cold, cold);
            if let Some(above) = above {
                // The feature's factor so far is divided out.
                let inverse = choose(&held, above[at].hot, above[at].cold);
                scale.iter_mut().zip(inverse).for_each(|(scale, inverse)| *scale *= inverse);
            }
            for lane in 0..LANES {
                child[lane] = parent[lane] * scale[lane];
            }
        }
        lanes.sums[edge.level * n..][..n].fill([0.0; LANES]);
        if self.wanted == Wanted::Pairs {
            for (gain, inverse) in lanes.gains[edge.level * n..].iter_mut().zip(self.inverses(number)) {
                // A row that passes has o = 1, another o = 0.
                *gain = choose(&passes, (1.0 - edge.share) * inverse.hot, -edge.share * inverse.cold);
            }
        }
    }

    /// Adds the leaves of a split to its sums, and answers what they give its feature; for pairs also leaves its changes.
    #[inline(always)]
    fn twig(&self, lanes: &mut Lanes, twig: &Twig, value_at: usize, goes_yes: &[f64; LANES]) -> [f64; LANES] {
        let n = self.points.len();
        let held = twig.above.map_or([1.0; LANES], |above| lanes.passes[above.level]);
        let (mut of_passes, mut of_shares) = ([0.0; LANES], 0.0);
        for (leaf, wanted) in twig.leaves.iter().zip([1.0, 0.0]) {
            let Some((share, first)) = leaf else { continue };
            let value = self.values[first + value_at];
            for lane in 0..LANES {
                of_passes[lane] += if goes_yes[lane] == wanted { held[lane] * value } else { 0.0 };
            }
            of_shares += share * value;
        }
        let mut part = [0.0; LANES];
        let products = &lanes.products[twig.level * n..][..n];
        let sums = &mut lanes.sums[twig.level * n..][..n];
        for (point, ((product, sum), (t, weight))) in products.iter().zip(sums).zip(&self.points).enumerate()
        {
            let (t_weight, rest) = (t * weight, (1.0 - t) * weight * of_shares);
            let (mut product, mut back) = (*product, [0.0; LANES]);
            if let Some(above) = twig.above {
                let (at, share) = (self.inverses(above.edge)[point], self.edges[above.edge].share);
                let inverse = choose(&held, at.hot, at.cold);
                product.iter_mut().zip(inverse).for_each(|(product, inverse)| *product *= inverse);
                back = choose(&held, (1.0 - share) * at.hot, -share * at.cold);
            }
            let mut change = [0.0; LANES];
            for lane in 0..LANES {
                let own = product[lane] * (of_passes[lane] * t_weight + rest);
                sum[lane] += own;
                change[lane] = product[lane] * ((of_passes[lane] - of_shares) * weight) - own * back[lane];
                part[lane] += change[lane];
            }
            if self.wanted == Wanted::Pairs {
                lanes.changes[point] = change;
            }
        }
        part
    }

    /// Carries the sums of an edge up.
    #[inline(always)]
    fn up(&self, lanes: &mut Lanes, edge: &Edge) {
        let n = self.points.len();
        let (parents, children) = lanes.sums.split_at_mut(edge.level * n);
        for (parent, child) in parents[(edge.level - 1) * n..].iter_mut().zip(&children[..n]) {
            parent.iter_mut().zip(child).for_each(|(parent, child)| *parent += child);
        }
    }

    /// What an edge gives its feature.
    #[inline(always)]
    fn share(&self, lanes: &Lanes, number: usize) -> [f64; LANES] {
        let (n, edge) = (self.points.len(), &self.edges[number]);
        let sums = &lanes.sums[edge.level * n..][..n];
        let mut part = self.taken(sums, number, &lanes.passes[edge.level]);
        if let Some(above) = edge.above {
            // The edge above counts these leaves as if its own state were final; take that back.
            let back = self.taken(sums, above.edge, &lanes.passes[above.level]);
            part.iter_mut().zip(back).for_each(|(part, back)| *part -= back);
        }
        part
    }

    /// How an edge changes what its feature has in pairs, point by point, and that summed.
    #[inline(always)]
    fn change(&self, lanes: &mut Lanes, edge: &Edge) -> [f64; LANES] {
        let n = self.points.len();
        let sums = &lanes.sums[edge.level * n..][..n];
        let own = &lanes.gains[edge.level * n..][..n];
        let mut part = [0.0; LANES];
        for (point, change) in lanes.changes.iter_mut().enumerate().take(n) {
            let before = edge.above.map_or([0.0; LANES], |above| lanes.gains[above.level * n + point]);
            *change = std::array::from_fn(|lane| sums[point][lane] * (own[point][lane] - before[lane]));
            part.iter_mut().zip(*change).for_each(|(part, change)| *part += change);
        }
        part
    }

    /// What changes give the pairs with other features.
    #[inline(always)]
    fn pairs(&self, lanes: &Lanes, (first, end): (usize, usize), mut add: impl FnMut(u32, &[f64; LANES])) {
        let n = self.points.len();
        for &(level, column) in &self.others[first..end] {
            let mut part = [0.0; LANES];
            for (change, gain) in lanes.changes[..n].iter().zip(&lanes.gains[level as usize * n..][..n]) {
                for lane in 0..LANES {
                    part[lane] += change[lane] * gain[lane];
                }
            }
            add(column, &part);
        }
    }

    /// The part of a feature in sums that hold its factor.
    #[inline(always)]
    fn taken(&self, sums: &[[f64; LANES]], edge: usize, passes: &[f64; LANES]) -> [f64; LANES] {
        let mut integral = [0.0; LANES];
        for (sums, inverse) in sums.iter().zip(self.inverses(edge)) {
            let inverse = choose(passes, inverse.hot, inverse.cold);
            for lane in 0..LANES {
                integral[lane] += sums[lane] * inverse[lane];
            }
        }
        let share = self.edges[edge].share;
        std::array::from_fn(|lane| integral[lane] * (passes[lane] - share))
    }
}
