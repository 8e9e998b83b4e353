//! `pellucid merge DIR -o OUT`: the shards of one job joined, once all of them are there.

use std::path::{Path, PathBuf};

use pellucid::data::table::Column;
use pellucid::data::write::WriteBatches;
use pellucid::files::{FileError, open_table};
use pellucid::views::number::count;
use serde_json::{Map, Value, json};

use super::Context;
use super::aggregate::Whole;
use crate::args::Merge;
use crate::failure::Failure;
use crate::output::{Format, NewFile, TableFormat, check_place, table_writer, write_file};

/// What a file says of itself, without the shard; and which shard it is.
struct Part {
    path: PathBuf,
    about: Map<String, Value>,
    shard: (usize, usize),
}

pub(crate) fn run(args: &Merge, context: &Context<'_>) -> Result<u8, Failure> {
    let format = Format::of(&args.out)?;
    check_place(&args.out)?;
    let mut files: Vec<PathBuf> =
        fs_err::read_dir(&args.dir)?.map(|entry| Ok(entry?.path())).collect::<Result<_, Failure>>()?;
    files.sort();
    let rows = match format {
        Format::Table(TableFormat::Json) => aggregates(&files, args)?,
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

fn aggregates(files: &[PathBuf], args: &Merge) -> Result<Joined, Failure> {
    let mut found = Vec::new();
    for path in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")) {
        let bytes = fs_err::read(path)?;
        let Some(mut whole) =
            serde_json::from_slice(&bytes).ok().and_then(|value: Value| Whole::of_json(&value))
        else {
            continue;
        };
        let Some(shard) = shard_of(&mut whole.about) else { continue };
        if !whole.complete {
            return Err(Failure::Input(format!(
                "{}: it was cut short by a time limit; explain this shard again",
                path.display()
            )));
        }
        found.push((Part { path: path.clone(), about: whole.about.clone(), shard }, whole));
    }
    let parts: Vec<&Part> = found.iter().map(|(part, _)| part).collect();
    let n = check(&parts, args)?;
    found.sort_by_key(|(part, _)| part.shard.0);
    let mut found = found.into_iter();
    let Some((_, mut all)) = found.next() else { return Ok((0, n)) };
    for (part, whole) in found {
        if whole.names != all.names {
            return Err(Failure::Input(format!(
                "{}: other features than in the other shards",
                part.path.display()
            )));
        }
        let joined = all.all.merge(&whole.all);
        joined.map_err(|cause| Failure::Input(format!("{}: {cause}", part.path.display())))?;
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
    for path in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "parquet")) {
        let Ok(reader) = open_table(path, &options) else { continue };
        let mut about: Map<String, Value> = reader
            .notes()
            .into_iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("pellucid.")?.to_owned(), value.into())))
            .collect();
        let Some(shard) = shard_of(&mut about) else { continue };
        parts.push((Part { path: path.clone(), about, shard }, reader));
    }
    let n = check(&parts.iter().map(|(part, _)| part).collect::<Vec<_>>(), args)?;
    parts.sort_by_key(|(part, _)| part.shard.0);
    let metadata: Vec<(String, String)> = parts[0]
        .0
        .about
        .iter()
        .map(|(key, value)| (format!("pellucid.{key}"), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let names = parts[0].1.all_names().to_vec();
    if let Some((part, _)) = parts.iter().find(|(_, reader)| reader.all_names() != names) {
        return Err(Failure::Input(format!(
            "{}: other columns than in the other shards",
            part.path.display()
        )));
    }
    let (file, mut out) = NewFile::create(&args.out)?;
    let mut n_rows = 0;
    {
        let mut writer: Box<dyn WriteBatches + '_> = table_writer(format, &mut out, &names, &metadata)?;
        for (part, mut reader) in parts {
            while let Some(table) =
                reader.next_batch().map_err(|cause| FileError::table(&part.path, cause))?
            {
                if context.console.is_interrupted() {
                    return Err(Failure::Interrupted);
                }
                let column = |column: &Column| match column {
                    Column::Number(values) => Ok(values.clone()),
                    Column::Category(_) => {
                        Err(Failure::Input(format!("{}: a column is no number", part.path.display())))
                    }
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

/// Takes the shard out of what is said: from 0, and of how many.
fn shard_of(about: &mut Map<String, Value>) -> Option<(usize, usize)> {
    let text = about.remove("shard")?;
    let (at, of) = text.as_str()?.split_once('/')?;
    let (at, of): (usize, usize) = (at.parse().ok()?, of.parse().ok()?);
    (1..=of).contains(&at).then(|| (at - 1, of))
}

/// Whether these are all the shards of one job, each once. Answers how many.
fn check(parts: &[&Part], args: &Merge) -> Result<usize, Failure> {
    let dir = args.dir.display();
    let Some(first) = parts.first() else {
        return Err(Failure::Input(format!(
            "{dir}: no shard is there; `pellucid explain --shard i/n` writes .json with --aggregate, and .parquet without"
        )));
    };
    let shown =
        |path: &Path| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    for part in &parts[1..] {
        let differs = part.about.iter().find(|(key, value)| first.about.get(*key) != Some(*value));
        if let Some((key, _)) = differs {
            return Err(Failure::Input(format!(
                "{dir}: {} and {} are of different jobs: their `{key}` differs",
                shown(&first.path),
                shown(&part.path)
            )));
        }
        if part.shard.1 != first.shard.1 {
            return Err(Failure::Input(format!(
                "{dir}: {} is one of {} shards, {} one of {}",
                shown(&first.path),
                first.shard.1,
                shown(&part.path),
                part.shard.1
            )));
        }
    }
    let n = first.shard.1;
    for at in 0..n {
        let own: Vec<&&Part> = parts.iter().filter(|part| part.shard.0 == at).collect();
        match own.as_slice() {
            [_] => {}
            [] => return Err(Failure::Input(format!("{dir}: shard {}/{n} is not there", at + 1))),
            [one, other, ..] => {
                return Err(Failure::Input(format!(
                    "{dir}: shard {}/{n} is there twice, as {} and {}",
                    at + 1,
                    shown(&one.path),
                    shown(&other.path)
                )));
            }
        }
    }
    Ok(n)
}
