//! Which picture was asked for, and what does it need beyond the values? Partners by interactions, answers by one feature alone.

use std::path::Path;

use pellucid::data::FeatureId;
use pellucid::explain::shapley::{
    Game, How, Method, partial_dependence, plan_interactions, shap_interactions,
};
use pellucid::explain::{Kind, Space};
use pellucid::models::trees::Ensemble;
use pellucid::views::matrix::Matrix;
use pellucid::views::number::count;
use pellucid::views::partial::{Partial, Point};
use pellucid::views::render::{png, svg};
use pellucid::views::theme::Mode;
use pellucid::views::{Subject, View, bar, beeswarm, cohorts, decision, force, heatmap, scatter, waterfall};

use super::Context;
use super::explain::TOP;
use crate::args::{Explain, Plot, Theme};
use crate::explaining::{Explained, Feed, control};
use crate::failure::Failure;
use crate::output::{Format, write_file};

/// Rows whose interactions tell partners.
const PARTNER_ROWS: usize = 200;
/// Leaves and features of models whose interactions take no longer than their pictures.
const PARTNER_LEAVES: usize = 20_000;
const PARTNER_FEATURES: usize = 64;
/// Values of a feature at which the model is asked.
const GRID: usize = 60;

/// The picture that was asked for, or the usual one.
pub(super) fn picture(
    feed: &Feed,
    explained: &Explained,
    args: &Explain,
    usual: Plot,
    context: &Context<'_>,
) -> Result<Box<dyn View>, Failure> {
    let output = args.class.unwrap_or(0) as usize;
    let subject = explained.sample.subject(&feed.model, output);
    let plot = args.plot.unwrap_or(if args.row.is_some() { Plot::Waterfall } else { usual });
    let feature = || {
        let named = args.feature.as_deref().and_then(|name| subject.feature(name)).map(|id| id.index());
        named.or_else(|| subject.by_importance().first().copied()).ok_or_else(|| {
            Failure::Usage("no feature moves this model; there is nothing to draw by its values".to_owned())
        })
    };
    Ok(match plot {
        Plot::Bar => Box::new(bar::bar(&subject, TOP)),
        Plot::Beeswarm => Box::new(beeswarm::beeswarm(&subject, TOP)),
        Plot::Waterfall => Box::new(waterfall::waterfall(&subject, 0, TOP)),
        Plot::Force => Box::new(force::force(&subject, 0)),
        Plot::Decision => Box::new(decision::decision(&subject, TOP)),
        Plot::Heatmap => Box::new(heatmap::heatmap(&subject, TOP)),
        Plot::Scatter => Box::new(scatter::scatter(&subject, feature()?)),
        Plot::Cohorts => Box::new(cohorts::cohorts(&subject, feature()?, TOP)),
        Plot::Partial => Box::new(partial(feed, &subject, feature()?, output, context)?),
    })
}

/// Writes a picture to a file of its format.
pub(super) fn write(view: &dyn View, format: Format, path: &Path, args: &Explain) -> Result<(), Failure> {
    let scene = view.scene(f64::from(args.width));
    if format == Format::Svg {
        return write_file(path, svg::file(&scene).as_bytes());
    }
    let mode = if args.theme == Theme::Dark { Mode::Dark } else { Mode::Light };
    write_file(path, &png::file(&scene, mode, 2.0).map_err(|e| Failure::Usage(e.to_string()))?)
}

/// Finds for every feature the one that it interacts with most, exactly, over some of the rows; nothing where that would take long or
/// is not defined.
pub(super) fn find_partners(
    feed: &Feed,
    explained: &mut Explained,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let model = &feed.model;
    let is_small = model.features.len() <= PARTNER_FEATURES && model.n_leaves() <= PARTNER_LEAVES;
    let is_margin = explained.plan.space() == Space::Margin && explained.plan.method() != Method::Approximate;
    if !is_small || !is_margin || matches!(feed.game(), Game::Correlated(_)) {
        return Ok(());
    }
    let Some(rows) = explained.sample.matrix(model, PARTNER_ROWS) else { return Ok(()) };
    let progress = context.console.progress(None);
    let control = control(context.console, &progress);
    let plan = plan_interactions(model, feed.game(), How::new(Method::Auto, rows.n_rows()), &control);
    let found = plan.ok().and_then(|plan| shap_interactions(model, &plan, &rows, &control).ok());
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    if let Some(found) = found {
        explained.sample.set_partners(model, &found);
    }
    Ok(())
}

