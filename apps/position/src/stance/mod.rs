//! Did they do it? "No experience with", "would like to learn" and "the team used" are not "I did".

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::asked::pattern;
use crate::model::Polarity;
use crate::text::tokens;

mod agency;

pub(crate) use agency::is_person;

pattern!(
    CLAUSE,
    r"(?i);|\s[–—]\s|\.\s|,?\s+\b(?:but|however|although|though|whereas|while|yet\s+(?:have|has)|instead|nevertheless)\b|,\s+(?:and\s+)?(?:then|later|now)\b"
);
pattern!(
    NOT,
    r"(?i)\b(?:no|not|never|without|none|neither|nor|lack(?:s|ed|ing)?|cannot|haven(?:'|’)?t|hasn(?:'|’)?t|didn(?:'|’)?t|don(?:'|’)?t|doesn(?:'|’)?t|isn(?:'|’)?t|wasn(?:'|’)?t|unfamiliar|(?:apart|aside)\s+from|except(?:ing)?|excluding|other\s+than|yet\s+to|rather\s+than|instead\s+of|little\s+or\s+no|zero\s+(?:experience|knowledge)|gap\s+in|failed\s+(?:the|my|to|in)|expired|lapsed|decided\s+against|avoid(?:ed|ing)?|abandon(?:ed|ing)|reject(?:ed|ing)|compared\s+with)\b"
);
pattern!(
    NOT_REALLY,
    r"(?i)\b(?:not\s+only|not\s+just|no\s+fewer|no\s+less|without\s+(?:interruption|supervision|incident|accidents?|errors?|downtime|a\s+single|fail|delay)|no\s+(?:accidents?|incidents?|complaints?|errors?|downtime|fewer|less)|not\s+least|no\.\s*\d|never\s+(?:missed|late|lost|stopped|failed|had\s+(?:a|an)\b)|rather\s+than\s+wait\w*|zero[- ](?:downtime|defect)\w*|non-)"
);
pattern!(
    NOT_AFTER,
    r"(?i)(?:[:(-]\s*(?:none\b|no\s+experience|not\s+(?:used|yet|applicable|known|held|done)|never\s+(?:used|held|done))|\s(?:none|no\s+experience)\s*(?:so\s+far|yet)?\s*\.?$|\b(?:we|i)\s+ha(?:ve|d)\s+none\b|\bnot\s+in\s+(?:a\s+|the\s+|my\s+)?(?:production|practice|earnest|a\s+real)\b|\bonly\s+in\s+(?:a\s+|one\s+|the\s+)?(?:throwaway|toy|tutorial|classroom|school)\b|\b(?:is|was|were|has|have|had)\s+(?:not|never)\b|\b(?:lay|lie|lies|was|were|is|are)\s+(?:\w+\s+)?outside\s+my\b|\bnot\s+(?:mine|by\s+me|my\s+\w+|part\s+of\s+my|included|for\s+me)\b|\bI\s+(?:was\s+|am\s+|have\s+)?(?:never|not)\b|\b(?:is|was|were|has|have)?\s*(?:expired|lapsed|failed)\b)"
);
pattern!(
    BOTH,
    r"(?i)^[^,:]{0,40}\b(?:not|never|no|neither|none|without)\b[^,:]{0,45}\b(?:them|these|those|either|both|any\s+of\s+it|done\s+so|it|myself|mine)\b|^\s*(?:none|no\s+experience|not\s+(?:used|yet|known|held|mine|my)|never\s+(?:used|held|done))\b[^,]{0,20}$"
);
pattern!(
    WISH,
    r"(?i)\b(?:want(?:s|ed|ing)?\s+to|would\s+(?:like|love|enjoy|be\s+(?:happy|glad|keen|thrilled|interested))|happy\s+to\s+(?:join|learn|try)|desire\s+to|wish(?:es|ing)?\s+(?:to|for)|wish\s*:|wanted\s*:|wanting\s+to|hoping\s+(?:for|to)|look(?:s|ing)?\s+for\s+(?:a|an|the|my)\b|attending\s+(?:an?|the)\s+(?:\w+\s+){0,3}(?:course|class|workshop|webinar|bootcamp|lectures?|training|school)|signed\s+up|webinars?|bootcamp\s+(?:starts|begins)|watch(?:ed|ing)?\s+(?:\w+\s+){0,3}(?:videos|talks|tutorials)|fond\s+of|drawn\s+to|excited\s+(?:by|about)|hop(?:e|es|ing)\s+to|plan(?:s|ned|ning)?\s+(?:to|on)\b|planned\s+for|intend(?:s|ing)?\s+to|aim(?:s|ing)?\s+(?:to|at|for)\b|aspir(?:e|es|ed|ing|ation|ations)\b|look(?:ing)?\s+forward|interest(?:ed)?\s+in|keen\s+(?:to|on)|eager\s+to|(?:^|\bI\s+am\s+|\bam\s+)ready\s+(?:for|to|and\s+(?:willing|eager))\b|ready\s+to\s+learn|curious\s+about|\b(?:currently|now|still|am|busy|started|start)\s+(?:self-)?(?:learning|studying)\b|^\W*(?:learning|studying)\s+(?:to|for|the|about|how)\b|get(?:ting)?\s+to\s+know|enrolled\s+(?:in|on|at|for)\b|registered\s+for\s+(?:a|the)\s+course|taking\s+(?:a|an|the|my|part\s+in\s+a)\s+(?:\w+\s+){0,3}(?:course|class|module|exam)|started\s+(?:a|an|the)\s+(?:\w+\s+){0,3}(?:course|class|tutorial)|(?:^|am\s+|now\s+)seeking\b|my\s+goal\s+is|(?:my|a)\s+next\s+(?:step|job|role)|next\s+year|dream(?:s|ing)?\s+of|my\s+dream\b|willing\s+to\s+learn|open\s+to\s+learn\w*|waiting\s+list|applied\s+for|working\s+towards?|preparing\s+for|considering\s+(?:a|an|the|learning|moving|joining)\b|attracted\s+(?:to|by)|fascinated\s+by|reading\s+(?:about|up\s+on|list)|training\s+(?:budget|plan)\s*(?:20\d\d)?\s*:|wish\s*list|to-?do\s*:|plans?\s*:|beginner(?:'|’)?s\s+guide|chapters?\s+into|have\s+(?:started\s+)?read(?:ing)?\s+about|exploring|someday|one\s+day|in\s+the\s+future|expected\s+(?:in\s+)?20\d\d|in\s+progress|objective\s*:|(?:^|my\s+)goals?\s*:|aim\s*:|move\s+into|contract\s+signed|first\s+of\s+\w+\s+(?:terms|semesters|years)|on\s+the\s+timetable|exam\s+not\s+booked)"
);
pattern!(
    WISH_AFTER,
    r"(?i)\b(?:excit(?:es|ing)|fascinat(?:es|ing)|interests?\s+me|appeals?\s+to\s+me|attracts\s+me|want\s+to\s+make\s+it|is\s+(?:my\s+(?:goal|dream|aim)|next|on\s+my\s+list)|on\s+my\s+(?:list|wish\s*list)|look(?:ing)?\s+forward\s+to\s+(?:them|it|that)|on\s+the\s+timetable|not\s+(?:yet\s+)?booked|(?:from|through)\s+an?\s+(?:\w+\s+)?(?:tutorial|online\s+course|video|book)\b|exam\s+(?:is\s+)?(?:booked|scheduled|planned)|(?:booked|scheduled|planned)\s+for\s+20\d\d|expected\s+(?:in\s+)?(?:\w+\s+)?20\d\d|some\s+time|some\s+day|someday|one\s+day|in\s+the\s+future|currently\s+learning|in\s+progress)\b"
);

