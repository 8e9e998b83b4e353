//! Did they do it? "No experience with", "would like to learn" and "the team used" are not "I did".

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::asked::pattern;
use crate::model::Polarity;

pattern!(
    CLAUSE,
    r"(?i);|\s[–—]\s|\.\s|,?\s+\b(?:but|however|although|though|whereas|while|yet\s+(?:have|has)|instead|nevertheless)\b|,\s+(?:and\s+)?(?:then|later|now)\b"
);
pattern!(
    NOT,
    r"(?i)\b(?:no|not|never|without|none|neither|nor|lack(?:s|ed|ing)?|cannot|haven(?:'|’)?t|hasn(?:'|’)?t|didn(?:'|’)?t|don(?:'|’)?t|doesn(?:'|’)?t|isn(?:'|’)?t|wasn(?:'|’)?t|unfamiliar|(?:apart|aside)\s+from|except(?:ing)?|excluding|other\s+than|yet\s+to|rather\s+than|instead\s+of|little\s+or\s+no|zero|gap\s+in|failed|expired|lapsed)\b"
);
pattern!(
    NOT_REALLY,
    r"(?i)\b(?:not\s+only|not\s+just|no\s+fewer|no\s+less|without\s+(?:interruption|supervision|incident|accidents?|errors?|downtime|a\s+single|fail|delay)|no\s+(?:accidents?|incidents?|complaints?|errors?|downtime|fewer|less)|not\s+least|no\.\s*\d|zero[- ](?:downtime|defect)\w*|non-)"
);
pattern!(
    NOT_AFTER,
    r"(?i)^\s*(?:[:(–—-]\s*)?(?:none|no\s+experience|not\s+(?:used|yet|applicable|known|held)|never\s+(?:used|held|done)|(?:is|was|were|has|have)\s+(?:not|never)\b|(?:expired|lapsed|failed))"
);
pattern!(
    WISH,
    r"(?i)\b(?:want(?:s|ed|ing)?\s+to|would\s+(?:like|love|enjoy|be\s+(?:happy|glad|keen|thrilled|interested))|happy\s+to\s+(?:join|learn|try)|desire\s+to|attending|signed\s+up|webinars?|bootcamp\s+(?:starts|begins)|watch(?:ed|ing)?\s+(?:\w+\s+){0,3}(?:videos|talks|tutorials)|fond\s+of|drawn\s+to|excited\s+(?:by|about)|hop(?:e|es|ing)\s+to|plan(?:s|ned|ning)?\s+(?:to|on)|intend(?:s|ing)?\s+to|aim(?:s|ing)?\s+to|aspir\w+|look(?:ing)?\s+forward|interest(?:ed)?\s+in|keen\s+(?:to|on)|eager\s+to|curious\s+about|(?:currently\s+|now\s+|self-?\s*)?(?:learning|studying)\b|enrolled|signed\s+up|registered\s+for\s+(?:a|the)\s+course|taking\s+(?:a|an|the|my|part\s+in\s+a)\s+(?:\w+\s+){0,3}(?:course|class|module|exam)|started\s+(?:a|an|the)\s+(?:\w+\s+){0,3}(?:course|class|tutorial)|seeking|my\s+goal|next\s+(?:step|year)|dream(?:s|ing)?\s+of|willing\s+to\s+learn|ready\s+to\s+learn|open\s+to\s+learn\w*|waiting\s+list|applied\s+for|working\s+towards?|preparing\s+for|considering|attracted\s+(?:to|by)|fascinated\s+by|reading\s+(?:about|up\s+on)|have\s+(?:started\s+)?read(?:ing)?\s+about|exploring|someday|one\s+day|in\s+the\s+future|expected\s+(?:in\s+)?20\d\d|in\s+progress|objective\s*:|goal\s*:|aim\s*:)"
);
pattern!(
    WISH_AFTER,
    r"(?i)^[^;.]{0,60}?\b(?:excit(?:es|ing)|fascinat(?:es|ing)|interests?\s+me|appeals?\s+to\s+me|want\s+to\s+make\s+it|is\s+(?:my\s+(?:goal|dream|aim)|next|on\s+my\s+list)|(?:some\s+time|some\s+day|someday|one\s+day|soon|in\s+the\s+future))\b"
);
pattern!(
    OTHERS,
    r"(?i)(?:^|,\s*|\band\s+|\bwhere\s+|\bwhile\s+|\bas\s+|\bthat\s+|\bwhich\s+)(?:the|our|a|an|my|another|their|its|other|external|outside|several|two|three|some)\s+(?:\S+\s+){0,3}?(?:team|teams|department|company|employer|agency|supplier|suppliers|contractors?|consultants?|consultancy|vendors?|colleagues?|students?|manager|group|clients?|customers?|firm|partner|partners|staff|specialists?|engineers|developers|nurses|teachers|programmers|office|unit|provider|bureau|head\s+office|school|hospital)\s+(?:who\s+|that\s+|which\s+|in\s+\S+\s+|at\s+\S+\s+|then\s+|also\s+)?(?:\w+ed|built|ran|runs?|wrote|writes|made|makes|did|does|took|takes|held|holds|uses?|has|have|had|is|are|was|were|designs?|develops?|manages?|maintains?|provides?|handles?|operates?|teaches|taught|sells?|sold|led|leads|kept|keeps|drove|drives|won|spoke|speaks)\b"
);
pattern!(
    BY_OTHERS,
    r"(?i)\b(?:by|to|from)\s+(?:the|our|a|an|my|another|other|external|outside|colleagues|contractors|consultants|specialists|suppliers?|students)\b(?:\s+\S+){0,4}?\s*(?:team|department|company|agency|supplier|suppliers|contractors?|consultants?|consultancy|vendors?|colleagues?|students?|manager|group|firm|partner|partners|specialists?|engineers|developers|nurses|unit|provider|bureau|office)\b|\bby\s+(?:colleagues|contractors|consultants|specialists|suppliers|students|others)\b"
);
pattern!(
    HANDED,
    r"(?i)\b(?:handled|done|run|built|managed|maintained|written|designed|developed|performed|carried\s+out|provided|prepared|led|operated|outsourced|delegated|handed(?:\s+over)?|passed(?:\s+on)?|left|taught|owned|delivered|implemented)\s*$"
);
pattern!(
    EMPLOYER,
    r"(?i)^(?:a|an|the|our)?\s*(?:\w+\s+){0,4}?(?:company|firm|agency|organi[sz]ation|employer|business|startup|start-up|consultancy|provider|manufacturer|maker|hospital|school|retailer)\s+(?:that|which|known|famous|speciali[sz]ing|offering|providing|selling|making|with|using)\b"
);
pattern!(
    OWN,
    r"(?i)\b(?:i|me|myself|my\s+team\s+and\s+i|led|leading|lead|managed|managing|coached|mentored|trained|together\s+with|supervised|headed|ran\s+the|as\s+part\s+of|in\s+a\s+team|with\s+(?:the|a|my|our)\s+(?:\w+\s+)?team)\b"
);

