//! What does the posting ask for? Its sentences, less those that only look like requirements.

use std::sync::LazyLock;

use regex::Regex;

use crate::asked::{needs, pattern};
use crate::concepts::ConceptKind;
use crate::document::{Document, Kind, Span};
use crate::model::{Finding, Need, Node, Requirement, Strength};
use crate::sections::{Part, heading, part};
use crate::text::sentences;

/// More requirements than this are no posting.
const MOST: usize = 300;

pattern!(
    CUE,
    r"(?i)\b(?:you\s+(?:have|are|bring|hold|will\s+have|will\s+need|need|know|can|possess|must|should)|you(?:'|’)(?:ve|re)\s|experience\s+(?:with|in|of|as|using|working|from)|experienced\s+(?:with|in)|knowledge\s+of|familiar(?:ity)?\s+with|understanding\s+of|proficien\w+|skills?\s+in|skilled\s+in|ability\s+to|able\s+to|degree|diploma|qualifi\w+|certifi\w+|licen[cs]e\w*|fluen\w+|years?(?:'|’)?\s+(?:of\s+)?(?:\w+\s+){0,3}experience|must\s+(?:have|be|hold)|required|requirements?\s*:|mandatory|essential|background\s+in|we\s+(?:are\s+looking\s+for|expect|require|seek|need|want)|looking\s+for\s+(?:an?|someone)|ideal(?:ly)?\s|preferred|a\s+plus|bonus|desirable|advantage|eligible\s+to\s+work|right\s+to\s+work|candidates?\s+(?:should|must|will|with)|applicants?\s+(?:should|must|will)|expertise\s+in|competen\w+\s+in|comfortable\s+(?:with|in|working))\b"
);
pattern!(
    MUST,
    r"(?i)\b(?:must|required|requires?|mandatory|essential|minimum|at\s+least|necessary|need(?:s|ed)?\s+to|non-negotiable)\b"
);
pattern!(
    NICE,
    r"(?i)\b(?:preferr?(?:ed|ably)|a\s+(?:big\s+)?plus|bonus|nice[- ]to[- ]have|desir(?:able|ed)|advantage(?:ous)?|ideally|beneficial|would\s+be\s+(?:great|good|nice|ideal|helpful)|optional|not\s+(?:required|essential|necessary)|welcome|appreciated|asset)\b"
);
pattern!(
    COMPANY,
    r"(?i)^(?:we|our|the\s+(?:company|team|organi[sz]ation|position|role|successful\s+team)|<organization>)\b.{0,60}?\b(?:offer|provide|believe|have|has|are|is|were|was|give|pay|value|support|build|work|help|serve|operate|founded|grow|launch|will\s+(?:launch|open|offer|provide|grow))\b"
);
pattern!(
    WE_SEEK,
    r"(?i)\b(?:we|<organization>)\s+(?:(?:are|is)\s+(?:now\s+|currently\s+)?(?:looking|searching|seeking|hiring)|expect|require|seek|need|want|would\s+like\s+you|hope\s+you|value\s+(?:experience|candidates))"
);
pattern!(
    OFFER,
    r"(?i)\b(?:pension|salary|bonus(?:es)?\s+(?:scheme|system)|annual\s+leave|holidays?|vacation|paid\s+time|insurance|parental\s+leave|equity|stock\s+options|free\s+(?:lunch|fruit|coffee)|training\s+budget|gym|discount|remote[- ]first|flexible\s+hours|years?\s+ago|founded|revenue|per\s+annum|headquarter\w*|equal\s+opportunit\w+|regardless\s+of|apply\s+(?:now|via|by|through)|send\s+(?:us\s+)?your|cover\s+letter|deadline|interview)\b"
);
pattern!(
    INJECTION,
    r"(?i)\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+|the\s+)*(?:previous|prior|above|earlier|other)\s+(?:\w+\s+)?(?:instructions?|prompts?|rules)|(?:rate|score|rank|mark)\s+(?:this|the|every|each)\s+(?:candidate|applicant)s?\b|you\s+are\s+(?:now\s+)?an?\s+(?:ai|assistant|language\s+model)|system\s+prompt|as\s+an\s+ai\b"
);

