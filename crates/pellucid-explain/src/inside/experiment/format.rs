//! How is an experiment written down? As JSON or TOML, with texts and names where the engine has numbers; version 1.
//!
//! ```toml
//! schema = "pellucid.experiment/1"
//!
//! [[runs]]
//! id = "clean"
//! text = "The capital of France is"
//! metric = { answer = " Paris", wrong = " Rome" }
//!
//! [[runs]]
//! id = "patched"
//! text = "The capital of Italy is"
//! metric = { divergence_from = "clean" }
//! capture = ["blocks.29.hook_resid_post"]
//! edits = [{ at = "blocks.20.hook_resid_pre", positions = [-1], set = { run = "clean" } }]
//! edges = [{ edge = "a20.h3->m21", set = "zero" }]
//!
//! [[sweeps]]
//! id = "heads"
//! run = "clean"
//! site = "z"
//! by = "layer-head"
//! set = "zero"
//! metric = { answer = " Paris" }
//! ```

use pellucid_models::transformer::node::Edge;
use pellucid_models::transformer::{Axis, Hook, Site, Spec, TokenError, Tokens};
use serde::{Deserialize, Serialize};

use super::super::case::{Compared, Metric};
use super::super::patching::{By, Patching};
use super::{EdgeEdit, Edit, Experiment, Measured, Op, Run, RunMetric, Selection, Sweep, Value};

/// The schema that is written.
pub const SCHEMA: &str = "pellucid.experiment/1";

/// An experiment as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentFile {
    /// Which version: [`SCHEMA`].
    pub schema: String,
    /// The runs.
    #[serde(default)]
    pub runs: Vec<RunFile>,
    /// The sweeps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<SweepFile>,
}

/// A run as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFile {
    /// Its name.
    pub id: String,
    /// The prompt as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The prompt as tokens, as they are, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Vec<u32>>,
    /// What is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricFile>,
    /// Sites that are kept; without a block those of all blocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capture: Vec<String>,
    /// Edits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<EditFile>,
    /// Edges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<EdgeFile>,
}

/// A token by its text or number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TokenFile {
    /// Its number.
    Id(u32),
    /// Its text.
    Text(String),
}

/// A metric as it is written down: a logit, the difference of two, with `log_probability` that, or a divergence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricFile {
    /// The token whose logit is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<TokenFile>,
    /// The token whose logit is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<TokenFile>,
    /// Whether the logarithm of the answer's probability is meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_probability: bool,
    /// The run from whose answer the divergence is measured, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence_from: Option<String>,
    /// After which token of the prompt; from the end where negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
}

/// An edit as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditFile {
    /// Where.
    pub at: String,
    /// Positions; from the end where negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<Vec<i64>>,
    /// Positions that are attended to; from the end where negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<i64>>,
    /// Heads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<Vec<usize>>,
    /// Places along the last axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Vec<usize>>,
    /// What is put in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<ValueFile>,
    /// What is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<ValueFile>,
    /// What numbers, or what is added, are multiplied with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f32>,
    /// Whether it may touch nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_noop: bool,
}

/// An edge as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeFile {
    /// The edge: `a0.h1->a2.h3<q>`.
    pub edge: String,
    /// What its sender writes instead.
    pub set: ValueFile,
    /// Whether that may be what it writes anyway.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_noop: bool,
}

/// A value as it is written down: `"zero"`, a number, numbers, or of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ValueFile {
    /// One number.
    Number(f32),
    /// Numbers.
    Numbers(Vec<f32>),
    /// `zero`.
    Word(String),
    /// Of runs.
    Runs(RunsFile),
}

/// Runs that values are taken of; one of the three.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunsFile {
    /// One run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The mean of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<String>>,
    /// One of several, drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resample: Option<Vec<String>>,
    /// The seed of the draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A sweep as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepFile {
    /// Its name.
    pub id: String,
    /// The run that is changed.
    pub run: String,
    /// The site.
    pub site: String,
    /// What a cell stands for: `layer`, `layer-position`, `layer-head`, `layer-position-head`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What is put in.
    pub set: ValueFile,
    /// What is measured.
    pub metric: MetricFile,
}

/// Why what is written down is no experiment.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Another version, or something else.
    #[error("the schema is `{found}`; this program reads `{SCHEMA}`")]
    Schema {
        /// What was found.
        found: String,
    },
    /// Something that makes no sense.
    #[error("`{by}`: {problem}")]
    Part {
        /// Which run or sweep.
        by: String,
        /// What is wrong.
        problem: String,
    },
}

impl ExperimentFile {
    /// The experiment for a model, with its tokenizer where there are texts.
    ///
    /// # Errors
    /// When names are unknown, texts have no tokens, or something is told twice or not at all.
    pub fn resolved(&self, spec: &Spec, tokens: Option<&Tokens>) -> Result<Experiment, FormatError> {
        if self.schema != SCHEMA {
            return Err(FormatError::Schema { found: self.schema.clone() });
        }
        let context = Context { spec, tokens };
        let runs: Vec<Run> = self.runs.iter().map(|run| context.run(run)).collect::<Result<_, _>>()?;
        Ok(Experiment {
            sweeps: self.sweeps.iter().map(|sweep| context.sweep(sweep, &runs)).collect::<Result<_, _>>()?,
            runs,
        })
    }

