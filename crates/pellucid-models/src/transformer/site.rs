//! Where in a transformer can one look and touch? Sites, by the names that everyone knows.
//!
//! Names, shapes and meaning are those of TransformerLens's `HookedTransformer` and `HookedEncoder` (3.9, the last line that has them); the
//! most names of its bridge (`blocks.0.attn.q.hook_out`) are read, too; `mlp.in.hook_out` is not, which means one thing for plain MLPs and
//! another for gated ones.

use std::fmt;
use std::str::FromStr;

use pellucid_data::closest;

/// What the numbers of a site are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Axis {
    /// Tokens of the prompt.
    Position,
    /// Tokens that attend.
    Destination,
    /// Tokens that are attended to.
    Source,
    /// Attention heads.
    Head,
    /// Heads of keys and values: fewer than heads where several share one.
    KeyValueHead,
    /// Dimensions of a head.
    HeadUnit,
    /// Dimensions of the residual stream.
    Residual,
    /// Neurons of an MLP.
    Neuron,
    /// Tokens of the vocabulary.
    Vocabulary,
    /// One number.
    One,
}

use Axis::{Destination, Head, HeadUnit, KeyValueHead, Neuron, One, Position, Residual, Source, Vocabulary};

macro_rules! sites {
    ($($(#[$doc:meta])* $site:ident, $short:literal, $full:literal, [$($alias:literal),*], [$($axis:ident),*];)*) => {
        /// A place in the forward pass.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Site {
            $($(#[$doc])* $site,)*
        }

        impl Site {
            /// All of them, in the order of the forward pass.
            pub const ALL: &'static [Self] = &[$(Self::$site,)*];

            /// The name without the block: `resid_pre`.
            #[must_use]
            pub fn short(self) -> &'static str {
                match self { $(Self::$site => $short,)* }
            }

            /// The name within the model, or within a block: `hook_resid_pre`, `attn.hook_q`.
            #[must_use]
            pub fn full(self) -> &'static str {
                match self { $(Self::$site => $full,)* }
            }

            /// Other names of the same.
            fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$site => &[$($alias),*],)* }
            }

            /// What its numbers are counted by, the slowest first.
            #[must_use]
            pub fn axes(self) -> &'static [Axis] {
                match self { $(Self::$site => &[$($axis),*],)* }
            }
        }
    };
}

