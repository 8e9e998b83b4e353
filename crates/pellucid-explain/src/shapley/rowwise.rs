//! How do ways that look at one row at a time share rows among threads? Each worker takes the next row that nobody has.

use std::sync::Mutex;

use crate::{Control, Stopped};

/// Does `work` for every row, with the row's part of `values`, `width` numbers long. No result depends on threads.
pub(super) fn each_row(
    n_rows: usize,
    values: &mut [f64],
    width: usize,
    control: &Control<'_>,
    work: impl Fn(usize, &mut [f64]) -> Result<(), Stopped> + Sync,
) -> Result<(), Stopped> {
    if width == 0 {
        control.watch.advance(n_rows);
        return Ok(());
    }
    let queue = Mutex::new(values.chunks_exact_mut(width).enumerate());
    let worker = || {
        loop {
            // What is done is done, even if the time is over by then.
            let next = queue.lock().map_or(None, |mut queue| queue.next());
            let Some((row, own)) = next else { return Ok(()) };
            if control.watch.should_stop() {
                return Err(Stopped);
            }
            work(row, own)?;
            control.watch.advance(1);
        }
    };
    let n_workers = control.threads.get().min(n_rows).max(1);
    if n_workers == 1 {
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
