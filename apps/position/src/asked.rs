//! What does one sentence of a posting ask for? Typed needs first, then concepts with their "and" and "or".

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::concepts::{ConceptId, ConceptKind, Mention, mentions};
use crate::content::content;
use crate::groups::groups;
use crate::model::{Level, Need, Node};
use crate::text::{Token, tokens};

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: std::sync::LazyLock<Option<regex::Regex>> =
            std::sync::LazyLock::new(|| regex::Regex::new($text).ok());
    };
}
pub(crate) use pattern;

pattern!(
    YEARS,
    r"(?i)\b(?P<n>\d{1,2}(?:[.,]5)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|a\s+couple\s+of|a\s+few|several|some|many)\s*(?:\(\s*\d+\s*\)\s*)?(?:\+|plus\b|or\s+more\b)?\s*(?:(?:-|–|to\b)\s*\d{1,2}\s*)?(?:\+\s*)?(?:or\s+more\s+)?(?P<unit>years?|yrs?|months?)\b"
);
pattern!(DECADE, r"(?i)\b(?:(?P<n>two|three|2|3)\s+decades\b|(?:a|one|full)\s+decade\b)|^\W*decade\b");
pattern!(NO_YEARS_AT_ALL, r"(?i)\bmust\s+not\s+have\b|\bnewly\s+(?:graduated|educated|qualified)\b");
pattern!(
    YEARS_ASKED,
    r"(?i)\b(?:years?(?:'|’)?\s+(?:of|in|with|as|working)\b|experience|background|track\s+record|work(?:ing|ed)|practi[cs]\w*|similar\s+(?:role|position|job)|in\s+a\s+\w+\s+role|hands-on|professional|relevant|proven|as\s+an?\b|teaching|driving|qualified|post[- ]qualification|expertise|knowledge)\b"
);
pattern!(
    NOT_YEARS,
    r"(?i)\b(?:after\s+\S+\s+(?:years?|months?)|celebrat\w+\s+\S+\s+years?|next\s+\S+|(?:last|past)\s+\S+(?:\s*(?:-|–|to)\s*\S+)?\s+years|years?\s+(?:ago|old)|founded|established|pension|contract|fixed[- ]term|per\s+year|a\s+year\b|every|each\s+year|(?:remote|business|market)\S*\s+for\s+\S+\s+years|since\s+\d{4}|probation|warranty)\b"
);
pattern!(
    SEEKS,
    r"(?i)\b(?:looking\s+for|seek(?:s|ing)?|search(?:ing)?\s+for|hir(?:e|ing)|want(?:ed)?|as\s+an?|experience\s+as|years?)\b"
);
pattern!(
    SIMILAR,
    r"(?i)\b(?:similar|comparable|equivalent|related|like)\s+(?:\w+\s+)?(?:roles?|positions?|jobs?|capacity|functions?|environments?|fields?|area)\b"
);
pattern!(
    MANY,
    r"(?i)\b(?:(?P<n>two|three|four|2|3|4)(?:\s+or\s+more|\s*\+)?|multiple|several|various|a\s+(?:variety|range)\s+of|more\s+than\s+one)\s+(?:\w+\s+){0,2}$"
);
pattern!(
    DEGREE,
    r"(?P<doctor>(?i:\bph\.?\s?d\b|\bdoctora(?:te|l)\b))|(?P<master>(?i:\bmaster(?:'s|’s|s)(?:\s+(?:degree|of|in|thesis|program\w*|level|stud\w+|or|and|from|at|\()|\s*[,.;:/)(]|\s*$)|\bmaster(?:'s|’s|s)?\s+level\b|\bmaster(?:\s+degree|\s+of|\s+in)\b|\bm\.?\s?sc\b|\bm\.?eng\b)|\bMBA\b|\bMA\b|\bMEd\b|\bM\.S\.|\bMS\b)|(?P<bachelor>(?i:\bbachelor(?:'s|’s|s)?\b|\bb\.?\s?sc\b|\bb\.?eng\b|\bb\.?tech\b|\bundergraduate\s+degree\b|\b(?:university|college|academic|higher)\s+(?:degree|education)\b|\bgraduate\s+degree\b|\bdegree\s+in\b|\b(?:relevant|related|technical|engineering|science|nursing|teaching|law)\s+degree\b|\bdegree\b)|\bBA\b|\bB\.S\.|\bBS\b)|(?P<vocational>(?i:\bdiploma\b|\bvocational\b|\bapprenticeship\b|\bjourneyman\b|\bskilled[- ]worker\b|\btrade\s+certificate\b))"
);
pattern!(
    NO_DEGREE,
    r"(?i)\b(?:high|great|some|certain|large|360)\s+degree|degree\s+of\s+(?:autonomy|freedom|responsib|flexib|independ|accura|attention|initiative)|degrees?\s+(?:celsius|view)|scrum\s+master|master\s+of\s+(?:a|an|the)\b|\bMS[- ](?:Office|Excel|Word|SQL|Project|Dynamics|Teams|Access|PowerPoint|Outlook|Windows|Azure|365|Visio|Exchange|tools?)|master\s+data|\bph\.?\s?d\.?\s+(?:candidate|student|stipend|position|project|fellow|program\w*|school|scholar)s?\b|\bdoctoral\s+(?:candidate|student|position)s?\b|ib\s+diploma|diploma\s+programme"
);
pattern!(
    PLACE,
    r"(?:(?i:based|located|living|residing?|reside|on-?site|relocate|commut\w+|work)\s+(?i:in|to|at|from)\s+(?i:our\s+)?|(?i:location)\s*:\s*)(?P<place>[A-ZÅÄÖÉ][\w’'-]+(?:[ ,-]+[A-ZÅÄÖÉ][\w’'-]+)*)"
);
pattern!(
    PERMIT,
    r"(?i)\b(?:right|eligib\w+|authori[sz]\w+|entitled|permission|permit\w*|legally)\s+(?:\S+\s+){0,3}?to\s+work\b|\bwork(?:ing)?\s+(?:permit|visa)\b|\b(?:may|can)\s+(?:legally\s+)?work\s+in\b|\bwithout\s+(?:a\s+)?sponsor(?:ship)?\b|\bvisa\s+sponsorship\b"
);
pattern!(COUNTRY, r"\b(?:in|for|within)\s+(?:the\s+)?(?P<place>[A-Z][\w.]*(?:\s+[A-Z]\w*)*)");
pattern!(
    PAPERS,
    r"(?i)(?:(?P<n>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty)\s*(?:\+|or\s+more)?\s*)?\b(?:(?:peer[- ]reviewed\s+|scientific\s+|academic\s+|first[- ]author\s+)*(?:publications?|papers?\b)|publication\s+record|published\s+(?:work|research|papers?))\b"
);
pattern!(
    CARES,
    r"(?i)\b(?:commitment\s+to|committed\s+to|passion(?:ate)?\s+(?:for|about)|interest(?:ed)?\s+in|enthusias\w+\s+(?:for|about)|care\s+(?:\w+\s+)?about|curious\s+about|motivated\s+by|(?:willing|eager|keen|desire|want)\w*\s+to\s+learn)"
);
pattern!(FLUENT, r"(?i)\b(?:native|mother\s+tongue|bilingual|c2)\b");
pattern!(
    GOOD,
    r"(?i)\b(?:fluen\w+|excellent|proficien\w+|business|professional|c1|advanced|strong|perfect|impeccable|full\s+working|high\s+level|very\s+good)\b"
);
pattern!(
    FAIR,
    r"(?i)\b(?:good|b2|working\s+(?:knowledge|proficiency)|upper[- ]intermediate|command|confident)\b"
);
pattern!(SOME, r"(?i)\b(?:b1|intermediate|conversational)\b");
pattern!(LITTLE, r"(?i)\b(?:basic\w*|a1|a2|beginner|elementary|some|limited|learning|school)\b");

