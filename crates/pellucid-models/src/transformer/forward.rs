//! What does a transformer compute, fast? Prompts side by side, rows of all of them through one product of matrices.
//!
//! What [`super::definition`] says, in 32 bits. What nobody looks at is not kept: scores of a head at a time, and products that add to
//! the residual stream where it is. Every number is the same to the bit whatever other prompts there are, whatever is looked at, and
//! however many threads there are.

mod attention;

use std::ops::Range;

use pellucid_data::{Stopped, Watch};

use super::Transformer;
use super::gemm::{Factor, Rows, Target, cut, multiply, split};
use super::kernels::Kernels;
use super::machine::{Crew, Machine};
use super::site::{Hook, Site};
use super::spec::Spec;
use super::tap::{Array, Capture, RunError, Tap, Untouched, View};
use super::weights::{BlockWeights, Linear, Matrix, NormWeights};

/// Numbers that one thread goes through as fast as several.
const FEW: usize = 1 << 14;

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

/// Runs prompts side by side, on one thread. An encoder answers its residual stream, whatever is wanted.
///
/// # Errors
/// When a prompt can't be run; the number is the prompt's, from 0.
pub fn run(
    model: &Transformer,
    prompts: &[&[u32]],
    wanted: Wanted<'_>,
    tap: &mut dyn Tap<f32>,
) -> Result<Outcome, (usize, RunError)> {
    run_on(model, prompts, wanted, tap, Machine::one_thread())
}

/// The same on several threads, or with older instructions.
///
/// # Errors
/// As [`run`], or when the machine's watch stopped it between two blocks.
pub fn run_on(
    model: &Transformer,
    prompts: &[&[u32]],
    wanted: Wanted<'_>,
    tap: &mut dyn Tap<f32>,
    machine: Machine<'_>,
) -> Result<Outcome, (usize, RunError)> {
    for (at, tokens) in prompts.iter().enumerate() {
        model.spec.check_tokens(tokens).map_err(|cause| (at, cause))?;
    }
    if prompts.is_empty() {
        return Ok(Outcome { answers: Vec::new(), multiply_adds: 0 });
    }
    let mut rows = 0;
    let segments = prompts.iter().map(|tokens| {
        rows += tokens.len();
        Segment { rows: rows - tokens.len()..rows, first: 0, past: None }
    });
    let segments = segments.collect();
    let done = machine.with_crew(rows * model.weights.n_numbers(), |crew| {
        let mut pass = Pass::new(model, segments, tap, (machine, crew));
        let residual = pass.embed(prompts);
        pass.blocks(0, residual, wanted)
    });
    done.map_err(|Stopped| (0, RunError::Stopped))
}

/// Runs the rest of a prompt, from a position on, where what was before it is known. The tap sees rows of the rest alone.
///
/// # Errors
/// When the prompt can't be run, or the machine's watch stopped it.
///
/// # Panics
/// When nothing of the prompt is left, or less is known than what was before.
pub fn run_after(
    model: &Transformer,
    tokens: &[u32],
    (first, past): (usize, &Past),
    wanted: Wanted<'_>,
    tap: &mut dyn Tap<f32>,
    machine: Machine<'_>,
) -> Result<Outcome, RunError> {
    model.spec.check_tokens(tokens)?;
    let rest = &tokens[first..];
    let segment = Segment { rows: 0..rest.len(), first, past: Some(past) };
    let done = machine.with_crew(rest.len() * model.weights.n_numbers(), |crew| {
        let mut pass = Pass::new(model, vec![segment], tap, (machine, crew));
        let residual = pass.embed(&[rest]);
        pass.blocks(0, residual, wanted)
    });
    done.map_err(|Stopped| RunError::Stopped)
}

/// Runs one block alone. The answers are the residual streams after it.
///
/// # Panics
/// When there is no such block.
#[must_use]
pub fn one_block(
    model: &Transformer,
    layer: usize,
    streams: Vec<Stream<'_>>,
    tap: &mut dyn Tap<f32>,
    machine: Machine<'_>,
) -> Outcome {
    let (segments, mut residual) = laid_out(model, streams);
    let n_numbers = model.weights.n_numbers() / model.spec.n_layers;
    machine.with_crew(residual.len() / model.spec.d_model * n_numbers, |crew| {
        let mut pass = Pass::new(model, segments, tap, (machine, crew));
        pass.block(layer, &model.weights.blocks[layer], &mut residual);
        let answers = pass.answer(residual, Wanted::Residual);
        Outcome { answers, multiply_adds: pass.multiply_adds }
    })
}

