//! How does a block of rows go through a plan? Bins, patterns, look-ups, integrals, and the margin beside.

use std::sync::Mutex;

use pellucid_models::trees::walk::Walker;
use pellucid_models::trees::{Ensemble, FeatureMatrix, Target};

use super::bins::{Bins, Decision, NAN_BIN};
use super::deep::DeepLeaf;
use super::plan::{Compiled, TreePlan};
use super::quadrature::{LANES, Lanes};
use super::units::{Op, Unit};
use crate::{Attributions, Control, Stopped};

/// Rows of a block, if its sums fit into the cache.
const BLOCK: usize = 1024;
/// Bytes of sums that a block may take.
const BLOCK_BYTES: usize = 4 << 20;

/// Columns of sums that lie a power of two apart would fight for the same lines of the cache.
const PADDING: usize = 24;

/// A bin in as few bytes as the model allows.
pub(super) trait Bin: Copy + Ord + Default + Send + Into<u32> {
    const NAN: Self;
    fn of(bin: u32) -> Self;
}

impl Bin for u16 {
    const NAN: Self = Self::MAX;
    fn of(bin: u32) -> Self {
        if bin == NAN_BIN { Self::MAX } else { bin as Self }
    }
}

impl Bin for u32 {
    const NAN: Self = NAN_BIN;
    fn of(bin: u32) -> Self {
        bin
    }
}

/// One block's part of the answer.
struct Piece<'o> {
    first_row: usize,
    values: &'o mut [f64],
    margins: &'o mut [f64],
}

/// Where columns of sums go in what is answered of a row and output: column k to place `places[k]` of `n`.
pub(super) struct Layout {
    pub(super) places: Vec<usize>,
    pub(super) n: usize,
    /// Whether margins are walked too, and rows told as done; not where both were before.
    pub(super) with_margins: bool,
}

