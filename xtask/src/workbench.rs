//! Are the workbench's pages what their source says, and do they work in a real browser?

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::places::{cache, command, root, step};

/// The browser that pages are tested in, from Debian's packages.
const BROWSER: &str = "/usr/bin/chromium";
/// What the built pages are made of.
const BUILT: [&str; 3] = ["index.html", "app.js", "app.css"];

/// Installs the browser and the packages that pages are built and tested with.
pub fn setup() -> Result<()> {
    if !Path::new(BROWSER).exists() {
        let mut update = Command::new("apt-get");
        step("list of packages", update.args(["update", "-qq"]))?;
        let mut install = Command::new("apt-get");
        install.args(["install", "-y", "-qq", "--no-install-recommends", "chromium"]);
        step("chromium", install.env("DEBIAN_FRONTEND", "noninteractive"))
            .context("the workbench's tests need Chromium: install it as /usr/bin/chromium")?;
    }
    let folder = root().join("faces/workbench");
    let wanted = fs_err::read_to_string(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.pellucid-lock.json");
    if fs_err::read_to_string(&stamp).is_ok_and(|held| held == wanted) {
        return Ok(());
    }
    let mut install = npm();
    install.args(["ci", "--no-audit", "--no-fund", "--cache"]).arg(cache().join("npm"));
    step("packages of the workbench", &mut install)?;
    fs_err::write(stamp, wanted)?;
    Ok(())
}

fn npm() -> Command {
    let mut npm = command("npm");
    npm.current_dir(root().join("faces/workbench"));
    npm
}

/// Builds the pages again, and complains unless what is committed is the same.
pub fn check() -> Result<()> {
    step("types of the workbench", npm().args(["run", "--silent", "check"]))?;
    let folder = root().join("faces/workbench/dist");
    let read = |name: &str| fs_err::read(folder.join(name)).unwrap_or_default();
    let before = BUILT.map(read);
    build()?;
    let differ: Vec<&str> = BUILT
        .into_iter()
        .zip(&before)
        .filter(|(name, before)| read(name) != **before)
        .map(|of| of.0)
        .collect();
    if !differ.is_empty() {
        bail!(
            "faces/workbench/dist is not what its source gives: {} differ; commit what `cargo xtask workbench` builds",
            differ.join(", ")
        );
    }
    Ok(())
}

/// Builds the pages into `dist`.
pub fn build() -> Result<()> {
    step("pages of the workbench", npm().args(["run", "--silent", "build"]))
}

/// Runs the tests in a browser against this program.
pub fn test(program: &Path) -> Result<()> {
    let mut test = npm();
    test.args(["run", "--silent", "test"]).env("PELLUCID_BIN", program);
    step("workbench in a browser", test.env("CI", "true"))
}
