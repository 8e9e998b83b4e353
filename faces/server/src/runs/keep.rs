//! How does an answer become a run? With its address, the command that gives it again, the bytes it stands on, and its pictures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use pellucid::views::render::svg;
use pellucid_runs::{Artifact, NewBytes, Notes, Run, SCHEMA, Store};
use serde::Deserialize;
use serde_json::{Value, json};

use super::now;
use crate::address::Address;
use crate::failure::Failure;
use crate::memo::Found;
use crate::opened::{Source, Thing, What};
use crate::workbench::{Answer, Workbench};

/// Results that are recorded, at most; the answer has all.
const MOST_RESULTS: usize = 32;

/// What is to be kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keep {
    /// The address of the answer.
    address: String,
    /// The store; the first one, if none is named.
    #[serde(default)]
    runs: Option<String>,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// What is to be said about a run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Annotate {
    run: String,
    #[serde(default)]
    runs: Option<String>,
    #[serde(default)]
    add_tags: Vec<String>,
    #[serde(default)]
    remove_tags: Vec<String>,
    /// An empty one is none; absent, it stays.
    #[serde(default)]
    note: Option<String>,
}

/// Changes tags and the note of a run in a store.
pub(crate) fn annotate(workbench: &Workbench, asked: Annotate) -> Result<Value, Failure> {
    let (_, dir) = workbench.store(asked.runs.as_deref())?;
    let (run, notes) = Store::open(&dir)?.annotate(&asked.run, |notes| {
        notes.tags.extend(asked.add_tags);
        for tag in &asked.remove_tags {
            notes.tags.remove(tag);
        }
        if let Some(note) = asked.note {
            notes.note = Some(note).filter(|note| !note.trim().is_empty());
        }
    })?;
    Ok(
        json!({"schema": "pellucid.workbench.annotated/1", "run": run, "tags": notes.tags, "note": notes.note}),
    )
}

/// Adds an answer to a store. While the answer or a hash is worked on, nothing is added, and who asks again later gets both.
pub(crate) fn keep(workbench: &Arc<Workbench>, asked: Keep) -> Result<Answer, Failure> {
    let begun = Instant::now();
    let (thing, dir) = workbench.store(asked.runs.as_deref())?;
    let note = asked.note.filter(|note| !note.trim().is_empty());
    let notes = Notes { tags: asked.tags.into_iter().collect(), note, ..Notes::default() };
    notes.check()?;
    let address = address_of(&asked.address)?;
    let value = match workbench.answer(&address)? {
        Answer::Ready(value) => value,
        Answer::Working(job) => return Ok(Answer::Working(job)),
    };
    let Some(command) = value["command"].as_str() else {
        return Err(Failure::usage(format!(
            "{} has no command that does it again, and is not kept",
            address.path()
        )));
    };
    let mut inputs = Vec::new();
    for (role, path) in files_of(workbench, &address, &value)? {
        match hash(workbench, role, &path)? {
            Found::Ready(artifact) => inputs.push(artifact.as_ref().clone()),
            Found::Working(job) => return Ok(Answer::Working(job)),
        }
    }
    let files = files(&value);
    let role =
        |name: &Path| if name.extension().is_some_and(|end| end == "svg") { "picture" } else { "answer" };
    let output =
        |file: &NewBytes| Artifact::of_bytes(role(&file.name), &file.name.display().to_string(), &file.bytes);
    let run = Run {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        verb: "workbench".to_owned(),
        command: words_of(command),
        started: now(),
        seconds: begun.elapsed().as_secs_f64(),
        outputs: files.iter().map(output).collect(),
        inputs,
        options: options(&address),
        results: results(&value),
    };
    let added = Store::open(&dir)?.add_written(&run, &files, &notes)?;
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.kept/1", "runs": thing.id, "run": added.id, "folder": added.folder.display().to_string(),
        "files": files.iter().map(|file| file.name.display().to_string()).collect::<Vec<_>>(),
    })))
}

