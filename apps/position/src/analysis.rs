//! From documents to an analysis: read, ask, show, judge, score, and note what is odd.

use std::collections::HashMap;

use crate::concepts::ConceptId;
use crate::document::{Document, Span};
use crate::fit::{Fit, fit};
use crate::judge::{Court, Verdict};
use crate::model::{Finding, Polarity, Requirement, Status};
use crate::months::Day;
use crate::nearness::{Bag, Nearness, Question, nearness};
use crate::posting::requirements;
use crate::profile::{Profile, reviewed};
use crate::read::{Input, MOST_TEXT, ReadError, Repository, read, read_repository};
use crate::review::Review;
use crate::text::tokens;

/// What an analysis is made from.
#[derive(Debug, Default)]
pub struct Request {
    /// The profile: CV, publications, whatever speaks of the person.
    pub profile: Vec<Input>,
    /// Checkouts of the person's own work.
    pub repositories: Vec<Repository>,
    /// The posting.
    pub posting: Option<Input>,
    /// What else is known about the employer; only quoted.
    pub notes: Vec<Input>,
    /// What the person says of the facts that were read.
    pub review: Review,
}

/// Why there is no analysis.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// An input could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No posting was given.
    #[error("there is no posting to compare with")]
    NoPosting,
    /// The posting asks for nothing.
    #[error("{0}: no requirement was found in it; is it a job posting, and is its text complete?")]
    NoRequirements(String),
    /// Another language than English.
    #[error(
        "{0}: this seems not to be written in English, the only language that is read; nothing was scored"
    )]
    Language(String),
    /// The arguments stand in the wrong order.
    #[error("{posting} reads like a CV and {profile} like a posting; the posting comes last")]
    Swapped {
        /// What was given as the posting.
        posting: String,
        /// What was given as the profile.
        profile: String,
    },
    /// A fact was rejected or confirmed that is not there.
    #[error(
        "{document}: no fact stands at bytes {start} to {end}, so that it can't be rejected or confirmed"
    )]
    NoSuchFact {
        /// The document's name.
        document: String,
        /// First byte.
        start: usize,
        /// One past the last.
        end: usize,
    },
    /// A fact was confirmed for a requirement that is not there.
    #[error("the posting has no requirement {0}, so that nothing can be confirmed for it")]
    NoSuchRequirement(String),
}

/// An analysis: everything that a report says can be looked up here.
#[derive(Debug)]
#[non_exhaustive]
pub struct Analysis {
    /// The day of the analysis.
    pub as_of: Day,
    /// All inputs; spans are about their texts.
    pub documents: Vec<Document>,
    /// Which of them is the posting.
    pub posting: usize,
    /// Which of them are notes about the employer.
    pub notes: Vec<usize>,
    /// What is asked.
    pub requirements: Vec<Requirement>,
    /// What became of each.
    pub verdicts: Vec<Verdict>,
    /// How near the profile comes to each.
    pub nearness: Vec<Nearness>,
    /// What the profile shows.
    pub profile: Profile,
    /// How it fits.
    pub fit: Fit,
    /// What is odd.
    pub findings: Vec<Finding>,
    /// What the person said of the facts; empty where the documents stand as they are.
    pub review: Review,
}

/// Analyses how a profile fits a posting, as of a day.
///
/// # Errors
/// When an input can't be read, is not in English, or the posting asks for nothing.
pub fn analyze(request: &Request, as_of: Day) -> Result<Analysis, AnalysisError> {
    let posting = request.posting.as_ref().ok_or(AnalysisError::NoPosting)?;
    let mut documents = Vec::new();
    for input in &request.profile {
        documents.push(read(input)?);
    }
    documents.extend(request.repositories.iter().map(read_repository));
    let at = documents.len();
    documents.push(read(posting)?);
    for input in &request.notes {
        documents.push(read(input)?);
    }
    analyze_reviewed(documents, at, as_of, &request.review)
}

/// Analyses documents that are read: the profile's before `posting`, notes after it.
///
/// # Errors
/// When a document is not in English, or the posting asks for nothing.
pub fn analyze_documents(
    documents: Vec<Document>,
    posting: usize,
    as_of: Day,
) -> Result<Analysis, AnalysisError> {
    analyze_reviewed(documents, posting, as_of, &Review::default())
}

