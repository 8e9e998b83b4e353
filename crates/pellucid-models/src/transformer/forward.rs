//! What does a transformer compute, fast? Prompts side by side, rows of all of them through one product of matrices.
//!
//! What [`super::definition`] says, in 32 bits. What nobody looks at is not kept: scores of a head at a time, and products that add to
//! the residual stream where it is. Every number is the same to the bit whatever other prompts there are, and whatever is looked at.

use std::ops::Range;

use pellucid_data::Level;

use super::Transformer;
use super::gemm::{Factor, Packed, Rows, Target, multiply};
use super::kernels::Kernels;
use super::site::{Hook, Site};
use super::spec::{Positions, Spec};
use super::tap::{Array, Capture, RunError, Tap, View};
use super::weights::{BlockWeights, Linear, Matrix, NormWeights};

/// What is wanted of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'w> {
    /// Logits of every token.
    All,
    /// Logits of each prompt's last token.
    Last,
    /// Of each prompt's last token the logits of these tokens alone, in this order.
    Tokens(&'w [u32]),
    /// The residual stream after the last block.
    Residual,
}

/// What a run answers.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Each prompt's logits, a row a token, or its residual stream.
    pub answers: Vec<Array<f32>>,
    /// Multiplications of weights or activations that were carried out, each with an addition.
    pub multiply_adds: u64,
}

/// What later positions need of earlier ones: keys, turned by their positions, and values, of every block.
#[derive(Debug, Clone)]
pub struct Past {
    /// By block: positions × key-value heads × width.
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
}

impl Past {
    /// The sites that it is made of.
    #[must_use]
    pub fn hooks(spec: &Spec) -> Vec<Hook> {
        let key = if spec.angles().is_empty() { Site::Key } else { Site::RotKey };
        (0..spec.n_layers).flat_map(|layer| [Hook::at(key, layer), Hook::at(Site::Value, layer)]).collect()
    }

    /// What a prompt's capture kept of them; `None` if something is missing.
    #[must_use]
    pub fn of(spec: &Spec, seen: &Capture<f32>, prompt: usize) -> Option<Self> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for hook in Self::hooks(spec) {
            let data = seen.seen.get(&(prompt, hook))?.data.clone();
            if hook.site == Site::Value { values.push(data) } else { keys.push(data) }
        }
        Some(Self { keys, values })
    }
}

/// A prompt within a run, or the rest of one from a position on.
#[derive(Debug, Clone)]
pub struct Stream<'s> {
    /// The residual stream before the first block that is run, a row a position.
    pub residual: Vec<f32>,
    /// The position of its first row.
    pub first: usize,
    /// Keys and values of the positions before that.
    pub past: Option<&'s Past>,
}

/// Runs prompts side by side. An encoder answers its residual stream, whatever is wanted.
///
/// # Errors
/// When a prompt can't be run; the number is the prompt's, from 0.
pub fn run(
    model: &Transformer,
    prompts: &[&[u32]],
    wanted: Wanted<'_>,
    tap: &mut dyn Tap<f32>,
) -> Result<Outcome, (usize, RunError)> {
    run_at(model, prompts, wanted, tap, Level::detect())
}

/// The same with instructions no newer than these.
///
/// # Errors
/// As [`run`].
pub fn run_at(
    model: &Transformer,
    prompts: &[&[u32]],
    wanted: Wanted<'_>,
    tap: &mut dyn Tap<f32>,
    level: Level,
) -> Result<Outcome, (usize, RunError)> {
    for (at, tokens) in prompts.iter().enumerate() {
        model.spec.check_tokens(tokens).map_err(|cause| (at, cause))?;
    }
    let mut rows = 0;
    let segments = prompts.iter().map(|tokens| {
        rows += tokens.len();
        Segment { rows: rows - tokens.len()..rows, first: 0, past: None }
    });
    let mut pass = Pass::new(model, segments.collect(), tap, level);
    let residual = pass.embed(prompts);
    Ok(pass.blocks(0, residual, wanted))
}

