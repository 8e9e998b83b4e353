//! Which passage of the profile comes nearest to a requirement, and how near? Words by BM25's weights, spellings by
//! character n-grams, matters by the thesaurus.
//!
//! Nearness proposes: it picks the passage that a report quotes and asks about. Only what is said to be one's own work
//! counts towards it; what is denied, wished for or done by others counts against.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use crate::content::is_cue;
use crate::model::{Fact, Grade, Polarity, Status};
use crate::text::{stem, tokens};
use crate::topics::{TopicId, spoken_of};

/// How rare each stem is among postings: the inverse document frequency of BM25.
static RARITY: LazyLock<(HashMap<String, f64>, f64)> = LazyLock::new(|| {
    let text = include_str!("../concepts/frequencies.tsv");
    let rows = text.lines().filter_map(|line| line.split_once('\t'));
    let rows: Vec<(&str, f64)> = rows.filter_map(|(word, n)| Some((word, n.parse().ok()?))).collect();
    let all = rows.first().map_or(1.0, |(_, n)| *n);
    let mut counts: HashMap<String, f64> = HashMap::new();
    for (word, n) in &rows[1.min(rows.len())..] {
        let count = counts.entry(stem(&crate::text::normal(word))).or_default();
        *count = count.max(*n);
    }
    let idf = |n: f64| (1.0 + (all - n + 0.5) / (n + 0.5)).ln();
    (counts.into_iter().map(|(word, n)| (word, idf(n))).collect(), idf(1.0))
});

/// Reads the table of frequencies.
pub(crate) fn load() {
    LazyLock::force(&RARITY);
}

fn rarity(stem: &str) -> f64 {
    RARITY.0.get(stem).copied().unwrap_or(RARITY.1)
}

/// What is asked, as words and matters with their weights; the weights of each add up to one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Question {
    words: Vec<(String, f64)>,
    topics: Vec<(TopicId, f64)>,
}

impl Question {
    /// Reads a requirement's sentence.
    #[must_use]
    pub(crate) fn new(sentence: &str) -> Self {
        let all = tokens(sentence);
        let stems: Vec<String> = all.iter().map(|word| stem(&word.norm)).collect();
        let mut words: Vec<(String, f64)> = Vec::new();
        for (word, stem) in all.iter().zip(&stems) {
            let says =
                word.norm.len() > 1 && !is_cue(&word.norm) && word.norm.chars().any(char::is_alphabetic);
            if says && !words.iter().any(|(own, _)| own == stem) {
                words.push((stem.clone(), rarity(stem)));
            }
        }
        let mut topics: BTreeMap<TopicId, f64> = BTreeMap::new();
        for hit in spoken_of(&stems.iter().map(String::as_str).collect::<Vec<&str>>()) {
            // A single word that stands in every posting speaks of no matter.
            let inside = &all[hit.word..hit.word + hit.words];
            if inside.iter().all(|word| is_cue(&word.norm)) {
                continue;
            }
            let rare = inside.iter().map(|word| rarity(&stem(&word.norm))).fold(0.0, f64::max);
            for topic in hit.topics {
                *topics.entry(*topic).or_default() += hit.weight * rare;
            }
        }
        let mut topics: Vec<(TopicId, f64)> = topics.into_iter().collect();
        topics.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        topics.truncate(8);
        Self { words: shares(words), topics: shares(topics) }
    }
}

fn shares<T>(weighted: Vec<(T, f64)>) -> Vec<(T, f64)> {
    let all: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    weighted.into_iter().map(|(what, weight)| (what, weight / all.max(f64::MIN_POSITIVE))).collect()
}

/// How much of a question a passage covers, in shares of one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cover {
    /// By its words.
    pub words: f64,
    /// By spellings that are near.
    pub spelling: f64,
    /// By its matters.
    pub topics: f64,
}

