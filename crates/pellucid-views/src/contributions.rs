//! Which parts of a model push its answer where? One bar a part, largest first, and their sum.
//!
//! One scale for all bars, the same on both sides of zero. What is not drawn is summed, so that the bars
//! always add up; what rounding may have left is no finding, and is only counted.

use crate::View;
use crate::number::{count, others, pretty, residual, signed};
use crate::render::scene::{Anchor, Scene};
use crate::render::{Axis, Frame, label_width, text, text_width};
use crate::theme::{Paint, size};

/// A part's name, and what it adds.
pub type Part = (String, f64);

/// What parts of a model add to a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// The number they add to: `logit ·Paris − logit ·Rome`.
    pub what: String,
    /// What was run and how.
    pub subtitle: String,
    /// Each part and what it adds, in the order in which the model computes them.
    pub parts: Vec<Part>,
    /// The number itself; `None` where parts are experiments of their own, which add up to nothing.
    pub total: Option<f64>,
    /// More parts than this are summed, the smallest; or left out, where there is no sum.
    pub rows: usize,
    /// What was checked.
    pub checked: String,
}

const ROW: f64 = 24.0;
/// What the last row is called.
const TOTAL: &str = "total";

impl Contributions {
    /// By how much the parts miss the number that they add up to.
    fn off(&self) -> Option<f64> {
        Some((self.total? - self.parts.iter().map(|part| part.1).sum::<f64>()).abs())
    }

    /// Up to here a part may be rounding: what the sum is off by, or half a step of single precision beside the largest part.
    fn rounding(&self) -> Option<f64> {
        let largest =
            self.parts.iter().map(|part| part.1.abs()).filter(|by| by.is_finite()).fold(0.0, f64::max);
        Some(self.off().filter(|off| off.is_finite())?.max(largest * f64::from(f32::EPSILON) / 2.0))
    }

    /// How many parts tell nothing.
    fn n_below(&self) -> usize {
        self.parts.len() - self.largest().len()
    }

    /// Parts that are more than rounding, by falling size, equal ones in their order.
    fn largest(&self) -> Vec<&Part> {
        // Where nothing is to add up, an effect of 0 is one.
        let least = self.rounding().unwrap_or(-1.0);
        let mut parts: Vec<&Part> =
            self.parts.iter().filter(|part| part.1.is_nan() || part.1.abs() > least).collect();
        parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        parts
    }

    /// The largest parts, and the others with what they add together.
    fn lines(&self) -> (Vec<&Part>, Option<Part>) {
        let mut parts = self.largest();
        // A rest of one part takes the same line as the part.
        let rows = if parts.len() == self.rows + 1 { parts.len() } else { self.rows };
        let hidden = parts.split_off(rows.min(parts.len()));
        let sum = hidden.iter().map(|part| part.1).sum();
        let has_rest = !hidden.is_empty() && self.total.is_some();
        (parts, has_rest.then(|| (others(hidden.len()), sum)))
    }

    /// Every line with the paints of its name and its bar.
    fn painted(&self) -> Vec<(String, f64, [Paint; 2])> {
        let (parts, rest) = self.lines();
        let parts = parts.into_iter().map(|(name, by)| (name.clone(), *by, Paint::Ink));
        let lines = parts.chain(rest.map(|(name, by)| (name, by, Paint::Muted)));
        let lines = lines.map(|(name, by, paint)| (name, by, [paint, Paint::signed(by)]));
        lines.chain(self.total.map(|total| (TOTAL.to_owned(), total, [Paint::Ink, Paint::Muted]))).collect()
    }

    fn title(&self) -> String {
        match self.largest().first() {
            Some((name, by)) if *by != 0.0 => {
                let does = if *by > 0.0 { "raises" } else { "lowers" };
                format!("{name} {does} {} most: {}", self.what, signed(*by, 3))
            }
            _ => format!("Nothing adds to {}", self.what),
        }
    }

    fn caption(&self) -> String {
        let Some(off) = self.off() else {
            let hidden = self.parts.len().saturating_sub(self.lines().0.len());
            let left = match hidden {
                0 => String::new(),
                n => format!("{} with smaller effects are not drawn. ", others(n)),
            };
            return format!("{left}{}", self.checked).trim_end().to_owned();
        };
        let n = self.parts.len();
        let parts = if n == 1 { "1 part adds".to_owned() } else { format!("{} parts add", count(n)) };
        let below = match self.n_below() {
            0 => String::new(),
            n => {
                let parts = if n == 1 { "1 part".to_owned() } else { format!("{} parts", count(n)) };
                let rounding = residual(self.rounding().unwrap_or_default());
                format!(
                    " {parts} below rounding ({rounding}) {} not drawn.",
                    if n == 1 { "is" } else { "are" }
                )
            }
        };
        format!("{parts} up to the total within {}.{below} {}", residual(off), self.checked)
            .trim_end()
            .to_owned()
    }
}

