//! Pictures of rule sets and of sets of good models, from usual and from hard cases.

use crate::View;
use crate::disagreement::Disagreement;
use crate::fairness_scatter::{FairPoint, FairnessScatter};
use crate::gap_curve::{GapCurve, Known};
use crate::importance_ranges::{ImportanceRanges, Reliance};
use crate::number::{digits, hundredths};
use crate::rashomon_map::{MapCell, RashomonMap};
use crate::render::scene::Mark;
use crate::rule_table::{RuleRow, RuleTable};
use crate::use_matrix::{UseMatrix, UseRow};

const SUBTITLE: &str = "adult, 48\u{202f}842 rows · all rule sets up to 5 rules · exact";
const HARD: [&str; 6] = [
    "age",
    "number of days since the last payment was received, over all accounts of the household",
    "",
    "Ärger & <b>Ehre</b> \"quoted\"",
    "國籍 😀",
    "capital-gain",
];

/// Numbers from 0 to 1 that look random and are the same every time.
fn shares(n: usize) -> Vec<f64> {
    let mut state = 29_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    (0..n).map(|_| next()).collect()
}

fn rule(conditions: &[&str], covered: f64, precision: f64, only: f64) -> RuleRow {
    let wide = if covered > 0.0 { 0.8 / covered.sqrt() } else { 1.0 };
    RuleRow {
        conditions: conditions.iter().map(|&text| text.to_owned()).collect(),
        covered,
        positives: (covered * precision).round(),
        precision,
        precision_interval: [(precision - wide).max(0.0), (precision + wide).min(1.0)],
        only_here: only,
    }
}

pub(super) fn rule_table(target: &str, rules: Vec<RuleRow>) -> RuleTable {
    RuleTable {
        title: format!("{} rules find 2 of 3 of those with a high income", rules.len()),
        subtitle: SUBTITLE.to_owned(),
        target: format!("{target} = >50K"),
        default: format!("{target} = <=50K"),
        rules,
        total: 48_842.0,
        base_rate: 0.239,
        confusion: [[34_950.0, 2_205.0], [3_880.0, 7_807.0]],
    }
}

pub(super) fn usual_rules() -> Vec<RuleRow> {
    let education = "education: Bachelors, Masters, Prof-school or Doctorate";
    vec![
        rule(&["married: yes", education, "hours-per-week: >35"], 6_204.0, 0.762, 4_417.0),
        rule(&["capital-gain: >6 849"], 2_350.0, 0.956, 960.0),
        rule(
            &["married: yes", "age: 36–60", "occupation: Exec-managerial", "hours-per-week: >45"],
            1_458.0,
            0.711,
            388.0,
        ),
        rule(&["capital-loss: 1 820–1 980"], 610.0, 0.934, 205.0),
        rule(&["age: 18–20", "priors: >3"], 12.0, 0.583, 9.0),
    ]
}

/// Cells under a bound, of so many losses.
pub(super) fn map(n_losses: usize, sizes: usize, most: f64, total: &str) -> RashomonMap {
    let theta = 0.24;
    let lambda = 0.06 / sizes.max(6) as f64;
    let mut cells = Vec::new();
    for size in 0..=sizes {
        let share = size as f64 / sizes.max(1) as f64;
        for at in 0..n_losses {
            let loss = 0.16 + 0.08 * at as f64 / n_losses as f64;
            let least = 0.16 + 0.05 * (1.0 - share).powi(2);
            if (loss + lambda * size as f64 <= theta && loss >= least) || sizes == 0 {
                let many = (0.2 + 0.8 * share) * (0.2 + 12.0 * (loss - 0.16)).min(1.0);
                cells.push(MapCell { size, loss, count: most.powf(many).round() });
            }
        }
    }
    let best = cells
        .iter()
        .min_by(|a, b| (a.loss + lambda * a.size as f64).total_cmp(&(b.loss + lambda * b.size as f64)));
    RashomonMap {
        title: format!("{} rule sets are within 2/5 of the best", digits(total)),
        subtitle: SUBTITLE.to_owned(),
        best: best.map(|best| (best.size, best.loss)),
        cells,
        total: total.to_owned(),
        lambda,
        theta,
        exact: true,
        interval: None,
        is_certain: false,
    }
}

