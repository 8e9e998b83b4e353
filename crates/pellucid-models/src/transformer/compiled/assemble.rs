//! Which weights compute a program? A head for each selection, neurons for each table, and every edge noted
//! that carries something.
//!
//! Follows the ideas of Tracr (Lindner et al. 2023, arXiv 2301.05062). A value is a coordinate of the
//! residual stream that is 1.

use std::collections::BTreeSet;

use super::grid::Grid;
use super::plan::{Plan, n_queries};
use super::program::{INDICES, Program, Step, TOKENS, heeds_column, heeds_row};
use crate::transformer::node::{Edge, Part, Receiver, Sender};

/// How far the score of what is selected is above that of the first position, and that above the rest's: e to
/// the power of -80 is 2e-35, nothing beside 1 in 32 bits.
const STEP: f64 = 80.0;
/// The logit of the output's value; others are 0.
const LOGIT: f64 = 10.0;

/// A block's weights; rows are inputs.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) query: Grid,
    pub(super) query_bias: Vec<f64>,
    pub(super) key: Grid,
    pub(super) key_bias: Vec<f64>,
    pub(super) value: Grid,
    pub(super) output: Grid,
    pub(super) pre: Grid,
    pub(super) pre_bias: Vec<f64>,
    pub(super) post: Grid,
    pub(super) post_bias: Vec<f64>,
    /// Neurons that steps have, from the first on.
    pub(super) n_neurons: usize,
}

/// A model's weights; rows are tokens and positions, or inputs.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) embed: Grid,
    pub(super) positions: Grid,
    pub(super) blocks: Vec<Block>,
    pub(super) unembed: Grid,
}

/// The edges that carry something.
#[derive(Debug, Clone, Default)]
pub(super) struct Wiring {
    pub(super) all: BTreeSet<Edge>,
    /// Those that carry what depends on tokens.
    pub(super) moving: BTreeSet<Edge>,
}

impl Block {
    fn zeros(plan: &Plan) -> Self {
        let (d, wide, m) = (plan.d_model, plan.n_heads * plan.d_head, plan.d_mlp);
        Self {
            query: Grid::zeros(d, wide),
            query_bias: vec![0.0; wide],
            key: Grid::zeros(d, wide),
            key_bias: vec![0.0; wide],
            value: Grid::zeros(d, wide),
            output: Grid::zeros(wide, d),
            pre: Grid::zeros(d, m),
            pre_bias: vec![0.0; m],
            post: Grid::zeros(m, d),
            post_bias: vec![0.0; d],
            n_neurons: 0,
        }
    }

    /// A neuron that is `slope` times the sum of some inputs, plus a bias.
    fn neuron(&mut self, inputs: &[usize], slope: f64, bias: f64) -> usize {
        let neuron = self.n_neurons;
        inputs.iter().for_each(|input| self.pre.add(*input, neuron, slope));
        self.pre_bias[neuron] = bias;
        self.n_neurons += 1;
        neuron
    }
}

impl Parts {
    /// Turns the residual stream: what writes is turned with it, what reads turns it back.
    pub(super) fn turn(&mut self, rotation: &Grid) {
        let back = rotation.transposed();
        self.embed = self.embed.times(rotation);
        self.positions = self.positions.times(rotation);
        for block in &mut self.blocks {
            for read in [&mut block.query, &mut block.key, &mut block.value, &mut block.pre] {
                *read = back.times(read);
            }
            for written in [&mut block.output, &mut block.post] {
                *written = written.times(rotation);
            }
            block.post_bias = rotation.after_row(&block.post_bias);
        }
        self.unembed = back.times(&self.unembed);
    }
}

/// Works the weights out, before any disguise.
pub(super) fn assemble(program: &Program, plan: &Plan) -> (Parts, Wiring) {
    let d_vocab = program.n_tokens.max(program.n_out());
    let mut parts = Parts {
        embed: Grid::zeros(d_vocab, plan.d_model),
        positions: Grid::zeros(program.n_ctx, plan.d_model),
        blocks: vec![Block::zeros(plan); plan.n_layers],
        unembed: Grid::zeros(plan.d_model, d_vocab),
    };
    let mut builder = Builder { program, plan, firsts: program.firsts(), wiring: Wiring::default() };
    plan.spaces[TOKENS].clone().enumerate().for_each(|(token, at)| parts.embed.add(token, at, 1.0));
    plan.spaces[INDICES].clone().enumerate().for_each(|(index, at)| parts.positions.add(index, at, 1.0));
    for at in (2..program.steps.len()).filter(|at| program.is_needed[*at]) {
        builder.step(at, &mut parts.blocks[plan.layers[at]]);
    }
    let output = plan.spaces[program.output].clone();
    output.enumerate().for_each(|(value, at)| parts.unembed.add(at, value, LOGIT));
    builder.edge(program.output, Receiver::Logits);
    (parts, builder.wiring)
}

struct Builder<'p> {
    program: &'p Program,
    plan: &'p Plan,
    /// Every step's value at the first position.
    firsts: Vec<usize>,
    wiring: Wiring,
}

