//! What do columns carry? Tokens and heads, level where they have room, else upwards: above a map, or below a square.

use crate::render::scene::{Anchor, Scene};
use crate::render::text_width;
use crate::theme::{Paint, size};

/// The narrowest column whose name stands level, cut if need be.
const LEVEL: f64 = 34.0;
/// The narrowest column whose name has room upwards.
pub(crate) const UPWARD: f64 = 10.0;
/// What names may take upwards.
const HIGH: f64 = 108.0;
/// Between the tokens of two prompts at one place.
pub(crate) const BECOMES: char = '→';

/// What names take upwards, at most so much.
pub(crate) fn upwards(names: &[String], most: f64) -> f64 {
    names.iter().map(|name| text_width(name, size::TICK, false)).fold(0.0, f64::max).min(most)
}

/// Columns that are named where not every name has room: those that have to be, and every so many that are not beside one of them.
pub(crate) fn named(n: usize, wanted: &[usize], step: f64) -> impl Iterator<Item = usize> {
    let every = (UPWARD / step).ceil().max(1.0) as usize;
    let is_free = move |at: usize| wanted.iter().all(|own| own.abs_diff(at) >= every);
    (0..n).filter(move |at| wanted.contains(at) || (at % every == 0 && is_free(*at)))
}

/// Names above columns, from `top` on: level where they have room, else upwards. Those of columns that differ are strong and have a line below.
/// Answers where the columns begin.
pub(crate) fn heads_above(
    scene: &mut Scene,
    names: &[String],
    differ: &[usize],
    [left, top]: [f64; 2],
    step: f64,
) -> f64 {
    let fits = |name: &str| text_width(name, size::TICK, false) <= step - 3.0;
    let paint = |at: &usize| if differ.contains(at) { Paint::Ink } else { Paint::Muted };
    let middle = |at: usize| left + step * (at as f64 + 0.5);
    let below = if step >= LEVEL || names.iter().all(|name| fits(name)) {
        // Two tokens that have no room beside each other stand below each other.
        let lines = |name: &String| match name.split_once(BECOMES) {
            Some((own, other)) if !fits(name) && !own.is_empty() && !other.is_empty() => {
                vec![own.to_owned(), other.to_owned()]
            }
            _ => vec![name.clone()],
        };
        let all: Vec<Vec<String>> = names.iter().map(lines).collect();
        let last = top + 12.0 * all.iter().map(Vec::len).max().unwrap_or(1) as f64;
        for (at, lines) in all.iter().enumerate() {
            for (up, line) in lines.iter().rev().enumerate() {
                let place = [middle(at), last - 12.0 * up as f64];
                scene.fitted(place, line, step - 3.0, size::TICK, paint(&at), Anchor::Middle);
            }
        }
        last + 8.0
    } else {
        let high = upwards(names, HIGH);
        let last = top + high + 2.0;
        for at in named(names.len(), differ, step) {
            scene.upward([middle(at) + 4.0, last], &names[at], high, size::TICK, paint(&at), Anchor::Start);
        }
        last + 8.0
    };
    for at in differ {
        let x = left + step * *at as f64;
        scene.line([x + 1.0, below - 3.0], [x + step - 2.0, below - 3.0], Paint::Ink, 1.5, false);
    }
    below
}
