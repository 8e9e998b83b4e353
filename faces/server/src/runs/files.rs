//! What stands in a file that came out of a run? As much of it as a page shows.

use std::io::Read as _;
use std::path::Path;

use pellucid::data::read::ReadOptions;
use pellucid::data::{Column, Table};
use pellucid::files::open_table;
use serde_json::{Value, json};

use crate::failure::{Code, Failure};

/// Bytes of a picture, of JSON and of a table, at most.
const MOST_PICTURE: u64 = 4 << 20;
const MOST_JSON: u64 = 16 << 20;
const MOST_TABLE: u64 = 64 << 20;
/// Letters of a text that are shown.
const MOST_LETTERS: u64 = 20_000;
/// Lines and columns of a table that are shown.
const LINES: usize = 100;
const COLUMNS: usize = 40;
/// Letters of one cell.
const CELL: usize = 200;

/// As what a file is shown, by its ending; nothing where it is not.
pub(crate) fn kind(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "svg" => Some("picture"),
        "csv" | "jsonl" | "ndjson" | "parquet" | "arrow" => Some("table"),
        "json" => Some("values"),
        "md" | "txt" | "py" | "sql" | "log" => Some("text"),
        _ => None,
    }
}

/// What stands in it, as a page takes it.
pub(crate) fn shown(path: &Path) -> Result<Value, Failure> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let wrong = |cause: String| Failure::input(format!("{name}: {cause}"));
    let bytes = fs_err::metadata(path).map_err(Failure::input)?.len();
    let kind = kind(path).ok_or_else(|| wrong("files of this kind are not shown here".to_owned()))?;
    let most = match kind {
        "picture" => MOST_PICTURE,
        "values" => MOST_JSON,
        "table" => MOST_TABLE,
        _ => u64::MAX,
    };
    if bytes > most {
        let text = format!("{name}: it has {} MB, and at most {} are shown here", bytes >> 20, most >> 20);
        return Err(Failure::new(Code::Limit, text));
    }
    let mut shown = match kind {
        "picture" => {
            let text = fs_err::read_to_string(path).map_err(Failure::input)?;
            if !text.trim_start().starts_with('<') || !text.contains("<svg") {
                return Err(wrong("it ends with .svg and is none".to_owned()));
            }
            json!({"svg": text})
        }
        "table" => {
            let mut reader = open_table(path, &ReadOptions::default()).map_err(Failure::input)?;
            let n_rows = reader.n_rows();
            let first = reader.next_batch().map_err(|cause| wrong(cause.to_string()))?;
            table(first.as_ref(), n_rows)
        }
        "values" => {
            let read = fs_err::read(path).map_err(Failure::input)?;
            let value: Value =
                serde_json::from_slice(&read).map_err(|cause| wrong(format!("no JSON: {cause}")))?;
            let mut rows = Vec::new();
            flat("", &value, &mut rows);
            let whole = rows.len() <= LINES;
            rows.truncate(LINES);
            json!({"names": ["name", "value"], "rows": rows, "n_rows": null, "whole": whole})
        }
        _ => {
            let mut head = Vec::new();
            let file = fs_err::File::open(path).map_err(Failure::input)?;
            file.take(MOST_LETTERS).read_to_end(&mut head).map_err(Failure::input)?;
            json!({"text": String::from_utf8_lossy(&head), "whole": bytes <= MOST_LETTERS})
        }
    };
    shown["kind"] = (if kind == "values" { "table" } else { kind }).into();
    shown["name"] = name.into();
    Ok(shown)
}

fn table(first: Option<&Table>, n_rows: Option<u64>) -> Value {
    let Some(table) = first else {
        return json!({"names": [], "rows": [], "n_rows": n_rows, "whole": true});
    };
    let names: Vec<&str> = table.schema().names().take(COLUMNS).collect();
    let row = |at: usize| -> Vec<String> {
        let cell = |column: &Column| match column {
            Column::Number(values) => {
                values.get(at).filter(|x| !x.is_nan()).map_or(String::new(), ToString::to_string)
            }
            Column::Category(texts) => cut(texts.text(at).unwrap_or("")),
        };
        table.columns().iter().take(COLUMNS).map(cell).collect()
    };
    let rows: Vec<_> = (0..table.n_rows().min(LINES)).map(row).collect();
    let whole = table.n_rows() <= LINES
        && table.columns().len() <= COLUMNS
        && n_rows.is_none_or(|n| n <= rows.len() as u64);
    json!({"names": names, "n_columns": table.columns().len(), "rows": rows, "n_rows": n_rows, "whole": whole})
}

/// Every value with the way to it: `certificate.bounds[0]`. One more than are shown, to know that there are more.
fn flat(name: &str, value: &Value, rows: &mut Vec<[String; 2]>) {
    if rows.len() > LINES {
        return;
    }
    match value {
        Value::Object(own) if !own.is_empty() => {
            for (key, inner) in own {
                flat(&if name.is_empty() { key.clone() } else { format!("{name}.{key}") }, inner, rows);
            }
        }
        Value::Array(all) if all.iter().any(|one| one.is_object() || one.is_array()) => {
            for (at, inner) in all.iter().enumerate() {
                flat(&format!("{name}[{at}]"), inner, rows);
            }
        }
        Value::String(text) => rows.push([cut(name), cut(text)]),
        other => rows.push([cut(name), cut(&other.to_string())]),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CELL) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
