//! Which prompts are meant, what is put into their runs, and how is the answer measured?

use pellucid_explain::inside::{Case, Compared, Donor, Metric};
use pellucid_models::transformer::{Token, Tokens};
use pellucid_views::patch_grid::visible;
use serde_json::{Value, json};

use crate::told::{ids, merge, position, seen};

/// What is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// What the other prompt has at the same place.
    Other,
    /// Zeros.
    Zero,
    /// Means over all prompts.
    Mean,
    /// What one of the other prompts has.
    Resample,
}

/// What is measured, before it is known of which tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// The answer's logit less that of the wrong token.
    LogitDifference,
    /// The answer's logit.
    Logit,
    /// The natural logarithm of the answer's probability.
    LogProbability,
    /// How many nats the whole answer is from that of the clean prompt.
    KlDivergence,
}

/// How prompts are run and measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct How {
    /// What is put in.
    pub with: Values,
    /// Whether values of the corrupt prompt go into the clean run.
    pub noising: bool,
    /// What is measured: with a wrong token a difference of logits, else a logit, unless it is said.
    pub metric: Option<Measured>,
    /// The token after which it is measured; from the end where negative.
    pub position: i64,
}

/// Where texts stand, which is how one speaks of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the command line, as options.
    Options,
    /// In an address, as parameters.
    Parameters,
    /// In a line of a file, which is named.
    Line(String),
}

/// A prompt as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// Where it is from.
    pub place: Place,
    /// The prompt that has the answer.
    pub clean: String,
    /// The one that has it not.
    pub corrupt: Option<String>,
    /// The token that should come next.
    pub answer: Option<String>,
    /// Another one.
    pub wrong: Option<String>,
}

/// Why texts are no prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// They don't go together.
    #[error("{0}")]
    Usage(String),
    /// What they say can't be worked on.
    #[error("{0}")]
    Input(String),
}

/// A prompt, with the one that lacks the answer.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Its tokens, up to the one after which is measured.
    pub clean: Vec<Token>,
    /// Those of the other.
    pub corrupt: Option<Vec<Token>>,
    /// The answer, and the wrong one, as texts.
    pub answers: [Option<String>; 2],
    /// What is measured.
    pub metric: Metric,
}

impl Place {
    fn name(&self, key: &str) -> String {
        match self {
            Self::Options => format!("--{key}"),
            Self::Parameters => key.to_owned(),
            Self::Line(line) => format!("{line}: {key}"),
        }
    }

    /// A setting of all prompts, as one writes it here.
    fn setting(&self, key: &str, value: &str) -> String {
        match self {
            Self::Parameters => format!("{key}={value}"),
            _ => format!("--{key} {value}"),
        }
    }

    /// What begins an error that says by itself what it is about.
    fn before(&self) -> String {
        if let Self::Line(line) = self { format!("{line}: ") } else { String::new() }
    }

    /// What stands alone is a matter of its use, what stands in a file of the file.
    fn wrong(&self, text: String) -> PromptError {
        if matches!(self, Self::Line(_)) { PromptError::Input(text) } else { PromptError::Usage(text) }
    }
}

impl Values {
    /// Its name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Zero => "zero",
            Self::Mean => "mean",
            Self::Resample => "resample",
        }
    }
}

impl Measured {
    /// Whether `answer` or `wrong` has a part in it.
    #[must_use]
    pub fn reads(of: Option<Self>, key: &str) -> bool {
        match key {
            "answer" => of != Some(Self::KlDivergence),
            _ => matches!(of, None | Some(Self::LogitDifference)),
        }
    }
}

impl How {
    /// What is put in where, in words.
    #[must_use]
    pub fn doing(&self) -> (&'static str, &'static str) {
        match (self.with, self.noising) {
            (Values::Other, true) => ("corrupt values", "the clean run"),
            (Values::Other, false) => ("clean values", "the corrupt run"),
            (Values::Zero, _) => ("zeros", "the run"),
            (Values::Mean, _) => ("means over the prompts", "the run"),
            (Values::Resample, _) => ("values of a drawn prompt", "the run"),
        }
    }

    /// Which way it goes, as results name it.
    #[must_use]
    pub fn direction(&self) -> &'static str {
        match (self.with, self.noising) {
            (Values::Other, true) => "noising",
            (Values::Other, false) => "denoising",
            _ => "ablation",
        }
    }
}

