//! The report as Markdown, with footnotes for its cites.

use std::fmt::Write as _;

use super::{Line, Report};
use crate::analysis::Analysis;
use crate::document::Span;
use crate::model::Status;

/// The report as Markdown.
#[must_use]
pub fn markdown(analysis: &Analysis, report: &Report) -> String {
    let mut notes: Vec<Span> = Vec::new();
    let mut out = format!("# {}\n\n", report.title);
    // Writing to a string can't fail.
    for (name, value) in &report.header {
        let _ = writeln!(out, "- {name}: {value}");
    }
    for section in &report.sections {
        let blank = if out.ends_with("\n\n") { "" } else { "\n" };
        let _ = write!(out, "{blank}{} {}\n\n", "#".repeat(usize::from(section.level)), section.heading);
        for line in &section.paragraphs {
            let _ = write!(out, "{}\n\n", said(line, &mut notes));
        }
        for (at, line) in section.items.iter().enumerate() {
            let mark = if section.numbered { format!("{}.", at + 1) } else { "-".to_owned() };
            let _ = writeln!(out, "{mark} {}{}", symbol(line.status), said(line, &mut notes));
        }
    }
    out.push('\n');
    for (at, span) in notes.iter().enumerate() {
        let _ = writeln!(
            out,
            "[^{}]: `{}` “{}”",
            at + 1,
            analysis.cite(span),
            escaped(&super::say::cut(analysis.quote(span), 300))
        );
    }
    out
}

fn symbol(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Met) => "✅ ",
        Some(Status::NotFound | Status::Contradicted) => "⬜ ",
        Some(Status::Unknown) => "❔ ",
        Some(_) => "⚠️ ",
        None => "",
    }
}

fn said(line: &Line, notes: &mut Vec<Span>) -> String {
    let lead = if line.lead.is_empty() { String::new() } else { format!("**{}**", escaped(&line.lead)) };
    let joint = if lead.is_empty() || line.text.is_empty() { "" } else { ": " };
    let cites = line.cites.iter().map(|span| {
        let at = notes.iter().position(|known| known == span).unwrap_or_else(|| {
            notes.push(span.clone());
            notes.len() - 1
        });
        format!("[^{}]", at + 1)
    });
    let cites: String = cites.collect();
    format!("{lead}{joint}{}{cites}", escaped(&line.text))
}

fn escaped(text: &str) -> String {
    text.replace('*', "\\*").replace('_', "\\_").replace('<', "&lt;").replace('[', "\\[")
}