/// What a sentence says of its parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stances {
    spans: Vec<(Range<usize>, Polarity)>,
}

impl Stances {
    /// Reads a sentence once; its parts are then looked up.
    #[must_use]
    pub(crate) fn of(sentence: &str) -> Self {
        let mut spans = Vec::new();
        let clauses = clauses(sentence);
        for (at, clause) in clauses.iter().enumerate() {
            let text = &sentence[clause.clone()];
            denials(text, clause.start, &mut spans);
            wishes(text, clause.start, &mut spans);
            // "I have not used either of them" speaks of what stands before.
            if at > 0 && hits(&BOTH, text) {
                spans.push((clauses[at - 1].clone(), Polarity::Negated));
            }
        }
        spans.extend(agency::by_others(sentence).into_iter().map(|range| (range, Polarity::ByOthers)));
        Self { spans }
    }

    /// What is said of the bytes; a denial outweighs a wish, and a wish the work of others.
    #[must_use]
    pub(crate) fn at(&self, range: &Range<usize>) -> Polarity {
        let said = |polarity: Polarity| {
            self.spans.iter().any(|(span, own)| {
                *own == polarity && span.start < range.end.max(range.start + 1) && range.start < span.end
            })
        };
        [Polarity::Negated, Polarity::Aspirational, Polarity::ByOthers]
            .into_iter()
            .find(|polarity| said(*polarity))
            .unwrap_or(Polarity::Asserted)
    }
}

