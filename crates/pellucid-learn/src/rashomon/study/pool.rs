//! Which few of many that go by are kept? Each with the same probability, however many there will be.
//!
//! Vitter's algorithm R (Random sampling with a reservoir, 1985): the n-th takes the place of one that is held with
//! probability capacity / n. As long as there are no more than the capacity, all are held, in their order.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A uniform sample of what went by, without replacement.
#[derive(Debug, Clone)]
pub(super) struct Pool<T> {
    held: Vec<T>,
    capacity: usize,
    seen: u64,
    random: ChaCha8Rng,
}

impl<T> Pool<T> {
    pub(super) fn new(capacity: usize, seed: u64, stream: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self { held: Vec::new(), capacity, seen: 0, random }
    }

    /// Offers one, which is made only where it is held.
    pub(super) fn offer(&mut self, make: impl FnOnce() -> T) {
        self.seen += 1;
        if self.held.len() < self.capacity {
            self.held.push(make());
            return;
        }
        // The high half of a product of 64 bits: off by less than seen / 2⁶⁴.
        let place = (u128::from(self.random.next_u64()) * u128::from(self.seen)) >> 64;
        if let Some(held) = usize::try_from(place).ok().and_then(|place| self.held.get_mut(place)) {
            *held = make();
        }
    }

    pub(super) fn held(self) -> Vec<T> {
        self.held
    }
}
