//! Languages at their levels, places, permits, publications: is it stated?

use super::{Court, Verdict};
use crate::amounts::{Unit, told};
use crate::concepts::ConceptId;
use crate::model::{Fact, Node, Polarity, Status};
use crate::sections::Area;

impl Court<'_> {
    pub(super) fn language(&self, node: &Node, language: ConceptId, level: u8) -> Verdict {
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

    pub(super) fn place(&self, node: &Node, place: &str) -> Verdict {
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

    pub(super) fn permit(&self, node: &Node) -> Verdict {
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
    pub(super) fn amount(&self, node: &Node, asked: f64, unit: Unit) -> Verdict {
        let mut most: Option<(f64, usize)> = None;
        for (at, fact) in self.facts() {
            let text = self.text(fact);
            for amount in told(text).into_iter().filter(|amount| amount.unit == unit) {
                let own = crate::stance::polarity(text, &amount.range) == Polarity::Asserted;
                if own && most.is_none_or(|(n, _)| amount.n > n) {
                    most = Some((amount.n, at));
                }
            }
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
