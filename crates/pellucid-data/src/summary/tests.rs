use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::table::Kind;

const HOW: Summarizing = Summarizing { common: 4, bins: 12 };

/// Numbers of which some are equal, some are missing, and some are hard.
fn numbers() -> impl Strategy<Value = Vec<f64>> {
    let one = prop_oneof![
        6 => (-5_i32..5).prop_map(f64::from),
        3 => -1e3_f64..1e3,
        1 => any::<f64>(),
        1 => Just(f64::NAN),
        1 => prop_oneof![Just(-0.0), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(1e-300), Just(f64::MAX)],
    ];
    prop::collection::vec(one, 0..60)
}

fn text(codes: &[u32]) -> Column {
    let levels = Arc::new(["b", "a", "c", ""].map(str::to_owned).to_vec());
    let codes = codes.iter().map(|&code| if code > 3 { Categories::MISSING } else { code }).collect();
    Column::Category(Categories { codes, levels })
}

fn some(n: usize, bits: &[bool]) -> RowSet {
    RowSet::from_fn(n, |row| bits.get(row).copied().unwrap_or(true))
}

fn asked(column: &Column, rows: &RowSet) -> Summary {
    summary(column, rows, false, HOW, &Control::quiet()).unwrap()
}

proptest! {
    #[test]
    fn numbers_are_counted_as_by_hand(all in numbers(), bits in prop::collection::vec(any::<bool>(), 60)) {
        let rows = some(all.len(), &bits);
        let found = asked(&Column::Number(all.clone()), &rows);
        let own: Vec<f64> = rows.iter().map(|row| all[row]).collect();
        let known: Vec<f64> = own.iter().copied().filter(|x| !x.is_nan()).collect();
        prop_assert_eq!((found.n_rows, found.n_missing), (own.len(), own.len() - known.len()));
        // Every value against every other.
        let times = |x: f64| known.iter().filter(|&&other| other == x).count();
        let mut distinct: Vec<f64> = Vec::new();
        known.iter().for_each(|&x| if !distinct.contains(&x) { distinct.push(x + 0.0) });
        prop_assert_eq!(found.n_distinct, distinct.len());
        let Values::Numbers(numbers) = &found.values else {
            prop_assert!(known.is_empty());
            return Ok(());
        };
        distinct.sort_by(|a, b| times(*b).cmp(&times(*a)).then(a.total_cmp(b)));
        let common: Vec<(f64, usize)> = distinct.iter().take(HOW.common).map(|&x| (x, times(x))).collect();
        prop_assert_eq!(&numbers.common, &common);
        let low = known.iter().copied().fold(f64::INFINITY, f64::min);
        prop_assert!(numbers.low == low && numbers.high == known.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        // A quartile has its share of the values at or below it, and the rest at or above.
        for (quartile, share) in numbers.quartiles.iter().zip([0.25, 0.5, 0.75]) {
            let (below, above) = (known.iter().filter(|x| *x < quartile).count(), known.iter().filter(|x| *x > quartile).count());
            let last = (known.len() - 1) as f64;
            prop_assert!(below as f64 <= (share * last).ceil() && above as f64 <= ((1.0 - share) * last).ceil(), "{quartile}");
        }
        prop_assert_eq!(median(&mut known.clone()), numbers.quartiles[1]);
        let finite: Vec<f64> = known.iter().copied().filter(|x| x.is_finite()).collect();
        prop_assert_eq!(numbers.n_infinite, known.len() - finite.len());
        let mean = finite.iter().map(|x| x / finite.len() as f64).sum::<f64>();
        let size = finite.iter().map(|x| x.abs() / finite.len() as f64).sum::<f64>();
        prop_assert!(finite.is_empty() || (numbers.mean - mean).abs() <= 1e-12 * size, "{} {mean}", numbers.mean);
        let (edges, counts) = &numbers.bins;
        prop_assert_eq!(counts.iter().sum::<usize>(), finite.len());
        for (bin, n) in counts.iter().enumerate() {
            let is_last = bin + 1 == counts.len();
            let holds = |x: &&f64| **x >= edges[bin] && (**x < edges[bin + 1] || is_last && **x == edges[bin + 1]);
            prop_assert_eq!(*n, finite.iter().filter(holds).count());
        }
        // The same by rows, one at a time.
        let tallied = tally(&Column::Number(all.clone()), &rows, &Bars::Edges(edges.clone()), None);
        prop_assert_eq!(&tallied[0][..counts.len()], &counts[..]);
        prop_assert_eq!(tallied[0][counts.len()], numbers.n_infinite);
    }

    #[test]
    fn edges_are_round_and_hold_all(low in -1e9_f64..1e9, span in prop_oneof![1e-6_f64..1e9, Just(0.0)], most in 1_usize..50, whole in any::<bool>()) {
        let (low, high) = if whole { (low.round(), (low + span).round()) } else { (low, low + span) };
        let found = edges(low, high, most, whole);
        prop_assert!(found[0] <= low && *found.last().unwrap() >= high && found.len() >= 2 && found.len() <= most + 2);
        prop_assert!(low == high || found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
        prop_assert!(!whole || low == high || found.windows(2).all(|pair| pair[1] - pair[0] >= 1.0), "{found:?}");
    }

    #[test]
    fn text_is_counted_as_by_hand(codes in prop::collection::vec(0_u32..6, 0..40), bits in prop::collection::vec(any::<bool>(), 40)) {
        let column = text(&codes);
        let rows = some(codes.len(), &bits);
        let found = asked(&column, &rows);
        let own: Vec<u32> = rows.iter().map(|row| codes[row]).collect();
        let known: Vec<u32> = own.iter().copied().filter(|&code| code < 4).collect();
        prop_assert_eq!((found.n_rows, found.n_missing), (own.len(), own.len() - known.len()));
        // By frequency, then by the text: "", a, b, c.
        let mut all: Vec<(u32, usize)> = [3, 1, 0, 2].into_iter().map(|code| (code, known.iter().filter(|&&own| own == code).count())).collect();
        all.retain(|one| one.1 > 0);
        all.sort_by_key(|one| std::cmp::Reverse(one.1));
        prop_assert_eq!(found.n_distinct, all.len());
        match found.values {
            Values::Text(text) => prop_assert_eq!(text.common, all),
            _ => prop_assert!(all.is_empty()),
        }
    }

    #[test]
    fn parts_hold_every_row_once(all in numbers(), codes in prop::collection::vec(0_u32..6, 60), bits in prop::collection::vec(any::<bool>(), 60)) {
        let rows = some(all.len(), &bits);
        let codes = &codes[..all.len()];
        for column in [Column::Number(all.clone()), text(codes)] {
            let found = split(&column, &rows);
            prop_assert!(found.parts.len() <= 6);
            let mut sizes = vec![0; found.parts.len()];
            for row in 0..all.len() {
                let Some(part) = found.part(row) else {
                    prop_assert!(!rows.contains(row));
                    continue;
                };
                sizes[part] += 1;
                let fits = match (found.parts[part], &column) {
                    (Part::Value(x), Column::Number(all)) => all[row] == x,
                    (Part::UpTo(x), Column::Number(all)) => all[row] <= x,
                    (Part::Above(x), Column::Number(all)) => all[row] > x,
                    (Part::Missing, Column::Number(all)) => all[row].is_nan(),
                    (Part::Level(code), Column::Category(own)) => own.codes[row] == code,
                    (Part::Missing, Column::Category(own)) => own.text(row).is_none(),
                    _ => false,
                };
                prop_assert!(fits, "{:?} {row}", found.parts[part]);
            }
            prop_assert!(sizes.iter().all(|n| *n > 0), "{sizes:?}");
            // Counts by part add up to those without parts.
            let bars = Bars::Values(vec![-1.0, 0.0, 2.0]);
            let (whole, parts) = (tally(&column, &rows, &bars, None), tally(&column, &rows, &bars, Some(&found)));
            for bar in 0..4 {
                prop_assert_eq!(parts.iter().map(|own| own[bar]).sum::<usize>(), whole[0][bar]);
            }
        }
    }
}

fn told(columns: Vec<Column>) -> Vec<Option<Twin>> {
    let rows = RowSet::full(columns[0].len());
    let summaries: Vec<Summary> = columns.iter().map(|column| asked(column, &rows)).collect();
    twins(&columns, &summaries, &rows, &Control::quiet()).unwrap()
}

#[test]
fn columns_that_say_the_same_are_found() {
    let number = |values: &[f64]| Column::Number(values.to_vec());
    let nan = f64::NAN;
    let columns = vec![
        number(&[1.0, 2.0, 1.0, nan, 3.0, 3.0]),
        text(&[0, 1, 0, 9, 2, 2]),
        number(&[1.0, 2.0, 1.0, nan, 3.0, 3.0]),
        // As many values and as many missing, in another order.
        number(&[2.0, 1.0, 1.0, nan, 3.0, 3.0]),
        // Missing in another row.
        number(&[1.0, 2.0, nan, 1.0, 3.0, 3.0]),
        text(&[0, 1, 0, 9, 2, 2]),
        number(&[7.0; 6]),
        number(&[8.0; 6]),
        number(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        number(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]),
    ];
    let found = told(columns);
    assert_eq!(found[..3], [None, Some(Twin::OneToOne(0)), Some(Twin::Same(0))]);
    assert_eq!(found[3..5], [None, None]);
    assert_eq!(found[5], Some(Twin::Same(1)), "the same is more than one to one with another");
    assert_eq!(found[6..], [None; 4], "what is constant or unique goes together with anything");
}

/// What [`twins`] promises, from its words: every column against every one before it.
fn twins_by_definition(columns: &[Column]) -> Vec<Option<Twin>> {
    let cell = |column: &Column, row: usize| match column {
        Column::Number(all) => (!all[row].is_nan()).then(|| format!("{}", all[row] + 0.0)),
        Column::Category(all) => all.text(row).map(|text| format!("“{text}”")),
    };
    let cells = |column: &Column| (0..column.len()).map(|row| cell(column, row)).collect::<Vec<_>>();
    let all: Vec<Vec<Option<String>>> = columns.iter().map(cells).collect();
    let own = |at: usize| {
        let column = &all[at];
        let known: Vec<&String> = column.iter().flatten().collect();
        let mut distinct = known.clone();
        distinct.sort();
        distinct.dedup();
        if known.is_empty() {
            return None;
        }
        if let Some(same) = (0..at).find(|&other| all[other] == *column) {
            return Some(Twin::Same(same));
        }
        // A constant, and what differs everywhere, goes together with anything.
        if distinct.len() < 2 || distinct.len() == known.len() {
            return None;
        }
        let together = |other: &Vec<Option<String>>| {
            let pairs = || column.iter().zip(other);
            pairs().all(|(a, b)| a.is_some() == b.is_some())
                && pairs().all(|(a, b)| pairs().all(|(x, y)| (a == x) == (b == y)))
        };
        (0..at).find(|&other| together(&all[other])).map(Twin::OneToOne)
    };
    (0..columns.len()).map(own).collect()
}

proptest! {
    #[test]
    fn twins_are_those_of_the_definition(
        drawn in prop::collection::vec((any::<bool>(), prop::collection::vec(0_u32..6, 5)), 1..30),
    ) {
        let of = |(is_text, codes): &(bool, Vec<u32>)| {
            let number = |&code: &u32| if code > 3 { f64::NAN } else { f64::from(code) - 1.0 };
            if *is_text { text(codes) } else { Column::Number(codes.iter().map(number).collect()) }
        };
        let columns: Vec<Column> = drawn.iter().map(of).collect();
        prop_assert_eq!(told(columns.clone()), twins_by_definition(&columns));
    }
}

#[test]
fn prints_tell_texts_apart() {
    // Of one shape; one after the other their letters are the same.
    let of = |levels: [&str; 4]| {
        let levels = Arc::new(levels.map(str::to_owned).to_vec());
        Column::Category(Categories { codes: vec![0, 1, 2, 3, Categories::MISSING], levels })
    };
    let columns = vec![of(["ab", "c", "d", ""]), of(["a", "bc", "d", ""]), of(["a", "bc", "d", ""])];
    assert_eq!(told(columns), [None, None, Some(Twin::Same(1))]);
}

#[test]
fn what_stands_out_is_told() {
    let of = |column: &Column, kind| findings(&asked(column, &RowSet::full(column.len())), kind, None);
    let number = |values: Vec<f64>| Column::Number(values);
    assert_eq!(of(&number(vec![f64::NAN; 5]), Kind::Float64), [Finding::Empty]);
    assert_eq!(of(&number(vec![2.0; 5]), Kind::Float64), [Finding::Constant]);
    assert_eq!(of(&number(vec![2.0]), Kind::Float64), []);
    let nearly: Vec<f64> = (0..100).map(|row| f64::from(u8::from(row < 4))).collect();
    assert_eq!(of(&number(nearly), Kind::Integer), [Finding::NearlyConstant(0.96)]);
    let each: Vec<f64> = (0..30).map(f64::from).collect();
    assert_eq!(of(&number(each.clone()), Kind::Integer), [Finding::Identifier]);
    assert_eq!(of(&number(each[..10].to_vec()), Kind::Integer), []);
    assert_eq!(of(&number(each), Kind::Float64), []);
    let half = vec![1.0, f64::NAN, 2.0, f64::INFINITY];
    assert_eq!(of(&number(half), Kind::Float64), [Finding::ManyMissing(0.25), Finding::Infinite(1)]);
    let twin = Twin::OneToOne(3);
    let own = asked(&text(&[0, 1, 2]), &RowSet::full(3));
    assert_eq!(findings(&own, Kind::Category, Some(twin)), [Finding::Repeats(twin)]);
    assert_eq!(findings(&asked(&text(&[0]), &RowSet::empty(1)), Kind::Category, None), []);
}

#[test]
fn quartiles_lie_between_neighbours() {
    let found = asked(&Column::Number(vec![4.0, 1.0, 3.0, 2.0]), &RowSet::full(4));
    let Values::Numbers(numbers) = found.values else { unreachable!() };
    assert_eq!(numbers.quartiles, [1.75, 2.5, 3.25]);
    assert_eq!(edges(17.0, 90.0, 20, true), (3..=19).map(|k| f64::from(k) * 5.0).collect::<Vec<_>>());
    assert_eq!(edges(0.0, 0.3, 4, false), [0.0, 0.1, 0.2, 0.3, 0.4]);
    assert_eq!(edges(1.0, 3.0, 20, true), [1.0, 2.0, 3.0, 4.0]);
    let all = edges(-f64::MAX, f64::MAX, 3, false);
    assert!(all.iter().all(|edge| edge.is_finite()) && all.len() == 4, "{all:?}");
}

#[test]
fn who_asks_to_stop_is_heard() {
    struct Impatient;
    impl crate::Watch for Impatient {
        fn advance(&self, _: usize) {}
        fn should_stop(&self) -> bool {
            true
        }
    }
    let control = Control { watch: &Impatient, ..Control::quiet() };
    let column = Column::Number(vec![1.0]);
    assert!(summary(&column, &RowSet::full(1), false, HOW, &control).is_err());
    assert!(twins(&[column], &[], &RowSet::full(1), &control).is_ok(), "nothing to look at");
}
