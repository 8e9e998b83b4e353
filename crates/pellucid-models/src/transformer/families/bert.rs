//! BERT and MiniLM: encoders, whose tokens see all others, and whose norms stand after what they follow.

use super::config::Config;
use super::{activation, checked};
use crate::transformer::spec::{Family, NormKind, Positions, Spec};
use crate::transformer::weights::{BlockWeights, Layout, NormWeights, Tensors, Weights, WeightsError};

pub(super) fn from_hugging_face(
    config: &Config,
    tensors: &dyn Tensors,
) -> Result<(Spec, Weights), WeightsError> {
    config.only("is_decoder", false, false, "only encoders of this family are computed")?;
    if let Some(other) = config.text("position_embedding_type").filter(|kind| *kind != "absolute") {
        return Err(WeightsError::Unsupported {
            what: format!("positions of the type `{other}`"),
            why: "absolute ones are",
        });
    }
    let (d_model, n_heads) = (config.count("hidden_size")?, config.count("num_attention_heads")?);
    let spec = checked(Spec {
        family: Family::Bert,
        n_layers: config.count("num_hidden_layers")?,
        d_model,
        n_heads,
        n_kv_heads: n_heads,
        d_head: d_model / n_heads.max(1),
        d_mlp: config.count("intermediate_size")?,
        d_vocab: config.count("vocab_size")?,
        n_ctx: config.count("max_position_embeddings")?,
        activation: activation(config.text("hidden_act").unwrap_or("gelu"))?,
        is_gated: false,
        norm: NormKind::Layer,
        eps: config.number_or("layer_norm_eps", 1e-12)?,
        positions: Positions::Learned,
        is_decoder: false,
        window: None,
        n_token_types: config.count_or("type_vocab_size", 2)?,
    })?;
    let weights = read(&spec, tensors)?;
    Ok((spec, weights))
}

fn read(spec: &Spec, tensors: &dyn Tensors) -> Result<Weights, WeightsError> {
    let prefix = if tensors.has("bert.embeddings.word_embeddings.weight") { "bert." } else { "" };
    let (d, inner) = (spec.d_model, spec.n_heads * spec.d_head);
    if inner != d {
        return Err(WeightsError::config("heads", format!("are {}, which do not divide {d}", spec.n_heads)));
    }
    // Checkpoints of the first years call a norm's weights gamma and beta.
    let norm = |name: &str| {
        if !tensors.has(&format!("{name}.gamma")) {
            return tensors.norm(name, d, true);
        }
        let weight = tensors.take(&format!("{name}.gamma"), &[d])?;
        Ok(NormWeights { weight, bias: Some(tensors.take(&format!("{name}.beta"), &[d])?) })
    };
    let block = |layer: usize| {
        let part = |name: &str| format!("{prefix}encoder.layer.{layer}.{name}");
        let linear = |name: &str, sizes| tensors.linear(&part(name), sizes, Layout::OutIn, true);
        Ok(BlockWeights {
            ln1: norm(&part("attention.output.LayerNorm"))?,
            query: linear("attention.self.query", [d, inner])?,
            key: linear("attention.self.key", [d, inner])?,
            value: linear("attention.self.value", [d, inner])?,
            output: linear("attention.output.dense", [inner, d])?,
            ln2: norm(&part("output.LayerNorm"))?,
            pre: linear("intermediate.dense", [d, spec.d_mlp])?,
            pre_linear: None,
            post: linear("output.dense", [spec.d_mlp, d])?,
        })
    };
    let rows = |name: &str, n| tensors.rows(&format!("{prefix}embeddings.{name}.weight"), n, d);
    Ok(Weights {
        embed: tensors.matrix(
            &format!("{prefix}embeddings.word_embeddings.weight"),
            [d, spec.d_vocab],
            Layout::OutIn,
        )?,
        positions: Some(rows("position_embeddings", spec.n_ctx)?),
        token_types: Some(rows("token_type_embeddings", spec.n_token_types)?),
        embed_norm: Some(norm(&format!("{prefix}embeddings.LayerNorm"))?),
        blocks: (0..spec.n_layers).map(block).collect::<Result<_, WeightsError>>()?,
        final_norm: None,
        unembed: None,
        unembed_bias: None,
    })
}
