//! Is the house in order? One command for people and CI.

use anyhow::Result;

use crate::places::{command, step, target};
use crate::{package, setup, tidy, weights, workbench};

pub fn run() -> Result<()> {
    setup::run()?;
    let cargo = |arguments: &str| {
        let mut cargo = command("cargo");
        cargo.args(arguments.split_whitespace());
        cargo
    };
    step("format", &mut cargo("fmt --all --check"))?;
    tidy::run()?;
    step("clippy", &mut cargo("clippy --workspace --all-targets --all-features --locked -- -D warnings"))?;
    // Before the program is built, which holds them.
    workbench::check()?;
    // The engine as a library: nothing but what was asked for.
    step(
        "clippy, no features",
        &mut cargo("clippy -p pellucid --no-default-features --locked -- -D warnings"),
    )?;
    let mut docs = cargo("doc --workspace --lib --no-deps --all-features --locked");
    step("documentation", docs.env("RUSTDOCFLAGS", "-D warnings"))?;
    step("doctests", &mut cargo("test --doc --workspace --all-features --locked"))?;
    let mut fuzz = cargo("check --quiet --manifest-path fuzz/Cargo.toml");
    step("fuzz targets", fuzz.env("RUSTC_BOOTSTRAP", "1"))?;
    // The program alone, as the README builds it.
    step("check", &mut cargo("check --locked"))?;
    // With the Python face selected too, both are made of the same builds of what they need.
    let wheel = package::wheel()?;
    let program = "build --release --locked -p pellucid-cli -p pellucid-python --bin pellucid";
    step("release build", &mut cargo(program))?;
    let mut tour = command(target().join("release/pellucid"));
    step("tour", tour.arg("tour").arg(target().join("xtask-tour")))?;
    workbench::test(&target().join("release/pellucid"))?;
    package::test(&wheel)?;
    // Last, so that its summary is the last thing printed.
    let mut tests = cargo("nextest run --workspace --all-features --locked --profile ci");
    step("tests", tests.env("PELLUCID_WEIGHTS", weights::folder()))?;
    Ok(())
}
