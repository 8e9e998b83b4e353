//! A tree line by line: the deeper a node, the further in it begins. Room for long names, at any depth and width.

use super::{TreeNode, TreePicture, What};
use crate::number::signed;
use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::text_width;
use crate::theme::{Paint, size};

const ROW: f64 = 24.0;
/// How far in a child begins.
const STEP: f64 = 16.0;
/// The width of shares, and of the bars of leaves.
const SHARE: f64 = 52.0;
const BARS: f64 = 60.0;
/// What a name has at least, before there is room for more.
const NAME: f64 = 64.0;

/// Draws it; answers where it ends.
pub(super) fn draw(picture: &TreePicture, scene: &mut Scene, top: f64) -> f64 {
    let right = scene.width - 20.0;
    let bars = if scene.width >= 600.0 { BARS * 2.2 } else { BARS };
    let has_shares = picture.nodes.iter().any(|node| node.share.is_some());
    let [zero, half] = [right - bars / 2.0, bars / 2.0 - 2.0];
    let shares = right - bars - 12.0;
    let texts = if has_shares { shares - SHARE - 8.0 } else { shares };
    // On narrow pages deep levels share the room that there is.
    let deepest = picture.nodes.iter().map(|node| node.level).max().unwrap_or(0) as f64;
    let step = STEP.min((texts - 20.0) * 0.4 / deepest.max(1.0));
    let y_of = |at: usize| top + 20.0 + ROW * at as f64;
    let bottom = y_of(picture.nodes.len());
    scene.text([right - bars / 2.0, top + 8.0], "adds", size::TICK, Paint::Muted, Anchor::Middle);
    if has_shares {
        scene.text([shares, top + 8.0], "share", size::TICK, Paint::Muted, Anchor::End);
    }
    scene.line([zero, y_of(0)], [zero, bottom], Paint::Line, 1.0, false);
    // The line down from a parent belongs to its last child, but for the part where the row goes, which lies above.
    for on_way in [false, true] {
        for (at, node) in picture.nodes.iter().enumerate().filter(|(_, node)| node.on_way == on_way) {
            let Some(branch) = node.branch else { continue };
            let [x, middle] = [20.0 + step * node.level as f64, y_of(at) + ROW / 2.0];
            let (paint, width) = if on_way { (Paint::Accent, 2.0) } else { (Paint::Line, 1.0) };
            let parent = x - step + 4.0;
            scene.line([parent, y_of(branch.from) + ROW - 3.0], [parent, middle], paint, width, false);
            scene.line([parent, middle], [x - 2.0, middle], paint, width, false);
        }
    }
    for (at, node) in picture.nodes.iter().enumerate() {
        let [x, y] = [20.0 + step * node.level as f64, y_of(at)];
        picture.target(scene, [x - 4.0, y], [right - x + 4.0, ROW], node);
        line(picture, scene, node, [x, y + 16.0], texts);
        if has_shares {
            scene.text([shares, y + 16.0], &node.share_text(), size::SMALL, Paint::Muted, Anchor::End);
        }
        if let What::Adds(value) = node.what {
            let length =
                if value.is_finite() { (value / picture.most()).clamp(-1.0, 1.0) * half } else { 0.0 };
            let length = if length.abs() < 1.0 { 1.0_f64.copysign(value) } else { length };
            scene.rect([zero, y + 6.0], [length, ROW - 12.0], Paint::signed(value), &picture.words(node));
        }
    }
    bottom
}

/// What a node says, on a baseline, up to where texts end.
fn line(picture: &TreePicture, scene: &mut Scene, node: &TreeNode, [x, y]: [f64; 2], end: f64) {
    let mut x = x;
    let branch = TreePicture::branch_word(node);
    if !branch.is_empty() {
        scene.text([x, y], branch, size::TICK, Paint::Muted, Anchor::Start);
        x += text_width(branch, size::TICK, false) + 7.0;
    }
    // Where there is no room for it, what was left out is told on hover and below the picture.
    let kept = |more: &String| text_width(more, size::TICK, false) + 8.0;
    let more = node.more().filter(|more| end - x - kept(more) >= NAME);
    let (said, bold) = match &node.what {
        What::Asks { feature, test, .. } => (format!("{feature} {test}"), false),
        What::Adds(value) => (signed(*value, 4), true),
    };
    let room = (end - x - more.as_ref().map_or(0.0, kept)).max(24.0);
    let text = crate::render::cut_middle(&said, room, size::LABEL, bold);
    let width = text_width(&text, size::LABEL, bold);
    let paint = if node.on_way { Paint::Accent } else { Paint::Ink };
    scene.marks.push(Mark::Text {
        at: [x, y],
        text,
        size: size::LABEL,
        paint,
        anchor: Anchor::Start,
        bold,
        title: picture.words(node),
    });
    if let Some(more) = more {
        scene.text([x + width + 8.0, y], &more, size::TICK, Paint::Muted, Anchor::Start);
    }
}
