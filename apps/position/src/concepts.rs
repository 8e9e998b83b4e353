//! What is another name for this, what is a kind of it, and what only looks like it? The bundled table.
//!
//! `concepts/table.tsv` is built by `concepts/make.py` from lists that were written for this program. A parent with `=`
//! says that its children can't stand for one another: who knows PyTorch has not shown JAX.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use crate::text::{Token, normal, tokens};

/// A concept of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConceptId(pub u32);

/// What a concept is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConceptKind {
    /// A program, product or device.
    Tool,
    /// Something that one can do.
    Skill,
    /// A way of working.
    Method,
    /// What one is by trade.
    Profession,
    /// What one studies.
    Field,
    /// What one must be allowed to do.
    Licence,
    /// A natural language.
    Language,
    /// What one is like.
    Trait,
    /// A line of business.
    Domain,
}

#[derive(Debug)]
struct Concept {
    name: &'static str,
    kind: ConceptKind,
    parents: Vec<(ConceptId, bool)>,
    /// All that it is a kind of, itself included, ascending.
    ancestors: Vec<ConceptId>,
}

/// One way to write a concept. Tens of thousands are read at the start, of which a text looks at a few: words are cut
/// when they are looked at.
#[derive(Debug)]
struct Phrase {
    /// As the table writes it, without its mark.
    text: &'static str,
    /// How many words it has.
    len: usize,
    /// Whether case matters.
    is_exact: bool,
    concept: ConceptId,
    words: OnceLock<Vec<Token>>,
}

impl Phrase {
    fn new(way: &'static str, concept: ConceptId) -> Option<(String, Self)> {
        let is_exact = way.ends_with('!');
        let text = way.trim_end_matches('!');
        // Letters, digits, blanks and hyphens are cut without a look at the rules for `C++` and `Node.js`.
        let is_plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '/'));
        let words = OnceLock::new();
        let (first, len) = if is_plain {
            let mut parts = text.split([' ', '-', '/']).filter(|part| !part.is_empty());
            (normal(parts.next()?), 1 + parts.count())
        } else {
            let cut = tokens(text);
            let found = (cut.first()?.norm.clone(), cut.len());
            words.get_or_init(|| cut);
            found
        };
        Some((first, Self { text, len, is_exact, concept, words }))
    }

    fn words(&self) -> &[Token] {
        self.words.get_or_init(|| tokens(self.text))
    }
}

#[derive(Debug, Default)]
struct Table {
    concepts: Vec<Concept>,
    by_first: HashMap<String, Vec<Phrase>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("../concepts/table.tsv")));

impl Table {
    fn parse(text: &'static str) -> Self {
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split('\t').collect())
            .filter(|row: &Vec<&str>| row.len() == 4)
            .collect();
        let bare = |name: &'static str| name.strip_suffix('!').unwrap_or(name);
        let ids: HashMap<&str, u32> =
            rows.iter().enumerate().map(|(at, row)| (bare(row[0]), at as u32)).collect();
        let mut table = Self::default();
        for row in &rows {
            let parents = row[2].split(';').map(str::trim).filter(|parent| !parent.is_empty());
            let parents = parents.filter_map(|parent| {
                let exclusive = parent.starts_with('=');
                ids.get(parent.trim_start_matches('=')).map(|&id| (ConceptId(id), exclusive))
            });
            let kind = match row[1] {
                "tool" => ConceptKind::Tool,
                "method" => ConceptKind::Method,
                "profession" => ConceptKind::Profession,
                "field" => ConceptKind::Field,
                "licence" => ConceptKind::Licence,
                "language" => ConceptKind::Language,
                "trait" => ConceptKind::Trait,
                "domain" => ConceptKind::Domain,
                _ => ConceptKind::Skill,
            };
            table.concepts.push(Concept {
                name: bare(row[0]),
                kind,
                parents: parents.collect(),
                ancestors: Vec::new(),
            });
        }
        for at in 0..table.concepts.len() {
            let mut open = vec![ConceptId(at as u32)];
            let mut all: Vec<ConceptId> = Vec::new();
            while let Some(id) = open.pop() {
                if !all.contains(&id) {
                    all.push(id);
                    open.extend(table.concepts[id.0 as usize].parents.iter().map(|(parent, _)| *parent));
                }
            }
            all.sort_unstable();
            table.concepts[at].ancestors = all;
        }
        for (at, row) in rows.iter().enumerate() {
            for way in
                std::iter::once(row[0]).chain(row[3].split(';').map(str::trim).filter(|way| !way.is_empty()))
            {
                if let Some((first, phrase)) = Phrase::new(way, ConceptId(at as u32)) {
                    table.by_first.entry(first).or_default().push(phrase);
                }
            }
        }
        // The longest way to read a text is the right one.
        table
            .by_first
            .values_mut()
            .for_each(|phrases| phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len)));
        table
    }
}