/// Runs the blocks from one on. Every number is what a whole run would have there, to the bit.
///
/// # Errors
/// When the machine's watch stopped it between two blocks.
pub fn resume(
    model: &Transformer,
    layer: usize,
    streams: Vec<Stream<'_>>,
    wanted: Wanted<'_>,
    tap: &mut dyn Tap<f32>,
    machine: Machine<'_>,
) -> Result<Outcome, Stopped> {
    let (segments, residual) = laid_out(model, streams);
    let n_numbers = model.weights.n_numbers() / model.spec.n_layers * (model.spec.n_layers - layer);
    machine.with_crew(residual.len() / model.spec.d_model * n_numbers, |crew| {
        Pass::new(model, segments, tap, (machine, crew)).blocks(layer, residual, wanted)
    })
}

/// Logits of rows of the residual stream after the last block, a row each; of an encoder the rows themselves.
#[must_use]
pub fn unembedded(model: &Transformer, rows: Vec<f32>, machine: Machine<'_>) -> Vec<f32> {
    let (segments, residual) = laid_out(model, vec![Stream { residual: rows, first: 0, past: None }]);
    // One row is a product by one row, which threads gain little by; many are shared as in a run.
    let n_rows = residual.len() / model.spec.d_model;
    let answers = machine.with_crew(n_rows * model.spec.d_model * model.spec.d_vocab, |crew| {
        Pass::new(model, segments, &mut Untouched, (machine, crew)).answer(residual, Wanted::All)
    });
    answers.into_iter().next().map_or_else(Vec::new, |answer| answer.data)
}

/// Streams one below the other.
fn laid_out<'s>(model: &Transformer, streams: Vec<Stream<'s>>) -> (Vec<Segment<'s>>, Vec<f32>) {
    let mut segments = Vec::with_capacity(streams.len());
    let mut residual = Vec::new();
    for stream in streams {
        let start = residual.len() / model.spec.d_model;
        residual.extend(stream.residual);
        let rows = start..residual.len() / model.spec.d_model;
        segments.push(Segment { rows, first: stream.first, past: stream.past });
    }
    (segments, residual)
}

/// Memory of rows that are not needed any more, for others.
#[derive(Debug, Default)]
struct Spare(Vec<Vec<f32>>);

impl Spare {
    /// So many numbers, whatever they are: all of them will be written.
    fn take(&mut self, n: usize) -> Vec<f32> {
        // The smallest that is large enough.
        let fits = (0..self.0.len()).filter(|at| self.0[*at].capacity() >= n);
        let mut rows = match fits.min_by_key(|at| self.0[*at].capacity()) {
            Some(at) => self.0.swap_remove(at),
            None => Vec::new(),
        };
        rows.resize(n, 0.0);
        rows
    }

    fn keep(&mut self, rows: Vec<f32>) {
        self.0.push(rows);
    }
}

/// The rows of one prompt.
#[derive(Debug, Clone)]
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
    crew: Crew<'p>,
    spare: Spare,
    segments: Vec<Segment<'p>>,
    n_rows: usize,
    /// Cosines and sines of each position, half a head wide.
    turns: Vec<[Vec<f32>; 2]>,
    tap: &'p mut dyn Tap<f32>,
    watch: &'p dyn Watch,
    multiply_adds: u64,
}

impl<'p> Pass<'p> {
    fn new(
        model: &'p Transformer,
        segments: Vec<Segment<'p>>,
        tap: &'p mut dyn Tap<f32>,
        (machine, crew): (Machine<'p>, Crew<'p>),
    ) -> Self {
        let n_rows = segments.last().map_or(0, |segment| segment.rows.end);
        let longest = segments.iter().map(|segment| segment.first + segment.rows.len()).max().unwrap_or(0);
        let angles = model.spec.angles();
        let of = |position: usize, part: fn(f64) -> f64| -> Vec<f32> {
            angles.iter().map(|angle| part(position as f64 * angle) as f32).collect()
        };
        let turns = (0..longest).map(|position| [of(position, f64::cos), of(position, f64::sin)]).collect();
        let kernels = Kernels::new(machine.level);
        Self {
            model,
            spec: &model.spec,
            kernels,
            crew,
            spare: Spare::default(),
            segments,
            n_rows,
            turns,
            tap,
            watch: machine.watch,
            multiply_adds: 0,
        }
    }

