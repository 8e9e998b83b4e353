//! Was this asked before? Results by what was asked, each worked out once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

    /// The result for a key; begins to work on it if nobody does.
    pub(crate) fn get(
        self: &Arc<Self>,
        jobs: &Arc<Jobs>,
        key: &str,
        title: &str,
        work: impl FnOnce(&Job) -> Result<T, Failure> + Send + 'static,
    ) -> Result<Found<T>, Failure> {
        let job = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            let at = slots.iter().position(|slot| slot.0 == key);
            match at.map(|at| slots.remove(at)) {
                Some((key, Slot::Ready(found))) => {
                    slots.push((key, Slot::Ready(Arc::clone(&found))));
                    return Ok(Found::Ready(found));
                }
                Some((key, Slot::Working(job))) => {
                    slots.push((key, Slot::Working(Arc::clone(&job))));
                    job
                }
                None => {
                    let (memo, own_key) = (Arc::clone(self), key.to_owned());
                    let job = jobs.start(title, move |job| memo.keep(&own_key, work(job)))?;
                    slots.push((key.to_owned(), Slot::Working(Arc::clone(&job))));
                    job
                }
            }
        };
        if !job.is_over_within(PATIENCE) {
            return Ok(Found::Working(job));
        }
        if let Some(failure) = job.failure() {
            self.forget(key);
            return Err(failure);
        }
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = slots.iter().find_map(|slot| match &slot.1 {
            Slot::Ready(found) if slot.0 == key => Some(Arc::clone(found)),
            _ => None,
        });
        // Pushed out by others in this instant: whoever asks again gets it.
        Ok(ready.map_or(Found::Working(job), Found::Ready))
    }

    fn keep(&self, key: &str, result: Result<T, Failure>) -> Result<(), Failure> {
        let found = result.inspect_err(|_| self.forget(key))?;
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|slot| slot.0 != key);
        slots.push((key.to_owned(), Slot::Ready(Arc::new(found))));
        let ready = slots.iter().filter(|slot| matches!(slot.1, Slot::Ready(_))).count();
        if ready > self.most {
            let oldest = slots.iter().position(|slot| matches!(slot.1, Slot::Ready(_)));
            oldest.map(|at| slots.remove(at));
        }
        Ok(())
    }

    fn forget(&self, key: &str) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).retain(|slot| slot.0 != key);
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
            use pellucid::explain::Watch as _;
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
