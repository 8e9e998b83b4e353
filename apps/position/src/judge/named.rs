//! Is a thing of the table shown, by its name or as a kind of it?

use super::{Court, Verdict};
use crate::concepts::{ConceptId, ConceptKind};
use crate::model::{Fact, Grade, Named, Node, Polarity, Status};

impl Court<'_> {
    pub(super) fn concept(&self, node: &Node, concept: ConceptId) -> Verdict {
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
        // Who denies Kubernetes has not denied containers; who denies containers has denied Kubernetes.
        let denies = |fact: &Fact| {
            fact.named.iter().any(|named| named.polarity == Polarity::Negated && concept.is_a(named.concept))
        };
        let denied: Vec<usize> = self.facts().filter(|(_, fact)| denies(fact)).map(|(at, _)| at).collect();
        let best = asserted.first().map(|&at| self.profile.facts[at].grade);
        if concept.kind() == ConceptKind::Trait {
            return self.character(node, concept, asserted);
        }
        if concept.kind() == ConceptKind::Licence && !asserted.is_empty() {
            return Verdict::new(node, Status::Met, "licence.stated", format!("{name} is stated"))
                .with(asserted);
        }
        if let (Some(asked), Some(own)) =
            (self.version_asked(node, concept), self.newest_version(&asserted, concept))
            && own < asked
        {
            let because = format!("{name} is named in version {own}; version {asked} is asked");
            return Verdict::new(node, Status::Partial, "alias.version", because).with(asserted);
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

    /// The version of a tool that the posting asks for: "Java 11".
    fn version_asked(&self, node: &Node, concept: ConceptId) -> Option<u32> {
        let is_versioned =
            concept.kind() == ConceptKind::Tool && !concept.name().contains(|c: char| c.is_ascii_digit());
        let said = self.posting.get(node.range.clone()).filter(|_| is_versioned)?;
        version(said)
    }

    /// The newest version that facts name; none where one of them names the tool without a version.
    fn newest_version(&self, facts: &[usize], concept: ConceptId) -> Option<u32> {
        let named = facts.iter().flat_map(|&at| {
            let fact = &self.profile.facts[at];
            let own = move |named: &&Named| named.polarity == Polarity::Asserted && named.concept == concept;
            fact.named
                .iter()
                .filter(own)
                .map(move |named| version(&self.documents[fact.span.document].text[named.range.clone()]))
        });
        named.collect::<Option<Vec<u32>>>()?.into_iter().max()
    }

    /// Kinds of a class are counted, each once.
    pub(super) fn several(&self, node: &Node, class: ConceptId, least: u32) -> Verdict {
        let (mut kinds, mut support): (Vec<ConceptId>, Vec<usize>) = (Vec::new(), Vec::new());
        for (at, fact) in self.facts().filter(|(_, fact)| fact.grade >= Grade::Shown) {
            for named in fact.named.iter().filter(|named| named.polarity == Polarity::Asserted) {
                let counts =
                    named.concept != class && named.concept.is_a(class) && !kinds.contains(&named.concept);
                if counts {
                    kinds.push(named.concept);
                    support.push(at);
                }
            }
        }
        support.dedup();
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let because =
            format!("{} shown: {}; {least} are asked", crate::judge::counted(kinds.len()), names.join(", "));
        match kinds.len() as u32 {
            0 => {
                let one = self.concept(node, class);
                if one.status == Status::Met {
                    Verdict { status: Status::Partial, rule: "several.class", ..one }
                } else {
                    one
                }
            }
            n if n >= least => Verdict::new(node, Status::Met, "several.enough", because).with(support),
            _ => Verdict::new(node, Status::Partial, "several.fewer", because).with(support),
        }
    }

    /// What one is drawn to may be said; better is what was done about it.
    pub(super) fn interest(&self, node: &Node, concept: ConceptId) -> Verdict {
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
}

/// The first whole number of a name.
fn version(said: &str) -> Option<u32> {
    said.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty())?.parse().ok()
}
