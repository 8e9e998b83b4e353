//! Was this asked before? Results by what was asked, each worked out once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pellucid::explain::Watch as _;

use crate::failure::Failure;
use crate::jobs::{Job, Jobs};

/// So long a request waits for its job before it answers that there is one.
const PATIENCE: Duration = Duration::from_millis(250);

/// What there is of a result.
pub(crate) enum Found<T> {
    /// The result.
    Ready(Arc<T>),
    /// Who works on it.
    Working(Arc<Job>),
}

enum Slot<T> {
    Ready(Arc<T>),
    /// What a search had found when it was stopped by hand: told once, for the question may be asked anew.
    Once(Arc<T>),
    Working(Arc<Job>),
}

/// The latest results of one kind.
pub(crate) struct Memo<T> {
    /// The latest last.
    slots: Mutex<Vec<(String, Slot<T>)>>,
    most: usize,
}

impl<T: Send + Sync + 'static> Memo<T> {
    /// Remembers so many.
    pub(crate) fn of(most: usize) -> Arc<Self> {
        Arc::new(Self { slots: Mutex::new(Vec::new()), most })
    }

    fn slots(&self) -> MutexGuard<'_, Vec<(String, Slot<T>)>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result for a key; begins to work on it if nobody does.
    pub(crate) fn get(
        self: &Arc<Self>,
        jobs: &Arc<Jobs>,
        key: &str,
        title: &str,
        work: impl FnOnce(&Job) -> Result<T, Failure> + Send + 'static,
    ) -> Result<Found<T>, Failure> {
        let job = {
            let mut slots = self.slots();
            let at = slots.iter().position(|slot| slot.0 == key);
            match at.map(|at| slots.remove(at).1) {
                Some(Slot::Ready(found)) => {
                    slots.push((key.to_owned(), Slot::Ready(Arc::clone(&found))));
                    return Ok(Found::Ready(found));
                }
                Some(Slot::Once(found)) => return Ok(Found::Ready(found)),
                Some(Slot::Working(job)) if !job.is_abandoned() => {
                    slots.push((key.to_owned(), Slot::Working(Arc::clone(&job))));
                    job
                }
                _ => {
                    let (memo, own_key) = (Arc::clone(self), key.to_owned());
                    let job = jobs.start(title, move |job| memo.keep(&own_key, work(job), job))?;
                    slots.push((key.to_owned(), Slot::Working(Arc::clone(&job))));
                    job
                }
            }
        };
        if !job.is_over_within(PATIENCE) {
            return Ok(Found::Working(job));
        }
        if let Some(failure) = job.failure() {
            self.forget(key, &job);
            return Err(failure);
        }
        let mut slots = self.slots();
        let at = slots.iter().position(|slot| slot.0 == key);
        match at.map(|at| slots.remove(at).1) {
            Some(Slot::Once(found)) => Ok(Found::Ready(found)),
            Some(Slot::Ready(found)) => {
                slots.push((key.to_owned(), Slot::Ready(Arc::clone(&found))));
                Ok(Found::Ready(found))
            }
            other => {
                slots.extend(other.map(|slot| (key.to_owned(), slot)));
                // Pushed out by others in this instant: whoever asks again gets it.
                Ok(Found::Working(job))
            }
        }
    }

    fn keep(&self, key: &str, result: Result<T, Failure>, job: &Job) -> Result<(), Failure> {
        let result = if job.is_abandoned() { Err(Failure::cancelled()) } else { result };
        // Why work failed is told to whoever asks next; what was stopped begins anew.
        let found = result.inspect_err(|_| {
            if job.should_stop() {
                self.forget(key, job);
            }
        })?;
        let mut slots = self.slots();
        // Another job may have taken over.
        let is_own = |slot: &(String, Slot<T>)| {
            slot.0 == key && matches!(&slot.1, Slot::Working(own) if std::ptr::eq(own.as_ref(), job))
        };
        let before = slots.len();
        slots.retain(|slot| !is_own(slot));
        if slots.len() == before && slots.iter().any(|slot| slot.0 == key) {
            return Ok(());
        }
        let found = Arc::new(found);
        slots.push((key.to_owned(), if job.should_stop() { Slot::Once(found) } else { Slot::Ready(found) }));
        let is_held = |slot: &(String, Slot<T>)| !matches!(slot.1, Slot::Working(_));
        if slots.iter().filter(|slot| is_held(slot)).count() > self.most {
            let oldest = slots.iter().position(is_held);
            oldest.map(|at| slots.remove(at));
        }
        Ok(())
    }

    /// Forgets what this job was to work out.
    fn forget(&self, key: &str, job: &Job) {
        self.slots().retain(|slot| {
            slot.0 != key || !matches!(&slot.1, Slot::Working(own) if std::ptr::eq(own.as_ref(), job))
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn ready<T>(found: Found<T>) -> Arc<T> {
        match found {
            Found::Ready(found) => found,
            Found::Working(_) => unreachable!("quick work is waited for"),
        }
    }

    #[test]
    fn work_is_done_once_and_the_oldest_result_is_dropped() {
        let (jobs, memo) = (Arc::new(Jobs::default()), Memo::of(2));
        let n = Arc::new(AtomicUsize::new(0));
        let ask = |key: &str| {
            let n = Arc::clone(&n);
            *ready(memo.get(&jobs, key, "counts", move |_| Ok(n.fetch_add(1, Ordering::SeqCst))).unwrap())
        };
        assert_eq!((ask("a"), ask("a"), ask("b"), ask("a")), (0, 0, 1, 0));
        assert_eq!((ask("c"), ask("a"), ask("b")), (2, 0, 3));
    }

    #[test]
    fn what_failed_is_begun_anew() {
        let (jobs, memo) = (Arc::new(Jobs::default()), Memo::of(2));
        let failed = memo.get(&jobs, "a", "fails", |_| Err::<usize, _>(Failure::usage("no")));
        assert_eq!(failed.err().unwrap().message, "no");
        assert_eq!(*ready(memo.get(&jobs, "a", "works", |_| Ok(7_usize)).unwrap()), 7);
    }

    #[test]
    fn slow_work_is_a_job_that_two_may_wait_for() {
        let (jobs, memo) = (Arc::new(Jobs::default()), Memo::of(2));
        let slow = |job: &Job| {
            while !job.should_stop() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(1_usize)
        };
        let Found::Working(one) = memo.get(&jobs, "a", "slow", slow).unwrap() else { unreachable!() };
        let Found::Working(other) = memo.get(&jobs, "a", "slow", slow).unwrap() else { unreachable!() };
        assert_eq!(one.id(), other.id());
        one.cancel();
        assert!(one.is_over_within(Duration::from_secs(10)));
    }
}
