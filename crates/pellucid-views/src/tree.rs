//! Which questions does a tree ask, and what does it add? Nodes from the root down: beside each other where they have room, else line by
//! line.
//!
//! Shades of leaves are symmetric around zero, over the whole tree. What is not drawn is counted where it begins.

mod diagram;
mod outline;

use crate::View;
use crate::number::{count, percent, pretty, signed};
use crate::render::scene::{Scene, Target};
use crate::render::{Frame, text};
use crate::theme::Paint;

/// How a node is come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// The place of its parent among the drawn nodes.
    pub from: usize,
    /// Whether by passing the parent's test.
    pub yes: bool,
    /// Whether missing values come here too.
    pub missing: bool,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// It asks one question.
    Asks {
        /// The feature.
        feature: String,
        /// What is asked of it, rounded: `< 42.5`, `is Private`.
        test: String,
        /// The same with every digit and category, as the model compares.
        exact: String,
        /// Where missing values go: `missing goes to yes`; empty where there are none.
        missing: String,
        /// Nodes below it that are not drawn.
        hidden: usize,
    },
    /// It adds this to the output.
    Adds(f64),
}

/// A node of a drawn tree.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeNode {
    /// Its number in the tree; the root is 0.
    pub id: usize,
    /// Where it hangs; nothing at the top of the picture.
    pub branch: Option<Branch>,
    /// How far it stands below the top of the picture.
    pub level: usize,
    /// The share of the tree's training weight that comes by; nothing where the file does not say.
    pub share: Option<f64>,
    /// Whether the row that is followed comes by.
    pub on_way: bool,
    /// What it does.
    pub what: What,
}

/// A row that is followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Followed {
    /// Its number.
    pub row: usize,
    /// What the tree adds for it.
    pub adds: f64,
    /// How many questions it is asked.
    pub questions: usize,
}

/// A tree, or the part below one of its nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct TreePicture {
    /// What it is called: `Tree 3`.
    pub name: String,
    /// Of which model, and how large.
    pub subtitle: String,
    /// What leaves add to: `log-odds`.
    pub unit: String,
    /// Parents before children, and what passes a test before what does not.
    pub nodes: Vec<TreeNode>,
    /// The lowest and the highest leaf of the whole tree.
    pub range: [f64; 2],
    /// The row that is followed, if any.
    pub row: Option<Followed>,
    /// What is to be said below.
    pub caption: String,
}

/// What stands where a share is not known.
const UNKNOWN: &str = "–";

impl TreePicture {
    /// The strongest leaf, the end of the shades.
    fn most(&self) -> f64 {
        let most = self.range[0].abs().max(self.range[1].abs());
        if most.is_finite() && most > 0.0 { most } else { 1.0 }
    }

    fn shade(&self, value: f64) -> Paint {
        Paint::scale(0.5 + value / (2.0 * self.most()))
    }

    fn is_whole(&self) -> bool {
        self.nodes.first().is_none_or(|node| node.id == 0)
    }

    /// What is most to be said of it.
    #[must_use]
    pub fn title(&self) -> String {
        let name = &self.name;
        if let Some(Followed { row, adds, questions }) = self.row {
            let questions = if questions == 1 {
                "1 question".to_owned()
            } else {
                format!("{} questions", count(questions))
            };
            return format!("{name} adds {} for row {} after {questions}", signed(adds, 3), count(row));
        }
        match self.nodes.first() {
            Some(TreeNode { id: 0, what: What::Asks { feature, .. }, .. }) => {
                format!("{name} asks for {feature} first")
            }
            Some(TreeNode { id, what: What::Asks { feature, .. }, .. }) => {
                format!("{name} asks for {feature} at node {}", count(*id))
            }
            Some(TreeNode { what: What::Adds(value), .. }) => {
                format!("{name} adds {} to every row", signed(*value, 3))
            }
            None => name.clone(),
        }
    }

    fn whole_caption(&self) -> String {
        let most = pretty(self.most(), 3);
        let shown = if self.is_whole() { "" } else { "Only what lies below one node is drawn. " };
        let hidden: usize = self.nodes.iter().map(TreeNode::hidden).sum();
        let hidden = match hidden {
            0 => String::new(),
            1 => "1 node is not drawn. ".to_owned(),
            n => format!("{} nodes are not drawn. ", count(n)),
        };
        let said = format!(
            "{shown}{hidden}Leaves add to {}; shades reach from −{most} to +{most} around 0. {}",
            self.unit, self.caption
        );
        said.trim_end().to_owned()
    }

