//! What do the documents say, and where are the lines that verdicts speak of? Texts in blocks, cut where a mark begins or ends, so
//! that a page has no bytes to count.

use std::collections::BTreeSet;

use pellucid_position::document::{Block, Document, Kind, Span};
use serde_json::{Value, json};

use super::Told;

/// Longer texts are shown by what is marked in them.
const MOST_SHOWN: usize = 60_000;

/// All documents, the posting last, and what is told of those that are not shown whole.
pub(super) fn documents(told: &Told<'_>, used: &[Span]) -> (Vec<Value>, Vec<String>) {
    let mut notes = Vec::new();
    let asked: Vec<(Span, String)> =
        told.now.requirements.iter().map(|asked| (asked.span.clone(), asked.id.clone())).collect();
    let facts: Vec<(Span, String)> = used.iter().map(|span| (span.clone(), told.id(span))).collect();
    let mut all = Vec::new();
    for (at, (thing, document)) in told.asked.things().zip(&told.now.documents).enumerate() {
        let is_posting = at == told.now.posting;
        let marks: Vec<&(Span, String)> =
            if is_posting { &asked } else { &facts }.iter().filter(|(span, _)| span.document == at).collect();
        let kept = kept(document, &marks);
        if kept.len() < document.blocks.len() {
            notes.push(format!(
                "{} is long: of its {} paragraphs, {} are shown here, those that something is marked in and what stands beside them.",
                thing.title,
                document.blocks.len(),
                kept.len()
            ));
        }
        let mut last = None;
        let blocks: Vec<Value> = kept
            .iter()
            .filter_map(|&place| {
                let block = document.blocks.get(place)?;
                let gap = last.map_or(place > 0, |last: usize| place > last + 1);
                last = Some(place);
                Some(told_block(document, block, gap, &marks))
            })
            .collect();
        all.push(json!({
            "id": thing.id, "title": thing.title, "role": if is_posting { "posting" } else { "profile" }, "blocks": blocks,
            "cut": kept.len() < document.blocks.len(),
        }));
    }
    (all, notes)
}

/// Blocks that are shown: all, or those with marks, their neighbors, and the heading above.
fn kept(document: &Document, marks: &[&(Span, String)]) -> Vec<usize> {
    if document.text.len() <= MOST_SHOWN {
        return (0..document.blocks.len()).collect();
    }
    let mut kept = BTreeSet::new();
    for (span, _) in marks {
        let at = document.blocks.partition_point(|block| block.range.end <= span.start);
        kept.extend(at.saturating_sub(1)..=at + 1);
        let heading = document.blocks[..at.min(document.blocks.len())]
            .iter()
            .rposition(|block| matches!(block.kind, Kind::Heading(_)));
        kept.extend(heading);
    }
    kept.into_iter().filter(|&at| at < document.blocks.len()).collect()
}

fn told_block(document: &Document, block: &Block, gap: bool, marks: &[&(Span, String)]) -> Value {
    let range = &block.range;
    let own: Vec<&&(Span, String)> =
        marks.iter().filter(|(span, _)| span.start < range.end && range.start < span.end).collect();
    let mut cuts: BTreeSet<usize> = [range.start, range.end].into();
    cuts.extend(own.iter().flat_map(|(span, _)| [span.start.max(range.start), span.end.min(range.end)]));
    let cuts: Vec<usize> = cuts.into_iter().collect();
    let pieces: Vec<Value> = cuts
        .windows(2)
        .map(|pair| {
            let of = own.iter().filter(|(span, _)| span.start <= pair[0] && pair[1] <= span.end);
            let of: Vec<&str> = of.map(|(_, id)| id.as_str()).collect();
            json!({"text": document.text.get(pair[0]..pair[1]).unwrap_or_default(), "of": of})
        })
        .collect();
    let (kind, level) = match block.kind {
        Kind::Heading(level) => ("heading", level),
        Kind::Item => ("item", 0),
        Kind::Paragraph => ("paragraph", 0),
        Kind::Cell => ("cell", 0),
    };
    json!({"kind": kind, "level": level, "place": document.place(range.start).to_string(), "gap": gap, "pieces": pieces})
}
