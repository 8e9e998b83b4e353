//! What is asked of a leaf: what it gives each feature, or each pair of features? Either is a list of columns.

/// What a plan computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One value a feature.
    Values,
    /// One interaction a pair of features.
    Pairs,
}

impl Wanted {
    /// How many columns an output has, with so many features in use.
    pub(super) fn width(self, n_used: usize) -> usize {
        match self {
            Self::Values => n_used,
            Self::Pairs => n_used * n_used.saturating_sub(1) / 2,
        }
    }

    /// The columns of a path's features or of their pairs, by the places of the features; for pairs (0, 1), (0, 2), ...,
    /// (1, 2), ...
    pub(super) fn of_places(self, places: &[u32], n_used: usize) -> Vec<u32> {
        match self {
            Self::Values => places.to_vec(),
            Self::Pairs => {
                let column =
                    |(i, j): (usize, usize)| pair(places[i] as usize, places[j] as usize, n_used) as u32;
                each_pair(places.len()).map(column).collect()
            }
        }
    }
}

/// The pairs of d things, the smaller number first, in order.
pub(super) fn each_pair(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).flat_map(move |i| (i + 1..d).map(move |j| (i, j)))
}

/// The place of a pair of different things among n, in the order of [`each_pair`].
pub(super) fn pair(one: usize, other: usize, n: usize) -> usize {
    let (low, high) = (one.min(other), one.max(other));
    low * (2 * n - low - 1) / 2 + high - low - 1
}
