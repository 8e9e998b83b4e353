//! Which matters do plain words speak of? A thesaurus of working life: "brought the hauliers to one weekly call" speaks of
//! stakeholders without naming them.
//!
//! `concepts/topics.tsv` is built by `concepts/make.py` from lists that were written for this program. A topic proposes;
//! it is never a verdict by itself.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::text::{normal, stem, tokens};

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

/// The most words that a term has.
const LONGEST: usize = 5;
/// Stems of a term by their numbers, from 1; 0 stands for none.
type Key = [u32; LONGEST];

#[derive(Default)]
struct Thesaurus {
    names: Vec<&'static str>,
    stems: HashMap<String, u32>,
    terms: HashMap<Key, Vec<TopicId>>,
    /// Numbers of the stems with which a term begins.
    first: HashSet<u32>,
}

static THESAURUS: LazyLock<Thesaurus> =
    LazyLock::new(|| Thesaurus::parse(include_str!("../concepts/topics.tsv")));

impl Thesaurus {
    /// Tens of thousands of terms are read at the first question, so that each different word is stemmed once.
    fn parse(text: &'static str) -> Self {
        let mut own = Self::default();
        let mut seen: HashMap<&'static str, u32> = HashMap::new();
        for (name, list) in text.lines().filter_map(|line| line.split_once('\t')) {
            let Ok(id) = u16::try_from(own.names.len()) else { break };
            own.names.push(name);
            for term in std::iter::once(name).chain(list.split(';')) {
                let Some(key) = own.key(term, &mut seen) else { continue };
                own.first.insert(key[0]);
                let topics = own.terms.entry(key).or_default();
                if topics.last() != Some(&TopicId(id)) {
                    topics.push(TopicId(id));
                }
            }
        }
        own
    }

    fn key(&mut self, term: &'static str, seen: &mut HashMap<&'static str, u32>) -> Option<Key> {
        let mut key = [0; LONGEST];
        let mut at = 0;
        let is_plain = term.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '/'));
        if is_plain {
            for word in term.split([' ', '-', '/']).filter(|word| !word.is_empty()) {
                let known = seen.get(word).copied();
                let number = known.unwrap_or_else(|| self.number(&stem(&normal(word))));
                seen.insert(word, number);
                *key.get_mut(at)? = number;
                at += 1;
            }
        } else {
            for word in tokens(term) {
                *key.get_mut(at)? = self.number(&stem(&word.norm));
                at += 1;
            }
        }
        (at > 0).then_some(key)
    }

    fn number(&mut self, stem: &str) -> u32 {
        let next = self.stems.len() as u32 + 1;
        *self.stems.entry(stem.to_owned()).or_insert(next)
    }
}

/// Reads the thesaurus.
pub(crate) fn load() {
    LazyLock::force(&THESAURUS);
}

/// The terms of a text, given by the stems of its words: at each word the longest.
#[must_use]
pub(crate) fn spoken_of(stems: &[&str]) -> Vec<Hit> {
    let table = &*THESAURUS;
    let numbers: Vec<u32> = stems.iter().map(|stem| table.stems.get(*stem).copied().unwrap_or(0)).collect();
    let mut found = Vec::new();
    for at in 0..numbers.len() {
        if !table.first.contains(&numbers[at]) {
            continue;
        }
        for words in (1..=LONGEST.min(numbers.len() - at)).rev() {
            let mut key = [0; LONGEST];
            key[..words].copy_from_slice(&numbers[at..at + words]);
            if key[..words].contains(&0) {
                continue;
            }
            let Some(topics) = table.terms.get(&key) else { continue };
            let share = 1.0 / (topics.len() as f64).sqrt();
            let weight = share * if words > 1 { 1.5 } else { 1.0 };
            found.push(Hit { topics, word: at, words, weight });
            break;
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
