//! How do bytes become a [`Document`]? One file a format; the format is told from the name and the bytes.

mod bibtex;
mod docx;
mod error;
mod html;
mod json_resume;
mod markdown;
mod pdf;
mod repository;
mod text;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

pub use error::ReadError;
pub use repository::{Repository, read as read_repository};

use crate::document::{Document, Media};

/// Longer texts are cut, with a finding: nobody's profile is longer, and time must stay bounded.
pub const MOST_TEXT: usize = 1 << 20;
/// Larger files are refused.
pub const MOST_BYTES: usize = 64 << 20;

/// Something to read.
#[derive(Debug, Clone)]
pub struct Input {
    /// How the user named it: a path. Its ending is a hint.
    pub name: String,
    /// What stands in it.
    pub bytes: Vec<u8>,
}

/// Reads one input.
///
/// # Errors
/// When it is empty, too large, damaged, locked, or of a format that is not read.
pub fn read(input: &Input) -> Result<Document, ReadError> {
    let wrong = |cause| ReadError::new(&input.name, cause);
    if input.bytes.len() > MOST_BYTES {
        return Err(wrong(error::Cause::TooLarge(input.bytes.len())));
    }
    let mut document = match media(&input.name, &input.bytes).map_err(wrong)? {
        Media::Pdf => pdf::read(&input.name, &input.bytes).map_err(wrong)?,
        Media::Docx => docx::read(&input.name, &input.bytes).map_err(wrong)?,
        other => {
            let text = decoded(&input.bytes);
            match other {
                Media::Html => html::read(&input.name, &text),
                Media::JsonResume => json_resume::read(&input.name, &text).map_err(wrong)?,
                Media::Bibtex => bibtex::read(&input.name, &text),
                Media::Markdown => markdown::read(&input.name, &text),
                _ => text::read(&input.name, &text),
            }
        }
    };
    document.sha256 = Sha256::digest(&input.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(document)
}

fn media(name: &str, bytes: &[u8]) -> Result<Media, error::Cause> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
    let head = bytes.trim_ascii_start();
    let starts =
        |word: &str| head.len() >= word.len() && head[..word.len()].eq_ignore_ascii_case(word.as_bytes());
    Ok(match ending.as_str() {
        _ if bytes.starts_with(b"%PDF") => Media::Pdf,
        _ if bytes.starts_with(b"PK\x03\x04") => Media::Docx,
        "pdf" | "docx" => return Err(error::Cause::NotWhatItSays),
        "doc" | "odt" | "rtf" | "pages" => return Err(error::Cause::Unsupported(ending)),
        _ if bytes.starts_with(b"\xd0\xcf\x11\xe0") => {
            return Err(error::Cause::Unsupported("doc".to_owned()));
        }
        "bib" => Media::Bibtex,
        "html" | "htm" => Media::Html,
        _ if starts("<!doctype html") || starts("<html") => Media::Html,
        "json" => Media::JsonResume,
        "md" | "markdown" => Media::Markdown,
        _ => Media::Text,
    })
}

/// UTF-8 or, where that fails, Windows-1252, as old files are; composed (NFC), line feeds only, without the marks
/// and soft hyphens that nobody sees.
fn decoded(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| windows_1252(byte)).collect(),
    };
    clean(&text)
}

/// Composed, with the letters of ligatures apart and without what can't be seen.
pub(crate) fn clean(text: &str) -> String {
    let unseen =
        |c: &char| !matches!(c, '\u{ad}' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{feff}' | '\r' | '\0');
    let mut out = String::with_capacity(text.len());
    for letter in text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(unseen).nfc() {
        match letter {
            'ﬀ' => out.push_str("ff"),
            'ﬁ' => out.push_str("fi"),
            'ﬂ' => out.push_str("fl"),
            'ﬃ' => out.push_str("ffi"),
            'ﬄ' => out.push_str("ffl"),
            '´' | '`' => out.push('\''),
            '\u{a0}' | '\u{2009}' | '\u{202f}' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    if (0x80..0xa0).contains(&byte) { HIGH[usize::from(byte - 0x80)] } else { char::from(byte) }
}
