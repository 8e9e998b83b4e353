//! Which parts of a tree share one table? Small subtrees, chosen by what they cost.
//!
//! A *unit* is a subtree with one table. Its index has one bit for each distinct feature of the path to
//! it (the row passes all of that feature's splits so far) and one bit for each different question that its splits ask (the
//! row goes to yes). A unit of one leaf is a leaf's own table; larger units save look-ups and cost entries. In a symmetric
//! tree (CatBoost's) all splits of a level ask the same, so that a whole tree is one unit with a bit a level.
//! The best cut of a tree into units follows by dynamic programming from the leaves up. Leaves that are
//! dearer to tabulate than to integrate are left to [`super::quadrature`].

use pellucid_data::NodeId;
use pellucid_models::trees::{Node, Side, Split, Target, Tree};

use super::bins::{Bins, Decision};
use super::columns::Wanted;
use super::costs::Costs;
use super::histogram::Histogram;
use super::paths::{Path, walk};
use super::planes::{self, Line};
use super::quadrature::points_of;
use super::tables::{LeafGame, MAX_BITS, pair_patterns, patterns};

/// Larger subtrees never share a table.
pub(super) const UNIT_BITS: usize = 11;
/// Where a table and an integral are both possible, tables stop here.
const AUTO_BITS: usize = 13;

/// Which kernels the cut may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    Both,
    /// One table for the whole tree, which is symmetric.
    Whole,
    TablesOnly,
    PointsOnly,
}

/// Part of what a node is in the chosen cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// Its subtree is one unit.
    Unit,
    /// Each child chooses for itself.
    Split,
    /// A leaf that is integrated.
    Integrate,
}

/// One step of the pass over a tree. Pattern buffers: 0 at the root, `2 depth + 1` and `2 depth + 2` for
/// the children of a split at that depth.
#[derive(Debug, Clone)]
pub(super) enum Op {
    /// Computes the patterns of both children.
    Split {
        place: u32,
        decision: Decision,
        from: u32,
        yes: u32,
        /// The bit of the feature's slot.
        bit: u16,
        /// Whether the path meets the feature here for the first time.
        fresh: bool,
    },
    /// Looks a unit up.
    Unit(Unit),
}

/// A subtree with one table.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) from: u32,
    /// Its splits, in the order of their bits, from `first_bit` on.
    pub(super) splits: Vec<(u32, Decision)>,
    pub(super) first_bit: u32,
    /// The columns (output × width + column, see [`Wanted`]) that it adds to, ascending.
    pub(super) columns: Vec<u32>,
    pub(super) table: Table,
    /// Each column's largest entry, where tables may be cut into planes: measured while a table is still near.
    pub(super) sizes: Vec<f64>,
}

/// Column after column, `2^bits` entries each.
#[derive(Debug, Clone)]
pub(super) enum Table {
    Plain(Vec<f64>),
    /// Rounded and cut, see [`super::planes`].
    Planes(Vec<Line>),
}

impl Table {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Plain(table) => size_of_val(table.as_slice()),
            Self::Planes(lines) => size_of_val(lines.as_slice()),
        }
    }
}

impl Op {
    /// The unit, if it is one.
    pub(super) fn unit(&self) -> Option<&Unit> {
        if let Self::Unit(unit) = self { Some(unit) } else { None }
    }

    /// The same, to be changed.
    pub(super) fn unit_mut(&mut self) -> Option<&mut Unit> {
        if let Self::Unit(unit) = self { Some(unit) } else { None }
    }
}

impl Unit {
    /// Gives every column with its entries; nothing where they are cut into planes.
    pub(super) fn each_table(&self, mut give: impl FnMut(usize, &[f64])) {
        if let Table::Plain(table) = &self.table {
            let n = table.len() / self.columns.len();
            self.columns
                .iter()
                .zip(table.chunks_exact(n))
                .for_each(|(&column, table)| give(column as usize, table));
        }
    }

    /// The same, measured.
    pub(super) fn measured(mut self) -> Self {
        let mut sizes = Vec::with_capacity(self.columns.len());
        self.each_table(|_, table| sizes.push(planes::largest(table)));
        self.sizes = sizes;
        self
    }

