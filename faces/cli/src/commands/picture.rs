//! Which picture was asked for, and what does it need beyond the values? Partners by interactions, answers by one feature alone.

use std::path::Path;

use pellucid::data::FeatureId;
use pellucid::explain::shapley::{Game, Method, partial_dependence};
use pellucid::explain::{Kind, Space};
use pellucid::partners::set_partners;
use pellucid::views::number::count;
use pellucid::views::partial::{self, Grid, Partial, Told};
use pellucid::views::render::{png, svg};
use pellucid::views::theme::Mode;
use pellucid::views::{Subject, View, bar, beeswarm, cohorts, decision, force, heatmap, scatter, waterfall};

use super::Context;
use super::explain::TOP;
use crate::args::{Explain, Plot, Theme};
use crate::explaining::{Explained, Feed, control};
use crate::failure::Failure;
use crate::output::{Format, write_file};

/// The picture that was asked for, or the usual one.
pub(super) fn picture(
    feed: &Feed,
    explained: &Explained,
    args: &Explain,
    usual: Plot,
    context: &Context<'_>,
) -> Result<Box<dyn View>, Failure> {
    let output = args.class.unwrap_or(0) as usize;
    let subject = explained.sample.subject(&feed.rows.model, output);
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
        Plot::Partial => Box::new(partial_of(feed, &subject, feature()?, output, context)?),
    })
}

/// Writes a picture to a file of its format.
pub(super) fn write(
    view: &dyn View,
    format: Format,
    path: &Path,
    (width, theme): (u16, Theme),
) -> Result<(), Failure> {
    let scene = view.scene(f64::from(width));
    if format == Format::Svg {
        return write_file(path, svg::file(&scene).as_bytes());
    }
    let mode = if theme == Theme::Dark { Mode::Dark } else { Mode::Light };
    write_file(path, &png::file(&scene, mode, 2.0).map_err(|e| Failure::Usage(e.to_string()))?)
}

/// Finds for every feature the one that it interacts with most, where that is defined.
pub(super) fn find_partners(
    feed: &Feed,
    explained: &mut Explained,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if explained.plan.space() != Space::Margin || explained.plan.method() == Method::Approximate {
        return Ok(());
    }
    let progress = context.console.progress(None);
    let control = control(context.console, &progress);
    // Where the time is over the picture does without.
    match set_partners(&feed.rows.model, feed.game(), &mut explained.sample, &control) {
        Err(_) if context.console.is_interrupted() => Err(Failure::Interrupted),
        _ => Ok(()),
    }
}

/// The expected answer by the values of one feature.
fn partial_of(
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
    let grid = Grid::of(own)
        .ok_or_else(|| Failure::Usage(format!("no row has a value of `{}` to draw", own.name)))?;
    let progress = context.console.progress(None);
    let single = feed.shown.single(feature).ok_or_else(|| {
        let text = format!("partial dependence is of one feature, and `{}` is a group", own.name);
        Failure::Usage(text)
    })?;
    let id = FeatureId::at(single);
    let answers = partial_dependence(
        &feed.rows.model,
        feed.game(),
        id,
        &grid.asked(),
        &control(context.console, &progress),
    );
    let answers = match answers {
        Ok(Some(answers)) => answers,
        Ok(None) => return Err(Failure::Input("this game is not defined for the model".to_owned())),
        Err(_) if context.console.is_interrupted() => return Err(Failure::Interrupted),
        Err(_) => return Err(Failure::NothingInTime),
    };
    drop(progress);
    let answers: Vec<f64> = answers.iter().map(|outputs| outputs[output]).collect();
    let told = Told {
        name: feed.game().name(),
        is_apart: matches!(feed.game(), Game::Background(_)),
        over: match feed.game() {
            Game::Background(background) => {
                format!("the {} rows of the background", count(background.rows().n_rows()))
            }
            Game::Correlated(_) => "what it tells of the others, by the background's correlations".to_owned(),
            _ => "the training rows that each tree sends along".to_owned(),
        },
    };
    Ok(partial::partial(subject, feature, grid, &answers, told))
}
