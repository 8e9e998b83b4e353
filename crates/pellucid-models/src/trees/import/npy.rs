//! NumPy's `.npy`: an array of numbers, of texts, or of records with named fields.
//!
//! Follows `numpy/lib/format.py`, versions 1 to 3. Arrays of Python objects are pickles and are refused.

use super::error::ImportError;

/// Dimensions and fields past these are not meant.
const MOST_DIMENSIONS: usize = 8;
const MOST_FIELDS: usize = 64;

/// What an entry, or a field of it, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Unsigned,
    Float,
    /// UCS-4.
    Text,
    Padding,
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    name: String,
    kind: Kind,
    size: usize,
    offset: usize,
}

/// An array, entries in C order.
#[derive(Debug, Clone)]
pub(super) struct Array {
    name: String,
    fields: Vec<Field>,
    item: usize,
    pub(super) shape: Vec<usize>,
    data: Vec<u8>,
}

impl Array {
    pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Self, ImportError> {
        let wrong = |what: &str| ImportError::Syntax {
            format: "NumPy array",
            offset: 0,
            what: format!("`{name}`: {what}"),
        };
        let version = match bytes {
            [0x93, b'N', b'U', b'M', b'P', b'Y', version @ 1..=3, _, ..] => *version,
            _ => return Err(wrong("it does not begin as one")),
        };
        let (start, length): (usize, usize) = match (version, bytes.get(8..12)) {
            (1, Some(&[a, b, ..])) => (10, usize::from(u16::from_le_bytes([a, b]))),
            (_, Some(&[a, b, c, d])) if version > 1 => (12, u32::from_le_bytes([a, b, c, d]) as usize),
            _ => return Err(wrong("its head is cut short")),
        };
        let head = start.checked_add(length).and_then(|end| bytes.get(start..end));
        let head = head
            .and_then(|head| std::str::from_utf8(head).ok())
            .ok_or_else(|| wrong("its head is cut short"))?;
        let mut head = Literal { text: head };
        let (mut described, mut fortran, mut shape) = (None, false, None);
        head.expect('{').ok_or_else(|| wrong("its head is no dictionary"))?;
        while !head.skips('}') {
            let key = head.text().ok_or_else(|| wrong("its head has no keys"))?;
            head.expect(':').ok_or_else(|| wrong("its head has no values"))?;
            let read = match key.as_str() {
                "descr" => head.description().map(|found| described = Some(found)),
                "fortran_order" => head.boolean().map(|found| fortran = found),
                "shape" => head.shape().map(|found| shape = Some(found)),
                _ => None,
            };
            read.ok_or_else(|| wrong(&format!("`{key}` of its head is not understood")))?;
            head.skips(',');
        }
        let (fields, shape) =
            described.zip(shape).ok_or_else(|| wrong("its head lacks a type or a shape"))?;
        let item: usize = fields.iter().map(|field| field.size).sum();
        let size = shape.iter().try_fold(item, |all, n| all.checked_mul(*n));
        let data = size.and_then(|size| bytes.get(start + length..)?.get(..size));
        let data = data.ok_or_else(|| wrong("it holds fewer entries than it says"))?.to_vec();
        let data = if fortran { in_c_order(&data, &shape, item) } else { data };
        Ok(Self { name: name.to_owned(), fields, item, shape, data })
    }

    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Refuses records that say more than is understood: it may change where a value goes.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ImportError> {
        let told = |field: &&Field| field.kind != Kind::Padding && !known.contains(&field.name.as_str());
        let Some(field) = self.fields.iter().find(told) else { return Ok(()) };
        let what = format!("nodes with a field `{}`", field.name);
        Err(ImportError::unsupported(what, "it is not known what it means; a newer Pellucid may know"))
    }

