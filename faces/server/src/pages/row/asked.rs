//! What is wished of a row? Values that are put in, and how others may differ.

use pellucid::explain::what_if::Constraint;
use pellucid::models::trees::{FeatureKind, InputCast};
use pellucid::views::number::pretty;

use crate::address::Address;
use crate::failure::{Failure, hint};
use crate::paired::Paired;

/// Categories of a feature that are listed, at most; others are found by what stands in them.
const LISTED: usize = 50;

/// The values of one feature, as text.
pub(super) struct Cell<'a> {
    kind: &'a FeatureKind,
    cast: InputCast,
}

impl<'a> Cell<'a> {
    pub(super) fn of(paired: &'a Paired, feature: usize) -> Self {
        Self { kind: &paired.model.features[feature].kind, cast: paired.model.cast }
    }

    pub(super) fn levels(&self) -> &[String] {
        match self.kind {
            FeatureKind::Level { levels, .. } => levels,
            FeatureKind::Number | FeatureKind::Code => &[],
        }
    }

    fn level(&self, code: f64) -> Option<&String> {
        (code >= 0.0).then(|| self.levels().get(code as usize)).flatten()
    }

    /// For people.
    pub(super) fn text(&self, x: f64) -> String {
        if x.is_nan() {
            return "missing".to_owned();
        }
        self.level(x).cloned().unwrap_or_else(|| pretty(x, 6))
    }

    /// For machines: what reads back as the same value; nothing where it is missing.
    pub(super) fn raw(&self, x: f64) -> String {
        if x.is_nan() {
            return String::new();
        }
        if let Some(level) = self.level(x) {
            return level.clone();
        }
        // What was rounded to 32 bits is written with the digits of 32 bits.
        let short = x as f32;
        if self.cast != InputCast::F64 && f64::from(short) == x { short.to_string() } else { x.to_string() }
    }

    fn read(&self, name: &str, text: &str) -> Result<f64, Failure> {
        if text.is_empty() {
            return Ok(f64::NAN);
        }
        if let FeatureKind::Level { levels, .. } = self.kind {
            let at = levels.iter().position(|level| level == text);
            return at.map(|at| at as f64).ok_or_else(|| {
                let hint = hint(text, levels.iter().map(String::as_str));
                Failure::usage(format!(
                    "set={name}:{text}: the model knows no such category of `{name}`{hint}"
                ))
            });
        }
        let number = text.parse::<f64>().ok().filter(|x| x.is_finite() && !self.cast.refuses(*x));
        number.ok_or_else(|| {
            Failure::usage(format!(
                "set={name}:{text}: `{name}` is a number; leave it empty for a missing value"
            ))
        })
    }
}

/// What an address wishes of a row.
pub(super) struct Wish {
    /// Features with the values that are put in.
    pub(super) set: Vec<(usize, f64)>,
    /// How each feature may differ.
    pub(super) constraints: Vec<Constraint>,
    /// The feature whose categories are looked for, and what stands in them.
    find: Option<(usize, String)>,
}

impl Wish {
    pub(super) fn read(address: &Address, paired: &Paired) -> Result<Self, Failure> {
        let features = &paired.model.features;
        let mut set: Vec<(usize, f64)> = Vec::new();
        for text in address.all("set") {
            let (feature, value) = split("set", text, paired)?;
            let name = &features[feature].name;
            if set.iter().any(|own| own.0 == feature) {
                return Err(Failure::usage(format!("set={name}: stands twice; a feature has one value")));
            }
            set.push((feature, Cell::of(paired, feature).read(name, value)?));
        }
        let mut constraints = vec![Constraint::Free; features.len()];
        for (word, constraint) in
            [("hold", Constraint::Held), ("up", Constraint::Up), ("down", Constraint::Down)]
        {
            for name in address.all(word) {
                let at = find(name, paired)?;
                if constraints[at] != Constraint::Free {
                    return Err(Failure::usage(format!(
                        "{word}={name}: `{name}` has a constraint already; one holds at a time"
                    )));
                }
                constraints[at] = constraint;
            }
        }
        let find = address.one("find")?.map(|text| split("find", text, paired)).transpose()?;
        Ok(Self { set, constraints, find: find.map(|(feature, text)| (feature, text.to_owned())) })
    }

