//! Which sets are they, in order, without holding them all?
//!
//! By objective: the bound is raised in steps; each step is searched again and its sets sorted, so that the first ones
//! come at once and memory holds one step. Steps are made as wide as a step's worth of sets; where a single objective has
//! more, they are told size by size. By rules: sets with the same first rules are searched apart where they are too many
//! to be sorted at once.

use std::ops::ControlFlow;

use pellucid_data::Ratio;
use pellucid_data::ratio::RatioError;

use super::count::Prepared;
use super::explorer::{Explorer, Member, OF_SET};
use super::members::{PATIENCE, members};
use crate::search::problem::{NEVER, Thresholds};
use crate::{Searching, SemanticsError};

/// In which order members are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The best first; ties by size, then by rules.
    #[default]
    Objective,
    /// As words are ordered, rules for letters.
    Lexicographic,
}

/// Sets that are sorted at once.
const AT_ONCE: usize = 1 << 18;

/// How a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Every member was told.
    All,
    /// The receiver wanted no more.
    Enough,
    /// The search was stopped.
    Stopped,
}

/// Tells sets, with a look at the clock now and then: whoever hears of them may be slow.
pub(super) fn tell_all(
    found: &[Member],
    searching: &Searching<'_>,
    tell: &mut dyn FnMut(&Member) -> ControlFlow<()>,
) -> Listed {
    for some in found.chunks(PATIENCE) {
        if searching.control.watch.should_stop() {
            return Listed::Stopped;
        }
        if some.iter().try_for_each(&mut *tell).is_break() {
            return Listed::Enough;
        }
    }
    Listed::All
}

impl Explorer {
    /// Tells the members in order until `tell` breaks.
    ///
    /// # Errors
    /// When a fraction does not fit into 128 bits.
    pub fn list(
        &self,
        order: Order,
        searching: &Searching<'_>,
        tell: &mut dyn FnMut(&Member) -> ControlFlow<()>,
    ) -> Result<Listed, SemanticsError> {
        let cap = searching.most_bytes.map_or(AT_ONCE, |most| (most / OF_SET).clamp(1 << 10, AT_ONCE));
        self.list_by(cap, order, searching, tell)
    }

    /// The same, sorting at most `cap` sets at once.
    pub(super) fn list_by(
        &self,
        cap: usize,
        order: Order,
        searching: &Searching<'_>,
        tell: &mut dyn FnMut(&Member) -> ControlFlow<()>,
    ) -> Result<Listed, SemanticsError> {
        if !self.is_bulk() {
            // Which sets come first is certain only when all were seen.
            let Some(mut held) = self.all_held(searching)? else { return Ok(Listed::Stopped) };
            if order == Order::Lexicographic {
                held.sort_by(|a, b| a.rules.cmp(&b.rules));
            }
            return Ok(tell_all(&held, searching, tell));
        }
        match order {
            Order::Objective => self.by_objective(cap, searching, tell),
            Order::Lexicographic => {
                if self.prepared.has_empty && tell(&self.member(&[], self.prepared.errors)?).is_break() {
                    return Ok(Listed::Enough);
                }
                self.by_rules(
                    cap,
                    [&self.prepared.thresholds, &Thresholds::none()],
                    &mut Vec::new(),
                    searching,
                    tell,
                )
            }
        }
    }

    /// Collects at most `cap` sets; `None` where there are more.
    fn collect(
        &self,
        cap: usize,
        [thresholds, above]: [&Thresholds; 2],
        start: &[u32],
        searching: &Searching<'_>,
    ) -> Result<Option<(Vec<Member>, bool)>, SemanticsError> {
        let mut found: Vec<(Vec<u32>, i64)> = Vec::new();
        let mut tell = |rules: &[u32], errors: i64| {
            found.push((rules.to_vec(), errors));
            found.len() <= cap
        };
        let complete = members(&self.prepared, thresholds, Some(above), start, searching, &mut tell);
        if found.len() > cap {
            return Ok(None);
        }
        let all =
            found.iter().map(|(rules, errors)| self.member(rules, *errors)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some((all, complete)))
    }

