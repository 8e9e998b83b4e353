//! How do threads share a search? Whoever has nothing to do asks, and whoever has much gives away half of a node.
//!
//! What is visited does not depend on who visits it; visitors are merged by sums and minima, so that no result depends on
//! the number of threads.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use pellucid_data::Control;

use super::Level;
use super::dfs::{Search, add_open};
use super::frame::Frame;
use super::lane::Lane;
use super::open::Open;
use super::problem::{AnyProblem, Problem, Thresholds};
use super::visit::{Path, Visit};

/// A node goes deeper by one frame of a few hundred bytes; a set may have thousands of rules.
const STACK: usize = 64 << 20;
/// Rules of a set for which the caller's own stack is enough.
const SHALLOW: usize = 256;

/// What can be switched off; no result depends on any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Switches {
    /// The bound from the largest gains.
    pub(crate) gains: bool,
    /// Rules that change nothing are counted by binomials.
    pub(crate) nulls: bool,
    /// Children with one rule to follow are counted by comparison.
    pub(crate) leaves: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self { gains: true, nulls: true, leaves: true }
    }
}

/// How a search runs.
#[derive(Clone, Copy)]
pub(crate) struct How<'a> {
    pub(crate) control: Control<'a>,
    pub(crate) level: Level,
    pub(crate) switches: Switches,
    /// Stop after about so many children.
    pub(crate) most_nodes: Option<u64>,
    /// Stop when the search would hold more bytes.
    pub(crate) most_bytes: Option<usize>,
}

/// A part of the search: a node, or some children of it.
pub(super) struct Task<L> {
    pub(super) frame: Frame<L>,
    pub(super) path: Path,
    pub(super) range: Option<Range<usize>>,
}

/// What the workers of one search have in common.
pub(super) struct Shared<'p, L> {
    how: How<'p>,
    queue: Mutex<Queue<L>>,
    woken: Condvar,
    hungry: AtomicUsize,
    stop: AtomicBool,
    looked_at: AtomicU64,
    bytes: AtomicUsize,
    lanes_of_all_rows: usize,
}

struct Queue<L> {
    tasks: Vec<Task<L>>,
    busy: usize,
    waiting: usize,
}

impl<L: Lane> Shared<'_, L> {
    #[inline(always)]
    pub(super) fn is_hungry(&self) -> bool {
        self.hungry.load(Ordering::Relaxed) > 0
    }

    pub(super) fn give(&self, task: Task<L>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.tasks.push(task);
        self.told(&queue);
        self.woken.notify_one();
    }

    /// How many wait for whom there is no task yet.
    fn told(&self, queue: &Queue<L>) {
        self.hungry.store(queue.waiting.saturating_sub(queue.tasks.len()), Ordering::Relaxed);
    }

    /// After how many children to ask again: as many as usual, or fewer where a child is much work, or few are allowed.
    pub(super) fn patience(&self, usual: u32) -> u32 {
        let by_work = (1 << 21) / (self.lanes_of_all_rows / 64 + 1);
        let by_limit = self.how.most_nodes.map_or(u64::from(usual), |most| most / 8);
        u32::try_from(by_limit.min(by_work as u64)).unwrap_or(usual).clamp(1, usual)
    }

    /// Hears of so many children more.
    pub(super) fn should_stop(&self, children: u64) -> bool {
        let seen = self.looked_at.fetch_add(children, Ordering::Relaxed) + children;
        self.how.control.watch.advance(children as usize);
        let stop = self.stop.load(Ordering::Relaxed)
            || self.how.most_nodes.is_some_and(|most| seen >= most)
            || self.how.control.watch.should_stop();
        if stop {
            self.stop.store(true, Ordering::Relaxed);
        }
        stop
    }

    /// Hears that a worker holds so many bytes more; answers whether that is too many, and then stops all of them.
    pub(super) fn holds(&self, bytes: usize) -> bool {
        let held = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let too_many = self.how.most_bytes.is_some_and(|most| held > most);
        if too_many {
            self.stop.store(true, Ordering::Relaxed);
        }
        too_many
    }

    /// The next part, or `None` when there will be none.
    fn next(&self) -> Option<Task<L>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.busy -= 1;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                self.woken.notify_all();
                return None;
            }
            if let Some(task) = queue.tasks.pop() {
                queue.busy += 1;
                self.told(&queue);
                return Some(task);
            }
            if queue.busy == 0 {
                self.woken.notify_all();
                return None;
            }
            queue.waiting += 1;
            self.told(&queue);
            queue = self.woken.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.waiting -= 1;
            self.told(&queue);
        }
    }
}

