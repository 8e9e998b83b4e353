//! How many sets are there, of which size, with which rules, how good? All in one pass.
//!
//! A rule is in as many sets as are visited between its entry and its leave; the rules that change nothing are
//! interchangeable, so that one number counts for each of them. A feature is used by all sets below a rule that uses it;
//! where no chosen rule does, the rules of the bunch that do are counted.

use num_bigint::BigUint;
use std::collections::HashMap;

use crate::count::{Count, Pascal};
use crate::search::Lane;
use crate::search::problem::bits;
use crate::search::visit::{Path, Visit};

/// What is counted besides the total and the sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    Sizes,
    /// How many sets each rule is in, and how many there are of each objective.
    Full,
}

/// Which rules use which feature.
#[derive(Debug, Clone, Default)]
pub(super) struct Uses {
    /// For each feature the rules that use it, as lanes.
    rules: Vec<Vec<u64>>,
    /// For each rule the features that it uses.
    features: Vec<Vec<u32>>,
}

impl Uses {
    /// From the features of each rule; repeats do not matter.
    pub(super) fn new(of_rules: &[Vec<u32>], n_features: usize) -> Self {
        let words = of_rules.len().div_ceil(64);
        let mut rules = vec![vec![0; words]; n_features];
        let mut features = Vec::new();
        for (rule, used) in of_rules.iter().enumerate() {
            let mut used = used.clone();
            used.sort_unstable();
            used.dedup();
            used.iter().for_each(|&feature| rules[feature as usize][rule / 64] |= 1 << (rule % 64));
            features.push(used);
        }
        Self { rules, features }
    }

    fn has(&self, feature: usize, rule: u32) -> bool {
        self.rules[feature][rule as usize / 64] >> (rule % 64) & 1 == 1
    }
}

/// Counts of one worker.
pub(super) struct Tally<'u, C, const FULL: bool> {
    uses: &'u Uses,
    pascal: Pascal<C>,
    by_feature: Vec<C>,
    /// How many of the chosen rules use each feature.
    chosen_use: Vec<u32>,
    by_size: Vec<C>,
    by_rule: Vec<C>,
    levels: Levels<C>,
    /// Sets visited since the path was as long as the place in this list; the same for sets that contain a given null.
    since: Vec<(C, C)>,
}

/// How many sets there are by size and cost of errors.
struct Levels<C> {
    /// From `first` on, a place for each cost, `width` a size; empty where that would be too many.
    dense: Vec<C>,
    first: i64,
    width: usize,
    sparse: HashMap<(usize, i64), C>,
}

/// Places of a dense table of levels, at most.
const DENSE: usize = 1 << 20;

impl<C: Count> Levels<C> {
    fn new(max_size: usize, first: i64, last: i64) -> Self {
        let width = usize::try_from(last - first + 1).unwrap_or(0);
        let places = width.saturating_mul(max_size + 1);
        let dense = if places <= DENSE { vec![C::zero(); places] } else { Vec::new() };
        Self { dense, first, width, sparse: HashMap::new() }
    }

    #[inline(always)]
    fn add(&mut self, size: usize, errors: i64, sets: &C) {
        let at = (errors - self.first) as usize;
        if at < self.width
            && let Some(place) = self.dense.get_mut(size * self.width + at)
        {
            place.add(sets);
        } else {
            self.sparse.entry((size, errors)).or_insert_with(C::zero).add(sets);
        }
    }

    fn all(self) -> impl Iterator<Item = ((usize, i64), BigUint)> {
        let (first, width) = (self.first, self.width.max(1));
        let dense = self
            .dense
            .into_iter()
            .enumerate()
            .map(move |(at, sets)| ((at / width, first + (at % width) as i64), sets.big()));
        let sparse = self.sparse.into_iter().map(|(level, sets)| (level, sets.big()));
        dense.chain(sparse).filter(|(_, sets)| *sets != BigUint::ZERO)
    }
}

/// The sums of all workers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sums {
    pub(super) by_size: Vec<BigUint>,
    pub(super) by_rule: Vec<BigUint>,
    pub(super) by_feature: Vec<BigUint>,
    /// Sets by size and cost of errors, in this order.
    pub(super) by_level: Vec<((usize, i64), BigUint)>,
}

impl<'u, C: Count, const FULL: bool> Tally<'u, C, FULL> {
    /// `least` and `most`: between which all costs of errors are.
    pub(super) fn new(uses: &'u Uses, n_rules: usize, max_size: usize, least: i64, most: i64) -> Self {
        let (rules, levels) =
            if FULL { (n_rules, Levels::new(max_size, least, most)) } else { (0, Levels::new(0, 0, -1)) };
        let n_features = if FULL { uses.rules.len() } else { 0 };
        let by_feature = vec![C::zero(); n_features];
        Self {
            uses,
            pascal: Pascal::new(),
            by_feature,
            chosen_use: vec![0; n_features],
            by_size: vec![C::zero(); max_size + 2],
            by_rule: vec![C::zero(); rules],
            levels,
            since: Vec::new(),
        }
    }

