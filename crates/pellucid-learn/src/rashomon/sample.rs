//! Which sets does chance choose, each with the same probability?
//!
//! The search visits the members in one fixed order, so that each has a rank. Ranks are drawn (all of them equally likely,
//! by rejection), sorted, and the search runs once more and stops over the bunches that hold them. With β > 0 a member's
//! probability is proportional to exp(-β·objective): first a level (a size and a cost of errors) is drawn, then a rank
//! within it.

use std::collections::HashMap;

use num_bigint::BigUint;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::Detail;
use super::count::Prepared;
use super::explorer::{Explorer, Member};
use super::tally::Uses;
use crate::count::{Pascal, fits};
use crate::search::problem::bits;
use crate::search::visit::{Path, Visit};
use crate::search::{How, Lane, run};
use crate::{Searching, SemanticsError};

/// A size and a cost of errors.
type Level = (usize, i64);

/// A rank that was drawn, of a level or of all members, and its place in the sample.
type Wanted = (Option<Level>, u128, usize);

/// Ranks that are wanted, falling, with their places in the sample; and how many members were passed.
type Ranks = (Vec<(u128, usize)>, u128);

/// Members that are drawn at once, at most.
const MOST: usize = 10_000_000;

/// Draws between two looks at the clock.
const AT_ONCE: usize = 1 << 17;

/// Bytes of a draw: its rank, its set and what is answered, with their allocations.
const OF_DRAW: usize = 256;

/// Why nothing was drawn.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// There is nothing to draw from.
    #[error("the set is empty: no rule set is within the bound")]
    Empty,
    /// More than 128 bits of ranks.
    #[error(
        "the set is too large to be ranked: more than 2^127 subsets may be in it; lower θ or use --method parity"
    )]
    TooLarge,
    /// The search was stopped before the end.
    #[error("stopped before the sample was drawn; what was seen first is no fair sample")]
    Stopped,
    /// More than are held at once.
    #[error("{found} draws; at most {most} are drawn at once: draw again with another seed")]
    TooMany {
        /// Draws asked for.
        found: usize,
        /// The most.
        most: usize,
    },
    /// β is no number, or negative.
    #[error("β is {0}; it must be a number of at least 0")]
    Beta(f64),
    /// Nothing satisfies what is asked of the best set.
    #[error("{0}")]
    Constraints(String),
    /// Numbers that are too long, or a limit.
    #[error(transparent)]
    Semantics(#[from] SemanticsError),
}

/// Members drawn with replacement, in the order of drawing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// The members.
    pub members: Vec<Member>,
    /// How many there were to draw from.
    pub count: BigUint,
    /// The seed.
    pub seed: u64,
    /// 0 for equal probabilities.
    pub beta: f64,
}

