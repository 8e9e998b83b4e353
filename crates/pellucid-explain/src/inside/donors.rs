//! Which values are put in? Those of another run, zeros, means over prompts, or those of a prompt that was drawn.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use pellucid_models::transformer::forward::{self, Past, Wanted};
use pellucid_models::transformer::tap::Array;
use pellucid_models::transformer::{Axis, Capture, Hook, Machine, Transformer};

use super::case::{Case, Donor};
use super::error::PatchError;

/// A model, and means of its activations over prompts that were worked out before: of several prompts that take means over the same others,
/// only the first has them run.
#[derive(Debug)]
pub struct Means<'m> {
    pub(super) model: &'m Transformer,
    /// By sites and tokens of the prompt that is run: whose means, and what they are.
    known: Mutex<BTreeMap<(Vec<Hook>, usize), Known>>,
}

/// Prompts, and a mean a site.
type Known = (Vec<Vec<u32>>, Vec<Array<f32>>);

impl<'m> Means<'m> {
    /// Of a model, of which no means are known.
    #[must_use]
    pub fn of(model: &'m Transformer) -> Self {
        Self { model, known: Mutex::default() }
    }

    /// The means over prompts, if they are known.
    fn known(&self, key: &(Vec<Hook>, usize), pool: &[Vec<u32>]) -> Option<Vec<Array<f32>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(of, _)| of == pool).map(|(_, values)| values.clone())
    }
}

/// What there is to put in.
pub(super) struct Donors {
    /// By site, in the shape that it has for the prompt that is run.
    pub(super) values: Vec<Array<f32>>,
    /// What the other run answers, if values are those of one.
    pub(super) answer: Option<Array<f32>>,
    /// What that took.
    pub(super) multiply_adds: u64,
    /// Whether nothing was run, since it was known.
    pub(super) is_known: bool,
}

/// The values of some sites that a case puts in; `own` is what the prompt has there itself, and `past` what it keeps of its positions.
pub(super) fn donors(
    means: &Means<'_>,
    case: &Case,
    hooks: &[Hook],
    (own, past): (&[Array<f32>], &Past),
    machine: Machine<'_>,
) -> Result<Donors, PatchError> {
    let model = means.model;
    match &case.donor {
        Donor::Run(other) => {
            let mut seen = Capture::of(hooks.to_vec());
            let (wanted, first) = (case.metric.wanted(), case.n_shared());
            let outcome = forward::run_after(model, other, (first, past), wanted, &mut seen, machine)?;
            let after = taken(&mut seen, hooks);
            let of =
                |((hook, own), after): ((&Hook, &Array<f32>), Array<f32>)| joined(*hook, own, after, first);
            Ok(Donors {
                values: hooks.iter().zip(own).zip(after).map(of).collect(),
                multiply_adds: outcome.multiply_adds,
                answer: outcome.answers.into_iter().next(),
                is_known: false,
            })
        }
        Donor::Zero => {
            if let Some(scale) = hooks.iter().find(|hook| hook.site.axes().ends_with(&[Axis::One])) {
                return Err(PatchError::ZeroScale { site: scale.site });
            }
            // What may not be seen stays unseen.
            let zeroed = |x: &f32| if *x == f32::NEG_INFINITY { *x } else { 0.0 };
            let zero = |own: &Array<f32>| Array {
                shape: own.shape.clone(),
                data: own.data.iter().map(zeroed).collect(),
            };
            Ok(Donors {
                values: own.iter().map(zero).collect(),
                answer: None,
                multiply_adds: 0,
                is_known: false,
            })
        }
        Donor::Mean(pool) => {
            let key = (hooks.to_vec(), case.run.len());
            if let Some(values) = means.known(&key, pool) {
                return Ok(Donors { values, answer: None, multiply_adds: 0, is_known: true });
            }
            let found = mean_of(model, (pool, case.run.len()), hooks, own, machine)?;
            let mut known = means.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(key, (pool.clone(), found.values.clone()));
            Ok(found)
        }
        Donor::Resample { pool, seed } => {
            let prompt = drawn(pool, *seed, &case.run)?;
            let mut seen = Capture::of(hooks.to_vec());
            let outcome = forward::run_on(model, &[prompt], Wanted::Residual, &mut seen, machine)
                .map_err(|(_, cause)| PatchError::from(cause))?;
            let multiply_adds = outcome.multiply_adds;
            Ok(Donors { values: taken(&mut seen, hooks), answer: None, multiply_adds, is_known: false })
        }
    }
}

