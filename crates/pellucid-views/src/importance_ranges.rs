//! How much must a good model rely on a feature, and how much may it?
//!
//! Model class reliance (Fisher, Rudin & Dominici, All models are wrong, but many are useful, 2019): from the least to
//! the most that any model of the set relies on the feature. A range that stays above zero is strong: no good model
//! does without. Ends that were found among some of the models are dashed, for the true ones lie further out.

use crate::View;
use crate::number::{digits, others, pretty};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, label_width, text, text_width};
use crate::theme::{Paint, size};

/// How much the models of a set rely on one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliance {
    /// The feature.
    pub name: String,
    /// The least that any model relies on it.
    pub low: f64,
    /// The most that any does.
    pub high: f64,
    /// What the best model does.
    pub best: f64,
    /// The median over the models, where it is known.
    pub median: Option<f64>,
}

/// Ranges of reliance by feature.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportanceRanges {
    /// The finding.
    pub title: String,
    /// Data, method, exact or estimated.
    pub subtitle: String,
    /// One a feature, in any order.
    pub features: Vec<Reliance>,
    /// What reliance is measured in.
    pub unit: String,
    /// How many models, as digits.
    pub n_models: String,
    /// Whether the ends are those of all models.
    pub exact: bool,
    /// More features than this are left out, those with the lowest upper ends.
    pub top: usize,
}

const ROW: f64 = 28.0;
/// Narrower pictures have each range below its name.
const WIDE: f64 = 520.0;

impl Reliance {
    /// Whether every good model relies on it.
    fn is_needed(&self) -> bool {
        self.low > 0.0
    }

    fn is_unused(&self) -> bool {
        self.low == 0.0 && self.high == 0.0
    }

    fn range(&self) -> String {
        format!("{} to {}", pretty(self.low, 2), pretty(self.high, 2))
    }
}

/// A few names, and how many others.
fn named(features: &[&Reliance]) -> String {
    const MOST: usize = 6;
    let names: Vec<&str> = features.iter().take(MOST).map(|feature| feature.name.as_str()).collect();
    match features.len().saturating_sub(MOST) {
        0 => names.join(", "),
        n => format!("{} and {}", names.join(", "), others(n)),
    }
}

impl ImportanceRanges {
    /// By falling upper end: those shown, and those used but hidden.
    fn sorted(&self) -> (Vec<&Reliance>, Vec<&Reliance>) {
        let mut used: Vec<&Reliance> = self.features.iter().filter(|f| !f.is_unused()).collect();
        used.sort_by(|a, b| {
            b.high.total_cmp(&a.high).then(b.low.total_cmp(&a.low)).then_with(|| a.name.cmp(&b.name))
        });
        let top = if used.len() == self.top + 1 { self.top + 1 } else { self.top };
        let hidden = used.split_off(top.min(used.len()));
        (used, hidden)
    }

    fn ends(&self) -> String {
        let models = digits(&self.n_models);
        if self.exact {
            return format!("Ends: least and most over {models} models, exact.");
        }
        format!("Ends: least and most over {models} models, estimated: the true ends may lie further out.")
    }

    fn left_out(&self) -> String {
        let more = match self.sorted().1.len() {
            0 => String::new(),
            n => format!(" {} left out.", others(n)),
        };
        let unused: Vec<&Reliance> = self.features.iter().filter(|f| f.is_unused()).collect();
        if unused.is_empty() {
            return more;
        }
        format!("{more} Left out, for no model relies on them: {}.", named(&unused))
    }

    fn caption(&self) -> String {
        let known = self.features.iter().any(|f| f.median.is_some());
        let median = if known { ", tick: the median" } else { "" };
        let strong = if self.exact {
            "no good model does without"
        } else {
            "no model that was looked at does without"
        };
        let key = format!("Dot: the best model{median}. Strong: {strong}.");
        format!("{} {key}{}", self.ends(), self.left_out())
    }

    fn draw_range(&self, scene: &mut Scene, feature: &Reliance, axis: &Axis, y: f64) {
        let paint = if feature.is_needed() { Paint::Accent } else { Paint::Faint };
        let [low, high] = [feature.low, feature.high].map(|x| axis.at(x));
        let title = format!("{}: {}, best model {}", feature.name, feature.range(), pretty(feature.best, 4));
        if self.exact {
            // A range of one point is still seen.
            scene.rect([low - 1.0, y - 3.0], [high - low + 2.0, 6.0], paint, &title);
        } else {
            scene.line([low, y], [high, y], paint, 3.0, true);
            for x in [low, high] {
                scene.line([x, y - 5.0], [x, y + 5.0], paint, 2.0, false);
            }
        }
        if let Some(median) = feature.median {
            let x = axis.at(median);
            scene.line([x, y - 7.0], [x, y + 7.0], Paint::Ink, 1.5, false);
        }
        for (radius, fill) in [(6.0, Paint::Surface), (4.5, Paint::Ink)] {
            let at = [axis.at(feature.best), y];
            scene.marks.push(Mark::Circle { at, radius, fill, opacity: 1.0, title: title.clone() });
        }
    }
}

