//! What does the posting ask for? Its sentences, less those that only look like requirements.

use std::ops::Range;
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
/// How many lines a heading that is not marked as one may leave out.
const PATIENCE: usize = 12;

pattern!(
    CUE,
    r"(?i)\b(?:you\s+(?:have|are|bring|hold|will\s+have|will\s+need|need|know|can|possess|must|should)|you(?:'|’)(?:ve|re)\s|experience\s+(?:with|in|of|as|using|working|from)|experienced\s+(?:with|in)|knowledge\s+of|familiar(?:ity)?\s+with|understanding\s+of|proficien\w+|skills?\s+in|skilled\s+in|ability\s+to|able\s+to|degree|diploma|qualifi\w+|certifi\w+|licen[cs]e\w*|fluen\w+|years?(?:'|’)?\s+(?:of\s+)?(?:\w+\s+){0,3}experience|(?:minimum|min\.?|at\s+least)\s+(?:of\s+)?(?:\d+|\w+)\+?\s+(?:or\s+more\s+)?years?|\d+\s*\+\s*years?|work\s+experience|must\s+(?:have|be|hold)|required|requirements?\s*:|mandatory|essential|background\s+in|we\s+(?:are\s+looking\s+for|expect|require|seek|need|want)|looking\s+for\s+(?:an?|someone)|ideal(?:ly)?\s|preferred|a\s+plus|bonus|desirable|advantage|eligible\s+to\s+work|right\s+to\s+work|candidates?\s+(?:should|must|will|with)|applicants?\s+(?:should|must|will)|expertise\s+in|competen\w+\s+in|comfortable\s+(?:with|in|working))\b"
);
pattern!(
    OPENS,
    r"(?i)^\W*(?:an?\s+)?(?:(?:very\s+)?(?:proven|perfect|strong|excellent|good|solid|deep|broad|advanced|basic|demonstrated|documented|extensive|relevant|previous|prior|professional|practical|hands-on|outstanding|exceptional|in-depth)\s+)+(?:\w+\s+){0,4}?(?:experience|knowledge|skills?|command|understanding|track\s+record|ability|abilities|background|expertise|competen\w+|qualifications?|proficiency|mindset|sense|record|capabilit\w+)\b|(?i)^\W*(?:ability|able|experience[ds]?|knowledge|understanding|fluen\w+|familiar\w*|proficien\w+|track\s+record|certifi\w+|willing\w*|command|perfect\s+command|project\s+management\s+experience|degree|master|bachelor)\b"
);
pattern!(
    NOT_ASKED,
    r"(?i)\b(?:do(?:es)?|need)\s+not\s+(?:have\s+to|need(?:\s+to)?|require)\b|\b(?:no|without)\s+(?:prior\s+|previous\s+|special\s+|specific\s+)?(?:experience|knowledge|qualifications?)\b[^.;]{0,50}\b(?:needed|required|necessary)\b|\bless\s+than\s+\w+\s+(?:years?|months?)\b"
);
pattern!(
    MUST,
    r"(?i)\b(?:must|required|requires?|mandatory|essential|minimum|at\s+least|necessary|need(?:s|ed)?\s+to|non-negotiable)\b"
);
pattern!(
    NICE,
    r"(?i)\b(?:preferr?(?:ed|ably)|a\s+(?:big\s+)?plus|bonus|nice[- ]to[- ]have|desir(?:able|ed)|advantage(?:ous)?|ideally|beneficial|would\s+be\s+(?:great|good|nice|ideal|helpful)|optional|not\s+(?:required|essential|necessary|a\s+(?:must|requirement|prerequisite))|welcome|appreciated|asset)\b"
);
pattern!(
    COMPANY,
    r"(?i)^(?:we|our|the\s+(?:company|team|organi[sz]ation|position|role|successful\s+team)|<organization>)\b.{0,60}?\b(?:offer|provide|believe|have|has|are|is|were|was|give|pay|value|support|build|work|help|serve|operate|founded|grow|launch|will\s+(?:launch|open|offer|provide|grow))\b"
);
pattern!(
    GIVEN,
    r"(?i)^(?:as\s+an?\s+.{3,60}?,?\s+)?(?:you|the\s+(?:successful\s+)?candidate)(?:\s+will|(?:'|’)ll)\s+(?:have\s+(?:a|an|the|access|every|ample|great|good)\b(?:\s+\w+){0,3}\s+(?:job|opportunit\w+|chance|impact|colleagues|manager|access|freedom|influence|time|budget)|be\s+(?:joining|offered|given|part\s+of|our|based|working|surrounded|supported)|get|receive|join|enjoy|find|meet|play|gain|become|experience)\b|^at\s+\S+(?:\s+\S+)?,?\s+(?:we|your?|our)\b|\b(?:we|to)\s+offer\s+you\b|\bwe\s+(?:can\s+)?offer\b|^we\s+invest\b|\bhelp\s+us\s+change\b|^the\s+atmosphere\b|^you\s+are\s+never\b|^learn\s+from\b"
);
pattern!(
    ASKS,
    r"(?i)\b(?:you|your|candidates?|applicants?|experience|knowledge|skills?|degree|required|must|looking)\b"
);
pattern!(
    WE_SEEK,
    r"(?i)\b(?:we|<organization>)\s+(?:(?:are|is)\s+(?:now\s+|currently\s+|therefore\s+|also\s+)?(?:looking|searching|seeking|hiring)|expect|require|seek|need|want|would\s+like\s+you|hope\s+you|value\s+(?:experience|candidates))"
);
pattern!(
    OFFER,
    r"(?i)\b(?:pension|salary|bonus(?:es)?\s+(?:scheme|system)|annual\s+leave|holidays?|vacation|paid\s+time|insurance|parental\s+leave|equity|stock\s+options|free\s+(?:lunch|fruit|coffee)|training\s+budget|gym|discount|remote[- ]first|flexible\s+hours|years?\s+ago|founded|revenue|per\s+annum|headquarter\w*|equal\s+opportunit\w+|regardless\s+of|apply\s+(?:now|via|by|through)|send\s+(?:us\s+)?your|cover\s+letter|deadline|interview)\b"
);
pattern!(
    ITEM,
    r"[^.!?,;:&/(-]\s+(?P<item>(?:Requirements?|Qualifications|Minimum|At\s+least|Proven|Prior|Previous|Relevant|Extensive|Excellent|Strong|Solid|Good|Very\s+good|Deep|Basic|Advanced|Experience|Knowledge|Familiar(?:ity)?|Understanding|Ability|Able\s+to|Fluen\w+|Comfortable|Willing\w*|Eager|Passion\w*|Exceptional|Some\s+experience|Speaks?|Must|You|We\s+(?:can\s+)?offer|What\s+[Ww]e\s+[Oo]ffer|WHAT\s+WE\s+OFFER|Benefits|Job\s+benefits|Company\s+description|Have|Are\s+\w+|Is\s+(?:fluent|able)|Be\s+(?:able|willing|flexible)|\d+\+\s*years)\b)"
);
pattern!(
    TWO,
    r"(?i)^.{8,}?\b(?:must|required|mandatory|essential|necessary)\b[^.;]{0,20}?[,;]?\s+(?P<second>(?:while|whereas|and|but)\s+.{3,}\b(?:a\s+plus|advantages?|preferr?ed|nice\s+to\s+have|bonus|beneficial|desirable|an\s+asset)\b.*)$"
);
pattern!(
    META,
    r"(?i)^\W*(?:full[- ]?time|part[- ]?time|permanent(?:\s+position)?|temporary|contract|internship|start(?:ing)?\s+date\b.*|job\s+(?:type|id|title|location)\b.*|(?:working|weekly)\s+hours?\b.*|date\s+posted\b.*|reference(?:\s+(?:no|number|id))?\b.*|company\s+(?:size|type)\b.*|industry:?.{0,40}|more\s+(?:about|information)\b.*|read\s+(?:more|our)\b.*|learn\s+more\b.*|visit\s+us\b.*|hr|contact\b.*)\W*$"
);
pattern!(
    APPLYING,
    r"(?i)\b(?:(?:the|your|all|an)\s+applications?\s+(?:must|should|shall|is|are|will|can|has\s+to|together|with|via|in|letter)|you\s+(?:are|'re)\s+applying|when\s+(?:you\s+)?apply(?:ing)?|applicants?\s+(?:to\s+specify|who\s+are|are\s+(?:requested|asked|invited))|(?:will|can|may)\s+be\s+(?:offered|appointed|found|obtained|given|employed|hired)|further\s+(?:information|details)|(?:read|find|learn)\s+more\b|more\s+information|to\s+apply\s*:|fill\s+(?:in|out)|please\s+(?:contact|indicate|include|attach|submit|send|note|visit|read)|enclose|attached?\s+to\s+the\s+application|curriculum\s+vitae|your\s+(?:application|cv|resume)\b|apply\s+(?:online|now|here|today|via)|sounds?\s+(?:like\s+(?:you|something)|interesting|exciting)|we\s+hope\s+you\s+do|looking\s+forward\s+to\s+(?:your|hear|receiv|meet)\w*|(?:does|do)\s+(?:this|it|that)\s+(?:sound|describe)|this\s+position\s+might\s+be|then\s+(?:join|apply|this)|shortlist\w*|terms\s+of\s+employment|appointed\s+(?:for|as))\b"
);
pattern!(
    NAMED_COMPANY,
    r"^[A-Z][\w&.-]*(?:\s+[A-Z][\w&.-]*){0,3}\s+(?:is|are|was|has|offers|provides|employs|helps|develops|delivers|believes)\b"
);
pattern!(
    INJECTION,
    r"(?i)\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+|the\s+)*(?:previous|prior|above|earlier|other)\s+(?:\w+\s+)?(?:instructions?|prompts?|rules)|(?:rate|score|rank|mark)\s+(?:this|the|every|each)\s+(?:candidate|applicant)s?\b|you\s+are\s+(?:now\s+)?an?\s+(?:ai|assistant|language\s+model)|system\s+prompt|as\s+an\s+ai\b"
);

