//! Which side does a row take, without looking at the value again? Each value becomes a bin once.
//!
//! A feature's splits cut the line into intervals in which all of them answer alike. The number of the
//! interval (and one more for NaN) stands for the value from then on: a numeric split is `bin < k`, any
//! other split (categories, zeros that count as missing) a lookup by bin.

use std::collections::HashMap;

use pellucid_data::FeatureId;
use pellucid_data::level::AVX512;
use pellucid_models::trees::node::ZERO_THRESHOLD;
use pellucid_models::trees::{Ensemble, Missing, Node, Side, Split, Test, Tree};

use super::planes::{COARSE, count_below, count_below_narrow};

/// The bin of a missing value. Real bins stay below, see [`Bins::new`].
pub(crate) const NAN_BIN: u32 = u32::MAX;

/// What a split asks of a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// `yes` if the bin is below; NaN as said.
    Below { bin: u32, nan_yes: bool },
    /// `yes` if the entry at this offset plus the bin is 1; NaN as said.
    Listed { offset: usize, nan_yes: bool },
}

/// The bins of every used feature.
#[derive(Debug, Clone)]
pub(crate) struct Bins {
    /// The features that any split looks at, ascending.
    pub(crate) used: Vec<FeatureId>,
    /// For each of them the values at which a new bin starts, ascending.
    cuts: Vec<Vec<f64>>,
    /// The same in 32 bits, where these say all.
    narrow: Vec<Option<NarrowCuts>>,
    /// For each feature of the model its place in `used`.
    place: Vec<u32>,
    lists: Vec<u8>,
    /// Where each list begins.
    known: HashMap<Vec<u8>, usize>,
}

impl Bins {
    pub(crate) fn new(model: &Ensemble) -> Self {
        let used = model.features_in_splits();
        let mut place = vec![0; model.features.len()];
        used.iter().enumerate().for_each(|(at, feature)| place[feature.index()] = at as u32);
        let mut cuts = vec![Vec::new(); used.len()];
        for tree in &model.trees {
            for node in tree.nodes() {
                if let Node::Split(split) = node {
                    add_cuts(&mut cuts[place[split.feature.index()] as usize], split, tree);
                }
            }
        }
        for cuts in &mut cuts {
            cuts.sort_by(f64::total_cmp);
            // `-0.0 == 0.0`, as in every comparison of a split.
            cuts.dedup();
        }
        let narrow = cuts.iter().map(|cuts| NarrowCuts::new(cuts)).collect();
        let mut bins = Self { used, cuts, narrow, place, lists: Vec::new(), known: HashMap::new() };
        for tree in &model.trees {
            for node in tree.nodes() {
                if let Node::Split(split) = node
                    && cut_of(split).is_none()
                {
                    let answers = bins.answers(split, tree);
                    // Many splits ask the same: the list of their answers is kept once.
                    let lists = &mut bins.lists;
                    bins.known.entry(answers).or_insert_with_key(|answers| {
                        lists.extend(answers);
                        lists.len() - answers.len()
                    });
                }
            }
        }
        bins
    }

    /// A feature's place among the used ones.
    pub(crate) fn place(&self, feature: FeatureId) -> u32 {
        self.place[feature.index()]
    }

    /// Whether every bin fits into 16 bits with NaN beside.
    pub(crate) fn fit_u16(&self) -> bool {
        self.cuts.iter().all(|cuts| cuts.len() < usize::from(u16::MAX) - 1)
    }

    /// A split of the model as a question to bins.
    pub(crate) fn decision(&self, split: &Split, tree: &Tree) -> Decision {
        let nan_yes = split.side(f64::NAN, tree.sets()) == Side::Yes;
        let cuts = &self.cuts[self.place[split.feature.index()] as usize];
        if let Some(cut) = cut_of(split) {
            // `x <= ∞` holds for every value; no cut can say that, a bin past the last one can.
            let everything = split.test == Test::AtMost(f64::INFINITY);
            let bin = if everything { cuts.len() + 1 } else { cuts.partition_point(|&c| c < cut) + 1 };
            return Decision::Below { bin: bin as u32, nan_yes };
        }
        // Every split of the model is known.
        let offset = self.known.get(&self.answers(split, tree)).copied().unwrap_or(usize::MAX);
        Decision::Listed { offset, nan_yes }
    }

    /// What a split says of each bin of its feature: every bin is asked with the value that it starts at; below the first cut
    /// lies -∞.
    fn answers(&self, split: &Split, tree: &Tree) -> Vec<u8> {
        let cuts = &self.cuts[self.place[split.feature.index()] as usize];
        let starts = std::iter::once(f64::NEG_INFINITY).chain(cuts.iter().copied());
        starts.map(|x| u8::from(split.side(x, tree.sets()) == Side::Yes)).collect()
    }

