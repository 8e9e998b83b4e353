//! Which kernel for which leaf, and what does it need? Tree by tree, on all threads.

use std::collections::BTreeMap;
use std::ops::Range;

use pellucid_data::{Level, NodeId};
use pellucid_models::trees::{Ensemble, Node, Tree};

use super::bins::Bins;
use super::columns::Wanted;
use super::deep::{self, DeepLeaf};
use super::game::Background;
use super::histogram::{Binned, Histogram, all_pass};
use super::linear::LinearPart;
use super::paths::{Path, walk};
use super::plan::{MAX_POINT_BYTES, MAX_TABLE_BYTES, PlanError, Summary};
use super::planes;
use super::quadrature::{Walk, bytes_of, points_of, prepare};
use super::units::{Aim, Allowed, Op, cut};
use super::workers::share;
use crate::{Control, Stopped, Watch};

/// Where there is a choice, trees are integrated once the tables of those before them take so much.
const AUTO_TABLE_BYTES: usize = 512 << 20;
/// Bytes of tables that stay in the second-level cache beside what is done with them.
const GROUP_BYTES: usize = 384 << 10;
/// Trees that are made ready before what they take is added up, for each thread.
const AT_A_TIME: usize = 4;
/// Leaves that need so many more points than others are walked to by themselves.
const POINTS_APART: usize = 2;

#[derive(Debug, Clone)]
pub(super) struct TreePlan {
    pub(super) ops: Vec<Op>,
    pub(super) n_buffers: usize,
    /// Leaves with long paths, those together that need about as many points.
    pub(super) deep: Vec<Walk>,
    pub(super) by_pattern: Vec<DeepLeaf>,
}

#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) game: &'static str,
    pub(super) bins: Bins,
    pub(super) trees: Vec<TreePlan>,
    /// Trees whose tables fit into the cache together.
    pub(super) groups: Vec<Range<usize>>,
    pub(super) base: Vec<f64>,
    /// What is added beside trees.
    pub(super) linear: Option<LinearPart>,
    /// Columns an output has in sums.
    pub(super) width: usize,
    /// The unit of each column's rounded tables, see [`planes`].
    pub(super) scales: Vec<f64>,
    pub(super) level: Level,
}

/// What one tree needs.
struct Ready {
    plan: TreePlan,
    /// What the tree is expected to answer, one an output.
    expected: Vec<f64>,
    summary: Summary,
    /// Bytes of leaves that are looked at pattern by pattern.
    pattern_bytes: usize,
}

/// What all trees are made ready for.
struct Job<'j> {
    model: &'j Ensemble,
    bins: &'j Bins,
    background: Option<Binned<'j>>,
    aim: Aim,
    watch: &'j dyn Watch,
}

