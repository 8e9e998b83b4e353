//! GGUF, versions 2 and 3: settings, names and places, then numbers in blocks.
//!
//! Follows ggml's `docs/gguf.md`. Shapes stand there with the fastest axis first; here the slowest comes first.

use std::collections::BTreeMap;

use super::blocks::Packing;
use super::error::WeightsError;
use super::tensors::{Release, Tensors};

const FORMAT: &str = "GGUF";
/// Lists within lists are not nested deeper.
const MOST_DEPTH: usize = 4;

/// A setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Meta {
    /// A whole number.
    Whole(i128),
    /// A fraction.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A text.
    Text(String),
    /// Several of them.
    List(Vec<Meta>),
}

#[derive(Debug, Clone)]
struct Place {
    packing: Result<Packing, u32>,
    shape: Vec<usize>,
    bytes: std::ops::Range<usize>,
}

/// A file.
#[derive(Debug, Clone)]
pub struct Gguf<'b> {
    bytes: &'b [u8],
    release: Release<'b>,
    settings: BTreeMap<String, Meta>,
    places: BTreeMap<String, Place>,
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, n: usize) -> Result<&'b [u8], WeightsError> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.wrong("the file is cut short"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let taken = self.take(N)?;
        taken.first_chunk().copied().ok_or_else(|| self.wrong("the file is cut short"))
    }

    fn u32(&mut self) -> Result<u32, WeightsError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, WeightsError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of things, each of which takes at least so many bytes.
    fn count(&mut self, least: usize) -> Result<usize, WeightsError> {
        let n = self.u64()?;
        let room = (self.bytes.len() - self.at) / least;
        let n = usize::try_from(n).ok().filter(|n| *n <= room);
        n.ok_or_else(|| self.wrong("there are more entries than the file has room for"))
    }

    fn text(&mut self) -> Result<String, WeightsError> {
        let n = self.count(1)?;
        let taken = self.take(n)?;
        // Tokens may be cut within a letter.
        Ok(String::from_utf8_lossy(taken).into_owned())
    }

    fn meta(&mut self, kind: u32, depth: usize) -> Result<Meta, WeightsError> {
        Ok(match kind {
            0 => Meta::Whole(u8::from_le_bytes(self.array()?).into()),
            1 => Meta::Whole(i8::from_le_bytes(self.array()?).into()),
            2 => Meta::Whole(u16::from_le_bytes(self.array()?).into()),
            3 => Meta::Whole(i16::from_le_bytes(self.array()?).into()),
            4 => Meta::Whole(self.u32()?.into()),
            5 => Meta::Whole(i32::from_le_bytes(self.array()?).into()),
            // The decimal that was meant: 0.00001, and not its 32 bits written out.
            6 => {
                let short = f32::from_le_bytes(self.array()?);
                Meta::Number(short.to_string().parse().unwrap_or_else(|_| f64::from(short)))
            }
            7 => Meta::Flag(self.array::<1>()? != [0]),
            8 => Meta::Text(self.text()?),
            9 if depth < MOST_DEPTH => {
                let kind = self.u32()?;
                let n = self.count(1)?;
                Meta::List((0..n).map(|_| self.meta(kind, depth + 1)).collect::<Result<_, _>>()?)
            }
            10 => Meta::Whole(self.u64()?.into()),
            11 => Meta::Whole(i64::from_le_bytes(self.array()?).into()),
            12 => Meta::Number(f64::from_le_bytes(self.array()?)),
            _ => return Err(self.wrong(format!("a setting of the unknown type {kind}"))),
        })
    }

    fn wrong(&self, what: impl Into<String>) -> WeightsError {
        WeightsError::syntax(FORMAT, self.at, what)
    }
}