/// Runs the blocks from one on. Every number is what a whole run would have there, to the bit.
#[must_use]
pub fn resume(
    model: &Transformer,
    layer: usize,
    streams: Vec<Stream<'_>>,
    wanted: Wanted<'_>,
    tap: &mut dyn Tap<f32>,
    level: Level,
) -> Outcome {
    let mut segments = Vec::with_capacity(streams.len());
    let mut residual = Vec::new();
    for stream in streams {
        let start = residual.len() / model.spec.d_model;
        residual.extend(stream.residual);
        let rows = start..residual.len() / model.spec.d_model;
        segments.push(Segment { rows, first: stream.first, past: stream.past });
    }
    Pass::new(model, segments, tap, level).blocks(layer, residual, wanted)
}

/// The rows of one prompt.
struct Segment<'s> {
    rows: Range<usize>,
    /// The position of the first one.
    first: usize,
    past: Option<&'s Past>,
}

struct Pass<'p> {
    model: &'p Transformer,
    spec: &'p Spec,
    kernels: Kernels,
    segments: Vec<Segment<'p>>,
    n_rows: usize,
    /// Cosines and sines of each position, half a head wide.
    turns: Vec<[Vec<f32>; 2]>,
    tap: &'p mut dyn Tap<f32>,
    multiply_adds: u64,
}

impl<'p> Pass<'p> {
    fn new(
        model: &'p Transformer,
        segments: Vec<Segment<'p>>,
        tap: &'p mut dyn Tap<f32>,
        level: Level,
    ) -> Self {
        let n_rows = segments.last().map_or(0, |segment| segment.rows.end);
        let longest = segments.iter().map(|segment| segment.first + segment.rows.len()).max().unwrap_or(0);
        let angles = model.spec.angles();
        let of = |position: usize, part: fn(f64) -> f64| -> Vec<f32> {
            angles.iter().map(|angle| part(position as f64 * angle) as f32).collect()
        };
        let turns = (0..longest).map(|position| [of(position, f64::cos), of(position, f64::sin)]).collect();
        let kernels = Kernels::new(level);
        Self { model, spec: &model.spec, kernels, segments, n_rows, turns, tap, multiply_adds: 0 }
    }

    /// All blocks from one on, and what is wanted after them.
    fn blocks(mut self, first: usize, mut residual: Vec<f32>, wanted: Wanted<'_>) -> Outcome {
        for (layer, block) in self.model.weights.blocks.iter().enumerate().skip(first) {
            self.block(layer, block, &mut residual);
        }
        let answers = self.answer(residual, wanted);
        Outcome { answers, multiply_adds: self.multiply_adds }
    }

    /// Shows rows of all prompts to the tap, prompt by prompt.
    fn look(&mut self, hook: Hook, rows: &mut [f32]) {
        if !self.tap.wants(hook) {
            return;
        }
        let width = rows.len() / self.n_rows.max(1);
        for (prompt, segment) in self.segments.iter().enumerate() {
            let own = &segment.rows;
            let shape = self.spec.shape(hook.site, own.len());
            let data = &mut rows[own.start * width..own.end * width];
            self.tap.touch(hook, View { prompt, first: segment.first, shape, data });
        }
    }

    fn product(&mut self, rows: Rows<'_>, factor: &Factor<'_>, target: Target<'_>) {
        self.multiply_adds += multiply(self.kernels.level(), rows, factor, target);
    }

    /// Rows times a matrix, plus its bias.
    fn linear(&mut self, rows: &[f32], linear: &Linear) -> Vec<f32> {
        let n_out = linear.weight.n_out();
        let mut into = vec![0.0; rows.len() / linear.weight.n_in() * n_out];
        let target = Target { into: &mut into, stride: n_out, bias: linear.bias.as_deref(), adds: false };
        self.product(whole(rows, linear.weight.n_in()), &linear.weight.whole(), target);
        into
    }

    /// Adds rows times a matrix, and its bias, to the residual stream, in one step where nobody looks between.
    fn write(&mut self, rows: &[f32], linear: &Linear, out: Hook, residual: &mut [f32]) {
        if self.tap.wants(out) {
            let mut own = self.linear(rows, linear);
            self.look(out, &mut own);
            self.kernels.add(residual, &own);
            return;
        }
        let bias = linear.bias.as_deref();
        let target = Target { into: residual, stride: self.spec.d_model, bias, adds: true };
        self.product(whole(rows, linear.weight.n_in()), &linear.weight.whole(), target);
    }

