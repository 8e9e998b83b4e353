//! Which yes-or-no questions can be asked of a table? Numbers, categories and missing values to literals.
//!
//! A literal is a test on one column. A missing value passes no test but [`Test::Missing`]; so `not x` is no complement
//! of `x` where values are missing. Literals hold their thresholds and levels themselves, so that they can be asked of
//! another table without this one.

use std::collections::HashMap;
use std::fmt;

use crate::ids::FeatureId;
use crate::rowset::RowSet;
use crate::table::{Categories, Column, Kind, Table};

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// It is 1 (of a column of 0 and 1).
    IsTrue,
    /// It is 0.
    IsFalse,
    /// It is a number not above this one.
    AtMost(f64),
    /// It is a number above this one.
    Above(f64),
    /// It is one of these levels.
    OneOf(Vec<String>),
    /// It is a level, and none of these.
    NoneOf(Vec<String>),
    /// There is no value.
    Missing,
}

/// A test on a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// The column's name.
    pub column: String,
    /// What is asked of its values.
    pub test: Test,
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.column;
        match &self.test {
            Test::IsTrue => write!(f, "{name}"),
            Test::IsFalse => write!(f, "not {name}"),
            Test::AtMost(x) => write!(f, "{name} ≤ {x}"),
            Test::Above(x) => write!(f, "{name} > {x}"),
            Test::OneOf(levels) => match levels.as_slice() {
                [level] => write!(f, "{name} = {level}"),
                _ => write!(f, "{name} in {{{}}}", levels.join(", ")),
            },
            Test::NoneOf(levels) => match levels.as_slice() {
                [level] => write!(f, "{name} ≠ {level}"),
                _ => write!(f, "{name} not in {{{}}}", levels.join(", ")),
            },
            Test::Missing => write!(f, "{name} is missing"),
        }
    }
}

/// A literal's column holds what its test can't be asked of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` holds {found}, and `{literal}` asks for {wanted}")]
pub struct KindMismatch {
    /// The column.
    pub column: String,
    /// The test, as people read it.
    pub literal: String,
    /// What the column holds.
    pub found: &'static str,
    /// What it should hold.
    pub wanted: &'static str,
}

impl Literal {
    /// The rows that pass.
    ///
    /// # Errors
    /// When a number is asked of text that is none.
    pub fn rows(&self, column: &Column) -> Result<RowSet, KindMismatch> {
        let n = column.len();
        let wrong = |found, wanted| KindMismatch {
            column: self.column.clone(),
            literal: self.to_string(),
            found,
            wanted,
        };
        let number = |holds: &dyn Fn(f64) -> bool| match column {
            Column::Number(values) => Ok(RowSet::from_fn(n, |row| holds(values[row]))),
            // Numbers that were read as text, as a column of which the first batch had text.
            Column::Category(text) => {
                let parsed: Option<Vec<f64>> =
                    text.levels.iter().map(|level| level.trim().parse().ok()).collect();
                let parsed = parsed.ok_or_else(|| wrong("text", "numbers"))?;
                Ok(RowSet::from_fn(n, |row| parsed.get(text.codes[row] as usize).is_some_and(|&x| holds(x))))
            }
        };
        let levels = |wanted: &[String], inside: bool| match column {
            Column::Category(text) => {
                let hit: Vec<bool> =
                    text.levels.iter().map(|level| wanted.contains(level) == inside).collect();
                Ok(RowSet::from_fn(n, |row| hit.get(text.codes[row] as usize).copied().unwrap_or(false)))
            }
            Column::Number(values) => {
                let is_in = |x: f64| !x.is_nan() && wanted.contains(&x.to_string()) == inside;
                Ok(RowSet::from_fn(n, |row| is_in(values[row])))
            }
        };
        match &self.test {
            Test::IsTrue => number(&|x| x == 1.0),
            Test::IsFalse => number(&|x| x == 0.0),
            Test::AtMost(limit) => number(&|x| x <= *limit),
            Test::Above(limit) => number(&|x| x > *limit),
            Test::OneOf(wanted) => levels(wanted, true),
            Test::NoneOf(wanted) => levels(wanted, false),
            Test::Missing => Ok(match column {
                Column::Number(values) => RowSet::from_fn(n, |row| values[row].is_nan()),
                Column::Category(text) => RowSet::from_fn(n, |row| text.codes[row] == Categories::MISSING),
            }),
        }
    }

    /// Whether a larger value of its column can only turn the test on (`Some(true)`), only off (`Some(false)`), or
    /// neither is so.
    #[must_use]
    pub fn direction(&self) -> Option<bool> {
        match self.test {
            Test::IsTrue | Test::Above(_) => Some(true),
            Test::IsFalse | Test::AtMost(_) => Some(false),
            Test::OneOf(_) | Test::NoneOf(_) | Test::Missing => None,
        }
    }
}

