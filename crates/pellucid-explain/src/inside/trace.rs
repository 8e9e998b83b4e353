//! What can be asked of one run afterwards? Where its heads looked, what it would have said after each block, which parts wrote a logit.
//!
//! One pass keeps patterns, residual streams and what every part wrote. Its answers about any token are those of [`head_scores`],
//! [`logit_lens`] and [`attribute`], to the bit.
//!
//! [`head_scores`]: super::head_scores
//! [`logit_lens`]: super::logit_lens()
//! [`attribute`]: super::attribute

use std::ops::Range;

use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::spec::Spec;
use pellucid_models::transformer::tap::{Tap, View};
use pellucid_models::transformer::{Capture, Hook, Machine, Site, Transformer};

use super::attribution::{self, Attribution};
use super::case::Metric;
use super::error::PatchError;
use super::heads::{HeadScores, scored};
use super::logit_lens::{LogitLens, Reading, logits, off, read, reading};
use crate::{Control, Watch};

/// What one run left behind.
#[derive(Debug)]
pub struct Trace {
    tokens: Vec<u32>,
    heads: Vec<HeadScores>,
    /// Of the embedding first, then after every block; none of an encoder.
    streams: Vec<Vec<f32>>,
    /// What every part wrote.
    written: Capture<f32>,
    worst: f64,
}

/// Tells of every block that is done.
struct Counted<'w> {
    kept: Capture<f32>,
    watch: &'w dyn Watch,
}

impl Tap<f32> for Counted<'_> {
    fn wants(&self, hook: Hook) -> bool {
        hook.site == Site::ResidPost || self.kept.wants(hook)
    }

    fn touch(&mut self, hook: Hook, view: View<'_, f32>) {
        if hook.site == Site::ResidPost {
            self.watch.advance(1);
        }
        if self.kept.wants(hook) {
            self.kept.touch(hook, view);
        }
    }
}

fn stream_sites(spec: &Spec) -> Vec<Hook> {
    let after = (0..spec.n_layers).map(|layer| Hook::at(Site::ResidPost, layer));
    [Hook::at(Site::ResidPre, 0)].into_iter().chain(after).collect()
}

impl Trace {
    /// Runs a prompt and keeps what can be asked of it. An encoder has patterns and nothing else. Blocks are the steps.
    ///
    /// # Errors
    /// When the prompt can't be run, or the caller stopped.
    pub fn of(model: &Transformer, tokens: &[u32], control: &Control<'_>) -> Result<Self, PatchError> {
        let spec = &model.spec;
        spec.check_tokens(tokens)?;
        let machine = Machine::of(control);
        let mut hooks: Vec<Hook> = (0..spec.n_layers).map(|layer| Hook::at(Site::Pattern, layer)).collect();
        if spec.is_decoder {
            hooks.extend(stream_sites(spec));
            hooks.extend(attribution::wanted_sites(model, false));
        }
        let mut seen = Counted { kept: Capture::of(hooks), watch: control.watch };
        let own = forward::run_on(model, &[tokens], Wanted::Last, &mut seen, machine)
            .map_err(|(_, cause)| PatchError::from(cause))?;
        let mut kept = seen.kept;
        let heads = scored(model, tokens, &mut kept);
        let streams: Vec<Vec<f32>> = stream_sites(spec)
            .iter()
            .filter_map(|hook| kept.seen.remove(&(0, *hook)))
            .map(|seen| seen.data)
            .collect();
        let worst = streams.last().map_or(0.0, |last| off(model, last, &own.answers[0].data, machine));
        Ok(Self { tokens: tokens.to_vec(), heads, streams, written: kept, worst })
    }

    /// About how many bytes it holds for a prompt of so many tokens.
    #[must_use]
    pub fn n_bytes(spec: &Spec, n_tokens: usize) -> usize {
        let a_token = (spec.n_layers + 1) * spec.d_model
            + spec.n_layers * (spec.n_heads * spec.d_head + spec.d_model)
            + 2 * spec.d_model;
        let patterns = spec.n_layers * spec.n_heads * n_tokens;
        let kept = patterns + if spec.is_decoder { a_token } else { 0 };
        n_tokens.saturating_mul(kept).saturating_mul(size_of::<f32>())
    }

    /// All heads with their scores and patterns, block by block.
    #[must_use]
    pub fn heads(&self) -> &[HeadScores] {
        &self.heads
    }

    /// The prompt.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The lens at some positions of the prompt. `worst` is of its last one, as it is of a whole lens.
    ///
    /// # Errors
    /// When the model has no logits, a position or a token is not there, or the caller stopped.
    pub fn lens(
        &self,
        model: &Transformer,
        positions: Range<usize>,
        (followed, n_top): (Option<u32>, usize),
        control: &Control<'_>,
    ) -> Result<LogitLens, PatchError> {
        let last = positions.end.checked_sub(1).filter(|last| *last >= positions.start);
        self.check(model, last.unwrap_or(usize::MAX))?;
        if let Some(token) = followed {
            Metric::Logit([token]).check(&model.spec)?;
        }
        let readings = read(model, &self.streams, positions, (followed, n_top), control)?;
        Ok(LogitLens { readings, worst: self.worst })
    }

    /// What comes next after a token, as the model says.
    ///
    /// # Errors
    /// When the model has no logits, or the position is not there.
    pub fn next(
        &self,
        model: &Transformer,
        position: usize,
        n_top: usize,
        machine: Machine<'_>,
    ) -> Result<Reading, PatchError> {
        Ok(reading(&self.logits(model, position, machine)?, None, n_top))
    }

    /// Takes a metric at one position apart, without neurons.
    ///
    /// # Errors
    /// When the model has no logits, the position is not there, or the metric is no difference of logits.
    pub fn attribute(
        &self,
        model: &Transformer,
        metric: Metric,
        position: usize,
        machine: Machine<'_>,
    ) -> Result<Attribution, PatchError> {
        attribution::check(model, metric, position, self.tokens.len())?;
        let logits = self.logits(model, position, machine)?;
        let place = (position, self.tokens.len());
        attribution::taken_apart(model, &self.written, place, (metric, &logits), 0)
    }

    fn logits(
        &self,
        model: &Transformer,
        position: usize,
        machine: Machine<'_>,
    ) -> Result<Vec<f32>, PatchError> {
        self.check(model, position)?;
        let d = model.spec.d_model;
        let last = self.streams.last().map_or(&[][..], Vec::as_slice);
        Ok(logits(model, &last[position * d..][..d], machine))
    }

    fn check(&self, model: &Transformer, position: usize) -> Result<(), PatchError> {
        if self.streams.is_empty() {
            return Err(PatchError::NoLogits { family: model.spec.family.name() });
        }
        if position >= self.tokens.len() {
            return Err(PatchError::Position { position, tokens: self.tokens.len() });
        }
        Ok(())
    }
}
