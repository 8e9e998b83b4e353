//! What do people say about a run? Tags and a note, in `notes.json` beside its `run.json`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::stage::sync_folder;

/// The version of the format that is written.
pub const NOTES_SCHEMA: &str = "pellucid.run-notes/1";

/// The name of the file in a run's folder.
pub const NOTES_FILE: &str = "notes.json";

/// Bytes of a file of notes, at most.
const MOST_BYTES: u64 = 1 << 20;

/// Tags of a run, at most: what is written fits into what is read.
const MOST_TAGS: usize = 64;

/// What people say about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// [`NOTES_SCHEMA`].
    pub schema: String,
    /// Words to find it by.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// A text.
    #[serde(default)]
    pub note: Option<String>,
}

impl Default for Notes {
    fn default() -> Self {
        Self { schema: NOTES_SCHEMA.to_owned(), tags: BTreeSet::new(), note: None }
    }
}

impl Notes {
    /// Reads the notes in a run's folder; empty ones, where there are none.
    ///
    /// # Errors
    /// When the file can't be read, is none of notes, or of a later version.
    pub fn read(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(NOTES_FILE);
        let about = match path.metadata() {
            Ok(about) => about,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(_) => fs_err::metadata(&path)?,
        };
        let wrong = |cause: String| StoreError::Notes { path: path.clone(), cause };
        // A pipe of that name would be waited for.
        if !about.is_file() || about.len() > MOST_BYTES {
            return Err(wrong(format!("no file of at most {MOST_BYTES} bytes")));
        }
        let notes: Self =
            serde_json::from_slice(&fs_err::read(&path)?).map_err(|cause| wrong(cause.to_string()))?;
        if notes.schema != NOTES_SCHEMA {
            return Err(wrong(format!("format `{}`; this program reads `{NOTES_SCHEMA}`", notes.schema)));
        }
        notes.check()?;
        Ok(notes)
    }

    /// Whether tags can be typed and told apart, and the note is no book.
    ///
    /// # Errors
    /// Says which is not.
    pub fn check(&self) -> Result<(), StoreError> {
        let wrong = |text: &str, why| StoreError::Words { text: text.chars().take(40).collect(), why };
        if self.tags.len() > MOST_TAGS {
            return Err(wrong(&self.tags.len().to_string(), "so many tags; a run has at most 64"));
        }
        for tag in &self.tags {
            let odd = |c: char| c.is_whitespace() || c.is_control() || c == ',';
            if tag.is_empty() || tag.chars().count() > 64 || tag.contains(odd) {
                return Err(wrong(tag, "a tag is one word of at most 64 characters, without commas"));
            }
        }
        match &self.note {
            Some(note) if note.len() > 4096 => {
                Err(wrong(note, "a note has at most 4096 bytes; write a file beside it"))
            }
            _ => Ok(()),
        }
    }

    /// Writes the file; it appears whole or not at all.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), StoreError> {
        self.check()?;
        let path = folder.join(NOTES_FILE);
        let text = serde_json::to_string_pretty(self)
            .map_err(|cause| StoreError::Notes { path: path.clone(), cause: cause.to_string() })?;
        let beside = folder.join(format!(".{NOTES_FILE}.{}", std::process::id()));
        let mut file = fs_err::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        drop(file);
        fs_err::rename(&beside, &path)?;
        Ok(sync_folder(folder)?)
    }
}
