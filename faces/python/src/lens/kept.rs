//! What is kept of a run? The activations of some sites, written while the model runs to where Python takes them as they lie.

use std::collections::BTreeMap;

use numpy::PyArrayDyn;
use pellucid::models::transformer::{Axis, Hook, Tap, View};
use pyo3::prelude::*;

use crate::arrays::Aligned;

/// Numbers with a shape.
pub(super) struct Shaped {
    pub(super) shape: Vec<usize>,
    data: Aligned<f32>,
}

impl Shaped {
    fn of<'d>(shape: Vec<usize>, parts: impl Iterator<Item = &'d [f32]>) -> Self {
        // A tap can't fail; what the run itself has just held fits once more, or it grows.
        let mut data = Aligned::with_room(shape.iter().product()).unwrap_or_default();
        parts.for_each(|part| data.extend(part));
        Self { shape, data }
    }

    /// Some rows along the first axis.
    pub(super) fn rows(&self, kept: &[usize]) -> Self {
        rows(&self.shape, self.numbers(), kept)
    }

    pub(super) fn numbers(&self) -> &[f32] {
        self.data.numbers()
    }

    /// The same memory as NumPy holds it.
    pub(super) fn into_array(self, py: Python<'_>) -> PyResult<Bound<'_, PyArrayDyn<f32>>> {
        self.data.shaped(py, &self.shape)
    }
}

fn rows(shape: &[usize], data: &[f32], kept: &[usize]) -> Shaped {
    let width: usize = shape[1..].iter().product();
    let parts = kept.iter().map(|at| &data[at * width..(at + 1) * width]);
    Shaped::of([&[kept.len()], &shape[1..]].concat(), parts)
}

/// Keeps what it sees at some sites of one prompt, and of sites with a row a position those that are wanted.
pub(super) struct Kept<'a> {
    pub(super) hooks: &'a [Hook],
    pub(super) positions: Option<&'a [usize]>,
    /// One more site, of which everything is kept.
    pub(super) whole: Option<Hook>,
    pub(super) seen: BTreeMap<Hook, Shaped>,
}

impl Tap<f32> for Kept<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.whole == Some(hook) || self.hooks.contains(&hook)
    }

    fn touch(&mut self, hook: Hook, view: View<'_, f32>) {
        let by_rows = hook.site.axes()[0] == Axis::Position;
        let kept = match self.positions {
            Some(positions) if by_rows && self.whole != Some(hook) => rows(&view.shape, view.data, positions),
            _ => Shaped::of(view.shape, std::iter::once(&*view.data)),
        };
        self.seen.insert(hook, kept);
    }
}
