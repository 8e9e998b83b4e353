//! What if the row were another one? What each feature alone could do to the answer, and which rows of the data are near.
//!
//! Values that are put in come from the data: between its lowest and highest number, or among the categories that it has. What may be
//! put in is the caller's to say, feature by feature ([`Constraint`]): an age does not fall.

mod domain;
mod nearest;
mod reach;
#[cfg(test)]
mod tests;

pub use domain::{Domain, Values, domains};
pub use nearest::{Near, nearest};
pub use reach::{Decision, Point, Reach, reaches};

/// How a feature of a row may differ from what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Constraint {
    /// In any way.
    #[default]
    Free,
    /// Not at all.
    Held,
    /// It may only be larger; a category may not differ at all.
    Up,
    /// It may only be smaller; a category may not differ at all.
    Down,
}

impl Constraint {
    /// Whether a number may become another one. Only [`Constraint::Free`] lets a value appear where none is, or the reverse.
    #[must_use]
    pub fn allows(self, from: f64, to: f64) -> bool {
        let is_same = from == to || from.is_nan() && to.is_nan();
        is_same
            || match self {
                Self::Free => true,
                Self::Held => false,
                Self::Up => to > from,
                Self::Down => to < from,
            }
    }
}