    /// What is looked for among the categories of a feature; nothing where any are meant.
    pub(super) fn found(&self, feature: usize) -> &str {
        self.find.as_ref().filter(|own| own.0 == feature).map_or("", |own| own.1.as_str())
    }

    pub(super) fn applied(&self, original: &[f64], paired: &Paired) -> Vec<f64> {
        let mut row = original.to_vec();
        for &(feature, value) in &self.set {
            row[feature] = paired.model.cast.apply(value);
        }
        row
    }
}

fn find(name: &str, paired: &Paired) -> Result<usize, Failure> {
    let names = || paired.model.features.iter().map(|feature| feature.name.as_str());
    names().position(|own| own == name).ok_or_else(|| {
        let hint = hint(name, names());
        Failure::usage(format!("the model has no feature `{name}`{hint}"))
    })
}

/// `FEATURE:VALUE` of a parameter, where the name may have colons of its own: the longest name that fits.
fn split<'t>(parameter: &str, text: &'t str, paired: &Paired) -> Result<(usize, &'t str), Failure> {
    let features = paired.model.features.iter().enumerate();
    let fitting = features.filter_map(|(at, feature)| {
        let rest = text.strip_prefix(feature.name.as_str())?.strip_prefix(':')?;
        Some((feature.name.len(), at, rest))
    });
    match fitting.max() {
        Some((_, at, rest)) => Ok((at, rest)),
        None => match text.split_once(':') {
            Some((name, value)) => find(name, paired).map(|at| (at, value)),
            None => Err(Failure::usage(format!("{parameter}={text}: write FEATURE:VALUE"))),
        },
    }
}

/// Categories to choose from: all, or of many those that most rows have, the most frequent first, among those in which a text stands (any but for
/// case); and how many there are of these.
pub(super) fn listed(seen: &[(f64, usize)], cell: &Cell<'_>, text: &str) -> (Vec<String>, usize) {
    let text = text.to_lowercase();
    let named = seen.iter().map(|&(code, n)| (cell.raw(code), n));
    let mut found: Vec<(String, usize)> =
        named.filter(|own| text.is_empty() || own.0.to_lowercase().contains(&text)).collect();
    let n_found = found.len();
    if n_found > LISTED {
        // What is exactly meant comes first; else whoever types it all could not choose it.
        found.sort_by_key(|(name, n)| (name.to_lowercase() != text, std::cmp::Reverse(*n)));
        found.truncate(LISTED);
    }
    (found.into_iter().map(|own| own.0).collect(), n_found)
}

#[cfg(test)]
mod tests {
    use pellucid::models::trees::UnseenLevel;

    use super::*;

    #[test]
    fn of_many_categories_some_are_listed_and_all_are_found() {
        let levels: Vec<String> = (0..3_000).map(|at| format!("City {at}")).collect();
        let kind = FeatureKind::Level { levels: levels.into(), numeric: false, unseen: UnseenLevel::Missing };
        let cell = Cell { kind: &kind, cast: InputCast::F64 };
        // The later a city, the more rows it has.
        let seen: Vec<(f64, usize)> = (0..3_000).map(|at| (at as f64, at)).collect();
        let (all, n) = listed(&seen, &cell, "");
        assert_eq!((all.len(), n, all[0].as_str()), (LISTED, 3_000, "City 2999"));
        // One that few rows have is found by its whole name, though many others begin so.
        let (found, n) = listed(&seen, &cell, "city 1");
        assert_eq!((found.len(), n, found[0].as_str()), (LISTED, 1_111, "City 1"));
        let (few, n) = listed(&seen, &cell, "299");
        assert_eq!((few.len(), n, few[0].as_str()), (13, 13, "City 299"));
        assert_eq!(listed(&seen, &cell, "town"), (Vec::new(), 0));
        // Few categories keep their order.
        assert_eq!(listed(&seen[..3], &cell, "").0, ["City 0", "City 1", "City 2"]);
    }
}