/// Reads the table.
pub(crate) fn load() {
    LazyLock::force(&TABLE);
}

/// A concept in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// Which.
    pub(crate) concept: ConceptId,
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
}

/// All concepts that a text names, from left to right, the longest reading first.
#[must_use]
pub(crate) fn mentions(text: &str, words: &[Token]) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let phrases = TABLE.by_first.get(&words[at].norm).map_or(&[][..], Vec::as_slice);
        match phrases.iter().find(|phrase| fits(phrase, text, words, at)) {
            Some(phrase) => {
                let end = at + phrase.len;
                let range = words[at].range.start..words[end - 1].range.end;
                found.push(Mention { concept: phrase.concept, range });
                at = end;
            }
            None => at += 1,
        }
    }
    let others: Vec<bool> =
        found.iter().map(|mention| stands_for_another(text, words, mention, &found)).collect();
    let mut others = others.into_iter();
    found.retain(|_| !others.next().unwrap_or(false));
    found
}

/// "CRM (crew resource management)" is no customer relationship management: letters whose own words stand beside them, and
/// are not a name of the concept, stand for something else.
fn stands_for_another(text: &str, words: &[Token], mention: &Mention, found: &[Mention]) -> bool {
    let raw = &text[mention.range.clone()];
    let letters: String = raw.chars().filter(|c| c.is_alphabetic()).collect();
    let is_acronym = (2..=5).contains(&letters.chars().count())
        && letters.chars().all(char::is_uppercase)
        && !raw.contains(' ');
    if !is_acronym {
        return false;
    }
    let n = letters.chars().count();
    let spells = |own: &[Token]| {
        // Small words may be left out of the letters: "point of sale".
        let initials: String =
            own.iter().filter_map(|word| word.raw.chars().next()).collect::<String>().to_uppercase();
        let bare = own
            .iter()
            .filter(|word| !matches!(word.norm.as_str(), "of" | "and" | "the" | "for" | "in" | "to"));
        let short: String =
            bare.filter_map(|word| word.raw.chars().next()).collect::<String>().to_uppercase();
        initials == letters || short == letters
    };
    let after = &text[mention.range.end..];
    let before = text[..mention.range.start].trim_end();
    let first = words.partition_point(|word| word.range.start < mention.range.end);
    let last = words.partition_point(|word| word.range.end <= mention.range.start);
    let expansion =
        if after.trim_start().starts_with('(') || after.trim_start().starts_with([',', '–', '=', ':']) {
            (n..=n + 2).filter_map(|len| words.get(first..first + len)).find(|own| spells(own))
        } else {
            None
        };
    let expansion = expansion.or_else(|| {
        let opens = before.ends_with('(');
        (n..=n + 2)
            .filter(|_| opens)
            .filter_map(|len| words.get(last.checked_sub(len)?..last))
            .find(|own| spells(own))
    });
    let Some(own) = expansion else { return false };
    let (Some(from), Some(to)) =
        (own.first().map(|word| word.range.start), own.last().map(|word| word.range.end))
    else {
        return false;
    };
    let named = found.iter().any(|other| {
        other.range.start < to
            && from < other.range.end
            && other.range != mention.range
            && other.concept.is_near(mention.concept)
    });
    !named
}

