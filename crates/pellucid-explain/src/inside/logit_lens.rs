//! What would a model say if it stopped after each block? The logit lens (nostalgebraist 2020).
//!
//! The residual stream after every block goes through the last norm, whose statistics are its own, and the unembedding. After the last
//! block that is what the model says.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::{Capture, Hook, Machine, Site, Transformer};

use super::case::{Metric, softmax_sum};
use super::error::PatchError;
use crate::Control;
use crate::workers::share;

/// So few tokens are kept in order while a row is read.
const FEW: usize = 32;

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
    let machine = Machine::of(control);
    let mut hooks = vec![Hook::at(Site::ResidPre, 0)];
    hooks.extend((0..spec.n_layers).map(|layer| Hook::at(Site::ResidPost, layer)));
    let mut seen = Capture::of(hooks.clone());
    let own = forward::run_on(model, &[tokens], Wanted::Last, &mut seen, machine)
        .map_err(|(_, cause)| PatchError::from(cause))?;
    let streams: Vec<Vec<f32>> =
        hooks.iter().filter_map(|hook| seen.seen.remove(&(0, *hook))).map(|seen| seen.data).collect();
    let worst = streams.last().map_or(0.0, |last| off(model, last, &own.answers[0].data, machine));
    let readings = read(model, &streams, 0..tokens.len(), (followed, n_top), control)?;
    Ok(LogitLens { readings, worst })
}

/// By how much the logits of a stream's last row differ from the model's own, at most.
pub(super) fn off(model: &Transformer, stream: &[f32], own: &[f32], machine: Machine<'_>) -> f64 {
    let row = stream.len().saturating_sub(model.spec.d_model);
    let logits = logits(model, &stream[row..], machine);
    logits.iter().zip(own).fold(0.0, |worst, (a, b)| f64::from((a - b).abs()).max(worst))
}

/// The logits of rows of a residual stream.
pub(super) fn logits(model: &Transformer, rows: &[f32], machine: Machine<'_>) -> Vec<f32> {
    forward::unembedded(model, rows.to_vec(), machine)
}

/// Readings of streams, at some positions.
pub(super) fn read(
    model: &Transformer,
    streams: &[Vec<f32>],
    positions: Range<usize>,
    (followed, n_top): (Option<u32>, usize),
    control: &Control<'_>,
) -> Result<Vec<Vec<Reading>>, PatchError> {
    let spec = &model.spec;
    let found = Mutex::new(vec![Vec::new(); streams.len()]);
    let shared = Machine::of(control).shared_by(streams.len());
    let work = |(): &mut (), (at, residual): (usize, &Vec<f32>)| {
        let rows = &residual[positions.start * spec.d_model..positions.end * spec.d_model];
        let logits = logits(model, rows, shared);
        let readings = logits.chunks_exact(spec.d_vocab).map(|row| reading(row, followed, n_top)).collect();
        found.lock().unwrap_or_else(PoisonError::into_inner)[at] = readings;
        control.watch.advance(1);
        Ok(())
    };
    share(streams.iter().enumerate(), streams.len(), control, || (), work)?;
    let readings: Vec<Vec<Reading>> = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if readings.iter().flatten().any(|reading| reading.top.iter().any(|(_, p)| !p.is_finite())) {
        return Err(PatchError::NotFinite);
    }
    Ok(readings)
}

/// The probabilities of some tokens by a row of logits; 0 of those that it has not.
#[must_use]
pub fn probabilities(logits: &[f32], tokens: &[u32]) -> Vec<f64> {
    let (most, sum) = softmax_sum(logits);
    let of = |token: &u32| logits.get(*token as usize);
    let share = |logit: &f32| (f64::from(*logit) - f64::from(most)).exp() / sum;
    tokens.iter().map(|token| of(token).map_or(0.0, share)).collect()
}

/// The most probable tokens of a row of logits.
#[must_use]
pub fn reading(logits: &[f32], followed: Option<u32>, n_top: usize) -> Reading {
    let (most, sum) = softmax_sum(logits);
    let probability = |token: u32| (f64::from(logits[token as usize]) - f64::from(most)).exp() / sum;
    // Of equal ones the one with the smaller number first.
    let before = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
    let all = 0..logits.len() as u32;
    let n_top = n_top.min(logits.len());
    let mut tokens: Vec<u32> = Vec::new();
    if n_top <= FEW {
        // A lens has many rows, and most tokens of a vocabulary are not near the top: no list of all of them is made.
        for token in all.filter(|_| n_top > 0) {
            if tokens.len() < n_top || tokens.last().is_some_and(|last| before(&token, last).is_lt()) {
                let at = tokens.partition_point(|other| before(other, &token).is_lt());
                tokens.insert(at, token);
                tokens.truncate(n_top);
            }
        }
    } else {
        tokens = all.collect();
        if n_top < tokens.len() {
            tokens.select_nth_unstable_by(n_top - 1, before);
        }
        tokens.truncate(n_top);
        tokens.sort_unstable_by(before);
    }
    let followed = followed.map(|token| {
        let ahead = (0..logits.len() as u32).filter(|other| before(other, &token).is_lt()).count();
        (probability(token), ahead + 1)
    });
    Reading { top: tokens.into_iter().map(|token| (token, probability(token))).collect(), followed }
}
