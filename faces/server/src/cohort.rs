//! Which rows? Conditions on columns, as they stand in an address: `where=age:>=:40&where=sex:=:Female`.
//!
//! A condition is `column:test:value` with one of the tests `=`, `!=`, `<`, `<=`, `>`, `>=`, or `column:missing` and `column:known`. All of them must
//! hold; several `=` of one column mean any of their values. Where a value is missing, only `missing` holds.

use std::sync::Arc;

use pellucid::data::table::{Categories, Column, Kind};
use pellucid::data::{RowSet, Table};
use pellucid::views::number::pretty;
use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::{Code, Failure, hint};
use crate::memo::Found;
use crate::pages::in_python;
use crate::workbench::Workbench;

/// Conditions of one address, at most.
const MOST: usize = 64;

/// How a value is compared. Longer ones first, for `<` begins `<=`.
const TESTS: [(&str, Test); 6] = [
    ("!=", Test::IsNot),
    ("<=", Test::AtMost),
    (">=", Test::AtLeast),
    ("=", Test::Is),
    ("<", Test::Below),
    (">", Test::Above),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Is,
    IsNot,
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
enum Than {
    Number(f64),
    /// The code of a level.
    Level(u32),
}

#[derive(Debug, Clone, PartialEq)]
enum Asks {
    Missing,
    Known,
    Compare(Test, Than),
}

/// One condition on one column.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    column: usize,
    name: String,
    asks: Asks,
    /// The value for people, and as Python writes it.
    value: [String; 2],
    /// As it stands in the address.
    written: String,
}

/// The rows for which conditions hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cohort {
    conditions: Vec<Condition>,
}

/// Rows that an address asks for, and in which words.
pub(crate) struct Chosen {
    pub(crate) cohort: Cohort,
    pub(crate) rows: RowSet,
}

/// The rows of an address's table that it asks for; `None` where that is all of them, for which no table needs to be read.
pub(crate) fn chosen(
    workbench: &Arc<Workbench>,
    address: &Address,
) -> Result<Found<Option<Chosen>>, Failure> {
    if address.all("where").next().is_none() {
        return Ok(Found::Ready(Arc::new(None)));
    }
    let table = match workbench.readable(address)? {
        Found::Ready(table) => table,
        Found::Working(job) => return Ok(Found::Working(job)),
    };
    let cohort = Cohort::of(address, &table)?;
    let rows = cohort.rows(&table);
    Ok(Found::Ready(Arc::new(Some(Chosen { cohort, rows }))))
}

impl Chosen {
    /// That there are rows, and that they are rows of a table of this length.
    pub(crate) fn check(&self, n_rows: usize) -> Result<(), Failure> {
        if self.rows.n_rows() != n_rows {
            let text = "the table changed while it was looked at; start the workbench again";
            return Err(Failure::new(Code::Input, text));
        }
        if self.rows.is_empty() {
            let words = self.cohort.words();
            return Err(Failure::new(
                Code::NotFound,
                format!("there is no row where {words}; take a condition away"),
            ));
        }
        Ok(())
    }
}

impl Cohort {
    /// The conditions of an address on a table.
    pub(crate) fn of(address: &Address, table: &Table) -> Result<Self, Failure> {
        let mut conditions: Vec<Condition> = Vec::new();
        for text in address.all("where") {
            if conditions.len() == MOST {
                return Err(Failure::usage(format!("more than {MOST} conditions in one address")));
            }
            let condition = Condition::read(text, table)?;
            if !conditions.contains(&condition) {
                conditions.push(condition);
            }
        }
        Ok(Self { conditions })
    }

    /// Whether every row is meant.
    pub(crate) fn is_all(&self) -> bool {
        self.conditions.is_empty()
    }

    /// One text for equal conditions, whatever their order was. (Levels may hold any letter, so that none could part them.)
    pub(crate) fn key(&self) -> String {
        let mut all: Vec<&str> = self.conditions.iter().map(|one| one.written.as_str()).collect();
        all.sort_unstable();
        all.iter().map(|one| format!("{}:{one}", one.len())).collect()
    }

    /// Conditions all of which must hold, each with those of which one is enough: several `=` of one column.
    fn groups(&self) -> Vec<Vec<&Condition>> {
        let mut groups: Vec<Vec<&Condition>> = Vec::new();
        for one in &self.conditions {
            let joins = |group: &&mut Vec<&Condition>| {
                group.iter().any(|own| own.is_choice() && own.column == one.column)
            };
            match groups.iter_mut().find(joins).filter(|_| one.is_choice()) {
                Some(group) => group.push(one),
                None => groups.push(vec![one]),
            }
        }
        groups
    }

