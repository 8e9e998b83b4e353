//! How is a row explained in microseconds, once the model is ready? Every leaf is a box, and eight boxes are integrated side by side.
//!
//! A path's splits on one feature leave an interval of its bins. A row is in it (o = 1) or not (o = 0), and with the share r of training
//! weight that is, a leaf of value w gives feature i
//!
//! $$ w (o_i - r_i) \int_0^1 \prod_{u \ne i} \bigl( t\, o_u + (1 - t)\, r_u \bigr) \, dt , $$
//!
//! the integral of [`super::quadrature`], at ceil(d/2) points. Leaves with equally many features, of whatever tree, stand together, so that
//! eight of them are the lanes of one vector. Products of all factors but one come from both ends: nothing is divided.
//! Making ready takes as long as twenty rows; every row after that costs its leaves once, without a walk, a branch or a table.

use pellucid_data::level::PORTABLE;
use pellucid_data::{Level, NodeId};
use pellucid_models::trees::{Ensemble, FeatureMatrix, Node, Side, Target, Tree};

use super::Game;
use super::bins::{Bin, Bins, Decision};
use super::paths::{Path, walk};
use super::quadrature::gauss_legendre;
use super::workers::explain_rows;
use crate::{Attributions, Control, Stopped};

/// Whether so many rows are worth making boxes for, which takes as long as twenty walks of [`super::direct`]. For many rows tables are
/// better, and of large models rows side by side, sixteen of which fill the lanes of [`super::quadrature`].
pub(super) fn is_worth(n_rows: usize, n_leaves: usize) -> bool {
    let most = if n_leaves <= 1 << 15 { 256 } else { super::direct::MOST_ROWS };
    (24..=most).contains(&n_rows)
}
/// Leaves that are integrated together.
const LANES: usize = 8;
/// Distinct features of a path, at most.
const MOST_SLOTS: usize = 16;
/// Bytes of all boxes, at most.
const MOST_BYTES: usize = 256 << 20;

/// One feature of eight boxes.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Slot {
    /// The bins that are in.
    low: [u16; LANES],
    high: [u16; LANES],
    /// [`u16::NAN`](Bin::NAN) where missing values are in, else a bin that no value has.
    missing: [u16; LANES],
    /// Output × feature.
    column: [u16; LANES],
    share: [f64; LANES],
}

/// What fills up the last eight of a kind: everything is in, and its share is all.
const NOTHING: Slot = Slot {
    low: [0; LANES],
    high: [u16::MAX; LANES],
    missing: [u16::MAX; LANES],
    column: [0; LANES],
    share: [1.0; LANES],
};

/// A bin that no value has: those of values end before, see [`Bins::fit_u16`].
const NO_BIN: u16 = u16::MAX - 1;

/// Leaves with equally many features.
#[derive(Debug, Clone)]
struct Part {
    /// Eight boxes after the other, so many slots each.
    slots: Vec<Slot>,
    /// Values of the leaves, eight by eight.
    values: Vec<[f64; LANES]>,
    /// Points with their weights.
    points: Vec<(f64, f64)>,
}

/// A model as boxes.
#[derive(Debug, Clone)]
pub(super) struct Boxes {
    bins: Bins,
    base: Vec<f64>,
    /// By number of features, from 1.
    parts: Vec<Part>,
    pub(super) level: Level,
}

/// The interval of one feature of a path.
#[derive(Debug, Clone, Copy)]
struct Interval {
    low: u16,
    high: u16,
    has_missing: bool,
    column: u16,
    share: f64,
}

/// A leaf as a box.
#[derive(Debug, Clone)]
struct Leaf {
    value: f64,
    slots: Vec<Interval>,
}

