//! What does fairness cost within the set of good models?
//!
//! A dot a model, or many equal ones: the difference between groups across, the error rate up. More than two
//! thousand dots are binned into cells, and the caption says so. Above is the range over the whole set.

use std::collections::BTreeMap;

use crate::View;
use crate::number::{amount, count, pretty, signed};
use crate::rashomon_map::{by_count, count_key, ring};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, text, text_width};
use crate::theme::{Paint, size};

/// More points than this are binned.
const MOST_DOTS: usize = 2_000;
/// A cell's side, in pixels.
const CELL: f64 = 8.0;
const HEIGHT: f64 = 270.0;

/// Models of one error and one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FairPoint {
    /// The share of rows that they get wrong.
    pub error: f64,
    /// The fairness metric.
    pub value: f64,
    /// How many models.
    pub count: f64,
    /// Whether the best model is among them.
    pub is_best: bool,
}

/// Good models by fairness and error.
#[derive(Debug, Clone, PartialEq)]
pub struct FairnessScatter {
    /// The finding.
    pub title: String,
    /// Data, method, exact or estimated.
    pub subtitle: String,
    /// What is measured: `statistical parity difference, Male − Female`.
    pub metric: String,
    /// In any order; those without a finite value are left out, and the caption says so. Of many models a uniform sample.
    pub points: Vec<FairPoint>,
    /// How many models were looked at; more than those of the points where these are a sample.
    pub of: f64,
    /// The lowest value over the whole set.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// Whether `low` and `high` are exact.
    pub exact: bool,
}

impl FairnessScatter {
    /// Those that have a place.
    fn known(&self) -> Vec<&FairPoint> {
        let known =
            |point: &&FairPoint| point.error.is_finite() && point.value.is_finite() && point.count > 0.0;
        self.points.iter().filter(known).collect()
    }

    fn n_models(&self) -> f64 {
        self.known().iter().map(|point| point.count).sum()
    }

    fn best(&self) -> Option<&FairPoint> {
        self.known().into_iter().find(|point| point.is_best)
    }

    fn range(&self) -> String {
        format!("{} to {}", signed(self.low, 3), signed(self.high, 3))
    }

    fn caption(&self) -> String {
        let known = self.known();
        let drawn = self.points.iter().map(|point| point.count).sum::<f64>() < self.of;
        let of = if drawn { format!(" (drawn uniformly from {})", amount(self.of)) } else { String::new() };
        let models = amount(self.n_models());
        let how = if known.len() > MOST_DOTS {
            format!("{models} models{of} at {} places, binned into cells", count(known.len()))
        } else {
            format!("{models} models{of} at {} places", count(known.len()))
        };
        let range = if self.exact { "is exact" } else { "is estimated: the true one may be wider" };
        let unknown = match self.points.len() - known.len() {
            0 => String::new(),
            n => format!(" {} without a value left out.", count(n)),
        };
        format!("{how}; shade by the logarithm of their number. The range over all models {range}.{unknown}")
    }

    fn draw_dots(&self, scene: &mut Scene, axis: &Axis, up: &Axis, most: f64) {
        let mut known = self.known();
        known.sort_by(|a, b| a.count.total_cmp(&b.count));
        let radius = if known.len() > 500 { 2.4 } else { 3.2 };
        for point in known {
            let at = [axis.at(point.value), up.at(point.error)];
            let title = format!(
                "{}, error rate {}: {} models",
                signed(point.value, 3),
                pretty(point.error, 4),
                amount(point.count)
            );
            scene.marks.push(Mark::Circle {
                at,
                radius,
                fill: by_count(point.count, most),
                opacity: 1.0,
                title,
            });
        }
    }

    /// Models by cell of the plot.
    fn bins(&self, axis: &Axis, up: &Axis) -> BTreeMap<(i64, i64), f64> {
        let mut bins = BTreeMap::new();
        for point in self.known() {
            let cell = |x: f64| (x / CELL).floor() as i64;
            *bins.entry((cell(axis.at(point.value)), cell(up.at(point.error)))).or_insert(0.0) += point.count;
        }
        bins
    }

    /// The range over the whole set: a whisker with both ends named.
    fn draw_range(&self, scene: &mut Scene, axis: &Axis, y: f64) {
        let [low, high] = [self.low, self.high].map(|x| axis.at(x));
        scene.line([low, y], [high, y], Paint::Ink, 1.5, !self.exact);
        for x in [low, high] {
            scene.line([x, y - 4.0], [x, y + 4.0], Paint::Ink, 1.5, false);
        }
        let ends = [self.low, self.high].map(|x| signed(x, 3));
        let widths = ends.each_ref().map(|text| text_width(text, size::SMALL, true));
        if high - low > widths[0] + widths[1] + 12.0 {
            scene.strong([low, y - 8.0], &ends[0], size::SMALL, Paint::Ink, Anchor::Start);
            scene.strong([high, y - 8.0], &ends[1], size::SMALL, Paint::Ink, Anchor::End);
            let said = if self.exact { "the whole set" } else { "those looked at" };
            if high - low > widths[0] + widths[1] + text_width(said, size::TICK, false) + 24.0 {
                scene.text([low.midpoint(high), y - 8.0], said, size::TICK, Paint::Muted, Anchor::Middle);
            }
            return;
        }
        let said = self.range();
        let half = text_width(&said, size::SMALL, true) / 2.0;
        let x = low.midpoint(high).clamp(20.0 + half, scene.width - 20.0 - half);
        scene.strong([x, y - 8.0], &said, size::SMALL, Paint::Ink, Anchor::Middle);
    }