    /// Bits of the index.
    pub(super) fn bits(&self) -> usize {
        self.first_bit as usize + self.splits.len()
    }
}

/// A tree cut into units, and the leaves that are left over.
#[derive(Debug, Clone, Default)]
pub(super) struct Cut {
    pub(super) ops: Vec<Op>,
    /// Nodes of leaves to integrate.
    pub(super) deep: Vec<NodeId>,
    pub(super) n_buffers: usize,
}

/// What a cut is made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aim {
    /// Expected rows.
    pub(super) n_rows: usize,
    pub(super) allowed: Allowed,
    pub(super) wanted: Wanted,
    /// Whether tables are cut into planes afterwards.
    pub(super) in_planes: bool,
    /// Where integrals may take their place, tables of a tree take no more.
    pub(super) most_bytes: usize,
    pub(super) costs: &'static Costs,
}

/// Cuts a tree. In the background game `histograms` are those of its leaves. `None` if only
/// tables are allowed and a path is too long.
pub(super) fn cut(tree: &Tree, bins: &Bins, aim: Aim, histograms: Option<&[Histogram]>) -> Option<Cut> {
    let choices = choose(tree, aim, histograms)?;
    let wanted = aim.wanted;
    let mut cut = Cut { n_buffers: 1, ..Cut::default() };
    let holds_unit = holds_unit(tree, &choices);
    let mut scratch = Vec::new();
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        let from = path
            .steps
            .last()
            .map_or(0, |step| 2 * path.steps.len() as u32 - if step.side == Side::Yes { 1 } else { 0 });
        match (choices[node.index()], &tree.nodes()[node.index()]) {
            // A tree of one leaf attributes nothing.
            (_, Node::Leaf(_)) if path.steps.is_empty() => {}
            (Choice::Integrate, _) => cut.deep.push(node),
            (Choice::Unit, _) => {
                let built = part(tree, node, &mut path.clone(), bins, wanted, histograms, &mut scratch);
                let ask = |split: &Split| (bins.place(split.feature), bins.decision(split, tree));
                let splits = built.questions.iter().map(ask).collect();
                let first_bit = path.slots.len() as u32;
                // One feature alone has no pairs.
                if built.columns.is_empty() {
                    return false;
                }
                let (columns, table) = (built.columns, Table::Plain(built.table));
                let unit = Unit { from, splits, first_bit, columns, table, sizes: Vec::new() };
                let is_small = aim.in_planes && unit.bits() <= planes::MOST_BITS;
                cut.ops.push(Op::Unit(if is_small { unit.measured() } else { unit }));
                return false;
            }
            (Choice::Split, Node::Split(split)) if holds_unit[node.index()] => {
                let yes = 2 * path.steps.len() as u32 + 1;
                cut.n_buffers = cut.n_buffers.max(yes as usize + 2);
                let known = path.slots.iter().position(|slot| slot.feature == split.feature);
                cut.ops.push(Op::Split {
                    place: bins.place(split.feature),
                    decision: bins.decision(split, tree),
                    from,
                    yes,
                    bit: 1 << known.unwrap_or(path.slots.len()),
                    fresh: known.is_none(),
                });
            }
            _ => {}
        }
        true
    });
    Some(cut)
}

/// Whether two splits ask the same.
fn asks_as(one: &Split, other: &Split) -> bool {
    one.feature == other.feature && one.test == other.test && one.missing == other.missing
}

/// Own question first, then those of yes and of no that were not asked before.
fn asked(split: &Split, yes: &[Split], no: &[Split]) -> Vec<Split> {
    let mut all = vec![*split];
    for question in yes.iter().chain(no) {
        if !all.iter().any(|known| asks_as(known, question)) {
            all.push(*question);
        }
    }
    all
}