/// Whether a word in small letters is a verb in the past that says what one did.
#[must_use]
pub(crate) fn is_past(word: &str) -> bool {
    const NOT_DEEDS: &str = " is are was were has have had does do did will would can could may might must shall should \
        need red bed based related advanced experienced skilled ";
    let token = crate::text::tokens(word);
    token.first().is_some_and(agency::is_finite)
        && !NOT_DEEDS.split_whitespace().any(|own| own == word)
        && !agency::is_present(word)
}

/// Whether a sentence says what was done, and by oneself: a verb in the past that is not the last word.
#[must_use]
pub(crate) fn tells_a_deed(sentence: &str) -> bool {
    const STATES: &str = " experienced skilled motivated interested dedicated committed talented organised organized detailed \
        oriented related advanced based named need speed used unemployed retired married certified qualified was were is are \
        has have had can could may might must shall should will would do does did ";
    let words = tokens(sentence);
    let stances = Stances::of(sentence);
    let last = words.len().saturating_sub(1);
    let is_deed = |at: usize, word: &crate::text::Token| {
        let small = word.raw.to_lowercase();
        let lower = word.raw == small || at == 0 || words[at - 1].raw == "I";
        at < last && lower && agency::is_finite(word) && !STATES.split_whitespace().any(|own| own == small)
    };
    words.len() >= 6
        && words
            .iter()
            .enumerate()
            .any(|(at, word)| is_deed(at, word) && stances.at(&word.range) == Polarity::Asserted)
}

/// Whether a sentence says that what stands at `range` is so.
#[must_use]
pub(crate) fn polarity(sentence: &str, range: &Range<usize>) -> Polarity {
    Stances::of(sentence).at(range)
}

fn hits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

fn clauses(sentence: &str) -> Vec<Range<usize>> {
    let mut from = 0;
    let mut found = Vec::new();
    for cut in CLAUSE.as_ref().into_iter().flat_map(|pattern| pattern.find_iter(sentence)) {
        found.push(from..cut.start());
        from = cut.end();
    }
    found.push(from..sentence.len());
    found
}

/// A "no" reaches up to nine words on; "not mine" behind something reaches back to where its clause begins.
fn denials(clause: &str, offset: usize, spans: &mut Vec<(Range<usize>, Polarity)>) {
    let Some(pattern) = NOT.as_ref() else { return };
    let excused: Vec<Range<usize>> =
        NOT_REALLY.as_ref().map_or(Vec::new(), |p| p.find_iter(clause).map(|hit| hit.range()).collect());
    let all = tokens(clause);
    for hit in pattern.find_iter(clause) {
        if excused.iter().any(|range| range.start <= hit.start() && hit.start() < range.end) {
            continue;
        }
        // Up to nine words on, but not into the next deed: "no tests and rewrote it in Python".
        let from = all.partition_point(|word| word.range.start < hit.end());
        let words = &all[from..all.len().min(from + 9)];
        let is_deed = |at: &usize| {
            matches!(words[at - 1].norm.as_str(), "and" | "then") && agency::is_finite(&words[*at])
        };
        let without = hit.as_str().eq_ignore_ascii_case("without");
        let away = |at: &usize| without && matches!(words[*at].norm.as_str(), "to" | "into" | "and" | "with");
        let stop = (1..words.len()).find(|at| is_deed(at) || away(at));
        let end = match stop {
            Some(at) => words[at].range.start,
            None => words.last().filter(|_| words.len() == 9).map_or(clause.len(), |word| word.range.end),
        };
        spans.push((offset + hit.end()..offset + end.max(hit.end()), Polarity::Negated));
    }
    if let Some(hit) = NOT_AFTER.as_ref().and_then(|pattern| pattern.find(clause)) {
        // ", not by me" speaks of what stands before its comma.
        let lead = clause[..hit.start()].trim_end().trim_end_matches(',');
        let from = lead.rfind(',').map_or(0, |at| at + 1);
        spans.push((offset + from..offset + hit.end(), Polarity::Negated));
    }
}

