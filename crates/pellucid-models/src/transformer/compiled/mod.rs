//! What does a transformer compute whose circuit is known? Small programs become models, and every edge that
//! carries something is told.
//!
//! [`Draft`] writes a [`Program`], which [`Program::run`] takes step by step: the oracle. [`compile`] makes a
//! model of it that answers the same, whose circuit may be hidden by a [`Disguise`]. What searches for
//! circuits is held to these. [`examples`] has some.
//!
//! Scores are so far apart that a pattern is exact in 32 bits; hence it hardly moves with a score, and what
//! follows gradients finds no slope there, though patching does.

mod assemble;
mod disguise;
pub mod examples;
mod grid;
mod interpret;
mod plan;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use disguise::Disguise;
pub use interpret::Answer;
pub use program::{Draft, Op, Predicate, Program, ProgramError, Step};

use self::assemble::{Block, Parts};
use self::disguise::Random;
use self::grid::Grid;
use self::plan::Plan;
use super::families::Origin;
use super::node::Edge;
use super::spec::{Activation, Family, NormKind, Positions, Spec};
use super::weights::{BlockWeights, Linear, Matrix, NormWeights, Weights};
use super::{Processing, Transformer};

/// A model, and what it computes.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The model: a decoder without norms. Its prompts begin with token 0.
    pub model: Transformer,
    /// The edges over which something is read that was written, as far as the program's tables tell.
    pub circuit: BTreeSet<Edge>,
    /// Those of them that carry nothing but positions: they are the same in all prompts of one length, so
    /// that patching one prompt's with another's moves nothing.
    pub still: BTreeSet<Edge>,
    /// How many values the output has: so many of the first logits are meant.
    pub n_out: usize,
}

impl Compiled {
    /// The output's value that logits of a position mean: the largest of those that are meant, the first of
    /// several. `None` where there are no logits.
    #[must_use]
    pub fn value<F: PartialOrd>(&self, logits: &[F]) -> Option<usize> {
        let meant = logits.iter().enumerate().take(self.n_out);
        let best = meant.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(value, _)| value)
    }
}

/// Makes a model of a program.
///
/// It has as many blocks as the program needs, the width of all values of all steps that are needed and a few
/// coordinates more, and as many heads as its fullest block needs, with those that distract.
#[must_use]
pub fn compile(program: &Program, disguise: Disguise) -> Compiled {
    let mut random = Random(disguise.seed);
    let plan = Plan::new(program, disguise, &mut random);
    let (mut parts, wiring) = assemble::assemble(program, &plan);
    disguise.apply(&plan, &mut parts, &mut random);
    let spec = Spec {
        family: Family::Hooked,
        n_layers: plan.n_layers,
        d_model: plan.d_model,
        n_heads: plan.n_heads,
        n_kv_heads: plan.n_heads,
        d_head: plan.d_head,
        d_mlp: plan.d_mlp,
        d_vocab: program.n_tokens().max(program.n_out()),
        n_ctx: program.n_ctx(),
        activation: Activation::Relu,
        is_gated: false,
        norm: NormKind::None,
        eps: 1e-5,
        positions: Positions::Learned,
        is_decoder: true,
        window: None,
        n_token_types: 0,
    };
    let weights = weights(&spec, &parts);
    let origin = Origin { format: "compiled", kept: BTreeMap::new(), name: None };
    let model = Transformer { spec, weights, origin, processing: Processing::default() };
    let still = wiring.all.difference(&wiring.moving).copied().collect();
    Compiled { model, circuit: wiring.all, still, n_out: program.n_out() }
}

fn weights(spec: &Spec, parts: &Parts) -> Weights {
    let (d, wide) = (spec.d_model, spec.n_heads * spec.d_head);
    let none = || NormWeights { weight: vec![1.0; d], bias: None };
    let linear = |weight: &Grid, bias: &[f64]| Linear {
        weight: weight.packed(),
        bias: Some(bias.iter().map(|x| *x as f32).collect()),
    };
    let block = |block: &Block| BlockWeights {
        ln1: none(),
        query: linear(&block.query, &block.query_bias),
        key: linear(&block.key, &block.key_bias),
        value: linear(&block.value, &vec![0.0; wide]),
        output: linear(&block.output, &vec![0.0; d]),
        ln2: none(),
        pre: linear(&block.pre, &block.pre_bias),
        pre_linear: None,
        post: linear(&block.post, &block.post_bias),
    };
    let positions = Matrix { n_rows: spec.n_ctx, n_columns: d, data: Arc::new(parts.positions.numbers()) };
    Weights {
        embed: parts.embed.transposed().packed(),
        positions: Some(positions),
        token_types: None,
        embed_norm: None,
        blocks: parts.blocks.iter().map(block).collect(),
        final_norm: Some(none()),
        unembed: Some(parts.unembed.packed()),
        unembed_bias: Some(vec![0.0; spec.d_vocab]),
    }
}
