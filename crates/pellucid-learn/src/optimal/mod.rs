//! Which rule set is the best, and how do we know? Branch and bound with a certificate, and the published algorithm beside it.

mod bounds;
mod greedy;
mod learn;
mod plain;

pub use bounds::PlainBounds;
pub use learn::{Bounds, ConstraintError, Constraints, Optimum, learn};
pub use plain::{Plain, PlainError, plain};

#[cfg(test)]
mod plain_tests;
#[cfg(test)]
mod tests;
