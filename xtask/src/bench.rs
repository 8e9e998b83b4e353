//! Races against the peers, with their pinned versions. See `bench/*/README.md`.

use anyhow::{Result, bail};

use crate::places::{command, root, step, target};
use crate::python::{Version, environment, requirements};

pub fn run(words: &[&str]) -> Result<()> {
    match words {
        [] => {
            shap(&[])?;
            rules(&[])?;
            lens(&[])?;
            python(&[])?;
            workbench(&[])
        }
        ["shap", rest @ ..] => shap(rest),
        ["rules", rest @ ..] => rules(rest),
        ["lens", rest @ ..] => lens(rest),
        ["python", rest @ ..] => python(rest),
        ["workbench", rest @ ..] => workbench(rest),
        ["costs", ..] => costs(),
        [other, ..] => {
            bail!(
                "there is no bench `{other}`; there are `shap`, `rules`, `lens`, `python`, `workbench` and `costs`"
            )
        }
    }
}

fn rules(rest: &[&str]) -> Result<()> {
    let folder = root().join("bench/rules");
    let mut build = command("cargo");
    step(
        "runner",
        build.args(["build", "--release", "--locked", "-p", "pellucid-bench-runner", "-p", "pellucid-cli"]),
    )?;
    let packages = requirements(&folder.join("requirements.txt"))?;
    let python = environment("bench-rules", &Version::AtLeast(12), &packages)?;
    let mut race = command(python);
    race.arg(folder.join("run.py"))
        .arg("--runner")
        .arg(target().join("release/pellucid-bench-rules"))
        .arg("--pellucid")
        .arg(target().join("release/pellucid"))
        .args(rest);
    step("race", &mut race)
}

fn lens(rest: &[&str]) -> Result<()> {
    let folder = root().join("bench/lens");
    let mut build = command("cargo");
    step(
        "runner",
        build.args(["build", "--release", "--locked", "-p", "pellucid-bench-runner", "-p", "pellucid-cli"]),
    )?;
    let python =
        |name: &str, file: &str| environment(name, &Version::AtLeast(12), &requirements(&folder.join(file))?);
    let later = python("bench-lens-later", "requirements-later.txt")?;
    let python = python("bench-lens", "requirements.txt")?;
    let mut race = command(&python);
    race.arg(folder.join("run.py"))
        .arg("--runner")
        .arg(target().join("release/pellucid-bench-lens"))
        .arg("--pellucid")
        .arg(target().join("release/pellucid"))
        .arg("--python")
        .arg(&python)
        .arg("--later-python")
        .arg(later)
        .arg("--weights")
        .arg(crate::weights::folder())
        .args(rest);
    step("race", &mut race)
}

fn python(rest: &[&str]) -> Result<()> {
    let folder = root().join("bench/python");
    let wheel = crate::package::wheel()?;
    let program = "build --release --locked -p pellucid-cli -p pellucid-python --bin pellucid";
    step("program", command("cargo").args(program.split_whitespace()))?;
    let packages = requirements(&folder.join("requirements.txt"))?;
    let python = environment("bench-python", &Version::AtLeast(12), &packages)?;
    step("the wheel", crate::package::install(&python).arg(&wheel))?;
    let mut race = command(&python);
    race.arg(folder.join("run.py")).arg("--pellucid").arg(target().join("release/pellucid")).args(rest);
    step("race", &mut race)
}

fn workbench(rest: &[&str]) -> Result<()> {
    crate::workbench::setup()?;
    let folder = root().join("bench/workbench");
    step("program", command("cargo").args(["build", "--release", "--locked", "-p", "pellucid-cli"]))?;
    let packages = requirements(&folder.join("requirements.txt"))?;
    let python = environment("bench-workbench", &Version::AtLeast(12), &packages)?;
    let mut race = command(python);
    race.arg(folder.join("run.py")).arg("--pellucid").arg(target().join("release/pellucid")).args(rest);
    step("race", &mut race)
}

fn shap(rest: &[&str]) -> Result<()> {
    let folder = root().join("bench/shap");
    let mut build = command("cargo");
    step(
        "runners",
        build.args(["build", "--release", "--locked", "-p", "pellucid-bench-runner", "-p", "pellucid-cli"]),
    )?;
    let packages = requirements(&folder.join("requirements.txt"))?;
    let python = environment("bench-shap", &Version::AtLeast(12), &packages)?;
    let mut race = command(python);
    race.arg(folder.join("run.py"))
        .arg("--runner")
        .arg(target().join("release/pellucid-bench-runner"))
        .args(rest);
    step("race", &mut race)
}

/// Measures what the steps of plans cost and writes it into `costs.rs`, from which plans choose. A minute, on a machine with
/// AVX-512 that does nothing else.
fn costs() -> Result<()> {
    let mut measure = command("cargo");
    measure.env("UPDATE", "1").args(["test", "--release", "--locked", "-p", "pellucid-explain", "--lib"]);
    step("costs", measure.args(["costs_are_measured", "--", "--ignored", "--nocapture"]))?;
    let mut format = command("cargo");
    step("format", format.args(["fmt", "-p", "pellucid-explain"]))
}
