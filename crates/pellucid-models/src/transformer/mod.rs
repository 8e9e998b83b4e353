//! What does a transformer compute, and where can one look and touch? Decoders and encoders, from the files that their users have.
//!
//! [`spec`] says what a model is made of, [`weights`] what it learned, [`families`] where each library keeps that. [`site`] names every
//! place of the forward pass, and a [`tap`] looks at it or changes it. [`definition`] is the forward pass written down slowly, in
//! numbers of 64 bits: the oracle of [`forward`].

pub mod compiled;
pub mod definition;
pub mod families;
pub mod forward;
mod gemm;
mod kernels;
mod machine;
pub mod node;
pub mod processing;
pub mod site;
pub mod spec;
pub mod tap;
pub mod tokens;
pub mod weights;

pub use families::{
    Named, Origin, from_gguf, from_hugging_face, is_decoder, read_gguf, read_hugging_face, to_tensors,
};
pub use machine::Machine;
pub use processing::{Processing, ProcessingError};
pub use site::{Axis, Hook, Site, SiteError};
pub use spec::{Family, Spec};
pub use tap::{Array, Capture, RunError, Tap, View};
pub use tokens::{Token, TokenError, Tokens};
pub use weights::{Weights, WeightsError};

/// A model: what it is made of, what it learned, and whence it came.
#[derive(Debug, Clone)]
pub struct Transformer {
    /// What it is made of.
    pub spec: Spec,
    /// What it learned.
    pub weights: Weights,
    /// Whence it came.
    pub origin: Origin,
    /// What was done to its weights.
    pub processing: Processing,
}
