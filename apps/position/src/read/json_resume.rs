//! JSON Resume (jsonresume.org/schema): sections, roles and items in the order in which people read them.

use serde_json::Value;

use super::error::Cause;
use crate::document::{Document, Kind, Media, Place};

pub(super) fn read(name: &str, text: &str) -> Result<Document, Cause> {
    let json: Value = serde_json::from_str(text).map_err(|e| Cause::Damaged(e.to_string()))?;
    let known = ["basics", "work", "education", "skills", "projects", "publications"];
    if !json.is_object() || known.iter().all(|key| json.get(key).is_none()) {
        return Err(Cause::Shape(format!("none of {} is there", known.join(", "))));
    }
    let mut out = Writer { document: Document::new(name, Media::JsonResume) };
    if let Some(summary) = json["basics"]["summary"].as_str() {
        out.heading("Summary", "/basics");
        out.say(Kind::Paragraph, summary, "/basics/summary");
    }
    if let Some(place) = json["basics"]["location"]["city"].as_str() {
        out.say(Kind::Paragraph, &format!("Location: {place}"), "/basics/location/city");
    }
    for (key, title, names) in [
        ("work", "Experience", &["position", "name"][..]),
        ("volunteer", "Volunteering", &["position", "organization"]),
        ("projects", "Projects", &["name", "entity"]),
        ("education", "Education", &["studyType", "area", "institution"]),
    ] {
        let Some(items) = json[key].as_array().filter(|items| !items.is_empty()) else { continue };
        out.heading(title, &format!("/{key}"));
        for (at, item) in items.iter().enumerate() {
            let path = format!("/{key}/{at}");
            out.say(Kind::Heading(2), &headline(item, names), &path);
            for field in ["summary", "description"] {
                out.say(
                    Kind::Paragraph,
                    item[field].as_str().unwrap_or_default(),
                    &format!("{path}/{field}"),
                );
            }
            for field in ["highlights", "courses", "keywords"] {
                out.list(&item[field], &format!("{path}/{field}"));
            }
        }
    }
    if let Some(items) = json["skills"].as_array().filter(|items| !items.is_empty()) {
        out.heading("Skills", "/skills");
        for (at, item) in items.iter().enumerate() {
            let words = item["keywords"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let words: Vec<&str> = words.collect();
            let name = item["name"].as_str().unwrap_or_default();
            let level = item["level"].as_str().map_or(String::new(), |level| format!(" ({level})"));
            let said = if words.is_empty() {
                format!("{name}{level}")
            } else {
                format!("{name}{level}: {}", words.join(", "))
            };
            out.say(Kind::Item, &said, &format!("/skills/{at}"));
        }
    }
    for (key, title, names) in [
        ("languages", "Languages", &["language", "fluency"][..]),
        ("certificates", "Certifications", &["name", "issuer", "date"]),
        ("publications", "Publications", &["name", "publisher", "releaseDate"]),
        ("awards", "Awards", &["title", "awarder", "date", "summary"]),
        ("interests", "Interests", &["name"]),
    ] {
        let Some(items) = json[key].as_array().filter(|items| !items.is_empty()) else { continue };
        out.heading(title, &format!("/{key}"));
        for (at, item) in items.iter().enumerate() {
            let parts: Vec<&str> = names.iter().filter_map(|name| item[*name].as_str()).collect();
            let said = if key == "languages" { parts.join(": ") } else { parts.join(", ") };
            out.say(Kind::Item, &said, &format!("/{key}/{at}"));
        }
    }
    Ok(out.document)
}

struct Writer {
    document: Document,
}

impl Writer {
    fn heading(&mut self, title: &str, path: &str) {
        self.say(Kind::Heading(1), title, path);
    }

    fn say(&mut self, kind: Kind, text: &str, path: &str) {
        self.document.push(kind, [(text, Place::Node(path.to_owned()))]);
    }

    fn list(&mut self, values: &Value, path: &str) {
        for (at, value) in values.as_array().into_iter().flatten().enumerate() {
            self.say(Kind::Item, value.as_str().unwrap_or_default(), &format!("{path}/{at}"));
        }
    }
}

/// `Position, Name (2018-03 – present)`. A missing end is one that has not come.
fn headline(item: &Value, names: &[&str]) -> String {
    let parts: Vec<&str> =
        names.iter().filter_map(|name| item[*name].as_str()).filter(|part| !part.is_empty()).collect();
    let date = |key: &str| item[key].as_str().filter(|date| !date.is_empty());
    let dates = match (date("startDate"), date("endDate")) {
        (Some(start), Some(end)) => format!(" ({start} – {end})"),
        (Some(start), None) => format!(" ({start} – present)"),
        (None, Some(end)) => format!(" ({end})"),
        (None, None) => String::new(),
    };
    parts.join(", ") + &dates
}