/// Makes every tree ready; the second and third of `about` are what for and with which instructions, the first is the game's
/// name. The result does not depend on the number of threads.
pub(super) fn compile(
    model: &Ensemble,
    background: Option<&Background>,
    (game, aim, level): (&'static str, Aim, Level),
    control: &Control<'_>,
) -> Result<(Compiled, Summary), PlanError> {
    let bins = Bins::new(model);
    let binned = background.map(|background| Binned::new(&bins, background));
    let mut base = model.base.clone();
    let linear = background.and_then(|background| LinearPart::new(model, background));
    if let Some(linear) = &linear {
        linear.add_base(&mut base);
    }
    let mut job = Job { model, bins: &bins, background: binned, aim, watch: control.watch };
    let mut summary = Summary::default();
    let mut pattern_bytes = 0;
    let mut trees = Vec::with_capacity(model.trees.len());
    while trees.len() < model.trees.len() {
        let first = trees.len();
        let end = model.trees.len().min(first + AT_A_TIME * control.threads.get());
        for (at, ready) in (first..end).zip(job.trees(first..end, control)?) {
            let mut ready = ready?;
            if aim.allowed == Allowed::Both && summary.table_bytes > AUTO_TABLE_BYTES {
                job.aim.allowed = Allowed::PointsOnly;
                // Those before it took what there was while it was made ready.
                if ready.summary.n_units > 0 {
                    ready = job.tree(at)?;
                }
            }
            base.iter_mut().zip(&ready.expected).for_each(|(sum, own)| *sum += own);
            summary.add(&ready.summary);
            pattern_bytes += ready.pattern_bytes;
            if summary.table_bytes > MAX_TABLE_BYTES {
                return Err(PlanError::TablesTooLarge);
            }
            if pattern_bytes > MAX_TABLE_BYTES {
                return Err(PlanError::PatternsTooLarge);
            }
            trees.push(ready.plan);
        }
    }
    let width = aim.wanted.width(bins.used.len());
    let scales = if aim.in_planes {
        let units = trees.iter_mut().flat_map(|tree| &mut tree.ops).filter_map(Op::unit_mut);
        planes::round(units, width * base.len(), control).map_err(|Stopped| PlanError::Stopped)?
    } else {
        Vec::new()
    };
    let groups = groups(&trees, scales.len());
    Ok((Compiled { game, width, groups, bins, trees, base, linear, scales, level }, summary))
}

impl Job<'_> {
    /// Some trees at a time.
    fn trees(
        &self,
        range: Range<usize>,
        control: &Control<'_>,
    ) -> Result<Vec<Result<Ready, PlanError>>, PlanError> {
        let mut made: Vec<Option<Result<Ready, PlanError>>> = range.clone().map(|_| None).collect();
        let n = range.len();
        let work = |(): &mut (), (at, slot): (usize, &mut Option<Result<Ready, PlanError>>)| {
            *slot = Some(self.tree(at));
            Ok(())
        };
        share(range.zip(&mut made), n, control, || (), work).map_err(|Stopped| PlanError::Stopped)?;
        Ok(made.into_iter().flatten().collect())
    }

    fn tree(&self, at: usize) -> Result<Ready, PlanError> {
        let (tree, bins, wanted) = (&self.model.trees[at], self.bins, self.aim.wanted);
        let mut histograms = match &self.background {
            None => None,
            Some(background) => {
                let found =
                    background.of_leaves(tree, bins, self.watch).map_err(|Stopped| PlanError::Stopped)?;
                Some(found.ok_or(PlanError::PathTooLongForPatterns { tree: at })?)
            }
        };
        let mut expected = vec![0.0; self.model.base.len()];
        match &histograms {
            None => tree.target().each_output(tree.expected(), |output, value| expected[output] += value),
            Some(histograms) => add_mean(tree, histograms, &mut expected),
        }
        let cut =
            cut(tree, bins, self.aim, histograms.as_deref()).ok_or(PlanError::PathTooLong { tree: at })?;
        let mut summary = Summary::default();
        for unit in cut.ops.iter().filter_map(Op::unit) {
            summary.n_units += 1;
            summary.n_look_ups += unit.columns.len();
            summary.table_bytes += unit.table.bytes();
        }
        let mut plan =
            TreePlan { ops: cut.ops, n_buffers: cut.n_buffers, deep: Vec::new(), by_pattern: Vec::new() };
        let mut pattern_bytes = 0;
        if let Some(histograms) = &mut histograms {
            summary.n_paired = cut.deep.len();
            plan.by_pattern = deep::prepare(tree, &cut.deep, bins, wanted, histograms);
            pattern_bytes = plan.by_pattern.iter().map(DeepLeaf::bytes).sum();
        } else if !cut.deep.is_empty() {
            let parts = by_points(tree, &cut.deep, wanted);
            let bytes =
                parts.iter().fold(0, |sum: usize, part| sum.saturating_add(bytes_of(tree, part, wanted)));
            if bytes > MAX_POINT_BYTES {
                return Err(PlanError::PathTooDeep { tree: at });
            }
            summary.n_integrated = cut.deep.len();
            for leaves in parts {
                let walk = prepare(tree, &leaves, bins, wanted);
                summary.n_points = summary.n_points.max(walk.n_points());
                plan.deep.push(walk);
            }
        }
        Ok(Ready { plan, expected, summary, pattern_bytes })
    }
}

/// Leaves, those together that need about as many points.
fn by_points(tree: &Tree, leaves: &[NodeId], wanted: Wanted) -> Vec<Vec<NodeId>> {
    let mut sorted = leaves.to_vec();
    sorted.sort_unstable();
    let mut parts: BTreeMap<usize, Vec<NodeId>> = BTreeMap::new();
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        if sorted.binary_search(&node).is_ok() {
            let part = points_of(path.slots.len(), wanted).div_ceil(POINTS_APART);
            parts.entry(part).or_default().push(node);
        }
        true
    });
    parts.into_values().collect()
}

/// Neighbouring trees, as many as have tables of [`GROUP_BYTES`], and where these are in planes look-ups enough for each of so
/// many columns.
fn groups(trees: &[TreePlan], n_planes: usize) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let (mut bytes, mut look_ups) = (0, 0);
    for (at, tree) in trees.iter().enumerate() {
        let units = tree.ops.iter().filter_map(Op::unit);
        let (own_bytes, own_look_ups) = units.fold((0, 0), |(bytes, look_ups), unit| {
            (bytes + unit.table.bytes(), look_ups + unit.columns.len())
        });
        match groups.last_mut() {
            Some(group)
                if bytes + own_bytes <= GROUP_BYTES || look_ups < n_planes * planes::WORTH_HOLDING =>
            {
                group.end = at + 1;
                (bytes, look_ups) = (bytes + own_bytes, look_ups + own_look_ups);
            }
            _ => {
                groups.push(at..at + 1);
                (bytes, look_ups) = (own_bytes, own_look_ups);
            }
        }
    }
    groups
}

/// Adds a tree's mean answer over the background to the base of its outputs.
fn add_mean(tree: &Tree, histograms: &[Histogram], base: &mut [f64]) {
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        if let Node::Leaf(leaf) = &tree.nodes()[node.index()] {
            let full = all_pass(path.slots.len());
            // Patterns rise, and the one of those that arrive is the last.
            let share =
                histograms[*leaf as usize].last().filter(|last| last.0 == full).map_or(0.0, |last| last.1);
            let values = tree.leaf_values(*leaf);
            tree.target().each_output(values, |output, value| base[output] += share * value);
        }
        true
    });
}