/// The expected answer by the values of one feature.
fn partial(
    feed: &Feed,
    subject: &Subject,
    feature: usize,
    output: usize,
    context: &Context<'_>,
) -> Result<Partial, Failure> {
    if subject.kind != Kind::Shapley || subject.unit == "probability" {
        return Err(Failure::Usage(
            "partial dependence is drawn on the scale of the margin; leave --output and --method out"
                .to_owned(),
        ));
    }
    let own = &subject.features[feature];
    // What is infinite has no place on an axis.
    let mut known: Vec<f64> = own.numbers.iter().copied().filter(|x| x.is_finite()).collect();
    known.sort_by(f64::total_cmp);
    let n_missing = own.numbers.iter().filter(|x| x.is_nan()).count();
    if known.is_empty() {
        return Err(Failure::Usage(format!("no row has a value of `{}` to draw", own.name)));
    }
    let mut grid = grid(&known);
    if let Some(levels) = &own.levels {
        grid.retain(|&code| (code as usize) < levels.len());
        let rows_of = |code: f64| known.iter().filter(|x| **x == code).count();
        grid.sort_by(|&a, &b| rows_of(b).cmp(&rows_of(a)).then(a.total_cmp(&b)));
    }
    let asked: Vec<f64> = grid.iter().copied().chain((n_missing > 0).then_some(f64::NAN)).collect();
    let progress = context.console.progress(None);
    let single = feed.shown.single(feature).ok_or_else(|| {
        let text = format!("partial dependence is of one feature, and `{}` is a group", own.name);
        Failure::Usage(text)
    })?;
    let id = FeatureId::at(single);
    let answers =
        partial_dependence(&feed.model, feed.game(), id, &asked, &control(context.console, &progress));
    let answers = match answers {
        Ok(Some(answers)) => answers,
        Ok(None) => return Err(Failure::Input("this game is not defined for the model".to_owned())),
        Err(_) if context.console.is_interrupted() => return Err(Failure::Interrupted),
        Err(_) => return Err(Failure::NothingInTime),
    };
    drop(progress);
    let mut before = f64::NEG_INFINITY;
    let mut point = |(at, &x): (usize, &f64)| {
        let is_in =
            |value: &&f64| if own.levels.is_some() { **value == x } else { **value > before && **value <= x };
        let n_rows = known.iter().filter(is_in).count();
        before = x;
        let place = if own.levels.is_some() { at as f64 } else { x };
        Point { x: place, answer: answers[at][output], n_rows }
    };
    let points = grid.iter().enumerate().map(&mut point).collect();
    let names =
        own.levels.as_ref().map(|levels| grid.iter().map(|&code| levels[code as usize].clone()).collect());
    Ok(Partial {
        feature: own.name.clone(),
        points,
        levels: names,
        base: subject.base,
        missing: (n_missing > 0).then(|| (answers[grid.len()][output], n_missing)),
        subtitle: Subject {
            method: format!("{} partial dependence, exact", feed.game().name()),
            ..subject.clone()
        }
        .subtitle(),
        unit: subject.unit.clone(),
        is_apart: matches!(feed.game(), Game::Background(_)),
        over: match feed.game() {
            Game::Background(background) => {
                format!("the {} rows of the background", count(background.rows().n_rows()))
            }
            Game::Correlated(_) => "what it tells of the others, by the background's correlations".to_owned(),
            _ => "the training rows that each tree sends along".to_owned(),
        },
    })
}

/// The values themselves where they are few, else evenly many rows apart, with both ends. `known` rises.
fn grid(known: &[f64]) -> Vec<f64> {
    let mut distinct = known.to_vec();
    distinct.dedup();
    if distinct.len() <= GRID {
        return distinct;
    }
    let mut grid: Vec<f64> = (0..GRID).map(|at| known[at * (known.len() - 1) / (GRID - 1)]).collect();
    grid.dedup();
    grid
}

/// Sums of absolute interactions as a picture: `sums` are those of pairs (0, 0), (0, 1), ..., (1, 1), ... of features, one half of a
/// pair each.
pub(super) fn matrix(model: &Ensemble, sums: &[f64], n_rows: usize, subtitle: String) -> Matrix {
    let n = model.features.len();
    // Both halves of a pair; the place of (i, j), i <= j, among all.
    let cell = |one: usize, other: usize| {
        let (i, j) = (one.min(other), one.max(other));
        let both = if i == j { 1.0 } else { 2.0 };
        both * sums[i * n - i * (i + 1) / 2 + j] / n_rows.max(1) as f64
    };
    let size = |one: usize| (0..n).map(|other| cell(one, other)).sum::<f64>();
    let mut order: Vec<usize> = (0..n).filter(|&one| size(one) > 0.0).collect();
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
    let n_hidden = order.len().saturating_sub(TOP);
    order.truncate(TOP);
    Matrix {
        cells: order.iter().flat_map(|&one| order.iter().map(move |&other| cell(one, other))).collect(),
        features: order.iter().map(|&one| model.features[one].name.clone()).collect(),
        n_hidden,
        n_rows,
        subtitle,
        unit: model.link.margin_unit().to_owned(),
    }
}
