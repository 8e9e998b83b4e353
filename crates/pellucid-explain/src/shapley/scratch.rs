//! What does a worker do with a block of rows, and where does it keep it? Bins, patterns, look-ups, integrals, sums.

use pellucid_models::trees::FeatureMatrix;

use super::aligned::Aligned;
use super::bins::{Bin, Bins, Decision, answer};
use super::blocks::Layout;
use super::compile::{Compiled, TreePlan};
use super::deep::DeepLeaf;
use super::index::{answers, look_up, look_up_four, set_bit, split};
use super::margins::Chunks;
use super::planes::{GROUP, Held};
use super::quadrature::{LANES, Lanes};
use super::units::{Op, Table, Unit};

/// Rows of a strip, so that what is looked up lies in the first-level cache.
const STRIP: usize = 1024;
/// Where every column has its planes beside.
const STRIP_IN_PLANES: usize = 1024;

/// Columns of sums that lie a power of two apart would fight for the same lines of the cache.
const PADDING: usize = 24;

/// A worker's memory, column-major: bins and sums of a block of rows, and the rest for a strip of it.
pub(super) struct Scratch<B> {
    /// Rows a block.
    size: usize,
    /// Rows a strip.
    strip: usize,
    /// Distance of columns in `sums`.
    stride: usize,
    /// Rows of this block.
    n_block: usize,
    /// Where the strip begins in the block.
    first: usize,
    /// Rows of this strip.
    n: usize,
    bins: Aligned<B>,
    patterns: Aligned<u16>,
    index: Aligned<u16>,
    sums: Aligned<f64>,
    held: Held,
    lanes: Lanes,
    pub(super) chunks: Chunks,
    /// Patterns of rows at a leaf that has no table, and rows in their order.
    sets: Vec<u64>,
    order: Vec<u32>,
}

impl<B: Bin> Scratch<B> {
    pub(super) fn new(compiled: &Compiled, n_columns: usize, size: usize) -> Self {
        let n_buffers = compiled.trees.iter().map(|tree| tree.n_buffers).max().unwrap_or(1);
        let in_planes = !compiled.scales.is_empty();
        let strip = size.min(if in_planes { STRIP_IN_PLANES } else { STRIP });
        Self {
            size,
            strip,
            stride: size + PADDING,
            n_block: 0,
            first: 0,
            n: 0,
            bins: Aligned::new(compiled.bins.used.len() * size),
            patterns: Aligned::new(n_buffers * strip),
            index: Aligned::new(strip.next_multiple_of(GROUP)),
            sums: Aligned::new(n_columns * (size + PADDING)),
            held: Held::new(if in_planes { n_columns } else { 0 }, strip),
            lanes: Lanes::default(),
            chunks: Chunks::default(),
            sets: Vec::new(),
            order: Vec::new(),
        }
    }

    /// Takes a block of rows.
    #[inline(always)]
    pub(super) fn fill<const LEVEL: u8>(
        &mut self,
        bins: &Bins,
        rows: &FeatureMatrix,
        first_row: usize,
        n: usize,
    ) {
        self.n_block = n;
        self.sums.fill(0.0);
        for (place, (feature, own)) in bins.used.iter().zip(self.bins.chunks_exact_mut(self.size)).enumerate()
        {
            bins.fill::<LEVEL, B>(place, &rows.column(*feature)[first_row..][..n], &mut own[..n]);
        }
    }

    /// Takes the block through trees whose tables fit into the cache together, strip by strip.
    #[inline(always)]
    pub(super) fn trees<const LEVEL: u8>(&mut self, trees: &[TreePlan], compiled: &Compiled) {
        for first in (0..self.n_block).step_by(self.strip) {
            self.first = first;
            self.n = self.strip.min(self.n_block - first);
            for tree in trees {
                self.tree::<LEVEL>(tree, compiled);
            }
            self.put_together(compiled);
        }
    }

