//! Are the files of a run what they were, and what stands in one?

use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use pellucid::explain::Watch as _;
use pellucid_runs::{Artifact, Found as Run, within};
use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::memo::Found;
use crate::opened::What;
use crate::runs::{files, now, said};
use crate::workbench::{Answer, Workbench};

/// Files of one run that are compared, at most.
const MOST: usize = 1_000;

/// The run of an address.
fn run_of(workbench: &Workbench, address: &Address) -> Result<Run, Failure> {
    let thing = workbench.runs(address)?;
    match (address.one("run")?, &thing.what) {
        (Some(run), _) => workbench.run(thing, run),
        (None, What::Run { .. }) => workbench.run(thing, &thing.id),
        (None, _) => Err(Failure::usage("name a run with `run`")),
    }
}

/// Whether files are the same as in the run, by their hashes: a job, for files may be large.
pub(crate) fn states(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&["runs", "run"])?;
    let found = run_of(workbench, address)?;
    let all: Vec<(Artifact, PathBuf)> = [found.run.inputs.as_slice(), found.run.outputs.as_slice()]
        .concat()
        .into_iter()
        .take(MOST)
        .map(|file| {
            let place = said::place(&found, &file);
            (file, place)
        })
        .collect();
    // As the files are now: one that is written to is read again.
    let key = all.iter().fold(String::new(), |key, (file, place)| {
        let about = place.metadata().ok();
        let changed = about.as_ref().and_then(|about| about.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        let bytes = about.map(|about| about.len());
        format!("{key}{:?}{place:?}{changed:?}{bytes:?}\n", file.sha256)
    });
    let work: Vec<(Artifact, PathBuf)> = all.clone();
    let states = workbench.states.get(
        &workbench.jobs,
        &key,
        &format!("Comparing files of {}", found.id),
        move |job| {
            job.expect(work.iter().filter_map(|(file, _)| file.bytes).sum());
            let mut read = |bytes: u64| {
                job.advance(usize::try_from(bytes).unwrap_or(usize::MAX));
                !job.should_stop()
            };
            let mut words = Vec::with_capacity(work.len());
            for (file, place) in &work {
                // Who may not read a file hears so of this file, and of the others what they are.
                words.push(match file.state_at(place, &mut read) {
                    Ok(Some(state)) => state.word(),
                    Ok(None) => return Err(Failure::cancelled()),
                    Err(_) => "unreadable",
                });
            }
            Ok(words)
        },
    )?;
    let states = match states {
        Found::Ready(states) => states,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let (inputs, outputs) = states.split_at(found.run.inputs.len().min(states.len()));
    let checks = |files: &[Artifact]| -> Vec<String> {
        // What stands in a run's file may be anybody's: only a hash and a place of one line become a line of a command.
        let line = |file: &Artifact| {
            let (hash, place) = (file.sha256.as_ref()?, said::place(&found, file).display().to_string());
            let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            (is_hash && !place.contains(|c: char| c.is_control())).then(|| format!("{hash}  {place}"))
        };
        files.iter().filter_map(line).collect()
    };
    let lines = [checks(&found.run.inputs), checks(&found.run.outputs)].concat().join("\n");
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.run_files/1", "run": found.id, "read": now(), "inputs": inputs, "outputs": outputs,
        "command": format!("sha256sum --check <<'END'\n{lines}\nEND"), "python": null, "notes": [],
    })))
}

/// What stands in a file that came out, where it lies in the run's folder.
pub(crate) fn output(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&["runs", "run", "output"])?;
    let found = run_of(workbench, address)?;
    let at = address.number::<usize>("output")?.unwrap_or(0);
    let n = found.run.outputs.len();
    let none = || {
        Failure::new(Code::NotFound, format!("output={at}: {n} files came out of this run, counted from 0"))
    };
    let file = found.run.outputs.get(at).ok_or_else(none)?;
    let place = within(&found.folder, file).ok_or_else(|| {
        let text = "it does not lie in the run's folder, and nothing else is opened";
        Failure::new(Code::NotFound, format!("{}: {text}", file.path))
    })?;
    let mut shown = files::shown(&place)?;
    shown["schema"] = "pellucid.workbench.run_output/1".into();
    shown["run"] = found.id.into();
    shown["output"] = at.into();
    shown["command"] =
        format!("cat {}", crate::pages::in_shell_if_needed(&place.display().to_string())).into();
    shown["python"] = Value::Null;
    shown["notes"] = json!([]);
    Ok(Answer::Ready(shown))
}
