//! What a transformer has learned, named the same way for all families, and whence it is read.

mod blocks;
mod error;
mod gguf;
mod safetensors;
mod tensors;
mod writer;

pub use error::WeightsError;
pub use gguf::{Gguf, Meta};
pub use safetensors::Safetensors;
pub use tensors::{Layout, Release, Tensors};
pub use writer::{SafetensorsWriter, Stored, Tensor};

use std::sync::Arc;

pub use super::gemm::Packed;

/// Rows of numbers, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// How many rows.
    pub n_rows: usize,
    /// How long they are.
    pub n_columns: usize,
    /// All rows.
    pub data: Arc<Vec<f32>>,
}

impl Matrix {
    /// A row.
    #[must_use]
    pub fn row(&self, at: usize) -> &[f32] {
        &self.data[at * self.n_columns..][..self.n_columns]
    }
}

/// x W + b: the matrix stands as inputs × outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// Inputs × outputs.
    pub weight: Packed,
    /// One number an output, if there is a bias.
    pub bias: Option<Vec<f32>>,
}

/// A norm's weights.
#[derive(Debug, Clone, PartialEq)]
pub struct NormWeights {
    /// What normalized numbers are multiplied with.
    pub weight: Vec<f32>,
    /// What is added then, if anything.
    pub bias: Option<Vec<f32>>,
}

/// A block.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockWeights {
    /// The norm before attention; of encoders the one after it.
    pub ln1: NormWeights,
    /// Residual → heads × width.
    pub query: Linear,
    /// Residual → key-value heads × width.
    pub key: Linear,
    /// Residual → key-value heads × width.
    pub value: Linear,
    /// Heads × width → residual.
    pub output: Linear,
    /// The norm before the MLP; of encoders the one after it.
    pub ln2: NormWeights,
    /// Residual → neurons, before the activation; without a gate there is but this.
    pub pre: Linear,
    /// Residual → what gated neurons are multiplied with.
    pub pre_linear: Option<Linear>,
    /// Neurons → residual.
    pub post: Linear,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Residual × vocabulary: a column a token, as the unembedding has them too.
    pub embed: Packed,
    /// Positions × residual, where they are learned.
    pub positions: Option<Matrix>,
    /// Token types × residual (encoders).
    pub token_types: Option<Matrix>,
    /// The norm of the embeddings' sum (encoders).
    pub embed_norm: Option<NormWeights>,
    /// The blocks.
    pub blocks: Vec<BlockWeights>,
    /// The norm before the unembedding (decoders).
    pub final_norm: Option<NormWeights>,
    /// Residual × vocabulary: the embedding itself where they are tied; encoders have none.
    pub unembed: Option<Packed>,
    /// One number a token.
    pub unembed_bias: Option<Vec<f32>>,
}

impl Weights {
    /// How many numbers a model of its kind has learned; what is shared is counted once.
    #[must_use]
    pub fn n_numbers(&self) -> usize {
        self.measured(Packed::n_numbers)
    }

    /// Bytes that they take; what is shared is counted once.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        size_of::<f32>() * self.measured(|matrix| matrix.n_bytes() / size_of::<f32>())
    }

    fn measured(&self, of_matrix: impl Fn(&Packed) -> usize) -> usize {
        let mut n = 0;
        let mut vector = |list: &Vec<f32>| n += list.len();
        let norms = self.blocks.iter().flat_map(|block| [&block.ln1, &block.ln2]);
        for norm in norms.chain(&self.embed_norm).chain(&self.final_norm) {
            vector(&norm.weight);
            norm.bias.iter().for_each(&mut vector);
        }
        let linears = || {
            self.blocks.iter().flat_map(|block| {
                let all = [&block.query, &block.key, &block.value, &block.output, &block.pre, &block.post];
                all.into_iter().chain(&block.pre_linear)
            })
        };
        linears().flat_map(|linear| &linear.bias).for_each(&mut vector);
        self.unembed_bias.iter().for_each(&mut vector);
        let matrices = [self.positions.as_ref(), self.token_types.as_ref()];
        matrices.into_iter().flatten().for_each(|matrix| vector(&matrix.data));
        let own = self.unembed.iter().filter(|matrix| !matrix.is_shared_with(&self.embed));
        n + linears()
            .map(|linear| &linear.weight)
            .chain([&self.embed])
            .chain(own)
            .map(of_matrix)
            .sum::<usize>()
    }
}
