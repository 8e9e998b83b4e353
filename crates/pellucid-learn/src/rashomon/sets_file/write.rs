//! How are sets written as fast as they are found?

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use pellucid_data::Watch;

use super::{Header, MAGIC, MOST_HEADER, MOST_RULES, SetsError};
use crate::Searching;
use crate::rashomon::Explorer;
use crate::search::problem::bits;
use crate::search::visit::{Path, Visit};
use crate::search::{How, Lane, run};

/// Bytes that are held before they are written.
const BUFFER: usize = 1 << 20;

impl Explorer {
    /// Writes every member (identities by subset and columns only); answers how many.
    ///
    /// # Errors
    /// When the destination can't be written to, the search was stopped, or the identity or the size of sets has no place
    /// in the format.
    pub fn write_sets(
        &self,
        header: &Header,
        searching: &Searching<'_>,
        out: impl Write + Send,
    ) -> Result<u64, SetsError> {
        if !self.is_bulk() || self.prepared.thresholds.max_size > MOST_RULES {
            return Err(SetsError::Unsupported);
        }
        if header.rules.len() != self.n_all {
            return Err(SetsError::Rules { found: header.rules.len(), wanted: self.n_all });
        }
        let text = serde_json::to_vec(header).map_err(|error| SetsError::Format(error.to_string()))?;
        let length = u32::try_from(text.len()).ok().filter(|length| *length <= MOST_HEADER);
        let length = length.ok_or_else(|| {
            SetsError::Format(format!(
                "the names of the rules take {} bytes, more than {MOST_HEADER}",
                text.len()
            ))
        })?;
        let control = pellucid_data::Control { threads: std::num::NonZeroUsize::MIN, ..searching.control };
        let how = How { control, ..searching.how() };
        let ids: Vec<u16> = self.kept.iter().map(|&rule| u16::try_from(rule).unwrap_or(u16::MAX)).collect();
        let mut buffer = Vec::with_capacity(BUFFER + (1 << 16));
        buffer.extend(MAGIC);
        buffer.extend(length.to_le_bytes());
        buffer.extend(text);
        let mut writer = Sets {
            out,
            ids: &ids,
            buffer,
            last: 0,
            n: 0,
            broken: None,
            watch: control.watch,
            stopped: false,
        };
        if self.prepared.has_empty {
            writer.one(0, &[], self.prepared.errors);
        }
        let only = Mutex::new(Some(writer));
        let make = || only.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = run(&self.prepared.problem, &self.prepared.thresholds, &[], &how, make);
        let Some(mut writer) = ended.visitors.into_iter().flatten().next() else {
            return Ok(0);
        };
        if let Some(error) = writer.broken {
            return Err(error.into());
        }
        if ended.open.is_some() || writer.stopped {
            return Err(SetsError::Stopped { written: writer.n });
        }
        writer.buffer.extend([255, 255]);
        writer.buffer.extend(writer.n.to_le_bytes());
        writer.flush();
        writer.broken.map_or(Ok(writer.n), |error| Err(error.into()))
    }
}

struct Sets<'s, W> {
    out: W,
    ids: &'s [u16],
    buffer: Vec<u8>,
    /// How many rules of the path the set before had, of those that are still on it.
    last: usize,
    n: u64,
    broken: Option<std::io::Error>,
    /// A bunch of sets may take long to write.
    watch: &'s dyn Watch,
    stopped: bool,
}

impl<W: Write> Sets<'_, W> {
    fn one(&mut self, shared: usize, more: &[u32], errors: i64) {
        self.n += 1;
        self.buffer.push(shared as u8);
        self.buffer.push(more.len() as u8);
        for &rule in more {
            self.buffer.extend(self.ids[rule as usize].to_le_bytes());
        }
        self.buffer.extend((errors as u32).to_le_bytes());
        if self.buffer.len() >= BUFFER {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.broken.is_none() {
            self.broken = self.out.write_all(&self.buffer).err();
        }
        self.buffer.clear();
        self.stopped |= self.watch.should_stop();
    }

    fn is_done(&self) -> bool {
        self.stopped || self.broken.is_some()
    }
}

impl<W: Write + Send> Visit for Option<Sets<'_, W>> {
    #[inline(always)]
    fn singles<L: Lane>(&mut self, path: &Path, lanes: &[u64], deltas: &[L], errors: i64) {
        let Some(sets) = self else { return };
        let k = path.chosen.len();
        for rule in bits(lanes) {
            let shared = sets.last.min(k);
            if shared == k {
                // The usual case, without a list: eight bytes.
                let mut record = [0; 8];
                let cost = (errors + deltas[rule].wide()) as u32;
                (record[0], record[1]) = (k as u8, 1);
                record[2..4].copy_from_slice(&sets.ids[rule].to_le_bytes());
                record[4..].copy_from_slice(&cost.to_le_bytes());
                sets.n += 1;
                sets.buffer.extend(record);
                if sets.buffer.len() >= BUFFER {
                    sets.flush();
                }
            } else {
                let more: Vec<u32> = path.chosen[shared..].iter().copied().chain([rule as u32]).collect();
                sets.one(shared, &more, errors + deltas[rule].wide());
            }
            sets.last = k;
        }
    }

    fn pool(&mut self, path: &Path, least: usize, most: usize, errors: i64) {
        let Some(sets) = self else { return };
        let k = path.chosen.len();
        for joined in least..=most.min(path.nulls.len()) {
            if sets.is_done() {
                return;
            }
            let mut places: Vec<usize> = (0..joined).collect();
            loop {
                let shared = sets.last.min(k);
                let nulls = places.iter().map(|&place| path.nulls[place]);
                let more: Vec<u32> = path.chosen[shared..].iter().copied().chain(nulls).collect();
                sets.one(shared, &more, errors);
                sets.last = k;
                if sets.is_done() || !crate::rashomon::members::next_places(&mut places, path.nulls.len()) {
                    break;
                }
            }
        }
    }

    fn leave(&mut self, path: &Path, _n_nulls: usize) {
        if let Some(sets) = self {
            sets.last = sets.last.min(path.chosen.len() - 1);
        }
    }

    fn is_full(&self) -> bool {
        self.as_ref().is_none_or(Sets::is_done)
    }
}
