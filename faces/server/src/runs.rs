//! What was done before, and where does it lie? Stores of runs and single runs that were opened.

pub(crate) mod files;
pub(crate) mod keep;
pub(crate) mod said;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use pellucid_runs::{FILE, Found, Notes, Run, Store, StoreError, rfc3339};

use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::opened::{Source, Thing, What};
use crate::workbench::{Workbench, pick};

/// Bytes at a file's beginning that say what it is.
const HEAD: u64 = 512;

/// Folders of a directory that are looked at to tell whether it holds runs.
const LOOKED_AT: usize = 1_000;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Words { .. } | StoreError::Ambiguous { .. } => Code::Usage,
            StoreError::NoSuch { .. } => Code::NotFound,
            _ => Code::Input,
        };
        Self::new(code, error.to_string())
    }
}

/// Whether a file says that it is a run's.
pub(crate) fn is_run_file(path: &Path) -> bool {
    if path.file_name().is_none_or(|name| name != FILE) {
        return false;
    }
    let mut head = Vec::new();
    let read = fs_err::File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains("\"pellucid.run/")
}

/// Whether a folder holds runs; one that was copied without its index does so too.
pub(crate) fn is_store(path: &Path) -> bool {
    let holds = || {
        let folders = fs_err::read_dir(path).into_iter().flatten().flatten().take(LOOKED_AT);
        folders.into_iter().any(|entry| is_run_file(&entry.path().join(FILE)))
    };
    Store::is_store(path) || holds()
}

/// One run, by its folder or its file.
pub(crate) fn one(path: &Path) -> Result<What, Failure> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let run = Run::read(folder).map_err(Failure::input)?;
    Ok(What::Run { folder: folder.to_owned(), verb: run.verb, started: run.started })
}

/// This moment, as people read it.
pub(crate) fn now() -> String {
    rfc3339(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

impl Thing {
    pub(crate) fn is_store(&self) -> bool {
        matches!(self.what, What::Runs)
    }

    fn is_run(&self) -> bool {
        matches!(self.what, What::Run { .. })
    }

    /// Its path, where it is a file or a folder.
    pub(crate) fn path(&self) -> Option<&Path> {
        if let Source::File(path) = &self.source { Some(path) } else { None }
    }
}

impl Workbench {
    /// The store or the single run of an address (`runs=`), or the first one.
    pub(crate) fn runs(&self, address: &Address) -> Result<&Thing, Failure> {
        let all = self.things.iter().filter(|thing| thing.is_store() || thing.is_run());
        pick(all, address.one("runs")?, "store of runs", |of| &of.id)
    }

    /// The store of that name, or the first one.
    pub(crate) fn store(&self, named: Option<&str>) -> Result<(&Thing, PathBuf), Failure> {
        let all = self.things.iter().filter(|thing| thing.is_store());
        let thing = pick(all, named, "store of runs", |of| &of.id).map_err(|failure| {
            let how = "; `pellucid runs init` makes one, and `pellucid workbench .pellucid/runs FILE...` opens it with files";
            Failure::new(failure.code, failure.message + how)
        })?;
        Ok((thing, store_of(thing)?))
    }

    /// A run by what is enough of its name, or a single one that was opened.
    pub(crate) fn run(&self, of: &Thing, text: &str) -> Result<Found, Failure> {
        if let Some(single) = self.things.iter().find(|thing| thing.is_run() && thing.id == text) {
            return alone(single);
        }
        if of.is_run() {
            return Err(Failure::new(
                Code::NotFound,
                format!("`{text}`: no run that was opened has this name; open its store to find it there"),
            ));
        }
        Ok(Store::open(&store_of(of)?)?.get(text)?)
    }
}

/// Where a store lies.
pub(crate) fn store_of(thing: &Thing) -> Result<PathBuf, Failure> {
    let none = || Failure::input(format!("{} is no store of runs", thing.title));
    thing.path().filter(|_| thing.is_store()).map(Path::to_owned).ok_or_else(none)
}

/// A run that was opened by itself.
pub(crate) fn alone(thing: &Thing) -> Result<Found, Failure> {
    let What::Run { folder, .. } = &thing.what else {
        return Err(Failure::input(format!("{} is no run", thing.title)));
    };
    let (run, notes) = (Run::read(folder).map_err(Failure::input)?, Notes::read(folder)?);
    Ok(Found::new(thing.id.clone(), folder.clone(), run, notes))
}
