//! Tree ensembles: one type for every library that trains them.

pub mod bind;
pub mod choices;
mod city;
pub mod ensemble;
pub mod import;
pub mod node;
pub mod walk;

pub use bind::{BindError, BindNotes, Binding, FeatureMatrix};
pub use ensemble::{Ensemble, Feature, FeatureKind, InputCast, Origin, Summation, UnseenLevel};
pub use node::{CategorySet, Missing, NegativeFraction, Node, Side, Split, Target, Test, Tree, TreeError};
