//! GPT-2: learned positions, norms with biases before attention and MLP, queries, keys and values in one matrix.

use super::config::Config;
use super::{activation, checked, unembedding};
use crate::transformer::spec::{Family, NormKind, Positions, Spec};
use crate::transformer::weights::{
    BlockWeights, Gguf, Layout, Linear, Packed, Tensors, Weights, WeightsError,
};

pub(super) fn from_hugging_face(
    config: &Config,
    tensors: &dyn Tensors,
) -> Result<(Spec, Weights), WeightsError> {
    let why = "GPT-2's own models are without it";
    config.only("scale_attn_weights", true, true, why)?;
    config.only("scale_attn_by_inverse_layer_idx", false, false, why)?;
    config.only("add_cross_attention", false, false, why)?;
    let (d_model, n_heads) = (config.count("n_embd")?, config.count("n_head")?);
    let spec = checked(Spec {
        n_layers: config.count("n_layer")?,
        d_mlp: config.count_or("n_inner", d_model.saturating_mul(4))?,
        d_vocab: config.count("vocab_size")?,
        n_ctx: config.count("n_positions")?,
        activation: activation(config.text("activation_function").unwrap_or("gelu_new"))?,
        eps: config.number_or("layer_norm_epsilon", 1e-5)?,
        ..plain(d_model, n_heads)
    })?;
    let prefix = if tensors.has("transformer.wte.weight") { "transformer." } else { "" };
    let names = Names {
        embed: format!("{prefix}wte.weight"),
        positions: format!("{prefix}wpe.weight"),
        last: format!("{prefix}ln_f"),
        block: format!("{prefix}h."),
        within: ["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"],
        unembed: "lm_head.weight",
        is_tied: config.flag_or("tie_word_embeddings", true)?,
        layout: Layout::InOut,
    };
    let weights = read(&spec, tensors, &names)?;
    Ok((spec, weights))
}

pub(super) fn from_gguf(file: &Gguf<'_>) -> Result<(Spec, Weights), WeightsError> {
    let count =
        |key: &str| file.whole(key).ok_or_else(|| WeightsError::config(key, "is not there, or no count"));
    let (d_model, n_heads) = (count("gpt2.embedding_length")?, count("gpt2.attention.head_count")?);
    let embed = file.shape("token_embd.weight").unwrap_or_default();
    let spec = checked(Spec {
        n_layers: count("gpt2.block_count")?,
        d_mlp: count("gpt2.feed_forward_length")?,
        d_vocab: embed.first().copied().unwrap_or(0),
        n_ctx: count("gpt2.context_length")?,
        eps: file.number("gpt2.attention.layer_norm_epsilon").unwrap_or(1e-5),
        ..plain(d_model, n_heads)
    })?;
    let names = Names {
        embed: "token_embd.weight".to_owned(),
        positions: "position_embd.weight".to_owned(),
        last: "output_norm".to_owned(),
        block: "blk.".to_owned(),
        within: ["attn_norm", "attn_qkv", "attn_output", "ffn_norm", "ffn_up", "ffn_down"],
        unembed: "output.weight",
        is_tied: !file.has("output.weight"),
        layout: Layout::OutIn,
    };
    let weights = read(&spec, file, &names)?;
    Ok((spec, weights))
}

fn plain(d_model: usize, n_heads: usize) -> Spec {
    Spec {
        family: Family::Gpt2,
        n_layers: 0,
        d_model,
        n_heads,
        n_kv_heads: n_heads,
        d_head: d_model / n_heads.max(1),
        d_mlp: 0,
        d_vocab: 0,
        n_ctx: 0,
        activation: crate::transformer::spec::Activation::GeluTanh,
        is_gated: false,
        norm: NormKind::Layer,
        eps: 1e-5,
        positions: Positions::Learned,
        is_decoder: true,
        window: None,
        n_token_types: 0,
    }
}

/// Where things are.
struct Names {
    embed: String,
    positions: String,
    last: String,
    block: String,
    within: [&'static str; 6],
    unembed: &'static str,
    is_tied: bool,
    layout: Layout,
}

fn read(spec: &Spec, tensors: &dyn Tensors, names: &Names) -> Result<Weights, WeightsError> {
    let (d, inner) = (spec.d_model, spec.n_heads * spec.d_head);
    if inner != d {
        return Err(WeightsError::config("heads", format!("are {}, which do not divide {d}", spec.n_heads)));
    }
    let layout = names.layout;
    let block = |layer: usize| {
        let [ln1, all, output, ln2, pre, post] =
            names.within.map(|part| format!("{}{layer}.{part}", names.block));
        let [query, key, value] = thirds(&tensors.linear(&all, [d, 3 * inner], layout, true)?);
        Ok(BlockWeights {
            ln1: tensors.norm(&ln1, d, true)?,
            query,
            key,
            value,
            output: tensors.linear(&output, [inner, d], layout, true)?,
            ln2: tensors.norm(&ln2, d, true)?,
            pre: tensors.linear(&pre, [d, spec.d_mlp], layout, true)?,
            pre_linear: None,
            post: tensors.linear(&post, [spec.d_mlp, d], layout, true)?,
        })
    };
    let embed = tensors.matrix(&names.embed, [d, spec.d_vocab], Layout::OutIn)?;
    let unembed = unembedding(tensors, names.unembed, &embed, names.is_tied)?;
    Ok(Weights {
        embed,
        positions: Some(tensors.rows(&names.positions, spec.n_ctx, d)?),
        token_types: None,
        embed_norm: None,
        blocks: (0..spec.n_layers).map(block).collect::<Result<_, WeightsError>>()?,
        final_norm: Some(tensors.norm(&names.last, d, true)?),
        unembed: Some(unembed),
        unembed_bias: None,
    })
}

/// Columns of queries, keys and values apart.
fn thirds(all: &Linear) -> [Linear; 3] {
    let n = all.weight.n_out() / 3;
    [0, 1, 2].map(|part| Linear {
        weight: Packed::from_fn(all.weight.n_in(), n, |input, output| {
            all.weight.at(input, part * n + output)
        }),
        bias: all.bias.as_ref().map(|bias| bias[part * n..(part + 1) * n].to_vec()),
    })
}