    pub(super) fn sums(tallies: Vec<Self>) -> Sums {
        let mut sums = Sums::default();
        let mut levels: std::collections::BTreeMap<(usize, i64), BigUint> = std::collections::BTreeMap::new();
        for tally in tallies {
            sums.by_size.resize(tally.by_size.len(), BigUint::ZERO);
            sums.by_feature.resize(tally.by_feature.len(), BigUint::ZERO);
            sums.by_feature.iter_mut().zip(&tally.by_feature).for_each(|(sum, n)| *sum += n.big());
            sums.by_rule.resize(tally.by_rule.len(), BigUint::ZERO);
            sums.by_size.iter_mut().zip(&tally.by_size).for_each(|(sum, n)| *sum += n.big());
            sums.by_rule.iter_mut().zip(&tally.by_rule).for_each(|(sum, n)| *sum += n.big());
            for (level, sets) in tally.levels.all() {
                *levels.entry(level).or_default() += sets;
            }
        }
        sums.by_level = levels.into_iter().collect();
        sums
    }

    /// Of the choices of so many nulls, those that use a feature that no chosen rule uses.
    fn pool_features(&mut self, path: &Path, joined: usize) {
        let n = path.nulls.len();
        for feature in (0..self.chosen_use.len()).filter(|_| joined > 0) {
            if self.chosen_use[feature] == 0 {
                let without = path.nulls.iter().filter(|&&null| !self.uses.has(feature, null)).count();
                let (all, none) = (self.pascal.at(n, joined).clone(), self.pascal.at(without, joined));
                self.by_feature[feature].add(&all.less(none));
            }
        }
    }

    #[inline(always)]
    fn count(&mut self, sets: &C) {
        if let Some((all, _)) = self.since.last_mut() {
            all.add(sets);
        }
    }
}

impl<C: Count, const FULL: bool> Visit for Tally<'_, C, FULL> {
    #[inline(always)]
    fn singles<L: Lane>(&mut self, path: &Path, lanes: &[u64], deltas: &[L], errors: i64) {
        let size = path.chosen.len() + 1;
        let n: u32 = lanes.iter().map(|word| word.count_ones()).sum();
        if n == 0 {
            return;
        }
        let sets = C::of(n.into());
        self.by_size[size].add(&sets);
        if FULL {
            self.count(&sets);
            for (feature, rules) in
                self.uses.rules.iter().enumerate().filter(|(feature, _)| self.chosen_use[*feature] == 0)
            {
                let using: u32 =
                    lanes.iter().zip(rules).map(|(some, using)| (some & using).count_ones()).sum();
                self.by_feature[feature].add(&C::of(using.into()));
            }
            let one = C::of(1);
            for rule in bits(lanes) {
                self.by_rule[rule].add(&one);
                self.levels.add(size, errors + deltas[rule].wide(), &one);
            }
        }
    }

    #[inline(always)]
    fn pool(&mut self, path: &Path, least: usize, most: usize, errors: i64) {
        let (size, n) = (path.chosen.len(), path.nulls.len());
        for joined in least..=most.min(n) {
            let sets = self.pascal.at(n, joined).clone();
            self.by_size[size + joined].add(&sets);
            if FULL {
                self.count(&sets);
                self.levels.add(size + joined, errors, &sets);
                self.pool_features(path, joined);
                if joined > 0
                    && let Some((_, each_null)) = self.since.last_mut()
                {
                    each_null.add(self.pascal.at(n - 1, joined - 1));
                }
            }
        }
    }

    #[inline(always)]
    fn enter(&mut self, rule: u32) {
        if FULL {
            if let Some(features) = self.uses.features.get(rule as usize) {
                features.iter().for_each(|&feature| self.chosen_use[feature as usize] += 1);
            }
            self.since.push((C::zero(), C::zero()));
        }
    }

    #[inline(always)]
    fn leave(&mut self, path: &Path, n_nulls: usize) {
        if !FULL {
            return;
        }
        let Some((all, each_null)) = self.since.pop() else { return };
        if let Some(&rule) = path.chosen.last() {
            self.by_rule[rule as usize].add(&all);
            for &feature in self.uses.features.get(rule as usize).into_iter().flatten() {
                self.chosen_use[feature as usize] -= 1;
                if self.chosen_use[feature as usize] == 0 {
                    self.by_feature[feature as usize].add(&all);
                }
            }
        }
        for &null in &path.nulls[path.nulls.len() - n_nulls..] {
            self.by_rule[null as usize].add(&each_null);
        }
        if let Some((above, null_above)) = self.since.last_mut() {
            above.add(&all);
            null_above.add(&each_null);
        }
    }

    fn begin(&mut self, path: &Path) {
        self.since = vec![(C::zero(), C::zero())];
        self.chosen_use.fill(0);
        for &rule in &path.chosen {
            for &feature in self.uses.features.get(rule as usize).into_iter().flatten().filter(|_| FULL) {
                self.chosen_use[feature as usize] += 1;
            }
        }
    }

    fn end(&mut self, path: &Path) {
        if !FULL {
            return;
        }
        let Some((all, each_null)) = self.since.pop() else { return };
        path.chosen.iter().for_each(|&rule| self.by_rule[rule as usize].add(&all));
        path.nulls.iter().for_each(|&rule| self.by_rule[rule as usize].add(&each_null));
        for (feature, _) in self.chosen_use.iter().enumerate().filter(|(_, n)| **n > 0) {
            self.by_feature[feature].add(&all);
        }
    }
}
