//! Why was this row predicted so? From the base to the margin, one step a feature, largest first.

use crate::View;
use crate::number::{count, others, percent, pretty, signed};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, text, text_width};
use crate::subject::{Subject, answer_axis, answer_word};
use crate::theme::{Paint, size};

/// One feature's step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The feature.
    pub feature: String,
    /// Its value in the row.
    pub value: String,
    /// What it adds.
    pub by: f64,
}

impl Step {
    /// The feature, and its value where that is known.
    pub(crate) fn named(&self, between: &str) -> String {
        if self.value.is_empty() {
            self.feature.clone()
        } else {
            format!("{}{between}{}", self.feature, self.value)
        }
    }
}

/// One row's explanation, step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Waterfall {
    /// The row's number in the data, from 0.
    pub row: usize,
    /// Where it starts: the expected margin.
    pub base: f64,
    /// The largest steps, by falling size, ties by name.
    pub steps: Vec<Step>,
    /// How many features are left out, and what they add together.
    pub rest: (usize, f64),
    /// Where it ends: the margin.
    pub margin: f64,
    /// The probability at the margin.
    pub probability: Option<f64>,
    subtitle: String,
    unit: String,
    output: Option<String>,
}

/// The waterfall of one of the rows shown, with at most `top` steps.
#[must_use]
pub fn waterfall(subject: &Subject, shown: usize, top: usize) -> Waterfall {
    let mut order: Vec<usize> =
        (0..subject.features.len()).filter(|&f| subject.value(shown, f) != 0.0).collect();
    order.sort_by(|&a, &b| {
        let by_size = subject.value(shown, b).abs().total_cmp(&subject.value(shown, a).abs());
        by_size.then_with(|| subject.features[a].name.cmp(&subject.features[b].name))
    });
    // A rest of one feature takes the same line as the feature.
    let top = if order.len() == top + 1 { top + 1 } else { top };
    let (first, hidden) = order.split_at(top.min(order.len()));
    let step = |&f: &usize| Step {
        feature: subject.features[f].name.clone(),
        value: subject.features[f].text(shown),
        by: subject.value(shown, f),
    };
    Waterfall {
        row: subject.rows[shown],
        base: subject.base,
        steps: first.iter().map(step).collect(),
        rest: (hidden.len(), hidden.iter().map(|&f| subject.value(shown, f)).sum()),
        margin: subject.margins[shown],
        probability: subject.probabilities.as_ref().map(|p| p[shown]),
        subtitle: subject.subtitle_of_row(),
        unit: subject.unit.clone(),
        output: subject.output.clone(),
    }
}

impl Waterfall {
    fn answer(&self) -> String {
        let probability = self.probability.map_or(String::new(), |p| format!(" ({})", percent(p)));
        format!("{}{probability}", pretty(self.margin, 3))
    }

    /// What it says, as a title.
    #[must_use]
    pub fn title(&self) -> String {
        let output = self.output.as_ref().map_or(String::new(), |name| format!(" for “{name}”"));
        format!("Why row {}{output} came to {}", count(self.row), self.answer())
    }

    /// Every line: feature, value, what it adds. The rest comes last.
    fn lines(&self) -> Vec<(String, String, f64)> {
        let steps = self.steps.iter().map(|s| (s.feature.clone(), s.value.clone(), s.by));
        let (n, by) = self.rest;
        let rest = (n > 0).then(|| (others(n), String::new(), by));
        steps.chain(rest).collect()
    }
}

const ROW: f64 = 30.0;

