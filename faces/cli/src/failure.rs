//! Why did it end, and with which exit code? One kind a code.

use std::any::Any;

use pellucid::data::ratio::RatioError;
use pellucid::data::read::ReadError;
use pellucid::data::write::WriteError;
use pellucid::explain::inside::{EmbedError, ExperimentError, PatchError};
use pellucid::explain::shapley::PlanError;
use pellucid::feed::FeedError;
use pellucid::files::{FileError, TransformerError};
use pellucid::learn::mine::MineError;
use pellucid::learn::rashomon::{ApproximateError, SampleError};
use pellucid::learn::task::{ExploreError, StudyFailure, TaskError};
use pellucid::learn::{ConstraintError, InstanceError, SemanticsError};
use pellucid::models::rules::PredictError;
use pellucid::models::trees::BindError;
use pellucid_runs::RunError;

/// What ended the program before its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments contradict each other or the file they are about.
    #[error("{0}")]
    Usage(String),
    /// An input that can't be used.
    #[error("{0}")]
    Input(String),
    /// A limit was hit before there was any result.
    #[error("the time limit was reached before the first rows were done; nothing was written")]
    NothingInTime,
    /// A limit was hit, and nothing that was found until then can be given away.
    #[error("{0}")]
    Limit(String),
    /// The reader of standard output went away.
    #[error("the reader of standard output is gone")]
    BrokenPipe,
    /// Ctrl-C.
    #[error("interrupted; no file was written")]
    Interrupted,
    /// A check failed: a negative answer.
    #[error("{0}")]
    Negative(String),
    /// Our fault.
    #[error("this is a bug in Pellucid: {0}\nPlease report it with the command that led here.")]
    Bug(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Negative(_) => 1,
            Self::Usage(_) => 2,
            Self::Input(_) => 3,
            Self::NothingInTime | Self::Limit(_) => 4,
            Self::Bug(_) => 5,
            Self::Interrupted => 130,
        }
    }

    /// The word for it in `--json`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::BrokenPipe => "broken_pipe",
            Self::Negative(_) => "negative",
            Self::Usage(_) => "usage",
            Self::Input(_) => "input",
            Self::NothingInTime => "time_limit",
            Self::Limit(_) => "limit",
            Self::Bug(_) => "bug",
            Self::Interrupted => "interrupted",
        }
    }

    /// What stands on standard error where `--json` is asked for.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"error": {"code": self.code(), "message": self.to_string()}})
    }

    pub(crate) fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Self::Bug(
            text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned(),
        )
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::BrokenPipe
        } else {
            Self::Input(error.to_string())
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Io(error) => error.into(),
            other => Self::Input(other.to_string()),
        }
    }
}

macro_rules! input {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Input(error.to_string())
            }
        })*
    };
}

input!(FileError, TransformerError, ReadError, BindError, RunError, RatioError, InstanceError, PredictError);

macro_rules! input_or_limit {
    ($($error:ident $(, or in $nested:ident)?;)*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                match error {
                    $error::Stopped { .. } $(| $error::$nested(SemanticsError::Stopped | SemanticsError::Memory { .. }))? => Self::Limit(format!("a limit was reached: {error}")),
                    _ => Self::Input(error.to_string()),
                }
            }
        })*
    };
}

input_or_limit! {
    PatchError;
    EmbedError;
    MineError;
    PlanError;
    ApproximateError, or in Semantics;
    ConstraintError, or in Semantics;
    SampleError, or in Semantics;
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Semantics(error) => error.into(),
            TaskError::Instance(error) => error.into(),
            TaskError::Mine(error) => error.into(),
            TaskError::Ratio(error) => error.into(),
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<ExploreError> for Failure {
    fn from(error: ExploreError) -> Self {
        match error {
            ExploreError::Unproven { .. } => Self::Limit(error.to_string()),
            ExploreError::Constraint(error) => error.into(),
            ExploreError::Semantics(error) => error.into(),
            ExploreError::Ratio(error) => error.into(),
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<StudyFailure> for Failure {
    fn from(error: StudyFailure) -> Self {
        match error {
            StudyFailure::Stopped => Self::Limit(error.to_string()),
            StudyFailure::Task(error) => error.into(),
            StudyFailure::Sample(error) => error.into(),
            StudyFailure::Semantics(error) => error.into(),
            StudyFailure::Ratio(error) => error.into(),
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<ExperimentError> for Failure {
    fn from(error: ExperimentError) -> Self {
        match error {
            ExperimentError::Stopped | ExperimentError::Memory { .. } => {
                Self::Limit(format!("a limit was reached: {error}"))
            }
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Stopped => Self::NothingInTime,
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<SemanticsError> for Failure {
    fn from(error: SemanticsError) -> Self {
        match error {
            SemanticsError::Stopped | SemanticsError::Memory { .. } => {
                Self::Limit(format!("a limit was reached: {error}"))
            }
            _ => Self::Input(error.to_string()),
        }
    }
}