/// Values of every row.
pub(super) fn explain(
    model: &Ensemble,
    compiled: &Compiled,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<Attributions, Stopped> {
    let n = model.features.len();
    let places = compiled.bins.used.iter().map(|feature| feature.index()).collect();
    let (values, margins) = run(model, compiled, &Layout { places, n, with_margins: true }, rows, control)?;
    Ok(Attributions::measured(compiled.game, n, compiled.base.clone(), values, margins))
}

/// Sums of every row, laid out (rows × outputs × places), and margins (rows × outputs; zeros without).
pub(super) fn run(
    model: &Ensemble,
    compiled: &Compiled,
    layout: &Layout,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<(Vec<f64>, Vec<f64>), Stopped> {
    if compiled.bins.fit_u16() {
        run_with::<u16>(model, compiled, layout, rows, control)
    } else {
        run_with::<u32>(model, compiled, layout, rows, control)
    }
}

fn run_with<B: Bin>(
    model: &Ensemble,
    compiled: &Compiled,
    layout: &Layout,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<(Vec<f64>, Vec<f64>), Stopped> {
    let n_outputs = model.base.len();
    let n_columns = n_outputs * compiled.width;
    let a_block = (BLOCK_BYTES / (8 * n_columns.max(1))).clamp(LANES, BLOCK) / LANES * LANES;
    let mut values = vec![0.0; rows.n_rows() * n_outputs * layout.n];
    let mut margins = vec![0.0; rows.n_rows() * n_outputs];
    // A model without features has empty values; every block still has margins.
    let mut value_chunks = values.chunks_mut((a_block * n_outputs * layout.n).max(1));
    let pieces = margins.chunks_mut(a_block * n_outputs).enumerate().map(|(at, margins)| Piece {
        first_row: at * a_block,
        values: value_chunks.next().unwrap_or_default(),
        margins,
    });
    let pieces: Vec<Piece<'_>> = pieces.collect();
    let n_workers = control.threads.get().min(pieces.len()).max(1);
    let walkers: Vec<Walker<'_>> = model.trees.iter().map(Walker::new).collect();
    let queue = Mutex::new(pieces.into_iter());
    let work = || {
        let mut scratch = Scratch::<B>::new(compiled, n_columns, a_block);
        while !control.watch.should_stop() {
            let next = queue.lock().map_or(None, |mut queue| queue.next());
            let Some(mut piece) = next else { return true };
            let n = piece.margins.len() / n_outputs;
            scratch.fill(&compiled.bins, rows, piece.first_row, n);
            for tree in &compiled.trees {
                scratch.tree(tree, &compiled.bins, compiled.width);
            }
            scratch.write(layout, &mut piece, n_outputs);
            if layout.with_margins {
                add_margins(model, &walkers, rows, &mut piece);
                control.watch.advance(n);
            }
        }
        false
    };
    let finished = if n_workers == 1 {
        work()
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..n_workers).map(|_| scope.spawn(work)).collect();
            workers.into_iter().fold(true, |all, worker| {
                all & worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    };
    if !finished {
        return Err(Stopped);
    }
    Ok((values, margins))
}

/// The model's own margins, from the values themselves and not from their bins.
fn add_margins(model: &Ensemble, walkers: &[Walker<'_>], rows: &FeatureMatrix, piece: &mut Piece<'_>) {
    let n_outputs = model.base.len();
    let range = piece.first_row..piece.first_row + piece.margins.len() / n_outputs;
    for (tree, walker) in model.trees.iter().zip(walkers) {
        walker.each_leaf(rows, range.clone(), |at, leaf| {
            let values = tree.leaf_values(leaf);
            let margins = &mut piece.margins[at * n_outputs..][..n_outputs];
            match tree.target() {
                Target::One(output) => margins[output.index()] += values[0],
                Target::All => margins.iter_mut().zip(values).for_each(|(margin, value)| *margin += value),
            }
        });
    }
    for margins in piece.margins.chunks_exact_mut(n_outputs) {
        margins.iter_mut().zip(&model.base).for_each(|(margin, base)| *margin += base);
    }
}

/// A worker's memory: one block of rows, column-major.
struct Scratch<B> {
    /// Rows a block.
    size: usize,
    /// Distance of columns in `sums`.
    stride: usize,
    /// Rows of this block.
    n: usize,
    bins: Vec<B>,
    patterns: Vec<u16>,
    index: Vec<u16>,
    sums: Vec<f64>,
    lanes: Lanes,
    /// Patterns of rows at a leaf that has no table, and rows in their order.
    sets: Vec<u64>,
    order: Vec<u32>,
}

impl<B: Bin> Scratch<B> {
    fn new(compiled: &Compiled, n_columns: usize, size: usize) -> Self {
        let n_buffers = compiled.trees.iter().map(|tree| tree.n_buffers).max().unwrap_or(1);
        Self {
            size,
            stride: size + PADDING,
            n: 0,
            bins: vec![B::default(); compiled.bins.used.len() * size],
            patterns: vec![0; n_buffers * size],
            index: vec![0; size],
            sums: vec![0.0; n_columns * (size + PADDING)],
            lanes: Lanes::default(),
            sets: Vec::new(),
            order: Vec::new(),
        }
    }

    fn fill(&mut self, bins: &Bins, rows: &FeatureMatrix, first_row: usize, n: usize) {
        self.n = n;
        self.sums.fill(0.0);
        for (place, (feature, own)) in bins.used.iter().zip(self.bins.chunks_exact_mut(self.size)).enumerate()
        {
            let values = &rows.column(*feature)[first_row..][..n];
            own.iter_mut().zip(values).for_each(|(bin, &x)| *bin = B::of(bins.bin(place, x)));
        }
    }

    fn tree(&mut self, tree: &TreePlan, bins: &Bins, width: usize) {
        for op in &tree.ops {
            match op {
                Op::Split { place, decision, from, yes, bit, fresh } => {
                    let own = &self.bins[*place as usize * self.size..][..self.n];
                    let (parents, children) = self.patterns.split_at_mut(*yes as usize * self.size);
                    let parent = &parents[*from as usize * self.size..][..self.n];
                    let (yes, no) = children.split_at_mut(self.size);
                    let (yes, no) = (&mut yes[..self.n], &mut no[..self.n]);
                    split(own, *decision, bins.lists(), *bit, *fresh, parent, yes, no);
                }
                Op::Unit(unit) => self.unit(unit, bins),
            }
        }
        for leaf in &tree.by_pattern {
            self.by_pattern(leaf, bins, width);
        }
        if let Some(deep) = &tree.deep {
            let (size, stride, n_used) = (self.size, self.stride, bins.used.len());
            for first in (0..self.n).step_by(LANES) {
                let rows = first..(first + LANES).min(self.n);
                let goes_yes = |place: u32, decision: Decision| {
                    let own = &self.bins[place as usize * size..][rows.clone()];
                    let mut goes = [0.0; LANES];
                    goes.iter_mut()
                        .zip(own)
                        .for_each(|(goes, &bin)| *goes = f64::from(answer(bin, decision, bins.lists())));
                    goes
                };
                let sums = &mut self.sums;
                deep.run(&mut self.lanes, n_used, goes_yes, |column, part| {
                    let own = &mut sums[column * stride..][rows.clone()];
                    own.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
                });
            }
        }
    }

    fn by_pattern(&mut self, leaf: &DeepLeaf, bins: &Bins, width: usize) {
        self.sets.clear();
        self.sets.resize(self.n, leaf.full());
        for (place, decision, yes, bit) in &leaf.steps {
            let own = &self.bins[*place as usize * self.size..][..self.n];
            for (set, &bin) in self.sets.iter_mut().zip(own) {
                let fails = u64::from(answer(bin, *decision, bins.lists()) != *yes).wrapping_neg();
                *set &= !(bit & fails);
            }
        }
        let (sums, stride) = (&mut self.sums, self.stride);
        leaf.add(&self.sets, width, &mut self.order, |column, row, part| {
            sums[column * stride + row] += part;
        });
    }

    fn unit(&mut self, unit: &Unit, bins: &Bins) {
        let index = &mut self.index[..self.n];
        index.copy_from_slice(&self.patterns[unit.from as usize * self.size..][..self.n]);
        for (at, (place, decision)) in unit.splits.iter().enumerate() {
            let own = &self.bins[*place as usize * self.size..][..self.n];
            set_bit(own, *decision, bins.lists(), 1 << (unit.first_bit as usize + at), index);
        }
        let entries = unit.table.len() / unit.columns.len();
        // Four columns at once while there are four: the index is read once for all of them.
        let (mut columns, mut tables) = (unit.columns.as_slice(), unit.table.as_slice());
        while let Some((&four, rest)) = columns.split_first_chunk::<4>() {
            let ranges =
                four.map(|column| column as usize * self.stride..column as usize * self.stride + self.n);
            // Columns are distinct, so that their sums never overlap.
            if let Ok(sums) = self.sums.get_disjoint_mut(ranges) {
                look_up_four(index, &tables[..4 * entries], sums);
            }
            (columns, tables) = (rest, &tables[4 * entries..]);
        }
        for (&column, table) in columns.iter().zip(tables.chunks_exact(entries)) {
            look_up(index, table, &mut self.sums[column as usize * self.stride..][..self.n]);
        }
    }

    /// Transposes the block's sums into rows.
    fn write(&self, layout: &Layout, piece: &mut Piece<'_>, n_outputs: usize) {
        let width = layout.places.len();
        for (row, values) in piece.values.chunks_exact_mut((n_outputs * layout.n).max(1)).enumerate() {
            for output in 0..n_outputs {
                for (column, place) in layout.places.iter().enumerate() {
                    values[output * layout.n + place] =
                        self.sums[(output * width + column) * self.stride + row];
                }
            }
        }
    }
}

pub(super) fn answer<B: Bin>(bin: B, decision: Decision, lists: &[u8]) -> bool {
    match decision {
        Decision::Below { nan_yes, .. } | Decision::Listed { nan_yes, .. } if bin == B::NAN => nan_yes,
        Decision::Below { bin: below, .. } => bin < B::of(below),
        Decision::Listed { offset, .. } => lists[offset + bin.into() as usize] == 1,
    }
}

/// All ones where the answer is yes.
fn mask<B: Bin>(bin: B, below: B, nan_yes: u16) -> u16 {
    (u16::from(bin < below) | (u16::from(bin == B::NAN) & nan_yes)).wrapping_neg()
}

/// The patterns of both children. A new feature sets its bit on the side that is taken; a known one
/// loses it on the other.
fn split<B: Bin>(
    bins: &[B],
    decision: Decision,
    lists: &[u8],
    bit: u16,
    fresh: bool,
    parent: &[u16],
    yes: &mut [u16],
    no: &mut [u16],
) {
    // With `keep` the bits that a failed test leaves and `set` those that a passed one adds, both kinds
    // of feature are one formula.
    let (keep, set) = if fresh { (u16::MAX, bit) } else { (!bit, 0) };
    let mut each = |goes_yes: &mut dyn FnMut(B) -> u16| {
        for (((&bin, &parent), yes), no) in bins.iter().zip(parent).zip(&mut *yes).zip(&mut *no) {
            let goes = goes_yes(bin);
            *yes = (parent & (keep | goes)) | (set & goes);
            *no = (parent & (keep | !goes)) | (set & !goes);
        }
    };
    match decision {
        Decision::Below { bin: below, nan_yes } => {
            let (below, nan_yes) = (B::of(below), u16::from(nan_yes));
            for (((&bin, &parent), yes), no) in bins.iter().zip(parent).zip(&mut *yes).zip(&mut *no) {
                let goes = mask(bin, below, nan_yes);
                *yes = (parent & (keep | goes)) | (set & goes);
                *no = (parent & (keep | !goes)) | (set & !goes);
            }
        }
        Decision::Listed { .. } => each(&mut |bin| u16::from(answer(bin, decision, lists)).wrapping_neg()),
    }
}

/// Adds a bit to the index of every row that goes to yes.
fn set_bit<B: Bin>(bins: &[B], decision: Decision, lists: &[u8], bit: u16, index: &mut [u16]) {
    match decision {
        Decision::Below { bin: below, nan_yes } => {
            let (below, nan_yes) = (B::of(below), u16::from(nan_yes));
            index.iter_mut().zip(bins).for_each(|(index, &at)| *index |= mask(at, below, nan_yes) & bit);
        }
        Decision::Listed { .. } => {
            let goes = |bin: B| u16::from(answer(bin, decision, lists)).wrapping_neg();
            index.iter_mut().zip(bins).for_each(|(index, &at)| *index |= goes(at) & bit);
        }
    }
}

/// Calls a function with the table's length as a constant, so that an index masked to it needs no check.
macro_rules! by_size {
    ($size:expr, $call:ident, $($arg:expr),*) => {
        match $size {
            1 => $call::<1>($($arg),*), 2 => $call::<2>($($arg),*), 4 => $call::<4>($($arg),*),
            8 => $call::<8>($($arg),*), 16 => $call::<16>($($arg),*), 32 => $call::<32>($($arg),*),
            64 => $call::<64>($($arg),*), 128 => $call::<128>($($arg),*), 256 => $call::<256>($($arg),*),
            512 => $call::<512>($($arg),*), 1024 => $call::<1024>($($arg),*), 2048 => $call::<2048>($($arg),*),
            4096 => $call::<4096>($($arg),*), 8192 => $call::<8192>($($arg),*), 16384 => $call::<16384>($($arg),*),
            32768 => $call::<32768>($($arg),*), _ => $call::<65536>($($arg),*),
        }
    };
}

fn look_up(index: &[u16], table: &[f64], sums: &mut [f64]) {
    by_size!(table.len(), look_up_sized, index, table, sums);
}

fn look_up_sized<const N: usize>(index: &[u16], table: &[f64], sums: &mut [f64]) {
    let Some(table) = table.first_chunk::<N>() else { return };
    for (sum, &at) in sums.iter_mut().zip(index) {
        *sum += table[usize::from(at) & (N - 1)];
    }
}

fn look_up_four(index: &[u16], tables: &[f64], sums: [&mut [f64]; 4]) {
    by_size!(tables.len() / 4, look_up_four_sized, index, tables, sums);
}

fn look_up_four_sized<const N: usize>(index: &[u16], tables: &[f64], sums: [&mut [f64]; 4]) {
    let mut tables = tables.as_chunks::<N>().0.iter();
    let (Some(ta), Some(tb), Some(tc), Some(td)) =
        (tables.next(), tables.next(), tables.next(), tables.next())
    else {
        return;
    };
    let n = index.len();
    let [a, b, c, d] = sums.map(|sums| &mut sums[..n]);
    for (row, &at) in index.iter().enumerate() {
        let at = usize::from(at) & (N - 1);
        a[row] += ta[at];
        b[row] += tb[at];
        c[row] += tc[at];
        d[row] += td[at];
    }
}
