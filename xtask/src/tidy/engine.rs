//! Does the engine print, look at the clock, the environment, files or the network, or know colors?
//!
//! clippy sees the macros that print; this sees the paths that clippy has no lint for.

use super::Source;

/// What may not be named in the engine, and where it may be all the same.
const FORBIDDEN: [(&str, &str); 15] = [
    ("println!", ""),
    ("eprintln!", ""),
    ("print!", ""),
    ("std::time::Instant", ""),
    ("Instant::now", ""),
    ("SystemTime", ""),
    ("std::env::", ""),
    ("env::var", ""),
    ("std::net", ""),
    ("std::process", ""),
    ("std::fs", "crates/pellucid/src/files.rs"),
    ("fs_err", "crates/pellucid/src/files.rs"),
    ("rayon::", ""),
    ("thread_rng", ""),
    ("static mut", ""),
];

const COLORS: &str = "crates/pellucid-views/src/theme.rs";

pub fn check(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    let engine = |source: &&Source| {
        (source.path.starts_with("crates") || source.path.starts_with("apps")) && !source.is_test()
    };
    for source in sources.iter().filter(engine) {
        for (number, line) in source.code() {
            let forbidden =
                FORBIDDEN.iter().find(|(word, home)| line.contains(word) && source.shown() != *home);
            if let Some((word, _)) = forbidden {
                complaints.push(format!("{}:{number}: `{word}` has no place in the engine", source.shown()));
            } else if source.shown() != COLORS && is_color(line) {
                complaints.push(format!("{}:{number}: a color; colors live in {COLORS}", source.shown()));
            }
        }
    }
    complaints
}

/// `#RRGGBB` in a text, or `0xRRGGBB`.
fn is_color(line: &str) -> bool {
    let hex =
        |text: &str, n: usize| text.len() >= n && text.bytes().take(n).all(|byte| byte.is_ascii_hexdigit());
    let hash = line.match_indices('#').any(|(at, _)| {
        let rest = &line[at + 1..];
        rest.is_char_boundary(6.min(rest.len())) && hex(rest, 6) && !hex(rest, 7)
    });
    let number = line.match_indices("0x").any(|(at, _)| {
        let rest = &line[at + 2..];
        hex(rest, 6) && !hex(rest, 7)
    });
    hash || number
}
