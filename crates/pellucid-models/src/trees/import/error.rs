//! Why can a model not be read? One variant a cause; tree and node are named where there is one.

use std::ops::RangeInclusive;

use crate::trees::TreeError;

/// Why a saved model was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Not a model file that is known.
    #[error(
        "this is not a model file that Pellucid reads ({guess}); it reads XGBoost JSON and UBJSON, LightGBM text, CatBoost JSON, scikit-learn saved with skops, and ONNX"
    )]
    UnknownFormat {
        /// What it looks like.
        guess: &'static str,
    },
    /// Not valid JSON or UBJSON.
    #[error("{format}, byte {offset}: {what}; the file is damaged or was cut short")]
    Syntax {
        /// Format's name.
        format: &'static str,
        /// Where, in bytes from the start.
        offset: usize,
        /// What was found.
        what: String,
    },
    /// A field that every such file has.
    #[error("`{path}` is not there; the file is damaged, or it is not a model of this kind")]
    Absent {
        /// Where it should stand.
        path: String,
    },
    /// A field of another type or value than it can have.
    #[error("`{path}` should be {expected}; the file is damaged")]
    Value {
        /// Where it stands.
        path: String,
        /// What it should be.
        expected: String,
    },
    /// Arrays of a tree that should be of equal length.
    #[error("tree {tree}: `{field}` has {found} entries where {expected} are needed; the file is damaged")]
    Length {
        /// Tree, from 0.
        tree: usize,
        /// The array.
        field: String,
        /// Entries found.
        found: usize,
        /// Entries needed.
        expected: usize,
    },
    /// An array that is not as long as it should be.
    #[error("`{field}` has {found} entries where {expected} are needed; the file is damaged")]
    Entries {
        /// The array.
        field: String,
        /// Entries found.
        found: usize,
        /// Entries needed.
        expected: usize,
    },
    /// A tree whose nodes make no tree.
    #[error("tree {tree}: {cause}")]
    Tree {
        /// Tree, from 0.
        tree: usize,
        /// What is wrong.
        cause: TreeError,
    },
    /// Larger than any real model: refused before memory is taken.
    #[error("`{path}` is {found}; more than {limit} is not read")]
    TooLarge {
        /// What is too large.
        path: String,
        /// How large.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A valid model that is not explained yet, or can't be.
    #[error("{what}: {remedy}")]
    Unsupported {
        /// What it is.
        what: String,
        /// Why, and what to do.
        remedy: &'static str,
    },
}

impl ImportError {
    pub(super) fn unknown_format(bytes: &[u8]) -> Self {
        let guess = match bytes {
            [] => "it is empty",
            [0x80, 2..=5, ..] => {
                "it looks like a pickle, which is never read: it can run code; save scikit-learn models with skops.io.dump"
            }
            [b'b', b'i', b'n', b'f', ..] => {
                "it looks like XGBoost's old binary format; save it again as .json or .ubj"
            }
            [b'P', b'K', ..] => "it is a damaged zip archive",
            [0x1f, 0x8b, ..] => "it is compressed with gzip; unpack it first",
            [b'P', b'A', b'R', b'1', ..] => "it is a Parquet file, so perhaps data and model were swapped",
            _ if bytes.len() > 4
                && bytes.iter().take(64).all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) =>
            {
                "it is text; perhaps data and model were swapped"
            }
            _ => "its first bytes are unknown",
        };
        Self::UnknownFormat { guess }
    }

    /// JSON of something else.
    pub(super) fn other_json(is_ours: bool) -> Self {
        let guess = if is_ours {
            "it is JSON that Pellucid itself wrote: a result, not a model"
        } else {
            "it is JSON without `learner`, which XGBoost's models have, and without `features_info`, which CatBoost's have"
        };
        Self::UnknownFormat { guess }
    }

    /// Says what is valid and not read, and what to do.
    pub(super) fn unsupported(what: impl Into<String>, remedy: &'static str) -> Self {
        Self::Unsupported { what: what.into(), remedy }
    }

    /// Refuses a number of things that lies outside of what any real model has.
    pub(super) fn within(path: &str, found: i64, range: RangeInclusive<i64>) -> Result<(), Self> {
        if range.contains(&found) {
            return Ok(());
        }
        if found < *range.start() {
            return Err(Self::value(path, format!("{} or more, but is {found}", range.start())));
        }
        let (found, limit) = (found.unsigned_abs(), range.end().unsigned_abs());
        Err(Self::TooLarge { path: path.to_owned(), found, limit })
    }

    /// Refuses a list of a tree that is not as long as it should be.
    pub(super) fn length(tree: usize, field: &str, found: usize, expected: usize) -> Result<(), Self> {
        if found == expected {
            return Ok(());
        }
        Err(Self::Length { tree, field: field.to_owned(), found, expected })
    }

    /// Refuses a list that is not as long as it should be.
    pub(super) fn entries(field: &str, found: usize, expected: usize) -> Result<(), Self> {
        if found == expected {
            return Ok(());
        }
        Err(Self::Entries { field: field.to_owned(), found, expected })
    }

    pub(super) fn value(path: &str, expected: impl Into<String>) -> Self {
        Self::Value { path: path.to_owned(), expected: expected.into() }
    }
}
