//! Why can an experiment not be made?

use pellucid_models::transformer::node::NodeError;
use pellucid_models::transformer::{RunError, Site};

use super::patching::{By, Cell};
use crate::Stopped;

/// Why values can't be put in, or an effect not be measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// Prompts that do not align.
    #[error(
        "the prompt that is run has {run} tokens and the one whose values are put in {other}; patching needs prompts that align token by token"
    )]
    Lengths {
        /// Tokens of the prompt that is run.
        run: usize,
        /// Tokens of the other one.
        other: usize,
    },
    /// The same prompt twice.
    #[error(
        "the prompts have the same tokens, up to where the answer is measured: there is nothing to put in"
    )]
    Same,
    /// A divergence from a run that there is not.
    #[error(
        "a divergence from the run whose values are put in needs values of one run; measure it from the run itself"
    )]
    NoReference,
    /// A position that is to be measured after, and prompts of other lengths.
    #[error(
        "means over prompts of other lengths than {tokens} tokens have no position in common; cut the prompts, and measure after the last token"
    )]
    NoCommonPosition {
        /// Tokens of the prompt that is run.
        tokens: usize,
    },
    /// No prompts to take values from.
    #[error("there are no prompts whose values could be put in")]
    EmptyPool,
    /// No prompt of the same length to draw.
    #[error(
        "none of {n} prompts has {tokens} tokens, as the one that is run; values of a drawn prompt need one that aligns"
    )]
    NoneAligned {
        /// How many prompts there are.
        n: usize,
        /// Tokens of the prompt that is run.
        tokens: usize,
    },
    /// Means of a site that has no row a position, over prompts of other lengths.
    #[error(
        "`{site}` has a row for every pair of tokens; its mean needs prompts of {tokens} tokens, as the one that is run"
    )]
    NoMean {
        /// The site.
        site: Site,
        /// Tokens of the prompt that is run.
        tokens: usize,
    },
    /// A prompt that can't be run.
    #[error("{which}: {cause}")]
    Prompt {
        /// Which.
        which: &'static str,
        /// Why.
        cause: RunError,
    },
    /// A site that the model has not.
    #[error(transparent)]
    Site(RunError),
    /// A node that the model has not.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A model without logits.
    #[error("{family} models have no logits that could be measured")]
    NoLogits {
        /// The model's family.
        family: &'static str,
    },
    /// A site that is not patched this way.
    #[error("`{site}` can't be patched by {by}: it {why}")]
    NotBy {
        /// The site.
        site: Site,
        /// What was asked for.
        by: By,
        /// Why not.
        why: &'static str,
    },
    /// A place that the grid has not.
    #[error("the grid has no place {cell:?}")]
    NoCell {
        /// The place.
        cell: Cell,
    },
    /// Zeros where something is divided by them.
    #[error("`{site}` is what rows are divided by; zeros can't be put in there")]
    ZeroScale {
        /// The site.
        site: Site,
    },
    /// A metric that says nothing.
    #[error("both prompts have the same metric, {metric}; an effect would be a share of nothing")]
    NoDifference {
        /// The metric.
        metric: f64,
    },
    /// A model that answers no numbers.
    #[error("the model's logits are no finite numbers; its weights may be damaged")]
    NotFinite,
    /// An answer that the vocabulary has not.
    #[error("the answer is token {token}; the vocabulary has {size}")]
    Answer {
        /// The token.
        token: u32,
        /// Tokens of the vocabulary.
        size: usize,
    },
    /// Prompts whose cells are not the same.
    #[error(
        "prompt {at} has {found} tokens and the first {expected}; a grid over positions needs prompts of one length, one by layer-head or layer does not"
    )]
    Ragged {
        /// Which prompt, from 1.
        at: usize,
        /// Its tokens.
        found: usize,
        /// Those of the first.
        expected: usize,
    },
    /// A position beyond the prompt.
    #[error("there is no position {position}: the prompt has {tokens} tokens, from 0")]
    Position {
        /// The position.
        position: usize,
        /// Tokens of the prompt.
        tokens: usize,
    },
    /// A metric that is no sum of shares.
    #[error("the metric {metric} is no sum of what parts add; take a logit, or the difference of two")]
    NotLinear {
        /// The metric.
        metric: &'static str,
    },
    /// No prompts at all.
    #[error("there are no prompts")]
    NoPrompts,
    /// One of several prompts.
    #[error("prompt {at}: {cause}")]
    At {
        /// Which, from 1.
        at: usize,
        /// Why.
        cause: Box<PatchError>,
    },
    /// An experiment that changed nothing, though it should.
    #[error("{cell:?} put no values in; this is a defect of the plan, please report it")]
    Untouched {
        /// The cell.
        cell: Cell,
    },
    /// The caller stopped.
    #[error("stopped before the end")]
    Stopped,
}

impl From<RunError> for PatchError {
    fn from(cause: RunError) -> Self {
        if cause == RunError::Stopped { Self::Stopped } else { Self::Site(cause) }
    }
}

impl From<Stopped> for PatchError {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}
