//! Which sets are they, one by one? Bunches of a search taken apart.

use std::sync::{Mutex, PoisonError};

use super::count::Prepared;
use pellucid_data::Watch;

use crate::Searching;
use crate::search::problem::{Thresholds, bits};
use crate::search::visit::{Path, Visit};
use crate::search::{How, Lane, Switches, run};

/// Sets between two looks at the clock.
pub(super) const PATIENCE: usize = 512;

/// What is told of each set: its rules, rising, and the cost of its errors. Answers whether to go on.
pub(super) type Tell<'t> = dyn FnMut(&[u32], i64) -> bool + Send + 't;

/// Tells every set that begins with `start`; with `above`, only those that are past these thresholds. Answers whether
/// all were told.
pub(super) fn members(
    prepared: &Prepared,
    thresholds: &Thresholds,
    above: Option<&Thresholds>,
    start: &[u32],
    searching: &Searching<'_>,
    tell: &mut Tell<'_>,
) -> bool {
    // One worker, so that the order is always the same.
    let control = pellucid_data::Control { threads: std::num::NonZeroUsize::MIN, ..searching.control };
    let how = How { control, switches: Switches::default(), ..searching.how() };
    let only = Mutex::new(Some(tell));
    let make = || {
        let tell = only.lock().unwrap_or_else(PoisonError::into_inner).take();
        Members { tell, above, watch: control.watch, n: 0, full: false, sorted: Vec::new(), set: Vec::new() }
    };
    let ended = run(&prepared.problem, thresholds, start, &how, make);
    ended.open.is_none() && ended.visitors.iter().all(|members| !members.full)
}

struct Members<'m, 't> {
    tell: Option<&'m mut Tell<'t>>,
    above: Option<&'m Thresholds>,
    watch: &'m dyn Watch,
    n: usize,
    full: bool,
    sorted: Vec<u32>,
    set: Vec<u32>,
}

impl Members<'_, '_> {
    fn one(&mut self, more: &[u32], errors: i64) {
        let size = self.sorted.len() + more.len();
        if self.full || self.above.is_some_and(|above| errors <= above.at(size)) {
            return;
        }
        // Both parts are rising.
        self.set.clear();
        let mut rest = self.sorted.as_slice();
        for &rule in more {
            let until = rest.partition_point(|&other| other < rule);
            self.set.extend(&rest[..until]);
            self.set.push(rule);
            rest = &rest[until..];
        }
        self.set.extend(rest);
        if let Some(tell) = &mut self.tell {
            self.full = !tell(&self.set, errors);
        }
        // A bunch may hold many sets, and whoever hears of them may be slow.
        self.n += 1;
        self.full |= self.n.is_multiple_of(PATIENCE) && self.watch.should_stop();
    }

    fn sort(&mut self, path: &Path) {
        self.sorted.clear();
        self.sorted.extend(&path.chosen);
        self.sorted.sort_unstable();
    }
}

impl Visit for Members<'_, '_> {
    fn singles<L: Lane>(&mut self, path: &Path, lanes: &[u64], deltas: &[L], errors: i64) {
        if lanes.iter().all(|&word| word == 0) {
            return;
        }
        self.sort(path);
        for rule in bits(lanes) {
            self.one(&[rule as u32], errors + deltas[rule].wide());
        }
    }

    fn pool(&mut self, path: &Path, least: usize, most: usize, errors: i64) {
        self.sort(path);
        let mut nulls = path.nulls.clone();
        nulls.sort_unstable();
        for joined in least..=most.min(nulls.len()) {
            let mut places: Vec<usize> = (0..joined).collect();
            loop {
                let more: Vec<u32> = places.iter().map(|&place| nulls[place]).collect();
                self.one(&more, errors);
                if self.full || !next_places(&mut places, nulls.len()) {
                    break;
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        self.full
    }
}

/// The next choice of places out of `n`, in the order of their lists.
pub(super) fn next_places(places: &mut [usize], n: usize) -> bool {
    let k = places.len();
    let Some(at) = (0..k).rev().find(|&at| places[at] < n - k + at) else { return false };
    places[at] += 1;
    for next in at + 1..k {
        places[next] = places[next - 1] + 1;
    }
    true
}
