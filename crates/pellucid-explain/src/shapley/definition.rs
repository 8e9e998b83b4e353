//! What are Shapley values, word for word? The oracle that every fast path is tested against.
//!
//! $$ \phi_i = \sum_{S \not\ni i} \frac{|S|! \, (n - |S| - 1)!}{n!} \, \bigl( v(S \cup i) - v(S) \bigr) $$
//!
//! [`by_subsets`] computes this sum as it stands, with $v(S)$ from a walk of every tree (Lundberg et al.
//! 2020, algorithm 1). [`by_paths`] is a second slow way that shares no formula with the fast ones: it
//! sums over subset *sizes* with the coefficients of a polynomial, and so reaches paths of any length. [`by_row_pairs`] is
//! one for the background game.

use std::num::NonZeroUsize;

use pellucid_data::{FeatureId, NodeId};
use pellucid_models::trees::{Ensemble, FeatureMatrix, Node, Side, Tree};

use super::columns::each_pair;
use super::game::{Background, Game};
use super::paths::{LeafPath, paths};
use super::workers::each_row;
use crate::{Attributions, Control, Space, Stopped};

/// More used features than this would take hours a row.
pub const MAX_FEATURES: usize = 20;
/// Bytes that all workers together hold for the worth of sets, if more than one works.
const MAX_WORTH_BYTES: usize = 1 << 30;

/// The expected answer of a tree when only the features of `known` are known (the EXPVALUE procedure).
fn expectation(
    tree: &Tree,
    at: NodeId,
    x: &dyn Fn(FeatureId) -> f64,
    known: &dyn Fn(FeatureId) -> bool,
) -> Vec<f64> {
    match &tree.nodes()[at.index()] {
        Node::Leaf(leaf) => tree.leaf_values(*leaf).to_vec(),
        Node::Split(split) if known(split.feature) => {
            expectation(tree, split.child(split.side(x(split.feature), tree.sets())), x, known)
        }
        Node::Split(split) => {
            let mut sum = vec![0.0; tree.leaf_values(0).len()];
            for side in [Side::Yes, Side::No] {
                let below = expectation(tree, split.child(side), x, known);
                let share = tree.share(split, side);
                sum.iter_mut().zip(below).for_each(|(sum, value)| *sum += share * value);
            }
            sum
        }
    }
}

/// The game: expected margins, one an output, with some features known.
pub(super) fn worth(
    model: &Ensemble,
    game: Game<'_>,
    space: Space,
    x: &dyn Fn(FeatureId) -> f64,
    known: &dyn Fn(FeatureId) -> bool,
) -> Vec<f64> {
    let background = match game {
        Game::Background(background) => background,
        // In these games only margins have a worth, see the plan.
        Game::PathDependent => return expected(model, x, known),
        Game::Correlated(background) => {
            let all = (0..model.features.len()).map(FeatureId::at);
            let means = conditional_means(background, &all.collect::<Vec<_>>(), x, known);
            return model.margin(|feature| means[feature.index()]);
        }
    };
    let mut sums = vec![0.0; model.base.len()];
    for (row, weight) in background.weights().iter().enumerate() {
        let mixed = |feature| if known(feature) { x(feature) } else { background.rows().at(feature, row) };
        let share = weight / background.total();
        let answers = answer(model, space, mixed);
        sums.iter_mut().zip(answers).for_each(|(sum, answer)| *sum += share * answer);
    }
    sums
}

/// Known features as they are, others where they are expected, if all follow a normal distribution: with covariances C,
/// E[x_U | x_K] = m_U + C_UK C_KK⁻¹ (x_K - m_K).
fn conditional_means(
    background: &Background,
    features: &[FeatureId],
    x: &dyn Fn(FeatureId) -> f64,
    known: &dyn Fn(FeatureId) -> bool,
) -> Vec<f64> {
    let mean = |f: FeatureId| background.mean(f);
    let covariance = |f: FeatureId, g: FeatureId| {
        let (of_f, of_g) = (mean(f), mean(g));
        background
            .mean_of(|row| (background.rows().at(f, row) - of_f) * (background.rows().at(g, row) - of_g))
    };
    let given: Vec<FeatureId> = features.iter().copied().filter(|&f| known(f)).collect();
    // What never varies says nothing.
    let telling: Vec<FeatureId> = given.iter().copied().filter(|&f| covariance(f, f) > 0.0).collect();
    let mut equations: Vec<Vec<f64>> = telling
        .iter()
        .map(|&f| telling.iter().map(|&g| covariance(f, g)).chain([x(f) - mean(f)]).collect())
        .collect();
    let weights = solve(&mut equations);
    let expected = |f: FeatureId| {
        mean(f) + telling.iter().zip(&weights).map(|(&g, weight)| covariance(f, g) * weight).sum::<f64>()
    };
    features.iter().map(|&f| if known(f) { x(f) } else { expected(f) }).collect()
}

