//! How does a long call run beside Python? On a thread of its own, while the one that called listens for Ctrl-C.
//!
//! Python handles signals on its main thread only, and not while that thread is busy with us. So the work moves aside, and the
//! caller wakes up twenty times a second to look. No thread outlives its call, so that a process can be forked at any time.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use pellucid::data::{Control, Watch};
use pyo3::prelude::*;

use crate::errors::Failure;

/// How often somebody looks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// Whether somebody pressed Ctrl-C.
#[derive(Default)]
pub(crate) struct Interrupt(AtomicBool);

impl Watch for Interrupt {
    fn should_stop(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Interrupt {
    pub(crate) fn control(&self, threads: NonZeroUsize) -> Control<'_> {
        Control { threads, watch: self }
    }
}

/// Does work that needs no Python, while other Python threads run. A panic is an exception.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Interrupt) -> Result<T, Failure> + Send,
) -> PyResult<T> {
    let interrupt = Interrupt::default();
    let (ended, error) = py.detach(|| {
        std::thread::scope(|scope| {
            let (done, ready) = channel::<()>();
            let interrupt = &interrupt;
            let worker = scope.spawn(move || {
                // Dropped however this ends, which is what wakes the caller.
                let _done = done;
                work(interrupt)
            });
            let mut error = None;
            while ready.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if let Err(raised) = Python::attach(|py| py.check_signals()) {
                    interrupt.0.store(true, Ordering::Relaxed);
                    error = Some(raised);
                }
            }
            (worker.join(), error)
        })
    });
    match (error, ended) {
        // What a signal handler raised is the answer, whatever the work came to meanwhile.
        (Some(raised), _) => Err(raised),
        (None, Ok(result)) => Ok(result?),
        (None, Err(panic)) => Err(Failure::from_panic(panic.as_ref()).into()),
    }
}

/// How many threads: the argument, or what the environment or the machine says.
pub(crate) fn threads(asked: Option<usize>) -> Result<NonZeroUsize, Failure> {
    match asked {
        None => Ok(pellucid_cli::default_threads()),
        Some(n) => NonZeroUsize::new(n).ok_or_else(|| Failure::usage("threads: at least one is needed")),
    }
}
