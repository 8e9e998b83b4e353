//! Why could an input not be read?

/// Why an input could not be read; its name is always there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {cause}")]
pub struct ReadError {
    /// How the user named it.
    pub name: String,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Nothing in it.
    #[error("there is no text in it")]
    Empty,
    /// More than is read.
    #[error("{0} bytes are more than the 64 MiB that are read; give the pages that matter")]
    TooLarge(usize),
    /// The ending promises another format.
    #[error(
        "its ending does not say what it is (the file does not begin as such a file does); is it damaged?"
    )]
    NotWhatItSays,
    /// A known format that is not read.
    #[error("`.{0}` files are not read; save it as .docx, .pdf, .md or .txt")]
    Unsupported(String),
    /// A PDF of pictures.
    #[error("its pages ({0}) hold pictures and no text; it was probably scanned: run it through OCR first")]
    NoText(usize),
    /// A locked file.
    #[error("it is protected by a password; save it without one")]
    Locked,
    /// Not what its format says.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// JSON of another shape.
    #[error("it is no JSON Resume: {0} (see jsonresume.org/schema)")]
    Shape(String),
}

impl ReadError {
    pub(crate) fn new(name: &str, cause: Cause) -> Self {
        Self { name: name.to_owned(), cause }
    }
}
