//! Which Python exception is it? One class a cause; the text is the engine's, as the command line prints it.
//!
//! The classes are Python's (`pellucid/errors.py`), so that they can inherit from `ValueError` and be documented there.

use std::any::Any;

use pellucid::explain::Stopped;
use pellucid::explain::shapley::{BackgroundError, PlanError};
use pellucid::feed::FeedError;
use pellucid::files::FileError;
use pellucid::models::trees::BindError;
use pellucid::models::trees::import::ImportError;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// What ended a call, before there is a Python exception: worker threads have no interpreter.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The class in `pellucid.errors`, and what it says.
    Said(&'static str, String),
    /// Columns that are not there.
    Missing(Vec<String>, String),
    /// An exception that came out of Python, for instance of a stream of batches.
    Python(PyErr),
    /// Ctrl-C.
    Interrupted,
}

impl Failure {
    /// A wrong argument.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Said("UsageError", text.into())
    }

    /// A limit that came before there was a result.
    pub(crate) fn limit(error: impl std::fmt::Display) -> Self {
        Self::Said("LimitError", format!("a limit was reached: {error}"))
    }

    /// Memory that is not there.
    pub(crate) fn too_large(bytes: usize) -> Self {
        let size = bytes as f64 / f64::from(1 << 30);
        Self::Said(
            "LimitError",
            format!("the answer would take {size:.1} GiB, which can't be had; ask for fewer rows at a time"),
        )
    }

    pub(crate) fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Self::Said(
            "BugError",
            format!("this is a bug in Pellucid: {text}\nPlease report it with the call that led here."),
        )
    }
}

fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    Ok(py.import("pellucid.errors")?.getattr(name)?.cast_into()?)
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| {
            let made = match failure {
                Failure::Python(error) => Ok(error),
                Failure::Interrupted => Ok(PyKeyboardInterrupt::new_err(())),
                Failure::Said(name, text) => class(py, name).map(|class| PyErr::from_type(class, text)),
                Failure::Missing(columns, text) => {
                    class(py, "MissingColumnsError").map(|class| PyErr::from_type(class, (text, columns)))
                }
            };
            made.unwrap_or_else(|error| error)
        })
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Stopped> for Failure {
    fn from(_: Stopped) -> Self {
        Self::Interrupted
    }
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        let text = error.to_string();
        match error {
            FeedError::Stopped => Self::Interrupted,
            FeedError::NoColumn { column, .. } => Self::Missing(vec![column], text),
            FeedError::Bind { cause, .. } => match cause {
                BindError::Missing { missing, .. } => Self::Missing(missing, text),
                BindError::Unseen { .. } => Self::Said("UnknownCategoryError", text),
                BindError::Absent { .. } | BindError::Infinite { .. } => {
                    Self::Said("MissingValueError", text)
                }
                _ => Self::Said("DataError", text),
            },
            _ => Self::Said("DataError", text),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let text = error.to_string();
        match error {
            FileError::Io(error) => Self::Python(error.into()),
            FileError::Model { .. } => Self::Said("ModelError", text),
            _ => Self::Said("DataError", text),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Stopped => Self::Interrupted,
            _ => Self::usage(error.to_string()),
        }
    }
}

impl From<BackgroundError> for Failure {
    fn from(error: BackgroundError) -> Self {
        Self::Said("DataError", format!("the background: {error}"))
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Said("ModelError", error.to_string())
    }
}

impl From<pellucid::files::TransformerError> for Failure {
    fn from(error: pellucid::files::TransformerError) -> Self {
        use pellucid::files::TransformerError;
        // The engine's hint is for a terminal.
        let text = error.to_string().replace("--tokenizer", "tokenizer=");
        match error {
            TransformerError::File(cause) => cause.into(),
            TransformerError::Processing { .. } => Self::usage(text),
            TransformerError::Experiment { .. } => Self::Said("DataError", text),
            _ => Self::Said("ModelError", text),
        }
    }
}

impl From<pellucid::models::transformer::RunError> for Failure {
    fn from(error: pellucid::models::transformer::RunError) -> Self {
        Self::from(pellucid::explain::inside::PatchError::from(error))
    }
}

fn run_class(error: &pellucid::models::transformer::RunError) -> &'static str {
    use pellucid::models::transformer::RunError;
    match error {
        RunError::NoSite { .. } | RunError::NoLayer { .. } => "SiteError",
        _ => "PromptError",
    }
}

impl From<pellucid::explain::inside::PatchError> for Failure {
    fn from(error: pellucid::explain::inside::PatchError) -> Self {
        patch_class(&error).map_or(Self::Interrupted, |class| Self::Said(class, error.to_string()))
    }
}

/// The class of a cause; `None` where somebody stopped.
fn patch_class(error: &pellucid::explain::inside::PatchError) -> Option<&'static str> {
    use pellucid::explain::inside::PatchError;
    Some(match error {
        PatchError::Stopped => return None,
        PatchError::At { cause, .. } => return patch_class(cause),
        PatchError::Site(cause) => run_class(cause),
        PatchError::NotBy { .. } | PatchError::ZeroScale { .. } => "SiteError",
        PatchError::NotFinite => "ModelError",
        PatchError::Untouched { .. } => "BugError",
        PatchError::Node(_)
        | PatchError::NoLogits { .. }
        | PatchError::NoReference
        | PatchError::NoPrompts
        | PatchError::NotLinear { .. } => "UsageError",
        // What is left is about prompts: their lengths, their answers, how many there are.
        _ => "PromptError",
    })
}

