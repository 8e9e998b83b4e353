//! Which column is which feature? By name where the model stores names, by position where not.

use std::collections::HashMap;

use pellucid_data::table::{Categories, Column, Kind, Table};
use pellucid_data::{FeatureId, closest};

use super::city::category_hash;
use super::ensemble::{Ensemble, Feature, FeatureKind, InputCast, UnseenLevel};

/// Rows of features in the model's order, column-major, rounded as the model compares them.
#[derive(Debug, Clone)]
pub struct FeatureMatrix {
    columns: Vec<Vec<f64>>,
    n_rows: usize,
}

impl FeatureMatrix {
    /// Puts columns together; `None` unless all have `n_rows` values.
    #[must_use]
    pub fn new(mut columns: Vec<Vec<f64>>, n_rows: usize, cast: InputCast) -> Option<Self> {
        if columns.iter().any(|column| column.len() != n_rows) {
            return None;
        }
        if cast != InputCast::F64 {
            columns.iter_mut().flatten().for_each(|x| *x = cast.apply(*x));
        }
        Some(Self { columns, n_rows })
    }

    /// How many rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// How many features.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.columns.len()
    }

    /// One value; NaN is missing.
    #[must_use]
    pub fn at(&self, feature: FeatureId, row: usize) -> f64 {
        self.columns[feature.index()][row]
    }

    /// All values of a feature.
    #[must_use]
    pub fn column(&self, feature: FeatureId) -> &[f64] {
        &self.columns[feature.index()]
    }

    /// All columns, in the model's order.
    #[must_use]
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// Adds rows of as many features below.
    pub fn append(&mut self, mut other: Self) {
        self.columns.iter_mut().zip(&mut other.columns).for_each(|(own, more)| own.append(more));
        self.n_rows += other.n_rows;
    }

    /// The rows of a range, copied.
    #[must_use]
    pub fn slice(&self, rows: std::ops::Range<usize>) -> Self {
        let columns = self.columns.iter().map(|column| column[rows.clone()].to_vec()).collect();
        Self { columns, n_rows: rows.len() }
    }

    /// Rows by their numbers, copied; one that is not there is missing everywhere.
    #[must_use]
    pub fn picked(&self, rows: &[usize]) -> Self {
        let of = |column: &Vec<f64>| {
            rows.iter().map(|&row| column.get(row).copied().unwrap_or(f64::NAN)).collect()
        };
        Self { columns: self.columns.iter().map(of).collect(), n_rows: rows.len() }
    }
}

/// Why a table does not fit a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Features without a column.
    #[error("{}", missing_text(.missing, .similar, .extra, *.reordered))]
    Missing {
        /// Features that have no column.
        missing: Vec<String>,
        /// For each, the most similar extra column.
        similar: Vec<Option<String>>,
        /// Columns that are no feature.
        extra: Vec<String>,
        /// Whether the columns that are there stand in another order than in training.
        reordered: bool,
    },
    /// A model without names and a table of another width.
    #[error(
        "the model stores no feature names and expects {expected} columns by position; the data has {}: {}; \
         leave out the others with `--drop`", found.len(), found.join(", ")
    )]
    Width {
        /// Features of the model.
        expected: usize,
        /// Columns of the table.
        found: Vec<String>,
    },
    /// Text where the model compares numbers.
    #[error(
        "column `{column}`, row {row}: `{text}` is not a number, and the model stores no names of categories for \
         it; encode the column with the numbers that were used in training"
    )]
    Text {
        /// The column.
        column: String,
        /// Row of the data, from 0.
        row: usize,
        /// What stands there.
        text: String,
    },
    /// A category that the training library would refuse.
    #[error(
        "column `{column}`, row {row}: `{text}` is not among the {n_levels} categories of training{}; \
         XGBoost refuses such rows: correct the value or leave the row out",
        similar_text(.similar)
    )]
    Unseen {
        /// The column.
        column: String,
        /// Row of the data, from 0.
        row: usize,
        /// What stands there.
        text: String,
        /// How many categories the model knows.
        n_levels: usize,
        /// The most similar one.
        similar: Option<String>,
    },
    /// A number that the training library refuses.
    #[error(
        "column `{column}`, row {row}: {found} is infinite{}; {library} refuses such rows: \
         correct the value, or leave the row out",
        if .found.is_finite() { " after rounding to 32 bits" } else { "" }
    )]
    Infinite {
        /// The column.
        column: String,
        /// Row of the data, from 0.
        row: usize,
        /// What stands there.
        found: f64,
        /// The library.
        library: &'static str,
    },
    /// A missing value where the training library refuses them.
    #[error(
        "column `{column}`, row {row}: the value is missing; {library} has no answer to such rows of this model: fill it in, \
         or leave the row out"
    )]
    Absent {
        /// The column.
        column: String,
        /// Row of the data, from 0.
        row: usize,
        /// The library.
        library: &'static str,
    },
}

