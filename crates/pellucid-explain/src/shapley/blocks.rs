//! How does a block of rows go through a plan? Bins, patterns, look-ups, integrals, and the margin beside.

use pellucid_data::Level;
use pellucid_data::level::{AVX2, AVX512, PORTABLE};
use pellucid_models::trees::{Ensemble, FeatureMatrix};

use super::bins::Bin;
use super::compile::Compiled;
use super::margins::Walks;
use super::planes::GROUP;
use super::scratch::Scratch;
use super::workers::share;
use crate::{Attributions, Control, Stopped};

/// Rows of a block, if its sums fit into memory that is not far: tables are brought once a block.
const MOST_ROWS: usize = 16_384;
/// Where there are several workers, smaller blocks are not worth their tables.
const FEW_ROWS: usize = 256;
/// Bytes of sums that a block may take.
const BLOCK_BYTES: usize = 4 << 20;

/// One block's part of the answer.
struct Piece<'o> {
    first_row: usize,
    values: &'o mut [f64],
    margins: &'o mut [f64],
}

/// Where columns of sums go in what is answered of a row and output: column k to place `places[k]` of `n`.
pub(super) struct Layout {
    pub(super) places: Vec<usize>,
    pub(super) n: usize,
    /// Whether margins are walked too, and rows told as done; not where both were before.
    pub(super) with_margins: bool,
}

impl Layout {
    /// One place a feature.
    fn of_features(model: &Ensemble, compiled: &Compiled) -> Self {
        let places = compiled.bins.used.iter().map(|feature| feature.index()).collect();
        Self { places, n: model.features.len(), with_margins: true }
    }
}

/// Values of every row, with margins.
pub(super) fn explain(
    model: &Ensemble,
    compiled: &Compiled,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<Attributions, Stopped> {
    let layout = Layout::of_features(model, compiled);
    let (mut values, mut margins) = run(model, compiled, &layout, rows, control)?;
    if let Some(linear) = &compiled.linear {
        linear.add(rows, &mut values, &mut margins);
    }
    Ok(Attributions::measured(compiled.game, layout.n, compiled.base.clone(), values, margins))
}

/// Sums of every row, laid out (rows × outputs × places), and margins (rows × outputs; zeros without).
pub(super) fn run(
    model: &Ensemble,
    compiled: &Compiled,
    layout: &Layout,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<(Vec<f64>, Vec<f64>), Stopped> {
    if compiled.bins.fit_u16() {
        run_with::<u16>(model, compiled, layout, rows, control)
    } else {
        run_with::<u32>(model, compiled, layout, rows, control)
    }
}

/// No result depends on it.
fn rows_of_a_block(n_rows: usize, n_columns: usize, n_workers: usize, in_planes: bool) -> usize {
    // A sum, and in four planes of 16 bits what is to be added to it.
    let bytes = n_columns.max(1) * size_of::<f64>() * if in_planes { 2 } else { 1 };
    let most = (BLOCK_BYTES / bytes).clamp(GROUP, MOST_ROWS);
    let shared = if n_workers > 1 { n_rows.div_ceil(4 * n_workers).max(FEW_ROWS) } else { n_rows.max(1) };
    // Whole groups, so that only the last block has a short one.
    most.min(shared).next_multiple_of(GROUP)
}

fn run_with<B: Bin>(
    model: &Ensemble,
    compiled: &Compiled,
    layout: &Layout,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<(Vec<f64>, Vec<f64>), Stopped> {
    let n_outputs = model.base.len();
    let n_columns = n_outputs * compiled.width;
    let a_block =
        rows_of_a_block(rows.n_rows(), n_columns, control.threads.get(), !compiled.scales.is_empty());
    let mut values = vec![0.0; rows.n_rows() * n_outputs * layout.n];
    let mut margins = vec![0.0; rows.n_rows() * n_outputs];
    // A model without features has empty values; every block still has margins.
    let mut value_chunks = values.chunks_mut((a_block * n_outputs * layout.n).max(1));
    let pieces = margins.chunks_mut(a_block * n_outputs).enumerate().map(|(at, margins)| Piece {
        first_row: at * a_block,
        values: value_chunks.next().unwrap_or_default(),
        margins,
    });
    let pieces: Vec<Piece<'_>> = pieces.collect();
    let n_pieces = pieces.len();
    let level = compiled.level.or_lower();
    let walks = layout.with_margins.then(|| Walks::new(model, level, rows.n_rows()));
    let job = Job { compiled, layout, rows, walks, n_outputs };
    let make = || Scratch::<B>::new(compiled, n_columns, a_block);
    share(pieces.into_iter(), n_pieces, control, make, |scratch, mut piece| {
        match level {
            // SAFETY: the level was lowered to what the machine has.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the one door into functions with more instructions")]
            Level::Avx512 => unsafe { block_avx512(&job, scratch, &mut piece) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the one door into functions with more instructions")]
            Level::Avx2 => unsafe { block_avx2(&job, scratch, &mut piece) },
            _ => block::<PORTABLE, B>(&job, scratch, &mut piece),
        }
        if layout.with_margins {
            control.watch.advance(piece.margins.len() / n_outputs);
        }
        Ok(())
    })?;
    Ok((values, margins))
}

/// What is done to every block.
struct Job<'j> {
    compiled: &'j Compiled,
    layout: &'j Layout,
    rows: &'j FeatureMatrix,
    walks: Option<Walks<'j>>,
    n_outputs: usize,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
fn block_avx512<B: Bin>(job: &Job<'_>, scratch: &mut Scratch<B>, piece: &mut Piece<'_>) {
    block::<AVX512, B>(job, scratch, piece);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn block_avx2<B: Bin>(job: &Job<'_>, scratch: &mut Scratch<B>, piece: &mut Piece<'_>) {
    block::<AVX2, B>(job, scratch, piece);
}

#[inline(always)]
fn block<const LEVEL: u8, B: Bin>(job: &Job<'_>, scratch: &mut Scratch<B>, piece: &mut Piece<'_>) {
    let n = piece.margins.len() / job.n_outputs;
    scratch.fill::<LEVEL>(&job.compiled.bins, job.rows, piece.first_row, n);
    for group in &job.compiled.groups {
        scratch.trees::<LEVEL>(&job.compiled.trees[group.clone()], job.compiled);
    }
    scratch.write(job.layout, job.n_outputs, piece.values);
    if let Some(walks) = &job.walks {
        walks.add(job.rows, piece.first_row..piece.first_row + n, &mut scratch.chunks, piece.margins);
    }
}
