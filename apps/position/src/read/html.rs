//! HTML: the text that a reader sees, block by block, and a schema.org JobPosting where the page shows none.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};
use serde_json::Value;

use crate::document::{Document, Kind, Media, Place};

/// Elements whose text nobody reads.
const HIDDEN: [&str; 9] =
    ["script", "style", "nav", "noscript", "template", "svg", "form", "footer", "title"];
/// Elements that begin and end a block.
const BLOCKS: [&str; 22] = [
    "p", "div", "section", "article", "header", "main", "ul", "ol", "li", "table", "tr", "td", "th", "h1",
    "h2", "h3", "h4", "h5", "h6", "br", "dt", "dd",
];
/// A page with less text than this is taken from its JobPosting.
const LITTLE_TEXT: usize = 200;

pub(super) fn read(name: &str, text: &str) -> Document {
    let (mut document, postings) = visible(name, text);
    if document.text.len() < LITTLE_TEXT
        && let Some(posting) = postings.iter().find_map(job_posting)
    {
        fill(&mut document, &posting);
    }
    document
}

/// The page as it is seen, and the JSON-LD of its scripts.
fn visible(name: &str, text: &str) -> (Document, Vec<Value>) {
    let mut document = Document::new(name, Media::Html);
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line = |at: usize| Place::Line(starts.partition_point(|&start| start <= at) as u32);
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    // Scripts and styles are not HTML inside.
    emitter.naively_switch_states(true);
    let mut scripts = Vec::new();
    let mut hidden: Vec<String> = Vec::new();
    let mut is_json = false;
    let mut kind = Kind::Paragraph;
    let mut open: Vec<(String, Place)> = Vec::new();
    let mut flush = |open: &mut Vec<(String, Place)>, kind: Kind| {
        let pieces = std::mem::take(open);
        document.push(kind, pieces.iter().map(|(piece, place)| (piece.as_str(), place.clone())));
    };
    // Reading from memory can't fail.
    for Ok(token) in Tokenizer::new_with_emitter(text, emitter) {
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                if BLOCKS.contains(&name.as_str()) {
                    flush(&mut open, kind);
                    kind = kind_of(&name).unwrap_or(if name == "br" { kind } else { Kind::Paragraph });
                }
                if HIDDEN.contains(&name.as_str()) && !tag.self_closing {
                    let key: &[u8] = b"type";
                    is_json = tag.attributes.get(key).is_some_and(|value| value.value.ends_with(b"ld+json"));
                    hidden.push(name);
                }
            }
            Token::EndTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                if let Some(at) = hidden.iter().rposition(|open| *open == name) {
                    hidden.truncate(at);
                }
                if BLOCKS.contains(&name.as_str()) {
                    flush(&mut open, kind);
                    kind = Kind::Paragraph;
                }
            }
            Token::String(piece) => {
                let said = String::from_utf8_lossy(&piece.value).into_owned();
                if hidden.is_empty() {
                    // Inline markup does not part words.
                    match open.last_mut() {
                        Some((last, _))
                            if !said.starts_with(char::is_whitespace)
                                && !last.ends_with(char::is_whitespace) =>
                        {
                            last.push_str(&said);
                        }
                        _ => open.push((said, line(piece.span.start))),
                    }
                } else if is_json {
                    scripts.extend(serde_json::from_str::<Value>(&said).ok());
                }
            }
            _ => {}
        }
    }
    flush(&mut open, kind);
    (document, scripts)
}

fn kind_of(name: &str) -> Option<Kind> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(Kind::Heading(level - b'0')),
        b"li" | b"dd" => Some(Kind::Item),
        b"td" | b"th" => Some(Kind::Cell),
        _ => None,
    }
}

/// The JobPosting among linked data: alone, in a list, or in a graph.
fn job_posting(value: &Value) -> Option<Value> {
    match value {
        Value::Array(items) => items.iter().find_map(job_posting),
        Value::Object(fields) => {
            let is = |kind: &Value| {
                kind == "JobPosting" || kind.as_array().is_some_and(|a| a.iter().any(|k| k == "JobPosting"))
            };
            if fields.get("@type").is_some_and(is) {
                return Some(value.clone());
            }
            fields.get("@graph").and_then(job_posting)
        }
        _ => None,
    }
}

/// Fields whose text is HTML, often escaped once more.
fn fill(document: &mut Document, posting: &Value) {
    let mut say = |kind, text: &str, key: &str| {
        let inner = visible("", &unescaped(text)).0;
        for block in &inner.blocks {
            let kind = if block.kind == Kind::Paragraph { kind } else { block.kind };
            document.push(kind, [(inner.block_text(block), Place::Node(format!("JobPosting/{key}")))]);
        }
    };
    say(Kind::Heading(1), posting["title"].as_str().unwrap_or_default(), "title");
    say(Kind::Paragraph, posting["description"].as_str().unwrap_or_default(), "description");
    for (key, heading) in [
        ("responsibilities", "Responsibilities"),
        ("qualifications", "Requirements"),
        ("skills", "Requirements"),
        ("educationRequirements", "Requirements"),
        ("experienceRequirements", "Requirements"),
        ("eligibilityToWorkRequirement", "Requirements"),
    ] {
        let value = &posting[key];
        let months = value["monthsOfExperience"]
            .as_f64()
            .or_else(|| value["monthsOfExperience"].as_str()?.parse().ok());
        let said = match (value.as_str(), months) {
            (Some(text), _) => text.to_owned(),
            (None, Some(months)) => format!("At least {} years of experience", months / 12.0),
            _ => value["credentialCategory"].as_str().unwrap_or_default().to_owned(),
        };
        if !said.is_empty() {
            say(Kind::Heading(2), heading, key);
            say(Kind::Item, &said, key);
        }
    }
}

fn unescaped(text: &str) -> String {
    if text.contains('<') {
        return text.to_owned();
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