    /// Whether a tokenizer is needed.
    #[must_use]
    pub fn has_texts(&self) -> bool {
        let is_text = |token: &TokenFile| matches!(token, TokenFile::Text(_));
        let of = |metric: &MetricFile| [&metric.answer, &metric.wrong].into_iter().flatten().any(is_text);
        self.runs.iter().any(|run| run.text.is_some() || run.metric.as_ref().is_some_and(of))
            || self.sweeps.iter().any(|sweep| of(&sweep.metric))
    }
}

struct Context<'c> {
    spec: &'c Spec,
    tokens: Option<&'c Tokens>,
}

impl Context<'_> {
    fn run(&self, file: &RunFile) -> Result<Run, FormatError> {
        let wrong = |problem: String| FormatError::Part { by: file.id.clone(), problem };
        let tokens = match (&file.text, &file.tokens) {
            (Some(text), None) => {
                let found =
                    self.tokenizer().and_then(|tokens| tokens.of(text).map_err(|cause| cause.to_string()));
                found.map_err(wrong)?.into_iter().map(|token| token.id).collect()
            }
            (None, Some(tokens)) => tokens.clone(),
            _ => return Err(wrong("a run has either a `text` or `tokens`".to_owned())),
        };
        let mut capture = Vec::new();
        for name in &file.capture {
            capture.extend(hooks(name, self.spec).map_err(wrong)?);
        }
        let n = tokens.len();
        let edit = |edit: &EditFile| self.edit(edit, n).map_err(wrong);
        let edge = |edit: &EdgeFile| {
            let edge = Edge::of(&edit.edge, self.spec).map_err(|cause| cause.to_string());
            Ok(EdgeEdit {
                edge: edge.map_err(wrong)?,
                value: value(&edit.set).map_err(wrong)?,
                allow_noop: edit.allow_noop,
            })
        };
        Ok(Run {
            id: file.id.clone(),
            edits: file.edits.iter().map(edit).collect::<Result<_, _>>()?,
            edges: file.edges.iter().map(edge).collect::<Result<_, FormatError>>()?,
            metric: file.metric.as_ref().map(|metric| self.metric(metric, n)).transpose().map_err(wrong)?,
            tokens,
            capture,
        })
    }

    fn sweep(&self, file: &SweepFile, runs: &[Run]) -> Result<Sweep, FormatError> {
        let wrong = |problem: String| FormatError::Part { by: file.id.clone(), problem };
        let site: Site = file
            .site
            .parse()
            .map_err(|cause: pellucid_models::transformer::SiteError| wrong(cause.to_string()))?;
        let by = match &file.by {
            Some(name) => by(name).map_err(wrong)?,
            None if site.axes()[0] == Axis::Position => By::LayerPosition,
            None => By::LayerHead,
        };
        let value = value(&file.set).map_err(wrong)?;
        // A run that is not there is told later, whatever its positions.
        let run = runs.iter().find(|run| run.id == file.run);
        let n_tokens = run.map_or(usize::MAX / 2, |run| run.tokens.len());
        let RunMetric { of, position } = self.metric(&file.metric, n_tokens).map_err(wrong)?;
        let metric = match of {
            Measured::Alone(metric) => metric,
            Measured::DivergenceFrom(id) if id == file.run => Metric::Divergence(Compared::Run),
            Measured::DivergenceFrom(id) if value == Value::Run(id.clone()) => {
                Metric::Divergence(Compared::Donor)
            }
            Measured::DivergenceFrom(id) => {
                return Err(wrong(format!(
                    "`divergence_from` is `{id}`; of a sweep it is the run that is changed, or the one whose values are put in"
                )));
            }
        };
        Ok(Sweep {
            id: file.id.clone(),
            run: file.run.clone(),
            asked: Patching { site, by },
            value,
            metric,
            position,
        })
    }

    fn tokenizer(&self) -> Result<&Tokens, String> {
        self.tokens.ok_or_else(|| "texts need the model's tokenizer".to_owned())
    }

    fn token(&self, token: &TokenFile) -> Result<u32, String> {
        match token {
            TokenFile::Id(id) => Ok(*id),
            TokenFile::Text(text) => {
                self.tokenizer()?.one(text).map_err(|cause: TokenError| cause.to_string())
            }
        }
    }

    fn metric(&self, file: &MetricFile, n_tokens: usize) -> Result<RunMetric, String> {
        let position = file.position.map(|position| resolved(&[position], n_tokens)).transpose()?;
        let position = position.and_then(|places| places.first().copied());
        let of = match (&file.answer, &file.divergence_from) {
            (Some(answer), None) => Measured::Alone(self.alone(answer, file)?),
            (None, Some(id)) if file.wrong.is_none() && !file.log_probability => {
                Measured::DivergenceFrom(id.clone())
            }
            _ => {
                let told =
                    "a metric has an `answer` (with `wrong` or `log_probability`), or `divergence_from`";
                return Err(told.to_owned());
            }
        };
        Ok(RunMetric { of, position })
    }

    fn alone(&self, answer: &TokenFile, file: &MetricFile) -> Result<Metric, String> {
        let answer = self.token(answer)?;
        match (&file.wrong, file.log_probability) {
            (Some(wrong), false) => match self.token(wrong)? {
                wrong if wrong == answer => Err("`answer` and `wrong` are the same token".to_owned()),
                wrong => Ok(Metric::LogitDifference([answer, wrong])),
            },
            (None, false) => Ok(Metric::Logit([answer])),
            (None, true) => Ok(Metric::LogProbability([answer])),
            (Some(_), true) => Err("a metric has `wrong` or `log_probability`, not both".to_owned()),
        }
    }

    fn edit(&self, file: &EditFile, n_tokens: usize) -> Result<Edit, String> {
        let at: Hook =
            file.at.parse().map_err(|cause: pellucid_models::transformer::SiteError| cause.to_string())?;
        let op = match (&file.set, &file.add, file.scale) {
            (Some(set), None, None) => Op::Set(value(set)?),
            (None, Some(add), scale) => Op::Add(value(add)?, scale.unwrap_or(1.0)),
            (None, None, Some(scale)) => Op::Scale(scale),
            _ => {
                return Err(format!("the edit of `{at}` has one of `set`, `add` (with `scale`) and `scale`"));
            }
        };
        let places =
            |places: &Option<Vec<i64>>| places.as_ref().map(|places| resolved(places, n_tokens)).transpose();
        let selection = Selection {
            positions: places(&file.positions)?,
            sources: places(&file.sources)?,
            heads: file.heads.clone(),
            units: file.units.clone(),
        };
        Ok(Edit { at, selection, op, allow_noop: file.allow_noop })
    }
}

