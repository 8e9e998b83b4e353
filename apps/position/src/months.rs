//! How long? Sets of months, counted once however many jobs overlap, with what is sure kept apart from what is
//! possible.
//!
//! A month is a number; a period is half open. "2016–2025" names neither month, so that it surely holds 2016-12 to
//! 2024-12 and possibly 2016-01 to 2025-12: 8 years 1 month to 10 years.

use std::fmt;

/// A calendar month: 12 × year + month - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(pub i32);

impl Month {
    /// The month of a year, from 1 to 12.
    #[must_use]
    pub fn new(year: i32, month: i32) -> Self {
        Self(year * 12 + month - 1)
    }

    /// Its year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// From 1 to 12.
    #[must_use]
    pub fn month(self) -> i32 {
        self.0.rem_euclid(12) + 1
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

/// The day of an analysis. Months count when they are over: on 2025-01-01 what lasts "to the present" has lasted to the end
/// of December 2024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// Its month.
    pub month: Month,
    /// From 1 to 31.
    pub day: u8,
}

impl Day {
    /// A day of the calendar; `None` where there is none.
    #[must_use]
    pub fn new(year: i32, month: i32, day: u8) -> Option<Self> {
        let real = (1..=9999).contains(&year) && (1..=12).contains(&month);
        let month = Month::new(year, month);
        (real && (1..=days(month)).contains(&day)).then_some(Self { month, day })
    }

    /// The last day of a month.
    #[must_use]
    pub fn end_of(month: Month) -> Self {
        Self { month, day: days(month) }
    }

    /// The last month that is over.
    #[must_use]
    pub fn last_full_month(self) -> Month {
        if self.day == days(self.month) { self.month } else { Month(self.month.0 - 1) }
    }
}

fn days(month: Month) -> u8 {
    let year = month.year();
    match month.month() {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}", self.month, self.day)
    }
}

/// A set of months, as ascending, disjoint, half-open runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonthSet {
    runs: Vec<(Month, Month)>,
}

impl MonthSet {
    /// The months from `start` up to but not including `end`; empty if there are none.
    #[must_use]
    pub fn run(start: Month, end: Month) -> Self {
        Self { runs: if start < end { vec![(start, end)] } else { Vec::new() } }
    }

    /// The months in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all: Vec<(Month, Month)> = self.runs.iter().chain(&other.runs).copied().collect();
        all.sort_unstable();
        let mut runs: Vec<(Month, Month)> = Vec::new();
        for (start, end) in all {
            match runs.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => runs.push((start, end)),
            }
        }
        Self { runs }
    }

    /// The months in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let pairs =
            self.runs.iter().flat_map(|a| other.runs.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
        let mut runs: Vec<(Month, Month)> = pairs.filter(|(start, end)| start < end).collect();
        runs.sort_unstable();
        Self { runs }
    }

    /// The last so many months.
    #[must_use]
    pub fn last(&self, months: u32) -> Self {
        let mut left = months as i32;
        let mut runs = Vec::new();
        for &(start, end) in self.runs.iter().rev() {
            let from = Month((end.0 - left).max(start.0));
            if from < end {
                runs.push((from, end));
            }
            left -= end.0 - from.0;
            if left <= 0 {
                break;
            }
        }
        runs.reverse();
        Self { runs }
    }

    /// How many months.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.runs.iter().map(|(start, end)| (end.0 - start.0) as u32).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether a month is in it.
    #[must_use]
    pub fn contains(&self, month: Month) -> bool {
        self.runs.iter().any(|&(start, end)| start <= month && month < end)
    }

    /// The runs, ascending.
    #[must_use]
    pub fn runs(&self) -> &[(Month, Month)] {
        &self.runs
    }
}

/// A point in time as a text gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Date {
    /// Year and month (a day is not needed).
    Month(Month),
    /// A year.
    Year(i32),
    /// "present", "to date", or no end where a JSON Resume has none.
    Present,
}

impl Date {
    /// The first month that it can be, and the last; `now` for the present.
    fn bounds(self, now: Month) -> (Month, Month) {
        match self {
            Self::Month(month) => (month, month),
            Self::Year(year) => (Month::new(year, 1), Month::new(year, 12)),
            Self::Present => (now, now),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::Year(year) => write!(f, "{year}"),
            Self::Present => f.write_str("present"),
        }
    }
}

/// What is wrong with a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodFault {
    /// It ends before it begins.
    Reversed,
    /// It begins after the day of the analysis.
    Future,
    /// It ends after the day of the analysis; what lies ahead is not counted.
    EndsAhead,
}

/// From one date to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Where it begins.
    pub start: Date,
    /// Where it ends, that month included.
    pub end: Date,
}