/// Wakes the others where its worker ends by a panic: nobody waits for a part that will never be done.
struct Bell<'s, 'p, L: Lane>(&'s Shared<'p, L>);

impl<L: Lane> Drop for Bell<'_, '_, L> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            self.0.stop.store(true, Ordering::Relaxed);
            self.0.woken.notify_all();
        }
    }
}

/// What became of a search.
pub(crate) struct Ended<V> {
    /// One visitor a worker.
    pub(crate) visitors: Vec<V>,
    /// Nodes that were expanded.
    pub(crate) nodes: u64,
    /// Children of nodes that were looked at, to the nearest thousand or so.
    pub(crate) children: u64,
    /// What was left, where it stopped early.
    pub(crate) open: Option<Open>,
}

/// Visits every set within the thresholds that begins with `start` and goes on with later rules; the empty set is none
/// of them.
pub(crate) fn run<V: Visit>(
    problem: &AnyProblem,
    thresholds: &Thresholds,
    start: &[u32],
    how: &How<'_>,
    make: impl Fn() -> V + Sync,
) -> Ended<V> {
    match problem {
        AnyProblem::Narrow(problem) => run_lanes(problem, thresholds, start, how, make),
        AnyProblem::Wide(problem) => run_lanes(problem, thresholds, start, how, make),
    }
}

fn run_lanes<L: Lane, V: Visit>(
    problem: &Problem<L>,
    thresholds: &Thresholds,
    start: &[u32],
    how: &How<'_>,
    make: impl Fn() -> V + Sync,
) -> Ended<V> {
    let (root, nulls) = Frame::start(problem, start, how.switches.nulls);
    let path = Path { chosen: start.to_vec(), nulls };
    let n_workers = how.control.threads.get();
    let shared = Shared {
        how: *how,
        queue: Mutex::new(Queue { tasks: Vec::new(), busy: n_workers, waiting: 0 }),
        woken: Condvar::new(),
        hungry: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        looked_at: AtomicU64::new(0),
        bytes: AtomicUsize::new(problem.bytes()),
        lanes_of_all_rows: problem.rows.len(),
    };
    let mut first = make();
    // The start itself, and the sets that nulls alone make of it, belong to no node.
    first.begin(&path);
    let least = usize::from(start.is_empty());
    let fits = |&joined: &usize| root.errors <= thresholds.at(start.len() + joined);
    if let Some(most) = (least..=path.nulls.len()).take_while(fits).last() {
        first.pool(&path, least, most, root.errors);
    }
    first.end(&path);
    shared.queue.lock().unwrap_or_else(PoisonError::into_inner).tasks.push(Task {
        frame: root,
        path,
        range: None,
    });
    let level = how.level.or_lower();
    let work = |visit: V| {
        let _bell = Bell(&shared);
        let mut search = Search::new(problem, &shared, thresholds.clone(), how.switches, visit);
        while let Some(task) = shared.next() {
            search.part(task, level);
        }
        (search.visit, search.nodes, search.open, search.stopped)
    };
    let (work, make) = (&work, &make);
    let is_shallow = thresholds.max_size <= SHALLOW;
    let ended: Vec<_> =
        if n_workers == 1 && is_shallow { vec![work(first)] } else { threads(n_workers, first, make, work) };
    let mut open = Open::default();
    let (mut visitors, mut nodes, mut stopped) = (Vec::new(), 0, false);
    for (visit, n, left, early) in ended {
        visitors.push(visit);
        nodes += n;
        open.merge(&left);
        stopped |= early;
    }
    let looked_at = shared.looked_at.load(Ordering::Relaxed);
    let queue = shared.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    for task in queue.tasks {
        stopped = true;
        let range = task.range.unwrap_or(0..task.frame.order.len());
        let mut frame = task.frame;
        if frame.sums.is_empty() {
            frame.sort(&mut Vec::new());
        }
        add_open(&mut open, &frame, range, thresholds);
    }
    Ended {
        visitors,
        nodes,
        children: looked_at,
        open: Some(open).filter(|open| stopped && !open.least_errors.is_empty()),
    }
}

/// One thread a visitor.
fn threads<V: Send, T: Send>(
    n: usize,
    first: V,
    make: &(impl Fn() -> V + Sync),
    work: &(impl Fn(V) -> T + Sync),
) -> Vec<T> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = std::iter::once(first)
            .chain((1..n).map(|_| make()))
            .map(|visit| {
                let builder = std::thread::Builder::new().stack_size(STACK);
                // As `thread::spawn` does: without a thread there is no result.
                let spawned = builder.spawn_scoped(scope, move || work(visit));
                spawned.unwrap_or_else(|error| std::panic::resume_unwind(Box::new(error.to_string())))
            })
            .collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, T>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    })
}
