//! Which matters do plain words speak of? A thesaurus of working life: "brought the hauliers to one weekly call" speaks of
//! stakeholders without naming them.
//!
//! `concepts/topics.tsv` is built by `concepts/make.py` from lists that were written for this program. A topic proposes;
//! it is never a verdict by itself.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::text::stem;

/// A topic of the thesaurus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub u16);

/// A term of the thesaurus in a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hit {
    /// Which topics it speaks of.
    pub(crate) topics: &'static [TopicId],
    /// Its first word, by its place in the text.
    pub(crate) word: usize,
    /// How many words it has.
    pub(crate) words: usize,
    /// How much it says: a term of many topics says little of each.
    pub(crate) weight: f64,
}

struct Term {
    stems: Vec<String>,
    topics: Vec<TopicId>,
}

#[derive(Default)]
struct Thesaurus {
    names: Vec<&'static str>,
    by_first: HashMap<String, Vec<Term>>,
}

static THESAURUS: LazyLock<Thesaurus> =
    LazyLock::new(|| Thesaurus::parse(include_str!("../concepts/topics.tsv")));

impl Thesaurus {
    fn parse(text: &'static str) -> Self {
        let mut names = Vec::new();
        let mut terms: HashMap<Vec<String>, Vec<TopicId>> = HashMap::new();
        for (name, list) in text.lines().filter_map(|line| line.split_once('\t')) {
            let Ok(id) = u16::try_from(names.len()) else { break };
            names.push(name);
            for term in std::iter::once(name).chain(list.split(';')) {
                let stems: Vec<String> =
                    crate::text::tokens(term).iter().map(|word| stem(&word.norm)).collect();
                let topics = terms.entry(stems).or_default();
                if !topics.contains(&TopicId(id)) {
                    topics.push(TopicId(id));
                }
            }
        }
        let mut by_first: HashMap<String, Vec<Term>> = HashMap::new();
        for (stems, topics) in terms {
            if let Some(first) = stems.first().cloned() {
                by_first.entry(first).or_default().push(Term { stems, topics });
            }
        }
        // The longest first; the map above has no order of its own.
        by_first.values_mut().for_each(|terms| {
            terms.sort_by(|a, b| b.stems.len().cmp(&a.stems.len()).then(a.stems.cmp(&b.stems)))
        });
        Self { names, by_first }
    }
}

/// The terms of a text, given by the stems of its words: at each word the longest.
#[must_use]
pub(crate) fn spoken_of(stems: &[&str]) -> Vec<Hit> {
    let mut found = Vec::new();
    for at in 0..stems.len() {
        let Some(terms) = THESAURUS.by_first.get(stems[at]) else { continue };
        let fits = |term: &&Term| {
            stems
                .get(at..at + term.stems.len())
                .is_some_and(|own| own.iter().zip(&term.stems).all(|(a, b)| a == b))
        };
        if let Some(term) = terms.iter().find(fits) {
            let words = term.stems.len();
            let share = 1.0 / (term.topics.len() as f64).sqrt();
            let weight = share * if words > 1 { 1.5 } else { 1.0 };
            found.push(Hit { topics: &term.topics, word: at, words, weight });
        }
    }
    found
}

impl TopicId {
    /// Its name in the thesaurus.
    #[must_use]
    pub fn name(self) -> &'static str {
        THESAURUS.names.get(self.0 as usize).copied().unwrap_or_default()
    }
}
