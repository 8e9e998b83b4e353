//! Which rule sets are nearly as good as the best? All of them: counted, drawn from, listed, studied.
//!
//! The Rashomon set of a bound θ is {S : objective(S) ≤ θ} (Breiman 2001; for rule sets Ciaperoni, Xiao & Gionis, KDD
//! 2024), see [`crate::Within`] for what is in and what is one set.

mod approximate;
mod count;
mod explorer;
mod list;
mod members;
mod parity;
mod sample;
pub mod sets_file;
pub mod study;
mod tally;
mod tree_sampler;

pub use approximate::{AlmostUniform, Estimate, approximate_count, unigen};
pub(crate) use count::Prepared;
pub use count::{Counted, count};
pub use explorer::{Explorer, Member};
pub use list::{Listed, Order};
pub use parity::{ApproximateError, Cell, Parity, parity_cell};
pub use sample::{Sample, SampleError};
pub use tally::Detail;
pub use tree_sampler::{Probe, Probed, probe};

#[cfg(test)]
pub(crate) use tests::{instances, read_instance};

#[cfg(test)]
mod approximate_tests;
#[cfg(test)]
mod tests;