fn similar_text(similar: &Option<String>) -> String {
    similar.as_ref().map_or(String::new(), |near| format!(" (did you mean `{near}`?)"))
}

fn missing_text(missing: &[String], similar: &[Option<String>], extra: &[String], reordered: bool) -> String {
    const SHOWN: usize = 12;
    let list = |names: &[String]| {
        let rest = names.len().saturating_sub(SHOWN);
        let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        shown.join(", ") + &more
    };
    let mut text = format!("the data lacks {} of the model's columns: {}", missing.len(), list(missing));
    let pairs = missing.iter().zip(similar);
    let hints: Vec<String> = pairs
        .filter_map(|(name, near)| near.as_ref().map(|near| format!("`{near}` for `{name}`")))
        .take(SHOWN)
        .collect();
    if !hints.is_empty() {
        text += &format!("; did you mean {}?", hints.join(", "));
    }
    if !extra.is_empty() {
        text += &format!("; columns that the model does not know: {}", list(extra));
    }
    if reordered {
        text += "; the columns that match stand in another order than in training";
    }
    text
}

/// What was noticed while columns were matched; none of it changes a number silently.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindNotes {
    /// Columns of the data that are no feature, and were ignored.
    pub ignored: Vec<String>,
    /// Whether columns stand in another order than in training (matched by name, so harmless).
    pub reordered: bool,
    /// Whether features were matched by position, for want of names.
    pub by_position: bool,
    /// Features whose column is spelled with other blanks: the model's name, then the data's.
    pub respelled: Vec<(String, String)>,
}

/// Where each feature stands in tables of one schema.
#[derive(Debug, Clone)]
pub struct Binding {
    sources: Vec<String>,
    notes: BindNotes,
}

impl Binding {
    /// Matches a table's columns to the features of a model; `dropped` columns are not looked at.
    ///
    /// # Errors
    /// When a feature has no column.
    pub fn new(model: &Ensemble, columns: &[String], dropped: &[String]) -> Result<Self, BindError> {
        let columns: Vec<&String> = columns.iter().filter(|name| !dropped.contains(name)).collect();
        let at: HashMap<&str, usize> =
            columns.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        // Readers trim headers, and LightGBM writes `my_age` for `my age`.
        let blanks = |name: &str| name.trim().replace(char::is_whitespace, "_");
        let spelled: HashMap<String, usize> =
            columns.iter().enumerate().rev().map(|(i, name)| (blanks(name), i)).collect();
        let exact: Vec<Option<usize>> =
            model.features.iter().map(|f| at.get(f.name.as_str()).copied()).collect();
        let taken: std::collections::HashSet<usize> = exact.iter().flatten().copied().collect();
        let by_name: Vec<Option<usize>> = model
            .features
            .iter()
            .zip(&exact)
            .map(|(f, exact)| {
                exact.or_else(|| spelled.get(&blanks(&f.name)).copied().filter(|at| !taken.contains(at)))
            })
            .collect();
        if !model.named && by_name.iter().any(Option::is_none) {
            return Self::by_position(model, &columns);
        }
        let found: Vec<usize> = by_name.iter().flatten().copied().collect();
        let reordered = found.windows(2).any(|pair| pair[0] > pair[1]);
        let known: std::collections::HashSet<usize> = found.iter().copied().collect();
        let extra: Vec<String> =
            (0..columns.len()).filter(|i| !known.contains(i)).map(|i| columns[i].clone()).collect();
        let features = model.features.iter().zip(&by_name);
        let missing: Vec<String> =
            features.filter(|(_, at)| at.is_none()).map(|(feature, _)| feature.name.clone()).collect();
        if !missing.is_empty() {
            let near = |name: &String| closest(name, extra.iter().map(String::as_str)).map(str::to_owned);
            let similar = missing.iter().take(100).map(near).collect();
            return Err(BindError::Missing { missing, similar, extra, reordered });
        }
        let sources: Vec<String> = found.iter().map(|&at| columns[at].clone()).collect();
        let pairs = model.features.iter().zip(&sources).filter(|(feature, source)| feature.name != **source);
        let respelled = pairs.map(|(feature, source)| (feature.name.clone(), source.clone())).collect();
        let notes = BindNotes { ignored: extra, reordered, by_position: false, respelled };
        Ok(Self { sources, notes })
    }

