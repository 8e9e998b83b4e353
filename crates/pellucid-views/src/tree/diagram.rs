//! A tree with its children beside each other: each end has a column, each parent stands above the middle of its own.

use super::{TreeNode, TreePicture, What};
use crate::number::{hundredths, signed};
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{cut_middle, text_width};
use crate::theme::{Paint, size};

/// A column of an end is at least so wide.
const LEAST: f64 = 84.0;
/// Boxes are at most so wide.
const MOST: f64 = 184.0;
/// Between boxes of one level and those of the next, how high a line of text and what stands around it in a box are, and a leaf.
const GAP: f64 = 52.0;
const LINE: f64 = 16.0;
const AROUND: f64 = 24.0;
const LEAF: f64 = 28.0;
/// Lines of a name, and of a test.
const LINES: usize = 2;
/// Edges are as wide as the share of the training weight that goes along.
const WIDEST: f64 = 9.0;

/// How many columns lie left of each node and below it.
fn columns(picture: &TreePicture) -> Vec<[usize; 2]> {
    let n = picture.nodes.len();
    let mut widths = vec![0_usize; n];
    // Children come after their parents.
    for at in (0..n).rev() {
        widths[at] = widths[at].max(1);
        if let Some(branch) = picture.nodes[at].branch {
            widths[branch.from] += widths[at];
        }
    }
    let mut used = vec![0_usize; n];
    let mut lefts = vec![0_usize; n];
    for (at, node) in picture.nodes.iter().enumerate() {
        if let Some(branch) = node.branch {
            lefts[at] = lefts[branch.from] + used[branch.from];
            used[branch.from] += widths[at];
        }
    }
    lefts.into_iter().zip(widths).map(|(left, width)| [left, width]).collect()
}

/// Whether every end has room.
pub(super) fn fits(picture: &TreePicture, width: f64) -> bool {
    let ends = columns(picture).first().map_or(0, |root| root[1]);
    ends > 1 && width / ends as f64 >= LEAST
}

/// A text on at most two lines, broken after what parts words in names too; what has no room even so is cut in the middle.
fn lines(text: &str, width: f64, bold: bool) -> Vec<String> {
    let fits = |text: &str| text_width(text, size::SMALL, bold) <= width;
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_inclusive([' ', '-', '_', '.', '/', ',']) {
        let at = lines.len();
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line}{word}");
            if at == LINES || line.is_empty() || fits(longer.trim_end()) {
                *line = longer;
            } else {
                lines.push(word.to_owned());
            }
        }
    }
    // One long word goes on where it must.
    if let [only] = lines.as_slice()
        && !fits(only)
    {
        let mut ends = only.char_indices().map(|(at, _)| at).filter(|&at| fits(&only[..at]));
        let end = ends.next_back().unwrap_or(0);
        lines = [&only[..end], &only[end..]].map(str::to_owned).to_vec();
    }
    lines.iter().map(|line| cut_middle(line.trim_end(), width, size::SMALL, bold)).collect()
}

/// What a question's box says: its feature and its test.
fn said(node: &TreeNode, width: f64) -> [Vec<String>; 2] {
    match &node.what {
        What::Asks { feature, test, .. } => [lines(feature, width, true), lines(test, width, false)],
        What::Adds(_) => Default::default(),
    }
}

