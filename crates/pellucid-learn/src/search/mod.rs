//! How are all rule sets within a bound visited, and none twice?
//!
//! One depth-first search serves counting, listing, sampling and optimizing; what is done with the sets is a [`visit::Visit`].
//! [`problem`] holds what never changes, [`frame`] what a node holds, [`dfs`] is a node, [`run`] shares nodes among threads.
//! The ideas are those of the branch-and-bound for rule sets of Ciaperoni, Xiao & Gionis (KDD 2024), with these
//! additions: net weights of classes, a bound from the t largest gains, an order that follows the gains at every node, rules that
//! change nothing any more counted by binomials, and children that can't be extended counted by one comparison.

pub(crate) mod classes;
mod dfs;
pub(crate) mod frame;
mod lane;
pub(crate) mod open;
pub(crate) mod problem;
mod run;
pub(crate) mod visit;

pub(crate) use lane::Lane;
pub use pellucid_data::Level;
pub(crate) use run::{Ended, How, Switches, run};
