//! How do runs look in a terminal? One line each, as wide as it is.

use std::collections::BTreeMap;

use pellucid::views::render::text::{cut, left, right, width};
use pellucid_runs::{Entry, short_id};

const HEAD: [&str; 7] = ["id", "when (UTC)", "verb", "model", "data", "seconds", "tags and note"];

/// Columns that are cut where there is too little room.
const SOFT: [usize; 2] = [3, 4];

/// What a cut column keeps at least.
const LEAST: usize = 8;

/// The column of tags and notes.
const WORDS: usize = 6;

/// A table of runs for so many columns of a terminal. Tags and notes stand below their run where a line has no room for them.
pub(super) fn table(runs: &[Entry], columns: usize) -> String {
    let mut short: BTreeMap<&str, usize> = BTreeMap::new();
    for run in runs {
        *short.entry(short_id(&run.id)).or_default() += 1;
    }
    let id = |run: &Entry| match short.get(short_id(&run.id)) {
        Some(1) => short_id(&run.id).to_owned(),
        _ => run.id.clone(),
    };
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(runs.iter().map(|run| cells(run, id(run))));
    // A column in which nothing stands is left out.
    let is_used = |at: usize| lines[1..].iter().any(|line| !line[at].is_empty());
    let mut used: Vec<usize> = (0..HEAD.len()).filter(|&at| is_used(at)).collect();
    let mut widths: Vec<usize> =
        (0..HEAD.len()).map(|at| lines.iter().map(|line| width(&line[at])).max().unwrap_or(0)).collect();
    let whole = |used: &[usize], widths: &[usize]| {
        used.iter().map(|&at| widths[at] + 2).sum::<usize>().saturating_sub(2)
    };
    let words_below = used.contains(&WORDS) && whole(&used, &widths) > columns;
    if words_below {
        used.retain(|&at| at != WORDS);
    }
    while whole(&used, &widths) > columns {
        let widest = SOFT.into_iter().filter(|at| used.contains(at)).max_by_key(|&at| widths[at]);
        match widest.filter(|&at| widths[at] > LEAST) {
            Some(at) => widths[at] -= 1,
            None => break,
        }
    }
    let indent = widths[0] + 2;
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cell = |&at: &usize| match at {
            5 => right(&line[at], widths[at]),
            _ => left(&cut(&line[at], widths[at]), widths[at]),
        };
        text += used.iter().map(cell).collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
        if words_below && number > 0 && !line[WORDS].is_empty() {
            text += &format!("{}{}\n", " ".repeat(indent), beginning(&line[WORDS], columns - indent));
        }
    }
    text
}

/// As much of a text as fits, whole words of it.
fn beginning(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    for word in text.split(' ') {
        if width(&kept) + width(word) + 2 > columns {
            break;
        }
        kept += word;
        kept.push(' ');
    }
    if kept.is_empty() { cut(text, columns) } else { format!("{}…", kept.trim_end()) }
}

fn cells(run: &Entry, id: String) -> [String; 7] {
    let name = |file: &Option<pellucid_runs::Named>| {
        file.as_ref()
            .map_or(String::new(), |file| file.path.rsplit(['/', '\\']).next().unwrap_or("").to_owned())
    };
    let when = match run.started.get(..16) {
        Some(when) => when.replace('T', " "),
        None => run.started.clone(),
    };
    let note = run.note.iter().flat_map(|note| note.lines().next());
    let words = run.tags.iter().map(|tag| format!("#{tag}")).chain(note.map(str::to_owned));
    let cells = [
        cut(&id, 24),
        cut(&when, 16),
        cut(&run.verb, 12),
        name(&run.model),
        name(&run.data),
        seconds(run.seconds),
        words.collect::<Vec<_>>().join(" "),
    ];
    // What a file says must not begin a line of its own.
    cells.map(|cell| cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
}

pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 100.0 { format!("{seconds:.2}") } else { format!("{seconds:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_end_with_a_word() {
        assert_eq!(beginning("one two three", 13), "one two three");
        assert_eq!(beginning("one two three", 12), "one two…");
        assert_eq!(beginning("one-two-three", 7), "one…ree");
    }
}
