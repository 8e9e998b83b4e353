//! What does the index keep of a run's folder, and has the folder changed since?

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{NOTES_FILE, Notes};
use crate::{Artifact, FILE, Run, RunError};

/// Bytes of a `run.json` that is read, at most.
const MOST_BYTES: i64 = 64 << 20;

/// Results that are kept in the index, at most; all are in the folder.
const MOST_RESULTS: usize = 16;

/// Names of files that a list shows, at most, of what went in and of what came out.
pub(crate) const MOST_FILES: usize = 4;

/// A run as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// The name of its folder in the store.
    pub id: String,
    /// What was done: `explain`, `predict`.
    pub verb: String,
    /// When it began, in UTC, as RFC 3339.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The program's version.
    pub version: String,
    /// The first input that was a model.
    pub model: Option<Named>,
    /// The first input that was data.
    pub data: Option<Named>,
    /// Words to find it by, sorted.
    pub tags: Vec<String>,
    /// What somebody noted.
    pub note: Option<String>,
    /// The first few results that are one number, word or yes or no.
    pub results: BTreeMap<String, Value>,
    /// The first few files that went in, as they were named, and how many did.
    pub inputs: Vec<String>,
    /// How many.
    pub n_inputs: usize,
    /// The same of what came out.
    pub outputs: Vec<String>,
    /// How many.
    pub n_outputs: usize,
}

/// A file by its name and its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Where it was, as it was named.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal, where it was a file.
    pub sha256: Option<String>,
}

/// A folder that is no run one could read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unreadable {
    /// Its name in the store.
    pub id: String,
    /// What is wrong with it.
    pub reason: String,
}

/// How the two files of a folder looked from outside: when they were changed, in nanoseconds since 1970, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) run: (i64, i64),
    pub(crate) notes: (i64, i64),
}

/// A folder as it was read.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) stamp: Stamp,
    pub(crate) found: Result<Box<Known>, String>,
}

/// A run that was read.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) entry: Entry,
    pub(crate) inputs: Vec<Artifact>,
    pub(crate) outputs: Vec<Artifact>,
    /// SHA-256 of `run.json`: whether this very run is there already.
    pub(crate) content: String,
    /// Why its notes could not be read.
    pub(crate) no_notes: Option<String>,
}

impl Stamp {
    pub(crate) fn of(folder: &Path) -> Self {
        let look = |name: &str| {
            let about = folder.join(name).metadata().ok();
            about
                .as_ref()
                .map_or((0, -1), |about| (nanoseconds(about), i64::try_from(about.len()).unwrap_or(i64::MAX)))
        };
        Self { run: look(FILE), notes: look(NOTES_FILE) }
    }
}

fn nanoseconds(about: &Metadata) -> i64 {
    let since = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

impl Record {
    /// Reads a run's folder. What can't be read is a record as well.
    pub(crate) fn read(store: &Path, id: &str) -> Self {
        let folder = store.join(id);
        // Before the bytes: what changes in between is read again next time.
        let stamp = Stamp::of(&folder);
        let found = read(&folder, id, stamp).map(Box::new).map_err(|error| error.to_string());
        Self { id: id.to_owned(), stamp, found }
    }
}

fn read(folder: &Path, id: &str, stamp: Stamp) -> Result<Known, RunError> {
    let path = folder.join(FILE);
    let other = |text: String| RunError::from(std::io::Error::other(text));
    let about = match path.metadata() {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(other(format!("{}: no {FILE} is in it", folder.display())));
        }
        Err(_) => fs_err::metadata(&path)?,
    };
    // A pipe of that name would be waited for, and a disk's image would be read.
    if !about.is_file() || stamp.run.1 > MOST_BYTES {
        return Err(other(format!("{}: no file of at most {MOST_BYTES} bytes", path.display())));
    }
    let run = Run::read(&path)?;
    let content = hex(&fs_err::read(&path)?);
    let (notes, no_notes) = match Notes::read(folder) {
        Ok(notes) => (notes, None),
        Err(error) => (Notes::default(), Some(error.to_string())),
    };
    let entry = Entry::of(id, &run, notes);
    Ok(Known { entry, inputs: run.inputs, outputs: run.outputs, content, no_notes })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Entry {
    fn of(id: &str, run: &Run, notes: Notes) -> Self {
        let first = |role: &str| {
            let file = run.inputs.iter().find(|file| file.role == role)?;
            Some(Named { path: file.path.clone(), sha256: file.sha256.clone() })
        };
        let short = |value: &Value| match value {
            Value::Number(_) | Value::Bool(_) => true,
            Value::String(text) => text.len() <= 200,
            _ => false,
        };
        let names =
            |files: &[Artifact]| files.iter().take(MOST_FILES).map(|file| file.path.clone()).collect();
        let results = run.results.iter().filter(|(_, value)| short(value)).take(MOST_RESULTS);
        Self {
            id: id.to_owned(),
            verb: run.verb.clone(),
            started: run.started.clone(),
            seconds: run.seconds,
            version: run.version.clone(),
            model: first("model"),
            data: first("data"),
            tags: notes.tags.into_iter().collect(),
            note: notes.note,
            results: results.map(|(name, value)| (name.clone(), value.clone())).collect(),
            inputs: names(&run.inputs),
            n_inputs: run.inputs.len(),
            outputs: names(&run.outputs),
            n_outputs: run.outputs.len(),
        }
    }
}
