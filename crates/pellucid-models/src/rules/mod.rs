//! What does a rule set say? Conditions, rules, and a decision: models that are their own explanation.
//!
//! A [`Rule`] is a conjunction of literals; a [`RuleSet`] predicts its positive class where any rule holds, else the
//! default. For more than two classes a [`Decision`] asks one rule set a class, in a stated order.

pub mod export;
pub mod format;
mod rule_set;

pub use rule_set::{ClassRules, Decision, PredictError, Rule};