impl Explorer {
    /// Draws `n` members, exactly uniformly where `beta` is 0.
    ///
    /// # Errors
    /// When the set is empty or too large to be ranked, or when the search was stopped.
    pub fn sample(
        &self,
        n: usize,
        seed: u64,
        beta: f64,
        searching: &Searching<'_>,
    ) -> Result<Sample, SampleError> {
        if !(beta >= 0.0 && beta.is_finite()) {
            return Err(SampleError::Beta(beta));
        }
        if n > MOST {
            return Err(SampleError::TooMany { found: n, most: MOST });
        }
        let needs = n.saturating_mul(OF_DRAW);
        if let Some(most) = searching.most_bytes.filter(|&most| needs > most) {
            return Err(SemanticsError::Memory { needs, most }.into());
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        if !self.is_bulk() {
            return self.sample_held(n, seed, beta, searching, &mut random);
        }
        if !fits(self.prepared.n_rules, self.prepared.thresholds.max_size) {
            return Err(SampleError::TooLarge);
        }
        let detail = if beta > 0.0 { Detail::Full } else { Detail::Sizes };
        let counted = self.prepared.tally(detail, &Uses::default(), &searching.how());
        if !counted.is_exact() {
            return Err(SampleError::Stopped);
        }
        let count = u128::try_from(counted.count.clone()).map_err(|_| SampleError::TooLarge)?;
        if count == 0 {
            return Err(SampleError::Empty);
        }
        // What is wanted: a rank and the place in the sample, by level where levels were drawn.
        let mut wanted: Vec<Wanted> = if beta > 0.0 {
            let levels = self.weighted(&counted, beta)?;
            let draw = |place| {
                let (level, of_level) = levels.draw(&mut random);
                (Some(level), below(of_level, &mut random), place)
            };
            draws(n, draw, searching)?
        } else {
            draws(n, |place| (None, below(count, &mut random), place), searching)?
        };
        sort(&mut wanted, searching)?;
        let control = pellucid_data::Control { threads: std::num::NonZeroUsize::MIN, ..searching.control };
        let how = How { control, ..searching.how() };
        let ended = run(&self.prepared.problem, &self.prepared.thresholds, &[], &how, || {
            Ranked::new(&wanted, &self.prepared)
        });
        let mut found: Vec<(usize, Vec<u32>, i64)> =
            ended.visitors.into_iter().flat_map(|ranked| ranked.found).collect();
        if found.len() < n {
            return Err(SampleError::Stopped);
        }
        sort(&mut found, searching)?;
        let made = draws(n, |at| self.member(&found[at].1, found[at].2), searching)?;
        let members = made.into_iter().collect::<Result<_, _>>()?;
        Ok(Sample { members, count: counted.count, seed, beta })
    }

    fn sample_held(
        &self,
        n: usize,
        seed: u64,
        beta: f64,
        searching: &Searching<'_>,
        random: &mut ChaCha8Rng,
    ) -> Result<Sample, SampleError> {
        let held = self.all_held(searching)?.ok_or(SampleError::Stopped)?;
        let best = held.first().ok_or(SampleError::Empty)?.objective;
        let weight = |member: &Member| (-beta * (member.objective.value() - best.value())).exp();
        let sums = Cumulative::new(held.iter().map(|member| (member, weight(member))));
        let draw = |_| {
            if beta > 0.0 {
                sums.draw(random).clone()
            } else {
                held[below(held.len() as u128, random) as usize].clone()
            }
        };
        Ok(Sample { members: draws(n, draw, searching)?, count: held.len().into(), seed, beta })
    }

    /// The levels with weights proportional to count·exp(-β·objective).
    fn weighted(
        &self,
        counted: &super::Counted,
        beta: f64,
    ) -> Result<Cumulative<(Level, u128)>, SampleError> {
        let Prepared { objective, total_weight, .. } = &self.prepared;
        let best = counted.best().ok_or(SampleError::Empty)?.value();
        let mut weighted = Vec::new();
        for ((size, errors), sets) in &counted.by_level {
            let value = objective.value(*errors, *size, *total_weight).map_err(SemanticsError::from)?.value();
            let sets = u128::try_from(sets.clone()).map_err(|_| SampleError::TooLarge)?;
            weighted.push((((*size, *errors), sets), sets as f64 * (-beta * (value - best)).exp()));
        }
        Ok(Cumulative::new(weighted.into_iter()))
    }
}

/// What comes of drawing `n` times, unless there is no time for it.
fn draws<T>(
    n: usize,
    mut draw: impl FnMut(usize) -> T,
    searching: &Searching<'_>,
) -> Result<Vec<T>, SampleError> {
    let mut drawn = Vec::with_capacity(n);
    while drawn.len() < n {
        if searching.control.watch.should_stop() {
            return Err(SampleError::Stopped);
        }
        let until = n.min(drawn.len() + AT_ONCE);
        drawn.extend((drawn.len()..until).map(&mut draw));
    }
    Ok(drawn)
}

/// Sorts, unless there is no time for it: halves first, until a part is small.
fn sort<T: Ord>(all: &mut [T], searching: &Searching<'_>) -> Result<(), SampleError> {
    if searching.control.watch.should_stop() {
        return Err(SampleError::Stopped);
    }
    if all.len() <= AT_ONCE {
        all.sort_unstable();
        return Ok(());
    }
    let middle = all.len() / 2;
    let (before, _, after) = all.select_nth_unstable(middle);
    sort(before, searching)?;
    sort(after, searching)
}

/// Things with weights, to be drawn by them.
struct Cumulative<T> {
    things: Vec<T>,
    sums: Vec<f64>,
}

impl<T: Copy> Cumulative<T> {
    fn new(weighted: impl Iterator<Item = (T, f64)>) -> Self {
        let (mut things, mut sums, mut sum) = (Vec::new(), Vec::new(), 0.0);
        for (thing, weight) in weighted {
            sum += weight;
            things.push(thing);
            sums.push(sum);
        }
        Self { things, sums }
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> T {
        let share = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let target = share * self.sums.last().copied().unwrap_or(0.0);
        self.things[self.sums.partition_point(|&sum| sum <= target).min(self.things.len() - 1)]
    }
}

/// A number below `n`, each equally likely: draws of as many bits as `n` has until one is below.
fn below(n: u128, random: &mut ChaCha8Rng) -> u128 {
    let mask = u128::MAX >> (n - 1).leading_zeros().min(127);
    loop {
        let bits = u128::from(random.next_u64()) | u128::from(random.next_u64()) << 64;
        let drawn = if n == 1 { 0 } else { bits & mask };
        if drawn < n {
            return drawn;
        }
    }
}

/// Finds the sets of given ranks: of all, or of each level.
struct Ranked {
    /// By level the ranks that are wanted, falling, with their places in the sample; and how many were passed.
    levels: HashMap<Level, Ranks>,
    all: Ranks,
    found: Vec<(usize, Vec<u32>, i64)>,
    pascal: Pascal<u128>,
}

impl Ranked {
    fn new(wanted: &[Wanted], prepared: &Prepared) -> Self {
        let mut ranked =
            Self { levels: HashMap::new(), all: (Vec::new(), 0), found: Vec::new(), pascal: Pascal::new() };
        for &(level, rank, place) in wanted.iter().rev() {
            match level {
                Some(level) => ranked.levels.entry(level).or_default().0.push((rank, place)),
                None => ranked.all.0.push((rank, place)),
            }
        }
        if prepared.has_empty {
            ranked.pass(0, prepared.errors, 1, |_| Vec::new());
        }
        ranked
    }