    /// The rows of the table for which it holds.
    pub(crate) fn rows(&self, table: &Table) -> RowSet {
        let n = table.n_rows();
        let any = |group: Vec<&Condition>| {
            group.into_iter().fold(RowSet::empty(n), |all, one| all.or(&one.rows(table)))
        };
        self.groups().into_iter().fold(RowSet::full(n), |rows, group| rows.and(&any(group)))
    }

    /// "age is at least 40 and sex is Female"; nothing where every row is meant.
    pub(crate) fn words(&self) -> String {
        let any = |group: &Vec<&Condition>| {
            let words = group.iter().enumerate();
            let words = words.map(|(at, one)| if at == 0 { one.words() } else { one.value[0].clone() });
            words.collect::<Vec<_>>().join(" or ")
        };
        self.groups().iter().map(any).collect::<Vec<_>>().join(" and ")
    }

    /// Each condition as it stands in the address, and in words.
    pub(crate) fn told(&self) -> Vec<Value> {
        self.conditions.iter().map(|one| json!({"where": one.written, "words": one.words()})).collect()
    }

    /// Lines of Python that take these rows of the frame `data`; none where that is all.
    pub(crate) fn python(&self) -> String {
        if self.is_all() {
            return String::new();
        }
        let any = |group: &Vec<&Condition>| {
            let masks: Vec<String> = group.iter().map(|one| one.python()).collect();
            format!("({})", masks.join(" | "))
        };
        let masks: Vec<String> = self.groups().iter().map(any).collect();
        format!("data = data[{}]\n", masks.join(" & "))
    }
}

impl Condition {
    fn read(text: &str, table: &Table) -> Result<Self, Failure> {
        let (column, rest) = column_of(text, table)?;
        let Some(field) = table.schema().fields.get(column) else { return Err(no_column(text, table)) };
        let name = field.name.clone();
        let of = |asks, value: [String; 2]| Self {
            column,
            name: name.clone(),
            asks,
            value,
            written: text.to_owned(),
        };
        match rest {
            "missing" => return Ok(of(Asks::Missing, Default::default())),
            "known" => return Ok(of(Asks::Known, Default::default())),
            _ => {}
        }
        let found =
            TESTS.iter().find_map(|(sign, test)| Some((test, rest.strip_prefix(sign)?.strip_prefix(':')?)));
        let Some((&test, value)) = found else {
            let word = rest.split(':').next().unwrap_or_default();
            let hint = hint(word, ["missing", "known"].into_iter());
            return Err(Failure::usage(format!(
                "where={text}: `{word}` is no test; write `{name}:=:VALUE`, with one of = != < <= > >=, or `{name}:missing`, `{name}:known`{hint}"
            )));
        };
        match table.columns().get(column) {
            Some(Column::Category(own)) => {
                if !matches!(test, Test::Is | Test::IsNot) {
                    return Err(Failure::usage(format!(
                        "where={text}: {name} holds text, which is neither below nor above; write `{name}:=:VALUE` or `{name}:!=:VALUE`"
                    )));
                }
                let code =
                    own.levels.iter().position(|level| level == value).and_then(|at| u32::try_from(at).ok());
                let code = code.ok_or_else(|| no_level(text, value, &name, own))?;
                Ok(of(Asks::Compare(test, Than::Level(code)), [value.to_owned(), in_python(value)]))
            }
            _ => {
                let (number, said, written) = number(value, field.kind).ok_or_else(|| {
                    Failure::usage(format!("where={text}: `{value}` is no number, and {name} holds numbers"))
                })?;
                Ok(of(Asks::Compare(test, Than::Number(number)), [said, written]))
            }
        }
    }

    /// Whether others of its column may hold instead.
    fn is_choice(&self) -> bool {
        matches!(self.asks, Asks::Compare(Test::Is, _))
    }