    /// All blocks from one on, and what is wanted after them.
    fn blocks(
        mut self,
        first: usize,
        mut residual: Vec<f32>,
        wanted: Wanted<'_>,
    ) -> Result<Outcome, Stopped> {
        let last = self.spec.n_layers - 1;
        for (layer, block) in self.model.weights.blocks.iter().enumerate().skip(first) {
            if self.watch.should_stop() {
                return Err(Stopped);
            }
            if layer == last && self.ends_in_one_row(wanted) {
                self.last_block(layer, block, &mut residual);
            } else {
                self.block(layer, block, &mut residual);
            }
        }
        let answers = self.answer(residual, wanted);
        Ok(Outcome { answers, multiply_adds: self.multiply_adds })
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
        self.multiply_adds += multiply(self.crew, self.kernels.level(), rows, [(factor, target)]);
    }

    /// Rows times a matrix, plus its bias.
    fn linear(&mut self, rows: &[f32], linear: &Linear) -> Vec<f32> {
        let [into] = self.linears(rows, [linear]);
        into
    }

    /// The same with several matrices that read the same rows.
    fn linears<const N: usize>(&mut self, rows: &[f32], linears: [&Linear; N]) -> [Vec<f32>; N] {
        let n_in = linears.first().map_or(1, |linear| linear.weight.n_in());
        let mut into = linears.map(|linear| self.spare.take(rows.len() / n_in * linear.weight.n_out()));
        let factors = linears.map(|linear| linear.weight.whole());
        let mut targets = into.iter_mut();
        let products: [_; N] = std::array::from_fn(|at| {
            let into = targets.next().map_or(&mut [][..], Vec::as_mut_slice);
            let bias = linears[at].bias.as_deref();
            (&factors[at], Target { into, stride: linears[at].weight.n_out(), bias, adds: false })
        });
        self.multiply_adds += multiply(self.crew, self.kernels.level(), whole(rows, n_in), products);
        into
    }

