//! `pellucid` from a terminal, where Python installed it.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command on its arguments, the first being its name; answers the exit code.
#[pyfunction]
pub(crate) fn command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| pellucid_cli::run(arguments))
}
