//! One file a verb.

mod aggregate;
mod doctor;
mod explain;
mod inspect;
mod inspect_tree;
mod interactions;
mod json_object;
mod lens;
mod merge;
mod picture;
mod position;
mod predict;
mod rashomon;
mod report;
mod rules;
mod runs;
mod shard;
mod top;
mod tour;
mod tour_circuit;
mod workbench;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::CommandFactory;
use pellucid_runs::{Artifact, Run, SCHEMA, Store, rfc3339};
use serde_json::{Map, Value, json};

use crate::args::{Cli, Command, ModelAndData};
use crate::console::Console;
use crate::failure::Failure;
pub use lens::memory_left;
pub use position::checkout;
pub(crate) use runs::{ABOUT_STORES, Runs};

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a verb needs besides its own arguments.
pub(crate) struct Context<'a> {
    pub(crate) console: &'a Console,
    pub(crate) json: bool,
    pub(crate) seed: Option<u64>,
    words: Vec<String>,
    started: (Instant, u64),
}

/// Runs the verb and answers the exit code.
pub(crate) fn run(cli: &Cli, console: &Console, words: &[OsString]) -> Result<u8, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let words = std::iter::once("pellucid".to_owned())
        .chain(words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()))
        .collect();
    let context = Context {
        console,
        json: cli.global.json,
        seed: cli.global.seed,
        words,
        started: (Instant::now(), now),
    };
    match &cli.command {
        Command::Tour(args) => tour::run(args, &context),
        Command::Inspect(args) => inspect::run(args, &context),
        Command::Predict(args) => predict::run(args, &context),
        Command::Explain(args) => explain::run(args, &context),
        Command::Position(args) => position::run(args, &context),
        Command::Rules(args) => rules::run(args, &context),
        Command::Rashomon(args) => rashomon::run(args, &context),
        Command::Lens(args) => lens::run(args, &context),
        Command::Merge(args) => merge::run(args, &context),
        Command::Runs(args) => runs::run(args, &context),
        Command::Workbench(args) => workbench::run(args, &context),
        Command::Doctor => doctor::run(&context),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "pellucid", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
        Command::Man { dir } => {
            fs_err::create_dir_all(dir)?;
            clap_mangen::generate_to(Cli::command(), dir)?;
            console.done(&format!("wrote the manual pages to {}", dir.display()));
            Ok(0)
        }
        Command::Version if context.json => context.print_json("version", json!({"version": VERSION})),
        Command::Version => print(&format!("pellucid {VERSION}\n")),
    }
}

/// Prints a result.
pub(crate) fn print(text: &str) -> Result<u8, Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(crate::console::printable(text).as_bytes())?;
    out.flush()?;
    Ok(0)
}

/// Words as one line that a shell reads back.
fn in_shell_words(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    let quoted = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

impl Context<'_> {
    /// As if these words had been typed; nothing but files comes of it.
    pub(crate) fn typed(&self, words: &[&str]) -> Self {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Context { console: self.console, json: false, seed: self.seed, words, started: self.started }
    }

    /// Prints one JSON object under its versioned schema.
    pub(crate) fn print_json(&self, schema: &str, body: Value) -> Result<u8, Failure> {
        let mut object = Map::new();
        object.insert("schema".to_owned(), format!("pellucid.{schema}/1").into());
        if let Value::Object(body) = body {
            object.extend(body);
        }
        print(&format!("{}\n", Value::Object(object)))
    }

    /// The command as one line that a shell reads back.
    pub(crate) fn command_line(&self) -> String {
        in_shell_words(&self.words)
    }

    /// Writes the run folder, if one was asked for.
    pub(crate) fn write_run(
        &self,
        verb: &str,
        about: &ModelAndData,
        background: Option<&Path>,
        outputs: &[(&str, &Path)],
        options: Value,
        results: Value,
    ) -> Result<(), Failure> {
        let Some(folder) = &about.run else { return Ok(()) };
        let mut inputs = vec![("model", about.model.as_path()), ("data", about.data.as_path())];
        inputs.extend(background.map(|path| ("background", path)));
        let path = self.write_run_to(folder, verb, &inputs, outputs, options, results)?;
        self.console.done(&format!("wrote {path}"));
        Ok(())
    }

    pub(crate) fn write_run_to(
        &self,
        folder: &Path,
        verb: &str,
        inputs: &[(&str, &Path)],
        outputs: &[(&str, &Path)],
        options: Value,
        results: Value,
    ) -> Result<String, Failure> {
        let artifacts = |files: &[(&str, &Path)]| -> Result<Vec<Artifact>, Failure> {
            files.iter().map(|(role, path)| Artifact::of(role, path).map_err(Failure::from)).collect()
        };
        let entries = |value: Value| match value {
            Value::Object(entries) => entries.into_iter().collect(),
            _ => std::collections::BTreeMap::new(),
        };
        let mut options: std::collections::BTreeMap<String, Value> = entries(options);
        options.insert("threads".to_owned(), self.console.threads().0.get().into());
        options.insert("seed".to_owned(), self.seed.map_or(Value::Null, Value::from));
        let run = Run {
            schema: SCHEMA.to_owned(),
            version: VERSION.to_owned(),
            verb: verb.to_owned(),
            command: self.words.clone(),
            started: rfc3339(self.started.1),
            seconds: self.started.0.elapsed().as_secs_f64(),
            inputs: artifacts(inputs)?,
            outputs: artifacts(outputs)?,
            options,
            results: entries(results),
        };
        if Store::is_store(folder) {
            return runs::record(folder, &run, self);
        }
        Ok(run.write(folder)?.display().to_string())
    }
}
