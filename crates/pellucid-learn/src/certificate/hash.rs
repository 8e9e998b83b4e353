//! Is it the same data? A hash of everything that a search sees.

use pellucid_data::RowSet;
use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal, of the label, the weights and the columns, with their lengths.
#[must_use]
pub fn instance_hash(label: &RowSet, weights: &[u32], columns: &[RowSet]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"pellucid.instance/1");
    hash.update((label.n_rows() as u64).to_le_bytes());
    hash.update((columns.len() as u64).to_le_bytes());
    weights.iter().for_each(|weight| hash.update(weight.to_le_bytes()));
    // Many words at once: a call costs as much as hashing a few of them.
    let mut bytes = Vec::new();
    for set in std::iter::once(label).chain(columns) {
        bytes.clear();
        set.words().iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        hash.update(&bytes);
    }
    hex(&hash.finalize())
}

/// SHA-256 of bytes, in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