sites! {
    /// Rows of the embedding.
    Embed, "embed", "hook_embed", ["embed.hook_embed", "embed.hook_out"], [Position, Residual];
    /// Rows of the learned positions.
    PosEmbed, "pos_embed", "hook_pos_embed", ["embed.hook_pos_embed", "pos_embed.hook_out"], [Position, Residual];
    /// Rows of the token types (encoders).
    TokenTypeEmbed, "token_type_embed", "embed.hook_token_type_embed", ["hook_token_type_embed"], [Position, Residual];
    /// The deviation that the sum of embeddings is divided by (encoders).
    EmbedScale, "embed.ln.scale", "embed.ln.hook_scale", [], [Position, One];
    /// The sum of embeddings, centred and divided (encoders).
    EmbedNormalized, "embed.ln.normalized", "embed.ln.hook_normalized", [], [Position, Residual];
    /// The residual stream before a block.
    ResidPre, "resid_pre", "hook_resid_pre", ["hook_in"], [Position, Residual];
    /// What each head's attention reads of the residual stream, before the norm.
    AttnIn, "attn_in", "hook_attn_in", ["attn.hook_attn_in"], [Position, Head, Residual];
    /// What each head's query reads, before the norm.
    QueryInput, "q_input", "hook_q_input", ["attn.hook_q_input"], [Position, Head, Residual];
    /// What each head's key reads, before the norm.
    KeyInput, "k_input", "hook_k_input", ["attn.hook_k_input"], [Position, KeyValueHead, Residual];
    /// What each head's value reads, before the norm.
    ValueInput, "v_input", "hook_v_input", ["attn.hook_v_input"], [Position, KeyValueHead, Residual];
    /// The deviation of the first norm.
    Ln1Scale, "ln1.scale", "ln1.hook_scale", [], [Position, One];
    /// The first norm, before its weights.
    Ln1Normalized, "ln1.normalized", "ln1.hook_normalized", [], [Position, Residual];
    /// Queries, with bias, before positions turn them.
    Query, "q", "attn.hook_q", ["attn.q.hook_out"], [Position, Head, HeadUnit];
    /// Keys, likewise.
    Key, "k", "attn.hook_k", ["attn.k.hook_out"], [Position, KeyValueHead, HeadUnit];
    /// Values.
    Value, "v", "attn.hook_v", ["attn.v.hook_out"], [Position, KeyValueHead, HeadUnit];
    /// Queries, turned by their positions.
    RotQuery, "rot_q", "attn.hook_rot_q", [], [Position, Head, HeadUnit];
    /// Keys, turned by their positions.
    RotKey, "rot_k", "attn.hook_rot_k", [], [Position, KeyValueHead, HeadUnit];
    /// Products of queries and keys over the root of their width, and -∞ where nothing may be seen.
    Scores, "attn_scores", "attn.hook_attn_scores", [], [Head, Destination, Source];
    /// The softmax of the scores.
    Pattern, "pattern", "attn.hook_pattern", [], [Head, Destination, Source];
    /// Values, mixed by the pattern.
    Mixed, "z", "attn.hook_z", ["attn.o.hook_in"], [Position, Head, HeadUnit];
    /// What each head adds to the residual stream, without the bias.
    Result, "result", "attn.hook_result", [], [Position, Head, Residual];
    /// What attention adds to the residual stream.
    AttnOut, "attn_out", "hook_attn_out", ["attn.hook_out"], [Position, Residual];
    /// The residual stream after attention.
    ResidMid, "resid_mid", "hook_resid_mid", ["ln2.hook_in"], [Position, Residual];
    /// What the MLP reads, before the norm; encoders add the MLP's answer to the norm of this.
    MlpIn, "mlp_in", "hook_mlp_in", [], [Position, Residual];
    /// The deviation of the second norm.
    Ln2Scale, "ln2.scale", "ln2.hook_scale", [], [Position, One];
    /// The second norm, before its weights.
    Ln2Normalized, "ln2.normalized", "ln2.hook_normalized", [], [Position, Residual];
    /// Neurons before their activation; of gated MLPs the gate.
    MlpPre, "mlp.pre", "mlp.hook_pre", ["mlp.gate.hook_out", "pre"], [Position, Neuron];
    /// What the gate is multiplied with (gated MLPs).
    MlpPreLinear, "mlp.pre_linear", "mlp.hook_pre_linear", ["pre_linear"], [Position, Neuron];
    /// Neurons after their activation, and the product of gated ones.
    MlpPost, "mlp.post", "mlp.hook_post", ["mlp.out.hook_in", "post"], [Position, Neuron];
    /// What the MLP adds to the residual stream.
    MlpOut, "mlp_out", "hook_mlp_out", ["mlp.hook_out"], [Position, Residual];
    /// The residual stream after a block; of an encoder before its last norm.
    ResidPost, "resid_post", "hook_resid_post", ["hook_out"], [Position, Residual];
    /// The same after the block's last norm, which the next block reads (encoders).
    NormalizedResidPost, "normalized_resid_post", "hook_normalized_resid_post", [], [Position, Residual];
    /// The deviation of the last norm.
    FinalScale, "ln_final.scale", "ln_final.hook_scale", [], [Position, One];
    /// The last norm, before its weights.
    FinalNormalized, "ln_final.normalized", "ln_final.hook_normalized", [], [Position, Residual];
    /// One score for each token of the vocabulary.
    Logits, "logits", "unembed.hook_out", ["hook_logits"], [Position, Vocabulary];
}

impl Site {
    /// Whether every block has one.
    #[must_use]
    pub fn is_in_blocks(self) -> bool {
        !matches!(
            self,
            Self::Embed
                | Self::PosEmbed
                | Self::TokenTypeEmbed
                | Self::EmbedScale
                | Self::EmbedNormalized
                | Self::FinalScale
                | Self::FinalNormalized
                | Self::Logits
        )
    }