/// What a sentence asks for; `None` if it asks for nothing that can be named. `loose` accepts words that the table
/// does not know.
#[must_use]
pub(crate) fn needs(sentence: &str, offset: usize, loose: bool) -> Option<Node> {
    let words = tokens(sentence);
    let found = asked_for(sentence, mentions(sentence, &words));
    let mut used: Vec<Range<usize>> = Vec::new();
    let mut nodes: Vec<Node> = Vec::new();
    years(sentence, &words, &found, &mut used, &mut nodes);
    degree(sentence, &words, &found, &mut used, &mut nodes);
    languages(sentence, &found, &mut used, &mut nodes);
    let permit = PERMIT.as_ref().and_then(|pattern| pattern.find(sentence));
    if let Some(hit) = permit {
        used.push(hit.range());
        let country = COUNTRY.as_ref().and_then(|pattern| pattern.captures(&sentence[hit.start()..]));
        let country = country.and_then(|hit| hit.name("place")).map(|place| place.as_str().to_owned());
        nodes.push(Node { need: Need::WorkPermit(country), range: hit.range() });
    }
    // "The right to work in Germany" is about the permit.
    if permit.is_none()
        && let Some(hit) =
            PLACE.as_ref().and_then(|pattern| pattern.captures(sentence)).and_then(|c| c.name("place"))
        && !found.iter().any(|mention| {
            mention.range.start == hit.start() && mention.concept.kind() != ConceptKind::Language
        })
    {
        nodes.push(Node { need: Need::Place(hit.as_str().to_owned()), range: hit.range() });
        used.push(hit.range());
    }
    if let Some(hit) = PAPERS
        .as_ref()
        .and_then(|pattern| pattern.captures(sentence))
        .filter(|_| !sentence.to_lowercase().contains("white paper"))
        && let Some(whole) = hit.get(0)
    {
        let n = hit.name("n").and_then(|n| number(n.as_str())).map_or(1, |n| n as u32);
        used.push(whole.range());
        nodes.push(Node { need: Need::Publications(n), range: whole.range() });
    }
    let mut counted: Vec<Range<usize>> = Vec::new();
    for amount in crate::amounts::asked(sentence) {
        if !used.iter().any(|range| range.start < amount.range.end && amount.range.start < range.end) {
            // Only the number is used up: in "three ERP projects" ERP is asked for, too.
            let said = &sentence[amount.range.clone()];
            let number = said.find(|c: char| c.is_whitespace() || c == '+').unwrap_or(said.len());
            used.push(amount.range.start..amount.range.start + number);
            counted.push(amount.range.clone());
            nodes.push(Node { need: Need::Amount(amount.n, amount.unit), range: amount.range });
        }
    }
    let cares = CARES.as_ref().is_some_and(|pattern| pattern.is_match(sentence));
    let rest: Vec<Mention> = found
        .iter()
        .filter(|mention| {
            !used.iter().any(|range| range.start < mention.range.end && mention.range.start < range.end)
        })
        .cloned()
        .collect();
    let mut named = groups(sentence, &rest);
    if cares {
        named.iter_mut().for_each(to_interest);
    }
    named.iter_mut().for_each(|node| to_several(sentence, node));
    nodes.extend(named);
    used.extend(counted);
    rest_of(sentence, &words, &found, &used, &mut nodes);
    nodes.sort_by_key(|node| node.range.start);
    // The same thing twice in a sentence is asked for once.
    let mut seen: Vec<Need> = Vec::new();
    nodes.retain(|node| {
        let is_new = !seen.contains(&node.need);
        seen.push(node.need.clone());
        is_new
    });
    if nodes.is_empty() && loose {
        let stems = content(&words);
        if (1..=14).contains(&stems.len()) {
            nodes.push(Node { need: Need::Words(stems), range: 0..sentence.len() });
        }
    }
    let mut node = match nodes.len() {
        0 => return None,
        1 => nodes.remove(0),
        _ => bundled(nodes),
    };
    shift(&mut node, offset);
    Some(node)
}

