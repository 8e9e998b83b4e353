//! What does a report in JSON hold? `pellucid.position/1` as a value, which is written and read back the same.
//!
//! A report cites lines and holds no documents: what it does not say can't be asked of it.

use serde::{Deserialize, Serialize};

use crate::analysis::called;
use crate::document::Media;
use crate::fit::{Interval, Ratio};
use crate::model::{Status, Strength};

/// What a report says that it is.
pub const SCHEMA: &str = "pellucid.position/1";
/// Bytes of a report, at most: thousands of requirements have fewer.
const MOST_BYTES: usize = 64 << 20;

/// Why a report could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// It is longer than any report.
    #[error("it has {0} bytes; a report of `pellucid position` has at most {MOST_BYTES}")]
    Long(usize),
    /// It is no report, or a part of one.
    #[error(
        "it is no whole report of `pellucid position`: {0}; write it again with `pellucid position -o FILE.json`"
    )]
    Json(#[from] serde_json::Error),
    /// It is a report of another version.
    #[error(
        "format `{0}` is not known; this program reads `{SCHEMA}`, which `pellucid position -o FILE.json` writes"
    )]
    Schema(String),
    /// Its parts do not fit to each other.
    #[error(
        "it says that it is a position report, but {0}; it was changed after it was written: write it again with `pellucid position`"
    )]
    Changed(String),
}

/// A line of a document that something rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cite {
    /// The document's name.
    pub document: String,
    /// Where, for people.
    pub place: String,
    /// Its first byte in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What stands there.
    pub quote: String,
}

/// Months that were counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// Surely.
    pub sure: u32,
    /// Possibly.
    pub possible: u32,
    /// How many are asked.
    pub asked: u32,
}

/// What became of a need, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedVerdict {
    /// The words of the posting that ask.
    pub asked: String,
    /// What became of it.
    pub status: Status,
    /// The rule that decided.
    pub rule: String,
    /// What the rule found, in words.
    pub because: String,
    /// Lines that it rests on.
    pub cites: Vec<Cite>,
    /// Lines that speak against it, or come nearest.
    pub near: Vec<Cite>,
    /// Months that were counted.
    pub months: Option<Counted>,
    /// Roles whose months were counted.
    pub roles: Vec<Cite>,
    /// Verdicts on the parts of an "and" or "or".
    pub parts: Vec<SavedVerdict>,
}

impl SavedVerdict {
    /// It and all of its parts.
    pub fn each<'a>(&'a self, see: &mut dyn FnMut(&'a Self)) {
        see(self);
        self.parts.iter().for_each(|part| part.each(see));
    }
}

/// A requirement and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedRequirement {
    /// `R1`, `R2`, in the posting's order.
    pub id: String,
    /// What the posting says.
    pub text: String,
    /// The same in a few words; reports of early versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
    /// What became of it.
    pub status: Status,
    /// How much the posting insists.
    pub strength: Strength,
    /// Whether it decides by itself.
    pub gate: bool,
    /// The heading above it.
    pub theme: String,
    /// Where it stands.
    pub source: Cite,
    /// All lines that it rests on.
    pub cites: Vec<Cite>,
    /// The verdict with its parts.
    pub verdict: SavedVerdict,
    /// What the verdict is worth.
    pub credit: Interval,
    /// What the requirement weighs.
    pub weight: Interval,
}

/// The lower end of the fit if a requirement alone were shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raise {
    /// The requirement.
    pub requirement: String,
    /// The lower end.
    pub lo: Ratio,
}

/// How it fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedFit {
    /// The lower end.
    pub lo: f64,
    /// The upper end.
    pub hi: f64,
    /// A word for it.
    pub label: String,
    /// Both ends, exactly.
    pub exact: Interval,
    /// What it means, and what not.
    pub meaning: String,
    /// What would raise it, the largest gain first; reports of early versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raises: Option<Vec<Raise>>,
}

/// A document that went in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedInput {
    /// `profile`, `posting` or `notes`.
    pub role: String,
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub media: Media,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Something that is odd about the documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedFinding {
    /// A word for its kind.
    pub kind: String,
    /// What is odd.
    pub text: String,
    /// Where.
    pub cite: Option<Cite>,
}

/// A line of the report's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedLine {
    /// What stands before it, in bold.
    pub lead: String,
    /// What it says.
    pub text: String,
    /// The status that it speaks of.
    pub status: Option<Status>,
    /// Whether it advises rather than claims.
    pub advice: bool,
    /// What it rests on.
    pub cites: Vec<Cite>,
}