/// Why two prompts don't align: shown token by token, so that one sees where they part.
#[must_use]
pub fn misaligned(clean: &[Token], corrupt: &[Token]) -> Option<String> {
    if clean.len() == corrupt.len() {
        return None;
    }
    let shown = |tokens: &[Token]| format!("{} tokens: {}", tokens.len(), seen(tokens).join(" | "));
    Some(format!(
        "the prompts do not align token by token\n  clean   {}\n  corrupt {}\nReplace words by others of equally many tokens",
        shown(clean),
        shown(corrupt)
    ))
}

impl Prompt {
    /// Of texts.
    ///
    /// # Errors
    /// When they have no tokens, do not align, or lack what the metric reads.
    pub fn of(texts: &Texts, how: &How, tokens: &Tokens) -> Result<Self, PromptError> {
        let place = &texts.place;
        let wrong = |text: String| place.wrong(text);
        let of = |key: &str, text: &str| {
            tokens.of(text).map_err(|cause| wrong(format!("{}: {cause}", place.name(key))))
        };
        let one = |key: &str, text: &str| {
            tokens.one(text).map_err(|cause| wrong(format!("{}: {cause}", place.name(key))))
        };
        let clean = of("clean", &texts.clean)?;
        let corrupt = texts.corrupt.as_ref().map(|text| of("corrupt", text)).transpose()?;
        let answer = texts.answer.as_ref().map(|text| one("answer", text)).transpose()?;
        let other = texts.wrong.as_ref().map(|text| one("wrong", text)).transpose()?;
        if other.is_some() && other == answer {
            return Err(wrong(format!("{} and wrong are the same token", place.name("answer"))));
        }
        let given = [("answer", &texts.answer), ("wrong", &texts.wrong)];
        let is_idle = |(key, text): &(&str, &Option<String>)| {
            // A file may have more than one metric reads.
            let is_alone = !matches!(place, Place::Line(_));
            is_alone && text.is_some() && !Measured::reads(how.metric, key)
        };
        if let Some((key, _)) = given.iter().find(|one| is_idle(one)) {
            return Err(wrong(format!("{} has no part in this metric; leave it out", place.name(key))));
        }
        let metric = match (how.metric, answer, other) {
            (Some(Measured::KlDivergence), ..) => Metric::Divergence(match (how.with, how.noising) {
                // Of two prompts the clean one is run, or put in.
                (Values::Other, false) => Compared::Donor,
                _ => Compared::Run,
            }),
            (_, None, _) => {
                return Err(wrong(format!(
                    "{} is not there: which token should come next? Give it, or {}",
                    place.name("answer"),
                    place.setting("metric", "kl-divergence")
                )));
            }
            (None | Some(Measured::LogitDifference), Some(answer), Some(other)) => {
                Metric::LogitDifference([answer, other])
            }
            (None | Some(Measured::Logit), Some(answer), _) => Metric::Logit([answer]),
            (Some(Measured::LogProbability), Some(answer), _) => Metric::LogProbability([answer]),
            (Some(Measured::LogitDifference), Some(_), None) => {
                return Err(wrong(format!("a difference of logits needs {}", place.name("wrong"))));
            }
        };
        if let (Values::Other, Some(corrupt)) = (how.with, &corrupt)
            && let Some(problem) = misaligned(&clean, corrupt)
        {
            return Err(PromptError::Input(place.before() + &problem));
        }
        let until = |mut tokens: Vec<Token>| -> Result<Vec<Token>, PromptError> {
            let n = tokens.len();
            let at = position(how.position, n).ok_or_else(|| {
                let key = if *place == Place::Parameters { "position" } else { "--position" };
                wrong(format!(
                    "{}{key}: there is no position {} in a prompt of {n} tokens",
                    place.before(),
                    how.position
                ))
            })?;
            tokens.truncate(at + 1);
            Ok(tokens)
        };
        // Without a part in what is put in, a corrupt prompt stays as it is.
        let is_put_in = how.with != Values::Zero;
        let corrupt = if is_put_in { corrupt.map(until).transpose()? } else { corrupt };
        let clean = until(clean)?;
        match (how.with, &corrupt) {
            (Values::Other, None) => Err(wrong(format!(
                "{} is not there: whose values should be put in? Give it, or {}",
                place.name("corrupt"),
                place.setting("with", "zero")
            ))),
            _ => Ok(Self { clean, corrupt, answers: answers(texts, metric), metric }),
        }
    }