impl From<pellucid::explain::inside::EmbedError> for Failure {
    fn from(error: pellucid::explain::inside::EmbedError) -> Self {
        use pellucid::explain::inside::EmbedError;
        let text = error.to_string();
        match error {
            EmbedError::Stopped => Self::Interrupted,
            EmbedError::NotFinite { .. } => Self::Said("ModelError", text),
            EmbedError::Tokens { .. } | EmbedError::Run { .. } => Self::Said("PromptError", text),
            _ => Self::usage(text),
        }
    }
}

impl From<pellucid_position::AnalysisError> for Failure {
    fn from(error: pellucid_position::AnalysisError) -> Self {
        let text = error.to_string();
        match error {
            pellucid_position::AnalysisError::Swapped { .. } => Self::usage(text),
            _ => Self::Said("DataError", text),
        }
    }
}

use pellucid::learn::mine::MineError;
use pellucid::learn::rashomon::{ApproximateError, SampleError};
use pellucid::learn::task::{ExploreError, StudyFailure, TaskError, WholeError};
use pellucid::learn::{ConstraintError, SemanticsError};

impl From<WholeError> for Failure {
    fn from(error: WholeError) -> Self {
        let text = format!("the data: {error}");
        match error {
            WholeError::Stopped => Self::limit(error),
            WholeError::Batches => Self::Said("BugError", text),
            WholeError::Twice { .. } => Self::usage(text),
            _ => Self::Said("DataError", text),
        }
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        let text = error.to_string();
        match error {
            TaskError::Semantics(error) => error.into(),
            TaskError::Mine(MineError::Stopped { .. }) => Self::limit(text),
            TaskError::NoColumn { name, .. } => Self::Missing(vec![name], text),
            TaskError::OneValue { .. } | TaskError::NoTwoValues { .. } => Self::Said("OneClassError", text),
            TaskError::RequiredDropped { .. }
            | TaskError::RequiredTarget { .. }
            | TaskError::BothDirections { .. } => Self::Said("ConstraintError", text),
            TaskError::Never { .. } | TaskError::TargetDropped { .. } | TaskError::Ratio(_) => {
                Self::usage(text)
            }
            _ => Self::Said("DataError", text),
        }
    }
}

impl From<SemanticsError> for Failure {
    fn from(error: SemanticsError) -> Self {
        match error {
            SemanticsError::Stopped | SemanticsError::Memory { .. } | SemanticsError::Held { .. } => {
                Self::limit(error)
            }
            SemanticsError::TooHeavy(_) => Self::Said("DataError", error.to_string()),
            _ => Self::usage(error.to_string()),
        }
    }
}

impl From<ConstraintError> for Failure {
    fn from(error: ConstraintError) -> Self {
        match error {
            ConstraintError::Semantics(error) => error.into(),
            ConstraintError::Stopped => Self::limit(error),
            ConstraintError::Ratio(_) => Self::usage(error.to_string()),
            _ => Self::Said("ConstraintError", error.to_string()),
        }
    }
}

impl From<ExploreError> for Failure {
    fn from(error: ExploreError) -> Self {
        match error {
            ExploreError::Constraint(error) => error.into(),
            ExploreError::Semantics(error) => error.into(),
            ExploreError::Unproven { .. } => Self::Said("LimitError", error.to_string()),
            _ => Self::usage(error.to_string()),
        }
    }
}

impl From<SampleError> for Failure {
    fn from(error: SampleError) -> Self {
        match error {
            SampleError::Semantics(error) => error.into(),
            SampleError::Stopped | SampleError::TooLarge => Self::limit(error),
            SampleError::Empty => Self::Said("EmptySetError", error.to_string()),
            _ => Self::usage(error.to_string()),
        }
    }
}

impl From<ApproximateError> for Failure {
    fn from(error: ApproximateError) -> Self {
        match error {
            ApproximateError::Semantics(error) => error.into(),
            ApproximateError::Stopped | ApproximateError::Failed { .. } => Self::limit(error),
            ApproximateError::Empty => Self::Said("EmptySetError", error.to_string()),
            _ => Self::usage(error.to_string()),
        }
    }
}

impl From<StudyFailure> for Failure {
    fn from(error: StudyFailure) -> Self {
        match error {
            StudyFailure::Task(error) => error.into(),
            StudyFailure::Sample(error) => error.into(),
            StudyFailure::Semantics(error) => error.into(),
            StudyFailure::Stopped => Self::Said("LimitError", error.to_string()),
            StudyFailure::Empty => Self::Said("EmptySetError", error.to_string()),
            StudyFailure::Ratio(_) => Self::usage(error.to_string()),
            _ => Self::Said("DataError", error.to_string()),
        }
    }
}

impl From<pellucid::learn::certificate::format::ReadError> for Failure {
    fn from(error: pellucid::learn::certificate::format::ReadError) -> Self {
        Self::Said("ModelError", error.to_string())
    }
}

impl From<pellucid::models::rules::PredictError> for Failure {
    fn from(error: pellucid::models::rules::PredictError) -> Self {
        let text = error.to_string();
        match error {
            pellucid::models::rules::PredictError::Missing { column, .. } => {
                Self::Missing(vec![column], text)
            }
            _ => Self::Said("DataError", text),
        }
    }
}