impl Boxes {
    /// `None` where a leaf is no box (categories), has too many features or outputs of its own, or boxes are too many.
    pub(super) fn new(model: &Ensemble, level: Level) -> Option<Self> {
        let one_output = |tree: &Tree| matches!(tree.target(), Target::One(_));
        if !model.trees.iter().all(one_output) || model.n_leaves() > MOST_BYTES / size_of::<Slot>() {
            return None;
        }
        let bins = Bins::new(model);
        let n_columns = bins.used.len() * model.base.len();
        if !bins.fit_u16() || n_columns > usize::from(u16::MAX) {
            return None;
        }
        // By number of features, from 1.
        let mut leaves: Vec<Vec<Leaf>> = vec![Vec::new(); MOST_SLOTS];
        let mut bytes = 0;
        for tree in &model.trees {
            let Target::One(output) = tree.target() else { return None };
            let first = output.index() * bins.used.len();
            let mut is_box = true;
            walk(tree, NodeId(0), &mut Path::default(), |node, path| {
                let Node::Leaf(leaf) = &tree.nodes()[node.index()] else { return is_box };
                // A tree of one leaf attributes nothing.
                if path.slots.is_empty() {
                    return true;
                }
                let n = path.slots.len();
                match intervals(tree, path, first, &bins) {
                    Some(slots) if n <= MOST_SLOTS => {
                        bytes += n * size_of::<Slot>() / LANES;
                        leaves[n - 1].push(Leaf { value: tree.leaf_values(*leaf)[0], slots });
                    }
                    _ => is_box = false,
                }
                is_box
            });
            if !is_box || bytes > MOST_BYTES {
                return None;
            }
        }
        let parts = leaves.iter().enumerate().map(|(at, leaves)| Part::new(at + 1, leaves)).collect();
        Some(Self { bins, base: model.expected_margins(), parts, level })
    }

    /// Values of every row and output.
    pub(super) fn explain(
        &self,
        model: &Ensemble,
        rows: &FeatureMatrix,
        control: &Control<'_>,
    ) -> Result<Attributions, Stopped> {
        let (n_used, n_features) = (self.bins.used.len(), model.features.len());
        let game = (Game::PathDependent.name(), self.base.clone());
        explain_rows(model, game, rows, control, |row, own| {
            let mut x = vec![0_u16; n_used * self.base.len()];
            for (place, feature) in self.bins.used.iter().enumerate() {
                let bin = &mut x[place..=place];
                self.bins.fill::<PORTABLE, u16>(place, &rows.column(*feature)[row..=row], bin);
            }
            // Every output asks the same bins.
            for output in 1..self.base.len() {
                x.copy_within(..n_used, output * n_used);
            }
            let mut sums = vec![[0.0; LANES]; x.len()];
            for (at, part) in self.parts.iter().enumerate() {
                if control.watch.should_stop() {
                    return Err(Stopped);
                }
                match self.level {
                    // SAFETY: the level was lowered to what the machine has.
                    #[cfg(target_arch = "x86_64")]
                    #[expect(unsafe_code, reason = "the one door into functions with more instructions")]
                    Level::Avx512 => unsafe { part_avx512(at + 1, part, &x, &mut sums) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    #[expect(unsafe_code, reason = "the one door into functions with more instructions")]
                    Level::Avx2 => unsafe { part_avx2(at + 1, part, &x, &mut sums) },
                    _ => part_portable(at + 1, part, &x, &mut sums),
                }
            }
            for (column, sums) in sums.iter().enumerate() {
                let (output, feature) = (column / n_used, self.bins.used[column % n_used]);
                own[output * n_features + feature.index()] += sums.iter().sum::<f64>();
            }
            Ok(())
        })
    }
}

/// What a path leaves of each of its features, whose columns begin at `first`; `None` where that is no interval.
fn intervals(tree: &Tree, path: &Path, first: usize, bins: &Bins) -> Option<Vec<Interval>> {
    let all = |slot: &super::paths::Slot| Interval {
        low: 0,
        high: NO_BIN - 1,
        has_missing: true,
        column: (first + bins.place(slot.feature) as usize) as u16,
        share: slot.share,
    };
    let mut found: Vec<Interval> = path.slots.iter().map(all).collect();
    for step in &path.steps {
        let Node::Split(split) = &tree.nodes()[step.node.index()] else { continue };
        let Decision::Below { bin, nan_yes } = bins.decision(split, tree) else { return None };
        let (own, bin) = (&mut found[step.slot], u16::of(bin));
        own.has_missing &= nan_yes == (step.side == Side::Yes);
        match step.side {
            // `bin` is at least 1. An interval of nothing has its low end above its high one.
            Side::Yes => own.high = own.high.min(bin - 1),
            Side::No => own.low = own.low.max(bin),
        }
    }
    Some(found)
}

impl Part {
    fn new(n_slots: usize, leaves: &[Leaf]) -> Self {
        let mut part =
            Self { slots: Vec::new(), values: Vec::new(), points: gauss_legendre(n_slots.div_ceil(2)) };
        for eight in leaves.chunks(LANES) {
            part.values.push(std::array::from_fn(|lane| eight.get(lane).map_or(0.0, |leaf| leaf.value)));
            for at in 0..n_slots {
                let mut slot = NOTHING;
                for (lane, leaf) in eight.iter().enumerate() {
                    let own = leaf.slots[at];
                    (slot.low[lane], slot.high[lane]) = (own.low, own.high);
                    slot.missing[lane] = if own.has_missing { u16::NAN } else { NO_BIN };
                    (slot.column[lane], slot.share[lane]) = (own.column, own.share);
                }
                part.slots.push(slot);
            }
        }
        part
    }

