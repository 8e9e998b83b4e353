//! Protocol buffers on the wire: fields by number, nothing copied. As much of it as ONNX files need.
//!
//! Follows the encoding of protobuf.dev; groups, which are long out of use, are refused.

use super::error::ImportError;

/// What stands in a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// A message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    /// Where it stands in the file.
    offset: usize,
}

fn damaged(offset: usize, what: &str) -> ImportError {
    ImportError::Syntax { format: "ONNX", offset, what: what.to_owned() }
}

impl<'a> Message<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// All fields in their order, each with the place of its content.
    pub(super) fn fields(self) -> impl Iterator<Item = Result<(u64, Wire<'a>, usize), ImportError>> {
        let mut at = 0;
        let mut over = false;
        std::iter::from_fn(move || {
            if over || at >= self.bytes.len() {
                return None;
            }
            let field = self.field(&mut at);
            over = field.is_err();
            Some(field)
        })
    }

    fn field(&self, at: &mut usize) -> Result<(u64, Wire<'a>, usize), ImportError> {
        let cut = |at: usize| damaged(self.offset + at, "the file ends within a field");
        let key = varint(self.bytes, at).ok_or_else(|| cut(*at))?;
        let start = *at;
        let mut take = |n: usize| {
            let taken = at.checked_add(n).and_then(|end| self.bytes.get(*at..end));
            *at += if taken.is_some() { n } else { 0 };
            taken.ok_or_else(|| cut(start))
        };
        let wire = match key & 7 {
            0 => Wire::Varint(varint(self.bytes, at).ok_or_else(|| cut(start))?),
            1 => Wire::Fixed64(little_endian(take(8)?)),
            2 => {
                let n =
                    varint(self.bytes, at).and_then(|n| usize::try_from(n).ok()).ok_or_else(|| cut(start))?;
                let start = *at;
                let end =
                    start.checked_add(n).filter(|end| *end <= self.bytes.len()).ok_or_else(|| cut(start))?;
                *at = end;
                return Ok((key >> 3, Wire::Bytes(&self.bytes[start..end]), self.offset + start));
            }
            5 => Wire::Fixed32(little_endian(take(4)?) as u32),
            _ => return Err(damaged(self.offset + start, "a field of an unknown kind")),
        };
        Ok((key >> 3, wire, self.offset + start))
    }

    /// Every field of a number.
    fn all(self, number: u64) -> Result<Vec<(Wire<'a>, usize)>, ImportError> {
        let mut found = Vec::new();
        for field in self.fields() {
            let (own, wire, offset) = field?;
            if own == number {
                found.push((wire, offset));
            }
        }
        Ok(found)
    }

    /// Messages of a field.
    pub(super) fn messages(self, number: u64) -> Result<Vec<Self>, ImportError> {
        let message = |(wire, offset)| match wire {
            Wire::Bytes(bytes) => Ok(Self { bytes, offset }),
            _ => Err(damaged(offset, "a number where a message should be")),
        };
        self.all(number)?.into_iter().map(message).collect()
    }

    /// The last message of a field.
    pub(super) fn message(self, number: u64) -> Result<Option<Self>, ImportError> {
        Ok(self.messages(number)?.pop())
    }

    pub(super) fn texts(self, number: u64) -> Result<Vec<&'a str>, ImportError> {
        let text = |message: Self| {
            std::str::from_utf8(message.bytes).map_err(|_| damaged(message.offset, "a text that is no UTF-8"))
        };
        self.messages(number)?.into_iter().map(text).collect()
    }

    /// The last text of a field; empty if there is none.
    pub(super) fn text(self, number: u64) -> Result<&'a str, ImportError> {
        Ok(self.texts(number)?.pop().unwrap_or_default())
    }

    /// The bytes of a field, if they are there.
    pub(super) fn bytes(self, number: u64) -> Result<Option<&'a [u8]>, ImportError> {
        Ok(self.message(number)?.map(|message| message.bytes))
    }

    /// Whole numbers, packed or not.
    pub(super) fn ints(self, number: u64) -> Result<Vec<i64>, ImportError> {
        let mut ints = Vec::new();
        for (wire, offset) in self.all(number)? {
            match wire {
                Wire::Varint(int) => ints.push(int as i64),
                Wire::Bytes(packed) => {
                    let mut at = 0;
                    while at < packed.len() {
                        let int = varint(packed, &mut at)
                            .ok_or_else(|| damaged(offset, "a list that is cut short"))?;
                        ints.push(int as i64);
                    }
                }
                _ => return Err(damaged(offset, "a fraction where a whole number should be")),
            }
        }
        Ok(ints)
    }

    /// The last whole number of a field, if it is there.
    pub(super) fn int(self, number: u64) -> Result<Option<i64>, ImportError> {
        Ok(self.ints(number)?.pop())
    }

    /// Numbers of 32 or 64 bits, packed or not.
    pub(super) fn floats(self, number: u64, size: usize) -> Result<Vec<f64>, ImportError> {
        let mut floats = Vec::new();
        for (wire, offset) in self.all(number)? {
            match wire {
                Wire::Fixed32(bits) if size == 4 => floats.push(f64::from(f32::from_bits(bits))),
                Wire::Fixed64(bits) if size == 8 => floats.push(f64::from_bits(bits)),
                Wire::Bytes(packed) => floats.extend(
                    numbers(packed, size).ok_or_else(|| damaged(offset, "a list that is cut short"))?,
                ),
                _ => return Err(damaged(offset, "a number of another kind than it should be")),
            }
        }
        Ok(floats)
    }
}

/// Numbers of 32 or 64 bits, little-endian, one after the other.
pub(super) fn numbers(bytes: &[u8], size: usize) -> Option<Vec<f64>> {
    let number = |bytes: &[u8]| match size {
        4 => f64::from(f32::from_bits(little_endian(bytes) as u32)),
        _ => f64::from_bits(little_endian(bytes)),
    };
    bytes.len().is_multiple_of(size).then(|| bytes.chunks_exact(size).map(number).collect())
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte))
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut all = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        all |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(all);
        }
    }
    None
}