/// So many parts side by side are no sentence any more. Bundles of them keep the fractions of the fit small enough to be exact.
const MOST_PARTS: usize = 12;

/// All of some needs; of more than a dozen, in bundles.
fn bundled(mut nodes: Vec<Node>) -> Node {
    while nodes.len() > MOST_PARTS {
        let size = nodes.len().div_ceil(MOST_PARTS).max(2);
        let rest = nodes.split_off(size.min(nodes.len()));
        let mut groups = vec![all_of(nodes)];
        let mut rest = rest;
        while !rest.is_empty() {
            let tail = rest.split_off(size.min(rest.len()));
            groups.push(all_of(rest));
            rest = tail;
        }
        nodes = groups;
    }
    all_of(nodes)
}

pub(crate) fn all_of(mut nodes: Vec<Node>) -> Node {
    if nodes.len() == 1 {
        return nodes.remove(0);
    }
    let start = nodes.iter().map(|node| node.range.start).min().unwrap_or(0);
    let end = nodes.iter().map(|node| node.range.end).max().unwrap_or(start);
    Node { range: start..end, need: Need::AllOf(nodes) }
}

/// Names that say with whom or in what line one works are not asked for: "up-skilling engineers" asks for no engineer, and
/// "research in bioinformatics" for bioinformatics.
fn asked_for(sentence: &str, found: Vec<Mention>) -> Vec<Mention> {
    const BROAD: &str = " engineering information-technology research technology healthcare education human-resources engineer ";
    let seeks = SEEKS.as_ref().is_some_and(|pattern| pattern.is_match(sentence));
    let is_company = |mention: &Mention| {
        let plural = sentence[mention.range.clone()].ends_with('s');
        mention.concept.kind() == ConceptKind::Profession && plural && !seeks
    };
    let is_broad = |mention: &Mention| {
        let name = mention.concept.name().to_lowercase().replace(' ', "-");
        BROAD.split_whitespace().any(|own| own == name)
    };
    // "A new initiative", "business initiatives", "translation into practice": things, and no way to be.
    let is_thing = |mention: &Mention| {
        let said = sentence[mention.range.clone()].to_lowercase();
        let last =
            sentence[..mention.range.start].split_whitespace().last().unwrap_or_default().to_lowercase();
        match mention.concept.name() {
            "initiative" => {
                said.ends_with('s')
                    || matches!(
                        last.as_str(),
                        "a" | "an"
                            | "the"
                            | "new"
                            | "this"
                            | "our"
                            | "business"
                            | "strategic"
                            | "key"
                            | "global"
                    )
            }
            "translation" | "interpreting" => {
                let small = sentence.to_lowercase();
                !["language", "translator", "interpreter", "document", "translate"]
                    .iter()
                    .any(|word| small.contains(word))
            }
            _ => false,
        }
    };
    let is_left_out = |mention: &Mention| is_company(mention) || is_thing(mention);
    let kept: Vec<Mention> = found.iter().filter(|mention| !is_left_out(mention)).cloned().collect();
    let narrow: Vec<Mention> = kept.iter().filter(|mention| !is_broad(mention)).cloned().collect();
    match (narrow.is_empty(), kept.is_empty()) {
        (false, _) => narrow,
        (true, false) => kept,
        _ => Vec::new(),
    }
}

