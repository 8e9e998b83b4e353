//! JSON lines: one flat object a line; columns are the keys in the order in which they first appear.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::error::ReadError;
use super::infer::{ColumnBuilder, kind_of};
use super::lines::BoundedLines;
use super::{ReadBatches, ReadOptions, positions};
use crate::table::{Field, Schema, Table};

/// Reads JSON lines by batches. A key that a line lacks is a missing value.
pub struct JsonLinesReader<R: Read> {
    lines: BufReader<BoundedLines<R>>,
    line: u64,
    names: Vec<String>,
    taken: Vec<usize>,
    schema: Arc<Schema>,
    /// For each selected column, texts that are values whatever they spell.
    kept: Vec<HashSet<String>>,
    /// Whether columns were selected: then other keys don't matter.
    selected: bool,
    sample: std::vec::IntoIter<(u64, Record)>,
    sampled: usize,
    options: ReadOptions,
}

/// One line: keys and values in the line's order; `None` is `null`.
struct Record(Vec<(String, Option<String>)>);

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Flat;
        impl<'de> Visitor<'de> for Flat {
            type Value = Record;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of plain values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut cells = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    let value = match map.next_value::<serde_json::Value>()? {
                        serde_json::Value::Null => None,
                        serde_json::Value::String(text) => Some(text),
                        serde_json::Value::Bool(b) => Some(b.to_string()),
                        serde_json::Value::Number(n) => Some(n.to_string()),
                        _ => return Err(serde::de::Error::custom(format!("`{key}` holds a nested value"))),
                    };
                    cells.push((key, value));
                }
                Ok(Record(cells))
            }
        }
        deserializer.deserialize_map(Flat)
    }
}

impl<R: Read> JsonLinesReader<R> {
    /// Reads the first batch, from which columns and types are inferred.
    ///
    /// # Errors
    /// When there is no line, or a line is no flat object.
    pub fn new(bytes: R, options: ReadOptions) -> Result<Self, ReadError> {
        let mut lines = BufReader::with_capacity(1 << 16, BoundedLines::new(bytes));
        let mut line = 0;
        let mut sample = Vec::new();
        while sample.len() < options.batch_rows {
            match next_record(&mut lines, &mut line)? {
                Some(record) => sample.push((line, record)),
                None => break,
            }
        }
        if sample.is_empty() {
            return Err(ReadError::Empty);
        }
        let mut names: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (key, _) in sample.iter().flat_map(|(_, record)| &record.0) {
            if seen.insert(key.clone()) {
                names.push(key.clone());
            }
        }
        let fields = names.iter().map(|name| {
            let cells = sample.iter().flat_map(|(_, record)| &record.0).filter(|(key, _)| key == name);
            let cells =
                cells.map(|(_, value)| value.as_deref().filter(|text| !options.is_missing(text.trim())));
            Field { name: name.clone(), kind: kind_of(cells) }
        });
        let schema = Arc::new(Schema { fields: fields.collect() });
        let sampled = sample.len();
        let taken = (0..names.len()).collect();
        let kept = vec![HashSet::new(); names.len()];
        Ok(Self {
            lines,
            line,
            names,
            taken,
            schema,
            kept,
            selected: false,
            sample: sample.into_iter(),
            sampled,
            options,
        })
    }
}

fn next_record<R: BufRead>(lines: &mut R, line: &mut u64) -> Result<Option<Record>, ReadError> {
    let mut text = String::new();
    loop {
        text.clear();
        *line += 1;
        match lines.read_line(&mut text) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                return Err(ReadError::NotUtf8 { line: *line });
            }
            Err(e) => return Err(e.into()),
        }
        let text = text.trim_start_matches('\u{feff}').trim();
        if !text.is_empty() {
            let parsed = serde_json::from_str(text);
            return parsed.map(Some).map_err(|e| ReadError::BadJsonLine { line: *line, what: e.to_string() });
        }
    }
}

impl<R: Read> ReadBatches for JsonLinesReader<R> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn all_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[Field]) -> Result<(), ReadError> {
        self.taken = positions(columns, &self.names)?;
        self.kept = vec![HashSet::new(); columns.len()];
        self.selected = true;
        self.schema = Arc::new(Schema { fields: columns.to_vec() });
        Ok(())
    }

    fn keep_texts(&mut self, column: usize, texts: &[String]) {
        if let Some(kept) = self.kept.get_mut(column) {
            kept.extend(texts.iter().cloned());
        }
    }

    fn next_batch(&mut self) -> Result<Option<Table>, ReadError> {
        let fields = &self.schema.fields;
        let mut builders: Vec<ColumnBuilder> =
            fields.iter().map(|f| ColumnBuilder::new(f.kind, self.options.batch_rows)).collect();
        let mut n_rows = 0;
        while n_rows < self.options.batch_rows {
            let (line, record) = match self.sample.next() {
                Some(sampled) => sampled,
                None => match next_record(&mut self.lines, &mut self.line)? {
                    Some(record) => (self.line, record),
                    None => break,
                },
            };
            if !self.selected
                && let Some((key, _)) = record.0.iter().find(|(key, _)| !self.names.contains(key))
            {
                return Err(ReadError::LateKey { line, key: key.clone(), sampled: self.sampled });
            }
            for (((builder, &at), field), kept) in
                builders.iter_mut().zip(&self.taken).zip(fields).zip(&self.kept)
            {
                // Of a key that stands twice the last holds, as in every JSON library.
                let value = record.0.iter().rfind(|(key, _)| *key == self.names[at]);
                let text = value.and_then(|(_, value)| value.as_deref());
                let text = text.filter(|text| kept.contains(*text) || !self.options.is_missing(text.trim()));
                let text = if field.kind.is_number() { text.map(str::trim) } else { text };
                builder.push(text, line, &field.name)?;
            }
            n_rows += 1;
        }
        if n_rows == 0 {
            return Ok(None);
        }
        let columns = builders.into_iter().map(ColumnBuilder::finish).collect();
        Ok(Table::new(Arc::clone(&self.schema), columns, n_rows))
    }
}
