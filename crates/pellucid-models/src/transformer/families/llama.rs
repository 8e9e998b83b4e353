//! Llama, Mistral and Qwen2: rotary positions, norms without centring, gated MLPs, heads that share keys and values.
//!
//! GGUF files of `llama` keep rows of queries and keys in another order, for rotations of neighbouring coordinates; here they
//! are put back, so that every site is what Hugging Face computes.

use super::config::{Config, number};
use super::{activation, checked, unembedding};
use crate::transformer::spec::{Activation, Family, NormKind, Positions, Spec, Stretch};
use crate::transformer::weights::{
    BlockWeights, Gguf, Layout, Linear, Packed, Tensors, Weights, WeightsError,
};

pub(super) fn from_hugging_face(
    kind: &str,
    config: &Config,
    tensors: &dyn Tensors,
) -> Result<(Spec, Weights), WeightsError> {
    let family = match kind {
        "mistral" => Family::Mistral,
        "qwen2" => Family::Qwen2,
        _ => Family::Llama,
    };
    config.only("use_sliding_window", false, false, "only windows of all layers are computed")?;
    let n_heads = config.count("num_attention_heads")?;
    let d_model = config.count("hidden_size")?;
    let spec = checked(Spec {
        family,
        n_layers: config.count("num_hidden_layers")?,
        d_model,
        n_heads,
        n_kv_heads: config.count_or("num_key_value_heads", n_heads)?,
        d_head: config.count_or("head_dim", d_model / n_heads.max(1))?,
        d_mlp: config.count("intermediate_size")?,
        d_vocab: config.count("vocab_size")?,
        n_ctx: config.count("max_position_embeddings")?,
        activation: activation(config.text("hidden_act").unwrap_or("silu"))?,
        is_gated: true,
        norm: NormKind::RootMeanSquare,
        eps: config.number_or("rms_norm_eps", 1e-6)?,
        positions: rotary(config)?,
        is_decoder: true,
        window: match family {
            // Hugging Face's own default, where the setting is not there at all.
            Family::Mistral if !config.has("sliding_window") => Some(4096),
            Family::Mistral if config.get("sliding_window").is_some() => {
                Some(config.count("sliding_window")?)
            }
            _ => None,
        },
        n_token_types: 0,
    })?;
    let has_bias = family == Family::Qwen2 || config.flag_or("attention_bias", false)?;
    let names = Names {
        embed: "model.embed_tokens.weight",
        last: "model.norm",
        unembed: "lm_head.weight",
        block: "model.layers.",
        within: [
            "input_layernorm",
            "self_attn.q_proj",
            "self_attn.k_proj",
            "self_attn.v_proj",
            "self_attn.o_proj",
            "post_attention_layernorm",
            "mlp.gate_proj",
            "mlp.up_proj",
            "mlp.down_proj",
        ],
        has_bias,
        has_output_bias: has_bias && family != Family::Qwen2,
        has_mlp_bias: config.flag_or("mlp_bias", false)?,
        is_tied: config.flag_or("tie_word_embeddings", false)?,
        is_interleaved: false,
    };
    let weights = read(&spec, tensors, &names)?;
    Ok((spec, weights))
}

fn rotary(config: &Config) -> Result<Positions, WeightsError> {
    // Since transformers 5 both stand in one object.
    let both = config.get("rope_parameters");
    let scaling = both.or_else(|| config.get("rope_scaling"));
    let of = |key: &str| number(scaling.and_then(|object| object.get(key)), key, None);
    let kind = scaling.and_then(|object| object.get("rope_type").or_else(|| object.get("type")));
    let stretch = match kind.and_then(serde_json::Value::as_str) {
        None | Some("default") => Stretch::None,
        Some("linear") => Stretch::Linear(of("factor")?),
        Some("llama3") => Stretch::Llama3 {
            factor: of("factor")?,
            low: of("low_freq_factor")?,
            high: of("high_freq_factor")?,
            original: of("original_max_position_embeddings")?,
        },
        Some(other) => {
            return Err(WeightsError::Unsupported {
                what: format!("rotary positions of the type `{other}`"),
                why: "default, linear and llama3 are",
            });
        }
    };
    let base = match both.and_then(|object| object.get("rope_theta")) {
        Some(base) => number(Some(base), "rope_theta", None)?,
        None => config.number_or("rope_theta", 10_000.0)?,
    };
    Ok(Positions::Rotary { base, stretch })
}