/// "Production deployment of ML models" asks for more than ML: what a sentence says besides its concepts is asked too.
fn rest_of(sentence: &str, words: &[Token], found: &[Mention], used: &[Range<usize>], nodes: &mut Vec<Node>) {
    fn is_work(need: &Need) -> bool {
        match need {
            Need::Concept(concept) => {
                !matches!(concept.kind(), ConceptKind::Trait | ConceptKind::Licence | ConceptKind::Language)
            }
            Need::Several(..) | Need::Amount(..) => true,
            Need::AnyOf(nodes) => nodes.iter().all(|node| is_work(&node.need)),
            _ => false,
        }
    }
    fn is_language(need: &Need) -> bool {
        match need {
            Need::Language(..) => true,
            Need::AnyOf(nodes) => nodes.iter().all(|node| is_language(&node.need)),
            _ => false,
        }
    }
    // A language stands in a sentence with words about how well; only a good deal more is another demand.
    let least = if nodes.iter().all(|node| is_language(&node.need)) { 4 } else { 2 };
    if nodes.is_empty() || !nodes.iter().all(|node| is_work(&node.need) || is_language(&node.need)) {
        return;
    }
    let covers = |word: &Token| {
        let inside = |range: &Range<usize>| range.start < word.range.end && word.range.start < range.end;
        found.iter().any(|mention| inside(&mention.range)) || used.iter().any(inside)
    };
    let free: Vec<Token> = words.iter().filter(|word| !covers(word)).cloned().collect();
    let stems = content(&free);
    if let (true, Some(first), Some(last)) = (stems.len() >= least, free.first(), free.last()) {
        let range = first.range.start..last.range.end.min(sentence.len());
        nodes.push(Node { need: Need::Words(stems), range });
    }
}

