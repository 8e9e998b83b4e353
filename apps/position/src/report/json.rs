//! The report as JSON, `pellucid.position/1`: the analysis first, then the words.

use serde_json::Value;

use super::saved::{
    Cite, Counted, Raise, SCHEMA, SavedConfirmed, SavedFinding, SavedFit, SavedInput, SavedLine, SavedReport,
    SavedRequirement, SavedReview, SavedSection, SavedVerdict,
};
use super::{Line, Report, short};
use crate::analysis::Analysis;
use crate::document::Span;
use crate::judge::Verdict;

/// The report as JSON.
#[must_use]
pub fn json(analysis: &Analysis, report: &Report) -> Value {
    // Plain values: texts, numbers and lists of them.
    serde_json::to_value(SavedReport::of(analysis, report)).unwrap_or_default()
}

fn cite(analysis: &Analysis, span: &Span) -> Cite {
    let document = &analysis.documents[span.document];
    Cite {
        document: document.name.clone(),
        place: document.place(span.start).to_string(),
        start: span.start,
        end: span.end,
        quote: analysis.quote(span).to_owned(),
    }
}

fn verdict(analysis: &Analysis, own: &Verdict) -> SavedVerdict {
    let facts = |places: &[usize]| -> Vec<Cite> {
        places.iter().map(|&at| cite(analysis, &analysis.profile.facts[at].span)).collect()
    };
    let asked = Span { document: analysis.posting, start: own.range.start, end: own.range.end };
    SavedVerdict {
        asked: analysis.quote(&asked).to_owned(),
        status: own.status,
        rule: own.rule.to_owned(),
        because: own.because.clone(),
        cites: facts(&own.support),
        near: facts(&own.near),
        months: own.months.map(|(sure, possible, asked)| Counted { sure, possible, asked }),
        roles: own.roles.iter().map(|&at| cite(analysis, &analysis.profile.roles[at].span)).collect(),
        parts: own.parts.iter().map(|part| verdict(analysis, part)).collect(),
    }
}

fn lines(analysis: &Analysis, all: &[Line]) -> Vec<SavedLine> {
    let of = |line: &Line| SavedLine {
        lead: line.lead.clone(),
        text: line.text.clone(),
        status: line.status,
        advice: line.advice,
        cites: line.cites.iter().map(|span| cite(analysis, span)).collect(),
    };
    all.iter().map(of).collect()
}

fn requirement(analysis: &Analysis, at: usize) -> SavedRequirement {
    let (asked, own) = (&analysis.requirements[at], &analysis.verdicts[at]);
    let support = own.all_support();
    SavedRequirement {
        id: asked.id.clone(),
        text: analysis.quote(&asked.span).to_owned(),
        short: Some(short(analysis, &asked.node)),
        status: own.status,
        strength: asked.strength,
        gate: asked.gate,
        theme: asked.theme.clone(),
        source: cite(analysis, &asked.span),
        cites: support.iter().map(|&at| cite(analysis, &analysis.profile.facts[at].span)).collect(),
        verdict: verdict(analysis, own),
        credit: crate::fit::credit_of(own),
        weight: crate::fit::weight(asked.strength),
    }
}

fn fit(analysis: &Analysis) -> SavedFit {
    let [lo, hi] = analysis.fit.interval;
    let id = |at: usize| analysis.requirements[at].id.clone();
    let raises = analysis.fit.raises.iter().map(|&(at, lo)| Raise { requirement: id(at), lo });
    SavedFit {
        lo: lo.value(),
        hi: hi.value(),
        label: analysis.fit.label.to_owned(),
        exact: [lo, hi],
        meaning:
            "coverage of the posting's stated requirements by these documents; not a probability of being hired"
                .to_owned(),
        raises: Some(raises.collect()),
    }
}

fn inputs(analysis: &Analysis) -> Vec<SavedInput> {
    let role = |at: usize| match at {
        at if at == analysis.posting => "posting",
        at if analysis.notes.contains(&at) => "notes",
        _ => "profile",
    };
    let of = |(at, document): (usize, &crate::document::Document)| SavedInput {
        role: role(at).to_owned(),
        name: document.name.clone(),
        media: document.media,
        sha256: document.sha256.clone(),
    };
    analysis.documents.iter().enumerate().map(of).collect()
}

fn review(analysis: &Analysis) -> SavedReview {
    let confirmed = analysis.review.confirmed.iter();
    SavedReview {
        rejected: analysis.review.rejected.iter().map(|at| cite(analysis, at)).collect(),
        confirmed: confirmed
            .map(|one| SavedConfirmed {
                requirement: one.requirement.clone(),
                cite: cite(analysis, &one.fact),
            })
            .collect(),
    }
}

impl SavedReport {
    /// A report with the analysis that it tells of.
    #[must_use]
    pub fn of(analysis: &Analysis, report: &Report) -> Self {
        let findings = analysis.findings.iter().map(|finding| SavedFinding {
            kind: finding.kind.to_owned(),
            text: finding.text.clone(),
            cite: finding.span.as_ref().map(|at| cite(analysis, at)),
        });
        let sections = report.sections.iter().map(|section| SavedSection {
            heading: section.heading.clone(),
            level: section.level,
            paragraphs: lines(analysis, &section.paragraphs),
            items: lines(analysis, &section.items),
        });
        Self {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            as_of: analysis.as_of.to_string(),
            inputs: inputs(analysis),
            fit: fit(analysis),
            requirements: (0..analysis.requirements.len()).map(|at| requirement(analysis, at)).collect(),
            findings: findings.collect(),
            title: report.title.clone(),
            sections: sections.collect(),
            // An analysis of the documents as they stand has none.
            review: (!analysis.review.is_empty()).then(|| review(analysis)),
        }
    }
}
