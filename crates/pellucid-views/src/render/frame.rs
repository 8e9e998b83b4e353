//! What do all pictures share? A title that says the finding, a line that says how, an axis with its unit.

use super::scene::{Anchor, Mark, Scene};
use super::{cut_middle, text_width};
use crate::number::{pretty, ticks};
use crate::theme::{Paint, size};

/// Distance of everything from the edge.
pub(crate) const MARGIN: f64 = 20.0;

/// A picture that has its title and subtitle, and where they end.
pub(crate) struct Frame {
    pub(crate) scene: Scene,
    /// The first free pixel below them.
    pub(crate) top: f64,
}

impl Frame {
    pub(crate) fn new(width: f64, title: &str, subtitle: &str, description: String) -> Self {
        let mut scene = Scene::new(width.max(360.0), description);
        let inner = scene.width - 2.0 * MARGIN;
        let mut y = MARGIN + 14.0;
        for line in wrapped(title, inner, size::TITLE, true) {
            let at = [MARGIN, y];
            let (text, paint, anchor) = (line, Paint::Ink, Anchor::Start);
            scene.marks.push(Mark::Text {
                at,
                text,
                size: size::TITLE,
                paint,
                anchor,
                bold: true,
                title: String::new(),
            });
            y += 22.0;
        }
        for line in wrapped(subtitle, inner, size::SMALL, false) {
            scene.text([MARGIN, y], &line, size::SMALL, Paint::Muted, Anchor::Start);
            y += 17.0;
        }
        Self { scene, top: y + 3.0 }
    }

    /// Ends the picture with a caption (what was left out, what was binned), if there is one.
    pub(crate) fn finish(mut self, bottom: f64, caption: Option<&str>) -> Scene {
        let mut y = bottom;
        if let Some(caption) = caption {
            for line in wrapped(caption, self.scene.width - 2.0 * MARGIN, size::SMALL, false) {
                y += 18.0;
                self.scene.text([MARGIN, y], &line, size::SMALL, Paint::Muted, Anchor::Start);
            }
        }
        self.scene.height = (y + MARGIN).ceil();
        self.scene
    }
}

/// Breaks at blanks; a word that is too long is cut in the middle.
pub(crate) fn wrapped(text: &str, width: f64, size: f64, bold: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let word = cut_middle(word, width, size, bold);
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size, bold) <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// A horizontal or vertical scale from numbers to pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Axis {
    /// From the smallest to the largest of `values` (and a little more), onto pixels.
    pub(crate) fn over(values: impl Iterator<Item = f64>, [start, end]: [f64; 2], room: f64) -> Self {
        let finite = values.filter(|x| x.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        // One value alone stands at the start of a scale as wide as itself.
        let (span, high) =
            if high > low { (high - low, high) } else { (low.abs().max(1.0), low + low.abs().max(1.0)) };
        Self { low: low - span * room, high: high + span * room, start, end }
    }

    /// Where a number stands; infinities at the ends.
    pub(crate) fn at(&self, x: f64) -> f64 {
        let x = if x.is_infinite() { x.clamp(self.low, self.high) } else { x };
        self.start + (x - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    /// About one tick in so many pixels.
    fn ticks(&self, pixels: f64) -> Vec<f64> {
        let n = ((self.end - self.start).abs() / pixels).clamp(2.0, 8.0);
        ticks(self.low, self.high, n as usize)
    }

    /// Draws ticks, grid lines from `top` to `bottom`, and the unit below. Answers where it ends.
    pub(crate) fn draw_below(&self, scene: &mut Scene, top: f64, bottom: f64, unit: &str) -> f64 {
        let apart = |ticks: &[f64]| {
            let room = |x: f64| text_width(&pretty(x, 4), size::TICK, false) / 2.0 + 3.0;
            ticks.windows(2).all(|pair| self.at(pair[1]) - self.at(pair[0]) >= room(pair[0]) + room(pair[1]))
        };
        let mut ticks = self.ticks(80.0);
        for pixels in [110.0, 150.0, 1e9] {
            if !apart(&ticks) {
                ticks = self.ticks(pixels);
            }
        }
        // On a very narrow scale some are left out.
        let mut last: Option<f64> = None;
        ticks.retain(|&tick| {
            let fits = last.is_none_or(|last| apart(&[last, tick]));
            last = if fits { Some(tick) } else { last };
            fits
        });
        for tick in ticks {
            let x = self.at(tick);
            let strong = tick == 0.0;
            scene.line([x, top], [x, bottom], if strong { Paint::Faint } else { Paint::Line }, 1.0, false);
            scene.text([x, bottom + 16.0], &pretty(tick, 4), size::TICK, Paint::Faint, Anchor::Middle);
        }
        let middle = (self.start + self.end) / 2.0;
        let room = (scene.width - MARGIN - middle).min(middle - MARGIN) * 2.0;
        scene.fitted([middle, bottom + 34.0], unit, room, size::SMALL, Paint::Muted, Anchor::Middle);
        bottom + 40.0
    }

    /// Draws ticks at the left and grid lines to `right`.
    pub(crate) fn draw_left(&self, scene: &mut Scene, left: f64, right: f64) {
        for tick in self.ticks(48.0) {
            let y = self.at(tick);
            let strong = tick == 0.0;
            scene.line([left, y], [right, y], if strong { Paint::Faint } else { Paint::Line }, 1.0, false);
            scene.text([left - 6.0, y + 4.0], &pretty(tick, 4), size::TICK, Paint::Faint, Anchor::End);
        }
    }
}

/// The width that labels get: what the longest needs, at most a share of the picture.
pub(crate) fn label_width<'a>(labels: impl Iterator<Item = &'a str>, width: f64) -> f64 {
    let longest = labels.map(|label| text_width(label, size::LABEL, false)).fold(40.0, f64::max);
    longest.min(width * 0.36)
}
