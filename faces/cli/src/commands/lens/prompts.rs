//! Which prompts are meant, and what is put into their runs? From the command line, or a file of several.

use pellucid::explain::inside::{Case, Compared, Donor, Metric};
use pellucid::models::transformer::{Token, Tokens};
use pellucid::views::patch_grid::visible;
use serde_json::{Value, json};

use super::super::Context;
use super::ids;
use crate::failure::Failure;
use crate::lens_args::{MetricName, Prompts, With};

/// A prompt, with the one that lacks the answer.
pub(super) struct Prompt {
    pub(super) clean: Vec<Token>,
    pub(super) corrupt: Option<Vec<Token>>,
    /// The answer, and the wrong one, as texts.
    pub(super) answers: [Option<String>; 2],
    metric: Metric,
}

/// As texts.
struct Texts {
    /// Where it is from: `--`, or the file's line.
    place: String,
    clean: String,
    corrupt: Option<String>,
    answer: Option<String>,
    wrong: Option<String>,
}

impl Texts {
    fn name(&self, key: &str) -> String {
        if self.place == "--" { format!("--{key}") } else { format!("{}: {key}", self.place) }
    }
}

/// All prompts that are meant.
pub(super) fn read(args: &Prompts, tokens: &Tokens) -> Result<Vec<Prompt>, Failure> {
    let texts = match &args.prompts {
        Some(path) => from_file(path)?,
        None => vec![Texts {
            place: "--".to_owned(),
            clean: args.clean.clone().ok_or_else(|| {
                Failure::Usage("there is no prompt; give --clean TEXT, or --prompts FILE".to_owned())
            })?,
            corrupt: args.corrupt.clone(),
            answer: args.answer.clone(),
            wrong: args.wrong.clone(),
        }],
    };
    let prompts: Vec<Prompt> =
        texts.iter().map(|texts| prompt(texts, args, tokens)).collect::<Result<_, _>>()?;
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
        found.push(Texts { place, clean, corrupt, answer, wrong: other });
    }
    if found.is_empty() {
        return Err(Failure::Input(format!("{}: there are no prompts", path.display())));
    }
    Ok(found)
}

fn prompt(texts: &Texts, args: &Prompts, tokens: &Tokens) -> Result<Prompt, Failure> {
    // What stands on the command line is a matter of its use.
    let wrong = |text: String| if texts.place == "--" { Failure::Usage(text) } else { Failure::Input(text) };
    let of = |key: &str, text: &str| {
        tokens.of(text).map_err(|cause| wrong(format!("{}: {cause}", texts.name(key))))
    };
    let one = |key: &str, text: &str| {
        tokens.one(text).map_err(|cause| wrong(format!("{}: {cause}", texts.name(key))))
    };
    let clean = of("clean", &texts.clean)?;
    let corrupt = texts.corrupt.as_ref().map(|text| of("corrupt", text)).transpose()?;
    let answer = texts.answer.as_ref().map(|text| one("answer", text)).transpose()?;
    let other = texts.wrong.as_ref().map(|text| one("wrong", text)).transpose()?;
    if other.is_some() && other == answer {
        return Err(wrong(format!("{} and wrong are the same token", texts.name("answer"))));
    }
    let is_read = |key: &str| match key {
        "answer" => args.metric != Some(MetricName::KlDivergence),
        _ => matches!(args.metric, None | Some(MetricName::LogitDifference)),
    };
    let given = [("answer", &texts.answer), ("wrong", &texts.wrong)];
    // A file may have more than one metric reads.
    if let Some((key, _)) =
        given.iter().find(|(key, text)| texts.place == "--" && text.is_some() && !is_read(key))
    {
        return Err(wrong(format!("{} has no part in this metric; leave it out", texts.name(key))));
    }
    let metric = match (args.metric, answer, other) {
        (Some(MetricName::KlDivergence), ..) => Metric::Divergence(match (args.with, args.noising) {
            // Of two prompts the clean one is run, or put in.
            (With::Other, false) => Compared::Donor,
            _ => Compared::Run,
        }),
        (_, None, _) => {
            return Err(wrong(format!(
                "{} is not there: which token should come next? Give it, or --metric kl-divergence",
                texts.name("answer")
            )));
        }
        (None | Some(MetricName::LogitDifference), Some(answer), Some(other)) => {
            Metric::LogitDifference([answer, other])
        }
        (None | Some(MetricName::Logit), Some(answer), _) => Metric::Logit([answer]),
        (Some(MetricName::LogProbability), Some(answer), _) => Metric::LogProbability([answer]),
        (Some(MetricName::LogitDifference), Some(_), None) => {
            return Err(wrong(format!("a difference of logits needs {}", texts.name("wrong"))));
        }
    };
    if let (With::Other, Some(corrupt)) = (args.with, &corrupt) {
        check_alignment(texts, [&clean, corrupt])?;
    }
    let until = |mut tokens: Vec<Token>| -> Result<Vec<Token>, Failure> {
        let n = tokens.len();
        let at = super::position(args.position, n).ok_or_else(|| {
            let place = if texts.place == "--" { String::new() } else { format!("{}: ", texts.place) };
            wrong(format!(
                "{place}--position: there is no position {} in a prompt of {n} tokens",
                args.position
            ))
        })?;
        tokens.truncate(at + 1);
        Ok(tokens)
    };
    // Without a part in what is put in, a corrupt prompt stays as it is.
    let is_put_in = args.with != With::Zero;
    let corrupt = if is_put_in { corrupt.map(until).transpose()? } else { corrupt };
    let clean = until(clean)?;
    match (args.with, &corrupt) {
        (With::Other, None) => Err(wrong(format!(
            "{} is not there: whose values should be put in? Give it, or --with zero",
            texts.name("corrupt")
        ))),
        _ => Ok(Prompt { clean, corrupt, answers: answers(texts, metric), metric }),
    }
}

