//! What does one condition ask of a column?

use pellucid_data::table::{Categories, Column, Kind};
use pellucid_data::{RowSet, Schema, Table, closest};
use pellucid_views::number::pretty;

use super::Refused;

/// How a value is compared. Longer ones first, for `<` begins `<=`.
const TESTS: [(&str, Test); 6] = [
    ("!=", Test::IsNot),
    ("<=", Test::AtMost),
    (">=", Test::AtLeast),
    ("=", Test::Is),
    ("<", Test::Below),
    (">", Test::Above),
];

/// A comparison. Nothing holds of a value that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Test {
    Is,
    IsNot,
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Than {
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
    /// A level of text, with its code.
    Level(String, u32),
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Asks {
    /// That there is none.
    Missing,
    /// That there is one.
    Known,
    /// How it compares.
    Compare(Test, Than),
}

/// One condition on one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The place of the column in the table.
    pub(super) column: usize,
    /// The column.
    pub name: String,
    /// What is asked of its values.
    pub asks: Asks,
    /// What they are compared with, for people.
    pub said: String,
    /// The condition, as it was written.
    pub written: String,
}

impl Condition {
    pub(super) fn read(text: &str, table: &Table) -> Result<Self, Refused> {
        let refused = |why: String| Refused { written: text.to_owned(), text: why, is_absent: false };
        let (column, rest) = column_of(text, table.schema())?;
        let (field, values) = (&table.schema().fields[column], &table.columns()[column]);
        let name = field.name.clone();
        let of =
            |asks, said: String| Self { column, name: name.clone(), asks, said, written: text.to_owned() };
        match rest {
            "missing" => return Ok(of(Asks::Missing, String::new())),
            "known" => return Ok(of(Asks::Known, String::new())),
            _ => {}
        }
        let found =
            TESTS.iter().find_map(|(sign, test)| Some((test, rest.strip_prefix(sign)?.strip_prefix(':')?)));
        let Some((&test, value)) = found else {
            let word = rest.split(':').next().unwrap_or_default();
            let hint = hint(word, ["missing", "known"].into_iter());
            return Err(refused(format!(
                "`{word}` is no test; write `{name}:=:VALUE`, with one of = != < <= > >=, or `{name}:missing`, `{name}:known`{hint}"
            )));
        };
        match values {
            Column::Category(own) => {
                if !matches!(test, Test::Is | Test::IsNot) {
                    return Err(refused(format!(
                        "{name} holds text, which is neither below nor above; write `{name}:=:VALUE` or `{name}:!=:VALUE`"
                    )));
                }
                let code =
                    own.levels.iter().position(|level| level == value).and_then(|at| u32::try_from(at).ok());
                let code = code.ok_or_else(|| {
                    let hint = hint(value, own.levels.iter().map(String::as_str));
                    Refused { is_absent: true, ..refused(format!("{name} is never `{value}`{hint}")) }
                })?;
                Ok(of(Asks::Compare(test, Than::Level(value.to_owned(), code)), value.to_owned()))
            }
            Column::Number(_) if field.kind == Kind::Boolean => {
                if !matches!(test, Test::Is | Test::IsNot) {
                    return Err(refused(format!(
                        "{name} is true or false, which is neither below nor above; write `{name}:=:true` or `{name}:=:false`"
                    )));
                }
                let is = truth(value)
                    .ok_or_else(|| refused(format!("`{value}` is neither true nor false, and {name} is")))?;
                Ok(of(Asks::Compare(test, Than::Truth(is)), is.to_string()))
            }
            Column::Number(_) => {
                let (x, said) = number(value)
                    .ok_or_else(|| refused(format!("`{value}` is no number, and {name} holds numbers")))?;
                Ok(of(Asks::Compare(test, Than::Number(x)), said))
            }
        }
    }

    /// Whether others of its column may hold instead.
    pub(super) fn is_choice(&self) -> bool {
        matches!(self.asks, Asks::Compare(Test::Is, _))
    }

    /// The rows of the table for which it holds.
    #[must_use]
    pub fn rows(&self, table: &Table) -> RowSet {
        let n = table.n_rows();
        let Some(column) = table.columns().get(self.column) else { return RowSet::empty(n) };
        match (column, &self.asks) {
            (Column::Number(own), asks) => {
                let holds = |x: f64| match asks {
                    Asks::Missing => x.is_nan(),
                    Asks::Known => !x.is_nan(),
                    Asks::Compare(test, Than::Number(than)) => test.holds(x, *than),
                    Asks::Compare(test, Than::Truth(than)) => test.holds(x, f64::from(u8::from(*than))),
                    Asks::Compare(_, Than::Level(..)) => false,
                };
                RowSet::from_fn(n, |row| own.get(row).is_some_and(|x| holds(*x)))
            }
            (Column::Category(own), asks) => {
                let holds = |code: u32| match asks {
                    Asks::Missing => code == Categories::MISSING,
                    Asks::Known => code != Categories::MISSING,
                    Asks::Compare(Test::Is, Than::Level(_, than)) => code == *than,
                    Asks::Compare(Test::IsNot, Than::Level(_, than)) => {
                        code != *than && code != Categories::MISSING
                    }
                    Asks::Compare(..) => false,
                };
                RowSet::from_fn(n, |row| own.codes.get(row).is_some_and(|code| holds(*code)))
            }
        }
    }

    /// "age is at least 40".
    #[must_use]
    pub fn words(&self) -> String {
        let (name, value) = (&self.name, &self.said);
        match &self.asks {
            Asks::Missing => format!("{name} is missing"),
            Asks::Known => format!("{name} is known"),
            Asks::Compare(test, _) => format!("{name} is {}{value}", test.words()),
        }
    }
}

impl Test {
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
}

/// Which of both a text means, as files and people write it.
fn truth(text: &str) -> Option<bool> {
    match text.trim() {
        "1" => Some(true),
        "0" => Some(false),
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The number that a text means, and as it is said.
fn number(text: &str) -> Option<(f64, String)> {
    let text = text.trim();
    let x: f64 = text.parse().ok().filter(|x: &f64| !x.is_nan())?;
    // To all digits that were asked for: a bound that is rounded is another bound.
    let said = (1..=17).map(|digits| pretty(x, digits)).find(|said| plain(said) == Some(x));
    Some((x, said.unwrap_or_else(|| text.to_owned())))
}

/// A number that was written for people, read back; `None` where that takes more than taking spaces out.
fn plain(said: &str) -> Option<f64> {
    said.replace('\u{202f}', "").replace('−', "-").replace('∞', "inf").parse().ok()
}

/// The column that a condition is about, and what follows its name: the longest name that it begins with, for names may have colons.
pub(super) fn column_of<'a>(text: &'a str, schema: &Schema) -> Result<(usize, &'a str), Refused> {
    let fitting = schema
        .names()
        .enumerate()
        .filter_map(|(at, name)| Some((at, name.len(), text.strip_prefix(name)?.strip_prefix(':')?)));
    let found = fitting.max_by_key(|(_, length, _)| *length);
    found.map(|(at, _, rest)| (at, rest)).ok_or_else(|| no_column(text, schema))
}

fn no_column(text: &str, schema: &Schema) -> Refused {
    let name = text.split(':').next().unwrap_or_default();
    let is_absent = schema.position(name).is_none();
    let why = if is_absent {
        format!("the table has no column `{name}`{}", hint(name, schema.names()))
    } else {
        format!("a column and a test belong there, as `{name}:=:VALUE` or `{name}:missing`")
    };
    Refused { written: text.to_owned(), text: why, is_absent }
}

fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    closest(word, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}
