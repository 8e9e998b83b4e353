//! What happens inside a transformer? Experiments on its forward pass: values of another run are put in, and the answer is measured.
//!
//! [`patching`] says what is asked, [`mod@plan`] what of it has to be computed, [`mod@patch`] does it, and [`definition`] does it slowly: one
//! whole run for every cell.

pub mod definition;
pub mod patch;
pub mod patching;
pub mod plan;

pub use patch::{Patched, Prepared, Verified, patch, prepare};
pub use patching::{By, Cell, Direction, Pair, PatchError, Patching};
pub use plan::{Plan, plan};
