//! `pellucid merge DIR -o OUT`: the shards of one job joined, once all of them are there.

use std::path::{Path, PathBuf};

use pellucid::data::read::{ReadBatches, ReadOptions};
use pellucid::data::table::Column;
use pellucid::data::write::{Heading, WriteBatches};
use pellucid::files::{FileError, open_table};
use pellucid::views::number::count;
use serde_json::{Map, Value, json};

use super::Context;
use super::aggregate::Whole;
use super::json_object::about;
use super::shard::Said;
use crate::args::Merge;
use crate::failure::Failure;
use crate::output::{Format, NewFile, TableFormat, check_distinct, check_place, table_writer, write_file};

/// Numbers of a table that are held at a time.
const MOST_HELD: usize = 8 << 20;
/// Rows of one, at most.
const MOST_ROWS: usize = 16_384;

/// A file that is a shard: what it says of itself beside that.
struct Part {
    path: PathBuf,
    about: Map<String, Value>,
    said: Said,
}

impl Part {
    /// What is wrong with it.
    fn wrong(&self, what: impl std::fmt::Display) -> Failure {
        Failure::Input(format!("{}: {what}", self.path.display()))
    }

    fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

/// The shards of a folder in their order, and files of their kind that could not be read.
struct Parts {
    all: Vec<Part>,
    unreadable: Vec<String>,
}

/// What a file says of itself, read as one of the kind that is looked for; `None` of what is something else.
type About<'r> = dyn Fn(&Path) -> Result<Option<Map<String, Value>>, String> + 'r;

impl Parts {
    fn find(dir: &Path, kind: TableFormat, read: &About<'_>) -> Result<Self, Failure> {
        let mut found = Self { all: Vec::new(), unreadable: Vec::new() };
        for entry in fs_err::read_dir(dir)? {
            let path = entry?.path();
            if !path.is_file() || Format::of(&path).ok() != Some(Format::Table(kind)) {
                continue;
            }
            match read(&path) {
                Ok(None) => {}
                Ok(Some(mut about)) => {
                    let said = Said::take(&mut about);
                    found.all.extend(said.map(|said| Part { path, about, said }));
                }
                Err(cause) => found.unreadable.push(format!("{} ({cause})", path.display())),
            }
        }
        found.all.sort_by(|a, b| a.path.cmp(&b.path));
        found.unreadable.sort();
        Ok(found)
    }

    /// The parts in their order, if they are all of one job, each once, and none would be replaced by the result.
    fn in_order(mut self, args: &Merge, context: &Context<'_>) -> Result<Vec<Part>, Failure> {
        let wrong = |what: String| Err(Failure::Input(format!("{}: {what}", args.dir.display())));
        let hint = match self.unreadable.as_slice() {
            [] => String::new(),
            files => format!("; not readable: {}", files.join(", ")),
        };
        let Some(first) = self.all.first() else {
            return wrong(format!(
                "no shard is there; `pellucid explain --shard i/n` writes .json with --aggregate, and .parquet without{hint}"
            ));
        };
        for part in &self.all[1..] {
            let (one, other) = (first.name(), part.name());
            if let Some(key) = first_difference(first, part) {
                return wrong(format!("{one} and {other} are of different jobs: their `{key}` differs"));
            }
            if part.said.shard.1 != first.said.shard.1 {
                let (own, theirs) = (first.said.shard.1, part.said.shard.1);
                return wrong(format!("{one} is one of {own} shards, {other} one of {theirs}"));
            }
            if part.said.instructions != first.said.instructions {
                context.console.note(&format!(
                    "{one} was explained with {}, {other} with {}: values differ by rounding from those of one machine",
                    first.said.instructions, part.said.instructions
                ));
            }
        }
        let n = first.said.shard.1;
        self.all.sort_by_key(|part| part.said.shard.0);
        if let Some([one, other]) = self.all.windows(2).find_map(|pair| match pair {
            [one, other] if one.said.shard == other.said.shard => Some([one.name(), other.name()]),
            _ => None,
        }) {
            let twice = self.all.iter().find(|part| part.name() == one).map_or(0, |part| part.said.shard.0);
            return wrong(format!("shard {}/{n} is there twice, as {one} and {other}", twice + 1));
        }
        let places = self.all.iter().map(|part| part.said.shard.0);
        if let Some(at) = (0..n)
            .zip(places.map(Some).chain(std::iter::repeat(None)))
            .find_map(|(at, place)| (place != Some(at)).then_some(at))
        {
            return wrong(format!("shard {}/{n} is not there{hint}", at + 1));
        }
        check_distinct(&args.out, &self.all.iter().map(|part| part.path.as_path()).collect::<Vec<_>>())?;
        Ok(self.all)
    }
}

/// The first thing that two parts say differently, though it is the same in all parts of a job.
fn first_difference(one: &Part, other: &Part) -> Option<String> {
    let keys = one.about.keys().chain(other.about.keys());
    let mut about = keys.filter(|key| one.about.get(*key) != other.about.get(*key));
    let keys = one.said.job.keys().chain(other.said.job.keys());
    let mut job = keys.filter(|key| one.said.job.get(*key) != other.said.job.get(*key));
    let plain = |key: &String| key.trim_start_matches("shard.").to_owned();
    about.next().cloned().or_else(|| job.next().map(plain))
}

pub(crate) fn run(args: &Merge, context: &Context<'_>) -> Result<u8, Failure> {
    let format = Format::of(&args.out)?;
    check_place(&args.out)?;
    let (rows, n) = match format {
        Format::Table(TableFormat::Json) => aggregates(args, context)?,
        Format::Table(format) => values(format, args, context)?,
        _ => {
            return Err(Failure::Usage(
                "shards are joined to .json, .parquet, .csv, .jsonl or .arrow".to_owned(),
            ));
        }
    };
    let shards = if n == 1 { "1 shard".to_owned() } else { format!("{} shards", count(n)) };
    context.console.done(&format!("wrote {} rows of {shards} to {}", count(rows), args.out.display()));
    if context.json {
        context.print_json("merge", json!({"rows": rows, "shards": n, "output": args.out}))?;
    }
    Ok(0)
}

/// Rows and shards.
type Joined = (usize, usize);

fn aggregates(args: &Merge, context: &Context<'_>) -> Result<Joined, Failure> {
    let whole = |path: &Path| -> Result<Option<Whole>, String> {
        let bytes = fs_err::read(path).map_err(|cause| cause.to_string())?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|cause| cause.to_string())?;
        if Whole::is_one(&value) {
            return Whole::of_json(&value).map(Some).ok_or_else(|| "it is damaged".to_owned());
        }
        Ok(None)
    };
    let about = |path: &Path| Ok(whole(path)?.map(|whole| whole.about));
    let parts = Parts::find(&args.dir, TableFormat::Json, &about)?.in_order(args, context)?;
    let n = parts.len();
    let mut joined: Option<Whole> = None;
    // One after the other: an aggregate of a wide model is large.
    for part in parts {
        if context.console.is_interrupted() {
            return Err(Failure::Interrupted);
        }
        let own = whole(&part.path).map_err(|cause| part.wrong(cause))?;
        let own = own.ok_or_else(|| part.wrong("it was changed meanwhile"))?;
        if !own.complete || own.all.n_rows != part.said.n_rows {
            return Err(part.wrong(CUT_SHORT));
        }
        let Some(joined) = &mut joined else {
            joined = Some(Whole { about: part.about, ..own });
            continue;
        };
        if own.names != joined.names {
            return Err(part.wrong("other features than in the other shards"));
        }
        joined.all.merge(&own.all).map_err(|cause| part.wrong(cause))?;
    }
    // There is a part at least.
    let Some(joined) = joined else { return Ok((0, 0)) };
    write_file(&args.out, format!("{}\n", joined.to_json()).as_bytes())?;
    Ok((usize::try_from(joined.all.n_rows).unwrap_or(usize::MAX), n))
}

