//! How do rules leave for other systems? As code that needs nothing of ours.

mod python;
mod sql;

pub use python::python;
pub use sql::sql;
