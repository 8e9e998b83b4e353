//! Named tensors of a file, as numbers of 32 bits: what each format has to offer to families.

use std::sync::Arc;

use pellucid_data::closest;

use super::error::WeightsError;
use super::{Linear, Matrix, NormWeights, Packed};

/// How a matrix stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Outputs × inputs, as `nn.Linear` keeps it.
    OutIn,
    /// Inputs × outputs, as GPT-2's `Conv1D` keeps it.
    InOut,
}

/// Who wants to know which bytes of a file are not needed any more, so that memory that holds them can be given back.
#[derive(Clone, Copy, Default)]
pub struct Release<'r>(Option<Listener<'r>>);

/// Is told bytes.
type Listener<'r> = &'r dyn Fn(&[u8]);

impl<'r> Release<'r> {
    /// Tells this one.
    #[must_use]
    pub fn to(who: Listener<'r>) -> Self {
        Self(Some(who))
    }

    pub(super) fn tell(self, bytes: &[u8]) {
        if let Some(who) = self.0 {
            who(bytes);
        }
    }
}

impl std::fmt::Debug for Release<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Release").field(&self.0.is_some()).finish()
    }
}

/// A file of named tensors.
pub trait Tensors {
    /// The names.
    fn names(&self) -> Vec<&str>;

    /// The shape of one, the slowest axis first.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// Its numbers, in the file's order.
    ///
    /// # Errors
    /// When it is not there, or its numbers can't be read.
    fn read(&self, name: &str) -> Result<Vec<f32>, WeightsError>;

    /// Its numbers, if it has this shape and they are finite.
    ///
    /// # Errors
    /// When it is not there, has another shape, or holds what is no number.
    fn take(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let Some(found) = self.shape(name) else {
            let near = closest(name, self.names()).map(str::to_owned);
            return Err(WeightsError::Missing { name: name.to_owned(), near });
        };
        if found != expected {
            return Err(WeightsError::Shape { name: name.to_owned(), found, expected: expected.to_vec() });
        }
        let numbers = self.read(name)?;
        if numbers.iter().any(|x| !x.is_finite()) {
            return Err(WeightsError::NotFinite { name: name.to_owned() });
        }
        Ok(numbers)
    }

    /// Whether there is one of that name.
    fn has(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// Rows of numbers.
    ///
    /// # Errors
    /// As [`Tensors::take`].
    fn rows(&self, name: &str, n_rows: usize, n_columns: usize) -> Result<Matrix, WeightsError> {
        let data = Arc::new(self.take(name, &[n_rows, n_columns])?);
        Ok(Matrix { n_rows, n_columns, data })
    }

    /// A matrix as inputs × outputs.
    ///
    /// # Errors
    /// As [`Tensors::take`].
    fn matrix(&self, name: &str, [n_in, n_out]: [usize; 2], layout: Layout) -> Result<Packed, WeightsError> {
        Ok(match layout {
            Layout::InOut => {
                let data = self.take(name, &[n_in, n_out])?;
                Packed::from_rows(n_in, n_out, |input| &data[input * n_out..][..n_out])
            }
            Layout::OutIn => {
                let data = self.take(name, &[n_out, n_in])?;
                Packed::from_columns(n_in, n_out, |output| &data[output * n_in..][..n_in])
            }
        })
    }

    /// A matrix as inputs × outputs, and its bias, `weight` and `bias` behind the name.
    ///
    /// # Errors
    /// As [`Tensors::take`].
    fn linear(
        &self,
        name: &str,
        [n_in, n_out]: [usize; 2],
        layout: Layout,
        has_bias: bool,
    ) -> Result<Linear, WeightsError> {
        let weight = self.matrix(&format!("{name}.weight"), [n_in, n_out], layout)?;
        let bias = has_bias.then(|| self.take(&format!("{name}.bias"), &[n_out])).transpose()?;
        Ok(Linear { weight, bias })
    }

    /// A norm's weights.
    ///
    /// # Errors
    /// As [`Tensors::take`].
    fn norm(&self, name: &str, n: usize, has_bias: bool) -> Result<NormWeights, WeightsError> {
        let weight = self.take(&format!("{name}.weight"), &[n])?;
        let bias = has_bias.then(|| self.take(&format!("{name}.bias"), &[n])).transpose()?;
        Ok(NormWeights { weight, bias })
    }
}
