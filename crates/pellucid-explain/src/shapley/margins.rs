//! What does the model itself say of the rows that are explained? From their values, and not from their bins.

use std::ops::Range;

use pellucid_data::{FeatureId, Level};
use pellucid_models::trees::choices::{Choices, Chunk, ROWS};
use pellucid_models::trees::walk::Walker;
use pellucid_models::trees::{Ensemble, FeatureMatrix, InputCast, Target};

/// The fastest way through each tree.
pub(super) struct Walks<'m> {
    model: &'m Ensemble,
    used: Vec<FeatureId>,
    trees: Vec<TreeWalk<'m>>,
}

/// The fastest way through a tree, and one that is always there.
struct TreeWalk<'m> {
    fast: Option<Fast>,
    walker: Walker<'m>,
}

enum Fast {
    /// Inputs, thresholds and leaves are numbers of 32 bits.
    Narrow(Choices<f32>),
    Wide(Choices<f64>),
}

/// A worker's memory.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    narrow: Chunk<f32>,
    wide: Chunk<f64>,
}

/// Fewer rows are not worth making the fastest ways ready.
const FEW_ROWS: usize = 64;

impl<'m> Walks<'m> {
    /// For so many rows.
    pub(super) fn new(model: &'m Ensemble, level: Level, n_rows: usize) -> Self {
        // Numbers of 64 bits in a register.
        let lanes = match level {
            Level::Avx512 => 8,
            Level::Avx2 => 4,
            Level::Portable => 2,
        };
        let used = model.features_in_splits();
        let mut places = vec![0; model.features.len()];
        used.iter().zip(0..).for_each(|(feature, place)| places[feature.index()] = place);
        let is_narrow =
            matches!(model.cast, InputCast::F32 | InputCast::F32Present | InputCast::F32OrInfinite);
        let walk = |tree| {
            let narrow =
                || is_narrow.then(|| Choices::new(tree, 2 * lanes, &places)).flatten().map(Fast::Narrow);
            let wide = || Choices::new(tree, lanes, &places).map(Fast::Wide);
            let fast = if n_rows < FEW_ROWS { None } else { narrow().or_else(wide) };
            TreeWalk { fast, walker: Walker::new(tree) }
        };
        Self { model, used, trees: model.trees.iter().map(walk).collect() }
    }

    /// Adds the margins of a range of rows, row-major.
    #[inline(always)]
    pub(super) fn add(
        &self,
        rows: &FeatureMatrix,
        range: Range<usize>,
        chunks: &mut Chunks,
        margins: &mut [f64],
    ) {
        let n_outputs = self.model.base.len();
        let any = |is: fn(&Fast) -> bool| self.trees.iter().any(|tree| tree.fast.as_ref().is_some_and(is));
        let (any_narrow, any_wide) =
            (any(|fast| matches!(fast, Fast::Narrow(_))), any(|fast| matches!(fast, Fast::Wide(_))));
        for (at, margins) in margins.chunks_mut(ROWS * n_outputs).enumerate() {
            let first = range.start + at * ROWS;
            let range = first..first + margins.len() / n_outputs;
            // Rows that were not rounded as the model rounds them are walked.
            let is_narrow = any_narrow && chunks.narrow.fill(rows, &self.used, range.clone());
            if any_wide {
                chunks.wide.fill(rows, &self.used, range.clone());
            }
            for (tree, TreeWalk { fast, walker }) in self.model.trees.iter().zip(&self.trees) {
                match (fast, tree.target()) {
                    (Some(Fast::Narrow(choices)), Target::One(output)) if is_narrow => {
                        choices.each(&mut chunks.narrow, |at, value| {
                            margins[at * n_outputs + output.index()] += value;
                        });
                    }
                    (Some(Fast::Wide(choices)), Target::One(output)) => {
                        choices.each(&mut chunks.wide, |at, value| {
                            margins[at * n_outputs + output.index()] += value;
                        });
                    }
                    _ => walker.each_leaf(rows, range.clone(), |at, leaf| {
                        let margins = &mut margins[at * n_outputs..][..n_outputs];
                        tree.target()
                            .each_output(tree.leaf_values(leaf), |output, value| margins[output] += value);
                    }),
                }
            }
            for margins in margins.chunks_exact_mut(n_outputs) {
                margins.iter_mut().zip(&self.model.base).for_each(|(margin, base)| *margin += base);
            }
        }
    }
}
