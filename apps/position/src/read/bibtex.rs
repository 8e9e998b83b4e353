//! BibTeX: each entry becomes one publication, as a line that people would write.

use crate::document::{Document, Kind, Media, Place};

pub(super) fn read(name: &str, text: &str) -> Document {
    let mut document = Document::new(name, Media::Bibtex);
    document.push(Kind::Heading(1), [("Publications", Place::Line(1))]);
    let mut at = 0;
    while let Some(found) = text[at..].find('@') {
        let start = at + found;
        let line = text[..start].matches('\n').count() as u32 + 1;
        let Some((kind, body, end)) = entry(text, start) else {
            at = start + 1;
            continue;
        };
        at = end;
        if matches!(kind.to_lowercase().as_str(), "comment" | "string" | "preamble") {
            continue;
        }
        let field = |name: &str| field(body, name);
        let title = field("title").unwrap_or_default();
        let venue = field("journal").or_else(|| field("booktitle")).or_else(|| field("publisher"));
        let parts = [field("author"), Some(title), venue, field("year")];
        let said: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        document.push(Kind::Item, [(said.join(". ").as_str(), Place::Line(line))]);
    }
    document
}

/// The kind, the body between the outer braces, and where it ends.
fn entry(text: &str, start: usize) -> Option<(&str, &str, usize)> {
    let open = start + text[start..].find('{')?;
    let kind = text[start + 1..open].trim();
    if kind.is_empty() || !kind.chars().all(char::is_alphabetic) {
        return None;
    }
    let mut depth = 0;
    for (at, letter) in text[open..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((kind, &text[open + 1..open + at], open + at + 1));
        }
    }
    None
}

/// A field's value without braces, quotes and accents' commands.
fn field(body: &str, name: &str) -> Option<String> {
    let lower = body.to_ascii_lowercase();
    let mut from = 0;
    loop {
        let at = from + lower[from..].find(name)?;
        from = at + name.len();
        let before = body[..at].chars().next_back();
        let rest = body[from..].trim_start();
        if before.is_some_and(char::is_alphanumeric) || !rest.starts_with('=') {
            continue;
        }
        let value = rest[1..].trim_start();
        let raw = match value.chars().next()? {
            '{' => {
                let mut depth = 0;
                let end = value.char_indices().find(|(_, c)| {
                    depth += i32::from(*c == '{') - i32::from(*c == '}');
                    depth == 0
                })?;
                &value[1..end.0]
            }
            '"' => value[1..].split('"').next()?,
            _ => value.split([',', '\n']).next()?,
        };
        let plain: String = raw.replace("--", "–").replace(['{', '}', '\\'], "");
        return Some(plain.split_whitespace().collect::<Vec<_>>().join(" ").replace(" and ", ", "));
    }
}
