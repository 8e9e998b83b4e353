//! What was read? Text in blocks, each with where it came from, so that every quote can be looked up.

use std::ops::Range;

/// Where a piece of text stands in its source.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A line of a text file, from 1.
    Line(u32),
    /// A page of a PDF, from 1, and the line on it.
    Page(u32, u32),
    /// A paragraph, cell or box of a document, or a key of a JSON file.
    Node(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "{line}"),
            Self::Page(page, line) => write!(f, "p{page}:{line}"),
            Self::Node(node) => f.write_str(node),
        }
    }
}

/// What a block of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A heading and its level, from 1.
    Heading(u8),
    /// An item of a list.
    Item,
    /// A paragraph, or a line that stands alone.
    Paragraph,
    /// A cell of a table.
    Cell,
}

/// Text that belongs together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in [`Document::text`].
    pub range: Range<usize>,
}

/// What an input is made of, as far as its reader could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// Plain text.
    Text,
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// PDF.
    Pdf,
    /// Office Open XML.
    Docx,
    /// JSON Resume.
    JsonResume,
    /// BibTeX.
    Bibtex,
    /// A git checkout.
    Repository,
}

/// One input as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// How the user named it.
    pub name: String,
    /// What it was.
    pub media: Media,
    /// All of its text, block after block, a line feed after each.
    pub text: String,
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
    /// From which byte of `text` on which place holds, ascending.
    places: Vec<(usize, Place)>,
    /// SHA-256 of the input's bytes, in hexadecimal.
    pub sha256: String,
}

impl Document {
    /// An empty document, to be filled by a reader.
    #[must_use]
    pub fn new(name: &str, media: Media) -> Self {
        let (text, sha256) = (String::new(), String::new());
        Self { name: name.to_owned(), media, text, blocks: Vec::new(), places: Vec::new(), sha256 }
    }

    /// Adds a block of pieces; each piece has its own place. Blank pieces are left out, blanks are folded.
    pub fn push<'a>(&mut self, kind: Kind, pieces: impl IntoIterator<Item = (&'a str, Place)>) {
        let start = self.text.len();
        for (piece, place) in pieces {
            for word in piece.split_whitespace() {
                if self.text.len() > start {
                    self.text.push(' ');
                }
                if self.places.last().is_none_or(|(_, last)| *last != place) {
                    self.places.push((self.text.len(), place.clone()));
                }
                self.text.push_str(word);
            }
        }
        if self.text.len() > start {
            self.blocks.push(Block { kind, range: start..self.text.len() });
            self.text.push('\n');
        }
    }

    /// Where a byte of the text came from.
    #[must_use]
    pub fn place(&self, at: usize) -> &Place {
        const NOWHERE: &Place = &Place::Line(0);
        let after = self.places.partition_point(|(start, _)| *start <= at);
        after.checked_sub(1).map_or(NOWHERE, |before| &self.places[before].1)
    }

    /// The text of a block.
    #[must_use]
    pub fn block_text(&self, block: &Block) -> &str {
        &self.text[block.range.clone()]
    }
}

/// A piece of one of the inputs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which of the inputs.
    pub document: usize,
    /// First byte in its text.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl Span {
    /// The bytes.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}