fn answers(texts: &Texts, metric: Metric) -> [Option<String>; 2] {
    let is_difference = matches!(metric, Metric::LogitDifference(_));
    let is_divergence = matches!(metric, Metric::Divergence(_));
    [texts.answer.clone().filter(|_| !is_divergence), texts.wrong.clone().filter(|_| is_difference)]
}

/// Prompts of different lengths are shown token by token, so that one sees where they part.
fn check_alignment(texts: &Texts, tokens: [&[Token]; 2]) -> Result<(), Failure> {
    if tokens[0].len() == tokens[1].len() {
        return Ok(());
    }
    let shown = |tokens: &[Token]| {
        let texts: Vec<String> = tokens.iter().map(|token| visible(&token.text)).collect();
        format!("{} tokens: {}", texts.len(), texts.join(" | "))
    };
    let place = if texts.place == "--" { String::new() } else { format!("{}: ", texts.place) };
    Err(Failure::Input(format!(
        "{place}the prompts do not align token by token\n  clean   {}\n  corrupt {}\nReplace words by others of equally many tokens",
        shown(tokens[0]),
        shown(tokens[1])
    )))
}

impl Prompt {
    /// The tokens of the prompt that is run.
    pub(super) fn run(&self, args: &Prompts) -> &[Token] {
        match &self.corrupt {
            Some(corrupt) if args.with == With::Other && !args.noising => corrupt,
            _ => &self.clean,
        }
    }

    /// What is measured, in words.
    pub(super) fn measured(&self) -> String {
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
    pub(super) fn differ(&self) -> Vec<usize> {
        let Some(corrupt) = &self.corrupt else { return Vec::new() };
        if corrupt.len() != self.clean.len() {
            return Vec::new();
        }
        (0..corrupt.len()).filter(|&at| self.clean[at].id != corrupt[at].id).collect()
    }
}

/// What is run, with which values.
pub(super) fn cases(prompts: &[Prompt], args: &Prompts, context: &Context<'_>) -> Vec<Case> {
    let pool = || -> Vec<Vec<u32>> {
        let all = prompts.iter().flat_map(|prompt| [Some(&prompt.clean), prompt.corrupt.as_ref()]);
        all.flatten().map(|tokens| ids(tokens)).collect()
    };
    let one = |(at, prompt): (usize, &Prompt)| {
        let donor = match args.with {
            With::Other => {
                // Of two prompts the one that is not run.
                let corrupt = prompt.corrupt.as_deref().filter(|_| args.noising);
                Donor::Run(ids(corrupt.unwrap_or(&prompt.clean)))
            }
            With::Zero => Donor::Zero,
            With::Mean => Donor::Mean(pool()),
            With::Resample => {
                Donor::Resample { pool: pool(), seed: context.seed.unwrap_or(0).wrapping_add(at as u64) }
            }
        };
        Case { run: ids(prompt.run(args)), donor, metric: prompt.metric }
    };
    prompts.iter().enumerate().map(one).collect()
}

/// What results tell of prompts and metric.
/// `n` prompts are what means and drawn values are of.
pub(super) fn told(prompts: &[Prompt], args: &Prompts, (n, seed): (usize, u64)) -> Value {
    let texts = |tokens: &[Token]| tokens.iter().map(|token| token.text.clone()).collect::<Vec<_>>();
    let one = |prompt: &Prompt| {
        json!({
            "tokens": {"clean": texts(&prompt.clean), "corrupt": prompt.corrupt.as_deref().map(texts), "differ": prompt.differ()},
            "answer": prompt.answers[0], "wrong": prompt.answers[1],
        })
    };
    let with = match args.with {
        With::Other => "other",
        With::Zero => "zero",
        With::Mean => "mean",
        With::Resample => "resample",
    };
    let direction = match (args.with, args.noising) {
        (With::Other, true) => "noising",
        (With::Other, false) => "denoising",
        _ => "ablation",
    };
    let mut body = json!({"direction": direction, "with": with, "metric": prompts[0].metric.name()});
    if matches!(args.with, With::Mean | With::Resample) {
        body["values_of_prompts"] = n.into();
    }
    if args.with == With::Resample {
        body["seed"] = seed.into();
    }
    match prompts {
        [only] => super::merge(&mut body, one(only)),
        several => {
            body["prompts"] = several.iter().map(one).collect();
            body["n_prompts"] = several.len().into();
        }
    }
    body
}

/// What is put in where, in words.
pub(super) fn doing(args: &Prompts) -> (&'static str, &'static str) {
    match (args.with, args.noising) {
        (With::Other, true) => ("corrupt values", "the clean run"),
        (With::Other, false) => ("clean values", "the corrupt run"),
        (With::Zero, _) => ("zeros", "the run"),
        (With::Mean, _) => ("means over the prompts", "the run"),
        (With::Resample, _) => ("values of a drawn prompt", "the run"),
    }
}
