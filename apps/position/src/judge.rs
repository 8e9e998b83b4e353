//! Is it shown? Typed checks decide; each decision keeps the rule that made it and the facts that it rests on.

use crate::concepts::{ConceptId, ConceptKind};
use crate::document::Document;
use crate::model::{Fact, Grade, Level, Need, Node, Polarity, Role, Status};
use crate::months::{Day, MonthSet, in_words};
use crate::nearness::{Bag, Nearness, Question, speaks};
use crate::profile::Profile;
use crate::sections::Area;
use crate::text::{stem, tokens};

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
        if strength >= ASK && !near.matters.is_empty() {
            let matters: Vec<&str> = near.matters.iter().map(|topic| topic.name()).collect();
            self.status = Status::Unknown;
            self.rule = "near.speaks";
            self.because = format!(
                "no line names it, and one speaks of {}; whether it is the same, you know",
                matters.join(" and ")
            );
            self.support = vec![fact];
            self.parts.clear();
        } else if strength >= NAME {
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
    /// The day of the analysis.
    pub as_of: Day,
    /// The profile's facts as bags of words and matters.
    pub bags: &'a [Bag],
}

/// How strongly a passage must speak of a requirement that nothing names to be asked about.
const ASK: f64 = 0.5;
/// And to be called the nearest.
const NAME: f64 = 0.1;

/// Whether words could settle it: years, degrees, licences and denials are settled by what they are.
fn is_open(verdict: &Verdict) -> bool {
    let own = matches!(verdict.rule, "nothing" | "all.parts" | "any.best");
    own && verdict.months.is_none() && verdict.parts.iter().all(is_open)
}

/// How far a role must speak of an area that it does not name to be asked about.
const SPEAKS: f64 = 0.4;

