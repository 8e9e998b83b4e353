//! What do JSON and UBJSON have in common? A document whose long arrays of numbers stay where they are.
//!
//! A model of 100 MB is almost only arrays of numbers. They are kept as slices of the file and decoded
//! once, straight into the type that is asked for: an `f32` is parsed as an `f32`, as XGBoost does, and
//! never rounded twice.

use std::borrow::Cow;

use super::error::ImportError;

/// Objects and arrays may be nested this deep; XGBoost's are six deep.
pub(super) const MAX_NESTING: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    /// A number as JSON spells it.
    Number(&'a str),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Numbers(Numbers<'a>),
    Array(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// An array of numbers, not decoded yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Numbers<'a> {
    /// What stands between JSON's brackets, checked to be numbers and commas.
    Json(&'a str),
    /// UBJSON, big-endian.
    Typed { kind: NumberKind, bytes: &'a [u8] },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberKind {
    I8,
    U8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

impl NumberKind {
    pub(super) fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    fn float(self, bytes: &[u8]) -> f64 {
        match self {
            Self::F32 => f64::from(f32::from_bits(big_endian(bytes) as u32)),
            Self::F64 => f64::from_bits(big_endian(bytes)),
            _ => self.int(bytes) as f64,
        }
    }

    pub(super) fn int(self, bytes: &[u8]) -> i64 {
        let raw = big_endian(bytes);
        match self {
            Self::I8 => i64::from(raw as u8 as i8),
            Self::U8 => raw as i64,
            Self::I16 => i64::from(raw as u16 as i16),
            Self::I32 => i64::from(raw as u32 as i32),
            Self::I64 => raw as i64,
            Self::F32 | Self::F64 => self.float(bytes) as i64,
        }
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |all, &byte| all << 8 | u64::from(byte))
}

impl<'a> Numbers<'a> {
    /// Decodes every entry; `None` if one does not fit.
    fn decode<T>(
        self,
        from_text: impl Fn(&str) -> Option<T>,
        from_bytes: impl Fn(NumberKind, &[u8]) -> Option<T>,
    ) -> Option<Vec<T>> {
        match self {
            Self::Json(text) if text.trim().is_empty() => Some(Vec::new()),
            Self::Json(text) => text.split(',').map(|entry| from_text(entry.trim())).collect(),
            Self::Typed { kind, bytes } => {
                bytes.chunks_exact(kind.size()).map(|b| from_bytes(kind, b)).collect()
            }
        }
    }
}

/// A place in a document, with its path for errors.
#[derive(Clone)]
pub(super) struct Place<'d, 'a> {
    value: Option<&'d Value<'a>>,
    path: String,
}

impl<'d, 'a> Place<'d, 'a> {
    pub(super) fn root(value: &'d Value<'a>) -> Self {
        Self { value: Some(value), path: String::new() }
    }

    pub(super) fn get(&self, key: &str) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let value = match self.value {
            Some(Value::Object(entries)) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        };
        Self { value, path }
    }

    /// The same place, called otherwise in errors.
    pub(super) fn called(self, path: String) -> Self {
        Self { path, ..self }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn is_there(&self) -> bool {
        !matches!(self.value, None | Some(Value::Null))
    }

    fn value(&self) -> Result<&'d Value<'a>, ImportError> {
        self.value.ok_or_else(|| ImportError::Absent { path: self.path.clone() })
    }

    fn expected(&self, what: &str) -> ImportError {
        ImportError::value(&self.path, what)
    }

    pub(super) fn text(&self) -> Result<&'d str, ImportError> {
        match self.value()? {
            Value::Text(text) => Ok(text),
            _ => Err(self.expected("text")),
        }
    }

    /// A whole number, also one that is spelled as text (XGBoost does that).
    pub(super) fn int(&self) -> Result<i64, ImportError> {
        let found = match self.value()? {
            Value::Int(int) => Some(*int),
            Value::Number(text) => text.parse().ok(),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        found.ok_or_else(|| self.expected("a whole number"))
    }

    pub(super) fn f32(&self) -> Result<f32, ImportError> {
        let found = match self.value()? {
            Value::Int(int) => Some(*int as f32),
            Value::Float(float) => Some(*float as f32),
            Value::Number(text) => text.parse().ok(),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        found.ok_or_else(|| self.expected("a number"))
    }

    pub(super) fn f64(&self) -> Result<f64, ImportError> {
        let found = match self.value()? {
            Value::Int(int) => Some(*int as f64),
            Value::Float(float) => Some(*float),
            Value::Number(text) => text.parse().ok(),
            _ => None,
        };
        found.ok_or_else(|| self.expected("a number"))
    }

    pub(super) fn f64s(&self) -> Result<Vec<f64>, ImportError> {
        let decoded = match self.value()? {
            Value::Numbers(numbers) => {
                numbers.decode(|t| t.parse().ok(), |kind, bytes| Some(kind.float(bytes)))
            }
            Value::Array(_) => self.items()?.iter().map(|item| item.f64().ok()).collect(),
            _ => None,
        };
        decoded.ok_or_else(|| self.expected("an array of numbers"))
    }

    pub(super) fn items(&self) -> Result<Vec<Self>, ImportError> {
        let place = |(at, value): (usize, &'d Value<'a>)| Self {
            value: Some(value),
            path: format!("{}[{at}]", self.path),
        };
        match self.value()? {
            Value::Array(items) => Ok(items.iter().enumerate().map(place).collect()),
            Value::Numbers(numbers) if numbers.decode(|_| None::<()>, |_, _| None).is_some() => {
                Ok(Vec::new())
            }
            _ => Err(self.expected("an array")),
        }
    }

    pub(super) fn f32s(&self) -> Result<Vec<f32>, ImportError> {
        let decoded = match self.value()? {
            Value::Numbers(numbers) => {
                numbers.decode(|t| t.parse().ok(), |kind, bytes| Some(kind.float(bytes) as f32))
            }
            Value::Array(_) => self.items()?.iter().map(|item| item.f32().ok()).collect(),
            _ => None,
        };
        decoded.ok_or_else(|| self.expected("an array of numbers"))
    }

    /// Whole numbers; `true` and `false` are 1 and 0, as older XGBoost wrote them.
    pub(super) fn ints(&self) -> Result<Vec<i64>, ImportError> {
        let decoded = match self.value()? {
            Value::Numbers(numbers) => {
                numbers.decode(|t| t.parse().ok(), |kind, bytes| Some(kind.int(bytes)))
            }
            Value::Array(items) => items
                .iter()
                .map(|item| match item {
                    Value::Bool(b) => Some(i64::from(*b)),
                    Value::Int(int) => Some(*int),
                    Value::Number(text) => text.parse().ok(),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        decoded.ok_or_else(|| self.expected("an array of whole numbers"))
    }
}