    /// How a node is come to, in a word or two; nothing at the top.
    fn branch_word(node: &TreeNode) -> &'static str {
        match node.branch {
            None => "",
            Some(Branch { yes: true, missing: true, .. }) => "yes, missing",
            Some(Branch { yes: true, .. }) => "yes",
            Some(Branch { missing: true, .. }) => "no, missing",
            Some(_) => "no",
        }
    }

    /// A node for those who do not see it.
    #[must_use]
    pub fn words(&self, node: &TreeNode) -> String {
        let mut said = match &node.what {
            What::Asks { exact, missing, .. } if missing.is_empty() => format!("{exact}?"),
            What::Asks { exact, missing, .. } => format!("{exact}? {missing}"),
            What::Adds(value) => format!("adds {}", signed(*value, 4)),
        };
        let branch = Self::branch_word(node);
        if !branch.is_empty() {
            said = format!("{branch}: {said}");
        }
        if let Some(share) = node.share {
            said += &format!("; {} of the training weight", percent(share));
        }
        if node.on_way
            && let Some(followed) = self.row
        {
            said += &format!("; row {} comes by", count(followed.row));
        }
        match node.hidden() {
            0 => {}
            1 => said += "; 1 more node below",
            n => said += &format!("; {} more nodes below", count(n)),
        }
        said
    }

    /// Makes the box of a node lead to it.
    fn target(&self, scene: &mut Scene, at: [f64; 2], size: [f64; 2], node: &TreeNode) {
        scene.targets.push(Target { at, size, go: ("node", node.id.to_string()), label: self.words(node) });
    }
}

impl TreeNode {
    /// Nodes below it that are not drawn.
    #[must_use]
    pub fn hidden(&self) -> usize {
        if let What::Asks { hidden, .. } = self.what { hidden } else { 0 }
    }

    /// What was left out below a node, on its own line.
    fn more(&self) -> Option<String> {
        let n = self.hidden();
        (n > 0).then(|| format!("… {} more", count(n)))
    }

    fn share_text(&self) -> String {
        self.share.map_or(UNKNOWN.to_owned(), percent)
    }
}

impl View for TreePicture {
    fn scene(&self, width: f64) -> Scene {
        let mut frame = Frame::new(width, &self.title(), &self.subtitle, self.sentence());
        let inner = frame.scene.width - 40.0;
        let end = if diagram::fits(self, inner) {
            diagram::draw(self, &mut frame.scene, frame.top + 10.0)
        } else {
            outline::draw(self, &mut frame.scene, frame.top + 6.0)
        };
        frame.finish(end, Some(&self.whole_caption()))
    }

    fn text(&self, columns: usize) -> String {
        let mut out = format!("{}\n{}\n\n", self.title(), self.subtitle);
        for node in &self.nodes {
            let mark = if node.on_way { "▶" } else { " " };
            let branch = Self::branch_word(node);
            let branch = if branch.is_empty() { String::new() } else { format!("{branch}: ") };
            let what = match &node.what {
                What::Asks { feature, test, .. } => format!("{feature} {test}?"),
                What::Adds(value) => signed(*value, 4),
            };
            let more = node.more().map_or(String::new(), |more| format!("  {more}"));
            let line = format!("{mark} {}{branch}{what}{more}", "  ".repeat(node.level));
            let room = columns.saturating_sub(9).max(16);
            out += &format!(
                "{} {}\n",
                text::left(&text::cut(&line, room), room),
                text::right(&node.share_text(), 8)
            );
        }
        out + &format!("\n{}\n", self.whole_caption())
    }

    fn sentence(&self) -> String {
        let [low, high] = self.range.map(|value| signed(value, 3));
        let first = match self.nodes.first().map(|node| &node.what) {
            Some(What::Asks { feature, test, .. }) => format!("asks whether {feature} {test} first, and "),
            _ => String::new(),
        };
        let row = self.row.map_or(String::new(), |followed| {
            format!("; for row {} it adds {}", count(followed.row), signed(followed.adds, 3))
        });
        let part = if self.is_whole() { "" } else { ", below one node," };
        format!("{}{part} {first}adds between {low} and {high} to the {}{row}.", self.name, self.unit)
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let names = ["node", "below", "by", "asks", "missing", "adds", "share", "on the way"];
        let line = |node: &TreeNode| {
            let below = node.branch.and_then(|branch| self.nodes.get(branch.from));
            let [asks, missing, adds] = match &node.what {
                What::Asks { exact, missing, .. } => [exact.clone(), missing.clone(), String::new()],
                What::Adds(value) => [String::new(), String::new(), signed(*value, 6)],
            };
            let way = if node.on_way { "yes" } else { "" };
            let share = node.share.map_or(String::new(), percent);
            vec![
                node.id.to_string(),
                below.map_or(String::new(), |parent| parent.id.to_string()),
                node.branch.map_or("", |branch| if branch.yes { "yes" } else { "no" }).to_owned(),
                asks,
                missing,
                adds,
                share,
                way.to_owned(),
            ]
        };
        (names.map(str::to_owned).to_vec(), self.nodes.iter().map(line).collect())
    }
}
