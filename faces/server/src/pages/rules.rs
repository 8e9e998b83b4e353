//! Which simple model would do, and what is proven of it?

use std::sync::Arc;
use std::time::{Duration, Instant};

use pellucid::data::ratio::RatioError;
use pellucid::data::{Control, Ratio, Table};
use pellucid::explain::Watch;
use pellucid::laid::{Laid, certified, of_learned, over, rule_table};
use pellucid::learn::Searching;
use pellucid::learn::certificate::format::{certificate_to_json, rules_to_json};
use pellucid::learn::certificate::verify::{self, Verdict};
use pellucid::learn::certificate::{Certificate, RulesFile};
use pellucid::learn::optimal::Bounds;
use pellucid::learn::task::{check_required, learned, prepare, rules_file};
use pellucid::views::View as _;
use pellucid::views::gap_curve::{GapCurve, Known};
use pellucid::views::number::{count, pretty};
use serde_json::{Value, json};

use super::asked_rules::{PARAMETERS, Target, conditions, in_python_words, options, targets, words};
use super::global::finite;
use super::{in_python, named};
use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::figure::figure;
use crate::jobs::Job;
use crate::memo::Found;
use crate::workbench::{Answer, Workbench};

/// Seconds of a search, unless the address says otherwise.
const SECONDS: u64 = 10;

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    let table = workbench.table(&Address::of("", &[])).ok()?;
    let mut parameters = vec![("data", table.id.clone())];
    if let Some(thing) = workbench.things.iter().find(|thing| thing.rules().is_some()) {
        parameters.push(("rules", thing.id.clone()));
    }
    Some(("rules", parameters))
}

/// Rules with what they were learned from, or were laid over.
pub(crate) struct Ruled {
    file: RulesFile,
    laid: Vec<Laid>,
    /// Of a search: what was known when.
    trail: Vec<Known>,
    targets: Vec<Target>,
    notes: Vec<String>,
    /// The options of the command, for learned rules.
    words: String,
    seconds: f64,
}

/// A job that also ends when its time is over.
pub(super) struct Limited<'a> {
    pub(super) job: &'a Job,
    pub(super) until: Instant,
}

impl Watch for Limited<'_> {
    fn advance(&self, done: usize) {
        self.job.advance(done);
    }

    fn should_stop(&self) -> bool {
        self.job.should_stop() || Instant::now() >= self.until
    }
}

