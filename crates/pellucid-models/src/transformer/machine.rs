//! By what is a transformer run, and for how long? Instructions, threads that share the work of one run, and who may stop it.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use pellucid_data::{Control, Level, Quiet, Watch};

/// Multiply-adds of a run from which on threads are worth their start.
const SHARED: usize = 1 << 24;

/// Threads of one run, at most: products have no more parts that are worth one.
const MOST_THREADS: usize = 256;

/// What a run may use. No number of its answer depends on that, but for [`Level::Portable`], whose products round twice.
#[derive(Clone, Copy)]
pub struct Machine<'w> {
    /// The newest instructions.
    pub level: Level,
    /// Threads that share one run.
    pub threads: NonZeroUsize,
    /// Who is asked before every block whether the run is to stop.
    pub watch: &'w dyn Watch,
}

impl fmt::Debug for Machine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, threads, watch: _ } = self;
        f.debug_struct("Machine").field("level", level).field("threads", threads).finish_non_exhaustive()
    }
}

impl Machine<'static> {
    /// The best instructions that there are, and one thread.
    #[must_use]
    pub fn one_thread() -> Self {
        Self::with(NonZeroUsize::MIN)
    }

    /// The best instructions that there are, and so many threads. Nobody stops the run.
    #[must_use]
    pub fn with(threads: NonZeroUsize) -> Self {
        Self { level: Level::detect(), threads, watch: &Quiet }
    }
}

impl<'w> Machine<'w> {
    /// The best instructions that there are, and the caller's threads. The caller may stop the run; its progress is told by others.
    #[must_use]
    pub fn of(control: &Control<'w>) -> Self {
        Self { level: Level::detect(), threads: control.threads, watch: control.watch }
    }

    /// The same on one thread.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { threads: NonZeroUsize::MIN, ..self }
    }

    /// What one of several runs may use that go side by side.
    #[must_use]
    pub fn shared_by(self, n_runs: usize) -> Self {
        let each = self.threads.get() / n_runs.clamp(1, self.threads.get());
        Self { threads: NonZeroUsize::new(each).unwrap_or(NonZeroUsize::MIN), ..self }
    }

    /// Does a run of about so many multiply-adds, with a crew for its steps.
    pub(super) fn with_crew<R>(self, multiply_adds: usize, run: impl FnOnce(Crew<'_>) -> R) -> R {
        let size = if multiply_adds < SHARED { 1 } else { self.threads.get().min(MOST_THREADS) };
        if size == 1 {
            return run(Crew::alone());
        }
        let post = &Post::default();
        std::thread::scope(|scope| {
            // Helpers are sent home even if the run ends in a panic.
            let _home = SendHome(post);
            let start = |worker| std::thread::Builder::new().spawn_scoped(scope, move || post.serve(worker));
            // Where the system gives no more threads, those that it gave do the work.
            let n_helpers = (1..size).take_while(|worker| start(*worker).is_ok()).count();
            run(Crew { post: Some(post), size: 1 + n_helpers })
        })
    }
}

/// Threads that share the steps of a run: the one that runs, and helpers that live as long as the run does, so that none is left behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crew<'c> {
    post: Option<&'c Post>,
    size: usize,
}

impl Crew<'_> {
    /// One thread.
    pub(super) fn alone() -> Self {
        Self { post: None, size: 1 }
    }

    /// How many threads there are.
    pub(super) fn size(self) -> usize {
        self.size
    }

    /// Does `work` for each part, of which there are no more than threads.
    pub(super) fn share<T: Send>(self, parts: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        let Some(post) = self.post else { return parts.for_each(work) };
        let parts: Vec<Mutex<Option<T>>> = parts.map(|part| Mutex::new(Some(part))).collect();
        debug_assert!(parts.len() <= self.size, "a part a thread");
        let one = |worker: usize| {
            let part = parts.get(worker).and_then(|part| held(part).take());
            part.into_iter().for_each(&work);
        };
        if parts.len() <= 1 { one(0) } else { post.step(self.size - 1, &one) }
    }
}

/// What a helper does in a step, told its number.
#[derive(Clone, Copy)]
struct Job(*const (dyn Fn(usize) + Sync));

#[expect(unsafe_code, reason = "helpers are started before what they work on is there")]
// SAFETY: it stands for a reference to what threads may share.
unsafe impl Send for Job {}

/// Where helpers wait for the next step. Steps follow one another within microseconds: who waits looks again for a while before it sleeps.
#[derive(Default)]
struct Post {
    /// How many steps there were.
    n_steps: AtomicUsize,
    /// Helpers that are not done with the last one.
    n_busy: AtomicUsize,
    has_panicked: AtomicBool,
    next: Mutex<Next>,
    is_called: Condvar,
}

