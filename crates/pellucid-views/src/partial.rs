//! What does the model answer, on average, when one feature has a value? A curve over the values that occur.
//!
//! Partial dependence as the game defines it: the expected margin with this feature alone known. The base, with nothing known, is the
//! line that it is compared with.

use crate::View;
use crate::number::{count, pretty, signed};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, text};
use crate::scatter::frequent;
use crate::subject::{FeatureValues, Subject};
use crate::theme::{Paint, size};

/// One value of the feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The value; for a category its place along the axis.
    pub x: f64,
    /// The expected margin.
    pub answer: f64,
    /// How many rows of the data have a value up to this one and above the last (categories: this one).
    pub n_rows: usize,
}

/// The expected answer by the value of one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    /// The feature.
    pub feature: String,
    /// By rising value.
    pub points: Vec<Point>,
    /// Names along the axis, for categories.
    pub levels: Option<Vec<String>>,
    /// The expected margin with nothing known.
    pub base: f64,
    /// The expected margin where the feature is missing, if it is in some rows.
    pub missing: Option<(f64, usize)>,
    /// What was explained and how.
    pub subtitle: String,
    /// What a margin is called.
    pub unit: String,
    /// What an unknown feature means: `the rows of the background`.
    pub over: String,
    /// Whether other features keep their values whatever this one's is.
    pub is_apart: bool,
}

/// Values of a feature at which the model is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// By rising value, or codes of categories, the most frequent first; with how many rows each stands for.
    values: Vec<(f64, usize)>,
    /// Names of the codes.
    levels: Option<Vec<String>>,
    n_missing: usize,
}

/// Values of a grid of numbers, at most.
const GRID: usize = 60;

impl Grid {
    /// The values that occur where they are few, else evenly many rows apart, with both ends. What is infinite has no place on an
    /// axis. `None` if nothing is left.
    #[must_use]
    pub fn of(feature: &FeatureValues) -> Option<Self> {
        let n_missing = feature.numbers.iter().filter(|x| x.is_nan()).count();
        let (values, levels) = match &feature.levels {
            Some(levels) => {
                let order = frequent(feature, levels);
                let names = order.iter().map(|(code, _)| levels[*code].clone()).collect();
                (order.into_iter().map(|(code, n)| (code as f64, n)).collect(), Some(names))
            }
            None => (numbers(feature), None),
        };
        (!values.is_empty()).then_some(Self { values, levels, n_missing })
    }

    /// The values that the model is asked about, what is missing last, if it is in some rows.
    #[must_use]
    pub fn asked(&self) -> Vec<f64> {
        let missing = (self.n_missing > 0).then_some(f64::NAN);
        self.values.iter().map(|(x, _)| *x).chain(missing).collect()
    }
}

fn numbers(feature: &FeatureValues) -> Vec<(f64, usize)> {
    let mut known: Vec<f64> = feature.numbers.iter().copied().filter(|x| x.is_finite()).collect();
    known.sort_by(f64::total_cmp);
    let mut values = known.clone();
    values.dedup();
    if values.len() > GRID {
        values = (0..GRID).map(|at| known[at * (known.len() - 1) / (GRID - 1)]).collect();
        values.dedup();
    }
    let mut before = 0;
    let up_to = |x: f64| {
        let n = known.partition_point(|own| *own <= x);
        (x, n - std::mem::replace(&mut before, n))
    };
    values.into_iter().map(up_to).collect()
}

/// What is told of a game.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<'t> {
    /// Its name.
    pub name: &'t str,
    /// See [`Partial::over`].
    pub over: String,
    /// See [`Partial::is_apart`].
    pub is_apart: bool,
}

/// The curve of a feature from the expected margins at what its grid asked.
#[must_use]
pub fn partial(subject: &Subject, feature: usize, grid: Grid, answers: &[f64], game: Told<'_>) -> Partial {
    let is_named = grid.levels.is_some();
    let point = |(at, (&(x, n_rows), &answer)): (usize, (&(f64, usize), &f64))| Point {
        x: if is_named { at as f64 } else { x },
        answer,
        n_rows,
    };
    Partial {
        feature: subject.features[feature].name.clone(),
        points: grid.values.iter().zip(answers).enumerate().map(point).collect(),
        levels: grid.levels,
        base: subject.base,
        missing: answers.get(grid.values.len()).map(|answer| (*answer, grid.n_missing)),
        subtitle: subject.subtitle_of(&format!("{} partial dependence, exact", game.name)),
        unit: subject.unit.clone(),
        over: game.over,
        is_apart: game.is_apart,
    }
}

impl Partial {
    fn title(&self) -> String {
        format!("What the model answers by {} alone", self.feature)
    }

