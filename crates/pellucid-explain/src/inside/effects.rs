//! Which parts of a model does an answer need, and does it need them directly? Total, direct and indirect effects of every part.
//!
//! The total effect of a part is what other values of its output do with everything after it free to follow; the direct effect is what
//! they do by the residual stream alone, with the last norm computed anew. What is left is indirect: what later parts make of it. Where
//! they make up for it, the model repairs itself (McGrath et al. 2023, arXiv 2307.15771; Rushing and Nanda 2024, arXiv 2402.15390).

use pellucid_models::transformer::forward::{self, Past, Wanted};
use pellucid_models::transformer::node::{Edge, Receiver, Sender};
use pellucid_models::transformer::{Capture, Hook, Machine, Site, Transformer};

use super::case::{Case, Measure};
use super::definition::{Put, Verified, metric_with};
use super::donors::{Means, donors};
use super::edges::edge_effects_with;
use super::error::PatchError;
use super::patch::patch_with;
use super::patching::{By, Cell, Patching};
use crate::Control;

/// A part's effects, in units of the metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PartEffect {
    /// The part.
    pub part: Sender,
    /// By how much the metric grows with other values of its output.
    pub total: f64,
    /// By how much it would if nothing else followed.
    pub direct: f64,
}

impl PartEffect {
    /// What later parts make of it.
    #[must_use]
    pub fn indirect(&self) -> f64 {
        self.total - self.direct
    }
}

/// Effects of all parts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Effects {
    /// A part each, in the order of the forward pass.
    pub parts: Vec<PartEffect>,
    /// The metric of the prompt that is run.
    pub own: f64,
    /// The metric of the prompt whose values are put in, if they are those of one.
    pub other: Option<f64>,
    /// Multiply-adds of a whole run for every effect.
    pub naive: u64,
    /// Multiply-adds that were carried out, but, of values that are no run's, for the few whole runs of the input's effect.
    pub multiply_adds: u64,
    /// Runs that were made again the slow way.
    pub verified: Verified,
}

/// How much of a direct effect later parts undo: a line through the parts' indirect effects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelfRepair {
    /// How much an indirect effect grows with a direct one: -1 if all of it is undone, 0 if nothing is.
    pub slope: f64,
    /// The share of the variance of indirect effects that the line tells.
    pub r_squared: f64,
    /// Parts that the line goes through.
    pub n: usize,
}

/// Total and direct effects of the input, every head and every MLP. A share `verify` of all runs is made again the slow way.
///
/// # Errors
/// When that can't be asked of the model and the prompts, or the caller stopped.
pub fn effects(
    model: &Transformer,
    case: &Case,
    verify: f64,
    control: &Control<'_>,
) -> Result<Effects, PatchError> {
    effects_with(&Means::of(model), case, verify, control)
}

/// The same with means that may be known.
///
/// # Errors
/// As [`effects`].
pub fn effects_with(
    means: &Means<'_>,
    case: &Case,
    verify: f64,
    control: &Control<'_>,
) -> Result<Effects, PatchError> {
    let spec = &means.model.spec;
    let of_heads =
        patch_with(means, case, Patching { site: Site::Mixed, by: By::LayerHead }, verify, control)?;
    let of_mlps = patch_with(means, case, Patching { site: Site::MlpOut, by: By::Layer }, verify, control)?;
    let senders = Sender::all(spec);
    let edges: Vec<Edge> = senders.iter().map(|&from| Edge { from, to: Receiver::Logits }).collect();
    let direct = edge_effects_with(means, case, &edges, verify, control)?;
    let own = of_heads.own;
    // With all of another prompt's input a run is the other one.
    let input = of_heads.other.map_or_else(|| whole_input(means, case, Machine::of(control)), Ok)?;
    let parts = senders.iter().enumerate().map(|(at, &part)| PartEffect {
        part,
        direct: direct.effect(at),
        total: match part {
            Sender::Input => input - own,
            Sender::Head { layer, head } => of_heads.metrics[layer * spec.n_heads + head] - own,
            Sender::Mlp { layer } => of_mlps.metrics[layer] - own,
        },
    });
    let checks = [of_heads.verified, of_mlps.verified, direct.verified];
    Ok(Effects {
        parts: parts.collect(),
        own,
        other: of_heads.other,
        naive: of_heads.plan.naive + of_mlps.plan.naive + direct.naive,
        multiply_adds: of_heads.multiply_adds + of_mlps.multiply_adds + direct.multiply_adds,
        verified: Verified {
            n: checks.iter().map(|check| check.n).sum(),
            worst: checks.iter().fold(0.0, |worst, check| worst.max(check.worst)),
        },
    })
}

/// The metric with all of the input replaced.
fn whole_input(means: &Means<'_>, case: &Case, machine: Machine<'_>) -> Result<f64, PatchError> {
    let model = means.model;
    let hook = Hook::at(Site::ResidPre, 0);
    let mut seen = Capture::of([vec![hook], Past::hooks(&model.spec)].concat());
    let answer = forward::run_on(model, &[&case.run], Wanted::Last, &mut seen, machine);
    let answer = answer.map_err(|(_, cause)| PatchError::from(cause))?.answers;
    let measure = Measure::new(case.metric, Some(&answer[0].data)).ok_or(PatchError::NoReference)?;
    let past = Past::of(&model.spec, &seen, 0);
    let (Some(own), Some(past)) = (seen.seen.remove(&(0, hook)), past) else {
        return Err(PatchError::Stopped);
    };
    let found = donors(means, case, &[hook], (&[own], &past), machine)?;
    let cell = Cell { layer: 0, position: None, head: None };
    let mut put = Put { hook, cell, donor: &found.values[0], n_put: 0 };
    Ok(metric_with(model, (&case.run, &measure), &mut put, machine)?)
}

impl Effects {
    /// How much of their direct effect later parts undo, over heads and MLPs whose direct effect is not nothing; `None` for fewer than
    /// three of them.
    #[must_use]
    pub fn self_repair(&self) -> Option<SelfRepair> {
        let points: Vec<[f64; 2]> = self
            .parts
            .iter()
            .filter(|part| part.part != Sender::Input && part.direct != 0.0)
            .map(|part| [part.direct, part.indirect()])
            .collect();
        let n = points.len();
        let mean = |axis: usize| points.iter().map(|point| point[axis]).sum::<f64>() / n as f64;
        let (x, y) = (mean(0), mean(1));
        let sum = |of: fn([f64; 2]) -> f64| {
            points.iter().map(|point| of([point[0] - x, point[1] - y])).sum::<f64>()
        };
        let (xx, xy, yy) = (sum(|[x, _]| x * x), sum(|[x, y]| x * y), sum(|[_, y]| y * y));
        (n >= 3 && xx > 0.0 && yy > 0.0).then(|| SelfRepair {
            slope: xy / xx,
            r_squared: xy * xy / (xx * yy),
            n,
        })
    }
}
