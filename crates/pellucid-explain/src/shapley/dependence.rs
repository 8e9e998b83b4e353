//! What does the model answer when one feature alone is known? Partial dependence, as the game of the values defines it.
//!
//! v({i}) at a value x of feature i: in the background game the mean margin over rows of the background that all have x (Friedman 2001,
//! section 8.2); in the path-dependent game the mean over the training rows that each tree sends along (`method="recursion"` of
//! scikit-learn). It is where the Shapley value of i begins: the gain of i when nothing else is known is v({i}) - v(∅).
//!
//! A background goes through every tree once, whatever the grid: a leaf is reached by the share of its rows that pass all splits but
//! those on i, where x passes these. The shares are those of the histograms that tables are made of.

use std::sync::Mutex;

use pellucid_data::{FeatureId, NodeId};
use pellucid_models::trees::{Ensemble, Node, Target, Tree};

use super::bins::Bins;
use super::definition::worth;
use super::game::{Background, Game};
use super::histogram::{Binned, Histogram, all_pass};
use super::paths::{Path, walk};
use super::workers::share;
use crate::{Control, Space, Stopped};

/// Expected margins, one an output, at each of some values of a feature; `None` where the game is not defined for the model.
///
/// # Errors
/// When `control.watch` asks to stop.
pub fn partial_dependence(
    model: &Ensemble,
    game: Game<'_>,
    feature: FeatureId,
    at: &[f64],
    control: &Control<'_>,
) -> Result<Option<Vec<Vec<f64>>>, Stopped> {
    match game {
        Game::PathDependent if !model.has_covers => return Ok(None),
        Game::Correlated(_) if model.linear.is_none() || !model.trees.is_empty() => return Ok(None),
        Game::Background(background) if model.linear.is_none() => {
            if let Some(found) = by_histograms(model, background, feature, at, control)? {
                return Ok(Some(found));
            }
        }
        _ => {}
    }
    let found: Mutex<Vec<Vec<f64>>> = Mutex::new(vec![Vec::new(); at.len()]);
    share(
        at.iter().enumerate(),
        at.len(),
        control,
        || (),
        |(), (place, &x)| {
            let own = worth(model, game, Space::Margin, &|_| x, &|known| known == feature);
            if let Ok(mut found) = found.lock() {
                found[place] = own;
            }
            Ok(())
        },
    )?;
    Ok(found.into_inner().ok())
}

/// The same from histograms of the background; `None` where a path has more features than a pattern has bits.
fn by_histograms(
    model: &Ensemble,
    background: &Background,
    feature: FeatureId,
    at: &[f64],
    control: &Control<'_>,
) -> Result<Option<Vec<Vec<f64>>>, Stopped> {
    let bins = Bins::new(model);
    let binned = Binned::new(&bins, background);
    let n_outputs = model.base.len();
    // What each tree answers: grid × its own outputs; nothing where a path is too long.
    let mut of_trees: Vec<Option<Vec<f64>>> = vec![None; model.trees.len()];
    share(
        model.trees.iter().zip(&mut of_trees),
        model.trees.len(),
        control,
        || (),
        |(), (tree, slot)| {
            if let Some(histograms) = binned.of_leaves(tree, &bins, control.watch)? {
                let width = if matches!(tree.target(), Target::All) { n_outputs } else { 1 };
                let mut sums = vec![0.0; at.len() * width];
                each_share(tree, feature, at, &histograms, |place, leaf, share| {
                    let own = &mut sums[place * width..][..width];
                    own.iter_mut().zip(tree.leaf_values(leaf)).for_each(|(sum, value)| *sum += share * value);
                });
                *slot = Some(sums);
            }
            Ok(())
        },
    )?;
    let mut found = vec![model.base.clone(); at.len()];
    for (tree, sums) in model.trees.iter().zip(of_trees) {
        let Some(sums) = sums else { return Ok(None) };
        for (found, sums) in found.iter_mut().zip(sums.chunks(sums.len() / at.len())) {
            tree.target().each_output(sums, |output, sum| found[output] += sum);
        }
    }
    Ok(Some(found))
}

/// For every value of the grid and leaf, the share of the background that reaches it.
fn each_share(
    tree: &Tree,
    feature: FeatureId,
    at: &[f64],
    histograms: &[Histogram],
    mut give: impl FnMut(usize, u32, f64),
) {
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        let Node::Leaf(leaf) = &tree.nodes()[node.index()] else { return true };
        let slot = path.slots.iter().position(|slot| slot.feature == feature);
        let bit = slot.map_or(0, |slot| 1_u64 << slot);
        let full = all_pass(path.slots.len());
        let others = histograms[*leaf as usize].iter().filter(|(pattern, _)| pattern | bit == full);
        let share: f64 = others.map(|(_, share)| share).sum();
        for (place, &x) in at.iter().enumerate() {
            let mut own = path.steps.iter().filter(|step| Some(step.slot) == slot);
            let passes = own.all(|step| match &tree.nodes()[step.node.index()] {
                Node::Split(split) => split.side(x, tree.sets()) == step.side,
                Node::Leaf(_) => true,
            });
            if passes {
                give(place, *leaf, share);
            }
        }
        true
    });
}
