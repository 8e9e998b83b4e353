//! Fixtures, made again by the libraries they come from: each folder's `make.py` in its own environment.

use anyhow::{Context, Result, bail};

use crate::places::{command, root, step};
use crate::python::{Version, environment, requirements};

pub fn run(wanted: &[&str]) -> Result<()> {
    let fixtures = root().join("fixtures");
    let mut folders = Vec::new();
    for entry in fs_err::read_dir(&fixtures).context("fixtures")? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.join("make.py").is_file() {
            folders.push(name);
        }
    }
    folders.sort();
    if let Some(stranger) = wanted.iter().find(|wanted| !folders.iter().any(|folder| folder == *wanted)) {
        bail!("fixtures/{stranger} has no make.py; there are {}", folders.join(", "));
    }
    for name in folders.iter().filter(|name| wanted.is_empty() || wanted.contains(&name.as_str())) {
        let file = fixtures.join(name).join("requirements.txt");
        let version = version(&fs_err::read_to_string(&file)?)
            .with_context(|| format!("{}: the first line is no `# Python 3.N [or later]`", file.display()))?;
        let python = environment(&format!("fixtures-{name}"), &version, &requirements(&file)?)?;
        let mut make = command(python);
        step(name, make.current_dir(fixtures.join(name)).arg("make.py"))?;
    }
    Ok(())
}

/// The Python that the first line names.
fn version(text: &str) -> Option<Version> {
    let line = text.lines().next()?.strip_prefix("# Python 3.")?;
    match line.strip_suffix(" or later") {
        Some(minor) => minor.parse().ok().map(Version::AtLeast),
        None => line.parse().ok().map(Version::Exactly),
    }
}