/// What a site has of the shared positions, and then of the others.
fn joined(hook: Hook, own: &Array<f32>, after: Array<f32>, first: usize) -> Array<f32> {
    if first == 0 {
        return after;
    }
    let shape = own.shape.clone();
    // Heads by positions that attend by those that are attended to, or positions first.
    let (outer, n, width) = match shape[..] {
        [h, n, n_all] if hook.site.axes()[0] == Axis::Head => (h, n, n_all),
        _ => (1, shape[0], own.data.len() / shape[0]),
    };
    let mut data = Vec::with_capacity(own.data.len());
    for part in 0..outer {
        data.extend_from_slice(&own.data[part * n * width..][..first * width]);
        data.extend_from_slice(&after.data[part * (n - first) * width..][..(n - first) * width]);
    }
    Array { shape, data }
}

fn taken(seen: &mut Capture<f32>, hooks: &[Hook]) -> Vec<Array<f32>> {
    hooks.iter().filter_map(|hook| seen.seen.remove(&(0, *hook))).collect()
}

/// One of the prompts that have as many tokens as the one that is run, and are not the same.
pub(super) fn drawn<'p>(pool: &'p [Vec<u32>], seed: u64, run: &[u32]) -> Result<&'p [u32], PatchError> {
    let aligned: Vec<&Vec<u32>> =
        pool.iter().filter(|prompt| prompt.len() == run.len() && *prompt != run).collect();
    if aligned.is_empty() {
        return Err(PatchError::NoneAligned { n: pool.len(), tokens: run.len() });
    }
    let at = mixed(seed) % aligned.len() as u64;
    Ok(aligned[at as usize])
}

/// One step of SplitMix64 (Steele, Lea and Flood 2014).
pub(super) fn mixed(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn mean_of(
    model: &Transformer,
    (pool, n_tokens): (&[Vec<u32>], usize),
    hooks: &[Hook],
    own: &[Array<f32>],
    machine: Machine<'_>,
) -> Result<Donors, PatchError> {
    let is_aligned = pool.iter().all(|prompt| prompt.len() == n_tokens);
    let has_rows = |hook: &&Hook| hook.site.axes()[0] == Axis::Position;
    if let (false, Some(hook)) = (is_aligned, hooks.iter().find(|hook| !has_rows(hook))) {
        return Err(PatchError::NoMean { site: hook.site, tokens: n_tokens });
    }
    let mut sums: Vec<Vec<f64>> = own
        .iter()
        .map(|own| vec![0.0; if is_aligned { own.data.len() } else { own.data.len() / n_tokens }])
        .collect();
    let mut multiply_adds = 0;
    let mut n = 0;
    for prompt in pool {
        let mut seen = Capture::of(hooks.to_vec());
        let outcome = forward::run_on(model, &[prompt], Wanted::Residual, &mut seen, machine)
            .map_err(|(_, cause)| PatchError::from(cause))?;
        multiply_adds += outcome.multiply_adds;
        n += if is_aligned { 1 } else { prompt.len() };
        for (sum, values) in sums.iter_mut().zip(taken(&mut seen, hooks)) {
            for row in values.data.chunks_exact(sum.len()) {
                sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
            }
        }
    }
    let mean = |(own, sum): (&Array<f32>, Vec<f64>)| {
        let row: Vec<f32> = sum.iter().map(|sum| (sum / n as f64) as f32).collect();
        Array { shape: own.shape.clone(), data: row.repeat(own.data.len() / row.len()) }
    };
    let values = own.iter().zip(sums).map(mean).collect();
    Ok(Donors { values, answer: None, multiply_adds, is_known: false })
}
