//! Where does memory begin that is read a whole register at a time? On a line of the cache: reads across two take twice as long.

use std::ops::{Deref, DerefMut};

const LINE: usize = 64;

/// Numbers that begin on a line of the cache.
#[derive(Debug, Clone, Default)]
pub(super) struct Aligned<T> {
    held: Vec<T>,
    first: usize,
}

impl<T: Copy + Default> Aligned<T> {
    pub(super) fn new(n: usize) -> Self {
        let held = vec![T::default(); n + LINE / size_of::<T>()];
        // It may be that there is no such offset; then reads are slower.
        let fits = |first: &usize| first.checked_add(n).is_some_and(|end| end <= held.len());
        let first = Some(held.as_ptr().align_offset(LINE)).filter(fits).unwrap_or(0);
        let mut made = Self { held, first };
        made.held.truncate(first + n);
        made
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.held[self.first..]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.held[self.first..]
    }
}