    /// Whether it holds texts.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.fields.as_slice(), [Field { kind: Kind::Text, .. }])
    }

    fn field(&self, name: &str) -> Result<&Field, ImportError> {
        let found = self.fields.iter().find(|field| field.name == name);
        found.ok_or_else(|| ImportError::Absent { path: format!("{}.{name}", self.name) })
    }

    fn entries(&self, field: &Field) -> impl Iterator<Item = &[u8]> {
        let within = field.offset..field.offset + field.size;
        self.data.chunks_exact(self.item.max(1)).map(move |entry| &entry[within.clone()])
    }

    /// A field of records as numbers; the empty name is an array of numbers.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, ImportError> {
        let field = self.field(name)?;
        let wrong = || ImportError::value(&format!("{}.{name}", self.name), "numbers");
        let number: fn(&[u8]) -> Option<f64> = match field.kind {
            Kind::Float => |b| match b.len() {
                4 => Some(f64::from(f32::from_le_bytes(b.try_into().ok()?))),
                8 => Some(f64::from_le_bytes(b.try_into().ok()?)),
                _ => None,
            },
            Kind::Int | Kind::Unsigned | Kind::Bool => {
                return Ok(self.ints(name)?.iter().map(|&x| x as f64).collect());
            }
            Kind::Text | Kind::Padding => return Err(wrong()),
        };
        self.entries(field).map(number).collect::<Option<Vec<f64>>>().ok_or_else(wrong)
    }

    /// A field of records as whole numbers.
    pub(super) fn ints(&self, name: &str) -> Result<Vec<i64>, ImportError> {
        let field = self.field(name)?;
        let is_signed = field.kind == Kind::Int;
        if !matches!(field.kind, Kind::Int | Kind::Unsigned | Kind::Bool) || field.size > 8 {
            return Err(ImportError::value(&format!("{}.{name}", self.name), "whole numbers"));
        }
        let int = |bytes: &[u8]| {
            let raw = bytes.iter().rev().fold(0_u64, |all, &byte| all << 8 | u64::from(byte));
            let unused = 64 - 8 * bytes.len() as u32;
            if is_signed { ((raw << unused) as i64) >> unused } else { raw as i64 }
        };
        Ok(self.entries(field).map(int).collect())
    }

    /// An array of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, ImportError> {
        let field = self.field("")?;
        if field.kind != Kind::Text {
            return Err(ImportError::value(&self.name, "texts"));
        }
        let text = |entry: &[u8]| {
            let codes = entry.as_chunks::<4>().0.iter().map(|&code| u32::from_le_bytes(code));
            codes.take_while(|code| *code != 0).map(char::from_u32).collect::<Option<String>>()
        };
        let texts: Option<Vec<String>> = self.entries(field).map(text).collect();
        texts.ok_or_else(|| ImportError::value(&self.name, "texts"))
    }
}

/// Entries of which the first index runs fastest, in the order in which the last one does.
fn in_c_order(data: &[u8], shape: &[usize], item: usize) -> Vec<u8> {
    let n: usize = shape.iter().product();
    let mut strides = vec![1; shape.len()];
    for at in 1..shape.len() {
        strides[at] = strides[at - 1] * shape[at - 1];
    }
    let mut ordered = Vec::with_capacity(data.len());
    for entry in 0..n {
        let (mut rest, mut from) = (entry, 0);
        for (size, stride) in shape.iter().zip(&strides).rev() {
            from += rest % size * stride;
            rest /= size;
        }
        ordered.extend_from_slice(&data[from * item..][..item]);
    }
    ordered
}

/// What is left of a Python literal.
struct Literal<'a> {
    text: &'a str,
}

impl Literal<'_> {
    fn skips(&mut self, c: char) -> bool {
        self.text = self.text.trim_start();
        let rest = self.text.strip_prefix(c);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn expect(&mut self, c: char) -> Option<()> {
        self.skips(c).then_some(())
    }

    fn text(&mut self) -> Option<String> {
        let quote = if self.skips('\'') { '\'' } else { self.expect('"').map(|()| '"')? };
        let (text, rest) = self.text.split_once(quote)?;
        self.text = rest;
        (!text.contains('\\')).then(|| text.to_owned())
    }

    fn boolean(&mut self) -> Option<bool> {
        self.text = self.text.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.text.strip_prefix(word) {
                self.text = rest;
                return Some(value);
            }
        }
        None
    }

    fn shape(&mut self) -> Option<Vec<usize>> {
        self.expect('(')?;
        let mut shape = Vec::new();
        while !self.skips(')') {
            self.text = self.text.trim_start();
            let end = self.text.find(|c: char| !c.is_ascii_digit())?;
            shape.push(self.text[..end].parse().ok()?);
            self.text = &self.text[end..];
            self.skips(',');
            if shape.len() > MOST_DIMENSIONS {
                return None;
            }
        }
        Some(shape)
    }

    /// `'<f8'`, or `[('name', '<i8'), ...]`; what has no name is padding.
    fn description(&mut self) -> Option<Vec<Field>> {
        if !self.skips('[') {
            let (kind, size) = kind(&self.text()?)?;
            return Some(vec![Field { name: String::new(), kind, size, offset: 0 }]);
        }
        let (mut fields, mut offset) = (Vec::new(), 0);
        while !self.skips(']') {
            self.expect('(')?;
            let name = self.text()?;
            self.expect(',')?;
            let (kind, size) = kind(&self.text()?)?;
            self.expect(')')?;
            self.skips(',');
            fields.push(Field { name, kind, size, offset });
            offset += size;
            if fields.len() > MOST_FIELDS {
                return None;
            }
        }
        (!fields.is_empty()).then_some(fields)
    }
}

fn kind(code: &str) -> Option<(Kind, usize)> {
    let code = code.strip_prefix(['<', '|', '='])?;
    let (kind, size) = code.split_at_checked(1)?;
    let size: usize = size.parse().ok().filter(|size| (1..=4096).contains(size))?;
    Some(match kind {
        "b" => (Kind::Bool, size),
        "i" => (Kind::Int, size),
        "u" => (Kind::Unsigned, size),
        "f" => (Kind::Float, size),
        "U" => (Kind::Text, 4 * size),
        "V" => (Kind::Padding, size),
        _ => return None,
    })
}