/// The different questions of each subtree; `None` where they are more than a unit may have.
fn questions(tree: &Tree) -> Vec<Option<Vec<Split>>> {
    let mut all: Vec<Option<Vec<Split>>> = vec![Some(Vec::new()); tree.nodes().len()];
    for (at, node) in tree.nodes().iter().enumerate().rev() {
        if let Node::Split(split) = node {
            let below = all[split.yes.index()].as_ref().zip(all[split.no.index()].as_ref());
            let own = below.map(|(yes, no)| asked(split, yes, no));
            all[at] = own.filter(|own| own.len() <= UNIT_BITS);
        }
    }
    all
}

/// Whether all splits of a level ask the same, all leaves are equally deep, and one unit has bits enough.
pub(super) fn is_symmetric(tree: &Tree) -> bool {
    let levels = tree.depth();
    let mut asked: Vec<Option<Split>> = vec![None; levels];
    let mut depths = vec![0; tree.nodes().len()];
    // Children come after their parents.
    levels <= UNIT_BITS
        && tree.nodes().iter().enumerate().all(|(at, node)| match node {
            Node::Leaf(_) => depths[at] == levels,
            Node::Split(split) => {
                let depth = depths[at];
                (depths[split.yes.index()], depths[split.no.index()]) = (depth + 1, depth + 1);
                asks_as(asked[depth].get_or_insert(*split), split)
            }
        })
}

fn holds_unit(tree: &Tree, choices: &[Choice]) -> Vec<bool> {
    let mut holds: Vec<bool> = choices.iter().map(|&choice| choice == Choice::Unit).collect();
    for (at, node) in tree.nodes().iter().enumerate().rev() {
        if let (Choice::Split, Node::Split(split)) = (choices[at], node) {
            holds[at] = holds[split.yes.index()] || holds[split.no.index()];
        }
    }
    holds
}

/// The cheapest cut: for every node on or above it, what it is.
fn choose(tree: &Tree, aim: Aim, histograms: Option<&[Histogram]>) -> Option<Vec<Choice>> {
    let Aim { allowed, wanted, costs, .. } = aim;
    if allowed == Allowed::Whole {
        return Some(vec![Choice::Unit; tree.nodes().len()]);
    }
    let n_rows = aim.n_rows as f64;
    let nodes = tree.nodes();
    let mut n_splits = vec![0_usize; nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        if let Node::Split(split) = node {
            n_splits[at] = 1 + n_splits[split.yes.index()] + n_splits[split.no.index()];
        }
    }
    let questions = questions(tree);
    let width = if tree.target() == Target::All { tree.leaf_values(0).len() } else { 1 } as f64;
    let mut own = vec![f64::INFINITY; nodes.len()];
    let mut bytes = vec![0.0; nodes.len()];
    let mut integral = vec![f64::INFINITY; nodes.len()];
    let mut too_long = false;
    walk(tree, NodeId(0), &mut Path::default(), |node, path| {
        let at = node.index();
        let n_questions = questions[at].as_ref().map_or(usize::MAX / 2, Vec::len);
        let bits = path.slots.len() + n_questions;
        let is_leaf = n_splits[at] == 0;
        let most = match allowed {
            Allowed::TablesOnly if is_leaf => MAX_BITS,
            Allowed::PointsOnly => 0,
            _ if is_leaf => AUTO_BITS,
            _ => UNIT_BITS,
        };
        if bits <= most && allowed != Allowed::PointsOnly {
            let (cost, entries) = unit_cost(tree, node, path, aim, n_questions, n_splits[at]);
            own[at] = width * cost;
            bytes[at] = width * entries * size_of::<f64>() as f64;
        }
        if is_leaf && allowed != Allowed::TablesOnly {
            integral[at] = match (histograms, &tree.nodes()[at]) {
                (Some(histograms), Node::Leaf(leaf)) => {
                    n_rows * (histograms[*leaf as usize].len() as f64 * costs.pair + path.slots.len() as f64)
                }
                _ => {
                    let d = path.slots.len();
                    let others = if wanted == Wanted::Pairs { d.saturating_sub(1) } else { 0 };
                    let a_point = costs.point + others as f64 * costs.other;
                    // About two edges a leaf.
                    2.0 * width * n_rows * points_of(d, wanted) as f64 * a_point
                }
            };
        }
        too_long |= is_leaf && own[at].is_infinite() && integral[at].is_infinite();
        true
    });
    if too_long {
        return None;
    }
    let a_split = n_rows * costs.split;
    let (mut choices, mut taken, time) = cheapest(tree, a_split, &own, &integral, &bytes, 0.0);
    // Where integrals can take their place, tables that are too large cost more a byte until there are few enough.
    let mut price = time / taken.max(1.0);
    while allowed == Allowed::Both && taken > aim.most_bytes as f64 {
        price *= 4.0;
        (choices, taken, _) = cheapest(tree, a_split, &own, &integral, &bytes, price);
        if price.is_infinite() {
            break;
        }
    }
    Some(choices)
}

