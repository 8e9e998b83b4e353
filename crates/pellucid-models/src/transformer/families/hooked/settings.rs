//! What does a `HookedTransformerConfig` say, and what of it is not computed here?

use serde_json::Value;

use super::super::config::Config;
use super::super::{activation, checked};
use super::Settings;
use crate::transformer::spec::{Activation, Family, NormKind, Positions, Spec, Stretch};
use crate::transformer::weights::WeightsError;

/// Settings that change what is computed when they are on.
const FLAGS: [&str; 12] = [
    "parallel_attn_mlp",
    "use_local_attn",
    "use_qk_norm",
    "use_logn_attn",
    "use_dynamic_ntk_rope",
    "use_yarn_rope",
    "use_attention_sinks",
    "use_normalization_before_and_after",
    "post_embedding_ln",
    "scale_attn_by_inverse_layer_idx",
    "rotary_adjacent_pairs",
    "load_in_4bit",
];

/// Settings that change what is computed when they are there.
const VALUES: [&str; 4] = ["num_experts", "clip_qkv", "rotary_base_local", "experts_per_token"];

pub(super) fn read(config: &Config) -> Result<Settings, WeightsError> {
    supported(config)?;
    let (norm, has_norm_weights) = norm(config)?;
    let (d_model, d_head) = (config.count("d_model")?, config.count("d_head")?);
    let n_heads = if is_usual(config, "n_heads") {
        // As there: as many as the residual stream is heads wide.
        if d_head == 0 || !d_model.is_multiple_of(d_head) {
            return Err(WeightsError::config(
                "d_head",
                format!("is {d_head}, which does not divide {d_model}"),
            ));
        }
        d_model / d_head
    } else {
        config.count("n_heads")?
    };
    let is_attention_only = config.flag_or("attn_only", false)?;
    let is_gated = config.flag_or("gated_mlp", false)? && !is_attention_only;
    let spec = Spec {
        family: Family::Hooked,
        n_layers: config.count("n_layers")?,
        d_model,
        n_heads,
        n_kv_heads: config.count_or("n_key_value_heads", n_heads)?,
        d_head,
        // Blocks without MLPs get one neuron that does nothing.
        d_mlp: if is_attention_only { 1 } else { config.count_or("d_mlp", d_model.saturating_mul(4))? },
        d_vocab: config.count("d_vocab")?,
        n_ctx: config.count("n_ctx")?,
        activation: if is_attention_only {
            Activation::Relu
        } else {
            activation(config.text("act_fn").unwrap_or("relu"))?
        },
        is_gated,
        norm,
        eps: config.number_or("eps", 1e-5)?,
        positions: positions(config, d_head)?,
        is_decoder: true,
        window: None,
        n_token_types: 0,
    };
    let spec = checked(spec)?;
    scale(config, &spec)?;
    if !is_usual(config, "d_vocab_out") && config.count("d_vocab_out")? != spec.d_vocab {
        return Err(unsupported(config, "d_vocab_out", "as many tokens are answered as read"));
    }
    let is_grouped = config.get("n_key_value_heads").is_some();
    Ok(Settings { spec, has_norm_weights, is_attention_only, is_grouped })
}

/// Whether a number is not there, or -1, which means the same.
fn is_usual(config: &Config, key: &str) -> bool {
    config.get(key).is_none_or(|value| value.as_f64() == Some(-1.0))
}

fn unsupported(config: &Config, key: &str, why: &'static str) -> WeightsError {
    let found = config.get(key).unwrap_or(&Value::Null);
    WeightsError::Unsupported { what: format!("`{key}: {found}`"), why }
}

fn supported(config: &Config) -> Result<(), WeightsError> {
    for flag in FLAGS {
        config.only(flag, false, false, "it is not computed here")?;
    }
    for key in VALUES {
        if config.get(key).is_some() {
            return Err(unsupported(config, key, "it is not computed here"));
        }
    }
    for cap in ["attn_scores_soft_cap", "output_logits_soft_cap"] {
        if config.number_or(cap, -1.0)? > 0.0 {
            return Err(unsupported(config, cap, "scores and logits are not capped here"));
        }
    }
    if config.text("attention_dir").is_some_and(|direction| direction != "causal") {
        return Err(unsupported(config, "attention_dir", "`causal` is"));
    }
    Ok(())
}

/// The norms, and whether they have weights. What is not there is `LN`, what is null is no norm.
fn norm(config: &Config) -> Result<(NormKind, bool), WeightsError> {
    let kind = match config.get("normalization_type") {
        None if config.has("normalization_type") => return Ok((NormKind::None, false)),
        None => "LN",
        Some(found) => found.as_str().unwrap_or_default(),
    };
    let norm = match kind {
        "LN" => (NormKind::Layer, true),
        "LNPre" => (NormKind::Layer, false),
        "RMS" => (NormKind::RootMeanSquare, true),
        "RMSPre" => (NormKind::RootMeanSquare, false),
        _ => {
            return Err(unsupported(config, "normalization_type", "null, LN, LNPre, RMS and RMSPre are"));
        }
    };
    // Only beside norms of layers does it mean anything.
    if norm.0 == NormKind::Layer {
        config.only("final_rms", false, false, "the last norm is of the kind of the others")?;
    }
    Ok(norm)
}

fn positions(config: &Config, d_head: usize) -> Result<Positions, WeightsError> {
    match config.text("positional_embedding_type") {
        None | Some("standard") => return Ok(Positions::Learned),
        Some("rotary") => {}
        Some(_) => {
            return Err(unsupported(config, "positional_embedding_type", "standard and rotary are"));
        }
    }
    if config.count_or("rotary_dim", d_head)? != d_head || !d_head.is_multiple_of(2) {
        return Err(WeightsError::Unsupported {
            what: format!("rotations of a part of heads that are {d_head} wide"),
            why: "whole heads are turned, whose width is even",
        });
    }
    let factor = config.number_or("rotary_scaling_factor", 1.0)?;
    let stretch = if config.flag_or("use_NTK_by_parts_rope", false)? {
        Stretch::Llama3 {
            factor: config.number_or("NTK_by_parts_factor", 8.0)?,
            low: config.number_or("NTK_by_parts_low_freq_factor", 1.0)?,
            high: config.number_or("NTK_by_parts_high_freq_factor", 4.0)?,
            original: config.number_or("NTK_original_ctx_len", 8192.0)?,
        }
    } else if factor == 1.0 {
        Stretch::None
    } else {
        Stretch::Linear(factor)
    };
    Ok(Positions::Rotary { base: config.number_or("rotary_base", 10_000.0)?, stretch })
}

/// Scores are divided by the root of a head's width, and by nothing else.
fn scale(config: &Config, spec: &Spec) -> Result<(), WeightsError> {
    let own = if !config.flag_or("use_attn_scale", true)? {
        1.0
    } else if is_usual(config, "attn_scale") {
        spec.score_scale()
    } else {
        config.number_or("attn_scale", 1.0)?
    };
    // The setting may have been written with few digits.
    if (own - spec.score_scale()).abs() <= 1e-6 * spec.score_scale() {
        return Ok(());
    }
    Err(WeightsError::Unsupported {
        what: format!("scores that are divided by {own}"),
        why: "they are by the root of a head's width; multiply W_Q and b_Q instead",
    })
}
