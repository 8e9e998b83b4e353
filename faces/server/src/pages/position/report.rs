//! What did an analysis find that was kept in a file? The same page, of what the report holds: its verdicts, its lines and its words.

use std::collections::{BTreeMap, BTreeSet};

use pellucid_position::fit::Ratio;
use pellucid_position::model::Status;
use pellucid_position::report::saved::{Cite, SavedLine, SavedReport, SavedRequirement, SavedVerdict};
use serde_json::{Value, json};

use super::{ends, insists, ratio};
use crate::failure::Failure;
use crate::opened::Thing;
use crate::workbench::{Workbench, pick};

/// What the navigation says of it.
pub(crate) fn facts(report: &SavedReport) -> Vec<(&'static str, String)> {
    let [lo, hi] = report.fit.exact;
    vec![
        ("kind", "a position report".to_owned()),
        ("as of", report.as_of.clone()),
        ("fit", format!("{} to {} %", lo.percent_down(), hi.percent_up())),
        ("requirements", report.requirements.len().to_string()),
        ("written by", format!("Pellucid {}", report.version)),
    ]
}

pub(super) fn answer(workbench: &Workbench, id: &str) -> Result<Value, Failure> {
    let all = workbench.things.iter().filter_map(|thing| Some((thing, thing.report()?)));
    let (thing, report) = pick(all, Some(id), "position report", |of| &of.0.id)?;
    thing.unchanged()?;
    Ok(Told { thing, report }.told(workbench))
}

struct Told<'a> {
    thing: &'a Thing,
    report: &'a SavedReport,
}

fn line(line: &SavedLine) -> Value {
    json!({"lead": line.lead, "text": line.text})
}