/// Whether a sentence says that what stands at `range` is so.
#[must_use]
pub(crate) fn polarity(sentence: &str, range: &Range<usize>) -> Polarity {
    let clause = clause(sentence, range.start);
    let (before, after) = (
        &sentence[clause.start..range.start.min(clause.end)],
        &sentence[range.end.min(clause.end)..clause.end],
    );
    let has = |pattern: &LazyLock<Option<Regex>>, text: &str| {
        pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
    };
    if negated(before) || has(&NOT_AFTER, after) {
        return Polarity::Negated;
    }
    if has(&WISH, before)
        || has(&WISH_AFTER, after)
        || (has(&WISH, after)
            && ["in progress", "expected", "currently learning", "someday", "in the future", "one day"]
                .iter()
                .any(|word| after.to_lowercase().contains(word)))
    {
        return Polarity::Aspirational;
    }
    let whole = &sentence[clause.clone()];
    let passive = BY_OTHERS.as_ref().and_then(|pattern| pattern.find(after)).is_some_and(|hit| {
        let lead = &after[..hit.start()];
        has(&HANDED, lead.trim_end()) || lead.trim().is_empty() && has(&HANDED, before.trim_end())
    });
    let others = OTHERS.as_ref().and_then(|pattern| pattern.find(whole)).is_some_and(|hit| {
        // "I led the team that built it" is one's own; so is what stands before the others.
        let lead = &whole[..hit.start()];
        hit.start() < before.len() + 1 && !has(&OWN, lead)
    });
    if passive || others || has(&EMPLOYER, whole) { Polarity::ByOthers } else { Polarity::Asserted }
}

/// The clause around a byte.
fn clause(sentence: &str, at: usize) -> Range<usize> {
    let Some(pattern) = CLAUSE.as_ref() else { return 0..sentence.len() };
    let mut range = 0..sentence.len();
    for cut in pattern.find_iter(sentence) {
        if cut.end() <= at {
            range.start = cut.end();
        } else if cut.start() >= at {
            range.end = cut.start();
            break;
        }
    }
    range
}

/// Whether a "no" before something reaches it: up to nine words, and not across a "with" that begins anew.
fn negated(before: &str) -> bool {
    let Some(pattern) = NOT.as_ref() else { return false };
    let excused: Vec<Range<usize>> =
        NOT_REALLY.as_ref().map_or(Vec::new(), |p| p.find_iter(before).map(|hit| hit.range()).collect());
    pattern.find_iter(before).any(|hit| {
        let real = !excused.iter().any(|range| range.start <= hit.start() && hit.start() < range.end);
        real && before[hit.end()..].split_whitespace().count() <= 9
    })
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
            ("Kubernetes was handled by the platform team", "Kubernetes", ByOthers),
            ("A company that sells Kubernetes trainings", "Kubernetes", ByOthers),
        ] {
            assert_eq!(of(sentence, word), expected, "{sentence}");
        }
    }
}