/// Solves linear equations, whose right sides stand last, by Gauss's elimination.
fn solve(equations: &mut [Vec<f64>]) -> Vec<f64> {
    let n = equations.len();
    for at in 0..n {
        let largest = (at..n).max_by(|&a, &b| equations[a][at].abs().total_cmp(&equations[b][at].abs()));
        equations.swap(at, largest.unwrap_or(at));
        let pivot = equations[at].clone();
        for equation in equations.iter_mut().skip(at + 1) {
            let times = equation[at] / pivot[at];
            equation.iter_mut().zip(&pivot).for_each(|(own, other)| *own -= times * other);
        }
    }
    let mut found = vec![0.0; n];
    for at in (0..n).rev() {
        let known: f64 = (at + 1..n).map(|other| equations[at][other] * found[other]).sum();
        found[at] = (equations[at][n] - known) / equations[at][at];
    }
    found
}

/// The features that can change what the others are worth.
fn players(model: &Ensemble, game: Game<'_>) -> Vec<FeatureId> {
    match game {
        // What moves no margin may tell of what does.
        Game::Correlated(_) => (0..model.features.len()).map(FeatureId::at).collect(),
        Game::PathDependent | Game::Background(_) => model.features_in_use(),
    }
}

/// What the model says to a row, on a scale.
fn answer(model: &Ensemble, space: Space, x: impl Fn(FeatureId) -> f64) -> Vec<f64> {
    let margins = model.margin(x);
    if space == Space::Margin { margins } else { model.predictions(&margins) }
}

/// The path-dependent game.
fn expected(model: &Ensemble, x: &dyn Fn(FeatureId) -> f64, known: &dyn Fn(FeatureId) -> bool) -> Vec<f64> {
    let mut sums = model.base.clone();
    for tree in &model.trees {
        let values = expectation(tree, NodeId(0), x, known);
        tree.target().each_output(&values, |output, value| sums[output] += value);
    }
    sums
}

/// The worth of every set of players to a row.
fn worths(
    model: &Ensemble,
    game: Game<'_>,
    space: Space,
    x: &dyn Fn(FeatureId) -> f64,
    players: &[FeatureId],
    control: &Control<'_>,
) -> Result<Vec<Vec<f64>>, Stopped> {
    let n = players.len();
    let mut worths = Vec::with_capacity(1 << n);
    for set in 0..1_usize << n {
        // A row can take minutes: it must be possible to stop within it.
        if set % 256 == 255 && control.watch.should_stop() {
            return Err(Stopped);
        }
        let known = |f: FeatureId| players.iter().position(|&p| p == f).is_some_and(|p| set >> p & 1 == 1);
        worths.push(worth(model, game, space, x, &known));
    }
    Ok(worths)
}