impl Builder<'_> {
    /// Notes that a step's values are read.
    fn edge(&mut self, read: usize, to: Receiver) {
        let from = self.plan.writer(self.program, read);
        self.note(from, to, self.program.is_still(read));
    }

    fn note(&mut self, from: Sender, to: Receiver, is_still: bool) {
        let edge = Edge { from, to };
        self.wiring.all.insert(edge);
        if !is_still {
            self.wiring.moving.insert(edge);
        }
    }

    fn step(&mut self, at: usize, block: &mut Block) {
        let program = self.program;
        match &program.steps[at] {
            Step::Tokens | Step::Indices => {}
            Step::Map { of, table } => self.map(at, *of, table, block),
            Step::Zip { a, b, table } => self.zip(at, [*a, *b], table, block),
            Step::Aggregate { keys, queries, predicate, values } => {
                self.select(at, [*keys, *queries], predicate, block);
                self.carry(at, *values, block);
            }
            Step::Count { keys, queries, predicate } => {
                self.select(at, [*keys, *queries], predicate, block);
                self.count(at, block);
            }
        }
    }

    fn part(&self, at: usize, part: Part) -> Receiver {
        Receiver::Head { layer: self.plan.layers[at], part, head: self.plan.heads[at] }
    }

    /// The coordinate of the first position.
    fn first(&self) -> usize {
        self.plan.spaces[INDICES].start
    }

    /// A neuron a value, which is 1 where the value is, and 0 where rounding left a little.
    fn map(&mut self, at: usize, of: usize, table: &[usize], block: &mut Block) {
        let (from, to) = (self.plan.spaces[of].start, self.plan.spaces[at].start);
        for (value, answer) in table.iter().enumerate() {
            let neuron = block.neuron(&[from + value], 2.0, -1.0);
            block.post.add(neuron, to + answer, 1.0);
        }
        self.edge(of, Receiver::Mlp { layer: self.plan.layers[at] });
    }

    /// A neuron a pair of values, which is 1 where both are.
    fn zip(&mut self, at: usize, both: [usize; 2], table: &[Vec<usize>], block: &mut Block) {
        let [a, b] = both.map(|of| self.plan.spaces[of].start);
        let to = self.plan.spaces[at].start;
        for (value, row) in table.iter().enumerate() {
            for (other, answer) in row.iter().enumerate() {
                let neuron = block.neuron(&[a + value, b + other], 2.0, -3.0);
                block.post.add(neuron, to + answer, 1.0);
            }
        }
        both.into_iter().for_each(|of| self.edge(of, Receiver::Mlp { layer: self.plan.layers[at] }));
    }

    /// Scores: a query is its value, a key what each query's score is to be.
    fn select(&mut self, at: usize, [keys, queries]: [usize; 2], predicate: &[Vec<bool>], block: &mut Block) {
        let e = self.plan.d_head;
        let scale = (e as f64).sqrt();
        // Counted positions score as the first one does, others are above it.
        let n_steps = if let Step::Count { .. } = self.program.steps[at] { 1.0 } else { 2.0 };
        let above = n_steps * STEP * scale;
        let score = |key: usize, query: usize| if predicate[key][query] { above } else { 0.0 };
        let place = self.plan.heads[at] * e;
        let n = n_queries(self.program, queries, predicate);
        if heeds_column(predicate) {
            let from = self.plan.spaces[queries].start;
            (0..n).for_each(|query| block.query.add(from + query, place + query, 1.0));
            self.edge(queries, self.part(at, Part::Query));
        } else {
            block.query_bias[place] = 1.0;
        }
        if heeds_row(predicate) {
            let from = self.plan.spaces[keys].start;
            for key in 0..predicate.len() {
                (0..n).for_each(|query| block.key.add(from + key, place + query, score(key, query)));
            }
            self.edge(keys, self.part(at, Part::Key));
        } else {
            (0..n).for_each(|query| block.key_bias[place + query] = score(0, query));
        }
        // The first position scores the same for all queries, whatever its own value would give it.
        let mut is_read = false;
        for query in 0..n {
            let missing = STEP * scale - score(self.firsts[keys], query);
            block.key.add(self.first(), place + query, missing);
            is_read |= missing != 0.0;
        }
        if is_read {
            self.note(Sender::Input, self.part(at, Part::Key), true);
        }
    }

    /// Values go through a head as they are.
    fn carry(&mut self, at: usize, values: usize, block: &mut Block) {
        let place = self.plan.heads[at] * self.plan.d_head;
        let (from, to) = (self.plan.spaces[values].start, self.plan.spaces[at].start);
        for value in 0..self.program.sizes[values] {
            block.value.add(from + value, place + value, 1.0);
            block.output.add(place + value, to + value, 1.0);
        }
        self.edge(values, self.part(at, Part::Value));
    }

    /// The share of the first position is 1 over 1 more than the count; neurons tell which count that is.
    fn count(&mut self, at: usize, block: &mut Block) {
        let place = self.plan.heads[at] * self.plan.d_head;
        let (share, to) = (self.plan.shares[at], self.plan.spaces[at].start);
        block.value.add(self.first(), place, 1.0);
        block.output.add(place, share, 1.0);
        self.note(Sender::Input, self.part(at, Part::Value), true);

        let last = self.program.sizes[at] - 1;
        for count in 0..last {
            // A ramp from 0 to 1 in the middle half between the share of the next count and that of this one:
            // two neurons.
            let (low, high) = (1.0 / (count as f64 + 2.0), 1.0 / (count as f64 + 1.0));
            let quarter = (high - low) / 4.0;
            let slope = 0.5 / quarter;
            let up = block.neuron(&[share], slope, -slope * (low + quarter));
            let level = block.neuron(&[share], slope, -slope * (high - quarter));
            // It tells whether the count is no more than this: this one has it, and the next one loses it.
            for (neuron, sign) in [(up, 1.0), (level, -1.0)] {
                block.post.add(neuron, to + count, sign);
                block.post.add(neuron, to + count + 1, -sign);
            }
        }
        // No count is more than the last.
        block.post_bias[to + last] += 1.0;

        let layer = self.plan.layers[at];
        let head = Sender::Head { layer, head: self.plan.heads[at] };
        self.note(head, Receiver::Mlp { layer }, self.program.is_still(at));
    }
}
