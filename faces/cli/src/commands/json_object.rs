//! How are rows written as one JSON object? What holds for all of them first, then an array of rows, then whether it is all.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// What a file says of itself under keys that begin with `pellucid.`, as JSON says it without.
pub(super) fn about(metadata: impl IntoIterator<Item = (String, String)>) -> Map<String, Value> {
    let entry =
        |(key, value): (String, String)| Some((key.strip_prefix("pellucid.")?.to_owned(), value.into()));
    metadata.into_iter().filter_map(entry).collect()
}

/// An object that is being written.
pub(super) struct JsonObject<W> {
    out: W,
    first: bool,
}

impl<W: Write> JsonObject<W> {
    /// `metadata` holds the schema first, then what is said of all rows.
    pub(super) fn new(
        mut out: W,
        names: &[String],
        n_outputs: usize,
        metadata: &[(String, String)],
    ) -> Result<Self, Failure> {
        let about = about(metadata.iter().skip(1).cloned());
        let schema = metadata.first().map_or("", |(_, schema)| schema.as_str());
        let head = json!({"about": about, "feature_names": names, "n_outputs": n_outputs}).to_string();
        write!(out, "{{\"schema\":\"{schema}\",{},\"rows\":[", &head[1..head.len() - 1])?;
        Ok(Self { out, first: true })
    }

    /// A row, already JSON.
    pub(super) fn row(&mut self, row: &str) -> Result<(), Failure> {
        let comma = if std::mem::take(&mut self.first) { "" } else { "," };
        Ok(write!(self.out, "{comma}\n{row}")?)
    }

    /// Closes the object; `numbers` says which rows of their table the rows are, where they are not all.
    pub(super) fn finish(
        mut self,
        is_complete: bool,
        numbers: Option<impl Iterator<Item = usize>>,
    ) -> Result<(), Failure> {
        write!(self.out, "\n]")?;
        if let Some(numbers) = numbers {
            write!(self.out, ",\"row_numbers\":[")?;
            for (at, number) in numbers.enumerate() {
                write!(self.out, "{}{number}", if at == 0 { "" } else { "," })?;
            }
            write!(self.out, "]")?;
        }
        writeln!(self.out, ",\"complete\":{is_complete}}}")?;
        Ok(self.out.flush()?)
    }
}
