//! For how much of a role? "Ten years at Acme, the last two in Python" is not ten years of Python.

use std::ops::Range;

use crate::asked::{number, pattern};
use crate::dates::{periods, singles};
use crate::months::{Date, Day, MonthSet, Period};

pattern!(
    LAST,
    r"(?i)\b(?:(?:in|for|during)\s+(?:(?:the|my|its)\s+)?(?:last|past|final)|then|only|(?:for\s+)?(?:the\s+)?last)\s+(?P<n>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|eighteen)\s+(?P<unit>months?|years?)\b"
);
pattern!(FROM, r"(?i)\b(?:from|since|as\s+of|starting(?:\s+in)?)\s+(?:the\s+\w+\s+of\s+)?(?P<rest>.*)");
pattern!(THEN, r"(?i)\b(?:since|from)\s+then(?:\s+on)?\b|\bever\s+since\b|\bafter\s+that\b");
pattern!(ONE_YEAR, r"(?i)\bin\s+(?P<year>(?:19|20)\d\d)\b");

/// The months of a role in which what stands at `mention` was done, where the words around it say so.
pub(super) fn within(text: &str, mention: &Range<usize>, whole: &MonthSet, as_of: Day) -> Option<MonthSet> {
    let clauses = clauses(text);
    let at = clauses.iter().position(|clause| clause.start <= mention.start && mention.start < clause.end)?;
    let own = limit(&text[clauses[at].clone()], text, clauses[at].start, whole, as_of);
    // "From June 2022, connection of wind farms": a clause that is nothing but a time speaks of what follows it.
    let before = || {
        let clause = at.checked_sub(1).map(|at| clauses[at].clone())?;
        let said = text[clause.clone()].trim();
        let is_bare = said.split_whitespace().count() <= 4 && clause.start > 0;
        limit(said, text, clause.start, whole, as_of).filter(|_| is_bare)
    };
    own.or_else(before)
}

fn clauses(text: &str) -> Vec<Range<usize>> {
    let mut from = 0;
    let mut found = Vec::new();
    for (at, mark) in text.char_indices() {
        let after = &text[at + mark.len_utf8()..];
        let cuts = matches!(mark, ';' | ',' | '|') || (matches!(mark, ':' | '.') && after.starts_with(' '));
        if cuts {
            found.push(from..at);
            from = at + mark.len_utf8();
        }
    }
    found.push(from..text.len());
    found
}

fn limit(clause: &str, text: &str, start: usize, whole: &MonthSet, as_of: Day) -> Option<MonthSet> {
    let until_now = |date: Date| {
        let (_, possible, _) = Period { start: date, end: Date::Present }.months(as_of);
        possible.intersection(whole)
    };
    if let Some(hit) = LAST.as_ref().and_then(|pattern| pattern.captures(clause)) {
        let n = number(&hit["n"].to_lowercase())?;
        let months = if hit["unit"].to_lowercase().starts_with('m') { n } else { 12.0 * n };
        return Some(whole.last(months as u32));
    }
    // A role's own dates are no limit of what was done in it.
    if !periods(clause).iter().all(|(_, period)| period.end == Date::Present) {
        return None;
    }
    if THEN.as_ref().is_some_and(|pattern| pattern.is_match(clause)) {
        let (_, date) = singles(&text[..start]).pop()?;
        return Some(until_now(date));
    }
    if let Some(hit) = FROM.as_ref().and_then(|pattern| pattern.captures(clause)) {
        let rest = &hit["rest"];
        let (_, date) = singles(rest).into_iter().find(|(range, _)| range.start <= 6)?;
        return Some(until_now(date));
    }
    let year: i32 = ONE_YEAR.as_ref()?.captures(clause)?["year"].parse().ok()?;
    let (_, possible, _) = Period { start: Date::Year(year), end: Date::Year(year) }.months(as_of);
    Some(possible.intersection(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::months::Month;

    #[test]
    fn words_around_a_name_say_for_how_long() {
        let whole = MonthSet::run(Month::new(2020, 1), Month::new(2025, 1));
        let day = Day::new(2025, 1, 1).unwrap();
        let of = |text: &str| {
            let at = text.find("Python").unwrap();
            within(text, &(at..at + 6), &whole, day).map(|set| set.len())
        };
        for (text, expected) in [
            ("Wrote services in Python", None),
            ("Ruby at first, then for the last seven months Python", Some(7)),
            ("Moved it all to Python in my last five months", Some(5)),
            ("Ruby until the rewrite of September 2022; Python every day since then", Some(28)),
            ("Tester, then Python developer from January 2023", Some(24)),
            ("Solar parks; from June 2022, Python tools for wind parks", Some(31)),
            ("Python jobs in 2024", Some(12)),
            ("Python from the first day to the last", None),
            ("Python services, lead of six since 2023", None),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }
}
