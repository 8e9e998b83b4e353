//! What can be wrong with a data file? One variant a cause, with the place and the way out.

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A part of a file was asked for that has no such parts.
    #[error("shards are whole row groups of a Parquet file, and this file has {found} of them")]
    NoShards {
        /// Row groups.
        found: usize,
    },
    /// There is no first row.
    #[error("the file is empty; a table needs a header and at least one column")]
    Empty,
    /// A row has more or fewer fields than the header.
    #[error("line {line}: {found} fields where the header has {expected}; check for an unquoted separator")]
    Ragged {
        /// Line of the file, from 1.
        line: u64,
        /// Fields found.
        found: usize,
        /// Fields of the header.
        expected: usize,
    },
    /// Two columns share a name, so that matching by name would be a guess.
    #[error("column `{name}` appears twice in the header; rename one of the two")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// Text in a column of numbers.
    #[error(
        "line {line}, column `{column}`: `{text}` is not a number; \
         if it stands for a missing value, say so with `--missing '{text}'`"
    )]
    NotANumber {
        /// Line of the file, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What stands there, cut to 40 characters.
        text: String,
    },
    /// Not valid UTF-8.
    #[error("line {line}: the text is not valid UTF-8; convert the file, for instance with `iconv -t utf-8`")]
    NotUtf8 {
        /// Line of the file, from 1.
        line: u64,
    },
    /// A line is not a JSON object of plain values.
    #[error("line {line}: {what}; each line must be one JSON object of numbers, text, true, false or null")]
    BadJsonLine {
        /// Line of the file, from 1.
        line: u64,
        /// What was found.
        what: String,
    },
    /// A line has a key that the first batch did not have.
    #[error("line {line}: key `{key}` is new; the first {sampled} lines did not have it")]
    LateKey {
        /// Line of the file, from 1.
        line: u64,
        /// The key.
        key: String,
        /// How many lines the columns were taken from.
        sampled: usize,
    },
    #[cfg(feature = "arrow")]
    /// A column type that is neither numbers nor text.
    #[error("column `{column}` has type {found}; convert it to a number or to text, or leave it out")]
    ColumnType {
        /// The column.
        column: String,
        /// Its type as the file names it.
        found: String,
    },
    /// A column that was asked for by name is not there.
    #[error("{}", absent_text(.name, .closest, .names))]
    Absent {
        /// The name.
        name: String,
        /// The most similar name that is there.
        closest: Option<String>,
        /// The names that are there.
        names: Vec<String>,
    },
    #[cfg(feature = "arrow")]
    /// A damaged Parquet file.
    #[error("the Parquet file can't be read: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    #[cfg(feature = "arrow")]
    /// A damaged Arrow file.
    #[error("the Arrow file can't be read: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    #[cfg(feature = "arrow")]
    /// The decoding library gave up on a damaged file by panicking.
    #[error("the {format} file is damaged: {what}")]
    Decoder {
        /// The format's name.
        format: &'static str,
        /// The library's own words.
        what: String,
    },
    /// The reader's bytes stopped coming.
    #[error("reading stopped: {0}")]
    Io(#[from] std::io::Error),
}

fn absent_text(name: &str, closest: &Option<String>, names: &[String]) -> String {
    match closest {
        Some(near) => format!("there is no column `{name}`; did you mean `{near}`?"),
        None => format!("there is no column `{name}`; the columns are {}", names.join(", ")),
    }
}

impl ReadError {
    pub(crate) fn not_a_number(line: u64, column: &str, text: &str) -> Self {
        Self::NotANumber { line, column: column.to_owned(), text: text.chars().take(40).collect() }
    }
}

#[cfg(feature = "arrow")]
/// Runs a decoder of another library on bytes that nobody has vouched for. Some of them panic on damage
/// that they do not expect; here that is an error like any other. Nothing of the decoder is used after.
pub(super) fn guarded<T>(
    format: &'static str,
    decode: impl FnOnce() -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let what = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Err(ReadError::Decoder { format, what: what.chars().take(200).collect() })
    })
}
