//! DOCX: paragraphs wherever they are: in the body, in tables, text boxes, headers and footers.

use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::error::Cause;
use crate::document::{Document, Kind, Media, Place};

/// A part that unpacks to more is no letter or CV, but perhaps an attack.
const MOST_UNPACKED: u64 = 64 << 20;

pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Document, Cause> {
    let damaged = |error: &dyn std::fmt::Display| Cause::Damaged(error.to_string());
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(&e))?;
    let mut parts: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
    if !parts.iter().any(|part| part == "word/document.xml") {
        let encrypted = parts.iter().any(|part| part == "EncryptedPackage");
        return Err(if encrypted {
            Cause::Locked
        } else {
            Cause::Damaged("it holds no word/document.xml".to_owned())
        });
    }
    // Headers first, as they are read; then the body, then what stands below.
    let rank = |part: &str| match part {
        "word/document.xml" => Some(1),
        _ if part.starts_with("word/header") => Some(0),
        _ if part.starts_with("word/footer") || part.starts_with("word/footnotes") => Some(2),
        _ => None,
    };
    parts.retain(|part| part.ends_with(".xml") && rank(part).is_some());
    parts.sort_by_key(|part| (rank(part), part.clone()));
    let mut document = Document::new(name, Media::Docx);
    for part in parts {
        let mut text = String::new();
        let file = archive.by_name(&part).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Cause::Locked,
            other => damaged(&other),
        })?;
        let mut limited = file.take(MOST_UNPACKED);
        limited.read_to_string(&mut text).map_err(|e| damaged(&e))?;
        let short = part.trim_start_matches("word/").trim_end_matches(".xml");
        walk(&mut document, &text, short)?;
    }
    Ok(document)
}

/// A paragraph that is being read; text boxes stand inside of others.
#[derive(Default)]
struct Paragraph {
    lines: Vec<String>,
    style: String,
    numbered: bool,
}

fn walk(document: &mut Document, xml: &str, part: &str) -> Result<(), Cause> {
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<Paragraph> = Vec::new();
    let (mut count, mut cells, mut fallback, mut in_text) = (0, 0_usize, 0_usize, false);
    loop {
        let event = reader.read_event().map_err(|e| Cause::Damaged(format!("{part}.xml: {e}")))?;
        match event {
            Event::Eof => return Ok(()),
            Event::Start(tag) => match tag.local_name().as_ref() {
                // The same box again, for programs that know no boxes.
                "Fallback" => fallback += 1,
                "tc" => cells += 1,
                "p" if fallback == 0 => open.push(Paragraph::default()),
                "t" => in_text = true,
                _ => property(&tag, &mut open),
            },
            Event::Empty(tag) => match tag.local_name().as_ref() {
                "br" | "cr" if fallback == 0 => {
                    if let Some(paragraph) = open.last_mut() {
                        paragraph.lines.push(String::new());
                    }
                }
                "tab" if fallback == 0 => say(&mut open, " "),
                "noBreakHyphen" if fallback == 0 => say(&mut open, "-"),
                _ => property(&tag, &mut open),
            },
            Event::Text(text) if in_text && fallback == 0 => {
                say(&mut open, &super::clean(&text));
            }
            Event::GeneralRef(name) if in_text && fallback == 0 => {
                let letter = match name.as_ref() {
                    "amp" => "&".to_owned(),
                    "lt" => "<".to_owned(),
                    "gt" => ">".to_owned(),
                    "quot" => "\"".to_owned(),
                    "apos" => "'".to_owned(),
                    _ => name.resolve_char_ref().ok().flatten().map_or(String::new(), String::from),
                };
                say(&mut open, &letter);
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                "Fallback" => fallback = fallback.saturating_sub(1),
                "tc" => cells = cells.saturating_sub(1),
                "t" => in_text = false,
                "p" if fallback == 0 => {
                    count += 1;
                    let place = Place::Node(format!("{part}/p{count}"));
                    if let Some(paragraph) = open.pop() {
                        finish(document, &paragraph, cells > 0, &place);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
}

fn say(open: &mut [Paragraph], text: &str) {
    if let Some(paragraph) = open.last_mut() {
        match paragraph.lines.last_mut() {
            Some(line) => line.push_str(text),
            None => paragraph.lines.push(text.to_owned()),
        }
    }
}

fn property(tag: &BytesStart<'_>, open: &mut [Paragraph]) {
    let Some(paragraph) = open.last_mut() else { return };
    match tag.local_name().as_ref() {
        "pStyle" => {
            let value =
                tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "val");
            paragraph.style = value.map_or(String::new(), |v| v.value.to_lowercase());
        }
        "numPr" => paragraph.numbered = true,
        _ => {}
    }
}

fn finish(document: &mut Document, paragraph: &Paragraph, in_cell: bool, place: &Place) {
    let level = paragraph.style.strip_prefix("heading").and_then(|level| level.trim().parse().ok());
    let kind = match level {
        Some(level) => Kind::Heading(level),
        None if paragraph.style == "title" => Kind::Heading(1),
        None if paragraph.numbered || paragraph.style.contains("list") => Kind::Item,
        None if in_cell => Kind::Cell,
        None => Kind::Paragraph,
    };
    for line in &paragraph.lines {
        match super::text::bullet(line.trim()) {
            Some(item) => document.push(Kind::Item, [(item, place.clone())]),
            None => document.push(kind, [(line.as_str(), place.clone())]),
        }
    }
}