/// Positions from the start, where they may be counted from the end.
fn resolved(places: &[i64], n_tokens: usize) -> Result<Vec<usize>, String> {
    let one = |&place: &i64| {
        let from_start = if place < 0 { n_tokens as i64 + place } else { place };
        usize::try_from(from_start)
            .map_err(|_| format!("there is no position {place}: the prompt has {n_tokens} tokens"))
    };
    places.iter().map(one).collect()
}

/// A site of one block, or of all blocks.
///
/// # Errors
/// When there is no such site, in words.
pub fn hooks(name: &str, spec: &Spec) -> Result<Vec<Hook>, String> {
    if name.starts_with("blocks.") {
        return name
            .parse()
            .map(|hook| vec![hook])
            .map_err(|cause: pellucid_models::transformer::SiteError| cause.to_string());
    }
    let site: Site =
        name.parse().map_err(|cause: pellucid_models::transformer::SiteError| cause.to_string())?;
    Ok(if site.is_in_blocks() {
        (0..spec.n_layers).map(|layer| Hook::at(site, layer)).collect()
    } else {
        vec![Hook::whole(site)]
    })
}

fn by(name: &str) -> Result<By, String> {
    let all = [By::Layer, By::LayerPosition, By::LayerHead, By::LayerPositionHead];
    all.into_iter().find(|by| by.to_string() == name).ok_or_else(|| {
        format!("`by` is `{name}`; it is one of layer, layer-position, layer-head, layer-position-head")
    })
}

fn value(file: &ValueFile) -> Result<Value, String> {
    let some = |ids: &Vec<String>| {
        if ids.is_empty() { Err("a list of runs is empty".to_owned()) } else { Ok(ids.clone()) }
    };
    match file {
        ValueFile::Number(x) => Ok(Value::Number(*x)),
        ValueFile::Numbers(row) => Ok(Value::Numbers(row.clone())),
        ValueFile::Word(word) if word == "zero" => Ok(Value::Number(0.0)),
        ValueFile::Word(word) => {
            Err(format!("`{word}` is no value; write \"zero\", a number, numbers, or {{ run = \"...\" }}"))
        }
        ValueFile::Runs(RunsFile { run: Some(id), mean: None, resample: None, seed: None }) => {
            Ok(Value::Run(id.clone()))
        }
        ValueFile::Runs(RunsFile { run: None, mean: Some(ids), resample: None, seed: None }) => {
            Ok(Value::Mean(some(ids)?))
        }
        ValueFile::Runs(RunsFile { run: None, mean: None, resample: Some(ids), seed }) => {
            Ok(Value::Resample(some(ids)?, seed.unwrap_or(0)))
        }
        ValueFile::Runs(_) => {
            Err("values are of one of `run`, `mean` and `resample` (with `seed`)".to_owned())
        }
    }
}
