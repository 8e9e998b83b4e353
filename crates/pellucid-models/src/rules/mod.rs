//! What does a rule set say? Conditions, rules, and a decision: models that are their own explanation.
//!
//! A [`Rule`] is a conjunction of literals; rules of a class predict it where any of them holds, else the
//! default. For more than two classes a [`Decision`] asks one rule set a class, in a stated order.

pub mod export;
pub mod format;
mod rule_set;

pub use rule_set::{ClassRules, Decision, PredictError, Rule};
