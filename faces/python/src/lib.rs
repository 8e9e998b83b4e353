//! What does Python see of the engine? The module `pellucid._native`: values in, values out, and nothing that a user types.
//!
//! Names, defaults and documentation for users are in the Python package beside this crate; here arguments arrive whole. Every
//! heavy call goes through `calls::run`, which lets other Python threads run and listens for Ctrl-C.

mod arrays;
mod asked;
mod calls;
mod command;
mod errors;
mod explained;
mod frames;
mod lens;
mod pictures;
mod position;
mod rashomon;
mod rules;
mod scale;
mod trees;

use pyo3::prelude::*;

/// The native part of `pellucid`.
#[pymodule(gil_used = false)]
mod _native {
    use super::*;

    #[pymodule_export]
    use super::command::command;
    #[pymodule_export]
    use super::explained::Explained;
    #[pymodule_export]
    use super::lens::{Drawing, Transformer};
    #[pymodule_export]
    use super::position::PositionReport;
    #[pymodule_export]
    use super::rashomon::RashomonSet;
    #[pymodule_export]
    use super::rules::Rules;
    #[pymodule_export]
    use super::scale::{Planned, Totals};
    #[pymodule_export]
    use super::trees::TreeModel;

    /// Panics become exceptions; what they say stands there and nowhere else.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        std::panic::set_hook(Box::new(|_| {}));
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
