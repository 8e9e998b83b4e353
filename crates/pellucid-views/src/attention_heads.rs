//! Where does each attention head look? One square a head: down what looks, across what it looks at.
//!
//! All squares share one scale of shades from 0 to 1, and names of tokens stand left of every line of squares and below each. A cell that a head
//! can't see is empty.

use crate::View;
use crate::column_names::{UPWARD, heads_above, named, upwards};
use crate::lens_table::{shade_key, text_in};
use crate::number::{count, fixed, hundredths, others, pretty};
use crate::render::scene::{Anchor, Scene};
use crate::render::{Frame, label_width, text};
use crate::theme::{Paint, size};

/// What one head does with a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadPattern {
    /// Its name: `a3.h5`.
    pub name: String,
    /// Row-major: tokens that look × tokens looked at; 0 where it can't look.
    pub pattern: Vec<f64>,
    /// What is known about it, like `previous token 0.97`; may be empty.
    pub about: String,
}

/// Attention of some heads over one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionHeads {
    /// What was run and how.
    pub subtitle: String,
    /// The prompt's tokens, with their spaces made visible.
    pub tokens: Vec<String>,
    /// The heads, in the order in which they are drawn.
    pub heads: Vec<HeadPattern>,
    /// What was checked.
    pub checked: String,
}

/// A place that looks, the place it looks at, and the weight.
type Look = (usize, usize, f64);

/// Cells drawn, at most, unless one head alone has more: a browser is slow with more of them.
const MOST_CELLS: usize = 60_000;
/// Rows of the table, at most, if that leaves a row for every head.
const MOST_ROWS: usize = 5_000;
/// Heads in a terminal, at most.
const MOST_LINES: usize = 60;
/// The narrowest cell that has room for a number.
const NUMBER: f64 = 24.0;
/// Between squares.
const GAP: f64 = 14.0;
/// The widest square, unless cells are of the least size.
const SIDE: f64 = 320.0;
/// What names of tokens may take beside squares.
const NAMES: f64 = 72.0;

/// The strongest first, equal ones in the order of the prompt.
fn by_weight(mut looks: Vec<Look>) -> Vec<Look> {
    looks.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    looks
}

impl AttentionHeads {
    /// What a head can see, row by row: what comes later is seen only by heads that give it weight.
    fn looks(&self, head: &HeadPattern) -> impl Iterator<Item = Look> {
        let n = self.tokens.len();
        let looks = head.pattern.iter().take(n * n).enumerate();
        let looks = looks.map(move |(at, &weight)| (at / n, at % n, weight));
        looks.filter(|&(to, from, weight)| from <= to || weight != 0.0)
    }

    /// What a head looks at besides the first token and the token itself, the strongest first.
    fn strongest(&self, head: &HeadPattern) -> Vec<Look> {
        let is_away = |&(to, from, weight): &Look| from != 0 && from != to && weight > 0.0;
        by_weight(self.looks(head).filter(is_away).collect())
    }

    /// The strongest look of each head that looks anywhere, the strongest first.
    fn leaders(&self) -> Vec<(&HeadPattern, Look)> {
        let leader = |head| Some((head, self.strongest(head).first().copied()?));
        let mut leaders: Vec<(&HeadPattern, Look)> = self.heads.iter().filter_map(leader).collect();
        leaders.sort_by(|a, b| b.1.2.total_cmp(&a.1.2));
        leaders
    }

    /// How many heads are drawn, one at least.
    fn n_drawn(&self) -> usize {
        let mut cells = 0;
        let fits = |head: &&HeadPattern| {
            cells += self.looks(head).count();
            cells <= MOST_CELLS
        };
        self.heads.iter().take_while(fits).count().max(1)
    }

    /// How many rows of the table each head gets, if not all.
    fn rows_each(&self) -> Option<usize> {
        let n: usize = self.heads.iter().map(|head| self.looks(head).count()).sum();
        (n > MOST_ROWS).then(|| (MOST_ROWS / self.heads.len().max(1)).max(1))
    }

    fn has_about(&self) -> bool {
        self.heads.iter().any(|head| !head.about.is_empty())
    }

    fn title(&self) -> String {
        match self.leaders().first() {
            Some(&(head, (to, from, weight))) => format!(
                "{} looks from “{}” at “{}” most: {}",
                head.name,
                self.tokens[to],
                self.tokens[from],
                fixed(weight, 2)
            ),
            None => "No head looks at more than the first token and the token itself".to_owned(),
        }
    }

    fn caption(&self, has_numbers: bool) -> String {
        let mut said =
            "Down: the token that looks; across: the token it looks at. The title leaves out looks \
                        at the first token and at the token itself."
                .to_owned();
        if has_numbers {
            said += " Numbers are hundredths.";
        }
        let (drawn, all) = (self.n_drawn(), self.heads.len());
        if drawn < all {
            let rest = others(all - drawn);
            said += &format!(" The first {} heads are drawn, {rest} would be too much.", count(drawn));
        }
        if let Some(n) = self.rows_each() {
            said += &format!(" The table has the {} strongest cells of each head.", count(n));
        }
        format!("{said} {}", self.checked).trim_end().to_owned()
    }

