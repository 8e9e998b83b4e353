//! Which architecture is in these files, and where does it keep what? One file a family.

mod bert;
mod config;
mod gpt2;
mod hooked;
mod llama;

use std::collections::BTreeMap;

use config::Config;
pub use hooked::{Named, to_tensors};

use super::spec::{Activation, Positions, Spec, Stretch};
use super::weights::{Gguf, Layout, Packed, Release, Safetensors, Tensors, Weights, WeightsError};
use super::{Processing, Transformer};

const SUPPORTED: &str = "gpt2, llama, mistral, qwen2, bert, and TransformerLens's own";

/// Where a transformer was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `safetensors` or `gguf`.
    pub format: &'static str,
    /// How numbers are kept in the file, with how many tensors are kept so.
    pub kept: BTreeMap<&'static str, usize>,
    /// What the file calls the model, if anything.
    pub name: Option<String>,
}

/// Whether a `config.json` is of a model that says a next token; `None` where it does not tell.
#[must_use]
pub fn is_decoder(config: &[u8]) -> Option<bool> {
    let config = Config::parse(config).ok()?;
    Some(hooked::is_one(&config) || config.kind().ok()? != "bert")
}

/// Reads a folder as Hugging Face keeps it: `config.json`, and one or several safetensors files.
///
/// # Errors
/// When the architecture is not known, a setting makes no sense, or tensors are missing, misshapen or not finite.
pub fn from_hugging_face(config: &[u8], files: Vec<&[u8]>) -> Result<Transformer, WeightsError> {
    read_hugging_face(config, files, Release::default())
}

/// The same, telling which bytes of the files are not needed any more.
///
/// # Errors
/// As [`from_hugging_face`].
pub fn read_hugging_face<'b>(
    config: &[u8],
    files: Vec<&'b [u8]>,
    release: Release<'b>,
) -> Result<Transformer, WeightsError> {
    let config = Config::parse(config)?;
    let tensors = Safetensors::open(files)?.releasing(release);
    let read = if hooked::is_one(&config) {
        hooked::from_hugging_face(&config, &tensors)
    } else {
        let kind = config.kind()?;
        match kind.as_str() {
            "gpt2" => gpt2::from_hugging_face(&config, &tensors),
            "llama" | "mistral" | "qwen2" => llama::from_hugging_face(&kind, &config, &tensors),
            "bert" => bert::from_hugging_face(&config, &tensors),
            _ => Err(WeightsError::Architecture { found: kind, supported: SUPPORTED }),
        }
    };
    let (spec, weights) = read?;
    let name = config.text("_name_or_path").filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(made(spec, weights, Origin { format: "safetensors", kept: tensors.kinds(), name }))
}

/// Reads a GGUF file.
///
/// # Errors
/// As [`from_hugging_face`], and when blocks are packed in a way that is not read.
pub fn from_gguf(bytes: &[u8]) -> Result<Transformer, WeightsError> {
    read_gguf(bytes, Release::default())
}

/// The same, telling which bytes of the file are not needed any more.
///
/// # Errors
/// As [`from_gguf`].
pub fn read_gguf<'b>(bytes: &'b [u8], release: Release<'b>) -> Result<Transformer, WeightsError> {
    let file = Gguf::open(bytes)?.releasing(release);
    let Some(kind) = file.text("general.architecture") else {
        return Err(WeightsError::config("general.architecture", "is not there"));
    };
    let (spec, weights) = match kind {
        "gpt2" => gpt2::from_gguf(&file),
        "llama" | "qwen2" => llama::from_gguf(kind, &file),
        _ => Err(WeightsError::Architecture {
            found: kind.to_owned(),
            supported: "of GGUF files gpt2, llama and qwen2",
        }),
    }?;
    let name = file.text("general.name").map(str::to_owned);
    Ok(made(spec, weights, Origin { format: "gguf", kept: file.packings(), name }))
}

impl Origin {
    /// How most tensors are kept.
    #[must_use]
    pub fn usual(&self) -> &'static str {
        self.kept.iter().max_by_key(|(_, n)| **n).map_or("F32", |(name, _)| *name)
    }
}

fn made(spec: Spec, weights: Weights, origin: Origin) -> Transformer {
    Transformer { spec, weights, origin, processing: Processing::default() }
}

/// Heads that do not divide what they should, or nothing at all.
fn checked(spec: Spec) -> Result<Spec, WeightsError> {
    let sizes = [
        ("the number of layers", spec.n_layers, 1 << 12),
        ("the width of the residual stream", spec.d_model, 1 << 20),
        ("the number of heads", spec.n_heads, 1 << 12),
        ("the number of key-value heads", spec.n_kv_heads, 1 << 12),
        ("the width of a head", spec.d_head, 1 << 16),
        ("the number of neurons", spec.d_mlp, 1 << 24),
        ("the size of the vocabulary", spec.d_vocab, 1 << 28),
        ("the length of the context", spec.n_ctx, 1 << 28),
    ];
    if let Some((what, found, most)) = sizes.into_iter().find(|(_, n, most)| !(1..=*most).contains(n)) {
        return Err(WeightsError::config(what, format!("is {found}; from 1 to {most} makes sense")));
    }
    if !spec.n_heads.is_multiple_of(spec.n_kv_heads) {
        let problem = format!("are {}, which do not divide {} heads", spec.n_kv_heads, spec.n_heads);
        return Err(WeightsError::config("key-value heads", problem));
    }
    if !spec.is_decoder && spec.n_token_types == 0 {
        return Err(WeightsError::config("type_vocab_size", "is 0"));
    }
    if spec.window == Some(0) {
        return Err(WeightsError::config("sliding_window", "is 0: a token would not even see itself"));
    }
    if let Positions::Rotary { base, stretch } = spec.positions {
        let is_meant = |factor: f64| factor > 0.0 && factor.is_finite();
        let is_sound = match stretch {
            Stretch::None => true,
            Stretch::Linear(factor) => is_meant(factor),
            Stretch::Llama3 { factor, low, high, original } => {
                [factor, low, high, original].into_iter().all(is_meant) && low < high
            }
        };
        if !(base > 1.0 && base.is_finite() && is_sound) {
            let problem = format!("make no sense: base {base}, {stretch:?}");
            return Err(WeightsError::config("the rotations' settings", problem));
        }
    }
    if !(spec.eps >= 0.0 && spec.eps < 1.0) {
        return Err(WeightsError::config("the norm's epsilon", format!("is {}", spec.eps)));
    }
    Ok(spec)
}

/// The matrix of the logits: the embedding itself where they are tied, else one of the same size.
fn unembedding(
    tensors: &dyn Tensors,
    name: &str,
    embed: &Packed,
    is_tied: bool,
) -> Result<Packed, WeightsError> {
    let size = [embed.n_in(), embed.n_out()];
    if is_tied { Ok(embed.clone()) } else { tensors.matrix(name, size, Layout::OutIn) }
}

fn activation(name: &str) -> Result<Activation, WeightsError> {
    match name {
        "gelu" => Ok(Activation::Gelu),
        "gelu_new" | "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
        "silu" | "swish" => Ok(Activation::Silu),
        "relu" => Ok(Activation::Relu),
        _ => Err(WeightsError::Unsupported {
            what: format!("the activation `{name}`"),
            why: "gelu, gelu_new, gelu_pytorch_tanh, silu and relu are",
        }),
    }
}
