//! What of an experiment has to be computed, and what does it cost?
//!
//! Of a causal model, a change at a position leaves everything before it as it was, and a change in a block all blocks before: the run
//! is taken up there, with the keys and values that it has already. Where both prompts have the same values, or the answer can't see
//! the change, nothing is run at all. What reaches no other position within its block takes that block for its own row alone. Of the
//! last block only the row that answers is computed, and of all logits those of the answers; cells that start at the same block go
//! through the weights together. The other prompt is run from the first token on that differs.

use pellucid_models::transformer::tap::Array;
use pellucid_models::transformer::{Axis, Site, Spec};

use super::case::{Case, Donor, Metric};
use super::patching::{Cell, Patching};

/// Rows that go through the weights together, at most, unless one cell has more.
const MOST_ROWS: usize = 512;
/// Logits that are held together, at most, unless one cell has more.
const MOST_LOGITS: usize = 8 << 20;

/// A cell that is run, from a block and a position on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// The place among all cells.
    pub(super) at: usize,
    pub(super) cell: Cell,
    /// The first block that is run for all rows.
    pub(super) layer: usize,
    /// The first position that is run.
    pub(super) first: usize,
    /// Where the values go in.
    pub(super) way: Way,
}

/// Where a cell's values go in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Into the residual stream before the first block, so that no site is looked at.
    Residual,
    /// At a site of the first block.
    Site,
    /// At a site of the block before, which is run for the first row alone.
    Row,
}

/// What is run, and what that costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// All cells.
    pub cells: Vec<Cell>,
    /// Cells where both prompts have the same values, or whose change the answer can't see, so that nothing is run.
    pub n_skipped: usize,
    /// Multiply-adds of a whole run for every cell, as it is done without a plan: every row and all logits.
    pub naive: u64,
    /// Multiply-adds of the plan, with the runs that it needs first.
    pub planned: u64,
    /// About how many bytes of activations one thread holds at once, with what the first runs leave.
    pub peak_bytes: usize,
    /// Batches of cells that start at one block.
    pub(super) batches: Vec<Vec<Start>>,
    pub(super) n_tokens: usize,
}

impl Plan {
    /// How many batches of cells go through the weights.
    #[must_use]
    pub fn n_batches(&self) -> usize {
        self.batches.len()
    }
}

/// Multiply-adds of blocks from one on, for so many last rows of a prompt of `n_all` tokens.
pub(super) fn blocks(spec: &Spec, from: usize, n_rows: usize, n_all: usize) -> u64 {
    let (d, e) = (spec.d_model, spec.d_head);
    let attention = d * (spec.n_heads + 2 * spec.n_kv_heads) * e + spec.n_heads * e * d;
    let mlp = d * spec.d_mlp * if spec.is_gated { 3 } else { 2 };
    let mixing = 2 * spec.n_heads * n_all * e;
    ((spec.n_layers - from) * n_rows * (attention + mlp + mixing)) as u64
}

/// The same where of the last block only the last row is wanted: of the others keys and values.
pub(super) fn to_last(spec: &Spec, from: usize, n_rows: usize, n_all: usize) -> u64 {
    if from >= spec.n_layers {
        return 0;
    }
    let others = 2 * (n_rows - 1) * spec.d_model * spec.n_kv_heads * spec.d_head;
    let before = (spec.n_layers - 1 - from) as u64 * (blocks(spec, spec.n_layers - 1, n_rows, n_all));
    before + blocks(spec, spec.n_layers - 1, 1, n_all) + others as u64
}

/// Plans a sweep, for whose values nothing is run if they are known. `ours` and `theirs` are what is at the site without and with all values put in, block by block.
#[must_use]
pub(super) fn plan(
    spec: &Spec,
    asked: &Patching,
    (case, is_known): (&Case, bool),
    ours: &[Array<f32>],
    theirs: &[Array<f32>],
) -> Plan {
    let n_tokens = case.run.len();
    let cells = asked.cells(spec, n_tokens);
    let mut starts = Vec::new();
    let mut n_skipped = 0;
    for (place, &cell) in cells.iter().enumerate() {
        let (ours, theirs) = (&ours[cell.layer], &theirs[cell.layer]);
        match first_change(asked.site, cell, ours, theirs) {
            None => n_skipped += 1,
            Some(first) => {
                let way = match asked.site {
                    Site::ResidPre | Site::ResidPost => Way::Residual,
                    site if site.is_local() && cell.position.is_some() => Way::Row,
                    _ => Way::Site,
                };
                let is_after = way == Way::Row || asked.site == Site::ResidPost;
                let layer = cell.layer + usize::from(is_after);
                // After the last block the answer sees the last row alone.
                if layer == spec.n_layers && cell.position.is_some_and(|position| position + 1 < n_tokens) {
                    n_skipped += 1;
                } else {
                    starts.push(Start { at: place, cell, layer, first, way });
                }
            }
        }
    }
    starts.sort_by_key(|start| (start.layer, start.first, start.at));
    let batches =
        batched(starts, most_cells(spec, case.metric), |start| (start.layer, n_tokens - start.first));
    let unembedded = case.metric.multiply_adds(spec);
    let beside = beside(spec, asked.site);
    let all = batches.iter().flatten();
    let planned = all.map(|start| {
        let n_rows = n_tokens - start.first;
        let before = match start.way {
            Way::Residual => 0,
            Way::Site => (n_rows * beside) as u64,
            Way::Row => blocks(spec, spec.n_layers - 1, 1, start.first + 1) + beside as u64,
        };
        let is_looked_at = start.way == Way::Site && start.layer + 1 == spec.n_layers;
        let of_blocks = if is_looked_at { blocks } else { to_last };
        before + of_blocks(spec, start.layer, n_rows, n_tokens) + unembedded
    });
    let planned = reference(spec, asked, (case, is_known)) + planned.sum::<u64>();
    Plan {
        naive: naive(spec, case, cells.len()),
        planned,
        peak_bytes: peak(spec, asked.site, n_tokens, case.metric),
        cells,
        n_skipped,
        batches,
        n_tokens,
    }
}

