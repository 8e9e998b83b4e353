//! Why could a store not do what it was asked?

use std::path::PathBuf;

use crate::RunError;

/// Why a store of runs could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system said no; its message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A run's folder or its `run.json` can't be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A folder that is no run's.
    #[error("{}: no {} is in it; give a folder that `--run` wrote", folder.display(), crate::FILE)]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no such folder.
    #[error("{}: no store of runs is there; `pellucid runs init` makes one, `--store DIR` names another", dir.display())]
    NoStore {
        /// Where it should be.
        dir: PathBuf,
    },
    /// The index was written by a later program.
    #[error(
        "{}: written by Pellucid {by} (index version {found}); this is Pellucid {}, which knows version {known}; \
         use that program, or move the file away: the folders hold everything, and an index is made of them again",
        path.display(), crate::VERSION
    )]
    Later {
        /// The index.
        path: PathBuf,
        /// The version of its tables.
        found: i64,
        /// The last version that this program knows.
        known: i64,
        /// The program that wrote it.
        by: String,
    },
    /// No run has this name.
    #[error("`{text}`: no run in {} has this id; `pellucid runs list` shows what is there", dir.display())]
    NoSuch {
        /// What was asked for.
        text: String,
        /// The store.
        dir: PathBuf,
    },
    /// Several runs have names that begin so.
    #[error("`{text}`: {} runs have ids that begin so: {}; give more of it", ids.len(), first_of(ids))]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// All that it could mean.
        ids: Vec<String>,
    },
    /// Something that can't be a tag or a note.
    #[error("`{text}`: {why}")]
    Words {
        /// What was given, or its beginning.
        text: String,
        /// What it should be instead.
        why: &'static str,
    },
    /// The notes beside a run can't be read, and are not written over.
    #[error("{}: {cause}; it is no file of notes of this program, and stays as it is", path.display())]
    Notes {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A file can't have this name in a run's folder.
    #[error("`{}`: no name for a file in a run's folder; it has to be a path within it, and not one of its own files", name.display())]
    Name {
        /// The name.
        name: PathBuf,
    },
    /// SQLite failed even in memory.
    #[error("{}: an index can be kept neither in a file nor in memory: {cause}", dir.display())]
    Index {
        /// The store.
        dir: PathBuf,
        /// What SQLite said.
        cause: String,
    },
}

fn first_of(ids: &[String]) -> String {
    let shown = ids.iter().take(4).map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    if ids.len() > 4 { format!("{shown}, …") } else { shown }
}
