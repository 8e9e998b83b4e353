//! Rules as a Python function of one row.

use std::fmt::Write as _;

use pellucid_data::binarize::{Literal, Test};

use crate::rules::Decision;

/// A module with `predict(row)`, where `row` maps column names to values; a missing value is `None`, NaN or absent. It
/// needs nothing but Python itself.
#[must_use]
pub fn python(decision: &Decision) -> String {
    let mut out = String::from(
        "\"\"\"A rule set, written by Pellucid. predict(row) answers the predicted class of a mapping of columns to values.\"\"\"\n\n\n\
         def _value(row, column):\n    value = row.get(column)\n    return None if value is None or value != value else value\n\n\n\
         def _number(row, column):\n    value = _value(row, column)\n    return None if value is None else float(value)\n\n\n\
         def predict(row):\n",
    );
    for class in &decision.classes {
        for rule in &class.rules {
            let conditions: Vec<String> = rule.conditions.iter().map(condition).collect();
            let _ = writeln!(
                out,
                "    if {}:\n        return {}",
                conditions.join(" and "),
                text(&class.positive)
            );
        }
    }
    let _ = writeln!(out, "    return {}", text(&decision.default));
    out
}

fn condition(literal: &Literal) -> String {
    let column = text(&literal.column);
    let number = format!("(x := _number(row, {column})) is not None and x");
    let levels = |levels: &[String]| {
        let texts: Vec<String> = levels.iter().map(|level| text(level)).collect();
        format!("{{{}}}", texts.join(", "))
    };
    match &literal.test {
        Test::IsTrue => format!("({number} == 1)"),
        Test::IsFalse => format!("({number} == 0)"),
        Test::AtMost(limit) => format!("({number} <= {limit:?})"),
        Test::Above(limit) => format!("({number} > {limit:?})"),
        Test::OneOf(list) => format!("(_value(row, {column}) in {})", levels(list)),
        Test::NoneOf(list) => {
            format!("((v := _value(row, {column})) is not None and v not in {})", levels(list))
        }
        _ => format!("(_value(row, {column}) is None)"),
    }
}

/// A Python string literal.
fn text(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() || c == '\u{2028}' => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
