//! What was opened? Models, tables, rules and documents, each with a name for addresses.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use pellucid::data::Kind;
use pellucid::data::read::{CsvReader, ReadBatches, ReadOptions};
use pellucid::files::{FileError, map, open_table};
use pellucid::learn::certificate::format::{Held, ReadError as CertificateError, read as certificate};
use pellucid::learn::certificate::{CountCertificate, RulesFile};
use pellucid::models::transformer::weights::Gguf;
use pellucid::models::trees::import::{Format, import};
use pellucid::models::trees::{Ensemble, Tree};
use pellucid::saved::Saved;
use pellucid::views::number::count;
use pellucid::views::sample::parts;
use pellucid_position::document::Document;
use pellucid_position::report::saved::{SavedReport, read as report};
use serde_json::{Value, json};

use crate::failure::Failure;

/// Where something lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// In this program.
    Example {
        /// What the file would be called.
        name: &'static str,
        /// What would stand in it.
        bytes: &'static [u8],
    },
    /// Nowhere: the tiny transformer of the tour is made on the spot.
    Circuit,
}

/// What the folder of the tour's transformer is called.
const CIRCUIT: &str = "induction";

impl Source {
    /// The path as it was given; the file's name for examples.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Example { name, .. } => (*name).to_owned(),
            Self::Circuit => CIRCUIT.to_owned(),
        }
    }

    fn file_name(&self) -> String {
        match self {
            Self::File(path) => {
                path.file_name().map_or_else(|| self.shown(), |name| name.to_string_lossy().into_owned())
            }
            Self::Example { .. } | Self::Circuit => self.shown(),
        }
    }

    /// How long a file is, and when it was written last; nothing of what is no file.
    fn stamp(&self) -> Option<(u64, SystemTime)> {
        let Self::File(path) = self else { return None };
        let about = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((about.len(), about.modified().ok()?))
    }

    /// A reader of its rows.
    pub(crate) fn rows(&self, options: &ReadOptions) -> Result<Box<dyn ReadBatches>, Failure> {
        match self {
            Self::File(path) => open_table(path, options).map_err(Failure::input),
            Self::Example { name, bytes } => {
                let reader = CsvReader::new(*bytes, options.clone());
                let reader = reader.map_err(|cause| Failure::input(format!("{name}: {cause}")))?;
                Ok(Box::new(reader))
            }
            Self::Circuit => Err(Failure::input(format!("{CIRCUIT} is a transformer, and has no rows"))),
        }
    }
}

/// What something is.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Model(Arc<Ensemble>),
    Rules(Arc<RulesFile>),
    Count(Arc<CountCertificate>),
    /// What it says of itself, and how many rows the file says it has. It is summed up when a page asks for it.
    Explanation {
        saved: Arc<Saved>,
        n_rows: Option<u64>,
    },
    Document(Arc<Document>),
    /// An analysis of documents, as `pellucid position` kept it.
    Report(Arc<SavedReport>),
    /// How its weights are kept, the bytes of its files, and whether it says a next token. It is read when a page asks for it.
    Transformer {
        format: &'static str,
        n_bytes: Option<u64>,
        is_decoder: bool,
    },
    /// A directory of runs.
    Runs,
    /// The folder of one run: what was done, and when.
    Run {
        folder: PathBuf,
        verb: String,
        started: String,
    },
    /// Its columns, what stands in each, and how many rows the file says it has.
    Table {
        columns: Vec<String>,
        kinds: Vec<Kind>,
        n_rows: Option<u64>,
    },
}

/// Something that was opened.
#[derive(Debug, Clone)]
pub struct Thing {
    /// How long its file was, and when it was written last, as far as that is known.
    stamp: Option<(u64, SystemTime)>,
    /// Its name in addresses: the file's stem.
    pub id: String,
    /// The file's name.
    pub title: String,
    /// Where it lies.
    pub source: Source,
    pub(crate) what: What,
    /// What people should know of it.
    pub(crate) note: Option<String>,
}

