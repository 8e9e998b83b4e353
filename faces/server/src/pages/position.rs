//! How does a profile fit a posting, and what if a line of it were not so?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pellucid_position::document::Span;
use pellucid_position::fit::{Interval, Ratio, credit_of, weight};
use pellucid_position::judge::Verdict;
use pellucid_position::model::{Fact, Grade, Status, Strength};
use pellucid_position::report::{Line, compose, probe, question, short, step};
use pellucid_position::review::{Review, question_of};
use pellucid_position::{Analysis, AnalysisError, analyze_reviewed};
use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::memo::Found;
use crate::opened::Thing;
use crate::workbench::{Answer, Workbench};

mod asked;
mod report;
mod texts;

use asked::Asked;
pub(crate) use report::facts as report_facts;

const PATH: &str = "/api/position";

impl From<AnalysisError> for Failure {
    fn from(error: AnalysisError) -> Self {
        match error {
            AnalysisError::Swapped { .. } => Self::usage(error.to_string()),
            AnalysisError::NoSuchFact { .. } | AnalysisError::NoSuchRequirement(_) => {
                Self::new(Code::NotFound, error.to_string())
            }
            other => Self::input(other),
        }
    }
}

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    let documents: Vec<&Thing> = workbench.things.iter().filter(|thing| thing.document().is_some()).collect();
    let Some(posting) = documents.last().filter(|_| documents.len() > 1) else {
        let report = workbench.things.iter().find(|thing| thing.report().is_some())?;
        return Some(("position", vec![("report", report.id.clone())]));
    };
    Some(("position", vec![("posting", posting.id.clone()), ("as_of", workbench.opened.to_string())]))
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let reports = workbench.things.iter().filter(|thing| thing.report().is_some());
    let mut all: Vec<Address> = reports.map(|thing| Address::of(PATH, &[("report", &thing.id)])).collect();
    let first = super::beginning(PATH, page(workbench)).filter(|first| !all.contains(first));
    // Documents that can't be compared have no answer, and an export goes without it.
    all.extend(first.filter(|first| crate::export::waited(workbench, first).is_ok()));
    Ok(all)
}

/// The analysis of what is asked, with what the person says of its facts.
fn analysed(
    workbench: &Arc<Workbench>,
    asked: &Asked<'_>,
    key: &str,
    review: Review,
) -> Result<Found<Analysis>, Failure> {
    let documents = asked.documents();
    let (posting, as_of) = (asked.profile.len(), asked.as_of);
    let title = format!("Comparing the profile with {}", asked.posting.title);
    workbench.positions.get(&workbench.jobs, key, &title, move |_| {
        let documents = documents.iter().map(|document| document.as_ref().clone()).collect();
        Ok(analyze_reviewed(documents, posting, as_of, &review)?)
    })
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    if let Some(id) = address.one("report")? {
        address.only(&["report"])?;
        return report::answer(workbench, id).map(Answer::Ready);
    }
    address.only(&["posting", "profile", "as_of", "reject", "confirm", "report"])?;
    let asked = Asked::read(workbench, address)?;
    let before = match analysed(workbench, &asked, &asked.key(), Review::default())? {
        Found::Ready(before) => before,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let review = asked.review(address, &before)?;
    let now = if review.is_empty() {
        Arc::clone(&before)
    } else {
        let key = format!("{}\n{}", asked.key(), address.canonical());
        match analysed(workbench, &asked, &key, review)? {
            Found::Ready(now) => now,
            Found::Working(job) => return Ok(Answer::Working(job)),
        }
    };
    Ok(Answer::Ready(Told { asked: &asked, before: &before, now: &now }.told()))
}

/// What an answer is made of.
struct Told<'a> {
    asked: &'a Asked<'a>,
    /// The analysis of the documents as they stand.
    before: &'a Analysis,
    /// With what the person says of them.
    now: &'a Analysis,
}

fn ratio(ratio: Ratio, percent: i128) -> Value {
    json!({"text": ratio.to_string(), "value": ratio.value(), "percent": percent})
}

fn ends([lo, hi]: Interval) -> Value {
    json!([lo.to_string(), hi.to_string()])
}