    fn embed(&mut self, prompts: &[&[u32]]) -> Vec<f32> {
        let weights = &self.model.weights;
        let tokens = prompts.iter().flat_map(|tokens| tokens.iter());
        let mut sum: Vec<f32> = tokens.flat_map(|&token| weights.embed.column(token as usize)).collect();
        let gathered = |matrix: &Matrix, row_of: &dyn Fn(usize) -> usize| -> Vec<f32> {
            let positions = prompts.iter().flat_map(|tokens| 0..tokens.len());
            positions.flat_map(|position| matrix.row(row_of(position))).copied().collect()
        };
        let positions = weights.positions.as_ref().map(|matrix| gathered(matrix, &|position| position));
        let kinds = weights.token_types.as_ref().map(|matrix| gathered(matrix, &|_| 0));
        self.look(Hook::whole(Site::Embed), &mut sum);
        for (site, rows) in [(Site::PosEmbed, positions), (Site::TokenTypeEmbed, kinds)] {
            if let Some(mut rows) = rows {
                self.look(Hook::whole(site), &mut rows);
                self.kernels.add(&mut sum, &rows);
            }
        }
        match &weights.embed_norm {
            Some(norm) => {
                self.norm(&sum, norm, [Hook::whole(Site::EmbedScale), Hook::whole(Site::EmbedNormalized)])
            }
            None => sum,
        }
    }

    fn norm(&mut self, rows: &[f32], weights: &NormWeights, [scale, normalized]: [Hook; 2]) -> Vec<f32> {
        let (d, kernels, eps) = (self.spec.d_model, self.kernels, self.spec.eps as f32);
        let mut into = vec![0.0; rows.len()];
        let is_seen = self.tap.wants(scale) || self.tap.wants(normalized);
        let mut scales = Vec::new();
        for (row, into) in rows.chunks_exact(d).zip(into.chunks_exact_mut(d)) {
            let own = kernels.center(self.spec.norm, eps, row, into);
            if is_seen {
                scales.push(own);
            } else {
                kernels.weigh(weights, own, into);
            }
        }
        if is_seen {
            self.look(scale, &mut scales);
            for (row, scale) in into.chunks_exact_mut(d).zip(&scales) {
                // As where nobody looks, to the bit.
                let by = scale.recip();
                row.iter_mut().for_each(|x| *x *= by);
            }
            self.look(normalized, &mut into);
            into.chunks_exact_mut(d).for_each(|row| kernels.weigh(weights, 1.0, row));
        }
        into
    }

    fn block(&mut self, layer: usize, block: &BlockWeights, residual: &mut Vec<f32>) {
        let at = |site| Hook::at(site, layer);
        let (ln1, ln2) =
            ([Site::Ln1Scale, Site::Ln1Normalized].map(at), [Site::Ln2Scale, Site::Ln2Normalized].map(at));
        self.look(at(Site::ResidPre), residual);
        let mixed = self.attention(layer, block, residual);
        self.add_attention(layer, block, &mixed, residual);
        self.look(at(Site::ResidMid), residual);
        let mut copy = self.tap.wants(at(Site::MlpIn)).then(|| residual.clone());
        if let Some(copy) = &mut copy {
            self.look(at(Site::MlpIn), copy);
        }
        let read = copy.as_ref().unwrap_or(residual);
        if self.spec.is_decoder {
            let normal = self.norm(read, &block.ln2, ln2);
            self.mlp(layer, block, &normal, residual);
            self.look(at(Site::ResidPost), residual);
            return;
        }
        let normal = self.norm(read, &block.ln1, ln1);
        residual.copy_from_slice(&normal);
        self.mlp(layer, block, &normal, residual);
        self.look(at(Site::ResidPost), residual);
        *residual = self.norm(residual, &block.ln2, ln2);
        self.look(at(Site::NormalizedResidPost), residual);
    }

    fn mlp(&mut self, layer: usize, block: &BlockWeights, read: &[f32], residual: &mut [f32]) {
        let at = |site| Hook::at(site, layer);
        let mut neurons = self.linear(read, &block.pre);
        self.look(at(Site::MlpPre), &mut neurons);
        self.kernels.activate(self.spec.activation, &mut neurons);
        if let Some(linear) = &block.pre_linear {
            let mut factors = self.linear(read, linear);
            self.look(at(Site::MlpPreLinear), &mut factors);
            self.kernels.multiply(&mut neurons, &factors);
        }
        self.look(at(Site::MlpPost), &mut neurons);
        self.write(&neurons, &block.post, at(Site::MlpOut), residual);
    }

