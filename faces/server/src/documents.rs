//! Which files are documents, that speak of a person or a position? Told by their endings, as `pellucid position` reads them.

use std::path::Path;

use pellucid::models::trees::import::Format;
use pellucid_position::document::{Document, Media};
use pellucid_position::months::{Day, Month};
use pellucid_position::read::{Input, MOST_BYTES, read};
use serde_json::Value;

use crate::failure::{Code, Failure};

/// The document in a file; nothing where the file is something else.
pub(crate) fn open(path: &Path, bytes: &[u8]) -> Result<Option<Document>, Failure> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let is_document = match ending.as_str() {
        "md" | "markdown" | "html" | "htm" | "pdf" | "docx" | "bib" => true,
        // LightGBM writes its models so.
        "txt" => Format::sniff(bytes).is_none(),
        "json" => is_resume(bytes),
        _ => false,
    };
    if !is_document {
        return Ok(None);
    }
    // What would be refused for its size is not copied.
    if bytes.len() > MOST_BYTES {
        let (found, most) = (bytes.len() >> 20, MOST_BYTES >> 20);
        let text = format!("{}: it has {found} MB; at most {most} are read", path.display());
        return Err(Failure::new(Code::Limit, text));
    }
    let input = Input { name: path.display().to_string(), bytes: bytes.to_vec() };
    read(&input).map(Some).map_err(Failure::input)
}

/// Whether JSON is a resume.
fn is_resume(bytes: &[u8]) -> bool {
    let Ok(Value::Object(own)) = serde_json::from_slice::<Value>(bytes) else { return false };
    own.get("basics").is_some_and(Value::is_object)
        || (own.get("work").is_some_and(Value::is_array) && own.get("education").is_some_and(Value::is_array))
}

/// What it is made of, as people call it.
pub(crate) fn format(document: &Document) -> &'static str {
    match document.media {
        Media::Text => "text",
        Media::Markdown => "Markdown",
        Media::Html => "HTML",
        Media::Pdf => "PDF",
        Media::Docx => "DOCX",
        Media::JsonResume => "JSON Resume",
        Media::Bibtex => "BibTeX",
        Media::Repository => "checkout",
    }
}

/// The day of a moment, in UTC, from the seconds since 1970.
pub(crate) fn day_of(seconds: u64) -> Day {
    // Clocks that are millions of days ahead are broken.
    let (mut left, mut month) = ((seconds / 86_400).min(1_000_000), Month::new(1970, 1));
    loop {
        let whole = Day::end_of(month);
        match u8::try_from(left + 1) {
            Ok(day) if day <= whole.day => return Day { month, day },
            _ => left -= u64::from(whole.day),
        }
        month = month.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let said = |seconds: u64| day_of(seconds).to_string();
        assert_eq!(said(0), "1970-01-01");
        assert_eq!(said(951_782_399), "2000-02-28");
        assert_eq!(said(951_782_400), "2000-02-29");
        assert_eq!(said(4_107_542_400), "2100-03-01");
        assert_eq!(said(u64::MAX), said(1_000_000 * 86_400));
    }

    #[test]
    fn resumes_are_told_from_other_json() {
        let open = |name: &str, text: &str| open(Path::new(name), text.as_bytes());
        let resume = r#"{"basics": {"name": "A"}, "work": [{"name": "B", "summary": "Wrote Go."}]}"#;
        assert!(open("cv.json", resume).unwrap().is_some());
        assert!(open("rows.json", r#"[{"a": 1}]"#).unwrap().is_none());
        assert!(open("data.csv", "a,b\n1,2").unwrap().is_none());
    }
}
