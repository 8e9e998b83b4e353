//! What is asked, what is shown, and what follows? The values that all stages share.

use std::ops::Range;

use crate::amounts::Unit;
use crate::concepts::ConceptId;
use crate::document::Span;
use crate::months::{MonthSet, Period};
use crate::sections::Area;

/// How much the posting insists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// "Must", "required", a list of essentials.
    Must,
    /// "What you bring".
    Strong,
    /// "Preferred", "a plus".
    Nice,
    /// Only follows from the duties.
    Inferred,
}

/// A degree, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Vocational or a diploma.
    Vocational,
    /// Bachelor, or "a degree".
    Bachelor,
    /// Master.
    Master,
    /// Doctorate.
    Doctor,
}

impl Level {
    /// How a report says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vocational => "vocational qualification",
            Self::Bachelor => "bachelor's degree",
            Self::Master => "master's degree",
            Self::Doctor => "doctorate",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    /// A skill, tool, profession, licence, trait or domain of the table.
    Concept(ConceptId),
    /// At least so many kinds of a class: "multiple programming languages".
    Several(ConceptId, u32),
    /// An interest in something or a commitment to it: a wish is an answer.
    Interest(ConceptId),
    /// So many months in an area: concepts or words; of work at all where both are empty.
    Years {
        /// The least.
        months: u32,
        /// Groups of concepts: one of each group in the same work.
        area: Vec<Vec<ConceptId>>,
        /// Stems of words.
        words: Vec<String>,
        /// "In a similar role", without a word about which.
        similar: bool,
    },
    /// A degree.
    Degree {
        /// The least level.
        level: Level,
        /// Fields, of which one is enough; none means any.
        fields: Vec<ConceptId>,
        /// Stems of the words that name a field that is not in the table.
        words: Vec<String>,
        /// "Or related", "or equivalent experience".
        open: bool,
    },
    /// A natural language, at a level of the Common European Framework from 1 (A1) to 6 (C2).
    Language(ConceptId, u8),
    /// To live or work at a place.
    Place(String),
    /// To be allowed to work, in a country where one is named.
    WorkPermit(Option<String>),
    /// At least so many publications.
    Publications(u32),
    /// At least so much of something that is counted; an end that a float holds exactly enough.
    Amount(f64, Unit),
    /// Something that the table does not know: stems of its words.
    Words(Vec<String>),
    /// One is enough.
    AnyOf(Vec<Node>),
    /// All are asked.
    AllOf(Vec<Node>),
}

/// A need and the words that say it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What is asked.
    pub need: Need,
    /// Its bytes in the posting's text.
    pub range: Range<usize>,
}

/// One requirement: a sentence or item of the posting.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// `R1`, `R2`, in the posting's order.
    pub id: String,
    /// What is asked.
    pub node: Node,
    /// How much.
    pub strength: Strength,
    /// The heading above it.
    pub theme: String,
    /// The sentence.
    pub span: Span,
    /// Whether it decides alone: permits, licences, places. Gates are never averaged.
    pub gate: bool,
}

/// Whether something is said to be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// It is.
    Asserted,
    /// It is not.
    Negated,
    /// It is wished for, learned, or planned.
    Aspirational,
    /// Others did it.
    ByOthers,
}

/// How much a fact can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// What one says of oneself.
    SelfDescription,
    /// A word in a list of skills.
    Listed,
    /// Named in a role, a project or a degree.
    Shown,
    /// Named in a role with what came of it.
    Outcome,
    /// Something that can be looked up: a publication, code.
    Artefact,
}

/// A concept that a fact names.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Which.
    pub concept: ConceptId,
    /// Its bytes in the document's text.
    pub range: Range<usize>,
    /// Whether it is said to be so.
    pub polarity: Polarity,
}

/// A sentence of the profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// `F1`, `F2`, in the order of the documents.
    pub id: String,
    /// Where it stands.
    pub span: Span,
    /// In which area.
    pub area: Area,
    /// The role that it belongs to.
    pub role: Option<usize>,
    /// How much it can carry.
    pub grade: Grade,
    /// What it names.
    pub named: Vec<Named>,
    /// Stems of its words, with whether they are said to be so.
    pub words: Vec<(String, Polarity)>,
    /// Months of experience that it claims in numbers.
    pub claimed: Option<u32>,
}

/// A job, a degree, a project: a heading with dates, and what stands below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its heading.
    pub title: String,
    /// Where it stands.
    pub span: Span,
    /// In which area.
    pub area: Area,
    /// When, as it is said.
    pub period: Option<Period>,
    /// Months that it surely lasted.
    pub sure: MonthSet,
    /// Months that it may have lasted.
    pub possible: MonthSet,
}

/// What became of a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The documents deny it.
    Contradicted,
    /// Nothing in the documents.
    NotFound,
    /// It can't be told from the documents.
    Unknown,
    /// Something of its kind.
    Transferable,
    /// Said, and not shown.
    ClaimOnly,
    /// Part of it.
    Partial,
    /// Shown.
    Met,
}

impl Status {
    /// How a report says it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Met => "shown",
            Self::Partial => "partly shown",
            Self::ClaimOnly => "stated, not shown",
            Self::Transferable => "something similar is shown",
            Self::Unknown => "can't be told from these documents",
            Self::NotFound => "not shown in these documents",
            Self::Contradicted => "the documents say otherwise",
        }
    }
}

/// Something that is odd about the documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// A word for its kind: `reversed_dates`.
    pub kind: &'static str,
    /// What is odd.
    pub text: String,
    /// Where.
    pub span: Option<Span>,
}
