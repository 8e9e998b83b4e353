//! How are a few rows explained, before any table pays? Each by one walk over the nodes of every tree, with nothing made ready.
//!
//! The integral of [`super::quadrature`], whose points stand side by side here instead of rows. An edge multiplies the product by its
//! feature's factor f, and divides by the factor that the feature had so far; the sum S over the leaves below comes back up, and the
//! feature gets $\int S \, (g - g_0) \, dt$, where $g = (o - r) / f$ and $g_0$ is what that was above. A feature that was not seen yet
//! has o = r = f = 1, so that the first edge of a feature is like any other.

use pellucid_data::{Level, NodeId};
use pellucid_models::trees::{Ensemble, FeatureMatrix, Node, Side, Target, Tree};

use super::Game;
use super::paths::LEAST_SHARE;
use super::quadrature::gauss_legendre;
use super::workers::explain_rows;
use crate::{Attributions, Control, Stopped};

/// More rows than this are worth tables.
pub(super) const MOST_ROWS: usize = 60;
/// Distinct features of a path that the most points are for.
const MOST_SLOTS: usize = 32;
/// Sums of a row, at most: features times outputs times points.
const MOST_SUMS: usize = 1 << 20;
/// Trees between two looks at the clock.
const TREES: usize = 64;
/// Nodes of a path; walks call themselves.
const MOST_DEPTH: usize = 128;

/// A model that is walked as it is.
#[derive(Debug, Clone)]
pub(super) struct Direct {
    base: Vec<f64>,
    deepest: usize,
    /// Trees by how many points their longest paths need: 4, 8 and 16.
    parts: [Part; 3],
    level: Level,
}

/// Trees that need equally many points.
#[derive(Debug, Clone)]
struct Part {
    /// Points with their weights.
    points: Vec<(f64, f64)>,
    /// The trees, by number.
    trees: Vec<usize>,
}

impl Direct {
    /// `None` where paths are too long.
    pub(super) fn new(model: &Ensemble, level: Level) -> Option<Self> {
        if model.features.len().saturating_mul(model.base.len()).saturating_mul(16) > MOST_SUMS {
            return None;
        }
        let mut trees: [Vec<usize>; 3] = Default::default();
        for (at, tree) in model.trees.iter().enumerate() {
            let slots = tree.depth().min(model.features.len());
            if tree.depth() > MOST_DEPTH || slots > MOST_SLOTS {
                return None;
            }
            // Twice as many features on a path as points.
            trees[slots.div_ceil(8).next_power_of_two().ilog2() as usize].push(at);
        }
        let mut n_points = 2;
        let parts = trees.map(|trees| {
            n_points *= 2;
            Part { points: if trees.is_empty() { Vec::new() } else { gauss_legendre(n_points) }, trees }
        });
        let deepest = model.trees.iter().map(Tree::depth).max().unwrap_or(0);
        Some(Self { base: model.expected_margins(), deepest, parts, level })
    }

    /// Values of every row and output.
    pub(super) fn explain(
        &self,
        model: &Ensemble,
        rows: &FeatureMatrix,
        control: &Control<'_>,
    ) -> Result<Attributions, Stopped> {
        let game = (Game::PathDependent.name(), self.base.clone());
        explain_rows(model, game, rows, control, |row, own| {
            let x: Vec<f64> = rows.columns().iter().map(|column| column[row]).collect();
            let [few, more, most] = &self.parts;
            self.trees::<4>(few, model, &x, own, control)?;
            self.trees::<8>(more, model, &x, own, control)?;
            self.trees::<16>(most, model, &x, own, control)
        })
    }

    /// Adds what a part's trees give one row.
    fn trees<const P: usize>(
        &self,
        part: &Part,
        model: &Ensemble,
        x: &[f64],
        values: &mut [f64],
        control: &Control<'_>,
    ) -> Result<(), Stopped> {
        if part.trees.is_empty() {
            return Ok(());
        }
        let n_features = model.features.len();
        let mut walk = Walk::<P> {
            points: std::array::from_fn(|at| part.points[at].0),
            known: vec![Known::new(); self.deepest + 1],
            last: vec![0; n_features],
            sums: vec![[0.0; P]; values.len()],
            first: 0,
            x,
        };
        for (at, &number) in part.trees.iter().enumerate() {
            if at % TREES == TREES - 1 && control.watch.should_stop() {
                return Err(Stopped);
            }
            let tree = &model.trees[number];
            for at in 0..tree.leaf_values(0).len() {
                let output = if let Target::One(output) = tree.target() { output.index() } else { at };
                walk.first = output * n_features;
                let (place, root) = (Place { tree, value_at: at, depth: 0 }, NodeId(0));
                match self.level {
                    // SAFETY: the level was lowered to what the machine has.
                    #[cfg(target_arch = "x86_64")]
                    #[expect(unsafe_code, reason = "the one door into functions with more instructions")]
                    Level::Avx512 => unsafe { below_avx512(&mut walk, place, root, &[1.0; P]) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    #[expect(unsafe_code, reason = "the one door into functions with more instructions")]
                    Level::Avx2 => unsafe { below_avx2(&mut walk, place, root, &[1.0; P]) },
                    _ => below_portable(&mut walk, place, root, &[1.0; P]),
                };
            }
        }
        for (value, sums) in values.iter_mut().zip(&walk.sums) {
            *value += sums.iter().zip(&part.points).map(|(sum, (_, weight))| sum * weight).sum::<f64>();
        }
        Ok(())
    }
}

/// What a path knows of a feature.
#[derive(Debug, Clone, Copy)]
struct Known<const P: usize> {
    /// 1 if the row passes all of its splits so far, else 0.
    passes: f64,
    share: f64,
    inverse: [f64; P],
    gain: [f64; P],
}

impl<const P: usize> Known<P> {
    fn new() -> Self {
        Self { passes: 1.0, share: 1.0, inverse: [1.0; P], gain: [0.0; P] }
    }
}

/// A row on its way through all trees.
struct Walk<'x, const P: usize> {
    points: [f64; P],
    /// What is known at each depth of the feature of the split above; at 0, of a feature that was not seen yet.
    known: Vec<Known<P>>,
    /// For each feature, at which depth it was seen last.
    last: Vec<u32>,
    /// Outputs × features.
    sums: Vec<[f64; P]>,
    /// Where the sums of the output begin.
    first: usize,
    x: &'x [f64],
}

