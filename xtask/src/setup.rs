//! What does a fresh machine lack? Rust's own components, the test runner, a browser and the workbench's packages, and real weights; the rest comes with cargo.

use anyhow::{Context, Result, bail};

use crate::places::{command, step, tools};
use crate::{weights, workbench};

/// Built with this repository's own toolchain; newer ones may want a newer one.
const NEXTEST: &str = "0.9.143";

pub fn run() -> Result<()> {
    for (component, arguments) in [("rustfmt", ["fmt", "--version"]), ("clippy", ["clippy", "--version"])] {
        if !works(&arguments) {
            let mut add = command("rustup");
            step(component, add.args(["component", "add", component]))
                .with_context(|| format!("cargo {} does not work here", arguments[0]))?;
        }
    }
    if !works(&["nextest", "--version"]) {
        let mut install = command("cargo");
        install.args(["install", "--locked", "--version", NEXTEST, "cargo-nextest", "--root"]).arg(tools());
        step("cargo-nextest", &mut install)?;
        if !works(&["nextest", "--version"]) {
            bail!("cargo-nextest was installed into {} and does not run", tools().display());
        }
    }
    workbench::setup()?;
    weights::fetch()
}

fn works(arguments: &[&str]) -> bool {
    command("cargo").args(arguments).output().is_ok_and(|output| output.status.success())
}