    /// What each head mixes of the values of others.
    fn attention(&mut self, layer: usize, block: &BlockWeights, residual: &[f32]) -> Vec<f32> {
        let at = |site| Hook::at(site, layer);
        let [mut queries, mut keys, mut values] = self.projected(layer, block, residual);
        self.look(at(Site::Query), &mut queries);
        self.look(at(Site::Key), &mut keys);
        self.look(at(Site::Value), &mut values);
        if let Positions::Rotary { .. } = self.spec.positions {
            self.turn(&mut queries);
            self.turn(&mut keys);
            self.look(at(Site::RotQuery), &mut queries);
            self.look(at(Site::RotKey), &mut keys);
        }
        let mut mixed = vec![0.0; queries.len()];
        for prompt in 0..self.segments.len() {
            self.attend(layer, prompt, [&queries, &keys, &values], &mut mixed);
        }
        self.look(at(Site::Mixed), &mut mixed);
        mixed
    }

    fn turn(&self, rows: &mut [f32]) {
        let (e, width) = (self.spec.d_head, rows.len() / self.n_rows);
        for segment in &self.segments {
            let own = &mut rows[segment.rows.start * width..segment.rows.end * width];
            for (row, turns) in own.chunks_exact_mut(width).zip(&self.turns[segment.first..]) {
                row.chunks_exact_mut(e).for_each(|head| self.kernels.turn(head, &turns[0], &turns[1]));
            }
        }
    }

    /// One prompt's heads.
    fn attend(
        &mut self,
        layer: usize,
        prompt: usize,
        [queries, keys, values]: [&[f32]; 3],
        mixed: &mut [f32],
    ) {
        let (h, e, shared) = (self.spec.n_heads, self.spec.d_head, self.spec.n_shared());
        let (wide, narrow) = (h * e, h / shared * e);
        let Segment { rows: ref own, first, past } = self.segments[prompt];
        let (own, n, n_all) = (own.clone(), own.len(), first + own.len());
        let [scores_at, pattern_at] = [Site::Scores, Site::Pattern].map(|site| Hook::at(site, layer));
        // All heads at once only where somebody looks.
        let is_seen = self.tap.wants(scores_at) || self.tap.wants(pattern_at);
        let mut scores = vec![0.0; n * n_all * if is_seen { h } else { 1 }];
        let scale = (1.0 / self.spec.score_scale()) as f32;
        let head_of = |rows: &[f32], past: Option<&Vec<f32>>, head: usize, position: usize, unit: usize| {
            let place = head / shared * e + unit;
            match past {
                Some(past) if position < first => past[position * narrow + place],
                _ => rows[(own.start + position - first) * narrow + place],
            }
        };
        let [past_keys, past_values] =
            [past.map(|past| &past.keys[layer]), past.map(|past| &past.values[layer])];
        let values_of =
            |head| Packed::from_fn(n_all, e, |at, unit| head_of(values, past_values, head, at, unit));
        for head in 0..h {
            let part = if is_seen { &mut scores[head * n * n_all..][..n * n_all] } else { &mut scores[..] };
            let rows = Rows { data: &queries[own.start * wide + head * e..], n, stride: wide };
            let keys = Packed::from_fn(e, n_all, |unit, at| head_of(keys, past_keys, head, at, unit));
            self.product(rows, &keys.whole(), plain(part, n_all));
            for (to, row) in part.chunks_exact_mut(n_all).enumerate() {
                for (from, score) in row.iter_mut().enumerate() {
                    *score =
                        if self.spec.sees(first + to, from) { *score * scale } else { f32::NEG_INFINITY };
                }
            }
            if !is_seen {
                part.chunks_exact_mut(n_all).for_each(|row| self.kernels.softmax(row));
                let into = &mut mixed[own.start * wide + head * e..];
                self.product(whole(part, n_all), &values_of(head).whole(), plain(into, wide));
            }
        }
        if is_seen {
            let shape = vec![h, n, n_all];
            if self.tap.wants(scores_at) {
                self.tap.touch(scores_at, View { prompt, first, shape: shape.clone(), data: &mut scores });
            }
            scores.chunks_exact_mut(n_all).for_each(|row| self.kernels.softmax(row));
            if self.tap.wants(pattern_at) {
                self.tap.touch(pattern_at, View { prompt, first, shape, data: &mut scores });
            }
            for (head, pattern) in scores.chunks_exact(n * n_all).enumerate() {
                let into = &mut mixed[own.start * wide + head * e..];
                self.product(whole(pattern, n_all), &values_of(head).whole(), plain(into, wide));
            }
        }
    }

