//! Is it shown? Typed checks decide; each decision keeps the rule that made it and the facts that it rests on.

use std::collections::HashMap;

use crate::asked::pattern;
use crate::document::Document;
use crate::model::{Fact, Grade, Need, Node, Polarity, Status};
use crate::months::Day;
use crate::nearness::{Bag, Nearness};
use crate::profile::Profile;

mod degree;
mod named;
mod plain;
mod within;
mod years;

/// What became of a need, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The words of the posting that ask.
    pub range: std::ops::Range<usize>,
    /// What became of it.
    pub status: Status,
    /// The rule that decided, as `alias.shown`.
    pub rule: &'static str,
    /// What the rule found, in words.
    pub because: String,
    /// Facts that it rests on, by their places in the profile.
    pub support: Vec<usize>,
    /// Roles whose months were counted.
    pub roles: Vec<usize>,
    /// Facts that speak against it, or that come nearest without being enough.
    pub near: Vec<usize>,
    /// Months that were counted: surely, possibly, and asked.
    pub months: Option<(u32, u32, u32)>,
    /// Verdicts on the parts of an "and" or "or".
    pub parts: Vec<Verdict>,
}

impl Verdict {
    fn new(node: &Node, status: Status, rule: &'static str, because: String) -> Self {
        let (support, roles, near, parts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { range: node.range.clone(), status, rule, because, support, roles, near, months: None, parts }
    }

    fn with(mut self, support: Vec<usize>) -> Self {
        self.support = support;
        self
    }

    fn near(mut self, near: Vec<usize>) -> Self {
        self.near = near;
        self
    }

    /// Where nothing decides, the nearest passage is named; where it speaks of the matter strongly, it is for the person to
    /// say whether it is the same. Never more than that: nearness is no verdict.
    pub(crate) fn propose(&mut self, near: &Nearness) {
        let open = matches!(self.status, Status::NotFound) && is_open(self);
        let Some(fact) = near.fact.filter(|_| open) else { return };
        let strength = near.strength();
        if strength >= ASK && near.best.topics >= SPEAKS_ALONE && !near.matters.is_empty() {
            let matters: Vec<&str> = near.matters.iter().map(|topic| topic.name()).collect();
            self.status = Status::Unknown;
            self.rule = "near.speaks";
            self.because = format!(
                "nothing settles it; one line speaks of {}, and whether it is the same, you know",
                matters.join(" and ")
            );
            self.support = vec![fact];
            self.parts.clear();
        } else if near.best.topics >= NAME || near.best.words >= NAME_BY_WORDS {
            self.near.insert(0, fact);
            self.near.dedup();
        }
    }

    /// All facts that it or one of its parts rests on.
    #[must_use]
    pub fn all_support(&self) -> Vec<usize> {
        let mut all = self.support.clone();
        self.parts.iter().for_each(|part| all.extend(part.all_support()));
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// What judging looks at.
pub struct Court<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// The documents that its spans are about.
    pub documents: &'a [Document],
    /// The text of the posting, which the ranges of needs are about.
    pub posting: &'a str,
    /// The day of the analysis.
    pub as_of: Day,
    /// The profile's facts as bags of words and matters.
    pub bags: &'a [Bag],
    /// The facts of each role, by their places.
    pub by_role: HashMap<usize, Vec<usize>>,
}

/// How strongly a passage must speak of a requirement that nothing names to be asked about.
const ASK: f64 = 0.5;
/// How far a single line of it must cover the matters.
const SPEAKS_ALONE: f64 = 0.4;
/// And how far a line must cover the matters of a requirement, or its words, to be called the nearest.
const NAME: f64 = 0.45;
const NAME_BY_WORDS: f64 = 0.75;

/// Whether words could settle it: years, degrees, licences and denials are settled by what they are.
fn is_open(verdict: &Verdict) -> bool {
    let own = matches!(verdict.rule, "nothing" | "all.parts" | "any.best");
    own && verdict.months.is_none() && verdict.parts.iter().all(is_open)
}

pattern!(
    OF_THESE,
    r"(?i)\b(?P<n>two|three|four|2|3|4)\s+(?:or\s+more\s+)?(?:of|out\s+of|from)\s*(?:the\s+following|these|those|the)?(?:\s+\w+){0,2}\s*[:(]?\s*$"
);

impl Court<'_> {
    /// Judges a need.
    #[must_use]
    pub fn judge(&self, node: &Node) -> Verdict {
        match &node.need {
            Need::Concept(concept) => self.concept(node, *concept),
            Need::Several(concept, least) => self.several(node, *concept, *least),
            Need::Interest(concept) => self.interest(node, *concept),
            Need::Years { months, area, words, similar } => self.years(node, *months, area, words, *similar),
            Need::Degree { level, fields, words, open } => self.degree(node, *level, fields, words, *open),
            Need::Language(concept, level) => self.language(node, *concept, *level),
            Need::Place(place) => self.place(node, place),
            Need::WorkPermit(country) => self.permit(node, country.as_deref()),
            Need::Publications(n) => self.publications(node, *n),
            Need::Amount(n, unit) => self.amount(node, *n, unit),
            Need::Words(stems) => self.words(node, stems),
            Need::AnyOf(nodes) => self.any_of(node, nodes),
            Need::AllOf(nodes) => self.all_of(node, nodes),
        }
    }

    pub(super) fn facts(&self) -> impl Iterator<Item = (usize, &Fact)> {
        self.profile.facts.iter().enumerate()
    }

    /// Words that the table does not know: all of them in one fact of one's own, or nothing is decided.
    fn words(&self, node: &Node, stems: &[String]) -> Verdict {
        let share = |fact: &Fact| {
            let said = |stem: &&String| {
                fact.words.iter().any(|(own, polarity)| own == *stem && *polarity == Polarity::Asserted)
            };
            stems.iter().filter(said).count()
        };
        let mut ranked: Vec<(usize, Grade, usize)> =
            self.facts().map(|(at, fact)| (share(fact), fact.grade, at)).filter(|(n, _, _)| *n > 0).collect();
        ranked.sort_by_key(|&(n, grade, at)| (std::cmp::Reverse(n), std::cmp::Reverse(grade), at));
        let near: Vec<usize> = ranked.iter().take(2).map(|(_, _, at)| *at).collect();
        let Some(&(n, grade, at)) = ranked.first() else {
            return Verdict::new(node, Status::NotFound, "nothing", "no line says it".to_owned());
        };
        let all = n == stems.len();
        match (all, stems.len()) {
            (true, 2..) if grade >= Grade::Shown => Verdict::new(
                node,
                Status::Partial,
                "words.all",
                "one line of a role holds all of its words; whether it says the same, you know".to_owned(),
            )
            .with(vec![at]),
            (true, 2..) => Verdict::new(
                node,
                Status::ClaimOnly,
                "words.listed",
                "all of its words stand in a list or self-description".to_owned(),
            )
            .with(vec![at]),
            (_, len) if len >= 3 && n * 3 >= len * 2 && grade >= Grade::Shown => Verdict::new(
                node,
                Status::Unknown,
                "words.most",
                "most of its words stand in one sentence; whether it is the same, you know".to_owned(),
            )
            .with(vec![at]),
            _ => Verdict::new(node, Status::NotFound, "nothing", "no line says it".to_owned()).near(near),
        }
    }

    fn any_of(&self, node: &Node, nodes: &[Node]) -> Verdict {
        let parts: Vec<Verdict> = nodes.iter().map(|node| self.judge(node)).collect();
        // "At least two of the following" is not met by one.
        let lead = self.posting.get(..node.range.start).unwrap_or_default();
        let least = OF_THESE
            .as_ref()
            .and_then(|pattern| pattern.captures(lead)?.name("n").map(|n| n.as_str().to_lowercase()));
        let least = least.and_then(|n| crate::asked::number(&n)).map_or(1, |n| n as usize);
        let met = parts.iter().filter(|part| part.status == Status::Met).count();
        if least > 1 && met < least && met > 0 {
            let because = format!("{}; {least} of them are asked", parts_shown(met, parts.len()));
            let mut verdict = Verdict::new(node, Status::Partial, "any.fewer", because);
            verdict.parts = parts;
            return verdict;
        }
        let best = parts.iter().enumerate().max_by_key(|(at, part)| (part.status, std::cmp::Reverse(*at)));
        let status = best.map_or(Status::NotFound, |(_, part)| part.status);
        let because = match (status, best) {
            (Status::Met, Some((_, part))) => format!("one of them is enough; {}", part.because),
            (Status::NotFound, _) => {
                merged(&parts.iter().map(|part| part.because.clone()).collect::<Vec<_>>())
            }
            (_, Some((_, part))) => part.because.clone(),
            _ => String::new(),
        };
        let mut verdict = Verdict::new(node, status, "any.best", because);
        verdict.near = if status <= Status::NotFound {
            parts.iter().flat_map(|part| part.near.clone()).collect()
        } else {
            Vec::new()
        };
        verdict.parts = parts;
        verdict
    }

    fn all_of(&self, node: &Node, nodes: &[Node]) -> Verdict {
        let parts: Vec<Verdict> = nodes.iter().map(|node| self.judge(node)).collect();
        let met = parts.iter().filter(|part| part.status == Status::Met).count();
        let least = parts.iter().map(|part| part.status).min().unwrap_or(Status::NotFound);
        let most = parts.iter().map(|part| part.status).max().unwrap_or(Status::NotFound);
        let status = match least {
            Status::Met => Status::Met,
            // Some of it is there; how much each part weighs is not for us to say.
            Status::NotFound | Status::Contradicted | Status::Unknown if most > Status::Transferable => {
                Status::Partial
            }
            Status::Transferable | Status::ClaimOnly | Status::Partial if met > 0 => Status::Partial,
            least => least,
        };
        let says = |(part, node): (&Verdict, &Node)| match (&node.need, part.status) {
            (Need::Words(_), Status::NotFound) if met > 0 => "no line says the rest".to_owned(),
            _ => part.because.clone(),
        };
        let missing: Vec<String> =
            parts.iter().zip(nodes).filter(|(part, _)| part.status < Status::Met).map(says).collect();
        let because = match (missing.is_empty(), met) {
            (true, _) => "all of its parts are shown".to_owned(),
            (_, 0) => merged(&missing),
            _ => format!("{}; {}", parts_shown(met, parts.len()), merged(&missing)),
        };
        let mut verdict = Verdict::new(node, status, "all.parts", because);
        verdict.parts = parts;
        verdict
    }

    pub(super) fn text(&self, fact: &Fact) -> &str {
        &self.documents[fact.span.document].text[fact.span.range()]
    }
}

/// "Nothing names A; nothing names B" said once.
fn merged(missing: &[String]) -> String {
    let mut out: Vec<String> = Vec::new();
    for lead in ["nothing names ", "nothing speaks of "] {
        let names: Vec<&str> = missing.iter().filter_map(|part| part.strip_prefix(lead)).collect();
        match names.as_slice() {
            [] => {}
            [one] => out.push(format!("{lead}{one}")),
            [head @ .., last] => out.push(format!("{lead}{} or {last}", head.join(", "))),
        }
    }
    let is_plain = |part: &&String| {
        !(part.starts_with("nothing names ") || part.starts_with("nothing speaks of "))
            || part.ends_with(" it")
    };
    let rest: Vec<&String> = missing.iter().filter(is_plain).collect();
    // What has a name says more than "no line says it".
    let vague = |part: &str| part == "no line says it";
    out.extend(rest.iter().filter(|part| !vague(part)).map(|part| (*part).clone()));
    if out.is_empty() {
        out.push("no line says it".to_owned());
    }
    out.join("; ")
}

/// "One of its two parts is shown".
fn parts_shown(met: usize, all: usize) -> String {
    const NUMBERS: [&str; 8] = ["no", "one", "two", "three", "four", "five", "six", "seven"];
    let say = |n: usize| NUMBERS.get(n).map_or_else(|| n.to_string(), |word| (*word).to_owned());
    match met {
        1 => format!("one of its {} parts is shown", say(all)),
        _ => format!("{} of its {} parts are shown", say(met), say(all)),
    }
}

/// "Three are".
fn counted(n: usize) -> String {
    match n {
        1 => "one is".to_owned(),
        n => format!("{n} are"),
    }
}