impl Thing {
    /// Opens a file or an example; `taken` are the names of what was opened before.
    pub(crate) fn open(source: Source, options: &ReadOptions, taken: &[Self]) -> Result<Self, Failure> {
        let what = match &source {
            Source::File(path) => open(path, options)?,
            Source::Example { name, bytes } if Format::sniff(bytes).is_some() && !name.ends_with(".csv") => {
                let model = import(bytes).map_err(|cause| Failure::input(format!("{name}: {cause}")))?;
                What::Model(Arc::new(model))
            }
            Source::Circuit => What::Transformer { format: "compiled", n_bytes: None, is_decoder: true },
            Source::Example { .. } => table(source.rows(options)?.as_ref()),
        };
        let (mut what, mut note) = (what, None);
        if matches!(what, What::Table { .. }) {
            let (is, told) = crate::saved::told_apart(&source, source.rows(options)?.as_ref())?;
            (what, note) = (is.unwrap_or(what), told);
        }
        let title = source.file_name();
        let stamp = source.stamp();
        Ok(Self { stamp, id: free_id(&title, taken), title, source, what, note })
    }

    /// That its file is still the one that was opened: pages must not show parts of two.
    pub(crate) fn unchanged(&self) -> Result<(), Failure> {
        if self.stamp == self.source.stamp() {
            return Ok(());
        }
        let text = "the file was changed since it was opened; start the workbench again";
        Err(Failure::input(format!("{}: {text}", self.source.shown())))
    }

    pub(crate) fn model(&self) -> Option<&Arc<Ensemble>> {
        if let What::Model(model) = &self.what { Some(model) } else { None }
    }

    pub(crate) fn rules(&self) -> Option<&Arc<RulesFile>> {
        if let What::Rules(file) = &self.what { Some(file) } else { None }
    }

    /// Whether it is a transformer that says a next token.
    pub(crate) fn says_next(&self) -> bool {
        matches!(self.what, What::Transformer { is_decoder: true, .. })
    }

    pub(crate) fn document(&self) -> Option<&Arc<Document>> {
        if let What::Document(document) = &self.what { Some(document) } else { None }
    }

    pub(crate) fn report(&self) -> Option<&Arc<SavedReport>> {
        if let What::Report(report) = &self.what { Some(report) } else { None }
    }

    /// As pages hear of it.
    pub(crate) fn told(&self) -> Value {
        let path =
            if let Source::File(path) = &self.source { path.display().to_string() } else { String::new() };
        let (kind, facts) = match &self.what {
            What::Model(model) => ("model", facts(model)),
            What::Rules(file) => {
                let rules = file.decision.classes.iter().map(|class| class.rules.len()).sum();
                ("rules", vec![("target", file.decision.target.clone()), ("rules", count(rules))])
            }
            What::Count(certificate) => ("count", crate::pages::count_facts(certificate)),
            What::Explanation { saved, n_rows } => ("explanation", crate::saved::facts(saved, *n_rows)),
            What::Document(document) => {
                let words = document.text.split_whitespace().count();
                let format = crate::documents::format(document).to_owned();
                ("document", vec![("format", format), ("words", count(words))])
            }
            What::Report(report) => ("report", crate::pages::report_facts(report)),
            What::Transformer { format, n_bytes, .. } => {
                let size = n_bytes.map(|n| ("size", format!("{} MB", count(n.div_ceil(1_000_000) as usize))));
                ("transformer", [("format", (*format).to_owned())].into_iter().chain(size).collect())
            }
            What::Runs => ("run", vec![("kind", "a store of runs".to_owned())]),
            What::Run { verb, started, .. } => (
                "run",
                vec![("kind", "one run".to_owned()), ("verb", verb.clone()), ("begun", started.clone())],
            ),
            What::Table { columns, n_rows, .. } => {
                let rows = n_rows.map(|n| ("rows", count(usize::try_from(n).unwrap_or(usize::MAX))));
                ("table", rows.into_iter().chain([("columns", count(columns.len()))]).collect())
            }
        };
        json!({"id": self.id, "kind": kind, "title": self.title, "path": path, "facts": facts})
    }
}

