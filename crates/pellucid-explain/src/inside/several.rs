//! Does an effect hold on more than one prompt? The same sweep on several, with intervals over them.

use pellucid_models::transformer::Transformer;

use super::case::Case;
use super::donors::mixed;
use super::error::PatchError;
use super::patch::{Patched, patch};
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
    let told = |at: usize, cause: PatchError| match cause {
        PatchError::Stopped => PatchError::Stopped,
        cause if cases.len() == 1 => cause,
        cause => PatchError::At { at: at + 1, cause: Box::new(cause) },
    };
    for (at, case) in cases.iter().enumerate() {
        case.check(&model.spec).map_err(|cause| told(at, cause))?;
    }
    let one = |(at, case): (usize, &Case)| {
        patch(model, case, asked, verify, control).map_err(|cause| told(at, cause))
    };
    Ok(Several { each: cases.iter().enumerate().map(one).collect::<Result<_, _>>()? })
}

impl Several {
    /// The effect of a cell on all prompts: of shares the mean growth of the metric over the mean difference of the prompts, so that
    /// prompts that hardly differ weigh little; else the mean growth.
    #[must_use]
    pub fn effect(&self, cell: usize) -> f64 {
        self.over(&self.terms(cell), |at| at)
    }

    /// An interval of 95 % of an effect: percentiles of a bootstrap over prompts, of a fixed seed; `None` for fewer than three of them.
    #[must_use]
    pub fn interval(&self, cell: usize) -> Option<[f64; 2]> {
        let n = self.each.len();
        if n < 3 {
            return None;
        }
        let terms = self.terms(cell);
        let mut draws: Vec<f64> = (0..DRAWS)
            .map(|draw| self.over(&terms, |at| (mixed((draw * n + at) as u64) % n as u64) as usize))
            .filter(|effect| effect.is_finite())
            .collect();
        draws.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| draws[((draws.len() - 1) as f64 * share).round() as usize];
        (!draws.is_empty()).then(|| [at(0.025), at(0.975)])
    }

    /// By how much each prompt's metric grows, and by how much it could.
    fn terms(&self, cell: usize) -> Vec<[f64; 2]> {
        let of =
            |one: &Patched| [one.metrics[cell] - one.own, one.other.map_or(1.0, |other| other - one.own)];
        self.each.iter().map(of).collect()
    }

    fn over(&self, terms: &[[f64; 2]], drawn: impl Fn(usize) -> usize) -> f64 {
        if let [[by, could]] = terms {
            return by / could;
        }
        let sum = (0..terms.len()).map(|at| terms[drawn(at)]);
        let [by, could] = sum.fold([0.0, 0.0], |[a, b], [by, could]| [a + by, b + could]);
        by / could
    }

    /// Multiply-adds that were carried out.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        self.each.iter().map(|one| one.multiply_adds).sum()
    }
}
