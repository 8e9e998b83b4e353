//! The report as JSON, `pellucid.position/1`: the analysis first, then the words.

use serde_json::{Value, json};

use super::{Line, Report};
use crate::analysis::Analysis;
use crate::document::Span;
use crate::judge::Verdict;

fn span(analysis: &Analysis, span: &Span) -> Value {
    json!({
        "document": analysis.documents[span.document].name, "place": analysis.documents[span.document].place(span.start).to_string(),
        "start": span.start, "end": span.end, "quote": analysis.quote(span),
    })
}

fn verdict(analysis: &Analysis, own: &Verdict) -> Value {
    let facts = |places: &[usize]| -> Vec<Value> {
        places.iter().map(|&at| span(analysis, &analysis.profile.facts[at].span)).collect()
    };
    let asked = Span { document: analysis.posting, start: own.range.start, end: own.range.end };
    json!({
        "asked": analysis.quote(&asked), "status": own.status, "rule": own.rule, "because": own.because,
        "cites": facts(&own.support), "near": facts(&own.near),
        "months": own.months.map(|(sure, possible, asked)| json!({"sure": sure, "possible": possible, "asked": asked})),
        "roles": own.roles.iter().map(|&at| span(analysis, &analysis.profile.roles[at].span)).collect::<Vec<_>>(),
        "parts": own.parts.iter().map(|part| verdict(analysis, part)).collect::<Vec<_>>(),
    })
}

/// The report as JSON.
#[must_use]
pub fn json(analysis: &Analysis, report: &Report) -> Value {
    let [lo, hi] = analysis.fit.interval;
    let requirements: Vec<Value> = analysis
        .requirements
        .iter()
        .zip(&analysis.verdicts)
        .map(|(asked, own)| {
            let [credit_lo, credit_hi] = crate::fit::credit_of(own);
            let [weight_lo, weight_hi] = crate::fit::weight(asked.strength);
            let cites: Vec<Value> = own.all_support().iter().map(|&at| span(analysis, &analysis.profile.facts[at].span)).collect();
            json!({
                "id": asked.id, "text": analysis.quote(&asked.span), "status": own.status, "strength": asked.strength, "gate": asked.gate,
                "theme": asked.theme, "source": span(analysis, &asked.span), "cites": cites, "verdict": verdict(analysis, own),
                "credit": [credit_lo.to_string(), credit_hi.to_string()], "weight": [weight_lo.to_string(), weight_hi.to_string()],
            })
        })
        .collect();
    let line = |line: &Line| {
        let cites: Vec<Value> = line.cites.iter().map(|cite| span(analysis, cite)).collect();
        json!({"lead": line.lead, "text": line.text, "status": line.status, "advice": line.advice, "cites": cites})
    };
    let sections: Vec<Value> = report
        .sections
        .iter()
        .map(|section| {
            json!({
                "heading": section.heading, "level": section.level,
                "paragraphs": section.paragraphs.iter().map(line).collect::<Vec<_>>(),
                "items": section.items.iter().map(line).collect::<Vec<_>>(),
            })
        })
        .collect();
    let inputs: Vec<Value> = analysis
        .documents
        .iter()
        .enumerate()
        .map(|(at, document)| {
            let role = if at == analysis.posting {
                "posting"
            } else if analysis.notes.contains(&at) {
                "notes"
            } else {
                "profile"
            };
            json!({"role": role, "name": document.name, "media": document.media, "sha256": document.sha256})
        })
        .collect();
    let findings: Vec<Value> = analysis
        .findings
        .iter()
        .map(|finding| json!({"kind": finding.kind, "text": finding.text, "cite": finding.span.as_ref().map(|at| span(analysis, at))}))
        .collect();
    let mut told = json!({
        "schema": "pellucid.position/1",
        "version": env!("CARGO_PKG_VERSION"),
        "as_of": analysis.as_of.to_string(),
        "inputs": inputs,
        "fit": {
            "lo": lo.value(), "hi": hi.value(), "label": analysis.fit.label, "exact": [lo.to_string(), hi.to_string()],
            "meaning": "coverage of the posting's stated requirements by these documents; not a probability of being hired",
        },
        "requirements": requirements,
        "findings": findings,
        "title": report.title,
        "sections": sections,
    });
    // An analysis of the documents as they stand has no such key.
    if !analysis.review.is_empty()
        && let Some(own) = told.as_object_mut()
    {
        let rejected = analysis.review.rejected.iter().map(|at| span(analysis, at)).collect::<Vec<_>>();
        let confirmed = analysis.review.confirmed.iter();
        let confirmed =
            confirmed.map(|one| json!({"requirement": one.requirement, "cite": span(analysis, &one.fact)}));
        own.insert(
            "review".to_owned(),
            json!({"rejected": rejected, "confirmed": confirmed.collect::<Vec<_>>()}),
        );
    }
    told
}
