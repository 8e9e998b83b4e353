//! What takes long? Work with progress, which anybody who sees it may cancel.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pellucid::explain::Watch;
use serde_json::{Value, json};

use crate::failure::{Code, Failure};

/// Finished jobs that are remembered.
pub(crate) const REMEMBERED: usize = 200;
/// Jobs that run at once; each has all threads, and others wait.
pub(crate) const AT_ONCE: usize = 2;
/// Jobs that wait, at most: each has a thread of its own.
pub(crate) const MOST_WAITING: usize = 64;
/// So long after its last listener a job is given up.
const ABANDONED: Duration = Duration::from_secs(2);

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done,
    Failed(Failure),
}

/// Long work.
#[derive(Debug)]
pub struct Job {
    id: String,
    title: String,
    /// The address that asked for it first, where one did.
    asked: Option<String>,
    total: AtomicU64,
    done: AtomicU64,
    stop: AtomicBool,
    /// Whether it stops because nobody listens any more.
    abandoned: AtomicBool,
    /// How many listen to its progress.
    listeners: AtomicUsize,
    /// What is known so far.
    detail: Mutex<Value>,
    started: Instant,
    state: Mutex<(State, Duration)>,
    changed: Condvar,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in a job is caught and told as its failure; what it held is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Job {
    /// Its name in addresses.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Tells how much there is to do.
    pub(crate) fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Tells what is known so far, for those who watch.
    pub(crate) fn tell(&self, detail: Value) {
        *locked(&self.detail) = detail;
    }

    /// Asks it to stop at the next chance.
    pub fn cancel(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    fn is_waiting(&self) -> bool {
        locked(&self.state).0 == State::Waiting
    }

    /// Whether nothing more will come of it; waits so long for that.
    pub(crate) fn is_over_within(&self, time: Duration) -> bool {
        let over = |state: &mut (State, Duration)| matches!(state.0, State::Waiting | State::Running);
        let waited = self.changed.wait_timeout_while(locked(&self.state), time, over);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !matches!(state.0, State::Waiting | State::Running)
    }

    /// Whether nobody wants its result any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// Why it failed, if it did.
    pub(crate) fn failure(&self) -> Option<Failure> {
        match &locked(&self.state).0 {
            State::Failed(failure) => Some(failure.clone()),
            _ => None,
        }
    }

    fn set(&self, state: State) {
        *locked(&self.state) = (state, self.started.elapsed());
        self.changed.notify_all();
    }

    /// The word for its state, and itself as JSON.
    #[must_use]
    pub fn told(&self) -> (&'static str, Value) {
        let (state, took) = locked(&self.state).clone();
        let word = match &state {
            State::Waiting => "waiting",
            State::Running => "running",
            State::Done => "done",
            State::Failed(failure) if failure.code == Code::Cancelled => "cancelled",
            State::Failed(_) => "failed",
        };
        let is_over = !matches!(state, State::Waiting | State::Running);
        let seconds = if is_over { took } else { self.started.elapsed() }.as_secs_f64();
        let total = Some(self.total.load(Ordering::Relaxed)).filter(|&total| total > 0);
        let mut told = json!({
            "id": self.id, "title": self.title, "asked": self.asked, "state": word, "done": self.done.load(Ordering::Relaxed), "total": total, "seconds": seconds, "detail": *locked(&self.detail),
        });
        if let State::Failed(failure) = state {
            told["error"] = failure.to_json()["error"].clone();
        }
        (word, told)
    }
}

impl Watch for Job {
    fn advance(&self, done: usize) {
        self.done.fetch_add(done as u64, Ordering::Relaxed);
    }

    fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Somebody who listens to a job. When the last one is gone for some time, nobody wants its result: a question that was
/// asked in passing, as by a slider, must not keep others waiting. Jobs that nobody ever listened to go on.
#[derive(Debug)]
pub struct Listener {
    /// The job.
    pub job: Arc<Job>,
}

impl Listener {
    /// Listens from now on.
    #[must_use]
    pub fn of(job: Arc<Job>) -> Self {
        job.listeners.fetch_add(1, Ordering::SeqCst);
        Self { job }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.job.listeners.fetch_sub(1, Ordering::SeqCst) > 1 || self.job.is_over_within(Duration::ZERO) {
            return;
        }
        let job = Arc::clone(&self.job);
        // Without a thread it goes on; that costs time and nothing else.
        let _ = std::thread::Builder::new().name("abandoned".to_owned()).spawn(move || {
            if !job.is_over_within(ABANDONED) && job.listeners.load(Ordering::SeqCst) == 0 {
                job.abandoned.store(true, Ordering::SeqCst);
                job.cancel();
            }
        });
    }
}

/// All jobs of a session, the latest last.
#[derive(Debug, Default)]
pub struct Jobs {
    all: Mutex<(u64, Vec<Arc<Job>>)>,
    running: Mutex<usize>,
    freed: Condvar,
}

impl Jobs {
    /// Starts work on a thread of its own, as soon as few enough others run.
    pub(crate) fn start(
        self: &Arc<Self>,
        title: &str,
        work: impl FnOnce(&Job) -> Result<(), Failure> + Send + 'static,
    ) -> Result<Arc<Job>, Failure> {
        let job = {
            let mut all = locked(&self.all);
            if all.1.iter().filter(|job| job.is_waiting()).count() >= MOST_WAITING {
                return Err(Failure::new(
                    Code::Busy,
                    format!(
                        "{MOST_WAITING} jobs wait already; stop some of them on the page Jobs, or ask again later"
                    ),
                ));
            }
            all.0 += 1;
            let job = Arc::new(Job {
                id: format!("j{}", all.0),
                title: title.to_owned(),
                asked: crate::address::asked(),
                total: AtomicU64::new(0),
                done: AtomicU64::new(0),
                stop: AtomicBool::new(false),
                abandoned: AtomicBool::new(false),
                listeners: AtomicUsize::new(0),
                detail: Mutex::new(Value::Null),
                started: Instant::now(),
                state: Mutex::new((State::Waiting, Duration::ZERO)),
                changed: Condvar::new(),
            });
            all.1.push(Arc::clone(&job));
            if all.1.len() > REMEMBERED {
                let oldest = all.1.iter().position(|job| job.is_over_within(Duration::ZERO));
                oldest.map(|at| all.1.remove(at));
            }
            job
        };
        let (jobs, own) = (Arc::clone(self), Arc::clone(&job));
        let run = move || {
            jobs.enter(&own);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                if own.should_stop() { Err(Failure::cancelled()) } else { work(&own) }
            }));
            *locked(&jobs.running) -= 1;
            jobs.freed.notify_all();
            own.set(match done {
                Ok(Ok(())) => State::Done,
                // Whatever the work says it lacks: somebody asked it to stop.
                Ok(Err(_)) if own.should_stop() => State::Failed(Failure::cancelled()),
                Ok(Err(failure)) => State::Failed(failure),
                Err(_) => State::Failed(Failure::new(
                    Code::Bug,
                    "a bug: the work ended in a panic; please report what was opened",
                )),
            });
        };
        let spawned = std::thread::Builder::new().name(format!("job {}", job.id)).spawn(run);
        if let Err(cause) = spawned {
            let failure = Failure::new(Code::Limit, format!("no thread could be started: {cause}"));
            job.set(State::Failed(failure.clone()));
            return Err(failure);
        }
        Ok(job)
    }

