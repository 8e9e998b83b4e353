//! What do tokens take from one another? Queries, keys and values of all prompts together, scores of each by itself.

use std::ops::Range;

use super::{Pass, Segment, plain, whole};
use crate::transformer::gemm::{Packed, Rows, Target, cut, multiply, split};
use crate::transformer::kernels::Kernels;
use crate::transformer::machine::Crew;
use crate::transformer::site::{Hook, Site};
use crate::transformer::spec::{Positions, Spec};
use crate::transformer::tap::View;
use crate::transformer::weights::{BlockWeights, Linear};

/// Multiply-adds of heads from which on threads share them.
const FEW_SCORES: usize = 1 << 18;

/// Rows that are attended to: those of a run, after those that were before it.
struct Source<'s> {
    rows: &'s [f32],
    past: Option<&'s [f32]>,
    /// The position of the first row.
    first: usize,
}

impl<'s> Source<'s> {
    fn of(segment: &Segment<'_>, width: usize, all: &'s [f32], past: Option<&'s [f32]>) -> Self {
        Self { rows: &all[segment.rows.start * width..segment.rows.end * width], past, first: segment.first }
    }
}

/// What the heads of one prompt need.
struct Heads<'h> {
    spec: &'h Spec,
    kernels: Kernels,
    queries: &'h [f32],
    /// The position of the first query.
    first: usize,
    keys: Source<'h>,
    values: Source<'h>,
    /// How many queries.
    n: usize,
    /// How many positions are attended to.
    n_all: usize,
}

impl Heads<'_> {
    /// A head's row of keys or values.
    fn row<'s>(&self, source: &Source<'s>, head: usize, position: usize) -> &'s [f32] {
        let (e, shared) = (self.spec.d_head, self.spec.n_shared());
        let (width, place) = (self.spec.n_kv_heads * e, head / shared * e);
        let at = |rows: &'s [f32], row: usize| &rows[row * width + place..][..e];
        match source.past {
            Some(past) if position < source.first => at(past, position),
            _ => at(source.rows, position - source.first),
        }
    }

    /// Scores of some heads, hidden where nothing is seen.
    fn scores(&self, heads: Range<usize>, scores: &mut [f32]) {
        let (e, wide) = (self.spec.d_head, self.spec.n_heads * self.spec.d_head);
        let scale = (1.0 / self.spec.score_scale()) as f32;
        for (head, scores) in heads.zip(scores.chunks_exact_mut(self.n * self.n_all)) {
            let rows = Rows { data: &self.queries[head * e..], n: self.n, stride: wide };
            let keys = Packed::from_columns(e, self.n_all, |at| self.row(&self.keys, head, at));
            self.product(rows, &keys, scores);
            for (to, row) in scores.chunks_exact_mut(self.n_all).enumerate() {
                self.kernels.mask(row, self.spec.seen_by(self.first + to, self.n_all), scale);
            }
        }
    }

    /// What some heads mix of values, head by head.
    fn mixed(&self, heads: Range<usize>, patterns: &[f32], found: &mut [f32]) {
        let e = self.spec.d_head;
        let patterns = patterns.chunks_exact(self.n * self.n_all);
        for ((head, found), pattern) in heads.zip(found.chunks_exact_mut(self.n * e)).zip(patterns) {
            let values = Packed::from_rows(self.n_all, e, |at| self.row(&self.values, head, at));
            self.product(whole(pattern, self.n_all), &values, found);
        }
    }

    fn product(&self, rows: Rows<'_>, factor: &Packed, into: &mut [f32]) {
        let target = plain(into, factor.n_out());
        multiply(Crew::alone(), self.kernels.level(), rows, [(&factor.whole(), target)]);
    }
}

impl<'p> Pass<'p> {
    /// What each head mixes of the values of others.
    pub(super) fn attention(&mut self, layer: usize, block: &BlockWeights, residual: &[f32]) -> Vec<f32> {
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
        let mut mixed = self.spare.take(queries.len());
        let sources = self.segments.clone();
        for (prompt, source) in sources.iter().enumerate() {
            self.attend(layer, prompt, source, [&queries, &keys, &values], &mut mixed);
        }
        [queries, keys, values].into_iter().for_each(|rows| self.spare.keep(rows));
        self.look(at(Site::Mixed), &mut mixed);
        mixed
    }

