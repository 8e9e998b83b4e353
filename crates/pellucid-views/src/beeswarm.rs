//! How does each feature move the predictions, and does a high value raise or lower them?
//!
//! One strip a feature: every row where its Shapley value falls, colored by the feature's own value. Up
//! to 5,000 rows are dots; more are binned, and the caption says so.

use crate::View;
use crate::number::{count, others, pretty, signed};
use crate::render::scene::{Anchor, Cloud, Mark, Scene};
use crate::render::{Axis, Frame, text};
use crate::subject::Subject;
use crate::theme::{Paint, STEPS, size};

/// More rows than this are binned.
const MOST_DOTS: usize = 5_000;
/// More dots than this have no hover text each: a page would be slow.
const MOST_HOVERED: usize = 3_000;

/// One row in a strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dot {
    /// The row's number in the data.
    pub row: usize,
    /// Its Shapley value.
    pub value: f64,
    /// Its feature's value, from 0 (low) to 1 (high); `None` where there is no order.
    pub share: Option<f64>,
}

/// One feature's strip.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// The feature.
    pub feature: String,
    /// A dot a row shown.
    pub dots: Vec<Dot>,
    texts: Vec<String>,
}

/// Strips by importance.
#[derive(Debug, Clone, PartialEq)]
pub struct Beeswarm {
    /// The most important features.
    pub strips: Vec<Strip>,
    /// How many used features are left out.
    pub n_hidden: usize,
    /// Whether rows are binned.
    pub binned: bool,
    /// Whether the values of features are known, and so a color can show them.
    pub has_values: bool,
    subtitle: String,
    unit: String,
    /// What a value is called.
    measure: &'static str,
    base: f64,
    n_rows: usize,
    sample: Option<String>,
}

/// The strips of at most `top` features.
#[must_use]
pub fn beeswarm(subject: &Subject, top: usize) -> Beeswarm {
    let order = subject.by_importance();
    let (first, hidden) = order.split_at(top.min(order.len()));
    let binned = subject.n_shown() > MOST_DOTS;
    let has_values = subject.has_values();
    let strip = |&f: &usize| {
        let shares = subject.features[f].shares();
        let dot = |shown: usize| Dot {
            row: subject.rows[shown],
            value: subject.value(shown, f),
            share: shares[shown],
        };
        let texts = if binned || !has_values {
            Vec::new()
        } else {
            (0..subject.n_shown()).map(|r| subject.features[f].text(r)).collect()
        };
        let name = subject.features[f].name.clone();
        Strip { feature: name, dots: (0..subject.n_shown()).map(dot).collect(), texts }
    };
    Beeswarm {
        strips: first.iter().map(strip).collect(),
        n_hidden: hidden.len(),
        binned,
        has_values,
        subtitle: subject.subtitle(),
        unit: subject.unit.clone(),
        measure: subject.kind.value(),
        base: subject.base,
        n_rows: subject.n_shown(),
        sample: subject.sample_note(),
    }
}

const ROW: f64 = 40.0;
/// Half of a strip's height.
const REACH: f64 = 17.0;

