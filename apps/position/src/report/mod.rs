//! What does the reader get? A report as a value, in the order of a conversation: the answer, what speaks for you,
//! what is missing, what to do, how to prepare, and where every claim comes from.
//!
//! Every line either cites the documents or is marked as advice. Renderers change the form and no word.

mod ask;
mod compose;
mod docx;
mod html;
mod json;
mod markdown;
pub mod saved;
mod say;

pub use ask::{probe, question, step};
pub use compose::compose;
pub use docx::docx;
pub use html::html;
pub use json::json;
pub use markdown::markdown;
pub use say::short;

use crate::document::Span;
use crate::model::Status;

/// A line of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What stands before it, in bold.
    pub lead: String,
    /// What it says.
    pub text: String,
    /// What it rests on.
    pub cites: Vec<Span>,
    /// The status that it speaks of.
    pub status: Option<Status>,
    /// The requirement that it speaks of, by its place.
    pub requirement: Option<usize>,
    /// Whether it advises rather than claims.
    pub advice: bool,
}

impl Line {
    fn claim(lead: &str, text: String, cites: Vec<Span>) -> Self {
        Self { lead: lead.to_owned(), text, cites, status: None, requirement: None, advice: false }
    }

    fn advice(lead: &str, text: String) -> Self {
        Self { lead: lead.to_owned(), text, cites: Vec::new(), status: None, requirement: None, advice: true }
    }

    fn about(mut self, requirement: usize, status: Status) -> Self {
        (self.requirement, self.status) = (Some(requirement), Some(status));
        self
    }
}

/// A part of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// From 2 (a chapter) to 3.
    pub level: u8,
    /// Its heading.
    pub heading: String,
    /// Paragraphs before the items.
    pub paragraphs: Vec<Line>,
    /// Items.
    pub items: Vec<Line>,
    /// Whether the items are numbered.
    pub numbered: bool,
}

impl Section {
    fn new(level: u8, heading: &str) -> Self {
        Self {
            level,
            heading: heading.to_owned(),
            paragraphs: Vec::new(),
            items: Vec::new(),
            numbered: false,
        }
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Its title.
    pub title: String,
    /// How it was made, as pairs.
    pub header: Vec<(String, String)>,
    /// Its parts, in order.
    pub sections: Vec<Section>,
}