/// "Multiple programming languages" asks for more than one.
fn to_several(sentence: &str, node: &mut Node) {
    let Need::Concept(concept) = node.need else { return };
    let before = &sentence[..node.range.start];
    let Some(hit) = MANY.as_ref().and_then(|pattern| pattern.captures(before)) else { return };
    let plural = sentence[node.range.clone()].ends_with('s');
    let least = hit.name("n").and_then(|n| number(n.as_str())).unwrap_or(2.0);
    if plural && concept.has_kinds() {
        node.need = Need::Several(concept, least as u32);
    }
}

/// "Commitment to safety" asks for something that one may only say.
fn to_interest(node: &mut Node) {
    match &mut node.need {
        Need::Concept(concept) if concept.kind() != ConceptKind::Trait => {
            node.need = Need::Interest(*concept)
        }
        Need::AnyOf(nodes) | Need::AllOf(nodes) => nodes.iter_mut().for_each(to_interest),
        _ => {}
    }
}

fn shift(node: &mut Node, by: usize) {
    node.range = node.range.start + by..node.range.end + by;
    if let Need::AnyOf(nodes) | Need::AllOf(nodes) = &mut node.need {
        nodes.iter_mut().for_each(|node| shift(node, by));
    }
}

/// A number that is written as digits or as a word.
pub(crate) fn number(text: &str) -> Option<f64> {
    // What "several" means nobody says; these are conventions, and low ones.
    const WORDS: [(&str, f64); 26] = [
        ("eleven", 11.0),
        ("thirteen", 13.0),
        ("fourteen", 14.0),
        ("sixteen", 16.0),
        ("seventeen", 17.0),
        ("eighteen", 18.0),
        ("nineteen", 19.0),
        ("thirty", 30.0),
        ("a couple of", 2.0),
        ("a few", 2.0),
        ("some", 2.0),
        ("several", 3.0),
        ("many", 5.0),
        ("one", 1.0),
        ("two", 2.0),
        ("three", 3.0),
        ("four", 4.0),
        ("five", 5.0),
        ("six", 6.0),
        ("seven", 7.0),
        ("eight", 8.0),
        ("nine", 9.0),
        ("ten", 10.0),
        ("twelve", 12.0),
        ("fifteen", 15.0),
        ("twenty", 20.0),
    ];
    let small = text.to_lowercase();
    WORDS
        .iter()
        .find(|(word, _)| *word == small)
        .map(|(_, n)| *n)
        .or_else(|| small.replace(',', ".").parse().ok())
}

/// Every span of years that a sentence names, in months, with its bytes.
fn spans_of_years(sentence: &str) -> Vec<(u32, Range<usize>)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((months, range)) = span_of_years(&sentence[from..]) {
        let (start, end) = (from + range.start, from + range.end);
        found.push((months, start..end));
        from = end;
    }
    found
}

/// The first span of years that a sentence names, in months, with its bytes.
pub(crate) fn span_of_years(sentence: &str) -> Option<(u32, Range<usize>)> {
    let hit = YEARS.as_ref()?.captures(sentence);
    let decade = DECADE.as_ref()?.captures(sentence);
    if let Some(ten) = decade.filter(|ten| {
        let at = |hit: &regex::Captures<'_>| hit.get(0).map_or(0, |whole| whole.start());
        hit.as_ref().is_none_or(|hit| at(ten) < at(hit))
    }) {
        let n = ten.name("n").and_then(|n| number(n.as_str())).unwrap_or(1.0);
        return Some(((120.0 * n).round() as u32, ten.get(0)?.range()));
    }
    let hit = hit?;
    let n = number(hit.name("n")?.as_str())?;
    let months = if hit.name("unit")?.as_str().to_lowercase().starts_with('m') { n } else { 12.0 * n };
    Some((months.round() as u32, hit.get(0)?.range()))
}

