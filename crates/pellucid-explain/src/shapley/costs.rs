//! What does each step of a plan cost, in nanoseconds? `cargo xtask bench costs` measures them and writes the numbers.
//!
//! Only their ratios matter, and only for speed: the sums of a plan are the same for any numbers, up to rounding, and tables that would
//! be too large are not made whatever they cost. Two are no measurements: look-ups by 12 bits and more are 1.4 times those by one
//! less each, and a split, which the fit can't tell from the units around it, comes out as 0.

use pellucid_data::Level;

/// Nanoseconds of each step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Costs {
    /// One look-up of one column for one row, by the bits of the index.
    pub(super) look_up: [f64; 14],
    /// One unit for one row, and one split inside of it: a bit.
    pub(super) unit: f64,
    pub(super) bit: f64,
    /// One split above a unit for one row: two patterns.
    pub(super) split: f64,
    /// One point of one edge for one row.
    pub(super) point: f64,
    /// For pairs, one other feature at one point of one edge for one row.
    pub(super) other: f64,
    /// One pattern of the background at one leaf for one row, though rows of one pattern share it.
    pub(super) pair: f64,
    /// One entry of a leaf's patterns.
    pub(super) pattern: f64,
    /// One entry of a table.
    pub(super) entry: f64,
    /// One node of a unit.
    pub(super) node: f64,
}

impl Costs {
    /// With these instructions, tables in planes or not.
    pub(super) fn of(level: Level, in_planes: bool) -> &'static Self {
        match level {
            _ if in_planes => &IN_PLANES,
            Level::Avx512 => &AVX512,
            Level::Avx2 => &AVX2,
            _ => &PORTABLE,
        }
    }
}

// From here on written by the measurement.
// On: AMD EPYC, family 25 model 17

const IN_PLANES: Costs = Costs {
    look_up: [
        0.151, 0.151, 0.163, 0.163, 0.163, 0.163, 0.163, 0.227, 0.316, 1.077, 1.140, 1.140, 1.596, 2.234,
    ],
    unit: 0.060,
    bit: 0.042,
    split: 0.000,
    point: 0.960,
    other: 0.539,
    pair: 1.321,
    pattern: 2.598,
    entry: 0.729,
    node: 1365.165,
};

const AVX512: Costs = Costs {
    look_up: [
        0.250, 0.250, 0.384, 0.446, 0.494, 0.494, 0.531, 0.576, 0.663, 0.721, 0.781, 0.781, 1.093, 1.531,
    ],
    unit: 0.438,
    bit: 0.006,
    split: 0.000,
    point: 0.892,
    other: 0.422,
    pair: 1.191,
    pattern: 2.544,
    entry: 1.385,
    node: 826.176,
};

const AVX2: Costs = Costs {
    look_up: [
        0.389, 0.389, 0.519, 0.531, 0.531, 0.531, 0.531, 0.543, 0.543, 0.717, 0.777, 0.832, 1.164, 1.630,
    ],
    unit: 0.012,
    bit: 0.033,
    split: 0.000,
    point: 1.015,
    other: 0.372,
    pair: 1.190,
    pattern: 2.486,
    entry: 1.401,
    node: 817.357,
};

const PORTABLE: Costs = Costs {
    look_up: [
        0.367, 0.367, 0.437, 0.507, 0.540, 0.540, 0.540, 0.575, 0.617, 0.678, 0.795, 0.795, 1.113, 1.558,
    ],
    unit: 0.095,
    bit: 0.066,
    split: 0.000,
    point: 1.502,
    other: 0.480,
    pair: 1.213,
    pattern: 1.891,
    entry: 1.315,
    node: 974.631,
};