/// Shapley values by the sum over all subsets of the features that the model uses.
///
/// Time is `2^f` walks of every tree a row; [`super::plan`] refuses more than [`MAX_FEATURES`].
///
/// # Errors
/// When `control.watch` asks to stop.
pub fn by_subsets(
    model: &Ensemble,
    game: Game<'_>,
    space: Space,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<Attributions, Stopped> {
    let players = players(model, game);
    let n = players.len();
    let (n_features, n_outputs) = (model.features.len(), model.base.len());
    let mut values = vec![0.0; rows.n_rows() * n_outputs * n_features];
    let nobody = worth(model, game, space, &|_| f64::NAN, &|_| false);
    // Every worker holds what all sets are worth.
    let bytes = (size_of::<Vec<f64>>() + 32 + n_outputs * size_of::<f64>()) << n;
    let most = NonZeroUsize::new(MAX_WORTH_BYTES / bytes).unwrap_or(NonZeroUsize::MIN);
    let control = &Control { threads: control.threads.min(most), watch: control.watch };
    each_row(rows.n_rows(), &mut values, n_outputs * n_features, control, |row, own| {
        let x = |feature: FeatureId| rows.at(feature, row);
        let worths = worths(model, game, space, &x, &players, control)?;
        for (player, feature) in players.iter().enumerate() {
            for set in (0..1_usize << n).filter(|set| set >> player & 1 == 0) {
                let weight = shapley_weight(set.count_ones() as usize, n);
                for output in 0..n_outputs {
                    let gain = worths[set | 1 << player][output] - worths[set][output];
                    own[output * n_features + feature.index()] += weight * gain;
                }
            }
        }
        Ok(())
    })?;
    let margins = (0..rows.n_rows()).flat_map(|row| answer(model, space, |f| rows.at(f, row))).collect();
    Ok(Attributions::measured(game.name(), n_features, nobody, values, margins).on(space))
}

/// Interaction indices by the sum over all subsets of the other features that the model uses (Grabisch & Roubens 1999):
///
/// $$ I_{ij} = \sum_{S \not\ni i, j} \frac{|S|! \, (n - |S| - 2)!}{(n - 1)!} \, \bigl( v(S \cup ij) - v(S \cup i) - v(S \cup j) + v(S) \bigr) $$
///
/// Rows × outputs × pairs (0, 1), (0, 2), ... of all features.
///
/// # Errors
/// When `control.watch` asks to stop.
pub fn interactions_by_subsets(
    model: &Ensemble,
    game: Game<'_>,
    rows: &FeatureMatrix,
    control: &Control<'_>,
) -> Result<Vec<f64>, Stopped> {
    let players = players(model, game);
    let (n, n_outputs) = (players.len(), model.base.len());
    let mut found = Vec::new();
    for row in 0..rows.n_rows() {
        let x = |feature: FeatureId| rows.at(feature, row);
        let worths = worths(model, game, Space::Margin, &x, &players, control)?;
        // By output: the worth of every set.
        let by_output = (0..n_outputs).map(|output| worths.iter().map(|all| all[output]).collect());
        for worths in by_output.collect::<Vec<Vec<f64>>>() {
            let player = |feature: usize| players.iter().position(|player| player.index() == feature);
            for (one, other) in each_pair(model.features.len()) {
                let (Some(i), Some(j)) = (player(one), player(other)) else {
                    found.push(0.0);
                    continue;
                };
                let (i, j) = (1 << i, 1 << j);
                let without = (0..1_usize << n).filter(|set| set & (i | j) == 0);
                let gain = |set: usize| worths[set | i | j] - worths[set | i] - worths[set | j] + worths[set];
                // The pair is one player among n - 1.
                let part = |set: usize| shapley_weight(set.count_ones() as usize, n - 1) * gain(set);
                found.push(without.map(part).sum());
            }
        }
    }
    Ok(found)
}

/// `s! (n - s - 1)! / n!`, without the factorials.
#[must_use]
pub fn shapley_weight(s: usize, n: usize) -> f64 {
    let choose = (1..=s).fold(1.0, |product, k| product * (n - k) as f64 / k as f64);
    1.0 / (n as f64 * choose)
}

/// Shapley values leaf by leaf, by subset sizes: with $\prod_{u \ne i} (o_u z + r_u) = \sum_k c_k z^k$,
/// the leaf gives feature $i$ the value $w (o_i - r_i) \sum_k \frac{k! (d - 1 - k)!}{d!} c_k$.
///
/// All terms are of one sign, so that nothing cancels at any depth. Time is `O(d³)` a leaf.
#[must_use]
pub fn by_paths(model: &Ensemble, rows: &FeatureMatrix) -> Attributions {
    let (n_features, n_outputs) = (model.features.len(), model.base.len());
    let mut values = vec![0.0; rows.n_rows() * n_outputs * n_features];
    let mut base = model.base.clone();
    let mut margins = Vec::with_capacity(rows.n_rows() * n_outputs);
    for tree in &model.trees {
        for path in paths(tree) {
            let chance: f64 = path.slots.iter().map(|slot| slot.share).product();
            tree.target()
                .each_output(tree.leaf_values(path.leaf), |output, leaf| base[output] += leaf * chance);
            for row in 0..rows.n_rows() {
                let passes = passes(tree, &path, |feature| rows.at(feature, row));
                for (at, slot) in path.slots.iter().enumerate() {
                    let part = part_of(&path, &passes, at);
                    tree.target().each_output(tree.leaf_values(path.leaf), |output, leaf| {
                        values[(row * n_outputs + output) * n_features + slot.feature.index()] += leaf * part;
                    });
                }
            }
        }
    }
    for row in 0..rows.n_rows() {
        margins.extend(model.margin(|feature| rows.at(feature, row)));
    }
    Attributions::measured(Game::PathDependent.name(), n_features, base, values, margins)
}

/// Shapley values of the background game, one pair of an explained and a background row at a time (Lundberg et al. 2020,
/// algorithm 3, as a walk): where both rows answer a split differently, both sides are taken, one with the feature on the
/// explained row's side, one on the other's.
///
/// Time is rows × background × leaves; paths may be of any length.
#[must_use]
pub fn by_row_pairs(model: &Ensemble, background: &Background, rows: &FeatureMatrix) -> Attributions {
    let (n_features, n_outputs) = (model.features.len(), model.base.len());
    let mut values = vec![0.0; rows.n_rows() * n_outputs * n_features];
    let mut base = vec![0.0; n_outputs];
    for (other, weight) in background.weights().iter().enumerate() {
        let margins = model.margin(|feature| background.rows().at(feature, other));
        base.iter_mut().zip(margins).for_each(|(sum, margin)| *sum += weight / background.total() * margin);
        for row in 0..rows.n_rows() {
            let own = &mut values[row * n_outputs * n_features..][..n_outputs * n_features];
            for tree in &model.trees {
                let mut pair = Pair {
                    tree,
                    x: &|feature| rows.at(feature, row),
                    z: &|feature| background.rows().at(feature, other),
                    decided: Vec::new(),
                };
                pair.walk(NodeId(0), &mut |leaf, feature, part| {
                    tree.target().each_output(tree.leaf_values(leaf), |output, value| {
                        own[output * n_features + feature.index()] +=
                            weight / background.total() * part * value;
                    });
                });
            }
        }
    }
    let margins = model.margins(rows);
    Attributions::measured(Game::Background(background).name(), n_features, base, values, margins)
}

/// Two rows on their way down a tree.
struct Pair<'p> {
    tree: &'p Tree,
    x: &'p dyn Fn(FeatureId) -> f64,
    z: &'p dyn Fn(FeatureId) -> f64,
    /// Features on which the way depends, and whether it is that of x.
    decided: Vec<(FeatureId, bool)>,
}

