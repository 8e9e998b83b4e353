//! How does a feature's effect depend on its value, and on which other feature?
//!
//! A dot a row: the feature's value across, its Shapley value up, colored by the partner that it
//! interacts with most, where interactions were computed, else by the one with which the effect varies most.

use crate::View;
use crate::number::{count, pretty, signed};
use crate::render::scene::{Anchor, Cloud, Mark, Scene};
use crate::render::{Axis, Frame, text};
use crate::subject::{FeatureValues, Subject};
use crate::theme::{Paint, size};

/// More dots than this are thinned out.
const MOST_DOTS: usize = 4_000;
/// More dots than this have no hover text each: a page would be slow.
const MOST_HOVERED: usize = 1_500;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// The row's number in the data.
    pub row: usize,
    /// The feature's value: a number, or the place of its category.
    pub x: f64,
    /// Its Shapley value.
    pub value: f64,
    /// The partner's value from 0 (low) to 1 (high).
    pub share: Option<f64>,
}

/// A feature's effect by its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    /// The feature.
    pub feature: String,
    /// The feature whose values the color shows, if any explains the spread.
    pub partner: Option<String>,
    /// Whether the partner was found by exact interactions, and not by correlations.
    pub by_interactions: bool,
    /// Rows with a value.
    pub dots: Vec<Dot>,
    /// Shapley values of rows where the feature is missing.
    pub missing: Vec<f64>,
    /// Names along the axis, for categories.
    pub levels: Option<Vec<String>>,
    subtitle: String,
    unit: String,
    /// What a value is called.
    measure: &'static str,
    base: f64,
    n_rows: usize,
    sample: Option<String>,
    thinned: bool,
}

/// The scatter of one feature; the partner is found among the others.
#[must_use]
pub fn scatter(subject: &Subject, feature: usize) -> Scatter {
    let own = &subject.features[feature];
    let values: Vec<f64> = (0..subject.n_shown()).map(|row| subject.value(row, feature)).collect();
    let told = subject.partners.as_ref().map(|partners| partners[feature]);
    let partner = told.unwrap_or_else(|| strongest_partner(subject, feature, &values));
    let shares = partner.map_or(vec![None; values.len()], |at| subject.features[at].shares());
    let (places, levels) = places(own);
    let stride = subject.n_shown().div_ceil(MOST_DOTS).max(1);
    // A value that is no number has no height.
    let shown = || (0..subject.n_shown()).step_by(stride).filter(|&row| values[row].is_finite());
    let dots = shown().filter(|&row| !places[row].is_nan()).map(|row| Dot {
        row: subject.rows[row],
        x: places[row],
        value: values[row],
        share: shares[row],
    });
    Scatter {
        feature: own.name.clone(),
        partner: partner.map(|at| subject.features[at].name.clone()),
        by_interactions: told.is_some(),
        dots: dots.collect(),
        missing: shown().filter(|&row| places[row].is_nan()).map(|row| values[row]).collect(),
        levels,
        subtitle: subject.subtitle(),
        unit: subject.unit.clone(),
        measure: subject.kind.value(),
        base: subject.base,
        n_rows: subject.n_shown(),
        sample: subject.sample_note(),
        thinned: stride > 1,
    }
}

/// Where each row stands along the axis, and names of the places for categories, the most frequent first.
fn places(feature: &FeatureValues) -> (Vec<f64>, Option<Vec<String>>) {
    let Some(levels) = &feature.levels else { return (feature.numbers.clone(), None) };
    let code = |x: f64| code(x, levels);
    let order = frequent(feature, levels);
    let mut place = vec![f64::NAN; levels.len()];
    order.iter().enumerate().for_each(|(at, &(code, _))| place[code] = at as f64);
    let places = feature.numbers.iter().map(|&x| code(x).map_or(f64::NAN, |code| place[code]));
    (places.collect(), Some(order.into_iter().map(|(code, _)| levels[code].clone()).collect()))
}

fn code(x: f64, levels: &[String]) -> Option<usize> {
    (!x.is_nan()).then_some(x as usize).filter(|&code| code < levels.len())
}

/// The codes that occur with how many rows have them, the most frequent first, ties by name.
pub(crate) fn frequent(feature: &FeatureValues, levels: &[String]) -> Vec<(usize, usize)> {
    let mut counts = vec![0_usize; levels.len()];
    feature.numbers.iter().filter_map(|&x| code(x, levels)).for_each(|code| counts[code] += 1);
    let mut order: Vec<(usize, usize)> = counts.into_iter().enumerate().filter(|(_, n)| *n > 0).collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| levels[a.0].cmp(&levels[b.0])));
    order
}

