//! Which runs have there been? A plain directory of run folders, and an index beside them.
//!
//! ```text
//! runs/
//!   20261127T221313-k3f9x2ab/   one run: its run.json, notes.json (tags and a note), files that came with it
//!   index.db                    SQLite; may be deleted at any time
//!   .new/                       what is being written, and locks
//! ```
//!
//! A run is there from the moment on at which its folder has its name: it is written in `.new/`, made to outlast a loss of
//! power, and renamed. Only then the index hears of it, and if it does not, the next reader sees that a folder is missing
//! there. Whoever reads compares the folders with the index first, by names, times and sizes of files. So a folder that
//! was copied, changed or deleted by hand is noticed, and nothing depends on the index: where it is damaged it is set
//! aside and made anew, and where there can be none (a directory that can't be written to) it is made in memory.
//!
//! Limits: a `run.json` that is changed by hand within one tick of the file system's clock and keeps its size is noticed by
//! [`Store::reindex`] only. Where a network file system has locks for each machine alone, `reindex` on one machine may
//! remove what another is just writing, which then says so and can be added again.

mod add;
mod error;
mod id;
mod index;
mod notes;
mod place;
mod query;
mod record;
mod stage;
mod sync;

use std::path::{Component, Path, PathBuf};

pub use add::{Added, NewBytes, NewFile};
pub use error::StoreError;
pub use id::short_id;
use index::{Index, Trouble};
pub use notes::{NOTES_FILE, NOTES_SCHEMA, Notes};
pub use place::{LOCAL_STORE, STORE_VARIABLE, default_store};
pub use query::{Filter, Listing, Order};
pub use record::{Entry, Named, Unreadable};
pub use sync::Reindexed;

use crate::{FILE, Run};

/// The name of the index in a store.
pub const INDEX: &str = "index.db";

/// A directory of runs that is open.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    index: Index,
    kept: Kept,
    said: Vec<String>,
}

/// Where the index is; in this order things are tried while it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    File,
    /// Opened again and looked through: somebody else may have made it anew since.
    FileAgain,
    NewFile,
    Memory,
}

/// One run as its folder has it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// Its name.
    pub id: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What was done.
    pub run: Run,
    /// What people say about it.
    pub notes: Notes,
}

impl Found {
    /// A run that was read from a folder of its own.
    #[must_use]
    pub const fn new(id: String, folder: PathBuf, run: Run, notes: Notes) -> Self {
        Self { id, folder, run, notes }
    }
}

impl Store {
    /// Whether a directory was made or used as a store: it has an index, or the place where runs are written. One that is
    /// a run itself is none.
    #[must_use]
    pub fn is_store(dir: &Path) -> bool {
        !dir.join(FILE).exists() && (dir.join(stage::NEW).is_dir() || dir.join(INDEX).is_file())
    }

    /// Opens a store, and makes the directory if it is not there.
    ///
    /// # Errors
    /// When it can't be made, or its index is a later program's.
    pub fn create(dir: &Path) -> Result<Self, StoreError> {
        fs_err::create_dir_all(dir.join(stage::NEW))?;
        Self::open(dir)
    }