    fn by_position(model: &Ensemble, columns: &[&String]) -> Result<Self, BindError> {
        let sources: Vec<String> = columns.iter().map(|&name| name.clone()).collect();
        if columns.len() != model.features.len() {
            return Err(BindError::Width { expected: model.features.len(), found: sources });
        }
        Ok(Self { sources, notes: BindNotes { by_position: true, ..BindNotes::default() } })
    }

    /// The column of each feature.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// What was noticed.
    #[must_use]
    pub fn notes(&self) -> &BindNotes {
        &self.notes
    }

    /// The columns to read, with the kinds the model wants them in: one a feature, in the model's order.
    #[must_use]
    pub fn wanted(&self, model: &Ensemble) -> Vec<(String, Kind)> {
        let kind = |feature: &Feature| match feature.kind {
            FeatureKind::Level { .. } => Kind::Category,
            FeatureKind::Number | FeatureKind::Code => Kind::Float64,
        };
        self.sources
            .iter()
            .zip(&model.features)
            .map(|(name, feature)| (name.clone(), kind(feature)))
            .collect()
    }

    /// The table's rows as the model compares them. `first_row` is the number of the table's first row,
    /// for errors. Also answers how many values of each feature were unknown categories read as missing.
    ///
    /// # Errors
    /// When text stands where the model compares numbers, or a value that its library refuses.
    pub fn matrix(
        &self,
        model: &Ensemble,
        table: &Table,
        first_row: usize,
    ) -> Result<(FeatureMatrix, Vec<usize>), BindError> {
        let mut columns = Vec::with_capacity(self.sources.len());
        let mut unseen = vec![0; self.sources.len()];
        for (at, (source, feature)) in self.sources.iter().zip(&model.features).enumerate() {
            let unseen = &mut unseen[at];
            // Columns that were selected for this model stand in its order.
            let own = table.schema().fields.get(at).filter(|field| field.name == *source);
            let column = own.map(|_| &table.columns()[at]).or_else(|| table.column(source));
            let column = column.ok_or_else(|| BindError::Missing {
                missing: vec![source.clone()],
                similar: vec![None],
                extra: Vec::new(),
                reordered: false,
            })?;
            let values = feature_values(feature, source, column, first_row, unseen)?;
            if let Some(at) = values.iter().position(|&x| model.cast.refuses(x)) {
                let (column, row, library) = (source.clone(), first_row + at, model.origin.library);
                return Err(match values[at] {
                    x if x.is_nan() => BindError::Absent { column, row, library },
                    found => BindError::Infinite { column, row, found, library },
                });
            }
            columns.push(values);
        }
        // Every column has the table's length, so that this never falls back.
        let empty = FeatureMatrix { columns: Vec::new(), n_rows: 0 };
        Ok((FeatureMatrix::new(columns, table.n_rows(), model.cast).unwrap_or(empty), unseen))
    }
}

