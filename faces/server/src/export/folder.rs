//! How are more answers read without a server than one file should hold? A folder, in a zip archive: every answer is a script of its
//! own, which a page loads when it is looked at. (Scripts, since a page that was opened from a disk may read nothing else.)

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use pellucid::explain::Watch;
use pellucid::views::render::css;
use serde_json::{Map, Value};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::waited;
use crate::address::Address;
use crate::failure::Failure;
use crate::http::assets::{CODE, PAGE, STYLE, font_file, theme};
use crate::pages;
use crate::workbench::Workbench;

/// What an archive unpacks to.
const FOLDER: &str = "workbench";

/// What an archive has room for, and why some pages have no answer there.
///
/// # Errors
/// When no page has an answer.
pub fn everything(workbench: &Arc<Workbench>) -> Result<(Vec<Address>, Vec<String>), Failure> {
    let (mut addresses, notes) = super::frozen(workbench)?;
    addresses.extend(pages::more_frozen(workbench)?);
    addresses.sort();
    addresses.dedup();
    Ok((addresses, notes))
}

/// The bytes of an archive with `workbench/index.html` and the answers to some addresses. Tells of each, and stops where it is asked to.
///
/// # Errors
/// When an answer fails, or somebody stopped it.
pub fn zip(workbench: &Arc<Workbench>, addresses: &[Address], watch: &dyn Watch) -> Result<Vec<u8>, Failure> {
    let mut archive = Archive::new();
    archive.add("theme.css", theme().as_bytes())?;
    for (weight, bytes) in css::faces() {
        archive.add(&font_file(weight), bytes)?;
    }
    archive.add("app.css", STYLE.as_bytes())?;
    archive.add("app.js", CODE.as_bytes())?;
    // The list of answers stands before the program that asks for it.
    let list = r#"<script src="./answers/list.js"></script>"#;
    archive.add(
        "index.html",
        PAGE.replace("<script src=\"./app.js\"", &format!("{list}\n    <script src=\"./app.js\"")).as_bytes(),
    )?;
    let mut places = Map::new();
    for (place, address) in addresses.iter().enumerate() {
        if watch.should_stop() {
            return Err(Failure::cancelled());
        }
        let answer = waited(workbench, address)?;
        archive.add(
            &format!("answers/{place}.js"),
            format!("pellucidAnswers[{place}] = {answer};\n").as_bytes(),
        )?;
        places.insert(address.canonical().trim_end_matches('?').to_owned(), place.into());
        watch.advance(1);
    }
    let places = Value::Object(places);
    archive.add(
        "answers/list.js",
        format!("var pellucidAnswers = [], pellucidPlaces = {places};\n").as_bytes(),
    )?;
    archive.finish()
}

/// Files of one folder, the same bytes each time: without a clock.
struct Archive {
    writer: ZipWriter<Cursor<Vec<u8>>>,
    options: SimpleFileOptions,
}

impl Archive {
    fn new() -> Self {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default());
        Self { writer: ZipWriter::new(Cursor::new(Vec::new())), options }
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.writer.start_file(format!("{FOLDER}/{name}"), self.options).map_err(Failure::input)?;
        self.writer.write_all(bytes).map_err(Failure::input)
    }

    fn finish(self) -> Result<Vec<u8>, Failure> {
        Ok(self.writer.finish().map_err(Failure::input)?.into_inner())
    }
}
