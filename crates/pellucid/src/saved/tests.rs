//! Is what was saved read back as it was, and is what was changed refused?

use std::num::NonZeroUsize;

use pellucid_data::read::{ArrowReader, ParquetReader, ReadBatches, ReadOptions};
use pellucid_data::table::{Column, Kind, Schema};
use pellucid_data::write::{Heading, WriteBatches as _, ipc, parquet::ParquetWriter};
use pellucid_data::{Field, Quiet, Table};

use super::*;

fn names(n_outputs: usize) -> Vec<String> {
    let of = |output: usize| {
        let suffix = if n_outputs == 1 { String::new() } else { format!("@{output}") };
        ["age", "sex", "base_value", "residual"].map(|name| format!("{name}{suffix}"))
    };
    (0..n_outputs).flat_map(of).collect()
}

fn said() -> Vec<(String, String)> {
    [
        ("schema", SCHEMA),
        ("version", "0.1.0"),
        ("game", "path-dependent Shapley values"),
        ("method", "auto"),
        ("exact", "true"),
        ("output_space", "margin"),
        ("unit", "log-odds"),
        ("margin_unit", "log-odds"),
        ("model_sha256", "00ff"),
    ]
    .map(|(key, value)| (format!("pellucid.{key}"), value.to_owned()))
    .to_vec()
}

/// Rows of two features; several row groups of them in a Parquet file.
fn columns_of(n: usize) -> Vec<Vec<f64>> {
    let age = (0..n).map(|row| row as f64 - 10.0).collect();
    let sex = (0..n).map(|row| if row % 2 == 0 { 0.5 } else { -0.25 }).collect();
    let residual = (0..n).map(|row| if row == n / 2 { 3e-16 } else { 1e-16 }).collect();
    vec![age, sex, vec![0.125; n], residual]
}

