//! Rules as one SQL expression.

use pellucid_data::binarize::{Literal, Test};

use crate::rules::Decision;

/// A standard `CASE` expression over the columns; a missing value is NULL. Put it into a `SELECT`.
#[must_use]
pub fn sql(decision: &Decision) -> String {
    let mut out =
        String::from("-- A rule set, written by Pellucid: SELECT this expression FROM your table.\nCASE\n");
    for class in &decision.classes {
        for rule in &class.rules {
            let conditions: Vec<String> = rule.conditions.iter().map(condition).collect();
            out += &format!("  WHEN {} THEN {}\n", conditions.join(" AND "), text(&class.positive));
        }
    }
    if decision.classes.iter().all(|class| class.rules.is_empty()) {
        // CASE without WHEN is no SQL.
        out += "  WHEN 1 = 0 THEN NULL\n";
    }
    out + &format!("  ELSE {}\nEND\n", text(&decision.default))
}

fn condition(literal: &Literal) -> String {
    let column = format!("\"{}\"", literal.column.replace('"', "\"\""));
    let levels = |levels: &[String]| levels.iter().map(|level| text(level)).collect::<Vec<_>>().join(", ");
    match &literal.test {
        Test::IsTrue => format!("{column} = 1"),
        Test::IsFalse => format!("{column} = 0"),
        Test::AtMost(limit) => format!("{column} <= {limit:?}"),
        Test::Above(limit) => format!("{column} > {limit:?}"),
        Test::OneOf(list) => format!("{column} IN ({})", levels(list)),
        Test::NoneOf(list) => format!("{column} NOT IN ({})", levels(list)),
        _ => format!("{column} IS NULL"),
    }
}

/// A SQL string literal.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
