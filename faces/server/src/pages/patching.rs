//! What in the model carries the difference between two prompts?

use std::sync::Arc;
use std::time::Instant;

use pellucid::explain::inside::{Known, Means, PatchError, Prepared, Several, prepare};
use pellucid::explain::{Control, Watch as _};
use pellucid::models::transformer::Machine;
use pellucid::models::transformer::forward::{Wanted, run_on};
use pellucid::models::transformer::tap::Untouched;
use pellucid::patched::{Costs, worst};
use serde_json::Value;

mod asked;
mod sites;
mod told;

use asked::{NotReady, Question, Ready};

use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::memo::{Found, Memo};
use crate::opened::Thing;
use crate::workbench::{Answer, Workbench};

/// First runs that are held, the largest things here.
const LOOKED: usize = 4;
/// Grids that are held.
const SWEPT: usize = 16;
/// Places that are held, and what prompts say.
const PLACES: usize = 200;
/// Cells in an export, those of the strongest effects.
const FROZEN: usize = 24;
/// An export waits so many seconds for a grid, about.
const FROZEN_SECONDS: f64 = 8.0;

/// What was worked out on prompts.
pub(crate) struct Patching {
    said: Arc<Memo<[Vec<f32>; 2]>>,
    looked: Arc<Memo<Looked>>,
    swept: Arc<Memo<Several>>,
    places: Arc<Memo<Place>>,
}

/// The first runs of a sweep.
struct Looked {
    known: Arc<Known>,
    costs: Costs,
    /// What the run that takes values says as it is.
    unchanged: Vec<f32>,
}

/// What the model says with one place's values put in; nothing where the place changes nothing.
struct Place(Option<Vec<f32>>);

impl Default for Patching {
    fn default() -> Self {
        Self {
            said: Memo::of(SWEPT),
            looked: Memo::of(LOOKED),
            swept: Memo::of(SWEPT),
            places: Memo::of(PLACES),
        }
    }
}

/// What stands, or who works on it.
macro_rules! ready {
    ($found:expr) => {
        match $found {
            Found::Ready(found) => found,
            Found::Working(job) => return Ok(Answer::Working(job)),
        }
    };
}

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    // An encoder says no next token: there is no answer that a place could carry.
    let first = workbench.transformers_opened().find(|thing| thing.says_next())?;
    Some(("patching", vec![("transformer", first.id.clone())]))
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&[&asked::PARAMETERS[..], &["run", "verify", "cell"]].concat())?;
    let thing = workbench.transformer(address)?;
    let inside = ready!(workbench.inside(thing)?);
    if !inside.model.spec.is_decoder {
        let family = inside.model.spec.family.name();
        return Err(Failure::input(format!(
            "{} is an encoder ({family}): it says no next token, so there is no answer that a place could carry; open a model that does (GPT-2, Llama, Qwen2)",
            thing.title
        )));
    }
    let is_run = match address.one("run")? {
        None => false,
        Some("1") => true,
        Some(other) => return Err(Failure::usage(format!("run={other}: it is 1, or not there"))),
    };
    let verify = address.number::<f64>("verify")?.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&verify) {
        return Err(Failure::usage(format!("verify={verify}: it is a share of the cells, from 0 to 1")));
    }
    let (cell, is_whole) = (address.one("cell")?, is_run || address.one("cell")?.is_some());
    if is_run && cell.is_some() {
        return Err(Failure::usage("run and cell: the grid and a cell of it are asked for one by one"));
    }
    if verify > 0.0 && !is_run {
        return Err(Failure::usage("verify: cells are run again where the grid is run; ask with run=1"));
    }
    let question = Question::of(address, inside)?;
    let ready = match question.ready(workbench.options.most_bytes / LOOKED) {
        Ok(ready) => ready,
        Err(NotReady::Other(failure)) => return Err(failure),
        Err(NotReady::Prompts(problem)) if is_whole => return Err(Failure::input(problem)),
        Err(NotReady::Prompts(problem)) => {
            let said = ready!(said(workbench, thing, &question)?);
            return Ok(Answer::Ready(told::not_ready(thing, &question, &said, &problem)));
        }
    };
    let looked = match looked(workbench, thing, address, &question, &ready) {
        Ok(found) => ready!(found),
        // The prompts can be seen, and what is said of them.
        Err(failure) if failure.code == Code::Input && !is_whole => {
            let said = ready!(said(workbench, thing, &question)?);
            return Ok(Answer::Ready(told::not_ready(thing, &question, &said, &failure.message)));
        }
        Err(failure) => return Err(failure),
    };
    if let Some(cell) = cell {
        let cell = asked::cell(cell, &looked.known.plan().cells)?;
        let found = ready!(place(workbench, thing, address, (&question, &looked), cell)?);
        let said = ready!(said(workbench, thing, &question)?);
        let other = told::Other::of(&question, &said);
        return Ok(Answer::Ready(told::place((thing, &question, &ready), &looked, cell, &found, &other)));
    }
    if is_run {
        let found = ready!(swept(workbench, thing, address, (&question, &looked), verify)?);
        return Ok(Answer::Ready(told::grid((thing, &question, &ready), &found, verify)));
    }
    let said = ready!(said(workbench, thing, &question)?);
    Ok(Answer::Ready(told::plan((thing, &question, &ready), &looked, &said)))
}

