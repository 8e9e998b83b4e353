//! JSON lines of numbers: one object a row; what JSON can't say (NaN, infinity) is `null` or text.

use std::io::Write;

use super::{Heading, WriteBatches, WriteError, shortest};

/// Writes JSON lines to a sink.
pub struct JsonLinesWriter<W: Write> {
    out: W,
    keys: Vec<String>,
    headings: Vec<Heading>,
}

impl<W: Write> JsonLinesWriter<W> {
    /// Prepares the keys.
    pub fn new(out: W, headings: Vec<Heading>) -> Self {
        let quoted = |heading: &Heading| serde_json::Value::from(heading.name.as_str()).to_string();
        Self { out, keys: headings.iter().map(quoted).collect(), headings }
    }
}

impl<W: Write> WriteBatches for JsonLinesWriter<W> {
    fn write(&mut self, columns: &[Vec<f64>]) -> Result<(), WriteError> {
        for row in 0..columns.first().map_or(0, Vec::len) {
            let value = |(heading, column): (&Heading, &Vec<f64>)| match &heading.words {
                Some(words) => Heading::word(words, column[row])
                    .map_or("null".to_owned(), |word| serde_json::Value::from(word).to_string()),
                None => number(column[row]),
            };
            let values = self.headings.iter().zip(columns).map(value);
            let cells: Vec<String> =
                self.keys.iter().zip(values).map(|(key, value)| format!("{key}:{value}")).collect();
            writeln!(self.out, "{{{}}}", cells.join(","))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        Ok(self.out.flush()?)
    }
}

/// A JSON number, `null` for NaN, `"inf"` and `"-inf"` for the infinities.
#[must_use]
pub fn number(x: f64) -> String {
    if x.is_nan() {
        "null".to_owned()
    } else if x.is_infinite() {
        format!("\"{x}\"")
    } else {
        shortest(x)
    }
}
