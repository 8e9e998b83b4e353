//! What is there to ask, and of what?

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pellucid::data::read::ReadOptions;
use pellucid::data::{Field, Kind, Table, Watch as _};
use pellucid::learn::task::whole;
use pellucid::models::trees::Ensemble;
use pellucid::views::number::count;
use pellucid_position::Analysis;
use pellucid_position::months::Day;
use pellucid_runs::Artifact;
use serde_json::Value;

use crate::address::{Address, Answering};
use crate::bounded::{Bounded, bytes_a_row};
use crate::cohort::Chosen;
use crate::failure::{Code, Failure, hint};
use crate::jobs::{Job, Jobs};
use crate::memo::{Found, Memo};
use crate::opened::{Source, Thing, What};
use crate::pages::{Described, Good, Looks, Ruled};
use crate::paired::{Explained, Paired};
use crate::saved::Read;
use crate::transformers::Inside;
use crate::{documents, embedded, pages};

/// Pairs of a model and a table that are held, the largest things in memory.
const PAIRS: usize = 4;
/// Transformers that are held.
const INSIDE: usize = 2;
/// Explanations of all rows that are held.
const EXPLAINED: usize = 8;
/// Results that are held of what takes little memory.
const SMALL: usize = 64;

/// How things are opened and worked on.
#[derive(Debug, Clone)]
pub struct Options {
    /// How tables are read.
    pub reading: ReadOptions,
    /// Columns of tables that are not looked at.
    pub drop: Vec<String>,
    /// Worker threads of one piece of work.
    pub threads: NonZeroUsize,
    /// Bytes that the rows of one table may take in memory.
    pub most_bytes: usize,
}

/// What was opened, and what was worked out of it.
pub struct Workbench {
    pub(crate) things: Vec<Thing>,
    pub(crate) notes: Vec<String>,
    pub(crate) options: Options,
    /// All long work.
    pub jobs: Arc<Jobs>,
    pairs: Arc<Memo<Paired>>,
    explained: Arc<Memo<Explained>>,
    /// Tables, or why they do not fit: that is known when all rows were read, and asked for again.
    tables: Arc<Memo<Result<Arc<Table>, Failure>>>,
    pub(crate) described: Arc<Memo<Described>>,
    pub(crate) ruled: Arc<Memo<Ruled>>,
    pub(crate) verified: Arc<Memo<Value>>,
    pub(crate) good: Arc<Memo<Good>>,
    pub(crate) positions: Arc<Memo<Analysis>>,
    pub(crate) transformers: Arc<Memo<Inside>>,
    pub(crate) patching: pages::Patching,
    pub(crate) looks: Looks,
    pub(crate) saved: Arc<Memo<Read>>,
    /// What became of files of runs, and hashes of what was opened.
    pub(crate) states: Arc<Memo<Vec<&'static str>>>,
    pub(crate) hashes: Arc<Memo<Artifact>>,
    /// The day on which it was opened, in UTC.
    pub(crate) opened: Day,
}

/// How a table is read, in the words of a terminal and of Python.
pub(crate) struct Spelled {
    pub(crate) words: String,
    pub(crate) python: String,
}

/// What an address answers.
pub enum Answer {
    /// The answer.
    Ready(Value),
    /// Who works on it.
    Working(Arc<Job>),
}

impl Workbench {
    /// Opens files and examples. What can't be read is told in the session, as long as something can.
    ///
    /// # Errors
    /// When nothing can be read, or a column is dropped that no table has.
    pub fn open(sources: Vec<Source>, options: Options) -> Result<Self, Failure> {
        let (mut things, mut notes) = (Vec::<Thing>::new(), Vec::new());
        for source in sources {
            match Thing::open(source, &options.reading, &things) {
                Ok(thing) => {
                    notes.extend(thing.note.clone());
                    things.push(thing);
                }
                Err(failure) => notes.push(failure.message),
            }
        }
        if things.is_empty() && !notes.is_empty() {
            return Err(Failure::input(notes.join("\n")));
        }
        let has = |name: &String| {
            things
                .iter()
                .any(|thing| matches!(&thing.what, What::Table { columns, .. } if columns.contains(name)))
        };
        if let Some(name) = options.drop.iter().find(|name| !has(name)) {
            return Err(Failure::usage(format!("--drop {name}: no table that was opened has such a column")));
        }
        Ok(Self {
            things,
            notes,
            options,
            jobs: Arc::new(Jobs::default()),
            pairs: Memo::of(PAIRS),
            explained: Memo::of(EXPLAINED),
            tables: Memo::of(PAIRS),
            described: Memo::of(SMALL),
            ruled: Memo::of(SMALL),
            verified: Memo::of(SMALL),
            good: Memo::of(EXPLAINED),
            positions: Memo::of(EXPLAINED),
            transformers: Memo::of(INSIDE),
            patching: pages::Patching::default(),
            looks: Looks::new(),
            saved: Memo::of(EXPLAINED),
            states: Memo::of(SMALL),
            hashes: Memo::of(SMALL),
            opened: documents::day_of(
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            ),
        })
    }