/// The rows in which a column holds a value as people spell it: a number for numbers, else the level itself.
#[must_use]
pub fn rows_equal(column: &Column, value: &str) -> RowSet {
    match column {
        Column::Number(values) => {
            let wanted = match value.trim() {
                "true" | "True" | "TRUE" => Some(1.0),
                "false" | "False" | "FALSE" => Some(0.0),
                text => text.parse::<f64>().ok(),
            };
            RowSet::from_fn(values.len(), |row| Some(values[row]) == wanted)
        }
        Column::Category(text) => RowSet::from_fn(text.codes.len(), |row| text.text(row) == Some(value)),
    }
}

/// Whether tests are also negated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Polarity {
    /// 1 of 0 and 1; `=` of levels; both sides of a threshold.
    #[default]
    Positive,
    /// Also 0 of 0 and 1, and `≠` of levels.
    Both,
}

/// How numbers are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cuts {
    /// Into parts of about equal weight.
    #[default]
    Quantile,
    /// Where the impurity (Gini) of the label falls most, one cut after the other.
    Supervised,
}

/// How a table becomes literals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binarizing {
    /// Whether tests are negated.
    pub polarity: Polarity,
    /// How numbers are cut.
    pub cuts: Cuts,
    /// Into how many parts, at most.
    pub bins: usize,
    /// Groups of levels a column, by rising share of the label, beside the single levels; 0 for none.
    pub groups: usize,
    /// Whether a missing value is a literal of its own.
    pub missing: bool,
    /// Literals that hold in less weight than this are not made.
    pub min_support: u64,
}

impl Default for Binarizing {
    fn default() -> Self {
        Self {
            polarity: Polarity::Positive,
            cuts: Cuts::Quantile,
            bins: 5,
            groups: 0,
            missing: true,
            min_support: 1,
        }
    }
}

/// A literal with the rows that pass it.
#[derive(Debug, Clone, PartialEq)]
pub struct LiteralColumn {
    /// The column of the table that it is about.
    pub feature: FeatureId,
    /// The test.
    pub literal: Literal,
    /// The rows that pass.
    pub rows: RowSet,
}

/// All literals of some columns, in the order of the columns; those that hold in too few rows, or in every row, are left
/// out. `label` guides [`Cuts::Supervised`] and groups.
#[must_use]
pub fn binarize(
    table: &Table,
    features: &[FeatureId],
    label: &RowSet,
    weights: &[u32],
    how: &Binarizing,
) -> Vec<LiteralColumn> {
    let mut found = Vec::new();
    for &feature in features {
        let (field, column) = (&table.schema().fields[feature.index()], &table.columns()[feature.index()]);
        if field.kind == Kind::Other {
            continue;
        }
        for test in tests(column, label, weights, how) {
            let literal = Literal { column: field.name.clone(), test };
            // The tests were made from this very column.
            let Ok(rows) = literal.rows(column) else { continue };
            let support: u64 = rows.iter().map(|row| u64::from(weights[row])).sum();
            if support >= how.min_support.max(1) && rows.count() < rows.n_rows() {
                found.push(LiteralColumn { feature, literal, rows });
            }
        }
    }
    found
}

fn tests(column: &Column, label: &RowSet, weights: &[u32], how: &Binarizing) -> Vec<Test> {
    let both = how.polarity == Polarity::Both;
    let mut tests = Vec::new();
    match column {
        Column::Number(values) => {
            if values.iter().all(|&x| x == 0.0 || x == 1.0 || x.is_nan()) {
                tests.push(Test::IsTrue);
                tests.extend(both.then_some(Test::IsFalse));
            } else {
                let sorted = distinct(values, label, weights);
                let cuts = match how.cuts {
                    Cuts::Quantile => quantiles(&sorted, how.bins),
                    Cuts::Supervised => supervised(&sorted, how.bins),
                };
                for cut in cuts {
                    tests.extend([Test::AtMost(cut), Test::Above(cut)]);
                }
            }
        }
        Column::Category(text) => {
            let one = |level: &String| vec![level.clone()];
            tests.extend(text.levels.iter().map(|level| Test::OneOf(one(level))));
            if both && text.levels.len() > 2 {
                tests.extend(text.levels.iter().map(|level| Test::NoneOf(one(level))));
            }
            tests.extend(groups(text, label, weights, how.groups).into_iter().map(Test::OneOf));
        }
    }
    tests.extend((how.missing && column.n_missing() > 0).then_some(Test::Missing));
    tests
}