pub(super) fn matrix(names: &[&str], columns: usize, top: usize) -> UseMatrix {
    let all = shares(names.len() * columns);
    let row = |(at, name): (usize, &&str)| {
        let share = |column: usize| {
            let x = all[at * columns + column];
            (column != 2 || columns < 4)
                .then_some((x * 1.6 / (1.0 + at as f64 * 0.4)).clamp(0.0, 1.0).powi(2))
        };
        let shares: Vec<Option<f64>> = (0..columns).map(share).collect();
        let overall = shares.iter().flatten().sum::<f64>() / columns.max(1) as f64;
        UseRow { name: (*name).to_owned(), shares, overall }
    };
    UseMatrix {
        title: "Nearly every good rule set uses age".to_owned(),
        subtitle: SUBTITLE.to_owned(),
        columns: (1..=columns).map(|n| format!("{n} rule{}", if n == 1 { "" } else { "s" })).collect(),
        rows: names.iter().enumerate().map(row).collect(),
        top,
        noun: ["feature", "features"],
    }
}

pub(super) fn ranges(names: &[&str], scale: f64, exact: bool) -> ImportanceRanges {
    let all = shares(names.len() * 3);
    let feature = |(at, name): (usize, &&str)| {
        let x = &all[at * 3..];
        let high = (1.0 - 0.09 * at as f64).max(0.05) * (0.7 + 0.3 * x[0]) * scale;
        let low = if at < 2 { high * 0.35 } else { -0.04 * x[1] * scale };
        let (low, high) = if at == 4 { (0.0, 0.0) } else { (low, high) };
        let best = low + (high - low) * x[2];
        Reliance { name: (*name).to_owned(), low, high, best, median: exact.then_some(low.midpoint(high)) }
    };
    ImportanceRanges {
        title: "2 features are needed by every good model".to_owned(),
        subtitle: SUBTITLE.to_owned(),
        features: names.iter().enumerate().map(feature).collect(),
        unit: "rise in error rate when the feature is permuted".to_owned(),
        n_models: "1203448".to_owned(),
        exact,
        top: 12,
    }
}

pub(super) fn disagreement(bins: usize, scale: f64) -> Disagreement {
    let bin = |at: usize| {
        let x = (at as f64 + 0.5) / bins as f64;
        ((900.0 * (-6.0 * x).exp() + 120.0 + 300.0 * (-6.0 * (1.0 - x)).exp()) * scale).round()
    };
    Disagreement {
        title: "The good models disagree on 1 row in 14".to_owned(),
        subtitle: SUBTITLE.to_owned(),
        bins: (0..bins).map(bin).collect(),
        all_zero: (36_000.0 * scale).round(),
        all_one: (5_100.0 * scale).round(),
        ambiguity: 0.0715,
        discrepancy: 0.041,
    }
}

pub(super) fn fairness(n: usize, metric: &str, spread: f64) -> FairnessScatter {
    let all = shares(n * 3);
    let point = |at: usize| {
        let x = &all[at * 3..];
        let value = (-0.11 + 0.09 * (x[0] + x[1] - 1.0)) * spread;
        let error = 0.17 + 0.025 * x[2] + 0.6 * (value / spread + 0.13).powi(2);
        FairPoint { error, value, count: (1.0 / (1e-4 + x[2])).round(), is_best: false }
    };
    let mut points: Vec<FairPoint> = (0..n).map(point).collect();
    if let Some(best) = points.iter_mut().min_by(|a, b| a.error.total_cmp(&b.error)) {
        best.is_best = true;
    }
    FairnessScatter {
        title: "The fairest good rule set costs 0.4 points of error".to_owned(),
        subtitle: SUBTITLE.to_owned(),
        metric: metric.to_owned(),
        of: points.iter().map(|point| point.count).sum(),
        points,
        low: -0.21 * spread,
        high: -0.012 * spread,
        exact: n != 1,
    }
}

const METRIC: &str = "statistical parity difference, Male − Female";

/// Every picture, from what is usual.
/// Seconds, bound and best by moment.
pub(super) fn curve(moments: &[(f64, f64, Option<f64>)]) -> GapCurve {
    let known = |&(seconds, lower, upper): &(f64, f64, Option<f64>)| Known {
        seconds,
        lower,
        upper,
        nodes: (seconds * 9e4) as u64,
    };
    GapCurve {
        about: "income = >50K".to_owned(),
        subtitle: SUBTITLE.to_owned(),
        is_proven: moments.last().is_some_and(|last| last.2 == Some(last.1)),
        trail: moments.iter().map(known).collect(),
    }
}

pub(super) fn usual() -> Vec<(&'static str, Box<dyn View>)> {
    let names = ["age", "education", "married", "capital-gain", "race", "hours-per-week", "occupation"];
    vec![
        ("rule table", Box::new(rule_table("income", usual_rules()))),
        ("map", Box::new(map(30, 6, 2e6, "24918230"))),
        ("use matrix", Box::new(matrix(&names, 5, 5))),
        ("importance ranges", Box::new(ranges(&names, 0.1, true))),
        ("disagreement", Box::new(disagreement(10, 1.0))),
        ("fairness scatter", Box::new(fairness(400, METRIC, 1.0))),
        (
            "gap curve",
            Box::new(curve(&[(0.01, 0.12, None), (0.4, 0.19, Some(0.22)), (3.5, 0.206, Some(0.206))])),
        ),
    ]
}

