//! What do the steps of plans cost on this machine? Times many plans of grown trees and solves for each step.
//!
//! Not a test of anything: `cargo xtask bench costs` runs it and writes `costs.rs`.

use std::fmt::Write as _;
use std::time::Instant;

use pellucid_data::NodeId;
use pellucid_models::trees::node::{SourceKind, SourceNode};
use pellucid_models::trees::{Missing, Node, Side, Target, Test, Tree};

use super::forests::{Rng, ensemble};
use super::*;
use crate::shapley::blocks::Layout;
use crate::shapley::columns::Wanted;
use crate::shapley::compile::{Compiled, compile};
use crate::shapley::costs::Costs;
use crate::shapley::units::{Aim, Allowed, Op};

const ROWS: usize = 4096;
const FEW_ROWS: usize = 256;
const N_TREES: usize = 50;
const REPEATS: usize = 3;
/// Tables of a model are about as many, more than a second-level cache holds.
const TABLE_BYTES: usize = 8 << 20;
/// A look-up this dear is never chosen.
const NEVER: f64 = 1e9;

/// A tree of so many leaves over features with uniform values; the next leaf to split is that with the most weight (times a
/// random factor), or the shallowest.
fn grown(rng: &mut Rng, n_features: usize, n_leaves: usize, by_weight: bool) -> Tree {
    let mut nodes = vec![SourceNode { cover: 1e6, what: SourceKind::Leaf(vec![rng.unit() - 0.5]) }];
    let mut depths = vec![0.0];
    let mut leaves = vec![0_usize];
    while leaves.len() < n_leaves {
        let mut best = (0, f64::NEG_INFINITY);
        for (at, &leaf) in leaves.iter().enumerate() {
            let worth =
                if by_weight { nodes[leaf].cover.ln() + 2.0 * rng.unit() } else { rng.unit() - depths[leaf] };
            best = if worth > best.1 { (at, worth) } else { best };
        }
        let leaf = leaves.swap_remove(best.0);
        let (first, cover) = (nodes.len(), nodes[leaf].cover);
        let share = 0.2 + 0.6 * rng.unit();
        for part in [share, 1.0 - share] {
            leaves.push(nodes.len());
            depths.push(depths[leaf] + 1.0);
            nodes.push(SourceNode { cover: cover * part, what: SourceKind::Leaf(vec![rng.unit() - 0.5]) });
        }
        nodes[leaf].what = SourceKind::Split {
            feature: rng.below(n_features) as i64,
            test: Test::Below(rng.unit()),
            missing: Missing::Goes(Side::Yes),
            yes: first as i64,
            no: first as i64 + 1,
        };
    }
    Tree::build(nodes.len(), n_features, 1, Target::One(OutputId(0)), Vec::new(), |at| {
        Ok(nodes[at as usize].clone())
    })
    .unwrap()
}

fn model_of(rng: &mut Rng, n_trees: usize, n_features: usize, n_leaves: usize, by_weight: bool) -> Ensemble {
    let trees = (0..n_trees).map(|_| grown(rng, n_features, n_leaves, by_weight)).collect();
    ensemble(trees, n_features, vec![0.0])
}

fn rows_of(rng: &mut Rng, model: &Ensemble) -> FeatureMatrix {
    let columns = (0..model.features.len()).map(|_| (0..ROWS).map(|_| rng.unit()).collect()).collect();
    FeatureMatrix::new(columns, ROWS, model.cast).unwrap()
}

/// Nanoseconds of something, and how often each step was taken.
struct Observed {
    counts: Vec<f64>,
    nanoseconds: f64,
}

/// The least time of some runs.
fn time(mut run: impl FnMut()) -> f64 {
    let once = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed().as_nanos() as f64
    };
    (0..REPEATS).map(|_| once(&mut run)).fold(f64::INFINITY, f64::min)
}

const BITS: usize = 14;
/// The largest units that are measured.
const MEASURED_BITS: usize = 11;
/// Unknowns of explaining: the rises of look-ups from bit to bit; unit, bit, split, point, other; a feature and a column.
const STEPS: usize = BITS + 7;

