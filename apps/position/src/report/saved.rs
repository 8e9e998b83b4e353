//! What does a report in JSON hold? `pellucid.position/1` as a value, which is written and read back the same.
//!
//! A report cites lines and holds no documents: what it does not say can't be asked of it.

use serde::{Deserialize, Serialize};

use crate::analysis::called;
use crate::document::Media;
use crate::fit::{self, Interval, Ratio};
use crate::model::{Status, Strength};

/// What a report says that it is.
pub const SCHEMA: &str = "pellucid.position/1";
/// Bytes of a report, at most: thousands of requirements have fewer.
const MOST_BYTES: usize = 16 << 20;
/// Documents that went in, at most.
const MOST_INPUTS: usize = 200;
/// What two numbers of a report may differ by that are one: 64 bits of fractions.
const NEAR: f64 = 1e-9;

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

    /// What an input is called: its file's name where that is told from the others, else its whole path.
    #[must_use]
    pub fn name(&self, at: usize) -> &str {
        called(self.inputs.iter().map(|input| input.name.as_str()), at)
    }

    /// Where a line stands, as `cv.md:41`.
    #[must_use]
    pub fn cite(&self, cite: &Cite) -> String {
        let name = self.document_of(cite).map_or(cite.document.as_str(), |at| self.name(at));
        format!("{name}:{}", cite.place)
    }

    /// That its parts fit to each other.
    fn check(&self) -> Result<(), String> {
        let of_role = |role: &str| self.inputs.iter().filter(|input| input.role == role).count();
        if self.inputs.len() > MOST_INPUTS {
            return Err(format!(
                "it has {} inputs, and a report has at most {MOST_INPUTS}",
                self.inputs.len()
            ));
        }
        if of_role("posting") != 1 || of_role("profile") == 0 {
            return Err("its inputs are not one posting and a profile".to_owned());
        }
        if self.requirements.is_empty() || self.sections.is_empty() {
            return Err("it has no requirements or no words".to_owned());
        }
        if let Some(section) = self.sections.iter().find(|section| !(2..=3).contains(&section.level)) {
            return Err(format!("a heading has the level {}, and they are 2 or 3", section.level));
        }
        let mut ids = std::collections::BTreeSet::new();
        for requirement in &self.requirements {
            if !ids.insert(requirement.id.as_str()) {
                return Err(format!("two requirements are called {}", requirement.id));
            }
            requirement.check()?;
        }
        self.fit.check(&self.requirements)?;
        let raises = self.fit.raises.iter().flatten();
        if let Some(id) = raises.map(|raise| raise.requirement.as_str()).find(|id| !ids.contains(id)) {
            return Err(format!("it has no requirement {id}, which would raise its fit"));
        }
        let mut wrong = None;
        self.each_cite(&mut |whose, cite| {
            if wrong.is_some() {
            } else if self.document_of(cite).is_none() {
                wrong = Some(format!("{whose} cites {}, which is none of its inputs", cite.document));
            } else if cite.start > cite.end {
                wrong = Some(format!("{whose} cites bytes {} to {}", cite.start, cite.end));
            }
        });
        wrong.map_or(Ok(()), Err)
    }

    /// Every line that it cites, and what cites it.
    fn each_cite<'a>(&'a self, see: &mut dyn FnMut(&str, &'a Cite)) {
        for own in &self.requirements {
            [&own.source].into_iter().chain(&own.cites).for_each(|cite| see(&own.id, cite));
            own.verdict.each(&mut |verdict| {
                let all = verdict.cites.iter().chain(&verdict.near).chain(&verdict.roles);
                all.for_each(|cite| see(&own.id, cite));
            });
        }
        self.findings
            .iter()
            .filter_map(|finding| finding.cite.as_ref())
            .for_each(|cite| see("a finding", cite));
        let lines = self.sections.iter().flat_map(|section| section.paragraphs.iter().chain(&section.items));
        lines.flat_map(|line| &line.cites).for_each(|cite| see("a line", cite));
        if let Some(review) = &self.review {
            let confirmed = review.confirmed.iter().map(|one| &one.cite);
            review.rejected.iter().chain(confirmed).for_each(|cite| see("the review", cite));
        }
    }
}

impl SavedVerdict {
    /// What it is worth by [`fit::credit_of`], in 64 bits: numbers of a file may be such that exact fractions of them have no end.
    fn credit(&self) -> [f64; 2] {
        if self.rule == "all.parts" && !self.parts.is_empty() {
            let n = self.parts.len() as f64;
            let sum = |end: usize| self.parts.iter().map(|part| part.credit()[end]).sum::<f64>();
            return [sum(0) / n, sum(1) / n];
        }
        fit::credit(self.status).map(Ratio::value)
    }
}

impl SavedRequirement {
    fn check(&self) -> Result<(), String> {
        let id = &self.id;
        if self.verdict.status != self.status {
            return Err(format!("{id} has two different verdicts"));
        }
        let is_near =
            |told: Interval, is: [f64; 2]| told.iter().zip(is).all(|(a, b)| (a.value() - b).abs() < NEAR);
        if !is_near(self.credit, self.verdict.credit()) {
            return Err(format!("the credit of {id} is not that of its verdict"));
        }
        if !is_near(self.weight, fit::weight(self.strength).map(Ratio::value)) {
            return Err(format!("the weight of {id} is not that of how much the posting insists"));
        }
        Ok(())
    }
}

impl SavedFit {
    /// That it is what credits and weights give, and that what would raise it does.
    fn check(&self, requirements: &[SavedRequirement]) -> Result<(), String> {
        let [lo, hi] = self.exact;
        let is_near = |a: f64, b: f64| (a - b).abs() < NEAR;
        if lo > hi || !is_near(self.lo, lo.value()) || !is_near(self.hi, hi.value()) {
            return Err(format!("its fit is {lo} to {hi} in one place and another in the next"));
        }
        let counted: Vec<&SavedRequirement> = requirements.iter().filter(|own| !own.gate).collect();
        if !is_near(lo.value(), extreme(&counted, 0)) || !is_near(hi.value(), extreme(&counted, 1)) {
            return Err(format!("its fit, {lo} to {hi}, is not that of its requirements"));
        }
        let is_raise = |own: &&Raise| !(lo.value() - NEAR..=1.0 + NEAR).contains(&own.lo.value());
        match self.raises.iter().flatten().find(is_raise) {
            Some(own) => Err(format!("{} would raise its fit to {}", own.requirement, own.lo)),
            None => Ok(()),
        }
    }
}

/// [`fit::interval`] in 64 bits, in time that grows little faster than the number of requirements: its smallest mean (`end` 0) or the largest (1).
fn extreme(parts: &[&SavedRequirement], end: usize) -> f64 {
    let mut sorted: Vec<(f64, [f64; 2])> =
        parts.iter().map(|own| (own.credit[end].value(), own.weight.map(Ratio::value))).collect();
    sorted.sort_by(|a, b| if end == 1 { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) });
    // All with their low weights; then one after the other takes its high one.
    let [mut sum, mut total] =
        sorted.iter().fold([0.0, 0.0], |[sum, total], (credit, [low, _])| [sum + credit * low, total + low]);
    let mut best = if total > 0.0 { sum / total } else { 0.0 };
    for (credit, [low, high]) in &sorted {
        sum += credit * (high - low);
        total += high - low;
        let mean = if total > 0.0 { sum / total } else { 0.0 };
        best = if end == 1 { best.max(mean) } else { best.min(mean) };
    }
    best
}