/// An address of an answer; runs and jobs are none that is kept.
fn address_of(text: &str) -> Result<Address, Failure> {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let is_page = path.starts_with("/api/");
    let is_own = ["/api/runs", "/api/jobs", "/api/session"]
        .iter()
        .any(|own| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    if !is_page || is_own {
        return Err(Failure::usage(format!(
            "address `{}`: what is kept is the answer of a page, as `/api/row?model=M&data=D&row=3`",
            text.chars().take(80).collect::<String>()
        )));
    }
    Address::parse(path, query)
}

/// Every parameter, and the whole address.
fn options(address: &Address) -> BTreeMap<String, Value> {
    let canonical = address.canonical();
    let whole = canonical.trim_end_matches('?').to_owned();
    let query = canonical.split_once('?').map_or("", |(_, query)| query).to_owned();
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let text = Value::from(value.as_ref());
        match all.get_mut(name.as_ref()) {
            Some(Value::Array(several)) => several.push(text),
            Some(one) => *one = json!([one.clone(), text]),
            None => {
                all.insert(name.into_owned(), text);
            }
        }
    }
    all.insert("address".to_owned(), whole.into());
    all
}

/// The numbers and short words of the answer itself.
fn results(answer: &Value) -> BTreeMap<String, Value> {
    let is_short = |value: &Value| match value {
        Value::Number(_) | Value::Bool(_) => true,
        Value::String(text) => text.len() <= 80,
        _ => false,
    };
    let own = answer.as_object().into_iter().flatten();
    own.filter(|(name, value)| !["command", "python"].contains(&name.as_str()) && is_short(value))
        .take(MOST_RESULTS)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The answer, and its pictures as files of their own.
fn files(answer: &Value) -> Vec<NewBytes> {
    let text = serde_json::to_string_pretty(answer).unwrap_or_default() + "\n";
    let mut all = vec![NewBytes { name: "answer.json".into(), bytes: text.into_bytes() }];
    pictures(answer, &mut all);
    all
}

fn pictures(value: &Value, all: &mut Vec<NewBytes>) {
    match value {
        Value::Object(own) => {
            if let (Some(name), Some(wide)) =
                (own.get("name").and_then(Value::as_str), own.get("wide").and_then(Value::as_str))
            {
                let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
                let stem: String = name.chars().take(60).map(plain).collect();
                let names =
                    (1..).map(|n| if n == 1 { format!("{stem}.svg") } else { format!("{stem}-{n}.svg") });
                let free = |name: &PathBuf| all.iter().all(|file| file.name != *name);
                if let Some(name) = names.map(PathBuf::from).find(free).filter(|_| wide.starts_with("<svg")) {
                    all.push(NewBytes { name, bytes: svg::alone(wide).into_bytes() });
                }
                return;
            }
            own.values().for_each(|inner| pictures(inner, all));
        }
        Value::Array(several) => several.iter().for_each(|inner| pictures(inner, all)),
        _ => {}
    }
}

/// Parameters, and fields of answers, that name what was opened.
const NAMING: [&str; 12] = [
    "model",
    "data",
    "rules",
    "transformer",
    "explanation",
    "count",
    "count_file",
    "values",
    "profile",
    "posting",
    "report",
    "rules_file",
];

/// Files of what an answer is of, with what they are for.
fn files_of(
    workbench: &Workbench,
    address: &Address,
    value: &Value,
) -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    // An answer names what it is of, also where the address left it to the page.
    let texts = |value: &'_ Value| -> Vec<String> {
        let all = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let said = NAMING.iter().flat_map(|&name| texts(&value[name]));
    let asked = NAMING.iter().flat_map(|&name| address.all(name).map(str::to_owned));
    let named: Vec<String> = said.chain(asked).collect();
    let is_named = |thing: &&Thing| named.contains(&thing.id);
    let mut all = Vec::new();
    for thing in workbench.things.iter().filter(is_named) {
        let Source::File(path) = &thing.source else { continue };
        thing.unchanged()?;
        let role = match &thing.what {
            What::Model(_) | What::Transformer { .. } => "model",
            What::Table { .. } => "data",
            What::Rules(_) => "rules",
            What::Document(_) => "document",
            What::Report(_) => "report",
            What::Explanation { .. } => "explanation",
            What::Count(_) => "count",
            _ => continue,
        };
        if path.is_dir() {
            // A transformer: its weights, and what says how they are read.
            let parts = fs_err::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
            let is_part = |path: &PathBuf| {
                path.is_file() && path.extension().is_some_and(|e| e == "safetensors" || e == "json")
            };
            let mut parts: Vec<PathBuf> = parts.filter(is_part).collect();
            parts.sort();
            all.extend(parts.into_iter().map(|path| (role, path)));
        } else {
            all.push((role, path.clone()));
        }
    }
    Ok(all)
}