impl Told<'_> {
    fn told(&self) -> Value {
        let (now, asked) = (self.now, self.asked);
        let report = compose(now);
        let header = |name: &str| {
            report.header.iter().find(|(own, _)| own == name).map_or("", |(_, said)| said.as_str())
        };
        let summary = report.sections.first();
        let paragraphs = summary.map_or(&[][..], |section| section.paragraphs.as_slice());
        let line = |line: &Line| json!({"lead": line.lead, "text": line.text});
        let is_reviewed = !now.review.is_empty();
        let mut notes: Vec<String> = Vec::new();
        // What the person said stands on the page itself.
        for finding in now.findings.iter().filter(|finding| !finding.kind.ends_with("_by_person")) {
            let place = finding.span.as_ref().map_or(String::new(), |span| format!("{}: ", now.cite(span)));
            notes.push(format!("{place}{}", finding.text));
        }
        if is_reviewed {
            notes.push(
                "What was rejected or confirmed can't be said on the command line or in Python yet: they analyse the documents as they stand."
                    .to_owned(),
            );
        }
        let used = self.used();
        let known = self.before.profile.facts.iter().map(|fact| (&fact.span, fact)).collect();
        let (documents, cut) = texts::documents(self, &used);
        notes.extend(cut);
        let (command, python) = asked.again();
        json!({
            "schema": "pellucid.workbench.position/1", "report": null, "posting": asked.posting.id,
            "profile": asked.profile.iter().map(|thing| thing.id.as_str()).collect::<Vec<_>>(), "as_of": asked.as_of.to_string(),
            "title": now.title(), "fit": self.fit(now, paragraphs.first()), "before": is_reviewed.then(|| self.fit(self.before, None)),
            "words": paragraphs.iter().skip(1).map(line).collect::<Vec<_>>(),
            "to_settle": summary.map_or(&[][..], |section| section.items.as_slice()).iter().map(line).collect::<Vec<_>>(),
            "requirements": (0..now.requirements.len()).map(|at| self.requirement(at)).collect::<Vec<_>>(),
            "facts": used.iter().map(|span| self.fact(span, &known)).collect::<Vec<_>>(), "documents": documents, "reviewed": is_reviewed,
            "confirmed": now.review.confirmed.iter().map(|one| json!({"requirement": one.requirement, "fact": self.id(&one.fact)})).collect::<Vec<_>>(),
            "caution": header("For"), "scored_by": header("Scored by"), "candidates_from": header("Candidates came from"), "notes": notes,
            "command": command, "python": python,
        })
    }

    fn fit(&self, analysis: &Analysis, said: Option<&Line>) -> Value {
        let fit = &analysis.fit;
        let [lo, hi] = fit.interval;
        let id = |at: &usize| analysis.requirements[*at].id.clone();
        json!({
            "lo": ratio(lo, lo.percent_down()), "hi": ratio(hi, hi.percent_up()), "label": fit.label,
            "lead": said.map_or("", |line| line.lead.as_str()), "sentence": said.map_or("", |line| line.text.as_str()),
            "raises": fit.raises.iter().map(|(at, lo)| json!({"requirement": id(at), "lo": ratio(*lo, lo.percent_down())})).collect::<Vec<_>>(),
            "widens": fit.widens.iter().map(|(at, by)| json!({"requirement": id(at), "by": ratio(*by, by.percent_up())})).collect::<Vec<_>>(),
            "open_gates": fit.open_gates.iter().map(id).collect::<Vec<_>>(),
        })
    }

    /// A fact's name in addresses: its document and its bytes.
    fn id(&self, span: &Span) -> String {
        let id = self.asked.things().nth(span.document).map_or("", |thing| thing.id.as_str());
        format!("{id}:{}-{}", span.start, span.end)
    }

    fn ids(&self, facts: &[usize]) -> Vec<String> {
        facts.iter().map(|&at| self.id(&self.now.profile.facts[at].span)).collect()
    }

    fn requirement(&self, at: usize) -> Value {
        let (asked, own) = (&self.now.requirements[at], &self.now.verdicts[at]);
        let was = self.before.verdicts.get(at).map(|before| before.status);
        let was = was.filter(|was| *was != own.status);
        let mut parts = Vec::new();
        own.parts.iter().for_each(|part| self.part(part, 0, own.rule, &mut parts));
        let is_open = own.status != Status::Met;
        let mut near = Vec::new();
        gather(own, &mut |verdict| near.extend(verdict.near.iter().copied()));
        let mut seen = BTreeSet::new();
        near.retain(|fact| seen.insert(*fact));
        let rejected: Vec<String> = self
            .before
            .verdicts
            .get(at)
            .map(Verdict::all_support)
            .unwrap_or_default()
            .into_iter()
            .map(|fact| &self.before.profile.facts[fact].span)
            .filter(|span| self.now.review.rejected.contains(span))
            .map(|span| self.id(span))
            .collect();
        json!({
            "id": asked.id, "text": self.now.quote(&asked.span), "short": short(self.now, &asked.node), "theme": asked.theme,
            "strength": asked.strength, "insists": insists(asked.strength), "gate": asked.gate, "place": self.now.cite(&asked.span),
            "status": own.status, "words": own.status.words(), "was": was, "was_words": was.map(Status::words), "rule": own.rule, "because": own.because,
            "cites": self.ids(&own.all_support()), "near": self.ids(&near), "rejected": rejected, "parts": parts, "credit": ends(credit_of(own)), "weight": ends(weight(asked.strength)),
            "asks": question_of(own).map(|fact| self.id(&self.now.profile.facts[fact].span)),
            "question": is_open.then(|| question(self.now, at)), "probe": is_open.then(|| probe(self.now, at)), "step": is_open.then(|| step(self.now, at)),
        })
    }

    /// The parts of a verdict, one after another, each with its depth.
    fn part(&self, own: &Verdict, depth: usize, joint: &str, out: &mut Vec<Value>) {
        let span = Span { document: self.now.posting, start: own.range.start, end: own.range.end };
        out.push(json!({
            "depth": depth, "joint": if joint.starts_with("any") { "any" } else { "all" }, "asked": self.now.quote(&span), "status": own.status,
            "words": own.status.words(), "because": own.because, "rule": own.rule, "cites": self.ids(&own.support),
        }));
        own.parts.iter().for_each(|part| self.part(part, depth + 1, own.rule, out));
    }

    /// Facts that some verdict speaks of, before or now, and those that the person speaks of.
    fn used(&self) -> Vec<Span> {
        let mut used: BTreeSet<Span> = self.now.review.rejected.iter().cloned().collect();
        used.extend(self.now.review.confirmed.iter().map(|one| one.fact.clone()));
        for analysis in [self.before, self.now] {
            for verdict in &analysis.verdicts {
                gather(verdict, &mut |own| {
                    let facts = own.support.iter().chain(&own.near);
                    used.extend(facts.map(|&at| analysis.profile.facts[at].span.clone()));
                });
            }
        }
        used.into_iter().collect()
    }

    fn fact(&self, span: &Span, known: &BTreeMap<&Span, &Fact>) -> Value {
        let fact = known.get(span).copied();
        let role = fact.and_then(|fact| fact.role).map(|role| &self.before.profile.roles[role]);
        // A heading is its own role.
        let role = role.filter(|role| role.span.start > span.start || span.end > role.span.end);
        json!({
            "id": self.id(span), "quote": self.before.quote(span), "place": self.before.cite(span), "role": role.map(|role| role.title.as_str()),
            "grade": fact.map(|fact| grade(fact.grade)), "rejected": self.now.review.rejected.contains(span),
            "confirmed": self.now.review.confirmed.iter().filter(|one| one.fact == *span).map(|one| one.requirement.as_str()).collect::<Vec<_>>(),
        })
    }
}

/// A verdict and all of its parts.
fn gather(verdict: &Verdict, each: &mut dyn FnMut(&Verdict)) {
    each(verdict);
    verdict.parts.iter().for_each(|part| gather(part, each));
}

fn insists(strength: Strength) -> &'static str {
    match strength {
        Strength::Must => "required",
        Strength::Strong => "what you bring",
        Strength::Nice => "a plus",
        Strength::Inferred => "follows from the duties",
    }
}

fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::SelfDescription => "self-description",
        Grade::Listed => "in a list",
        Grade::Shown => "in a role, a project or a degree",
        Grade::Outcome => "with what came of it",
        Grade::Artefact => "can be looked up",
    }
}