    /// Whether what stands there at a position of a block reaches no other position within it: queries, and all that comes after attention.
    #[must_use]
    pub fn is_local(self) -> bool {
        let reaches_others = matches!(
            self,
            Self::ResidPre
                | Self::AttnIn
                | Self::KeyInput
                | Self::ValueInput
                | Self::Ln1Scale
                | Self::Ln1Normalized
                | Self::Key
                | Self::Value
                | Self::RotKey
        );
        self.is_in_blocks() && !reaches_others
    }

    /// Whether `name` is one of its names; of a site in blocks, within the block.
    fn is_called(self, name: &str) -> bool {
        let short = name.strip_prefix("hook_").unwrap_or(name);
        name == self.full() || short == self.short() || self.aliases().contains(&name)
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

impl FromStr for Site {
    type Err = SiteError;

    /// A site without its block: `resid_pre`, `hook_resid_pre`, `attn.hook_q`, `q`.
    fn from_str(name: &str) -> Result<Self, SiteError> {
        let found = Self::ALL.iter().find(|site| site.is_called(name));
        found.copied().ok_or_else(|| {
            // A site of one block is named without it.
            let within = name.strip_prefix("blocks.").and_then(|rest| rest.split_once('.'));
            let whole = within.and_then(|(_, within)| Self::ALL.iter().find(|site| site.is_called(within)));
            let near = whole.map(|site| site.short());
            let near = near.or_else(|| closest(name, Self::ALL.iter().map(|site| site.short())));
            SiteError::Unknown { name: name.to_owned(), near: near.map(str::to_owned) }
        })
    }
}

/// A site of one block, or of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hook {
    /// The block, from 0; `None` for sites outside of blocks.
    pub layer: Option<u16>,
    /// The site.
    pub site: Site,
}

impl Hook {
    /// A site in a block.
    #[must_use]
    pub fn at(site: Site, layer: usize) -> Self {
        Self { layer: site.is_in_blocks().then(|| u16::try_from(layer).unwrap_or(u16::MAX)), site }
    }

    /// A site outside of blocks.
    #[must_use]
    pub fn whole(site: Site) -> Self {
        Self { layer: None, site }
    }
}

/// Why a text names no site.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// No site has that name.
    #[error("there is no site `{name}`{}", hint(near.as_deref()))]
    Unknown {
        /// What was given.
        name: String,
        /// What may be meant.
        near: Option<String>,
    },
    /// A site of blocks without its block.
    #[error("`{name}` is a site of every block; name one, as in `blocks.0.{full}`")]
    NoLayer {
        /// What was given.
        name: String,
        /// The site's name within a block.
        full: &'static str,
    },
    /// A block's number that is none.
    #[error("`{name}`: `{layer}` is no number of a block")]
    Layer {
        /// What was given.
        name: String,
        /// What stands where the number should.
        layer: String,
    },
}

fn hint(near: Option<&str>) -> String {
    near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.layer {
            Some(layer) => write!(f, "blocks.{layer}.{}", self.site.full()),
            None => f.write_str(self.site.full()),
        }
    }
}

impl FromStr for Hook {
    type Err = SiteError;

    /// `blocks.3.attn.hook_q` of TransformerLens, `blocks.3.attn.q.hook_out` of its bridge, `blocks.3.q`, `ln_final.hook_scale`.
    fn from_str(name: &str) -> Result<Self, SiteError> {
        let Some((layer, within)) = name.strip_prefix("blocks.").and_then(|rest| rest.split_once('.')) else {
            let site: Site = name.parse()?;
            return if site.is_in_blocks() {
                Err(SiteError::NoLayer { name: name.to_owned(), full: site.full() })
            } else {
                Ok(Self::whole(site))
            };
        };
        let number: u16 =
            layer.parse().map_err(|_| SiteError::Layer { name: name.to_owned(), layer: layer.to_owned() })?;
        let in_blocks = || Site::ALL.iter().filter(|site| site.is_in_blocks());
        match in_blocks().find(|site| site.is_called(within)) {
            Some(&site) => Ok(Self { layer: Some(number), site }),
            None => {
                let near = closest(within, in_blocks().flat_map(|site| [site.full(), site.short()]));
                let near = near.map(|near| format!("blocks.{number}.{near}"));
                Err(SiteError::Unknown { name: name.to_owned(), near })
            }
        }
    }
}
