//! Which prompts are meant, and what is put into their runs? What Python says in words becomes cases of the engine.

use pellucid::data::closest;
use pellucid::explain::inside::{By, Case, Compared, Donor, Metric, Patching, check_alike, peak};
use pellucid::models::transformer::{Axis, Site, SiteError, Token};
use pellucid::views::patch_grid::visible;
use pyo3::prelude::*;

use super::{Transformer, check_memory, ids, position};
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

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    Other,
    Zero,
    Mean,
    Resample,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Measured {
    LogitDifference,
    Logit,
    LogProbability,
    Divergence,
}

/// A prompt, with the one that lacks the answer.
pub(super) struct Prompt {
    pub(super) clean: Vec<Token>,
    pub(super) corrupt: Option<Vec<Token>>,
    metric: Metric,
    /// The answer and the wrong one as one sees them, as far as the metric reads them.
    answers: [Option<String>; 2],
}

/// What was asked of a sweep, ready to be run.
pub(super) struct Asked {
    pub(super) prompts: Vec<Prompt>,
    pub(super) with: With,
    pub(super) noising: bool,
    pub(super) cases: Vec<Case>,
    pub(super) patching: Patching,
}

/// How a sweep was meant.
struct Meant {
    with: With,
    measured: Option<Measured>,
    position: i64,
    noising: bool,
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
            ("other", With::Other),
            ("zero", With::Zero),
            ("mean", With::Mean),
            ("resample", With::Resample),
        ];
        let metrics = [
            ("logit-difference", Measured::LogitDifference),
            ("logit", Measured::Logit),
            ("log-probability", Measured::LogProbability),
            ("kl-divergence", Measured::Divergence),
        ];
        let with = one_of("donor", &sweep.donor, &donors)?;
        let measured = sweep.metric.as_deref().map(|name| one_of("metric", name, &metrics)).transpose()?;
        let (position, noising) = (sweep.position, sweep.noising);
        if noising && with != With::Other {
            return Err(Failure::usage(
                "noising says which of two prompts takes the other's values; with zeros, means or drawn values the clean one is run",
            ));
        }
        if alone && matches!(with, With::Mean | With::Resample) {
            return Err(Failure::usage(
                "means and drawn values are of several prompts; give them as prompts=[...]",
            ));
        }
        let meant = Meant { with, measured, position, noising, alone };
        let prompts = texts
            .iter()
            .enumerate()
            .map(|(at, texts)| meant.prompt(model, at, texts))
            .collect::<Result<Vec<_>, _>>()?;
        let site: Site =
            sweep.site.parse().map_err(|cause: SiteError| Failure::Said("SiteError", cause.to_string()))?;
        let patching = Patching { site, by: by(sweep.by.as_deref(), site)? };
        let cases = cases(&prompts, with, noising, sweep.seed);
        patching.check(&model.model.spec)?;
        check_alike(&cases, patching)?;
        let longest = cases.iter().map(|case| case.run.len()).max().unwrap_or(0);
        if let Some(first) = cases.first() {
            let needed = peak(&model.model.spec, site, longest, first.metric);
            check_memory(needed, "take shorter prompts, or another site")?;
        }
        Ok(Self { prompts, with, noising, cases, patching })
    }

    /// What is put in where, in words.
    pub(super) fn doing(&self) -> &'static str {
        match (self.with, self.noising) {
            (With::Other, true) => "corrupt values in the clean run",
            (With::Other, false) => "clean values in the corrupt run",
            (With::Zero, _) => "zeros in the run",
            (With::Mean, _) => "means over the prompts in the run",
            (With::Resample, _) => "values of a drawn prompt in the run",
        }
    }

    /// The tokens of a prompt that are run.
    pub(super) fn run(&self, prompt: &'_ Prompt) -> Vec<Token> {
        let corrupt = prompt.corrupt.as_ref().filter(|_| self.with == With::Other && !self.noising);
        corrupt.unwrap_or(&prompt.clean).clone()
    }
}