    fn draw_cells(&self, scene: &mut Scene, [left, top]: [f64; 2], step: f64, head: &HeadPattern) {
        let gap = if step > 8.0 { 1.0 } else { 0.0 };
        for (to, from, weight) in self.looks(head) {
            let [x, y] = [left + step * from as f64, top + step * to as f64];
            // What is seen and gets nothing is the page, but has its hover text.
            let fill = if weight > 0.0 { Paint::shade(weight) } else { Paint::Surface };
            let title = format!("{} → {}: {}", self.tokens[to], self.tokens[from], pretty(weight, 2));
            scene.cell([x, y], [step - gap, step - gap], fill, &title);
            // What is next to nothing is told by its shade.
            if step >= NUMBER && weight >= 0.005 {
                let middle = [x + (step - gap) / 2.0, y + step / 2.0 + 4.0];
                text_in(scene, middle, &hundredths(weight), step - 2.0, fill.text_on(), &title);
            }
        }
    }

    /// One head alone, with tokens on both sides. Answers where it ends, and its cells' size.
    fn draw_alone(&self, scene: &mut Scene, top: f64, head: &HeadPattern) -> [f64; 2] {
        let right = scene.width - 20.0;
        let said = if head.about.is_empty() {
            head.name.clone()
        } else {
            format!("{} · {}", head.name, head.about)
        };
        scene.fitted([20.0, top + 12.0], &said, right - 20.0, size::SMALL, Paint::Ink, Anchor::Start);
        let labels = label_width(self.tokens.iter().map(String::as_str), scene.width);
        let left = 20.0 + labels + 12.0;
        let n = self.tokens.len() as f64;
        let step = ((right - left) / n.max(1.0)).min(46.0);
        let top = heads_above(scene, &self.tokens, &[], [left, top + 22.0], step);
        self.draw_rows(scene, [left - 12.0, top], step, labels);
        self.draw_cells(scene, [left, top], step, head);
        [top + step * n, step]
    }

    /// Names of the tokens that look, before squares that begin at `top`; where rows are low, not every one has room.
    fn draw_rows(&self, scene: &mut Scene, [right, top]: [f64; 2], step: f64, room: f64) {
        for to in named(self.tokens.len(), &[], step) {
            let at = [right, top + step * (to as f64 + 0.5) + 4.0];
            scene.fitted(at, &self.tokens[to], room, size::TICK, Paint::Ink, Anchor::End);
        }
    }

    /// Squares beside and below each other, all of one size, so large that every token has room for its name if there are not too many.
    /// Answers where they end, and their cells' size.
    fn draw_many(&self, scene: &mut Scene, top: f64) -> [f64; 2] {
        let names = upwards(&self.tokens, NAMES);
        let left = 20.0 + names + 6.0;
        let inner = scene.width - 20.0 - left;
        let n = self.tokens.len().max(1) as f64;
        let least = (UPWARD * n).clamp(96.0, 280.0).min(inner);
        let drawn = self.n_drawn().min(self.heads.len());
        let across = (((inner + GAP) / (least + GAP)) as usize).clamp(1, drawn.max(1));
        let side = ((inner + GAP) / across as f64 - GAP).min(SIDE);
        let step = side / n;
        let above = if self.has_about() { 36.0 } else { 20.0 };
        let line = above + side + 5.0 + names + GAP;
        let top = top + 6.0;
        for (at, head) in self.heads.iter().take(drawn).enumerate() {
            let x = left + (side + GAP) * (at % across) as f64;
            let y = top + line * (at / across) as f64;
            scene.fitted([x, y + 12.0], &head.name, side, size::SMALL, Paint::Ink, Anchor::Start);
            if !head.about.is_empty() {
                scene.fitted([x, y + 28.0], &head.about, side, size::TICK, Paint::Muted, Anchor::Start);
            }
            let [y, bottom] = [y + above, y + above + side];
            // The square of which a head that sees no later token fills one half.
            scene.line([x - 1.0, y], [x - 1.0, bottom], Paint::Line, 1.0, false);
            scene.line([x - 1.0, bottom], [x + side, bottom], Paint::Line, 1.0, false);
            self.draw_cells(scene, [x, y], step, head);
            if at % across == 0 {
                self.draw_rows(scene, [left - 6.0, y], step, names);
            }
            for from in named(self.tokens.len(), &[], step) {
                let place = [x + step * (from as f64 + 0.5) + 4.0, bottom + 5.0];
                scene.upward(place, &self.tokens[from], names, size::TICK, Paint::Muted, Anchor::End);
            }
        }
        let lines = drawn.div_ceil(across) as f64;
        [top + (line * lines - GAP).max(0.0), step]
    }

