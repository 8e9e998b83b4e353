//! How does one look at a forward pass, and touch it? A tap is asked at every site that it wants.

use std::collections::BTreeMap;

use super::site::{Hook, Site};
use super::spec::{NormKind, Positions, Spec};

/// The numbers at a site of one prompt, to be looked at or changed.
#[derive(Debug)]
pub struct View<'v, F> {
    /// Which prompt, from 0.
    pub prompt: usize,
    /// The position of the first row: 0, unless a run was taken up in the middle of a prompt.
    pub first: usize,
    /// How many there are along each axis of the site, see [`Site::axes`].
    pub shape: Vec<usize>,
    /// The numbers, the last axis fastest.
    pub data: &'v mut [F],
}

/// Looks and touches.
pub trait Tap<F> {
    /// Whether [`Tap::touch`] is to be called there; what nobody wants may not be worked out.
    fn wants(&self, hook: Hook) -> bool;

    /// Looks at the numbers of a site, or changes them: what comes after sees the change.
    fn touch(&mut self, hook: Hook, view: View<'_, F>);
}

/// Numbers with a shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Array<F> {
    /// How many there are along each axis.
    pub shape: Vec<usize>,
    /// The numbers, the last axis fastest.
    pub data: Vec<F>,
}

/// Keeps copies of what it sees at some sites.
#[derive(Debug, Clone)]
pub struct Capture<F> {
    hooks: Vec<Hook>,
    /// What was seen, by prompt and site.
    pub seen: BTreeMap<(usize, Hook), Array<F>>,
}

impl<F> Capture<F> {
    /// Of these sites.
    #[must_use]
    pub fn of(mut hooks: Vec<Hook>) -> Self {
        hooks.sort_unstable();
        Self { hooks, seen: BTreeMap::new() }
    }
}

impl<F: Copy> Tap<F> for Capture<F> {
    fn wants(&self, hook: Hook) -> bool {
        self.hooks.binary_search(&hook).is_ok()
    }

    fn touch(&mut self, hook: Hook, view: View<'_, F>) {
        self.seen.insert((view.prompt, hook), Array { shape: view.shape, data: view.data.to_vec() });
    }
}

/// Wants nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Untouched;

impl<F> Tap<F> for Untouched {
    fn wants(&self, _: Hook) -> bool {
        false
    }

    fn touch(&mut self, _: Hook, _: View<'_, F>) {}
}

/// Why a prompt can't be run, or a site not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nothing to run.
    #[error("the prompt has no tokens")]
    NoTokens,
    /// More tokens than the model has positions for.
    #[error("the prompt has {found} tokens; this model reads at most {most}")]
    TooLong {
        /// Tokens.
        found: usize,
        /// Positions.
        most: usize,
    },
    /// The caller stopped it.
    #[error("stopped before the end")]
    Stopped,
    /// A token that the vocabulary has not.
    #[error("token {at} is number {token}; the vocabulary has {size}")]
    Token {
        /// Where in the prompt, from 0.
        at: usize,
        /// Its number.
        token: u32,
        /// Tokens of the vocabulary.
        size: usize,
    },
    /// A site that models of this kind have not.
    #[error("`{hook}`: {family} models have no such site; it is one of {of}")]
    NoSite {
        /// The site.
        hook: String,
        /// The model's family.
        family: &'static str,
        /// Whose site it is.
        of: &'static str,
    },
    /// A block that is not there.
    #[error("`{hook}`: the model has the blocks 0 to {last}")]
    NoLayer {
        /// The site.
        hook: String,
        /// The last block.
        last: usize,
    },
}

impl Spec {
    /// Whose site it is, where this model has it not.
    fn lacks(&self, site: Site) -> Option<&'static str> {
        let is_learned = self.positions == Positions::Learned;
        match site {
            Site::PosEmbed if !is_learned => Some("models with learned positions"),
            Site::RotQuery | Site::RotKey if is_learned => Some("models with rotary positions"),
            Site::TokenTypeEmbed | Site::EmbedScale | Site::EmbedNormalized | Site::NormalizedResidPost
                if self.is_decoder =>
            {
                Some("encoders")
            }
            Site::FinalScale | Site::FinalNormalized | Site::Logits if !self.is_decoder => Some("decoders"),
            Site::Ln1Scale
            | Site::Ln1Normalized
            | Site::Ln2Scale
            | Site::Ln2Normalized
            | Site::FinalScale
            | Site::FinalNormalized
                if self.norm == NormKind::None =>
            {
                Some("models with norms")
            }
            Site::MlpPreLinear if !self.is_gated => Some("models with gated MLPs"),
            _ => None,
        }
    }

    /// Whether the model has a site.
    ///
    /// # Errors
    /// When models of this kind have no such site, or the model no such block.
    pub fn check(&self, hook: Hook) -> Result<(), RunError> {
        if let Some(of) = self.lacks(hook.site) {
            return Err(RunError::NoSite { hook: hook.to_string(), family: self.family.name(), of });
        }
        match hook.layer {
            Some(layer) if usize::from(layer) >= self.n_layers => {
                Err(RunError::NoLayer { hook: hook.to_string(), last: self.n_layers - 1 })
            }
            _ => Ok(()),
        }
    }

    /// All sites of the model, in the order of the forward pass.
    #[must_use]
    pub fn hooks(&self) -> Vec<Hook> {
        let has = |site: &&Site| self.lacks(**site).is_none();
        let part = |from: Option<Site>, to: Option<Site>| {
            let inside =
                move |site: &&Site| from.is_none_or(|from| **site >= from) && to.is_none_or(|to| **site < to);
            Site::ALL.iter().filter(has).filter(inside).copied()
        };
        let mut hooks: Vec<Hook> = part(None, Some(Site::ResidPre)).map(Hook::whole).collect();
        for layer in 0..self.n_layers {
            let within = part(Some(Site::ResidPre), Some(Site::FinalScale));
            hooks.extend(within.map(|site| Hook::at(site, layer)));
        }
        hooks.extend(part(Some(Site::FinalScale), None).map(Hook::whole));
        hooks
    }

    /// How many numbers a site has along each axis, for a prompt of so many tokens.
    #[must_use]
    pub fn shape(&self, site: Site, n_tokens: usize) -> Vec<usize> {
        use super::site::Axis;
        let along = |axis: &Axis| match axis {
            Axis::Position | Axis::Destination | Axis::Source => n_tokens,
            Axis::Head => self.n_heads,
            Axis::KeyValueHead => self.n_kv_heads,
            Axis::HeadUnit => self.d_head,
            Axis::Residual => self.d_model,
            Axis::Neuron => self.d_mlp,
            Axis::Vocabulary => self.d_vocab,
            Axis::One => 1,
        };
        site.axes().iter().map(along).collect()
    }

    /// Whether a prompt can be run.
    ///
    /// # Errors
    /// When it is empty, too long, or has a token that the vocabulary has not.
    pub fn check_tokens(&self, tokens: &[u32]) -> Result<(), RunError> {
        if tokens.is_empty() {
            return Err(RunError::NoTokens);
        }
        if tokens.len() > self.n_ctx {
            return Err(RunError::TooLong { found: tokens.len(), most: self.n_ctx });
        }
        match tokens.iter().position(|token| *token as usize >= self.d_vocab) {
            Some(at) => Err(RunError::Token { at, token: tokens[at], size: self.d_vocab }),
            None => Ok(()),
        }
    }
}