    /// The examples that come with the program.
    #[must_use]
    pub fn examples() -> Vec<Source> {
        embedded::examples()
    }

    /// What people should know of what was opened: what could not be read.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What was opened.
    #[must_use]
    pub fn things(&self) -> &[Thing] {
        &self.things
    }

    /// Answers an address.
    ///
    /// # Errors
    /// When it asks for what is not there, or what was opened can't be worked on.
    pub fn answer(self: &Arc<Self>, address: &Address) -> Result<Answer, Failure> {
        let page = pages::ANSWERS.iter().find(|page| page.0 == address.path());
        let (_, answer) = page
            .ok_or_else(|| Failure::new(Code::NotFound, format!("nothing stands at {}", address.path())))?;
        let _answering = Answering::now(address);
        answer(self, address)
    }

    /// The model of an address, or the first one.
    pub(crate) fn model(&self, address: &Address) -> Result<(&Thing, &Arc<Ensemble>), Failure> {
        let models = self.things.iter().filter_map(|thing| Some((thing, thing.model()?)));
        pick(models, address.one("model")?, "model", |of| &of.0.id)
    }

    /// The table of an address, or the first one.
    pub(crate) fn table(&self, address: &Address) -> Result<&Thing, Failure> {
        let tables = self.things.iter().filter(|thing| matches!(thing.what, What::Table { .. }));
        pick(tables, address.one("data")?, "table", |of| &of.id)
    }

    /// The rows of an address's table as its model compares them.
    pub(crate) fn paired(self: &Arc<Self>, address: &Address) -> Result<Found<Paired>, Failure> {
        let ((model, ensemble), table) = (self.model(address)?, self.table(address)?);
        table.unchanged()?;
        let key = format!("{}\n{}", model.id, table.id);
        let title = format!("Reading {} for {}", table.title, model.title);
        let (ensemble, source, options) = (Arc::clone(ensemble), table.source.clone(), self.options.clone());
        let used = self.dropped(table);
        self.pairs
            .get(&self.jobs, &key, &title, move |job| Paired::read(&ensemble, &source, &used, &options, job))
    }

    /// How a table is read, where that is not as usual, as words of a command and arguments of Python.
    pub(crate) fn spelled(&self, table: &Thing) -> Spelled {
        let usual = ReadOptions::default();
        let missing: Vec<&String> =
            self.options.reading.missing.iter().filter(|text| !usual.missing.contains(text)).collect();
        let drop = self.dropped(table);
        let mut words: String =
            missing.iter().map(|text| format!(" --missing {}", pages::in_shell_if_needed(text))).collect();
        words.extend(drop.iter().map(|name| format!(" --drop={}", pages::in_shell_if_needed(name))));
        if !self.options.reading.header {
            words += " --no-header";
        }
        let list = |name: &str, all: Vec<&String>| {
            let all: Vec<String> = all.into_iter().map(|text| pages::in_python(text)).collect();
            if all.is_empty() { String::new() } else { format!(", {name}=[{}]", all.join(", ")) }
        };
        let python = list("missing", missing) + &list("drop", drop.iter().collect());
        Spelled { words, python }
    }

    /// Columns of a table that are not looked at.
    pub(crate) fn dropped(&self, table: &Thing) -> Vec<String> {
        let What::Table { columns, .. } = &table.what else { return Vec::new() };
        self.options.drop.iter().filter(|name| columns.contains(name)).cloned().collect()
    }

    /// The rules of an address, if it names some.
    pub(crate) fn rules(&self, address: &Address) -> Result<Option<&Thing>, Failure> {
        let Some(named) = address.one("rules")? else { return Ok(None) };
        let all = self.things.iter().filter(|thing| thing.rules().is_some());
        pick(all, Some(named), "rule set", |of| &of.id).map(Some)
    }

    /// The whole table of an address.
    pub(crate) fn whole(self: &Arc<Self>, address: &Address) -> Result<Found<Table>, Failure> {
        self.read_whole(self.table(address)?, Vec::new())
    }