impl Court<'_> {
    /// Judges a need.
    #[must_use]
    pub fn judge(&self, node: &Node) -> Verdict {
        match &node.need {
            Need::Concept(concept) => self.concept(node, *concept),
            Need::Interest(concept) => self.interest(node, *concept),
            Need::Years { months, area, words } => self.years(node, *months, area, words),
            Need::Degree { level, fields, words, open } => self.degree(node, *level, fields, words, *open),
            Need::Language(concept, level) => self.language(node, *concept, *level),
            Need::Place(place) => self.place(node, place),
            Need::WorkPermit => self.permit(node),
            Need::Publications(n) => self.publications(node, *n),
            Need::Words(stems) => self.words(node, stems),
            Need::AnyOf(nodes) => self.any_of(node, nodes),
            Need::AllOf(nodes) => self.all_of(node, nodes),
        }
    }

    fn facts(&self) -> impl Iterator<Item = (usize, &Fact)> {
        self.profile.facts.iter().enumerate()
    }

    fn concept(&self, node: &Node, concept: ConceptId) -> Verdict {
        let name = concept.name();
        let of = |polarity: Polarity| -> Vec<usize> {
            let says = |fact: &Fact| {
                fact.named.iter().any(|named| named.polarity == polarity && named.concept.is_a(concept))
            };
            self.facts().filter(|(_, fact)| says(fact)).map(|(at, _)| at).collect()
        };
        let mut asserted = of(Polarity::Asserted);
        // The strongest first, in the order of the documents.
        asserted.sort_by_key(|&at| (std::cmp::Reverse(self.profile.facts[at].grade), at));
        let denied = of(Polarity::Negated);
        let best = asserted.first().map(|&at| self.profile.facts[at].grade);
        if concept.kind() == ConceptKind::Trait {
            return self.character(node, concept, asserted);
        }
        if concept.kind() == ConceptKind::Licence && !asserted.is_empty() {
            return Verdict::new(node, Status::Met, "licence.stated", format!("{name} is stated"))
                .with(asserted);
        }
        match best {
            Some(grade) if grade >= Grade::Shown => {
                let through = self.through(asserted[0], concept);
                Verdict::new(
                    node,
                    Status::Met,
                    "alias.shown",
                    format!("{through} in a role, project or degree"),
                )
                .with(asserted)
            }
            Some(_) if !denied.is_empty() => Verdict::new(
                node,
                Status::Contradicted,
                "alias.denied",
                format!("{name} is both listed and denied"),
            )
            .near(denied),
            Some(_) => {
                let through = self.through(asserted[0], concept);
                Verdict::new(
                    node,
                    Status::ClaimOnly,
                    "alias.listed",
                    format!("{through} in a list or a self-description, and in no role or project"),
                )
                .with(asserted)
            }
            None if !denied.is_empty() => {
                Verdict::new(node, Status::Contradicted, "alias.denied", format!("{name} is denied"))
                    .near(denied)
            }
            None => self.akin(node, concept, [of(Polarity::Aspirational), of(Polarity::ByOthers)].concat()),
        }
    }

    /// What one is drawn to may be said; better is what was done about it.
    fn interest(&self, node: &Node, concept: ConceptId) -> Verdict {
        let own = self.concept(node, concept);
        if own.status >= Status::ClaimOnly {
            return own;
        }
        let says = |fact: &Fact| {
            fact.named
                .iter()
                .any(|named| named.polarity == Polarity::Aspirational && named.concept.is_a(concept))
        };
        let wished: Vec<usize> = self.facts().filter(|(_, fact)| says(fact)).map(|(at, _)| at).collect();
        if wished.is_empty() {
            return own;
        }
        let because = format!("an interest in {} is stated, and nothing done about it is", concept.name());
        Verdict::new(node, Status::ClaimOnly, "interest.stated", because).with(wished)
    }

    /// How a fact names a concept: by its name, or as a kind of it.
    fn through(&self, fact: usize, concept: ConceptId) -> String {
        let named = self.profile.facts[fact]
            .named
            .iter()
            .find(|named| named.polarity == Polarity::Asserted && named.concept.is_a(concept));
        match named.map(|named| named.concept) {
            Some(other) if other != concept => {
                format!("{}, a kind of {}, is named", other.name(), concept.name())
            }
            _ => format!("{} is named", concept.name()),
        }
    }

    /// Siblings, and what only looks like it.
    fn akin(&self, node: &Node, concept: ConceptId, looks: Vec<usize>) -> Verdict {
        let name = concept.name();
        let sibling = self.facts().find_map(|(at, fact)| {
            let named = fact
                .named
                .iter()
                .filter(|named| named.polarity == Polarity::Asserted && fact.grade >= Grade::Shown);
            named.filter_map(|named| Some((at, named.concept, named.concept.sibling_under(concept)?))).next()
        });
        if let Some((at, other, parent)) = sibling
            && concept.kind() != ConceptKind::Language
            && concept.kind() != ConceptKind::Licence
        {
            let because = format!("{} is shown, another {}; {name} is not", other.name(), parent.name());
            return Verdict::new(node, Status::Transferable, "sibling", because).with(vec![at]);
        }
        let because = if looks.is_empty() {
            format!("nothing names {name}")
        } else {
            format!("{name} is named only as a wish or as the work of others")
        };
        Verdict::new(
            node,
            Status::NotFound,
            if looks.is_empty() { "nothing" } else { "only.wished" },
            because,
        )
        .near(looks)
    }

    /// What one is like can't be shown by a word: at most partly, by two dated roles that say what came of it.
    fn character(&self, node: &Node, concept: ConceptId, asserted: Vec<usize>) -> Verdict {
        let name = concept.name();
        let dated = asserted.iter().filter(|&&at| {
            let fact = &self.profile.facts[at];
            fact.grade >= Grade::Shown
                && fact.role.is_some_and(|role| !self.profile.roles[role].possible.is_empty())
        });
        match (dated.count(), asserted.is_empty()) {
            (2.., _) => Verdict::new(
                node,
                Status::Partial,
                "trait.twice",
                format!("{name} is named in two or more dated roles; a text can't show more of it"),
            )
            .with(asserted),
            (_, false) => {
                Verdict::new(node, Status::ClaimOnly, "trait.said", format!("{name} is said and not shown"))
                    .with(asserted)
            }
            _ => Verdict::new(node, Status::NotFound, "nothing", format!("nothing speaks of {name}")),
        }
    }

    /// Months of the roles in an area: surely and possibly, and what they would be with the roles that speak of the area
    /// without naming it. Roles that overlap count once.
    fn area_months(&self, area: &[Vec<ConceptId>], words: &[String]) -> Counted {
        let mut counted = Counted::default();
        for (at, role) in self.profile.roles.iter().enumerate() {
            let is_work = matches!(role.area, Area::Experience | Area::Summary);
            if !is_work || role.possible.is_empty() {
                continue;
            }
            if self.role_is_in(at, role, area, words) {
                counted.sure = counted.sure.union(&role.sure);
                counted.possible = counted.possible.union(&role.possible);
                counted.roles.push(at);
            } else if self.role_speaks_of(at, area, words) {
                counted.akin = counted.akin.union(&role.possible);
                counted.akin_roles.push(at);
            }
        }
        counted.akin = counted.akin.union(&counted.possible);
        counted
    }

    fn role_is_in(&self, at: usize, role: &Role, area: &[Vec<ConceptId>], words: &[String]) -> bool {
        if area.is_empty() && words.is_empty() {
            return true;
        }
        let own = || self.profile.facts.iter().filter(|fact| fact.role == Some(at));
        if !area.is_empty() {
            return hard(area).all(|group| {
                own().any(|fact| {
                    fact.named.iter().any(|named| {
                        named.polarity == Polarity::Asserted
                            && group.iter().any(|area| named.concept.is_a(*area))
                    })
                })
            });
        }
        // Most of the words in one role: its title, or what was done in it.
        let title: Vec<String> = tokens(&role.title).iter().map(|word| stem(&word.norm)).collect();
        let said = |word: &String| {
            title.contains(word)
                || own().any(|fact| {
                    fact.words.iter().any(|(own, polarity)| own == word && *polarity == Polarity::Asserted)
                })
        };
        let found = words.iter().filter(|word| said(word)).count();
        found * 2 > words.len()
    }

    /// Whether a role speaks of each part of an area by its words or matters, without naming it.
    fn role_speaks_of(&self, at: usize, area: &[Vec<ConceptId>], words: &[String]) -> bool {
        let own: Vec<&Bag> = self
            .profile
            .facts
            .iter()
            .zip(self.bags)
            .filter(|(fact, _)| fact.role == Some(at))
            .map(|(_, bag)| bag)
            .collect();
        let about = |text: &str| speaks(&Question::new(text), &own) >= SPEAKS;
        if area.is_empty() {
            return about(&words.join(" "));
        }
        hard(area).all(|group| group.iter().any(|concept| about(concept.name())))
    }

    fn years(&self, node: &Node, asked: u32, area: &[Vec<ConceptId>], words: &[String]) -> Verdict {
        let counts = self.area_months(area, words);
        let (sure, possible, akin) = (counts.sure.len(), counts.possible.len(), counts.akin.len());
        let roles = counts.roles;
        let what = match (area, words) {
            ([], []) => "work of any kind".to_owned(),
            ([], words) => format!("work that names “{}”", words.join(" ")),
            (area, _) => {
                let group = |group: &Vec<ConceptId>| {
                    group.iter().map(|concept| concept.name()).collect::<Vec<_>>().join(" or ")
                };
                area.iter().map(group).collect::<Vec<_>>().join(" with ")
            }
        };
        let claims: Vec<usize> = self
            .facts()
            .filter(|(_, fact)| fact.claimed.is_some_and(|claimed| claimed >= asked))
            .filter(|(_, fact)| {
                area.is_empty()
                    || fact.named.iter().any(|named| {
                        named.polarity == Polarity::Asserted
                            && area.iter().flatten().any(|area| named.concept.is_a(*area))
                    })
            })
            .map(|(at, _)| at)
            .collect();
        let counted = if sure == possible {
            in_words(sure)
        } else {
            format!("{} to {}", in_words(sure), in_words(possible))
        };
        let because = format!("dated roles show {counted} of {what}; {} are asked", in_words(asked));
        let support = self.titles(&roles);
        let mut verdict = if sure >= asked {
            Verdict::new(node, Status::Met, "years.enough", because).with(support)
        } else if possible >= asked {
            Verdict::new(
                node,
                Status::Unknown,
                "years.vague",
                format!("{because}; the dates are too vague to tell"),
            )
            .with(support)
        } else if !claims.is_empty() {
            let shown = if possible == 0 { "no dated role shows it".to_owned() } else { because };
            Verdict::new(
                node,
                Status::ClaimOnly,
                "years.claimed",
                format!("so many years are stated; {shown}"),
            )
            .with(claims)
        } else if sure * 10 >= asked * 6 {
            Verdict::new(node, Status::Partial, "years.most", because).with(support)
        } else if akin >= asked {
            let because = format!(
                "{because}; with work that speaks of it without naming it, it could be {}: you know whether it is the same",
                in_words(akin)
            );
            Verdict::new(node, Status::Unknown, "years.akin", because).with(self.titles(&counts.akin_roles))
        } else {
            Verdict::new(node, Status::NotFound, "years.few", because).near(support)
        };
        verdict.roles = roles;
        verdict.months = Some((sure, possible, asked));
        verdict
    }

    /// The facts that are the headings of roles.
    fn titles(&self, roles: &[usize]) -> Vec<usize> {
        let is_title = |fact: &Fact, role: usize| {
            let span = &self.profile.roles[role].span;
            fact.span.document == span.document && span.start <= fact.span.start && fact.span.end <= span.end
        };
        roles
            .iter()
            .filter_map(|&role| self.facts().find(|(_, fact)| is_title(fact, role)).map(|(at, _)| at))
            .collect()
    }

    fn degree(
        &self,
        node: &Node,
        level: Level,
        fields: &[ConceptId],
        words: &[String],
        open: bool,
    ) -> Verdict {
        let mut best: Option<(bool, bool, usize, Level)> = None;
        let mut unfinished = Vec::new();
        for (at, fact) in self.facts() {
            let text = self.text(fact);
            for (own, range) in crate::asked::levels(text) {
                // A word about degrees counts where degrees stand, or where it is plainly one's own.
                let named = text[range.clone()].to_lowercase();
                let placed = matches!(fact.area, Area::Education | Area::Summary | Area::Licences)
                    || fact.role.is_some_and(|r| self.profile.roles[r].area == Area::Education);
                if !placed && (own < Level::Bachelor || named == "degree") {
                    continue;
                }
                let ahead = fact.role.is_some_and(|role| self.is_unfinished(&self.profile.roles[role]));
                if ahead
                    || crate::stance::polarity(text, &range) != Polarity::Asserted
                    || text.to_lowercase().contains("not completed")
                    || text.to_lowercase().contains("dropped out")
                {
                    unfinished.push(at);
                    continue;
                }
                let field = (fields.is_empty() && words.is_empty()) || self.in_field(at, fields, words);
                let candidate = (own >= level && field, own >= level, at, own);
                if best.is_none_or(|best| (candidate.0, candidate.1, candidate.3) > (best.0, best.1, best.3))
                {
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
            Some((true, _, at, own)) => Verdict::new(
                node,
                Status::Met,
                "degree.enough",
                format!("a {} is stated; a {what} is asked", own.name()),
            )
            .with(vec![at]),
            Some((_, true, at, own)) => {
                let status = if open { Status::Unknown } else { Status::Partial };
                Verdict::new(
                    node,
                    status,
                    "degree.field",
                    format!("a {} is stated, in another field than {what}", own.name()),
                )
                .with(vec![at])
            }
            Some((_, _, at, own)) => Verdict::new(
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
            None => Verdict::new(node, Status::NotFound, "nothing", format!("no {what} is stated")),
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
            return near.iter().any(|fact| {
                fact.named.iter().any(|named| fields.iter().any(|field| named.concept.is_a(*field)))
            });
        }
        let found = words
            .iter()
            .filter(|word| near.iter().any(|fact| fact.words.iter().any(|(own, _)| own == *word)))
            .count();
        found * 2 >= words.len()
    }

    fn language(&self, node: &Node, language: ConceptId, level: u8) -> Verdict {
        const NAMES: [&str; 7] = ["no level", "A1", "A2", "B1", "B2", "C1", "C2"];
        let name = language.name();
        let mut best: Option<(u8, usize)> = None;
        let mut denied = Vec::new();
        for (at, fact) in self.facts() {
            for named in fact.named.iter().filter(|named| named.concept.is_a(language)) {
                if named.polarity == Polarity::Negated {
                    denied.push(at);
                } else if named.polarity == Polarity::Asserted {
                    let own = self.own_level(fact, named.range.start, named.range.end);
                    best = if best.is_none_or(|(before, _)| own > before) { Some((own, at)) } else { best };
                }
            }
        }
        let said = |own: u8| NAMES.get(own as usize).copied().unwrap_or("no level");
        match best {
            Some((own, at)) if own >= level => Verdict::new(
                node,
                Status::Met,
                "language.enough",
                format!("{name} at about {}; about {} is asked", said(own), said(level)),
            )
            .with(vec![at]),
            Some((0, at)) => Verdict::new(
                node,
                Status::Unknown,
                "language.level",
                format!("{name} is stated without a level"),
            )
            .with(vec![at]),
            Some((own, at)) => Verdict::new(
                node,
                Status::Partial,
                "language.less",
                format!("{name} at about {}; about {} is asked", said(own), said(level)),
            )
            .with(vec![at]),
            None if !denied.is_empty() => {
                Verdict::new(node, Status::Contradicted, "alias.denied", format!("{name} is denied"))
                    .near(denied)
            }
            None => Verdict::new(node, Status::NotFound, "nothing", format!("{name} is not stated")),
        }
    }

    /// The level that stands beside a language: up to the next language of a list.
    fn own_level(&self, fact: &Fact, start: usize, end: usize) -> u8 {
        let text = self.text(fact);
        let from = fact
            .named
            .iter()
            .map(|other| other.range.end)
            .filter(|&other| other <= start)
            .max()
            .unwrap_or(fact.span.start);
        let to = fact
            .named
            .iter()
            .map(|other| other.range.start)
            .filter(|&other| other >= end)
            .min()
            .unwrap_or(fact.span.end);
        let (from, to) = (from - fact.span.start, to - fact.span.start);
        let after = &text[end - fact.span.start..to];
        let before = &text[from..start - fact.span.start];
        // "Finnish (native), English (fluent)" gives levels behind, "native Finnish and fluent English" before.
        let behind = crate::asked::fluency(after.split([',', ';']).next().unwrap_or_default());
        behind.or_else(|| crate::asked::fluency(before)).unwrap_or(0)
    }

    fn place(&self, node: &Node, place: &str) -> Verdict {
        let small = place.to_lowercase();
        let found: Vec<usize> = self
            .facts()
            .filter(|(_, fact)| self.text(fact).to_lowercase().contains(&small))
            .map(|(at, _)| at)
            .collect();
        if found.is_empty() {
            Verdict::new(
                node,
                Status::Unknown,
                "place.unsaid",
                format!("whether {place} is possible is for you to say"),
            )
        } else {
            Verdict::new(node, Status::Met, "place.named", format!("{place} is named")).with(found)
        }
    }

    fn permit(&self, node: &Node) -> Verdict {
        let says = |fact: &Fact| {
            let text = self.text(fact).to_lowercase();
            [
                "work permit",
                "right to work",
                "citizen",
                "permanent resident",
                "authorized to work",
                "authorised to work",
                "eligible to work",
                "residence permit",
            ]
            .iter()
            .find_map(|word| text.find(word).map(|at| (at, at + word.len())))
            .is_some_and(|(from, to)| crate::stance::polarity(&text, &(from..to)) == Polarity::Asserted)
        };
        let found: Vec<usize> = self.facts().filter(|(_, fact)| says(fact)).map(|(at, _)| at).collect();
        if found.is_empty() {
            Verdict::new(
                node,
                Status::Unknown,
                "permit.unsaid",
                "whether you may work there is for you to say".to_owned(),
            )
        } else {
            Verdict::new(node, Status::Met, "permit.stated", "a permit or citizenship is stated".to_owned())
                .with(found)
        }
    }

    fn publications(&self, node: &Node, asked: u32) -> Verdict {
        let mut seen: Vec<String> = Vec::new();
        let mut found = Vec::new();
        for (at, fact) in self.facts().filter(|(_, fact)| fact.area == Area::Publications) {
            let key: String =
                self.text(fact).to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
            if key.len() > 20 && !seen.contains(&key) {
                seen.push(key);
                found.push(at);
            }
        }
        let n = found.len() as u32;
        let because = format!("{n} publications are listed; {asked} are asked");
        match n {
            n if n >= asked => Verdict::new(node, Status::Met, "publications.enough", because).with(found),
            0 => Verdict::new(node, Status::NotFound, "nothing", "no publications are listed".to_owned()),
            _ => Verdict::new(node, Status::Partial, "publications.fewer", because).with(found),
        }
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
            return Verdict::new(node, Status::NotFound, "nothing", "nothing names it".to_owned());
        };
        let all = n == stems.len();
        match (all, stems.len()) {
            (true, 2..) if grade >= Grade::Shown => Verdict::new(
                node,
                Status::Met,
                "words.all",
                "one sentence of a role names all of its words".to_owned(),
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
            _ => {
                Verdict::new(node, Status::NotFound, "nothing", "no sentence names it".to_owned()).near(near)
            }
        }
    }

    fn any_of(&self, node: &Node, nodes: &[Node]) -> Verdict {
        let parts: Vec<Verdict> = nodes.iter().map(|node| self.judge(node)).collect();
        let best = parts.iter().enumerate().max_by_key(|(at, part)| (part.status, std::cmp::Reverse(*at)));
        let status = best.map_or(Status::NotFound, |(_, part)| part.status);
        let because =
            best.map_or(String::new(), |(_, part)| format!("one of them is enough; {}", part.because));
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
        let missing: Vec<&str> =
            parts.iter().filter(|part| part.status < Status::Met).map(|part| part.because.as_str()).collect();
        let because = if missing.is_empty() {
            "all of its parts are shown".to_owned()
        } else {
            format!("{}; {}", parts_shown(met, parts.len()), missing.join("; "))
        };
        let mut verdict = Verdict::new(node, status, "all.parts", because);
        verdict.parts = parts;
        verdict
    }

    fn text(&self, fact: &Fact) -> &str {
        &self.documents[fact.span.document].text[fact.span.range()]
    }
}

/// "One of its two parts is shown".
fn parts_shown(met: usize, all: usize) -> String {
    const NUMBERS: [&str; 8] = ["no", "one", "two", "three", "four", "five", "six", "seven"];
    let say = |n: usize| NUMBERS.get(n).map_or_else(|| n.to_string(), |word| (*word).to_owned());
    match met {
        0 => format!("none of its {} parts is fully shown", say(all)),
        1 => format!("one of its {} parts is shown", say(all)),
        _ => format!("{} of its {} parts are shown", say(met), say(all)),
    }
}

/// Months of work in an area.
#[derive(Debug, Default)]
struct Counted {
    sure: MonthSet,
    possible: MonthSet,
    /// With work that speaks of the area without naming it.
    akin: MonthSet,
    roles: Vec<usize>,
    akin_roles: Vec<usize>,
}

/// The parts of an area that must be named: "a developer with Dynamics" is told by Dynamics.
fn hard(area: &[Vec<ConceptId>]) -> impl Iterator<Item = &Vec<ConceptId>> {
    let is_trade =
        |group: &&Vec<ConceptId>| group.iter().all(|concept| concept.kind() == ConceptKind::Profession);
    let all_trades = area.iter().all(|group| is_trade(&group));
    area.iter().filter(move |group| all_trades || !is_trade(group))
}
