//! Whose work is it? The subject of a clause decides: "the neighbouring team split it", "built by a contractor" and "the
//! firm whose administrators wrote it" are not "I split it".
//!
//! A CV leaves out "I": a clause without a subject is one's own. A group of people before a finite verb takes over, and
//! keeps what follows until "I" or the end of the sentence.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::asked::pattern;
use crate::text::{Token, tokens};

/// People and bodies that do work, as they stand before a verb. Singular; plurals are told by their s.
const AGENTS: &str = " account-manager accountant actor adjuster admin administration administrator adviser advisor agency \
    agent analyst apprentice architect artist assistant association attorney auditor authority baker bank biologist board \
    boss branch broker builder bureau buyer captain carpenter carer chair chairman chef chemist chief chiropractor cio ciso \
    clerk client clinic coach colleague college commander committee company competitor conductor consultancy consultant \
    contractor controller cook coordinator corporation council counsel coworker craftsman crew cto ceo cfo customer \
    dealer department designer desk developer director dispatcher division doctor dozent driver economist editor \
    electrician employee employer engineer enterprise estimator executive expert faculty farmer father firm fitter \
    foreman foundation founder franchisee freelancer friend gardener geologist government graduate group head headmaster \
    headquarter hospital hotel house-team housekeeper husband immunologist inspector installer institute institution \
    instructor insurer intern investor janitor journalist kindergarten laboratory landlord lawyer lead leader leadership \
    lecturer librarian logistician machinist maintainer management manager manufacturer marketer mechanic member mentor \
    midwife ministry mother municipality nurse office officer operator organisation organization outsourcer owner painter \
    parent partner peer people person personnel pharmacist philosopher photographer physician physicist physiotherapist \
    pilot planner plumber predecessor president principal producer professor programmer provider psychologist publisher \
    quant receptionist recruiter reporter researcher reviewer salesman salesperson school scientist secretary seller \
    sister-company solicitor specialist squad staff statistician steward student studio subcontractor subsidiary successor \
    supervisor supplier surgeon surveyor teacher team technician tester therapist trader trainee trainer translator \
    treasurer tutor underwriter unit university vendor vet veterinarian volunteer waiter welder wife worker workshop writer ";

/// Parts of a house that work without an article: "IT set it up".
const BODIES: &str = " headquarters operations it hr finance sales marketing procurement legal accounting engineering \
    management production logistics others everyone somebody someone nobody colleagues ";

const DETERMINERS: &str = " the a an our my their its his her whose another other others outside external internal several \
    many most some both all two three four five six seven eight nine ten eleven twelve which what neighbouring neighboring \
    local your each every one ";

/// Verbs whose past does not end in -ed, and what makes a verb finite.
const FINITE: &str = " is are was were has have had does do did will would can could may might must shall should built ran run \
    wrote made took held led taught kept drove sold won spoke brought bought drew gave got went came saw found sent set put \
    cut sat stood knew grew chose began left lost met paid read rose rode said shot showed shut spent swam swept threw told \
    thought understood wore fed hid flew ate cooked dealt did dug fell fought forgot froze hung hit hurt laid lay lent let \
    meant rang sang sank sought shook shone slept sought spread sprang stole stuck struck strove tore undertook withdrew \
    wound split spun swore bent bound bred cast clung crept shot overtook oversaw ";

/// Third persons of the present that a CV uses of others.
const PRESENT: &str = " runs uses builds writes makes owns keeps holds leads manages maintains develops designs operates handles \
    provides sells teaches does takes drives speaks supports delivers prepares plans draws tests hosts commits approves \
    decides ";

/// What numbers do.
const GROWS: &str =
    " grew rose fell increased decreased doubled tripled dropped improved went climbed shrank halved ";

