//! How well does a profile fit a posting? An analysis in which every claim cites and every number derives.
//!
//! For one person who analyses their own application. It does not rank people, and the fit that it reports is the
//! coverage of a posting's stated requirements by the documents given, not a probability of anything.
//!
//! Typed checks decide: years by the union of dated months, degrees by level and field, names by a table of aliases,
//! with denials, wishes and other people's work told from one's own. A thesaurus and n-grams propose passages to ask about;
//! no similarity of texts makes anything "shown".
//!
//! ```
//! use pellucid_position::months::Day;
//! use pellucid_position::read::Input;
//! use pellucid_position::{Request, analyze};
//!
//! let input = |name: &str, text: &str| Input { name: name.to_owned(), bytes: text.as_bytes().to_vec() };
//! let profile = "# Experience\n\n## Developer, Acme, 2018-01 to 2022-12\n\n- Wrote the API in Go.";
//! let posting = "# Requirements\n\n- Experience with Go\n- Experience with Kubernetes";
//! let request = Request {
//!     profile: vec![input("cv.md", profile)],
//!     posting: Some(input("posting.md", posting)),
//!     ..Request::default()
//! };
//! let analysis = analyze(&request, Day::new(2025, 1, 1).ok_or("no such day")?)?;
//!
//! let shown = &analysis.verdicts[0];
//! assert_eq!(shown.rule, "alias.shown");
//! assert_eq!(analysis.quote(&analysis.profile.facts[shown.support[0]].span), "Wrote the API in Go.");
//! // One of two, equally insisted on, and nothing is vague: an exact half.
//! assert_eq!(analysis.fit.interval.map(|end| end.to_string()), ["1/2", "1/2"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod amounts;
mod analysis;
mod asked;
pub mod concepts;
mod content;
pub mod dates;
pub mod document;
mod doubt;
pub mod fit;
mod groups;
pub mod judge;
pub mod model;
pub mod months;
pub mod nearness;
pub mod posting;
pub mod profile;
pub mod read;
pub mod report;
pub mod review;
pub mod sections;
mod stance;
mod text;
pub mod topics;

pub use analysis::{Analysis, AnalysisError, Request, analyze, analyze_documents, analyze_reviewed};

/// Loads the bundled tables, which the first analysis does otherwise. A face may do it beside its own reading.
pub fn prepare() {
    topics::load();
    nearness::load();
    concepts::load();
}