impl View for Waterfall {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let width = frame.scene.width;
        let lines = self.lines();
        // Two columns, names flush right and values flush left; the values may take the smaller part.
        let most = width * 0.38;
        let widest = |texts: &mut dyn Iterator<Item = &String>| {
            texts.map(|text| text_width(text, size::LABEL, false)).fold(0.0, f64::max)
        };
        let gap = 8.0;
        let value_room = widest(&mut lines.iter().map(|line| &line.1)).min(most * 0.45);
        let name_room = widest(&mut lines.iter().map(|line| &line.0)).min(most - value_room - gap);
        let labels = (name_room + gap + value_room).max(80.0);
        let name_end = 20.0 + labels - gap - value_room;
        // What each step adds stands beside its end, outside of the scale if need be.
        let outside = |side: fn(f64) -> bool| {
            let said = lines.iter().filter(|line| side(line.2)).map(|line| signed(line.2, 3));
            said.map(|text| text_width(&text, size::SMALL, true) + 6.0).fold(30.0, f64::max)
        };
        let left = 20.0 + labels + 8.0 + outside(|by| by < 0.0);
        let right = width - 20.0 - outside(|by| by >= 0.0);
        let mut ends = vec![self.base];
        for (_, _, by) in &lines {
            ends.push(ends[ends.len() - 1] + by);
        }
        let axis = Axis::over(ends.iter().copied(), [left, right], 0.02);
        let top = frame.top + 26.0;
        let last = top + ROW * lines.len() as f64;
        let bottom = last + 22.0;
        let end = axis.draw_below(&mut frame.scene, top - 4.0, bottom, &answer_axis(&self.unit));
        let scene = &mut frame.scene;
        let x = axis.at(self.base);
        scene.line([x, top - 14.0], [x, top + 3.0], Paint::Muted, 1.5, false);
        let base = format!("base {}", pretty(self.base, 3));
        let half = text_width(&base, size::TICK, false) / 2.0;
        let at = x.clamp(20.0 + half, width - 20.0 - half);
        scene.text([at, top - 19.0], &base, size::TICK, Paint::Muted, Anchor::Middle);
        for (at, (name, value, by)) in lines.iter().enumerate() {
            let y = top + ROW * at as f64;
            let (from, to) = (axis.at(ends[at]), axis.at(ends[at + 1]));
            if at < self.steps.len() {
                scene.strip(y, ROW, name, format!("{name} {value}: {}", signed(*by, 3)).trim());
            }
            let baseline = y + 18.0;
            scene.fitted([name_end, baseline], name, name_room + 1.0, size::LABEL, Paint::Ink, Anchor::End);
            let value_at = [name_end + gap, baseline];
            scene.fitted(value_at, value, value_room + 1.0, size::LABEL, Paint::Muted, Anchor::Start);
            let title = format!("{name} {value}: {}", signed(*by, 4));
            // Steps too small to see still get a mark.
            let length = if (to - from).abs() < 1.0 { 1.0_f64.copysign(*by) } else { to - from };
            scene.rect([from, y + 6.0], [length, ROW - 14.0], Paint::signed(*by), title.trim());
            if at + 1 < lines.len() {
                scene.line([to, y + ROW - 8.0], [to, y + ROW + 6.0], Paint::Faint, 1.0, true);
            }
            let label = signed(*by, 3);
            let (x, anchor) = if *by >= 0.0 {
                (to.max(from) + 6.0, Anchor::Start)
            } else {
                (to.min(from) - 6.0, Anchor::End)
            };
            scene.marks.push(Mark::Text {
                at: [x, y + 18.0],
                text: label,
                size: size::SMALL,
                paint: Paint::signed(*by),
                anchor,
                bold: true,
                title: String::new(),
            });
        }
        let x = axis.at(self.margin);
        scene.line([x, last - 7.0], [x, last + 5.0], Paint::Ink, 1.5, false);
        let margin = format!("{} {}", answer_word(&self.unit), self.answer());
        let half = text_width(&margin, size::SMALL, true) / 2.0;
        scene.marks.push(Mark::Text {
            at: [x.clamp(20.0 + half, width - 20.0 - half), last + 18.0],
            text: margin,
            size: size::SMALL,
            paint: Paint::Ink,
            anchor: Anchor::Middle,
            bold: true,
            title: String::new(),
        });
        let caption = format!(
            "Base {} and all steps add up to the {} {}.",
            pretty(self.base, 4),
            answer_word(&self.unit),
            self.answer()
        );
        frame.finish(end, Some(&caption))
    }

    fn text(&self, columns: usize) -> String {
        let lines = self.lines();
        let longest = lines.iter().map(|l| text::width(&l.0) + 1 + text::width(&l.1)).max().unwrap_or(10);
        let labels = longest.max(18).min(columns / 2);
        let blocks = columns.saturating_sub(labels + 14).clamp(8, 40);
        let largest = lines.iter().map(|l| l.2.abs()).fold(f64::MIN_POSITIVE, f64::max);
        let mut out = format!("{}\n{}\n\n", self.title(), self.subtitle);
        out += &format!("{} {}\n", text::left("base", labels), text::right(&pretty(self.base, 4), 10));
        for (name, value, by) in &lines {
            let label = if value.is_empty() { name.clone() } else { format!("{name} {value}") };
            let label = text::left(&text::cut(&label, labels), labels);
            let bar = text::bar(by.abs() / largest, blocks);
            out += &format!("{label} {}  {bar}\n", text::right(&signed(*by, 4), 10));
        }
        out + &format!(
            "{} {}\n",
            text::left(answer_word(&self.unit), labels),
            text::right(&self.answer(), 10)
        )
    }

    fn sentence(&self) -> String {
        let parts: Vec<String> =
            self.steps.iter().take(3).map(|s| format!("{} ({})", s.named(" = "), signed(s.by, 3))).collect();
        let most = if parts.is_empty() {
            "no feature moved it".to_owned()
        } else {
            format!("most moved by {}", parts.join(", "))
        };
        format!(
            "Row {}: from the base {} to {}, {most}.",
            count(self.row),
            pretty(self.base, 3),
            self.answer()
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let mut rows = vec![vec!["base".to_owned(), String::new(), pretty(self.base, 6)]];
        rows.extend(self.lines().into_iter().map(|(name, value, by)| vec![name, value, signed(by, 6)]));
        rows.push(vec![answer_word(&self.unit).to_owned(), String::new(), pretty(self.margin, 6)]);
        (["feature", "value", "adds"].map(str::to_owned).to_vec(), rows)
    }
}
