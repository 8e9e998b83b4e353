//! How are prompts and what is found of them told? Small words that every face needs alike.

use pellucid_models::transformer::Token;
use pellucid_views::patch_grid::visible;
use serde_json::Value;

/// The numbers of tokens.
#[must_use]
pub fn ids(tokens: &[Token]) -> Vec<u32> {
    tokens.iter().map(|token| token.id).collect()
}

/// Tokens as one sees them.
#[must_use]
pub fn seen(tokens: &[Token]) -> Vec<String> {
    tokens.iter().map(|token| visible(&token.text)).collect()
}

/// A position of a prompt, counted from the end where negative; `None` if it is not there.
#[must_use]
pub fn position(number: i64, n_tokens: usize) -> Option<usize> {
    let n = i64::try_from(n_tokens).ok()?;
    let from_start = if number < 0 { n.checked_add(number)? } else { number };
    usize::try_from(from_start).ok().filter(|at| *at < n_tokens)
}

/// Adds the entries of an object to another.
pub fn merge(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

/// Of one prompt its value, of several a list of them.
pub fn one_or_all(values: impl Iterator<Item = impl Into<Value>>) -> Value {
    let mut all: Vec<Value> = values.map(Into::into).collect();
    if all.len() == 1 { all.swap_remove(0) } else { Value::Array(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_counted_from_both_ends() {
        assert_eq!([0, 2, -1, -3].map(|at| position(at, 3)), [Some(0), Some(2), Some(2), Some(0)]);
        assert_eq!([3, -4, i64::MIN, i64::MAX].map(|at| position(at, 3)), [None; 4]);
        assert_eq!(position(0, 0), None);
    }
}
