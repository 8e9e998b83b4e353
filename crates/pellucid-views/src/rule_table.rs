//! What does this rule set say, and how sure is each of its rules?
//!
//! One row a rule: its conditions, the share of the rows it covers that are positive, and how many those are. A row is
//! positive where at least one rule covers it, else the default holds; so order does not matter, and rows may be
//! covered twice.

use crate::View;
use crate::number::{amount, percent};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{Axis, Frame, label_width, text, text_width, wrapped};
use crate::theme::{Paint, size};

/// One rule and the rows that it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRow {
    /// All of these must hold.
    pub conditions: Vec<String>,
    /// Weight of the rows covered.
    pub covered: f64,
    /// Weight of those that are positive.
    pub positives: f64,
    /// Their share.
    pub precision: f64,
    /// A 95 % interval of `precision`.
    pub precision_interval: [f64; 2],
    /// Weight of the rows that no other rule of the set covers.
    pub only_here: f64,
}

/// A rule set to read.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTable {
    /// The finding.
    pub title: String,
    /// Data, method, exact or estimated.
    pub subtitle: String,
    /// What a rule predicts: `income = >50K`.
    pub target: String,
    /// What holds where no rule does: `income = <=50K`.
    pub default: String,
    /// In the order in which they are read.
    pub rules: Vec<RuleRow>,
    /// Weight of all rows.
    pub total: f64,
    /// The share of all rows that are positive.
    pub base_rate: f64,
    /// Weights of rows: first by what they are, then by what is predicted; 0 is the default, 1 the target.
    pub confusion: [[f64; 2]; 2],
}

/// Lines that the conditions of one rule get.
const MOST_LINES: usize = 5;
const LINE: f64 = 18.0;
/// Narrower pictures have the numbers below the conditions.
const WIDE: f64 = 620.0;

/// Where things stand.
struct Plan {
    /// The width of the conditions.
    text: f64,
    /// The scale of precision.
    axis: Axis,
    /// Where precision ends as a number.
    number: f64,
    /// Where bars begin and how long the longest is.
    bars: [f64; 2],
    is_wide: bool,
}

impl RuleRow {
    fn said(&self) -> String {
        if self.conditions.is_empty() { "every row".to_owned() } else { self.conditions.join(" and ") }
    }

    fn interval(&self) -> String {
        let [low, high] = self.precision_interval.map(percent);
        format!("[{low}, {high}]")
    }

    /// The conditions in lines of a width, broken before `and` if that will do; conditions past the last line are
    /// counted.
    fn lines(&self, width: f64) -> Vec<String> {
        if self.conditions.is_empty() {
            return vec!["every row".to_owned()];
        }
        let mut lines: Vec<(String, usize)> = Vec::new();
        for (at, condition) in self.conditions.iter().enumerate() {
            let part = if at == 0 { condition.clone() } else { format!("and {condition}") };
            match lines.last_mut() {
                Some((line, n)) if text_width(&format!("{line} {part}"), size::LABEL, false) <= width => {
                    *line += &format!(" {part}");
                    *n += 1;
                }
                _ => {
                    let parts = wrapped(&part, width, size::LABEL, false).into_iter().enumerate();
                    lines.extend(parts.map(|(nth, line)| (line, usize::from(nth == 0))));
                }
            }
        }
        if lines.len() > MOST_LINES {
            let hidden: usize = lines.drain(MOST_LINES - 1..).map(|line| line.1).sum();
            lines.push((if hidden > 0 { format!("… and {hidden} more") } else { "…".to_owned() }, hidden));
        }
        lines.into_iter().map(|line| line.0).collect()
    }
}

impl RuleTable {
    fn plan(&self, width: f64) -> Plan {
        let left = 20.0;
        let right = width - 20.0;
        let bar_text = self.rules.iter().map(|rule| text_width(&amount(rule.covered), size::SMALL, false));
        let bar_text = bar_text.fold(20.0, f64::max) + 6.0;
        let is_wide = width >= WIDE;
        let share = |of: f64| (right - left) * of;
        let (text, number, axis, bars) = if is_wide {
            let (number, bars) = (left + share(0.5), left + share(0.8));
            (share(0.5) - 24.0 - 64.0, number, [number + 18.0, bars - 28.0], bars)
        } else {
            let (number, bars) = (left + 24.0 + 46.0, left + share(0.66));
            (share(1.0) - 24.0, number, [number + 16.0, bars - 24.0], bars)
        };
        let axis = Axis::over([0.0, 1.0].into_iter(), axis, 0.0);
        Plan { text, axis, number, bars: [bars, (right - bars - bar_text).max(8.0)], is_wide }
    }

    fn right(&self) -> String {
        let right = self.confusion[0][0] + self.confusion[1][1];
        let share = if self.total > 0.0 { right / self.total } else { 0.0 };
        format!("Right on {} of {} rows.", percent(share), amount(self.total))
    }

    fn caption(&self) -> String {
        if self.rules.is_empty() {
            return self.right();
        }
        let key = "Dot and whisker: share of the covered rows, 95 % interval. Strong bar: covered by no other rule.";
        format!("{} {key}", self.right())
    }

