//! Which of the concepts that a sentence names are alternatives, and which are asked each for itself?

use crate::asked::pattern;
use crate::concepts::Mention;
use crate::model::{Need, Node};

pattern!(
    EXAMPLES,
    r"(?i)(?:\b(?:such\s+as|e\.g\.?|like|for\s+example|for\s+instance|ideally|preferably)\b|\()\s*[,:]?\s*$"
);
pattern!(
    ONE_OF,
    r"(?i)\b(?:either|(?:one|any|some|several)\s+(?:or\s+(?:more|several|two)\s+)?of)(?:\s+(?:the\s+following|these|those|the))?(?:\s+\w+)?\s*[:(]?\s*$"
);
pattern!(
    OPEN_END,
    r"(?i)^\s*(?:[,)]\s*)*(?:or)?\s*/?\s*(?:(?:an?|any|some|other|another)\s+)*(?:similar|equivalent|comparable|related|others?\b|etc|alike|the\s+like|alternatives?)"
);

/// Concepts that stand side by side belong together: with an "or", a slash or "such as" one of them is enough.
pub(crate) fn groups(sentence: &str, named: &[Mention]) -> Vec<Node> {
    let found = &without_heads(sentence, named);
    const GLUE: [&str; 26] = [
        "and",
        "or",
        "and/or",
        "as",
        "well",
        "plus",
        "another",
        "other",
        "any",
        "a",
        "an",
        "the",
        "similar",
        "equivalent",
        "experience",
        "knowledge",
        "with",
        "of",
        "in",
        "familiarity",
        "also",
        "both",
        "either",
        "including",
        "modern",
        "using",
    ];
    let mut nodes = Vec::new();
    let mut at = 0;
    while at < found.len() {
        let mut end = at + 1;
        let mut any = false;
        let mut general: Option<usize> = None;
        while end < found.len() {
            let between = &sentence[found[end - 1].range.end..found[end].range.start];
            let examples = EXAMPLES.as_ref().is_some_and(|pattern| pattern.is_match(between));
            let small = between.to_lowercase();
            let plain = small
                .split(|c: char| !(c.is_alphanumeric() || c == '/'))
                .filter(|word| !word.is_empty())
                .all(|word| GLUE.contains(&word) || word == "/");
            if examples && small.split_whitespace().count() <= 5 {
                general = Some(end - at);
                any = true;
            } else if !plain {
                break;
            }
            any |= small.split(|c: char| !c.is_alphanumeric()).any(|word| word == "or" || word == "either")
                || between.trim() == "/";
            end += 1;
        }
        let before = &sentence[..found[at].range.start];
        let after = &sentence[found[end - 1].range.end..];
        let mut forced = EXAMPLES.as_ref().is_some_and(|pattern| pattern.is_match(before))
            && !before.trim_end().ends_with('(');
        forced |= OPEN_END.as_ref().is_some_and(|pattern| pattern.is_match(after));
        forced |= ONE_OF.as_ref().is_some_and(|pattern| pattern.is_match(before));
        any |= forced;
        let leaf =
            |mention: &Mention| Node { need: Need::Concept(mention.concept), range: mention.range.clone() };
        let mut leaves: Vec<Node> = found[at..end].iter().map(leaf).collect();
        let between =
            |n: usize| sentence[found[at + n].range.end..found[at + n + 1].range.start].to_lowercase();
        let has =
            |n: usize, word: &str| between(n).split(|c: char| !c.is_alphanumeric()).any(|own| own == word);
        let has_or = |n: usize| has(n, "or") || between(n).trim() == "/";
        if let Some(n) = general.filter(|n| *n > 1 && any) {
            // "relational databases such as PostgreSQL": the general word is met by its examples, so that it joins
            // them; what stands before it is asked besides.
            let rest = leaves.split_off(n - 1);
            nodes.extend(leaves);
            leaves = rest;
        } else if any && general.is_none() && !forced {
            // "A, and B or C": an "or" binds closer than an "and".
            for cut in (1..end - at).rev().filter(|&n| has(n - 1, "and") && !has_or(n - 1)) {
                let rest = leaves.split_off(cut);
                let is_any = (cut..cut + rest.len() - 1).any(has_or);
                nodes.extend(joined(rest, is_any));
                any = (0..cut - 1).any(has_or);
            }
        }
        nodes.extend(joined(leaves, any));
        at = end;
    }
    nodes
}

/// "C/C++ programming": a general word behind its kinds, with nothing between, is their head and no alternative.
fn without_heads(sentence: &str, named: &[Mention]) -> Vec<Mention> {
    let is_head = |at: usize| {
        let Some(before) = at.checked_sub(1).map(|at| &named[at]) else { return false };
        let own = &named[at];
        sentence[before.range.end..own.range.start].chars().all(char::is_whitespace)
            && before.concept != own.concept
            && before.concept.is_a(own.concept)
    };
    (0..named.len()).filter(|&at| !is_head(at)).map(|at| named[at].clone()).collect()
}

/// Needs that stand side by side: alternatives, or each for itself.
fn joined(mut leaves: Vec<Node>, any: bool) -> Vec<Node> {
    let range = match (leaves.first(), leaves.last()) {
        (Some(first), Some(last)) if any && leaves.len() > 1 => first.range.start..last.range.end,
        _ => return leaves,
    };
    // "Interpretability or explainability": two names of one thing are no alternatives.
    let mut seen = Vec::new();
    leaves.retain(|leaf| {
        let Need::Concept(concept) = leaf.need else { return true };
        let is_new = !seen.contains(&concept);
        seen.push(concept);
        is_new
    });
    match leaves.len() {
        1 => leaves.into_iter().map(|leaf| Node { range: range.clone(), ..leaf }).collect(),
        _ => vec![Node { need: Need::AnyOf(leaves), range }],
    }
}
