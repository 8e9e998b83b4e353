//! What does the profile show? Its sentences as facts, each in its role, with how much it can carry.

use std::sync::LazyLock;

use regex::Regex;

use crate::asked::{pattern, span_of_years};
use crate::concepts::{ConceptId, ConceptKind, mentions};
use crate::dates::{periods, singles};
use crate::document::{Block, Document, Kind, Media, Span};
use crate::doubt::drop_doubtful;
use crate::model::{Fact, Finding, Grade, Named, Polarity, Role};
use crate::months::{Day, MonthSet, Period, PeriodFault};
use crate::sections::{Area, area};
use crate::stance::Stances;
use crate::text::{sentences, stem, tokens};

pattern!(
    CLAIM,
    r"(?i)\b(?:for\s+(?:about\s+|over\s+|nearly\s+)?\w+\s+(?:years|yrs)|(?:years|yrs|decades?)\s+(?:of|as|in|with|at|on|behind)\b|decades?\b)|:\s*\d+\s*\+?\s*(?:years|yrs)\b|\b(?:experience|background|in\s+the\s+(?:field|industry|trade|profession)|of\s+\w+ing\b|working|as\s+an?\b|career|practice)"
);
pattern!(
    DENIES,
    r"(?i)\b(?:don(?:'|’)?t|do\s+not|haven(?:'|’)?t|have\s+not|never|not\s+(?:yet|done|used|mine|included)|no\s+experience|gaps|without\s+experience)\b"
);
pattern!(
    OUTCOME,
    r"(?i)\d+\s*(?:%|percent|x\b|times|k\b|m\b)|[$€£]\s*\d|\b(?:reduc|increas|sav|grew|improv|cut|doubl|tripl|won|award|deliver|launch|raised|halv|speed)\w*"
);
pattern!(
    DID,
    r"(?i)^\W*(?:(?:i|we)\s+)?(?:have\s+)?(?:\w+ly\s+)?(?:\w{2,}ed|built|ran|run|wrote|made|led|taught|kept|drove|sold|held|grew|won|set\s+up|took|gave|spoke|drew|brought|oversaw|began|cut|put|responsible|looks|ships|runs|builds|leads|manages|writes|maintains|designs|develops|teaches|keeps|owns|handles|operates|drives|sells|plans|supports|tests|coordinates|supervises|heads)\b"
);

/// Nobody has had more jobs, degrees and projects with dates; time and the report stay bounded.
const MOST_ROLES: usize = 200;

/// All facts and roles of the profile's documents, and what is odd about them.
#[derive(Debug, Default)]
pub struct Profile {
    /// Jobs, degrees, projects.
    pub roles: Vec<Role>,
    /// Sentences.
    pub facts: Vec<Fact>,
    /// Reversed and future dates.
    pub findings: Vec<Finding>,
    /// Lines that would be facts if the person had not rejected them.
    pub rejected: Vec<Span>,
}

/// Reads the facts of the documents, whose numbers are their places in the list.
#[must_use]
pub fn profile(documents: &[(usize, &Document)], as_of: Day) -> Profile {
    reviewed(documents, as_of, &[])
}

/// The same without what the person rejected: as if those lines were not there. A heading that is rejected leaves its place, and
/// what stands below it counts for itself, but the time that it names counts for nothing.
#[must_use]
pub fn reviewed(documents: &[(usize, &Document)], as_of: Day, rejected: &[Span]) -> Profile {
    let mut profile = Profile::default();
    for &(at, document) in documents {
        Reader {
            at,
            document,
            as_of,
            area: None,
            role: None,
            headed: false,
            undated: false,
            denied: false,
            rejected,
            profile: &mut profile,
        }
        .read();
    }
    withdraw(&mut profile);
    drop_doubtful(&mut profile.facts, documents);
    profile
}

/// Takes the time from roles whose heading is rejected.
fn withdraw(profile: &mut Profile) {
    let Profile { roles, findings, rejected, .. } = profile;
    for role in roles {
        let own = &role.span;
        let inside =
            |span: &Span| span.document == own.document && own.start <= span.start && span.end <= own.end;
        if rejected.iter().any(inside) {
            (role.period, role.sure, role.possible) = (None, MonthSet::default(), MonthSet::default());
            findings.retain(|finding| finding.span.as_ref() != Some(own));
        }
    }
}

