//! What do known features say of unknown ones? In a linear model: their conditional means, if all follow a normal distribution.
//!
//! The correlation-dependent game (Lundberg & Lee 2017; Aas, Jullum & Løland 2021, section 3.1; `correlation_dependent` of shap's
//! `LinearExplainer`) answers v(S) with the margin at E[x | x_S] of the normal distribution that has the means and covariances of the
//! background. shap averages over random orders of features; here all subsets are summed, so that the values are those of the
//! game up to rounding. With deviations z from the means, in units of standard deviations, correlations R and slopes c,
//!
//! $$ v(S) = v(\emptyset) + \sum_{i \in S} w_{S,i} z_i, \qquad w_S = c_S + R_{SS}^{-1} R_{S \bar S} c_{\bar S} $$
//!
//! so that values are one matrix times z, which is worked out once.

use pellucid_data::FeatureId;
use pellucid_models::Linear;
use pellucid_models::trees::{Ensemble, FeatureMatrix};

use super::definition::shapley_weight;
use super::game::{Background, Game};
use super::linear::each_part;
use super::plan::PlanError;
use super::workers::explain_rows;
use crate::{Attributions, Control, Stopped, Watch};

/// More features than this have too many subsets.
pub(super) const MOST_FEATURES: usize = 20;
/// More subsets, times outputs, take longer than seconds.
const MOST_SUMS: usize = 1 << 23;
/// Where features say the same, this is added to the diagonal of their correlations: they share what they say.
const RIDGE: f64 = 1e-8;
/// Less than this share is left of a feature's variance when others are known: they say the same.
const SAME: f64 = 1e-10;

/// A linear model made ready.
#[derive(Debug, Clone)]
pub(super) struct Correlated {
    linear: Linear,
    means: Vec<f64>,
    /// The features that vary, and by how much: the standard deviations.
    varying: Vec<(FeatureId, f64)>,
    /// For each output: row-major, varying × varying: what a deviation adds to a value.
    weights: Vec<Vec<f64>>,
    base: Vec<f64>,
    /// How many features others say all of.
    pub(super) n_determined: usize,
}

impl Correlated {
    /// Sums over all subsets of the features that vary in the background.
    pub(super) fn new(
        model: &Ensemble,
        linear: &Linear,
        background: &Background,
        watch: &dyn Watch,
    ) -> Result<Self, PlanError> {
        let all = (0..model.features.len()).map(FeatureId::at);
        let means: Vec<f64> = all.map(|feature| background.mean(feature)).collect();
        let varying = varying(background, &means);
        let (found, outputs) = (varying.len(), model.base.len());
        if found > MOST_FEATURES || outputs << found > MOST_SUMS {
            return Err(PlanError::TooManyCorrelated { found, outputs });
        }
        let correlations = correlations(background, &means, &varying);
        let n_outputs = model.base.len();
        let slopes: Vec<Vec<f64>> = (0..n_outputs)
            .map(|output| {
                varying.iter().map(|(f, deviation)| linear.slopes(output)[f.index()] * deviation).collect()
            })
            .collect();
        let (weights, n_determined) =
            sum_over_subsets(&correlations, &slopes, watch).map_err(|Stopped| PlanError::Stopped)?;
        let base = model.base.iter().enumerate();
        let base = base.map(|(output, base)| base + linear.sum(output, |f| means[f.index()])).collect();
        Ok(Self { linear: linear.clone(), means, varying, weights, base, n_determined })
    }

    /// Values of every row and output.
    pub(super) fn explain(
        &self,
        model: &Ensemble,
        rows: &FeatureMatrix,
        control: &Control<'_>,
    ) -> Result<Attributions, Stopped> {
        let (n_features, n) = (self.means.len(), self.varying.len());
        explain_rows(model, (Game::CORRELATED, self.base.clone()), rows, control, |row, own| {
            let far = |feature: FeatureId| rows.at(feature, row) - self.means[feature.index()];
            let z: Vec<f64> =
                self.varying.iter().map(|&(feature, deviation)| far(feature) / deviation).collect();
            for (output, own) in own.chunks_exact_mut(n_features).enumerate() {
                // What never varies in the background says nothing of others, nor they of it.
                each_part(&self.linear, output, |f| rows.at(f, row), |f| self.means[f.index()], own);
                for (at, &(feature, _)) in self.varying.iter().enumerate() {
                    let weights = &self.weights[output][at * n..][..n];
                    own[feature.index()] = weights.iter().zip(&z).map(|(weight, z)| weight * z).sum();
                }
            }
            Ok(())
        })
    }
}

/// The features that vary in the background, with their standard deviations.
fn varying(background: &Background, means: &[f64]) -> Vec<(FeatureId, f64)> {
    let deviation = |(at, mean): (usize, &f64)| {
        let feature = FeatureId::at(at);
        let squares = background.mean_of(|row| (background.rows().at(feature, row) - mean).powi(2));
        (feature, squares.sqrt())
    };
    let all = means.iter().enumerate().filter(|(at, _)| background.varies(FeatureId::at(*at)));
    // Numbers whose squares are nothing do not vary either.
    all.map(deviation).filter(|(_, deviation)| *deviation > 0.0).collect()
}