    /// Passes over `n` sets of one size and cost; `nth` spells one of them.
    #[inline(always)]
    fn pass(&mut self, size: usize, errors: i64, n: u128, mut nth: impl FnMut(u128) -> Vec<u32>) {
        let (ranks, passed) = if self.levels.is_empty() {
            &mut self.all
        } else {
            let Some(level) = self.levels.get_mut(&(size, errors)) else { return };
            level
        };
        while let Some(&(rank, place)) = ranks.last().filter(|(rank, _)| *rank < *passed + n) {
            let mut rules = nth(rank - *passed);
            rules.sort_unstable();
            self.found.push((place, rules, errors));
            ranks.pop();
        }
        *passed += n;
    }
}

impl Visit for Ranked {
    #[inline(always)]
    fn singles<L: Lane>(&mut self, path: &Path, lanes: &[u64], deltas: &[L], errors: i64) {
        let with = |rule: usize| path.chosen.iter().copied().chain([rule as u32]).collect::<Vec<u32>>();
        if self.levels.is_empty() {
            let n: u32 = lanes.iter().map(|word| word.count_ones()).sum();
            let passed = self.all.1;
            if self.all.0.last().is_none_or(|(rank, _)| *rank >= passed + u128::from(n)) {
                self.all.1 += u128::from(n);
                return;
            }
        }
        for rule in bits(lanes) {
            self.pass(path.chosen.len() + 1, errors + deltas[rule].wide(), 1, |_| with(rule));
        }
    }

    fn pool(&mut self, path: &Path, least: usize, most: usize, errors: i64) {
        // Out of the way while this visitor is told of what it helps to spell.
        let mut pascal = std::mem::replace(&mut self.pascal, Pascal::new());
        for joined in least..=most.min(path.nulls.len()) {
            let sets = *pascal.at(path.nulls.len(), joined);
            self.pass(path.chosen.len() + joined, errors, sets, |rank| {
                let more = combination(path.nulls.len(), joined, rank, &mut pascal);
                path.chosen.iter().copied().chain(more.iter().map(|&place| path.nulls[place])).collect()
            });
        }
        self.pascal = pascal;
    }

    fn is_full(&self) -> bool {
        self.all.0.is_empty() && self.levels.values().all(|(ranks, _)| ranks.is_empty())
    }
}

/// The choice of `k` out of `n` places that has a rank, in the order of the places.
fn combination(n: usize, k: usize, mut rank: u128, pascal: &mut Pascal<u128>) -> Vec<usize> {
    let mut places = Vec::with_capacity(k);
    let mut from = 0;
    for left in (1..=k).rev() {
        // How many choices begin with each place.
        while from < n {
            let begin = *pascal.at(n - from - 1, left - 1);
            if rank < begin {
                break;
            }
            rank -= begin;
            from += 1;
        }
        places.push(from);
        from += 1;
    }
    places
}
