//! How do threads share work? Each worker takes the next piece that nobody has, and no result depends on who did.

use std::sync::Mutex;

use pellucid_models::trees::{Ensemble, FeatureMatrix};

use crate::{Attributions, Control, Stopped};

/// Does `work` for every one of `n` pieces; `make` makes a worker's own memory.
///
/// # Errors
/// When the caller asked to stop while pieces were left. What is done is done, even if the time is over by then.
pub(super) fn share<T: Send, S>(
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

/// Does `work` for every row, with the row's part of `values`, `width` numbers long.
///
/// # Errors
/// As [`share`].
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
    let rows = values.chunks_exact_mut(width).enumerate();
    share(
        rows,
        n_rows,
        control,
        || (),
        |(), (row, own)| {
            work(row, own)?;
            control.watch.advance(1);
            Ok(())
        },
    )
}

/// Explains the margin row by row: `work` adds to a row's values, outputs × features, which are zeros before; `base` is that of
/// `game`.
///
/// # Errors
/// As [`share`].
pub(super) fn explain_rows(
    model: &Ensemble,
    (game, base): (&'static str, Vec<f64>),
    rows: &FeatureMatrix,
    control: &Control<'_>,
    work: impl Fn(usize, &mut [f64]) -> Result<(), Stopped> + Sync,
) -> Result<Attributions, Stopped> {
    let n_features = model.features.len();
    let width = base.len() * n_features;
    let mut values = vec![0.0; rows.n_rows() * width];
    each_row(rows.n_rows(), &mut values, width, control, work)?;
    Ok(Attributions::measured(game, n_features, base, values, model.margins(rows)))
}
