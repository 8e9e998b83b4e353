//! How do many rows get to their leaves' values without looking anything up? Every split is asked for every row.
//!
//! A tree is a list of choices between two columns of numbers, from the leaves up. With wide registers that is faster than a
//! walk, while there are few leaves; with numbers of 32 bits twice as fast again, where they say all that 64 would.

use pellucid_data::FeatureId;

use super::bind::FeatureMatrix;
use super::node::{Target, Tree};
use super::walk::{Step, Walk};

/// Rows that are chosen for together.
pub const ROWS: usize = 256;
/// Whole registers are chosen for.
const LANES: usize = 16;

/// The numbers that are compared and chosen.
pub trait Number: Copy + Default {
    /// The nearest one.
    fn of(x: f64) -> Self;
    /// Itself, in 64 bits.
    fn wide(self) -> f64;
    /// Whether it is below, which NaN is not.
    fn is_below(self, threshold: Self) -> bool;
    /// Whether it is NaN.
    fn is_none(self) -> bool;
    /// One of two. Bits are chosen by a mask: with `if`, numbers that stay would be skipped by a branch.
    fn pick(is_yes: bool, yes: Self, no: Self) -> Self;

    /// It, if it is just that number.
    fn exactly(x: f64) -> Option<Self> {
        Some(Self::of(x)).filter(|own| own.wide().to_bits() == x.to_bits())
    }
}

macro_rules! number {
    ($float:ty, $bits:ty) => {
        impl Number for $float {
            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $float
            }
            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn is_below(self, threshold: Self) -> bool {
                self < threshold
            }
            #[inline(always)]
            fn is_none(self) -> bool {
                self.is_nan()
            }
            #[inline(always)]
            fn pick(is_yes: bool, yes: Self, no: Self) -> Self {
                let mask = <$bits>::from(is_yes).wrapping_neg();
                Self::from_bits((yes.to_bits() & mask) | (no.to_bits() & !mask))
            }
        }
    };
}

number!(f32, u32);
number!(f64, u64);

/// A tree as choices.
#[derive(Debug, Clone)]
pub struct Choices<T> {
    choices: Vec<Choice<T>>,
    n_slots: usize,
}

#[derive(Debug, Clone, Copy)]
struct Choice<T> {
    threshold: T,
    /// Where the feature stands in a chunk.
    place: u32,
    nan_yes: bool,
    /// Where the answer goes; what it is made from stands there and in the next slot, if it does not stand here.
    slot: u32,
    yes: Option<T>,
    no: Option<T>,
}

/// One number a row, on whole lines of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line<T>([T; ROWS]);

impl<T: Number> Default for Line<T> {
    fn default() -> Self {
        Self([T::default(); ROWS])
    }
}

/// Up to [`ROWS`] rows of the features in use, and memory to choose in.
#[derive(Debug, Default)]
pub struct Chunk<T> {
    columns: Vec<Line<T>>,
    slots: Vec<Line<T>>,
    n_rows: usize,
}

impl<T: Number> Chunk<T> {
    /// Takes rows, as long as there are at most [`ROWS`]; answers whether each number stayed what it is.
    #[inline(always)]
    pub fn fill(&mut self, rows: &FeatureMatrix, used: &[FeatureId], range: std::ops::Range<usize>) -> bool {
        self.n_rows = range.len().min(ROWS);
        self.columns.resize(used.len(), Line::default());
        let mut same = true;
        for (feature, own) in used.iter().zip(&mut self.columns) {
            let values = &rows.column(*feature)[range.clone()];
            for (own, &x) in own.0.iter_mut().zip(values) {
                *own = T::of(x);
                same &= own.wide() == x || x.is_nan();
            }
        }
        same
    }
}

impl<T: Number> Choices<T> {
    /// The choices of a tree with one value a leaf; `None` where a walk is faster on a machine that compares `lanes` such numbers
    /// at once, where these numbers can't say what the tree says, or where a walk is the only way. `places` are those of all
    /// features in chunks.
    #[must_use]
    pub fn new(tree: &Tree, lanes: usize, places: &[u32]) -> Option<Self> {
        let depth = tree.depth();
        let Target::One(_) = tree.target() else { return None };
        if depth == 0 || tree.n_leaves() > 4 * lanes * depth {
            return None;
        }
        let walk = Walk::new(tree)?;
        let mut all = Self { choices: Vec::with_capacity(tree.n_leaves()), n_slots: 1 };
        all.add(tree, &walk, 0, 0, places).map(|_| all)
    }

    /// Adds the choices of a subtree; answers its value if it is a leaf, and nothing at all if a number does not fit.
    /// [`Walk::new`] bounds the depth.
    fn add(
        &mut self,
        tree: &Tree,
        walk: &Walk<'_>,
        node: usize,
        slot: u32,
        places: &[u32],
    ) -> Option<Option<T>> {
        let Step { threshold, feature, next, nan_yes, leaf } = walk.nodes[node];
        if next[0] as usize == node {
            return T::exactly(tree.leaf_values(leaf)[0]).map(Some);
        }
        self.n_slots = self.n_slots.max(slot as usize + 1);
        let yes = self.add(tree, walk, next[1] as usize, slot, places)?;
        let no = self.add(tree, walk, next[0] as usize, slot + u32::from(yes.is_none()), places)?;
        let (threshold, place) = (T::exactly(threshold)?, places[feature as usize]);
        self.choices.push(Choice { threshold, place, nan_yes, slot, yes, no });
        Some(None)
    }

    /// Gives every row of a chunk with its leaf's value.
    #[inline(always)]
    pub fn each(&self, chunk: &mut Chunk<T>, mut give: impl FnMut(usize, f64)) {
        let Chunk { columns, slots, n_rows } = chunk;
        if slots.len() <= self.n_slots {
            slots.resize(self.n_slots + 1, Line::default());
        }
        // What the last register of a short chunk holds past its rows does not matter.
        let whole = n_rows.next_multiple_of(LANES);
        for choice in &self.choices {
            choice.apply(&columns[choice.place as usize].0[..whole], slots);
        }
        slots[0].0[..*n_rows].iter().enumerate().for_each(|(at, value)| give(at, value.wide()));
    }
}

impl<T: Number> Choice<T> {
    #[inline(always)]
    fn apply(&self, x: &[T], slots: &mut [Line<T>]) {
        let Some([own, next]) = slots[self.slot as usize..].first_chunk_mut::<2>() else { return };
        let (own, next) = (&mut own.0, &next.0);
        let t = self.threshold;
        // `x < t` is false for NaN and `!(x >= t)` true.
        if self.nan_yes {
            self.choose(x, own, next, |x| x.is_below(t) || x.is_none());
        } else {
            self.choose(x, own, next, |x| x.is_below(t));
        }
    }

    #[inline(always)]
    fn choose(&self, x: &[T], own: &mut [T; ROWS], next: &[T; ROWS], is_yes: impl Fn(T) -> bool) {
        let all = own.iter_mut().zip(next).zip(x);
        let pick = |x: T, yes: T, no: T| T::pick(is_yes(x), yes, no);
        match (self.yes, self.no) {
            (Some(yes), Some(no)) => all.for_each(|((own, _), &x)| *own = pick(x, yes, no)),
            (Some(yes), None) => all.for_each(|((own, _), &x)| *own = pick(x, yes, *own)),
            (None, Some(no)) => all.for_each(|((own, _), &x)| *own = pick(x, *own, no)),
            (None, None) => all.for_each(|((own, &next), &x)| *own = pick(x, *own, next)),
        }
    }
}