/// Where a clause ends: at a semicolon, or at a stop that is not inside of a name such as Node.js.
fn clause_end(text: &str, from: usize) -> usize {
    let ends = |(at, mark): &(usize, char)| {
        let after = &text[from + at + mark.len_utf8()..];
        *mark == ';' || (*mark == '.' && after.chars().next().is_none_or(char::is_whitespace))
    };
    text[from..].char_indices().find(ends).map_or(text.len(), |(at, _)| from + at)
}

/// Letters around a number of years that tell what it is about.
const AROUND: usize = 42;

/// "Less than four years".
fn is_most(before: &str) -> bool {
    let before = before.trim_end().to_lowercase();
    ["less than", "fewer than", "no more than", "not more than", "up to", "maximum", "maximum of"]
        .iter()
        .any(|word| before.ends_with(word))
}

/// "25 years of age", "50 years ago".
fn is_age(after: &str) -> bool {
    let after = after.trim_start();
    ["of age", "old", "ago"].iter().any(|word| after.starts_with(word))
}

fn years(
    sentence: &str,
    words: &[Token],
    found: &[Mention],
    used: &mut Vec<Range<usize>>,
    nodes: &mut Vec<Node>,
) {
    let asked = YEARS_ASKED.as_ref().is_some_and(|pattern| pattern.is_match(sentence));
    if !asked || NO_YEARS_AT_ALL.as_ref().is_some_and(|pattern| pattern.is_match(sentence)) {
        return;
    }
    // "After one year of service", "founded 30 years ago": what stands around the years tells, not the whole sentence.
    let is_other = |range: &Range<usize>| {
        let from = sentence[..range.start].char_indices().rev().nth(AROUND).map_or(0, |(at, _)| at);
        let to =
            sentence[range.end..].char_indices().nth(AROUND).map_or(sentence.len(), |(at, _)| range.end + at);
        NOT_YEARS.as_ref().is_some_and(|pattern| pattern.is_match(&sentence[from..to]))
    };
    let spans: Vec<(u32, Range<usize>)> = spans_of_years(sentence)
        .into_iter()
        .filter(|(months, range)| (1..=480).contains(months) && !is_age(&sentence[range.end..]))
        .filter(|(_, range)| !is_most(&sentence[..range.start]) && !is_other(range))
        .collect();
    let is_area =
        |mention: &&Mention| !matches!(mention.concept.kind(), ConceptKind::Trait | ConceptKind::Language);
    for (at, (months, range)) in spans.iter().enumerate() {
        // What the years are of stands behind them, up to the next years or the end of the clause; where nothing
        // does, before them.
        let next = spans.get(at + 1).map_or(sentence.len(), |next| next.1.start);
        let end = clause_end(&sentence[..next], range.end);
        let behind = |m: &&Mention| m.range.start >= range.end && m.range.end <= end;
        let mut area: Vec<Mention> = found.iter().filter(behind).filter(is_area).cloned().collect();
        if area.is_empty() && at == 0 {
            // "A degree in economics and three years of work": the field is not what the years are of.
            let is_work =
                |m: &&Mention| !matches!(m.concept.kind(), ConceptKind::Field | ConceptKind::Licence);
            let from = levels(&sentence[..range.start]).last().map_or(0, |(_, last)| last.end);
            let before = |m: &&Mention| m.range.end <= range.start && m.range.start >= from;
            area = found.iter().filter(before).filter(is_area).filter(is_work).cloned().collect();
            if from > 0 {
                area.clear();
            }
        }
        let whole = range.start..area.iter().map(|m| m.range.end).max().unwrap_or(range.end).max(range.end);
        let inside = words.iter().filter(|word| word.range.start >= range.end && word.range.end <= end);
        let stems = content(&inside.cloned().collect::<Vec<Token>>());
        // "of Java and SQL" asks for work with both, "of Java or Kotlin" for work with one of them.
        let each = |node: &Node| match &node.need {
            Need::Concept(concept) => vec![*concept],
            Need::AnyOf(nodes) => nodes
                .iter()
                .filter_map(|node| if let Need::Concept(concept) = node.need { Some(concept) } else { None })
                .collect(),
            _ => Vec::new(),
        };
        let areas: Vec<Vec<ConceptId>> =
            groups(sentence, &area).iter().map(each).filter(|area| !area.is_empty()).collect();
        used.push(range.start.min(whole.start)..whole.end);
        used.extend(area.iter().map(|mention| mention.range.clone()));
        let words = if areas.is_empty() { stems } else { Vec::new() };
        let similar = areas.is_empty()
            && SIMILAR.as_ref().is_some_and(|pattern| pattern.is_match(&sentence[range.end..end]));
        let words = if similar { Vec::new() } else { words };
        nodes.push(Node { need: Need::Years { months: *months, area: areas, words, similar }, range: whole });
    }
}

