//! What happens at a node? Children that can't be extended are counted by comparison; the others are visited, largest
//! gains first, and only where enough can still be saved.
//!
//! With k rules chosen and errors e, a child i has errors e_i = e + D_i. It leads to sets of k + 1 + t rules only if e_i
//! less the t largest gains after it (and less all that is savable outside of it) is at most the threshold of that size.
//! Where only t = 1 is left and no two more rules fit by price, the child's own children are one comparison.

use pellucid_data::level::{AVX2, AVX512, PORTABLE};

use super::Level;
use super::frame::Frame;
use super::lane::{Lane, WIDTH, limit};
use super::open::{Open, binomials};
use super::problem::{NEVER, Problem, Thresholds};
use super::run::{Shared, Switches, Task};
use super::visit::{Path, Visit};

/// How many children are looked at between two looks at the clock.
const PATIENCE: u32 = 1 << 11;

/// Nodes are given away above this depth of a part only: below, what is given is done before it has arrived.
const GIVEN: usize = 3;

/// After how many places of the order the largest useful change is computed anew.
const STRIDE: usize = 16;

/// One worker's search.
pub(super) struct Search<'p, L, V> {
    pub(super) problem: &'p Problem<L>,
    pub(super) shared: &'p Shared<'p, L>,
    pub(super) thresholds: Thresholds,
    pub(super) switches: Switches,
    pub(super) visit: V,
    pub(super) frames: Vec<Frame<L>>,
    pub(super) path: Path,
    pub(super) open: Open,
    pub(super) nodes: u64,
    pub(super) patience: u32,
    pub(super) stopped: bool,
    /// Rows of the classes that a child covers, saving ones first.
    list: Vec<u32>,
    mask: Vec<u64>,
    keys: Vec<u64>,
}

/// How a child is treated.
#[derive(PartialEq, Eq)]
enum Child {
    /// Nothing below it can be within, or it was counted already.
    Skip,
    /// One rule may follow, and no second.
    Leaf,
    /// It is a node.
    Full,
}

impl<'p, L: Lane, V: Visit> Search<'p, L, V> {
    pub(super) fn new(
        problem: &'p Problem<L>,
        shared: &'p Shared<'p, L>,
        thresholds: Thresholds,
        switches: Switches,
        visit: V,
    ) -> Self {
        Self {
            problem,
            shared,
            thresholds,
            switches,
            visit,
            frames: vec![Frame::blank(problem)],
            path: Path::default(),
            open: Open::default(),
            nodes: 0,
            patience: shared.patience(PATIENCE),
            stopped: false,
            list: Vec::new(),
            mask: vec![0; problem.lanes / WIDTH],
            keys: Vec::new(),
        }
    }