    fn caption(&self) -> String {
        let n: usize = self.points.iter().map(|point| point.n_rows).sum();
        let missing = match self.missing {
            Some((answer, n)) => format!(" Where it is missing ({} rows): {}.", count(n), pretty(answer, 4)),
            None => String::new(),
        };
        format!(
            "Partial dependence: the expected margin with only {} known, over {}. Ticks below: where {} rows lie. Base {}.{missing}{}",
            self.feature,
            self.over,
            count(n),
            pretty(self.base, 4),
            if self.is_apart {
                " It says how the model answers, and where features go together it asks the model about rows that hardly occur."
            } else {
                ""
            }
        )
    }

    fn label(&self, point: &Point) -> String {
        match &self.levels {
            Some(levels) => levels.get(point.x as usize).cloned().unwrap_or_default(),
            None => pretty(point.x, 5),
        }
    }
}

impl View for Partial {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let (left, right) = (76.0, width - 28.0);
        let (top, bottom) = (frame.top + 22.0, frame.top + 262.0);
        let answers = self.points.iter().map(|point| point.answer).chain([self.base]);
        let up = Axis::over(answers, [bottom - 14.0, top], 0.06);
        up.draw_left(&mut frame.scene, left, right);
        let unit = format!("expected margin ({})", self.unit);
        let scene = &mut frame.scene;
        scene.fitted([20.0, top - 9.0], &unit, width - 40.0, size::SMALL, Paint::Muted, Anchor::Start);
        let base = up.at(self.base);
        scene.line([left, base], [right, base], Paint::Faint, 1.0, true);
        scene.text([right, base - 5.0], "base", size::TICK, Paint::Muted, Anchor::End);
        let most = self.points.iter().map(|point| point.n_rows).max().unwrap_or(0).max(1) as f64;
        let (across, end) = match &self.levels {
            Some(levels) => {
                let axis = Axis::over([-0.5, levels.len() as f64 - 0.5].into_iter(), [left, right], 0.0);
                let end = crate::scatter::draw_levels(scene, &axis, levels, bottom, false);
                (axis, end)
            }
            None => {
                let axis = Axis::over(self.points.iter().map(|p| p.x), [left + 6.0, right - 6.0], 0.01);
                let end = axis.draw_below(scene, bottom, bottom, &self.feature);
                (axis, end)
            }
        };
        for point in &self.points {
            let x = across.at(point.x);
            let tick = 3.0 + 9.0 * point.n_rows as f64 / most;
            if point.n_rows > 0 {
                scene.line([x, bottom], [x, bottom - tick], Paint::Faint, 1.5, false);
            }
        }
        if self.levels.is_none() {
            let points = self.points.iter().map(|point| [across.at(point.x), up.at(point.answer)]).collect();
            let (paint, title) = (Paint::Accent, String::new());
            scene.marks.push(Mark::Polyline { points, paint, width: 2.0, opacity: 1.0, title });
        }
        for point in &self.points {
            let title = format!("{} {}: {}", self.feature, self.label(point), pretty(point.answer, 4));
            let at = [across.at(point.x), up.at(point.answer)];
            let radius = if self.levels.is_some() { 4.0 } else { 2.4 };
            scene.marks.push(Mark::Circle { at, radius, fill: Paint::Accent, opacity: 1.0, title });
        }
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let (names, rows) = self.table();
        let stride = rows.len().div_ceil(20).max(1);
        let shown: Vec<Vec<String>> = rows.into_iter().step_by(stride).collect();
        let table = text::table(&names, &shown, columns);
        format!("{}\n{}\n\n{table}\n{}\n", self.title(), self.subtitle, self.caption())
    }

    fn sentence(&self) -> String {
        let by_answer = |a: &&Point, b: &&Point| a.answer.total_cmp(&b.answer);
        let (low, high) = (self.points.iter().min_by(by_answer), self.points.iter().max_by(by_answer));
        let (Some(low), Some(high)) = (low, high) else {
            return format!("{} has no value in these rows.", self.feature);
        };
        format!(
            "The expected margin goes from {} at {} to {} at {}.",
            pretty(low.answer, 3),
            self.label(low),
            pretty(high.answer, 3),
            self.label(high)
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let row = |point: &Point| {
            let cells = [pretty(point.answer, 5), signed(point.answer - self.base, 4), count(point.n_rows)];
            [self.label(point)].into_iter().chain(cells).collect()
        };
        let names = [self.feature.as_str(), "expected margin", "against the base", "rows"];
        (names.map(str::to_owned).to_vec(), self.points.iter().map(row).collect())
    }
}