    /// The tokens of the prompt that is run.
    #[must_use]
    pub fn run(&self, how: &How) -> &[Token] {
        match &self.corrupt {
            Some(corrupt) if how.with == Values::Other && !how.noising => corrupt,
            _ => &self.clean,
        }
    }

    /// What is measured, in words.
    #[must_use]
    pub fn measured(&self) -> String {
        let [answer, wrong] = self.answers.each_ref().map(|text| text.as_deref().map(visible));
        let answer = answer.unwrap_or_default();
        match (self.metric, wrong) {
            (Metric::LogProbability(_), _) => format!("log-probability of {answer}"),
            (Metric::Divergence(_), _) => "nats from the clean answer".to_owned(),
            (_, Some(wrong)) => format!("logit {answer} − {wrong}"),
            (_, None) => format!("logit {answer}"),
        }
    }

    /// Positions at which the two prompts have different tokens.
    #[must_use]
    pub fn differ(&self) -> Vec<usize> {
        let Some(corrupt) = self.corrupt.as_ref().filter(|corrupt| corrupt.len() == self.clean.len()) else {
            return Vec::new();
        };
        let pairs = self.clean.iter().zip(corrupt).enumerate();
        pairs.filter(|(_, (ours, theirs))| ours.id != theirs.id).map(|(at, _)| at).collect()
    }
}

fn answers(texts: &Texts, metric: Metric) -> [Option<String>; 2] {
    let is_difference = matches!(metric, Metric::LogitDifference(_));
    let is_divergence = matches!(metric, Metric::Divergence(_));
    [texts.answer.clone().filter(|_| !is_divergence), texts.wrong.clone().filter(|_| is_difference)]
}

/// What is run, with which values; means and drawn values are of all these prompts.
#[must_use]
pub fn cases(prompts: &[Prompt], how: &How, seed: u64) -> Vec<Case> {
    let pool = || -> Vec<Vec<u32>> {
        let all = prompts.iter().flat_map(|prompt| [Some(&prompt.clean), prompt.corrupt.as_ref()]);
        all.flatten().map(|tokens| ids(tokens)).collect()
    };
    let one = |(at, prompt): (usize, &Prompt)| {
        let donor = match how.with {
            Values::Other => {
                // Of two prompts the one that is not run.
                let corrupt = prompt.corrupt.as_deref().filter(|_| how.noising);
                Donor::Run(ids(corrupt.unwrap_or(&prompt.clean)))
            }
            Values::Zero => Donor::Zero,
            Values::Mean => Donor::Mean(pool()),
            Values::Resample => Donor::Resample { pool: pool(), seed: seed.wrapping_add(at as u64) },
        };
        Case { run: ids(prompt.run(how)), donor, metric: prompt.metric }
    };
    prompts.iter().enumerate().map(one).collect()
}

/// What results tell of prompts and metric; `n` prompts are what means and drawn values are of.
#[must_use]
pub fn told(prompts: &[Prompt], how: &How, (n, seed): (usize, u64)) -> Value {
    let texts = |tokens: &[Token]| tokens.iter().map(|token| token.text.clone()).collect::<Vec<_>>();
    let one = |prompt: &Prompt| {
        json!({
            "tokens": {"clean": texts(&prompt.clean), "corrupt": prompt.corrupt.as_deref().map(texts), "differ": prompt.differ()},
            "answer": prompt.answers[0], "wrong": prompt.answers[1],
        })
    };
    let metric = prompts.first().map(|prompt| prompt.metric.name());
    let mut body = json!({"direction": how.direction(), "with": how.with.name(), "metric": metric});
    if matches!(how.with, Values::Mean | Values::Resample) {
        body["values_of_prompts"] = n.into();
    }
    if how.with == Values::Resample {
        body["seed"] = seed.into();
    }
    match prompts {
        [only] => merge(&mut body, one(only)),
        several => {
            body["prompts"] = several.iter().map(one).collect();
            body["n_prompts"] = several.len().into();
        }
    }
    body
}
