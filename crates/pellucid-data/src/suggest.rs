//! What did the user mean? The nearest known name to one that is unknown.

/// Letters of a name that may be a typo of another.
const MOST_LETTERS: usize = 100;

/// The candidate closest to `asked` by edit distance, if it is close enough to be a likely typo.
///
/// Letter case is ignored; at most a third of the letters may differ. A text of more than 100 letters is no typo of a name. Names of
/// other lengths are passed over at once, since there may be a million of them.
#[must_use]
pub fn closest<'a>(asked: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let asked = asked.to_lowercase();
    let n = asked.chars().count();
    if n > MOST_LETTERS {
        return None;
    }
    let allowed = (n / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| {
            candidate.chars().take(MOST_LETTERS + MOST_LETTERS).count().abs_diff(n) <= allowed
        })
        .map(|candidate| (edit_distance(&asked, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= allowed && !candidate.is_empty())
        .min_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(b.1)))
        .map(|(_, candidate)| candidate)
}

/// Letters that must be replaced, added, left out, or swapped with their neighbour (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let replaced = row[j] + usize::from(a[i] != b[j]);
            let mut best = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_a_typo_and_leaves_strangers_alone() {
        assert_eq!(closest("capital_gain", ["capital-gain", "capital-loss"]), Some("capital-gain"));
        assert_eq!(closest("Age", ["age", "sex"]), Some("age"));
        assert_eq!(closest("cvs", ["json", "csv"]), Some("csv"));
        assert_eq!(closest("zip", ["age", "sex"]), None);
        let long = "a".repeat(101);
        assert_eq!(closest(&long, [long.as_str()]), None);
        assert_eq!(closest(&long[..100], [long.as_str()]), Some(long.as_str()));
    }
}