impl Pair<'_> {
    fn walk(&mut self, at: NodeId, tell: &mut dyn FnMut(u32, FeatureId, f64)) {
        let split = match &self.tree.nodes()[at.index()] {
            Node::Split(split) => split,
            Node::Leaf(leaf) => {
                let p = self.decided.iter().filter(|(_, of_x)| *of_x).count();
                let n = self.decided.len();
                for &(feature, of_x) in &self.decided {
                    let part = if of_x { shapley_weight(p - 1, n) } else { -shapley_weight(p, n) };
                    tell(*leaf, feature, part);
                }
                return;
            }
        };
        let side = |value| split.side(value, self.tree.sets());
        let (own, theirs) = (side((self.x)(split.feature)), side((self.z)(split.feature)));
        match self.decided.iter().find(|(feature, _)| *feature == split.feature) {
            Some((_, of_x)) => self.walk(split.child(if *of_x { own } else { theirs }), tell),
            None if own == theirs => self.walk(split.child(own), tell),
            None => {
                for (side, of_x) in [(own, true), (theirs, false)] {
                    self.decided.push((split.feature, of_x));
                    self.walk(split.child(side), tell);
                    self.decided.pop();
                }
            }
        }
    }
}

/// For each distinct feature of the path, whether the row passes all of its splits.
fn passes(tree: &Tree, path: &LeafPath, x: impl Fn(FeatureId) -> f64) -> Vec<bool> {
    let mut passes = vec![true; path.slots.len()];
    for step in &path.steps {
        if let Node::Split(split) = &tree.nodes()[step.node.index()] {
            passes[step.slot] &= split.side(x(split.feature), tree.sets()) == step.side;
        }
    }
    passes
}

fn part_of(path: &LeafPath, passes: &[bool], at: usize) -> f64 {
    let d = path.slots.len();
    let mut coefficients = vec![1.0];
    for (slot, &pass) in
        path.slots.iter().zip(passes).enumerate().filter(|(u, _)| *u != at).map(|(_, pair)| pair)
    {
        coefficients.push(0.0);
        for k in (0..coefficients.len()).rev() {
            let lower = if k > 0 && pass { coefficients[k - 1] } else { 0.0 };
            coefficients[k] = coefficients[k] * slot.share + lower;
        }
    }
    let sum: f64 = coefficients.iter().enumerate().map(|(k, c)| c * shapley_weight(k, d)).sum();
    (f64::from(passes[at]) - path.slots[at].share) * sum
}