    /// One head in a terminal, if it is wide enough.
    fn grid(&self, head: &HeadPattern, columns: usize) -> Option<String> {
        let n = self.tokens.len();
        let longest = self.tokens.iter().map(|name| text::width(name)).max().unwrap_or(0);
        let labels = longest.min(columns / 3);
        let width = (columns.saturating_sub(labels) / n.max(1)).min(9);
        if width < 4 {
            return None;
        }
        let mut cells = vec![String::new(); n * n];
        for (to, from, weight) in self.looks(head) {
            cells[to * n + from] = hundredths(weight);
        }
        let line = |name: &str, cells: &[String]| {
            let cells = cells.iter().map(|cell| text::right(&text::cut(cell, width - 1), width));
            text::left(&text::cut(name, labels), labels) + &cells.collect::<String>() + "\n"
        };
        let rows = self.tokens.iter().zip(cells.chunks(n.max(1)));
        Some(line("", &self.tokens) + &rows.map(|(name, cells)| line(name, cells)).collect::<String>())
    }

    /// What each head looks at most, one line a head.
    fn list(&self, columns: usize) -> String {
        let has_about = self.has_about();
        // A head's name, what is known about it, and pairs of two names of ten letters with a weight.
        let room = columns.saturating_sub(if has_about { 10 + 24 } else { 10 });
        let n = (room / 31).clamp(1, 3);
        let names = ["strongest", "next", "third"].into_iter().take(n);
        let names = ["head"].into_iter().chain(has_about.then_some("about")).chain(names);
        let names: Vec<String> = names.map(str::to_owned).collect();
        let pair = |&(to, from, weight): &Look| {
            let [to, from] = [to, from].map(|at| text::cut(&self.tokens[at], 10));
            format!("{to} → {from} {}", pretty(weight, 2))
        };
        let line = |head: &HeadPattern| {
            let strongest = self.strongest(head);
            let pairs = (0..n).map(|at| strongest.get(at).map_or("–".to_owned(), pair));
            let about = has_about.then(|| text::cut(&head.about, 22));
            std::iter::once(head.name.clone()).chain(about).chain(pairs).collect()
        };
        let lines: Vec<Vec<String>> = self.heads.iter().take(MOST_LINES).map(line).collect();
        let more = match self.heads.len().saturating_sub(MOST_LINES) {
            0 => String::new(),
            n => format!("and {}\n", others(n)),
        };
        text::table(&names, &lines, columns) + &more
    }
}

impl View for AttentionHeads {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let [end, step] = match self.heads.as_slice() {
            [head] => self.draw_alone(&mut frame.scene, frame.top, head),
            _ => self.draw_many(&mut frame.scene, frame.top),
        };
        shade_key(&mut frame.scene, [20.0, end + 22.0], "attention weight");
        frame.finish(end + 26.0, Some(&self.caption(step >= NUMBER)))
    }

    fn text(&self, columns: usize) -> String {
        let grid = match self.heads.as_slice() {
            [head] => self.grid(head, columns),
            _ => None,
        };
        let has_numbers = grid.is_some();
        let body = grid.unwrap_or_else(|| self.list(columns));
        let caption = if has_numbers {
            self.caption(true)
        } else {
            let said = "→: from the token that looks to the token it looks at, without looks at the first \
                        token and at the token itself.";
            format!("{said} {}", self.checked).trim_end().to_owned()
        };
        format!("{}\n{}\n\n{body}\n{caption}\n", self.title(), self.subtitle)
    }

    fn sentence(&self) -> String {
        let said = self.leaders().into_iter().take(3).map(|(head, (to, from, weight))| {
            format!("{} from {} at {} ({})", head.name, self.tokens[to], self.tokens[from], pretty(weight, 2))
        });
        let said: Vec<String> = said.collect();
        if said.is_empty() {
            return format!("{}.", self.title());
        }
        let heads = if self.heads.len() == 1 { "head" } else { "heads" };
        format!(
            "Attention of {} {heads} over {} tokens, most besides the first token and the token itself: {}.",
            count(self.heads.len()),
            count(self.tokens.len()),
            said.join("; ")
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let names = ["head", "position", "looks", "at position", "at", "weight"];
        let each = self.rows_each().unwrap_or(usize::MAX);
        let mut rows = Vec::new();
        for head in &self.heads {
            for (to, from, weight) in by_weight(self.looks(head).collect()).into_iter().take(each) {
                rows.push(vec![
                    head.name.clone(),
                    count(to),
                    self.tokens[to].clone(),
                    count(from),
                    self.tokens[from].clone(),
                    pretty(weight, 4),
                ]);
            }
        }
        (names.map(str::to_owned).to_vec(), rows)
    }
}
