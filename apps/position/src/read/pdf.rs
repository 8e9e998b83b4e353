//! PDF: letters at places become lines, and lines become columns before they become text.
//!
//! A page is cut along white space: where a gap runs through a region from top to bottom, what stands left of it is
//! read before what stands right (recursive XY cut, Nagy and Seth 1984, with the vertical cut tried first and, where a
//! heading lies across both columns, below it).

use std::panic::AssertUnwindSafe;

use pdf_extract::{Document as Pdf, MediaBox, OutputDev, OutputError, Transform, output_doc};

use super::error::Cause;
use crate::document::{Document, Kind, Media, Place};

/// Letters of one page that are looked at: dense pages have five thousand.
const MOST_GLYPHS: usize = 100_000;
/// Pages that are looked at.
const MOST_PAGES: u32 = 200;

pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Document, Cause> {
    // The library panics on some damaged files. Those are errors here; nothing of it is kept.
    let pages = std::panic::catch_unwind(AssertUnwindSafe(|| glyphs(bytes)))
        .unwrap_or_else(|_| Err(Cause::Damaged("its pages can't be decoded".to_owned())))?;
    let mut document = Document::new(name, Media::Pdf);
    let n_pages = pages.len();
    for (at, page) in pages.into_iter().enumerate() {
        let mut line_number = 0;
        for region in regions(lines(page)) {
            say(&mut document, &region, at as u32 + 1, &mut line_number);
        }
    }
    if document.text.trim().is_empty() { Err(Cause::NoText(n_pages)) } else { Ok(document) }
}

/// A letter, or a few that were drawn as one.
#[derive(Debug, Clone)]
struct Glyph {
    x: f64,
    /// Distance of the baseline from the top of the page.
    y: f64,
    width: f64,
    size: f64,
    text: String,
}

#[derive(Default)]
struct Collector {
    pages: Vec<Vec<Glyph>>,
    top: f64,
    skip: bool,
}

impl OutputDev for Collector {
    fn begin_page(
        &mut self,
        number: u32,
        media_box: &MediaBox,
        _: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.top = media_box.ury;
        self.skip = number > MOST_PAGES;
        if !self.skip {
            self.pages.push(Vec::new());
        }
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        at: &Transform,
        width: f64,
        _: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        let size = (at.m11.hypot(at.m12) * at.m21.hypot(at.m22)).sqrt() * font_size;
        let (x, y) = (at.m31, self.top - at.m32);
        if let Some(page) = self.pages.last_mut()
            && !self.skip
            && page.len() < MOST_GLYPHS
            && [x, y, size].iter().all(|n| n.is_finite())
            && size > 0.5
        {
            page.push(Glyph { x, y, width: width * size, size, text: text.to_owned() });
        }
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

fn glyphs(bytes: &[u8]) -> Result<Vec<Vec<Glyph>>, Cause> {
    let mut pdf = Pdf::load_mem(bytes).map_err(|e| {
        let said = e.to_string();
        if said.to_lowercase().contains("password") { Cause::Locked } else { Cause::Damaged(said) }
    })?;
    if pdf.is_encrypted() && pdf.decrypt("").is_err() {
        return Err(Cause::Locked);
    }
    let mut collector = Collector::default();
    output_doc(&pdf, &mut collector).map_err(|e| Cause::Damaged(e.to_string()))?;
    Ok(collector.pages)
}

/// A run of words on one baseline without a gap that could be between columns.
#[derive(Debug, Clone)]
struct Line {
    left: f64,
    right: f64,
    y: f64,
    size: f64,
    text: String,
}

/// Letters to runs: sorted by baseline, then from the left; blanks where there is room for one.
fn lines(mut glyphs: Vec<Glyph>) -> Vec<Line> {
    glyphs.sort_by(|a, b| a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x)));
    let mut rows: Vec<Vec<Glyph>> = Vec::new();
    for glyph in glyphs {
        match rows.last_mut() {
            Some(row) if (glyph.y - row[0].y).abs() < 0.4 * row[0].size.min(glyph.size) => row.push(glyph),
            _ => rows.push(vec![glyph]),
        }
    }
    let mut lines: Vec<Line> = Vec::new();
    for mut row in rows {
        row.sort_by(|a, b| a.x.total_cmp(&b.x));
        let mut current: Option<Line> = None;
        for glyph in row {
            let end = glyph.x + glyph.width;
            match &mut current {
                Some(line) if glyph.x - line.right < 1.5 * glyph.size => {
                    let blank = glyph.x - line.right > 0.15 * glyph.size && !line.text.ends_with(' ');
                    if blank && !glyph.text.starts_with(' ') {
                        line.text.push(' ');
                    }
                    line.text.push_str(&glyph.text);
                    if !glyph.text.trim().is_empty() {
                        line.right = line.right.max(end);
                        line.size = line.size.max(glyph.size);
                    }
                }
                _ => {
                    lines.extend(current.take());
                    if !glyph.text.trim().is_empty() {
                        let Glyph { x, y, size, text, .. } = glyph;
                        current = Some(Line { left: x, right: end, y, size, text });
                    }
                }
            }
        }
        lines.extend(current);
    }
    lines
}

