//! Languages at their levels, places, permits, publications: is it stated?

use super::{Court, Verdict};
use crate::amounts::{Unit, told};
use crate::asked::pattern;
use crate::concepts::{ConceptId, ConceptKind};
use crate::model::{Fact, Node, Polarity, Status};
use crate::sections::Area;
use crate::text::tokens;

pattern!(
    LIVES,
    r"(?i)\b(?:based|liv(?:e|es|ing)|located|resid\w+|relocat\w+|willing\s+to\s+move|home\s+in|address)\b"
);
pattern!(
    PERMITTED,
    r"(?i)\b(?:work(?:ing)?\s+permit|residence\s+permit|work\s+visa|right\s+to\s+(?:live\s+and\s+)?work|permanent\s+residen(?:ce|t|cy)|(?:authori[sz]ed|entitled|eligible|permitted|allowed)\s+to\s+work|(?:EU|EEA)\s+citizen(?:ship)?)\b"
);

/// Countries in which an EU citizen may work.
fn is_in_union(country: &str) -> bool {
    const UNION: &str = " eu eea europe austria belgium bulgaria croatia cyprus czechia denmark estonia finland france germany greece \
        hungary ireland italy latvia lithuania luxembourg malta netherlands poland portugal romania slovakia slovenia spain sweden \
        norway iceland liechtenstein ";
    UNION.split_whitespace().any(|own| own == country.to_lowercase())
}

