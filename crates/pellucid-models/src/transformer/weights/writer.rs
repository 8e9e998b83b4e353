//! How are activations kept in a file? Safetensors whose sizes are known beforehand, filled place by place, so that none has to be held.

use std::io::{self, Seek, SeekFrom, Write};

use serde_json::{Map, Value, json};

/// What a tensor's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// 32-bit floats.
    F32,
    /// 64-bit integers.
    I64,
}

/// A tensor that will be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its shape, the slowest axis first.
    pub shape: Vec<usize>,
    /// What its numbers are.
    pub stored: Stored,
}

impl Tensor {
    /// One of 32-bit floats.
    #[must_use]
    pub fn floats(name: impl Into<String>, shape: Vec<usize>) -> Self {
        Self { name: name.into(), shape, stored: Stored::F32 }
    }

    /// One of 64-bit integers.
    #[must_use]
    pub fn whole(name: impl Into<String>, shape: Vec<usize>) -> Self {
        Self { name: name.into(), shape, stored: Stored::I64 }
    }

    fn n_bytes(&self) -> usize {
        let width = match self.stored {
            Stored::F32 => 4,
            Stored::I64 => 8,
        };
        self.shape.iter().product::<usize>() * width
    }
}

/// A safetensors file that is being filled.
#[derive(Debug)]
pub struct SafetensorsWriter<W> {
    out: W,
    /// Where each tensor begins, and its size.
    places: Vec<(u64, usize, Stored)>,
}

impl<W: Write + Seek> SafetensorsWriter<W> {
    /// Writes the header. Tensors stand in the file as they are given; what is never put is zero.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn new(mut out: W, tensors: &[Tensor], metadata: &[(String, String)]) -> io::Result<Self> {
        let mut header = Map::new();
        let told: Map<String, Value> =
            metadata.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        if !told.is_empty() {
            header.insert("__metadata__".to_owned(), told.into());
        }
        let mut at = 0;
        let mut starts = Vec::with_capacity(tensors.len());
        for tensor in tensors {
            let end = at + tensor.n_bytes();
            let dtype = match tensor.stored {
                Stored::F32 => "F32",
                Stored::I64 => "I64",
            };
            header.insert(
                tensor.name.clone(),
                json!({"dtype": dtype, "shape": tensor.shape, "data_offsets": [at, end]}),
            );
            starts.push((at, tensor.n_bytes(), tensor.stored));
            at = end;
        }
        let mut header = Value::Object(header).to_string();
        // Numbers begin where a multiple of eight bytes is.
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        let first = 8 + header.len() as u64;
        let places = starts.into_iter().map(|(at, n, stored)| (first + at as u64, n, stored)).collect();
        // The file has its whole size from the start: a full disk is told before the work.
        if at > 0 {
            out.seek(SeekFrom::Start(first + at as u64 - 1))?;
            out.write_all(&[0])?;
        }
        Ok(Self { out, places })
    }

    /// Puts floats into a tensor, from one of its numbers on.
    ///
    /// # Errors
    /// When they can't be written, or the tensor has no such place.
    pub fn floats(&mut self, tensor: usize, first: usize, numbers: &[f32]) -> io::Result<()> {
        self.put(
            tensor,
            Stored::F32,
            first * 4,
            &mut numbers.iter().flat_map(|x| x.to_le_bytes()),
            numbers.len() * 4,
        )
    }

    /// Puts integers into a tensor, from one of its numbers on.
    ///
    /// # Errors
    /// As [`SafetensorsWriter::floats`].
    pub fn whole(&mut self, tensor: usize, first: usize, numbers: &[i64]) -> io::Result<()> {
        self.put(
            tensor,
            Stored::I64,
            first * 8,
            &mut numbers.iter().flat_map(|x| x.to_le_bytes()),
            numbers.len() * 8,
        )
    }

    fn put(
        &mut self,
        tensor: usize,
        stored: Stored,
        first: usize,
        bytes: &mut dyn Iterator<Item = u8>,
        n: usize,
    ) -> io::Result<()> {
        let place = self.places.get(tensor).filter(|(_, size, kind)| *kind == stored && first + n <= *size);
        let Some((start, ..)) = place else {
            return Err(io::Error::other("numbers are put where the tensor has no place for them"));
        };
        self.out.seek(SeekFrom::Start(start + first as u64))?;
        let bytes: Vec<u8> = bytes.collect();
        self.out.write_all(&bytes)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::{Safetensors, Tensors};
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let tensors =
            [Tensor::floats("a", vec![2, 2]), Tensor::whole("n", vec![1]), Tensor::floats("none", vec![0])];
        let about = [("model".to_owned(), "x \"y\"".to_owned())];
        let mut writer = SafetensorsWriter::new(Cursor::new(Vec::new()), &tensors, &about).unwrap();
        writer.floats(0, 2, &[3.0, 4.0]).unwrap();
        writer.floats(0, 0, &[1.0, f32::NEG_INFINITY]).unwrap();
        writer.whole(1, 0, &[-7]).unwrap();
        assert!(writer.floats(0, 3, &[1.0, 2.0]).is_err());
        assert!(writer.floats(1, 0, &[1.0]).is_err());
        let bytes = writer.finish().unwrap().into_inner();
        let found = Safetensors::open(vec![&bytes]).unwrap();
        assert_eq!(found.read("a").unwrap(), [1.0, f32::NEG_INFINITY, 3.0, 4.0]);
        assert_eq!(found.shape("none"), Some(vec![0]));
        assert_eq!(&bytes[bytes.len() - 8..], (-7_i64).to_le_bytes());
    }
}
