//! Is a file still what it was in the run?

use std::path::{Path, PathBuf};

use crate::{Artifact, RunError, hashed};

/// Bytes of a path, at most.
const MOST_BYTES: usize = 4096;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its bytes are those of the run, by their hash.
    Same,
    /// It has other bytes.
    Changed,
    /// No file is there.
    Gone,
    /// A file is there, and the run has no hash of it: it came through a pipe.
    Unknown,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}

impl Artifact {
    /// What became of it, at this place. Its bytes are read only where their number is the one of the run; `read` hears of
    /// every piece and may end it with `false`, then there is no answer.
    ///
    /// # Errors
    /// When the file is there and can't be read.
    pub fn state_at(
        &self,
        path: &Path,
        read: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Option<State>, RunError> {
        let Some(sha256) = &self.sha256 else { return Ok(Some(State::Unknown)) };
        let about = match path.metadata() {
            Ok(about) => about,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Some(State::Gone)),
            Err(_) => fs_err::metadata(path)?,
        };
        // A folder or a pipe has taken its place; a pipe would be waited for.
        if !about.is_file() || self.bytes.is_some_and(|bytes| bytes != about.len()) {
            return Ok(Some(State::Changed));
        }
        let now = hashed(path, read)?;
        Ok(now.map(|now| if now.0 == *sha256 { State::Same } else { State::Changed }))
    }
}

/// The file of a run in the run's own folder, its whole path. A copied folder has it under the end of the name that it had.
/// What a link leads out of the folder is not there.
#[must_use]
pub fn within(folder: &Path, file: &Artifact) -> Option<PathBuf> {
    // No file has such a name, and trying every end of it would take its square in time.
    if file.path.len() > MOST_BYTES {
        return None;
    }
    let whole = fs_err::canonicalize(folder).ok()?;
    let named = Path::new(&file.path);
    let parts: Vec<_> = named.components().collect();
    let ends = (0..parts.len()).map(|at| folder.join(parts[at..].iter().collect::<PathBuf>()));
    // As it was named where the command was given, then as it is called in the folder, the longest name first.
    let places = std::iter::once(named.to_owned()).chain(ends);
    let fits = |place: PathBuf| {
        let place = fs_err::canonicalize(place).ok()?;
        let about = place.metadata().ok()?;
        let is_own = place.starts_with(&whole) && place != whole && about.is_file();
        (is_own && file.bytes.is_none_or(|bytes| bytes == about.len())).then_some(place)
    };
    places.into_iter().find_map(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(file: &Artifact, path: &Path) -> State {
        file.state_at(path, &mut |_| true).unwrap().unwrap()
    }

    #[test]
    fn a_file_is_the_same_changed_or_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs_err::write(&path, "abc").unwrap();
        let file = Artifact::of("data", &path).unwrap();
        assert_eq!(file, Artifact::of_bytes("data", &path.display().to_string(), b"abc"));
        assert_eq!(state(&file, &path), State::Same);
        assert_eq!(file.state_at(&path, &mut |_| false).unwrap(), None);
        for text in ["abd", "abcd"] {
            fs_err::write(&path, text).unwrap();
            assert_eq!(state(&file, &path), State::Changed, "{text}");
        }
        assert_eq!(state(&file, folder.path()), State::Changed);
        fs_err::remove_file(&path).unwrap();
        assert_eq!(state(&file, &path), State::Gone);
        let piped = Artifact { sha256: None, bytes: None, ..file };
        assert_eq!(state(&piped, &path), State::Unknown);
    }

    #[test]
    fn only_what_lies_in_the_folder_is_found() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("run");
        fs_err::create_dir_all(folder.join("deep")).unwrap();
        for name in ["secret", "run/a.svg", "run/deep/b.csv"] {
            fs_err::write(outer.path().join(name), "abc").unwrap();
        }
        let find = |path: &str, bytes| {
            let file = Artifact { role: String::new(), path: path.to_owned(), sha256: None, bytes };
            within(&folder, &file).map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        };
        assert_eq!(find("elsewhere/a.svg", Some(3)).as_deref(), Some("a.svg"));
        assert_eq!(find("old/deep/b.csv", None).as_deref(), Some("b.csv"));
        assert_eq!(find("a.svg", Some(4)), None, "another file of that name");
        let secret = outer.path().join("secret").display().to_string();
        for path in ["../secret", "deep/../../secret", &secret, "", ".", "..", "/", "-"] {
            assert_eq!(find(path, None), None, "{path}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&secret, folder.join("link")).unwrap();
            assert_eq!(find("link", None), None);
        }
    }
}
