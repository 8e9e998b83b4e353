//! What does the person say of the lines that were read? Some are wrong, and some are what a requirement asks for.
//!
//! A fact is told from others by where it stands: its document and its bytes there, which neither the order of facts nor another
//! posting changes. What is rejected is not read at all. What is confirmed answers a question that the analysis itself asks ("one
//! line comes near; is it the same?"), and no other: it is stated then, by the person, and still not shown.

use crate::document::Span;
use crate::judge::Verdict;
use crate::model::{Finding, Requirement, Status};
use crate::profile::Profile;

/// What a person says of the facts of their own documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// Facts that are wrong; documents are counted as they were given, the profile's first.
    pub rejected: Vec<Span>,
    /// Facts that are what a requirement asks for.
    pub confirmed: Vec<Confirmed>,
}

/// That a line is what is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Confirmed {
    /// The requirement: `R3`.
    pub requirement: String,
    /// The line.
    pub fact: Span,
}

impl Review {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rejected.is_empty() && self.confirmed.is_empty()
    }

    /// The first fact that it names and that is not there.
    pub(crate) fn unknown<'a>(&'a self, profile: &Profile) -> Option<&'a Span> {
        let rejected = self.rejected.iter().find(|span| !profile.rejected.contains(span));
        let is_there = |span: &Span| {
            profile.rejected.contains(span) || profile.facts.iter().any(|fact| fact.span == *span)
        };
        rejected.or_else(|| self.confirmed.iter().map(|one| &one.fact).find(|span| !is_there(span)))
    }

    /// Turns the questions that were answered into statements. What answers no question is told of.
    pub(crate) fn settle(
        &self,
        requirements: &[Requirement],
        verdicts: &mut [Verdict],
        profile: &Profile,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for span in &profile.rejected {
            let text = "You say that this line is not true; it was left out.".to_owned();
            findings.push(Finding { kind: "rejected_by_person", text, span: Some(span.clone()) });
        }
        for one in &self.confirmed {
            let own = requirements.iter().zip(&mut *verdicts).find(|(asked, _)| asked.id == one.requirement);
            let asks = |verdict: &Verdict| {
                question_of(verdict).is_some_and(|fact| profile.facts[fact].span == one.fact)
            };
            let text = match own.filter(|(_, verdict)| asks(verdict)) {
                Some((asked, verdict)) => {
                    verdict.status = Status::ClaimOnly;
                    verdict.rule = CONFIRMED;
                    verdict.because =
                        "you say that this line is what is asked; the line itself does not".to_owned();
                    verdict.parts.clear();
                    format!("You say that this line is what {} asks for.", asked.id)
                }
                None => format!(
                    "This line was confirmed for {}, where nothing is open about it; that changed nothing.",
                    one.requirement
                ),
            };
            findings.push(Finding { kind: "confirmed_by_person", text, span: Some(one.fact.clone()) });
        }
        findings
    }
}

/// The rule of what a person confirmed.
pub const CONFIRMED: &str = "person.confirmed";

/// The fact that a verdict asks about: whether it is the same as what is asked, only the person knows.
#[must_use]
pub fn question_of(verdict: &Verdict) -> Option<usize> {
    let asks = verdict.status == Status::Unknown && matches!(verdict.rule, "near.speaks" | "words.most");
    verdict.support.first().copied().filter(|_| asks)
}

/// What the person changed, as a report says it; nothing where nothing was.
#[must_use]
pub(crate) fn in_words(findings: &[Finding]) -> Option<String> {
    let of = |kind: &str| findings.iter().filter(|finding| finding.kind == kind).count();
    let lines = |n: usize| if n == 1 { "one line".to_owned() } else { format!("{n} lines") };
    let was = |n: usize| if n == 1 { "was" } else { "were" };
    let (rejected, confirmed) = (of("rejected_by_person"), of("confirmed_by_person"));
    let mut said = Vec::new();
    if rejected > 0 {
        said.push(format!(
            "{} of the documents {} rejected by the person and left out",
            lines(rejected),
            was(rejected)
        ));
    }
    if confirmed > 0 {
        said.push(format!("{} {} confirmed by the person", lines(confirmed), was(confirmed)));
    }
    (!said.is_empty()).then(|| said.join("; "))
}
