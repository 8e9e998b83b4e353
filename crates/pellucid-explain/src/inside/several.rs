//! Does an effect hold on more than one prompt? The same sweep on several, with intervals over them.

use pellucid_models::transformer::Transformer;

use super::case::Case;
use super::donors::{Means, mixed};
use super::error::PatchError;
use super::patch::{Patched, patch_with};
use super::patching::{By, Patching};
use crate::Control;

/// Draws of a bootstrap.
const DRAWS: usize = 2_000;

/// One sweep on several prompts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Several {
    /// Each prompt's grid, of the same cells.
    pub each: Vec<Patched>,
}

/// Whether a sweep has the same cells on all prompts.
///
/// # Errors
/// When there are none, or they have different lengths and the grid has positions.
pub fn check_alike(cases: &[Case], asked: Patching) -> Result<(), PatchError> {
    let Some(first) = cases.first() else { return Err(PatchError::NoPrompts) };
    let has_positions = matches!(asked.by, By::LayerPosition | By::LayerPositionHead);
    let expected = first.run.len();
    match cases.iter().position(|case| has_positions && case.run.len() != expected) {
        Some(at) => Err(PatchError::Ragged { at: at + 1, found: cases[at].run.len(), expected }),
        None => Ok(()),
    }
}

/// Runs one sweep on several prompts, one after the other. A share `verify` of each prompt's cells is run again the slow way.
///
/// # Errors
/// When it can't be asked of a prompt, whose number is told, or the caller stopped.
pub fn patch_all(
    model: &Transformer,
    cases: &[Case],
    asked: Patching,
    verify: f64,
    control: &Control<'_>,
) -> Result<Several, PatchError> {
    check_alike(cases, asked)?;
    Ok(Several {
        each: for_all(model, cases, |means, case| patch_with(means, case, asked, verify, control))?,
    })
}

/// Does an experiment on several prompts, one after the other; means that more than one takes are worked out once.
///
/// # Errors
/// When it can't be asked of a prompt, whose number is told, before any is run; or the caller stopped.
pub fn for_all<T>(
    model: &Transformer,
    cases: &[Case],
    one: impl Fn(&Means<'_>, &Case) -> Result<T, PatchError>,
) -> Result<Vec<T>, PatchError> {
    let told = |at: usize, cause: PatchError| match cause {
        PatchError::Stopped => PatchError::Stopped,
        cause if cases.len() == 1 => cause,
        cause => PatchError::At { at: at + 1, cause: Box::new(cause) },
    };
    for (at, case) in cases.iter().enumerate() {
        case.check(&model.spec).map_err(|cause| told(at, cause))?;
    }
    let means = Means::of(model);
    cases.iter().enumerate().map(|(at, case)| one(&means, case).map_err(|cause| told(at, cause))).collect()
}

/// An effect on several prompts: by how much each one's metric grows, and by how much it could. Of shares it is the mean growth over the
/// mean of what could be, so that prompts that hardly differ weigh little; of other effects, which could be 1, the mean growth.
#[must_use]
pub fn mean_effect(terms: &[[f64; 2]]) -> f64 {
    over(terms, |at| at)
}

/// An interval of 95 % of [`mean_effect`]: percentiles of a bootstrap over prompts, of a fixed seed; `None` for fewer than three of them, or
/// where not every draw has an effect.
#[must_use]
pub fn interval(terms: &[[f64; 2]]) -> Option<[f64; 2]> {
    let n = terms.len();
    if n < 3 {
        return None;
    }
    let mut draws: Vec<f64> = (0..DRAWS)
        .map(|draw| over(terms, |at| (mixed((draw * n + at) as u64) % n as u64) as usize))
        .collect();
    if draws.iter().any(|effect| !effect.is_finite()) {
        return None;
    }
    draws.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| draws[((draws.len() - 1) as f64 * share).round() as usize];
    Some([at(0.025), at(0.975)])
}

fn over(terms: &[[f64; 2]], drawn: impl Fn(usize) -> usize) -> f64 {
    if let [[by, could]] = terms {
        return by / could;
    }
    let sum = (0..terms.len()).map(|at| terms[drawn(at)]);
    let [by, could] = sum.fold([0.0, 0.0], |[a, b], [by, could]| [a + by, b + could]);
    by / could
}

impl From<Patched> for Several {
    fn from(one: Patched) -> Self {
        Self { each: vec![one] }
    }
}

impl Several {
    /// The effect of a cell on all prompts, see [`mean_effect`].
    #[must_use]
    pub fn effect(&self, cell: usize) -> f64 {
        mean_effect(&self.terms(cell))
    }

    /// An interval of 95 % of an effect, see [`interval`].
    #[must_use]
    pub fn interval(&self, cell: usize) -> Option<[f64; 2]> {
        interval(&self.terms(cell))
    }

    /// By how much each prompt's metric grows, and by how much it could.
    fn terms(&self, cell: usize) -> Vec<[f64; 2]> {
        let of =
            |one: &Patched| [one.metrics[cell] - one.own, one.other.map_or(1.0, |other| other - one.own)];
        self.each.iter().map(of).collect()
    }

    /// Multiply-adds that were carried out.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        self.each.iter().map(|one| one.multiply_adds).sum()
    }
}