/// The requirements of a posting, and what is odd about it.
#[must_use]
pub fn requirements(document: &Document, at: usize) -> (Vec<Requirement>, Vec<Finding>) {
    let (found, findings) = read(document, at, false);
    // A posting that asks for nothing in so many words asks for what its duties need.
    if found.is_empty() { read(document, at, true) } else { (found, findings) }
}

fn read(document: &Document, at: usize, duties: bool) -> (Vec<Requirement>, Vec<Finding>) {
    let mut found: Vec<Requirement> = Vec::new();
    let mut findings = Vec::new();
    let mut section = Part::Other;
    let mut left: Option<usize> = None;
    let mut theme = String::new();
    for block in &document.blocks {
        // A heading that no mark tells may be a mere line: what is left out by it is left out for a dozen lines.
        left = left.map(|left| left.saturating_sub(1));
        if left == Some(0) && matches!(section, Part::About | Part::Benefits | Part::Process) {
            section = Part::Other;
        }
        if let Some(part) = part(document, block) {
            section = part;
            left = (!matches!(block.kind, Kind::Heading(_))).then_some(PATIENCE);
            theme = heading(document, block).unwrap_or_default().trim_end_matches([':', '?']).to_owned();
            continue;
        }
        if matches!(block.kind, Kind::Heading(_)) {
            continue;
        }
        let text = document.block_text(block);
        // "Working at Acme" ends a list as a heading would: short, without a stop, and naming nothing that can be asked for.
        let closes = block.kind == Kind::Paragraph
            && heading(document, block).is_some_and(|line| line.split_whitespace().count() <= 6)
            && text.starts_with(char::is_uppercase)
            && needs(text, 0, false).is_none()
            && strength(text, Part::Other, false).is_none()
            && matches!(section, Part::Essential | Part::Wanted | Part::Preferred);
        if closes {
            section = Part::Other;
            theme = text.trim().to_owned();
            continue;
        }
        for range in sentences(text)
            .into_iter()
            .flat_map(|range| unglued(text, range))
            .flat_map(|range| by_strength(text, range))
        {
            let (sentence, start) = (&text[range.clone()], block.range.start + range.start);
            let span = Span { document: at, start, end: block.range.start + range.end };
            if INJECTION.as_ref().is_some_and(|pattern| pattern.is_match(sentence)) {
                let text =
                    "The posting speaks to its reader as to a machine. It is quoted here and was not obeyed."
                        .to_owned();
                findings.push(Finding { kind: "instruction_to_reader", text, span: Some(span) });
                continue;
            }
            let told = block.kind == Kind::Paragraph
                && NAMED_COMPANY.as_ref().is_some_and(|pattern| pattern.is_match(sentence));
            let part = if duties && section == Part::Other { Part::Duties } else { section };
            let Some(strength) = strength(sentence, part, told) else { continue };
            let listed = matches!(section, Part::Essential | Part::Wanted | Part::Preferred);
            let Some(node) = needs(sentence, start, listed) else { continue };
            let inferred = strength == Strength::Inferred;
            if inferred && !(is_concrete(&node) || duties && is_named(&node)) {
                continue;
            }
            // The same line again asks for nothing more.
            let same =
                found.iter().any(|other| document.text[other.span.range()] == document.text[span.range()]);
            if same || found.len() >= MOST {
                continue;
            }
            for node in without_gates(node) {
                let gate = is_gate(&node.need) && strength <= Strength::Strong;
                let id = format!("R{}", found.len() + 1);
                found.push(Requirement {
                    id,
                    node,
                    strength,
                    theme: theme.clone(),
                    span: span.clone(),
                    gate,
                });
            }
        }
    }
    (found, findings)
}

