//! What is asked of activation patching: two prompts that align, a site, and what a cell of the grid stands for.
//!
//! Activation patching (Meng et al. 2022, causal tracing; the terms are those of Heimersheim and Nanda 2024, arXiv 2404.15255): the
//! prompt that is run takes the values of the other one at one place, and the answer tells what that place carries.

use pellucid_models::transformer::{Axis, Hook, RunError, Site, Spec};

/// Two prompts of equally many tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The prompt that has the answer.
    pub clean: Vec<u32>,
    /// The one that has it not.
    pub corrupt: Vec<u32>,
}

/// Which run takes values of which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The corrupt prompt is run with clean values: what is enough for the answer.
    #[default]
    Denoise,
    /// The clean prompt is run with corrupt values: what the answer needs.
    Noise,
}

impl Pair {
    /// The prompt that is run, and the one whose values it takes.
    #[must_use]
    pub fn sides(&self, direction: Direction) -> (&[u32], &[u32]) {
        match direction {
            Direction::Denoise => (&self.corrupt, &self.clean),
            Direction::Noise => (&self.clean, &self.corrupt),
        }
    }
}

/// What a cell of the grid stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A block and a position.
    LayerPosition,
    /// A block and a head, at all positions.
    LayerHead,
    /// A block, a position and a head.
    LayerPositionHead,
}

/// A place whose values are put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The block.
    pub layer: usize,
    /// The position; `None` for all.
    pub position: Option<usize>,
    /// The head (of keys and values, one of those); `None` for all.
    pub head: Option<usize>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patching {
    /// Where values are put in.
    pub site: Site,
    /// What a cell stands for.
    pub by: By,
    /// Which run takes values of which.
    pub direction: Direction,
    /// The metric: the logit of the first token less that of the second, at the last position.
    pub answers: [u32; 2],
}

/// Why values can't be put in.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// Prompts that do not align.
    #[error(
        "the clean prompt has {clean} tokens and the corrupt one {corrupt}; patching needs prompts that align token by token"
    )]
    Lengths {
        /// Tokens of the clean prompt.
        clean: usize,
        /// Tokens of the corrupt one.
        corrupt: usize,
    },
    /// The same prompt twice.
    #[error("the prompts have the same tokens: there is nothing to put in")]
    Same,
    /// A prompt that can't be run.
    #[error("the {which} prompt: {cause}")]
    Prompt {
        /// Which.
        which: &'static str,
        /// Why.
        cause: RunError,
    },
    /// A site that the model has not.
    #[error(transparent)]
    Site(#[from] RunError),
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
    /// A metric that says nothing.
    #[error("both prompts have the same logit difference, {metric}; an effect would be a share of nothing")]
    NoDifference {
        /// The difference.
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

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LayerPosition => "layer-position",
            Self::LayerHead => "layer-head",
            Self::LayerPositionHead => "layer-position-head",
        })
    }
}

impl Patching {
    /// Whether that can be asked of a model and two prompts.
    ///
    /// # Errors
    /// When the prompts do not align or can't be run, the model has no such site or logits, or the site no such axes.
    pub fn check(&self, spec: &Spec, pair: &Pair) -> Result<(), PatchError> {
        for (which, tokens) in [("clean", &pair.clean), ("corrupt", &pair.corrupt)] {
            spec.check_tokens(tokens).map_err(|cause| PatchError::Prompt { which, cause })?;
        }
        if pair.clean.len() != pair.corrupt.len() {
            return Err(PatchError::Lengths { clean: pair.clean.len(), corrupt: pair.corrupt.len() });
        }
        if pair.clean == pair.corrupt {
            return Err(PatchError::Same);
        }
        if !spec.is_decoder {
            return Err(PatchError::NoLogits { family: spec.family.name() });
        }
        if let Some(&token) = self.answers.iter().find(|token| **token as usize >= spec.d_vocab) {
            return Err(PatchError::Answer { token, size: spec.d_vocab });
        }
        let hook = if self.site.is_in_blocks() { Hook::at(self.site, 0) } else { Hook::whole(self.site) };
        spec.check(hook)?;
        let not = |why| Err(PatchError::NotBy { site: self.site, by: self.by, why });
        if !self.site.is_in_blocks() {
            return not("is no site of blocks");
        }
        let axes = self.site.axes();
        let has_heads = axes.iter().any(|axis| matches!(axis, Axis::Head | Axis::KeyValueHead));
        match self.by {
            By::LayerHead | By::LayerPositionHead if !has_heads => not("has no heads"),
            By::LayerPosition | By::LayerPositionHead if axes[0] != Axis::Position => {
                not("has no row a position; ask by layer-head")
            }
            _ => Ok(()),
        }
    }

    /// All cells, block by block.
    #[must_use]
    pub fn cells(&self, spec: &Spec, n_tokens: usize) -> Vec<Cell> {
        let axes = self.site.axes();
        let n_heads = if axes.contains(&Axis::KeyValueHead) { spec.n_kv_heads } else { spec.n_heads };
        let some = |n: usize, is: bool| -> Vec<Option<usize>> {
            if is { (0..n).map(Some).collect() } else { vec![None] }
        };
        let positions = some(n_tokens, self.by != By::LayerHead);
        let heads = some(n_heads, self.by != By::LayerPosition);
        let mut cells = Vec::with_capacity(spec.n_layers * positions.len() * heads.len());
        for layer in 0..spec.n_layers {
            for &position in &positions {
                cells.extend(heads.iter().map(|&head| Cell { layer, position, head }));
            }
        }
        cells
    }
}

impl Cell {
    /// The ranges of a site's numbers that the cell means, in a view whose first row is at position `first`; `shape` is the view's.
    pub(super) fn ranges(self, site: Site, shape: &[usize], first: usize) -> Vec<std::ops::Range<usize>> {
        let by_head = matches!(site.axes()[0], Axis::Head);
        // The slowest axis, the next one, and what is left.
        let (outer, inner) = (shape[0], if shape.len() > 2 { shape[1] } else { 1 });
        let width: usize = shape.iter().product::<usize>() / (outer * inner).max(1);
        let whole = |n: usize, one: Option<usize>| match one {
            Some(one) if one < n => one..one + 1,
            Some(_) => 0..0,
            None => 0..n,
        };
        let (rows, heads) = if by_head {
            (whole(outer, self.head), 0..inner)
        } else {
            let position = self.position.map(|position| position.wrapping_sub(first));
            (whole(outer, position), whole(inner, self.head))
        };
        rows.map(|row| (row * inner + heads.start) * width..(row * inner + heads.end) * width)
            .filter(|range| !range.is_empty())
            .collect()
    }
}
