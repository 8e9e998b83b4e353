//! `pellucid merge DIR -o OUT`: the shards of one job joined, once all of them are there.

use std::path::{Path, PathBuf};

use pellucid::data::read::ReadBatches;
use pellucid::data::table::Column;
use pellucid::data::write::WriteBatches;
use pellucid::files::{FileError, open_table};
use pellucid::views::number::count;
use serde_json::{Map, Value, json};

use super::Context;
use super::aggregate::Whole;
use super::json_object::about;
use crate::args::Merge;
use crate::failure::Failure;
use crate::output::{Format, NewFile, TableFormat, check_place, table_writer, write_file};

/// A file: what it says of itself without the shard, which shard it is, from 0 and of how many, and what it holds.
struct Part<T> {
    path: PathBuf,
    about: Map<String, Value>,
    shard: (usize, usize),
    /// With which instructions it was explained.
    instructions: String,
    content: T,
}

impl<T> Part<T> {
    /// `None` of what is no shard.
    fn new(path: &Path, mut about: Map<String, Value>, content: T) -> Option<Self> {
        let shard = shard_of(&mut about)?;
        let instructions = about.remove("instructions").and_then(|value| Some(value.as_str()?.to_owned()));
        let instructions = instructions.unwrap_or_default();
        Some(Self { path: path.to_owned(), about, shard, instructions, content })
    }

    /// What is wrong with it.
    fn wrong(&self, what: impl std::fmt::Display) -> Failure {
        Failure::Input(format!("{}: {what}", self.path.display()))
    }

    fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

fn with_ending<'f>(files: &'f [PathBuf], ending: &str) -> impl Iterator<Item = &'f PathBuf> {
    files.iter().filter(move |path| path.extension().is_some_and(|own| own == ending))
}

pub(crate) fn run(args: &Merge, context: &Context<'_>) -> Result<u8, Failure> {
    let format = Format::of(&args.out)?;
    check_place(&args.out)?;
    let mut files: Vec<PathBuf> =
        fs_err::read_dir(&args.dir)?.map(|entry| Ok(entry?.path())).collect::<Result<_, Failure>>()?;
    files.sort();
    let rows = match format {
        Format::Table(TableFormat::Json) => aggregates(&files, args, context)?,
        Format::Table(format) => values(&files, format, args, context)?,
        _ => {
            return Err(Failure::Usage(
                "shards are joined to .json, .parquet, .csv, .jsonl or .arrow".to_owned(),
            ));
        }
    };
    context.console.done(&format!(
        "wrote {} rows of {} to {}",
        count(rows.0),
        shards(rows.1),
        args.out.display()
    ));
    if context.json {
        context.print_json("merge", json!({"rows": rows.0, "shards": rows.1, "output": args.out}))?;
    }
    Ok(0)
}

fn shards(n: usize) -> String {
    if n == 1 { "1 shard".to_owned() } else { format!("{} shards", count(n)) }
}

/// Rows and shards.
type Joined = (usize, usize);

fn aggregates(files: &[PathBuf], args: &Merge, context: &Context<'_>) -> Result<Joined, Failure> {
    let mut parts = Vec::new();
    for path in with_ending(files, "json") {
        let read = serde_json::from_slice(&fs_err::read(path)?).ok();
        let Some(mut whole) = read.and_then(|value: Value| Whole::of_json(&value)) else { continue };
        let about = std::mem::take(&mut whole.about);
        let Some(part) = Part::new(path, about, whole) else { continue };
        if !part.content.complete {
            return Err(part.wrong("it was cut short by a time limit; explain this shard again"));
        }
        parts.push(part);
    }
    let (first, others) = in_order(parts, args)?;
    note_machines(&first, &others, context);
    let n = first.shard.1;
    let mut all = Whole { about: first.about, ..first.content };
    for part in others {
        if part.content.names != all.names {
            return Err(part.wrong("other features than in the other shards"));
        }
        all.all.merge(&part.content.all).map_err(|cause| part.wrong(cause))?;
    }
    write_file(&args.out, format!("{}\n", all.to_json()).as_bytes())?;
    Ok((usize::try_from(all.all.n_rows).unwrap_or(usize::MAX), n))
}