/// A part of the report's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSection {
    /// Its heading.
    pub heading: String,
    /// From 2 (a chapter) to 3.
    pub level: u8,
    /// Paragraphs before the items.
    pub paragraphs: Vec<SavedLine>,
    /// Items.
    pub items: Vec<SavedLine>,
}

/// A likeness that the person confirmed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedConfirmed {
    /// The requirement.
    pub requirement: String,
    /// The line that is the same.
    pub cite: Cite,
}

/// What the person said of the facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedReview {
    /// Lines that are not true.
    pub rejected: Vec<Cite>,
    /// Lines that are the same as what is asked.
    pub confirmed: Vec<SavedConfirmed>,
}

/// A report as it is kept in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of the program that wrote it.
    pub version: String,
    /// The day of the analysis.
    pub as_of: String,
    /// What went in: the profile's documents, the posting, notes.
    pub inputs: Vec<SavedInput>,
    /// How it fits.
    pub fit: SavedFit,
    /// What is asked, and what became of each.
    pub requirements: Vec<SavedRequirement>,
    /// What is odd.
    pub findings: Vec<SavedFinding>,
    /// The report's title.
    pub title: String,
    /// The report's words, the summary first.
    pub sections: Vec<SavedSection>,
    /// What the person said of the facts, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<SavedReview>,
}

/// Only what it says that it is.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// Reads a report that [`json`](super::json) wrote.
///
/// # Errors
/// When it is none, one of another version, or one whose parts do not fit to each other.
pub fn read(bytes: &[u8]) -> Result<SavedReport, SavedError> {
    if bytes.len() > MOST_BYTES {
        return Err(SavedError::Long(bytes.len()));
    }
    let Head { schema } = serde_json::from_slice(bytes)?;
    if schema != SCHEMA {
        return Err(SavedError::Schema(schema));
    }
    let report: SavedReport = serde_json::from_slice(bytes)?;
    report.check().map_err(SavedError::Changed)?;
    Ok(report)
}

impl SavedReport {
    /// The place of a line's document among the inputs.
    #[must_use]
    pub fn document_of(&self, cite: &Cite) -> Option<usize> {
        self.inputs.iter().position(|input| input.name == cite.document)
    }

    /// Where a line stands, as `cv.md:41`.
    #[must_use]
    pub fn cite(&self, cite: &Cite) -> String {
        let names = self.inputs.iter().map(|input| input.name.as_str());
        let name = self.document_of(cite).map_or(cite.document.as_str(), |at| called(names, at));
        format!("{name}:{}", cite.place)
    }

    /// That its parts fit to each other.
    fn check(&self) -> Result<(), String> {
        let of_role = |role: &str| self.inputs.iter().filter(|input| input.role == role).count();
        if of_role("posting") != 1 || of_role("profile") == 0 {
            return Err("its inputs are not one posting and a profile".to_owned());
        }
        if self.requirements.is_empty() || self.sections.is_empty() {
            return Err("it has no requirements or no words".to_owned());
        }
        let [lo, hi] = self.fit.exact;
        let is_near = |told: f64, exact: Ratio| (told - exact.value()).abs() < 1e-9;
        if lo > hi || !is_near(self.fit.lo, lo) || !is_near(self.fit.hi, hi) {
            return Err(format!("its fit is {lo} to {hi} in one place and another in the next"));
        }
        let mut ids = std::collections::BTreeSet::new();
        for requirement in &self.requirements {
            if !ids.insert(requirement.id.as_str()) {
                return Err(format!("two requirements are called {}", requirement.id));
            }
            if requirement.verdict.status != requirement.status {
                return Err(format!("{} has two different verdicts", requirement.id));
            }
            let mut cites: Vec<&Cite> = vec![&requirement.source];
            cites.extend(&requirement.cites);
            requirement.verdict.each(&mut |own| cites.extend(own.cites.iter().chain(&own.near)));
            if let Some(cite) = cites.into_iter().find(|cite| self.document_of(cite).is_none()) {
                let (id, name) = (&requirement.id, &cite.document);
                return Err(format!("{id} cites {name}, which is none of its inputs"));
            }
        }
        let raises = self.fit.raises.iter().flatten();
        match raises.map(|raise| raise.requirement.as_str()).find(|id| !ids.contains(id)) {
            Some(id) => Err(format!("it has no requirement {id}, which would raise its fit")),
            None => Ok(()),
        }
    }
}
