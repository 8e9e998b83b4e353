//! How are values of the margin shared out among the change of a probability? As shap does it, and not as Shapley values would be.
//!
//! For a row and a row of the background, values of the margin are multiplied by the slope of the chord between both,
//! (g(m) - g(m')) / (m - m'), and the mean over the background is taken (`model_output="probability"` of shap, `dense_independent` in its
//! code; the rescale rule of DeepLIFT, Shrikumar et al. 2017). They add up to the probability. They are no Shapley values of any
//! game on it: [`super::Method::Definition`] on [`crate::Space::Probability`] has those.
//!
//! The slope is one of the pair, so that nothing can be folded: both rows walk down each tree together (Lundberg et al. 2020,
//! algorithm 3), and part where they answer differently.

use pellucid_data::NodeId;
use pellucid_models::trees::{Ensemble, FeatureMatrix, Node, Side, Target, Tree};

use super::definition::shapley_weight;
use super::game::{Background, Game};
use super::linear::each_part;
use super::workers::each_row;
use crate::{Attributions, Control, Kind, Space, Stopped};

/// Margins that differ by less have the slope of the curve itself.
const NEAR: f64 = 1e-7;
/// Weights of paths with more features are computed anew each time.
const KNOWN_WEIGHTS: usize = 64;

/// Rescaled values of every row and output; each output has its own probability.
pub(super) fn rescaled(
    model: &Ensemble,
    background: &Background,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<Attributions, Stopped> {
    let (n_features, k) = (model.features.len(), model.base.len());
    let answers_to = |margins: &[f64]| -> Vec<f64> {
        margins.chunks_exact(k).flat_map(|row| model.predictions(row)).collect()
    };
    let (margins, theirs) = (model.margins(rows), model.margins(background.rows()));
    let (answers, their_answers) = (answers_to(&margins), answers_to(&theirs));
    let shares: Vec<f64> = background.weights().iter().map(|weight| weight / background.total()).collect();
    let weights = Weights::new();
    let mut values = vec![0.0; rows.n_rows() * k * n_features];
    each_row(rows.n_rows(), &mut values, k * n_features, control, |row, own| {
        let mut pair = Pair {
            rows: [(rows, row), (background.rows(), 0)],
            decided: vec![None; n_features],
            weights: &weights,
        };
        let mut parts = vec![0.0; k * n_features];
        for (other, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            // A row against a large background takes long.
            if other % 256 == 255 && control.watch.should_stop() {
                return Err(Stopped);
            }
            pair.rows[1].1 = other;
            parts.fill(0.0);
            for tree in &model.trees {
                for place in 0..tree.leaf_values(0).len() {
                    let output = if let Target::One(output) = tree.target() { output.index() } else { place };
                    pair.walk(
                        tree,
                        place,
                        NodeId(0),
                        [0, 0],
                        &mut parts[output * n_features..][..n_features],
                    );
                }
            }
            if let Some(linear) = &model.linear {
                for (output, parts) in parts.chunks_exact_mut(n_features).enumerate() {
                    each_part(linear, output, |f| rows.at(f, row), |f| background.rows().at(f, other), parts);
                }
            }
            for output in 0..k {
                let (mine, other) = (row * k + output, other * k + output);
                let (margin, their) = (margins[mine], theirs[other]);
                let slope = if (margin - their).abs() > NEAR {
                    (answers[mine] - their_answers[other]) / (margin - their)
                } else {
                    let around = |margin: f64| model.predictions(&vec![margin; k])[output];
                    (around(margin + NEAR) - around(margin - NEAR)) / (2.0 * NEAR)
                };
                let sums = &mut own[output * n_features..][..n_features];
                let parts = &parts[output * n_features..][..n_features];
                sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += share * slope * part);
            }
        }
        Ok(())
    })?;
    let mut base = vec![0.0; k];
    for (share, answers) in shares.iter().zip(their_answers.chunks_exact(k)) {
        base.iter_mut().zip(answers).for_each(|(sum, answer)| *sum += share * answer);
    }
    let game = Game::Background(background).name();
    Ok(Attributions::measured(game, n_features, base, values, answers)
        .of_kind(Kind::Rescaled)
        .on(Space::Rescaled))
}

/// Weights of Shapley's sum, by how many others are known and how many features there are.
struct Weights(Vec<[f64; KNOWN_WEIGHTS + 1]>);

impl Weights {
    fn new() -> Self {
        let of = |n: usize| std::array::from_fn(|s| if s < n { shapley_weight(s, n) } else { 0.0 });
        Self((0..=KNOWN_WEIGHTS).map(of).collect())
    }

    fn of(&self, s: usize, n: usize) -> f64 {
        self.0.get(n).map_or_else(|| shapley_weight(s, n), |known| known[s])
    }
}

/// A row and one of the background on their way down a tree.
struct Pair<'p> {
    rows: [(&'p FeatureMatrix, usize); 2],
    /// By feature whose side is taken, once both answered differently.
    decided: Vec<Option<usize>>,
    weights: &'p Weights,
}

impl Pair<'_> {
    /// Adds to `parts` what the leaves below a node are worth to each feature, and answers what they are worth to each feature
    /// above that is the row's own, and to each that is the other's. `n` of both are decided.
    fn walk(&mut self, tree: &Tree, place: usize, at: NodeId, n: [usize; 2], parts: &mut [f64]) -> [f64; 2] {
        let split = match &tree.nodes()[at.index()] {
            Node::Split(split) => split,
            Node::Leaf(leaf) => {
                let value = tree.leaf_values(*leaf)[place];
                let [own, others] = n;
                let weight = |known: usize| self.weights.of(known, own + others) * value;
                return [
                    if own > 0 { weight(own - 1) } else { 0.0 },
                    if others > 0 { -weight(own) } else { 0.0 },
                ];
            }
        };
        let feature = split.feature;
        let side = |(rows, row): (&FeatureMatrix, usize)| split.side(rows.at(feature, row), tree.sets());
        if let Some(who) = self.decided[feature.index()] {
            return self.walk(tree, place, split.child(side(self.rows[who])), n, parts);
        }
        let sides: [Side; 2] = self.rows.map(side);
        if sides[0] == sides[1] {
            return self.walk(tree, place, split.child(sides[0]), n, parts);
        }
        self.decided[feature.index()] = Some(0);
        let own = self.walk(tree, place, split.child(sides[0]), [n[0] + 1, n[1]], parts);
        self.decided[feature.index()] = Some(1);
        let others = self.walk(tree, place, split.child(sides[1]), [n[0], n[1] + 1], parts);
        self.decided[feature.index()] = None;
        parts[feature.index()] += own[0] + others[1];
        [own[0] + others[0], own[1] + others[1]]
    }
}