    /// A ring around the best, and its name below all dots.
    fn draw_best(&self, scene: &mut Scene, axis: &Axis, up: &Axis, bottom: f64) {
        let Some(best) = self.best() else { return };
        let said = format!("best: {}, error rate {}", signed(best.value, 3), pretty(best.error, 3));
        let at = [axis.at(best.value), up.at(best.error)];
        scene.line(at, [at[0], bottom - 20.0], Paint::Ink, 1.0, false);
        ring(scene, at, &said);
        let half = text_width(&said, size::SMALL, true) / 2.0;
        let x = at[0].clamp(20.0 + half, scene.width - 20.0 - half);
        // The grid gives way to the name.
        scene.cell([x - half - 3.0, bottom - 19.0], [2.0 * half + 6.0, 17.0], Paint::Surface, "");
        scene.strong([x, bottom - 7.0], &said, size::SMALL, Paint::Ink, Anchor::Middle);
    }

    /// What stands out: name and point.
    fn landmarks(&self) -> Vec<(&'static str, &FairPoint)> {
        let known = self.known();
        let least = |of: fn(&FairPoint) -> f64| {
            known.iter().copied().min_by(|a, b| of(a).total_cmp(&of(b)).then(a.error.total_cmp(&b.error)))
        };
        let all = [
            ("best", self.best()),
            ("lowest error", least(|point| point.error)),
            ("nearest to zero", least(|point| point.value.abs())),
            ("lowest value", least(|point| point.value)),
            ("highest value", least(|point| -point.value)),
        ];
        all.into_iter().filter_map(|(name, point)| Some((name, point?))).collect()
    }
}

impl View for FairnessScatter {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title, &self.subtitle, self.sentence());
        let (left, right) = (72.0, frame.scene.width - 20.0);
        let scene = &mut frame.scene;
        let known = self.known();
        let whisker = frame.top + 52.0;
        let (top, bottom) = (whisker + 12.0, whisker + 12.0 + HEIGHT);
        let values = known.iter().map(|point| point.value).chain([0.0, self.low, self.high]);
        let axis = Axis::over(values, [left + 8.0, right - 8.0], 0.01);
        let up = Axis::over(known.iter().map(|point| point.error), [bottom - 36.0, top + 8.0], 0.0);
        up.draw_left(scene, left, right);
        let end = axis.draw_below(scene, top, bottom, &self.metric);
        let bins = if known.len() > MOST_DOTS { self.bins(&axis, &up) } else { BTreeMap::new() };
        let most = known.iter().map(|p| p.count).chain(bins.values().copied()).fold(0.0, f64::max);
        let taken = count_key(scene, [right, frame.top + 10.0], most, "models");
        let at = [20.0, frame.top + 10.0];
        scene.fitted(at, "error rate", taken - 32.0, size::SMALL, Paint::Muted, Anchor::Start);
        if bins.is_empty() {
            self.draw_dots(scene, &axis, &up, most);
        }
        for ((x, y), models) in bins {
            let title = format!("{} models", amount(models));
            let at = [x as f64 * CELL, y as f64 * CELL];
            scene.cell(at, [CELL - 0.5, CELL - 0.5], by_count(models, most), &title);
        }
        if self.low.is_finite() && self.high.is_finite() {
            self.draw_range(scene, &axis, whisker);
        }
        self.draw_best(scene, &axis, &up, bottom);
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let (names, rows) = self.table();
        let table = text::table(&names, &rows, columns);
        format!(
            "{}\n{}\n\n{table}\n{} over the whole set: {}. {}\n",
            self.title,
            self.subtitle,
            self.metric,
            self.range(),
            self.caption()
        )
    }

    fn sentence(&self) -> String {
        let said = |point: &FairPoint| {
            format!("{} at error rate {}", signed(point.value, 3), pretty(point.error, 3))
        };
        let best = self.best().map_or(String::new(), |best| format!("; the best model has {}", said(best)));
        let fair = self.landmarks().into_iter().find(|landmark| landmark.0 == "nearest to zero");
        let fair = fair.map_or(String::new(), |fair| format!("; nearest to zero is {}", said(fair.1)));
        format!("{} is {} among good models{best}{fair}.", self.metric, self.range())
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let row = |(name, point): (&str, &FairPoint)| {
            vec![name.to_owned(), signed(point.value, 4), pretty(point.error, 4), amount(point.count)]
        };
        let names = ["model", "value", "error rate", "models there"];
        (names.map(str::to_owned).to_vec(), self.landmarks().into_iter().map(row).collect())
    }
}