    /// The base rate beside and through the scale, and what the columns are.
    fn draw_head(&self, scene: &mut Scene, plan: &Plan, y: f64) {
        let [from, to] = [plan.axis.at(0.0), plan.axis.at(1.0)];
        let name = format!("predict {} if", self.target);
        let room = if plan.is_wide { plan.text + 24.0 } else { scene.width - 40.0 };
        let above = if plan.is_wide { y } else { y - 18.0 };
        scene.fitted([20.0, above], &name, room, size::SMALL, Paint::Muted, Anchor::Start);
        let base = format!("base rate {}", percent(self.base_rate));
        let half = text_width(&base, size::TICK, false) / 2.0;
        let x = plan
            .axis
            .at(self.base_rate)
            .clamp(from - 10.0 + half, (to + 10.0 - half).max(from - 10.0 + half));
        scene.text([x, y], &base, size::TICK, Paint::Muted, Anchor::Middle);
        scene.text([plan.bars[0], y], "rows covered", size::SMALL, Paint::Muted, Anchor::Start);
    }

    fn draw_precision(&self, scene: &mut Scene, plan: &Plan, rule: &RuleRow, y: f64) {
        let axis = &plan.axis;
        let title = format!(
            "{} {} of the rows covered are {}",
            percent(rule.precision),
            rule.interval(),
            self.target
        );
        scene.strong([plan.number, y + 4.0], &percent(rule.precision), size::SMALL, Paint::Ink, Anchor::End);
        scene.line([axis.at(0.0), y], [axis.at(1.0), y], Paint::Line, 1.0, false);
        let [low, high] = rule.precision_interval.map(|x| axis.at(x.clamp(0.0, 1.0)));
        scene.line([low, y], [high, y], Paint::Accent, 2.0, false);
        for x in [low, high] {
            scene.line([x, y - 6.0], [x, y + 6.0], Paint::Accent, 1.5, false);
        }
        let at = [axis.at(rule.precision.clamp(0.0, 1.0)), y];
        scene.marks.push(Mark::Circle { at, radius: 4.0, fill: Paint::Accent, opacity: 1.0, title });
    }

    fn draw_cover(&self, scene: &mut Scene, plan: &Plan, rule: &RuleRow, y: f64) {
        let most = self.rules.iter().map(|rule| rule.covered).fold(f64::MIN_POSITIVE, f64::max);
        let [x, length] = plan.bars;
        let of = |rows: f64| (length * rows / most).max(if rows > 0.0 { 1.0 } else { 0.0 });
        let title =
            format!("{} rows covered, {} by no other rule", amount(rule.covered), amount(rule.only_here));
        scene.rect([x, y - 6.0], [of(rule.covered), 12.0], Paint::shade(0.4), &title);
        scene.rect([x, y - 6.0], [of(rule.only_here), 12.0], Paint::Accent, &title);
        let at = [x + of(rule.covered) + 6.0, y + 4.0];
        scene.text(at, &amount(rule.covered), size::SMALL, Paint::Muted, Anchor::Start);
    }

    /// One rule from `y` on; answers where it ends.
    fn draw_rule(&self, scene: &mut Scene, plan: &Plan, at: usize, y: f64) -> f64 {
        let rule = &self.rules[at];
        let lines = rule.lines(plan.text);
        let height = 14.0 + LINE * lines.len() as f64;
        let number = (at + 1).to_string();
        scene.text([20.0, y + 20.0], &number, size::SMALL, Paint::Faint, Anchor::Start);
        for (nth, line) in lines.into_iter().enumerate() {
            scene.marks.push(Mark::Text {
                at: [44.0, y + 20.0 + LINE * nth as f64],
                text: line,
                size: size::LABEL,
                paint: Paint::Ink,
                anchor: Anchor::Start,
                bold: false,
                title: rule.said(),
            });
        }
        let (middle, end) =
            if plan.is_wide { (y + height / 2.0, y + height) } else { (y + height + 6.0, y + height + 22.0) };
        self.draw_precision(scene, plan, rule, middle);
        self.draw_cover(scene, plan, rule, middle);
        let x = plan.axis.at(self.base_rate);
        let band = if plan.is_wide { [y, end] } else { [middle - 10.0, middle + 10.0] };
        scene.line([x, band[0]], [x, band[1]], Paint::Muted, 1.0, true);
        scene.line([20.0, end], [scene.width - 20.0, end], Paint::Line, 1.0, false);
        end
    }