/// What a key of results begins with: everything that a grid depends on.
fn key(thing: &Thing, address: &Address, more: &str) -> String {
    format!(
        "{}\n{}\n{more}",
        thing.id,
        address.without(&["run", "verify", "cell", "transformer"]).canonical()
    )
}

/// All logits after the clean and the corrupt prompt, where the answer is measured.
fn said(
    workbench: &Arc<Workbench>,
    thing: &Thing,
    question: &Question,
) -> Result<Found<[Vec<f32>; 2]>, Failure> {
    let prompts = question.measured();
    let (inside, threads) = (Arc::clone(&question.inside), workbench.options.threads);
    let key = format!("{}\n{prompts:?}", thing.id);
    let title = format!("What {} says after both prompts", thing.title);
    workbench.patching.said.get(&workbench.jobs, &key, &title, move |_| {
        let there: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).filter(|ids| !ids.is_empty()).collect();
        let found = run_on(&inside.model, &there, Wanted::Last, &mut Untouched, Machine::with(threads));
        let mut all = found.map_err(|(_, cause)| Failure::input(cause))?.answers.into_iter();
        Ok(prompts.map(|ids| {
            let answer = if ids.is_empty() { None } else { all.next() };
            answer.map_or_else(Vec::new, |answer| answer.data)
        }))
    })
}

/// The first runs, and what of the rest has to be computed.
fn looked(
    workbench: &Arc<Workbench>,
    thing: &Thing,
    address: &Address,
    question: &Question,
    ready: &Ready,
) -> Result<Found<Looked>, Failure> {
    let (inside, case, patching) = (Arc::clone(&question.inside), ready.case.clone(), question.patching);
    let threads = workbench.options.threads;
    let title = format!("Planning patches of {} in {}", patching.site, thing.title);
    workbench.patching.looked.get(&workbench.jobs, &key(thing, address, ""), &title, move |job| {
        let start = Instant::now();
        let prepared = prepare(&Means::of(&inside.model), &case, patching, &Control { threads, watch: job })
            .map_err(Failure::input)?;
        let mut costs = Costs::default();
        costs.add(prepared.plan());
        costs.estimate(start.elapsed().as_secs_f64(), prepared.multiply_adds());
        Ok(Looked { known: prepared.known(), costs, unchanged: prepared.unchanged() })
    })
}

/// All cells.
fn swept(
    workbench: &Arc<Workbench>,
    thing: &Thing,
    address: &Address,
    (question, looked): (&Question, &Looked),
    verify: f64,
) -> Result<Found<Several>, Failure> {
    let (inside, known) = (Arc::clone(&question.inside), Arc::clone(&looked.known));
    let (threads, site) = (workbench.options.threads, question.patching.site);
    let key = key(thing, address, &verify.to_string());
    let title = format!("Patching {site} in {}, cell by cell", thing.title);
    workbench.patching.swept.get(&workbench.jobs, &key, &title, move |job| {
        let n = known.plan().cells.len();
        job.expect((n + (verify * n as f64).ceil() as usize) as u64);
        let control = Control { threads, watch: job };
        let found = Prepared::again(&inside.model, known, &control).run(verify, &control);
        let found = Several::from(found.map_err(of_engine)?);
        match worst(&found) {
            0.0 => Ok(found),
            worst => Err(Failure::new(
                Code::Bug,
                format!(
                    "a bug: cells that were run again are off by up to {worst:e}; please report the prompts"
                ),
            )),
        }
    })
}

/// One cell, from its block on.
fn place(
    workbench: &Arc<Workbench>,
    thing: &Thing,
    address: &Address,
    (question, looked): (&Question, &Looked),
    cell: pellucid::explain::inside::Cell,
) -> Result<Found<Place>, Failure> {
    let (inside, known) = (Arc::clone(&question.inside), Arc::clone(&looked.known));
    let threads = workbench.options.threads;
    let written = asked::written(cell);
    let title = format!("Patching {} in {} at {written}", question.patching.site, thing.title);
    workbench.patching.places.get(&workbench.jobs, &key(thing, address, &written), &title, move |job| {
        let prepared = Prepared::again(&inside.model, known, &Control { threads, watch: job });
        let found = prepared.place(cell).map_err(of_engine)?;
        job.advance(1);
        Ok(Place(found))
    })
}

fn of_engine(error: PatchError) -> Failure {
    match error {
        PatchError::Stopped => Failure::cancelled(),
        PatchError::Untouched { .. } => Failure::new(Code::Bug, error.to_string()),
        error => Failure::input(error),
    }
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let Some(first) = super::beginning("/api/patching", page(workbench)) else { return Ok(Vec::new()) };
    let plan = crate::export::waited(workbench, &first)?;
    let mut all = vec![first.clone()];
    if plan["plan"]["estimated_seconds"].as_f64().is_none_or(|seconds| seconds > FROZEN_SECONDS) {
        return Ok(all);
    }
    let run = first.with("run", "1");
    let grid = crate::export::waited(workbench, &run)?;
    all.push(run);
    let mut cells: Vec<(f64, &str)> = grid["grid"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|cell: &Value| Some((cell["effect"].as_f64()?.abs(), cell["cell"].as_str()?)))
        .collect();
    cells.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.extend(cells.into_iter().take(FROZEN).map(|(_, cell)| first.with("cell", cell)));
    Ok(all)
}
