//! When? Dates and periods in running text, as people write them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::months::{Date, Month, Period};

const NAMES: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A date: ISO, `03/2018`, `15.03.2018`, `15 March 2018`, `Mar. 2018`, `Summer 2018`, `2018`.
const DATE: &str = r"(?:\d{4}-\d{1,2}(?:-\d{1,2})?\b|\d{1,2}[./]\d{1,2}[./]\d{4}\b|\d{1,2}[./]\d{4}\b|(?:\d{1,2}(?:st|nd|rd|th)?\.?\s+)?(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|spring|summer|autumn|fall|winter|early|late|mid)\b[.,]?[\s-]*['’]?(?:\d{1,2},\s*)?\d{4}\b|(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?\s*['’]\d{2}\b|(?:the\s+)?(?:spring|summer|autumn|fall|winter|q[1-4])(?:\s+of)?\s+\d{4}\b|(?:19|20)\d{2}\b)";
const NOW: &str = r"(?:present|now|current(?:ly)?|today|to\s+date|till\s+date|ongoing|nykyinen|heute)\b";

static PERIOD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let joined = r"\s*(?:–|—|‒|-|\bto\b|\buntil\b|\btill\b|\bthrough\b)\s*";
    Regex::new(&format!(
        r"(?i)\b(?:(?P<a>{DATE})(?:{joined}(?:(?P<b>{DATE})|(?P<now>{NOW}))|\s+(?P<till>{NOW})|(?P<open>\s*(?:[–—]|-)\s*(?:$|[)\],;]|\n)|\s+onwards?\b))|since\s+(?P<since>{DATE})|(?:from|as of)\s+(?P<from>{DATE})\s+onwards?)"
    ))
    .ok()
});

static SHORT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let month = r"(?:0[1-9]|1[0-2])/\d{2}";
    Regex::new(&format!(r"(?i)\b(?P<a>{month})\s*(?:–|—|-|to)\s*(?:(?P<b>{month})\b|(?P<now>{NOW}))")).ok()
});

static SINGLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!(r"(?i)\b{DATE}")).ok());

