//! Is the task too easy to be true? Signs of a label that leaked into the features.

use std::fmt;

use pellucid_data::RowSet;
use pellucid_data::binarize::LiteralColumn;

use super::Candidate;

/// Something that is seldom meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A literal is the label itself, or its opposite.
    Label {
        /// The literal.
        literal: String,
        /// Whether it is the opposite.
        opposite: bool,
    },
    /// A rule makes no error.
    NoError {
        /// The rule.
        rule: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label { literal, opposite: false } => {
                write!(
                    f,
                    "`{literal}` holds exactly where the target does: the label seems to stand among the features; leave it out with --drop"
                )
            }
            Self::Label { literal, opposite: true } => {
                write!(
                    f,
                    "`{literal}` holds exactly where the target does not: the label seems to stand among the features; leave it out with --drop"
                )
            }
            Self::NoError { rule } => {
                write!(f, "the rule `{rule}` alone makes no error at all: something may tell the label")
            }
        }
    }
}

/// What looks like a leak. `name` spells a candidate.
#[must_use]
pub fn warnings(
    literals: &[LiteralColumn],
    candidates: &[Candidate],
    label: &RowSet,
    name: impl Fn(&Candidate) -> String,
) -> Vec<Warning> {
    let opposite = label.not();
    let of_literal = literals.iter().filter_map(|column| {
        let is_label = column.rows == *label;
        (is_label || column.rows == opposite)
            .then(|| Warning::Label { literal: column.literal.to_string(), opposite: !is_label })
    });
    let of_rule =
        candidates.iter().filter(|candidate| candidate.literals.len() > 1 && candidate.rows == *label);
    of_literal.chain(of_rule.take(1).map(|candidate| Warning::NoError { rule: name(candidate) })).collect()
}
