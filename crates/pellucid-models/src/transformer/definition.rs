//! What does a transformer compute? The forward pass written down slowly: one prompt, every number by its own sum, in 64 bits.
//!
//! The oracle of `forward`, and itself held to Hugging Face's models in 64 bits, site by site.

use super::Transformer;
use super::site::{Hook, Site};
use super::spec::{Activation, NormKind, Positions, Spec};
use super::tap::{RunError, Tap, View};
use super::weights::{BlockWeights, Linear, NormWeights};

/// Rows of numbers, of one length each.
type Rows = Vec<Vec<f64>>;

/// The forward pass of one prompt; the answer is its logits, a row a token, or of an encoder its last residual stream.
///
/// # Errors
/// When the prompt can't be run.
pub fn run(model: &Transformer, tokens: &[u32], tap: &mut dyn Tap<f64>) -> Result<Vec<Vec<f64>>, RunError> {
    model.spec.check_tokens(tokens)?;
    let mut pass = Pass { spec: &model.spec, n: tokens.len(), tap };
    let mut residual = pass.embed(model, tokens);
    for (layer, block) in model.weights.blocks.iter().enumerate() {
        residual = pass.block(layer, block, residual);
    }
    let (Some(norm), Some(unembed)) = (&model.weights.final_norm, &model.weights.unembed) else {
        return Ok(residual);
    };
    let last =
        pass.norm(&residual, norm, [Hook::whole(Site::FinalScale), Hook::whole(Site::FinalNormalized)]);
    let bias = model.weights.unembed_bias.as_ref();
    let logit = |row: &[f64], token: usize| {
        dot(row, unembed.column(token).map(f64::from)) + bias.map_or(0.0, |b| f64::from(b[token]))
    };
    let mut logits: Rows =
        last.iter().map(|row| (0..model.spec.d_vocab).map(|token| logit(row, token)).collect()).collect();
    pass.look(Hook::whole(Site::Logits), &mut logits);
    Ok(logits)
}

struct Pass<'p> {
    spec: &'p Spec,
    n: usize,
    tap: &'p mut dyn Tap<f64>,
}