fn observe(model: &Ensemble, rows: &FeatureMatrix, compiled: &Compiled) -> Observed {
    let mut counts = vec![0.0; STEPS];
    for tree in &compiled.trees {
        for op in &tree.ops {
            match op {
                Op::Unit(unit) => {
                    counts[..=unit.bits().min(BITS - 1)]
                        .iter_mut()
                        .for_each(|n| *n += unit.columns.len() as f64);
                    counts[BITS] += 1.0;
                    counts[BITS + 1] += unit.splits.len() as f64;
                }
                Op::Split { .. } => counts[BITS + 2] += 1.0,
            }
        }
        for walk in &tree.deep {
            let (points, others) = walk.counts();
            counts[BITS + 3] += points as f64;
            counts[BITS + 4] += others as f64;
        }
    }
    counts[BITS + 5] = compiled.bins.used.len() as f64;
    counts[BITS + 6] = compiled.width as f64;
    counts.iter_mut().for_each(|n| *n *= rows.n_rows() as f64);
    let layout = Layout { places: (0..compiled.width).collect(), n: compiled.width, with_margins: false };
    let run = || drop(blocks::run(model, compiled, &layout, rows, &Control::quiet()));
    Observed { counts, nanoseconds: time(run) }
}

/// Numbers, none below zero, with which the times come out as nearly as can be, each relative to itself.
fn solve(all: &[Observed]) -> Vec<f64> {
    let n = all[0].counts.len();
    let rows: Vec<Vec<f64>> =
        all.iter().map(|one| one.counts.iter().map(|count| count / one.nanoseconds).collect()).collect();
    let mut found = vec![0.0; n];
    let mut off = vec![-1.0; rows.len()];
    for _ in 0..20_000 {
        for at in 0..n {
            let size: f64 = rows.iter().map(|row| row[at] * row[at]).sum();
            if size == 0.0 {
                continue;
            }
            let slope: f64 = rows.iter().zip(&off).map(|(row, off)| row[at] * off).sum();
            let next = f64::max(0.0, found[at] - slope / size);
            let step = next - found[at];
            found[at] = next;
            off.iter_mut().zip(&rows).for_each(|(off, row)| *off += step * row[at]);
        }
    }
    let mut sizes: Vec<f64> = off.iter().map(|off| off.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    println!(
        "  off by {:.0} % at the median, {:.0} % at most",
        100.0 * sizes[sizes.len() / 2],
        100.0 * sizes[sizes.len() - 1]
    );
    found
}

/// Costs that allow units of so many bits only.
fn up_to(costs: &Costs, bits: usize) -> &'static Costs {
    let mut own = *costs;
    own.look_up.iter_mut().skip(bits + 1).for_each(|cost| *cost = NEVER);
    Box::leak(Box::new(own))
}

fn measured(level: Level, in_planes: bool) -> Costs {
    println!("{level:?}, in planes: {in_planes}");
    let known = Costs::of(level, in_planes);
    let mut rng = Rng(20_261_126);
    let (mut explained, mut planned) = (Vec::new(), Vec::new());
    let control = Control::quiet();
    let made = |model: &Ensemble, wanted, allowed, costs| {
        let aim = Aim { n_rows: ROWS, allowed, wanted, in_planes, most_bytes: usize::MAX, costs };
        compile(model, None, ("path-dependent", aim, level), &control).unwrap().0
    };
    // Trees that are one unit each: what a look-up, a unit and a bit take, apart.
    for n_features in [1, 3, 20] {
        for bits in 1..=MEASURED_BITS {
            let bytes = n_features.min(bits) << (bits + 3);
            let n_trees = (TABLE_BYTES / bytes).clamp(N_TREES, 8 * N_TREES);
            let model = model_of(&mut rng, n_trees, n_features, bits + 1, false);
            let compiled = made(&model, Wanted::Values, Allowed::Whole, known);
            explained.push(observe(&model, &rows_of(&mut rng, &model), &compiled));
        }
    }
    for (n_features, n_leaves, by_weight) in [
        (14, 16, false),
        (14, 64, false),
        (14, 256, false),
        (14, 31, true),
        (14, 255, true),
        (100, 64, false),
        (40, 31, true),
    ] {
        let model = model_of(&mut rng, N_TREES, n_features, n_leaves, by_weight);
        let rows = rows_of(&mut rng, &model);
        for bits in [4, 6, 7, 8, 9, 11] {
            let costs = up_to(known, bits);
            let compiled = made(&model, Wanted::Values, Allowed::Both, costs);
            explained.push(observe(&model, &rows, &compiled));
            if n_leaves <= 64 {
                let mut tables = None;
                let nanoseconds =
                    time(|| tables = Some(made(&model, Wanted::Values, Allowed::TablesOnly, costs)));
                planned.push(Observed { counts: parts_of_tables(&model, &tables.unwrap()), nanoseconds });
            }
        }
        let few = rows.slice(0..FEW_ROWS);
        let points = made(&model, Wanted::Values, Allowed::PointsOnly, known);
        explained.push(observe(&model, &few, &points));
        if n_features < 50 {
            let pairs = made(&model, Wanted::Pairs, Allowed::PointsOnly, known);
            explained.push(observe(&model, &few, &pairs));
        }
    }
    let pair = pair(&mut rng, known, level, in_planes);
    let steps = solve(&explained);
    let parts = solve(&planned);
    let mut look_up = [0.0; BITS];
    let mut sum = 0.0;
    for (own, rise) in look_up.iter_mut().zip(&steps) {
        sum += rise;
        *own = sum;
    }
    // Of tables so large a leaf alone has one. A bit more is twice the table, of which less is near.
    for bits in MEASURED_BITS + 1..BITS {
        look_up[bits] = 1.4 * look_up[bits - 1];
    }
    let [unit, bit, split, point, other] = [0, 1, 2, 3, 4].map(|at| steps[BITS + at]);
    Costs {
        look_up,
        unit,
        bit,
        split,
        point,
        other,
        pair,
        pattern: parts[0],
        entry: parts[1],
        node: parts[2],
    }
}

