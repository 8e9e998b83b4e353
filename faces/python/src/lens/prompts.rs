//! Which prompts are meant, and what is put into their runs? What Python says in words becomes cases of the engine.

use pellucid::data::closest;
use pellucid::explain::inside::{By, Case, Compared, Metric, Patching, check_alike, peak};
use pellucid::models::transformer::{Site, SiteError, Token};
use pellucid::patched;
use pellucid::patched::prompts::{How, Measured, Prompt, Values, cases, misaligned};
use pyo3::prelude::*;

use super::{Transformer, check_memory, position};
use crate::errors::Failure;

/// A prompt in words: clean, corrupt, answer, wrong.
pub(super) type Texts = (String, Option<String>, Option<String>, Option<String>);

/// `pellucid.Sweep`.
#[derive(FromPyObject)]
pub(crate) struct Sweep {
    site: String,
    by: Option<String>,
    donor: String,
    metric: Option<String>,
    position: i64,
    noising: bool,
    seed: u64,
}

/// What was asked of a sweep, ready to be run.
pub(super) struct Asked {
    pub(super) prompts: Vec<Prompt>,
    pub(super) how: How,
    pub(super) cases: Vec<Case>,
    pub(super) patching: Patching,
}

/// How a sweep was meant.
struct Meant {
    how: How,
    /// Whether the prompt stands in the call by itself, so that nothing in it may be without use.
    alone: bool,
}

fn one_of<T: Copy>(argument: &str, given: &str, all: &[(&str, T)]) -> Result<T, Failure> {
    all.iter().find(|(name, _)| *name == given).map(|(_, value)| *value).ok_or_else(|| {
        let names = || all.iter().map(|(name, _)| *name);
        let near = closest(given, names());
        let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let names: Vec<&str> = names().collect();
        Failure::usage(format!("{argument} `{given}`: it is one of {}{hint}", names.join(", ")))
    })
}

impl Asked {
    pub(super) fn of(
        model: &Transformer,
        texts: &[Texts],
        alone: bool,
        sweep: &Sweep,
    ) -> Result<Self, Failure> {
        let donors = [
            ("other", Values::Other),
            ("zero", Values::Zero),
            ("mean", Values::Mean),
            ("resample", Values::Resample),
        ];
        let metrics = [
            ("logit-difference", Measured::LogitDifference),
            ("logit", Measured::Logit),
            ("log-probability", Measured::LogProbability),
            ("kl-divergence", Measured::KlDivergence),
        ];
        let with = one_of("donor", &sweep.donor, &donors)?;
        let measured = sweep.metric.as_deref().map(|name| one_of("metric", name, &metrics)).transpose()?;
        let (position, noising) = (sweep.position, sweep.noising);
        if noising && with != Values::Other {
            return Err(Failure::usage(
                "noising says which of two prompts takes the other's values; with zeros, means or drawn values the clean one is run",
            ));
        }
        if alone && matches!(with, Values::Mean | Values::Resample) {
            return Err(Failure::usage(
                "means and drawn values are of several prompts; give them as prompts=[...]",
            ));
        }
        let how = How { with, noising, metric: measured, position };
        let meant = Meant { how, alone };
        let prompts = texts
            .iter()
            .enumerate()
            .map(|(at, texts)| meant.prompt(model, at, texts))
            .collect::<Result<Vec<_>, _>>()?;
        let site: Site =
            sweep.site.parse().map_err(|cause: SiteError| Failure::Said("SiteError", cause.to_string()))?;
        let patching = Patching { site, by: by(sweep.by.as_deref(), site)? };
        let cases = cases(&prompts, &how, sweep.seed);
        patching.check(&model.model.spec)?;
        check_alike(&cases, patching)?;
        let longest = cases.iter().map(|case| case.run.len()).max().unwrap_or(0);
        if let Some(first) = cases.first() {
            let needed = peak(&model.model.spec, site, longest, first.metric);
            check_memory(needed, "take shorter prompts, or another site")?;
        }
        Ok(Self { prompts, how, cases, patching })
    }

    /// The same, ready to be told.
    pub(super) fn sweep<'a>(&'a self, of: &'a Transformer) -> patched::Sweep<'a> {
        let (prompts, how, asked) = (&self.prompts, &self.how, self.patching);
        patched::Sweep { model: &of.model, prompts, how, asked, again: "verify=" }
    }
}

fn by(name: Option<&str>, site: Site) -> Result<By, Failure> {
    let all = [By::Layer, By::LayerPosition, By::LayerHead, By::LayerPositionHead];
    match name {
        None => Ok(patched::usual(site)),
        Some(name) => {
            let names = all.map(|by| by.to_string());
            let pairs: Vec<(&str, By)> = names.iter().map(String::as_str).zip(all).collect();
            one_of("by", name, &pairs)
        }
    }
}