    /// Adds rows times a matrix, and its bias, to the residual stream, in one step where nobody looks between.
    fn write(&mut self, rows: &[f32], linear: &Linear, out: Hook, residual: &mut [f32]) {
        if self.tap.wants(out) {
            let mut own = self.linear(rows, linear);
            self.look(out, &mut own);
            self.kernels.add(residual, &own);
            self.spare.keep(own);
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
        let segments = &self.segments;
        let gathered = |matrix: &Matrix, row_of: &dyn Fn(usize) -> usize| -> Vec<f32> {
            let positions = segments.iter().flat_map(|own| own.first..own.first + own.rows.len());
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

    /// Does `work` for parts of rows, on all threads where they are many; it is told the first row of a part.
    fn by_rows(&self, rows: &mut [f32], width: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
        let n = rows.len() / width;
        let n_parts = if rows.len() < FEW { 1 } else { self.crew.size() };
        let parts = split(0..n, n_parts).map(|part| (part.start, part.len() * width));
        self.crew.share(cut(rows, parts), |(first, own)| work(first, own));
    }

    fn norm(&mut self, rows: &[f32], weights: &NormWeights, [scale, normalized]: [Hook; 2]) -> Vec<f32> {
        let (d, kernels, eps) = (self.spec.d_model, self.kernels, self.spec.eps as f32);
        let mut into = self.spare.take(rows.len());
        let is_seen = self.tap.wants(scale) || self.tap.wants(normalized);
        let mut scales = Vec::new();
        let kind = self.spec.norm;
        if !is_seen {
            self.by_rows(&mut into, d, |first, own| {
                for (row, own) in rows[first * d..].chunks_exact(d).zip(own.chunks_exact_mut(d)) {
                    let scale = kernels.center(kind, eps, row, own);
                    kernels.weigh(weights, scale, own);
                }
            });
        } else {
            let pairs = rows.chunks_exact(d).zip(into.chunks_exact_mut(d));
            scales.extend(pairs.map(|(row, into)| kernels.center(kind, eps, row, into)));
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
        self.spare.keep(mixed);
        self.look(at(Site::ResidMid), residual);
        let mut copy = self.tap.wants(at(Site::MlpIn)).then(|| residual.clone());
        if let Some(copy) = &mut copy {
            self.look(at(Site::MlpIn), copy);
        }
        let read = copy.as_ref().unwrap_or(residual);
        if self.spec.is_decoder {
            let normal = self.norm(read, &block.ln2, ln2);
            self.mlp(layer, block, &normal, residual);
            self.spare.keep(normal);
            self.look(at(Site::ResidPost), residual);
            return;
        }
        let normal = self.norm(read, &block.ln1, ln1);
        residual.copy_from_slice(&normal);
        self.mlp(layer, block, &normal, residual);
        self.look(at(Site::ResidPost), residual);
        let after = self.norm(residual, &block.ln2, ln2);
        self.spare.keep(std::mem::replace(residual, after));
        self.spare.keep(normal);
        self.look(at(Site::NormalizedResidPost), residual);
    }

    /// Whether of the last block nothing but the last row of each prompt is wanted, and nobody looks at others.
    fn ends_in_one_row(&self, wanted: Wanted<'_>) -> bool {
        let last = self.spec.n_layers - 1;
        let is_looked_at = |site: &Site| match *site {
            Site::ResidPre => false,
            site if site.is_in_blocks() => self.tap.wants(Hook::at(site, last)),
            Site::FinalScale | Site::FinalNormalized | Site::Logits => self.tap.wants(Hook::whole(*site)),
            _ => false,
        };
        self.spec.is_decoder
            && matches!(wanted, Wanted::Last | Wanted::Tokens(_))
            && !Site::ALL.iter().any(is_looked_at)
    }

    /// The last block, of which all rows are read and only each prompt's last one is written.
    fn last_block(&mut self, layer: usize, block: &BlockWeights, residual: &mut Vec<f32>) {
        let at = |site| Hook::at(site, layer);
        self.look(at(Site::ResidPre), residual);
        let mixed = self.attention_to_last(layer, block, residual);
        self.add_attention(layer, block, &mixed, residual);
        let ln2 = [Site::Ln2Scale, Site::Ln2Normalized].map(at);
        let normal = self.norm(residual, &block.ln2, ln2);
        self.mlp(layer, block, &normal, residual);
    }

    fn mlp(&mut self, layer: usize, block: &BlockWeights, read: &[f32], residual: &mut [f32]) {
        let at = |site| Hook::at(site, layer);
        let (mut neurons, factors) = match &block.pre_linear {
            Some(linear) => {
                let [neurons, factors] = self.linears(read, [&block.pre, linear]);
                (neurons, Some(factors))
            }
            None => (self.linear(read, &block.pre), None),
        };
        self.look(at(Site::MlpPre), &mut neurons);
        let (kernels, activation, d_mlp) = (self.kernels, self.spec.activation, self.spec.d_mlp);
        self.by_rows(&mut neurons, d_mlp, |_, own| kernels.activate(activation, own));
        if let Some(mut factors) = factors {
            self.look(at(Site::MlpPreLinear), &mut factors);
            self.by_rows(&mut neurons, d_mlp, |first, own| {
                kernels.multiply(own, &factors[first * d_mlp..][..own.len()]);
            });
            self.spare.keep(factors);
        }
        self.look(at(Site::MlpPost), &mut neurons);
        self.write(&neurons, &block.post, at(Site::MlpOut), residual);
        self.spare.keep(neurons);
    }

    /// The rows that are wanted, normalized and unembedded.
    fn answer(&mut self, mut residual: Vec<f32>, wanted: Wanted<'_>) -> Vec<Array<f32>> {
        let d = self.spec.d_model;
        let weights = &self.model.weights;
        let all: Vec<Range<usize>> = self.segments.iter().map(|segment| segment.rows.clone()).collect();
        let arrays = |data: Vec<f32>, rows: &[Range<usize>], width: usize| -> Vec<Array<f32>> {
            if let [only] = rows
                && only.len() * width == data.len()
            {
                return vec![Array { shape: vec![only.len(), width], data }];
            }
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
            return arrays(residual, &all, d);
        };
        if wanted == Wanted::Residual && !is_seen {
            return arrays(residual, &all, d);
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
            (Some(kept), _) => arrays(kept, &all, d),
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
            _ => arrays(logits, &rows, self.spec.d_vocab),
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