/// The same, with what the person says of the facts.
///
/// # Errors
/// Also when a fact or a requirement is not there that the review speaks of.
pub fn analyze_reviewed(
    mut documents: Vec<Document>,
    posting: usize,
    as_of: Day,
    review: &Review,
) -> Result<Analysis, AnalysisError> {
    let mut findings = Vec::new();
    for (at, document) in documents.iter_mut().enumerate() {
        if document.text.len() > MOST_TEXT {
            document.blocks.retain(|block| block.range.end <= MOST_TEXT);
            let text =
                format!("{}: only the first {} kB of its text were read.", document.name, MOST_TEXT / 1000);
            findings.push(Finding {
                kind: "cut_short",
                text,
                span: Some(Span { document: at, start: 0, end: 0 }),
            });
        }
        if at <= posting && !is_english(document) {
            return Err(AnalysisError::Language(document.name.clone()));
        }
    }
    let own: Vec<(usize, &Document)> = documents[..posting].iter().enumerate().collect();
    let mut profile = reviewed(&own, as_of, &review.rejected);
    if let Some(Span { document, start, end }) = review.unknown(&profile) {
        let name = documents.get(*document).map_or_else(String::new, |document| document.name.clone());
        return Err(AnalysisError::NoSuchFact { document: name, start: *start, end: *end });
    }
    let (requirements, odd) = requirements(&documents[posting], posting);
    check_order(&documents, posting, &profile, &requirements, as_of)?;
    if requirements.is_empty() {
        return Err(AnalysisError::NoRequirements(documents[posting].name.clone()));
    }
    let is_asked = |id: &String| requirements.iter().any(|asked| asked.id == *id);
    if let Some(one) = review.confirmed.iter().find(|one| !is_asked(&one.requirement)) {
        return Err(AnalysisError::NoSuchRequirement(one.requirement.clone()));
    }
    findings.append(&mut profile.findings);
    findings.extend(odd);
    let bags: Vec<Bag> = profile.facts.iter().map(Bag::new).collect();
    let mut by_role: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, fact) in profile.facts.iter().enumerate() {
        if let Some(role) = fact.role {
            by_role.entry(role).or_default().push(at);
        }
    }
    let court = Court {
        profile: &profile,
        documents: &documents,
        posting: &documents[posting].text,
        as_of,
        bags: &bags,
        by_role,
    };
    let mut verdicts: Vec<Verdict> =
        requirements.iter().map(|requirement| court.judge(&requirement.node)).collect();
    let near = |requirement: &Requirement| {
        nearness(&Question::new(&documents[posting].text[requirement.span.range()]), &bags)
    };
    let nearness: Vec<Nearness> = requirements.iter().map(near).collect();
    for (verdict, near) in verdicts.iter_mut().zip(&nearness) {
        verdict.propose(near);
    }
    findings.extend(review.settle(&requirements, &mut verdicts, &profile));
    findings.extend(contradictions(&profile, &verdicts));
    let fit = fit(&requirements, &verdicts, !profile.facts.is_empty());
    let notes = (posting + 1..documents.len()).collect();
    Ok(Analysis {
        as_of,
        documents,
        posting,
        notes,
        requirements,
        verdicts,
        nearness,
        profile,
        fit,
        findings,
        review: review.clone(),
    })
}

/// Whether the most frequent words are those of English. Short texts and lists are given the benefit of the doubt.
fn is_english(document: &Document) -> bool {
    const FREQUENT: [&str; 24] = [
        "the", "and", "of", "to", "in", "with", "for", "a", "is", "you", "we", "on", "at", "as", "an", "or",
        "by", "are", "from", "that", "be", "our", "i", "your",
    ];
    let words = tokens(&document.text);
    let frequent = words.iter().filter(|word| FREQUENT.contains(&word.norm.as_str())).count();
    words.len() < 60 || frequent * 100 >= words.len() * 4
}

/// Whether posting and profile stand in each other's place.
fn check_order(
    documents: &[Document],
    at: usize,
    profile: &Profile,
    asked: &[Requirement],
    as_of: Day,
) -> Result<(), AnalysisError> {
    let dated = |profile: &Profile| profile.roles.iter().filter(|role| role.period.is_some()).count();
    let as_profile = crate::profile::profile(&[(0, &documents[at])], as_of);
    let as_postings: usize = documents[..at].iter().map(|document| requirements(document, 0).0.len()).sum();
    if dated(profile) == 0 && dated(&as_profile) >= 2 && as_postings > asked.len().max(3) {
        let (posting, profile) = (documents[at].name.clone(), documents[0].name.clone());
        return Err(AnalysisError::Swapped { posting, profile });
    }
    Ok(())
}

