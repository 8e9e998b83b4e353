//! What can be wrong with a model's files?

use std::ops::Range;

/// Why no transformer could be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// Another architecture.
    #[error("the architecture `{found}` is not supported; {supported} are")]
    Architecture {
        /// What the file says.
        found: String,
        /// What can be read.
        supported: &'static str,
    },
    /// Something that a supported architecture may have, but is not computed here.
    #[error("{what} is not supported: {why}")]
    Unsupported {
        /// What it is.
        what: String,
        /// What to do, or why.
        why: &'static str,
    },
    /// A setting that is not there, or makes no sense.
    #[error("`{key}` {problem}")]
    Config {
        /// The setting.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Bytes that break the format's rules.
    #[error("{format}, byte {offset}: {what}")]
    Syntax {
        /// The format.
        format: &'static str,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A tensor that is needed.
    #[error("the tensor `{name}` is not there{}", near.as_ref().map_or(String::new(), |near| format!("; the nearest name is `{near}`")))]
    Missing {
        /// Its name.
        name: String,
        /// One that is there.
        near: Option<String>,
    },
    /// A tensor of another shape.
    #[error("the tensor `{name}` is {found:?}, and {expected:?} is expected")]
    Shape {
        /// Its name.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// What the configuration says.
        expected: Vec<usize>,
    },
    /// Numbers of a type that is not read.
    #[error("the tensor `{name}` holds {kind}; {supported} are read")]
    Kind {
        /// Its name.
        name: String,
        /// Its type.
        kind: String,
        /// Types that are read.
        supported: &'static str,
    },
    /// Numbers that are none.
    #[error("the tensor `{name}` holds a number that is not finite")]
    NotFinite {
        /// Its name.
        name: String,
    },
}

impl WeightsError {
    pub(super) fn syntax(format: &'static str, offset: usize, what: impl Into<String>) -> Self {
        Self::Syntax { format, offset: offset as u64, what: what.into() }
    }

    /// Whether the bytes of no two tensors lie over each other.
    pub(super) fn apart(format: &'static str, mut ranges: Vec<Range<usize>>) -> Result<(), Self> {
        ranges.sort_by_key(|range| (range.start, range.end));
        match ranges.windows(2).find(|pair| pair[0].end > pair[1].start) {
            Some(pair) => Err(Self::syntax(format, pair[1].start, "two tensors lie over each other")),
            None => Ok(()),
        }
    }

    /// A setting that is wrong.
    pub(in crate::transformer) fn config(key: &str, problem: impl Into<String>) -> Self {
        Self::Config { key: key.to_owned(), problem: problem.into() }
    }
}
