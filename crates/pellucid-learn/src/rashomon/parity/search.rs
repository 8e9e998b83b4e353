//! Which sets of a cell are within? Depth first over the free rules, in one order; pivots follow.
//!
//! `defect` holds the rows that are off: z ^ b. A step to free rule j is four operations on words: the defect changes by
//! a column, rows that are determined from here on and off need their pivots, and the rest stays off. A node without
//! any further free rule is completed by the pivots of all rows that are off.

use super::node::{Ground, Node, Top};
use super::reduce::Reduced;
use crate::Searching;
use crate::search::Lane;

/// How often the caller is asked whether to stop, in children.
const PATIENCE: u64 = 1 << 12;

struct Frame<L> {
    node: Node<L>,
    top: Top,
    defect: u128,
    /// Children are the free rules of the places from `at` to before `next`, from the last down.
    at: usize,
    next: usize,
    /// Rules that were chosen above.
    above: usize,
}

struct Search<'s, L> {
    ground: &'s Ground<'s, L>,
    reduced: &'s Reduced,
    has_empty: bool,
    most: usize,
    chosen: Vec<u32>,
    sets: Vec<Vec<u32>>,
    scratch: Top,
}

/// The sets of a cell, `most` + 1 where there are more than `most`; `None` when stopped.
pub(super) fn search<L: Lane, const LEVEL: u8>(
    ground: &Ground<'_, L>,
    reduced: &Reduced,
    has_empty: bool,
    most: usize,
    searching: &Searching<'_>,
) -> Option<Vec<Vec<u32>>> {
    let mut search = Search {
        ground,
        reduced,
        has_empty,
        most,
        chosen: Vec::new(),
        sets: Vec::new(),
        scratch: Top::default(),
    };
    let watch = searching.control.watch;
    let (mut looked_at, mut untold) = (0_u64, 0_u64);
    let root = ground.root();
    let mut frames = vec![Frame::new(&root)];
    // Rows of no free rule at all are determined before the first.
    let need = reduced.determined[0] & reduced.right;
    let mut depth =
        usize::from(search.enter::<LEVEL>(&root, &mut frames[0], None, need, reduced.right ^ need, 0));
    while depth > 0 && search.sets.len() <= most {
        untold += 1;
        if untold == PATIENCE {
            looked_at += untold;
            untold = 0;
            watch.advance(PATIENCE as usize);
            if watch.should_stop() || searching.most_nodes.is_some_and(|most| looked_at >= most) {
                return None;
            }
        }
        let frame = &mut frames[depth - 1];
        if frame.next == frame.at {
            search.chosen.truncate(frame.above);
            depth -= 1;
            continue;
        }
        frame.next -= 1;
        let place = frame.next;
        let Some((need, rest)) = search.child(frame, place) else { continue };
        if frames.len() == depth {
            frames.push(Frame::new(&root));
        }
        let (parents, children) = frames.split_at_mut(depth);
        let rule = Some(reduced.free[place]);
        let node = &parents[depth - 1].node;
        depth += usize::from(search.enter::<LEVEL>(node, &mut children[0], rule, need, rest, place + 1));
    }
    Some(search.sets)
}

impl<L: Lane> Frame<L> {
    fn new(root: &Node<L>) -> Self {
        Self { node: root.clone(), top: Top::default(), defect: 0, at: 0, next: 0, above: 0 }
    }
}