    /// The answers by bin of [`Decision::Listed`].
    pub(crate) fn lists(&self) -> &[u8] {
        &self.lists
    }

    /// The bins of a feature's values: how many cuts lie at or below each.
    #[inline(always)]
    pub(super) fn fill<const LEVEL: u8, B: Bin>(&self, place: usize, values: &[f64], bins: &mut [B]) {
        if LEVEL == AVX512
            && let Some(narrow) = &self.narrow[place]
            && narrow.fill::<LEVEL, B>(values, bins)
        {
            return;
        }
        let cuts = self.cuts[place].as_slice();
        for (values, bins) in values.chunks(8).zip(bins.chunks_mut(8)) {
            let mut x = [0.0; 8];
            x[..values.len()].copy_from_slice(values);
            let found = count_below::<LEVEL>(cuts, &x);
            for ((bin, x), found) in bins.iter_mut().zip(x).zip(found) {
                *bin = if x.is_nan() { B::NAN } else { B::of(found) };
            }
        }
    }
}

/// Cuts of 32 bits, laid out for a search of which the first seven steps look into registers.
#[derive(Debug, Clone)]
struct NarrowCuts {
    n: usize,
    /// A power of two times [`COARSE`], ending in infinities.
    all: Vec<f32>,
    /// The last one of each part of them.
    coarse: [f32; COARSE],
}

impl NarrowCuts {
    /// `None` where a cut has more digits.
    fn new(cuts: &[f64]) -> Option<Self> {
        let mut all: Vec<f32> = cuts.iter().map(|&cut| cut as f32).collect();
        if all.iter().zip(cuts).any(|(narrow, cut)| f64::from(*narrow) != *cut) {
            return None;
        }
        let part = (cuts.len() + 1).div_ceil(COARSE).next_power_of_two();
        all.resize(part * COARSE, f32::INFINITY);
        let coarse = std::array::from_fn(|at| all[(at + 1) * part - 1]);
        Some(Self { n: cuts.len(), all, coarse })
    }

    /// The bins of values; `false` if one of these has more than 32 bits.
    #[inline(always)]
    fn fill<const LEVEL: u8, B: Bin>(&self, values: &[f64], bins: &mut [B]) -> bool {
        for (values, bins) in values.chunks(16).zip(bins.chunks_mut(16)) {
            let mut x = [0.0; 16];
            let mut same = true;
            for (x, &value) in x.iter_mut().zip(values) {
                *x = value as f32;
                same &= f64::from(*x) == value || value.is_nan();
            }
            if !same {
                return false;
            }
            let found = count_below_narrow::<LEVEL>(&self.all, &self.coarse, &x);
            for ((bin, x), found) in bins.iter_mut().zip(x).zip(found) {
                // An infinite value lies above the infinities at the end, too.
                *bin = if x.is_nan() { B::NAN } else { B::of(found.min(self.n as u32)) };
            }
        }
        true
    }
}

/// A bin in as few bytes as the model allows.
pub(super) trait Bin: Copy + Ord + Default + Send + Into<u32> {
    const NAN: Self;
    fn of(bin: u32) -> Self;
}

impl Bin for u16 {
    const NAN: Self = Self::MAX;
    #[inline(always)]
    fn of(bin: u32) -> Self {
        if bin == NAN_BIN { Self::MAX } else { bin as Self }
    }
}

impl Bin for u32 {
    const NAN: Self = NAN_BIN;
    #[inline(always)]
    fn of(bin: u32) -> Self {
        bin
    }
}

/// Whether a row in this bin goes to yes.
#[inline(always)]
pub(super) fn answer<B: Bin>(bin: B, decision: Decision, lists: &[u8]) -> bool {
    match decision {
        Decision::Below { nan_yes, .. } | Decision::Listed { nan_yes, .. } if bin == B::NAN => nan_yes,
        Decision::Below { bin: below, .. } => bin < B::of(below),
        Decision::Listed { offset, .. } => lists[offset + bin.into() as usize] == 1,
    }
}

/// The value from which on a split answers otherwise, if it is one.
fn cut_of(split: &Split) -> Option<f64> {
    match (split.test, split.missing) {
        (Test::Below(threshold), Missing::Goes(_) | Missing::IsZero) => Some(threshold),
        (Test::AtMost(threshold), Missing::Goes(_) | Missing::IsZero) => Some(threshold.next_up()),
        _ => None,
    }
}

pub(crate) fn add_cuts(cuts: &mut Vec<f64>, split: &Split, tree: &Tree) {
    if let Missing::ZeroToo(_) = split.missing {
        cuts.extend([-ZERO_THRESHOLD, ZERO_THRESHOLD.next_up()]);
    }
    match split.test {
        Test::Below(threshold) => cuts.push(threshold),
        Test::AtMost(threshold) => cuts.push(threshold.next_up()),
        Test::In(set) => cuts.extend(tree.sets()[set as usize].boundaries()),
    }
}