/// Draws it; answers where it ends.
pub(super) fn draw(picture: &TreePicture, scene: &mut Scene, top: f64) -> f64 {
    let columns = columns(picture);
    let ends = columns.first().map_or(1, |root| root[1]).max(1);
    let step = (scene.width - 40.0) / ends as f64;
    let wide = |at: usize| (step * columns[at][1] as f64 - 8.0).min(MOST);
    // Boxes of questions are as high as the one that says most.
    let all = picture.nodes.iter().enumerate();
    let most = all.map(|(at, node)| said(node, wide(at) - 8.0).iter().map(Vec::len).sum()).max().unwrap_or(0);
    let split = AROUND + LINE * most as f64;
    // Over each box stands the share that comes there.
    let top = if picture.nodes.iter().any(|node| node.share.is_some()) { top + 14.0 } else { top };
    let place = |at: usize| {
        let [left, width] = columns[at].map(|n| n as f64);
        let middle = 20.0 + step * (left + width / 2.0);
        ([middle, top + (split + GAP) * picture.nodes[at].level as f64], wide(at))
    };
    // Edges first, the row's way above the others.
    for on_way in [false, true] {
        for (at, node) in picture.nodes.iter().enumerate().filter(|(_, node)| node.on_way == on_way) {
            let Some(branch) = node.branch else { continue };
            let ([x, y], [px, py]) = (place(at).0, place(branch.from).0);
            let (from, to) = ([px, py + split], [x, y]);
            let width = node.share.map_or(1.5, |share| (share * WIDEST).max(1.0));
            let paint = if on_way { Paint::Accent } else { Paint::Line };
            scene.line(from, to, paint, width, false);
            let said = if branch.yes { "yes" } else { "no" };
            let middle = (px + x) / 2.0;
            let (x, anchor) = if branch.yes {
                (middle - 8.0 - width / 2.0, Anchor::End)
            } else {
                (middle + 8.0 + width / 2.0, Anchor::Start)
            };
            let paint = if on_way { Paint::Accent } else { Paint::Muted };
            scene.text([x, (py + split + y) / 2.0 - 3.0], said, size::TICK, paint, anchor);
        }
    }
    for (at, node) in picture.nodes.iter().enumerate() {
        let Some(share) = node.share.map(|share| format!("{} %", hundredths(share))) else { continue };
        let ([x, y], _) = place(at);
        let width = node.share.map_or(0.0, |share| share * WIDEST);
        // A share belongs to the box, not to the branch: it is of all rows, and the first says so.
        let (at, anchor, said) = match node.branch {
            None => ([x, y - 5.0], Anchor::Middle, format!("{share} of the training weight")),
            Some(branch) if branch.yes => ([x - 5.0 - width / 2.0, y - 5.0], Anchor::End, share),
            Some(_) => ([x + 5.0 + width / 2.0, y - 5.0], Anchor::Start, share),
        };
        scene.text(at, &said, size::TICK, Paint::Muted, anchor);
    }
    let mut bottom = top;
    for (at, node) in picture.nodes.iter().enumerate() {
        let ([x, y], width) = place(at);
        bottom = bottom.max(node_box(picture, scene, node, [x, y], [width, split]));
    }
    bottom + 6.0
}

/// One node; answers where it ends.
fn node_box(
    picture: &TreePicture,
    scene: &mut Scene,
    node: &TreeNode,
    [x, y]: [f64; 2],
    [width, split]: [f64; 2],
) -> f64 {
    let title = picture.words(node);
    let height = if matches!(node.what, What::Adds(_)) { LEAF } else { split };
    let corner = [x - width / 2.0, y];
    picture.target(scene, corner, [width, height], node);
    let edge = if node.on_way { Paint::Accent } else { Paint::Line };
    let rim = if node.on_way { 2.0 } else { 1.0 };
    scene.rect(corner, [width, height], edge, &title);
    let inside = [corner[0] + rim, corner[1] + rim];
    let fill = if let What::Adds(value) = node.what { picture.shade(value) } else { Paint::Raised };
    scene.rect(inside, [width - 2.0 * rim, height - 2.0 * rim], fill, &title);
    let mut say = |y: f64, text: &str, size: f64, paint: Paint, bold: bool| {
        let text = cut_middle(text, width - 8.0, size, bold);
        scene.marks.push(Mark::Text {
            at: [x, y],
            text,
            size,
            paint,
            anchor: Anchor::Middle,
            bold,
            title: title.clone(),
        });
    };
    match &node.what {
        What::Asks { missing, .. } => {
            let mut line = y + 1.0;
            for (lines, bold) in said(node, width - 8.0).iter().zip([true, false]) {
                for text in lines {
                    line += LINE;
                    say(line, text, size::SMALL, Paint::Ink, bold);
                }
            }
            let short = missing.replace("missing goes to", "missing:");
            if !short.is_empty() {
                say(line + LINE - 1.0, &short, size::TICK, Paint::Muted, false);
            }
            match node.more() {
                None => y + height,
                Some(more) => {
                    say(y + height + 15.0, &more, size::TICK, Paint::Muted, false);
                    y + height + 18.0
                }
            }
        }
        What::Adds(value) => {
            say(y + 18.5, &signed(*value, 3), size::SMALL, fill.text_on(), true);
            y + height
        }
    }
}
