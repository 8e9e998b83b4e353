//! What are the words and sentences? Tokens that keep `C++`, `C#`, `.NET` and `Node.js` whole, and sentences that do not
//! end at `e.g.`

use std::ops::Range;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// As it stands.
    pub(crate) raw: String,
    /// In small letters, without a plural's s: what is compared.
    pub(crate) norm: String,
}

/// The words of a text. `/` and `-` part words; `+`, `#`, `&` and an inner or leading `.` belong to them.
#[must_use]
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    let at = |i: usize| letters.get(i).map(|(_, c)| *c);
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < letters.len() {
        let c = letters[i].1;
        let dotted = c == '.'
            && at(i + 1).is_some_and(char::is_alphabetic)
            && (i == 0 || !at(i - 1).is_some_and(char::is_alphanumeric));
        if !(c.is_alphanumeric() || dotted) {
            i += 1;
            continue;
        }
        let start = i;
        i += 1;
        while let Some(c) = at(i) {
            let inner = matches!(c, '.' | '&' | '\'' | '’') && at(i + 1).is_some_and(char::is_alphanumeric);
            let tail = matches!(c, '+' | '#') && !at(i + 1).is_some_and(|c| c.is_alphanumeric());
            if !(c.is_alphanumeric() || inner || tail) {
                break;
            }
            i += 1;
        }
        let end = letters.get(i).map_or(text.len(), |(at, _)| *at);
        let range = letters[start].0..end;
        let raw = text[range.clone()].to_owned();
        let norm = normal(&raw);
        tokens.push(Token { range, raw, norm });
    }
    tokens
}

/// How a word is compared: small, without 's, and without a plural's s.
#[must_use]
pub(crate) fn normal(word: &str) -> String {
    let small = word.to_lowercase().replace('’', "'");
    let small = small.strip_suffix("'s").unwrap_or(&small);
    let letters = small.chars().count();
    if letters > 4
        && let Some(stem) = small.strip_suffix("ies")
    {
        return format!("{stem}y");
    }
    let plural = letters > 3
        && small.ends_with('s')
        && !["ss", "us", "is", "ous"].iter().any(|end| small.ends_with(end));
    if plural { small[..small.len() - 1].to_owned() } else { small.to_owned() }
}

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));

/// A stem for words that are compared loosely: the English Snowball stemmer.
#[must_use]
pub(crate) fn stem(norm: &str) -> String {
    STEMMER.stem(norm).into_owned()
}

/// Words after which a full stop ends nothing.
const SHORT: [&str; 26] = [
    "e.g", "i.e", "etc", "ph.d", "m.sc", "b.sc", "dr", "mr", "mrs", "ms", "prof", "no", "vs", "approx",
    "inc", "ltd", "co", "corp", "st", "jan", "feb", "sept", "oct", "nov", "dec", "incl",
];

/// No abbreviation has more letters.
const LONGEST_SHORT: usize = 12;

/// The sentences of a text that has no line feeds.
#[must_use]
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, mark) in text.char_indices().filter(|(_, c)| matches!(c, '.' | '!' | '?')) {
        let after = &text[at + mark.len_utf8()..];
        let ends = after.is_empty() || after.starts_with(char::is_whitespace);
        // An abbreviation is short: no more than its own letters are looked at, however long the text before it.
        let from =
            text[start..at].char_indices().rev().nth(LONGEST_SHORT).map_or(start, |(back, _)| start + back);
        let word = text[from..at]
            .split_whitespace()
            .next_back()
            .unwrap_or_default()
            .trim_start_matches('(')
            .to_lowercase();
        let next = after.trim_start().chars().next();
        let goes_on = mark == '.'
            && (SHORT.contains(&word.as_str())
                || (word.chars().count() == 1 && word != "i" && !word.chars().all(|c| c.is_ascii_digit())))
            && next.is_some();
        if ends && !goes_on && next.is_none_or(|c| !c.is_lowercase()) {
            let end = at + mark.len_utf8();
            found.push(start..end);
            start = end;
        }
    }
    found.push(start..text.len());
    let trimmed = found.into_iter().map(|range| {
        let piece = &text[range.clone()];
        let from = range.start + piece.len() - piece.trim_start().len();
        from..(range.start + piece.trim_end().len()).max(from)
    });
    trimmed.filter(|range| text[range.clone()].chars().any(char::is_alphanumeric)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_marks_stay_whole() {
        let raw: Vec<String> =
            tokens("C++, C#/.NET and Node.js; R&D, CI/CD. Full-stack.").into_iter().map(|t| t.raw).collect();
        assert_eq!(raw, ["C++", "C#", ".NET", "and", "Node.js", "R&D", "CI", "CD", "Full", "stack"]);
        assert_eq!(
            ["databases", "Companies", "analysis", "nurse's", "bus", "process"].map(normal),
            ["database", "company", "analysis", "nurse", "bus", "process"]
        );
    }

    #[test]
    fn sentences_end_where_they_end() {
        let text =
            "Worked with e.g. Node.js and a Ph.D. student. Saved $1.7M in 2020. No. 5 of 10 tasks! Done";
        let said: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(
            said,
            [
                "Worked with e.g. Node.js and a Ph.D. student.",
                "Saved $1.7M in 2020.",
                "No. 5 of 10 tasks!",
                "Done"
            ]
        );
        assert_eq!(sentences("  . ").len(), 0);
    }
}
