//! Races against the peers, with their pinned versions. See `bench/*/README.md`.

use anyhow::{Result, bail};

use crate::places::{command, root, step, target};
use crate::python::{Version, environment, requirements};

pub fn run(words: &[&str]) -> Result<()> {
    match words {
        [] => {
            shap(&[])?;
            rules(&[])
        }
        ["shap", rest @ ..] => shap(rest),
        ["rules", rest @ ..] => rules(rest),
        [other, ..] => bail!("there is no bench `{other}`; there are `shap` and `rules`"),
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

fn shap(rest: &[&str]) -> Result<()> {
    let folder = root().join("bench/shap");
    let mut build = command("cargo");
    step("runner", build.args(["build", "--release", "--locked", "-p", "pellucid-bench-runner"]))?;
    let packages = requirements(&folder.join("requirements.txt"))?;
    let python = environment("bench-shap", &Version::AtLeast(12), &packages)?;
    let mut race = command(python);
    race.arg(folder.join("run.py"))
        .arg("--runner")
        .arg(target().join("release/pellucid-bench-runner"))
        .args(rest);
    step("race", &mut race)
}