fn values(
    files: &[PathBuf],
    format: TableFormat,
    args: &Merge,
    context: &Context<'_>,
) -> Result<Joined, Failure> {
    let options = pellucid::data::read::ReadOptions::default();
    let mut parts = Vec::new();
    for path in with_ending(files, "parquet") {
        let Ok(reader) = open_table(path, &options) else { continue };
        parts.extend(Part::new(path, about(reader.notes()), reader));
    }
    let (first, others) = in_order(parts, args)?;
    note_machines(&first, &others, context);
    let n = first.shard.1;
    let said = |(key, value): (&String, &Value)| {
        (format!("pellucid.{key}"), value.as_str().unwrap_or_default().to_owned())
    };
    let metadata: Vec<(String, String)> = first.about.iter().map(said).collect();
    let names = first.content.all_names().to_vec();
    if let Some(part) = others.iter().find(|part| part.content.all_names() != names) {
        return Err(part.wrong("other columns than in the other shards"));
    }
    let (file, mut out) = NewFile::create(&args.out)?;
    let mut n_rows = 0;
    {
        let mut writer: Box<dyn WriteBatches + '_> = table_writer(format, &mut out, &names, &metadata)?;
        for mut part in std::iter::once(first).chain(others) {
            let next = |part: &mut Part<Box<dyn ReadBatches>>| {
                part.content.next_batch().map_err(|cause| FileError::table(&part.path, cause))
            };
            while let Some(table) = next(&mut part)? {
                if context.console.is_interrupted() {
                    return Err(Failure::Interrupted);
                }
                let column = |column: &Column| match column {
                    Column::Number(values) => Ok(values.clone()),
                    Column::Category(_) => Err(part.wrong("a column is no number")),
                };
                n_rows += table.n_rows();
                writer.write(&table.columns().iter().map(column).collect::<Result<Vec<_>, _>>()?)?;
            }
        }
        writer.finish()?;
    }
    drop(out);
    file.keep()?;
    Ok((n_rows, n))
}

/// Says when parts are not of one kind of machine: what is joined is then right, and no machine's to the byte.
fn note_machines<T>(first: &Part<T>, others: &[Part<T>], context: &Context<'_>) {
    if let Some(other) = others.iter().find(|part| part.instructions != first.instructions) {
        context.console.note(&format!(
            "{} was explained with {}, {} with {}: values differ by rounding from those of one machine",
            first.name(),
            first.instructions,
            other.name(),
            other.instructions
        ));
    }
}

/// Takes the shard out of what is said: from 0, and of how many.
fn shard_of(about: &mut Map<String, Value>) -> Option<(usize, usize)> {
    let text = about.remove("shard")?;
    let (at, of) = text.as_str()?.split_once('/')?;
    let (at, of): (usize, usize) = (at.parse().ok()?, of.parse().ok()?);
    (1..=of).contains(&at).then(|| (at - 1, of))
}

/// The first and the other shards in their order, if these are all of one job, each once.
fn in_order<T>(mut parts: Vec<Part<T>>, args: &Merge) -> Result<(Part<T>, Vec<Part<T>>), Failure> {
    let wrong = |what: String| Err(Failure::Input(format!("{}: {what}", args.dir.display())));
    let Some(first) = parts.first() else {
        return wrong(
            "no shard is there; `pellucid explain --shard i/n` writes .json with --aggregate, and .parquet without"
                .to_owned(),
        );
    };
    for part in &parts[1..] {
        let differs = part.about.iter().find(|(key, value)| first.about.get(*key) != Some(*value));
        let (one, other) = (first.name(), part.name());
        if let Some((key, _)) = differs {
            return wrong(format!("{one} and {other} are of different jobs: their `{key}` differs"));
        }
        if part.shard.1 != first.shard.1 {
            return wrong(format!(
                "{one} is one of {} shards, {other} one of {}",
                first.shard.1, part.shard.1
            ));
        }
    }
    let n = first.shard.1;
    for at in 0..n {
        let own: Vec<&Part<T>> = parts.iter().filter(|part| part.shard.0 == at).collect();
        match own.as_slice() {
            [_] => {}
            [] => return wrong(format!("shard {}/{n} is not there", at + 1)),
            [one, other, ..] => {
                let (one, other) = (one.name(), other.name());
                return wrong(format!("shard {}/{n} is there twice, as {one} and {other}", at + 1));
            }
        }
    }
    parts.sort_by_key(|part| part.shard.0);
    let others = parts.split_off(1);
    Ok((parts.remove(0), others))
}
