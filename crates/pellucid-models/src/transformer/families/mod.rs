//! Which architecture is in these files, and where does it keep what? One file a family.

mod bert;
mod config;
mod gpt2;
mod llama;

use config::Config;

use super::Transformer;
use super::spec::{Activation, Spec};
use super::weights::{Gguf, Safetensors, Weights, WeightsError};

const SUPPORTED: &str = "gpt2, llama, mistral, qwen2 and bert";

/// Where a transformer was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `safetensors`, or `GGUF` with how its numbers are packed.
    pub format: String,
    /// What the file calls the model, if anything.
    pub name: Option<String>,
}

/// Reads a folder as Hugging Face keeps it: `config.json`, and one or several safetensors files.
///
/// # Errors
/// When the architecture is not known, a setting makes no sense, or tensors are missing, misshapen or not finite.
pub fn from_hugging_face(config: &[u8], files: Vec<&[u8]>) -> Result<Transformer, WeightsError> {
    let config = Config::parse(config)?;
    let tensors = Safetensors::open(files)?;
    let kind = config.kind()?;
    let (spec, weights) = match kind.as_str() {
        "gpt2" => gpt2::from_hugging_face(&config, &tensors),
        "llama" | "mistral" | "qwen2" => llama::from_hugging_face(&kind, &config, &tensors),
        "bert" => bert::from_hugging_face(&config, &tensors),
        _ => Err(WeightsError::Architecture { found: kind, supported: SUPPORTED }),
    }?;
    let name = config.text("_name_or_path").filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(made(spec, weights, Origin { format: "safetensors".to_owned(), name }))
}

/// Reads a GGUF file.
///
/// # Errors
/// As [`from_hugging_face`], and when blocks are packed in a way that is not read.
pub fn from_gguf(bytes: &[u8]) -> Result<Transformer, WeightsError> {
    let file = Gguf::open(bytes)?;
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
    let packings: Vec<String> = file.packings().into_iter().map(|(name, n)| format!("{n} {name}")).collect();
    let format = format!("GGUF ({})", packings.join(", "));
    Ok(made(spec, weights, Origin { format, name: file.text("general.name").map(str::to_owned) }))
}

fn made(spec: Spec, weights: Weights, origin: Origin) -> Transformer {
    Transformer { spec, weights, origin }
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
    if !(spec.eps >= 0.0 && spec.eps < 1.0) {
        return Err(WeightsError::config("the norm's epsilon", format!("is {}", spec.eps)));
    }
    Ok(spec)
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