struct Reader<'a> {
    at: usize,
    document: &'a Document,
    as_of: Day,
    area: Option<Area>,
    role: Option<usize>,
    /// Whether the role has a heading; else it is a sentence.
    headed: bool,
    /// Whether the heading of the role has no dates.
    undated: bool,
    /// Whether a heading says that what follows is not so: "What I have not done".
    denied: bool,
    /// Lines that are left out.
    rejected: &'a [Span],
    profile: &'a mut Profile,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut blocks = self.document.blocks.iter().peekable();
        while let Some(block) = blocks.next() {
            let text = self.document.block_text(block);
            let mut dated = periods(text);
            if dated.is_empty()
                && matches!(block.kind, Kind::Heading(2..))
                && self.area == Some(Area::Experience)
            {
                // "Developer, Acme, 2018": some of that year.
                dated.extend(
                    singles(text).into_iter().map(|(range, date)| (range, Period { start: date, end: date })),
                );
            }
            // A heading without a date may have it in the line below, which holds little else.
            let next = blocks.peek().filter(|next| !matches!(next.kind, Kind::Heading(_)));
            let next = next.map(|next| self.document.block_text(next));
            let is_title = matches!(block.kind, Kind::Heading(_))
                || (matches!(block.kind, Kind::Paragraph | Kind::Cell)
                    && text.len() < 90
                    && !text.ends_with(['.', ':']));
            let only_date = |next: &str| periods(next).iter().any(|(range, _)| next.len() < range.len() + 16);
            let date_below = is_title && dated.is_empty() && next.is_some_and(only_date);
            // What has dates is a role, even if its title begins with "Software".
            if dated.is_empty()
                && !date_below
                && let Some(area) = area(self.document, block)
            {
                (self.area, self.role, self.denied) = (Some(area), None, false);
                continue;
            }
            let level = if let Kind::Heading(level) = block.kind { Some(level) } else { None };
            if level.is_some() {
                self.denied = DENIES.as_ref().is_some_and(|pattern| pattern.is_match(text));
            }
            if date_below || level.is_some_and(|level| !dated.is_empty() || (level > 1 && self.in_list())) {
                let span = Span { document: self.at, start: block.range.start, end: block.range.end };
                let mut found: Vec<Period> = dated.into_iter().map(|(_, period)| period).collect();
                if date_below && let Some(below) = blocks.next() {
                    found = periods(self.document.block_text(below))
                        .into_iter()
                        .map(|(_, period)| period)
                        .collect();
                }
                self.open_role(span, &found, true);
            }
            self.facts(block, text);
        }
    }

    /// Whether jobs, degrees and projects stand here.
    fn in_list(&self) -> bool {
        matches!(
            self.area,
            Some(Area::Experience | Area::Education | Area::Projects | Area::Volunteering) | None
        )
    }

    /// A sentence with dates is a role of its own, or says when the role was whose heading does not.
    fn dated_sentence(&mut self, block: &Block, sentence: &str, span: &Span) {
        if matches!(block.kind, Kind::Heading(_)) || !self.in_list() || sentence.len() > 200 {
            return;
        }
        let found: Vec<Period> = periods(sentence).into_iter().map(|(_, period)| period).collect();
        // What was done within a role has dates, too: "Cut costs in 2019 – 2020".
        let told = DID.as_ref().is_some_and(|p| p.is_match(sentence)) && self.role.is_some();
        if found.is_empty() || told {
            return;
        }
        match self.role.filter(|_| self.headed) {
            // Below a trade without dates stands one employer a line, below an employer or "Positions" one trade a line.
            Some(role) if self.undated && names_a_trade(&self.profile.roles[role].title) => {
                // "From 2012 I was a sailing instructor" is another trade.
                if same_trade(&self.profile.roles[role].title, sentence) {
                    self.add_periods(role, &found);
                } else {
                    self.open_line(span.clone(), &found);
                }
            }
            Some(_) if self.undated && names_a_trade(sentence) => self.open_line(span.clone(), &found),
            Some(role) if self.profile.roles[role].possible.is_empty() => self.add_periods(role, &found),
            Some(_) => {}
            None => self.open_role(span.clone(), &found, false),
        }
    }

    /// A role that is one line of a list; the next line may be another.
    fn open_line(&mut self, span: Span, periods: &[Period]) {
        self.open_role(span, periods, true);
        self.undated = true;
    }

    fn open_role(&mut self, span: Span, periods: &[Period], headed: bool) {
        if self.profile.roles.len() >= MOST_ROLES {
            let text = format!("Only the first {MOST_ROLES} roles are read.");
            if !self.profile.findings.iter().any(|finding| finding.text == text) {
                self.profile.findings.push(Finding { kind: "cut_short", text, span: Some(span) });
            }
            return;
        }
        let text = &self.document.text[span.range()];
        // A degree without an area above it is still no work.
        let area = self.area.unwrap_or(if crate::asked::levels(text).is_empty() {
            Area::Experience
        } else {
            Area::Education
        });
        let (sure, possible) = (MonthSet::default(), MonthSet::default());
        self.profile.roles.push(Role { title: text.to_owned(), span, area, period: None, sure, possible });
        let role = self.profile.roles.len() - 1;
        (self.role, self.headed, self.undated) = (Some(role), headed, periods.is_empty());
        self.add_periods(role, periods);
    }

    fn add_periods(&mut self, role: usize, periods: &[Period]) {
        for period in periods {
            let (sure, possible, fault) = period.months(self.as_of);
            let own = &mut self.profile.roles[role];
            own.sure = own.sure.union(&sure);
            own.possible = own.possible.union(&possible);
            own.period = own.period.or(Some(*period));
            let Some(fault) = fault else { continue };
            let (kind, what) = match fault {
                PeriodFault::Reversed => ("reversed_dates", "ends before it begins; it counts for nothing"),
                PeriodFault::Future => {
                    ("future_dates", "begins after the day of this analysis; it counts for nothing")
                }
                PeriodFault::EndsAhead => {
                    ("future_dates", "ends after the day of this analysis; only the time until then counts")
                }
            };
            let text = format!("The period {period} {what}.");
            let span = Some(own.span.clone());
            self.profile.findings.push(Finding { kind, text, span });
        }
    }

    fn facts(&mut self, block: &Block, text: &str) {
        // A reference is full of stops; it is one fact all the same.
        let whole = self.area == Some(Area::Publications);
        let pieces = if whole { std::iter::once(0..text.len()).collect() } else { sentences(text) };
        for range in pieces {
            let sentence = &text[range.clone()];
            let start = block.range.start + range.start;
            let span = Span { document: self.at, start, end: block.range.start + range.end };
            if self.rejected.contains(&span) {
                self.profile.rejected.push(span);
                continue;
            }
            self.dated_sentence(block, sentence, &span);
            let words = tokens(sentence);
            let area = self.area.unwrap_or(match self.role {
                Some(role) => self.profile.roles[role].area,
                None => Area::Summary,
            });
            let wished = area == Area::Interests;
            let stances = Stances::of(sentence);
            let say = |range: &std::ops::Range<usize>| match stances.at(range) {
                Polarity::Asserted if self.denied => Polarity::Negated,
                Polarity::Asserted if wished => Polarity::Aspirational,
                other => other,
            };
            let found = mentions(sentence, &words).into_iter().map(|mention| {
                let polarity = say(&mention.range);
                let range = mention.range.start + start..mention.range.end + start;
                Named { concept: mention.concept, range, polarity }
            });
            let named: Vec<Named> = found.collect();
            let words: Vec<(String, Polarity)> =
                words.iter().map(|word| (stem(&word.norm), say(&word.range))).collect();
            let claimed = span_of_years(sentence)
                .filter(|(_, range)| {
                    CLAIM.as_ref().is_some_and(|p| p.is_match(sentence)) && say(range) == Polarity::Asserted
                })
                .map(|(months, _)| months);
            let grade = self.grade(block, sentence, area);
            // A fact keeps its number when another is rejected.
            let id = format!("F{}", self.profile.facts.len() + self.profile.rejected.len() + 1);
            self.profile.facts.push(Fact { id, span, area, role: self.role, grade, named, words, claimed });
        }
    }

    fn grade(&self, block: &Block, sentence: &str, area: Area) -> Grade {
        if matches!(self.document.media, Media::Bibtex | Media::Repository) {
            return Grade::Artefact;
        }
        let is = |pattern: &LazyLock<Option<Regex>>| {
            pattern.as_ref().is_some_and(|pattern| pattern.is_match(sentence))
        };
        match area {
            Area::Summary if self.role.is_none() => {
                // An item that says what was done is more than a word about oneself, even without a heading above it.
                let deed = || is(&DID) || crate::stance::tells_a_deed(sentence);
                if self.area.is_none() && deed() { Grade::Shown } else { Grade::SelfDescription }
            }
            Area::Interests | Area::Personal => Grade::SelfDescription,
            Area::Skills => Grade::Listed,
            Area::Publications => Grade::Artefact,
            Area::Experience | Area::Projects | Area::Volunteering | Area::Summary => {
                let titled = self.role.is_some_and(|role| {
                    self.profile.roles[role].span.start == block.range.start && self.headed
                });
                if !titled && is(&OUTCOME) { Grade::Outcome } else { Grade::Shown }
            }
            Area::Education | Area::Awards | Area::Languages | Area::Licences => Grade::Shown,
        }
    }
}

/// The trades that a text names.
fn trades(text: &str) -> Vec<ConceptId> {
    let found = mentions(text, &tokens(text)).into_iter().map(|mention| mention.concept);
    found.filter(|concept| concept.kind() == ConceptKind::Profession).collect()
}

fn names_a_trade(text: &str) -> bool {
    !trades(text).is_empty() || tokens(text).iter().any(crate::stance::is_person)
}

/// Whether a line names no other trade than a title does.
fn same_trade(title: &str, line: &str) -> bool {
    let (own, said) = (trades(title), trades(line));
    if !own.is_empty() && !said.is_empty() {
        return said.iter().any(|trade| own.iter().any(|own| own.is_near(*trade)));
    }
    let people = |text: &str| -> Vec<String> {
        tokens(text).into_iter().filter(crate::stance::is_person).map(|word| word.norm).collect()
    };
    let (own, said) = (people(title), people(line));
    said.is_empty() || said.iter().any(|word| own.contains(word))
}
