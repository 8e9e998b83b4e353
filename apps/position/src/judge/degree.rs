//! Is the degree high enough, finished, and in the field?

use std::sync::LazyLock;

use super::{Court, Verdict};
use crate::asked::pattern;
use crate::concepts::{ConceptId, ConceptKind, by_name};
use crate::model::{Fact, Level, Named, Node, Polarity, Role, Status};
use crate::sections::Area;

pattern!(
    UNFINISHED,
    r"(?i)\b(?:not\s+(?:yet\s+)?(?:completed|finished)|unfinished|incomplete|dropped\s+out|left\s+(?:after|before|without)|expected(?:\s+(?:in\s+)?(?:\w+\s+)?20\d\d)?|ongoing|in\s+progress|broken\s+off|interrupted|no\s+degree)\b"
);
pattern!(
    OWN,
    r"(?i)^\W*(?:i\s+)?(?:have|hold|holds|earned|completed|obtained|finished|received|got|took|did|graduated)\b|\bI\s+(?:have|hold|earned|completed|obtained|finished|received|did)\b"
);
pattern!(
    TOLD,
    r"(?i)\b(?:supervis\w+|helped|assist\w+|advis\w+|examin\w+|mentor\w+|teach\w*|taught|colleagues?|students?)\b"
);

/// The classes of degrees in the table, the highest first.
static CLASSES: LazyLock<Vec<(ConceptId, Level)>> = LazyLock::new(|| {
    let classes = [
        ("doctorate", Level::Doctor),
        ("master's degree", Level::Master),
        ("bachelor's degree", Level::Bachelor),
    ];
    classes.into_iter().filter_map(|(name, level)| Some((by_name(name)?, level))).collect()
});

/// The levels that a fact names, in words or by a degree that the table knows: a cand.merc. is a master.
fn levels_of(fact: &Fact, text: &str) -> Vec<(Level, std::ops::Range<usize>)> {
    let mut found = crate::asked::levels(text);
    for named in fact.named.iter().filter(|named| named.concept.kind() == ConceptKind::Licence) {
        let range = named.range.start - fact.span.start..named.range.end - fact.span.start;
        let level = CLASSES.iter().find(|(class, _)| named.concept.is_a(*class)).map(|(_, level)| *level);
        let is_new = !found.iter().any(|(_, own)| own.start < range.end && range.start < own.end);
        if let Some(level) = level.filter(|_| is_new) {
            found.push((level, range));
        }
    }
    found
}

impl Court<'_> {
    pub(super) fn degree(
        &self,
        node: &Node,
        level: Level,
        fields: &[ConceptId],
        words: &[String],
        open: bool,
    ) -> Verdict {
        let mut best: Option<(u8, usize, Level)> = None;
        let mut unfinished = Vec::new();
        for (at, fact) in self.facts() {
            let text = self.text(fact);
            for (own, range) in levels_of(fact, text) {
                // A word about degrees counts where degrees stand, or where it is plainly one's own.
                let named = text[range.clone()].to_lowercase();
                let placed = matches!(fact.area, Area::Education | Area::Summary | Area::Licences)
                    || fact.role.is_some_and(|r| self.profile.roles[r].area == Area::Education);
                // "Supervised twelve MSc theses" is work; "I hold an MSc" is one's own wherever it stands.
                let is_own = range.start <= 3
                    || OWN.as_ref().is_some_and(|pattern| pattern.is_match(&text[..range.start]));
                if !placed && (own < Level::Bachelor || named == "degree" || !is_own) {
                    continue;
                }
                if placed && TOLD.as_ref().is_some_and(|pattern| pattern.is_match(&text[..range.start])) {
                    continue;
                }
                let ahead = fact.role.is_some_and(|role| self.is_unfinished(&self.profile.roles[role]));
                if ahead
                    || crate::stance::polarity(text, &range) != Polarity::Asserted
                    || UNFINISHED.as_ref().is_some_and(|pattern| pattern.is_match(text))
                {
                    unfinished.push(at);
                    continue;
                }
                let field = (fields.is_empty() && words.is_empty()) || self.in_field(at, fields, words);
                // Enough, and in the field; then a lower one in the field where another field would be left open; then the
                // level alone.
                let rank = match (own >= level, field) {
                    (true, true) => 3,
                    (false, true) if open => 2,
                    (true, false) => 1,
                    _ => 0,
                };
                let candidate = (rank, at, own);
                if best.is_none_or(|best: (u8, usize, Level)| (candidate.0, candidate.2) > (best.0, best.2)) {
                    best = Some(candidate);
                }
            }
        }
        let what = if fields.is_empty() {
            String::new()
        } else {
            fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(" or ")
        };
        let what =
            if what.is_empty() { level.name().to_owned() } else { format!("{} in {what}", level.name()) };
        match best {
            Some((3, at, own)) => Verdict::new(
                node,
                Status::Met,
                "degree.enough",
                format!("a {} is stated; a {what} is asked", own.name()),
            )
            .with(vec![at]),
            Some((1, at, own)) => {
                let status = if open { Status::Unknown } else { Status::Partial };
                Verdict::new(
                    node,
                    status,
                    "degree.field",
                    format!("a {} is stated, in another field; a {what} is asked", own.name()),
                )
                .with(vec![at])
            }
            Some((_, at, own)) => Verdict::new(
                node,
                Status::Partial,
                "degree.level",
                format!("a {} is stated; a {what} is asked", own.name()),
            )
            .with(vec![at]),
            None if !unfinished.is_empty() => Verdict::new(
                node,
                Status::NotFound,
                "degree.unfinished",
                "a degree is named that is not finished".to_owned(),
            )
            .near(unfinished),
            None if open && !self.profile.roles.is_empty() => Verdict::new(
                node,
                Status::Unknown,
                "degree.equivalent",
                format!("no {what} is stated; the posting takes experience instead, and says not how much"),
            ),
            None => Verdict::new(node, Status::NotFound, "degree.none", format!("no {what} is stated")),
        }
    }

    fn is_unfinished(&self, role: &Role) -> bool {
        role.area == Area::Education
            && role.period.is_some_and(|period| match period.end {
                crate::months::Date::Present => true,
                crate::months::Date::Month(month) => month > self.as_of.month,
                crate::months::Date::Year(year) => year > self.as_of.month.year(),
            })
    }

    /// Whether a fact, or what stands in its role, names one of the fields or a field of the same parent.
    fn in_field(&self, at: usize, fields: &[ConceptId], words: &[String]) -> bool {
        let fact = &self.profile.facts[at];
        let same =
            |other: &&Fact| std::ptr::eq(*other, fact) || (fact.role.is_some() && other.role == fact.role);
        let near: Vec<&Fact> = self.profile.facts.iter().filter(same).collect();
        if !fields.is_empty() {
            let names = |fact: &Fact| {
                fact.named.iter().any(|named| fields.iter().any(|field| named.concept.is_a(*field)))
            };
            // "MSc in History", with "Minor in computer science" below it, is a degree in history.
            let is_named = |named: &Named| named.concept.kind() == ConceptKind::Field;
            let text = self.text(fact);
            let says = crate::asked::levels(text).into_iter().any(|(_, range)| {
                text[range.end..].split_whitespace().take(3).any(|word| matches!(word, "in" | "of"))
            });
            let own = says || names(fact) || fact.named.iter().any(is_named);
            return if own { names(fact) } else { near.iter().any(|fact| names(fact)) };
        }
        let found = words
            .iter()
            .filter(|word| near.iter().any(|fact| fact.words.iter().any(|(own, _)| own == *word)))
            .count();
        found * 2 >= words.len()
    }
}