const CUT_SHORT: &str = "it was cut short by a time limit, and lacks rows; explain this shard again";

fn values(format: TableFormat, args: &Merge, context: &Context<'_>) -> Result<Joined, Failure> {
    let open = |path: &Path, batch_rows: usize| {
        open_table(path, &ReadOptions { batch_rows, ..ReadOptions::default() })
    };
    let about_of = |path: &Path| {
        let reader = open(path, 1).map_err(|cause| cause.to_string())?;
        Ok(Some(about(reader.notes())))
    };
    let parts = Parts::find(&args.dir, TableFormat::Parquet, &about_of)?.in_order(args, context)?;
    let mut names: Option<Vec<String>> = None;
    for part in &parts {
        let reader = open(&part.path, 1)?;
        if reader.n_rows() != Some(part.said.n_rows) {
            return Err(part.wrong(CUT_SHORT));
        }
        if names.get_or_insert_with(|| reader.all_names().to_vec()) != reader.all_names() {
            return Err(part.wrong("other columns than in the other shards"));
        }
    }
    let names = names.unwrap_or_default();
    let said = |(key, value): (&String, &Value)| {
        (format!("pellucid.{key}"), value.as_str().unwrap_or_default().to_owned())
    };
    let metadata: Vec<(String, String)> =
        parts.iter().take(1).flat_map(|part| &part.about).map(said).collect();
    let batch_rows = (MOST_HELD / names.len().max(1)).clamp(1, MOST_ROWS);
    let (file, mut out) = NewFile::create(&args.out)?;
    let mut n_rows = 0;
    {
        let mut writer: Box<dyn WriteBatches + '_> =
            table_writer(format, &mut out, Heading::numbers(&names), &metadata)?;
        for part in &parts {
            let mut reader: Box<dyn ReadBatches> = open(&part.path, batch_rows)?;
            while let Some(table) =
                reader.next_batch().map_err(|cause| FileError::table(&part.path, cause))?
            {
                if context.console.is_interrupted() {
                    return Err(Failure::Interrupted);
                }
                n_rows += table.n_rows();
                let column = |column: Column| match column {
                    Column::Number(values) => Ok(values),
                    Column::Category(_) => Err(part.wrong("a column is no number")),
                };
                writer
                    .write(&table.into_columns().into_iter().map(column).collect::<Result<Vec<_>, _>>()?)?;
            }
        }
        writer.finish()?;
    }
    drop(out);
    file.keep()?;
    Ok((n_rows, parts.len()))
}
