//! UBJSON (draft 12, as XGBoost writes it) as a [`Value`] that borrows from the bytes.
//!
//! Objects and arrays are plain or counted; typed arrays (`[$d#L...`) are kept as slices, so that a
//! count can never ask for more memory than the file has bytes.

use std::borrow::Cow;

use super::document::{MAX_NESTING, NumberKind, Numbers, Value};
use super::error::ImportError;

pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, ImportError> {
    let mut parser = Parser { bytes, at: 0 };
    let marker = parser.marker()?;
    parser.value(marker, 0)
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

fn number_kind(marker: u8) -> Option<NumberKind> {
    Some(match marker {
        b'i' => NumberKind::I8,
        b'U' => NumberKind::U8,
        b'I' => NumberKind::I16,
        b'l' => NumberKind::I32,
        b'L' => NumberKind::I64,
        b'd' => NumberKind::F32,
        b'D' => NumberKind::F64,
        _ => return None,
    })
}

impl<'a> Parser<'a> {
    fn error(&self, what: impl Into<String>) -> ImportError {
        ImportError::Syntax { format: "UBJSON", offset: self.at, what: what.into() }
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], ImportError> {
        let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| {
            self.error(format!("{n} bytes were expected, {} are left", self.bytes.len() - self.at))
        })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn marker(&mut self) -> Result<u8, ImportError> {
        loop {
            // `N` is padding.
            match self.take(1)?[0] {
                b'N' => {}
                marker => return Ok(marker),
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn length(&mut self) -> Result<usize, ImportError> {
        let marker = self.marker()?;
        let kind = number_kind(marker).filter(|kind| !matches!(kind, NumberKind::F32 | NumberKind::F64));
        let kind = kind.ok_or_else(|| self.error("a length was expected"))?;
        let length = kind.int(self.take(kind.size())?);
        usize::try_from(length).map_err(|_| self.error(format!("a length of {length}")))
    }

    fn text(&mut self) -> Result<Cow<'a, str>, ImportError> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| self.error("text that is not UTF-8"))
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value<'a>, ImportError> {
        if depth > MAX_NESTING {
            return Err(self.error("nested too deep"));
        }
        if let Some(kind) = number_kind(marker) {
            let bytes = self.take(kind.size())?;
            return Ok(match kind {
                NumberKind::F32 => {
                    Value::Float(f64::from(f32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])))
                }
                NumberKind::F64 => {
                    Value::Float(f64::from_bits(bytes.iter().fold(0, |x, &b| x << 8 | u64::from(b))))
                }
                _ => Value::Int(kind.int(bytes)),
            });
        }
        match marker {
            b'Z' => Ok(Value::Null),
            b'T' => Ok(Value::Bool(true)),
            b'F' => Ok(Value::Bool(false)),
            b'S' | b'H' => self.text().map(Value::Text),
            b'C' => {
                let byte = self.take(1)?[0];
                Ok(Value::Text(Cow::Owned(char::from(byte).to_string())))
            }
            b'[' => self.array(depth),
            b'{' => self.object(depth),
            other => Err(self.error(format!("unknown marker {other:#04x}"))),
        }
    }

    /// The type and count that may open a container.
    fn head(&mut self) -> Result<(Option<u8>, Option<usize>), ImportError> {
        let mut kind = None;
        if self.peek() == Some(b'$') {
            self.at += 1;
            let marker = self.marker()?;
            if matches!(marker, b'Z' | b'T' | b'F' | b'N') {
                // Its entries would take no bytes, so that a few of them could ask for any memory.
                return Err(self.error("a container of one value without bytes"));
            }
            kind = Some(marker);
        }
        let mut count = None;
        if self.peek() == Some(b'#') {
            self.at += 1;
            count = Some(self.length()?);
        }
        if kind.is_some() && count.is_none() {
            return Err(self.error("a type without a count"));
        }
        Ok((kind, count))
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, ImportError> {
        let (kind, count) = self.head()?;
        if let (Some(marker), Some(count)) = (kind, count)
            && let Some(kind) = number_kind(marker)
        {
            let size = count.checked_mul(kind.size()).ok_or_else(|| self.error("a count that overflows"))?;
            return Ok(Value::Numbers(Numbers::Typed { kind, bytes: self.take(size)? }));
        }
        let mut items = Vec::new();
        self.entries(count, b']', |parser| {
            let marker = kind.map_or_else(|| parser.marker(), Ok)?;
            items.push(parser.value(marker, depth + 1)?);
            Ok(())
        })?;
        Ok(if items.is_empty() { Value::Numbers(Numbers::Json("")) } else { Value::Array(items) })
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, ImportError> {
        let (kind, count) = self.head()?;
        let mut entries = Vec::new();
        self.entries(count, b'}', |parser| {
            let key = parser.text()?;
            let marker = kind.map_or_else(|| parser.marker(), Ok)?;
            entries.push((key, parser.value(marker, depth + 1)?));
            Ok(())
        })?;
        Ok(Value::Object(entries))
    }

    /// Reads `count` entries, or entries up to the closing marker. An entry takes at least one byte,
    /// so that no count makes this run longer than the file.
    fn entries(
        &mut self,
        count: Option<usize>,
        close: u8,
        mut entry: impl FnMut(&mut Self) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        if let Some(count) = count {
            if count > self.bytes.len() - self.at {
                return Err(self.error(format!("{count} entries in {} bytes", self.bytes.len() - self.at)));
            }
            return (0..count).try_for_each(|_| entry(self));
        }
        loop {
            match self.peek() {
                None => return Err(self.error("the file ends inside a container")),
                Some(b'N') => self.at += 1,
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => entry(self)?,
            }
        }
    }
}
