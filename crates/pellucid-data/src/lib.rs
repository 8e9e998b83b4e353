//! What is looked at: tables of rows and columns, and how they are read and written.
//!
//! Bytes come in through [`read`], leave through [`mod@write`], and are a [`Table`] in between. Nothing
//! here opens a file, prints, or knows what a model is.

pub mod binarize;
pub mod control;
pub mod ids;
pub mod level;
pub mod ratio;
pub mod read;
pub mod rowset;
mod suggest;
pub mod summary;
pub mod table;
pub mod write;

pub use control::{Control, Quiet, Stopped, Watch};
pub use ids::{FeatureId, NodeId, OutputId};
pub use level::Level;
pub use ratio::Ratio;
pub use rowset::RowSet;
pub use suggest::closest;
pub use table::{Categories, Column, Field, Kind, Schema, Table};
