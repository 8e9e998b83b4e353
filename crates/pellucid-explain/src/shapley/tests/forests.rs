//! Random ensembles with everything that files can hold: repeats, missing rules, categories, zero covers.

use pellucid_data::OutputId;
use pellucid_models::Link;
use pellucid_models::trees::node::{SourceKind, SourceNode};
use pellucid_models::trees::{
    CategorySet, Ensemble, Feature, FeatureKind, FeatureMatrix, InputCast, Missing, NegativeFraction, Origin,
    Side, Summation, Target, Test, Tree,
};

/// SplitMix64: enough randomness for tests, the same everywhere.
pub(in crate::shapley) struct Rng(pub(in crate::shapley) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
}

#[derive(Debug, Clone, Copy)]
pub(in crate::shapley) struct Shape {
    pub(in crate::shapley) n_features: usize,
    pub(in crate::shapley) depth: usize,
    pub(in crate::shapley) n_trees: usize,
    pub(in crate::shapley) n_outputs: usize,
    pub(in crate::shapley) vector_leaves: bool,
    /// The chance that a node above the greatest depth splits.
    pub(in crate::shapley) bushy: f64,
    /// Whether splits only compare numbers, so that leaves are boxes.
    pub(in crate::shapley) is_plain: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            n_features: 5,
            depth: 5,
            n_trees: 3,
            n_outputs: 1,
            vector_leaves: false,
            bushy: 0.8,
            is_plain: false,
        }
    }
}

/// Thresholds and values lie on one small grid, so that ties happen.
fn grid(rng: &mut Rng) -> f64 {
    match rng.below(12) {
        0 => 1e-36,
        1 => -1e-36,
        2 => -0.0,
        _ => rng.below(9) as f64 - 4.0,
    }
}

fn side(rng: &mut Rng) -> Side {
    Side::of(rng.chance(0.5))
}

fn random_split(
    rng: &mut Rng,
    is_plain: bool,
    feature: usize,
    sets: &mut Vec<CategorySet>,
    yes: usize,
    no: usize,
) -> SourceNode {
    let negative = if rng.chance(0.5) { NegativeFraction::Zero } else { NegativeFraction::Invalid };
    let test = match rng.below(if is_plain { 3 } else { 4 }) {
        0 => Test::Below(grid(rng)),
        1 | 2 => Test::AtMost(if rng.chance(0.05) { f64::INFINITY } else { grid(rng) }),
        _ => {
            let codes: Vec<u32> = (0..5).filter(|_| rng.chance(0.4)).collect();
            sets.push(CategorySet::new(codes, negative));
            Test::In(sets.len() as u32 - 1)
        }
    };
    let missing = match rng.below(if is_plain { 2 } else { 3 }) {
        0 => Missing::Goes(side(rng)),
        1 => Missing::IsZero,
        _ => Missing::ZeroToo(side(rng)),
    };
    let what = SourceKind::Split { feature: feature as i64, test, missing, yes: yes as i64, no: no as i64 };
    SourceNode { cover: cover(rng), what }
}

fn cover(rng: &mut Rng) -> f64 {
    if rng.chance(0.15) { 0.0 } else { rng.below(50) as f64 + rng.unit() }
}

fn random_leaf(rng: &mut Rng, width: usize) -> SourceNode {
    let values = (0..width).map(|_| rng.unit() * 4.0 - 2.0).collect();
    SourceNode { cover: cover(rng), what: SourceKind::Leaf(values) }
}

fn random_tree(rng: &mut Rng, shape: Shape, target: Target) -> Tree {
    let width = if target == Target::All { shape.n_outputs } else { 1 };
    let mut sets = Vec::new();
    let mut nodes: Vec<Option<SourceNode>> = vec![None];
    let mut open = vec![(0, 0)];
    while let Some((at, depth)) = open.pop() {
        if depth < shape.depth && rng.chance(shape.bushy) {
            let (yes, no) = (nodes.len(), nodes.len() + 1);
            nodes.extend([None, None]);
            open.extend([(yes, depth + 1), (no, depth + 1)]);
            let feature = rng.below(shape.n_features);
            nodes[at] = Some(random_split(rng, shape.is_plain, feature, &mut sets, yes, no));
        } else {
            nodes[at] = Some(random_leaf(rng, width));
        }
    }
    Tree::build(nodes.len(), shape.n_features, width, target, sets, |at| {
        Ok(nodes[at as usize].clone().unwrap())
    })
    .unwrap()
}

