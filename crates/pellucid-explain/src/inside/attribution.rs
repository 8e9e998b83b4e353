//! Which parts of a model write a logit? What each adds to the residual stream, as the last norm and the unembedding see it.
//!
//! Direct logit attribution (Elhage et al. 2021, "A mathematical framework for transformer circuits"): the last norm's scale is kept as it
//! is, and what is left is linear, so that the parts' shares sum up to the logit. Sums are of 64 bits; what is missing is the rounding of
//! the forward pass, and is told.

use std::fmt;

use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::spec::NormKind;
use pellucid_models::transformer::weights::Packed;
use pellucid_models::transformer::{Capture, Hook, Machine, Site, Transformer};

use super::case::{Measure, Metric};
use super::error::PatchError;

/// What writes to the residual stream, or comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// The token's embedding.
    Embed,
    /// The position's embedding.
    PosEmbed,
    /// A head, without the bias that all share.
    Head {
        /// The block.
        layer: usize,
        /// The head.
        head: usize,
    },
    /// The bias of a block's attention.
    AttnBias {
        /// The block.
        layer: usize,
    },
    /// An MLP with its bias.
    Mlp {
        /// The block.
        layer: usize,
    },
    /// The biases of the last norm and of the unembedding.
    Bias,
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embed => f.write_str("embed"),
            Self::PosEmbed => f.write_str("pos_embed"),
            Self::Head { layer, head } => write!(f, "a{layer}.h{head}"),
            Self::AttnBias { layer } => write!(f, "a{layer}.bias"),
            Self::Mlp { layer } => write!(f, "m{layer}"),
            Self::Bias => f.write_str("bias"),
        }
    }
}

/// A neuron and what it adds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neuron {
    /// The block.
    pub layer: usize,
    /// The neuron.
    pub neuron: usize,
    /// What it adds to the metric.
    pub value: f64,
}

/// Shares of a logit, or of the difference of two.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attribution {
    /// What each part adds, in the order of the forward pass.
    pub parts: Vec<(Component, f64)>,
    /// The neurons that add most, by size; parts of their MLPs' shares.
    pub neurons: Vec<Neuron>,
    /// The model's own metric.
    pub metric: f64,
    /// The metric less the sum of all shares: the rounding of the forward pass.
    pub residual: f64,
}

/// Takes a metric at one position apart; `n_neurons` neurons that add most are told, too.
///
/// # Errors
/// When the prompt can't be run, the model has no logits, the position is not there, or the metric is no difference of logits.
pub fn attribute(
    model: &Transformer,
    tokens: &[u32],
    metric: Metric,
    position: usize,
    n_neurons: usize,
    machine: Machine<'_>,
) -> Result<Attribution, PatchError> {
    let spec = &model.spec;
    spec.check_tokens(tokens)?;
    check(model, metric, position, tokens.len())?;
    let mut seen = Capture::of(wanted_sites(model, n_neurons > 0));
    let outcome = forward::run_on(model, &[tokens], Wanted::All, &mut seen, machine)
        .map_err(|(_, cause)| PatchError::from(cause))?;
    let logits = &outcome.answers[0].data[position * spec.d_vocab..][..spec.d_vocab];
    taken_apart(model, &seen, (position, tokens.len()), (metric, logits), n_neurons)
}

/// Whether a metric can be taken apart there.
pub(super) fn check(
    model: &Transformer,
    metric: Metric,
    position: usize,
    n_tokens: usize,
) -> Result<(), PatchError> {
    metric.check(&model.spec)?;
    if position >= n_tokens {
        return Err(PatchError::Position { position, tokens: n_tokens });
    }
    if model.weights.final_norm.is_none() || model.weights.unembed.is_none() {
        return Err(PatchError::NoLogits { family: model.spec.family.name() });
    }
    match metric {
        Metric::LogitDifference(_) | Metric::Logit(_) => Ok(()),
        Metric::LogProbability(_) | Metric::Divergence(_) => {
            Err(PatchError::NotLinear { metric: metric.name() })
        }
    }
}

