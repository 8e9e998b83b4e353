//! The report as one page: words at the left, the posting and the profile at the right with every quote marked; a
//! click on a claim shows what it rests on. No network, readable without a script.

use std::fmt::Write as _;

use super::{Line, Report};
use crate::analysis::Analysis;
use crate::document::{Kind, Span};
use crate::model::Status;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The report as a page.
#[must_use]
pub fn html(analysis: &Analysis, report: &Report) -> String {
    let mut out = String::new();
    let title = escaped(&report.title);
    // Writing to a string can't fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"generator\" content=\"Pellucid\"><title>{title}</title><link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head>\n<body><main>\n<header><h1>{title}</h1>"
    );
    fit(&mut out, analysis);
    out.push_str("<dl>");
    for (name, value) in &report.header {
        let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
    }
    out.push_str("</dl></header>\n");
    for section in &report.sections {
        let level = section.level;
        let _ = write!(out, "<h{level}>{}</h{level}>", escaped(&section.heading));
        for line in &section.paragraphs {
            let _ = write!(out, "<p{}>{}</p>", data(line), said(analysis, line));
        }
        if !section.items.is_empty() {
            let list = if section.numbered { "ol" } else { "ul" };
            let _ = write!(out, "<{list}>");
            for line in &section.items {
                let _ = write!(out, "<li{}>{}</li>", data(line), said(analysis, line));
            }
            let _ = writeln!(out, "</{list}>");
        }
    }
    out.push_str("</main><aside aria-label=\"Sources\">\n");
    sources(&mut out, analysis, report);
    let _ = writeln!(out, "</aside><script>{SCRIPT}</script></body></html>");
    out
}

/// The interval as a bar.
fn fit(out: &mut String, analysis: &Analysis) {
    let [lo, hi] = analysis.fit.interval;
    let (low, high) = (lo.percent_down(), hi.percent_up());
    let _ = write!(
        out,
        "<div class=\"fit\" role=\"img\" aria-label=\"Fit from {low} to {high} percent\"><span class=\"track\"><span class=\"range\" style=\"left:{low}%;width:{}%\"></span></span>\
         <span class=\"ends\"><span>0 %</span><b>{low} to {high} %</b><span>100 %</span></span></div>",
        (high - low).max(1)
    );
}

fn data(line: &Line) -> String {
    let status = line.status.map_or(String::new(), |status| format!(" class=\"{}\"", class(status)));
    let cites: Vec<String> = line.cites.iter().map(id).collect();
    if cites.is_empty() { status } else { format!("{status} data-cites=\"{}\"", cites.join(" ")) }
}

fn class(status: Status) -> &'static str {
    match status {
        Status::Met => "met",
        Status::NotFound | Status::Contradicted => "missing",
        _ => "open",
    }
}

fn id(span: &Span) -> String {
    format!("s{}-{}-{}", span.document, span.start, span.end)
}

fn said(analysis: &Analysis, line: &Line) -> String {
    let lead = if line.lead.is_empty() { String::new() } else { format!("<b>{}</b>", escaped(&line.lead)) };
    let joint = if lead.is_empty() || line.text.is_empty() { "" } else { ": " };
    let cites: String = line
        .cites
        .iter()
        .map(|span| {
            format!(
                " <a class=\"cite\" href=\"#{}\" title=\"{}\">{}</a>",
                id(span),
                escaped(analysis.quote(span)),
                escaped(&analysis.cite(span))
            )
        })
        .collect();
    let status = line
        .status
        .map_or(String::new(), |status| format!("<span class=\"status\">{}</span> ", status.words()));
    format!("{status}{lead}{joint}{}{cites}", escaped(&line.text))
}

/// Every document, with what is cited of it marked. Marks never overlap: of two that would, the first is kept, and
/// the anchor of the other stands before it.
fn sources(out: &mut String, analysis: &Analysis, report: &Report) {
    let lines = report.sections.iter().flat_map(|section| section.paragraphs.iter().chain(&section.items));
    let mut spans: Vec<Span> = lines.flat_map(|line| line.cites.iter().cloned()).collect();
    spans.sort();
    spans.dedup();
    for (at, document) in analysis.documents.iter().enumerate() {
        let _ = write!(out, "<section><h2>{}</h2>", escaped(analysis.name(at)));
        for block in &document.blocks {
            let own: Vec<&Span> = spans
                .iter()
                .filter(|span| {
                    span.document == at
                        && span.start >= block.range.start
                        && span.start < block.range.end.max(1)
                })
                .collect();
            let _ = write!(
                out,
                "<p{}><span class=\"place\">{}</span>",
                if matches!(block.kind, Kind::Heading(_)) { " class=\"heading\"" } else { "" },
                escaped(&document.place(block.range.start).to_string())
            );
            let mut from = block.range.start;
            for span in own {
                let anchor = id(span);
                if span.start < from {
                    let _ = write!(out, "<span id=\"{anchor}\"></span>");
                    continue;
                }
                let end = span.end.min(block.range.end);
                let _ = write!(
                    out,
                    "{}<mark id=\"{anchor}\">{}</mark>",
                    escaped(&document.text[from..span.start]),
                    escaped(&document.text[span.start..end])
                );
                from = end;
            }
            let _ = write!(out, "{}</p>", escaped(&document.text[from..block.range.end]));
        }
        out.push_str("</section>\n");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