/// How near the profile comes to a requirement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nearness {
    /// The matters that the nearest fact shares with the requirement, the weightiest first.
    pub matters: Vec<TopicId>,
    /// The fact that comes nearest, of one's own.
    pub fact: Option<usize>,
    /// How near each fact comes, in the profile's order: a long line must say more to come as near as a short one.
    pub each: Vec<f64>,
    /// How far it covers the requirement.
    pub best: Cover,
    /// How far the facts of one role together do, that show something: the role that does most. Facts without a role are
    /// taken by area. Never all facts at once: what is long would come near to everything.
    pub shown: Cover,
    /// How far it is covered by what is denied, wished for or done by others.
    pub against: Cover,
}

impl Nearness {
    /// How strongly the profile's own deeds speak for the requirement: nothing that is added to them lowers it, and what is
    /// denied, wished for or done by others does. The weights were fitted on the contrast pairs for development
    /// (`fixtures/position/pairs/fit.py`), under these signs.
    #[must_use]
    pub fn strength(&self) -> f64 {
        let Self { best, shown, against, .. } = self;
        0.51 * best.topics + 0.34 * shown.words + 0.09 * shown.spelling + 1.1 * shown.topics
            - 1.44 * against.words
            - 0.6 * against.topics
    }
}

/// One order for all: by what became of a requirement, and among the same by the strength of what speaks for it. Fitted with
/// the weights of [`Nearness::strength`].
#[must_use]
pub fn standing(status: Status, near: &Nearness) -> f64 {
    let base = match status {
        Status::Contradicted | Status::NotFound => -0.54,
        Status::Unknown | Status::Transferable | Status::ClaimOnly => -0.21,
        Status::Partial => 0.16,
        Status::Met => 1.56,
    };
    base + near.strength()
}

/// A fact as bags of words and matters, by what is said of them.
#[derive(Debug, Clone, Default)]
pub struct Bag {
    own: HashSet<String>,
    other: HashSet<String>,
    topics: BTreeMap<TopicId, (f64, f64)>,
    grade: Option<Grade>,
    group: Group,
}

/// A role, or an area by its place in the list of areas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Group(Option<usize>, u8);

impl Bag {
    /// Reads a fact.
    #[must_use]
    pub(crate) fn new(fact: &Fact) -> Self {
        let group = Group(fact.role, if fact.role.is_some() { 0 } else { fact.area as u8 });
        let mut bag = Self { grade: Some(fact.grade), group, ..Self::default() };
        for (stem, polarity) in &fact.words {
            let side = if *polarity == Polarity::Asserted { &mut bag.own } else { &mut bag.other };
            side.insert(stem.clone());
        }
        let stems: Vec<&str> = fact.words.iter().map(|(stem, _)| stem.as_str()).collect();
        for hit in spoken_of(&stems) {
            let inside: Range<usize> = hit.word..hit.word + hit.words;
            let own = inside.clone().all(|at| fact.words[at].1 == Polarity::Asserted);
            let rare = inside.map(|at| rarity(stems[at])).fold(0.0, f64::max);
            for topic in hit.topics {
                let sums = bag.topics.entry(*topic).or_default();
                *(if own { &mut sums.0 } else { &mut sums.1 }) += hit.weight * rare;
            }
        }
        bag
    }

    /// BM25's correction for length, about lines of eighteen words.
    fn brevity(&self) -> f64 {
        let words = (self.own.len() + self.other.len()) as f64;
        1.0 / (0.7 + 0.3 * words / 18.0)
    }
}

/// How far a few bags cover a question.
fn cover(question: &Question, bags: &[&Bag], own: bool) -> Cover {
    let side = |bag: &Bag, stem: &str| if own { bag.own.contains(stem) } else { bag.other.contains(stem) };
    let mut cover = Cover::default();
    for (stem, weight) in &question.words {
        if bags.iter().any(|bag| side(bag, stem)) {
            cover.words += weight;
        } else if stem.len() >= 5 {
            let words = bags.iter().flat_map(|bag| if own { bag.own.iter() } else { bag.other.iter() });
            let near = words.map(|own| alike(stem, own)).fold(0.0, f64::max);
            cover.spelling += weight * near;
        }
    }
    for (topic, weight) in &question.topics {
        let said: f64 = bags
            .iter()
            .filter_map(|bag| bag.topics.get(topic))
            .map(|(mine, others)| if own { mine } else { others })
            .sum();
        cover.topics += weight * said / (said + 4.0);
    }
    cover
}

