//! What should people know of a column before they use it?

use super::{Summary, Twin};
use crate::table::Kind;

/// A column whose most common value stands in this share of its rows is nearly constant.
const NEARLY: f64 = 0.9;
/// A column that lacks this share of its values lacks many.
const MANY: f64 = 0.2;
/// Columns of fewer rows may well have all their values once.
const LEAST_ROWS: usize = 20;

/// Something that stands out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// There is no value in it.
    Empty,
    /// There is one value.
    Constant,
    /// This share of the rows with a value have the same one.
    NearlyConstant(f64),
    /// Every row has another value.
    Identifier,
    /// It says what a column before it says.
    Repeats(Twin),
    /// This share of its values is missing.
    ManyMissing(f64),
    /// So many of its numbers are infinite.
    Infinite(usize),
}

/// What stands out in a column, the most important first.
#[must_use]
pub fn findings(own: &Summary, kind: Kind, twin: Option<Twin>) -> Vec<Finding> {
    let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
    if own.n_known() == 0 {
        return if own.n_rows == 0 { Vec::new() } else { vec![Finding::Empty] };
    }
    let mut found = Vec::new();
    let same = share(own.most_common(), own.n_known());
    if own.n_distinct == 1 {
        // A single row has one value of everything.
        found.extend((own.n_known() > 1).then_some(Finding::Constant));
    } else if same >= NEARLY {
        found.push(Finding::NearlyConstant(same));
    }
    // Measurements differ in every row; whole numbers and text that do are names.
    let is_name = matches!(kind, Kind::Integer | Kind::Category);
    if is_name && own.n_distinct == own.n_rows && own.n_rows >= LEAST_ROWS {
        found.push(Finding::Identifier);
    }
    found.extend(twin.map(Finding::Repeats));
    let missing = share(own.n_missing, own.n_rows);
    found.extend((missing >= MANY).then_some(Finding::ManyMissing(missing)));
    found.extend((own.n_infinite() > 0).then_some(Finding::Infinite(own.n_infinite())));
    found
}