fn fits(phrase: &Phrase, text: &str, words: &[Token], at: usize) -> bool {
    let Some(own) = words.get(at..at + phrase.len) else { return false };
    let exact = phrase.words();
    if !own.iter().zip(exact).all(|(word, asked)| word.norm == asked.norm) {
        return false;
    }
    // The words of one name stand side by side.
    let joined = own.windows(2).all(|pair| {
        let between = &text[pair[0].range.end..pair[1].range.start];
        between.chars().all(|c| matches!(c, ' ' | '-' | '/' | '\'' | '’' | '‑')) && between.len() <= 3
    });
    if !joined {
        return false;
    }
    if !phrase.is_exact {
        return true;
    }
    if !own
        .iter()
        .zip(exact)
        .all(|(word, exact)| word.raw == exact.raw || word.raw.strip_suffix('s') == Some(exact.raw.as_str()))
    {
        return false;
    }
    // At the start of a sentence every word has a capital: "Go to market" is no language, "Go, Rust" may be.
    let first = text[..own[0].range.start].trim_end();
    let opens = first.is_empty() || first.ends_with(['.', '!', '?', ':']);
    let is_word = exact.len() == 1 && exact[0].raw.chars().skip(1).any(char::is_lowercase);
    let rest = text[own[own.len() - 1].range.end..].trim_start();
    let listed = rest.is_empty()
        || rest.starts_with([',', ';', '/', ')', '|', '(', '.', '•', '·', '&'])
        || ["and ", "or "].iter().any(|word| rest.starts_with(word));
    !(opens && is_word) || listed
}

impl ConceptId {
    fn get(self) -> Option<&'static Concept> {
        TABLE.concepts.get(self.0 as usize)
    }

    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.get().map_or("", |concept| concept.name)
    }

    /// What it is.
    #[must_use]
    pub fn kind(self) -> ConceptKind {
        self.get().map_or(ConceptKind::Skill, |concept| concept.kind)
    }

    /// Whether it is the other, or a kind of it.
    #[must_use]
    pub fn is_a(self, other: Self) -> bool {
        self.get().is_some_and(|concept| concept.ancestors.binary_search(&other).is_ok())
    }

    /// Whether it is a class that others are kinds of.
    #[must_use]
    pub fn has_kinds(self) -> bool {
        TABLE.concepts.iter().any(|concept| concept.parents.iter().any(|(parent, _)| *parent == self))
    }

    /// Whether both are kinds of one thing, or one of the other.
    #[must_use]
    pub fn is_near(self, other: Self) -> bool {
        let (Some(a), Some(b)) = (self.get(), other.get()) else { return false };
        a.ancestors.iter().any(|ancestor| b.ancestors.binary_search(ancestor).is_ok())
    }

    /// A parent of which both are different children that can't stand for one another.
    #[must_use]
    pub fn sibling_under(self, other: Self) -> Option<Self> {
        if self.is_a(other) || other.is_a(self) {
            return None;
        }
        let (a, b) = (self.get()?, other.get()?);
        let exclusive = |concept: &'static Concept| {
            concept.parents.iter().filter(|(_, exclusive)| *exclusive).map(|(parent, _)| *parent)
        };
        exclusive(a).find(|parent| exclusive(b).any(|other| other == *parent))
    }
}

/// A concept by its name, as the table writes it.
#[must_use]
pub fn by_name(name: &str) -> Option<ConceptId> {
    let norm = normal(name);
    TABLE
        .concepts
        .iter()
        .position(|concept| concept.name == name || normal(concept.name) == norm)
        .map(|at| ConceptId(at as u32))
}
