//! Which features stand together in results? Groups that the user names, each with the sum of its members' values.
//!
//! The columns of a one-hot code are such a group: its value in a row is the name of the column that is 1.

use std::borrow::Cow;
use std::sync::Arc;

use pellucid::explain::Attributions;
use pellucid::models::trees::{Ensemble, Feature, FeatureKind, FeatureMatrix, InputCast, UnseenLevel};

use crate::failure::Failure;

/// `NAME=COL,COL,PREFIX*`, as it was typed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    name: String,
    members: Vec<String>,
}

impl std::str::FromStr for Group {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a group is written as NAME=COL,COL,... or NAME=PREFIX*".to_owned();
        let (name, members) = text.split_once('=').ok_or_else(wrong)?;
        let members: Vec<String> = members.split(',').map(|member| member.trim().to_owned()).collect();
        if name.trim().is_empty() || members.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { name: name.trim().to_owned(), members })
    }
}

impl std::fmt::Display for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.name, self.members.join(","))
    }
}

/// What stands in results: the model's features, or some of them in groups.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) features: Vec<Feature>,
    /// For each of them the model's features that it sums up; `None` where there are no groups.
    members: Option<Arc<Vec<Vec<usize>>>>,
    /// Which of the model's features are numbers.
    numbers: Arc<Vec<bool>>,
}

impl Shown {
    /// Every feature by itself.
    pub(crate) fn all(model: &Ensemble) -> Self {
        Self { features: model.features.clone(), members: None, numbers: Arc::default() }
    }

    /// Groups where the first of their members stood, other features as they are.
    pub(crate) fn grouped(model: &Ensemble, groups: &[Group]) -> Result<Self, Failure> {
        if groups.is_empty() {
            return Ok(Self::all(model));
        }
        let mut group_of: Vec<Option<usize>> = vec![None; model.features.len()];
        for (at, group) in groups.iter().enumerate() {
            for member in &group.members {
                for feature in matching(model, group, member)? {
                    if let Some(other) = group_of[feature].replace(at).filter(|other| *other != at) {
                        return Err(Failure::Usage(format!(
                            "--group {group}: `{}` is in the group `{}`, too; a feature is in one group",
                            model.features[feature].name, groups[other].name
                        )));
                    }
                }
            }
        }
        let (mut features, mut members) = (Vec::new(), Vec::new());
        let mut place: Vec<Option<usize>> = vec![None; groups.len()];
        for (at, feature) in model.features.iter().enumerate() {
            match group_of[at] {
                None => {
                    features.push(feature.clone());
                    members.push(vec![at]);
                }
                Some(group) => match place[group] {
                    Some(place) => {
                        let own: &mut Vec<usize> = &mut members[place];
                        own.push(at);
                    }
                    None => {
                        place[group] = Some(features.len());
                        features
                            .push(Feature { name: groups[group].name.clone(), kind: FeatureKind::Number });
                        members.push(vec![at]);
                    }
                },
            }
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = features.iter().find(|feature| !seen.insert(&feature.name)) {
            return Err(Failure::Usage(format!("--group: two columns would be called `{}`", twice.name)));
        }
        for place in place.into_iter().flatten() {
            features[place].kind = kind_of(model, &members[place]);
        }
        let numbers = model.features.iter().map(|feature| feature.kind == FeatureKind::Number).collect();
        Ok(Self { features, members: Some(Arc::new(members)), numbers: Arc::new(numbers) })
    }

    fn is_flags(&self, members: &[usize]) -> bool {
        members.iter().all(|&at| self.numbers.get(at).is_some_and(|is| *is))
    }

    /// Whether there are groups.
    pub(crate) fn has_groups(&self) -> bool {
        self.members.is_some()
    }

    /// The model's feature that stands at a place, unless a group of several does.
    pub(crate) fn single(&self, at: usize) -> Option<usize> {
        match self.members.as_ref().map(|members| members[at].as_slice()) {
            None => Some(at),
            Some([one]) => Some(*one),
            Some(_) => None,
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.name.clone()).collect()
    }

    /// Values with those of groups summed.
    pub(crate) fn values<'a>(&self, found: &'a Attributions) -> Cow<'a, Attributions> {
        match &self.members {
            None => Cow::Borrowed(found),
            Some(members) => Cow::Owned(found.summed(members)),
        }
    }

    /// Rows as pictures show them: of a group the place of the member that is 1 where all others are 0.
    pub(crate) fn rows<'a>(&self, rows: &'a FeatureMatrix) -> Cow<'a, FeatureMatrix> {
        let Some(members) = &self.members else { return Cow::Borrowed(rows) };
        let column = |members: &Vec<usize>| match members.as_slice() {
            [one] => rows.columns()[*one].clone(),
            // Codes of categories are no flags.
            all if !self.is_flags(all) => vec![(all.len() + 1) as f64; rows.n_rows()],
            all => (0..rows.n_rows()).map(|row| code(rows, all, row)).collect(),
        };
        let columns = members.iter().map(column).collect();
        // Codes are whole numbers, and others were rounded before.
        FeatureMatrix::new(columns, rows.n_rows(), InputCast::F64).map_or(Cow::Borrowed(rows), Cow::Owned)
    }
}

