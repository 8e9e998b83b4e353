//! Does the index say what the folders say? Names, times and sizes are compared, and what differs is read.

use std::collections::BTreeMap;
use std::path::Path;

use super::Unreadable;
use super::index::{Index, Trouble};
use super::record::{Record, Stamp};

/// Folders that are read before they are written to the index, so that others wait only for a short time.
const AT_A_TIME: usize = 128;

/// What reading all folders anew has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reindexed {
    /// Folders that were read.
    pub read: usize,
    /// Those that the index lacked.
    pub added: usize,
    /// Those that had changed since they were indexed.
    pub refreshed: usize,
    /// Those that were in the index and are gone.
    pub removed: usize,
    /// What dead writers had left and was removed.
    pub cleaned: usize,
    /// What could not be read. It stays where it is.
    pub unreadable: Vec<Unreadable>,
}

/// Reads what the index lacks or has otherwise.
pub(crate) fn bring_up_to_date(dir: &Path, index: &mut Index) -> Result<(), Trouble> {
    compare(dir, index, false).map(|_| ())
}

/// Reads everything.
pub(crate) fn read_all(dir: &Path, index: &mut Index) -> Result<Reindexed, Trouble> {
    compare(dir, index, true)
}

fn compare(dir: &Path, index: &mut Index, all: bool) -> Result<Reindexed, Trouble> {
    // The index first: a folder that it knows by now is seen below, unless it is gone.
    let mut known: BTreeMap<String, Stamp> = index.stamps()?.into_iter().collect();
    let mut done = Reindexed::default();
    let mut to_read = Vec::new();
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        // A name that is no text is shown as one, which no folder has: it is reported, and can't be asked for.
        let id = name.to_string_lossy().into_owned();
        // A link to a folder is a folder here.
        if id.starts_with('.') || !entry.path().is_dir() {
            continue;
        }
        match known.remove(&id) {
            Some(stamp) => {
                let changed = stamp != Stamp::of(&entry.path());
                done.refreshed += usize::from(changed);
                if changed || all {
                    to_read.push(id);
                }
            }
            None => {
                done.added += 1;
                to_read.push(id);
            }
        }
    }
    to_read.sort_unstable();
    done.read = to_read.len();
    for ids in to_read.chunks(AT_A_TIME) {
        let records: Vec<Record> = ids.iter().map(|id| Record::read(dir, id)).collect();
        index.put(&records)?;
        let reasons = records.into_iter().filter_map(|record| {
            let reason = match record.found {
                Ok(known) => known.no_notes?,
                Err(reason) => reason,
            };
            Some(Unreadable { id: record.id, reason })
        });
        done.unreadable.extend(reasons);
    }
    let gone: Vec<String> = known.into_keys().filter(|id| !dir.join(id).is_dir()).collect();
    if !gone.is_empty() {
        index.remove(&gone)?;
    }
    done.removed = gone.len();
    Ok(done)
}
