//! How do numbers leave without a copy? In memory that NumPy comes to own, whose first number stands at a multiple of 64 bytes.
//!
//! NumPy and torch take any address. JAX takes memory by DLPack as it is only from such places, and else copies without a word; large
//! pieces of memory begin 16 bytes after one, as the allocator hands them out.

use numpy::ndarray::{Array1, Axis, IxDyn, Slice};
use numpy::{Element, IntoPyArray, PyArrayDyn};
use pyo3::prelude::*;

use crate::errors::Failure;

/// Bytes that the first number is aligned to.
const LINE: usize = 64;

/// Numbers that grow, behind as many unused ones as their alignment takes.
pub(crate) struct Aligned<T> {
    values: Vec<T>,
    unused: usize,
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self { values: Vec::new(), unused: 0 }
    }
}

impl<T: Element + Copy + Default> Aligned<T> {
    /// With room for so many numbers: nothing is moved until there are more. An error where there is no such memory.
    pub(crate) fn with_room(n: usize) -> Result<Self, Failure> {
        let mut values = Vec::new();
        values
            .try_reserve_exact(n.saturating_add(LINE))
            .map_err(|_| Failure::too_large(n.saturating_mul(size_of::<T>())))?;
        let unused = unused(&values);
        values.resize(unused, T::default());
        Ok(Self { values, unused })
    }

    /// The numbers themselves.
    pub(crate) fn numbers(&self) -> &[T] {
        &self.values[self.unused..]
    }

    pub(crate) fn push(&mut self, value: T) {
        self.values.push(value);
    }

    pub(crate) fn extend(&mut self, values: &[T]) {
        self.values.extend_from_slice(values);
    }

    /// Hands them to NumPy as an array of one dimension.
    pub(crate) fn into_numpy(self, py: Python<'_>) -> PyResult<Bound<'_, PyArrayDyn<T>>> {
        let shape = [self.numbers().len()];
        self.shaped(py, &shape)
    }

    /// Hands them to NumPy. They are moved only if they grew past their room.
    pub(crate) fn shaped<'py>(
        mut self,
        py: Python<'py>,
        shape: &[usize],
    ) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
        if unused(&self.values) > self.unused {
            // It grew, and lies elsewhere now.
            self.values.reserve(LINE);
        }
        let wanted = unused(&self.values);
        if wanted > self.unused {
            let more = std::iter::repeat_n(T::default(), wanted - self.unused);
            self.values.splice(0..0, more);
        } else {
            self.values.drain(..self.unused - wanted);
        }
        let mut flat = Array1::from_vec(self.values);
        flat.slice_axis_inplace(Axis(0), Slice::from(wanted..));
        let wrong = |error: numpy::ndarray::ShapeError| {
            Failure::Said(
                "BugError",
                format!("this is a bug in Pellucid: {error}\nPlease report it with the call that led here."),
            )
        };
        Ok(flat.into_shape_with_order(IxDyn(shape)).map_err(wrong)?.into_pyarray(py))
    }
}

/// How many numbers stand before the first aligned one.
fn unused<T>(values: &[T]) -> usize {
    // Of types whose size does not divide 64 none is aligned; no such type is used.
    values.as_ptr().align_offset(LINE).min(LINE)
}
