//! Which rule sets of a table are nearly as good as the best? A task with its bound, made ready for questions.

use num_bigint::BigUint;
use pellucid_data::Ratio;

use super::{ExploreError, Task};
use crate::rashomon::{Counted, Detail, Explorer};
use crate::{Constraints, Identity, Searching, SemanticsError, Threshold, Within, learn};

/// Which sets count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// How near to the best a set must be.
    pub threshold: Threshold,
    /// The empty set, which predicts the default everywhere, does not count.
    pub exclude_empty: bool,
    /// When two sets are one.
    pub identity: Identity,
    /// The most rules of a set.
    pub max_size: Option<usize>,
}

/// What is explored.
pub struct Explored {
    /// The table and its candidates.
    pub task: Task,
    /// The bound, as a number.
    pub within: Within,
    /// Answers.
    pub explorer: Explorer,
}

/// Makes a task ready; where the bound is relative to the best objective, that is searched first.
///
/// # Errors
/// When the best objective is not proven in time, or numbers can't be computed with exactly.
pub fn explored(task: Task, bound: &Bound, searching: &Searching<'_>) -> Result<Explored, ExploreError> {
    let within = |theta| Within {
        theta,
        include_empty: !bound.exclude_empty,
        identity: bound.identity,
        max_size: bound.max_size,
    };
    // The best of the sets that may count, whatever its objective.
    let best = || best(&task, &within(Ratio::ZERO), searching);
    let theta = match bound.threshold {
        Threshold::Absolute(theta) => theta,
        Threshold::Above(above) => best()?.plus(above)?,
        Threshold::Times(times) => best()?.times(times)?,
    };
    let within = within(theta);
    let explorer = Explorer::with_limits(&task.instance, &task.objective, &within, searching)?;
    let explorer = explorer.with_features(&task.features(), task.table.columns().len());
    Ok(Explored { task, within, explorer })
}

fn best(task: &Task, within: &Within, searching: &Searching<'_>) -> Result<Ratio, ExploreError> {
    let constraints =
        Constraints { max_size: within.max_size, not_empty: !within.include_empty, ..Constraints::default() };
    let optimum = learn(&task.instance, &task.objective, &constraints, searching, &mut |_| {})?;
    if !optimum.is_proven() {
        return Err(ExploreError::Unproven {
            lower_bound: optimum.lower_bound,
            objective: optimum.objective,
        });
    }
    Ok(optimum.objective)
}

impl Explored {
    /// The best objective of the sets that may count, within the bound or not.
    ///
    /// # Errors
    /// As [`explored`].
    pub fn best(&self, searching: &Searching<'_>) -> Result<Ratio, ExploreError> {
        best(&self.task, &self.within, searching)
    }

    /// Counts the members, with the best objective that is known: that of a member, or, where the set is empty, what the bound
    /// would have to be.
    ///
    /// # Errors
    /// When a fraction does not fit into 128 bits.
    pub fn counted(&self, searching: &Searching<'_>) -> Result<(Counted, Option<Ratio>), SemanticsError> {
        let found = self.explorer.count(Detail::Full, searching)?;
        let is_empty = found.is_exact() && found.count == BigUint::ZERO;
        let best = found.best().or_else(|| if is_empty { self.best(searching).ok() } else { None });
        Ok((found, best))
    }

    /// Features and rules by how many of the sets that were counted use them, the most used first; those of none are left
    /// out.
    #[must_use]
    pub fn uses(&self, found: &Counted) -> [Vec<(String, BigUint)>; 2] {
        let sorted = |mut all: Vec<(String, BigUint)>| {
            all.retain(|(_, sets)| *sets != BigUint::ZERO);
            all.sort_by(|a, b| b.1.cmp(&a.1));
            all
        };
        let schema = self.task.table.schema();
        let features = schema.names().map(str::to_owned).zip(found.by_feature.iter().cloned()).collect();
        let rules =
            self.task.rules.iter().map(ToString::to_string).zip(found.by_rule.iter().cloned()).collect();
        [sorted(features), sorted(rules)]
    }
}