fn parquet(columns: &[Vec<f64>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Box::new(ParquetWriter::new(&mut bytes, Heading::numbers(&names(1)), &said()).unwrap());
    writer.write(columns).unwrap();
    writer.finish().unwrap();
    bytes
}

fn summed(bytes: &[u8], threads: usize) -> Result<(Saved, Summed), SavedError> {
    let bytes = bytes::Bytes::from(bytes.to_vec());
    let open = || -> Result<Box<dyn ReadBatches>, SavedError> {
        if bytes.starts_with(b"PAR1") {
            return Ok(Box::new(ParquetReader::new(bytes.clone(), &ReadOptions::default())?));
        }
        Ok(Box::new(ArrowReader::file(bytes.clone())?))
    };
    let reader = open()?;
    let Seen::Explanation(saved) = seen(reader.all_names(), &reader.notes())? else {
        panic!("no explanation")
    };
    let summed = saved.summed(&open, NonZeroUsize::new(threads).unwrap(), &Quiet)?;
    Ok((*saved, summed))
}

#[test]
fn all_rows_are_summed_up_whatever_the_threads_and_the_format() {
    let n = 1_100_000;
    let columns = columns_of(n);
    let bytes = parquet(&columns);
    let (saved, one) = summed(&bytes, 1).unwrap();
    assert_eq!(one, summed(&bytes, 3).unwrap().1);
    assert_eq!(
        (saved.features.as_slice(), saved.n_outputs),
        (["age".to_owned(), "sex".to_owned()].as_slice(), 1)
    );
    assert_eq!(saved.method, "path-dependent Shapley values, exact");
    let totals = &one.totals[0];
    assert_eq!((totals.n_rows, totals.worst_residual, one.base.as_slice()), (n, 3e-16, [0.125].as_slice()));
    for (feature, column) in columns.iter().take(2).enumerate() {
        let exact: f64 = column.iter().map(|value| value.abs()).sum();
        assert!((totals.absolute[feature] - exact).abs() <= 1e-12 * exact);
    }
    assert!((5_000..=20_000).contains(&one.rows.len()), "{}", one.rows.len());
    let subject = saved.subject(&one, 0, None, of_nothing(&saved, &one));
    for (at, &row) in one.rows.iter().enumerate().step_by(997) {
        assert_eq!(subject.row_values(at), [columns[0][row], columns[1][row]]);
        assert_eq!(subject.margins[at], 0.125 + (columns[0][row] + columns[1][row]));
    }
    assert!(!subject.has_values());

    let small = columns_of(500);
    let arrow = ipc::to_bytes(&names(1), &small, &said()).unwrap();
    assert_eq!(summed(&arrow, 2).unwrap().1, summed(&parquet(&small), 2).unwrap().1);
}

#[test]
fn several_outputs_are_told_apart() {
    let found = seen(&names(3), &said()).unwrap();
    let Seen::Explanation(saved) = found else { panic!("no explanation") };
    assert_eq!((saved.features.len(), saved.n_outputs), (2, 3));
}

#[test]
fn what_was_changed_is_refused_with_its_place() {
    let wrong = |names: &[String], notes: &[(String, String)]| seen(names, notes).unwrap_err().to_string();
    let mut without = names(1);
    without.pop();
    assert!(wrong(&without, &said()).contains("no column `residual`"));
    let mut late = names(1);
    late.swap(1, 3);
    assert!(wrong(&late, &said()).contains("column 4 is `sex`, where `residual` is expected"));
    let mut silent = said();
    silent.retain(|(key, _)| key != "pellucid.exact");
    assert!(wrong(&names(1), &silent).contains("pellucid.exact"));
    let mut boasting = said();
    boasting[3].1 = "approximate".to_owned();
    assert!(wrong(&names(1), &boasting).contains("does not fit"));
    let mut swapped = names(2);
    swapped.swap(0, 1);
    assert!(wrong(&swapped, &said()).contains("is expected"));

    let at_fault = |change: &dyn Fn(&mut Vec<Vec<f64>>)| {
        let mut columns = columns_of(40);
        change(&mut columns);
        summed(&parquet(&columns), 2).unwrap_err().to_string()
    };
    assert!(at_fault(&|columns| columns[1][7] = f64::NAN).contains("row 7 has no value of `sex`"));
    assert!(at_fault(&|columns| columns[2][9] = 1.0).contains("row 9 has another base"));
    assert!(at_fault(&|columns| columns[3][11] = -1.0).contains("row 11 has no residual"));
    assert!(at_fault(&|columns| columns.iter_mut().for_each(Vec::clear)).contains("no rows"));
    assert_eq!(seen(&names(1), &[]).unwrap(), Seen::Bare);
    assert_eq!(seen(&["a".to_owned()], &[]).unwrap(), Seen::Other);
}

#[test]
fn a_residual_that_is_more_than_rounding_is_named() {
    let mut columns = columns_of(40);
    columns[3][21] = 1e-3;
    columns[3][30] = 1e-2;
    assert_eq!(summed(&parquet(&columns), 1).unwrap().1.doubtful, Some(21));
}

/// The same with a number for each row, as rows have that were chosen.
fn numbered(numbers: Vec<f64>) -> Vec<u8> {
    let mut columns = columns_of(numbers.len());
    columns.push(numbers);
    let names: Vec<String> = names(1).into_iter().chain(["row".to_owned()]).collect();
    let more = [("where", "age is at least 40"), ("table_rows", "3300001")];
    let more = more.map(|(key, value)| (format!("pellucid.{key}"), value.to_owned()));
    let said: Vec<_> = said().into_iter().chain(more).collect();
    let mut bytes = Vec::new();
    let mut writer = Box::new(ParquetWriter::new(&mut bytes, Heading::numbers(&names), &said).unwrap());
    writer.write(&columns).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn rows_that_were_chosen_are_found_in_their_table_by_number() {
    // Several row groups, so that numbers are told of parts.
    let n = 1_100_000;
    let bytes = numbered((0..n).map(|row| (3 * row + 1) as f64).collect());
    let (saved, one) = summed(&bytes, 3).unwrap();
    assert_eq!((saved.table_rows, saved.features.len()), (Some(3_300_001), 2));
    assert_eq!(one, summed(&bytes, 1).unwrap().1);
    assert_eq!(one.in_table(), one.rows.iter().map(|row| 3 * row + 1).collect::<Vec<_>>());
    let plain = summed(&parquet(&columns_of(n)), 2).unwrap().1;
    assert_eq!(
        (&one.totals, &one.rows, plain.in_table()),
        (&plain.totals, &plain.rows, plain.rows.as_slice())
    );

    let table = |n: usize| {
        let field = Field { name: "age".to_owned(), kind: Kind::Float64 };
        let ages = Column::Number((0..n).map(|row| row as f64 / 2.0).collect());
        Table::new(Schema { fields: vec![field] }.into(), vec![ages], n).unwrap()
    };
    let few = numbered(vec![2.0, 7.0, 8.0, 30.0]);
    let (saved, one) = summed(&few, 1).unwrap();
    let (features, absent) = of_data(&saved, &one, &table(31));
    assert_eq!(
        (features[0].numbers.as_slice(), absent),
        ([1.0, 3.5, 4.0, 15.0].as_slice(), vec!["sex".to_owned()])
    );
    let mut reader = ParquetReader::new(few.into(), &ReadOptions::default()).unwrap();
    let alone = saved.row(&mut reader, 2).unwrap().unwrap();
    assert_eq!((alone.rows.as_slice(), alone.in_table()), ([2].as_slice(), [8].as_slice()));

    for (numbers, row) in [
        (vec![1.0, 2.5, 3.0], "its row 1 is said to be row 2.5 of a table of 3300001 rows"),
        (vec![1.0, 2.0, 2.0], "2 follows 2"),
        (vec![5.0, 4.0, 6.0], "4 follows 5"),
        (vec![-1.0, 4.0, 6.0], "its row 0 is"),
        (vec![f64::NAN, 4.0, 6.0], "its row 0 is"),
        (vec![1.0, 3_300_001.0, 6e9], "its row 1 is"),
    ] {
        let said = summed(&numbered(numbers), 2).unwrap_err().to_string();
        assert!(said.contains(row), "{said}");
    }
    // Of several outputs one column; and beside a feature of that name it has another one.
    let several: Vec<String> = names(3).into_iter().chain(["row".to_owned()]).collect();
    let told: Vec<_> =
        self::said().into_iter().chain([("pellucid.table_rows".to_owned(), "9".to_owned())]).collect();
    let Seen::Explanation(saved) = seen(&several, &told).unwrap() else { panic!("no explanation") };
    assert_eq!((saved.features.len(), saved.n_outputs, saved.table_rows), (2, 3, Some(9)));
    let mut own = names(1);
    "row".clone_into(&mut own[0]);
    assert_eq!((number_beside(&own), number_beside(&names(1))), ("row_number", "row"));
    own.push("row_number".to_owned());
    let Seen::Explanation(saved) = seen(&own, &told).unwrap() else { panic!("no explanation") };
    assert_eq!((saved.features, saved.table_rows), (vec!["row".to_owned(), "sex".to_owned()], Some(9)));
    // One without the other is neither.
    assert!(seen(&several, &self::said()).unwrap_err().to_string().contains("pellucid.table_rows"));
    assert!(seen(&names(1), &told).unwrap_err().to_string().contains("no column with the number"));
}

#[test]
fn a_row_alone_is_what_it_is_among_all() {
    let columns = columns_of(40_000);
    let parquet = parquet(&columns);
    let mut arrow = Vec::new();
    let mut writer = Box::new(ipc::IpcWriter::new(&mut arrow, Heading::numbers(&names(1)), &said()).unwrap());
    for first in (0..40_000).step_by(7_000) {
        let part: Vec<Vec<f64>> =
            columns.iter().map(|own| own[first..(first + 7_000).min(40_000)].to_vec()).collect();
        writer.write(&part).unwrap();
    }
    writer.finish().unwrap();
    for bytes in [bytes::Bytes::from(parquet), bytes::Bytes::from(arrow)] {
        let open = || -> Box<dyn ReadBatches> {
            if bytes.starts_with(b"PAR1") {
                return Box::new(ParquetReader::new(bytes.clone(), &ReadOptions::default()).unwrap());
            }
            Box::new(ArrowReader::file(bytes.clone()).unwrap())
        };
        let reader = open();
        assert_eq!(reader.n_rows(), Some(40_000));
        let Seen::Explanation(saved) = seen(reader.all_names(), &reader.notes()).unwrap() else { panic!() };
        for row in [0, 1, 6_999, 7_000, 16_384, 20_000, 39_999] {
            let one = saved.row(open().as_mut(), row).unwrap().unwrap();
            assert_eq!(one.rows, [row]);
            let subject = saved.subject(&one, 0, None, of_nothing(&saved, &one));
            assert_eq!(subject.values, [columns[0][row], columns[1][row]], "row {row}");
            assert_eq!(subject.margins, [0.125 + columns[0][row] + columns[1][row]]);
            assert_eq!(subject.totals.worst_residual, columns[3][row]);
        }
        assert_eq!(saved.row(open().as_mut(), 40_000).unwrap(), None);
        assert_eq!(saved.row(open().as_mut(), usize::MAX).unwrap(), None);
    }
}
