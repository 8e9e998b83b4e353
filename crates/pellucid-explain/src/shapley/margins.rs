//! What does the model itself say of the rows that are explained? From their values, and not from their bins.

use std::ops::Range;

use pellucid_data::Level;
use pellucid_models::trees::walk::{Choices, ROWS, Slots, Walker};
use pellucid_models::trees::{Ensemble, FeatureMatrix, Target};

/// The fastest way through each tree.
pub(super) struct Walks<'m> {
    model: &'m Ensemble,
    trees: Vec<(Option<Choices<'m>>, Walker<'m>)>,
}

impl<'m> Walks<'m> {
    pub(super) fn new(model: &'m Ensemble, level: Level) -> Self {
        let lanes = match level {
            Level::Avx512 => 8,
            Level::Avx2 => 4,
            Level::Portable => 2,
        };
        let trees = model.trees.iter().map(|tree| (Choices::new(tree, lanes), Walker::new(tree))).collect();
        Self { model, trees }
    }

    /// Adds the margins of a range of rows, row-major.
    #[inline(always)]
    pub(super) fn add(
        &self,
        rows: &FeatureMatrix,
        range: Range<usize>,
        slots: &mut Slots,
        margins: &mut [f64],
    ) {
        let n_outputs = self.model.base.len();
        for (at, margins) in margins.chunks_mut(ROWS * n_outputs).enumerate() {
            let first = range.start + at * ROWS;
            let range = first..first + margins.len() / n_outputs;
            for (tree, (choices, walker)) in self.model.trees.iter().zip(&self.trees) {
                if let (Some(choices), Target::One(output)) = (choices, tree.target()) {
                    choices.each(rows, range.clone(), slots, |at, value| {
                        margins[at * n_outputs + output.index()] += value;
                    });
                    continue;
                }
                walker.each_leaf(rows, range.clone(), |at, leaf| {
                    let margins = &mut margins[at * n_outputs..][..n_outputs];
                    tree.target()
                        .each_output(tree.leaf_values(leaf), |output, value| margins[output] += value);
                });
            }
            for margins in margins.chunks_exact_mut(n_outputs) {
                margins.iter_mut().zip(&self.model.base).for_each(|(margin, base)| *margin += base);
            }
        }
    }
}