impl Told<'_> {
    fn told(&self, workbench: &Workbench) -> Value {
        let report = self.report;
        let [summary, rest @ ..] = report.sections.as_slice() else { return Value::Null };
        let sections: Vec<Value> = rest
            .iter()
            .map(|section| {
                let all = section.paragraphs.iter().chain(&section.items).map(line);
                json!({"heading": section.heading, "level": section.level, "lines": all.collect::<Vec<_>>()})
            })
            .collect();
        let findings = report.findings.iter().map(|finding| {
            let place =
                finding.cite.as_ref().map_or(String::new(), |cite| format!("{}: ", report.cite(cite)));
            format!("{place}{}", finding.text)
        });
        let of_role = |role: &'static str| {
            let all = report.inputs.iter().enumerate().filter(move |(_, input)| input.role == role);
            all.map(|(at, _)| at.to_string()).collect::<Vec<_>>()
        };
        json!({
            "schema": "pellucid.workbench.position/1", "report": {
                "id": self.thing.id, "title": self.thing.title, "version": report.version, "inputs": self.inputs(workbench), "sections": sections,
            },
            "posting": of_role("posting").concat(), "profile": of_role("profile"), "as_of": report.as_of, "title": report.title,
            "fit": self.fit(summary.paragraphs.first()), "before": null,
            "words": summary.paragraphs.iter().skip(1).map(line).collect::<Vec<_>>(), "to_settle": summary.items.iter().map(line).collect::<Vec<_>>(),
            "requirements": report.requirements.iter().map(|own| self.requirement(own)).collect::<Vec<_>>(), "facts": self.facts(),
            "documents": self.documents(), "reviewed": report.review.is_some(), "confirmed": [], "caution": report.fit.meaning, "scored_by": null,
            "candidates_from": null, "notes": findings.collect::<Vec<_>>(),
            "command": format!("pellucid workbench {}", super::super::named(&self.thing.source).0), "python": null,
        })
    }

    /// What went in, and which of it is open now, by its hash.
    fn inputs(&self, workbench: &Workbench) -> Vec<Value> {
        let open = |hash: &str| {
            let is_it = |thing: &&Thing| thing.document().is_some_and(|document| document.sha256 == hash);
            workbench.things.iter().find(is_it).map(|thing| thing.id.as_str())
        };
        let all = self.report.inputs.iter().enumerate();
        all.map(|(at, input)| json!({"role": input.role, "name": input.name, "title": self.report.name(at), "sha256": input.sha256, "open": open(&input.sha256)}))
            .collect()
    }

    fn fit(&self, said: Option<&SavedLine>) -> Value {
        let (fit, [lo, hi]) = (&self.report.fit, self.report.fit.exact);
        let raises = fit.raises.iter().flatten();
        let is_open = |own: &&SavedRequirement| own.gate && own.status != Status::Met;
        let open = self.report.requirements.iter().filter(is_open).map(|own| own.id.as_str());
        json!({
            "lo": ratio(lo, lo.percent_down()), "hi": ratio(hi, hi.percent_up()), "label": fit.label,
            "lead": said.map_or("", |line| line.lead.as_str()), "sentence": said.map_or("", |line| line.text.as_str()),
            "raises": raises.map(|raise| json!({"requirement": raise.requirement, "lo": down(raise.lo)})).collect::<Vec<_>>(),
            "widens": [], "open_gates": open.collect::<Vec<_>>(),
        })
    }

    /// A line's name on the page: its document and its bytes.
    fn id(&self, cite: &Cite) -> String {
        let document = self.report.document_of(cite).unwrap_or_default();
        format!("{document}:{}-{}", cite.start, cite.end)
    }

    fn ids<'a>(&self, cites: impl IntoIterator<Item = &'a Cite>) -> Vec<String> {
        let mut seen = BTreeSet::new();
        cites.into_iter().map(|cite| self.id(cite)).filter(|id| seen.insert(id.clone())).collect()
    }

    fn requirement(&self, own: &SavedRequirement) -> Value {
        let mut near = Vec::new();
        own.verdict.each(&mut |verdict| near.extend(&verdict.near));
        let mut parts = Vec::new();
        own.verdict.parts.iter().for_each(|part| self.part(part, 0, &own.verdict.rule, &mut parts));
        json!({
            "id": own.id, "text": own.text, "short": own.short.as_ref().unwrap_or(&own.text), "theme": own.theme, "strength": own.strength,
            "insists": insists(own.strength), "gate": own.gate, "place": self.report.cite(&own.source), "status": own.status, "words": own.status.words(),
            "was": null, "was_words": null, "rule": own.verdict.rule, "because": own.verdict.because, "cites": self.ids(&own.cites),
            "near": self.ids(near), "rejected": [], "parts": parts, "credit": ends(own.credit), "weight": ends(own.weight), "asks": null,
            "question": null, "probe": null, "step": null,
        })
    }

    fn part(&self, own: &SavedVerdict, depth: usize, joint: &str, out: &mut Vec<Value>) {
        out.push(json!({
            "depth": depth, "joint": if joint.starts_with("any") { "any" } else { "all" }, "asked": own.asked, "status": own.status,
            "words": own.status.words(), "because": own.because, "rule": own.rule, "cites": self.ids(&own.cites),
        }));
        own.parts.iter().for_each(|part| self.part(part, depth + 1, &own.rule, out));
    }

    /// Lines of the profile that some verdict speaks of, by their names.
    fn used(&self) -> BTreeMap<String, &Cite> {
        let mut used = BTreeMap::new();
        for own in &self.report.requirements {
            let mut cites: Vec<&Cite> = own.cites.iter().collect();
            own.verdict.each(&mut |verdict| cites.extend(verdict.cites.iter().chain(&verdict.near)));
            used.extend(cites.into_iter().map(|cite| (self.id(cite), cite)));
        }
        used
    }

    fn facts(&self) -> Vec<Value> {
        let told = |(id, cite): (&String, &&Cite)| {
            json!({
                "id": id, "quote": cite.quote, "place": self.report.cite(cite), "role": null, "grade": null, "rejected": false, "confirmed": [],
            })
        };
        self.used().iter().map(told).collect()
    }

    /// Of each document the lines that the report cites, in their order; it holds no others.
    fn documents(&self) -> Vec<Value> {
        let asked = self.report.requirements.iter().map(|own| (own.id.clone(), &own.source));
        let mut cited: BTreeMap<usize, Vec<(String, &Cite)>> = BTreeMap::new();
        for (id, cite) in asked.chain(self.used()) {
            cited.entry(self.report.document_of(cite).unwrap_or_default()).or_default().push((id, cite));
        }
        let of = |(at, input): (usize, &pellucid_position::report::saved::SavedInput)| {
            let mut own: Vec<&(String, &Cite)> = cited.get(&at).into_iter().flatten().collect();
            // The longest first of those that begin together, so that what lies in another is told with it.
            own.sort_by_key(|(_, cite)| (cite.start, std::cmp::Reverse(cite.end)));
            let mut lines: Vec<(&Cite, Vec<&str>)> = Vec::new();
            for (id, cite) in own {
                match lines.last_mut().filter(|(last, _)| cite.end <= last.end) {
                    Some((_, ids)) => ids.push(id),
                    None => lines.push((cite, vec![id])),
                }
            }
            let blocks = lines.iter().map(|(cite, ids)| {
                json!({"kind": "paragraph", "level": 0, "place": cite.place, "gap": false, "pieces": [{"text": cite.quote, "of": ids}]})
            });
            json!({"id": at.to_string(), "title": self.report.name(at), "role": input.role, "blocks": blocks.collect::<Vec<_>>(), "cut": true})
        };
        self.report.inputs.iter().enumerate().filter(|(_, input)| input.role != "notes").map(of).collect()
    }
}

/// The lower end of a fit, rounded down.
fn down(lo: Ratio) -> Value {
    ratio(lo, lo.percent_down())
}