    /// Queries, keys and values. A head whose copy of the residual stream was changed has a norm of its own.
    fn projected(&mut self, layer: usize, block: &BlockWeights, residual: &[f32]) -> [Vec<f32>; 3] {
        let at = |site| Hook::at(site, layer);
        let ln1 = [Site::Ln1Scale, Site::Ln1Normalized].map(at);
        let normal = if self.spec.is_decoder { Some(self.norm(residual, &block.ln1, ln1)) } else { None };
        let plain = normal.as_deref().unwrap_or(residual);
        let linears = [&block.query, &block.key, &block.value];
        let inputs = [Site::AttnIn, Site::QueryInput, Site::KeyInput, Site::ValueInput].map(at);
        if !inputs.iter().any(|hook| self.tap.wants(*hook)) {
            return linears.map(|linear| self.linear(plain, linear));
        }
        let (d, h, shared) = (self.spec.d_model, self.spec.n_heads, self.spec.n_shared());
        let mut copies: Vec<f32> = residual.chunks_exact(d).flat_map(|row| row.repeat(h)).collect();
        self.look(inputs[0], &mut copies);
        // A key-value head reads what the first of its query heads reads.
        let of_groups = |copies: &[f32]| -> Vec<f32> {
            copies.chunks_exact(d).step_by(shared).flatten().copied().collect()
        };
        let (mut keys, mut values) = (of_groups(&copies), of_groups(&copies));
        let all = [&mut copies, &mut keys, &mut values];
        for (hook, copies) in inputs[1..].iter().zip(all) {
            self.look(*hook, copies);
        }
        let mut part = 0;
        [copies, keys, values].map(|copies| {
            part += 1;
            self.by_heads(copies, residual, plain, block, linears[part - 1])
        })
    }

    fn by_heads(
        &mut self,
        mut copies: Vec<f32>,
        residual: &[f32],
        plain: &[f32],
        block: &BlockWeights,
        linear: &Linear,
    ) -> Vec<f32> {
        let (d, e) = (self.spec.d_model, self.spec.d_head);
        let n_heads = linear.weight.n_out() / e;
        for (place, copy) in copies.chunks_exact_mut(d).enumerate() {
            let row = place / n_heads * d;
            if *copy == residual[row..row + d] {
                copy.copy_from_slice(&plain[row..row + d]);
            } else if self.spec.is_decoder {
                let changed = copy.to_vec();
                let scale = self.kernels.center(self.spec.norm, self.spec.eps as f32, &changed, copy);
                self.kernels.weigh(&block.ln1, scale, copy);
            }
        }
        let width = n_heads * e;
        let mut into = vec![0.0; self.n_rows * width];
        for head in 0..n_heads {
            let rows = Rows { data: &copies[head * d..], n: self.n_rows, stride: n_heads * d };
            let own = head * e..(head + 1) * e;
            let bias = linear.bias.as_ref().map(|bias| &bias[own.clone()]);
            let target = Target { into: &mut into[head * e..], stride: width, bias, adds: false };
            self.product(rows, &linear.weight.part(0..d, own), target);
        }
        into
    }

    fn add_attention(&mut self, layer: usize, block: &BlockWeights, mixed: &[f32], residual: &mut [f32]) {
        let [result_at, out] = [Site::Result, Site::AttnOut].map(|site| Hook::at(site, layer));
        if !self.tap.wants(result_at) {
            self.write(mixed, &block.output, out, residual);
            return;
        }
        let (d, h, e) = (self.spec.d_model, self.spec.n_heads, self.spec.d_head);
        let mut results = vec![0.0; self.n_rows * h * d];
        for head in 0..h {
            let rows = Rows { data: &mixed[head * e..], n: self.n_rows, stride: h * e };
            let factor = block.output.weight.part(head * e..(head + 1) * e, 0..d);
            self.product(rows, &factor, plain(&mut results[head * d..], h * d));
        }
        let before = results.clone();
        self.look(result_at, &mut results);
        let mut sums = self.linear(mixed, &block.output);
        // Rows whose results were changed are their sum; others stay what they are where nobody looks.
        let pairs = results.chunks_exact(h * d).zip(before.chunks_exact(h * d));
        for (sum, (heads, before)) in sums.chunks_exact_mut(d).zip(pairs) {
            if heads != before {
                sum.fill(0.0);
                heads.chunks_exact(d).for_each(|head| self.kernels.add(sum, head));
                block.output.bias.iter().for_each(|bias| self.kernels.add(sum, bias));
            }
        }
        self.look(out, &mut sums);
        self.kernels.add(residual, &sums);
    }