/// Where a walk is: the tree, which of its values, and how deep.
#[derive(Clone, Copy)]
struct Place<'t> {
    tree: &'t Tree,
    value_at: usize,
    depth: usize,
}

impl Place<'_> {
    /// The value of a node, if it is a leaf.
    #[inline(always)]
    fn value(&self, node: NodeId) -> Option<f64> {
        match &self.tree.nodes()[node.index()] {
            Node::Leaf(leaf) => Some(self.tree.leaf_values(*leaf)[self.value_at]),
            Node::Split(_) => None,
        }
    }
}

impl<const P: usize> Walk<'_, P> {
    /// One node: `below` walks its children. Answers the sum over the leaves below it.
    #[inline(always)]
    fn node(
        &mut self,
        place: Place<'_>,
        node: NodeId,
        product: &[f64; P],
        below: impl Fn(&mut Self, Place<'_>, NodeId, &[f64; P]) -> [f64; P],
    ) -> [f64; P] {
        let tree = place.tree;
        let Node::Split(split) = &tree.nodes()[node.index()] else { return [0.0; P] };
        let feature = split.feature.index();
        let above = self.last[feature];
        let before = &self.known[above as usize];
        let product: [f64; P] = std::array::from_fn(|at| product[at] * before.inverse[at]);
        let is_yes = split.side(self.x[feature], tree.sets()) == Side::Yes;
        let state = |is_taken: bool, side: Side| {
            let passes = if is_taken { before.passes } else { 0.0 };
            // Splits of one feature can multiply down to nothing, of which the inverse is taken.
            (passes, (before.share * tree.share(split, side)).max(LEAST_SHARE))
        };
        let (yes, no) = (state(is_yes, Side::Yes), state(!is_yes, Side::No));
        // Of leaves only what they sum to is asked: their factors would be divided out again.
        let (mut of_passes, mut of_shares) = (0.0, 0.0);
        for (child, (passes, share)) in [(split.yes, yes), (split.no, no)] {
            if let Some(value) = place.value(child) {
                of_passes += passes * value;
                of_shares += share * value;
            }
        }
        let rest: [f64; P] = self.points.map(|point| 1.0 - point);
        let mut sums: [f64; P] =
            std::array::from_fn(|at| product[at] * (of_passes * self.points[at] + of_shares * rest[at]));
        let mut parts: [f64; P] =
            std::array::from_fn(|at| product[at] * (of_passes - of_shares) - sums[at] * before.gain[at]);
        for (child, (passes, share)) in [(split.yes, yes), (split.no, no)] {
            if place.value(child).is_some() {
                continue;
            }
            let factor: [f64; P] = std::array::from_fn(|at| passes * self.points[at] + share * rest[at]);
            let inverse = factor.map(|factor| 1.0 / factor);
            let gain = inverse.map(|inverse| (passes - share) * inverse);
            self.known[place.depth + 1] = Known { passes, share, inverse, gain };
            self.last[feature] = place.depth as u32 + 1;
            let under = std::array::from_fn(|at| product[at] * factor[at]);
            let sum = below(self, Place { depth: place.depth + 1, ..place }, child, &under);
            let (own, before) = (self.known[place.depth + 1].gain, self.known[above as usize].gain);
            parts = std::array::from_fn(|at| parts[at] + sum[at] * (own[at] - before[at]));
            sums = std::array::from_fn(|at| sums[at] + sum[at]);
        }
        self.last[feature] = above;
        let own = &mut self.sums[self.first + feature];
        *own = std::array::from_fn(|at| own[at] + parts[at]);
        sums
    }
}

/// A walk below a node that calls itself, for each kind of instructions.
macro_rules! below {
    ($name:ident $(, $features:literal)?) => {
        $(#[cfg(target_arch = "x86_64")] #[target_feature(enable = $features)])?
        fn $name<const P: usize>(
            walk: &mut Walk<'_, P>,
            place: Place<'_>,
            node: NodeId,
            product: &[f64; P],
        ) -> [f64; P] {
            walk.node(place, node, product, |walk, place, node, product| $name(walk, place, node, product))
        }
    };
}

below!(below_avx512, "avx512f,avx512vl,bmi1,bmi2,lzcnt");
below!(below_avx2, "avx2,bmi1,bmi2,lzcnt");
below!(below_portable);