    /// The same without columns that hold neither numbers nor text, which can be named and not read.
    pub(crate) fn readable(self: &Arc<Self>, address: &Address) -> Result<Found<Table>, Failure> {
        let table = self.table(address)?;
        let What::Table { columns, kinds, .. } = &table.what else { return self.whole(address) };
        if !kinds.contains(&Kind::Other) {
            return self.whole(address);
        }
        let fields = columns.iter().zip(kinds).map(|(name, &kind)| Field { name: name.clone(), kind });
        self.read_whole(table, fields.filter(|field| field.kind != Kind::Other).collect())
    }

    /// A whole table, or these columns of it.
    fn read_whole(self: &Arc<Self>, table: &Thing, fields: Vec<Field>) -> Result<Found<Table>, Failure> {
        table.unchanged()?;
        let (source, options) = (table.source.clone(), self.options.clone());
        let title = format!("Reading {}", table.title);
        let key = if fields.is_empty() { table.id.clone() } else { format!("{}\nreadable", table.id) };
        let found = self.tables.get(&self.jobs, &key, &title, move |job| {
            let mut reader = source.rows(&options.reading)?;
            if !fields.is_empty() {
                let selected = reader.select(&fields);
                selected.map_err(|cause| Failure::input(format!("{}: {cause}", source.shown())))?;
            }
            if let Some(n) = reader.n_rows() {
                job.expect(n);
            }
            let check = |n_rows: u64, n_bytes: usize| {
                if n_bytes <= options.most_bytes {
                    return Ok(());
                }
                let (name, most) = (source.shown(), options.most_bytes >> 20);
                let (n_rows, needed) = (usize::try_from(n_rows).unwrap_or(usize::MAX), n_bytes.div_ceil(1 << 20));
                let text = format!(
                    "{name}: the table has {} rows, which take {} MB and do not fit into {most} MB of memory; give more with --max-memory, or open a \
                     part of the rows",
                    count(n_rows),
                    count(needed)
                );
                Err(Failure::new(Code::Limit, text))
            };
            let (n_rows, width) = (reader.n_rows().unwrap_or(0), bytes_a_row(reader.schema()));
            let least = usize::try_from(n_rows).unwrap_or(usize::MAX).saturating_mul(width);
            if let Err(limit) = check(n_rows, least) {
                return Ok(Err(limit));
            }
            // How many rows a text file has is known when it is read.
            let mut bounded = Bounded::new(reader, options.most_bytes, job);
            let read = whole(&mut bounded, job);
            if let (Err(limit), false) = (check(bounded.n_read, bounded.n_bytes), job.should_stop()) {
                return Ok(Err(limit));
            }
            let table = read.map_err(|cause| Failure::input(format!("{}: {cause}", source.shown())))?;
            Ok(Ok(Arc::new(table)))
        })?;
        Ok(match found {
            Found::Ready(table) => Found::Ready(Arc::clone(table.as_ref().as_ref().map_err(Failure::clone)?)),
            Found::Working(job) => Found::Working(job),
        })
    }

    /// All rows of an address's table, explained, or those that it asks for.
    pub(crate) fn explained(
        self: &Arc<Self>,
        address: &Address,
        paired: &Arc<Paired>,
        only: Option<&Chosen>,
    ) -> Result<Found<Explained>, Failure> {
        let ((model, _), table) = (self.model(address)?, self.table(address)?);
        let cohort = only.map_or(String::new(), |only| only.cohort.key());
        let key = format!("{}\n{}\n{cohort}", model.id, table.id);
        let title = format!("Explaining {} on {}", model.title, table.title);
        let (paired, threads) = (Arc::clone(paired), self.options.threads);
        let only = only.map(|only| (only.rows.clone(), only.cohort.words()));
        self.explained.get(&self.jobs, &key, &title, move |job| Explained::of(&paired, only, threads, job))
    }
}

/// The one that an address names, or the first.
pub(crate) fn pick<T>(
    mut all: impl Iterator<Item = T> + Clone,
    named: Option<&str>,
    kind: &str,
    id: impl Fn(&T) -> &String,
) -> Result<T, Failure> {
    let Some(named) = named else {
        let none =
            || Failure::new(Code::NotFound, format!("no {kind} is open; start the workbench with one"));
        return all.next().ok_or_else(none);
    };
    let names: Vec<String> = all.clone().map(|thing| id(&thing).clone()).collect();
    all.find(|thing| id(thing) == named).ok_or_else(|| {
        let hint = hint(named, names.iter().map(String::as_str));
        Failure::new(Code::NotFound, format!("no {kind} `{named}` is open{hint}"))
    })
}
