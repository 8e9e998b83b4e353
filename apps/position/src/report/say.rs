//! How is a need, a verdict, a piece of evidence put into words?

use crate::analysis::Analysis;
use crate::asked::pattern;
use crate::concepts::ConceptId;
use crate::document::Span;
use crate::model::{Need, Node, Requirement};
use crate::months::in_words;

pattern!(
    LEAD,
    r"(?i)^(?:you\s+(?:are|have|will\s+have|can|should|must|bring)|(?:some|solid|strong|good|proven|demonstrated|excellent)?\s*(?:experience|knowledge|understanding|familiarity|familiar|background|experienced)\s+(?:with|in|of|as)|(?:an?\s+)?(?:strong\s+|good\s+)?(?:ability|able)\s+to)\s+(?:an?\s+|the\s+)?"
);

/// Names as a list: `A, B and C`.
pub(super) fn list(parts: &[String], last: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        // Names that hold an "and" of their own are told apart by semicolons.
        [head @ .., end] if parts.iter().any(|part| part.contains(" and ") || part.contains(", ")) => {
            format!("{}; {last} {end}", head.join("; "))
        }
        [head @ .., end] => format!("{} {last} {end}", head.join(", ")),
    }
}

/// Small numbers as words.
pub(super) fn number(n: usize) -> String {
    const WORDS: [&str; 13] = [
        "none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    WORDS.get(n).map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

fn names(concepts: &[ConceptId]) -> String {
    list(&concepts.iter().map(|concept| concept.name().to_owned()).collect::<Vec<_>>(), "or")
}

/// A need in a few words.
#[must_use]
pub fn short(analysis: &Analysis, node: &Node) -> String {
    const LEVELS: [&str; 7] = ["", "A1", "A2", "B1", "B2", "C1", "C2"];
    match &node.need {
        Need::Concept(concept) => concept.name().to_owned(),
        Need::Several(concept, n) => format!("{n} or more of {}", concept.name()),
        Need::Years { months, area, .. } => {
            let of = if area.is_empty() {
                "experience".to_owned()
            } else {
                list(&area.iter().map(|group| names(group)).collect::<Vec<_>>(), "and")
            };
            format!("{} of {of}", in_words(*months))
        }
        Need::Degree { level, fields, .. } if fields.is_empty() => format!("a {}", level.name()),
        Need::Degree { level, fields, .. } => format!("a {} in {}", level.name(), names(fields)),
        Need::Language(language, level) => {
            format!("{} ({})", language.name(), LEVELS.get(*level as usize).unwrap_or(&""))
        }
        Need::Place(place) => format!("being in {place}"),
        Need::WorkPermit(_) => "permission to work".to_owned(),
        Need::Publications(1) => "publications".to_owned(),
        Need::Publications(n) => format!("{n} publications"),
        Need::Amount(n, unit) => format!("at least {n} {}", unit.name()),
        Need::Interest(concept) => format!("an interest in {}", concept.name()),
        Need::Words(_) => quoted(analysis, node),
        Need::AnyOf(nodes) => list(&nodes.iter().map(|node| short(analysis, node)).collect::<Vec<_>>(), "or"),
        // Where the posting says more than the table has names for, its own words say it best.
        Need::AllOf(nodes) if nodes.iter().any(|node| matches!(node.need, Need::Words(_))) => {
            quoted(analysis, node)
        }
        Need::AllOf(nodes) => {
            let parts: Vec<String> = nodes.iter().take(4).map(|node| short(analysis, node)).collect();
            if nodes.len() > 4 {
                format!("{} and {} more", parts.join(", "), nodes.len() - 4)
            } else {
                list(&parts, "and")
            }
        }
    }
}

/// The posting's own words without "Experience with".
fn quoted(analysis: &Analysis, node: &Node) -> String {
    let text =
        analysis.documents[analysis.posting].text[node.range.clone()].trim().trim_end_matches(['.', ';']);
    let bare = LEAD.as_ref().and_then(|lead| lead.find(text)).map_or(text, |hit| &text[hit.end()..]);
    format!("“{}”", cut(if bare.len() > 8 { bare } else { text }, 70))
}

/// The sentence of a requirement, as it leads a line.
pub(super) fn asked(analysis: &Analysis, requirement: &Requirement) -> String {
    let text = analysis.quote(&requirement.span).trim().trim_end_matches(['.', ';', ',']);
    cut(text, 120)
}

/// Cuts at a word, with an ellipsis.
pub(super) fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let end = text.char_indices().nth(letters).map_or(text.len(), |(at, _)| at);
    let end = text[..end].rfind(' ').unwrap_or(end);
    format!("{} …", text[..end].trim_end_matches([',', ';', ':']))
}

/// A fact as evidence: its words, and the role that they stand in.
pub(super) fn evidence(analysis: &Analysis, fact: usize) -> (String, Vec<Span>) {
    let fact = &analysis.profile.facts[fact];
    let quote = cut(analysis.quote(&fact.span).trim_end_matches(['.', ';']), 160);
    let mut cites = vec![fact.span.clone()];
    let role = fact.role.map(|role| &analysis.profile.roles[role]);
    let said = match role {
        Some(role) if role.span.start > fact.span.start || fact.span.end > role.span.end => {
            cites.push(role.span.clone());
            format!("“{quote}” ({})", cut(&role.title, 90))
        }
        _ => format!("“{quote}”"),
    };
    (said, cites)
}

/// "Built the reports" as one says it of oneself: "I built the reports"; what is no deed stays as it is.
pub(super) fn first_person(quote: &str) -> String {
    let first = quote.split_whitespace().next().unwrap_or_default();
    let lower = first.to_lowercase();
    let is_word = first.chars().skip(1).all(char::is_lowercase) && first.starts_with(char::is_uppercase);
    if is_word && crate::stance::is_past(&lower) {
        format!("I {lower}{}", &quote[first.len()..])
    } else {
        format!("“{quote}”")
    }
}

/// The first letter made large.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
