//! What does each tree add for one row? The sum on its way from the base to the margin, and below it a bar a tree, in the model's order.
//!
//! Where there are more trees than bars, neighbors share a bar; their sums are drawn.

use crate::View;
use crate::number::{count, pretty, residual, signed};
use crate::render::scene::{Anchor, Mark, Scene, Target};
use crate::render::{Axis, Frame, label_width, text};
use crate::theme::{Paint, size};

/// The trees of one output, and what each adds for one row.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeSteps {
    /// The row.
    pub row: usize,
    /// Of which model.
    pub subtitle: String,
    /// What is added up: `log-odds`.
    pub unit: String,
    /// What the sum begins with; slopes times features too, where the model has them.
    pub base: f64,
    /// What the sum comes to.
    pub margin: f64,
    /// Trees by number, and what each adds, in their order.
    pub adds: Vec<(usize, f64)>,
    /// The tree that is looked at, which is marked; not drawn where there are none.
    pub chosen: Option<usize>,
    /// What was checked.
    pub checked: String,
}

/// Bars of a picture, at most.
const MOST: usize = 200;
const SUM: f64 = 112.0;
const BARS: f64 = 128.0;

/// Trees that share a bar.
struct Bar {
    first: usize,
    last: usize,
    adds: f64,
    /// The sum with it.
    after: f64,
}

impl TreeSteps {
    fn bars(&self, most: usize) -> Vec<Bar> {
        let each = self.adds.len().div_ceil(most.max(1)).max(1);
        let mut sum = self.base;
        let bar = |trees: &[(usize, f64)]| {
            let (first, last) = (trees.first()?.0, trees.last()?.0);
            let before = sum;
            sum = trees.iter().fold(sum, |sum, tree| sum + tree.1);
            let adds = if let [only] = trees { only.1 } else { sum - before };
            Some(Bar { first, last, adds, after: sum })
        };
        self.adds.chunks(each).filter_map(bar).collect()
    }

    /// The tree that adds or takes most.
    fn largest(&self) -> Option<(usize, f64)> {
        self.adds.iter().copied().reduce(|best, next| if next.1.abs() > best.1.abs() { next } else { best })
    }

    fn title(&self) -> String {
        let n = if self.adds.len() == 1 {
            "1 tree brings".to_owned()
        } else {
            format!("{} trees bring", count(self.adds.len()))
        };
        format!("{n} row {} from {} to {}", count(self.row), pretty(self.base, 3), pretty(self.margin, 3))
    }

    fn caption(&self, each: usize) -> String {
        let off = (self.margin - self.adds.iter().fold(self.base, |sum, tree| sum + tree.1)).abs();
        let shared = if each > 1 {
            format!("Each bar is up to {} trees, summed. ", count(each))
        } else {
            String::new()
        };
        let off =
            if off == 0.0 { "to the last digit".to_owned() } else { format!("within {}", residual(off)) };
        let said = format!(
            "Above: the sum after each tree. Below: what each adds. {shared}They add up {off}. {}",
            self.checked
        );
        said.trim_end().to_owned()
    }
}

fn named(bar: &Bar) -> String {
    if bar.first == bar.last {
        format!("tree {}", count(bar.first))
    } else {
        format!("trees {} to {}", count(bar.first), count(bar.last))
    }
}