    /// The rows that are wanted, normalized and unembedded.
    fn answer(&mut self, mut residual: Vec<f32>, wanted: Wanted<'_>) -> Vec<Array<f32>> {
        let d = self.spec.d_model;
        let weights = &self.model.weights;
        let all: Vec<Range<usize>> = self.segments.iter().map(|segment| segment.rows.clone()).collect();
        let arrays = |data: &[f32], rows: &[Range<usize>], width: usize| -> Vec<Array<f32>> {
            let of = |own: &Range<usize>| Array {
                shape: vec![own.len(), width],
                data: data[own.start * width..own.end * width].to_vec(),
            };
            rows.iter().map(of).collect()
        };
        let ends = [Site::FinalScale, Site::FinalNormalized, Site::Logits].map(Hook::whole);
        // A tap has all rows, and may change what is wanted of them.
        let is_seen = ends.iter().any(|hook| self.tap.wants(*hook));
        let (Some(norm), Some(unembed)) = (&weights.final_norm, &weights.unembed) else {
            return arrays(&residual, &all, d);
        };
        if wanted == Wanted::Residual && !is_seen {
            return arrays(&residual, &all, d);
        }
        let kept = (wanted == Wanted::Residual).then(|| residual.clone());
        let is_last = matches!(wanted, Wanted::Last | Wanted::Tokens(_));
        let mut rows = all.clone();
        if is_last && !is_seen {
            residual =
                all.iter().flat_map(|own| &residual[(own.end - 1) * d..own.end * d]).copied().collect();
            rows = (0..all.len()).map(|at| at..at + 1).collect();
        } else if is_last {
            rows.iter_mut().for_each(|own| own.start = own.end - 1);
        }
        let normal = self.norm(&residual, norm, [ends[0], ends[1]]);
        if let (Wanted::Tokens(tokens), false) = (wanted, self.tap.wants(ends[2])) {
            self.multiply_adds += (rows.len() * tokens.len() * d) as u64;
            let level = self.kernels.level();
            let bias = |token: usize| weights.unembed_bias.as_ref().map_or(0.0, |bias| bias[token]);
            let logit = |row: &[f32], token: usize| unembed.product_with(level, row, token) + bias(token);
            let of = |own: &Range<usize>| {
                let row = &normal[own.start * d..own.end * d];
                let data = tokens.iter().map(|&token| logit(row, token as usize)).collect();
                Array { shape: vec![1, tokens.len()], data }
            };
            return rows.iter().map(of).collect();
        }
        let mut logits = vec![0.0; residual.len() / d * self.spec.d_vocab];
        let bias = weights.unembed_bias.as_deref();
        let target = Target { into: &mut logits, stride: self.spec.d_vocab, bias, adds: false };
        self.product(whole(&normal, d), &unembed.whole(), target);
        self.look(ends[2], &mut logits);
        match (kept, wanted) {
            (Some(kept), _) => arrays(&kept, &all, d),
            (None, Wanted::Tokens(tokens)) => {
                let of = |own: &Range<usize>| {
                    let row = &logits[own.start * self.spec.d_vocab..];
                    Array {
                        shape: vec![1, tokens.len()],
                        data: tokens.iter().map(|&token| row[token as usize]).collect(),
                    }
                };
                rows.iter().map(of).collect()
            }
            _ => arrays(&logits, &rows, self.spec.d_vocab),
        }
    }
}

/// Rows that take a product.
fn plain(into: &mut [f32], stride: usize) -> Target<'_> {
    Target { into, stride, bias: None, adds: false }
}

/// All columns of rows.
fn whole(data: &[f32], width: usize) -> Rows<'_> {
    Rows { data, n: data.len() / width, stride: width }
}
