//! A view in a terminal: letters, blocks, and columns that line up.

/// Cuts a text in the middle to so many letters.
#[must_use]
pub fn cut(text: &str, letters: usize) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() <= letters {
        return text.to_owned();
    }
    let keep = letters.saturating_sub(1);
    all[..keep.div_ceil(2)].iter().chain(&['…']).chain(&all[all.len() - keep / 2..]).collect()
}

/// Fills with blanks on the left.
#[must_use]
pub fn right(text: &str, letters: usize) -> String {
    " ".repeat(letters.saturating_sub(text.chars().count())) + text
}

/// Fills with blanks on the right.
#[must_use]
pub fn left(text: &str, letters: usize) -> String {
    text.to_owned() + &" ".repeat(letters.saturating_sub(text.chars().count()))
}

/// A bar of eighths of a letter.
#[must_use]
pub fn bar(share: f64, letters: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * letters as f64 * 8.0).round() as usize;
    let rest = ['\0', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8];
    "█".repeat(eighths / 8) + if rest == '\0' { String::new() } else { rest.to_string() }.as_str()
}
