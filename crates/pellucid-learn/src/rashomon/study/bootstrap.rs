//! How stable are reliances? The Rashomon importance distribution (Donnelly, Katta, Rudin & Browne 2023).
//!
//! Rows are drawn again with replacement (as weights, so that no column changes), the Rashomon set of each drawing is
//! found again with the same distance to its own best, and members of it are drawn uniformly; their reliances over all
//! drawings are the distribution.

use pellucid_data::Ratio;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::reliance;
use super::subject::Subject;
use crate::rashomon::{Explorer, SampleError};
use crate::{ConstraintError, Constraints, Instance, Objective, Searching, SemanticsError, Within, learn};

/// The distribution of the reliance on one feature.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Distribution {
    /// The 5, 25, 50, 75 and 95 % quantiles.
    pub quantiles: [f64; 5],
    /// The share of values above 0.
    pub positive: f64,
}

/// What became of the drawings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawings {
    /// Drawings whose members are in the distribution.
    pub done: usize,
    /// Drawings of one label only, of which no set can be told.
    pub one_label: usize,
    /// Drawings that a limit ended or left out: the distribution then leans towards drawings that are easy to search.
    pub limited: usize,
}

/// Draws `times` bootstrap samples and `per` members of each set; answers one distribution a feature.
///
/// # Errors
/// When numbers can't be computed with exactly.
pub fn bootstrap(
    instance: &Instance,
    objective: &Objective,
    within: &Within,
    margin: Ratio,
    make: &dyn Fn(&Instance) -> Option<Subject>,
    [times, per]: [usize; 2],
    seed: u64,
    searching: &Searching<'_>,
) -> Result<(Vec<Distribution>, Drawings), SampleError> {
    let mut values: Vec<Vec<f64>> = Vec::new();
    let mut sums: Vec<u64> = Vec::with_capacity(instance.weights().len());
    for &weight in instance.weights() {
        sums.push(sums.last().copied().unwrap_or(0) + u64::from(weight));
    }
    let total = instance.total_weight();
    let mut drawings = Drawings::default();
    for drawing in 0..times {
        if searching.control.watch.should_stop() {
            drawings.limited += times - drawing;
            break;
        }
        // Rows and members are drawn from streams of their own.
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(drawing as u64 + 1);
        let of_members = random.next_u64();
        let mut weights = vec![0_u32; sums.len()];
        for _ in 0..total {
            // 64 bits modulo the total: off by less than total / 2⁶⁴.
            let at = random.next_u64() % total;
            weights[sums.partition_point(|&sum| sum <= at)] += 1;
        }
        let Ok(again) = instance.reweighted(weights) else {
            drawings.one_label += 1;
            continue;
        };
        let constraints = Constraints {
            max_size: within.max_size,
            not_empty: !within.include_empty,
            ..Constraints::default()
        };
        let best = match learn(&again, objective, &constraints, searching, &mut |_| {}) {
            Ok(best) if best.is_proven() => best,
            Ok(_) | Err(ConstraintError::Stopped | ConstraintError::Semantics(SemanticsError::Stopped)) => {
                drawings.limited += 1;
                continue;
            }
            Err(ConstraintError::Semantics(error)) => return Err(error.into()),
            Err(ConstraintError::Ratio(error)) => return Err(SemanticsError::from(error).into()),
            Err(other) => return Err(SampleError::Constraints(other.to_string())),
        };
        let theta = best.objective.plus(margin).map_err(crate::SemanticsError::from)?;
        let explorer = Explorer::with_limits(&again, objective, &Within { theta, ..*within }, searching)?;
        let drawn = match explorer.sample(per, of_members, 0.0, searching) {
            Ok(drawn) => drawn,
            Err(SampleError::Stopped) => {
                drawings.limited += 1;
                continue;
            }
            Err(other) => return Err(other),
        };
        let Some(subject) = make(&again) else { continue };
        values.resize(subject.n_features, Vec::new());
        for member in &drawn.members {
            let of_member = reliance::of(&subject, &member.rules, &subject.predict(&member.rules));
            values.iter_mut().zip(of_member).for_each(|(all, value)| all.push(value));
        }
        drawings.done += 1;
    }
    let distribution = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        let at = |share: f64| {
            all.get((share * (all.len().max(1) - 1) as f64).round() as usize).copied().unwrap_or(0.0)
        };
        let positive = all.iter().filter(|&&value| value > 0.0).count() as f64 / all.len().max(1) as f64;
        Distribution { quantiles: [0.05, 0.25, 0.5, 0.75, 0.95].map(at), positive }
    };
    Ok((values.into_iter().map(distribution).collect(), drawings))
}
