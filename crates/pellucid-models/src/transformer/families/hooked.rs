//! TransformerLens's own format: a `HookedTransformerConfig` as `config.json`, and the names of its state
//! dict.
//!
//! Held to TransformerLens 3.9 (`HookedTransformer`, MIT). A setting that is not there means what it means
//! there.

mod settings;

use serde_json::{Value, json};

use super::config::Config;
use crate::transformer::Transformer;
use crate::transformer::spec::{Activation, NormKind, Positions, Spec};
use crate::transformer::weights::{
    BlockWeights, Layout, Linear, NormWeights, Packed, Tensors, Weights, WeightsError,
};

/// A tensor: its name, its shape, and its numbers, the last axis fastest.
pub type Named = (String, Vec<usize>, Vec<f32>);

/// Whether a configuration is of this kind.
pub(super) fn is_one(config: &Config) -> bool {
    !config.has("model_type") && ["d_vocab", "n_ctx", "n_layers"].iter().all(|key| config.has(key))
}

pub(super) fn from_hugging_face(
    config: &Config,
    tensors: &dyn Tensors,
) -> Result<(Spec, Weights), WeightsError> {
    let settings = settings::read(config)?;
    if tensors.has("blocks.0.attn.q_norm.w") {
        return Err(WeightsError::Unsupported {
            what: "a norm of queries and keys".to_owned(),
            why: "heads are computed without",
        });
    }
    let weights = read(&settings, tensors)?;
    Ok((settings.spec, weights))
}

/// What the configuration says.
struct Settings {
    spec: Spec,
    /// Whether norms have weights of their own.
    has_norm_weights: bool,
    /// Whether blocks are without MLPs.
    is_attention_only: bool,
    /// Whether keys and values have names of their own, as groups of heads share them.
    is_grouped: bool,
}

impl Settings {
    /// Norms of layers have biases, those of root mean squares have not; where the weights went into later
    /// ones, they are 1.
    fn norm(&self, tensors: &dyn Tensors, name: &str) -> Result<NormWeights, WeightsError> {
        let d = self.spec.d_model;
        if !self.has_norm_weights {
            return Ok(NormWeights { weight: vec![1.0; d], bias: None });
        }
        let has_bias = self.spec.norm == NormKind::Layer;
        let bias = has_bias.then(|| tensors.take(&format!("{name}.b"), &[d])).transpose()?;
        Ok(NormWeights { weight: tensors.take(&format!("{name}.w"), &[d])?, bias })
    }

    fn block(&self, tensors: &dyn Tensors, layer: usize) -> Result<BlockWeights, WeightsError> {
        let spec = &self.spec;
        let (d, h, e) = (spec.d_model, spec.n_heads, spec.d_head);
        let attention = |name: &str| format!("blocks.{layer}.attn.{name}");
        let grouped = if self.is_grouped { "_" } else { "" };
        // Heads stand one after the other, each as inputs × outputs.
        let heads = |letter: &str, of: &str, n: usize| -> Result<Linear, WeightsError> {
            let data = tensors.take(&attention(&format!("{of}W_{letter}")), &[n, d, e])?;
            let at = |input: usize, place: usize| data[(place / e * d + input) * e + place % e];
            let bias = tensors.take(&attention(&format!("{of}b_{letter}")), &[n, e])?;
            Ok(Linear { weight: Packed::from_fn(d, n * e, at), bias: Some(bias) })
        };
        let output = tensors.take(&attention("W_O"), &[h, e, d])?;
        let weight = Packed::from_fn(h * e, d, |place, output_at| output[place * d + output_at]);
        let [pre, pre_linear, post] = self.mlp(tensors, layer)?;
        let ln2 = if self.is_attention_only {
            NormWeights { weight: vec![1.0; d], bias: None }
        } else {
            self.norm(tensors, &format!("blocks.{layer}.ln2"))?
        };
        Ok(BlockWeights {
            ln1: self.norm(tensors, &format!("blocks.{layer}.ln1"))?,
            query: heads("Q", "", h)?,
            key: heads("K", grouped, spec.n_kv_heads)?,
            value: heads("V", grouped, spec.n_kv_heads)?,
            output: Linear { weight, bias: Some(tensors.take(&attention("b_O"), &[d])?) },
            ln2,
            pre: pre.unwrap_or_else(|| nothing(d, spec.d_mlp)),
            pre_linear,
            post: post.unwrap_or_else(|| nothing(spec.d_mlp, d)),
        })
    }