impl View for ImportanceRanges {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title, &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let (shown, _) = self.sorted();
        let labels = label_width(shown.iter().map(|f| f.name.as_str()), width);
        let room = shown.iter().map(|f| text_width(&f.range(), size::SMALL, false)).fold(0.0, f64::max);
        let is_wide = width >= WIDE;
        let (row, place) = if is_wide {
            (ROW, [20.0 + labels + 18.0, width - 36.0 - room])
        } else {
            (44.0, [28.0, width - 28.0])
        };
        let ends = shown.iter().flat_map(|f| [f.low, f.high, f.best].into_iter().chain(f.median));
        let axis = Axis::over(ends.chain([0.0]), place, 0.02);
        let top = frame.top + 4.0;
        let bottom = top + row * shown.len() as f64;
        let scene = &mut frame.scene;
        let end = axis.draw_below(scene, if is_wide { top } else { bottom }, bottom, &self.unit);
        for (at, feature) in shown.iter().enumerate() {
            let y = top + row * at as f64;
            let (middle, baseline) = if is_wide { (y + 14.0, y + 18.5) } else { (y + 30.0, y + 14.0) };
            let (x, labels, anchor) = if is_wide {
                (place[0] - 18.0, labels, Anchor::End)
            } else {
                (20.0, width - 52.0 - room, Anchor::Start)
            };
            scene.fitted([x, baseline], &feature.name, labels, size::LABEL, Paint::Ink, anchor);
            let said = [width - 20.0, baseline];
            scene.text(said, &feature.range(), size::SMALL, Paint::Muted, Anchor::End);
            if !is_wide {
                // Between the lines of text the grid is cut into pieces: zero alone, and where nothing is.
                scene.line(
                    [axis.at(0.0), middle - 9.0],
                    [axis.at(0.0), middle + 9.0],
                    Paint::Faint,
                    1.0,
                    false,
                );
                scene.line([place[0], middle], [place[1], middle], Paint::Line, 1.0, false);
            }
            self.draw_range(scene, feature, &axis, middle);
        }
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let (shown, _) = self.sorted();
        let longest = shown.iter().map(|f| text::width(&f.name)).max().unwrap_or(8);
        let labels = longest.max(8).min(columns / 3);
        let said = shown.iter().map(|f| text::width(&f.range())).max().unwrap_or(8);
        let cells = columns.saturating_sub(labels + said + 3).clamp(8, 60);
        let ends = shown.iter().flat_map(|f| [f.low, f.high, f.best]);
        let axis = Axis::over(ends.chain([0.0]), [0.0, (cells - 1) as f64], 0.0);
        let place = |x: f64| (axis.at(x).round().max(0.0) as usize).min(cells - 1);
        let mut out = format!("{}\n{}\n\n", self.title, self.subtitle);
        for feature in &shown {
            let mut line = vec![' '; cells];
            line[place(0.0)] = '│';
            let (low, high) = (place(feature.low), place(feature.high));
            line[low..=high.max(low)].fill(if self.exact { '━' } else { '╌' });
            line[place(feature.best)] = '●';
            let label = text::left(&text::cut(&feature.name, labels), labels);
            let line: String = line.into_iter().collect();
            out += &format!("{label} {}  {line}\n", text::right(&feature.range(), said));
        }
        let key = "│ zero, ● the best model";
        out + &format!("\n{}; {key}. {}{}\n", self.unit, self.ends(), self.left_out())
    }

    fn sentence(&self) -> String {
        let (shown, hidden) = self.sorted();
        let needed: Vec<&Reliance> = shown.iter().chain(&hidden).filter(|f| f.is_needed()).copied().collect();
        let models = format!("of {} models", digits(&self.n_models));
        match needed.len() {
            0 => format!("No feature is needed by every one {models}."),
            _ => format!("Every one {models} relies on {}.", named(&needed)),
        }
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let (shown, hidden) = self.sorted();
        let unused = self.features.iter().filter(|f| f.is_unused());
        let row = |f: &Reliance| {
            let numbers = [f.low, f.high, f.best].map(|x| pretty(x, 5)).into_iter();
            let median = f.median.map_or("–".to_owned(), |x| pretty(x, 5));
            std::iter::once(f.name.clone()).chain(numbers).chain([median]).collect()
        };
        let names = ["feature", "least", "most", "best model", "median"];
        let rows = shown.into_iter().chain(hidden).chain(unused).map(row);
        (names.map(str::to_owned).to_vec(), rows.collect())
    }
}
