//! What does one text do inside a model? Activations of any sites, the next tokens, and where heads look.

use std::collections::BTreeMap;

use pellucid::data::Control;
use pellucid::explain::inside::case::log_probability;
use pellucid::explain::inside::logit_lens::reading;
use pellucid::explain::inside::{HeadKind, HeadScores, head_scores};
use pellucid::looked;
use pellucid::models::transformer::forward::{self, Wanted};
use pellucid::models::transformer::{Hook, Machine, Site, Token};
use pellucid::views::attention_heads::AttentionHeads;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::kept::{Kept, Shaped};
use super::{Transformer, array, check_memory, ids, pieces, position};
use crate::errors::Failure;

/// What a run showed.
pub(super) struct Seen {
    tokens: Vec<Token>,
    /// In the order of the forward pass.
    sites: Vec<(Hook, Shaped)>,
    /// Whether the answer's logits are one of the sites.
    is_same: bool,
    answer: Option<Answer>,
}

/// What a decoder says.
struct Answer {
    /// A row a token.
    logits: Shaped,
    /// Of each token but the first the natural logarithm of its probability.
    log_probabilities: Vec<f64>,
    /// Their mean with the other sign.
    loss: Option<f64>,
    /// The next tokens: number, text, probability.
    next: Vec<(u32, String, f64)>,
}

/// Runs a text once; of sites with a row a position only those positions are kept that are named.
pub(super) fn seen(
    of: &Transformer,
    text: &str,
    capture: &[String],
    (positions, top): (Option<&[i64]>, usize),
    control: &Control<'_>,
) -> Result<Seen, Failure> {
    let spec = &of.model.spec;
    let mut hooks = Vec::new();
    for name in capture {
        hooks.extend(of.hooks(name)?);
    }
    hooks.sort_unstable();
    hooks.dedup();
    let tokens = of.of_text("the text", text)?;
    let n = tokens.len();
    let positions: Option<Vec<usize>> =
        positions.map(|all| all.iter().map(|at| position(*at, n)).collect()).transpose()?;
    let logits = Hook::whole(Site::Logits);
    let whole = spec.is_decoder.then_some(logits);
    let numbers = |hook: &Hook| spec.shape(hook.site, n).iter().product::<usize>();
    let kept = hooks.iter().map(numbers).sum::<usize>();
    // Logits are held by the pass, too.
    let held = kept + 2 * whole.as_ref().map_or(0, numbers);
    check_memory(size_of::<f32>() * held, "capture fewer sites, or run a shorter text")?;
    let prompt = ids(&tokens);
    let mut tap = Kept { hooks: &hooks, positions: positions.as_deref(), whole, seen: BTreeMap::new() };
    forward::run_on(&of.model, &[&prompt], Wanted::Residual, &mut tap, Machine::of(control))
        .map_err(|(_, cause)| Failure::from(cause))?;
    let mut found = tap.seen;
    let answer = found.remove(&logits).map(|logits| answer(of, logits, &prompt, top));
    let mut sites = Vec::with_capacity(hooks.len());
    for hook in &hooks {
        match (&answer, &positions) {
            // Without positions they are the answer's own, see `told`.
            (Some(answer), Some(positions)) if *hook == logits => {
                sites.push((*hook, answer.logits.rows(positions)));
            }
            _ => sites.extend(found.remove_entry(hook)),
        }
    }
    Ok(Seen { tokens, is_same: positions.is_none() && hooks.contains(&logits), sites, answer })
}

fn answer(of: &Transformer, logits: Shaped, prompt: &[u32], top: usize) -> Answer {
    let rows = logits.numbers().chunks_exact(of.model.spec.d_vocab);
    let pairs = rows.clone().zip(&prompt[1..]);
    let log_probabilities: Vec<f64> = pairs.map(|(row, next)| log_probability(row, *next)).collect();
    let n = log_probabilities.len();
    let loss = (n > 0).then(|| -log_probabilities.iter().sum::<f64>() / n as f64);
    let last = rows.last().map_or(Vec::new(), |row| reading(row, None, top).top);
    let next = last.into_iter().map(|(token, p)| (token, of.tokens.text(token), p)).collect();
    Answer { logits, log_probabilities, loss, next }
}

impl Seen {
    pub(super) fn told(self, py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let told = PyDict::new(py);
        told.set_item("tokens", pieces(&self.tokens))?;
        let sites = PyDict::new(py);
        for (hook, found) in self.sites {
            sites.set_item(hook.to_string(), found.into_array(py)?)?;
        }
        if let Some(answer) = self.answer {
            let logits = answer.logits.into_array(py)?;
            if self.is_same {
                sites.set_item(Hook::whole(Site::Logits).to_string(), &logits)?;
            }
            told.set_item("logits", logits)?;
            let n = answer.log_probabilities.len();
            told.set_item("log_probabilities", array(py, vec![n], answer.log_probabilities)?)?;
            told.set_item("loss", answer.loss)?;
            told.set_item("next", answer.next)?;
        }
        told.set_item("sites", sites)?;
        Ok(told)
    }
}

/// Heads on one text.
pub(super) struct Heads {
    tokens: Vec<Token>,
    all: Vec<HeadScores>,
}

/// Scores every head.
pub(super) fn heads(of: &Transformer, text: &str, control: &Control<'_>) -> Result<Heads, Failure> {
    let tokens = of.of_text("the text", text)?;
    let all = head_scores(&of.model, &ids(&tokens), Machine::of(control))?;
    Ok(Heads { tokens, all })
}

impl Heads {
    pub(super) fn told<'py>(&self, py: Python<'py>, of: &Transformer) -> PyResult<Bound<'py, PyDict>> {
        let (spec, n) = (&of.model.spec, self.tokens.len());
        let told = PyDict::new(py);
        told.set_item("tokens", pieces(&self.tokens))?;
        told.set_item("kinds", PyList::new(py, HeadKind::ALL.map(HeadKind::name))?)?;
        let scores =
            self.all.iter().flat_map(|head| head.scores.map(|score| score.unwrap_or(f64::NAN))).collect();
        told.set_item("scores", array(py, vec![spec.n_layers, spec.n_heads, HeadKind::ALL.len()], scores)?)?;
        let patterns: Vec<f32> = self.all.iter().flat_map(|head| &head.pattern).copied().collect();
        told.set_item("patterns", array(py, vec![spec.n_layers, spec.n_heads, n, n], patterns)?)?;
        Ok(told)
    }

    pub(super) fn view(&self, of: &Transformer) -> AttentionHeads {
        looked::attention(&of.model, &self.tokens, &self.all)
    }
}
