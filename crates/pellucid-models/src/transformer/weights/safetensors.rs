//! Safetensors: a header of JSON that says where each tensor is, and the numbers. Several files (shards) are one.
//!
//! Follows the format's README (huggingface/safetensors): eight bytes of length, the header, then a buffer without holes.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::error::WeightsError;
use super::tensors::{Release, Tensors};

const FORMAT: &str = "safetensors";
/// A header that is longer is none.
const MOST_HEADER: usize = 100 << 20;

/// Types of numbers that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    F64,
    F32,
    F16,
    Bf16,
}

#[derive(Debug, Clone)]
struct Place {
    /// Which of the files.
    file: usize,
    kind: Result<Kind, String>,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

/// One file or several.
#[derive(Debug, Clone)]
pub struct Safetensors<'b> {
    files: Vec<&'b [u8]>,
    release: Release<'b>,
    places: BTreeMap<String, Place>,
}

impl<'b> Safetensors<'b> {
    /// Reads the headers of one file, or of all files of a model.
    ///
    /// # Errors
    /// When a header is damaged, places lie outside of a file or over each other, or two files hold one tensor.
    pub fn open(files: Vec<&'b [u8]>) -> Result<Self, WeightsError> {
        let mut places = BTreeMap::new();
        for (file, bytes) in files.iter().enumerate() {
            for (name, place) in header(file, bytes)? {
                if places.insert(name.clone(), place).is_some() {
                    return Err(WeightsError::syntax(FORMAT, 8, format!("`{name}` stands there twice")));
                }
            }
        }
        Ok(Self { files, release: Release::default(), places })
    }

    /// Tells of bytes that were read.
    #[must_use]
    pub fn releasing(self, release: Release<'b>) -> Self {
        Self { release, ..self }
    }
}

impl Safetensors<'_> {
    /// How numbers are kept, each way once, with how many tensors are kept so.
    pub(in crate::transformer) fn kinds(&self) -> BTreeMap<&'static str, usize> {
        let mut all = BTreeMap::new();
        for place in self.places.values() {
            let name = match place.kind {
                Ok(Kind::F64) => "F64",
                Ok(Kind::F32) => "F32",
                Ok(Kind::F16) => "F16",
                Ok(Kind::Bf16) => "BF16",
                Err(_) => "other",
            };
            *all.entry(name).or_insert(0) += 1;
        }
        all
    }
}

fn header(file: usize, bytes: &[u8]) -> Result<Vec<(String, Place)>, WeightsError> {
    let wrong = |offset: usize, what: String| WeightsError::syntax(FORMAT, offset, what);
    let length = bytes.first_chunk().map(|eight| u64::from_le_bytes(*eight));
    let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| {
        *length <= MOST_HEADER && length.checked_add(8).is_some_and(|end| end <= bytes.len())
    });
    let length = length.ok_or_else(|| wrong(0, "the header is longer than the file".to_owned()))?;
    let first = 8 + length;
    let found: serde_json::Map<String, Value> = serde_json::from_slice(&bytes[8..first])
        .map_err(|cause| wrong(8, format!("the header is no JSON object: {cause}")))?;
    let mut places = Vec::with_capacity(found.len());
    for (name, told) in found {
        if name == "__metadata__" {
            continue;
        }
        let whole = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
        let list = |key: &str| {
            let list = told.get(key).and_then(Value::as_array);
            list.and_then(|list| list.iter().map(whole).collect::<Option<Vec<usize>>>())
        };
        let kind = told.get("dtype").and_then(Value::as_str);
        let (Some(kind), Some(shape), Some(offsets)) = (kind, list("shape"), list("data_offsets")) else {
            return Err(wrong(8, format!("`{name}` has not dtype, shape and data_offsets")));
        };
        let [start, end] = offsets[..] else {
            return Err(wrong(8, format!("`{name}` has not two data_offsets")));
        };
        if start > end || end > bytes.len() - first {
            return Err(wrong(first, format!("`{name}` lies outside of the file, which may be cut short")));
        }
        let (kind, size) = match kind {
            "F64" => (Ok(Kind::F64), 8),
            "F32" => (Ok(Kind::F32), 4),
            "F16" => (Ok(Kind::F16), 2),
            "BF16" => (Ok(Kind::Bf16), 2),
            other => (Err(other.to_owned()), 0),
        };
        let n = shape.iter().try_fold(size, |n: usize, axis| n.checked_mul(*axis));
        if kind.is_ok() && n != Some(end - start) {
            return Err(wrong(8, format!("`{name}` has {} bytes, which are not its shape's", end - start)));
        }
        places.push((name, Place { file, kind, shape, bytes: first + start..first + end }));
    }
    WeightsError::apart(FORMAT, places.iter().map(|(_, place)| place.bytes.clone()).collect())?;
    Ok(places)
}

impl Tensors for Safetensors<'_> {
    fn names(&self) -> Vec<&str> {
        self.places.keys().map(String::as_str).collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.places.get(name).map(|place| place.shape.clone())
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, WeightsError> {
        let Some(place) = self.places.get(name) else {
            return Err(WeightsError::Missing { name: name.to_owned(), near: None });
        };
        let bytes = &self.files[place.file][place.bytes.clone()];
        let numbers = match &place.kind {
            Ok(Kind::F32) => bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
            Ok(Kind::F64) => {
                bytes.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight) as f32).collect()
            }
            Ok(Kind::F16) => bytes.as_chunks().0.iter().map(|two| f16(u16::from_le_bytes(*two))).collect(),
            Ok(Kind::Bf16) => bytes.as_chunks().0.iter().map(|two| bf16(u16::from_le_bytes(*two))).collect(),
            Err(kind) => {
                return Err(WeightsError::Kind {
                    name: name.to_owned(),
                    kind: kind.clone(),
                    supported: "F64, F32, F16 and BF16",
                });
            }
        };
        self.release.tell(bytes);
        Ok(numbers)
    }
}

/// A number of 16 bits, five of them the exponent.
pub(super) fn f16(bits: u16) -> f32 {
    let (sign, exponent, rest) = (bits >> 15, bits >> 10 & 0x1f, bits & 0x3ff);
    let size = match exponent {
        0 => f32::from(rest) * 2.0_f32.powi(-24),
        0x1f => f32::from_bits(0x7f80_0000 | u32::from(rest) << 13),
        _ => f32::from_bits((u32::from(exponent) + 112) << 23 | u32::from(rest) << 13),
    };
    if sign == 1 { -size } else { size }
}

/// A number of 16 bits: the upper half of one of 32.
pub(super) fn bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
