//! How many of what? "Teams of at least eight people", "lift 25 kg", "budgets over 1 million": counts that are asked for, and
//! counts that are told.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::asked::{number, pattern};

/// What is counted. Different words for one thing are one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// People that one leads, works with or serves as a team.
    People,
    /// Money of any currency: amounts are compared as they stand.
    Money,
    /// Hours a week.
    Hours,
    /// Kilograms.
    Kilograms,
    /// Countries or markets.
    Countries,
    /// Projects.
    Projects,
    /// Customers, clients, accounts.
    Customers,
    /// Users or visitors.
    Users,
    /// Words a minute.
    WordsAMinute,
    /// Servers, hosts, sites, machines.
    Machines,
    /// Children, pupils, students.
    Pupils,
    /// Points of credit (ECTS).
    Credits,
    /// Points of an English test, by its name in capitals.
    Score(&'static str),
    /// Anything else that is counted, by the plural that stands behind the number.
    Other(String),
}

impl Unit {
    /// How a report says it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Score(test) => test,
            Self::Other(noun) => noun,
            Self::People => "people",
            Self::Money => "in money",
            Self::Hours => "hours",
            Self::Kilograms => "kg",
            Self::Countries => "countries",
            Self::Projects => "projects",
            Self::Customers => "customers",
            Self::Users => "users",
            Self::WordsAMinute => "words a minute",
            Self::Machines => "machines",
            Self::Pupils => "pupils",
            Self::Credits => "credit points",
        }
    }
}

/// A number of something, with its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Amount {
    /// How many.
    pub(crate) n: f64,
    /// Of what.
    pub(crate) unit: Unit,
    /// Where it stands.
    pub(crate) range: Range<usize>,
}

const N: &str = r"(?P<n>\d{1,3}(?:[ ,.’']\d{3})+|\d+(?:[.,]\d+)?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|hundred)";
const UNIT: &str = r"(?:(?P<people>[- ]?(?:people|persons?|employees|engineers|developers|members|staff|colleagues|(?:direct\s+)?reports|fte|analysts|nurses|researchers|designers|technicians|salespeople|consultants|managers|specialists)\b)|(?P<hours>(?:hours|hrs)\b)|(?P<kg>kgs?\b|kilos?\b|kilograms?\b|lbs?\b|pounds\b)|(?P<countries>countries\b|markets\b)|(?P<projects>projects\b)|(?P<customers>customers\b|clients\b|accounts\b)|(?P<users>users\b|visitors\b)|(?P<wpm>wpm\b|words\s+(?:per|a)\s+minute)|(?P<machines>servers\b|hosts\b|machines\b|sites\b|clusters\b)|(?P<pupils>children\b|pupils\b|students\b)|(?P<credits>ects\b)|(?P<money>€|\$|£|eur\b|euros?\b|usd\b|dollars?\b|dkk\b|kroner\b|gbp\b|chf\b|francs\b))";

static TOLD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(r"(?i)(?P<sign>[€$£])?\b{N}\s*\+?\s*(?P<times>(?:million|mio\.?|mill\.?|m|k|thousand|billion|bn)\b)?\s*(?:[a-z-]+\s+){{0,2}}?{UNIT}")).ok()
});
static SIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        r"(?i)(?P<sign>[€$£])\s?{N}\s*(?P<times>(?:million|mio\.?|m|k|thousand|billion|bn)\b)?"
    ))
    .ok()
});
pattern!(
    LEAST,
    r"(?i)(?:\b(?:at\s+least|minimum(?:\s+of)?|min\.|more\s+than|over|no\s+(?:less|fewer)\s+than|from)|[≥>])\s*(?:an?\s+)?$"
);

static SCORE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?P<test>IELTS|TOEFL|TOEIC|GMAT|GRE|GPA)\b\D{0,24}?(?P<n>\d{1,3}(?:\.\d{1,2})?)\b").ok()
});
static COUNTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(r"(?i)\b{N}\s*\+?\s*(?:or\s+more\s+)?(?:[a-z-]+\s+){{0,2}}?(?P<noun>[a-z]{{3,}}s)\b"))
        .ok()
});

/// Plurals that are counted elsewhere, or that count nothing.
const NO_UNITS: &str = " years months weeks days times yrs is as was has this less plus across various years' series business \
    process access address class skills ";