impl<L: Lane> Search<'_, L> {
    /// Looks at a child without making it a node; answers with the rows whose pivots it needs and those that stay off
    /// where it has to become one.
    #[inline]
    fn child(&mut self, frame: &mut Frame<L>, place: usize) -> Option<(u128, u128)> {
        let (ground, reduced) = (self.ground, self.reduced);
        let rule = reduced.free[place];
        let node = &frame.node;
        let (delta, gain) = (node.deltas[rule as usize].wide(), node.gains[rule as usize].wide());
        let (errors, size) = (node.errors + delta, node.size + 1);
        let room = frame.top.room(ground.thresholds, errors, size, node.left - gain);
        frame.top.insert(gain);
        let room = room?;
        let defect = frame.defect ^ reduced.columns[place];
        let need = reduced.determined[place + 1] & defect;
        let rest = defect ^ need;
        let spare = room.checked_sub(need.count_ones() as usize)?;
        match spare {
            0 if rest != 0 => None,
            1 if rest.count_ones() > 1 && reduced.places(rest, place + 1).next().is_none() => None,
            0 | 1 if need == 0 => {
                self.close(node, Some(rule), errors, spare, rest, place + 1);
                None
            }
            _ => Some((need, rest)),
        }
    }

    /// Makes a node of a child, its pivots with it, and tells what it completes to; answers whether it has children.
    fn enter<const LEVEL: u8>(
        &mut self,
        from: &Node<L>,
        frame: &mut Frame<L>,
        rule: Option<u32>,
        need: u128,
        rest: u128,
        at: usize,
    ) -> bool {
        let (ground, reduced) = (self.ground, self.reduced);
        let above = self.chosen.len();
        self.chosen.extend(rule);
        self.chosen.extend(reduced.pivots_of(need));
        ground.join::<LEVEL>(from, &self.chosen[above..], &mut frame.node);
        let node = &frame.node;
        let most = ground.thresholds.max_size.saturating_sub(node.size);
        frame.top.clear(most);
        for pivot in reduced.pivots_of(reduced.used & !reduced.determined[at]) {
            frame.top.insert(node.gains[pivot as usize].wide());
        }
        self.scratch.clone_from(&frame.top);
        reduced.free[at..].iter().for_each(|&rule| self.scratch.insert(node.gains[rule as usize].wide()));
        let room = self.scratch.room(ground.thresholds, node.errors, node.size, node.left);
        let goes_on = match room {
            None => false,
            Some(spare @ (0 | 1)) => {
                self.close(node, None, node.errors, spare, rest, at);
                false
            }
            Some(spare) => {
                self.complete(node, rest, spare);
                true
            }
        };
        (frame.defect, frame.at, frame.next, frame.above) = (rest, at, reduced.free.len(), above);
        if !goes_on {
            self.chosen.truncate(above);
        }
        goes_on
    }

    /// Tells the completion without any further free rule, where it is within.
    fn complete(&mut self, node: &Node<L>, rest: u128, room: usize) {
        if rest.count_ones() as usize > room {
            return;
        }
        let pivots: Vec<u32> = self.reduced.pivots_of(rest).collect();
        let errors = self.ground.errors_with(node, &pivots);
        self.tell(&pivots, errors, node.size + pivots.len());
    }

    /// Tells all that is left where at most one more rule may join: nothing, a pivot, or a free rule with the column that
    /// is off. `rule` is one that is not in the node yet; `errors` are with it.
    fn close(
        &mut self,
        node: &Node<L>,
        rule: Option<u32>,
        errors: i64,
        spare: usize,
        rest: u128,
        from: usize,
    ) {
        let (ground, reduced) = (self.ground, self.reduced);
        let size = node.size + usize::from(rule.is_some());
        let with = |more: Option<u32>| rule.into_iter().chain(more).collect::<Vec<u32>>();
        if rest == 0 {
            self.tell(&with(None), errors, size);
        }
        if spare == 0 {
            return;
        }
        let most = ground.thresholds.at(size + 1);
        let pivot = (rest.count_ones() == 1).then(|| reduced.pivots_of(rest)).into_iter().flatten();
        let free = reduced.places(rest, from).map(|place| reduced.free[place]);
        for last in pivot.chain(free) {
            if errors - node.gains[last as usize].wide() > most {
                continue;
            }
            let twice = rule.map_or(0, |rule| ground.overlap(node, rule, last));
            self.tell(&with(Some(last)), errors + node.deltas[last as usize].wide() + twice, size + 1);
            if self.sets.len() > self.most {
                return;
            }
        }
    }

    fn tell(&mut self, more: &[u32], errors: i64, size: usize) {
        let is_within = if size == 0 { self.has_empty } else { errors <= self.ground.thresholds.at(size) };
        if is_within && self.sets.len() <= self.most {
            let mut set = self.chosen.clone();
            set.extend(more);
            set.sort_unstable();
            self.sets.push(set);
        }
    }
}
