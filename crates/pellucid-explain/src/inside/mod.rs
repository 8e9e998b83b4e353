//! What happens inside a transformer? Experiments on its forward pass: other values are put in, and the answer is measured.
//!
//! [`case`] says on what an experiment is made, [`patching`] what is asked, [`mod@plan`] what of it has to be computed, [`mod@patch`]
//! does it, and [`definition`] does it slowly: one whole run for every cell. [`several`] does it on more than one prompt. [`edges`]
//! changes what one part reads of another, and [`mod@effects`] tells what of a part's effect is direct. [`mod@logit_lens`],
//! [`attribution`] and [`heads`] look at one run and change nothing; [`trace`] keeps one to be asked all of this token by token.

pub mod attribution;
pub mod case;
pub mod definition;
mod donors;
pub mod edges;
pub mod effects;
pub mod embedding;
mod error;
pub mod experiment;
pub mod heads;
pub mod logit_lens;
pub mod patch;
pub mod patching;
pub mod plan;
pub mod several;
pub mod trace;

pub use attribution::{Attribution, Component, Neuron, attribute};
pub use case::{Case, Compared, Donor, Measure, Metric};
pub use definition::Verified;
pub use donors::Means;
pub use edges::{EdgeEffects, edge_effects, edge_effects_with};
pub use effects::{Effects, PartEffect, SelfRepair, effects, effects_with};
pub use embedding::{Cut, EmbedError, Embeddings, Window, embed};
pub use error::PatchError;
pub use experiment::{Experiment, ExperimentError};
pub use heads::{HeadKind, HeadScores, head_scores};
pub use logit_lens::{LogitLens, Reading, logit_lens};
pub use patch::{Known, Patched, Prepared, patch, patch_with, prepare};
pub use patching::{By, Cell, Patching};
pub use plan::{Plan, peak};
pub use several::{Several, check_alike, for_all, interval, mean_effect, patch_all};
pub use trace::Trace;
