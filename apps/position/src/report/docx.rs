//! The report as DOCX: headings, paragraphs and lists that a word processor can edit, with the sources as plain text.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Line, Report};
use crate::analysis::Analysis;

const TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/><Override PartName="/word/numbering.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.numbering+xml"/></Types>"#;
const ROOT: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;
const RELS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/numbering" Target="numbering.xml"/></Relationships>"#;
const STYLES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Calibri" w:hAnsi="Calibri"/><w:sz w:val="22"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after="120" w:line="264" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults><w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style><w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/><w:rPr><w:b/><w:sz w:val="40"/></w:rPr></w:style><w:style w:type="paragraph" w:styleId="Heading2"><w:name w:val="heading 2"/><w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:pPr><w:keepNext/><w:spacing w:before="360"/><w:outlineLvl w:val="1"/></w:pPr><w:rPr><w:b/><w:sz w:val="28"/></w:rPr></w:style><w:style w:type="paragraph" w:styleId="Heading3"><w:name w:val="heading 3"/><w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:pPr><w:keepNext/><w:spacing w:before="240"/><w:outlineLvl w:val="2"/></w:pPr><w:rPr><w:b/><w:sz w:val="24"/></w:rPr></w:style></w:styles>"#;
const NUMBERING: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:numbering xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="•"/><w:pPr><w:ind w:left="360" w:hanging="260"/></w:pPr></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>"#;

/// The bytes of a .docx file; empty only if memory could not be written to.
#[must_use]
pub fn docx(analysis: &Analysis, report: &Report) -> Vec<u8> {
    let body = body(analysis, report);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // No clock: the same report has the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    let parts = [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", ROOT),
        ("word/_rels/document.xml.rels", RELS),
        ("word/styles.xml", STYLES),
        ("word/numbering.xml", NUMBERING),
        ("word/document.xml", &body),
    ];
    for (name, text) in parts {
        let written = archive
            .start_file(name, options)
            .map_err(std::io::Error::other)
            .and_then(|()| archive.write_all(text.as_bytes()));
        if written.is_err() {
            return Vec::new();
        }
    }
    archive.finish().map(Cursor::into_inner).unwrap_or_default()
}

fn body(analysis: &Analysis, report: &Report) -> String {
    let mut out = String::from(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>"#,
    );
    paragraph(&mut out, "<w:pStyle w:val=\"Title\"/>", &run(&report.title, ""));
    for (name, value) in &report.header {
        paragraph(&mut out, "", &(run(&format!("{name}: "), "<w:b/>") + &run(value, "")));
    }
    for section in &report.sections {
        paragraph(
            &mut out,
            &format!("<w:pStyle w:val=\"Heading{}\"/>", section.level),
            &run(&section.heading, ""),
        );
        section.paragraphs.iter().for_each(|line| paragraph(&mut out, "", &said(analysis, line)));
        for (at, line) in section.items.iter().enumerate() {
            if section.numbered {
                paragraph(
                    &mut out,
                    "<w:ind w:left=\"360\" w:hanging=\"260\"/>",
                    &(run(&format!("{}. ", at + 1), "") + &said(analysis, line)),
                );
            } else {
                paragraph(
                    &mut out,
                    "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr>",
                    &said(analysis, line),
                );
            }
        }
    }
    out + "<w:sectPr><w:pgSz w:w=\"11906\" w:h=\"16838\"/><w:pgMar w:top=\"1304\" w:right=\"1304\" w:bottom=\"1304\" w:left=\"1304\"/></w:sectPr></w:body></w:document>"
}

fn paragraph(out: &mut String, properties: &str, runs: &str) {
    let _ = write!(out, "<w:p><w:pPr>{properties}</w:pPr>{runs}</w:p>");
}

fn said(analysis: &Analysis, line: &Line) -> String {
    let mut runs = String::new();
    if let Some(status) = line.status {
        runs += &run(&format!("[{}] ", status.words()), "<w:color w:val=\"55616B\"/>");
    }
    if !line.lead.is_empty() {
        runs += &run(&line.lead, "<w:b/>");
        runs += &run(if line.text.is_empty() { "" } else { ": " }, "");
    }
    runs += &run(&line.text, "");
    let cites: Vec<String> = line.cites.iter().map(|span| analysis.cite(span)).collect();
    if !cites.is_empty() {
        runs += &run(&format!(" [{}]", cites.join(", ")), "<w:color w:val=\"0B6E6E\"/><w:sz w:val=\"16\"/>");
    }
    runs
}

fn run(text: &str, properties: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let shown: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{shown}</w:t></w:r>")
}
