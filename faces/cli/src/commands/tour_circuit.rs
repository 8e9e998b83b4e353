//! The tour's part on a transformer: a tiny model whose circuit is known, made on the spot, and what the commands find in it.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser as _;
use pellucid::example_circuit::{ANSWER, CLEAN, CORRUPT, WRONG, made, tokenizer};
use pellucid::explain::Control;
use pellucid::explain::inside::{Case, Donor, Metric, edge_effects};
use pellucid::models::transformer::compiled::Compiled;
use pellucid::models::transformer::node::Edge;
use pellucid::models::transformer::to_tensors;
use pellucid::models::transformer::weights::{SafetensorsWriter, Tensor};
use serde_json::{Value, json};

use super::{Context, lens};
use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::output::write_file;

/// A value's logit is 10 or 0; less than this is rounding.
const MOVED: f64 = 0.1;

fn bug(cause: &dyn std::fmt::Display) -> Failure {
    Failure::Bug(format!("the tour's transformer: {cause}"))
}

/// Writes the model with its circuit, and pages of what is found in it.
pub(super) fn run(dir: &Path, context: &Context<'_>) -> Result<Value, Failure> {
    let made = made().map_err(|cause| bug(&cause))?;
    let folder = dir.join("induction");
    write_model(&folder, &made)?;
    let place = |name: &str| dir.join(name).display().to_string();
    let model = folder.display().to_string();
    let prompts =
        ["--clean", CLEAN, "--corrupt", CORRUPT, "--answer", ANSWER, "--wrong", WRONG, "--verify", "1"];
    let [heads, patch, path] = ["heads.html", "patch.html", "path.html"].map(place);
    let site = ["--site", "z", "--by", "layer-head"];
    for words in [
        [&["pellucid", "lens", "run", &model, CLEAN, "--heads", "-o", &heads][..]].concat(),
        [&["pellucid", "lens", "patch", &model][..], &prompts, &site, &["-o", &patch]].concat(),
        [&["pellucid", "lens", "path", &model][..], &prompts, &["--edges", "-o", &path]].concat(),
    ] {
        let cli = Cli::try_parse_from(&words).map_err(|cause| bug(&cause))?;
        let Command::Lens(args) = &cli.command else { return Err(bug(&"its own words")) };
        lens::run(args, &context.typed(&words))?;
    }
    let (truth, found, n) = search(&made)?;
    Ok(
        json!({"edges": n, "of_the_circuit": truth.len(), "found": found.len(), "are_the_same": truth == found}),
    )
}

fn write_model(folder: &Path, made: &Compiled) -> Result<(), Failure> {
    fs_err::create_dir_all(folder)?;
    let (config, tensors) = to_tensors(&made.model).ok_or_else(|| bug(&"it has no tensors"))?;
    write_file(&folder.join("config.json"), format!("{config:#}\n").as_bytes())?;
    let all: Vec<Tensor> =
        tensors.iter().map(|(name, shape, _)| Tensor::floats(name.clone(), shape.clone())).collect();
    let mut writer = SafetensorsWriter::new(std::io::Cursor::new(Vec::new()), &all, &[])?;
    for (at, (_, _, numbers)) in tensors.iter().enumerate() {
        writer.floats(at, 0, numbers)?;
    }
    write_file(&folder.join("model.safetensors"), &writer.finish()?.into_inner())?;
    write_file(&folder.join("tokenizer.json"), format!("{}\n", tokenizer()).as_bytes())?;
    let name = |edge: &Edge| edge.name(&made.model.spec);
    let circuit = json!({
        "about": "The edges over which something is read that was written; those of positions alone carry the same in all prompts of one length.",
        "edges": made.circuit.iter().map(name).collect::<Vec<_>>(),
        "of_positions_alone": made.still.iter().map(name).collect::<Vec<_>>(),
    });
    write_file(&folder.join("circuit.json"), format!("{circuit:#}\n").as_bytes())
}

/// The circuit, and the edges that move the answer on any of some pairs of prompts, each edge by itself.
fn search(made: &Compiled) -> Result<(BTreeSet<Edge>, BTreeSet<Edge>, usize), Failure> {
    let edges = Edge::all(&made.model.spec);
    let truth: BTreeSet<Edge> = made.circuit.difference(&made.still).copied().collect();
    // Letters as numbers; the answer of the first is what followed its last letter before.
    let pairs: [(&[u32], &[u32], u32); 4] = [
        (&[0, 1, 2, 3, 4, 5, 1], &[0, 1, 4, 3, 2, 5, 1], 2),
        (&[0, 1, 2, 3, 4, 5, 1], &[0, 3, 2, 1, 4, 5, 3], 2),
        (&[0, 1, 2, 3, 4, 5, 1], &[0, 1, 2, 3, 4, 5, 3], 2),
        (&[0, 6, 7, 8, 9, 8, 6], &[0, 8, 7, 6, 9, 6, 6], 7),
    ];
    let mut found = BTreeSet::new();
    for (run, other, answer) in pairs {
        let case =
            Case { run: run.to_vec(), donor: Donor::Run(other.to_vec()), metric: Metric::Logit([answer]) };
        let effects =
            edge_effects(&made.model, &case, &edges, 0.0, &Control::quiet()).map_err(|cause| bug(&cause))?;
        found.extend(
            edges.iter().enumerate().filter(|(at, _)| effects.effect(*at).abs() > MOVED).map(|(_, e)| *e),
        );
    }
    Ok((truth, found, edges.len()))
}