    fn enter(&self, job: &Job) {
        let mut running = locked(&self.running);
        while *running >= AT_ONCE && !job.should_stop() {
            // Looks up now and then: whoever cancels a waiting job wakes nobody.
            let waited = self.freed.wait_timeout(running, Duration::from_millis(100));
            running = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *running += 1;
        drop(running);
        job.set(State::Running);
    }

    /// A job by its name.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, id: &str) -> Result<Arc<Job>, Failure> {
        let found = locked(&self.all).1.iter().find(|job| job.id == id).cloned();
        found.ok_or_else(|| {
            Failure::new(
                Code::NotFound,
                format!("there is no job `{id}`; it is long over, or of another session"),
            )
        })
    }

    /// All that are remembered, the latest first.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Job>> {
        locked(&self.all).1.iter().rev().cloned().collect()
    }

    /// Asks all of them to stop.
    pub fn cancel_all(&self) {
        locked(&self.all).1.iter().for_each(|job| job.cancel());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_waited_for_cancelled_and_told_of() {
        let jobs = Arc::new(Jobs::default());
        let job = jobs
            .start("counting", |job| {
                job.expect(10);
                job.advance(4);
                while !job.should_stop() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(Failure::usage("half"))
            })
            .unwrap();
        assert!(!job.is_over_within(Duration::from_millis(20)));
        let (word, told) = jobs.find(job.id()).unwrap().told();
        assert_eq!((word, &told["done"], &told["total"]), ("running", &json!(4), &json!(10)));
        job.cancel();
        assert!(job.is_over_within(Duration::from_secs(10)));
        assert_eq!(job.told().0, "cancelled");
        assert!(jobs.find("j9").is_err());
    }

    #[test]
    fn a_job_that_nobody_listens_to_any_more_is_given_up() {
        let jobs = Arc::new(Jobs::default());
        let until_cancelled = |job: &Job| {
            while !job.should_stop() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        };
        let job = jobs.start("waits", until_cancelled).unwrap();
        let (first, second) = (Listener::of(Arc::clone(&job)), Listener::of(Arc::clone(&job)));
        drop(first);
        assert!(!job.is_over_within(ABANDONED + Duration::from_millis(200)), "one still listens");
        drop(second);
        // Who comes back in time keeps it.
        let third = Listener::of(Arc::clone(&job));
        assert!(!job.is_over_within(ABANDONED + Duration::from_millis(200)));
        drop(third);
        assert!(job.is_over_within(Duration::from_secs(10)));
    }

    #[test]
    fn a_panic_is_a_failure_and_makes_room() {
        let jobs = Arc::new(Jobs::default());
        for _ in 0..2 * AT_ONCE {
            let job = jobs.start("falls", |_| Err(std::iter::empty::<Failure>().next().unwrap())).unwrap();
            assert!(job.is_over_within(Duration::from_secs(10)));
            assert_eq!(job.failure().unwrap().code, Code::Bug);
        }
    }

    #[test]
    fn only_so_many_wait() {
        let jobs = Arc::new(Jobs::default());
        let until_cancelled = |job: &Job| {
            while !job.should_stop() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        };
        let start = || jobs.start("waits", until_cancelled);
        let first: Vec<Arc<Job>> = (0..AT_ONCE).map(|_| start().unwrap()).collect();
        while first.iter().any(|job| job.told().0 != "running") {
            std::thread::sleep(Duration::from_millis(1));
        }
        let waiting: Vec<Arc<Job>> = (0..MOST_WAITING).map(|_| start().unwrap()).collect();
        let refused = start().unwrap_err();
        assert_eq!((refused.code, refused.status()), (Code::Busy, 429));
        assert_eq!(jobs.all().len(), AT_ONCE + MOST_WAITING, "who is refused is no job");
        jobs.cancel_all();
        assert!(waiting.iter().chain(&first).all(|job| job.is_over_within(Duration::from_secs(10))));
        assert!(start().is_ok(), "there is room again");
        jobs.cancel_all();
    }

    #[test]
    fn jobs_wait_for_one_another_and_waiting_ones_can_be_cancelled() {
        let jobs = Arc::new(Jobs::default());
        let until_cancelled = |job: &Job| {
            while !job.should_stop() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        };
        let start = || jobs.start("waits", until_cancelled).unwrap();
        let mut all: Vec<Arc<Job>> = (0..AT_ONCE).map(|_| start()).collect();
        while all.iter().any(|job| job.told().0 != "running") {
            std::thread::sleep(Duration::from_millis(1));
        }
        all.push(start());
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(all[AT_ONCE].told().0, "waiting");
        all[AT_ONCE].cancel();
        assert!(all[AT_ONCE].is_over_within(Duration::from_secs(10)));
        assert_eq!(all[AT_ONCE].told().0, "cancelled");
        jobs.cancel_all();
        assert!(all.iter().all(|job| job.is_over_within(Duration::from_secs(10))));
    }
}
