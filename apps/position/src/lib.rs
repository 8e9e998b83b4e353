//! How well does a profile fit a posting? An analysis in which every claim cites and every number derives.
//!
//! For one person who analyses their own application. It does not rank people, and the fit that it reports is the
//! coverage of a posting's stated requirements by the documents given, not a probability of anything.
//!
//! Typed checks decide: years by the union of dated months, degrees by level and field, names by a table of aliases,
//! with denials, wishes and other people's work told from one's own. No similarity of texts is ever a verdict.

mod analysis;
mod asked;
pub mod concepts;
mod content;
pub mod dates;
pub mod document;
pub mod fit;
mod groups;
pub mod judge;
pub mod model;
pub mod months;
pub mod nearness;
pub mod posting;
pub mod profile;
pub mod read;
pub mod report;
pub mod sections;
mod stance;
mod text;
pub mod topics;

pub use analysis::{Analysis, AnalysisError, Request, analyze, analyze_documents};