/// One pattern of the background at one leaf for one row.
fn pair(rng: &mut Rng, known: &'static Costs, level: Level, in_planes: bool) -> f64 {
    let model = model_of(rng, N_TREES, 14, 255, true);
    let (rows, control) = (rows_of(rng, &model), Control::quiet());
    let (own, others) = (rows.slice(0..FEW_ROWS), rows.slice(FEW_ROWS..2 * FEW_ROWS));
    let background = Background::new(others, None).unwrap();
    let aim = Aim {
        n_rows: FEW_ROWS,
        allowed: Allowed::PointsOnly,
        wanted: Wanted::Values,
        in_planes,
        most_bytes: usize::MAX,
        costs: known,
    };
    let compiled = compile(&model, Some(&background), ("background", aim, level), &control).unwrap().0;
    let leaves = compiled.trees.iter().flat_map(|tree| &tree.by_pattern);
    let n: usize = leaves.map(|leaf| leaf.n_patterns()).sum();
    let Observed { nanoseconds, .. } = observe(&model, &own, &compiled);
    nanoseconds / (FEW_ROWS * n) as f64
}

/// Patterns, entries and nodes, and trees, of a model that is all tables.
fn parts_of_tables(model: &Ensemble, compiled: &Compiled) -> Vec<f64> {
    let mut counts = vec![0.0; 4];
    for (tree, plan) in model.trees.iter().zip(&compiled.trees) {
        paths::walk(tree, NodeId(0), &mut paths::Path::default(), |node, path| {
            if let Node::Leaf(_) = tree.nodes()[node.index()] {
                counts[0] += (path.slots.len() << path.slots.len()) as f64;
            }
            true
        });
        for unit in plan.ops.iter().filter_map(Op::unit) {
            counts[1] += (unit.columns.len() << unit.bits()) as f64;
            counts[2] += (1 + 2 * unit.splits.len()) as f64;
        }
        counts[3] += 1.0;
    }
    counts
}

#[test]
#[ignore = "a measurement, run by `cargo xtask bench costs`"]
fn costs_are_measured() {
    let mut text = String::new();
    let all = [
        ("IN_PLANES", Level::Avx512, true),
        ("AVX512", Level::Avx512, false),
        ("AVX2", Level::Avx2, false),
        ("PORTABLE", Level::Portable, false),
    ];
    for (name, level, in_planes) in all {
        assert_eq!(level.or_lower(), level, "this machine has not the instructions to measure");
        let costs = measured(level, in_planes);
        let line =
            |text: &mut String, name: &str, cost: f64| writeln!(text, "    {name}: {cost:.3},").unwrap();
        let list: Vec<String> = costs.look_up.iter().map(|cost| format!("{cost:.3}")).collect();
        write!(text, "\nconst {name}: Costs = Costs {{\n    look_up: [{}],\n", list.join(", ")).unwrap();
        for (name, cost) in [
            ("unit", costs.unit),
            ("bit", costs.bit),
            ("split", costs.split),
            ("point", costs.point),
            ("other", costs.other),
            ("pair", costs.pair),
            ("pattern", costs.pattern),
            ("entry", costs.entry),
            ("node", costs.node),
        ] {
            line(&mut text, name, cost);
        }
        text.push_str("};\n");
    }
    println!("{text}");
    let file = std::env::var("CARGO_MANIFEST_DIR").unwrap() + "/src/shapley/costs.rs";
    let source = fs_err::read_to_string(&file).unwrap();
    let mark = "// From here on written by the measurement.\n";
    let (kept, _) = source.split_once(mark).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        fs_err::write(file, format!("{kept}{mark}// On: {}\n{text}", processor())).unwrap();
    }
}

/// What the machine calls its processor, without the kind's name where that says nothing.
fn processor() -> String {
    let text = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let of = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim()).to_owned()
    };
    format!("{}, family {} model {}", of("model name"), of("cpu family"), of("model\t"))
}
