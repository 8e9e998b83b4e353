//! How does a run come into a store?

use std::path::{Component, Path, PathBuf};

use super::index::Trouble;
use super::record::{Record, hex};
use super::stage::Stage;
use super::{NOTES_FILE, Notes, Store, StoreError, sync};
use crate::{Artifact, FILE, Run};

/// A file that goes into a run's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its name there, or a path within the folder.
    pub name: PathBuf,
    /// Where it is now; it is copied.
    pub from: PathBuf,
}

/// Bytes that become a file in a run's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBytes {
    /// Its name there, or a path within the folder.
    pub name: PathBuf,
    /// What stands in it.
    pub bytes: Vec<u8>,
}

/// A run that is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Added {
    /// Its name.
    pub id: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Whether this very `run.json` was there before, and nothing was done.
    pub was_there: bool,
    /// What came out of the run, lay in its folder and was not taken along, since its bytes are no longer the run's.
    pub left: Vec<PathBuf>,
}

impl Store {
    /// Adds a run with its files. When this returns, it is there, also after a loss of power.
    ///
    /// # Errors
    /// When a file can't be read, has no name for a folder, or the directory can't be written to.
    pub fn add(&mut self, run: &Run, files: &[NewFile]) -> Result<Added, StoreError> {
        self.commit(&run.started, |folder| {
            run.write(folder)?;
            copy(files, folder)
        })
    }

    /// Adds a run with files that are not written yet, and with what people say about it: all of it at once, or nothing.
    ///
    /// # Errors
    /// When a file has no name for a folder, a tag or the note is none, or the directory can't be written to.
    pub fn add_written(&mut self, run: &Run, files: &[NewBytes], notes: &Notes) -> Result<Added, StoreError> {
        notes.check()?;
        self.commit(&run.started, |folder| {
            run.write(folder)?;
            if *notes != Notes::default() {
                notes.write(folder)?;
            }
            for NewBytes { name, bytes } in files {
                fs_err::write(place_within(name, folder)?, bytes)?;
            }
            Ok(())
        })
    }

    /// Adds a run to a directory without opening its index, which may be a later program's: whoever can read that finds the
    /// folder.
    ///
    /// # Errors
    /// When the directory can't be written to.
    pub fn add_without_index(dir: &Path, run: &Run) -> Result<Added, StoreError> {
        let id = place(dir, &run.started, |folder| {
            run.write(folder)?;
            Ok(())
        })?;
        Ok(Added { folder: dir.join(&id), id, was_there: false, left: Vec::new() })
    }

    /// Adds a copy of a folder that `--run` wrote: its `run.json` byte for byte, its notes, and what came out of the run and
    /// lies in the folder. A run that is there already is not added twice.
    ///
    /// # Errors
    /// When there is no run in it, or the directory can't be written to.
    pub fn add_folder(&mut self, folder: &Path) -> Result<Added, StoreError> {
        let folder = match folder.parent() {
            Some(parent) if folder.is_file() && folder.file_name().is_some_and(|name| name == FILE) => parent,
            _ => folder,
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if !folder.exists() {
            fs_err::metadata(folder)?;
        }
        let file = folder.join(FILE);
        if folder.is_dir() && !file.exists() {
            return Err(StoreError::NoRun { folder: folder.to_owned() });
        }
        let run = Run::read(&file)?;
        let bytes = fs_err::read(&file)?;
        let notes = Notes::read(folder)?;
        let content = hex(&bytes);
        let there = self.with(|dir, index| {
            sync::bring_up_to_date(dir, index)?;
            index.with_content(&content)
        })?;
        if let Some(id) = there {
            return Ok(Added { folder: self.dir.join(&id), id, was_there: true, left: Vec::new() });
        }
        let (files, left) = outputs_within(&run, folder);
        let added = self.commit(&run.started, |new| {
            fs_err::write(new.join(FILE), &bytes)?;
            if notes != Notes::default() {
                notes.write(new)?;
            }
            copy(&files, new)
        })?;
        Ok(Added { left, ..added })
    }

    fn commit(
        &mut self,
        started: &str,
        write: impl FnOnce(&Path) -> Result<(), StoreError>,
    ) -> Result<Added, StoreError> {
        let id = place(&self.dir, started, write)?;
        // From here on it is there. An index that does not take it up now does so at the next reading.
        let record = Record::read(&self.dir, &id);
        if let Err(Trouble::Broken(_)) = self.index.put(&[record]) {
            let _ = self.with(sync::bring_up_to_date);
        }
        Ok(Added { folder: self.dir.join(&id), id, was_there: false, left: Vec::new() })
    }
}

fn place(
    dir: &Path,
    started: &str,
    write: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<String, StoreError> {
    let stage = Stage::new(dir, started)?;
    write(stage.folder())?;
    Ok(stage.commit(started)?)
}

fn copy(files: &[NewFile], folder: &Path) -> Result<(), StoreError> {
    for NewFile { name, from } in files {
        let to = place_within(name, folder)?;
        let mut source = fs_err::File::open(from)?;
        // Not with its rights: what can't be written can't be made to last, or removed.
        std::io::copy(&mut source, &mut fs_err::File::create(&to)?)?;
    }
    Ok(())
}

/// Where a file goes; folders on the way are made.
fn place_within(name: &Path, folder: &Path) -> Result<PathBuf, StoreError> {
    if !is_name(name) {
        return Err(StoreError::Name { name: name.to_owned() });
    }
    let to = folder.join(name);
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent)?;
    }
    Ok(to)
}

/// What came out and lies in the folder, and of that what has changed since or can't be called so in a store. A folder may hold much else, as the one in which
/// somebody works; that is not the run's.
fn outputs_within(run: &Run, folder: &Path) -> (Vec<NewFile>, Vec<PathBuf>) {
    let (mut files, mut left): (Vec<NewFile>, Vec<PathBuf>) = (Vec::new(), Vec::new());
    let Ok(whole) = fs_err::canonicalize(folder) else { return (files, left) };
    for output in &run.outputs {
        let Some(hash) = &output.sha256 else { continue };
        // As it was named where the command was given, or as it is named in the folder.
        let named = Path::new(&output.path);
        let places = [named.to_owned(), folder.join(named)];
        let lies_within = |place: &PathBuf| {
            let place = fs_err::canonicalize(place).ok().filter(|place| place.is_file())?;
            place.strip_prefix(&whole).ok().map(Path::to_owned)
        };
        let Some(name) = places.iter().find_map(lies_within) else { continue };
        let from = whole.join(&name);
        if files.iter().any(|file| file.name == name) {
            continue;
        }
        let now = Artifact::of(&output.role, &from).ok().and_then(|now| now.sha256);
        if now.as_ref() == Some(hash) && is_name(&name) {
            files.push(NewFile { name, from });
        } else {
            left.push(name);
        }
    }
    (files, left)
}

/// Whether a file may be called so in a run's folder: below it, not hidden, and not as our own files.
fn is_name(name: &Path) -> bool {
    let is_plain = |part: Component<'_>| match part {
        Component::Normal(part) => !part.to_string_lossy().starts_with('.'),
        _ => false,
    };
    let is_ours = name == Path::new(FILE) || name == Path::new(NOTES_FILE);
    !name.as_os_str().is_empty() && !is_ours && name.components().all(is_plain)
}