/// The levels of degrees that a text names, with their bytes.
pub(crate) fn levels(text: &str) -> Vec<(Level, Range<usize>)> {
    let excluded: Vec<Range<usize>> =
        NO_DEGREE.as_ref().map_or(Vec::new(), |p| p.find_iter(text).map(|hit| hit.range()).collect());
    let Some(pattern) = DEGREE.as_ref() else { return Vec::new() };
    let hits = pattern.captures_iter(text).filter_map(|hit| {
        let level = [
            ("doctor", Level::Doctor),
            ("master", Level::Master),
            ("bachelor", Level::Bachelor),
            ("vocational", Level::Vocational),
        ]
        .into_iter()
        .find(|(name, _)| hit.name(name).is_some())?;
        Some((level.1, hit.get(0)?.range()))
    });
    hits.filter(|(_, range)| !excluded.iter().any(|out| out.start < range.end && range.start < out.end))
        .collect()
}

fn degree(
    sentence: &str,
    words: &[Token],
    found: &[Mention],
    used: &mut Vec<Range<usize>>,
    nodes: &mut Vec<Node>,
) {
    let levels = levels(sentence);
    let (Some(first), Some(last)) = (levels.first(), levels.last()) else { return };
    // "Bachelor's or Master's" is met by the first; a bare "degree" beside a level adds nothing.
    let named: Vec<Level> = levels
        .iter()
        .filter(|(_, range)| {
            let said = sentence[range.clone()].to_lowercase();
            !said.contains("degree")
                || ["master", "bachelor", "doctor", "ph"].iter().any(|word| said.contains(word))
        })
        .map(|(level, _)| *level)
        .collect();
    let level = named.iter().copied().min().unwrap_or(Level::Bachelor);
    let end = clause_end(sentence, last.1.end);
    let tail = &sentence[last.1.end..end];
    let small = tail.to_lowercase();
    let open = ["related", "similar", "equivalent", "relevant", "comparable", "or other", "another"]
        .iter()
        .any(|word| small.contains(word) || sentence[..last.1.end].to_lowercase().contains(word));
    // Fields follow at once: what stands behind "or equivalent experience" or a comma with "and" is another matter.
    let stop = [
        "or equivalent",
        "or related",
        "or similar",
        "or comparable",
        " and ",
        " with ",
        " plus ",
        " preferred",
        " required",
        "or relevant",
    ]
    .iter()
    .filter_map(|word| small.find(word))
    .filter(|&at| at > 12 || !small[..at].contains(" in "))
    .min()
    .unwrap_or(tail.len());
    let limit = last.1.end + stop;
    let fields: Vec<&Mention> = found
        .iter()
        .filter(|m| m.range.start >= last.1.end && m.range.end <= limit.max(last.1.end))
        .filter(|m| {
            matches!(
                m.concept.kind(),
                ConceptKind::Field | ConceptKind::Skill | ConceptKind::Domain | ConceptKind::Profession
            )
        })
        .collect();
    let inside: Vec<Token> =
        words.iter().filter(|w| w.range.start >= last.1.end && w.range.end <= limit).cloned().collect();
    // "In engineering, within structural or offshore engineering": the narrower fields are meant.
    let within = ["within", "specialis", "specializ", "with a focus on", "with focus on", "preferably in"]
        .iter()
        .filter_map(|word| small[..stop].find(word))
        .min();
    let narrow: Vec<&Mention> = fields
        .iter()
        .copied()
        .filter(|m| within.is_some_and(|at| m.range.start >= last.1.end + at))
        .collect();
    let fields = if narrow.is_empty() { fields } else { narrow };
    let has_in = small[..stop].split_whitespace().take(3).any(|word| matches!(word, "in" | "of"));
    let words = if fields.is_empty() && has_in {
        content(&inside).into_iter().filter(|s| s != "degre" && s != "field").collect()
    } else {
        Vec::new()
    };
    let range = first.1.start..fields.iter().map(|m| m.range.end).max().unwrap_or(last.1.end).max(last.1.end);
    used.push(range.clone());
    let fields = fields.into_iter().map(|m| m.concept).collect();
    nodes.push(Node { need: Need::Degree { level, fields, words, open }, range });
}

