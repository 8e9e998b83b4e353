//! Is what a fact seems to name what it means? Letters and words of several trades count only where something beside them
//! speaks of the same matter.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use crate::concepts::{ConceptId, ConceptKind};
use crate::document::Document;
use crate::model::{Fact, Named};
use crate::nearness::{Bag, speaks_beside, speaks_besides};
use crate::sections::Area;

/// Names of tools and methods that are also words of other trades.
const HOMONYMS: &str = " sap scrum docker kafka spark swift rust ruby oracle salt chef puppet storm flask spring hive pig cassandra \
    helm express ember backbone elm julia dart delphi basic sketch unity blender maya notion meteor runner excel word access \
    teams slack ";

/// Takes from the facts the names that nothing beside them bears out.
pub(crate) fn drop_doubtful(facts: &mut [Fact], documents: &[(usize, &Document)]) {
    let beside = Beside::new(facts);
    // Letters may lean on a related name, so words of other trades go first.
    let doubtful = homonyms(facts, &beside);
    drop_names(facts, doubtful);
    let doubtful = letters(facts, documents, &beside);
    drop_names(facts, doubtful);
}

/// Names by their fact and their place in it, in ascending order.
type Places = Vec<(usize, usize)>;

fn drop_names(facts: &mut [Fact], places: Places) {
    for (at, place) in places.into_iter().rev() {
        facts[at].named.remove(place);
    }
}

/// What stands beside a fact: its role, or all that has none.
struct Beside {
    by_role: HashMap<Option<usize>, Vec<usize>>,
    /// One for each fact, read when the first name is in doubt; what a fact names has no part in them.
    bags: OnceCell<Vec<Bag>>,
}

impl Beside {
    fn new(facts: &[Fact]) -> Self {
        let mut by_role: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
        for (at, fact) in facts.iter().enumerate() {
            by_role.entry(fact.role).or_default().push(at);
        }
        Self { by_role, bags: OnceCell::new() }
    }

    fn names<'a>(&self, facts: &'a [Fact], role: Option<usize>) -> impl Iterator<Item = &'a Named> {
        self.by_role[&role].iter().flat_map(|&at| &facts[at].named)
    }

    fn bags(&self, facts: &[Fact], role: Option<usize>) -> Vec<&Bag> {
        let bags = self.bags.get_or_init(|| facts.iter().map(Bag::new).collect());
        self.by_role[&role].iter().map(|&at| &bags[at]).collect()
    }
}

/// "HSE University" is no health and safety: letters need a word beside them that speaks of what they stand for, or a
/// related name. Lists are left alone.
fn letters(facts: &[Fact], documents: &[(usize, &Document)], beside: &Beside) -> Places {
    let text = |document: usize, range: &Range<usize>| {
        documents
            .iter()
            .find(|(at, _)| *at == document)
            .map_or("", |(_, document)| &document.text[range.clone()])
    };
    let is_letters = |raw: &str| (2..=5).contains(&raw.len()) && raw.chars().all(|c| c.is_ascii_uppercase());
    let in_doubt = |named: &Named| {
        matches!(
            named.concept.kind(),
            ConceptKind::Tool
                | ConceptKind::Skill
                | ConceptKind::Method
                | ConceptKind::Field
                | ConceptKind::Domain
        )
    };
    let is_list = |fact: &Fact| fact.area == Area::Skills || fact.named.len() >= 3;
    let mut known: HashMap<(Option<usize>, ConceptId), bool> = HashMap::new();
    let mut doubtful = Places::new();
    for (at, fact) in facts.iter().enumerate().filter(|(_, fact)| !is_list(fact)) {
        // SQL is SQL in the shortest line; of a skill or a field, letters alone say less.
        let is_short = fact.words.len() < 6;
        let asks =
            |named: &Named| in_doubt(named) && !(is_short && named.concept.kind() == ConceptKind::Tool);
        for (place, named) in fact.named.iter().enumerate().filter(|(_, named)| asks(named)) {
            let raw = text(fact.span.document, &named.range);
            if !is_letters(raw) {
                continue;
            }
            let is_sure = *known.entry((fact.role, named.concept)).or_insert_with(|| {
                let related =
                    |other: &Named| other.concept != named.concept && other.concept.is_near(named.concept);
                beside.names(facts, fact.role).any(related)
                    || speaks_beside(named.concept.name(), raw, &beside.bags(facts, fact.role))
            });
            if !is_sure {
                doubtful.push((at, place));
            }
        }
    }
    doubtful
}

/// "Played in the scrum for five seasons": a name that is also another trade's word needs one word beside it that speaks of
/// the same matter. Lists are left alone.
fn homonyms(facts: &[Fact], beside: &Beside) -> Places {
    let is_homonym =
        |named: &Named| HOMONYMS.split_whitespace().any(|own| own == named.concept.name().to_lowercase());
    let settles = |other: &Named| {
        matches!(other.concept.kind(), ConceptKind::Tool | ConceptKind::Method) && !is_homonym(other)
    };
    let mut known: HashMap<(Option<usize>, ConceptId), bool> = HashMap::new();
    let mut doubtful = Places::new();
    for (at, fact) in facts.iter().enumerate().filter(|(_, fact)| fact.words.len() >= 6) {
        for (place, named) in fact.named.iter().enumerate().filter(|(_, named)| is_homonym(named)) {
            let is_sure = *known.entry((fact.role, named.concept)).or_insert_with(|| {
                beside.names(facts, fact.role).any(settles)
                    || speaks_besides(&named.concept.name().to_lowercase(), &beside.bags(facts, fact.role))
            });
            if !is_sure {
                doubtful.push((at, place));
            }
        }
    }
    doubtful
}