/// Every picture, from what is hard to draw.
pub(super) fn hard() -> Vec<(String, Box<dyn View>)> {
    let many: Vec<String> = (0..40).map(|at| format!("feature number {at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = rule(&HARD, 3e9, 0.5, 0.0);
    let none = RuleRow { precision: 0.0, precision_interval: [0.0, 1.0], ..rule(&[], 0.0, 0.0, 0.0) };
    let weighted = RuleTable {
        total: 1234.567,
        base_rate: 1.0,
        confusion: [[0.25, 1e9], [0.5, 1e-3]],
        ..rule_table(HARD[1], vec![rule(&["x"], 0.125, 1.0, 0.125), rule(&["y"], 1e-6, 0.999_99, 0.0)])
    };
    let empty = RashomonMap { cells: Vec::new(), best: None, total: "0".to_owned(), ..map(0, 0, 1.0, "0") };
    let huge = "9".repeat(60);
    let estimated = RashomonMap {
        exact: false,
        interval: Some(["120".to_owned(), "1".repeat(58)]),
        lambda: 0.0,
        ..map(50, 20, 1e58, &huge)
    };
    let columns = HARD.map(str::to_owned).to_vec();
    let no_columns = UseMatrix { columns: Vec::new(), ..matrix(&HARD, 0, 9) };
    let unanimous = Disagreement { all_one: 0.0, bins: vec![0.0; 10], ..disagreement(10, 1.0) };
    let all_disputed = Disagreement { all_one: 0.0, all_zero: 0.0, ..disagreement(200, 1.0) };
    let mut unknown = fairness(60, HARD[1], 1e-7);
    unknown.points.iter_mut().step_by(2).for_each(|point| point.value = f64::NAN);
    let point = FairnessScatter { low: 0.0, high: 0.0, ..fairness(1, "", 0.0) };
    let views: Vec<(&str, Box<dyn View>)> = vec![
        ("rules, hard names", Box::new(rule_table(HARD[1], vec![long, none.clone()]))),
        ("rules, weighted", Box::new(weighted)),
        ("rules, none", Box::new(rule_table("income", Vec::new()))),
        ("rules, many", Box::new(rule_table("", vec![rule(&["a: 1", "b: 2"], 40.0, 0.7, 3.0); 30]))),
        ("map, empty", Box::new(empty)),
        ("map, one cell", Box::new(map(1, 0, 1.0, "1"))),
        ("map, three sizes", Box::new(map(8, 2, 40.0, "97"))),
        ("map, huge", Box::new(map(5_000, 9, 1e58, &huge))),
        ("map, many sizes", Box::new(map(40, 300, 1e9, "12"))),
        ("map, stopped", Box::new(RashomonMap { is_certain: true, ..estimated.clone() })),
        ("map, estimated", Box::new(estimated)),
        ("matrix, hard names", Box::new(UseMatrix { columns, ..matrix(&HARD, 6, 9) })),
        ("matrix, many", Box::new(matrix(&many, 60, 12))),
        ("matrix, one feature", Box::new(matrix(&["only"], 1, 12))),
        ("matrix, nothing", Box::new(no_columns)),
        ("ranges, hard names", Box::new(ranges(&HARD, 3e-8, false))),
        ("ranges, large", Box::new(ranges(&HARD, 4e9, true))),
        ("ranges, many", Box::new(ranges(&many, 1.0, true))),
        ("ranges, one", Box::new(ranges(&["only"], 1.0, true))),
        ("ranges, none", Box::new(ranges(&[], 1.0, true))),
        ("disagreement, none", Box::new(unanimous)),
        ("disagreement, all", Box::new(all_disputed)),
        ("disagreement, large", Box::new(disagreement(10, 3e8))),
        ("disagreement, no rows", Box::new(disagreement(0, 0.0))),
        ("curve, one moment", Box::new(curve(&[(0.0, 0.2, Some(0.2))]))),
        ("curve, no set", Box::new(curve(&[(1e-4, 0.0, None), (86_400.0, 1e-9, None)]))),
        ("curve, nothing", Box::new(curve(&[]))),
        ("fairness, binned", Box::new(fairness(20_000, METRIC, 1.0))),
        ("fairness, small", Box::new(unknown)),
        ("fairness, one", Box::new(point)),
        ("fairness, none", Box::new(fairness(0, METRIC, 1.0))),
    ];
    views.into_iter().map(|(name, view)| (name.to_owned(), view)).collect()
}

#[test]
fn terminals_show_pictures_of_sets() {
    let all = usual().into_iter().fold(String::new(), |all, (name, view)| {
        let text = view.text(80);
        let drawn = text.lines().filter(|l| l.contains(['█', '▓', '░', '▏', '━', '●']) && !l.contains('.'));
        let longest = drawn.map(crate::render::text::width).max();
        assert!(longest.unwrap_or(0) <= 80, "{name}: a line of {longest:?} letters");
        all + &format!("---- {name}\n{text}\n")
    });
    insta::assert_snapshot!(all);
}

#[test]
fn every_picture_of_sets_has_its_subtitle_a_sentence_and_a_table() {
    for (name, view) in hard().into_iter().chain(usual().into_iter().map(|(n, v)| (n.to_owned(), v))) {
        let scene = view.scene(1600.0);
        let said: Vec<&str> = super::texts(&scene).into_iter().map(|(_, text)| text).collect();
        assert!(said.join(" ").contains(SUBTITLE), "{name}");
        assert!(view.text(60).contains(SUBTITLE) && !view.sentence().is_empty(), "{name}");
        let (names, rows) = view.table();
        assert!(rows.iter().all(|row| row.len() == names.len()), "{name}");
    }
}

#[test]
fn a_rule_is_whole_on_hover_however_long_it_is() {
    let rules = vec![rule(&HARD, 10.0, 0.5, 1.0)];
    let scene = rule_table("income", rules).scene(380.0);
    let whole = HARD.join(" and ");
    let found = scene.marks.iter().any(|mark| matches!(mark, Mark::Text { title, .. } if *title == whole));
    assert!(found);
}

#[test]
fn a_map_of_many_losses_is_binned_and_says_so() {
    let cells = |map: &RashomonMap| {
        let scene = map.scene(860.0);
        scene
            .marks
            .iter()
            .filter(|mark| matches!(mark, Mark::Rect { title, .. } if title.contains("loss")))
            .count()
    };
    let (few, many) = (map(30, 6, 2e6, "5"), map(5_000, 6, 2e6, "5"));
    assert_eq!(cells(&few), few.cells.len());
    assert!(cells(&many) <= 7 * 44 && many.cells.len() > 5_000);
    assert!(!few.text(80).contains("binned") && many.text(80).contains("binned by loss"));
    let drawn: f64 = many.table().1.len() as f64;
    assert!(drawn < 12.0);
}

#[test]
fn what_is_estimated_says_so_with_its_interval() {
    let stopped = RashomonMap {
        exact: false,
        is_certain: true,
        interval: Some(["97", "120"].map(str::to_owned)),
        ..map(3, 2, 9.0, "97")
    };
    assert!(
        stopped.sentence().contains("between 97 and 120 rule sets in all; the search was stopped"),
        "{}",
        stopped.sentence()
    );
    let interval = Some(["10".to_owned(), "4000".to_owned()]);
    let said = RashomonMap { exact: false, interval, ..map(9, 3, 10.0, "97") }.text(80);
    assert!(said.contains("97 rule sets in all, estimated, 95 % interval 10 to 4000"), "{said}");
    assert!(ranges(&["a"], 1.0, false).text(80).contains("estimated: the true ends may lie further out"));
    assert!(fairness(1, METRIC, 1.0).text(80).contains("estimated: the true one may be wider"));
}

#[test]
fn a_fairness_scatter_draws_every_model_or_a_cell_that_counts_it() {
    let circles = |n| {
        let scene = fairness(n, METRIC, 1.0).scene(860.0);
        scene.marks.iter().filter(|mark| matches!(mark, Mark::Circle { .. })).count()
    };
    // Three circles are the ring of the best.
    assert_eq!([circles(400), circles(2_000), circles(2_001)], [403, 2_003, 3]);
    assert!(fairness(2_001, METRIC, 1.0).text(80).contains("2001 places, binned into cells"));
}

#[test]
fn long_counts_are_rounded_and_short_ones_are_whole() {
    let said = ["0", "97", "123456789012", "1234567890123", "many"].map(digits);
    let whole = "123\u{202f}456\u{202f}789\u{202f}012";
    assert_eq!(said, ["0", "97", whole, "1.23·10¹²", "many"]);
    assert_eq!([0.0, 0.001, 0.37, 0.996, 1.0].map(hundredths), ["0", "<1", "37", ">99", "100"]);
}