/// The requirements of a posting, and what is odd about it.
#[must_use]
pub fn requirements(document: &Document, at: usize) -> (Vec<Requirement>, Vec<Finding>) {
    let mut found: Vec<Requirement> = Vec::new();
    let mut findings = Vec::new();
    let mut section = Part::Other;
    let mut theme = String::new();
    for block in &document.blocks {
        if let Some(part) = part(document, block) {
            section = part;
            theme = heading(document, block).unwrap_or_default().trim_end_matches([':', '?']).to_owned();
            continue;
        }
        if matches!(block.kind, Kind::Heading(_)) {
            continue;
        }
        let text = document.block_text(block);
        for range in sentences(text) {
            let (sentence, start) = (&text[range.clone()], block.range.start + range.start);
            let span = Span { document: at, start, end: block.range.start + range.end };
            if INJECTION.as_ref().is_some_and(|pattern| pattern.is_match(sentence)) {
                let text =
                    "The posting speaks to its reader as to a machine. It is quoted here and was not obeyed."
                        .to_owned();
                findings.push(Finding { kind: "instruction_to_reader", text, span: Some(span) });
                continue;
            }
            let Some(strength) = strength(sentence, section) else { continue };
            let listed = matches!(section, Part::Essential | Part::Wanted | Part::Preferred);
            let Some(node) = needs(sentence, start, listed) else { continue };
            let inferred = strength == Strength::Inferred;
            if inferred && !is_concrete(&node) {
                continue;
            }
            // The same line again asks for nothing more.
            let same =
                found.iter().any(|other| document.text[other.span.range()] == document.text[span.range()]);
            if same || found.len() >= MOST {
                continue;
            }
            let gate = is_gate(&node.need) && strength <= Strength::Strong;
            let id = format!("R{}", found.len() + 1);
            found.push(Requirement { id, node, strength, theme: theme.clone(), span, gate });
        }
    }
    (found, findings)
}

/// How much a sentence insists; `None` if it asks for nothing.
fn strength(sentence: &str, section: Part) -> Option<Strength> {
    let is = |pattern: &LazyLock<Option<Regex>>| {
        pattern.as_ref().is_some_and(|pattern| pattern.is_match(sentence))
    };
    let (cue, must, nice) = (is(&CUE), is(&MUST), is(&NICE));
    let about_them = (is(&COMPANY) && !is(&WE_SEEK)) || is(&OFFER);
    let listed = match section {
        Part::Benefits | Part::About | Part::Process => return None,
        Part::Essential => Some(Strength::Must),
        Part::Wanted => Some(Strength::Strong),
        Part::Preferred => Some(Strength::Nice),
        Part::Duties | Part::Other => None,
    };
    if about_them && !(listed.is_some() && cue && !is(&OFFER)) {
        return None;
    }
    match listed {
        Some(Strength::Nice) => Some(Strength::Nice),
        Some(_) if nice => Some(Strength::Nice),
        Some(_) if must => Some(Strength::Must),
        Some(strength) => Some(strength),
        None if cue && nice => Some(Strength::Nice),
        None if cue && must => Some(Strength::Must),
        None if cue => Some(Strength::Strong),
        None if section == Part::Duties => Some(Strength::Inferred),
        None => None,
    }
}

/// Whether it names a tool, skill or method: duties that name none ask for nothing.
fn is_concrete(node: &Node) -> bool {
    match &node.need {
        Need::Concept(concept) => {
            matches!(concept.kind(), ConceptKind::Tool | ConceptKind::Skill | ConceptKind::Method)
        }
        Need::AnyOf(nodes) | Need::AllOf(nodes) => nodes.iter().all(is_concrete),
        _ => false,
    }
}

/// Permits, licences and places decide alone.
fn is_gate(need: &Need) -> bool {
    match need {
        Need::WorkPermit | Need::Place(_) => true,
        Need::Concept(concept) => concept.kind() == ConceptKind::Licence,
        Need::AnyOf(nodes) => nodes.iter().all(|node| is_gate(&node.need)),
        Need::AllOf(nodes) => nodes.iter().all(|node| is_gate(&node.need)),
        _ => false,
    }
}