fn facts(model: &Ensemble) -> Vec<(&'static str, String)> {
    let origin = &model.origin;
    let version = origin.version.as_ref().map_or(String::new(), |version| format!(" {version}"));
    let depth = model.trees.iter().map(Tree::depth).max().unwrap_or(0);
    let mut facts = vec![
        ("library", format!("{}{version}", origin.library)),
        ("objective", origin.objective.clone()),
        ("features", count(model.features.len())),
        ("sum of", parts(model)),
    ];
    if depth > 0 {
        facts.push(("deepest tree", depth.to_string()));
        facts.push(("leaves", count(model.n_leaves())));
    }
    facts
}

/// A model, a table, rules, a report or a document, by what stands in the file.
fn open(path: &Path, options: &ReadOptions) -> Result<What, Failure> {
    if path.is_dir() {
        return folder(path);
    }
    if crate::runs::is_run_file(path) {
        return crate::runs::one(path);
    }
    let bytes = map(path).map_err(Failure::input)?;
    if Gguf::is_one(&bytes) {
        return Ok(What::Transformer { format: "GGUF", n_bytes: Some(bytes.len() as u64), is_decoder: true });
    }
    match certificate(&bytes) {
        Ok(Held::Rules(file)) => return Ok(What::Rules(Arc::new(*file))),
        Ok(Held::Count(certificate)) => return Ok(What::Count(Arc::new(*certificate))),
        Ok(_) => return Err(Failure::input(format!("{}: a certificate of another kind", path.display()))),
        // Ours, and read elsewhere.
        Err(CertificateError::Version { found }) if found.starts_with("pellucid.explanation") => {
            let text = "an explanation in JSON is for other programs; write it with -o FILE.parquet or -o FILE.arrow to open it here";
            return Err(Failure::input(format!("{}: {text}", path.display())));
        }
        Err(CertificateError::Version { found }) if found.starts_with("pellucid.position/") => {
            let report = report(&bytes).map_err(|cause| format!("{}: {cause}", path.display()));
            return Ok(What::Report(Arc::new(report.map_err(Failure::input)?)));
        }
        // Ours, and changed or of a later version.
        Err(error @ (CertificateError::Digest | CertificateError::Version { .. })) => {
            return Err(Failure::input(format!("{}: {error}", path.display())));
        }
        Err(_) => {}
    }
    if let Some(document) = crate::documents::open(path, &bytes)? {
        return Ok(What::Document(Arc::new(document)));
    }
    let is_lines = path.extension().is_some_and(|e| e == "jsonl" || e == "ndjson");
    if Format::sniff(&bytes).is_some() && !is_lines {
        match import(&bytes) {
            Ok(model) => return Ok(What::Model(Arc::new(model))),
            // JSON may also be data, a line of it a row.
            Err(cause) if open_table(path, options).is_err() => {
                return Err(Failure::input(FileError::Model { path: path.to_owned(), cause }));
            }
            Err(_) => {}
        }
    }
    Ok(table(open_table(path, options).map_err(Failure::input)?.as_ref()))
}

/// A folder, by what lies in it.
fn folder(path: &Path) -> Result<What, Failure> {
    if path.join("config.json").is_file() {
        return crate::transformers::folder(path);
    }
    if path.join(pellucid_runs::FILE).is_file() {
        return crate::runs::one(path);
    }
    if crate::runs::is_store(path) {
        return Ok(What::Runs);
    }
    Err(Failure::input(format!(
        "{}: a folder that is opened is a transformer (with config.json, model.safetensors and tokenizer.json), a run (with run.json), or a store of \
         runs (`pellucid runs init` makes one); this one has none of these",
        path.display()
    )))
}

fn table(reader: &dyn ReadBatches) -> What {
    What::Table {
        columns: reader.all_names().to_vec(),
        kinds: reader.schema().fields.iter().map(|field| field.kind).collect(),
        n_rows: reader.n_rows(),
    }
}

/// The stem of a file's name in letters that need no quoting, with a number where others have it.
fn free_id(title: &str, taken: &[Thing]) -> String {
    let stem = title.split('.').find(|part| !part.is_empty()).unwrap_or("file");
    let plain = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let stem: String = stem.chars().map(plain).collect();
    let is_free = |id: &String| taken.iter().all(|thing| thing.id != *id);
    let mut numbered = (2..).map(|n| format!("{stem}-{n}"));
    std::iter::once(stem.clone()).chain(numbered.by_ref()).find(is_free).unwrap_or(stem)
}