pattern!(
    BY,
    r"(?i)\b(?:by|outsourced\s+to|delegated\s+to|handed\s+(?:over\s+)?to|left\s+to|passed\s+(?:on\s+)?to|bought\s+in|was\s+with|were\s+with|lay\s+with|(?:was|were)\s+the\s+(?:job|task|work)\s+of)\b"
);
pattern!(
    PASSIVE,
    r"(?i)\b(?:\w{2,}ed|built|run|written|made|taken|held|led|taught|kept|driven|sold|won|brought|bought|drawn|given|done|found|set\s+up|put|chosen|laid|seen|sent|shown|chaired|overseen|carried\s+out|signed)\s*(?:\([^)]*\))?\s*$|\b(?:is|was|were|are|been|being)\s+(?:\w+\s+){0,2}(?:\w{2,}ed|built|run|written|made|taken|held|led|taught|kept|driven|sold|won|bought|drawn|done|set\s+up)\s+(?:[\w-]+\s+){0,5}$"
);
pattern!(
    LEADS,
    r"(?i)\b(?:led|leading|lead|managed|managing|manage|supervised|headed|directed|built\s+up|ran\s+(?:the|a)|responsible\s+for|together\s+with|along\s+with|with\s+(?:the|a|my|our)\s+(?:\w+\s+)?(?:team|colleagues?)|as\s+part\s+of|(?:part|member|one)\s+of\s+(?:a|the|an)\b|in\s+(?:a|the|our|my)\s+(?:\w+\s+){0,2}team|me|myself|my\s+team\s+and\s+i)\b"
);
pattern!(
    GUIDED,
    r"(?i)\bunder\s+(?:the\s+)?(?:close\s+)?(?:guidance|supervision|direction|leadership|mentorship)(?:\s+and\s+\w+)?\s+(?:of|by|from)\b.*"
);
pattern!(
    EMPLOYER,
    r"(?i)^(?:a|an|the|our)?\s*(?:\w+\s+){0,4}?(?:company|firm|agency|organi[sz]ation|employer|business|startup|start-up|consultancy|provider|manufacturer|maker|hospital|school|retailer)\s+(?:that|which|known|famous|speciali[sz]ing|offering|providing|selling|making|with|using)\b"
);
pattern!(
    PEOPLE_WHO,
    r"(?i)\b(?:for|of|from|with|among|recruit\w*|hir\w+|found|filled|placed)\s+(?:\w+\s+){0,3}?(?:people|candidates|those|applicants|experts|developers|engineers|specialists|colleagues?)\s+(?:who|with|proficient|skilled|experienced|trained|fluent|expert|certified)\b|\b(?:recruited|hired|interviewed|sourced|placed)\b\s+(?:\w+\s+){0,4}?(?:people|candidates|applicants|experts|developers|engineers|specialists|nurses|colleagues?|consultants|analysts)\b|\b(?:managed|led|mentored|taught|trained|coached|employed)\s+(?:\w+\s+){0,2}(?:people|colleagues|engineers|developers|analysts|nurses)\s+with\b"
);

/// The bytes of a sentence that speak of other people's work.
pub(super) fn by_others(sentence: &str) -> Vec<Range<usize>> {
    let words = tokens(sentence);
    let mut spans = Vec::new();
    let hit = |pattern: &LazyLock<Option<Regex>>| {
        pattern.as_ref().and_then(|pattern| pattern.find(sentence)).map(|hit| hit.range())
    };
    if hit(&EMPLOYER).is_some() {
        spans.push(0..end_of(sentence, 0, &words));
    }
    if let Some(range) = hit(&PEOPLE_WHO) {
        spans.push(range.start..end_of(sentence, range.end, &words));
    }
    spans.extend(hit(&GUIDED));
    subjects(sentence, &words, &mut spans);
    passives(sentence, &words, &mut spans);
    spans
}

fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|own| own == word)
}

fn is_agent(word: &Token) -> bool {
    let small = word.raw.to_lowercase();
    let bare = small.strip_suffix("'s").or(small.strip_suffix("’s")).unwrap_or(&small);
    is_in(AGENTS, &word.norm)
        || is_in(AGENTS, bare)
        || bare.strip_suffix('s').is_some_and(|one| is_in(AGENTS, one))
}

/// Whether a word is what a single person is by trade; bodies such as teams and firms are none.
pub(crate) fn is_person(word: &Token) -> bool {
    const TRADES: [&str; 10] = ["er", "or", "ist", "ian", "ant", "yst", "man", "clerk", "chef", "nurse"];
    is_agent(word)
        && TRADES.iter().any(|end| word.norm.ends_with(end))
        && !matches!(
            word.norm.as_str(),
            "customer"
                | "partner"
                | "supplier"
                | "vendor"
                | "member"
                | "employer"
                | "provider"
                | "investor"
                | "leader"
        )
}