/// A distinct value with the weight of its rows: all, and those of the label.
#[derive(Debug, Clone, Copy)]
struct Value {
    at: f64,
    all: u64,
    positive: u64,
}

fn distinct(values: &[f64], label: &RowSet, weights: &[u32]) -> Vec<Value> {
    let mut rows: Vec<usize> = (0..values.len()).filter(|&row| !values[row].is_nan()).collect();
    rows.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut sorted: Vec<Value> = Vec::new();
    for row in rows {
        let weight = u64::from(weights[row]);
        let positive = if label.contains(row) { weight } else { 0 };
        match sorted.last_mut().filter(|last| last.at == values[row]) {
            Some(last) => (last.all, last.positive) = (last.all + weight, last.positive + positive),
            None => sorted.push(Value { at: values[row], all: weight, positive }),
        }
    }
    sorted
}

/// The values at which a share of i / bins of the weight is reached, without the last value.
fn quantiles(sorted: &[Value], bins: usize) -> Vec<f64> {
    let total: u64 = sorted.iter().map(|value| value.all).sum();
    let (mut cuts, mut below) = (Vec::new(), 0_u64);
    let mut next = 1_u64;
    for value in sorted.iter().take(sorted.len().saturating_sub(1)) {
        below += value.all;
        let reached = |next: u64| u128::from(below) * bins as u128 >= u128::from(next) * u128::from(total);
        if next < bins as u64 && reached(next) {
            cuts.push(value.at);
            while next < bins as u64 && reached(next) {
                next += 1;
            }
        }
    }
    cuts
}

/// Cuts by falling gain of Gini impurity, each time the best cut of all parts; ties go to the smaller value.
fn supervised(sorted: &[Value], bins: usize) -> Vec<f64> {
    let impurity = |all: u64, positive: u64| {
        if all == 0 { 0.0 } else { positive as f64 * (all - positive) as f64 / all as f64 }
    };
    let best = |part: &[Value]| -> Option<(f64, usize)> {
        let all: u64 = part.iter().map(|value| value.all).sum();
        let positive: u64 = part.iter().map(|value| value.positive).sum();
        let (mut left, mut left_positive) = (0, 0);
        let mut found: Option<(f64, usize)> = None;
        for (at, value) in part.iter().enumerate().take(part.len().saturating_sub(1)) {
            (left, left_positive) = (left + value.all, left_positive + value.positive);
            let gain = impurity(all, positive)
                - impurity(left, left_positive)
                - impurity(all - left, positive - left_positive);
            if gain > 1e-9 && found.is_none_or(|(most, _)| gain > most) {
                found = Some((gain, at));
            }
        }
        found
    };
    let mut parts: Vec<std::ops::Range<usize>> = std::iter::once(0..sorted.len()).collect();
    let mut cuts = Vec::new();
    while cuts.len() + 1 < bins {
        let offers = parts.iter().enumerate().filter_map(|(which, part)| {
            let (gain, at) = best(&sorted[part.clone()])?;
            Some((gain, which, part.start + at))
        });
        let Some((_, which, at)) = offers.fold(None, |most: Option<(f64, usize, usize)>, offer| match most {
            Some(held) if held.0 >= offer.0 => Some(held),
            _ => Some(offer),
        }) else {
            break;
        };
        cuts.push(sorted[at].at);
        let part = parts[which].clone();
        parts.splice(which..=which, [part.start..at + 1, at + 1..part.end]);
    }
    cuts.sort_by(f64::total_cmp);
    cuts
}