impl Beeswarm {
    fn title(&self) -> &'static str {
        "How each feature moves the predictions"
    }

    fn caption(&self) -> String {
        let how = match (self.binned, self.has_values) {
            (true, true) => "binned: height is the number of rows, color their mean value",
            (true, false) => "binned: height is the number of rows",
            (false, _) => "one dot a row",
        };
        let rows = self.sample.clone().unwrap_or_else(|| format!("{} rows", count(self.n_rows)));
        let hidden =
            if self.n_hidden > 0 { format!(" {} left out.", others(self.n_hidden)) } else { String::new() };
        let gray = if self.has_values {
            "Gray: no order (categories) or missing."
        } else {
            "Without color: the features’ own values are not known here."
        };
        format!("{rows}, {how}. Around the base {}. {gray}{hidden}", pretty(self.base, 4))
    }

    fn draw_dots(strip: &Strip, scene: &mut Scene, axis: &Axis, middle: f64, hover: bool) {
        // Dots of one column of pixels are stacked outward from the middle.
        let radius = if strip.dots.len() > 1_500 { 1.4 } else { 2.0 };
        let mut order: Vec<usize> = (0..strip.dots.len()).collect();
        order.sort_by(|&a, &b| strip.dots[a].value.total_cmp(&strip.dots[b].value));
        let column = |at: usize| (axis.at(strip.dots[at].value) / (radius * 1.6)).round() as i64;
        let mut fullest = 1;
        for group in order.chunk_by(|&a, &b| column(a) == column(b)) {
            fullest = fullest.max(group.len());
        }
        let step = (2.0 * REACH / fullest as f64).min(radius * 1.8);
        let mut cloud = Cloud::new(radius, 0.85, hover);
        for group in order.chunk_by(|&a, &b| column(a) == column(b)) {
            for (nth, &at) in group.iter().enumerate() {
                let dot = &strip.dots[at];
                let side = if nth % 2 == 0 { 1.0 } else { -1.0 };
                let y = middle + side * (nth as f64 / 2.0).ceil() * step;
                let fill = dot.share.map_or(Paint::Faint, Paint::scale);
                let value = strip.texts.get(at).map_or(String::new(), |text| format!(" {text}"));
                let title =
                    format!("row {}: {}{value}, {}", count(dot.row), strip.feature, signed(dot.value, 3));
                cloud.add([axis.at(dot.value), y], fill, title);
            }
        }
        cloud.draw(scene, &strip.feature);
    }

    fn draw_bins(strip: &Strip, scene: &mut Scene, axis: &Axis, middle: f64, [left, right]: [f64; 2]) {
        const WIDTH: f64 = 5.0;
        /// Layers of color in a bin, from low values below to high ones above.
        const LAYERS: usize = 4;
        let n = ((right - left) / WIDTH).ceil() as usize + 1;
        let mut bins: Vec<Vec<&Dot>> = vec![Vec::new(); n];
        for dot in &strip.dots {
            bins[(((axis.at(dot.value) - left) / WIDTH).max(0.0) as usize).min(n - 1)].push(dot);
        }
        let fullest = bins.iter().map(Vec::len).max().unwrap_or(1).max(1) as f64;
        for (at, bin) in bins.iter_mut().enumerate().filter(|(_, bin)| !bin.is_empty()) {
            // By the square root of the count, or a few full bins would hide all the others.
            let half = (REACH * (bin.len() as f64 / fullest).sqrt()).max(1.2);
            let x = left + at as f64 * WIDTH;
            bin.sort_by(|a, b| a.share.unwrap_or(0.5).total_cmp(&b.share.unwrap_or(0.5)));
            let layers = if half < 4.0 { 1 } else { LAYERS.min(bin.len()) };
            let title =
                format!("{}: {} rows near {}", strip.feature, count(bin.len()), signed(bin[0].value, 2));
            for layer in 0..layers {
                let part = &bin[layer * bin.len() / layers..(layer + 1) * bin.len() / layers];
                let known: Vec<f64> = part.iter().filter_map(|dot| dot.share).collect();
                let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
                let fill = if known.is_empty() { Paint::Faint } else { Paint::scale(mean) };
                let height = 2.0 * half / layers as f64;
                let y = middle + half - height * (layer + 1) as f64;
                scene.marks.push(Mark::Rect {
                    x: x + 0.4,
                    y,
                    width: WIDTH - 0.8,
                    height: height - 0.2,
                    radius: 0.0,
                    fill,
                    title: title.clone(),
                });
            }
        }
    }
}

