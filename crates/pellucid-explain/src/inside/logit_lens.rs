//! What would a model say if it stopped after each block? The logit lens (nostalgebraist 2020).
//!
//! The residual stream after every block goes through the last norm, whose statistics are its own, and the unembedding. After the last
//! block that is what the model says.

use std::sync::{Mutex, PoisonError};

use pellucid_models::transformer::forward::{self, Stream, Wanted};
use pellucid_models::transformer::tap::Untouched;
use pellucid_models::transformer::{Capture, Hook, Machine, Site, Transformer};

use super::case::{Metric, softmax_sum};
use super::error::PatchError;
use crate::workers::share;
use crate::{Control, Stopped};

/// What one stream says of the next token.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The most probable tokens with their probabilities, the first one first.
    pub top: Vec<(u32, f64)>,
    /// Of the token that is followed: its probability, and its rank from 1 (how many are at least as probable before it, and itself).
    pub followed: Option<(f64, usize)>,
}

/// Readings by block and position.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogitLens {
    /// Of the embedding first, and then after every block: a reading a position. The last ones are the model's own.
    pub readings: Vec<Vec<Reading>>,
    /// The logits of the model at the last position less those of the lens after the last block, at most: nothing.
    pub worst: f64,
}

/// Reads the residual stream before the first block and after every one.
///
/// # Errors
/// When the prompt can't be run, the model has no logits, or the caller stopped.
pub fn logit_lens(
    model: &Transformer,
    tokens: &[u32],
    followed: Option<u32>,
    n_top: usize,
    control: &Control<'_>,
) -> Result<LogitLens, PatchError> {
    let spec = &model.spec;
    spec.check_tokens(tokens)?;
    if !spec.is_decoder {
        return Err(PatchError::NoLogits { family: spec.family.name() });
    }
    if let Some(token) = followed {
        Metric::Logit([token]).check(spec)?;
    }
    let machine = Machine::with(control.threads);
    let mut hooks = vec![Hook::at(Site::ResidPre, 0)];
    hooks.extend((0..spec.n_layers).map(|layer| Hook::at(Site::ResidPost, layer)));
    let mut seen = Capture::of(hooks.clone());
    let own = forward::run_on(model, &[tokens], Wanted::Last, &mut seen, machine)
        .map_err(|(_, cause)| PatchError::Site(cause))?;
    let streams: Vec<Vec<f32>> =
        hooks.iter().filter_map(|hook| seen.seen.remove(&(0, *hook))).map(|seen| seen.data).collect();
    let found = Mutex::new((vec![Vec::new(); streams.len()], 0.0_f64));
    let shared = machine.shared_by(streams.len());
    let work = |(): &mut (), (at, residual): (usize, &Vec<f32>)| {
        let stream = Stream { residual: residual.clone(), first: 0, past: None };
        let outcome =
            forward::resume(model, spec.n_layers, vec![stream], Wanted::All, &mut Untouched, shared);
        let rows = outcome.answers[0].data.chunks_exact(spec.d_vocab);
        let readings: Vec<Reading> = rows.clone().map(|row| reading(row, followed, n_top)).collect();
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        if at + 1 == streams.len() {
            let pairs = rows.last().into_iter().flatten().zip(&own.answers[0].data);
            found.1 = pairs.fold(0.0, |worst, (a, b)| f64::from((a - b).abs()).max(worst));
        }
        found.0[at] = readings;
        control.watch.advance(1);
        Ok(())
    };
    share(streams.iter().enumerate(), streams.len(), control, || (), work)
        .map_err(|Stopped| PatchError::Stopped)?;
    let (readings, worst) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if readings.iter().flatten().any(|reading| reading.top.iter().any(|(_, p)| !p.is_finite())) {
        return Err(PatchError::NotFinite);
    }
    Ok(LogitLens { readings, worst })
}

/// The most probable tokens of a row of logits.
#[must_use]
pub fn reading(logits: &[f32], followed: Option<u32>, n_top: usize) -> Reading {
    let (most, sum) = softmax_sum(logits);
    let probability = |token: u32| (f64::from(logits[token as usize]) - f64::from(most)).exp() / sum;
    // Of equal ones the one with the smaller number first.
    let before = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
    let mut tokens: Vec<u32> = (0..logits.len() as u32).collect();
    let n_top = n_top.min(tokens.len());
    if n_top > 0 && n_top < tokens.len() {
        tokens.select_nth_unstable_by(n_top - 1, before);
    }
    tokens.truncate(n_top);
    tokens.sort_unstable_by(before);
    let followed = followed.map(|token| {
        let ahead = (0..logits.len() as u32).filter(|other| before(other, &token).is_lt()).count();
        (probability(token), ahead + 1)
    });
    Reading { top: tokens.into_iter().map(|token| (token, probability(token))).collect(), followed }
}