/// "English is a must while German is an advantage": two demands of two strengths.
fn by_strength(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let cut = TWO
        .as_ref()
        .and_then(|pattern| pattern.captures(&text[range.clone()])?.name("second").map(|hit| hit.start()));
    match cut {
        Some(at) => vec![
            range.start..range.start + text[range.clone()][..at].trim_end().len(),
            range.start + at..range.end,
        ],
        None => vec![range],
    }
}

/// Pasted lists often lose their line breaks: a very long sentence is cut where an item plainly begins.
fn unglued(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    const GLUED: usize = 80;
    let Some(pattern) = ITEM.as_ref().filter(|_| range.len() > GLUED) else { return vec![range] };
    let mut from = range.start;
    let mut found = Vec::new();
    for hit in pattern.captures_iter(&text[range.clone()]).filter_map(|hit| hit.name("item")) {
        let at = range.start + hit.start();
        found.push(from..at);
        from = at;
    }
    found.push(from..range.end);
    let trimmed = found.into_iter().map(|piece| piece.start..piece.start + text[piece].trim_end().len());
    trimmed.filter(|piece| !piece.is_empty()).collect()
}

/// How much a sentence insists; `None` if it asks for nothing.
fn strength(sentence: &str, section: Part, told: bool) -> Option<Strength> {
    let is = |pattern: &LazyLock<Option<Regex>>| {
        pattern.as_ref().is_some_and(|pattern| pattern.is_match(sentence))
    };
    let (cue, must, nice) = (is(&CUE) || is(&OPENS), is(&MUST), is(&NICE));
    if is(&NOT_ASKED) || is(&META) || is(&APPLYING) || is(&GIVEN) || (told && !is(&ASKS)) {
        return None;
    }
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
        Need::Concept(concept) | Need::Several(concept, _) => {
            matches!(concept.kind(), ConceptKind::Tool | ConceptKind::Skill | ConceptKind::Method)
        }
        Need::AnyOf(nodes) | Need::AllOf(nodes) => nodes.iter().all(is_concrete),
        _ => false,
    }
}

