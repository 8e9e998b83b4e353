//! What could one feature alone do to the answer?
//!
//! A sum of trees is constant between two neighbouring thresholds of a feature, so one value between each two of them tells all: what is
//! said of its lowest and highest answer, and of where the decision turns, holds for every value in the domain and not only for those
//! that were tried. (A linear part is no step function; there the data's own values are tried, and [`Reach::is_exact`] says so.)

use std::ops::Range;

use pellucid_data::control::{Control, Stopped};
use pellucid_models::trees::{Ensemble, FeatureMatrix, Node};
use pellucid_models::{Predict as _, Scale};

use super::{Constraint, Domain, Values};
use crate::shapley::add_cuts;

/// How margins of a row become the answer that is asked for, and where the decision changes.
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    /// From the margins of a row, one an output, to the answer.
    pub answer: &'a (dyn Fn(&[f64]) -> f64 + Sync),
    /// From this answer on the decision is the other one; `None` where nothing is decided.
    pub cut: Option<f64>,
}

/// A value that a feature might have, and the answer with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The number, or the code of the category.
    pub value: f64,
    /// The answer.
    pub answer: f64,
}

/// What one feature alone can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// Where the answer is lowest; of several values the nearest one.
    pub low: Point,
    /// Where it is highest.
    pub high: Point,
    /// The nearest value with the other decision; `None` if no value has it. Of numbers that are not whole, a value of few digits in the
    /// first hundredth of the nearest piece: its own end has many.
    pub turn: Option<Point>,
    /// Whether that holds for every value of the domain, or for those of the data only.
    pub is_exact: bool,
}

/// What each feature could do to a row's answer, all others staying as they are. Answers are computed as the source library does.
///
/// # Errors
/// [`Stopped`], when the caller asks for that.
pub fn reaches(
    model: &Ensemble,
    row: &[f64],
    domains: &[Domain],
    constraints: &[Constraint],
    decision: Decision<'_>,
    control: &Control<'_>,
) -> Result<Vec<Reach>, Stopped> {
    let cuts = cuts(model);
    let of = |feature: usize| {
        if control.watch.should_stop() {
            return Err(Stopped);
        }
        let mut tried = vec![row[feature]];
        tried.extend(candidates(
            &cuts[feature],
            row[feature],
            &domains[feature],
            constraints[feature],
            model,
        ));
        // Where rows of the data lack it, it may be missing, too.
        let may_be_missing = constraints[feature] == Constraint::Free && domains[feature].n_missing > 0;
        if may_be_missing && !row[feature].is_nan() {
            tried.push(f64::NAN);
        }
        let answers = answers(model, row, feature, &tried, decision);
        Ok(reach(&tried, &answers, decision.cut, model.linear.is_none()))
    };
    (0..row.len()).map(of).collect()
}

fn reach(tried: &[f64], answers: &[f64], cut: Option<f64>, is_exact: bool) -> Reach {
    let point = |at: usize| Point { value: tried[at], answer: answers[at] };
    // Of a number and a missing value nothing is nearer than another number.
    let near = |at: usize| {
        let apart = (tried[at] - tried[0]).abs();
        if at == 0 {
            0.0
        } else if apart.is_nan() {
            f64::INFINITY
        } else {
            apart
        }
    };
    let nearer = |a: usize, b: usize| near(a).total_cmp(&near(b)).then(a.cmp(&b));
    let all = || (0..tried.len()).filter(|&at| !answers[at].is_nan());
    let low = all().min_by(|&a, &b| answers[a].total_cmp(&answers[b]).then(nearer(a, b))).unwrap_or(0);
    let high = all().max_by(|&a, &b| answers[a].total_cmp(&answers[b]).then(nearer(b, a))).unwrap_or(0);
    let turn = cut.and_then(|cut| {
        let other = all().filter(|&at| (answers[at] >= cut) != (answers[0] >= cut));
        other.min_by(|&a, &b| nearer(a, b))
    });
    Reach { low: point(low), high: point(high), turn: turn.map(point), is_exact }
}

/// The answers of a row with other values of one feature.
fn answers(model: &Ensemble, row: &[f64], feature: usize, tried: &[f64], decision: Decision<'_>) -> Vec<f64> {
    let column = |at: usize| if at == feature { tried.to_vec() } else { vec![row[at]; tried.len()] };
    let columns = (0..row.len()).map(column).collect();
    let Some(rows) = FeatureMatrix::new(columns, tried.len(), model.cast) else { return Vec::new() };
    let margins = model.predict(&rows, Scale::Margin);
    margins.chunks_exact(model.base.len()).map(decision.answer).collect()
}

/// By feature, the values from which on some tree decides otherwise, in order.
fn cuts(model: &Ensemble) -> Vec<Vec<f64>> {
    let mut cuts = vec![Vec::new(); model.features.len()];
    for tree in &model.trees {
        for node in tree.nodes() {
            if let Node::Split(split) = node {
                add_cuts(&mut cuts[split.feature.index()], split, tree);
            }
        }
    }
    for own in &mut cuts {
        own.sort_unstable_by(f64::total_cmp);
        own.dedup();
    }
    cuts
}