fn is_plural_agent(word: &Token) -> bool {
    is_agent(word) && (word.raw.ends_with('s') || matches!(word.norm.as_str(), "people" | "staff"))
}

pub(super) fn is_finite(word: &Token) -> bool {
    let small = word.raw.to_lowercase();
    is_in(FINITE, &small) || is_in(PRESENT, &small) || (small.len() > 4 && small.ends_with("ed"))
}

/// Whether a word is one of the verbs in the present that end in s.
pub(super) fn is_present(small: &str) -> bool {
    is_in(PRESENT, small)
}

/// Where the work of others ends: at "I", at a semicolon or full stop; else with the sentence.
fn end_of(sentence: &str, from: usize, words: &[Token]) -> usize {
    let stop = sentence[from..].find(';').map_or(sentence.len(), |at| from + at);
    let own = words
        .iter()
        .filter(|word| word.range.start > from)
        .find(|word| matches!(word.raw.as_str(), "I" | "me" | "myself" | "I've" | "I’ve"))
        .map_or(sentence.len(), |word| word.range.start);
    stop.min(own)
}

/// Groups of people before a finite verb.
fn subjects(sentence: &str, words: &[Token], spans: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < words.len() {
        match subject(sentence, words, at) {
            Some(_) if leads(sentence, spans, words[at].range.start) => at += 1,
            Some(_) => {
                let start = words[at].range.start;
                let end = end_of(sentence, start, words);
                spans.push(start..end);
                at = words.iter().position(|word| word.range.start >= end).unwrap_or(words.len());
            }
            None => at += 1,
        }
    }
}

/// "Led the team that ran it" is one's own.
fn leads(sentence: &str, spans: &[Range<usize>], at: usize) -> bool {
    let from = spans.iter().map(|span| span.end).filter(|end| *end <= at).max().unwrap_or(0);
    let from = sentence[from..at].rfind([';', '.']).map_or(from, |stop| from + stop);
    let lead = &sentence[from..at];
    let reports = lead.to_lowercase().contains("report");
    !reports && LEADS.as_ref().is_some_and(|pattern| pattern.is_match(lead))
}

/// Whether a subject that is not oneself begins at a word; the word of its verb.
fn subject(sentence: &str, words: &[Token], at: usize) -> Option<usize> {
    let before = sentence[..words[at].range.start].trim_end();
    let small = words[at].raw.to_lowercase();
    let last = at.checked_sub(1).map(|at| words[at].raw.to_lowercase()).unwrap_or_default();
    let opens = before.is_empty()
        || before.ends_with([',', ';', ':', '.', '–', '—', '(', '-', '*', '•'])
        || matches!(
            last.as_str(),
            "and"
                | "but"
                | "where"
                | "while"
                | "that"
                | "which"
                | "as"
                | "what"
                | "when"
                | "because"
                | "how"
                | "before"
                | "after"
                | "until"
                | "if"
                | "though"
                | "although"
                | "whereas"
        );
    // "the team, which ran it" and "the firm whose administrators wrote it".
    if matches!(small.as_str(), "who" | "which" | "that" | "whose") {
        let near = words[..at].iter().rev().take(6).any(is_agent);
        let direct = at.checked_sub(1).is_some_and(|at| is_agent(&words[at]));
        let follows = before.ends_with(',') || direct || small == "who" || small == "whose";
        let verb = words[at + 1..].iter().take(if small == "whose" { 5 } else { 3 }).position(is_finite)?;
        let own = words[at + 1..at + 1 + verb].iter().any(|word| word.raw == "I");
        return (near && follows && !own).then_some(at + 1 + verb);
    }
    // "For clients in retail prepared tax returns" has no subject.
    if !opens
        || matches!(
            small.as_str(),
            "for" | "with" | "of" | "from" | "to" | "by" | "at" | "in" | "on" | "after" | "before"
        )
    {
        return None;
    }
    let determined = is_in(DETERMINERS, &small);
    // The head of the group: the last agent before the verb, at most eight words on.
    let mut head = None;
    let mut seen_verb = None;
    for (step, word) in words[at..].iter().enumerate().take(14) {
        let between = without_brackets(&sentence[words[at].range.start..word.range.start]);
        if between.ends_with('(') {
            continue;
        }
        if between.contains([';', ':', '–', '—']) || between.contains(". ") || word.raw == "I" {
            break;
        }
        // "Mentors two engineers": a plural that takes an object is a verb.
        if !determined
            && step > 0
            && (is_in(DETERMINERS, &word.raw.to_lowercase()) && head.is_none_or(|head| head + 1 == step))
        {
            return None;
        }
        let body = step == 0 && is_in(BODIES, &small) && (word.raw != "It" && word.raw != "it");
        if (is_agent(word)
            && (determined || is_plural_agent(word) || step > 0 && is_possessed(words, at, step)))
            || body
        {
            head = Some(step);
        } else if head.is_some() && is_in(GROWS, &word.raw.to_lowercase()) {
            // "Sales grew by a third" is an outcome of one's own work.
            return None;
        } else if head.is_some() && is_finite(word) && step > 0 {
            // "Eleven managers reported to me" is about oneself.
            let to_me = words.get(at + step + 2).is_some_and(|word| word.raw == "me");
            seen_verb = (!to_me).then_some(step);
            break;
        } else if head.is_none() && (step > 5 || is_finite(word) && !determined) {
            break;
        }
    }
    let (head, verb) = (head?, seen_verb?);
    // A long way from the head to its verb is only a way through "of", "in", "and" and names.
    let inner = &sentence[words[at + head].range.end..words[at + verb].range.start];
    let commas = inner.matches(',').count();
    let fine = verb - head <= 2 || commas == 0 || (commas == 2 && verb - head <= 9);
    fine.then_some(at + verb)
}

