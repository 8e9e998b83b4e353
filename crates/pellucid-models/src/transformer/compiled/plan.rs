//! Where does each step of a program go? Its values to a part of the residual stream, its work to the
//! earliest block that can do it.

use std::ops::Range;

use super::disguise::{Disguise, N_NEURONS, N_PADDING, Random};
use super::program::{INDICES, Program, Step, TOKENS, heeds_column};
use crate::transformer::node::Sender;

/// Where everything is.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) n_layers: usize,
    pub(super) n_heads: usize,
    pub(super) d_model: usize,
    pub(super) d_head: usize,
    pub(super) d_mlp: usize,
    /// By step: where its values are, one coordinate each; nothing for steps that are not needed.
    pub(super) spaces: Vec<Range<usize>>,
    /// By step: where a count's share of the first position is.
    pub(super) shares: Vec<usize>,
    /// By step: the block.
    pub(super) layers: Vec<usize>,
    /// By step: the head.
    pub(super) heads: Vec<usize>,
    /// By block, by head: whether a step has it.
    pub(super) is_taken: Vec<Vec<bool>>,
    /// Coordinates that no step has.
    pub(super) padding: Range<usize>,
}

impl Plan {
    pub(super) fn new(program: &Program, disguise: Disguise, random: &mut Random) -> Self {
        let n = program.steps.len();
        let is_built = |at: &usize| program.is_needed[*at] || *at == TOKENS || *at == INDICES;
        let layers = layers(program);
        let n_layers = (2..n).filter(is_built).map(|at| layers[at] + 1).max().unwrap_or(1);

        let (mut spaces, mut shares) = (vec![0..0; n], vec![0; n]);
        let mut end = 0;
        for at in (0..n).filter(is_built) {
            spaces[at] = end..end + program.sizes[at];
            end = spaces[at].end;
            if let Step::Count { .. } = program.steps[at] {
                shares[at] = end;
                end += 1;
            }
        }
        let padding = end..end + N_PADDING;

        let mut by_layer: Vec<Vec<usize>> = vec![Vec::new(); n_layers];
        let mut neurons = vec![0; n_layers];
        let mut d_head = 1;
        for at in (2..n).filter(is_built) {
            if let Some(width) = width(program, at) {
                by_layer[layers[at]].push(at);
                d_head = d_head.max(width);
            }
            neurons[layers[at]] += n_neurons(program, at);
        }
        let most = by_layer.iter().map(Vec::len).max().unwrap_or(0);
        let n_heads = (most + disguise.distractor_heads).max(1);
        let (mut heads, mut is_taken) = (vec![0; n], vec![vec![false; n_heads]; n_layers]);
        for (own, is_taken) in by_layer.iter().zip(&mut is_taken) {
            let mut order: Vec<usize> = (0..n_heads).collect();
            if disguise.has_distractors() {
                random.shuffle(&mut order);
            }
            for (&at, head) in own.iter().zip(order) {
                heads[at] = head;
                is_taken[head] = true;
            }
        }
        let extra = if disguise.has_distractors() { N_NEURONS } else { 0 };
        let d_mlp = (neurons.into_iter().max().unwrap_or(0) + extra).max(1);
        let d_model = padding.end;
        Self { n_layers, n_heads, d_model, d_head, d_mlp, spaces, shares, layers, heads, is_taken, padding }
    }

    /// What writes a step's values.
    pub(super) fn writer(&self, program: &Program, at: usize) -> Sender {
        let layer = self.layers[at];
        match program.steps[at] {
            Step::Tokens | Step::Indices => Sender::Input,
            Step::Map { .. } | Step::Zip { .. } | Step::Count { .. } => Sender::Mlp { layer },
            Step::Aggregate { .. } => Sender::Head { layer, head: self.heads[at] },
        }
    }
}

/// The block of each step. A block's attention reads what blocks before it wrote, its MLP that and what its
/// attention wrote.
fn layers(program: &Program) -> Vec<usize> {
    let mut layers = Vec::with_capacity(program.steps.len());
    // How many half blocks have to be over before a step can be read.
    let mut ready: Vec<usize> = Vec::with_capacity(program.steps.len());
    for (at, step) in program.steps.iter().enumerate() {
        let known = program.reads(at).into_iter().map(|read| ready[read]).max().unwrap_or(0);
        let (layer, own) = match step {
            Step::Tokens | Step::Indices => (0, 0),
            Step::Map { .. } | Step::Zip { .. } => (known / 2, known / 2 * 2 + 2),
            Step::Aggregate { .. } => (known.div_ceil(2), known.div_ceil(2) * 2 + 1),
            Step::Count { .. } => (known.div_ceil(2), known.div_ceil(2) * 2 + 2),
        };
        layers.push(layer);
        ready.push(own);
    }
    layers
}

/// How many different queries a head has: one if it heeds none.
pub(super) fn n_queries(program: &Program, queries: usize, predicate: &[Vec<bool>]) -> usize {
    if heeds_column(predicate) { program.sizes[queries] } else { 1 }
}

/// How wide a step's head must be; `None` for steps without one.
fn width(program: &Program, at: usize) -> Option<usize> {
    match &program.steps[at] {
        Step::Aggregate { queries, predicate, values, .. } => {
            Some(n_queries(program, *queries, predicate).max(program.sizes[*values]))
        }
        Step::Count { queries, predicate, .. } => Some(n_queries(program, *queries, predicate)),
        Step::Tokens | Step::Indices | Step::Map { .. } | Step::Zip { .. } => None,
    }
}

fn n_neurons(program: &Program, at: usize) -> usize {
    match &program.steps[at] {
        Step::Map { table, .. } => table.len(),
        Step::Zip { a, b, .. } => program.sizes[*a] * program.sizes[*b],
        Step::Count { .. } => 2 * (program.sizes[at] - 1),
        Step::Tokens | Step::Indices | Step::Aggregate { .. } => 0,
    }
}
