//! How does a folder appear whole or not at all? It is written where nobody looks, and renamed into its place.
//!
//! `.new/ID/` is written while `.new/ID.lock` is held locked. A lock ends with its process, however that ends, so that who
//! tidies up knows a dead writer from a slow one without asking for process numbers, which other machines and containers
//! give out too.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::id::fresh;

/// The hidden folder in a store where runs are written.
pub(crate) const NEW: &str = ".new";

/// What nobody's lock protects is left alone for so long.
const DAY: Duration = Duration::from_secs(86_400);

/// How often another name is drawn, if one is taken.
const DRAWS: usize = 16;

/// A folder that is being written.
pub(crate) struct Stage {
    store: PathBuf,
    folder: PathBuf,
    lock: PathBuf,
    /// Held until the end.
    _held: File,
}

impl Stage {
    pub(crate) fn new(store: &Path, started: &str) -> io::Result<Self> {
        let new = store.join(NEW);
        fs_err::create_dir_all(&new)?;
        let mut failed = None;
        for _ in 0..DRAWS {
            let name = fresh(started);
            let (folder, lock) = (new.join(&name), new.join(format!("{name}.lock")));
            let held = match fs_err::OpenOptions::new().write(true).create_new(true).open(&lock) {
                Ok(file) => file.into_parts().0,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    failed = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            // Somebody may have taken the new file for a dead writer's, before it was locked: then it is theirs.
            // Where a file system knows no locks, age alone protects.
            let taken = matches!(held.try_lock(), Err(TryLockError::WouldBlock));
            if taken || !lock.exists() {
                failed = Some(io::Error::other(format!("{}: taken by who tidies up", lock.display())));
                continue;
            }
            let stage = Self { store: store.to_owned(), folder, lock, _held: held };
            fs_err::create_dir(&stage.folder)?;
            return Ok(stage);
        }
        Err(failed.unwrap_or_else(|| io::Error::other("no name is free")))
    }

    /// Where to write.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Moves the folder to its place and answers its name there. When this returns, it outlasts a loss of power.
    pub(crate) fn commit(self, started: &str) -> io::Result<String> {
        sync_tree(&self.folder)?;
        let mut name =
            self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for draw in 1.. {
            // A folder does not replace one in which something is.
            match fs_err::rename(&self.folder, self.store.join(&name)) {
                Ok(()) => break,
                Err(error) if draw == DRAWS || !self.store.join(&name).exists() => return Err(error),
                Err(_) => name = fresh(started),
            }
        }
        sync_folder(&self.store)?;
        Ok(name)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What was renamed is no longer there, and what failed is of no use. The lock goes last.
        let _ = fs_err::remove_dir_all(&self.folder);
        let _ = fs_err::remove_file(&self.lock);
    }
}

/// Makes a folder and all in it outlast a loss of power.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            fs_err::OpenOptions::new().read(true).write(true).open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

/// Makes the names in a folder outlast a loss of power, where a folder can be opened for that.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs_err::File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes what writers left who are no more; how many folders that were.
pub(crate) fn clean(store: &Path) -> io::Result<usize> {
    let new = store.join(NEW);
    if !new.is_dir() {
        return Ok(0);
    }
    let mut cleaned = 0;
    let mut remove = |folder: &Path| -> io::Result<()> {
        if folder.is_dir() {
            fs_err::remove_dir_all(folder)?;
            cleaned += 1;
        }
        Ok(())
    };
    for entry in fs_err::read_dir(&new)? {
        let path = entry?.path();
        match path.extension().and_then(|end| end.to_str()) {
            Some("lock") => {
                // Who has just ended takes the file along.
                let Ok(file) = fs_err::OpenOptions::new().write(true).open(&path) else { continue };
                let file = file.into_parts().0;
                let dead = match file.try_lock() {
                    Ok(()) => true,
                    Err(TryLockError::WouldBlock) => false,
                    Err(TryLockError::Error(_)) => is_old(&path),
                };
                if dead {
                    remove(&path.with_extension(""))?;
                    let _ = fs_err::remove_file(&path);
                }
            }
            Some(_) => {}
            // No writer makes a folder without its lock; somebody else may have.
            None if !path.with_extension("lock").exists() && is_old(&path) => remove(&path)?,
            None => {}
        }
    }
    Ok(cleaned)
}

fn is_old(path: &Path) -> bool {
    let written = path.metadata().and_then(|about| about.modified());
    written.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > DAY))
}

/// Holds a store's lock of that name while it lives. None, where there can be none: what follows is done without.
pub(crate) fn guard(store: &Path, name: &str) -> Option<File> {
    let path = store.join(NEW).join(format!("{name}.guard"));
    let file =
        fs_err::OpenOptions::new().write(true).create(true).truncate(false).open(path).ok()?.into_parts().0;
    // What is done under it takes milliseconds; a process that was stopped in it must not stop all others.
    for _ in 0..1000 {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_becomes_a_folder_or_nothing() {
        let store = tempfile::tempdir().unwrap();
        let moment = "2026-11-27T22:13:13Z";
        let stage = Stage::new(store.path(), moment).unwrap();
        fs_err::write(stage.folder().join("a"), "a").unwrap();
        let name = stage.commit(moment).unwrap();
        assert_eq!(fs_err::read_to_string(store.path().join(&name).join("a")).unwrap(), "a");
        drop(Stage::new(store.path(), moment).unwrap());
        assert_eq!(fs_err::read_dir(store.path().join(NEW)).unwrap().count(), 0);
    }

    #[test]
    fn a_taken_name_is_left_alone() {
        let store = tempfile::tempdir().unwrap();
        let moment = "2026-11-27T22:13:13Z";
        let stage = Stage::new(store.path(), moment).unwrap();
        let taken = store.path().join(stage.folder().file_name().unwrap());
        fs_err::create_dir(&taken).unwrap();
        fs_err::write(taken.join("theirs"), "").unwrap();
        fs_err::write(stage.folder().join("ours"), "").unwrap();
        let name = stage.commit(moment).unwrap();
        assert!(taken.join("theirs").exists() && !taken.join("ours").exists());
        assert!(store.path().join(name).join("ours").exists());
    }

    #[test]
    fn only_what_dead_writers_left_is_removed() {
        let store = tempfile::tempdir().unwrap();
        let new = store.path().join(NEW);
        let alive = Stage::new(store.path(), "2026-11-27T22:13:13Z").unwrap();
        fs_err::create_dir(new.join("dead")).unwrap();
        fs_err::write(new.join("dead/run.json"), "{").unwrap();
        fs_err::write(new.join("dead.lock"), "").unwrap();
        fs_err::create_dir(new.join("young-without-lock")).unwrap();
        assert_eq!(clean(store.path()).unwrap(), 1);
        assert!(!new.join("dead").exists() && !new.join("dead.lock").exists());
        assert!(new.join("young-without-lock").exists());
        let folder = alive.folder().to_owned();
        assert!(folder.exists());
        alive.commit("2026-11-27T22:13:13Z").unwrap();
        assert_eq!(clean(store.path()).unwrap(), 0);
    }
}
