//! JSON lines of numbers: one object a row; what JSON can't say (NaN, infinity) is `null` or text.

use std::io::Write;

use super::{WriteBatches, WriteError, shortest};

/// Writes JSON lines to a sink.
pub struct JsonLinesWriter<W: Write> {
    out: W,
    keys: Vec<String>,
}

impl<W: Write> JsonLinesWriter<W> {
    /// Prepares the keys.
    pub fn new(out: W, names: &[String]) -> Self {
        let keys = names.iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
        Self { out, keys }
    }
}

impl<W: Write> WriteBatches for JsonLinesWriter<W> {
    fn write(&mut self, columns: &[Vec<f64>]) -> Result<(), WriteError> {
        for row in 0..columns.first().map_or(0, Vec::len) {
            let cells: Vec<String> =
                self.keys.iter().zip(columns).map(|(key, c)| format!("{key}:{}", number(c[row]))).collect();
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