fn wishes(clause: &str, offset: usize, spans: &mut Vec<(Range<usize>, Polarity)>) {
    if let Some(hit) = WISH.as_ref().and_then(|pattern| pattern.find(clause)) {
        spans.push((offset + hit.start()..offset + clause.len(), Polarity::Aspirational));
    }
    if let Some(hit) = WISH_AFTER.as_ref().and_then(|pattern| pattern.find(clause)) {
        let from = hit.start() - hit.start().min(80);
        let from = (from..=hit.start()).find(|at| clause.is_char_boundary(*at)).unwrap_or(hit.start());
        spans.push((offset + from..offset + hit.end(), Polarity::Aspirational));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sentence: &str, word: &str) -> Polarity {
        let at = sentence.find(word).unwrap();
        polarity(sentence, &(at..at + word.len()))
    }

    #[test]
    fn denials_wishes_and_other_peoples_work_are_told_from_ones_own() {
        use Polarity::{Aspirational, Asserted, ByOthers, Negated};
        for (sentence, word, expected) in [
            ("Deployed services on Kubernetes", "Kubernetes", Asserted),
            ("No experience with Kubernetes", "Kubernetes", Negated),
            ("I have never used Kubernetes in production", "Kubernetes", Negated),
            ("Kubernetes: none so far", "Kubernetes", Negated),
            ("Not only Docker but also Kubernetes", "Kubernetes", Asserted),
            ("No Terraform yet, but ran Kubernetes for two years", "Kubernetes", Asserted),
            ("Ran Kubernetes without downtime", "Kubernetes", Asserted),
            ("Would love to work with Kubernetes", "Kubernetes", Aspirational),
            ("Currently taking an online course in Kubernetes", "Kubernetes", Aspirational),
            ("The platform team ran Kubernetes", "Kubernetes", ByOthers),
            ("Led the team that ran Kubernetes", "Kubernetes", Asserted),
            ("Machine learning engineer for Kubernetes", "Kubernetes", Asserted),
            ("Currently learning Kubernetes", "Kubernetes", Aspirational),
            ("Mentors two engineers and runs Kubernetes", "Kubernetes", Asserted),
            ("The neighbouring team ran Kubernetes; I wrote about it", "Kubernetes", ByOthers),
            ("A firm whose administrators ran Kubernetes", "Kubernetes", ByOthers),
            ("I ran Kubernetes, maintained by nobody else", "Kubernetes", Asserted),
            ("The team used Java while I ran Kubernetes", "Kubernetes", Asserted),
            ("Moved the application without any tests to Kubernetes", "Kubernetes", Asserted),
            ("Took over a project with no tests and ran Kubernetes", "Kubernetes", Asserted),
            ("Never missed a deadline in six years of Kubernetes", "Kubernetes", Asserted),
            ("Rescued a failed project with Kubernetes", "Kubernetes", Asserted),
            ("Brought incidents to zero with Kubernetes", "Kubernetes", Asserted),
            ("Decided against Kubernetes", "Kubernetes", Negated),
            ("Gave aspirin and ran Kubernetes", "Kubernetes", Asserted),
            ("Enrolled 120 patients with Kubernetes", "Kubernetes", Asserted),
            ("Wrote a tool for Kubernetes, used by 40 engineers", "Kubernetes", Asserted),
            ("Wrote Kubernetes modules reviewed by the team", "Kubernetes", Asserted),
            ("Built Kubernetes clusters, later passed to the platform team", "Kubernetes", Asserted),
            ("For clients in retail ran Kubernetes", "Kubernetes", Asserted),
            ("Mentored two engineers who ran Kubernetes", "Kubernetes", ByOthers),
            ("Interviewed candidates for a Kubernetes role", "Kubernetes", ByOthers),
            ("Managed five people with Kubernetes certification", "Kubernetes", ByOthers),
            ("Sales grew by a third after I moved the shop to Kubernetes", "Kubernetes", Asserted),
            ("Part of a team that ran Kubernetes", "Kubernetes", Asserted),
            ("The shop that I wrote runs on Kubernetes", "Kubernetes", Asserted),
            ("Trained nurses and ran Kubernetes", "Kubernetes", Asserted),
            ("Worked with designers and product managers on Kubernetes", "Kubernetes", Asserted),
            ("Reported to a manager who ran Kubernetes", "Kubernetes", ByOthers),
            ("Kubernetes ran behind a wall; I have not used either of them", "Kubernetes", Negated),
            ("Kubernetes was handled by the platform team", "Kubernetes", ByOthers),
            ("A company that sells Kubernetes trainings", "Kubernetes", ByOthers),
        ] {
            assert_eq!(of(sentence, word), expected, "{sentence}");
        }
    }
}
