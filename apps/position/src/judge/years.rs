//! Is it long enough? The months of the roles in an area, counted once however many overlap.

use super::within::within;
use super::{Court, Verdict};
use crate::asked::pattern;
use crate::concepts::{ConceptId, ConceptKind};
use crate::model::{Fact, Node, Polarity, Role, Status};
use crate::months::{MonthSet, in_words};
use crate::nearness::{Bag, Question, speaks};
use crate::sections::Area;
use crate::text::{stem, tokens};

pattern!(
    PART_TIME,
    r"(?i)\b(?:part|half)[- ]time\b|\b[1-9]\d\s*%|\b\d{1,2}\s*(?:hours|h)\s*(?:a|per|/)\s*week|\b(?:in\s+the\s+)?evenings\b|\bweekends\b"
);
pattern!(
    BREAK,
    r"(?i)\b(?:unemploy\w+|job[- ]seek\w+|between\s+jobs|(?:parental|maternity|paternity|family|sick|caring)\s+leave|career\s+break|sabbatical|gap\s+year|military\s+service)\b"
);

/// How far a role must speak of an area that it does not name to be asked about.
const SPEAKS: f64 = 0.4;

/// Months of work in an area.
#[derive(Debug, Default)]
struct Counted {
    sure: MonthSet,
    possible: MonthSet,
    /// With work that speaks of the area without naming it.
    akin: MonthSet,
    roles: Vec<usize>,
    akin_roles: Vec<usize>,
    /// Whether some of it was part-time.
    in_part: bool,
}

/// The parts of an area that must be named: "a developer with Dynamics" is told by Dynamics.
fn hard(area: &[Vec<ConceptId>]) -> impl Iterator<Item = &Vec<ConceptId>> {
    let is_trade =
        |group: &&Vec<ConceptId>| group.iter().all(|concept| concept.kind() == ConceptKind::Profession);
    let all_trades = area.iter().all(|group| is_trade(&group));
    area.iter().filter(move |group| all_trades || !is_trade(group))
}

