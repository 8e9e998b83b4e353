//! Markdown: headings, items, paragraphs and cells, each piece with its line.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::document::{Document, Kind, Media, Place};

pub(super) fn read(name: &str, text: &str) -> Document {
    let mut document = Document::new(name, Media::Markdown);
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line = |at: usize| Place::Line(starts.partition_point(|&start| start <= at) as u32);
    let mut open: Vec<(String, Place)> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    let mut skipped = 0_usize;
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS | Options::ENABLE_STRIKETHROUGH;
    let mut flush = |open: &mut Vec<(String, Place)>, kinds: &[Kind]| {
        let kind = kinds.last().copied().unwrap_or(Kind::Paragraph);
        let pieces = std::mem::take(open);
        document.push(kind, pieces.iter().map(|(piece, place)| (piece.as_str(), place.clone())));
    };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::MetadataBlock(_) | Tag::HtmlBlock) => skipped += 1,
            Event::End(TagEnd::MetadataBlock(_) | TagEnd::HtmlBlock) => skipped = skipped.saturating_sub(1),
            _ if skipped > 0 => {}
            Event::Start(tag) => {
                let kind = match tag {
                    Tag::Heading { level, .. } => Some(Kind::Heading(depth(level))),
                    Tag::Item => Some(Kind::Item),
                    Tag::TableCell => Some(Kind::Cell),
                    _ => None,
                };
                if kind.is_some() || matches!(tag, Tag::Paragraph | Tag::List(_) | Tag::CodeBlock(_)) {
                    flush(&mut open, &kinds);
                }
                kinds.extend(kind);
            }
            Event::End(end) => {
                let closes = matches!(end, TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell);
                if closes || matches!(end, TagEnd::Paragraph | TagEnd::List(_) | TagEnd::CodeBlock) {
                    flush(&mut open, &kinds);
                }
                if closes {
                    kinds.pop();
                }
            }
            Event::HardBreak => flush(&mut open, &kinds),
            // In a CV a short line stands alone, even if Markdown would run it on.
            Event::SoftBreak => {
                let here = line(range.start);
                let last: usize = open
                    .iter()
                    .filter(|(_, place)| *place == here)
                    .map(|(piece, _)| piece.chars().count())
                    .sum();
                let ended = open.last().is_some_and(|(piece, _)| {
                    piece.trim_end().ends_with(['.', ':']) || !crate::dates::periods(piece).is_empty()
                });
                if last < 60 || ended {
                    flush(&mut open, &kinds);
                } else {
                    open.push((" ".to_owned(), here));
                }
            }
            Event::Text(piece) | Event::Code(piece) => {
                // Inline markup does not part words: what follows without a blank belongs to the word before.
                match open.last_mut() {
                    Some((last, place)) if *place == line(range.start) => last.push_str(&piece),
                    _ => open.push((piece.to_string(), line(range.start))),
                }
            }
            _ => {}
        }
    }
    flush(&mut open, &kinds);
    document
}

fn depth(level: HeadingLevel) -> u8 {
    level as u8
}