/// The cheapest cut for so much a byte of tables: for every node what it is, the bytes of its tables, and what all of it costs.
fn cheapest(
    tree: &Tree,
    a_split: f64,
    own: &[f64],
    integral: &[f64],
    bytes: &[f64],
    price: f64,
) -> (Vec<Choice>, f64, f64) {
    let nodes = tree.nodes();
    let mut best = vec![0.0; nodes.len()];
    let mut taken = vec![0.0; nodes.len()];
    let mut choices = vec![Choice::Split; nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        let (choice, apart, below) = match node {
            Node::Leaf(_) => (Choice::Integrate, integral[at], 0.0),
            Node::Split(split) => {
                let (yes, no) = (split.yes.index(), split.no.index());
                (Choice::Split, best[yes] + best[no] + a_split, taken[yes] + taken[no])
            }
        };
        let unit = own[at] + price * bytes[at];
        (choices[at], best[at], taken[at]) =
            if unit <= apart { (Choice::Unit, unit, bytes[at]) } else { (choice, apart, below) };
    }
    (choices, taken[0], best[0])
}

/// What a unit costs, and how many entries its table has for each output.
fn unit_cost(
    tree: &Tree,
    node: NodeId,
    path: &Path,
    aim: Aim,
    n_questions: usize,
    n_splits: usize,
) -> (f64, f64) {
    let (wanted, n_rows, costs) = (aim.wanted, aim.n_rows as f64, aim.costs);
    let bits = path.slots.len() + n_questions;
    let mut features: Vec<u32> = path.slots.iter().map(|slot| slot.feature.0).collect();
    let mut patterns = 0.0;
    walk(tree, node, &mut path.clone(), |below, path| {
        match &tree.nodes()[below.index()] {
            Node::Split(split) => features.push(split.feature.0),
            Node::Leaf(_) => {
                let d = path.slots.len();
                patterns += (wanted.width(d) << d) as f64;
            }
        }
        true
    });
    features.sort_unstable();
    features.dedup();
    let columns = wanted.width(features.len()) as f64;
    let a_row = columns * costs.look_up[bits.min(costs.look_up.len() - 1)]
        + costs.unit
        + n_questions as f64 * costs.bit;
    let entries = f64::from(1_u32 << bits) * columns;
    let nodes = (1 + 2 * n_splits) as f64;
    let cost = n_rows * a_row + patterns * costs.pattern + entries * costs.entry + nodes * costs.node;
    (cost, entries)
}

/// The table of a subtree: bits of the path first, then of its questions.
struct Part {
    columns: Vec<u32>,
    questions: Vec<Split>,
    table: Vec<f64>,
}

/// Builds the table of a subtree from those of its children: every entry is one sum.
fn part(
    tree: &Tree,
    node: NodeId,
    path: &mut Path,
    bins: &Bins,
    wanted: Wanted,
    histograms: Option<&[Histogram]>,
    scratch: &mut Vec<f64>,
) -> Part {
    match &tree.nodes()[node.index()] {
        Node::Leaf(leaf) => {
            let shares: Vec<f64> = path.slots.iter().map(|slot| slot.share).collect();
            let game = match histograms {
                None => LeafGame::Shares(&shares),
                Some(histograms) => LeafGame::Histogram(shares.len(), &histograms[*leaf as usize]),
            };
            let parts = match wanted {
                Wanted::Values => patterns(&game, scratch),
                Wanted::Pairs => pair_patterns(&game, scratch),
            };
            leaf_part(tree, *leaf, path, bins, wanted, &parts)
        }
        Node::Split(split) => {
            let n_slots = path.slots.len();
            let known = path.slots.iter().position(|slot| slot.feature == split.feature);
            let mut child = |side: Side| {
                path.push(tree, node, side);
                let built = part(tree, split.child(side), path, bins, wanted, histograms, scratch);
                path.pop();
                built
            };
            let (yes, no) = (child(Side::Yes), child(Side::No));
            join(split, n_slots, known, &yes, &no)
        }
    }
}