impl Court<'_> {
    /// Months of the roles in an area: surely and possibly, and what they would be with the roles that speak of the area
    /// without naming it. Roles that overlap count once.
    fn area_months(&self, area: &[Vec<ConceptId>], words: &[String]) -> Counted {
        let mut counted = Counted::default();
        for (at, role) in self.profile.roles.iter().enumerate() {
            let is_work = matches!(role.area, Area::Experience | Area::Summary);
            if !is_work
                || role.possible.is_empty()
                || BREAK.as_ref().is_some_and(|pattern| pattern.is_match(&role.title))
            {
                continue;
            }
            if self.role_is_in(at, role, area, words) {
                let (sure, possible) = self.months_in(at, role, area);
                // Whether half a job counts whole is for the posting to say.
                let in_part = PART_TIME.as_ref().is_some_and(|pattern| pattern.is_match(&role.title));
                counted.in_part |= in_part;
                counted.sure = if in_part { counted.sure } else { counted.sure.union(&sure) };
                counted.possible = counted.possible.union(&possible);
                counted.roles.push(at);
            } else if self.role_speaks_of(at, area, words) {
                counted.akin = counted.akin.union(&role.possible);
                counted.akin_roles.push(at);
            }
        }
        counted.akin = counted.akin.union(&counted.possible);
        counted
    }

    /// The months of a role in an area: all of it, or what the lines that name the area say. "Python since 2020" in a role of
    /// ten years is not ten years of Python. Where several things are asked of the same work, the months of all of them.
    fn months_in(&self, at: usize, role: &Role, area: &[Vec<ConceptId>]) -> (MonthSet, MonthSet) {
        let mut found = (role.sure.clone(), role.possible.clone());
        for group in hard(area) {
            if let Some(limited) = self.months_of(at, role, group) {
                found = (found.0.intersection(&limited), found.1.intersection(&limited));
            }
        }
        found
    }

    /// The months of a role for one of several names, where every line that names one limits it.
    fn months_of(&self, at: usize, role: &Role, group: &[ConceptId]) -> Option<MonthSet> {
        let mut months = MonthSet::default();
        let own = self.by_role.get(&at).into_iter().flatten().map(|&fact| &self.profile.facts[fact]);
        for fact in own {
            let text = self.text(fact);
            let told = fact.claimed.filter(|months| *months < role.possible.len());
            for named in fact.named.iter().filter(|named| named.polarity == Polarity::Asserted) {
                if !group.iter().any(|area| named.concept.is_a(*area)) {
                    continue;
                }
                let range = named.range.start - fact.span.start..named.range.end - fact.span.start;
                let is_title = fact.span.document == role.span.document
                    && fact.span.start < role.span.end
                    && role.span.start < fact.span.end;
                let claimed = || told.filter(|_| !is_title).map(|months| role.possible.last(months));
                months = months.union(&within(text, &range, &role.possible, self.as_of).or_else(claimed)?);
            }
        }
        (!months.is_empty()).then_some(months)
    }

    fn role_is_in(&self, at: usize, role: &Role, area: &[Vec<ConceptId>], words: &[String]) -> bool {
        if area.is_empty() && words.is_empty() {
            return true;
        }
        let own = || self.by_role.get(&at).into_iter().flatten().map(|&fact| &self.profile.facts[fact]);
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
        let own: Vec<&Bag> =
            self.by_role.get(&at).into_iter().flatten().map(|&fact| &self.bags[fact]).collect();
        let about = |text: &str| speaks(&Question::new(text), &own) >= SPEAKS;
        if area.is_empty() {
            return about(&words.join(" "));
        }
        hard(area).all(|group| group.iter().any(|concept| about(concept.name())))
    }

    pub(super) fn years(
        &self,
        node: &Node,
        asked: u32,
        area: &[Vec<ConceptId>],
        words: &[String],
        similar: bool,
    ) -> Verdict {
        let counts = self.area_months(area, words);
        let (sure, possible, akin) = (counts.sure.len(), counts.possible.len(), counts.akin.len());
        let (roles, in_part) = (counts.roles, counts.in_part);
        let what = match (area, words) {
            ([], []) => "work of any kind".to_owned(),
            ([], _) => "work that names it".to_owned(),
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
                let own = |word: &&String| {
                    fact.words.iter().any(|(own, polarity)| own == *word && *polarity == Polarity::Asserted)
                };
                (area.is_empty() && words.iter().filter(own).count() * 2 >= words.len())
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
        let verb = if asked == 12 || asked == 1 { "is" } else { "are" };
        let because = format!("dated roles show {counted} of {what}; {} {verb} asked", in_words(asked));
        let support = self.titles(&roles);
        let mut verdict = if similar && possible >= asked {
            let because = format!("{because}; how similar it is to what the posting has in mind, you know");
            Verdict::new(node, Status::Unknown, "years.similar", because).with(support)
        } else if sure >= asked {
            Verdict::new(node, Status::Met, "years.enough", because).with(support)
        } else if possible >= asked {
            Verdict::new(
                node,
                Status::Unknown,
                "years.vague",
                if in_part {
                    format!("{because}; some of it was part-time, and whether that counts whole is for the posting to say")
                } else {
                    format!("{because}; the dates are too vague to tell")
                },
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
    pub(super) fn titles(&self, roles: &[usize]) -> Vec<usize> {
        let span = |role: usize| &self.profile.roles[role].span;
        let is_title = |fact: &Fact, role: usize| {
            fact.span.document == span(role).document
                && span(role).start <= fact.span.start
                && fact.span.end <= span(role).end
        };
        let own = |role: usize| self.by_role.get(&role).map_or(&[][..], Vec::as_slice);
        let title =
            |role: usize| own(role).iter().copied().find(|&at| is_title(&self.profile.facts[at], role));
        roles.iter().filter_map(|&role| title(role)).collect()
    }
}
