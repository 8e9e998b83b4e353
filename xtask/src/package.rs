//! Does the Python package work as pip installs it? One wheel for all Pythons from 3.11 on, and each Python's tests against it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::places::{command, root, step, target};
use crate::python::{Version, environment, requirements};

/// Builds the wheel; answers where it is.
pub fn wheel() -> Result<PathBuf> {
    let folder = target().join("wheels");
    if folder.exists() {
        fs_err::remove_dir_all(&folder)?;
    }
    let tools = requirements(&root().join("faces/python/build-requirements.txt"))?;
    let python = environment("wheel", &Version::AtLeast(11), &tools)?;
    let mut build = command(&python);
    build.current_dir(root().join("faces/python"));
    build.args(["-m", "maturin", "build", "--locked", "--quiet", "--release", "--out"]).arg(&folder);
    step("wheel", build.arg("--interpreter").arg(&python))?;
    let found = fs_err::read_dir(&folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut wheels =
        found.iter().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "whl"));
    wheels.next().context("maturin made no wheel")
}

/// What installs a wheel into an environment, its name still to come.
pub fn install(python: &Path) -> Command {
    let mut pip = command(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--force-reinstall",
    ]);
    pip
}

/// Installs the wheel where each Python's tests are, and runs them.
pub fn test(wheel: &Path) -> Result<()> {
    let tests = root().join("faces/python/tests");
    for minor in crate::python::all() {
        // The libraries that it is compared with go on without 3.11.
        let (name, file) = match minor {
            11 => ("package-oldest", "requirements-oldest.txt"),
            _ => ("package", "requirements.txt"),
        };
        let python = environment(name, &Version::Exactly(minor), &requirements(&tests.join(file))?)?;
        step(&format!("the wheel into {name}, Python 3.{minor}"), install(&python).arg(wheel))?;
        // From the tests' folder: beside the sources Python would find those, which have no native part.
        let mut pytest = command(&python);
        pytest.current_dir(&tests).args(["-m", "pytest", "-p", "no:cacheprovider", "--rootdir"]).arg(&tests);
        step(
            &format!("Python tests in {name}, Python 3.{minor}"),
            pytest.env("PELLUCID_WEIGHTS", crate::weights::folder()),
        )?;
    }
    let python =
        environment("package", &Version::AtLeast(12), &requirements(&tests.join("requirements.txt"))?)?;
    let mut stubs = command(&python);
    stubs.current_dir(&tests);
    step("stubs", stubs.args(["-m", "mypy.stubtest", "pellucid._native", "--mypy-config-file", "mypy.ini"]))
}
