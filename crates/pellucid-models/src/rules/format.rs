//! How are rules written down, and read back? Literals and rules as JSON; the file around them is the certificate's.

use pellucid_data::binarize::{Literal, Test};
use serde_json::{Value, json};

use super::Rule;

/// Where a JSON value is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct FormatError {
    /// The place, as `rules[0][1].op`.
    pub at: String,
    /// What is wrong there.
    pub problem: String,
}

impl FormatError {
    /// A problem at a place.
    #[must_use]
    pub fn new(at: &str, problem: impl Into<String>) -> Self {
        Self { at: at.to_owned(), problem: problem.into() }
    }
}

/// A literal as JSON: `{"column": ..., "op": ..., "value": ...}`.
#[must_use]
pub fn literal_to_json(literal: &Literal) -> Value {
    let (op, value) = match &literal.test {
        Test::IsTrue => ("is_true", Value::Null),
        Test::IsFalse => ("is_false", Value::Null),
        Test::AtMost(x) => ("at_most", json!(x)),
        Test::Above(x) => ("above", json!(x)),
        Test::OneOf(levels) => ("one_of", json!(levels)),
        Test::NoneOf(levels) => ("none_of", json!(levels)),
        _ => ("missing", Value::Null),
    };
    let mut out = json!({"column": literal.column, "op": op});
    if !value.is_null() {
        out["value"] = value;
    }
    out
}

/// A literal from JSON.
///
/// # Errors
/// When it is not of that shape; `at` names the place.
pub fn literal_from_json(value: &Value, at: &str) -> Result<Literal, FormatError> {
    let wrong = |what: &str| FormatError::new(at, what);
    let fields = value.as_object().ok_or_else(|| wrong("a condition is an object"))?;
    if let Some(other) = fields.keys().find(|key| !["column", "op", "value"].contains(&key.as_str())) {
        return Err(FormatError::new(at, format!("`{other}` is no field of a condition")));
    }
    let column = value["column"].as_str().ok_or_else(|| wrong("`column` must be text"))?.to_owned();
    let number =
        || value["value"].as_f64().filter(|x| x.is_finite()).ok_or_else(|| wrong("`value` must be a number"));
    let levels = || -> Result<Vec<String>, FormatError> {
        let list = value["value"].as_array().filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| wrong("`value` must be a list of texts"))?;
        let text =
            |level: &Value| level.as_str().map(str::to_owned).ok_or_else(|| wrong("a level must be text"));
        list.iter().map(text).collect()
    };
    let bare = |test| {
        if value.get("value").is_some() { Err(wrong("this condition has no `value`")) } else { Ok(test) }
    };
    let test = match value["op"].as_str() {
        Some("is_true") => bare(Test::IsTrue)?,
        Some("is_false") => bare(Test::IsFalse)?,
        Some("missing") => bare(Test::Missing)?,
        Some("at_most") => Test::AtMost(number()?),
        Some("above") => Test::Above(number()?),
        Some("one_of") => Test::OneOf(levels()?),
        Some("none_of") => Test::NoneOf(levels()?),
        Some(other) => return Err(FormatError::new(at, format!("`{other}` is no kind of condition"))),
        None => return Err(wrong("`op` must be text")),
    };
    Ok(Literal { column, test })
}

/// A rule as JSON: a list of literals.
#[must_use]
pub fn rule_to_json(rule: &Rule) -> Value {
    rule.conditions.iter().map(literal_to_json).collect()
}

/// A rule from JSON.
///
/// # Errors
/// When it is not of that shape.
pub fn rule_from_json(value: &Value, at: &str) -> Result<Rule, FormatError> {
    let list = value.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| FormatError::new(at, "a rule is a list of at least one condition"))?;
    let conditions =
        list.iter().enumerate().map(|(n, literal)| literal_from_json(literal, &format!("{at}[{n}]")));
    Ok(Rule { conditions: conditions.collect::<Result<_, _>>()? })
}
