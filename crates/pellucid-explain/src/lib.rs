//! Why this prediction? Explanations of models that can't be read, each with its own error.
//!
//! Values in, values out: nothing here prints, opens a file, reads a clock or starts a thread that
//! outlives its call.

pub mod aggregate;
mod attributions;
#[cfg(feature = "transformer")]
pub mod inside;
pub mod shapley;
pub mod what_if;
mod workers;

pub use attributions::{Attributions, Kind, Space};
pub use pellucid_data::control::{Control, Quiet, Stopped, Watch};
