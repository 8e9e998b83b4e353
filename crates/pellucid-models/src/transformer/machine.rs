//! By what is a transformer run? Instructions, and threads that share the work of one run.

use std::num::NonZeroUsize;

use pellucid_data::Level;

/// Multiply-adds of a run from which on threads are worth their start.
const SHARED: usize = 1 << 24;

/// What a run may use. No number of its answer depends on that, but for [`Level::Portable`], whose products round twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// The newest instructions.
    pub level: Level,
    /// Threads that share one run.
    pub threads: NonZeroUsize,
}

impl Machine {
    /// The best instructions that there are, and one thread.
    #[must_use]
    pub fn one_thread() -> Self {
        Self::with(NonZeroUsize::MIN)
    }

    /// The best instructions that there are, and so many threads.
    #[must_use]
    pub fn with(threads: NonZeroUsize) -> Self {
        Self { level: Level::detect(), threads }
    }

    /// What one of several runs may use that go side by side.
    #[must_use]
    pub fn shared_by(self, n_runs: usize) -> Self {
        let each = self.threads.get() / n_runs.clamp(1, self.threads.get());
        Self { threads: NonZeroUsize::new(each).unwrap_or(NonZeroUsize::MIN), ..self }
    }

    /// Threads for a run of about so many multiply-adds.
    pub(super) fn crew(self, multiply_adds: usize) -> Crew {
        let n_helpers = if multiply_adds < SHARED { 0 } else { self.threads.get() - 1 };
        // Where no thread can be started, one does it all.
        let started = || rayon::ThreadPoolBuilder::new().num_threads(n_helpers).build().ok();
        let helpers = if n_helpers == 0 { None } else { started() };
        Crew { size: helpers.as_ref().map_or(1, |_| n_helpers + 1), helpers }
    }
}

/// The thread that runs, and its helpers, which live as long as a run does: none is left behind, and none is there after a fork.
#[derive(Debug)]
pub(super) struct Crew {
    helpers: Option<rayon::ThreadPool>,
    size: usize,
}

impl Crew {
    /// No helpers.
    pub(super) fn alone() -> Self {
        Self { helpers: None, size: 1 }
    }

    /// How many threads there are.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Does `work` for each part, the first one itself.
    pub(super) fn share<T: Send>(&self, mut parts: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        let Some(own) = parts.next() else { return };
        let Some(helpers) = &self.helpers else {
            work(own);
            parts.for_each(work);
            return;
        };
        helpers.in_place_scope(|scope| {
            let work = &work;
            parts.for_each(|part| scope.spawn(move |_| work(part)));
            work(own);
        });
    }
}