pub(super) fn from_gguf(kind: &str, file: &Gguf<'_>) -> Result<(Spec, Weights), WeightsError> {
    let key = |key: &str| format!("{kind}.{key}");
    let count = |name: &str| {
        file.whole(&key(name)).ok_or_else(|| WeightsError::config(&key(name), "is not there, or no count"))
    };
    for (name, why) in [
        ("rope.scaling.type", "this reader knows of no scaling in GGUF files"),
        ("rope.scale_linear", "this reader knows of no scaling in GGUF files"),
        ("expert_count", "mixtures of experts are not computed"),
    ] {
        let is_none = file.text(&key(name)) == Some("none") || file.whole(&key(name)) == Some(0);
        if file.setting(&key(name)).is_some() && !is_none {
            return Err(WeightsError::Unsupported { what: format!("`{}`", key(name)), why });
        }
    }
    if file.number(&key("rope.scaling.factor")).is_some_and(|factor| factor != 1.0)
        && file.text(&key("rope.scaling.type")) != Some("none")
    {
        return Err(WeightsError::Unsupported {
            what: format!("`{}`", key("rope.scaling.factor")),
            why: "this reader knows of no scaling in GGUF files",
        });
    }
    if file.has("rope_freqs.weight") {
        return Err(WeightsError::Unsupported {
            what: "`rope_freqs.weight`".to_owned(),
            why: "this reader knows of no scaling in GGUF files",
        });
    }
    let (n_heads, d_model) = (count("attention.head_count")?, count("embedding_length")?);
    let embed = file.shape("token_embd.weight").unwrap_or_default();
    let d_head = file.whole(&key("attention.key_length")).unwrap_or(d_model / n_heads.max(1));
    if file.whole(&key("rope.dimension_count")).is_some_and(|turned| turned != d_head) {
        return Err(WeightsError::config(&key("rope.dimension_count"), "is not the width of a head"));
    }
    let spec = checked(Spec {
        family: if kind == "qwen2" { Family::Qwen2 } else { Family::Llama },
        n_layers: count("block_count")?,
        d_model,
        n_heads,
        n_kv_heads: file.whole(&key("attention.head_count_kv")).unwrap_or(n_heads),
        d_head,
        d_mlp: count("feed_forward_length")?,
        d_vocab: embed.first().copied().unwrap_or(0),
        n_ctx: count("context_length")?,
        activation: Activation::Silu,
        is_gated: true,
        norm: NormKind::RootMeanSquare,
        eps: file.number(&key("attention.layer_norm_rms_epsilon")).unwrap_or(1e-5),
        positions: Positions::Rotary {
            base: file.number(&key("rope.freq_base")).unwrap_or(10_000.0),
            stretch: Stretch::None,
        },
        is_decoder: true,
        window: None,
        n_token_types: 0,
    })?;
    let names = Names {
        embed: "token_embd.weight",
        last: "output_norm",
        unembed: "output.weight",
        block: "blk.",
        within: [
            "attn_norm",
            "attn_q",
            "attn_k",
            "attn_v",
            "attn_output",
            "ffn_norm",
            "ffn_gate",
            "ffn_up",
            "ffn_down",
        ],
        has_bias: file.has("blk.0.attn_q.bias"),
        has_output_bias: file.has("blk.0.attn_output.bias"),
        has_mlp_bias: file.has("blk.0.ffn_gate.bias"),
        is_tied: !file.has("output.weight"),
        is_interleaved: kind == "llama",
    };
    let weights = read(&spec, file, &names)?;
    Ok((spec, weights))
}

/// Where things are.
struct Names {
    embed: &'static str,
    last: &'static str,
    unembed: &'static str,
    block: &'static str,
    within: [&'static str; 9],
    has_bias: bool,
    has_output_bias: bool,
    has_mlp_bias: bool,
    is_tied: bool,
    /// Whether coordinates that turn together stand side by side.
    is_interleaved: bool,
}

fn read(spec: &Spec, tensors: &dyn Tensors, names: &Names) -> Result<Weights, WeightsError> {
    let (d, own, shared) = (spec.d_model, spec.n_heads * spec.d_head, spec.n_kv_heads * spec.d_head);
    if !spec.d_head.is_multiple_of(2) {
        return Err(WeightsError::config("the width of a head", "is odd, and can't be turned in pairs"));
    }
    let turned = |linear: Linear| {
        if names.is_interleaved { apart(&linear, spec.d_head) } else { linear }
    };
    let block = |layer: usize| {
        let part = |at: usize| format!("{}{layer}.{}", names.block, names.within[at]);
        let linear = |at: usize, sizes, has_bias| tensors.linear(&part(at), sizes, Layout::OutIn, has_bias);
        Ok(BlockWeights {
            ln1: tensors.norm(&part(0), d, false)?,
            query: turned(linear(1, [d, own], names.has_bias)?),
            key: turned(linear(2, [d, shared], names.has_bias)?),
            value: linear(3, [d, shared], names.has_bias)?,
            output: linear(4, [own, d], names.has_output_bias)?,
            ln2: tensors.norm(&part(5), d, false)?,
            pre: linear(6, [d, spec.d_mlp], names.has_mlp_bias)?,
            pre_linear: Some(linear(7, [d, spec.d_mlp], names.has_mlp_bias)?),
            post: linear(8, [spec.d_mlp, d], names.has_mlp_bias)?,
        })
    };
    let embed = tensors.matrix(names.embed, [d, spec.d_vocab], Layout::OutIn)?;
    let unembed = unembedding(tensors, names.unembed, &embed, names.is_tied)?;
    Ok(Weights {
        embed,
        positions: None,
        token_types: None,
        embed_norm: None,
        blocks: (0..spec.n_layers).map(block).collect::<Result<_, WeightsError>>()?,
        final_norm: Some(tensors.norm(names.last, d, false)?),
        unembed: Some(unembed),
        unembed_bias: None,
    })
}

/// Outputs of each head: first coordinates of all pairs, then second ones, where pairs stood side by side.
fn apart(linear: &Linear, d_head: usize) -> Linear {
    let half = d_head / 2;
    let from = |output: usize| {
        let at = output % d_head;
        output - at + 2 * (at % half) + at / half
    };
    let weight = &linear.weight;
    Linear {
        weight: Packed::from_fn(weight.n_in(), weight.n_out(), |input, output| {
            weight.at(input, from(output))
        }),
        bias: linear.bias.as_ref().map(|bias| (0..bias.len()).map(|output| bias[from(output)]).collect()),
    }
}
