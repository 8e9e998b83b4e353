//! Which Python, with which packages? One virtual environment a list of requirements, outside of the checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::places::{cache, step};

/// The newest Python from the given minor version up, as a command that runs.
fn newest(at_least: u32) -> Result<String> {
    let runs = |name: &String| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let found = (at_least..=at_least.max(11) + 6).rev().map(|minor| format!("python3.{minor}")).find(runs);
    found.with_context(|| format!("Python 3.{at_least} or later is not on this machine"))
}

/// One given minor version.
fn exactly(minor: u32) -> Result<String> {
    let name = format!("python3.{minor}");
    let runs = Command::new(&name).arg("--version").output().is_ok_and(|output| output.status.success());
    if runs { Ok(name) } else { bail!("Python 3.{minor} is not on this machine") }
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
    let python = match *version {
        Version::AtLeast(minor) => newest(minor)?,
        Version::Exactly(minor) => exactly(minor)?,
    };
    let folder = cache().join("python").join(format!("{name}-{python}"));
    let stamp = folder.join("requirements.txt");
    let wanted = requirements.join("\n");
    let inside = folder.join("bin/python");
    if fs_err::read_to_string(&stamp).is_ok_and(|held| held == wanted) {
        return Ok(inside);
    }
    step(
        &format!("{python} for {name}"),
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
