//! What does a saved explanation say? Its values, summed up over all rows, and how it was made, as `pellucid explain -o` wrote them.

mod reading;
mod shown;

use std::collections::BTreeMap;

use pellucid_data::read::ReadError;
use pellucid_explain::Kind;

pub use reading::{Opener, Summed};
pub use shown::{of_data, of_nothing};

/// What a file says that holds one value a feature and row.
pub const SCHEMA: &str = "pellucid.explanation/1";
/// What begins the names of all formats of explanations.
const FAMILY: &str = "pellucid.explanation";
/// What stands beside the values of every output.
const BESIDE: [&str; 2] = ["base_value", "residual"];
/// What the last column may be called where not all rows of a table were explained: the number of each in it, from 0.
const NUMBERS: [&str; 2] = ["row", "row_number"];

/// Why a saved explanation could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// What it says of itself does not fit to what it holds.
    #[error(
        "it says that it is a saved explanation, but {0}; it was changed after it was written: write it again with `pellucid explain`"
    )]
    Changed(String),
    /// It can't be opened any more.
    #[error("{0}")]
    Open(String),
    /// It is no such table.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Somebody stopped the reading.
    #[error("stopped")]
    Stopped,
}

/// What a table is, by its columns and by what it says of itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A saved explanation.
    Explanation(Box<Saved>),
    /// The largest values of each row only; the others are summed up in it.
    Largest,
    /// The columns of an explanation, in a format that does not keep how it was made.
    Bare,
    /// Something else.
    Other,
}

/// What a saved explanation says of itself, and where its columns are.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Features, or groups of them, in the file's order.
    pub features: Vec<String>,
    /// How many outputs the model has.
    pub n_outputs: usize,
    /// What it is made of, for people: `path-dependent Shapley values, exact`.
    pub method: String,
    /// What its values are.
    pub kind: Kind,
    /// What values, base and answers are measured in.
    pub unit: String,
    /// Whether that is the margin, and not a probability.
    pub is_margin: bool,
    /// SHA-256 of the model's file.
    pub model_sha256: String,
    /// The version of the program that wrote it.
    pub version: String,
    /// Features that were summed up in groups, if any were.
    pub groups: Option<String>,
    /// Which part of a job it is, where it is one: `2/8`.
    pub shard: Option<String>,
    /// Which rows of the table were explained, in words, where it is not all.
    pub only: Option<String>,
    /// How many rows the table has, where some were chosen and each row says in its last column which one of the table it is.
    /// (Older files say `only` and no more.)
    pub table_rows: Option<usize>,
}

/// What a table is.
///
/// # Errors
/// When it says that it is a saved explanation and does not hold one.
pub fn seen(names: &[String], notes: &[(String, String)]) -> Result<Seen, SavedError> {
    let said: BTreeMap<&str, &str> = notes
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("pellucid.")?, value.as_str())))
        .collect();
    match said.get("schema") {
        Some(&SCHEMA) => Saved::of(names, &said).map(|saved| Seen::Explanation(Box::new(saved))),
        Some(schema) if schema.starts_with("pellucid.explanation-top/") => Ok(Seen::Largest),
        Some(schema) if schema.starts_with(FAMILY) => Err(SavedError::Open(format!(
            "format `{schema}` is not known; this program reads `{SCHEMA}`, which `pellucid explain` writes"
        ))),
        Some(_) => Ok(Seen::Other),
        None => Ok(if columns(names).is_ok() { Seen::Bare } else { Seen::Other }),
    }
}

