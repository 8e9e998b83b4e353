//! By which number does CatBoost know a category? The low half of CityHash64 (version 1.0; Pike & Alakuijala) of its text.
//!
//! Checked against the hashes that CatBoost 1.2.10 writes beside texts of all lengths up to 200 bytes.

const K: [u64; 4] =
    [0xc3a5_c85c_97cb_3127, 0xb492_b66f_be98_f273, 0x9ae1_6a3b_2f90_404f, 0xc949_d7c7_509e_6557];
const MIX: u64 = 0x9ddf_ea08_eb38_2d69;

/// What CatBoost compares instead of a text.
pub(super) fn category_hash(text: &str) -> u32 {
    hash(text.as_bytes()) as u32
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

fn half_word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 4].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

fn folded(x: u64) -> u64 {
    x ^ x >> 47
}

fn times(x: u64, y: u64) -> u64 {
    x.wrapping_mul(y)
}

fn sum<const N: usize>(parts: [u64; N]) -> u64 {
    parts.into_iter().fold(0, u64::wrapping_add)
}

/// Two numbers in one.
fn joined(u: u64, v: u64) -> u64 {
    let a = folded(times(u ^ v, MIX));
    times(folded(times(v ^ a, MIX)), MIX)
}

fn hash(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    let length = n as u64;
    match n {
        0 => K[2],
        1..4 => {
            let byte = |at: usize| u64::from(bytes[at]);
            let (y, z) = (byte(0) + (byte(n / 2) << 8), length + (byte(n - 1) << 2));
            times(folded(times(y, K[2]) ^ times(z, K[3])), K[2])
        }
        4..=8 => joined(length + (half_word(bytes, 0) << 3), half_word(bytes, n - 4)),
        9..=16 => {
            let (a, b) = (word(bytes, 0), word(bytes, n - 8));
            joined(a, b.wrapping_add(length).rotate_right(n as u32)) ^ b
        }
        17..=32 => {
            let (a, b) = (times(word(bytes, 0), K[1]), word(bytes, 8));
            let (c, d) = (times(word(bytes, n - 8), K[2]), times(word(bytes, n - 16), K[0]));
            let first = sum([a.wrapping_sub(b).rotate_right(43), c.rotate_right(30), d]);
            joined(first, sum([a, (b ^ K[3]).rotate_right(20), length]).wrapping_sub(c))
        }
        33..=64 => {
            let half = |a: u64, z: u64, [i, j]: [usize; 2]| {
                let (b, c) = (a.wrapping_add(z).rotate_right(52), a.rotate_right(37));
                let a = a.wrapping_add(word(bytes, i));
                let c = c.wrapping_add(a.rotate_right(7));
                let a = a.wrapping_add(word(bytes, j));
                [a.wrapping_add(z), sum([b, a.rotate_right(31), c])]
            };
            let start = word(bytes, 0).wrapping_add(times(length.wrapping_add(word(bytes, n - 16)), K[0]));
            let [v, far_v] = half(start, word(bytes, 24), [8, 16]);
            let start = word(bytes, 16).wrapping_add(word(bytes, n - 32));
            let [w, far_w] = half(start, word(bytes, n - 8), [n - 24, n - 16]);
            let both = times(v.wrapping_add(far_w), K[2]).wrapping_add(times(w.wrapping_add(far_v), K[0]));
            times(folded(times(folded(both), K[0]).wrapping_add(far_v)), K[2])
        }
        _ => long(bytes),
    }
}

/// Two numbers of 32 bytes.
fn weak(bytes: &[u8], at: usize, a: u64, b: u64) -> [u64; 2] {
    let [w, x, y, z] = [0, 8, 16, 24].map(|i| word(bytes, at + i));
    let a = a.wrapping_add(w);
    let b = sum([b, a, z]).rotate_right(21);
    let more = sum([a, x, y]);
    [more.wrapping_add(z), sum([b, more.rotate_right(44), a])]
}

/// 64 bytes after 64 bytes; the last ones stand at the start.
fn long(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    let length = n as u64;
    let (mut x, mut y, mut z) = (word(bytes, 0), word(bytes, n - 16) ^ K[1], word(bytes, n - 56) ^ K[0]);
    let mut v = weak(bytes, n - 64, length, y);
    let mut w = weak(bytes, n - 32, times(length, K[1]), K[0]);
    z = z.wrapping_add(times(folded(v[1]), K[1]));
    x = times(z.wrapping_add(x).rotate_right(39), K[1]);
    y = times(y.rotate_right(33), K[1]);
    for at in (0..(n - 1) / 64 * 64).step_by(64) {
        x = times(sum([x, y, v[0], word(bytes, at + 16)]).rotate_right(37), K[1]) ^ w[1];
        y = times(sum([y, v[1], word(bytes, at + 48)]).rotate_right(42), K[1]) ^ v[0];
        z = (z ^ w[0]).rotate_right(33);
        v = weak(bytes, at, times(v[1], K[1]), x.wrapping_add(w[0]));
        w = weak(bytes, at + 32, z.wrapping_add(w[1]), y);
        (x, z) = (z, x);
    }
    let first = sum([joined(v[0], w[0]), times(folded(y), K[1]), z]);
    joined(first, joined(v[1], w[1]).wrapping_add(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_catboosts_own() {
        // As CatBoost 1.2.10 writes them into `cat_features_hash`.
        let known = [
            ("a".to_owned(), 3_489_901_818),
            ("übel".to_owned(), 2_381_785_224),
            ("True".to_owned(), 1_020_970_795),
            ("a category".to_owned(), 346_108_595),
            ("longer: 17 bytes!".to_owned(), 1_032_154_348),
            ("x".repeat(32), 664_286_079),
            ("y".repeat(33), 3_368_352_023),
            ("z".repeat(64), 2_725_922_757),
            ("ab".repeat(33), 624_809_965),
            ("über ".repeat(40), 644_587_714),
        ];
        for (text, wanted) in known {
            assert_eq!(category_hash(&text), wanted, "{} bytes", text.len());
        }
    }
}