impl Court<'_> {
    pub(super) fn language(&self, node: &Node, language: ConceptId, level: u8) -> Verdict {
        const NAMES: [&str; 7] = ["no level", "A1", "A2", "B1", "B2", "C1", "C2"];
        let name = language.name();
        let mut best: Option<(u8, usize)> = None;
        let mut denied = Vec::new();
        for (at, fact) in self.facts() {
            let text = self.text(fact);
            let is_tongue = |end: usize| crate::asked::is_tongue(&text[end - fact.span.start..]);
            for named in
                fact.named.iter().filter(|named| named.concept.is_a(language) && is_tongue(named.range.end))
            {
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
            None => Verdict::new(node, Status::NotFound, "language.none", format!("{name} is not stated")),
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

    /// A place counts where one says where one lives: beside the name, in the summary, or with "based in".
    pub(super) fn place(&self, node: &Node, place: &str) -> Verdict {
        let asked: Vec<String> = tokens(place).into_iter().map(|word| word.norm).collect();
        let mut denied = Vec::new();
        let mut found = Vec::new();
        for (at, fact) in self.facts() {
            let text = self.text(fact);
            let words = tokens(text);
            let hit = words.windows(asked.len().max(1)).find(|own| {
                own.iter()
                    .zip(&asked)
                    .all(|(word, asked)| word.norm == *asked && word.raw.starts_with(char::is_uppercase))
            });
            let Some(range) = hit.and_then(|own| Some(own.first()?.range.start..own.last()?.range.end))
            else {
                continue;
            };
            let lives = LIVES.as_ref().is_some_and(|pattern| pattern.is_match(text));
            let is_home = fact.role.is_none() && matches!(fact.area, Area::Summary | Area::Personal);
            match crate::stance::polarity(text, &range) {
                Polarity::Negated => denied.push(at),
                Polarity::Asserted if lives || is_home => found.push(at),
                _ => {}
            }
        }
        match (found.is_empty(), denied.is_empty()) {
            (false, _) => {
                Verdict::new(node, Status::Met, "place.named", format!("{place} is named")).with(found)
            }
            (_, false) => {
                Verdict::new(node, Status::Contradicted, "place.denied", format!("{place} is denied"))
                    .near(denied)
            }
            _ => Verdict::new(
                node,
                Status::Unknown,
                "place.unsaid",
                format!("whether {place} is possible is for you to say"),
            ),
        }
    }

    /// A permit counts where it is said of oneself, and for the country that is asked. Nationality is not read.
    pub(super) fn permit(&self, node: &Node, country: Option<&str>) -> Verdict {
        let mut denied = Vec::new();
        let mut found = Vec::new();
        for (at, fact) in
            self.facts().filter(|(_, fact)| fact.role.is_none() && fact.area != Area::Experience)
        {
            let text = self.text(fact);
            let Some(hit) = PERMITTED.as_ref().and_then(|pattern| pattern.find(text)) else { continue };
            let says = |name: &str| {
                let asked: Vec<String> = tokens(name).into_iter().map(|word| word.norm).collect();
                let words = tokens(text);
                !asked.is_empty()
                    && words
                        .windows(asked.len())
                        .any(|own| own.iter().zip(&asked).all(|(word, asked)| word.norm == *asked))
            };
            let there = country.is_none_or(|country| says(country) || (is_in_union(country) && says("EU")));
            match crate::stance::polarity(text, &hit.range()) {
                Polarity::Negated if there => denied.push(at),
                Polarity::Asserted if there => found.push(at),
                _ => {}
            }
        }
        match (found.is_empty(), denied.is_empty()) {
            (false, _) => {
                Verdict::new(node, Status::Met, "permit.stated", "a permit is stated".to_owned()).with(found)
            }
            (_, false) => {
                Verdict::new(node, Status::Contradicted, "permit.denied", "a permit is denied".to_owned())
                    .near(denied)
            }
            _ => Verdict::new(
                node,
                Status::Unknown,
                "permit.unsaid",
                "whether you may work there is for you to say".to_owned(),
            ),
        }
    }

    pub(super) fn publications(&self, node: &Node, asked: u32) -> Verdict {
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
            0 => Verdict::new(
                node,
                Status::NotFound,
                "publications.none",
                "no publications are listed".to_owned(),
            ),
            _ => Verdict::new(node, Status::Partial, "publications.fewer", because).with(found),
        }
    }

    /// The most that one's own facts tell of.
    pub(super) fn amount(&self, node: &Node, asked: f64, unit: &Unit) -> Verdict {
        let mut most: Option<(f64, usize)> = None;
        for (at, fact) in self.facts() {
            let text = self.text(fact);
            for amount in told(text).into_iter().filter(|amount| amount.unit == *unit) {
                let own = crate::stance::polarity(text, &amount.range) == Polarity::Asserted;
                if own && most.is_none_or(|(n, _)| amount.n > n) {
                    most = Some((amount.n, at));
                }
            }
        }
        // Languages are counted by their names.
        if matches!(unit, Unit::Other(noun) if noun == "languages") {
            let mut tongues = Vec::new();
            for (at, fact) in self.facts() {
                for named in fact.named.iter().filter(|named| named.polarity == Polarity::Asserted) {
                    let is_new = !tongues.iter().any(|(concept, _)| *concept == named.concept);
                    if named.concept.kind() == ConceptKind::Language
                        && is_new
                        && !named.concept.name().ends_with("language")
                    {
                        tongues.push((named.concept, at));
                    }
                }
            }
            most = tongues.last().map(|(_, at)| (tongues.len() as f64, *at));
        }
        let name = unit.name();
        match most {
            Some((n, at)) if n >= asked => {
                Verdict::new(node, Status::Met, "amount.enough", format!("{n} {name}; {asked} are asked"))
                    .with(vec![at])
            }
            Some((n, at)) if n >= 0.6 * asked => {
                Verdict::new(node, Status::Partial, "amount.most", format!("{n} {name}; {asked} are asked"))
                    .with(vec![at])
            }
            Some((n, at)) => {
                Verdict::new(node, Status::NotFound, "amount.few", format!("{n} {name}; {asked} are asked"))
                    .near(vec![at])
            }
            None => Verdict::new(
                node,
                Status::Unknown,
                "amount.unsaid",
                format!("how many {name} it was is not said"),
            ),
        }
    }
}
