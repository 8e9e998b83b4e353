//! Which rule set is the best, and how do we know? Branch and bound with a certificate, and the published algorithm beside it.

mod greedy;
mod learn;

pub use learn::{Bounds, ConstraintError, Constraints, Optimum, learn};

#[cfg(test)]
mod tests;
