//! Plain text: lines, bullets, and paragraphs that were wrapped by hand.

use crate::document::{Document, Kind, Media, Place};

/// A line that is at least so long was probably broken by a margin, in a text that has one.
const WRAPPED: usize = 60;
/// No margin is wider than this: a text with longer lines was not wrapped, and each of its lines stands for itself.
const WIDEST: usize = 120;

pub(super) fn read(name: &str, text: &str) -> Document {
    let mut document = Document::new(name, Media::Text);
    let mut open: Vec<(&str, Place)> = Vec::new();
    let mut kind = Kind::Paragraph;
    let has_margin = text.lines().all(|line| line.trim_end().chars().count() <= WIDEST);
    let mut flush = |open: &mut Vec<(&str, Place)>, kind: Kind| document.push(kind, open.drain(..));
    for (at, line) in text.lines().enumerate() {
        let place = Place::Line(at as u32 + 1);
        let trimmed = line.trim();
        let is_rule =
            !trimmed.is_empty() && trimmed.chars().all(|c| matches!(c, '-' | '=' | '_' | '*' | '~'));
        if trimmed.is_empty() || is_rule {
            flush(&mut open, kind);
            kind = Kind::Paragraph;
            continue;
        }
        if let Some(item) = bullet(trimmed) {
            flush(&mut open, kind);
            kind = Kind::Item;
            open.push((item, place));
            continue;
        }
        let goes_on = open.last().is_some_and(|(last, _)| {
            let small = trimmed.starts_with(|c: char| c.is_lowercase() || c == '(');
            let abbreviated = ["e.g.", "i.e.", "incl.", "approx."].iter().any(|end| last.ends_with(end));
            abbreviated
                || (has_margin && last.len() >= WRAPPED && !last.ends_with(['.', ':', '!', '?']))
                || (has_margin && small && !last.ends_with(['.', ':']))
        });
        if !goes_on {
            flush(&mut open, kind);
            kind = Kind::Paragraph;
        }
        open.push((trimmed, place));
    }
    flush(&mut open, kind);
    document
}

/// What stands behind a bullet.
pub(super) fn bullet(line: &str) -> Option<&str> {
    const MARKS: [&str; 13] = ["\u{fffd}", "•", "‣", "◦", "▪", "●", "■", "·", "–", "—", "-", "*", "\u{f0b7}"];
    let rest = MARKS.iter().find_map(|mark| line.strip_prefix(mark))?;
    let spaced = rest.starts_with(char::is_whitespace) || !line.starts_with(['-', '*', '–', '—']);
    (spaced && !rest.trim().is_empty()).then(|| rest.trim_start())
}