impl Saved {
    fn of(names: &[String], said: &BTreeMap<&str, &str>) -> Result<Self, SavedError> {
        let (features, n_outputs) = columns(names).map_err(SavedError::Changed)?;
        let table_rows = match (number_of(names), said.get("table_rows").map(|text| text.parse())) {
            (None, None) => None,
            (Some(_), Some(Ok(n))) => Some(n),
            (Some(name), _) => {
                return Err(SavedError::Changed(format!(
                    "it has a column `{name}`, and does not say as `pellucid.table_rows` of how many rows that is"
                )));
            }
            (None, Some(_)) => {
                return Err(SavedError::Changed("it has no column with the number of each row".to_owned()));
            }
        };
        let says = |key: &str| {
            let missing = || SavedError::Changed(format!("it does not say its `pellucid.{key}`"));
            said.get(key).map(|value| (*value).to_owned()).ok_or_else(missing)
        };
        let (game, way, space, exact) =
            (says("game")?, says("method")?, says("output_space")?, says("exact")?);
        let kind = match (space.as_str(), way.as_str()) {
            ("probability-rescaled", _) => Kind::Rescaled,
            (_, "approximate") => Kind::Saabas,
            _ => Kind::Shapley,
        };
        if !["margin", "probability", "probability-rescaled"].contains(&space.as_str()) {
            return Err(SavedError::Changed(format!("its `pellucid.output_space` is `{space}`")));
        }
        if exact != (kind == Kind::Shapley).to_string() {
            let text = format!("its `pellucid.exact` is `{exact}`, which does not fit to its method");
            return Err(SavedError::Changed(text));
        }
        let groups = said.get("groups").map(|text| (*text).to_owned());
        let of_probability = if space == "probability" { " of the probability" } else { "" };
        let ending = if kind == Kind::Shapley { ", exact" } else { "" };
        let summed = if groups.is_some() { ", summed in groups" } else { "" };
        Ok(Self {
            features,
            n_outputs,
            method: format!("{game}{of_probability}{ending}{summed}"),
            kind,
            unit: says("unit")?,
            is_margin: space == "margin",
            model_sha256: says("model_sha256")?,
            version: says("version")?,
            groups,
            shard: said.get("shard").map(|text| (*text).to_owned()),
            only: said.get("where").map(|text| (*text).to_owned()),
            table_rows,
        })
    }

    /// Columns of one output.
    fn width(&self) -> usize {
        self.features.len() + BESIDE.len()
    }
}

/// What the column with the number of each row is called, beside columns of these names.
#[must_use]
pub fn number_beside(names: &[String]) -> &'static str {
    let [usual, other] = NUMBERS;
    if names.iter().any(|name| name == usual) { other } else { usual }
}

/// The column with the number of each row, which is the last one. (Of a feature of that name a column never stands last.)
fn number_of(names: &[String]) -> Option<&str> {
    names.last().map(String::as_str).filter(|last| names.len() > 1 && NUMBERS.contains(last))
}

/// Features, and how many outputs: `FEATURE`, then `base_value` and `residual`; of several outputs `FEATURE@0`, and so on. Or what is wrong.
fn columns(names: &[String]) -> Result<(Vec<String>, usize), String> {
    let names = if number_of(names).is_some() { &names[..names.len() - 1] } else { names };
    let last = names.last().ok_or("it has no columns")?;
    let n_outputs = match last.strip_prefix("residual@").map(str::parse::<usize>) {
        Some(Ok(at)) if at >= 1 && at < names.len() => at + 1,
        _ => 1,
    };
    let is_there = |name: &&str| names.iter().any(|own| own == name || own.strip_suffix("@0") == Some(name));
    if let Some(absent) = BESIDE.iter().find(|name| !is_there(name)) {
        return Err(format!("it has no column `{absent}`"));
    }
    let width = names.len() / n_outputs;
    let name_at = |output: usize, at: usize| {
        let name = names.get(output * width + at)?;
        if n_outputs == 1 { Some(name.as_str()) } else { name.strip_suffix(&format!("@{output}")) }
    };
    let features: Vec<String> =
        (0..width.saturating_sub(BESIDE.len())).filter_map(|at| name_at(0, at).map(str::to_owned)).collect();
    let expected: Vec<&str> = features.iter().map(String::as_str).chain(BESIDE).collect();
    for output in 0..n_outputs {
        for (at, &name) in expected.iter().enumerate() {
            if name_at(output, at) == Some(name) {
                continue;
            }
            let suffix = if n_outputs == 1 { String::new() } else { format!("@{output}") };
            let place = output * width + at;
            return Err(match names.get(place) {
                Some(found) => {
                    format!("its column {} is `{found}`, where `{name}{suffix}` is expected", place + 1)
                }
                None => format!("it has no column `{name}{suffix}`"),
            });
        }
    }
    if features.is_empty() || names.len() != expected.len() * n_outputs {
        return Err("its columns are not those of one value a feature, a base and a residual".to_owned());
    }
    Ok((features, n_outputs))
}

#[cfg(test)]
#[cfg(feature = "files")]
mod tests;