/// Years that are stated and not computed, and things that the profile both states and denies.
fn contradictions(profile: &Profile, verdicts: &[Verdict]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for verdict in verdicts.iter().flat_map(leaves) {
        if let (Some((sure, possible, _)), "years.claimed") = (verdict.months, verdict.rule) {
            let counted = crate::months::in_words(sure.max(possible));
            let text =
                format!("More years are stated than the dated roles show: they add up to {counted} at most.");
            let span = verdict.support.first().map(|&fact| profile.facts[fact].span.clone());
            findings.push(Finding { kind: "claim_exceeds_dates", text, span });
        }
        if verdict.status == Status::Contradicted {
            let span = verdict.near.first().map(|&fact| profile.facts[fact].span.clone());
            findings.push(Finding {
                kind: "denied",
                text: format!("The posting asks for it, and {}.", verdict.because),
                span,
            });
        }
    }
    // A name that is stated in one fact and denied in another.
    let mut stated: HashMap<ConceptId, Vec<usize>> = HashMap::new();
    for (at, fact) in profile.facts.iter().enumerate() {
        for named in fact.named.iter().filter(|named| named.polarity == Polarity::Asserted) {
            stated.entry(named.concept).or_default().push(at);
        }
    }
    for (at, fact) in profile.facts.iter().enumerate() {
        for denied in fact.named.iter().filter(|named| named.polarity == Polarity::Negated) {
            let elsewhere =
                stated.get(&denied.concept).is_some_and(|facts| facts.iter().any(|&other| other != at));
            if elsewhere {
                let text = format!("{} is denied here and stated elsewhere.", denied.concept.name());
                findings.push(Finding { kind: "self_contradiction", text, span: Some(fact.span.clone()) });
            }
        }
    }
    findings.dedup();
    findings
}

/// The last part of a path.
fn file_name(path: &str) -> &str {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default()
}

/// The last part of the name at a place, where that tells it from all others; else the whole name.
pub(crate) fn called<'a>(names: impl Iterator<Item = &'a str> + Clone, at: usize) -> &'a str {
    let whole = names.clone().nth(at).unwrap_or_default();
    let own = file_name(whole);
    let is_told = names.enumerate().all(|(other, name)| other == at || file_name(name) != own);
    if is_told && !own.is_empty() { own } else { whole }
}

/// A verdict without parts, or its parts' own leaves.
pub(crate) fn leaves(verdict: &Verdict) -> Vec<&Verdict> {
    if verdict.parts.is_empty() { vec![verdict] } else { verdict.parts.iter().flat_map(leaves).collect() }
}

impl Analysis {
    /// The words of a span.
    #[must_use]
    pub fn quote(&self, span: &Span) -> &str {
        &self.documents[span.document].text[span.range()]
    }

    /// Where a span stands, as `cv.md:41`.
    #[must_use]
    pub fn cite(&self, span: &Span) -> String {
        format!("{}:{}", self.name(span.document), self.documents[span.document].place(span.start))
    }

    /// What a document is called: its file's name where that is told from the others, else its whole path.
    #[must_use]
    pub fn name(&self, at: usize) -> &str {
        called(self.documents.iter().map(|document| document.name.as_str()), at)
    }

    /// The posting's title: its first heading, or its first line; its file's name where neither can be one.
    #[must_use]
    pub fn title(&self) -> &str {
        let document = &self.documents[self.posting];
        let heading =
            document.blocks.iter().find(|block| matches!(block.kind, crate::document::Kind::Heading(_)));
        let title = heading.or(document.blocks.first()).map_or("", |block| document.block_text(block));
        let title = title.trim().trim_end_matches(['.', ':', ' ']);
        let is_title = (3..=80).contains(&title.chars().count())
            && !title.ends_with('?')
            && !title.to_lowercase().starts_with("about");
        if is_title {
            return title;
        }
        let file = file_name(&document.name);
        file.rsplit_once('.').map_or(file, |(stem, _)| stem)
    }
}