/// Row-major correlations of features.
fn correlations(background: &Background, means: &[f64], varying: &[(FeatureId, f64)]) -> Vec<f64> {
    let z = |&(feature, deviation): &(FeatureId, f64), row: usize| {
        (background.rows().at(feature, row) - means[feature.index()]) / deviation
    };
    let n = varying.len();
    let mut found = vec![1.0; n * n];
    for i in 0..n {
        for j in 0..i {
            let both = background.mean_of(|row| z(&varying[i], row) * z(&varying[j], row));
            (found[i * n + j], found[j * n + i]) = (both, both);
        }
    }
    found
}

/// For each output the matrix that makes values of deviations.
fn sum_over_subsets(
    correlations: &[f64],
    slopes: &[Vec<f64>],
    watch: &dyn Watch,
) -> Result<(Vec<Vec<f64>>, usize), Stopped> {
    let n = correlations.len().isqrt();
    let mut sums = Subsets {
        n,
        correlations: correlations.to_vec(),
        slopes,
        // A subset of size s counts in the values of its members, and against those of all.
        shares: (0..=n)
            .map(|s| {
                let (with, without) = (
                    if s > 0 { shapley_weight(s - 1, n) } else { 0.0 },
                    if s < n { shapley_weight(s, n) } else { 0.0 },
                );
                (with + without, without)
            })
            .collect(),
        weights: vec![vec![0.0; n * n]; slopes.len()],
        against: vec![vec![0.0; n]; slopes.len()],
        members: Vec::new(),
        factor: Vec::new(),
        n_seen: 0,
    };
    let n_determined = sums.n_determined();
    if n_determined > 0 {
        (0..n).for_each(|at| sums.correlations[at * n + at] += RIDGE);
    }
    sums.below(0, watch)?;
    for (weights, against) in sums.weights.iter_mut().zip(&sums.against) {
        for row in weights.chunks_exact_mut(n.max(1)) {
            row.iter_mut().zip(against).for_each(|(weight, against)| *weight -= against);
        }
    }
    Ok((sums.weights, n_determined))
}

/// The subsets of features, each after the one that lacks its last member.
struct Subsets<'s> {
    n: usize,
    correlations: Vec<f64>,
    slopes: &'s [Vec<f64>],
    shares: Vec<(f64, f64)>,
    weights: Vec<Vec<f64>>,
    against: Vec<Vec<f64>>,
    members: Vec<usize>,
    /// The Cholesky factor of the members' correlations, row after row.
    factor: Vec<Vec<f64>>,
    n_seen: usize,
}

impl Subsets<'_> {
    /// How many features add nothing to those before them.
    fn n_determined(&mut self) -> usize {
        let mut found = 0;
        for at in 0..self.n {
            self.push(at);
            let left = self.factor.last().and_then(|row| row.last()).copied().unwrap_or(0.0);
            found += usize::from(left * left < SAME);
        }
        self.members.clear();
        self.factor.clear();
        found
    }

    fn push(&mut self, feature: usize) {
        let mut row = Vec::with_capacity(self.members.len() + 1);
        let mut left = self.correlations[feature * self.n + feature];
        for (at, &member) in self.members.iter().enumerate() {
            let known: f64 = self.factor[at].iter().zip(&row).map(|(a, b): (&f64, &f64)| a * b).sum();
            let entry = (self.correlations[feature * self.n + member] - known) / self.factor[at][at];
            left -= entry * entry;
            row.push(entry);
        }
        row.push(left.max(f64::EPSILON).sqrt());
        self.members.push(feature);
        self.factor.push(row);
    }

    /// All subsets that add features from `next` on.
    fn below(&mut self, next: usize, watch: &dyn Watch) -> Result<(), Stopped> {
        for feature in next..self.n {
            self.push(feature);
            self.n_seen += 1;
            if self.n_seen.is_multiple_of(64) && watch.should_stop() {
                return Err(Stopped);
            }
            self.count();
            self.below(feature + 1, watch)?;
            self.members.pop();
            self.factor.pop();
        }
        Ok(())
    }

    /// Adds the subset of the members.
    fn count(&mut self) {
        let (n, s) = (self.n, self.members.len());
        let (with, without) = self.shares[s];
        for output in 0..self.slopes.len() {
            let slopes = &self.slopes[output];
            // R_SU c_U, then through the factor and back.
            let mut w: Vec<f64> = self
                .members
                .iter()
                .map(|&member| {
                    let row = &self.correlations[member * n..][..n];
                    let all: f64 = row.iter().zip(slopes).map(|(r, c)| r * c).sum();
                    all - self.members.iter().map(|&other| row[other] * slopes[other]).sum::<f64>()
                })
                .collect();
            for at in 0..s {
                let known: f64 = self.factor[at][..at].iter().zip(&w).map(|(a, b)| a * b).sum();
                w[at] = (w[at] - known) / self.factor[at][at];
            }
            for at in (0..s).rev() {
                let known: f64 = (at + 1..s).map(|below| self.factor[below][at] * w[below]).sum();
                w[at] = (w[at] - known) / self.factor[at][at];
            }
            for (w, &member) in w.iter_mut().zip(&self.members) {
                *w += slopes[member];
            }
            for &one in &self.members {
                let row = &mut self.weights[output][one * n..][..n];
                self.members.iter().zip(&w).for_each(|(&member, w)| row[member] += with * w);
            }
            let against = &mut self.against[output];
            self.members.iter().zip(&w).for_each(|(&member, w)| against[member] += without * w);
        }
    }
}
