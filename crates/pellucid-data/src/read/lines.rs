//! How long may a line be? Text that holds no line feed for very long is no table, and would fill the memory.

use std::io::{Error, Read, Result};

/// More bytes than this without a line feed are refused.
const MOST: usize = 64 << 20;

/// Passes bytes on, and refuses endless lines.
pub(super) struct BoundedLines<R> {
    inner: R,
    since: usize,
}

impl<R> BoundedLines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, since: 0 }
    }
}

impl<R: Read> Read for BoundedLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let n = self.inner.read(buffer)?;
        match buffer[..n].iter().rposition(|&byte| byte == b'\n') {
            Some(at) => self.since = n - at - 1,
            None => self.since += n,
        }
        if self.since > MOST {
            let what = format!("a line of more than {} MiB; is it a table?", MOST >> 20);
            return Err(Error::other(what));
        }
        Ok(n)
    }
}