impl View for Contributions {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let lines = self.painted();
        let labels = label_width(lines.iter().map(|line| line.0.as_str()), width);
        // What each part adds stands beside the end of its bar, outside of the scale if need be.
        let outside = |side: fn(f64) -> bool| {
            let said = lines.iter().filter(|line| side(line.1)).map(|line| signed(line.1, 3));
            said.map(|text| text_width(&text, size::SMALL, true) + 6.0).fold(12.0, f64::max)
        };
        let left = 20.0 + labels + 8.0 + outside(|by| by < 0.0);
        let right = width - 20.0 - outside(|by| by >= 0.0);
        let most = lines.iter().map(|line| line.1.abs()).filter(|by| by.is_finite()).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let axis = Axis::over([-most, most].into_iter(), [left, right], 0.02);
        let top = frame.top + 6.0;
        let last = top + ROW * lines.len().saturating_sub(1) as f64;
        let bottom = last + ROW + 6.0;
        let end = axis.draw_below(&mut frame.scene, top, bottom, &self.what);
        let scene = &mut frame.scene;
        let zero = axis.at(0.0);
        for (at, (name, by, [ink, fill])) in lines.iter().enumerate() {
            let is_total = self.total.is_some() && at + 1 == lines.len();
            let y = if is_total { last + 6.0 } else { top + ROW * at as f64 };
            let baseline = y + 16.0;
            if is_total {
                scene.line([20.0, y - 2.0], [width - 20.0, y - 2.0], Paint::Line, 1.0, false);
                scene.strong([20.0 + labels, baseline], name, size::SMALL, *ink, Anchor::End);
            } else {
                scene.fitted([20.0 + labels, baseline], name, labels, size::SMALL, *ink, Anchor::End);
            }
            let length = if by.is_finite() { axis.at(*by) - zero } else { 0.0 };
            // Parts too small to see still get a mark.
            let length = if length.abs() < 1.0 { 1.0_f64.copysign(*by) } else { length };
            let title = format!("{name}: {}", signed(*by, 4));
            scene.rect([zero, y + 5.0], [length, ROW - 10.0], *fill, &title);
            let (x, anchor) = if *by < 0.0 {
                (zero + length - 6.0, Anchor::End)
            } else {
                (zero + length.max(0.0) + 6.0, Anchor::Start)
            };
            let paint = if is_total { Paint::Ink } else { Paint::signed(*by) };
            scene.strong([x, baseline], &signed(*by, 3), size::SMALL, paint, anchor);
        }
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let lines = self.painted();
        let longest = lines.iter().map(|line| text::width(&line.0)).max().unwrap_or(8);
        let labels = longest.max(8).min(columns / 2);
        let half = (columns.saturating_sub(labels + 14) / 2).clamp(4, 24);
        let largest = lines.iter().map(|line| line.1.abs()).fold(f64::MIN_POSITIVE, f64::max);
        let mut out = format!("{}\n{}\n\n", self.title(), self.subtitle);
        for (name, by, _) in &lines {
            let label = text::left(&text::cut(name, labels), labels);
            let share = by.abs() / largest;
            // Letters know no eighths from the right, but halves.
            let halves = (share * half as f64 * 2.0).round() as usize;
            let block = if halves % 2 == 1 { "▐" } else { "" }.to_owned() + &"█".repeat(halves / 2);
            let [less, more] =
                if *by < 0.0 { [block, String::new()] } else { [String::new(), text::bar(share, half)] };
            let number = text::right(&signed(*by, 4), 10);
            out += &format!("{label} {number}  {}│{more}\n", text::right(&less, half));
        }
        out + &format!("\n{}: what each part adds. {}\n", self.what, self.caption())
    }

    fn sentence(&self) -> String {
        let largest = self.largest();
        let said = largest.iter().take(3).filter(|part| part.1 != 0.0);
        let said: Vec<String> = said.map(|(name, by)| format!("{name} ({})", signed(*by, 3))).collect();
        let most = if said.is_empty() {
            "no part adds to it".to_owned()
        } else {
            format!("most by {}", said.join(", "))
        };
        match self.total {
            Some(total) => format!("{} is {}: {most}.", self.what, pretty(total, 3)),
            None => format!("{} is moved {most}.", self.what),
        }
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        // In the model's order, which the picture does not show.
        let parts = self.parts.iter().map(|(name, by)| vec![name.clone(), signed(*by, 6)]);
        let total = self.total.map(|total| vec![TOTAL.to_owned(), pretty(total, 6)]);
        let rows = parts.chain(total).collect();
        (["part", "adds"].map(str::to_owned).to_vec(), rows)
    }
}