    /// Visits everything below a node, or its children from one place in the order to another.
    pub(super) fn part(&mut self, task: Task<L>, level: Level) {
        let Task { frame, path, range } = task;
        self.frames[0] = frame;
        self.path = path;
        self.visit.begin(&self.path);
        match level {
            // SAFETY: a level is made only where the machine has it, see `Level::or_lower`.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the one door into functions with more instructions")]
            Level::Avx512 => unsafe { node_avx512(self, 0, range) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the one door into functions with more instructions")]
            Level::Avx2 => unsafe { node_avx2(self, 0, range) },
            _ => node_portable(self, 0, range),
        }
        self.visit.end(&self.path);
    }

    /// Whether to go on; looks at the clock now and then.
    #[inline(always)]
    fn goes_on(&mut self) -> bool {
        self.patience -= 1;
        if self.patience == 0 {
            self.patience = self.shared.patience(PATIENCE);
            self.stopped |= self.shared.should_stop(u64::from(self.patience)) || self.visit.is_full();
        }
        !self.stopped
    }

    /// Makes a frame for a depth that was never reached before.
    #[inline(always)]
    fn reserve(&mut self, depth: usize) {
        if self.frames.len() == depth {
            let frame = Frame::blank(self.problem);
            self.stopped |= self.shared.holds(frame.bytes());
            self.frames.push(frame);
        }
    }

    #[inline(always)]
    fn tighten(&mut self) {
        if V::TIGHTENS
            && let Some(thresholds) = self.visit.tightened()
        {
            self.thresholds = thresholds;
        }
    }

    /// Which of the t = 1.. further rules after place `p` of the order can bring child `p` within.
    #[inline(always)]
    fn kind(&self, frame: &Frame<L>, p: usize, errors: i64, gain: i64) -> Child {
        let (size, thresholds) = (frame.size, &self.thresholds);
        if errors <= thresholds.at(size + 3) {
            return Child::Full;
        }
        let has_slack = errors <= thresholds.at(size + 2);
        if !self.switches.gains {
            return if size + 2 <= thresholds.max_size { Child::Full } else { Child::Skip };
        }
        let (cap, n) = (frame.savable - gain, frame.order.len());
        let mut one = has_slack;
        for t in 1..=thresholds.max_size.saturating_sub(size + 1) {
            let until = (p + 1 + t).min(n);
            let saved = (frame.sums[until] - frame.sums[p + 1]).min(cap);
            let fits = errors - saved <= thresholds.at(size + 1 + t);
            if fits && t > 1 {
                return Child::Full;
            }
            one |= fits;
            if !fits && (saved == cap || until == n) {
                break;
            }
        }
        match one {
            false => Child::Skip,
            true if self.switches.leaves => Child::Leaf,
            true => Child::Full,
        }
    }

    /// By how much a child from place `p` on may change the errors and still lead anywhere.
    #[inline(always)]
    fn reach(&self, frame: &Frame<L>, p: usize) -> i64 {
        if !self.switches.gains {
            return i64::MAX;
        }
        let (size, n) = (frame.size, frame.order.len());
        let mut reach = self.thresholds.at(size + 2);
        for t in 1..=self.thresholds.max_size.saturating_sub(size + 1) {
            let until = (p + t).min(n);
            let saved = (frame.sums[until] - frame.sums[p]).min(frame.savable);
            reach = reach.max(self.thresholds.at(size + 1 + t) + saved);
            if saved == frame.savable || until == n {
                break;
            }
        }
        reach - frame.errors
    }

    /// The rows of the classes that `rule` would cover; answers how many of them save.
    #[inline(always)]
    fn gather(&mut self, depth: usize, rule: u32) -> usize {
        self.list.clear();
        let frame = &self.frames[depth];
        for (at, (&open, &own)) in frame.uncovered.iter().zip(self.problem.classes_of(rule)).enumerate() {
            let mut rest = open & own;
            while rest != 0 {
                self.list.push(at as u32 * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        let n_saving = self.problem.n_saving as u32;
        self.list.partition_point(|&class| class < n_saving)
    }

    /// Makes the frame of child `p`; answers how many rules became null.
    #[inline(always)]
    fn descend<const LEVEL: u8>(&mut self, depth: usize, p: usize, rule: u32, errors: i64) -> usize {
        let n_saving = self.gather(depth, rule);
        self.reserve(depth + 1);
        let (above, below) = self.frames.split_at_mut(depth + 1);
        let (frame, child) = (&above[depth], &mut below[0]);
        child.live.copy_from_slice(&frame.live);
        L::shift::<LEVEL>(&self.problem.rows, &self.list, &frame.deltas, &mut child.deltas);
        let most = L::shrink::<LEVEL>(
            &self.problem.rows,
            &self.list[..n_saving],
            &frame.gains,
            &child.live,
            &mut child.gains,
        );
        child.most = most.wide();
        for ((left, open), own) in
            child.uncovered.iter_mut().zip(&frame.uncovered).zip(self.problem.classes_of(rule))
        {
            *left = open & !own;
        }
        child.errors = errors;
        child.size = frame.size + 1;
        child.savable = frame.savable - frame.gains[rule as usize].wide();
        let mut n_nulls = 0;
        if self.switches.nulls {
            let (none, less) = (L::of(0), L::of(-1));
            for (word, live) in child.live.iter_mut().enumerate() {
                let (gains, deltas) = (&child.gains[word * WIDTH..], &child.deltas[word * WIDTH..]);
                let zero = L::at_most::<LEVEL>(deltas, none) & !L::at_most::<LEVEL>(deltas, less);
                let mut nulls = L::at_most::<LEVEL>(gains, none) & zero & *live;
                *live &= !nulls;
                while nulls != 0 {
                    self.path.nulls.push((word * WIDTH) as u32 + nulls.trailing_zeros());
                    nulls &= nulls - 1;
                    n_nulls += 1;
                }
            }
        }
        child.n_nulls = frame.n_nulls + n_nulls;
        child.order.clear();
        let live = &child.live;
        child.order.extend(
            frame.order[p + 1..]
                .iter()
                .copied()
                .filter(|&r| live[r as usize / WIDTH] >> (r as usize % WIDTH) & 1 == 1),
        );
        n_nulls
    }

    /// What the children from place `from` up to `end` may hold, when nobody looks at them any more.
    #[cold]
    fn leave_open(&mut self, depth: usize, from: usize, end: usize) {
        let frame = &self.frames[depth];
        add_open(&mut self.open, frame, from..end, &self.thresholds);
    }
}

/// Sets that contain at least one rule of a range of the order: at most so many, none with fewer errors.
pub(super) fn add_open<L: Lane>(
    open: &mut Open,
    frame: &Frame<L>,
    range: std::ops::Range<usize>,
    thresholds: &Thresholds,
) {
    let n = frame.order.len();
    if range.is_empty() {
        return;
    }
    let rows = binomials(n - range.start + frame.n_nulls).zip(binomials(n - range.end + frame.n_nulls));
    let sizes = 1..=thresholds.max_size.saturating_sub(frame.size);
    for (t, (all, without)) in sizes.zip(rows.skip(1)) {
        let saved = (frame.sums[(range.start + t).min(n)] - frame.sums[range.start]).min(frame.savable);
        let errors = frame.errors - saved;
        if errors <= thresholds.at(frame.size + t) {
            open.add(frame.size + t, errors, &(all - without));
        }
    }
}

/// One node: all its children, or those of a range, in which case the children that can't be extended are done.
#[inline(always)]
fn node<const LEVEL: u8, L: Lane, V: Visit>(
    s: &mut Search<'_, L, V>,
    depth: usize,
    range: Option<std::ops::Range<usize>>,
    recurse: impl Fn(&mut Search<'_, L, V>, usize),
) {
    // A part of a node is counted by whoever gave it away.
    s.nodes += u64::from(range.is_none());
    let size = s.frames[depth].size;
    if size + 1 > s.thresholds.max_size {
        return;
    }
    let errors = s.frames[depth].errors;
    let range = match range {
        Some(range) => {
            // Whoever gave this part away keeps the children before it, and no set may have both.
            let Frame { order, live, .. } = &mut s.frames[depth];
            order[..range.start]
                .iter()
                .for_each(|&rule| live[rule as usize / WIDTH] &= !(1 << (rule as usize % WIDTH)));
            range
        }
        None => {
            let frame = &s.frames[depth];
            let (within, beyond) = (s.thresholds.at(size + 1) - errors, s.thresholds.at(size + 2) - errors);
            for (word, mask) in s.mask.iter_mut().enumerate() {
                let deltas = &frame.deltas[word * WIDTH..];
                // Where thresholds fall meanwhile, what has room for more now may have none when its turn comes: all
                // are seen here, and none again.
                let extended = if V::TIGHTENS { 0 } else { L::at_most::<LEVEL>(deltas, limit(beyond)) };
                *mask = L::at_most::<LEVEL>(deltas, limit(within)) & !extended & frame.live[word];
            }
            s.visit.singles(&s.path, &s.mask, &frame.deltas, errors);
            s.tighten();
            let frame = &s.frames[depth];
            if size + 2 > s.thresholds.max_size {
                return;
            }
            // Whether any child can be extended at all: nine in ten nodes end here.
            let mut reach = s.thresholds.at(size + 2) - errors;
            if s.switches.gains {
                for t in 1..=s.thresholds.max_size - size - 1 {
                    let saved = (t as i64 * frame.most).min(frame.savable);
                    reach = reach.max(s.thresholds.at(size + 1 + t) - errors + saved);
                    if saved == frame.savable {
                        break;
                    }
                }
                let any = (0..s.mask.len()).any(|word| {
                    L::at_most::<LEVEL>(&frame.deltas[word * WIDTH..], limit(reach)) & frame.live[word] != 0
                });
                if !any {
                    return;
                }
            }
            let frame = &mut s.frames[depth];
            frame.sort(&mut s.keys);
            0..frame.order.len()
        }
    };
    let (mut p, mut end) = (range.start, range.end);
    let mut reach = NEVER;
    while p < end {
        if (p - range.start).is_multiple_of(STRIDE) {
            reach = s.reach(&s.frames[depth], p);
        }
        let frame = &mut s.frames[depth];
        let rule = frame.order[p];
        frame.live[rule as usize / WIDTH] &= !(1 << (rule as usize % WIDTH));
        let delta = frame.deltas[rule as usize].wide();
        if delta > reach {
            p += 1;
            continue;
        }
        let frame = &s.frames[depth];
        let errors = errors + delta;
        let gain = frame.gains[rule as usize].wide();
        match s.kind(frame, p, errors, gain) {
            Child::Skip => {}
            Child::Leaf => {
                s.path.chosen.push(rule);
                s.visit.enter(rule);
                s.gather(depth, rule);
                s.reserve(depth + 1);
                let (above, below) = s.frames.split_at_mut(depth + 1);
                let (frame, child) = (&above[depth], &mut below[0]);
                L::shift::<LEVEL>(&s.problem.rows, &s.list, &frame.deltas, &mut child.deltas);
                let within = limit(s.thresholds.at(size + 2) - errors);
                for (word, mask) in s.mask.iter_mut().enumerate() {
                    *mask = L::at_most::<LEVEL>(&child.deltas[word * WIDTH..], within) & frame.live[word];
                }
                s.visit.singles(&s.path, &s.mask, &child.deltas, errors);
                if !V::TIGHTENS && errors <= s.thresholds.at(size + 2) {
                    s.visit.pool(&s.path, 0, 1, errors);
                }
                s.visit.leave(&s.path, 0);
                s.path.chosen.pop();
                s.tighten();
            }
            Child::Full => {
                if depth < GIVEN && s.shared.is_hungry() && end - p > 1 {
                    // Half of what is left goes to whoever waits.
                    let middle = p + 1 + (end - p - 1) / 2;
                    s.shared.give(Task {
                        frame: s.frames[depth].clone(),
                        path: s.path.clone(),
                        range: Some(middle..end),
                    });
                    end = middle;
                }
                s.path.chosen.push(rule);
                s.visit.enter(rule);
                let n_nulls = s.descend::<LEVEL>(depth, p, rule, errors);
                if !V::TIGHTENS && errors <= s.thresholds.at(size + 2) {
                    let mut slack = 1;
                    while errors <= s.thresholds.at(size + 2 + slack) {
                        slack += 1;
                    }
                    s.visit.pool(&s.path, 0, slack, errors);
                    // As much work as so many children.
                    s.patience = s.patience.saturating_sub(slack as u32).max(1);
                    s.tighten();
                }
                recurse(s, depth + 1);
                s.visit.leave(&s.path, n_nulls);
                s.path.nulls.truncate(s.path.nulls.len() - n_nulls);
                s.path.chosen.pop();
            }
        }
        p += 1;
        if !s.goes_on() {
            s.leave_open(depth, p, end);
            return;
        }
    }
}

fn node_portable<L: Lane, V: Visit>(
    s: &mut Search<'_, L, V>,
    depth: usize,
    range: Option<std::ops::Range<usize>>,
) {
    node::<PORTABLE, L, V>(s, depth, range, |s, depth| node_portable(s, depth, None));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn node_avx2<L: Lane, V: Visit>(
    s: &mut Search<'_, L, V>,
    depth: usize,
    range: Option<std::ops::Range<usize>>,
) {
    node::<AVX2, L, V>(s, depth, range, |s, depth| node_avx2(s, depth, None));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
fn node_avx512<L: Lane, V: Visit>(
    s: &mut Search<'_, L, V>,
    depth: usize,
    range: Option<std::ops::Range<usize>>,
) {
    node::<AVX512, L, V>(s, depth, range, |s, depth| node_avx512(s, depth, None));
}
