//! What was done, with what, and how is it done again? A folder with one `run.json`.
//!
//! The folder is complete by itself: copy it, and nothing is lost. Many of them make a [`Store`], whose index
//! can be made from the folders at any time.

mod differences;
mod now;
mod store;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use differences::{Difference, Part, differences};
pub use now::{State, within};
pub use store::{
    Added, Entry, Filter, Found, INDEX, LOCAL_STORE, Listing, NOTES_FILE, NOTES_SCHEMA, Named, NewBytes,
    NewFile, Notes, Order, Reindexed, STORE_VARIABLE, Store, StoreError, Unreadable, default_store, short_id,
};

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of the format that is written.
pub const SCHEMA: &str = "pellucid.run/1";

/// The name of the file in the folder.
pub const FILE: &str = "run.json";

/// A file that went in or came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// What it was for: `model`, `data`, `explanation`.
    pub role: String,
    /// Where it was, as it was named.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal; `None` for standard input and output.
    pub sha256: Option<String>,
    /// How many bytes; `None` for standard input and output.
    pub bytes: Option<u64>,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: String,
    /// The program's version.
    pub version: String,
    /// What was done: `explain`, `predict`.
    pub verb: String,
    /// The command, word by word.
    pub command: Vec<String>,
    /// When it began, in UTC, as RFC 3339.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What went in.
    pub inputs: Vec<Artifact>,
    /// What came out.
    pub outputs: Vec<Artifact>,
    /// Options with the values that were used, also those that were left at their default.
    pub options: BTreeMap<String, serde_json::Value>,
    /// The numbers one looks at first: rows, worst residual.
    pub results: BTreeMap<String, serde_json::Value>,
}

/// Why a run folder could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The file system said no; its message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A folder without a run file.
    #[error("{}: a folder without {FILE}; give a model, a file of data, or the folder of a run", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// Not JSON, or not of this shape.
    #[error("{}: {cause}; it is no run file of this program", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// A later version of the format.
    #[error("{}: format `{found}` is not known; this program reads `{SCHEMA}`", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says it is.
        found: String,
    },
}

impl Artifact {
    /// Describes a file as it is now.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn of(role: &str, path: &Path) -> Result<Self, RunError> {
        let (role, shown) = (role.to_owned(), path.display().to_string());
        if path == Path::new("-") {
            return Ok(Self { role, path: shown, sha256: None, bytes: None });
        }
        // What came through a pipe can't be read again.
        if !fs_err::metadata(path)?.is_file() {
            return Ok(Self { role, path: shown, sha256: None, bytes: None });
        }
        let (sha256, bytes) = hashed(path, &mut |_| true)?.unwrap_or_default();
        Ok(Self { role, path: shown, sha256: Some(sha256), bytes: Some(bytes) })
    }

    /// Describes bytes that will be a file of this name.
    #[must_use]
    pub fn of_bytes(role: &str, path: &str, bytes: &[u8]) -> Self {
        let sha256 = Some(hex(&Sha256::digest(bytes)));
        Self { role: role.to_owned(), path: path.to_owned(), sha256, bytes: Some(bytes.len() as u64) }
    }
}

/// The hash of a file and how long it is. `read` hears of every piece and may end it with `false`, then there is none.
pub(crate) fn hashed(
    path: &Path,
    read: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<(String, u64)>, RunError> {
    let mut file = fs_err::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(Some((hex(&hash.finalize()), bytes)));
        }
        hash.update(&buffer[..n]);
        bytes += n as u64;
        if !read(n as u64) {
            return Ok(None);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Run {
    /// Writes `run.json` into a folder, which is made if it is not there. The file appears whole or not
    /// at all.
    ///
    /// # Errors
    /// When the folder can't be written to.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, RunError> {
        fs_err::create_dir_all(folder)?;
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self)
            .map_err(|cause| RunError::Shape { path: path.clone(), cause })?;
        let beside = folder.join(format!(".{FILE}.{}", std::process::id()));
        fs_err::write(&beside, text + "\n")?;
        fs_err::rename(&beside, &path)?;
        Ok(path)
    }

    /// Reads a run folder, or its `run.json` directly.
    ///
    /// # Errors
    /// When it can't be read, is no run file, or is of a later version.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let path = if path.is_dir() {
            let file = path.join(FILE);
            if !file.exists() {
                return Err(RunError::NoRun { path: path.to_owned() });
            }
            file
        } else {
            path.to_owned()
        };
        let text = fs_err::read_to_string(&path)?;
        let shape = |cause| RunError::Shape { path: path.clone(), cause };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(shape)?;
        if let Some(found) = value["schema"].as_str().filter(|&found| found != SCHEMA) {
            return Err(RunError::Version { path: path.clone(), found: found.to_owned() });
        }
        serde_json::from_value(value).map_err(shape)
    }
}