    /// What stands before the activation, what that is multiplied with, and what comes after; nothing without
    /// MLPs.
    fn mlp(&self, tensors: &dyn Tensors, layer: usize) -> Result<[Option<Linear>; 3], WeightsError> {
        if self.is_attention_only {
            return Ok([None, None, None]);
        }
        let (d, m) = (self.spec.d_model, self.spec.d_mlp);
        let name = |name: &str| format!("blocks.{layer}.mlp.{name}");
        let input = tensors.matrix(&name("W_in"), [d, m], Layout::InOut)?;
        let bias = tensors.take(&name("b_in"), &[m])?;
        let output = tensors.matrix(&name("W_out"), [m, d], Layout::InOut)?;
        let post = Linear { weight: output, bias: Some(tensors.take(&name("b_out"), &[d])?) };
        if !self.spec.is_gated {
            return Ok([Some(Linear { weight: input, bias: Some(bias) }), None, Some(post)]);
        }
        // There the bias is added behind the product with the gate, which no other library does.
        if bias.iter().any(|x| *x != 0.0) {
            return Err(WeightsError::Unsupported {
                what: format!("`{}` that is not 0", name("b_in")),
                why: "gated MLPs are computed without a bias of their neurons",
            });
        }
        let gate = tensors.matrix(&name("W_gate"), [d, m], Layout::InOut)?;
        let plain = |weight: Packed| Some(Linear { weight, bias: None });
        Ok([plain(gate), plain(input), Some(post)])
    }
}

/// A map to 0.
fn nothing(n_in: usize, n_out: usize) -> Linear {
    Linear { weight: Packed::from_fn(n_in, n_out, |_, _| 0.0), bias: Some(vec![0.0; n_out]) }
}

fn read(settings: &Settings, tensors: &dyn Tensors) -> Result<Weights, WeightsError> {
    let spec = &settings.spec;
    let (d, v) = (spec.d_model, spec.d_vocab);
    let positions = match spec.positions {
        Positions::Learned => Some(tensors.rows("pos_embed.W_pos", spec.n_ctx, d)?),
        Positions::Rotary { .. } => None,
    };
    Ok(Weights {
        embed: tensors.matrix("embed.W_E", [d, v], Layout::OutIn)?,
        positions,
        token_types: None,
        embed_norm: None,
        blocks: (0..spec.n_layers).map(|layer| settings.block(tensors, layer)).collect::<Result<_, _>>()?,
        final_norm: Some(settings.norm(tensors, "ln_final")?),
        unembed: Some(tensors.matrix("unembed.W_U", [d, v], Layout::InOut)?),
        unembed_bias: Some(tensors.take("unembed.b_U", &[v])?),
    })
}