/// One value of every piece of the domain on which a model of trees is constant, but for the piece of the present value.
pub(super) fn candidates(
    cuts: &[f64],
    now: f64,
    domain: &Domain,
    constraint: Constraint,
    model: &Ensemble,
) -> Vec<f64> {
    match &domain.values {
        _ if constraint == Constraint::Held => Vec::new(),
        Values::Nothing => Vec::new(),
        Values::Categories { seen } => {
            let is_free = constraint == Constraint::Free;
            let others = seen.iter().filter(|&&(code, n)| is_free && n > 0 && code != now);
            others.map(|other| other.0).collect()
        }
        Values::Numbers { low, high, whole, grid, .. } => {
            // What is missing can't rise or fall; without constraint a number may stand there.
            let (low, high) = match constraint {
                Constraint::Up => (now.max(*low), *high),
                Constraint::Down => (*low, now.min(*high)),
                _ => (*low, *high),
            };
            // (`max` and `min` pass over a missing value, which can't rise or fall.)
            let is_moving = constraint != Constraint::Free;
            if is_moving && now.is_nan() || low > high {
                return Vec::new();
            }
            let inner = cuts.iter().copied().filter(|&cut| cut > low && cut <= high);
            let starts: Vec<f64> = std::iter::once(low).chain(inner).collect();
            let ends = starts[1..].iter().copied().chain([high.next_up()]);
            let pieces = starts.iter().copied().zip(ends).map(|(start, end)| start..end);
            let own = |piece: &Range<f64>| piece.contains(&now);
            let pick = |piece: Range<f64>| {
                let seen = representative(&piece, now, *whole, grid, model);
                let nearest = end_towards(&piece, now, *whole, model);
                seen.into_iter().chain(nearest)
            };
            let mut found: Vec<f64> = pieces.filter(|piece| !own(piece)).flat_map(pick).collect();
            if model.linear.is_some() {
                found.extend(grid.iter().copied().filter(|x| (low..=high).contains(x)));
                found.extend([low, high]);
            }
            found
        }
    }
}

/// A value of a piece that people would write down: one of the data, or one of few digits; as near to `now` as such values go. `None` where
/// only whole numbers make sense and none is there.
fn representative(piece: &Range<f64>, now: f64, whole: bool, grid: &[f64], model: &Ensemble) -> Option<f64> {
    let from = grid.partition_point(|&x| x < piece.start);
    let to = grid.partition_point(|&x| x < piece.end);
    // A missing value has no side.
    let is_above = now.is_nan() || now <= piece.start;
    if from < to {
        return Some(if is_above { grid[from] } else { grid[to - 1] });
    }
    let value = if whole {
        let (first, last) = (piece.start.ceil(), piece.end.next_down().floor());
        (first <= last).then_some(if is_above { first } else { last })?
    } else {
        roundest(piece, is_above, 0)
    };
    survivor(value, piece, model)
}

/// The value, if it is still in the piece as the model reads it; else the piece's first that is, if inputs can be there at all: rounded
/// to 32 bits, nothing may stand between two thresholds of 64.
fn survivor(value: f64, piece: &Range<f64>, model: &Ensemble) -> Option<f64> {
    let is_in = |x: &f64| piece.contains(&model.cast.apply(*x));
    let rounded = piece.start as f32;
    [value, piece.start, f64::from(rounded), f64::from(rounded.next_up())].into_iter().find(is_in)
}

/// The value of a piece that is nearest to `now`: a whole number, or one of few digits close to the end.
fn end_towards(piece: &Range<f64>, now: f64, whole: bool, model: &Ensemble) -> Option<f64> {
    if now.is_nan() {
        return None;
    }
    let is_above = now <= piece.start;
    let value = if whole {
        let (first, last) = (piece.start.ceil(), piece.end.next_down().floor());
        (first <= last).then_some(if is_above { first } else { last })?
    } else {
        roundest(piece, is_above, 2)
    };
    survivor(value, piece, model)
}

/// The number of few digits that is nearest to the lower end, or to the upper one; `finer` digits more bring it so much closer.
fn roundest(piece: &Range<f64>, at_start: bool, finer: i32) -> f64 {
    let width = piece.end - piece.start;
    let first = finer - width.log10().floor() as i32;
    for decimals in first..first + 3 {
        let step = 10_f64.powi(-decimals);
        let times =
            if at_start { (piece.start / step).ceil() } else { (piece.end.next_down() / step).floor() };
        // Through text, so that 3 · 0.1 is 0.3.
        let text = format!("{:.*}", decimals.max(0) as usize, times * step);
        if let Some(value) = text.parse().ok().filter(|value| piece.contains(value)) {
            return value;
        }
    }
    piece.start
}
