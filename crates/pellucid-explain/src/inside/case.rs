//! On what is an experiment made, and what is measured? One prompt that is run, values that are put into it, and a metric.

use pellucid_models::transformer::forward::Wanted;
use pellucid_models::transformer::{Spec, tap::Array};

use super::donors::drawn;
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
    /// How far the answer is from another run's, in nats: the Kullback-Leibler divergence KL(other ‖ this).
    Divergence(Compared),
}

/// From whose answer a divergence is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// That of the prompt that is run, as it is.
    Run,
    /// That of the prompt whose values are put in.
    Donor,
}

impl Metric {
    /// The tokens whose logits are read; of a divergence all are.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        match self {
            Self::LogitDifference(tokens) => tokens,
            Self::Logit(tokens) | Self::LogProbability(tokens) => tokens,
            Self::Divergence(_) => &[],
        }
    }

    /// Its name in results: `logit_difference`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LogitDifference(_) => "logit_difference",
            Self::Logit(_) => "logit",
            Self::LogProbability(_) => "log_probability",
            Self::Divergence(_) => "divergence",
        }
    }

    /// What of a run is computed for it.
    #[must_use]
    pub fn wanted(&self) -> Wanted<'_> {
        match self {
            Self::LogProbability(_) | Self::Divergence(_) => Wanted::Last,
            _ => Wanted::Tokens(self.tokens()),
        }
    }

    /// How many logits it reads.
    pub(super) fn n_logits(&self, spec: &Spec) -> usize {
        match self.wanted() {
            Wanted::Tokens(tokens) => tokens.len(),
            _ => spec.d_vocab,
        }
    }

    /// Multiply-adds of the logits that it reads.
    pub(super) fn multiply_adds(&self, spec: &Spec) -> u64 {
        (self.n_logits(spec) * spec.d_model) as u64
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

/// A metric, with the answer that it compares others to.
#[derive(Debug, Clone)]
pub struct Measure {
    metric: Metric,
    /// Of a divergence its probabilities, and their logarithms.
    reference: Vec<[f64; 2]>,
}

impl Measure {
    /// A metric; a divergence has to be told the logits that it is measured from.
    #[must_use]
    pub fn new(metric: Metric, reference: Option<&[f32]>) -> Option<Self> {
        let reference = match (metric, reference) {
            (Metric::Divergence(_), None) => return None,
            (Metric::Divergence(_), Some(logits)) => {
                log_softmax(logits).map(|log| [log.exp(), log]).collect()
            }
            _ => Vec::new(),
        };
        Some(Self { metric, reference })
    }

    /// The metric of what [`Metric::wanted`] answers.
    #[must_use]
    pub fn of(&self, answer: &Array<f32>) -> f64 {
        match self.metric {
            Metric::LogitDifference(_) => f64::from(answer.data[0]) - f64::from(answer.data[1]),
            Metric::Logit(_) => f64::from(answer.data[0]),
            Metric::LogProbability(_) | Metric::Divergence(_) => self.of_logits(&answer.data),
        }
    }

    /// The metric of all logits of a position.
    #[must_use]
    pub fn of_logits(&self, logits: &[f32]) -> f64 {
        let at = |token: u32| f64::from(logits[token as usize]);
        match self.metric {
            Metric::LogitDifference([answer, wrong]) => at(answer) - at(wrong),
            Metric::Logit([answer]) => at(answer),
            Metric::LogProbability([token]) => log_probability(logits, token),
            Metric::Divergence(_) => {
                let pairs = self.reference.iter().zip(log_softmax(logits));
                pairs.map(|([share, theirs], ours)| share * (theirs - ours)).sum()
            }
        }
    }
}

/// The logarithms of all probabilities.
fn log_softmax(logits: &[f32]) -> impl Iterator<Item = f64> {
    let (most, sum) = softmax_sum(logits);
    let shift = f64::from(most) + sum.ln();
    logits.iter().map(move |logit| f64::from(*logit) - shift)
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
    (most, logits.iter().map(|logit| (f64::from(*logit) - f64::from(most)).exp()).sum())
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

    /// The same up to a position, after which nothing is measured: no later token has a say there. A prompt is drawn before it is cut.
    ///
    /// # Errors
    /// When values are means over prompts of other lengths, which have no such position in common, or none can be drawn.
    pub fn until(&self, position: usize) -> Result<Self, PatchError> {
        let n = self.run.len();
        let cut = |prompt: &[u32]| prompt[..prompt.len().min(position + 1)].to_vec();
        let donor = match &self.donor {
            Donor::Run(other) => Donor::Run(cut(other)),
            Donor::Zero => Donor::Zero,
            Donor::Mean(pool) if pool.iter().any(|prompt| prompt.len() != n) => {
                return Err(PatchError::NoCommonPosition { tokens: n });
            }
            Donor::Mean(pool) => Donor::Mean(pool.iter().map(|prompt| cut(prompt)).collect()),
            Donor::Resample { pool, seed } => {
                Donor::Resample { pool: vec![cut(drawn(pool, *seed, &self.run)?)], seed: *seed }
            }
        };
        Ok(Self { run: cut(&self.run), donor, metric: self.metric })
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
        if self.metric == Metric::Divergence(Compared::Donor) && !matches!(self.donor, Donor::Run(_)) {
            return Err(PatchError::NoReference);
        }
        self.metric.check(spec)
    }
}