/// The feature whose values go along with the effect among rows of similar value of this one: rows are
/// grouped by this feature, and within the groups the absolute correlations with the other are averaged.
fn strongest_partner(subject: &Subject, feature: usize, values: &[f64]) -> Option<usize> {
    const GROUPS: usize = 10;
    let own = &subject.features[feature].numbers;
    let mut rows: Vec<usize> = (0..own.len()).filter(|&row| !own[row].is_nan()).collect();
    rows.sort_by(|&a, &b| own[a].total_cmp(&own[b]));
    let groups: Vec<&[usize]> = rows.chunks(rows.len().div_ceil(GROUPS).max(8)).collect();
    let others =
        subject.by_importance().into_iter().filter(|&f| f != feature && subject.features[f].levels.is_none());
    let strength = |other: usize| {
        let numbers = &subject.features[other].numbers;
        let sum: f64 =
            groups.iter().map(|group| correlation(group, numbers, values).abs() * group.len() as f64).sum();
        sum / rows.len().max(1) as f64
    };
    let mut best: Option<(usize, f64)> = None;
    for (other, strength) in others.map(|other| (other, strength(other))) {
        if strength > best.map_or(0.1, |b| b.1) {
            best = Some((other, strength));
        }
    }
    best.map(|best| best.0)
}

