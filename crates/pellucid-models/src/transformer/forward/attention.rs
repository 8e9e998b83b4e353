//! What do tokens take from one another? Queries, keys and values of all prompts together, scores of each by itself.

use super::{Pass, Segment, plain, whole};
use crate::transformer::gemm::{Packed, Rows, Target};
use crate::transformer::site::{Hook, Site};
use crate::transformer::spec::Positions;
use crate::transformer::tap::View;
use crate::transformer::weights::{BlockWeights, Linear};

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
        let mut mixed = vec![0.0; queries.len()];
        let sources = self.segments.clone();
        for (prompt, source) in sources.iter().enumerate() {
            self.attend(layer, prompt, source, [&queries, &keys, &values], &mut mixed);
        }
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
        let [mut keys, values] = [&block.key, &block.value].map(|linear| self.linear(&normal, linear));
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
        let (h, e, shared) = (self.spec.n_heads, self.spec.d_head, self.spec.n_shared());
        let (wide, narrow) = (h * e, h / shared * e);
        let Segment { rows: ref own, first, .. } = self.segments[prompt];
        let (own, n) = (own.clone(), own.len());
        let Segment { rows: from, first: first_from, past } = source;
        let (first_from, n_all) = (*first_from, first_from + from.len());
        let [scores_at, pattern_at] = [Site::Scores, Site::Pattern].map(|site| Hook::at(site, layer));
        // All heads at once only where somebody looks.
        let is_seen = self.tap.wants(scores_at) || self.tap.wants(pattern_at);
        let mut scores = vec![0.0; n * n_all * if is_seen { h } else { 1 }];
        let scale = (1.0 / self.spec.score_scale()) as f32;
        let head_of = |rows: &[f32], past: Option<&Vec<f32>>, head: usize, position: usize, unit: usize| {
            let place = head / shared * e + unit;
            match past {
                Some(past) if position < first_from => past[position * narrow + place],
                _ => rows[(from.start + position - first_from) * narrow + place],
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