/// A text without what stands in closed brackets; an open bracket is its end.
fn without_brackets(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    if depth > 0 {
        out.push('(');
    }
    out
}

/// "The company's engineers", "Headquarters and its consultants": a body before them stands for an article.
fn is_possessed(words: &[Token], at: usize, step: usize) -> bool {
    words[at..at + step].iter().any(|word| {
        let small = word.raw.to_lowercase();
        is_in(DETERMINERS, &small) || small.ends_with("'s") || small.ends_with("’s") || is_in(BODIES, &small)
    })
}

/// "Built by a contractor": what stands before is theirs, too.
fn passives(sentence: &str, words: &[Token], spans: &mut Vec<Range<usize>>) {
    let Some(pattern) = BY.as_ref() else { return };
    for hit in pattern.find_iter(sentence) {
        let said = hit.as_str().to_lowercase();
        let after: Vec<&Token> = words.iter().filter(|word| word.range.start >= hit.end()).take(7).collect();
        let near = after.iter().position(|word| is_agent(word) || is_in(BODIES, &word.raw.to_lowercase()));
        let own = after.first().is_some_and(|word| matches!(word.raw.as_str(), "me" | "myself" | "hand"));
        let lead = &sentence[..hit.start()];
        let passive = said != "by" || PASSIVE.as_ref().is_some_and(|pattern| pattern.is_match(lead));
        let reaches = near.is_some_and(|near| {
            let first = after.first().map_or("", |word| word.raw.as_str()).to_lowercase();
            near <= 5 && (is_in(DETERMINERS, &first) || is_plural_agent(after[near]) || is_in(BODIES, &first))
        });
        if own || !passive || !(reaches || said == "bought in") {
            continue;
        }
        let from = lead.rfind([';', '.']).map_or(0, |at| at + 1);
        let mine = own_subject(sentence, words, from, hit.start());
        let from = match mine {
            Some(mine) => lead.rfind(',').filter(|at| *at > mine.range.end).unwrap_or(hit.start()),
            None => from,
        };
        spans.push(from..end_of(sentence, hit.end(), words));
    }
}

/// What says that a clause before a passive is about oneself: "I", or a verb in the past at its start, as CVs have it.
fn own_subject<'w>(sentence: &str, words: &'w [Token], from: usize, to: usize) -> Option<&'w Token> {
    let inside = || words.iter().filter(|word| word.range.start >= from && word.range.end <= to);
    let deed = inside().next().filter(|word| {
        let small = word.raw.to_lowercase();
        let is_passive = sentence[word.range.end..to].trim().is_empty();
        is_finite(word)
            && !is_present(&small)
            && !is_passive
            && !matches!(small.as_str(), "was" | "were" | "is" | "are" | "had" | "has" | "have")
    });
    inside().rfind(|word| word.raw == "I").or(deed)
}