impl<'b> Gguf<'b> {
    /// Whether a file begins as these do.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(b"GGUF")
    }

    /// Reads settings and places.
    ///
    /// # Errors
    /// When the file is damaged, or places lie outside of it.
    pub fn open(bytes: &'b [u8]) -> Result<Self, WeightsError> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(4)? != b"GGUF" {
            return Err(WeightsError::syntax(FORMAT, 0, "the file does not begin with GGUF"));
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(reader.wrong(format!("version {version}; 2 and 3 are read, of little-endian files")));
        }
        let n_tensors = reader.count(24)?;
        let n_settings = reader.count(13)?;
        let mut settings = BTreeMap::new();
        for _ in 0..n_settings {
            let key = reader.text()?;
            let kind = reader.u32()?;
            let value = reader.meta(kind, 0)?;
            settings.insert(key, value);
        }
        let alignment = match settings.get("general.alignment") {
            None => 32,
            Some(Meta::Whole(n)) if *n > 0 && *n < 1 << 20 => *n as usize,
            Some(_) => return Err(WeightsError::config("general.alignment", "is no alignment")),
        };
        let mut told = Vec::with_capacity(n_tensors);
        for _ in 0..n_tensors {
            let name = reader.text()?;
            let n_axes = reader.u32()? as usize;
            if n_axes > 8 {
                return Err(reader.wrong(format!("`{name}` has {n_axes} axes")));
            }
            let axes = (0..n_axes).map(|_| reader.u64().map(usize::try_from));
            let mut shape = Vec::with_capacity(n_axes);
            for axis in axes.collect::<Result<Vec<_>, _>>()? {
                shape.push(axis.map_err(|_| WeightsError::syntax(FORMAT, 0, "an axis is too long"))?);
            }
            shape.reverse();
            let code = reader.u32()?;
            told.push((name, shape, code, reader.u64()?));
        }
        let first = reader.at.next_multiple_of(alignment);
        let mut places = BTreeMap::new();
        for (name, shape, code, offset) in told {
            let n = shape.iter().try_fold(1, |n: usize, axis| n.checked_mul(*axis));
            let packing = Packing::of(code).ok_or(code);
            let wrong = |what: String| WeightsError::syntax(FORMAT, first, what);
            let (per_block, size) = packing.map_or((1, 0), Packing::block);
            let row = shape.last().copied().unwrap_or(1);
            let n = n.filter(|n| n % per_block == 0 && row % per_block == 0);
            let n = n.ok_or_else(|| wrong(format!("`{name}` is {shape:?}, no whole number of blocks")))?;
            let start = usize::try_from(offset).ok().and_then(|offset| first.checked_add(offset));
            let end = start.and_then(|start| start.checked_add((n / per_block).checked_mul(size)?));
            let (Some(start), Some(end)) = (start, end.filter(|end| *end <= bytes.len())) else {
                return Err(wrong(format!("`{name}` lies outside of the file, which may be cut short")));
            };
            let place = Place { packing, shape, bytes: start..end };
            if places.insert(name.clone(), place).is_some() {
                return Err(wrong(format!("`{name}` stands there twice")));
            }
        }
        WeightsError::apart(FORMAT, places.values().map(|place: &Place| place.bytes.clone()).collect())?;
        Ok(Self { bytes, release: Release::default(), settings, places })
    }

    /// Tells of bytes that were read.
    #[must_use]
    pub fn releasing(self, release: Release<'b>) -> Self {
        Self { release, ..self }
    }

    /// A setting.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&Meta> {
        self.settings.get(key)
    }

    /// A setting that is a text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.setting(key) {
            Some(Meta::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A setting that counts something.
    #[must_use]
    pub fn whole(&self, key: &str) -> Option<usize> {
        match self.setting(key) {
            Some(Meta::Whole(n)) => usize::try_from(*n).ok(),
            _ => None,
        }
    }

    /// A setting that is a number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.setting(key) {
            Some(Meta::Number(x)) => Some(*x),
            Some(Meta::Whole(n)) => Some(*n as f64),
            _ => None,
        }
    }

    /// How numbers are packed, each way once, with how many tensors have it.
    #[must_use]
    pub fn packings(&self) -> BTreeMap<&'static str, usize> {
        let mut all = BTreeMap::new();
        for place in self.places.values() {
            *all.entry(place.packing.map_or("other", Packing::name)).or_insert(0) += 1;
        }
        all
    }
}

impl Tensors for Gguf<'_> {
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
        let packing = place.packing.map_err(|code| WeightsError::Kind {
            name: name.to_owned(),
            kind: format!("GGML's type {code}"),
            supported: "F32, F16, BF16, F64, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q2_K to Q6_K",
        })?;
        let bytes = &self.bytes[place.bytes.clone()];
        let numbers = packing.unpack(bytes);
        self.release.tell(bytes);
        Ok(numbers)
    }
}