fn leaf_part(tree: &Tree, leaf: u32, path: &Path, bins: &Bins, wanted: Wanted, parts: &[f64]) -> Part {
    let n = 1_usize << path.slots.len();
    let places: Vec<u32> = path.slots.iter().map(|slot| bins.place(slot.feature)).collect();
    let columns = wanted.of_places(&places, bins.used.len());
    let mut order: Vec<(u32, usize)> =
        columns.into_iter().enumerate().map(|(at, column)| (column, at)).collect();
    order.sort_unstable();
    let width = wanted.width(bins.used.len());
    let outputs: Vec<(usize, f64)> = match tree.target() {
        Target::One(output) => vec![(output.index(), tree.leaf_values(leaf)[0])],
        Target::All => tree.leaf_values(leaf).iter().copied().enumerate().collect(),
    };
    let mut columns = Vec::with_capacity(outputs.len() * order.len());
    let mut table = Vec::with_capacity(columns.capacity() * n);
    for (output, value) in outputs {
        for &(column, at) in &order {
            columns.push((output * width) as u32 + column);
            table.extend(parts[at * n..][..n].iter().map(|part| part * value));
        }
    }
    Part { columns, questions: Vec::new(), table }
}

fn join(split: &Split, n_slots: usize, known: Option<usize>, yes: &Part, no: &Part) -> Part {
    debug_assert!(split.yes != split.no);
    let questions = asked(split, &yes.questions, &no.questions);
    let mut columns: Vec<u32> = yes.columns.iter().chain(&no.columns).copied().collect();
    columns.sort_unstable();
    columns.dedup();
    let n_answers = 1_usize << questions.len();
    let n = n_answers << n_slots;
    let mut table = vec![0.0; columns.len() * n];
    let n_child_slots = n_slots + usize::from(known.is_none());
    for (part, side) in [(yes, Side::Yes), (no, Side::No)] {
        // Where the child's questions stand among all; every one of them is there.
        let place =
            |question: &Split| questions.iter().position(|known| asks_as(known, question)).unwrap_or(0);
        let places: Vec<usize> = part.questions.iter().map(place).collect();
        let inner = |answers: usize| {
            places.iter().enumerate().fold(0, |all, (at, place)| all | (answers >> place & 1) << at)
        };
        let inner: Vec<usize> = (0..n_answers).map(inner).collect();
        let n_child = 1_usize << (n_child_slots + part.questions.len());
        for (at, column) in part.columns.iter().enumerate() {
            let child = &part.table[at * n_child..][..n_child];
            let place = columns.partition_point(|c| c < column);
            let own = &mut table[place * n..][..n];
            for (answers, inner) in inner.iter().enumerate() {
                let child = &child[inner << n_child_slots..][..1 << n_child_slots];
                // The own question has the lowest bit.
                let passes = (answers & 1 == 1) == (side == Side::Yes);
                let entries = &mut own[answers << n_slots..][..1 << n_slots];
                match known {
                    // A new feature: its bit is the highest of the child's path.
                    None => {
                        let half = &child[usize::from(passes) << n_slots..][..1 << n_slots];
                        entries.iter_mut().zip(half).for_each(|(own, child)| *own += child);
                    }
                    Some(_) if passes => {
                        entries.iter_mut().zip(child).for_each(|(own, child)| *own += child);
                    }
                    // A known feature whose split fails here: its bit is cleared.
                    Some(slot) => {
                        entries.iter_mut().enumerate().for_each(|(p, own)| *own += child[p & !(1 << slot)]);
                    }
                }
            }
        }
    }
    Part { columns, questions, table }
}
