//! What is a transformer made of? Everything about it that is no weight, one value for all families.

use std::ops::Range;

/// Which library's architecture it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// GPT-2 (Radford et al. 2019).
    Gpt2,
    /// Llama (Touvron et al. 2023), SmolLM2 among them.
    Llama,
    /// Mistral (Jiang et al. 2023): Llama with a window.
    Mistral,
    /// Qwen2: Llama with biases of queries, keys and values.
    Qwen2,
    /// BERT (Devlin et al. 2019), MiniLM among them: an encoder.
    Bert,
    /// A decoder as TransformerLens keeps its own (`HookedTransformer`): toys, and models made by hand or by a compiler.
    Hooked,
}

impl Family {
    /// The name that `config.json` gives it (`model_type`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpt2 => "gpt2",
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Bert => "bert",
            Self::Hooked => "hooked",
        }
    }
}

/// What makes a neuron of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x Φ(x) by the error function (`gelu`).
    Gelu,
    /// The same, about, by a hyperbolic tangent (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// x over 1 + e^-x (`silu`).
    Silu,
    /// x, or 0 where it is negative.
    Relu,
}

/// How rows are made of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// Centred, and divided by the deviation.
    Layer,
    /// Divided by the root of the mean square.
    RootMeanSquare,
    /// Not at all: rows are read as they are, and there are no sites of norms.
    None,
}

/// How a model knows where a token stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Positions {
    /// A row for each position is added.
    Learned,
    /// Queries and keys are turned by angles that grow with the position; halves of a head are the two coordinates.
    Rotary {
        /// The slowest angle is about one over this.
        base: f64,
        /// How angles are stretched for longer texts.
        stretch: Stretch,
    },
}

/// How rotary angles are stretched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stretch {
    /// Not at all.
    None,
    /// All by one factor.
    Linear(f64),
    /// Llama 3.1: long waves by a factor, short ones not, and those between by degrees.
    Llama3 {
        /// The factor.
        factor: f64,
        /// A wave that fits so often into the original length is long.
        low: f64,
        /// One that fits so often is short.
        high: f64,
        /// The length that the model was trained on.
        original: f64,
    },
}

/// Everything about a model that is no weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Which architecture.
    pub family: Family,
    /// Blocks.
    pub n_layers: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Heads of queries.
    pub n_heads: usize,
    /// Heads of keys and values, which divide those of queries.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Neurons of an MLP.
    pub d_mlp: usize,
    /// Tokens of the vocabulary.
    pub d_vocab: usize,
    /// Most tokens of a prompt.
    pub n_ctx: usize,
    /// The neurons' activation.
    pub activation: Activation,
    /// Whether neurons are multiplied by others that have no activation.
    pub is_gated: bool,
    /// The norms.
    pub norm: NormKind,
    /// What is added below their root.
    pub eps: f64,
    /// Positions.
    pub positions: Positions,
    /// Whether tokens see only those before them, and norms stand before what reads them; else an encoder.
    pub is_decoder: bool,
    /// How many tokens back one sees, itself included; `None` for all.
    pub window: Option<usize>,
    /// Kinds of tokens that have embeddings of their own (encoders).
    pub n_token_types: usize,
}

impl Spec {
    /// What a score is divided by: the root of a head's width.
    #[must_use]
    pub fn score_scale(&self) -> f64 {
        (self.d_head as f64).sqrt()
    }

    /// How many heads of queries share one of keys and values.
    #[must_use]
    pub fn n_shared(&self) -> usize {
        self.n_heads / self.n_kv_heads
    }

    /// Angles by which a head's coordinate pairs turn from one position to the next.
    #[must_use]
    pub fn angles(&self) -> Vec<f64> {
        let Positions::Rotary { base, stretch } = self.positions else { return Vec::new() };
        let half = self.d_head / 2;
        let plain = (0..half).map(|at| base.powf(-(at as f64) / half as f64));
        plain
            .map(|angle| match stretch {
                Stretch::None => angle,
                Stretch::Linear(factor) => angle / factor,
                Stretch::Llama3 { factor, low, high, original } => {
                    let wave = std::f64::consts::TAU / angle;
                    let fits = original / wave;
                    if fits < low {
                        angle / factor
                    } else if fits > high {
                        angle
                    } else {
                        let smooth = (fits - low) / (high - low);
                        (1.0 - smooth) * angle / factor + smooth * angle
                    }
                }
            })
            .collect()
    }

    /// Whether a token sees another.
    #[must_use]
    pub fn sees(&self, destination: usize, source: usize) -> bool {
        let is_before = !self.is_decoder || source <= destination;
        is_before && self.window.is_none_or(|window| destination.abs_diff(source) < window)
    }

    /// The positions that a token sees, of so many: what [`Spec::sees`] says, all at once.
    pub(super) fn seen_by(&self, destination: usize, n_all: usize) -> Range<usize> {
        let reach = self.window.map_or(n_all, |window| window - 1);
        let last = if self.is_decoder { destination } else { destination.saturating_add(reach) };
        destination.saturating_sub(reach)..last.saturating_add(1).min(n_all)
    }
}
