//! What went wrong, for whom, and what to do?

use pellucid::data::closest;
use serde_json::{Value, json};

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The address asks for what is not there, or in a way that makes no sense.
    Usage,
    /// What was opened is not what it should be.
    Input,
    /// A limit was reached.
    Limit,
    /// Too much is being worked on already.
    Busy,
    /// Nothing stands at this address.
    NotFound,
    /// Whoever asks may not.
    Forbidden,
    /// Somebody cancelled the work.
    Cancelled,
    /// Ours.
    Bug,
}

/// An error, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Whose fault.
    pub code: Code,
    /// What, where, what to do.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// Of anything that is wrong with what was opened.
    pub(crate) fn input(cause: impl std::fmt::Display) -> Self {
        Self::new(Code::Input, cause.to_string())
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(Code::Cancelled, "the work was cancelled before its end; ask again to begin anew")
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.code {
            Code::Usage => 400,
            Code::Forbidden => 403,
            Code::NotFound => 404,
            Code::Cancelled => 409,
            Code::Limit => 413,
            Code::Input => 422,
            Code::Busy => 429,
            Code::Bug => 500,
        }
    }

    /// `{"error": {"code", "message"}}`
    #[must_use]
    pub fn to_json(&self) -> Value {
        let code = match self.code {
            Code::Usage => "usage",
            Code::Input => "input",
            Code::Limit => "limit",
            Code::Busy => "busy",
            Code::NotFound => "not_found",
            Code::Forbidden => "forbidden",
            Code::Cancelled => "cancelled",
            Code::Bug => "bug",
        };
        json!({"error": {"code": code, "message": self.message}})
    }
}

impl From<pellucid::explain::Stopped> for Failure {
    fn from(_: pellucid::explain::Stopped) -> Self {
        Self::cancelled()
    }
}

/// What somebody may have meant who wrote a name that is not known: "; did you mean `age`?", or nothing.
pub(crate) fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    closest(name, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}
