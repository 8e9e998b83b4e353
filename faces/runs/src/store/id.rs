//! What is a run called? By its moment and a few letters that nobody else has: names sort as the runs began.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::rfc3339;

/// Crockford's letters: none looks like another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new name, `20261127T221313-k3f9x2ab`, for a run that began then; now, where that is not said as this program says it.
///
/// Forty bits come from the machine's randomness, the process and its clock. That two writers of one second draw the
/// same is unlikely and does no harm: the second finds the folder taken, and draws again.
pub(crate) fn fresh(started: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let moment = compact(started).or_else(|| compact(&rfc3339(now.as_secs()))).unwrap_or_default();
    // A fork has its parent's keys, but neither its number nor its moment.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_u128(now.as_nanos());
    let bits = hasher.finish();
    let tail = (0..8).map(|i| char::from(LETTERS[(bits >> (5 * i)) as usize % LETTERS.len()]));
    format!("{moment}-{}", tail.collect::<String>())
}

/// `2026-11-27T22:13:13Z` as `20261127T221313`.
fn compact(moment: &str) -> Option<String> {
    let shape = "0000-00-00T00:00:00Z";
    let same = |(a, b): (u8, u8)| if b == b'0' { a.is_ascii_digit() } else { a == b };
    let fits = moment.len() == shape.len() && moment.bytes().zip(shape.bytes()).all(same);
    fits.then(|| moment.chars().filter(|c| c.is_ascii_digit() || *c == 'T').collect())
}

/// The letters behind the moment: what people type. The whole name, where it has another shape.
#[must_use]
pub fn short_id(id: &str) -> &str {
    match id.rsplit_once('-') {
        Some((moment, tail)) if moment.len() == 15 && tail.len() == 8 => tail,
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_sort_by_their_moment_and_differ() {
        let early = fresh("2026-11-27T22:13:13Z");
        let late = fresh("2026-11-27T22:13:14Z");
        assert!(early.starts_with("20261127T221313-") && early < late, "{early} {late}");
        assert_eq!(early.len(), 24);
        let many: BTreeSet<String> = (0..2000).map(|_| fresh("2026-11-27T22:13:13Z")).collect();
        assert_eq!(many.len(), 2000);
        assert_eq!(short_id(&early), &early[16..]);
        assert_eq!(short_id("mine-2"), "mine-2");
    }

    #[test]
    fn a_moment_in_other_words_is_not_taken() {
        for moment in
            ["", "yesterday", "2026-11-27T22:13:13+02:00", "../../../../etc/pass", "２026-11-27T22:13:1"]
        {
            assert!(compact(moment).is_none() && fresh(moment).starts_with("20"), "{moment}");
        }
    }
}