/// Whether it names anything that the table knows.
fn is_named(node: &Node) -> bool {
    match &node.need {
        Need::Words(_) => false,
        Need::AnyOf(nodes) | Need::AllOf(nodes) => nodes.iter().any(is_named),
        _ => true,
    }
}

/// "A driving licence and experience with forklifts": what decides alone stands alone.
fn without_gates(node: Node) -> Vec<Node> {
    let Need::AllOf(nodes) = node.need else { return vec![node] };
    let (gates, rest): (Vec<Node>, Vec<Node>) = nodes.into_iter().partition(|node| is_gate(&node.need));
    if gates.is_empty() || rest.is_empty() {
        return vec![Node { need: Need::AllOf([gates, rest].concat()), range: node.range }];
    }
    let mut found = gates;
    found.push(crate::asked::all_of(rest));
    found.sort_by_key(|node| node.range.start);
    found
}

/// Permits, licences and places decide alone.
fn is_gate(need: &Need) -> bool {
    match need {
        Need::WorkPermit(_) | Need::Place(_) => true,
        Need::Concept(concept) => concept.kind() == ConceptKind::Licence,
        Need::AnyOf(nodes) => nodes.iter().all(|node| is_gate(&node.need)),
        Need::AllOf(nodes) => nodes.iter().all(|node| is_gate(&node.need)),
        _ => false,
    }
}