/// A moment in UTC as RFC 3339, from the seconds since 1970.
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days (Hinnant, "chrono-compatible low-level date algorithms").
    let z = days as i64 + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// Whether a text is a moment in UTC as runs have it, or the beginning of one: `2026-11`, `2026-11-27T22:13:13Z`. Moments are compared as
/// texts, so that the shape matters; months, days and hours are those that there are.
#[must_use]
pub fn is_moment(text: &str) -> bool {
    let shape = "0000-00-00T00:00:00Z";
    let same = |(a, b): (u8, u8)| if b == b'0' { a.is_ascii_digit() } else { a == b };
    if ![4, 7, 10, 13, 16, 19, 20].contains(&text.len()) || !text.bytes().zip(shape.bytes()).all(same) {
        return false;
    }
    let part = |at: usize| text.get(at..at + 2).and_then(|two| two.parse::<u32>().ok());
    let is_leap =
        |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let year = text.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0);
    let (month, day) = (part(5).unwrap_or(1), part(8).unwrap_or(1));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap(year)),
        _ => 0,
    };
    (1..=days).contains(&day)
        && part(11).is_none_or(|hour| hour < 24)
        && [14, 17].iter().all(|&at| part(at).is_none_or(|n| n < 60))
}

/// How a moment is written, for whoever wrote none.
pub const MOMENTS: &str = "a moment in UTC is written as 2026-11-27 or 2026-11-27T22:13:13Z, or the beginning of that, with a month from 01 to 12 and a day that it has";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_people_and_machines_read_them() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn moments_are_those_that_there_are() {
        for good in [
            "2026",
            "2026-11",
            "2026-11-27",
            "2024-02-29",
            "2000-02-29",
            "2026-11-27T22",
            "2026-11-27T22:13:13Z",
        ] {
            assert!(is_moment(good), "{good}");
        }
        for bad in [
            "2026-13-99",
            "2026-00",
            "2026-13",
            "2026-11-31",
            "2026-02-29",
            "1900-02-29",
            "2026-11-00",
            "2026-11-27T24",
            "2026-11-27T22:60",
            "2026-1",
            "yesterday",
        ] {
            assert!(!is_moment(bad), "{bad}");
        }
    }

    fn run(input: &Path) -> Run {
        Run {
            schema: SCHEMA.to_owned(),
            version: "0.1.0".to_owned(),
            verb: "explain".to_owned(),
            command: vec!["pellucid".to_owned(), "explain".to_owned()],
            started: rfc3339(0),
            seconds: 1.5,
            inputs: vec![Artifact::of("data", input).unwrap()],
            outputs: vec![Artifact::of("explanation", Path::new("-")).unwrap()],
            options: [("method".to_owned(), "auto".into())].into(),
            results: [("rows".to_owned(), 3.into())].into(),
        }
    }

    #[test]
    fn a_run_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("abc");
        fs_err::write(&input, "abc").unwrap();
        let run = run(&input);
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((run.inputs[0].sha256.as_deref(), run.inputs[0].bytes), (Some(hash), Some(3)));
        let path = run.write(&folder.path().join("a/b")).unwrap();
        assert_eq!(Run::read(&path).unwrap(), run);
        assert_eq!(Run::read(path.parent().unwrap()).unwrap(), run);
    }

    #[test]
    fn strangers_and_later_versions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for (text, piece) in [
            ("{", "no run file"),
            ("{\"schema\": \"pellucid.run/9\"}", "pellucid.run/9"),
            ("{\"schema\": \"pellucid.run/1\"}", "missing field"),
        ] {
            fs_err::write(&path, text).unwrap();
            let error = Run::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(piece), "{error}");
        }
    }
}
