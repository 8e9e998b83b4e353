//! Which simple model would do? Rule sets with a proof of how good they are, and every other one that is nearly as good.
//!
//! Values in, values out: nothing here prints, opens a file, reads a clock or starts a thread that outlives its
//! call.

pub mod certificate;
mod count;
pub mod definition;
pub mod describe;
mod instance;
pub mod mine;
pub mod optimal;
pub mod rashomon;
mod search;
mod semantics;
pub mod task;

pub use instance::{Instance, InstanceError};
pub use optimal::{ConstraintError, Constraints, Optimum, learn};
use pellucid_data::Control;
pub use search::Level;
pub use semantics::{Identity, Objective, SemanticsError, Threshold, Within};

/// How a search runs; no result depends on it, unless it ends early.
#[derive(Clone, Copy)]
pub struct Searching<'a> {
    /// Threads, progress and stopping.
    pub control: Control<'a>,
    /// Which instructions to use; levels that the machine has not are lowered.
    pub level: Level,
    /// Stop after about so many children of nodes.
    pub most_nodes: Option<u64>,
    /// Stop when the search would hold more bytes than these.
    pub most_bytes: Option<usize>,
}

impl<'a> Searching<'a> {
    /// Under a caller's control, with the best instructions and no limit.
    #[must_use]
    pub fn with(control: Control<'a>) -> Self {
        Self { control, level: Level::detect(), most_nodes: None, most_bytes: None }
    }

    /// One thread, no progress, no limit.
    #[must_use]
    pub fn quiet() -> Self {
        Self::with(Control::quiet())
    }

    fn how(&self) -> search::How<'a> {
        search::How {
            control: self.control,
            level: self.level,
            switches: search::Switches::default(),
            most_nodes: self.most_nodes,
            most_bytes: self.most_bytes,
        }
    }
}