pub(in crate::shapley) fn ensemble(trees: Vec<Tree>, n_features: usize, base: Vec<f64>) -> Ensemble {
    let feature = |at: usize| Feature { name: format!("x{at}"), kind: FeatureKind::Number };
    Ensemble {
        origin: Origin {
            library: "test",
            format: "none",
            version: None,
            objective: String::new(),
            notes: Vec::new(),
        },
        features: (0..n_features).map(feature).collect(),
        named: true,
        trees,
        linear: None,
        base,
        average_over: 1,
        link: Link::Identity,
        cast: InputCast::F64,
        summation: Summation::F64,
        has_covers: true,
    }
}

pub(in crate::shapley) fn forest(rng: &mut Rng, shape: Shape) -> Ensemble {
    let trees = (0..shape.n_trees).map(|at| {
        let target =
            if shape.vector_leaves { Target::All } else { Target::One(OutputId::at(at % shape.n_outputs)) };
        random_tree(rng, shape, target)
    });
    let trees = trees.collect();
    ensemble(trees, shape.n_features, (0..shape.n_outputs).map(|k| k as f64 - 0.5).collect())
}

/// Trees whose splits of one level ask the same; questions may repeat.
pub(in crate::shapley) fn symmetric(
    rng: &mut Rng,
    n_features: usize,
    depth: usize,
    n_trees: usize,
) -> Ensemble {
    let tree = |rng: &mut Rng| {
        let mut sets = Vec::new();
        let levels: Vec<SourceNode> = (0..depth)
            .map(|_| {
                let feature = rng.below(n_features);
                random_split(rng, false, feature, &mut sets, 0, 0)
            })
            .collect();
        let n_leaves = 1_usize << depth;
        let leaves: Vec<SourceNode> = (0..n_leaves).map(|_| random_leaf(rng, 1)).collect();
        Tree::build(2 * n_leaves - 1, n_features, 1, Target::One(OutputId(0)), sets, |at| {
            let level = (at + 1).ilog2() as usize;
            if level == depth {
                return Ok(leaves[at as usize + 1 - n_leaves].clone());
            }
            let SourceKind::Split { feature, test, missing, .. } = levels[level].what else { unreachable!() };
            let (yes, no) = (2 * i64::from(at) + 1, 2 * i64::from(at) + 2);
            let what = SourceKind::Split { feature, test, missing, yes, no };
            Ok(SourceNode { cover: 1.0 + f64::from(at % 7), what })
        })
        .unwrap()
    };
    let trees = (0..n_trees).map(|_| tree(rng)).collect();
    ensemble(trees, n_features, vec![0.5])
}

/// A tree with one long path over `d` distinct features, each split twice on average, and leaves beside it.
pub(in crate::shapley) fn chain(rng: &mut Rng, d: usize) -> Ensemble {
    let mut order: Vec<usize> = (0..d).chain((0..d).map(|_| rng.below(d))).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, rng.below(at + 1));
    }
    let mut nodes = Vec::new();
    for feature in order {
        let at = nodes.len();
        let what = SourceKind::Split {
            feature: feature as i64,
            test: Test::Below(grid(rng)),
            missing: Missing::Goes(side(rng)),
            yes: at as i64 + 1,
            no: at as i64 + 2,
        };
        let mut leaf = random_leaf(rng, 1);
        leaf.cover = 1.0 + rng.unit() * 9.0;
        nodes.push(SourceNode { cover: 1.0, what });
        nodes.push(leaf);
    }
    nodes.push(random_leaf(rng, 1));
    // What hangs below a split weighs as much as a few leaves.
    nodes.iter_mut().for_each(|node| node.cover = node.cover.max(0.5) * (1.0 + rng.unit()));
    let target = Target::One(OutputId(0));
    let tree =
        Tree::build(nodes.len(), d, 1, target, Vec::new(), |at| Ok(nodes[at as usize].clone())).unwrap();
    ensemble(vec![tree], d, vec![0.25])
}

pub(in crate::shapley) fn rows_for(rng: &mut Rng, model: &Ensemble, n: usize) -> FeatureMatrix {
    let value = |rng: &mut Rng| match rng.below(10) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => grid(rng).next_up(),
        4 => grid(rng).next_down(),
        5 => rng.unit() - 1.5,
        _ => grid(rng),
    };
    let columns = (0..model.features.len()).map(|_| (0..n).map(|_| value(rng)).collect());
    FeatureMatrix::new(columns.collect(), n, model.cast).unwrap()
}