    #[inline(always)]
    fn tree<const LEVEL: u8>(&mut self, tree: &TreePlan, compiled: &Compiled) {
        let bins = &compiled.bins;
        for op in &tree.ops {
            match op {
                Op::Split { place, decision, from, yes, bit, fresh } => {
                    let own = &self.bins[*place as usize * self.size + self.first..][..self.n];
                    let (parents, children) = self.patterns.split_at_mut(*yes as usize * self.strip);
                    let parent = &parents[*from as usize * self.strip..][..self.n];
                    let (yes, no) = children.split_at_mut(self.strip);
                    let (yes, no) = (&mut yes[..self.n], &mut no[..self.n]);
                    split(own, *decision, bins.lists(), *bit, *fresh, parent, yes, no);
                }
                Op::Unit(unit) => self.unit::<LEVEL>(unit, compiled),
            }
        }
        for leaf in &tree.by_pattern {
            self.by_pattern(leaf, bins, compiled.width);
        }
        for deep in &tree.deep {
            let (size, stride, width) = (self.size, self.stride, compiled.width);
            let end = self.first + self.n;
            for first in (self.first..end).step_by(LANES) {
                let rows = first..(first + LANES).min(end);
                let goes_yes = |place: u32, decision: Decision| {
                    // Columns of bins are whole groups long; what stands past the last row is asked, and not read.
                    let own = self.bins[place as usize * size + first..].first_chunk::<LANES>();
                    own.map_or([0.0; LANES], |own| answers(own, decision, bins.lists()))
                };
                let sums = &mut self.sums;
                deep.run(&mut self.lanes, width, goes_yes, |column, part| {
                    let own = &mut sums[column * stride..][rows.clone()];
                    own.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
                });
            }
        }
    }

    #[inline(always)]
    fn by_pattern(&mut self, leaf: &DeepLeaf, bins: &Bins, width: usize) {
        self.sets.clear();
        self.sets.resize(self.n, leaf.full());
        for (place, decision, yes, bit) in &leaf.steps {
            let own = &self.bins[*place as usize * self.size + self.first..][..self.n];
            for (set, &bin) in self.sets.iter_mut().zip(own) {
                let fails = u64::from(answer(bin, *decision, bins.lists()) != *yes).wrapping_neg();
                *set &= !(bit & fails);
            }
        }
        let (sums, stride, first) = (&mut self.sums, self.stride, self.first);
        leaf.add(&self.sets, width, &mut self.order, |column, row, part| {
            sums[column * stride + first + row] += part;
        });
    }

    #[inline(always)]
    fn unit<const LEVEL: u8>(&mut self, unit: &Unit, compiled: &Compiled) {
        let bins = &compiled.bins;
        let index = &mut self.index[..self.n];
        index.copy_from_slice(&self.patterns[unit.from as usize * self.strip..][..self.n]);
        for (at, (place, decision)) in unit.splits.iter().enumerate() {
            let own = &self.bins[*place as usize * self.size + self.first..][..self.n];
            set_bit(own, *decision, bins.lists(), 1 << (unit.first_bit as usize + at), index);
        }
        let table = match &unit.table {
            Table::Plain(table) => table.as_slice(),
            Table::Planes(lines) => {
                // What stands in the index past the last row is looked up too, and not read.
                let index = &self.index[..self.n.next_multiple_of(GROUP)];
                let each = lines.len() / unit.columns.len();
                for (&column, table) in unit.columns.iter().zip(lines.chunks_exact(each)) {
                    let column = column as usize;
                    let sums = &mut self.sums[column * self.stride + self.first..][..self.n];
                    self.held.add::<LEVEL>(column, index, table, compiled.scales[column], sums);
                }
                return;
            }
        };
        let entries = table.len() / unit.columns.len();
        // Four columns at once while there are four: the index is read once for all of them.
        let (mut columns, mut tables) = (unit.columns.as_slice(), table);
        while let Some((&four, rest)) = columns.split_first_chunk::<4>() {
            let ranges = four.map(|column| {
                let first = column as usize * self.stride + self.first;
                first..first + self.n
            });
            // Columns are distinct, so that their sums never overlap.
            if let Ok(sums) = self.sums.get_disjoint_mut(ranges) {
                look_up_four(index, &tables[..4 * entries], sums);
            }
            (columns, tables) = (rest, &tables[4 * entries..]);
        }
        for (&column, table) in columns.iter().zip(tables.chunks_exact(entries)) {
            let sums = &mut self.sums[column as usize * self.stride + self.first..][..self.n];
            look_up(index, table, sums);
        }
    }

    /// Adds what is held in planes to the sums.
    #[inline(always)]
    fn put_together(&mut self, compiled: &Compiled) {
        for (column, &scale) in compiled.scales.iter().enumerate() {
            let sums = &mut self.sums[column * self.stride + self.first..][..self.n];
            self.held.put_together(column, scale, sums);
        }
    }

    /// Transposes the block's sums into rows.
    #[inline(always)]
    pub(super) fn write(&self, layout: &Layout, n_outputs: usize, values: &mut [f64]) {
        let width = layout.places.len();
        for (row, values) in values.chunks_exact_mut((n_outputs * layout.n).max(1)).enumerate() {
            for output in 0..n_outputs {
                for (column, place) in layout.places.iter().enumerate() {
                    values[output * layout.n + place] =
                        self.sums[(output * width + column) * self.stride + row];
                }
            }
        }
    }
}