impl Meant {
    fn prompt(&self, model: &Transformer, at: usize, texts: &Texts) -> Result<Prompt, Failure> {
        let (clean, corrupt, answer, wrong) = texts;
        let name = |key: &str| if self.alone { key.to_owned() } else { format!("prompt {}: {key}", at + 1) };
        let one =
            |key, text: &Option<String>| text.as_ref().map(|text| model.one(&name(key), text)).transpose();
        let (answer_id, wrong_id) = (one("answer", answer)?, one("wrong", wrong)?);
        let clean = model.of_text(&name("clean"), clean)?;
        let corrupt = corrupt.as_ref().map(|text| model.of_text(&name("corrupt"), text)).transpose()?;
        self.check_answers([answer_id, wrong_id], name)?;
        let metric = self.metric(answer_id, wrong_id, name)?;
        if let (Values::Other, Some(corrupt)) = (self.how.with, &corrupt) {
            check_alignment(&name("corrupt"), &clean, corrupt)?;
        }
        if self.how.with == Values::Other && corrupt.is_none() {
            return Err(Failure::usage(format!(
                "{} is not there: whose values should be put in? Give it, or donor=\"zero\"",
                name("corrupt")
            )));
        }
        // Without a part in what is put in, a corrupt prompt stays as it is.
        let corrupt = match corrupt {
            Some(corrupt) if self.how.with != Values::Zero => Some(self.until(corrupt)?),
            other => other,
        };
        let reads = [!matches!(metric, Metric::Divergence(_)), matches!(metric, Metric::LogitDifference(_))];
        let told = |text: &Option<String>, is_read: bool| text.clone().filter(|_| is_read);
        let answers = [told(answer, reads[0]), told(wrong, reads[1])];
        Ok(Prompt { clean: self.until(clean)?, corrupt, metric, answers })
    }

    /// Later tokens have no say in what is measured, and are left out.
    fn until(&self, mut tokens: Vec<Token>) -> Result<Vec<Token>, Failure> {
        let last = position(self.how.position, tokens.len())?;
        tokens.truncate(last + 1);
        Ok(tokens)
    }

    fn check_answers(
        &self,
        [answer, wrong]: [Option<u32>; 2],
        name: impl Fn(&str) -> String,
    ) -> Result<(), Failure> {
        if wrong.is_some() && wrong == answer {
            return Err(Failure::usage(format!("{} and wrong are the same token", name("answer"))));
        }
        let given = [("answer", answer), ("wrong", wrong)];
        let is_idle = |(key, given): &&(&str, Option<u32>)| {
            self.alone && given.is_some() && !Measured::reads(self.how.metric, key)
        };
        match given.iter().find(is_idle) {
            Some((key, _)) => {
                Err(Failure::usage(format!("{} has no part in this metric; leave it out", name(key))))
            }
            None => Ok(()),
        }
    }

    fn metric(
        &self,
        answer: Option<u32>,
        wrong: Option<u32>,
        name: impl Fn(&str) -> String,
    ) -> Result<Metric, Failure> {
        use Measured::{KlDivergence, LogProbability, Logit, LogitDifference};
        if self.how.metric == Some(KlDivergence) {
            // A divergence is from the clean prompt's answer, which is that of the run unless clean values are put in.
            let is_put_in = self.how.with == Values::Other && !self.how.noising;
            return Ok(Metric::Divergence(if is_put_in { Compared::Donor } else { Compared::Run }));
        }
        let answer = answer.ok_or_else(|| {
            Failure::usage(format!(
                "{} is not there: which token should come next? Give it, or metric=\"kl-divergence\"",
                name("answer")
            ))
        })?;
        match (self.how.metric, wrong) {
            (None | Some(LogitDifference), Some(wrong)) => Ok(Metric::LogitDifference([answer, wrong])),
            (Some(LogitDifference), None) => {
                Err(Failure::usage(format!("a difference of logits needs {}", name("wrong"))))
            }
            (Some(LogProbability), _) => Ok(Metric::LogProbability([answer])),
            (None | Some(Logit | KlDivergence), _) => Ok(Metric::Logit([answer])),
        }
    }
}

/// Prompts of different lengths are shown token by token, so that one sees where they part.
fn check_alignment(name: &str, clean: &[Token], corrupt: &[Token]) -> Result<(), Failure> {
    misaligned(clean, corrupt)
        .map_or(Ok(()), |problem| Err(Failure::Said("PromptError", format!("{name}: {problem}"))))
}