fn by(name: Option<&str>, site: Site) -> Result<By, Failure> {
    let all = [By::Layer, By::LayerPosition, By::LayerHead, By::LayerPositionHead];
    match name {
        None if site.axes()[0] == Axis::Position => Ok(By::LayerPosition),
        None => Ok(By::LayerHead),
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
        if let (With::Other, Some(corrupt)) = (self.with, &corrupt) {
            check_alignment(&name("corrupt"), &clean, corrupt)?;
        }
        if self.with == With::Other && corrupt.is_none() {
            return Err(Failure::usage(format!(
                "{} is not there: whose values should be put in? Give it, or donor=\"zero\"",
                name("corrupt")
            )));
        }
        // Without a part in what is put in, a corrupt prompt stays as it is.
        let corrupt = match corrupt {
            Some(corrupt) if self.with != With::Zero => Some(self.until(corrupt)?),
            other => other,
        };
        let reads = [!matches!(metric, Metric::Divergence(_)), matches!(metric, Metric::LogitDifference(_))];
        let told = |text: &Option<String>, is_read: bool| text.as_deref().filter(|_| is_read).map(visible);
        let answers = [told(answer, reads[0]), told(wrong, reads[1])];
        Ok(Prompt { clean: self.until(clean)?, corrupt, metric, answers })
    }

    /// Later tokens have no say in what is measured, and are left out.
    fn until(&self, mut tokens: Vec<Token>) -> Result<Vec<Token>, Failure> {
        let last = position(self.position, tokens.len())?;
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
        let reads_answer = self.measured != Some(Measured::Divergence);
        let reads_wrong = matches!(self.measured, None | Some(Measured::LogitDifference));
        let idle = [("answer", answer, reads_answer), ("wrong", wrong, reads_wrong)];
        match idle.iter().find(|(_, given, is_read)| self.alone && given.is_some() && !is_read) {
            Some((key, ..)) => {
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
        use Measured::{Divergence, LogProbability, Logit, LogitDifference};
        if self.measured == Some(Divergence) {
            // A divergence is from the clean prompt's answer, which is that of the run unless clean values are put in.
            let is_put_in = self.with == With::Other && !self.noising;
            return Ok(Metric::Divergence(if is_put_in { Compared::Donor } else { Compared::Run }));
        }
        let answer = answer.ok_or_else(|| {
            Failure::usage(format!(
                "{} is not there: which token should come next? Give it, or metric=\"kl-divergence\"",
                name("answer")
            ))
        })?;
        match (self.measured, wrong) {
            (None | Some(LogitDifference), Some(wrong)) => Ok(Metric::LogitDifference([answer, wrong])),
            (Some(LogitDifference), None) => {
                Err(Failure::usage(format!("a difference of logits needs {}", name("wrong"))))
            }
            (Some(LogProbability), _) => Ok(Metric::LogProbability([answer])),
            (None | Some(Logit | Divergence), _) => Ok(Metric::Logit([answer])),
        }
    }
}

/// Prompts of different lengths are shown token by token, so that one sees where they part.
fn check_alignment(name: &str, clean: &[Token], corrupt: &[Token]) -> Result<(), Failure> {
    if clean.len() == corrupt.len() {
        return Ok(());
    }
    let shown = |tokens: &[Token]| format!("{} tokens: {}", tokens.len(), super::seen(tokens).join(" | "));
    Err(Failure::Said(
        "PromptError",
        format!(
            "{name}: the prompts do not align token by token\n  clean   {}\n  corrupt {}\nReplace words by others of equally many tokens",
            shown(clean),
            shown(corrupt)
        ),
    ))
}

fn cases(prompts: &[Prompt], with: With, noising: bool, seed: u64) -> Vec<Case> {
    // Means are over all prompts, and drawn from all of them: corrupt ones, too.
    let pool = || -> Vec<Vec<u32>> {
        prompts
            .iter()
            .flat_map(|prompt| [Some(&prompt.clean), prompt.corrupt.as_ref()])
            .flatten()
            .map(|all| ids(all))
            .collect()
    };
    let one = |(at, prompt): (usize, &Prompt)| {
        let clean = ids(&prompt.clean);
        let (run, donor) = match (with, prompt.corrupt.as_deref().map(ids)) {
            (With::Other, Some(corrupt)) if noising => (clean, Donor::Run(corrupt)),
            (With::Other, Some(corrupt)) => (corrupt, Donor::Run(clean)),
            (With::Other | With::Zero, _) => (clean, Donor::Zero),
            (With::Mean, _) => (clean, Donor::Mean(pool())),
            (With::Resample, _) => {
                (clean, Donor::Resample { pool: pool(), seed: seed.wrapping_add(at as u64) })
            }
        };
        Case { run, donor, metric: prompt.metric }
    };
    prompts.iter().enumerate().map(one).collect()
}

impl Prompt {
    /// What is measured, in words.
    pub(super) fn measured(&self) -> String {
        let [answer, wrong] = &self.answers;
        let answer = answer.as_deref().unwrap_or_default();
        match (self.metric, wrong) {
            (Metric::Divergence(_), _) => "nats from the clean answer".to_owned(),
            (Metric::LogProbability(_), _) => format!("log-probability of {answer}"),
            (_, Some(wrong)) => format!("logit {answer} − {wrong}"),
            (_, None) => format!("logit {answer}"),
        }
    }

    pub(super) fn metric(&self) -> &'static str {
        self.metric.name()
    }

    /// Positions at which the two prompts have different tokens.
    pub(super) fn differ(&self) -> Vec<usize> {
        let corrupt = self.corrupt.as_ref().filter(|corrupt| corrupt.len() == self.clean.len());
        let pairs = corrupt.into_iter().flat_map(|corrupt| self.clean.iter().zip(corrupt)).enumerate();
        pairs.filter(|(_, (ours, theirs))| ours.id != theirs.id).map(|(at, _)| at).collect()
    }
}