fn correlation(rows: &[usize], x: &[f64], y: &[f64]) -> f64 {
    let known = || rows.iter().filter(|&&row| !x[row].is_nan()).map(|&row| (x[row], y[row]));
    let n = known().count() as f64;
    let (sx, sy) = known().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (mx, my) = (sx / n, sy / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in known() {
        xx += (x - mx) * (x - mx);
        yy += (y - my) * (y - my);
        xy += (x - mx) * (y - my);
    }
    if xx > 0.0 && yy > 0.0 { xy / (xx * yy).sqrt() } else { 0.0 }
}

impl Scatter {
    fn caption(&self) -> String {
        let rows = self.sample.clone().unwrap_or_else(|| format!("{} rows", count(self.n_rows)));
        let thinned =
            if self.thinned { format!(", {} drawn", count(self.dots.len())) } else { String::new() };
        let infinite = match self.dots.iter().filter(|dot| dot.x.is_infinite()).count() {
            0 => String::new(),
            1 => ", 1 infinite value at the edge".to_owned(),
            n => format!(", {} infinite values at the edges", count(n)),
        };
        let color = match &self.partner {
            Some(partner) if self.by_interactions => {
                format!(" Color: {partner}, of all numbers the one that it interacts with most.")
            }
            Some(partner) => format!(" Color: {partner}, with which the effect varies most."),
            None if self.by_interactions => " It interacts with no number.".to_owned(),
            None => " No numeric feature goes along with the spread.".to_owned(),
        };
        format!("{rows}{thinned}{infinite}, around the base {}.{color}", pretty(self.base, 4))
    }
}

impl View for Scatter {
    fn scene(&self, width: f64) -> Scene {
        let title = format!("What {} does, by its value", self.feature);
        let mut frame = Frame::new(width, &title, &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let has_missing = !self.missing.is_empty();
        let (left, right) = (76.0, width - 20.0 - if self.partner.is_some() { 56.0 } else { 8.0 });
        // Missing values stand in a lane of their own.
        let start = if has_missing { left + 50.0 } else { left };
        let top = frame.top + 22.0;
        let bottom = top + 240.0;
        let values = self.dots.iter().map(|dot| dot.value).chain(self.missing.iter().copied()).chain([0.0]);
        let up = Axis::over(values, [bottom, top], 0.04);
        up.draw_left(&mut frame.scene, left, right);
        let unit = format!("{} ({})", self.measure, self.unit);
        frame.scene.fitted([20.0, top - 9.0], &unit, width - 40.0, size::SMALL, Paint::Muted, Anchor::Start);
        let end = match &self.levels {
            Some(levels) => {
                let axis = Axis::over([-0.5, levels.len() as f64 - 0.5].into_iter(), [start, right], 0.0);
                self.draw_dots(&mut frame.scene, &axis, &up, Some(levels));
                draw_levels(&mut frame.scene, &axis, levels, bottom, has_missing)
            }
            None => {
                let axis = Axis::over(self.dots.iter().map(|dot| dot.x), [start + 6.0, right - 6.0], 0.01);
                let end = axis.draw_below(&mut frame.scene, bottom, bottom, &self.feature);
                self.draw_dots(&mut frame.scene, &axis, &up, None);
                end
            }
        };
        if has_missing {
            frame.scene.line([left + 42.0, top], [left + 42.0, bottom], Paint::Line, 1.0, false);
            frame.scene.text(
                [left + 20.0, bottom + 16.0],
                "missing",
                size::TICK,
                Paint::Faint,
                Anchor::Middle,
            );
            for (at, value) in self.missing.iter().enumerate() {
                let x = left + 20.0 + jitter(at) * 24.0;
                let title = format!("missing: {}", signed(*value, 3));
                frame.scene.marks.push(Mark::Circle {
                    at: [x, up.at(*value)],
                    radius: 2.2,
                    fill: Paint::Faint,
                    opacity: 0.7,
                    title,
                });
            }
        }
        if let Some(partner) = &self.partner {
            let at = [width - 44.0, top + 22.0];
            crate::beeswarm::color_scale(&mut frame.scene, at, 150.0, "high", "low");
            let name = [width - 20.0, top - 9.0];
            frame.scene.fitted(name, partner, width * 0.4, size::TICK, Paint::Muted, Anchor::End);
        }
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let (names, rows) = self.table();
        let table = text::table(&names, &rows, columns);
        let title = format!("What {} does, by its value", self.feature);
        format!("{title}\n{}\n\n{table}\n{}\n", self.subtitle, self.caption())
    }

    fn sentence(&self) -> String {
        let partner = self.partner.as_ref().map_or(String::new(), |p| format!(", varying most with {p}"));
        let (low, high) =
            self.dots.iter().fold((0.0_f64, 0.0_f64), |(l, h), dot| (l.min(dot.value), h.max(dot.value)));
        format!(
            "{} moves predictions between {} and {}{partner}.",
            self.feature,
            signed(low, 3),
            signed(high, 3)
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let mut sorted: Vec<&Dot> = self.dots.iter().collect();
        sorted.sort_by(|a, b| a.x.total_cmp(&b.x));
        let line = |label: String, values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            vec![label, count(values.len()), signed(mean, 4)]
        };
        let values = |dots: &[&Dot]| dots.iter().map(|dot| dot.value).collect::<Vec<f64>>();
        let mut rows: Vec<Vec<String>> = match &self.levels {
            Some(levels) => sorted
                .chunk_by(|a, b| a.x == b.x)
                .map(|group| line(levels[group[0].x as usize].clone(), &values(group)))
                .collect(),
            None => sorted
                .chunks(sorted.len().div_ceil(10).max(1))
                .map(|group| {
                    let ends = (pretty(group[0].x, 4), pretty(group[group.len() - 1].x, 4));
                    line(format!("{} to {}", ends.0, ends.1), &values(group))
                })
                .collect(),
        };
        if !self.missing.is_empty() {
            rows.push(line("missing".to_owned(), &self.missing));
        }
        ([self.feature.as_str(), "rows", "mean value"].map(str::to_owned).to_vec(), rows)
    }
}

impl Scatter {
    fn draw_dots(&self, scene: &mut Scene, across: &Axis, up: &Axis, levels: Option<&[String]>) {
        let many = self.dots.len() > MOST_HOVERED;
        let mut cloud = Cloud::new(if many { 1.8 } else { 2.4 }, 0.75, !many);
        let lane = across.at(1.0) - across.at(0.0);
        for (at, dot) in self.dots.iter().enumerate() {
            let x = across.at(dot.x) + if levels.is_some() { jitter(at) * lane * 0.6 } else { 0.0 };
            let fill = match (&self.partner, dot.share) {
                (None, _) => Paint::Accent,
                (Some(_), share) => share.map_or(Paint::Faint, Paint::scale),
            };
            let value = levels.map_or_else(|| pretty(dot.x, 5), |levels| levels[dot.x as usize].clone());
            let title = format!("row {}: {} {value}, {}", count(dot.row), self.feature, signed(dot.value, 3));
            cloud.add([x, up.at(dot.value)], fill, title);
        }
        cloud.draw(scene, &self.feature);
    }
}

/// A place between -1/2 and 1/2 that looks random and is the same every time (the golden ratio's multiples).
fn jitter(at: usize) -> f64 {
    (at as f64 * 0.618_033_988_749_895).fract() - 0.5
}

/// Names of categories under their lanes, cut where they are long. Beside the lane of missing values the first
/// line of names begins one lane later, so that none stands in the word `missing`.
pub(crate) fn draw_levels(
    scene: &mut Scene,
    axis: &Axis,
    levels: &[String],
    bottom: f64,
    after_missing: bool,
) -> f64 {
    let lane = axis.at(1.0) - axis.at(0.0);
    // Names take turns on up to four lines, so that each has several lanes' width.
    let lines = (90.0 / lane).ceil().clamp(1.0, 4.0) as usize;
    let mut left_out = 0;
    for (at, level) in levels.iter().enumerate() {
        let room = lane * lines as f64 - 8.0;
        if room < 24.0 {
            left_out += 1;
            continue;
        }
        let y = bottom + 16.0 + 14.0 * ((at + usize::from(after_missing)) % lines) as f64;
        let x = axis.at(at as f64);
        scene.line([x, bottom], [x, y - 10.0], Paint::Line, 1.0, false);
        let room = room.min(2.0 * (scene.width - 8.0 - x)).min(2.0 * (x - 8.0));
        scene.fitted([x, y], level, room, size::TICK, Paint::Muted, Anchor::Middle);
    }
    let end = bottom + 22.0 + 14.0 * (lines - 1) as f64;
    if left_out > 0 {
        let middle = (axis.at(0.0) + axis.at(levels.len() as f64 - 1.0)) / 2.0;
        scene.text(
            [middle, end + 10.0],
            &format!("{left_out} names in the table"),
            size::TICK,
            Paint::Muted,
            Anchor::Middle,
        );
    }
    end + 8.0
}
