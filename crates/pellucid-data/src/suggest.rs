//! What did the user mean? The nearest known name to one that is unknown.

/// The candidate closest to `asked` by edit distance, if it is close enough to be a likely typo.
///
/// Letter case is ignored; at most a third of the letters may differ.
#[must_use]
pub fn closest<'a>(asked: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let asked = asked.to_lowercase();
    let allowed = (asked.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(&asked, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(b.1)))
        .map(|(_, candidate)| candidate)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let replace = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
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
        assert_eq!(closest("zip", ["age", "sex"]), None);
    }
}