/// The shares of a metric at one position of so many, of a run that kept [`wanted_sites`], and of the logits there.
pub(super) fn taken_apart(
    model: &Transformer,
    seen: &Capture<f32>,
    (position, n_tokens): (usize, usize),
    (metric, logits): (Metric, &[f32]),
    n_neurons: usize,
) -> Result<Attribution, PatchError> {
    let spec = &model.spec;
    let (Some(norm), Some(unembed)) = (&model.weights.final_norm, &model.weights.unembed) else {
        return Err(PatchError::NoLogits { family: spec.family.name() });
    };
    // The direction of the logits that is read.
    let signs: Vec<(usize, f64)> = match metric {
        Metric::LogitDifference([answer, wrong]) => vec![(answer as usize, 1.0), (wrong as usize, -1.0)],
        Metric::Logit([answer]) => vec![(answer as usize, 1.0)],
        Metric::LogProbability(_) | Metric::Divergence(_) => {
            return Err(PatchError::NotLinear { metric: metric.name() });
        }
    };
    let d = spec.d_model;
    let read: Vec<f64> = (0..d)
        .map(|at| signs.iter().map(|(token, sign)| sign * f64::from(unembed.at(at, *token))).sum())
        .collect();
    let biased = |bias: &Option<Vec<f32>>| {
        bias.as_ref()
            .map_or(0.0, |bias| signs.iter().map(|(token, sign)| sign * f64::from(bias[*token])).sum())
    };
    let shift = norm.bias.as_ref().map_or(0.0, |bias| dot(bias, &read));
    let bias: f64 = biased(&model.weights.unembed_bias) + shift;
    let mut direction: Vec<f64> = read.iter().zip(&norm.weight).map(|(x, by)| x * f64::from(*by)).collect();
    if spec.norm == NormKind::Layer {
        // A centred row times the direction is the row times the centred direction.
        let mean = direction.iter().sum::<f64>() / d as f64;
        direction.iter_mut().for_each(|x| *x -= mean);
    }

    let Some(measure) = Measure::new(metric, None) else {
        return Err(PatchError::NotLinear { metric: metric.name() });
    };
    let own = measure.of_logits(logits);
    if !own.is_finite() {
        return Err(PatchError::NotFinite);
    }
    let row = |hook: Hook| -> Option<&[f32]> {
        let seen = seen.seen.get(&(0, hook))?;
        let width = seen.data.len() / n_tokens;
        Some(&seen.data[position * width..][..width])
    };
    let scale = row(Hook::whole(Site::FinalScale)).map_or(1.0, |row| f64::from(row[0]));
    direction.iter_mut().for_each(|x| *x /= scale);

    let mut parts = Vec::new();
    let mut neurons = Vec::new();
    for (site, component) in [(Site::Embed, Component::Embed), (Site::PosEmbed, Component::PosEmbed)] {
        parts.extend(row(Hook::whole(site)).map(|row| (component, dot(row, &direction))));
    }
    for (layer, block) in model.weights.blocks.iter().enumerate() {
        let written = written_to(&block.output.weight, &direction);
        if let Some(mixed) = row(Hook::at(Site::Mixed, layer)) {
            let heads = mixed.chunks_exact(spec.d_head).zip(written.chunks_exact(spec.d_head)).enumerate();
            parts.extend(heads.map(|(head, (z, by))| (Component::Head { layer, head }, dot(z, by))));
        }
        let bias =
            block.output.bias.as_ref().map(|bias| (Component::AttnBias { layer }, dot(bias, &direction)));
        parts.extend(bias);
        parts.extend(
            row(Hook::at(Site::MlpOut, layer)).map(|row| (Component::Mlp { layer }, dot(row, &direction))),
        );
        if let (true, Some(post)) = (n_neurons > 0, row(Hook::at(Site::MlpPost, layer))) {
            let written = written_to(&block.post.weight, &direction);
            let of = |(neuron, (x, by)): (usize, (&f32, &f64))| Neuron {
                layer,
                neuron,
                value: f64::from(*x) * by,
            };
            neurons.extend(post.iter().zip(&written).enumerate().map(of));
            keep_largest(&mut neurons, n_neurons);
        }
    }
    parts.push((Component::Bias, bias));
    let sum: f64 = parts.iter().map(|(_, value)| value).sum();
    Ok(Attribution { parts, neurons, metric: own, residual: own - sum })
}

/// Where values are kept that [`taken_apart`] reads.
pub(super) fn wanted_sites(model: &Transformer, with_neurons: bool) -> Vec<Hook> {
    let within = [Site::Mixed, Site::MlpPost, Site::MlpOut];
    let within = within.into_iter().filter(move |site| with_neurons || *site != Site::MlpPost);
    let blocks =
        (0..model.spec.n_layers).flat_map(|layer| within.clone().map(move |site| Hook::at(site, layer)));
    let whole = [Site::Embed, Site::PosEmbed, Site::FinalScale].map(Hook::whole);
    whole.into_iter().filter(|hook| model.spec.check(*hook).is_ok()).chain(blocks).collect()
}

fn keep_largest(neurons: &mut Vec<Neuron>, n: usize) {
    neurons.sort_by(|a, b| {
        b.value.abs().total_cmp(&a.value.abs()).then((a.layer, a.neuron).cmp(&(b.layer, b.neuron)))
    });
    neurons.truncate(n);
}

fn dot(row: &[f32], by: &[f64]) -> f64 {
    row.iter().zip(by).map(|(x, by)| f64::from(*x) * by).sum()
}

/// What each input of a matrix adds along a direction of its outputs.
fn written_to(weight: &Packed, direction: &[f64]) -> Vec<f64> {
    let of =
        |input: usize| (0..weight.n_out()).map(|out| f64::from(weight.at(input, out)) * direction[out]).sum();
    (0..weight.n_in()).map(of).collect()
}