    fn by_objective(
        &self,
        cap: usize,
        searching: &Searching<'_>,
        tell: &mut dyn FnMut(&Member) -> ControlFlow<()>,
    ) -> Result<Listed, SemanticsError> {
        let Prepared { objective, total_weight, floor, errors, has_empty, .. } = self.prepared;
        let end = self.within.theta;
        // Objectives lie on a grid: whole numbers over q·W.
        let below =
            objective.lambda.denominator().checked_mul(total_weight.into()).ok_or(RatioError::Overflow)?;
        let on_grid = |place: i128| Ratio::new(place, below).ok_or(RatioError::Overflow);
        let unit = Ratio::new(below, 1).ok_or(RatioError::Overflow)?;
        let last = end.times(unit)?.floor();
        let mut done = objective.value(floor, 0, total_weight)?.times(unit)?.floor() - 1;
        let mut empty = if has_empty { Some(self.member(&[], errors)?) } else { None };
        let mut step = ((last - done) / 64).max(1);
        while done < last {
            let next = (done + step).min(last);
            let (upper, above) = (self.thresholds(on_grid(next)?)?, self.thresholds(on_grid(done)?)?);
            let collected = self.collect(cap, [&upper, &above], &[], searching)?;
            if collected.is_none() && next > done + 1 {
                step = (step / 4).max(1);
                continue;
            }
            let empty_here = empty.take_if(|set| on_grid(next).is_ok_and(|theta| set.objective <= theta));
            let Some((mut found, complete)) = collected else {
                // Sets of one objective, too many to be sorted: by size, then by rules.
                if empty_here.is_some_and(|set| tell(&set).is_break()) {
                    return Ok(Listed::Enough);
                }
                for size in 1..=upper.max_size {
                    let (upper, above) = (upper.up_to(size), above.but_for(size));
                    let ended = self.by_rules(cap, [&upper, &above], &mut Vec::new(), searching, tell)?;
                    if ended != Listed::All {
                        return Ok(ended);
                    }
                }
                done = next;
                continue;
            };
            if !complete {
                return Ok(Listed::Stopped);
            }
            found.extend(empty_here);
            if found.len() < cap / 8 {
                step = step.saturating_mul(2);
            }
            found.sort_by(|a, b| {
                (a.objective, a.rules.len(), &a.rules).cmp(&(b.objective, b.rules.len(), &b.rules))
            });
            let ended = tell_all(&found, searching, tell);
            if ended != Listed::All {
                return Ok(ended);
            }
            done = next;
        }
        Ok(Listed::All)
    }

    /// Those within the first thresholds and past the second.
    fn by_rules(
        &self,
        cap: usize,
        [thresholds, above]: [&Thresholds; 2],
        start: &mut Vec<u32>,
        searching: &Searching<'_>,
        tell: &mut dyn FnMut(&Member) -> ControlFlow<()>,
    ) -> Result<Listed, SemanticsError> {
        if let Some((mut found, complete)) = self.collect(cap, [thresholds, above], start, searching)? {
            if !complete {
                return Ok(Listed::Stopped);
            }
            found.sort_by(|a, b| a.rules.cmp(&b.rules));
            return Ok(tell_all(&found, searching, tell));
        }
        if !start.is_empty() {
            let errors = crate::definition::errors(&self.instance, &self.prepared.objective, start);
            let most = thresholds.at(start.len());
            let is_within = most != NEVER && errors <= most && errors > above.at(start.len());
            if is_within && tell(&self.member(start, errors)?).is_break() {
                return Ok(Listed::Enough);
            }
        }
        let first = start.last().map_or(0, |&last| last + 1);
        for rule in first..self.prepared.n_rules as u32 {
            start.push(rule);
            let ended = self.by_rules(cap, [thresholds, above], start, searching, tell)?;
            start.pop();
            if ended != Listed::All {
                return Ok(ended);
            }
        }
        Ok(Listed::All)
    }
}
