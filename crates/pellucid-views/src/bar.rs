//! What moves this model most? Mean absolute Shapley value by feature.

use crate::View;
use crate::number::{count, others, pretty, signed};
use crate::render::scene::{Anchor, Scene};
use crate::render::{Axis, Frame, text};
use crate::subject::Subject;
use crate::theme::{Paint, size};

/// One feature's bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The feature.
    pub feature: String,
    /// Mean absolute value over all rows.
    pub mean_absolute: f64,
    /// Mean value over all rows.
    pub mean: f64,
}

/// Features by importance.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// The largest, by falling size, ties by name.
    pub entries: Vec<Entry>,
    /// How many used features are left out, and the sum of their means.
    pub rest: (usize, f64),
    /// Rows that the means are taken over.
    pub n_rows: usize,
    n_unused: usize,
    subtitle: String,
    unit: String,
    /// What a value is called.
    measure: &'static str,
    base: f64,
}

/// The bars of at most `top` features.
#[must_use]
pub fn bar(subject: &Subject, top: usize) -> Bar {
    let order = subject.by_importance();
    let top = if order.len() == top + 1 { top + 1 } else { top };
    let (first, hidden) = order.split_at(top.min(order.len()));
    let entry = |&f: &usize| Entry {
        feature: subject.features[f].name.clone(),
        mean_absolute: subject.totals.mean_absolute(f),
        mean: subject.totals.signed[f] / subject.totals.n_rows.max(1) as f64,
    };
    Bar {
        entries: first.iter().map(entry).collect(),
        rest: (hidden.len(), hidden.iter().map(|&f| subject.totals.mean_absolute(f)).sum()),
        n_rows: subject.totals.n_rows,
        n_unused: subject.features.len() - order.len(),
        subtitle: subject.subtitle(),
        unit: subject.unit.clone(),
        measure: subject.kind.value(),
        base: subject.base,
    }
}

impl Bar {
    fn title(&self) -> String {
        self.entries.first().map_or("No feature moves this model".to_owned(), |first| {
            format!("{} moves this model most", first.feature)
        })
    }

    fn caption(&self) -> String {
        let unused = match self.n_unused {
            0 => String::new(),
            1 => " 1 feature never moves it.".to_owned(),
            n => format!(" {} features never move it.", count(n)),
        };
        format!("Mean over {} rows around the base {}.{unused}", count(self.n_rows), pretty(self.base, 4))
    }

    fn lines(&self) -> Vec<(String, f64)> {
        let (n, sum) = self.rest;
        let rest = (n > 0).then(|| (format!("{} together", others(n)), sum));
        self.entries.iter().map(|e| (e.feature.clone(), e.mean_absolute)).chain(rest).collect()
    }
}

const ROW: f64 = 26.0;

impl View for Bar {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let lines = self.lines();
        let width = frame.scene.width;
        let labels = crate::render::label_width(lines.iter().map(|line| line.0.as_str()), width);
        let left = 20.0 + labels + 12.0;
        let axis = Axis::over([0.0].into_iter().chain(lines.iter().map(|l| l.1)), [left, width - 84.0], 0.0);
        let top = frame.top + 6.0;
        let bottom = top + ROW * lines.len() as f64;
        let unit = format!("mean |{}| ({})", self.measure, self.unit);
        let end = axis.draw_below(&mut frame.scene, top, bottom, &unit);
        for (at, (name, value)) in lines.iter().enumerate() {
            let y = top + ROW * at as f64;
            let is_rest = at == self.entries.len();
            if !is_rest {
                frame.scene.strip(y, ROW, name, &format!("{name}: {}", pretty(*value, 3)));
            }
            frame.scene.fitted([left - 12.0, y + 17.0], name, labels, size::LABEL, Paint::Ink, Anchor::End);
            let title = format!("{name}: {}", pretty(*value, 4));
            let paint = if is_rest { Paint::Faint } else { Paint::Accent };
            frame.scene.rect([left, y + 5.0], [axis.at(*value) - left, ROW - 10.0], paint, &title);
            let at = [axis.at(*value) + 6.0, y + 17.0];
            frame.scene.text(at, &pretty(*value, 3), size::SMALL, Paint::Muted, Anchor::Start);
        }
        frame.finish(end, Some(&self.caption()))
    }

    fn text(&self, columns: usize) -> String {
        let lines = self.lines();
        let longest = lines.iter().map(|line| text::width(&line.0)).max().unwrap_or(10);
        let labels = longest.max(8).min(columns / 2);
        let blocks = columns.saturating_sub(labels + 14).clamp(8, 50);
        let largest = lines.iter().map(|line| line.1).fold(f64::MIN_POSITIVE, f64::max);
        let mut out = format!("{}\n{}\n\n", self.title(), self.subtitle);
        for (name, value) in &lines {
            let label = text::left(&text::cut(name, labels), labels);
            let bar = text::bar(value / largest, blocks);
            out += &format!("{label} {}  {bar}\n", text::right(&pretty(*value, 4), 10));
        }
        out + &format!("\nMean |{}| ({}). {}\n", self.measure, self.unit, self.caption())
    }

    fn sentence(&self) -> String {
        let parts: Vec<String> = self
            .entries
            .iter()
            .take(3)
            .map(|e| format!("{} ({})", e.feature, pretty(e.mean_absolute, 3)))
            .collect();
        format!(
            "Mean absolute {}s over {} rows, largest: {}.",
            self.measure,
            count(self.n_rows),
            parts.join(", ")
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let rows = self
            .entries
            .iter()
            .map(|e| vec![e.feature.clone(), pretty(e.mean_absolute, 6), signed(e.mean, 6)]);
        (["feature", "mean |value|", "mean value"].map(str::to_owned).to_vec(), rows.collect())
    }
}
