//! Which Python, with which packages? One virtual environment a list of requirements, outside of the checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::places::{cache, step};

/// A Python of this minor version that runs: on the path, or among pyenv's (whose shims answer only for the
/// versions that are switched on).
fn find(minor: u32) -> Option<PathBuf> {
    let name = format!("python3.{minor}");
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv")));
    let installed = root.and_then(|root| fs_err::read_dir(root.join("versions")).ok());
    let mut places = vec![PathBuf::from(&name)];
    places
        .extend(installed.into_iter().flatten().flatten().map(|entry| entry.path().join("bin").join(&name)));
    places.into_iter().find(|python| {
        Command::new(python).arg("--version").output().is_ok_and(|output| output.status.success())
    })
}

/// The newest Python that is there, from 3.11 on.
pub fn any() -> Result<PathBuf> {
    (11..20).rev().find_map(find).context("no Python from 3.11 on is on this machine")
}

/// The minor versions of all Pythons that are there, from 3.11 on.
pub fn all() -> Vec<u32> {
    (11..20).filter(|&minor| find(minor).is_some()).collect()
}

/// Which Python an environment needs.
pub enum Version {
    /// This minor version or a later one.
    AtLeast(u32),
    /// This minor version.
    Exactly(u32),
}

/// The Python of an environment that holds these requirements; made if it is not there yet.
pub fn environment(name: &str, version: &Version, requirements: &[String]) -> Result<PathBuf> {
    let minors: Vec<u32> = match *version {
        Version::AtLeast(least) => (least..least + 6).rev().collect(),
        Version::Exactly(minor) => vec![minor],
    };
    let found = minors.iter().find_map(|&minor| Some((minor, find(minor)?)));
    let (minor, python) =
        found.with_context(|| format!("{name}: none of Python 3.{minors:?} is on this machine"))?;
    let folder = cache().join("python").join(format!("{name}-3.{minor}"));
    let stamp = folder.join("requirements.txt");
    let wanted = requirements.join("\n");
    let inside = folder.join("bin/python");
    if fs_err::read_to_string(&stamp).is_ok_and(|held| held == wanted) {
        return Ok(inside);
    }
    step(
        &format!("Python 3.{minor} for {name}"),
        Command::new(&python).args(["-m", "venv", "--clear"]).arg(&folder),
    )?;
    let mut install = Command::new(&inside);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(requirements);
    step(&format!("packages for {name}"), &mut install)?;
    fs_err::write(&stamp, wanted)?;
    Ok(inside)
}

/// The lines of a requirements file that name packages.
pub fn requirements(file: &Path) -> Result<Vec<String>> {
    let text = fs_err::read_to_string(file)?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