/// Cells whose logits are held together.
pub(super) fn most_cells(spec: &Spec, metric: Metric) -> usize {
    (MOST_LOGITS / metric.n_logits(spec).max(1)).clamp(1, MOST_ROWS)
}

/// Experiments that start at one block, as many together as have rows enough; `of` is an experiment's block and its rows.
pub(super) fn batched<T>(sorted: Vec<T>, most: usize, of: impl Fn(&T) -> (usize, usize)) -> Vec<Vec<T>> {
    let mut batches: Vec<Vec<T>> = Vec::new();
    let mut n_rows = 0;
    for one in sorted {
        let (layer, own) = of(&one);
        match batches.last_mut() {
            Some(batch) if of(&batch[0]).0 == layer && n_rows + own <= MOST_ROWS && batch.len() < most => {
                batch.push(one);
                n_rows += own;
            }
            _ => {
                batches.push(vec![one]);
                n_rows = own;
            }
        }
    }
    batches
}

/// Multiply-adds of a whole run with all logits for each of `n` experiments, and of those that are needed first.
pub(super) fn naive(spec: &Spec, case: &Case, n: usize) -> u64 {
    let n_tokens = case.run.len();
    let a_run = blocks(spec, 0, n_tokens, n_tokens) + (n_tokens * spec.d_model * spec.d_vocab) as u64;
    (n as u64 + 1 + n_donors(case)) * a_run
}

/// Multiply-adds of a token for results of heads: they are no step of the pass, but worked out beside it where they are looked at.
fn beside(spec: &Spec, site: Site) -> usize {
    match site {
        Site::Result => spec.n_heads * spec.d_head * spec.d_model,
        _ => 0,
    }
}

/// How many runs values are taken from.
fn n_donors(case: &Case) -> u64 {
    match &case.donor {
        Donor::Run(_) | Donor::Resample { .. } => 1,
        Donor::Zero => 0,
        Donor::Mean(pool) => pool.len() as u64,
    }
}

/// Multiply-adds of the runs that are needed first.
fn reference(spec: &Spec, asked: &Patching, (case, is_known): (&Case, bool)) -> u64 {
    let rest = |n_rows: usize, n_tokens: usize| {
        let beside = spec.n_layers * n_rows * beside(spec, asked.site);
        blocks(spec, 0, n_rows, n_tokens) + beside as u64
    };
    let whole = |n_tokens: usize| rest(n_tokens, n_tokens);
    let (n_tokens, unembedded) = (case.run.len(), case.metric.multiply_adds(spec));
    let n_rows = n_tokens - case.n_shared();
    // The run keeps everything; of the others only the site is looked at.
    whole(n_tokens)
        + unembedded
        + match &case.donor {
            Donor::Run(_) if asked.site == Site::ResidPre => to_last(spec, 0, n_rows, n_tokens) + unembedded,
            Donor::Run(_) => rest(n_rows, n_tokens) + unembedded,
            Donor::Zero => 0,
            Donor::Mean(_) if is_known => 0,
            Donor::Resample { .. } => whole(n_tokens),
            Donor::Mean(pool) => pool.iter().map(|prompt| whole(prompt.len())).sum(),
        }
}

/// The first position whose later rows a cell changes; `None` if it changes nothing.
fn first_change(site: Site, cell: Cell, ours: &Array<f32>, theirs: &Array<f32>) -> Option<usize> {
    let is_changed = |range: &std::ops::Range<usize>| {
        let pairs = ours.data[range.clone()].iter().zip(&theirs.data[range.clone()]);
        pairs.into_iter().any(|(a, b)| a.to_bits() != b.to_bits())
    };
    let ranges = cell.ranges(site, &ours.shape, 0);
    if site.axes()[0] == Axis::Position {
        let width = ours.data.len() / ours.shape[0];
        return ranges.iter().find(|range| is_changed(range)).map(|range| range.start / width);
    }
    // Scores and patterns: a row of a head is a token that attends.
    let [n, n_all] = [ours.shape[1], ours.shape[2]];
    let rows =
        ranges.iter().flat_map(|range| (range.start / n_all..range.end / n_all).map(|row| (row, row % n)));
    rows.filter(|(row, _)| is_changed(&(row * n_all..(row + 1) * n_all))).map(|(_, position)| position).min()
}

/// About how many bytes of activations a sweep on one thread holds at once, which is known before anything is run; other threads hold
/// rows of their own.
#[must_use]
pub fn peak(spec: &Spec, site: Site, n_tokens: usize, metric: Metric) -> usize {
    let past = 2 * spec.n_layers * n_tokens * spec.n_kv_heads * spec.d_head;
    let streams = spec.n_layers * n_tokens * spec.d_model;
    let sites = 2 * spec.n_layers * spec.shape(site, n_tokens).iter().product::<usize>();
    // The stream, norms, what heads read and mix, and neurons: buffers are kept for the next block.
    let heads = (2 * spec.n_heads + 2 * spec.n_kv_heads) * spec.d_head;
    let neurons = spec.d_mlp * if spec.is_gated { 2 } else { 1 };
    let rows = MOST_ROWS.max(n_tokens) * (3 * spec.d_model + heads + neurons);
    // Logits are held twice where cells take them apart.
    let rows = rows + 2 * most_cells(spec, metric) * metric.n_logits(spec);
    // While the plan is made, captures and what is taken of them are held both.
    size_of::<f32>() * (2 * past + 3 * streams + sites + rows)
}
