//! How do threads share work? Each worker takes the next piece that nobody has, and no result depends on who did.

use std::sync::Mutex;

use crate::{Control, Stopped};

/// Does `work` for every one of `n` pieces; `make` makes a worker's own memory.
///
/// # Errors
/// When the caller asked to stop while pieces were left. What is done is done, even if the time is over by then.
pub(crate) fn share<T: Send, S>(
    pieces: impl Iterator<Item = T> + Send,
    n: usize,
    control: &Control<'_>,
    make: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) -> Result<(), Stopped> + Sync,
) -> Result<(), Stopped> {
    let queue = Mutex::new(pieces);
    let worker = || {
        let mut own = make();
        loop {
            let next = queue.lock().map_or(None, |mut queue| queue.next());
            let Some(piece) = next else { return Ok(()) };
            if control.watch.should_stop() {
                return Err(Stopped);
            }
            work(&mut own, piece)?;
        }
    };
    let n_workers = control.threads.get().min(n);
    if n_workers <= 1 {
        return worker();
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..n_workers).map(|_| scope.spawn(worker)).collect();
        let ends = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        // All are waited for, whoever stopped first.
        ends.collect::<Vec<_>>().into_iter().collect()
    })
}