pub(super) fn seconds(address: &Address) -> Result<Duration, Failure> {
    let seconds = address.number::<u64>("seconds")?.unwrap_or(SECONDS);
    if !(1..=86_400).contains(&seconds) {
        return Err(Failure::usage(format!("seconds={seconds}: a search has between 1 second and a day")));
    }
    Ok(Duration::from_secs(seconds))
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&[&PARAMETERS[..], &["rules", "off"]].concat())?;
    let table = match workbench.whole(address)? {
        Found::Ready(table) => table,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let ruled = match ruled(workbench, address, &table)? {
        Found::Ready(ruled) => ruled,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    told(workbench, address, &table, &ruled).map(Answer::Ready)
}

/// The rules of an address: of a file, or learned.
fn ruled(workbench: &Arc<Workbench>, address: &Address, table: &Arc<Table>) -> Result<Found<Ruled>, Failure> {
    let key = address.without(&["off"]).canonical();
    if let Some(thing) = workbench.rules(address)? {
        let (table, file) = (Arc::clone(table), thing.rules().cloned());
        let title = format!("Laying {} over the data", thing.title);
        return workbench.ruled.get(&workbench.jobs, &key, &title, move |_| {
            let file = file.ok_or_else(|| Failure::new(Code::Bug, "no rules"))?;
            let mut notes = Vec::new();
            let laid = over(&file, &table, &mut notes).map_err(Failure::input)?;
            let (targets, trail) = (targets(&table), Vec::new());
            Ok(Ruled {
                file: file.as_ref().clone(),
                laid,
                trail,
                targets,
                notes,
                words: String::new(),
                seconds: 0.0,
            })
        });
    }
    let found = targets(table);
    let (mut options, conditions, limit) =
        (options(address, table, &found)?, conditions(address)?, seconds(address)?);
    let opened = workbench.table(address)?;
    let words = words(address, &options) + &workbench.spelled(opened).words;
    options.drop.extend(workbench.dropped(opened));
    check_required(&options, &conditions).map_err(Failure::input)?;
    let (table, threads) = (Arc::clone(table), workbench.options.threads);
    let title = format!("Searching the best rules for {}", options.target);
    workbench.ruled.get(&workbench.jobs, &key, &title, move |job| {
        let mut notes = Vec::new();
        let task = prepare(table.as_ref().clone(), &options, job, &mut notes).map_err(Failure::input)?;
        task.check(&conditions).map_err(Failure::input)?;
        // The search begins here; finding the candidates is not a part of it.
        let start = Instant::now();
        let mut trail: Vec<Known> = Vec::new();
        let mut hear = |bounds: Bounds| {
            let upper = bounds.upper.map(Ratio::value);
            job.tell(json!({"best": upper.map(finite), "bound": finite(bounds.lower.value())}));
            trail.push(Known {
                seconds: start.elapsed().as_secs_f64(),
                lower: bounds.lower.value(),
                upper,
                nodes: bounds.nodes,
            });
        };
        // The time is for the search; what was found before its end is an answer, too.
        let watch = Limited { job, until: Instant::now() + limit };
        let control = Control { threads, watch: &watch };
        let learned =
            learned(task, conditions, &Searching::with(control), &mut hear).map_err(Failure::input)?;
        let certificate = &learned.certificate;
        trail.push(Known {
            seconds: start.elapsed().as_secs_f64(),
            lower: certificate.lower_bound.value(),
            upper: Some(certificate.objective.value()),
            nodes: certificate.nodes,
        });
        let file = rules_file(&[&learned], None, env!("CARGO_PKG_VERSION"));
        let file = file.ok_or_else(|| Failure::new(Code::Bug, "a search without a class"))?;
        if !certificate.is_proven() {
            notes.push(format!(
                "the search ended after {} s, before its proof: give it more time, or a larger λ",
                pretty(start.elapsed().as_secs_f64(), 2)
            ));
        }
        Ok(Ruled {
            file,
            laid: vec![of_learned(&learned)],
            trail,
            targets: found,
            notes,
            words,
            seconds: start.elapsed().as_secs_f64(),
        })
    })
}

fn told(workbench: &Workbench, address: &Address, table: &Table, ruled: &Ruled) -> Result<Value, Failure> {
    let data = workbench.table(address)?;
    let laid = ruled.laid.first().ok_or_else(|| Failure::input("the file has no class"))?;
    let off = off(address, laid)?;
    let shown = if off.is_empty() { laid.clone() } else { without(laid, &off, ruled, table)? };
    let certificate = &laid.certificate;
    let view = rule_table(&shown, &ruled.file.decision.default);
    let mut all = words_of(&shown, laid, &off);
    all.insert(0, view.sentence());
    let rule = |(at, rule): (usize, pellucid::models::rules::Rule)| {
        let facts = &laid.facts.rules[at];
        json!({
            "text": rule.to_string(), "conditions": rule.conditions.iter().map(ToString::to_string).collect::<Vec<_>>(), "covered": facts.covered,
            "positives": facts.positives, "precision": finite(facts.precision()), "interval": facts.precision_interval, "only_here": facts.only_here,
            "off": off.contains(&at),
        })
    };
    let (data_name, data_text) = named(&data.source);
    let rules_thing = workbench.rules(address)?;
    let command = match rules_thing {
        Some(thing) => format!("pellucid rules show {} {data_name}", named(&thing.source).0),
        None => format!("pellucid rules learn {data_name}{} -o rules.json", ruled.words),
    };
    // Python has no way to read a file of rules.
    let python = rules_thing.is_none().then(|| python(address, &data_text, &ruled.file.decision.target));
    let about = format!("{} = {}", certificate.universe.target, certificate.universe.positive);
    let curve = (!ruled.trail.is_empty()).then(|| {
        let universe = &certificate.universe;
        let subtitle = format!(
            "{} rows · {} candidate rules · λ = {}",
            count(universe.rows as usize),
            count(universe.candidates.len()),
            universe.objective.lambda
        );
        let curve = GapCurve {
            about: about.clone(),
            subtitle,
            trail: ruled.trail.clone(),
            is_proven: certificate.is_proven(),
        };
        figure("gap", &curve)
    });
    Ok(json!({
        "schema": "pellucid.workbench.rules/1", "data": data.id, "rules_file": rules_thing.map(|thing| &thing.id), "target": certificate.universe.target,
        "positive": certificate.universe.positive, "default": ruled.file.decision.default, "targets": ruled.targets.iter().map(Target::told).collect::<Vec<_>>(),
        "columns": table.schema().fields.iter().map(|field| &field.name).collect::<Vec<_>>(), "n_classes": ruled.laid.len(), "own_rows": laid.is_own,
        "words": all, "table": figure("rules", &view), "rules": certificate.rules().into_iter().enumerate().map(rule).collect::<Vec<_>>(),
        "confusion": shown.facts.confusion, "total": shown.facts.total, "curve": curve, "certificate": proof(certificate, ruled),
        "file": rules_to_json(&ruled.file), "command": command, "python": python, "notes": ruled.notes,
    }))
}

/// What is proven, and of what.
fn proof(certificate: &Certificate, ruled: &Ruled) -> Value {
    let universe = &certificate.universe;
    let value = |ratio: Ratio| json!({"text": ratio.to_string(), "value": finite(ratio.value())});
    let gap = certificate.objective.minus(certificate.lower_bound).unwrap_or(Ratio::ZERO);
    json!({
        "proven": certificate.is_proven(), "sentence": certified(certificate), "objective": value(certificate.objective), "lower_bound": value(certificate.lower_bound),
        "gap": value(gap), "n_optimal": certificate.n_optimal.map(|n| n.to_string()), "nodes": certificate.nodes, "seconds": ruled.seconds, "candidates": universe.candidates.len(),
        "rows": universe.rows, "weight": universe.weight, "lambda": value(universe.objective.lambda),
        "costs": [universe.objective.false_positive, universe.objective.false_negative], "hash": universe.hash, "json": certificate_to_json(certificate),
    })
}

/// Rules that are switched off, by number.
fn off(address: &Address, laid: &Laid) -> Result<Vec<usize>, Failure> {
    let n = laid.certificate.chosen.len();
    let read = |text: &str| match text.parse::<usize>() {
        Ok(at) if at < n => Ok(at),
        _ => Err(Failure::usage(format!("off={text}: the set has {n} rules, counted from 0"))),
    };
    let mut off: Vec<usize> = address.all("off").map(read).collect::<Result<_, _>>()?;
    off.sort_unstable();
    off.dedup();
    Ok(off)
}

/// The same set without some of its rules, on the same rows.
fn without(laid: &Laid, off: &[usize], ruled: &Ruled, table: &Table) -> Result<Laid, Failure> {
    let mut file = ruled.file.clone();
    let mut at = 0..;
    if let Some(class) = file.decision.classes.first_mut() {
        class.rules.retain(|_| at.next().is_none_or(|at| !off.contains(&at)));
    }
    let mut certificate = laid.certificate.clone();
    let mut at = 0..;
    certificate.chosen.retain(|_| at.next().is_none_or(|at| !off.contains(&at)));
    // What is proven is proven of all of its rules.
    certificate.n_optimal = None;
    if let Some(own) = file.certificates.first_mut() {
        *own = certificate.clone();
    }
    let laid = over(&file, table, &mut Vec::new()).map_err(Failure::input)?;
    let mut laid = laid.into_iter().next().ok_or_else(|| Failure::new(Code::Bug, "a set without a class"))?;
    // Its own objective, which the bound is not about: it wears no proof.
    laid.certificate.objective = objective_of(&laid).map_err(Failure::input)?;
    Ok(laid)
}

/// What is proven; of a set that was changed, how much worse it is on the same rows.
fn words_of(shown: &Laid, laid: &Laid, off: &[usize]) -> Vec<String> {
    if off.is_empty() {
        return vec![certified(&laid.certificate)];
    }
    let rules = if off.len() == 1 { "one rule".to_owned() } else { format!("{} rules", off.len()) };
    vec![match (objective_of(shown), objective_of(laid)) {
        (Ok(value), Ok(own)) => {
            let more = value.minus(own).map_or(f64::NAN, Ratio::value);
            format!(
                "Without {rules} the objective is {value} ({}), {} above the {} of all of them on these rows.",
                pretty(value.value(), 5),
                pretty(more, 3),
                pretty(own.value(), 5)
            )
        }
        (Err(cause), _) | (_, Err(cause)) => {
            format!("Without {rules} the objective can't be told exactly: {cause}.")
        }
    }]
}

/// The objective of a set on the rows that it is laid over.
fn objective_of(laid: &Laid) -> Result<Ratio, RatioError> {
    let objective = &laid.certificate.universe.objective;
    let [[_, false_positive], [false_negative, _]] = laid.facts.confusion;
    let cost = |n: u64, each: u32| n.checked_mul(u64::from(each));
    let errors = cost(false_positive, objective.false_positive)
        .zip(cost(false_negative, objective.false_negative))
        .and_then(|(a, b)| i64::try_from(a.checked_add(b)?).ok());
    objective.value(errors.ok_or(RatioError::Overflow)?, laid.certificate.chosen.len(), laid.facts.total)
}

/// The same in Python.
fn python(address: &Address, data: &str, target: &str) -> String {
    format!(
        "import pellucid as pel\n\nmodel = pel.RuleSetClassifier({}).fit({data}, {})\nprint(model.rules_, model.certificate_)\n",
        in_python_words(address).join(", "),
        in_python(target)
    )
}

/// Whether the certificate holds, checked from the raw data by other code than made it.
pub(super) fn verified(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&[&PARAMETERS[..], &["rules", "off"]].concat())?;
    let table = match workbench.whole(address)? {
        Found::Ready(table) => table,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let ruled = match ruled(workbench, address, &table)? {
        Found::Ready(ruled) => ruled,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let (key, limit) = (format!("verify {}", address.without(&["off"]).canonical()), seconds(address)?);
    let found = workbench.verified.get(&workbench.jobs, &key, "Checking the certificate", move |job| {
        let start = Instant::now();
        let watch = Limited { job, until: start + limit };
        let verdicts = verify::rules(&ruled.file, &table, &watch);
        if job.should_stop() {
            return Err(Failure::cancelled());
        }
        let of = |verdict: &Verdict| match verdict {
            Verdict::Proven(text) => json!({"verdict": "proven", "reason": text}),
            Verdict::Refuted(text) => json!({"verdict": "refuted", "reason": text}),
            Verdict::Unproven(text) => json!({"verdict": "unproven", "reason": text}),
        };
        let verdicts: Vec<Value> = verdicts.iter().map(of).collect();
        Ok(json!({"schema": "pellucid.workbench.rules_verify/1", "verdicts": verdicts, "seconds": start.elapsed().as_secs_f64()}))
    })?;
    Ok(match found {
        Found::Ready(value) => Answer::Ready(value.as_ref().clone()),
        Found::Working(job) => Answer::Working(job),
    })
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let Some(first) = super::beginning("/api/rules", page(workbench)) else { return Ok(Vec::new()) };
    crate::export::waited(workbench, &first).map(|_| vec![first])
}
