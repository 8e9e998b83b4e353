//! A view in a terminal: letters, blocks, and columns that line up.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that a text takes: one for most letters, two for those of East Asian scripts.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a text in the middle to so many columns.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let keep = columns.saturating_sub(1);
    let head = prefix(text.chars(), keep.div_ceil(2));
    let tail = prefix(text.chars().rev(), keep / 2);
    head.chars().chain(['…']).chain(tail.chars().rev()).collect()
}

/// As many letters as fit into so many columns.
fn prefix(letters: impl Iterator<Item = char>, columns: usize) -> String {
    let mut used = 0;
    let fits = |letter: &char| {
        used += letter.width().unwrap_or(0);
        used <= columns
    };
    letters.take_while(fits).collect()
}

/// Columns that line up: the first flush left, the others flush right.
#[must_use]
pub fn table(names: &[String], rows: &[Vec<String>], columns: usize) -> String {
    let lines = || std::iter::once(names).chain(rows.iter().map(Vec::as_slice));
    let widest =
        |at: usize| lines().filter_map(|line| line.get(at)).map(|cell| width(cell)).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..names.len()).map(widest).collect();
    let others: usize = widths.iter().skip(1).map(|width| width + 2).sum();
    if let Some(first) = widths.first_mut() {
        *first = (*first).min(columns.saturating_sub(others).max(8));
    }
    let line = |line: &[String]| {
        let cells = line.iter().zip(&widths).enumerate().map(|(at, (cell, &width))| {
            if at == 0 { left(&cut(cell, width), width) } else { right(cell, width) }
        });
        cells.collect::<Vec<_>>().join("  ") + "\n"
    };
    lines().map(line).collect()
}

/// Fills with blanks on the left to so many columns.
#[must_use]
pub fn right(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(width(text))) + text
}

/// Fills with blanks on the right to so many columns.
#[must_use]
pub fn left(text: &str, columns: usize) -> String {
    text.to_owned() + &" ".repeat(columns.saturating_sub(width(text)))
}

/// A bar of eighths of a letter.
#[must_use]
pub fn bar(share: f64, letters: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * letters as f64 * 8.0).round() as usize;
    let rest = ['\0', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8];
    "█".repeat(eighths / 8) + if rest == '\0' { String::new() } else { rest.to_string() }.as_str()
}