fn feature_values(
    feature: &Feature,
    source: &str,
    column: &Column,
    first_row: usize,
    n_unseen: &mut usize,
) -> Result<Vec<f64>, BindError> {
    match (&feature.kind, column) {
        (FeatureKind::Number | FeatureKind::Code, Column::Number(values)) => Ok(values.clone()),
        (FeatureKind::Number | FeatureKind::Code, Column::Category(text)) => {
            let codes: Vec<Option<f64>> = text.levels.iter().map(|level| level.trim().parse().ok()).collect();
            recode(
                text,
                |code| codes[code],
                |row, text| BindError::Text {
                    column: source.to_owned(),
                    row: first_row + row,
                    text: text.to_owned(),
                },
            )
        }
        (FeatureKind::Level { levels, numeric, unseen }, column) => {
            let as_text;
            let text = match column {
                Column::Category(text) => text,
                Column::Number(values) => {
                    as_text = text_of_numbers(values);
                    &as_text
                }
            };
            let known: HashMap<&str, usize> =
                levels.iter().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
            let mut codes: Vec<Option<f64>> = text
                .levels
                .iter()
                .map(|level| {
                    let found = match unseen {
                        UnseenLevel::ByHash => by_hash(&known, level),
                        UnseenLevel::Refused | UnseenLevel::Missing => {
                            known.get(spelling(level, *numeric).as_ref())
                        }
                    };
                    found.map(|&i| i as f64)
                })
                .collect();
            // Of hashes it is not known which others there were; but where of several texts none is met, they are spelled otherwise than in training.
            let is_foreign = *unseen == UnseenLevel::ByHash
                && !levels.is_empty()
                && codes.len() > 1
                && codes.iter().all(Option::is_none);
            if *unseen == UnseenLevel::Missing || is_foreign {
                let unknown = |&&code: &&u32| codes.get(code as usize).is_some_and(Option::is_none);
                *n_unseen = text.codes.iter().filter(unknown).count();
            }
            if *unseen != UnseenLevel::Refused {
                codes.iter_mut().for_each(|code| *code = Some(code.unwrap_or(f64::NAN)));
            }
            recode(
                text,
                |code| codes[code],
                |row, text| BindError::Unseen {
                    column: source.to_owned(),
                    row: first_row + row,
                    text: text.to_owned(),
                    n_levels: levels.len(),
                    similar: closest(text, levels.iter().map(String::as_str)).map(str::to_owned),
                },
            )
        }
    }
}

/// The place of a level that is called by its hash, or by a text that is no such name.
fn by_hash<'k>(known: &'k HashMap<&str, usize>, level: &str) -> Option<&'k usize> {
    let is_name = level.strip_prefix('#').is_some_and(|number| number.parse::<u32>().is_ok());
    known.get(hash_name(category_hash(level)).as_str()).or_else(|| known.get(level).filter(|_| !is_name))
}

/// How a category is called whose hash is all that is known.
pub(super) fn hash_name(hash: u32) -> String {
    format!("#{hash}")
}

fn recode(
    text: &Categories,
    code_of: impl Fn(usize) -> Option<f64>,
    error: impl Fn(usize, &str) -> BindError,
) -> Result<Vec<f64>, BindError> {
    let value = |(row, &code): (usize, &u32)| {
        if code == Categories::MISSING {
            return Ok(f64::NAN);
        }
        code_of(code as usize).ok_or_else(|| error(row, text.text(row).unwrap_or_default()))
    };
    text.codes.iter().enumerate().map(value).collect()
}

/// How a category that is a number is spelled; both zeros are one.
pub(super) fn number_name(x: f64) -> String {
    (x + 0.0).to_string()
}

/// How a level is looked up: numbers as the importers spell them, text as it stands.
fn spelling(level: &str, numeric: bool) -> std::borrow::Cow<'_, str> {
    let number = match level.trim() {
        _ if !numeric => None,
        "true" | "True" | "TRUE" => Some(1.0),
        "false" | "False" | "FALSE" => Some(0.0),
        text => text.parse::<f64>().ok(),
    };
    number.map_or(level.into(), |x: f64| number_name(x).into())
}

/// Numbers spelled as the importers spell numeric categories.
fn text_of_numbers(values: &[f64]) -> Categories {
    let mut levels: Vec<String> = Vec::new();
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let codes = values.iter().map(|x| {
        if x.is_nan() {
            return Categories::MISSING;
        }
        *seen.entry(x.to_bits()).or_insert_with(|| {
            levels.push(number_name(*x));
            (levels.len() - 1) as u32
        })
    });
    let codes = codes.collect();
    Categories { codes, levels: std::sync::Arc::new(levels) }
}