    fn rows(&self, table: &Table) -> RowSet {
        let n = table.n_rows();
        let Some(column) = table.columns().get(self.column) else { return RowSet::empty(n) };
        match (column, &self.asks) {
            (Column::Number(own), asks) => {
                let holds = |x: f64| match asks {
                    Asks::Missing => x.is_nan(),
                    Asks::Known => !x.is_nan(),
                    Asks::Compare(test, Than::Number(than)) => test.holds(x, *than),
                    Asks::Compare(..) => false,
                };
                RowSet::from_fn(n, |row| own.get(row).is_some_and(|x| holds(*x)))
            }
            (Column::Category(own), asks) => {
                let holds = |code: u32| match asks {
                    Asks::Missing => code == Categories::MISSING,
                    Asks::Known => code != Categories::MISSING,
                    Asks::Compare(Test::Is, Than::Level(than)) => code == *than,
                    Asks::Compare(Test::IsNot, Than::Level(than)) => {
                        code != *than && code != Categories::MISSING
                    }
                    Asks::Compare(..) => false,
                };
                RowSet::from_fn(n, |row| own.codes.get(row).is_some_and(|code| holds(*code)))
            }
        }
    }

    fn words(&self) -> String {
        let (name, value) = (&self.name, &self.value[0]);
        match self.asks {
            Asks::Missing => format!("{name} is missing"),
            Asks::Known => format!("{name} is known"),
            Asks::Compare(test, _) => format!("{name} is {}{value}", test.words()),
        }
    }

    fn python(&self) -> String {
        let (name, value) = (in_python(&self.name), &self.value[1]);
        match self.asks {
            Asks::Missing => format!("data[{name}].isna()"),
            Asks::Known => format!("data[{name}].notna()"),
            // In Python, what is missing is unequal to everything.
            Asks::Compare(Test::IsNot, _) => format!("data[{name}].notna() & (data[{name}] != {value})"),
            Asks::Compare(test, _) => format!("(data[{name}] {} {value})", test.sign()),
        }
    }
}

impl Test {
    /// Nothing holds of a value that is missing.
    fn holds(self, x: f64, than: f64) -> bool {
        match self {
            Self::Is => x == than,
            Self::IsNot => !x.is_nan() && x != than,
            Self::Below => x < than,
            Self::AtMost => x <= than,
            Self::Above => x > than,
            Self::AtLeast => x >= than,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Is => "",
            Self::IsNot => "not ",
            Self::Below => "below ",
            Self::AtMost => "at most ",
            Self::Above => "above ",
            Self::AtLeast => "at least ",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Is => "==",
            Self::IsNot => "!=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// The number that a text means, for people and for Python; columns of true and false know these words.
fn number(text: &str, kind: Kind) -> Option<(f64, String, String)> {
    let text = text.trim();
    if kind == Kind::Boolean {
        let is = match text {
            "true" | "True" | "1" => true,
            "false" | "False" | "0" => false,
            _ => return None,
        };
        return Some((f64::from(u8::from(is)), is.to_string(), if is { "True" } else { "False" }.to_owned()));
    }
    let x: f64 = text.parse().ok().filter(|x: &f64| !x.is_nan())?;
    let written = if x.is_finite() { format!("{x:?}") } else { format!("float(\"{x}\")") };
    // To all digits that were asked for: a bound that is rounded is another bound.
    let said = (1..=17).map(|digits| pretty(x, digits)).find(|said| plain(said) == Some(x));
    Some((x, said.unwrap_or_else(|| text.to_owned()), written))
}

/// A number that was written for people, read back; `None` where that takes more than taking spaces out.
fn plain(said: &str) -> Option<f64> {
    said.replace('\u{2009}', "").replace('−', "-").replace('∞', "inf").parse().ok()
}

/// The column that a condition is about, and what follows its name: the longest name that it begins with, for names may have colons.
fn column_of<'a>(text: &'a str, table: &Table) -> Result<(usize, &'a str), Failure> {
    let names = table.schema().names().enumerate();
    let fitting =
        names.filter_map(|(at, name)| Some((at, name.len(), text.strip_prefix(name)?.strip_prefix(':')?)));
    let found = fitting.max_by_key(|(_, length, _)| *length);
    found.map(|(at, _, rest)| (at, rest)).ok_or_else(|| no_column(text, table))
}

fn no_column(text: &str, table: &Table) -> Failure {
    let name = text.split(':').next().unwrap_or_default();
    if table.schema().position(name).is_some() {
        return Failure::usage(format!(
            "where={text}: a column and a test belong there, as `{name}:=:VALUE` or `{name}:missing`"
        ));
    }
    let hint = hint(name, table.schema().names());
    Failure::new(Code::NotFound, format!("where={text}: the table has no column `{name}`{hint}"))
}

fn no_level(text: &str, value: &str, name: &str, own: &Categories) -> Failure {
    let hint = hint(value, own.levels.iter().map(String::as_str));
    Failure::new(Code::NotFound, format!("where={text}: {name} is never `{value}`{hint}"))
}

#[cfg(test)]
mod tests;