/// Every period that a text names, with where it stands.
#[must_use]
pub fn periods(text: &str) -> Vec<(Range<usize>, Period)> {
    let Some(pattern) = PERIOD.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    for captures in pattern.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        let part = |name: &str| captures.name(name).and_then(|part| date(part.as_str()));
        let start = part("a").or_else(|| part("since")).or_else(|| part("from"));
        let end = part("b").unwrap_or(Date::Present);
        if let Some(start) = start {
            found.push((whole.range(), Period { start, end }));
        } else if let Some((from, to)) = captures.name("a").and_then(|a| school_year(a.as_str())) {
            found.push((whole.range(), Period { start: Date::Year(from), end: Date::Year(to) }));
        }
    }
    // "01/15 – 12/20" is months only where both ends are: alone it may be anything.
    if let Some(pattern) = SHORT.as_ref() {
        for hit in pattern.captures_iter(text) {
            let (Some(whole), Some(a)) = (hit.get(0), hit.name("a").and_then(|a| short(a.as_str()))) else {
                continue;
            };
            let end = hit.name("b").and_then(|b| short(b.as_str()));
            let is_new =
                !found.iter().any(|(range, _)| range.start < whole.end() && whole.start() < range.end);
            if let (true, Some(end)) = (is_new, end.or_else(|| hit.name("now").map(|_| Date::Present))) {
                found.push((whole.range(), Period { start: a, end }));
            }
        }
    }
    // "2019-20" reads as year and month, and no month is 20.
    if let Some(pattern) = SINGLE.as_ref() {
        for single in pattern.find_iter(text) {
            if let Some((from, to)) = school_year(single.as_str())
                && !found.iter().any(|(range, _)| range.start < single.end() && single.start() < range.end)
            {
                found.push((single.range(), Period { start: Date::Year(from), end: Date::Year(to) }));
            }
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// Every date that stands alone.
#[must_use]
pub fn singles(text: &str) -> Vec<(Range<usize>, Date)> {
    let Some(pattern) = SINGLE.as_ref() else { return Vec::new() };
    pattern.find_iter(text).filter_map(|found| Some((found.range(), date(found.as_str())?))).collect()
}

/// `03/15`: a month of a year without its century.
fn short(text: &str) -> Option<Date> {
    let (month, year) = text.split_once('/')?;
    Some(Date::Month(Month::new(century(year.parse().ok()?), month.parse().ok()?)))
}

/// Two digits of a year: up to 2040, and from 1941.
fn century(year: i32) -> i32 {
    if year <= 40 { 2000 + year } else { 1900 + year }
}

fn school_year(text: &str) -> Option<(i32, i32)> {
    let (year, short) = text.split_once('-')?;
    let (year, short): (i32, i32) = (year.parse().ok()?, short.parse().ok()?);
    let to = year / 100 * 100 + short;
    (short > 12 && to > year && to - year <= 12).then_some((year, to))
}

/// Reads one date.
#[must_use]
pub fn date(text: &str) -> Option<Date> {
    let lower = text.trim().to_lowercase();
    let numbers: Vec<i32> = lower
        .split(|c: char| !c.is_ascii_digit())
        .filter(|n| !n.is_empty())
        .filter_map(|n| n.parse().ok())
        .collect();
    let apostrophe = lower
        .rsplit_once(['\'', '’'])
        .and_then(|(_, year)| year.parse::<i32>().ok())
        .filter(|_| lower.len() <= 12);
    let full = numbers.iter().copied().find(|&n| (1900..2200).contains(&n));
    let year = full.or(apostrophe.filter(|year| (0..100).contains(year)).map(century))?;
    let named = lower.split(|c: char| !c.is_alphabetic()).find_map(|word| {
        let at = NAMES.iter().position(|name| word.starts_with(name) && word.len() >= 3)?;
        // "mid", "spring" and the like are no months; "march" and "mar" are.
        Some(at as i32 + 1)
    });
    if let Some(month) = named {
        return Some(Date::Month(Month::new(year, month)));
    }
    let valid = |month: i32| (1..=12).contains(&month).then(|| Date::Month(Month::new(year, month)));
    if lower.contains(char::is_alphabetic) {
        return Some(Date::Year(year));
    }
    match numbers.as_slice() {
        [_] => Some(Date::Year(year)),
        [y, month] if *y == year => valid(*month),
        [y, month, _] if *y == year => valid(*month),
        [month, _] => valid(*month),
        // Day first, as everywhere but in the United States; where that can't be, month first.
        [day, month, _] => valid(*month).or_else(|| valid(*day)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        periods(text).iter().map(|(_, period)| period.to_string()).collect()
    }

    #[test]
    fn periods_are_found_as_people_write_them() {
        for (text, expected) in [
            ("Data Engineer (March 2018 – June 2022)", "2018-03 to 2022-06"),
            ("03/2016 - 08/2019", "2016-03 to 2019-08"),
            ("2018-03 to present", "2018-03 to present"),
            ("2018-03 – 2020-05", "2018-03 to 2020-05"),
            ("2016–2019", "2016 to 2019"),
            ("2016-2019", "2016 to 2019"),
            ("2019-20", "2019 to 2020"),
            ("since 2020", "2020 to present"),
            ("Sept. 2019 - to date", "2019-09 to present"),
            ("Jan 2019 till date", "2019-01 to present"),
            ("15.03.2018 – 01.04.2019", "2018-03 to 2019-04"),
            ("1 May 2015 until 3 June 2016", "2015-05 to 2016-06"),
            ("Summer 2018 – 2019", "2018 to 2019"),
            ("(2021 - )", "2021 to present"),
            ("from 2021 onwards", "2021 to present"),
            ("May 2021 – now", "2021-05 to present"),
            ("Q1 2020 – Q4 2023", "2020 to 2023"),
            ("since the summer of 2017", "2017 to present"),
            ("Jan '15 - Dec '20", "2015-01 to 2020-12"),
            ("01/15 – 12/20", "2015-01 to 2020-12"),
            ("03/98 - present", "1998-03 to present"),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
    }

    #[test]
    fn numbers_that_are_no_dates_are_left_alone() {
        for text in [
            "saved 1.2 million",
            "a team of 12 to 15 people",
            "25 % of 3000 orders",
            "version 3.11",
            "call 040-123456",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }
}
