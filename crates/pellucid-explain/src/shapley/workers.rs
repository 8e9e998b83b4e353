//! How do threads share work? Each worker takes the next piece that nobody has, and no result depends on who did.

use pellucid_models::trees::{Ensemble, FeatureMatrix};

pub(super) use crate::workers::share;
use crate::{Attributions, Control, Stopped};

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