impl Period {
    /// Months that it surely has and months that it may have, as far as they are over on the day `as_of`; and what is
    /// wrong with it, if anything. A reversed or future period has no months.
    #[must_use]
    pub fn months(&self, as_of: Day) -> (MonthSet, MonthSet, Option<PeriodFault>) {
        let none = |fault| (MonthSet::default(), MonthSet::default(), Some(fault));
        let ((start, start_last), (end, end_last)) =
            (self.start.bounds(as_of.month), self.end.bounds(as_of.month));
        if start > as_of.month {
            return none(PeriodFault::Future);
        }
        if end_last < start {
            return none(PeriodFault::Reversed);
        }
        let over = as_of.last_full_month().next();
        // The month of an end that is only a year is not surely there at all.
        let sure_end = if let Date::Year(_) = self.end { end } else { end.next() };
        let sure = MonthSet::run(start_last, sure_end.min(over));
        let possible = MonthSet::run(start, end_last.next().min(over));
        (sure, possible, (end > as_of.month).then_some(PeriodFault::EndsAhead))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.start, self.end)
    }
}

/// Months as people say them: `9 years 5 months`.
#[must_use]
pub fn in_words(months: u32) -> String {
    let unit = |n: u32, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (months / 12, months % 12) {
        (0, m) => unit(m, "month"),
        (y, 0) => unit(y, "year"),
        (y, m) => format!("{} {}", unit(y, "year"), unit(m, "month")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn period(start: Date, end: Date) -> (u32, u32, Option<PeriodFault>) {
        let (sure, possible, fault) = Period { start, end }.months(Day::new(2025, 1, 1).unwrap());
        (sure.len(), possible.len(), fault)
    }

    #[test]
    fn precise_dates_are_counted_and_vague_ones_widen() {
        let month = |y, m| Date::Month(Month::new(y, m));
        assert_eq!(period(month(2016, 3), month(2019, 8)), (42, 42, None));
        assert_eq!(period(Date::Year(2014), Date::Year(2023)), (97, 120, None), "8 y 1 m to 10 y");
        assert_eq!(period(Date::Year(2020), Date::Year(2020)), (0, 12, None));
        assert_eq!(
            period(month(2024, 1), Date::Present),
            (12, 12, None),
            "January 2025 is not over on its first day"
        );
        assert_eq!(period(Date::Year(2024), Date::Present), (1, 12, None));
        assert_eq!(period(month(2025, 1), Date::Present), (0, 0, None));
    }

    #[test]
    fn impossible_periods_are_faults_and_not_swapped() {
        let month = |y, m| Date::Month(Month::new(y, m));
        assert_eq!(period(month(2020, 5), month(2019, 1)), (0, 0, Some(PeriodFault::Reversed)));
        assert_eq!(period(month(2026, 5), month(2027, 1)), (0, 0, Some(PeriodFault::Future)));
        assert_eq!(period(month(2026, 5), Date::Present), (0, 0, Some(PeriodFault::Future)));
        assert_eq!(period(month(2024, 12), month(2026, 1)), (1, 1, Some(PeriodFault::EndsAhead)));
    }

    #[test]
    fn days_know_the_calendar() {
        assert_eq!(Day::new(2025, 2, 29), None);
        assert_eq!(Day::new(2024, 2, 29).map(Day::last_full_month), Some(Month::new(2024, 2)));
        assert_eq!(Day::new(2024, 12, 30).map(Day::last_full_month), Some(Month::new(2024, 11)));
        assert_eq!(Day::end_of(Month::new(2025, 1)).to_string(), "2025-01-31");
        assert_eq!((Day::new(2025, 13, 1), Day::new(2025, 1, 0)), (None, None));
    }

    #[test]
    fn months_are_said_in_words() {
        assert_eq!(
            [0, 1, 12, 13, 113].map(in_words),
            ["0 months", "1 month", "1 year", "1 year 1 month", "9 years 5 months"]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn sets_are_what_a_row_of_flags_says(runs in proptest::collection::vec((0_i32..300, 0_i32..60), 0..8)) {
            let mut flags = vec![false; 400];
            let mut set = MonthSet::default();
            for (start, length) in runs {
                flags[start as usize..(start + length) as usize].fill(true);
                set = set.union(&MonthSet::run(Month(start), Month(start + length)));
            }
            prop_assert_eq!(set.len() as usize, flags.iter().filter(|flag| **flag).count());
            prop_assert!((0..400).all(|at| set.contains(Month(at as i32)) == flags[at]));
            let other = MonthSet::run(Month(50), Month(200)).union(&MonthSet::run(Month(220), Month(260)));
            let both = set.intersection(&other);
            prop_assert!((0..400).all(|at| both.contains(Month(at as i32)) == (flags[at] && other.contains(Month(at as i32)))));
            let last = set.last(30);
            prop_assert_eq!(last.len(), set.len().min(30));
            prop_assert!(last.intersection(&set) == last);
            prop_assert!(set.runs().windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