/// Levels by rising share of the label; the groups are ends of that order that hold about i / (groups + 1) of the
/// weight. (For two classes the best split of a category is one of these: Breiman et al. 1984, section 4.2.2.)
fn groups(text: &Categories, label: &RowSet, weights: &[u32], n_groups: usize) -> Vec<Vec<String>> {
    if n_groups == 0 || text.levels.len() < 3 {
        return Vec::new();
    }
    let mut levels: HashMap<u32, (u64, u64)> = HashMap::new();
    for (row, &code) in text.codes.iter().enumerate().filter(|(_, code)| **code != Categories::MISSING) {
        let weight = u64::from(weights[row]);
        let entry = levels.entry(code).or_default();
        entry.0 += weight;
        entry.1 += if label.contains(row) { weight } else { 0 };
    }
    let mut order: Vec<(u32, u64, u64)> =
        levels.into_iter().map(|(code, (all, positive))| (code, all, positive)).collect();
    // Falling share of the label, by cross-multiplication; ties by level.
    order.sort_by(|a, b| {
        let (left, right) = (u128::from(a.2) * u128::from(b.1), u128::from(b.2) * u128::from(a.1));
        right.cmp(&left).then_with(|| text.levels[a.0 as usize].cmp(&text.levels[b.0 as usize]))
    });
    let total: u64 = order.iter().map(|level| level.1).sum();
    let (mut found, mut held, mut next): (Vec<Vec<String>>, Vec<String>, u64) = (Vec::new(), Vec::new(), 1);
    let mut below = 0;
    for (code, all, _) in order.iter().take(order.len() - 1) {
        held.push(text.levels[*code as usize].clone());
        below += all;
        let reached = u128::from(below) * (n_groups as u128 + 1) >= u128::from(next) * u128::from(total);
        if reached && next <= n_groups as u64 {
            next = (u128::from(below) * (n_groups as u128 + 1) / u128::from(total.max(1))) as u64 + 1;
            if held.len() > 1 {
                let mut group = held.clone();
                group.sort();
                found.push(group);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Field, Schema};
    use std::sync::Arc;

    fn table(columns: Vec<(&str, Kind, Column)>) -> Table {
        let n = columns[0].2.len();
        let (fields, columns) =
            columns.into_iter().map(|(name, kind, c)| (Field { name: name.to_owned(), kind }, c)).unzip();
        Table::new(Arc::new(Schema { fields }), columns, n).unwrap()
    }

    fn text(cells: &[&str]) -> Column {
        let mut levels: Vec<String> = Vec::new();
        let code = |cell: &&str| {
            if cell.is_empty() {
                return Categories::MISSING;
            }
            levels.iter().position(|level| level == cell).unwrap_or_else(|| {
                levels.push((*cell).to_owned());
                levels.len() - 1
            }) as u32
        };
        let codes = cells.iter().map(code).collect();
        Column::Category(Categories { codes, levels: Arc::new(levels) })
    }

    fn asked(table: &Table, label: &[bool], how: &Binarizing) -> Vec<(String, Vec<usize>)> {
        let label = RowSet::from_fn(label.len(), |row| label[row]);
        let features: Vec<FeatureId> = (0..table.columns().len()).map(FeatureId::at).collect();
        let found = binarize(table, &features, &label, &vec![1; label.n_rows()], how);
        found.iter().map(|l| (l.literal.to_string(), l.rows.iter().collect())).collect()
    }

    #[test]
    fn zeros_and_ones_are_one_literal_or_two() {
        let table = table(vec![("b", Kind::Integer, Column::Number(vec![1.0, 0.0, f64::NAN, 1.0]))]);
        let label = [true, false, true, false];
        let positive = asked(&table, &label, &Binarizing::default());
        assert_eq!(positive, [("b".to_owned(), vec![0, 3]), ("b is missing".to_owned(), vec![2])]);
        let both = Binarizing { polarity: Polarity::Both, missing: false, ..Binarizing::default() };
        assert_eq!(asked(&table, &label, &both)[1], ("not b".to_owned(), vec![1]));
    }

    #[test]
    fn numbers_are_cut_by_weight_or_by_label() {
        let values: Vec<f64> = (0..10).map(f64::from).collect();
        let table = table(vec![("x", Kind::Integer, Column::Number(values))]);
        let label: Vec<bool> = (0..10).map(|row| row >= 7).collect();
        let halves = Binarizing { bins: 2, ..Binarizing::default() };
        let names = |how: &Binarizing| {
            asked(&table, &label, how).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(&halves), ["x ≤ 4", "x > 4"]);
        assert_eq!(names(&Binarizing { cuts: Cuts::Supervised, ..halves }), ["x ≤ 6", "x > 6"]);
    }

    #[test]
    fn levels_groups_and_missing_text() {
        let cells = ["a", "b", "c", "", "a", "b"];
        let table = table(vec![("k", Kind::Category, text(&cells))]);
        let label = [true, true, false, false, true, false];
        let how = Binarizing { groups: 1, polarity: Polarity::Both, ..Binarizing::default() };
        let names: Vec<String> = asked(&table, &label, &how).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["k = a", "k = b", "k = c", "k ≠ a", "k ≠ b", "k ≠ c", "k in {a, b}", "k is missing"]
        );
        let not_a = Literal { column: "k".into(), test: Test::NoneOf(vec!["a".into()]) };
        assert_eq!(not_a.rows(&table.columns()[0]).unwrap().iter().collect::<Vec<_>>(), [1, 2, 5]);
        let above = Literal { column: "k".into(), test: Test::Above(1.0) };
        assert!(above.rows(&table.columns()[0]).unwrap_err().to_string().contains("holds text"));
    }
}