/// Dice's coefficient of the character trigrams of two words, where they share at least half.
fn alike(a: &str, b: &str) -> f64 {
    let grams =
        |word: &str| -> Vec<[u8; 3]> { word.as_bytes().windows(3).map(|w| [w[0], w[1], w[2]]).collect() };
    let (a, b) = (grams(a), grams(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let shared = a.iter().filter(|gram| b.contains(gram)).count();
    let dice = 2.0 * shared as f64 / (a.len() + b.len()) as f64;
    if dice >= 0.5 { dice } else { 0.0 }
}

/// How far a few facts, of one's own, speak of the matter of a question, from 0 to 1.
#[must_use]
pub(crate) fn speaks(question: &Question, bags: &[&Bag]) -> f64 {
    let cover = cover(question, bags, true);
    (cover.words + cover.spelling).max(cover.topics)
}

/// Whether facts speak of the matters of a name with other words than the name; true where the thesaurus has no such matter.
#[must_use]
pub(crate) fn speaks_besides(name: &str, bags: &[&Bag]) -> bool {
    let own = stem(&crate::text::normal(name));
    let hits = spoken_of(&[own.as_str()]);
    let Some(hit) = hits.first() else { return true };
    bags.iter().any(|bag| {
        let said: f64 = hit.topics.iter().filter_map(|topic| bag.topics.get(topic)).map(|(own, _)| own).sum();
        // The name itself says as much as one term does.
        let itself =
            if bag.own.contains(&own) { hit.weight * rarity(&own) * hit.topics.len() as f64 } else { 0.0 };
        said > itself + 1e-9
    })
}

/// So much must be said of a matter to tell what letters stand for: a frequent word of it is enough.
const ENOUGH: f64 = 0.5;

/// Whether facts speak of the matters of a concept with other words than the letters that stand for it; true where the
/// thesaurus knows no matter of it.
#[must_use]
pub(crate) fn speaks_beside(concept: &str, letters: &str, bags: &[&Bag]) -> bool {
    // The letters may stand for many things; the name says which is meant.
    let question = Question::new(concept);
    if question.topics.is_empty() {
        return true;
    }
    let own = stem(&crate::text::normal(letters));
    let itself = spoken_of(&[own.as_str()]);
    bags.iter().any(|bag| {
        question.topics.iter().any(|(topic, _)| {
            let said = bag.topics.get(topic).map_or(0.0, |(own, _)| *own);
            let by_letters: f64 = itself
                .iter()
                .filter(|hit| hit.topics.contains(topic))
                .map(|hit| hit.weight * rarity(&own))
                .sum();
            said > by_letters + ENOUGH
        })
    })
}

/// How near the facts come to a question.
#[must_use]
pub(crate) fn nearness(question: &Question, bags: &[Bag]) -> Nearness {
    let shows = |bag: &&Bag| bag.grade >= Some(Grade::Shown);
    let all: Vec<&Bag> = bags.iter().collect();
    let mut groups: BTreeMap<Group, Vec<&Bag>> = BTreeMap::new();
    bags.iter().filter(shows).for_each(|bag| groups.entry(bag.group).or_default().push(bag));
    let together = |cover: &Cover| 1.1 * cover.topics + 0.34 * cover.words;
    let covers = groups.values().map(|bags| cover(question, bags, true));
    let shown = covers.max_by(|a, b| together(a).total_cmp(&together(b))).unwrap_or_default();
    let mut near = Nearness { shown, against: cover(question, &all, false), ..Nearness::default() };
    let mut most = 0.0;
    for (at, bag) in bags.iter().enumerate() {
        let own = cover(question, &[bag], true);
        let sum = (own.words + own.spelling + own.topics) * bag.brevity();
        near.each.push(sum);
        if sum > most {
            (most, near.fact, near.best) = (sum, Some(at), own);
        }
    }
    if let Some(bag) = near.fact.and_then(|at| bags.get(at)) {
        let shared = |topic: &TopicId| bag.topics.get(topic).is_some_and(|(own, _)| *own > 0.0);
        near.matters = question.topics.iter().map(|(topic, _)| *topic).filter(shared).take(2).collect();
    }
    near
}