    /// Adds what the leaves give, each with `D` features, to the sums of every column; `x` are the row's bins.
    #[inline(always)]
    fn add<const D: usize>(&self, x: &[u16], sums: &mut [[f64; LANES]]) {
        for (slots, values) in self.slots.as_chunks::<D>().0.iter().zip(&self.values) {
            let mut passes = [[0.0; LANES]; D];
            for (slot, passes) in slots.iter().zip(&mut passes) {
                let bins: [u16; LANES] = std::array::from_fn(|lane| x[usize::from(slot.column[lane])]);
                for lane in 0..LANES {
                    let bin = bins[lane];
                    let is_in =
                        (slot.low[lane] <= bin) & (bin <= slot.high[lane]) | (bin == slot.missing[lane]);
                    // The bits of 1, or none, widened from a mask: no comparison leaves its register.
                    let wide = i64::from(u16::from(is_in).wrapping_neg().cast_signed()).cast_unsigned();
                    passes[lane] = f64::from_bits(wide & 1_f64.to_bits());
                }
            }
            let mut integrals = [[0.0; LANES]; D];
            for &(t, weight) in &self.points {
                let mut factors = [[0.0; LANES]; D];
                let mut before = [[0.0; LANES]; D];
                let mut product = values.map(|value| value * weight);
                for at in 0..D {
                    before[at] = product;
                    for lane in 0..LANES {
                        factors[at][lane] = slots[at].share[lane] * (1.0 - t) + passes[at][lane] * t;
                        product[lane] *= factors[at][lane];
                    }
                }
                let mut after = [1.0; LANES];
                for at in (0..D).rev() {
                    for lane in 0..LANES {
                        integrals[at][lane] += before[at][lane] * after[lane];
                        after[lane] *= factors[at][lane];
                    }
                }
            }
            for at in 0..D {
                for lane in 0..LANES {
                    // Lanes have sums of their own, so that no addition waits for its neighbour's.
                    sums[usize::from(slots[at].column[lane])][lane] +=
                        (passes[at][lane] - slots[at].share[lane]) * integrals[at][lane];
                }
            }
        }
    }
}

/// Boxes of one part, for each kind of instructions.
macro_rules! part {
    ($name:ident $(, $features:literal)?) => {
        $(#[cfg(target_arch = "x86_64")] #[target_feature(enable = $features)])?
        fn $name(n_slots: usize, part: &Part, x: &[u16], sums: &mut [[f64; LANES]]) {
            part!(@each n_slots, part, x, sums, 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
        }
    };
    (@each $n:ident, $part:ident, $x:ident, $sums:ident, $($d:literal)*) => {
        match $n {
            $($d => $part.add::<$d>($x, $sums),)*
            _ => {}
        }
    };
}

part!(part_avx512, "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,lzcnt");
part!(part_avx2, "avx2,bmi1,bmi2,lzcnt");
part!(part_portable);