impl View for Beeswarm {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let labels = crate::render::label_width(self.strips.iter().map(|s| s.feature.as_str()), width);
        let left = 20.0 + labels + 16.0;
        let right = width - 20.0 - 52.0;
        let values = self.strips.iter().flat_map(|strip| strip.dots.iter().map(|dot| dot.value));
        let axis = Axis::over(values.chain([0.0]), [left, right], 0.02);
        let top = frame.top + 4.0;
        let bottom = top + ROW * self.strips.len() as f64;
        let unit = format!("{} ({})", self.measure, self.unit);
        let end = axis.draw_below(&mut frame.scene, top, bottom, &unit);
        let hover = self.n_rows * self.strips.len() <= MOST_HOVERED;
        for (at, strip) in self.strips.iter().enumerate() {
            let middle = top + ROW * (at as f64 + 0.5);
            frame.scene.strip(middle - ROW / 2.0, ROW, &strip.feature, &strip.feature);
            frame.scene.fitted(
                [left - 16.0, middle + 4.5],
                &strip.feature,
                labels,
                size::LABEL,
                Paint::Ink,
                Anchor::End,
            );
            if self.binned {
                Self::draw_bins(strip, &mut frame.scene, &axis, middle, [left, right]);
            } else {
                Self::draw_dots(strip, &mut frame.scene, &axis, middle, hover);
            }
        }
        if self.has_values {
            let height = (bottom - top - 32.0).clamp(40.0, 240.0);
            color_scale(&mut frame.scene, [width - 40.0, top + 16.0], height, "high", "low");
        }
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let longest = self.strips.iter().map(|strip| text::width(&strip.feature)).max().unwrap_or(8);
        let labels = longest.max(8).min(columns / 2);
        let cells = columns.saturating_sub(labels + 2).clamp(20, 80);
        let values = || self.strips.iter().flat_map(|strip| strip.dots.iter().map(|dot| dot.value));
        let axis = Axis::over(values().chain([0.0]), [0.0, cells as f64], 0.01);
        let mut out = format!("{}\n{}\n\n", self.title(), self.subtitle);
        for strip in &self.strips {
            let mut counts = vec![0_usize; cells];
            strip.dots.iter().for_each(|dot| counts[(axis.at(dot.value) as usize).min(cells - 1)] += 1);
            let fullest = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
            let shade =
                |&n: &usize| [' ', '░', '▒', '▓', '█'][((n as f64 / fullest).sqrt() * 4.0).ceil() as usize];
            let label = text::left(&text::cut(&strip.feature, labels), labels);
            out += &format!("{label} {}\n", counts.iter().map(shade).collect::<String>());
        }
        let mut ruler = vec![' '; cells];
        ruler[(axis.at(0.0) as usize).min(cells - 1)] = '0';
        out + &format!(
            "{} {}\n{}\n",
            text::left("", labels),
            ruler.iter().collect::<String>(),
            self.caption()
        )
    }

    fn sentence(&self) -> String {
        let names: Vec<&str> = self.strips.iter().take(3).map(|strip| strip.feature.as_str()).collect();
        let (measure, n) = (self.measure, count(self.n_rows));
        format!("{measure}s of {n} rows by feature; the widest: {}.", names.join(", "))
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let quantile = |sorted: &[f64], q: f64| sorted[((sorted.len() - 1) as f64 * q).round() as usize];
        let rows = self.strips.iter().filter(|strip| !strip.dots.is_empty()).map(|strip| {
            let mut sorted: Vec<f64> = strip.dots.iter().map(|dot| dot.value).collect();
            sorted.sort_by(f64::total_cmp);
            let parts = [0.0, 0.25, 0.5, 0.75, 1.0].map(|q| signed(quantile(&sorted, q), 4));
            std::iter::once(strip.feature.clone()).chain(parts).collect()
        });
        (
            ["feature", "lowest", "25 %", "median", "75 %", "highest"].map(str::to_owned).to_vec(),
            rows.collect(),
        )
    }
}

/// A legend for the scale from low to high.
pub(crate) fn color_scale(scene: &mut Scene, [x, y]: [f64; 2], height: f64, high: &str, low: &str) {
    let step = height / f64::from(STEPS);
    for at in 0..STEPS {
        let y = y + step * f64::from(STEPS - 1 - at);
        // A little overlap, or renderers show seams.
        scene.marks.push(Mark::Rect {
            x,
            y,
            width: 8.0,
            height: step + 0.5,
            radius: 0.0,
            fill: Paint::Scale(at),
            title: String::new(),
        });
    }
    scene.text([x + 4.0, y - 6.0], high, size::TICK, Paint::Muted, Anchor::Middle);
    scene.text([x + 4.0, y + height + 15.0], low, size::TICK, Paint::Muted, Anchor::Middle);
}
