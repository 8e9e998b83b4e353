//! What do the nearly best rule sets of a table have in common? Every member is looked at, or a fair sample where they are
//! too many.

use std::ops::ControlFlow;

use num_bigint::BigUint;
use pellucid_data::RowSet;
use pellucid_data::binarize::rows_equal;

use super::{Explored, StudyFailure, position, values};
use crate::rashomon::study::{
    Choice, Distribution, Drawings, Findings, Groups, Study, Subject, bootstrap, diverse,
};
use crate::rashomon::{Detail, Member, Order};
use crate::{Instance, Searching};

/// Members drawn from the set of each bootstrap drawing.
const PER_DRAWING: usize = 100;

/// Groups of rows that are compared, at most.
const MOST_GROUPS: usize = 20;

/// Members between two looks at the clock.
const PATIENCE: usize = 1 << 10;

/// Which rows stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// Those with the same value in a column of the table.
    Column(String),
    /// As the caller says.
    Rows(Groups),
}

/// How members are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Studying {
    /// Rows that are compared.
    pub groups: Option<Grouping>,
    /// Every member is looked at up to so many; above, so many are drawn uniformly.
    pub most_members: u64,
    /// Every member is looked at, however many there are.
    pub certify: bool,
    /// Models of the short list.
    pub models: usize,
    /// Bootstrap drawings for the distribution of reliances.
    pub bootstrap: usize,
    /// For everything that is drawn.
    pub seed: u64,
}

impl Default for Studying {
    fn default() -> Self {
        Self { groups: None, most_members: 200_000, certify: false, models: 5, bootstrap: 0, seed: 0 }
    }
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Studied {
    /// How many members there are.
    pub count: BigUint,
    /// The best of them.
    pub best: Member,
    /// What they have in common, and where they differ.
    pub findings: Findings,
    /// Whether every member was looked at.
    pub exact: bool,
    /// The best, and the most different ones.
    pub choices: Vec<Choice>,
    /// Reliances over bootstrap drawings, where these were asked for.
    pub distributions: Option<(Vec<Distribution>, Drawings)>,
    /// Columns that some candidate is about, with their place in the findings.
    pub features: Vec<(usize, String)>,
}

/// Looks at the members.
///
/// # Errors
/// When there is none, a limit comes first, or the groups can't be compared.
pub fn studied(about: &Explored, how: &Studying, searching: &Searching<'_>) -> Result<Studied, StudyFailure> {
    let counted = about.explorer.count(Detail::Full, searching)?;
    if !counted.is_exact() {
        return Err(StudyFailure::Stopped);
    }
    if counted.count == BigUint::ZERO {
        return Err(StudyFailure::Empty);
    }
    let mut first = None;
    about.explorer.list(Order::Objective, searching, &mut |member| {
        first = Some(member.clone());
        ControlFlow::Break(())
    })?;
    let best = first.ok_or(StudyFailure::Stopped)?;
    let groups = match &how.groups {
        None => None,
        Some(Grouping::Column(name)) => Some(groups(about, name)?),
        Some(Grouping::Rows(groups)) => Some(groups.clone()),
    };
    let task = &about.task;
    let literals: Vec<(u32, RowSet)> =
        task.literals.iter().map(|literal| (literal.feature.0, literal.rows.clone())).collect();
    let rules: Vec<Vec<u32>> =
        task.mined.candidates.iter().map(|candidate| candidate.literals.clone()).collect();
    let n_features = task.table.columns().len();
    let subject_of =
        |instance: &Instance| Subject::new(instance, &literals, &rules, n_features, groups.as_ref());
    let subject = subject_of(&task.instance)?;
    let mut study = Study::new(&subject, &best, &most_used(&counted.by_rule), how.seed);
    let exact = how.certify || counted.count <= BigUint::from(how.most_members);
    if exact {
        if !about.explorer.each(searching, &mut |member| study.add(member))? {
            return Err(StudyFailure::Stopped);
        }
    } else {
        let n = usize::try_from(how.most_members).unwrap_or(usize::MAX);
        let drawn = about.explorer.sample(n, how.seed, 0.0, searching)?;
        for (at, member) in drawn.members.iter().enumerate() {
            if at.is_multiple_of(PATIENCE) && searching.control.watch.should_stop() {
                return Err(StudyFailure::Stopped);
            }
            study.add(member);
        }
    }
    let findings = study.finish();
    let pool: Vec<Member> = findings.some.iter().map(|looked| looked.member.clone()).collect();
    let choices = diverse(&subject, &best, &pool, how.models.max(1));
    let distributions = if how.bootstrap > 0 {
        let margin = about.within.theta.minus(best.objective)?;
        Some(bootstrap(
            &task.instance,
            &task.objective,
            &about.within,
            margin,
            &|instance| subject_of(instance).ok(),
            [how.bootstrap, PER_DRAWING],
            how.seed,
            searching,
        )?)
    } else {
        None
    };
    let mut used: Vec<usize> = literals.iter().map(|(feature, _)| *feature as usize).collect();
    used.sort_unstable();
    used.dedup();
    let features = used.into_iter().map(|at| (at, task.table.schema().fields[at].name.clone())).collect();
    Ok(Studied { count: counted.count, best, findings, exact, choices, distributions, features })
}

/// Rules by how many sets they are in, those of none left out.
fn most_used(by_rule: &[BigUint]) -> Vec<u32> {
    let mut top: Vec<(usize, &BigUint)> = by_rule.iter().enumerate().collect();
    top.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(&b.0)));
    top.iter().filter(|(_, sets)| **sets != BigUint::ZERO).map(|(rule, _)| *rule as u32).collect()
}

/// The groups of a column's values.
fn groups(about: &Explored, name: &str) -> Result<Groups, StudyFailure> {
    let table = &about.task.table;
    let column = &table.columns()[position(table, name, "the column of groups")?];
    let names: Vec<String> = values(column).into_iter().map(|(value, _)| value).collect();
    if names.len() > MOST_GROUPS {
        let (column, found) = (name.to_owned(), names.len());
        return Err(StudyFailure::TooManyGroups { column, found, most: MOST_GROUPS });
    }
    let mut of_row = vec![None; table.n_rows()];
    for (group, value) in names.iter().enumerate() {
        rows_equal(column, value).iter().for_each(|row| of_row[row] = Some(group as u32));
    }
    Ok(Groups { names: names.into_iter().map(|value| format!("{name} = {value}")).collect(), of_row })
}