/// A level of a language that a text gives, from 1 (A1) to 6 (C2).
pub(crate) fn fluency(text: &str) -> Option<u8> {
    let is =
        |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text));
    [(&FLUENT, 6), (&LITTLE, 2), (&SOME, 3), (&GOOD, 5), (&FAIR, 4)]
        .into_iter()
        .find(|(pattern, _)| is(pattern))
        .map(|(_, level)| level)
}

/// "Danish skills" and "Danish and German" name a language, "the Danish population" none.
pub(crate) fn is_tongue(after: &str) -> bool {
    const AROUND: &str = " and or is are as at both language languages skills speaking speaker speakers level proficiency knowledge \
        fluently well native written spoken would will on in a an the for to with preferred required mandatory fluency command \
        but also plus orally verbally ideally preferably beneficial desirable necessary essential must can could may is \
        advantage advantageous competence competences competencies writing communication not while whereas if both either ";
    let word: String =
        after.trim_start_matches([' ', '-', '/']).chars().take_while(|c| c.is_alphabetic()).collect();
    let joined = after.starts_with(|c: char| !c.is_whitespace() && c != '-');
    word.is_empty()
        || joined
        || word.chars().next().is_some_and(char::is_uppercase)
        || AROUND.split_whitespace().any(|own| own == word.to_lowercase())
}

fn languages(sentence: &str, found: &[Mention], used: &mut Vec<Range<usize>>, nodes: &mut Vec<Node>) {
    let all: Vec<&Mention> = found
        .iter()
        .filter(|mention| mention.concept.kind() == ConceptKind::Language)
        .filter(|mention| is_tongue(&sentence[mention.range.end..]))
        .collect();
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return };
    let whole = fluency(sentence).unwrap_or(4);
    let each = all.iter().enumerate().map(|(at, m)| {
        // "Fluent English (C1) and good Dutch (B2)": a level stands behind its language or before it.
        let before = at.checked_sub(1).map_or(0, |last| all[last].range.end);
        let after = all.get(at + 1).map_or(sentence.len(), |next| next.range.start);
        let behind = sentence[m.range.end..after].split([',', ';']).next().unwrap_or_default();
        let behind = behind.split(" and ").next().unwrap_or_default();
        let level = fluency(behind).or_else(|| fluency(&sentence[before..m.range.start]));
        let level = level.unwrap_or(if all.len() == 1 { whole } else { 4 });
        Node { need: Need::Language(m.concept, level), range: m.range.clone() }
    });
    let each: Vec<Node> = each.collect();
    used.extend(all.iter().map(|mention| mention.range.clone()));
    let between = sentence[first.range.end..last.range.start.max(first.range.end)].to_lowercase();
    let any = each.len() > 1 && (between.contains(" or ") || between.contains('/'));
    if any {
        nodes.push(Node { range: first.range.start..last.range.end, need: Need::AnyOf(each) });
    } else {
        nodes.extend(each);
    }
}
