//! On what is an experiment made, and what is measured? One prompt that is run, values that are put into it, and a metric.

use pellucid_models::transformer::forward::Wanted;
use pellucid_models::transformer::{Spec, tap::Array};

use super::error::PatchError;

/// What is measured of an answer, at the last token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The logit of the first token less that of the second.
    LogitDifference([u32; 2]),
    /// The logit of a token.
    Logit([u32; 1]),
    /// The natural logarithm of a token's probability.
    LogProbability([u32; 1]),
}

impl Metric {
    /// The tokens whose logits are read.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        match self {
            Self::LogitDifference(tokens) => tokens,
            Self::Logit(tokens) | Self::LogProbability(tokens) => tokens,
        }
    }

    /// Its name in results: `logit_difference`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LogitDifference(_) => "logit_difference",
            Self::Logit(_) => "logit",
            Self::LogProbability(_) => "log_probability",
        }
    }

    /// What of a run is computed for it.
    #[must_use]
    pub fn wanted(&self) -> Wanted<'_> {
        match self {
            Self::LogProbability(_) => Wanted::Last,
            _ => Wanted::Tokens(self.tokens()),
        }
    }

    /// The metric of what [`Metric::wanted`] answers.
    #[must_use]
    pub fn of(&self, answer: &Array<f32>) -> f64 {
        match self {
            Self::LogitDifference(_) => f64::from(answer.data[0]) - f64::from(answer.data[1]),
            Self::Logit(_) => f64::from(answer.data[0]),
            Self::LogProbability([token]) => log_probability(&answer.data, *token),
        }
    }

    /// The metric of all logits of a position.
    #[must_use]
    pub fn of_logits(&self, logits: &[f32]) -> f64 {
        let at = |token: u32| f64::from(logits[token as usize]);
        match *self {
            Self::LogitDifference([answer, wrong]) => at(answer) - at(wrong),
            Self::Logit([answer]) => at(answer),
            Self::LogProbability([token]) => log_probability(logits, token),
        }
    }

    /// Multiply-adds of the logits that it reads.
    pub(super) fn multiply_adds(&self, spec: &Spec) -> u64 {
        let logits = match self {
            Self::LogProbability(_) => spec.d_vocab,
            _ => self.tokens().len(),
        };
        (logits * spec.d_model) as u64
    }

    /// Whether a model has the tokens.
    ///
    /// # Errors
    /// When it has no logits, or its vocabulary no such token.
    pub fn check(&self, spec: &Spec) -> Result<(), PatchError> {
        if !spec.is_decoder {
            return Err(PatchError::NoLogits { family: spec.family.name() });
        }
        match self.tokens().iter().find(|token| **token as usize >= spec.d_vocab) {
            Some(&token) => Err(PatchError::Answer { token, size: spec.d_vocab }),
            None => Ok(()),
        }
    }
}

/// The logarithm of a token's share of the softmax, summed in 64 bits.
#[must_use]
pub fn log_probability(logits: &[f32], token: u32) -> f64 {
    let (most, sum) = softmax_sum(logits);
    f64::from(logits[token as usize]) - f64::from(most) - sum.ln()
}

/// The largest logit, and the sum of e to the power of all of them less it.
pub(super) fn softmax_sum(logits: &[f32]) -> (f32, f64) {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (most, logits.iter().map(|logit| f64::from(logit - most).exp()).sum())
}

/// Where values that are put in come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Donor {
    /// Another prompt of equally many tokens: what it has at the same place. Effects are then shares of the two prompts' difference.
    Run(Vec<u32>),
    /// Nothing: zeros.
    Zero,
    /// The mean over prompts. Of prompts with as many tokens as the one that is run it is the mean at each position; else over all of
    /// their positions.
    Mean(Vec<Vec<u32>>),
    /// One prompt of these, drawn by the seed, of as many tokens as the one that is run.
    Resample {
        /// The prompts.
        pool: Vec<Vec<u32>>,
        /// The seed.
        seed: u64,
    },
}

impl Donor {
    /// Its name in results.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Zero => "zero",
            Self::Mean(_) => "mean",
            Self::Resample { .. } => "resample",
        }
    }
}

/// One prompt, what is put into its run, and what is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The prompt that is run.
    pub run: Vec<u32>,
    /// Where values come from.
    pub donor: Donor,
    /// What is measured.
    pub metric: Metric,
}

impl Case {
    /// How many tokens both prompts begin with, of which everything is the same in both runs.
    pub(super) fn n_shared(&self) -> usize {
        match &self.donor {
            Donor::Run(other) => {
                self.run.iter().zip(other).take_while(|(ours, theirs)| ours == theirs).count()
            }
            _ => 0,
        }
    }

    /// Whether it can be run on a model.
    ///
    /// # Errors
    /// When a prompt can't be run, prompts do not align, or the metric's tokens are not there.
    pub fn check(&self, spec: &Spec) -> Result<(), PatchError> {
        let told = |which| move |cause| PatchError::Prompt { which, cause };
        spec.check_tokens(&self.run).map_err(told("the prompt that is run"))?;
        match &self.donor {
            Donor::Zero => {}
            Donor::Run(other) => {
                spec.check_tokens(other).map_err(told("the prompt whose values are put in"))?;
                if other.len() != self.run.len() {
                    return Err(PatchError::Lengths { run: self.run.len(), other: other.len() });
                }
                if *other == self.run {
                    return Err(PatchError::Same);
                }
            }
            Donor::Mean(pool) | Donor::Resample { pool, .. } => {
                if pool.is_empty() {
                    return Err(PatchError::EmptyPool);
                }
                for prompt in pool {
                    spec.check_tokens(prompt).map_err(told("a prompt that values are taken from"))?;
                }
            }
        }
        self.metric.check(spec)
    }
}
