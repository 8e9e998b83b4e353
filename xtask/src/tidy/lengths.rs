//! Are the rooms short? Code lines of a file: no blanks, comments, tests.

use super::Source;

const MEDIAN: usize = 150;
const NINE_IN_TEN: usize = 450;
pub const MOST: usize = 800;

pub fn check(sources: &[Source]) -> Vec<String> {
    let mut lengths: Vec<(usize, String)> = sources
        .iter()
        .filter(|source| !source.is_test())
        .map(|source| (source.code().count(), source.shown()))
        .collect();
    lengths.sort();
    let n = lengths.len();
    let mut complaints: Vec<String> = lengths
        .iter()
        .filter(|(length, _)| *length > MOST)
        .map(|(length, path)| format!("{path}: {length} lines of code, more than {MOST}"))
        .collect();
    for (what, at, most) in [("half", n / 2, MEDIAN), ("nine in ten", n * 9 / 10, NINE_IN_TEN)] {
        if let Some((length, path)) = lengths.get(at).filter(|(length, _)| *length > most) {
            complaints.push(format!(
                "{what} of the files should have at most {most} lines of code; {path} has {length}"
            ));
        }
    }
    complaints
}