/// Regions in reading order; in each, lines from top to bottom.
fn regions(lines: Vec<Line>) -> Vec<Vec<Line>> {
    if lines.len() < 4 {
        return if lines.is_empty() { Vec::new() } else { vec![lines] };
    }
    // The highest line from which on a gap runs down to the bottom.
    let mut tops: Vec<f64> = lines.iter().map(|line| line.y).collect();
    tops.sort_by(f64::total_cmp);
    tops.dedup();
    for &top in tops.iter().take(tops.len().saturating_sub(2)) {
        let (above, below): (Vec<Line>, Vec<Line>) = lines.iter().cloned().partition(|line| line.y < top);
        if let Some(x) = gutter(&below) {
            let (left, right) = below.into_iter().partition(|line| line.left < x);
            let mut all = regions_without_cut(above);
            all.extend(regions(left));
            all.extend(regions(right));
            return all;
        }
    }
    vec![lines]
}

fn regions_without_cut(lines: Vec<Line>) -> Vec<Vec<Line>> {
    if lines.is_empty() { Vec::new() } else { vec![lines] }
}

/// Where a gap between columns runs through all lines: at least three lines on each side that stand beside each
/// other, and at least a letter wide.
fn gutter(lines: &[Line]) -> Option<f64> {
    let mut spans: Vec<(f64, f64)> = lines.iter().map(|line| (line.left, line.right)).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = lines.iter().map(|line| line.size).fold(0.0, f64::max).min(14.0);
    let mut right = spans.first()?.1;
    let mut best: Option<(f64, f64)> = None;
    for &(left, end) in &spans[1..] {
        if left - right > 0.9 * size {
            let sides = lines.iter().partition::<Vec<&Line>, _>(|line| line.left < (left + right) / 2.0);
            let beside = |a: &[&Line], b: &[&Line]| {
                let (low, high) =
                    b.iter().fold((f64::MAX, f64::MIN), |(l, h), line| (l.min(line.y), h.max(line.y)));
                a.iter().filter(|line| line.y >= low - size && line.y <= high + size).count()
            };
            let enough = beside(&sides.0, &sides.1).min(beside(&sides.1, &sides.0)) >= 3;
            // Bullets alone are no column.
            let worded =
                |side: &[&Line]| side.iter().filter(|line| line.text.trim().chars().count() > 2).count() >= 3;
            if enough
                && worded(&sides.0)
                && worded(&sides.1)
                && best.is_none_or(|(_, width)| left - right > width)
            {
                best = Some(((left + right) / 2.0, left - right));
            }
        }
        right = right.max(end);
    }
    best.map(|(x, _)| x)
}

/// Lines to blocks: a line that was broken by the margin goes on in the next one.
fn say(document: &mut Document, lines: &[Line], page: u32, number: &mut u32) {
    let mut lines = lines.to_vec();
    lines.sort_by(|a, b| a.y.total_cmp(&b.y).then(a.left.total_cmp(&b.left)));
    // A row that was torn by a wide gap (a date flush right) is one line again.
    let mut rows: Vec<Line> = Vec::new();
    for line in lines {
        match rows.last_mut() {
            Some(row) if (row.y - line.y).abs() < 0.4 * line.size => {
                row.text = format!("{} {}", row.text.trim_end(), line.text.trim_start());
                row.right = row.right.max(line.right);
            }
            _ => rows.push(line),
        }
    }
    let right = rows.iter().map(|row| row.right).fold(0.0, f64::max);
    let left = rows.iter().map(|row| row.left).fold(f64::MAX, f64::min);
    let mut sizes: Vec<f64> = rows.iter().map(|row| row.size).collect();
    sizes.sort_by(f64::total_cmp);
    let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(10.0);
    let mut open: Vec<(String, Place)> = Vec::new();
    let mut kind = Kind::Paragraph;
    let mut before: Option<Line> = None;
    for row in rows {
        *number += 1;
        let place = Place::Page(page, *number);
        let text = super::clean(&row.text);
        let trimmed = text.trim();
        let item = super::text::bullet(trimmed);
        let goes_on = item.is_none()
            && before.as_ref().is_some_and(|last| {
                let full = last.right - left > 0.75 * (right - left);
                let near = row.y - last.y < 1.7 * last.size;
                let small = trimmed.starts_with(|c: char| c.is_lowercase() || c == '(' || c.is_ascii_digit());
                let ended = last.text.trim_end().ends_with(['.', '!', '?', ':']);
                near && (row.size - last.size).abs() < 0.6 && !ended && (full || small)
            });
        if !goes_on {
            document.push(kind, open.iter().map(|(piece, place)| (piece.as_str(), place.clone())));
            open.clear();
            kind = match item {
                Some(_) => Kind::Item,
                None if row.size > usual * 1.12 && trimmed.len() < 80 => {
                    Kind::Heading(if row.size > usual * 1.4 { 1 } else { 2 })
                }
                None => Kind::Paragraph,
            };
        } else if let Some((last, _)) = open.last_mut()
            && last.ends_with('-')
            && trimmed.starts_with(char::is_lowercase)
        {
            // A word that was parted at the end of the line.
            last.pop();
            let (first, rest) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
            last.push_str(first);
            open.push((rest.to_owned(), place));
            before = Some(row);
            continue;
        }
        open.push((item.unwrap_or(trimmed).to_owned(), place));
        before = Some(row);
    }
    document.push(kind, open.iter().map(|(piece, place)| (piece.as_str(), place.clone())));
}