    /// The same for the last row of each prompt alone. From then on there are no other rows.
    pub(super) fn attention_to_last(
        &mut self,
        layer: usize,
        block: &BlockWeights,
        residual: &mut Vec<f32>,
    ) -> Vec<f32> {
        let d = self.spec.d_model;
        let at = |site| Hook::at(site, layer);
        let normal = self.norm(residual, &block.ln1, [Site::Ln1Scale, Site::Ln1Normalized].map(at));
        let [mut keys, values] = self.linears(&normal, [&block.key, &block.value]);
        let is_rotary = matches!(self.spec.positions, Positions::Rotary { .. });
        if is_rotary {
            self.turn(&mut keys);
        }
        let sources = std::mem::take(&mut self.segments);
        let last = |rows: &[f32]| -> Vec<f32> {
            sources.iter().flat_map(|own| &rows[(own.rows.end - 1) * d..own.rows.end * d]).copied().collect()
        };
        *residual = last(residual);
        let alone = |(at, own): (usize, &Segment<'p>)| Segment {
            rows: at..at + 1,
            first: own.first + own.rows.len() - 1,
            past: own.past,
        };
        self.segments = sources.iter().enumerate().map(alone).collect();
        self.n_rows = sources.len();
        let mut queries = self.linear(&last(&normal), &block.query);
        if is_rotary {
            self.turn(&mut queries);
        }
        let mut mixed = vec![0.0; queries.len()];
        for (prompt, source) in sources.iter().enumerate() {
            self.attend(layer, prompt, source, [&queries, &keys, &values], &mut mixed);
        }
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

    /// One prompt's heads: its own rows attend to those of its source, and to what was before them.
    fn attend(
        &mut self,
        layer: usize,
        prompt: usize,
        source: &Segment<'_>,
        [queries, keys, values]: [&[f32]; 3],
        mixed: &mut [f32],
    ) {
        let (h, e) = (self.spec.n_heads, self.spec.d_head);
        let narrow = self.spec.n_kv_heads * e;
        let Segment { rows: ref own, first, .. } = self.segments[prompt];
        let (own, n) = (own.clone(), own.len());
        let heads = Heads {
            spec: self.spec,
            kernels: self.kernels,
            queries: &queries[own.start * h * e..own.end * h * e],
            first,
            keys: Source::of(source, narrow, keys, source.past.map(|past| past.keys[layer].as_slice())),
            values: Source::of(source, narrow, values, source.past.map(|past| past.values[layer].as_slice())),
            n,
            n_all: source.first + source.rows.len(),
        };
        let n_all = heads.n_all;
        let n_parts = if h * n * n_all * e < FEW_SCORES { 1 } else { self.crew.size().min(h) };
        let [scores_at, pattern_at] = [Site::Scores, Site::Pattern].map(|site| Hook::at(site, layer));
        // A head's rows stand together until all are there.
        let mut found = self.spare.take(h * n * e);
        let parts = |width: usize| split(0..h, n_parts).map(move |own| (own.clone(), own.len() * width));
        if self.tap.wants(scores_at) || self.tap.wants(pattern_at) {
            let mut scores = vec![0.0; h * n * n_all];
            self.crew.share(cut(&mut scores, parts(n * n_all)), |(own, scores)| heads.scores(own, scores));
            let shape = vec![h, n, n_all];
            if self.tap.wants(scores_at) {
                self.tap.touch(scores_at, View { prompt, first, shape: shape.clone(), data: &mut scores });
            }
            self.by_rows(&mut scores, n_all, |_, rows| {
                rows.chunks_exact_mut(n_all).for_each(|row| heads.kernels.softmax(row));
            });
            if self.tap.wants(pattern_at) {
                self.tap.touch(pattern_at, View { prompt, first, shape, data: &mut scores });
            }
            self.crew.share(cut(&mut found, parts(n * e)), |(own, found)| {
                let first = own.start * n * n_all;
                heads.mixed(own.clone(), &scores[first..first + own.len() * n * n_all], found);
            });
        } else {
            self.crew.share(cut(&mut found, parts(n * e)), |(own, found)| {
                // Scores of one head at a time.
                let mut scores = vec![0.0; n * n_all];
                for (head, found) in own.zip(found.chunks_exact_mut(n * e)) {
                    heads.scores(head..head + 1, &mut scores);
                    scores.chunks_exact_mut(n_all).for_each(|row| heads.kernels.softmax(row));
                    heads.mixed(head..head + 1, &scores, found);
                }
            });
        }
        self.multiply_adds += (2 * h * n * n_all * e) as u64;
        let rows = mixed[own.start * h * e..own.end * h * e].chunks_exact_mut(h * e);
        for (at, row) in rows.enumerate() {
            for (head, into) in row.chunks_exact_mut(e).enumerate() {
                into.copy_from_slice(&found[(head * n + at) * e..][..e]);
            }
        }
        self.spare.keep(found);
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
            let made = self.linears(plain, linears);
            normal.into_iter().for_each(|rows| self.spare.keep(rows));
            return made;
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
        let mut into = self.spare.take(self.n_rows * width);
        for head in 0..n_heads {
            let rows = Rows { data: &copies[head * d..], n: self.n_rows, stride: n_heads * d };
            let own = head * e..(head + 1) * e;
            let bias = linear.bias.as_ref().map(|bias| &bias[own.clone()]);
            let target = Target { into: &mut into[head * e..], stride: width, bias, adds: false };
            self.product(rows, &linear.weight.part(0..d, own), target);
        }
        into
    }

    pub(super) fn add_attention(
        &mut self,
        layer: usize,
        block: &BlockWeights,
        mixed: &[f32],
        residual: &mut [f32],
    ) {
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
}
