//! What is wished of a row? Values that are put in, and how others may differ.

use pellucid::explain::what_if::Constraint;
use pellucid::models::trees::{FeatureKind, InputCast};
use pellucid::views::number::pretty;

use crate::address::Address;
use crate::failure::{Failure, hint};
use crate::paired::Paired;

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
}

impl Wish {
    pub(super) fn read(address: &Address, paired: &Paired) -> Result<Self, Failure> {
        let features = &paired.model.features;
        let mut set: Vec<(usize, f64)> = Vec::new();
        for text in address.all("set") {
            let (feature, value) = split(text, paired)?;
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
        Ok(Self { set, constraints })
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

/// `FEATURE:VALUE`, where the name may have colons of its own: the longest name that fits.
fn split<'t>(text: &'t str, paired: &Paired) -> Result<(usize, &'t str), Failure> {
    let features = paired.model.features.iter().enumerate();
    let fitting = features.filter_map(|(at, feature)| {
        let rest = text.strip_prefix(feature.name.as_str())?.strip_prefix(':')?;
        Some((feature.name.len(), at, rest))
    });
    match fitting.max() {
        Some((_, at, rest)) => Ok((at, rest)),
        None => match text.split_once(':') {
            Some((name, value)) => find(name, paired).map(|at| (at, value)),
            None => Err(Failure::usage(format!("set={text}: a change is written as FEATURE:VALUE"))),
        },
    }
}
