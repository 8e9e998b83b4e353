//! How does a view become something that can be opened? As SVG, PNG, or part of a page.

pub mod css;
mod font;
mod frame;
pub mod html;
#[cfg(feature = "png")]
pub mod png;
pub mod scene;
pub mod svg;
pub mod text;

pub use font::{cut_middle, text_width};
pub(crate) use frame::{Axis, Frame, label_width, wrapped};