fn dot(a: &[f64], b: impl Iterator<Item = f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn times(rows: &[Vec<f64>], linear: &Linear) -> Rows {
    let of = |row: &Vec<f64>, output: usize| {
        dot(row, linear.weight.column(output).map(f64::from))
            + linear.bias.as_ref().map_or(0.0, |bias| f64::from(bias[output]))
    };
    rows.iter().map(|row| (0..linear.weight.n_out()).map(|output| of(row, output)).collect()).collect()
}

fn plus(a: &[Vec<f64>], b: &[Vec<f64>]) -> Rows {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

fn activated(kind: Activation, x: f64) -> f64 {
    match kind {
        Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        Activation::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
        }
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Relu => x.max(0.0),
    }
}

impl Pass<'_> {
    /// Shows rows to the tap.
    fn look(&mut self, hook: Hook, rows: &mut Rows) {
        if self.tap.wants(hook) {
            let mut data: Vec<f64> = rows.concat();
            let shape = self.spec.shape(hook.site, self.n);
            self.tap.touch(hook, View { prompt: 0, first: 0, shape, data: &mut data });
            let mut left = data.as_slice();
            for row in rows {
                let (own, rest) = left.split_at(row.len());
                row.copy_from_slice(own);
                left = rest;
            }
        }
    }

    fn embed(&mut self, model: &Transformer, tokens: &[u32]) -> Rows {
        let wide = |row: &[f32]| row.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
        let mut sum: Rows = tokens
            .iter()
            .map(|&token| model.weights.embed.column(token as usize).map(f64::from).collect())
            .collect();
        self.look(Hook::whole(Site::Embed), &mut sum);
        if let Some(positions) = &model.weights.positions {
            let mut rows: Rows = (0..self.n).map(|at| wide(positions.row(at))).collect();
            self.look(Hook::whole(Site::PosEmbed), &mut rows);
            sum = plus(&sum, &rows);
        }
        if let Some(kinds) = &model.weights.token_types {
            let mut rows: Rows = vec![wide(kinds.row(0)); self.n];
            self.look(Hook::whole(Site::TokenTypeEmbed), &mut rows);
            sum = plus(&sum, &rows);
        }
        match &model.weights.embed_norm {
            Some(norm) => {
                self.norm(&sum, norm, [Hook::whole(Site::EmbedScale), Hook::whole(Site::EmbedNormalized)])
            }
            None => sum,
        }
    }

    fn norm(&mut self, rows: &[Vec<f64>], weights: &NormWeights, [scale, normalized]: [Hook; 2]) -> Rows {
        let centred: Rows = rows.iter().map(|row| self.centred(row)).collect();
        let mut scales: Rows = centred.iter().map(|row| vec![self.scale(row)]).collect();
        self.look(scale, &mut scales);
        let mut divided: Rows = centred
            .iter()
            .zip(&scales)
            .map(|(row, scale)| row.iter().map(|x| x / scale[0]).collect())
            .collect();
        self.look(normalized, &mut divided);
        divided.iter().map(|row| weighed(row, weights)).collect()
    }

    fn centred(&self, row: &[f64]) -> Vec<f64> {
        let mean = match self.spec.norm {
            NormKind::Layer => row.iter().sum::<f64>() / row.len() as f64,
            NormKind::RootMeanSquare | NormKind::None => 0.0,
        };
        row.iter().map(|x| x - mean).collect()
    }

    fn scale(&self, centred: &[f64]) -> f64 {
        if self.spec.norm == NormKind::None {
            return 1.0;
        }
        (centred.iter().map(|x| x * x).sum::<f64>() / centred.len() as f64 + self.spec.eps).sqrt()
    }

    fn block(&mut self, layer: usize, block: &BlockWeights, mut residual: Rows) -> Rows {
        let at = |site| Hook::at(site, layer);
        let (ln1, ln2) =
            ([Site::Ln1Scale, Site::Ln1Normalized].map(at), [Site::Ln2Scale, Site::Ln2Normalized].map(at));
        self.look(at(Site::ResidPre), &mut residual);
        let attention = self.attention(layer, block, &residual);
        let mut middle = plus(&residual, &attention);
        self.look(at(Site::ResidMid), &mut middle);
        let mut read = middle.clone();
        self.look(at(Site::MlpIn), &mut read);
        if self.spec.is_decoder {
            let normal = self.norm(&read, &block.ln2, ln2);
            let mlp = self.mlp(layer, block, &normal);
            let mut after = plus(&middle, &mlp);
            self.look(at(Site::ResidPost), &mut after);
            return after;
        }
        let normal = self.norm(&read, &block.ln1, ln1);
        let mlp = self.mlp(layer, block, &normal);
        let mut after = plus(&normal, &mlp);
        self.look(at(Site::ResidPost), &mut after);
        let mut normal = self.norm(&after, &block.ln2, ln2);
        self.look(at(Site::NormalizedResidPost), &mut normal);
        normal
    }

    fn mlp(&mut self, layer: usize, block: &BlockWeights, read: &[Vec<f64>]) -> Rows {
        let at = |site| Hook::at(site, layer);
        let mut pre = times(read, &block.pre);
        self.look(at(Site::MlpPre), &mut pre);
        let kind = self.spec.activation;
        let mut post: Rows =
            pre.iter().map(|row| row.iter().map(|&x| activated(kind, x)).collect()).collect();
        if let Some(linear) = &block.pre_linear {
            let mut factors = times(read, linear);
            self.look(at(Site::MlpPreLinear), &mut factors);
            let product = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a * b).collect();
            post = post.iter().zip(&factors).map(product).collect();
        }
        self.look(at(Site::MlpPost), &mut post);
        let mut out = times(&post, &block.post);
        self.look(at(Site::MlpOut), &mut out);
        out
    }

    /// What each head reads: tokens, then heads. A head whose copy of the residual stream was changed has a norm of its own.
    fn inputs(&mut self, layer: usize, block: &BlockWeights, residual: &[Vec<f64>]) -> [Vec<Rows>; 3] {
        let at = |site| Hook::at(site, layer);
        let plain = if self.spec.is_decoder {
            self.norm(residual, &block.ln1, [Site::Ln1Scale, Site::Ln1Normalized].map(at))
        } else {
            residual.to_vec()
        };
        let (h, shared) = (self.spec.n_heads, self.spec.n_shared());
        // One row a token and head.
        let mut copies: Rows = residual.iter().flat_map(|row| vec![row.clone(); h]).collect();
        self.look(at(Site::AttnIn), &mut copies);
        // A key-value head reads what the first of its query heads reads.
        let of_groups = |copies: &Rows| -> Rows {
            copies
                .iter()
                .enumerate()
                .filter(|(at, _)| at % h % shared == 0)
                .map(|(_, row)| row.clone())
                .collect()
        };
        let (mut keys, mut values) = (of_groups(&copies), of_groups(&copies));
        self.look(at(Site::QueryInput), &mut copies);
        self.look(at(Site::KeyInput), &mut keys);
        self.look(at(Site::ValueInput), &mut values);
        let read = |copies: Rows, n_heads: usize| -> Vec<Rows> {
            let own = |(place, copy): (usize, &Vec<f64>)| {
                let token = place / n_heads;
                if *copy == residual[token] {
                    plain[token].clone()
                } else if self.spec.is_decoder {
                    let centred = self.centred(copy);
                    let scale = self.scale(&centred);
                    weighed(&centred.iter().map(|x| x / scale).collect::<Vec<f64>>(), &block.ln1)
                } else {
                    copy.clone()
                }
            };
            let all: Rows = copies.iter().enumerate().map(own).collect();
            all.chunks(n_heads).map(<[Vec<f64>]>::to_vec).collect()
        };
        [read(copies, h), read(keys, h / shared), read(values, h / shared)]
    }

    /// Queries, keys or values: a row a token, heads one after the other.
    fn of_heads(&self, read: &[Rows], linear: &Linear) -> Rows {
        let e = self.spec.d_head;
        let head = |rows: &Rows| -> Vec<f64> {
            let of = |(head, row): (usize, &Vec<f64>)| -> Vec<f64> {
                let output = |output: usize| {
                    dot(row, linear.weight.column(output).map(f64::from))
                        + linear.bias.as_ref().map_or(0.0, |bias| f64::from(bias[output]))
                };
                (head * e..(head + 1) * e).map(output).collect()
            };
            rows.iter().enumerate().flat_map(of).collect()
        };
        read.iter().map(head).collect()
    }

    /// Pairs of coordinates, turned by the position.
    fn turned(&self, rows: &Rows) -> Rows {
        let (angles, e) = (self.spec.angles(), self.spec.d_head);
        let half = e / 2;
        let turn = |(position, row): (usize, &Vec<f64>)| {
            let mut row = row.clone();
            for head in row.chunks_exact_mut(e) {
                for (at, angle) in angles.iter().enumerate() {
                    let (sin, cos) = (position as f64 * angle).sin_cos();
                    let (x, y) = (head[at], head[at + half]);
                    (head[at], head[at + half]) = (x * cos - y * sin, y * cos + x * sin);
                }
            }
            row
        };
        rows.iter().enumerate().map(turn).collect()
    }

    fn attention(&mut self, layer: usize, block: &BlockWeights, residual: &[Vec<f64>]) -> Rows {
        let at = |site| Hook::at(site, layer);
        let (n, e, h, shared) = (self.n, self.spec.d_head, self.spec.n_heads, self.spec.n_shared());
        let [queries, keys, values] = self.inputs(layer, block, residual);
        let mut queries = self.of_heads(&queries, &block.query);
        let mut keys = self.of_heads(&keys, &block.key);
        let mut values = self.of_heads(&values, &block.value);
        self.look(at(Site::Query), &mut queries);
        self.look(at(Site::Key), &mut keys);
        self.look(at(Site::Value), &mut values);
        if let Positions::Rotary { .. } = self.spec.positions {
            queries = self.turned(&queries);
            keys = self.turned(&keys);
            self.look(at(Site::RotQuery), &mut queries);
            self.look(at(Site::RotKey), &mut keys);
        }
        let score = |head: usize, to: usize, from: usize| {
            if !self.spec.sees(to, from) {
                return f64::NEG_INFINITY;
            }
            let key = &keys[from][head / shared * e..][..e];
            dot(&queries[to][head * e..][..e], key.iter().copied()) / self.spec.score_scale()
        };
        // A row a head and a token that attends.
        let mut scores: Rows =
            (0..h * n).map(|row| (0..n).map(|from| score(row / n, row % n, from)).collect()).collect();
        self.look(at(Site::Scores), &mut scores);
        let mut pattern: Rows = scores.iter().map(|row| softmax(row)).collect();
        self.look(at(Site::Pattern), &mut pattern);
        let mix = |token: usize, place: usize| {
            let (head, unit) = (place / e, place % e);
            let column = values.iter().map(|row| row[head / shared * e + unit]);
            dot(&pattern[head * n + token], column)
        };
        let mut mixed: Rows =
            (0..n).map(|token| (0..h * e).map(|place| mix(token, place)).collect()).collect();
        self.look(at(Site::Mixed), &mut mixed);
        let weight = &block.output.weight;
        let result = |row: &Vec<f64>, head: usize, output: usize| {
            dot(&row[head * e..][..e], (head * e..(head + 1) * e).map(|at| f64::from(weight.at(at, output))))
        };
        let d = self.spec.d_model;
        let mut results: Rows = mixed
            .iter()
            .map(|row| (0..h * d).map(|place| result(row, place / d, place % d)).collect())
            .collect();
        self.look(at(Site::Result), &mut results);
        let bias = |output: usize| block.output.bias.as_ref().map_or(0.0, |bias| f64::from(bias[output]));
        let sum = |row: &Vec<f64>, output: usize| {
            (0..h).map(|head| row[head * d + output]).sum::<f64>() + bias(output)
        };
        let mut out: Rows =
            results.iter().map(|row| (0..d).map(|output| sum(row, output)).collect()).collect();
        self.look(at(Site::AttnOut), &mut out);
        out
    }
}

fn weighed(row: &[f64], weights: &NormWeights) -> Vec<f64> {
    let bias = |at: usize| weights.bias.as_ref().map_or(0.0, |bias| f64::from(bias[at]));
    row.iter().enumerate().map(|(at, x)| x * f64::from(weights.weight[at]) + bias(at)).collect()
}

/// Shares that are as large as e to the score; nothing where nothing is seen.
fn softmax(scores: &[f64]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return vec![0.0; scores.len()];
    }
    let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}