/// The features that a member of a group names.
fn matching(model: &Ensemble, group: &Group, member: &str) -> Result<Vec<usize>, Failure> {
    let names = || model.features.iter().map(|feature| feature.name.as_str());
    if let Some(exact) = names().position(|name| name == member) {
        return Ok(vec![exact]);
    }
    if let Some(prefix) = member.strip_suffix('*') {
        let found: Vec<usize> =
            names().enumerate().filter(|(_, name)| name.starts_with(prefix)).map(|(at, _)| at).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        return Err(Failure::Usage(format!(
            "--group {group}: no feature of the model begins with `{prefix}`"
        )));
    }
    let near = pellucid::data::closest(member, names());
    let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Err(Failure::Usage(format!("--group {group}: the model has no feature `{member}`{hint}")))
}

/// A group's values by name: its members without what all their names begin with, none of them, and several at once.
fn kind_of(model: &Ensemble, members: &[usize]) -> FeatureKind {
    if let [one] = members {
        return model.features[*one].kind.clone();
    }
    let names: Vec<&str> = members.iter().map(|&at| model.features[at].name.as_str()).collect();
    let common = names.iter().skip(1).fold(names[0].len(), |common, name| {
        let same = names[0].char_indices().zip(name.chars()).take_while(|((_, a), b)| a == b);
        same.last().map_or(0, |((at, c), _)| at + c.len_utf8()).min(common)
    });
    // Names are cut between words only.
    let is_between = |c: char| matches!(c, '_' | '=' | ':' | '.' | '-' | '/' | ' ');
    let common = names[0][..common].rfind(is_between).map_or(0, |at| at + 1);
    let rest = |name: &&str| if name.len() > common { name[common..].to_owned() } else { (*name).to_owned() };
    let own = names.iter().map(rest);
    let levels = own.chain(["none of them".to_owned(), "several values".to_owned()]).collect();
    FeatureKind::Level { levels: Arc::new(levels), numeric: false, unseen: UnseenLevel::Missing }
}

/// The member that alone is 1, none of them, or several values; missing where one that might be set is missing.
fn code(rows: &FeatureMatrix, members: &[usize], row: usize) -> f64 {
    let value = |&at: &usize| rows.columns()[at][row];
    let is_missing = members.iter().any(|at| value(at).is_nan());
    let is_set = |&at: &usize| value(&members[at]) != 0.0 && !value(&members[at]).is_nan();
    let set: Vec<usize> = (0..members.len()).filter(is_set).collect();
    let code = match set.as_slice() {
        [] if is_missing => return f64::NAN,
        [] => members.len(),
        [one] if value(&members[*one]) == 1.0 => *one,
        _ => members.len() + 1,
    };
    code as f64
}