/// A decoder without norms, gates, windows and rotations in TransformerLens's format: the configuration and
/// the tensors, which [`from_hugging_face`](super::from_hugging_face) reads again to the bit (biases that are
/// not there become 0). `None` for others.
#[must_use]
pub fn to_tensors(model: &Transformer) -> Option<(Value, Vec<Named>)> {
    let (spec, weights) = (&model.spec, &model.weights);
    let is_plain = spec.is_decoder && spec.norm == NormKind::None && !spec.is_gated && spec.window.is_none();
    let (Some(positions), Some(unembed), true) = (&weights.positions, &weights.unembed, is_plain) else {
        return None;
    };
    let (d, v, m) = (spec.d_model, spec.d_vocab, spec.d_mlp);
    let mut tensors = vec![named("embed.W_E", &[v, d], columns(&weights.embed))];
    tensors.push(named("pos_embed.W_pos", &[spec.n_ctx, d], positions.data.to_vec()));
    for (layer, block) in weights.blocks.iter().enumerate() {
        attention_tensors(spec, layer, block, &mut tensors);
        let name = |name: &str| format!("blocks.{layer}.mlp.{name}");
        tensors.push(named(&name("W_in"), &[d, m], rows(&block.pre.weight)));
        tensors.push(named(&name("b_in"), &[m], bias(&block.pre)));
        tensors.push(named(&name("W_out"), &[m, d], rows(&block.post.weight)));
        tensors.push(named(&name("b_out"), &[d], bias(&block.post)));
    }
    tensors.push(named("unembed.W_U", &[d, v], rows(unembed)));
    let unembed_bias = weights.unembed_bias.clone().unwrap_or_else(|| vec![0.0; v]);
    tensors.push(named("unembed.b_U", &[v], unembed_bias));
    Some((config_of(spec), tensors))
}

fn config_of(spec: &Spec) -> Value {
    let activation = match spec.activation {
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_new",
        Activation::Silu => "silu",
        Activation::Relu => "relu",
    };
    let grouped = (spec.n_shared() > 1).then_some(spec.n_kv_heads);
    json!({
        "n_layers": spec.n_layers,
        "d_model": spec.d_model,
        "n_ctx": spec.n_ctx,
        "d_head": spec.d_head,
        "n_heads": spec.n_heads,
        "n_key_value_heads": grouped,
        "d_mlp": spec.d_mlp,
        "d_vocab": spec.d_vocab,
        "d_vocab_out": spec.d_vocab,
        "act_fn": activation,
        "eps": spec.eps,
        "normalization_type": null,
        "positional_embedding_type": "standard",
        "attention_dir": "causal",
        "attn_only": false,
        "gated_mlp": false,
        "default_prepend_bos": false,
    })
}

fn attention_tensors(spec: &Spec, layer: usize, block: &BlockWeights, tensors: &mut Vec<Named>) {
    let (d, e) = (spec.d_model, spec.d_head);
    let grouped = if spec.n_shared() > 1 { "_" } else { "" };
    let parts = [
        (&block.query, "Q", "", spec.n_heads),
        (&block.key, "K", grouped, spec.n_kv_heads),
        (&block.value, "V", grouped, spec.n_kv_heads),
    ];
    for (linear, letter, of, n) in parts {
        let mut data = Vec::with_capacity(n * d * e);
        for head in 0..n {
            for input in 0..d {
                data.extend((head * e..(head + 1) * e).map(|place| linear.weight.at(input, place)));
            }
        }
        tensors.push(named(&format!("blocks.{layer}.attn.{of}W_{letter}"), &[n, d, e], data));
        tensors.push(named(&format!("blocks.{layer}.attn.{of}b_{letter}"), &[n, e], bias(linear)));
    }
    let weight = rows(&block.output.weight);
    tensors.push(named(&format!("blocks.{layer}.attn.W_O"), &[spec.n_heads, e, d], weight));
    tensors.push(named(&format!("blocks.{layer}.attn.b_O"), &[d], bias(&block.output)));
}

fn named(name: &str, shape: &[usize], data: Vec<f32>) -> Named {
    (name.to_owned(), shape.to_vec(), data)
}

/// Inputs × outputs.
fn rows(matrix: &Packed) -> Vec<f32> {
    let row = |input| (0..matrix.n_out()).map(move |output| matrix.at(input, output));
    (0..matrix.n_in()).flat_map(row).collect()
}

/// Outputs × inputs.
fn columns(matrix: &Packed) -> Vec<f32> {
    (0..matrix.n_out()).flat_map(|output| matrix.column(output)).collect()
}

fn bias(linear: &Linear) -> Vec<f32> {
    linear.bias.clone().unwrap_or_else(|| vec![0.0; linear.weight.n_out()])
}
