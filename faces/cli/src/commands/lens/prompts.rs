//! Which prompts are meant, and what is put into their runs? From the command line, or a file of several.

use pellucid::explain::inside::Case;
use pellucid::models::transformer::Tokens;
pub(super) use pellucid::patched::prompts::Prompt;
use pellucid::patched::prompts::{self, How, Measured, Place, PromptError, Texts, Values};
use serde_json::Value;

use super::super::Context;
use crate::failure::Failure;
use crate::lens_args::{MetricName, Prompts, With};

impl From<PromptError> for Failure {
    fn from(error: PromptError) -> Self {
        match error {
            PromptError::Usage(text) => Self::Usage(text),
            PromptError::Input(text) => Self::Input(text),
        }
    }
}

/// How prompts are run and measured.
pub(super) fn how(args: &Prompts) -> How {
    let with = match args.with {
        With::Other => Values::Other,
        With::Zero => Values::Zero,
        With::Mean => Values::Mean,
        With::Resample => Values::Resample,
    };
    let metric = args.metric.map(|metric| match metric {
        MetricName::LogitDifference => Measured::LogitDifference,
        MetricName::Logit => Measured::Logit,
        MetricName::LogProbability => Measured::LogProbability,
        MetricName::KlDivergence => Measured::KlDivergence,
    });
    How { with, noising: args.noising, metric, position: args.position }
}

/// All prompts that are meant.
pub(super) fn read(args: &Prompts, tokens: &Tokens) -> Result<Vec<Prompt>, Failure> {
    let texts = match &args.prompts {
        Some(path) => from_file(path)?,
        None => vec![Texts {
            place: Place::Options,
            clean: args.clean.clone().ok_or_else(|| {
                Failure::Usage("there is no prompt; give --clean TEXT, or --prompts FILE".to_owned())
            })?,
            corrupt: args.corrupt.clone(),
            answer: args.answer.clone(),
            wrong: args.wrong.clone(),
        }],
    };
    let how = how(args);
    let prompts: Vec<Prompt> =
        texts.iter().map(|texts| Prompt::of(texts, &how, tokens)).collect::<Result<_, _>>()?;
    if matches!(args.with, With::Mean | With::Resample) && args.prompts.is_none() {
        return Err(Failure::Usage(
            "means and drawn values are of several prompts; give them with --prompts FILE".to_owned(),
        ));
    }
    if args.noising && args.with != With::Other {
        return Err(Failure::Usage(
            "--noising says which of two prompts takes the other's values; with zeros, means or drawn values the clean one is run"
                .to_owned(),
        ));
    }
    Ok(prompts)
}

fn from_file(path: &std::path::Path) -> Result<Vec<Texts>, Failure> {
    let text = fs_err::read_to_string(path)?;
    let mut found = Vec::new();
    for (line, content) in text.lines().enumerate().filter(|(_, content)| !content.trim().is_empty()) {
        let place = format!("{}, line {}", path.display(), line + 1);
        let wrong = |problem: &str| Failure::Input(format!("{place}: {problem}"));
        let value: Value =
            serde_json::from_str(content).map_err(|cause| wrong(&format!("no JSON object: {cause}")))?;
        let object = value.as_object().ok_or_else(|| {
            wrong("no JSON object; a line is {\"clean\": ..., \"corrupt\": ..., \"answer\": ..., \"wrong\": ...}")
        })?;
        let known = ["clean", "corrupt", "answer", "wrong"];
        if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
            let near = pellucid::data::closest(key, known);
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(wrong(&format!("`{key}` is not known here{hint}")));
        }
        let of = |key: &str| match object.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(&format!("`{key}` is no text"))),
        };
        let clean = of("clean")?.ok_or_else(|| wrong("`clean` is not there"))?;
        let (corrupt, answer, other) = (of("corrupt")?, of("answer")?, of("wrong")?);
        found.push(Texts { place: Place::Line(place), clean, corrupt, answer, wrong: other });
    }
    if found.is_empty() {
        return Err(Failure::Input(format!("{}: there are no prompts", path.display())));
    }
    Ok(found)
}

/// What is run, with which values.
pub(super) fn cases(prompts: &[Prompt], args: &Prompts, context: &Context<'_>) -> Vec<Case> {
    prompts::cases(prompts, &how(args), context.seed.unwrap_or(0))
}

/// What results tell of prompts and metric.
/// `n` prompts are what means and drawn values are of.
pub(super) fn told(prompts: &[Prompt], args: &Prompts, of: (usize, u64)) -> Value {
    prompts::told(prompts, &how(args), of)
}

/// What is put in where, in words.
pub(super) fn doing(args: &Prompts) -> (&'static str, &'static str) {
    how(args).doing()
}