    /// Opens a directory of run folders, with or without an index.
    ///
    /// # Errors
    /// When there is none, or its index is a later program's.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        if !dir.is_dir() {
            return Err(StoreError::NoStore { dir: dir.to_owned() });
        }
        // Where that fails nothing can be written, and reading goes on in memory.
        let _ = fs_err::create_dir_all(dir.join(stage::NEW));
        let mut said = Vec::new();
        let (index, kept) = open_index(dir, Kept::File, &mut said, "")?;
        Ok(Self { dir: dir.to_owned(), index, kept, said })
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How SQLite keeps what it writes whole: `wal`; `delete`, where processes can't share memory; `memory`, where there can be
    /// no file.
    #[must_use]
    pub fn journal(&self) -> &str {
        &self.index.journal
    }

    /// Takes what is worth knowing of what was done on the way: an index that was made anew, or is kept in memory.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    /// Runs that fit, the newest first, as the folders are now.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub fn list(&mut self, filter: &Filter) -> Result<Listing, StoreError> {
        self.with(|dir, index| {
            sync::bring_up_to_date(dir, index)?;
            index.list(filter)
        })
    }

    /// The one run of this name, or whose name, or its letters behind the moment, begin so.
    ///
    /// # Errors
    /// When there is none or more than one, or its folder can't be read.
    pub fn get(&mut self, text: &str) -> Result<Found, StoreError> {
        let id = self.find(text)?;
        let folder = self.dir.join(&id);
        Ok(Found { run: Run::read(&folder)?, notes: Notes::read(&folder)?, id, folder })
    }

    /// Changes what people say about a run; answers what they say now. Others that do the same wait.
    ///
    /// # Errors
    /// When there is no such run, a tag is none, or the notes can't be read or written.
    pub fn annotate(
        &mut self,
        text: &str,
        change: impl FnOnce(&mut Notes),
    ) -> Result<(String, Notes), StoreError> {
        let id = self.find(text)?;
        let folder = self.dir.join(&id);
        let guard = stage::guard(&self.dir, "notes");
        let mut notes = Notes::read(&folder)?;
        let before = notes.clone();
        change(&mut notes);
        if notes != before {
            notes.write(&folder)?;
        }
        drop(guard);
        Ok((id, notes))
    }

    /// Reads all folders anew, whether they seem changed or not, and removes what dead writers left.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub fn reindex(&mut self) -> Result<Reindexed, StoreError> {
        let cleaned = stage::clean(&self.dir)?;
        self.with(|dir, index| {
            index.check()?;
            let mut done = sync::read_all(dir, index)?;
            done.cleaned = cleaned;
            Ok(done)
        })
    }

    /// The whole name. One that is whole is looked for among the folders alone.
    fn find(&mut self, text: &str) -> Result<String, StoreError> {
        let mut parts = Path::new(text).components();
        let is_name =
            matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == text);
        if is_name && !text.starts_with('.') && self.dir.join(text).join(crate::FILE).is_file() {
            return Ok(text.to_owned());
        }
        let stamps = self.with(|dir, index| {
            sync::bring_up_to_date(dir, index)?;
            index.stamps()
        })?;
        let fits = |id: &String| !text.is_empty() && (id.starts_with(text) || short_id(id).starts_with(text));
        let all = stamps.into_iter().map(|(id, _)| id);
        let mut ids: Vec<String> = all.filter(fits).collect();
        match ids.len() {
            0 => Err(StoreError::NoSuch { text: text.to_owned(), dir: self.dir.clone() }),
            1 => Ok(ids.swap_remove(0)),
            _ => Err(StoreError::Ambiguous { text: text.to_owned(), ids }),
        }
    }

    /// Does something with the index, and once more with another where it fails. What is done must not count on anything
    /// being in it.
    fn with<T>(
        &mut self,
        mut work: impl FnMut(&Path, &mut Index) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        loop {
            match work(&self.dir, &mut self.index) {
                Ok(done) => return Ok(done),
                Err(Trouble::Folders(error)) => return Err(error.into()),
                Err(trouble) => self.replace(trouble)?,
            }
        }
    }

    /// Another index in the place of one that fails: a new file, then memory, then an error.
    fn replace(&mut self, trouble: Trouble) -> Result<(), StoreError> {
        let failed = |trouble| StoreError::Index { dir: self.dir.clone(), cause: cause_of(&trouble) };
        if self.kept == Kept::Memory {
            return Err(failed(trouble));
        }
        // The file is closed before it is moved.
        self.index = Index::in_memory().map_err(failed)?;
        let next = match (&trouble, self.kept) {
            (Trouble::Broken(_), Kept::File) => Some(Kept::FileAgain),
            (Trouble::Broken(_), Kept::FileAgain) => Some(Kept::NewFile),
            _ => None,
        };
        if let Some(next) = next {
            (self.index, self.kept) = open_index(&self.dir, next, &mut self.said, &cause_of(&trouble))?;
        } else {
            self.kept = Kept::Memory;
            self.said.push(in_memory_note(&self.dir, &trouble));
        }
        Ok(())
    }
}

/// Opens the index in the file, or makes one; `cause` is why the one before failed.
fn open_index(
    dir: &Path,
    kept: Kept,
    said: &mut Vec<String>,
    cause: &str,
) -> Result<(Index, Kept), StoreError> {
    let path = dir.join(INDEX);
    // One process at a time looks whether the file is good, and moves it.
    let _guard = stage::guard(dir, "index");
    let together = !place::is_on_network(dir);
    let opened = match kept {
        Kept::NewFile => Err(Trouble::Broken(cause.to_owned())),
        Kept::FileAgain => Index::open(&path, together).and_then(|index| index.check().map(|()| index)),
        Kept::File | Kept::Memory => Index::open(&path, together),
    };
    let trouble = match opened {
        Ok(index) => return Ok((index, kept)),
        Err(Trouble::Later { found, by }) => {
            return Err(StoreError::Later { path, found, known: index::VERSION, by });
        }
        Err(Trouble::Broken(cause)) => match set_aside(dir) {
            Ok(name) => {
                said.push(format!(
                    "{}: {cause}; it is now `{name}`, and a new index was made of the folders",
                    path.display()
                ));
                match Index::open(&path, together) {
                    Ok(index) => return Ok((index, Kept::NewFile)),
                    Err(trouble) => trouble,
                }
            }
            Err(error) => Trouble::Unusable(format!("{cause}, and can't be moved away: {error}")),
        },
        Err(trouble) => trouble,
    };
    said.push(in_memory_note(dir, &trouble));
    let failed = |trouble| StoreError::Index { dir: dir.to_owned(), cause: cause_of(&trouble) };
    Ok((Index::in_memory().map_err(failed)?, Kept::Memory))
}

/// Moves the index away, with what SQLite keeps beside it. The database goes first: a journal without one is dropped.
fn set_aside(dir: &Path) -> std::io::Result<String> {
    let name = format!("{INDEX}.broken-{}", id::fresh(""));
    fs_err::rename(dir.join(INDEX), dir.join(&name))?;
    for end in ["-wal", "-shm", "-journal"] {
        let beside = dir.join(format!("{INDEX}{end}"));
        if beside.exists() {
            fs_err::rename(beside, dir.join(format!("{name}{end}")))?;
        }
    }
    Ok(name)
}

fn in_memory_note(dir: &Path, trouble: &Trouble) -> String {
    let path = dir.join(INDEX);
    format!("{}: {}; all folders were read instead, which takes longer", path.display(), cause_of(trouble))
}

fn cause_of(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Broken(cause) | Trouble::Unusable(cause) => cause.clone(),
        Trouble::Later { by, .. } => format!("written by Pellucid {by}"),
        Trouble::Folders(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