impl View for TreeSteps {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let scene = &mut frame.scene;
        let width = scene.width;
        // Bars of at least three pixels.
        let most = (((width - 100.0) / 3.0) as usize).clamp(1, MOST);
        let bars = self.bars(most);
        let each = self.adds.len().div_ceil(most).max(1);
        let sums = std::iter::once(self.base).chain(bars.iter().map(|bar| bar.after));
        let adds = std::iter::once(0.0).chain(bars.iter().map(|bar| bar.adds));
        let [left, right] = [76.0, width - 20.0];
        let step = (right - left) / bars.len().max(1) as f64;
        let top = frame.top + 24.0;
        scene.text(
            [20.0, top - 10.0],
            &format!("sum, {}", self.unit),
            size::TICK,
            Paint::Muted,
            Anchor::Start,
        );
        let axis = Axis::over(sums, [top + SUM, top], 0.06);
        axis.draw_left(scene, left, right);
        let mut points = vec![[left, axis.at(self.base)]];
        for (at, bar) in bars.iter().enumerate() {
            let [from, to] = [left + step * at as f64, left + step * (at + 1) as f64];
            points.extend([[from, axis.at(bar.after)], [to, axis.at(bar.after)]]);
        }
        let title = format!("from {} to {}", pretty(self.base, 4), pretty(self.margin, 4));
        scene.marks.push(Mark::Polyline { points, paint: Paint::Accent, width: 2.0, opacity: 1.0, title });
        let top = top + SUM + 40.0;
        scene.text([20.0, top - 10.0], "adds", size::TICK, Paint::Muted, Anchor::Start);
        let axis = Axis::over(adds, [top + BARS, top], 0.06);
        axis.draw_left(scene, left, right);
        let (zero, gap) = (axis.at(0.0), if step > 6.0 { 1.0 } else { 0.0 });
        for (at, bar) in bars.iter().enumerate() {
            let x = left + step * at as f64;
            let end = if bar.adds.is_finite() { axis.at(bar.adds) } else { zero };
            let (y, height) = (zero.min(end), (zero - end).abs().max(1.0));
            let said = format!("{}: {}, then {}", named(bar), signed(bar.adds, 4), pretty(bar.after, 4));
            let is_chosen = self.chosen.is_some_and(|chosen| (bar.first..=bar.last).contains(&chosen));
            if is_chosen {
                scene.cell([x, top], [step, BARS], Paint::Raised, "");
                scene.cell([x, top + BARS + 2.0], [step.max(3.0), 3.0], Paint::Accent, &said);
            }
            scene.cell([x, y], [(step - gap).max(1.0), height], Paint::signed(bar.adds), &said);
            let (at, size) = ([x, top], [step, BARS]);
            scene.targets.push(Target { at, size, go: ("tree", bar.first.to_string()), label: said });
        }
        // Numbers of trees below, as many as have room.
        let labels = label_width(
            bars.iter().map(|bar| bar.first.to_string()).collect::<Vec<_>>().iter().map(String::as_str),
            width,
        );
        let every = ((labels + 16.0) / step).ceil().max(1.0) as usize;
        for (at, bar) in bars.iter().enumerate().step_by(every) {
            let x = left + step * (at as f64 + 0.5);
            scene.text([x, top + BARS + 18.0], &count(bar.first), size::TICK, Paint::Faint, Anchor::Middle);
        }
        scene.text(
            [f64::midpoint(left, right), top + BARS + 36.0],
            "tree",
            size::SMALL,
            Paint::Muted,
            Anchor::Middle,
        );
        frame.finish(top + BARS + 42.0, Some(&self.caption(each)))
    }

    fn text(&self, columns: usize) -> String {
        let bars = self.bars(24);
        let each = self.adds.len().div_ceil(24).max(1);
        let most = bars.iter().map(|bar| bar.adds.abs()).fold(f64::MIN_POSITIVE, f64::max);
        let room = columns.saturating_sub(44).clamp(4, 30);
        let mut out = format!("{}\n{}\n\n", self.title(), self.subtitle);
        for bar in &bars {
            let [adds, after] =
                [signed(bar.adds, 4), pretty(bar.after, 4)].map(|text| text::right(&text, 10));
            out += &format!(
                "{} {adds} {after}  {}\n",
                text::left(&text::cut(&named(bar), 18), 18),
                text::bar(bar.adds.abs() / most, room)
            );
        }
        out + &format!("\n{}\n", self.caption(each))
    }

    fn sentence(&self) -> String {
        let most = self.largest().map_or(String::new(), |(tree, by)| {
            format!("; tree {} moves it most, {}", count(tree), signed(by, 3))
        });
        format!("{}, in {}{most}.", self.title(), self.unit)
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let mut sum = self.base;
        let base = vec!["base".to_owned(), signed(self.base, 6), pretty(self.base, 6)];
        let lines = self.adds.iter().map(|(tree, adds)| {
            sum += adds;
            vec![tree.to_string(), signed(*adds, 6), pretty(sum, 6)]
        });
        let rows = std::iter::once(base).chain(lines).collect();
        (["tree", "adds", "sum"].map(str::to_owned).to_vec(), rows)
    }
}