/// Every amount that a text tells of.
#[must_use]
pub(crate) fn told(text: &str) -> Vec<Amount> {
    let mut found: Vec<Amount> = Vec::new();
    for hit in SCORE.as_ref().into_iter().flat_map(|pattern| pattern.captures_iter(text)) {
        let test =
            ["IELTS", "TOEFL", "TOEIC", "GMAT", "GRE", "GPA"].into_iter().find(|test| *test == &hit["test"]);
        if let (Some(test), Ok(n), Some(whole)) = (test, hit["n"].parse(), hit.get(0)) {
            found.push(Amount { n, unit: Unit::Score(test), range: whole.range() });
        }
    }
    for pattern in [&TOLD, &SIGNED] {
        let Some(pattern) = pattern.as_ref() else { continue };
        for hit in pattern.captures_iter(text) {
            let Some(whole) = hit.get(0) else { continue };
            let unit = [
                ("people", Unit::People),
                ("hours", Unit::Hours),
                ("kg", Unit::Kilograms),
                ("countries", Unit::Countries),
                ("projects", Unit::Projects),
                ("customers", Unit::Customers),
                ("users", Unit::Users),
                ("wpm", Unit::WordsAMinute),
                ("machines", Unit::Machines),
                ("pupils", Unit::Pupils),
                ("credits", Unit::Credits),
                ("money", Unit::Money),
                ("sign", Unit::Money),
            ]
            .into_iter()
            .find(|(name, _)| hit.name(name).is_some());
            let pounds = whole.as_str().to_lowercase();
            let is_pounds = pounds.ends_with("lb") || pounds.ends_with("lbs") || pounds.ends_with("pounds");
            let n = hit.name("n").and_then(|n| value(n.as_str()));
            let times = hit.name("times").map_or(1.0, |times| factor(times.as_str()))
                * if is_pounds { 0.4536 } else { 1.0 };
            if let (Some((_, unit)), Some(n)) = (unit, n)
                && is_new(&found, &whole.range())
            {
                found.push(Amount { n: n * times, unit, range: whole.range() });
            }
        }
    }
    for hit in COUNTED.as_ref().into_iter().flat_map(|pattern| pattern.captures_iter(text)) {
        let (Some(whole), Some(n)) = (hit.get(0), value(&hit["n"])) else { continue };
        let noun = hit["noun"].to_lowercase();
        if is_new(&found, &whole.range()) && !NO_UNITS.split_whitespace().any(|own| own == noun) {
            found.push(Amount { n, unit: Unit::Other(noun), range: whole.range() });
        }
    }
    found
}

/// Whether no amount is read from a part of this range yet.
fn is_new(found: &[Amount], range: &Range<usize>) -> bool {
    !found.iter().any(|other| other.range.start < range.end && range.start < other.range.end)
}

/// The amounts that a sentence of a posting asks for at least.
#[must_use]
pub(crate) fn asked(sentence: &str) -> Vec<Amount> {
    let is_least = |amount: &Amount| {
        let said = &sentence[amount.range.clone()];
        let plus = said.contains('+') || said.contains("or more");
        // What one lifts, types, works or scores is a least amount without a word for it.
        let bare = matches!(
            amount.unit,
            Unit::Kilograms | Unit::WordsAMinute | Unit::Hours | Unit::Credits | Unit::Score(_)
        );
        plus || bare
            || LEAST.as_ref().is_some_and(|pattern| pattern.is_match(&sentence[..amount.range.start]))
    };
    told(sentence).into_iter().filter(is_least).collect()
}

/// "1,200" and "1.200" are thousands, "1.5" and "1,5" are not.
fn value(text: &str) -> Option<f64> {
    let small = text.to_lowercase();
    let word = match small.as_str() {
        "thirty" => Some(30.0),
        "forty" => Some(40.0),
        "fifty" => Some(50.0),
        "hundred" => Some(100.0),
        _ => None,
    };
    if word.is_some() {
        return word;
    }
    let parts: Vec<&str> = small.split([' ', ',', '.', '’', '\'']).collect();
    let is_thousands = parts.len() > 1 && parts[1..].iter().all(|part| part.len() == 3);
    if is_thousands { parts.concat().parse().ok() } else { number(&small) }
}

fn factor(times: &str) -> f64 {
    match times.to_lowercase().trim_end_matches('.') {
        "k" | "thousand" => 1e3,
        "billion" | "bn" => 1e9,
        _ => 1e6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(f64, Unit)> {
        told(text).into_iter().map(|amount| (amount.n, amount.unit)).collect()
    }

    #[test]
    fn amounts_are_read_as_they_are_written() {
        assert_eq!(all("headed a ten-person design team"), [(10.0, Unit::People)]);
        assert_eq!(
            all("30 to 1,200 customers in 9 countries"),
            [(1200.0, Unit::Customers), (9.0, Unit::Countries)]
        );
        assert_eq!(all("a budget of €1.5 million"), [(1.5e6, Unit::Money)]);
        assert_eq!(all("12 million kroner"), [(12e6, Unit::Money)]);
        assert_eq!(all("two or three times, Java 17, ISO 9001, 24/7"), []);
        assert_eq!(all("lifts 25 kg"), [(25.0, Unit::Kilograms)]);
    }

    #[test]
    fn only_the_least_is_asked() {
        let asked =
            |text: &str| asked(text).into_iter().map(|amount| (amount.n, amount.unit)).collect::<Vec<_>>();
        assert_eq!(asked("Lead teams of at least eight people"), [(8.0, Unit::People)]);
        assert_eq!(asked("10+ engineers"), [(10.0, Unit::People)]);
        assert_eq!(asked("Work with 200 colleagues"), []);
        assert_eq!(asked("Able to lift 25 kg"), [(25.0, Unit::Kilograms)]);
        assert_eq!(asked("IELTS score of at least 6.5"), [(6.5, Unit::Score("IELTS"))]);
        assert_eq!(asked("At least three product launches"), [(3.0, Unit::Other("launches".to_owned()))]);
        assert_eq!(asked("5 or more published games"), [(5.0, Unit::Other("games".to_owned()))]);
        assert_eq!(asked("Minimum 3 years of work"), []);
    }
}
