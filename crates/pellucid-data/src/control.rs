//! Who decides how long and on how many cores? The caller, through these arguments.

use std::num::NonZeroUsize;

/// Hears of progress and may ask to stop. Called from worker threads.
pub trait Watch: Sync {
    /// So many more units of work are done: rows, or nodes of a search.
    fn advance(&self, _done: usize) {}

    /// Whether to stop at the next chance (a key was pressed, a deadline has passed).
    fn should_stop(&self) -> bool {
        false
    }
}

/// Hears nothing and never stops.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Watch for Quiet {}

/// How a long computation runs.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Worker threads; they end with the call. No result depends on their number.
    pub threads: NonZeroUsize,
    /// Progress and cancelling.
    pub watch: &'a dyn Watch,
}

impl Control<'_> {
    /// One thread, no progress, no cancelling.
    #[must_use]
    pub fn quiet() -> Self {
        Control { threads: NonZeroUsize::MIN, watch: &Quiet }
    }
}

/// The caller asked to stop; nothing was computed to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped before the end")]
pub struct Stopped;