#[derive(Default)]
struct Next {
    n_steps: usize,
    job: Option<Job>,
    is_over: bool,
}

impl Post {
    /// One step, of which the caller does the part 0.
    fn step(&self, n_helpers: usize, work: &(dyn Fn(usize) + Sync)) {
        let is_free = self.n_busy.compare_exchange(0, n_helpers, Ordering::Acquire, Ordering::Relaxed);
        assert!(is_free.is_ok(), "a step follows another, and is not within one");
        #[expect(unsafe_code, reason = "helpers are started before what they work on is there")]
        // SAFETY: only how long it lives is forgotten. It is looked at by helpers of this step alone, and `done` waits for all of them, in
        // a panic as well.
        let job = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync)>(work)
        };
        {
            let mut next = held(&self.next);
            next.job = Some(Job(job));
            next.n_steps += 1;
            self.n_steps.store(next.n_steps, Ordering::Release);
        }
        self.is_called.notify_all();
        let done = WaitForHelpers(self);
        work(0);
        drop(done);
        assert!(!self.has_panicked.load(Ordering::Relaxed), "a helper panicked");
    }

    /// A helper's life.
    fn serve(&self, worker: usize) {
        for n_seen in 0.. {
            for _ in 0..LOOKS {
                if self.n_steps.load(Ordering::Acquire) != n_seen {
                    break;
                }
                std::hint::spin_loop();
            }
            let next =
                self.is_called.wait_while(held(&self.next), |next| next.n_steps == n_seen && !next.is_over);
            let next = next.unwrap_or_else(PoisonError::into_inner);
            let (false, Some(job)) = (next.is_over, next.job) else { return };
            drop(next);
            let _done = Done(self);
            #[expect(unsafe_code, reason = "helpers are started before what they work on is there")]
            // SAFETY: this step is not over before `_done` is dropped, see `step`.
            let job = unsafe { &*job.0 };
            job(worker);
        }
    }
}

/// Looks at the post before a helper sleeps: some fifty microseconds.
const LOOKS: usize = 2_000;

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A helper that is done, in whatever way.
struct Done<'p>(&'p Post);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.has_panicked.store(true, Ordering::Relaxed);
        }
        self.0.n_busy.fetch_sub(1, Ordering::Release);
    }
}

struct WaitForHelpers<'p>(&'p Post);

impl Drop for WaitForHelpers<'_> {
    fn drop(&mut self) {
        let mut n_looks = 0;
        while self.0.n_busy.load(Ordering::Acquire) > 0 {
            n_looks += 1;
            if n_looks < LOOKS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}

struct SendHome<'p>(&'p Post);

impl Drop for SendHome<'_> {
    fn drop(&mut self) {
        held(&self.0.next).is_over = true;
        self.0.is_called.notify_all();
    }
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("n_steps", &self.n_steps).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crew_of(threads: usize) -> Machine<'static> {
        Machine::with(NonZeroUsize::new(threads).unwrap())
    }

    #[test]
    fn every_part_is_done_once_step_after_step() {
        for threads in [1, 2, 3, 8] {
            crew_of(threads).with_crew(usize::MAX, |crew| {
                assert_eq!(crew.size(), threads);
                for step in 0..500 {
                    let mut rows = vec![0_usize; threads];
                    crew.share(rows.iter_mut().enumerate().take(1 + step % threads), |(at, row)| {
                        *row += at + step
                    });
                    let expected: Vec<usize> =
                        (0..threads).map(|at| if at <= step % threads { at + step } else { 0 }).collect();
                    assert_eq!(rows, expected);
                    if step % 100 == 0 {
                        // Helpers fall asleep, and are woken.
                        std::thread::sleep(std::time::Duration::from_millis(2));
                    }
                }
            });
        }
    }

    #[test]
    fn a_panic_in_any_part_ends_the_run_and_leaves_no_thread() {
        for culprit in 0..3 {
            let run = || {
                crew_of(3).with_crew(usize::MAX, |crew| {
                    crew.share(0..3, |part| assert_ne!(part, culprit, "as asked"));
                });
            };
            assert!(std::panic::catch_unwind(run).is_err());
        }
    }

    #[test]
    fn a_step_within_a_step_is_a_mistake_that_is_told() {
        let run = || {
            crew_of(2).with_crew(usize::MAX, |crew| crew.share(0..2, |_| crew.share(0..2, |_| ())));
        };
        assert!(std::panic::catch_unwind(run).is_err());
    }

    #[test]
    fn small_runs_take_one_thread() {
        crew_of(4).with_crew(1000, |crew| assert_eq!(crew.size(), 1));
        assert_eq!(crew_of(4).shared_by(3).threads.get(), 1);
        assert_eq!(crew_of(4).shared_by(2).threads.get(), 2);
        assert_eq!(crew_of(4).shared_by(0).threads.get(), 4);
    }
}