    /// Rows by what they are and what is predicted; answers where it ends.
    fn draw_confusion(&self, scene: &mut Scene, y: f64) -> f64 {
        let width = scene.width;
        let column = (width * 0.24).min(150.0);
        let left = 44.0;
        let names = [format!("is {}", self.target), format!("is {}", self.default)];
        let room = (width - 20.0 - left - 2.0 * column - 12.0)
            .min(label_width(names.iter().map(String::as_str), f64::INFINITY));
        let ends = [left + room + 12.0 + column, left + room + 12.0 + 2.0 * column];
        for (x, name) in ends.iter().zip(["a rule holds", "no rule does"]) {
            scene.text([*x, y], name, size::TICK, Paint::Muted, Anchor::End);
        }
        let [[is_0, false_1], [missed, is_1]] = self.confusion;
        let mut bottom = y;
        for (name, rows) in names.iter().zip([[is_1, missed], [false_1, is_0]]) {
            bottom += LINE + 2.0;
            scene.fitted([left, bottom], name, room, size::SMALL, Paint::Ink, Anchor::Start);
            for (x, rows) in ends.iter().zip(rows) {
                scene.text([*x, bottom], &amount(rows), size::SMALL, Paint::Muted, Anchor::End);
            }
        }
        bottom
    }
}

impl View for RuleTable {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title, &self.subtitle, self.sentence());
        let scene = &mut frame.scene;
        let plan = self.plan(scene.width);
        let mut y = frame.top;
        if !self.rules.is_empty() {
            y += if plan.is_wide { 16.0 } else { 34.0 };
            self.draw_head(scene, &plan, y);
            y += 8.0;
            scene.line([20.0, y], [scene.width - 20.0, y], Paint::Line, 1.0, false);
            for at in 0..self.rules.len() {
                y = self.draw_rule(scene, &plan, at, y);
            }
            for (share, said) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
                let at = [plan.axis.at(share), y + 16.0];
                scene.text(at, said, size::TICK, Paint::Faint, Anchor::Middle);
            }
        }
        let otherwise = if self.rules.is_empty() { "always" } else { "otherwise" };
        let room = plan.axis.at(0.0) - 24.0 - 44.0;
        let said = format!("{otherwise}: {}", self.default);
        let (y, room) = if plan.is_wide { (y + 22.0, room) } else { (y + 40.0, scene.width - 64.0) };
        scene.fitted([44.0, y], &said, room, size::LABEL, Paint::Ink, Anchor::Start);
        let bottom = self.draw_confusion(scene, y + 30.0);
        frame.finish(bottom + 10.0, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let mut out = format!("{}\n{}\n\n", self.title, self.subtitle);
        if !self.rules.is_empty() {
            out += &format!("Predict {} if\n", self.target);
        }
        for (at, rule) in self.rules.iter().enumerate() {
            let numbers = format!(
                "covers {}, {} {}, {} only here",
                amount(rule.covered),
                percent(rule.precision),
                rule.interval(),
                amount(rule.only_here)
            );
            let mut line = format!("{}.", at + 1);
            for (nth, condition) in rule.conditions.iter().enumerate() {
                let part = if nth == 0 { condition.clone() } else { format!("and {condition}") };
                let last = line.rsplit('\n').next().map_or(0, text::width);
                if nth > 0 && last + 1 + text::width(&part) > columns {
                    line += "\n    ";
                }
                line += &format!(" {part}");
            }
            if rule.conditions.is_empty() {
                line += " every row";
            }
            out += &format!("{line}\n   {numbers}\n");
        }
        let otherwise = if self.rules.is_empty() { "always" } else { "otherwise" };
        let [[is_0, false_1], [missed, is_1]] = self.confusion.map(|rows| rows.map(amount));
        let names = ["", "a rule holds", "no rule does"].map(str::to_owned);
        let rows = [
            vec![format!("is {}", self.target), is_1, missed],
            vec![format!("is {}", self.default), false_1, is_0],
        ];
        let table = text::table(&names, &rows, columns);
        let base = percent(self.base_rate);
        let key = if self.rules.is_empty() { "" } else { " In brackets: 95 % interval of the share." };
        out + &format!("{otherwise} {}\n\n{table}\nBase rate {base}.{key} {}\n", self.default, self.right())
    }

    fn sentence(&self) -> String {
        let rules: Vec<String> = self.rules.iter().map(|rule| format!("if {}", rule.said())).collect();
        if rules.is_empty() {
            return format!("No rule: {} is predicted for every row.", self.default);
        }
        format!("{} is predicted {}; otherwise {}.", self.target, rules.join(", or "), self.default)
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let row = |rule: &RuleRow| {
            let [low, high] = rule.precision_interval.map(percent);
            let rows = [rule.covered, rule.positives, rule.only_here].map(amount);
            let shares = [percent(rule.precision), low, high];
            std::iter::once(rule.said()).chain(rows).chain(shares).collect()
        };
        let names = ["rule", "covered", "positive", "only here", "share", "95 % from", "to"];
        let otherwise = [self.confusion[0][0] + self.confusion[1][0], self.confusion[1][0]].map(amount);
        let mut rows: Vec<Vec<String>> = self.rules.iter().map(row).collect();
        let otherwise = std::iter::once(format!("otherwise {}", self.default)).chain(otherwise);
        rows.push(otherwise.chain(std::iter::repeat_n(String::new(), 4)).collect());
        (names.map(str::to_owned).to_vec(), rows)
    }
}
