//! Where is what? The checkout, and the cache outside of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The top of the checkout.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // That of the package that cargo runs: checkouts share built files, and another one may have built this program.
        let package = std::env::var_os("CARGO_MANIFEST_DIR");
        let package = package.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        package.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
    });
    &ROOT
}

/// What is installed or built once and used by every checkout: `PELLUCID_CACHE`, else the user's cache folder.
pub fn cache() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").map(|home| home.join(".cache"));
    let user = || variable("XDG_CACHE_HOME").or_else(home).unwrap_or_else(std::env::temp_dir);
    variable("PELLUCID_CACHE").unwrap_or_else(|| user().join("pellucid"))
}

/// Programs that setup installs.
pub fn tools() -> PathBuf {
    cache().join("tools")
}

/// The shared target folder, unless `CARGO_TARGET_DIR` names another.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| cache().join("target"), PathBuf::from)
}

/// A command in the checkout that builds into the shared target folder and finds the installed tools.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools().join("bin")).chain(std::env::split_paths(&path));
    command.current_dir(root()).env("CARGO_TARGET_DIR", target());
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    command
}

/// Runs a step, says which, and how long it took.
pub fn step(name: &str, command: &mut Command) -> Result<()> {
    eprintln!("\n== {name}");
    let start = Instant::now();
    let status = command.status().with_context(|| format!("{name}: can't run {command:?}"))?;
    let seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{name} failed after {seconds:.0} s ({status}): {command:?}");
    }
    eprintln!("== {name}: fine, {seconds:.0} s");
    Ok(())
}