/// The hash of a file as it is now.
fn hash(workbench: &Workbench, role: &'static str, path: &Path) -> Result<Found<Artifact>, Failure> {
    let about = fs_err::metadata(path).map_err(Failure::input)?;
    let changed =
        about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or(Duration::ZERO);
    let key = format!("{role}\n{}\n{}\n{}", path.display(), changed.as_nanos(), about.len());
    let own = path.to_owned();
    workbench.hashes.get(&workbench.jobs, &key, &format!("Hashing {}", path.display()), move |_| {
        Artifact::of(role, &own).map_err(Failure::input)
    })
}

/// The words of a command, as a shell reads them. What only a shell understands is given to one.
fn words_of(command: &str) -> Vec<String> {
    let (mut words, mut word, mut is_word) = (Vec::new(), String::new(), false);
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            '\'' => {
                is_word = true;
                word.extend(letters.by_ref().take_while(|&c| c != '\''));
            }
            '\\' => {
                is_word = true;
                word.extend(letters.next());
            }
            c if "|&;<>()$`\"\n*?[#~!{".contains(c) => {
                return ["sh", "-c", command].map(str::to_owned).to_vec();
            }
            c => {
                is_word = true;
                word.push(c);
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_a_shell_reads_it() {
        let words = |text| words_of(text).join("|");
        assert_eq!(words("pellucid explain a.json 'b c.csv'  -o x"), "pellucid|explain|a.json|b c.csv|-o|x");
        assert_eq!(words("echo 'it'\\''s' ''"), "echo|it's|");
        assert_eq!(words("a 'b|c'"), "a|b|c");
        assert_eq!(words("a > b"), "sh|-c|a > b");
    }

    #[test]
    fn only_answers_of_pages_are_kept() {
        for text in [
            "",
            "/",
            "/api/runs",
            "/api/runs?x=1",
            "/api/jobs/j1",
            "/api/session",
            "http://x/api/row",
            "../api/row",
        ] {
            assert_eq!(address_of(text).unwrap_err().status(), 400, "{text}");
        }
        let address = address_of("/api/row?set=a:1&set=b:2&row=3").unwrap();
        let options = options(&address);
        assert_eq!(options["set"], json!(["a:1", "b:2"]));
        assert_eq!(options["address"], "/api/row?row=3&set=a%3A1&set=b%3A2");
    }

    #[test]
    fn pictures_become_files_that_need_no_page() {
        let picture =
            json!({"name": "a b", "wide": "<svg width=\"1\"><g class=\"f-ink\"/></svg>", "narrow": ""});
        let all = files(&json!({"x": picture, "y": [picture]}));
        let names: Vec<String> = all.iter().map(|file| file.name.display().to_string()).collect();
        assert_eq!(names, ["answer.json", "a-b.svg", "a-b-2.svg"]);
        let text = String::from_utf8(all[1].bytes.clone()).unwrap();
        assert!(text.starts_with("<svg width=\"1\"><style>") && text.contains(".f-ink{fill:#182026}"));
    }
}
