//! Where does every head look, and what would the model say after each block?
//!
//! One pass of the prompt is kept; whatever is asked of it afterwards - another head, block or token - comes out of that pass.

use std::sync::Arc;

use pellucid::explain::Control;
use pellucid::explain::inside::{Attribution, LogitLens, Metric, PatchError, Reading, Trace};
use pellucid::models::transformer::{Machine, Token};
use serde_json::Value;

use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::memo::{Found, Memo};
use crate::transformers::Inside;
use crate::workbench::{Answer, Workbench};

mod asked;
mod told;
mod words;

use asked::{Asked, Prompt, Score};

const PATH: &str = "/api/attention";
/// Passes that are held, the largest things here.
const TRACES: usize = 2;
/// Results that are held of what takes little memory.
const SMALL: usize = 64;
/// Tokens of the next one that are told.
const TOP: usize = 5;
/// Bytes of an export that every block and token of a model may take; of a larger one it has the beginning.
const FROZEN: usize = 3 << 20;

/// A prompt, and what its run left behind.
pub(crate) struct Traced {
    tokens: Vec<Token>,
    trace: Trace,
    /// Of each head its scores, in the order of [`Score::ALL`]; `None` where the text has nothing to look at.
    numbers: Vec<[Option<f64>; 5]>,
}

/// What comes next after a token, and which parts say so.
pub(crate) struct Said {
    next: Reading,
    answer: u32,
    wrong: Option<u32>,
    shares: Attribution,
}

/// What was worked out.
pub(crate) struct Looks {
    traces: Arc<Memo<Traced>>,
    lenses: Arc<Memo<LogitLens>>,
    said: Arc<Memo<Said>>,
}

impl Looks {
    pub(crate) fn new() -> Self {
        Self { traces: Memo::of(TRACES), lenses: Memo::of(SMALL), said: Memo::of(SMALL) }
    }
}

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    let thing = workbench.transformer(&Address::of("", &[])).ok()?;
    Some(("attention", vec![("transformer", thing.id.clone())]))
}

/// What can't be worked out, and whose fault that is.
fn refused(cause: PatchError) -> Failure {
    match cause {
        PatchError::Stopped => Failure::cancelled(),
        PatchError::Position { .. } => Failure::new(Code::NotFound, cause.to_string()),
        other => Failure::input(other),
    }
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&asked::NAMES)?;
    let prompt = Prompt::read(workbench, address)?;
    let inside = match workbench.inside(prompt.thing)? {
        Found::Ready(inside) => inside,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let tokens = prompt.tokens(&inside, workbench.options.most_bytes)?;
    let asked = Asked::read(address, &inside, &tokens)?;
    let traced = match traced(workbench, &prompt, &inside, tokens)? {
        Found::Ready(traced) => traced,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let read = if inside.model.spec.is_decoder {
        let said = match said(workbench, &prompt, &inside, &traced, &asked)? {
            Found::Ready(said) => said,
            Found::Working(job) => return Ok(Answer::Working(job)),
        };
        match lens(workbench, &prompt, &inside, &traced, &asked)? {
            Found::Ready(lens) => Some((said, lens)),
            Found::Working(job) => return Ok(Answer::Working(job)),
        }
    } else {
        None
    };
    let read = read.as_ref().map(|(said, lens)| (said.as_ref(), lens.as_ref()));
    let told = told::Told { prompt: &prompt, inside: &inside, traced: &traced, asked: &asked, read };
    Ok(Answer::Ready(told.told()))
}

fn traced(
    workbench: &Arc<Workbench>,
    prompt: &Prompt<'_>,
    inside: &Arc<Inside>,
    tokens: Vec<Token>,
) -> Result<Found<Traced>, Failure> {
    let (inside, threads) = (Arc::clone(inside), workbench.options.threads);
    let title = format!("Running {} on {} tokens", prompt.thing.title, tokens.len());
    workbench.looks.traces.get(&workbench.jobs, &prompt.key(), &title, move |job| {
        job.expect(inside.model.spec.n_layers as u64);
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let control = Control { threads, watch: job };
        let trace = Trace::of(&inside.model, &ids, &control).map_err(refused)?;
        let numbers =
            trace.heads().iter().map(|head| Score::ALL.map(|score| score.of(head, tokens.len()))).collect();
        Ok(Traced { tokens, trace, numbers })
    })
}

fn said(
    workbench: &Arc<Workbench>,
    prompt: &Prompt<'_>,
    inside: &Arc<Inside>,
    traced: &Arc<Traced>,
    asked: &Asked,
) -> Result<Found<Said>, Failure> {
    let (inside, traced, threads) = (Arc::clone(inside), Arc::clone(traced), workbench.options.threads);
    let (token, given, wrong) = (asked.token, asked.answer, asked.wrong);
    let key = format!("{token} {given:?} {wrong:?}\n{}", prompt.key());
    let title = format!("Taking the answer of {} apart", prompt.thing.title);
    workbench.looks.said.get(&workbench.jobs, &key, &title, move |_| {
        let (model, machine) = (&inside.model, Machine::with(threads));
        let next = traced.trace.next(model, token, TOP, machine).map_err(refused)?;
        let answer = given.or(next.top.first().map(|top| top.0)).unwrap_or_default();
        let metric = match wrong {
            Some(wrong) => Metric::LogitDifference([answer, wrong]),
            None => Metric::Logit([answer]),
        };
        let shares = traced.trace.attribute(model, metric, token, machine).map_err(refused)?;
        Ok(Said { next, answer, wrong, shares })
    })
}

fn lens(
    workbench: &Arc<Workbench>,
    prompt: &Prompt<'_>,
    inside: &Arc<Inside>,
    traced: &Arc<Traced>,
    asked: &Asked,
) -> Result<Found<LogitLens>, Failure> {
    let (inside, traced, threads) = (Arc::clone(inside), Arc::clone(traced), workbench.options.threads);
    let (positions, answer) = (asked.read.clone(), asked.answer);
    let key = format!("{positions:?} {answer:?}\n{}", prompt.key());
    let title = format!("Reading {} after each block", prompt.thing.title);
    workbench.looks.lenses.get(&workbench.jobs, &key, &title, move |job| {
        job.expect(inside.model.spec.n_layers as u64 + 1);
        let control = Control { threads, watch: job };
        traced.trace.lens(&inside.model, positions, (answer, 1), &control).map_err(refused)
    })
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let Some(first) = super::beginning(PATH, page(workbench)) else { return Ok(Vec::new()) };
    let answer = crate::export::waited(workbench, &first)?;
    let (n_layers, n_tokens) = (n_of(&answer, "n_layers"), answer["tokens"].as_array().map_or(0, Vec::len));
    let n_answers = 1 + n_layers + n_tokens + answer["scores"].as_array().map_or(0, Vec::len);
    if n_answers.saturating_mul(answer.to_string().len()) > FROZEN {
        return Ok(vec![first]);
    }
    let layers = (0..n_layers).map(|layer| first.with("layer", layer.to_string()));
    // The last token is what the page begins with, and is not said in its address.
    let tokens = (0..n_tokens.saturating_sub(1)).map(|token| first.with("token", token.to_string()));
    let scores = answer["scores"].as_array().into_iter().flatten();
    let scores = scores.filter_map(|score| score["name"].as_str()).filter(|name| answer["score"] != *name);
    let scores: Vec<Address> = scores.map(|name| first.with("score", name)).collect();
    Ok(std::iter::once(first.clone()).chain(layers).chain(tokens).chain(scores).collect())
}

fn n_of(answer: &Value, name: &str) -> usize {
    answer[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
}
